//! What becomes of the copy of an issue that was deleted in its source: the keys `deleted` and `deleted_label`.

use serde::Deserialize;

/// What is done with the copy of an issue that was deleted in the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Deleted {
    /// Nothing, and nothing is asked.
    Ignore,
    /// It gets a label and is carried over no more.
    Mark,
    /// It is deleted where nobody but us worked on it, and marked otherwise.
    Delete,
}

/// The label, unless another one is configured.
const LABEL: &str = "deleted-in-source";
/// Jira's limit, in characters.
const LONGEST: usize = 255;

/// The keys as they count.
///
/// # Errors
/// What is wrong, in words that follow `sync NAME: `.
pub(super) fn checked(how: Option<Deleted>, label: Option<String>) -> Result<(Deleted, String), String> {
    let how = how.unwrap_or(Deleted::Ignore);
    match label {
        None => Ok((how, LABEL.to_owned())),
        Some(_) if how == Deleted::Ignore => {
            Err("deleted_label is for deleted = \"mark\" or \"delete\" alone".to_owned())
        }
        Some(label) if label.is_empty() || label.contains(char::is_whitespace) || label.chars().count() > LONGEST => {
            Err(format!("deleted_label {label:?} is no label: it needs 1 to {LONGEST} characters and no space"))
        }
        Some(label) => Ok((how, label)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_one_word_and_needs_something_to_mark() {
        assert_eq!(checked(None, None).unwrap(), (Deleted::Ignore, LABEL.to_owned()));
        assert_eq!(checked(Some(Deleted::Mark), Some("gone".into())).unwrap(), (Deleted::Mark, "gone".to_owned()));
        for (how, label) in [
            (None, "gone".to_owned()),
            (Some(Deleted::Ignore), "gone".to_owned()),
            (Some(Deleted::Mark), String::new()),
            (Some(Deleted::Delete), "two words".to_owned()),
            (Some(Deleted::Mark), "x".repeat(256)),
        ] {
            assert!(checked(how, Some(label.clone())).is_err(), "{how:?} {label}");
        }
    }
}

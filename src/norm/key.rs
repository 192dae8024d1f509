//! The form of an identifier that keyed hashes are taken of.

use super::{bare, fold};
use crate::model::IdentifierKind;

/// The form of `value` that a keyed hash is taken of, and that structured fields are compared by.
///
/// * account id: as it is, without surrounding white space (account ids are opaque);
/// * user name, user key: folded;
/// * e-mail: folded, the plus tag dropped;
/// * full name, alias: bare, cut into words at everything that is neither letter nor digit, the words sorted, so that
///   "Doe, Jane" and "Jane Doe" are one;
/// * phone: digits alone; a leading `+` or `00` and a `(0)` in the middle dropped.
#[must_use]
pub fn key_form(kind: IdentifierKind, value: &str) -> String {
    match kind {
        IdentifierKind::AccountId => value.trim().to_owned(),
        IdentifierKind::Username | IdentifierKind::UserKey => fold(value).text().trim().to_owned(),
        IdentifierKind::Email => email(value),
        IdentifierKind::FullName | IdentifierKind::Alias => name(value),
        IdentifierKind::Phone => phone(value),
    }
}

fn email(value: &str) -> String {
    let folded = fold(value);
    let whole = folded.text().trim();
    let whole = whole.strip_prefix("mailto:").unwrap_or(whole);
    let Some((local, domain)) = whole.rsplit_once('@') else { return whole.to_owned() };
    let mailbox = match local.split_once('+') {
        Some((mailbox, _)) if !mailbox.is_empty() => mailbox,
        _ => local,
    };
    format!("{mailbox}@{}", domain.trim_end_matches('.'))
}

fn name(value: &str) -> String {
    let bared = bare(value);
    let mut words: Vec<&str> = bared.text().split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect();
    words.sort_unstable();
    words.join(" ")
}

fn phone(value: &str) -> String {
    let folded = fold(value);
    let text = folded.text().trim().replace("(0)", "");
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    digits.strip_prefix("00").map_or(digits.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Golden vectors of `norm/1`'s key forms.
    #[test]
    fn golden_key_forms() {
        use IdentifierKind as K;
        for (kind, value, form) in [
            (K::AccountId, " 557058:0aB1-c ", "557058:0aB1-c"),
            (K::Username, "J\u{ad}Doe ", "jdoe"),
            (K::UserKey, "JIRAUSER10100", "jirauser10100"),
            (K::Username, "zoë", "zoë"),
            (K::Email, "Zoe.X+jira@Corp.Example", "zoe.x@corp.example"),
            (K::Email, "mailto:+x@corp.example.", "+x@corp.example"),
            (K::FullName, "Müller, Zoë", "muller zoe"),
            (K::FullName, "  Zoë   MÜLLER", "muller zoe"),
            (K::FullName, "Jean-Luc d’Arc", "arc d jean luc"),
            (K::Alias, "Łukasz", "lukasz"),
            (K::Phone, "+49 (0)170 / 123-4567", "491701234567"),
            (K::Phone, "0049 170 1234567", "491701234567"),
            (K::Phone, "0170 1234567", "01701234567"),
        ] {
            assert_eq!(key_form(kind, value), form, "{kind:?} {value:?}");
        }
    }
}

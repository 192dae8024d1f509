//! Names and keys as newtypes: no bare `String` id crosses a module.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Why a text is not a valid name or key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} {given:?} is not valid: {rule}")]
pub struct IdError {
    what: &'static str,
    given: String,
    rule: &'static str,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $rule:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The text as it was given.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(s: &str) -> Result<Self, IdError> {
                let ok: fn(&str) -> bool = $check;
                if ok(s) {
                    Ok(Self(s.to_owned()))
                } else {
                    Err(IdError { what: $what, given: s.to_owned(), rule: $rule })
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(s: String) -> Result<Self, IdError> {
                s.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

fn folder_safe(s: &str) -> bool {
    !s.is_empty()
        && s.len() <= 64
        && !s.starts_with(['.', '-'])
        && s.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

id!(
    /// The name of an instance in the configuration, such as `hq`.
    InstanceName,
    "instance name",
    "letters, digits, '-', '_' and '.', at most 64, no '.' or '-' at the start",
    folder_safe
);
id!(
    /// The name of a synchronization in the configuration; also the name of its staging folder.
    SyncName,
    "synchronization name",
    "letters, digits, '-', '_' and '.', at most 64, no '.' or '-' at the start",
    folder_safe
);
id!(
    /// A Jira project key, such as `HQ`.
    ProjectKey,
    "project key",
    "a letter, then letters, digits or '_'",
    |s| s.len() <= 255
        && s.starts_with(|c: char| c.is_ascii_alphabetic())
        && s.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
);
id!(
    /// A Jira issue key, such as `HQ-12`.
    IssueKey,
    "issue key",
    "a project key, '-', a number",
    |s| s.rsplit_once('-').is_some_and(|(p, n)| {
        p.parse::<ProjectKey>().is_ok() && !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit())
    })
);
id!(
    /// The operator's handle of a subject (`--id KEY`). May itself hint at a person, so it is sealed at rest.
    SubjectKey,
    "subject key",
    "1 to 200 characters, no control characters",
    |s| !s.is_empty() && s.chars().count() <= 200 && !s.chars().any(char::is_control)
);
id!(
    /// The id of a case: `C-` and a ULID.
    CaseId,
    "case id",
    "'C-' and 26 letters or digits",
    |s| s.strip_prefix("C-").is_some_and(|u| u.len() == 26 && u.bytes().all(|b| b.is_ascii_alphanumeric()))
);

id!(
    /// The id of a hold: `H-` and a ULID.
    HoldId,
    "hold id",
    "'H-' and 26 letters or digits",
    |s| s.strip_prefix("H-").is_some_and(|u| u.len() == 26 && u.bytes().all(|b| b.is_ascii_alphanumeric()))
);

impl IssueKey {
    /// The project part of the key.
    #[must_use]
    pub fn project(&self) -> ProjectKey {
        let (project, _) = self.0.rsplit_once('-').unwrap_or((&self.0, ""));
        ProjectKey(project.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issue_keys() {
        for good in ["HQ-1", "A_B2-99"] {
            assert!(good.parse::<IssueKey>().is_ok(), "{good}");
        }
        for bad in ["", "HQ", "HQ-", "-1", "HQ-1x", "1A-2", "HQ-1/../x"] {
            assert!(bad.parse::<IssueKey>().is_err(), "{bad}");
        }
        assert_eq!("HQ-7".parse::<IssueKey>().unwrap().project().as_str(), "HQ");
    }

    #[test]
    fn folder_names_cannot_leave_the_folder() {
        for bad in ["", "..", ".x", "a/b", "a\\b", "-rf"] {
            assert!(bad.parse::<SyncName>().is_err(), "{bad}");
        }
    }
}

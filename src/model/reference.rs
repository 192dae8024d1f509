//! References: one occurrence of a subject in one field of one record, with the exact position to cut.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{InstanceName, Place, ProjectKey, RecordRef, RecordTimes};

/// What kind of reference it is, spelled as in `efface.scan/1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReferenceKind {
    /// A Cloud account id.
    AccountId,
    /// A Data Center user key.
    UserKey,
    /// A Data Center user name.
    Username,
    /// An e-mail address.
    Email,
    /// A full name.
    FullName,
    /// A mention in rich text.
    Mention,
    /// A phone number.
    Phone,
    /// An avatar URL of the person.
    Avatar,
    /// Another name that was confirmed for the person.
    Alias,
}

impl ReferenceKind {
    /// The spelling used in JSON and policies.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AccountId => "account-id",
            Self::UserKey => "user-key",
            Self::Username => "username",
            Self::Email => "email",
            Self::FullName => "full-name",
            Self::Mention => "mention",
            Self::Phone => "phone",
            Self::Avatar => "avatar",
            Self::Alias => "alias",
        }
    }
}

/// How sure a reference is; ordered from weak to strong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Strength {
    /// Part of a name, a namesake, a fuzzy match.
    Possible,
    /// An identifier or full name in text.
    Probable,
    /// An identifier in a structured field or a mention.
    Certain,
}

impl Strength {
    /// The spelling used in JSON and policies.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Possible => "possible",
            Self::Probable => "probable",
            Self::Certain => "certain",
        }
    }
}

/// A byte range inside one string: of the JSON string value at `pointer` (RFC 6901), or of the whole text where `pointer`
/// is empty. `from..to` are UTF-8 byte offsets in the *decoded* string.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Piece {
    /// JSON pointer to the string; empty for a plain text.
    pub pointer: String,
    /// First byte.
    pub from: usize,
    /// One past the last byte.
    pub to: usize,
}

/// What exactly a redaction would have to cut.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "cut")]
pub enum Cut {
    /// Byte ranges of strings, in reading order: one for plain text, several where formatting splits the value.
    Text {
        /// The pieces; the first gets the placeholder, the others are emptied.
        pieces: Vec<Piece>,
    },
    /// A whole JSON value at `pointer`: an ADF mention node, a user object, an array member.
    Node {
        /// JSON pointer.
        pointer: String,
    },
    /// A JSON object's member *name* at `pointer` (pointer of the member).
    Name {
        /// JSON pointer of the member whose name holds the reference.
        pointer: String,
    },
    /// A position that cannot be cut out of its container (a file name, a member of an archive, binary content).
    Whole,
}

/// One occurrence of a subject.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reference {
    /// Which of the scanned subjects: its index in the list given to the scan.
    pub subject: usize,
    /// Which of that subject's identifiers: its index in `Subject::identifiers`.
    pub identifier: usize,
    /// Where.
    pub place: Place,
    /// The instance, for remote places.
    pub instance: Option<InstanceName>,
    /// The project, for remote places.
    pub project: Option<ProjectKey>,
    /// Which record.
    pub record: RecordRef,
    /// Which field of the record; for files the empty string or `name`.
    pub field: String,
    /// JSON pointer, XPath, line or byte range, for a person to find it.
    pub locator: String,
    /// What kind.
    pub kind: ReferenceKind,
    /// How sure.
    pub strength: Strength,
    /// The exact position.
    pub cut: Cut,
    /// When the record was made and changed.
    #[serde(default)]
    pub times: RecordTimes,
    /// The issue that the record belongs to. Never written anywhere: a label may be a person's name.
    #[serde(skip)]
    pub issue: Option<Arc<IssueFacts>>,
}

/// What a policy may ask of an issue. `None` where the instance did not say it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct IssueFacts {
    /// The name of its status.
    pub status: Option<String>,
    /// Its labels.
    pub labels: Option<Vec<String>>,
}

impl IssueFacts {
    /// What an issue's JSON says, as Jira gives it out.
    #[must_use]
    pub fn of(issue: &serde_json::Value) -> Self {
        let field = |name: &str| issue.get("fields").and_then(|f| f.get(name));
        let status = field("status").and_then(|s| s.get("name")?.as_str()).map(str::to_owned);
        let labels = field("labels").and_then(|l| l.as_array());
        let labels = labels.map(|l| l.iter().filter_map(|l| l.as_str().map(str::to_owned)).collect());
        Self { status, labels }
    }
}

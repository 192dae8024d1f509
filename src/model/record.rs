//! Records: the smallest things that can be acted on.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The type of a record, spelled as in `efface.scan/1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecordType {
    /// A staged change of one issue.
    Message,
    /// A Jira issue's own fields.
    Issue,
    /// A comment.
    Comment,
    /// A worklog.
    Worklog,
    /// An attachment: name, author and content.
    Attachment,
    /// One entry of an issue's history.
    History,
    /// A watcher of an issue.
    Watcher,
    /// A vote for an issue.
    Vote,
    /// A remote link.
    #[serde(rename = "remotelink")]
    RemoteLink,
    /// An entity property.
    Property,
    /// A file on disk, or a member of an archive.
    File,
    /// A Jira user's own profile.
    UserProfile,
    /// A row of efface's own store.
    State,
}

impl RecordType {
    /// The spelling used in JSON and policies.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Issue => "issue",
            Self::Comment => "comment",
            Self::Worklog => "worklog",
            Self::Attachment => "attachment",
            Self::History => "history",
            Self::Watcher => "watcher",
            Self::Vote => "vote",
            Self::RemoteLink => "remotelink",
            Self::Property => "property",
            Self::File => "file",
            Self::UserProfile => "user-profile",
            Self::State => "state",
        }
    }
}

/// Which record, within its place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RecordRef {
    /// The type.
    #[serde(rename = "type")]
    pub record_type: RecordType,
    /// The record's own id (Jira's comment id, a message's ULID, …).
    pub id: Option<String>,
    /// The issue that it belongs to.
    pub key: Option<String>,
    /// For files: the path relative to the area's root; a member of an archive is `outer.zip!inner.txt`.
    pub path: Option<String>,
}

impl RecordRef {
    /// A record of a Jira issue.
    pub fn of_issue(record_type: RecordType, id: impl Into<String>, key: impl Into<String>) -> Self {
        Self { record_type, id: Some(id.into()), key: Some(key.into()), path: None }
    }

    /// A file.
    pub fn file(path: impl Into<String>) -> Self {
        Self { record_type: RecordType::File, id: None, key: None, path: Some(path.into()) }
    }
}

/// When a record was made and last changed, as its own content says; `None` where it does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RecordTimes {
    /// Creation.
    pub created: Option<DateTime<Utc>>,
    /// Last change.
    pub updated: Option<DateTime<Utc>>,
}

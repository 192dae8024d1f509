//! The message: one staged change of one issue, as JSON that describes itself (`efface.message/1`).
//!
//! Owns the format. What Jira said is kept as read, so that user objects are recognised as such later.

use std::{collections::BTreeMap, fmt, str::FromStr};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use ulid::Ulid;

use super::{Relations, StagingError};
use crate::model::{InstanceName, ProjectKey, SyncName};

/// The schema that this efface writes.
pub const SCHEMA: &str = "efface.message/1";

macro_rules! staged_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(pub(crate) Ulid);

        impl $name {
            /// A new id.
            #[must_use]
            pub fn generate() -> Self {
                Self(Ulid::generate())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = StagingError;

            fn from_str(s: &str) -> Result<Self, StagingError> {
                Ulid::from_string(s).map(Self).map_err(|_| StagingError::NotAnId)
            }
        }

        impl TryFrom<String> for $name {
            type Error = StagingError;

            fn try_from(s: String) -> Result<Self, StagingError> {
                s.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }
    };
}

staged_id!(
    /// The id of a message (a ULID); also the name of its file.
    MessageId
);
staged_id!(
    /// The id of a blob, the bytes of one attachment (a ULID); also the name of its file.
    BlobId
);

/// Id and key of an issue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssueRef {
    /// Jira's id.
    pub id: String,
    /// Jira's key.
    pub key: String,
}

/// Where a message's content was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceRef {
    /// The instance.
    pub instance: InstanceName,
    /// The project.
    pub project: ProjectKey,
}

/// What a message says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MessageKind {
    /// Make the issue, or bring it up to date.
    Upsert,
    /// Make links that waited for their other end; says nothing else.
    Links,
}

/// An attachment in a message.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct StagedAttachment {
    /// What Jira says of it, as read.
    pub meta: Value,
    /// Its bytes; `None` when the target has them already.
    pub blob: Option<BlobId>,
    /// Keyed hash of its bytes, hexadecimal; `None` when it has no blob.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
}

/// When a field was last changed in the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// When, by the source's clock.
    pub at: DateTime<Utc>,
    /// By our own account.
    pub ours: bool,
}

/// A value that a change wrote over, though somebody had set it in the target since.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Lost {
    /// The field, or `comment/ID` with the target's id.
    pub what: String,
    /// The target's value.
    pub value: Value,
}

/// One staged change of one issue. Its `Debug` shows no content.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// [`SCHEMA`].
    pub schema: String,
    /// Its id.
    pub id: MessageId,
    /// Its synchronization.
    pub sync: SyncName,
    /// The source issue.
    pub issue: IssueRef,
    /// Which change of that issue, from 1.
    pub sequence: u64,
    /// When it was read, RFC 3339.
    pub exported_at: String,
    /// What it says.
    pub kind: MessageKind,
    /// Where it was read.
    pub source: SourceRef,
    /// The issue's fields, as read.
    pub fields: Map<String, Value>,
    /// The issue's comments, as read, oldest first.
    pub comments: Vec<Value>,
    /// The issue's attachments.
    pub attachments: Vec<StagedAttachment>,
    /// What hangs on the issue besides.
    #[serde(default, skip_serializing_if = "Relations::is_empty")]
    pub relations: Relations,
    /// Keyed hashes of the parts as they were read from the source, before suppression: by field name, `comment/ID`,
    /// `attachment/ID`; hexadecimal. A redaction of the body leaves them, so that it does not look like a change.
    pub hashes: BTreeMap<String, String>,
    /// Keyed hash of them all, hexadecimal.
    pub hash: String,
    /// When the fields were last changed, in a two-way synchronization.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub changed: BTreeMap<String, Changed>,
    /// What lost against this change in a conflict.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<Lost>,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("id", &self.id)
            .field("sync", &self.sync)
            .field("issue", &self.issue)
            .field("sequence", &self.sequence)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for StagedAttachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StagedAttachment").field("blob", &self.blob).finish_non_exhaustive()
    }
}

impl Message {
    /// Reads a message from its decrypted bytes.
    ///
    /// # Errors
    /// When it is not a message, or one of another schema; the content is in no error.
    pub fn parse(bytes: &[u8]) -> Result<Self, StagingError> {
        let message: Self = serde_json::from_slice(bytes).map_err(|e| StagingError::Format(position(&e)))?;
        if message.schema == SCHEMA { Ok(message) } else { Err(StagingError::Format("another schema".to_owned())) }
    }

    /// The bytes that are sealed.
    ///
    /// # Errors
    /// Never for a message that was built from JSON.
    pub fn to_bytes(&self) -> Result<Vec<u8>, StagingError> {
        serde_json::to_vec(self).map_err(|e| StagingError::Format(position(&e)))
    }
}

/// Where a JSON error is; serde's own text may quote the content.
fn position(e: &serde_json::Error) -> String {
    format!("line {} column {}", e.line(), e.column())
}

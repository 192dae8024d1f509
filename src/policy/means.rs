//! By what means a plan is carried out where there are several: `[history]` and `[attachments]`.

use serde::{Deserialize, Serialize};

/// What happens to a text that Cloud's redaction API would cut, on a site that does not have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WithoutIt {
    /// It is edited, which copies the old text into the history once more.
    #[default]
    Edit,
    /// It stays, as residual, with whom to ask.
    Residual,
}

/// How old values in Jira's history are dealt with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct HistoryRules {
    /// Whether texts on Cloud are cut by its redaction API, which makes no copy in the history, instead of by an edit.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub redaction_api: bool,
    /// What happens where the site does not have it.
    pub without_it: WithoutIt,
}

/// What becomes of attachments that are deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AttachmentRules {
    /// Whether a small text takes the place of each: that one was removed, when, under which law, in which case.
    pub note: bool,
}

impl HistoryRules {
    /// Whether nothing is said.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl AttachmentRules {
    /// Whether nothing is said.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

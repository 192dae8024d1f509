//! What hangs on an issue beside its fields, comments and attachments: worklogs, links, its parent.
//!
//! Owns how a message holds them. Of an issue at the other end of a link only id and key are kept.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::IssueRef;

/// The relations in a message. Its `Debug` shows no content.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Relations {
    /// Which of them were read (`worklog`, `issuelinks`, `remotelink`, `subtask`): what was not read is not taken for gone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub read: Vec<String>,
    /// Worklogs, as read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub worklogs: Vec<Value>,
    /// Links to other issues: id, type, and the other issue's id and key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Value>,
    /// Remote links, as read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remote_links: Vec<Value>,
    /// The issue of which this is a subtask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<IssueRef>,
}

impl std::fmt::Debug for Relations {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Relations").field("read", &self.read).finish_non_exhaustive()
    }
}

impl Relations {
    /// Whether nothing was read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a kind was read.
    #[must_use]
    pub fn has(&self, kind: &str) -> bool {
        self.read.iter().any(|r| r == kind)
    }

    /// All values in which a person may be named, each with the part that it is: `worklog/ID`, `remotelink/ID`, `issuelink/ID`.
    pub fn parts(&self) -> impl Iterator<Item = (String, &Value)> {
        let of = |kind: &'static str, list: &[Value]| -> Vec<String> {
            list.iter().map(|v| format!("{kind}/{}", id_of(v))).collect()
        };
        let names = [of("worklog", &self.worklogs), of("issuelink", &self.links), of("remotelink", &self.remote_links)];
        names.into_iter().flatten().zip(self.values())
    }

    /// All values in which a person may be named.
    pub fn values(&self) -> impl Iterator<Item = &Value> {
        self.worklogs.iter().chain(&self.links).chain(&self.remote_links)
    }

    /// The same, to be cut.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Value> {
        self.worklogs.iter_mut().chain(&mut self.links).chain(&mut self.remote_links)
    }
}

fn id_of(item: &Value) -> String {
    match item.get("id") {
        Some(Value::String(id)) => id.clone(),
        Some(Value::Number(id)) => id.to_string(),
        _ => String::new(),
    }
}

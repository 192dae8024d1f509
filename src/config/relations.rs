//! What of an issue's worklogs and links a synchronization carries over, and how.

use serde::Deserialize;

/// Fields that are carried when they are asked for, and not by default: they say most about who worked when, reach beyond one issue,
/// or want a project like the source's.
pub(super) const ON_REQUEST: &[&str] = &[
    "worklog",
    "issuelinks",
    "subtask",
    "remotelink",
    "environment",
    "duedate",
    "components",
    "versions",
    "fixVersions",
];

/// What is made in a target where it lacks it.
pub(super) const CREATED: &[&str] = &["components", "versions"];

/// How the author of a worklog is carried over. Jira lets nobody log work in another's name (`author` is read-only in both
/// flavours' documents of "Add worklog"), so the worklog itself is always by the account that writes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WorklogMode {
    /// Named in front of the text as the author of a comment is: the person's own account where the users' mode finds it.
    #[default]
    Own,
    /// Named in front of the text, never as an account.
    Text,
    /// Not at all.
    Anonymous,
}

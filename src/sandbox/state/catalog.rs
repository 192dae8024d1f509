//! What every sandbox has alike: issue types, statuses, transitions, priorities, resolutions, link types.

/// An issue type.
pub(in crate::sandbox) struct IssueType {
    pub(in crate::sandbox) id: u64,
    pub(in crate::sandbox) name: &'static str,
    pub(in crate::sandbox) subtask: bool,
}

pub(in crate::sandbox) const ISSUE_TYPES: &[IssueType] = &[
    IssueType { id: 10002, name: "Task", subtask: false },
    IssueType { id: 10004, name: "Bug", subtask: false },
    IssueType { id: 10001, name: "Story", subtask: false },
    IssueType { id: 10003, name: "Sub-task", subtask: true },
];

/// A status and its category.
pub(in crate::sandbox) struct Status {
    pub(in crate::sandbox) id: u64,
    pub(in crate::sandbox) name: &'static str,
    pub(in crate::sandbox) category: (u64, &'static str, &'static str, &'static str),
}

pub(in crate::sandbox) const STATUSES: &[Status] = &[
    Status { id: 10000, name: "To Do", category: (2, "new", "blue-gray", "To Do") },
    Status { id: 3, name: "In Progress", category: (4, "indeterminate", "yellow", "In Progress") },
    Status { id: 10001, name: "Done", category: (3, "done", "green", "Done") },
];

/// The status of a new issue.
pub(in crate::sandbox) const FIRST_STATUS: u64 = 10000;
/// The status that resolves an issue.
pub(in crate::sandbox) const DONE_STATUS: u64 = 10001;

/// A transition of the workflow; `from` empty means from anywhere.
pub(in crate::sandbox) struct Transition {
    pub(in crate::sandbox) id: u64,
    pub(in crate::sandbox) name: &'static str,
    pub(in crate::sandbox) from: &'static [u64],
    pub(in crate::sandbox) to: u64,
}

/// Jira's simplified workflow: every status from every other.
pub(in crate::sandbox) const TRANSITIONS: &[Transition] = &[
    Transition { id: 11, name: "To Do", from: &[], to: 10000 },
    Transition { id: 21, name: "In Progress", from: &[], to: 3 },
    Transition { id: 31, name: "Done", from: &[], to: 10001 },
];

/// To Do → In Progress → Done, and back one step.
pub(in crate::sandbox) const STRICT: &[Transition] = &[
    Transition { id: 41, name: "Start progress", from: &[10000], to: 3 },
    Transition { id: 51, name: "Stop progress", from: &[3], to: 10000 },
    Transition { id: 61, name: "Finish", from: &[3], to: 10001 },
    Transition { id: 71, name: "Reopen", from: &[10001], to: 3 },
];

/// The transition of [`STRICT`] with a condition (only the assignee) and a validator (a comment or a resolution).
pub(in crate::sandbox) const FINISH: u64 = 61;

pub(in crate::sandbox) const PRIORITIES: &[(u64, &str, &str)] = &[
    (1, "Highest", "#d04437"),
    (2, "High", "#f15C75"),
    (3, "Medium", "#f79232"),
    (4, "Low", "#707070"),
    (5, "Lowest", "#999999"),
];

/// The priority of a new issue.
pub(in crate::sandbox) const DEFAULT_PRIORITY: u64 = 3;

pub(in crate::sandbox) const RESOLUTIONS: &[(u64, &str)] =
    &[(10000, "Done"), (10001, "Won't Do"), (10002, "Duplicate"), (10003, "Cannot Reproduce")];

/// Id, name, inward description, outward description.
pub(in crate::sandbox) const LINK_TYPES: &[(u64, &str, &str, &str)] = &[
    (10000, "Blocks", "is blocked by", "blocks"),
    (10001, "Cloners", "is cloned by", "clones"),
    (10002, "Duplicate", "is duplicated by", "duplicates"),
    (10003, "Relates", "relates to", "relates to"),
];

pub(in crate::sandbox) fn issue_type(id: u64) -> &'static IssueType {
    ISSUE_TYPES.iter().find(|t| t.id == id).unwrap_or(&ISSUE_TYPES[0])
}

pub(in crate::sandbox) fn status(id: u64) -> &'static Status {
    STATUSES.iter().find(|s| s.id == id).unwrap_or(&STATUSES[0])
}

pub(in crate::sandbox) fn priority_name(id: u64) -> &'static str {
    PRIORITIES.iter().find(|p| p.0 == id).map_or("Medium", |p| p.1)
}

pub(in crate::sandbox) fn resolution_name(id: u64) -> &'static str {
    RESOLUTIONS.iter().find(|r| r.0 == id).map_or("Done", |r| r.1)
}

//! What an in-memory Jira holds: users, projects, issues and what hangs on them, as plain data.

use std::collections::BTreeMap;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde_json::Value;

/// Index into [`super::World::users`]; users are never taken out, only marked.
pub(in crate::sandbox) type UserIx = usize;

/// Index into [`super::World::projects`].
pub(in crate::sandbox) type ProjectIx = usize;

#[derive(Debug, Clone)]
pub(in crate::sandbox) struct User {
    /// Account id (Cloud) or user key (Data Center): never changes.
    pub(in crate::sandbox) id: String,
    /// Login name; Data Center only, may be renamed.
    pub(in crate::sandbox) name: String,
    pub(in crate::sandbox) display_name: String,
    pub(in crate::sandbox) email: Option<String>,
    /// Cloud's privacy setting: the e-mail is there but not shown.
    pub(in crate::sandbox) email_hidden: bool,
    pub(in crate::sandbox) active: bool,
    pub(in crate::sandbox) deleted: bool,
    pub(in crate::sandbox) time_zone: String,
}

#[derive(Debug, Clone)]
pub(in crate::sandbox) struct Named {
    pub(in crate::sandbox) id: u64,
    pub(in crate::sandbox) name: String,
    pub(in crate::sandbox) description: String,
}

#[derive(Debug, Clone)]
pub(in crate::sandbox) struct Project {
    pub(in crate::sandbox) id: u64,
    pub(in crate::sandbox) key: String,
    pub(in crate::sandbox) name: String,
    pub(in crate::sandbox) lead: UserIx,
    pub(in crate::sandbox) components: Vec<Named>,
    pub(in crate::sandbox) versions: Vec<Named>,
    pub(in crate::sandbox) next_number: u64,
}

/// The value of a custom field.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::sandbox) enum Custom {
    Text(String),
    User(UserIx),
    Users(Vec<UserIx>),
    /// Any other type, as [`super::super::custom`] keeps it.
    Other(Value),
}

#[derive(Debug, Clone)]
pub(in crate::sandbox) struct Visibility {
    /// `group` or `role`.
    pub(in crate::sandbox) kind: String,
    pub(in crate::sandbox) value: String,
}

#[derive(Debug, Clone)]
pub(in crate::sandbox) struct Comment {
    pub(in crate::sandbox) id: u64,
    pub(in crate::sandbox) author: UserIx,
    pub(in crate::sandbox) update_author: UserIx,
    pub(in crate::sandbox) body: Value,
    pub(in crate::sandbox) created: DateTime<Utc>,
    pub(in crate::sandbox) updated: DateTime<Utc>,
    pub(in crate::sandbox) visibility: Option<Visibility>,
    pub(in crate::sandbox) properties: BTreeMap<String, Value>,
}

#[derive(Debug, Clone)]
pub(in crate::sandbox) struct Worklog {
    pub(in crate::sandbox) id: u64,
    pub(in crate::sandbox) author: UserIx,
    pub(in crate::sandbox) update_author: UserIx,
    /// `Null` where there is none.
    pub(in crate::sandbox) comment: Value,
    pub(in crate::sandbox) created: DateTime<Utc>,
    pub(in crate::sandbox) updated: DateTime<Utc>,
    pub(in crate::sandbox) started: DateTime<Utc>,
    pub(in crate::sandbox) seconds: u64,
    pub(in crate::sandbox) visibility: Option<Visibility>,
}

#[derive(Debug, Clone)]
pub(in crate::sandbox) struct Attachment {
    pub(in crate::sandbox) id: u64,
    pub(in crate::sandbox) name: String,
    pub(in crate::sandbox) author: UserIx,
    pub(in crate::sandbox) created: DateTime<Utc>,
    pub(in crate::sandbox) mime: String,
    pub(in crate::sandbox) bytes: Bytes,
}

#[derive(Debug, Clone)]
pub(in crate::sandbox) struct RemoteLink {
    pub(in crate::sandbox) id: u64,
    pub(in crate::sandbox) global_id: Option<String>,
    pub(in crate::sandbox) relationship: Option<String>,
    pub(in crate::sandbox) application: Value,
    pub(in crate::sandbox) object: Value,
}

/// One changed field of a history entry: the old text is kept, as Jira keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sandbox) struct Change {
    pub(in crate::sandbox) field: String,
    pub(in crate::sandbox) field_id: Option<String>,
    pub(in crate::sandbox) custom: bool,
    pub(in crate::sandbox) from: Option<String>,
    pub(in crate::sandbox) from_string: Option<String>,
    pub(in crate::sandbox) to: Option<String>,
    pub(in crate::sandbox) to_string: Option<String>,
}

#[derive(Debug, Clone)]
pub(in crate::sandbox) struct History {
    pub(in crate::sandbox) id: u64,
    pub(in crate::sandbox) author: UserIx,
    pub(in crate::sandbox) created: DateTime<Utc>,
    pub(in crate::sandbox) items: Vec<Change>,
}

#[derive(Debug, Clone)]
pub(in crate::sandbox) struct Issue {
    pub(in crate::sandbox) id: u64,
    pub(in crate::sandbox) key: String,
    pub(in crate::sandbox) project: ProjectIx,
    pub(in crate::sandbox) number: u64,
    pub(in crate::sandbox) issue_type: u64,
    pub(in crate::sandbox) status: u64,
    pub(in crate::sandbox) priority: u64,
    pub(in crate::sandbox) resolution: Option<u64>,
    pub(in crate::sandbox) resolved: Option<DateTime<Utc>>,
    pub(in crate::sandbox) summary: String,
    /// ADF, wiki text, or `Null`.
    pub(in crate::sandbox) description: Value,
    pub(in crate::sandbox) environment: Value,
    pub(in crate::sandbox) labels: Vec<String>,
    pub(in crate::sandbox) assignee: Option<UserIx>,
    pub(in crate::sandbox) reporter: Option<UserIx>,
    pub(in crate::sandbox) creator: UserIx,
    pub(in crate::sandbox) created: DateTime<Utc>,
    pub(in crate::sandbox) updated: DateTime<Utc>,
    pub(in crate::sandbox) due: Option<String>,
    pub(in crate::sandbox) parent: Option<u64>,
    pub(in crate::sandbox) components: Vec<u64>,
    pub(in crate::sandbox) versions: Vec<u64>,
    pub(in crate::sandbox) fix_versions: Vec<u64>,
    pub(in crate::sandbox) custom: BTreeMap<String, Custom>,
    pub(in crate::sandbox) comments: Vec<Comment>,
    pub(in crate::sandbox) worklogs: Vec<Worklog>,
    pub(in crate::sandbox) attachments: Vec<Attachment>,
    pub(in crate::sandbox) history: Vec<History>,
    pub(in crate::sandbox) watchers: Vec<UserIx>,
    pub(in crate::sandbox) voters: Vec<UserIx>,
    pub(in crate::sandbox) remote_links: Vec<RemoteLink>,
    pub(in crate::sandbox) properties: BTreeMap<String, Value>,
    /// When Cloud's search knows of it (the search lag).
    pub(in crate::sandbox) searchable_at: DateTime<Utc>,
}

/// A link between two issues; `inward` carries the outward description ("blocks"), as at Jira.
#[derive(Debug, Clone)]
pub(in crate::sandbox) struct Link {
    pub(in crate::sandbox) id: u64,
    pub(in crate::sandbox) link_type: u64,
    /// The issue that stands on the inward side (it "blocks" the other).
    pub(in crate::sandbox) inward: u64,
    /// The issue that stands on the outward side (it "is blocked by" the first).
    pub(in crate::sandbox) outward: u64,
}

//! Scanning: records to references, with coverage.
//!
//! Owns the walkers that know where a person stands in a Jira record or a file, and the cut that would take the person
//! out. Must not decide anything (that is `policy`), nor change anything.

mod adf;
mod bytes;
pub mod cache;
pub mod collect;
mod context;
mod fields;
mod files;
mod jira;
mod json;
pub mod matrix;
mod namesakes;
pub mod run;
pub mod seen;
mod text;

pub use bytes::scan_bytes;
#[cfg(test)]
pub(crate) use context::child;
pub use context::{Context, Fields};
pub use files::{FolderScan, scan_folder};
pub use jira::{
    walk_attachment_meta, walk_comment, walk_history_entry, walk_issue, walk_property, walk_remote_link, walk_setting,
    walk_vote, walk_watcher, walk_worklog,
};
pub use json::walk_json;
pub use namesakes::Namesakes;
pub use run::folder_of;
pub use text::{TextHit, find_text};

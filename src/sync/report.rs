//! What a run did, for the caller to print and to answer by.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::SyncName;

/// What one synchronization did in one run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SyncReport {
    /// Messages staged.
    pub exported: u64,
    /// Messages imported.
    pub imported: u64,
    /// Issues created in the target.
    pub created: u64,
    /// Issues changed in the target (fields, status, comments or attachments).
    pub updated: u64,
    /// Issues looked at that had not changed since.
    pub unchanged: u64,
    /// Comments created or edited.
    pub comments: u64,
    /// Worklogs created, edited or deleted.
    pub worklogs: u64,
    /// Links made or removed, between issues and to pages elsewhere.
    pub links: u64,
    /// Attachments uploaded.
    pub attachments: u64,
    /// Comments and attachments whose copies were deleted, since the source's went.
    #[serde(skip_serializing_if = "is_none")]
    pub deleted: u64,
    /// Copies of issues deleted, since the source's issues were.
    #[serde(skip_serializing_if = "is_none")]
    pub deleted_issues: u64,
    /// Copies of issues marked, since the source's issues were deleted.
    #[serde(skip_serializing_if = "is_none")]
    pub marked_issues: u64,
    /// Fields and comments that were changed on both sides.
    #[serde(skip_serializing_if = "is_none")]
    pub conflicts: u64,
    /// Identifiers of suppressed persons that were cut on the way.
    pub cut: u64,
    /// Changes that a hold keeps where they are.
    pub held: u64,
    /// Messages that are parked after this run.
    pub parked: u64,
    /// Messages that wait, after this run, for an issue that has no copy yet. That is no fault.
    pub waiting: u64,
    /// HTTP requests sent, to source and target.
    pub requests: u64,
    /// What was not carried over as asked, and how often. Not fatal.
    pub warnings: BTreeMap<String, u64>,
    /// What failed, and how often: the work is not finished.
    pub errors: BTreeMap<String, u64>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
const fn is_none(n: &u64) -> bool {
    *n == 0
}

impl SyncReport {
    /// Whether everything was carried over.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.errors.is_empty() && self.parked == 0
    }
}

/// What a run did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RunReport {
    /// By synchronization.
    pub syncs: BTreeMap<SyncName, SyncReport>,
}

impl RunReport {
    /// Whether everything was carried over: the exit code is 0 then, else 3.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.syncs.values().all(SyncReport::is_complete)
    }
}

/// Told how far a run is. Numbers only; called from any task.
pub trait Progress: Sync {
    /// `done` things of `phase` are finished in `sync`; `total` where it is known.
    fn step(&self, sync: &SyncName, phase: Phase, done: u64, total: Option<u64>);
}

/// What a run is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Reading the source and staging.
    Export,
    /// Writing to the target.
    Import,
}

/// Tells nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn step(&self, _: &SyncName, _: Phase, _: u64, _: Option<u64>) {}
}

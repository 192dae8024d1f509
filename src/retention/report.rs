//! What a sweep did or would do: `efface.sweep/1`. Plain data; paths are masked by whoever prints it.

use serde::{Deserialize, Serialize};

use crate::{
    model::{Coverage, Place, RecordRef},
    report::PolicyRef,
};

/// The schema that this efface writes.
pub const SCHEMA: &str = "efface.sweep/1";

/// Counts of one class.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassCounts {
    /// The class.
    pub class: String,
    /// What it does.
    pub then: String,
    /// Its period.
    pub period: String,
    /// Its basis.
    pub basis: String,
    /// Records of the class.
    pub records: u64,
    /// Records whose period is over.
    pub due: u64,
    /// Records that were marked by this run.
    pub marked: u64,
    /// Records that were marked before and wait for their grace to end.
    pub waiting: u64,
    /// Records that a hold keeps.
    pub held: u64,
    /// Records that a person has to decide about: by the class, or since nothing trustworthy says how old they are.
    pub review: u64,
    /// Records that this run deleted, or would delete.
    pub deleted: u64,
    /// Records of which this run changed fields, or which it had written anew, or would.
    #[serde(default)]
    pub changed: u64,
    /// Records that wait for another person's approval of the plan.
    pub approval: u64,
    /// Records that could not be deleted or changed.
    pub failed: u64,
    /// Records that had changed since the run was planned.
    pub refused: u64,
    /// Records that are left for later runs, since a run deletes no more than the policy's cap.
    pub backlog: u64,
    /// When the period of the oldest of what is due was over (RFC 3339).
    pub oldest: Option<String>,
}

/// A record that is due, or that a person has to decide about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// The class.
    pub class: String,
    /// Where.
    pub place: Place,
    /// Which record.
    pub record: RecordRef,
    /// When its period was over (RFC 3339); none where nobody knows.
    pub since: Option<String>,
    /// `delete`, `change`, `renew`, `mark`, `wait`, `held`, `review`, `approval`, `backlog`, `deleted`, `changed`, `renewed`,
    /// `failed` or `refused`.
    pub state: String,
    /// What a person should know: the hold, the error, the end of the grace.
    pub why: Option<String>,
}

/// What a sweep did or would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: String,
    /// When (RFC 3339, UTC).
    pub generated_at: String,
    /// Whether nothing was done.
    pub dry_run: bool,
    /// The run, where there was one.
    pub run: Option<String>,
    /// Hash of its plan, for an approval.
    pub plan: Option<String>,
    /// The policy.
    pub policy: PolicyRef,
    /// Counts by class, in the order of the policy.
    pub classes: Vec<ClassCounts>,
    /// In how many runs the backlog will be done, this one not counted; 0 where there is none.
    pub runs_left: u64,
    /// Records of no class: nothing says how long they may stay.
    pub unclassed: u64,
    /// What was read.
    pub coverage: Vec<Coverage>,
    /// What is due, and what a person has to decide about.
    pub items: Vec<Item>,
}

impl Report {
    /// Whether anything is due that no hold keeps.
    #[must_use]
    pub fn is_due(&self) -> bool {
        self.classes.iter().any(|c| c.deleted + c.changed + c.marked + c.backlog + c.review > 0)
    }

    /// How many records wait for another person's approval.
    #[must_use]
    pub fn approvals(&self) -> u64 {
        self.classes.iter().map(|c| c.approval).sum()
    }

    /// Whether something could not be read or carried out.
    #[must_use]
    pub fn is_incomplete(&self) -> bool {
        self.classes.iter().any(|c| c.failed > 0) || self.coverage.iter().any(|c| !c.status.is_complete())
    }
}

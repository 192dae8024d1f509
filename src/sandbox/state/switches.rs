//! Everything that tests turn to make the world unkind (faults of the wire live in `faults`), and what belongs to no
//! resource of its own: security levels, archived issues, running jobs.
//!
//! Owns plain data. What a switch does stands at the route that asks it; `docs/UNKIND.md` lists them all.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::atomic::{AtomicU64, Ordering},
};

use chrono::{DateTime, Duration, Utc};

use super::{Issue, UserIx, Visibility, World};

/// Whether Cloud's redaction API is there.
///
/// Atlassian's document: 403 where the subscription (Atlassian Guard Premium) is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RedactionPlan {
    /// It is.
    #[default]
    Here,
    /// 403: the site has no such subscription.
    Forbidden,
    /// 404: the site does not know the address.
    Absent,
    /// It takes every job and calls it done, and does nothing.
    Pretends,
}

/// What a redaction does to the history. Sources differ, so a client has to read back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RedactionHistory {
    /// The old text stays in the history.
    #[default]
    Kept,
    /// It is redacted there too.
    Covered,
    /// It is redacted in what happened in the last ten days.
    LastTenDays,
}

/// Which transitions there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Workflow {
    /// Every status from every other.
    #[default]
    Open,
    /// To Do → In Progress → Done and back one step; Done only by the assignee (a condition: others do not see the
    /// transition) and only with a `resolution` or a comment in the same call (a validator: 400 without).
    Strict,
    /// As `Strict`, and Done is a dead end: no transition leaves it.
    DeadEnd,
}

/// Switches that tests turn.
#[derive(Debug, Clone)]
pub(in crate::sandbox) struct Switches {
    /// Projects that the bot may not see.
    pub(in crate::sandbox) hidden: HashSet<String>,
    /// Projects and issues that the bot may not change.
    pub(in crate::sandbox) read_only: HashSet<String>,
    /// Data Center copies the body of a deleted, unrestricted comment into the history.
    pub(in crate::sandbox) deleted_comment_in_history: bool,
    /// How long Cloud's search does not know a new issue.
    pub(in crate::sandbox) search_lag: Duration,
    /// How long Cloud's search knows an edited issue by its old `updated`.
    pub(in crate::sandbox) index_lag: Duration,
    /// Whether the bot is an administrator (needed for `notifyUsers=false`).
    pub(in crate::sandbox) admin: bool,
    /// Whether somebody has registered a webhook.
    pub(in crate::sandbox) webhook_listener: bool,
    /// Permissions that the bot lacks, by Jira's key (`EDIT_ALL_COMMENTS`).
    pub(in crate::sandbox) denied: HashSet<String>,
    /// Roles, groups and security levels that the bot is not in.
    pub(in crate::sandbox) outside: HashSet<String>,
    /// Fields that must not be empty, beside those that never may.
    pub(in crate::sandbox) required: HashSet<String>,
    /// Fields that are on no screen.
    pub(in crate::sandbox) off_screen: HashSet<String>,
    pub(in crate::sandbox) workflow: Workflow,
    /// Cloud's search pages come short or empty.
    pub(in crate::sandbox) short_pages: bool,
    /// No page is longer than this, whatever was asked.
    pub(in crate::sandbox) page_cap: Option<usize>,
    pub(in crate::sandbox) redaction_plan: RedactionPlan,
    pub(in crate::sandbox) redaction_history: RedactionHistory,
    /// A redaction's positions count characters, not UTF-16 units.
    pub(in crate::sandbox) redaction_in_characters: bool,
    /// What a redacted text becomes; as many `█` where there is none.
    pub(in crate::sandbox) redaction_bar: Option<String>,
    /// How many times a job (redaction, anonymisation) is asked after before it is done.
    pub(in crate::sandbox) job_polls: u32,
    /// Users whom an external directory gives; Data Center's anonymisation refuses them.
    pub(in crate::sandbox) directory: HashSet<UserIx>,
    /// How many anonymisations stop halfway.
    pub(in crate::sandbox) anonymization_fails: u32,
    /// The node that anonymises dies.
    pub(in crate::sandbox) node_dies: bool,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            hidden: HashSet::new(),
            read_only: HashSet::new(),
            deleted_comment_in_history: true,
            search_lag: Duration::zero(),
            index_lag: Duration::zero(),
            admin: true,
            webhook_listener: false,
            denied: HashSet::new(),
            outside: HashSet::new(),
            required: HashSet::new(),
            off_screen: HashSet::new(),
            workflow: Workflow::Open,
            short_pages: false,
            page_cap: None,
            redaction_plan: RedactionPlan::Here,
            redaction_history: RedactionHistory::Kept,
            redaction_in_characters: false,
            redaction_bar: None,
            job_polls: 2,
            directory: HashSet::new(),
            anonymization_fails: 0,
            node_dies: false,
        }
    }
}

/// One thing to redact, as it was asked.
#[derive(Debug, Clone)]
pub(in crate::sandbox) struct Redaction {
    pub(in crate::sandbox) external_id: String,
    pub(in crate::sandbox) kind: String,
    pub(in crate::sandbox) entity: String,
    pub(in crate::sandbox) issue: String,
    pub(in crate::sandbox) from: usize,
    pub(in crate::sandbox) to: usize,
    pub(in crate::sandbox) expected: String,
    pub(in crate::sandbox) pointer: Option<String>,
}

/// A redaction job.
#[derive(Debug, Clone)]
pub(in crate::sandbox) struct RedactionJob {
    pub(in crate::sandbox) items: Vec<Redaction>,
    pub(in crate::sandbox) polls: u32,
    /// External id and success of each item, once it is done.
    pub(in crate::sandbox) results: Option<Vec<(String, bool)>>,
}

/// How an anonymisation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sandbox) enum TaskStatus {
    Running,
    Interrupted,
    Completed,
}

/// The last anonymisation; a Jira runs one at a time.
#[derive(Debug, Clone)]
pub(in crate::sandbox) struct AnonymizationTask {
    pub(in crate::sandbox) id: u64,
    pub(in crate::sandbox) user: UserIx,
    /// As they were when it was asked for: Jira goes on showing them until the next task.
    pub(in crate::sandbox) shown: (String, String, String),
    pub(in crate::sandbox) new_owner: Option<UserIx>,
    pub(in crate::sandbox) old_key: String,
    pub(in crate::sandbox) polls: u32,
    pub(in crate::sandbox) status: TaskStatus,
    pub(in crate::sandbox) rerun: bool,
    pub(in crate::sandbox) submitted: DateTime<Utc>,
    pub(in crate::sandbox) finished: Option<DateTime<Utc>>,
    /// Operation and what went wrong in it.
    pub(in crate::sandbox) errors: Vec<(&'static str, String)>,
}

/// What belongs to no resource of its own.
#[derive(Debug, Default)]
pub(in crate::sandbox) struct Unkind {
    /// Security levels of issues.
    pub(in crate::sandbox) security: HashMap<u64, String>,
    pub(in crate::sandbox) archived: HashSet<u64>,
    pub(in crate::sandbox) redactions: BTreeMap<String, RedactionJob>,
    pub(in crate::sandbox) anonymization: Option<AnonymizationTask>,
    /// Key and name of users whose anonymisation stopped halfway, as they were: the audit log has them at Jira.
    pub(in crate::sandbox) half_anonymized: HashMap<UserIx, (String, String)>,
    /// What the search index still believes: an issue's old `updated`, and until when.
    pub(in crate::sandbox) stale: HashMap<u64, (DateTime<Utc>, DateTime<Utc>)>,
    pages: AtomicU64,
}

impl Unkind {
    /// Counts pages, for those that come short.
    pub(in crate::sandbox) fn next_page(&self) -> u64 {
        self.pages.fetch_add(1, Ordering::Relaxed)
    }
}

impl World {
    /// Whether the actor lacks a permission. Only the bot ever does.
    pub(in crate::sandbox) fn denied(&self, permission: &str) -> bool {
        self.ctx.actor == self.bot && self.switches.denied.contains(permission)
    }

    /// Whether the actor may do something to another's or their own record: `EDIT_ALL_COMMENTS`, `EDIT_OWN_COMMENTS`.
    pub(in crate::sandbox) fn may(&self, verb: &str, records: &str, author: UserIx) -> bool {
        !self.denied(&format!("{verb}_ALL_{records}"))
            || (author == self.ctx.actor && !self.denied(&format!("{verb}_OWN_{records}")))
    }

    fn outside(&self, group: &str) -> bool {
        self.ctx.actor == self.bot && self.switches.outside.contains(group)
    }

    /// Whether the actor sees an issue: its project, and its security level.
    pub(in crate::sandbox) fn sees(&self, issue: &Issue) -> bool {
        !self.is_hidden(issue.project) && !self.unkind.security.get(&issue.id).is_some_and(|level| self.outside(level))
    }

    /// Whether the actor sees a comment or worklog of this visibility.
    pub(in crate::sandbox) fn sees_restricted(&self, visibility: Option<&Visibility>) -> bool {
        visibility.is_none_or(|v| !self.outside(&v.value))
    }

    /// An issue as the actor sees it: a copy without restricted comments and worklogs, where there are such.
    pub(in crate::sandbox) fn view<'i>(&self, issue: &'i Issue) -> std::borrow::Cow<'i, Issue> {
        let all = self.switches.outside.is_empty()
            || (issue.comments.iter().all(|c| self.sees_restricted(c.visibility.as_ref()))
                && issue.worklogs.iter().all(|w| self.sees_restricted(w.visibility.as_ref())));
        if all {
            return std::borrow::Cow::Borrowed(issue);
        }
        let mut copy = issue.clone();
        copy.comments.retain(|c| self.sees_restricted(c.visibility.as_ref()));
        copy.worklogs.retain(|w| self.sees_restricted(w.visibility.as_ref()));
        std::borrow::Cow::Owned(copy)
    }

    /// When the search index believes that an issue was last changed.
    pub(in crate::sandbox) fn indexed_updated(&self, issue: &Issue) -> DateTime<Utc> {
        match self.unkind.stale.get(&issue.id) {
            Some((old, until)) if self.ctx.now < *until => *old,
            _ => issue.updated,
        }
    }
}

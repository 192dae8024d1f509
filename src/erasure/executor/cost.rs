//! What a plan costs before it is carried out: calls, minutes, mails, webhooks.
//!
//! Owns the figures per kind of step. They follow what `execute` and the executor above do, call by call; a test counts what
//! a sandbox was really asked and compares. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    erasure::{
        plan::{Means, Operation, Plan, Step},
        redaction,
    },
    model::{Flavor, InstanceName, RecordType},
};

/// What one step does at its instance, when nothing goes wrong.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StepCost {
    /// Calls.
    pub calls: u64,
    /// Changes that may send a mail, since the API has no way to make them quiet.
    pub mails: u64,
    /// Changes that a webhook hears of.
    pub webhooks: u64,
}

/// What a plan costs at one instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceCost {
    /// Which.
    pub instance: InstanceName,
    /// Calls.
    pub calls: u64,
    /// Minutes, roughly, rounded up: one call after the other, as steps are carried out.
    pub minutes: u64,
    /// Changes that may send a mail.
    pub mails: u64,
    /// Changes that a webhook hears of.
    pub webhooks: u64,
}

/// What a plan costs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// Calls, of all instances.
    pub calls: u64,
    /// Minutes, roughly.
    pub minutes: u64,
    /// Changes that may send a mail.
    pub mails: u64,
    /// Changes that a webhook hears of.
    pub webhooks: u64,
    /// The same by instance.
    pub instances: Vec<InstanceCost>,
}

/// Seconds that a call takes, in hundredths: the way there and back, and on Cloud the pace below which its limits are
/// not met (a write to one issue ten times in a second is answered with 429).
const fn hundredths(flavor: Flavor) -> u64 {
    match flavor {
        Flavor::Cloud => 40,
        Flavor::DataCenter => 15,
    }
}

impl StepCost {
    /// What a step does; nothing for a step at no instance.
    #[must_use]
    pub fn of(step: &Step, flavor: Flavor) -> Self {
        use Operation::{Delete, Edit};
        use RecordType as R;
        if step.instance.is_none() {
            return Self::default();
        }
        // Data Center can be quiet about an issue alone, Cloud about everything but these deletions.
        let dc = u64::from(flavor == Flavor::DataCenter);
        if step.means == Some(Means::RedactionApi) {
            return Self::by_api(step);
        }
        let note = u64::from(step.means == Some(Means::Note));
        let (calls, mails, webhooks) = match (step.record.record_type, step.operation) {
            // Load, edit, read back. Where a reporter is taken out, Jira is asked whether it needs one, and who we are.
            // All of it read and asked after, deleted, seen to be gone.
            (R::Issue, Operation::Renew) => (18, 1, 1),
            (R::Issue, _) => (3 + 2 * u64::from(step.edits.iter().any(|e| e.field == "reporter")), 0, 1),
            // Load, blank, read back, delete, see that it is gone.
            (R::Comment, Delete) => (5, 1 + dc, 2),
            (R::Worklog, Delete) => (5, 2 * dc, 2),
            (R::Comment | R::Worklog, Edit) => (3, dc, 1),
            // Load; look for the watcher, take it out; see that it is gone.
            (R::Watcher, _) => (4, 0, 0),
            // Load it, upload the new one and read that back, delete the old one and see that it is gone, read the new one in
            // its place. A content is one call, on Cloud two.
            (R::Attachment, Edit) => (12 - 3 * dc, 2, 2),
            (R::Attachment, _) => (3 + note, 1 + note, 1 + note),
            (R::RemoteLink, _) => (3, 1, 1),
            // Which stage it is at, the last task, the check, the start, some asking after it, whether it is through.
            (R::UserProfile, _) => (12, 0, 1),
            _ => (3, 0, 0),
        };
        Self { calls, mails, webhooks }
    }

    /// By Cloud's redaction API: load, start a job, ask after it, read back, and of an issue its history too. A webhook hears
    /// of each text. What is no text goes by an edit behind it.
    fn by_api(step: &Step) -> Self {
        let (taken, rest) = redaction::split(step);
        let mut out =
            Self { calls: 6, mails: 0, webhooks: redaction::spans(&taken).values().map(|s| s.len() as u64).sum() };
        if step.record.record_type == RecordType::Issue {
            out.calls += 1;
        }
        if !rest.is_empty() {
            out.calls += 2 + 2 * u64::from(rest.iter().any(|e| e.field == "reporter"));
            out.webhooks += 1;
        }
        out
    }
}

impl Cost {
    /// What a plan costs at instances of these flavours; one that is not among them counts as Cloud, the slower one.
    #[must_use]
    pub fn of(plan: &Plan, flavors: &BTreeMap<InstanceName, Flavor>) -> Self {
        let mut by: BTreeMap<&InstanceName, (Flavor, StepCost)> = BTreeMap::new();
        for step in &plan.steps {
            let Some(instance) = &step.instance else { continue };
            let flavor = flavors.get(instance).copied().unwrap_or(Flavor::Cloud);
            let cost = StepCost::of(step, flavor);
            let sum = &mut by.entry(instance).or_insert((flavor, StepCost::default())).1;
            sum.calls += cost.calls;
            sum.mails += cost.mails;
            sum.webhooks += cost.webhooks;
        }
        let mut out = Self::default();
        let mut all = 0;
        for (instance, (flavor, sum)) in by {
            let time = sum.calls * hundredths(flavor);
            all += time;
            out.calls += sum.calls;
            out.mails += sum.mails;
            out.webhooks += sum.webhooks;
            out.instances.push(InstanceCost {
                instance: instance.clone(),
                calls: sum.calls,
                minutes: time.div_ceil(6000),
                mails: sum.mails,
                webhooks: sum.webhooks,
            });
        }
        out.minutes = all.div_ceil(6000);
        out
    }
}

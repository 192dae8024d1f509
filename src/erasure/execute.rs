//! Execution: carries out the very plan that was approved, step by step, each journalled before and after (laws 2, 3, 8).
//!
//! Owns the order of steps: which are done, held, postponed, and what the journal says of each. The acts inside a step are in
//! `step`, what acts on which kind of place in `executor`. A step may be repeated at any time: it finds out first how far an
//! earlier run came.

mod outcomes;
mod step;

pub use self::outcomes::{left, outcomes, remark};

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    executor::Executors,
    othersearch::Needles,
    plan::{Means, Operation, Plan, Step},
};
use crate::{
    holds::{Holds, Spot},
    model::{CaseId, Hold, HoldId, Outcome, Subject},
    store::{Act, CaseState, StepRow, StepState, Store, StoreError},
};

/// How an execution ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Execution {
    /// Steps done, in this run or before.
    pub done: u32,
    /// Steps that failed; a later run tries them again.
    pub failed: u32,
    /// Steps whose record had changed since it was planned on.
    pub refused: u32,
    /// Steps that a hold stopped.
    pub held: u32,
    /// What each hold that is in force met in this plan.
    pub holds: Vec<HeldPart>,
    /// Steps that were left for a later run.
    #[serde(default)]
    pub postponed: u32,
    /// Failures and refusals: step, place, what happened. No identifier.
    pub problems: Vec<Problem>,
}

/// How far the steps that a hold covers had come when it fell into the execution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldPart {
    /// The hold.
    pub hold: HoldId,
    /// Steps that were done before.
    pub done: u32,
    /// Steps whose act was under way: a call that cannot be taken back, of which it is not known whether it came through.
    pub in_flight: u32,
    /// Steps that were not begun, and will not be.
    pub not_begun: u32,
}

/// A step that did not end well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The step's number.
    pub step: u32,
    /// Where.
    pub place: String,
    /// Failed or refused.
    pub refused: bool,
    /// What happened.
    pub what: String,
}

/// What a journal row remembers of a step.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Intent {
    /// Hash of what the step will leave behind.
    after: Option<String>,
    /// Error or remark.
    note: Option<String>,
    /// Which part of the step comes behind what `after` is the hash of; none where that is the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next: Option<usize>,
    /// What was begun and goes on by itself: the id of a job, or of the new record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    begun: Option<String>,
    /// Findings that the step leaves, since the place lacks the means to take them away without a copy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    left: Vec<String>,
}

/// Where it is written how far each step came, before it acts and behind.
pub trait Journal {
    /// Writes a step's row, durably.
    ///
    /// # Errors
    /// What the store says: then nothing may be done.
    fn write(&self, row: &StepRow) -> Result<(), StoreError>;
}

/// The journal of a case's plan.
pub struct CaseJournal<'a> {
    /// The store.
    pub store: &'a Store,
    /// The case.
    pub case: &'a CaseId,
    /// The approved hash.
    pub hash: &'a str,
    /// Who acts.
    pub actor: &'a str,
    /// The clock.
    pub now: &'a dyn Fn() -> DateTime<Utc>,
}

impl Journal for CaseJournal<'_> {
    fn write(&self, row: &StepRow) -> Result<(), StoreError> {
        self.store.put_step(&Act { actor: self.actor, at: (self.now)() }, self.case, self.hash, row)
    }
}

/// Everything that steps need.
pub struct Run<'a> {
    /// Where it is written how far they came.
    pub journal: &'a dyn Journal,
    /// How records are loaded and changed.
    pub executors: &'a Executors<'a>,
    /// The person, of whom holds are asked.
    pub subject: &'a Subject,
    /// The identifiers, to read back by another road where a server gives a value back in its own form.
    pub needles: &'a Needles,
    /// Whether a step, with its journal row where it has one, is left for a later run.
    pub postponed: &'a (dyn Fn(&Step, Option<&StepRow>) -> bool + Sync),
}

impl Run<'_> {
    fn note(&self, step: &Step, state: StepState, outcome: Option<Outcome>, intent: &Intent) -> Result<(), StoreError> {
        self.journal.write(&StepRow { number: step.number, state, outcome, note: json!(intent) })
    }

    /// Carries out all steps that have not been done yet; a failure is journalled and does not stop the others.
    ///
    /// # Errors
    /// Only when the journal itself cannot be written.
    pub async fn execute(
        &self,
        case: &CaseJournal<'_>,
        plan: &Plan,
        mut progress: impl FnMut(u32),
    ) -> Result<Execution, StoreError> {
        let act = || Act { actor: case.actor, at: (case.now)() };
        case.store.set_case_state(&act(), case.case, CaseState::Executing, json!({ "plan": case.hash }))?;
        let rows = case.store.steps(case.case, case.hash)?;
        let mut out = Execution::default();
        let mut holds = Holds::load(case.store)?;
        let mut parts: BTreeMap<HoldId, HeldPart> = BTreeMap::new();
        for row in &rows {
            if let Some(begun) = intent(row).and_then(|i| i.begun) {
                self.executors.ways.made(&begun, row.number);
            }
        }
        for step in &plan.steps {
            let earlier = rows.iter().find(|r| r.number == step.number);
            // Asked before every step: a hold that is ordered while this runs stops what is not begun.
            holds.refresh()?;
            let hold = covered(&holds, self.subject, step).map(|h| h.id.clone());
            let mut part = hold.map(|hold| {
                parts.entry(hold.clone()).or_insert(HeldPart { hold, done: 0, in_flight: 0, not_begun: 0 })
            });
            if earlier.is_some_and(|r| r.state == StepState::Done) {
                part.into_iter().for_each(|p| p.done += 1);
                out.done += 1;
                progress(step.number);
                continue;
            }
            // What was held goes back to planning: the plan that was approved did not know of the hold.
            if earlier.is_some_and(|r| r.state == StepState::Held) {
                part.into_iter().for_each(|p| p.not_begun += 1);
                out.held += 1;
                progress(step.number);
                continue;
            }
            if (self.postponed)(step, earlier) {
                out.postponed += 1;
                progress(step.number);
                continue;
            }
            let begun = earlier.is_some_and(|r| r.state == StepState::Begun);
            let before = earlier.and_then(intent).unwrap_or_default();
            if let Some(part) = &mut part {
                if !(begun && self.came_through(step, &before).await) {
                    let note = if begun {
                        part.in_flight += 1;
                        under_way(step, &before)
                    } else {
                        part.not_begun += 1;
                        "not begun when the hold came"
                    };
                    let note = Some(format!("held by {}: {note}", part.hold));
                    let intent = Intent { note, ..before };
                    self.note(step, StepState::Held, Some(Outcome::Held), &intent)?;
                    out.held += 1;
                    progress(step.number);
                    continue;
                }
                part.done += 1;
            }
            let executor = self.executors.of(step);
            let ended = match executor {
                Ok(executor) => self.carry_out(step, earlier, Ok(&*executor)).await?,
                Err(error) => self.carry_out(step, earlier, Err(error)).await?,
            };
            match ended {
                None => out.done += 1,
                Some(problem) => {
                    if problem.refused {
                        out.refused += 1
                    } else {
                        out.failed += 1
                    }
                    out.problems.push(problem);
                }
            }
            progress(step.number);
        }
        out.holds = parts.into_values().collect();
        if out.failed + out.refused + out.held + out.postponed == 0 {
            case.store.audit(&act(), "case.executed", Some(case.case.as_str()), json!({ "plan": case.hash }))?;
        }
        Ok(out)
    }
}

fn intent(row: &StepRow) -> Option<Intent> {
    serde_json::from_value(row.note.clone()).ok()
}

/// How a step stands whose act was begun when a hold fell in.
fn under_way(step: &Step, before: &Intent) -> &'static str {
    if step.operation == Operation::Anonymise {
        "Jira may be anonymising the account when the hold came: that task cannot be stopped"
    } else if step.means == Some(Means::RedactionApi) && before.begun.is_some() {
        "its redaction job was under way when the hold came: it cannot be stopped"
    } else {
        "its act was under way when the hold came, and is not seen to have come through"
    }
}

/// The hold that covers a step, where one does.
#[must_use]
pub fn covered<'h>(holds: &'h Holds, subject: &Subject, step: &Step) -> Option<&'h Hold> {
    let fields: Vec<&str> = step.edits.iter().map(|e| e.field.as_str()).collect();
    let spot = Spot {
        place: &step.place,
        project: step.project.as_ref(),
        record: &step.record,
        fields: &fields,
        whole: step.operation != Operation::Edit || step.replaces_attachment(),
    };
    let elsewhere = step.edits.iter().filter_map(|e| Some((e.at.as_ref()?, [e.field.as_str()])));
    holds.covering(subject, &spot).or_else(|| {
        elsewhere.into_iter().find_map(|(at, fields)| {
            let spot = Spot {
                place: &at.place,
                project: at.project.as_ref(),
                record: &at.record,
                fields: &fields,
                whole: false,
            };
            holds.covering(subject, &spot)
        })
    })
}

/// Whether every step of a plan has been done.
///
/// # Errors
/// When the journal cannot be read.
pub fn is_done(store: &Store, case: &CaseId, plan: &Plan, hash: &str) -> Result<bool, StoreError> {
    let rows = store.steps(case, hash)?;
    Ok(plan.steps.iter().all(|s| rows.iter().any(|r| r.number == s.number && r.state == StepState::Done)))
}

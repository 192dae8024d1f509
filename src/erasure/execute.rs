//! Execution: carries out the very plan that was approved, step by step, each journalled before and after (laws 2, 3, 8).
//!
//! Owns the order of acts inside a step: load, compare with what was planned on, write the intent, act, read back, write
//! the end. What acts on which kind of place is in `executor`. A step may be repeated at any time: it finds out first
//! how far an earlier run came.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    executor::{Current, ExecError, Executor, Executors},
    othersearch::Needles,
    plan::{Operation, Plan, Step},
};
use crate::{
    holds::{Holds, Spot},
    jira::ErrorKind,
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
#[derive(Debug, Default, Serialize, Deserialize)]
struct Intent {
    /// Hash of what the step will leave behind.
    after: Option<String>,
    /// Error or remark.
    note: Option<String>,
}

/// Everything an execution needs besides the plan.
pub struct Run<'a> {
    /// The store, for the journal.
    pub store: &'a Store,
    /// The case.
    pub case: &'a CaseId,
    /// The approved hash.
    pub hash: &'a str,
    /// Who acts.
    pub actor: &'a str,
    /// The clock, for the journal.
    pub now: &'a dyn Fn() -> DateTime<Utc>,
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
    fn journal(
        &self,
        step: &Step,
        state: StepState,
        outcome: Option<Outcome>,
        intent: &Intent,
    ) -> Result<(), StoreError> {
        let row = StepRow { number: step.number, state, outcome, note: json!(intent) };
        self.store.put_step(&Act { actor: self.actor, at: (self.now)() }, self.case, self.hash, &row)
    }

    /// Carries out all steps that have not been done yet; a failure is journalled and does not stop the others.
    ///
    /// # Errors
    /// Only when the journal itself cannot be written.
    pub async fn execute(&self, plan: &Plan, mut progress: impl FnMut(u32)) -> Result<Execution, StoreError> {
        let act = Act { actor: self.actor, at: (self.now)() };
        self.store.set_case_state(&act, self.case, CaseState::Executing, json!({ "plan": self.hash }))?;
        let rows = self.store.steps(self.case, self.hash)?;
        let mut out = Execution::default();
        let mut holds = Holds::load(self.store)?;
        let mut parts: BTreeMap<HoldId, HeldPart> = BTreeMap::new();
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
            let before: Intent = earlier.and_then(|r| serde_json::from_value(r.note.clone()).ok()).unwrap_or_default();
            if let Some(part) = &mut part {
                if !(begun && self.came_through(step, &before).await) {
                    let note = if begun {
                        part.in_flight += 1;
                        "its act was under way when the hold came, and is not seen to have come through"
                    } else {
                        part.not_begun += 1;
                        "not begun when the hold came"
                    };
                    let intent = Intent { after: before.after, note: Some(format!("held by {}: {note}", part.hold)) };
                    self.journal(step, StepState::Held, Some(Outcome::Held), &intent)?;
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
            let act = Act { actor: self.actor, at: (self.now)() };
            self.store.audit(&act, "case.executed", Some(self.case.as_str()), json!({ "plan": self.hash }))?;
        }
        Ok(out)
    }

    /// Carries out one step with its executor, given the journal row of an earlier run, and journals how it ended; `None`
    /// where it is done.
    ///
    /// # Errors
    /// Only when the journal cannot be written.
    pub async fn carry_out(
        &self,
        step: &Step,
        earlier: Option<&StepRow>,
        executor: Result<&dyn Executor, ExecError>,
    ) -> Result<Option<Problem>, StoreError> {
        let before: Intent = earlier.and_then(|r| serde_json::from_value(r.note.clone()).ok()).unwrap_or_default();
        let mut after = before.after;
        let done = match executor {
            Ok(executor) => self.step(step, &mut after, executor).await,
            Err(error) => Err(error),
        };
        match done {
            Ok((outcome, intent)) => {
                self.journal(step, StepState::Done, Some(outcome), &intent)?;
                Ok(None)
            }
            Err(ExecError::Store(e)) => Err(e),
            Err(error) => {
                let refused = matches!(error, ExecError::Changed);
                let state = if refused { StepState::Refused } else { StepState::Failed };
                let what = error.to_string();
                // The act may have come through although its answer did not: the next run has to know what it would leave.
                let intent = Intent { after, note: Some(what.clone()) };
                self.journal(step, state, Some(Outcome::Failed), &intent)?;
                Ok(Some(Problem { step: step.number, place: step.place.to_string(), refused, what }))
            }
        }
    }

    /// Whether the act of a step that was cut off is to be seen: the record is gone, or is what the step would leave behind.
    async fn came_through(&self, step: &Step, before: &Intent) -> bool {
        let Ok(executor) = self.executors.of(step) else { return false };
        match executor.load(step).await {
            Ok(None) => executor.confirm_gone(step).await.is_ok(),
            Ok(Some(current)) => {
                step.operation == Operation::Edit && before.after.as_deref() == Some(current.hash(step).as_str())
            }
            Err(_) => false,
        }
    }

    async fn step(
        &self,
        step: &Step,
        after: &mut Option<String>,
        executor: &dyn Executor,
    ) -> Result<(Outcome, Intent), ExecError> {
        let Some(current) = executor.load(step).await? else {
            // "Not found" counts as deleted, whoever did it.
            executor.confirm_gone(step).await?;
            self.executors.settle(step, None)?;
            return Ok((Outcome::Erased, Intent { after: None, note: Some("the record was gone already".into()) }));
        };
        let hash = current.hash(step);
        let resumed = after.as_deref() == Some(hash.as_str());
        if !resumed && hash != step.base {
            return Err(ExecError::Changed);
        }
        match step.operation {
            Operation::Edit if resumed => {
                self.executors.settle(step, Some(&current))?;
                Ok((Outcome::Redacted, Intent { after: Some(hash), note: Some("found done by an earlier run".into()) }))
            }
            Operation::Edit => {
                let next = executor.next(step, &current, self.placeholder()).await?;
                let (intent, remark) = self.edit(step, executor, &current, next, after).await?;
                Ok((Outcome::Redacted, Intent { note: remark, ..intent }))
            }
            Operation::Delete | Operation::Anonymise | Operation::Renew => {
                let mut remark = None;
                if let Some(parting) = executor.parting(step, &current, self.placeholder()).filter(|_| !resumed) {
                    match self.edit(step, executor, &current, parting, after).await {
                        Ok(_) => {}
                        Err(ExecError::Jira(e)) if e.kind == ErrorKind::NotSupported => {
                            remark = Some(
                                "this server cannot edit the record; it was deleted without redacting it first".into(),
                            );
                        }
                        Err(e) => return Err(e),
                    }
                } else {
                    self.journal(step, StepState::Begun, None, &Intent::default())?;
                }
                executor.delete(step).await?;
                match executor.load(step).await? {
                    None => {
                        self.executors.settle(step, None)?;
                        Ok((Outcome::Erased, Intent { after: None, note: remark }))
                    }
                    Some(_) => Err(ExecError::NothingChanged),
                }
            }
        }
    }

    fn placeholder(&self) -> &str {
        self.executors.placeholder
    }

    /// Writes `next` in place of `current` and reads it back; `intended` learns what it will leave behind before it acts.
    async fn edit(
        &self,
        step: &Step,
        executor: &dyn Executor,
        current: &Current,
        next: Current,
        intended: &mut Option<String>,
    ) -> Result<(Intent, Option<String>), ExecError> {
        let after = next.hash(step);
        if after == current.hash(step) {
            return Err(ExecError::NothingChanged);
        }
        *intended = Some(after.clone());
        let intent = Intent { after: Some(after.clone()), note: None };
        self.journal(step, StepState::Begun, None, &intent)?;
        let remark = executor.replace(step, current, &next).await?;
        let Some(read) = executor.load(step).await? else { return Err(ExecError::Vanished) };
        let got = read.hash(step);
        if got == after {
            self.executors.settle(step, Some(&read))?;
            return Ok((intent, remark));
        }
        if got == current.hash(step) {
            return Err(ExecError::NothingChanged);
        }
        // A server may give a value back in its own form (ids in ADF nodes, say): then what counts is that the person
        // is gone from it, judged by the other search.
        if self.needles.hits(&read.edited_bytes(step)).is_empty() {
            self.executors.settle(step, Some(&read))?;
            return Ok((Intent { after: Some(got), note: None }, remark));
        }
        Err(ExecError::ReadBack)
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
        whole: step.operation != Operation::Edit,
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

/// The outcomes of a case's findings, counted: what its plans did, by their journals, and what stands in the current one.
///
/// # Errors
/// When the store cannot be read.
pub fn outcomes(
    store: &Store,
    case: &CaseId,
    current: &Plan,
    hash: &str,
) -> Result<Vec<(String, Outcome, u64)>, StoreError> {
    let mut counts = BTreeMap::<(String, Outcome), u64>::new();
    let mut add = |place: &crate::model::Place, outcome, n: usize| {
        *counts.entry((place.to_string(), outcome)).or_default() += n as u64;
    };
    for earlier in store.begun_plans(case)?.iter().filter(|h| *h != hash) {
        let Some(plan) = store.plan::<Plan>(case, earlier)? else { continue };
        let rows = store.steps(case, earlier)?;
        // What was not done then is in the current plan, or gone.
        for step in &plan.steps {
            let done = rows.iter().find(|r| r.number == step.number && r.state == StepState::Done);
            if let Some(outcome) = done.and_then(|r| r.outcome) {
                add(&step.place, outcome, step.edits.len());
            }
        }
    }
    let rows = store.steps(case, hash)?;
    for step in &current.steps {
        let outcome = rows.iter().find(|r| r.number == step.number).and_then(|r| r.outcome).unwrap_or(Outcome::Failed);
        add(&step.place, outcome, step.edits.len());
    }
    for standing in &current.standing {
        add(&standing.place, standing.outcome, 1);
    }
    Ok(counts.into_iter().map(|((place, outcome), n)| (place, outcome, n)).collect())
}

/// A journal row's remark, where it has one.
#[must_use]
pub fn remark(row: &StepRow) -> Option<String> {
    row.note.get("note").and_then(Value::as_str).map(str::to_owned)
}

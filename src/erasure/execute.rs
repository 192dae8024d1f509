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
    plan::{Means, Operation, Plan, Step},
    verify::{Verification, still_met},
};
use crate::{
    holds::{Holds, Spot},
    jira::ErrorKind,
    model::{CaseId, Hold, HoldId, Outcome, RecordType, Subject},
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
        for begun in rows.iter().filter_map(intent).filter_map(|i| i.begun) {
            self.executors.ways.made(&begun);
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
        let mut trail = earlier.and_then(intent).unwrap_or_default();
        let done = match executor {
            Ok(executor) => self.step(step, &mut trail, earlier.is_some(), executor).await,
            Err(error) => Err(error),
        };
        match done {
            Ok(outcome) => {
                self.journal(step, StepState::Done, Some(outcome), &trail)?;
                Ok(None)
            }
            Err(ExecError::Store(e)) => Err(e),
            Err(error) => {
                let refused = matches!(error, ExecError::Changed);
                let state = if refused { StepState::Refused } else { StepState::Failed };
                let what = error.to_string();
                // The act may have come through although its answer did not: the next run has to know what it would leave.
                trail.note = Some(what.clone());
                self.journal(step, state, Some(Outcome::Failed), &trail)?;
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
                step.operation == Operation::Edit
                    && before.next.is_none()
                    && before.after.as_deref() == Some(current.hash(step).as_str())
            }
            Err(_) => false,
        }
    }

    /// Carries out a step; `trail` is what an earlier run left in the journal, and becomes what this one leaves. `again` says
    /// that there was one.
    async fn step(
        &self,
        step: &Step,
        trail: &mut Intent,
        again: bool,
        executor: &dyn Executor,
    ) -> Result<Outcome, ExecError> {
        trail.note = None;
        let Some(current) = executor.load(step).await? else { return self.gone(step, trail, executor).await };
        let hash = current.hash(step);
        let resumed = trail.after.as_deref() == Some(hash.as_str());
        match step.operation {
            Operation::Edit if resumed && trail.next.is_none() => {
                self.executors.settle(step, Some(&current))?;
                trail.note = Some("found done by an earlier run".into());
                Ok(if step.edits.len() == trail.left.len() { Outcome::Residual } else { Outcome::Redacted })
            }
            Operation::Edit if resumed => {
                let from = trail.next.unwrap_or_default();
                self.edits(step, executor, current, trail, from, again).await
            }
            Operation::Edit if hash == step.base => self.edits(step, executor, current, trail, 0, again).await,
            Operation::Edit => self.left_by_a_job(step, executor, &current, trail).await,
            _ if !resumed && hash != step.base => Err(ExecError::Changed),
            Operation::Delete | Operation::Anonymise | Operation::Renew => {
                let mut remark = None;
                if let Some(parting) = executor.parting(step, &current, self.placeholder()).filter(|_| !resumed) {
                    match self.edit(step, step, executor, &current, parting, trail, again).await {
                        Ok(_) => {}
                        Err(ExecError::Jira(e)) if e.kind == ErrorKind::NotSupported => {
                            remark = Some(
                                "this server cannot edit the record; it was deleted without redacting it first".into(),
                            );
                        }
                        Err(e) => return Err(e),
                    }
                } else {
                    self.journal(step, StepState::Begun, None, trail)?;
                    self.begin(step, step, executor, &current, None, trail, again).await?;
                }
                executor.delete(step).await?;
                match executor.load(step).await? {
                    None => {
                        self.executors.settle(step, None)?;
                        *trail = Intent { note: remark, begun: trail.begun.take(), ..Intent::default() };
                        Ok(Outcome::Erased)
                    }
                    Some(_) => Err(ExecError::NothingChanged),
                }
            }
        }
    }

    /// A record that is not there: what a step of ours put in its place, or "not found", which counts as deleted, whoever did
    /// it.
    async fn gone(&self, step: &Step, trail: &mut Intent, executor: &dyn Executor) -> Result<Outcome, ExecError> {
        if let Some(begun) = trail.begun.clone() {
            self.took_its_place(step, &begun)?;
            if let Some(new) = executor.successor(step, &begun).await? {
                if trail.after.as_deref() != Some(new.hash(step).as_str()) {
                    return Err(ExecError::Changed);
                }
                self.executors.settle(step, Some(&new))?;
                trail.note = Some("found done by an earlier run".into());
                return Ok(Outcome::Redacted);
            }
        }
        executor.confirm_gone(step).await?;
        self.executors.settle(step, None)?;
        let note = Some("the record was gone already".into());
        *trail = Intent { note, begun: trail.begun.take(), ..Intent::default() };
        Ok(Outcome::Erased)
    }

    /// A record that is neither what was planned on nor what was to come of it: where a job was under way, it may have left
    /// its own form of it behind.
    async fn left_by_a_job(
        &self,
        step: &Step,
        executor: &dyn Executor,
        current: &Current,
        trail: &mut Intent,
    ) -> Result<Outcome, ExecError> {
        let parts = executor.parts(step);
        let (Some(job), [part]) = (trail.begun.clone(), parts.as_slice()) else { return Err(ExecError::Changed) };
        // Asked for after the load: what it does meanwhile is seen by the next run.
        let ended = executor.ended(part, &job).await?;
        if ended && executor.accepts(step, part, None, current, &|bytes| self.needles.hits(bytes).is_empty()) {
            self.executors.settle(step, Some(current))?;
            trail.note = Some("done by the job of an earlier run".into());
            return Ok(Outcome::Redacted);
        }
        Err(ExecError::Changed)
    }

    /// The parts of an edit, one after the other. Where the place turns out to lack the means, what is done instead.
    async fn edits(
        &self,
        step: &Step,
        executor: &dyn Executor,
        current: Current,
        trail: &mut Intent,
        from: usize,
        again: bool,
    ) -> Result<Outcome, ExecError> {
        let first = self.parts(step, executor, current.clone(), trail, from, again).await;
        let mut remarks = match first {
            Err(ExecError::NotHere(_)) if from == 0 => {
                trail.begun = None;
                self.parts(step, executor, current, trail, 0, again).await?
            }
            other => other?,
        };
        if let Some(other) = executor.falls_back(step) {
            remarks.push(other.why);
        } else if step.means == Some(Means::RedactionApi) {
            remarks.extend(self.traces(step, executor).await);
        }
        trail.note = (!remarks.is_empty()).then(|| remarks.join("; "));
        Ok(if step.edits.len() == trail.left.len() { Outcome::Residual } else { Outcome::Redacted })
    }

    async fn parts(
        &self,
        step: &Step,
        executor: &dyn Executor,
        mut current: Current,
        trail: &mut Intent,
        from: usize,
        again: bool,
    ) -> Result<Vec<String>, ExecError> {
        trail.left = executor.falls_back(step).map(|f| f.left).unwrap_or_default();
        let parts = executor.parts(step);
        let mut remarks = Vec::new();
        for (i, part) in parts.iter().enumerate().skip(from) {
            let next = executor.next(part, &current, self.placeholder()).await?;
            trail.next = (i + 1 < parts.len()).then_some(i + 1);
            let (read, remark) = self.edit(step, part, executor, &current, next, trail, again).await?;
            remarks.extend(remark);
            current = read;
        }
        trail.next = None;
        Ok(remarks)
    }

    /// What the history still holds of an issue whose texts were redacted.
    async fn traces(&self, step: &Step, executor: &dyn Executor) -> Option<String> {
        match executor.traces(step).await {
            Ok(entries) => {
                let held = |entry: &&Value| !self.needles.hits(entry.to_string().as_bytes()).is_empty();
                Some(match entries?.iter().filter(held).count() {
                    0 => "read back: no entry of the issue's history holds the person any more".into(),
                    1 => "read back: 1 entry of the issue's history still holds the person".into(),
                    n => format!("read back: {n} entries of the issue's history still hold the person"),
                })
            }
            Err(_) => Some("the issue's history could not be read back".into()),
        }
    }

    fn placeholder(&self) -> &str {
        self.executors.placeholder
    }

    /// The sync engine hears of a new attachment as soon as there is one.
    fn took_its_place(&self, step: &Step, new: &str) -> Result<(), StoreError> {
        if step.record.record_type == RecordType::Attachment {
            self.executors.replaced(step, new)?;
        }
        Ok(())
    }

    /// Begins what goes on under an id of its own, unless an earlier run did, and journals the id.
    #[expect(clippy::too_many_arguments, reason = "what an act is made of")]
    async fn begin(
        &self,
        step: &Step,
        part: &Step,
        executor: &dyn Executor,
        current: &Current,
        next: Option<&Current>,
        trail: &mut Intent,
        again: bool,
    ) -> Result<(), ExecError> {
        if trail.begun.is_none()
            && let Some(id) = executor.begin(part, current, next, again).await?
        {
            trail.begun = Some(id);
            self.journal(step, StepState::Begun, None, trail)?;
        }
        match &trail.begun {
            Some(id) => Ok(self.took_its_place(step, id)?),
            None => Ok(()),
        }
    }

    /// Writes `next` in place of `current` and reads it back; the trail learns what it will leave behind before it acts.
    #[expect(clippy::too_many_arguments, reason = "what an act is made of")]
    async fn edit(
        &self,
        step: &Step,
        part: &Step,
        executor: &dyn Executor,
        current: &Current,
        next: Current,
        trail: &mut Intent,
        again: bool,
    ) -> Result<(Current, Option<String>), ExecError> {
        let after = next.hash(step);
        if after == current.hash(step) {
            return Err(ExecError::NothingChanged);
        }
        trail.after = Some(after.clone());
        self.journal(step, StepState::Begun, None, trail)?;
        self.begin(step, part, executor, current, Some(&next), trail, again).await?;
        let replaced = executor.replace(part, current, &next, trail.begun.as_deref()).await;
        if matches!(replaced, Err(ExecError::Vanished)) {
            // What was begun is not there any more: the next run begins anew.
            trail.begun = None;
        }
        let remark = replaced?;
        let read = match (executor.load(step).await?, &trail.begun) {
            (Some(read), _) => read,
            (None, Some(begun)) => executor.successor(step, begun).await?.ok_or(ExecError::Vanished)?,
            (None, None) => return Err(ExecError::Vanished),
        };
        let got = read.hash(step);
        if got != after {
            if got == current.hash(step) {
                return Err(ExecError::NothingChanged);
            }
            // A server may give a value back in its own form (ids in ADF nodes, say): then what counts is that the person
            // is gone from it, judged by the other search.
            if !executor.accepts(step, part, Some(current), &read, &|bytes| self.needles.hits(bytes).is_empty()) {
                return Err(ExecError::ReadBack);
            }
            trail.after = Some(got);
        }
        // A job has ended; a new record goes on.
        if step.means == Some(Means::RedactionApi) {
            trail.begun = None;
        }
        self.executors.settle(step, Some(&read))?;
        Ok((read, remark))
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
        if n > 0 {
            *counts.entry((place.to_string(), outcome)).or_default() += n as u64;
        }
    };
    for earlier in store.begun_plans(case)?.iter().filter(|h| *h != hash) {
        let Some(plan) = store.plan::<Plan>(case, earlier)? else { continue };
        let rows = store.steps(case, earlier)?;
        // What was not done then is in the current plan, or gone.
        for step in &plan.steps {
            let done = rows.iter().find(|r| r.number == step.number && r.state == StepState::Done);
            if let Some(row) = done
                && let Some(outcome) = row.outcome
            {
                // What such a step left is in the current plan, or gone.
                step.reach(&left(row)).into_iter().for_each(|(place, n)| add(place, outcome, n));
            }
        }
    }
    let rows = store.steps(case, hash)?;
    for step in &current.steps {
        let row = rows.iter().find(|r| r.number == step.number);
        let outcome = row.and_then(|r| r.outcome).unwrap_or(Outcome::Failed);
        let left = row.map(left).unwrap_or_default();
        step.reach(&left).into_iter().for_each(|(place, n)| add(place, outcome, n));
        add(&step.place, Outcome::Residual, left.len());
    }
    let seen: Option<Verification> = store.case_note(case, "verification")?;
    let seen = seen.filter(|v| v.plan == hash);
    for standing in &current.standing {
        // What was to stay and is not met any more: a redaction reached the history, or somebody removed it.
        let gone = |v: &Verification| standing.outcome == Outcome::Residual && !still_met(standing, v);
        let outcome = match &seen {
            Some(v) if gone(v) && standing.record.record_type == RecordType::History => Outcome::Redacted,
            Some(v) if gone(v) => Outcome::Erased,
            _ => standing.outcome,
        };
        add(&standing.place, outcome, 1);
    }
    Ok(counts.into_iter().map(|((place, outcome), n)| (place, outcome, n)).collect())
}

/// The findings that a step left where they are, since the place lacked the means.
#[must_use]
pub fn left(row: &StepRow) -> Vec<String> {
    intent(row).map(|i| i.left).unwrap_or_default()
}

/// A journal row's remark, where it has one.
#[must_use]
pub fn remark(row: &StepRow) -> Option<String> {
    row.note.get("note").and_then(Value::as_str).map(str::to_owned)
}

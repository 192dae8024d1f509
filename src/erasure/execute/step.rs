//! One step of an execution: load, compare with what was planned on, write the intent, act, read back, write the end.
//!
//! Owns that order, in parts where a step has several, and how a later run finds out how far an earlier one came. Must not know
//! which kind of place it is.

use serde_json::Value;

use super::{Intent, Problem, Run, intent};
use crate::{
    erasure::{
        executor::{Current, ExecError, Executor},
        plan::{Means, Operation, Step},
    },
    jira::ErrorKind,
    model::{Outcome, RecordType},
    store::{StepRow, StepState, StoreError},
};

impl Run<'_> {
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
                self.note(step, StepState::Done, Some(outcome), &trail)?;
                Ok(None)
            }
            Err(ExecError::Store(e)) => Err(e),
            Err(error) => {
                let refused = matches!(error, ExecError::Changed);
                let state = if refused { StepState::Refused } else { StepState::Failed };
                let what = error.to_string();
                // The act may have come through although its answer did not: the next run has to know what it would leave.
                trail.note = Some(what.clone());
                self.note(step, state, Some(Outcome::Failed), &trail)?;
                Ok(Some(Problem { step: step.number, place: step.place.to_string(), refused, what }))
            }
        }
    }

    /// Whether the act of a step that was cut off is to be seen: the record is gone, or is what the step would leave behind.
    pub(super) async fn came_through(&self, step: &Step, before: &Intent) -> bool {
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
                    self.note(step, StepState::Begun, None, trail)?;
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
            self.note(step, StepState::Begun, None, trail)?;
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
        self.note(step, StepState::Begun, None, trail)?;
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
                return Err(executor.changed_nothing(part));
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

//! Where a case's findings ended: what steps did and left, by the journal, and what stands.

use std::collections::BTreeMap;

use serde_json::Value;

use super::intent;
use crate::{
    erasure::{
        plan::Plan,
        verify::{Verification, still_met},
    },
    model::{CaseId, Outcome, RecordType},
    store::{StepRow, StepState, Store, StoreError},
};

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

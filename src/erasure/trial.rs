//! A trial of a plan's edits before anybody approves them: what cannot be cut is known at planning, not at execution.
//!
//! Reads the files that would be rewritten, and changes nothing.

use std::collections::BTreeMap;

use super::{
    executor::{Current, Executors},
    plan::{Base, Group, Operation, Plan},
};

/// Findings whose step could not be carried out as planned, with why. `groups` are those that the plan was made of.
pub async fn misfits(plan: &Plan, groups: &[Group], executors: &Executors<'_>) -> BTreeMap<String, String> {
    let bases: BTreeMap<&str, &Base> = groups
        .iter()
        .filter_map(|(findings, base)| base.as_ref().map(|b| (findings, b)))
        .flat_map(|(findings, base)| findings.iter().map(move |f| (f.id.as_str(), base)))
        .collect();
    let mut out = BTreeMap::new();
    for step in plan.steps.iter().filter(|s| s.operation == Operation::Edit) {
        let base = step.edits.first().and_then(|e| bases.get(e.finding.as_str()));
        let current = match base {
            Some(Base::Json(value)) => Some(Current::Json(value.clone())),
            // What cannot be read now is refused or fails at execution, with its own words.
            _ => match executors.of(step) {
                Ok(executor) => executor.load(step).await.ok().flatten(),
                Err(_) => None,
            },
        };
        if let Some(Err(error)) = current.map(|c| c.redacted(step, executors.placeholder)) {
            out.extend(step.edits.iter().map(|e| (e.finding.clone(), error.to_string())));
        }
    }
    out
}

//! A trial of a plan's steps before anybody approves them: what cannot be carried out is known at planning, not at execution.
//!
//! Reads the records that would be changed, and changes nothing.

use std::collections::BTreeMap;

use super::{
    executor::{Current, Executors},
    plan::{Base, Group, Operation, Plan},
};

/// Why a finding's step could not be carried out as planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Misfit {
    /// The cut cannot be made: a person decides.
    Cut(String),
    /// Another program writes the file: it stays until that program lets go of it.
    InUse,
}

/// The rule of a finding whose file another program writes.
pub const IN_USE: &str = "in-use";

/// Findings whose step could not be carried out as planned, with why. `groups` are those that the plan was made of.
pub async fn misfits(plan: &Plan, groups: &[Group], executors: &Executors<'_>) -> BTreeMap<String, Misfit> {
    let bases: BTreeMap<&str, &Base> = groups
        .iter()
        .filter_map(|(findings, base)| base.as_ref().map(|b| (findings, b)))
        .flat_map(|(findings, base)| findings.iter().map(move |f| (f.id.as_str(), base)))
        .collect();
    let mut out = BTreeMap::new();
    for step in &plan.steps {
        let executor = executors.of(step);
        let mut stays = |misfit: &Misfit| out.extend(step.edits.iter().map(|e| (e.finding.clone(), misfit.clone())));
        if executor.as_ref().is_ok_and(|e| e.in_use(step)) {
            stays(&Misfit::InUse);
            continue;
        }
        if step.operation != Operation::Edit {
            continue;
        }
        let base = step.edits.first().and_then(|e| bases.get(e.finding.as_str()));
        let current = match (base, executor) {
            (Some(Base::Json(value)), _) if !step.replaces_attachment() => Some(Current::Json(value.clone())),
            // What cannot be read now is refused or fails at execution, with its own words.
            (_, Ok(executor)) => executor.load(step).await.ok().flatten(),
            (_, Err(_)) => None,
        };
        if let Some(Err(error)) = current.map(|c| c.redacted(step, executors.placeholder)) {
            stays(&Misfit::Cut(error.to_string()));
        }
    }
    out
}

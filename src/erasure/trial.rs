//! A trial of a plan's steps before anybody approves them: what cannot be carried out is known at planning, not at execution.
//!
//! Reads the records that would be changed, and changes nothing.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    executor::{Current, ExecError, Executors, with_digest},
    plan::{Base, Group, Operation, Plan, Step},
};
use crate::model::{Decision, RecordType};

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

/// Adds the digests of attachments whose content the scan did not read, since it had read it before: a step that edits one stands
/// on it.
pub async fn digests(groups: &mut [Group], executors: &Executors<'_>) {
    for (findings, base) in groups {
        let Some(first) = findings.first().map(|f| &f.reference) else { continue };
        let redacts = findings.iter().any(|f| f.decision == Decision::Redact);
        let Some(Base::Json(json)) = base else { continue };
        let asked = first.record.record_type == RecordType::Attachment && first.instance.is_some() && redacts;
        if !asked || json.get("sha256").is_some() {
            continue;
        }
        let step = Step::reading(first);
        let Ok(executor) = executors.of(&step) else { continue };
        // What cannot be read stays without a digest, and its step is a misfit.
        if let Ok(Some(Current::Attachment { bytes, .. })) = executor.load(&step).await {
            *json = with_digest(std::mem::replace(json, Value::Null), &bytes);
        }
    }
}

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
        if step.replaces_attachment() {
            let why = match executor {
                Ok(executor) => unfit(step, executor.load(step).await, executors.placeholder),
                Err(error) => Some(error.to_string()),
            };
            why.into_iter().for_each(|why| stays(&Misfit::Cut(why)));
            continue;
        }
        let current = match (base, executor) {
            (Some(Base::Json(value)), _) => Some(Current::Json(value.clone())),
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

/// Why an attachment cannot be cut, given what was read of it.
fn unfit(step: &Step, loaded: Result<Option<Current>, ExecError>, placeholder: &str) -> Option<String> {
    match loaded {
        // Gone by now: there is nothing left to cut.
        Ok(None) => None,
        Ok(Some(current)) => current.redacted(step, placeholder).err().map(|e| e.to_string()),
        Err(error) => Some(format!("its content cannot be read: {error}")),
    }
}

//! Steps that write an issue of a target anew: it is deleted, with its history, and the synchronization writes a clean copy.
//!
//! Pure. Owns when such a step is made: where whoever looked found nothing of others in the issue, and no hold or legal
//! basis keeps anything of it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{At, Base, Edit, Group, Held, Operation, Step, edit};
use crate::model::{Decision, Finding, InstanceName, RecordRef, RecordType};

/// An issue that can be written anew.
#[derive(Debug, Clone)]
pub struct Renewal {
    /// The issue's id.
    pub id: String,
    /// All of it, as it is now.
    pub base: Value,
    /// What a person should know before approving; names nobody.
    pub notes: Vec<String>,
}

/// The issues that the policy wants written anew, by instance and key, or why that cannot be.
pub type Renewals = BTreeMap<(InstanceName, String), Result<Renewal, String>>;

/// The key of a remote finding's issue, with its instance.
pub(super) fn issue_of(finding: &Finding) -> Option<(InstanceName, String)> {
    let r = &finding.reference;
    r.instance.clone().zip(r.record.key.clone())
}

/// A step that writes an issue anew, with what it stands on and what a person should know.
#[must_use]
pub fn renewed(step: Step, renewal: &Renewal) -> Step {
    let mut notes = vec![
        "deletes the issue with its history; the next run of the synchronization writes a clean copy, under another key"
            .to_owned(),
        "cannot be undone: links from elsewhere lead nowhere, and who watched it is told nothing more".into(),
    ];
    notes.extend(renewal.notes.iter().cloned());
    let base = Base::Json(renewal.base.clone()).hash(RecordType::Issue, Operation::Renew, &[]);
    Step { operation: Operation::Renew, base, notes, ..step }
}

/// The steps, and the issues that they take; everything found in those is theirs.
pub(super) fn renew(
    groups: &[Group],
    renewals: &Renewals,
    held: Held<'_>,
) -> (Vec<Step>, BTreeSet<(InstanceName, String)>) {
    let mut taken = BTreeSet::new();
    let mut steps = Vec::new();
    for ((instance, key), renewal) in renewals {
        let Ok(renewal) = renewal else { continue };
        let issue = (instance.clone(), key.clone());
        let findings: Vec<&Finding> =
            groups.iter().flat_map(|(f, _)| f).filter(|f| issue_of(f).as_ref() == Some(&issue)).collect();
        let stays = |f: &&Finding| f.decision == Decision::Keep || held(f, true).is_some();
        let Some(first) = findings.first().filter(|_| !findings.iter().any(stays)) else { continue };
        let r = &first.reference;
        let at = |f: &&Finding| {
            let r = &f.reference;
            Edit {
                at: Some(At { place: r.place.clone(), project: r.project.clone(), record: r.record.clone() }),
                ..edit(f)
            }
        };
        let step = Step {
            number: 0,
            place: r.place.clone(),
            instance: Some(instance.clone()),
            project: r.project.clone(),
            record: RecordRef {
                record_type: RecordType::Issue,
                id: Some(renewal.id.clone()),
                key: Some(key.clone()),
                path: None,
            },
            operation: Operation::Renew,
            base: String::new(),
            means: None,
            edits: findings.iter().map(at).collect(),
            notes: Vec::new(),
        };
        steps.push(renewed(step, renewal));
        taken.insert(issue);
    }
    (steps, taken)
}

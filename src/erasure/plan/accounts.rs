//! Steps that anonymise an account of a Data Center: what names the account and cannot be edited goes with it.
//!
//! Pure. Owns when such a step is made and when not: never while a hold or a legal basis keeps something that names the
//! account at that instance, since an anonymisation changes all of it at once.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{ADMIN, At, Base, Edit, HOLD, OTHER_PERSON, Operation, Standing, Step, edit, stands};
use crate::model::{Area, Finding, InstanceName, Outcome, Place, RecordRef, RecordType, ReferenceKind};

/// An account that can be anonymised, as it is now.
#[derive(Debug, Clone)]
pub struct Account {
    /// What the step is planned on: key, name, and who owns afterwards what the account owned.
    pub base: Value,
    /// What a person should know before approving; names nobody.
    pub notes: Vec<String>,
}

/// The account of the person at each instance whose policy wants it anonymised, or why it cannot be.
pub type Accounts = BTreeMap<InstanceName, Result<Account, String>>;

/// Adds the steps for what the findings by instance say, and the standing of what cannot go.
pub(super) fn leave(
    leaving: BTreeMap<InstanceName, Vec<&Finding>>,
    accounts: &Accounts,
    steps: &mut Vec<Step>,
    standing: &mut Vec<Standing>,
) {
    for (instance, findings) in leaving {
        let account = match accounts.get(&instance) {
            Some(Ok(account)) => account,
            Some(Err(why)) => {
                standing.extend(findings.iter().map(|f| residual(f, why.clone())));
                continue;
            }
            None => {
                let why = "no account of the person is known at this instance: efface subject resolve";
                standing.extend(findings.iter().map(|f| residual(f, why.to_owned())));
                continue;
            }
        };
        let here = |s: &&Standing| {
            matches!(s.place.area(), Area::Source | Area::Target)
                && s.place.spot().split('/').next() == Some(instance.as_str())
        };
        let held = standing.iter().filter(here).find(|s| s.outcome == Outcome::Held).cloned();
        if let Some(held) = held {
            let hold = |f: &&Finding| Standing {
                rule: HOLD.to_owned(),
                ..stands(f, Outcome::Held, held.why.clone(), held.who.clone())
            };
            standing.extend(findings.iter().map(hold).collect::<Vec<_>>());
            continue;
        }
        let ids = [ReferenceKind::UserKey, ReferenceKind::Username, ReferenceKind::AccountId];
        let kept = |s: &Standing| s.outcome == Outcome::Kept && s.rule != OTHER_PERSON && ids.contains(&s.kind);
        if standing.iter().filter(here).any(kept) {
            let why = "anonymising the account would change what is kept of it at this instance";
            standing.extend(findings.iter().map(|f| residual(f, why.to_owned())).collect::<Vec<_>>());
            continue;
        }
        steps.push(step(&instance, &findings, account));
    }
}

fn residual(finding: &Finding, why: String) -> Standing {
    stands(finding, Outcome::Residual, why, Some(ADMIN.into()))
}

fn step(instance: &InstanceName, findings: &[&Finding], account: &Account) -> Step {
    let settings = findings.iter().map(|f| &f.reference).find(|r| r.record.record_type == RecordType::UserProfile);
    let place = settings.map_or_else(
        || {
            let r = &findings[0].reference;
            Place::new(r.place.area(), format!("{}/settings", r.place.spot().trim_end_matches("/settings")))
        },
        |r| r.place.clone(),
    );
    let at = |f: &&Finding| {
        let r = &f.reference;
        Edit {
            at: Some(At { place: r.place.clone(), project: r.project.clone(), record: r.record.clone() }),
            ..edit(f)
        }
    };
    let mut notes = vec![
        "anonymises the account: it logs in no more, which cannot be undone; text is not touched, and Jira's own audit log \
         keeps the old name"
            .to_owned(),
        "where the account comes from a user directory, take it out there first: the next login would make it anew".into(),
    ];
    notes.extend(account.notes.iter().cloned());
    Step {
        number: 0,
        place,
        instance: Some(instance.clone()),
        project: None,
        // An id would be the person's own: the hash below knows which account it is.
        record: RecordRef { record_type: RecordType::UserProfile, id: None, key: None, path: None },
        operation: Operation::Anonymise,
        base: Base::Json(account.base.clone()).hash(RecordType::UserProfile, Operation::Anonymise, &[]),
        means: None,
        edits: findings.iter().map(at).collect(),
        notes,
    }
}

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
        "needs the rights of a Jira system administrator".to_owned(),
        "where the account comes from a user directory, take it out there first: the next login, or the directory's sync, \
         would make it anew"
            .to_owned(),
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::tests::finding, *};
    use crate::model::Decision;

    fn findings() -> Vec<Finding> {
        let one = |id, record, field| finding(id, record, field, Decision::Anonymise, Some("t"));
        let mut out = vec![
            one("a", RecordType::History, "from"),
            one("b", RecordType::Issue, "creator"),
            one("c", RecordType::UserProfile, "name"),
        ];
        for f in &mut out {
            f.reference.place = Place::new(Area::Target, "t/P");
        }
        out[2].reference.place = Place::new(Area::Target, "t/settings");
        out[2].reference.record = RecordRef { record_type: RecordType::UserProfile, id: None, key: None, path: None };
        out
    }

    fn left(accounts: &Accounts, standing: Vec<Standing>) -> (Vec<Step>, Vec<Standing>) {
        let findings = findings();
        let (mut steps, mut standing) = (Vec::new(), standing);
        let leaving = BTreeMap::from([("t".parse().unwrap(), findings.iter().collect())]);
        leave(leaving, accounts, &mut steps, &mut standing);
        (steps, standing)
    }

    fn known() -> Accounts {
        let account = Account { base: json!({ "key": "k", "name": "n" }), notes: vec!["more".into()] };
        BTreeMap::from([("t".parse().unwrap(), Ok(account))])
    }

    fn standing(spot: &str, outcome: Outcome, rule: &str, kind: ReferenceKind) -> Standing {
        let mut f = finding("s", RecordType::Comment, "author", Decision::Keep, Some("t"));
        f.reference.place = Place::new(Area::Target, spot);
        (f.rule, f.reference.kind) = (rule.into(), kind);
        stands(&f, outcome, "because".into(), Some("legal".into()))
    }

    #[test]
    fn one_step_takes_all_and_says_where_each_stands() {
        let (steps, standing) = left(&known(), vec![]);
        let [step] = &steps[..] else { panic!("{steps:?}") };
        assert!(standing.is_empty());
        assert_eq!(step.place.to_string(), "target:t/settings");
        assert_eq!((step.operation, step.record.id.as_ref()), (Operation::Anonymise, None));
        let places: Vec<_> = step.edits.iter().map(|e| e.at.as_ref().unwrap().place.to_string()).collect();
        assert_eq!(places, ["target:t/P", "target:t/P", "target:t/settings"]);
        let reach: Vec<_> = step.reach(&[]).into_iter().map(|(p, n)| (p.to_string(), n)).collect();
        assert_eq!(reach, [("target:t/P".to_owned(), 2), ("target:t/settings".to_owned(), 1)]);
        assert_eq!(step.records().len(), 3, "history, issue, profile");
        assert!(step.notes.iter().any(|n| n == "more") && step.notes.iter().any(|n| n.contains("directory")));
        assert!(step.cannot_be_undone());
    }

    #[test]
    fn what_keeps_a_part_keeps_all_of_it() {
        use ReferenceKind::{FullName, Username};
        let rows = [
            (standing("t/P", Outcome::Held, HOLD, Username), Some(Outcome::Held)),
            (standing("t/settings", Outcome::Held, HOLD, FullName), Some(Outcome::Held)),
            (standing("u/P", Outcome::Held, HOLD, Username), None),
            (standing("t/P", Outcome::Kept, "contract", Username), Some(Outcome::Residual)),
            (standing("t/P", Outcome::Kept, "contract", FullName), None),
            (standing("t/P", Outcome::Kept, OTHER_PERSON, Username), None),
            (standing("t/P", Outcome::Residual, "r", Username), None),
        ];
        for (known_standing, want) in rows {
            let told = format!("{known_standing:?}");
            let (steps, standing) = left(&known(), vec![known_standing]);
            assert_eq!(steps.len(), usize::from(want.is_none()), "{told}");
            let mine: Vec<_> = standing.iter().filter(|s| s.finding != "s").map(|s| s.outcome).collect();
            assert_eq!(mine, want.map_or(vec![], |o| vec![o; 3]), "{told}");
        }
    }

    #[test]
    fn an_account_that_cannot_go_is_residual_with_the_reason() {
        let refused = BTreeMap::from([("t".parse().unwrap(), Err("its directory is read-only".to_owned()))]);
        for (accounts, why) in [(refused, "read-only"), (Accounts::new(), "subject resolve")] {
            let (steps, standing) = left(&accounts, vec![]);
            assert!(steps.is_empty());
            assert_eq!(standing.len(), 3);
            assert!(standing.iter().all(|s| s.outcome == Outcome::Residual && s.why.contains(why) && s.who.is_some()));
        }
    }
}

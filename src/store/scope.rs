//! What a case covered, kept beyond its end: names of configured things and numbers of custom fields, nothing of a person.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rusqlite::{Transaction, params};
use serde_json::json;

use super::{
    CaseState, Store, StoreError,
    audit::{Act, append},
};
use crate::model::{CaseId, CaseScope, Thing, ThingKind};

pub(super) const SCHEMA: &str = "
CREATE TABLE case_scope (
    case_id TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,
    number INTEGER,                   -- the highest custom field of an instance
    PRIMARY KEY (case_id, kind, name)
) STRICT;
";

fn insert(tx: &Transaction<'_>, case: &CaseId, thing: &Thing) -> Result<(), StoreError> {
    let number = thing.number.map(|n| i64::try_from(n).unwrap_or(i64::MAX));
    tx.execute(
        "INSERT INTO case_scope (case_id, kind, name, number) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (case_id, kind, name) DO UPDATE SET number = max(number, excluded.number)",
        params![case.as_str(), thing.kind.as_str(), thing.name, number],
    )?;
    Ok(())
}

impl Store {
    /// Remembers what a case covers, in place of what was remembered before.
    ///
    /// # Errors
    /// What the database says.
    pub fn set_case_scope(&self, act: &Act<'_>, case: &CaseId, things: &[Thing]) -> Result<(), StoreError> {
        self.write(|tx| {
            tx.execute("DELETE FROM case_scope WHERE case_id = ?1", [case.as_str()])?;
            for thing in things {
                insert(tx, case, thing)?;
            }
            append(tx, act, "case.scoped", Some(case.as_str()), json!({ "things": things.len() }))
        })
    }

    /// What the cases covered that still matter at `now`: those that are open, and those whose entries still hold.
    ///
    /// # Errors
    /// What the database says.
    pub fn case_scopes(&self, now: DateTime<Utc>) -> Result<Vec<CaseScope>, StoreError> {
        let holding: std::collections::BTreeSet<CaseId> =
            self.suppression_holding(now)?.into_iter().map(|r| r.case).collect();
        let damaged = || StoreError::Damaged("case_scope");
        self.read(|tx| {
            let mut q = tx.prepare(
                "SELECT s.case_id, c.pseudonym, c.state, s.kind, s.name, s.number FROM case_scope s
                 JOIN cases c ON c.id = s.case_id ORDER BY s.case_id, s.kind, s.name",
            )?;
            let mut rows = q.query([])?;
            let mut out: BTreeMap<CaseId, CaseScope> = BTreeMap::new();
            while let Some(r) = rows.next()? {
                let case: CaseId = r.get::<_, String>(0)?.parse().map_err(|_| damaged())?;
                let state: CaseState =
                    serde_json::from_value(serde_json::Value::String(r.get(2)?)).map_err(|_| damaged())?;
                if state.has_ended() && !holding.contains(&case) {
                    continue;
                }
                let kind: String = r.get(3)?;
                let thing = Thing {
                    kind: ThingKind::ALL.into_iter().find(|k| k.as_str() == kind).ok_or_else(damaged)?,
                    name: r.get(4)?,
                    number: r.get::<_, Option<i64>>(5)?.map(i64::unsigned_abs),
                };
                let subject = r.get(1)?;
                out.entry(case.clone()).or_insert(CaseScope { case, subject, things: Vec::new() }).things.push(thing);
            }
            Ok(out.into_values().collect())
        })
    }

    /// Adds what a replay looked through to what these cases covered.
    ///
    /// # Errors
    /// What the database says.
    pub fn widen_case_scopes(&self, act: &Act<'_>, cases: &[CaseId], things: &[Thing]) -> Result<(), StoreError> {
        self.write(|tx| {
            for case in cases {
                for thing in things {
                    insert(tx, case, thing)?;
                }
            }
            append(tx, act, "case.scope-widened", None, json!({ "cases": cases.len(), "things": things.len() }))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{CaseKind, CaseRecord, Personal, Subject},
        store::Opened,
    };

    #[test]
    fn a_scope_outlives_its_case_as_long_as_its_entries_hold() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let act = Act { actor: "dpo", at: DateTime::UNIX_EPOCH };
        let case: CaseId = "C-01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();
        let subject = Subject::new(
            Personal::new("zoe".parse().unwrap()),
            "p-1".into(),
            vec![crate::model::Identifier {
                kind: crate::model::IdentifierKind::Email,
                value: Personal::new("zoe.quill@corp.example".into()),
                instance: None,
                confirmed: true,
            }],
        );
        let day = act.at.date_naive();
        let opened = Opened { kind: CaseKind::Erasure, received: day, due: day, record: CaseRecord::default() };
        store.open_case(&act, &case, &subject, &opened).unwrap();
        let thing = |name: &str, number| Thing { kind: ThingKind::CustomField, name: name.into(), number };
        store.set_case_scope(&act, &case, &[thing("gone", Some(1))]).unwrap();
        store.set_case_scope(&act, &case, &[thing("hq", Some(7))]).unwrap();
        let things = |store: &Store, at: &str| -> Vec<Thing> {
            store.case_scopes(at.parse().unwrap()).unwrap().into_iter().flat_map(|s| s.things).collect()
        };
        assert_eq!(things(&store, "2026-01-01T00:00:00Z"), [thing("hq", Some(7))]);
        let keep = Some(crate::policy::Period::Months(12));
        crate::suppression::Suppression::add(&store, &act, &case, &subject, keep).unwrap();
        store.end_case(&act, &case, CaseState::Rejected, &CaseRecord::default(), serde_json::Value::Null).unwrap();
        assert_eq!(things(&store, "1970-06-01T00:00:00Z").len(), 1, "its entries hold");
        assert!(things(&store, "1971-06-01T00:00:00Z").is_empty(), "they have ended");
        store.widen_case_scopes(&act, &[case], &[thing("hq", Some(5)), thing("partner", Some(3))]).unwrap();
        assert_eq!(things(&store, "1970-06-01T00:00:00Z"), [thing("hq", Some(7)), thing("partner", Some(3))]);
    }
}

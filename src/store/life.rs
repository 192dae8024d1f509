//! The life of a case at rest: every change of its state, and of what is on record about it, with its audit event.
//!
//! Owns the check that a case goes only the ways that `model::CaseState` knows.

use chrono::NaiveDate;
use rusqlite::{OptionalExtension, Transaction};
use serde_json::{Value, json};

use super::{
    Store, StoreError,
    audit::{Act, append},
};
use crate::model::{CaseId, CaseRecord, CaseState};

/// What is on record about a case; and what was called `executed` once is an execution that is not verified yet.
pub(super) const SCHEMA: &str = "
ALTER TABLE cases ADD COLUMN record TEXT NOT NULL DEFAULT '{}';
UPDATE cases SET state = 'executing' WHERE state = 'executed';
";

/// Whether a case may go to `state` from where it stands.
pub(super) fn check_way(tx: &Transaction<'_>, id: &CaseId, state: CaseState) -> Result<(), StoreError> {
    let from: Option<String> =
        tx.query_row("SELECT state FROM cases WHERE id = ?1", [id.as_str()], |r| r.get(0)).optional()?;
    let from: CaseState =
        from.and_then(|s| serde_json::from_value(Value::String(s)).ok()).ok_or(StoreError::Damaged("cases"))?;
    if from.may(state) { Ok(()) } else { Err(StoreError::Way { case: id.clone(), from, to: state }) }
}

/// Moves a case to another state inside `tx`, with the event of that name.
pub(super) fn set_state(
    tx: &Transaction<'_>,
    act: &Act<'_>,
    id: &CaseId,
    state: CaseState,
    detail: Value,
) -> Result<(), StoreError> {
    check_way(tx, id, state)?;
    force_state(tx, act, id, state, detail)
}

/// As [`set_state`], whatever the way.
pub(super) fn force_state(
    tx: &Transaction<'_>,
    act: &Act<'_>,
    id: &CaseId,
    state: CaseState,
    detail: Value,
) -> Result<(), StoreError> {
    if tx.execute("UPDATE cases SET state = ?2 WHERE id = ?1", (id.as_str(), state.as_str()))? != 1 {
        return Err(StoreError::Damaged("cases"));
    }
    append(tx, act, &format!("case.{state}"), Some(id.as_str()), detail)
}

/// A change of what is on record about a case.
#[derive(Debug)]
pub struct Change<'a> {
    /// The event's kind behind `case.`, such as `extended`.
    pub event: &'a str,
    /// What is on record from now on.
    pub record: &'a CaseRecord,
    /// The last day to answer from now on.
    pub due: NaiveDate,
    /// The state to which the case goes, where it does.
    pub state: Option<CaseState>,
    /// The event's detail.
    pub detail: Value,
}

impl Store {
    /// Moves a case to another state, with an audit event.
    ///
    /// # Errors
    /// When there is no such way, or the database refuses.
    pub fn set_case_state(
        &self,
        act: &Act<'_>,
        id: &CaseId,
        state: CaseState,
        detail: Value,
    ) -> Result<(), StoreError> {
        self.write(|tx| set_state(tx, act, id, state, detail))
    }

    /// Changes what is on record about a case, and its state with it, in one commit with the event.
    ///
    /// # Errors
    /// When there is no such way, or the database refuses.
    pub fn change_case(&self, act: &Act<'_>, id: &CaseId, change: Change<'_>) -> Result<(), StoreError> {
        let Change { event, record, due, state, detail } = change;
        self.write(|tx| {
            tx.execute(
                "UPDATE cases SET record = ?2, due = ?3 WHERE id = ?1",
                (id.as_str(), json!(record).to_string(), due.to_string()),
            )?;
            // A state of the event's own name needs no second event.
            match state {
                Some(state) if state.as_str() == event => set_state(tx, act, id, state, detail),
                Some(state) => {
                    append(tx, act, &format!("case.{event}"), Some(id.as_str()), detail)?;
                    set_state(tx, act, id, state, json!({ "after": event }))
                }
                None => append(tx, act, &format!("case.{event}"), Some(id.as_str()), detail),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::{
        model::{CaseKind, Clock, Pause, Personal, Subject},
        store::{Case, Opened},
    };

    #[test]
    fn a_wait_moves_the_last_day_on_until_the_case_ends() {
        let day = |s: &str| s.parse::<NaiveDate>().unwrap();
        let pause = Pause { asked: day("2026-11-03"), answered: None };
        let record = CaseRecord { clock: Some(Clock::default()), pauses: vec![pause], ..CaseRecord::default() };
        let due = |state| {
            let case = Case {
                id: "C-01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(),
                subject: "p-1".into(),
                kind: CaseKind::Erasure,
                state,
                received: day("2026-11-02"),
                due: day("2026-12-02"),
                plan: None,
                record: record.clone(),
            };
            case.on(day("2026-11-10")).due
        };
        assert_eq!(due(CaseState::Suspended), day("2026-12-09"));
        assert_eq!(due(CaseState::Rejected), day("2026-12-02"));
    }

    #[test]
    fn a_case_goes_only_the_ways_there_are() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let act = Act { actor: "dpo", at: DateTime::UNIX_EPOCH };
        let id: CaseId = "C-01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();
        let subject = Subject::new(Personal::new("req-1".parse().unwrap()), "p-1".into(), vec![]);
        let day = NaiveDate::from_ymd_opt(2026, 11, 22).unwrap();
        let opened = Opened { kind: CaseKind::Erasure, received: day, due: day, record: CaseRecord::default() };
        store.open_case(&act, &id, &subject, &opened).unwrap();
        let kinds = || store.audit_events().unwrap().into_iter().map(|e| e.kind).collect::<Vec<_>>();
        for (to, goes) in [
            (CaseState::Verified, false),
            (CaseState::Closed, false),
            (CaseState::Identified, true),
            (CaseState::Received, false),
            (CaseState::Scanned, true),
        ] {
            assert_eq!(store.set_case_state(&act, &id, to, Value::Null).is_ok(), goes, "{to}");
        }
        // What did not happen left no event, and what is on record changes with the state or not at all.
        assert_eq!(kinds(), ["case.opened", "case.identified", "case.scanned"]);
        let record = CaseRecord { identity: Some("a call back".into()), ..CaseRecord::default() };
        let change = |event, state| Change { event, record: &record, due: day, state, detail: Value::Null };
        assert!(store.change_case(&act, &id, change("verified", Some(CaseState::Verified))).is_err());
        assert_eq!(store.case(&id).unwrap().unwrap().record, CaseRecord::default());
        store.change_case(&act, &id, change("suspended", Some(CaseState::Suspended))).unwrap();
        store.change_case(&act, &id, change("resumed", Some(CaseState::Scanned))).unwrap();
        let case = store.case(&id).unwrap().unwrap();
        assert_eq!((case.state, &case.record), (CaseState::Scanned, &record));
        assert_eq!(kinds()[3..], ["case.suspended", "case.resumed", "case.scanned"]);
    }
}

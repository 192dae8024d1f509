//! Cases, plans, approvals and the journal of steps. Whatever could name the person is sealed with the case's own key.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use rusqlite::{OptionalExtension, Row, Transaction};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{
    SealedSubject, Signed, Store, StoreError, approvals,
    audit::{Act, append},
    journal::Change,
    life::{check_way, force_state, set_state},
};
use crate::{
    keys::DataKey,
    model::{CaseId, CaseKind, CaseRecord, CaseState, Outcome, Subject},
};

pub(super) const SCHEMA: &str = "
CREATE TABLE cases (
    id TEXT PRIMARY KEY,
    pseudonym TEXT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    received TEXT NOT NULL,
    due TEXT NOT NULL,
    opened_at TEXT NOT NULL,
    wrapped_key BLOB,                 -- NULL once destroyed: everything sealed below is then unreadable
    sealed_subject BLOB,
    plan TEXT                         -- hash of the current plan
) STRICT;
CREATE TABLE plans (
    hash TEXT PRIMARY KEY,
    case_id TEXT NOT NULL REFERENCES cases (id),
    created_at TEXT NOT NULL,
    actor TEXT NOT NULL,
    steps INTEGER NOT NULL,
    sealed BLOB
) STRICT;
CREATE TABLE approvals (
    plan TEXT NOT NULL REFERENCES plans (hash),
    actor TEXT NOT NULL,
    at TEXT NOT NULL,
    cap INTEGER,                      -- the cap as raised for this plan alone
    PRIMARY KEY (plan, actor)
) STRICT;
CREATE TABLE steps (
    plan TEXT NOT NULL REFERENCES plans (hash),
    number INTEGER NOT NULL,
    state TEXT NOT NULL,
    outcome TEXT,
    at TEXT NOT NULL,
    sealed BLOB,                      -- what the step should leave behind, or its error
    PRIMARY KEY (plan, number)
) STRICT;
CREATE TABLE case_notes (
    case_id TEXT NOT NULL REFERENCES cases (id),
    name TEXT NOT NULL,
    at TEXT NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (case_id, name)
) STRICT;
";

/// A case without what is sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Case {
    /// Its id.
    pub id: CaseId,
    /// The subject's pseudonym.
    pub subject: String,
    /// Kind of request.
    pub kind: CaseKind,
    /// Where it stands.
    pub state: CaseState,
    /// When the request was received.
    pub received: NaiveDate,
    /// When the answer is due; of a case that waits for proof of identity, when it would be if that came today.
    pub due: NaiveDate,
    /// Hash of the current plan.
    pub plan: Option<String>,
    /// What is on record about it.
    pub record: CaseRecord,
}

impl Case {
    /// The case as it stands on `today`: a wait that goes on moves the last day on.
    #[must_use]
    pub fn on(mut self, today: NaiveDate) -> Self {
        if !self.state.has_ended() && self.record.waiting().is_some() {
            self.due = self.record.due(self.received, today).unwrap_or(self.due);
        }
        self
    }
}

/// What a case is opened with.
#[derive(Debug, Clone)]
pub struct Opened {
    /// Kind of request.
    pub kind: CaseKind,
    /// When it was received.
    pub received: NaiveDate,
    /// When the answer is due.
    pub due: NaiveDate,
    /// What is on record from the start.
    pub record: CaseRecord,
}

/// Where a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepState {
    /// Its intent is on disk; whether it happened has to be found out.
    Begun,
    /// It happened and was read back.
    Done,
    /// It failed; a later run tries again.
    Failed,
    /// The record had changed: back to planning.
    Refused,
    /// A hold covers the record: back to planning when it is released.
    Held,
}

/// A step's row in the journal.
#[derive(Debug, Clone, PartialEq)]
pub struct StepRow {
    /// Its number in the plan.
    pub number: u32,
    /// Where it stands.
    pub state: StepState,
    /// Where its findings ended.
    pub outcome: Option<Outcome>,
    /// What it should leave behind, or its error.
    pub note: Value,
}

/// An approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Who.
    pub actor: String,
    /// When (RFC 3339).
    pub at: String,
    /// The cap as raised for this plan alone.
    pub cap: Option<u64>,
    /// Its signature, where it was signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed: Option<Signed>,
}

fn spelled<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(s)) => s,
        _ => String::new(),
    }
}

fn parsed<T: DeserializeOwned>(text: &str, table: &'static str) -> Result<T, StoreError> {
    serde_json::from_value(Value::String(text.to_owned())).map_err(|_| StoreError::Damaged(table))
}

type RawCase = (String, String, String, String, NaiveDate, NaiveDate, Option<String>, String);

fn raw_case(r: &Row<'_>) -> rusqlite::Result<RawCase> {
    let date = |i: usize| -> rusqlite::Result<NaiveDate> {
        r.get::<_, String>(i)?.parse().map_err(|e| {
            rusqlite::Error::FromSqlConversionFailure(i, rusqlite::types::Type::Text, Box::<chrono::ParseError>::new(e))
        })
    };
    Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?, date(4)?, date(5)?, r.get(6)?, r.get(7)?))
}

fn case((id, subject, kind, state, received, due, plan, record): RawCase) -> Result<Case, StoreError> {
    Ok(Case {
        id: id.parse().map_err(|_| StoreError::Damaged("cases"))?,
        state: parsed(&state, "cases")?,
        subject,
        kind: parsed(&kind, "cases")?,
        received,
        due,
        plan,
        record: serde_json::from_str(&record).map_err(|_| StoreError::Damaged("cases"))?,
    })
}

const CASE_COLUMNS: &str = "id, pseudonym, kind, state, received, due, plan, record";

fn context(id: &CaseId) -> Vec<u8> {
    format!("case {id}").into_bytes()
}

/// What an event says of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PlanCounts {
    /// The policy's name.
    pub policy: String,
    /// Findings by the rule that decided about them.
    pub rules: BTreeMap<String, u64>,
}

impl Store {
    /// Opens a case with a key of its own; the identifiers as they are now are sealed in it.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn open_case(&self, act: &Act<'_>, id: &CaseId, subject: &Subject, opened: &Opened) -> Result<(), StoreError> {
        let key = DataKey::random();
        let ctx = context(id);
        let sealed = SealedSubject::from_subject(subject).seal(&key, &ctx)?;
        let wrapped = self.keys().wrap(&ctx, &key);
        let Opened { kind, received, due, record } = opened;
        self.write(|tx| {
            tx.execute(
                "INSERT INTO cases (id, pseudonym, kind, state, received, due, opened_at, wrapped_key, sealed_subject, record)
                 VALUES (?1, ?2, ?3, 'received', ?4, ?5, ?6, ?7, ?8, ?9)",
                (
                    id.as_str(),
                    &subject.pseudonym,
                    kind.as_str(),
                    received.to_string(),
                    due.to_string(),
                    act.at.to_rfc3339(),
                    &wrapped,
                    &sealed,
                    json!(record).to_string(),
                ),
            )?;
            let detail = json!({ "kind": kind, "subject": subject.pseudonym, "received": received, "due": due });
            append(tx, act, "case.opened", Some(id.as_str()), detail)
        })
    }

    /// A case by id.
    ///
    /// # Errors
    /// When the row is damaged.
    pub fn case(&self, id: &CaseId) -> Result<Option<Case>, StoreError> {
        self.read(|tx| {
            tx.query_row(&format!("SELECT {CASE_COLUMNS} FROM cases WHERE id = ?1"), [id.as_str()], raw_case)
                .optional()?
                .map(case)
                .transpose()
        })
    }

    /// All cases, soonest due first, ended ones last.
    ///
    /// # Errors
    /// When a row is damaged.
    pub fn cases(&self) -> Result<Vec<Case>, StoreError> {
        let mut cases = self.read(|tx| {
            let mut stmt = tx.prepare(&format!("SELECT {CASE_COLUMNS} FROM cases ORDER BY due, id"))?;
            let rows = stmt.query_map([], raw_case)?.collect::<Result<Vec<_>, _>>()?;
            rows.into_iter().map(case).collect::<Result<Vec<_>, StoreError>>()
        })?;
        cases.sort_by_key(|c| c.state.has_ended());
        Ok(cases)
    }

    /// The case's data key; `None` once it was destroyed.
    fn case_key(&self, id: &CaseId) -> Result<Option<DataKey>, StoreError> {
        let wrapped: Option<Vec<u8>> = self.read(|tx| {
            Ok::<_, StoreError>(
                tx.query_row("SELECT wrapped_key FROM cases WHERE id = ?1", [id.as_str()], |r| r.get(0))
                    .optional()?
                    .flatten(),
            )
        })?;
        Ok(wrapped.map(|w| self.keys().unwrap(&context(id), &w)).transpose()?)
    }

    pub(super) fn seal_for(&self, id: &CaseId, value: &impl Serialize) -> Result<Vec<u8>, StoreError> {
        let key = self.case_key(id)?.ok_or(StoreError::Damaged("cases"))?;
        let plain = serde_json::to_vec(value).map_err(|_| StoreError::Damaged("cases"))?;
        Ok(key.seal(&context(id), &plain))
    }

    pub(super) fn open_for<T: DeserializeOwned>(&self, id: &CaseId, sealed: &[u8]) -> Result<Option<T>, StoreError> {
        let Some(key) = self.case_key(id)? else { return Ok(None) };
        let plain = key.open(&context(id), sealed)?;
        serde_json::from_slice(&plain).map(Some).map_err(|_| StoreError::Damaged("cases"))
    }

    /// The subject as sealed in the case; `None` once the case's key was destroyed.
    ///
    /// # Errors
    /// When the row does not open.
    pub fn case_subject(&self, id: &CaseId) -> Result<Option<Subject>, StoreError> {
        let Some(key) = self.case_key(id)? else { return Ok(None) };
        let sealed: Option<Vec<u8>> = self.read(|tx| {
            Ok::<_, StoreError>(
                tx.query_row("SELECT sealed_subject FROM cases WHERE id = ?1", [id.as_str()], |r| r.get(0))?,
            )
        })?;
        sealed.map(|s| Ok(SealedSubject::open(&key, &context(id), &s)?.into_subject())).transpose()
    }

    /// Stores a plan as the case's current one; approvals of an earlier plan do not carry over. `said` goes into the event beside
    /// its hash: counts, which name nobody.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn put_plan(
        &self,
        act: &Act<'_>,
        id: &CaseId,
        hash: &str,
        plan: &impl Serialize,
        steps: usize,
        said: &PlanCounts,
    ) -> Result<(), StoreError> {
        let sealed = self.seal_for(id, plan)?;
        self.write(|tx| {
            tx.execute(
                "INSERT INTO plans (hash, case_id, created_at, actor, steps, sealed) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (hash) DO NOTHING",
                (hash, id.as_str(), act.at.to_rfc3339(), act.actor, i64::try_from(steps).unwrap_or(i64::MAX), &sealed),
            )?;
            tx.execute("UPDATE cases SET plan = ?2 WHERE id = ?1", (id.as_str(), hash))?;
            set_state(
                tx,
                act,
                id,
                CaseState::Planned,
                json!({ "plan": hash, "steps": steps, "policy": said.policy, "rules": said.rules }),
            )
        })
    }

    /// The plan with this hash, as it was stored.
    ///
    /// # Errors
    /// When the row does not open.
    pub fn plan<T: DeserializeOwned>(&self, id: &CaseId, hash: &str) -> Result<Option<T>, StoreError> {
        let sealed: Option<Vec<u8>> = self.read(|tx| {
            Ok::<_, StoreError>(
                tx.query_row("SELECT sealed FROM plans WHERE hash = ?1 AND case_id = ?2", (hash, id.as_str()), |r| {
                    r.get(0)
                })
                .optional()?
                .flatten(),
            )
        })?;
        sealed.map_or(Ok(None), |s| self.open_for(id, &s))
    }

    /// The hashes of a case's plans, oldest first.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn plans(&self, id: &CaseId) -> Result<Vec<String>, StoreError> {
        self.read(|tx| {
            let mut stmt = tx.prepare("SELECT hash FROM plans WHERE case_id = ?1 ORDER BY created_at, rowid")?;
            let rows = stmt.query_map([id.as_str()], |r| r.get(0))?;
            rows.collect::<Result<Vec<_>, _>>().map_err(StoreError::from)
        })
    }

    /// The hashes of a case's plans of which anything was begun, oldest first.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn begun_plans(&self, id: &CaseId) -> Result<Vec<String>, StoreError> {
        self.read(|tx| {
            let mut stmt = tx.prepare(
                "SELECT hash FROM plans WHERE case_id = ?1 AND EXISTS (SELECT 1 FROM steps WHERE plan = hash) ORDER BY created_at",
            )?;
            let rows = stmt.query_map([id.as_str()], |r| r.get(0))?;
            rows.collect::<Result<Vec<_>, _>>().map_err(StoreError::from)
        })
    }

    /// Records an approval of a plan's hash; `brought_by` is who handed a signature in.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn approve(
        &self,
        act: &Act<'_>,
        id: &CaseId,
        hash: &str,
        cap: Option<u64>,
        signed: Option<&Signed>,
        brought_by: Option<&str>,
    ) -> Result<(), StoreError> {
        self.write(|tx| {
            tx.execute(
                "INSERT INTO approvals (plan, actor, at, cap) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (plan, actor) DO UPDATE SET at = ?3, cap = ?4",
                (hash, act.actor, act.at.to_rfc3339(), cap.map(|c| i64::try_from(c).unwrap_or(i64::MAX))),
            )?;
            approvals::put(tx, hash, act.actor, signed)?;
            let key = signed.map(|s| &s.fingerprint);
            let detail = json!({ "plan": hash, "cap": cap, "key": key, "brought_by": brought_by });
            set_state(tx, act, id, CaseState::Approved, detail)
        })
    }

    /// The approvals of a plan.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn approvals(&self, hash: &str) -> Result<Vec<Approval>, StoreError> {
        self.read(|tx| {
            let mut stmt = tx.prepare("SELECT actor, at, cap FROM approvals WHERE plan = ?1 ORDER BY at")?;
            let rows = stmt.query_map([hash], |r| {
                Ok(Approval {
                    actor: r.get(0)?,
                    at: r.get(1)?,
                    cap: r.get::<_, Option<i64>>(2)?.map(i64::unsigned_abs),
                    signed: None,
                })
            })?;
            let mut all = rows.collect::<Result<Vec<_>, _>>()?;
            for approval in &mut all {
                approval.signed = approvals::get(tx, hash, &approval.actor)?;
            }
            Ok::<_, StoreError>(all)
        })
    }

    /// Writes a step's row, with an audit event.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn put_step(&self, act: &Act<'_>, id: &CaseId, plan: &str, row: &StepRow) -> Result<(), StoreError> {
        let sealed = self.seal_for(id, &row.note)?;
        let state = spelled(&row.state);
        let outcome = row.outcome.as_ref().map(spelled);
        self.write(|tx| {
            tx.execute(
                "INSERT INTO steps (plan, number, state, outcome, at, sealed) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (plan, number) DO UPDATE SET state = ?3, outcome = ?4, at = ?5, sealed = ?6",
                (plan, row.number, &state, &outcome, act.at.to_rfc3339(), &sealed),
            )?;
            let detail = json!({ "plan": plan, "step": row.number, "outcome": outcome });
            append(tx, act, &format!("step.{state}"), Some(id.as_str()), detail)
        })
    }

    /// The journal of a plan, by step.
    ///
    /// # Errors
    /// When a row is damaged.
    pub fn steps(&self, id: &CaseId, plan: &str) -> Result<Vec<StepRow>, StoreError> {
        type Raw = (u32, String, Option<String>, Option<Vec<u8>>);
        let rows: Vec<Raw> = self.read(|tx| {
            let mut stmt =
                tx.prepare("SELECT number, state, outcome, sealed FROM steps WHERE plan = ?1 ORDER BY number")?;
            let rows = stmt.query_map([plan], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?)))?;
            rows.collect::<Result<Vec<_>, _>>().map_err(StoreError::from)
        })?;
        rows.into_iter()
            .map(|(number, state, outcome, sealed)| {
                Ok(StepRow {
                    number,
                    state: parsed(&state, "steps")?,
                    outcome: outcome.map(|o| parsed(&o, "steps")).transpose()?,
                    note: match sealed {
                        Some(s) => self.open_for(id, &s)?.unwrap_or(Value::Null),
                        None => Value::Null,
                    },
                })
            })
            .collect()
    }

    /// Keeps a sealed note with the case, in place of an earlier one of the same name.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn put_case_note(
        &self,
        id: &CaseId,
        name: &str,
        at: DateTime<Utc>,
        note: &impl Serialize,
    ) -> Result<(), StoreError> {
        let sealed = self.seal_for(id, note)?;
        self.write(|tx| {
            tx.execute(
                "INSERT INTO case_notes (case_id, name, at, sealed) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (case_id, name) DO UPDATE SET at = ?3, sealed = ?4",
                (id.as_str(), name, at.to_rfc3339(), &sealed),
            )?;
            Ok(())
        })
    }

    /// A sealed note of the case.
    ///
    /// # Errors
    /// When it does not open.
    pub fn case_note<T: DeserializeOwned>(&self, id: &CaseId, name: &str) -> Result<Option<T>, StoreError> {
        let sealed: Option<Vec<u8>> = self.read(|tx| {
            Ok::<_, StoreError>(
                tx.query_row(
                    "SELECT sealed FROM case_notes WHERE case_id = ?1 AND name = ?2",
                    (id.as_str(), name),
                    |r| r.get(0),
                )
                .optional()?,
            )
        })?;
        sealed.map_or(Ok(None), |s| self.open_for(id, &s))
    }

    /// Ends a case: destroys its key, and with it the sealed identifiers, plans, journal notes and reports.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn end_case(
        &self,
        act: &Act<'_>,
        id: &CaseId,
        state: CaseState,
        record: &CaseRecord,
        detail: Value,
    ) -> Result<(), StoreError> {
        self.change(act, |tx| {
            check_way(tx, id, state)?;
            let subject = tx.query_row("SELECT pseudonym FROM cases WHERE id = ?1", [id.as_str()], |r| r.get(0))?;
            tx.execute("UPDATE cases SET record = ?2 WHERE id = ?1", (id.as_str(), json!(record).to_string()))?;
            end(tx, act, id, state, detail)?;
            Ok(((), vec![Change::Ended { case: id.clone(), state, subject }]))
        })?;
        self.checkpoint()?;
        self.sweep_caches()
    }
}

/// Destroys what is sealed in a case, with its key, wherever it stood: a case that was put back from a backup ends again.
pub(super) fn end(
    tx: &Transaction<'_>,
    act: &Act<'_>,
    id: &CaseId,
    state: CaseState,
    detail: Value,
) -> Result<(), StoreError> {
    tx.execute("UPDATE cases SET wrapped_key = NULL, sealed_subject = NULL WHERE id = ?1", [id.as_str()])?;
    tx.execute("UPDATE plans SET sealed = NULL WHERE case_id = ?1", [id.as_str()])?;
    tx.execute("DELETE FROM case_notes WHERE case_id = ?1", [id.as_str()])?;
    tx.execute("DELETE FROM scan_caches WHERE case_id = ?1", [id.as_str()])?;
    tx.execute(
        "UPDATE steps SET sealed = NULL WHERE plan IN (SELECT hash FROM plans WHERE case_id = ?1)",
        [id.as_str()],
    )?;
    force_state(tx, act, id, state, detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Identifier, IdentifierKind, Namesake, Personal};

    #[test]
    fn ending_a_case_destroys_what_is_sealed_in_it() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let act = Act { actor: "dpo", at: DateTime::UNIX_EPOCH };
        let id: CaseId = "C-01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();
        let mut subject = Subject::new(
            Personal::new("zoe-case-31".parse().unwrap()),
            "p-1".into(),
            vec![Identifier {
                kind: IdentifierKind::Email,
                value: Personal::new("zoe.quandt@corp.example".into()),
                instance: None,
                confirmed: true,
            }],
        );
        subject.add_namesake(Namesake {
            identifiers: vec![Identifier {
                kind: IdentifierKind::Username,
                value: Personal::new("the.other.quandt".into()),
                instance: None,
                confirmed: false,
            }],
        });
        let day = NaiveDate::from_ymd_opt(2026, 11, 22).unwrap();
        let opened = Opened { kind: CaseKind::Erasure, received: day, due: day, record: CaseRecord::default() };
        store.open_case(&act, &id, &subject, &opened).unwrap();
        store.set_case_state(&act, &id, CaseState::Scanned, Value::Null).unwrap();
        store.put_plan(&act, &id, "h", &json!({ "path": "zoe.quandt.txt" }), 1, &PlanCounts::default()).unwrap();
        let row = StepRow { number: 1, state: StepState::Done, outcome: Some(Outcome::Erased), note: json!("zoe") };
        store.put_step(&act, &id, "h", &row).unwrap();
        assert_eq!(store.case_subject(&id).unwrap().unwrap(), subject);
        assert_eq!(store.plan::<Value>(&id, "h").unwrap().unwrap()["path"], "zoe.quandt.txt");
        assert_eq!(store.steps(&id, "h").unwrap(), vec![row]);

        store.end_case(&act, &id, CaseState::Withdrawn, &CaseRecord::default(), Value::Null).unwrap();
        assert!(store.case_subject(&id).unwrap().is_none());
        assert!(store.plan::<Value>(&id, "h").unwrap().is_none());
        let rows = store.steps(&id, "h").unwrap();
        assert_eq!((rows[0].outcome, &rows[0].note), (Some(Outcome::Erased), &Value::Null));
        assert_eq!(store.case(&id).unwrap().unwrap().state, CaseState::Withdrawn);
        for file in std::fs::read_dir(dir.path()).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            for needle in ["zoe.quandt", "zoe-case-31", "the.other.quandt"] {
                assert!(memchr::memmem::find(&bytes, needle.as_bytes()).is_none());
            }
        }
    }
}

//! The audit chain at rest: one row an event, appended in the same transaction as what it tells of.

use chrono::{DateTime, Utc};
use rand::RngExt;
use rusqlite::{OptionalExtension, Transaction};
use serde_json::Value;

use super::{Store, StoreError};
use crate::audit::Event;

pub(super) const SCHEMA: &str = "
CREATE TABLE audit (
    seq INTEGER PRIMARY KEY,
    at TEXT NOT NULL, actor TEXT NOT NULL, kind TEXT NOT NULL, case_id TEXT,
    commitment TEXT NOT NULL, prev TEXT NOT NULL, hash TEXT NOT NULL,
    salt TEXT, detail TEXT
) STRICT;
";

/// Who acts and when; every change of state carries it into the audit chain.
#[derive(Debug, Clone)]
pub struct Act<'a> {
    /// Who.
    pub actor: &'a str,
    /// When.
    pub at: DateTime<Utc>,
}

/// Appends an event inside `tx`, so that the event and what it tells of are durable together or not at all.
pub(super) fn append(
    tx: &Transaction<'_>,
    act: &Act<'_>,
    kind: &str,
    case: Option<&str>,
    detail: Value,
) -> Result<(), StoreError> {
    let last: Option<(i64, String)> = tx
        .query_row("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1", [], |r| Ok((r.get(0)?, r.get(1)?)))
        .optional()?;
    let mut salt = [0u8; 16];
    rand::rng().fill(&mut salt[..]);
    let prev = last.as_ref().map(|(seq, hash)| (seq.unsigned_abs(), hash.as_str()));
    let event = Event::next(prev, act.at, act.actor, kind, case, detail, salt);
    tx.execute(
        "INSERT INTO audit (seq, at, actor, kind, case_id, commitment, prev, hash, salt, detail)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        (
            i64::try_from(event.seq).map_err(|_| StoreError::Damaged("audit"))?,
            &event.at,
            &event.actor,
            &event.kind,
            &event.case,
            &event.commitment,
            &event.prev,
            &event.hash,
            &event.salt,
            event.detail.as_ref().map(Value::to_string),
        ),
    )?;
    Ok(())
}

/// An event with a detail, before a time. What expiry itself wrote stays: it says why the others are empty.
const OLD: &str = "at < ?1 AND detail IS NOT NULL AND kind <> 'audit.expired'";

/// Of a case that still has its key, that is, which has not ended.
const LIVE: &str = "(case_id IS NOT NULL AND case_id IN (SELECT id FROM cases WHERE wrapped_key IS NOT NULL))";

/// A time in the spelling of the column, in which times compare as texts.
pub(super) fn limit(before: DateTime<Utc>) -> String {
    before.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

impl Store {
    /// Appends an event of its own.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn audit(&self, act: &Act<'_>, kind: &str, case: Option<&str>, detail: Value) -> Result<(), StoreError> {
        self.write(|tx| append(tx, act, kind, case, detail))
    }

    /// All events, oldest first.
    ///
    /// # Errors
    /// When a row is damaged.
    pub fn audit_events(&self) -> Result<Vec<Event>, StoreError> {
        self.read(|tx| {
            let mut stmt = tx.prepare(
                "SELECT seq, at, actor, kind, case_id, commitment, prev, hash, salt, detail FROM audit ORDER BY seq",
            )?;
            let rows = stmt.query_map([], |r| {
                Ok(Event {
                    seq: r.get::<_, i64>(0)?.unsigned_abs(),
                    at: r.get(1)?,
                    actor: r.get(2)?,
                    kind: r.get(3)?,
                    case: r.get(4)?,
                    commitment: r.get(5)?,
                    prev: r.get(6)?,
                    hash: r.get(7)?,
                    salt: r.get(8)?,
                    // A detail that is no JSON any more fails the chain's own check as changed.
                    detail: r
                        .get::<_, Option<String>>(9)?
                        .map(|d| serde_json::from_str(&d).unwrap_or(Value::String(d))),
                })
            })?;
            rows.collect::<Result<Vec<_>, _>>().map_err(StoreError::from)
        })
    }

    /// When an event of a kind last happened in a case (RFC 3339).
    ///
    /// # Errors
    /// When the database refuses.
    pub fn last_event(&self, case: &str, kind: &str) -> Result<Option<String>, StoreError> {
        self.read(|tx| {
            Ok::<_, StoreError>(
                tx.query_row(
                    "SELECT at FROM audit WHERE case_id = ?1 AND kind = ?2 ORDER BY seq DESC LIMIT 1",
                    (case, kind),
                    |r| r.get(0),
                )
                .optional()?,
            )
        })
    }

    /// When the oldest event happened whose detail may go (RFC 3339).
    ///
    /// # Errors
    /// When the database refuses.
    pub fn oldest_audit_detail(&self) -> Result<Option<String>, StoreError> {
        self.read(|tx| {
            let sql = format!("SELECT at FROM audit WHERE detail IS NOT NULL AND NOT {LIVE} ORDER BY seq LIMIT 1");
            Ok::<_, StoreError>(tx.query_row(&sql, [], |r| r.get(0)).optional()?)
        })
    }

    /// How many events before `before` have a detail that may go, and how many keep theirs, since their case is open.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn count_audit_details(&self, before: DateTime<Utc>) -> Result<(u64, u64), StoreError> {
        self.read(|tx| {
            let count = |sql: &str| -> Result<u64, StoreError> {
                Ok(tx.query_row(sql, [limit(before)], |r| r.get::<_, i64>(0))?.unsigned_abs())
            };
            Ok::<_, StoreError>((
                count(&format!("SELECT count(*) FROM audit WHERE {OLD} AND NOT {LIVE}"))?,
                count(&format!("SELECT count(*) FROM audit WHERE {OLD} AND {LIVE}"))?,
            ))
        })
    }

    /// Deletes details and salts of events before `before`, but for those of cases that are open; the commitments stay, so
    /// that the chain still verifies. Gives how many.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn expire_audit_details(&self, act: &Act<'_>, before: DateTime<Utc>, reason: &str) -> Result<u64, StoreError> {
        let n = self.write(|tx| {
            let sql = format!("UPDATE audit SET detail = NULL, salt = NULL WHERE {OLD} AND NOT {LIVE}");
            let n = tx.execute(&sql, [limit(before)])? as u64;
            let detail = serde_json::json!({ "before": limit(before), "events": n, "reason": reason });
            append(tx, act, "audit.expired", None, detail)?;
            Ok::<_, StoreError>(n)
        })?;
        self.checkpoint()?;
        Ok(n)
    }

    /// Position and hash of the newest event.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn audit_head(&self) -> Result<Option<(u64, String)>, StoreError> {
        self.read(|tx| {
            Ok::<_, StoreError>(
                tx.query_row("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1", [], |r| {
                    Ok((r.get::<_, i64>(0)?.unsigned_abs(), r.get(1)?))
                })
                .optional()?,
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::audit;
    use crate::{
        model::{CaseKind, CaseRecord},
        store::Opened,
    };

    #[test]
    fn details_expire_and_the_chain_still_verifies() {
        use crate::{
            model::{CaseId, Personal, Subject},
            store::CaseState,
        };
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let at = |day: i64| Act { actor: "dpo", at: DateTime::UNIX_EPOCH + chrono::Duration::days(day) };
        let subject = Subject::new(Personal::new("s".parse().unwrap()), "p-1".into(), Vec::new());
        let (open, ended): (CaseId, CaseId) =
            ("C-01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(), "C-01ARZ3NDEKTSV4RRFFQ69G5FAW".parse().unwrap());
        for id in [&open, &ended] {
            let day = DateTime::UNIX_EPOCH.date_naive();
            let opened = Opened { kind: CaseKind::Erasure, received: day, due: day, record: CaseRecord::default() };
            store.open_case(&at(0), id, &subject, &opened).unwrap();
        }
        store
            .end_case(&at(1), &ended, CaseState::Rejected, &CaseRecord::default(), json!({ "reason": "tell-tale" }))
            .unwrap();
        store.audit(&at(2), "scan", None, json!({ "n": 1 })).unwrap();
        store.audit(&at(3), "scan", None, json!({ "n": 2 })).unwrap();
        let before = store.audit_events().unwrap();
        let head = store.audit_head().unwrap().unwrap();
        assert_eq!(store.count_audit_details(at(3).at).unwrap(), (3, 1));
        assert_eq!(store.expire_audit_details(&at(9), at(3).at, "retention").unwrap(), 3);
        let after = store.audit_events().unwrap();
        assert_eq!(audit::verify(&after, Some(&head.1)), Ok(()), "the chain still verifies");
        let details: Vec<bool> = after.iter().map(|e| e.detail.is_some()).collect();
        assert_eq!(
            details,
            [true, false, false, false, true, true],
            "an open case keeps its details, and so does the day itself"
        );
        let salts: Vec<bool> = after.iter().map(|e| e.salt.is_some()).collect();
        assert_eq!(salts, details, "without its salt nobody can try out what a detail was");
        assert!(
            before.iter().zip(&after).all(|(b, a)| (b.seq, &b.hash, &b.commitment) == (a.seq, &a.hash, &a.commitment))
        );
        assert_eq!(
            (after[5].kind.as_str(), &after[5].detail.as_ref().unwrap()["events"]),
            ("audit.expired", &json!(3))
        );
        // Nothing of it is left in the files.
        for file in std::fs::read_dir(dir.path()).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            assert!(memchr::memmem::find(&bytes, b"tell-tale").is_none());
        }
        // What expiry wrote is not expired by the next one.
        assert_eq!(store.expire_audit_details(&at(20), at(15).at, "retention").unwrap(), 1);
    }

    #[test]
    fn a_changed_row_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let act = Act { actor: "dpo", at: DateTime::UNIX_EPOCH };
        for i in 0..3 {
            store.audit(&act, "scan", None, json!({ "n": i, "text": "ä" })).unwrap();
        }
        assert_eq!(audit::verify(&store.audit_events().unwrap(), None), Ok(()));
        store
            .write(|tx| Ok::<_, StoreError>(tx.execute("UPDATE audit SET detail = '{\"n\":7}' WHERE seq = 2", [])?))
            .unwrap();
        assert_eq!(audit::verify(&store.audit_events().unwrap(), None), Err(audit::ChainError::Detail(2)));
    }
}

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

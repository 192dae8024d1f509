//! Which staged message waits for which issue.
//!
//! Owns the table `waiting`, and the state `missing` of a staged file. Rows go with the state: a trigger takes them when a message
//! waits no more. Ids and keys of issues are in clear, as everywhere in the store.

use rusqlite::params;
use ulid::Ulid;

use super::{StagedKind, Store, StoreError, staged::family};
use crate::model::SyncName;

/// States are checked where they are read, so that a new one needs no new table.
pub(super) const SCHEMA: &str = "
CREATE TABLE staged_next (
    id TEXT PRIMARY KEY, sync TEXT NOT NULL, kind TEXT NOT NULL CHECK (kind IN ('msg', 'att')), owner TEXT,
    state TEXT NOT NULL, issue_id TEXT NOT NULL, issue_key TEXT NOT NULL, sequence INTEGER NOT NULL, size INTEGER NOT NULL,
    created TEXT NOT NULL, key_id TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, error_kind TEXT, error_hint TEXT,
    since TEXT, next_try TEXT, traced INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO staged_next (id, sync, kind, owner, state, issue_id, issue_key, sequence, size, created, key_id, attempts, error_kind,
    error_hint, since, next_try, traced)
    SELECT id, sync, kind, owner, state, issue_id, issue_key, sequence, size, created, key_id, attempts, error_kind, error_hint,
    since, next_try, traced FROM staged;
DROP TABLE staged;
ALTER TABLE staged_next RENAME TO staged;
CREATE INDEX staged_by_issue ON staged (sync, issue_id, sequence);
CREATE INDEX staged_by_owner ON staged (owner);
CREATE TABLE waiting (
    message TEXT NOT NULL, partner TEXT NOT NULL, partner_key TEXT NOT NULL, PRIMARY KEY (message, partner)
) STRICT;
CREATE TRIGGER waiting_ends AFTER UPDATE OF state ON staged WHEN NEW.state <> 'missing' BEGIN
    DELETE FROM waiting WHERE message = OLD.id;
END;
";

impl Store {
    /// Lets a message wait, with its blobs, for issues by id and key. `why` is the kind and a hint for a person. Since when it waits,
    /// stays. Says which ids changed.
    ///
    /// # Errors
    /// What the database says.
    pub fn staged_wait(
        &self,
        id: Ulid,
        why: (&str, &str),
        partners: &[(String, String)],
        at: &str,
    ) -> Result<Vec<(Ulid, StagedKind)>, StoreError> {
        self.write(|tx| {
            let id_text = id.to_string();
            tx.execute(
                "UPDATE staged SET error_kind = ?2, error_hint = ?3, next_try = NULL WHERE id = ?1",
                params![id_text, why.0, why.1],
            )?;
            tx.execute(
                "UPDATE staged SET state = 'missing', since = ?2
                 WHERE (id = ?1 OR owner = ?1) AND state IN ('new', 'processed', 'parked')",
                params![id_text, at],
            )?;
            tx.execute("DELETE FROM waiting WHERE message = ?1", [&id_text])?;
            for (partner, key) in partners {
                tx.execute(
                    "INSERT OR IGNORE INTO waiting (message, partner, partner_key) VALUES (?1, ?2, ?3)",
                    params![id_text, partner, key],
                )?;
            }
            family(tx, id)
        })
    }

    /// The messages that wait, each with the id of an issue that it waits for.
    ///
    /// # Errors
    /// What the database says.
    pub fn waiting(&self, sync: &SyncName) -> Result<Vec<(Ulid, String)>, StoreError> {
        self.read(|tx| {
            let mut q = tx.prepare(
                "SELECT w.message, w.partner FROM waiting w JOIN staged s ON s.id = w.message
                 WHERE s.sync = ?1 AND s.state = 'missing' ORDER BY 1, 2",
            )?;
            let rows = q.query_map([sync.as_str()], |r| Ok((r.get::<_, String>(0)?, r.get(1)?)))?;
            rows.map(|row| {
                let (message, partner) = row?;
                Ok((message.parse().map_err(|_| StoreError::Damaged("waiting"))?, partner))
            })
            .collect()
        })
    }

    /// The messages of one issue that wait, for this reason.
    ///
    /// # Errors
    /// What the database says.
    pub fn waiting_of(&self, sync: &SyncName, issue: &str, why: &str) -> Result<Vec<Ulid>, StoreError> {
        self.read(|tx| {
            let mut q = tx.prepare(
                "SELECT id FROM staged WHERE sync = ?1 AND issue_id = ?2 AND state = 'missing' AND kind = 'msg'
                 AND error_kind = ?3 ORDER BY id",
            )?;
            let rows = q.query_map(params![sync.as_str(), issue, why], |r| r.get::<_, String>(0))?;
            rows.map(|id| id?.parse().map_err(|_| StoreError::Damaged("staged"))).collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        keys::DataKey,
        store::{StagedRow, StagedState},
    };

    fn staged(store: &Store, kind: StagedKind, owner: Option<Ulid>) -> Ulid {
        let id = Ulid::generate();
        let row = StagedRow {
            id,
            sync: "s".parse().unwrap(),
            kind,
            owner,
            state: StagedState::Writing,
            issue_id: "1".into(),
            issue_key: "HQ-1".into(),
            sequence: 1,
            size: 0,
            created: "2026-11-28T00:00:00Z".into(),
            key_id: Ulid::generate(),
            attempts: 0,
            error_kind: None,
            error_hint: None,
            since: None,
            next_try: None,
        };
        store.staged_begin(&row, &DataKey::random()).unwrap();
        store.staged_ready(id, 3, None).unwrap();
        id
    }

    #[test]
    fn who_waits_for_whom_is_known_as_long_as_it_waits() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let sync: SyncName = "s".parse().unwrap();
        let message = staged(&store, StagedKind::Message, None);
        let blob = staged(&store, StagedKind::Blob, Some(message));
        let to = |ids: &[&str]| ids.iter().map(|i| ((*i).to_owned(), format!("HQ-{i}"))).collect::<Vec<_>>();
        let wait = |ids: &[&str], at| store.staged_wait(message, ("partner", "waits"), &to(ids), at).unwrap();
        assert_eq!(wait(&["8", "9"], "2026-11-28T01:00:00Z").len(), 2, "its blob goes with it");
        assert_eq!(store.waiting(&sync).unwrap(), [(message, "8".to_owned()), (message, "9".to_owned())]);
        assert_eq!(store.waiting_of(&sync, "1", "partner").unwrap(), [message]);
        assert!(store.waiting_of(&sync, "1", "parent").unwrap().is_empty());
        assert!(store.waiting(&"other".parse().unwrap()).unwrap().is_empty());
        wait(&["9"], "2026-11-29T01:00:00Z");
        let row = store.staged_get(message).unwrap().unwrap();
        assert_eq!((row.state, row.since.as_deref()), (StagedState::Missing, Some("2026-11-28T01:00:00Z")));
        assert_eq!(store.staged_get(blob).unwrap().unwrap().state, StagedState::Missing);
        assert_eq!(store.waiting(&sync).unwrap(), [(message, "9".to_owned())]);
        store.staged_imported(message, "2026-11-30T00:00:00Z").unwrap();
        assert!(store.waiting(&sync).unwrap().is_empty());
        let left: i64 = store
            .read(|tx| Ok::<_, StoreError>(tx.query_row("SELECT count(*) FROM waiting", [], |r| r.get(0))?))
            .unwrap();
        assert_eq!(left, 0);
    }

    #[test]
    fn an_erased_message_waits_no_more_and_its_issue_is_looked_at_again() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let sync: SyncName = "s".parse().unwrap();
        let message = staged(&store, StagedKind::Message, None);
        store.set_exported(&sync, "1", "HQ-1", b"h", 1).unwrap();
        store
            .staged_wait(message, ("parent", "waits"), &[("8".into(), "HQ-8".into())], "2026-11-28T01:00:00Z")
            .unwrap();
        store.staged_destroy_keys(message).unwrap();
        assert!(store.waiting(&sync).unwrap().is_empty());
        assert_eq!(store.exported(&sync, "1").unwrap(), Some((Vec::new(), 1)));
    }
}

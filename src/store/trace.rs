//! Where candidates for a person went: keyed hashes of parts of issues, which staged messages hold them, and whether they were carried
//! into the target.
//!
//! Owns the tables `trace`, `trace_part` and `trace_message`. Entries go with what they are about: those of a message with its keys,
//! those of a target with its erasure. No value is kept, and what a hash is of can only be asked, not read.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{OptionalExtension, Transaction, params};
use ulid::Ulid;

use super::{PairKind, StagedState, Store, StoreError};
use crate::{
    model::SyncName,
    trace::{HASH, Hash, Part},
};

pub(super) const SCHEMA: &str = "
CREATE TABLE trace_part (
    id INTEGER PRIMARY KEY, sync TEXT NOT NULL, issue_id TEXT NOT NULL, part TEXT NOT NULL,
    version BLOB NOT NULL,                -- of the hashes: another content with the same candidates is the same
    whole INTEGER NOT NULL,               -- whether all candidates are there
    carried TEXT,                         -- when it was last written into the target, RFC 3339
    latest INTEGER NOT NULL DEFAULT 0,    -- whether the last message that was carried says it
    UNIQUE (sync, issue_id, part, version)
) STRICT;
CREATE TABLE trace (hash BLOB NOT NULL, part INTEGER NOT NULL, PRIMARY KEY (hash, part)) STRICT, WITHOUT ROWID;
CREATE INDEX trace_by_part ON trace (part);
CREATE TABLE trace_message (message TEXT NOT NULL, part INTEGER NOT NULL, PRIMARY KEY (message, part)) STRICT, WITHOUT ROWID;
CREATE INDEX trace_message_by_part ON trace_message (part);
ALTER TABLE staged ADD COLUMN traced INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pair ADD COLUMN traced INTEGER NOT NULL DEFAULT 0;
";

/// A part in which a hash was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traced {
    /// The synchronization.
    pub sync: SyncName,
    /// The source issue's id.
    pub issue: String,
    /// The field, `comment/ID` or `attachment/ID`.
    pub part: String,
    /// Which of the hashes that were asked for.
    pub hashes: BTreeSet<Hash>,
    /// The staged messages that hold it: id, state, and the issue's key as they know it.
    pub messages: Vec<(Ulid, StagedState, String)>,
    /// When it was last written into the target, RFC 3339.
    pub carried: Option<String>,
    /// Whether the target was not brought to something newer since.
    pub latest: bool,
    /// Whether the part was redacted in the target since.
    pub redacted: bool,
}

/// What the index does not know.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Untraced {
    /// Messages that were staged before there was an index.
    pub messages: u64,
    /// Issues that were carried over before there was one.
    pub issues: u64,
    /// Parts of which not all candidates are kept.
    pub parts: u64,
}

/// What says that a part was redacted in the target.
const REDACTED: &str = "EXISTS (SELECT 1 FROM pair_field f WHERE f.sync = p.sync AND f.redacted = 1 AND (
    f.kind = 'issue' AND f.source_id = p.issue_id AND f.field = p.part
    OR f.kind <> 'issue' AND p.part = f.kind || '/' || f.source_id))";

/// Notes what a message holds, in place of what was noted before.
pub(super) fn put(tx: &Transaction<'_>, message: Ulid, parts: &[Part]) -> Result<(), StoreError> {
    let id = message.to_string();
    let before = parts_of(tx, &id)?;
    tx.execute("DELETE FROM trace_message WHERE message = ?1", [&id])?;
    for part in parts {
        let hashes: Vec<u8> = part.hashes.iter().flatten().copied().collect();
        let digest = blake3::hash(&hashes);
        let version = &digest.as_bytes()[..HASH];
        let new = tx.execute(
            "INSERT INTO trace_part (sync, issue_id, part, version, whole)
             SELECT sync, issue_id, ?2, ?3, ?4 FROM staged WHERE id = ?1 ON CONFLICT DO NOTHING",
            params![id, part.part, version, part.whole],
        )? > 0;
        let row: Option<i64> = tx
            .query_row(
                "SELECT p.id FROM trace_part p JOIN staged s ON s.sync = p.sync AND s.issue_id = p.issue_id
                 WHERE s.id = ?1 AND p.part = ?2 AND p.version = ?3",
                params![id, part.part, version],
                |r| r.get(0),
            )
            .optional()?;
        let Some(row) = row else { continue };
        if new {
            let mut insert = tx.prepare_cached("INSERT OR IGNORE INTO trace (hash, part) VALUES (?1, ?2)")?;
            for hash in &part.hashes {
                insert.execute(params![hash, row])?;
            }
        }
        tx.execute("INSERT OR IGNORE INTO trace_message (message, part) VALUES (?1, ?2)", params![id, row])?;
    }
    tx.execute("UPDATE staged SET traced = 1 WHERE id = ?1", [&id])?;
    drop_idle(tx, &before)
}

/// Forgets what a message held.
pub(super) fn forget_message(tx: &Transaction<'_>, message: Ulid) -> Result<(), StoreError> {
    let id = message.to_string();
    let before = parts_of(tx, &id)?;
    tx.execute("DELETE FROM trace_message WHERE message = ?1", [&id])?;
    drop_idle(tx, &before)
}

/// Notes that what a message holds was written into the target, or may have been in part where it failed; not where its issue has no
/// live pair. A message says all of its issue, so what an earlier one said is not the latest any more.
pub(super) fn carried(tx: &Transaction<'_>, message: Ulid, at: &str) -> Result<(), StoreError> {
    let id = message.to_string();
    let there: bool = tx.query_row(
        "SELECT EXISTS (SELECT 1 FROM pair p JOIN staged s ON s.sync = p.sync AND s.issue_id = p.source_id
         WHERE s.id = ?1 AND p.kind = 'issue' AND p.state = 'live')",
        [&id],
        |r| r.get(0),
    )?;
    if !there {
        return Ok(());
    }
    tx.execute(
        "UPDATE trace_part SET latest = 0 WHERE (sync, issue_id) IN (SELECT sync, issue_id FROM staged WHERE id = ?1)",
        [&id],
    )?;
    tx.execute(
        "UPDATE trace_part SET carried = ?2, latest = 1 WHERE id IN (SELECT part FROM trace_message WHERE message = ?1)",
        params![id, at],
    )?;
    tx.execute(
        "UPDATE pair SET traced = 1 WHERE kind = 'issue' AND (sync, source_id) IN
         (SELECT sync, issue_id FROM staged WHERE id = ?1 AND traced = 1)",
        [&id],
    )?;
    Ok(())
}

/// Forgets that something is in the target, since it was erased there.
pub(super) fn erased(tx: &Transaction<'_>, sync: &SyncName, kind: PairKind, source_id: &str) -> Result<(), StoreError> {
    let condition = match kind {
        PairKind::Issue => "issue_id = ?2".to_owned(),
        part => format!("part = '{}/' || ?2", part.as_str()),
    };
    let of = params![sync.as_str(), source_id];
    let mut q = tx.prepare(&format!("SELECT id FROM trace_part WHERE sync = ?1 AND {condition}"))?;
    let ids = q.query_map(of, |r| r.get(0))?.collect::<Result<Vec<i64>, _>>()?;
    tx.execute(&format!("UPDATE trace_part SET carried = NULL, latest = 0 WHERE sync = ?1 AND {condition}"), of)?;
    drop_idle(tx, &ids)
}

fn parts_of(tx: &Transaction<'_>, message: &str) -> Result<Vec<i64>, StoreError> {
    let mut q = tx.prepare_cached("SELECT part FROM trace_message WHERE message = ?1")?;
    Ok(q.query_map([message], |r| r.get(0))?.collect::<Result<Vec<_>, _>>()?)
}

/// Drops those of these parts that no message holds and no target has.
fn drop_idle(tx: &Transaction<'_>, parts: &[i64]) -> Result<(), StoreError> {
    for part in parts {
        let idle: bool = tx.query_row(
            "SELECT NOT EXISTS (SELECT 1 FROM trace_message WHERE part = ?1)
             AND NOT EXISTS (SELECT 1 FROM trace_part WHERE id = ?1 AND carried IS NOT NULL)",
            [part],
            |r| r.get(0),
        )?;
        if idle {
            tx.execute("DELETE FROM trace WHERE part = ?1", [part])?;
            tx.execute("DELETE FROM trace_part WHERE id = ?1", [part])?;
        }
    }
    Ok(())
}

impl Store {
    /// The parts in which any of these hashes stands, by synchronization, issue and part.
    ///
    /// # Errors
    /// What the database says.
    pub fn trace_find(&self, hashes: &BTreeSet<Hash>) -> Result<Vec<Traced>, StoreError> {
        self.read(|tx| {
            let mut found = BTreeMap::<i64, BTreeSet<Hash>>::new();
            let mut q = tx.prepare("SELECT part FROM trace WHERE hash = ?1")?;
            for hash in hashes {
                for part in q.query_map([hash], |r| r.get(0))? {
                    found.entry(part?).or_default().insert(*hash);
                }
            }
            let mut part = tx.prepare(&format!(
                "SELECT sync, issue_id, part, carried, latest, {REDACTED} FROM trace_part p WHERE id = ?1"
            ))?;
            let mut held = tx.prepare(
                "SELECT s.id, s.state, s.issue_key FROM trace_message m JOIN staged s ON s.id = m.message WHERE m.part = ?1
                 ORDER BY s.id",
            )?;
            let damaged = || StoreError::Damaged("trace");
            let mut out = Vec::new();
            for (id, hashes) in found {
                let mut messages = Vec::new();
                let mut rows = held.query([id])?;
                while let Some(r) = rows.next()? {
                    let message = r.get::<_, String>(0)?.parse().map_err(|_| damaged())?;
                    messages.push((message, StagedState::parse(&r.get::<_, String>(1)?).ok_or_else(damaged)?, r.get(2)?));
                }
                let row = part
                    .query_row([id], |r| {
                        Ok((r.get::<_, String>(0)?, r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?, r.get(5)?))
                    })
                    .optional()?;
                let Some((sync, issue, part, carried, latest, redacted)) = row else { continue };
                let sync = sync.parse().map_err(|_| damaged())?;
                out.push(Traced { sync, issue, part, hashes, messages, carried, latest, redacted });
            }
            out.sort_by(|a, b| (&a.sync, &a.issue, &a.part).cmp(&(&b.sync, &b.issue, &b.part)));
            Ok(out)
        })
    }

    /// What the index does not know.
    ///
    /// # Errors
    /// What the database says.
    pub fn untraced(&self) -> Result<Untraced, StoreError> {
        self.read(|tx| {
            let count = |sql: &str| tx.query_row(sql, [], |r| r.get::<_, i64>(0)).map(i64::unsigned_abs);
            Ok(Untraced {
                messages: count(
                    "SELECT count(*) FROM staged WHERE kind = 'msg' AND traced = 0 AND state IN ('new', 'processed', 'parked', 'missing')",
                )?,
                issues: count("SELECT count(*) FROM pair WHERE kind = 'issue' AND traced = 0 AND state <> 'erased'
                     AND target_first = 0")?,
                parts: count("SELECT count(*) FROM trace_part WHERE whole = 0")?,
            })
        })
    }

    /// Forgets a person, by hashes, in the parts that were redacted in the target and that no staged message holds any more. Says in how
    /// many.
    ///
    /// # Errors
    /// What the database says.
    pub fn trace_settle(&self, hashes: &BTreeSet<Hash>) -> Result<usize, StoreError> {
        self.write(|tx| {
            let mut gone = 0;
            for hash in hashes {
                gone += tx.execute(
                    &format!(
                        "DELETE FROM trace WHERE hash = ?1 AND part IN (SELECT p.id FROM trace_part p WHERE {REDACTED}
                         AND NOT EXISTS (SELECT 1 FROM trace_message m WHERE m.part = p.id))"
                    ),
                    [hash],
                )?;
            }
            Ok(gone)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        keys::DataKey,
        store::{Pair, Parking, StagedKind, StagedRow},
    };

    const AT: &str = "2026-11-28T00:00:00Z";

    struct Room {
        _dir: tempfile::TempDir,
        store: Store,
        sync: SyncName,
    }

    fn room() -> Room {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        Room { _dir: dir, store, sync: "s".parse().unwrap() }
    }

    fn part(name: &str, hashes: &[u8]) -> Part {
        Part { part: name.into(), hashes: hashes.iter().map(|h| [*h; HASH]).collect(), whole: true }
    }

    impl Room {
        fn stage(&self, parts: &[Part]) -> Ulid {
            let row = StagedRow {
                id: Ulid::generate(),
                sync: self.sync.clone(),
                kind: StagedKind::Message,
                owner: None,
                state: StagedState::Writing,
                issue_id: "1".into(),
                issue_key: "HQ-1".into(),
                sequence: 1,
                size: 0,
                created: AT.into(),
                key_id: Ulid::generate(),
                attempts: 0,
                error_kind: None,
                error_hint: None,
                since: None,
                next_try: None,
            };
            self.store.staged_begin(&row, &DataKey::random()).unwrap();
            self.store.staged_ready(row.id, 0, Some(parts)).unwrap();
            row.id
        }

        fn pair(&self, kind: PairKind, id: &str) {
            let pair = Pair {
                sync: self.sync.clone(),
                kind,
                source_id: id.into(),
                target_id: format!("9{id}"),
                source_issue: "1".into(),
                source_key: None,
                target_issue: "91".into(),
                target_key: None,
                hash: Vec::new(),
                erased: false,
                unlinked: false,
                created: AT.into(),
                twin: None,
                target_first: false,
            };
            self.store.commit_pair(&pair, &[], None).unwrap();
        }

        /// Part, number of messages, whether it was carried, and whether it is the latest.
        fn found(&self, hash: u8) -> Vec<(String, usize, bool, bool)> {
            let found = self.store.trace_find(&[[hash; HASH]].into()).unwrap();
            found.into_iter().map(|t| (t.part, t.messages.len(), t.carried.is_some(), t.latest)).collect()
        }
    }

    fn is(part: &str, messages: usize, carried: bool, latest: bool) -> (String, usize, bool, bool) {
        (part.to_owned(), messages, carried, latest)
    }

    #[test]
    fn entries_go_with_what_they_are_about() {
        let r = room();
        r.pair(PairKind::Issue, "1");
        r.pair(PairKind::Comment, "7");
        let first = r.stage(&[part("summary", &[1, 2]), part("comment/7", &[1])]);
        let second = r.stage(&[part("summary", &[2]), part("comment/7", &[1])]);
        assert_eq!(r.found(1), [is("comment/7", 2, false, false), is("summary", 1, false, false)]);
        assert_eq!(r.store.untraced().unwrap(), Untraced { messages: 0, issues: 1, parts: 0 });
        r.store.staged_imported(first, AT).unwrap();
        assert_eq!(r.store.untraced().unwrap().issues, 0);
        r.store.staged_imported(second, AT).unwrap();
        assert_eq!(r.found(1), [is("comment/7", 2, true, true), is("summary", 1, true, false)]);
        assert_eq!(r.found(2), [is("summary", 1, true, false), is("summary", 1, true, true)]);
        // Messages go, what was carried stays.
        for message in [first, second] {
            r.store.staged_destroy_keys(message).unwrap();
        }
        assert_eq!(r.found(1), [is("comment/7", 0, true, true), is("summary", 0, true, false)]);
        // A person goes where it was redacted, another one stays.
        r.store.mark_redacted(&r.sync, PairKind::Issue, "1", "summary", b"x").unwrap();
        assert_eq!(r.store.trace_settle(&[[1; HASH]].into()).unwrap(), 1);
        assert_eq!((r.found(1), r.found(2).len()), (vec![is("comment/7", 0, true, true)], 2));
        r.store.mark_erased(&r.sync, PairKind::Comment, "7").unwrap();
        assert_eq!((r.found(1), r.found(2).len()), (vec![], 2));
        r.store.mark_erased(&r.sync, PairKind::Issue, "1").unwrap();
        assert_eq!(r.found(2), []);
        let rows = |table: &str| {
            let count = format!("SELECT count(*) FROM {table}");
            r.store.read(|tx| Ok::<i64, StoreError>(tx.query_row(&count, [], |row| row.get(0))?)).unwrap()
        };
        assert_eq!((rows("trace"), rows("trace_part"), rows("trace_message")), (0, 0, 0), "nothing is left over");
    }

    #[test]
    fn what_failed_may_be_there_in_part_and_what_was_left_out_is_not() {
        let r = room();
        let why = Parking { kind: "server", hint: "", tried: true, next_try: None };
        let message = r.stage(&[part("summary", &[1])]);
        r.store.staged_park(message, &why, AT).unwrap();
        assert_eq!(r.found(1), [is("summary", 1, false, false)], "there is no issue to hold it");
        r.pair(PairKind::Issue, "1");
        r.store.staged_park(message, &Parking { tried: false, ..why }, AT).unwrap();
        assert_eq!(r.found(1), [is("summary", 1, false, false)]);
        r.store.staged_park(message, &why, AT).unwrap();
        assert_eq!(r.found(1), [is("summary", 1, true, true)]);
        r.store.mark_erased(&r.sync, PairKind::Issue, "1").unwrap();
        r.store.staged_imported(message, AT).unwrap();
        assert_eq!(r.found(1), [is("summary", 1, false, false)], "an erased issue takes nothing");
    }

    #[test]
    fn a_rewritten_message_holds_what_it_holds_now() {
        let r = room();
        let message = r.stage(&[part("summary", &[1, 2])]);
        let key = Ulid::generate();
        r.store.staged_add_key(message, key, &DataKey::random()).unwrap();
        r.store.staged_settle_key(message, key, 0, Some(&[part("summary", &[2])])).unwrap();
        assert_eq!((r.found(1), r.found(2)), (vec![], vec![is("summary", 1, false, false)]));
    }
}

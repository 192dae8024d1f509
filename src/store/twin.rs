//! Pairs of two-way synchronizations: each stands twice, once for each leg, the other way round.
//!
//! Owns the columns `twin` and `target_first` of `pair`, and `writing` and `settled` of `pair_field`. Each leg reads its own rows
//! as a one-way synchronization does; here both are kept in step, in the transaction that changes one of them. A hash is what a
//! leg knows of its own source, so it is never copied: what the other leg wrote there is *settled* when it is read back.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, Transaction, params};

use super::{
    Store, StoreError,
    sync::{Pair, PairKind},
};
use crate::model::SyncName;

pub(super) const SCHEMA: &str = "
ALTER TABLE pair ADD COLUMN twin TEXT;
ALTER TABLE pair ADD COLUMN target_first INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pair_field ADD COLUMN writing INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pair_field ADD COLUMN settled INTEGER NOT NULL DEFAULT 0;
";

/// The hash of a pair whose source is taken as it stands when it is first read: nothing of it is carried over.
pub const BASELINE: &[u8] = b"baseline";

/// What is known of a field of a leg's source beside its hash.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Touched {
    /// The other leg began to write it, and it is not known what became of that.
    pub writing: bool,
    /// Messages up to this sequence were staged before the other leg wrote it: what they say of it is over.
    pub settled: u64,
}

/// Keeps the row of the other leg in step with a pair that is written.
pub(super) fn mirror(tx: &Transaction<'_>, pair: &Pair, state: &str) -> Result<(), StoreError> {
    let Some(twin) = &pair.twin else { return Ok(()) };
    // The source's thing took the place of another one, or the target's did. An issue that was unlinked before stays so.
    tx.execute(
        "DELETE FROM pair WHERE sync = ?1 AND kind = ?2 AND target_id = ?3 AND source_id <> ?4 AND state <> 'unlinked'",
        params![twin.as_str(), pair.kind.as_str(), pair.source_id, pair.target_id],
    )?;
    tx.execute(
        "INSERT INTO pair (sync, kind, source_id, target_id, source_issue, source_key, target_issue, target_key, hash, state,
         created, twin, target_first) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, x'', ?9, ?10, ?11, ?12)
         ON CONFLICT (sync, kind, source_id) DO UPDATE SET target_id = excluded.target_id, source_key = excluded.source_key,
         target_issue = excluded.target_issue, target_key = excluded.target_key, state = excluded.state,
         twin = excluded.twin, target_first = excluded.target_first",
        params![
            twin.as_str(),
            pair.kind.as_str(),
            pair.target_id,
            pair.source_id,
            pair.target_issue,
            pair.target_key,
            pair.source_issue,
            pair.source_key,
            state,
            pair.created,
            pair.sync.as_str(),
            !pair.target_first,
        ],
    )?;
    Ok(())
}

/// Gives the other leg's rows of a thing (of an issue: of all that is its) the state that they have here.
pub(super) fn same_state(
    tx: &Transaction<'_>,
    sync: &SyncName,
    kind: PairKind,
    source_id: &str,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE pair SET state = here.state FROM pair AS here
         WHERE here.sync = ?1 AND (here.kind = ?2 AND here.source_id = ?3 OR ?2 = 'issue' AND here.source_issue = ?3)
         AND pair.sync = here.twin AND pair.kind = here.kind AND pair.source_id = here.target_id",
        params![sync.as_str(), kind.as_str(), source_id],
    )?;
    Ok(())
}

/// Forgets the other leg's row of a thing whose pair is forgotten.
pub(super) fn forget_one(
    tx: &Transaction<'_>,
    sync: &SyncName,
    kind: PairKind,
    source_id: &str,
) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM pair WHERE rowid IN (SELECT there.rowid FROM pair AS here JOIN pair AS there ON there.sync = here.twin
         AND there.kind = here.kind AND there.source_id = here.target_id
         WHERE here.sync = ?1 AND here.kind = ?2 AND here.source_id = ?3)",
        params![sync.as_str(), kind.as_str(), source_id],
    )?;
    Ok(())
}

/// Forgets the other leg's rows of an issue whose pairs are forgotten.
pub(super) fn forget(tx: &Transaction<'_>, sync: &SyncName, source_issue: &str) -> Result<(), StoreError> {
    let rows = "SELECT there.rowid FROM pair AS here JOIN pair AS there ON there.sync = here.twin
                AND there.kind = here.kind AND there.source_id = here.target_id
                WHERE here.sync = ?1 AND here.source_issue = ?2";
    let of = params![sync.as_str(), source_issue];
    tx.execute(
        &format!(
            "DELETE FROM pair_field WHERE (sync, kind, source_id) IN (SELECT sync, kind, source_id FROM pair WHERE rowid IN ({rows}))"
        ),
        of,
    )?;
    tx.execute(&format!("DELETE FROM pair WHERE rowid IN ({rows})"), of)?;
    Ok(())
}

impl Store {
    /// Makes the pairs of a synchronization known to its other leg, where they were made before it had one. What stands in the
    /// copies then is taken as it is. Says how many.
    ///
    /// # Errors
    /// What the database says.
    pub fn twin_pairs(&self, sync: &SyncName, twin: &SyncName) -> Result<usize, StoreError> {
        self.write(|tx| {
            let of = params![sync.as_str(), twin.as_str(), BASELINE];
            let n = tx.execute(
                "INSERT INTO pair (sync, kind, source_id, target_id, source_issue, source_key, target_issue, target_key, hash,
                 state, created, twin, target_first)
                 SELECT ?2, kind, target_id, source_id, target_issue, target_key, source_issue, source_key, ?3, state, created, ?1,
                 1 FROM pair WHERE sync = ?1 AND twin IS NULL ON CONFLICT DO NOTHING",
                of,
            )?;
            tx.execute("UPDATE pair SET twin = ?2 WHERE sync = ?1 AND twin IS NULL", params![sync.as_str(), twin.as_str()])?;
            Ok(n)
        })
    }

    /// Notes that a leg is about to write fields of the thing that is `source_id` to the other leg.
    ///
    /// # Errors
    /// What the database says.
    pub fn begin_writing(
        &self,
        twin: &SyncName,
        kind: PairKind,
        source_id: &str,
        fields: &[&str],
    ) -> Result<(), StoreError> {
        self.write(|tx| {
            for field in fields {
                tx.execute(
                    "INSERT INTO pair_field (sync, kind, source_id, field, source_hash, writing) VALUES (?1, ?2, ?3, ?4, x'', 1)
                     ON CONFLICT (sync, kind, source_id, field) DO UPDATE SET writing = 1",
                    params![twin.as_str(), kind.as_str(), source_id, field],
                )?;
            }
            Ok(())
        })
    }

    /// Notes what fields of a leg's source are, as read back or as they are to count: nothing of it is to be carried over. What
    /// messages say of them that are staged already is over.
    ///
    /// # Errors
    /// What the database says.
    pub fn settle_fields(
        &self,
        sync: &SyncName,
        kind: PairKind,
        source_id: &str,
        fields: &[(&str, Vec<u8>)],
    ) -> Result<(), StoreError> {
        self.write(|tx| {
            let issue: Option<String> = tx
                .query_row(
                    "SELECT source_issue FROM pair WHERE sync = ?1 AND kind = ?2 AND source_id = ?3",
                    params![sync.as_str(), kind.as_str(), source_id],
                    |r| r.get(0),
                )
                .optional()?;
            let sequence = super::sync::last_sequence(tx, sync, issue.as_deref().unwrap_or(source_id))?;
            for (field, hash) in fields {
                tx.execute(
                    "INSERT INTO pair_field (sync, kind, source_id, field, source_hash, settled) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                     ON CONFLICT (sync, kind, source_id, field) DO UPDATE SET source_hash = excluded.source_hash,
                     settled = excluded.settled, writing = 0",
                    params![sync.as_str(), kind.as_str(), source_id, field, hash, sequence],
                )?;
                if kind != PairKind::Issue {
                    tx.execute(
                        "UPDATE pair SET hash = ?4 WHERE sync = ?1 AND kind = ?2 AND source_id = ?3",
                        params![sync.as_str(), kind.as_str(), source_id, hash],
                    )?;
                }
            }
            Ok(())
        })
    }

    /// What the other leg did to the fields of a leg's source, by field.
    ///
    /// # Errors
    /// What the database says.
    pub fn touched(
        &self,
        sync: &SyncName,
        kind: PairKind,
        source_id: &str,
    ) -> Result<BTreeMap<String, Touched>, StoreError> {
        self.read(|tx| {
            let mut q = tx.prepare(
                "SELECT field, writing, settled FROM pair_field WHERE sync = ?1 AND kind = ?2 AND source_id = ?3",
            )?;
            let rows = q.query_map(params![sync.as_str(), kind.as_str(), source_id], |r| {
                Ok((r.get(0)?, Touched { writing: r.get(1)?, settled: r.get::<_, i64>(2)? as u64 }))
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Whether a synchronization may have made an issue of which it knows nothing yet.
    ///
    /// # Errors
    /// What the database says.
    pub fn makes_an_issue(&self, sync: &SyncName) -> Result<bool, StoreError> {
        self.read(|tx| {
            Ok(tx.query_row(
                "SELECT EXISTS (SELECT 1 FROM intent WHERE sync = ?1 AND kind = 'issue')",
                [sync.as_str()],
                |r| r.get(0),
            )?)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::PairField;

    fn world() -> (tempfile::TempDir, Store, SyncName, SyncName) {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        (dir, store, "s".parse().unwrap(), "s.back".parse().unwrap())
    }

    fn pair(kind: PairKind, source: &str, target: &str, twin: Option<&str>) -> Pair {
        Pair {
            sync: "s".parse().unwrap(),
            kind,
            source_id: source.into(),
            target_id: target.into(),
            source_issue: "1".into(),
            source_key: Some("HQ-1".into()),
            target_issue: "9".into(),
            target_key: Some("PART-1".into()),
            hash: b"h".to_vec(),
            erased: false,
            unlinked: false,
            created: "2026-11-28T00:00:00Z".into(),
            twin: twin.map(|t| t.parse().unwrap()),
            target_first: false,
        }
    }

    #[test]
    fn a_pair_stands_twice_and_hashes_stay_where_they_were_read() {
        let (_dir, store, there, back) = world();
        store.commit_pair(&pair(PairKind::Issue, "1", "9", Some("s.back")), &[], None).unwrap();
        let mut other = store.pair(&back, PairKind::Issue, "9").unwrap().unwrap();
        assert_eq!(
            (other.target_id.as_str(), other.source_key.as_deref(), other.target_key.as_deref(), other.target_first),
            ("1", Some("PART-1"), Some("HQ-1"), true)
        );
        assert_eq!((other.hash.as_slice(), other.twin.as_ref()), (&b""[..], Some(&there)));
        other.hash = b"k".to_vec();
        store.commit_pair(&other, &[], None).unwrap();
        let one = store.pair(&there, PairKind::Issue, "1").unwrap().unwrap();
        assert_eq!((one.hash.as_slice(), one.target_first), (&b"h"[..], false));
        store.commit_pair(&one, &[], None).unwrap();
        assert_eq!(store.pair(&back, PairKind::Issue, "9").unwrap().unwrap().hash, b"k");
        assert_eq!(store.pairs(&there).unwrap().len() + store.pairs(&back).unwrap().len(), 2);
    }

    #[test]
    fn what_is_erased_unlinked_or_forgotten_is_so_for_both() {
        let (_dir, store, there, back) = world();
        for (kind, source, target) in [(PairKind::Issue, "1", "9"), (PairKind::Comment, "11", "91")] {
            store.commit_pair(&pair(kind, source, target, Some("s.back")), &[], None).unwrap();
        }
        store.mark_erased(&back, PairKind::Comment, "91").unwrap();
        assert!(store.pair(&there, PairKind::Comment, "11").unwrap().unwrap().erased);
        assert!(!store.pair(&there, PairKind::Issue, "1").unwrap().unwrap().erased);
        store.unlink(&there, "1").unwrap();
        assert!(store.pair(&back, PairKind::Issue, "9").unwrap().unwrap().unlinked);
        store.commit_pair(&pair(PairKind::Issue, "1", "9", Some("s.back")), &[], None).unwrap();
        assert!(!store.pair(&back, PairKind::Issue, "9").unwrap().unwrap().unlinked);
        store.renew_pair(&there, "1").unwrap();
        assert_eq!(store.pairs(&back).unwrap(), []);
        store.commit_pair(&pair(PairKind::Worklog, "31", "94", Some("s.back")), &[], None).unwrap();
        store.drop_pair(&there, PairKind::Worklog, "31").unwrap();
        assert_eq!(store.pairs(&back).unwrap(), []);
        // Where the target's thing was replaced, the old one is no source any more.
        store.commit_pair(&pair(PairKind::Attachment, "21", "92", Some("s.back")), &[], None).unwrap();
        store.commit_pair(&pair(PairKind::Attachment, "21", "93", Some("s.back")), &[], None).unwrap();
        let sources: Vec<String> = store.pairs(&back).unwrap().into_iter().map(|p| p.source_id).collect();
        assert_eq!(sources, ["93"]);
    }

    #[test]
    fn what_the_other_leg_wrote_is_settled_or_in_doubt() {
        let (_dir, store, there, back) = world();
        store.commit_pair(&pair(PairKind::Issue, "1", "9", Some("s.back")), &[], None).unwrap();
        store.set_exported(&back, "9", "PART-1", b"x", 4).unwrap();
        store.begin_writing(&back, PairKind::Issue, "9", &["summary", "labels"]).unwrap();
        store.settle_fields(&back, PairKind::Issue, "9", &[("summary", b"now".to_vec())]).unwrap();
        let touched = store.touched(&back, PairKind::Issue, "9").unwrap();
        assert_eq!(touched["summary"], Touched { writing: false, settled: 4 });
        assert_eq!(touched["labels"], Touched { writing: true, settled: 0 });
        // What the leg carries over itself is in doubt no more.
        let field =
            PairField { field: "labels".into(), source_hash: b"l".to_vec(), target_hash: None, redacted: false };
        store.commit_pair(&store.pair(&back, PairKind::Issue, "9").unwrap().unwrap(), &[field], None).unwrap();
        assert!(!store.touched(&back, PairKind::Issue, "9").unwrap()["labels"].writing);
        assert_eq!(store.touched(&there, PairKind::Issue, "1").unwrap(), BTreeMap::new());
    }

    #[test]
    fn pairs_of_before_get_their_twins_once() {
        let (_dir, store, there, back) = world();
        store.commit_pair(&pair(PairKind::Issue, "1", "9", None), &[], None).unwrap();
        assert_eq!(store.pairs(&back).unwrap(), []);
        assert_eq!(store.twin_pairs(&there, &back).unwrap(), 1);
        assert_eq!(store.twin_pairs(&there, &back).unwrap(), 0);
        let other = store.pair(&back, PairKind::Issue, "9").unwrap().unwrap();
        assert_eq!((other.hash.as_slice(), other.target_first), (BASELINE, true));
        assert_eq!(store.pair(&there, PairKind::Issue, "1").unwrap().unwrap().twin, Some(back));
    }
}

//! Pairs as a person handles them: asked for again, linked by hand, unlinked.
//!
//! Owns the table `pending`: issues whose next export is due whatever the cursor says, so that a resync that was cut off goes on.

use rusqlite::{Transaction, params};

use super::{Store, StoreError, sync::Pair};
use crate::model::SyncName;

/// A pair may be unlinked; and kinds of pairs are checked where they are read, so that a new one needs no new table.
pub(super) const SCHEMA: &str = "
CREATE TABLE pair_next (
    sync TEXT NOT NULL, kind TEXT NOT NULL, source_id TEXT NOT NULL, target_id TEXT NOT NULL, source_issue TEXT NOT NULL,
    source_key TEXT, target_issue TEXT NOT NULL, target_key TEXT, hash BLOB NOT NULL,
    state TEXT NOT NULL DEFAULT 'live' CHECK (state IN ('live', 'erased', 'unlinked')), created TEXT NOT NULL,
    PRIMARY KEY (sync, kind, source_id)
) STRICT;
INSERT INTO pair_next (sync, kind, source_id, target_id, source_issue, source_key, target_issue, target_key, hash, state, created)
    SELECT sync, kind, source_id, target_id, source_issue, source_key, target_issue, target_key, hash, state, created FROM pair;
DROP TABLE pair;
ALTER TABLE pair_next RENAME TO pair;
CREATE INDEX pair_by_target ON pair (kind, target_id);
CREATE INDEX pair_by_issue ON pair (sync, source_issue);
CREATE TABLE pending (sync TEXT NOT NULL, issue_id TEXT NOT NULL, PRIMARY KEY (sync, issue_id)) STRICT;
";

/// An issue pair that a person made, with what of its comments and attachments stands in the target already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLink {
    /// The issues.
    pub issue: Pair,
    /// Comments and attachments.
    pub parts: Vec<Pair>,
}

/// Makes the next export carry an issue over as if nothing were known of its content: the pairs stay, and so does what is
/// remembered of redactions.
fn ask_again(tx: &Transaction<'_>, sync: &SyncName, issue: &str) -> Result<(), StoreError> {
    let of = params![sync.as_str(), issue];
    tx.execute(
        "UPDATE pair SET hash = x'' WHERE sync = ?1 AND kind = 'issue' AND source_id = ?2 AND state = 'live'",
        of,
    )?;
    // Attachments never change: their bytes were carried over once and for all.
    tx.execute(
        "UPDATE pair SET hash = x'' WHERE sync = ?1 AND kind NOT IN ('issue', 'attachment') AND source_issue = ?2 AND state = 'live'
         AND NOT EXISTS (SELECT 1 FROM pair_field f WHERE f.sync = pair.sync AND f.kind = pair.kind
                         AND f.source_id = pair.source_id AND f.redacted = 1)",
        of,
    )?;
    tx.execute(
        "UPDATE pair_field SET source_hash = x'' WHERE sync = ?1 AND kind = 'issue' AND source_id = ?2 AND redacted = 0",
        of,
    )?;
    tx.execute("UPDATE exported SET hash = x'' WHERE sync = ?1 AND issue_id = ?2", of)?;
    tx.execute("INSERT INTO pending (sync, issue_id) VALUES (?1, ?2) ON CONFLICT DO NOTHING", of)?;
    Ok(())
}

impl Store {
    /// Asks for issues again, all in one commit: the next export carries them over whatever hashes and cursor say.
    ///
    /// # Errors
    /// What the database says.
    pub fn ask_again(&self, sync: &SyncName, issues: &[String]) -> Result<(), StoreError> {
        self.write(|tx| issues.iter().try_for_each(|issue| ask_again(tx, sync, issue)))
    }

    /// Up to `most` issues that were asked for and not exported yet, in the order of their ids, from behind `after` on.
    ///
    /// # Errors
    /// What the database says.
    pub fn pending(&self, sync: &SyncName, after: &str, most: usize) -> Result<Vec<String>, StoreError> {
        self.read(|tx| {
            let mut q = tx
                .prepare("SELECT issue_id FROM pending WHERE sync = ?1 AND issue_id > ?2 ORDER BY issue_id LIMIT ?3")?;
            let rows = q.query_map(params![sync.as_str(), after, most as i64], |r| r.get(0))?;
            Ok(rows.collect::<Result<Vec<_>, _>>()?)
        })
    }

    /// Notes that an issue that was asked for is exported, or gone.
    ///
    /// # Errors
    /// What the database says.
    pub fn pending_done(&self, sync: &SyncName, issue: &str) -> Result<(), StoreError> {
        self.write(|tx| {
            tx.execute("DELETE FROM pending WHERE sync = ?1 AND issue_id = ?2", params![sync.as_str(), issue])?;
            Ok(())
        })
    }

    /// Makes pairs that a person gave, all in one commit, and asks for their issues. Who calls has checked that neither side
    /// is paired. What was erased stays so, and an issue that is linked as before keeps what is remembered of its parts.
    ///
    /// # Errors
    /// What the database says.
    pub fn link(&self, links: &[NewLink]) -> Result<(), StoreError> {
        self.write(|tx| {
            for NewLink { issue, parts } in links {
                let of = params![issue.sync.as_str(), issue.source_issue, issue.target_issue];
                // Of an earlier link to another issue nothing counts any more.
                tx.execute(
                    "DELETE FROM pair_field WHERE sync = ?1 AND (kind, source_id) IN (SELECT kind, source_id FROM pair
                     WHERE sync = ?1 AND source_issue = ?2 AND target_issue <> ?3 AND state = 'unlinked')",
                    of,
                )?;
                tx.execute(
                    "DELETE FROM pair WHERE sync = ?1 AND source_issue = ?2 AND target_issue <> ?3 AND state = 'unlinked'",
                    of,
                )?;
                tx.execute(
                    "UPDATE pair SET state = 'live' WHERE sync = ?1 AND source_issue = ?2 AND target_issue = ?3
                     AND state = 'unlinked'",
                    of,
                )?;
                for pair in std::iter::once(issue).chain(parts) {
                    super::sync::insert_pair(tx, pair, false)?;
                }
                super::twin::same_state(tx, &issue.sync, crate::store::PairKind::Issue, &issue.source_issue)?;
                ask_again(tx, &issue.sync, &issue.source_issue)?;
                for part in parts {
                    // It stands there as it is.
                    tx.execute(
                        "UPDATE pair SET hash = ?4 WHERE sync = ?1 AND kind = ?2 AND source_id = ?3 AND hash = x''",
                        params![part.sync.as_str(), part.kind.as_str(), part.source_id, part.hash],
                    )?;
                }
            }
            Ok(())
        })
    }

    /// Unlinks an issue: it is neither brought up to date nor made again. Says whether it was linked.
    ///
    /// # Errors
    /// What the database says.
    pub fn unlink(&self, sync: &SyncName, source_issue: &str) -> Result<bool, StoreError> {
        self.write(|tx| {
            let of = params![sync.as_str(), source_issue];
            tx.execute("DELETE FROM pending WHERE sync = ?1 AND issue_id = ?2", of)?;
            let n = tx.execute(
                "UPDATE pair SET state = 'unlinked' WHERE sync = ?1 AND source_issue = ?2 AND state = 'live'
                 AND EXISTS (SELECT 1 FROM pair i WHERE i.sync = ?1 AND i.kind = 'issue' AND i.source_id = ?2 AND i.state = 'live')",
                of,
            )?;
            super::twin::same_state(tx, sync, crate::store::PairKind::Issue, source_issue)?;
            Ok(n > 0)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{PairField, PairKind};

    fn pair(kind: PairKind, source: &str, target: &str, target_issue: &str) -> Pair {
        Pair {
            sync: "s".parse().unwrap(),
            kind,
            source_id: source.into(),
            target_id: target.into(),
            source_issue: "1".into(),
            source_key: Some("HQ-1".into()),
            target_issue: target_issue.into(),
            target_key: Some("PART-1".into()),
            hash: b"h".to_vec(),
            erased: false,
            unlinked: false,
            created: "2026-11-28T00:00:00Z".into(),
            twin: None,
            target_first: false,
        }
    }

    fn store() -> (tempfile::TempDir, Store, SyncName) {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        (dir, store, "s".parse().unwrap())
    }

    #[test]
    fn asking_again_forgets_contents_and_keeps_pairs_and_redactions() {
        let (_dir, store, sync) = store();
        let field = |name: &str| PairField {
            field: name.into(),
            source_hash: b"f".to_vec(),
            target_hash: None,
            redacted: false,
        };
        store.commit_pair(&pair(PairKind::Issue, "1", "9", "9"), &[field("summary"), field("labels")], None).unwrap();
        for id in ["11", "12", "13"] {
            store.commit_pair(&pair(PairKind::Comment, id, &format!("9{id}"), "9"), &[field("body")], None).unwrap();
        }
        store.commit_pair(&pair(PairKind::Attachment, "21", "921", "9"), &[], None).unwrap();
        store.mark_redacted(&sync, PairKind::Issue, "1", "summary", b"t").unwrap();
        store.mark_redacted(&sync, PairKind::Comment, "12", "body", b"t").unwrap();
        store.mark_erased(&sync, PairKind::Comment, "13").unwrap();
        store.set_exported(&sync, "1", "HQ-1", b"h", 3).unwrap();
        store.ask_again(&sync, &["1".into(), "2".into()]).unwrap();
        let hash = |kind, id: &str| store.pair(&sync, kind, id).unwrap().unwrap().hash;
        assert_eq!(hash(PairKind::Issue, "1"), b"");
        assert_eq!(hash(PairKind::Comment, "11"), b"");
        assert_eq!(hash(PairKind::Comment, "12"), b"h", "redacted: nothing is written over it");
        assert_eq!(hash(PairKind::Comment, "13"), b"h");
        assert_eq!(hash(PairKind::Attachment, "21"), b"h");
        let fields = store.pair_fields(&sync, PairKind::Issue, "1").unwrap();
        let of: Vec<_> = fields.iter().map(|f| (f.field.as_str(), f.source_hash.as_slice(), f.redacted)).collect();
        assert_eq!(of, [("labels", &b""[..], false), ("summary", b"f", true)]);
        assert_eq!(store.exported(&sync, "1").unwrap(), Some((Vec::new(), 3)), "its sequence goes on");
        assert_eq!(store.pending(&sync, "", 9).unwrap(), ["1", "2"]);
        assert_eq!(store.pending(&sync, "1", 9).unwrap(), ["2"]);
        store.pending_done(&sync, "1").unwrap();
        assert_eq!(store.pending(&sync, "", 9).unwrap(), ["2"]);
    }

    #[test]
    fn an_unlinked_issue_is_linked_again_to_the_same_or_another() {
        let (_dir, store, sync) = store();
        let mut part = pair(PairKind::Comment, "11", "911", "9");
        store.commit_pair(&pair(PairKind::Issue, "1", "9", "9"), &[], None).unwrap();
        store.commit_pair(&part, &[], None).unwrap();
        store.commit_pair(&pair(PairKind::Comment, "12", "912", "9"), &[], None).unwrap();
        store.mark_erased(&sync, PairKind::Comment, "12").unwrap();
        let states = || -> Vec<(String, String, bool, bool)> {
            let all = store.pairs(&sync).unwrap();
            all.into_iter().map(|p| (p.source_id, p.target_id, p.erased, p.unlinked)).collect()
        };
        let is = |id: &str, target: &str, erased, unlinked| (id.to_owned(), target.to_owned(), erased, unlinked);
        assert!(store.unlink(&sync, "1").unwrap());
        assert!(!store.unlink(&sync, "1").unwrap(), "once");
        assert_eq!(states(), [is("11", "911", false, true), is("12", "912", true, false), is("1", "9", false, true)]);
        store.link(&[NewLink { issue: pair(PairKind::Issue, "1", "9", "9"), parts: Vec::new() }]).unwrap();
        assert_eq!(states(), [is("11", "911", false, false), is("12", "912", true, false), is("1", "9", false, false)]);
        assert_eq!(store.pending(&sync, "", 9).unwrap(), ["1"]);
        store.unlink(&sync, "1").unwrap();
        part.target_id = "800".into();
        part.target_issue = "8".into();
        let other = pair(PairKind::Issue, "1", "8", "8");
        store.link(&[NewLink { issue: other, parts: vec![part] }]).unwrap();
        assert_eq!(states(), [is("11", "800", false, false), is("12", "912", true, false), is("1", "8", false, false)]);
        assert_eq!(store.pair(&sync, PairKind::Comment, "11").unwrap().unwrap().hash, b"h", "it stands there as it is");
        // What is deleted to be written anew would not be written anew.
        store.unlink(&sync, "1").unwrap();
        assert!(store.renew_pair(&sync, "1").unwrap());
        assert!(store.pair(&sync, PairKind::Issue, "1").unwrap().unwrap().erased);
    }
}

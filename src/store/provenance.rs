//! What went where, in counts: pairs and staged files by synchronization, also of synchronizations that are configured no more.

use super::{Store, StoreError};

/// How many things a synchronization carried over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carried {
    /// The synchronization.
    pub sync: String,
    /// Issue, comment or attachment.
    pub kind: String,
    /// Whether they were erased in the target since.
    pub erased: bool,
    /// How many.
    pub count: u64,
}

/// How many messages and attachments are staged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staged {
    /// The synchronization.
    pub sync: String,
    /// Where they stand, such as `processed`.
    pub state: String,
    /// How many.
    pub count: u64,
    /// When the oldest was staged (RFC 3339).
    pub oldest: String,
}

impl Store {
    /// What was carried over, by synchronization and kind.
    ///
    /// # Errors
    /// What the database says.
    pub fn carried(&self) -> Result<Vec<Carried>, StoreError> {
        self.read(|tx| {
            let mut q = tx
                .prepare("SELECT sync, kind, state = 'erased', count(*) FROM pair WHERE target_first = 0 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3")?;
            let rows = q.query_map([], |r| {
                let count = r.get::<_, i64>(3)?.unsigned_abs();
                Ok(Carried { sync: r.get(0)?, kind: r.get(1)?, erased: r.get(2)?, count })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// What is staged, by synchronization and state.
    ///
    /// # Errors
    /// What the database says.
    pub fn staged_counts(&self) -> Result<Vec<Staged>, StoreError> {
        self.read(|tx| {
            let mut q =
                tx.prepare("SELECT sync, state, count(*), min(created) FROM staged GROUP BY 1, 2 ORDER BY 1, 2")?;
            let rows = q.query_map([], |r| {
                let count = r.get::<_, i64>(2)?.unsigned_abs();
                Ok(Staged { sync: r.get(0)?, state: r.get(1)?, count, oldest: r.get(3)? })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Pair, PairKind};

    #[test]
    fn counts_by_synchronization_kind_and_state() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let pair = |sync: &str, kind, id: &str| Pair {
            sync: sync.parse().unwrap(),
            kind,
            source_id: id.into(),
            target_id: format!("t{id}"),
            source_issue: "1".into(),
            source_key: None,
            target_issue: "t1".into(),
            target_key: None,
            hash: vec![1],
            erased: false,
            unlinked: false,
            created: "2026-11-01T00:00:00Z".into(),
            twin: None,
            target_first: false,
        };
        for (sync, kind, id) in [
            ("a", PairKind::Issue, "1"),
            ("a", PairKind::Comment, "2"),
            ("a", PairKind::Comment, "3"),
            ("b", PairKind::Issue, "1"),
        ] {
            store.commit_pair(&pair(sync, kind, id), &[], None).unwrap();
        }
        assert!(store.mark_erased(&"a".parse().unwrap(), PairKind::Comment, "3").unwrap());
        let said: Vec<_> = store.carried().unwrap().into_iter().map(|c| (c.sync, c.kind, c.erased, c.count)).collect();
        let row = |sync: &str, kind: &str, erased, n| (sync.to_owned(), kind.to_owned(), erased, n);
        assert_eq!(
            said,
            [
                row("a", "comment", false, 1),
                row("a", "comment", true, 1),
                row("a", "issue", false, 1),
                row("b", "issue", false, 1)
            ]
        );
        assert_eq!(store.staged_counts().unwrap(), []);
    }
}

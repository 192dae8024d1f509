//! The suppression list at rest: keyed hashes of an erased person's identifiers.
//!
//! Owns the table `suppression`. Holds no value in clear; which normalisation a hash was made with stands beside it,
//! since the plaintext is gone when a better one comes.

use rusqlite::params;

use super::{Store, StoreError};
use crate::model::CaseId;

pub(super) const SCHEMA: &str = "
CREATE TABLE suppression (
    hash BLOB NOT NULL, kind TEXT NOT NULL, case_id TEXT NOT NULL, scope TEXT NOT NULL, norm TEXT NOT NULL,
    words INTEGER NOT NULL, created TEXT NOT NULL, PRIMARY KEY (hash, case_id)
) STRICT;
CREATE INDEX suppression_by_case ON suppression (case_id);
";

/// One suppressed identifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuppressionRow {
    /// Keyed hash of kind, normalised value and scope.
    pub hash: [u8; 32],
    /// The identifier's kind, as in `IdentifierKind::as_str`.
    pub kind: String,
    /// The case that put it there.
    pub case: CaseId,
    /// The instance it holds in, `*` for all.
    pub scope: String,
    /// Which normalisation made it, such as `norm/1`.
    pub norm: String,
    /// How many words the normalised value has, so that the guard knows which windows to try.
    pub words: u32,
    /// When, RFC 3339.
    pub created: String,
}

impl Store {
    /// Adds entries; one that the case has already is left as it is. Says how many are new.
    ///
    /// # Errors
    /// What the database says.
    pub fn suppression_add(&self, rows: &[SuppressionRow]) -> Result<usize, StoreError> {
        self.write(|tx| {
            let mut added = 0;
            for r in rows {
                added += tx.execute(
                    "INSERT OR IGNORE INTO suppression (hash, kind, case_id, scope, norm, words, created)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                    params![r.hash, r.kind, r.case.as_str(), r.scope, r.norm, r.words, r.created],
                )?;
            }
            Ok(added)
        })
    }

    /// The whole list, oldest first.
    ///
    /// # Errors
    /// What the database says.
    pub fn suppression_list(&self) -> Result<Vec<SuppressionRow>, StoreError> {
        self.read(|tx| {
            let mut q = tx.prepare(
                "SELECT hash, kind, case_id, scope, norm, words, created FROM suppression ORDER BY created, case_id, kind,
                 hash",
            )?;
            let mut rows = q.query([])?;
            let mut out = Vec::new();
            while let Some(r) = rows.next()? {
                out.push(SuppressionRow {
                    hash: r.get(0)?,
                    kind: r.get(1)?,
                    case: r.get::<_, String>(2)?.parse().map_err(|_| StoreError::Damaged("suppression"))?,
                    scope: r.get(3)?,
                    norm: r.get(4)?,
                    words: r.get(5)?,
                    created: r.get(6)?,
                });
            }
            Ok(out)
        })
    }

    /// Removes a case's entries; says how many there were.
    ///
    /// # Errors
    /// What the database says.
    pub fn suppression_remove(&self, case: &CaseId) -> Result<usize, StoreError> {
        self.write(|tx| Ok(tx.execute("DELETE FROM suppression WHERE case_id = ?1", [case.as_str()])?))
    }
}

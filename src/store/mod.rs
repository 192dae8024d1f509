//! The embedded store (SQLite): one file beside the key file, domain verbs in one file a room.
//!
//! Owns the database and its schema. What names a person is handed in sealed, or is sealed here before it is written,
//! so that no page, WAL or snapshot ever holds it in clear; `secure_delete` is on besides. Knows no Jira.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior};

use crate::keys::{KeyError, Keys};

mod approvals;
mod audit;
mod cache;
mod cases;
mod coverage;
mod generation;
mod holds;
mod journal;
mod life;
mod links;
mod looks;
mod notices;
mod provenance;
mod schema;
mod scope;
mod staged;
mod subjects;
mod suppression;
mod sweeps;
mod sync;
mod told;
mod trace;
mod twin;
mod waiting;

pub use crate::model::CaseState;
pub use approvals::Signed;
pub use audit::Act;
pub use cache::{CACHES, CacheFile, LARGEST_FRAME};
pub use cases::{Approval, Case, Opened, PlanCounts, StepRow, StepState};
pub use coverage::LastLook;
pub use generation::{Generations, Outlook};
pub use holds::HoldRow;
pub use life::Change;
pub use links::NewLink;
pub use notices::NoticeRow;
pub use provenance::{Carried, Staged};
pub use staged::{Parking, StagedKind, StagedRow, StagedState};
use subjects::SealedSubject;
pub use suppression::{Removal, Removed, SuppressionRow};
pub use sweeps::{RecordKey, SeenFile, SweepMark, SweepRun};
pub use sync::{Intent, Pair, PairField, PairKind};
pub use told::{Digest, ToldKey, ToldRow};
pub use trace::{Traced, Untraced};
pub use twin::{BASELINE, Touched};

/// Why the store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The key file.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// The database.
    #[error("the store {path}: {source}")]
    Sqlite {
        /// The database file.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// The folder.
    #[error("cannot use the state folder {path}: {source}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A newer efface wrote it.
    #[error("the store {path} was written by a newer efface (schema {found}, this one knows {known}); use that one")]
    Newer {
        /// The database file.
        path: PathBuf,
        /// Its schema version.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// Key file and store do not belong together.
    #[error("the key file in {0} does not belong to the store beside it: one of them was restored from another backup")]
    Mismatch(PathBuf),
    /// A case cannot go there from where it stands.
    #[error("case {case} is {from}, and cannot be {to} from there")]
    Way {
        /// The case.
        case: crate::model::CaseId,
        /// Where it stands.
        from: CaseState,
        /// Where it should have gone.
        to: CaseState,
    },
    /// The suppression journal.
    #[error(
        "the suppression journal {path}: {what}. Put it back from its own backup; where there is none, move it aside and run: efface case replay"
    )]
    Journal {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// Something was put back from a backup.
    #[error(
        "the suppression list is of another generation than what lies beside it ({0}): one of them was put back from a \
         backup, so an erasure may be forgotten; nothing is synchronised or erased until this has run: efface case replay"
    )]
    Restored(Generations),
    /// A row holds what it cannot hold.
    #[error("the store holds a damaged row in {0}")]
    Damaged(&'static str),
}

/// The store of one installation; cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Mutex<Connection>>,
    keys: Keys,
    path: PathBuf,
    journal: PathBuf,
}

impl Store {
    /// The name of the database file in the state folder.
    pub const FILE: &str = "efface.db";

    /// Opens the store in `state`, or makes a new one, with a new key file, where there is none.
    ///
    /// # Errors
    /// When the key file is missing, open to others or another store's; when the database is damaged or newer.
    pub fn open(state: &Path) -> Result<Self, StoreError> {
        Self::open_with(state, &journal::default_path(state))
    }

    /// As [`Store::open`], with the suppression journal at `journal`, which may lie outside the ordinary backup. A change of
    /// the suppression list that was cut off is finished; whether anything was put back from a backup since is asked by
    /// [`Store::insist_on_agreement`].
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_with(state: &Path, journal: &Path) -> Result<Self, StoreError> {
        let path = state.join(Self::FILE);
        std::fs::create_dir_all(state).map_err(|source| StoreError::Folder { path: state.to_owned(), source })?;
        let _lock = open_lock(&path, Duration::from_secs(30))?;
        // Keys are made only with a new store: a store that lost its keys must not silently get others.
        let keys = if path.exists() || Keys::exist(state) { Keys::load(state)? } else { Keys::create(state)? };
        let wrap = |source| StoreError::Sqlite { path: path.clone(), source };
        let mut conn = Connection::open(&path).map_err(wrap)?;
        conn.busy_timeout(Duration::from_secs(60)).map_err(wrap)?;
        conn.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA foreign_keys = ON;
             PRAGMA temp_store = MEMORY;",
        )
        .map_err(wrap)?;
        set_private(&path).map_err(|source| StoreError::Folder { path: path.clone(), source })?;
        schema::migrate(&mut conn, &path)?;
        let known: Option<String> = conn
            .query_row("SELECT value FROM meta WHERE name = 'key_id'", [], |r| r.get(0))
            .optional()
            .map_err(wrap)?;
        match known {
            Some(id) if id != keys.id() => return Err(StoreError::Mismatch(state.to_owned())),
            Some(_) => {}
            None => {
                conn.execute("INSERT INTO meta (name, value) VALUES ('key_id', ?1)", [keys.id()]).map_err(wrap)?;
            }
        }
        let store = Self { inner: Arc::new(Mutex::new(conn)), keys, path, journal: journal.to_owned() };
        match store.settle() {
            // Reading goes on without it; what needs the list asks again.
            Err(StoreError::Journal { .. }) => {}
            settled => drop(settled?),
        }
        Ok(store)
    }

    /// The keys that belong to this store.
    #[must_use]
    pub const fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The database file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn conn(&self) -> MutexGuard<'_, Connection> {
        // A poisoned lock means a panic inside a transaction, which SQLite rolled back: the connection is sound.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `f` in one write transaction: all of it is durable when this returns, or none of it happened.
    pub(crate) fn write<T, E>(&self, f: impl FnOnce(&Transaction<'_>) -> Result<T, E>) -> Result<T, E>
    where
        E: From<StoreError> + From<rusqlite::Error>,
    {
        let mut conn = self.conn();
        let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let out = f(&tx)?;
        tx.commit()?;
        Ok(out)
    }

    /// Runs `f` on a consistent view.
    pub(crate) fn read<T, E>(&self, f: impl FnOnce(&Transaction<'_>) -> Result<T, E>) -> Result<T, E>
    where
        E: From<StoreError> + From<rusqlite::Error>,
    {
        let mut conn = self.conn();
        let tx = conn.transaction()?;
        f(&tx)
    }

    /// Every text that the store holds, with the table it stands in: what a scan of our own state searches. What names a
    /// person should be in none of them.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn texts(&self) -> Result<Vec<(String, String)>, StoreError> {
        self.read(|tx| {
            let mut names = tx.prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")?;
            let names = names.query_map([], |r| r.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
            let mut out = Vec::new();
            for table in names {
                let mut stmt = tx.prepare(&format!("SELECT * FROM \"{}\"", table.replace('"', "\"\"")))?;
                let columns = stmt.column_count();
                let mut rows = stmt.query([])?;
                while let Some(row) = rows.next()? {
                    for i in 0..columns {
                        if let rusqlite::types::ValueRef::Text(text) = row.get_ref(i)? {
                            let text = without_hashes(&String::from_utf8_lossy(text));
                            if !text.is_empty() {
                                out.push((table.clone(), text));
                            }
                        }
                    }
                }
            }
            Ok(out)
        })
    }

    /// Folds the write-ahead log into the database and empties it, so that destroyed keys leave no copy there.
    ///
    /// # Errors
    /// When another process keeps the log busy; the next call tries again.
    pub fn checkpoint(&self) -> Result<(), StoreError> {
        let conn = self.conn();
        conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
            .map_err(|source| StoreError::Sqlite { path: self.path.clone(), source })
    }
}

/// Hexadecimal digits of a hash or a salt that we made.
const HASHES: [usize; 2] = [64, 32];

/// A text without the hashes that stand in it as a value of their own: chance bytes, in which a search that takes hexadecimal digits
/// for hidden text would meet a name of two letters sooner or later, and a case would never end. We never write a person so.
fn without_hashes(text: &str) -> String {
    let is_hash =
        |s: &str| HASHES.contains(&s.len()) && s.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    if is_hash(text) {
        return String::new();
    }
    if !text.starts_with(['{', '[']) {
        return text.to_owned();
    }
    // A value of JSON stands between quotation marks; what is longer or shorter stays.
    let parts: Vec<&str> = text.split('"').map(|part| if is_hash(part) { "#" } else { part }).collect();
    parts.join("\"")
}

impl From<rusqlite::Error> for StoreError {
    fn from(source: rusqlite::Error) -> Self {
        Self::Sqlite { path: PathBuf::from(Store::FILE), source }
    }
}

/// Held while a store is opened, and while its database and the files beside it change together.
fn open_lock(database: &Path, patience: Duration) -> Result<crate::fs::Lock, StoreError> {
    let path = database.with_file_name("open.lock");
    crate::fs::Lock::acquire(&path, patience)
        .map_err(|e| StoreError::Folder { path, source: std::io::Error::other(e.to_string()) })
}

fn set_private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
}

#[cfg(test)]
mod tests {
    use sha2::Digest as _;

    use super::*;

    #[test]
    fn a_store_without_its_keys_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        drop(Store::open(dir.path()).unwrap());
        drop(Store::open(dir.path()).unwrap());
        std::fs::remove_file(dir.path().join(Keys::FILE)).unwrap();
        assert!(matches!(Store::open(dir.path()), Err(StoreError::Keys(KeyError::Missing(_)))));
        Keys::create(dir.path()).unwrap();
        assert!(matches!(Store::open(dir.path()), Err(StoreError::Mismatch(_))));
    }

    /// A name of two letters stands in the bytes of some hash sooner or later.
    #[test]
    fn hashes_of_ours_are_no_text() {
        let hash = |n: u32| hex::encode(sha2::Sha256::digest(n.to_le_bytes()));
        let needles = crate::erasure::othersearch::Needles::new(&[(crate::model::IdentifierKind::Username, "zv")]);
        let met = (0..20_000).map(hash).filter(|h| !needles.search(h.as_bytes()).hits.is_empty()).count();
        assert!(met > 0, "the search takes them for hidden text");
        for n in 0..1000 {
            assert_eq!(without_hashes(&hash(n)), "");
            let detail = format!("{{\"plan\":\"{}\",\"by\":\"zv\"}}", hash(n));
            assert_eq!(without_hashes(&detail), "{\"plan\":\"#\",\"by\":\"zv\"}");
        }
        // Hidden text of another length, and what only begins like a hash, stays.
        let hidden = hex::encode("zoe.vanderquandt@corp.example");
        for text in [hidden.as_str(), "zv", "{\"a\":\"7a6f65\"}", &format!("{} zv", hash(1)), &hash(1).to_uppercase()] {
            assert_eq!(without_hashes(text), text);
        }
    }

    #[test]
    fn a_newer_schema_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        store.write(|tx| Ok::<_, StoreError>(tx.execute_batch("PRAGMA user_version = 999")?)).unwrap();
        drop(store);
        assert!(matches!(Store::open(dir.path()), Err(StoreError::Newer { found: 999, .. })));
    }

    #[test]
    fn a_failed_write_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let failed: Result<(), StoreError> = store.write(|tx| {
            tx.execute("INSERT INTO meta (name, value) VALUES ('x', 'y')", [])?;
            Err(StoreError::Damaged("test"))
        });
        assert!(failed.is_err());
        let n: i64 = store
            .read(|tx| {
                Ok::<_, StoreError>(tx.query_row("SELECT count(*) FROM meta WHERE name = 'x'", [], |r| r.get(0))?)
            })
            .unwrap();
        assert_eq!(n, 0);
    }
}

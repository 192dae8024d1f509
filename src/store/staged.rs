//! What the store knows of staged files: their state, their keys, and what they belong to.
//!
//! Owns the tables `staged` and `staged_key`. The staging area's folders are a projection of them. A row holds ids, keys
//! of issues and times, never a file name or anything else from a message's content.

use rusqlite::{OptionalExtension, Row, Transaction, params};
use ulid::Ulid;

use super::{Store, StoreError, trace};
use crate::{keys::DataKey, model::SyncName, trace::Part};

pub(super) const SCHEMA: &str = "
CREATE TABLE staged (
    id TEXT PRIMARY KEY, sync TEXT NOT NULL, kind TEXT NOT NULL CHECK (kind IN ('msg', 'att')), owner TEXT,
    state TEXT NOT NULL CHECK (state IN ('writing', 'new', 'processed', 'parked', 'erasing')),
    issue_id TEXT NOT NULL, issue_key TEXT NOT NULL, sequence INTEGER NOT NULL, size INTEGER NOT NULL,
    created TEXT NOT NULL, key_id TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, error_kind TEXT, error_hint TEXT
) STRICT;
CREATE INDEX staged_by_issue ON staged (sync, issue_id, sequence);
CREATE INDEX staged_by_owner ON staged (owner);
CREATE TABLE staged_key (id TEXT PRIMARY KEY, staged TEXT NOT NULL, wrapped BLOB NOT NULL) STRICT;
CREATE INDEX staged_key_by_file ON staged_key (staged);
";

/// When a parked message is tried again without anybody asking for it.
pub(super) const NEXT_TRY: &str = "
ALTER TABLE staged ADD COLUMN next_try TEXT;   -- RFC 3339; NULL where a person has to act
";

/// What a staged file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StagedKind {
    /// A change of one issue.
    Message,
    /// The bytes of one attachment, referred to by a message.
    Blob,
}

impl StagedKind {
    /// The spelling in the store; also the file's extension.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Message => "msg",
            Self::Blob => "att",
        }
    }
}

/// Where a staged file stands, in the store's eyes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StagedState {
    /// Its key is committed; the file may not be there yet.
    Writing,
    /// Waits to be imported.
    New,
    /// Was imported.
    Processed,
    /// Could not be imported, waits for a retry.
    Parked,
    /// Waits for another issue to be carried over.
    Missing,
    /// Its keys are destroyed; the file may still be there.
    Erasing,
}

impl StagedState {
    /// The spelling in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Writing => "writing",
            Self::New => "new",
            Self::Processed => "processed",
            Self::Parked => "parked",
            Self::Missing => "missing",
            Self::Erasing => "erasing",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        [Self::Writing, Self::New, Self::Processed, Self::Parked, Self::Missing, Self::Erasing]
            .into_iter()
            .find(|s| s.as_str() == text)
    }
}

/// One row: a staged file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StagedRow {
    /// The file's id.
    pub id: Ulid,
    /// Whose staging area.
    pub sync: SyncName,
    /// Message or blob.
    pub kind: StagedKind,
    /// For a blob: its message.
    pub owner: Option<Ulid>,
    /// Where it stands.
    pub state: StagedState,
    /// The source issue's id.
    pub issue_id: String,
    /// The source issue's key.
    pub issue_key: String,
    /// Which change of that issue.
    pub sequence: u64,
    /// Bytes of the content in clear.
    pub size: u64,
    /// When it was staged, RFC 3339.
    pub created: String,
    /// Which key seals the file now.
    pub key_id: Ulid,
    /// How often the import was tried.
    pub attempts: u32,
    /// Why it is parked: the kind of the error.
    pub error_kind: Option<String>,
    /// Why it is parked, for a person to read; says nothing about persons.
    pub error_hint: Option<String>,
    /// Since when it is in its state, RFC 3339; not known of what an older efface staged.
    pub since: Option<String>,
    /// When a parked message is tried again by itself, RFC 3339; `None` where a person has to act.
    pub next_try: Option<String>,
}

/// Why a message is parked.
#[derive(Debug, Clone, Copy)]
pub struct Parking<'a> {
    /// The kind of the error.
    pub kind: &'a str,
    /// For a person to read; says nothing about persons.
    pub hint: &'a str,
    /// Whether an import was tried, and failed.
    pub tried: bool,
    /// When it is tried again by itself, RFC 3339.
    pub next_try: Option<&'a str>,
}

const COLUMNS: &str = "id, sync, kind, owner, state, issue_id, issue_key, sequence, size, created, key_id, attempts, \
                       error_kind, error_hint, since, next_try";

fn row(r: &Row<'_>) -> rusqlite::Result<StagedRow> {
    let bad = |i: usize| rusqlite::Error::InvalidColumnType(i, "staged".into(), rusqlite::types::Type::Text);
    let ulid = |i: usize| r.get::<_, String>(i)?.parse::<Ulid>().map_err(|_| bad(i));
    Ok(StagedRow {
        id: ulid(0)?,
        sync: r.get::<_, String>(1)?.parse().map_err(|_| bad(1))?,
        kind: if r.get::<_, String>(2)? == "msg" { StagedKind::Message } else { StagedKind::Blob },
        owner: r.get::<_, Option<String>>(3)?.map(|o| o.parse::<Ulid>().map_err(|_| bad(3))).transpose()?,
        state: StagedState::parse(&r.get::<_, String>(4)?).ok_or_else(|| bad(4))?,
        issue_id: r.get(5)?,
        issue_key: r.get(6)?,
        sequence: u64::try_from(r.get::<_, i64>(7)?).map_err(|_| bad(7))?,
        size: u64::try_from(r.get::<_, i64>(8)?).map_err(|_| bad(8))?,
        created: r.get(9)?,
        key_id: ulid(10)?,
        attempts: r.get(11)?,
        error_kind: r.get(12)?,
        error_hint: r.get(13)?,
        since: r.get(14)?,
        next_try: r.get(15)?,
    })
}

fn key_context(staged: Ulid, key_id: Ulid) -> Vec<u8> {
    format!("efface.staged-key/1 {staged} {key_id}").into_bytes()
}

fn insert_key(
    tx: &Transaction<'_>,
    store: &Store,
    staged: Ulid,
    key_id: Ulid,
    key: &DataKey,
) -> Result<(), StoreError> {
    let wrapped = store.keys().wrap(&key_context(staged, key_id), key);
    tx.execute(
        "INSERT INTO staged_key (id, staged, wrapped) VALUES (?1, ?2, ?3)",
        params![key_id.to_string(), staged.to_string(), wrapped],
    )?;
    Ok(())
}

impl Store {
    /// Commits a file that is about to be written, with its key.
    ///
    /// # Errors
    /// What the database says.
    pub fn staged_begin(&self, row: &StagedRow, key: &DataKey) -> Result<(), StoreError> {
        self.write(|tx| {
            tx.execute(
                "INSERT INTO staged (id, sync, kind, owner, state, issue_id, issue_key, sequence, size, created, key_id)
                 VALUES (?1, ?2, ?3, ?4, 'writing', ?5, ?6, ?7, ?8, ?9, ?10)",
                params![
                    row.id.to_string(),
                    row.sync.as_str(),
                    row.kind.as_str(),
                    row.owner.map(|o| o.to_string()),
                    row.issue_id,
                    row.issue_key,
                    row.sequence as i64,
                    row.size as i64,
                    row.created,
                    row.key_id.to_string(),
                ],
            )?;
            insert_key(tx, self, row.id, row.key_id, key)
        })
    }

    /// Commits that a file is there, complete and durable; of a message, what of it is indexed.
    ///
    /// # Errors
    /// What the database says.
    pub fn staged_ready(&self, id: Ulid, size: u64, parts: Option<&[Part]>) -> Result<(), StoreError> {
        self.write(|tx| {
            if let Some(parts) = parts {
                trace::put(tx, id, parts)?;
            }
            tx.execute(
                "UPDATE staged SET state = 'new', size = ?2 WHERE id = ?1 AND state = 'writing'",
                params![id.to_string(), size as i64],
            )?;
            Ok(())
        })
    }

    /// Commits that a message is there, complete and durable, and that it is the last one made of its issue.
    ///
    /// # Errors
    /// What the database says.
    pub fn staged_ready_exported(&self, id: Ulid, size: u64, hash: &[u8], parts: &[Part]) -> Result<(), StoreError> {
        self.write(|tx| {
            trace::put(tx, id, parts)?;
            tx.execute(
                "UPDATE staged SET state = 'new', size = ?2 WHERE id = ?1 AND state = 'writing'",
                params![id.to_string(), size as i64],
            )?;
            tx.execute(
                "INSERT INTO exported (sync, issue_id, issue_key, hash, sequence)
                 SELECT sync, issue_id, issue_key, ?2, sequence FROM staged WHERE id = ?1
                 ON CONFLICT (sync, issue_id) DO UPDATE SET issue_key = excluded.issue_key, hash = excluded.hash,
                 sequence = max(sequence, excluded.sequence)",
                params![id.to_string(), hash],
            )?;
            Ok(())
        })
    }

    /// Commits that a message was imported, with its blobs; says which ids changed.
    ///
    /// # Errors
    /// What the database says.
    pub fn staged_imported(&self, id: Ulid, at: &str) -> Result<Vec<(Ulid, StagedKind)>, StoreError> {
        self.write(|tx| {
            tx.execute(
                "UPDATE staged SET attempts = attempts + 1, error_kind = NULL, error_hint = NULL, next_try = NULL
                 WHERE id = ?1",
                [id.to_string()],
            )?;
            tx.execute(
                "UPDATE staged SET state = 'processed', since = ?2
                 WHERE (id = ?1 OR owner = ?1) AND state IN ('new', 'parked', 'missing')",
                params![id.to_string(), at],
            )?;
            trace::carried(tx, id, at)?;
            family(tx, id)
        })
    }

    /// Commits the state of a message and of the blobs that belong to it; says which ids changed.
    ///
    /// # Errors
    /// What the database says.
    pub fn staged_set_state(
        &self,
        id: Ulid,
        state: StagedState,
        at: &str,
    ) -> Result<Vec<(Ulid, StagedKind)>, StoreError> {
        self.write(|tx| {
            let ids = family(tx, id)?;
            for (member, _) in &ids {
                tx.execute(
                    "UPDATE staged SET state = ?2, since = ?3 WHERE id = ?1 AND state IN ('new', 'processed', 'parked', 'missing')
                     AND state <> ?2",
                    params![member.to_string(), state.as_str(), at],
                )?;
            }
            Ok(ids)
        })
    }

    /// Parks a message with its blobs, or notes anew why it is parked: since when it is, stays. Says which ids changed.
    ///
    /// # Errors
    /// What the database says.
    pub fn staged_park(&self, id: Ulid, why: &Parking<'_>, at: &str) -> Result<Vec<(Ulid, StagedKind)>, StoreError> {
        self.write(|tx| {
            tx.execute(
                "UPDATE staged SET attempts = attempts + ?2, error_kind = ?3, error_hint = ?4, next_try = ?5 WHERE id = ?1",
                params![id.to_string(), i64::from(why.tried), why.kind, why.hint, why.next_try],
            )?;
            tx.execute(
                "UPDATE staged SET state = 'parked', since = ?2
                 WHERE (id = ?1 OR owner = ?1) AND state IN ('new', 'processed', 'missing')",
                params![id.to_string(), at],
            )?;
            // A part of it may have been written before it failed.
            if why.tried {
                trace::carried(tx, id, at)?;
            }
            family(tx, id)
        })
    }

    /// One file.
    ///
    /// # Errors
    /// What the database says.
    pub fn staged_get(&self, id: Ulid) -> Result<Option<StagedRow>, StoreError> {
        self.read(|tx| {
            let sql = format!("SELECT {COLUMNS} FROM staged WHERE id = ?1");
            Ok(tx.query_row(&sql, [id.to_string()], row).optional()?)
        })
    }

    /// All files of a synchronization, oldest first, in the order of each issue's changes.
    ///
    /// # Errors
    /// What the database says.
    pub fn staged_list(&self, sync: &SyncName) -> Result<Vec<StagedRow>, StoreError> {
        self.read(|tx| {
            let mut q = tx.prepare(&format!("SELECT {COLUMNS} FROM staged WHERE sync = ?1 ORDER BY id, sequence"))?;
            let rows = q.query_map([sync.as_str()], row)?.collect::<Result<Vec<_>, _>>()?;
            Ok(rows)
        })
    }

    /// Adds a second key to a file, before its content is written anew under it.
    ///
    /// # Errors
    /// What the database says.
    pub fn staged_add_key(&self, id: Ulid, key_id: Ulid, key: &DataKey) -> Result<(), StoreError> {
        self.write(|tx| insert_key(tx, self, id, key_id, key))
    }

    /// Makes `key_id` the file's only key: all others are destroyed, with whatever they sealed. Of a message, `parts` is what
    /// is indexed of its new content.
    ///
    /// # Errors
    /// What the database says.
    pub fn staged_settle_key(
        &self,
        id: Ulid,
        key_id: Ulid,
        size: u64,
        parts: Option<&[Part]>,
    ) -> Result<(), StoreError> {
        self.write(|tx| {
            if let Some(parts) = parts {
                trace::put(tx, id, parts)?;
            }
            tx.execute(
                "UPDATE staged SET key_id = ?2, size = ?3 WHERE id = ?1",
                params![id.to_string(), key_id.to_string(), size as i64],
            )?;
            tx.execute(
                "DELETE FROM staged_key WHERE staged = ?1 AND id <> ?2",
                params![id.to_string(), key_id.to_string()],
            )?;
            Ok::<_, StoreError>(())
        })
    }

    /// One of a file's keys; `None` when it was destroyed.
    ///
    /// # Errors
    /// What the database says; when the key does not unwrap.
    pub fn staged_key(&self, id: Ulid, key_id: Ulid) -> Result<Option<DataKey>, StoreError> {
        let wrapped: Option<Vec<u8>> = self.read(|tx| {
            Ok::<_, StoreError>(
                tx.query_row(
                    "SELECT wrapped FROM staged_key WHERE id = ?1 AND staged = ?2",
                    params![key_id.to_string(), id.to_string()],
                    |r| r.get(0),
                )
                .optional()?,
            )
        })?;
        wrapped.map(|w| self.keys().unwrap(&key_context(id, key_id), &w).map_err(StoreError::from)).transpose()
    }

    /// The files of a synchronization that have more than one key, because their rewriting was interrupted.
    ///
    /// # Errors
    /// What the database says.
    pub fn staged_rewriting(&self, sync: &SyncName) -> Result<Vec<Ulid>, StoreError> {
        self.read(|tx| {
            let mut q = tx.prepare(
                "SELECT k.staged FROM staged_key k JOIN staged s ON s.id = k.staged WHERE s.sync = ?1
                 GROUP BY k.staged HAVING count(*) > 1",
            )?;
            let ids = q.query_map([sync.as_str()], |r| r.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
            ids.into_iter().map(|id| id.parse().map_err(|_| StoreError::Damaged("staged_key"))).collect()
        })
    }

    /// Destroys the keys of a file (for a message, also of its blobs): every copy of it, backups too, is unreadable from
    /// here on. A message that had not been imported is forgotten as exported, so that its issue is looked at again.
    /// Says which files are to be unlinked.
    ///
    /// # Errors
    /// What the database says.
    pub fn staged_destroy_keys(&self, id: Ulid) -> Result<Vec<(Ulid, StagedKind)>, StoreError> {
        self.write(|tx| {
            let ids = family(tx, id)?;
            for (member, kind) in &ids {
                if *kind == StagedKind::Message {
                    trace::forget_message(tx, *member)?;
                    tx.execute(
                        "UPDATE exported SET hash = x'' WHERE (sync, issue_id) IN
                         (SELECT sync, issue_id FROM staged WHERE id = ?1 AND state IN ('writing', 'new', 'parked', 'missing'))",
                        [member.to_string()],
                    )?;
                }
                tx.execute("UPDATE staged SET state = 'erasing' WHERE id = ?1", [member.to_string()])?;
                tx.execute("DELETE FROM staged_key WHERE staged = ?1", [member.to_string()])?;
            }
            Ok(ids)
        })
    }

    /// Forgets a file whose keys are destroyed and which is unlinked.
    ///
    /// # Errors
    /// What the database says.
    pub fn staged_forget(&self, id: Ulid) -> Result<(), StoreError> {
        self.write(|tx| {
            tx.execute("DELETE FROM staged WHERE id = ?1 AND state = 'erasing'", [id.to_string()])?;
            Ok(())
        })
    }
}

/// A file and, where it is a message, its blobs.
pub(super) fn family(tx: &Transaction<'_>, id: Ulid) -> Result<Vec<(Ulid, StagedKind)>, StoreError> {
    let mut q = tx.prepare("SELECT id, kind FROM staged WHERE id = ?1 OR owner = ?1 ORDER BY kind DESC, id")?;
    let rows = q.query_map([id.to_string()], |r| Ok((r.get::<_, String>(0)?, r.get::<_, String>(1)?)))?;
    let mut out = Vec::new();
    for r in rows {
        let (id, kind) = r?;
        let id = id.parse().map_err(|_| StoreError::Damaged("staged"))?;
        out.push((id, if kind == "msg" { StagedKind::Message } else { StagedKind::Blob }));
    }
    Ok(out)
}

//! What the sync engine remembers: cursors, what was exported, pairs, what we last wrote, and intents.
//!
//! Owns the tables `sync_cursor`, `exported`, `pair`, `pair_field` and `intent`. Values are kept as keyed hashes only;
//! ids and keys of issues, comments and attachments are in clear, names and texts never.

use rusqlite::{OptionalExtension, Transaction, params};
use ulid::Ulid;

use super::{Store, StoreError};
use crate::model::SyncName;

pub(super) const SCHEMA: &str = "
CREATE TABLE sync_cursor (sync TEXT PRIMARY KEY, updated TEXT NOT NULL) STRICT;
CREATE TABLE exported (
    sync TEXT NOT NULL, issue_id TEXT NOT NULL, issue_key TEXT NOT NULL, hash BLOB NOT NULL, sequence INTEGER NOT NULL,
    PRIMARY KEY (sync, issue_id)
) STRICT;
CREATE TABLE pair (
    sync TEXT NOT NULL, kind TEXT NOT NULL CHECK (kind IN ('issue', 'comment', 'attachment')), source_id TEXT NOT NULL,
    target_id TEXT NOT NULL, source_issue TEXT NOT NULL, source_key TEXT, target_issue TEXT NOT NULL, target_key TEXT,
    hash BLOB NOT NULL, state TEXT NOT NULL DEFAULT 'live' CHECK (state IN ('live', 'erased')), created TEXT NOT NULL,
    PRIMARY KEY (sync, kind, source_id)
) STRICT;
CREATE INDEX pair_by_target ON pair (kind, target_id);
CREATE INDEX pair_by_issue ON pair (sync, source_issue);
CREATE TABLE pair_field (
    sync TEXT NOT NULL, kind TEXT NOT NULL, source_id TEXT NOT NULL, field TEXT NOT NULL, source_hash BLOB NOT NULL,
    target_hash BLOB, redacted INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (sync, kind, source_id, field)
) STRICT;
CREATE TABLE intent (
    mark TEXT PRIMARY KEY, sync TEXT NOT NULL, kind TEXT NOT NULL, source_issue TEXT NOT NULL, source_id TEXT NOT NULL,
    target_issue TEXT, fingerprint BLOB NOT NULL, started TEXT NOT NULL
) STRICT;
CREATE INDEX intent_by_issue ON intent (sync, source_issue);
";

/// What kind of thing is paired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PairKind {
    /// An issue.
    Issue,
    /// A comment.
    Comment,
    /// An attachment.
    Attachment,
    /// A worklog.
    Worklog,
    /// A link between two issues. Its pair is of the issue that made it, and its `target_issue` is the other end.
    IssueLink,
    /// A remote link.
    RemoteLink,
}

impl PairKind {
    /// All kinds.
    pub const ALL: [Self; 6] =
        [Self::Issue, Self::Comment, Self::Attachment, Self::Worklog, Self::IssueLink, Self::RemoteLink];

    /// The spelling in the store and in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Issue => "issue",
            Self::Comment => "comment",
            Self::Attachment => "attachment",
            Self::Worklog => "worklog",
            Self::IssueLink => "issuelink",
            Self::RemoteLink => "remotelink",
        }
    }

    fn parse(text: &str) -> Result<Self, StoreError> {
        Self::ALL.into_iter().find(|k| k.as_str() == text).ok_or(StoreError::Damaged("pair"))
    }
}

/// A source thing and what it became in the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The synchronization.
    pub sync: SyncName,
    /// Issue, comment or attachment.
    pub kind: PairKind,
    /// The source's id.
    pub source_id: String,
    /// The target's id.
    pub target_id: String,
    /// The source issue's id.
    pub source_issue: String,
    /// The source issue's key.
    pub source_key: Option<String>,
    /// The target issue's id.
    pub target_issue: String,
    /// The target issue's key.
    pub target_key: Option<String>,
    /// Keyed hash of the source's content that we last carried over.
    pub hash: Vec<u8>,
    /// Erased in the target on purpose: never made again.
    pub erased: bool,
    /// Taken apart by a person: neither brought up to date nor made again.
    pub unlinked: bool,
    /// When the pair was made, RFC 3339.
    pub created: String,
    /// The other leg of a two-way synchronization, which knows the same pair the other way round.
    pub twin: Option<SyncName>,
    /// The target's thing was there first: the other leg made the source's of it. So it is no copy of ours.
    pub target_first: bool,
}

impl Pair {
    /// Whether one of its issues has this key.
    #[must_use]
    pub fn has_key(&self, key: &str) -> bool {
        [&self.source_key, &self.target_key].into_iter().flatten().any(|k| k.eq_ignore_ascii_case(key))
    }
}

/// One field of a pair: what the source said when we last wrote it, and what the target held then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairField {
    /// The field.
    pub field: String,
    /// Keyed hash of the source's value as read.
    pub source_hash: Vec<u8>,
    /// Keyed hash of the value that we left in the target; `None` when unknown.
    pub target_hash: Option<Vec<u8>>,
    /// Whether the target's value was redacted since.
    pub redacted: bool,
}

/// A create call that is about to be made, or may have been made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// Our mark.
    pub mark: Ulid,
    /// The synchronization.
    pub sync: SyncName,
    /// What is created.
    pub kind: PairKind,
    /// The source issue's id.
    pub source_issue: String,
    /// The source thing's id.
    pub source_id: String,
    /// The target issue's id, for comments and attachments.
    pub target_issue: Option<String>,
    /// Keyed hash of what the created thing looks like, to recognise it where it carries no mark.
    pub fingerprint: Vec<u8>,
    /// When, RFC 3339.
    pub started: String,
}

impl Store {
    /// The `updated` time up to which a synchronization has exported, RFC 3339.
    ///
    /// # Errors
    /// What the database says.
    pub fn sync_cursor(&self, sync: &SyncName) -> Result<Option<String>, StoreError> {
        self.read(|tx| {
            Ok(tx
                .query_row("SELECT updated FROM sync_cursor WHERE sync = ?1", [sync.as_str()], |r| r.get(0))
                .optional()?)
        })
    }

    /// Moves the cursor, unless the holds are no longer those that the run went by: what it passed over for one that was
    /// released meanwhile has to be seen by the next run.
    ///
    /// # Errors
    /// What the database says.
    pub fn sync_set_cursor(&self, sync: &SyncName, updated: &str, holds: (i64, i64)) -> Result<(), StoreError> {
        self.write(|tx| {
            if super::holds::version(tx)? != holds {
                return Ok(());
            }
            tx.execute(
                "INSERT INTO sync_cursor (sync, updated) VALUES (?1, ?2)
                 ON CONFLICT (sync) DO UPDATE SET updated = excluded.updated",
                params![sync.as_str(), updated],
            )?;
            Ok(())
        })
    }

    /// What a synchronization's selection (fields, query, project) was when it last exported.
    ///
    /// # Errors
    /// What the database says.
    pub fn sync_selection(&self, sync: &SyncName) -> Result<Option<String>, StoreError> {
        self.read(|tx| {
            Ok(tx
                .query_row("SELECT value FROM meta WHERE name = ?1", [selection_name(sync)], |r| r.get(0))
                .optional()?)
        })
    }

    /// Remembers the selection.
    ///
    /// # Errors
    /// What the database says.
    pub fn sync_set_selection(&self, sync: &SyncName, selection: &str) -> Result<(), StoreError> {
        self.write(|tx| {
            tx.execute(
                "INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                params![selection_name(sync), selection],
            )?;
            Ok(())
        })
    }

    /// When a synchronization last ran to its end without an error, RFC 3339.
    ///
    /// # Errors
    /// What the database says.
    pub fn sync_ran(&self, sync: &SyncName) -> Result<Option<String>, StoreError> {
        self.read(|tx| {
            Ok(tx.query_row("SELECT value FROM meta WHERE name = ?1", [ran_name(sync)], |r| r.get(0)).optional()?)
        })
    }

    /// Notes that a synchronization ran to its end; `at` is RFC 3339.
    ///
    /// # Errors
    /// What the database says.
    pub fn sync_set_ran(&self, sync: &SyncName, at: &str) -> Result<(), StoreError> {
        self.write(|tx| {
            tx.execute(
                "INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                params![ran_name(sync), at],
            )?;
            Ok(())
        })
    }

    /// Hash and sequence of the last message made of an issue.
    ///
    /// # Errors
    /// What the database says.
    pub fn exported(&self, sync: &SyncName, issue_id: &str) -> Result<Option<(Vec<u8>, u64)>, StoreError> {
        self.read(|tx| {
            Ok(tx
                .query_row(
                    "SELECT hash, sequence FROM exported WHERE sync = ?1 AND issue_id = ?2",
                    params![sync.as_str(), issue_id],
                    |r| Ok((r.get(0)?, r.get::<_, i64>(1)? as u64)),
                )
                .optional()?)
        })
    }

    /// Notes the last message made of an issue.
    ///
    /// # Errors
    /// What the database says.
    pub fn set_exported(
        &self,
        sync: &SyncName,
        issue_id: &str,
        issue_key: &str,
        hash: &[u8],
        sequence: u64,
    ) -> Result<(), StoreError> {
        self.write(|tx| {
            tx.execute(
                "INSERT INTO exported (sync, issue_id, issue_key, hash, sequence) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (sync, issue_id) DO UPDATE SET issue_key = excluded.issue_key, hash = excluded.hash,
                 sequence = max(sequence, excluded.sequence)",
                params![sync.as_str(), issue_id, issue_key, hash, sequence as i64],
            )?;
            Ok(())
        })
    }

    /// The highest sequence that any staged message or export of an issue has had.
    ///
    /// # Errors
    /// What the database says.
    pub fn last_sequence(&self, sync: &SyncName, issue_id: &str) -> Result<u64, StoreError> {
        self.read(|tx| Ok(last_sequence(tx, sync, issue_id)? as u64))
    }

    /// One pair.
    ///
    /// # Errors
    /// What the database says.
    pub fn pair(&self, sync: &SyncName, kind: PairKind, source_id: &str) -> Result<Option<Pair>, StoreError> {
        Ok(self
            .pairs_where("sync = ?1 AND kind = ?2 AND source_id = ?3", &[sync.as_str(), kind.as_str(), source_id])?
            .pop())
    }

    /// All pairs of one source issue: itself, its comments and attachments.
    ///
    /// # Errors
    /// What the database says.
    pub fn pairs_of_issue(&self, sync: &SyncName, source_issue: &str) -> Result<Vec<Pair>, StoreError> {
        self.pairs_where("sync = ?1 AND source_issue = ?2", &[sync.as_str(), source_issue])
    }

    /// The links of which an issue is either end, by the ids of its source and its copy.
    ///
    /// # Errors
    /// What the database says.
    pub fn link_pairs(&self, sync: &SyncName, source_issue: &str, target_issue: &str) -> Result<Vec<Pair>, StoreError> {
        let link = PairKind::IssueLink.as_str();
        self.pairs_where(
            "sync = ?1 AND kind = ?2 AND (source_issue = ?3 OR target_issue = ?4)",
            &[sync.as_str(), link, source_issue, target_issue],
        )
    }

    /// All pairs of a synchronization.
    ///
    /// # Errors
    /// What the database says.
    pub fn pairs(&self, sync: &SyncName) -> Result<Vec<Pair>, StoreError> {
        self.pairs_where("sync = ?1", &[sync.as_str()])
    }

    /// The pairs of a thing in the target, over all synchronizations.
    ///
    /// # Errors
    /// What the database says.
    pub fn pairs_by_target(&self, kind: PairKind, target_id: &str) -> Result<Vec<Pair>, StoreError> {
        self.pairs_where("kind = ?1 AND target_id = ?2", &[kind.as_str(), target_id])
    }

    fn pairs_where(&self, condition: &str, values: &[&str]) -> Result<Vec<Pair>, StoreError> {
        self.read(|tx| {
            let mut q = tx.prepare(&format!(
                "SELECT sync, kind, source_id, target_id, source_issue, source_key, target_issue, target_key, hash, state,
                 created, twin, target_first FROM pair WHERE {condition} ORDER BY sync, kind, source_id"
            ))?;
            let mut rows = q.query(rusqlite::params_from_iter(values))?;
            let mut out = Vec::new();
            while let Some(r) = rows.next()? {
                out.push(Pair {
                    sync: r.get::<_, String>(0)?.parse().map_err(|_| StoreError::Damaged("pair"))?,
                    kind: PairKind::parse(&r.get::<_, String>(1)?)?,
                    source_id: r.get(2)?,
                    target_id: r.get(3)?,
                    source_issue: r.get(4)?,
                    source_key: r.get(5)?,
                    target_issue: r.get(6)?,
                    target_key: r.get(7)?,
                    hash: r.get(8)?,
                    erased: r.get::<_, String>(9)? == "erased",
                    unlinked: r.get::<_, String>(9)? == "unlinked",
                    created: r.get(10)?,
                    twin: r
                        .get::<_, Option<String>>(11)?
                        .map(|t| t.parse().map_err(|_| StoreError::Damaged("pair")))
                        .transpose()?,
                    target_first: r.get(12)?,
                });
            }
            Ok(out)
        })
    }

    /// Commits a pair with its fields, and clears the intent that made it.
    ///
    /// # Errors
    /// What the database says.
    pub fn commit_pair(&self, pair: &Pair, fields: &[PairField], intent: Option<Ulid>) -> Result<(), StoreError> {
        self.write(|tx| {
            insert_pair(tx, pair, true)?;
            for f in fields {
                tx.execute(
                    "INSERT INTO pair_field (sync, kind, source_id, field, source_hash, target_hash, redacted)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                     ON CONFLICT (sync, kind, source_id, field) DO UPDATE SET source_hash = excluded.source_hash,
                     target_hash = excluded.target_hash, redacted = excluded.redacted, writing = 0",
                    params![
                        pair.sync.as_str(),
                        pair.kind.as_str(),
                        pair.source_id,
                        f.field,
                        f.source_hash,
                        f.target_hash,
                        f.redacted,
                    ],
                )?;
            }
            if let Some(mark) = intent {
                tx.execute("DELETE FROM intent WHERE mark = ?1", [mark.to_string()])?;
            }
            Ok(())
        })
    }

    /// The fields of a pair.
    ///
    /// # Errors
    /// What the database says.
    pub fn pair_fields(&self, sync: &SyncName, kind: PairKind, source_id: &str) -> Result<Vec<PairField>, StoreError> {
        self.read(|tx| {
            let mut q = tx.prepare(
                "SELECT field, source_hash, target_hash, redacted FROM pair_field
                 WHERE sync = ?1 AND kind = ?2 AND source_id = ?3 ORDER BY field",
            )?;
            let rows = q
                .query_map(params![sync.as_str(), kind.as_str(), source_id], |r| {
                    Ok(PairField {
                        field: r.get(0)?,
                        source_hash: r.get(1)?,
                        target_hash: r.get(2)?,
                        redacted: r.get(3)?,
                    })
                })?
                .collect::<Result<Vec<_>, _>>()?;
            Ok(rows)
        })
    }

    /// Remembers that a field of a pair was redacted in the target: nothing from the source overwrites it until the
    /// source itself changes. Says whether there is such a pair.
    ///
    /// # Errors
    /// What the database says.
    pub fn mark_redacted(
        &self,
        sync: &SyncName,
        kind: PairKind,
        source_id: &str,
        field: &str,
        target_hash: &[u8],
    ) -> Result<bool, StoreError> {
        self.write(|tx| {
            let there: bool = tx.query_row(
                "SELECT EXISTS (SELECT 1 FROM pair WHERE sync = ?1 AND kind = ?2 AND source_id = ?3)",
                params![sync.as_str(), kind.as_str(), source_id],
                |r| r.get(0),
            )?;
            if there {
                tx.execute(
                    "INSERT INTO pair_field (sync, kind, source_id, field, source_hash, target_hash, redacted)
                     VALUES (?1, ?2, ?3, ?4, x'', ?5, 1)
                     ON CONFLICT (sync, kind, source_id, field) DO UPDATE SET target_hash = excluded.target_hash,
                     redacted = 1",
                    params![sync.as_str(), kind.as_str(), source_id, field, target_hash],
                )?;
            }
            Ok(there)
        })
    }

    /// Remembers that a thing was erased in the target on purpose: it is never made again. Says whether there is such a
    /// pair. For an issue, its comments and attachments go with it.
    ///
    /// # Errors
    /// What the database says.
    pub fn mark_erased(&self, sync: &SyncName, kind: PairKind, source_id: &str) -> Result<bool, StoreError> {
        self.write(|tx| {
            let n = tx.execute(
                "UPDATE pair SET state = 'erased' WHERE sync = ?1 AND (kind = ?2 AND source_id = ?3
                 OR ?2 = 'issue' AND source_issue = ?3)",
                params![sync.as_str(), kind.as_str(), source_id],
            )?;
            super::twin::same_state(tx, sync, kind, source_id)?;
            super::trace::erased(tx, sync, kind, source_id)?;
            Ok(n > 0)
        })
    }

    /// Forgets a thing that hung on an issue, since it is gone on both sides. Says whether there was such a pair.
    ///
    /// # Errors
    /// What the database says.
    pub fn drop_pair(&self, sync: &SyncName, kind: PairKind, source_id: &str) -> Result<bool, StoreError> {
        self.write(|tx| {
            let of = params![sync.as_str(), kind.as_str(), source_id];
            super::trace::erased(tx, sync, kind, source_id)?;
            super::twin::forget_one(tx, sync, kind, source_id)?;
            tx.execute("DELETE FROM pair_field WHERE sync = ?1 AND kind = ?2 AND source_id = ?3", of)?;
            Ok(tx.execute("DELETE FROM pair WHERE sync = ?1 AND kind = ?2 AND source_id = ?3", of)? > 0)
        })
    }

    /// Forgets what a source issue became, since that was deleted to be written anew: the next run looks at all of the
    /// source again and makes the issue as if it had never been. Says whether there was such a pair.
    ///
    /// # Errors
    /// What the database says.
    pub fn renew_pair(&self, sync: &SyncName, source_issue: &str) -> Result<bool, StoreError> {
        self.write(|tx| {
            let of = params![sync.as_str(), source_issue];
            super::trace::erased(tx, sync, PairKind::Issue, source_issue)?;
            let unlinked = tx.execute(
                "UPDATE pair SET state = 'erased' WHERE sync = ?1 AND source_issue = ?2 AND state = 'unlinked'",
                of,
            )?;
            // Nothing would write it anew.
            if unlinked > 0 {
                super::twin::same_state(tx, sync, PairKind::Issue, source_issue)?;
                return Ok(true);
            }
            tx.execute(
                "DELETE FROM pair_field WHERE sync = ?1 AND (kind, source_id) IN
                 (SELECT kind, source_id FROM pair WHERE sync = ?1 AND source_issue = ?2)",
                of,
            )?;
            super::twin::forget(tx, sync, source_issue)?;
            let there = tx.execute("DELETE FROM pair WHERE sync = ?1 AND source_issue = ?2", of)? > 0;
            // Its sequence goes on: messages of before may lie there still.
            tx.execute("UPDATE exported SET hash = x'' WHERE sync = ?1 AND issue_id = ?2", of)?;
            tx.execute("DELETE FROM sync_cursor WHERE sync = ?1", [sync.as_str()])?;
            Ok(there)
        })
    }

    /// Commits an intent before its create call.
    ///
    /// # Errors
    /// What the database says.
    pub fn add_intent(&self, intent: &Intent) -> Result<(), StoreError> {
        self.write(|tx| {
            tx.execute(
                "INSERT INTO intent (mark, sync, kind, source_issue, source_id, target_issue, fingerprint, started)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                params![
                    intent.mark.to_string(),
                    intent.sync.as_str(),
                    intent.kind.as_str(),
                    intent.source_issue,
                    intent.source_id,
                    intent.target_issue,
                    intent.fingerprint,
                    intent.started,
                ],
            )?;
            Ok(())
        })
    }

    /// Clears an intent whose create call certainly did not happen.
    ///
    /// # Errors
    /// What the database says.
    pub fn clear_intent(&self, mark: Ulid) -> Result<(), StoreError> {
        self.write(|tx| {
            tx.execute("DELETE FROM intent WHERE mark = ?1", [mark.to_string()])?;
            Ok(())
        })
    }

    /// The open intents of one source issue.
    ///
    /// # Errors
    /// What the database says.
    pub fn intents(&self, sync: &SyncName, source_issue: &str) -> Result<Vec<Intent>, StoreError> {
        self.read(|tx| {
            let mut q = tx.prepare(
                "SELECT mark, kind, source_id, target_issue, fingerprint, started FROM intent
                 WHERE sync = ?1 AND source_issue = ?2 ORDER BY mark",
            )?;
            let mut rows = q.query(params![sync.as_str(), source_issue])?;
            let mut out = Vec::new();
            while let Some(r) = rows.next()? {
                out.push(Intent {
                    mark: r.get::<_, String>(0)?.parse().map_err(|_| StoreError::Damaged("intent"))?,
                    sync: sync.clone(),
                    kind: PairKind::parse(&r.get::<_, String>(1)?)?,
                    source_issue: source_issue.to_owned(),
                    source_id: r.get(2)?,
                    target_issue: r.get(3)?,
                    fingerprint: r.get(4)?,
                    started: r.get(5)?,
                });
            }
            Ok(out)
        })
    }
}

pub(super) fn last_sequence(tx: &Transaction<'_>, sync: &SyncName, issue_id: &str) -> Result<i64, StoreError> {
    Ok(tx.query_row(
        "SELECT max(coalesce((SELECT max(sequence) FROM staged WHERE sync = ?1 AND issue_id = ?2), 0),
                    coalesce((SELECT sequence FROM exported WHERE sync = ?1 AND issue_id = ?2), 0))",
        params![sync.as_str(), issue_id],
        |r| r.get(0),
    )?)
}

/// Writes a pair; one that is there already is replaced, or left as it is.
pub(super) fn insert_pair(tx: &Transaction<'_>, pair: &Pair, replace: bool) -> Result<(), StoreError> {
    let then = if replace {
        "DO UPDATE SET target_id = excluded.target_id, source_key = excluded.source_key,
         target_issue = excluded.target_issue, target_key = excluded.target_key, hash = excluded.hash,
         state = excluded.state, twin = excluded.twin, target_first = excluded.target_first"
    } else {
        "DO NOTHING"
    };
    let state = match (pair.erased, pair.unlinked) {
        (true, _) => "erased",
        (false, true) => "unlinked",
        (false, false) => "live",
    };
    tx.execute(
        &format!(
            "INSERT INTO pair (sync, kind, source_id, target_id, source_issue, source_key, target_issue, target_key, hash,
             state, created, twin, target_first) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
             ON CONFLICT (sync, kind, source_id) {then}"
        ),
        params![
            pair.sync.as_str(),
            pair.kind.as_str(),
            pair.source_id,
            pair.target_id,
            pair.source_issue,
            pair.source_key,
            pair.target_issue,
            pair.target_key,
            pair.hash,
            state,
            pair.created,
            pair.twin.as_ref().map(SyncName::as_str),
            pair.target_first,
        ],
    )?;
    super::twin::mirror(tx, pair, state)
}

fn ran_name(sync: &SyncName) -> String {
    format!("ran/{sync}")
}

fn selection_name(sync: &SyncName) -> String {
    format!("sync-selection/{sync}")
}

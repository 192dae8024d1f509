//! The suppression list at rest: keyed hashes of an erased person's identifiers, and what two persons decide about them.
//!
//! Owns the tables `suppression` and `suppression_removal`. Holds no value in clear; which normalisation a hash was made
//! with stands beside it, since the plaintext is gone when a better one comes. Every change leaves an audit event in its
//! own transaction. Decides no scope and no period: those come with the rows.

use std::collections::BTreeSet;

use chrono::{DateTime, SecondsFormat, Utc};
use rusqlite::{OptionalExtension, Row, Transaction, params};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{
    Store, StoreError,
    audit::{Act, append},
    journal::Change,
};
use crate::model::CaseId;

pub(super) const SCHEMA: &str = "
CREATE TABLE suppression (
    hash BLOB NOT NULL, kind TEXT NOT NULL, case_id TEXT NOT NULL, scope TEXT NOT NULL, norm TEXT NOT NULL,
    words INTEGER NOT NULL, created TEXT NOT NULL, PRIMARY KEY (hash, case_id)
) STRICT;
CREATE INDEX suppression_by_case ON suppression (case_id);
";

/// When an entry ends, and what one person asked to have removed until a second one agrees.
pub(super) const ENDS: &str = "
ALTER TABLE suppression ADD COLUMN until TEXT;
CREATE TABLE suppression_removal (
    case_id TEXT PRIMARY KEY,
    actor TEXT NOT NULL, at TEXT NOT NULL,
    reason TEXT NOT NULL,             -- masked before it comes here
    entries INTEGER NOT NULL,
    digest TEXT NOT NULL              -- of the entries as they were when it was asked
) STRICT;
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
    /// From when on it suppresses no more; `None` where it has no end.
    pub until: Option<DateTime<Utc>>,
}

impl SuppressionRow {
    /// Whether its time is over at `now`.
    #[must_use]
    pub fn has_ended(&self, now: DateTime<Utc>) -> bool {
        self.until.is_some_and(|until| until <= now)
    }
}

/// One person's request to take a case's entries off the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// Whose entries.
    pub case: CaseId,
    /// Who asked.
    pub actor: String,
    /// When, RFC 3339.
    pub at: String,
    /// Why, masked.
    pub reason: String,
    /// How many entries there were.
    pub entries: u64,
    /// Which ones: SHA-256 over them, hexadecimal.
    pub digest: String,
}

/// How an approval of a removal ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removed {
    /// So many entries are off the list.
    Done(usize),
    /// Nobody has asked for it.
    NotAsked,
    /// It has to be another person than the one who asked.
    SamePerson,
    /// The entries are not those that were asked about.
    Changed,
    /// The case has not ended, so it needs them.
    CaseOpen,
}

pub(super) const COLUMNS: &str = "hash, kind, case_id, scope, norm, words, created, until";

pub(super) fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn row(r: &Row<'_>) -> Result<SuppressionRow, StoreError> {
    let damaged = || StoreError::Damaged("suppression");
    let until: Option<String> = r.get(7)?;
    Ok(SuppressionRow {
        hash: r.get(0)?,
        kind: r.get(1)?,
        case: r.get::<_, String>(2)?.parse().map_err(|_| damaged())?,
        scope: r.get(3)?,
        norm: r.get(4)?,
        words: r.get(5)?,
        created: r.get(6)?,
        until: until.map(|u| u.parse().map_err(|_| damaged())).transpose()?,
    })
}

/// The rows of the list, all or those of one case, oldest first.
pub(super) fn rows(tx: &Transaction<'_>, case: Option<&CaseId>) -> Result<Vec<SuppressionRow>, StoreError> {
    let mut q = tx.prepare(&format!(
        "SELECT {COLUMNS} FROM suppression WHERE ?1 IS NULL OR case_id = ?1 ORDER BY created, case_id, kind, hash"
    ))?;
    let mut rows = q.query([case.map(CaseId::as_str)])?;
    let mut out = Vec::new();
    while let Some(r) = rows.next()? {
        out.push(row(r)?);
    }
    Ok(out)
}

/// Writes a row; says whether it is new. One that the case has already is left as it is, with its end.
pub(super) fn insert(tx: &Transaction<'_>, r: &SuppressionRow) -> Result<bool, StoreError> {
    let added = tx.execute(
        &format!("INSERT OR IGNORE INTO suppression ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"),
        params![r.hash, r.kind, r.case.as_str(), r.scope, r.norm, r.words, r.created, r.until.map(stamp)],
    )?;
    Ok(added > 0)
}

/// Deletes a row; says whether it was there.
pub(super) fn delete(tx: &Transaction<'_>, hash: &[u8; 32], case: &CaseId) -> Result<bool, StoreError> {
    Ok(tx.execute("DELETE FROM suppression WHERE hash = ?1 AND case_id = ?2", params![hash, case.as_str()])? > 0)
}

/// Forgets a request for removal; says whether there was one.
pub(super) fn forget_request(tx: &Transaction<'_>, case: &CaseId) -> Result<bool, StoreError> {
    Ok(tx.execute("DELETE FROM suppression_removal WHERE case_id = ?1", [case.as_str()])? > 0)
}

fn digest(rows: &[SuppressionRow]) -> String {
    let mut hashes: Vec<&[u8; 32]> = rows.iter().map(|r| &r.hash).collect();
    hashes.sort_unstable();
    let mut hasher = Sha256::new();
    hashes.into_iter().for_each(|hash| hasher.update(hash));
    hex::encode(hasher.finalize())
}

/// The cases that have not ended: their entries are needed whatever their end says.
fn open_cases(tx: &Transaction<'_>) -> Result<BTreeSet<String>, StoreError> {
    let mut q = tx.prepare("SELECT id, state FROM cases")?;
    let mut rows = q.query([])?;
    let mut out = BTreeSet::new();
    while let Some(r) = rows.next()? {
        let state = serde_json::Value::String(r.get(1)?);
        let state: super::CaseState = serde_json::from_value(state).map_err(|_| StoreError::Damaged("cases"))?;
        if !state.has_ended() {
            out.insert(r.get(0)?);
        }
    }
    Ok(out)
}

fn removal(tx: &Transaction<'_>, case: &CaseId) -> Result<Option<Removal>, StoreError> {
    let found = tx
        .query_row(
            "SELECT actor, at, reason, entries, digest FROM suppression_removal WHERE case_id = ?1",
            [case.as_str()],
            |r| {
                Ok(Removal {
                    case: case.clone(),
                    actor: r.get(0)?,
                    at: r.get(1)?,
                    reason: r.get(2)?,
                    entries: r.get::<_, i64>(3)?.unsigned_abs(),
                    digest: r.get(4)?,
                })
            },
        )
        .optional()?;
    Ok(found)
}

impl Store {
    /// Adds entries of `case`; one that it has already is left as it is. Says how many are new.
    ///
    /// # Errors
    /// What the database says.
    pub fn suppression_add(&self, act: &Act<'_>, case: &CaseId, new: &[SuppressionRow]) -> Result<usize, StoreError> {
        self.change(act, |tx| {
            let mut added = Vec::new();
            for r in new {
                if insert(tx, r)? {
                    added.push(r);
                }
            }
            if let Some(first) = added.first() {
                let detail = json!({ "entries": added.len(), "until": first.until.map(stamp) });
                append(tx, act, "suppression.added", Some(case.as_str()), detail)?;
            }
            Ok((added.len(), added.into_iter().map(Change::add).collect()))
        })
    }

    /// The whole list, oldest first, with what has ended and was not taken off yet.
    ///
    /// # Errors
    /// What the database says.
    pub fn suppression_list(&self) -> Result<Vec<SuppressionRow>, StoreError> {
        self.read(|tx| rows(tx, None))
    }

    /// The entries that suppress at `now`: what has no end, what has not ended, and what a case that is still open needs.
    ///
    /// # Errors
    /// What the database says.
    pub fn suppression_holding(&self, now: DateTime<Utc>) -> Result<Vec<SuppressionRow>, StoreError> {
        self.read(|tx| {
            let open = open_cases(tx)?;
            let all = rows(tx, None)?;
            Ok(all.into_iter().filter(|r| !r.has_ended(now) || open.contains(r.case.as_str())).collect())
        })
    }

    /// Takes what has ended off the list, but for what an open case needs; says how many entries went.
    ///
    /// # Errors
    /// What the database says.
    pub fn suppression_expire(&self, act: &Act<'_>) -> Result<usize, StoreError> {
        self.suppression_expire_of(act, None)
    }

    /// The same for what one case put there.
    ///
    /// # Errors
    /// What the database says.
    pub fn suppression_expire_of(&self, act: &Act<'_>, case: Option<&CaseId>) -> Result<usize, StoreError> {
        self.change(act, |tx| {
            let open = open_cases(tx)?;
            let gone: Vec<SuppressionRow> = rows(tx, case)?
                .into_iter()
                .filter(|r| r.has_ended(act.at) && !open.contains(r.case.as_str()))
                .collect();
            for r in &gone {
                delete(tx, &r.hash, &r.case)?;
            }
            let cases: BTreeSet<&CaseId> = gone.iter().map(|r| &r.case).collect();
            for case in cases {
                let entries = gone.iter().filter(|r| r.case == *case).count();
                append(tx, act, "suppression.expired", Some(case.as_str()), json!({ "entries": entries }))?;
            }
            Ok((gone.len(), gone.iter().map(Change::remove).collect()))
        })
    }

    /// Notes one person's request to take a case's entries off the list. It does nothing until another person approves it.
    /// `None` where the case has not ended; without entries the request has none.
    ///
    /// # Errors
    /// What the database says.
    pub fn suppression_ask_removal(
        &self,
        act: &Act<'_>,
        case: &CaseId,
        reason: &str,
    ) -> Result<Option<Removal>, StoreError> {
        self.write(|tx| {
            if open_cases(tx)?.contains(case.as_str()) {
                return Ok(None);
            }
            let rows = rows(tx, Some(case))?;
            let asked = Removal {
                case: case.clone(),
                actor: act.actor.to_owned(),
                at: stamp(act.at),
                reason: reason.to_owned(),
                entries: rows.len() as u64,
                digest: digest(&rows),
            };
            if asked.entries > 0 {
                tx.execute(
                    "INSERT INTO suppression_removal (case_id, actor, at, reason, entries, digest)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (case_id) DO UPDATE SET actor = ?2, at = ?3, reason = ?4,
                     entries = ?5, digest = ?6",
                    params![case.as_str(), asked.actor, asked.at, asked.reason, rows.len() as i64, asked.digest],
                )?;
                let detail = json!({ "entries": asked.entries, "digest": asked.digest, "reason": reason });
                append(tx, act, "suppression.removal-requested", Some(case.as_str()), detail)?;
            }
            Ok(Some(asked))
        })
    }

    /// Takes a request back; says whether there was one.
    ///
    /// # Errors
    /// What the database says.
    pub fn suppression_withdraw_removal(&self, act: &Act<'_>, case: &CaseId) -> Result<bool, StoreError> {
        self.write(|tx| {
            let asked = forget_request(tx, case)?;
            if asked {
                append(tx, act, "suppression.removal-withdrawn", Some(case.as_str()), json!({}))?;
            }
            Ok::<_, StoreError>(asked)
        })
    }

    /// Carries out a request as a second person: exactly the entries that it names go, or none.
    ///
    /// # Errors
    /// What the database says.
    pub fn suppression_approve_removal(&self, act: &Act<'_>, case: &CaseId) -> Result<Removed, StoreError> {
        let refused = |why| Ok((why, Vec::new()));
        self.change(act, |tx| {
            let Some(asked) = removal(tx, case)? else { return refused(Removed::NotAsked) };
            if asked.actor == act.actor {
                return refused(Removed::SamePerson);
            }
            if open_cases(tx)?.contains(case.as_str()) {
                return refused(Removed::CaseOpen);
            }
            let rows = rows(tx, Some(case))?;
            if rows.len() as u64 != asked.entries || digest(&rows) != asked.digest {
                return refused(Removed::Changed);
            }
            for r in &rows {
                delete(tx, &r.hash, case)?;
            }
            forget_request(tx, case)?;
            let detail = json!({ "entries": rows.len(), "digest": asked.digest, "requested_by": asked.actor });
            append(tx, act, "suppression.removed", Some(case.as_str()), detail)?;
            Ok((Removed::Done(rows.len()), rows.iter().map(Change::remove).collect()))
        })
    }

    /// The requests that wait for a second person.
    ///
    /// # Errors
    /// What the database says.
    pub fn suppression_removals(&self) -> Result<Vec<Removal>, StoreError> {
        self.read(|tx| {
            let mut q = tx.prepare("SELECT case_id FROM suppression_removal ORDER BY at, case_id")?;
            let ids = q.query_map([], |r| r.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
            let mut out = Vec::new();
            for id in ids {
                let case = id.parse().map_err(|_| StoreError::Damaged("suppression_removal"))?;
                out.extend(removal(tx, &case)?);
            }
            Ok(out)
        })
    }
}

//! Holds at rest. What a hold covers and why may name a person (a path, a file number), so it is sealed with a key of its own.

use rusqlite::{OptionalExtension, Row, Transaction};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    Store, StoreError, SuppressionRow,
    audit::{Act, append},
};
use crate::{
    keys::DataKey,
    model::{CaseId, Hold, HoldId, HoldQuery, HoldType, Release},
};

pub(super) const SCHEMA: &str = "
CREATE TABLE holds (
    id TEXT PRIMARY KEY,
    hold_type TEXT NOT NULL,
    case_id TEXT,
    subject TEXT,                     -- pseudonym
    added_by TEXT NOT NULL,
    added_at TEXT NOT NULL,
    review TEXT,
    released_by TEXT,
    released_at TEXT,
    wrapped_key BLOB NOT NULL,
    sealed BLOB NOT NULL
) STRICT;
CREATE INDEX pair_by_source_key ON pair (source_key);
CREATE INDEX pair_by_target_key ON pair (target_key);
";

/// A keyed hash of an identifier, as on the suppression list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    hash: String,
    kind: String,
    scope: String,
    norm: String,
    words: u32,
}

/// What is sealed of a hold.
#[derive(Debug, Serialize, Deserialize)]
struct Body {
    query: HoldQuery,
    basis: String,
    /// The person's identifiers, as keyed hashes: they outlive the case, so that the hold does.
    entries: Vec<Entry>,
    reason: Option<String>,
    informed: Option<chrono::NaiveDate>,
}

/// A hold with the keyed hashes of the person it is about.
#[derive(Debug, Clone)]
pub struct HoldRow {
    /// The hold.
    pub hold: Hold,
    /// Keyed hashes of the person's identifiers; none where it is about records whoever they name.
    pub entries: Vec<SuppressionRow>,
}

struct Raw {
    id: String,
    hold_type: String,
    case: Option<String>,
    subject: Option<String>,
    added: (String, String),
    review: Option<String>,
    released: Option<(String, String)>,
    wrapped: Vec<u8>,
    sealed: Vec<u8>,
}

const COLUMNS: &str = "id, hold_type, case_id, subject, added_by, added_at, review, released_by, released_at, \
                       wrapped_key, sealed";

fn raw(r: &Row<'_>) -> rusqlite::Result<Raw> {
    let (by, at): (Option<String>, Option<String>) = (r.get(7)?, r.get(8)?);
    Ok(Raw {
        id: r.get(0)?,
        hold_type: r.get(1)?,
        case: r.get(2)?,
        subject: r.get(3)?,
        added: (r.get(4)?, r.get(5)?),
        review: r.get(6)?,
        released: by.zip(at),
        wrapped: r.get(9)?,
        sealed: r.get(10)?,
    })
}

fn context(id: &str) -> Vec<u8> {
    format!("hold {id}").into_bytes()
}

/// A case that stands for the entries of a hold that is about nobody's case.
const NO_CASE: &str = "C-00000000000000000000000000";

/// See [`Store::holds_version`].
pub(super) fn version(tx: &Transaction<'_>) -> Result<(i64, i64), StoreError> {
    Ok(tx.query_row("SELECT count(*), count(released_at) FROM holds", [], |r| Ok((r.get(0)?, r.get(1)?)))?)
}

impl Store {
    /// Adds a hold, with an audit event. `entries` are the keyed hashes of the person it is about.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn add_hold(&self, act: &Act<'_>, hold: &Hold, entries: &[SuppressionRow]) -> Result<(), StoreError> {
        let key = DataKey::random();
        let ctx = context(hold.id.as_str());
        let entries = entries
            .iter()
            .map(|r| Entry {
                hash: hex::encode(r.hash),
                kind: r.kind.clone(),
                scope: r.scope.clone(),
                norm: r.norm.clone(),
                words: r.words,
            })
            .collect();
        let body = Body { query: hold.query.clone(), basis: hold.basis.clone(), entries, reason: None, informed: None };
        let sealed = key.seal(&ctx, &serde_json::to_vec(&body).map_err(|_| StoreError::Damaged("holds"))?);
        let wrapped = self.keys().wrap(&ctx, &key);
        self.write(|tx| {
            tx.execute(
                "INSERT INTO holds (id, hold_type, case_id, subject, added_by, added_at, review, wrapped_key, sealed)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                (
                    hold.id.as_str(),
                    hold.hold_type.as_str(),
                    hold.case.as_ref().map(CaseId::as_str),
                    &hold.subject,
                    &hold.added_by,
                    &hold.added_at,
                    hold.review.map(|d| d.to_string()),
                    &wrapped,
                    &sealed,
                ),
            )?;
            let detail = json!({
                "hold": hold.id, "type": hold.hold_type, "subject": hold.subject, "review": hold.review,
                "areas": hold.query.area, "projects": hold.query.project, "records": hold.query.record,
                "everything": hold.query.is_everything(),
            });
            append(tx, act, "hold.added", hold.case.as_ref().map(CaseId::as_str), detail)
        })
    }

    /// All holds, oldest first.
    ///
    /// # Errors
    /// When a row does not open.
    pub fn holds(&self) -> Result<Vec<HoldRow>, StoreError> {
        let rows: Vec<Raw> = self.read(|tx| {
            let mut stmt = tx.prepare(&format!("SELECT {COLUMNS} FROM holds ORDER BY added_at, id"))?;
            let rows = stmt.query_map([], raw)?;
            rows.collect::<Result<Vec<_>, _>>().map_err(StoreError::from)
        })?;
        rows.into_iter().map(|r| self.opened_hold(r).map(|(row, _)| row)).collect()
    }

    /// One number that changes whenever the holds do, cheap enough to be asked before every step.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn holds_version(&self) -> Result<(i64, i64), StoreError> {
        self.read(version)
    }

    fn opened_hold(&self, r: Raw) -> Result<(HoldRow, DataKey), StoreError> {
        let damaged = || StoreError::Damaged("holds");
        let ctx = context(&r.id);
        let key = self.keys().unwrap(&ctx, &r.wrapped)?;
        let body: Body = serde_json::from_slice(&key.open(&ctx, &r.sealed)?).map_err(|_| damaged())?;
        let case: Option<CaseId> = r.case.map(|c| c.parse()).transpose().map_err(|_| damaged())?;
        let row_case = case.clone().or_else(|| NO_CASE.parse().ok()).ok_or_else(damaged)?;
        let entries = body
            .entries
            .iter()
            .map(|e| {
                let mut hash = [0u8; 32];
                hex::decode_to_slice(&e.hash, &mut hash).map_err(|_| damaged())?;
                Ok(SuppressionRow {
                    hash,
                    kind: e.kind.clone(),
                    case: row_case.clone(),
                    scope: e.scope.clone(),
                    norm: e.norm.clone(),
                    words: e.words,
                    created: r.added.1.clone(),
                    until: None,
                })
            })
            .collect::<Result<_, StoreError>>()?;
        let hold = Hold {
            id: r.id.parse().map_err(|_| damaged())?,
            hold_type: r.hold_type.parse::<HoldType>().map_err(|_| damaged())?,
            query: body.query,
            case,
            subject: r.subject,
            basis: body.basis,
            added_by: r.added.0,
            added_at: r.added.1,
            review: r.review.map(|d| d.parse()).transpose().map_err(|_| damaged())?,
            released: r.released.map(|(by, at)| Release {
                by,
                at,
                reason: body.reason.unwrap_or_default(),
                informed: body.informed,
            }),
        };
        Ok((HoldRow { hold, entries }, key))
    }

    /// Ends a hold, with an audit event; says whether it was in force. What the sync passed over for it has to be seen by the
    /// next run, so the cursors go in the same commit.
    ///
    /// # Errors
    /// When the row does not open.
    pub fn release_hold(&self, act: &Act<'_>, id: &HoldId, release: &Release) -> Result<bool, StoreError> {
        let ctx = context(id.as_str());
        let row = self.read(|tx| {
            Ok::<_, StoreError>(
                tx.query_row(&format!("SELECT {COLUMNS} FROM holds WHERE id = ?1"), [id.as_str()], raw).optional()?,
            )
        })?;
        let Some(row) = row.filter(|r| r.released.is_none()) else { return Ok(false) };
        let sealed = row.sealed.clone();
        let (opened, key) = self.opened_hold(row)?;
        let mut body: Body =
            serde_json::from_slice(&key.open(&ctx, &sealed)?).map_err(|_| StoreError::Damaged("holds"))?;
        body.reason = Some(release.reason.clone());
        body.informed = release.informed;
        let sealed = key.seal(&ctx, &serde_json::to_vec(&body).map_err(|_| StoreError::Damaged("holds"))?);
        self.write(|tx| {
            let changed = tx.execute(
                "UPDATE holds SET released_by = ?2, released_at = ?3, sealed = ?4 WHERE id = ?1 AND released_at IS NULL",
                (id.as_str(), &release.by, &release.at, &sealed),
            )?;
            if changed == 1 {
                let case = opened.hold.case.as_ref().map(CaseId::as_str);
                tx.execute("DELETE FROM sync_cursor", [])?;
                append(tx, act, "hold.released", case, json!({ "hold": id, "informed": release.informed }))?;
            }
            Ok::<_, StoreError>(changed == 1)
        })
    }

    /// The keys of the issues that synchronizations paired with an issue, in either direction.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn paired_keys(&self, key: &str) -> Result<Vec<String>, StoreError> {
        self.read(|tx| {
            let mut stmt = tx.prepare(
                "SELECT target_key FROM pair WHERE source_key = ?1 AND kind = 'issue' AND target_key IS NOT NULL
                 UNION SELECT source_key FROM pair WHERE target_key = ?1 AND kind = 'issue' AND source_key IS NOT NULL",
            )?;
            let rows = stmt.query_map([key], |r| r.get(0))?;
            rows.collect::<Result<Vec<_>, _>>().map_err(StoreError::from)
        })
    }
}

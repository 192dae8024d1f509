//! What sweeps know: which records are marked, when files were first seen, and runs with their steps while they are open.
//!
//! Owns the tables `sweep_marks`, `seen_files`, `sweep_runs` and `sweep_steps`. Records stand in them as keyed hashes, since a path may
//! name a person; the steps of a run are sealed with a key of its own, which is destroyed with them when the run ends. What is left
//! of a run are counts.

use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension, params};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{
    Store, StoreError,
    audit::{Act, append, limit},
    cases::StepRow,
};
use crate::{
    keys::{DataKey, Purpose},
    model::{CaseId, Place, RecordRef},
};

pub(super) const SCHEMA: &str = "
ALTER TABLE staged ADD COLUMN since TEXT;   -- when it came into its state; NULL for what was there before
CREATE TABLE sweep_marks (record BLOB PRIMARY KEY, class TEXT NOT NULL, digest TEXT NOT NULL, at TEXT NOT NULL) STRICT;
CREATE TABLE seen_files (
    record BLOB PRIMARY KEY, state BLOB NOT NULL, content BLOB NOT NULL, created TEXT NOT NULL, updated TEXT NOT NULL
) STRICT;
CREATE TABLE sweep_runs (
    id TEXT PRIMARY KEY, begun TEXT NOT NULL, ended TEXT, actor TEXT NOT NULL, policy TEXT NOT NULL, hash TEXT NOT NULL,
    approved_by TEXT, wrapped_key BLOB, summary TEXT
) STRICT;
CREATE TABLE sweep_steps (
    run TEXT NOT NULL REFERENCES sweep_runs (id), number INTEGER NOT NULL, step BLOB NOT NULL, row BLOB,
    PRIMARY KEY (run, number)
) STRICT;
";

/// A record that was due at an earlier run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SweepMark {
    /// The class that it was due by.
    pub class: String,
    /// The class as it was written then.
    pub digest: String,
    /// When it was marked.
    pub at: DateTime<Utc>,
}

/// What is known of a file that no content vouches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenFile {
    /// Its state on disk (size, times, inode), which tells that nobody has to read it again.
    pub state: Vec<u8>,
    /// Keyed hash of its content.
    pub content: Vec<u8>,
    /// When it was first seen.
    pub created: DateTime<Utc>,
    /// When other content was seen.
    pub updated: DateTime<Utc>,
}

/// A run that deletes.
#[derive(Debug, Clone, PartialEq)]
pub struct SweepRun {
    /// Its id (a ULID).
    pub id: String,
    /// When it was planned.
    pub begun: DateTime<Utc>,
    /// When it ended.
    pub ended: Option<DateTime<Utc>>,
    /// Who planned it.
    pub actor: String,
    /// SHA-256 of the policy's file.
    pub policy: String,
    /// Hash of its plan.
    pub hash: String,
    /// Who approved it.
    pub approved_by: Option<String>,
    /// Counts by class, once it has ended.
    pub summary: Option<Value>,
}

/// The key under which a record stands in these tables.
pub type RecordKey = [u8; 32];

fn time(text: &str) -> Result<DateTime<Utc>, StoreError> {
    DateTime::parse_from_rfc3339(text).map(|t| t.to_utc()).map_err(|_| StoreError::Damaged("sweeps"))
}

fn context(run: &str, number: u32, what: &str) -> Vec<u8> {
    format!("efface.sweep-{what}/1 {run} {number}").into_bytes()
}

const RUN: &str = "id, begun, ended, actor, policy, hash, approved_by, summary";

type RunRow = (String, String, Option<String>, String, String, String, Option<String>, Option<String>);

fn run_row(r: &rusqlite::Row<'_>) -> rusqlite::Result<RunRow> {
    Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?, r.get(5)?, r.get(6)?, r.get(7)?))
}

fn run((id, begun, ended, actor, policy, hash, approved_by, summary): RunRow) -> Result<SweepRun, StoreError> {
    let summary =
        summary.map(|s| serde_json::from_str(&s).map_err(|_| StoreError::Damaged("sweep_runs"))).transpose()?;
    let ended = ended.as_deref().map(time).transpose()?;
    Ok(SweepRun { id, begun: time(&begun)?, ended, actor, policy, hash, approved_by, summary })
}

impl Store {
    /// The key of a record in the tables of sweeps.
    #[must_use]
    pub fn sweep_key(&self, place: &Place, record: &RecordRef) -> RecordKey {
        self.sweep_key_of(place, record, None)
    }

    /// The same for one class of it, where each has a mark of its own.
    #[must_use]
    pub fn sweep_key_of(&self, place: &Place, record: &RecordRef, class: Option<&str>) -> RecordKey {
        let (place, record) = (place.to_string(), json!(record).to_string());
        let parts = [&b"sweep"[..], place.as_bytes(), record.as_bytes()];
        match class {
            None => self.keys().keyed_hash(Purpose::Lookup, &parts),
            Some(class) => self.keys().keyed_hash(Purpose::Lookup, &[&parts[..], &[class.as_bytes()]].concat()),
        }
    }

    /// The mark of a record.
    ///
    /// # Errors
    /// What the database says.
    pub fn sweep_mark(&self, record: &RecordKey) -> Result<Option<SweepMark>, StoreError> {
        let row = self.read(|tx| {
            Ok::<_, StoreError>(
                tx.query_row("SELECT class, digest, at FROM sweep_marks WHERE record = ?1", [&record[..]], |r| {
                    Ok((r.get(0)?, r.get(1)?, r.get::<_, String>(2)?))
                })
                .optional()?,
            )
        })?;
        row.map(|(class, digest, at)| Ok(SweepMark { class, digest, at: time(&at)? })).transpose()
    }

    /// Keeps the marks of what is due, and forgets those of what was looked at and is `over`: due no more. `all` says that there are
    /// no others.
    ///
    /// # Errors
    /// What the database says.
    pub fn sweep_set_marks(
        &self,
        marks: &[(RecordKey, SweepMark)],
        over: &[RecordKey],
        all: bool,
    ) -> Result<(), StoreError> {
        self.write(|tx| {
            if all {
                tx.execute("DELETE FROM sweep_marks", [])?;
            } else {
                let mut delete = tx.prepare("DELETE FROM sweep_marks WHERE record = ?1")?;
                for record in over {
                    delete.execute([&record[..]])?;
                }
            }
            let mut insert = tx.prepare("INSERT OR REPLACE INTO sweep_marks VALUES (?1, ?2, ?3, ?4)")?;
            for (record, mark) in marks {
                insert.execute(params![&record[..], mark.class, mark.digest, mark.at.to_rfc3339()])?;
            }
            Ok(())
        })
    }

    /// What is known of a file.
    ///
    /// # Errors
    /// What the database says.
    pub fn seen_file(&self, record: &RecordKey) -> Result<Option<SeenFile>, StoreError> {
        let row = self.read(|tx| {
            Ok::<_, StoreError>(
                tx.query_row(
                    "SELECT state, content, created, updated FROM seen_files WHERE record = ?1",
                    [&record[..]],
                    |r| Ok((r.get(0)?, r.get(1)?, r.get::<_, String>(2)?, r.get::<_, String>(3)?)),
                )
                .optional()?,
            )
        })?;
        let seen = |(state, content, created, updated): (_, _, String, String)| {
            Ok(SeenFile { state, content, created: time(&created)?, updated: time(&updated)? })
        };
        row.map(seen).transpose()
    }

    /// Remembers files as they were seen; `all` says that there are no others.
    ///
    /// # Errors
    /// What the database says.
    pub fn set_seen_files(&self, files: &[(RecordKey, SeenFile)], all: bool) -> Result<(), StoreError> {
        self.write(|tx| {
            if all {
                tx.execute("DELETE FROM seen_files", [])?;
            }
            let mut insert = tx.prepare("INSERT OR REPLACE INTO seen_files VALUES (?1, ?2, ?3, ?4, ?5)")?;
            for (record, seen) in files {
                let (created, updated) = (seen.created.to_rfc3339(), seen.updated.to_rfc3339());
                insert.execute(params![&record[..], seen.state, seen.content, created, updated])?;
            }
            Ok(())
        })
    }

    /// Gives staged files of which it is not known since when they are in their state the time at which that was noticed.
    ///
    /// # Errors
    /// What the database says.
    pub fn staged_notice(&self, at: DateTime<Utc>) -> Result<(), StoreError> {
        self.write(|tx| {
            tx.execute("UPDATE staged SET since = ?1 WHERE since IS NULL", [at.to_rfc3339()])?;
            Ok(())
        })
    }

    /// Opens a run with its steps, sealed.
    ///
    /// # Errors
    /// What the database says.
    pub fn open_sweep<T: Serialize>(&self, act: &Act<'_>, run: &SweepRun, steps: &[T]) -> Result<(), StoreError> {
        let key = DataKey::random();
        let wrapped = self.keys().wrap(format!("efface.sweep-key/1 {}", run.id).as_bytes(), &key);
        self.write(|tx| {
            tx.execute(
                "INSERT INTO sweep_runs (id, begun, actor, policy, hash, wrapped_key) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![run.id, run.begun.to_rfc3339(), run.actor, run.policy, run.hash, wrapped],
            )?;
            let mut insert = tx.prepare("INSERT INTO sweep_steps (run, number, step) VALUES (?1, ?2, ?3)")?;
            for (number, step) in (1_u32..).zip(steps) {
                let sealed = key.seal(&context(&run.id, number, "step"), json!(step).to_string().as_bytes());
                insert.execute(params![run.id, number, sealed])?;
            }
            let detail = json!({ "run": run.id, "steps": steps.len(), "plan": run.hash, "policy": run.policy });
            append(tx, act, "sweep.planned", None, detail)
        })
    }

    /// The run that has not ended.
    ///
    /// # Errors
    /// What the database says.
    pub fn open_sweep_run(&self) -> Result<Option<SweepRun>, StoreError> {
        let sql = format!("SELECT {RUN} FROM sweep_runs WHERE ended IS NULL ORDER BY id LIMIT 1");
        self.read(|tx| Ok::<_, StoreError>(tx.query_row(&sql, [], run_row).optional()?))?.map(run).transpose()
    }

    /// All runs, oldest first.
    ///
    /// # Errors
    /// What the database says.
    pub fn sweep_runs(&self) -> Result<Vec<SweepRun>, StoreError> {
        let rows = self.read(|tx| {
            let mut q = tx.prepare(&format!("SELECT {RUN} FROM sweep_runs ORDER BY id"))?;
            Ok::<_, StoreError>(q.query_map([], run_row)?.collect::<Result<Vec<_>, _>>()?)
        })?;
        rows.into_iter().map(run).collect()
    }

    fn sweep_run_key(&self, id: &str) -> Result<DataKey, StoreError> {
        let wrapped: Option<Vec<u8>> = self.read(|tx| {
            Ok::<_, StoreError>(tx.query_row("SELECT wrapped_key FROM sweep_runs WHERE id = ?1", [id], |r| r.get(0))?)
        })?;
        let wrapped = wrapped.ok_or(StoreError::Damaged("sweep_runs"))?;
        Ok(self.keys().unwrap(format!("efface.sweep-key/1 {id}").as_bytes(), &wrapped)?)
    }

    /// The steps of an open run, each with its journal row where it has one.
    ///
    /// # Errors
    /// When one does not open.
    pub fn sweep_steps<T: DeserializeOwned>(&self, id: &str) -> Result<Vec<(T, Option<StepRow>)>, StoreError> {
        let key = self.sweep_run_key(id)?;
        let rows = self.read(|tx| {
            let mut q = tx.prepare("SELECT number, step, row FROM sweep_steps WHERE run = ?1 ORDER BY number")?;
            let rows = q.query_map([id], |r| {
                Ok((r.get::<_, u32>(0)?, r.get::<_, Vec<u8>>(1)?, r.get::<_, Option<Vec<u8>>>(2)?))
            })?;
            Ok::<_, StoreError>(rows.collect::<Result<Vec<_>, _>>()?)
        })?;
        let damaged = |_| StoreError::Damaged("sweep_steps");
        rows.into_iter()
            .map(|(number, step, row)| {
                let step = serde_json::from_slice(&key.open(&context(id, number, "step"), &step)?).map_err(damaged)?;
                let row = row.map(|row| {
                    let plain = key.open(&context(id, number, "row"), &row)?;
                    let (state, outcome, note) = serde_json::from_slice(&plain).map_err(damaged)?;
                    Ok::<_, StoreError>(StepRow { number, state, outcome, note })
                });
                Ok((step, row.transpose()?))
            })
            .collect()
    }

    /// Writes how far a step came.
    ///
    /// # Errors
    /// What the database says.
    pub fn put_sweep_step(&self, id: &str, row: &StepRow) -> Result<(), StoreError> {
        let key = self.sweep_run_key(id)?;
        let plain = json!((row.state, row.outcome, &row.note)).to_string();
        let sealed = key.seal(&context(id, row.number, "row"), plain.as_bytes());
        self.write(|tx| {
            tx.execute(
                "UPDATE sweep_steps SET row = ?3 WHERE run = ?1 AND number = ?2",
                params![id, row.number, sealed],
            )?;
            Ok(())
        })
    }

    /// Notes who approved a run.
    ///
    /// # Errors
    /// What the database says.
    pub fn approve_sweep(&self, act: &Act<'_>, id: &str) -> Result<(), StoreError> {
        self.write(|tx| {
            tx.execute("UPDATE sweep_runs SET approved_by = ?2 WHERE id = ?1", params![id, act.actor])?;
            append(tx, act, "sweep.approved", None, json!({ "run": id }))
        })
    }

    /// Ends a run: its steps are deleted, its key is destroyed, its counts stay.
    ///
    /// # Errors
    /// What the database says.
    pub fn end_sweep(&self, act: &Act<'_>, id: &str, summary: &Value) -> Result<(), StoreError> {
        self.write(|tx| {
            tx.execute("DELETE FROM sweep_steps WHERE run = ?1", [id])?;
            tx.execute(
                "UPDATE sweep_runs SET ended = ?2, summary = ?3, wrapped_key = NULL WHERE id = ?1",
                params![id, act.at.to_rfc3339(), summary.to_string()],
            )?;
            append(tx, act, "sweep.ended", None, json!({ "run": id, "classes": summary }))
        })?;
        self.checkpoint()
    }

    /// Deletes what is left of an ended case: what it was called, when, how it went. Its events in the chain stay, without their
    /// detail. A case that is open, or whose entries of the suppression list hold, stays; says whether it went.
    ///
    /// # Errors
    /// What the database says.
    pub fn forget_case(&self, act: &Act<'_>, id: &CaseId) -> Result<bool, StoreError> {
        let gone = self.write(|tx| {
            let kept: bool = tx.query_row(
                "SELECT EXISTS (SELECT 1 FROM suppression WHERE case_id = ?1)
                 OR NOT EXISTS (SELECT 1 FROM cases WHERE id = ?1 AND wrapped_key IS NULL)",
                [id.as_str()],
                |r| r.get(0),
            )?;
            if kept {
                return Ok::<_, StoreError>(false);
            }
            let of_plan = "plan IN (SELECT hash FROM plans WHERE case_id = ?1)";
            for sql in [
                format!("DELETE FROM steps WHERE {of_plan}"),
                format!("DELETE FROM approvals WHERE {of_plan}"),
                format!("DELETE FROM approval_signatures WHERE {of_plan}"),
                "DELETE FROM plans WHERE case_id = ?1".to_owned(),
                "DELETE FROM notices WHERE case_id = ?1".to_owned(),
                "DELETE FROM case_scope WHERE case_id = ?1".to_owned(),
                "DELETE FROM cases WHERE id = ?1".to_owned(),
                "UPDATE audit SET detail = NULL, salt = NULL WHERE case_id = ?1".to_owned(),
            ] {
                tx.execute(&sql, [id.as_str()])?;
            }
            append(tx, act, "case.forgotten", Some(id.as_str()), json!({ "before": limit(act.at) }))?;
            Ok(true)
        })?;
        self.checkpoint()?;
        Ok(gone)
    }
}

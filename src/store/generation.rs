//! The generation: a number that goes up with each change of the suppression list and each case that ends, and stands in the
//! database, in a small file beside the key file, and in the journal. Where the three disagree, one of them was put back
//! from a backup and erasures may be forgotten: nothing is synchronised or executed until a replay has run.
//!
//! Owns the file `generation`, the number in `meta` and the order of a change: note the intent in the file, write the
//! journal, commit the database, note the end in the file. The journal is the decision: what stands there whole is done,
//! and what was cut off behind it is finished when the store is opened next. Knows no place and no Jira.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use rusqlite::{OptionalExtension, Transaction};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    Act, CaseState, Store, StoreError, SuppressionRow,
    audit::append,
    cases,
    journal::{Change, Group, Journal, bytes},
    suppression,
};
use crate::model::CaseId;

/// The name of the file in the state folder.
pub(super) const FILE: &str = "generation";
const FORMAT: &str = "efface.generation/1";
const NAME: &str = "generation";

/// How long a change waits for another process that is in the middle of one.
const PATIENCE: Duration = Duration::from_secs(30);

/// The number as the three places have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Generations {
    /// In the database.
    pub database: u64,
    /// In the file beside the key file.
    pub file: u64,
    /// In the journal.
    pub journal: u64,
}

impl Generations {
    /// Whether nothing was put back from another time.
    #[must_use]
    pub const fn agree(&self) -> bool {
        self.database == self.file && self.file == self.journal
    }

    const fn newest(&self) -> u64 {
        let newest = if self.database > self.file { self.database } else { self.file };
        if newest > self.journal { newest } else { self.journal }
    }
}

impl std::fmt::Display for Generations {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { database, file, journal } = self;
        write!(f, "{database} in the database, {file} beside the key file, {journal} in the journal")
    }
}

/// What a replay of the journal does to the database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outlook {
    /// Entries that the database has lost.
    pub add: Vec<SuppressionRow>,
    /// Entries that were taken off since.
    pub remove: Vec<SuppressionRow>,
    /// Cases that have ended since, with the subject's pseudonym: their identifiers are destroyed again.
    pub end: Vec<(CaseId, CaseState, String)>,
    /// Entries that the journal lacks.
    pub journal: Vec<SuppressionRow>,
    /// The list as it is afterwards.
    pub list: Vec<SuppressionRow>,
}

impl Outlook {
    /// Whether the database has everything that the journal knows.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.add.is_empty() && self.remove.is_empty() && self.end.is_empty()
    }
}

#[derive(Serialize, Deserialize)]
struct GenerationFile {
    format: String,
    /// Where the database stands.
    at: u64,
    /// Where a change that has begun leads to.
    next: Option<u64>,
}

impl Store {
    fn generation_file(&self) -> PathBuf {
        self.path().with_file_name(FILE)
    }

    fn journal(&self) -> Journal<'_> {
        Journal::new(&self.journal, self.keys())
    }

    /// What the file says; one that is not there, or is not ours any more, says 0 and so agrees with no store that ever erased
    /// anything.
    fn noted(&self) -> Result<(u64, Option<u64>), StoreError> {
        let path = self.generation_file();
        let text = match std::fs::read(&path) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok((0, None)),
            read => read.map_err(|source| StoreError::Folder { path, source })?,
        };
        let file = serde_json::from_slice::<GenerationFile>(&text).ok().filter(|f| f.format == FORMAT);
        Ok(file.map_or((0, None), |f| (f.at, f.next)))
    }

    fn note(&self, at: u64, next: Option<u64>) -> Result<(), StoreError> {
        let path = self.generation_file();
        let text = serde_json::to_string(&GenerationFile { format: FORMAT.into(), at, next })
            .map_err(|_| StoreError::Damaged("meta"))?;
        crate::fs::write_atomic(&path, format!("{text}\n").as_bytes())
            .map_err(|source| StoreError::Folder { path, source })
    }

    fn lock(&self) -> Result<crate::fs::Lock, StoreError> {
        super::open_lock(self.path(), PATIENCE)
    }

    /// Where the three stand, after a change that was cut off has been finished.
    ///
    /// # Errors
    /// When one of them cannot be read, or the journal is damaged.
    pub fn generations(&self) -> Result<Generations, StoreError> {
        let _lock = self.lock()?;
        self.settle()
    }

    /// Insists that nothing was put back from a backup since the last erasure: the question before everything that could
    /// bring a person back.
    ///
    /// # Errors
    /// [`StoreError::Restored`] where the numbers disagree; what [`Store::generations`] says.
    pub fn insist_on_agreement(&self) -> Result<(), StoreError> {
        let here = self.generations()?;
        if here.agree() { Ok(()) } else { Err(StoreError::Restored(here)) }
    }

    /// Finishes what was cut off. The caller holds the lock.
    pub(super) fn settle(&self) -> Result<Generations, StoreError> {
        let (file, next) = self.noted()?;
        let database = self.read(database)?;
        let journal = self.journal().end()?.generation;
        let here = Generations { database, file, journal };
        if here.newest() == 0 {
            return self.begin(here);
        }
        let Some(next) = next else { return Ok(here) };
        if journal == next && file == database && database + 1 == next {
            // Decided, and cut off before the commit.
            let (groups, _) = self.journal().read()?;
            let group = groups.last().ok_or(StoreError::Damaged("meta"))?;
            self.write(|tx| redo(tx, group))?;
        } else if here.agree() {
            // Cut off before it was decided.
            self.note(file, None)?;
            return Ok(here);
        } else if !(journal == database && database == next && file + 1 == next) {
            return Ok(here);
        }
        self.note(next, None)?;
        Ok(Generations { database: next, file: next, journal })
    }

    /// A store from before there were generations: what it knows goes into the journal as one act.
    fn begin(&self, here: Generations) -> Result<Generations, StoreError> {
        let (changes, since) = self.read(|tx| {
            let list = suppression::rows(tx, None)?;
            let since = list.iter().map(|r| r.created.clone()).max().unwrap_or_default();
            let mut changes: Vec<Change> = list.iter().map(Change::add).collect();
            changes.extend(ended(tx)?.into_iter().map(|(case, state, subject)| Change::Ended { case, state, subject }));
            Ok::<_, StoreError>((changes, since))
        })?;
        if changes.is_empty() {
            return Ok(here);
        }
        let at = chrono::DateTime::parse_from_rfc3339(&since).map_or(chrono::DateTime::UNIX_EPOCH, |t| t.to_utc());
        let act = Act { actor: "efface", at };
        self.note(0, Some(1))?;
        self.journal().append(1, &act, &changes)?;
        self.write(|tx| set_database(tx, 1))?;
        self.note(1, None)?;
        Ok(Generations { database: 1, file: 1, journal: 1 })
    }

    /// Runs `f`, which says what it changed, in one transaction that the journal and the file beside the key file go along
    /// with. Without changes neither is touched.
    ///
    /// # Errors
    /// What `f` says; [`StoreError::Restored`] where the numbers disagree, so that nothing is built on a list with gaps.
    pub(super) fn change<T>(
        &self,
        act: &Act<'_>,
        f: impl FnOnce(&Transaction<'_>) -> Result<(T, Vec<Change>), StoreError>,
    ) -> Result<T, StoreError> {
        let _lock = self.lock()?;
        let here = self.settle()?;
        let mut reached = None;
        let out = self.write(|tx| {
            let (out, changes) = f(tx)?;
            if changes.is_empty() {
                return Ok(out);
            }
            if !here.agree() {
                return Err(StoreError::Restored(here));
            }
            let next = here.database + 1;
            self.note(here.file, Some(next))?;
            // Last of all before the commit: what stands in the journal is done.
            set_database(tx, next)?;
            self.journal().append(next, act, &changes)?;
            reached = Some(next);
            Ok(out)
        })?;
        if let Some(next) = reached {
            self.note(next, None)?;
        }
        Ok(out)
    }

    /// What a replay would do to the database, from the journal; changes nothing.
    ///
    /// # Errors
    /// When the journal is damaged or cannot be read.
    pub fn replay_outlook(&self) -> Result<Outlook, StoreError> {
        let _lock = self.lock()?;
        let here = self.settle()?;
        let (groups, _) = self.journal().read()?;
        self.read(|tx| outlook(tx, here, &groups))
    }

    /// Gives the database back what the journal knows: entries, removals, the end of cases. The numbers still disagree until
    /// [`Store::replay_settle`] says that the places were looked through too. May be repeated.
    ///
    /// # Errors
    /// When the journal is damaged, or the database refuses.
    pub fn replay_apply(&self, act: &Act<'_>) -> Result<Outlook, StoreError> {
        let _lock = self.lock()?;
        let here = self.settle()?;
        let (groups, _) = self.journal().read()?;
        let done = self.write(|tx| {
            let out = outlook(tx, here, &groups)?;
            for r in &out.add {
                suppression::insert(tx, r)?;
            }
            for r in &out.remove {
                suppression::delete(tx, &r.hash, &r.case)?;
                suppression::forget_request(tx, &r.case)?;
            }
            for (case, state, subject) in &out.end {
                end(tx, act, case, *state, subject)?;
            }
            if !out.is_whole() {
                let detail =
                    json!({ "added": out.add.len(), "removed": out.remove.len(), "cases_ended": out.end.len() });
                append(tx, act, "suppression.replayed", None, detail)?;
            }
            Ok::<_, StoreError>(out)
        })?;
        self.checkpoint()?;
        self.sweep_caches()?;
        Ok(done)
    }

    /// Ends a replay: the journal gets what it lacks, and the three numbers agree again. `detail` says what was found.
    ///
    /// # Errors
    /// When the database still lacks something, or one of the three cannot be written.
    pub fn replay_settle(&self, act: &Act<'_>, detail: Value) -> Result<Generations, StoreError> {
        let _lock = self.lock()?;
        let here = self.settle()?;
        if here.agree() {
            self.audit(act, "case.replayed", None, detail)?;
            return Ok(here);
        }
        let (groups, _) = self.journal().read()?;
        let next = here.newest() + 1;
        self.write(|tx| {
            let out = outlook(tx, here, &groups)?;
            if !out.is_whole() {
                return Err(StoreError::Restored(here));
            }
            let mut changes: Vec<Change> = out.journal.iter().map(Change::add).collect();
            changes.push(Change::Replayed);
            append(tx, act, "case.replayed", None, detail)?;
            set_database(tx, next)?;
            self.note(here.file, Some(next))?;
            self.journal().append(next, act, &changes)
        })?;
        self.note(next, None)?;
        Ok(Generations { database: next, file: next, journal: next })
    }
}

fn database(tx: &Transaction<'_>) -> Result<u64, StoreError> {
    let text: Option<String> =
        tx.query_row("SELECT value FROM meta WHERE name = ?1", [NAME], |r| r.get(0)).optional()?;
    text.map_or(Ok(0), |t| t.parse().map_err(|_| StoreError::Damaged("meta")))
}

fn set_database(tx: &Transaction<'_>, generation: u64) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (NAME, generation.to_string()),
    )?;
    Ok(())
}

/// The cases that have ended, with their subjects' pseudonyms.
fn ended(tx: &Transaction<'_>) -> Result<Vec<(CaseId, CaseState, String)>, StoreError> {
    let damaged = || StoreError::Damaged("cases");
    let mut q = tx.prepare("SELECT id, state, pseudonym FROM cases ORDER BY id")?;
    let mut rows = q.query([])?;
    let mut out = Vec::new();
    while let Some(r) = rows.next()? {
        let state: CaseState = serde_json::from_value(Value::String(r.get(1)?)).map_err(|_| damaged())?;
        if state.has_ended() {
            out.push((r.get::<_, String>(0)?.parse().map_err(|_| damaged())?, state, r.get(2)?));
        }
    }
    Ok(out)
}

/// Carries out an act that the journal has and the database has not.
fn redo(tx: &Transaction<'_>, group: &Group) -> Result<(), StoreError> {
    let at = group.at.parse().map_err(|_| StoreError::Damaged("suppression"))?;
    let act = Act { actor: &group.actor, at };
    for change in &group.changes {
        match change {
            Change::Add { .. } => {
                let row = change.row().ok_or(StoreError::Damaged("suppression"))?;
                suppression::insert(tx, &row)?;
            }
            Change::Remove { hash, case } => {
                let hash = bytes(hash).ok_or(StoreError::Damaged("suppression"))?;
                suppression::delete(tx, &hash, case)?;
                suppression::forget_request(tx, case)?;
            }
            Change::Ended { case, state, subject } => end(tx, &act, case, *state, subject)?,
            Change::Replayed => {}
        }
    }
    let detail = json!({ "generation": group.generation, "changes": group.changes.len() });
    append(tx, &act, "suppression.recovered", None, detail)?;
    set_database(tx, group.generation)
}

/// Ends a case again whose end the database has forgotten, and what the register knows of the subject of a closed one.
fn end(tx: &Transaction<'_>, act: &Act<'_>, case: &CaseId, state: CaseState, subject: &str) -> Result<(), StoreError> {
    let is: Option<String> =
        tx.query_row("SELECT state FROM cases WHERE id = ?1", [case.as_str()], |r| r.get(0)).optional()?;
    if is.is_some_and(|is| is != state.as_str()) {
        cases::end(tx, act, case, state, json!({ "recovered": true }))?;
    }
    if state == CaseState::Closed {
        tx.execute("DELETE FROM subjects WHERE pseudonym = ?1", [subject])?;
    }
    Ok(())
}

fn outlook(tx: &Transaction<'_>, here: Generations, groups: &[Group]) -> Result<Outlook, StoreError> {
    let mut list: BTreeMap<([u8; 32], String), SuppressionRow> =
        suppression::rows(tx, None)?.into_iter().map(|r| ((r.hash, r.case.as_str().to_owned()), r)).collect();
    // What was decided last about each entry, and in which generation.
    let mut last = BTreeMap::new();
    let mut out = Outlook::default();
    for group in groups {
        for change in &group.changes {
            match change {
                Change::Add { .. } => {
                    let row = change.row().ok_or(StoreError::Damaged("suppression"))?;
                    last.insert((row.hash, row.case.as_str().to_owned()), (group.generation, Some(row)));
                }
                Change::Remove { hash, case } => {
                    let hash = bytes(hash).ok_or(StoreError::Damaged("suppression"))?;
                    last.insert((hash, case.as_str().to_owned()), (group.generation, None));
                }
                Change::Ended { case, state, subject } if group.generation > here.database => {
                    let is: Option<String> = tx
                        .query_row("SELECT state FROM cases WHERE id = ?1", [case.as_str()], |r| r.get(0))
                        .optional()?;
                    let registered: bool =
                        tx.query_row("SELECT EXISTS (SELECT 1 FROM subjects WHERE pseudonym = ?1)", [subject], |r| {
                            r.get(0)
                        })?;
                    if is.is_some_and(|is| is != state.as_str()) || (*state == CaseState::Closed && registered) {
                        out.end.push((case.clone(), *state, subject.clone()));
                    }
                }
                Change::Ended { .. } | Change::Replayed => {}
            }
        }
    }
    for (key, (generation, row)) in &last {
        match (row, list.contains_key(key)) {
            // A journal that is older than the database cannot tell what was lost from what was removed since.
            (Some(row), false) if *generation > here.database || here.journal >= here.database => {
                out.add.push(row.clone());
            }
            (None, true) if *generation > here.database => out.remove.extend(list.get(key).cloned()),
            _ => {}
        }
    }
    for r in &out.remove {
        list.remove(&(r.hash, r.case.as_str().to_owned()));
    }
    let unknown = list.iter().filter(|(key, _)| last.get(key).is_none_or(|(_, row)| row.is_none()));
    out.journal = unknown.map(|(_, r)| r.clone()).collect();
    out.list = list.into_values().chain(out.add.iter().cloned()).collect();
    Ok(out)
}

#[cfg(test)]
#[path = "generation_tests.rs"]
mod tests;

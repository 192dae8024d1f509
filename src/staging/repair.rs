//! Repair: the folders brought back in line with the store after an interruption at any instruction.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{self, Read},
    path::PathBuf,
};

use ulid::Ulid;

use super::{Staging, StagingError, State, TEMP_PREFIX, sealed::Header};
use crate::{
    fs::{remove_durably, rename_durably},
    store::{StagedKind, StagedRow, StagedState},
};

/// What a repair did and found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RepairReport {
    /// Files that were complete but not yet committed as such.
    pub completed: usize,
    /// Rows whose file had not got there; what they said is exported again.
    pub discarded: usize,
    /// Files that lay in the wrong folder.
    pub moved: usize,
    /// Files whose rewriting or erasure was finished.
    pub finished: usize,
    /// Temporary files removed.
    pub temporary: usize,
    /// Files that the store knows and the folder does not have, by id.
    pub missing: Vec<Ulid>,
    /// Files whose header cannot be read, by id; they are left for a person to look at.
    pub damaged: Vec<Ulid>,
    /// Files with one of our names that the store does not know, by name.
    pub orphans: Vec<String>,
    /// Other files; their names may be a person's, so they are only counted.
    pub strangers: usize,
}

impl RepairReport {
    /// Whether there was nothing to do and nothing to report.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        *self == Self::default()
    }
}

type Found = BTreeMap<(Ulid, StagedKind), Vec<PathBuf>>;

pub(super) fn repair(staging: &Staging) -> Result<RepairReport, StagingError> {
    let mut report = RepairReport::default();
    let mut found = walk(staging, &mut report)?;
    let rows = staging.store.staged_list(&staging.sync)?;
    let rewriting = staging.store.staged_rewriting(&staging.sync)?;
    let messages: BTreeSet<Ulid> = rows
        .iter()
        .filter(|r| r.kind == StagedKind::Message && r.state != StagedState::Erasing)
        .map(|r| r.id)
        .collect();
    // Messages first: a blob whose message is discarded goes with it.
    for row in rows.iter().filter(|r| r.kind == StagedKind::Message) {
        let files = found.remove(&(row.id, row.kind)).unwrap_or_default();
        one(staging, row, &files, &rewriting, &mut report)?;
    }
    for row in rows.iter().filter(|r| r.kind == StagedKind::Blob) {
        let files = found.remove(&(row.id, row.kind)).unwrap_or_default();
        // Blobs are written before their message: without it, the export was interrupted and starts anew.
        if row.owner.is_none_or(|o| !messages.contains(&o)) && row.state != StagedState::Erasing {
            staging.erase_any(row.id)?;
            report.discarded += 1;
        } else if staging.store.staged_get(row.id)?.is_some() {
            one(staging, row, &files, &rewriting, &mut report)?;
        }
    }
    for ((id, kind), _) in found {
        report.orphans.push(format!("{id}.{}", kind.as_str()));
    }
    Ok(report)
}

fn walk(staging: &Staging, report: &mut RepairReport) -> Result<Found, StagingError> {
    let mut found = Found::new();
    for state in State::ALL {
        let folder = staging.dir.join(state.as_str());
        let fail = |e| super::folder_error(&folder, e);
        for entry in std::fs::read_dir(&folder).map_err(fail)? {
            let path = entry.map_err(fail)?.path();
            let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
            if name.starts_with(TEMP_PREFIX) {
                remove_durably(&path).map_err(fail)?;
                report.temporary += 1;
                continue;
            }
            let parsed = name.split_once('.').and_then(|(id, ext)| {
                let kind = [StagedKind::Message, StagedKind::Blob].into_iter().find(|k| k.as_str() == ext)?;
                Some((Ulid::from_string(id).ok()?, kind))
            });
            match parsed {
                Some(key) => found.entry(key).or_default().push(path),
                None => report.strangers += 1,
            }
        }
    }
    Ok(found)
}

fn one(
    staging: &Staging,
    row: &StagedRow,
    files: &[PathBuf],
    rewriting: &[Ulid],
    report: &mut RepairReport,
) -> Result<(), StagingError> {
    match row.state {
        StagedState::Erasing => {
            staging.unlink(row.id, row.kind)?;
            staging.store.staged_forget(row.id)?;
            report.finished += 1;
            Ok(())
        }
        StagedState::Writing => {
            // Renames come after the fsync, so a file with its final name is complete; it is opened all the same.
            let complete = !files.is_empty()
                && staging.open_file(row.id).is_ok_and(|mut r| io::copy(&mut r.by_ref(), &mut io::sink()).is_ok());
            if complete {
                place(staging, row, State::New, files, report)?;
                let size = size_in_clear(staging, row.id)?;
                staging.store.staged_ready(row.id, size, parts(staging, row).as_deref())?;
                report.completed += 1;
            } else {
                staging.erase_any(row.id)?;
                report.discarded += 1;
            }
            Ok(())
        }
        StagedState::New | StagedState::Processed | StagedState::Parked | StagedState::Missing => {
            settled(staging, row, files, rewriting.contains(&row.id), report)
        }
    }
}

fn settled(
    staging: &Staging,
    row: &StagedRow,
    files: &[PathBuf],
    rewriting: bool,
    report: &mut RepairReport,
) -> Result<(), StagingError> {
    let state = State::of(row.state).unwrap_or(State::New);
    if files.is_empty() {
        report.missing.push(row.id);
        // What had been imported stays listed as missing (the folder may only not be mounted); what had not is exported
        // again, which needs its row out of the way.
        if state != State::Processed {
            staging.erase_any(row.id)?;
        }
        return Ok(());
    }
    place(staging, row, state, files, report)?;
    // What was imported and is not being rewritten is not opened: there may be very many of them.
    if state == State::Processed && !rewriting {
        return Ok(());
    }
    let path = staging.path(row.id, row.kind, state);
    // One damaged file must not stop the others: reading it fails by itself, and says so.
    let Ok(header) = File::open(path).and_then(|mut f| Header::read(&mut f)) else {
        report.damaged.push(row.id);
        return Ok(());
    };
    let known = staging.store.staged_key(row.id, header.key_id())?.is_some();
    if known && (rewriting || header.key_id() != row.key_id) {
        let size = size_in_clear(staging, row.id)?;
        staging.store.staged_settle_key(row.id, header.key_id(), size, parts(staging, row).as_deref())?;
        staging.store.checkpoint()?;
        report.finished += 1;
    }
    Ok(())
}

/// What is indexed of a message; of one that cannot be read, and of a blob, nothing is noted anew.
fn parts(staging: &Staging, row: &StagedRow) -> Option<Vec<crate::trace::Part>> {
    let is_message = row.kind == StagedKind::Message;
    let message = is_message.then(|| staging.message(super::MessageId(row.id)).ok()).flatten()?;
    Some(staging.parts(&message))
}

fn size_in_clear(staging: &Staging, id: Ulid) -> Result<u64, StagingError> {
    io::copy(&mut staging.open_file(id)?, &mut io::sink())
        .map_err(|source| StagingError::Io { file: id.to_string(), source })
}

/// Leaves exactly one file, in the folder of `state`.
fn place(
    staging: &Staging,
    row: &StagedRow,
    state: State,
    files: &[PathBuf],
    report: &mut RepairReport,
) -> Result<(), StagingError> {
    let right = staging.path(row.id, row.kind, state);
    let fail = |source| StagingError::Io { file: row.id.to_string(), source };
    for (i, file) in files.iter().filter(|f| **f != right).enumerate() {
        if i == 0 && !files.contains(&right) {
            rename_durably(file, &right).map_err(fail)?;
        } else {
            remove_durably(file).map_err(fail)?;
        }
        report.moved += 1;
    }
    Ok(())
}

//! The suppression journal: what was decided about the suppression list and about the end of cases, in a file outside the
//! database, so that a database that was put back from a backup gets its entries back.
//!
//! Owns the file's form: a head, then one line a change, each with a keyed hash over itself and the line before, so that a
//! line that was changed, taken out or put elsewhere shows. The lines of one act end with one that says so; what stands
//! behind the last such line was cut off while it was written, and counts as not written. Holds keyed hashes, kinds, scopes,
//! cases and times, never a value. Knows no table.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{Act, CaseState, StoreError, SuppressionRow, suppression::stamp};
use crate::{
    fs::sync_dir,
    keys::{Keys, Purpose},
    model::CaseId,
};

const FORMAT: &str = "efface.journal/1";

/// What is read of the end of a journal to learn where it stands, in bytes.
const TAIL: u64 = 64 << 10;

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub(super) enum Change {
    /// An entry came onto the list.
    Add {
        /// Its keyed hash, hexadecimal.
        hash: String,
        /// The identifier's kind.
        kind: String,
        /// The instance, or `*`.
        scope: String,
        /// The case.
        case: CaseId,
        /// Which normalisation.
        norm: String,
        /// How many words.
        words: u32,
        /// Since when, RFC 3339.
        since: String,
        /// Until when, RFC 3339.
        until: Option<String>,
    },
    /// An entry left the list.
    Remove {
        /// Its keyed hash, hexadecimal.
        hash: String,
        /// The case.
        case: CaseId,
    },
    /// A case ended, and its identifiers were destroyed.
    Ended {
        /// The case.
        case: CaseId,
        /// How.
        state: CaseState,
        /// The subject's pseudonym, for what the register knows.
        subject: String,
    },
    /// A replay made the journal and the database agree again.
    Replayed,
}

impl Change {
    pub(super) fn add(r: &SuppressionRow) -> Self {
        Self::Add {
            hash: hex::encode(r.hash),
            kind: r.kind.clone(),
            scope: r.scope.clone(),
            case: r.case.clone(),
            norm: r.norm.clone(),
            words: r.words,
            since: r.created.clone(),
            until: r.until.map(stamp),
        }
    }

    pub(super) fn remove(r: &SuppressionRow) -> Self {
        Self::Remove { hash: hex::encode(r.hash), case: r.case.clone() }
    }

    /// The entry that an addition put onto the list.
    pub(super) fn row(&self) -> Option<SuppressionRow> {
        let Self::Add { hash, kind, scope, case, norm, words, since, until } = self else { return None };
        Some(SuppressionRow {
            hash: bytes(hash)?,
            kind: kind.clone(),
            scope: scope.clone(),
            case: case.clone(),
            norm: norm.clone(),
            words: *words,
            created: since.clone(),
            until: until.as_ref().map(|u| u.parse()).transpose().ok()?,
        })
    }
}

/// A hash from its hexadecimal form.
pub(super) fn bytes(hash: &str) -> Option<[u8; 32]> {
    let mut out = [0u8; 32];
    hex::decode_to_slice(hash, &mut out).ok()?;
    Some(out)
}

/// The changes of one act, which count together or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    /// The generation that they lead to.
    pub(super) generation: u64,
    /// Who acted.
    pub(super) actor: String,
    /// When, RFC 3339.
    pub(super) at: String,
    /// What was changed.
    pub(super) changes: Vec<Change>,
}

#[derive(Serialize, Deserialize)]
struct Line {
    generation: u64,
    actor: String,
    at: String,
    #[serde(flatten)]
    change: Change,
    /// Whether the act ends with this line.
    last: bool,
}

/// Where a journal stands: what an append goes on from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct End {
    /// The generation of its last complete act; 0 where there is none.
    pub(super) generation: u64,
    /// Bytes up to the end of that act.
    offset: u64,
    /// The keyed hash of that act's last line.
    mac: String,
}

/// The journal of one installation.
#[derive(Debug)]
pub(super) struct Journal<'a> {
    path: &'a Path,
    keys: &'a Keys,
}

impl<'a> Journal<'a> {
    pub(super) const fn new(path: &'a Path, keys: &'a Keys) -> Self {
        Self { path, keys }
    }

    fn head(&self) -> String {
        format!("{FORMAT} {}\n", self.keys.id())
    }

    fn fail(&self, source: &io::Error) -> StoreError {
        self.damaged(format!("it cannot be used: {source}"))
    }

    fn damaged(&self, what: String) -> StoreError {
        StoreError::Journal { path: self.path.to_owned(), what }
    }

    fn mac(&self, before: &str, body: &str) -> String {
        let hash = self.keys.keyed_hash(Purpose::Journal, &[before.as_bytes(), body.as_bytes()]);
        hex::encode(&hash[..16])
    }

    fn open(&self) -> Result<Option<File>, StoreError> {
        let mut file = match File::open(self.path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file.map_err(|e| self.fail(&e))?,
        };
        let mut head = Vec::new();
        Read::by_ref(&mut file).take(self.head().len() as u64).read_to_end(&mut head).map_err(|e| self.fail(&e))?;
        // A head that was cut off stands in front of nothing.
        if head == self.head().as_bytes() {
            Ok(Some(file))
        } else if self.head().as_bytes().starts_with(&head) {
            Ok(None)
        } else {
            Err(self.damaged("it belongs to another key file, or is no journal; move it aside".into()))
        }
    }

    const fn none() -> End {
        End { generation: 0, offset: 0, mac: String::new() }
    }

    /// Where it stands, by its last lines alone.
    ///
    /// # Errors
    /// When it cannot be read, or its last lines are damaged beyond what an interruption leaves.
    pub(super) fn end(&self) -> Result<End, StoreError> {
        let Some(mut file) = self.open()? else { return Ok(Self::none()) };
        let head = self.head().len() as u64;
        let length = file.metadata().map_err(|e| self.fail(&e))?.len();
        let from = length.saturating_sub(TAIL).max(head);
        let mut tail = Vec::new();
        file.seek(SeekFrom::Start(from)).map_err(|e| self.fail(&e))?;
        file.read_to_end(&mut tail).map_err(|e| self.fail(&e))?;
        // A window that begins inside a line: that line is left out.
        let skip = if from == head { 0 } else { tail.iter().position(|&b| b == b'\n').map_or(tail.len(), |i| i + 1) };
        let mut found = None;
        let mut offset = from + skip as u64;
        for line in tail[skip..].split_inclusive(|&b| b == b'\n') {
            let end = offset + line.len() as u64;
            match parse(line) {
                Some((mac, body)) if body.last => found = Some(End { generation: body.generation, offset: end, mac }),
                Some(_) => {}
                // Only the very last line may be one that was cut off.
                None if end == length => {}
                None => return Err(self.damaged(format!("the line at byte {offset} cannot be read"))),
            }
            offset = end;
        }
        match found {
            Some(end) => Ok(end),
            None if from == head => Ok(Self::none()),
            // One act that is longer than the window.
            None => Ok(self.read()?.1),
        }
    }

    /// All complete acts, each line held against the one before.
    ///
    /// # Errors
    /// When it cannot be read, or a line was changed, taken out or put elsewhere.
    pub(super) fn read(&self) -> Result<(Vec<Group>, End), StoreError> {
        let mut end = Self::none();
        let mut groups = Vec::new();
        let Some(mut file) = self.open()? else { return Ok((groups, end)) };
        let mut all = Vec::new();
        file.read_to_end(&mut all).map_err(|e| self.fail(&e))?;
        let (mut mac, mut offset) = (String::new(), self.head().len() as u64);
        let length = offset + all.len() as u64;
        let mut changes = Vec::new();
        for (n, line) in all.split_inclusive(|&b| b == b'\n').enumerate() {
            offset += line.len() as u64;
            let whole = parse(line).filter(|(own, _)| *own == self.mac(&mac, text_of(line)));
            let Some((own, line)) = whole else {
                if offset == length {
                    break;
                }
                let what = format!("line {} was changed, or what stood before it was taken out", n + 2);
                return Err(self.damaged(what));
            };
            mac = own;
            changes.push(line.change);
            if line.last {
                end = End { generation: line.generation, offset, mac: mac.clone() };
                let changes = std::mem::take(&mut changes);
                groups.push(Group { generation: line.generation, actor: line.actor, at: line.at, changes });
            }
        }
        Ok((groups, end))
    }

    /// Writes the changes of one act behind what is there; when this returns they are durable. What an interruption left of
    /// an earlier act is cut off first.
    ///
    /// # Errors
    /// When the file cannot be written, or its end is damaged.
    pub(super) fn append(&self, generation: u64, act: &Act<'_>, changes: &[Change]) -> Result<(), StoreError> {
        let End { offset, mut mac, .. } = self.end()?;
        let (mut text, mut offset) = (String::new(), offset);
        if offset == 0 {
            let there = self.open()?.is_some();
            text = if there { String::new() } else { self.head() };
            offset = if there { self.head().len() as u64 } else { 0 };
        }
        for (i, change) in changes.iter().enumerate() {
            let line = Line {
                generation,
                actor: act.actor.to_owned(),
                at: stamp(act.at),
                change: change.clone(),
                last: i + 1 == changes.len(),
            };
            let body = serde_json::to_string(&line).map_err(|_| StoreError::Damaged("suppression"))?;
            mac = self.mac(&mac, &body);
            text.push_str(&format!("{mac} {body}\n"));
        }
        let write = || {
            let mut file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(self.path)?;
            file.set_len(offset)?;
            file.seek(SeekFrom::Start(offset))?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            sync_dir(self.path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or_else(|| Path::new(".")))
        };
        write().map_err(|e| self.fail(&e))
    }
}

/// The body of a line, which its keyed hash is over.
fn text_of(line: &[u8]) -> &str {
    let line = std::str::from_utf8(line).unwrap_or_default();
    line.trim_end_matches('\n').split_once(' ').map_or("", |(_, body)| body)
}

fn parse(line: &[u8]) -> Option<(String, Line)> {
    let text = std::str::from_utf8(line).ok()?.strip_suffix('\n')?;
    let (mac, body) = text.split_once(' ')?;
    Some((mac.to_owned(), serde_json::from_str(body).ok()?))
}

/// The journal's place where the configuration names none.
pub(super) fn default_path(state: &Path) -> PathBuf {
    state.join("suppression.journal")
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn keys() -> (tempfile::TempDir, Keys) {
        let dir = tempfile::tempdir().unwrap();
        let keys = Keys::create(dir.path()).unwrap();
        (dir, keys)
    }

    fn changes(n: u8) -> Vec<Change> {
        let case: CaseId = "C-01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();
        (0..n).map(|i| Change::Remove { hash: hex::encode([i; 32]), case: case.clone() }).collect()
    }

    const ACT: Act<'_> = Act { actor: "dpo", at: DateTime::UNIX_EPOCH };

    #[test]
    fn what_was_cut_off_counts_as_not_written_and_all_else_as_damage() {
        let (dir, keys) = keys();
        let path = default_path(dir.path());
        let journal = Journal::new(&path, &keys);
        assert_eq!(journal.end().unwrap().generation, 0);
        journal.append(1, &ACT, &changes(2)).unwrap();
        let one = std::fs::read(&path).unwrap();
        journal.append(2, &ACT, &changes(3)).unwrap();
        let two = std::fs::read(&path).unwrap();
        for length in 0..=two.len() {
            std::fs::write(&path, &two[..length]).unwrap();
            let generation = if length == two.len() { 2 } else { u64::from(length >= one.len()) };
            assert_eq!(journal.end().unwrap().generation, generation, "cut at {length}");
            let (groups, end) = journal.read().unwrap();
            assert_eq!((groups.len() as u64, end), (generation, journal.end().unwrap()), "cut at {length}");
            // And the next act goes on behind what is whole.
            journal.append(9, &ACT, &changes(1)).unwrap();
            let (groups, _) = journal.read().unwrap();
            assert_eq!(groups.len() as u64, generation + 1, "cut at {length}");
            assert_eq!(groups.last().unwrap().generation, 9);
        }
        let last = two[..two.len() - 1].iter().rposition(|&b| b == b'\n').unwrap();
        for i in 0..last {
            let mut broken = two.clone();
            broken[i] ^= 1;
            std::fs::write(&path, &broken).unwrap();
            assert!(matches!(journal.read(), Err(StoreError::Journal { .. })), "byte {i}");
        }
        // A line that was taken out of the middle.
        let lines: Vec<&[u8]> = two.split_inclusive(|&b| b == b'\n').collect();
        std::fs::write(&path, [&lines[..2], &lines[3..]].concat().concat()).unwrap();
        assert!(matches!(journal.read(), Err(StoreError::Journal { .. })));
    }

    #[test]
    fn an_act_longer_than_the_window_is_found() {
        let (dir, keys) = keys();
        let path = default_path(dir.path());
        let journal = Journal::new(&path, &keys);
        for (generation, count) in [(1, 200), (2, 250), (3, 1)] {
            let many: Vec<Change> = (0..5).flat_map(|_| changes(count)).collect();
            journal.append(generation, &ACT, &many).unwrap();
            assert_eq!(journal.end().unwrap(), journal.read().unwrap().1);
            assert_eq!(journal.end().unwrap().generation, generation);
        }
        let other = tempfile::tempdir().unwrap();
        let other = Keys::create(other.path()).unwrap();
        assert!(matches!(Journal::new(&path, &other).end(), Err(StoreError::Journal { .. })));
    }
}

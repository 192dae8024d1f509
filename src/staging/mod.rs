//! The staging area in the Jira home folder: `<root>/<sync>/{new,processed,parked,missing}/<ULID>.{msg,att}`.
//!
//! Owns those folders and the order of every write: commit the key, fsync the file, rename, fsync the folder, commit the
//! state; and of an erasure: destroy the keys, then unlink. The store is the truth; the folders are a projection that
//! [`Staging::repair`] restores. Knows no Jira and no person.
//!
//! Whoever changes something takes [`Staging::lock`] first; readers need no lock.

mod message;
mod relations;
mod repair;
mod sealed;

use std::{
    fs::{DirBuilder, File},
    io::{self, Read, Write},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    time::Duration,
};

use tempfile::NamedTempFile;
use ulid::Ulid;

use self::sealed::{Header, SealedReader, SealedWriter};
pub use self::{
    message::{BlobId, Changed, IssueRef, Lost, Message, MessageId, MessageKind, SCHEMA, SourceRef, StagedAttachment},
    relations::Relations,
    repair::RepairReport,
};
use crate::{
    fs::{Lock, LockError, remove_durably, rename_durably, sync_dir},
    keys::DataKey,
    model::SyncName,
    store::{Parking, StagedKind, StagedRow, StagedState, Store, StoreError},
    trace::Part,
};

/// Why the staging area cannot be used. No variant carries content.
#[derive(Debug, thiserror::Error)]
pub enum StagingError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Another process is at work.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The operating system says no, or a file does not open.
    #[error("staging file {file}: {source}")]
    Io {
        /// The file or folder: a ULID or a folder's path, never a person's name.
        file: String,
        /// Why.
        source: io::Error,
    },
    /// The store has no such file.
    #[error("there is no staged file {0}")]
    Unknown(Ulid),
    /// Its keys are destroyed.
    #[error("the staged file {0} was erased")]
    Erased(Ulid),
    /// The text is not a ULID.
    #[error("not the id of a staged file")]
    NotAnId,
    /// The content is not a message.
    #[error("a staged message is damaged: {0}")]
    Format(String),
}

/// Where a message stands: the folder it lies in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Waits to be imported.
    New,
    /// Was imported.
    Processed,
    /// Could not be imported; waits for a retry.
    Parked,
    /// Waits for another issue to be carried over.
    Missing,
}

impl State {
    /// All states.
    pub const ALL: [Self; 4] = [Self::New, Self::Processed, Self::Parked, Self::Missing];

    /// The folder's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Processed => "processed",
            Self::Parked => "parked",
            Self::Missing => "missing",
        }
    }

    pub(crate) const fn of(state: StagedState) -> Option<Self> {
        match state {
            StagedState::New => Some(Self::New),
            StagedState::Processed => Some(Self::Processed),
            StagedState::Parked => Some(Self::Parked),
            StagedState::Missing => Some(Self::Missing),
            StagedState::Writing | StagedState::Erasing => None,
        }
    }

    const fn stored(self) -> StagedState {
        match self {
            Self::New => StagedState::New,
            Self::Processed => StagedState::Processed,
            Self::Parked => StagedState::Parked,
            Self::Missing => StagedState::Missing,
        }
    }
}

/// A message as [`Staging::list`] shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its id.
    pub id: MessageId,
    /// Where it stands.
    pub state: State,
    /// The source issue.
    pub issue: IssueRef,
    /// Which change of that issue.
    pub sequence: u64,
    /// Bytes in clear.
    pub size: u64,
    /// When it was staged, RFC 3339.
    pub created: String,
    /// How often the import was tried.
    pub attempts: u32,
    /// Why it is parked: kind and hint.
    pub error: Option<(String, String)>,
    /// Since when it is in its state, RFC 3339; not known of what an older efface staged.
    pub since: Option<String>,
    /// When it is tried again by itself, RFC 3339; `None` where it waits for a person, or for what stands before it.
    pub next_try: Option<String>,
}

/// A blob as [`Staging::list_blobs`] shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobEntry {
    /// Its id.
    pub id: BlobId,
    /// The message that refers to it.
    pub message: MessageId,
    /// Where it stands.
    pub state: State,
    /// The source issue.
    pub issue: IssueRef,
    /// Bytes in clear.
    pub size: u64,
    /// When it was staged, RFC 3339.
    pub created: String,
}

/// The staging area of one synchronization.
#[derive(Debug, Clone)]
pub struct Staging {
    dir: PathBuf,
    sync: SyncName,
    store: Store,
}

pub(crate) const TEMP_PREFIX: &str = ".efface-tmp-";

impl Staging {
    /// Opens the staging area of `sync` below `root`, making its folders (mode 0700) where they are missing.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn open(root: &Path, sync: &SyncName, store: &Store) -> Result<Self, StagingError> {
        let dir = root.join(sync.as_str());
        for state in State::ALL {
            let folder = dir.join(state.as_str());
            DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(|e| folder_error(&folder, e))?;
        }
        sync_dir(&dir).map_err(|e| folder_error(&dir, e))?;
        Ok(Self { dir, sync: sync.clone(), store: store.clone() })
    }

    /// The synchronization.
    #[must_use]
    pub const fn sync(&self) -> &SyncName {
        &self.sync
    }

    /// The folder that holds the states' folders.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Takes the synchronization's lock, waiting at most `patience`.
    ///
    /// # Errors
    /// [`LockError::Held`] when another process has it all that time.
    pub fn lock(&self, patience: Duration) -> Result<Lock, StagingError> {
        Ok(Lock::acquire(&self.dir.join(".lock"), patience)?)
    }

    /// Stages a message; when this returns it is durable and in state `new`.
    ///
    /// # Errors
    /// What the operating system or the store says; [`Staging::repair`] then tidies up.
    pub fn put(&self, message: &Message) -> Result<MessageId, StagingError> {
        let size = self.put_file(message)?;
        self.store.staged_ready(message.id.0, size, Some(&self.parts(message)))?;
        Ok(message.id)
    }

    /// As [`Staging::put`], and remembers in the same commit that `hash` is what was last exported of the issue.
    ///
    /// # Errors
    /// As [`Staging::put`].
    pub fn put_exported(&self, message: &Message, hash: &[u8]) -> Result<MessageId, StagingError> {
        let size = self.put_file(message)?;
        self.store.staged_ready_exported(message.id.0, size, hash, &self.parts(message))?;
        Ok(message.id)
    }

    /// What of a message goes into the index of where a person's data went.
    fn parts(&self, message: &Message) -> Vec<Part> {
        let attachments = message.attachments.iter().map(|a| &a.meta);
        // Of a link only ids and the type are there.
        let others = message.relations.parts().filter(|(part, _)| !part.starts_with("issuelink/"));
        crate::trace::parts(self.store.keys(), &message.fields, &message.comments, attachments, others)
    }

    fn put_file(&self, message: &Message) -> Result<u64, StagingError> {
        let bytes = message.to_bytes()?;
        let (row, key) = self.begin(
            StagedKind::Message,
            message.id.0,
            None,
            &message.issue,
            message.sequence,
            &message.exported_at,
            bytes.len() as u64,
        )?;
        self.write_file(&row, row.key_id, &key, State::New, &bytes)?;
        Ok(bytes.len() as u64)
    }

    /// Starts a blob for `message`, which may not be staged yet; what is written is sealed on its way to the disk.
    ///
    /// # Errors
    /// What the operating system or the store says.
    pub fn blob_writer(
        &self,
        message: MessageId,
        issue: &IssueRef,
        sequence: u64,
        created: &str,
    ) -> Result<BlobWriter, StagingError> {
        let id = Ulid::generate();
        let (row, key) = self.begin(StagedKind::Blob, id, Some(message.0), issue, sequence, created, 0)?;
        let fail = |source| StagingError::Io { file: id.to_string(), source };
        let temp = self.temp(State::New).map_err(fail)?;
        let writer = SealedWriter::new(io::BufWriter::new(temp), &key, row.key_id, &context(&row)).map_err(fail)?;
        Ok(BlobWriter { staging: self.clone(), id, writer })
    }

    /// All messages, in the order in which they were staged.
    ///
    /// # Errors
    /// What the store says.
    pub fn list(&self) -> Result<Vec<Entry>, StagingError> {
        let rows = self.store.staged_list(&self.sync)?;
        Ok(rows
            .into_iter()
            .filter(|r| r.kind == StagedKind::Message)
            .filter_map(|r| {
                Some(Entry {
                    id: MessageId(r.id),
                    state: State::of(r.state)?,
                    issue: IssueRef { id: r.issue_id, key: r.issue_key },
                    sequence: r.sequence,
                    size: r.size,
                    created: r.created,
                    attempts: r.attempts,
                    error: r.error_kind.map(|k| (k, r.error_hint.unwrap_or_default())),
                    since: r.since,
                    next_try: r.next_try,
                })
            })
            .collect())
    }

    /// All blobs.
    ///
    /// # Errors
    /// What the store says.
    pub fn list_blobs(&self) -> Result<Vec<BlobEntry>, StagingError> {
        let rows = self.store.staged_list(&self.sync)?;
        Ok(rows
            .into_iter()
            .filter_map(|r| {
                Some(BlobEntry {
                    id: BlobId(r.id),
                    message: MessageId(r.owner?),
                    state: State::of(r.state)?,
                    issue: IssueRef { id: r.issue_id, key: r.issue_key },
                    size: r.size,
                    created: r.created,
                })
            })
            .collect())
    }

    /// How many files are half written or half erased: a scan that finds any is not complete until [`Staging::repair`]
    /// has run.
    ///
    /// # Errors
    /// What the store says.
    pub fn unsettled(&self) -> Result<usize, StagingError> {
        Ok(self.store.staged_list(&self.sync)?.iter().filter(|r| State::of(r.state).is_none()).count())
    }

    /// A message's decrypted JSON.
    ///
    /// # Errors
    /// When it is unknown, erased, changed, or cannot be read.
    pub fn read(&self, id: MessageId) -> Result<Vec<u8>, StagingError> {
        self.read_all(id.0)
    }

    /// A message, parsed.
    ///
    /// # Errors
    /// As [`Staging::read`]; when it is not a message.
    pub fn message(&self, id: MessageId) -> Result<Message, StagingError> {
        Message::parse(&self.read(id)?)
    }

    /// A blob's decrypted bytes.
    ///
    /// # Errors
    /// As [`Staging::read`].
    pub fn read_blob(&self, id: BlobId) -> Result<Vec<u8>, StagingError> {
        self.read_all(id.0)
    }

    /// A blob's bytes as a stream, which fails with `InvalidData` where the file was changed.
    ///
    /// # Errors
    /// As [`Staging::read`].
    pub fn open_blob(&self, id: BlobId) -> Result<Box<dyn Read + Send>, StagingError> {
        self.open_file(id.0)
    }

    /// How many bytes a blob holds; `None` when it is unknown or erased.
    ///
    /// # Errors
    /// What the store says.
    pub fn blob_size(&self, id: BlobId) -> Result<Option<u64>, StagingError> {
        let row = self.store.staged_get(id.0)?.filter(|r| r.sync == self.sync && r.state != StagedState::Erasing);
        Ok(row.map(|r| r.size))
    }

    /// Replaces a message's body (for a redaction): a new key, one atomic replacement, the old key destroyed. The state
    /// stays. When this returns, no key for the old content exists.
    ///
    /// # Errors
    /// As [`Staging::read`]; when `body` is not a message.
    pub fn rewrite(&self, id: MessageId, body: &[u8]) -> Result<(), StagingError> {
        let parts = self.parts(&Message::parse(body)?);
        self.replace(id.0, body, Some(&parts))
    }

    /// Replaces a blob's bytes, as [`Staging::rewrite`].
    ///
    /// # Errors
    /// As [`Staging::read`].
    pub fn rewrite_blob(&self, id: BlobId, bytes: &[u8]) -> Result<(), StagingError> {
        self.replace(id.0, bytes, None)
    }

    /// Erases a message and its blobs: destroys their keys, then unlinks them. One that had not been imported is looked
    /// at again by the next export. Says whether it was there.
    ///
    /// # Errors
    /// What the operating system or the store says; the keys may be destroyed already.
    pub fn erase(&self, id: MessageId) -> Result<bool, StagingError> {
        self.erase_any(id.0)
    }

    /// Erases a blob alone; its message then has an attachment without bytes.
    ///
    /// # Errors
    /// As [`Staging::erase`].
    pub fn erase_blob(&self, id: BlobId) -> Result<bool, StagingError> {
        self.erase_any(id.0)
    }

    /// Moves a message and its blobs to another state: commits it, then moves the files.
    ///
    /// # Errors
    /// What the operating system or the store says.
    pub fn set_state(&self, id: MessageId, state: State, at: &str) -> Result<(), StagingError> {
        let members = self.store.staged_set_state(id.0, state.stored(), at)?;
        self.move_files(members, state)
    }

    /// Moves a message and its blobs to `processed` after a successful import.
    ///
    /// # Errors
    /// What the operating system or the store says.
    pub fn imported(&self, id: MessageId, at: &str) -> Result<(), StagingError> {
        let members = self.store.staged_imported(id.0, at)?;
        self.move_files(members, State::Processed)
    }

    fn move_files(&self, members: Vec<(Ulid, StagedKind)>, state: State) -> Result<(), StagingError> {
        for (member, kind) in members {
            if let Some(found) = self.locate(member, kind, state)
                && found != self.path(member, kind, state)
            {
                rename_durably(&found, &self.path(member, kind, state))
                    .map_err(|source| StagingError::Io { file: member.to_string(), source })?;
            }
        }
        Ok(())
    }

    /// Parks a message with its blobs, or notes anew why it is parked.
    ///
    /// # Errors
    /// What the operating system or the store says.
    pub fn park(&self, id: MessageId, why: &Parking<'_>, at: &str) -> Result<(), StagingError> {
        let members = self.store.staged_park(id.0, why, at)?;
        self.move_files(members, State::Parked)
    }

    /// Lets a message with its blobs wait for issues, by id and key, or notes anew for which. `why` is the kind and a hint for a person.
    ///
    /// # Errors
    /// What the operating system or the store says.
    pub fn wait(
        &self,
        id: MessageId,
        why: (&str, &str),
        partners: &[(String, String)],
        at: &str,
    ) -> Result<(), StagingError> {
        let members = self.store.staged_wait(id.0, why, partners, at)?;
        self.move_files(members, State::Missing)
    }

    /// Restores the folders from the store after an interruption. Take the lock first.
    ///
    /// # Errors
    /// What the operating system or the store says.
    pub fn repair(&self) -> Result<RepairReport, StagingError> {
        repair::repair(self)
    }

    fn path(&self, id: Ulid, kind: StagedKind, state: State) -> PathBuf {
        self.dir.join(state.as_str()).join(format!("{id}.{}", kind.as_str()))
    }

    /// The file, in the folder where it should be or in another one.
    fn locate(&self, id: Ulid, kind: StagedKind, expected: State) -> Option<PathBuf> {
        std::iter::once(expected).chain(State::ALL).map(|s| self.path(id, kind, s)).find(|p| p.exists())
    }

    fn temp(&self, state: State) -> io::Result<NamedTempFile> {
        tempfile::Builder::new().prefix(TEMP_PREFIX).tempfile_in(self.dir.join(state.as_str()))
    }

    #[expect(clippy::too_many_arguments, reason = "one row's columns, given in one place")]
    fn begin(
        &self,
        kind: StagedKind,
        id: Ulid,
        owner: Option<Ulid>,
        issue: &IssueRef,
        sequence: u64,
        created: &str,
        size: u64,
    ) -> Result<(StagedRow, DataKey), StagingError> {
        let row = StagedRow {
            id,
            sync: self.sync.clone(),
            kind,
            owner,
            state: StagedState::Writing,
            issue_id: issue.id.clone(),
            issue_key: issue.key.clone(),
            sequence,
            size,
            created: created.to_owned(),
            key_id: Ulid::generate(),
            attempts: 0,
            error_kind: None,
            error_hint: None,
            since: None,
            next_try: None,
        };
        let key = DataKey::random();
        self.store.staged_begin(&row, &key)?;
        Ok((row, key))
    }

    fn write_file(
        &self,
        row: &StagedRow,
        key_id: Ulid,
        key: &DataKey,
        state: State,
        content: &[u8],
    ) -> Result<(), StagingError> {
        let write = || {
            let mut writer = SealedWriter::new(io::BufWriter::new(self.temp(state)?), key, key_id, &context(row))?;
            writer.write_all(content)?;
            let (file, _) = writer.finish()?;
            settle(file, &self.path(row.id, row.kind, state))
        };
        write().map_err(|source| StagingError::Io { file: row.id.to_string(), source })
    }

    fn row(&self, id: Ulid) -> Result<StagedRow, StagingError> {
        let row = self.store.staged_get(id)?.filter(|r| r.sync == self.sync).ok_or(StagingError::Unknown(id))?;
        if row.state == StagedState::Erasing { Err(StagingError::Erased(id)) } else { Ok(row) }
    }

    fn open_file(&self, id: Ulid) -> Result<Box<dyn Read + Send>, StagingError> {
        let row = self.row(id)?;
        let fail = |source| StagingError::Io { file: id.to_string(), source };
        let path = self
            .locate(id, row.kind, State::of(row.state).unwrap_or(State::New))
            .ok_or_else(|| fail(io::ErrorKind::NotFound.into()))?;
        let mut file = io::BufReader::new(File::open(path).map_err(fail)?);
        let header = Header::read(&mut file).map_err(fail)?;
        let key = self.store.staged_key(id, header.key_id())?.ok_or(StagingError::Erased(id))?;
        Ok(Box::new(SealedReader::new(file, &header, &key, &context(&row)).map_err(fail)?))
    }

    fn read_all(&self, id: Ulid) -> Result<Vec<u8>, StagingError> {
        let mut out = Vec::new();
        self.open_file(id)?
            .read_to_end(&mut out)
            .map_err(|source| StagingError::Io { file: id.to_string(), source })?;
        Ok(out)
    }

    fn replace(&self, id: Ulid, content: &[u8], parts: Option<&[Part]>) -> Result<(), StagingError> {
        let row = self.row(id)?;
        let state = State::of(row.state).ok_or(StagingError::Unknown(id))?;
        let (key_id, key) = (Ulid::generate(), DataKey::random());
        self.store.staged_add_key(id, key_id, &key)?;
        self.write_file(&row, key_id, &key, state, content)?;
        self.store.staged_settle_key(id, key_id, content.len() as u64, parts)?;
        self.store.checkpoint()?;
        Ok(())
    }

    fn erase_any(&self, id: Ulid) -> Result<bool, StagingError> {
        if self.store.staged_get(id)?.is_none_or(|r| r.sync != self.sync) {
            return Ok(false);
        }
        let members = self.store.staged_destroy_keys(id)?;
        self.store.checkpoint()?;
        for (member, kind) in members {
            self.unlink(member, kind)?;
            self.store.staged_forget(member)?;
        }
        Ok(true)
    }

    fn unlink(&self, id: Ulid, kind: StagedKind) -> Result<(), StagingError> {
        for state in State::ALL {
            remove_durably(&self.path(id, kind, state))
                .map_err(|source| StagingError::Io { file: id.to_string(), source })?;
        }
        Ok(())
    }
}

/// A blob on its way to the disk. Dropped before [`BlobWriter::finish`], it leaves nothing but a row that
/// [`Staging::repair`] clears.
pub struct BlobWriter {
    staging: Staging,
    id: Ulid,
    writer: SealedWriter<io::BufWriter<NamedTempFile>>,
}

impl Write for BlobWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

impl BlobWriter {
    /// Seals the end and makes the blob durable, in state `new`.
    ///
    /// # Errors
    /// What the operating system or the store says.
    pub fn finish(self) -> Result<BlobId, StagingError> {
        let Self { staging, id, writer } = self;
        let path = staging.path(id, StagedKind::Blob, State::New);
        let size = writer
            .finish()
            .and_then(|(file, size)| settle(file, &path).map(|()| size))
            .map_err(|source| StagingError::Io { file: id.to_string(), source })?;
        staging.store.staged_ready(id, size, None)?;
        Ok(BlobId(id))
    }
}

/// fsync, rename, fsync of the folder.
fn settle(file: io::BufWriter<NamedTempFile>, path: &Path) -> io::Result<()> {
    let temp = file.into_inner().map_err(io::IntoInnerError::into_error)?;
    temp.as_file().sync_all()?;
    temp.persist(path).map_err(|e| e.error)?;
    sync_dir(path.parent().unwrap_or_else(|| Path::new(".")))
}

fn folder_error(folder: &Path, source: io::Error) -> StagingError {
    StagingError::Io { file: folder.display().to_string(), source }
}

/// What is authenticated with a file's content besides its header.
fn context(row: &StagedRow) -> Vec<u8> {
    let mut out = Vec::new();
    let (id, sequence) = (row.id.to_string(), row.sequence.to_string());
    for part in ["efface.staged/1", row.sync.as_str(), row.kind.as_str(), &id, &row.issue_id, &sequence] {
        out.extend_from_slice(&(part.len() as u64).to_le_bytes());
        out.extend_from_slice(part.as_bytes());
    }
    out
}

#[cfg(test)]
mod tests;

//! Where the scans of a case keep what need not be read again: one file of sealed frames a case, beside the database.
//!
//! Owns the files in `scans/` of the state folder, their key and their end. The key is made for one set of identifiers, is
//! sealed with the key of the case, and stands in the database: it goes with the case, or by itself, and with it all of the
//! file. Knows nothing of what a frame holds. Losing a file or a part of it only means that a scan reads more.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use rusqlite::OptionalExtension;
use serde::{Deserialize, Serialize};

use super::{Store, StoreError};
use crate::{
    keys::DataKey,
    model::{CaseId, Subject},
};

pub(super) const SCHEMA: &str = "
CREATE TABLE scan_caches (
    case_id TEXT PRIMARY KEY REFERENCES cases (id),
    file TEXT NOT NULL,               -- its name in `scans/`
    sealed_key BLOB NOT NULL          -- the file's key and for which identifiers it is, sealed with the case's key
) STRICT;
";

/// The folder of the caches, in the state folder.
pub const CACHES: &str = "scans";

const MAGIC: &[u8] = b"efface.scans/1\n";

/// The largest frame (bytes of plaintext). A longer one on disk is damage.
pub const LARGEST_FRAME: usize = 32 << 20;

#[derive(Serialize, Deserialize)]
struct SealedKey {
    key: String,
    /// Keyed hash of the identifiers and of what searches for them.
    asked: String,
}

/// The open cache of a case, locked against other processes.
#[derive(Debug)]
pub struct CacheFile {
    key: DataKey,
    path: PathBuf,
    file: File,
    frames: u64,
    end: u64,
}

impl Store {
    fn caches(&self) -> PathBuf {
        self.path().with_file_name(CACHES)
    }

    /// The cache of a case for this subject and `searcher` (what searches: version, sources); a new and empty one where
    /// there is none or where it was made for other identifiers. `None` while another process uses it.
    ///
    /// # Errors
    /// When the database or the file system refuses, or the case has ended.
    pub fn scan_cache(&self, id: &CaseId, subject: &Subject, searcher: &[u8]) -> Result<Option<CacheFile>, StoreError> {
        let folder = self.caches();
        let refused = |source| StoreError::Folder { path: folder.clone(), source };
        std::fs::create_dir_all(&folder).map_err(refused)?;
        self.sweep_caches()?;
        let identifiers = super::SealedSubject::from_subject(subject).to_bytes()?;
        let asked = |key: &DataKey| {
            let mut hasher = blake3::Hasher::new_keyed(key.dangerously_expose());
            for part in [searcher, &identifiers] {
                hasher.update(&(part.len() as u64).to_le_bytes());
                hasher.update(part);
            }
            hasher.finalize().to_hex().to_string()
        };
        if let Some((name, key, known)) = self.known_cache(id)? {
            let Some(file) = lock(&folder.join(&name)).map_err(refused)? else { return Ok(None) };
            if known == asked(&key) {
                return Ok(Some(CacheFile::new(key, folder.join(&name), file)));
            }
            self.drop_scan_caches("case_id = ?1", id.as_str())?;
        }
        let key = DataKey::random();
        let name = format!("{}.cache", ulid::Ulid::generate());
        let sealed = SealedKey { key: hex::encode(key.dangerously_expose()), asked: asked(&key) };
        let sealed = self.seal_for(id, &sealed)?;
        self.write(|tx| {
            tx.execute(
                "INSERT INTO scan_caches (case_id, file, sealed_key) VALUES (?1, ?2, ?3)
                 ON CONFLICT (case_id) DO UPDATE SET file = ?2, sealed_key = ?3",
                (id.as_str(), &name, &sealed),
            )?;
            Ok::<_, StoreError>(())
        })?;
        let file = lock(&folder.join(&name)).map_err(refused)?;
        Ok(file.map(|file| CacheFile::new(key, folder.join(&name), file)))
    }

    /// File name, key and keyed hash of what it was made for.
    fn known_cache(&self, id: &CaseId) -> Result<Option<(String, DataKey, String)>, StoreError> {
        let row: Option<(String, Vec<u8>)> = self.read(|tx| {
            let sql = "SELECT file, sealed_key FROM scan_caches WHERE case_id = ?1";
            Ok::<_, StoreError>(tx.query_row(sql, [id.as_str()], |r| Ok((r.get(0)?, r.get(1)?))).optional()?)
        })?;
        let Some((name, sealed)) = row else { return Ok(None) };
        let Some(sealed) = self.open_for::<SealedKey>(id, &sealed)? else { return Ok(None) };
        let mut key = [0u8; 32];
        hex::decode_to_slice(&sealed.key, &mut key).map_err(|_| StoreError::Damaged("scan_caches"))?;
        Ok(Some((name, DataKey::from_bytes(key), sealed.asked)))
    }

    /// Destroys the keys of the caches that `condition` (over `scan_caches`, with `value` as `?1`) names, then their files.
    pub(super) fn drop_scan_caches(&self, condition: &str, value: &str) -> Result<(), StoreError> {
        self.write(|tx| {
            tx.execute(&format!("DELETE FROM scan_caches WHERE {condition}"), [value])?;
            Ok::<_, StoreError>(())
        })?;
        self.checkpoint()?;
        self.sweep_caches()
    }

    /// Removes the files whose key is destroyed: what a process that was killed in between left behind.
    pub(super) fn sweep_caches(&self) -> Result<(), StoreError> {
        let folder = self.caches();
        let refused = |source| StoreError::Folder { path: folder.clone(), source };
        // A row is there before its file: listing first, no new file can be taken for a leftover.
        let listed = match std::fs::read_dir(&folder) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            listed => listed.map_err(refused)?,
        };
        let names: Vec<_> = listed.filter_map(Result::ok).map(|e| e.file_name()).collect();
        if names.is_empty() {
            return Ok(());
        }
        let known: Vec<String> = self.read(|tx| {
            let mut stmt = tx.prepare("SELECT file FROM scan_caches")?;
            let rows = stmt.query_map([], |r| r.get(0))?;
            rows.collect::<Result<_, _>>().map_err(StoreError::from)
        })?;
        for name in names {
            let text = name.to_string_lossy();
            if !known.iter().any(|k| text.strip_prefix(k.as_str()).is_some_and(|rest| rest.is_empty() || rest == NEW)) {
                std::fs::remove_file(folder.join(&name)).map_err(refused)?;
            }
        }
        Ok(())
    }

    /// Whether the file `name` of `scans/` holds nothing but what was sealed: then its bytes are random to everybody else.
    #[must_use]
    pub fn is_sealed_cache(&self, name: &str) -> bool {
        let case: Result<Option<String>, StoreError> = self.read(|tx| {
            let sql = "SELECT case_id FROM scan_caches WHERE file = ?1";
            Ok(tx.query_row(sql, [name], |r| r.get(0)).optional()?)
        });
        let Ok(Some(case)) = case else { return false };
        let Ok(id) = case.parse::<CaseId>() else { return false };
        let Ok(Some((_, key, _))) = self.known_cache(&id) else { return false };
        let path = self.caches().join(name);
        let Ok(file) = File::open(&path) else { return false };
        let mut cache = CacheFile::new(key, path, file);
        let length = cache.file.metadata().map(|m| m.len()).ok();
        cache.load(|_| {}).is_ok() && length == Some(cache.end)
    }
}

/// What follows the name of a file that is being written anew.
const NEW: &str = ".new";

/// Opens or makes a file and locks it; `None` while another process holds it.
fn lock(path: &Path) -> io::Result<Option<File>> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(std::fs::TryLockError::WouldBlock) => Ok(None),
        Err(std::fs::TryLockError::Error(e)) => Err(e),
    }
}

impl CacheFile {
    const fn new(key: DataKey, path: PathBuf, file: File) -> Self {
        Self { key, path, file, frames: 0, end: 0 }
    }

    /// The file's key, for hashes that say nothing without it.
    #[must_use]
    pub const fn key(&self) -> &DataKey {
        &self.key
    }

    /// Hands every whole frame to `each`, in order. The first that does not open ends it: a write that was cut off; what
    /// is appended later takes its place.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn load(&mut self, mut each: impl FnMut(Vec<u8>)) -> io::Result<()> {
        (self.frames, self.end) = (0, 0);
        self.file.seek(SeekFrom::Start(0))?;
        let mut reader = io::BufReader::with_capacity(256 << 10, &self.file);
        let mut magic = [0u8; MAGIC.len()];
        if reader.read_exact(&mut magic).is_err() || magic != MAGIC {
            return Ok(());
        }
        let (mut frames, mut end) = (0, MAGIC.len() as u64);
        let mut sealed = Vec::new();
        loop {
            let mut length = [0u8; 4];
            if reader.read_exact(&mut length).is_err() {
                break;
            }
            let length = u32::from_le_bytes(length) as usize;
            // 40 bytes of nonce and tag.
            if length > LARGEST_FRAME + 40 {
                break;
            }
            sealed.clear();
            if reader.by_ref().take(length as u64).read_to_end(&mut sealed)? < length {
                break;
            }
            let Ok(plain) = self.key.open(&context(frames), &sealed) else { break };
            each(plain);
            frames += 1;
            end += 4 + length as u64;
        }
        (self.frames, self.end) = (frames, end);
        Ok(())
    }

    /// Seals a frame and appends it. It is not flushed to the disk: a power failure may cost it, which costs a reading.
    ///
    /// # Errors
    /// When the file cannot be written; [`CacheFile::load`] has to have run before.
    pub fn append(&mut self, plain: &[u8]) -> io::Result<()> {
        let mut out = Vec::with_capacity(plain.len() + MAGIC.len() + 44);
        if self.end == 0 {
            out.extend(MAGIC);
        }
        put(&self.key, self.frames, plain, &mut out)?;
        self.file.set_len(self.end)?;
        self.file.seek(SeekFrom::Start(self.end))?;
        self.file.write_all(&out)?;
        self.frames += 1;
        self.end += out.len() as u64;
        Ok(())
    }

    /// Puts these frames in place of all that the file holds.
    ///
    /// # Errors
    /// When the file cannot be written; the old one stays then.
    pub fn replace(&mut self, frames: impl Iterator<Item = Vec<u8>>) -> io::Result<()> {
        let mut name = self.path.clone().into_os_string();
        name.push(NEW);
        let new = PathBuf::from(name);
        let Some(mut file) = lock(&new)? else { return Err(io::ErrorKind::ResourceBusy.into()) };
        file.set_len(0)?;
        file.write_all(MAGIC)?;
        let (mut count, mut end) = (0, MAGIC.len() as u64);
        for plain in frames {
            let mut out = Vec::with_capacity(plain.len() + 44);
            put(&self.key, count, &plain, &mut out)?;
            file.write_all(&out)?;
            count += 1;
            end += out.len() as u64;
        }
        std::fs::rename(&new, &self.path)?;
        (self.file, self.frames, self.end) = (file, count, end);
        Ok(())
    }
}

/// Frames are bound to their number, so that none can be taken out or moved.
fn context(number: u64) -> Vec<u8> {
    [b"scan cache ".as_slice(), &number.to_le_bytes()].concat()
}

fn put(key: &DataKey, number: u64, plain: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    if plain.len() > LARGEST_FRAME {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let sealed = key.seal(&context(number), plain);
    out.extend(u32::try_from(sealed.len()).map_err(io::Error::other)?.to_le_bytes());
    out.extend(sealed);
    Ok(())
}

#[cfg(test)]
#[path = "cache_tests.rs"]
mod tests;

//! What the scans of one case remember, so that the next one, or the one that goes on after a kill, need not read it again.
//!
//! Owns the meaning of the frames of a [`CacheFile`]: sets of 16-byte marks, each the keyed hash of a place, a path and the
//! state of a file, or of an issue and its state, with what came of reading it. A mark says nothing without the key and
//! nothing but "read". Must not read a scanned file or decide what counts as changed beyond that.
//!
//! A file that changed has another mark, so an old mark is never wrong, only useless; `finish` drops those now and then.

mod files;
mod index;
mod issues;

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
    time::SystemTime,
};

use chrono::{DateTime, Utc};
use serde::{Serialize, de::DeserializeOwned};

pub use self::issues::Issues;
use self::{
    files::{pack, unpack},
    index::{Group, Index, Mark, Pending, Slot, mark},
};
use crate::{
    keys::DataKey,
    model::{CaseId, Earlier, Place, Subject},
    store::{CacheFile, LARGEST_FRAME, Store, StoreError},
};

/// The version of the frames' layout.
const LAYOUT: &str = "1";

/// Kinds of what a mark stands for.
const FILE: u8 = 0;
const ISSUE: u8 = 1;
const ATTACHMENT: u8 = 2;
const END: u8 = 3;

/// The memory of a case's scans.
pub struct ScanCache {
    file: Mutex<CacheFile>,
    key: DataKey,
    index: Arc<Index>,
    /// Nothing is taken from earlier scans; what is read replaces it.
    exhaustive: bool,
    began: i64,
    now: fn() -> SystemTime,
    told: AtomicU64,
    /// Of what was told, what was known before.
    again: AtomicU64,
    /// Places that were read from end to end.
    whole: Mutex<Vec<[u8; 16]>>,
    failed: AtomicBool,
}

impl std::fmt::Debug for ScanCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScanCache").field("marks", &self.index.slots.len()).finish_non_exhaustive()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is behind these locks is whole after every statement; a panic elsewhere does not change that.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ScanCache {
    /// Opens what earlier scans of the case for the same identifiers remember, at `began`, with the clock `now`. With
    /// `exhaustive` nothing is taken from it, only told. `None` while another scan of the case is at work.
    ///
    /// # Errors
    /// When the store refuses, or the case has ended.
    pub fn open(
        store: &Store,
        id: &CaseId,
        subject: &Subject,
        exhaustive: bool,
        began: DateTime<Utc>,
        now: fn() -> SystemTime,
    ) -> Result<Option<Self>, StoreError> {
        // Whatever searches, down to the versions of the readers of formats: a better one reads anew.
        let searcher = [LAYOUT, env!("CARGO_PKG_VERSION"), env!("EFFACE_SOURCES")].join(" ");
        let Some(mut file) = store.scan_cache(id, subject, searcher.as_bytes())? else { return Ok(None) };
        let index = Index::load(&mut file).map_err(|_| StoreError::Damaged("scan_caches"))?;
        Ok(Some(Self {
            key: file.key().clone(),
            file: Mutex::new(file),
            index: Arc::new(index),
            exhaustive,
            began: began.timestamp_millis(),
            now,
            told: AtomicU64::new(0),
            again: AtomicU64::new(0),
            whole: Mutex::new(Vec::new()),
            failed: AtomicBool::new(false),
        }))
    }

    /// What is remembered of one place.
    #[must_use]
    pub fn place(&self, place: &Place) -> Memory<'_> {
        self.memory(blake3::keyed_hash(self.key.dangerously_expose(), format!("place {place}").as_bytes()))
    }

    fn memory(&self, hash: blake3::Hash) -> Memory<'_> {
        let mut short = [0; 16];
        short.copy_from_slice(&hash.as_bytes()[..16]);
        Memory {
            cache: self,
            key: *hash.as_bytes(),
            place: short,
            pending: Mutex::new(Pending::default()),
            taken: AtomicU64::new(0),
            oldest: AtomicI64::new(i64::MAX),
        }
    }

    /// Ends the scan: where much of what is remembered was not met again, it is written anew without that. False when
    /// something could not be written, which costs a reading next time.
    #[must_use]
    pub fn finish(self) -> bool {
        let whole = locked(&self.whole).clone();
        let met = |mark: &Mark| self.index.slots.get(mark).is_some_and(|s| s.met.load(Ordering::Relaxed));
        let gone = self.index.slots.values().filter(|slot| {
            whole.contains(&self.index.groups[usize::from(slot.group)].place) && !slot.met.load(Ordering::Relaxed)
        });
        let gone = gone.count() + self.again.load(Ordering::Relaxed) as usize;
        let all = self.index.slots.len() + self.told.load(Ordering::Relaxed) as usize;
        if gone > all / 4 || self.exhaustive && gone > 0 {
            let mut file = locked(&self.file);
            let written = Index::load(&mut file).and_then(|index| {
                let keep =
                    |mark: &Mark, group: &Group| group.at == self.began || !whole.contains(&group.place) || met(mark);
                file.replace(index.frames(keep))
            });
            return written.is_ok() && !self.failed.load(Ordering::Relaxed);
        }
        !self.failed.load(Ordering::Relaxed)
    }
}

fn mark_of(key: &[u8; 32], kind: u8, path: &str, state: &[u8]) -> Mark {
    let mut bytes = Vec::with_capacity(9 + state.len() + path.len());
    bytes.push(kind);
    bytes.extend((state.len() as u64).to_le_bytes());
    bytes.extend(state);
    bytes.extend(path.as_bytes());
    let hash = blake3::keyed_hash(key, &bytes);
    let mut short = [0; 16];
    short.copy_from_slice(&hash.as_bytes()[..16]);
    mark(short)
}

/// What is remembered of one place, and what this scan adds.
pub struct Memory<'a> {
    cache: &'a ScanCache,
    key: [u8; 32],
    place: [u8; 16],
    pending: Mutex<Pending>,
    taken: AtomicU64,
    oldest: AtomicI64,
}

impl Memory<'_> {
    fn mark(&self, kind: u8, path: &str, state: &[u8]) -> Mark {
        mark_of(&self.key, kind, path, state)
    }

    fn now(&self) -> SystemTime {
        (self.cache.now)()
    }

    /// What came of something: `Some(None)` where it was nothing.
    fn recall<T: DeserializeOwned>(&self, mark: &Mark) -> Option<Option<T>> {
        if self.cache.exhaustive {
            return None;
        }
        let index = &self.cache.index;
        let slot = index.slots.get(mark)?;
        let kept = match slot.found.checked_sub(1) {
            None => None,
            Some(at) => Some(unpack(index.found.get(at as usize)?)?),
        };
        slot.met.store(true, Ordering::Relaxed);
        self.take(slot);
        Some(kept)
    }

    /// Counts something as taken from an earlier scan.
    fn take(&self, slot: &Slot) {
        self.taken.fetch_add(1, Ordering::Relaxed);
        if let Some(group) = self.cache.index.groups.get(usize::from(slot.group)) {
            self.oldest.fetch_min(group.at, Ordering::Relaxed);
        }
    }

    fn tell<T: Serialize>(&self, mark: Mark, found: Option<&T>, read: u64) {
        let found = found.map(pack);
        if found.as_ref().is_some_and(|found| found.len() > LARGEST_FRAME / 2) {
            return;
        }
        self.cache.told.fetch_add(1, Ordering::Relaxed);
        if self.cache.index.slots.contains_key(&mark) {
            self.cache.again.fetch_add(1, Ordering::Relaxed);
        }
        let mut pending = locked(&self.pending);
        pending.tell(mark, found.as_deref());
        pending.read += read;
        if pending.is_full() {
            self.write(&mut pending);
        }
    }

    fn write(&self, pending: &mut Pending) {
        let frame = pending.frame(&Group { place: self.place, at: self.cache.began });
        if locked(&self.cache.file).append(&frame).is_err() {
            self.cache.failed.store(true, Ordering::Relaxed);
        }
    }

    /// Ends the reading of the place; `whole` when all of it was met. How much of it was taken from earlier scans.
    #[must_use]
    pub fn finish(self, whole: bool) -> Option<Earlier> {
        let mut pending = locked(&self.pending);
        if pending.count() > 0 {
            self.write(&mut pending);
        }
        drop(pending);
        if whole {
            locked(&self.cache.whole).push(self.place);
        }
        let records = self.taken.load(Ordering::Relaxed);
        let since = DateTime::from_timestamp_millis(self.oldest.load(Ordering::Relaxed))?;
        (records > 0).then_some(Earlier { records, since })
    }
}

#[cfg(test)]
#[path = "cache_tests.rs"]
mod tests;

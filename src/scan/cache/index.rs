//! The frames of a cache file: sets of marks with what came of reading what they stand for.
//!
//! Owns the layout. Knows no file, no issue and no key.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
    io,
    sync::atomic::AtomicBool,
};

use crate::store::CacheFile;

/// So many marks are written at once, so that a kill loses little.
pub(super) const BATCH: usize = 4096;

/// What was found is written at this size (bytes).
const FULL: usize = 1 << 20;

/// After this many bytes read what is known of them is written.
const READ: u64 = 64 << 20;

/// The keyed hash of something and its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark(pub(super) [u64; 2]);

impl std::hash::Hash for Mark {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0[0]);
    }
}

/// Marks are keyed hashes already.
#[derive(Default)]
pub(super) struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {}

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

/// One scan's reading of one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) place: [u8; 16],
    /// When the scan began: milliseconds since 1970.
    pub(super) at: i64,
}

pub(super) struct Slot {
    /// Index of what was found, plus one; 0 where it was nothing.
    pub(super) found: u32,
    pub(super) group: u16,
    /// Met again in this scan.
    pub(super) met: AtomicBool,
}

/// What a cache file holds.
#[derive(Default)]
pub(super) struct Index {
    pub(super) slots: HashMap<Mark, Slot, BuildHasherDefault<AsItIs>>,
    pub(super) found: Vec<Box<[u8]>>,
    pub(super) groups: Vec<Group>,
}

impl Index {
    pub(super) fn load(file: &mut CacheFile) -> io::Result<Self> {
        let mut index = Self::default();
        file.load(|frame| {
            // A frame opened, so we wrote it: what does not parse is another layout's.
            let _ = index.frame(&frame);
        })?;
        Ok(index)
    }

    fn frame(&mut self, mut frame: &[u8]) -> Option<()> {
        let at = i64::from_le_bytes(take(&mut frame)?);
        let group = Group { place: take(&mut frame)?, at };
        let group = match self.groups.iter().position(|g| *g == group) {
            Some(known) => known,
            None => {
                self.groups.push(group);
                self.groups.len() - 1
            }
        };
        let group = u16::try_from(group).ok()?;
        let plain = u32::from_le_bytes(take(&mut frame)?) as usize;
        let told = u32::from_le_bytes(take(&mut frame)?) as usize;
        self.slots.reserve((plain + told).min(frame.len() / 16));
        for _ in 0..plain {
            let mark = mark(take(&mut frame)?);
            self.slots.insert(mark, Slot { found: 0, group, met: AtomicBool::new(false) });
        }
        for _ in 0..told {
            let mark = mark(take(&mut frame)?);
            let length = u32::from_le_bytes(take(&mut frame)?) as usize;
            let (found, rest) = frame.split_at_checked(length)?;
            frame = rest;
            self.found.push(found.into());
            let found = u32::try_from(self.found.len()).ok()?;
            self.slots.insert(mark, Slot { found, group, met: AtomicBool::new(false) });
        }
        Some(())
    }

    /// What `keep` takes, as frames.
    pub(super) fn frames(&self, keep: impl Fn(&Mark, &Group) -> bool) -> impl Iterator<Item = Vec<u8>> {
        let mut by_group: Vec<Vec<(Mark, u32)>> = self.groups.iter().map(|_| Vec::new()).collect();
        for (mark, slot) in &self.slots {
            let group = usize::from(slot.group);
            if keep(mark, &self.groups[group]) {
                by_group[group].push((*mark, slot.found));
            }
        }
        let mut frames = Vec::new();
        for (group, marks) in self.groups.iter().zip(by_group) {
            let mut pending = Pending::default();
            for (mark, found) in marks {
                match found.checked_sub(1).and_then(|i| self.found.get(i as usize)) {
                    Some(found) => pending.tell(mark, Some(found)),
                    None => pending.tell(mark, None),
                }
                if pending.is_full() {
                    frames.push(pending.frame(group));
                }
            }
            if pending.count() > 0 {
                frames.push(pending.frame(group));
            }
        }
        frames.into_iter()
    }
}

/// Takes a fixed number of bytes off the front.
fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (front, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*front)
}

pub(super) fn mark(bytes: [u8; 16]) -> Mark {
    let [a, b] = [0, 8].map(|i| u64::from_le_bytes(std::array::from_fn(|n| bytes[i + n])));
    Mark([a, b])
}

/// What is not yet written.
#[derive(Default)]
pub(super) struct Pending {
    plain: Vec<u8>,
    told: Vec<u8>,
    tellings: u32,
    pub(super) read: u64,
}

impl Pending {
    pub(super) fn count(&self) -> usize {
        self.plain.len() / 16 + self.tellings as usize
    }

    pub(super) fn is_full(&self) -> bool {
        self.count() >= BATCH || self.told.len() >= FULL || self.read >= READ
    }

    pub(super) fn tell(&mut self, mark: Mark, found: Option<&[u8]>) {
        let bytes = mark.0.iter().flat_map(|half| half.to_le_bytes());
        match found {
            None => self.plain.extend(bytes),
            Some(found) => {
                self.told.extend(bytes);
                self.told.extend((found.len() as u32).to_le_bytes());
                self.told.extend(found);
                self.tellings += 1;
            }
        }
    }

    /// Takes all of it as a frame.
    pub(super) fn frame(&mut self, group: &Group) -> Vec<u8> {
        let mut out = Vec::with_capacity(32 + self.plain.len() + self.told.len());
        out.extend(group.at.to_le_bytes());
        out.extend(group.place);
        out.extend(((self.plain.len() / 16) as u32).to_le_bytes());
        out.extend(self.tellings.to_le_bytes());
        out.append(&mut self.plain);
        out.append(&mut self.told);
        (self.tellings, self.read) = (0, 0);
        out
    }
}

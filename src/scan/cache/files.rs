//! What is remembered of files: the walker's questions answered from the marks.

use std::{
    io::{Read, Write},
    time::{Duration, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{FILE, Memory};
use crate::{
    extract::Unread,
    model::Reference,
    scan::seen::{Past, Seen, Stamp},
};

/// A file that changed less than this ago is read again next time: clocks of file systems have ticks of up to two seconds
/// (FAT), and a second change within the tick would not show.
pub(super) const TICK: Duration = Duration::from_secs(2);

/// What was found in one file or issue is packed above this size (bytes).
const PACKED: usize = 2048;

/// A file's part of a frame.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    references: Vec<Reference>,
    unread: Vec<Unread>,
    digest: Option<String>,
    bytes: u64,
}

pub(super) fn pack(kept: &impl Serialize) -> Vec<u8> {
    let plain = serde_json::to_vec(kept).unwrap_or_default();
    if plain.len() <= PACKED {
        return [&[0], plain.as_slice()].concat();
    }
    let mut packer = flate2::write::DeflateEncoder::new(vec![1], flate2::Compression::fast());
    // Writing into memory does not fail.
    let written = packer.write_all(&plain).and_then(|()| packer.finish());
    written.unwrap_or_default()
}

pub(super) fn unpack<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let (how, rest) = bytes.split_first()?;
    if *how == 0 {
        return serde_json::from_slice(rest).ok();
    }
    let mut plain = Vec::new();
    flate2::read::DeflateDecoder::new(rest).read_to_end(&mut plain).ok()?;
    serde_json::from_slice(&plain).ok()
}

/// Whether a reason will be the same at the next reading of the same bytes. What failed by chance is tried again.
pub(super) fn lasting(reason: &str) -> bool {
    const PASSING: [&str; 9] = [
        "cannot be read",
        // What a reader died of may have been the machine's load.
        "the reader of this file",
        "time",
        "memory",
        "internal error",
        "stopped",
        "killed",
        "process",
        "again",
    ];
    !PASSING.iter().any(|word| reason.contains(word))
}

impl Seen for Memory<'_> {
    fn earlier(&self, path: &str, stamp: &Stamp) -> Option<Past> {
        Some(match self.recall::<Kept>(&self.mark(FILE, path, &state(stamp)))? {
            None => Past { bytes: stamp.size, ..Past::default() },
            Some(Kept { references, unread, digest, bytes }) => Past { references, unread, digest, bytes },
        })
    }

    fn settled(&self, stamp: &Stamp) -> bool {
        let (seconds, nanoseconds) = stamp.changed;
        let at = u64::try_from(seconds).ok().map(|s| Duration::from_secs(s) + Duration::from_nanos(nanoseconds as u64));
        let changed = at.and_then(|at| UNIX_EPOCH.checked_add(at + TICK));
        changed.is_some_and(|changed| changed < self.now())
    }

    fn read(&self, path: &str, stamp: &Stamp, came: &Past) {
        // A file that grew or shrank while it was read has another stamp by now; one too large is read in part.
        let cut_short = came.bytes < stamp.size && !came.unread.is_empty();
        if came.bytes != stamp.size && !cut_short {
            return;
        }
        let mark = self.mark(FILE, path, &state(stamp));
        if came.references.is_empty() && came.unread.is_empty() {
            self.tell::<Kept>(mark, None, came.bytes);
        } else if came.unread.iter().all(|u| lasting(&u.reason)) {
            let Past { references, unread, digest, bytes } = came.clone();
            self.tell(mark, Some(&Kept { references, unread, digest, bytes }), bytes);
        }
    }
}

fn state(stamp: &Stamp) -> [u8; 56] {
    let numbers = [
        stamp.size,
        stamp.modified.0 as u64,
        stamp.modified.1 as u64,
        stamp.changed.0 as u64,
        stamp.changed.1 as u64,
        stamp.inode,
        stamp.device,
    ];
    let mut out = [0; 56];
    for (place, number) in out.chunks_exact_mut(8).zip(numbers) {
        place.copy_from_slice(&number.to_le_bytes());
    }
    out
}

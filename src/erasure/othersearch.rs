//! The other road (law 4): a search that shares nothing with what planned.
//!
//! Deliberately independent and plain: its own decoding, its own folding, its own comparison, word by word instead of an
//! automaton. It must import neither the normaliser nor the matcher nor the walkers nor the redactor; a test below reads
//! this module's source and fails if it does. It knows no records and no policy: bytes in, hits out. Archives are opened
//! by whoever calls it.

mod compare;
mod encoded;
mod noise;
mod peel;
mod spell;

use crate::model::{IdentifierKind, Personal};

/// A character and the byte of the searched content at which what it was read from begins.
type Placed = (char, usize);

/// An identifier that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// Which needle: its index in the list given to [`Needles::new`].
    pub needle: usize,
    /// The byte of the content at which it begins.
    pub offset: usize,
    /// What stands around it, for a person to judge.
    pub window: Personal<String>,
}

/// What a search found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Searched {
    /// Identifiers that stand on their own.
    pub hits: Vec<Hit>,
    /// Identifiers inside something longer (`jdoe2`, `a.jdoe@…`, `Anna Bergman`): recorded, and judged by a person.
    pub near_misses: Vec<Hit>,
}

/// The identifiers to search for.
pub struct Needles {
    needles: Vec<compare::Needle>,
    sieve: noise::Sieve,
}

impl std::fmt::Debug for Needles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Needles").field("len", &self.needles.len()).finish()
    }
}

/// Content is searched in pieces of this many bytes, so that memory stays bounded.
const PIECE: usize = 1 << 20;

/// How far a piece reaches into its neighbours, in bytes.
const OVERLAP: usize = 8 << 10;

impl Needles {
    /// A search for these identifiers.
    #[must_use]
    pub fn new<S: AsRef<str>>(identifiers: &[(IdentifierKind, S)]) -> Self {
        let needles: Vec<_> =
            identifiers.iter().map(|(kind, value)| compare::Needle::new(*kind, value.as_ref())).collect();
        let sieve = noise::Sieve::new(&needles);
        Self { needles, sieve }
    }

    /// The identifiers that stand in `bytes` on their own, under whatever encoding, escapes or markup.
    #[must_use]
    pub fn hits(&self, bytes: &[u8]) -> Vec<Hit> {
        self.search(bytes).hits
    }

    /// As [`Needles::hits`], with the near misses.
    #[must_use]
    pub fn search(&self, bytes: &[u8]) -> Searched {
        self.search_kept(bytes, |view| self.sieve.keep(view))
    }

    /// As [`Needles::search`], in what `keep` leaves of each reading of the bytes.
    fn search_kept(&self, bytes: &[u8], keep: impl Fn(Vec<Placed>) -> Vec<Placed>) -> Searched {
        let mut all: Vec<(usize, usize, bool, String)> = Vec::new();
        let mut from = 0;
        loop {
            let to = (from + PIECE).min(bytes.len());
            // Even, so that UTF-16 keeps its step; and at a character of UTF-8 where that can be had.
            let mut start = from.saturating_sub(OVERLAP) & !1;
            while start > 0 && start < bytes.len() && bytes[start] & 0xc0 == 0x80 && from - start < OVERLAP + 8 {
                start -= 2;
            }
            let end = (to + OVERLAP).min(bytes.len());
            for view in peel::views(&bytes[start..end], &keep) {
                for found in compare::search(&self.needles, &view) {
                    let offset = start + found.offset;
                    if offset >= from && (offset < to || to == bytes.len()) {
                        all.push((found.needle, offset, found.near, found.window));
                    }
                }
            }
            if to == bytes.len() {
                break;
            }
            from = to;
        }
        // The same place is seen in many views; standing alone in one of them is enough.
        all.sort();
        all.dedup_by(|later, first| (later.0, later.1) == (first.0, first.1));
        let mut out = Searched::default();
        for (needle, offset, near, window) in all {
            let hit = Hit { needle, offset, window: Personal::new(window) };
            if near { out.near_misses.push(hit) } else { out.hits.push(hit) }
        }
        out.hits.sort_by_key(|h| (h.offset, h.needle));
        out.near_misses.sort_by_key(|h| (h.offset, h.needle));
        out
    }
}

#[cfg(test)]
#[path = "othersearch/tests.rs"]
mod tests;

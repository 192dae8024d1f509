//! What no reader here understands: its plain strings, in every character set, as far as they may hold anything at all.
//!
//! Owns which readings such bytes have. Positions are not kept, since nothing less than the whole file could be cut.

use std::collections::HashSet;

use super::{Cut, Scan, charsets, encoding, reference, stretches};
use crate::{model::Reference, subject::Sieve};

/// A binary file above this size (bytes) is searched as Windows-1252 and UTF-16 alone, not in every character set.
const LARGEST: usize = 16 << 20;

impl Scan<'_> {
    /// The plain strings of what no reader here understands: as UTF-8, in every set of one byte a character, and as UTF-16
    /// of either kind at either offset. `known`: a reader gives what it shows, so only its strings are looked at.
    pub(super) fn strings(&mut self, bytes: &[u8], known: bool) {
        let start = self.out.len();
        let sieve = self.matcher.sieve(charsets::tables);
        self.sifted(&String::from_utf8_lossy(bytes), sieve, start);
        self.narrow_strings(bytes, known, sieve, start);
        for (big, odd) in WIDE {
            self.sifted(&charsets::wide_strings(bytes, big, odd, !known), sieve, start);
        }
    }

    pub(super) fn wide_strings(&mut self, bytes: &[u8], start: usize) {
        for (big, odd) in WIDE {
            self.whole(&charsets::wide_strings(bytes, big, odd, true), "strings", start);
        }
    }

    /// As [`Self::whole`], of what a sieve leaves.
    fn sifted(&mut self, text: &str, sieve: Option<&Sieve>, start: usize) {
        match sieve {
            Some(sieve) => {
                for kept in sieve.text(text) {
                    self.whole(&text[kept], "strings", start);
                }
            }
            None => self.whole(text, "strings", start),
        }
    }

    /// The strings in which a byte is a character, and those in sets of more bytes.
    fn narrow_strings(&mut self, bytes: &[u8], known: bool, sieve: Option<&Sieve>, start: usize) {
        let narrow = charsets::narrow_strings(bytes);
        let many = !known && bytes.len() <= LARGEST && simdutf8::basic::from_utf8(&narrow).is_err();
        // By their places among the tables: see `charsets::tables`.
        let mut sets = vec![0];
        if many {
            sets.extend(charsets::single(&narrow).iter().map(|n| n + 1));
        }
        let read = |set: usize, narrow: &[u8]| match set.checked_sub(1) {
            Some(n) => charsets::in_set(n, narrow),
            None => encoding::latin1(narrow),
        };
        match sieve {
            Some(sieve) => {
                // Most sets agree in most places.
                let mut seen = HashSet::new();
                for (set, kept) in sets.iter().zip(sieve.bytes(bytes, &sets)) {
                    for range in kept {
                        let text = read(*set, &charsets::narrow_strings(&bytes[range]));
                        if seen.insert(blake3::hash(text.as_bytes())) {
                            self.whole(&text, "strings", start);
                        }
                    }
                }
            }
            None => sets.iter().for_each(|set| self.whole(&read(*set, &narrow), "strings", start)),
        }
        // Those of more than one byte, which noise is in none of.
        if many {
            for reading in charsets::double_readings(&narrow) {
                self.whole(reading.text(), "strings", start);
            }
        }
    }

    /// Hits in a text that does not lead back to the bytes; one of each identifier that is not found from `start` on, since
    /// the same is read in many ways, and a whole file is only given up where nothing less is known.
    pub(super) fn whole(&mut self, text: &str, locator: &str, start: usize) {
        for (_, hit) in stretches(text).flat_map(|range| self.hits(text, range)).collect::<Vec<_>>() {
            let new = reference(&hit, self.ctx, locator, Cut::Whole);
            let same = |r: &&mut Reference| (r.subject, r.identifier) == (new.subject, new.identifier);
            match self.out[start..].iter_mut().find(same) {
                Some(known) if known.cut == Cut::Whole => known.strength = known.strength.max(new.strength),
                Some(_) => {}
                None => self.out.push(new),
            }
        }
    }
}

/// UTF-16 as it may stand: big endian, at an odd offset.
const WIDE: [(bool, bool); 4] = [(false, false), (false, true), (true, false), (true, true)];

#[cfg(test)]
#[path = "strings_tests.rs"]
mod tests;

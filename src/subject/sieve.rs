//! Which stretches of bytes that are no text may hold a reference: a look for the letters of the anchors alone, so that noise
//! (what is packed, sealed, a picture) is neither decoded nor matched in every character set.
//!
//! Bytes are cut where a control stands that no text has, text also where bytes were that are no character. JSON (RFC 8259, section
//! 7) and XML (section 2.2) forbid both, so no string and no tag reaches over one. A stretch between two of them is
//! kept where the letters of an anchor follow each other, whatever signs stand between, and where they may be hidden: under
//! escapes, between tags, in base64. Sound, which a property test holds: what the careful road finds in a stretch, it keeps.
//!
//! Pure. Must not decode escapes or judge a hit.

use std::{collections::HashMap, ops::Range};

use unicode_normalization::UnicodeNormalization;

use super::prefilter::anchors::Anchors;
use crate::norm;

/// So many letters of an anchor count; each has a byte of a state, and each of so many groups of anchors a bit of it.
const COUNTED: usize = 8;

/// What is kept on either side of a stretch, in bytes: the other words of a name may stand there.
const AROUND: usize = 48;

/// The farthest end of a tag or a link, in bytes: escapes and line breaks may stand in it.
const FARTHEST: usize = 8192;

/// Base64 or hexadecimal digits that are decoded have at least so many characters.
const ENCODED: usize = 16;

/// The fewest digits of a phone number.
const NUMBER: usize = 6;

/// What a character is to the letters around it.
#[derive(Debug, Clone, Default)]
struct Letter {
    /// In bare form without what is no letter: for each letter, in which groups of anchors it stands at which places.
    places: Vec<u64>,
}

/// The letters of anchors, and what each byte may be.
pub(crate) struct Sieve {
    /// Lower-case letters and digits of anchors: in which groups (bits of a byte) they stand at which places (bytes).
    letters: HashMap<char, u64>,
    /// The last place of each group.
    ends: u64,
    /// The same for ASCII, in any case.
    ascii: [u64; 128],
    /// What the bytes beyond ASCII are in each of the sets.
    sets: Vec<Vec<Letter>>,
    /// What they may be in any of them.
    any: Vec<Vec<Letter>>,
    /// Characters that were asked before: those of these sets.
    known: HashMap<char, Letter>,
    phones: bool,
}

impl Sieve {
    /// A sieve for anchors, and for texts in which the bytes beyond ASCII are the characters of one of `sets`. `None` where nothing
    /// can be ruled out.
    pub(crate) fn new(anchors: &Anchors, phones: bool, sets: &[[char; 128]]) -> Option<Self> {
        let ascii = anchors.words().iter().map(|w| w.iter().map(|b| char::from(*b)).collect::<Vec<char>>());
        let mut words: Vec<Vec<char>> = ascii.chain(anchors.foreign().iter().map(|w| w.chars().collect())).collect();
        // A letter that may be written as several is not told by its own.
        if words.iter().flatten().any(|c| c.nfd().count() > 1) || words.iter().any(Vec::is_empty) {
            return None;
        }
        words.sort_by(|a, b| (a.len().min(COUNTED), a).cmp(&(b.len().min(COUNTED), b)));
        let mut sieve = Self {
            letters: HashMap::new(),
            ends: 0,
            ascii: [0; 128],
            sets: Vec::new(),
            any: Vec::new(),
            known: HashMap::new(),
            phones,
        };
        for (group, words) in words.chunks(words.len().div_ceil(8).max(1)).enumerate() {
            // The shortest comes first.
            let counted = words[0].len().min(COUNTED);
            sieve.ends |= 1 << (8 * (counted - 1) + group);
            for (at, c) in words.iter().flat_map(|w| w.iter().take(counted).enumerate()) {
                *sieve.letters.entry(*c).or_default() |= 1 << (8 * at + group);
            }
        }
        for (b, places) in (0_u8..).zip(&mut sieve.ascii) {
            *places = sieve.letters.get(&char::from(b.to_ascii_lowercase())).copied().unwrap_or(0);
        }
        for c in sets.iter().flatten() {
            if !sieve.known.contains_key(c) {
                let letter = sieve.letter(*c);
                sieve.known.insert(*c, letter);
            }
        }
        let letters = |set: &[char; 128]| set.iter().map(|c| sieve.known[c].clone()).collect();
        let sets: Vec<Vec<Letter>> = sets.iter().map(letters).collect();
        for n in 0..128 {
            let mut of: Vec<Letter> = Vec::new();
            for letter in sets.iter().map(|set| &set[n]) {
                match of.iter_mut().find(|l| l.places.len() == letter.places.len()) {
                    // Which set it is does not matter here.
                    Some(same) => same.places.iter_mut().zip(&letter.places).for_each(|(a, b)| *a |= b),
                    None => of.push(letter.clone()),
                }
            }
            sieve.any.push(of);
        }
        sieve.sets = sets;
        Some(sieve)
    }

    fn letter(&self, c: char) -> Letter {
        let bare = norm::bare(c.encode_utf8(&mut [0; 4]));
        let letters = bare.text().chars().filter(|c| c.is_alphanumeric());
        Letter { places: letters.map(|c| self.letters.get(&c).copied().unwrap_or(0)).collect() }
    }

    /// What of some bytes may hold a reference, with what stands around it, for each of some character sets of one byte a character
    /// (by their places in what the sieve was made with).
    pub(crate) fn bytes(&self, bytes: &[u8], sets: &[usize]) -> Vec<Vec<Range<usize>>> {
        let mut out = vec![Vec::new(); sets.len()];
        let mut from = 0;
        while from < bytes.len() {
            let len = bytes[from..].iter().position(|b| is_noise(*b)).unwrap_or(bytes.len() - from);
            let run = &bytes[from..from + len];
            let range = from.saturating_sub(AROUND)..(from + len + AROUND).min(bytes.len());
            if hides(run) {
                out.iter_mut().for_each(|out| add(out, range.clone()));
            } else if self.any_set(run) {
                for (set, out) in sets.iter().zip(&mut out) {
                    if self.in_set(run, *set) {
                        add(out, range.clone());
                    }
                }
            }
            from += len + 1;
        }
        out
    }

    /// What of a text may hold a reference, with what stands around it.
    pub(crate) fn text(&self, text: &str) -> Vec<Range<usize>> {
        let mut out = Vec::new();
        let mut from = 0;
        let noise = |c: char| c == '\u{fffd}' || (c.is_ascii() && is_noise(c as u8));
        for run in text.split_inclusive(noise) {
            let to = from + run.len();
            if hides(run.as_bytes()) || self.spells(run) {
                let from = (0..=from.saturating_sub(AROUND)).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
                let end = (to + AROUND..text.len()).find(|i| text.is_char_boundary(*i)).unwrap_or(text.len());
                add(&mut out, from..end);
            }
            from = to;
        }
        out
    }

    /// Whether the letters of an anchor follow each other in a text, whatever signs stand between.
    fn spells(&self, text: &str) -> bool {
        let (mut state, mut digits) = (0, 0);
        for c in text.chars() {
            if c.is_ascii() {
                if c.is_ascii_alphanumeric() {
                    state = step(state, self.ascii[c as usize]);
                    digits = if c.is_ascii_digit() { digits + 1 } else { 0 };
                    if state & self.ends != 0 || (self.phones && digits >= NUMBER) {
                        return true;
                    }
                }
                continue;
            }
            // Of these noise in UTF-16 is full; they are their own bare form.
            if matches!(c, '\u{3041}'..='\u{3096}' | '\u{30a1}'..='\u{30fa}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}')
            {
                state = step(state, self.letters.get(&c).copied().unwrap_or(0));
            } else {
                let found;
                let letter = match self.known.get(&c) {
                    Some(letter) => letter,
                    None => {
                        found = self.letter(c);
                        &found
                    }
                };
                for places in &letter.places {
                    state = step(state, *places);
                    if state & self.ends != 0 {
                        return true;
                    }
                }
            }
            if state & self.ends != 0 {
                return true;
            }
        }
        false
    }

    /// As [`Self::spells`], of bytes that may be in any of the sets.
    fn any_set(&self, bytes: &[u8]) -> bool {
        self.follow(bytes, |state, high| {
            self.any[high].iter().fold(0, |next, letter| next | self.through(state, letter))
        })
    }

    /// As [`Self::spells`], of bytes in one of the sets.
    fn in_set(&self, bytes: &[u8], set: usize) -> bool {
        self.follow(bytes, |state, high| self.through(state, &self.sets[set][high]))
    }

    /// The state behind all letters of a character; one that ends an anchor is kept.
    fn through(&self, mut state: u64, letter: &Letter) -> u64 {
        let mut ended = 0;
        for places in &letter.places {
            state = step(state, *places);
            ended |= state & self.ends;
        }
        state | ended
    }

    /// Whether the letters of an anchor follow each other in bytes. `high`: from a state to the one behind a byte beyond ASCII.
    fn follow(&self, bytes: &[u8], high: impl Fn(u64, usize) -> u64) -> bool {
        let (mut state, mut digits) = (0, 0);
        for b in bytes {
            if b.is_ascii_alphanumeric() {
                state = step(state, self.ascii[usize::from(*b)]);
                digits = if b.is_ascii_digit() { digits + 1 } else { 0 };
                if self.phones && digits >= NUMBER {
                    return true;
                }
            } else if !b.is_ascii() {
                state = high(state, usize::from(b & 0x7f));
            }
            if state & self.ends != 0 {
                return true;
            }
        }
        false
    }
}

/// Whether letters of an anchor may be hidden in a stretch of text: by an escape that stands for one, by what is taken out
/// together with other letters, or in what is encoded as a whole.
fn hides(text: &[u8]) -> bool {
    let (mut encoded, mut opened) = (0, false);
    for (i, b) in text.iter().enumerate() {
        if b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_' | b'\\') {
            encoded += 1;
            if encoded >= ENCODED {
                return true;
            }
        } else {
            encoded = 0;
        }
        opened |= *b == b'[';
        if SIGN[usize::from(*b)] && hidden(*b, opened, &text[i + 1..]) {
            return true;
        }
    }
    false
}

/// Adds a stretch to those before it, of which the last may reach into it.
fn add(out: &mut Vec<Range<usize>>, range: Range<usize>) {
    match out.last_mut() {
        Some(last) if last.end >= range.start => last.end = last.end.max(range.end),
        _ => out.push(range),
    }
}

/// The groups of anchors whose first letters stand up to here, where they stood one letter before.
const fn step(state: u64, places: u64) -> u64 {
    (state << 8 | 0xff) & places
}

/// A control that no text has; the escape of a terminal's colours is none.
const fn is_noise(b: u8) -> bool {
    b < b' ' && !matches!(b, b'\t'..=b'\r' | 0x1b) || b == 0x7f
}

/// What may begin something that hides letters.
const SIGN: [bool; 256] = {
    let mut signs = [false; 256];
    let all = b"\\%=&<{|]\"\x1b";
    let mut i = 0;
    while i < all.len() {
        signs[all[i] as usize] = true;
        i += 1;
    }
    signs
};

/// Whether a sign with `behind` behind it may hide a letter, or take some out: see [`crate::extract::layers`]. `opened`: a bracket
/// stands somewhere before it.
fn hidden(sign: u8, opened: bool, behind: &[u8]) -> bool {
    let at = |i: usize| behind.get(i).copied().unwrap_or(0);
    let hex = |i: usize| at(i).is_ascii_hexdigit();
    let closes = |with: u8, within: usize| memchr::memchr(with, &behind[..behind.len().min(within)]).is_some();
    match sign {
        b'\\' => match at(0) {
            b'u' | b'x' | b'U' => hex(1) || at(1) == b'{',
            b'0'..=b'3' => at(1).is_ascii_digit() && at(2).is_ascii_digit(),
            b'e' => at(1) == b'[',
            _ => false,
        },
        b'%' => hex(0) && hex(1) || (at(0) == b'u' && hex(1)),
        b'=' => {
            let space = behind.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
            // Behind a soft line break an escape may go on.
            (hex(0) && hex(1)) || matches!(at(space), b'\n' | b'\r')
        }
        b'&' => (at(0) == b'#' || at(0).is_ascii_alphabetic()) && closes(b';', 24),
        b'<' => {
            (at(0).is_ascii_alphabetic() || matches!(at(0), b'/' | b'?' | b'!' | b'\\'))
                && (closes(b'>', FARTHEST) || at(1) == b'[')
        }
        b'{' => at(0).is_ascii_alphabetic() && closes(b'}', 400),
        b'|' => opened && closes(b']', FARTHEST),
        b']' => (at(0) == b'(' && closes(b')', FARTHEST)) || (at(0) == b'[' && closes(b']', FARTHEST)),
        b'"' => behind.starts_with(b"text"),
        0x1b => matches!(at(0), b'[' | b']'),
        _ => false,
    }
}

//! What of a view can hold no needle, so that it need not be taken apart: most of what is random or packed.
//!
//! A view is cut where a character stands that no text has: a control, or what no encoding gives. JSON (RFC 8259, section 7)
//! and XML (section 2.2) forbid both, so no string and no tag reaches over one. Of the stretches between them
//! those are kept in which the letters of a needle follow each other, whatever signs stand between, and those in which they may
//! be hidden: under escapes, between tags, in base64. A stretch that is kept stays as it is, with what stands around it.

use super::{
    Placed,
    compare::Needle,
    peel::{BARRIER, folded},
};

/// So many letters of a needle tell whether it may stand somewhere.
const TELLING: usize = 4;

/// What is kept on either side of a stretch, in characters: what makes a hit a near miss, and the window around it.
const AROUND: usize = 64;

/// Base64 shorter than this holds no name: see `encoded`.
const SHORTEST_BASE64: usize = 16;

/// The farthest end of a tag, a link or a brace.
const FARTHEST: usize = 8192;

/// Tells where needles may stand.
pub(super) struct Sieve {
    /// Nothing can be ruled out.
    all: bool,
    /// The first letters of needles, those of as many letters together.
    firsts: Vec<Firsts>,
    /// What each character of Latin-1 folds to, as far as it is letters and digits.
    latin: Vec<Vec<char>>,
    /// Some needle is written in the parts of Hangul.
    hangul: bool,
    phones: bool,
}

/// First letters of needles, all as many. Each letter counts by its last 16 bits.
struct Firsts {
    /// The bits of so many letters.
    mask: u64,
    /// Sorted.
    keys: Vec<u64>,
    /// Which keys there may be, by hash.
    filter: Box<[bool; 1 << 10]>,
}

impl Sieve {
    pub(super) fn new(needles: &[Needle]) -> Self {
        let mut sieve = Self {
            all: false,
            firsts: Vec::new(),
            latin: (0..=u8::MAX).map(|b| letters(char::from(b)).collect()).collect(),
            hangul: false,
            phones: false,
        };
        let mut keys: [Vec<u64>; TELLING] = Default::default();
        for needle in needles {
            for told in needle.told() {
                let told: Vec<char> = told.into_iter().take(TELLING).collect();
                sieve.all |= told.is_empty();
                sieve.hangul |= told.iter().any(|c| matches!(c, '\u{1100}'..='\u{11ff}'));
                if let Some(fewer) = told.len().checked_sub(1) {
                    keys[fewer].push(told.iter().fold(0, |key, c| push(key, *c)));
                }
            }
            sieve.phones |= matches!(needle, Needle::Phone(_));
        }
        for (fewer, mut keys) in keys.into_iter().enumerate().filter(|(_, keys)| !keys.is_empty()) {
            keys.sort_unstable();
            keys.dedup();
            let mut filter = Box::new([false; 1 << 10]);
            keys.iter().for_each(|key| filter[hash(*key)] = true);
            sieve.firsts.push(Firsts { mask: u64::MAX >> (16 * (TELLING - 1 - fewer)), keys, filter });
        }
        sieve
    }

    /// What of a view may hold a needle; between what is left of it stands what no needle reaches over.
    pub(super) fn keep(&self, view: Vec<Placed>) -> Vec<Placed> {
        if self.all {
            return view;
        }
        let mut out: Vec<Placed> = Vec::new();
        // Up to where the view is in `out`.
        let mut done = 0;
        let mut from = 0;
        while from < view.len() {
            let len = view[from..].iter().take_while(|(c, _)| !is_noise(*c)).count();
            let to = from + len;
            if self.may_hold(&view[from..to]) {
                let start = from.saturating_sub(AROUND).max(done);
                if start > done && !out.is_empty() {
                    out.push((BARRIER, view[done].1));
                }
                done = (to + AROUND).min(view.len());
                out.extend_from_slice(&view[start..done]);
            }
            // What was taken along behind a stretch may be the beginning of the next one, which is looked at all the same.
            from = to + 1;
        }
        if out.len() == view.len() { view } else { out }
    }

    /// Whether a stretch of text may hold a needle.
    fn may_hold(&self, text: &[Placed]) -> bool {
        let mut key = 0;
        let (mut base64, mut between) = (0, 0);
        for (i, &(c, _)) in text.iter().enumerate() {
            if c.is_ascii() && !c.is_ascii_alphanumeric() && self.hides(c, &text[i + 1..]) {
                return true;
            }
            if c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '-' | '_') {
                base64 += 1;
                between = 0;
            } else if c.is_whitespace() || c == '\\' {
                between += 1;
            } else {
                base64 = 0;
            }
            if base64 >= SHORTEST_BASE64 && between == 0 {
                return true;
            }
            if c.is_ascii() {
                if c.is_ascii_alphanumeric() {
                    key = push(key, c.to_ascii_lowercase());
                    if self.begins(key) {
                        return true;
                    }
                }
                continue;
            }
            let mut any = false;
            let mut take = |letter: char| {
                key = push(key, letter);
                any |= self.begins(key);
            };
            match (self.latin.get(c as usize), c) {
                (Some(letters), _) => letters.iter().copied().for_each(take),
                // These fold to themselves, and Hangul to parts of which no needle is made.
                (None, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{a000}'..='\u{a48c}') => take(c),
                (None, '\u{ac00}'..='\u{d7a3}') if !self.hangul => take(c),
                (None, '\u{e000}'..='\u{f8ff}') => {}
                (None, _) => letters(c).for_each(take),
            }
            if any {
                return true;
            }
        }
        false
    }

    /// Whether the last letters are the first ones of a needle.
    fn begins(&self, key: u64) -> bool {
        self.firsts.iter().any(|firsts| {
            let key = key & firsts.mask;
            firsts.filter[hash(key)] && firsts.keys.binary_search(&key).is_ok()
        })
    }

    /// Whether the letters of a needle may be hidden by what a sign and the text behind it are: an escape that stands for a
    /// letter, or what is taken out together with letters.
    fn hides(&self, sign: char, behind: &[Placed]) -> bool {
        let at = |i: usize| behind.get(i).map_or(' ', |(c, _)| *c);
        let hex = |i: usize| at(i).is_ascii_hexdigit();
        let closes = |with: char, within: usize| behind.iter().take(within).any(|(c, _)| *c == with);
        // What closes is looked for farther than `peel` does, since line breaks and escapes of signs are taken out before.
        match sign {
            '\\' => at(0) == 'u' && hex(1),
            '%' | '=' => hex(0) && hex(1),
            '&' => closes(';', 64),
            '<' => closes('>', FARTHEST) || closes('[', 16),
            '{' => closes('}', FARTHEST),
            '|' => closes(']', FARTHEST),
            '"' => {
                let name: String = (0..6).map(at).collect();
                matches!(name.get(..5), Some("text\"" | "type\"")) || name.starts_with("text\\")
            }
            '(' => self.phones && at(0) == '0' && at(1) == ')',
            _ => false,
        }
    }
}

/// A character that no text has.
fn is_noise(c: char) -> bool {
    c == '\u{fffd}' || (c.is_ascii_control() && !matches!(c, '\t'..='\r' | '\u{1b}'))
}

/// The letters and digits that a character folds to.
fn letters(c: char) -> impl Iterator<Item = char> {
    let mut out = Vec::new();
    folded(c, |letter| out.push(letter));
    out.into_iter().filter(|c| c.is_alphanumeric())
}

/// The last letters, with one more.
const fn push(key: u64, c: char) -> u64 {
    key << 16 | (c as u64 & 0xffff)
}

const fn hash(key: u64) -> usize {
    (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54) as usize
}

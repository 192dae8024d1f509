//! The words that stand for spellings: which word of each, and quick questions about them. Their number hardly matters: a
//! word is looked up by its hash, and no spelling is stored.
//!
//! Pure. A word here is a run of ASCII letters and digits, lower case, or of other letters; a text that spells a needle
//! holds its anchor as a whole word, since no ASCII letter or digit may stand against a hit.

use std::collections::HashSet;

use super::super::{
    latin::{Letter, letter},
    matcher_bounds::joins_words,
};

/// ASCII words, looked up in whatever case. Holds each once.
pub(crate) struct Words {
    text: Vec<u8>,
    /// Where each word stands in `text`.
    spans: Vec<(u32, u32)>,
    /// One more than the word's number, by hash; a power of two long.
    table: Vec<u32>,
    /// Two bits of every word: a word that lacks one is none of these.
    filter: Vec<u64>,
    lengths: std::ops::RangeInclusive<usize>,
}

impl Words {
    pub(crate) fn new<'a>(words: impl Iterator<Item = &'a str>) -> Self {
        let mut text = Vec::new();
        let mut spans = Vec::new();
        for word in words.filter(|w| !w.is_empty()) {
            let from = u32::try_from(text.len()).unwrap_or(u32::MAX);
            text.extend_from_slice(word.to_ascii_lowercase().as_bytes());
            spans.push((from, u32::try_from(text.len()).unwrap_or(u32::MAX)));
        }
        let lengths = spans.iter().map(|(from, to)| (to - from) as usize);
        let lengths = lengths.clone().min().unwrap_or(1)..=lengths.max().unwrap_or(0);
        let mut words = Self {
            table: vec![0; (spans.len() * 2).next_power_of_two().max(16)],
            filter: vec![0; (spans.len() / 4).next_power_of_two().max(16)],
            text,
            spans,
            lengths,
        };
        for n in 0..words.spans.len() {
            let hash = hash(words.word(n));
            let (at, bits) = words.filter_bits(hash);
            words.filter[at] |= bits;
            let mut slot = words.slot(hash);
            while words.table[slot] != 0 {
                slot = (slot + 1) & (words.table.len() - 1);
            }
            words.table[slot] = u32::try_from(n + 1).unwrap_or(u32::MAX);
        }
        words
    }

    fn word(&self, n: usize) -> &[u8] {
        let (from, to) = self.spans[n];
        &self.text[from as usize..to as usize]
    }

    fn slot(&self, hash: u64) -> usize {
        (hash >> 32) as usize & (self.table.len() - 1)
    }

    fn filter_bits(&self, hash: u64) -> (usize, u64) {
        ((hash >> 12) as usize & (self.filter.len() - 1), 1 << (hash & 63) | 1 << (hash >> 6 & 63))
    }

    /// The number of a word, which is all ASCII letters and digits.
    #[inline]
    pub(crate) fn get(&self, word: &[u8]) -> Option<usize> {
        if !self.lengths.contains(&word.len()) {
            return None;
        }
        let hash = hash(word);
        let (at, bits) = self.filter_bits(hash);
        if self.filter[at] & bits != bits {
            return None;
        }
        let mut slot = self.slot(hash);
        loop {
            let n = (self.table[slot] as usize).checked_sub(1)?;
            if self.word(n).eq_ignore_ascii_case(word) {
                return Some(n);
            }
            slot = (slot + 1) & (self.table.len() - 1);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.spans.len()
    }

    pub(crate) fn longest(&self) -> usize {
        *self.lengths.end()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.spans.len()).map(|n| self.word(n))
    }
}

/// Lower case of letters; digits stay.
const LOWER: u64 = 0x2020_2020_2020_2020;

/// A hash of ASCII letters and digits in any case.
#[inline]
fn hash(word: &[u8]) -> u64 {
    let (head, tail) = match (word.first_chunk::<8>(), word.last_chunk::<8>()) {
        (Some(head), Some(tail)) => (u64::from_le_bytes(*head), u64::from_le_bytes(*tail)),
        _ => (word.iter().fold(0, |n, b| n << 8 | u64::from(*b)), 0),
    };
    let mixed = (head | LOWER) ^ (tail | LOWER).rotate_left(29) ^ (word.len() as u64).wrapping_mul(0x9e37_79b9);
    let mixed = mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

/// The anchors of all spellings: ASCII words, numbered first, and others.
pub(crate) struct Anchors {
    words: Words,
    foreign: Vec<Box<str>>,
    /// The characters that the others hold.
    letters: HashSet<char>,
    /// By number: whether an anchor stands for nothing but a given name with an initial behind it ("Anna B.").
    short: Vec<bool>,
}

impl Anchors {
    /// Of words without repetition, ASCII first; `short` says of each whether it stands for nothing but a given name with an
    /// initial behind it.
    pub(crate) fn new<'a>(words: impl Iterator<Item = &'a str> + Clone, short: Vec<bool>) -> Self {
        let foreign: Vec<Box<str>> = words.clone().filter(|w| !w.is_ascii()).map(Into::into).collect();
        let letters = foreign.iter().flat_map(|w| w.chars()).collect();
        Self { words: Words::new(words.filter(|w| w.is_ascii())), foreign, letters, short }
    }

    /// Whether the word at `from..to` of `bytes`, which is all ASCII letters and digits, is an anchor of a spelling that may stand
    /// there.
    #[inline]
    pub(crate) fn may_stand(&self, bytes: &[u8], from: usize, to: usize) -> bool {
        let Some(n) = self.words.get(&bytes[from..to]) else { return false };
        !(self.short.get(n) == Some(&true) && no_initial(&bytes[to..]))
    }

    pub(crate) fn words(&self) -> &Words {
        &self.words
    }

    pub(crate) fn foreign(&self) -> &[Box<str>] {
        &self.foreign
    }

    /// Whether an anchor that is not ASCII holds `c`.
    pub(super) fn foreign_letter(&self, c: char) -> bool {
        self.letters.contains(&c)
    }

    /// The number of an anchor.
    pub(crate) fn number(&self, word: &str) -> Option<usize> {
        if word.is_ascii() {
            return self.words.get(word.as_bytes());
        }
        self.foreign.binary_search_by(|w| (**w).cmp(word)).ok().map(|n| self.words.len() + n)
    }
}

/// Whether what stands right behind a given name is surely no gap with one letter behind it and a dot, in whatever layers: a sign
/// that none of them takes away, or a plain space and a longer word. A comma or a quote may part two fields that are read as one.
fn no_initial(behind: &[u8]) -> bool {
    match behind {
        [b'.' | b'@', ..] => true,
        [b' ', word @ ..] => letter_at(word).is_some_and(|len| letter_at(&word[len..]).is_some()),
        _ => false,
    }
}

/// The length of the letter or digit that some bytes begin with, which stays one whatever comes off: plain, with a diacritic that
/// Latin has, or such a one as JSON escapes it.
fn letter_at(bytes: &[u8]) -> Option<usize> {
    let is_letter = |code: u32| char::from_u32(code).is_some_and(|c| matches!(letter(c), Letter::Is(_)));
    match *bytes {
        [b, ..] if b.is_ascii_alphanumeric() => Some(1),
        [lead @ 0xc3..=0xc5, follows @ 0x80..=0xbf, ..] => {
            is_letter(u32::from(lead & 0x1f) << 6 | u32::from(follows & 0x3f)).then_some(2)
        }
        [b'\\', b'u', a, b, c, d, ..] => {
            let code = [a, b, c, d].iter().try_fold(0, |n, b| Some(n << 4 | char::from(*b).to_digit(16)?));
            code.is_some_and(is_letter).then_some(6)
        }
        _ => None,
    }
}

/// Chooses one word for each spelling of an identifier, so that few words stand for many: the one that the fewest
/// identifiers have, by `common`, of such one that another spelling has already, then the longest. `None` for a spelling
/// without a letter or digit. Of an e-mail address only the mailbox counts, if it has a word of three letters.
pub(crate) fn choose<'a>(spellings: &[&'a str], common: &dyn Fn(&str) -> u32) -> Vec<Option<&'a str>> {
    let words: Vec<Vec<(u32, &str)>> = spellings
        .iter()
        .map(|spelling| {
            let mailbox = spelling.rsplit_once('@').map_or(*spelling, |(local, _)| local);
            let telling = mailbox == *spelling || words_at(mailbox).any(|(_, w)| w.len() >= 3);
            let counted = |(_, w): (usize, &'a str)| (common(w).max(1).ilog2(), w);
            words_at(if telling { mailbox } else { spelling }).map(counted).collect()
        })
        .collect();
    let mut order: Vec<usize> = (0..spellings.len()).collect();
    // Where there is no choice first: the others may use the same word.
    order.sort_by_key(|n| words[*n].len());
    let mut used: HashSet<&str> = HashSet::new();
    let mut chosen = vec![None; spellings.len()];
    for n in order {
        let word = words[n].iter().max_by_key(|(common, w)| {
            (w.is_ascii() && w.len() > 2, std::cmp::Reverse(*common), used.contains(w), w.len())
        });
        if let Some((_, word)) = word {
            used.insert(word);
            chosen[n] = Some(*word);
        }
    }
    chosen
}

/// The words of a bare text, and where each begins: runs of ASCII letters and digits, and runs of other letters. Where a
/// script that writes no gaps meets another, a word may end, so its letters are a kind of their own.
pub(crate) fn words_at(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let kind = |c: char| {
        if c.is_ascii_alphanumeric() {
            1
        } else if c.is_ascii() || !c.is_alphanumeric() {
            0
        } else if joins_words(c) {
            3
        } else {
            2
        }
    };
    let mut at = 0;
    std::iter::from_fn(move || {
        let from = at + text[at..].find(|c| kind(c) != 0)?;
        let first = kind(text[from..].chars().next()?);
        at = text[from..].find(|c| kind(c) != first).map_or(text.len(), |i| from + i);
        Some((from, &text[from..at]))
    })
}

/// No letter or digit.
pub(super) const GAP: u8 = 36;
/// What it stands for is not known.
pub(super) const WILD: u8 = 37;

/// What a byte of a text may be to the word beside it: a letter, a digit, certainly nothing of a word, or unknown.
pub(super) const SYMBOL: [u8; 256] = {
    let mut symbols = [WILD; 256];
    let gaps = b" \t\n\r!\"#$'(),./:@`";
    let mut i = 0;
    while i < gaps.len() {
        symbols[gaps[i] as usize] = GAP;
        i += 1;
    }
    i = 0;
    while i < 26 {
        symbols[b'a' as usize + i] = i as u8;
        symbols[b'A' as usize + i] = i as u8;
        i += 1;
    }
    i = 0;
    while i < 10 {
        symbols[b'0' as usize + i] = 26 + i as u8;
        i += 1;
    }
    symbols
};

/// Which letters and digits follow each other in some words, three at a time, with the gaps at their ends.
pub(super) struct Neighbours(Vec<u64>);

impl Neighbours {
    pub(super) fn new(words: &Words) -> Self {
        let mut neighbours = Self(vec![0; 38 * 38 * 38 / 64 + 1]);
        for word in words.iter() {
            let at = |i: usize| i.checked_sub(1).and_then(|i| word.get(i)).map_or(GAP, |b| SYMBOL[usize::from(*b)]);
            for i in 0..=word.len() + 1 {
                let (a, b, c) =
                    (if i == 0 { WILD } else { at(i - 1) }, at(i), if i > word.len() { WILD } else { at(i + 1) });
                for a in [a, WILD] {
                    for c in [c, WILD] {
                        let n = Self::index(a, b, c);
                        neighbours.0[n / 64] |= 1 << (n % 64);
                    }
                }
            }
        }
        neighbours
    }

    fn index(a: u8, b: u8, c: u8) -> usize {
        (usize::from(a) * 38 + usize::from(b)) * 38 + usize::from(c)
    }

    /// Whether `b`, no wild one, stands between `a` and `c` in a word.
    #[inline]
    pub(super) fn may(&self, a: u8, b: u8, c: u8) -> bool {
        let n = Self::index(a, b, c);
        self.0[n / 64] >> (n % 64) & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn words_are_what_was_put_in(
            list in prop::collection::hash_set("[a-z0-9]{1,20}", 0..60),
            others in prop::collection::vec("[a-zA-Z0-9]{1,20}", 0..60),
        ) {
            let list: Vec<String> = list.into_iter().collect();
            let words = Words::new(list.iter().map(String::as_str));
            for (n, word) in list.iter().enumerate() {
                prop_assert_eq!(words.get(word.as_bytes()), Some(n));
                prop_assert_eq!(words.get(word.to_ascii_uppercase().as_bytes()), Some(n));
            }
            for other in others {
                let known = list.iter().position(|w| w.eq_ignore_ascii_case(&other));
                prop_assert_eq!(words.get(other.as_bytes()), known);
            }
        }

        #[test]
        fn an_anchor_is_a_word_of_its_spelling(spellings in prop::collection::vec("[a-c éл田 .@-]{0,12}", 0..12)) {
            let spellings: Vec<&str> = spellings.iter().map(String::as_str).collect();
            for (spelling, anchor) in spellings.iter().zip(choose(&spellings, &|_| 1)) {
                match anchor {
                    Some(anchor) => prop_assert!(words_at(spelling).any(|(at, w)| w == anchor && spelling[at..].starts_with(w))),
                    None => prop_assert!(!spelling.contains(char::is_alphanumeric)),
                }
            }
        }
    }
}

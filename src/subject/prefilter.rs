//! The prefilter: can these bytes hold a reference at all? Answers in one fast pass over raw bytes, so that only what
//! may match is parsed, normalised and matched with care.
//!
//! Sound, which a property test holds: whatever the careful road finds, the prefilter lets through. It looks for one
//! word of each spelling, a run of letters and digits, for which it has to see through everything that the careful road
//! sees through:
//! * case: the search takes any case of ASCII;
//! * other letters (diacritics, full width, soft hyphens): words with a byte beyond ASCII are normalised on their own;
//! * escapes (`\u00eb`, `%40`, `&euml;`): the word around one is decoded on its own;
//! * markup inside a word (`Ja<b>ne</b>`, `Ja{*}n{*}e`): a window around it is stripped;
//! * ADF text nodes that split a word: runs of text nodes without a gap between are joined;
//! * base64: runs of its characters are decoded and asked in their turn.

use std::{
    ops::ControlFlow::{Break, Continue},
    sync::Arc,
};

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, MatchKind, packed};

pub(super) mod anchors;
mod marks;
mod quick;
mod sweep;

use anchors::{Anchors, Neighbours, Words};
use marks::{
    CLASS, ESCAPE, LETTER, TERMINAL, after_escaped_space, back, escaped_gap, escaped_tag, forth, is_escape, joins,
    letters, letters_around, lone, markup_end, markup_run, may_join, member_string, quoted_decoded, soft_break,
    spanning, wide, word_around,
};
pub(super) use marks::{is_entity, percent};
use sweep::Sweep;

use super::latin;
use crate::{
    extract::{encoded, encoding, layers, views},
    norm::{self, Mapped},
};

/// Of so few words the letters are compared with those of a text.
const FEW: usize = 32;

/// The most patterns of the vector search.
const PATTERNS: usize = 64;

/// What the prefilter knows of some bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// They may hold a reference.
    May,
    /// They hold none.
    No {
        /// Whether they are known to be UTF-8.
        utf8: bool,
    },
}

/// Says whether bytes may hold a reference.
pub(super) struct Prefilter {
    /// Nothing can be ruled out.
    always: bool,
    anchors: Arc<Anchors>,
    neighbours: Neighbours,
    /// Windows of words for the vector search, where they are few; else every word is looked up.
    packed: Option<packed::Searcher>,
    /// The letters and digits of each word, where the words are few.
    letters: Vec<u64>,
    /// The anchors that are not ASCII, over bare text.
    others: Option<AhoCorasick>,
    /// The longest anchor, in bytes.
    longest: usize,
    /// The name of a text node's member.
    text: memchr::memmem::Finder<'static>,
}

impl std::fmt::Debug for Prefilter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prefilter").field("words", &self.anchors.words().len()).finish_non_exhaustive()
    }
}

impl Prefilter {
    /// A prefilter for anchors. Where `always`, nothing is ruled out.
    pub(super) fn new(anchors: Arc<Anchors>, always: bool) -> Result<Self, aho_corasick::BuildError> {
        let foreign = anchors.foreign();
        let others = if foreign.is_empty() {
            None
        } else {
            Some(
                AhoCorasickBuilder::new()
                    .match_kind(MatchKind::Standard)
                    .build(foreign.iter().map(|w| w.as_bytes()))?,
            )
        };
        let words = anchors.words();
        let few = words.len() <= FEW;
        Ok(Self {
            always,
            neighbours: Neighbours::new(words),
            packed: if few { packed_search(words) } else { None },
            letters: if few { words.iter().map(|w| letters(w).0).collect() } else { Vec::new() },
            others,
            longest: words.longest().max(foreign.iter().map(|w| w.len()).max().unwrap_or(0)),
            anchors,
            text: memchr::memmem::Finder::new(b"\"text\""),
        })
    }

    /// What `bytes` may hold; [`Look::No`] is certain.
    #[must_use]
    pub(super) fn look(&self, bytes: &[u8]) -> Look {
        if self.always {
            return Look::May;
        }
        if self.anchors.words().len() == 0 && self.others.is_none() {
            return Look::No { utf8: false };
        }
        // UTF-16 is decoded as a whole.
        if wide(bytes) {
            return Look::May;
        }
        self.look_within(bytes, encoded::DEEPEST)
    }

    /// As [`Prefilter::look`] for text in which as many texts may be encoded one in the other.
    fn look_within(&self, bytes: &[u8], depth: usize) -> Look {
        let (found, utf8) = match self.pass(bytes, depth, true) {
            Some(found) => (found, true),
            None => (self.pass(bytes, depth, false).unwrap_or(true), false),
        };
        if found || self.split(bytes, depth) { Look::May } else { Look::No { utf8 } }
    }

    /// As [`Prefilter::look_within`], yes or no.
    pub(super) fn may_match_within(&self, bytes: &[u8], depth: usize) -> bool {
        self.always || self.look_within(bytes, depth) == Look::May
    }

    /// One pass over `bytes`, chunk by chunk: plain words, hidden ones, base64. With `utf8` it takes quick answers that
    /// hold in UTF-8 only, and gives `None` where the bytes are none.
    fn pass(&self, bytes: &[u8], depth: usize, utf8: bool) -> Option<bool> {
        let mut sweep = Sweep::new(bytes);
        let (mut plain, mut hidden, mut run, mut valid) = (0, 0, 0, 0);
        loop {
            let end = sweep.end();
            if utf8 {
                // A character may lie across the end of the chunk.
                let mut to = end;
                while to < bytes.len() && to > valid && bytes[to] & 0xc0 == 0x80 {
                    to -= 1;
                }
                simdutf8::basic::from_utf8(&bytes[valid..to]).ok()?;
                valid = to;
            }
            match &self.packed {
                Some(search) => {
                    let within = bytes.len().min(end + 2);
                    while let Some(m) = search.find_in(&bytes[..within], (plain..within).into()) {
                        let (from, to) = run_around(bytes, m.start(), self.longest + 2);
                        if self.word_at(bytes, from, to) {
                            return Some(true);
                        }
                        plain = to.max(m.start() + 1);
                        if plain >= within {
                            break;
                        }
                    }
                    plain = plain.max(end.saturating_sub(2));
                }
                None => {
                    while let Some((from, to)) = sweep.word(plain) {
                        if self.word_at(bytes, from, to) {
                            return Some(true);
                        }
                        plain = to;
                    }
                }
            }
            while let Some(at) = sweep.suspect(hidden) {
                hidden = match self.quick(bytes, at, utf8) {
                    Some(next) => next,
                    None => match self.suspect(bytes, at) {
                        Some(next) => next,
                        None => return Some(true),
                    },
                };
            }
            if depth > 0 {
                while let Some(at) = sweep.run(run) {
                    let (found, next) = encoded::promising(bytes, at);
                    run = next;
                    if found.is_some_and(|found| self.decoded(&found, depth - 1)) {
                        return Some(true);
                    }
                }
            }
            if !sweep.advance() {
                return Some(false);
            }
        }
    }

    /// Whether a text that a run stands for holds an anchor.
    fn decoded(&self, run: &encoded::Run<'_>, depth: usize) -> bool {
        run.readings().any(|reading| self.may_match_within(reading.text().as_bytes(), depth))
    }

    /// Whether the run of letters and digits at `from..to` is an anchor, or is without what may belong to an escape in
    /// front of it: the letter of `\n`, the digits of `%20`.
    #[inline]
    fn word_at(&self, bytes: &[u8], from: usize, to: usize) -> bool {
        let word = &bytes[from..to];
        if self.anchors.words().get(word).is_some() {
            return true;
        }
        match from.checked_sub(1).map(|i| bytes[i]) {
            Some(b'\\') => {
                matches!(word.first(), Some(b'n' | b'r' | b't' | b'b' | b'f'))
                    && self.anchors.words().get(&word[1..]).is_some()
            }
            Some(b'%') => {
                word.len() > 2
                    && percent(bytes, from - 1).is_some_and(marks::separates)
                    && self.anchors.words().get(&word[2..]).is_some()
            }
            Some(b'=') => {
                word.len() > 2
                    && views::quoted(bytes, from - 1).is_some_and(marks::separates)
                    && self.anchors.words().get(&word[2..]).is_some()
            }
            _ => false,
        }
    }

    /// Whether a word of `bytes`, as it stands, is an anchor.
    fn any_word(&self, bytes: &[u8]) -> bool {
        let mut at = 0;
        while let Some(i) = bytes[at..].iter().position(u8::is_ascii_alphanumeric) {
            let from = at + i;
            let rest = &bytes[from..];
            let to = from + rest.iter().position(|b| !b.is_ascii_alphanumeric()).unwrap_or(rest.len());
            if self.word_at(bytes, from, to) {
                return true;
            }
            at = to;
        }
        false
    }

    /// Looks with care at a suspect byte: where to go on, or `None` where a word hides there.
    fn suspect(&self, bytes: &[u8], at: usize) -> Option<usize> {
        let b = bytes[at];
        match CLASS[usize::from(b)] {
            0 => Some(at + 1),
            LETTER => {
                // Escapes and markup against it are suspect themselves.
                let (from, to) = letters_around(bytes, at);
                if self.word(&bytes[from..to]) { None } else { Some(to) }
            }
            ESCAPE => {
                if b == b'=' && self.broken(bytes, at) {
                    return None;
                }
                if !is_escape(bytes, at) {
                    return Some(at + 1);
                }
                let (from, to) = word_around(bytes, at);
                if self.word(&bytes[from..to]) {
                    return None;
                }
                // A tag under escapes may have spaces in it, at which the word seems to end.
                if let Some(end) = escaped_tag(bytes, at)
                    && end > to
                    && self.word(&bytes[from..forth(bytes, end, self.reach())])
                {
                    return None;
                }
                Some(spanning(bytes, at + 1, to.max(at + 1)))
            }
            TERMINAL => {
                let end = markup_end(bytes, at);
                if end == at {
                    return Some(at + 1);
                }
                let from = back(bytes, at, self.longest * 12);
                if self.word(&bytes[from..forth(bytes, end, self.reach())]) { None } else { Some(end) }
            }
            _ => {
                // What stands inside braces or a tag is looked at in its turn, so nothing is skipped here.
                let next = at + 1;
                if at < 1 || !may_join(bytes[at - 1]) || lone(b, bytes.get(next)) {
                    return Some(next);
                }
                let end = markup_run(bytes, at);
                let broken = soft_break(bytes, end);
                let inside = broken.is_some()
                    || views::quoted_char(bytes, end).is_some()
                    || (bytes.get(end).is_some_and(|b| may_join(*b)) && escaped_gap(bytes, end).is_none());
                if end < next || !inside || after_escaped_space(bytes, at) {
                    return Some(next);
                }
                let from = back(bytes, at, self.longest * 12);
                let to = forth(bytes, end + broken.unwrap_or(0), self.reach());
                if self.word(&bytes[from..to]) {
                    return None;
                }
                if let Some(len) = broken
                    && self.word(&[&bytes[from..end], &bytes[end + len..to]].concat())
                {
                    return None;
                }
                let broken = |i: &usize| bytes[*i] == b'=' && soft_break(bytes, *i).is_some();
                Some((next..end).find(broken).unwrap_or(end))
            }
        }
    }

    /// How far a word is followed, in bytes: each of its letters may be escaped.
    const fn reach(&self) -> usize {
        self.longest * 24 + 512
    }

    /// Whether some bytes, decoded and stripped, hold an anchor.
    fn word(&self, bytes: &[u8]) -> bool {
        if self.others.is_none() && self.lacks_letters(bytes) {
            return false;
        }
        if self.others.is_none()
            && let Some(plain) = latin::plain(bytes)
        {
            if self.any_word(&plain) {
                return true;
            }
            // `avatarId=47` may be an address's or quoted-printable.
            let Some(decoded) = quoted_decoded(&plain) else { return false };
            if let Some(plain) = latin::plain(&decoded) {
                return self.any_word(&plain);
            }
        }
        if let Ok(text) = std::str::from_utf8(bytes) {
            return self.layers(text);
        }
        // A window may cut a character at either end; and a file that is no UTF-8 is read as Windows-1252.
        self.layers(&String::from_utf8_lossy(bytes)) || self.layers(&encoding::latin1(bytes))
    }

    /// Whether a word that the soft line break at `at` splits holds a literal.
    fn broken(&self, bytes: &[u8], at: usize) -> bool {
        let Some(len) = soft_break(bytes, at) else { return false };
        let around = self.reach();
        let from = back(bytes, at, around);
        let mut word = bytes[from..at].to_vec();
        let mut next = at + len;
        // A long word may be broken more than once.
        while word.len() < 2 * around {
            let to = forth(bytes, next, around);
            match bytes[next..to].iter().position(|b| *b == b'=').filter(|i| soft_break(bytes, next + i).is_some()) {
                Some(i) => {
                    word.extend_from_slice(&bytes[next..next + i]);
                    next += i + soft_break(bytes, next + i).unwrap_or(1);
                }
                None => {
                    word.extend_from_slice(&bytes[next..to]);
                    break;
                }
            }
        }
        self.any_word(&word) || self.word(&word)
    }

    /// Whether so many letters of each anchor are missing among the ASCII ones that the others cannot be all of them.
    fn lacks_letters(&self, bytes: &[u8]) -> bool {
        if self.letters.is_empty() {
            return false;
        }
        let (has, others) = letters(bytes);
        let Some(others) = others else { return false };
        self.letters.iter().all(|l| (l & !has).count_ones() > others)
    }

    fn layers(&self, text: &str) -> bool {
        if self.stands(text) {
            return true;
        }
        let taken = match layers::escapes(text, &mut |taken| layers::enough(self.shows(taken))) {
            Continue(taken) => taken,
            Break(()) => return true,
        };
        let text = taken.last().map_or(text, Mapped::text);
        // The window may begin inside a tag or a link's target, with which its first letters go.
        let behind = |c: char| text.find(c).map(|i| &text[i + 1..]);
        if [Some(text), behind('>'), behind(']'), behind('}')].into_iter().flatten().any(|text| self.stripped(text)) {
            return true;
        }
        // And the bracket of a link whose target stands in the window may be in front of it.
        text.contains('|') && self.stripped(&format!("[{text}"))
    }

    /// Whether a text without its markup holds a literal.
    fn stripped(&self, text: &str) -> bool {
        layers::markup(text, &mut |taken| layers::enough(self.shows(taken))).is_break()
    }

    fn shows(&self, taken: &[Mapped]) -> bool {
        taken.last().is_some_and(|view| self.stands(view.text()))
    }

    /// Whether an anchor stands in a decoded text, in whatever letters, with no ASCII letter or digit against its ASCII
    /// ends.
    fn stands(&self, text: &str) -> bool {
        let bare = norm::bare(text);
        // Of an anchor of other letters the ends are left to the careful road.
        self.others.as_ref().is_some_and(|automaton| automaton.is_match(bare.text()))
            || ascii_words(text, &bare, |from, to| self.word_at(bare.text().as_bytes(), from, to))
    }

    /// Whether text nodes that follow each other without a gap hold an anchor together.
    fn split(&self, bytes: &[u8], depth: usize) -> bool {
        let hit =
            |joined: &[u8]| self.pass(joined, depth, true).or_else(|| self.pass(joined, depth, false)).unwrap_or(true);
        // The last node's text by its first byte; its end is only looked for where the next may go on with it.
        let mut last: Option<usize> = None;
        let mut joined: Vec<u8> = Vec::new();
        for at in self.text.find_iter(bytes) {
            let Some(from) = member_string(bytes, at + 6) else { continue };
            let Some(&first) = bytes.get(from) else { break };
            let tight = match last {
                // An empty text keeps what stands around it together.
                Some(_) if first == b'"' => continue,
                Some(last) if joins(first) => {
                    let text = string_text(bytes, last);
                    let tight = text.last().is_some_and(|b| joins(*b));
                    if tight {
                        joined.extend_from_slice(text);
                    }
                    tight
                }
                _ => false,
            };
            if !tight && !joined.is_empty() {
                joined.extend_from_slice(string_text(bytes, last.unwrap_or(from)));
                if hit(&joined) {
                    return true;
                }
                joined.clear();
            }
            last = Some(from);
        }
        if joined.is_empty() {
            return false;
        }
        joined.extend_from_slice(last.map_or(&[], |last| string_text(bytes, last)));
        hit(&joined)
    }
}

/// The content of the string that begins at `from`, as far as it goes.
fn string_text(bytes: &[u8], from: usize) -> &[u8] {
    let mut at = from;
    while let Some(i) = bytes.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
        at += i;
        if bytes[at] == b'"' {
            return &bytes[from..at];
        }
        at += 2;
    }
    &bytes[from..]
}

/// The run of letters and digits around `at`; one longer than `most` before it is cut, for it is no anchor.
fn run_around(bytes: &[u8], at: usize, most: usize) -> (usize, usize) {
    let floor = at.saturating_sub(most);
    let from = bytes[floor..at].iter().rposition(|b| !b.is_ascii_alphanumeric()).map_or(floor, |i| floor + i + 1);
    let rest = &bytes[at..];
    (from, at + rest.iter().position(|b| !b.is_ascii_alphanumeric()).unwrap_or(rest.len()))
}

/// Calls `is` for every word of ASCII letters and digits in the bare form of `text` until it says yes. A symbol that is no
/// letter but stands for some, such as ™, may end a word, so what stands beside it is asked both ways.
pub(super) fn ascii_words(text: &str, bare: &norm::Normalized, mut is: impl FnMut(usize, usize) -> bool) -> bool {
    let symbol = |c: char| {
        !c.is_ascii()
            && !c.is_alphanumeric()
            && norm::bare(c.encode_utf8(&mut [0; 4])).text().bytes().any(|b| b.is_ascii_alphanumeric())
    };
    let symbols = !text.is_ascii() && text.chars().any(symbol);
    let bytes = bare.text().as_bytes();
    let mut at = 0;
    while let Some(i) = bytes[at..].iter().position(u8::is_ascii_alphanumeric) {
        let from = at + i;
        let rest = &bytes[from..];
        let to = from + rest.iter().position(|b| !b.is_ascii_alphanumeric()).unwrap_or(rest.len());
        if is(from, to) {
            return true;
        }
        if symbols {
            let mut cuts = vec![from, to];
            for i in from..to {
                let span = bare.original(i, i + 1);
                if text[span].chars().next().is_some_and(symbol) {
                    cuts.extend([i, i + 1]);
                }
            }
            cuts.sort_unstable();
            cuts.dedup();
            // Beyond a handful nobody writes them.
            for (n, a) in cuts.iter().enumerate() {
                for b in cuts[n + 1..].iter().take(16).filter(|b| (*a, **b) != (from, to)) {
                    if is(*a, *b) {
                        return true;
                    }
                }
            }
        }
        at = to;
    }
    false
}

/// A vector search for few words: windows of two or three bytes, in every case, one in each word.
fn packed_search(words: &Words) -> Option<packed::Searcher> {
    let mut left: Vec<&[u8]> = words.iter().collect();
    let mut patterns: Vec<Vec<u8>> = Vec::new();
    while !left.is_empty() {
        let short = left.iter().map(|w| w.len()).min()?;
        let len = short.min(3);
        if len < 2 {
            return None;
        }
        // Of the windows of the shortest word the one that most others have too, then the rarest.
        let shortest = left.iter().find(|w| w.len() == short)?;
        let window = shortest.windows(len).max_by_key(|window| {
            let shared = left.iter().filter(|w| w.windows(len).any(|v| v == *window)).count();
            (shared, std::cmp::Reverse(window.iter().map(|b| common(*b)).sum::<u32>()))
        })?;
        for mask in 0..1u32 << len {
            let pattern: Vec<u8> = window
                .iter()
                .enumerate()
                .map(|(i, b)| if mask >> i & 1 == 1 { b.to_ascii_uppercase() } else { *b })
                .collect();
            if !patterns.contains(&pattern) {
                patterns.push(pattern);
            }
        }
        if patterns.len() > PATTERNS {
            return None;
        }
        left.retain(|w| !w.windows(len).any(|v| v == window));
    }
    let mut builder = packed::Config::new().match_kind(packed::MatchKind::LeftmostFirst).builder();
    builder.extend(&patterns);
    builder.build()
}

/// How common a byte is in text and JSON, roughly.
const fn common(b: u8) -> u32 {
    match b {
        b'e' | b't' | b'a' | b'i' | b'n' | b'o' | b's' | b'r' => 12,
        b'l' | b'd' | b'c' | b'u' | b'm' | b'p' | b'h' => 8,
        b'f' | b'g' | b'b' | b'y' | b'w' | b'0'..=b'9' => 5,
        b'k' | b'v' => 3,
        _ => 1,
    }
}

#[cfg(test)]
mod tests;

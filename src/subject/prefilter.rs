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

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, MatchKind};

pub(super) mod anchors;
mod marks;
mod quick;
mod runs;
mod sweep;

use anchors::{Anchors, Neighbours};
use marks::{
    CLASS, ESCAPE, LETTER, TERMINAL, after_escaped_space, back, escaped_gap, escaped_tag, forth, is_escape, joins,
    letters, letters_around, lone, markup_end, markup_run, may_join, member_string, quoted_decoded, soft_break,
    spanning, wide, word_around,
};
pub(super) use marks::{is_entity, percent};
use sweep::{Heads, Sweep};

use super::latin;
use crate::{
    extract::{encoded, encoding, layers, views},
    norm::{self, Mapped},
};

/// Of so few words the letters are compared with those of a text.
const FEW: usize = 32;

/// What the prefilter knows of some bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// They may hold a reference.
    May {
        /// None lies wholly before this byte, whatever of the text is read on its own.
        clean: usize,
    },
    /// They hold none.
    No {
        /// Whether they are known to be UTF-8.
        utf8: bool,
        /// Whether they hold a zero or an escape, which may begin another character set.
        hides: bool,
    },
}

/// Why a pass over some bytes ended early.
enum Stop {
    NotUtf8,
    /// Something was found, nothing before this byte.
    May(usize),
}

/// The most text nodes that a word is looked for in where paragraphs may end between them.
const MOST_PIECES: usize = 8;

/// The most words whose beginnings tell them from others.
const HEADS: usize = 256;

/// Says whether bytes may hold a reference.
pub(super) struct Prefilter {
    /// Nothing can be ruled out.
    always: bool,
    anchors: Arc<Anchors>,
    neighbours: Neighbours,
    heads: Heads,
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
            heads: Heads::new(words, HEADS),
            letters: if few { words.iter().map(|w| letters(w).0).collect() } else { Vec::new() },
            others,
            longest: words.longest().max(foreign.iter().map(|w| w.len()).max().unwrap_or(0)),
            anchors,
            text: memchr::memmem::Finder::new(b"\"text\""),
        })
    }

    /// The words that are looked for.
    pub(super) fn anchors(&self) -> &Anchors {
        &self.anchors
    }

    /// What `bytes` may hold; [`Look::No`] is certain.
    #[must_use]
    pub(super) fn look(&self, bytes: &[u8]) -> Look {
        if self.always {
            return Look::May { clean: 0 };
        }
        if self.anchors.words().len() == 0 && self.others.is_none() {
            return Look::No { utf8: false, hides: true };
        }
        // UTF-16 is decoded as a whole.
        if wide(bytes) {
            return Look::May { clean: 0 };
        }
        match self.look_within(bytes, encoded::DEEPEST) {
            Look::May { clean } => {
                let split = self.split(&bytes[..clean], encoded::DEEPEST);
                Look::May { clean: split.unwrap_or(clean) }
            }
            no @ Look::No { .. } => no,
        }
    }

    /// As [`Prefilter::look`] for text in which as many texts may be encoded one in the other.
    fn look_within(&self, bytes: &[u8], depth: usize) -> Look {
        let mut utf8 = true;
        let mut passed = self.pass(bytes, depth, utf8);
        if matches!(passed, Err(Stop::NotUtf8)) {
            utf8 = false;
            passed = self.pass(bytes, depth, utf8);
        }
        match passed {
            Ok(hides) => match self.split(bytes, depth) {
                Some(clean) => Look::May { clean },
                None => Look::No { utf8, hides },
            },
            Err(Stop::May(clean)) => Look::May { clean },
            Err(Stop::NotUtf8) => Look::May { clean: 0 },
        }
    }

    /// As [`Prefilter::look_within`], yes or no.
    pub(super) fn may_match_within(&self, bytes: &[u8], depth: usize) -> bool {
        self.always || matches!(self.look_within(bytes, depth), Look::May { .. })
    }

    /// One pass over `bytes`, chunk by chunk: plain words, hidden ones, base64. Tells whether there may be another character
    /// set. With `utf8` it takes quick answers that hold in UTF-8 only, and ends where the bytes are none.
    fn pass(&self, bytes: &[u8], depth: usize, utf8: bool) -> Result<bool, Stop> {
        let mut sweep = Sweep::new(bytes, &self.heads);
        let (mut plain, mut hidden, mut run, mut valid) = (0, 0, 0, 0);
        loop {
            let end = sweep.end();
            let may = || Stop::May(sweep.base());
            if utf8 {
                // A character may lie across the end of the chunk.
                let mut to = end;
                while to < bytes.len() && to > valid && bytes[to] & 0xc0 == 0x80 {
                    to -= 1;
                }
                if sweep.doubtful() {
                    simdutf8::basic::from_utf8(&bytes[valid..to]).map_err(|_| Stop::NotUtf8)?;
                }
                valid = to;
            }
            while let Some((from, to)) = sweep.word(plain) {
                if self.word_at(bytes, from, to) {
                    return Err(may());
                }
                plain = to;
            }
            while let Some(at) = sweep.suspect(hidden) {
                hidden = match self.quick(bytes, at, utf8) {
                    Some(next) => next,
                    None => self.suspect(bytes, at).ok_or_else(may)?,
                };
            }
            if depth > 0 {
                while let Some((at, len)) = sweep.run(run) {
                    let (found, next) = runs::promising(bytes, at, len);
                    run = next;
                    if found.is_some_and(|found| self.decoded(&found, depth - 1)) {
                        return Err(may());
                    }
                }
            }
            if !sweep.advance() {
                return Ok(sweep.hides());
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
        if self.anchors.may_stand(bytes, from, to) {
            return true;
        }
        let len = to - from;
        match from.checked_sub(1).map(|i| bytes[i]) {
            Some(b'\\') => {
                matches!(bytes.get(from), Some(b'n' | b'r' | b't' | b'b' | b'f'))
                    && len > 1
                    && self.anchors.may_stand(bytes, from + 1, to)
            }
            Some(b'%') => {
                len > 2
                    && percent(bytes, from - 1).is_some_and(marks::separates)
                    && self.anchors.may_stand(bytes, from + 2, to)
            }
            Some(b'=') => {
                len > 2
                    && views::quoted(bytes, from - 1).is_some_and(marks::separates)
                    && self.anchors.may_stand(bytes, from + 2, to)
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

    /// Where text nodes begin that follow each other without a gap and hold an anchor together.
    fn split(&self, bytes: &[u8], depth: usize) -> Option<usize> {
        // Nodes without a gap between them: the texts of all, and where each begins in that.
        let (mut joined, mut starts): (Vec<u8>, Vec<usize>) = (Vec::new(), Vec::new());
        let mut began = 0;
        // The last node's text by its first byte.
        let mut last: Option<usize> = None;
        for at in self.text.find_iter(bytes) {
            let Some(from) = member_string(bytes, at + 6) else { continue };
            let Some(&first) = bytes.get(from) else { break };
            if let Some(last) = last {
                // An empty text keeps what stands around it together.
                if first == b'"' {
                    continue;
                }
                let begins = joined.len();
                joined.extend_from_slice(string_text(bytes, last));
                let tight = joins(first) && joined[begins..].last().is_some_and(|b| joins(*b)) || left_open(&joined);
                if tight || !starts.is_empty() {
                    if starts.is_empty() {
                        began = last;
                    }
                    starts.push(begins);
                }
                if !tight {
                    if !starts.is_empty() && self.joined(&joined, &starts, depth) {
                        return Some(began);
                    }
                    joined.clear();
                    starts.clear();
                }
            }
            last = Some(from);
        }
        if starts.is_empty() {
            return None;
        }
        starts.push(joined.len());
        joined.extend_from_slice(last.map_or(&[], |last| string_text(bytes, last)));
        self.joined(&joined, &starts, depth).then_some(began)
    }

    /// Whether some of these texts, which begin at `starts`, hold an anchor together. A paragraph may end between any two of
    /// them, so that a word begins or ends there. Lists and tables are long rows of such texts, each a paragraph of its own: their
    /// number must not make them suspicious, nor each be looked at with every other.
    fn joined(&self, texts: &[u8], starts: &[usize], depth: usize) -> bool {
        let hit = |joined: &[u8]| match self.pass(joined, depth, true) {
            Err(Stop::NotUtf8) => self.pass(joined, depth, false).is_err(),
            passed => passed.is_err(),
        };
        let end = |n: usize| starts.get(n + 1).copied().unwrap_or(texts.len());
        let from_each = || {
            (0..starts.len()).any(|n| {
                for last in n + 1..starts.len().min(n + MOST_PIECES) {
                    if hit(&texts[starts[n]..end(last)]) {
                        return true;
                    }
                    // A word ends at the first gap, unless that stands in markup.
                    let gap = !texts[starts[last]..end(last)].iter().all(|b| joins(*b));
                    if gap && !left_open(&texts[starts[n]..end(last)]) {
                        break;
                    }
                }
                false
            })
        };
        hit(texts) || (starts.len() > 2 && from_each())
    }
}

/// Whether some text ends inside markup, in which gaps part nothing: `zx{color:` before `red}an`.
fn left_open(text: &[u8]) -> bool {
    let tail = &text[text.len().saturating_sub(views::LONGEST_TAG)..];
    let Some(first) = memchr::memchr3(b'<', b'{', b'[', tail) else { return false };
    let tail = &tail[first..];
    [(b'<', b'>'), (b'{', b'}'), (b'[', b']')]
        .into_iter()
        .any(|(open, close)| memchr::memrchr(open, tail).is_some_and(|at| memchr::memchr(close, &tail[at..]).is_none()))
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

#[cfg(test)]
mod tests;

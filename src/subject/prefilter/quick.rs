//! Quick answers: most bytes that might hide a word have neighbours that no word we look for has.
//!
//! Pure. Each says either where to go on, which means that no word hides at this byte in a way that [`Prefilter::suspect`]
//! would find from here, or that a careful look is needed. In a stretch with several suspect bytes each is asked on its
//! own, so that one that cannot be part of a word rules out all that hold it.

use super::{
    Prefilter,
    anchors::{GAP, SYMBOL, WILD},
    latin::{Letter, letter},
    marks::{CLASS, LETTER, MARKUP, is_entity, markup_run, soft_break},
};
use crate::extract::{escapes, views};

impl Prefilter {
    /// Where to go on behind the suspect byte at `at`; `None` where it needs a careful look. With `utf8` the bytes are
    /// known to be UTF-8.
    #[inline]
    pub(super) fn quick(&self, bytes: &[u8], at: usize, utf8: bool) -> Option<usize> {
        if !utf8 {
            return None;
        }
        let b = bytes[at];
        match CLASS[usize::from(b)] {
            LETTER => {
                let (c, len) = character(bytes, at)?;
                let next = at + len;
                match letter(c) {
                    Letter::Is(text) => (!self.holds(bytes, at, next, text)).then_some(next),
                    Letter::Gap => (!self.foreign(c)).then_some(next),
                    Letter::Unknown => None,
                }
            }
            MARKUP => self.quick_markup(bytes, at),
            _ => match b {
                b'\\' => self.quick_json(bytes, at),
                b'=' => self.quick_quoted(bytes, at),
                b'&' => self.quick_entity(bytes, at),
                _ => None,
            },
        }
    }

    /// Whether an anchor may hold the letters `text` that stand at `from..to`, with what stands beside them.
    fn holds(&self, bytes: &[u8], from: usize, to: usize, text: &str) -> bool {
        let behind = behind(bytes, to);
        let symbol = |b: &u8| SYMBOL[usize::from(*b)];
        let (a, next, last) = match text.as_bytes() {
            [a] => (symbol(a), behind, self.neighbours.may(WILD, symbol(a), behind)),
            [a, b] => (symbol(a), symbol(b), self.neighbours.may(symbol(a), symbol(b), behind)),
            _ => return true,
        };
        // What stands in front is seen through with more effort.
        last && self.neighbours.may(before(bytes, from), a, next)
    }

    /// Whether an anchor of other letters than ASCII's may hold `c`.
    fn foreign(&self, c: char) -> bool {
        if self.others.is_none() {
            return false;
        }
        match c {
            '\u{a0}'..='\u{bf}' | '\u{2000}'..='\u{20ff}' | '\u{3001}'..='\u{3002}' | '\u{1f600}'..='\u{1f64f}' => {
                false
            }
            // These have neither case nor marks.
            '\u{4e00}'..='\u{9fff}' => self.anchors.foreign_letter(c),
            _ => true,
        }
    }

    /// `\u00e4`, also once more escaped.
    fn quick_json(&self, bytes: &[u8], at: usize) -> Option<usize> {
        if at > 0 && bytes[at - 1] == b'\\' {
            return None;
        }
        let slashes = 1 + usize::from(bytes.get(at + 1) == Some(&b'\\'));
        let from = at + slashes + 1;
        if bytes.get(from - 1) != Some(&b'u') {
            // `\\n` and the like: what else hides there is suspect itself.
            let plain = bytes.get(from - 1).is_none_or(|b| *b != b'\\' && !escapes::begins(*b));
            return plain.then_some(at + slashes);
        }
        let digits = bytes.get(from..from + 4)?;
        let code = digits.iter().try_fold(0, |n, b| Some(n * 16 + char::from(*b).to_digit(16)?))?;
        let c = char::from_u32(code).filter(|c| !c.is_ascii())?;
        let next = from + 4;
        match letter(c) {
            Letter::Is(text) => (!self.holds(bytes, at, next, text)).then_some(next),
            Letter::Gap if self.foreign(c) => None,
            Letter::Gap => {
                // A word that begins behind it seems to go on from its digits.
                let first = behind(bytes, next);
                let begins = first < GAP && self.neighbours.may(GAP, first, behind(bytes, next + 1));
                (!begins).then_some(next)
            }
            Letter::Unknown => None,
        }
    }

    /// `=47`, which may be an address's or quoted-printable.
    fn quick_quoted(&self, bytes: &[u8], at: usize) -> Option<usize> {
        if soft_break(bytes, at).is_some() {
            return None;
        }
        let Some(b) = views::quoted(bytes, at) else { return Some(at + 1) };
        let next = at + 3;
        if !b.is_ascii_alphanumeric() {
            // What begins another escape or markup is left to the careful look, and so are letters of several bytes.
            let gap = b <= b' ' || SYMBOL[usize::from(b)] == GAP;
            let first = behind(bytes, next);
            let begins = first < GAP && self.neighbours.may(GAP, first, behind(bytes, next + 1));
            return (gap && b != b'#' && !begins).then_some(next);
        }
        // It may be a letter of an entity's name, or a digit of another escape.
        let named = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'#' | b'+');
        let escapes = |b: &u8| matches!(b, b'\\' | b'%' | b'=');
        let start = bytes[at.saturating_sub(160)..at].iter().rfind(|b| !named(b));
        let may_begin = start.is_none_or(|b| *b == b'&' || escapes(b));
        let may_end = || {
            let end = bytes[next..bytes.len().min(next + 160)].iter().find(|b| !named(b));
            end.is_none_or(|b| *b == b';' || escapes(b))
        };
        let symbol = SYMBOL[usize::from(b)];
        let holds = self.neighbours.may(before(bytes, at), symbol, behind(bytes, next));
        let hides = holds || escape_before(bytes, at) || (may_begin && may_end());
        (!hides).then_some(next)
    }

    /// `&nbsp;`, or no entity at all.
    fn quick_entity(&self, bytes: &[u8], at: usize) -> Option<usize> {
        let name = &bytes[at + 1..bytes.len().min(at + 13)];
        let len = name.iter().position(|b| !b.is_ascii_alphanumeric() && !matches!(b, b'#' | b'+'))?;
        if name[len] != b';' {
            // Other escapes in a name are suspect themselves, and look at what stands around them.
            return Some(at + 1);
        }
        let next = at + 1 + len + 1;
        let text = std::str::from_utf8(&bytes[at..next]).ok()?;
        let Some((c, _)) = views::entity(text, 0) else { return Some(at + 1) };
        match letter(c) {
            _ if c.is_ascii_alphanumeric() => {
                let symbol = SYMBOL[c as usize & 0x7f];
                let holds = self.neighbours.may(before(bytes, at), symbol, behind(bytes, next));
                (!holds).then_some(next)
            }
            // An escaped tag may stand inside a word, and an escaped entity for a letter.
            _ if c == '<' && before(bytes, at) != GAP => None,
            _ if c == '&' && is_entity(bytes, next - 1) => None,
            // The semicolon ends a word as well as these do.
            _ if matches!(c, ' ' | '<' | '>' | '"' | '\'' | '@' | '.' | '&') => Some(next),
            Letter::Is(text) => (!self.holds(bytes, at, next, text)).then_some(next),
            Letter::Gap => (!self.foreign(c)).then_some(next),
            Letter::Unknown => None,
        }
    }

    /// Markers and brackets between two letters, all of which go.
    fn quick_markup(&self, bytes: &[u8], at: usize) -> Option<usize> {
        let end = markup_run(bytes, at);
        let marks = |b: &u8| CLASS[usize::from(*b)] == MARKUP && !matches!(b, b'<' | b'{' | b'|');
        if at == 0 || end <= at || !bytes[at..end].iter().all(marks) {
            return None;
        }
        let (before, behind) = (before(bytes, at), behind(bytes, end));
        let known = before < GAP && behind < GAP;
        (known && !self.neighbours.may(before, behind, WILD)).then_some(end)
    }
}

/// The letter or digit before `at`, or a gap, unless an escape may end there.
#[inline]
fn before(bytes: &[u8], at: usize) -> u8 {
    let Some(b) = at.checked_sub(1).map(|i| bytes[i]) else { return WILD };
    let symbol = SYMBOL[usize::from(b)];
    if symbol < GAP && escape_before(bytes, at) { WILD } else { symbol }
}

/// Whether the letter or digit before `at` may be the last of an escape.
#[inline]
fn escape_before(bytes: &[u8], at: usize) -> bool {
    let is = |n: usize, b: u8| at >= n && bytes[at - n] == b;
    is(2, b'\\')
        || is(3, b'%')
        || is(3, b'=')
        || is(4, b'\\')
        || (is(5, b'u') && (is(6, b'\\') || is(6, b'%')))
        || (is(9, b'U') && is(10, b'\\'))
        || sequence_before(bytes, at)
}

/// Whether the letter before `at` may end a terminal's sequence, whose beginning may be escaped.
fn sequence_before(bytes: &[u8], at: usize) -> bool {
    let mut from = at.saturating_sub(1);
    while from > 0 && matches!(bytes[from - 1], 0x20..=0x3f) && at - from < 64 {
        from -= 1;
    }
    from > 0 && bytes[from - 1] == b'['
}

/// The letter or digit at `at`, or a gap.
#[inline]
fn behind(bytes: &[u8], at: usize) -> u8 {
    bytes.get(at).map_or(WILD, |b| SYMBOL[usize::from(*b)])
}

/// The character of two or three bytes at `at`, and their number.
#[inline]
fn character(bytes: &[u8], at: usize) -> Option<(char, usize)> {
    let follows = |n: usize| Some(u32::from(*bytes.get(at + n)? & 0x3f));
    match bytes[at] {
        b @ 0xc2..=0xdf => char::from_u32(u32::from(b & 0x1f) << 6 | follows(1)?).map(|c| (c, 2)),
        b @ 0xe0..=0xef => char::from_u32(u32::from(b & 0x0f) << 12 | follows(1)? << 6 | follows(2)?).map(|c| (c, 3)),
        _ => None,
    }
}

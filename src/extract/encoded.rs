//! Texts inside a text that are encoded as a whole: base64, in which mail, tokens and data addresses are written.
//!
//! Decodes and keeps the way back to the original's bytes. Must not search or judge what it decodes.

use std::ops::Range;

use crate::norm::{Builder, Mapped};

/// The shortest run that is decoded, in characters: twelve bytes, in which a name may stand.
const SHORTEST: usize = 16;

/// A shorter stretch of text in what is decoded is chance, in bytes.
const SHORTEST_TEXT: usize = 8;

/// How often a text may be encoded as a whole, one encoding in the other.
pub const DEEPEST: usize = 2;

/// A line break belongs to a run only after a line of at least this many characters; MIME breaks at 76, PEM at 64.
const LINE: usize = 40;

/// A run of base64 characters in some bytes.
pub struct Run<'a> {
    bytes: &'a [u8],
    /// Where the run stands.
    pub span: Range<usize>,
    /// The value of each character.
    sextets: Vec<u8>,
}

/// A byte that is no base64 character.
const NONE: u8 = 64;

/// The values of the base64 characters, of the standard and the URL alphabet (RFC 4648, sections 4 and 5).
const VALUES: [u8; 256] = {
    let mut values = [NONE; 256];
    let mut i = 0;
    while i < 26 {
        values[b'A' as usize + i] = i as u8;
        values[b'a' as usize + i] = i as u8 + 26;
        i += 1;
    }
    i = 0;
    while i < 10 {
        values[b'0' as usize + i] = i as u8 + 52;
        i += 1;
    }
    values[b'+' as usize] = 62;
    values[b'-' as usize] = 62;
    values[b'/' as usize] = 63;
    values[b'_' as usize] = 63;
    values
};

/// The value of a base64 character.
const fn value(b: u8) -> Option<u8> {
    let v = VALUES[b as usize];
    if v == NONE { None } else { Some(v) }
}

/// Whether a byte can stand in a run: a character, or the backslash of an escape.
const fn stands_in_run(b: u8) -> bool {
    VALUES[b as usize] != NONE || b == b'\\'
}

/// What stands at a byte of a run.
enum Token {
    Char(u8),
    Break,
}

/// The base64 character or line break at `at`, also under JSON escapes of whatever depth, and its length. Letters and
/// digits are not looked for under escapes, since no writer of JSON escapes them.
fn token(bytes: &[u8], at: usize) -> Option<(Token, usize)> {
    let b = *bytes.get(at)?;
    if let Some(v) = value(b) {
        return Some((Token::Char(v), 1));
    }
    match b {
        b'\n' => Some((Token::Break, 1)),
        b'\r' if bytes.get(at + 1) == Some(&b'\n') => Some((Token::Break, 2)),
        b'\\' => {
            let slashes = bytes[at..].iter().take(16).take_while(|b| **b == b'\\').count();
            let rest = &bytes[at + slashes..];
            match rest.first()? {
                b'n' => Some((Token::Break, slashes + 1)),
                b'r' => {
                    let (next, len) = token(bytes, at + slashes + 1)?;
                    matches!(next, Token::Break).then_some((Token::Break, slashes + 1 + len))
                }
                b'/' => Some((Token::Char(63), slashes + 1)),
                b'u' => match rest.get(1..5)? {
                    b"002b" | b"002B" => Some((Token::Char(62), slashes + 5)),
                    b"002f" | b"002F" => Some((Token::Char(63), slashes + 5)),
                    _ => None,
                },
                _ => None,
            }
        }
        _ => None,
    }
}

/// Every run of base64 characters in `bytes` that is long enough to hold a name.
pub fn base64_runs(bytes: &[u8]) -> impl Iterator<Item = Run<'_>> {
    // Characters and backslashes that follow each other: `stretch.start` is where to go on in it.
    let mut stretch = 0..0;
    std::iter::from_fn(move || {
        loop {
            while stretch.start < stretch.end {
                let run = run(bytes, stretch.start);
                stretch.start = run.span.end.max(stretch.start + 1);
                if run.sextets.len() >= SHORTEST {
                    return Some(run);
                }
            }
            stretch = long_stretch(bytes, stretch.start)?;
        }
    })
}

/// What stands at `from`, where base64 characters or backslashes begin: the run there if it may hold a text, and where to go
/// on. As [`base64_runs`], without what [`Run::decoded`] would find no text in.
#[must_use]
pub fn promising(bytes: &[u8], from: usize) -> (Option<Run<'_>>, usize) {
    let rest = &bytes[from..];
    let plain = rest.iter().position(|b| VALUES[usize::from(*b)] == NONE).unwrap_or(rest.len());
    let end = from + plain;
    let goes_on = match token(bytes, end) {
        Some((Token::Char(_), _)) => true,
        Some((Token::Break, _)) => plain >= LINE,
        None => false,
    };
    if goes_on {
        let run = run(bytes, from);
        let next = run.span.end.max(from + 1);
        return (Some(run).filter(|r| r.sextets.len() >= SHORTEST), next);
    }
    let next = end.max(from + 1);
    if plain < SHORTEST || !may_hold_text(&rest[..plain]) {
        return (None, next);
    }
    (Some(run(bytes, from)), next)
}

/// Whether base64 characters may stand for a text, by the kinds of byte that each can begin, go on with and end: two groups
/// of four in a row that stand for text are needed for [`SHORTEST_TEXT`] bytes of it.
fn may_hold_text(chars: &[u8]) -> bool {
    // As far as the bits go; a longer run is looked at whole.
    let mut starts = 0b1111;
    if chars.len() <= 64 {
        let mut fits = 0_u64;
        for (i, quad) in chars.windows(4).enumerate() {
            let kinds = FIRST[usize::from(quad[0])] | SECOND[usize::from(quad[1])] | THIRD[usize::from(quad[2])];
            fits |= (FITS >> kinds & 1) << i;
        }
        let mut pairs = fits & fits >> 4;
        if pairs == 0 {
            return false;
        }
        starts = 0;
        while pairs != 0 {
            starts |= 1 << (pairs.trailing_zeros() % 4);
            pairs &= pairs - 1;
        }
    }
    (0..4).any(|skip| starts >> skip & 1 == 1 && may_be_text(chars.get(skip..).unwrap_or_default(), value_of))
}

/// The value of a base64 character.
const fn value_of(char: u8) -> u8 {
    VALUES[char as usize]
}

/// Kinds of byte: of a text in ASCII; following in UTF-8; leading in UTF-8; none of a text.
const ASCII: u8 = 0;
const FOLLOWING: u8 = 1;
const LEADING: u8 = 2;
const OTHER: u8 = 3;

/// The kind of byte whose highest four bits are these; lower ones tell no more.
const fn kind_of(high: u8) -> u8 {
    match high {
        // Tab, line feed and carriage return are among the first sixteen.
        0 | 2..=7 => ASCII,
        8..=11 => FOLLOWING,
        12..=15 => LEADING,
        _ => OTHER,
    }
}

/// For each base64 character the kind of the first, second and third byte of a group in which it stands first, second and
/// third.
const KINDS: [[u8; 256]; 3] = {
    let mut kinds = [[0; 256]; 3];
    let mut b = 0;
    while b < 256 {
        let v = VALUES[b];
        kinds[0][b] = kind_of(v >> 2) << 4;
        kinds[1][b] = kind_of(v & 15) << 2;
        // Two bits: of the first quarter some are text.
        kinds[2][b] = match v & 3 {
            0 | 1 => ASCII,
            2 => FOLLOWING,
            _ => LEADING,
        };
        b += 1;
    }
    kinds
};
const FIRST: [u8; 256] = KINDS[0];
const SECOND: [u8; 256] = KINDS[1];
const THIRD: [u8; 256] = KINDS[2];

/// Which three kinds may follow each other in a text, a bit each.
const FITS: u64 = {
    const fn follows(a: u8, b: u8) -> bool {
        match (a, b) {
            (OTHER, _) | (_, OTHER) => false,
            (LEADING, b) => b == FOLLOWING,
            (ASCII, b) => b != FOLLOWING,
            _ => true,
        }
    }
    let mut fits = 0;
    let mut i = 0;
    while i < 64 {
        let (a, b, c) = (i >> 4, i >> 2 & 3, i & 3);
        if follows(a, b) && follows(b, c) {
            fits |= 1 << i;
        }
        i += 1;
    }
    fits
};

/// The next stretch at or behind `from` of as many bytes as a run has at least. It looks at each last byte first: where
/// that is none of a run, the bytes before it need no look.
fn long_stretch(bytes: &[u8], mut from: usize) -> Option<Range<usize>> {
    loop {
        let window = bytes.get(from..from + SHORTEST)?;
        match window.iter().rposition(|b| !stands_in_run(*b)) {
            Some(i) => from += i + 1,
            None => {
                let rest = &bytes[from + SHORTEST..];
                let more = rest.iter().position(|b| !stands_in_run(*b)).unwrap_or(rest.len());
                return Some(from..from + SHORTEST + more);
            }
        }
    }
}

fn run(bytes: &[u8], from: usize) -> Run<'_> {
    let mut sextets = Vec::with_capacity(4 * SHORTEST);
    let (mut at, mut end, mut line) = (from, from, 0);
    loop {
        let before = sextets.len();
        sextets.extend(bytes[at..].iter().map(|b| VALUES[usize::from(*b)]).take_while(|v| *v != NONE));
        let plain = sextets.len() - before;
        if plain > 0 {
            line += plain;
            at += plain;
            end = at;
        }
        let Some((token, len)) = token(bytes, at) else { break };
        match token {
            Token::Char(v) => {
                sextets.push(v);
                line += 1;
                end = at + len;
            }
            Token::Break if line >= LINE => line = 0,
            Token::Break => break,
        }
        at += len;
    }
    Run { bytes, span: from..end, sextets }
}

impl Run<'_> {
    /// The text that the run stands for if its first `skip` (0 to 3) characters do not belong to it: byte for byte what is
    /// decoded, with a line feed for each byte of what is no text. `None` where there is no text in it, as in most words.
    #[must_use]
    pub fn decoded(&self, skip: usize) -> Option<String> {
        let sextets = self.sextets.get(skip..).unwrap_or_default();
        if !may_be_text(sextets, |v| v) {
            return None;
        }
        texts_alone(bytes_of(sextets))
    }

    /// The bytes that the run stands for, whatever they are.
    pub(super) fn bytes(&self) -> Vec<u8> {
        bytes_of(&self.sextets)
    }

    /// As [`Run::decoded`], with the way back: each character stands for the groups of four that it was read from, so that
    /// what is left of a run that was cut still decodes.
    #[must_use]
    pub fn text(&self, skip: usize) -> Option<Mapped> {
        let text = self.decoded(skip)?;
        let starts = self.starts();
        let place = |i: usize| starts[(skip + i).min(self.sextets.len())];
        let mut out = Builder::with_capacity(text.len());
        for (at, c) in text.char_indices() {
            let end = at + c.len_utf8();
            out.unit(&text[at..end], place(at / 3 * 4), place(end.div_ceil(3) * 4));
        }
        Some(out.finish())
    }

    /// The first byte of each character, and the end of the last.
    fn starts(&self) -> Vec<usize> {
        let mut starts = Vec::with_capacity(self.sextets.len() + 1);
        let mut at = self.span.start;
        while let Some((token, len)) = token(self.bytes, at).filter(|_| at < self.span.end) {
            if matches!(token, Token::Char(_)) {
                starts.push(at);
            }
            at += len;
        }
        starts.push(self.span.end);
        starts
    }
}

/// The bytes that four base64 characters stand for.
const fn triple(quad: [u8; 4]) -> [u8; 3] {
    let [a, b, c, d] = quad;
    [a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d]
}

/// The bytes that base64 characters stand for.
fn bytes_of(sextets: &[u8]) -> Vec<u8> {
    let (quads, rest) = sextets.as_chunks::<4>();
    let mut out = Vec::with_capacity(sextets.len() * 3 / 4 + 3);
    for quad in quads {
        out.extend_from_slice(&triple(*quad));
    }
    let mut last = [0; 4];
    last[..rest.len()].copy_from_slice(rest);
    out.extend_from_slice(&triple(last)[..rest.len().saturating_sub(1)]);
    out
}

/// Whether characters of which `value` gives the sextets stand for a text, roughly: quick, and never `false` where
/// [`texts_alone`] keeps something.
#[inline]
fn may_be_text(chars: &[u8], value: impl Fn(u8) -> u8) -> bool {
    let (mut stretch, mut expected) = (0, 0_u8);
    let mut step = |b: u8| {
        let kind = KIND[usize::from(b)];
        // A character begins: what stood before goes on unless it was cut short.
        let begins = if expected > 0 { 1 } else { stretch + 1 };
        (stretch, expected) = match kind {
            FOLLOWS if expected > 0 => (stretch + 1, expected - 1),
            FOLLOWS | NO_TEXT => (0, 0),
            more => (begins, more),
        };
        stretch >= SHORTEST_TEXT
    };
    let (quads, rest) = chars.as_chunks::<4>();
    for quad in quads {
        let [a, b, c] = triple(quad.map(&value));
        if step(a) | step(b) | step(c) {
            return true;
        }
    }
    let mut last = [0; 4];
    for (last, char) in last.iter_mut().zip(rest) {
        *last = value(*char);
    }
    triple(last)[..rest.len().saturating_sub(1)].iter().any(|b| step(*b))
}

/// A byte of text on its own; one to three stand for as many bytes that follow in UTF-8.
const TEXT: u8 = 0;
/// A byte that follows in UTF-8.
const FOLLOWS: u8 = 4;
const NO_TEXT: u8 = 5;

const KIND: [u8; 256] = {
    let mut kind = [NO_TEXT; 256];
    let mut i = 0;
    while i < 256 {
        kind[i] = match i as u8 {
            b' '..=0x7e | b'\t' | b'\n' | b'\r' => TEXT,
            0x80..=0xbf => FOLLOWS,
            0xc2..=0xdf => 1,
            0xe0..=0xef => 2,
            0xf0..=0xf4 => 3,
            _ => NO_TEXT,
        };
        i += 1;
    }
    kind
};

/// Bytes with everything that is no text made line feeds; `None` where nothing is left.
fn texts_alone(mut bytes: Vec<u8>) -> Option<String> {
    let mut any = false;
    let mut at = 0;
    while at < bytes.len() {
        let mut end = at;
        while end < bytes.len() {
            match bytes[end] {
                b' '..=0x7e | b'\t' | b'\n' | b'\r' => end += 1,
                0xc2.. => match character(&bytes[end..]) {
                    Some(len) => end += len,
                    None => break,
                },
                _ => break,
            }
        }
        if end - at < SHORTEST_TEXT {
            end = (end + 1).min(bytes.len());
            bytes[at..end].fill(b'\n');
        } else {
            any = true;
        }
        at = end;
    }
    if any { String::from_utf8(bytes).ok() } else { None }
}

/// The length of the character beyond ASCII that begins here.
fn character(bytes: &[u8]) -> Option<usize> {
    let len = match bytes.first()? {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return None,
    };
    std::str::from_utf8(bytes.get(..len)?).ok().map(|_| len)
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn runs_and_what_they_stand_for() {
        let plain = "From: Zoë Xander <zoe.x@corp.example>, to all of you who read this long line";
        let encoded = STANDARD.encode(plain);
        let wrapped = format!("{}\r\n{}", &encoded[..76], &encoded[76..]);
        let escaped = wrapped.replace("\r\n", "\\r\\n").replace('/', "\\/").replace('+', "\\u002B");
        for text in [encoded.clone(), wrapped, escaped, format!("data:text/plain;base64,{encoded} end")] {
            let runs: Vec<Run<'_>> = base64_runs(text.as_bytes()).collect();
            let run = runs.last().unwrap();
            assert_eq!(run.decoded(0).unwrap(), plain, "{text}");
            let view = run.text(0).unwrap();
            let at = view.text().find("Xander").unwrap();
            let piece = &text[view.original(at, at + 6)];
            let inner = STANDARD.decode(piece.replace(['\r', '\n', '\\'], "")).unwrap();
            assert!(String::from_utf8_lossy(&inner).contains("Xander"), "{piece}");
        }
        assert_eq!(base64_runs(b"short words, no runs: customfield_102 a-b").count(), 0);
    }

    proptest! {
        #[test]
        fn every_text_comes_back(text in "\\PC{12,60}", before in "[ ,:\"A-Za-z/]{0,20}", after in "[ ,:\"=]{0,4}") {
            let encoded = STANDARD.encode(&text);
            let whole = format!("{before}{encoded}{after}");
            let found = base64_runs(whole.as_bytes())
                .any(|run| (0..4).any(|skip| run.decoded(skip).is_some_and(|t| t.contains(&text))));
            prop_assert!(found, "{whole}");
        }

        #[test]
        fn nothing_is_text_that_may_not_be(parts in prop::collection::vec(prop_oneof![
            "[ -~é—😀]{1,9}".prop_map(String::into_bytes), prop::collection::vec(any::<u8>(), 1..4),
        ], 0..6)) {
            let sextets: Vec<u8> = STANDARD.encode(parts.concat()).bytes().filter_map(value).collect();
            let kept = texts_alone(bytes_of(&sextets));
            prop_assert!(kept.is_none() || may_be_text(&sextets, |v| v));
        }

        #[test]
        fn runs_with_a_text_are_promising(parts in prop::collection::vec(prop_oneof![
            "[ -~é—😀\n]{6,30}".prop_map(|t| STANDARD.encode(t)),
            prop::collection::vec(any::<u8>(), 1..60).prop_map(|b| STANDARD.encode(b)),
            "[A-Za-z0-9+/]{30,50}(\n|\\\\n|\r\n)", "[A-Za-z/ \\\\u02b\n]{0,20}",
        ], 0..6)) {
            let text = parts.concat();
            let bytes = text.as_bytes();
            let (mut found, mut at) = (Vec::new(), 0);
            while let Some(i) = (at..bytes.len()).find(|i| {
                bytes.get(*i..*i + SHORTEST).is_some_and(|w| w.iter().all(|b| stands_in_run(*b)))
            }) {
                let (run, next) = promising(bytes, i);
                prop_assert!(next > i);
                found.extend(run.map(|r| r.span));
                at = next;
            }
            for run in base64_runs(bytes) {
                if (0..4).any(|skip| run.decoded(skip).is_some()) {
                    prop_assert!(found.contains(&run.span), "{:?} of {}", run.span, text);
                }
            }
        }

        #[test]
        fn places_are_inside(text in "[A-Za-z0-9+/\\\\nu02bé\n]{0,120}") {
            for run in base64_runs(text.as_bytes()) {
                for skip in 0..4 {
                    let Some(view) = run.text(skip) else { continue };
                    let span = view.original(0, view.text().len());
                    prop_assert!(text.get(span).is_some());
                }
            }
        }
    }
}

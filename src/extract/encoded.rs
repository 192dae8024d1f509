//! Texts inside a text that are encoded as a whole: base64, in which mail, tokens and data addresses are written, and
//! hexadecimal digits, in which databases write theirs.
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
/// on. As [`base64_runs`], without what [`Run::readings`] would find no text in.
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
    if plain < SHORTEST || !(may_hold_text(&rest[..plain]) || may_hold_digits(&rest[..plain])) {
        return (None, next);
    }
    (Some(run(bytes, from)), next)
}

/// Whether hexadecimal digits among base64 characters may stand for a text.
fn may_hold_digits(chars: &[u8]) -> bool {
    // So many of them cover a byte of every so many.
    if !chars.iter().skip(SHORTEST - 1).step_by(SHORTEST).any(u8::is_ascii_hexdigit) {
        return false;
    }
    chars.chunk_by(|a, b| a.is_ascii_hexdigit() == b.is_ascii_hexdigit()).any(|digits| {
        digits.len() >= SHORTEST
            && digits[0].is_ascii_hexdigit()
            && (0..2).any(|skip| {
                let mut judge = Judge::default();
                digits[skip..].chunks_exact(2).any(|pair| judge.takes(byte_of(value_of(pair[0]), value_of(pair[1]))))
            })
    })
}

/// Whether [`may_be_text`] finds a text in base64 characters, the first none to three of which may not belong to it. Most
/// characters stand for bytes that cannot follow each other in a text; it looks at each last of as many as a text needs, and
/// backwards: behind what cannot, the next text would have to begin.
fn may_hold_text(chars: &[u8]) -> bool {
    (0..4.min(chars.len())).any(|skip| {
        let chars = &chars[skip..];
        let count = chars.len() * 3 / 4;
        let mut from = 0;
        'texts: while from + SHORTEST_TEXT <= count {
            let last = from + SHORTEST_TEXT - 1;
            // Where the byte begins: the character, and twice how many bits of it belong to the byte before.
            let (mut char, mut third) = (last / 3 * 4 + last % 3, last % 3);
            let kind = |char: usize, third: usize| {
                let (a, b) = (VALUES[usize::from(chars[char])], VALUES[usize::from(chars[char + 1])]);
                PAIRED[usize::from(a << (2 + 2 * third) | b >> (4 - 2 * third))]
            };
            let mut behind = kind(char, third);
            for at in (from..last).rev() {
                (char, third) = if third == 0 { (char - 2, 2) } else { (char - 1, third - 1) };
                let before = kind(char, third);
                if FOLLOW[usize::from(before)] >> behind & 1 == 0 {
                    from = at + 1;
                    continue 'texts;
                }
                behind = before;
            }
            return may_be_text(chars, value_of);
        }
        false
    })
}

/// The value of a base64 character.
const fn value_of(char: u8) -> u8 {
    VALUES[char as usize]
}

/// Kinds of byte: a text's in ASCII; following in UTF-8; leading in UTF-8; none of a text; zero, every other byte of UTF-16
/// where it is Latin.
const PAIRED: [u8; 256] = {
    let mut kinds = [0; 256];
    let mut b = 0;
    while b < 256 {
        kinds[b] = match KIND[b] {
            _ if b == 0 => 4,
            TEXT => 0,
            FOLLOWS => 1,
            NO_TEXT => 3,
            _ => 2,
        };
        b += 1;
    }
    kinds
};

/// Which kinds may follow each kind, a bit each.
const FOLLOW: [u8; 5] = [0b10101, 0b10111, 0b10010, 0b10000, 0b01111];

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
    /// The texts that the run may stand for: as base64 of which the first none to three characters do not belong to it, in UTF-8,
    /// Latin-1 or UTF-16, and as hexadecimal digits. No text is given for what is none, as most words are.
    pub fn readings(&self) -> impl Iterator<Item = Reading<'_>> {
        (0..4).flat_map(|skip| self.base64(skip)).chain(self.digits())
    }

    fn base64(&self, skip: usize) -> Vec<Reading<'_>> {
        let sextets = self.sextets.get(skip..).unwrap_or_default();
        if !may_be_text(sextets, |v| v) {
            return Vec::new();
        }
        let packing = Packing { run: self, skip, chars: 4, bytes: 3 };
        packing.readings(bytes_of(sextets))
    }

    /// The readings of the hexadecimal digits in the run, as many as belong together.
    fn digits(&self) -> Vec<Reading<'_>> {
        let mut out = Vec::new();
        let mut at = 0;
        for part in self.sextets.chunk_by(|a, b| (nibble(*a) == NONE) == (nibble(*b) == NONE)) {
            let from = at;
            at += part.len();
            if part.len() < SHORTEST || nibble(part[0]) == NONE {
                continue;
            }
            for skip in 0..2 {
                let bytes: Vec<u8> = part[skip..].chunks_exact(2).map(|pair| byte_of(pair[0], pair[1])).collect();
                let mut judge = Judge::default();
                if bytes.iter().any(|b| judge.takes(*b)) {
                    out.extend(Packing { run: self, skip: from + skip, chars: 2, bytes: 1 }.readings(bytes));
                }
            }
        }
        out
    }

    /// The bytes that the run stands for, whatever they are.
    pub(super) fn bytes(&self) -> Vec<u8> {
        bytes_of(&self.sextets)
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

/// How characters of a run are packed: so many stand for so many bytes.
#[derive(Clone, Copy)]
struct Packing<'a> {
    run: &'a Run<'a>,
    /// The characters of the run in front that do not belong.
    skip: usize,
    chars: usize,
    bytes: usize,
}

impl<'a> Packing<'a> {
    /// The texts that packed bytes are.
    fn readings(self, bytes: Vec<u8>) -> Vec<Reading<'a>> {
        let mut out = Vec::new();
        let mut add = |text: Option<String>, unit| out.extend(text.map(|text| Reading { packing: self, text, unit }));
        if memchr::memchr(0, &bytes).is_some() {
            for (big, odd) in [(false, 0), (false, 1), (true, 0), (true, 1)] {
                add(wide(&bytes[odd.min(bytes.len())..], big), Unit::Wide(odd));
            }
        }
        if std::str::from_utf8(&bytes).is_err() {
            add(narrow(&bytes), Unit::Byte);
        }
        add(texts_alone(bytes), Unit::Utf8);
        out
    }
}

/// What stands for a character of a reading.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    /// As many bytes as in UTF-8.
    Utf8,
    Byte,
    /// Two bytes each, or twice two, behind so many that stand before all.
    Wide(usize),
}

/// A text that a run may stand for.
pub struct Reading<'a> {
    packing: Packing<'a>,
    text: String,
    unit: Unit,
}

impl Reading<'_> {
    /// The text, with a line feed for each byte of what is no text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text with the way back: each character stands for the characters of the run that it was read from, as many as belong
    /// together, so that what is left of a run that was cut still decodes.
    #[must_use]
    pub fn view(&self) -> Mapped {
        let Packing { run, skip, chars, bytes } = self.packing;
        let starts = run.starts();
        let place = |i: usize| starts[(skip + i).min(run.sextets.len())];
        let mut out = Builder::with_capacity(self.text.len());
        let mut from = if let Unit::Wide(odd) = self.unit { odd } else { 0 };
        for (at, c) in self.text.char_indices() {
            let to = from
                + match self.unit {
                    Unit::Utf8 => c.len_utf8(),
                    Unit::Byte => 1,
                    Unit::Wide(_) => 2 * c.len_utf16(),
                };
            let text = &self.text[at..at + c.len_utf8()];
            out.unit(text, place(from / bytes * chars), place(to.div_ceil(bytes) * chars));
            from = to;
        }
        out.finish()
    }
}

/// What a base64 character's value is as a hexadecimal digit; [`NONE`] where it is none.
const fn nibble(value: u8) -> u8 {
    match value {
        0..=5 => value + 10,
        26..=31 => value - 16,
        52..=61 => value - 52,
        _ => NONE,
    }
}

/// The byte of two hexadecimal digits, by the values that they have in base64.
const fn byte_of(high: u8, low: u8) -> u8 {
    nibble(high) << 4 | nibble(low)
}

/// The characters of UTF-16 with everything that is no text made line feeds; `None` where nothing is left.
fn wide(bytes: &[u8], big: bool) -> Option<String> {
    let unit = |c: &[u8; 2]| if big { u16::from_be_bytes(*c) } else { u16::from_le_bytes(*c) };
    let read = char::decode_utf16(bytes.as_chunks::<2>().0.iter().map(unit)).map(|c| c.unwrap_or('\n'));
    let text: String = read.map(|c| if c.is_control() && c != '\t' { '\n' } else { c }).collect();
    let plain = |line: &str| line.bytes().filter(u8::is_ascii).count() * 2 >= SHORTEST_TEXT;
    text.split('\n').any(plain).then_some(text)
}

/// Bytes as Latin-1, one character each, with what is no text made line feeds; `None` where hardly a letter of it is beyond ASCII.
fn narrow(bytes: &[u8]) -> Option<String> {
    let text: String = bytes
        .iter()
        .map(|b| match b {
            b' '..=0x7e | b'\t' | 0xa0.. => char::from(*b),
            _ => '\n',
        })
        .collect();
    let telling = |line: &str| line.chars().count() >= SHORTEST_TEXT && !line.is_ascii();
    text.split('\n').any(telling).then_some(text)
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
    let mut judge = Judge::default();
    let (quads, rest) = chars.as_chunks::<4>();
    for quad in quads {
        let [a, b, c] = triple(quad.map(&value));
        if judge.takes(a) | judge.takes(b) | judge.takes(c) {
            return true;
        }
    }
    let mut last = [0; 4];
    for (last, char) in last.iter_mut().zip(rest) {
        *last = value(*char);
    }
    triple(last)[..rest.len().saturating_sub(1)].iter().any(|b| judge.takes(*b))
}

/// Looks for a text in bytes, one after the other.
#[derive(Default)]
struct Judge {
    /// Bytes of text in a row.
    stretch: usize,
    /// Bytes that the last character still lacks.
    expected: u8,
    /// Bytes in a row of which every other one is zero, as in UTF-16 where it is ASCII.
    alternating: usize,
    zero: bool,
}

impl Judge {
    /// Takes the next byte; true where it makes a text of those so far.
    #[inline]
    fn takes(&mut self, b: u8) -> bool {
        let kind = KIND[usize::from(b)];
        let zero = b == 0;
        let goes_on = zero != self.zero && (zero || kind == TEXT);
        self.alternating = if goes_on { self.alternating + 1 } else { 0 };
        self.zero = zero;
        // A character begins: what stood before goes on unless it was cut short.
        let begins = if self.expected > 0 { 1 } else { self.stretch + 1 };
        (self.stretch, self.expected) = match kind {
            FOLLOWS if self.expected > 0 => (self.stretch + 1, self.expected - 1),
            FOLLOWS | NO_TEXT => (0, 0),
            more => (begins, more),
        };
        (self.stretch >= SHORTEST_TEXT) | (self.alternating >= SHORTEST_TEXT)
    }
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

    fn utf16(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn other_encodings_and_digits() {
        let latin: Vec<u8> = "by Zoë Xander, to all".chars().map(|c| u8::try_from(c).unwrap()).collect();
        let big: Vec<u8> = "by Zoë Xander".encode_utf16().flat_map(u16::to_be_bytes).collect();
        for encoded in [
            STANDARD.encode(&latin),
            STANDARD.encode(utf16("by Zoë Xander, to all")),
            format!("x{}", STANDARD.encode(big)),
            format!("0x{}", hex::encode("by Zoë Xander, to all")),
            format!("x'a{}'", hex::encode_upper("by Zoë Xander, to all")),
            hex::encode(&latin),
        ] {
            let runs: Vec<Run<'_>> = base64_runs(encoded.as_bytes()).collect();
            let views: Vec<Mapped> =
                runs.iter().flat_map(|r| r.readings().map(|r| r.view()).collect::<Vec<_>>()).collect();
            let view = views.iter().find(|v| v.text().contains("Zoë Xander")).unwrap_or_else(|| panic!("{encoded}"));
            let at = view.text().find("Zoë").unwrap();
            let piece = view.original(at, at + 4);
            assert!(piece.len() >= 4 && piece.len() <= 16, "{encoded}: {piece:?}");
            let (run, next) = promising(encoded.as_bytes(), runs[0].span.start);
            assert!(run.is_some() && next >= runs[0].span.end, "{encoded}");
        }
        assert!(may_hold_digits(b"7a6f652078616e646572"));
        assert!(!may_hold_digits(b"d41d8cd98f00b204e9800998ecf8427e"));
    }

    #[test]
    fn runs_and_what_they_stand_for() {
        let plain = "From: Zoë Xander <zoe.x@corp.example>, to all of you who read this long line";
        let encoded = STANDARD.encode(plain);
        let wrapped = format!("{}\r\n{}", &encoded[..76], &encoded[76..]);
        let escaped = wrapped.replace("\r\n", "\\r\\n").replace('/', "\\/").replace('+', "\\u002B");
        for text in [encoded.clone(), wrapped, escaped, format!("data:text/plain;base64,{encoded} end")] {
            let runs: Vec<Run<'_>> = base64_runs(text.as_bytes()).collect();
            let run = runs.last().unwrap();
            let view = run.readings().find(|r| r.text() == plain).unwrap().view();
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
            let found = base64_runs(whole.as_bytes()).any(|run| run.readings().any(|r| r.text().contains(&text)));
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
        fn a_text_that_may_be_is_not_passed_over(parts in prop::collection::vec(prop_oneof![
            "[ -~é—😀]{1,9}".prop_map(String::into_bytes), prop::collection::vec(any::<u8>(), 1..4),
            "[a-z]{1,5}".prop_map(|t| t.bytes().flat_map(|b| [0, b]).collect()),
        ], 0..6), skip in 0..4_usize) {
            let chars = format!("{}{}", &"abc"[..skip.min(3)], STANDARD.encode(parts.concat()));
            let chars = chars.trim_end_matches('=').as_bytes();
            let may = (0..4.min(chars.len())).any(|skip| may_be_text(&chars[skip..], value_of));
            prop_assert_eq!(may_hold_text(chars), may);
        }

        #[test]
        fn runs_with_a_text_are_promising(parts in prop::collection::vec(prop_oneof![
            "[ -~é—😀\n]{6,30}".prop_map(|t| STANDARD.encode(t)),
            prop::collection::vec(any::<u8>(), 1..60).prop_map(|b| STANDARD.encode(b)),
            "[A-Za-z0-9+/]{30,50}(\n|\\\\n|\r\n)", "[A-Za-z/ \\\\u02b\n]{0,20}",
            "[ -~é]{6,30}".prop_map(hex::encode), "[0-9a-fA-Fx]{0,40}", "[ -~ë]{6,30}".prop_map(|t| STANDARD.encode(utf16(&t))),
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
                if run.readings().next().is_some() {
                    prop_assert!(found.contains(&run.span), "{:?} of {}", run.span, text);
                }
            }
        }

        #[test]
        fn places_are_inside(text in "[A-Za-z0-9+/\\\\nu02bé\n]{0,120}") {
            for run in base64_runs(text.as_bytes()) {
                for view in run.readings().map(|r| r.view()) {
                    let span = view.original(0, view.text().len());
                    prop_assert!(text.get(span).is_some());
                }
            }
        }
    }
}

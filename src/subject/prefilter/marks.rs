//! What single bytes and short runs of them may be to a search that reads no format: letters, escapes, markup, gaps.
//!
//! Pure. Every answer errs to the side that keeps a word; [`super::Prefilter`] puts them together.

use crate::extract::{escapes, views};

/// The ASCII letters (in any case) and digits among some bytes, as bits, and how many more the other characters can stand
/// for at most, whether they are read as UTF-8 (U+0080 to U+017F) or, byte by byte, as Windows-1252. `None` where there
/// may be escapes or characters of another block.
pub(super) fn letters(bytes: &[u8]) -> (u64, Option<u32>) {
    let (mut has, mut others) = (0, Some(0));
    let (mut entity, mut quoted) = (false, false);
    for (at, &b) in bytes.iter().enumerate() {
        match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => has |= bit(b),
            0xc2..=0xc5 => others = others.map(|n| n + 1),
            0x80..=0xbf => others = others.map(|n| n + 2),
            b'=' => match views::quoted_char(bytes, at) {
                Some((c @ ('\\' | '%' | '&' | '=' | '\u{80}'..), _)) if c > '\u{17f}' || c.is_ascii() => others = None,
                Some((c, _)) => {
                    quoted = true;
                    entity |= c == ';';
                    match u8::try_from(c).ok().filter(u8::is_ascii) {
                        Some(b) => has |= bit(b),
                        None => others = others.map(|n| n + 2),
                    }
                }
                None => {}
            },
            b'&' if !is_entity(bytes, at) => {}
            0xc6.. | 0xc0 | 0xc1 | b'\\' | b'%' | b'&' => others = None,
            b';' => entity = true,
            _ => {}
        }
    }
    // What is decoded may be a part of an entity.
    if quoted && entity { (has, None) } else { (has, others) }
}

/// The bit of an ASCII letter, in any case, or digit.
pub(super) const fn bit(b: u8) -> u64 {
    match b {
        b'a'..=b'z' => 1 << (b - b'a'),
        b'A'..=b'Z' => 1 << (b - b'A'),
        b'0'..=b'9' => 1 << (26 + b - b'0'),
        _ => 0,
    }
}

/// Bytes beyond ASCII.
pub(super) const LETTER: u8 = 1;
/// Bytes that may begin an escape.
pub(super) const ESCAPE: u8 = 2;
/// Bytes that may begin markup.
pub(super) const MARKUP: u8 = 3;
/// What begins a terminal's sequence.
pub(super) const TERMINAL: u8 = 4;

pub(super) const CLASS: [u8; 256] = {
    let mut class = [0; 256];
    let mut i = 0x80;
    while i < 256 {
        class[i] = LETTER;
        i += 1;
    }
    class[b'\\' as usize] = ESCAPE;
    class[b'%' as usize] = ESCAPE;
    class[b'&' as usize] = ESCAPE;
    class[b'=' as usize] = ESCAPE;
    class[0x1b] = TERMINAL;
    let markup = b"<{}[]|*_+^~?-";
    let mut i = 0;
    while i < markup.len() {
        class[markup[i] as usize] = MARKUP;
        i += 1;
    }
    class
};

pub(super) fn wide(bytes: &[u8]) -> bool {
    matches!(bytes.get(..2), Some([0xff, 0xfe] | [0xfe, 0xff]))
        || memchr::memchr(0, &bytes[..bytes.len().min(4096)]).is_some()
}

pub(super) const fn ends_word(b: u8) -> bool {
    b <= b' ' || b == b'"'
}

/// The bytes around `at` up to white space, also escaped, or a quotation mark. An escape in front is taken along, since in
/// a text that is no JSON its letter may belong to the word.
pub(super) fn word_around(bytes: &[u8], at: usize) -> (usize, usize) {
    let mut from = at;
    while let Some(b) = from.checked_sub(1).map(|i| bytes[i]) {
        if ends_word(b) {
            break;
        }
        if after_escaped_space(bytes, from) {
            from -= 1 + slashes_before(bytes, from - 1);
            break;
        }
        from -= 1;
    }
    let mut to = at;
    while let Some(b) = bytes.get(to) {
        if ends_word(*b) || (*b == b'\\' && to > at && escaped_gap(bytes, to).is_some()) {
            break;
        }
        to += 1;
    }
    (from, to)
}

/// The letters and digits around `at`, with what makes an escape of the first of them (`\n`, `%20`, `=20`): that one may be no
/// part of the word.
pub(super) fn letters_around(bytes: &[u8], at: usize) -> (usize, usize) {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || *b >= 0x80;
    let mut from = bytes[..at].iter().rposition(|b| !plain(b)).map_or(0, |i| i + 1);
    let to = bytes[at..].iter().position(|b| !plain(b)).map_or(bytes.len(), |i| at + i);
    match from.checked_sub(1).map(|i| bytes[i]) {
        Some(b'\\') => from -= slashes_before(bytes, from),
        Some(b'%' | b'=') => from -= 1,
        _ => {}
    }
    (from, to)
}

/// The most backslashes that an escape may have: five levels of JSON make thirty-one of one.
const SLASHES: usize = 64;

/// How many backslashes stand before `at`; more than [`SLASHES`] are not told apart.
pub(super) fn slashes_before(bytes: &[u8], at: usize) -> usize {
    bytes[..at].iter().rev().take(SLASHES).take_while(|b| **b == b'\\').count()
}

/// Whether escaped white space, such as `\n`, ends at `at`. Several levels of escapes are resolved before any markup is, so
/// that many backslashes make white space of the letter.
pub(super) fn after_escaped_space(bytes: &[u8], at: usize) -> bool {
    at >= 2
        && matches!(bytes[at - 1], b'n' | b'r' | b't' | b'b' | b'f')
        && (1..SLASHES).contains(&slashes_before(bytes, at - 1))
}

/// The length of the escape at `at` where it is one of white space, a quotation mark or a slash, none of which is part of
/// a word.
pub(super) fn escaped_gap(bytes: &[u8], at: usize) -> Option<usize> {
    let slashes = bytes[at..].iter().take(SLASHES).take_while(|b| **b == b'\\').count();
    let gap = matches!(bytes.get(at + slashes), Some(b'n' | b'r' | b't' | b'b' | b'f' | b'"' | b'/'));
    ((1..SLASHES).contains(&slashes) && gap).then_some(slashes + 1)
}

/// The place up to `most` bytes before `at` that white space or a quotation mark does not come after.
pub(super) fn back(bytes: &[u8], at: usize, most: usize) -> usize {
    let floor = at.saturating_sub(most);
    bytes[floor..at].iter().rposition(|b| ends_word(*b)).map_or(floor, |i| floor + i + 1)
}

/// Where to go on after the window that ends at `to`: at markup or a soft line break in it that reaches over its end, for
/// a word may go on behind; else at its end.
pub(super) fn spanning(bytes: &[u8], at: usize, to: usize) -> usize {
    let goes_on = |i: &usize| match bytes[*i] {
        b'<' | b'{' | b'|' => markup_end(bytes, *i) > to,
        b'=' => soft_break(bytes, *i).is_some(),
        b'&' | b'\\' => escaped_tag(bytes, *i).is_some_and(|end| end > to),
        _ => false,
    };
    (at..to).find(goes_on).unwrap_or(to)
}

/// The end of the word that goes on at `at`, over markup inside it, at most some `most` bytes further.
pub(super) fn forth(bytes: &[u8], at: usize, most: usize) -> usize {
    let ceiling = (at + most).min(bytes.len());
    let mut to = at;
    while to < ceiling {
        let b = bytes[to];
        if matches!(CLASS[usize::from(b)], MARKUP | TERMINAL) {
            // What opens and does not close is a character like any other.
            to = markup_end(bytes, to).max(to + 1);
        } else if ends_word(b) {
            break;
        } else {
            to += 1;
        }
    }
    to
}

/// Whether an escape at `at` can stand for a letter, a digit or something that a word may be hidden behind.
pub(super) fn is_escape(bytes: &[u8], at: usize) -> bool {
    match bytes[at] {
        b'\\' => {
            let slashes = bytes[at..].iter().take(SLASHES).take_while(|b| **b == b'\\').count();
            bytes.get(at + slashes) == Some(&b'u') || escapes::c_escape(bytes, at + slashes.saturating_sub(1)).is_some()
        }
        b'%' => bytes.get(at + 1) == Some(&b'u') || percent(bytes, at).is_some_and(|b| !separates(b)),
        b'=' => views::quoted_char(bytes, at).is_some_and(|(c, _)| !u8::try_from(c).is_ok_and(separates)),
        _ => is_entity(bytes, at),
    }
}

/// The length of the soft line break of quoted-printable at `at`, its line break perhaps escaped as in JSON.
pub(super) fn soft_break(bytes: &[u8], at: usize) -> Option<usize> {
    if bytes.get(at) != Some(&b'=') {
        return None;
    }
    if let Some(len) = views::soft_break(bytes, at) {
        return Some(len);
    }
    let mut end = at + 1;
    end += bytes.get(end..)?.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
    let letter = |end: usize| {
        let slashes = bytes[end..].iter().take(16).take_while(|b| **b == b'\\').count();
        bytes.get(end + slashes).filter(|_| slashes > 0).map(|b| (*b, end + slashes + 1))
    };
    match letter(end)? {
        (b'n', end) => Some(end - at),
        (b'r', end) => letter(end).filter(|(b, _)| *b == b'n').map(|(_, end)| end - at),
        // A tab, escaped.
        _ => None,
    }
}

/// The bytes with escapes of quoted-printable decoded, if there are any.
pub(super) fn quoted_decoded(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut from = 0;
    for at in memchr::memchr_iter(b'=', bytes) {
        if at >= from
            && let Some((c, len)) = views::quoted_char(bytes, at)
        {
            out.extend_from_slice(&bytes[from..at]);
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            from = at + len;
        }
    }
    out.extend_from_slice(bytes.get(from..).unwrap_or_default());
    (from > 0).then_some(out)
}

/// What the percent escape at `at` stands for.
pub(in super::super) fn percent(bytes: &[u8], at: usize) -> Option<u8> {
    let digits = bytes.get(at + 1..at + 3)?;
    let digit = |b: u8| char::from(b).to_digit(16);
    u8::try_from(digit(digits[0])? * 16 + digit(digits[1])?).ok()
}

/// Whether a byte, once it is decoded, can only stand between words: it is no letter, and begins no further escape or
/// markup.
pub(super) const fn separates(b: u8) -> bool {
    matches!(
        b,
        b' ' | b'!'
            | b'"'
            | b'#'
            | b'\''
            | b'('
            | b')'
            | b','
            | b'.'
            | b'/'
            | b':'
            | b'='
            | b'@'
            | b'\n'
            | b'\r'
            | b'\t'
    )
}

/// Whether an entity may stand at `at`.
pub(in super::super) fn is_entity(bytes: &[u8], at: usize) -> bool {
    let name = bytes.get(at + 1..).unwrap_or_default().iter().take(12);
    let end = name.clone().position(|b| !b.is_ascii_alphanumeric() && !matches!(b, b'#' | b'+'));
    end.is_some_and(|i| bytes[at + 1 + i] == b';')
}

/// Whether a byte may belong to a word: a letter or digit, or what stands for one.
pub(super) const fn may_join(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b >= 0x80 || matches!(b, b'\\' | b'%' | b'&' | b';')
}

/// As [`may_join`], or part of an escape or of base64, or markup that may be stripped.
pub(super) const fn joins(b: u8) -> bool {
    may_join(b) || CLASS[b as usize] == MARKUP || matches!(b, b'>' | b'=' | b'#' | b'/' | 0x1b)
}

/// The end of the markup that begins at `at`; `at` itself where it is a lone hyphen or underscore inside a word.
pub(super) fn markup_run(bytes: &[u8], at: usize) -> usize {
    let end = markup_end(bytes, at);
    if end == at + 1 && matches!(bytes[at], b'*' | b'_' | b'+' | b'^' | b'~' | b'?' | b'-') { at } else { end }
}

/// The end of all markup that begins at `at`, one after the other; `at` itself where nothing does.
pub(super) fn markup_end(bytes: &[u8], at: usize) -> usize {
    let mut end = at;
    let close = |from: usize, with: u8, most: usize| {
        memchr::memchr(with, &bytes[from..bytes.len().min(from + most)]).map(|i| from + i + 1)
    };
    while let Some(&b) = bytes.get(end) {
        end = match b {
            b'<' if bytes[end..].starts_with(b"<![CDATA[") => end + 9,
            b'<' if views::comment(bytes, end).is_some() => end + views::comment(bytes, end).unwrap_or(4),
            b']' if bytes[end..].starts_with(b"]]>") => end + 3,
            0x1b => match escapes::terminal_sequence(bytes, end) {
                Some(len) => end + len,
                None => break,
            },
            b'<' if closes(bytes, end, b'>') => match close(end, b'>', 4096) {
                Some(end) => end,
                None => break,
            },
            // Two open a monospaced text, which stays.
            b'{' if bytes.get(end + 1) == Some(&b'{') => end + 2,
            b'{' if closes(bytes, end, b'}') => match close(end, b'}', 202) {
                Some(end) => end,
                None => break,
            },
            b'|' => match close(end, b']', 4096) {
                Some(end) => end,
                None => break,
            },
            b if CLASS[usize::from(b)] == MARKUP => end + 1,
            _ => break,
        };
    }
    end
}

/// The end of the tags that begin under escapes at `at`: `&lt;b&gt;`, `\u003cb\u003e`.
pub(super) fn escaped_tag(bytes: &[u8], at: usize) -> Option<usize> {
    const LONGEST: usize = 4096;
    let opens = |at: usize| {
        let rest = &bytes[at..];
        let digits = rest.iter().take(SLASHES).take_while(|b| **b == b'\\').count();
        let lt: [&[u8]; 3] = [b"&lt;", b"&#60;", b"&#x3c;"];
        lt.iter().any(|lt| rest.get(..lt.len()).is_some_and(|b| b.eq_ignore_ascii_case(lt)))
            || (digits > 0 && rest[digits..].get(..5).is_some_and(|b| b.eq_ignore_ascii_case(b"u003c")))
    };
    let mut end = at;
    while opens(end) {
        let rest = &bytes[end + 1..bytes.len().min(end + LONGEST)];
        let gt: [&[u8]; 4] = [b"&gt;", b"&#62;", b"u003e", b"u003E"];
        let close = gt.iter().filter_map(|gt| memchr::memmem::find(rest, gt).map(|i| i + gt.len()));
        let Some(close) = close.chain(memchr::memchr(b'>', rest).map(|i| i + 1)).min() else { break };
        end += 1 + close;
    }
    (end > at).then_some(end)
}

/// Whether a marker stands alone inside a word, as a hyphen does: then it is no markup.
pub(super) const fn lone(b: u8, next: Option<&u8>) -> bool {
    matches!(b, b'*' | b'_' | b'+' | b'^' | b'~' | b'?' | b'-')
        && match next {
            Some(next) => CLASS[*next as usize] != MARKUP,
            None => true,
        }
}

/// Whether what opens at `at` is closed by `with` before it opens again.
pub(super) fn closes(bytes: &[u8], at: usize, with: u8) -> bool {
    let rest = bytes.get(at + 1..).unwrap_or_default();
    memchr::memchr2(with, bytes[at], rest).is_some_and(|i| rest[i] == with)
}

/// Where the content of the string begins that follows a member's name, if one does.
pub(super) fn member_string(bytes: &[u8], mut at: usize) -> Option<usize> {
    let space = |at: &mut usize| {
        while bytes.get(*at).is_some_and(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r')) {
            *at += 1;
        }
    };
    space(&mut at);
    if bytes.get(at) != Some(&b':') {
        return None;
    }
    at += 1;
    space(&mut at);
    (bytes.get(at) == Some(&b'"')).then_some(at + 1)
}

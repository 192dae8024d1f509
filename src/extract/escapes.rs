//! Views without the escapes of programming languages and terminals. Each is `None` where there is nothing to take off.
//!
//! Pure; see [`super::views`] for those of JSON, addresses and mail.

use super::views::View;
use crate::norm::Mapped;

/// The longest sequence that a terminal takes as one, in bytes.
const LONGEST_SEQUENCE: usize = 2048;

/// The text with the backslash escapes of C, Java, JavaScript, Python, PHP and shells resolved that JSON has not: `\xEB`, `\353`,
/// `\u{EB}`, `\U000000EB`, `\e`. Bytes that follow each other are read as UTF-8 where they are, else one by one as Latin-1.
#[must_use]
pub(super) fn c_unescaped(text: &str) -> Option<Mapped> {
    let bytes = text.as_bytes();
    let mut view = View::new(text);
    let mut from = 0;
    while let Some(i) = memchr::memchr(b'\\', &bytes[from..]) {
        let at = from + i;
        from = match c_escape(bytes, at) {
            Some((c, len)) => {
                view.replace(at, at + len, c.encode_utf8(&mut [0; 4]));
                at + len
            }
            None => at + 1,
        };
    }
    view.finish()
}

/// Whether a byte behind a backslash may make an escape of it that [`c_unescaped`] resolves.
pub(crate) const fn begins(b: u8) -> bool {
    matches!(b, b'x' | b'U' | b'e' | b'u' | b'0'..=b'3')
}

/// The character that the escapes at `at` stand for, and their length; no white space, which takes the same form as
/// in JSON.
pub(crate) fn c_escape(bytes: &[u8], at: usize) -> Option<(char, usize)> {
    if bytes.get(at) != Some(&b'\\') {
        return None;
    }
    match bytes.get(at + 1)? {
        b'e' if bytes.get(at + 2) == Some(&b'[') => Some(('\u{1b}', 2)),
        b'u' if bytes.get(at + 2) == Some(&b'{') => {
            let digits = bytes.get(at + 3..)?.iter().take(7).take_while(|b| b.is_ascii_hexdigit()).count();
            let end = at + 3 + digits;
            (bytes.get(end) == Some(&b'}')).then_some(())?;
            Some((number(bytes.get(at + 3..end)?, 16).and_then(char::from_u32)?, digits + 4))
        }
        b'U' => Some((number(bytes.get(at + 2..at + 10)?, 16).and_then(char::from_u32)?, 10)),
        _ => {
            let (first, len) = c_byte(bytes, at)?;
            let mut char = [first, 0, 0, 0];
            let mut end = at + len;
            for n in 0..4 {
                if let Ok(text) = std::str::from_utf8(&char[..=n]) {
                    return text.chars().next().map(|c| (c, end - at));
                }
                match c_byte(bytes, end) {
                    Some((b, len)) if n < 3 => {
                        char[n + 1] = b;
                        end += len;
                    }
                    _ => break,
                }
            }
            Some((char::from(first), len))
        }
    }
}

/// The byte of `\xEB` or `\353` at `at`, and the length of the escape.
fn c_byte(bytes: &[u8], at: usize) -> Option<(u8, usize)> {
    let rest = bytes.get(at..)?.strip_prefix(b"\\")?;
    match rest.first()? {
        b'x' => Some((u8::try_from(number(rest.get(1..3)?, 16)?).ok()?, 4)),
        b'0'..=b'3' => Some((u8::try_from(number(rest.get(..3)?, 8)?).ok()?, 4)),
        _ => None,
    }
}

fn number(digits: &[u8], radix: u32) -> Option<u32> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u32, |n, b| n.checked_mul(radix)?.checked_add(char::from(*b).to_digit(radix)?))
}

/// The text without what sets colours, links and the like in a terminal (ECMA-48).
#[must_use]
pub(super) fn without_colours(text: &str) -> Option<Mapped> {
    let bytes = text.as_bytes();
    let mut view = View::new(text);
    let mut from = 0;
    while let Some(i) = memchr::memchr(0x1b, &bytes[from..]) {
        let at = from + i;
        from = match terminal_sequence(bytes, at) {
            Some(len) => {
                view.replace(at, at + len, "");
                at + len
            }
            None => at + 1,
        };
    }
    view.finish()
}

/// The length of the control sequence, or string of an operating system command, at `at`.
pub(crate) fn terminal_sequence(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = bytes.get(at..)?.strip_prefix(b"\x1b")?;
    let rest = rest.get(..LONGEST_SEQUENCE).unwrap_or(rest);
    match rest.first()? {
        b'[' => {
            let end = rest.iter().skip(1).position(|b| !matches!(b, 0x20..=0x3f))?;
            matches!(rest[1 + end], 0x40..=0x7e).then_some(end + 3)
        }
        b']' => {
            let end = memchr::memchr2(0x07, 0x1b, rest)?;
            match rest[end] {
                0x07 => Some(end + 2),
                _ => (rest.get(end + 1) == Some(&b'\\')).then_some(end + 3),
            }
        }
        _ => None,
    }
}

/// The text with the plus signs of a query as the spaces that they stand for (HTML, application/x-www-form-urlencoded): in a
/// run without white space, behind an equals sign.
#[must_use]
pub(super) fn plus_signs(text: &str) -> Option<Mapped> {
    let bytes = text.as_bytes();
    let mut view = View::new(text);
    let (mut query, mut before) = (false, 0);
    for at in memchr::memchr_iter(b'+', bytes) {
        for b in &bytes[before..at] {
            query = *b == b'=' || (query && *b > b' ' && !matches!(b, b'"' | b'<' | b'>'));
        }
        before = at;
        let word =
            |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_alphanumeric() || *b >= 0x80 || *b == b',' || *b == b'.');
        if query && word(at.checked_sub(1).and_then(|i| bytes.get(i))) && word(bytes.get(at + 1)) {
            view.replace(at, at + 1, " ");
        }
    }
    view.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(view: Option<Mapped>) -> String {
        view.map_or_else(|| "-".into(), Mapped::into_text)
    }

    #[test]
    fn escapes_of_languages() {
        for (text, want) in [
            (r"Zo\xeb Xander", "Zoë Xander"),
            (r"Zo\xc3\xab Xander", "Zoë Xander"),
            (r"Zo\303\253 Xander", "Zoë Xander"),
            (r"Zo\353 \101", "Zoë A"),
            (r"Zo\u{eb} \u{1F600}", "Zoë 😀"),
            (r"Zo\U000000eb \e[31m", "Zoë \u{1b}[31m"),
            (r"\e \x4 \9 \u{} \u{110000} \Uzz \400 C:\new", "-"),
        ] {
            assert_eq!(seen(c_unescaped(text)), want, "{text}");
        }
    }

    #[test]
    fn terminals_and_queries() {
        for (text, want) in [
            ("a \u{1b}[31mZo\u{1b}[0;1më\u{1b}[K x", "a Zoë x"),
            ("\u{1b}]8;;http://x\u{1b}\\Zoë\u{1b}]8;;\u{7} x", "Zoë x"),
            ("\u{1b}(B \u{1b}[31", "-"),
        ] {
            assert_eq!(seen(without_colours(text)), want, "{text:?}");
        }
        for (text, want) in
            [("/find?q=Zoe+Xander&a=b+c d+e", "/find?q=Zoe Xander&a=b c d+e"), ("a+b", "-"), ("zoe+tag@x", "-")]
        {
            assert_eq!(seen(plus_signs(text)), want, "{text}");
        }
    }
}

//! A short way to the bare form of a word, for the letters that most text is in. Whatever it does not know for certain it
//! leaves to the full normalisation; a test holds the two together over all characters.

use super::prefilter::{is_entity, percent};
use crate::extract::{escapes, views};

/// What a character becomes in the bare form, as far as a search for ASCII words cares.
pub(super) enum Letter {
    /// These ASCII letters.
    Is(&'static str),
    /// Nothing that is an ASCII letter or digit, nor anything that joins what stands around it.
    Gap,
    /// Not known here.
    Unknown,
}

/// The bare forms of U+00C0 to U+017F; `-` where it is not for this table to say.
const LATIN: [&str; 192] = [
    "a", "a", "a", "a", "a", "a", "ae", "c", "e", "e", "e", "e", "i", "i", "i", "i", "d", "n", "o", "o", "o", "o", "o",
    " ", "o", "u", "u", "u", "u", "y", "th", "ss", "a", "a", "a", "a", "a", "a", "ae", "c", "e", "e", "e", "e", "i",
    "i", "i", "i", "d", "n", "o", "o", "o", "o", "o", " ", "o", "u", "u", "u", "u", "y", "th", "y", "a", "a", "a", "a",
    "a", "a", "c", "c", "c", "c", "c", "c", "c", "c", "d", "d", "d", "d", "e", "e", "e", "e", "e", "e", "e", "e", "e",
    "e", "g", "g", "g", "g", "g", "g", "g", "g", "h", "h", "h", "h", "i", "i", "i", "i", "i", "i", "i", "i", "i", "i",
    "-", "-", "j", "j", "k", "k", " ", "l", "l", "l", "l", "l", "l", "-", "-", "l", "l", "n", "n", "n", "n", "n", "n",
    "-", " ", " ", "o", "o", "o", "o", "o", "o", "oe", "oe", "r", "r", "r", "r", "r", "r", "s", "s", "s", "s", "s",
    "s", "s", "s", "t", "t", "t", "t", "t", "t", "u", "u", "u", "u", "u", "u", "u", "u", "u", "u", "u", "u", "w", "w",
    "y", "y", "y", "z", "z", "z", "z", "z", "z", "s",
];

pub(super) fn letter(c: char) -> Letter {
    match u32::from(c) {
        code @ 0xc0..=0x17f => {
            let at = usize::try_from(code - 0xc0).unwrap_or_default();
            match LATIN.get(at) {
                Some(&" ") => Letter::Gap,
                Some(&"-") | None => Letter::Unknown,
                Some(text) => Letter::Is(text),
            }
        }
        // Punctuation, Greek, Cyrillic, kana, Han, Hangul: no ASCII letter comes of them, and none of them is a mark.
        0xa0
        | 0xa1
        | 0xa7
        | 0xab
        | 0xb0
        | 0xb7
        | 0xbb
        | 0xbf
        | 0x391..=0x3a1
        | 0x3a3..=0x3a9
        | 0x3b1..=0x3c9
        | 0x410..=0x44f
        | 0x2013..=0x2014
        | 0x2018..=0x201e
        | 0x2022
        | 0x20ac
        | 0x3001..=0x3002
        | 0x3041..=0x3096
        | 0x30a1..=0x30fa
        | 0x4e00..=0x9fff
        | 0xac00..=0xd7a3
        | 0x1f600..=0x1f64f => Letter::Gap,
        _ => Letter::Unknown,
    }
}

/// The bytes with every letter in its ASCII bare form and gaps as spaces, `\u` escapes resolved, those of quoted-printable
/// left as they are; `None` if a character is
/// unknown here, or markup or another escape may stand in it.
pub(super) fn plain(bytes: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let (c, len) = match bytes[at] {
            b'\\' => {
                let slashes = bytes[at..].iter().take_while(|b| **b == b'\\').count();
                match bytes.get(at + slashes) {
                    Some(b'u') => {
                        let (c, len) = views::unicode_escape(bytes, at + slashes - 1)?;
                        (c, slashes - 1 + len)
                    }
                    Some(b) if escapes::begins(*b) => return None,
                    // The letter may be that of an escape, or of a word behind a backslash. Left as it is, the search
                    // tries both.
                    _ => {
                        out.resize(out.len() + slashes, b'\\');
                        at += slashes;
                        continue;
                    }
                }
            }
            b'&' if is_entity(bytes, at) => return None,
            b'?' if bytes.get(at + 1) == Some(&b'?') => return None,
            b'%' if percent(bytes, at).is_some() || bytes.get(at + 1) == Some(&b'u') => return None,
            0x1b | b'<' | b'{' | b'}' | b'[' | b']' | b'|' | b'*' | b'+' | b'^' | b'~' => return None,
            b if b.is_ascii() => {
                out.push(b);
                at += 1;
                continue;
            }
            _ => {
                let c = text[at..].chars().next()?;
                (c, c.len_utf8())
            }
        };
        match letter(c) {
            Letter::Is(text) => out.extend_from_slice(text.as_bytes()),
            Letter::Gap => out.push(b' '),
            // An escaped ASCII character may be the escape of something else in its turn.
            Letter::Unknown if c.is_ascii_alphanumeric() => out.push(c as u8),
            Letter::Unknown => return None,
        }
        at += len;
    }
    // Two hyphens or underscores may be markup inside a word.
    let doubled = out.windows(2).any(|w| matches!(w, b"--" | b"__" | b"-_" | b"_-"));
    (!doubled).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::norm;

    #[test]
    fn agrees_with_the_normalisation_on_every_character() {
        for c in (0x80..=0x10ffff).filter_map(char::from_u32) {
            let around = format!("a{c}b");
            let bare = norm::bare(&around).into_text();
            match letter(c) {
                Letter::Is(text) => assert_eq!(bare, format!("a{text}b"), "{c:?}"),
                Letter::Gap => {
                    let inner = bare.strip_prefix('a').and_then(|b| b.strip_suffix('b')).unwrap();
                    assert!(!inner.is_empty() && !inner.bytes().any(|b| b.is_ascii_alphanumeric()), "{c:?} {bare:?}");
                }
                Letter::Unknown => {}
            }
        }
    }

    #[test]
    fn words() {
        let plain = |s: &str| plain(s.as_bytes()).map(|b| String::from_utf8(b).unwrap());
        assert_eq!(plain("Mül\\u00e4x").as_deref(), Some("Mulax"));
        assert_eq!(plain("ü\\nx?a&b").as_deref(), Some("u\\nx?a&b"));
        assert_eq!(plain("Änderung–größe").as_deref(), Some("anderung grosse"));
        for unknown in ["a%40ü", "ü&amp;", "ü<b>", "ａ", "a\u{ad}b", "e\u{301}", "ü--x", "ü??x"] {
            assert_eq!(plain(unknown), None, "{unknown}");
        }
    }
}

//! Encodings: which one a file's bytes are in, and the way there and back.

use std::borrow::Cow;

/// The encodings that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, ASCII included.
    Utf8 {
        /// Whether a byte-order mark stands in front.
        bom: bool,
    },
    /// UTF-16.
    Utf16 {
        /// Big endian.
        big: bool,
        /// Whether a byte-order mark stands in front.
        bom: bool,
    },
    /// UTF-32.
    Utf32 {
        /// Big endian.
        big: bool,
        /// Whether a byte-order mark stands in front.
        bom: bool,
    },
    /// Windows-1252, of which Latin-1's printable characters are a part.
    Latin1,
}

const UTF8_BOM: &[u8] = b"\xef\xbb\xbf";

/// Windows-1252's 0x80 to 0x9f; what it leaves open stays a control character.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘', '’',
    '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// The text of `bytes`, without a byte-order mark, and its encoding; `None` if it is no text.
#[must_use]
pub fn decode(bytes: &[u8]) -> Option<(Encoding, Cow<'_, str>)> {
    if let Some(rest) = bytes.strip_prefix(UTF8_BOM)
        && let Ok(text) = simdutf8::basic::from_utf8(rest)
    {
        return Some((Encoding::Utf8 { bom: true }, Cow::Borrowed(text)));
    }
    if let Some((big, bom)) = utf32(bytes) {
        let units = bytes[if bom { 4 } else { 0 }..].as_chunks::<4>().0.iter();
        let units = units.map(|c| if big { u32::from_be_bytes(*c) } else { u32::from_le_bytes(*c) });
        let text = units.map(|u| char::from_u32(u).unwrap_or(char::REPLACEMENT_CHARACTER)).collect::<String>();
        return Some((Encoding::Utf32 { big, bom }, Cow::Owned(text)));
    }
    if let Some(big) = utf16(bytes) {
        let bom = matches!(bytes.get(..2), Some([0xff, 0xfe] | [0xfe, 0xff]));
        let units = bytes[if bom { 2 } else { 0 }..]
            .chunks_exact(2)
            .map(|c| if big { u16::from_be_bytes([c[0], c[1]]) } else { u16::from_le_bytes([c[0], c[1]]) });
        let text: String = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
        return Some((Encoding::Utf16 { big, bom }, Cow::Owned(text)));
    }
    if let Ok(text) = simdutf8::basic::from_utf8(bytes) {
        return Some((Encoding::Utf8 { bom: false }, Cow::Borrowed(text)));
    }
    if !printable(bytes) {
        return None;
    }
    Some((Encoding::Latin1, Cow::Owned(latin1(bytes))))
}

/// Whether bytes are no text: [`decode`] gives none.
#[must_use]
pub fn is_binary(bytes: &[u8]) -> bool {
    !printable(bytes) && simdutf8::basic::from_utf8(bytes).is_err() && utf32(bytes).is_none() && utf16(bytes).is_none()
}

/// Whether a sample of bytes looks like no text, which is quickly told; [`is_binary`] says whether they are none.
#[must_use]
pub fn looks_binary(bytes: &[u8]) -> bool {
    const SAMPLE: usize = 255;
    let sample = |from: usize| !printable(&bytes[from..bytes.len().min(from + SAMPLE)]);
    sample(0) || sample(bytes.len() / 2) || sample(bytes.len().saturating_sub(SAMPLE))
}

/// Whether bytes are UTF-8 and nothing else besides: neither zeros, between which UTF-16 may stand, nor the escapes of
/// ISO-2022. One fast pass; nearly every file is so.
#[must_use]
pub fn is_plain(bytes: &[u8]) -> bool {
    simdutf8::basic::from_utf8(bytes).is_ok() && !hides_text(bytes)
}

/// Whether UTF-8 may be something else besides: see [`is_plain`].
#[must_use]
pub fn hides_text(bytes: &[u8]) -> bool {
    memchr::memchr2_iter(0, 0x1b, bytes).any(|i| bytes[i] == 0 || bytes.get(i + 1) == Some(&b'$'))
}

/// Whether bytes that are neither UTF-8 nor UTF-16 are text all the same: hardly any control characters.
fn printable(bytes: &[u8]) -> bool {
    // Without branches and in few bits, so that it goes many bytes at a time.
    let control = |b: &u8| {
        u8::from(*b < 0x20) & u8::from(*b != b'\t' && *b != b'\n') & u8::from(*b != b'\r' && *b != 0x0c && *b != 0x1b)
    };
    let controls: usize = bytes.chunks(255).map(|c| usize::from(c.iter().map(control).sum::<u8>())).sum();
    controls * 100 <= bytes.len()
}

/// `bytes` read as Windows-1252, which always gives a text.
#[must_use]
pub fn latin1(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|b| if (0x80..0xa0).contains(b) { WINDOWS_1252[usize::from(*b - 0x80)] } else { char::from(*b) })
        .collect()
}

/// Whether the bytes are UTF-32, and if so whether big endian and with a byte-order mark.
fn utf32(bytes: &[u8]) -> Option<(bool, bool)> {
    match bytes.get(..4)? {
        [0xff, 0xfe, 0, 0] => return Some((false, true)),
        [0, 0, 0xfe, 0xff] => return Some((true, true)),
        // Of the first character of a text the upper half is zero.
        [0, 0, _, _] | [_, _, 0, 0] if bytes.len().is_multiple_of(4) => {}
        _ => return None,
    }
    let sample = &bytes.as_chunks::<4>().0[..(bytes.len() / 4).min(256)];
    let all = |unit: fn([u8; 4]) -> u32| {
        sample.iter().all(|c| char::from_u32(unit(*c)).is_some_and(|c| !c.is_control() || c.is_whitespace()))
    };
    match (all(u32::from_le_bytes), all(u32::from_be_bytes)) {
        (true, false) => Some((false, false)),
        (false, true) => Some((true, false)),
        _ => None,
    }
}

/// Whether the bytes are UTF-16, and if so whether big endian: by the byte-order mark, else by where the zeros and
/// the small numbers of other alphabets' blocks stand.
fn utf16(bytes: &[u8]) -> Option<bool> {
    match bytes.get(..2)? {
        [0xff, 0xfe] => return Some(false),
        [0xfe, 0xff] => return Some(true),
        _ => {}
    }
    let sample = &bytes[..bytes.len().min(4096) & !1];
    if !bytes.len().is_multiple_of(2) || memchr::memchr(0, sample).is_none() {
        return None;
    }
    let small = |odd: usize| sample.iter().skip(odd).step_by(2).filter(|b| **b < 7).count();
    let (even, odd, half) = (small(0), small(1), sample.len() / 2);
    if odd * 10 >= half * 4 && even * 20 <= half {
        Some(false)
    } else if even * 10 >= half * 4 && odd * 20 <= half {
        Some(true)
    } else {
        None
    }
}

/// The bytes of `text` in an encoding; `None` where it has no such character.
#[must_use]
pub fn encode(text: &str, encoding: Encoding) -> Option<Vec<u8>> {
    match encoding {
        Encoding::Utf8 { bom } => {
            let mut out = if bom { UTF8_BOM.to_vec() } else { Vec::new() };
            out.extend_from_slice(text.as_bytes());
            Some(out)
        }
        Encoding::Utf16 { big, bom } => {
            let units = bom.then_some(0xfeff).into_iter().chain(text.encode_utf16());
            Some(units.flat_map(|u| if big { u.to_be_bytes() } else { u.to_le_bytes() }).collect())
        }
        Encoding::Utf32 { big, bom } => {
            let units = bom.then_some(0xfeff).into_iter().chain(text.chars().map(u32::from));
            Some(units.flat_map(|u| if big { u.to_be_bytes() } else { u.to_le_bytes() }).collect())
        }
        Encoding::Latin1 => text
            .chars()
            .map(|c| match WINDOWS_1252.iter().position(|w| *w == c) {
                Some(i) => u8::try_from(i + 0x80).ok(),
                None => u8::try_from(u32::from(c)).ok(),
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_is_what_nothing_hides_in() {
        for (bytes, plain) in [
            ("Zoë \u{1b}[31mred".as_bytes(), true),
            (b"", true),
            (b"a\0b", false),
            (b"\x1b$B;3\x1b(B", false),
            (b"Zo\xeb", false),
        ] {
            assert_eq!(is_plain(bytes), plain, "{bytes:?}");
        }
    }

    #[test]
    fn encodings_are_told_apart() {
        let le: Vec<u8> = "Zoë and more text".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let be: Vec<u8> = "Zoë and more text".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(decode(&le).unwrap().0, Encoding::Utf16 { big: false, bom: false });
        assert_eq!(decode(&be).unwrap().1, "Zoë and more text");
        assert_eq!(decode(b"\xff\xfeZ\0").unwrap().1, "Z");
        let cyrillic: Vec<u8> = "Зоя Ксандр, отдел".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(
            decode(&cyrillic).unwrap(),
            (Encoding::Utf16 { big: false, bom: false }, "Зоя Ксандр, отдел".into())
        );
        for (big, bom) in [(false, false), (false, true), (true, false), (true, true)] {
            let wide = encode("Zoë Зоя", Encoding::Utf32 { big, bom }).unwrap();
            assert_eq!(decode(&wide).unwrap(), (Encoding::Utf32 { big, bom }, "Zoë Зоя".into()));
        }
        assert_eq!(decode(b"\xef\xbb\xbfx").unwrap(), (Encoding::Utf8 { bom: true }, "x".into()));
        assert_eq!(decode(b"Zo\xeb \x80").unwrap(), (Encoding::Latin1, "Zoë €".into()));
        assert!(decode(b"\x89PNG\r\n\x1a\n\0\0\0\xff\x01\x02\x03").is_none());
    }

    proptest! {
        #[test]
        fn there_and_back(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            if let Some((encoding, text)) = decode(&bytes) {
                // UTF-16 with a lone surrogate is the one that cannot go back; the redactor checks.
                let odd = match encoding {
                    Encoding::Utf16 { .. } => bytes.len() % 2 != 0,
                    Encoding::Utf32 { .. } => bytes.len() % 4 != 0,
                    _ => false,
                };
                if !odd && !text.contains(char::REPLACEMENT_CHARACTER) {
                    let back = encode(&text, encoding);
                    prop_assert_eq!(back.as_deref(), Some(bytes.as_slice()));
                }
            }
        }
    }
}

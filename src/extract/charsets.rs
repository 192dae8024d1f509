//! Further readings of bytes that are no UTF-8: every legacy character set in which they may make sense.
//!
//! Nobody can tell for sure which character set a text without a declaration is in, and declarations lie; so a text is
//! searched in every reading that decodes, rather than missed in a wrong one. [`super::encoding::decode`] gives the first
//! reading, one character a byte, and each further one leads back to it, and so to the bytes. Must not search.

use std::{borrow::Cow, sync::LazyLock};

use encoding_rs::{
    BIG5, EUC_JP, EUC_KR, Encoding, GB18030, IBM866, ISO_2022_JP, ISO_8859_2, ISO_8859_3, ISO_8859_4, ISO_8859_5,
    ISO_8859_6, ISO_8859_7, ISO_8859_8, ISO_8859_10, ISO_8859_13, ISO_8859_14, ISO_8859_15, ISO_8859_16, KOI8_R,
    KOI8_U, MACINTOSH, SHIFT_JIS, UTF_16BE, UTF_16LE, WINDOWS_874, WINDOWS_1250, WINDOWS_1251, WINDOWS_1253,
    WINDOWS_1254, WINDOWS_1255, WINDOWS_1256, WINDOWS_1257, WINDOWS_1258, X_MAC_CYRILLIC,
};

use super::encoding::latin1;
use crate::norm::{Builder, Mapped};

/// Character sets with one byte a character.
const SINGLE: [&Encoding; 27] = [
    WINDOWS_1250,
    WINDOWS_1251,
    KOI8_R,
    WINDOWS_1253,
    WINDOWS_1254,
    WINDOWS_1257,
    WINDOWS_1255,
    WINDOWS_1256,
    WINDOWS_1258,
    WINDOWS_874,
    ISO_8859_2,
    ISO_8859_3,
    ISO_8859_4,
    ISO_8859_5,
    ISO_8859_6,
    ISO_8859_7,
    ISO_8859_8,
    ISO_8859_10,
    ISO_8859_13,
    ISO_8859_14,
    ISO_8859_15,
    ISO_8859_16,
    KOI8_U,
    IBM866,
    MACINTOSH,
    X_MAC_CYRILLIC,
    // In this place stands code page 850, which the web does not know: see `table`.
    encoding_rs::X_USER_DEFINED,
];

/// Code page 850, the upper half: DOS and the Windows console in western Europe; its letters are 437's too.
const CP850: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u{ad}±‗¾¶§÷¸°¨·¹³²■\u{a0}";

/// Character sets with more than one byte a character.
const DOUBLE: [&Encoding; 5] = [SHIFT_JIS, EUC_JP, GB18030, EUC_KR, BIG5];

/// Damaged characters in a thousand that a reading may have: a file may be cut anywhere.
const DAMAGED: usize = 5;

/// A reading of some bytes.
#[derive(Debug, Clone)]
pub struct Reading {
    text: String,
    how: How,
}

#[derive(Debug, Clone, Copy)]
enum How {
    Single(usize),
    Double(&'static Encoding),
    /// Its characters stand for no bytes of their own.
    Whole,
}

impl Reading {
    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text, leading back to the reading of `bytes` as Windows-1252; `None` where it leads nowhere.
    #[must_use]
    pub fn view(&self, bytes: &[u8]) -> Option<Mapped> {
        if matches!(self.how, How::Whole) {
            return None;
        }
        let mut out = Builder::with_capacity(self.text.len());
        // Where a byte stands in the first reading, in which it is a character.
        let mut place = 0;
        let width = |bytes: &[u8]| -> usize { if bytes.is_ascii() { bytes.len() } else { latin1(bytes).len() } };
        let mut at = 0;
        let table = if let How::Single(n) = self.how { Some(table(n)) } else { None };
        while at < bytes.len() {
            let ascii = bytes[at..].iter().take_while(|b| b.is_ascii()).count();
            if ascii > 0 {
                out.same(std::str::from_utf8(&bytes[at..at + ascii]).ok()?, place);
                at += ascii;
                place += ascii;
                continue;
            }
            let (text, len) = match (self.how, &table) {
                (How::Whole, _) => return None,
                (How::Double(encoding), _) => double(encoding, &bytes[at..]),
                (How::Single(_), Some(table)) => (Cow::Owned(table[usize::from(bytes[at] & 0x7f)].to_string()), 1),
                (How::Single(_), None) => return None,
            };
            let end = place + width(&bytes[at..at + len]);
            out.unit(&text, place, end);
            at += len;
            place = end;
        }
        Some(out.finish())
    }
}

/// The upper halves of the single-byte character sets.
static TABLES: LazyLock<Vec<[char; 128]>> = LazyLock::new(|| (0..SINGLE.len()).map(made).collect());

/// The upper halves of all character sets of one byte a character, that of Windows-1252 first; see [`super::encoding`].
pub(crate) fn tables() -> Vec<[char; 128]> {
    let mut first = ['\u{fffd}'; 128];
    (0x80..=0xff_u8).zip(&mut first).for_each(|(b, c)| *c = latin1(&[b]).chars().next().unwrap_or(*c));
    std::iter::once(first).chain(TABLES.iter().copied()).collect()
}

/// The upper half of a single-byte character set.
fn table(n: usize) -> &'static [char; 128] {
    &TABLES[n]
}

fn made(n: usize) -> [char; 128] {
    let mut table = ['\u{fffd}'; 128];
    if SINGLE[n] == encoding_rs::X_USER_DEFINED {
        CP850.chars().zip(&mut table).for_each(|(c, t)| *t = c);
        return table;
    }
    for (i, t) in (0x80..=0xff_u8).zip(&mut table) {
        let byte = [i];
        let (text, _) = SINGLE[n].decode_without_bom_handling(&byte);
        *t = text.chars().next().unwrap_or('\u{fffd}');
    }
    table
}

/// The character of a multi-byte set at the start of `bytes`, whose first is beyond ASCII, and its length.
fn double<'a>(encoding: &'static Encoding, bytes: &'a [u8]) -> (Cow<'a, str>, usize) {
    for len in 1..=bytes.len().min(4) {
        if let Some(text) = encoding.decode_without_bom_handling_and_without_replacement(&bytes[..len])
            // Four of Big5 are a letter and a mark.
            && (1..=2).contains(&text.chars().count())
        {
            return (text, len);
        }
    }
    (Cow::Borrowed("\u{fffd}"), 1)
}

/// Every further reading of bytes that are a text but no UTF-8, and of UTF-8 with the escapes of ISO-2022-JP. Readings that
/// say the same are given once.
pub fn readings(bytes: &[u8]) -> Vec<Reading> {
    let mut out: Vec<Reading> = Vec::new();
    if memchr::memmem::find(bytes, b"\x1b$").is_some() {
        out.extend(decoded(ISO_2022_JP, bytes).map(|text| Reading { text, how: How::Whole }));
    }
    if bytes.is_ascii() || simdutf8::basic::from_utf8(bytes).is_ok() {
        return out;
    }
    out.extend(single(bytes).into_iter().map(|n| Reading { text: in_set(n, bytes), how: How::Single(n) }));
    let double = double_readings(bytes).filter(|r| !out.iter().any(|o| o.text == r.text)).collect::<Vec<_>>();
    out.extend(double);
    out
}

/// The readings of bytes that are no UTF-8 in sets with more than one byte a character.
pub(crate) fn double_readings(bytes: &[u8]) -> impl Iterator<Item = Reading> {
    let double = DOUBLE
        .into_iter()
        .filter_map(|encoding| decoded(encoding, bytes).map(|text| Reading { text, how: How::Double(encoding) }));
    // UTF-16 of scripts whose letters have no zero byte.
    let wide = [UTF_16LE, UTF_16BE].into_iter().filter(|_| bytes.len().is_multiple_of(2));
    double.chain(wide.filter_map(|encoding| decoded(encoding, bytes).map(|text| Reading { text, how: How::Whole })))
}

/// The character sets of one byte a character in which hardly anything of some bytes is undefined; one of those that say the
/// same. None that says the same as Windows-1252.
pub(crate) fn single(bytes: &[u8]) -> Vec<usize> {
    let mut counts = [0_usize; 128];
    bytes.iter().filter(|b| !b.is_ascii()).for_each(|b| counts[usize::from(b & 0x7f)] += 1);
    let seen: Vec<usize> = (0..128).filter(|b| counts[*b] > 0).collect();
    // How the bytes that there are look, and which sets agree in it.
    let bytes_seen: Vec<u8> = (0x80..=0xff).filter(|b: &u8| counts[usize::from(b & 0x7f)] > 0).collect();
    let mut looks = vec![latin1(&bytes_seen)];
    let mut out = Vec::new();
    for n in 0..SINGLE.len() {
        let table = table(n);
        let look: String = seen.iter().map(|b| table[*b]).collect();
        let unknown: usize = seen.iter().filter(|b| table[**b] == '\u{fffd}').map(|b| counts[*b]).sum();
        if unknown * 1000 <= bytes.len() * DAMAGED && !looks.contains(&look) {
            looks.push(look);
            out.push(n);
        }
    }
    out
}

/// Bytes read in one of [`single`].
pub(crate) fn in_set(n: usize, bytes: &[u8]) -> String {
    let table = table(n);
    bytes.iter().map(|b| if b.is_ascii() { char::from(*b) } else { table[usize::from(b & 0x7f)] }).collect()
}

/// The text, where hardly anything of it is damaged.
fn decoded(encoding: &'static Encoding, bytes: &[u8]) -> Option<String> {
    let (text, damaged) = encoding.decode_without_bom_handling(bytes);
    let count = if damaged { text.chars().filter(|c| *c == '\u{fffd}').count() } else { 0 };
    let says = |c: char| !c.is_ascii() && c != '\u{fffd}';
    let few = count <= 1 + text.len() * DAMAGED / 1000;
    (few && (text.contains(says) || encoding == ISO_2022_JP)).then(|| text.into_owned())
}

/// What of a file that is no text may be text in one byte a character, line by line: for [`readings`] and a search.
#[must_use]
pub fn narrow_strings(bytes: &[u8]) -> Vec<u8> {
    runs(bytes.iter().copied(), 3, in_string, b'\n')
}

/// As [`narrow_strings`], with line ends where the file has them, and between what stands apart a control that no text has (the
/// unit separator of ASCII).
#[must_use]
pub fn parted_strings(bytes: &[u8]) -> Vec<u8> {
    runs(bytes.iter().copied(), 3, |b| in_string(b) || matches!(b, b'\n' | b'\r'), 0x1f)
}

fn in_string(b: u8) -> bool {
    matches!(b, b' '..=0x7e | b'\t' | 0xc0..) || OTHERS.contains(&b)
}

/// Letters of the sets above that do not stand where most do.
const OTHERS: [u8; 32] = [
    0x80, 0x81, 0x82, 0x83, 0x84, 0x87, 0x88, 0x89, 0x8a, 0x8c, 0x8d, 0x8e, 0x8f, 0x94, 0x9a, 0x9c, 0x9d, 0x9e, 0x9f,
    0xa1, 0xa3, 0xa5, 0xa8, 0xaa, 0xaf, 0xb1, 0xb3, 0xb8, 0xb9, 0xba, 0xbc, 0xbf,
];

/// What of a file that is no text may be text in UTF-16, at an offset of `odd` bytes, line by line. `rare`: also where all
/// its letters are those of East Asia, as which chance bytes often look.
#[must_use]
pub fn wide_strings(bytes: &[u8], big: bool, odd: bool, rare: bool) -> String {
    let units = bytes.get(usize::from(odd)..).unwrap_or_default().chunks_exact(2);
    let units = units.map(|c| if big { u16::from_be_bytes([c[0], c[1]]) } else { u16::from_le_bytes([c[0], c[1]]) });
    let text = |u: u16| match u {
        0x20..=0x7e | 0x09 | 0xa0..=0x6ff | 0x1e00..=0x1fff | 0x200b..=0x2027 => true,
        0x3040..=0x30ff | 0x4e00..=0x9fff | 0xac00..=0xd7a3 | 0xd800..=0xdfff => rare,
        _ => false,
    };
    String::from_utf16_lossy(&runs(units, if rare { 2 } else { 3 }, text, 0x0a))
}

/// The runs of at least `shortest` items that `keep`, with `between` behind each.
fn runs<T: Copy>(items: impl Iterator<Item = T>, shortest: usize, keep: impl Fn(T) -> bool, between: T) -> Vec<T> {
    let mut out = Vec::new();
    let mut start = 0;
    for item in items {
        if keep(item) {
            out.push(item);
        } else if out.len() - start >= shortest {
            out.push(between);
            start = out.len();
        } else {
            out.truncate(start);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_character_that_is_two_leads_back() {
        // What fuzzing found: 0x8864 of Big5.
        let bytes = b"\x88dddd\xf7d";
        let text = "\u{ca}\u{30c}ddd\u{8f60}";
        let reading = readings(bytes).into_iter().find(|r| r.text() == text).unwrap();
        assert_eq!(reading.view(bytes).unwrap().text(), text);
    }

    #[test]
    fn a_text_is_among_its_readings_and_leads_back() {
        for (encoding, text) in [
            (WINDOWS_1251, "от: Зоя Ксандр, отдел"),
            (KOI8_R, "от: Зоя Ксандр, отдел"),
            (IBM866, "от: Зоя Ксандр, отдел"),
            (ISO_8859_2, "pan Łukasz Żółw"),
            (WINDOWS_1250, "pan Łukasz Ślązak"),
            (WINDOWS_1253, "η Ζωή Ξάνδρου"),
            (ISO_8859_15, "Œuvre de Zoë, 5 €"),
            (SHIFT_JIS, "担当: 山田 太郎 です"),
            (EUC_JP, "担当: 山田 太郎 です"),
            (ISO_2022_JP, "担当: 山田 太郎 です"),
            (GB18030, "负责人: 张伟 先生"),
            (EUC_KR, "담당: 김철수 씨"),
            (BIG5, "負責人: 陳大文"),
        ] {
            let (bytes, _, lost) = encoding.encode(text);
            assert!(!lost, "{}", encoding.name());
            let found = readings(&bytes).into_iter().find(|r| r.text() == text);
            let Some(found) = found else { panic!("no reading as {}", encoding.name()) };
            if encoding == ISO_2022_JP {
                assert!(found.view(&bytes).is_none());
                continue;
            }
            let view = found.view(&bytes).unwrap();
            assert_eq!(view.text(), text);
            // The second word, in the first reading, is its bytes.
            let from = text.find(' ').unwrap() + 1;
            let to = from + text[from..].find(' ').unwrap_or(text.len() - from);
            let first = latin1(&bytes);
            let back = &first[view.original(from, to)];
            assert_eq!(back, latin1(&encoding.encode(&text[from..to]).0), "{}", encoding.name());
        }
        let dos = readings(b"Zo\x89 M\x81ller");
        assert!(dos.iter().any(|r| r.text() == "Zoë Müller"), "code page 850");
    }

    #[test]
    fn what_says_the_same_is_read_once() {
        assert!(readings(b"plain").is_empty());
        assert!(readings("Zoë".as_bytes()).is_empty());
        let texts: Vec<String> = readings(b"Zo\xeb Xander").into_iter().map(|r| r.text).collect();
        let mut once = texts.clone();
        once.sort();
        once.dedup();
        assert_eq!(once.len(), texts.len(), "{texts:?}");
        assert!(!texts.iter().any(|t| t == "Zoë Xander"), "that is the first reading");
    }

    #[test]
    fn strings_of_binaries() {
        assert_eq!(narrow_strings(b"\0\x01Zo\xeb\0ab\0Xander\x02"), b"Zo\xeb\nXander\n");
        assert_eq!(parted_strings(b"\0\x01Zo\xeb\nX\0ab\0Xander\x02"), b"Zo\xeb\nX\x1fXander\x1f");
        let wide: Vec<u8> =
            [0, 0x5a, 0x6f, 0xeb, 0, 0x417, 0x43e, 0x44f].into_iter().flat_map(u16::to_le_bytes).collect();
        assert_eq!(wide_strings(&wide, false, false, false), "Zoë\nЗоя");
        assert_eq!(wide_strings(&[&[9], &wide[..]].concat(), false, true, false), "Zoë\nЗоя");
        let east: Vec<u8> = [0, 0x5c71, 0x7530, 0].into_iter().flat_map(u16::to_be_bytes).collect();
        assert_eq!(
            (wide_strings(&east, true, false, true).trim(), wide_strings(&east, true, false, false).trim()),
            ("山田", "")
        );
    }

    proptest! {
        #[test]
        fn every_view_leads_into_the_first_reading(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let first = latin1(&bytes);
            for reading in readings(&bytes) {
                let Some(view) = reading.view(&bytes) else { continue };
                for (at, c) in view.text().char_indices() {
                    prop_assert!(first.get(view.original(at, at + c.len_utf8())).is_some());
                }
            }
        }
    }
}

//! Files inside a text: archives, documents and images written as base64, as in data addresses and JSON, and any file as
//! `uuencode` writes it.
//!
//! Looks only for how such files begin, so that a text without them costs one fast pass. Must not open what it finds.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, Input, MatchKind};

use super::encoded;

/// How the files that are opened begin, in base64: zip, gzip, bzip2, xz, zstd, PDF, PNG, JPEG (also under JSON escapes),
/// GIF, RIFF, TIFF, 7z, old Office, RTF.
const BEGINNINGS: [&str; 16] = [
    "UEsDB", "H4sIA", "QlpoO", "/Td6WF", "KLUv/", "JVBERi", "iVBORw", "/9j/", "\\/9j\\/", "R0lGOD", "UklGR", "SUkqA",
    "TU0AK", "N3q8r", "0M8R4", "e1xydG",
];

/// Shorter runs hold no file, in characters.
const SHORTEST: usize = 28;

/// Files of one text that are opened; one more is given, so that who opens them sees that there are more.
pub(super) const MOST: usize = 1000;

/// Few patterns, so that it searches by vectors where the machine has them.
static SEARCH: LazyLock<Option<AhoCorasick>> =
    LazyLock::new(|| AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(BEGINNINGS).ok());

/// The files in some text that `uuencode` wrote (POSIX), each with the byte where it begins and its name.
pub(super) fn uuencoded(bytes: &[u8]) -> impl Iterator<Item = (usize, String, Vec<u8>)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let from = at + UU.find(bytes.get(at..)?)?;
            at = from + 6;
            if !matches!(from.checked_sub(1).map(|i| bytes[i]), None | Some(b'\n' | b'>' | b' ')) {
                continue;
            }
            let mut lines = bytes[from + 6..].split_inclusive(|b| *b == b'\n');
            let Some((name, begin)) = lines.next().and_then(|line| Some((uu_name(line)?, line.len()))) else {
                continue;
            };
            let (mut content, mut end) = (Vec::new(), from + 6 + begin);
            for line in lines {
                let Some(more) = uu_line(line.trim_ascii_end()) else { break };
                end += line.len();
                content.extend(more);
            }
            if !content.is_empty() {
                at = end;
                return Some((from, name, content));
            }
        }
    })
    .take(MOST + 1)
}

static UU: LazyLock<memchr::memmem::Finder<'static>> = LazyLock::new(|| memchr::memmem::Finder::new("begin "));

/// The name of the file, behind three or four digits of its mode.
fn uu_name(line: &[u8]) -> Option<String> {
    let mode = line.iter().take_while(|b| matches!(b, b'0'..=b'7')).count();
    let name = line[mode..].strip_prefix(b" ").filter(|_| (3..=4).contains(&mode))?.trim_ascii();
    (!name.is_empty() && name.len() < 1024).then(|| String::from_utf8_lossy(name).into_owned())
}

/// The bytes of one line: its length, then four characters for every three. Spaces at its end may have been lost.
fn uu_line(line: &[u8]) -> Option<Vec<u8>> {
    let value = |b: u8| (b' '..=b'`').contains(&b).then(|| (b - b' ') & 63);
    let (length, chars) = line.split_first()?;
    let length = usize::from(value(*length)?);
    let values: Vec<u8> = chars.iter().map(|b| value(*b)).collect::<Option<_>>()?;
    // Some programs add a character of their own.
    if length == 0 || values.len() > length.div_ceil(3) * 4 + 2 || values.len() + 3 < length.div_ceil(3) {
        return None;
    }
    let mut out = Vec::with_capacity(length + 3);
    for quad in values.chunks(4) {
        let four = |i: usize| u32::from(quad.get(i).copied().unwrap_or(0));
        let bits = four(0) << 18 | four(1) << 12 | four(2) << 6 | four(3);
        out.extend_from_slice(&bits.to_be_bytes()[1..]);
    }
    out.resize(length, 0);
    Some(out)
}

/// The files in some text, each with the byte where it begins.
pub(super) fn files(bytes: &[u8]) -> impl Iterator<Item = (usize, Vec<u8>)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let search = SEARCH.as_ref()?;
        while let Some(found) = search.find(Input::new(bytes).range(at..)) {
            let from = found.start();
            at = from + 1;
            // In the middle of a run it is chance.
            if !begins(bytes, from) {
                continue;
            }
            let Some(run) = encoded::base64_runs(&bytes[from..]).next().filter(|r| r.span.start == 0) else { continue };
            if run.span.len() >= SHORTEST {
                at = from + run.span.end;
                return Some((from, run.bytes()));
            }
        }
        None
    })
    .take(MOST + 1)
}

fn begins(bytes: &[u8], at: usize) -> bool {
    let Some(before) = at.checked_sub(1).map(|i| bytes[i]) else { return true };
    let character = before.is_ascii_alphanumeric() || matches!(before, b'+' | b'/');
    let escaped = at >= 2 && bytes[at - 2] == b'\\' && matches!(before, b'n' | b'r' | b't');
    !character || escaped
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::STANDARD};

    use super::*;

    #[test]
    fn files_in_texts() {
        let jpeg = [&b"\xff\xd8\xff\xe0"[..], &[7; 90]].concat();
        let encoded = STANDARD.encode(&jpeg);
        for text in [
            format!("<img src=\"data:image/jpeg;base64,{encoded}\">"),
            format!("{{\"a\": \"{}\"}}", encoded.replace('/', "\\/")),
            format!("{}\r\n{}\r\n", &encoded[..76], &encoded[76..]),
            format!("\\n{encoded}"),
        ] {
            let found: Vec<_> = files(text.as_bytes()).map(|(_, bytes)| bytes).collect();
            assert_eq!(found, [&jpeg[..]], "{text}");
        }
        assert_eq!(files(format!("A{encoded}").as_bytes()).count(), 0, "inside a run");
        assert_eq!(files(b"/9j/ is short; UEsDB too").count(), 0);
    }

    #[test]
    fn uuencoded_files() {
        let text =
            b"see\nbegin 644 of Zoe.txt\n887-K(%IOPZL@6&%N9&5R(&%B;W5T(&ET\n`\nend\nbegin 10 work\nbegin 644 x\nno\n";
        let found: Vec<_> = uuencoded(text).collect();
        let want = (4, "of Zoe.txt".to_owned(), "ask Zoë Xander about it".as_bytes().to_vec());
        assert_eq!(found[..1], [want], "{found:?}");
        assert_eq!(uuencoded(b"we begin 644 things\nand end\n").count(), 0);
        assert_eq!(uuencoded(b"").count(), 0);
    }

    #[test]
    fn beginnings_are_those_of_files() {
        for begin in BEGINNINGS {
            let mut whole = begin.replace('\\', "");
            while whole.len() % 4 != 0 {
                whole.push('A');
            }
            let bytes = STANDARD.decode(whole).unwrap();
            let known = [
                &b"PK\x03\x04"[..],
                b"\x1f\x8b\x08",
                b"BZh",
                b"\xfd7zX",
                b"\x28\xb5\x2f",
                b"%PDF",
                b"\x89PNG",
                b"\xff\xd8\xff",
                b"GIF8",
                b"RIF",
                b"II*\0",
                b"MM\0",
                b"7z\xbc",
                b"\xd0\xcf\x11",
                b"{\\rt",
            ];
            assert!(known.iter().any(|k| bytes.starts_with(&k[..k.len().min(3)])), "{begin}: {bytes:x?}");
        }
    }
}

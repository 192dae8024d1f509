//! Files inside a text: archives, documents and images written as base64, as in data addresses and JSON.
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
const SHORTEST: usize = 64;

/// Files of one text that are opened.
const MOST: usize = 1000;

/// Few patterns, so that it searches by vectors where the machine has them.
static SEARCH: LazyLock<Option<AhoCorasick>> =
    LazyLock::new(|| AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(BEGINNINGS).ok());

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
    .take(MOST)
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

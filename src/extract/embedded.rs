//! Files inside a text: archives, documents and images written as base64, as in data addresses and JSON, and any file as
//! `uuencode` writes it.
//!
//! Looks only for how such files begin, so that a text without them costs one fast pass. Must not open what it finds.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, Input, MatchKind};

use super::encoded;

/// How the files that are opened begin, in base64: zip, gzip, bzip2, xz, zstd, PDF, PNG, JPEG (also under JSON escapes),
/// GIF, RIFF, TIFF, 7z, old Office, RTF. The last is how `uuencode` begins one.
const BEGINNINGS: [&str; 17] = [
    "UEsDB", "H4sIA", "QlpoO", "/Td6WF", "KLUv/", "JVBERi", "iVBORw", "/9j/", "\\/9j\\/", "R0lGOD", "UklGR", "SUkqA",
    "TU0AK", "N3q8r", "0M8R4", "e1xydG", UU,
];

const UU: &str = "begin ";

/// Shorter runs hold no file, in characters.
const SHORTEST: usize = 28;

/// Files of one text that are opened; one more is given, so that who opens them sees that there are more.
pub(super) const MOST: usize = 1000;

/// Few patterns, so that it searches by vectors where the machine has them.
static SEARCH: LazyLock<Option<AhoCorasick>> =
    LazyLock::new(|| AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(BEGINNINGS).ok());

/// The files in some text that `uuencode` wrote (POSIX), with their names.
pub(super) fn uuencoded(bytes: &[u8]) -> impl Iterator<Item = (String, Vec<u8>)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let from = at + memchr::memmem::find(bytes.get(at..)?, UU.as_bytes())?;
            at = from + UU.len();
            if let Some((name, content, end)) = uu_file(bytes, from) {
                at = end;
                return Some((name, content));
            }
        }
    })
    .take(MOST + 1)
}

/// The file that `uuencode` wrote at `from`: its name, its content, and where it ends.
fn uu_file(bytes: &[u8], from: usize) -> Option<(String, Vec<u8>, usize)> {
    if !matches!(from.checked_sub(1).map(|i| bytes[i]), None | Some(b'\n' | b'>' | b' ')) {
        return None;
    }
    let at = from + UU.len();
    let mut lines = bytes[at..].split_inclusive(|b| *b == b'\n');
    let first = lines.next()?;
    let name = uu_name(first)?;
    let (mut content, mut end) = (Vec::new(), at + first.len());
    for line in lines {
        let Some(more) = uu_line(line.trim_ascii_end()) else { break };
        end += line.len();
        content.extend(more);
    }
    (!content.is_empty()).then_some((name, content, end))
}

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

/// A file inside a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Embedded {
    /// In base64, from this byte on.
    Base64(usize, Vec<u8>),
    /// As `uuencode` writes it, under this name.
    Uuencoded(String, Vec<u8>),
}

/// The files in some text, of each kind one more than are opened.
pub(super) fn files(bytes: &[u8]) -> impl Iterator<Item = Embedded> {
    // Behind what is next looked at, and behind the last file of each kind.
    let (mut at, mut base64_end, mut uu_end) = (0, 0, 0);
    let mut given = [0; 2];
    std::iter::from_fn(move || {
        let search = SEARCH.as_ref()?;
        while let Some(found) = search.find(Input::new(bytes).range(at..)) {
            let from = found.start();
            at = from + 1;
            if BEGINNINGS[found.pattern().as_usize()] == UU {
                if given[1] <= MOST
                    && from >= uu_end
                    && let Some((name, content, end)) = uu_file(bytes, from)
                {
                    uu_end = end;
                    given[1] += 1;
                    return Some(Embedded::Uuencoded(name, content));
                }
                continue;
            }
            // In the middle of a run it is chance.
            if given[0] > MOST || from < base64_end || !begins(bytes, from) {
                continue;
            }
            let Some(run) = encoded::base64_runs(&bytes[from..]).next().filter(|r| r.span.start == 0) else { continue };
            if run.span.len() >= SHORTEST {
                base64_end = from + run.span.end;
                given[0] += 1;
                return Some(Embedded::Base64(from, run.bytes()));
            }
        }
        None
    })
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
            let found: Vec<_> = files(text.as_bytes()).collect();
            let at = text.find("/9j").or_else(|| text.find("\\/9j")).unwrap_or_default();
            let at = if text[..at].ends_with('\\') { at - 1 } else { at };
            assert_eq!(found, [Embedded::Base64(at, jpeg.clone())], "{text}");
        }
        assert_eq!(files(format!("A{encoded}").as_bytes()).count(), 0, "inside a run");
        assert_eq!(files(b"/9j/ is short; UEsDB too").count(), 0);
    }

    #[test]
    fn uuencoded_files() {
        let text =
            b"see\nbegin 644 of Zoe.txt\n887-K(%IOPZL@6&%N9&5R(&%B;W5T(&ET\n`\nend\nbegin 10 work\nbegin 644 x\nno\n";
        let (name, content) = ("of Zoe.txt".to_owned(), "ask Zoë Xander about it".as_bytes().to_vec());
        assert_eq!(uuencoded(text).collect::<Vec<_>>(), [(name.clone(), content.clone())]);
        let uu = Embedded::Uuencoded(name, content);
        assert!(files(text).eq([uu.clone()]));
        // Also where a file in base64 seems to go on with it.
        let file = [&b"%PDF-1.7"[..], &[7; 52]].concat();
        let both = [STANDARD.encode(&file).as_bytes(), &text[3..]].concat();
        let found: Vec<_> = files(&both).collect();
        assert!(
            matches!(&found[..], [Embedded::Base64(0, content), second] if content.starts_with(&file) && *second == uu),
            "{found:?}"
        );
        assert_eq!(uuencoded(b"we begin 644 things\nand end\n").count(), 0);
        assert_eq!(uuencoded(b"").count(), 0);
    }

    #[test]
    fn beginnings_are_those_of_files() {
        for begin in BEGINNINGS.into_iter().filter(|b| *b != UU) {
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

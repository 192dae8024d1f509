//! What kind of file some bytes are. Scanner and redactor ask the same question, so that a position means the same.

use std::borrow::Cow;

use super::{
    encoding::{self, Encoding},
    streams,
};

/// A kind of file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format<'a> {
    /// One JSON value.
    Json(Encoding, Cow<'a, str>),
    /// JSON values, one a line.
    JsonLines(Encoding, Cow<'a, str>),
    /// Any other text: XML, CSV, logs.
    Text(Encoding, Cow<'a, str>),
    /// One file, compressed.
    Packed(Packing),
    /// zip, and what is built on it.
    Zip,
    /// tar.
    Tar,
    /// The archive of `ar`, of which packages are made.
    Ar,
    /// Anything else, with what it seems to be.
    Binary(&'static str),
}

/// How one file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// gzip (RFC 1952).
    Gzip,
    /// bzip2.
    Bzip2,
    /// xz.
    Xz,
    /// zstd (RFC 8878).
    Zstd,
    /// The old format of lzma.
    Lzma,
    /// lzip.
    Lzip,
    /// zlib (RFC 1950), as in the objects of git.
    Zlib,
}

impl Packing {
    /// Whether its first bytes are no proof of it.
    pub(super) const fn is_guess(self) -> bool {
        matches!(self, Self::Lzma | Self::Zlib)
    }
}

/// How compressed files begin.
const PACKED: [(&[u8], Packing); 5] = [
    (b"\x1f\x8b", Packing::Gzip),
    (b"BZh", Packing::Bzip2),
    (b"\xfd7zXZ\0", Packing::Xz),
    (b"\x28\xb5\x2f\xfd", Packing::Zstd),
    (b"LZIP\x01", Packing::Lzip),
];

/// Beginnings of files that no reader here understands.
const BINARY: [(&[u8], &str); 25] = [
    (b"%PDF", "PDF"),
    (b"\x89PNG", "PNG image"),
    (b"\xff\xd8\xff", "JPEG image"),
    (b"GIF8", "GIF image"),
    (b"BM", "bitmap image"),
    (b"II*\0", "TIFF image"),
    (b"MM\0*", "TIFF image"),
    (b"7z\xbc\xaf\x27\x1c", "7z archive"),
    (b"Rar!", "RAR archive"),
    (b"MSCF", "cabinet archive"),
    (b"\x1f\x9d", "file packed by compress"),
    (b"\x04\x22\x4d\x18", "lz4 file"),
    (b"\xed\xab\xee\xdb", "RPM package"),
    (b"PACK\0\0\0", "git pack"),
    (b"\xd0\xcf\x11\xe0", "old Office document"),
    (b"SQLite format 3\0", "SQLite database"),
    (b"\x7fELF", "program"),
    (b"\xca\xfe\xba\xbe", "Java class"),
    (b"age-encryption.org/", "age-encrypted file"),
    (b"-----BEGIN AGE ENCRYPTED FILE-----", "age-encrypted file"),
    (b"-----BEGIN PGP MESSAGE-----", "PGP-encrypted file"),
    (b"\xfe\xed\xfe\xed", "Java keystore"),
    (b"\xce\xce\xce\xce", "Java keystore"),
    (b"\x03\xd9\xa2\x9a", "KeePass database"),
    (b"Salted__", "file encrypted by OpenSSL"),
];

/// The binary kinds that a first look can tell; short signatures need a zero byte as a second witness.
fn binary(bytes: &[u8]) -> Option<&'static str> {
    let (magic, what) = BINARY.iter().find(|(magic, _)| bytes.starts_with(magic))?;
    let sure = magic.len() > 4 || memchr::memchr(0, &bytes[..bytes.len().min(4096)]).is_some();
    // The streams of an old Office document have names in UTF-16; so has what encrypts a new one.
    let encrypted = || memchr::memmem::find(bytes, b"E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e\0").is_some();
    let what = if *what == "old Office document" && encrypted() { &"encrypted Office document" } else { what };
    (sure || !bytes.is_ascii()).then_some(what)
}

/// The archive or binary kind, by the first bytes alone; `None` for what may be text.
#[must_use]
pub fn by_signature(bytes: &[u8]) -> Option<Format<'static>> {
    if let Some((_, packing)) = PACKED.iter().find(|(magic, _)| bytes.starts_with(magic))
        // "BZh" alone may begin a text.
        && (*packing != Packing::Bzip2 || bytes.get(4..10) == Some(b"1AY&SY") || bytes.get(4..8) == Some(b"\x17rE8"))
    {
        Some(Format::Packed(*packing))
    } else if is_tar(bytes) {
        Some(Format::Tar)
    } else if bytes.starts_with(b"!<arch>\n") {
        Some(Format::Ar)
    } else if streams::is_zlib(bytes) {
        Some(Format::Packed(Packing::Zlib))
    } else if streams::is_lzma(bytes) {
        Some(Format::Packed(Packing::Lzma))
    } else if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
        Some(Format::Zip)
    } else {
        binary(bytes).map(Format::Binary)
    }
}

/// Whether `bytes` begin with the header of a tar archive's member, whose checksum tells one of any age and make (POSIX.1,
/// ustar interchange format).
fn is_tar(bytes: &[u8]) -> bool {
    let Some(header) = bytes.get(..512) else { return false };
    let field = header[148..156].iter().filter(|b| b.is_ascii_digit());
    let digits = field.clone().count();
    let stated = field.fold(0u32, |n, b| n.wrapping_mul(8).wrapping_add(u32::from(b - b'0')));
    let spaces = 8 * u32::from(b' ');
    let sum = header[..148].iter().chain(&header[156..]).map(|b| u32::from(*b)).sum::<u32>() + spaces;
    digits >= 4 && sum == stated && header[0] != 0
}

/// The kind of `bytes`; `name` only serves to tell lines of JSON from a log that begins with one.
#[must_use]
pub fn format<'a>(name: &str, bytes: &'a [u8]) -> Format<'a> {
    if let Some(found) = by_signature(bytes) {
        return found;
    }
    let Some((encoding, text)) = encoding::decode(bytes) else { return Format::Binary("unknown format") };
    text_format(name, encoding, text)
}

/// As [`format`], of what is known to be text.
pub(crate) fn text_format<'a>(name: &str, encoding: Encoding, text: Cow<'a, str>) -> Format<'a> {
    let trimmed = text.trim_start();
    if trimmed.starts_with(['{', '[', '"']) {
        let lines = names_lines(name);
        if !lines && super::spans::is_json(&text) {
            return Format::Json(encoding, text);
        }
        if lines || begins_with_json_lines(trimmed) {
            return Format::JsonLines(encoding, text);
        }
    }
    Format::Text(encoding, text)
}

/// How a large file may be read a block at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Records {
    /// JSON, one value a line.
    Lines,
    /// One array, if it is one to its end.
    Array,
}

/// Whether what begins with `text`, the first block of a file, can be read by its records: [`text_format`] says the same of the
/// whole, however it goes on.
pub(crate) fn records(name: &str, text: &str) -> Option<Records> {
    let trimmed = text.trim_start();
    if !trimmed.starts_with(['{', '[', '"']) {
        None
    } else if names_lines(name) || begins_with_json_lines(trimmed) {
        Some(Records::Lines)
    } else {
        trimmed.starts_with('[').then_some(Records::Array)
    }
}

/// Whether a file is called like one of JSON lines.
pub(crate) fn names_lines(name: &str) -> bool {
    name.ends_with(".jsonl") || name.ends_with(".ndjson")
}

fn begins_with_json_lines(text: &str) -> bool {
    let mut lines = text.lines().filter(|l| !l.trim().is_empty());
    let is_json = |line: Option<&str>| {
        line.is_some_and(|l| l.starts_with('{') && serde_json::from_str::<serde::de::IgnoredAny>(l).is_ok())
    };
    is_json(lines.next()) && is_json(lines.next())
}

/// The lines of a text with their first byte, line ends excluded.
pub fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    text.split_inclusive('\n').map(move |line| {
        let from = at;
        at += line.len();
        (from, line.strip_suffix('\n').map_or(line, |l| l.strip_suffix('\r').unwrap_or(l)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds() {
        let kind = |bytes: &[u8]| match format("x", bytes) {
            Format::Json(..) => "json",
            Format::JsonLines(..) => "lines",
            Format::Text(..) => "text",
            Format::Packed(Packing::Gzip) => "gzip",
            Format::Packed(_) => "packed",
            Format::Tar => "tar",
            Format::Zip => "zip",
            Format::Ar => "ar",
            Format::Binary(what) => what,
        };
        for (bytes, want) in [
            (&b" {\"a\": 1}\n"[..], "json"),
            (b"\"x\"", "json"),
            (b"{\"a\":1}\n\n{\"a\":2}\r\nnot json", "lines"),
            (b"{\"a\":1} trailing", "text"),
            (b"[2026-11-22] log line", "text"),
            (b"BM is a word", "text"),
            (b"BZhang wrote", "text"),
            (b"BZh91AY&SY\x01", "packed"),
            (b"\xfd7zXZ\0\0", "packed"),
            (b"\x28\xb5\x2f\xfd\x20", "packed"),
            (b"", "text"),
            (b"\x1f\x8b\x08", "gzip"),
            (b"PK\x03\x04", "zip"),
            (b"%PDF-1.7\n\xe2\xe3", "PDF"),
            (b"\x00\x01\x02\xff\xfe\x00", "unknown format"),
            (b"-----BEGIN PGP MESSAGE-----\n\nhQEM\n", "PGP-encrypted file"),
            (b"\xfe\xed\xfe\xed\0\0\0\x02", "Java keystore"),
            (b"\xd0\xcf\x11\xe0\0\0W\0o\0r\0d\0", "old Office document"),
            (b"\xd0\xcf\x11\xe0\0\0E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e\0", "encrypted Office document"),
        ] {
            assert_eq!(kind(bytes), want, "{bytes:?}");
        }
    }

    #[test]
    fn line_positions() {
        let got: Vec<_> = lines("a\r\n\nb").collect();
        assert_eq!(got, [(0, "a"), (3, ""), (4, "b")]);
    }
}

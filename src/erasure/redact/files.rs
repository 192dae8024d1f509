//! Cuts in files: JSON, lines of JSON, text in its encoding, and gzip of those.

use std::{collections::BTreeMap, io::Write};

use super::{Action, RedactError, Spans, json};
use crate::{
    extract::{self, Format, Packing, encoding},
    model::{Cut, Piece},
};

/// What became of a file.
#[derive(Clone, PartialEq, Eq)]
pub enum Redacted {
    /// The new content.
    Bytes(Vec<u8>),
    /// This kind of file cannot be edited in place; why. The file as a whole has to go, or stays as a residual.
    Unsupported(&'static str),
}

impl std::fmt::Debug for Redacted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "Bytes({})", bytes.len()),
            Self::Unsupported(reason) => write!(f, "Unsupported({reason})"),
        }
    }
}

/// The largest content of a gzip file that is edited.
const LARGEST: u64 = 256 << 20;

/// Carries out `cuts` on a file's content. `name` is the file's name, by which the scan told its format.
///
/// # Errors
/// When a cut does not fit or would change nothing.
pub fn redact_file(
    name: &str,
    bytes: &[u8],
    cuts: &[(Cut, Action)],
    placeholder: &str,
) -> Result<Redacted, RedactError> {
    if cuts.iter().any(|(cut, _)| *cut == Cut::Whole) {
        return Ok(Redacted::Unsupported("a position that cannot be cut out of the file"));
    }
    let (encoding, new) = match extract::format(name, bytes) {
        Format::Json(encoding, text) => {
            let Some(text) = faithful(&text, encoding, bytes) else { return Ok(UNFAITHFUL) };
            (encoding, json::apply(text, cuts, placeholder)?.0)
        }
        Format::JsonLines(encoding, text) => {
            let Some(text) = faithful(&text, encoding, bytes) else { return Ok(UNFAITHFUL) };
            (encoding, lines(text, cuts, placeholder)?)
        }
        Format::Text(encoding, text) => {
            let Some(text) = faithful(&text, encoding, bytes) else { return Ok(UNFAITHFUL) };
            (encoding, plain(text, cuts, placeholder)?)
        }
        Format::Packed(Packing::Gzip) => return gzip(name, bytes, cuts, placeholder),
        Format::Packed(Packing::Bzip2) => return Ok(Redacted::Unsupported("bzip2")),
        Format::Packed(Packing::Xz) => return Ok(Redacted::Unsupported("xz")),
        Format::Packed(Packing::Zstd) => return Ok(Redacted::Unsupported("zstd")),
        Format::Packed(Packing::Lzma | Packing::Lzip) => return Ok(Redacted::Unsupported("lzma")),
        Format::Packed(Packing::Zlib) => return Ok(Redacted::Unsupported("zlib")),
        Format::Zip => return Ok(Redacted::Unsupported("zip archive")),
        Format::Tar => return Ok(Redacted::Unsupported("tar archive")),
        Format::Ar => return Ok(Redacted::Unsupported("ar archive")),
        Format::Binary(what) => return Ok(Redacted::Unsupported(what)),
    };
    match encoding::encode(&new, encoding) {
        Some(bytes) => Ok(Redacted::Bytes(bytes)),
        None => Err(RedactError::Content("the placeholder cannot be written in the file's encoding")),
    }
}

const UNFAITHFUL: Redacted = Redacted::Unsupported("text with errors in its encoding");

/// The text, if writing it back gives the very same bytes.
fn faithful<'a>(text: &'a str, encoding: encoding::Encoding, bytes: &[u8]) -> Option<&'a str> {
    (encoding::encode(text, encoding).as_deref() == Some(bytes)).then_some(text)
}

fn plain(text: &str, cuts: &[(Cut, Action)], placeholder: &str) -> Result<String, RedactError> {
    let mut spans = Spans::default();
    for (i, (cut, action)) in cuts.iter().enumerate() {
        let Cut::Text { pieces } = cut else { return Err(RedactError::NoSuchPlace { cut: i }) };
        if pieces.is_empty() || pieces.iter().any(|p| !p.pointer.is_empty()) {
            return Err(RedactError::NoSuchPlace { cut: i });
        }
        spans.add(text, pieces.iter().map(|p| (p.from, p.to)), *action, i)?;
    }
    let out = spans.cut(text, placeholder);
    if out == text { Err(RedactError::NothingChanged { cut: 0 }) } else { Ok(out) }
}

/// A cut of one line with its number in the whole file's list.
type Numbered = (usize, (Cut, Action));

/// Lines of JSON: the first part of each pointer is the line's number from 0. A line that is no JSON is a plain text.
fn lines(text: &str, cuts: &[(Cut, Action)], placeholder: &str) -> Result<String, RedactError> {
    let mut by_line: BTreeMap<usize, Vec<Numbered>> = BTreeMap::new();
    for (i, (cut, action)) in cuts.iter().enumerate() {
        let (line, cut) = split(cut).ok_or(RedactError::NoSuchPlace { cut: i })?;
        by_line.entry(line).or_default().push((i, (cut, *action)));
    }
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for (number, (from, line)) in extract::lines(text).enumerate() {
        let Some(cuts) = by_line.remove(&number) else { continue };
        let (indices, cuts): (Vec<usize>, Vec<_>) = cuts.into_iter().unzip();
        let edited = if is_json(line) {
            json::apply(line, &cuts, placeholder).map(|(line, _)| line)
        } else {
            plain(line, &cuts, placeholder)
        };
        out.push_str(&text[done..from]);
        out.push_str(&edited.map_err(|e| renumber(e, &indices))?);
        done = from + line.len();
    }
    if let Some((i, _)) = by_line.values().flatten().next() {
        return Err(RedactError::NoSuchPlace { cut: *i });
    }
    out.push_str(&text[done..]);
    Ok(out)
}

/// Whether a line is read as JSON; scanner and redactor have to agree.
pub(crate) fn is_json(line: &str) -> bool {
    extract::spans::is_json(line)
}

/// A cut in lines of JSON as the line's number and the cut in that line.
fn split(cut: &Cut) -> Option<(usize, Cut)> {
    let one = |pointer: &str| -> Option<(usize, String)> {
        let rest = pointer.strip_prefix('/')?;
        let (line, inner) = rest.find('/').map_or((rest, ""), |i| rest.split_at(i));
        Some((line.parse().ok()?, inner.to_owned()))
    };
    match cut {
        Cut::Node { pointer } => one(pointer).map(|(line, pointer)| (line, Cut::Node { pointer })),
        Cut::Name { pointer } => one(pointer).map(|(line, pointer)| (line, Cut::Name { pointer })),
        Cut::Text { pieces } => {
            let split: Option<Vec<(usize, Piece)>> = pieces
                .iter()
                .map(|p| one(&p.pointer).map(|(line, pointer)| (line, Piece { pointer, from: p.from, to: p.to })))
                .collect();
            let split = split?;
            let line = split.first()?.0;
            if split.iter().any(|(l, _)| *l != line) {
                return None;
            }
            Some((line, Cut::Text { pieces: split.into_iter().map(|(_, p)| p).collect() }))
        }
        Cut::Whole => None,
    }
}

/// An error of one line's cuts with the numbers of the whole file's.
fn renumber(error: RedactError, indices: &[usize]) -> RedactError {
    let of = |cut: usize| indices.get(cut).copied().unwrap_or(cut);
    match error {
        RedactError::NoSuchPlace { cut } => RedactError::NoSuchPlace { cut: of(cut) },
        RedactError::BadSpan { cut } => RedactError::BadSpan { cut: of(cut) },
        RedactError::NothingChanged { cut } => RedactError::NothingChanged { cut: of(cut) },
        RedactError::Whole { cut } => RedactError::Whole { cut: of(cut) },
        other => other,
    }
}

fn gzip(name: &str, bytes: &[u8], cuts: &[(Cut, Action)], placeholder: &str) -> Result<Redacted, RedactError> {
    let Ok(content) = extract::gunzip(bytes, LARGEST) else {
        return Ok(Redacted::Unsupported("gzip file that is damaged or too large to edit"));
    };
    let inner = name.strip_suffix(".gz").unwrap_or(name);
    match redact_file(inner, &content, cuts, placeholder)? {
        Redacted::Bytes(content) => {
            let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            let written = writer.write_all(&content).and_then(|()| writer.finish());
            written.map(Redacted::Bytes).map_err(|_| RedactError::Content("cannot be compressed"))
        }
        unsupported @ Redacted::Unsupported(_) => Ok(unsupported),
    }
}

//! Scanning bytes: a file, an attachment, a decrypted message, and whatever is packed inside.

pub(super) mod blocks;
mod records;
mod strings;

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use super::{
    context::{Context, Fields},
    fields,
    text::{TextHit, find_text},
};
use crate::{
    extract::{
        self, Format, Leaf, Limits, Unread, charsets,
        encoding::{self, Encoding},
        layout, spans,
    },
    model::{Cut, Piece, RecordRef, Reference, ReferenceKind, Strength},
    norm::Mapped,
    subject::{Look, Matcher, TextKind},
};

/// A part of a JSON document up to this size (bytes) is read as a tree; of a larger one only its children are looked for.
const PART: usize = 16 << 10;

/// Text is searched in stretches of this many bytes.
const STRETCH: usize = 1 << 20;

/// What a stretch sees of its neighbours, in bytes: the longest value, markup included, that may lie across.
const OVERLAP: usize = 4096;

/// References in a file's content, and what of it could not be read. `name` tells the format where the bytes do not, and
/// begins the path of an archive's members. The name itself is not searched, the names of members are.
///
/// A file's references have an empty field, or what `ctx` fixes it to; members of an archive have `path` set.
#[must_use]
pub fn scan_bytes(name: &str, bytes: &[u8], ctx: &Context, matcher: &Matcher) -> (Vec<Reference>, Vec<Unread>) {
    let mut out = Vec::new();
    let mut gaps = Vec::new();
    let ctx = of_files(ctx);
    let unread = extract::leaves(name, bytes, &Limits::default(), &mut |found| {
        leaf(found, &ctx, matcher, &mut out, &mut gaps);
    });
    gaps.extend(unread);
    (out, gaps)
}

/// Where a file is: what is found in it has no field but the one that is fixed.
fn of_files(ctx: &Context) -> Context {
    let fields = match &ctx.fields {
        Fields::Fixed(field) => Fields::Fixed(field.clone()),
        _ => Fields::Fixed(String::new()),
    };
    ctx.with_record(ctx.record.clone(), ctx.times, fields)
}

/// References in a file, or in a member of an archive and its path.
fn leaf(leaf: Leaf<'_>, ctx: &Context, matcher: &Matcher, out: &mut Vec<Reference>, gaps: &mut Vec<Unread>) {
    let first = First::look(leaf.bytes, matcher);
    if !leaf.member && first.is_none() {
        return;
    }
    let mut record = ctx.record.clone();
    if leaf.member {
        record.path = Some(leaf.path.to_owned());
    }
    let ctx = ctx.with_record(record, ctx.times, ctx.fields.clone());
    if leaf.member {
        // Folders inside an archive are named by their members' paths.
        let inner = leaf.path.rsplit('!').next().unwrap_or(leaf.path);
        out.extend(inner.split('/').flat_map(|part| scan_name(part, &ctx, matcher)));
    }
    let Some(first) = first else { return };
    let mut scan = Scan::new(&ctx, matcher, leaf.path, out, gaps);
    let before = scan.out.len();
    scan.leaf(leaf.bytes, leaf.read, &first);
    if leaf.opaque {
        scan.out[before..].iter_mut().for_each(|r| r.cut = Cut::Whole);
    }
}

/// What a first look at a leaf tells.
struct First<'a> {
    signature: Option<Format<'static>>,
    /// The bytes where they are UTF-8.
    text: Option<&'a str>,
    /// See [`layout::has_view`].
    laid_out: bool,
    /// See [`encoding::is_plain`].
    plain: bool,
    /// See [`Look::May`].
    clean: usize,
}

impl<'a> First<'a> {
    /// `None` where there is nothing to be found, which is the common answer and has to be fast.
    fn look(bytes: &'a [u8], matcher: &Matcher) -> Option<Self> {
        let signature = extract::by_signature(bytes);
        if let Some(Format::Binary(_)) = signature {
            return Some(Self { signature, text: None, laid_out: false, plain: false, clean: 0 });
        }
        // What is no text is not asked as a whole: see `strings`.
        if encoding::looks_binary(bytes) && encoding::is_binary(bytes) {
            return Some(Self { signature, text: None, laid_out: false, plain: false, clean: 0 });
        }
        let laid_out = layout::has_view(bytes);
        let look = matcher.look(bytes);
        if let Look::No { utf8: true, hides } = look
            && !laid_out
            && !(hides && encoding::hides_text(bytes))
        {
            return None;
        }
        let text = simdutf8::basic::from_utf8(bytes).ok();
        let plain = text.is_some() && !encoding::hides_text(bytes);
        let clean = match look {
            Look::May { clean } => clean,
            Look::No { .. } if plain && !laid_out => return None,
            Look::No { .. } => 0,
        };
        Some(Self { signature, text, laid_out, plain, clean })
    }
}

/// References in the name of a file or folder.
pub(super) fn scan_name(name: &str, ctx: &Context, matcher: &Matcher) -> Vec<Reference> {
    if !matcher.may_match(name.as_bytes()) {
        return Vec::new();
    }
    find_text(matcher, name, ctx.scope(), TextKind::FileName)
        .iter()
        .map(|hit| Reference { field: "name".into(), ..reference(hit, ctx, "name", Cut::Whole) })
        .collect()
}

/// References in a name that is no UTF-8, in whatever character set.
pub(super) fn scan_raw_name(name: &[u8], ctx: &Context, matcher: &Matcher) -> Vec<Reference> {
    let mut out: Vec<Reference> = Vec::new();
    let texts = charsets::readings(name).into_iter().map(|r| r.text().to_owned());
    for found in std::iter::once(encoding::latin1(name)).chain(texts).flat_map(|text| scan_name(&text, ctx, matcher)) {
        if !out.iter().any(|r| (r.subject, r.identifier) == (found.subject, found.identifier)) {
            out.push(found);
        }
    }
    out
}

fn reference(hit: &TextHit, ctx: &Context, locator: &str, cut: Cut) -> Reference {
    Reference {
        subject: hit.found.subject,
        identifier: hit.found.identifier,
        kind: hit.found.kind,
        strength: hit.found.strength,
        ..blank(ctx, locator.to_owned(), cut)
    }
}

/// A reference that does not say yet to whom.
fn blank(ctx: &Context, locator: String, cut: Cut) -> Reference {
    Reference {
        subject: 0,
        identifier: 0,
        place: ctx.place.clone(),
        instance: ctx.instance.clone(),
        project: ctx.project.clone(),
        record: RecordRef::clone(&ctx.record),
        field: ctx.field(""),
        locator,
        kind: ReferenceKind::FullName,
        strength: Strength::Possible,
        cut,
        times: ctx.times,
        issue: None,
    }
}

/// Where in a text references stand already: by subject and first byte, the end and the number in the list.
struct Known(BTreeMap<(usize, usize), (usize, usize)>);

impl Known {
    /// Of the references from `before` on, which are those of one text.
    fn of(references: &[Reference], before: usize) -> Self {
        let mut known = Self(BTreeMap::new());
        for (i, r) in references.iter().enumerate().skip(before) {
            if let Cut::Text { pieces } = &r.cut
                && let (Some(first), Some(last)) = (pieces.first(), pieces.last())
            {
                known.add(r.subject, first.from, last.to, i);
            }
        }
        known
    }

    fn add(&mut self, subject: usize, from: usize, to: usize, number: usize) {
        self.0.insert((subject, from), (to, number));
    }

    fn covers(&self, subject: usize, from: usize, to: usize) -> bool {
        let before = self.0.range((subject, 0)..=(subject, from)).next_back();
        before.is_some_and(|(_, (end, _))| *end >= to)
    }

    /// Those that lie in `from..to`: where each ends, and its number.
    fn inside(&self, subject: usize, from: usize, to: usize) -> impl Iterator<Item = (usize, usize)> {
        self.0.range((subject, from)..(subject, to)).map(|(_, found)| *found).filter(move |(end, _)| *end <= to)
    }
}

struct Scan<'a> {
    ctx: &'a Context,
    matcher: &'a Matcher,
    path: &'a str,
    /// See [`PART`].
    part: usize,
    before: Before,
    out: &'a mut Vec<Reference>,
    gaps: &'a mut Vec<Unread>,
}

/// What of a file stands before the block that is read.
#[derive(Debug, Clone, Copy, Default)]
struct Before {
    bytes: usize,
    lines: usize,
    /// Of the outermost array.
    items: usize,
}

impl<'a> Scan<'a> {
    fn new(
        ctx: &'a Context,
        matcher: &'a Matcher,
        path: &'a str,
        out: &'a mut Vec<Reference>,
        gaps: &'a mut Vec<Unread>,
    ) -> Self {
        Self { ctx, matcher, path, part: PART, before: Before::default(), out, gaps }
    }

    fn gap(&mut self, reason: String) {
        self.gaps.push(Unread { path: self.path.to_owned(), reason, partly: true });
    }

    /// `read`: see [`Leaf::read`](extract::Leaf::read).
    fn leaf(&mut self, bytes: &[u8], read: bool, first: &First<'_>) {
        if let Some(Format::Binary(what)) = first.signature {
            if !read {
                self.gap(format!("{what}: only its plain strings were searched"));
            }
            self.strings(bytes, read);
            return;
        }
        let start = self.out.len();
        // A large array is told and taken apart at once.
        if first.plain
            && first.signature.is_none()
            && bytes.len() > self.part
            && !extract::names_lines(self.path)
            && let Some(text) = first.text
            && let Some(items) = spans::array(text)
        {
            if self.items(text, &items, "", None, first.clean) {
                return;
            }
            // Two readers of JSON that disagree: searched as text below.
            self.out.truncate(start);
        }
        let format = match first.text {
            // What is plain is UTF-8 alone, and was decoded.
            Some(text) if first.plain && first.signature.is_none() && !text.starts_with('\u{feff}') => {
                extract::text_format(self.path, Encoding::Utf8 { bom: false }, Cow::Borrowed(text))
            }
            _ => extract::format(self.path, bytes),
        };
        let (encoding, rewritten) = match format {
            Format::Json(encoding, text) => {
                self.json(&text);
                (encoding, false)
            }
            Format::JsonLines(encoding, text) => {
                // What was learnt of the bytes holds for the text if they are the same.
                self.lines(&text, if std::ptr::eq(text.as_bytes(), bytes) { first.clean } else { 0 });
                (encoding, false)
            }
            Format::Text(encoding, text) => {
                self.text(&text);
                self.fields(&text, start);
                if first.laid_out
                    && let Some(view) = layout::view(&text)
                {
                    self.view(&view, &text, start);
                }
                (encoding, encoding == Encoding::Latin1)
            }
            Format::Binary(what) => {
                self.gap(format!("{what}: only its plain strings were searched"));
                self.strings(bytes, false);
                return;
            }
            Format::Packed(_) | Format::Zip | Format::Tar | Format::Ar => {
                if !read {
                    self.gap("archive: only its plain strings were searched".into());
                }
                self.strings(bytes, false);
                return;
            }
        };
        if !first.plain && matches!(encoding, Encoding::Utf8 { .. } | Encoding::Latin1) {
            self.readings(bytes, rewritten, start);
        }
    }

    /// What a text says in other character sets, and in UTF-16 between zeros. `rewritten`: its first reading is the one
    /// that the others lead back to.
    /// `start`: where this text's references begin.
    fn readings(&mut self, bytes: &[u8], rewritten: bool, start: usize) {
        for reading in charsets::readings(bytes) {
            if !self.matcher.may_match(reading.text().as_bytes()) {
                continue;
            }
            match reading.view(bytes).filter(|_| rewritten) {
                Some(view) => self.view(&view, &encoding::latin1(bytes), start),
                None => self.whole(reading.text(), "text", start),
            }
        }
        if memchr::memchr(0, bytes).is_some() {
            self.wide_strings(bytes, start);
        }
    }

    fn text(&mut self, text: &str) {
        for range in stretches(text) {
            self.stretch(text, range.start, range.end);
        }
    }

    /// What named fields of a table or of XML say, each or together. `before`: where this text's references begin.
    fn fields(&mut self, text: &str, before: usize) {
        if !self.matcher.may_match(text.as_bytes()) {
            return;
        }
        let (matcher, scope) = (self.matcher, self.ctx.scope());
        let mut found = Vec::new();
        if text.trim_start_matches(['\u{feff}', ' ', '\n', '\r', '\t']).starts_with('<') {
            fields::elements(text, |group| found.extend(fields::says(text, group, true, matcher, scope)));
        } else {
            let ending = self.path.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
            let named = matches!(ending.as_str(), "csv" | "tsv" | "tab");
            fields::rows(text, named, |row| found.extend(fields::says(text, row, false, matcher, scope)));
        }
        let mut known = Known::of(self.out, before);
        let mut worse = BTreeSet::new();
        for says in found {
            let (from, to) = (says.spans[0].start, says.spans[says.spans.len() - 1].end);
            let inside: Vec<(usize, usize)> = known.inside(says.subject, from, to).collect();
            if inside.iter().any(|(_, i)| self.out[*i].strength >= says.strength && !worse.contains(i)) {
                continue;
            }
            worse.extend(inside.into_iter().map(|(_, i)| i));
            let line = memchr::memchr_iter(b'\n', &text.as_bytes()[..from]).count() + 1;
            let piece = |r: &Range<usize>| Piece { pointer: String::new(), from: r.start, to: r.end };
            known.add(says.subject, from, to, self.out.len());
            self.out.push(Reference {
                subject: says.subject,
                identifier: says.identifier,
                kind: says.kind,
                strength: says.strength,
                ..blank(self.ctx, format!("line {line}"), Cut::Text { pieces: says.spans.iter().map(piece).collect() })
            });
        }
        if !worse.is_empty() {
            let mut number = 0..;
            self.out.retain(|_| number.next().is_none_or(|i| !worse.contains(&i)));
        }
    }

    /// Hits in another reading of `text`, where the text itself does not give them.
    fn view(&mut self, view: &Mapped, text: &str, before: usize) {
        let hits: Vec<_> = stretches(view.text()).flat_map(|range| self.hits(view.text(), range)).collect();
        let mut known = Known::of(self.out, before);
        for (base, mut hit) in hits {
            let ranges = hit.pieces.iter().flat_map(|r| view.pieces(base + r.start, base + r.end));
            hit.pieces = ranges.filter(|r| !r.is_empty()).collect();
            let (Some(first), Some(last)) = (hit.pieces.first(), hit.pieces.last()) else { continue };
            let (from, to) = (first.start, last.end);
            if known.covers(hit.found.subject, from, to) {
                continue;
            }
            let line = memchr::memchr_iter(b'\n', &text.as_bytes()[..from]).count() + 1;
            let cut = Cut::Text { pieces: pieces(&hit, "", 0) };
            known.add(hit.found.subject, from, to, self.out.len());
            self.out.push(reference(&hit, self.ctx, &format!("line {line}"), cut));
        }
    }

    /// Hits that begin in `from..to` of a text.
    fn stretch(&mut self, text: &str, from: usize, to: usize) {
        for (base, hit) in self.hits(text, from..to) {
            let lines = memchr::memchr_iter(b'\n', &text.as_bytes()[..base + hit.found.from]).count();
            let line = self.before.lines + lines + 1;
            let cut = Cut::Text { pieces: pieces(&hit, "", self.before.bytes + base) };
            self.out.push(reference(&hit, self.ctx, &format!("line {line}"), cut));
        }
    }

    /// Hits that begin in `range` of a text, with where what their places count from begins.
    fn hits(&self, text: &str, range: Range<usize>) -> Vec<(usize, TextHit)> {
        let start = boundary(text, range.start.saturating_sub(OVERLAP));
        let end = boundary(text, (range.end + OVERLAP).min(text.len()));
        let slice = &text[start..end];
        if !self.matcher.may_match(slice.as_bytes()) {
            return Vec::new();
        }
        let hits = find_text(self.matcher, slice, self.ctx.scope(), TextKind::Prose);
        hits.into_iter().map(|hit| (start, hit)).filter(|(at, hit)| range.contains(&(at + hit.found.from))).collect()
    }
}

/// A text in stretches of at most [`STRETCH`], broken at lines where there are any.
fn stretches(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let start = from;
        (start < text.len()).then(|| {
            from = text.len().min(start + STRETCH);
            if from < text.len() {
                let newline = memchr::memrchr(b'\n', &text.as_bytes()[start..from]);
                from = newline.map_or_else(|| boundary(text, from), |i| start + i + 1);
            }
            start..from
        })
    })
}

/// The last boundary between characters that is not after `at`.
fn boundary(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn pieces(hit: &TextHit, pointer: &str, base: usize) -> Vec<Piece> {
    hit.pieces.iter().map(|r| Piece { pointer: pointer.to_owned(), from: base + r.start, to: base + r.end }).collect()
}

#[cfg(test)]
#[path = "bytes_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "forms_tests.rs"]
mod forms;

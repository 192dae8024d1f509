//! Scanning bytes: a file, an attachment, a decrypted message, and whatever is packed inside.

use std::ops::Range;

use serde_json::Value;

use super::{
    context::{Context, Fields, child},
    json::{may_be_whole, walk_json_at, walk_name},
    text::{TextHit, find_text},
};
use crate::{
    erasure::redact::is_json_line,
    extract::{
        self, Format, Leaf, Limits, Unread, encoding, layout,
        spans::{self, Children, Kind, Node},
    },
    model::{Cut, Piece, RecordRef, Reference},
    subject::{Matcher, TextKind},
};

/// A part of a JSON document up to this size (bytes) is read as a tree; of a larger one only its children are looked for.
const PART: usize = 16 << 10;

/// An object above this size (bytes) is searched as text, even where it has to be read as a whole, since as a tree it would
/// take ten times as much memory.
const LARGEST_TREE: usize = 64 << 20;

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
    let fields = match &ctx.fields {
        Fields::Fixed(field) => Fields::Fixed(field.clone()),
        _ => Fields::Fixed(String::new()),
    };
    let mut out = Vec::new();
    let mut gaps = Vec::new();
    let unread = extract::leaves(name, bytes, &Limits::default(), &mut |leaf| {
        if !leaf.member && !interesting(&leaf, matcher) {
            return;
        }
        let mut record = ctx.record.clone();
        if leaf.member {
            record.path = Some(leaf.path.to_owned());
            // Folders inside an archive are named by their members' paths.
            let inner = leaf.path.rsplit('!').next().unwrap_or(leaf.path);
            let named = ctx.with_record(record.clone(), ctx.times, fields.clone());
            out.extend(inner.split('/').flat_map(|part| scan_name(part, &named, matcher)));
        }
        let ctx = ctx.with_record(record, ctx.times, fields.clone());
        let mut scan = Scan { ctx: &ctx, matcher, path: leaf.path, part: PART, out: &mut out, gaps: &mut gaps };
        let before = scan.out.len();
        scan.leaf(leaf.bytes, leaf.read);
        if leaf.opaque {
            scan.out[before..].iter_mut().for_each(|r| r.cut = Cut::Whole);
        }
    });
    gaps.extend(unread);
    (out, gaps)
}

/// Whether a plain file needs a closer look; the answer no is the common one, and has to be fast.
fn interesting(leaf: &Leaf<'_>, matcher: &Matcher) -> bool {
    extract::by_signature(leaf.bytes).is_some()
        || matcher.may_match(leaf.bytes)
        || layout::has_view(leaf.bytes)
        || !encoding::is_text(leaf.bytes)
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

fn reference(hit: &TextHit, ctx: &Context, locator: &str, cut: Cut) -> Reference {
    Reference {
        subject: hit.found.subject,
        identifier: hit.found.identifier,
        place: ctx.place.clone(),
        instance: ctx.instance.clone(),
        project: ctx.project.clone(),
        record: RecordRef::clone(&ctx.record),
        field: ctx.field(""),
        locator: locator.to_owned(),
        kind: hit.found.kind,
        strength: hit.found.strength,
        cut,
        times: ctx.times,
    }
}

struct Scan<'a> {
    ctx: &'a Context,
    matcher: &'a Matcher,
    path: &'a str,
    /// See [`PART`].
    part: usize,
    out: &'a mut Vec<Reference>,
    gaps: &'a mut Vec<Unread>,
}

impl Scan<'_> {
    fn gap(&mut self, reason: String) {
        self.gaps.push(Unread { path: self.path.to_owned(), reason, partly: true });
    }

    /// `read`: see [`Leaf::read`].
    fn leaf(&mut self, bytes: &[u8], read: bool) {
        if let Some(Format::Binary(what)) = extract::by_signature(bytes) {
            if !read {
                self.gap(format!("{what}: only its plain strings were searched"));
            }
            self.strings(bytes);
            return;
        }
        let laid_out = layout::has_view(bytes);
        if !self.matcher.may_match(bytes) && !laid_out {
            if !encoding::is_text(bytes) {
                self.gap("unknown format: only its plain strings were searched".into());
            }
            return;
        }
        match extract::format(self.path, bytes) {
            Format::Json(_, text) => self.json(&text),
            Format::JsonLines(_, text) => self.lines(&text),
            Format::Text(_, text) => {
                self.text(&text);
                if laid_out {
                    self.laid_out(&text);
                }
            }
            Format::Binary(what) => {
                self.gap(format!("{what}: only its plain strings were searched"));
                self.strings(bytes);
            }
            Format::Packed(_) | Format::Zip | Format::Tar => {
                self.gap("archive: only its plain strings were searched".into());
                self.strings(bytes);
            }
        }
    }

    /// The plain strings of what no reader here understands: as one byte a character, and as UTF-16 at either offset.
    fn strings(&mut self, bytes: &[u8]) {
        if !self.matcher.may_match(bytes) && memchr::memchr(0, bytes).is_none() {
            return;
        }
        let mut found = find_text(self.matcher, &String::from_utf8_lossy(bytes), self.ctx.scope(), TextKind::Prose);
        // Little endian at odd offsets is big endian at even ones.
        for offset in [0, 1] {
            let units =
                bytes.get(offset..).unwrap_or_default().chunks_exact(2).map(|c| u16::from_le_bytes([c[0], c[1]]));
            let wide: String = char::decode_utf16(units).map(|c| c.unwrap_or('\u{fffd}')).collect();
            found.extend(find_text(self.matcher, &wide, self.ctx.scope(), TextKind::Prose));
        }
        for hit in &found {
            self.out.push(reference(hit, self.ctx, "strings", Cut::Whole));
        }
    }

    fn json(&mut self, text: &str) {
        let from = text.len() - text.trim_start().len();
        if !self.json_part(text, from..text.trim_end().len(), "", None) {
            // Nobody who asked for the format first gets here.
            self.text(text);
        }
    }

    /// References in the JSON value at `span`, which stands at `pointer`. Large values are taken apart first, so that only
    /// what may hold a reference becomes a tree. False where it is no JSON.
    fn json_part(&mut self, text: &str, span: Range<usize>, pointer: &str, name: Option<&str>) -> bool {
        let part = &text[span.clone()];
        if !self.matcher.may_match(part.as_bytes()) {
            return true;
        }
        if part.len() > self.part {
            match spans::children(text, span.clone()) {
                Ok(Children::Items(items)) => {
                    return items
                        .into_iter()
                        .enumerate()
                        .all(|(i, item)| self.json_part(text, item, &child(pointer, &i.to_string()), name));
                }
                Ok(Children::Members(members)) => {
                    let whole = members.iter().any(|(name, value)| may_be_whole(name, &text[value.clone()]));
                    if !whole {
                        return self.members(text, members, pointer);
                    }
                }
                Ok(Children::None) => {}
                Err(_) => return false,
            }
        }
        if part.len() > LARGEST_TREE {
            self.stretch(text, span.start, span.end);
            self.gap("a JSON object too large for a tree was searched as text, not values split over nodes".into());
            return true;
        }
        let Ok(value) = serde_json::from_str::<Value>(part) else { return false };
        self.out.extend(walk_json_at(&value, pointer, name, self.ctx, self.matcher));
        if let Ok(root) = spans::parse(part) {
            self.shadowed(text, span.start, &root);
        }
        true
    }

    fn members(&mut self, text: &str, members: Vec<(String, Range<usize>)>, pointer: &str) -> bool {
        let last: std::collections::HashMap<String, usize> =
            members.iter().enumerate().map(|(i, (name, _))| (name.clone(), i)).collect();
        for (i, (name, value)) in members.into_iter().enumerate() {
            if last.get(&name) == Some(&i) {
                let at = child(pointer, &name);
                self.out.extend(walk_name(&name, &at, self.ctx, self.matcher));
                if !self.json_part(text, value, &at, Some(&name)) {
                    return false;
                }
            } else {
                self.stretch(text, value.start, value.end);
            }
        }
        true
    }

    /// Of two members of one name every reader keeps the last; the first is searched as text, at its bytes.
    /// The spans of `root` count from `base`.
    fn shadowed(&mut self, text: &str, base: usize, root: &Node) {
        let mut stack = vec![root];
        while let Some(node) = stack.pop() {
            match &node.kind {
                Kind::Array(items) => stack.extend(items),
                Kind::Object(members) => {
                    let mut last: std::collections::HashMap<&str, usize> = std::collections::HashMap::new();
                    for (i, member) in members.iter().enumerate() {
                        if let Some(before) = last.insert(&member.name, i) {
                            let span = members[before].value.span.clone();
                            self.stretch(text, base + span.start, base + span.end);
                        }
                    }
                    stack.extend(members.iter().map(|m| &m.value));
                }
                Kind::String | Kind::Scalar => {}
            }
        }
    }

    fn lines(&mut self, text: &str) {
        for (number, (_, line)) in extract::lines(text).enumerate() {
            if !self.matcher.may_match(line.as_bytes()) {
                continue;
            }
            let pointer = format!("/{number}");
            match serde_json::from_str::<Value>(line) {
                Ok(value) if is_json_line(line) => {
                    self.out.extend(walk_json_at(&value, &pointer, None, self.ctx, self.matcher));
                }
                _ => {
                    for hit in find_text(self.matcher, line, self.ctx.scope(), TextKind::Prose) {
                        let cut = Cut::Text { pieces: pieces(&hit, &pointer, 0) };
                        self.out.push(reference(&hit, self.ctx, &format!("line {}", number + 1), cut));
                    }
                }
            }
        }
    }

    fn text(&mut self, text: &str) {
        let mut from = 0;
        while from < text.len() {
            let mut to = text.len().min(from + STRETCH);
            if to < text.len() {
                let newline = memchr::memrchr(b'\n', &text.as_bytes()[from..to]);
                to = newline.map_or_else(|| boundary(text, to), |i| from + i + 1);
            }
            self.stretch(text, from, to);
            from = to;
        }
    }

    /// Hits in the text as a reader of its format shows it, where the bytes themselves do not give them.
    fn laid_out(&mut self, text: &str) {
        let Some(view) = layout::view(text) else { return };
        for mut hit in find_text(self.matcher, view.text(), self.ctx.scope(), TextKind::Prose) {
            hit.pieces =
                hit.pieces.iter().flat_map(|r| view.pieces(r.start, r.end)).filter(|r| !r.is_empty()).collect();
            let (Some(first), Some(last)) = (hit.pieces.first(), hit.pieces.last()) else { continue };
            let (from, to) = (first.start, last.end);
            let known = self.out.iter().any(|r| match &r.cut {
                Cut::Text { pieces } if r.subject == hit.found.subject && r.record == self.ctx.record => {
                    pieces.first().is_some_and(|p| p.from <= from) && pieces.last().is_some_and(|p| p.to >= to)
                }
                _ => false,
            });
            if !known {
                let line = memchr::memchr_iter(b'\n', &text.as_bytes()[..from]).count() + 1;
                let cut = Cut::Text { pieces: pieces(&hit, "", 0) };
                self.out.push(reference(&hit, self.ctx, &format!("line {line}"), cut));
            }
        }
    }

    /// Hits that begin in `from..to` of a text.
    fn stretch(&mut self, text: &str, from: usize, to: usize) {
        let start = boundary(text, from.saturating_sub(OVERLAP));
        let end = boundary(text, (to + OVERLAP).min(text.len()));
        let slice = &text[start..end];
        if !self.matcher.may_match(slice.as_bytes()) {
            return;
        }
        for hit in find_text(self.matcher, slice, self.ctx.scope(), TextKind::Prose) {
            let at = start + hit.found.from;
            if !(from..to).contains(&at) {
                continue;
            }
            let line = memchr::memchr_iter(b'\n', &text.as_bytes()[..at]).count() + 1;
            let cut = Cut::Text { pieces: pieces(&hit, "", start) };
            self.out.push(reference(&hit, self.ctx, &format!("line {line}"), cut));
        }
    }
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

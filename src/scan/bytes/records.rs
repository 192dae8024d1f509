//! JSON and lines of it, record by record: only what may hold a reference becomes a tree.

use std::ops::Range;

use serde_json::Value;

use super::{Scan, pieces, reference};
use crate::{
    erasure::redact::is_json_line,
    extract::{
        self,
        spans::{self, Children, Kind, Node},
    },
    model::Cut,
    scan::{
        context::child,
        json::{may_be_whole, walk_json_at, walk_name},
        text::find_text,
    },
    subject::{Look, TextKind},
};

/// An object above this size (bytes) is searched as text, even where it has to be read as a whole, since as a tree it would
/// take ten times as much memory.
const LARGEST_TREE: usize = 64 << 20;

impl Scan<'_> {
    pub(super) fn json(&mut self, text: &str) {
        let from = text.len() - text.trim_start().len();
        if !self.json_part(text, from..text.trim_end().len(), "", None) {
            // Nobody who asked for the format first gets here.
            self.text(text);
        }
    }

    /// References in the JSON value at `span`, which stands at `pointer`. Large values are taken apart first, so that only
    /// what may hold a reference becomes a tree. False where it is no JSON.
    pub(super) fn json_part(&mut self, text: &str, span: Range<usize>, pointer: &str, name: Option<&str>) -> bool {
        let part = &text[span.clone()];
        if !self.matcher.may_match(part.as_bytes()) {
            return true;
        }
        if part.len() > self.part {
            match spans::children(text, span.clone()) {
                Ok(Children::Items(items)) => return self.items(text, &items, pointer, name, 0),
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

    /// As [`Scan::json_part`], for the items of the array at `pointer`. `clean`: see [`Look::May`].
    pub(super) fn items(
        &mut self,
        text: &str,
        items: &[Range<usize>],
        pointer: &str,
        name: Option<&str>,
        clean: usize,
    ) -> bool {
        // Only the outermost array comes in blocks.
        let first = if pointer.is_empty() { self.before.items } else { 0 };
        let at = |at: usize| {
            let n = items.partition_point(|item| item.end <= at);
            items.get(n).map(|item| (n, item.clone()))
        };
        let begin = items.first().map_or(0, |first| first.start);
        let end = items.last().map_or(0, |last| last.end);
        self.suspicious(&text.as_bytes()[..end], (begin, clean), at, |scan, n, item| {
            scan.json_part(text, item, &child(pointer, &(first + n).to_string()), name)
        })
    }

    /// Calls `each` for what may hold a reference among parts of `bytes` that are read each on its own: with its number and
    /// where it stands, until it says no. `at` tells the first part that ends behind a byte. `known`: where the first part
    /// begins, and up to where it is known that there is nothing.
    fn suspicious(
        &mut self,
        bytes: &[u8],
        known: (usize, usize),
        mut at: impl FnMut(usize) -> Option<(usize, Range<usize>)>,
        mut each: impl FnMut(&mut Self, usize, Range<usize>) -> bool,
    ) -> bool {
        let mut clean = known.0.max(known.1);
        while let Some((n, part)) = at(clean) {
            let end = part.end;
            if !each(self, n, part) {
                return false;
            }
            match self.matcher.look(&bytes[end..]) {
                Look::May { clean: more } => clean = end + more,
                Look::No { .. } => break,
            }
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

    /// `clean`: see [`Look::May`].
    pub(super) fn lines(&mut self, text: &str, clean: usize) {
        let bytes = text.as_bytes();
        // A line's number and where it begins.
        let mut known = (self.before.lines, 0);
        let at = |at: usize| {
            let behind = bytes.get(at..).filter(|rest| !rest.is_empty())?;
            let from = memchr::memrchr(b'\n', &bytes[known.1..at]).map_or(known.1, |i| known.1 + i + 1);
            known = (known.0 + memchr::memchr_iter(b'\n', &bytes[known.1..from]).count(), from);
            let to = memchr::memchr(b'\n', behind).map_or(bytes.len(), |i| at + i + 1);
            Some((known.0, from..to))
        };
        self.suspicious(bytes, (0, clean), at, |scan, number, span| {
            if let Some((_, line)) = extract::lines(&text[span]).next() {
                scan.line(number, line);
            }
            true
        });
    }

    pub(super) fn line(&mut self, number: usize, line: &str) {
        if !self.matcher.may_match(line.as_bytes()) {
            return;
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

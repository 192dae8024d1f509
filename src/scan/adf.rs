//! The walker of Atlassian Document Format: values split over text nodes, mentions, links.

use std::ops::Range;

use serde_json::{Map, Value};

use super::{
    context::child,
    json::{Found, Walker},
    text::find_text,
};
use crate::{
    model::{Cut, Piece, ReferenceKind, Strength},
    subject::{FieldHint, TextKind},
};

/// Whether an object is an ADF document.
pub(super) fn is_doc(map: &Map<String, Value>) -> bool {
    map.get("type").and_then(Value::as_str) == Some("doc") && map.get("content").is_some_and(Value::is_array)
}

fn node_type(node: &Value) -> &str {
    node.get("type").and_then(Value::as_str).unwrap_or_default()
}

/// Stands for an inline node that is no text, so that no value reaches over it.
const OBJECT: char = '\u{fffc}';

/// The text of one inline container, and which node each stretch came from.
#[derive(Default)]
struct Inline {
    text: String,
    parts: Vec<(Range<usize>, String)>,
}

impl Inline {
    fn pieces(&self, ranges: &[Range<usize>]) -> Vec<Piece> {
        let mut out = Vec::new();
        for range in ranges {
            for (part, pointer) in &self.parts {
                let (from, to) = (range.start.max(part.start), range.end.min(part.end));
                if from < to {
                    out.push(Piece { pointer: pointer.clone(), from: from - part.start, to: to - part.start });
                }
            }
        }
        out
    }
}

impl Walker<'_> {
    /// References of an ADF node and all below it.
    pub(super) fn adf(&mut self, node: &Value, pointer: &str, depth: usize) {
        if depth > 200 {
            return;
        }
        let Some(map) = node.as_object() else {
            self.value(node, pointer, None, depth + 1);
            return;
        };
        for (name, value) in map {
            let at = child(pointer, name);
            match (name.as_str(), value) {
                ("type" | "version", _) => {}
                ("content", Value::Array(nodes)) => self.content(nodes, &at, depth + 1),
                ("attrs" | "marks", _) => self.value(value, &at, None, depth + 1),
                _ => self.value(value, &at, Some(name), depth + 1),
            }
        }
    }

    fn content(&mut self, nodes: &[Value], pointer: &str, depth: usize) {
        let mut inline = Inline::default();
        for (i, node) in nodes.iter().enumerate() {
            let at = child(pointer, &i.to_string());
            match node_type(node) {
                "text" => {
                    let text = node.get("text").and_then(Value::as_str).unwrap_or_default();
                    let from = inline.text.len();
                    inline.text.push_str(text);
                    inline.parts.push((from..inline.text.len(), child(&at, "text")));
                    if let Some(marks) = node.get("marks") {
                        self.value(marks, &child(&at, "marks"), None, depth + 1);
                    }
                }
                "hardBreak" => inline.text.push('\n'),
                "mention" => {
                    inline.text.push(OBJECT);
                    self.mention(node, &at);
                }
                _ => {
                    inline.text.push(OBJECT);
                    self.adf(node, &at, depth + 1);
                }
            }
        }
        if inline.parts.is_empty() {
            return;
        }
        for hit in find_text(self.matcher, &inline.text, self.ctx.scope(), TextKind::Prose) {
            let pieces = inline.pieces(&hit.pieces);
            if let Some(first) = pieces.first() {
                let locator = first.pointer.clone();
                self.push((&hit).into(), &locator, Cut::Text { pieces });
            }
        }
    }

    fn mention(&mut self, node: &Value, pointer: &str) {
        let attrs = node.get("attrs");
        let attr = |name: &str| attrs.and_then(|a| a.get(name)).and_then(Value::as_str).unwrap_or_default();
        let scope = self.ctx.scope();
        let id = attr("id");
        let hits = self.matcher.exact(FieldHint::AnyId, id, scope);
        let sure: Vec<usize> = hits.iter().map(|m| m.subject).collect();
        let mut found: Vec<Found> = hits.iter().map(|m| Found::exact(m, Strength::Certain)).collect();
        // A mention by name alone: another account of the same name, or one whose id was lost.
        for hit in find_text(self.matcher, attr("text"), scope, TextKind::Prose) {
            let mut f = Found::from(&hit);
            if sure.contains(&f.subject) {
                continue;
            }
            if !id.is_empty() && self.matcher.knows(f.subject, crate::model::IdentifierKind::AccountId, scope) {
                f.strength = Strength::Possible;
            }
            found.push(f);
        }
        for mut f in found {
            f.kind = ReferenceKind::Mention;
            self.push(f, pointer, Cut::Node { pointer: pointer.to_owned() });
        }
    }
}

//! The guard over JSON: Jira's user objects, ADF documents, and every other string.

use std::ops::Range;

use serde_json::{Map, Value};

use super::{
    Guard, PLACEHOLDER, Verdict,
    text::{self, Class, Hit},
};
use crate::{config::NameMode, model::IdentifierKind};

struct Walk<'a> {
    guard: &'a Guard,
    mode: NameMode,
    cuts: usize,
    names: usize,
}

pub(super) fn check(guard: &Guard, value: &Value, mode: NameMode) -> Verdict<Value> {
    let mut walk = Walk { guard, mode, cuts: 0, names: 0 };
    let mut value = value.clone();
    walk.value(&mut value);
    Verdict { value, cuts: walk.cuts, names: walk.names }
}

/// Whether an object is a Jira user. Projects, versions and priorities have keys and names as well.
pub(crate) fn is_user(object: &Map<String, Value>) -> bool {
    object.contains_key("accountId")
        || object.contains_key("emailAddress")
        || (object.contains_key("displayName")
            && (object.contains_key("name") || object.contains_key("key") || object.contains_key("active")))
}

impl Walk<'_> {
    fn value(&mut self, value: &mut Value) {
        match value {
            Value::String(text) => self.string(text),
            Value::Array(items) => {
                items.retain(|item| {
                    let cut = item.as_object().is_some_and(|o| is_user(o) && self.guard.user(item));
                    self.cuts += usize::from(cut);
                    !cut
                });
                if items.iter().any(|i| i.get("type").and_then(Value::as_str) == Some("text")) {
                    self.inline(items);
                }
                for item in items {
                    self.value(item);
                }
            }
            Value::Object(object) if is_user(object) => {
                if self.guard.user(value) {
                    self.cuts += 1;
                    *value = Value::Null;
                }
            }
            Value::Object(object) if is_mention(object) => {
                let attrs = object.get("attrs");
                let id = attrs.and_then(|a| a.get("id")).and_then(Value::as_str).unwrap_or_default();
                let kinds = [IdentifierKind::AccountId, IdentifierKind::UserKey, IdentifierKind::Username];
                if kinds.into_iter().any(|k| self.guard.identifier(k, id)) {
                    self.cuts += 1;
                    *value = serde_json::json!({"type": "text", "text": PLACEHOLDER});
                } else if let Some(Value::String(shown)) = object.get_mut("attrs").and_then(|a| a.get_mut("text")) {
                    self.string(shown);
                }
            }
            // The text of text nodes was checked with its neighbours.
            Value::Object(object) if object.get("type").and_then(Value::as_str) == Some("text") => {
                for (_, member) in object.iter_mut().filter(|(name, _)| *name != "text" && *name != "type") {
                    self.value(member);
                }
            }
            Value::Object(object) => {
                for (_, member) in object.iter_mut() {
                    self.value(member);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn string(&mut self, text: &mut String) {
        let verdict = self.guard.check_text(text, self.mode);
        self.cuts += verdict.cuts;
        self.names += verdict.names;
        *text = verdict.value;
    }

    /// The text nodes of one block, read as one text: formatting may split a name over several.
    fn inline(&mut self, nodes: &mut Vec<Value>) {
        let mut whole = String::new();
        let mut spans = Vec::new();
        for (i, node) in nodes.iter().enumerate() {
            match node.get("type").and_then(Value::as_str) {
                Some("text") => {
                    let text = node.get("text").and_then(Value::as_str).unwrap_or_default();
                    spans.push((i, whole.len()..whole.len() + text.len()));
                    whole.push_str(text);
                }
                Some("hardBreak") => whole.push('\n'),
                _ => whole.push('\u{fffc}'),
            }
        }
        let hits = text::settle(
            text::find(self.guard, &whole).into_iter().map(|(r, class)| Hit { pieces: vec![r], class }).collect(),
        );
        // For each node: which of its bytes go, and whether the placeholder stands there (a hit's first piece).
        let mut cuts: Vec<Vec<(Range<usize>, bool)>> = vec![Vec::new(); nodes.len()];
        for hit in hits {
            if hit.class == Class::Name && self.mode == NameMode::Park {
                self.names += 1;
                continue;
            }
            self.cuts += 1;
            let mut first = true;
            for (node, span) in &spans {
                for piece in &hit.pieces {
                    let (from, to) = (piece.start.max(span.start), piece.end.min(span.end));
                    if from < to {
                        cuts[*node].push((from - span.start..to - span.start, std::mem::take(&mut first)));
                    }
                }
            }
        }
        for (i, node) in nodes.iter_mut().enumerate() {
            if let Some(Value::String(text)) = node.get_mut("text").filter(|_| !cuts[i].is_empty()) {
                *text = cut_node(text, &mut cuts[i]);
            }
        }
        // An empty text node is not valid ADF.
        nodes.retain(|n| {
            n.get("type").and_then(Value::as_str) != Some("text") || n.get("text").and_then(Value::as_str) != Some("")
        });
    }
}

fn cut_node(text: &str, cuts: &mut [(Range<usize>, bool)]) -> String {
    cuts.sort_by_key(|(r, _)| r.start);
    let mut out = String::new();
    let mut at = 0;
    for (range, placed) in cuts {
        out.push_str(text.get(at..range.start).unwrap_or_default());
        if *placed {
            out.push_str(PLACEHOLDER);
        }
        at = range.end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

fn is_mention(object: &Map<String, Value>) -> bool {
    object.get("type").and_then(Value::as_str) == Some("mention") && object.contains_key("attrs")
}

//! Which cuts of a step Cloud's redaction API makes, what it leaves behind, and whether it left alone what it should.
//!
//! Pure. Owns the split of a step into what the API takes and the rest. Must not call anything. The API knows texts: plain
//! fields and the text nodes of ADF (Atlassian's document of Cloud REST v3, "Issue redaction"); mentions, user fields, labels
//! and whatever is emptied go by an ordinary edit.

use std::{collections::BTreeMap, ops::Range};

use serde_json::Value;

use super::plan::{Edit, Step, stable_part};
use crate::model::{Cut, Decision, RecordType};

/// What stands for each redacted UTF-16 unit, as far as is known. What reads back otherwise is judged by the other search.
const BLACK: &str = "█";

/// Spans (bytes) to redact, by the JSON pointer of the text that holds them: in order, without overlap.
pub type Spans = BTreeMap<String, Vec<Range<usize>>>;

/// Where a text stands, as the API names it: the issue's field, or nothing for a comment or worklog; and the pointer inside
/// the document, which a plain text has none of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spot<'p> {
    /// The field's id, of an issue.
    pub field: Option<&'p str>,
    /// The pointer inside ADF.
    pub adf: Option<&'p str>,
}

/// Where the API would find the text at `pointer` of a record; `None` where it is no text to it.
#[must_use]
pub fn spot(record: RecordType, pointer: &str) -> Option<Spot<'_>> {
    let (field, rest) = match record {
        RecordType::Issue => {
            let rest = pointer.strip_prefix("/fields/")?;
            let (field, rest) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            (Some(field), rest)
        }
        RecordType::Comment => (None, pointer.strip_prefix("/body")?),
        RecordType::Worklog => (None, pointer.strip_prefix("/comment")?),
        _ => return None,
    };
    if rest.is_empty() {
        // A comment without ADF is no comment of Cloud's third version.
        return field.map(|_| Spot { field, adf: None });
    }
    let mut nodes = rest.strip_suffix("/text")?.strip_prefix('/')?.split('/');
    let mut depth = 0;
    while let Some(name) = nodes.next() {
        let index = nodes.next()?;
        if name != "content" || index.is_empty() || !index.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        depth += 1;
    }
    (depth > 0).then_some(Spot { field, adf: Some(rest) })
}

/// The edits of a step that the API makes, and the rest. A text that both would touch is left to the rest.
#[must_use]
pub fn split(step: &Step) -> (Vec<Edit>, Vec<Edit>) {
    let pointers = |edit: &Edit| -> Vec<String> {
        match &edit.cut {
            Cut::Text { pieces } => pieces.iter().map(|p| p.pointer.clone()).collect(),
            _ => Vec::new(),
        }
    };
    let record = step.record.record_type;
    let fits = |edit: &Edit| {
        let all = pointers(edit);
        edit.decision == Decision::Redact && !all.is_empty() && all.iter().all(|p| spot(record, p).is_some())
    };
    let (mut taken, mut rest): (Vec<Edit>, Vec<Edit>) = step.edits.iter().cloned().partition(fits);
    loop {
        let others: Vec<String> = rest.iter().flat_map(pointers).collect();
        let (keep, shared): (Vec<Edit>, Vec<Edit>) =
            taken.into_iter().partition(|e| !pointers(e).iter().any(|p| others.contains(p)));
        taken = keep;
        if shared.is_empty() {
            return (taken, rest);
        }
        rest.extend(shared);
    }
}

/// The spans that edits cut, those that meet or overlap joined.
#[must_use]
pub fn spans(edits: &[Edit]) -> Spans {
    let mut out = Spans::new();
    for edit in edits {
        let Cut::Text { pieces } = &edit.cut else { continue };
        for piece in pieces {
            out.entry(piece.pointer.clone()).or_default().push(piece.from..piece.to);
        }
    }
    for list in out.values_mut() {
        list.sort_by_key(|s| (s.start, s.end));
        let mut joined: Vec<Range<usize>> = Vec::new();
        for span in list.drain(..) {
            match joined.last_mut() {
                Some(last) if span.start <= last.end => last.end = last.end.max(span.end),
                _ => joined.push(span),
            }
        }
        *list = joined;
    }
    out
}

/// The record as the API will leave it; `None` where a span does not fit its text.
#[must_use]
pub fn blacked(value: &Value, spans: &Spans) -> Option<Value> {
    let mut out = value.clone();
    for (pointer, list) in spans {
        let Some(Value::String(text)) = out.pointer_mut(pointer) else { return None };
        let mut new = String::with_capacity(text.len());
        let mut at = 0;
        for span in list {
            let secret = text.get(span.clone()).filter(|s| !s.is_empty())?;
            new.push_str(text.get(at..span.start)?);
            new.push_str(&BLACK.repeat(secret.encode_utf16().count()));
            at = span.end;
        }
        new.push_str(text.get(at..)?);
        *text = new;
    }
    Some(out)
}

/// Whether everything outside the spans is as it was, in all fields that the step edits, whatever the API put inside.
#[must_use]
pub fn outside_is_as_it_was(step: &Step, before: &Value, after: &Value, spans: &Spans) -> bool {
    let fields: Vec<&str> = step.edits.iter().map(|e| e.field.as_str()).collect();
    let part = |value: &Value| stable_part(value, step.record.record_type, step.operation, &fields);
    let at = if step.record.record_type == RecordType::Issue { "/fields" } else { "" };
    same(&part(before), &part(after), at, spans)
}

fn same(a: &Value, b: &Value, at: &str, spans: &Spans) -> bool {
    match (a, b) {
        (Value::String(a), Value::String(b)) => match spans.get(at) {
            Some(list) => frames(a, b, list),
            None => a == b,
        },
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).enumerate().all(|(i, (a, b))| same(a, b, &format!("{at}/{i}"), spans))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| same(a, b, &child(at, name), spans)))
        }
        _ => a == b,
    }
}

fn child(at: &str, name: &str) -> String {
    format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// Whether `new` is `old` with something else in the spans: what stood between them stands there, in order.
fn frames(old: &str, new: &str, spans: &[Range<usize>]) -> bool {
    let mut kept = Vec::new();
    let mut at = 0;
    for span in spans {
        let Some(part) = old.get(at..span.start) else { return false };
        kept.push(part);
        at = span.end;
    }
    let (Some(last), Some((first, middle))) = (old.get(at..), kept.split_first()) else { return old == new };
    let Some(mut rest) = new.strip_prefix(first) else { return false };
    for part in middle {
        match rest.find(part) {
            Some(i) => rest = &rest[i + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// The texts that hold the spans, as they are in a record: for the other search.
#[must_use]
pub fn texts(value: &Value, spans: &Spans) -> Vec<u8> {
    let texts = spans.keys().map(|p| value.pointer(p).and_then(Value::as_str).unwrap_or_default());
    texts.collect::<Vec<_>>().join("\n").into_bytes()
}

#[cfg(test)]
#[path = "redaction_tests.rs"]
mod tests;

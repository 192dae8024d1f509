//! Byte-exact cuts in a JSON text: only the tokens that hold a span change.

use std::{collections::BTreeMap, ops::Range};

use super::{Action, Changed, RedactError, Spans};
use crate::{
    extract::spans::{self, Kind, Node},
    model::Cut,
};

/// What becomes of a whole value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    Null,
    Remove,
    /// An ADF node becomes a text node with the placeholder; `true` where it needs a paragraph around it.
    Text(bool),
    /// A string becomes the placeholder.
    Placeholder,
    /// A whole ADF document becomes one with the placeholder in it.
    Doc,
}

#[derive(Debug, Clone)]
struct Edit {
    span: Range<usize>,
    with: String,
}

/// Carries out `cuts` on a JSON text. A piece whose pointer is empty is a span of the text itself, unless the document is
/// one string.
pub(super) fn apply(text: &str, cuts: &[(Cut, Action)], placeholder: &str) -> Result<(String, Changed), RedactError> {
    let root = spans::parse(text).map_err(|_| RedactError::Content("not JSON"))?;
    let mut plan = Plan { text, root: &root, placeholder, fates: BTreeMap::new(), edits: Vec::new() };
    plan.values(cuts)?;
    plan.strings(cuts)?;
    plan.names(cuts)?;
    plan.fates_to_edits()?;
    let edits = outermost(std::mem::take(&mut plan.edits))?;
    let out = edited(text, &edits);
    if spans::parse(&out).is_err() {
        return Err(RedactError::Content("the result is not JSON"));
    }
    Ok((out, Changed { edits: edits.len() }))
}

struct Plan<'a> {
    text: &'a str,
    root: &'a Node,
    placeholder: &'a str,
    /// By pointer; the index of the cut that wants it.
    fates: BTreeMap<String, (Fate, usize)>,
    edits: Vec<Edit>,
}

impl Plan<'_> {
    fn fate(&mut self, pointer: &str, fate: Fate, cut: usize) {
        let entry = self.fates.entry(pointer.to_owned()).or_insert((fate, cut));
        // Where two cuts meet on one value, leaving its list is the most thorough.
        if fate == Fate::Remove {
            *entry = (fate, cut);
        }
    }

    fn values(&mut self, cuts: &[(Cut, Action)]) -> Result<(), RedactError> {
        for (i, (cut, action)) in cuts.iter().enumerate() {
            match cut {
                Cut::Node { pointer } => {
                    let node = self.root.at(pointer).ok_or(RedactError::NoSuchPlace { cut: i })?;
                    let listed =
                        parent(pointer).and_then(|p| self.root.at(p)).is_some_and(|p| matches!(p.kind, Kind::Array(_)));
                    let fate = match (action, &node.kind) {
                        (Action::Redact, Kind::Object(_)) if self.type_of(node) == Some("mention") => Fate::Text(false),
                        (Action::Redact, Kind::String) => Fate::Placeholder,
                        (Action::Redact, Kind::Object(_)) if self.type_of(node) == Some("doc") => Fate::Doc,
                        _ if listed => Fate::Remove,
                        _ => Fate::Null,
                    };
                    self.fate(pointer, fate, i);
                }
                Cut::Whole => return Err(RedactError::Whole { cut: i }),
                Cut::Text { .. } | Cut::Name { .. } => {}
            }
        }
        Ok(())
    }

    fn strings(&mut self, cuts: &[(Cut, Action)]) -> Result<(), RedactError> {
        // Several references may stand in one string, so the spans of each are gathered first.
        let mut strings: BTreeMap<&str, (Spans, Option<Action>, usize)> = BTreeMap::new();
        let mut raw = Spans::default();
        for (i, (cut, action)) in cuts.iter().enumerate() {
            let Cut::Text { pieces } = cut else { continue };
            if pieces.is_empty() {
                return Err(RedactError::BadSpan { cut: i });
            }
            let mut lead = *action;
            for piece in pieces {
                let span = std::iter::once((piece.from, piece.to));
                if piece.pointer.is_empty() && self.root.kind != Kind::String {
                    raw.add(self.text, span, lead, i)?;
                } else {
                    let node = self.root.at(&piece.pointer).ok_or(RedactError::NoSuchPlace { cut: i })?;
                    let (decoded, _) = spans::decode(&self.text[node.span.clone()])
                        .filter(|_| node.kind == Kind::String)
                        .ok_or(RedactError::NoSuchPlace { cut: i })?;
                    let entry = strings.entry(piece.pointer.as_str()).or_insert((Spans::default(), None, i));
                    entry.0.add(&decoded, span, lead, i)?;
                    if *action != Action::Redact {
                        entry.1 = entry.1.max(Some(*action));
                    }
                }
                // Only the first piece gets the placeholder.
                if lead == Action::Redact {
                    lead = Action::Clear;
                }
            }
        }
        for (from, to, lead) in raw.joined() {
            let with = if lead { self.in_string(self.placeholder) } else { String::new() };
            self.edits.push(Edit { span: from..to, with });
        }
        for (pointer, (spans, action, cut)) in strings {
            self.one_string(pointer, &spans, action, cut)?;
        }
        Ok(())
    }

    fn one_string(
        &mut self,
        pointer: &str,
        cuts: &Spans,
        action: Option<Action>,
        cut: usize,
    ) -> Result<(), RedactError> {
        let text = self.text;
        let Some(path) = self.root.path(pointer) else { return Err(RedactError::NoSuchPlace { cut }) };
        let (Some(node), parent_node) = (path.last(), path.len().checked_sub(2).and_then(|i| path.get(i))) else {
            return Err(RedactError::NoSuchPlace { cut });
        };
        let token = &text[node.span.clone()];
        let (decoded, starts) = spans::decode(token).ok_or(RedactError::NoSuchPlace { cut })?;
        // A link is no link any more: an ADF mark without a URL would be refused, so the mark goes, and a card becomes text.
        if let Some(mark) = mark_of(pointer) {
            self.fate(mark, Fate::Remove, cut);
            return Ok(());
        }
        if let Some(card) = pointer.strip_suffix("/attrs/url")
            && let Some(kind @ ("inlineCard" | "blockCard" | "embedCard")) =
                self.root.at(card).and_then(|n| self.type_of(n))
        {
            let fate = if action.is_some() { Fate::Remove } else { Fate::Text(kind != "inlineCard") };
            self.fate(card, fate, cut);
            return Ok(());
        }
        let is_adf_text = pointer.ends_with("/text") && parent_node.is_some_and(|p| self.type_of(p) == Some("text"));
        let listed = parent_node.is_some_and(|p| matches!(p.kind, Kind::Array(_)));
        let left = match action {
            None => cuts.cut(&decoded, self.placeholder),
            Some(_) => String::new(),
        };
        if left.is_empty() && is_adf_text {
            // ADF allows no empty text node.
            if let Some(node) = parent(pointer) {
                self.fate(node, Fate::Remove, cut);
            }
            return Ok(());
        }
        if action == Some(Action::Remove) && listed {
            self.fate(pointer, Fate::Remove, cut);
            return Ok(());
        }
        if left == decoded {
            return Err(RedactError::NothingChanged { cut });
        }
        let inside = |from: usize, to: usize| node.span.start + starts[from]..node.span.start + starts[to];
        if action.is_some() {
            self.edits.push(Edit { span: inside(0, decoded.len()), with: String::new() });
            return Ok(());
        }
        for (from, to, lead) in cuts.joined() {
            let with = if lead { self.in_string(self.placeholder) } else { String::new() };
            if decoded[from..to] != *if lead { self.placeholder } else { "" } {
                self.edits.push(Edit { span: inside(from, to), with });
            }
        }
        Ok(())
    }

    fn names(&mut self, cuts: &[(Cut, Action)]) -> Result<(), RedactError> {
        let mut taken: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut done: Vec<&str> = Vec::new();
        for (i, (cut, action)) in cuts.iter().enumerate() {
            let Cut::Name { pointer } = cut else { continue };
            if done.contains(&pointer.as_str()) {
                continue;
            }
            done.push(pointer);
            let gone = RedactError::NoSuchPlace { cut: i };
            let (outer, name) = pointer.rsplit_once('/').ok_or(gone.clone())?;
            let name = name.replace("~1", "/").replace("~0", "~");
            let object = self.root.at(outer).ok_or(gone.clone())?;
            let member = object.member(&name).ok_or(gone)?;
            if *action != Action::Redact {
                self.fate(pointer, Fate::Remove, i);
                continue;
            }
            if name == self.placeholder {
                return Err(RedactError::NothingChanged { cut: i });
            }
            let taken = taken.entry(outer.to_owned()).or_insert_with(|| match &object.kind {
                Kind::Object(members) => members.iter().map(|m| m.name.clone()).collect(),
                _ => Vec::new(),
            });
            let mut new = self.placeholder.to_owned();
            let mut n = 2;
            while taken.contains(&new) {
                new = format!("{} {n}", self.placeholder);
                n += 1;
            }
            taken.push(new.clone());
            self.edits.push(Edit { span: member.name_span.clone(), with: quoted(&new) });
        }
        Ok(())
    }

    fn fates_to_edits(&mut self) -> Result<(), RedactError> {
        let mut removed: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (pointer, (fate, cut)) in &self.fates {
            let node = self.root.at(pointer).ok_or(RedactError::NoSuchPlace { cut: *cut })?;
            let text_node = || {
                let marks = node
                    .member("marks")
                    .map_or(String::new(), |m| format!(",\"marks\":{}", &self.text[m.value.span.clone()]));
                format!("{{\"type\":\"text\",\"text\":{}{marks}}}", quoted(self.placeholder))
            };
            let with = match fate {
                Fate::Remove => {
                    if let Some((outer, part)) = pointer.rsplit_once('/') {
                        removed.entry(outer.to_owned()).or_default().push(part.replace("~1", "/").replace("~0", "~"));
                        continue;
                    }
                    "null".to_owned()
                }
                Fate::Null => "null".to_owned(),
                Fate::Placeholder => quoted(self.placeholder),
                Fate::Doc => format!(
                    "{{\"type\":\"doc\",\"version\":1,\"content\":[{{\"type\":\"paragraph\",\"content\":[{}]}}]}}",
                    text_node()
                ),
                Fate::Text(false) => text_node(),
                Fate::Text(true) => format!("{{\"type\":\"paragraph\",\"content\":[{}]}}", text_node()),
            };
            if self.text[node.span.clone()] == with {
                return Err(RedactError::NothingChanged { cut: *cut });
            }
            self.edits.push(Edit { span: node.span.clone(), with });
        }
        for (outer, parts) in removed {
            let Some(container) = self.root.at(&outer) else { continue };
            let (items, gone): (Vec<Range<usize>>, Vec<bool>) = match &container.kind {
                Kind::Array(items) => {
                    items.iter().enumerate().map(|(i, n)| (n.span.clone(), parts.contains(&i.to_string()))).unzip()
                }
                Kind::Object(members) => {
                    members.iter().map(|m| (m.name_span.start..m.value.span.end, parts.contains(&m.name))).unzip()
                }
                _ => continue,
            };
            self.edits.extend(without(&items, &gone));
        }
        Ok(())
    }

    fn type_of(&self, node: &Node) -> Option<&str> {
        let value = &node.member("type")?.value;
        self.text[value.span.clone()].strip_prefix('"')?.strip_suffix('"')
    }

    /// A text as it stands inside a string token.
    fn in_string(&self, text: &str) -> String {
        let token = quoted(text);
        token[1..token.len() - 1].to_owned()
    }
}

/// Edits that take members out of a list together with the commas that they need no more.
fn without(items: &[Range<usize>], gone: &[bool]) -> Vec<Edit> {
    let mut out: Vec<Edit> = Vec::new();
    let mut kept_before = false;
    for (i, item) in items.iter().enumerate() {
        if !gone[i] {
            kept_before = true;
            continue;
        }
        let span = if kept_before {
            items[i - 1].end..item.end
        } else {
            item.start..items.get(i + 1).map_or(item.end, |next| next.start)
        };
        match out.last_mut() {
            Some(last) if last.span.end == span.start => last.span.end = span.end,
            _ => out.push(Edit { span, with: String::new() }),
        }
    }
    out
}

/// The edits in order, those inside another's span dropped.
fn outermost(mut edits: Vec<Edit>) -> Result<Vec<Edit>, RedactError> {
    edits.sort_by(|a, b| a.span.start.cmp(&b.span.start).then(b.span.end.cmp(&a.span.end)));
    let mut out: Vec<Edit> = Vec::new();
    for edit in edits {
        match out.last() {
            Some(last) if edit.span.start < last.span.end => {
                if edit.span.end > last.span.end {
                    return Err(RedactError::Overlap);
                }
            }
            _ => out.push(edit),
        }
    }
    Ok(out)
}

fn edited(text: &str, edits: &[Edit]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for edit in edits {
        out.push_str(&text[at..edit.span.start]);
        out.push_str(&edit.with);
        at = edit.span.end;
    }
    out.push_str(&text[at..]);
    out
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn parent(pointer: &str) -> Option<&str> {
    pointer.rsplit_once('/').map(|(outer, _)| outer)
}

/// The ADF mark whose URL stands at `pointer`.
fn mark_of(pointer: &str) -> Option<&str> {
    let mark = pointer.strip_suffix("/attrs/href")?;
    let (outer, index) = mark.rsplit_once('/')?;
    (outer.ends_with("/marks") && index.bytes().all(|b| b.is_ascii_digit())).then_some(mark)
}

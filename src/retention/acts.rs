//! What a class does to the fields of a record, as the cuts of a step. Pure.
//!
//! Owns which values a field's globs name in an issue, a comment and a file of JSON, and whether there is anything left to do: what
//! is empty, is the placeholder or is an alias already was done before, so that nothing is done twice.

use chrono::NaiveDate;
use serde_json::Value;

use crate::{
    erasure::{executor::Current, plan::Edit},
    extract::{
        self, Format,
        spans::{self, Kind, Member, Node},
    },
    jira::{User, parse_time},
    keys::Purpose,
    model::{Cut, Decision, Place, RecordType, ReferenceKind, Strength},
    policy::{Class, Glob, Then, editable},
    store::Store,
};

/// What an alias begins with.
const ALIAS: &str = "person-";
/// Digits of an alias behind that.
const DIGITS: usize = 16;

/// An alias of a keyed hash: the same text has the same alias for as long as the key lives.
#[must_use]
pub fn alias(hash: &[u8; 32]) -> String {
    format!("{ALIAS}{}", &hex::encode(hash)[..DIGITS])
}

/// The alias of an account of somebody who left, for a list that names nobody.
#[must_use]
pub fn account_alias(store: &Store, place: &Place, id: &str) -> String {
    alias(&store.keys().keyed_hash(Purpose::Lookup, &[b"sweep-account", place.to_string().as_bytes(), id.as_bytes()]))
}

fn is_alias(text: &str) -> bool {
    let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    text.strip_prefix(ALIAS).is_some_and(|rest| rest.len() == DIGITS && rest.bytes().all(hex))
}

/// How values are changed.
pub(super) struct Means<'a> {
    /// What takes the place of a text that is redacted.
    pub placeholder: &'a str,
    /// The alias of a text.
    pub alias: &'a dyn Fn(&str) -> String,
    /// The account by which we write, where the place has one: it stands in where a field may not be empty.
    pub me: Option<&'a User>,
}

/// The cuts that a class makes in a record; none where there is nothing left to do.
///
/// # Errors
/// Why nothing can be told of its fields.
pub(super) fn edits(
    class: &Class,
    kind: RecordType,
    name: &str,
    now: &Current,
    means: &Means<'_>,
) -> Result<Vec<Edit>, &'static str> {
    let mut act = Act { class, means, out: Vec::new() };
    match (now, kind) {
        (Current::Json(issue), RecordType::Issue) => {
            for (field, value) in issue.get("fields").and_then(Value::as_object).into_iter().flatten() {
                if editable(&class.fields, field) {
                    act.value(value, &format!("/fields/{}", token(field)), field);
                }
            }
        }
        (Current::Json(part), _) => {
            for field in ["body"].into_iter().filter(|f| named(&class.fields, f)) {
                act.value(part.get(field).unwrap_or(&Value::Null), &format!("/{field}"), field);
            }
        }
        (Current::Bytes(bytes), _) => match extract::format(name, bytes) {
            Format::Json(_, text) => act.text(&text, "")?,
            Format::JsonLines(_, text) => {
                for (n, (_, line)) in extract::lines(&text).enumerate().filter(|(_, (_, l))| !l.trim().is_empty()) {
                    act.text(line, &format!("/{n}"))?;
                }
            }
            _ => return Err("only files of JSON have fields; `delete` takes the whole file"),
        },
        (Current::Attachment { .. }, _) => return Err("an attachment has no fields; `delete` takes it whole"),
    }
    Ok(act.out)
}

fn named(globs: &[Glob], name: &str) -> bool {
    globs.iter().any(|g| g.matches(name))
}

fn token(part: &str) -> String {
    part.replace('~', "~0").replace('/', "~1")
}

struct Act<'a> {
    class: &'a Class,
    means: &'a Means<'a>,
    out: Vec<Edit>,
}

impl Act<'_> {
    /// What is no text is emptied, or leaves its list.
    fn empty(&mut self, pointer: &str, field: &str) {
        self.cut(pointer, field, Decision::Clear, None);
    }

    fn cut(&mut self, pointer: &str, field: &str, decision: Decision, with: Option<String>) {
        self.out.push(Edit {
            finding: String::new(),
            field: field.to_owned(),
            locator: pointer.to_owned(),
            cut: Cut::Node { pointer: pointer.to_owned() },
            decision,
            rule: self.class.id.clone(),
            kind: ReferenceKind::Alias,
            strength: Strength::Certain,
            at: None,
            with,
        });
    }

    /// A value of Jira.
    fn value(&mut self, value: &Value, pointer: &str, field: &str) {
        match value {
            Value::Null => {}
            // A day is no text: Jira would refuse the placeholder, and all that is edited with it.
            Value::String(text)
                if self.class.then == Then::Redact && is_time(text) && !["summary", "body"].contains(&field) =>
            {
                self.empty(pointer, field);
            }
            Value::String(text) => self.string(text, pointer, field),
            Value::Array(items) => {
                for n in 0..items.len() {
                    self.empty(&format!("{pointer}/{n}"), field);
                }
            }
            Value::Object(_) if value.get("type") == Some(&"doc".into()) => self.document(value, pointer, field),
            Value::Object(_) if self.means.me.is_some_and(|me| same(me, &User::from_json(value))) => {}
            _ => self.empty(pointer, field),
        }
    }

    /// A document of Atlassian's format, which is redacted as the text that it is.
    fn document(&mut self, value: &Value, pointer: &str, field: &str) {
        if self.class.then != Then::Redact {
            self.empty(pointer, field);
        } else if plain(value).as_deref() != Some(self.means.placeholder) {
            self.cut(pointer, field, Decision::Redact, None);
        }
    }

    fn string(&mut self, text: &str, pointer: &str, field: &str) {
        match self.class.then {
            _ if text.is_empty() => {}
            // What another class redacted is nobody's text any more.
            Then::Redact | Then::Pseudonymise if text == self.means.placeholder => {}
            Then::Pseudonymise if is_alias(text) => {}
            Then::Pseudonymise => self.cut(pointer, field, Decision::Redact, Some((self.means.alias)(text))),
            Then::Redact => self.cut(pointer, field, Decision::Redact, None),
            _ => self.empty(pointer, field),
        }
    }

    /// One JSON text of a file; `at` is where its pointers begin.
    fn text(&mut self, text: &str, at: &str) -> Result<(), &'static str> {
        let root = spans::parse(text).map_err(|_| "a line that is no JSON")?;
        self.members(text, &root, at)
    }

    /// Looks for the fields, at any depth.
    fn members(&mut self, text: &str, node: &Node, at: &str) -> Result<(), &'static str> {
        match &node.kind {
            Kind::Object(members) => {
                for (n, member) in members.iter().enumerate() {
                    let (pointer, before) = (format!("{at}/{}", token(&member.name)), self.out.len());
                    if named(&self.class.fields, &member.name) {
                        self.node(text, &member.value, &pointer, &member.name)?;
                    } else {
                        self.members(text, &member.value, &pointer)?;
                    }
                    self.once(members, n, before)?;
                }
            }
            Kind::Array(items) => {
                for (n, item) in items.iter().enumerate() {
                    self.members(text, item, &format!("{at}/{n}"))?;
                }
            }
            Kind::String | Kind::Scalar => {}
        }
        Ok(())
    }

    /// Refuses cuts behind the name of a member that its object has twice: a pointer leads to one of them alone.
    fn once(&self, members: &[Member], n: usize, before: usize) -> Result<(), &'static str> {
        let twice = || members[..n].iter().chain(&members[n + 1..]).any(|m| m.name == members[n].name);
        if self.out.len() > before && twice() {
            return Err("a JSON object has two members of one name");
        }
        Ok(())
    }

    /// A value of a file.
    fn node(&mut self, text: &str, node: &Node, pointer: &str, field: &str) -> Result<(), &'static str> {
        let token_of = &text[node.span.clone()];
        match &node.kind {
            Kind::Scalar if token_of == "null" => {}
            Kind::String => {
                if let Some((said, _)) = spans::decode(token_of) {
                    self.string(&said, pointer, field);
                }
            }
            // Every text in it has an alias of its own.
            Kind::Object(members) if self.class.then == Then::Pseudonymise => {
                for (n, m) in members.iter().enumerate() {
                    let before = self.out.len();
                    self.node(text, &m.value, &format!("{pointer}/{}", token(&m.name)), field)?;
                    self.once(members, n, before)?;
                }
            }
            Kind::Array(items) if self.class.then == Then::Pseudonymise => {
                for (n, item) in items.iter().enumerate() {
                    self.node(text, item, &format!("{pointer}/{n}"), field)?;
                }
            }
            Kind::Array(items) if items.is_empty() => {}
            Kind::Object(_) => match serde_json::from_str::<Value>(token_of) {
                Ok(value) if value.get("type") == Some(&"doc".into()) => self.document(&value, pointer, field),
                _ => self.empty(pointer, field),
            },
            _ => self.empty(pointer, field),
        }
        Ok(())
    }
}

/// Whether a value of a Jira is a day or a time.
fn is_time(text: &str) -> bool {
    text.parse::<NaiveDate>().is_ok() || parse_time(text).is_some()
}

/// The text of a document that holds nothing but plain text; a mention, a link or a card may name somebody.
fn plain(node: &Value) -> Option<String> {
    let object = node.as_object()?;
    let kind = object.get("type").and_then(Value::as_str)?;
    let known = |(key, value): (&String, &Value)| match (key.as_str(), kind) {
        ("type", _) | ("version", "doc") | ("content", "doc" | "paragraph") | ("text", "text") => true,
        // An editor numbers its paragraphs.
        ("attrs", _) => value.as_object().is_some_and(|attrs| attrs.keys().all(|name| name == "localId")),
        ("marks", _) => value.as_array().is_some_and(Vec::is_empty),
        _ => false,
    };
    if !object.iter().all(known) {
        return None;
    }
    match kind {
        "text" => object.get("text")?.as_str().map(str::to_owned),
        "doc" | "paragraph" => object.get("content").and_then(Value::as_array)?.iter().map(plain).collect(),
        _ => None,
    }
}

/// Whether two users are one account.
pub(super) fn same(a: &User, b: &User) -> bool {
    let one = |a: &Option<String>, b: &Option<String>| a.is_some() && a == b;
    one(&a.account_id, &b.account_id) || one(&a.key, &b.key) || one(&a.name, &b.name)
}

#[cfg(test)]
#[path = "acts_tests.rs"]
mod tests;

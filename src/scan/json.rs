//! The walker of any JSON: user objects, ADF documents, strings, member names.

use serde_json::{Map, Value};

use super::{
    adf,
    context::{Context, child},
    fields::{self, Role},
    jira,
    text::{TextHit, find_text},
};
use crate::{
    model::{Cut, IdentifierKind, Piece, RecordType, Reference, ReferenceKind, Strength},
    subject::{ExactMatch, FieldHint, Matcher, TextKind},
};

/// How deep a document may nest before the rest is left to the search of its bytes. Readers stop at 128 themselves.
const DEEPEST: usize = 200;

/// Every reference in a JSON value, in document order. Pointers are relative to `value`.
#[must_use]
pub fn walk_json(value: &Value, ctx: &Context, matcher: &Matcher) -> Vec<Reference> {
    walk_json_at(value, "", None, ctx, matcher)
}

/// As [`walk_json`] for a value that stands at `pointer` of something larger, as the member `name` or an item of it.
pub(super) fn walk_json_at(
    value: &Value,
    pointer: &str,
    name: Option<&str>,
    ctx: &Context,
    matcher: &Matcher,
) -> Vec<Reference> {
    let mut walker = Walker::new(ctx, matcher);
    walker.value(value, pointer, name, 0);
    walker.out
}

/// References in the name of the member at `pointer`.
pub(super) fn walk_name(name: &str, pointer: &str, ctx: &Context, matcher: &Matcher) -> Vec<Reference> {
    let mut walker = Walker::new(ctx, matcher);
    walker.name(name, pointer);
    walker.out
}

/// Whether an object with a member of this name and (JSON) value may be more than its members: a user, an ADF
/// document, an item of the history.
pub(super) fn may_be_whole(name: &str, value: &str) -> bool {
    matches!(name, "accountId" | "displayName" | "emailAddress" | "fromString" | "toString")
        || fields::role(name).is_some()
        || (name == "type" && value == "\"doc\"")
}

/// Walks one record and gathers its references.
pub(super) struct Walker<'a> {
    pub(super) ctx: &'a Context,
    pub(super) matcher: &'a Matcher,
    pub(super) out: Vec<Reference>,
}

/// What was found, before it knows where it is.
pub(super) struct Found {
    pub(super) subject: usize,
    pub(super) identifier: usize,
    pub(super) kind: ReferenceKind,
    pub(super) strength: Strength,
}

impl From<&TextHit> for Found {
    fn from(hit: &TextHit) -> Self {
        let m = &hit.found;
        Self { subject: m.subject, identifier: m.identifier, kind: m.kind, strength: m.strength }
    }
}

impl Found {
    pub(super) fn exact(m: &ExactMatch, strength: Strength) -> Self {
        let strength = if m.confirmed { strength } else { Strength::Possible };
        Self { subject: m.subject, identifier: m.identifier, kind: m.kind, strength }
    }
}

impl<'a> Walker<'a> {
    pub(super) const fn new(ctx: &'a Context, matcher: &'a Matcher) -> Self {
        Self { ctx, matcher, out: Vec::new() }
    }

    pub(super) fn push(&mut self, found: Found, pointer: &str, cut: Cut) {
        self.out.push(Reference {
            subject: found.subject,
            identifier: found.identifier,
            place: self.ctx.place.clone(),
            instance: self.ctx.instance.clone(),
            project: self.ctx.project.clone(),
            record: self.ctx.record.clone(),
            field: self.ctx.field(pointer),
            locator: pointer.to_owned(),
            kind: found.kind,
            strength: found.strength,
            cut,
            times: self.ctx.times,
            issue: None,
        });
    }

    pub(super) fn value(&mut self, value: &Value, pointer: &str, name: Option<&str>, depth: usize) {
        if depth > DEEPEST {
            return;
        }
        match value {
            Value::String(text) => self.string(text, pointer, name),
            Value::Array(items) => {
                let name = if is_labels(name, items) { Some("labels") } else { name };
                for (i, item) in items.iter().enumerate() {
                    self.value(item, &child(pointer, &i.to_string()), name, depth + 1);
                }
            }
            Value::Object(map) => {
                if adf::is_doc(map) {
                    self.adf(value, pointer, depth);
                } else if jira::is_history_item(map) {
                    jira::history_item(self, value, pointer);
                } else {
                    let before = self.out.len();
                    self.user(map, pointer);
                    let named: Vec<usize> = self.out[before..].iter().map(|r| r.subject).collect();
                    let after = self.out.len();
                    self.name_in_parts(map, pointer);
                    self.members(map, pointer, depth);
                    // Whom the object names as a whole is not found a second time inside it; others may be.
                    if !named.is_empty() {
                        let inside = self.out.split_off(after);
                        self.out.extend(inside.into_iter().filter(|r| !named.contains(&r.subject)));
                    }
                }
            }
            Value::Number(number) if self.matcher.has_phones() => {
                let text = number.to_string();
                for hit in find_text(self.matcher, &text, self.ctx.scope(), TextKind::Prose) {
                    self.push((&hit).into(), pointer, Cut::Node { pointer: pointer.to_owned() });
                }
            }
            Value::Number(_) | Value::Bool(_) | Value::Null => {}
        }
    }

    pub(super) fn members(&mut self, map: &Map<String, Value>, pointer: &str, depth: usize) {
        for (name, value) in map {
            let at = child(pointer, name);
            self.name(name, &at);
            self.value(value, &at, Some(name), depth + 1);
        }
    }

    fn name(&mut self, name: &str, pointer: &str) {
        // The names of Jira's own members are many and name nobody.
        if name.len() < 2 {
            return;
        }
        let mut hits: Vec<Found> = self
            .matcher
            .exact(FieldHint::AnyId, name, self.ctx.scope())
            .iter()
            .map(|m| Found::exact(m, Strength::Probable))
            .filter(|f| name.chars().count() >= 4 || f.kind == ReferenceKind::AccountId)
            .collect();
        if hits.is_empty() {
            hits.extend(find_text(self.matcher, name, self.ctx.scope(), TextKind::FileName).iter().map(Found::from));
        }
        for found in hits {
            self.push(found, pointer, Cut::Name { pointer: pointer.to_owned() });
        }
    }

    pub(super) fn string(&mut self, text: &str, pointer: &str, name: Option<&str>) {
        if text.len() < 2 {
            return;
        }
        if let Some(hint) = name.and_then(hint) {
            let hits = self.matcher.exact(hint, text, self.ctx.scope());
            if !hits.is_empty() {
                // A bare name may be a namesake's, also where it stands alone.
                let strength = if hint == FieldHint::DisplayName { Strength::Probable } else { Strength::Certain };
                for m in hits {
                    let pieces = vec![Piece { pointer: pointer.to_owned(), from: 0, to: text.len() }];
                    self.push(Found::exact(&m, strength), pointer, Cut::Text { pieces });
                }
                return;
            }
        }
        let property_key = pointer == "/key" && self.ctx.record.record_type == RecordType::Property;
        let kind = match name.map(str::to_ascii_lowercase).as_deref() {
            // Neither a label nor a property's key can hold a space.
            Some("filename" | "file" | "path" | "labels") => TextKind::FileName,
            _ if property_key => TextKind::FileName,
            _ => TextKind::Prose,
        };
        let hits = find_text(self.matcher, text, self.ctx.scope(), kind);
        if hits.is_empty() {
            return;
        }
        let nested = text.trim_start().starts_with(['{', '[']) && serde_json::from_str::<Value>(text).is_ok();
        for hit in &hits {
            let pieces =
                hit.pieces.iter().map(|r| Piece { pointer: pointer.to_owned(), from: r.start, to: r.end }).collect();
            let mut found = Found::from(hit);
            if nested && found.strength == Strength::Probable && is_member_value(text, hit) {
                found.strength = Strength::Certain;
            }
            self.push(found, pointer, Cut::Text { pieces });
        }
    }

    /// A name whose parts are members of their own: `firstName` and `lastName`.
    fn name_in_parts(&mut self, map: &Map<String, Value>, pointer: &str) {
        let of = |role: Role| {
            map.iter()
                .find_map(|(name, value)| Some((name, value.as_str()?)).filter(|_| fields::role(name) == Some(role)))
        };
        let (Some(first), Some(last)) = (of(Role::First), of(Role::Last)) else { return };
        let with = of(Role::Middle).map(|middle| vec![first, middle, last]);
        for parts in with.into_iter().chain([vec![first, last]]) {
            let values: Vec<&str> = parts.iter().map(|(_, value)| *value).collect();
            for (subject, identifier, kind, strength) in fields::name_of(self.matcher, self.ctx.scope(), &values) {
                let strength = if self.has_other_ids(map, subject) { Strength::Possible } else { strength };
                let piece =
                    |(name, value): &(&String, &str)| Piece { pointer: child(pointer, name), from: 0, to: value.len() };
                let found = Found { subject, identifier, kind, strength };
                self.push(found, &child(pointer, parts[0].0), Cut::Text { pieces: parts.iter().map(piece).collect() });
            }
        }
    }

    /// References of a user object as a whole; none where it is no user object, or names nobody who is looked for.
    fn user(&mut self, map: &Map<String, Value>, pointer: &str) {
        if !is_user(map) {
            return;
        }
        let scope = self.ctx.scope();
        let text = |name: &str| map.get(name).and_then(Value::as_str);
        let mut sure: Vec<ExactMatch> = Vec::new();
        for (name, hint) in [
            ("accountId", FieldHint::AccountId),
            ("key", FieldHint::UserKey),
            ("name", FieldHint::Username),
            ("emailAddress", FieldHint::Email),
        ] {
            if let Some(value) = text(name) {
                sure.extend(self.matcher.exact(hint, value, scope));
            }
        }
        let confirmed: Vec<usize> = sure.iter().filter(|m| m.confirmed).map(|m| m.subject).collect();
        let mut found: Vec<Found> = sure.iter().map(|m| Found::exact(m, Strength::Certain)).collect();
        if let Some(display) = text("displayName") {
            let exact = self.matcher.exact(FieldHint::DisplayName, display, scope);
            for m in &exact {
                let strength = if confirmed.contains(&m.subject) {
                    Strength::Certain
                } else if self.has_other_ids(map, m.subject) {
                    Strength::Possible
                } else {
                    Strength::Probable
                };
                found.push(Found::exact(m, strength));
            }
            if exact.is_empty() {
                for hit in find_text(self.matcher, display, scope, TextKind::Prose) {
                    let mut f = Found::from(&hit);
                    if confirmed.contains(&f.subject) {
                        f.strength = Strength::Certain;
                    } else if matches!(f.kind, ReferenceKind::FullName | ReferenceKind::Alias)
                        && self.has_other_ids(map, f.subject)
                    {
                        f.strength = Strength::Possible;
                    }
                    found.push(f);
                }
            }
        }
        for f in found {
            self.push(f, pointer, Cut::Node { pointer: pointer.to_owned() });
        }
    }

    /// Whether a user object has an id of a kind that is known of the subject here: since it did not match, it is
    /// another person of the same name.
    fn has_other_ids(&self, map: &Map<String, Value>, subject: usize) -> bool {
        [
            ("accountId", IdentifierKind::AccountId),
            ("key", IdentifierKind::UserKey),
            ("name", IdentifierKind::Username),
            ("emailAddress", IdentifierKind::Email),
        ]
        .into_iter()
        .any(|(name, kind)| {
            map.get(name).and_then(Value::as_str).is_some_and(|v| !v.is_empty())
                && self.matcher.knows(subject, kind, self.ctx.scope())
        })
    }
}

/// Whether an object is a Jira user of either flavour. Projects and statuses have `key` and `name` too.
pub(super) fn is_user(map: &Map<String, Value>) -> bool {
    let has = |name: &str| map.get(name).is_some_and(Value::is_string);
    has("accountId")
        || (has("displayName")
            && (has("name")
                || has("key")
                || has("emailAddress")
                || ["active", "avatarUrls", "accountType", "timeZone", "self"].iter().any(|n| map.contains_key(*n))))
        || (has("emailAddress") && (has("name") || has("key")))
}

/// Whether a custom field is a list of labels: words without a space, so that something else joins a name's words.
fn is_labels(name: Option<&str>, items: &[Value]) -> bool {
    let word = |item: &Value| item.as_str().is_some_and(|s| !s.contains(char::is_whitespace));
    name.is_some_and(|n| n.starts_with("customfield_")) && items.iter().all(word)
}

/// What a member of this name holds, where the name says so.
pub(super) fn hint(name: &str) -> Option<FieldHint> {
    let lower = name.to_ascii_lowercase();
    let lower = lower.replace(['_', '-'], "");
    // Jira's export has each in lower case too; HTML has them as data.
    let lower = lower.strip_prefix("lower").or_else(|| lower.strip_prefix("data")).unwrap_or(&lower);
    match lower {
        "userkey" => Some(FieldHint::UserKey),
        "username" => Some(FieldHint::Username),
        "email" | "emailaddress" | "mail" => Some(FieldHint::Email),
        "displayname" | "fullname" => Some(FieldHint::DisplayName),
        "user" | "author" | "updateauthor" | "assignee" | "reporter" | "creator" | "owner" | "lead" | "watcher"
        | "watchers" | "voter" | "actor" | "childname" => Some(FieldHint::AnyId),
        _ if lower.ends_with("accountid") || lower.ends_with("accountids") => Some(FieldHint::AccountId),
        _ => None,
    }
}

/// Whether a hit in the text of nested JSON is the whole value of a member that holds an id or an address.
fn is_member_value(text: &str, hit: &TextHit) -> bool {
    let (before, after) = (&text[..hit.found.from], &text[hit.found.to..]);
    if !after.trim_start_matches('\\').starts_with('"') {
        return false;
    }
    let Some(before) = before.strip_suffix('"') else { return false };
    let Some(before) = before.trim_end_matches('\\').trim_end().strip_suffix(':') else { return false };
    let name = before.trim_end().trim_end_matches(['"', '\\']);
    let name = name.rsplit(['"', '\\']).next().unwrap_or_default();
    matches!(name, "name" | "key") || hint(name).is_some_and(|h| h != FieldHint::DisplayName)
}

#[cfg(test)]
#[path = "json_tests.rs"]
pub(super) mod tests;

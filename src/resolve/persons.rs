//! People in JSON: user objects of both flavours, both sides of a history item, and what other tools write of a person.

use serde_json::{Map, Value};

use super::{Evidence, Person, Seen, Term, Terms, text};
use crate::{
    jira::{User, adf_text},
    model::{IdentifierKind as K, InstanceName},
};

/// No document of Jira nests deeper.
const DEEPEST: usize = 128;

/// Where a document lies.
pub(super) struct At<'a> {
    pub(super) instance: Option<&'a InstanceName>,
    pub(super) seen: Seen,
    /// How the instance shows it at this moment, and not how it once was.
    pub(super) current: bool,
    pub(super) cloud: bool,
}

/// The person of a user object; `None` where it is none.
pub(super) fn person(map: &Map<String, Value>) -> Option<Person> {
    let has = |name: &str| map.get(name).is_some_and(|v| v.as_str().is_some_and(|s| !s.is_empty()));
    let shown = has("displayName") && (has("name") || has("key") || has("emailAddress") || map.contains_key("active"));
    if !(has("accountId") || shown || (has("emailAddress") && (has("name") || has("key")))) {
        return None;
    }
    Some(from_user(&User::from_json(&Value::Object(map.clone()))))
}

pub(super) fn from_user(user: &User) -> Person {
    // Cloud still has empty `key` and `name`, and old ones the account id in them.
    let old = user.account_id.is_none();
    Person {
        instance: None,
        account_id: user.account_id.clone(),
        key: user.key.clone().filter(|_| old),
        name: user.name.clone().filter(|_| old),
        email: user.email.clone(),
        display: user.display_name.clone(),
        active: user.active,
        deleted: user.raw.get("deleted").and_then(Value::as_bool).unwrap_or(false)
            || (user.account_id.is_some() && user.display_name.as_deref() == Some("Former user")),
        current: false,
    }
}

/// Gathers what a document says of whom `terms` concern.
pub(super) fn walk(value: &Value, at: &At<'_>, terms: &Terms, evidence: &mut Evidence) {
    node(value, at, terms, evidence, 0);
}

fn node(value: &Value, at: &At<'_>, terms: &Terms, evidence: &mut Evidence, depth: usize) {
    if depth > DEEPEST {
        return;
    }
    match value {
        Value::String(text) => words(text, at, terms, evidence),
        Value::Array(items) => items.iter().for_each(|item| node(item, at, terms, evidence, depth + 1)),
        Value::Object(map) => {
            if map.get("type").and_then(Value::as_str) == Some("doc") && map.contains_key("content") {
                words(&adf_text(value), at, terms, evidence);
                links(value, at, terms, evidence, depth);
                return;
            }
            if let Some(person) = person(map) {
                add(person, at, terms, evidence);
            } else {
                members(map, at, terms, evidence);
            }
            history(map, at, terms, evidence);
            map.iter()
                .filter(|(name, _)| !matches!(name.as_str(), "avatarUrls" | "self"))
                .for_each(|(_, v)| node(v, at, terms, evidence, depth + 1));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn add(person: Person, at: &At<'_>, terms: &Terms, evidence: &mut Evidence) {
    if person.account_id.as_deref() == Some("unknown") {
        if let Some(instance) = at.instance {
            *evidence.corrupted.entry(instance.clone()).or_default() += 1;
        }
        return;
    }
    if terms.concern(&person) {
        let person = Person { instance: at.instance.cloned(), current: at.current && !person.deleted, ..person };
        evidence.people.push((person, at.seen.clone()));
    }
}

/// Known values in a text, and what stands beside them.
pub(super) fn words(text: &str, at: &At<'_>, terms: &Terms, evidence: &mut Evidence) {
    for (known, other) in text::beside(text, terms) {
        match other {
            Some(other) => evidence.beside.push((known, other, at.seen.clone())),
            None => evidence.texts.push((known, at.seen.clone())),
        }
    }
}

/// A text node of a document with a link to an address: the text may be the name.
fn links(value: &Value, at: &At<'_>, terms: &Terms, evidence: &mut Evidence, depth: usize) {
    if depth > DEEPEST {
        return;
    }
    let text = value.get("text").and_then(Value::as_str).unwrap_or_default();
    for mark in value.get("marks").and_then(Value::as_array).into_iter().flatten() {
        let href = mark.get("attrs").and_then(|a| a.get("href")).and_then(Value::as_str).unwrap_or_default();
        if let Some(address) = href.strip_prefix("mailto:") {
            words(&format!("{text} <{address}>"), at, terms, evidence);
        }
    }
    for child in value.get("content").and_then(Value::as_array).into_iter().flatten() {
        links(child, at, terms, evidence, depth + 1);
    }
}

/// Both sides of a history item of a user field: an id, and the name that it had then.
fn history(map: &Map<String, Value>, at: &At<'_>, terms: &Terms, evidence: &mut Evidence) {
    let text = |name: &str| map.get(name).and_then(Value::as_str).filter(|s| !s.is_empty());
    if !map.contains_key("fromString") && !map.contains_key("toString") {
        return;
    }
    for (id, name) in [("from", "fromString"), ("to", "toString")] {
        let (Some(id), Some(display)) = (text(id), text(name)) else { continue };
        // Ids of other things are numbers, or lists in brackets.
        if id.bytes().all(|b| b.is_ascii_digit()) || id.starts_with('[') {
            continue;
        }
        let id = Some(id.to_owned());
        let (account_id, key) = if at.cloud { (id, None) } else { (None, id) };
        let then = Person { account_id, key, display: Some(display.to_owned()), ..Person::default() };
        let then_at = At { current: false, seen: at.seen.clone(), ..*at };
        add(then, &then_at, terms, evidence);
    }
}

/// `{"name": "Jane Doe", "email": "jane@…", "phone": …}` as other tools write it.
fn members(map: &Map<String, Value>, at: &At<'_>, terms: &Terms, evidence: &mut Evidence) {
    let plain = |name: &str| name.to_lowercase().replace(['_', '-', ' '], "");
    let known = map.values().filter_map(Value::as_str).find(|v| terms.has(K::Email, v) && v.contains('@'));
    let Some(known) = known.map(|v| Term::new(K::Email, v)) else { return };
    for (name, value) in map {
        let Some(value) = value.as_str().map(str::trim).filter(|v| !v.is_empty() && !v.contains('@')) else { continue };
        let kind = match plain(name).as_str() {
            "name" | "fullname" | "displayname" | "realname" | "customer" | "contact" if value.contains(' ') => {
                K::FullName
            }
            "phone" | "tel" | "telephone" | "mobile" | "phonenumber" | "telefon" => K::Phone,
            _ => continue,
        };
        evidence.beside.push((known.clone(), Term::new(kind, value), at.seen.clone()));
    }
}

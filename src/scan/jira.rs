//! The walkers of Jira's records: an issue is split into itself and its comments, worklogs, attachments, history.
//!
//! Every pointer is relative to the JSON of its own record, as Jira gives it out when that record is read alone.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{
    context::{Context, Fields, child},
    json::{Found, Walker},
};
use crate::{
    model::{Cut, Piece, RecordRef, RecordTimes, RecordType, Reference, Strength},
    subject::{FieldHint, Matcher},
};

/// Members of an issue that repeat its fields in another form; they are made from the fields and go with them.
const PROJECTIONS: [&str; 7] =
    ["renderedFields", "names", "schema", "transitions", "operations", "editmeta", "versionedRepresentations"];

/// References of an issue and of every part that its JSON holds: comments, worklogs, attachments, history, properties,
/// remote links, watchers. Parts that Jira cut at a page have to be fetched and walked on their own.
#[must_use]
pub fn walk_issue(issue: &Value, ctx: &Context, matcher: &Matcher) -> Vec<Reference> {
    let text = |name: &str| issue.get(name).and_then(Value::as_str).unwrap_or_default();
    let key = text("key");
    let fields = issue.get("fields");
    let record = RecordRef::of_issue(RecordType::Issue, text("id"), key);
    let own = ctx.with_record(record, times(fields), Fields::Issue);
    let mut walker = Walker::new(&own, matcher);
    for (name, value) in issue.as_object().into_iter().flatten() {
        if PROJECTIONS.contains(&name.as_str()) || is_part(name) {
            continue;
        }
        let at = child("", name);
        if name == "fields" {
            for (field, value) in value.as_object().into_iter().flatten() {
                if !is_part_field(field, value) {
                    walker.value(value, &child(&at, field), Some(field), 1);
                }
            }
        } else {
            walker.value(value, &at, Some(name), 0);
        }
    }
    let mut out = walker.out;
    let list = |outer: Option<&Value>, name: &str| -> Vec<Value> {
        outer.and_then(|v| v.get(name)).and_then(Value::as_array).cloned().unwrap_or_default()
    };
    let field = |name: &str| fields.and_then(|f| f.get(name));
    for comment in list(field("comment"), "comments") {
        out.extend(walk_comment(&comment, key, ctx, matcher));
    }
    for worklog in list(field("worklog"), "worklogs") {
        out.extend(walk_worklog(&worklog, key, ctx, matcher));
    }
    for attachment in list(fields, "attachment") {
        out.extend(walk_attachment_meta(&attachment, key, ctx, matcher));
    }
    for entry in list(issue.get("changelog"), "histories") {
        out.extend(walk_history_entry(&entry, key, ctx, matcher));
    }
    for link in list(Some(issue), "remotelinks") {
        out.extend(walk_remote_link(&link, key, ctx, matcher));
    }
    for watcher in list(field("watches"), "watchers") {
        out.extend(walk_watcher(&watcher, key, ctx, matcher));
    }
    for voter in list(field("votes"), "voters") {
        out.extend(walk_vote(&voter, key, ctx, matcher));
    }
    for (name, value) in issue.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let property = serde_json::json!({ "key": name, "value": value });
        out.extend(walk_property(&property, key, ctx, matcher));
    }
    out
}

fn is_part(name: &str) -> bool {
    matches!(name, "changelog" | "properties" | "remotelinks")
}

fn is_part_field(name: &str, value: &Value) -> bool {
    match name {
        "comment" => value.get("comments").is_some(),
        "worklog" => value.get("worklogs").is_some(),
        "attachment" => value.is_array(),
        "watches" => value.get("watchers").is_some(),
        "votes" => value.get("voters").is_some(),
        _ => false,
    }
}

fn part(kind: RecordType, part: &Value, issue: &str, ctx: &Context, matcher: &Matcher) -> Vec<Reference> {
    let ctx = part_context(kind, part, issue, ctx, Fields::First);
    let mut walker = Walker::new(&ctx, matcher);
    // The record itself is no user object, whatever members it has.
    match part.as_object() {
        Some(map) => walker.members(map, "", 0),
        None => walker.value(part, "", None, 0),
    }
    walker.out
}

fn part_context(kind: RecordType, part: &Value, issue: &str, ctx: &Context, fields: Fields) -> Context {
    let id = part.get("id").and_then(|id| match id {
        Value::String(s) => Some(s.clone()),
        Value::Number(n) => Some(n.to_string()),
        _ => None,
    });
    let record = RecordRef { record_type: kind, id, key: Some(issue.to_owned()), path: None };
    ctx.with_record(record, times(Some(part)), fields)
}

/// References of a comment.
#[must_use]
pub fn walk_comment(comment: &Value, issue: &str, ctx: &Context, matcher: &Matcher) -> Vec<Reference> {
    let mut out = part(RecordType::Comment, comment, issue, ctx, matcher);
    out.retain(|r| r.field != "renderedBody");
    out
}

/// References of a worklog.
#[must_use]
pub fn walk_worklog(worklog: &Value, issue: &str, ctx: &Context, matcher: &Matcher) -> Vec<Reference> {
    part(RecordType::Worklog, worklog, issue, ctx, matcher)
}

/// References of an attachment's name and author; its content is scanned as bytes. (Jira cannot rename an attachment: a cut in
/// its name goes with another one that is put in its place.)
#[must_use]
pub fn walk_attachment_meta(attachment: &Value, issue: &str, ctx: &Context, matcher: &Matcher) -> Vec<Reference> {
    let mut out = part(RecordType::Attachment, attachment, issue, ctx, matcher);
    // The same name stands in the URLs, which follow it.
    out.retain(|r| !matches!(r.field.as_str(), "content" | "thumbnail" | "self"));
    out
}

/// References of a remote link.
#[must_use]
pub fn walk_remote_link(link: &Value, issue: &str, ctx: &Context, matcher: &Matcher) -> Vec<Reference> {
    part(RecordType::RemoteLink, link, issue, ctx, matcher)
}

/// References of an entity property, given as `{"key": …, "value": …}`.
#[must_use]
pub fn walk_property(property: &Value, issue: &str, ctx: &Context, matcher: &Matcher) -> Vec<Reference> {
    let mut ctx = part_context(RecordType::Property, property, issue, ctx, Fields::First);
    ctx.record.id = property.get("key").and_then(Value::as_str).map(str::to_owned);
    let mut walker = Walker::new(&ctx, matcher);
    walker.value(property, "", None, 0);
    for reference in &mut walker.out {
        // A key cannot be changed: the property goes with it.
        if reference.field == "key" {
            reference.cut = Cut::Whole;
        }
    }
    walker.out
}

/// References of a setting of a project or an instance, or of a user's profile: any JSON object, whose members are its
/// fields.
#[must_use]
pub fn walk_setting(setting: &Value, ctx: &Context, matcher: &Matcher) -> Vec<Reference> {
    let ctx = ctx.with_record(ctx.record.clone(), RecordTimes::default(), Fields::First);
    let mut walker = Walker::new(&ctx, matcher);
    if let Some(map) = setting.as_object() {
        walker.members(map, "", 0);
    }
    walker.out
}

/// References of one watcher: a user object.
#[must_use]
pub fn walk_watcher(watcher: &Value, issue: &str, ctx: &Context, matcher: &Matcher) -> Vec<Reference> {
    person(RecordType::Watcher, "watches", watcher, issue, ctx, matcher)
}

/// References of one voter: a user object.
#[must_use]
pub fn walk_vote(voter: &Value, issue: &str, ctx: &Context, matcher: &Matcher) -> Vec<Reference> {
    person(RecordType::Vote, "votes", voter, issue, ctx, matcher)
}

fn person(
    kind: RecordType,
    field: &str,
    user: &Value,
    issue: &str,
    ctx: &Context,
    matcher: &Matcher,
) -> Vec<Reference> {
    // The id of such a record would be the person's own.
    let record = RecordRef { record_type: kind, id: None, key: Some(issue.to_owned()), path: None };
    let ctx = ctx.with_record(record, RecordTimes::default(), Fields::Fixed(field.to_owned()));
    let mut walker = Walker::new(&ctx, matcher);
    walker.value(user, "", Some("watcher"), 0);
    walker.out
}

/// References of one history entry: its author, and the old and new values of its items. Fields are `author`, `from`,
/// `to`, `fromString` and `toString`.
#[must_use]
pub fn walk_history_entry(entry: &Value, issue: &str, ctx: &Context, matcher: &Matcher) -> Vec<Reference> {
    let ctx = part_context(RecordType::History, entry, issue, ctx, Fields::First);
    let item_ctx = Context { fields: Fields::Last, ..ctx.clone() };
    let mut walker = Walker::new(&ctx, matcher);
    let mut items = Walker::new(&item_ctx, matcher);
    for (name, value) in entry.as_object().into_iter().flatten() {
        let at = child("", name);
        match value {
            Value::Array(list) if name == "items" => {
                for (i, item) in list.iter().enumerate() {
                    history_item(&mut items, item, &child(&at, &i.to_string()));
                }
            }
            _ => walker.value(value, &at, Some(name), 0),
        }
    }
    let mut out = walker.out;
    out.append(&mut items.out);
    out
}

/// Whether an object is one change of an issue's history, also outside a history: an id beside a text for old and new.
pub(super) fn is_history_item(map: &serde_json::Map<String, Value>) -> bool {
    let old_or_new = |id: &str, text: &str| map.contains_key(id) && map.contains_key(text);
    map.get("field").is_some_and(Value::is_string) && (old_or_new("from", "fromString") || old_or_new("to", "toString"))
}

/// References of one change: the id says who the text beside it means.
pub(super) fn history_item(walker: &mut Walker<'_>, item: &Value, pointer: &str) {
    let Some(map) = item.as_object() else { return };
    for (id_name, text_name) in [("from", "fromString"), ("to", "toString")] {
        let id = map.get(id_name).and_then(Value::as_str).unwrap_or_default();
        let hits = walker.matcher.exact(FieldHint::AnyId, id, walker.ctx.scope());
        // Ids are numbers for most fields; a user name that is a number would be taken for one.
        let hits: Vec<_> = hits.into_iter().filter(|_| !id.bytes().all(|b| b.is_ascii_digit())).collect();
        let at = child(pointer, id_name);
        let whole =
            |at: &str, len: usize| Cut::Text { pieces: vec![Piece { pointer: at.to_owned(), from: 0, to: len }] };
        for m in &hits {
            walker.push(Found::exact(m, Strength::Certain), &at, whole(&at, id.len()));
        }
        if hits.is_empty() {
            walker.string(id, &at, None);
        }
        let text = map.get(text_name).and_then(Value::as_str).unwrap_or_default();
        let at = child(pointer, text_name);
        let before = walker.out.len();
        let labels = map.get("field").and_then(Value::as_str) == Some("labels");
        walker.string(text, &at, labels.then_some("labels"));
        let person_field = is_person_field(map);
        for reference in &mut walker.out[before..] {
            if hits.iter().any(|m| m.confirmed && m.subject == reference.subject) {
                reference.strength = Strength::Certain;
            } else if person_field && !id.is_empty() && hits.is_empty() {
                // The id beside it is another person's.
                reference.strength = Strength::Possible;
            }
        }
    }
    for (name, value) in map {
        if !matches!(name.as_str(), "from" | "fromString" | "to" | "toString") {
            walker.value(value, &child(pointer, name), Some(name), 1);
        }
    }
}

fn is_person_field(item: &serde_json::Map<String, Value>) -> bool {
    let field = item.get("fieldId").or_else(|| item.get("field")).and_then(Value::as_str).unwrap_or_default();
    matches!(field, "assignee" | "reporter" | "creator") || item.contains_key("tmpFromAccountId")
}

/// The times that a record's JSON gives.
pub(super) fn times(record: Option<&Value>) -> RecordTimes {
    let time = |name: &str| record.and_then(|r| r.get(name)).and_then(Value::as_str).and_then(parse_time);
    let created = time("created").or_else(|| time("started"));
    RecordTimes { created, updated: time("updated").or(created) }
}

/// A time as Jira writes it (`+0000` without a colon), or as RFC 3339.
pub(crate) fn parse_time(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z")
        .or_else(|_| DateTime::parse_from_rfc3339(text))
        .ok()
        .map(|t| t.with_timezone(&Utc))
}

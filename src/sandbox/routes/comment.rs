//! Comments.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{issue::quiet, property};
use crate::sandbox::{
    edit,
    http::{Answer, Failure, Reply, Req, page_of},
    shapes,
    state::{Change, Comment, Visibility, World},
};

/// Atlassian's documents of both flavours know 400, not 403, for what one may not do to a comment.
const MAY_NOT_ADD: &str = "You do not have the permission to comment on this issue.";

fn editable(world: &World, key: &str, message: &str) -> Result<u64, Failure> {
    world.find_editable(key, message).map_err(|f| if f.status == 403 { Failure { status: 400, ..f } } else { f })
}

/// A checked new comment.
pub(super) struct New {
    body: Value,
    visibility: Option<Visibility>,
    properties: BTreeMap<String, Value>,
}

/// Reads `visibility`.
pub(super) fn visibility(value: Option<&Value>) -> Result<Option<Visibility>, Failure> {
    let Some(v) = value.filter(|v| !v.is_null()) else { return Ok(None) };
    let kind = v.get("type").and_then(Value::as_str).unwrap_or_default();
    let name = v.get("value").or_else(|| v.get("identifier")).and_then(Value::as_str).unwrap_or_default();
    if !matches!(kind, "group" | "role") || name.is_empty() {
        return Err(Failure::field("commentLevel", "The visibility needs a type ('group' or 'role') and a value."));
    }
    Ok(Some(Visibility { kind: kind.to_owned(), value: name.to_owned() }))
}

fn body(world: &World, value: Option<&Value>) -> Result<Value, Failure> {
    let empty = || Failure::field("comment", "Comment body can not be empty!");
    let body = edit::rich_value(world, value.ok_or_else(empty)?).map_err(|m| Failure::field("comment", m))?;
    let blank = match &body {
        Value::Null => true,
        Value::String(s) => s.trim().is_empty(),
        doc => doc.get("content").and_then(Value::as_array).is_some_and(Vec::is_empty),
    };
    if blank { Err(empty()) } else { Ok(body) }
}

pub(super) fn check(world: &World, value: &Value) -> Result<New, Failure> {
    Ok(New {
        body: body(world, value.get("body"))?,
        visibility: visibility(value.get("visibility"))?,
        properties: property::listed(value.get("properties"))?,
    })
}

pub(super) fn insert(world: &mut World, issue: u64, new: New) -> u64 {
    let id = world.take_id();
    let (now, actor) = (world.ctx.now, world.ctx.actor);
    if let Some(i) = world.issues.get_mut(&issue) {
        i.comments.push(Comment {
            id,
            author: actor,
            update_author: actor,
            body: new.body,
            created: now,
            updated: now,
            visibility: new.visibility,
            properties: new.properties,
        });
    }
    world.changed(issue, "comment_created", Vec::new());
    id
}

fn find<'w>(world: &'w World, issue: u64, id: &str) -> Result<&'w Comment, Failure> {
    world
        .issue(issue)?
        .comments
        .iter()
        .filter(|c| world.sees_restricted(c.visibility.as_ref()))
        .find(|c| c.id.to_string() == id)
        .ok_or_else(|| Failure::new(404, format!("Can not find a comment for the id: {id}.")))
}

fn rendered(req: &Req) -> bool {
    req.q("expand").is_some_and(|e| e.contains("renderedBody"))
}

pub(super) fn list(world: &World, req: &Req, key: &str) -> Answer {
    let issue = world.issue(world.find_issue(key)?)?;
    // Cloud pages at 100 unless asked otherwise, Data Center gives all.
    let default = if world.is_cloud() { 100 } else { 1_048_576 };
    let (start, max) = (req.q_number("startAt", 0)?, req.q_number("maxResults", default)?);
    let max = if world.is_cloud() { max.min(5000) } else { max };
    let seen = |c: &&Comment| world.sees_restricted(c.visibility.as_ref());
    let mut all: Vec<&Comment> = issue.comments.iter().filter(seen).collect();
    match req.q("orderBy").unwrap_or("created").trim() {
        "created" | "+created" => {}
        "-created" => all.reverse(),
        other => return Err(Failure::new(400, format!("'{other}' is not a field that comments can be ordered by."))),
    }
    let (page, total, _) = page_of(all, start, max);
    let comments: Vec<Value> = page.into_iter().map(|c| shapes::comment(world, issue.id, c, rendered(req))).collect();
    Ok(Reply::ok(json!({ "startAt": start, "maxResults": max, "total": total, "comments": comments })))
}

pub(super) fn get(world: &World, req: &Req, key: &str, id: &str) -> Answer {
    let issue = world.find_issue(key)?;
    Ok(Reply::ok(shapes::comment(world, issue, find(world, issue, id)?, rendered(req))))
}

pub(super) fn add(world: &mut World, req: &Req, key: &str) -> Answer {
    let issue = editable(world, key, MAY_NOT_ADD)?;
    if world.denied("ADD_COMMENTS") {
        return Err(Failure::new(400, MAY_NOT_ADD));
    }
    let new = check(world, req.json()?)?;
    let id = insert(world, issue, new);
    Ok(Reply::json(201, shapes::comment(world, issue, find(world, issue, &id.to_string())?, rendered(req))))
}

pub(super) fn edit(world: &mut World, req: &Req, key: &str, id: &str) -> Answer {
    let issue = editable(world, key, "You do not have permission to edit this comment.")?;
    if !world.may("EDIT", "COMMENTS", find(world, issue, id)?.author) {
        return Err(Failure::new(400, "You do not have the permission to edit this comment."));
    }
    let value = req.object()?;
    let new = body(world, value.get("body"))?;
    let restricted = visibility(value.get("visibility"))?;
    let properties = property::listed(value.get("properties"))?;
    // Only Cloud knows `notifyUsers` here; Data Center ignores it and sends the mails.
    if world.is_cloud() {
        quiet(world, req)?;
    }
    let (now, actor) = (world.ctx.now, world.ctx.actor);
    if let Some(c) = world.issue_mut(issue)?.comments.iter_mut().find(|c| c.id.to_string() == id) {
        c.body = new;
        c.update_author = actor;
        c.updated = now;
        if value.contains_key("visibility") {
            c.visibility = restricted;
        }
        c.properties.extend(properties);
    }
    // Editing a comment leaves no trace of the old text in the history.
    world.changed(issue, "comment_updated", Vec::new());
    Ok(Reply::ok(shapes::comment(world, issue, find(world, issue, id)?, rendered(req))))
}

pub(super) fn delete(world: &mut World, key: &str, id: &str) -> Answer {
    let issue = editable(world, key, "You do not have permission to delete this comment.")?;
    let gone = find(world, issue, id)?.clone();
    if !world.may("DELETE", "COMMENTS", gone.author) {
        return Err(Failure::new(
            400,
            "You do not have permission to delete comment with id '{id}'.".replace("{id}", id),
        ));
    }
    world.issue_mut(issue)?.comments.retain(|c| c.id != gone.id);
    let copied = !world.is_cloud() && gone.visibility.is_none() && world.switches.deleted_comment_in_history;
    let items = if copied {
        let body = gone.body.as_str().unwrap_or_default().to_owned();
        vec![Change::system("Comment", (None, Some(body)), (None, None))]
    } else {
        Vec::new()
    };
    world.changed(issue, "comment_deleted", items);
    Ok(Reply::empty(204))
}

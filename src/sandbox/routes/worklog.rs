//! Worklogs.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{comment::visibility, issue::quiet};
use crate::sandbox::{
    edit,
    http::{Answer, Failure, Reply, Req, page_of},
    shapes,
    state::{Change, Visibility, Worklog, World},
};

/// A checked new worklog.
pub(super) struct New {
    comment: Value,
    started: DateTime<Utc>,
    seconds: u64,
    visibility: Option<Visibility>,
}

/// "1h 30m" in seconds; days have eight hours and weeks five days.
fn seconds(text: &str) -> Option<u64> {
    let mut total = 0u64;
    let mut any = false;
    for part in text.split_whitespace() {
        let digits = part.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let size = match &part[digits.len()..] {
            "w" => 5 * 8 * 3600,
            "d" => 8 * 3600,
            "h" => 3600,
            "m" | "" => 60,
            _ => return None,
        };
        total = total.checked_add(digits.parse::<u64>().ok()?.checked_mul(size)?)?;
        any = true;
    }
    any.then_some(total)
}

fn time_spent(value: &Value) -> Result<Option<u64>, Failure> {
    let bad = || Failure::field("timeLogged", "Invalid time duration entered.");
    if let Some(text) = value.get("timeSpent").and_then(Value::as_str) {
        return seconds(text).filter(|&s| s > 0).map(Some).ok_or_else(bad);
    }
    match value.get("timeSpentSeconds") {
        None | Some(Value::Null) => Ok(None),
        Some(n) => n.as_u64().filter(|&s| s >= 60).map(Some).ok_or_else(bad),
    }
}

fn started(value: &Value) -> Result<Option<DateTime<Utc>>, Failure> {
    match value.get("started") {
        None | Some(Value::Null) => Ok(None),
        Some(text) => DateTime::parse_from_str(text.as_str().unwrap_or_default(), "%Y-%m-%dT%H:%M:%S%.3f%z")
            .map(|t| Some(t.with_timezone(&Utc)))
            .map_err(|_| Failure::new(400, "Cannot deserialize value of type `Date`: not a valid date format")),
    }
}

pub(super) fn check(world: &World, value: &Value) -> Result<New, Failure> {
    let comment = edit::rich_value(world, value.get("comment").unwrap_or(&Value::Null))
        .map_err(|m| Failure::field("comment", m))?;
    Ok(New {
        comment,
        started: started(value)?.unwrap_or(world.ctx.now),
        seconds: time_spent(value)?
            .ok_or_else(|| Failure::field("timeLogged", "You must indicate the time spent working on the issue."))?,
        visibility: visibility(value.get("visibility"))?,
    })
}

fn total(world: &World, issue: u64) -> Option<u64> {
    let sum = world.issues.get(&issue)?.worklogs.iter().map(|w| w.seconds).sum();
    (sum > 0).then_some(sum)
}

fn spent_change(before: Option<u64>, after: Option<u64>) -> Change {
    let pair = |n: Option<u64>| (n.map(|n| n.to_string()), n.map(|n| n.to_string()));
    Change::system("timespent", pair(before), pair(after))
}

fn id_change(id: u64) -> Change {
    let pair = (Some(id.to_string()), Some(id.to_string()));
    Change::system("WorklogId", pair, (None, None))
}

pub(super) fn insert(world: &mut World, issue: u64, new: New) -> u64 {
    let id = world.take_id();
    let before = total(world, issue);
    let (now, actor) = (world.ctx.now, world.ctx.actor);
    if let Some(i) = world.issues.get_mut(&issue) {
        i.worklogs.push(Worklog {
            id,
            author: actor,
            update_author: actor,
            comment: new.comment,
            created: now,
            updated: now,
            started: new.started,
            seconds: new.seconds,
            visibility: new.visibility,
        });
    }
    let items = vec![spent_change(before, total(world, issue))];
    world.changed(issue, "worklog_created", items);
    id
}

fn find<'w>(world: &'w World, issue: u64, id: &str) -> Result<&'w Worklog, Failure> {
    world
        .issue(issue)?
        .worklogs
        .iter()
        .filter(|w| world.sees_restricted(w.visibility.as_ref()))
        .find(|w| w.id.to_string() == id)
        .ok_or_else(|| Failure::new(404, format!("Cannot find worklog with id: '{id}'.")))
}

/// Atlassian's documents: a worklog that one may not change is a 400 on Cloud and a 403 on Data Center.
fn refused(world: &World, message: &str) -> Failure {
    Failure::new(if world.is_cloud() { 400 } else { 403 }, message)
}

pub(super) fn list(world: &World, req: &Req, key: &str) -> Answer {
    let issue = world.issue(world.find_issue(key)?)?;
    // Data Center has no paging here.
    let (start, max) = if world.is_cloud() {
        (req.q_number("startAt", 0)?, req.q_number("maxResults", 5000)?.min(5000))
    } else {
        (0, issue.worklogs.len())
    };
    let seen = issue.worklogs.iter().filter(|w| world.sees_restricted(w.visibility.as_ref())).collect();
    let (page, total, _) = page_of(seen, start, max);
    let worklogs: Vec<Value> = page.into_iter().map(|w| shapes::worklog(world, issue.id, w)).collect();
    Ok(Reply::ok(json!({ "startAt": start, "maxResults": max, "total": total, "worklogs": worklogs })))
}

pub(super) fn get(world: &World, key: &str, id: &str) -> Answer {
    let issue = world.find_issue(key)?;
    Ok(Reply::ok(shapes::worklog(world, issue, find(world, issue, id)?)))
}

pub(super) fn add(world: &mut World, req: &Req, key: &str) -> Answer {
    let issue = world.find_editable(key, "You do not have the permission to associate a worklog to this issue.")?;
    if world.denied("WORK_ON_ISSUES") {
        return Err(refused(world, "You do not have the permission to associate a worklog to this issue."));
    }
    let new = check(world, req.json()?)?;
    if world.is_cloud() {
        quiet(world, req)?;
    }
    let id = insert(world, issue, new);
    Ok(Reply::json(201, shapes::worklog(world, issue, find(world, issue, &id.to_string())?)))
}

pub(super) fn edit(world: &mut World, req: &Req, key: &str, id: &str) -> Answer {
    let issue = world.find_editable(key, "You do not have the permission to edit this worklog.")?;
    if !world.may("EDIT", "WORKLOGS", find(world, issue, id)?.author) {
        return Err(refused(world, "You do not have the permission to edit this worklog."));
    }
    let value = req.json()?;
    let comment = match value.get("comment") {
        None => None,
        Some(v) => Some(edit::rich_value(world, v).map_err(|m| Failure::field("comment", m))?),
    };
    let (started, seconds) = (started(value)?, time_spent(value)?);
    let restricted = visibility(value.get("visibility"))?;
    if world.is_cloud() {
        quiet(world, req)?;
    }
    let before = total(world, issue);
    let (now, actor) = (world.ctx.now, world.ctx.actor);
    let mut items = Vec::new();
    if let Some(w) = world.issue_mut(issue)?.worklogs.iter_mut().find(|w| w.id.to_string() == id) {
        w.comment = comment.unwrap_or_else(|| w.comment.take());
        w.started = started.unwrap_or(w.started);
        w.seconds = seconds.unwrap_or(w.seconds);
        if value.get("visibility").is_some() {
            w.visibility = restricted;
        }
        w.update_author = actor;
        w.updated = now;
        items.push(id_change(w.id));
    }
    let after = total(world, issue);
    if before == after {
        items.clear();
    } else {
        items.insert(0, spent_change(before, after));
    }
    world.changed(issue, "worklog_updated", items);
    Ok(Reply::ok(shapes::worklog(world, issue, find(world, issue, id)?)))
}

pub(super) fn delete(world: &mut World, key: &str, id: &str) -> Answer {
    let issue = world.find_editable(key, "You do not have the permission to delete this worklog.")?;
    let (gone, author) = find(world, issue, id).map(|w| (w.id, w.author))?;
    if !world.may("DELETE", "WORKLOGS", author) {
        return Err(refused(world, "You do not have the permission to delete this worklog."));
    }
    let before = total(world, issue);
    world.issue_mut(issue)?.worklogs.retain(|w| w.id != gone);
    world.extras.worklogs_deleted.push((gone, world.ctx.now));
    let items = vec![spent_change(before, total(world, issue)), id_change(gone)];
    world.changed(issue, "worklog_deleted", items);
    Ok(Reply::empty(204))
}

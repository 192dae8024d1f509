//! Records by id across issues: comments, worklogs, history entries; several issues made at once; mails asked for; the
//! issue picker; pinned comments.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::issue;
use crate::sandbox::{
    http::{Answer, Failure, Payload, Reply, Req, page_of},
    shapes,
    state::{Issue, Owner, World},
};

/// Atlassian's limit of ids in one list.
const MOST_IDS: usize = 1000;

fn visible(world: &World) -> impl Iterator<Item = &Issue> {
    world.issues.values().filter(|i| world.sees(i))
}

fn ids(req: &Req, name: &str) -> Result<Vec<u64>, Failure> {
    let list = req.object()?.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let all: Vec<u64> =
        list.iter().filter_map(|v| v.as_u64().or_else(|| v.as_str().and_then(|s| s.parse().ok()))).collect();
    if all.is_empty() || all.len() > MOST_IDS {
        return Err(Failure::new(400, format!("Between 1 and {MOST_IDS} ids must be given.")));
    }
    Ok(all)
}

pub(super) fn comments(world: &World, req: &Req) -> Answer {
    let wanted: std::collections::HashSet<u64> = ids(req, "ids")?.into_iter().collect();
    let rendered = req.q("expand").is_some_and(|e| e.contains("renderedBody"));
    let properties = req.q("expand").is_some_and(|e| e.contains("properties"));
    let all: Vec<Value> = visible(world)
        .flat_map(|i| i.comments.iter().map(move |c| (i.id, c)))
        .filter(|(_, c)| wanted.contains(&c.id) && world.sees_restricted(c.visibility.as_ref()))
        .map(|(issue, c)| {
            let mut one = shapes::comment(world, issue, c, rendered);
            if properties {
                one["properties"] = c.properties.iter().map(|(k, v)| json!({ "key": k, "value": v })).collect();
            }
            one
        })
        .collect();
    let total = all.len();
    Ok(Reply::ok(json!({ "self": world.rest("comment/list"), "startAt": 0, "maxResults": MOST_IDS, "total": total,
                         "isLast": true, "values": all })))
}

pub(super) fn worklogs(world: &World, req: &Req) -> Answer {
    let wanted = ids(req, "ids")?;
    let properties = world.is_cloud() && req.q("expand").is_some_and(|e| e.contains("properties"));
    let all = visible(world)
        .flat_map(|i| i.worklogs.iter().map(move |w| (i.id, w)))
        .filter(|(_, w)| wanted.contains(&w.id) && world.sees_restricted(w.visibility.as_ref()))
        .map(|(issue, w)| {
            let mut one = shapes::worklog(world, issue, w);
            if properties {
                let own = world.extras.properties.get(&Owner::Worklog(w.id)).into_iter().flatten();
                one["properties"] = own.map(|(k, v)| json!({ "key": k, "value": v })).collect();
            }
            one
        });
    Ok(Reply::ok(all.collect()))
}

/// Ids of worklogs that were changed, or deleted, since a time (milliseconds); at most 1,000 a page.
pub(super) fn worklogs_since(world: &World, req: &Req, deleted: bool) -> Answer {
    let since = i64::try_from(req.q_number("since", 0)?).unwrap_or(i64::MAX);
    let mut all: Vec<(u64, DateTime<Utc>)> = if deleted {
        world.extras.worklogs_deleted.clone()
    } else {
        visible(world).flat_map(|i| i.worklogs.iter().map(|w| (w.id, w.updated))).collect()
    };
    all.retain(|(_, at)| at.timestamp_millis() >= since);
    all.sort_by_key(|(id, at)| (*at, *id));
    let (page, _, last) = page_of(all, 0, MOST_IDS);
    let until = page.last().map_or(since, |(_, at)| at.timestamp_millis());
    let path = format!("worklog/{}", if deleted { "deleted" } else { "updated" });
    let values: Vec<Value> = page
        .iter()
        .map(|(id, at)| {
            let mut one = json!({ "worklogId": id, "updatedTime": at.timestamp_millis() });
            if world.is_cloud() {
                one["properties"] = json!([]);
            }
            one
        })
        .collect();
    let mut out = json!({ "values": values, "since": since, "until": until, "lastPage": last,
                          "self": world.rest(&format!("{path}?since={since}")) });
    if !last {
        out["nextPage"] = world.rest(&format!("{path}?since={until}")).into();
    }
    Ok(Reply::ok(out))
}

/// History entries of one issue by id (Cloud).
pub(super) fn histories(world: &World, req: &Req, key: &str) -> Answer {
    let issue = world.issue(world.find_issue(key)?)?;
    let wanted = ids(req, "changelogIds")?;
    let all: Vec<Value> =
        issue.history.iter().filter(|h| wanted.contains(&h.id)).map(|h| shapes::history(world, h)).collect();
    Ok(Reply::ok(json!({ "startAt": 0, "maxResults": all.len(), "total": all.len(), "histories": all })))
}

/// Up to 50 issues made at once; those that cannot be are named by their place.
pub(super) fn create(world: &mut World, req: &Req) -> Answer {
    let updates = req.object()?.get("issueUpdates").and_then(Value::as_array).cloned().unwrap_or_default();
    if updates.is_empty() || updates.len() > 50 {
        return Err(Failure::new(400, "Between 1 and 50 issues can be created at once."));
    }
    let (mut made, mut errors) = (Vec::new(), Vec::new());
    for (at, update) in updates.into_iter().enumerate() {
        let one = Req {
            method: req.method.clone(),
            segments: Vec::new(),
            query: Vec::new(),
            payload: Payload::Json(update),
            no_check: req.no_check,
            has_credentials: req.has_credentials,
            basic: req.basic,
            page_cap: req.page_cap,
        };
        match issue::create(world, &one) {
            Ok(Reply { body: crate::sandbox::http::ReplyBody::Json(value), .. }) => made.push(value),
            Ok(_) => {}
            Err(failure) => {
                let status = failure.status;
                let messages: serde_json::Map<String, Value> =
                    failure.errors.into_iter().map(|(k, v)| (k, v.into())).collect();
                errors.push(json!({ "status": status, "failedElementNumber": at,
                                    "elementErrors": { "errorMessages": failure.messages, "errors": messages } }));
            }
        }
    }
    let status = if made.is_empty() { 400 } else { 201 };
    Ok(Reply::json(status, json!({ "issues": made, "errors": errors })))
}

/// A mail to named people, recorded as any other.
pub(super) fn notify(world: &mut World, req: &Req, key: &str) -> Answer {
    let issue = world.find_issue(key)?;
    let to = req.object()?.get("to").and_then(Value::as_object).cloned().unwrap_or_default();
    let named = to.get("users").and_then(Value::as_array).cloned().unwrap_or_default();
    let id = if world.is_cloud() { "accountId" } else { "name" };
    for user in &named {
        let given = user.get(id).and_then(Value::as_str).unwrap_or_default();
        if world.find_user(given).is_none() {
            return Err(Failure::field("users", "The user does not exist."));
        }
    }
    let groups = to.get("groups").and_then(Value::as_array).is_some_and(|g| !g.is_empty());
    let role = |name: &str| to.get(name).and_then(Value::as_bool).unwrap_or(false);
    if named.is_empty() && !groups && !["assignee", "reporter", "watchers", "voters"].into_iter().any(role) {
        return Err(Failure::new(400, "No recipients were defined for the notification."));
    }
    world.announce(issue, "issue_notify");
    world.touched();
    Ok(Reply::empty(204))
}

/// Issues by the start of key or of a word of the summary.
pub(super) fn picker(world: &World, req: &Req) -> Answer {
    let text = req.q("query").unwrap_or_default().to_lowercase();
    let found: Vec<Value> = visible(world)
        .filter(|i| {
            let summary = i.summary.to_lowercase();
            text.is_empty()
                || i.key.to_lowercase().starts_with(&text)
                || summary.split_whitespace().any(|w| w.starts_with(&text))
        })
        .take(20)
        .map(|i| {
            let mut one = json!({ "key": i.key, "keyHtml": i.key, "img": "/images/icons/issuetypes/task.png",
                                  "summary": i.summary, "summaryText": i.summary });
            if world.is_cloud() {
                one["id"] = i.id.into();
            }
            one
        })
        .collect();
    let shown = found.len();
    Ok(Reply::ok(json!({ "sections": [{ "label": "History Search", "id": "hs", "issues": found,
                                        "sub": format!("Showing {shown} of {shown} matching issues") }] })))
}

/// Pins or unpins a comment (Data Center).
pub(super) fn pin(world: &mut World, req: &Req, key: &str, comment: &str) -> Answer {
    let issue = world.issue(world.find_issue(key)?)?;
    let id = issue.comments.iter().find(|c| c.id.to_string() == comment).map(|c| c.id);
    let id = id.ok_or_else(|| Failure::new(404, format!("Can not find a comment for the id: {comment}.")))?;
    let (now, actor) = (world.ctx.now, world.ctx.actor);
    if req.json()?.as_bool().unwrap_or(false) {
        world.extras.pinned.insert(id, (actor, now));
    } else {
        world.extras.pinned.remove(&id);
    }
    world.touched();
    Ok(Reply::empty(204))
}

pub(super) fn pinned(world: &World, key: &str) -> Answer {
    let issue = world.issue(world.find_issue(key)?)?;
    let all = issue.comments.iter().filter_map(|c| {
        let (by, at) = world.extras.pinned.get(&c.id).filter(|_| world.sees_restricted(c.visibility.as_ref()))?;
        Some(json!({ "comment": shapes::comment(world, issue.id, c, false), "pinnedBy": world.user(*by).id,
                     "pinnedDate": shapes::time(*at) }))
    });
    Ok(Reply::ok(all.collect()))
}

/// Keeps who else took part in an edit (`historyMetadata`) with the history entry that the edit made.
pub(super) fn remember_metadata(world: &mut World, issue: u64, body: &serde_json::Map<String, Value>, before: usize) {
    let Some(metadata) = body.get("historyMetadata").filter(|m| m.is_object()) else { return };
    let made: Vec<u64> =
        world.issues.get(&issue).map(|i| i.history.iter().skip(before).map(|h| h.id).collect()).unwrap_or_default();
    for id in made {
        world.extras.metadata.insert(id, metadata.clone());
    }
}

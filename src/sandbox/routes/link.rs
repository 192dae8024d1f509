//! Issue links and remote links.

use serde_json::{Value, json};

use super::comment;
use crate::sandbox::{
    edit,
    http::{Answer, Failure, Reply, Req},
    shapes,
    state::{Change, Link, RemoteLink, World, catalog},
};

pub(super) fn types(world: &World) -> Answer {
    let all: Vec<Value> = catalog::LINK_TYPES.iter().map(|t| shapes::link_type(world, t.0)).collect();
    Ok(Reply::ok(json!({ "issueLinkTypes": all })))
}

/// A checked new link; `None` stands for the issue that is being edited.
pub(super) struct New {
    link_type: u64,
    inward: Option<u64>,
    outward: Option<u64>,
}

impl New {
    /// With the edited issue on the side that was not named.
    pub(super) fn of(self, issue: u64) -> (u64, u64, u64) {
        (self.link_type, self.inward.unwrap_or(issue), self.outward.unwrap_or(issue))
    }
}

fn link_type(value: &Value) -> Result<u64, Failure> {
    let given = value.get("type").unwrap_or(&Value::Null);
    edit::named(given, catalog::LINK_TYPES.iter().map(|t| (t.0, t.1))).ok_or_else(|| {
        let name = given.get("name").or_else(|| given.get("id")).and_then(Value::as_str).unwrap_or("null");
        Failure::new(404, format!("No issue link type with name '{name}' found."))
    })
}

fn side(world: &World, value: &Value, name: &str) -> Result<Option<u64>, Failure> {
    let Some(issue) = value.get(name) else { return Ok(None) };
    let reference = issue.get("key").or_else(|| issue.get("id")).and_then(Value::as_str).unwrap_or_default();
    world.find_issue(reference).map(Some)
}

/// Checks `update.issuelinks[].add`.
pub(super) fn check_update(world: &World, value: &Value) -> Result<New, Failure> {
    let new = New {
        link_type: link_type(value)?,
        inward: side(world, value, "inwardIssue")?,
        outward: side(world, value, "outwardIssue")?,
    };
    match (new.inward, new.outward) {
        (None, None) | (Some(_), Some(_)) => {
            Err(Failure::field("issuelinks", "Exactly one of 'inwardIssue' and 'outwardIssue' must be given."))
        }
        _ => Ok(new),
    }
}

fn link_change(world: &World, link: &Link, of: u64, made: bool) -> Change {
    let (_, _, inward, outward) =
        catalog::LINK_TYPES.iter().find(|t| t.0 == link.link_type).unwrap_or(&catalog::LINK_TYPES[0]);
    let (other, words) = if link.inward == of { (link.outward, outward) } else { (link.inward, inward) };
    let key = world.issues.get(&other).map(|i| i.key.clone()).unwrap_or_default();
    let pair = (Some(key.clone()), Some(format!("This issue {words} {key}")));
    let change =
        if made { Change::system("Link", (None, None), pair) } else { Change::system("Link", pair, (None, None)) };
    change.with_id("issuelinks")
}

/// Makes a link and writes both histories.
pub(super) fn insert(world: &mut World, (link_type, inward, outward): (u64, u64, u64)) {
    let exists =
        world.all_links_of(inward).any(|l| l.link_type == link_type && l.inward == inward && l.outward == outward);
    if exists {
        return;
    }
    let link = Link { id: world.take_id(), link_type, inward, outward };
    world.insert_link(link.clone());
    for issue in [inward, outward] {
        let item = link_change(world, &link, issue, true);
        world.changed(issue, "issuelink_created", vec![item]);
    }
}

pub(super) fn create(world: &mut World, req: &Req) -> Answer {
    let value = req.json()?;
    let link_type = link_type(value)?;
    let inward = side(world, value, "inwardIssue")?.ok_or_else(|| world.issue_missing())?;
    let outward = side(world, value, "outwardIssue")?.ok_or_else(|| world.issue_missing())?;
    for issue in [inward, outward] {
        if !world.may_edit(world.issue(issue)?) || world.denied("LINK_ISSUES") {
            return Err(Failure::new(401, "No Link Issue Permission for issue."));
        }
    }
    if inward == outward {
        return Err(Failure::new(400, "You cannot link an issue to itself."));
    }
    let note = match value.get("comment").filter(|c| !c.is_null()) {
        Some(c) => Some(comment::check(world, c)?),
        None => None,
    };
    insert(world, (link_type, inward, outward));
    if let Some(note) = note {
        comment::insert(world, inward, note);
    }
    let made = world.links_of(inward).last().map(|l| l.id).unwrap_or_default();
    Ok(Reply::empty(201).with_header("location", world.rest(&format!("issueLink/{made}"))))
}

fn find(world: &World, id: &str) -> Result<Link, Failure> {
    let visible = |issue: u64| world.issues.get(&issue).is_some_and(|i| world.sees(i));
    id.parse()
        .ok()
        .and_then(|id: u64| world.links.get(&id))
        .filter(|l| visible(l.inward) && visible(l.outward))
        .cloned()
        .ok_or_else(|| Failure::new(404, format!("No issue link with id '{id}' exists.")))
}

pub(super) fn get(world: &World, id: &str) -> Answer {
    let link = find(world, id)?;
    Ok(Reply::ok(json!({
        "id": link.id.to_string(), "self": world.rest(&format!("issueLink/{}", link.id)),
        "type": shapes::link_type(world, link.link_type),
        "inwardIssue": shapes::linked_issue(world, world.issue(link.inward)?),
        "outwardIssue": shapes::linked_issue(world, world.issue(link.outward)?),
    })))
}

pub(super) fn delete(world: &mut World, id: &str) -> Answer {
    let link = find(world, id)?;
    if !world.may_edit(world.issue(link.inward)?) || world.denied("LINK_ISSUES") {
        return Err(Failure::forbidden("No Link Issue Permission for issue."));
    }
    world.unlink(link.id);
    for issue in [link.inward, link.outward] {
        let item = link_change(world, &link, issue, false);
        world.changed(issue, "issuelink_deleted", vec![item]);
    }
    Ok(Reply::empty(204))
}

fn remote_missing(id: &str) -> Failure {
    Failure::new(404, format!("No remote issue link with id '{id}' was found for the issue."))
}

pub(super) fn remote_list(world: &World, req: &Req, key: &str) -> Answer {
    let issue = world.issue(world.find_issue(key)?)?;
    if let Some(global) = req.q("globalId") {
        let found = issue.remote_links.iter().find(|l| l.global_id.as_deref() == Some(global));
        return found
            .map(|l| Reply::ok(shapes::remote_link(world, &issue.key, l)))
            .ok_or_else(|| Failure::new(404, "The remote issue link with the given global id does not exist."));
    }
    Ok(Reply::ok(issue.remote_links.iter().map(|l| shapes::remote_link(world, &issue.key, l)).collect()))
}

pub(super) fn remote_get(world: &World, key: &str, id: &str) -> Answer {
    let issue = world.issue(world.find_issue(key)?)?;
    let link = issue.remote_links.iter().find(|l| l.id.to_string() == id).ok_or_else(|| remote_missing(id))?;
    Ok(Reply::ok(shapes::remote_link(world, &issue.key, link)))
}

fn remote_change(link: &RemoteLink, made: bool) -> Change {
    let title = link.object.get("title").and_then(Value::as_str).unwrap_or_default();
    let application = link.application.get("name").and_then(Value::as_str);
    let application = application.map(|a| format!(" ({a})")).unwrap_or_default();
    let pair = (Some(link.id.to_string()), Some(format!("This issue links to \"{title}{application}\"")));
    if made {
        Change::system("RemoteIssueLink", (None, None), pair)
    } else {
        Change::system("RemoteIssueLink", pair, (None, None))
    }
}

fn remote_read(req: &Req, id: u64) -> Result<RemoteLink, Failure> {
    let body = req.object()?;
    let object = body.get("object").cloned().unwrap_or(Value::Null);
    let mut errors = Vec::new();
    for (name, message) in [("url", "'url' is required."), ("title", "'title' is required.")] {
        if object.get(name).and_then(Value::as_str).is_none_or(str::is_empty) {
            errors.push((name.to_owned(), message.to_owned()));
        }
    }
    if !errors.is_empty() {
        return Err(Failure::fields(errors));
    }
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    Ok(RemoteLink {
        id,
        global_id: text("globalId"),
        relationship: text("relationship"),
        application: body.get("application").cloned().unwrap_or(Value::Null),
        object,
    })
}

const NO_LINKING: &str = "You do not have permission to link issues in this project.";

pub(super) fn remote_create(world: &mut World, req: &Req, key: &str) -> Answer {
    let issue = world.find_editable(key, NO_LINKING)?;
    let mut new = remote_read(req, 0)?;
    let known = new.global_id.as_ref().and_then(|g| {
        world.issues.get(&issue)?.remote_links.iter().find(|l| l.global_id.as_ref() == Some(g)).map(|l| l.id)
    });
    new.id = known.unwrap_or_else(|| world.take_id());
    let key = world.issue(issue)?.key.clone();
    let out = json!({ "id": new.id, "self": world.rest(&format!("issue/{key}/remotelink/{}", new.id)) });
    let mut items = vec![remote_change(&new, true)];
    let list = &mut world.issue_mut(issue)?.remote_links;
    match list.iter_mut().find(|l| l.id == new.id) {
        Some(old) => {
            items.insert(0, remote_change(old, false));
            *old = new;
        }
        None => list.push(new),
    }
    world.changed(issue, "remotelink_created", items);
    Ok(Reply::json(if known.is_some() { 200 } else { 201 }, out))
}

pub(super) fn remote_edit(world: &mut World, req: &Req, key: &str, id: &str) -> Answer {
    let issue = world.find_editable(key, NO_LINKING)?;
    let number: u64 = id.parse().map_err(|_| remote_missing(id))?;
    let new = remote_read(req, number)?;
    let list = &mut world.issue_mut(issue)?.remote_links;
    let old = list.iter_mut().find(|l| l.id == number).ok_or_else(|| remote_missing(id))?;
    let items = vec![remote_change(old, false), remote_change(&new, true)];
    *old = new;
    world.changed(issue, "remotelink_updated", items);
    Ok(Reply::empty(204))
}

fn remote_remove(world: &mut World, issue: u64, number: u64) -> Result<(), Failure> {
    let list = &mut world.issue_mut(issue)?.remote_links;
    let at = list.iter().position(|l| l.id == number).ok_or_else(|| remote_missing(&number.to_string()))?;
    let gone = list.remove(at);
    world.changed(issue, "remotelink_deleted", vec![remote_change(&gone, false)]);
    Ok(())
}

pub(super) fn remote_delete(world: &mut World, key: &str, id: &str) -> Answer {
    let issue = world.find_editable(key, NO_LINKING)?;
    remote_remove(world, issue, id.parse().map_err(|_| remote_missing(id))?)?;
    Ok(Reply::empty(204))
}

pub(super) fn remote_delete_global(world: &mut World, req: &Req, key: &str) -> Answer {
    let issue = world.find_editable(key, NO_LINKING)?;
    let global = req.q("globalId").ok_or_else(|| Failure::new(400, "The 'globalId' query parameter is required."))?;
    let found = world.issue(issue)?.remote_links.iter().find(|l| l.global_id.as_deref() == Some(global)).map(|l| l.id);
    remote_remove(world, issue, found.ok_or_else(|| remote_missing("globalId"))?)?;
    Ok(Reply::empty(204))
}

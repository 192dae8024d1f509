//! Entity properties of issues, comments, worklogs, users and projects. Setting one is no update of the issue.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{component::administers, people};
use crate::sandbox::{
    http::{Answer, Failure, Reply, Req},
    state::{Owner, World},
};

/// The largest value, in bytes of JSON (Atlassian's documents: 32,768 characters).
const LIMIT: usize = 32_768;

fn check_key(key: &str) -> Result<(), Failure> {
    if key.chars().count() > 255 {
        return Err(Failure::new(400, "The property key's length must not exceed 255 characters."));
    }
    Ok(())
}

fn check_value(value: &Value) -> Result<(), Failure> {
    if value.to_string().len() > LIMIT {
        return Err(Failure::new(400, "The property value must not exceed 32768 characters."));
    }
    Ok(())
}

/// Reads `properties: [{key, value}]` of a create or an edit.
pub(super) fn listed(value: Option<&Value>) -> Result<BTreeMap<String, Value>, Failure> {
    let mut out = BTreeMap::new();
    for one in value.and_then(Value::as_array).into_iter().flatten() {
        let key = one.get("key").and_then(Value::as_str).filter(|k| !k.is_empty());
        let (Some(key), Some(value)) = (key, one.get("value")) else {
            return Err(Failure::new(400, "Each property needs a key and a value."));
        };
        check_key(key)?;
        check_value(value)?;
        out.insert(key.to_owned(), value.clone());
    }
    Ok(out)
}

fn keys(world: &World, properties: &BTreeMap<String, Value>, path: &str) -> Reply {
    let list: Vec<Value> = properties
        .keys()
        .map(|k| json!({ "self": world.rest(&format!("{path}/properties/{}", crate::sandbox::shapes::encode(k))), "key": k }))
        .collect();
    Reply::ok(json!({ "keys": list }))
}

/// Reads, writes or removes one property; gives the answer and whether something changed.
fn one(properties: &mut BTreeMap<String, Value>, req: &Req, key: &str) -> Result<(Reply, bool), Failure> {
    let missing = || Failure::new(404, format!("The property with key '{key}' does not exist."));
    match req.method.as_str() {
        "GET" => {
            let value = properties.get(key).ok_or_else(missing)?;
            Ok((Reply::ok(json!({ "key": key, "value": value })), false))
        }
        "PUT" => {
            let value = req.json()?;
            check_key(key)?;
            check_value(value)?;
            let old = properties.insert(key.to_owned(), value.clone());
            Ok((Reply::empty(if old.is_some() { 200 } else { 201 }), true))
        }
        "DELETE" => {
            properties.remove(key).ok_or_else(missing)?;
            Ok((Reply::empty(204), true))
        }
        _ => Err(Failure::method_not_allowed()),
    }
}

pub(super) fn of_issue_keys(world: &World, key: &str) -> Answer {
    let issue = world.issue(world.find_issue(key)?)?;
    Ok(keys(world, &issue.properties, &format!("issue/{}", issue.key)))
}

pub(super) fn of_issue(world: &mut World, req: &Req, issue: &str, key: &str) -> Answer {
    let id = world.find_issue(issue)?;
    if req.method != "GET" && !world.may_edit(world.issue(id)?) {
        return Err(Failure::forbidden("You do not have permission to edit issues in this project."));
    }
    let (reply, changed) = one(&mut world.issue_mut(id)?.properties, req, key)?;
    if changed {
        world.touched();
    }
    Ok(reply)
}

fn comment_place(world: &World, comment: &str) -> Result<(u64, usize), Failure> {
    let number: u64 = comment.parse().unwrap_or_default();
    world
        .issues
        .values()
        .filter(|i| world.sees(i))
        .find_map(|i| {
            let seen = |c: &&crate::sandbox::state::Comment| world.sees_restricted(c.visibility.as_ref());
            let at = i.comments.iter().position(|c| c.id == number && seen(&c))?;
            Some((i.id, at))
        })
        .ok_or_else(|| Failure::new(404, format!("Can not find a comment for the id: {comment}.")))
}

pub(super) fn of_comment_keys(world: &World, comment: &str) -> Answer {
    let (issue, at) = comment_place(world, comment)?;
    Ok(keys(world, &world.issue(issue)?.comments[at].properties, &format!("comment/{comment}")))
}

pub(super) fn of_comment(world: &mut World, req: &Req, comment: &str, key: &str) -> Answer {
    let (issue, at) = comment_place(world, comment)?;
    if req.method != "GET" && !world.may_edit(world.issue(issue)?) {
        return Err(Failure::forbidden("You do not have permission to edit this comment."));
    }
    let (reply, changed) = one(&mut world.issue_mut(issue)?.comments[at].properties, req, key)?;
    if changed {
        world.touched();
    }
    Ok(reply)
}

/// Properties of what is no issue and no comment.
fn of_owner(world: &mut World, req: &Req, owner: Owner, key: &str) -> Answer {
    let (reply, changed) = one(world.extras.properties.entry(owner).or_default(), req, key)?;
    if changed {
        world.touched();
    }
    Ok(reply)
}

fn keys_of_owner(world: &World, owner: Owner, path: &str) -> Answer {
    let none = BTreeMap::new();
    Ok(keys(world, world.extras.properties.get(&owner).unwrap_or(&none), path))
}

pub(super) fn of_user_keys(world: &World, req: &Req) -> Answer {
    keys_of_owner(world, Owner::User(people::named(world, req)?), "user")
}

pub(super) fn of_user(world: &mut World, req: &Req, key: &str) -> Answer {
    let user = people::named(world, req)?;
    if user != world.ctx.actor && !world.switches.admin {
        return Err(Failure::forbidden("You must be an administrator to read or change another user's properties."));
    }
    of_owner(world, req, Owner::User(user), key)
}

pub(super) fn of_project_keys(world: &World, project: &str) -> Answer {
    let p = world.find_project(project)?;
    keys_of_owner(world, Owner::Project(p), &format!("project/{}", world.projects[p].key))
}

pub(super) fn of_project(world: &mut World, req: &Req, project: &str, key: &str) -> Answer {
    let p = world.find_project(project)?;
    if req.method != "GET" {
        administers(world, p)?;
    }
    of_owner(world, req, Owner::Project(p), key)
}

fn worklog(world: &World, issue: &str, id: &str) -> Result<(u64, u64), Failure> {
    let issue = world.issue(world.find_issue(issue)?)?;
    let found = issue.worklogs.iter().find(|w| w.id.to_string() == id).map(|w| (issue.id, w.id));
    found.ok_or_else(|| Failure::new(404, format!("Cannot find worklog with id: '{id}'.")))
}

pub(super) fn of_worklog_keys(world: &World, issue: &str, id: &str) -> Answer {
    let (of, id) = worklog(world, issue, id)?;
    keys_of_owner(world, Owner::Worklog(id), &format!("issue/{of}/worklog/{id}"))
}

pub(super) fn of_worklog(world: &mut World, req: &Req, issue: &str, id: &str, key: &str) -> Answer {
    let (of, id) = worklog(world, issue, id)?;
    if req.method != "GET" && !world.may_edit(world.issue(of)?) {
        return Err(Failure::forbidden("You do not have permission to edit this worklog."));
    }
    of_owner(world, req, Owner::Worklog(id), key)
}

//! Projects, their statuses, components and versions.

use serde_json::{Value, json};

use super::component::administers;
use crate::sandbox::{
    http::{Answer, Failure, Reply, Req, page_of},
    shapes,
    state::{World, catalog},
};

fn visible(world: &World) -> impl Iterator<Item = usize> {
    (0..world.projects.len()).filter(|&p| !world.is_hidden(p))
}

/// A project of a list: with its lead only where `expand` asks for it.
fn listed(world: &World, req: &Req, p: usize) -> Value {
    let mut out = shapes::project_ref(world, p);
    if req.q("expand").is_some_and(|e| e.contains("lead")) {
        out["lead"] = shapes::user(world, world.projects[p].lead);
    }
    out
}

pub(super) fn list(world: &World, req: &Req) -> Answer {
    Ok(Reply::ok(visible(world).map(|p| listed(world, req, p)).collect()))
}

/// A page as Cloud's newer resources write it.
fn page_bean(world: &World, req: &Req, path: &str, all: Vec<Value>) -> Answer {
    let (start, max) = (req.q_number("startAt", 0)?, req.q_number("maxResults", 50)?);
    let (page, total, last) = page_of(all, start, max);
    let mut out = json!({
        "self": format!("{}?startAt={start}&maxResults={max}", world.rest(path)), "startAt": start,
        "maxResults": max, "total": total, "isLast": last, "values": page,
    });
    if !last {
        out["nextPage"] = format!("{}?startAt={}&maxResults={max}", world.rest(path), start + max).into();
    }
    Ok(Reply::ok(out))
}

pub(super) fn search(world: &World, req: &Req) -> Answer {
    let keys = req.q_list("keys");
    let query = req.q("query").unwrap_or_default().to_lowercase();
    let all = visible(world)
        .filter(|&p| keys.is_empty() || keys.contains(&world.projects[p].key))
        .filter(|&p| {
            let p = &world.projects[p];
            p.key.to_lowercase().contains(&query) || p.name.to_lowercase().contains(&query)
        })
        .map(|p| listed(world, req, p))
        .collect();
    page_bean(world, req, "project/search", all)
}

pub(super) fn get(world: &World, key: &str) -> Answer {
    Ok(Reply::ok(shapes::project(world, world.find_project(key)?)))
}

pub(super) fn statuses(world: &World, key: &str) -> Answer {
    world.find_project(key)?;
    let all = catalog::ISSUE_TYPES.iter().map(|t| {
        json!({
            "self": world.rest(&format!("issuetype/{}", t.id)), "id": t.id.to_string(), "name": t.name,
            "subtask": t.subtask,
            "statuses": catalog::STATUSES.iter().map(|s| shapes::status(world, s.id)).collect::<Vec<_>>(),
        })
    });
    Ok(Reply::ok(all.collect()))
}

fn component_list(world: &World, p: usize) -> Vec<Value> {
    world.projects[p].components.iter().map(|c| shapes::component(world, p, c)).collect()
}

fn version_list(world: &World, p: usize) -> Vec<Value> {
    world.projects[p].versions.iter().map(|v| shapes::version(world, p, v)).collect()
}

pub(super) fn components(world: &World, key: &str) -> Answer {
    Ok(Reply::ok(component_list(world, world.find_project(key)?).into()))
}

pub(super) fn versions(world: &World, key: &str) -> Answer {
    Ok(Reply::ok(version_list(world, world.find_project(key)?).into()))
}

pub(super) fn component_page(world: &World, req: &Req, key: &str) -> Answer {
    let p = world.find_project(key)?;
    let mut all = component_list(world, p);
    for (one, c) in all.iter_mut().zip(&world.projects[p].components) {
        let count = world.issues.values().filter(|i| i.project == p && i.components.contains(&c.id)).count();
        one["issueCount"] = count.into();
    }
    page_bean(world, req, &format!("project/{key}/component"), all)
}

pub(super) fn version_page(world: &World, req: &Req, key: &str) -> Answer {
    let all = version_list(world, world.find_project(key)?);
    page_bean(world, req, &format!("project/{key}/version"), all)
}

/// The project that was last looked at; here all of them.
pub(super) fn recent(world: &World) -> Answer {
    Ok(Reply::ok(visible(world).map(|p| shapes::project(world, p)).collect()))
}

/// Changes name, lead and description.
pub(super) fn edit(world: &mut World, req: &Req, key: &str) -> Answer {
    let p = world.find_project(key)?;
    administers(world, p)?;
    let body = req.object()?;
    let member = if world.is_cloud() { "leadAccountId" } else { "lead" };
    let lead = match body.get(member).and_then(Value::as_str) {
        None => None,
        Some(id) => {
            let found = world.find_user(id).filter(|&u| !world.user(u).deleted);
            Some(found.ok_or_else(|| Failure::field("projectLead", "You must specify a valid project lead."))?)
        }
    };
    let mut changes = Vec::new();
    if let Some(name) = body.get("name").and_then(Value::as_str).filter(|n| !n.trim().is_empty()) {
        let old = std::mem::replace(&mut world.projects[p].name, name.to_owned());
        changes.push(("Name".to_owned(), old, name.to_owned()));
    }
    if let Some(lead) = lead {
        let old = std::mem::replace(&mut world.projects[p].lead, lead);
        let name = |u: usize| world.user(u).display_name.clone();
        changes.push(("Project lead".to_owned(), name(old), name(lead)));
    }
    if let Some(text) = body.get("description").and_then(Value::as_str) {
        let old = world.extras.project_descriptions.insert(p, text.to_owned()).unwrap_or_default();
        changes.push(("Description".to_owned(), old, text.to_owned()));
    }
    let (id, name) = (world.projects[p].id.to_string(), world.projects[p].name.clone());
    world.audit("Project updated", "projects", ("PROJECT", id, name), changes);
    Ok(Reply::ok(shapes::project(world, p)))
}

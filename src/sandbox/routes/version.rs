//! Versions: one by one, their dates, and on Cloud who drives them.

use chrono::NaiveDate;
use serde_json::{Map, Value, json};

use super::component::{administers, project_of};
use crate::sandbox::{
    http::{Answer, Failure, Reply, Req},
    shapes,
    state::{Named, ProjectIx, Release, World},
};

fn find(world: &World, id: &str) -> Result<(ProjectIx, usize), Failure> {
    world
        .projects
        .iter()
        .enumerate()
        .filter(|(p, _)| !world.is_hidden(*p))
        .find_map(|(p, project)| project.versions.iter().position(|v| v.id.to_string() == id).map(|at| (p, at)))
        .ok_or_else(|| Failure::new(404, format!("Could not find version for id '{id}'")))
}

/// A version as its own resource shows it: with the driver on Cloud, where asked for.
fn shape(world: &World, req: &Req, (project, at): (ProjectIx, usize)) -> Value {
    let v = &world.projects[project].versions[at];
    let mut out = shapes::version(world, project, v);
    let asked = |what: &str| req.q("expand").is_some_and(|e| e.contains(what));
    if let Some(release) = world.extras.releases.get(&v.id).filter(|_| world.is_cloud())
        && let Some(driver) = release.driver.filter(|_| asked("driver") || req.method != "GET")
    {
        out["driver"] = world.user(driver).id.as_str().into();
    }
    out
}

fn date(body: &Map<String, Value>, name: &str) -> Result<Option<Option<String>>, Failure> {
    match body.get(name) {
        None => Ok(None),
        Some(Value::Null) => Ok(Some(None)),
        Some(v) => match v.as_str().filter(|s| NaiveDate::parse_from_str(s, "%Y-%m-%d").is_ok()) {
            Some(s) => Ok(Some(Some(s.to_owned()))),
            None => Err(Failure::field(name, "The date must be of the format yyyy-MM-dd.")),
        },
    }
}

/// Puts what a body says onto a release.
fn read(world: &World, body: &Map<String, Value>, mut out: Release) -> Result<Release, Failure> {
    out.archived = body.get("archived").and_then(Value::as_bool).unwrap_or(out.archived);
    out.released = body.get("released").and_then(Value::as_bool).unwrap_or(out.released);
    out.start = date(body, "startDate")?.unwrap_or(out.start);
    out.date = date(body, "releaseDate")?.unwrap_or(out.date);
    if !world.is_cloud() {
        return Ok(out);
    }
    let user = |v: &Value| {
        v.as_str()
            .and_then(|id| world.find_user_by_id(id))
            .ok_or_else(|| Failure::field("accountId", "The user does not exist."))
    };
    if let Some(driver) = body.get("driver") {
        out.driver = if driver.is_null() { None } else { Some(user(driver)?) };
    }
    Ok(out)
}

pub(super) fn get(world: &World, req: &Req, id: &str) -> Answer {
    Ok(Reply::ok(shape(world, req, find(world, id)?)))
}

pub(super) fn counts(world: &World, id: &str) -> Answer {
    let (project, at) = find(world, id)?;
    let v = world.projects[project].versions[at].id;
    let count = |of: fn(&crate::sandbox::state::Issue) -> &Vec<u64>| {
        world.issues.values().filter(|i| of(i).contains(&v)).count()
    };
    Ok(Reply::ok(json!({
        "self": world.rest(&format!("version/{v}")), "issuesFixedCount": count(|i| &i.fix_versions),
        "issuesAffectedCount": count(|i| &i.versions), "issueCountWithCustomFieldsShowingVersion": 0,
        "customFieldUsage": [],
    })))
}

pub(super) fn create(world: &mut World, req: &Req) -> Answer {
    let body = req.object()?;
    let project = project_of(world, body)?;
    administers(world, project)?;
    let name = body.get("name").and_then(Value::as_str).map(str::trim).unwrap_or_default().to_owned();
    if name.is_empty() || name.chars().count() > 255 {
        return Err(Failure::field("name", "You must specify a valid version name"));
    }
    if world.projects[project].versions.iter().any(|v| v.name.eq_ignore_ascii_case(&name)) {
        return Err(Failure::field("name", "A version with this name already exists in this project."));
    }
    let release = read(world, body, Release::default())?;
    let description = body.get("description").and_then(Value::as_str).unwrap_or_default().to_owned();
    let id = world.take_id();
    world.extras.releases.insert(id, release);
    world.projects[project].versions.push(Named { id, name: name.clone(), description });
    world.audit("Project version created", "projects", ("VERSION", id.to_string(), name), Vec::new());
    let at = world.projects[project].versions.len() - 1;
    Ok(Reply::json(201, shape(world, req, (project, at))))
}

pub(super) fn edit(world: &mut World, req: &Req, id: &str) -> Answer {
    let (project, at) = find(world, id)?;
    administers(world, project)?;
    let body = req.object()?;
    let number = world.projects[project].versions[at].id;
    let release = read(world, body, world.extras.releases.get(&number).cloned().unwrap_or_default())?;
    world.extras.releases.insert(number, release);
    let v = &mut world.projects[project].versions[at];
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    v.name = text("name").filter(|n| !n.trim().is_empty()).unwrap_or_else(|| v.name.clone());
    v.description = text("description").unwrap_or_else(|| v.description.clone());
    let name = v.name.clone();
    world.audit("Project version updated", "projects", ("VERSION", id.to_owned(), name), Vec::new());
    Ok(Reply::ok(shape(world, req, (project, at))))
}

/// Moves a version behind another (`after`, its address) or to a place (`position`).
pub(super) fn shift(world: &mut World, req: &Req, id: &str) -> Answer {
    let (project, at) = find(world, id)?;
    administers(world, project)?;
    let body = req.object()?;
    let list = &world.projects[project].versions;
    let to = if let Some(after) = body.get("after").and_then(Value::as_str) {
        let other = after.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let (p, other) = find(world, other)?;
        if p != project {
            return Err(Failure::new(400, "The version to move after is in another project."));
        }
        if other < at { other + 1 } else { other }
    } else {
        match body.get("position").and_then(Value::as_str) {
            Some("First") => 0,
            Some("Last") => list.len() - 1,
            Some("Earlier") => at.saturating_sub(1),
            Some("Later") => (at + 1).min(list.len() - 1),
            _ => return Err(Failure::new(400, "Either 'after' or 'position' must be given.")),
        }
    };
    let list = &mut world.projects[project].versions;
    let version = list.remove(at);
    list.insert(to, version);
    world.touched();
    Ok(Reply::ok(shape(world, req, (project, to))))
}

/// Takes a version out of the project and its issues: `DELETE` on Cloud, `removeAndSwap` on Data Center.
pub(super) fn delete(world: &mut World, req: &Req, id: &str) -> Answer {
    let (project, at) = find(world, id)?;
    administers(world, project)?;
    let heir = |name: &str| -> Result<Option<u64>, Failure> {
        let given = match req.object() {
            Ok(body) => body.get(name).map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned)),
            Err(_) => req.q(name).map(str::to_owned),
        };
        given.map(|other| find(world, &other).map(|(p, at)| world.projects[p].versions[at].id)).transpose()
    };
    let (fixed, affected) = (heir("moveFixIssuesTo")?, heir("moveAffectedIssuesTo")?);
    let gone = world.projects[project].versions.remove(at);
    world.extras.releases.remove(&gone.id);
    let swap = |list: &mut Vec<u64>, heir: Option<u64>| {
        if list.contains(&gone.id) {
            list.retain(|v| *v != gone.id);
            list.extend(heir.filter(|h| !list.contains(h)));
        }
    };
    for issue in world.issues.values_mut() {
        swap(&mut issue.fix_versions, fixed);
        swap(&mut issue.versions, affected);
    }
    world.audit("Project version deleted", "projects", ("VERSION", id.to_owned(), gone.name), Vec::new());
    Ok(Reply::empty(204))
}

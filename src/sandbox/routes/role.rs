//! Project roles and who plays them, in a project and by default.

use serde_json::{Map, Value, json};

use super::component::administers;
use crate::sandbox::{
    http::{Answer, Failure, Reply, Req},
    shapes,
    state::{Actor, GROUPS, Player, ProjectIx, Role, World},
};

fn find(world: &World, id: &str) -> Result<usize, Failure> {
    world
        .extras
        .roles
        .iter()
        .position(|r| r.id.to_string() == id)
        .ok_or_else(|| Failure::new(404, format!("Can not retrieve a role with id {id}.")))
}

fn only_admins(world: &World) -> Result<(), Failure> {
    if world.switches.admin { Ok(()) } else { Err(Failure::forbidden("You must be an administrator of Jira.")) }
}

/// The players that a body names: `user` and `group` (lists, or one text), or `categorisedActors` of a PUT.
fn players(world: &World, body: &Map<String, Value>) -> Result<Vec<Player>, Failure> {
    let texts = |v: Option<&Value>| -> Vec<String> {
        match v {
            Some(Value::String(s)) => vec![s.clone()],
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        }
    };
    let set = body.get("categorisedActors").and_then(Value::as_object);
    let users = texts(set.map_or_else(|| body.get("user"), |s| s.get("atlassian-user-role-actor")));
    let mut groups = texts(set.map_or_else(|| body.get("group"), |s| s.get("atlassian-group-role-actor")));
    groups.extend(texts(set.map_or_else(|| body.get("groupId"), |s| s.get("atlassian-group-role-actor-id"))));
    let missing = |what: &str| Failure::new(404, format!("We can't find '{what}' in any accessible user directory."));
    users
        .into_iter()
        .map(|u| world.find_user(&u).map(Player::User).ok_or_else(|| missing(&u)))
        .chain(groups.into_iter().map(|g| {
            GROUPS.iter().find(|known| known.0 == g).map(|_| Player::Group(g.clone())).ok_or_else(|| missing(&g))
        }))
        .collect()
}

/// Adds players who are not there yet.
fn add(world: &mut World, list: &mut Vec<Actor>, players: Vec<Player>) -> Result<(), Failure> {
    if players.is_empty() {
        return Err(Failure::new(400, "At least one user or group must be given."));
    }
    for player in players {
        if list.iter().any(|a| a.player == player) {
            return Err(Failure::new(400, "The user or group is a member of the role already."));
        }
        list.push(Actor { id: world.take_id(), player });
    }
    Ok(())
}

/// Takes the player away whom the query names.
fn remove(world: &World, req: &Req, list: &mut Vec<Actor>) -> Result<(), Failure> {
    let mut body = Map::new();
    for name in ["user", "group", "groupId"] {
        if let Some(value) = req.q(name) {
            body.insert(name.to_owned(), value.into());
        }
    }
    let gone = players(world, &body)?;
    if gone.len() != 1 {
        return Err(Failure::new(400, "Exactly one of 'user' and 'group' must be given."));
    }
    let before = list.len();
    list.retain(|a| !gone.contains(&a.player));
    if list.len() == before { Err(Failure::new(404, "The user or group is not a member of the role.")) } else { Ok(()) }
}

fn note(world: &mut World, role: usize, summary: &str) {
    let (id, name) = (world.extras.roles[role].id.to_string(), world.extras.roles[role].name.clone());
    world.audit(summary, "projects", ("PROJECT_ROLE", id, name), Vec::new());
}

fn default_shape(world: &World, role: usize) -> Value {
    let r = &world.extras.roles[role];
    shapes::role(world, r, None, Some(&r.default))
}

pub(super) fn all(world: &World) -> Answer {
    only_admins(world)?;
    Ok(Reply::ok((0..world.extras.roles.len()).map(|r| default_shape(world, r)).collect()))
}

pub(super) fn get(world: &World, id: &str) -> Answer {
    only_admins(world)?;
    Ok(Reply::ok(default_shape(world, find(world, id)?)))
}

pub(super) fn create(world: &mut World, req: &Req) -> Answer {
    only_admins(world)?;
    let body = req.object()?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().trim().to_owned();
    let (name, description) = (text("name"), text("description"));
    if name.is_empty() {
        return Err(Failure::new(400, "The role name cannot be empty."));
    }
    if world.extras.roles.iter().any(|r| r.name == name) {
        return Err(Failure::new(409, format!("A project role with name '{name}' already exists.")));
    }
    let id = world.take_id();
    world.extras.roles.push(Role { id, name, description, default: Vec::new() });
    let at = world.extras.roles.len() - 1;
    note(world, at, "Project role created");
    Ok(Reply::ok(default_shape(world, at)))
}

/// Both verbs rename here: POST changes what is given, PUT needs both.
pub(super) fn edit(world: &mut World, req: &Req, id: &str) -> Answer {
    only_admins(world)?;
    let at = find(world, id)?;
    let body = req.object()?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    let (name, description) = (text("name"), text("description"));
    if req.method == "PUT" && (name.is_none() || description.is_none()) {
        return Err(Failure::new(400, "Both 'name' and 'description' must be given."));
    }
    let role = &mut world.extras.roles[at];
    role.name = name.unwrap_or_else(|| role.name.clone());
    role.description = description.unwrap_or_else(|| role.description.clone());
    note(world, at, "Project role updated");
    Ok(Reply::ok(default_shape(world, at)))
}

pub(super) fn delete(world: &mut World, req: &Req, id: &str) -> Answer {
    only_admins(world)?;
    let at = find(world, id)?;
    if let Some(heir) = req.q("swap") {
        find(world, heir)?;
    }
    note(world, at, "Project role deleted");
    let gone = world.extras.roles.remove(at);
    world.extras.actors.retain(|(_, role), _| *role != gone.id);
    Ok(Reply::empty(204))
}

/// Default actors: read, add, remove.
pub(super) fn defaults(world: &mut World, req: &Req, id: &str) -> Answer {
    only_admins(world)?;
    let at = find(world, id)?;
    let mut list = world.extras.roles[at].default.clone();
    match req.method.as_str() {
        "GET" => return Ok(Reply::ok(shapes::role_defaults(world, &world.extras.roles[at]))),
        "POST" => {
            let new = players(world, req.object()?)?;
            add(world, &mut list, new)?;
        }
        "DELETE" => remove(world, req, &mut list)?,
        _ => return Err(Failure::method_not_allowed()),
    }
    world.extras.roles[at].default = list;
    note(world, at, "Project role default actors updated");
    Ok(Reply::ok(shapes::role_defaults(world, &world.extras.roles[at])))
}

/// Names and addresses of a project's roles.
pub(super) fn of_project(world: &World, project: &str) -> Answer {
    let p = world.find_project(project)?;
    Ok(Reply::ok(shapes::role_addresses(world, p)))
}

pub(super) fn details(world: &World, project: &str) -> Answer {
    let p = world.find_project(project)?;
    let all = world.extras.roles.iter().map(|r| {
        let mut one = shapes::role(world, r, Some(p), None);
        one["admin"] = (r.id == 10_002).into();
        one["default"] = (!r.default.is_empty()).into();
        one["roleConfigurable"] = true.into();
        one["translatedName"] = r.name.as_str().into();
        one
    });
    Ok(Reply::ok(all.collect()))
}

fn shape(world: &World, req: &Req, p: ProjectIx, role: usize) -> Value {
    let r = &world.extras.roles[role];
    let mut actors = world.actors(p, r);
    if req.q_flag("excludeInactiveUsers", false) {
        actors.retain(|a| !matches!(a.player, Player::User(u) if !world.user(u).active));
    }
    shapes::role(world, r, Some(p), Some(&actors))
}

/// One role of a project: read, add actors (POST), set them (PUT), remove one.
pub(super) fn in_project(world: &mut World, req: &Req, project: &str, id: &str) -> Answer {
    let p = world.find_project(project)?;
    let at = find(world, id)?;
    if req.method == "GET" {
        return Ok(Reply::ok(shape(world, req, p, at)));
    }
    administers(world, p)?;
    let mut list = world.actors(p, &world.extras.roles[at]);
    match req.method.as_str() {
        "POST" => {
            let new = players(world, req.object()?)?;
            add(world, &mut list, new)?;
        }
        "PUT" => {
            let new = players(world, req.object()?)?;
            list.clear();
            if !new.is_empty() {
                add(world, &mut list, new)?;
            }
        }
        "DELETE" => remove(world, req, &mut list)?,
        _ => return Err(Failure::method_not_allowed()),
    }
    let role = world.extras.roles[at].id;
    world.extras.actors.insert((p, role), list);
    note(world, at, "Project roles changed");
    Ok(if req.method == "DELETE" { Reply::empty(204) } else { Reply::ok(shape(world, req, p, at)) })
}

/// The audit log, the newest first (Cloud; Data Center 10 has it in an app of its own). It names who did what, by the names of that time.
pub(super) fn audit(world: &World, req: &Req) -> Answer {
    only_admins(world)?;
    let (offset, limit) = (req.q_number("offset", 0)?, req.q_number("limit", 1000)?.min(1000));
    let text = req.q("filter").unwrap_or_default().to_lowercase();
    let all: Vec<Value> = world
        .extras
        .audit
        .iter()
        .rev()
        .map(|a| shapes::audit_record(world, a))
        .filter(|a| text.is_empty() || a.to_string().to_lowercase().contains(&text))
        .collect();
    let total = all.len();
    let page: Vec<Value> = all.into_iter().skip(offset).take(limit).collect();
    Ok(Reply::ok(json!({ "offset": offset, "limit": limit, "total": total, "records": page })))
}

//! How roles, their actors and the audit log look.

use serde_json::{Map, Value, json};

use super::{avatars, time};
use crate::sandbox::state::{Actor, AuditRecord, Player, ProjectIx, Role, World};

fn actor(world: &World, a: &Actor) -> Value {
    let (kind, name, title) = match &a.player {
        Player::User(u) => ("atlassian-user-role-actor", &world.user(*u).name, &world.user(*u).display_name),
        Player::Group(g) => ("atlassian-group-role-actor", g, g),
    };
    let mut out = json!({ "id": a.id, "displayName": title, "type": kind });
    if let Player::User(u) = &a.player {
        out["avatarUrl"] = avatars(world, &world.user(*u).id)["16x16"].clone();
    }
    match &a.player {
        Player::User(u) if world.is_cloud() => out["actorUser"] = json!({ "accountId": world.user(*u).id }),
        Player::Group(g) if world.is_cloud() => {
            out["actorGroup"] = json!({ "displayName": g, "name": g, "groupId": group_id(g) });
        }
        _ => out["name"] = name.as_str().into(),
    }
    out
}

/// Cloud's id of a group.
pub(in crate::sandbox) fn group_id(name: &str) -> String {
    let hash = blake3::hash(name.as_bytes()).to_hex();
    format!("{}-{}-4{}-8{}-{}", &hash[..8], &hash[8..12], &hash[13..16], &hash[17..20], &hash[20..32])
}

/// A role, in a project or as such; with its actors where they are given.
pub(in crate::sandbox) fn role(world: &World, r: &Role, project: Option<ProjectIx>, actors: Option<&[Actor]>) -> Value {
    let path =
        project.map_or_else(|| format!("role/{}", r.id), |p| format!("project/{}/role/{}", world.projects[p].id, r.id));
    let mut out = json!({ "self": world.rest(&path), "name": r.name, "id": r.id, "description": r.description });
    if let Some(actors) = actors {
        out["actors"] = actors.iter().map(|a| actor(world, a)).collect();
    }
    out
}

/// The default actors of a role: Data Center gives them alone, Cloud inside the role.
pub(in crate::sandbox) fn role_defaults(world: &World, r: &Role) -> Value {
    if world.is_cloud() {
        return role(world, r, None, Some(&r.default));
    }
    json!({ "actors": r.default.iter().map(|a| actor(world, a)).collect::<Vec<_>>() })
}

/// Address by name, of all roles of a project.
pub(in crate::sandbox) fn role_addresses(world: &World, p: ProjectIx) -> Value {
    let id = world.projects[p].id;
    let all: Map<String, Value> = world
        .extras
        .roles
        .iter()
        .map(|r| (r.name.clone(), world.rest(&format!("project/{id}/role/{}", r.id)).into()))
        .collect();
    Value::Object(all)
}

pub(in crate::sandbox) fn audit_record(world: &World, a: &AuditRecord) -> Value {
    let author = world.user(a.author);
    let (kind, id, name) = &a.object;
    let mut out = json!({
        "id": a.id, "summary": a.summary, "remoteAddress": "127.0.0.1", "authorKey": author.id,
        "created": time(a.created), "category": a.category, "eventSource": "",
        "objectItem": { "id": id, "name": name, "typeName": kind },
        "changedValues": a.changes.iter()
            .map(|(field, from, to)| json!({ "fieldName": field, "changedFrom": from, "changedTo": to }))
            .collect::<Vec<_>>(),
        "associatedItems": [],
    });
    if world.is_cloud() {
        out["authorAccountId"] = author.id.as_str().into();
    }
    out
}

//! What belongs to accounts and to the site rather than to a project: filters, dashboards, boards with their sprints, and the
//! schemes that a project follows. Read only: the seed and tests make them.

use serde_json::{Value, json};

use crate::sandbox::{
    http::{Answer, Failure, Reply, Req, page_of},
    shapes,
    state::{Board, Dashboard, Filter, UserIx, World},
};

fn page(world: &World, req: &Req, path: &str, all: Vec<Value>) -> Answer {
    let (start, max) = (req.q_number("startAt", 0)?, req.q_number("maxResults", 50)?);
    let (page, total, last) = page_of(all, start, max);
    Ok(Reply::ok(json!({ "self": format!("{}?startAt={start}&maxResults={max}", world.rest(path)), "startAt": start,
                         "maxResults": max, "total": total, "isLast": last, "values": page })))
}

fn only_admins(world: &World) -> Result<(), Failure> {
    if world.switches.admin { Ok(()) } else { Err(Failure::forbidden("You must be an administrator of Jira.")) }
}

/// A filter is seen by its owner and by those whom it is shared with; here all are shared with the bot unless a test says no.
fn visible_filters(world: &World) -> impl Iterator<Item = &Filter> {
    world.extras.filters.iter().filter(|f| f.shared || f.owner == world.ctx.actor)
}

fn share(world: &World, id: u64, user: UserIx) -> Value {
    let mut out = json!({ "id": id, "type": "user", "user": shapes::user(world, user) });
    if !world.is_cloud() {
        out["view"] = true.into();
        out["edit"] = false.into();
    }
    out
}

fn filter_shape(world: &World, f: &Filter) -> Value {
    let address = world.rest(&format!("filter/{}", f.id));
    let shares: Vec<Value> = f.shares.iter().enumerate().map(|(n, &u)| share(world, f.id + n as u64, u)).collect();
    let mut out = json!({
        "self": address, "id": f.id.to_string(), "name": f.name, "description": f.description,
        "owner": shapes::user(world, f.owner), "jql": f.jql,
        "viewUrl": format!("{}/issues/?filter={}", world.base, f.id),
        "searchUrl": world.rest(&format!("search?filter={}", f.id)), "favourite": false, "sharePermissions": shares,
    });
    if world.is_cloud() {
        out["favouritedCount"] = 0.into();
        out["editPermissions"] = json!([]);
    } else {
        out["editable"] = false.into();
    }
    out
}

pub(super) fn filters(world: &World, req: &Req) -> Answer {
    let all = visible_filters(world).map(|f| {
        let mut one = filter_shape(world, f);
        one["subscriptions"] = json!([]);
        one["expand"] = "description,owner,jql,searchUrl,viewUrl,favourite,favouritedCount,sharePermissions".into();
        one
    });
    let all = all.collect();
    page(world, req, "filter/search", all)
}

pub(super) fn filter(world: &World, id: &str) -> Answer {
    visible_filters(world).find(|f| f.id.to_string() == id).map(|f| Reply::ok(filter_shape(world, f))).ok_or_else(
        || Failure::new(if world.is_cloud() { 404 } else { 400 }, "The selected filter is not available to you."),
    )
}

fn dashboard_shape(world: &World, d: &Dashboard) -> Value {
    let id = d.id.to_string();
    let view = format!("{}/secure/Dashboard.jspa?selectPageId={id}", world.base);
    let mut out = json!({ "id": id, "name": d.name, "self": world.rest(&format!("dashboard/{id}")), "view": view });
    if world.is_cloud() {
        out["description"] = d.description.as_str().into();
        out["owner"] = shapes::user(world, d.owner);
        out["isFavourite"] = false.into();
        out["popularity"] = 0.into();
        out["sharePermissions"] = json!([{ "id": d.id, "type": "authenticated" }]);
        out["editPermissions"] = json!([]);
    }
    out
}

pub(super) fn dashboards(world: &World, req: &Req) -> Answer {
    let all: Vec<Value> = world.extras.dashboards.iter().map(|d| dashboard_shape(world, d)).collect();
    if world.is_cloud() {
        return page(world, req, "dashboard/search", all);
    }
    let (start, max) = (req.q_number("startAt", 0)?, req.q_number("maxResults", 20)?);
    let (page, total, _) = page_of(all, start, max);
    Ok(Reply::ok(json!({ "startAt": start, "maxResults": max, "total": total, "dashboards": page })))
}

/// The permission scheme of a project, with grants to single users.
pub(super) fn permission_scheme(world: &World, key: &str) -> Answer {
    world.find_project(key)?;
    only_admins(world)?;
    let grants: Vec<Value> = world
        .extras
        .grants
        .iter()
        .enumerate()
        .map(|(n, (permission, u))| {
            let user = world.user(*u);
            let mut holder = json!({ "type": "user", "parameter": user.id, "user": shapes::user(world, *u) });
            if world.is_cloud() {
                holder["value"] = user.id.as_str().into();
            }
            json!({ "id": 10_000 + n, "permission": permission, "holder": holder,
                    "self": world.rest(&format!("permissionscheme/0/permission/{}", 10_000 + n)) })
        })
        .collect();
    Ok(Reply::ok(json!({
        "expand": "permissions,user,group,projectRole,field,all", "id": 0, "name": "Default Permission Scheme",
        "description": "The scheme of every project here", "self": world.rest("permissionscheme/0"), "permissions": grants,
    })))
}

pub(super) fn notification_scheme(world: &World, key: &str) -> Answer {
    world.find_project(key)?;
    let mut out = json!({ "expand": "notificationSchemeEvents", "id": 10_000, "name": "Default Notification Scheme",
                          "description": "", "self": world.rest("notificationscheme/10000") });
    if world.is_cloud() {
        out["notificationSchemeEvents"] = json!([]);
    }
    Ok(Reply::ok(out))
}

/// The levels that are in use, as the scheme of every project.
pub(super) fn security_scheme(world: &World, key: &str) -> Answer {
    world.find_project(key)?;
    only_admins(world)?;
    let names: std::collections::BTreeSet<&String> = world.unkind.security.values().collect();
    let levels: Vec<Value> = names
        .iter()
        .enumerate()
        .map(|(n, name)| {
            let id = 10_000 + n;
            json!({ "self": world.rest(&format!("securitylevel/{id}")), "id": id.to_string(), "name": name,
                    "description": "" })
        })
        .collect();
    Ok(Reply::ok(json!({ "self": world.rest("issuesecurityschemes/10000"), "id": 10_000,
                         "name": "Default Security Scheme", "description": "", "levels": levels })))
}

/// Who is in the levels (Cloud); the sandbox's levels have one member each, the lead of the first project.
pub(super) fn security_members(world: &World, req: &Req) -> Answer {
    only_admins(world)?;
    let levels: std::collections::BTreeSet<&String> = world.unkind.security.values().collect();
    let lead = world.projects.first().map_or(world.bot, |p| p.lead);
    let all = (0..levels.len())
        .map(|n| {
            json!({ "id": (10_100 + n).to_string(), "issueSecurityLevelId": (10_000 + n).to_string(),
                    "issueSecuritySchemeId": "10000", "managed": false,
                    "holder": { "type": "user", "parameter": world.user(lead).id, "value": world.user(lead).id,
                                "user": shapes::user(world, lead) } })
        })
        .collect();
    page(world, req, "issuesecurityschemes/level/member", all)
}

fn agile(world: &World, path: &str) -> String {
    format!("{}/rest/agile/1.0/{path}", world.base)
}

fn agile_page(req: &Req, all: Vec<Value>) -> Answer {
    let (start, max) = (req.q_number("startAt", 0)?, req.q_number("maxResults", 50)?);
    let (page, total, last) = page_of(all, start, max);
    Ok(Reply::ok(json!({ "startAt": start, "maxResults": max, "total": total, "isLast": last, "values": page })))
}

fn board<'w>(world: &'w World, id: &str) -> Result<&'w Board, Failure> {
    let found = world.extras.boards.iter().find(|b| b.id.to_string() == id && !world.is_hidden(b.project));
    found.ok_or_else(|| Failure::new(404, "Board does not exist or you do not have permission to see it."))
}

/// Answers Jira Software's own API, the same on both flavours.
pub(super) fn software(world: &World, req: &Req, segments: &[&str]) -> Answer {
    match (req.method.as_str(), segments) {
        ("GET", ["board"]) => {
            let wanted = req.q("projectKeyOrId").map(|key| world.find_project(key)).transpose()?;
            let all = world
                .extras
                .boards
                .iter()
                .filter(|b| wanted.is_none_or(|p| p == b.project) && !world.is_hidden(b.project))
                .map(|b| {
                    json!({ "id": b.id, "self": agile(world, &format!("board/{}", b.id)), "name": b.name,
                            "type": "scrum" })
                });
            let all = all.collect();
            agile_page(req, all)
        }
        ("GET", ["board", id, "configuration"]) => {
            let b = board(world, id)?;
            Ok(Reply::ok(json!({
                "id": b.id, "name": b.name, "type": "scrum",
                "self": agile(world, &format!("board/{id}/configuration")),
                "filter": { "id": b.filter.to_string(), "self": world.rest(&format!("filter/{}", b.filter)) },
            })))
        }
        ("GET", ["board", id, "sprint"]) => {
            let b = board(world, id)?;
            let all = b.sprints.iter().map(|s| {
                json!({ "id": s.id, "self": agile(world, &format!("sprint/{}", s.id)), "state": "active",
                        "name": s.name, "goal": s.description, "originBoardId": b.id })
            });
            let all = all.collect();
            agile_page(req, all)
        }
        _ => Err(Failure::no_route()),
    }
}

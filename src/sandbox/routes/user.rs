//! Users: oneself, look-up, search.

use serde_json::Value;

use crate::sandbox::{
    http::{Answer, Failure, Reply, Req},
    shapes,
    state::{User, UserIx, World},
};

pub(super) fn myself(world: &World) -> Answer {
    Ok(Reply::ok(shapes::user_profile(world, world.ctx.actor)))
}

pub(super) fn get(world: &World, req: &Req) -> Answer {
    if world.is_cloud() {
        let Some(id) = req.q("accountId") else {
            return Err(Failure::new(400, "The query parameter 'accountId' is required."));
        };
        let found = world.find_user_by_id(id).filter(|&u| !world.user(u).deleted);
        return found
            .map(|u| Reply::ok(shapes::user_profile(world, u)))
            .ok_or_else(|| Failure::new(404, "Specified user does not exist or you do not have required permissions"));
    }
    let deleted = req.q_flag("includeDeleted", false);
    let (found, asked, what) = match (req.q("username"), req.q("key")) {
        (Some(name), None) => (world.find_user_by_name(name), name, "named"),
        (None, Some(key)) => {
            (world.find_user_by_id(key).filter(|&u| deleted || !world.user(u).deleted), key, "with the key")
        }
        (Some(_), Some(_)) => {
            return Err(Failure::new(400, "Either the 'username' or the 'key' query parameter is allowed, not both"));
        }
        (None, None) => {
            return Err(Failure::new(404, "Either the 'username' or the 'key' query parameters need to be provided"));
        }
    };
    found
        .map(|u| Reply::ok(shapes::user_profile(world, u)))
        .ok_or_else(|| Failure::new(404, format!("The user {what} '{asked}' does not exist")))
}

/// Whether a search text finds a user: the start of a word of the name, of the login name, or of the e-mail.
pub(super) fn found_by(user: &User, text: &str, cloud: bool) -> bool {
    let text = text.to_lowercase();
    // Data Center takes "." for everybody (and older ones "%"), a well-known way to list users.
    if !cloud && matches!(text.as_str(), "." | "%") {
        return true;
    }
    let name = user.display_name.to_lowercase();
    let word = name.starts_with(&text) || name.match_indices(' ').any(|(at, _)| name[at + 1..].starts_with(&text));
    let email =
        user.email.as_ref().is_some_and(|e| !(cloud && user.email_hidden) && e.to_lowercase().starts_with(&text));
    word || email || (!cloud && user.name.to_lowercase().starts_with(&text))
}

/// Neither flavour's search goes past the first thousand users.
const LIMIT: usize = 1000;

pub(super) fn list(world: &World, req: &Req, users: impl Iterator<Item = UserIx>) -> Answer {
    let (start, max) = (req.q_number("startAt", 0)?, req.q_number("maxResults", 50)?.min(LIMIT));
    let page: Vec<Value> = users.take(LIMIT).skip(start).take(max).map(|u| shapes::user(world, u)).collect();
    Ok(Reply::ok(page.into()))
}

/// Who may not browse users gets empty searches, and no word of it (Cloud's document).
const BROWSE: &str = "USER_PICKER";

pub(super) fn search(world: &World, req: &Req) -> Answer {
    if world.denied(BROWSE) {
        return Ok(Reply::ok(Value::Array(Vec::new())));
    }
    let cloud = world.is_cloud();
    if cloud {
        if let Some(id) = req.q("accountId") {
            return list(world, req, world.find_user_by_id(id).filter(|&u| world.user(u).active).into_iter());
        }
        if req.q("username").is_some() {
            return Err(Failure::new(400, "The query parameter 'username' is not supported in GDPR strict mode."));
        }
    }
    let text = req.q(if cloud { "query" } else { "username" });
    let Some(text) = text.filter(|t| cloud || !t.is_empty()) else {
        return Err(Failure::new(
            400,
            if cloud {
                "Either the 'query' or the 'accountId' query parameter must be provided."
            } else {
                "The username query parameter was not provided"
            },
        ));
    };
    let inactive = !cloud && req.q_flag("includeInactive", false);
    let active = cloud || req.q_flag("includeActive", true);
    let matching = (0..world.users.len()).filter(|&u| {
        let user = world.user(u);
        let state = if user.active { active } else { inactive };
        !user.deleted && state && found_by(user, text, cloud)
    });
    list(world, req, matching)
}

/// Every account: inactive ones too and, as Cloud's document says, deleted ones that still have an Atlassian account.
pub(super) fn all(world: &World, req: &Req) -> Answer {
    if world.denied(BROWSE) {
        return Err(Failure::forbidden("You do not have the permission to browse users and groups."));
    }
    let (start, max) = (req.q_number("startAt", 0)?, req.q_number("maxResults", 50)?.min(LIMIT));
    let page: Vec<Value> = listed(world).skip(start).take(max).map(|u| shapes::user(world, u)).collect();
    Ok(Reply::ok(page.into()))
}

/// Nobody can ask for a corrupted account.
fn listed(world: &World) -> impl Iterator<Item = UserIx> + '_ {
    (0..world.users.len()).filter(|&u| world.user(u).id != "unknown" && (world.is_cloud() || !world.user(u).deleted))
}

/// Data Center's stream of all users: a cursor instead of a position, and no total.
pub(super) fn stream(world: &World, req: &Req) -> Answer {
    if !world.switches.admin || world.denied(BROWSE) {
        return Err(Failure::forbidden("You are not authorized to perform this operation."));
    }
    let (start, max) = (req.q_number("cursor", 0)?, req.q_number("maxResults", 2000)?.clamp(1, 2000));
    let all: Vec<UserIx> = listed(world).skip(start).take(max + 1).collect();
    let last = all.len() <= max;
    let values: Vec<Value> = all.into_iter().take(max).map(|u| shapes::user(world, u)).collect();
    let mut out = serde_json::json!({ "self": world.rest("user/list"), "maxResults": max, "isLast": last });
    if !last {
        let next = start + values.len();
        out["nextCursor"] = next.to_string().into();
        out["nextPage"] = world.rest(&format!("user/list?cursor={next}&maxResults={max}")).into();
    }
    out["values"] = values.into();
    Ok(Reply::ok(out))
}

pub(super) fn assignable(world: &World, req: &Req) -> Answer {
    match (req.q("project"), req.q("issueKey").or_else(|| req.q("issueId"))) {
        (Some(p), _) => {
            world.find_project(p)?;
        }
        (None, Some(key)) => {
            world.find_issue(key)?;
        }
        (None, None) => {
            return Err(Failure::new(400, "Either the 'project' or the 'issueKey' query parameter must be provided."));
        }
    }
    let cloud = world.is_cloud();
    let text = req.q(if cloud { "query" } else { "username" }).unwrap_or_default();
    let id = req.q("accountId").filter(|_| cloud);
    let matching = (0..world.users.len()).filter(|&u| {
        let user = world.user(u);
        !user.deleted
            && user.active
            && id.is_none_or(|id| user.id == id)
            && (text.is_empty() || found_by(user, text, cloud))
    });
    list(world, req, matching)
}

//! More ways to a user: pickers, lists by permission, several at once, groups, accounts made and ended.

use serde_json::{Value, json};

use super::user::{found_by, list};
use crate::sandbox::{
    http::{Answer, Failure, Reply, Req, page_of},
    shapes,
    state::{GROUPS, User, UserIx, World},
};

fn only_admins(world: &World) -> Result<(), Failure> {
    if world.switches.admin { Ok(()) } else { Err(Failure::forbidden("You must be an administrator of Jira.")) }
}

/// The user whom a query names: `accountId` on Cloud, `username` or `key`/`userKey` on Data Center.
pub(super) fn named(world: &World, req: &Req) -> Result<UserIx, Failure> {
    let names: &[&str] = if world.is_cloud() { &["accountId"] } else { &["username", "userKey", "key"] };
    let Some((name, given)) = names.iter().find_map(|n| req.q(n).map(|v| (*n, v))) else {
        return Err(Failure::new(400, format!("The query parameter '{}' is required.", names[0])));
    };
    let found = if name == "username" { world.find_user_by_name(given) } else { world.find_user_by_id(given) };
    found
        .filter(|&u| !world.user(u).deleted)
        .ok_or_else(|| Failure::new(404, format!("The user with the {name} '{given}' does not exist.")))
}

/// Users who are there, by the text that this flavour calls `query` or `username`; `all` takes an empty text for everybody.
fn matching<'w>(world: &'w World, req: &'w Req, all: bool) -> impl Iterator<Item = UserIx> + 'w {
    let cloud = world.is_cloud();
    let text = req.q("query").filter(|_| cloud).or_else(|| req.q("username").filter(|_| !cloud)).unwrap_or_default();
    let id = req.q("accountId").filter(|_| cloud);
    (0..world.users.len()).filter(move |&u| {
        let user = world.user(u);
        user.active
            && !user.deleted
            && id.is_none_or(|id| user.id == id)
            && if text.is_empty() { all || id.is_some() } else { found_by(user, text, cloud) }
    })
}

/// Those who may see an issue or a project (`viewissue`), have permissions there, or can be assigned in all of several.
pub(super) fn permitted(world: &World, req: &Req, several: bool) -> Answer {
    if several {
        let keys = req.q_list("projectKeys");
        if keys.is_empty() {
            return Err(Failure::new(400, "The query parameter 'projectKeys' is required."));
        }
        for key in keys {
            world.find_project(&key)?;
        }
    } else if let Some(key) = req.q("issueKey") {
        world.find_issue(key)?;
    } else if let Some(key) = req.q("projectKey") {
        world.find_project(key)?;
    }
    list(world, req, matching(world, req, true))
}

fn highlighted(user: &User, text: &str) -> String {
    let escape = |s: &str| s.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    match user.display_name.to_lowercase().find(&text.to_lowercase()) {
        Some(at) if !text.is_empty() && user.display_name.is_char_boundary(at + text.len()) => format!(
            "{}<strong>{}</strong>{}",
            escape(&user.display_name[..at]),
            escape(&user.display_name[at..at + text.len()]),
            escape(&user.display_name[at + text.len()..])
        ),
        _ => escape(&user.display_name),
    }
}

/// The users of a picker: how many in all, and a page.
fn found_users(world: &World, req: &Req) -> Result<Value, Failure> {
    let text = req.q("query").ok_or_else(|| Failure::new(400, "The query parameter 'query' is required."))?;
    let cloud = world.is_cloud();
    let mut excluded = req.q_list(if cloud { "excludeAccountIds" } else { "exclude" });
    excluded.extend(req.q_list("exclude"));
    let max = req.q_number("maxResults", 50)?.min(1000);
    let all: Vec<UserIx> = (0..world.users.len())
        .filter(|&u| {
            let user = world.user(u);
            let out = excluded.iter().any(|e| *e == user.id || (!cloud && *e == user.name));
            user.active && !user.deleted && !out && found_by(user, text, cloud)
        })
        .collect();
    let (total, shown) = (all.len(), all.len().min(max));
    let users: Vec<Value> = all
        .into_iter()
        .take(max)
        .map(|u| {
            let user = world.user(u);
            let mut one = json!({ "html": highlighted(user, text), "displayName": user.display_name });
            if cloud {
                one["accountId"] = user.id.as_str().into();
                one["accountType"] = "atlassian".into();
            } else {
                one["key"] = user.id.as_str().into();
                one["name"] = user.name.as_str().into();
            }
            if req.q_flag("showAvatar", false) {
                one["avatarUrl"] = shapes::avatars(world, &user.id)["16x16"].clone();
            }
            one
        })
        .collect();
    Ok(json!({ "users": users, "total": total, "header": format!("Showing {shown} of {total} matching users") }))
}

fn found_groups(world: &World, req: &Req) -> Value {
    let text = req.q("query").unwrap_or_default().to_lowercase();
    let all: Vec<Value> = GROUPS
        .iter()
        .filter(|g| g.0.contains(&text))
        .map(|g| {
            let mut one = json!({ "name": g.0, "html": g.0, "labels": [] });
            if world.is_cloud() {
                one["groupId"] = shapes::group_id(g.0).into();
            }
            one
        })
        .collect();
    let total = all.len();
    json!({ "header": format!("Showing {total} of {total} matching groups"), "total": total, "groups": all })
}

pub(super) fn picker(world: &World, req: &Req) -> Answer {
    Ok(Reply::ok(found_users(world, req)?))
}

pub(super) fn groups(world: &World, req: &Req) -> Answer {
    Ok(Reply::ok(found_groups(world, req)))
}

pub(super) fn both(world: &World, req: &Req) -> Answer {
    Ok(Reply::ok(json!({ "users": found_users(world, req)?, "groups": found_groups(world, req) })))
}

/// A page of users as Cloud's paged lists and Data Center's group members show them.
fn page(world: &World, req: &Req, path: &str, all: Vec<Value>) -> Answer {
    let (start, max) = (req.q_number("startAt", 0)?, req.q_number("maxResults", 50)?);
    let (page, total, last) = page_of(all, start, max);
    Ok(Reply::ok(json!({ "self": format!("{}?startAt={start}&maxResults={max}", world.rest(path)), "startAt": start,
                         "maxResults": max, "total": total, "isLast": last, "values": page })))
}

pub(super) fn members(world: &World, req: &Req) -> Answer {
    only_admins(world)?;
    let known = GROUPS.iter().find(|g| {
        req.q("groupname") == Some(g.0)
            || (world.is_cloud() && req.q("groupId").is_some_and(|id| id == shapes::group_id(g.0)))
    });
    let group = known.ok_or_else(|| Failure::new(404, "The group does not exist."))?.0;
    let inactive = req.q_flag("includeInactiveUsers", false);
    let all = (0..world.users.len())
        .filter(|&u| world.in_group(group, u) && (inactive || world.user(u).active))
        .map(|u| shapes::user(world, u))
        .collect();
    page(world, req, "group/member", all)
}

pub(super) fn groups_of(world: &World, req: &Req) -> Answer {
    let user = named(world, req)?;
    let all = GROUPS.iter().filter(|g| world.in_group(g.0, user)).map(|g| {
        json!({ "name": g.0, "groupId": shapes::group_id(g.0),
                "self": world.rest(&format!("group?groupId={}", shapes::group_id(g.0))) })
    });
    Ok(Reply::ok(all.collect()))
}

/// Several accounts by id (Cloud).
pub(super) fn bulk(world: &World, req: &Req) -> Answer {
    let wanted = req.q_list("accountId");
    if wanted.is_empty() || wanted.len() > 200 {
        return Err(Failure::new(400, "Between 1 and 200 account ids must be given."));
    }
    let all = wanted.iter().filter_map(|id| world.find_user_by_id(id)).filter(|&u| !world.user(u).deleted);
    let all = all.map(|u| shapes::user(world, u)).collect();
    page(world, req, "user/bulk", all)
}

/// A structured query: `is assignee of PROJ`, `is reporter of (KEY-1, KEY-2)`, … of which this knows the simple forms.
pub(super) fn query(world: &World, req: &Req, keys_only: bool) -> Answer {
    let text = req.q("query").unwrap_or_default();
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || "(),".contains(c)).filter(|w| !w.is_empty()).collect();
    let ["is", role, "of", of @ ..] = words.as_slice() else {
        return Err(Failure::new(400, "Only queries of the form 'is ROLE of KEY' are known here."));
    };
    if of.is_empty() || !matches!(*role, "assignee" | "reporter" | "watcher" | "voter" | "commenter") {
        return Err(Failure::new(400, format!("'{role}' is not a role that can be asked for.")));
    }
    let mut found: Vec<UserIx> = world
        .issues
        .values()
        .filter(|i| world.sees(i))
        .filter(|i| of.iter().any(|o| *o == i.key || *o == world.projects[i.project].key))
        .flat_map(|i| match *role {
            "assignee" => i.assignee.into_iter().collect(),
            "reporter" => i.reporter.into_iter().collect(),
            "watcher" => i.watchers.clone(),
            "voter" => i.voters.clone(),
            _ => i.comments.iter().map(|c| c.author).collect::<Vec<_>>(),
        })
        .collect();
    found.sort_unstable();
    found.dedup();
    let all = found.into_iter().map(|u| {
        if keys_only {
            json!({ "accountId": world.user(u).id, "key": world.user(u).id })
        } else {
            shapes::user(world, u)
        }
    });
    page(world, req, "user/search/query", all.collect())
}

/// What one account does, as far as Data Center's `PUT user` and `PUT myself` can change it.
pub(super) fn edit(world: &mut World, req: &Req, user: UserIx) -> Answer {
    let body = req.object()?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::trim).filter(|s| !s.is_empty());
    let mut changes = Vec::new();
    let u = &mut world.users[user];
    if let Some(new) = text("displayName") {
        changes.push(("Full name".to_owned(), std::mem::replace(&mut u.display_name, new.to_owned()), new.to_owned()));
    }
    if let Some(new) = text("emailAddress") {
        let old = u.email.replace(new.to_owned()).unwrap_or_default();
        changes.push(("Email".to_owned(), old, new.to_owned()));
    }
    if let Some(new) = text("name") {
        changes.push(("Username".to_owned(), std::mem::replace(&mut u.name, new.to_owned()), new.to_owned()));
    }
    let (id, name) = (u.id.clone(), u.name.clone());
    world.audit("User updated", "user management", ("USER", id, name), changes);
    Ok(Reply::ok(shapes::user_profile(world, user)))
}

pub(super) fn edit_named(world: &mut World, req: &Req) -> Answer {
    only_admins(world)?;
    let user = named(world, req)?;
    edit(world, req, user)
}

/// A new account. Cloud invites an e-mail address and knows the name only when the person has set it.
pub(super) fn create(world: &mut World, req: &Req) -> Answer {
    only_admins(world)?;
    let body = req.object()?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::trim).unwrap_or_default().to_owned();
    let (name, email, mut title) = (text("name"), text("emailAddress"), text("displayName"));
    if !email.contains('@') {
        return Err(Failure::field("emailAddress", "You must specify a valid email address."));
    }
    let cloud = world.is_cloud();
    if !cloud && (name.is_empty() || world.find_user_by_name(&name).is_some()) {
        return Err(Failure::field("username", "A user with that username already exists, or none was given."));
    }
    if title.is_empty() {
        title = email.split('@').next().unwrap_or_default().to_owned();
    }
    let id = world.new_user_id();
    world.users.push(User {
        id: id.clone(),
        name: if cloud { String::new() } else { name },
        display_name: title.clone(),
        email: Some(email),
        email_hidden: false,
        active: true,
        deleted: false,
        time_zone: "Europe/Berlin".to_owned(),
    });
    world.audit("User created", "user management", ("USER", id, title), Vec::new());
    Ok(Reply::json(201, shapes::user_profile(world, world.users.len() - 1)))
}

/// Ends an account. Data Center refuses where the user still has issues or comments.
pub(super) fn delete(world: &mut World, req: &Req) -> Answer {
    only_admins(world)?;
    let user = named(world, req)?;
    let used =
        world.issues.values().any(|i| {
            i.assignee == Some(user) || i.reporter == Some(user) || i.comments.iter().any(|c| c.author == user)
        }) || world.projects.iter().any(|p| p.lead == user);
    if used && !world.is_cloud() {
        return Err(Failure::new(400, "Cannot delete user: issues, comments or projects still refer to the user."));
    }
    world.users[user].deleted = true;
    world.users[user].active = false;
    let (id, title) = (world.user(user).id.clone(), world.user(user).display_name.clone());
    world.audit("User deleted", "user management", ("USER", id, title), Vec::new());
    Ok(Reply::empty(204))
}

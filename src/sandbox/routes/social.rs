//! Watchers and votes. Neither counts as an update of the issue.

use serde_json::{Value, json};

use crate::sandbox::{
    http::{Answer, Failure, Payload, Reply, Req},
    shapes,
    state::{UserIx, World},
};

pub(super) fn watchers(world: &World, key: &str) -> Answer {
    let issue = world.issue(world.find_issue(key)?)?;
    let list = shown(world, &issue.watchers);
    Ok(Reply::ok(json!({
        "self": world.rest(&format!("issue/{}/watchers", issue.key)), "watchCount": issue.watchers.len(),
        "isWatching": issue.watchers.contains(&world.ctx.actor), "watchers": list,
    })))
}

/// Who of them the actor may see: without the permission nobody, though they are counted.
fn shown(world: &World, users: &[UserIx]) -> Vec<Value> {
    let users = if world.denied("VIEW_VOTERS_AND_WATCHERS") { &[] } else { users };
    users.iter().map(|&u| shapes::user(world, u)).collect()
}

fn person(world: &World, reference: &str) -> Result<UserIx, Failure> {
    let found = if world.is_cloud() { world.find_user_by_id(reference) } else { world.find_user_by_name(reference) };
    found.filter(|&u| !world.user(u).deleted).ok_or_else(|| {
        if world.is_cloud() {
            Failure::new(404, "The user does not exist.")
        } else {
            Failure::new(404, format!("The user \"{reference}\" does not exist."))
        }
    })
}

fn managed(world: &World) -> Result<(), Failure> {
    if world.denied("MANAGE_WATCHERS") {
        // As their documents say: 401 on Data Center.
        let status = if world.is_cloud() { 403 } else { 401 };
        return Err(Failure::new(status, "You do not have permission to manage the watcher list."));
    }
    Ok(())
}

pub(super) fn watch(world: &mut World, req: &Req, key: &str) -> Answer {
    let issue = world.find_issue(key)?;
    managed(world)?;
    let who = match &req.payload {
        Payload::None => world.ctx.actor,
        Payload::Json(Value::String(s)) => person(world, s)?,
        _ => return Err(Failure::new(400, "The body must be one JSON string.")),
    };
    if !world.user(who).active {
        return Err(Failure::new(400, "The user is not active and cannot watch."));
    }
    let list = &mut world.issue_mut(issue)?.watchers;
    if !list.contains(&who) {
        list.push(who);
        world.touched();
    }
    Ok(Reply::empty(204))
}

pub(super) fn unwatch(world: &mut World, req: &Req, key: &str) -> Answer {
    let issue = world.find_issue(key)?;
    managed(world)?;
    let name = if world.is_cloud() { "accountId" } else { "username" };
    let Some(reference) = req.q(name).or_else(|| req.q("userKey").filter(|_| !world.is_cloud())) else {
        return Err(Failure::new(400, format!("The query parameter '{name}' is required.")));
    };
    // A deactivated or deleted watcher can still be taken off.
    let who = world.find_user(reference).map_or_else(|| person(world, reference), Ok)?;
    let list = &mut world.issue_mut(issue)?.watchers;
    if list.contains(&who) {
        list.retain(|&u| u != who);
        world.touched();
    }
    Ok(Reply::empty(204))
}

pub(super) fn votes(world: &World, key: &str) -> Answer {
    let issue = world.issue(world.find_issue(key)?)?;
    let voters = shown(world, &issue.voters);
    Ok(Reply::ok(json!({
        "self": world.rest(&format!("issue/{}/votes", issue.key)), "votes": issue.voters.len(),
        "hasVoted": issue.voters.contains(&world.ctx.actor), "voters": voters,
    })))
}

pub(super) fn vote(world: &mut World, key: &str) -> Answer {
    let issue = world.find_issue(key)?;
    let actor = world.ctx.actor;
    let i = world.issue_mut(issue)?;
    if i.reporter == Some(actor) {
        return Err(Failure::new(404, "You cannot vote for an issue you have reported."));
    }
    if !i.voters.contains(&actor) {
        i.voters.push(actor);
        world.touched();
    }
    Ok(Reply::empty(204))
}

pub(super) fn unvote(world: &mut World, key: &str) -> Answer {
    let issue = world.find_issue(key)?;
    let actor = world.ctx.actor;
    let i = world.issue_mut(issue)?;
    if !i.voters.contains(&actor) {
        return Err(Failure::new(404, "Cannot remove a vote for an issue that the user has not already voted for."));
    }
    i.voters.retain(|&u| u != actor);
    world.touched();
    Ok(Reply::empty(204))
}

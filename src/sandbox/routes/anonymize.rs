//! Data Center's anonymisation of a user: validate, start, ask after it, run again, unlock.
//!
//! Status codes: Atlassian's document of Data Center 10.3, `user/anonymization`. Bodies and behaviour that it leaves open
//! (the progress, `COMPLETED` with errors inside, the alias `jirauser10100` with the full name `user-1a2b3`): Atlassian's
//! articles "Anonymizing users" and "Retrying anonymization", and answers of a Jira 8.13 that others wrote down. A task
//! moves on when it is asked after. Text is not touched.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use crate::sandbox::{
    fields,
    http::{Answer, Failure, Reply, Req},
    shapes::time,
    state::{AnonymizationTask, Player, TaskStatus, UserIx, World},
};

fn allowed(world: &World) -> Result<(), Failure> {
    if world.switches.admin { Ok(()) } else { Err(Failure::forbidden("You are not authorized to anonymize users.")) }
}

/// The key of an account that never had another: `JIRAUSER10100`.
fn is_new_key(key: &str) -> bool {
    key.strip_prefix("JIRAUSER").is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

/// How much of the user's goes to the new owner: projects and components that they lead.
fn owned(world: &World, user: UserIx) -> usize {
    let components = world.extras.component_leads.values().filter(|lead| **lead == Some(user)).count();
    world.projects.iter().filter(|p| p.lead == user).count() + components
}

fn operations(world: &World, user: UserIx) -> Vec<&'static str> {
    let mut out = vec!["USER_NAME_CHANGE"];
    if !is_new_key(&world.user(user).id) {
        out.extend(["USER_KEY_CHANGE_PLUGIN_POINTS", "USER_KEY_CHANGE"]);
    }
    out.push("USER_DISABLE");
    if owned(world, user) > 0 {
        out.push("USER_TRANSFER_OWNERSHIP_PLUGIN_POINTS");
    }
    out.extend(["USER_NAME_CHANGE_PLUGIN_POINTS", "USER_ANONYMIZE_PLUGIN_POINTS", "USER_EXTERNAL_ID_CHANGE"]);
    out
}

/// Why a user cannot be anonymised.
fn blockers(world: &World, user: UserIx) -> Vec<(&'static str, String)> {
    if user == world.ctx.actor {
        return vec![("GENERAL", "You can't anonymize yourself.".to_owned())];
    }
    if world.switches.directory.contains(&user) && !world.user(user).deleted {
        return [
            ("USER_NAME_CHANGE", "We can't rename users from external directories."),
            ("USER_DISABLE", "The directory that contains this user is read-only."),
            ("USER_EXTERNAL_ID_CHANGE", "We can't change the user ID for this user."),
        ]
        .map(|(operation, why)| (operation, format!("{why} Delete the user from the directory and synchronize it.")))
        .to_vec();
    }
    Vec::new()
}

fn errors_json(errors: &[(&'static str, String)]) -> Value {
    let map: Map<String, Value> = errors
        .iter()
        .map(|(operation, why)| ((*operation).to_owned(), json!({ "errorMessages": [why], "errors": {} })))
        .collect();
    Value::Object(map)
}

fn affected(world: &World, user: UserIx) -> Value {
    let one = |kind: &str, what: &str, count: usize| json!({ "type": kind, "description": what, "numberOfOccurrences": count });
    let issues = || world.issues.values();
    let led = owned(world, user);
    let mut out = json!({ "ANONYMIZE": [
        { "type": "ANONYMIZE", "description": "Full name in issue history" },
        one("ANONYMIZE", "User Profile", 1),
        one("ANONYMIZE", "Issue assignee", issues().filter(|i| i.assignee == Some(user)).count()),
        one("ANONYMIZE", "Issue reporter", issues().filter(|i| i.reporter == Some(user)).count()),
        one("ANONYMIZE", "Comments", issues().flat_map(|i| &i.comments).filter(|c| c.author == user).count()),
    ] });
    if led > 0 {
        out["TRANSFER_OWNERSHIP"] = json!([one("TRANSFER_OWNERSHIP", "Project and component lead", led)]);
    }
    out
}

fn validation(world: &World, user: UserIx, errors: &[(&'static str, String)], expand: bool) -> Answer {
    let u = world.user(user);
    let mut out = json!({
        "errors": errors_json(errors), "warnings": {}, "expand": "affectedEntities", "userKey": u.id,
        "userName": u.name, "displayName": u.display_name, "deleted": u.deleted,
        "email": u.email.as_deref().unwrap_or_default(), "success": errors.is_empty(),
        "operations": operations(world, user), "businessLogicValidationFailed": false,
    });
    if expand {
        out["affectedEntities"] = affected(world, user);
    }
    Ok(Reply::json(if errors.is_empty() { 200 } else { 400 }, out))
}

fn user_by_key(world: &World, key: Option<&str>) -> Result<UserIx, Failure> {
    let key = key.filter(|k| !k.is_empty()).ok_or_else(|| Failure::new(400, "The parameter 'userKey' is required."))?;
    world
        .find_user_by_id(key)
        .ok_or_else(|| Failure::new(400, format!("The user with the key '{key}' does not exist.")))
}

/// What a rerun must know: key and name from before. Jira does not give them (its audit log does, to a person).
fn old_ones(world: &World, user: UserIx, key: Option<&str>, name: Option<&str>) -> Vec<(&'static str, String)> {
    let u = world.user(user);
    let current = (u.id.clone(), u.name.clone());
    let (old_key, old_name) = world.unkind.half_anonymized.get(&user).unwrap_or(&current);
    let mut out = Vec::new();
    if key.is_none_or(|k| k != old_key) {
        out.push(("USER_KEY_CHANGE", "The old user key is missing or not the one from before.".to_owned()));
    }
    if name.is_none_or(|n| !n.eq_ignore_ascii_case(old_name)) {
        out.push(("USER_NAME_CHANGE", "The old user name is missing or not the one from before.".to_owned()));
    }
    out
}

pub(super) fn validate(world: &World, req: &Req, rerun: bool) -> Answer {
    allowed(world)?;
    let user = user_by_key(world, req.q("userKey"))?;
    let mut errors = blockers(world, user);
    if rerun {
        errors.extend(old_ones(world, user, req.q("oldUserKey"), req.q("oldUserName")));
    }
    validation(world, user, &errors, req.q("expand").is_some_and(|e| e.contains("affectedEntities")))
}

pub(super) fn schedule(world: &mut World, req: &Req, rerun: bool) -> Answer {
    allowed(world)?;
    let body = req.object()?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).filter(|s| !s.is_empty());
    let user = user_by_key(world, text("userKey"))?;
    let new_owner = match text("newOwnerKey") {
        None => None,
        Some(key) => Some(
            world
                .find_user_by_id(key)
                .filter(|&u| world.user(u).active && u != user)
                .ok_or_else(|| Failure::new(400, "The new owner does not exist or is not active."))?,
        ),
    };
    if world.unkind.anonymization.as_ref().is_some_and(|t| t.status != TaskStatus::Completed) {
        return Err(Failure::new(409, "Another user anonymization process is already in progress."));
    }
    if rerun {
        let errors = old_ones(world, user, text("oldUserKey"), text("oldUserName"));
        if !errors.is_empty() {
            return validation(world, user, &errors, false);
        }
    }
    let u = world.user(user).clone();
    let old_key = text("oldUserKey").filter(|_| rerun).map_or_else(|| u.id.clone(), str::to_owned);
    let task = AnonymizationTask {
        id: world.take_id(),
        user,
        shown: (u.id, u.name, u.display_name),
        new_owner,
        old_key,
        polls: 0,
        status: TaskStatus::Running,
        rerun,
        submitted: world.ctx.now,
        finished: None,
        errors: Vec::new(),
    };
    let reply = Reply::json(202, progress_json(world, &task));
    world.unkind.anonymization = Some(task);
    world.touched();
    Ok(reply)
}

fn progress_json(world: &World, t: &AnonymizationTask) -> Value {
    let when = |at: Option<DateTime<Utc>>| at.map(time);
    let done = t.status == TaskStatus::Completed;
    let mut out = json!({
        "errors": errors_json(&t.errors), "warnings": {}, "userKey": t.shown.0, "userName": t.shown.1,
        "fullName": t.shown.2, "progressUrl": format!("/rest/api/2/user/anonymization/progress?taskId={}", t.id),
        "currentProgress": if done { 100 } else { t.polls.min(9) * 10 }, "submittedTime": time(t.submitted),
        "operations": if done { operations(world, t.user) } else { Vec::new() },
        "status": match t.status {
            TaskStatus::Running => "IN_PROGRESS",
            TaskStatus::Interrupted => "INTERRUPTED",
            TaskStatus::Completed => "COMPLETED",
        },
        "executingNode": "", "isRerun": t.rerun, "rerun": t.rerun,
    });
    if t.polls > 0 {
        out["startTime"] = time(t.submitted).into();
        out["currentSubTask"] = "Anonymizing user in: Webhooks".into();
    }
    if let Some(at) = when(t.finished) {
        out["finishTime"] = at.into();
    }
    out
}

pub(super) fn progress(world: &mut World, req: &Req) -> Answer {
    allowed(world)?;
    let missing = || Failure::new(404, "A user anonymization task could not be found");
    let mut task = world.unkind.anonymization.clone().ok_or_else(missing)?;
    if req.q("taskId").is_some_and(|id| id != task.id.to_string()) {
        return Err(missing());
    }
    if task.status == TaskStatus::Running {
        task.polls += 1;
        if world.switches.node_dies {
            task.status = TaskStatus::Interrupted;
        } else if task.polls > world.switches.job_polls {
            task.errors = blockers(world, task.user);
            if task.errors.is_empty() {
                task.errors = run(world, &task);
            }
            task.status = TaskStatus::Completed;
            task.finished = Some(world.ctx.now);
            world.touched();
        }
        world.unkind.anonymization = Some(task.clone());
    }
    Ok(Reply::ok(progress_json(world, &task)))
}

/// Does it. Name and key go first, so that what stops halfway leaves a user that nobody finds by the old ones.
fn run(world: &mut World, task: &AnonymizationTask) -> Vec<(&'static str, String)> {
    let user = task.user;
    let before = (world.user(user).id.clone(), world.user(user).name.clone());
    // The audit log keeps both for good (Atlassian, "Retrying anonymization": this is where a person looks them up).
    let started = vec![("Username".to_owned(), before.1.clone(), String::new())];
    let object = ("USER", before.0.clone(), before.1.clone());
    world.audit("User anonymization started", "user management", object, started);
    if owned(world, user) > 0 {
        let Some(owner) = task.new_owner else {
            return vec![("USER_TRANSFER_OWNERSHIP_PLUGIN_POINTS", "A new owner is needed.".to_owned())];
        };
        world.projects.iter_mut().filter(|p| p.lead == user).for_each(|p| p.lead = owner);
        let leads = world.extras.component_leads.values_mut();
        leads.filter(|lead| **lead == Some(user)).for_each(|lead| *lead = Some(owner));
    }
    for actors in world.extras.actors.values_mut() {
        actors.retain(|a| !matches!(&a.player, Player::User(u) if *u == user));
    }
    if !is_new_key(&before.0) {
        let taken = |world: &World, n: usize| world.find_user_by_id(&format!("JIRAUSER{n}")).is_some();
        let number = (10_100 + user..).find(|&n| !taken(world, n)).unwrap_or(user);
        let key = format!("JIRAUSER{number}");
        world.users[user].id.clone_from(&key);
        let changes = vec![("Key".to_owned(), before.0.clone(), key.clone())];
        world.audit("User's key changed", "user management", ("USER", key.clone(), key), changes);
    }
    let u = &mut world.users[user];
    u.active = false;
    u.name = u.id.to_lowercase();
    if world.switches.anonymization_fails > 0 {
        world.switches.anonymization_fails -= 1;
        world.unkind.half_anonymized.entry(user).or_insert(before);
        return vec![("USER_ANONYMIZE_PLUGIN_POINTS", "Anonymization failed, see the log for details.".to_owned())];
    }
    let u = &mut world.users[user];
    u.display_name = format!("user-{}", &blake3::hash(u.id.as_bytes()).to_hex()[..5]);
    u.email = Some(format!("{}@jira.invalid", u.id));
    let new = (u.id.clone(), u.display_name.clone());
    world.unkind.half_anonymized.remove(&user);
    in_history(world, &task.old_key, &new);
    Vec::new()
}

/// User fields in the history name the alias from now on; what stood in texts stays.
fn in_history(world: &mut World, old_key: &str, (key, name): &(String, String)) {
    let is_user = |id: Option<&str>| id.and_then(fields::by_id).is_some_and(|f| f.kind == "user" || f.items == "user");
    let people: Vec<(String, String)> = world.users.iter().map(|u| (u.id.clone(), u.display_name.clone())).collect();
    let named = |id: &str| {
        let found = people.iter().find(|p| p.0 == id);
        found.map_or_else(|| id.to_owned(), |p| p.1.clone())
    };
    let items = world.issues.values_mut().flat_map(|i| &mut i.history).flat_map(|h| &mut h.items);
    for change in items.filter(|c| is_user(c.field_id.as_deref())) {
        for (id, text) in [(&mut change.from, &mut change.from_string), (&mut change.to, &mut change.to_string)] {
            let Some(value) = id.as_mut() else { continue };
            if value == old_key {
                key.clone_into(value);
                *text = Some(name.clone());
            } else if let Some(list) = value.strip_prefix('[').and_then(|v| v.strip_suffix(']')) {
                let ids: Vec<&str> = list.split(", ").map(|id| if id == old_key { key } else { id }).collect();
                if list.split(", ").any(|id| id == old_key) {
                    *text = Some(ids.iter().map(|id| named(id)).collect::<Vec<_>>().join(", "));
                    *value = format!("[{}]", ids.join(", "));
                }
            }
        }
    }
}

/// Takes away the task of a node that died.
pub(super) fn unlock(world: &mut World) -> Answer {
    allowed(world)?;
    match world.unkind.anonymization.as_ref().map(|t| t.status) {
        Some(TaskStatus::Interrupted) => {
            world.unkind.anonymization = None;
            world.touched();
            Ok(Reply::empty(204))
        }
        Some(TaskStatus::Running) => Err(Failure::new(409, "The node executing the anonymization is still running.")),
        _ => Err(Failure::new(404, "A user anonymization task could not be found")),
    }
}

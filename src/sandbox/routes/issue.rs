//! Issues: create, read, edit, delete.

use std::collections::BTreeMap;

use chrono::Duration;
use serde_json::{Map, Value, json};

use super::{comment, link, lists, property, search::strings, worklog};
use crate::sandbox::{
    edit::{self, Edit, Extra},
    http::{Answer, Failure, Reply, Req},
    shapes::{self, Selection},
    state::{Issue, ProjectIx, World, catalog},
};

const MAY_NOT_EDIT: &str = "You do not have permission to edit issues in this project.";

pub(super) fn get(world: &World, req: &Req, key: &str) -> Answer {
    let issue = world.issue(world.find_issue(key)?)?;
    let selection = Selection::new(req.q_list("fields"), req.q_list("expand"), req.q_list("properties"), "*all");
    let mut out = shapes::issue(world, &world.view(issue), &selection);
    if selection.expands("transitions") {
        out["transitions"] = super::transition::open(world, issue);
    }
    Ok(Reply::ok(out))
}

/// Up to 100 issues at once (Cloud).
pub(super) fn bulk(world: &World, req: &Req) -> Answer {
    let body = req.object()?;
    let wanted = strings(body.get("issueIdsOrKeys"));
    if wanted.is_empty() {
        return Err(Failure::field("issueIdsOrKeys", "must not be empty"));
    }
    if wanted.len() > 100 {
        return Err(Failure::field("issueIdsOrKeys", "size must be between 1 and 100"));
    }
    let selection = Selection::new(
        strings(body.get("fields")),
        strings(body.get("expand")),
        strings(body.get("properties")),
        "*navigable",
    );
    let (mut issues, mut errors, mut seen) = (Vec::new(), Vec::new(), Vec::new());
    for reference in wanted {
        match world.find_issue(&reference).and_then(|id| world.issue(id)) {
            Ok(issue) if !seen.contains(&issue.id) => {
                seen.push(issue.id);
                issues.push(shapes::issue(world, &world.view(issue), &selection));
            }
            Ok(_) => {}
            // Atlassian lists the ids only of issues that it cannot find, and says no more.
            Err(_) => errors.push(json!({ "id": reference, "errorMessage": "Issue does not exist or you do not have permission to see it." })),
        }
    }
    Ok(Reply::ok(json!({ "issues": issues, "issueErrors": errors })))
}

fn project_of(world: &World, fields: &Map<String, Value>) -> Result<ProjectIx, Failure> {
    let given = fields.get("project").and_then(Value::as_object);
    let reference = given.and_then(|p| p.get("key").or_else(|| p.get("id"))).and_then(|v| match v {
        Value::String(s) => Some(s.clone()),
        Value::Number(n) => Some(n.to_string()),
        _ => None,
    });
    let message = if world.is_cloud() { "Specify a valid project ID or key" } else { "project is required" };
    let reference = reference.ok_or_else(|| Failure::field("project", message))?;
    world
        .find_project(&reference)
        .map_err(|_| Failure::field("project", if world.is_cloud() { message } else { "valid project is required" }))
}

fn parent_of(world: &World, fields: &Map<String, Value>) -> Result<Option<u64>, Failure> {
    let Some(parent) = fields.get("parent").filter(|p| !p.is_null()) else { return Ok(None) };
    let reference = parent.get("key").or_else(|| parent.get("id")).and_then(Value::as_str).unwrap_or_default();
    world.find_issue(reference).map(Some).map_err(|_| Failure::field("parent", "Could not find issue by id or key."))
}

pub(super) fn create(world: &mut World, req: &Req) -> Answer {
    let body = req.object()?;
    let none = Map::new();
    let fields = body.get("fields").and_then(Value::as_object).unwrap_or(&none);
    let project = project_of(world, fields)?;
    if world.switches.read_only.contains(&world.projects[project].key) {
        return Err(Failure::field("project", "You cannot create issues in this project."));
    }
    let parent = parent_of(world, fields)?;
    let mut errors = Vec::new();
    let mut edit = Edit::default();
    match edit::check(world, project, None, Some(fields), body.get("update").and_then(Value::as_object)) {
        Ok(checked) => edit = checked,
        Err(failure) => errors = failure.errors,
    }
    if !fields.contains_key("summary") {
        errors.push(("summary".into(), "You must specify a summary of the issue.".into()));
    }
    for field in world.switches.required.iter().filter(|f| !fields.contains_key(*f)) {
        errors.push((field.clone(), edit::is_required(field)));
    }
    let issue_type = edit::named(
        fields.get("issuetype").unwrap_or(&Value::Null),
        catalog::ISSUE_TYPES.iter().map(|t| (t.id, t.name)),
    );
    match issue_type.map(catalog::issue_type) {
        None => {
            errors.retain(|e| e.0 != "issuetype");
            let message = if world.is_cloud() { "Specify a valid issue type" } else { "valid issue type is required" };
            errors.push(("issuetype".into(), message.into()));
        }
        Some(t) if t.subtask && parent.is_none() => errors
            .push(("issuetype".into(), "Issue type is a sub-task but parent issue key or id not specified.".into())),
        Some(t) if !t.subtask && parent.is_some() => {
            errors.push(("issuetype".into(), "A parent was given, but the issue type is not a sub-task.".into()))
        }
        Some(_) => {}
    }
    if !errors.is_empty() {
        return Err(Failure::fields(errors));
    }
    let properties = property::listed(body.get("properties"))?;
    let extras = check_extras(world, edit.extras)?;

    let id = insert(world, project, parent, properties);
    edit::apply(world, id, edit.settings);
    world.announce(id, "issue_created");
    perform_extras(world, id, extras);
    let issue = world.issue_mut(id)?;
    issue.updated = issue.created;
    let key = issue.key.clone();
    Ok(Reply::json(201, json!({ "id": id.to_string(), "key": key, "self": world.rest(&format!("issue/{id}")) })))
}

/// Puts a bare issue into the project.
fn insert(world: &mut World, project: ProjectIx, parent: Option<u64>, properties: BTreeMap<String, Value>) -> u64 {
    let id = world.take_id();
    let (now, actor) = (world.ctx.now, world.ctx.actor);
    let lag = if world.is_cloud() { world.switches.search_lag } else { Duration::zero() };
    let p = &mut world.projects[project];
    let number = p.next_number;
    p.next_number += 1;
    let key = format!("{}-{number}", p.key);
    world.insert_issue(Issue {
        id,
        key,
        project,
        number,
        issue_type: catalog::ISSUE_TYPES[0].id,
        status: catalog::FIRST_STATUS,
        priority: catalog::DEFAULT_PRIORITY,
        resolution: None,
        resolved: None,
        summary: String::new(),
        description: Value::Null,
        environment: Value::Null,
        labels: Vec::new(),
        assignee: None,
        reporter: Some(actor),
        creator: actor,
        created: now,
        updated: now,
        due: None,
        parent,
        components: Vec::new(),
        versions: Vec::new(),
        fix_versions: Vec::new(),
        custom: BTreeMap::new(),
        comments: Vec::new(),
        worklogs: Vec::new(),
        attachments: Vec::new(),
        history: Vec::new(),
        // Jira makes who creates an issue watch it.
        watchers: vec![actor],
        voters: Vec::new(),
        remote_links: Vec::new(),
        properties,
        searchable_at: now + lag,
    });
    id
}

enum Checked {
    Comment(comment::New),
    Worklog(worklog::New),
    Link(link::New),
}

fn check_extras(world: &World, extras: Vec<Extra>) -> Result<Vec<Checked>, Failure> {
    extras
        .into_iter()
        .map(|extra| {
            Ok(match extra {
                Extra::Comment(v) => Checked::Comment(comment::check(world, &v)?),
                Extra::Worklog(v) => Checked::Worklog(worklog::check(world, &v)?),
                Extra::Link(v) => Checked::Link(link::check_update(world, &v)?),
            })
        })
        .collect()
}

fn perform_extras(world: &mut World, issue: u64, extras: Vec<Checked>) {
    for extra in extras {
        match extra {
            Checked::Comment(new) => {
                comment::insert(world, issue, new);
            }
            Checked::Worklog(new) => {
                worklog::insert(world, issue, new);
            }
            Checked::Link(new) => link::insert(world, new.of(issue)),
        }
    }
}

/// `notifyUsers=false` needs an administrator (of Jira, or of the project on Cloud).
pub(super) fn quiet(world: &mut World, req: &Req) -> Result<(), Failure> {
    if req.q_flag("notifyUsers", true) {
        return Ok(());
    }
    if !world.switches.admin {
        return Err(Failure::forbidden(
            "To discard the user notification either admin or project admin permissions are required.",
        ));
    }
    world.ctx.notify = false;
    Ok(())
}

pub(super) fn edit(world: &mut World, req: &Req, key: &str) -> Answer {
    let id = world.find_editable(key, MAY_NOT_EDIT)?;
    let body = req.object()?;
    let fields = body.get("fields").and_then(Value::as_object);
    let update = body.get("update").and_then(Value::as_object);
    if fields.is_none() && update.is_none() && !body.contains_key("properties") {
        return Err(Failure::new(400, "one of 'fields' or 'update' required"));
    }
    quiet(world, req)?;
    let before = world.issue(id)?.history.len();
    apply(world, id, fields, update, property::listed(body.get("properties"))?)?;
    lists::remember_metadata(world, id, body, before);
    if world.is_cloud() && req.q_flag("returnIssue", false) {
        let selection = Selection::new(Vec::new(), req.q_list("expand"), Vec::new(), "*all");
        return Ok(Reply::ok(shapes::issue(world, &world.view(world.issue(id)?), &selection)));
    }
    Ok(Reply::empty(204))
}

/// Checks an edit as a whole, then does it.
pub(in crate::sandbox) fn apply(
    world: &mut World,
    id: u64,
    fields: Option<&Map<String, Value>>,
    update: Option<&Map<String, Value>>,
    properties: BTreeMap<String, Value>,
) -> Result<(), Failure> {
    let issue = world.issue(id)?;
    let checked = edit::check(world, issue.project, Some(issue), fields, update)?;
    let extras = check_extras(world, checked.extras)?;
    let items = edit::apply(world, id, checked.settings);
    // An edit that changes nothing leaves `updated` alone, as at Jira.
    if !items.is_empty() {
        world.changed(id, "issue_updated", items);
    }
    if !properties.is_empty() {
        world.issue_mut(id)?.properties.extend(properties);
        world.touched();
    }
    perform_extras(world, id, extras);
    Ok(())
}

pub(super) fn assign(world: &mut World, req: &Req, key: &str) -> Answer {
    let id = world.find_editable(key, "You do not have permission to assign issues.")?;
    if world.denied("ASSIGN_ISSUES") {
        let status = if world.is_cloud() { 403 } else { 401 };
        return Err(Failure::new(status, "You do not have permission to assign issues."));
    }
    let who = edit::assignee(world, req.json()?).map_err(|m| Failure::field("assignee", m))?;
    let items = edit::apply(world, id, vec![edit::Setting::Assignee(who)]);
    if !items.is_empty() {
        world.changed(id, "issue_assigned", items);
    }
    Ok(Reply::empty(204))
}

/// Archives or restores (Data Center). An archived issue is read by its key, found by no search and changed by nobody.
pub(super) fn archive(world: &mut World, req: &Req, key: &str, archived: bool) -> Answer {
    let id = world.find_issue(key)?;
    let already = world.unkind.archived.contains(&id);
    if !world.switches.admin || already == archived {
        let word = if archived { "archived" } else { "not archived" };
        return Err(Failure::forbidden(format!("The issue is {word}, or you have no permission for this.")));
    }
    quiet(world, req)?;
    if archived {
        world.unkind.archived.insert(id);
    } else {
        world.unkind.archived.remove(&id);
    }
    world.changed(id, "issue_updated", Vec::new());
    Ok(Reply::empty(204))
}

pub(super) fn delete(world: &mut World, req: &Req, key: &str) -> Answer {
    let id = world.find_editable(key, "You do not have permission to delete issues in this project.")?;
    if world.denied("DELETE_ISSUES") {
        return Err(Failure::forbidden("You do not have permission to delete issues in this project."));
    }
    let subtasks = world.subtasks(id).to_vec();
    if !subtasks.is_empty() && !req.q_flag("deleteSubtasks", false) {
        return Err(Failure::new(
            400,
            format!(
                "The issue '{}' has subtasks.  You must specify the 'deleteSubtasks' parameter to delete this issue \
                 and all its subtasks.",
                world.issue(id)?.key
            ),
        ));
    }
    for subtask in subtasks {
        world.remove_issue(subtask);
    }
    world.remove_issue(id);
    Ok(Reply::empty(204))
}

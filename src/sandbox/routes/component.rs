//! Components: one by one, and who leads them.

use serde_json::{Value, json};

use crate::sandbox::{
    http::{Answer, Failure, Reply, Req},
    shapes,
    state::{Named, ProjectIx, UserIx, World},
};

const ASSIGNEE_TYPES: [&str; 4] = ["PROJECT_DEFAULT", "COMPONENT_LEAD", "PROJECT_LEAD", "UNASSIGNED"];

/// A component by id, where the actor may see its project.
fn find(world: &World, id: &str) -> Result<(ProjectIx, usize), Failure> {
    world
        .projects
        .iter()
        .enumerate()
        .filter(|(p, _)| !world.is_hidden(*p))
        .find_map(|(p, project)| project.components.iter().position(|c| c.id.to_string() == id).map(|at| (p, at)))
        .ok_or_else(|| Failure::new(404, format!("The component with id {id} does not exist.")))
}

/// Only who administers the project may change its components, versions and roles.
pub(super) fn administers(world: &World, project: ProjectIx) -> Result<(), Failure> {
    if world.switches.admin && !world.switches.read_only.contains(&world.projects[project].key) {
        return Ok(());
    }
    Err(Failure::forbidden("You cannot edit the configuration of this project."))
}

fn shape(world: &World, (project, at): (ProjectIx, usize)) -> Value {
    shapes::component(world, project, &world.projects[project].components[at])
}

/// The project that a body names by `project` (key) or `projectId`.
pub(super) fn project_of(world: &World, body: &serde_json::Map<String, Value>) -> Result<ProjectIx, Failure> {
    let given = body.get("project").or_else(|| body.get("projectId"));
    let reference = match given {
        Some(Value::String(s)) => s.clone(),
        Some(Value::Number(n)) => n.to_string(),
        _ => return Err(Failure::field("project", "The project is required.")),
    };
    world.find_project(&reference)
}

/// `Some(None)` takes the lead away, `None` leaves it.
fn lead(world: &World, body: &serde_json::Map<String, Value>) -> Result<Option<Option<UserIx>>, Failure> {
    let member = if world.is_cloud() { "leadAccountId" } else { "leadUserName" };
    match body.get(member) {
        None => Ok(None),
        Some(Value::Null) => Ok(Some(None)),
        Some(Value::String(s)) if s.is_empty() => Ok(Some(None)),
        Some(Value::String(s)) => world
            .find_user(s)
            .filter(|&u| !world.user(u).deleted)
            .map(|u| Some(Some(u)))
            .ok_or_else(|| Failure::field(member, "The user does not exist.")),
        Some(_) => Err(Failure::field(member, "expected a string")),
    }
}

pub(super) fn get(world: &World, id: &str) -> Answer {
    Ok(Reply::ok(shape(world, find(world, id)?)))
}

pub(super) fn counts(world: &World, id: &str) -> Answer {
    let (project, at) = find(world, id)?;
    let c = world.projects[project].components[at].id;
    let count = world.issues.values().filter(|i| i.components.contains(&c)).count();
    Ok(Reply::ok(json!({ "self": world.rest(&format!("component/{c}")), "issueCount": count })))
}

fn checked_name(value: Option<&Value>) -> Result<Option<String>, Failure> {
    match value {
        None => Ok(None),
        Some(v) => match v.as_str().map(str::trim).filter(|s| !s.is_empty() && s.chars().count() <= 255) {
            Some(name) => Ok(Some(name.to_owned())),
            None => Err(Failure::field("name", "The component name specified is invalid.")),
        },
    }
}

pub(super) fn create(world: &mut World, req: &Req) -> Answer {
    let body = req.object()?;
    let project = project_of(world, body)?;
    administers(world, project)?;
    let name = checked_name(body.get("name"))?
        .ok_or_else(|| Failure::field("name", "The component name specified is invalid."))?;
    if world.projects[project].components.iter().any(|c| c.name.eq_ignore_ascii_case(&name)) {
        return Err(Failure::field(
            "name",
            format!("A component with the name {name} already exists in this project."),
        ));
    }
    if let Some(kind) = body.get("assigneeType").and_then(Value::as_str).filter(|k| !ASSIGNEE_TYPES.contains(k)) {
        return Err(Failure::field("assigneeType", format!("'{kind}' is not an assignee type.")));
    }
    let lead = lead(world, body)?.flatten();
    let description = body.get("description").and_then(Value::as_str).unwrap_or_default().to_owned();
    let id = world.take_id();
    world.extras.component_leads.insert(id, lead);
    world.projects[project].components.push(Named { id, name: name.clone(), description });
    world.audit("Project component created", "projects", ("PROJECT_COMPONENT", id.to_string(), name), Vec::new());
    let at = world.projects[project].components.len() - 1;
    Ok(Reply::json(201, shape(world, (project, at))))
}

pub(super) fn edit(world: &mut World, req: &Req, id: &str) -> Answer {
    let (project, at) = find(world, id)?;
    administers(world, project)?;
    let body = req.object()?;
    let (name, lead) = (checked_name(body.get("name"))?, lead(world, body)?);
    let mut changes = Vec::new();
    let c = &mut world.projects[project].components[at];
    let number = c.id;
    if let Some(name) = name {
        changes.push(("Name".to_owned(), std::mem::replace(&mut c.name, name.clone()), name));
    }
    if let Some(text) = body.get("description").and_then(Value::as_str) {
        changes.push((
            "Description".to_owned(),
            std::mem::replace(&mut c.description, text.to_owned()),
            text.to_owned(),
        ));
    }
    let title = c.name.clone();
    if let Some(lead) = lead {
        let name_of =
            |world: &World, u: Option<UserIx>| u.map(|u| world.user(u).display_name.clone()).unwrap_or_default();
        let before = name_of(world, world.component_lead(project, number));
        changes.push(("Component Lead".to_owned(), before, name_of(world, lead)));
        world.extras.component_leads.insert(number, lead);
    }
    world.audit("Project component updated", "projects", ("PROJECT_COMPONENT", id.to_owned(), title), changes);
    Ok(Reply::ok(shape(world, (project, at))))
}

pub(super) fn delete(world: &mut World, req: &Req, id: &str) -> Answer {
    let (project, at) = find(world, id)?;
    administers(world, project)?;
    let heir = match req.q("moveIssuesTo") {
        None => None,
        Some(other) => {
            let (p, at) = find(world, other)?;
            Some(world.projects[p].components[at].id)
        }
    };
    let gone = world.projects[project].components.remove(at);
    world.extras.component_leads.remove(&gone.id);
    for issue in world.issues.values_mut().filter(|i| i.components.contains(&gone.id)) {
        issue.components.retain(|c| *c != gone.id);
        if let Some(heir) = heir.filter(|h| !issue.components.contains(h)) {
            issue.components.push(heir);
        }
    }
    world.audit("Project component deleted", "projects", ("PROJECT_COMPONENT", id.to_owned(), gone.name), Vec::new());
    Ok(Reply::empty(204))
}

//! Transitions of the workflow.

use serde_json::{Value, json};

use super::{issue, lists};
use crate::sandbox::{
    http::{Answer, Failure, Reply, Req},
    shapes,
    state::{
        Change, Issue, Workflow, World,
        catalog::{self, Transition},
    },
};

/// Whether the actor has a transition from where an issue stands: the workflow has it, its conditions are met.
fn is_open(world: &World, issue: &Issue, t: &Transition) -> bool {
    let from = t.from.is_empty() || t.from.contains(&issue.status);
    let dead = world.switches.workflow == Workflow::DeadEnd && issue.status == catalog::DONE_STATUS;
    let condition = t.id != catalog::FINISH || issue.assignee == Some(world.ctx.actor);
    from && !dead && condition && !world.denied("TRANSITION_ISSUES")
}

fn transitions(world: &World) -> &'static [Transition] {
    if world.switches.workflow == Workflow::Open { catalog::TRANSITIONS } else { catalog::STRICT }
}

/// All transitions that an issue has from where it stands. One whose condition is not met is not listed.
pub(super) fn open(world: &World, issue: &Issue) -> Value {
    transitions(world)
        .iter()
        .filter(|t| is_open(world, issue, t))
        .map(|t| {
            let mut one = json!({ "id": t.id.to_string(), "name": t.name, "to": shapes::status(world, t.to) });
            if world.is_cloud() {
                one["hasScreen"] = false.into();
                one["isGlobal"] = t.from.is_empty().into();
                one["isInitial"] = false.into();
                one["isAvailable"] = true.into();
                one["isConditional"] = false.into();
                one["looped"] = false.into();
            }
            one
        })
        .collect()
}

pub(super) fn list(world: &World, key: &str) -> Answer {
    let issue = world.issue(world.find_issue(key)?)?;
    let shown = if world.may_edit(issue) { open(world, issue) } else { json!([]) };
    Ok(Reply::ok(json!({ "expand": "transitions", "transitions": shown })))
}

pub(super) fn perform(world: &mut World, req: &Req, key: &str) -> Answer {
    let id = world.find_editable(key, "You do not have permission to transition this issue.")?;
    let body = req.object()?;
    let given = body.get("transition").and_then(|t| t.get("id"));
    let given = given.map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned));
    let Some(given) = given else {
        return Err(Failure::new(400, "Missing 'transition' identifier"));
    };
    let issue = world.issue(id)?;
    let found = transitions(world).iter().find(|t| t.id.to_string() == given && is_open(world, issue, t));
    let Some(transition) = found else {
        return Err(Failure::new(
            400,
            format!(
                "It seems that you have tried to perform an illegal workflow operation: transition id '{given}' is not valid for this issue."
            ),
        ));
    };
    let fields = body.get("fields").and_then(Value::as_object);
    let update = body.get("update").and_then(Value::as_object);
    let commented = update.is_some_and(|u| u.contains_key("comment"));
    if transition.id == catalog::FINISH && !commented && !fields.is_some_and(|f| f.contains_key("resolution")) {
        return Err(Failure::field("resolution", "Resolution is required."));
    }
    // The resolution is set by the transition itself.
    let mut fields = fields.cloned().unwrap_or_default();
    fields.shift_remove("resolution");
    let before = world.issue(id)?.history.len();
    issue::apply(world, id, Some(&fields), update, std::collections::BTreeMap::new())?;
    let items = go(world, id, transition.to);
    world.changed(id, "issue_updated", items);
    lists::remember_metadata(world, id, body, before);
    Ok(Reply::empty(204))
}

/// Moves an issue; entering Done resolves it, leaving Done opens it again.
fn go(world: &mut World, id: u64, to: u64) -> Vec<Change> {
    let now = world.ctx.now;
    let Some(i) = world.issues.get_mut(&id) else { return Vec::new() };
    let mut items = Vec::new();
    let status = |s: u64| (Some(s.to_string()), Some(catalog::status(s).name.to_owned()));
    if i.status != to {
        items.push(Change::system("status", status(i.status), status(to)));
        i.status = to;
    }
    let resolution = (to == catalog::DONE_STATUS).then_some(catalog::RESOLUTIONS[0].0);
    if i.resolution != resolution {
        let name = |r: Option<u64>| (r.map(|r| r.to_string()), r.map(|r| catalog::resolution_name(r).to_owned()));
        items.push(Change::system("resolution", name(i.resolution), name(resolution)));
        i.resolution = resolution;
        i.resolved = resolution.map(|_| now);
    }
    items
}

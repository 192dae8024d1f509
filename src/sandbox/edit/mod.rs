//! Changing the fields of an issue: check every value first (`values`), then put them on and say what the history will
//! show (`apply`).
//!
//! Owns validation and its messages. Must not write history itself (that is [`World::changed`]).

mod apply;
mod values;

pub(super) use apply::{apply, user_pair};
use serde_json::{Map, Value};
use values::set;
pub(super) use values::{assignee, is_required, named, rich_value};

use super::{
    http::Failure,
    state::{Custom, Issue, ProjectIx, UserIx, World},
};

/// A checked new value of one field.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Setting {
    Summary(String),
    Description(Value),
    Environment(Value),
    Labels(Vec<String>),
    Assignee(Option<UserIx>),
    Reporter(UserIx),
    Priority(u64),
    Type(u64),
    Due(Option<String>),
    Components(Vec<u64>),
    Versions(Vec<u64>),
    FixVersions(Vec<u64>),
    Custom(&'static str, Option<Custom>),
}

/// What `update` can ask beyond fields of the issue itself.
#[derive(Debug)]
pub(super) enum Extra {
    Comment(Value),
    Worklog(Value),
    Link(Value),
}

/// A whole checked edit.
#[derive(Debug, Default)]
pub(super) struct Edit {
    pub(super) settings: Vec<Setting>,
    pub(super) extras: Vec<Extra>,
}

/// Checks `fields` and `update` of a create or an edit. `issue` is the issue as it is, for the verbs.
///
/// # Errors
/// All field errors at once, as Jira gives them.
pub(super) fn check(
    world: &World,
    project: ProjectIx,
    issue: Option<&Issue>,
    fields: Option<&Map<String, Value>>,
    update: Option<&Map<String, Value>>,
) -> Result<Edit, Failure> {
    let mut edit = Edit::default();
    let mut errors: Vec<(String, String)> = Vec::new();
    for (id, value) in fields.into_iter().flatten() {
        if issue.is_none() && matches!(id.as_str(), "project" | "parent") {
            continue;
        }
        if update.is_some_and(|u| u.contains_key(id)) {
            errors.push((
                id.clone(),
                format!("Field '{id}' cannot appear in both 'fields' and 'update'. Please use only one of them."),
            ));
            continue;
        }
        match set(world, project, id, value) {
            Ok(setting) => edit.settings.push(setting),
            Err(message) => errors.push((id.clone(), message)),
        }
    }
    for (id, operations) in update.into_iter().flatten() {
        let Some(operations) = operations.as_array() else {
            errors.push((id.clone(), "Operations must be an array.".to_owned()));
            continue;
        };
        match verbs(world, project, issue, id, operations, &mut edit.extras) {
            Ok(settings) => edit.settings.extend(settings),
            Err(message) => errors.push((id.clone(), message)),
        }
    }
    if errors.is_empty() { Ok(edit) } else { Err(Failure::fields(errors)) }
}

fn verbs(
    world: &World,
    project: ProjectIx,
    issue: Option<&Issue>,
    id: &str,
    operations: &[Value],
    extras: &mut Vec<Extra>,
) -> Result<Option<Setting>, String> {
    let mut current: Option<Setting> = None;
    for operation in operations {
        let Some((verb, value)) = operation.as_object().and_then(|o| o.iter().next()) else {
            return Err("An operation must be an object with one verb.".to_owned());
        };
        match (id, verb.as_str()) {
            ("comment", "add") => extras.push(Extra::Comment(value.clone())),
            ("worklog", "add") => extras.push(Extra::Worklog(value.clone())),
            ("issuelinks", "add") => extras.push(Extra::Link(value.clone())),
            (_, "set") => current = Some(set(world, project, id, value)?),
            (_, "add" | "remove") => {
                let one = set(world, project, id, &Value::Array(vec![value.clone()]))?;
                let before = match current.take() {
                    Some(setting) => setting,
                    None => now(issue, &one),
                };
                current = Some(
                    merge(before, one, verb == "add")
                        .ok_or_else(|| format!("Field '{id}' does not support operation '{verb}'"))?,
                );
            }
            _ => return Err(format!("Field '{id}' does not support operation '{verb}'")),
        }
    }
    let empty = match &current {
        Some(Setting::Labels(list)) => list.is_empty(),
        Some(Setting::Components(list) | Setting::Versions(list) | Setting::FixVersions(list)) => list.is_empty(),
        Some(Setting::Custom(_, value)) => value.is_none(),
        _ => false,
    };
    if empty && world.switches.required.contains(id) { Err(values::is_required(id)) } else { Ok(current) }
}

/// The present value of the list field that `like` belongs to.
fn now(issue: Option<&Issue>, like: &Setting) -> Setting {
    let Some(i) = issue else {
        return match like {
            Setting::Labels(_) => Setting::Labels(Vec::new()),
            Setting::Components(_) => Setting::Components(Vec::new()),
            Setting::Versions(_) => Setting::Versions(Vec::new()),
            Setting::FixVersions(_) => Setting::FixVersions(Vec::new()),
            Setting::Custom(id, Some(Custom::Users(_))) => Setting::Custom(id, Some(Custom::Users(Vec::new()))),
            Setting::Custom(id, Some(Custom::Other(Value::Array(_)))) => Setting::Custom(id, None),
            other => other.clone(),
        };
    };
    match like {
        Setting::Labels(_) => Setting::Labels(i.labels.clone()),
        Setting::Components(_) => Setting::Components(i.components.clone()),
        Setting::Versions(_) => Setting::Versions(i.versions.clone()),
        Setting::FixVersions(_) => Setting::FixVersions(i.fix_versions.clone()),
        Setting::Custom(id, Some(Custom::Users(_))) => {
            let users = match i.custom.get(*id) {
                Some(Custom::Users(u)) => u.clone(),
                _ => Vec::new(),
            };
            Setting::Custom(id, Some(Custom::Users(users)))
        }
        Setting::Custom(id, Some(Custom::Other(Value::Array(_)))) => Setting::Custom(id, i.custom.get(*id).cloned()),
        other => other.clone(),
    }
}

fn merge(before: Setting, one: Setting, add: bool) -> Option<Setting> {
    fn join<T: PartialEq>(mut list: Vec<T>, one: Vec<T>, add: bool) -> Vec<T> {
        for item in one {
            if !add {
                list.retain(|x| *x != item);
            } else if !list.contains(&item) {
                list.push(item);
            }
        }
        list
    }
    Some(match (before, one) {
        (Setting::Labels(a), Setting::Labels(b)) => Setting::Labels(join(a, b, add)),
        (Setting::Components(a), Setting::Components(b)) => Setting::Components(join(a, b, add)),
        (Setting::Versions(a), Setting::Versions(b)) => Setting::Versions(join(a, b, add)),
        (Setting::FixVersions(a), Setting::FixVersions(b)) => Setting::FixVersions(join(a, b, add)),
        (Setting::Custom(id, a), Setting::Custom(_, Some(Custom::Users(b)))) => {
            let a = match a {
                Some(Custom::Users(a)) => a,
                _ => Vec::new(),
            };
            let users = join(a, b, add);
            Setting::Custom(id, (!users.is_empty()).then_some(Custom::Users(users)))
        }
        (Setting::Custom(id, a), Setting::Custom(_, Some(Custom::Other(Value::Array(b))))) => {
            let a = match a {
                Some(Custom::Other(Value::Array(a))) => a,
                _ => Vec::new(),
            };
            let list = join(a, b, add);
            Setting::Custom(id, (!list.is_empty()).then(|| Custom::Other(list.into())))
        }
        _ => return None,
    })
}

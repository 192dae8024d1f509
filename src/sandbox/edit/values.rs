//! One new value of one field: is it of the right kind, does what it names exist. Jira's messages where not.

use chrono::NaiveDate;
use serde_json::Value;

use super::Setting;
use crate::sandbox::{
    custom,
    fields::{self, CUSTOM_TEXT, CUSTOM_USER, CUSTOM_USERS},
    rich,
    state::{Custom, Named, ProjectIx, UserIx, World, catalog},
};

const NOT_ON_SCREEN: &str = "cannot be set. It is not on the appropriate screen, or unknown.";

/// What Jira says of a required field that is empty.
pub(in crate::sandbox) fn is_required(id: &str) -> String {
    format!("{} is required.", fields::by_id(id).map_or(id, |f| f.name))
}

/// Checks one new value.
pub(super) fn set(world: &World, project: ProjectIx, id: &str, value: &Value) -> Result<Setting, String> {
    if !fields::by_id(id).is_some_and(|f| f.editable) {
        return Err(format!("Field '{id}' {NOT_ON_SCREEN}"));
    }
    if world.switches.off_screen.contains(id) {
        return Err(format!("Field '{id}' {NOT_ON_SCREEN}"));
    }
    // A field that one may not set is treated as one that is not on the screen, as at Jira.
    let permission = match id {
        "reporter" => "MODIFY_REPORTER",
        "assignee" => "ASSIGN_ISSUES",
        _ => "EDIT_ISSUES",
    };
    if world.denied(permission) {
        return Err(format!("Field '{id}' {NOT_ON_SCREEN}"));
    }
    let empty = match value {
        Value::Null => true,
        Value::String(s) => s.trim().is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => false,
    };
    if empty && world.switches.required.contains(id) {
        return Err(is_required(id));
    }
    Ok(match id {
        "summary" => Setting::Summary(summary(world, value)?),
        "description" => Setting::Description(rich_value(world, value)?),
        "environment" => Setting::Environment(rich_value(world, value)?),
        "labels" => Setting::Labels(labels(value)?),
        "assignee" => Setting::Assignee(assignee(world, value)?),
        "reporter" => Setting::Reporter(user(world, value)?.ok_or("Reporter is required.")?),
        "priority" => Setting::Priority(
            named(value, catalog::PRIORITIES.iter().map(|p| (p.0, p.1))).ok_or("The priority selected is invalid.")?,
        ),
        "issuetype" => Setting::Type(
            named(value, catalog::ISSUE_TYPES.iter().map(|t| (t.id, t.name)))
                .ok_or("The issue type selected is invalid.")?,
        ),
        "duedate" => Setting::Due(due(value)?),
        "components" => Setting::Components(members(value, &world.projects[project].components, "Component")?),
        "versions" => Setting::Versions(members(value, &world.projects[project].versions, "Version")?),
        "fixVersions" => Setting::FixVersions(members(value, &world.projects[project].versions, "Version")?),
        CUSTOM_TEXT => Setting::Custom(CUSTOM_TEXT, plain(value)?.map(Custom::Text)),
        CUSTOM_USER => Setting::Custom(CUSTOM_USER, user(world, value)?.map(Custom::User)),
        CUSTOM_USERS => Setting::Custom(CUSTOM_USERS, users(world, value)?),
        _ => match fields::by_id(id).filter(|f| !f.custom.is_empty()) {
            Some(field) => Setting::Custom(field.id, custom::read(world, field, value)?),
            None => return Err(format!("Field '{id}' {NOT_ON_SCREEN}")),
        },
    })
}

fn summary(world: &World, value: &Value) -> Result<String, String> {
    let text = match value {
        Value::String(s) => s.trim(),
        Value::Null => "",
        _ => return Err("Operation value must be a string".to_owned()),
    };
    if text.is_empty() {
        return Err("You must specify a summary of the issue.".to_owned());
    }
    if text.contains(['\n', '\r']) {
        return Err("The summary is invalid because it contains newline characters.".to_owned());
    }
    if text.chars().count() > 255 {
        return Err(if world.is_cloud() {
            "Summary can't exceed 255 characters.".to_owned()
        } else {
            "Summary must be less than 255 characters.".to_owned()
        });
    }
    Ok(text.to_owned())
}

/// Checks rich text of this request's dialect; gives what is kept.
///
/// # Errors
/// Jira's message.
pub(in crate::sandbox) fn rich_value(world: &World, value: &Value) -> Result<Value, String> {
    let kept = match value {
        Value::Null => return Ok(Value::Null),
        Value::String(s) if s.is_empty() && !world.speaks_adf() => return Ok(Value::Null),
        Value::String(s) if !world.is_cloud() => Value::String(s.clone()),
        Value::String(s) if !world.speaks_adf() => rich::adf(world, s),
        _ if !world.speaks_adf() => return Err("Operation value must be a string".to_owned()),
        doc => match rich::adf_fault(doc) {
            None => doc.clone(),
            Some(fault) => return Err(fault.to_owned()),
        },
    };
    if rich::text(&kept).chars().count() > rich::TEXT_LIMIT {
        return Err(if world.is_cloud() {
            "CONTENT_LIMIT_EXCEEDED".to_owned()
        } else {
            "The entered text is too long. It exceeds the allowed limit of 32,767 characters.".to_owned()
        });
    }
    Ok(kept)
}

fn plain(value: &Value) -> Result<Option<String>, String> {
    match value {
        Value::Null => Ok(None),
        Value::String(s) if s.is_empty() => Ok(None),
        // A single-line text field takes 255 characters on Cloud and Data Center alike.
        Value::String(s) if s.chars().count() > 255 => {
            Err("The entered text is too long. It exceeds the allowed limit of 255 characters.".to_owned())
        }
        Value::String(s) => Ok(Some(s.clone())),
        _ => Err("Operation value must be a string".to_owned()),
    }
}

fn labels(value: &Value) -> Result<Vec<String>, String> {
    let list = match value {
        Value::Null => return Ok(Vec::new()),
        Value::Array(list) => list,
        _ => return Err("data was not an array".to_owned()),
    };
    let mut out: Vec<String> = Vec::new();
    for label in list {
        let label = label.as_str().ok_or("string expected at index 0")?;
        if label.contains(char::is_whitespace) {
            return Err(format!("The label '{label}' contains spaces which is invalid."));
        }
        if label.chars().count() > 255 {
            return Err(format!("The label '{label}' exceeds the maximum length for a single label (255 characters)."));
        }
        if !label.is_empty() && !out.iter().any(|l| l == label) {
            out.push(label.to_owned());
        }
    }
    // Jira keeps labels as a sorted set.
    out.sort();
    Ok(out)
}

fn due(value: &Value) -> Result<Option<String>, String> {
    match value {
        Value::Null => Ok(None),
        Value::String(s) if s.is_empty() => Ok(None),
        Value::String(s) if NaiveDate::parse_from_str(s, "%Y-%m-%d").is_ok() => Ok(Some(s.clone())),
        other => Err(format!("Error parsing date string: {}", other.as_str().unwrap_or_default())),
    }
}

/// A user reference of this flavour's kind: `accountId` (or `id`) on Cloud, `name` on Data Center.
///
/// # Errors
/// Jira's message for a reference of another kind or an unknown user.
fn user(world: &World, value: &Value) -> Result<Option<UserIx>, String> {
    let map = match value {
        Value::Null => return Ok(None),
        Value::Object(map) => map,
        _ => return Err("data was not an object".to_owned()),
    };
    let names: &[&str] = if world.is_cloud() { &["accountId", "id"] } else { &["name"] };
    let Some(given) = names.iter().find_map(|n| map.get(*n)) else {
        return Err(if world.is_cloud() {
            "expected 'id' property to be present".to_owned()
        } else {
            "expected 'name' property to be present".to_owned()
        });
    };
    let id = match given {
        Value::Null => return Ok(None),
        Value::String(s) if s.is_empty() => return Ok(None),
        Value::String(s) => s,
        _ => return Err("expected a string".to_owned()),
    };
    let found = if world.is_cloud() { world.find_user_by_id(id) } else { world.find_user_by_name(id) };
    found.filter(|&u| !world.user(u).deleted).map(Some).ok_or_else(|| {
        if world.is_cloud() { "Specify a valid user.".to_owned() } else { format!("User '{id}' does not exist.") }
    })
}

/// A user who can be assigned.
///
/// # Errors
/// Jira's message.
pub(in crate::sandbox) fn assignee(world: &World, value: &Value) -> Result<Option<UserIx>, String> {
    let automatic =
        value.get(if world.is_cloud() { "accountId" } else { "name" }).and_then(Value::as_str) == Some("-1");
    if automatic {
        return Ok(None);
    }
    let found = user(world, value)?;
    if let Some(u) = found.filter(|&u| !world.user(u).active) {
        let user = world.user(u);
        let who = if world.is_cloud() { &user.display_name } else { &user.name };
        return Err(format!("User '{who}' cannot be assigned issues."));
    }
    Ok(found)
}

fn users(world: &World, value: &Value) -> Result<Option<Custom>, String> {
    let list = match value {
        Value::Null => return Ok(None),
        Value::Array(list) => list,
        _ => return Err("data was not an array".to_owned()),
    };
    let mut out = Vec::new();
    for one in list {
        if let Some(u) = user(world, one)?.filter(|u| !out.contains(u)) {
            out.push(u);
        }
    }
    Ok((!out.is_empty()).then_some(Custom::Users(out)))
}

/// The id of a thing given as `{"id": …}` or `{"name": …}`.
pub(in crate::sandbox) fn named<'a>(value: &Value, all: impl Iterator<Item = (u64, &'a str)>) -> Option<u64> {
    let id = value.get("id").map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned));
    let name = value.get("name").and_then(Value::as_str);
    let mut all = all;
    all.find(|(i, n)| match &id {
        Some(id) => i.to_string() == *id,
        None => name.is_some_and(|name| n.eq_ignore_ascii_case(name)),
    })
    .map(|(i, _)| i)
}

fn members(value: &Value, all: &[Named], what: &str) -> Result<Vec<u64>, String> {
    let list = match value {
        Value::Null => return Ok(Vec::new()),
        Value::Array(list) => list,
        _ => return Err("data was not an array".to_owned()),
    };
    let mut out = Vec::new();
    for one in list {
        let id = named(one, all.iter().map(|n| (n.id, n.name.as_str()))).ok_or_else(|| {
            let given = one.get("name").or_else(|| one.get("id")).and_then(Value::as_str).unwrap_or_default();
            format!("{what} name '{given}' is not valid")
        })?;
        if !out.contains(&id) {
            out.push(id);
        }
    }
    Ok(out)
}

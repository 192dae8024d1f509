//! Custom fields beyond one line of text and users: groups, long text, addresses, options, labels, cascades, numbers, dates.
//!
//! Owns what such a field takes, how it looks and what the history says of it. Their values are kept as JSON without any
//! address of the server; options are fixed. JQL does not know these fields, but `text ~` finds their words.

use serde_json::{Value, json};

use super::{
    edit::rich_value,
    fields::Field,
    rich, shapes,
    state::{Custom, GROUPS, World},
};

const OPTIONS: [(u64, &str); 3] = [(10_200, "North"), (10_201, "South"), (10_202, "West")];
/// Children of the first option, in a cascading field.
const CHILDREN: [(u64, &str); 2] = [(10_210, "Coast"), (10_211, "Hills")];

fn option(world: &World, (id, value): (u64, &str)) -> Value {
    let mut out =
        json!({ "self": world.rest(&format!("customFieldOption/{id}")), "value": value, "id": id.to_string() });
    if !world.is_cloud() {
        out["disabled"] = false.into();
    }
    out
}

/// The options that a field allows; `Null` where it allows anything.
pub(super) fn allowed(world: &World, field: &Field) -> Value {
    match field.kind_of_custom() {
        "select" | "multiselect" => OPTIONS.iter().map(|&o| option(world, o)).collect(),
        "cascadingselect" => OPTIONS
            .iter()
            .map(|&o| {
                let mut one = option(world, o);
                if o.0 == OPTIONS[0].0 {
                    one["children"] = CHILDREN.iter().map(|&c| option(world, c)).collect();
                }
                one
            })
            .collect(),
        _ => Value::Null,
    }
}

fn pick(all: &[(u64, &str)], value: &Value) -> Result<u64, String> {
    let id = value.get("id").map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned));
    let name = value.get("value").and_then(Value::as_str);
    all.iter()
        .find(|(i, v)| id.as_ref().map_or_else(|| name == Some(*v), |id| i.to_string() == *id))
        .map(|o| o.0)
        .ok_or_else(|| {
            let given = id.as_deref().or(name).unwrap_or_default();
            format!("Option value '{given}' is not valid")
        })
}

fn group(value: &Value) -> Result<Value, String> {
    let known = GROUPS.iter().find(|g| {
        value.get("name").and_then(Value::as_str) == Some(g.0)
            || value.get("groupId").and_then(Value::as_str).is_some_and(|id| id == shapes::group_id(g.0))
    });
    known.map(|g| json!(g.0)).ok_or_else(|| "The group does not exist.".to_owned())
}

fn members(value: &Value, one: impl Fn(&Value) -> Result<Value, String>) -> Result<Value, String> {
    let list = value.as_array().ok_or("data was not an array")?;
    let mut out: Vec<Value> = Vec::new();
    for member in list {
        let member = one(member)?;
        if !out.contains(&member) {
            out.push(member);
        }
    }
    Ok(out.into())
}

/// Checks a new value; `None` empties the field.
///
/// # Errors
/// Jira's message.
pub(super) fn read(world: &World, field: &Field, value: &Value) -> Result<Option<Custom>, String> {
    if value.is_null() || value.as_str() == Some("") {
        return Ok(None);
    }
    let text = || value.as_str().map(str::to_owned).ok_or("Operation value must be a string");
    let kept = match field.kind_of_custom() {
        "textarea" => rich_value(world, value)?,
        "url" => {
            let address = text()?;
            if !address.contains("://") {
                return Err("Not a valid URL".to_owned());
            }
            address.into()
        }
        "grouppicker" => group(value)?,
        "multigrouppicker" => members(value, group)?,
        "select" => pick(&OPTIONS, value)?.into(),
        "multiselect" => members(value, |v| pick(&OPTIONS, v).map(Value::from))?,
        "labels" => members(value, |v| match v.as_str() {
            Some(label) if !label.is_empty() && !label.contains(char::is_whitespace) => Ok(label.into()),
            _ => Err("The label contains spaces which is invalid.".to_owned()),
        })?,
        "cascadingselect" => {
            let parent = pick(&OPTIONS, value)?;
            match value.get("child").filter(|c| !c.is_null()) {
                None => json!([parent]),
                Some(_) if parent != OPTIONS[0].0 => return Err("The option has no children".to_owned()),
                Some(child) => json!([parent, pick(&CHILDREN, child)?]),
            }
        }
        "float" => value.as_f64().map(Value::from).ok_or("Operation value must be a number")?,
        "datepicker" => {
            let date = text()?;
            chrono::NaiveDate::parse_from_str(&date, "%Y-%m-%d")
                .map_err(|_| format!("Error parsing date string: {date}"))?;
            date.into()
        }
        "datetime" => {
            let time = text()?;
            let parsed = chrono::DateTime::parse_from_str(&time, "%Y-%m-%dT%H:%M:%S%.3f%z")
                .map_err(|_| format!("Error parsing time: {time}"))?;
            shapes::time(parsed.with_timezone(&chrono::Utc)).into()
        }
        other => return Err(format!("a field of type {other} cannot be set here")),
    };
    Ok((!kept.is_null() && kept.as_array().is_none_or(|l| !l.is_empty())).then_some(Custom::Other(kept)))
}

fn name_of(id: &Value) -> &'static str {
    OPTIONS.iter().chain(&CHILDREN).find(|o| Some(o.0) == id.as_u64()).map_or("", |o| o.1)
}

/// A kept value as an issue shows it.
pub(super) fn shape(world: &World, field: &Field, kept: &Value) -> Value {
    let one = |id: &Value| option(world, (id.as_u64().unwrap_or_default(), name_of(id)));
    let group = |name: &Value| {
        let name = name.as_str().unwrap_or_default();
        let id = shapes::group_id(name);
        if world.is_cloud() {
            json!({ "name": name, "groupId": id, "self": world.rest(&format!("group?groupId={id}")) })
        } else {
            json!({ "name": name, "self": world.rest(&format!("group?groupname={}", shapes::encode(name))) })
        }
    };
    let list = || kept.as_array().into_iter().flatten();
    match field.kind_of_custom() {
        "textarea" => shapes::rich_body(world, kept),
        "grouppicker" => group(kept),
        "multigrouppicker" => list().map(group).collect(),
        "select" => one(kept),
        "multiselect" => list().map(one).collect(),
        "cascadingselect" => {
            let mut out = list().next().map_or(Value::Null, one);
            if let Some(child) = list().nth(1) {
                out["child"] = one(child);
            }
            out
        }
        _ => kept.clone(),
    }
}

/// A kept value as text: for the history, the search and byte searches.
pub(super) fn text(kept: &Value) -> String {
    match kept {
        Value::Object(_) => rich::text(kept),
        Value::String(s) => s.clone(),
        Value::Array(list) => list.iter().map(text).collect::<Vec<_>>().join(", "),
        // A number may be an option; a field of numbers shows them as they are.
        other if !name_of(other).is_empty() => name_of(other).to_owned(),
        other => other.to_string(),
    }
}

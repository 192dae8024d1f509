//! Changing the fields of an issue: check every value first, then apply, and say what the history will show.
//!
//! Owns validation and its messages. Must not write history itself (that is [`World::changed`]).

use chrono::NaiveDate;
use serde_json::{Map, Value};

use super::{
    fields::{self, CUSTOM_TEXT, CUSTOM_USER, CUSTOM_USERS},
    http::Failure,
    rich,
    state::{Change, Custom, Issue, Named, ProjectIx, UserIx, World, catalog},
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

const NOT_ON_SCREEN: &str = "cannot be set. It is not on the appropriate screen, or unknown.";

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
    Ok(current)
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
        _ => return None,
    })
}

/// Checks one new value.
fn set(world: &World, project: ProjectIx, id: &str, value: &Value) -> Result<Setting, String> {
    if !fields::by_id(id).is_some_and(|f| f.editable) {
        return Err(format!("Field '{id}' {NOT_ON_SCREEN}"));
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
        _ => return Err(format!("Field '{id}' {NOT_ON_SCREEN}")),
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
pub(super) fn rich_value(world: &World, value: &Value) -> Result<Value, String> {
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
pub(super) fn user(world: &World, value: &Value) -> Result<Option<UserIx>, String> {
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
pub(super) fn assignee(world: &World, value: &Value) -> Result<Option<UserIx>, String> {
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
pub(super) fn named<'a>(value: &Value, all: impl Iterator<Item = (u64, &'a str)>) -> Option<u64> {
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

impl Change {
    /// A change of a system field.
    pub(super) fn system(
        field: &str,
        from: (Option<String>, Option<String>),
        to: (Option<String>, Option<String>),
    ) -> Self {
        Self {
            field: field.to_owned(),
            field_id: fields::by_id(field).map(|f| f.id.to_owned()),
            custom: false,
            from: from.0,
            from_string: from.1,
            to: to.0,
            to_string: to.1,
        }
    }

    /// The same with the field's id, where it is not called as in the history.
    pub(super) fn with_id(mut self, id: &str) -> Self {
        self.field_id = Some(id.to_owned());
        self
    }
}

fn text_pair(text: &str) -> (Option<String>, Option<String>) {
    (None, (!text.is_empty()).then(|| text.to_owned()))
}

/// A user as the history names them: id and display name.
pub(super) fn user_pair(world: &World, user: Option<UserIx>) -> (Option<String>, Option<String>) {
    user.map_or((None, None), |u| (Some(world.user(u).id.clone()), Some(world.user(u).display_name.clone())))
}

fn list_changes(name: &str, id: &str, all: &[Named], before: &[u64], after: &[u64]) -> Vec<Change> {
    let of = |n: u64| (Some(n.to_string()), all.iter().find(|x| x.id == n).map(|x| x.name.clone()));
    let gone = before.iter().filter(|b| !after.contains(b)).map(|&b| (of(b), (None, None)));
    let new = after.iter().filter(|a| !before.contains(a)).map(|&a| ((None, None), of(a)));
    gone.chain(new)
        .map(|(from, to)| Change { field_id: Some(id.to_owned()), ..Change::system(name, from, to) })
        .collect()
}

fn custom_pair(world: &World, value: Option<&Custom>) -> (Option<String>, Option<String>) {
    match value {
        None => (None, None),
        Some(Custom::Text(t)) => text_pair(t),
        Some(Custom::User(u)) => user_pair(world, Some(*u)),
        Some(Custom::Users(list)) => {
            let ids: Vec<&str> = list.iter().map(|&u| world.user(u).id.as_str()).collect();
            let names: Vec<&str> = list.iter().map(|&u| world.user(u).display_name.as_str()).collect();
            (Some(format!("[{}]", ids.join(", "))), Some(names.join(", ")))
        }
    }
}

/// The history items of putting `setting` on `issue`; empty where nothing changes.
fn changes(world: &World, i: &Issue, setting: &Setting) -> Vec<Change> {
    let project = &world.projects[i.project];
    let one = match setting {
        Setting::Summary(s) => Change::system("summary", text_pair(&i.summary), text_pair(s)),
        Setting::Description(v) => {
            Change::system("description", text_pair(&rich::text(&i.description)), text_pair(&rich::text(v)))
        }
        Setting::Environment(v) => {
            Change::system("environment", text_pair(&rich::text(&i.environment)), text_pair(&rich::text(v)))
        }
        Setting::Labels(l) => Change::system(
            "labels",
            (Some(String::new()), Some(i.labels.join(" "))),
            (Some(String::new()), Some(l.join(" "))),
        ),
        Setting::Assignee(u) => Change::system("assignee", user_pair(world, i.assignee), user_pair(world, *u)),
        Setting::Reporter(u) => Change::system("reporter", user_pair(world, i.reporter), user_pair(world, Some(*u))),
        Setting::Priority(p) => {
            let pair = |p: u64| (Some(p.to_string()), Some(catalog::priority_name(p).to_owned()));
            Change::system("priority", pair(i.priority), pair(*p))
        }
        Setting::Type(t) => {
            let pair = |t: u64| (Some(t.to_string()), Some(catalog::issue_type(t).name.to_owned()));
            Change::system("issuetype", pair(i.issue_type), pair(*t))
        }
        Setting::Due(d) => Change::system("duedate", (i.due.clone(), i.due.clone()), (d.clone(), d.clone())),
        Setting::Components(c) => {
            return list_changes("Component", "components", &project.components, &i.components, c);
        }
        Setting::Versions(v) => return list_changes("Version", "versions", &project.versions, &i.versions, v),
        Setting::FixVersions(v) => {
            return list_changes("Fix Version", "fixVersions", &project.versions, &i.fix_versions, v);
        }
        Setting::Custom(id, value) => Change {
            field: fields::by_id(id).map_or(*id, |f| f.name).to_owned(),
            field_id: Some((*id).to_owned()),
            custom: true,
            ..Change::system("", custom_pair(world, i.custom.get(*id)), custom_pair(world, value.as_ref()))
        },
    };
    // ADF documents that read alike may still differ (marks, mentions' texts): that is an edit too.
    let silent = one.from == one.to && one.from_string == one.to_string;
    let differs = match setting {
        Setting::Description(v) => i.description != *v,
        Setting::Environment(v) => i.environment != *v,
        _ => false,
    };
    if silent && !differs { Vec::new() } else { vec![one] }
}

/// Puts checked settings on an issue and gives the history items.
pub(super) fn apply(world: &mut World, issue: u64, settings: Vec<Setting>) -> Vec<Change> {
    let mut items = Vec::new();
    for setting in settings {
        let Some(i) = world.issues.get(&issue) else { return items };
        items.extend(changes(world, i, &setting));
        let Some(i) = world.issues.get_mut(&issue) else { return items };
        match setting {
            Setting::Summary(s) => i.summary = s,
            Setting::Description(v) => i.description = v,
            Setting::Environment(v) => i.environment = v,
            Setting::Labels(mut l) => {
                l.sort();
                i.labels = l;
            }
            Setting::Assignee(u) => i.assignee = u,
            Setting::Reporter(u) => i.reporter = Some(u),
            Setting::Priority(p) => i.priority = p,
            Setting::Type(t) => i.issue_type = t,
            Setting::Due(d) => i.due = d,
            Setting::Components(c) => i.components = c,
            Setting::Versions(v) => i.versions = v,
            Setting::FixVersions(v) => i.fix_versions = v,
            Setting::Custom(id, Some(value)) => {
                i.custom.insert(id.to_owned(), value);
            }
            Setting::Custom(id, None) => {
                i.custom.remove(id);
            }
        }
    }
    items
}

//! What will not fit, before anything moves: the configuration of a synchronization against what both instances have.
//!
//! `Seen` is what was read of them, and what follows from it is pure. Changes nothing; says nothing of any issue.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use super::{
    content::plain_fields,
    target::{mapped, name_of, same},
};
use crate::{
    config::{Deleted, Sync, UserMode},
    jira::{Client, ErrorKind, UserQuery},
    model::Flavor,
};

/// How something fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Fits {
    /// It will be carried over as it is.
    Ok,
    /// It will be carried over otherwise than one may think.
    Note,
    /// It could not be told.
    Unread,
    /// It will not be carried over, or nothing will be.
    Problem,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// `permission`, `type`, `field`, `status`, `priority` or `user`.
    pub what: &'static str,
    /// In the source.
    pub source: String,
    /// In the target.
    pub target: String,
    /// Whether it fits.
    pub fits: Fits,
    /// Why not, and what to do.
    pub why: String,
}

/// A field of a create screen.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Field {
    id: String,
    name: String,
    /// Required, and the server has no value of its own for it.
    wanted: bool,
}

/// An issue type.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Type {
    name: String,
    subtask: bool,
    statuses: Vec<String>,
}

/// A list, or why it could not be read.
type Read<T> = Result<T, String>;

/// What was read of both instances.
struct Seen {
    source_types: Read<Vec<Type>>,
    target_types: Read<Vec<Type>>,
    source_priorities: Read<Vec<String>>,
    target_priorities: Read<Vec<String>>,
    /// By target type.
    fields: BTreeMap<String, Read<Vec<Field>>>,
    source_may: Read<BTreeMap<String, bool>>,
    target_may: Read<BTreeMap<String, bool>>,
    /// Handles of `user_map` that the target does not know, or whose account is closed.
    strangers: Read<Vec<String>>,
}

/// Looks at both instances and says what fits and what does not, problems first.
pub async fn check(sync: &Sync, source: &Client, target: &Client) -> Vec<Row> {
    let mut rows = fit(sync, &Seen::read(sync, source, target).await);
    rows.sort_by_key(|r| std::cmp::Reverse(r.fits));
    rows
}

/// What the account has to be allowed in the target.
fn permissions(sync: &Sync) -> Vec<(&'static str, &'static str)> {
    let carries = |field: &str| sync.fields.iter().any(|f| f == field);
    let all = [
        ("BROWSE_PROJECTS", "its projects are seen", true),
        ("CREATE_ISSUES", "issues are made", true),
        ("EDIT_ISSUES", "issues are changed", true),
        ("ADD_COMMENTS", "comments are written", carries("comment")),
        ("EDIT_OWN_COMMENTS", "comments are changed", carries("comment")),
        ("CREATE_ATTACHMENTS", "attachments are written", carries("attachment")),
        ("WORK_ON_ISSUES", "work is logged", carries("worklog")),
        ("EDIT_OWN_WORKLOGS", "worklogs are changed", carries("worklog")),
        ("DELETE_OWN_WORKLOGS", "worklogs are deleted with the source's", carries("worklog")),
        ("LINK_ISSUES", "issues are linked", carries("issuelinks") || carries("remotelink")),
        ("TRANSITION_ISSUES", "statuses are reached", carries("status")),
        ("ASSIGN_ISSUES", "issues are assigned", carries("assignee") && sync.users_in("assignee") == UserMode::Map),
        ("ADMINISTER_PROJECTS", "components or versions are made", !sync.create.is_empty()),
        ("DELETE_ISSUES", "copies are deleted", sync.deleted == Deleted::Delete),
        (
            "MODIFY_REPORTER",
            "reporters are carried over",
            carries("reporter") && sync.users_in("reporter") == UserMode::Map,
        ),
    ];
    all.into_iter().filter(|(_, _, needed)| *needed).map(|(key, why, _)| (key, why)).collect()
}

impl Seen {
    async fn read(sync: &Sync, source: &Client, target: &Client) -> Self {
        let target_types = types(target, &sync.target.project).await;
        let mut fields = BTreeMap::new();
        for one in target_types.iter().flatten().filter(|t| !t.0.subtask) {
            fields.insert(one.0.name.clone(), create_fields(target, &sync.target.project, &one.1).await);
        }
        let keys: Vec<&str> = permissions(sync).into_iter().map(|(key, _)| key).collect();
        let plain = |read: Read<Vec<(Type, String)>>| read.map(|all| all.into_iter().map(|(t, _)| t).collect());
        let may = async |client: &Client, project, keys: &[&str]| {
            client.permissions(project, keys).await.map_err(|e| e.to_string())
        };
        Self {
            source_types: plain(types(source, &sync.source.project).await),
            target_types: plain(target_types),
            source_priorities: priorities(source).await,
            target_priorities: priorities(target).await,
            fields,
            source_may: may(source, &sync.source.project, &["BROWSE_PROJECTS"]).await,
            target_may: may(target, &sync.target.project, &keys).await,
            strangers: strangers(sync, target).await,
        }
    }
}

/// Types with their statuses, and their ids.
async fn types(client: &Client, project: &crate::model::ProjectKey) -> Read<Vec<(Type, String)>> {
    let all = client.issue_types(project).await.map_err(|e| e.to_string())?;
    let ways = client.project_statuses(project).await.map_err(|e| e.to_string())?;
    let statuses = |name: &str| {
        let of = ways.iter().find(|w| same(name_of(w), name)).and_then(|w| w.get("statuses")?.as_array());
        of.into_iter().flatten().map(|s| name_of(s).to_owned()).collect()
    };
    let one = |t: &Value| {
        let name = name_of(t).to_owned();
        let subtask = t.get("subtask").and_then(Value::as_bool) == Some(true);
        let id = t.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        (Type { statuses: statuses(&name), subtask, name }, id)
    };
    Ok(all.iter().map(one).collect())
}

async fn create_fields(client: &Client, project: &crate::model::ProjectKey, id: &str) -> Read<Vec<Field>> {
    let all = client.create_fields(project, id).await.map_err(|e| e.to_string())?;
    let text = |f: &Value, keys: &[&str]| keys.iter().find_map(|k| f.get(*k)?.as_str()).unwrap_or_default().to_owned();
    let flag = |f: &Value, key: &str| f.get(key).and_then(Value::as_bool) == Some(true);
    Ok(all
        .iter()
        .map(|f| Field {
            id: text(f, &["fieldId", "key"]),
            name: text(f, &["name"]),
            wanted: flag(f, "required") && !flag(f, "hasDefaultValue"),
        })
        .collect())
}

async fn priorities(client: &Client) -> Read<Vec<String>> {
    match client.priorities().await {
        Ok(all) => Ok(all.iter().map(|p| name_of(p).to_owned()).collect()),
        Err(e) => Err(e.to_string()),
    }
}

/// Whom `user_map` leads to and nobody is.
async fn strangers(sync: &Sync, target: &Client) -> Read<Vec<String>> {
    let mut out = Vec::new();
    for handle in sync.user_map.values().collect::<BTreeSet<_>>() {
        let by = match target.flavor() {
            Flavor::Cloud => UserQuery::AccountId(handle.clone()),
            Flavor::DataCenter => UserQuery::Username(handle.clone()),
        };
        match target.user(&by).await {
            Ok(Some(user)) if user.active != Some(false) => {}
            Ok(_) => out.push(handle.clone()),
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::Rejected) => out.push(handle.clone()),
            Err(e) => return Err(e.to_string()),
        }
    }
    Ok(out)
}

/// What is configured for issues that are deleted in the source.
fn deleted(sync: &Sync, out: &mut Rows) {
    let there = match sync.deleted {
        Deleted::Ignore => return,
        Deleted::Mark => format!("label {}", sync.deleted_label),
        Deleted::Delete => format!("deleted, or label {}", sync.deleted_label),
    };
    out.add(
        "deletion",
        "issues that are deleted",
        &there,
        Fits::Note,
        "looked for every six hours and by --full; an issue that a security level hides from us may look deleted: the account needs to see all of the project",
    );
}

/// What fits and what does not.
fn fit(sync: &Sync, seen: &Seen) -> Vec<Row> {
    let mut out = Rows(Vec::new());
    allowed(sync, seen, &mut out);
    users(sync, seen, &mut out);
    deleted(sync, &mut out);
    names(
        "priority",
        "priorities",
        sync,
        &sync.priorities,
        (&seen.source_priorities, &seen.target_priorities),
        &mut out,
    );
    let (Ok(source), Ok(target)) = (&seen.source_types, &seen.target_types) else {
        for (side, read) in [(&sync.source, &seen.source_types), (&sync.target, &seen.target_types)] {
            if let Err(why) = read {
                out.add("type", side.project.as_str(), "", Fits::Unread, why);
            }
        }
        return out.0;
    };
    for from in sync.issue_types.keys().filter(|from| !source.iter().any(|t| same(&t.name, from))) {
        out.add("type", from, "", Fits::Note, "the source has no type of this name, so the mapping means nothing");
    }
    let mut reached = BTreeSet::new();
    for one in source {
        let wanted = mapped(&sync.issue_types, &one.name);
        let below = one.subtask && sync.fields.iter().any(|f| f == "subtask") && target.iter().any(|t| t.subtask);
        let found = target.iter().find(|t| t.subtask == below && same(&t.name, wanted));
        match found {
            Some(_) if one.subtask && !below => {
                out.add(
                    "type",
                    &one.name,
                    wanted,
                    Fits::Note,
                    "subtasks become issues of their own, without their parent: name \"subtask\" in fields, and have a type of subtasks in the target",
                );
            }
            Some(_) => out.add("type", &one.name, wanted, Fits::Ok, ""),
            None => {
                let fallback = target.iter().find(|t| t.subtask == below && same(&t.name, "Task"));
                let fallback = fallback.or_else(|| target.iter().find(|t| t.subtask == below)).map(|t| t.name.clone());
                let why = match &fallback {
                    Some(name) => format!(
                        "the target has no such type: {name:?} will be used; to choose another: [sync.{}.issue_types] \"{}\" = \"…\"",
                        sync.name, one.name
                    ),
                    None => "the target has no issue type at all".to_owned(),
                };
                // There is no other way for them yet, with or without a mapping.
                let fits = if one.subtask && fallback.is_some() { Fits::Note } else { Fits::Problem };
                out.add("type", &one.name, wanted, fits, &why);
            }
        }
        if let Some(found) = found {
            reached.insert(found.name.clone());
            if sync.fields.iter().any(|f| f == "status") {
                statuses(sync, one, found, &mut out);
            }
        }
    }
    for name in reached {
        fields(sync, &name, seen.fields.get(&name), &mut out);
    }
    out.0
}

struct Rows(Vec<Row>);

impl Rows {
    fn add(&mut self, what: &'static str, source: &str, target: &str, fits: Fits, why: &str) {
        let row = Row { what, source: source.to_owned(), target: target.to_owned(), fits, why: why.to_owned() };
        if !self.0.contains(&row) {
            self.0.push(row);
        }
    }
}

fn allowed(sync: &Sync, seen: &Seen, out: &mut Rows) {
    let sides = [
        (&sync.source, &seen.source_may, vec![("BROWSE_PROJECTS", "issues are read")], true),
        (&sync.target, &seen.target_may, permissions(sync), false),
    ];
    for (side, may, needed, is_source) in sides {
        let place = format!("{}/{}", side.instance, side.project);
        let (source, target) = if is_source { (place.as_str(), "") } else { ("", place.as_str()) };
        match may {
            Err(why) => out.add("permission", source, target, Fits::Unread, why),
            Ok(may) => {
                for (key, why) in needed {
                    let (fits, why) = match may.get(key) {
                        Some(true) => (Fits::Ok, String::new()),
                        Some(false) => (Fits::Problem, format!("the account lacks {key}, by which {why}")),
                        None => (
                            Fits::Note,
                            format!("the server does not say whether the account has {key}, by which {why}"),
                        ),
                    };
                    out.add("permission", source, target, fits, &why);
                }
            }
        }
    }
}

fn users(sync: &Sync, seen: &Seen, out: &mut Rows) {
    match &seen.strangers {
        Err(why) => out.add("user", "user_map", "", Fits::Unread, why),
        Ok(strangers) => {
            for handle in strangers {
                let from = sync.user_map.iter().filter(|(_, to)| *to == handle).count();
                let why = "the target knows no open account of this name, so nobody is mapped to it";
                out.add("user", &format!("{from} of user_map"), handle, Fits::Problem, why);
            }
        }
    }
}

/// Names of the instance that are mapped by `map`.
fn names(
    what: &'static str,
    section: &str,
    sync: &Sync,
    map: &BTreeMap<String, String>,
    (source, target): (&Read<Vec<String>>, &Read<Vec<String>>),
    out: &mut Rows,
) {
    if !sync.fields.iter().any(|f| f == what) {
        return;
    }
    let (Ok(source), Ok(target)) = (source, target) else {
        for why in [source, target].into_iter().filter_map(|r| r.as_ref().err()) {
            out.add(what, "", "", Fits::Unread, why);
        }
        return;
    };
    for from in map.keys().filter(|from| !source.iter().any(|s| same(s, from))) {
        let why = format!("the source has no {what} of this name, so the mapping means nothing");
        out.add(what, from, "", Fits::Note, &why);
    }
    for name in source {
        let wanted = mapped(map, name);
        if target.iter().any(|t| same(t, wanted)) {
            out.add(what, name, wanted, Fits::Ok, "");
        } else {
            let why = format!(
                "the target has no such {what}, and keeps its own: [sync.{}.{section}] \"{name}\" = \"…\"",
                sync.name
            );
            out.add(what, name, wanted, Fits::Problem, &why);
        }
    }
}

fn statuses(sync: &Sync, source: &Type, target: &Type, out: &mut Rows) {
    for status in &source.statuses {
        let wanted = mapped(&sync.statuses, status);
        let of = |name: &str, kind: &str| format!("{name} ({kind})");
        let (from, to) = (of(status, &source.name), of(wanted, &target.name));
        if target.statuses.iter().any(|t| same(t, wanted)) {
            out.add("status", &from, &to, Fits::Ok, "");
        } else {
            let why = format!(
                "the target's type has no such status, and stays where it is: [sync.{}.statuses] \"{status}\" = \"…\"",
                sync.name
            );
            out.add("status", &from, &to, Fits::Problem, &why);
        }
    }
}

fn fields(sync: &Sync, kind: &str, screen: Option<&Read<Vec<Field>>>, out: &mut Rows) {
    let at = |field: &str| format!("{field} ({kind})");
    let screen = match screen {
        Some(Ok(screen)) => screen,
        Some(Err(why)) => return out.add("field", "", kind, Fits::Unread, why),
        None => return,
    };
    let carried: Vec<&str> =
        plain_fields(&sync.fields).into_iter().filter(|f| !matches!(*f, "issuetype" | "status")).collect();
    for field in &carried {
        let is_user = matches!(*field, "assignee" | "reporter");
        if is_user && sync.users_in(field) != UserMode::Map {
            out.add("field", field, &at(field), Fits::Note, "users are not carried over as users (users = …)");
        } else if screen.iter().any(|f| f.id == *field) {
            out.add("field", field, &at(field), Fits::Ok, "");
        } else {
            let why = format!(
                "the field is not on the target's create screen for this type: put it there, or leave it out of [sync.{}] fields",
                sync.name
            );
            out.add("field", field, &at(field), Fits::Problem, &why);
        }
    }
    let ours = |f: &Field| ["project", "issuetype"].contains(&f.id.as_str()) || carried.contains(&f.id.as_str());
    for field in screen.iter().filter(|f| f.wanted && !ours(f)) {
        let why =
            "the target requires it, and nothing fills it: no issue of this type can be made; give it a default there";
        out.add("field", "", &at(&field.name), Fits::Problem, why);
    }
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;

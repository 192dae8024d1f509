//! How an issue looks: which fields a request selects, their values, and what `expand` adds.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{
    attachment, comment, component_ref, history, issue_type, link_of, names, priority, project_ref, resolution,
    rich_body, schemas, spent, status, time, user, version_ref, worklog,
};
use crate::sandbox::{
    custom as wide,
    fields::{FIELDS, Field, by_id},
    rich,
    state::{Custom, Issue, Named, World, catalog},
};

/// How many comments Cloud puts into an issue's body.
const COMMENTS_IN_BODY: usize = 20;
/// How many worklogs both flavours put into an issue's body.
const WORKLOGS_IN_BODY: usize = 20;

/// The default of Cloud's search: no field at all.
pub(in crate::sandbox) const IDS: &str = "id";

/// Which fields a request asked for.
#[derive(Debug, Clone)]
pub(in crate::sandbox) struct Selection {
    fields: Vec<String>,
    expand: Vec<String>,
    properties: Vec<String>,
    default: &'static str,
}

impl Selection {
    /// `default` is what counts where no field is named: `*all`, `*navigable`, or [`IDS`] for none.
    pub(in crate::sandbox) fn new(
        fields: Vec<String>,
        expand: Vec<String>,
        properties: Vec<String>,
        default: &'static str,
    ) -> Self {
        Self { fields, expand, properties, default }
    }

    /// Whether a search on Cloud gives bare ids: no field was named, not even `key`.
    pub(in crate::sandbox) fn ids_only(&self) -> bool {
        self.default == IDS
            && !self.fields.iter().any(|f| f == "key")
            && !FIELDS.iter().any(|f| self.has(f))
            && self.expand.is_empty()
            && self.properties.is_empty()
    }

    fn has(&self, field: &Field) -> bool {
        let mut included = self.fields.iter().filter(|f| !f.starts_with('-')).peekable();
        let in_group = |group: &str| match group {
            "*all" => true,
            "*navigable" => field.navigable,
            name => name == field.id,
        };
        let wanted = if included.peek().is_none() {
            // Only exclusions (or nothing): they take away from the default.
            let default = if self.fields.is_empty() { self.default } else { "*all" };
            in_group(default)
        } else {
            included.any(|f| in_group(f))
        };
        wanted && !self.fields.iter().any(|f| f.strip_prefix('-') == Some(field.id))
    }

    /// Whether `expand` names this.
    pub(in crate::sandbox) fn expands(&self, what: &str) -> bool {
        self.expand.iter().any(|e| e == what)
    }
}

/// A whole issue.
pub(in crate::sandbox) fn issue(world: &World, i: &Issue, selection: &Selection) -> Value {
    if selection.ids_only() {
        return json!({ "id": i.id.to_string() });
    }
    let mut out = Map::new();
    let expand = "renderedFields,names,schema,operations,editmeta,changelog,versionedRepresentations";
    out.insert("expand".into(), expand.into());
    out.insert("id".into(), i.id.to_string().into());
    out.insert("self".into(), world.rest(&format!("issue/{}", i.id)).into());
    out.insert("key".into(), i.key.as_str().into());
    let fields = issue_fields(world, i, selection);
    if !fields.is_empty() {
        out.insert("fields".into(), Value::Object(fields));
    }
    if selection.expands("renderedFields") {
        out.insert("renderedFields".into(), rendered(world, i, selection));
    }
    if selection.expands("names") {
        out.insert("names".into(), names());
    }
    if selection.expands("schema") {
        out.insert("schema".into(), schemas());
    }
    if selection.expands("changelog") {
        let all: Vec<Value> = i.history.iter().map(|h| history(world, h)).collect();
        let total = all.len();
        // Cloud gives the newest first and at most 100 here; Data Center everything, the oldest first.
        let shown: Vec<Value> = if world.is_cloud() { all.into_iter().rev().take(100).collect() } else { all };
        out.insert(
            "changelog".into(),
            json!({ "startAt": 0, "maxResults": shown.len(), "total": total, "histories": shown }),
        );
    }
    if !selection.properties.is_empty() {
        let all = selection.properties.iter().any(|p| p == "*all");
        let chosen: Map<String, Value> = i
            .properties
            .iter()
            .filter(|(k, _)| all || selection.properties.contains(k))
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect();
        out.insert("properties".into(), Value::Object(chosen));
    }
    Value::Object(out)
}

fn rendered(world: &World, i: &Issue, selection: &Selection) -> Value {
    let mut out = Map::new();
    for f in FIELDS.iter().filter(|f| selection.has(f)) {
        let value = match f.id {
            "description" => rich::html(world, &i.description).into(),
            "environment" => rich::html(world, &i.environment).into(),
            "comment" => {
                let comments: Vec<Value> = i
                    .comments
                    .iter()
                    .map(|c| {
                        let mut one = comment(world, i.id, c, false);
                        one["body"] = rich::html(world, &c.body).into();
                        one
                    })
                    .collect();
                json!({ "comments": comments, "total": i.comments.len(), "startAt": 0, "maxResults": i.comments.len() })
            }
            custom if f.kind_of_custom() == "textarea" => match i.custom.get(custom) {
                Some(Custom::Other(kept)) => rich::html(world, kept).into(),
                _ => Value::Null,
            },
            "created" => time(i.created).into(),
            "updated" => time(i.updated).into(),
            _ => Value::Null,
        };
        out.insert(f.id.into(), value);
    }
    Value::Object(out)
}

/// An issue as a link, parent or subtask shows it.
pub(in crate::sandbox) fn linked_issue(world: &World, i: &Issue) -> Value {
    json!({
        "id": i.id.to_string(), "key": i.key, "self": world.rest(&format!("issue/{}", i.id)),
        "fields": {
            "summary": i.summary, "status": status(world, i.status), "priority": priority(world, i.priority),
            "issuetype": issue_type(world, catalog::issue_type(i.issue_type)),
        },
    })
}

/// The selected fields of an issue.
pub(in crate::sandbox) fn issue_fields(world: &World, i: &Issue, selection: &Selection) -> Map<String, Value> {
    FIELDS
        .iter()
        .filter(|f| selection.has(f))
        .filter_map(|f| value(world, i, f.id).map(|v| (f.id.to_owned(), v)))
        .collect()
}

fn chosen(all: &[Named], ids: &[u64], shape: impl Fn(&Named) -> Value) -> Value {
    ids.iter().filter_map(|id| all.iter().find(|n| n.id == *id)).map(shape).collect()
}

fn value(world: &World, i: &Issue, field: &str) -> Option<Value> {
    let project = &world.projects[i.project];
    let person = |u: Option<usize>| u.map_or(Value::Null, |u| user(world, u));
    let spent_seconds: u64 = i.worklogs.iter().map(|w| w.seconds).sum();
    Some(match field {
        "summary" => i.summary.as_str().into(),
        "issuetype" => issue_type(world, catalog::issue_type(i.issue_type)),
        "project" => project_ref(world, i.project),
        "description" => rich_body(world, &i.description),
        "environment" => rich_body(world, &i.environment),
        "priority" => priority(world, i.priority),
        "labels" => i.labels.clone().into(),
        "status" => status(world, i.status),
        "resolution" => i.resolution.map_or(Value::Null, |r| resolution(world, r)),
        "resolutiondate" => i.resolved.map_or(Value::Null, |t| time(t).into()),
        "assignee" => person(i.assignee),
        "reporter" => person(i.reporter),
        "creator" => user(world, i.creator),
        "created" => time(i.created).into(),
        "updated" => time(i.updated).into(),
        "duedate" => i.due.clone().into(),
        "components" => chosen(&project.components, &i.components, |c| component_ref(world, c)),
        "versions" => chosen(&project.versions, &i.versions, |v| version_ref(world, v)),
        "fixVersions" => chosen(&project.versions, &i.fix_versions, |v| version_ref(world, v)),
        "parent" => return i.parent.and_then(|p| world.issues.get(&p)).map(|p| linked_issue(world, p)),
        "subtasks" => {
            world.subtasks(i.id).iter().filter_map(|s| world.issues.get(s)).map(|s| linked_issue(world, s)).collect()
        }
        "issuelinks" => world.links_of(i.id).filter_map(|l| link_of(world, i.id, l)).collect(),
        "watches" => json!({ "self": world.rest(&format!("issue/{}/watchers", i.key)), "watchCount": i.watchers.len(),
                             "isWatching": i.watchers.contains(&world.ctx.actor) }),
        "votes" => json!({ "self": world.rest(&format!("issue/{}/votes", i.key)), "votes": i.voters.len(),
                           "hasVoted": i.voters.contains(&world.ctx.actor) }),
        "timetracking" => {
            if spent_seconds == 0 {
                json!({})
            } else {
                json!({ "timeSpent": spent(spent_seconds), "timeSpentSeconds": spent_seconds })
            }
        }
        "timespent" => (spent_seconds > 0).then_some(spent_seconds).into(),
        "timeestimate" | "timeoriginalestimate" => Value::Null,
        "security" => world.unkind.security.get(&i.id).map_or(Value::Null, |level| security(world, level)),
        "workratio" => json!(-1),
        "comment" => comments(world, i),
        "attachment" => i.attachments.iter().map(|a| attachment(world, a)).collect(),
        "worklog" => {
            let page: Vec<Value> = i.worklogs.iter().take(WORKLOGS_IN_BODY).map(|w| worklog(world, i.id, w)).collect();
            json!({ "startAt": 0, "maxResults": WORKLOGS_IN_BODY, "total": i.worklogs.len(), "worklogs": page })
        }
        custom => match i.custom.get(custom) {
            None => Value::Null,
            Some(Custom::Text(t)) => t.as_str().into(),
            Some(Custom::User(u)) => user(world, *u),
            Some(Custom::Users(list)) => list.iter().map(|&u| user(world, u)).collect(),
            Some(Custom::Other(kept)) => by_id(custom).map_or(Value::Null, |f| wide::shape(world, f, kept)),
        },
    })
}

/// Cloud cuts comments inside an issue at a page, keeping the newest; Data Center lists them all.
fn comments(world: &World, i: &Issue) -> Value {
    let total = i.comments.len();
    let start = if world.is_cloud() { total.saturating_sub(COMMENTS_IN_BODY) } else { 0 };
    let shown: Vec<Value> = i.comments.iter().skip(start).map(|c| comment(world, i.id, c, false)).collect();
    let mut out = json!({ "comments": shown, "maxResults": if world.is_cloud() { COMMENTS_IN_BODY } else { total },
                          "total": total, "startAt": start });
    if world.is_cloud() {
        out["self"] = world.rest(&format!("issue/{}/comment", i.id)).into();
    }
    out
}

/// A security level; its number is its place among those in use.
fn security(world: &World, level: &str) -> Value {
    let levels: BTreeSet<&String> = world.unkind.security.values().collect();
    let id = 10_000 + levels.iter().position(|l| *l == level).unwrap_or(0);
    json!({ "self": world.rest(&format!("securitylevel/{id}")), "id": id.to_string(), "name": level, "description": "" })
}

//! How things look in JSON, per flavour. Reads the world, never changes it.

mod admin;
mod issue;

pub(super) use admin::{audit_record, group_id, role, role_addresses, role_defaults};
use chrono::{DateTime, Utc};
pub(super) use issue::{IDS, Selection, issue, linked_issue};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use super::{
    fields, rich,
    state::{
        Attachment, Change, Comment, History, Link, Named, RemoteLink, UserIx, Visibility, Worklog, World, catalog,
    },
};

/// A timestamp as Jira writes it: milliseconds and an offset without a colon.
pub(super) fn time(t: DateTime<Utc>) -> String {
    t.format("%Y-%m-%dT%H:%M:%S%.3f+0000").to_string()
}

/// A text as one segment or value of an address.
pub(super) fn encode(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

pub(super) fn avatars(world: &World, owner: &str) -> Value {
    let address = |size: &str| {
        if world.is_cloud() {
            format!("{}/avatar/{}?size={size}", world.base, encode(owner))
        } else {
            format!("{}/secure/useravatar?size={size}&ownerId={}", world.base, encode(owner))
        }
    };
    json!({ "48x48": address("large"), "24x24": address("small"), "16x16": address("xsmall"),
            "32x32": address("medium") })
}

/// A user as references show them.
pub(super) fn user(world: &World, ix: UserIx) -> Value {
    let u = world.user(ix);
    let mut out = Map::new();
    if world.is_cloud() {
        out.insert("self".into(), world.rest(&format!("user?accountId={}", encode(&u.id))).into());
        out.insert("accountId".into(), u.id.as_str().into());
        if let Some(email) = u.email.as_deref().filter(|_| !u.email_hidden && !u.deleted) {
            out.insert("emailAddress".into(), email.into());
        }
    } else {
        out.insert("self".into(), world.rest(&format!("user?username={}", encode(&u.name))).into());
        out.insert("name".into(), u.name.as_str().into());
        out.insert("key".into(), u.id.as_str().into());
        if !u.deleted {
            out.insert("emailAddress".into(), u.email.as_deref().unwrap_or_default().into());
        }
    }
    out.insert("avatarUrls".into(), avatars(world, &u.id));
    out.insert("displayName".into(), u.display_name.as_str().into());
    out.insert("active".into(), u.active.into());
    if !u.deleted {
        out.insert("timeZone".into(), u.time_zone.as_str().into());
    }
    if world.is_cloud() {
        out.insert("accountType".into(), "atlassian".into());
    }
    Value::Object(out)
}

/// A user as the user resources show them.
pub(super) fn user_profile(world: &World, ix: UserIx) -> Value {
    let mut out = user(world, ix);
    out["locale"] = "en_US".into();
    if !world.is_cloud() {
        out["deleted"] = world.user(ix).deleted.into();
    }
    out
}

/// A project as issues show it.
pub(super) fn project_ref(world: &World, ix: usize) -> Value {
    let p = &world.projects[ix];
    let mut out = json!({
        "self": world.rest(&format!("project/{}", p.id)), "id": p.id.to_string(), "key": p.key, "name": p.name,
        "projectTypeKey": "software",
        "avatarUrls": { "48x48": format!("{}/secure/projectavatar?pid={}", world.base, p.id) },
    });
    if world.is_cloud() {
        out["simplified"] = false.into();
    }
    out
}

/// A project in full.
pub(super) fn project(world: &World, ix: usize) -> Value {
    let p = &world.projects[ix];
    let mut out = project_ref(world, ix);
    out["expand"] = "description,lead,issueTypes,url,projectKeys".into();
    out["description"] = world.extras.project_descriptions.get(&ix).map_or("", String::as_str).into();
    out["lead"] = user(world, p.lead);
    // Cloud's document shows components inside a project with their leads, Data Center's without.
    let inside = |c| if world.is_cloud() { component(world, ix, c) } else { component_ref(world, c) };
    out["components"] = p.components.iter().map(inside).collect();
    out["versions"] = p.versions.iter().map(|v| version(world, ix, v)).collect();
    out["issueTypes"] = catalog::ISSUE_TYPES.iter().map(|t| issue_type(world, t)).collect();
    out["assigneeType"] = "UNASSIGNED".into();
    out["roles"] = role_addresses(world, ix);
    if world.is_cloud() {
        out["style"] = "classic".into();
        out["isPrivate"] = false.into();
        out["properties"] = json!({});
    }
    out
}

pub(super) fn component_ref(world: &World, c: &Named) -> Value {
    json!({ "self": world.rest(&format!("component/{}", c.id)), "id": c.id.to_string(), "name": c.name,
            "description": c.description })
}

/// A component in full.
pub(super) fn component(world: &World, ix: usize, c: &Named) -> Value {
    let p = &world.projects[ix];
    let mut out = component_ref(world, c);
    if let Some(lead) = world.component_lead(ix, c.id) {
        out["lead"] = user(world, lead);
    }
    out["assigneeType"] = "PROJECT_LEAD".into();
    let lead = user(world, p.lead);
    out["assignee"] = lead.clone();
    out["realAssigneeType"] = "PROJECT_LEAD".into();
    out["realAssignee"] = lead;
    out["isAssigneeTypeValid"] = true.into();
    out["project"] = p.key.as_str().into();
    out["projectId"] = p.id.into();
    out
}

pub(super) fn version_ref(world: &World, v: &Named) -> Value {
    json!({ "self": world.rest(&format!("version/{}", v.id)), "id": v.id.to_string(), "name": v.name,
            "description": v.description, "archived": world.extras.releases.get(&v.id).is_some_and(|r| r.archived),
            "released": world.extras.releases.get(&v.id).is_some_and(|r| r.released) })
}

/// A version in full.
pub(super) fn version(world: &World, ix: usize, v: &Named) -> Value {
    let mut out = version_ref(world, v);
    out["projectId"] = world.projects[ix].id.into();
    if let Some(release) = world.extras.releases.get(&v.id) {
        for (name, date) in [("startDate", &release.start), ("releaseDate", &release.date)] {
            if let Some(date) = date {
                out[name] = date.as_str().into();
            }
        }
    }
    out
}

pub(super) fn issue_type(world: &World, t: &catalog::IssueType) -> Value {
    let mut out = json!({
        "self": world.rest(&format!("issuetype/{}", t.id)), "id": t.id.to_string(), "description": "",
        "iconUrl": format!("{}/secure/viewavatar?avatarType=issuetype&avatarId={}", world.base, t.id),
        "name": t.name, "subtask": t.subtask, "avatarId": t.id,
    });
    if world.is_cloud() {
        out["hierarchyLevel"] = if t.subtask { json!(-1) } else { json!(0) };
    }
    out
}

pub(super) fn status(world: &World, id: u64) -> Value {
    let s = catalog::status(id);
    let (category, key, color, name) = s.category;
    json!({
        "self": world.rest(&format!("status/{}", s.id)), "description": "",
        "iconUrl": format!("{}/images/icons/statuses/open.png", world.base), "name": s.name, "id": s.id.to_string(),
        "statusCategory": { "self": world.rest(&format!("statuscategory/{category}")), "id": category, "key": key,
                            "colorName": color, "name": name },
    })
}

pub(super) fn priority(world: &World, id: u64) -> Value {
    json!({ "self": world.rest(&format!("priority/{id}")), "name": catalog::priority_name(id), "id": id.to_string(),
            "iconUrl": format!("{}/images/icons/priorities/{id}.svg", world.base) })
}

pub(super) fn resolution(world: &World, id: u64) -> Value {
    json!({ "self": world.rest(&format!("resolution/{id}")), "id": id.to_string(), "description": "",
            "name": catalog::resolution_name(id) })
}

pub(super) fn link_type(world: &World, id: u64) -> Value {
    let (_, name, inward, outward) = catalog::LINK_TYPES.iter().find(|t| t.0 == id).unwrap_or(&catalog::LINK_TYPES[0]);
    json!({ "id": id.to_string(), "name": name, "inward": inward, "outward": outward,
            "self": world.rest(&format!("issueLinkType/{id}")) })
}

/// Rich text in this request's dialect.
pub(super) fn rich_body(world: &World, value: &Value) -> Value {
    match value {
        Value::Null => Value::Null,
        v if world.is_cloud() && !world.speaks_adf() => rich::text(v).into(),
        v => v.clone(),
    }
}

fn visibility(world: &World, v: &Visibility) -> Value {
    let mut out = json!({ "type": v.kind, "value": v.value });
    if world.is_cloud() {
        out["identifier"] = if v.kind == "role" { Value::Null } else { v.value.as_str().into() };
    }
    out
}

pub(super) fn comment(world: &World, issue: u64, c: &Comment, rendered: bool) -> Value {
    let mut out = json!({
        "self": world.rest(&format!("issue/{issue}/comment/{}", c.id)), "id": c.id.to_string(),
        "author": user(world, c.author), "body": rich_body(world, &c.body),
        "updateAuthor": user(world, c.update_author), "created": time(c.created), "updated": time(c.updated),
    });
    if let Some(v) = &c.visibility {
        out["visibility"] = visibility(world, v);
    }
    if world.is_cloud() {
        out["jsdPublic"] = true.into();
    }
    if rendered {
        out["renderedBody"] = rich::html(world, &c.body).into();
    }
    out
}

/// Seconds as Jira's "1h 30m" (with days of eight hours and weeks of five days).
pub(super) fn spent(seconds: u64) -> String {
    let mut minutes = seconds / 60;
    let mut parts = Vec::new();
    for (unit, size) in [("w", 5 * 8 * 60), ("d", 8 * 60), ("h", 60), ("m", 1)] {
        if minutes >= size {
            parts.push(format!("{}{unit}", minutes / size));
            minutes %= size;
        }
    }
    if parts.is_empty() { "0m".to_owned() } else { parts.join(" ") }
}

pub(super) fn worklog(world: &World, issue: u64, w: &Worklog) -> Value {
    let mut out = json!({
        "self": world.rest(&format!("issue/{issue}/worklog/{}", w.id)), "author": user(world, w.author),
        "updateAuthor": user(world, w.update_author), "created": time(w.created), "updated": time(w.updated),
        "started": time(w.started), "timeSpent": spent(w.seconds), "timeSpentSeconds": w.seconds,
        "id": w.id.to_string(), "issueId": issue.to_string(),
    });
    if !w.comment.is_null() {
        out["comment"] = rich_body(world, &w.comment);
    } else if !world.is_cloud() {
        out["comment"] = "".into();
    }
    if let Some(v) = &w.visibility {
        out["visibility"] = visibility(world, v);
    }
    out
}

/// Where the content of an attachment is.
pub(super) fn content_address(world: &World, a: &Attachment) -> String {
    if world.is_cloud() {
        world.rest(&format!("attachment/content/{}", a.id))
    } else {
        format!("{}/secure/attachment/{}/{}", world.base, a.id, encode(&a.name))
    }
}

pub(super) fn attachment(world: &World, a: &Attachment) -> Value {
    json!({
        "self": world.rest(&format!("attachment/{}", a.id)), "id": a.id.to_string(), "filename": a.name,
        "author": user(world, a.author), "created": time(a.created), "size": a.bytes.len(), "mimeType": a.mime,
        "content": content_address(world, a),
    })
}

fn change(world: &World, c: &Change) -> Value {
    let mut out = Map::new();
    out.insert("field".into(), c.field.as_str().into());
    out.insert("fieldtype".into(), if c.custom { "custom" } else { "jira" }.into());
    if let Some(id) = c.field_id.as_ref().filter(|_| world.is_cloud()) {
        out.insert("fieldId".into(), id.as_str().into());
    }
    out.insert("from".into(), c.from.clone().into());
    out.insert("fromString".into(), c.from_string.clone().into());
    out.insert("to".into(), c.to.clone().into());
    out.insert("toString".into(), c.to_string.clone().into());
    Value::Object(out)
}

pub(super) fn history(world: &World, h: &History) -> Value {
    let mut out = json!({ "id": h.id.to_string(), "author": user(world, h.author), "created": time(h.created),
                          "items": h.items.iter().map(|c| change(world, c)).collect::<Vec<_>>() });
    if let Some(metadata) = world.extras.metadata.get(&h.id) {
        out["historyMetadata"] = metadata.clone();
    }
    out
}

/// A link as one of its issues shows it.
pub(super) fn link_of(world: &World, issue: u64, l: &Link) -> Option<Value> {
    let mut out = json!({ "id": l.id.to_string(), "self": world.rest(&format!("issueLink/{}", l.id)),
                          "type": link_type(world, l.link_type) });
    let (name, other) = if l.inward == issue { ("outwardIssue", l.outward) } else { ("inwardIssue", l.inward) };
    let other = world.issues.get(&other).filter(|i| !world.is_hidden(i.project))?;
    out[name] = linked_issue(world, other);
    Some(out)
}

pub(super) fn remote_link(world: &World, key: &str, l: &RemoteLink) -> Value {
    let mut out = json!({ "id": l.id, "self": world.rest(&format!("issue/{key}/remotelink/{}", l.id)) });
    if let Some(g) = &l.global_id {
        out["globalId"] = g.as_str().into();
    }
    out["application"] = if l.application.is_null() { json!({}) } else { l.application.clone() };
    if let Some(r) = &l.relationship {
        out["relationship"] = r.as_str().into();
    }
    out["object"] = l.object.clone();
    out
}

/// Names of the fields, for `expand=names`.
pub(super) fn names() -> Value {
    Value::Object(fields::FIELDS.iter().map(|f| (f.id.to_owned(), f.name.into())).collect())
}

/// Schemas of the fields, for `expand=schema`.
pub(super) fn schemas() -> Value {
    Value::Object(fields::FIELDS.iter().map(|f| (f.id.to_owned(), f.schema())).collect())
}

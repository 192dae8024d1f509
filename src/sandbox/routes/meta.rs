//! The site, its fields, statuses and types, what one may do, and what create and edit screens hold.

use serde_json::{Map, Value, json};

use crate::sandbox::{
    fields::FIELDS,
    http::{Answer, Failure, Reply, Req, page_of},
    shapes,
    state::{World, catalog},
};

pub(super) fn server_info(world: &World) -> Answer {
    let mut out = json!({
        "baseUrl": world.base, "buildDate": "2025-11-03T00:00:00.000+0000", "scmInfo": "sandbox",
        "serverTime": shapes::time(world.ctx.now), "serverTitle": "efface sandbox",
    });
    if world.is_cloud() {
        out["version"] = "1001.0.0-SNAPSHOT".into();
        out["versionNumbers"] = json!([1001, 0, 0]);
        out["deploymentType"] = "Cloud".into();
        out["buildNumber"] = 100_287.into();
        out["displayUrl"] = world.base.as_str().into();
        out["serverTimeZone"] = "UTC".into();
    } else {
        out["version"] = "10.3.24".into();
        out["versionNumbers"] = json!([10, 3, 24]);
        out["deploymentType"] = "Server".into();
        out["buildNumber"] = 10_030_024.into();
    }
    Ok(Reply::ok(out))
}

pub(super) fn my_permissions(world: &World, req: &Req) -> Answer {
    const ALL: [(&str, &str, &str); 25] = [
        ("BROWSE_PROJECTS", "Browse Projects", "PROJECT"),
        ("CREATE_ISSUES", "Create Issues", "PROJECT"),
        ("EDIT_ISSUES", "Edit Issues", "PROJECT"),
        ("DELETE_ISSUES", "Delete Issues", "PROJECT"),
        ("ASSIGN_ISSUES", "Assign Issues", "PROJECT"),
        ("TRANSITION_ISSUES", "Transition Issues", "PROJECT"),
        ("LINK_ISSUES", "Link Issues", "PROJECT"),
        ("MODIFY_REPORTER", "Modify Reporter", "PROJECT"),
        ("MANAGE_WATCHERS", "Manage Watchers", "PROJECT"),
        ("ADD_COMMENTS", "Add Comments", "PROJECT"),
        ("EDIT_OWN_COMMENTS", "Edit Own Comments", "PROJECT"),
        ("DELETE_OWN_COMMENTS", "Delete Own Comments", "PROJECT"),
        ("DELETE_OWN_ATTACHMENTS", "Delete Own Attachments", "PROJECT"),
        ("EDIT_OWN_WORKLOGS", "Edit Own Worklogs", "PROJECT"),
        ("DELETE_OWN_WORKLOGS", "Delete Own Worklogs", "PROJECT"),
        ("EDIT_ALL_COMMENTS", "Edit All Comments", "PROJECT"),
        ("DELETE_ALL_COMMENTS", "Delete All Comments", "PROJECT"),
        ("CREATE_ATTACHMENTS", "Create Attachments", "PROJECT"),
        ("DELETE_ALL_ATTACHMENTS", "Delete All Attachments", "PROJECT"),
        ("WORK_ON_ISSUES", "Work On Issues", "PROJECT"),
        ("EDIT_ALL_WORKLOGS", "Edit All Worklogs", "PROJECT"),
        ("DELETE_ALL_WORKLOGS", "Delete All Worklogs", "PROJECT"),
        ("ADMINISTER", "Administer Jira", "GLOBAL"),
        ("USER_PICKER", "Browse Users", "GLOBAL"),
        ("VIEW_VOTERS_AND_WATCHERS", "View Voters and Watchers", "PROJECT"),
    ];
    let issue = match req.q("issueKey").or_else(|| req.q("issueId")) {
        Some(key) => Some(world.issue(world.find_issue(key)?)?),
        None => None,
    };
    let project = match req.q("projectKey").or_else(|| req.q("projectId")) {
        Some(key) => Some(world.find_project(key)?),
        None => issue.map(|i| i.project),
    };
    let wanted = req.q_list("permissions");
    if world.is_cloud() && wanted.is_empty() {
        return Err(Failure::new(400, "The 'permissions' query parameter is required."));
    }
    if let Some(unknown) = wanted.iter().find(|w| !ALL.iter().any(|a| a.0 == w.as_str())) {
        return Err(Failure::new(400, format!("Unrecognized permission: {unknown}")));
    }
    let read_only = issue.is_some_and(|i| !world.may_edit(i))
        || project.is_some_and(|p| world.switches.read_only.contains(&world.projects[p].key));
    let entries: Map<String, Value> = ALL
        .iter()
        .enumerate()
        .filter(|(_, a)| wanted.is_empty() || wanted.iter().any(|w| w == a.0))
        .map(|(n, (key, name, kind))| {
            let have = match *key {
                key if world.denied(key) => false,
                "BROWSE_PROJECTS" | "USER_PICKER" | "VIEW_VOTERS_AND_WATCHERS" => true,
                "ADMINISTER" => world.switches.admin,
                _ => !read_only,
            };
            let mut entry = json!({ "id": (n + 10).to_string(), "key": key, "name": name, "type": kind,
                                    "description": "", "havePermission": have });
            if !world.is_cloud() {
                entry["deprecatedKey"] = false.into();
            }
            ((*key).to_owned(), entry)
        })
        .collect();
    Ok(Reply::ok(json!({ "permissions": entries })))
}

pub(super) fn fields(world: &World) -> Answer {
    Ok(Reply::ok(FIELDS.iter().map(|f| f.describe(world)).collect()))
}

pub(super) fn statuses(world: &World) -> Answer {
    Ok(Reply::ok(catalog::STATUSES.iter().map(|s| shapes::status(world, s.id)).collect()))
}

pub(super) fn status(world: &World, id: &str) -> Answer {
    catalog::STATUSES
        .iter()
        .find(|s| s.id.to_string() == id || s.name.eq_ignore_ascii_case(id))
        .map(|s| Reply::ok(shapes::status(world, s.id)))
        .ok_or_else(|| Failure::new(404, format!("The status with id '{id}' does not exist")))
}

pub(super) fn issue_types(world: &World) -> Answer {
    Ok(Reply::ok(catalog::ISSUE_TYPES.iter().map(|t| shapes::issue_type(world, t)).collect()))
}

pub(super) fn priorities(world: &World) -> Answer {
    let all = catalog::PRIORITIES.iter().map(|(id, _, color)| {
        let mut one = shapes::priority(world, *id);
        one["statusColor"] = (*color).into();
        one["description"] = "".into();
        one
    });
    Ok(Reply::ok(all.collect()))
}

pub(super) fn resolutions(world: &World) -> Answer {
    Ok(Reply::ok(catalog::RESOLUTIONS.iter().map(|r| shapes::resolution(world, r.0)).collect()))
}

/// The fields of a create (`with_project`) or edit screen. Cloud names the field's id in its newest resource alone.
fn screen(world: &World, project: usize, with_project: bool, with_id: bool) -> Map<String, Value> {
    FIELDS
        .iter()
        .filter(|f| f.editable || (with_project && matches!(f.id, "project" | "parent")) || f.id == "comment")
        .filter(|f| !(with_project && f.id == "comment"))
        .filter(|f| !world.switches.off_screen.contains(f.id))
        .filter(|f| !(f.id == "reporter" && world.denied("MODIFY_REPORTER")))
        .map(|f| (f.id.to_owned(), f.meta(world, project, with_id)))
        .collect()
}

/// The old createmeta: all projects at once, thinned by parameters; fields only with `expand`.
pub(super) fn create_meta(world: &World, req: &Req) -> Answer {
    let keys = req.q_list("projectKeys");
    let ids = req.q_list("projectIds");
    let type_ids = req.q_list("issuetypeIds");
    let type_names = req.q_list("issuetypeNames");
    let with_fields = req.q("expand").is_some_and(|e| e.contains("projects.issuetypes.fields"));
    let projects: Vec<Value> = world
        .projects
        .iter()
        .enumerate()
        .filter(|(ix, p)| {
            !world.is_hidden(*ix)
                && (keys.is_empty() && ids.is_empty() || keys.contains(&p.key) || ids.contains(&p.id.to_string()))
        })
        .map(|(ix, p)| {
            let types: Vec<Value> = catalog::ISSUE_TYPES
                .iter()
                .filter(|t| type_ids.is_empty() || type_ids.contains(&t.id.to_string()))
                .filter(|t| type_names.is_empty() || type_names.iter().any(|n| n == t.name))
                .map(|t| {
                    let mut one = shapes::issue_type(world, t);
                    if with_fields {
                        one["fields"] = Value::Object(screen(world, ix, true, !world.is_cloud()));
                    }
                    one
                })
                .collect();
            json!({ "self": world.rest(&format!("project/{}", p.id)), "id": p.id.to_string(), "key": p.key,
                    "name": p.name, "avatarUrls": shapes::project_ref(world, ix)["avatarUrls"], "issuetypes": types })
        })
        .collect();
    Ok(Reply::ok(json!({ "expand": "projects", "projects": projects })))
}

pub(super) fn create_types(world: &World, req: &Req, project: &str) -> Answer {
    world.find_project(project)?;
    let all: Vec<Value> = catalog::ISSUE_TYPES.iter().map(|t| shapes::issue_type(world, t)).collect();
    paged(world, req, all, "issueTypes")
}

pub(super) fn create_fields(world: &World, req: &Req, project: &str, id: &str) -> Answer {
    let ix = world.find_project(project)?;
    if !catalog::ISSUE_TYPES.iter().any(|t| t.id.to_string() == id) {
        return Err(Failure::new(404, format!("Issue type with id '{id}' does not exist")));
    }
    let all: Vec<Value> = screen(world, ix, true, true).into_iter().map(|(_, v)| v).collect();
    paged(world, req, all, "fields")
}

/// Cloud names the list after what is in it; Data Center says `values` and `isLast`.
fn paged(world: &World, req: &Req, all: Vec<Value>, name: &str) -> Answer {
    let (start, max) = (req.q_number("startAt", 0)?, req.q_number("maxResults", 50)?);
    let (page, total, last) = page_of(all, start, max);
    Ok(Reply::ok(if world.is_cloud() {
        json!({ "startAt": start, "maxResults": max, "total": total, name: page })
    } else {
        json!({ "startAt": start, "maxResults": max, "total": total, "isLast": last, "values": page })
    }))
}

pub(super) fn edit_meta(world: &World, key: &str) -> Answer {
    let issue = world.issue(world.find_issue(key)?)?;
    let fields =
        if world.may_edit(issue) { screen(world, issue.project, false, !world.is_cloud()) } else { Map::new() };
    Ok(Reply::ok(json!({ "fields": fields })))
}

//! Paths → routes, for both flavours. A path that a flavour does not have is a 404, as at Jira.

mod anonymize;
mod attachment;
mod comment;
mod component;
mod history;
mod issue;
mod link;
mod lists;
mod meta;
mod people;
mod project;
mod property;
mod redaction;
mod role;
mod search;
mod shared;
mod social;
mod transition;
mod user;
mod version;
mod wide;
mod worklog;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{
    http::{Answer, Failure, Req},
    state::World,
};

/// Answers a request to the REST API.
pub(super) fn api(world: &mut World, req: &Req) -> Answer {
    let segments: Vec<&str> = req.segments.iter().map(String::as_str).collect();
    let cloud = world.is_cloud();
    if let Some(answer) = wide::api(world, req, &segments) {
        return answer;
    }
    match (req.method.as_str(), segments.as_slice()) {
        ("GET", ["serverInfo"]) => meta::server_info(world),
        ("GET", ["myself"]) => user::myself(world),
        ("GET", ["mypermissions"]) => meta::my_permissions(world, req),
        ("GET", ["field"]) => meta::fields(world),
        ("GET", ["status"]) => meta::statuses(world),
        ("GET", ["status", id]) => meta::status(world, id),
        ("GET", ["issuetype"]) => meta::issue_types(world),
        ("GET", ["priority"]) => meta::priorities(world),
        ("GET", ["resolution"]) => meta::resolutions(world),
        ("GET", ["issueLinkType"]) => link::types(world),
        ("GET", ["user"]) => user::get(world, req),
        ("GET", ["user", "search"]) => user::search(world, req),
        ("GET", ["user", "assignable", "search"]) => user::assignable(world, req),
        ("GET", ["users", "search"] | ["users"]) if cloud => user::all(world, req),
        ("GET", ["user", "list"]) if !cloud => user::stream(world, req),
        ("GET", ["project"]) => project::list(world, req),
        ("GET", ["project", "search"]) if cloud => project::search(world, req),
        ("GET", ["project", key]) => project::get(world, key),
        ("GET", ["project", key, "statuses"]) => project::statuses(world, key),
        ("GET", ["project", key, "components"]) => project::components(world, key),
        ("GET", ["project", key, "versions"]) => project::versions(world, key),
        ("GET", ["project", key, "component"]) if cloud => project::component_page(world, req, key),
        ("GET", ["project", key, "version"]) => project::version_page(world, req, key),
        (_, ["search"]) if cloud => search::withdrawn(),
        ("GET" | "POST", ["search"]) => search::data_center(world, req),
        ("GET" | "POST", ["search", "jql"]) if cloud => search::cloud(world, req),
        ("POST", ["search", "approximate-count"]) if cloud => search::count(world, req),
        ("POST", ["changelog", "bulkfetch"]) if cloud => history::bulk(world, req),
        ("GET", ["attachment", "meta"]) => attachment::settings(),
        ("GET", ["attachment", "content", id]) if cloud => attachment::redirect(world, req, id),
        ("GET", ["attachment", id]) => attachment::get(world, id),
        ("DELETE", ["attachment", id]) => attachment::delete(world, id),
        ("POST", ["issueLink"]) => link::create(world, req),
        ("GET", ["issueLink", id]) => link::get(world, id),
        ("DELETE", ["issueLink", id]) => link::delete(world, id),
        ("POST", ["issue"]) => issue::create(world, req),
        ("POST", ["issue", "bulkfetch"]) if cloud => issue::bulk(world, req),
        ("GET", ["issue", "createmeta"]) => meta::create_meta(world, req),
        ("GET", ["issue", "createmeta", project, "issuetypes"]) => meta::create_types(world, req, project),
        ("GET", ["issue", "createmeta", project, "issuetypes", id]) => meta::create_fields(world, req, project, id),
        ("GET", ["comment", id, "properties"]) => property::of_comment_keys(world, id),
        (_, ["comment", id, "properties", key]) => property::of_comment(world, req, id, key),
        ("POST", ["redact"]) if cloud => redaction::submit(world, req),
        ("GET", ["redact", "status", job]) if cloud => redaction::status(world, req, job),
        (_, ["user", "anonymization", rest @ ..]) if !cloud => of_anonymization(world, req, rest),
        (_, ["issue", key, rest @ ..]) => of_issue(world, req, key, rest),
        _ => Err(Failure::no_route()),
    }
}

fn of_issue(world: &mut World, req: &Req, key: &str, rest: &[&str]) -> Answer {
    let cloud = world.is_cloud();
    match (req.method.as_str(), rest) {
        ("GET", []) => issue::get(world, req, key),
        ("PUT", []) => issue::edit(world, req, key),
        ("DELETE", []) => issue::delete(world, req, key),
        ("GET", ["editmeta"]) => meta::edit_meta(world, key),
        ("PUT", ["archive"]) if !cloud => issue::archive(world, req, key, true),
        ("PUT", ["restore"]) if !cloud => issue::archive(world, req, key, false),
        ("PUT", ["assignee"]) => issue::assign(world, req, key),
        ("GET", ["transitions"]) => transition::list(world, key),
        ("POST", ["transitions"]) => transition::perform(world, req, key),
        ("GET", ["changelog"]) if cloud => history::page(world, req, key),
        ("GET", ["comment"]) => comment::list(world, req, key),
        ("POST", ["comment"]) => comment::add(world, req, key),
        ("GET", ["comment", id]) => comment::get(world, req, key, id),
        ("PUT", ["comment", id]) => comment::edit(world, req, key, id),
        ("DELETE", ["comment", id]) => comment::delete(world, key, id),
        ("GET", ["worklog"]) => worklog::list(world, req, key),
        ("POST", ["worklog"]) => worklog::add(world, req, key),
        ("GET", ["worklog", id]) => worklog::get(world, key, id),
        ("PUT", ["worklog", id]) => worklog::edit(world, req, key, id),
        ("DELETE", ["worklog", id]) => worklog::delete(world, key, id),
        ("POST", ["attachments"]) => attachment::upload(world, req, key),
        ("GET", ["watchers"]) => social::watchers(world, key),
        ("POST", ["watchers"]) => social::watch(world, req, key),
        ("DELETE", ["watchers"]) => social::unwatch(world, req, key),
        ("GET", ["votes"]) => social::votes(world, key),
        ("POST", ["votes"]) => social::vote(world, key),
        ("DELETE", ["votes"]) => social::unvote(world, key),
        ("GET", ["remotelink"]) => link::remote_list(world, req, key),
        ("POST", ["remotelink"]) => link::remote_create(world, req, key),
        ("DELETE", ["remotelink"]) => link::remote_delete_global(world, req, key),
        ("GET", ["remotelink", id]) => link::remote_get(world, key, id),
        ("PUT", ["remotelink", id]) => link::remote_edit(world, req, key, id),
        ("DELETE", ["remotelink", id]) => link::remote_delete(world, key, id),
        ("GET", ["properties"]) => property::of_issue_keys(world, key),
        (_, ["properties", name]) => property::of_issue(world, req, key, name),
        _ => Err(Failure::no_route()),
    }
}

fn of_anonymization(world: &mut World, req: &Req, rest: &[&str]) -> Answer {
    match (req.method.as_str(), rest) {
        ("GET", []) => anonymize::validate(world, req, false),
        ("POST", []) => anonymize::schedule(world, req, false),
        ("GET", ["rerun"]) => anonymize::validate(world, req, true),
        ("POST", ["rerun"]) => anonymize::schedule(world, req, true),
        ("GET", ["progress"]) => anonymize::progress(world, req),
        ("DELETE", ["unlock"]) => anonymize::unlock(world),
        _ => Err(Failure::no_route()),
    }
}

/// Answers a request outside the platform's REST API: content of attachments, Jira Software's own API.
pub(super) fn page(world: &mut World, req: &Req) -> Answer {
    let segments: Vec<&str> = req.segments.iter().map(String::as_str).collect();
    match (req.method.as_str(), segments.as_slice()) {
        ("GET", ["secure", "attachment", id, _name]) if !world.is_cloud() => attachment::content(world, id),
        (_, ["rest", "agile", "1.0" | "latest", rest @ ..]) => shared::software(world, req, rest),
        _ => Err(Failure::no_route()),
    }
}

/// Answers the address that Cloud's download redirects to. It takes no credentials: its name is the secret.
pub(super) fn media(world: &mut World, req: &Req) -> Answer {
    attachment::media(world, req)
}

/// Edits an issue from inside (somebody else, from behind).
pub(super) fn apply_edit(
    world: &mut World,
    id: u64,
    fields: &Map<String, Value>,
    update: &Map<String, Value>,
) -> Result<(), Failure> {
    issue::apply(world, id, Some(fields), Some(update), BTreeMap::new())
}

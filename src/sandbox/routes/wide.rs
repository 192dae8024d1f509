//! Paths → routes, second part: roles, components, versions, the audit log, properties of what is no issue, and the many
//! ways to a user. `routes` asks here first, since some of these paths look like an issue's.

use super::{component, lists, people, project, property, role, shared, version};
use crate::sandbox::{
    http::{Answer, Req},
    state::World,
};

/// The answer, where the path is one of these.
pub(super) fn api(world: &mut World, req: &Req, segments: &[&str]) -> Option<Answer> {
    let cloud = world.is_cloud();
    Some(match (req.method.as_str(), segments) {
        ("GET", ["role"]) => role::all(world),
        ("POST", ["role"]) => role::create(world, req),
        ("GET", ["role", id]) => role::get(world, id),
        ("POST" | "PUT", ["role", id]) => role::edit(world, req, id),
        ("DELETE", ["role", id]) => role::delete(world, req, id),
        (_, ["role", id, "actors"]) => role::defaults(world, req, id),
        ("GET", ["project", key, "role"]) => role::of_project(world, key),
        (_, ["project", key, "role", id]) => role::in_project(world, req, key, id),
        ("GET", ["project", key, "roledetails"]) if cloud => role::details(world, key),
        ("GET", ["auditing", "record"]) if cloud => role::audit(world, req),
        ("PUT", ["project", key]) => project::edit(world, req, key),
        ("GET", ["project", "recent"]) if cloud => project::recent(world),
        ("GET", ["project", key, "permissionscheme"]) => shared::permission_scheme(world, key),
        ("GET", ["project", key, "notificationscheme"]) => shared::notification_scheme(world, key),
        ("GET", ["project", key, "issuesecuritylevelscheme"]) => shared::security_scheme(world, key),
        ("GET", ["issuesecurityschemes", "level", "member"]) if cloud => shared::security_members(world, req),
        ("GET", ["filter", "search"]) if cloud => shared::filters(world, req),
        ("GET", ["filter", id]) => shared::filter(world, id),
        ("GET", ["dashboard", "search"]) if cloud => shared::dashboards(world, req),
        ("GET", ["dashboard"]) if !cloud => shared::dashboards(world, req),
        ("GET", ["project", key, "properties"]) => property::of_project_keys(world, key),
        (_, ["project", key, "properties", name]) => property::of_project(world, req, key, name),
        ("POST", ["component"]) => component::create(world, req),
        ("GET", ["component", id]) => component::get(world, id),
        ("PUT", ["component", id]) => component::edit(world, req, id),
        ("DELETE", ["component", id]) => component::delete(world, req, id),
        ("GET", ["component", id, "relatedIssueCounts"]) => component::counts(world, id),
        ("POST", ["version"]) => version::create(world, req),
        ("GET", ["version", id]) => version::get(world, req, id),
        ("PUT", ["version", id]) => version::edit(world, req, id),
        ("POST", ["version", id, "move"]) => version::shift(world, req, id),
        ("GET", ["version", id, "relatedIssueCounts"]) => version::counts(world, id),
        ("DELETE", ["version", id]) if cloud => version::delete(world, req, id),
        ("POST", ["version", id, "removeAndSwap"]) => version::delete(world, req, id),
        ("POST", ["user"]) => people::create(world, req),
        ("PUT", ["user"]) if !cloud => people::edit_named(world, req),
        ("PUT", ["myself"]) if !cloud => people::edit(world, req, world.ctx.actor),
        ("DELETE", ["user"]) => people::delete(world, req),
        ("GET", ["user", "picker"]) => people::picker(world, req),
        ("GET", ["groups", "picker"]) => people::groups(world, req),
        ("GET", ["groupuserpicker"]) => people::both(world, req),
        ("GET", ["group", "member"]) => people::members(world, req),
        ("GET", ["user", "groups"]) if cloud => people::groups_of(world, req),
        ("GET", ["user", "bulk"]) if cloud => people::bulk(world, req),
        ("GET", ["user", "search", "query"]) if cloud => people::query(world, req, false),
        ("GET", ["user", "search", "query", "key"]) if cloud => people::query(world, req, true),
        ("GET", ["user", "permission" | "viewissue", "search"]) => people::permitted(world, req, false),
        ("GET", ["user", "assignable", "multiProjectSearch"]) => people::permitted(world, req, true),
        ("GET", ["user", "properties"]) => property::of_user_keys(world, req),
        (_, ["user", "properties", name]) => property::of_user(world, req, name),
        ("POST", ["comment", "list"]) if cloud => lists::comments(world, req),
        ("POST", ["worklog", "list"]) => lists::worklogs(world, req),
        ("GET", ["worklog", "updated"]) => lists::worklogs_since(world, req, false),
        ("GET", ["worklog", "deleted"]) => lists::worklogs_since(world, req, true),
        ("POST", ["issue", "bulk"]) => lists::create(world, req),
        ("GET", ["issue", "picker"]) => lists::picker(world, req),
        ("POST", ["issue", key, "changelog", "list"]) if cloud => lists::histories(world, req, key),
        ("POST", ["issue", key, "notify"]) => lists::notify(world, req, key),
        ("GET", ["issue", key, "pinned-comments"]) if !cloud => lists::pinned(world, key),
        ("PUT", ["issue", key, "comment", id, "pin"]) if !cloud => lists::pin(world, req, key, id),
        ("GET", ["issue", key, "worklog", id, "properties"]) if cloud => property::of_worklog_keys(world, key, id),
        (_, ["issue", key, "worklog", id, "properties", name]) if cloud => {
            property::of_worklog(world, req, key, id, name)
        }
        _ => return None,
    })
}

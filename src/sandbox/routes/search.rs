//! Search by JQL: Data Center's numbered pages, Cloud's tokens.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::sandbox::{
    http::{Answer, Failure, Reply, Req},
    jql::{Query, SortKey},
    shapes::{self, IDS, Selection},
    state::World,
};

/// Cloud's old search: withdrawn (Atlassian's change notice CHANGE-2046).
pub(super) fn withdrawn() -> Answer {
    Err(Failure::new(
        410,
        "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. A full migration \
         guideline is available at https://developer.atlassian.com/changelog/#CHANGE-2046",
    ))
}

/// What either search takes, from the query or from the body.
struct Asked {
    jql: String,
    max: Option<u64>,
    start: u64,
    token: Option<String>,
    fields: Vec<String>,
    expand: Vec<String>,
    properties: Vec<String>,
    reconcile: Vec<u64>,
}

/// A list given as an array or as one text with commas.
pub(super) fn strings(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Some(Value::String(s)) => s.split(',').map(str::trim).filter(|s| !s.is_empty()).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

impl Asked {
    fn read(req: &Req) -> Result<Self, Failure> {
        if req.method == "GET" {
            let number = |name: &str| match req.q(name) {
                None | Some("") => Ok(None),
                Some(v) => v
                    .parse()
                    .map(Some)
                    .map_err(|_| Failure::new(400, format!("The value '{v}' of '{name}' is not a valid number."))),
            };
            return Ok(Self {
                jql: req.q("jql").unwrap_or_default().to_owned(),
                max: number("maxResults")?,
                start: number("startAt")?.unwrap_or(0),
                token: req.q("nextPageToken").map(str::to_owned),
                fields: req.q_list("fields"),
                expand: req.q_list("expand"),
                properties: req.q_list("properties"),
                reconcile: req.q_list("reconcileIssues").iter().filter_map(|s| s.parse().ok()).collect(),
            });
        }
        let body = req.object()?;
        Ok(Self {
            jql: body.get("jql").and_then(Value::as_str).unwrap_or_default().to_owned(),
            max: body.get("maxResults").and_then(Value::as_u64),
            start: body.get("startAt").and_then(Value::as_u64).unwrap_or(0),
            token: body.get("nextPageToken").and_then(Value::as_str).map(str::to_owned),
            fields: strings(body.get("fields")),
            expand: strings(body.get("expand")),
            properties: strings(body.get("properties")),
            reconcile: body
                .get("reconcileIssues")
                .and_then(Value::as_array)
                .map(|l| l.iter().filter_map(Value::as_u64).collect())
                .unwrap_or_default(),
        })
    }
}

pub(super) fn data_center(world: &World, req: &Req) -> Answer {
    let asked = Asked::read(req)?;
    let query = Query::new(world, &asked.jql)?;
    let found = query.run(world);
    let total = found.len();
    // Data Center's default limit (`jira.search.views.default.max`) is 1000.
    let max = (asked.max.map_or(50, |m| m.min(1000)) as usize).min(req.page_cap);
    let selection = Selection::new(asked.fields, asked.expand, asked.properties, "*navigable");
    let issues: Vec<Value> = found
        .iter()
        .skip(asked.start as usize)
        .take(max)
        .filter_map(|id| world.issues.get(id))
        .map(|i| shapes::issue(world, &world.view(i), &selection))
        .collect();
    let mut out = json!({ "expand": "schema,names", "startAt": asked.start, "maxResults": max, "total": total,
                          "issues": issues });
    if selection.expands("names") {
        out["names"] = shapes::names();
    }
    Ok(Reply::ok(out))
}

const BAD_TOKEN: &str = "The provided next page token is invalid or has expired.";

/// Where a page begins (behind the issue with these keys; at the start without), bound to its query. The number only
/// makes two tokens for one place differ.
type Cursor = (String, Option<Vec<SortKey>>, u64);

fn cursor(token: &str, jql: &str) -> Option<Option<Vec<SortKey>>> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (hash, keys, _): Cursor = serde_json::from_slice(&bytes).ok()?;
    (hash == hash_of(jql)).then_some(keys)
}

fn hash_of(jql: &str) -> String {
    blake3::hash(jql.as_bytes()).to_hex()[..12].to_owned()
}

pub(super) fn cloud(world: &World, req: &Req) -> Answer {
    let asked = Asked::read(req)?;
    let query = Query::new(world, &asked.jql)?;
    if query.is_unbounded() {
        return Err(Failure::new(
            400,
            "Unbounded JQL queries are not allowed here. Please add a search restriction to your query.",
        ));
    }
    if asked.reconcile.len() > 50 {
        return Err(Failure::new(400, "The number of issues to reconcile must not exceed 50."));
    }
    let after = match asked.token.as_deref() {
        None | Some("") => None,
        Some(token) => cursor(token, &asked.jql).ok_or_else(|| Failure::new(400, BAD_TOKEN))?,
    };
    let selection = Selection::new(asked.fields, asked.expand, asked.properties, IDS);
    // Atlassian gives up to 5,000 where only ids are asked, far fewer with fields.
    let cap = if selection.ids_only() { 5000 } else { 100 };
    let mut max = (asked.max.map_or(50, |m| m.clamp(1, cap)) as usize).min(req.page_cap);
    let page_number = world.unkind.next_page();
    if world.switches.short_pages {
        // Filtering after the index makes real pages short or empty; the end is where there is no token, and only there.
        max = match page_number % 3 {
            1 => 0,
            2 => max.div_ceil(2),
            _ => max,
        };
    }
    let now = world.ctx.now;
    let found = query.run(world);
    let from = after.as_ref().map_or(0, |after| query.behind(world, &found, after));
    let mut rest = found[from..]
        .iter()
        .filter_map(|id| world.issues.get(id))
        .filter(|i| i.searchable_at <= now || asked.reconcile.contains(&i.id));
    let page: Vec<_> = rest.by_ref().take(max).collect();
    let more = rest.next().is_some();
    let issues: Vec<Value> = page.iter().map(|i| shapes::issue(world, &world.view(i), &selection)).collect();
    let mut out = json!({ "issues": issues, "isLast": !more });
    if more {
        let behind = page.last().map(|last| query.keys(world, last)).or(after);
        let token: Cursor = (hash_of(&asked.jql), behind, page_number);
        let token = serde_json::to_vec(&token).unwrap_or_default();
        out["nextPageToken"] = URL_SAFE_NO_PAD.encode(token).into();
    }
    if selection.expands("names") {
        out["names"] = shapes::names();
    }
    if selection.expands("schema") {
        out["schema"] = shapes::schemas();
    }
    Ok(Reply::ok(out))
}

pub(super) fn count(world: &World, req: &Req) -> Answer {
    let jql = req.object()?.get("jql").and_then(Value::as_str).unwrap_or_default();
    let query = Query::new(world, jql)?;
    if query.is_unbounded() {
        return Err(Failure::new(400, "Unbounded JQL queries are not allowed here."));
    }
    Ok(Reply::ok(json!({ "count": query.run(world).len() })))
}

//! Changelogs on Cloud. History is read, never written, by REST.

use serde_json::{Value, json};

use super::search::strings;
use crate::sandbox::{
    http::{Answer, Failure, Reply, Req, page_of},
    shapes,
    state::World,
};

pub(super) fn page(world: &World, req: &Req, key: &str) -> Answer {
    let issue = world.issue(world.find_issue(key)?)?;
    let (start, max) = (req.q_number("startAt", 0)?, req.q_number("maxResults", 100)?.clamp(1, 100));
    let all: Vec<Value> = issue.history.iter().map(|h| shapes::history(world, h)).collect();
    let (page, total, last) = page_of(all, start, max);
    let address = world.rest(&format!("issue/{key}/changelog"));
    let mut out = json!({ "self": format!("{address}?startAt={start}&maxResults={max}"), "startAt": start,
                          "maxResults": max, "total": total, "isLast": last, "values": page });
    if !last {
        out["nextPage"] = format!("{address}?startAt={}&maxResults={max}", start + max).into();
    }
    Ok(Reply::ok(out))
}

/// Several issues' changelogs at once: at most 1,000 issues and 10 fields.
pub(super) fn bulk(world: &World, req: &Req) -> Answer {
    let body = req.object()?;
    let issues = strings(body.get("issueIdsOrKeys"));
    let fields = strings(body.get("fieldIds"));
    if issues.is_empty() || issues.len() > 1000 || fields.len() > 10 {
        return Err(Failure::new(400, "Between 1 and 1000 issues and at most 10 fields can be requested."));
    }
    let max = body.get("maxResults").and_then(Value::as_u64).unwrap_or(1000).clamp(1, 10_000) as usize;
    let start: usize = match body.get("nextPageToken").and_then(Value::as_str) {
        None => 0,
        Some(t) => t.parse().map_err(|_| Failure::new(400, "The next page token is invalid."))?,
    };
    // Histories of issues that are missing or hidden are left out without a word, as at Jira.
    let mut all = Vec::new();
    for reference in &issues {
        let Ok(issue) = world.find_issue(reference).and_then(|id| world.issue(id)) else { continue };
        for h in &issue.history {
            let wanted = |c: &&crate::sandbox::state::Change| {
                fields.is_empty() || c.field_id.as_ref().is_some_and(|f| fields.contains(f))
            };
            if h.items.iter().any(|c| wanted(&c)) {
                all.push((issue.id, shapes::history(world, h)));
            }
        }
    }
    let (page, _, last) = page_of(all, start, max);
    let mut out: Vec<Value> = Vec::new();
    for (issue, history) in page {
        let id = Value::String(issue.to_string());
        match out.last_mut().filter(|l| l["issueId"] == id) {
            Some(entry) => {
                if let Some(list) = entry["changeHistories"].as_array_mut() {
                    list.push(history);
                }
            }
            None => out.push(json!({ "issueId": id, "changeHistories": [history] })),
        }
    }
    let mut out = json!({ "issueChangeLogs": out });
    if !last {
        out["nextPageToken"] = (start + max).to_string().into();
    }
    Ok(Reply::ok(out))
}

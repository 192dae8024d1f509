//! Cloud's redaction job: text at a named position is blacked out, in the background, if it is still the expected one.
//!
//! Shapes and status codes: Atlassian's document of Cloud REST v3, "Issue redaction". What it leaves open is decided here
//! and said at the place: positions count UTF-16 units (as Java and JavaScript do), redacted text becomes as many `█`
//! (so that several positions in one text stay valid), a job moves on when it is asked after.

use std::collections::HashSet;

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::Duration;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::sandbox::{
    fields,
    http::{Answer, Failure, Reply, Req},
    state::{Custom, Issue, Redaction, RedactionHistory, RedactionJob, RedactionPlan, World},
};

const KINDS: [&str; 3] = ["issuefieldvalue", "issue-comment", "issue-worklog"];
/// What stands for each redacted UTF-16 unit.
const BLACK: &str = "█";

fn allowed(world: &World, req: &Req) -> Result<(), Failure> {
    match world.switches.redaction_plan {
        RedactionPlan::Absent => return Err(Failure::no_route()),
        RedactionPlan::Forbidden => {
            return Err(Failure::forbidden("An Atlassian Guard Premium subscription is required to redact content."));
        }
        RedactionPlan::Here | RedactionPlan::Pretends => {}
    }
    if !req.basic {
        return Err(Failure::new(401, "You are not authorised to redact data."));
    }
    if !world.switches.admin {
        return Err(Failure::forbidden("You do not have permission to redact data."));
    }
    Ok(())
}

fn text<'v>(value: &'v Value, pointer: &str) -> Result<&'v str, Failure> {
    let missing = || Failure::new(400, format!("{} is required.", &pointer[1..].replace('/', ".")));
    value.pointer(pointer).and_then(Value::as_str).filter(|s| !s.is_empty()).ok_or_else(missing)
}

fn index(value: &Value, pointer: &str) -> Result<usize, Failure> {
    let bad = || Failure::new(400, format!("{} must be a position.", &pointer[1..].replace('/', ".")));
    value.pointer(pointer).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok()).ok_or_else(bad)
}

fn read(value: &Value) -> Result<Redaction, Failure> {
    let external_id = text(value, "/externalId")?;
    if uuid::Uuid::parse_str(external_id).is_err() {
        return Err(Failure::new(400, "externalId must be a UUID."));
    }
    text(value, "/reason")?;
    let kind = text(value, "/contentItem/entityType")?;
    if !KINDS.contains(&kind) {
        return Err(Failure::new(400, "contentItem.entityType is none of the known ones."));
    }
    let (from, to) = (index(value, "/redactionPosition/from")?, index(value, "/redactionPosition/to")?);
    if from >= to {
        return Err(Failure::new(400, "redactionPosition.from must be before redactionPosition.to."));
    }
    Ok(Redaction {
        external_id: external_id.to_owned(),
        kind: kind.to_owned(),
        entity: text(value, "/contentItem/entityId")?.to_owned(),
        issue: text(value, "/contentItem/id")?.to_owned(),
        from,
        to,
        expected: text(value, "/redactionPosition/expectedText")?.to_owned(),
        pointer: value.pointer("/redactionPosition/adfPointer").and_then(Value::as_str).map(str::to_owned),
    })
}

pub(super) fn submit(world: &mut World, req: &Req) -> Answer {
    allowed(world, req)?;
    // The document asks for a list, not for one with something in it.
    let list = req.object()?.get("redactions").and_then(Value::as_array);
    let list = list.ok_or_else(|| Failure::new(400, "redactions is required."))?;
    let items: Vec<Redaction> = list.iter().map(read).collect::<Result<_, _>>()?;
    let ids: HashSet<&str> = items.iter().map(|i| i.external_id.as_str()).collect();
    if ids.len() != items.len() {
        return Err(Failure::new(400, "Each redaction needs an externalId of its own."));
    }
    let job = uuid::Uuid::new_v4().to_string();
    world.unkind.redactions.insert(job.clone(), RedactionJob { items, polls: 0, results: None });
    world.touched();
    Ok(Reply::json(202, job.into()))
}

pub(super) fn status(world: &mut World, req: &Req, id: &str) -> Answer {
    allowed(world, req)?;
    let needed = world.switches.job_polls;
    let missing = || Failure::new(404, "The redaction job was not found.");
    let job = world.unkind.redactions.get_mut(id).ok_or_else(missing)?;
    if job.results.is_none() {
        job.polls += 1;
        if job.polls <= needed {
            let word = if job.polls == 1 { "PENDING" } else { "IN_PROGRESS" };
            return Ok(Reply::ok(json!({ "jobStatus": word, "bulkRedactionResponse": { "results": [] } })));
        }
        let items = job.items.clone();
        let results = items.iter().map(|i| (i.external_id.clone(), redact(world, i).is_some())).collect();
        if let Some(job) = world.unkind.redactions.get_mut(id) {
            job.results = Some(results);
        }
    }
    let results: Vec<Value> = world
        .unkind
        .redactions
        .get(id)
        .and_then(|j| j.results.as_ref())
        .into_iter()
        .flatten()
        .map(|(id, done)| json!({ "externalId": id, "successful": done }))
        .collect();
    Ok(Reply::ok(json!({ "jobStatus": "COMPLETED", "bulkRedactionResponse": { "results": results } })))
}

/// Does one; `None` where the text is not there, or not the expected one.
fn redact(world: &mut World, item: &Redaction) -> Option<()> {
    if world.switches.redaction_plan == RedactionPlan::Pretends {
        return Some(());
    }
    let id: u64 = item.issue.parse().ok()?;
    let seen = world.issues.get(&id).filter(|i| world.sees(i) && !world.unkind.archived.contains(&i.id))?;
    let seen = seen.id;
    let (in_characters, bar) = (world.switches.redaction_in_characters, world.switches.redaction_bar.clone());
    let place = place(world.issues.get_mut(&seen)?, item)?;
    let at = |n: usize| byte_of(place, n, in_characters);
    let (from, to) = (at(item.from)?, at(item.to)?);
    let secret = place.get(from..to)?.to_owned();
    // The document's example decodes to the hexadecimal text of the hash, not to its bytes.
    if STANDARD.encode(hex::encode(Sha256::digest(secret.as_bytes()))) != item.expected {
        return None;
    }
    let black = bar.unwrap_or_else(|| BLACK.repeat(item.to - item.from));
    place.replace_range(from..to, &black);
    in_history(world, seen, item, &secret, &black);
    world.ctx.notify = false;
    world.changed(seen, "issue_updated", Vec::new());
    Some(())
}

/// Where the `n`th unit of a text begins, in bytes; `None` inside a character, and beyond the end.
fn byte_of(text: &str, n: usize, in_characters: bool) -> Option<usize> {
    let mut units = 0;
    for (i, c) in text.char_indices() {
        if units == n {
            return Some(i);
        }
        units += if in_characters { 1 } else { c.len_utf16() };
    }
    (units == n).then_some(text.len())
}

/// The string that an item points at.
fn place<'i>(issue: &'i mut Issue, item: &Redaction) -> Option<&'i mut String> {
    let rich = match (item.kind.as_str(), item.entity.as_str()) {
        ("issuefieldvalue", "summary") => return Some(&mut issue.summary),
        ("issuefieldvalue", "description") => &mut issue.description,
        ("issuefieldvalue", "environment") => &mut issue.environment,
        ("issuefieldvalue", custom) => match issue.custom.get_mut(custom)? {
            Custom::Text(text) | Custom::Other(Value::String(text)) => return Some(text),
            // A field of several lines; other values are no texts.
            Custom::Other(doc) if doc.get("type").is_some_and(|t| t == "doc") => doc,
            _ => return None,
        },
        ("issue-comment", id) => &mut issue.comments.iter_mut().find(|c| c.id.to_string() == id)?.body,
        (_, id) => &mut issue.worklogs.iter_mut().find(|w| w.id.to_string() == id)?.comment,
    };
    // Only texts that are shown: a redacted mention id or node type would break the document.
    let pointer = item.pointer.as_deref().filter(|p| p.ends_with("/text"))?;
    match rich.pointer_mut(pointer)? {
        Value::String(text) => Some(text),
        _ => None,
    }
}

fn in_history(world: &mut World, issue: u64, item: &Redaction, secret: &str, black: &str) {
    let since = match world.switches.redaction_history {
        RedactionHistory::Kept => return,
        RedactionHistory::Covered => None,
        RedactionHistory::LastTenDays => Some(world.ctx.now - Duration::days(10)),
    };
    // Cloud's history holds no text of comments; worklogs show numbers alone.
    let Some(field) = fields::by_id(&item.entity).filter(|_| item.kind == KINDS[0]) else { return };
    let Some(i) = world.issues.get_mut(&issue) else { return };
    let entries = i.history.iter_mut().filter(|h| since.is_none_or(|s| h.created >= s));
    for change in entries.flat_map(|h| &mut h.items).filter(|c| c.field_id.as_deref() == Some(field.id)) {
        for text in [&mut change.from_string, &mut change.to_string].into_iter().flatten() {
            *text = text.replace(secret, black);
        }
    }
}

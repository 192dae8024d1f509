//! Export: what changed in the source since the cursor, staged as messages.
//!
//! The query is only a filter: JQL knows minutes, in the time zone of the user who asks, so the window overlaps; and some
//! servers do not move `updated`, or ignore clauses that they do not know. What makes a message is a content hash that
//! differs from the last message's. Limit: where a server honours `updated` in the query but does not move it on an
//! edit, edits outside the overlap are only seen by a run without a cursor (`Deps::full`).

use std::io::Write;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::StreamExt;
use serde_json::{Map, Value, json};

use super::{
    Room,
    content::{Content, carries, id_of, plain_fields},
    error::SyncError,
    held::Parts,
    relations,
    report::Phase,
};
use crate::{
    config::Sync,
    jira::{Client, ErrorKind, Issue, JiraError},
    keys::Purpose,
    staging::{IssueRef, Message, MessageId, MessageKind, Relations, SCHEMA, SourceRef, StagedAttachment},
    store::PairKind,
};

/// How far back each run looks again: the minute that JQL rounds to, and edits that became visible late.
const OVERLAP: TimeDelta = TimeDelta::minutes(5);
/// Issues read at the same time.
pub(super) const CONCURRENT: usize = 8;

pub(super) async fn export(room: &Room<'_>) -> Result<(), SyncError> {
    // With other fields or another query, issues count that did not change since.
    let selection = selection(room);
    let same = room.deps.store.sync_selection(&room.sync.name)?.is_some_and(|s| s == selection);
    let cursor = if room.deps.full || !same { None } else { room.deps.store.sync_cursor(&room.sync.name)? };
    let cursor = cursor.as_deref().and_then(|c| DateTime::parse_from_rfc3339(c).ok()).map(|c| c.to_utc());
    let zone = room.source.myself().await?.time_zone;
    let jql = query(room, cursor, zone.as_deref());
    let mut search = room.source.search(&jql, &wanted(room.sync));
    let mut newest = cursor;
    let mut done = 0;
    let mut failed = false;
    while let Some(page) = search.next_page().await? {
        let total = search.total();
        let mut work = futures_util::stream::iter(page)
            .map(|issue| async move {
                let updated = issue.updated().map(|u| u.to_utc());
                (updated, one(room, issue).await)
            })
            .buffered(CONCURRENT);
        while let Some((updated, result)) = work.next().await {
            done += 1;
            room.deps.progress.step(&room.sync.name, Phase::Export, done, total);
            match result {
                Ok(()) => newest = newest.max(updated),
                // One issue that cannot be read does not stop the others; the cursor stays, so that it is read again.
                Err(e) if !e.stops_everything() => {
                    failed = true;
                    room.error(&e);
                }
                Err(e) => return Err(e),
            }
        }
    }
    if !search.complete() {
        failed = true;
        room.error(&SyncError::PagesShifted);
    }
    if let Some(newest) = newest.filter(|_| !failed) {
        room.deps.store.sync_set_cursor(&room.sync.name, &newest.to_rfc3339(), room.holds.version())?;
    }
    if !failed && !same {
        room.deps.store.sync_set_selection(&room.sync.name, &selection)?;
    }
    Ok(())
}

/// Whether a synchronization would carry an issue over, changed or not: it is there, in the source's project, and selected.
///
/// # Errors
/// What the source says.
pub async fn carries_over(source: &Client, sync: &Sync, id: &str, key: &str) -> Result<bool, JiraError> {
    if key.is_empty() || key.contains('"') {
        return Ok(false);
    }
    let mut clauses = clauses(sync);
    clauses.push(format!("key = \"{key}\""));
    let found = source.search(&clauses.join(" AND "), &["project"]).all().await?;
    // A server that does not know a clause may answer with everything.
    Ok(found.iter().any(|issue| issue.id() == id && issue.key().eq_ignore_ascii_case(key)))
}

/// A hash of what selects issues and their parts; a query may name a person, so it is not kept itself.
fn selection(room: &Room<'_>) -> String {
    let source = &room.sync.source;
    let value = json!([source.instance, source.project, source.jql, room.sync.fields]);
    hex::encode(super::content::hash(room.deps.store.keys(), "selection", &value))
}

/// What selects the issues of a synchronization: its own query, and its project.
pub(super) fn clauses(sync: &Sync) -> Vec<String> {
    let own = sync.source.jql.as_deref().map(|jql| without_order(jql).trim()).filter(|j| !j.is_empty());
    own.map(|jql| format!("({jql})")).into_iter().chain([format!("project = \"{}\"", sync.source.project)]).collect()
}

/// The fields that an export reads.
pub(super) fn wanted(sync: &Sync) -> Vec<&str> {
    let mut fields = plain_fields(&sync.fields);
    fields.extend(["project", "updated", "created"]);
    fields.extend(sync.twin.as_ref().map(|_| "creator"));
    fields.extend(["comment", "attachment"].into_iter().filter(|f| carries(&sync.fields, f)));
    fields.extend(relations::wanted(sync));
    fields
}

fn query(room: &Room<'_>, cursor: Option<DateTime<Utc>>, zone: Option<&str>) -> String {
    let mut clauses = clauses(room.sync);
    if let Some(cursor) = cursor {
        clauses.push(format!("updated >= \"{}\"", local_minute(cursor - OVERLAP, zone)));
    }
    format!("{} ORDER BY updated ASC, key ASC", clauses.join(" AND "))
}

/// JQL takes minutes in the time zone of whoever asks; where that is not known, the furthest zone is assumed.
fn local_minute(at: DateTime<Utc>, zone: Option<&str>) -> String {
    match zone.and_then(|z| z.parse::<chrono_tz::Tz>().ok()) {
        // At the end of summer time an hour comes twice, and Jira takes its first: only an hour more is sure.
        Some(zone) => {
            let local = at.with_timezone(&zone).naive_local();
            let twice = local.and_local_timezone(zone).single().is_none();
            (local - if twice { TimeDelta::hours(1) } else { TimeDelta::zero() }).format("%Y/%m/%d %H:%M").to_string()
        }
        None => (at - TimeDelta::hours(15)).format("%Y/%m/%d %H:%M").to_string(),
    }
}

/// A configured query may have an order of its own, which would end up inside our parentheses.
pub(super) fn without_order(jql: &str) -> &str {
    let mut quote = None;
    let lower = jql.to_ascii_lowercase();
    for (i, c) in jql.char_indices() {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (Some(q), c) if q == c => quote = None,
            (None, _) if lower[i..].starts_with("order by") && (i == 0 || jql[..i].ends_with([' ', ')', '\n'])) => {
                return &jql[..i];
            }
            _ => {}
        }
    }
    jql
}

pub(super) async fn one(room: &Room<'_>, issue: Issue) -> Result<(), SyncError> {
    let at = IssueRef { id: issue.id().to_owned(), key: issue.key().to_owned() };
    if !belongs(room, &issue) {
        room.warn("the source answered with issues of another project; they were left out");
        return Ok(());
    }
    if room.deps.store.pair(&room.sync.name, PairKind::Issue, &at.id)?.is_some_and(|p| p.unlinked) {
        room.count(|r| r.unchanged += 1);
        return Ok(());
    }
    if super::twoway::in_doubt(room, &issue).await? {
        return Err(SyncError::InDoubt);
    }
    let mut fields = issue.fields().cloned().unwrap_or_default();
    fields.remove("creator");
    let embedded = (fields.remove("comment"), fields.remove("attachment"));
    let comments = comments(room, &at, embedded.0).await?;
    let attachments = attachments(room, &at, embedded.1).await?;
    let relations = relations::read(room, &at, &mut fields).await?;
    let keys = room.deps.store.keys();
    let content = Content::of(keys, &room.sync.fields, &fields, &comments, &attachments);
    let content = relations::content(keys, content, &relations);
    let last = room.deps.store.exported(&room.sync.name, &at.id)?;
    if last.is_some_and(|(hash, _)| hash == content.whole) {
        room.count(|r| r.unchanged += 1);
        return Ok(());
    }
    if super::twoway::is_known(room, &at, &content)? {
        let store = room.deps.store;
        let sequence = store.last_sequence(&room.sync.name, &at.id)?;
        super::blocking(|| store.set_exported(&room.sync.name, &at.id, &at.key, &content.whole, sequence))?;
        room.count(|r| r.unchanged += 1);
        return Ok(());
    }
    let parts = Parts {
        issue: &at.id,
        key: &at.key,
        fields: json!(fields),
        comments: &comments,
        relations: &relations,
        attachments: attachments.iter().map(|meta| (meta, None)).collect(),
    };
    if room.is_held(&parts)? {
        // No copy is made. When the hold ends the cursors go, so that the change is seen then.
        room.count(|r| r.held += 1);
        return Ok(());
    }
    stage(room, at, (fields, relations), comments, attachments, content).await
}

/// Servers that do not know a clause may ignore it and answer with everything.
pub(super) fn belongs(room: &Room<'_>, issue: &Issue) -> bool {
    let project = room.sync.source.project.as_str();
    match issue.field("project").and_then(|p| p.get("key")).and_then(Value::as_str) {
        Some(key) => key.eq_ignore_ascii_case(project),
        None => issue.key().rsplit_once('-').is_some_and(|(p, _)| p.eq_ignore_ascii_case(project)),
    }
}

/// All comments that are for everybody: restricted and internal ones stay home.
pub(super) async fn comments(room: &Room<'_>, at: &IssueRef, embedded: Option<Value>) -> Result<Vec<Value>, SyncError> {
    if !carries(&room.sync.fields, "comment") {
        return Ok(Vec::new());
    }
    let list = embedded.as_ref().and_then(|e| e.get("comments")).and_then(Value::as_array);
    let total = embedded.as_ref().and_then(|e| e.get("total")).and_then(Value::as_u64);
    let all = match (list, total) {
        // An issue's body may carry a page of them only.
        (Some(list), Some(total)) if list.len() as u64 >= total => list.clone(),
        _ => room.source.comments(&at.key).await?,
    };
    let before = all.len();
    let open: Vec<Value> = all
        .into_iter()
        .filter(|c| {
            c.get("visibility").is_none_or(|v| v.as_object().is_none_or(Map::is_empty))
                && c.get("jsdPublic").and_then(Value::as_bool) != Some(false)
                && c.get("public").and_then(Value::as_bool) != Some(false)
        })
        .collect();
    if open.len() < before {
        room.warn("restricted or internal comments stay in the source");
    }
    Ok(open)
}

pub(super) async fn attachments(
    room: &Room<'_>,
    at: &IssueRef,
    embedded: Option<Value>,
) -> Result<Vec<Value>, SyncError> {
    if !carries(&room.sync.fields, "attachment") {
        return Ok(Vec::new());
    }
    if let Some(Value::Array(list)) = embedded {
        return Ok(list);
    }
    let issue = room.source.issue(&at.key, &["attachment"], false, &[]).await?;
    let list = issue.as_ref().and_then(|i| i.field("attachment")).and_then(Value::as_array).cloned();
    if list.is_none() {
        room.warn("the source says nothing of attachments");
    }
    Ok(list.unwrap_or_default())
}

async fn stage(
    room: &Room<'_>,
    at: IssueRef,
    (fields, relations): (Map<String, Value>, Relations),
    comments: Vec<Value>,
    attachments: Vec<Value>,
    content: Content,
) -> Result<(), SyncError> {
    let now = (room.deps.now)().to_rfc3339();
    let id = MessageId::generate();
    let sequence = room.deps.store.last_sequence(&room.sync.name, &at.id)? + 1;
    let changed = super::twoway::changes(room, &at).await?;
    let mut staged = Vec::new();
    for meta in attachments {
        staged.push(blob(room, id, &at, sequence, &now, meta).await?);
    }
    let mut message = Message {
        schema: SCHEMA.to_owned(),
        id,
        sync: room.sync.name.clone(),
        issue: at.clone(),
        sequence,
        exported_at: now,
        kind: MessageKind::Upsert,
        source: SourceRef { instance: room.sync.source.instance.clone(), project: room.sync.source.project.clone() },
        fields,
        comments,
        attachments: staged,
        relations,
        hashes: content.parts,
        hash: hex::encode(&content.whole),
        changed,
        lost: Vec::new(),
    };
    let checked = room.check(&mut message, room.sync.names)?;
    room.count(|r| r.cut += checked.cuts as u64);
    // One fsynced commit after the other: kept off the async threads.
    super::blocking(|| {
        room.staging.put_exported(&message, &content.whole)?;
        if checked.parks() {
            room.put_aside(message.id, &SyncError::Name)?;
        }
        Ok::<_, SyncError>(())
    })?;
    room.count(|r| r.exported += 1);
    Ok(())
}

/// An attachment's bytes, sealed on their way to the disk, unless the target has them or is never to have them.
async fn blob(
    room: &Room<'_>,
    message: MessageId,
    at: &IssueRef,
    sequence: u64,
    now: &str,
    meta: Value,
) -> Result<StagedAttachment, SyncError> {
    let id = id_of(&meta);
    if room.deps.store.pair(&room.sync.name, PairKind::Attachment, &id)?.is_some() {
        return Ok(StagedAttachment { meta, blob: None, hash: None });
    }
    if !room.sync.attachments.carry(&meta) {
        room.warn("an attachment stays in the source: the configuration's filter leaves it out");
        return Ok(StagedAttachment { meta, blob: None, hash: None });
    }
    let mut download = match room.source.download(&meta).await {
        Ok(download) => download,
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::Forbidden) => {
            room.warn("an attachment's bytes are not readable in the source");
            return Ok(StagedAttachment { meta, blob: None, hash: None });
        }
        Err(e) => return Err(e.into()),
    };
    let mut writer = room.staging.blob_writer(message, at, sequence, now)?;
    let key = room.deps.store.keys().derive(Purpose::Lookup);
    let mut hasher = blake3::Hasher::new_keyed(key.dangerously_expose());
    while let Some(chunk) = download.chunk().await? {
        hasher.update(&chunk);
        writer.write_all(&chunk).map_err(SyncError::Local)?;
    }
    let blob = super::blocking(|| writer.finish())?;
    Ok(StagedAttachment { meta, blob: Some(blob), hash: Some(hex::encode(hasher.finalize().as_bytes())) })
}

/// The client's own user, for recognising what we wrote.
pub(super) async fn bot(client: &Client) -> Result<Option<String>, SyncError> {
    let me = client.myself().await?;
    Ok(super::content::identity(Some(&me.raw)).map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_is_in_the_zone_of_the_user_who_asks() {
        let at: DateTime<Utc> = "2026-11-22T00:30:59Z".parse().unwrap();
        assert_eq!(local_minute(at, Some("Asia/Kolkata")), "2026/11/22 06:00");
        assert_eq!(local_minute(at, Some("America/New_York")), "2026/11/21 19:30");
        assert_eq!(local_minute(at, None), "2026/11/21 09:30", "unknown: as early as any zone could need");
        // 2026-10-25 01:30Z is the second 02:30 of that night in Berlin: an hour earlier is asked for.
        assert_eq!(local_minute("2026-10-25T01:30:00Z".parse().unwrap(), Some("Europe/Berlin")), "2026/10/25 01:30");
    }

    #[test]
    fn an_order_of_its_own_is_taken_off() {
        assert_eq!(without_order("labels = shared ORDER BY key").trim(), "labels = shared");
        assert_eq!(without_order("summary ~ \"order by me\""), "summary ~ \"order by me\"");
        assert_eq!(without_order("reorder by = x"), "reorder by = x");
    }
}

//! Worklogs into the target: time, start and text, by our own account, the estimate left alone. They carry no mark, so after a
//! doubtful create they are recognised by author, text, start and time.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::super::{
    Room, body,
    content::id_of,
    create::{certainly_not_done, since},
    error::SyncError,
    parts::{Part, known, open_intents, ours},
    users::Written,
};
use crate::{
    config::WorklogMode,
    jira::{ErrorKind, Gone, Notify, parse_time},
    model::RecordType,
    staging::Message,
    store::{Intent, Pair, PairKind},
};

/// Jira's smallest time (400 "Invalid time duration entered." below it).
const SHORTEST: u64 = 60;
/// How both flavours write `started`.
const STARTED: &str = "%Y-%m-%dT%H:%M:%S%.3f%z";

/// Brings worklogs up to date. Says whether anything was written.
pub(super) async fn worklogs(room: &Room<'_>, message: &Message, pair: &Pair) -> Result<bool, SyncError> {
    if !message.relations.has("worklog") {
        return Ok(false);
    }
    let known = known(room, message, PairKind::Worklog)?;
    let mut changed = false;
    let mut there = BTreeSet::new();
    for worklog in &message.relations.worklogs {
        let id = id_of(worklog);
        there.insert(id.clone());
        let Some(hash) = message.hashes.get(&format!("worklog/{id}")).and_then(|h| hex::decode(h).ok()) else {
            continue;
        };
        let intents = open_intents(room, message, PairKind::Worklog, &id)?;
        let mine = known.get(&id);
        // A copy of ours, whose original is the target's: what somebody writes into it stays there.
        if mine.is_some_and(|p| p.erased || p.target_first || p.hash == hash && intents.is_empty()) {
            continue;
        }
        let text = text(room, worklog).await?;
        let part = Part { room, message, pair, kind: PairKind::Worklog, id: &id, hash, first: false };
        match to_target(&part, mine, intents, &wanted(worklog, text)).await {
            Ok(()) => changed = true,
            Err(SyncError::Jira(e)) if e.kind() == ErrorKind::NotSupported => {
                room.warn("the target has no worklogs; they were left out");
                return Ok(changed);
            }
            Err(e) => return Err(e),
        }
        room.count(|r| r.worklogs += 1);
    }
    for gone in known.values().filter(|p| !p.erased && !p.unlinked && !there.contains(&p.source_id)) {
        if gone.target_first {
            room.deps.store.mark_erased(&gone.sync, gone.kind, &gone.source_id)?;
            continue;
        }
        changed |= remove(room, pair, gone).await?;
    }
    Ok(changed)
}

/// The text with its author in front, as the configuration says.
async fn text(room: &Room<'_>, worklog: &Value) -> Result<Value, SyncError> {
    let flavor = room.target.flavor();
    let text = room.body("worklog", worklog.get("comment").unwrap_or(&Value::Null)).await?;
    let text = if text.is_null() { body::empty(flavor) } else { text };
    let author = worklog.get("author").unwrap_or(&Value::Null);
    let author = match room.sync.worklogs {
        WorklogMode::Anonymous => Written::Nothing,
        WorklogMode::Own => room.users.written("worklog", author).await?,
        WorklogMode::Text => match room.users.written("worklog", author).await? {
            Written::Mention(_) => {
                let shown = author.get("displayName").and_then(Value::as_str);
                shown.map_or(Written::Nothing, |name| Written::Text(name.to_owned()))
            }
            other => other,
        },
    };
    Ok(body::headed(text, &author, "logged this work:", flavor))
}

/// What is sent.
fn wanted(worklog: &Value, text: Value) -> Map<String, Value> {
    let mut out = Map::from_iter([("comment".to_owned(), text)]);
    if let Some(started) = worklog.get("started").and_then(Value::as_str).and_then(parse_time) {
        out.insert("started".to_owned(), json!(started.format(STARTED).to_string()));
    }
    match worklog.get("timeSpentSeconds").and_then(Value::as_u64) {
        Some(seconds) => out.insert("timeSpentSeconds".to_owned(), json!(seconds.max(SHORTEST))),
        None => worklog.get("timeSpent").and_then(|t| out.insert("timeSpent".to_owned(), t.clone())),
    };
    out
}

/// By what a worklog of ours is recognised.
fn look(room: &Room<'_>, worklog: &Value) -> Vec<u8> {
    let started = worklog.get("started").and_then(Value::as_str).and_then(parse_time);
    let started = json!(started.map(|s| s.timestamp().to_string()));
    let time = json!(worklog.get("timeSpentSeconds").map(ToString::to_string));
    body::fingerprint(room.deps.store.keys(), &[worklog.get("comment").unwrap_or(&Value::Null), &started, &time])
}

async fn to_target(
    part: &Part<'_, '_>,
    mine: Option<&Pair>,
    intents: Vec<Intent>,
    new: &Map<String, Value>,
) -> Result<(), SyncError> {
    let (room, store) = (part.room, part.room.deps.store);
    let mut target_id = mine.map(|p| p.target_id.clone());
    for intent in intents {
        match find(part, &intent).await? {
            // Which version it holds is not known: it is edited below.
            Some(found) => {
                part.commit(&found, Vec::new(), Some(&intent))?;
                target_id = Some(found);
            }
            None => store.clear_intent(intent.mark)?,
        }
    }
    if let Some(id) = &target_id {
        return match room.target.edit_worklog_with(part.key(), id, new.clone(), Notify::PreferNever).await {
            Ok((_, edited)) => {
                told(room, edited.notified);
                part.commit(id, part.hash.clone(), None)
            }
            // Somebody deleted it in the target: not ours to bring back.
            Err(e) if e.kind() == ErrorKind::NotFound => {
                room.warn("a worklog was deleted in the target; its later changes are left out");
                part.commit(id, part.hash.clone(), None)
            }
            Err(e) => Err(e.into()),
        };
    }
    let mut doubt = None;
    for _ in 0..2 {
        let intent = part.intent(look(room, &json!(new)))?;
        let done = match room.target.add_worklog(part.key(), new.clone()).await {
            Ok((made, edited)) => {
                told(room, edited.notified);
                Some(id_of(&made))
            }
            Err(e) if e.kind() == ErrorKind::Doubtful => {
                let found = find(part, &intent).await?;
                doubt = Some(e);
                found
            }
            Err(e) => {
                if certainly_not_done(&e) {
                    store.clear_intent(intent.mark)?;
                }
                return Err(if e.kind() == ErrorKind::NotFound { SyncError::TargetGone } else { e.into() });
            }
        };
        match done {
            Some(id) => return part.commit(&id, part.hash.clone(), Some(&intent)),
            None => store.clear_intent(intent.mark)?,
        }
    }
    Err(doubt.map_or(SyncError::Ambiguous("worklog"), SyncError::Jira))
}

fn told(room: &Room<'_>, notified: bool) {
    if notified {
        room.warn("the target may have sent mail about worklogs: it cannot be switched off");
    }
}

/// The worklog that an intent made, if it did: ours, unpaired, not older, the same in all that we write.
async fn find(part: &Part<'_, '_>, intent: &Intent) -> Result<Option<String>, SyncError> {
    let room = part.room;
    let bot = room.bot().await?.map(str::to_owned);
    let mut found = Vec::new();
    for worklog in room.target.worklogs(part.key()).await? {
        let id = id_of(&worklog);
        if ours(&worklog, bot.as_deref())
            && since(&worklog, intent)
            && !room.is_paired(PairKind::Worklog, &id)?
            && look(room, &worklog) == intent.fingerprint
        {
            found.push(id);
        }
    }
    if found.len() > 1 {
        return Err(SyncError::Ambiguous("worklog"));
    }
    Ok(found.pop())
}

/// Deletes a worklog of ours whose original is gone, or restricted now. Says whether it was there.
async fn remove(room: &Room<'_>, issue: &Pair, gone: &Pair) -> Result<bool, SyncError> {
    let key = issue.target_key.as_deref().unwrap_or(&issue.target_id);
    if !room.holds.is_empty() {
        let all = room.target.worklogs(key).await?;
        if let Some(there) = all.iter().find(|w| id_of(w) == gone.target_id)
            && room.keeps_there(RecordType::Worklog, gone, there)
        {
            room.warn("a worklog that is gone from the source stays in the target: a hold keeps it (behind its end: efface sync resync)");
            return Ok(false);
        }
    }
    let was = room.target.delete_worklog(key, &gone.target_id).await?;
    room.deps.store.drop_pair(&gone.sync, gone.kind, &gone.source_id)?;
    room.count(|r| r.worklogs += 1);
    Ok(was == Gone::Deleted)
}

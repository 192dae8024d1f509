//! Remote links into the target: title, address and summary, known by their global id.
//!
//! A create with a global id that is there already changes that link (both flavours' documents), so an id that is not ours is left
//! alone: whoever made it keeps it.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::super::{
    Room,
    content::id_of,
    create::certainly_not_done,
    error::SyncError,
    parts::{Part, known, open_intents},
};
use crate::{
    jira::ErrorKind,
    keys::Purpose,
    model::RecordType,
    staging::Message,
    store::{Intent, Pair, PairKind},
};

/// What of a remote link is carried over: no icons, which the target's users' browsers would fetch from elsewhere.
pub(super) fn trimmed(link: &Value) -> Value {
    let pick = |value: Option<&Value>, names: &[&str]| -> Map<String, Value> {
        let object = value.and_then(Value::as_object);
        object
            .into_iter()
            .flatten()
            .filter(|(n, _)| names.contains(&n.as_str()))
            .map(|(n, v)| (n.clone(), v.clone()))
            .collect()
    };
    let mut out = pick(Some(link), &["id", "globalId", "relationship"]);
    out.insert("application".to_owned(), Value::Object(pick(link.get("application"), &["type", "name"])));
    let mut object = pick(link.get("object"), &["url", "title", "summary"]);
    if let Some(resolved) = link.pointer("/object/status/resolved").filter(|r| r.is_boolean()) {
        object.insert("status".to_owned(), json!({"resolved": resolved}));
    }
    out.insert("object".to_owned(), Value::Object(object));
    Value::Object(out)
}

/// Brings remote links up to date. Says whether anything was written.
pub(super) async fn import(room: &Room<'_>, message: &Message, pair: &Pair) -> Result<bool, SyncError> {
    if !message.relations.has("remotelink") {
        return Ok(false);
    }
    let known = known(room, message, PairKind::RemoteLink)?;
    let mut changed = false;
    let mut there = BTreeSet::new();
    for link in &message.relations.remote_links {
        let id = id_of(link);
        there.insert(id.clone());
        let Some(hash) = message.hashes.get(&format!("remotelink/{id}")).and_then(|h| hex::decode(h).ok()) else {
            continue;
        };
        let intents = open_intents(room, message, PairKind::RemoteLink, &id)?;
        let mine = known.get(&id);
        if mine.is_some_and(|p| p.erased || p.target_first || p.hash == hash && intents.is_empty()) {
            continue;
        }
        let wanted = wanted(room, link);
        let part = Part { room, message, pair, kind: PairKind::RemoteLink, id: &id, hash, first: false };
        match to_target(&part, mine, intents, wanted).await {
            Ok(written) => changed |= written,
            Err(SyncError::Jira(e)) if e.kind() == ErrorKind::NotSupported => {
                room.warn("the target has no remote links; they were left out");
                return Ok(changed);
            }
            Err(e) => return Err(e),
        }
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

/// What is sent: a link without a global id gets one of ours, keyed, so that it tells nothing of the source.
fn wanted(room: &Room<'_>, link: &Value) -> Map<String, Value> {
    let mut out = link.as_object().cloned().unwrap_or_default();
    let id = id_of(link);
    out.remove("id");
    if out.get("globalId").and_then(Value::as_str).is_none_or(str::is_empty) {
        let parts: [&[u8]; 3] = [b"remote-link/1", room.sync.name.as_str().as_bytes(), id.as_bytes()];
        let derived = room.deps.store.keys().keyed_hash(Purpose::Lookup, &parts);
        out.insert("globalId".to_owned(), json!(format!("efface-{}", hex::encode(&derived[..16]))));
    }
    // What suppression cut may have been all of it, and Jira wants both.
    if let Some(object) = out.get_mut("object").and_then(Value::as_object_mut) {
        let url = object.get("url").and_then(Value::as_str).unwrap_or_default().to_owned();
        if object.get("title").and_then(Value::as_str).is_none_or(str::is_empty) {
            object.insert("title".to_owned(), json!(if url.is_empty() { "(no title)" } else { url.as_str() }));
        }
    }
    out
}

async fn to_target(
    part: &Part<'_, '_>,
    mine: Option<&Pair>,
    intents: Vec<Intent>,
    new: Map<String, Value>,
) -> Result<bool, SyncError> {
    let (room, store) = (part.room, part.room.deps.store);
    let global = new.get("globalId").and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut target_id = mine.map(|p| p.target_id.clone());
    if target_id.is_none()
        && let Some(found) = find(part, &global).await?
    {
        let Some(intent) = intents.first() else {
            room.warn("a remote link that the target has already is left as it is there");
            return Ok(false);
        };
        part.commit(&found, Vec::new(), Some(intent))?;
        target_id = Some(found);
    }
    for intent in intents {
        store.clear_intent(intent.mark)?;
    }
    if let Some(id) = &target_id {
        match room.target.edit_remote_link(part.key(), id, new).await {
            Ok(()) => {}
            // Somebody deleted it in the target: not ours to bring back.
            Err(e) if e.kind() == ErrorKind::NotFound => {
                room.warn("a remote link was deleted in the target; its later changes are left out");
            }
            Err(e) => return Err(e.into()),
        }
        part.commit(id, part.hash.clone(), None)?;
        room.count(|r| r.links += 1);
        return Ok(true);
    }
    let intent = part.intent(Vec::new())?;
    let made = match room.target.add_remote_link(part.key(), new).await {
        Ok(made) => id_of(&made),
        Err(e) if e.kind() == ErrorKind::Doubtful => match find(part, &global).await? {
            Some(found) => found,
            None => {
                store.clear_intent(intent.mark)?;
                return Err(e.into());
            }
        },
        Err(e) => {
            if certainly_not_done(&e) {
                store.clear_intent(intent.mark)?;
            }
            return Err(if e.kind() == ErrorKind::NotFound { SyncError::TargetGone } else { e.into() });
        }
    };
    part.commit(&made, part.hash.clone(), Some(&intent))?;
    room.count(|r| r.links += 1);
    Ok(true)
}

/// The target's remote link with a global id.
async fn find(part: &Part<'_, '_>, global: &str) -> Result<Option<String>, SyncError> {
    let all = part.room.target.remote_links(part.key()).await?;
    Ok(all.iter().find(|l| l.get("globalId").and_then(Value::as_str) == Some(global)).map(id_of))
}

/// Deletes a remote link of ours whose original is gone. Says whether anything was written.
async fn remove(room: &Room<'_>, issue: &Pair, gone: &Pair) -> Result<bool, SyncError> {
    let key = issue.target_key.as_deref().unwrap_or(&issue.target_id);
    if !room.holds.is_empty() {
        let all = room.target.remote_links(key).await?;
        if let Some(there) = all.iter().find(|l| id_of(l) == gone.target_id)
            && room.keeps_there(RecordType::RemoteLink, gone, there)
        {
            room.warn("a remote link that is gone from the source stays in the target: a hold keeps it (behind its end: efface sync resync)");
            return Ok(false);
        }
    }
    room.target.delete_remote_link(key, &gone.target_id).await?;
    room.deps.store.drop_pair(&gone.sync, gone.kind, &gone.source_id)?;
    room.count(|r| r.links += 1);
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn icons_and_what_nobody_asked_for_stay_home() {
        let link = json!({"id": 7, "self": "x", "globalId": "g", "relationship": "causes", "application": {"name": "Wiki", "x": 1},
            "object": {"url": "https://a.example", "title": "t", "icon": {"url16x16": "https://tracker.example"},
                       "status": {"resolved": true, "icon": {"url16x16": "y"}}}});
        let got = json!({"id": 7, "globalId": "g", "relationship": "causes", "application": {"name": "Wiki"},
            "object": {"url": "https://a.example", "title": "t", "status": {"resolved": true}}});
        assert_eq!(trimmed(&link), got);
    }
}

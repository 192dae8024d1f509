//! The status: no field but a place in a workflow, reached by a transition where one leads there.

use serde_json::Value;

use super::{
    Room,
    error::SyncError,
    target::{Ways, mapped, name_of, same},
};
use crate::{
    jira::ErrorKind,
    staging::Message,
    store::{Pair, PairField, PairKind},
};

/// Moves the issue to the source's status, where one transition leads there. Says whether it moved, and what to remember.
pub(super) async fn status(
    room: &Room<'_>,
    message: &Message,
    pair: &Pair,
    fresh: bool,
) -> Result<(bool, Option<PairField>), SyncError> {
    let source = name_of(message.fields.get("status").unwrap_or(&Value::Null));
    let Some(now) = message.hashes.get("status").and_then(|h| hex::decode(h).ok()).filter(|_| !source.is_empty())
    else {
        return Ok((false, None));
    };
    if !fresh {
        let known = room.deps.store.pair_fields(&room.sync.name, PairKind::Issue, &message.issue.id)?;
        if known.iter().any(|k| k.field == "status" && k.source_hash == now) {
            return Ok((false, None));
        }
    }
    let wanted = mapped(&room.sync.statuses, source);
    let moved = move_to(room, message, pair, wanted, fresh).await?;
    let field = PairField { field: "status".to_owned(), source_hash: now, target_hash: None, redacted: false };
    Ok((moved, Some(field)))
}

async fn move_to(
    room: &Room<'_>,
    message: &Message,
    pair: &Pair,
    wanted: &str,
    fresh: bool,
) -> Result<bool, SyncError> {
    let key = pair.target_key.as_deref().unwrap_or(&pair.target_id);
    let kind = name_of(message.fields.get("issuetype").unwrap_or(&Value::Null)).to_owned();
    let remembered = if fresh { room.meta.initial.lock().await.get(&kind).cloned() } else { None };
    let current = match remembered {
        Some(status) => status,
        None => {
            let status = current_status(room, key).await?.ok_or(SyncError::TargetGone)?;
            if fresh {
                room.meta.initial.lock().await.insert(kind.clone(), status.clone());
            }
            status
        }
    };
    if same(&current, wanted) {
        return Ok(false);
    }
    // New issues of one type begin in the same place, so that one answer does for all of them.
    let from = (kind, current);
    let known = if fresh { room.meta.ways.lock().await.get(&from).cloned() } else { None };
    let guessed = known.is_some();
    let mut ways = match known {
        Some(ways) => ways,
        None => ways_from(room, key).await?,
    };
    if fresh && !guessed {
        room.meta.ways.lock().await.insert(from, ways.clone());
    }
    for again in [guessed, false] {
        let Some(id) = ways.iter().find(|(to, _)| same(to, wanted)).map(|(_, id)| id.clone()) else {
            room.warn(&format!("no transition of the target leads to the status {wanted:?}"));
            return Ok(false);
        };
        match room.target.transition(key, &id).await {
            Ok(()) => return Ok(true),
            Err(e) if e.kind() == ErrorKind::Doubtful => {
                let now = current_status(room, key).await?;
                return if now.is_some_and(|s| same(&s, wanted)) { Ok(true) } else { Err(e.into()) };
            }
            Err(e) if e.kind() == ErrorKind::Rejected && again => ways = ways_from(room, key).await?,
            Err(e) if e.kind() == ErrorKind::Rejected => break,
            Err(e) => return Err(e.into()),
        }
    }
    room.warn(&format!("the target refuses the transition to the status {wanted:?}"));
    Ok(false)
}

/// The transitions that are open: the status that each leads to, and its id.
async fn ways_from(room: &Room<'_>, key: &str) -> Result<Ways, SyncError> {
    let transitions = room.target.transitions(key).await?;
    let way = |t: &Value| Some((name_of(t.get("to")?).to_owned(), t.get("id")?.as_str()?.to_owned()));
    Ok(transitions.iter().filter_map(way).collect())
}

async fn current_status(room: &Room<'_>, key: &str) -> Result<Option<String>, SyncError> {
    let issue = room.target.issue(key, &["status"], false, &[]).await?;
    Ok(issue.map(|i| name_of(i.field("status").unwrap_or(&Value::Null)).to_owned()))
}

//! Links between issues: made where both ends have a copy in the target, removed with the source's, never one that we did not make.
//!
//! Both ends tell of a link, so whichever comes last makes it. Jira answers a create with nothing ("This resource returns nothing on
//! the creation of an issue link", and a duplicate counts as made), so the id is read back from the issue.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::{
    Room,
    content::{carries, id_of},
    create::{certainly_not_done, timestamp},
    error::SyncError,
    parts::open_intents,
    target::{mapped, name_of, same},
};
use crate::{
    config::Sync,
    jira::ErrorKind,
    model::RecordType,
    staging::{IssueRef, Message},
    store::{Intent, Pair, PairKind},
};

/// What of a link is staged: id, type, and the other issue's id and key. Jira tells its summary and status along, which are not ours
/// to carry.
pub(super) fn trimmed(link: &Value) -> Option<Value> {
    let side = ["inwardIssue", "outwardIssue"].into_iter().find(|s| link.get(*s).is_some_and(Value::is_object))?;
    let other = &link[side];
    Some(json!({"id": id_of(link), "type": {"name": name_of(link.get("type")?)},
        side: {"id": id_of(other), "key": other.get("key")?.as_str()?}}))
}

/// A link as one of its issues tells it.
struct Link {
    id: String,
    kind: String,
    /// Whether the other issue is the outward end.
    outward: bool,
    other: IssueRef,
}

impl Link {
    fn of(value: &Value) -> Option<Self> {
        let outward = value.get("outwardIssue").is_some_and(Value::is_object);
        let other = value.get(if outward { "outwardIssue" } else { "inwardIssue" })?;
        let key = other.get("key").and_then(Value::as_str).unwrap_or_default().to_owned();
        Some(Self {
            id: id_of(value),
            kind: name_of(value.get("type")?).to_owned(),
            outward,
            other: IssueRef { id: id_of(other), key },
        })
    }
}

/// Where the other end of a link is.
enum Partner {
    There(Box<Pair>),
    Waits,
    Never,
}

/// The synchronizations between the same two instances: an issue that another one of them carries over is a partner too.
pub(super) fn peers<'a>(room: &'a Room<'_>) -> impl Iterator<Item = &'a Sync> {
    let (source, target) = (&room.sync.source.instance, &room.sync.target.instance);
    room.deps.config.syncs.values().filter(move |s| s.source.instance == *source && s.target.instance == *target)
}

fn partner(room: &Room<'_>, other: &IssueRef) -> Result<Partner, SyncError> {
    let mut answer = Partner::Never;
    for sync in peers(room) {
        match room.deps.store.pair(&sync.name, PairKind::Issue, &other.id)? {
            Some(pair) if !pair.erased && !pair.unlinked => return Ok(Partner::There(Box::new(pair))),
            Some(_) => {}
            None if other.key.rsplit_once('-').is_some_and(|(p, _)| p == sync.source.project.as_str()) => {
                answer = Partner::Waits;
            }
            None => {}
        }
    }
    Ok(answer)
}

/// Whether a link was made, by any of the synchronizations that may.
fn is_linked(room: &Room<'_>, id: &str) -> Result<bool, SyncError> {
    for sync in peers(room) {
        if room.deps.store.pair(&sync.name, PairKind::IssueLink, id)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Makes the links that can be made. Says whether anything was written, and what waits for which issue.
pub(super) async fn make(
    room: &Room<'_>,
    message: &Message,
    pair: &Pair,
) -> Result<(bool, Vec<(Value, IssueRef)>), SyncError> {
    let mut todo = Vec::new();
    let mut waiting = Vec::new();
    for value in &message.relations.links {
        let Some(link) = Link::of(value) else { continue };
        if is_linked(room, &link.id)? {
            for intent in open_intents(room, message, PairKind::IssueLink, &link.id)? {
                room.deps.store.clear_intent(intent.mark)?;
            }
            continue;
        }
        match partner(room, &link.other)? {
            Partner::There(other) => todo.push((link, other)),
            Partner::Waits => waiting.push((value.clone(), link.other)),
            Partner::Never => room.warn("a link to an issue that no synchronization carries over stays in the source"),
        }
    }
    if todo.is_empty() {
        return Ok((false, waiting));
    }
    let types = room.meta.link_types.get_or_try_init(|| async {
        match room.target.issue_link_types().await {
            // Jira answers 404 where linking is switched off.
            Err(e) if matches!(e.kind(), ErrorKind::NotSupported | ErrorKind::NotFound) => Ok(Vec::new()),
            other => other,
        }
    });
    let types: Result<&Vec<Value>, crate::jira::JiraError> = types.await;
    let types = types?;
    let mut changed = false;
    for (link, other) in todo {
        let wanted = mapped(&room.sync.link_types, &link.kind);
        match types.iter().map(name_of).find(|t| same(t, wanted)) {
            Some(kind) => changed |= one(room, message, pair, &link, &other, kind).await?,
            None => room.warn(&format!("the target has no link type {wanted:?}; such links were left out")),
        }
    }
    Ok((changed, waiting))
}

async fn one(
    room: &Room<'_>,
    message: &Message,
    pair: &Pair,
    link: &Link,
    other: &Pair,
    kind: &str,
) -> Result<bool, SyncError> {
    let store = room.deps.store;
    // The other end, imported at the same time, would make it too.
    let _held = room.meta.creating(format!("issuelink/{}", link.id).as_bytes()).await;
    if is_linked(room, &link.id)? {
        return Ok(false);
    }
    let commit = |target_id: String, intent: &Intent| {
        let made = Pair {
            kind: PairKind::IssueLink,
            source_id: link.id.clone(),
            target_id,
            // Of a link this is the issue at the other end.
            target_issue: other.target_id.clone(),
            hash: Vec::new(),
            erased: false,
            created: timestamp(room),
            ..pair.clone()
        };
        store.commit_pair(&made, &[], Some(intent.mark))
    };
    let intents = open_intents(room, message, PairKind::IssueLink, &link.id)?;
    if let Some(id) = find(room, pair, link, other, kind).await? {
        // What stands there without an intent of ours somebody else made: it is theirs to remove.
        if let Some(intent) = intents.first() {
            commit(id, intent)?;
        }
        return Ok(false);
    }
    for intent in intents {
        store.clear_intent(intent.mark)?;
    }
    let intent = Intent {
        mark: ulid::Ulid::generate(),
        sync: room.sync.name.clone(),
        kind: PairKind::IssueLink,
        source_issue: message.issue.id.clone(),
        source_id: link.id.clone(),
        target_issue: Some(pair.target_id.clone()),
        fingerprint: Vec::new(),
        started: timestamp(room),
    };
    super::super::blocking(|| store.add_intent(&intent))?;
    let (inward, outward) = if link.outward { (pair, other) } else { (other, pair) };
    match room.target.link_issues(kind, &inward.target_id, &outward.target_id).await {
        Ok(()) => {}
        Err(e) if e.kind() == ErrorKind::Doubtful => {
            let Some(id) = find(room, pair, link, other, kind).await? else {
                store.clear_intent(intent.mark)?;
                return Err(e.into());
            };
            commit(id, &intent)?;
            return Ok(true);
        }
        Err(e) => {
            if certainly_not_done(&e) {
                store.clear_intent(intent.mark)?;
            }
            return Err(if e.kind() == ErrorKind::NotFound { SyncError::TargetGone } else { e.into() });
        }
    }
    match find(room, pair, link, other, kind).await? {
        Some(id) => commit(id, &intent)?,
        None => {
            store.clear_intent(intent.mark)?;
            return Err(SyncError::TargetGone);
        }
    }
    room.count(|r| r.links += 1);
    Ok(true)
}

/// The target's link of this type, direction and partner.
async fn find(
    room: &Room<'_>,
    pair: &Pair,
    link: &Link,
    other: &Pair,
    kind: &str,
) -> Result<Option<String>, SyncError> {
    let key = pair.target_key.as_deref().unwrap_or(&pair.target_id);
    let issue = room.target.issue(key, &["issuelinks"], false, &[]).await?.ok_or(SyncError::TargetGone)?;
    let list = issue.field("issuelinks").and_then(Value::as_array).cloned().unwrap_or_default();
    let fits = |l: &&Value| {
        Link::of(l).is_some_and(|l| l.outward == link.outward && l.other.id == other.target_id && same(&l.kind, kind))
    };
    Ok(list.iter().find(fits).map(id_of))
}

/// Removes the links of ours that the source has no more. Says whether anything was written.
pub(super) async fn remove(room: &Room<'_>, message: &Message, pair: &Pair) -> Result<bool, SyncError> {
    if !carries(&room.sync.fields, "issuelinks") {
        return Ok(false);
    }
    let there: BTreeSet<String> = message.relations.links.iter().map(id_of).collect();
    let mut changed = false;
    for link in room.deps.store.link_pairs(&room.sync.name, &message.issue.id, &pair.target_id)? {
        if there.contains(&link.source_id) || link.erased || link.unlinked {
            continue;
        }
        // A copy of ours is gone, whose original is the target's.
        if link.target_first {
            room.deps.store.mark_erased(&link.sync, link.kind, &link.source_id)?;
            continue;
        }
        if !room.holds.is_empty() && room.keeps_there(RecordType::Issue, pair, &Value::Null) {
            room.warn("a link that is gone from the source stays in the target: a hold keeps it (behind its end: efface sync resync)");
            continue;
        }
        room.target.issue_link_delete(&link.target_id).await?;
        room.deps.store.drop_pair(&link.sync, link.kind, &link.source_id)?;
        room.count(|r| r.links += 1);
        changed = true;
    }
    Ok(changed)
}

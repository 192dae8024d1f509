//! What waits for an issue that has no copy yet: a link for its other end, a subtask for its parent.
//!
//! Such a message stands in `missing/`, and the store knows for whom. A link waits as a message of its own that says nothing else, so
//! that no text lies there for as long as the partner may take; a subtask as it is. All doors are asked again at the release.

use std::collections::BTreeSet;

use serde_json::Value;
use ulid::Ulid;

use super::super::{Room, error::SyncError, held::Parts};
use crate::{
    staging::{Entry, IssueRef, Message, MessageId, MessageKind, Relations, State},
    store::{Pair, PairKind, Parking, StagedState},
};

/// Why a message waits that says nothing but links.
pub(crate) const PARTNER: &str = "partner";
/// Why a subtask waits.
pub(crate) const PARENT: &str = "parent";

/// Stages the links that wait for their other end, in place of those that waited before.
pub(super) fn links(room: &Room<'_>, message: &Message, waiting: Vec<(Value, IssueRef)>) -> Result<(), SyncError> {
    let store = room.deps.store;
    let before = store.waiting_of(&room.sync.name, &message.issue.id, PARTNER)?;
    if !waiting.is_empty() {
        let (links, partners): (Vec<_>, Vec<_>) = waiting.into_iter().unzip();
        let slim = Message {
            id: MessageId::generate(),
            kind: MessageKind::Links,
            fields: serde_json::Map::new(),
            comments: Vec::new(),
            attachments: Vec::new(),
            relations: Relations { links, ..Relations::default() },
            hashes: std::collections::BTreeMap::new(),
            hash: String::new(),
            changed: std::collections::BTreeMap::new(),
            lost: Vec::new(),
            ..message.clone()
        };
        super::super::blocking(|| room.staging.put(&slim))?;
        wait(room, slim.id, PARTNER, &partners)?;
    }
    before.into_iter().try_for_each(|id| forget(room, id))
}

/// Lets a message wait for issues.
pub(in super::super) fn wait(
    room: &Room<'_>,
    id: MessageId,
    kind: &'static str,
    partners: &[IssueRef],
) -> Result<(), SyncError> {
    let keys: BTreeSet<&str> = partners.iter().map(|p| p.key.as_str()).collect();
    let hint = format!("waits until {} is carried over", keys.into_iter().collect::<Vec<_>>().join(", "));
    let partners: Vec<(String, String)> = partners.iter().map(|p| (p.id.clone(), p.key.clone())).collect();
    Ok(super::super::blocking(|| room.staging.wait(id, (kind, &hint), &partners, &room.at()))?)
}

/// Of a subtask that waits only the last change counts, since each says all: the earlier ones are erased.
pub(in super::super) fn latest<'e>(room: &Room<'_>, entries: &'e [Entry]) -> Result<&'e [Entry], SyncError> {
    let mut rest = entries;
    while let [first, later @ ..] = rest
        && first.state == State::Missing
        && !later.is_empty()
    {
        forget(room, first.id.0)?;
        rest = later;
    }
    Ok(rest)
}

/// Whether a waiting message is a whole change of its issue, and no mere link.
pub(in super::super) fn is_whole(entry: &Entry) -> bool {
    entry.error.as_ref().is_some_and(|(kind, _)| kind == PARENT)
}

/// Done with a message that waited and says nothing more: erased, unless a hold keeps it.
pub(in super::super) fn forget(room: &Room<'_>, id: Ulid) -> Result<(), SyncError> {
    let id = MessageId(id);
    super::super::blocking(|| {
        room.staging.set_state(id, State::Processed, &room.at())?;
        if !room.keeps(id)? {
            room.staging.erase(id)?;
        }
        Ok(())
    })
}

/// The waiting messages for which somebody has arrived, or of whom it is known that he never will.
pub(in super::super) fn arrived(room: &Room<'_>) -> Result<BTreeSet<MessageId>, SyncError> {
    let store = room.deps.store;
    let mut out = BTreeSet::new();
    for (message, partner) in store.waiting(&room.sync.name)? {
        for sync in super::links::peers(room) {
            if store.pair(&sync.name, PairKind::Issue, &partner)?.is_some() {
                out.insert(MessageId(message));
            }
        }
    }
    Ok(out)
}

/// Makes the links that waited and can be made now.
pub(in super::super) async fn release(room: &Room<'_>) -> Result<(), SyncError> {
    for id in arrived(room)? {
        let row = room.deps.store.staged_get(id.0)?;
        let is_links = row.is_some_and(|r| r.state == StagedState::Missing && r.error_kind.as_deref() == Some(PARTNER));
        if !is_links {
            continue;
        }
        match waited(room, id).await {
            Ok(()) => {}
            Err(SyncError::Held) => room.count(|r| r.held += 1),
            Err(e) if e.stops_everything() && !(e.may_be_about_one() && room.both_answer().await) => return Err(e),
            Err(e) => {
                room.error(&e);
                park(room, id, &e)?;
            }
        }
    }
    Ok(())
}

/// Parks a link that could not be made. It is not counted as a try: it says nothing of what of its issue is in the target.
pub(in super::super) fn park(room: &Room<'_>, id: MessageId, error: &SyncError) -> Result<(), SyncError> {
    let now = (room.deps.now)();
    let next = error.is_transient().then(|| (now + super::super::wait(2)).to_rfc3339());
    let why = Parking { kind: error.kind(), hint: &error.hint(), tried: false, next_try: next.as_deref() };
    Ok(super::super::blocking(|| room.staging.park(id, &why, &now.to_rfc3339()))?)
}

async fn waited(room: &Room<'_>, id: MessageId) -> Result<(), SyncError> {
    let mut message = room.staging.message(id)?;
    if room.is_held(&Parts::of(&message))? {
        return Err(SyncError::Held);
    }
    let verdict = room.check(&mut message, room.sync.names)?;
    if verdict.cuts > 0 && !room.keeps(id)? {
        room.staging.rewrite(id, &message.to_bytes()?)?;
        room.count(|r| r.cut += verdict.cuts as u64);
    }
    if verdict.parks() {
        return Err(SyncError::Name);
    }
    let pair = room.deps.store.pair(&room.sync.name, PairKind::Issue, &message.issue.id)?;
    match pair {
        Some(pair) if !pair.erased && !pair.unlinked => import(room, &message, &pair).await,
        // Its own issue is gone.
        _ => forget(room, id.0),
    }
}

/// A message that says nothing but links: made, or waiting still for some.
pub(in super::super) async fn import(room: &Room<'_>, message: &Message, pair: &Pair) -> Result<(), SyncError> {
    let (_, waiting) = super::links::make(room, message, pair).await?;
    if waiting.is_empty() {
        return forget(room, message.id.0);
    }
    let partners: Vec<IssueRef> = waiting.into_iter().map(|(_, other)| other).collect();
    wait(room, message.id, PARTNER, &partners)
}

//! Import: staged messages into the target, each issue's in order, issues side by side.

use std::{collections::BTreeSet, sync::Mutex};

use futures_util::StreamExt;
use serde_json::{Map, Value};

use super::{
    Room,
    again::Again,
    content, create,
    error::SyncError,
    gone,
    held::Parts,
    parts,
    relations::{self, missing},
    report::Phase,
    transition,
    twoway::{self, Take},
};
use crate::{
    jira::{ErrorKind, Notify},
    staging::{Entry, Message, MessageId, MessageKind, State},
    store::{Pair, PairField, PairKind},
};

/// Issues written at the same time.
const CONCURRENT: usize = 8;

/// Imports what waits and what of the parked goes again; then what waited for an issue that came with it.
pub(super) async fn import(room: &Room<'_>, again: &Again) -> Result<(), SyncError> {
    let mut arrived = missing::arrived(room)?;
    let early = Mutex::default();
    pass(room, again, &arrived, None, Some(&early)).await?;
    // Their parents may have come since.
    let early: BTreeSet<String> = early.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    pass(room, again, &arrived, Some(&early), None).await?;
    loop {
        missing::release(room).await?;
        let now = missing::arrived(room)?;
        // What has arrived and did not go has its reason.
        if now.is_subset(&arrived) {
            return Ok(());
        }
        let entries = room.staging.list()?;
        let only = entries.into_iter().filter(|e| now.contains(&e.id)).map(|e| e.issue.id).collect();
        pass(room, again, &now, Some(&only), None).await?;
        arrived.extend(now);
    }
}

/// One round over the issues, or over some alone. Subtasks that come before their parent are put into `early`, where that is given:
/// they need not be moved to wait, and back.
async fn pass(
    room: &Room<'_>,
    again: &Again,
    arrived: &BTreeSet<MessageId>,
    only: Option<&BTreeSet<String>>,
    early: Option<&Mutex<BTreeSet<String>>>,
) -> Result<(), SyncError> {
    if only.is_some_and(BTreeSet::is_empty) {
        return Ok(());
    }
    let mut issues: Vec<(String, Vec<Entry>)> = Vec::new();
    let mut place = std::collections::HashMap::new();
    for entry in room.staging.list()? {
        // A link that waits holds up nothing.
        if entry.state == State::Processed
            || entry.state == State::Missing && !missing::is_whole(&entry)
            || only.is_some_and(|only| !only.contains(&entry.issue.id))
        {
            continue;
        }
        let at = *place.entry(entry.issue.id.clone()).or_insert(issues.len());
        if at == issues.len() {
            issues.push((entry.issue.id.clone(), Vec::new()));
        }
        issues[at].1.push(entry);
    }
    let total: usize = issues.iter().map(|(_, e)| e.len()).sum();
    let stop = Mutex::new(None);
    let done = std::sync::atomic::AtomicU64::new(0);
    let stopped = || stop.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    futures_util::stream::iter(issues)
        .for_each_concurrent(CONCURRENT, |(_, mut entries)| {
            let (stopped, done) = (&stopped, &done);
            async move {
                entries.sort_by_key(|e| e.sequence);
                // What is under way is finished, never dropped; nothing new is begun.
                if stopped().is_some() {
                    return;
                }
                if let Err(e) = issue(room, &entries, (again, arrived, early), done, total as u64).await {
                    stopped().get_or_insert(e);
                }
            }
        })
        .await;
    match stop.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
        Some(e) => Err(e),
        None => Ok(()),
    }
}

/// The messages of one issue, in order: behind one that does not get through, the later ones wait. An error here stops the
/// whole synchronization.
async fn issue(
    room: &Room<'_>,
    entries: &[Entry],
    (again, arrived, early): (&Again, &BTreeSet<MessageId>, Option<&Mutex<BTreeSet<String>>>),
    done: &std::sync::atomic::AtomicU64,
    total: u64,
) -> Result<(), SyncError> {
    let entries = superseded(room, missing::latest(room, entries)?, again)?;
    let mut blocked = false;
    for entry in entries {
        let count = done.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
        room.deps.progress.step(&room.sync.name, Phase::Import, count, Some(total));
        if blocked {
            if entry.state == State::New {
                room.put_aside(entry.id, &SyncError::Behind)?;
            }
            continue;
        }
        if !again.goes(entry, (room.deps.now)()) && !arrived.contains(&entry.id) {
            blocked = true;
            continue;
        }
        match message(room, entry.id, again.is_reviewed(entry.id), again.take(entry.id)).await {
            Ok(()) => {
                room.count(|r| r.imported += 1);
            }
            // It stays where it is, and so does what comes after it.
            Err(SyncError::Held) => {
                room.count(|r| r.held += 1);
                return Ok(());
            }
            // No fault: its parent comes later.
            Err(SyncError::Waits(_)) if early.is_some() && entry.state == State::New => {
                if let Some(early) = early {
                    let mut early = early.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    early.insert(entry.issue.id.clone());
                }
                return Ok(());
            }
            // Each says all of its issue: only the last has to wait.
            Err(SyncError::Waits(_)) if entries.last().is_some_and(|last| last.id != entry.id) => {
                missing::forget(room, entry.id.0)?;
            }
            Err(SyncError::Waits(parent)) => {
                missing::wait(room, entry.id, missing::PARENT, &[parent])?;
                blocked = true;
            }
            // A connection that one message breaks every time must not stop the others for ever.
            Err(e) if e.stops_everything() && !(e.may_be_about_one() && room.both_answer().await) => return Err(e),
            Err(e) => {
                room.error(&e);
                if room.staging.message(entry.id).is_ok_and(|m| m.kind == MessageKind::Links) {
                    missing::park(room, entry.id, &e)?;
                } else {
                    room.park(entry.id, entry.attempts, &e)?;
                }
                blocked = true;
            }
        }
    }
    Ok(())
}

/// Each message says all of its issue, so where a name parked one and the source has changed since, only the last has to
/// pass: the others are erased, and nobody has to let the name through to get on.
fn superseded<'e>(room: &Room<'_>, entries: &'e [Entry], again: &Again) -> Result<&'e [Entry], SyncError> {
    let Some((last, earlier)) = entries.split_last() else { return Ok(entries) };
    let kind = |e: &Entry| e.error.as_ref().map(|(kind, _)| kind.clone());
    let only_names = earlier.iter().all(|e| kind(e).is_none_or(|k| k == "name" || k == "behind"));
    let named = earlier.iter().any(|e| kind(e).as_deref() == Some("name"));
    if !named || !only_names || !(last.state == State::New || again.asked_for(&last.issue.id)) {
        return Ok(entries);
    }
    let mut message = room.staging.message(last.id)?;
    if room.check(&mut message, room.sync.names)?.parks() {
        return Ok(entries);
    }
    for entry in earlier {
        if room.keeps(entry.id)? {
            return Ok(entries);
        }
    }
    for entry in earlier {
        room.staging.set_state(entry.id, State::Processed, &room.at())?;
        room.staging.erase(entry.id)?;
    }
    room.warn("a change that was parked for a name was replaced by a later one without it");
    Ok(std::slice::from_ref(last))
}

async fn message(room: &Room<'_>, id: MessageId, reviewed: bool, take: Option<Take>) -> Result<(), SyncError> {
    let mut message = room.staging.message(id)?;
    if room.is_held(&Parts::of(&message))? {
        return Err(SyncError::Held);
    }
    // It may have been staged before the person was erased.
    let verdict = room.check(&mut message, room.sync.names)?;
    // What a hold keeps stays as it was staged; what goes out of it is cut all the same.
    if verdict.cuts > 0 && !room.keeps(id)? {
        room.staging.rewrite(id, &message.to_bytes()?)?;
        room.count(|r| r.cut += verdict.cuts as u64);
    }
    if verdict.parks() && !reviewed {
        return Err(SyncError::Name);
    }
    let store = room.deps.store;
    let pair = store.pair(&room.sync.name, PairKind::Issue, &message.issue.id)?;
    if message.kind == MessageKind::Links && pair.as_ref().is_none_or(|p| p.erased || p.unlinked) {
        return missing::forget(room, id.0);
    }
    let whole = hex::decode(&message.hash).unwrap_or_default();
    let (mut pair, fresh) = match pair {
        Some(pair) if pair.erased => {
            room.warn("a change of an issue that was erased in the target was left out");
            return done(room, id);
        }
        Some(pair) if pair.unlinked => {
            room.warn("a change of an issue that is unlinked was left out");
            return done(room, id);
        }
        Some(pair) if pair.hash == whole && message.kind != MessageKind::Links => {
            room.count(|r| r.unchanged += 1);
            return done(room, id);
        }
        Some(pair) => (pair, false),
        None => create::create(room, &message).await?,
    };
    if message.kind == MessageKind::Links {
        return missing::import(room, &message, &pair).await;
    }
    let written = if fresh {
        let all = content::plain_fields(&room.sync.fields);
        if let Some(twin) = &pair.twin {
            super::blocking(|| store.begin_writing(twin, PairKind::Issue, &pair.target_id, &all))?;
        }
        all.into_iter().map(str::to_owned).collect()
    } else {
        twoway::weigh(room, &message, &pair, take).await?
    };
    let mut changed = if fresh { false } else { update(room, &message, &pair).await? };
    let (moved, status) = transition::status(room, &message, &pair, fresh).await?;
    changed |= moved;
    if let Some(status) = &status {
        super::blocking(|| store.commit_pair(&pair, std::slice::from_ref(status), None))?;
    }
    twoway::settle(room, &pair, &written).await?;
    changed |= parts::comments(room, &message, &pair, take).await?;
    changed |= gone::parts(room, &message, &pair).await?;
    changed |= parts::attachments(room, &message, &pair, reviewed).await?;
    changed |= relations::import(room, &message, &pair).await?;
    pair.hash = whole;
    pair.source_key = Some(message.issue.key.clone());
    super::blocking(|| store.commit_pair(&pair, &[], None))?;
    room.count(|r| match (fresh, changed) {
        (true, _) => r.created += 1,
        (false, true) => r.updated += 1,
        (false, false) => r.unchanged += 1,
    });
    done(room, id)
}

fn done(room: &Room<'_>, id: MessageId) -> Result<(), SyncError> {
    Ok(super::blocking(|| room.staging.imported(id, &room.at()))?)
}

/// What is remembered of fields that now are as the message says.
pub(super) fn fields_of(
    room: &Room<'_>,
    message: &Message,
    names: &[&str],
    values: &Map<String, Value>,
) -> Vec<PairField> {
    let keys = room.deps.store.keys();
    names
        .iter()
        .filter_map(|&name| {
            Some(PairField {
                field: name.to_owned(),
                source_hash: hex::decode(message.hashes.get(name)?).ok()?,
                target_hash: values.get(name).map(|v| content::hash(keys, name, &content::canonical(name, v)).to_vec()),
                redacted: false,
            })
        })
        .collect()
}

/// Brings the fields up to date whose source value changed since we last wrote them. Says whether anything was written.
async fn update(room: &Room<'_>, message: &Message, pair: &Pair) -> Result<bool, SyncError> {
    let store = room.deps.store;
    let known = store.pair_fields(&room.sync.name, PairKind::Issue, &message.issue.id)?;
    let mut stale = Vec::new();
    for name in room.field_names() {
        let Some(now) = message.hashes.get(name).and_then(|h| hex::decode(h).ok()) else { continue };
        match known.iter().find(|k| k.field == name) {
            Some(k) if k.source_hash == now => {}
            // Redacted before we had a hash of the source: what stands there now is what was redacted.
            Some(k) if k.redacted && k.source_hash.is_empty() => {
                let settled = PairField { source_hash: now, ..k.clone() };
                store.commit_pair(pair, &[settled], None)?;
            }
            _ => stale.push(name),
        }
    }
    if stale.is_empty() {
        return Ok(false);
    }
    let values = room.values(message, &stale).await?;
    edit(room, message, pair, &stale, values).await
}

/// Writes fields in one call, or one by one where the target refuses that.
pub(super) async fn edit(
    room: &Room<'_>,
    message: &Message,
    pair: &Pair,
    names: &[&str],
    values: Map<String, Value>,
) -> Result<bool, SyncError> {
    if values.is_empty() {
        room.deps.store.commit_pair(pair, &fields_of(room, message, names, &values), None)?;
        return Ok(false);
    }
    let key = pair.target_key.as_deref().unwrap_or(&pair.target_id);
    let set = async |fields: Map<String, Value>| {
        let result = room.target.edit_issue(key, fields, Map::new(), Notify::PreferNever).await;
        result.map(|edited| {
            if edited.notified {
                room.warn("the target may have sent mail about edits: the bot may not switch it off");
            }
        })
    };
    match set(values.clone()).await {
        Ok(()) => {}
        Err(e) if e.kind() == ErrorKind::NotFound => return Err(SyncError::TargetGone),
        Err(e) if e.kind() == ErrorKind::Rejected && values.len() > 1 => {
            for (name, value) in &values {
                match set(Map::from_iter([(name.clone(), value.clone())])).await {
                    Ok(()) => {}
                    Err(e) if e.kind() == ErrorKind::Rejected && name != "summary" => {
                        room.warn(&format!("the target refuses the field {name}"));
                    }
                    Err(e) => return Err(e.into()),
                }
            }
        }
        Err(e) if e.kind() == ErrorKind::Rejected && !values.contains_key("summary") => {
            for name in values.keys() {
                room.warn(&format!("the target refuses the field {name}"));
            }
        }
        Err(e) => return Err(e.into()),
    }
    room.deps.store.commit_pair(pair, &fields_of(room, message, names, &values), None)?;
    Ok(true)
}

//! Import: staged messages into the target, each issue's in order, issues side by side.

use std::sync::Mutex;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use futures_util::StreamExt;
use serde_json::{Map, Value, json};
use ulid::Ulid;

use super::{
    Room, body, content,
    error::SyncError,
    parts,
    report::Phase,
    target::{mapped, name_of, same},
};
use crate::{
    jira::{Created, ErrorKind, JiraError, Notify, parse_time},
    staging::{Entry, Message, MessageId, State},
    store::{Intent, Pair, PairField, PairKind},
};

/// Issues written at the same time.
const CONCURRENT: usize = 8;
/// After so many tries a message that fails for a passing reason is parked as well, so that it does not stay unseen.
const MOST_TRIES: u32 = 5;
/// The issue property that holds our mark.
pub(super) const PROPERTY: &str = "efface";
/// How much older than its intent a thing of ours may look: clocks differ, and some servers keep the day alone.
const SLACK: TimeDelta = TimeDelta::hours(26);

pub(super) async fn import(room: &Room<'_>, reviewed: Option<MessageId>) -> Result<(), SyncError> {
    let mut issues: Vec<(String, Vec<Entry>)> = Vec::new();
    let mut place = std::collections::HashMap::new();
    for entry in room.staging.list()?.into_iter().filter(|e| e.state != State::Processed) {
        let at = *place.entry(entry.issue.id.clone()).or_insert(issues.len());
        if at == issues.len() {
            issues.push((entry.issue.id.clone(), Vec::new()));
        }
        issues[at].1.push(entry);
    }
    let total: usize = issues.iter().map(|(_, e)| e.iter().filter(|e| e.state == State::New).count()).sum();
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
                if let Err(e) = issue(room, &entries, reviewed, done, total as u64).await {
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

/// The messages of one issue, in order. An error here stops the whole synchronization.
async fn issue(
    room: &Room<'_>,
    entries: &[Entry],
    reviewed: Option<MessageId>,
    done: &std::sync::atomic::AtomicU64,
    total: u64,
) -> Result<(), SyncError> {
    let mut blocked = entries.iter().any(|e| e.state == State::Parked);
    for entry in entries.iter().filter(|e| e.state == State::New) {
        let count = done.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
        room.deps.progress.step(&room.sync.name, Phase::Import, count, Some(total));
        if blocked {
            room.park(entry.id, &SyncError::Behind)?;
            continue;
        }
        match message(room, entry.id, reviewed == Some(entry.id)).await {
            Ok(()) => {
                room.count(|r| r.imported += 1);
                room.staging.note(entry.id, None)?;
                super::blocking(|| room.staging.set_state(entry.id, State::Processed))?;
            }
            Err(e) if e.stops_everything() => return Err(e),
            // It stays where it is, and so does what comes after it.
            Err(e) if e.is_transient() && entry.attempts + 1 < MOST_TRIES => {
                room.staging.note(entry.id, Some((e.kind(), &e.hint())))?;
                room.error(&e);
                return Ok(());
            }
            Err(e) => {
                room.error(&e);
                room.park(entry.id, &e)?;
                blocked = true;
            }
        }
    }
    Ok(())
}

async fn message(room: &Room<'_>, id: MessageId, reviewed: bool) -> Result<(), SyncError> {
    let mut message = room.staging.message(id)?;
    // It may have been staged before the person was erased.
    let verdict = room.check(&mut message, room.sync.names)?;
    if verdict.cuts > 0 {
        room.staging.rewrite(id, &message.to_bytes()?)?;
        room.count(|r| r.cut += verdict.cuts as u64);
    }
    if verdict.parks() && !reviewed {
        return Err(SyncError::Name);
    }
    let store = room.deps.store;
    let pair = store.pair(&room.sync.name, PairKind::Issue, &message.issue.id)?;
    let whole = hex::decode(&message.hash).unwrap_or_default();
    let (mut pair, fresh) = match pair {
        Some(pair) if pair.erased => {
            room.warn("a change of an issue that was erased in the target was left out");
            return Ok(());
        }
        Some(pair) if pair.hash == whole => {
            room.count(|r| r.unchanged += 1);
            return Ok(());
        }
        Some(pair) => (pair, false),
        None => create(room, &message).await?,
    };
    let mut changed = if fresh { false } else { update(room, &message, &pair).await? };
    changed |= status(room, &message, &pair, fresh).await?;
    changed |= parts::comments(room, &message, &pair).await?;
    changed |= parts::attachments(room, &message, &pair, reviewed).await?;
    pair.hash = whole;
    pair.source_key = Some(message.issue.key.clone());
    store.commit_pair(&pair, &[], None)?;
    room.count(|r| match (fresh, changed) {
        (true, _) => r.created += 1,
        (false, true) => r.updated += 1,
        (false, false) => r.unchanged += 1,
    });
    Ok(())
}

/// Makes the issue, or finds the one that an interrupted run made. Says whether all fields are as the message wants them.
async fn create(room: &Room<'_>, message: &Message) -> Result<(Pair, bool), SyncError> {
    let store = room.deps.store;
    for intent in store.intents(&room.sync.name, &message.issue.id)? {
        if intent.kind != PairKind::Issue {
            continue;
        }
        let _held = room.meta.creating(&intent.fingerprint).await;
        if let Some(created) = find(room, &intent).await? {
            // Which message made it is not known: the update that follows sets everything.
            let pair = new_pair(room, message, &created, &intent);
            store.commit_pair(&pair, &[], Some(intent.mark))?;
            return Ok((pair, false));
        }
        store.clear_intent(intent.mark)?;
    }
    let names = room.field_names();
    let mut values = room.values(message, &names).await?;
    // What is empty anyway is not worth a refusal because the screen lacks the field.
    values.retain(|_, v| !v.is_null() && !v.as_array().is_some_and(Vec::is_empty));
    let project = json!({"key": room.sync.target.project});
    let mut all = values.clone();
    all.insert("project".to_owned(), project.clone());
    let mut bare = Map::from_iter([("project".to_owned(), project)]);
    for name in ["summary", "issuetype"] {
        if let Some(value) = values.get(name) {
            bare.insert(name.to_owned(), value.clone());
        }
    }
    // A field that the target's screen lacks must not keep the whole issue out: the rest is tried field by field.
    let tries = [(all, true), (bare.clone(), true), (bare, false)];
    let mut refused = None;
    for (i, (fields, marked)) in tries.into_iter().enumerate() {
        let empty = Value::Null;
        let seen = ["summary", "description"].map(|f| fields.get(f).unwrap_or(&empty));
        let fingerprint = body::fingerprint(store.keys(), &seen);
        let _held = room.meta.creating(&fingerprint).await;
        match create_once(room, message, &fields, marked, fingerprint).await {
            Ok((created, intent)) => {
                let pair = new_pair(room, message, &created, &intent);
                let left: Vec<&str> = if i == 0 { Vec::new() } else { names.clone() };
                let set: Vec<&str> = names.iter().copied().filter(|n| !left.contains(n)).collect();
                store.commit_pair(&pair, &fields_of(room, message, &set, &values), Some(intent.mark))?;
                if !left.is_empty() {
                    edit(room, message, &pair, &left, values).await?;
                }
                return Ok((pair, true));
            }
            Err(SyncError::Jira(e)) if e.kind() == ErrorKind::Rejected => {
                refused.get_or_insert(e);
            }
            Err(e) => return Err(e),
        }
    }
    Err(refused.map_or(SyncError::TargetGone, SyncError::Jira))
}

async fn create_once(
    room: &Room<'_>,
    message: &Message,
    fields: &Map<String, Value>,
    marked: bool,
    fingerprint: Vec<u8>,
) -> Result<(Created, Intent), SyncError> {
    let store = room.deps.store;
    // Once more after a create that certainly did not happen; never a third time.
    for _ in 0..2 {
        let intent = Intent {
            mark: Ulid::generate(),
            sync: room.sync.name.clone(),
            kind: PairKind::Issue,
            source_issue: message.issue.id.clone(),
            source_id: message.issue.id.clone(),
            target_issue: None,
            fingerprint: fingerprint.clone(),
            started: timestamp(room),
        };
        super::blocking(|| store.add_intent(&intent))?;
        let mark = json!({"mark": intent.mark.to_string(), "sync": room.sync.name, "source": message.issue.key});
        let properties = if marked { vec![(PROPERTY.to_owned(), mark)] } else { Vec::new() };
        match room.target.create_issue(fields.clone(), &properties).await {
            Ok(created) => return Ok((created, intent)),
            Err(e) if e.kind() == ErrorKind::Doubtful => match find(room, &intent).await? {
                Some(created) => return Ok((created, intent)),
                None => store.clear_intent(intent.mark)?,
            },
            Err(e) => {
                if certainly_not_done(&e) {
                    store.clear_intent(intent.mark)?;
                }
                return Err(e.into());
            }
        }
    }
    Err(SyncError::Ambiguous("issue"))
}

/// Whether an error of a create means that nothing was created.
pub(super) fn certainly_not_done(e: &JiraError) -> bool {
    !matches!(e.kind(), ErrorKind::Doubtful | ErrorKind::BadAnswer | ErrorKind::TooLarge | ErrorKind::Server)
}

/// The issue that an intent made, if it did.
async fn find(room: &Room<'_>, intent: &Intent) -> Result<Option<Created>, SyncError> {
    let since = DateTime::parse_from_rfc3339(&intent.started).map_or(DateTime::UNIX_EPOCH, |t| t.to_utc());
    let project = &room.sync.target.project;
    match room.target.find_created(project, since, PROPERTY, &intent.mark.to_string()).await {
        Ok(Some(created)) => Ok(Some(created)),
        // Where the server dropped the property with the create, the look of the issue is all there is.
        Ok(None) | Err(_) if !room.target_keeps_marks().await? => find_by_look(room, intent, since).await,
        Ok(None) => Ok(None),
        Err(e) => Err(e.into()),
    }
}

/// On servers without properties: an issue of ours that no pair knows, made since, with the same text.
async fn find_by_look(room: &Room<'_>, intent: &Intent, since: DateTime<Utc>) -> Result<Option<Created>, SyncError> {
    let jql = format!("project = \"{}\" ORDER BY created DESC", room.sync.target.project);
    let bot = room.bot().await?.map(str::to_owned);
    let mut search = room.target.search(&jql, &["summary", "description", "created", "creator", "reporter", "project"]);
    let mut found = Vec::new();
    while let Some(page) = search.next_page().await? {
        for issue in page {
            let old = issue.created().is_some_and(|c| c.to_utc() < since - SLACK);
            // Servers that keep no marks may not keep a creator either, and show the reporter there.
            let reporter = content::identity(issue.field("reporter"));
            let ours = match (bot.as_deref(), content::identity(issue.field("creator"))) {
                (Some(bot), Some(creator)) => bot == creator || reporter == Some(creator),
                _ => true,
            };
            let here = issue.key().rsplit_once('-').is_some_and(|(p, _)| p == room.sync.target.project.as_str());
            if old || !ours || !here || room.is_paired(PairKind::Issue, issue.id())? {
                continue;
            }
            let look = [issue.field("summary"), issue.field("description")].map(|v| v.unwrap_or(&Value::Null));
            if body::fingerprint(room.deps.store.keys(), &look) == intent.fingerprint {
                found.push(Created { id: issue.id().to_owned(), key: issue.key().to_owned() });
            }
        }
    }
    if found.len() > 1 {
        return Err(SyncError::Ambiguous("issue"));
    }
    Ok(found.pop())
}

impl Room<'_> {
    /// Whether a thing in the target is paired already, by any synchronization into the same instance.
    pub(super) fn is_paired(&self, kind: PairKind, target_id: &str) -> Result<bool, SyncError> {
        let pairs = self.deps.store.pairs_by_target(kind, target_id)?;
        Ok(pairs.iter().any(|p| {
            self.deps.config.syncs.get(&p.sync).is_none_or(|s| s.target.instance == self.sync.target.instance)
        }))
    }

    /// Whether the target has issue properties; asked of any issue of its project, once a run.
    async fn target_keeps_marks(&self) -> Result<bool, SyncError> {
        let ask = || async {
            let jql = format!("project = \"{}\"", self.sync.target.project);
            let mut search = self.target.search(&jql, &["created"]).page_size(2);
            let Some(issue) = search.next_page().await?.and_then(|p| p.into_iter().next()) else { return Ok(true) };
            match self.target.property_keys(issue.key()).await {
                // A server without the route may answer 404 in Jira's own shape.
                Err(e) if matches!(e.kind(), ErrorKind::NotSupported | ErrorKind::NotFound) => Ok(false),
                Err(e) => Err(SyncError::from(e)),
                Ok(_) => Ok(true),
            }
        };
        self.meta.keeps_marks.get_or_try_init(ask).await.copied()
    }
}

fn new_pair(room: &Room<'_>, message: &Message, created: &Created, intent: &Intent) -> Pair {
    Pair {
        sync: room.sync.name.clone(),
        kind: PairKind::Issue,
        source_id: message.issue.id.clone(),
        target_id: created.id.clone(),
        source_issue: message.issue.id.clone(),
        source_key: Some(message.issue.key.clone()),
        target_issue: created.id.clone(),
        target_key: Some(created.key.clone()),
        hash: Vec::new(),
        erased: false,
        created: intent.started.clone(),
    }
}

/// What is remembered of fields that now are as the message says.
fn fields_of(room: &Room<'_>, message: &Message, names: &[&str], values: &Map<String, Value>) -> Vec<PairField> {
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
async fn edit(
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

/// Moves the issue to the source's status, where one transition leads there. Says whether it moved.
async fn status(room: &Room<'_>, message: &Message, pair: &Pair, fresh: bool) -> Result<bool, SyncError> {
    let store = room.deps.store;
    let source = name_of(message.fields.get("status").unwrap_or(&Value::Null));
    let Some(now) = message.hashes.get("status").and_then(|h| hex::decode(h).ok()).filter(|_| !source.is_empty())
    else {
        return Ok(false);
    };
    let known = store.pair_fields(&room.sync.name, PairKind::Issue, &message.issue.id)?;
    if known.iter().any(|k| k.field == "status" && k.source_hash == now) {
        return Ok(false);
    }
    let wanted = mapped(&room.sync.statuses, source);
    let moved = move_to(room, message, pair, wanted, fresh).await?;
    let field = PairField { field: "status".to_owned(), source_hash: now, target_hash: None, redacted: false };
    store.commit_pair(pair, &[field], None)?;
    Ok(moved)
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
                room.meta.initial.lock().await.insert(kind, status.clone());
            }
            status
        }
    };
    if same(&current, wanted) {
        return Ok(false);
    }
    let transitions = room.target.transitions(key).await?;
    let to = |t: &&Value| same(name_of(t.get("to").unwrap_or(&Value::Null)), wanted);
    let Some(id) = transitions.iter().find(to).and_then(|t| t.get("id")).and_then(Value::as_str) else {
        room.warn(&format!("no transition of the target leads to the status {wanted:?}"));
        return Ok(false);
    };
    match room.target.transition(key, id).await {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == ErrorKind::Doubtful => {
            let now = current_status(room, key).await?;
            if now.is_some_and(|s| same(&s, wanted)) { Ok(true) } else { Err(e.into()) }
        }
        Err(e) if e.kind() == ErrorKind::Rejected => {
            room.warn(&format!("the target refuses the transition to the status {wanted:?}"));
            Ok(false)
        }
        Err(e) => Err(e.into()),
    }
}

async fn current_status(room: &Room<'_>, key: &str) -> Result<Option<String>, SyncError> {
    let issue = room.target.issue(key, &["status"], false, &[]).await?;
    Ok(issue.map(|i| name_of(i.field("status").unwrap_or(&Value::Null)).to_owned()))
}

/// Now, as the store keeps times.
pub(super) fn timestamp(room: &Room<'_>) -> String {
    (room.deps.now)().to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Whether a thing in the target may have been made by an intent: not older than it.
pub(super) fn since(item: &Value, intent: &Intent) -> bool {
    let created = item.get("created").and_then(Value::as_str).and_then(parse_time);
    let started = DateTime::parse_from_rfc3339(&intent.started).ok();
    match (created, started) {
        (Some(created), Some(started)) => created >= started - SLACK,
        _ => true,
    }
}

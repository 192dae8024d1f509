//! Making an issue in the target exactly once: the intent first, the mark in the same call, and, where it is not known
//! whether the call happened, looking for what it made.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Map, Value, json};
use ulid::Ulid;

use super::{
    Room, body, content,
    error::SyncError,
    import,
    relations::{self, subtasks::Under},
};
use crate::{
    jira::{Created, ErrorKind, JiraError, parse_time},
    staging::Message,
    store::{Intent, Pair, PairKind},
};

/// The issue property that holds our mark.
pub(crate) const PROPERTY: &str = "efface";
/// How much older than its intent a thing of ours may look: clocks differ, and some servers keep the day alone.
const SLACK: TimeDelta = TimeDelta::hours(26);

/// Makes the issue, or finds the one that an interrupted run made. Says whether all fields are as the message wants them.
pub(super) async fn create(room: &Room<'_>, message: &Message) -> Result<(Pair, bool), SyncError> {
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
    let under = relations::subtasks::under(room, message).await?;
    if let Under::Waits(parent) = under {
        return Err(SyncError::Waits(parent));
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
    if let Some(parent) = under.field() {
        all.insert("parent".to_owned(), parent.clone());
        bare.insert("parent".to_owned(), parent);
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
                store.commit_pair(&pair, &import::fields_of(room, message, &set, &values), Some(intent.mark))?;
                if !left.is_empty() {
                    import::edit(room, message, &pair, &left, values).await?;
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
    let mut doubt = None;
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
                None => {
                    store.clear_intent(intent.mark)?;
                    doubt = Some(e);
                }
            },
            Err(e) => {
                if certainly_not_done(&e) {
                    store.clear_intent(intent.mark)?;
                }
                return Err(e.into());
            }
        }
    }
    Err(doubt.map_or(SyncError::TargetGone, SyncError::Jira))
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
        unlinked: false,
        created: intent.started.clone(),
        twin: room.sync.twin.as_ref().map(|t| t.name.clone()),
        target_first: false,
    }
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

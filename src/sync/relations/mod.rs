//! What hangs on an issue beside fields, comments and attachments: read by the export, written by the import.
//!
//! Owns which of it is carried and what of it counts as content. What was not read (an older message, a server without it) is never
//! taken for gone.

mod links;
pub(super) mod missing;
mod remote;
pub(super) mod subtasks;
mod worklogs;

use serde_json::{Map, Value, json};

use super::{
    Room,
    content::{Content, carries, identity},
    error::SyncError,
};
use crate::{
    config::Sync,
    jira::{ErrorKind, parse_time},
    keys::Keys,
    model::{Area, Place, RecordRef, RecordType},
    staging::{IssueRef, Message, Relations},
    store::Pair,
};

/// The issue's fields that an export reads for them.
pub(super) fn wanted(sync: &Sync) -> Vec<&'static str> {
    let all = [("worklog", "worklog"), ("issuelinks", "issuelinks"), ("subtask", "parent")];
    all.into_iter().filter(|(name, _)| carries(&sync.fields, name)).map(|(_, field)| field).collect()
}

/// Reads them, and takes them out of the fields.
pub(super) async fn read(
    room: &Room<'_>,
    at: &IssueRef,
    fields: &mut Map<String, Value>,
) -> Result<Relations, SyncError> {
    let mut out = Relations::default();
    let embedded = fields.remove("worklog");
    if carries(&room.sync.fields, "worklog")
        && let Some(list) = worklogs(room, at, embedded).await?
    {
        out.worklogs = list;
        out.read.push("worklog".to_owned());
    }
    let parent = fields.remove("parent");
    if carries(&room.sync.fields, "subtask") {
        out.parent = subtasks::parent(fields, parent.as_ref());
        out.read.push("subtask".to_owned());
    }
    let linked = fields.remove("issuelinks");
    if carries(&room.sync.fields, "issuelinks") {
        match linked.as_ref().and_then(Value::as_array) {
            Some(list) => {
                out.links = list.iter().filter_map(links::trimmed).collect();
                out.read.push("issuelinks".to_owned());
            }
            None => room.warn("the source says nothing of links"),
        }
    }
    if carries(&room.sync.fields, "remotelink") {
        // Jira has them by a call of their own alone.
        match room.source.remote_links(&at.key).await {
            Ok(list) => {
                out.remote_links = list.iter().map(remote::trimmed).collect();
                out.read.push("remotelink".to_owned());
            }
            Err(e) if matches!(e.kind(), ErrorKind::NotSupported) => {
                room.warn("the source says nothing of remote links")
            }
            Err(e) => return Err(e.into()),
        }
    }
    Ok(out)
}

/// All worklogs that are for everybody; `None` where the source has none.
async fn worklogs(room: &Room<'_>, at: &IssueRef, embedded: Option<Value>) -> Result<Option<Vec<Value>>, SyncError> {
    let list = embedded.as_ref().and_then(|e| e.get("worklogs")).and_then(Value::as_array);
    let total = embedded.as_ref().and_then(|e| e.get("total")).and_then(Value::as_u64);
    let all = match (list, total) {
        // An issue's body carries 20 of them at most.
        (Some(list), Some(total)) if list.len() as u64 >= total => list.clone(),
        _ => match room.source.worklogs(&at.key).await {
            Ok(list) => list,
            Err(e) if e.kind() == ErrorKind::NotSupported => {
                room.warn("the source says nothing of worklogs");
                return Ok(None);
            }
            Err(e) => return Err(e.into()),
        },
    };
    let before = all.len();
    let open = |w: &Value| w.get("visibility").is_none_or(|v| v.as_object().is_none_or(Map::is_empty));
    let all: Vec<Value> = all.into_iter().filter(open).collect();
    if all.len() < before {
        room.warn("restricted worklogs stay in the source");
    }
    Ok(Some(all))
}

/// The content of an issue with what hangs on it.
pub(super) fn content(keys: &Keys, content: Content, relations: &Relations) -> Content {
    let worklogs = relations.worklogs.iter().map(|w| {
        // The same moment is written in other zones.
        let started = w.get("started").and_then(Value::as_str);
        let started = started.map(|s| parse_time(s).map_or(json!(s), |t| json!(t.timestamp_millis())));
        json!([identity(w.get("author")), w.get("comment"), started, w.get("timeSpentSeconds")])
    });
    let links = relations.links.iter().chain(&relations.remote_links).cloned();
    let parent = relations.parent.as_ref().map(|p| ("parent".to_owned(), json!(p.id)));
    content.with(keys, relations.parts().map(|(part, _)| part).zip(worklogs.chain(links)).chain(parent))
}

/// Brings the target's to what a message says. Says whether anything was written.
pub(super) async fn import(room: &Room<'_>, message: &Message, pair: &Pair) -> Result<bool, SyncError> {
    let mut changed = worklogs::worklogs(room, message, pair).await?;
    if message.relations.has("issuelinks") {
        changed |= links::remove(room, message, pair).await?;
        let (made, waiting) = links::make(room, message, pair).await?;
        changed |= made;
        missing::links(room, message, waiting)?;
    }
    changed |= remote::import(room, message, pair).await?;
    Ok(changed)
}

/// Worklogs that stand on both sides of issues that are linked by hand: source id and target id.
pub(super) async fn both(
    room: &Room<'_>,
    relations: &Relations,
    target: &str,
) -> Result<Vec<(String, String)>, SyncError> {
    if relations.worklogs.is_empty() {
        return Ok(Vec::new());
    }
    let mut there = room.target.worklogs(target).await?;
    let text = |w: &Value| super::body::text_of(w.get("comment").unwrap_or(&Value::Null));
    let time = |w: &Value| {
        let started = w.get("started").and_then(Value::as_str).and_then(parse_time);
        (started.map(|s| s.timestamp()), w.get("timeSpentSeconds").and_then(Value::as_u64))
    };
    let mut out = Vec::new();
    for worklog in &relations.worklogs {
        // Whoever copied it may have named its author in front.
        let same = |t: &Value| time(t) == time(worklog) && text(t).ends_with(&text(worklog));
        if let Some(i) = there.iter().position(same) {
            out.push((super::content::id_of(worklog), super::content::id_of(&there.remove(i))));
        }
    }
    Ok(out)
}

impl Room<'_> {
    /// Whether a hold keeps a thing in the target that we would delete there.
    fn keeps_there(&self, record_type: RecordType, pair: &Pair, thing: &Value) -> bool {
        let target = &self.sync.target;
        let place = Place::new(Area::Target, format!("{}/{}", target.instance, target.project));
        let key = pair.target_key.clone();
        let record = RecordRef { record_type, id: Some(pair.target_id.clone()), key, path: None };
        let names = |guard: &crate::suppression::Guard| crate::holds::names_json(guard, thing);
        let spot = crate::holds::Spot {
            place: &place,
            project: Some(&target.project),
            record: &record,
            fields: &[],
            whole: true,
        };
        self.holds.keeps(None, &target.instance, &spot, &names).is_some()
    }
}

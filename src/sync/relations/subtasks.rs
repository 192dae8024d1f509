//! Subtasks: made below the copy of their parent, so after it.
//!
//! Jira knows a subtask by its type, and wants the parent with the create. A parent of an issue that is no subtask (an epic, on Cloud)
//! is not carried over.

use serde_json::{Map, Value, json};

use super::super::{Room, error::SyncError};
use crate::{
    staging::{IssueRef, Message},
    store::{Pair, PairKind},
};

/// The parent of a subtask, as the source's fields tell it.
pub(super) fn parent(fields: &Map<String, Value>, parent: Option<&Value>) -> Option<IssueRef> {
    if fields.get("issuetype")?.get("subtask")?.as_bool() != Some(true) {
        return None;
    }
    let parent = parent?;
    let key = parent.get("key").and_then(Value::as_str)?.to_owned();
    Some(IssueRef { id: super::super::content::id_of(parent), key })
}

/// Where the copy of an issue belongs.
pub(in super::super) enum Under {
    /// It stands by itself.
    Nothing,
    /// Below this one.
    Parent(Box<Pair>),
    /// Nowhere yet.
    Waits(IssueRef),
}

impl Under {
    /// The value of the field `parent`.
    pub(in super::super) fn field(&self) -> Option<Value> {
        let Self::Parent(pair) = self else { return None };
        Some(pair.target_key.as_ref().map_or_else(|| json!({"id": pair.target_id}), |key| json!({"key": key})))
    }
}

/// Where the copy of a message's issue belongs.
pub(in super::super) async fn under(room: &Room<'_>, message: &Message) -> Result<Under, SyncError> {
    let Some(parent) = &message.relations.parent else { return Ok(Under::Nothing) };
    if !room.has_subtasks().await? {
        room.warn("the target project has no type of subtasks: they become issues of their own, without their parent");
        return Ok(Under::Nothing);
    }
    let mut gone = false;
    // Another synchronization may carry the parent; a subtask lies in the project of its parent.
    for sync in super::links::peers(room).filter(|s| s.target.project == room.sync.target.project) {
        match room.deps.store.pair(&sync.name, PairKind::Issue, &parent.id)? {
            Some(pair) if !pair.erased && !pair.unlinked => return Ok(Under::Parent(Box::new(pair))),
            Some(_) => gone = true,
            None => {}
        }
    }
    if gone {
        room.warn("a subtask whose parent was erased in the target, or unlinked, is an issue of its own");
        return Ok(Under::Nothing);
    }
    Ok(Under::Waits(parent.clone()))
}

//! The values of target fields: types and priorities by name, users by mapping, text by conversion.

use std::{collections::HashMap, sync::Arc};

use serde_json::{Map, Value, json};
use tokio::sync::{Mutex, OnceCell, OwnedMutexGuard};

use super::{
    Room, body,
    content::plain_fields,
    error::SyncError,
    named,
    relations::subtasks::{self, Under},
    users::Written,
};
use crate::{
    config::UserMode,
    jira::{ErrorKind, JiraError},
    model::Flavor,
    staging::Message,
};

/// Jira's own limit of a summary, in characters.
const SUMMARY: usize = 255;

/// Transitions: the status that each leads to, and its id.
pub(super) type Ways = Vec<(String, String)>;

/// What is read of the target once a run.
#[derive(Default)]
pub(super) struct Meta {
    types: OnceCell<Vec<Value>>,
    priorities: OnceCell<Vec<Value>>,
    /// The types of links between issues.
    pub(super) link_types: OnceCell<Vec<Value>>,
    bot: OnceCell<Option<String>>,
    /// Versions and components.
    pub(super) named: named::Known,
    /// Whether the target has issue properties.
    pub(super) keeps_marks: OnceCell<bool>,
    /// The status in which a new issue of a type begins.
    pub(super) initial: Mutex<HashMap<String, String>>,
    /// From an issue type's first status: where transitions lead, and their ids.
    pub(super) ways: Mutex<HashMap<(String, String), Ways>>,
    creating: Mutex<HashMap<Vec<u8>, Arc<Mutex<()>>>>,
}

impl Meta {
    /// Held from before a create until its pair is committed, so that of two issues with the same text one is never taken
    /// for the other on a server that keeps no marks.
    pub(super) async fn creating(&self, fingerprint: &[u8]) -> OwnedMutexGuard<()> {
        let lock = self.creating.lock().await.entry(fingerprint.to_vec()).or_default().clone();
        lock.lock_owned().await
    }
}

impl Room<'_> {
    /// The handle of our own user in the target.
    pub(super) async fn bot(&self) -> Result<Option<&str>, SyncError> {
        let bot = self.meta.bot.get_or_try_init(|| super::export::bot(self.target)).await?;
        Ok(bot.as_deref())
    }

    /// The values that the target's fields get for `names`. What cannot be carried over is left out, with a warning;
    /// `null` clears.
    pub(super) async fn values(&self, message: &Message, names: &[&str]) -> Result<Map<String, Value>, SyncError> {
        let mut out = Map::new();
        for &name in names {
            let value = message.fields.get(name).unwrap_or(&Value::Null);
            let mapped = match name {
                "summary" => Some(json!(summary(value.as_str().unwrap_or_default()))),
                "description" | "environment" => Some(self.body(name, value).await?),
                "duedate" => Some(value.clone()),
                "issuetype" => {
                    let under = subtasks::under(self, message).await?;
                    Some(self.issue_type(value, matches!(under, Under::Parent(_))).await?)
                }
                "priority" => self.priority(value).await?,
                "labels" => Some(json!(value.as_array().cloned().unwrap_or_default())),
                // Where users are not carried over as users, whom the target assigns is its own affair.
                "assignee" if self.sync.users_in(name) != UserMode::Map => None,
                "assignee" => {
                    Some(self.users.field(name, value).await?.map_or(Value::Null, |u| u.field(self.target.flavor())))
                }
                // Jira has no issue without a reporter: where nobody is mapped it stays with us.
                "reporter" => self.users.field(name, value).await?.map(|u| u.field(self.target.flavor())),
                _ => match named::list_of(name) {
                    Some(list) => self.named(list, value).await?,
                    None => None,
                },
            };
            if let Some(mapped) = mapped {
                out.insert(name.to_owned(), mapped);
            }
        }
        Ok(out)
    }

    /// All plain fields but the status, which is no field but a place in a workflow.
    pub(super) fn field_names(&self) -> Vec<&str> {
        plain_fields(&self.sync.fields).into_iter().filter(|f| *f != "status").collect()
    }

    /// A rich text of a field as the target takes it.
    pub(super) async fn body(&self, field: &str, value: &Value) -> Result<Value, SyncError> {
        let mut who: HashMap<String, Written> = HashMap::new();
        for id in body::mentions(value) {
            let written = self.users.mention(field, &id).await?;
            who.insert(id, written);
        }
        Ok(body::carried(value, self.target.flavor(), &who))
    }

    async fn types(&self) -> Result<&Vec<Value>, SyncError> {
        Ok(self.meta.types.get_or_try_init(|| self.target.issue_types(&self.sync.target.project)).await?)
    }

    /// Whether the target's project has a type of subtasks.
    pub(super) async fn has_subtasks(&self) -> Result<bool, SyncError> {
        Ok(self.types().await?.iter().any(is_subtask))
    }

    async fn issue_type(&self, value: &Value, below: bool) -> Result<Value, SyncError> {
        let types = self.types().await?;
        let name = name_of(value);
        let wanted = mapped(&self.sync.issue_types, name);
        let standard = |t: &&Value| is_subtask(t) == below;
        if let Some(found) = types.iter().filter(standard).find(|t| same(name_of(t), wanted)) {
            return Ok(self.by_name_or_id(found));
        }
        let fallback = types.iter().filter(standard).find(|t| same(name_of(t), "Task"));
        let Some(fallback) = fallback.or_else(|| types.iter().find(standard)) else {
            return Err(SyncError::NoType);
        };
        self.warn(&format!(
            "the target has no issue type {wanted:?} (for {}); {:?} is used",
            if below { "a subtask" } else { "an issue of its own" },
            name_of(fallback)
        ));
        Ok(self.by_name_or_id(fallback))
    }

    async fn priority(&self, value: &Value) -> Result<Option<Value>, SyncError> {
        let name = name_of(value);
        if name.is_empty() {
            return Ok(None);
        }
        let wanted = mapped(&self.sync.priorities, name);
        let known = self.meta.priorities.get_or_try_init(|| async {
            match self.target.priorities().await {
                Err(e) if matches!(e.kind(), ErrorKind::NotSupported | ErrorKind::Forbidden | ErrorKind::NotFound) => {
                    Ok(Vec::new())
                }
                other => other,
            }
        });
        let known: Result<&Vec<Value>, JiraError> = known.await;
        let found = known?.iter().find(|p| same(name_of(p), wanted));
        if found.is_none() {
            self.warn(&format!("the target has no priority {wanted:?}; it keeps its own"));
        }
        Ok(found.map(|p| self.by_name_or_id(p)))
    }

    fn by_name_or_id(&self, item: &Value) -> Value {
        match (self.target.flavor(), item.get("id").and_then(Value::as_str)) {
            (Flavor::Cloud, Some(id)) => json!({"id": id}),
            _ => json!({"name": name_of(item)}),
        }
    }
}

fn is_subtask(kind: &Value) -> bool {
    kind.get("subtask").and_then(Value::as_bool) == Some(true)
}

pub(super) fn name_of(value: &Value) -> &str {
    value.get("name").and_then(Value::as_str).unwrap_or_default()
}

/// Names are compared without case: Jira's own are spelled differently from version to version.
pub(super) fn same(a: &str, b: &str) -> bool {
    !b.is_empty() && a.to_lowercase() == b.to_lowercase()
}

/// The name in the target for a name in the source.
pub(super) fn mapped<'m>(map: &'m std::collections::BTreeMap<String, String>, name: &'m str) -> &'m str {
    map.iter().find(|(from, _)| same(from, name)).map_or(name, |(_, to)| to.as_str())
}

/// One line of at most 255 characters, never empty.
fn summary(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SUMMARY).collect();
    let line = line.trim();
    if line.is_empty() { "(no summary)".to_owned() } else { line.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summaries_fit() {
        assert_eq!(summary("a\nb"), "a b");
        assert_eq!(summary(" \n"), "(no summary)");
        assert_eq!(summary(&"é".repeat(300)).chars().count(), 255);
    }

    #[test]
    fn names_map_without_case() {
        let map = [("To Do".to_owned(), "Open".to_owned())].into();
        assert_eq!((mapped(&map, "TO DO"), mapped(&map, "Done")), ("Open", "Done"));
        assert!(!same("", ""));
    }
}

//! Versions and components: by name, and made in the target where the configuration says so.
//!
//! Their names may hold anything that people write, so none is part of a warning.

use std::collections::HashMap;

use serde_json::{Map, Value, json};
use tokio::sync::Mutex;

use super::{Room, error::SyncError, target::same};
use crate::jira::ErrorKind;

/// What of a target's project is known, by what it is.
pub(super) type Known = Mutex<HashMap<&'static str, Vec<String>>>;

/// The list that a field's values are of; `None` for other fields.
pub(super) fn list_of(field: &str) -> Option<&'static str> {
    match field {
        "components" => Some("components"),
        "versions" | "fixVersions" => Some("versions"),
        _ => None,
    }
}

/// The names in a field, in the order of their letters.
pub(super) fn names(value: &Value) -> Vec<&str> {
    let list = value.as_array().into_iter().flatten();
    let mut names: Vec<&str> = list.filter_map(|v| v.get("name").and_then(Value::as_str)).collect();
    names.sort_unstable();
    names
}

impl Room<'_> {
    /// The value of a field of versions or components: those of the same name, made where that is asked for.
    pub(super) async fn named(&self, list: &'static str, value: &Value) -> Result<Option<Value>, SyncError> {
        let wanted = names(value);
        if wanted.is_empty() {
            return Ok(Some(json!([])));
        }
        // Held over the create, so that of two issues that want one, one makes it.
        let mut known = self.meta.named.lock().await;
        if !known.contains_key(list) {
            match self.target.project_list(&self.sync.target.project, list).await {
                Ok(all) => {
                    let names = all.iter().filter_map(|v| v.get("name")?.as_str().map(str::to_owned)).collect();
                    known.insert(list, names);
                }
                Err(e) if matches!(e.kind(), ErrorKind::NotSupported | ErrorKind::Forbidden | ErrorKind::NotFound) => {
                    self.warn(&format!("the target says nothing of its {list}; they were left out"));
                    return Ok(None);
                }
                Err(e) => return Err(e.into()),
            }
        }
        let there = known.entry(list).or_default();
        let mut out = Vec::new();
        for name in wanted {
            if let Some(found) = there.iter().find(|t| same(t, name)) {
                out.push(json!({ "name": found }));
            } else if !name.is_empty() && self.sync.create.iter().any(|c| c == list) && self.make(list, name).await? {
                there.push(name.to_owned());
                out.push(json!({ "name": name }));
            } else {
                self.warn(&format!("the target lacks some {list} of the source; they were left out"));
            }
        }
        Ok(Some(json!(out)))
    }

    /// Makes a version or a component. Says whether it is there.
    async fn make(&self, list: &'static str, name: &str) -> Result<bool, SyncError> {
        let body = Map::from_iter([("name".to_owned(), json!(name))]);
        match self.target.add_to_project(&self.sync.target.project, list, body).await {
            Ok(()) => Ok(true),
            Err(e) if e.kind() == ErrorKind::Doubtful => {
                let all = self.target.project_list(&self.sync.target.project, list).await?;
                if all.iter().any(|v| v.get("name").and_then(Value::as_str).is_some_and(|n| same(n, name))) {
                    return Ok(true);
                }
                Err(e.into())
            }
            Err(e)
                if matches!(
                    e.kind(),
                    ErrorKind::Forbidden | ErrorKind::Rejected | ErrorKind::NotSupported | ErrorKind::NotFound
                ) =>
            {
                self.warn(&format!("the target does not let us make {list}"));
                Ok(false)
            }
            Err(e) => Err(e.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_one_order_and_nothing_else_counts() {
        let value = json!([{"name": "b", "id": "2"}, {"name": "a", "released": true}, {"id": "3"}]);
        assert_eq!(names(&value), ["a", "b"]);
        assert_eq!(names(&Value::Null), [""; 0]);
        assert_eq!(
            (list_of("fixVersions"), list_of("components"), list_of("labels")),
            (Some("versions"), Some("components"), None)
        );
    }
}

//! What of an issue counts as its content, and keyed hashes of it.
//!
//! A change is told from hashes of the values *as read from the source*, never from timestamps alone and never from what
//! suppression left of them: so neither a stale `updated` nor a new entry of the suppression list makes an unchanged
//! field look changed, and nothing unchanged is ever written over a redaction. What is written is always the value
//! after suppression.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::keys::{Keys, Purpose};

/// Hashes of an issue's content: one for each field, comment and attachment, and one of all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Content {
    /// By field name, `comment/ID`, `attachment/ID`; hexadecimal.
    pub(super) parts: BTreeMap<String, String>,
    /// Of all of them.
    pub(super) whole: Vec<u8>,
}

impl Content {
    /// Of what was read: `fields` restricted to `carried`, with the comments and attachments that are carried.
    pub(super) fn of(
        keys: &Keys,
        carried: &[String],
        fields: &Map<String, Value>,
        comments: &[Value],
        attachments: &[Value],
    ) -> Self {
        let mut parts = BTreeMap::new();
        for name in plain_fields(carried) {
            let value = canonical(name, fields.get(name).unwrap_or(&Value::Null));
            parts.insert(name.to_owned(), hex::encode(hash(keys, name, &value)));
        }
        for comment in comments {
            parts.insert(format!("comment/{}", id_of(comment)), hex::encode(comment_hash(keys, comment)));
        }
        for attachment in attachments {
            let value = json!([attachment.get("filename"), attachment.get("size")]);
            parts.insert(format!("attachment/{}", id_of(attachment)), hex::encode(hash(keys, "attachment", &value)));
        }
        let all = hash(keys, "issue", &json!(parts));
        Self { parts, whole: all.to_vec() }
    }

    /// With further parts and what of each counts. Without any it is the same, so that what an older efface exported stays
    /// unchanged.
    pub(super) fn with(mut self, keys: &Keys, more: impl Iterator<Item = (String, Value)>) -> Self {
        let before = self.parts.len();
        for (part, value) in more {
            let kind = part.split('/').next().unwrap_or_default().to_owned();
            self.parts.insert(part, hex::encode(hash(keys, &kind, &value)));
        }
        if self.parts.len() > before {
            self.whole = hash(keys, "issue", &json!(self.parts)).to_vec();
        }
        self
    }
}

/// The hash of a comment: who wrote it, and what.
pub(super) fn comment_hash(keys: &Keys, comment: &Value) -> Vec<u8> {
    hash(keys, "comment", &json!([identity(comment.get("author")), comment.get("body")])).to_vec()
}

/// The fields that are carried as fields: all but comments and attachments; the type always.
pub(super) fn plain_fields(carried: &[String]) -> Vec<&str> {
    let mut out = vec!["issuetype"];
    out.extend(
        [
            "summary",
            "description",
            "environment",
            "priority",
            "labels",
            "components",
            "versions",
            "fixVersions",
            "duedate",
            "status",
            "assignee",
            "reporter",
        ]
        .into_iter()
        .filter(|f| *f == "summary" || carried.iter().any(|c| c == f)),
    );
    out
}

/// Whether a part is carried.
pub(super) fn carries(carried: &[String], part: &str) -> bool {
    carried.iter().any(|c| c == part)
}

/// What of a field's value counts: names and identities, not icons, avatars, links or display names.
pub(super) fn canonical(field: &str, value: &Value) -> Value {
    match field {
        "issuetype" | "priority" | "status" => value.get("name").cloned().unwrap_or_default(),
        "assignee" | "reporter" => json!(identity(Some(value))),
        "labels" => {
            let mut labels: Vec<&str> = value.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            labels.sort_unstable();
            json!(labels)
        }
        _ if super::named::list_of(field).is_some() => json!(super::named::names(value)),
        _ => value.clone(),
    }
}

/// Who a user object is: the most durable handle that it has.
pub(super) fn identity(user: Option<&Value>) -> Option<&str> {
    ["accountId", "key", "name", "emailAddress"]
        .into_iter()
        .find_map(|f| user?.get(f)?.as_str().filter(|s| !s.is_empty()))
}

/// The keyed hash of one value.
pub(super) fn hash(keys: &Keys, what: &str, value: &Value) -> [u8; 32] {
    // RFC 8785 needs no choice of ours; a value that it cannot write (never from Jira's JSON) is hashed as serde writes it.
    let bytes = serde_json_canonicalizer::to_vec(value).unwrap_or_else(|_| value.to_string().into_bytes());
    keys.keyed_hash(Purpose::Lookup, &[b"sync-content/1", what.as_bytes(), &bytes])
}

/// Jira's id of a comment or attachment: an opaque string, rarely a number.
pub(super) fn id_of(item: &Value) -> String {
    match item.get("id") {
        Some(Value::String(s)) => s.clone(),
        Some(Value::Number(n)) => n.to_string(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_counts_changes_the_hash() {
        let dir = tempfile::tempdir().unwrap();
        let keys = Keys::create(dir.path()).unwrap();
        let carried: Vec<String> = ["assignee", "labels"].map(str::to_owned).to_vec();
        let of = |fields: Value, comments: &[Value]| {
            Content::of(&keys, &carried, fields.as_object().unwrap(), comments, &[]).whole
        };
        let base = json!({"summary": "s", "assignee": {"key": "k1", "displayName": "A"}, "labels": ["b", "a"],
            "issuetype": {"name": "Task", "iconUrl": "x"}, "updated": "1", "description": "not carried"});
        let same = json!({"summary": "s", "assignee": {"key": "k1", "displayName": "B"}, "labels": ["a", "b"],
            "issuetype": {"name": "Task"}, "updated": "2"});
        assert_eq!(of(base.clone(), &[]), of(same.clone(), &[]));
        let mut other = same.clone();
        other["assignee"]["key"] = json!("k2");
        assert_ne!(of(same.clone(), &[]), of(other, &[]));
        let comment = json!({"id": "1", "body": "x", "author": {"key": "k1"}});
        assert_ne!(of(same.clone(), &[]), of(same.clone(), std::slice::from_ref(&comment)));
        let mut edited = comment.clone();
        edited["body"] = json!("y");
        assert_ne!(of(same.clone(), &[comment]), of(same, &[edited]));
    }
}

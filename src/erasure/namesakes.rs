//! What the verification knows of other people with the subject's name: an object that carries such a person's id is theirs,
//! and so is the name in it.
//!
//! Plain and of its own, as all of the verification (law 4): ids are compared letter by letter, in any case. Only the name is
//! left out of the comparison; whatever else stands in the object is searched as everywhere.

use serde_json::Value;

use crate::model::{IdentifierKind, Namesake};

/// The document without the names in objects that carry a namesake's id; `None` where there is no such object. `instance` is the
/// one that the document came from.
pub(super) fn without_their_names(namesakes: &[Namesake], instance: Option<&str>, document: &Value) -> Option<Value> {
    if namesakes.is_empty() {
        return None;
    }
    let is_theirs = |kinds: &[IdentifierKind], value: &str| {
        namesakes.iter().flat_map(|n| &n.identifiers).any(|i| {
            // A user name of one instance may be the subject's in another.
            let here = i.instance.as_ref().zip(instance).is_none_or(|(own, here)| own.as_str() == here);
            here && kinds.contains(&i.kind) && i.value.reveal().to_lowercase() == value.to_lowercase()
        })
    };
    let mut out = document.clone();
    let mut changed = false;
    blank(&mut out, &is_theirs, &mut changed, 0);
    changed.then_some(out)
}

/// As [`without_their_names`], for JSON or JSON Lines as bytes.
pub(super) fn text_without_their_names(namesakes: &[Namesake], instance: Option<&str>, bytes: &[u8]) -> Option<String> {
    if namesakes.is_empty() {
        return None;
    }
    let text = std::str::from_utf8(bytes).ok()?;
    if let Ok(document) = serde_json::from_str(text) {
        return without_their_names(namesakes, instance, &document).map(|d| d.to_string());
    }
    let mut changed = false;
    let lines = text.lines().map(|line| {
        let rest = serde_json::from_str(line).ok().and_then(|d| without_their_names(namesakes, instance, &d));
        changed |= rest.is_some();
        rest.map_or_else(|| line.to_owned(), |d| d.to_string())
    });
    let lines = lines.collect::<Vec<_>>().join("\n");
    changed.then_some(lines)
}

fn blank(value: &mut Value, is_theirs: &dyn Fn(&[IdentifierKind], &str) -> bool, changed: &mut bool, depth: usize) {
    use IdentifierKind::{AccountId, Email, UserKey, Username};
    if depth > 128 {
        return;
    }
    match value {
        Value::Array(items) => items.iter_mut().for_each(|v| blank(v, is_theirs, changed, depth + 1)),
        Value::Object(map) => {
            let any: &[IdentifierKind] = &[AccountId, UserKey, Username];
            let is_mention = map.get("type").and_then(Value::as_str) == Some("mention");
            let pairs: [(&str, &[IdentifierKind], &str); 6] = [
                ("accountId", &[AccountId], "displayName"),
                ("key", &[UserKey], "displayName"),
                ("name", &[Username], "displayName"),
                ("emailAddress", &[Email], "displayName"),
                ("from", any, "fromString"),
                ("to", any, "toString"),
            ];
            for (id, kinds, name) in pairs {
                let theirs = map.get(id).and_then(Value::as_str).is_some_and(|v| is_theirs(kinds, v));
                if theirs && map.get(name).is_some_and(Value::is_string) {
                    map.insert(name.to_owned(), Value::Null);
                    *changed = true;
                }
            }
            if is_mention && let Some(attrs) = map.get_mut("attrs").and_then(Value::as_object_mut) {
                let theirs = attrs.get("id").and_then(Value::as_str).is_some_and(|v| is_theirs(any, v));
                if theirs && attrs.contains_key("text") {
                    attrs.insert("text".to_owned(), Value::Null);
                    *changed = true;
                }
            }
            map.values_mut().for_each(|v| blank(v, is_theirs, changed, depth + 1));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::{Identifier, Personal};

    fn other() -> Vec<Namesake> {
        let identifier = |kind, value: &str, instance: Option<&str>| Identifier {
            kind,
            value: Personal::new(value.into()),
            instance: instance.map(|i| i.parse().unwrap()),
            confirmed: false,
        };
        vec![Namesake {
            identifiers: vec![
                identifier(IdentifierKind::Username, "aschmitt2", Some("hq")),
                identifier(IdentifierKind::AccountId, "557058:f", Some("partner")),
                identifier(IdentifierKind::FullName, "Anna Schmitt", None),
            ],
        }]
    }

    #[test]
    fn only_the_name_beside_the_other_persons_id_is_left_out() {
        let theirs = json!({"name": "ASCHMITT2", "displayName": "Anna Schmitt", "title": "Anna Schmitt"});
        let hers = json!({"name": "aschmitt", "displayName": "Anna Schmitt"});
        let document = json!({"a": [theirs, hers], "said": "Anna Schmitt"});
        let rest = without_their_names(&other(), Some("hq"), &document).unwrap();
        assert_eq!(rest["a"][0]["displayName"], Value::Null);
        assert_eq!(rest["a"][0]["title"], "Anna Schmitt");
        assert_eq!((&rest["a"][1], &rest["said"]), (&hers, &document["said"]));
        assert!(without_their_names(&other(), Some("lab"), &document).is_none(), "another instance's user name");
        assert!(without_their_names(&other(), None, &document).is_some(), "a folder that belongs to none");
        assert!(without_their_names(&[], None, &document).is_none());
        let lines = format!("{}\nAnna Schmitt\n", document["a"][0]);
        let rest = text_without_their_names(&other(), None, lines.as_bytes()).unwrap();
        assert_eq!(rest.matches("Anna Schmitt").count(), 2, "{rest}");
        assert!(text_without_their_names(&other(), None, b"Anna Schmitt").is_none());
        // A name is no id.
        let named = json!({"name": "Anna Schmitt", "displayName": "Anna Schmitt"});
        assert!(without_their_names(&other(), None, &named).is_none());
    }

    #[test]
    fn mentions_and_history() {
        let document = json!({"type": "mention", "attrs": {"id": "557058:f", "text": "@Anna Schmitt"}});
        let rest = without_their_names(&other(), Some("partner"), &document).unwrap();
        assert_eq!(rest["attrs"]["text"], Value::Null);
        let item = json!({"from": "aschmitt2", "fromString": "Anna Schmitt", "to": "bo", "toString": "Anna Schmitt"});
        let rest = without_their_names(&other(), Some("hq"), &item).unwrap();
        assert_eq!((&rest["fromString"], &rest["toString"]), (&Value::Null, &json!("Anna Schmitt")));
    }
}

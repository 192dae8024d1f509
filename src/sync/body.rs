//! Rich text on its way from one flavour to the other: mentions mapped, authors named, markup converted.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Value, json};

use super::users::Written;
use crate::{
    jira::{MentionOut, adf_to_wiki, wiki_escape, wiki_to_adf},
    keys::Keys,
    model::Flavor,
};

/// Who is mentioned in a body, as the source writes them.
pub(super) fn mentions(body: &Value) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    collect(body, &mut out);
    out
}

fn collect(value: &Value, out: &mut BTreeSet<String>) {
    match value {
        Value::String(wiki) => {
            for (_, id) in wiki_mentions(wiki) {
                out.insert(id.to_owned());
            }
        }
        Value::Object(object) => {
            if let Some(id) = mention_id(value) {
                out.insert(id.to_owned());
            }
            // Strings inside ADF are text, never markup.
            for member in object.values().filter(|v| !v.is_string()) {
                collect(member, out);
            }
        }
        Value::Array(items) => items.iter().filter(|v| !v.is_string()).for_each(|v| collect(v, out)),
        _ => {}
    }
}

fn mention_id(node: &Value) -> Option<&str> {
    if node.get("type")?.as_str()? != "mention" {
        return None;
    }
    node.get("attrs")?.get("id")?.as_str()
}

/// `[~name]` and `[~accountid:id]`: the whole and the id.
fn wiki_mentions(text: &str) -> impl Iterator<Item = (std::ops::Range<usize>, &str)> {
    text.match_indices("[~").filter_map(|(at, _)| {
        let end = at + text[at..].find([']', '\n', '|'])?;
        let inner = text[at + 2..end].strip_prefix("accountid:").unwrap_or(&text[at + 2..end]);
        (text[end..].starts_with(']') && !inner.is_empty()).then_some((at..end + 1, inner))
    })
}

/// A body as the target takes it: `null` stays `null`.
pub(super) fn carried(body: &Value, to: Flavor, who: &HashMap<String, Written>) -> Value {
    match body {
        Value::String(wiki) => match to {
            Flavor::DataCenter => Value::String(map_wiki(wiki, to, who)),
            Flavor::Cloud if wiki.trim().is_empty() => Value::Null,
            Flavor::Cloud => {
                wiki_to_adf(wiki, &|inner| match who.get(inner.strip_prefix("accountid:").unwrap_or(inner)) {
                    Some(Written::Mention(user)) => {
                        MentionOut::Mention { id: user.handle().to_owned(), text: String::new() }
                    }
                    Some(Written::Text(name)) => MentionOut::Text(name.clone()),
                    Some(Written::Nothing) | None => MentionOut::Text(String::new()),
                })
            }
        },
        Value::Object(_) => match to {
            Flavor::Cloud => {
                let mut adf = body.clone();
                map_adf(&mut adf, who);
                adf
            }
            Flavor::DataCenter => Value::String(adf_to_wiki(body, &|mention| in_wiki(who.get(&mention.id), to))),
        },
        _ => Value::Null,
    }
}

fn map_wiki(text: &str, to: Flavor, who: &HashMap<String, Written>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for (range, id) in wiki_mentions(text) {
        out.push_str(&text[at..range.start]);
        out.push_str(&in_wiki(who.get(id), to));
        at = range.end;
    }
    out.push_str(&text[at..]);
    out
}

/// A person in wiki markup.
fn in_wiki(written: Option<&Written>, to: Flavor) -> String {
    match (written, to) {
        (Some(Written::Mention(user)), Flavor::Cloud) => format!("[~accountid:{}]", user.handle()),
        (Some(Written::Mention(user)), Flavor::DataCenter) => format!("[~{}]", user.handle()),
        (Some(Written::Text(name)), _) => wiki_escape(name),
        (Some(Written::Nothing) | None, _) => String::new(),
    }
}

fn map_adf(node: &mut Value, who: &HashMap<String, Written>) {
    let kind = node.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    match kind.as_str() {
        "mention" => {
            let written = mention_id(node).and_then(|id| who.get(id));
            *node = match written {
                Some(Written::Mention(user)) => json!({"type": "mention", "attrs": {"id": user.handle()}}),
                Some(Written::Text(name)) => json!({"type": "text", "text": name}),
                Some(Written::Nothing) | None => Value::Null,
            };
            return;
        }
        // Media nodes name files of the source's own media store; the target refuses them.
        "media" | "mediaInline" => {
            *node = Value::Null;
            return;
        }
        _ => {}
    }
    if let Some(Value::Array(content)) = node.get_mut("content") {
        for child in content.iter_mut() {
            map_adf(child, who);
        }
        content.retain(|c| {
            let empty = c.get("content").and_then(Value::as_array).is_some_and(Vec::is_empty);
            let media = matches!(c.get("type").and_then(Value::as_str), Some("mediaSingle" | "mediaGroup"));
            !(c.is_null() || media && empty)
        });
    }
}

/// A comment's body with its author named in front.
pub(super) fn attributed(body: Value, author: &Written, to: Flavor) -> Value {
    headed(body, author, "wrote:", to)
}

/// A body with a line in front that says who did what.
pub(super) fn headed(body: Value, author: &Written, did: &str, to: Flavor) -> Value {
    if *author == Written::Nothing {
        return body;
    }
    match to {
        Flavor::DataCenter => {
            let name = in_wiki(Some(author), to);
            Value::String(format!("{name} {did}\n\n{}", body.as_str().unwrap_or_default()))
        }
        Flavor::Cloud => {
            let name = match author {
                Written::Mention(user) => json!({"type": "mention", "attrs": {"id": user.handle()}}),
                Written::Text(name) => json!({"type": "text", "text": name}),
                Written::Nothing => Value::Null,
            };
            let head = json!({"type": "paragraph", "content": [name, {"type": "text", "text": format!(" {did}")}]});
            let mut content = vec![head];
            content.extend(body.get("content").and_then(Value::as_array).cloned().unwrap_or_default());
            json!({"type": "doc", "version": 1, "content": content})
        }
    }
}

/// An empty body, where one is required.
pub(super) fn empty(to: Flavor) -> Value {
    match to {
        Flavor::DataCenter => json!(""),
        Flavor::Cloud => json!({"type": "doc", "version": 1, "content": []}),
    }
}

/// A keyed hash by which a thing of ours is recognised where it carries no mark: its text without markup and white space,
/// which servers change on their way in.
pub(super) fn fingerprint(keys: &Keys, parts: &[&Value]) -> Vec<u8> {
    let mut text = String::new();
    for part in parts {
        letters(part, &mut text);
        text.push('\u{1f}');
    }
    super::content::hash(keys, "fingerprint", &Value::String(text)).to_vec()
}

/// The letters and digits of a body, by which two copies are known as the same.
pub(super) fn text_of(body: &Value) -> String {
    let mut out = String::new();
    letters(body, &mut out);
    out
}

fn letters(value: &Value, out: &mut String) {
    match value {
        Value::String(s) => out.extend(s.chars().filter(|c| c.is_alphanumeric())),
        Value::Object(object) => {
            if let Some(id) = mention_id(value) {
                out.extend(id.chars().filter(|c| c.is_alphanumeric()));
                return;
            }
            if let Some(text) = object.get("text") {
                letters(text, out);
            }
            if let Some(Value::Array(content)) = object.get("content") {
                content.iter().for_each(|c| letters(c, out));
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mentions_are_found_in_markup_and_in_nodes_alone() {
        let wiki = json!("hi [~ada] and [~accountid:5b:1], not [~broken\n] nor [~x|y]");
        assert_eq!(mentions(&wiki).into_iter().collect::<Vec<_>>(), ["5b:1", "ada"]);
        let adf = json!({"type": "doc", "content": [{"type": "paragraph", "content": [
            {"type": "mention", "attrs": {"id": "m1", "text": "@M"}}, {"type": "text", "text": "[~not]"}]}]});
        assert_eq!(mentions(&adf).into_iter().collect::<Vec<_>>(), ["m1"]);
    }

    #[test]
    fn unmapped_people_become_text_or_nothing() {
        let who = HashMap::from([
            ("ada".to_owned(), Written::Text("Ada *L*".to_owned())),
            ("bob".to_owned(), Written::Nothing),
        ]);
        let got = carried(&json!("by [~ada] [~bob]!"), Flavor::DataCenter, &who);
        assert_eq!(got, json!("by Ada \\*L\\* !"));
        let adf = json!({"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [
            {"type": "mention", "attrs": {"id": "ada"}}, {"type": "mention", "attrs": {"id": "bob"}}]},
            {"type": "mediaSingle", "content": [{"type": "media", "attrs": {"id": "x"}}]}]});
        let got = carried(&adf, Flavor::Cloud, &who);
        assert_eq!(got["content"], json!([{"type": "paragraph", "content": [{"type": "text", "text": "Ada *L*"}]}]));
    }

    #[test]
    fn a_fingerprint_survives_what_servers_do_to_white_space() {
        let dir = tempfile::tempdir().unwrap();
        let keys = Keys::create(dir.path()).unwrap();
        let of = |s: &str| fingerprint(&keys, &[&json!(s)]);
        assert_eq!(of("a b\n\nc"), of("a b\r\n c "));
        assert_ne!(of("ab"), of("ac"));
    }
}

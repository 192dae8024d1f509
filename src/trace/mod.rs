//! The index of where a person's data went: which parts of which issues hold a candidate for an identifier.
//!
//! Owns what a candidate is and what is hashed of it; pure. The store keeps keyed hashes alone, under a key of their own, so that
//! nobody is named, and the question is answered without reading a message. An index, no proof: it knows user fields, mentions,
//! e-mail addresses, phone numbers, words that look like an id or a user name, and runs of capitalised words; not what stands in
//! files, and not a name in small letters. A scan reads all. Knows no Jira, no case, no staging.

mod text;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::{
    keys::{Keys, Purpose},
    model::{IdentifierKind, InstanceName, Subject},
    norm,
    subject::variants,
    suppression::is_user,
};

/// Bytes of a hash that are kept.
pub const HASH: usize = 16;
/// Candidates of one part that are kept; of one that has more, that is remembered.
const MOST: usize = 1000;
/// Fields that are about no person, or come from the server alone.
const PASSED_OVER: [&str; 6] = ["project", "issuetype", "priority", "status", "created", "updated"];
/// Members of Jira's objects that hold addresses of icons, not words.
const NO_WORDS: [&str; 5] = ["self", "iconUrl", "avatarUrls", "avatarId", "statusCategory"];

/// A keyed hash of a candidate.
pub type Hash = [u8; HASH];

/// What is indexed of one part of an issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The field, or kind and id: `comment/ID`, `attachment/ID`, `worklog/ID` …
    pub part: String,
    /// Of its candidates.
    pub hashes: BTreeSet<Hash>,
    /// Whether these are all.
    pub whole: bool,
}

/// What kind of thing a candidate may be. A handle is an account id, a user key or a user name: a text does not say which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    Handle,
    Mail,
    Name,
    Phone,
}

impl Class {
    const fn of(kind: IdentifierKind) -> Self {
        match kind {
            IdentifierKind::AccountId | IdentifierKind::UserKey | IdentifierKind::Username => Self::Handle,
            IdentifierKind::Email => Self::Mail,
            IdentifierKind::FullName | IdentifierKind::Alias => Self::Name,
            IdentifierKind::Phone => Self::Phone,
        }
    }

    const fn as_bytes(self) -> &'static [u8] {
        match self {
            Self::Handle => b"handle",
            Self::Mail => b"mail",
            Self::Name => b"name",
            Self::Phone => b"phone",
        }
    }
}

/// The candidates of one part.
struct Candidates {
    found: BTreeSet<(Class, String)>,
    whole: bool,
}

impl Candidates {
    fn add(&mut self, class: Class, form: String) {
        if form.is_empty() {
            return;
        }
        if self.found.len() < MOST {
            self.found.insert((class, form));
        } else if !self.found.contains(&(class, form)) {
            self.whole = false;
        }
    }

    fn handle(&mut self, value: &str) {
        self.add(Class::Handle, handle(value));
    }

    fn mail(&mut self, value: &str) {
        let form = norm::key_form(IdentifierKind::Email, value);
        self.add(Class::Mail, variants::canonical(IdentifierKind::Email, form));
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::String(text) => text::find(self, text),
            Value::Array(items) => {
                let is_text = |i: &Value| i.get("type").and_then(Value::as_str) == Some("text");
                if items.iter().any(is_text) {
                    // Formatting may split a name over several nodes.
                    let whole: String = items
                        .iter()
                        .map(|i| if is_text(i) { i["text"].as_str().unwrap_or_default() } else { "\n" })
                        .collect();
                    text::find(self, &whole);
                }
                for item in items {
                    match item {
                        Value::Object(node) if is_text(item) => self.members(node, &["text"]),
                        item => self.value(item),
                    }
                }
            }
            Value::Object(object) if is_user(object) => self.user(object),
            Value::Object(object) if object.get("type").and_then(Value::as_str) == Some("mention") => {
                let attrs = object.get("attrs").unwrap_or(&Value::Null);
                self.handle(attrs.get("id").and_then(Value::as_str).unwrap_or_default());
                text::find(self, attrs.get("text").and_then(Value::as_str).unwrap_or_default());
            }
            Value::Object(object) => self.members(object, &["type"]),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn members(&mut self, object: &Map<String, Value>, but: &[&str]) {
        for (_, member) in object.iter().filter(|(n, _)| !but.contains(&n.as_str()) && !NO_WORDS.contains(&n.as_str()))
        {
            self.value(member);
        }
    }

    fn user(&mut self, user: &Map<String, Value>) {
        let text = |name: &str| user.get(name).and_then(Value::as_str).unwrap_or_default();
        for name in ["accountId", "key", "name"] {
            self.handle(text(name));
        }
        self.mail(text("emailAddress"));
        let shown = text("displayName");
        self.add(Class::Name, norm::key_form(IdentifierKind::FullName, shown));
        text::find(self, shown);
    }
}

/// Account ids are compared without regard to case here: a text does not say that it holds one.
fn handle(value: &str) -> String {
    norm::key_form(IdentifierKind::Username, value)
}

fn hash(keys: &Keys, class: Class, form: &str) -> Hash {
    let whole = keys.keyed_hash(Purpose::Trace, &[class.as_bytes(), form.as_bytes()]);
    let mut out = [0; HASH];
    out.copy_from_slice(&whole[..HASH]);
    out
}

/// What is indexed of an issue: its fields, its comments, its attachments by name and author, and others under the name given. Parts without any candidate are
/// left out.
pub fn parts<'a>(
    keys: &Keys,
    fields: &'a Map<String, Value>,
    comments: &'a [Value],
    attachments: impl Iterator<Item = &'a Value>,
    others: impl Iterator<Item = (String, &'a Value)>,
) -> Vec<Part> {
    let id = |v: &Value| match v.get("id") {
        Some(Value::String(id)) => id.clone(),
        Some(id) => id.to_string(),
        None => String::new(),
    };
    let fields = fields.iter().filter(|(name, _)| !PASSED_OVER.contains(&name.as_str()));
    let all = fields
        .map(|(name, value)| (name.clone(), value))
        .chain(comments.iter().map(|c| (format!("comment/{}", id(c)), c)))
        .chain(attachments.map(|a| (format!("attachment/{}", id(a)), a)))
        .chain(others);
    all.filter_map(|(part, value)| {
        let mut found = Candidates { found: BTreeSet::new(), whole: true };
        found.value(value);
        let hashes: BTreeSet<Hash> = found.found.iter().map(|(class, form)| hash(keys, *class, form)).collect();
        (!hashes.is_empty()).then_some(Part { part, hashes, whole: found.whole })
    })
    .collect()
}

/// What to look up for one identifier.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wanted {
    /// Its kind.
    pub kind: IdentifierKind,
    /// The instance in which it means the person; `None` where it does everywhere.
    pub instance: Option<InstanceName>,
}

/// What to look up for a person: hashes of all spellings that are sure. A user name means the person in its own instance alone.
#[must_use]
pub fn wanted(keys: &Keys, subject: &Subject) -> BTreeMap<Hash, BTreeSet<Wanted>> {
    let mut out = BTreeMap::<Hash, BTreeSet<Wanted>>::new();
    for identifier in &subject.identifiers {
        let kind = identifier.kind;
        let class = Class::of(kind);
        let forms = match class {
            Class::Handle => vec![handle(identifier.value.reveal())],
            _ => variants::key_forms(kind, identifier.value.reveal()),
        };
        let local = matches!(kind, IdentifierKind::Username | IdentifierKind::UserKey);
        let wanted = Wanted { kind, instance: identifier.instance.clone().filter(|_| local) };
        for form in forms.iter().filter(|f| !f.is_empty()) {
            out.entry(hash(keys, class, form)).or_default().insert(wanted.clone());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::{Identifier, Personal};

    fn keys() -> Keys {
        let dir = tempfile::tempdir().unwrap();
        Keys::create(dir.path()).unwrap()
    }

    fn subject(identifiers: &[(IdentifierKind, &str)]) -> Subject {
        let identifiers = identifiers.iter().map(|(kind, value)| Identifier {
            kind: *kind,
            value: Personal::new((*value).to_owned()),
            instance: None,
            confirmed: true,
        });
        Subject::new(Personal::new("zoe".parse().unwrap()), "p-1".into(), identifiers.collect())
    }

    /// The parts of an issue in which a person is found.
    fn found(keys: &Keys, who: &Subject, fields: Value, comments: &[Value], attachments: &[Value]) -> Vec<String> {
        let wanted = wanted(keys, who);
        let parts = parts(keys, fields.as_object().unwrap(), comments, attachments.iter(), std::iter::empty());
        parts.into_iter().filter(|p| p.hashes.iter().any(|h| wanted.contains_key(h))).map(|p| p.part).collect()
    }

    #[test]
    fn user_fields_mentions_and_names_are_found_where_they_stand() {
        use IdentifierKind as K;
        let keys = keys();
        let zoe = subject(&[
            (K::FullName, "Zoë van der Quandt"),
            (K::Username, "zvdq"),
            (K::AccountId, "5b10:Zoe"),
            (K::Email, "zoe.quandt@corp.example"),
            (K::Phone, "+49 170 1234567"),
        ]);
        let text = |t: &str| json!({"summary": t});
        for hit in [
            "Badge of Zoë van der Quandt is refused",
            "VAN DER QUANDT, ZOE early",
            "ask *Zoë* van der _Quandt_",
            "[~zvdq] waits",
            "[~accountid:5b10:Zoe]",
            "see 5b10:zoe.",
            "mail <mailto:zoe.quandt+jira@corp.example>, please",
            "https://x.example/?to=zoe.quandt%40corp.example",
            "call 0049 (0)170 / 123-4567",
        ] {
            assert_eq!(found(&keys, &zoe, text(hit), &[], &[]), ["summary"], "{hit}");
        }
        for miss in ["Anna Bergman", "[~zvdq2]", "zoe van der", "Zoë. Quandt is a river", "zoe@corp.example", ""] {
            assert!(found(&keys, &zoe, text(miss), &[], &[]).is_empty(), "{miss}");
        }
        let adf = json!({"type": "doc", "content": [{"type": "paragraph", "content": [
            {"type": "text", "text": "by Zoë van der "}, {"type": "text", "text": "Quandt", "marks": [{"type": "strong"}]}]}]});
        let mention =
            json!({"type": "doc", "content": [{"type": "mention", "attrs": {"id": "5b10:Zoe", "text": "@Z"}}]});
        let fields = json!({"assignee": {"accountId": "5b10:Zoe", "displayName": "x"}, "reporter": {"name": "ada", "displayName": "Ada"},
            "description": adf, "status": {"name": "Zoë van der Quandt"}});
        let comments =
            [json!({"id": "7", "body": mention}), json!({"id": 8, "author": {"name": "ZVDQ", "displayName": "?"}})];
        let files = [json!({"id": "9", "filename": "CV Zoë van der Quandt.pdf"})];
        assert_eq!(
            found(&keys, &zoe, fields, &comments, &files),
            ["assignee", "description", "comment/7", "comment/8", "attachment/9"]
        );
    }

    #[test]
    fn what_is_too_long_is_known_to_be_cut() {
        let keys = keys();
        let many: String = (0..1200).map(|i| format!("user{i}@corp.example ")).collect();
        let fields = json!({"summary": "a@corp.example", "description": many});
        let parts = parts(&keys, fields.as_object().unwrap(), &[], std::iter::empty(), std::iter::empty());
        let of: Vec<_> = parts.iter().map(|p| (p.part.as_str(), p.hashes.len() <= MOST, p.whole)).collect();
        assert_eq!(of, [("summary", true, true), ("description", true, false)]);
    }

    #[test]
    fn hashes_are_keyed_and_say_what_they_are_of() {
        let (a, b) = (keys(), keys());
        assert_ne!(hash(&a, Class::Name, "x"), hash(&b, Class::Name, "x"));
        assert_ne!(hash(&a, Class::Name, "x"), hash(&a, Class::Handle, "x"));
        let mut who = subject(&[(IdentifierKind::Username, "ada"), (IdentifierKind::Email, "a@b.example")]);
        who.identifiers[0].instance = Some("hq".parse().unwrap());
        who.identifiers[1].instance = Some("hq".parse().unwrap());
        let all: BTreeSet<Wanted> = wanted(&a, &who).into_values().flatten().collect();
        let instances: Vec<_> = all.iter().map(|w| (w.kind, w.instance.is_some())).collect();
        assert_eq!(instances, [(IdentifierKind::Username, true), (IdentifierKind::Email, false)]);
    }
}

use serde_json::json;
use sha2::Digest;

use super::*;
use crate::{
    erasure::plan::{Operation, Step},
    model::{Area, RecordRef},
    policy::Policy,
};

fn class(then: &str, area: &str, fields: &str) -> Class {
    let record = if area == "target" { ", record = [\"issue\", \"comment\"]" } else { "" };
    let text = format!(
        "[policy]\nname = \"p\"\n[[class]]\nid = \"c\"\nmatch = {{ area = \"{area}\"{record}, field = {fields} }}\nstart = \"created\"\n\
         period = \"1 year\"\nthen = \"{then}\"\nbasis = \"b\"\n"
    );
    match Policy::parse(&text, "p") {
        Ok(policy) => policy.classes()[0].clone(),
        Err(found) => panic!("{found:#?}"),
    }
}

fn me() -> User {
    User::from_json(&json!({ "name": "bot", "key": "JIRAUSER1" }))
}

/// Where a class cuts, with what is put there.
fn said(class: &Class, kind: RecordType, name: &str, now: &Current) -> Result<Vec<String>, &'static str> {
    let me = me();
    let alias = |text: &str| format!("<{text}>");
    let means = Means { placeholder: "[erased]", alias: &alias, me: Some(&me) };
    let edits = edits(class, kind, name, now, &means)?;
    Ok(edits.into_iter().map(|e| format!("{}{}", e.locator, e.with.unwrap_or_default())).collect())
}

#[test]
fn fields_of_an_issue() {
    let issue = Current::Json(json!({ "key": "P-1", "fields": {
        "summary": "Badge of Zoë", "description": { "type": "doc", "content": [{ "type": "text", "text": "x" }] },
        "environment": "", "labels": ["zoe", "y"], "reporter": { "name": "zoe", "key": "JIRAUSER2" },
        "assignee": { "name": "bot", "key": "JIRAUSER1" }, "duedate": null, "customfield_1": 7, "customfield_2": [],
        "status": { "name": "Done" }, "creator": { "name": "zoe" },
    } }));
    let all = "[\"*\"]";
    let cuts = |then, fields| said(&class(then, "target", fields), RecordType::Issue, "", &issue).unwrap();
    let mut found = cuts("redact", all);
    found.sort();
    assert_eq!(
        found,
        [
            "/fields/customfield_1",
            "/fields/description",
            "/fields/labels/0",
            "/fields/labels/1",
            "/fields/reporter",
            "/fields/summary"
        ],
        "what Jira sets itself, what is empty and our own account are left"
    );
    assert_eq!(
        cuts("clear", "[\"description\", \"labels\", \"assignee\", \"nothing\"]"),
        ["/fields/description", "/fields/labels/0", "/fields/labels/1"]
    );
    let done = Current::Json(json!({ "fields": {
        "summary": "[erased]", "description": { "type": "doc", "content": [{ "type": "paragraph", "content": [
            { "type": "text", "text": "[era" }, { "type": "text", "text": "sed]" }] }] },
    } }));
    assert_eq!(said(&class("redact", "target", all), RecordType::Issue, "", &done), Ok(vec![]), "done before");
    let comment = Current::Json(json!({ "id": "1", "body": "of Zoë", "author": { "name": "zoe" } }));
    assert_eq!(said(&class("redact", "target", all), RecordType::Comment, "", &comment), Ok(vec!["/body".into()]));
    assert_eq!(said(&class("redact", "target", "\"summary\""), RecordType::Comment, "", &comment), Ok(vec![]));
}

#[test]
fn members_of_a_file() {
    let text = r#"{ "user": { "name": "Zoë", "mail": ["z@corp.example", null, 5] }, "n": [{ "name": "person-00ff00ff00ff00ff" }, { "name": "" }], "a/b": { "name": 1 } }"#;
    let of = |then, fields, name, text: &str| {
        said(&class(then, "foreign", fields), RecordType::File, name, &Current::Bytes(text.into()))
    };
    assert_eq!(
        of("pseudonymise", "[\"name\", \"mail\"]", "a.json", text).unwrap(),
        ["/user/name<Zoë>", "/user/mail/0<z@corp.example>", "/user/mail/2", "/a~1b/name"],
        "an alias is left, every other text has one"
    );
    assert_eq!(of("clear", "\"mail\"", "a.json", text).unwrap(), ["/user/mail"]);
    assert_eq!(of("redact", "\"user\"", "a.json", text).unwrap(), ["/user"]);
    let lines = "{\"name\": \"Zoë\"}\n\n{\"name\": null}\n{\"x\": {\"name\": \"Anna\"}}\n";
    assert_eq!(of("redact", "\"name\"", "a.jsonl", lines).unwrap(), ["/0/name", "/3/x/name"]);
    for (name, wrong) in
        [("a.csv", "name\nZoë\n"), ("a.json", "{\"name\": \"Zoë\", \"name\": \"Anna\"}"), ("a.zip", "PK\u{3}\u{4}")]
    {
        assert!(of("clear", "\"name\"", name, wrong).is_err(), "{name}");
    }
}

#[test]
fn an_alias_is_the_same_for_the_same_and_is_known() {
    let a = alias(&[7; 32]);
    assert!(is_alias(&a) && a == alias(&[7; 32]) && a != alias(&[8; 32]), "{a}");
    for other in ["person-", "person-00ff00ff00ff00f", "person-00ff00ff00ff00FF", "x person-00ff00ff00ff00ff"] {
        assert!(!is_alias(other), "{other}");
    }
}

/// What a class leaves behind, of which it finds nothing left to do: otherwise each sweep would do it again, or say that it failed.
fn settled(then: &str, fields: &str, name: &str, now: &Current) -> Current {
    let (area, kind) = match now {
        Current::Json(_) => (Area::Target, RecordType::Issue),
        _ => (Area::Foreign, RecordType::File),
    };
    let class = class(then, area.as_str(), fields);
    let me = me();
    let alias = |text: &str| super::alias(&<[u8; 32]>::from(sha2::Sha256::digest(text)));
    let means = Means { placeholder: "[erased]", alias: &alias, me: Some(&me) };
    let step = Step {
        number: 1,
        place: Place::new(area, "x"),
        instance: None,
        project: None,
        record: RecordRef { record_type: kind, ..RecordRef::file(name) },
        operation: Operation::Edit,
        base: String::new(),
        means: None,
        edits: edits(&class, kind, name, now, &means).unwrap(),
        notes: Vec::new(),
    };
    let left = if step.edits.is_empty() { now.clone() } else { now.redacted(&step, "[erased]").unwrap() };
    let again = edits(&class, kind, name, &left, &means).unwrap();
    assert_eq!(again, [], "{then} {fields} of {name} is not done: {left:?}");
    left
}

fn file(text: &str) -> Current {
    Current::Bytes(text.into())
}

#[test]
fn what_is_done_is_seen_to_be_done() {
    let para = |content: Value| json!({ "type": "doc", "version": 1, "content": [{ "type": "paragraph", "content": content }] });
    let mention = json!({ "type": "mention", "attrs": { "id": "abc", "text": "@Zoë" } });
    // Lists of an issue are emptied: a label that says the placeholder would be one of the next run.
    for (field, value) in [
        ("labels", json!(["zoe", "y"])),
        ("components", json!([{ "id": "1", "name": "Zoë" }])),
        ("customfield_1", json!([{ "name": "zoe", "key": "JIRAUSER2" }, { "name": "bot", "key": "JIRAUSER1" }])),
        ("customfield_2", json!(7)),
        ("duedate", json!("2026-11-28")),
        ("customfield_3", json!("2026-11-28T10:00:00.000+0100")),
        ("description", para(json!([{ "type": "text", "text": "Zoë" }, mention]))),
    ] {
        for then in ["redact", "clear"] {
            let left = settled(then, &format!("{field:?}"), "", &Current::Json(json!({ "fields": { field: value } })));
            let Current::Json(left) = left else { panic!() };
            let text = left.to_string();
            assert!(!text.contains("zoe") && !text.contains("Zoë") && !text.contains("JIRAUSER2"), "{text}");
            assert!(!text.contains("2026-11") && (value.is_object() || !text.contains("[erased]")), "no text: {text}");
            assert!(!value.is_array() || left["fields"][field] == json!([]), "{left}");
        }
    }
    // The same in a file, where a document and a mention are as good as any other object.
    for value in [para(json!([{ "type": "text", "text": "Zoë" }])), mention.clone(), json!(["Zoë", 5, mention])] {
        for then in ["redact", "clear", "pseudonymise"] {
            let text = json!({ "body": value }).to_string();
            let Current::Bytes(left) = settled(then, "\"body\"", "a.json", &file(&text)) else { panic!() };
            assert!(!String::from_utf8_lossy(&left).contains("Zoë"));
        }
    }
    for text in ["{\"body\": 123456789012345678901234567890.1e99, \"x\": [1.0]}", "[\"body\"]"] {
        for then in ["redact", "clear", "pseudonymise"] {
            settled(then, "\"body\"", "a.json", &file(text));
        }
    }
    let bom = "\u{feff}{\"body\": \"Zoë\"}";
    let wide: Vec<u8> = bom.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for bytes in [bom.as_bytes().to_vec(), wide] {
        let Current::Bytes(left) = settled("clear", "\"body\"", "a.json", &Current::Bytes(bytes.clone())) else {
            panic!()
        };
        assert!(left[..2] == bytes[..2] && left.len() < bytes.len(), "the mark stays, the value goes");
    }
    settled("redact", "\"body\"", "a.jsonl", &file("{\"body\": \"Zoë\"}\r\n\r\n[{\"body\": [1]}]"));
}

/// A document with the placeholder as its only text may still name somebody.
#[test]
fn a_document_is_done_when_nothing_else_is_in_it() {
    let text = json!({ "type": "text", "text": "[erased]" });
    let mark = json!({ "type": "link", "attrs": { "href": "mailto:z@corp.example" } });
    let linked = json!({ "type": "text", "text": "[erased]", "marks": [mark] });
    let mention = json!({ "type": "mention", "attrs": { "id": "abc", "text": "@Zoë" } });
    let card = json!({ "type": "inlineCard", "attrs": { "url": "https://people.corp.example/zoe" } });
    let of = |content: Value| {
        let paragraph = json!({ "type": "paragraph", "attrs": { "localId": "1f" }, "content": content });
        Current::Json(json!({ "fields": { "description": { "type": "doc", "version": 1, "content": [paragraph] } } }))
    };
    let cuts = |now: &Current| said(&class("redact", "target", "\"description\""), RecordType::Issue, "", now).unwrap();
    assert_eq!(cuts(&of(json!([text]))), Vec::<String>::new());
    for rest in [json!([linked]), json!([text, mention]), json!([card, text])] {
        assert_eq!(cuts(&of(rest.clone())), ["/fields/description"], "{rest}");
    }
}

/// First aliases, the placeholder a year later: neither undoes the other.
#[test]
fn the_placeholder_gets_no_alias() {
    let now = file("{\"name\": \"[erased]\", \"x\": {\"name\": [\"[erased]\"]}}");
    assert_eq!(said(&class("pseudonymise", "foreign", "\"name\""), RecordType::File, "a.json", &now), Ok(vec![]));
}

/// Where a pointer would mean one of two, nothing is done by guess: the other would stay.
#[test]
fn two_members_of_one_name_are_for_a_person() {
    for (then, text) in [
        ("clear", r#"{"a": {"name": "Zo"}, "a": {"name": "Anna"}}"#),
        ("clear", r#"{"a": {"name": "Zo"}, "a": 1}"#),
        ("redact", r#"[{"a": [{"name": "Zo"}], "b": 1, "a": []}]"#),
        ("pseudonymise", r#"{"name": {"first": "Zo", "first": "Anna"}}"#),
        ("pseudonymise", r#"{"name": {"x": ["Zo"], "x": null}}"#),
    ] {
        let class = class(then, "foreign", "\"name\"");
        assert!(said(&class, RecordType::File, "a.json", &file(text)).is_err(), "{then} {text}");
    }
    let elsewhere = r#"{"a": 1, "a": 2, "name": "Zo"}"#;
    assert_eq!(
        said(&class("clear", "foreign", "\"name\""), RecordType::File, "a.json", &file(elsewhere)),
        Ok(vec!["/name".into()])
    );
}

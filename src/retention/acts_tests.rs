use serde_json::json;

use super::*;
use crate::policy::Policy;

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

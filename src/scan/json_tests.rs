use serde_json::json;

use super::*;
use crate::{
    model::{Area, Identifier, Personal, Place, RecordRef, RecordType, Subject, SubjectKey},
    scan::{walk_history_entry, walk_issue, walk_watcher},
};

pub(crate) fn subject(identifiers: &[(IdentifierKind, &str)]) -> Subject {
    Subject::new(
        Personal::new("s-1".parse::<SubjectKey>().unwrap()),
        "P1".into(),
        identifiers
            .iter()
            .map(|(kind, value)| Identifier {
                kind: *kind,
                value: Personal::new((*value).to_owned()),
                instance: None,
                confirmed: true,
            })
            .collect(),
    )
}

pub(crate) fn zoe() -> Matcher {
    Matcher::new(&[subject(&[
        (IdentifierKind::Email, "zoe.x@corp.example"),
        (IdentifierKind::FullName, "Zoë Xander"),
        (IdentifierKind::Username, "zxan"),
        (IdentifierKind::UserKey, "JIRAUSER10100"),
        (IdentifierKind::AccountId, "557058:0a1b2c3d-9f"),
    ])])
    .unwrap()
}

pub(crate) fn context() -> Context {
    Context::new(Place::new(Area::Target, "partner/PART"), RecordRef::file("x.json"))
}

/// Record type, field, locator, kind, strength of each reference.
fn brief(found: &[Reference]) -> Vec<(RecordType, &str, &str, ReferenceKind, Strength)> {
    found.iter().map(|r| (r.record.record_type, r.field.as_str(), r.locator.as_str(), r.kind, r.strength)).collect()
}

#[test]
fn user_objects_of_both_flavours() {
    use ReferenceKind as K;
    let dc = json!({"name": "zxan", "key": "JIRAUSER10100", "emailAddress": "ZOE.x@corp.example",
        "displayName": "Zoe Xander", "avatarUrls": {"48x48": "http://x/useravatar?ownerId=zxan"}});
    let found = walk_json(&json!({"a": [dc]}), &context(), &zoe());
    let kinds: Vec<_> = found.iter().map(|r| r.kind).collect();
    assert_eq!(kinds, [K::UserKey, K::Username, K::Email, K::FullName]);
    for r in &found {
        assert_eq!(r.strength, Strength::Certain);
        assert_eq!(r.cut, Cut::Node { pointer: "/a/0".into() });
        assert_eq!(r.field, "a");
    }
    let cloud = json!({"accountId": "557058:0a1b2c3d-9f", "displayName": "Z"});
    assert_eq!(walk_json(&cloud, &context(), &zoe()).len(), 1);
}

#[test]
fn who_is_named_inside_another_persons_user_object_is_found_whoever_else_is_looked_for() {
    let bo = subject(&[(IdentifierKind::Username, "bosse"), (IdentifierKind::FullName, "Bo Sand")]);
    let zoe = subject(&[(IdentifierKind::Email, "zoe.x@corp.example")]);
    let value =
        json!({"name": "bosse", "displayName": "Bo Sand", "deputy": "zoe.x@corp.example", "self": "/user?bosse"});
    let alone = walk_json(&value, &context(), &Matcher::new(std::slice::from_ref(&zoe)).unwrap());
    let both = walk_json(&value, &context(), &Matcher::new(&[zoe, bo]).unwrap());
    assert_eq!(alone.len(), 1);
    assert_eq!(both.iter().filter(|r| r.subject == 0).cloned().collect::<Vec<_>>(), alone);
    assert_eq!(both.iter().filter(|r| r.subject == 1).count(), 2, "the object as a whole, not its parts again");
}

#[test]
fn a_namesake_with_another_id_is_only_possible() {
    let other = json!({"accountId": "999:other", "displayName": "Zoë Xander"});
    let found = walk_json(&other, &context(), &zoe());
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].strength, Strength::Possible);
    // A project is no user.
    let project = json!({"key": "zxan", "name": "zxan", "avatarUrls": {}});
    assert!(walk_json(&project, &context(), &zoe()).iter().all(|r| r.strength < Strength::Certain));
}

#[test]
fn adf_values_split_over_nodes_mentions_and_links() {
    let doc = json!({"body": {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [
        {"type": "text", "text": "ask Zo"},
        {"type": "text", "text": "ë", "marks": [{"type": "strong"}]},
        {"type": "text", "text": " Xander or "},
        {"type": "mention", "attrs": {"id": "557058:0a1b2c3d-9f", "text": "@Zoe"}},
        {"type": "text", "text": "here", "marks": [{"type": "link", "attrs": {"href": "mailto:zoe.x@corp.example"}}]},
        {"type": "mention", "attrs": {"id": "999:other", "text": "@Zoë Xander"}},
        {"type": "text", "text": "zx"}, {"type": "hardBreak"}, {"type": "text", "text": "an"}
    ]}]}});
    let found = walk_json(&doc, &context(), &zoe());
    let at = |n: usize| format!("/body/content/0/content/{n}");
    assert_eq!(found.len(), 4, "{found:?}");
    assert_eq!(found[0].cut, Cut::Node { pointer: at(3) });
    assert_eq!((found[0].kind, found[0].strength), (ReferenceKind::Mention, Strength::Certain));
    let href = at(4) + "/marks/0/attrs/href";
    assert_eq!(found[1].cut, Cut::Text { pieces: vec![Piece { pointer: href, from: 7, to: 25 }] });
    assert_eq!((found[2].kind, found[2].strength), (ReferenceKind::Mention, Strength::Possible));
    let text = |n: usize, from, to| Piece { pointer: at(n) + "/text", from, to };
    assert_eq!(found[3].cut, Cut::Text { pieces: vec![text(0, 4, 6), text(1, 0, 2), text(2, 0, 7)] });
    assert_eq!(found[3].field, "body");
}

#[test]
fn names_nested_json_and_structured_strings() {
    let value = json!({
        "zxan": 1,
        "roles": {"557058:0a1b2c3d-9f": ["x"]},
        "raw": "{\"name\":\"zxan\",\"note\":\"by Zo\\u00eb Xander\"}",
        "authorAccountId": "557058:0a1b2c3d-9f",
        "assignee": "zxan",
    });
    let found = walk_json(&value, &context(), &zoe());
    let got: Vec<_> = found.iter().map(|r| (r.locator.as_str(), r.kind, r.strength)).collect();
    assert_eq!(
        got,
        [
            ("/zxan", ReferenceKind::Username, Strength::Probable),
            ("/roles/557058:0a1b2c3d-9f", ReferenceKind::AccountId, Strength::Probable),
            ("/raw", ReferenceKind::Username, Strength::Certain),
            ("/raw", ReferenceKind::FullName, Strength::Probable),
            ("/authorAccountId", ReferenceKind::AccountId, Strength::Certain),
            ("/assignee", ReferenceKind::Username, Strength::Certain),
        ]
    );
    assert_eq!(found[0].cut, Cut::Name { pointer: "/zxan".into() });
}

#[test]
fn an_issue_is_split_into_its_records() {
    use RecordType as R;
    use ReferenceKind as K;
    let zxan = json!({"name": "zxan", "displayName": "other"});
    let issue = json!({"id": "10", "key": "HQ-1", "fields": {
        "summary": "Zoë Xander's laptop",
        "creator": zxan, "assignee": null,
        "created": "2026-01-02T03:04:05.000+0000", "updated": "2026-02-02T03:04:05.000+0100",
        "labels": ["zxan", "zxan2"],
        "attachment": [{"id": "7", "filename": "Zoe_Xander.pdf", "author": zxan, "content": "http://x/Zoe_Xander.pdf",
            "created": "2026-01-03T03:04:05.000+0000"}],
        "comment": {"comments": [{"id": "5", "author": zxan, "updateAuthor": zxan, "body": "hi [~zxan]",
            "created": "2026-01-04T03:04:05.000+0000"}], "total": 1},
        "worklog": {"worklogs": [{"id": "6", "author": {"name": "bo", "displayName": "Bo"}, "comment": "*Zoe* Xander"}]}
    }, "changelog": {"histories": [{"id": "9", "author": zxan, "items": [
        {"field": "assignee", "from": "zxan", "fromString": "Zoë Xander", "to": "bo", "toString": "Zoe Xander"}]}]},
       "renderedFields": {"summary": "Zoë Xander"},
       "properties": {"app": {"user": "zxan"}}});
    let found = walk_issue(&issue, &context(), &zoe());
    assert_eq!(
        brief(&found),
        [
            (R::Issue, "summary", "/fields/summary", K::FullName, Strength::Probable),
            (R::Issue, "creator", "/fields/creator", K::Username, Strength::Certain),
            (R::Issue, "labels", "/fields/labels/0", K::Username, Strength::Probable),
            (R::Comment, "author", "/author", K::Username, Strength::Certain),
            (R::Comment, "updateAuthor", "/updateAuthor", K::Username, Strength::Certain),
            (R::Comment, "body", "/body", K::Mention, Strength::Certain),
            (R::Worklog, "comment", "/comment", K::FullName, Strength::Probable),
            (R::Attachment, "filename", "/filename", K::FullName, Strength::Probable),
            (R::Attachment, "author", "/author", K::Username, Strength::Certain),
            (R::History, "author", "/author", K::Username, Strength::Certain),
            (R::History, "from", "/items/0/from", K::Username, Strength::Certain),
            (R::History, "fromString", "/items/0/fromString", K::FullName, Strength::Certain),
            (R::History, "toString", "/items/0/toString", K::FullName, Strength::Possible),
            (R::Property, "value", "/value/user", K::Username, Strength::Certain),
        ]
    );
    assert_eq!(found[0].times.updated.unwrap().to_rfc3339(), "2026-02-02T02:04:05+00:00");
    assert_eq!(found[3].record, RecordRef::of_issue(R::Comment, "5", "HQ-1"));
    assert!(found[3].times.created.is_some());
    let name = Cut::Text { pieces: vec![Piece { pointer: "/filename".into(), from: 0, to: 10 }] };
    assert_eq!(found[7].cut, name, "a cut in the name of what takes its place");
}

#[test]
fn watchers_carry_no_id() {
    let found = walk_watcher(&json!({"name": "zxan", "displayName": "x"}), "HQ-1", &context(), &zoe());
    assert_eq!(found[0].record.id, None);
    assert_eq!(found[0].cut, Cut::Node { pointer: String::new() });
}

#[test]
fn history_of_a_text_keeps_its_position() {
    let entry =
        json!({"id": "1", "items": [{"field": "description", "fromString": "a zoe.x@corp.example", "from": null}]});
    let found = walk_history_entry(&entry, "HQ-1", &context(), &zoe());
    let piece = Piece { pointer: "/items/0/fromString".into(), from: 2, to: 20 };
    assert_eq!(found[0].cut, Cut::Text { pieces: vec![piece] });
}

#[test]
fn a_history_inside_other_json_is_read_as_one() {
    let history = |id: &str| {
        json!({"changelog": {"histories": [{"id": "1", "items": [
        {"field": "assignee", "from": id, "fromString": "Zoë Xander", "to": null, "toString": null}]}]}})
    };
    let strengths = |id| walk_json(&history(id), &context(), &zoe()).iter().map(|r| r.strength).collect::<Vec<_>>();
    assert_eq!(strengths("JIRAUSER10100"), [Strength::Certain, Strength::Certain]);
    assert_eq!(strengths("JIRAUSER77777"), [Strength::Possible]);
    let description = json!({"field": "description", "from": null, "fromString": "by Zoë Xander", "toString": ""});
    let found = walk_json(&description, &context(), &zoe());
    assert_eq!(brief(&found)[0].2, "/fromString");
    assert_eq!(found[0].strength, Strength::Probable);
}

#[test]
fn labels_join_the_words_of_a_name() {
    let strength = |value| walk_json(&value, &context(), &zoe()).iter().map(|r| r.strength).collect::<Vec<_>>();
    let joined = "Zoe_Xander";
    assert_eq!(strength(json!({"labels": ["shared", joined]})), [Strength::Probable]);
    assert_eq!(strength(json!({"customfield_10010": ["shared", joined]})), [Strength::Probable]);
    assert_eq!(strength(json!({"field": "labels", "from": null, "fromString": joined})), [Strength::Probable]);
    // A text may hold a snippet of code; it spells the whole name all the same.
    assert_eq!(strength(json!({"customfield_10010": ["some text", joined]})), [Strength::Probable]);
    assert_eq!(strength(json!({"field": "summary", "from": null, "fromString": joined})), [Strength::Probable]);
    assert_eq!(strength(json!({"customfield_10010": ["some text", "zoeXander2"]})), []);
}

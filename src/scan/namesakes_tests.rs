use serde_json::{Value, json};

use super::*;
use crate::{
    model::{Area, Namesake, Personal, Place, RecordRef},
    scan::{Context, scan_bytes, walk_comment, walk_history_entry, walk_issue, walk_json},
    subject::Matcher,
};

fn identifier(kind: IdentifierKind, value: &str) -> Identifier {
    Identifier { kind, value: Personal::new(value.into()), instance: None, confirmed: true }
}

/// Anna Schmitt (aschmitt), of whom there is another one (aschmitt2, anna).
fn annas() -> (Matcher, Namesakes) {
    use IdentifierKind as K;
    let ids = vec![
        identifier(K::FullName, "Anna Schmitt"),
        identifier(K::Username, "aschmitt"),
        identifier(K::Email, "a.schmitt@hq.example"),
        identifier(K::AccountId, "557058:0a1b2c3d-9f"),
    ];
    let mut anna = Subject::new(Personal::new("REQ-1".parse().unwrap()), "p-1".into(), ids);
    anna.add_namesake(Namesake {
        identifiers: vec![
            identifier(K::Username, "aschmitt2"),
            identifier(K::Username, "anna"),
            identifier(K::AccountId, "557058:ffffffff-00"),
            identifier(K::FullName, "Anna Schmitt"),
        ],
    });
    let (all, namesakes) = Namesakes::shadowed(&[anna]);
    (Matcher::new(&all).unwrap(), namesakes)
}

fn context() -> Context {
    Context::new(Place::new(Area::Foreign, "x"), RecordRef::file("x"))
}

/// Locator and strength of the references to the name.
fn names(references: Vec<Reference>) -> Vec<(String, Strength)> {
    let (_, namesakes) = annas();
    let settled = namesakes.settle(references);
    assert!(settled.iter().all(|r| r.subject == 0), "no shadow leaves the step");
    settled.into_iter().filter(|r| r.identifier == 0).map(|r| (r.locator, r.strength)).collect()
}

fn file(name: &str, text: &str) -> Vec<(String, Strength)> {
    names(scan_bytes(name, text.as_bytes(), &context(), &annas().0).0)
}

fn comment(author: &str, body: &str) -> Vec<(String, Strength)> {
    let comment = json!({"id": "1", "author": {"name": author, "displayName": "Somebody"}, "body": body});
    names(walk_comment(&comment, "HQ-1", &context(), &annas().0))
}

#[test]
fn a_bare_name_is_only_possible_without_an_identifier_nearby() {
    let at = |strength| vec![("/body".to_owned(), strength)];
    assert_eq!(comment("bo", "ask Anna Schmitt"), at(Strength::Possible));
    assert_eq!(comment("bo", "ask Anna Schmitt, a.schmitt@hq.example"), at(Strength::Probable), "the same field");
    assert_eq!(comment("aschmitt", "I am Anna Schmitt"), at(Strength::Probable), "the same record");
    assert_eq!(comment("aschmitt2", "ask Anna Schmitt"), at(Strength::Possible), "the other one's record");
    assert_eq!(comment("aschmitt2", "Anna Schmitt [~aschmitt]"), at(Strength::Probable), "the nearer one counts");
    assert_eq!(comment("aschmitt", "Anna Schmitt [~aschmitt2]"), at(Strength::Possible), "the nearer one counts");
    assert_eq!(comment("bo", "Anna Schmitt [~aschmitt] [~aschmitt2]"), at(Strength::Possible), "a person decides");
}

#[test]
fn without_a_namesake_nothing_changes() {
    let anna = Subject::new(
        Personal::new("REQ-1".parse().unwrap()),
        "p-1".into(),
        vec![identifier(IdentifierKind::FullName, "Anna Schmitt")],
    );
    let (all, namesakes) = Namesakes::shadowed(std::slice::from_ref(&anna));
    assert_eq!(all, [anna]);
    let found = scan_bytes("x.txt", b"Anna Schmitt", &context(), &Matcher::new(&all).unwrap()).0;
    assert_eq!(found[0].strength, Strength::Probable);
    assert_eq!(namesakes.settle(found.clone()), found);
}

#[test]
fn what_carries_the_other_persons_id_is_no_reference() {
    let (matcher, _) = annas();
    let user = |name: &str| json!({"name": name, "displayName": "Anna Schmitt", "active": true});
    let issue = json!({"id": "1", "key": "HQ-1", "fields": {
        "assignee": user("aschmitt2"), "reporter": user("aschmitt"), "creator": user("aschmitt3"),
        "customfield_1": [user("aschmitt"), user("aschmitt2")] }});
    let found = names(walk_issue(&issue, &context(), &matcher));
    let at = |pointer: &str, strength| (pointer.to_owned(), strength);
    assert_eq!(
        found,
        [
            at("/fields/reporter", Strength::Certain),
            at("/fields/creator", Strength::Possible),
            at("/fields/customfield_1/0", Strength::Certain),
        ]
    );
    let mention = |id: &str| json!({"type": "mention", "attrs": {"id": id, "text": "@Anna Schmitt"}});
    let doc = json!({"body": {"type": "doc", "content": [{"type": "paragraph", "content": [
        mention("557058:ffffffff-00"), mention("557058:unknown")]}]}});
    assert_eq!(
        names(walk_json(&doc, &context(), &matcher)),
        [at("/body/content/0/content/1", Strength::Possible)],
        "an account that nobody told us of may be either's"
    );
    let entry = json!({"id": "1", "items": [
        {"field": "assignee", "from": "aschmitt2", "fromString": "Anna Schmitt", "to": "aschmitt", "toString": "Anna Schmitt"}]});
    let found = names(walk_history_entry(&entry, "HQ-1", &context(), &matcher));
    assert_eq!(found, [at("/items/0/toString", Strength::Certain)]);
}

#[test]
fn a_user_name_inside_the_name_is_no_sign_of_the_other_person() {
    assert_eq!(file("x.txt", "Anna Schmitt <a.schmitt@hq.example>"), [("line 1".to_owned(), Strength::Probable)]);
    assert_eq!(file("x.txt", "anna: Anna Schmitt <a.schmitt@hq.example>"), [("line 1".to_owned(), Strength::Possible)]);
}

#[test]
fn in_files_near_is_the_line_or_the_item_of_the_list() {
    let lines = "Anna Schmitt;a.schmitt@hq.example\nAnna Schmitt;x@partner.example\n";
    assert_eq!(
        file("users.csv", lines),
        [("line 1".to_owned(), Strength::Probable), ("line 2".to_owned(), Strength::Possible)]
    );
    let found = |value: &Value| file("x.json", &value.to_string()).into_iter().map(|f| f.1).collect::<Vec<_>>();
    use Strength::{Possible, Probable};
    let list = json!({"page": 1, "users": [
        {"who": "Anna Schmitt", "mail": "a.schmitt@hq.example"}, {"who": "Anna Schmitt", "mail": "x@partner.example"}]});
    assert_eq!(found(&list), [Probable, Possible]);
    assert_eq!(found(&json!({"title": "About Anna Schmitt", "who": [{"mail": "a.schmitt@hq.example"}]})), [Probable]);
    assert_eq!(found(&json!({"mail": "a.schmitt@hq.example", "said": ["to Anna Schmitt"]})), [Probable]);
    // A page of anything is called "content" as well as a document's paragraphs are.
    let page = json!({"content": [{"mail": "a.schmitt@hq.example"}, {"who": "Anna Schmitt"}]});
    assert_eq!(found(&page), [Possible]);
    let doc = json!({"a": [{"body": {"type": "doc", "content": [
        {"type": "paragraph", "content": [{"type": "text", "text": "Anna Schmitt"}]},
        {"type": "paragraph", "content": [{"type": "text", "text": "a.schmitt@hq.example"}]}]}}]});
    assert_eq!(found(&doc), [Probable]);
}

#[test]
fn the_content_of_an_attachment_is_a_file_and_its_name_is_near_all() {
    let record = RecordRef::of_issue(RecordType::Attachment, "7", "HQ-1");
    let (matcher, _) = annas();
    let ctx = Context { record: record.clone(), ..context() };
    let mut found = scan_bytes("a.txt", b"Anna Schmitt\n", &ctx, &matcher).0;
    found.iter_mut().for_each(|r| r.field = "content".into());
    let meta = json!({"id": "7", "filename": "Anna Schmitt.txt", "author": {"name": "aschmitt", "displayName": "x"}});
    found.extend(crate::scan::walk_attachment_meta(&meta, "HQ-1", &ctx, &matcher));
    assert_eq!(names(found), [("line 1".to_owned(), Strength::Possible), ("/filename".to_owned(), Strength::Probable)]);
    let picture =
        scan_bytes("x.bin", b"\x89PNG\r\n\x1a\n\0\0\xff\xfeAnna Schmitt\0a.schmitt@hq.example", &context(), &matcher).0;
    assert!(picture.iter().any(|r| r.locator == "strings"));
    assert!(names(picture).iter().all(|(_, s)| *s == Strength::Possible), "binary content has no lines");
}

#[test]
fn a_staged_message_is_read_as_its_issue_and_its_comments() {
    let message = json!({"fields": {"summary": "Anna Schmitt", "assignee": {"name": "aschmitt", "displayName": "x"}},
        "comments": [{"body": "Anna Schmitt"}, {"body": "Anna Schmitt", "author": {"name": "aschmitt", "displayName": "x"}}]});
    let record = RecordRef { record_type: RecordType::Message, id: None, key: Some("HQ-1".into()), path: None };
    let ctx = Context { record, ..context() };
    let found = scan_bytes("message.json", message.to_string().as_bytes(), &ctx, &annas().0).0;
    let at = |pointer: &str, strength| (pointer.to_owned(), strength);
    assert_eq!(
        names(found),
        [
            at("/fields/summary", Strength::Probable),
            at("/comments/0/body", Strength::Possible),
            at("/comments/1/body", Strength::Probable),
        ]
    );
}

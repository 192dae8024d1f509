use serde_json::json;

use super::*;
use crate::{
    model::{CaseKind, CaseRecord, Identifier, Personal},
    store::{CaseState, Opened, Removed},
};

const CASE: &str = "C-01ARZ3NDEKTSV4RRFFQ69G5FAV";
const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

const fn by(actor: &str) -> Act<'_> {
    Act { actor, at: NOW }
}

fn guard(identifiers: &[(IdentifierKind, &str, Option<&str>)]) -> (tempfile::TempDir, Store, Guard) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let subject = Subject::new(
        Personal::new("zoe".parse().unwrap()),
        "p-1".into(),
        identifiers
            .iter()
            .map(|(kind, value, instance)| Identifier {
                kind: *kind,
                value: Personal::new((*value).to_owned()),
                instance: instance.map(|i| i.parse().unwrap()),
                confirmed: true,
            })
            .collect(),
    );
    let case = CASE.parse().unwrap();
    assert_eq!(Suppression::add(&store, &by("dpo"), &case, &subject, None).unwrap(), identifiers.len());
    assert_eq!(Suppression::add(&store, &by("dpo"), &case, &subject, None).unwrap(), 0, "a second time adds nothing");
    let guard = Guard::load(&store, &"hq".parse().unwrap(), NOW).unwrap();
    (dir, store, guard)
}

fn zoe() -> (tempfile::TempDir, Store, Guard) {
    guard(&[
        (IdentifierKind::Email, "zoe.quill@corp.example", None),
        (IdentifierKind::FullName, "Zoë Quill", None),
        (IdentifierKind::Username, "zquill", Some("hq")),
        (IdentifierKind::UserKey, "JIRAUSER10100", Some("hq")),
        (IdentifierKind::AccountId, "557058:aaaa-bbbb", Some("partner")),
        (IdentifierKind::Phone, "+49 170 1234567", None),
    ])
}

#[test]
fn identifiers_in_text_are_cut_and_only_they() {
    let (_d, _s, g) = zoe();
    for (text, want) in [
        ("mail zoe.quill@corp.example!", "mail [erased]!"),
        ("mail <Zoe.Quill+jira@CORP.example>.", "mail <[erased]>."),
        ("cc:zoe.quill@corp.example.", "cc:[erased]."),
        ("mailto:zoe.quill@corp.example?x", "mailto:[erased]?x"),
        ("'zoe.quill@corp.example'", "'[erased]'"),
        ("z\u{ad}oe.quill@corp.example", "[erased]"),
        ("xzoe.quill@corp.example", "xzoe.quill@corp.example"),
        ("ask zquill, ZQUILL or zquill.", "ask [erased], [erased] or [erased]."),
        ("zquill: done", "[erased]: done"),
        ("CORP\\zquill", "CORP\\[erased]"),
        ("zquillfeather and azquill", "zquillfeather and azquill"),
        ("hi [~zquill], [~ada] [~accountid:557058:aaaa-bbbb]", "hi [erased], [~ada] [erased]"),
        ("key JIRAUSER10100", "key [erased]"),
        ("id 557058:aaaa-bbbb.", "id [erased]."),
        ("see https://x.example/?to=zoe.quill%40corp.example&a=b", "see https://x.example/?to=[erased]&a=b"),
        ("<b>zoe.quill</b>@corp.example", "<b>[erased]</b>"),
        ("call 0049 (0)170 / 123 45 67 now", "call [erased] now"),
        ("nothing here", "nothing here"),
    ] {
        let v = g.check_text(text, NameMode::Park);
        assert_eq!((v.value.as_str(), v.names), (want, 0), "{text}");
        assert_eq!(v.cuts > 0, text != want);
    }
}

#[test]
fn a_bare_name_parks_or_is_cut() {
    let (_d, _s, g) = zoe();
    for text in [
        "ask Zoe Quill.",
        "ask QUILL, Zoë.",
        "ask Zoe\u{a0}\nQuill",
        "ask *Zoe* _Quill_",
        "ask {*}Zo{*}e {color:red}Quill{color}",
        "ask Zo\u{200b}e Quill",
        "see zoe.quill@other.example",
        "see zoe.quill@corp.example.org",
    ] {
        let parked = g.check_text(text, NameMode::Park);
        assert_eq!((parked.value.as_str(), parked.cuts, parked.names), (text, 0, 1), "{text}");
        assert!(parked.parks());
        let cut = g.check_text(text, NameMode::Cut);
        assert_eq!((cut.names, cut.cuts), (0, 1), "{text}");
        assert!(g.check_text(&cut.value, NameMode::Cut).is_clean(), "{text} → {}", cut.value);
    }
    for text in ["Zoe said. Then a quill", "Zoe", "quill", "Zoelle Quill"] {
        assert!(g.check_text(text, NameMode::Park).is_clean(), "{text}");
    }
}

#[test]
fn user_objects_are_cut_wherever_they_are() {
    let (_d, _s, g) = zoe();
    let user = json!({"name": "zquill", "key": "JIRAUSER10100", "displayName": "Zoë Quill", "active": true});
    let other = json!({"name": "ada", "key": "ada", "displayName": "Zoë Quill", "active": true});
    let v = g.check_json(
        &json!({"fields": {"assignee": user, "reporter": other, "customfield_1": [user, other],
            "creator": {"accountId": "557058:aaaa-bbbb"}, "x": {"emailAddress": "ZOE.quill@corp.example"},
            "project": {"key": "zquill2", "name": "HQ"}}}),
        NameMode::Park,
    );
    let f = &v.value["fields"];
    assert!(f["assignee"].is_null() && f["creator"].is_null() && f["x"].is_null());
    assert_eq!(f["reporter"], other, "a namesake's account is left alone");
    assert_eq!(f["customfield_1"], json!([other]));
    assert_eq!((v.cuts, v.names), (4, 0));
}

#[test]
fn adf_is_read_as_a_reader_sees_it() {
    let (_d, _s, g) = zoe();
    let doc = json!({"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [
        {"type": "text", "text": "Ask Zo"}, {"type": "text", "text": "ë", "marks": [{"type": "strong"}]},
        {"type": "text", "text": " Quill"}, {"type": "text", "text": " (zoe.quill"},
        {"type": "text", "text": "@corp.example)", "marks": [{"type": "link", "attrs": {"href": "mailto:zoe.quill@corp.example"}}]},
        {"type": "mention", "attrs": {"id": "557058:aaaa-bbbb", "text": "@Zoë Quill"}},
        {"type": "mention", "attrs": {"id": "other", "text": "@Ada"}}
    ]}]});
    let v = g.check_json(&doc, NameMode::Cut);
    let nodes = v.value["content"][0]["content"].as_array().unwrap();
    let shown: String =
        nodes.iter().map(|n| n["text"].as_str().or_else(|| n["attrs"]["text"].as_str()).unwrap()).collect();
    assert_eq!(shown, "Ask [erased] ([erased])[erased]@Ada");
    assert!(nodes.iter().all(|n| n["text"] != ""), "no empty text node");
    let all = v.value.to_string().to_lowercase();
    assert!(!all.contains("zoe") && !all.contains("quill") && !all.contains("aaaa"), "{all}");
    let parked = g.check_json(&doc, NameMode::Park);
    assert_eq!((parked.names, parked.cuts), (1, 3));
}

#[test]
fn a_user_name_holds_in_its_instance_and_a_common_word_counts_as_a_name() {
    let (_d, store, g) = guard(&[
        (IdentifierKind::Username, "zoe", Some("hq")),
        (IdentifierKind::FullName, "Zoe Quill", None),
        (IdentifierKind::AccountId, "5b10", Some("partner")),
    ]);
    assert_eq!(g.check_text("zoe did it", NameMode::Park).names, 1);
    assert_eq!(g.check_text("[~zoe] did it", NameMode::Park).value, "[erased] did it");
    let elsewhere = Guard::load(&store, &"other".parse().unwrap(), NOW).unwrap();
    assert!(elsewhere.check_text("zoe did it", NameMode::Park).is_clean());
    assert!(elsewhere.identifier(IdentifierKind::AccountId, "5b10"), "account ids are one namespace");
    let rows = Suppression::list(&store).unwrap();
    assert_eq!(rows.len(), 3);
    assert!(rows.iter().all(|r| r.norm == norm::VERSION));
}

fn events(store: &Store) -> Vec<String> {
    store.audit_events().unwrap().into_iter().map(|e| e.kind).filter(|k| k.starts_with("suppression")).collect()
}

#[test]
fn it_takes_two_to_take_entries_off() {
    let (_d, store, _) = zoe();
    let case: CaseId = CASE.parse().unwrap();
    let empty = |store: &Store| Guard::load(store, &"hq".parse().unwrap(), NOW).unwrap().is_empty();
    assert_eq!(store.suppression_approve_removal(&by("dpo"), &case).unwrap(), Removed::NotAsked);
    let asked = store.suppression_ask_removal(&by("admin"), &case, "back in the company").unwrap().unwrap();
    assert_eq!(asked.entries, store.suppression_list().unwrap().len() as u64);
    assert!(!empty(&store), "a request alone does nothing");
    assert_eq!(store.suppression_approve_removal(&by("admin"), &case).unwrap(), Removed::SamePerson);
    assert!(store.suppression_withdraw_removal(&by("admin"), &case).unwrap());
    assert_eq!(store.suppression_approve_removal(&by("dpo"), &case).unwrap(), Removed::NotAsked);
    // What was added since is not what was asked about.
    store.suppression_ask_removal(&by("admin"), &case, "again").unwrap();
    let later = SuppressionRow { hash: [7; 32], ..store.suppression_list().unwrap()[0].clone() };
    store.suppression_add(&by("admin"), &case, &[later]).unwrap();
    assert_eq!(store.suppression_approve_removal(&by("dpo"), &case).unwrap(), Removed::Changed);
    assert!(!empty(&store));
    store.suppression_ask_removal(&by("admin"), &case, "with the new one").unwrap();
    assert_eq!(store.suppression_removals().unwrap().len(), 1);
    let Removed::Done(n) = store.suppression_approve_removal(&by("dpo"), &case).unwrap() else { panic!() };
    assert!(n > 6 && empty(&store) && store.suppression_removals().unwrap().is_empty());
    assert_eq!(store.suppression_ask_removal(&by("admin"), &case, "none left").unwrap().unwrap().entries, 0);
    let told = ["added", "removal-requested", "removal-withdrawn", "removal-requested", "added", "removal-requested"];
    let mut told: Vec<String> = told.map(|k| format!("suppression.{k}")).to_vec();
    told.push("suppression.removed".into());
    assert_eq!(events(&store), told);
}

#[test]
fn what_has_ended_suppresses_no_more_and_goes_only_when_asked() {
    let (_d, store, _) = guard(&[(IdentifierKind::Email, "ada@corp.example", None)]);
    let hq: InstanceName = "hq".parse().unwrap();
    let day = |s: &str| s.parse::<DateTime<Utc>>().unwrap();
    let subject = Subject::new(
        Personal::new("zoe".parse().unwrap()),
        "p-2".into(),
        vec![Identifier {
            kind: IdentifierKind::Email,
            value: Personal::new("zoe.quill@corp.example".to_owned()),
            instance: None,
            confirmed: true,
        }],
    );
    let case: CaseId = "C-01ARZ3NDEKTSV4RRFFQ69G5FAW".parse().unwrap();
    let open = Act { actor: "dpo", at: day("2020-02-29T12:00:00Z") };
    let date = open.at.date_naive();
    let opened = Opened { kind: CaseKind::Erasure, received: date, due: date, record: CaseRecord::default() };
    store.open_case(&open, &case, &subject, &opened).unwrap();
    assert_eq!(Suppression::add(&store, &open, &case, &subject, Some(Period::Months(120))).unwrap(), 1);
    let listed = |at: &str| {
        Guard::load(&store, &hq, day(at)).unwrap().identifier(IdentifierKind::Email, "zoe.quill@corp.example")
    };
    let expire = |at: &str| store.suppression_expire(&Act { actor: "dpo", at: day(at) }).unwrap();
    // A second execution does not move the end, and an open case needs its entries whatever it says.
    let again = Act { actor: "dpo", at: day("2024-01-01T00:00:00Z") };
    assert_eq!(Suppression::add(&store, &again, &case, &subject, Some(Period::Months(120))).unwrap(), 0);
    assert!(listed("2031-01-01T00:00:00Z"));
    assert_eq!(expire("2031-01-01T00:00:00Z"), 0);
    assert!(store.suppression_ask_removal(&again, &case, "while it is open").unwrap().is_none());
    store.end_case(&again, &case, CaseState::Rejected, &CaseRecord::default(), serde_json::Value::Null).unwrap();
    assert!(listed("2030-02-28T11:59:59Z"));
    assert!(!listed("2030-02-28T12:00:00Z"), "ten years after 29 February is the last day of that month");
    assert_eq!(store.suppression_list().unwrap().len(), 2, "it goes only when it is asked to");
    assert_eq!(expire("2030-02-27T12:00:00Z"), 0);
    assert_eq!(expire("2030-03-01T12:00:00Z"), 1);
    assert_eq!(store.suppression_list().unwrap().len(), 1, "what has no end stays");
    assert_eq!(events(&store).last().unwrap(), "suppression.expired");
}

#[test]
fn free_text_is_told_without_anybody_on_the_list() {
    let (_d, store, _) =
        guard(&[(IdentifierKind::Username, "zquill", Some("hq")), (IdentifierKind::FullName, "Zoe Quill", None)]);
    let all = Guard::of_everybody(&store).unwrap();
    assert_eq!(all.check_text("Zoe Quill (zquill) is back", NameMode::Cut).value, "[erased] ([erased]) is back");
}

#[test]
fn files_are_read_inside() {
    use std::io::Write;
    let (_d, _s, g) = zoe();
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("a.txt", zip::write::SimpleFileOptions::default()).unwrap();
    zip.write_all(b"zoe.quill@corp.example").unwrap();
    let zipped = zip.finish().unwrap().into_inner();
    let utf16: Vec<u8> = "\u{feff}ask Zoe Quill".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (name, bytes, want) in [
        ("a.txt", &b"nothing"[..], FileVerdict::Clean),
        ("a.txt", b"Zo\xc3\xab Quill", FileVerdict::Name),
        ("a.json", br#"{"a": "Zo\u00eb Quill"}"#, FileVerdict::Name),
        ("a.csv", b"x;zquill;y", FileVerdict::Certain),
        ("a.txt", &utf16, FileVerdict::Name),
        ("a.zip", &zipped, FileVerdict::Certain),
        ("a.png", b"\x89PNG\r\n\x1a\n\0\0", FileVerdict::Unread),
        ("empty", b"", FileVerdict::Clean),
    ] {
        assert_eq!(g.check_file(name, bytes), want, "{name}");
    }
}

//! What the API takes of a step, and what it must leave alone.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::model::Piece;

/// Pointer, first byte, one past the last; a last of 0 is a whole node.
type Cutting<'p> = (&'p str, usize, usize);

fn step(record: &str, edits: &[(&str, &[Cutting<'_>])]) -> Step {
    let edits: Vec<Value> = edits
        .iter()
        .enumerate()
        .map(|(i, (decision, pieces))| {
            let pieces: Vec<Piece> =
                pieces.iter().map(|(p, from, to)| Piece { pointer: (*p).into(), from: *from, to: *to }).collect();
            let cut = match pieces.first() {
                Some(p) if p.to == 0 => json!({ "cut": "node", "pointer": p.pointer }),
                _ => json!({ "cut": "text", "pieces": pieces }),
            };
            let field = if cut.to_string().contains("/fields/summary") { "summary" } else { "description" };
            json!({ "finding": i.to_string(), "field": field, "locator": "", "cut": cut, "decision": decision, "rule": "r",
                    "kind": "email", "strength": "probable" })
        })
        .collect();
    serde_json::from_value(json!({
        "number": 1, "place": "target:t/P", "instance": "t", "project": "P", "operation": "edit", "base": "",
        "record": { "type": record, "id": "7", "key": "P-1", "path": null }, "edits": edits, "notes": [],
    }))
    .unwrap()
}

#[test]
fn texts_are_taken_and_nothing_else() {
    let at =
        |record, pointer: &str| spot(record, pointer).map(|s| (s.field.map(str::to_owned), s.adf.map(str::to_owned)));
    let some = |field: Option<&str>, adf: Option<&str>| Some((field.map(str::to_owned), adf.map(str::to_owned)));
    let text = "/content/0/content/12/text";
    assert_eq!(at(RecordType::Issue, "/fields/summary"), some(Some("summary"), None));
    assert_eq!(at(RecordType::Issue, &format!("/fields/description{text}")), some(Some("description"), Some(text)));
    assert_eq!(at(RecordType::Comment, &format!("/body{text}")), some(None, Some(text)));
    assert_eq!(at(RecordType::Worklog, &format!("/comment{text}")), some(None, Some(text)));
    for (record, pointer) in [
        (RecordType::Issue, "/fields/labels/0"),
        (RecordType::Issue, "/fields/assignee/displayName"),
        (RecordType::Issue, "/key"),
        (RecordType::Issue, "/fields/description/content/0/attrs/text"),
        (RecordType::Issue, "/fields/description/content/0/content/1/marks/0/attrs/href"),
        (RecordType::Issue, "/fields/customfield_1/text"),
        (RecordType::Comment, "/body"),
        (RecordType::Comment, "/author/displayName"),
        (RecordType::RemoteLink, "/object/title"),
        (RecordType::Property, "/value/text"),
    ] {
        assert_eq!(spot(record, pointer), None, "{pointer}");
    }
}

#[test]
fn a_text_that_an_edit_touches_too_is_left_to_the_edit() {
    let text = |n: usize| format!("/fields/description/content/0/content/{n}/text");
    let (a, b, c) = (text(0), text(1), text(2));
    let step = step(
        "issue",
        &[
            ("redact", &[(&a, 0, 2)]),
            // Two pieces: the second stands where a third edit empties the text.
            ("redact", &[(&b, 0, 2), (&c, 0, 1)]),
            ("clear", &[(&c, 3, 4)]),
            ("redact", &[("/fields/description/content/0/content/3", 0, 0)]),
            ("redact", &[("/fields/summary", 4, 9)]),
            ("redact", &[("/fields/summary", 7, 12)]),
        ],
    );
    let (taken, rest) = split(&step);
    let ids = |edits: &[Edit]| edits.iter().map(|e| e.finding.clone()).collect::<String>();
    assert_eq!((ids(&taken), ids(&rest)), ("045".into(), "231".into()));
    let got: Vec<(String, usize, usize)> =
        spans(&taken).into_iter().flat_map(|(p, l)| l.into_iter().map(move |s| (p.clone(), s.start, s.end))).collect();
    assert_eq!(got, [(a, 0, 2), ("/fields/summary".into(), 4, 12)]);
}

#[test]
fn what_stands_outside_is_compared_whatever_stands_inside() {
    let doc = |text: &str, more: Value| {
        json!({ "fields": { "summary": "Badge", "description": { "type": "doc", "content": [
            { "type": "paragraph", "content": [{ "type": "text", "text": text }, more] }] } } })
    };
    let node = json!({ "type": "text", "text": "stays" });
    let before = doc("ask Zoë or Zoë, please", node.clone());
    let pointer = "/fields/description/content/0/content/0/text";
    let step = step("issue", &[("redact", &[(pointer, 4, 8)]), ("redact", &[(pointer, 12, 16)])]);
    let spans = spans(&step.edits);
    let ok = |after: &Value| outside_is_as_it_was(&step, &before, after, &spans);
    let black = blacked(&before, &spans).unwrap();
    assert_eq!(black.pointer(pointer).unwrap(), "ask ███ or ███, please");
    assert!(ok(&black));
    for same in ["ask █ or █, please", "ask [Redacted] or [Redacted], please", "ask  or , please"] {
        assert!(ok(&doc(same, node.clone())), "{same}");
    }
    for other in ["ask █ or █ please", "tell █ or █, please", "ask █, please", "ask █ or █, please!", "█ or █, please"]
    {
        assert!(!ok(&doc(other, node.clone())), "{other}");
    }
    assert!(!ok(&doc("ask █ or █, please", json!({ "type": "text", "text": "other" }))), "another text");
    assert!(!ok(&doc("ask █ or █, please", json!({ "type": "text", "text": "stays", "marks": [] }))), "another form");
    let mut elsewhere = black.clone();
    elsewhere["fields"]["summary"] = "Another".into();
    assert!(ok(&elsewhere), "a field that the step does not edit");
    assert_eq!(blacked(&doc("ask", node), &spans), None, "a span that does not fit");
}

proptest! {
    #[test]
    fn black_bars_keep_all_else(text in "\\PC{0,20}", cuts in prop::collection::vec((0usize..20, 0usize..6), 0..4)) {
        let chars: Vec<usize> = text.char_indices().map(|(i, _)| i).chain([text.len()]).collect();
        let clip = |n: usize| chars[n.min(chars.len() - 1)];
        let pieces: Vec<(&str, usize, usize)> =
            cuts.iter().map(|(from, len)| ("/fields/summary", clip(*from), clip(from + len))).filter(|(_, a, b)| a < b).collect();
        let edits: Vec<(&str, &[Cutting<'_>])> = pieces.iter().map(|p| ("redact", std::slice::from_ref(p))).collect();
        let step = step("issue", &edits);
        let before = json!({ "fields": { "summary": text } });
        let spans = spans(&split(&step).0);
        let after = blacked(&before, &spans).unwrap();
        prop_assert!(outside_is_as_it_was(&step, &before, &after, &spans));
        let new = after["fields"]["summary"].as_str().unwrap();
        prop_assert_eq!(new.encode_utf16().count(), text.encode_utf16().count());
        for (i, c) in text.char_indices() {
            let cut = pieces.iter().any(|(_, from, to)| (*from..*to).contains(&i));
            let units = text[..i].encode_utf16().count();
            let now = new.encode_utf16().nth(units);
            let then = text.encode_utf16().nth(units);
            prop_assert!(if cut { now == Some(0x2588) } else { now == then }, "{:?} at {}", c, i);
        }
    }
}

use serde_json::json;

use super::*;

fn text(pointer: &str, from: usize, to: usize) -> (Cut, Action) {
    (Cut::Text { pieces: vec![Piece { pointer: pointer.into(), from, to }] }, Action::Redact)
}

fn node(pointer: &str, action: Action) -> (Cut, Action) {
    (Cut::Node { pointer: pointer.into() }, action)
}

fn done(mut value: Value, cuts: &[(Cut, Action)]) -> Value {
    apply(&mut value, cuts, "[x]").unwrap();
    value
}

#[test]
fn strings_user_objects_and_names() {
    let value = json!({"summary": "Zoë's é", "assignee": {"name": "zxan"}, "list": [{"name": "zxan"}, 1, "zxan"],
        "zxan": {"[x]": 1}, "labels": ["zxan", "other"]});
    let cuts = [
        text("/summary", 0, 4),
        node("/assignee", Action::Redact),
        node("/assignee", Action::Redact),
        node("/list/0", Action::Redact),
        node("/list/2", Action::Redact),
        (Cut::Name { pointer: "/zxan".into() }, Action::Redact),
        (Cut::Text { pieces: vec![Piece { pointer: "/labels/0".into(), from: 0, to: 4 }] }, Action::Remove),
    ];
    assert_eq!(
        done(value, &cuts),
        json!({"summary": "[x]'s é", "assignee": null, "list": [1, "[x]"], "[x]": {"[x]": 1}, "labels": ["other"]})
    );
}

#[test]
fn adf_stays_valid() {
    let value = json!({"type": "doc", "content": [{"type": "paragraph", "content": [
        {"type": "text", "text": "Zo"},
        {"type": "text", "text": "ë", "marks": [{"type": "strong"}]},
        {"type": "text", "text": " Xander!"},
        {"type": "mention", "attrs": {"id": "1"}},
        {"type": "text", "text": "mail", "marks": [{"type": "em"}, {"type": "link", "attrs": {"href": "mailto:z@c.example"}}]},
        {"type": "inlineCard", "attrs": {"url": "https://x/~zxan"}},
    ]}]});
    let at = |n: usize, rest: &str| format!("/content/0/content/{n}{rest}");
    let piece = |n: usize, from, to| Piece { pointer: at(n, "/text"), from, to };
    let cuts = [
        (Cut::Text { pieces: vec![piece(0, 0, 2), piece(1, 0, 2), piece(2, 0, 7)] }, Action::Redact),
        node(&at(3, ""), Action::Redact),
        text(&at(4, "/marks/1/attrs/href"), 7, 18),
        text(&at(5, "/attrs/url"), 11, 15),
    ];
    assert_eq!(
        done(value, &cuts),
        json!({"type": "doc", "content": [{"type": "paragraph", "content": [
            {"type": "text", "text": "[x]"},
            {"type": "text", "text": "!"},
            {"type": "text", "text": "[x]"},
            {"type": "text", "text": "mail", "marks": [{"type": "em"}]},
            {"type": "text", "text": "[x]"},
        ]}]})
    );
}

#[test]
fn cuts_that_do_not_fit_are_errors() {
    let mut value = json!({"a": "Zoë", "b": null, "c": "[x]"});
    let before = value.clone();
    for (cut, error) in [
        (text("/a", 0, 9), RedactError::BadSpan { cut: 0 }),
        (text("/a", 0, 3), RedactError::BadSpan { cut: 0 }),
        (text("/a", 2, 2), RedactError::BadSpan { cut: 0 }),
        (text("/z", 0, 1), RedactError::NoSuchPlace { cut: 0 }),
        (text("/b", 0, 1), RedactError::NoSuchPlace { cut: 0 }),
        (node("/z", Action::Clear), RedactError::NoSuchPlace { cut: 0 }),
        (node("/b", Action::Clear), RedactError::NothingChanged { cut: 0 }),
        (text("/c", 0, 3), RedactError::NothingChanged { cut: 0 }),
        ((Cut::Name { pointer: "/z".into() }, Action::Redact), RedactError::NoSuchPlace { cut: 0 }),
        ((Cut::Whole, Action::Redact), RedactError::Whole { cut: 0 }),
    ] {
        assert_eq!(apply(&mut value, std::slice::from_ref(&cut), "[x]"), Err(error), "{cut:?}");
        assert_eq!(value, before);
    }
    assert_eq!(apply_text("ab", &[], "x"), Err(RedactError::NothingChanged { cut: 0 }));
}

#[test]
fn a_files_other_bytes_stay() {
    let file = "{ \"a\" : \"x Zo\\u00eb\\n\",\r\n\t\"n\": 1.50, \"a2\":[ 1 , {\"name\":\"zxan\"} , 3 ] }\n";
    let cuts = [text("/a", 2, 6), node("/a2/1", Action::Remove)];
    let want = "{ \"a\" : \"x [x]\\n\",\r\n\t\"n\": 1.50, \"a2\":[ 1 , 3 ] }\n";
    let got = redact_file("f.json", file.as_bytes(), &cuts, "[x]").unwrap();
    assert_eq!(got, Redacted::Bytes(want.as_bytes().to_vec()));
}

#[test]
fn lines_text_encodings_and_gzip() {
    let file = "{\"a\":\"one zxan\"}\n{\"b\":\"zxan\"}\r\nzxan raw";
    let cuts = [text("/0/a", 4, 8), text("/1/b", 0, 4), text("/2", 0, 4)];
    let Redacted::Bytes(got) = redact_file("f.jsonl", file.as_bytes(), &cuts, "[x]").unwrap() else { panic!() };
    assert_eq!(std::str::from_utf8(&got).unwrap(), "{\"a\":\"one [x]\"}\n{\"b\":\"[x]\"}\r\n[x] raw");
    let error = redact_file("f.jsonl", file.as_bytes(), &[text("/0/a", 4, 8), text("/9/a", 0, 1)], "[x]");
    assert_eq!(error, Err(RedactError::NoSuchPlace { cut: 1 }));

    let wide = encoding("Zoë zxan").0;
    let Redacted::Bytes(got) = redact_file("f.txt", &wide, &[text("", 5, 9)], "[x]").unwrap() else { panic!() };
    assert_eq!(got, encoding("Zoë [x]").0);

    let latin = b"Zo\xeb;zxan\x80\n";
    let Redacted::Bytes(got) = redact_file("f.csv", latin, &[text("", 0, 4)], "[x]").unwrap() else { panic!() };
    assert_eq!(got, b"[x];zxan\x80\n");

    let packed = crate::extract::tests::gz(b"by zxan");
    let Redacted::Bytes(got) = redact_file("f.log.gz", &packed, &[text("", 3, 7)], "[x]").unwrap() else { panic!() };
    assert_eq!(crate::extract::gunzip(&got, 100).unwrap(), b"by [x]");

    assert!(matches!(redact_file("f.zip", b"PK\x03\x04", &[], "[x]"), Ok(Redacted::Unsupported(_))));
}

fn encoding(text: &str) -> (Vec<u8>,) {
    (std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect(),)
}

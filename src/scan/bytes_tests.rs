use base64::{Engine as _, engine::general_purpose::STANDARD};
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::{
    erasure::{
        othersearch::Needles,
        redact::{Action, Redacted, redact_file},
    },
    extract::tests::{gz, pdf, tarred, zipped},
    model::{Identifier, IdentifierKind, Personal, Strength, Subject},
    scan::context::child,
    scan::json::tests::{context, zoe},
    scan::text::find_with_care,
};

static ZOE: std::sync::LazyLock<Matcher> = std::sync::LazyLock::new(zoe);

static OTHER: std::sync::LazyLock<Needles> = std::sync::LazyLock::new(|| {
    Needles::new(&[
        (IdentifierKind::Email, "zoe.x@corp.example"),
        (IdentifierKind::FullName, "Zoë Xander"),
        (IdentifierKind::Username, "zxan"),
        (IdentifierKind::UserKey, "JIRAUSER10100"),
        (IdentifierKind::AccountId, "557058:0a1b2c3d-9f"),
    ])
});

fn scan(name: &str, bytes: &[u8]) -> (Vec<Reference>, Vec<Unread>) {
    scan_bytes(name, bytes, &context(), &ZOE)
}

/// The content after every reference is redacted.
fn redacted(name: &str, bytes: &[u8]) -> Vec<u8> {
    let (found, _) = scan(name, bytes);
    assert!(!found.is_empty(), "nothing found in {name}");
    let cuts: Vec<_> = found.into_iter().map(|r| (r.cut, Action::Redact)).collect();
    match redact_file(name, bytes, &cuts, "[erased]").unwrap() {
        Redacted::Bytes(bytes) => bytes,
        Redacted::Unsupported(why) => panic!("{why}"),
    }
}

#[test]
fn tar_and_its_headers_are_searched() {
    let tar = tarred(&[("a.txt", b"by Zo\xc3\xab Xander")], "zxan", "mail/zoe.x@corp.example");
    let (found, unread) = scan("a.tar", &tar);
    let paths: Vec<_> = found.iter().map(|r| r.record.path.clone().unwrap_or_default()).collect();
    assert_eq!(paths, ["a.tar!a.txt", "a.tar!(owners, links)", "a.tar!(owners, links)"]);
    assert_eq!(unread, []);
    let cuts = [(found[0].cut.clone(), Action::Redact)];
    assert!(matches!(redact_file("a.tar", &tar, &cuts, "[erased]"), Ok(Redacted::Unsupported("tar archive"))));
}

/// What the verification's road sees in the leaves of a file.
fn the_other_road(name: &str, bytes: &[u8]) -> usize {
    let mut hits = 0;
    extract::leaves(name, bytes, &Limits::default(), &mut |leaf| hits += OTHER.hits(leaf.bytes).len());
    hits
}

#[test]
fn documents_are_searched_as_their_reader_sees_them() {
    let word = "<?xml version=\"1.0\"?><w:document xmlns:w=\"urn:w\"><w:p><w:r><w:t>by Zo</w:t></w:r><w:ins w:author=\"zxan\"><w:r>\
        <w:rPr><w:b/></w:rPr><w:t>ë Xan</w:t></w:r></w:ins><w:r><w:t>der</w:t></w:r></w:p></w:document>";
    let docx = zipped(&[("[Content_Types].xml", b"<Types/>"), ("word/document.xml", word.as_bytes())]);
    let (found, unread) = scan("a.docx", &docx);
    let kinds: Vec<_> = found.iter().map(|r| (r.record.path.as_deref().unwrap_or(""), r.strength)).collect();
    assert_eq!(
        kinds,
        [("a.docx!word/document.xml", Strength::Probable); 2],
        "the name over three runs and the author of the change"
    );
    assert_eq!(unread, []);
    assert_eq!(the_other_road("a.docx", &docx), 2);
}

#[test]
fn words_that_a_layout_takes_apart_are_found_and_cut_out() {
    for (name, before, after) in [
        (
            "a.rtf",
            r"{\rtf1{\info{\author zxan}}by Zo\'eb {\b Xan}der\par zxan}",
            r"{\rtf1{\info{\author [erased]}}by [erased]{\b }\par [erased]}",
        ),
        (
            "a.vcf",
            "BEGIN:VCARD\r\nN:Xander;Zo\u{eb};;;\r\nNOTE:by zo\r\n e.x@corp.exam\r\n ple\r\nEND:VCARD\r\n",
            "BEGIN:VCARD\r\nN:[erased];;;;\r\nNOTE:by [erased]\r\n \r\n \r\nEND:VCARD\r\n",
        ),
    ] {
        assert_eq!(String::from_utf8_lossy(&redacted(name, before.as_bytes())), after, "{name}");
        assert_eq!(scan(name, after.as_bytes()).0, [], "{name}");
    }
}

#[test]
fn pages_notes_and_files_of_a_pdf_are_searched() {
    let bytes =
        pdf("BT /F1 9 Tf [(by Zo\u{eb}) -250 (Xan) 15 (der)] TJ ET", "zxan", "ask zoe.x@corp.example", &gz(b"zxan"));
    let (found, unread) = scan("a.pdf", &bytes);
    let mut paths: Vec<_> = found.iter().filter_map(|r| r.record.path.as_deref()).filter(|p| p.contains('!')).collect();
    paths.sort_unstable();
    let of = |part: &str| paths.iter().filter(|p| p.contains(part)).count();
    assert_eq!((of("(text)"), of("(properties, notes)"), of("!content")), (1, 2, 1), "{paths:?}");
    assert!(found.iter().all(|r| r.cut == Cut::Whole));
    assert_eq!(unread, []);
    assert!(the_other_road("a.pdf", &bytes) >= 4);
    let (_, unread) = scan("a.pdf", b"%PDF-1.7\n\xe2\xe3 nothing of the kind");
    assert!(unread.iter().any(|u| u.reason.contains("damaged")), "{unread:?}");
}

/// What lies in them, where it lies, and the limit on how many, all counted over the blocks.
#[test]
fn files_inside_blocks_are_opened() {
    let file = STANDARD.encode(gz(b"by Zo\xc3\xab Xander"));
    let other = STANDARD.encode(gz(b"nobody"));
    for (name, text) in [
        ("a.jsonl", format!("{{\"n\":1}}\n{{\"a\":\"{file}\"}}\n").repeat(3)),
        ("a.jsonl", format!("{{\"a\":\"{other}\"}}\n").repeat(1002)),
        ("a.json", format!("[{}1]", format!("{{\"n\":1}},\n{{\"a\":\"{file}\"}},\n").repeat(3))),
    ] {
        let mut buffer = text.as_bytes()[..100].to_vec();
        let limits = Limits::default();
        let blocks = blocks::Blocks::new(name, &buffer, &context(), &ZOE, &limits).unwrap();
        let found = blocks.read(&text.as_bytes()[100..], &mut buffer, 1 << 20, &mut |_| ()).unwrap().unwrap();
        assert!(buffer.len() < 1000);
        assert_eq!(found, scan(name, text.as_bytes()));
        let paths =
            found.0.iter().filter(|r| r.record.path.as_deref().is_some_and(|p| p.contains("!base64 at "))).count();
        assert_eq!((paths, found.1.len()), if text.contains(&file) { (3, 0) } else { (0, 1) });
    }
}

#[test]
fn mail_is_opened_and_nothing_is_cut_where_it_does_not_stand() {
    let inner = STANDARD.encode(zipped(&[("note.txt", b"Zo\xc3\xab Xander")]));
    let mail = format!(
        "From: =?UTF-8?Q?Zo=C3=AB?= =?UTF-8?Q?_Xander?=\nSubject: zxan\nMIME-Version: 1.0\nContent-Type: multipart/mixed; \
         boundary=b\n\n--b\nContent-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\n\
         Zo=EB Xander\n--b\nContent-Type: application/zip\nContent-Transfer-Encoding: base64\n\n{inner}\n--b--\n"
    );
    let (found, unread) = scan("a.eml", mail.as_bytes());
    let paths: Vec<_> = found.iter().map(|r| (r.record.path.as_deref(), r.cut == Cut::Whole)).collect();
    assert_eq!(
        paths,
        [
            // The subject's user name, and the text part, whose bytes spell it also without its character set.
            (context().record.path.as_deref(), false),
            (context().record.path.as_deref(), false),
            (Some("a.eml!part 1"), true),
            (Some("a.eml!part 2!note.txt"), true),
            (Some("a.eml!(headers)"), true),
        ]
    );
    assert_eq!(unread, []);
    assert!(the_other_road("a.eml", mail.as_bytes()) >= 4);
}

#[test]
fn every_plain_format_is_found_and_redacted_exactly() {
    for (name, before, after) in [
        ("a.json", r#"{"x": "by Zo\u00eb Xander.", "n": 1.0}"#, r#"{"x": "by [erased].", "n": 1.0}"#),
        ("a.jsonl", "{\"a\":1}\n{\"b\":\"zxan\"}\nraw zxan\n", "{\"a\":1}\n{\"b\":\"[erased]\"}\nraw [erased]\n"),
        (
            "a.xml",
            "<u n=\"zoe.x@corp.example\">Zo&#235;\n Xander</u><!-- zxan -->",
            "<u n=\"[erased]\">[erased]</u><!-- [erased] -->",
        ),
        ("a.csv", "id,name\n1,\"Xander, Zoe\"\n", "id,name\n1,\"[erased]\"\n"),
        ("a.log", "GET /x?u=zoe.x%40corp.example 200", "GET /x?u=[erased] 200"),
        ("dup.json", r#"{"a":"zxan","a":"other"}"#, r#"{"a":"[erased]","a":"other"}"#),
    ] {
        assert_eq!(String::from_utf8(redacted(name, before.as_bytes())).unwrap(), after, "{name}");
        let (left, _) = scan(name, after.as_bytes());
        assert_eq!(left, [], "{name}");
    }
}

#[test]
fn encodings_and_archives() {
    let utf16: Vec<u8> = "für Zoë Xander".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(scan("a.txt", &utf16).0.len(), 1);
    assert_eq!(scan("a.txt", b"f\xfcr Zo\xeb Xander").0.len(), 1);
    assert_eq!(scan("a.txt", "\u{feff}{\"a\": \"zxan\"}".as_bytes()).0.len(), 1);
    let zip = zipped(&[("in/Zoe Xander.txt", &gz(b"by zxan"))]);
    let (found, unread) = scan("o.zip", &zip);
    let got: Vec<_> = found.iter().map(|r| (r.record.path.as_deref().unwrap(), r.field.as_str(), &r.cut)).collect();
    assert_eq!(got.len(), 1, "{got:?}");
    assert_eq!(got[0].0, "o.zip!in/Zoe Xander.txt!content");
    assert_eq!(unread, []);
}

#[test]
fn binaries_give_their_plain_strings_and_a_gap() {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0".to_vec();
    bytes.extend(" zoe.x@corp.example ".encode_utf16().flat_map(u16::to_le_bytes));
    let (found, unread) = scan("a.png", &bytes);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].cut, Cut::Whole);
    assert!(unread[0].partly);
}

#[test]
fn hits_across_stretches_are_found_once() {
    for pad in [STRETCH - 30, STRETCH - 10, STRETCH - 5, STRETCH, STRETCH + 3] {
        let text = format!("{} Zoë\nXander {}", "x".repeat(pad), "y ".repeat(5000));
        let (found, _) = scan("a.log", text.as_bytes());
        assert_eq!(found.len(), 1, "{pad}");
        assert_eq!(found[0].strength, Strength::Probable);
    }
}

/// Every form in which an identifier is planted.
fn planted() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("zoe.x@corp.example".to_owned()),
        Just("ZOE.X+tag@Corp.Example".to_owned()),
        Just("zoe.x%40corp.example".to_owned()),
        Just("zoe.x&#64;corp.example".to_owned()),
        Just("Zoë Xander".to_owned()),
        Just("zoe xander".to_owned()),
        Just("Xander, Zoe\u{308}".to_owned()),
        Just("Zo\u{ad}e\u{a0}Xan\u{200b}der".to_owned()),
        Just("Zo&euml; Xander".to_owned()),
        Just("*Zoë* Xander".to_owned()),
        Just("Z<b>oë X</b>ander".to_owned()),
        Just("Zo{*}ë X{*}ander".to_owned()),
        Just("{\"n\":\"Zo\\u00eb Xander\"}".to_owned()),
        Just("[~zxan]".to_owned()),
        Just("[~accountid:557058:0a1b2c3d-9f]".to_owned()),
        Just("zxan".to_owned()),
        Just("JIRAUSER10100".to_owned()),
        Just("557058:0a1b2c3d-9f".to_owned()),
        Just("Ｚｏｅ Ｘａｎｄｅｒ".to_owned()),
        Just("Zo=C3=AB=20Xander".to_owned()),
        Just("Zoë Xan=\r\nder".to_owned()),
        Just("zoe.x=40corp.example".to_owned()),
        "[ -~é]{0,12}".prop_map(|around| STANDARD.encode(format!("{around} Zoë Xander,{around}"))),
        "[ -~é]{0,90}".prop_map(|around| {
            let encoded = STANDARD.encode(format!("{around} zoe.x@corp.example {around}"));
            encoded.as_bytes().chunks(76).map(|c| str::from_utf8(c).unwrap()).collect::<Vec<_>>().join("\r\n")
        }),
        Just(STANDARD.encode(STANDARD.encode("by Zoë Xander, and others"))),
    ]
}

/// JSON with user objects, ADF documents and members of every name, the identifiers planted.
fn any_document() -> impl Strategy<Value = Value> {
    let text = || prop_oneof![planted(), "[a-zé ]{0,12}", (planted(), "[a-z ]{0,5}").prop_map(|(a, b)| a + " " + &b)];
    let leaf = prop_oneof![
        text().prop_map(Value::from),
        any::<u16>().prop_map(Value::from),
        Just(Value::Null),
        (text(), text(), any::<bool>()).prop_map(|(name, display, id)| {
            if id {
                serde_json::json!({"accountId": "557058:0a1b2c3d-9f", "displayName": display})
            } else {
                serde_json::json!({"name": name, "displayName": display, "active": true})
            }
        }),
        prop::collection::vec(text(), 1..4).prop_map(|texts| {
            let nodes: Vec<Value> = texts.iter().map(|t| serde_json::json!({"type": "text", "text": t})).collect();
            serde_json::json!({"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": nodes}]})
        }),
    ];
    let names = "name|author|emailAddress|accountId|displayName|labels|type|content|a/b|zxan|Zoe Xander|x{0,2}";
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((names, inner), 0..4).prop_map(|m| Value::Object(m.into_iter().collect())),
        ]
    })
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof!["[ a-zA-Z0-9.,;:/_-]{0,24}", "\\PC{0,12}", Just(String::new())]
}

/// A JSON document with `plant` somewhere in it.
fn document(plant: String) -> impl Strategy<Value = Value> {
    let string = (any_text(), any_text()).prop_map({
        let plant = plant.clone();
        move |(a, b)| Value::from(format!("{a} {plant} {b}"))
    });
    let split = (any_text(), 0..plant.chars().count()).prop_map(move |(before, at)| {
        let i = plant.char_indices().nth(at).map_or(0, |(i, _)| i);
        let (a, b) = plant.split_at(i);
        serde_json::json!({"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [
            {"type": "text", "text": format!("{before} {a}")},
            {"type": "text", "text": format!("{b} "), "marks": [{"type": "strong"}]}]}]})
    });
    let target = prop_oneof![string, split];
    (target, prop::collection::vec((any_text(), any_text()), 0..4), 0..4usize).prop_map(|(target, others, shape)| {
        let mut map = serde_json::Map::new();
        for (i, (name, text)) in others.into_iter().enumerate() {
            map.insert(format!("{i}{name}"), Value::from(text));
        }
        match shape {
            0 => map.insert("body".into(), target),
            1 => map.insert("list".into(), Value::from(vec![Value::Null, target])),
            2 => map.insert("deep".into(), serde_json::json!({"er": [{"x": target}]})),
            _ => map.insert("zz".into(), target),
        };
        Value::Object(map)
    })
}

/// So many bytes the prefilter looks at together: the byte that [`Look::May`] names is where such a chunk begins, counted from
/// the end of the last record that was looked at.
const CHUNK: usize = 4096;

/// A record of JSON on one line, with identifiers, what nearly is one, or neither; it may be escaped once more.
fn record() -> impl Strategy<Value = String> {
    let near = || "zxan2|[a-z]zxan|Xande|Zoe|azoe\\.x@corp\\.example|zoe\\.x|\\\\u0058ander2|JIRAUSER1010|Xander%C3%A9";
    let text = move || {
        let word = prop_oneof![planted(), near(), any_text()];
        (any_text(), word, any_text()).prop_map(|(a, word, b)| format!("{a} {word} {b}"))
    };
    let value = prop_oneof![
        // So short that no more than what is found lies behind the beginning of a chunk.
        3 => "zxan|Zoë Xander|JIRAUSER10100".prop_map(Value::from),
        1 => planted().prop_map(Value::from),
        1 => text().prop_map(Value::from),
        1 => prop::collection::vec(text(), 0..3).prop_map(Value::from),
        1 => ("author|name|body|x", text())
            .prop_map(|(name, text)| Value::Object([(name, text.into())].into_iter().collect())),
        1 => planted().prop_flat_map(document),
    ];
    (value, any::<bool>(), any::<bool>()).prop_map(|(value, under, escaped)| {
        let text = if under { Value::from(value.to_string()).to_string() } else { value.to_string() };
        if escaped { ascii(&text) } else { text }
    })
}

/// What stands in front of a record without anything in it: so many bytes, or as many as let the record end so many bytes
/// behind the beginning of a chunk.
#[derive(Debug, Clone)]
enum Filler {
    Bytes(usize),
    Edge(usize),
}

/// Records, and what stands in front of each.
fn records() -> impl Strategy<Value = Vec<(Option<Filler>, String)>> {
    let filler = prop_oneof![
        1 => Just(None),
        1 => (0..80_usize).prop_map(|len| Some(Filler::Bytes(len))),
        2 => (0..10_usize).prop_map(|behind| Some(Filler::Edge(behind))),
    ];
    prop::collection::vec((filler, record()), 1..8)
}

/// Records one behind the other, parted by `gap`.
fn joined(records: &[(Option<Filler>, String)], gap: &str) -> String {
    let mut text = String::new();
    for (filler, record) in records {
        let before = text.len();
        if before > 0 {
            text.push_str(gap);
        }
        if let Some(filler) = filler {
            let taken = text.len() - before + 2 + gap.len() + record.len();
            let len = match filler {
                Filler::Bytes(len) => *len,
                Filler::Edge(behind) => (CHUNK + behind).saturating_sub(taken),
            };
            text.push('"');
            text.extend("lorem, ".chars().cycle().take(len));
            text.push('"');
            text.push_str(gap);
        }
        text.push_str(record);
    }
    text
}

/// `serde_json`'s text with every character beyond ASCII escaped, as other writers do.
fn ascii(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    out
}

/// Somebody whose given name stands for nothing but "Mira K.".
static MIRA: std::sync::LazyLock<Matcher> = std::sync::LazyLock::new(|| {
    let identifiers = [(IdentifierKind::Email, "kaloten17@corp.example"), (IdentifierKind::FullName, "Mira Kaloten")];
    let identifiers = identifiers.map(|(kind, value)| Identifier {
        kind,
        value: Personal::new(value.to_owned()),
        instance: None,
        confirmed: true,
    });
    let subject = Subject::new(Personal::new("mira".parse().unwrap()), "s-1".into(), identifiers.into());
    Matcher::new(&[subject]).unwrap()
});

/// Of the nodes that stand without a gap in the bytes, only those of one paragraph are one text.
#[test]
fn a_word_in_pieces_between_paragraphs_that_end_in_letters() {
    let paragraph = |texts: &[&str]| {
        let nodes: Vec<Value> = texts.iter().map(|t| serde_json::json!({"type": "text", "text": t})).collect();
        serde_json::json!({"type": "paragraph", "content": nodes})
    };
    for paragraphs in [
        vec![paragraph(&["foo"]), paragraph(&["zx", "an"])],
        vec![paragraph(&["zx", "an"]), paragraph(&["bar"])],
        vec![paragraph(&["a", "b"]), paragraph(&["z", "x", "an"]), paragraph(&["c", "d"])],
        vec![paragraph(&["a"; 9]), paragraph(&["zx", "an"]), paragraph(&["c"])],
    ] {
        let value = serde_json::json!({"type": "doc", "version": 1, "content": paragraphs});
        let (found, _) = scan("a.json", value.to_string().as_bytes());
        assert_eq!(found.len(), 1, "{value}");
    }
    let (found, _) = scan("a.json", paragraph(&["foo", "zx", "an"]).to_string().as_bytes());
    assert_eq!(found, []);
    // A long list is no reason to look closer.
    let list: Vec<Value> = (0..40).map(|_| paragraph(&["if a < b", "ask [them", "Done"])).collect();
    assert!(!ZOE.may_match(Value::from(list).to_string().as_bytes()));
}

#[test]
fn a_given_name_with_another_word_behind_it_is_ruled_out() {
    for text in [
        "Mira Kollmann said",
        "Mira Núñez, Mira Østby",
        "\"Mira K\\u00e4r\"",
        "ask mira.k about it",
        "mira@corp.example",
        "admirals",
    ] {
        assert!(!MIRA.may_match(text.as_bytes()), "{text}");
    }
    for text in ["Mira K. said", "Mira", "Mira\u{a0}K.", "Mira, K.", "Mira <b>K</b>.", "Mira K\u{301}."] {
        assert!(MIRA.may_match(text.as_bytes()), "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(250))]

    /// What is planted is found, also through the prefilter; and after its redaction it is found no more, with every
    /// other value as it was.
    #[test]
    fn planted_found_and_redacted(value in planted().prop_flat_map(document), pretty in any::<bool>(), escaped in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        let text = if escaped { ascii(&text) } else { text };
        let careful = crate::scan::walk_json(&value, &context(), &ZOE);
        prop_assert!(!careful.is_empty());
        let (found, _) = scan("a.json", text.as_bytes());
        prop_assert_eq!(found.len(), careful.len());
        let after = redacted("a.json", text.as_bytes());
        let (left, _) = scan("a.json", &after);
        prop_assert_eq!(&left, &[], "{}", String::from_utf8_lossy(&after));
        // The other road agrees, before and after.
        prop_assert!(!OTHER.hits(text.as_bytes()).is_empty(), "not found by the other road: {}", text);
        let hits = OTHER.hits(&after);
        prop_assert!(hits.is_empty(), "left: {}", String::from_utf8_lossy(&after));
        // Nothing but the value that held it has changed.
        let after: Value = serde_json::from_slice(&after).unwrap();
        for (name, before) in value.as_object().unwrap() {
            if !found.iter().any(|r| r.locator.starts_with(&crate::scan::child("", name))) {
                prop_assert_eq!(&after[name], before);
            }
        }
    }

    /// The prefilter never rules out what the careful road finds.
    #[test]
    fn the_prefilter_is_sound(parts in prop::collection::vec(prop_oneof![
        planted(), any_text(), "[\\\\u00e4%4A&#;<b>/{}*_|~\\[\\]\" nZxoeander@.+]{0,16}",
        "(Z|z|o|ë|e|\\{\\*\\}|<i>|</i>|\u{ad}|\\[|\\]|\\*\\*| |X|a|n|d|e|r|xan|der|zx|an){0,12}",
        "(Zoë|zoe|Zo&euml;|X|x%61n|zxan|Xan|der|a|n|\\\\n|\\\\\\\\n|\\\\\\\\\\\\n|\\\\\\\\\\\\\\\\r|\\\\\"|%20|%2C|%7B|%3Cb%3E|\\{\\*\\}|<b>|ü|&|;|\\?\\?|\\?|\\[|\\]| ){0,8}",
        "(X|an|x|a|nd|der|er|zx|<b class=\"x y\">|</b>|<|>|\\{color:red\\}|\\{color\\}|\\{|\\[|\\|u v\\]|=|=4E|=20|=\n|=\r\n|\\||\\]| |\\\\u0061|\\\\n|&euml;){0,10}",
        r"(X|an|der|zx|\x1b\[31m|\x1b\[0;1m|\\u001b\[m|\\e\[1m|<!-- u v -->|<!-- <b> -->|\]\]>|<!\[CDATA\[|<e>|</e>| |ë|\n){0,10}",
        r#"(X|an|der|zx|\\x61|\\141|\\u\{61\}|\\U00000061|%u0061|%2561|%C3%A4|%E4|&lt;b class=&quot;x y&quot;&gt;|&lt;/b&gt;|\\u003cb c="x y"\\u003e|&amp;#97;|&amp;auml;| |\+|=|\\\\){0,10}"#,
        r"(Z|o|=C3=\n=AB|=EB|=C3|=AB| |Xander|\\xc3\\xab|\\303\\253|%5Cu00eb|&amp;euml;){0,8}",
    ], 1..4), pieces in prop::collection::vec(prop_oneof![
        planted(), any_text(), "(foo |foo)?(zx|zxan|an|x|z)(an|n)?( bar|bar)?",
        "(X|an|der|zx|a|<b>|</b>|<i>|=4E|%61|&#97;|\\\\u0061|\\{color:red\\}|\\{color\\}|\\[|\\]| |\\*){0,8}",
    ], 1..4), size in 2..6_usize) {
        let text = parts.concat();
        if !find_with_care(&ZOE, &text, context().scope(), TextKind::Prose).is_empty() {
            prop_assert!(ZOE.may_match(text.as_bytes()), "{:?}", text);
        }
        let nodes = |text: &String| -> Vec<Value> {
            let chars: Vec<char> = text.chars().collect();
            chars.chunks(size).map(|c| serde_json::json!({"type": "text", "text": c.iter().collect::<String>()})).collect()
        };
        let paragraphs: Vec<Value> =
            pieces.iter().map(|p| serde_json::json!({"type": "paragraph", "content": nodes(p)})).collect();
        for value in [Value::from(text), serde_json::json!({"type": "doc", "version": 1, "content": paragraphs})] {
            if crate::scan::walk_json(&value, &context(), &ZOE).is_empty() {
                continue;
            }
            for text in [value.to_string(), ascii(&value.to_string())] {
                prop_assert!(ZOE.may_match(text.as_bytes()), "{:?}", text);
            }
        }
    }

    /// A given name alone is looked at only where an initial may stand behind it ("Mira K."), in whatever layers.
    #[test]
    fn no_initial_is_passed_over(
        before in prop::sample::select(vec!["", "", " ", "ask ", "\\n", "%20", "[a b|", "<b>", "Mira ", "\x1b[31m"]),
        given in prop::sample::select(vec!["Mira", "Mira", "MIRA", "Mi<b>r</b>a", "M%69ra"]),
        gap in prop::sample::select(vec![
            " ", " ", " ", "_", "\u{a0}", "%20", "&nbsp;", "=20", "\\u0020", "\n", "<b> ", " <b>", "{color} ", " {color:red}", "* ", " *",
            "\u{200b} ", " [a b|", "=\n ", ",", "@", ". ", "",
        ]),
        initial in prop::sample::select(vec![
            "K", "K", "K", "k", "%4B", "&#75;", "=4B", "\\u004b", "K\u{301}", "K\\u0301", "Ḱ", "Kai", "Ké", "Kß", "ab", "\\\\u00e9", "é",
        ]),
        between in prop::sample::select(vec!["", "", "", "</b>", "{color}", "*", "]", "\u{200b}", "=\n", "é", "\\u00e9", " "]),
        dot in prop::sample::select(vec![".", ".", ".", "%2E", "&period;", "=2E", "\\u002e", ",", ""]),
        behind in prop::sample::select(vec!["", " said", "Kaspar", ".", "]"]),
    ) {
        let parts = [before, given, gap, initial, between, dot, behind];
        let text = parts.concat();
        if !find_with_care(&MIRA, &text, context().scope(), TextKind::Prose).is_empty() {
            prop_assert!(MIRA.may_match(text.as_bytes()), "{:?}", text);
        }
        let value = Value::from(text.clone());
        let nodes = serde_json::json!({"content": parts.chunks(2).map(|p| serde_json::json!({"type": "text", "text": p.concat()})).collect::<Vec<_>>()});
        for value in [value, nodes, serde_json::json!({"firstName": text, "lastName": "K."})] {
            if !crate::scan::walk_json(&value, &context(), &MIRA).is_empty() {
                for text in [value.to_string(), ascii(&value.to_string())] {
                    prop_assert!(MIRA.may_match(text.as_bytes()), "{:?}", text);
                }
            }
        }
    }

    /// However large the parts in which a document is read, the same is found in it as in its tree.
    #[test]
    fn parts_give_what_the_tree_gives(doc in any_document(), part in 0..400_usize, pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&doc) } else { serde_json::to_string(&doc) }.unwrap();
        let ctx = context().with_record(context().record.clone(), context().times, Fields::Fixed(String::new()));
        let whole = crate::scan::walk_json(&doc, &ctx, &ZOE);
        let (mut out, mut gaps) = (Vec::new(), Vec::new());
        let mut scan = Scan { part, ..Scan::new(&ctx, &ZOE, "a.json", &mut out, &mut gaps) };
        scan.json(&text);
        let order = |mut r: Vec<Reference>| {
            r.sort_by_key(|r| (r.locator.clone(), format!("{:?}", r.cut), r.identifier));
            r
        };
        prop_assert_eq!(order(out), order(whole));
        prop_assert_eq!(gaps, []);
    }

    /// Of many records in a file, the same is found in those that the prefilter points at as in each of them: nothing lies
    /// before the byte that [`Look::May`] names.
    #[test]
    fn records_give_what_each_gives(records in records(), gap in "[ \n\t]{0,3}", as_lines in any::<bool>(), plain in "[^\n]{0,40}") {
        let text = if as_lines {
            // A line that is no JSON is searched as text.
            let gap = format!("\n{}", gap.replace('\t', ""));
            format!("{}{gap}{plain}", joined(&records, &gap))
        } else {
            format!("[{gap}{}{gap}]", joined(&records, &format!("{gap},{gap}")))
        };
        let ctx = context().with_record(context().record.clone(), context().times, Fields::Fixed(String::new()));
        let scanned = |scan: &mut dyn FnMut(&mut Scan<'_>)| {
            let (mut out, mut gaps) = (Vec::new(), Vec::new());
            scan(&mut Scan { part: 0, ..Scan::new(&ctx, &ZOE, "a", &mut out, &mut gaps) });
            out.sort_by_key(|r| (r.locator.clone(), format!("{:?}", r.cut), r.identifier));
            out
        };
        let items = if as_lines { None } else { Some(spans::array(&text).unwrap()) };
        let whole = scanned(&mut |scan| match (First::look(text.as_bytes(), &ZOE), &items) {
            (None, _) => {}
            (Some(first), None) => scan.lines(&text, first.clean),
            (Some(first), Some(items)) => assert!(scan.items(&text, items, "", None, first.clean)),
        });
        let each = scanned(&mut |scan| match &items {
            None => text.split('\n').enumerate().for_each(|(n, line)| scan.line(n, line.trim_end_matches('\r'))),
            Some(items) => {
                for (n, item) in items.iter().enumerate() {
                    assert!(scan.json_part(&text, item.clone(), &child("", &n.to_string()), None));
                }
            }
        });
        prop_assert_eq!(whole, each);
    }

    /// Also where a block ends inside a record, or a record is larger than a block, or the file is none such at its end.
    #[test]
    fn blocks_give_what_the_whole_gives(
        records in records(),
        gap in "[ \r\n]{0,2}",
        as_lines in any::<bool>(),
        odd in prop_oneof![4 => Just(String::new()), 1 => "[^\n]{0,40}", 1 => "\\PC\u{0}?[\\[{}\\]]"],
        block in 1..300_usize,
    ) {
        let text = if as_lines {
            format!("{}\n{odd}", joined(&records, &format!("{gap}\n")))
        } else {
            format!("{gap}[{gap}{}{gap}]{gap}{odd}", joined(&records, &format!("{gap},{gap}")))
        };
        let name = if as_lines && block % 2 == 0 { "a.jsonl" } else { "a" };
        let bytes = text.as_bytes();
        let sorted = |(mut references, unread): (Vec<Reference>, Vec<Unread>)| {
            references.sort_by_key(|r| (r.locator.clone(), format!("{:?}", r.cut), r.identifier, r.subject));
            (references, unread)
        };
        let limits = Limits::default();
        let mut buffer = bytes[..bytes.len().min(block)].to_vec();
        if let Some(blocks) = blocks::Blocks::new(name, &buffer, &context(), &ZOE, &limits) {
            let mut done = Vec::new();
            let found = blocks.read(&bytes[buffer.len()..], &mut buffer, 1 << 20, &mut |more| done.extend_from_slice(more));
            if let Some(found) = found.unwrap() {
                let (mut out, mut gaps) = (Vec::new(), Vec::new());
                if let Some(first) = First::look(bytes, &ZOE) {
                    let ctx = context().with_record(context().record, context().times, Fields::Fixed(String::new()));
                    // As of a large file, of which records are read on their own.
                    Scan { part: 0, ..Scan::new(&ctx, &ZOE, name, &mut out, &mut gaps) }.leaf(bytes, false, &first);
                }
                prop_assert_eq!(sorted(found), sorted((out, gaps)));
                prop_assert!(done == bytes);
            } else {
                // Nobody can tell yet that lines behind an array are lines.
                let begins = as_lines && name == "a" && text.starts_with('[');
                prop_assert!(!odd.is_empty() || begins, "{:?} is such a file", text);
            }
        }
    }

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = scan("a.bin", &bytes);
    }
}

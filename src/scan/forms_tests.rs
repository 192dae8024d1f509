//! Forms of files in which a person stands, from the bytes to the references, and back where something can be cut out.

use std::sync::LazyLock;

use encoding_rs::{EUC_JP, GB18030, IBM866, ISO_2022_JP, ISO_8859_2, KOI8_R, SHIFT_JIS, WINDOWS_1251};

use super::*;
use crate::{
    erasure::{
        othersearch::Needles,
        redact::{Action, Redacted, redact_file},
    },
    extract::tests::{png, zipped, ztxt},
    model::{Identifier, IdentifierKind, Personal, Subject},
    scan::json::tests::{context, zoe},
};

static ZOE: LazyLock<Matcher> = LazyLock::new(zoe);

/// One person under names in four scripts.
static MANY: LazyLock<Matcher> = LazyLock::new(|| {
    let identifiers = ["Łukasz Żółwik", "Зоя Ксандрова", "山田太郎丸", "Zoë Xander"].map(|name| Identifier {
        kind: IdentifierKind::FullName,
        value: Personal::new(name.to_owned()),
        instance: None,
        confirmed: true,
    });
    let key = Personal::new("many".parse().unwrap());
    Matcher::new(&[Subject::new(key, "s-2".into(), identifiers.into())]).unwrap()
});

fn scan(matcher: &Matcher, name: &str, bytes: &[u8]) -> (Vec<Reference>, Vec<Unread>) {
    scan_bytes(name, bytes, &context(), matcher)
}

/// What is left when everything found is cut out.
fn erased(matcher: &Matcher, name: &str, bytes: &[u8]) -> Vec<u8> {
    let cuts: Vec<_> = scan(matcher, name, bytes).0.into_iter().map(|r| (r.cut, Action::Redact)).collect();
    assert!(!cuts.is_empty(), "nothing found in {name}");
    match redact_file(name, bytes, &cuts, "[erased]").unwrap() {
        Redacted::Bytes(bytes) => bytes,
        Redacted::Unsupported(why) => panic!("{name}: {why}"),
    }
}

/// How often the verification's road finds somebody of these names.
fn verified(name: &str, bytes: &[u8], names: &[&str]) -> usize {
    let needles: Vec<_> = names.iter().map(|n| (IdentifierKind::FullName, *n)).collect();
    let needles = Needles::new(&needles);
    let mut hits = 0;
    extract::leaves(name, bytes, &Limits::default(), &mut |leaf| {
        hits += needles.hits(leaf.bytes).len();
        hits += charsets::readings(leaf.bytes).iter().map(|r| needles.hits(r.text().as_bytes()).len()).sum::<usize>();
    });
    hits
}

#[test]
fn texts_in_legacy_character_sets_are_found_and_cut_to_the_byte() {
    for (encoding, before, after) in [
        (ISO_8859_2, "dzień: pan Łukasz Żółwik, źle\n", "dzień: pan [erased], źle\n"),
        (KOI8_R, "от: Зоя Ксандрова, отдел\n", "от: [erased], отдел\n"),
        (WINDOWS_1251, "от: Зоя Ксандрова, отдел\n", "от: [erased], отдел\n"),
        (IBM866, "от: Зоя Ксандрова, отдел\n", "от: [erased], отдел\n"),
        (SHIFT_JIS, "担当: 山田太郎丸 です\n", "担当: [erased] です\n"),
        (EUC_JP, "担当: 山田太郎丸 です\n", "担当: [erased] です\n"),
        (GB18030, "负责人: 山田太郎丸 先生\n", "负责人: [erased] 先生\n"),
    ] {
        let bytes = encoding.encode(before).0;
        assert_eq!(encoding.decode(&erased(&MANY, "a.txt", &bytes)).0, after, "{}", encoding.name());
        assert!(
            verified("a.txt", &bytes, &["Łukasz Żółwik", "Зоя Ксандрова", "山田太郎丸"]) > 0,
            "{}",
            encoding.name()
        );
    }
    let bytes = ISO_2022_JP.encode("担当: 山田太郎丸 です\n").0;
    let found = scan(&MANY, "a.txt", &bytes).0;
    assert_eq!(found.iter().map(|r| r.cut.clone()).collect::<Vec<_>>(), [Cut::Whole], "no bytes of its own");
}

#[test]
fn what_is_cut_to_the_byte_is_not_found_again_as_a_whole_file() {
    // In other readings than the first the same words stand again.
    let json = [&b"{\"a\": \"by zxan, \xa3\xe9\", \"b\": \"Zo\xeb Xander\"}"[..], b"\n"].concat();
    assert_eq!(erased(&ZOE, "a.json", &json), b"{\"a\": \"by [erased], \xa3\xe9\", \"b\": \"[erased]\"}\n");
    assert_eq!(erased(&ZOE, "a.txt", b"zxan \xa3\xe9 and Zo\xeb Xander"), b"[erased] \xa3\xe9 and [erased]");
    let cyrillic = WINDOWS_1251.encode("{\"a\": \"Зоя Ксандрова\"}").0;
    assert_eq!(scan(&MANY, "a.json", &cyrillic).0.iter().map(|r| &r.cut).collect::<Vec<_>>(), [&Cut::Whole]);
}

#[test]
fn every_way_of_seeing_a_text_passes_the_first_look() {
    let wide = |text: &str, big: bool| -> Vec<u8> {
        text.encode_utf16().flat_map(|u| if big { u.to_be_bytes() } else { u.to_le_bytes() }).collect()
    };
    for big in [false, true] {
        for name in ["Зоя Ксандрова", "山田太郎丸", "Łukasz Żółwik"] {
            let text = format!("von {name} am Montag");
            let alone = wide(&text, big);
            let inside = [&b"\x00\x01header of ten"[..], &wide(name, big), b"\0\0\xff\xfe\x9d\x81"].concat();
            let odd = [&b"\x00\x01header of tenx"[..], &wide(name, big), b"\0\0\xff\xfe\x9d\x81"].concat();
            for (what, bytes) in [("alone", alone), ("inside", inside), ("odd", odd)] {
                assert!(!scan(&MANY, "a.bin", &bytes).0.is_empty(), "{name} {what} {big}");
            }
        }
    }
    let utf32 = encoding::encode("von Zoë Xander", encoding::Encoding::Utf32 { big: false, bom: true }).unwrap();
    let after = erased(&ZOE, "a.txt", &utf32);
    assert_eq!(encoding::decode(&after).unwrap().1, "von [erased]");
    // Old Office: UTF-16 here, one byte a character there.
    let ole = [&b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0"[..], &wide("Łukasz Żółwik", false), b"\0\0\x01Zo\xeb Xander\0"]
        .concat();
    let found = scan(&MANY, "a.doc", &ole);
    let mut who: Vec<usize> = found.0.iter().map(|r| r.identifier).collect();
    who.sort_unstable();
    assert_eq!(who, [0, 3]);
    assert_eq!(found.1.len(), 1, "and what nobody reads is named: {:?}", found.1);
}

#[test]
fn images_give_their_metadata_and_name_their_pixels() {
    let image = png(&[(b"zTXt", ztxt("Comment", b"by Zoe Xander")), (b"IDAT", b"\x12\x34".to_vec())]);
    let (found, unread) = scan(&ZOE, "a.png", &image);
    let paths: Vec<_> = found.iter().map(|r| (r.record.path.as_deref(), r.cut.clone())).collect();
    assert_eq!(paths, [(Some("a.png!(metadata)"), Cut::Whole)]);
    let reasons: Vec<&str> = unread.iter().map(|u| u.reason.as_str()).collect();
    assert_eq!(reasons, ["pixels of an image are not read"]);
    assert!(verified("a.png", &image, &["Zoe Xander"]) > 0);
}

#[test]
fn fields_of_tables_and_of_jiras_export() {
    for (name, before, after, strength) in [
        (
            "users.csv",
            "id,first_name,last_name\n1,Anna,Bergman\n2,\"Zoë\",Xander\n",
            "id,first_name,last_name\n1,Anna,Bergman\n2,\"[erased]\",\n",
            Strength::Probable,
        ),
        ("users.csv", "1;Xander;Zoe\n2;Bergman;Anna\n", "1;[erased];\n2;Bergman;Anna\n", Strength::Possible),
        (
            "users.json",
            r#"{"firstName": "Zoe", "age": 3, "lastName": "Xander"}"#,
            r#"{"firstName": "[erased]", "age": 3, "lastName": ""}"#,
            Strength::Probable,
        ),
        (
            "entities.xml",
            "<entity-engine-xml>\n<User id=\"1\" firstName=\"Zoë\" lastName=\"Xander\"/>\n</entity-engine-xml>",
            "<entity-engine-xml>\n<User id=\"1\" firstName=\"[erased]\" lastName=\"\"/>\n</entity-engine-xml>",
            Strength::Probable,
        ),
        (
            "entities.xml",
            "<a><Action author=\"JIRAUSER10100\"><body><![CDATA[said Anna]]></body></Action></a>",
            "<a><Action author=\"[erased]\"><body><![CDATA[said Anna]]></body></Action></a>",
            Strength::Certain,
        ),
    ] {
        let found = scan(&ZOE, name, before.as_bytes()).0;
        assert_eq!(found.iter().map(|r| r.strength).collect::<Vec<_>>(), [strength], "{before}");
        assert_eq!(String::from_utf8(erased(&ZOE, name, before.as_bytes())).unwrap(), after);
    }
    let export =
        "<entity-engine-xml><ApplicationUser userKey=\"JIRAUSER10100\" lowerUserName=\"zxan\"/></entity-engine-xml>";
    let found = scan(&ZOE, "backup.zip", &zipped(&[("entities.xml", export.as_bytes())])).0;
    let got: Vec<_> = found.iter().map(|r| (r.record.path.as_deref().unwrap_or(""), r.kind, r.strength)).collect();
    let at = "backup.zip!entities.xml";
    assert_eq!(
        got,
        [(at, ReferenceKind::UserKey, Strength::Certain), (at, ReferenceKind::Username, Strength::Certain)]
    );
}

#[test]
fn logs_of_jira_itself() {
    for line in [
        "10.0.0.1 600x1234x1 zxan [22/Nov/2026:10:00:00 +0000] \"GET /rest/api/2/myself HTTP/1.1\" 200 12 0.01 \"-\" \"x\" \"1abc\"\n",
        "2026-11-22 10:00:00,123+0000 http-nio-8080-exec-5 INFO zxan 600x1x1 1abc 10.0.0.1 /secure/Dash.jspa [c.a.j.x.Y] ok\n",
        "10.0.0.1 - - [22/Nov/2026:10:00:00 +0000] \"GET /secure/ViewProfile.jspa?name=zxan HTTP/1.1\" 200 1\n",
    ] {
        let found = scan(&ZOE, "atlassian-jira.log", line.as_bytes()).0;
        assert_eq!(
            found.iter().map(|r| (r.kind, r.strength)).collect::<Vec<_>>(),
            [(ReferenceKind::Username, Strength::Probable)],
            "{line}"
        );
    }
}

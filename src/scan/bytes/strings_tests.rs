use std::{collections::BTreeSet, sync::LazyLock};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use encoding_rs::{ISO_8859_2, KOI8_R, UTF_8, WINDOWS_1251};
use proptest::prelude::*;

use super::super::scan_bytes;
use crate::{
    extract::encoding,
    model::{Identifier, IdentifierKind, Personal, Subject},
    scan::json::tests::context,
    subject::Matcher,
};

/// One person under names in four scripts, and by everything else.
fn person() -> Matcher {
    use IdentifierKind::{AccountId, Email, FullName, Phone, Username};
    let identifiers = [
        (FullName, "Zoë Xander"),
        (FullName, "Łukasz Żółwik"),
        (FullName, "Зоя Ксандрова"),
        (FullName, "Ζωή Ξάνδρου"),
        (FullName, "山田太郎丸"),
        (Email, "zoe.x@corp.example"),
        (Username, "zxan"),
        (AccountId, "557058:0a1b2c3d-9f"),
        (Phone, "+49 170 1234567"),
    ];
    let identifiers = identifiers.map(|(kind, value)| Identifier {
        kind,
        value: Personal::new(value.to_owned()),
        instance: None,
        confirmed: true,
    });
    let key = Personal::new("many".parse().unwrap());
    Matcher::new(&[Subject::new(key, "s-2".into(), identifiers.into())]).unwrap()
}

static SIEVED: LazyLock<Matcher> = LazyLock::new(person);
static ALL: LazyLock<Matcher> = LazyLock::new(|| person().without_sieve());

/// The identifiers that are found.
fn found(bytes: &[u8], matcher: &Matcher) -> BTreeSet<usize> {
    scan_bytes("x.bin", bytes, &context(), matcher).0.into_iter().map(|r| r.identifier).collect()
}

/// Bytes without any order, the same for the same seed.
fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        u8::try_from(state >> 32 & 0xff).unwrap()
    };
    (0..len).map(|_| next()).collect()
}

fn wide(text: &str, big: bool) -> Vec<u8> {
    let units: Vec<u8> =
        text.encode_utf16().flat_map(|u| if big { u.to_be_bytes() } else { u.to_le_bytes() }).collect();
    [&[0, 0], &units[..], &[0, 0]].concat()
}

/// What is planted, and which identifier it spells.
fn planted() -> Vec<(usize, Vec<u8>)> {
    let mut all: Vec<(usize, Vec<u8>)> = [
        (0, &b"f\xfcr Zo\xeb Xander"[..]),
        (0, b"Zo\x89 Xander"),
        (0, b"ZOE XANDER"),
        (0, b"Zoe\0Xander"),
        // Hidden under escapes, and in no UTF-8.
        (0, b"Z&#111;\xeb X&#97;nd&#101;r"),
        (0, b"Zo=C3=AB=20X=61nd=65r"),
        (0, b"by Zoe X=\r\nan=\r\nder"),
        (0, br#"{"a":"Zo\u00eb\nX\u0061nd\u0065r"}"#),
        (0, br#"{"a":"{\"b\":\"Zo\\u00eb X\\u0061nd\\u0065r\"}"}"#),
        (0, br#"{"type":"text","text":"Zo"},{"type":"text","text":"e Xan","marks":[{"type":"em"}]},{"type":"text","text":"der"}"#),
        (0, br"Z\x6f\353 X\141nd\x{65}r Zo\xeb X\141nd\145r"),
        (0, b"<b>Z</b>oe <i>X</i>an<u>d</u>er"),
        (0, b"Zo&euml;&nbsp;X&#97;nd&#x65;r"),
        (0, b"Zo<![CDATA[e X]]>and<!-- x -->er"),
        (0, b"*Zoe* X{*}and{*}er"),
        (0, b"Zo{color:red}e{color} X{color:red}an{color}der"),
        (0, b"[Zoe|http://x/y] Xander"),
        (0, b"Zoe Xa\x1b[31mnd\x1b[0mer"),
        (0, b"Xander, Zo\xc3\xab"),
        (5, b"mail zoe.x@corp.example."),
        (5, b"u=%7aoe%2ex%40corp.example"),
        (5, b"zoe.x&#64;corp.example"),
        (5, b"zoe\\.x\\@corp\\.example"),
        (6, b"[~zxan]"),
        (6, b"\\nzxan"),
        (7, b"[~accountid:557058:0a1b2c3d-9f]"),
        (8, b"0170/123 45 67"),
        (8, b"+49 (0)170 123%204567"),
    ]
    .into_iter()
    .map(|(identifier, text)| (identifier, text.to_vec()))
    .collect();
    for text in [
        "by Zoë Xander!",
        "<b>Zo</b>ë X<i>and</i>er",
        "Zo\\u00eb X\\u0061nder",
        "Zoë Ｘａｎder",
        "Zo\u{ad}ë Xan\u{200b}der",
    ] {
        all.push((0, text.into()));
        // Full width is not among what UTF-16 is told by.
        if !text.contains('Ｘ') {
            all.extend([false, true].map(|big| (0, wide(text, big))));
            all.push((0, format!("\"{}\"", STANDARD.encode(wide(text, false))).into()));
        }
        all.push((0, format!("\"{}\"", STANDARD.encode(text)).into()));
        all.push((0, format!("x'{}'", hex::encode(text)).into()));
    }
    for (identifier, text, encoding) in [
        (1, "pan Łukasz Żółwik", ISO_8859_2),
        (2, "от: Зоя Ксандрова", WINDOWS_1251),
        (2, "от: Зоя Ксандрова", KOI8_R),
        // In Windows-1253 some bytes are undefined, so that noise is none of it.
        (3, "η Ζωή Ξάνδρου", UTF_8),
    ] {
        all.push((identifier, text.into()));
        all.push((identifier, encoding.encode(text).0.into_owned()));
        all.extend([false, true].map(|big| (identifier, wide(text, big))));
    }
    all.push((4, "担当: 山田太郎丸 です".into()));
    all.extend([false, true].map(|big| (4, wide("担当: 山田太郎丸 です", big))));
    all
}

/// In noise, where most of what is read is passed over, the person is found as without that.
#[test]
fn noise_hides_nothing() {
    let mut seed = 0;
    for (identifier, text) in planted() {
        for before in [331, 500] {
            seed += 1;
            let bytes =
                [noise(seed, before), b"\x01 ".to_vec(), text.clone(), b" \x02".to_vec(), noise(!seed, 150)].concat();
            assert!(encoding::is_binary(&bytes));
            let what = String::from_utf8_lossy(&text);
            let found = found(&bytes, &SIEVED);
            assert!(found.contains(&identifier), "{identifier} at {before}: {what}, {bytes:?}");
            assert!(found.is_superset(&self::found(&bytes, &ALL)), "{what}");
        }
    }
}

#[test]
fn most_of_noise_is_passed_over() {
    let bytes = noise(7, 40_000);
    let sieve = SIEVED.sieve(super::charsets::tables).unwrap();
    let sets = [0, 1, 2, 3, 4, 5];
    let kept: usize = sieve.bytes(&bytes, &sets).into_iter().flatten().map(|r| r.len()).sum();
    assert!(kept * 4 < bytes.len() * sets.len(), "{kept}");
    for (big, odd) in super::WIDE {
        let text = super::charsets::wide_strings(&bytes, big, odd, true);
        let kept: usize = sieve.text(&text).into_iter().map(|r| r.len()).sum();
        assert!(kept * 5 < text.len(), "{kept} of {}", text.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Between bytes that are no text, and beside any text, nothing is passed over that would be found.
    #[test]
    fn nothing_is_lost(parts in prop::collection::vec(prop_oneof![
        prop::sample::select(planted()).prop_map(|(_, text)| text),
        "[a-z0-9 .,:@é\n]{0,12}".prop_map(String::into_bytes),
        prop::collection::vec(prop_oneof![0..9_u8, 0x80..=0xff_u8], 0..40),
    ], 0..6)) {
        let bytes = parts.concat();
        let lost: Vec<usize> = found(&bytes, &ALL).difference(&found(&bytes, &SIEVED)).copied().collect();
        prop_assert!(lost.is_empty(), "{lost:?} of {}", String::from_utf8_lossy(&bytes));
    }
}

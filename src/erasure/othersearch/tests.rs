use proptest::prelude::*;

use super::*;

fn needles() -> Needles {
    use IdentifierKind as K;
    Needles::new(&[
        (K::Email, "zoe.x@corp.example"),
        (K::FullName, "Zoë Xander"),
        (K::Username, "zxan"),
        (K::AccountId, "557058:0a1b2c3d-9f"),
        (K::Phone, "+49 170 1234567"),
    ])
}

type Brief = Vec<(usize, usize)>;

/// Hits and near misses as (needle, offset).
fn found(bytes: &[u8]) -> (Brief, Brief) {
    let all = needles().search(bytes);
    let brief = |hits: &[Hit]| hits.iter().map(|h| (h.needle, h.offset)).collect();
    (brief(&all.hits), brief(&all.near_misses))
}

/// Law 4: this road shares neither normaliser nor matcher with what planned.
#[test]
fn imports_nothing_of_what_planned() {
    let sources = [
        include_str!("../othersearch.rs"),
        include_str!("compare.rs"),
        include_str!("peel.rs"),
        include_str!("encoded.rs"),
        include_str!("spell.rs"),
    ];
    for source in sources {
        for line in source.lines().filter(|l| l.contains("crate::")) {
            assert!(line.trim_start().starts_with("use crate::model"), "{line}");
        }
        for forbidden in ["redact", "aho_corasick"] {
            let code = source.lines().filter(|l| !l.trim_start().starts_with("//")).any(|l| l.contains(forbidden));
            assert!(!code, "{forbidden}");
        }
    }
}

#[test]
fn every_form_is_found_where_it_stands() {
    let utf16: Vec<u8> = "by Zoë Xander".encode_utf16().flat_map(u16::to_be_bytes).collect();
    for (bytes, want) in [
        (&b"mail zoe.x@corp.example."[..], (0, 5)),
        (b"ZOE.X+tag@Corp.Example", (0, 0)),
        (b"u=zoe.x%40corp.example", (0, 2)),
        (b"zoe.x&#64;corp.example", (0, 0)),
        (b"Zo=C3=AB=20Xander", (1, 0)),
        (b"by Zoe Xan=\r\nder", (1, 3)),
        (b"x SGkgWm/DqyBYYW5kZXIhIEhpISE= y", (1, 6)),
        ("Zo\u{ad}e\u{308}\u{a0}XANDER".as_bytes(), (1, 0)),
        (b"Xander, Zoe", (1, 0)),
        (br#"{"a":"Zo\u00eb\nXander"}"#, (1, 6)),
        (br#"{"a":"{\"b\":\"Zo\\u00eb Xander\"}"}"#, (1, 15)),
        (br#"{"type":"text","text":"Zo"},{"type":"text","text":"e Xander","marks":[{"type":"em"}]}"#, (1, 23)),
        (br#"{"type":"text","text":"Zoe"},{"type":"hardBreak"},{"type":"text","text":"Xander"}"#, (1, 23)),
        (b"<b>Z</b>oe <i>Xander</i>", (1, 3)),
        (b"Zo&euml;&nbsp;Xander", (1, 0)),
        (b"*Zoe* Xander", (1, 1)),
        (b"Zo{*}e{*} Xander", (1, 0)),
        (b"f\xfcr Zo\xeb Xander", (1, 4)),
        (&utf16, (1, 6)),
        (b"[~zxan]", (2, 2)),
        (b"\\nzxan", (2, 2)),
        (b"[~accountid:557058:0a1b2c3d-9f]", (3, 12)),
        (b"0170/123 45 67", (4, 0)),
    ] {
        let (hits, _) = found(bytes);
        assert_eq!(hits, [want], "{}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn near_misses_are_told_apart() {
    for text in [
        "zxan2",
        "old-zxan",
        "zxan.b",
        "zxan@other.example",
        "azoe.x@corp.example",
        "zoe.x@corp.example.org",
        "Zoe Xanders",
        "Zoe Xander-Berg",
        "zoe.xander",
        "ZoeXander",
        "557058:0a1b2c3d-9f7",
    ] {
        let (hits, near) = found(text.as_bytes());
        assert_eq!(hits, [], "{text}");
        assert!(!near.is_empty(), "{text}");
    }
    for text in [
        "Zoe and Xander",
        r#"{"type":"text","text":"Zoe "}]},{"type":"paragraph","content":[{"type":"text","text":"Xander"}"#,
        "",
    ] {
        assert_eq!(found(text.as_bytes()), (vec![], vec![]), "{text}");
    }
}

#[test]
fn pieces_overlap() {
    for pad in [PIECE - 20, PIECE - 3, PIECE, PIECE + 1] {
        let text = format!("{} zoe.x@corp.example {}", "é".repeat(pad / 2), "y ".repeat(10_000));
        assert_eq!(found(text.as_bytes()).0.len(), 1, "{pad}");
    }
}

#[test]
fn debug_shows_no_name() {
    let all = needles().search(b"Zoe Xander");
    assert!(!format!("{all:?}").to_lowercase().contains("xander"));
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = needles().search(&bytes);
    }

    #[test]
    fn any_markup_is_survived(text in "[\\\\u00e4%4A&#;<b>/{}*_|~\\[\\]\":typex \\PC]{0,60}") {
        let _ = needles().search(text.as_bytes());
    }
}

/// Spellings that are as good as the given one are hits; what is only like it is none.
#[test]
fn other_spellings_are_found() {
    use IdentifierKind as K;
    for (kind, value, sure, not) in [
        (
            K::FullName,
            "Jürgen Größl",
            &[
                "Juergen Groessl",
                "Jurgen Grossl",
                "GROESSL, JUERGEN",
                "Jürgen_Größl",
                "Jürgen\n> Größl",
                "Größl, Dr. Jürgen",
                "q=Juergen+Groessl&n=1",
                "Größl+Jürgen",
                "q=J%C3%BCrgen+Gr%C3%B6%C3%9Fl",
            ][..],
            &["Juergen Groesslmann", "Hansjürgen Größl"][..],
        ),
        (K::FullName, "Zoë van der Quandt", &["Zoe+van+der+Quandt in the query", "Zoë+van+der+Quandt"], &[]),
        (K::FullName, "Søren Ågård", &["Soeren Aagaard", "Soren Agard"], &["Soren Agardsen"]),
        (K::FullName, "Đorđe Đoković", &["Djordje Djokovic", "Dorde Dokovic"], &["Dordesa Dokovic"]),
        (
            K::FullName,
            "Юрий Чайковский",
            &["Yuriy Chaykovskiy", "Iurii Chaikovskii", "Tschaikowski, Juri", "Yury Chaykovsky", "Jurij Čajkovskij"],
            &["Yuriy Chaykovskaya"],
        ),
        (K::FullName, "Юрий Ёлкин", &["Yuri Yolkin", "Yury Elkin", "елкин юрий"], &["Yuri Yolkina"]),
        (
            K::FullName,
            "Γιώργος Μπακογιάννης",
            &["Giorgos Bakogiannis", "Yorgos Bakoyannis"],
            &["Giorgos Bakogiannisson"],
        ),
        (
            K::FullName,
            "Anna van den Berg",
            &["Berg, Anna van den", "van den Berg, Anna", "Anna Vandenberg", "Anna vanden Berg"],
            &["Anna van den Bergh"],
        ),
        (K::FullName, "Sean O'Brien", &["Sean OBrien", "Sean O Brien", "O’Brien, Sean"], &["Sean O'Brienne"]),
        (K::FullName, "Ian McDonald", &["Ian Mc Donald", "MCDONALD Ian"], &["Ian McDonaldson"]),
        (K::FullName, "Omar al-Masri", &["Omar Almasri", "Omar al Masri"], &["Omar al-Masrifi"]),
        (
            K::FullName,
            "Hans-Peter Meier-Schulze",
            &["Hanspeter Meier Schulze", "Meier-Schulze, Hans Peter"],
            &["Hans Schulze"],
        ),
        (K::FullName, "Dr. Anna Berg (extern)", &["Anna Berg", "Berg, Anna"], &["Dr. Berg"]),
        (K::FullName, "王伟", &["王伟", "王 伟"], &["王明"]),
        (
            K::Email,
            "zoe.xander@gmail.com",
            &["zoexander@googlemail.com", "z.o.exander+a@gmail.com", "_zoexander@gmail.com_"],
            &["zoexande@gmail.com", "zoexander@mail.com"],
        ),
        (
            K::Email,
            "zoe.x@corp.example",
            &["zoe.x@\ncorp.example", "zoe.x@corp.\n> example", "zoe.x [at] corp[dot]example"],
            &["zoex@corp.example"],
        ),
        (
            K::Email,
            "ulrike@bücher.example",
            &["ulrike@xn--bcher-kva.example", "ulrike@bücher.example"],
            &["ulrike@buch.example"],
        ),
        (K::Username, "jdoe", &["jdoe:x:1001", "CORP\\jdoe", "/home/jdoe/"], &["jdoe2"]),
    ] {
        let needles = Needles::new(&[(kind, value)]);
        for text in sure {
            assert!(!needles.hits(format!("see {text}, ok").as_bytes()).is_empty(), "{value}: {text}");
        }
        for text in not {
            assert_eq!(needles.hits(format!("see {text}, ok").as_bytes()), [], "{value}: {text}");
        }
    }
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

/// What is planted, and which needle it spells.
fn planted() -> Vec<(usize, Vec<u8>)> {
    let wide = |text: &str, big: bool| -> Vec<u8> {
        text.encode_utf16().flat_map(|u| if big { u.to_be_bytes() } else { u.to_le_bytes() }).collect()
    };
    let mut all: Vec<(usize, Vec<u8>)> = [
        (0, &b"mail zoe.x@corp.example."[..]),
        (0, b"u=zoe.x%40corp.example"),
        (0, b"%7a%6F%65%2e%78@corp.example"),
        (0, b"zoe.x&#64;corp.example"),
        (0, b"zoe.x [at] corp[dot]example"),
        (1, b"Zo=C3=AB=20Xander"),
        (1, b"by Zoe X=\r\nan=\r\nder"),
        (1, b"\"SGkgWm/DqyBYYW5kZXIhIEhpISE=\""),
        (1, b"ZoE XANDER"),
        (1, b"Xander, Zoe"),
        (1, b"?q=Zoe+Xander&n=1"),
        (1, br#"{"a":"Zo\u00eb\nX\u0061nder"}"#),
        (1, br#"{"a":"{\"b\":\"Zo\\u00eb Xander\"}"}"#),
        (1, br#"{"type":"text","text":"Zo"},{"type":"text","text":"e Xan","marks":[{"type":"em"}]},{"type":"text","text":"der"}"#),
        (1, b"<b>Z</b>oe <i>X</i>an<u>d</u>er"),
        (1, b"&Zcaron;o&euml;&nbsp;X&#97;nd&#x65;r"),
        (1, b"*Zoe* X{*}and{*}er"),
        (1, b"f\xfcr Zo\xeb Xander"),
        (1, b"Z\xc3\xb6e Xander, Z\xc3\xb3\xc3\xa9 Xander"),
        (2, b"[~zxan]"),
        (2, b"\\nzxan"),
        (3, b"[~accountid:557058:0a1b2c3d-9f]"),
        (4, b"0170/123 45 67"),
        (4, b"+49 (0)170 123%204567"),
    ]
    .into_iter()
    .map(|(needle, text)| (needle, text.to_vec()))
    .collect();
    for text in
        ["by Zo\u{eb} Xander!", "<b>Zo</b>\u{eb} Xander", "Zo\\u00eb Xander", "Zo\u{eb} \u{ff38}\u{ff41}\u{ff4e}der"]
    {
        all.push((1, text.into()));
        all.extend([false, true].map(|big| (1, [&[0, 0], &wide(text, big)[..], &[0, 0]].concat())));
    }
    all
}

/// In noise, where most of what is read is passed over, the needles are found as without that.
#[test]
fn noise_hides_nothing() {
    let needles = needles();
    let mut seed = 0;
    for (needle, text) in planted() {
        for before in [90, 91, 700] {
            seed += 1;
            let bytes =
                [noise(seed, before), b"\x01 ".to_vec(), text.clone(), b" \x02".to_vec(), noise(!seed, 300)].concat();
            let found = needles.search(&bytes);
            let at = before..before + text.len() + 4;
            let here = found.hits.iter().any(|h| h.needle == needle && at.contains(&h.offset));
            assert!(here, "{needle} at {before}: {}", String::from_utf8_lossy(&text));
            let places = |all: Searched| all.hits.iter().map(|h| (h.needle, h.offset)).collect::<Vec<_>>();
            let (found, all) = (places(found), places(needles.search_kept(&bytes, |view| view)));
            assert!(all.iter().all(|place| found.contains(place)), "{}", String::from_utf8_lossy(&text));
        }
    }
}

/// A needle that is cut in two by what parts the strings of a binary file stands there all the same.
#[test]
fn controls_part_words() {
    assert_eq!(found(b"\x03Zoe\0Xander\x03").0, [(1, 1)]);
    assert_eq!(found(b"\x03Zo\0e Xander\x03").0, []);
}

#[test]
fn most_of_noise_is_passed_over() {
    let needles = needles();
    let (all, kept) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
    let _ = peel::views(&noise(7, 40_000), |view| {
        all.set(all.get() + view.len());
        let view = needles.sieve.keep(view);
        kept.set(kept.get() + view.len());
        view
    });
    assert!(kept.get() * 10 < all.get(), "{} of {}", kept.get(), all.get());
}

proptest! {
    /// Between bytes that are no text, and beside any text, nothing is passed over that would be found.
    #[test]
    fn nothing_is_lost(parts in prop::collection::vec(prop_oneof![
        prop::sample::select(planted()).prop_map(|(_, text)| text),
        "[a-z0-9 .,:@é\n]{0,12}".prop_map(String::into_bytes),
        prop::collection::vec(prop_oneof![0..9_u8, 0x80..=0xff_u8], 0..80),
    ], 0..8)) {
        let bytes = parts.concat();
        let needles = needles();
        let sieved = needles.search(&bytes);
        for hit in needles.search_kept(&bytes, |view| view).hits {
            let found = sieved.hits.iter().any(|h| (h.needle, h.offset) == (hit.needle, hit.offset));
            prop_assert!(found, "{:?} of {}", (hit.needle, hit.offset), String::from_utf8_lossy(&bytes));
        }
    }
}

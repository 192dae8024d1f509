//! The index of anchors against a search that tries every needle at every place.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::{super::matcher::tests::subject, *};
use crate::{
    model::Subject,
    subject::{
        Matcher, Scope, TextKind, TextMatch,
        matcher_check::{check, longest, weigh},
    },
};

static PEOPLE: LazyLock<Vec<Subject>> = LazyLock::new(|| {
    let name = |name: &str, mail: &str, user: &str| {
        subject(&[
            (IdentifierKind::FullName, name, None),
            (IdentifierKind::Email, mail, None),
            (IdentifierKind::Username, user, None),
        ])
    };
    vec![
        name("Anna Berg", "anna.berg@corp.example", "aberg"),
        name("Anna Anna", "anna@corp.example", "anna2"),
        name("Anna-Maria van der Berg", "am_berg@corp.example", "zx"),
        name("Zoë Xander", "zoe.x@corp.example", "zxan"),
        name("Елена Ёлкина", "елена@corp.example", "elkina"),
        name("田中 太郎", "tanaka@corp.example", "田中"),
        name("Jo Li", "j@corp.example", "jl"),
        name("Tom O'Brien", "t.o'brien@corp.example", "JIRAUSER10100"),
        name("Əli Əliyev", "eli@corp.example", "557058:0a1b2c3d-9f"),
        name("김민수 Kim", "kim@corp.example", "민수"),
    ]
});
static MANY: LazyLock<Matcher> = LazyLock::new(|| Matcher::new(&PEOPLE).unwrap());
static FEW: LazyLock<Vec<Matcher>> =
    LazyLock::new(|| PEOPLE.iter().map(|p| Matcher::new(std::slice::from_ref(p)).unwrap()).collect());

/// What the index has to find.
fn slow(people: &[Subject], text: &str) -> Vec<TextMatch> {
    let bare = norm::bare(text);
    let mut hits = Vec::new();
    for (s, person) in people.iter().enumerate() {
        for (i, identifier) in person.identifiers.iter().enumerate() {
            for needle in needles(identifier.kind, identifier.value.reveal()) {
                for at in 0..bare.text().len() {
                    let end = at + needle.bare.len();
                    if bare.text().get(at..end) == Some(&needle.bare) {
                        check(text, &bare, (at, end), &needle, identifier.kind, TextKind::Prose, |mut hit| {
                            (hit.subject, hit.identifier) = (s, i);
                            hits.push(hit);
                        });
                    }
                }
            }
        }
    }
    // A name before somebody else's mailbox is less sure; everybody here has one.
    weigh(text, &mut hits, |_| true);
    longest(hits)
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            out.extend(c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    out
}

fn any_text() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        4 => prop::sample::select(vec![
            "Anna", "anna", "Berg", "BERG", "A.", "Maria", "van", "der", "Zoë", "zoe", "Xander", "X", "zxan", "zx",
            "Елена", "Ёлкина", "елкина", "елена", "田中", "太郎", "Jo", "Li", "jl", "Tom", "O'Brien", "O’Brien", "T.",
            "JIRAUSER10100", "557058:0a1b2c3d-9f", "Əli", "Əliyev", "김민수", "민수", "Kim", "anna.berg@corp.example",
            "anna+tag@corp.example", "zoe.x@corp.example", "елена@corp.example", "aberg", "annaberg", "Anna_Berg",
        ]),
        1 => prop::sample::select(vec!["™", "℃", "㎏", "²", "Ⓒ", "é", "e\u{301}", "\u{ad}", "\u{200b}", "に", "ค", "ü", "1"]),
    ];
    let gap =
        prop::sample::select(vec![" ", "", "", ", ", "-", ".", "_", "  ", "\n", "\u{a0}", "@", "'", "\\n", "[~", "]"]);
    prop::collection::vec((word, gap), 0..9)
        .prop_map(|parts| parts.into_iter().map(|(w, g)| format!("{w}{g}")).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_index_finds_what_a_slow_search_finds(text in any_text()) {
        let brief = |hits: Vec<TextMatch>| -> Vec<_> {
            hits.into_iter().map(|h| (h.from, h.to, h.subject, h.identifier, h.strength)).collect()
        };
        let want = slow(&PEOPLE, &text);
        prop_assert_eq!(brief(MANY.find(&text, Scope::Any)), brief(want.clone()), "{:?}", text);
        // And neither way of the prefilter rules any of it out, escaped or not.
        for text in [text.clone(), escaped(&text), text.replace(' ', "%20"), text.replace('e', "&#101;")] {
            if !want.is_empty() {
                prop_assert!(MANY.may_match(text.as_bytes()), "{:?}", text);
            }
            for hit in &want {
                prop_assert!(FEW[hit.subject].may_match(text.as_bytes()), "{:?}", text);
            }
        }
    }
}

#[test]
fn needles_are_made_again_when_too_many_are_kept() {
    let people: Vec<Subject> =
        (0..KEPT / 8).map(|n| subject(&[(IdentifierKind::FullName, &format!("Anna Berg{n}"), None)])).collect();
    let matcher = Matcher::new(&people).unwrap();
    for _ in 0..2 {
        for n in 0..people.len() {
            let found = matcher.find(&format!("by Anna Berg{n}, and"), Scope::Any);
            assert_eq!(found.iter().map(|h| h.subject).collect::<Vec<_>>(), [n]);
        }
    }
}

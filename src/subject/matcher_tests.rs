use proptest::prelude::*;

use super::*;
use crate::model::{Identifier, Personal, SubjectKey};

pub(crate) fn subject(identifiers: &[(IdentifierKind, &str, Option<&str>)]) -> Subject {
    Subject::new(
        Personal::new("s-1".parse::<SubjectKey>().unwrap()),
        "P1".into(),
        identifiers
            .iter()
            .map(|(kind, value, instance)| Identifier {
                kind: *kind,
                value: Personal::new((*value).to_owned()),
                instance: instance.map(|i| i.parse().unwrap()),
                confirmed: true,
            })
            .collect(),
    )
}

fn zoe() -> Matcher {
    Matcher::new(&[subject(&[
        (IdentifierKind::Email, "zoe.x@corp.example", None),
        (IdentifierKind::FullName, "Zoë Xander", None),
        (IdentifierKind::Username, "zxan", Some("hq")),
        (IdentifierKind::AccountId, "557058:0a1b2c3d-9f", Some("partner")),
        (IdentifierKind::Phone, "+49 170 1234567", None),
        (IdentifierKind::Username, "zx", Some("lab")),
    ])])
    .unwrap()
}

/// The text of each hit, its strength and kind.
fn hits(text: &str) -> Vec<(&str, Strength, ReferenceKind)> {
    zoe().find(text, Scope::Any).into_iter().map(|m| (&text[m.from..m.to], m.strength, m.kind)).collect()
}

#[test]
fn spellings_that_are_found() {
    use ReferenceKind::{AccountId, Email, FullName, Mention, Phone, Username};
    use Strength::{Certain, Possible, Probable};
    for (text, want) in [
        ("mail zoe.x@corp.example.", vec![("zoe.x@corp.example", Probable, Email)]),
        ("<ZOE.X@Corp.Example>", vec![("ZOE.X@Corp.Example", Probable, Email)]),
        ("zoe.x+jira@corp.example", vec![("zoe.x+jira@corp.example", Probable, Email)]),
        ("_zoe.x@corp.example_", vec![("zoe.x@corp.example", Probable, Email)]),
        ("mailto:zoe.x@corp.example?subject=x", vec![("zoe.x@corp.example", Probable, Email)]),
        ("by Zoë Xander", vec![("Zoë Xander", Probable, FullName)]),
        ("by zoe\u{a0} xander's", vec![("zoe\u{a0} xander", Probable, FullName)]),
        ("XANDER, Zoe\u{308}:", vec![("XANDER, Zoe\u{308}", Probable, FullName)]),
        ("Xander Zoë", vec![("Xander Zoë", Probable, FullName)]),
        ("Zo\u{ad}ë\u{200b}Xander", vec![("Zo\u{ad}ë\u{200b}Xander", Probable, FullName)]),
        ("ZoeXander", vec![("ZoeXander", Possible, FullName)]),
        ("Zoe_Xander.pdf", vec![("Zoe_Xander", Probable, FullName)]),
        ("Zoë Xanders", vec![("Zoë Xanders", Possible, FullName)]),
        ("Z. Xander", vec![("Z. Xander", Possible, FullName)]),
        ("Zoë Xander-Berg", vec![("Zoë Xander", Possible, FullName)]),
        ("Zöe Xander", vec![("Zöe Xander", Possible, FullName)]),
        ("hi [~zxan], ok", vec![("[~zxan]", Certain, Mention)]),
        ("hi [~zx]", vec![("[~zx]", Certain, Mention)]),
        ("[~accountid:557058:0a1b2c3d-9f]", vec![("[~accountid:557058:0a1b2c3d-9f]", Certain, Mention)]),
        ("ask zxan, or zx", vec![("zxan", Probable, Username), ("zx", Possible, Username)]),
        ("/secure/ViewProfile.jspa?name=zx", vec![("zx", Probable, Username)]),
        ("/people/557058:0a1b2c3d-9f?x", vec![("557058:0a1b2c3d-9f", Probable, AccountId)]),
        ("zxan@other.example", vec![("zxan", Possible, Username)]),
        ("call 0170/123 45 67.", vec![("0170/123 45 67", Probable, Phone)]),
        ("call +49 (0)170-1234567", vec![("+49 (0)170-1234567", Probable, Phone)]),
    ] {
        assert_eq!(hits(text), want, "{text:?}");
    }
}

#[test]
fn near_misses_are_left_alone() {
    for text in [
        "azoe.x@corp.example",
        "zoe.x@corp.example.org",
        "a.zoe.x@corp.example",
        "zoe.x@corp.examples",
        "zoe.x+tag@other.example",
        "Zoë Xanderberg",
        "Annazoë Xander",
        "zxan2",
        "zxan-old",
        "old-zxan",
        "zxan_b",
        "557058:0a1b2c3d-9f7",
        "49170123456",
        "zoexander",
        "[~zxan2]",
    ] {
        assert_eq!(hits(text), vec![], "{text:?}");
    }
}

/// Found by the fuzz target: the second "Xander" is perhaps the end of a longer name, which the surer one before it displaces.
/// What that leaves is the name again, in the other order.
#[test]
fn a_name_displaced_leaves_the_next() {
    let possible = |seen| (seen, Strength::Possible, ReferenceKind::FullName);
    let first = ("Zoë Xander", Strength::Probable, ReferenceKind::FullName);
    let text = "Zoë Xander Xander,\nZoë Xa%%%r";
    assert_eq!(hits(text), [first, possible("Xander,\nZoë")]);
    assert_eq!(hits("Zoë Xander Xander, Zoë Xander"), [first, first]);
}

#[test]
fn identifiers_of_another_instance_do_not_apply() {
    let hq = ["hq".parse().unwrap()];
    let partner = ["partner".parse().unwrap()];
    let m = zoe();
    assert_eq!(m.find("zxan", Scope::Only(&hq)).len(), 1);
    assert_eq!(m.find("zxan", Scope::Only(&partner)).len(), 0);
    assert_eq!(m.find("Zoë Xander", Scope::Only(&partner)).len(), 1);
    assert_eq!(m.exact(FieldHint::Username, "ZXan", Scope::Only(&hq)).len(), 1);
    assert_eq!(m.exact(FieldHint::Username, "zxan", Scope::Only(&partner)).len(), 0);
    assert_eq!(m.exact(FieldHint::UserKey, "zxan", Scope::Any).len(), 0);
    assert_eq!(m.exact(FieldHint::AnyId, "zxan", Scope::Any).len(), 1);
    assert_eq!(m.exact(FieldHint::DisplayName, "Xander, Zoe", Scope::Any).len(), 1);
    assert_eq!(m.exact(FieldHint::Email, "Zoe.X+a@corp.example", Scope::Any).len(), 1);
    assert_eq!(m.exact(FieldHint::AccountId, "557058:0a1b2c3d-9f", Scope::Any).len(), 1);
}

#[test]
fn unconfirmed_identifiers_only_point() {
    let mut s = subject(&[(IdentifierKind::Email, "zoe.x@corp.example", None)]);
    s.identifiers[0].confirmed = false;
    let m = Matcher::new(&[s]).unwrap();
    assert_eq!(m.find("zoe.x@corp.example", Scope::Any)[0].strength, Strength::Possible);
    assert!(!m.exact(FieldHint::Email, "zoe.x@corp.example", Scope::Any)[0].confirmed);
}

#[test]
fn namesakes_among_the_subjects_are_both_found() {
    let a = subject(&[(IdentifierKind::FullName, "Anna Berg", None)]);
    let b = subject(&[(IdentifierKind::FullName, "Anna Berg", None), (IdentifierKind::Email, "a@b.example", None)]);
    let m = Matcher::new(&[a, b]).unwrap();
    let who: Vec<_> = m.find("Anna Berg <a@b.example>", Scope::Any).iter().map(|m| m.subject).collect();
    assert_eq!(who, [0, 1, 1]);
    assert!(m.find("Anna Bergman", Scope::Any).is_empty());
}

#[test]
fn scripts_without_gaps() {
    let m = Matcher::new(&[subject(&[
        (IdentifierKind::FullName, "田中 太郎", None),
        (IdentifierKind::FullName, "김 철수", None),
        (IdentifierKind::FullName, "Юрий Ёлкин", None),
    ])])
    .unwrap();
    for text in ["田中太郎さんへ", "김철수가", "юрий елкин"] {
        let found = m.find(text, Scope::Any);
        assert_eq!(found.len(), 1, "{text}");
        assert_eq!(found[0].strength, Strength::Probable, "{text}");
    }
}

proptest! {
    /// Whatever stands around, a hit is a slice of the text, and an identifier between spaces is found.
    #[test]
    fn found_wherever_it_stands(before in "\\PC{0,12}", after in "\\PC{0,12}") {
        let text = format!("{before} zoe.x@corp.example {after}");
        let found = zoe().find(&text, Scope::Any);
        prop_assert!(found.iter().any(|m| &text[m.from..m.to] == "zoe.x@corp.example"));
        for m in &found {
            prop_assert!(text.get(m.from..m.to).is_some_and(|s| !s.is_empty()));
        }
        for pair in found.windows(2) {
            prop_assert!(pair[0].to <= pair[1].from);
        }
    }

    /// A letter that is glued on makes it another word.
    #[test]
    fn glued_letters_break_it(c in "[a-z0-9]") {
        for text in [format!("zxan{c}"), format!("{c}zxan"), format!("zoe.x@corp.example{c}")] {
            prop_assert!(zoe().find(&text, Scope::Any).is_empty(), "{}", text);
        }
        // An ending of grammar points.
        let found = zoe().find(&format!("Zoe Xander{c}"), Scope::Any);
        prop_assert_eq!(found.len(), usize::from(matches!(c.as_str(), "a" | "s" | "u")));
        prop_assert!(found.iter().all(|m| m.strength == Strength::Possible));
    }
}

use proptest::prelude::*;
use serde_json::Value;

use super::*;

#[test]
fn the_plain_part_of_a_string_ends_at_the_first_byte_that_is_not() {
    for len in 0..40 {
        for (b, at) in (0..=u8::MAX).flat_map(|b| (0..len).map(move |at| (b, at))) {
            let mut text = vec![b'a'; len];
            text[at] = b;
            let want = if b < 0x20 || b == b'"' || b == b'\\' { at } else { len };
            assert_eq!((plain_length(&text), plain_length_by_words(&text)), (want, want), "{b:#x} at {at} of {len}");
        }
    }
}

#[test]
fn positions() {
    let text = r#" {"a": [1, "x\u00e9y"], "b/c": {"d": null}} "#;
    let root = parse(text).unwrap();
    assert_eq!(&text[root.at("/a/1").unwrap().span.clone()], r#""x\u00e9y""#);
    assert_eq!(&text[root.at("/b~1c/d").unwrap().span.clone()], "null");
    assert!(root.at("/a/2").is_none());
    assert_eq!(decode(r#""x\u00e9y""#).unwrap(), ("xéy".into(), vec![1, 2, 2, 8, 9]));
    assert_eq!(parse(r#"{"\uu ,®": 1}"#).unwrap().member("\u{fffd}u ,®").map(|m| m.value.span.clone()), Some(12..13));
    // No JSON, but no reason to end inside a character.
    assert_eq!(decode("\"\\é\\😀\""), Some(("é😀".into(), vec![1, 1, 4, 4, 4, 4, 9])));
    assert_eq!(decode(r#""\""#), None);
    for bad in ["", "{", "[1,]", "{\"a\" 1}", "nul", "1 2", "\"a", "\"\\"] {
        assert!(parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn deep_nesting_is_an_error() {
    assert_eq!(parse(&"[".repeat(100_000)), Err(SpanError::TooDeep));
    assert!(!is_json(&"[".repeat(100_000)));
    for depth in 120..135 {
        for (open, inner, close) in [("[", "", "]"), ("{\"a\":", "1", "}")] {
            let text = format!("{}{inner}{}", open.repeat(depth), close.repeat(depth));
            let both = parse(&text).is_ok() && serde_json::from_str::<Value>(&text).is_ok();
            assert_eq!(is_json(&text), both, "{depth}");
        }
    }
}

/// Any small JSON value.
pub(crate) fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,10}|[\\n\"\\\\/é😀a ]{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec(("[a-c/~\"é ]{0,3}", inner), 0..5)
                .prop_map(|m| Value::Object(m.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn agrees_with_serde(value in any_json(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        let root = parse(&text).unwrap();
        fn check(text: &str, node: &Node, value: &Value) {
            let again: Value = serde_json::from_str(&text[node.span.clone()]).unwrap();
            assert_eq!(&again, value);
            match (&node.kind, value) {
                (Kind::Array(a), Value::Array(b)) => a.iter().zip(b).for_each(|(a, b)| check(text, a, b)),
                (Kind::Object(a), Value::Object(b)) => a.iter().zip(b).for_each(|(a, (name, b))| {
                    assert_eq!(&a.name, name);
                    check(text, &a.value, b);
                }),
                (Kind::String, Value::String(s)) => {
                    let (decoded, starts) = decode(&text[node.span.clone()]).unwrap();
                    assert_eq!(&decoded, s);
                    assert_eq!(starts.len(), s.len() + 1);
                }
                _ => {}
            }
        }
        check(&text, &root, &value);
    }

    #[test]
    fn is_json_is_what_both_readers_take(
        value in any_json(),
        cut in "[\\[\\]{}\",:\\\\u0-9ade. \t\n\u{1}-]{0,12}",
        at in any::<prop::sample::Index>(),
        len in 0..6_usize,
    ) {
        let mut text = value.to_string();
        for text in [cut.clone(), text.clone(), {
            let at = text.floor_char_boundary(at.index(text.len() + 1));
            let to = text.floor_char_boundary((at + len).min(text.len())).max(at);
            text.replace_range(at..to, &cut);
            text
        }] {
            let both = parse(&text).is_ok() && serde_json::from_str::<Value>(&text).is_ok();
            prop_assert_eq!(is_json(&text), both, "{}", text);
            let items = match children(&text, text.len() - text.trim_start_matches([' ', '\n', '\t', '\r']).len()..text.len()) {
                Ok(Children::Items(items)) if both => Some(items),
                _ => None,
            };
            prop_assert_eq!(array(&text), items, "{}", text);
        }
    }

    #[test]
    fn strings_are_what_serde_takes(inner in "([a-zé😀]{0,9}|[\"\\\\/bu\t\u{0}\u{1f} ]|\\\\u[0-9a-fA-Fg]{3,4}|\\\\u[dD][89a-fA-F]{3}){0,8}") {
        let text = format!("\"{inner}\"");
        prop_assert_eq!(is_json(&text), serde_json::from_str::<Value>(&text).is_ok(), "{}", text);
    }

    #[test]
    fn children_are_the_nodes(value in any_json()) {
        let text = format!(" {} ", serde_json::to_string_pretty(&value).unwrap());
        let root = parse(&text).unwrap();
        let children = children(&text, root.span.clone()).unwrap();
        let nodes = match root.kind {
            Kind::Array(items) => Children::Items(items.into_iter().map(|n| n.span).collect()),
            Kind::Object(members) => {
                Children::Members(members.into_iter().map(|m| (m.name, m.value.span)).collect())
            }
            Kind::String | Kind::Scalar => Children::None,
        };
        prop_assert_eq!(children, nodes);
    }

    #[test]
    fn never_panics(text in "[\\[\\]{}\",:\\\\u0-9a ]{0,40}") {
        let ours = parse(&text).is_ok();
        if serde_json::from_str::<Value>(&text).is_ok() {
            prop_assert!(ours, "serde takes it, we do not: {}", text);
        }
    }
}

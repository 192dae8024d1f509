//! Both directions of the conversion, by example and by property.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Mention, MentionOut, adf_paragraphs, adf_text, adf_to_wiki, wiki_escape, wiki_to_adf};

fn to_wiki(adf: &Value) -> String {
    adf_to_wiki(adf, &|m: &Mention| format!("[~accountid:{}]", m.id))
}

fn to_adf(wiki: &str) -> Value {
    wiki_to_adf(wiki, &|name| match name.strip_prefix("accountid:") {
        Some(id) => MentionOut::Mention { id: id.to_owned(), text: format!("@{id}") },
        None => MentionOut::Text(format!("@{name}")),
    })
}

fn doc(content: Value) -> Value {
    json!({"type": "doc", "version": 1, "content": content})
}

fn para(content: Value) -> Value {
    json!({"type": "paragraph", "content": content})
}

fn text(t: &str, marks: &[&str]) -> Value {
    if marks.is_empty() {
        return json!({"type": "text", "text": t});
    }
    json!({"type": "text", "text": t, "marks": marks.iter().map(|m| json!({"type": m})).collect::<Vec<_>>()})
}

fn link(t: &str, href: &str) -> Value {
    json!({"type": "text", "text": t, "marks": [{"type": "link", "attrs": {"href": href}}]})
}

fn both_ways(wiki: &str, content: Value) {
    let adf = doc(content);
    assert_eq!(to_adf(wiki), adf, "reading {wiki:?}");
    assert_eq!(to_wiki(&adf), wiki, "writing");
}

#[test]
fn the_list_of_the_issue() {
    both_ways("one\ntwo", json!([para(json!([text("one", &[]), {"type": "hardBreak"}, text("two", &[])]))]));
    both_ways(
        "a\n\nh2. B\n\n----",
        json!([
            para(json!([text("a", &[])])),
            {"type": "heading", "content": [text("B", &[])], "attrs": {"level": 2}},
            {"type": "rule"}
        ]),
    );
    both_ways(
        "*bold* _em_ +under+ -gone- {{code}} *_both_*",
        json!([para(json!([
            text("bold", &["strong"]),
            text(" ", &[]),
            text("em", &["em"]),
            text(" ", &[]),
            text("under", &["underline"]),
            text(" ", &[]),
            text("gone", &["strike"]),
            text(" ", &[]),
            text("code", &["code"]),
            text(" ", &[]),
            text("both", &["strong", "em"])
        ]))]),
    );
    both_ways(
        "in{*}side{*}word",
        json!([para(json!([text("in", &[]), text("side", &["strong"]), text("word", &[])]))]),
    );
    both_ways(
        "see [here|https://x.example/a?b=c#d] and [https://y.example/_z_]",
        json!([para(json!([
            text("see ", &[]),
            link("here", "https://x.example/a?b=c#d"),
            text(" and ", &[]),
            link("https://y.example/_z_", "https://y.example/_z_")
        ]))]),
    );
    both_ways(
        "hi [~accountid:5b10], look",
        json!([para(json!([
            text("hi ", &[]), {"type": "mention", "attrs": {"id": "5b10", "text": "@5b10"}}, text(", look", &[])
        ]))]),
    );
    both_ways(
        "{code:java}\nif (a) {\n  *b*\n}\n{code}",
        json!([{"type": "codeBlock", "content": [text("if (a) {\n  *b*\n}", &[])], "attrs": {"language": "java"}}]),
    );
    both_ways(
        "{quote}\na\n\nb\n{quote}",
        json!([{"type": "blockquote", "content": [para(json!([text("a", &[])])), para(json!([text("b", &[])]))]}]),
    );
    let item = |c: Value| json!({"type": "listItem", "content": c});
    both_ways(
        "* a\n*# b\n*# c\n* d\n{code}\nx\n{code}",
        json!([{"type": "bulletList", "content": [
            item(json!([para(json!([text("a", &[])])), {"type": "orderedList", "content": [
                item(json!([para(json!([text("b", &[])]))])), item(json!([para(json!([text("c", &[])]))]))
            ]}])),
            item(json!([para(json!([text("d", &[])])), {"type": "codeBlock", "content": [text("x", &[])]}]))
        ]}]),
    );
}

#[test]
fn text_that_looks_like_markup_stays_text() {
    for t in [
        "*not bold* _nor_ -this-",
        "{code} {{x}} [~zquill] [a|b.png] !img.png! ??x?? ^a^ ~b~",
        "h1. no heading",
        "bq. no quote",
        "* no item",
        "- no item",
        "#  no item",
        "----",
        "C:\\temp\\*x \\\\host\\",
        "&amp; &#42; a&b",
        "2 * 3 - 1 e-mail snake_case",
        "||a||b||",
    ] {
        let adf = doc(json!([para(json!([text(t, &[])]))]));
        let wiki = to_wiki(&adf);
        assert_eq!(to_adf(&wiki), adf, "{wiki}");
    }
    assert_eq!(
        wiki_escape("2 * 3 - 1 e-mail snake_case a b"),
        "2 * 3 - 1 e-mail snake_case a b",
        "no needless backslash"
    );
}

#[test]
fn what_is_unknown_is_kept_as_text() {
    let adf = doc(json!([
        {"type": "panel", "attrs": {"panelType": "info"}, "content": [para(json!([text("in panel", &[])]))]},
        {"type": "table", "content": [{"type": "tableRow", "content": [
            {"type": "tableHeader", "content": [para(json!([text("H1", &[])]))]},
            {"type": "tableCell", "content": [para(json!([text("C1", &[])])), para(json!([text("C2", &[])]))]}]}]},
        {"type": "expand", "attrs": {"title": "More"}, "content": [para(json!([text("inside", &[])]))]},
        {"type": "taskList", "content": [{"type": "taskItem", "attrs": {"state": "DONE"}, "content": [text("did it", &[])]}]},
        {"type": "mediaSingle", "content": [{"type": "media", "attrs": {"id": "m-77", "alt": "photo.png"}}]},
        {"type": "extension", "attrs": {"extensionKey": "toc-99"}},
        {"type": "futureBlock", "content": [{"type": "futureInline", "content": [text("deep", &["newMark"])]}]},
        para(json!([
            {"type": "emoji", "attrs": {"shortName": ":smile:", "text": "😄"}},
            {"type": "status", "attrs": {"text": "OPEN", "color": "red"}},
            {"type": "date", "attrs": {"timestamp": "1763769600000"}},
            {"type": "inlineCard", "attrs": {"url": "https://card.example/1"}},
            {"type": "mysteryLeaf", "attrs": {"n": 4711}}
        ]))
    ]));
    for out in [adf_text(&adf), to_wiki(&adf), adf_text(&to_adf(&to_wiki(&adf)))] {
        for kept in [
            "in panel",
            "H1",
            "C1",
            "C2",
            "More",
            "inside",
            "did it",
            "photo.png",
            "toc-99",
            "deep",
            "😄",
            "OPEN",
            "2025",
            "card.example",
            "4711",
        ] {
            assert!(out.replace('\\', "").contains(kept), "{kept} is lost in {out}");
        }
    }
}

#[test]
fn wiki_of_the_wild() {
    let plain = |w: &str| adf_text(&to_adf(w));
    assert_eq!(
        plain("a {color:red}b{color} !c.png|thumbnail! [^d.pdf]"),
        "a {color:red}b{color} !c.png|thumbnail! [^d.pdf]"
    );
    assert_eq!(plain("||h||i||\n|a|b|"), "||h||i||\n|a|b|");
    assert_eq!(plain("{code}never closed"), "{code}never closed");
    assert_eq!(plain("{quote}\n{code}\n{quote}\n{code}\nx{quote}y"), "{quote}\nx\ny", "a quote mark in code is code");
    assert_eq!(plain("text {code:title=A.java|java}class A {}{code} more"), "text \nA.java\nclass A {}\n more");
    // What a macro's head says beyond language and looks was written by somebody.
    assert_eq!(plain("{code:borderStyle=solid|owner=Zoë Quill|java}x{code}"), "owner=Zoë Quill\nx");
    assert_eq!(plain("{code:Zoë}x{code}"), "Zoë\nx");
    assert_eq!(plain("{noformat:bgColor=Zoë Quill}x{noformat}"), "bgColor=Zoë Quill\nx");
    assert_eq!(plain("[a|https://x.example|smart-link]"), "a <https://x.example>");
    assert_eq!(plain("[a|https://x.example|smart-Zoë]"), "a <https://x.example> (smart-Zoë)");
    assert_eq!(plain("[Zoe|~zquill] [x|javascript:alert(1)]"), "Zoe @zquill [x|javascript:alert(1)]");
    assert_eq!(
        to_adf("see https://x.example/a_b."),
        doc(json!([para(json!([
            text("see ", &[]),
            link("https://x.example/a_b", "https://x.example/a_b"),
            text(".", &[])
        ]))]))
    );
    assert_eq!(to_adf(""), doc(json!([])));
    assert_eq!(to_wiki(&json!("bare *text*")), "bare \\*text\\*");
    assert_eq!(to_wiki(&Value::Null), "");
    let deep = format!("{} x", "*".repeat(5000));
    assert_eq!(plain(&deep), deep);
}

#[test]
fn paragraphs_of_plain_text() {
    assert_eq!(
        adf_paragraphs("a *b*\r\nc\n\n\nd"),
        doc(json!([
            para(json!([text("a *b*", &[]), {"type": "hardBreak"}, text("c", &[])])),
            para(json!([text("d", &[])]))
        ]))
    );
    assert_eq!(adf_text(&adf_paragraphs("a\nb\n\nc")), "a\nb\nc");
}

#[test]
fn quick_on_hostile_text() {
    let start = std::time::Instant::now();
    for bit in
        ["*a ", "[", "[a|", "{{", "{code:", "{code:a}", "{quote}{code}", "_*", "\\", "&#", "{*}", "* {code}\n", "[a]("]
    {
        let _ = to_wiki(&to_adf(&bit.repeat(32_767 / bit.len())));
    }
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}

/// Words that are hard on an escaper.
fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[a-zA-Zäß0-9]{1,6}",
        1 => "[-*_+~^?!|#{}\\[\\]\\\\&;:.,()@/'\"<>=%$a1ß€]{1,5}",
        1 => prop::sample::select(vec![
            "h1.", "bq.", "*", "-", "#", "----", "{code}", "{quote}", "{*}", "{{", "}}", "[~zoe]", "[a|b]", "\\\\", "&amp;", "&#92;", "--",
            "https://x.example/a_b*c", "(https://y.example)", "|", "||", "😀", "e\u{301}"
        ]).prop_map(str::to_owned),
    ]
}

fn words() -> impl Strategy<Value = String> {
    prop::collection::vec(word(), 1..5)
        .prop_flat_map(|w| prop::sample::select(vec![" ", ""]).prop_map(move |sep| w.join(sep)))
}

fn inline() -> impl Strategy<Value = Value> {
    let marks = prop_oneof![
        2 => Just(vec![]),
        2 => prop::sample::subsequence(vec!["strong", "em", "underline", "strike"], 1..=3),
        1 => Just(vec!["code"]),
    ];
    prop_oneof![
        6 => (words(), marks).prop_map(|(t, m)| text(&t, &m)),
        1 => Just(json!({"type": "hardBreak"})),
        1 => "[a-f0-9]{4,8}".prop_map(|id| json!({"type": "mention", "attrs": {"id": id, "text": format!("@{id}")}})),
        1 => (words(), prop::sample::select(vec!["https://x.example/p?q=1", "mailto:zoe@corp.example", "/browse/HQ-1", "#top"]))
            .prop_map(|(t, h)| link(&t, h)),
    ]
}

fn line_of() -> impl Strategy<Value = Vec<Value>> {
    prop::collection::vec(inline(), 1..6)
}

fn code_block() -> impl Strategy<Value = Value> {
    ("[ -~\nä]{1,30}", prop::option::of("[a-z]{1,5}")).prop_map(|(t, l)| {
        let mut node = json!({"type": "codeBlock", "content": [text(&t.replace('{', "("), &[])]});
        if let Some(l) = l {
            node["attrs"] = json!({ "language": l });
        }
        node
    })
}

fn list_of() -> impl Strategy<Value = Value> {
    let leaf = line_of().prop_map(|l| vec![para(l.into())]);
    let list = |items: Vec<Vec<Value>>, ordered: bool| {
        let kind = if ordered { "orderedList" } else { "bulletList" };
        let items: Vec<Value> = items.into_iter().map(|c| json!({"type": "listItem", "content": c})).collect();
        json!({"type": kind, "content": items})
    };
    let item = leaf.prop_recursive(3, 12, 3, move |inner| {
        (line_of(), prop::collection::vec(inner, 1..3), any::<bool>())
            .prop_map(move |(l, items, ordered)| vec![para(l.into()), list(items, ordered)])
    });
    (prop::collection::vec(item, 1..4), any::<bool>()).prop_map(move |(items, o)| list(items, o))
}

fn document() -> impl Strategy<Value = Value> {
    let paragraph = || line_of().prop_map(|l| para(l.into()));
    let block = prop_oneof![
        4 => paragraph(),
        1 => (line_of(), 1..=6).prop_map(|(l, n)| json!({"type": "heading", "content": l, "attrs": {"level": n}})),
        1 => code_block(),
        1 => prop::collection::vec(prop_oneof![paragraph(), list_of(), code_block()], 1..3)
            .prop_map(|b| json!({"type": "blockquote", "content": b})),
        2 => list_of(),
        1 => Just(json!({"type": "rule"})),
    ];
    prop::collection::vec(block, 0..5).prop_map(|b| doc(b.into()))
}

fn no_space(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

/// The text alone, without the addresses that bare ones get as links.
fn letters(adf: &Value) -> String {
    fn walk(v: &Value, out: &mut String) {
        match v {
            Value::Array(a) => a.iter().for_each(|v| walk(v, out)),
            Value::Object(o) => {
                if let Some(t) = o.get("text").and_then(Value::as_str) {
                    out.push_str(t);
                }
                if let Some(id) = o.get("attrs").and_then(|a| a.get("id")?.as_str()) {
                    out.push_str(id);
                }
                if let Some(c) = o.get("content") {
                    walk(c, out);
                }
            }
            _ => {}
        }
    }
    let mut out = String::new();
    walk(adf, &mut out);
    no_space(&out)
}

fn kinds(adf: &Value) -> Vec<String> {
    adf["content"].as_array().into_iter().flatten().map(|n| n["type"].as_str().unwrap_or_default().to_owned()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn adf_comes_back(adf in document()) {
        let wiki = to_wiki(&adf);
        let back = to_adf(&wiki);
        prop_assert_eq!(letters(&back), letters(&adf), "text, via {}", wiki);
        prop_assert_eq!(kinds(&back), kinds(&adf), "blocks, via {}", wiki);
        // What came back once comes back the same for ever: marks, lists and all.
        let again = to_wiki(&back);
        prop_assert_eq!(&to_adf(&again), &back, "via {}", again);
    }

    #[test]
    fn wiki_settles(wiki in prop::collection::vec(prop_oneof![words(), Just("\n".to_owned()), Just("\n\n".to_owned()), Just("* ".to_owned()), Just(" ".to_owned())], 0..20)) {
        let wiki = wiki.concat();
        let once = to_wiki(&to_adf(&wiki));
        let twice = to_wiki(&to_adf(&once));
        prop_assert_eq!(&twice, &once, "from {:?}", wiki);
    }

    #[test]
    fn plain_text_survives(t in "[^\\p{C}\r\n]{1,60}") {
        let adf = doc(json!([para(json!([text(&t, &[])]))]));
        let back = to_adf(&to_wiki(&adf));
        prop_assert_eq!(letters(&back), letters(&adf));
    }

    #[test]
    fn never_panics(t in "\\PC{0,200}|[*_+{}\\[\\]|\\\\~^&#;h1.bqcode:\n -]{0,200}") {
        let adf = to_adf(&t);
        let _ = (to_wiki(&adf), adf_text(&adf), adf_paragraphs(&t));
    }

    #[test]
    fn any_json_is_read(t in "\\PC{0,20}", n in any::<i64>()) {
        for odd in [json!(n), json!([t, n]), json!({"type": t, "content": [n, {"type": "text", "text": n}, {"content": {}}]}), json!({"type": "doc", "content": [[t]]})] {
            let _ = (to_wiki(&odd), adf_text(&odd));
        }
    }
}

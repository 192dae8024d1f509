//! Both directions of the conversion, by example and by property.

use serde_json::{Value, json};

use super::{Mention, MentionOut, adf_paragraphs, adf_text, adf_to_wiki, wiki_escape, wiki_to_adf};

pub(super) fn to_wiki(adf: &Value) -> String {
    adf_to_wiki(adf, &|m: &Mention| format!("[~accountid:{}]", m.id))
}

pub(super) fn to_adf(wiki: &str) -> Value {
    wiki_to_adf(wiki, &|name| match name.strip_prefix("accountid:") {
        Some(id) => MentionOut::Mention { id: id.to_owned(), text: format!("@{id}") },
        None => MentionOut::Text(format!("@{name}")),
    })
}

pub(super) fn doc(content: Value) -> Value {
    json!({"type": "doc", "version": 1, "content": content})
}

pub(super) fn para(content: Value) -> Value {
    json!({"type": "paragraph", "content": content})
}

pub(super) fn text(t: &str, marks: &[&str]) -> Value {
    if marks.is_empty() {
        return json!({"type": "text", "text": t});
    }
    json!({"type": "text", "text": t, "marks": marks.iter().map(|m| json!({"type": m})).collect::<Vec<_>>()})
}

pub(super) fn link(t: &str, href: &str) -> Value {
    json!({"type": "text", "text": t, "marks": [{"type": "link", "attrs": {"href": href}}]})
}

pub(super) fn both_ways(wiki: &str, content: Value) {
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
    for kept in ["a {color:zoë}b{color} {color:red}c", "|a\n|b", "!no picture! [^] {anchor:x} {toc}", "????"] {
        assert_eq!(plain(kept), kept);
    }
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
    for bit in [
        "*a ",
        "[",
        "[a|",
        "{{",
        "{code:",
        "{code:a}",
        "{quote}{code}",
        "_*",
        "\\",
        "&#",
        "{*}",
        "* {code}\n",
        "[a](",
        "|",
        "|a",
        "||a\n",
        "|a\n",
        "|{{",
        "|{quote}\n",
        "{panel}",
        "{panel}{quote}{info}",
        "{color:red}",
        "{color:red}*",
        "!a",
        "!a.b",
        "!a.b!",
        ":)",
        "(",
        "??",
        "* [ ] a\n",
        "|[a|",
        "|!a",
        "^a~",
        "{quote}|{panel}|",
        "|\\",
    ] {
        let _ = to_wiki(&to_adf(&bit.repeat(100_000 / bit.len())));
    }
    // One wide row above many short ones.
    let _ = to_wiki(&to_adf(&format!("|{}\n{}", "a|".repeat(20_000), "|b|\n".repeat(20_000))));
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
}

#[test]
fn depth_is_no_danger() {
    // Just walked, and too deep to walk: deeper than `serde_json` reads, not so deep that dropping it harms this thread.
    for levels in [48, 300] {
        let mut adf = para(json!([text("deep w1", &[])]));
        for kind in ["blockquote", "bulletList"].into_iter().cycle().take(levels) {
            let mut node = serde_json::Map::new();
            node.insert("type".to_owned(), kind.into());
            node.insert("content".to_owned(), Value::Array(vec![adf]));
            adf = Value::Object(node);
        }
        for out in [to_wiki(&adf), adf_text(&adf)] {
            assert!(out.contains("deep w1"), "the text is there");
        }
    }
    let wiki = ["{quote}", "{panel}", "{info}", "{note}", "|", "{tip}", "{expand:x}"].concat().repeat(2_000);
    assert!(to_wiki(&to_adf(&format!("{wiki}w2"))).contains("w2"));
    let list: String = (1..100).map(|n| format!("{} i{n}\n", "*".repeat(n))).collect();
    assert!(to_wiki(&to_adf(&list)).contains("i99"));
}

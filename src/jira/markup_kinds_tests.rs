//! The kinds of blocks and inlines that ADF and wiki markup both know, each in both directions; see docs/MARKUP.md.

use serde_json::{Value, json};

use super::{
    adf_text,
    markup_tests::{both_ways, doc, link, para, text, to_adf, to_wiki},
};

fn p(t: &str) -> Value {
    para(json!([text(t, &[])]))
}

fn cell(kind: &str, content: Value) -> Value {
    json!({"type": kind, "content": content})
}

fn row(cells: &[Value]) -> Value {
    json!({"type": "tableRow", "content": cells})
}

fn list(kind: &str, items: &[Value]) -> Value {
    let items: Vec<Value> = items.iter().map(|i| json!({"type": "listItem", "content": i})).collect();
    json!({"type": kind, "content": items})
}

fn colored(t: &str, color: &str) -> Value {
    json!({"type": "text", "text": t, "marks": [{"type": "textColor", "attrs": {"color": color}}]})
}

#[test]
fn tables() {
    let (th, td) = (|t: &str| cell("tableHeader", json!([p(t)])), |t: &str| cell("tableCell", json!([p(t)])));
    both_ways(
        "||Name||State||\n|a\\|b|done|\n||row|x|",
        json!([{"type": "table", "content": [
            row(&[th("Name"), th("State")]), row(&[td("a|b"), td("done")]), row(&[th("row"), td("x")])
        ]}]),
    );
    // Blocks in cells: a break, a list, code, a quote, a link with its bar, an empty cell.
    both_ways(
        "|a\\\\b|* x\n* y|{code:java}\n|z|\n{code}|{quote}\nq\\|r\n{quote}|[t|https://x.example]| |",
        json!([{"type": "table", "content": [row(&[
            cell("tableCell", json!([para(json!([text("a", &[]), {"type": "hardBreak"}, text("b", &[])]))])),
            cell("tableCell", json!([list("bulletList", &[json!([p("x")]), json!([p("y")])])])),
            cell("tableCell", json!([{"type": "codeBlock", "content": [text("|z|", &[])], "attrs": {"language": "java"}}])),
            cell("tableCell", json!([{"type": "blockquote", "content": [p("q|r")]}])),
            cell("tableCell", json!([para(json!([link("t", "https://x.example")]))])),
            cell("tableCell", json!([{"type": "paragraph", "content": []}])),
        ])]}]),
    );
    // Merged cells leave empty ones; short rows are filled.
    let merged = json!([{"type": "table", "content": [
        row(&[json!({"type": "tableCell", "attrs": {"colspan": 2, "rowspan": 2}, "content": [p("big")]}), td("r")]),
        row(&[td("s")]),
    ]}]);
    assert_eq!(to_wiki(&doc(merged)), "|big| |r|\n| | |s|");
    assert_eq!(to_wiki(&to_adf("|a|\n|b|c|")), "|a| |\n|b|c|");
    // What follows without an empty line, and a cell over lines.
    assert_eq!(to_wiki(&to_adf("x\n|a\nb|c|\ny")), "x\n\n|a\\\\b|c|\n\ny");
    // Where no table may stand, its rows are lines.
    assert_eq!(adf_text(&to_adf("{quote}{panel}|a|b|{panel}{quote}")), "a | b");
    let huge = json!({"type": "tableCell", "attrs": {"colspan": 4_000_000_000_u64, "rowspan": 4_000_000_000_u64}, "content": []});
    assert!(to_wiki(&doc(json!([{"type": "table", "content": [row(&[huge])]}]))).len() < 200);
}

#[test]
fn panels_and_expands() {
    let panel = |kind: &str, content: Value| json!({"type": "panel", "attrs": {"panelType": kind}, "content": content});
    for (kind, color) in
        [("info", "#deebff"), ("note", "#eae6ff"), ("success", "#e3fcef"), ("warning", "#fffae6"), ("error", "#ffebe6")]
    {
        both_ways(
            &format!("{{panel:bgColor={color}}}\na\n\n* b\n{{panel}}"),
            json!([panel(kind, json!([p("a"), list("bulletList", &[json!([p("b")])])]))]),
        );
    }
    both_ways(
        "{panel:title=T *x*|bgColor=#deebff}\na\n{panel}",
        json!([panel("info", json!([para(json!([text("T *x*", &["strong"])])), p("a")]))]),
    );
    both_ways(
        "{panel:title=More|borderStyle=dotted}\na\n\n|b|c|\n{panel}",
        json!([{"type": "expand", "attrs": {"title": "More"}, "content": [p("a"), {"type": "table", "content": [row(&[
            cell("tableCell", json!([p("b")])), cell("tableCell", json!([p("c")]))])]}]}]),
    );
    let kind = |wiki: &str| to_adf(wiki)["content"][0]["attrs"]["panelType"].as_str().unwrap_or_default().to_owned();
    assert_eq!(kind("{tip}a{tip}"), "success");
    assert_eq!(kind("{warning:title=W}a{warning}"), "warning");
    assert_eq!(
        kind("{panel:title=My|borderStyle=dashed|borderColor=#ccc|titleBGColor=#F7D6C1|bgColor=#FFFFCE}a{panel}"),
        "warning"
    );
    assert_eq!(kind("{panel}a{panel}"), "info");
    assert_eq!(adf_text(&to_adf("{panel:owner=Zoë Quill|title=T}a{panel}")), "owner=Zoë Quill | T\na");
    // What a panel may not hold stands between its parts; a panel in a panel is part of it.
    let kinds = |wiki: &str| -> Vec<String> {
        to_adf(wiki)["content"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|n| n["type"].as_str().map(str::to_owned))
            .collect()
    };
    assert_eq!(kinds("{panel}a\n{quote}b{quote}\nc{panel}"), ["panel", "blockquote", "panel"]);
    assert_eq!(kinds("{quote}a\n\n|b|c|\n\nd{quote}"), ["blockquote", "table", "blockquote"]);
    let nested =
        doc(json!([{"type": "expand", "attrs": {"title": "E"}, "content": [panel("note", json!([p("in")]))]}]));
    assert_eq!(to_wiki(&nested), "{panel:title=E|borderStyle=dotted}\nin\n{panel}");
    let odd = doc(json!([{"type": "expand", "attrs": {"title": "a|b}"}, "content": [p("in")]}]));
    assert_eq!(to_wiki(&odd), "*a\\|b\\}*\n\nin");
}

#[test]
fn tasks_and_decisions() {
    let task = |id: u8, state: &str, t: &str| json!({"type": "taskItem", "attrs": {"localId": format!("box-{id}"), "state": state}, "content": [text(t, &[])]});
    both_ways(
        "* \\[ \\] do\n** \\[x\\] part\n* \\[x\\] did",
        json!([{"type": "taskList", "attrs": {"localId": "box-1"}, "content": [
            task(2, "TODO", "do"),
            {"type": "taskList", "attrs": {"localId": "box-3"}, "content": [task(4, "DONE", "part")]},
            task(5, "DONE", "did")
        ]}]),
    );
    both_ways(
        "* <> so be it",
        json!([{"type": "decisionList", "attrs": {"localId": "box-1"}, "content": [
            {"type": "decisionItem", "attrs": {"localId": "box-2", "state": "DECIDED"}, "content": [text("so be it", &[])]}]}]),
    );
    assert_eq!(to_adf("* [ ] a\n* b")["content"][0]["type"], "bulletList", "not all of them have a box");
    assert_eq!(to_adf("* [x] a")["content"][0]["type"], "taskList", "as a person writes it");
    assert_eq!(to_adf("* [ ]")["content"][0]["type"], "taskList");
    assert_eq!(
        to_adf("{quote}\n* [ ] a\n{quote}")["content"][0]["content"][0]["type"],
        "bulletList",
        "no tasks in quotes"
    );
    let block = doc(json!([{"type": "taskList", "content": [
        {"type": "blockTaskItem", "attrs": {"state": "DONE"}, "content": [p("one"), p("two")]}]}]));
    assert_eq!(to_wiki(&block), "* \\[x\\] one\\\\two");
}

#[test]
fn looks_of_text() {
    let shifted = |t: &str, kind: &str| json!({"type": "text", "text": t, "marks": [{"type": "subsup", "attrs": {"type": kind}}]});
    both_ways(
        "H{~}2{~}O m{^}2{^} ^up^ ~down~",
        json!([para(json!([
            text("H", &[]),
            shifted("2", "sub"),
            text("O m", &[]),
            shifted("2", "sup"),
            text(" ", &[]),
            shifted("up", "sup"),
            text(" ", &[]),
            shifted("down", "sub")
        ]))]),
    );
    both_ways(
        "a {color:#ff0000}b *c*{color} d",
        json!([para(json!([
            text("a ", &[]), colored("b ", "#ff0000"),
            {"type": "text", "text": "c", "marks": [{"type": "strong"}, {"type": "textColor", "attrs": {"color": "#ff0000"}}]},
            text(" d", &[])
        ]))]),
    );
    assert_eq!(
        to_wiki(&to_adf("{color:red}a{color} {color:#0F0}b{color} {color:Zoë}c{color}")),
        "{color:#ff0000}a{color} {color:#00ff00}b{color} \\{color:Zoë\\}c\\{color\\}"
    );
    assert_eq!(to_wiki(&to_adf("{color:red}a\nb{color}")), "{color:#ff0000}a{color}\n{color:#ff0000}b{color}");
    assert_eq!(to_wiki(&to_adf("??cited?? what??? _x_")), "_cited_ what\\?\\?\\? _x_");
    assert_eq!(to_wiki(&to_adf("x^2 a~b 5 ^ 6")), "x^2 a~b 5 ^ 6");
    both_ways(
        "{color:#36b37e}*\\[ DONE \\]*{color}",
        json!([para(json!([{"type": "status", "attrs": {"text": "DONE", "color": "green"}}]))]),
    );
    let two = json!({"type": "status", "attrs": {"text": "A", "color": "red"}});
    both_ways("{color:#ff5630}*\\[ A \\]\\[ A \\]*{color}", json!([para(json!([two, two]))]));
    assert_eq!(
        to_wiki(&doc(json!([para(json!([{"type": "date", "attrs": {"timestamp": "1763769600000"}}]))]))),
        "2025-11-22"
    );
}

#[test]
fn emoji_and_what_looks_like_them() {
    let smile = json!({"type": "emoji", "attrs": {"shortName": ":slight_smile:", "id": "1f642", "text": "🙂"}});
    let check = json!({"type": "emoji", "attrs": {"shortName": ":check_mark:", "id": "atlassian-check_mark", "text": ":check_mark:"}});
    both_ways("hi :) (/)", json!([para(json!([text("hi ", &[]), smile, text(" ", &[]), check]))]));
    both_ways("no :&#41; f(x) (x&#41; 8:D", json!([p("no :) f(x) (x) 8:D")]));
}

#[test]
fn links_cards_and_files() {
    both_ways(
        "[https://c.example/1|https://c.example/1|smart-link] [#top] [up|#top]",
        json!([para(json!([
            {"type": "inlineCard", "attrs": {"url": "https://c.example/1"}}, text(" ", &[]), link("#top", "#top"), text(" ", &[]),
            link("up", "#top")
        ]))]),
    );
    both_ways(
        "!Shot 1.png|thumbnail! [^Bericht ü.pdf]",
        json!([para(json!([
            link("Shot 1.png", "#image:Shot%201.png?thumbnail"),
            text(" ", &[]),
            link("Bericht ü.pdf", "#file:Bericht%20%C3%BC.pdf")
        ]))]),
    );
    // A text that somebody changed does not bring back the name that stood there.
    let cut = doc(json!([para(json!([link("█", "#image:zoe.png")]))]));
    assert_eq!(to_wiki(&cut), "█");
    assert_eq!(adf_text(&to_adf("!a.png|alt=\"Zoë at work\",width=30%! x")), "a.png (Zoë at work) x");
    assert_eq!(adf_text(&to_adf("[plan|^a.pdf]")), "plan a.pdf");
    let media = |attrs: Value| json!({"type": "mediaSingle", "attrs": {"layout": "center"}, "content": [{"type": "media", "attrs": attrs}]});
    let wiki_of = |attrs: Value| to_wiki(&doc(json!([media(attrs)])));
    assert_eq!(wiki_of(json!({"type": "file", "id": "m1", "collection": "", "alt": "a b.png"})), "!a b.png|thumbnail!");
    assert_eq!(
        wiki_of(json!({"type": "file", "id": "m1", "collection": "", "alt": "a.png", "width": 20})),
        "!a.png|width=20!"
    );
    assert_eq!(wiki_of(json!({"type": "file", "id": "m1", "collection": "", "alt": "a.pdf"})), "[^a.pdf]");
    assert_eq!(wiki_of(json!({"type": "file", "id": "m1", "collection": ""})), "\\[media m1\\]");
    both_ways(
        "!https://x.example/p.png!",
        json!([media(json!({"type": "external", "url": "https://x.example/p.png"}))]),
    );
    let group = doc(json!([{"type": "mediaGroup", "content": [
        {"type": "media", "attrs": {"type": "file", "id": "1", "collection": "", "__fileName": "a.zip"}},
        {"type": "media", "attrs": {"type": "file", "id": "2", "collection": "", "alt": "Zoë's chart"}}]}]));
    assert_eq!(to_wiki(&group), "[^a.zip]\nZoë's chart");
    let caption = doc(json!([{"type": "mediaSingle", "content": [
        {"type": "media", "attrs": {"type": "file", "id": "1", "collection": "", "alt": "a.png"}},
        {"type": "caption", "content": [text("below", &[])]}]}]));
    assert_eq!(to_wiki(&caption), "!a.png|thumbnail!\nbelow");
    let tip = doc(json!([para(
        json!([{"type": "text", "text": "t", "marks": [{"type": "link", "attrs": {"href": "https://x.example", "title": "Zoë"}}]}])
    )]));
    assert_eq!(to_wiki(&tip), "[t|https://x.example] (Zoë)");
}

#[test]
fn extensions_and_layouts_keep_their_text() {
    let adf = doc(json!([
        {"type": "bodiedExtension", "attrs": {"extensionKey": "excerpt", "parameters": {"macroParams": {"name": {"value": "Zoë"}}}},
            "content": [p("body")]},
        {"type": "layoutSection", "content": [
            {"type": "layoutColumn", "attrs": {"width": 50}, "content": [p("left")]},
            {"type": "layoutColumn", "attrs": {"width": 50}, "content": [p("right")]}]},
        para(json!([{"type": "placeholder", "attrs": {"text": "fill in"}}, {"type": "inlineExtension", "attrs": {"extensionKey": "k", "text": "shown"}}])),
        {"type": "panel", "attrs": {"panelType": "custom", "panelColor": "#fffae6", "panelIconText": "🐝"}, "content": [p("bees")]}
    ]));
    assert_eq!(
        to_wiki(&adf),
        "excerpt Zoë\n\nbody\n\nleft\n\nright\n\nfill inshown\n\n{panel:bgColor=#fffae6}\n🐝\n\nbees\n{panel}"
    );
}

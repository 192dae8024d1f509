//! Laws of both directions, by property: no text is lost, what both can say comes back, what came back once stays, people
//! mentioned stay the same.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    adf_paragraphs, adf_text, adf_to_wiki,
    markup_tests::{doc, link, para, text, to_adf, to_wiki},
};

/// Words that are hard on an escaper.
fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[a-zA-Zäß0-9]{1,6}",
        1 => "[-*_+~^?!|#{}\\[\\]\\\\&;:.,()@/'\"<>=%$a1ß€]{1,5}",
        1 => prop::sample::select(vec![
            "h1.", "bq.", "*", "-", "#", "----", "{code}", "{quote}", "{*}", "{{", "}}", "[~zoe]", "[a|b]", "\\\\", "&amp;", "&#92;", "--",
            "https://x.example/a_b*c", "(https://y.example)", "|", "||", "😀", "e\u{301}", ":)", "(x)", ";)", ":-", "(*", "!a.png!", "!",
            "!https://x.example/a.png!", "[^a.b]", "{color:red}", "{color}", "{panel}", "{panel:title=x}", "{note}", "??", "^", "~", "|a|b|",
            "{expand:a}", "<>", "[ ]", "{color:#36b37e}", "[#a]", "[a|#image:a.png]", "smart-link", ".png!", "|thumbnail!", "&#58"
        ]).prop_map(str::to_owned),
    ]
}

fn words() -> impl Strategy<Value = String> {
    prop::collection::vec(word(), 1..5)
        .prop_flat_map(|w| prop::sample::select(vec![" ", ""]).prop_map(move |sep| w.join(sep)))
        // White space at the edges, where emphasis cannot have it.
        .prop_flat_map(|w| prop::sample::select(vec!["", "", " "]).prop_map(move |edge| format!("{edge}{w}{edge}")))
}

fn mark(kind: &str) -> Value {
    match kind {
        "sub" | "sup" => json!({"type": "subsup", "attrs": {"type": kind}}),
        "red" => json!({"type": "textColor", "attrs": {"color": "#ff0000"}}),
        _ => json!({ "type": kind }),
    }
}

fn marked(t: &str, marks: &[&str]) -> Value {
    if marks.is_empty() {
        text(t, &[])
    } else {
        json!({"type": "text", "text": t, "marks": marks.iter().map(|m| mark(m)).collect::<Vec<_>>()})
    }
}

fn marks() -> impl Strategy<Value = Vec<&'static str>> {
    prop_oneof![
        2 => Just(vec![]),
        2 => prop::sample::subsequence(vec!["strong", "em", "underline", "strike", "sup", "red"], 1..=3),
        1 => Just(vec!["code"]),
        1 => Just(vec!["sub"]),
    ]
}

fn lone_inline() -> impl Strategy<Value = Value> {
    prop_oneof![
        "[a-f0-9]{4,8}".prop_map(|id| json!({"type": "mention", "attrs": {"id": id, "text": format!("@{id}")}})),
        Just(json!({"type": "emoji", "attrs": {"shortName": ":wink:", "id": "1f609", "text": "😉"}})),
        Just(
            json!({"type": "emoji", "attrs": {"shortName": ":check_mark:", "id": "atlassian-check_mark", "text": ":check_mark:"}})
        ),
        "[A-Z]{2,5}( [a-z]{2})?".prop_map(|t| json!({"type": "status", "attrs": {"text": t, "color": "green"}})),
        "[a-z]{1,5}"
            .prop_map(|t| json!({"type": "inlineCard", "attrs": {"url": format!("https://card.example/{t}?a=b_c")}})),
        "[a-z0-9]{1,5}( [a-z]{1,3})?"
            .prop_map(|t| link(&format!("{t}.png"), &format!("#image:{}.png?thumbnail", t.replace(' ', "%20")))),
        "[a-zé]{1,5}".prop_map(|t| link(&format!("{t}.pdf"), &format!("#file:{}.pdf", t.replace('é', "%C3%A9")))),
    ]
}

fn inline() -> impl Strategy<Value = Value> {
    prop_oneof![
        6 => (words(), marks()).prop_map(|(t, m)| marked(&t, &m)),
        1 => Just(json!({"type": "hardBreak"})),
        2 => lone_inline(),
        1 => (words(), prop::sample::select(vec!["https://x.example/p?q=1", "mailto:zoe@corp.example", "/browse/HQ-1", "#top"]))
            .prop_map(|(t, h)| link(&t, h)),
    ]
}

fn line_of() -> BoxedStrategy<Vec<Value>> {
    prop::collection::vec(inline(), 1..6).boxed()
}

/// A line that both can say: pieces of words with a space between.
fn clean_line() -> BoxedStrategy<Vec<Value>> {
    let piece = prop_oneof![
        4 => ("[a-zA-Zäß0-9]{1,6}( [a-z.,:;()!?]{1,4}x)?", marks()).prop_map(|(t, m)| marked(&t, &m)),
        2 => lone_inline(),
        1 => ("[a-z]{1,6}( [a-z]{1,4})?", prop::sample::select(vec!["https://x.example/p?q=1", "/browse/HQ-1", "#top"]))
            .prop_map(|(t, h)| link(&t, h)),
    ];
    prop::collection::vec(piece, 1..6)
        .prop_map(|pieces| {
            let mut line = Vec::new();
            for piece in pieces {
                if !line.is_empty() {
                    line.push(text(" ", &[]));
                }
                line.push(piece);
            }
            line
        })
        .boxed()
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

fn list(items: Vec<Vec<Value>>, ordered: bool) -> Value {
    let items: Vec<Value> = items.into_iter().map(|c| json!({"type": "listItem", "content": c})).collect();
    json!({"type": if ordered { "orderedList" } else { "bulletList" }, "content": items})
}

fn list_of(line: fn() -> BoxedStrategy<Vec<Value>>) -> impl Strategy<Value = Value> {
    let leaf = line().prop_map(|l| vec![para(l.into())]);
    let item = leaf.prop_recursive(3, 12, 3, move |inner| {
        (line(), prop::collection::vec(inner, 1..3), any::<bool>())
            .prop_map(move |(l, items, ordered)| vec![para(l.into()), list(items, ordered)])
    });
    (prop::collection::vec(item, 1..4), any::<bool>()).prop_map(move |(items, o)| list(items, o))
}

fn tasks_of(line: fn() -> BoxedStrategy<Vec<Value>>) -> impl Strategy<Value = Value> {
    let item = (line(), any::<bool>()).prop_map(|(l, done)| {
        json!({"type": "taskItem", "attrs": {"localId": "", "state": if done { "DONE" } else { "TODO" }}, "content": l})
    });
    let list = |items: Vec<Value>| json!({"type": "taskList", "attrs": {"localId": ""}, "content": items});
    let decisions = prop::collection::vec(line(), 1..3).prop_map(|lines| {
        let items: Vec<Value> = lines
            .into_iter()
            .map(|l| json!({"type": "decisionItem", "attrs": {"localId": "", "state": "DECIDED"}, "content": l}))
            .collect();
        json!({"type": "decisionList", "attrs": {"localId": ""}, "content": items})
    });
    prop_oneof![prop::collection::vec(item, 1..3).prop_map(list), decisions]
}

fn table_of(line: fn() -> BoxedStrategy<Vec<Value>>) -> impl Strategy<Value = Value> {
    let block = move || {
        prop_oneof![
            4 => line().prop_map(|l| para(l.into())),
            1 => list_of(line),
            1 => code_block(),
            1 => line().prop_map(|l| json!({"type": "blockquote", "content": [para(l.into())]})),
            1 => line().prop_map(|l| json!({"type": "panel", "attrs": {"panelType": "note"}, "content": [para(l.into())]})),
        ]
    };
    (1_usize..4).prop_flat_map(move |columns| {
        let cell = (any::<bool>(), block())
            .prop_map(|(head, b)| json!({"type": if head { "tableHeader" } else { "tableCell" }, "content": [b]}));
        let row = prop::collection::vec(cell, columns).prop_map(|cells| json!({"type": "tableRow", "content": cells}));
        prop::collection::vec(row, 1..4).prop_map(|rows| json!({"type": "table", "content": rows}))
    })
}

fn blocks_of(line: fn() -> BoxedStrategy<Vec<Value>>) -> impl Strategy<Value = Vec<Value>> {
    let paragraph = move || line().prop_map(|l| para(l.into()));
    let inner = move || prop::collection::vec(prop_oneof![paragraph(), list_of(line), code_block()], 1..3);
    let panel = move || {
        (inner(), prop::sample::select(vec!["info", "note", "success", "warning", "error"]))
            .prop_map(|(b, kind)| json!({"type": "panel", "attrs": {"panelType": kind}, "content": b}))
    };
    let block = prop_oneof![
        4 => paragraph(),
        1 => (line(), 1..=6).prop_map(|(l, n)| json!({"type": "heading", "content": l, "attrs": {"level": n}})),
        1 => code_block(),
        1 => inner().prop_map(|b| json!({"type": "blockquote", "content": b})),
        1 => panel(),
        1 => (inner(), "[a-z*]{1,6}( [a-z]{1,3})?").prop_map(|(b, t)| json!({"type": "expand", "attrs": {"title": t}, "content": b})),
        2 => list_of(line),
        1 => tasks_of(line),
        1 => table_of(line),
        1 => Just(json!({"type": "rule"})),
        1 => Just(json!({"type": "mediaSingle", "attrs": {"layout": "center"}, "content": [
            {"type": "media", "attrs": {"type": "external", "url": "https://x.example/p.png", "width": 20}}]})),
    ];
    prop::collection::vec(block, 0..5)
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
                let attr = |name: &str| o.get("attrs").and_then(|a| a.get(name)?.as_str()).unwrap_or_default();
                match o.get("type").and_then(Value::as_str).unwrap_or_default() {
                    "text" => out.push_str(o.get("text").and_then(Value::as_str).unwrap_or_default()),
                    "mention" => out.push_str(attr("id")),
                    "emoji" | "status" => out.push_str(attr("text")),
                    "inlineCard" | "media" => out.push_str(attr("url")),
                    "expand" => out.push_str(attr("title")),
                    _ => {}
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

fn mentions(adf: &Value) -> Vec<String> {
    let mut out = Vec::new();
    if adf["type"] == "mention" {
        out.extend(adf["attrs"]["id"].as_str().map(str::to_owned));
    }
    adf["content"].as_array().into_iter().flatten().for_each(|n| out.extend(mentions(n)));
    out
}

/// Without what says nothing: neighbours that look the same are one, marks have an order, boxes no ids.
fn normal(node: &Value) -> Value {
    let mut node = node.clone();
    if let Some(attrs) = node.get_mut("attrs").and_then(Value::as_object_mut) {
        attrs.remove("localId");
    }
    if let Some(marks) = node.get_mut("marks").and_then(Value::as_array_mut) {
        marks.sort_by_key(Value::to_string);
    }
    if let Some(content) = node.get_mut("content").and_then(Value::as_array_mut) {
        let mut out: Vec<Value> = Vec::new();
        for child in content.iter().map(normal) {
            match out.last_mut() {
                Some(last)
                    if last["type"] == "text" && child["type"] == "text" && last.get("marks") == child.get("marks") =>
                {
                    let text = format!(
                        "{}{}",
                        last["text"].as_str().unwrap_or_default(),
                        child["text"].as_str().unwrap_or_default()
                    );
                    last["text"] = text.into();
                }
                _ => out.push(child),
            }
        }
        *content = out;
    }
    node
}

/// Any node anywhere, `§` where a word is to be.
fn any_tree() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        4 => marks().prop_map(|m| marked("§", &m)),
        1 => Just(json!({"type": "text", "text": "§", "marks": [{"type": "link", "attrs": {"href": "https://x.example", "title": "§"}}]})),
        1 => Just(json!({"type": "text", "text": "§", "marks": [{"type": "backgroundColor", "attrs": {"color": "#000000"}}, {"type": "futureMark"}]})),
        6 => prop::sample::select(vec![
            json!({"type": "hardBreak"}),
            json!({"type": "rule"}),
            json!({"type": "mention", "attrs": {"id": "§"}}),
            json!({"type": "emoji", "attrs": {"shortName": ":wink:", "text": "§"}}),
            json!({"type": "status", "attrs": {"text": "§", "color": "red"}}),
            json!({"type": "status", "attrs": {"text": "a]§[b", "color": "red"}}),
            json!({"type": "inlineCard", "attrs": {"url": "https://x.example/§"}}),
            json!({"type": "inlineCard", "attrs": {"data": {"name": "§"}}}),
            json!({"type": "blockCard", "attrs": {"url": "x§"}}),
            json!({"type": "embedCard", "attrs": {"url": "https://x.example/§"}}),
            json!({"type": "media", "attrs": {"type": "file", "id": "1", "alt": "§.png"}}),
            json!({"type": "media", "attrs": {"type": "file", "id": "§"}}),
            json!({"type": "mediaInline", "attrs": {"id": "1", "alt": "§!|}"}}),
            json!({"type": "media", "attrs": {"type": "external", "url": "https://x.example/§.png", "alt": "§"}}),
            json!({"type": "placeholder", "attrs": {"text": "§"}}),
            json!({"type": "extension", "attrs": {"extensionKey": "§", "parameters": {"a": ["§", {"b": "§"}]}}}),
            json!({"type": "inlineExtension", "attrs": {"parameters": {"a": "§"}}}),
            json!({"type": "futureLeaf", "attrs": {"n": {"m": "§"}}}),
            json!({"type": "codeBlock", "content": [{"type": "text", "text": "{code}§{noformat}"}]}),
            json!({"type": "codeBlock", "attrs": {"language": "java"}, "content": [{"type": "text", "text": "|§|\n\n{code"}]}),
        ]),
    ];
    leaf.prop_recursive(5, 40, 4, |inner| {
        let kinds = prop::sample::select(vec![
            "doc",
            "paragraph",
            "heading",
            "bulletList",
            "orderedList",
            "listItem",
            "taskList",
            "taskItem",
            "blockTaskItem",
            "decisionList",
            "decisionItem",
            "blockquote",
            "panel",
            "expand",
            "nestedExpand",
            "table",
            "tableRow",
            "tableCell",
            "tableHeader",
            "mediaSingle",
            "mediaGroup",
            "caption",
            "layoutSection",
            "layoutColumn",
            "bodiedExtension",
            "futureBlock",
            "status",
            "mention",
        ]);
        (kinds, prop::collection::vec(inner, 0..4)).prop_map(|(kind, content)| {
            let attrs = match kind {
                "expand" | "nestedExpand" | "layoutSection" | "futureBlock" => json!({"title": "§ {x|"}),
                "panel" => json!({"panelType": "custom", "panelIconText": "§"}),
                "tableCell" => json!({"colspan": 2, "rowspan": 3}),
                "taskItem" => json!({"state": "DONE"}),
                "bodiedExtension" => json!({"extensionKey": "§", "parameters": {"title": "§"}}),
                _ => json!({}),
            };
            json!({"type": kind, "attrs": attrs, "content": content})
        })
    })
}

/// Puts a word of its own for each `§`.
fn planted(text: &str) -> (String, Vec<String>) {
    let (mut out, mut words) = (String::new(), Vec::new());
    for c in text.chars() {
        if c == '§' {
            let word = format!("wq{}z", words.len());
            out.push_str(&word);
            words.push(word);
        } else {
            out.push(c);
        }
    }
    (out, words)
}

/// Pieces of wiki text, whole and torn, `§` where a word is to be.
fn wiki_soup() -> impl Strategy<Value = String> {
    let whole = prop::sample::select(vec![
        "§",
        " ",
        "\n",
        "\n\n",
        "h2. §\n",
        "bq. §\n",
        "\n* §\n",
        "\n## §\n",
        "\n----\n",
        "*§*",
        "_§_",
        "+§+",
        "-§-",
        "^§^",
        "~§~",
        "??§??",
        "{{§}}",
        "{*}§{*}",
        "{~}§{~}",
        "{color:red}§{color}",
        "{color:§}§{color}",
        "[§|https://x.example/§]",
        "[§|https://x.example|§]",
        "[https://x.example/§]",
        "[https://x.example|https://x.example|smart-link]",
        "[~§]",
        "[§|~§]",
        "[^§.pdf]",
        "[§|^§.pdf]",
        "[§]",
        "!§.png!",
        "!§.png|thumbnail,alt=§!",
        "!https://x.example/§.png|width=20!",
        "\n||§||§||\n",
        "\n|§|§|\n",
        "|",
        "||",
        "{panel:title=§|bgColor=#fff}\n§\n{panel}",
        "{panel:title=§|borderStyle=dotted}§{panel}",
        "{panel:§}§{panel}",
        "{note:title=§}§{note}",
        "{expand:§}§{expand}",
        "{quote}§{quote}",
        "{code:title=§|java}\n§\n{code}",
        "{noformat}§|\n\n§{noformat}",
        "{anchor:§}",
        "{toc:§}",
        "\n* [ ] §\n",
        "\n* [x] §\n",
        "\n* <> §\n",
        ":)",
        "(x)",
        "\\\\",
        "&#167;",
        "&amp;",
    ])
    .prop_map(str::to_owned);
    let torn = prop::sample::select(vec![
        "{quote}",
        "{panel}",
        "{panel:title=§",
        "{code}",
        "{noformat}",
        "{color:red}",
        "{color}",
        "{note}",
        "{expand}",
        "[",
        "]",
        "!",
        "{{",
        "}}",
        "*",
        "_",
        "-",
        "\\",
        "|",
        "\n|",
        "\n* ",
        "\n# ",
        "??",
        "^",
        "}",
        "{",
        "[§|",
        "!§.png|",
    ])
    .prop_map(str::to_owned);
    prop::collection::vec(prop_oneof![3 => whole, 2 => torn], 0..16).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn adf_comes_back(content in blocks_of(line_of)) {
        let adf = doc(content.into());
        let wiki = to_wiki(&adf);
        let back = to_adf(&wiki);
        // A line that begins with `[ ]` becomes a task, which has no brackets.
        let boxes = |adf: &Value| adf.to_string().matches("localId").count();
        prop_assume!(boxes(&back) == boxes(&adf));
        prop_assert_eq!(letters(&back), letters(&adf), "text, via {}", wiki);
        prop_assert_eq!(kinds(&back), kinds(&adf), "blocks, via {}", wiki);
        prop_assert_eq!(mentions(&back), mentions(&adf), "people, via {}", wiki);
        // What came back once comes back the same for ever: marks, lists and all.
        let again = to_wiki(&back);
        prop_assert_eq!(&to_adf(&again), &back, "via {}", again);
    }

    #[test]
    fn what_both_can_say_is_the_same(content in blocks_of(clean_line)) {
        let adf = doc(content.into());
        let wiki = to_wiki(&adf);
        prop_assert_eq!(normal(&to_adf(&wiki)), normal(&adf), "via {}", wiki);
    }

    #[test]
    fn no_text_of_any_document_is_lost(tree in any_tree()) {
        let (adf, words) = planted(&tree.to_string());
        let adf: Value = serde_json::from_str(&adf).unwrap();
        let wiki = adf_to_wiki(&adf, &|m| format!("[~accountid:{}]", m.id));
        let back = to_adf(&wiki);
        let (seen, kept) = (adf_text(&adf), back.to_string());
        for word in words {
            prop_assert!(seen.contains(&word), "{} is not in the text {}, from {}", word, seen, adf);
            prop_assert!(wiki.contains(&word), "{} is not in {}", word, wiki);
            prop_assert!(kept.contains(&word), "{} is not in {}, via {}", word, kept, wiki);
        }
    }

    #[test]
    fn no_text_of_any_wiki_is_lost(soup in wiki_soup()) {
        let (wiki, words) = planted(&soup);
        let adf = to_adf(&wiki);
        let (once, kept) = (to_wiki(&adf), adf.to_string());
        for word in words {
            prop_assert!(kept.contains(&word), "{} is not in {}, from {:?}", word, kept, wiki);
            prop_assert!(once.contains(&word), "{} is not in {}, from {:?}", word, once, wiki);
        }
        prop_assert_eq!(mentions(&to_adf(&once)), mentions(&adf), "people, via {}", once);
        let twice = to_wiki(&to_adf(&once));
        prop_assert_eq!(&twice, &once, "from {:?}", wiki);
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

/// What `tests/peers/adf_schema.py` holds against Atlassian's JSON schema: ADF made of wiki text, a document a line.
#[test]
#[ignore = "writes documents for an outside judge: EFFACE_ADF_OUT names the file"]
fn documents_for_the_judge() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let path = std::env::var("EFFACE_ADF_OUT").unwrap();
    let mut runner = TestRunner::deterministic();
    let mut lines = String::new();
    for n in 0..6_000 {
        let wiki = match n % 4 {
            0 => wiki_soup().new_tree(&mut runner).unwrap().current().replace('§', "word"),
            1 => to_wiki(&any_tree().new_tree(&mut runner).unwrap().current()),
            2 => to_wiki(&doc(blocks_of(line_of).new_tree(&mut runner).unwrap().current().into())),
            _ => prop::collection::vec(words(), 0..9).new_tree(&mut runner).unwrap().current().join("\n"),
        };
        lines.push_str(&to_adf(&wiki).to_string());
        lines.push('\n');
    }
    std::fs::write(path, lines).unwrap();
}

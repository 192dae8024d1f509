#![no_main]
//! Any tree of ADF nodes becomes wiki text, and ADF again, without a word lost; what came back once stays the same.
use efface::jira::{MentionOut, adf_text, adf_to_wiki, wiki_to_adf};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

const HOLDERS: [&str; 24] = [
    "paragraph", "heading", "bulletList", "orderedList", "listItem", "taskList", "taskItem", "decisionList", "decisionItem", "blockquote",
    "panel", "expand", "nestedExpand", "table", "tableRow", "tableCell", "tableHeader", "mediaSingle", "caption", "layoutSection",
    "bodiedExtension", "futureBlock", "mention", "blockTaskItem",
];
const MARKS: [&str; 8] = ["strong", "em", "underline", "strike", "code", "sub", "sup", "color"];
const PIECES: [&str; 32] = [
    "", " ", "*", "_", "|", "||", "!", "!a.png!", "{", "}", "{code}", "{quote}", "{panel}", "{color:red}", "{color}", "[", "]", "[a|#b]",
    "[^a.b]", "\\", "\\\\", "&#", ";", ":", ":)", "(x)", "- ", "# ", "h1. ", "https://x.example/a", "[ ] ", "\n",
];

/// Text node `n`, with a word of its own and something hard about it.
fn text(n: usize, a: u8, b: u8) -> Value {
    let (before, behind) = (PIECES[usize::from(a) % PIECES.len()], PIECES[usize::from(b) % PIECES.len()]);
    let mut marks: Vec<Value> = Vec::new();
    for (_, mark) in MARKS.iter().enumerate().filter(|(bit, _)| ((a ^ b.rotate_left(3)) >> bit) & 1 == 1) {
        marks.push(match *mark {
            "sub" | "sup" => json!({"type": "subsup", "attrs": {"type": mark}}),
            "color" => {
                let color = if b % 2 == 0 { "#ff0000" } else { "#36b37e" };
                json!({"type": "textColor", "attrs": {"color": color}})
            }
            _ => json!({"type": mark}),
        });
    }
    if a > 200 {
        marks.push(json!({"type": "link", "attrs": {"href": "https://x.example/y"}}));
    }
    json!({"type": "text", "text": format!("{before}w{n}q{behind}"), "marks": marks})
}

fn leaf(kind: u8, word: &str) -> Value {
    match kind % 10 {
        0 => json!({"type": "hardBreak"}),
        1 => json!({"type": "mention", "attrs": {"id": word}}),
        2 => json!({"type": "emoji", "attrs": {"shortName": ":wink:", "text": word}}),
        3 => json!({"type": "emoji", "attrs": {"shortName": ":wink:"}}),
        4 => json!({"type": "status", "attrs": {"text": word, "color": "green"}}),
        5 => json!({"type": "inlineCard", "attrs": {"url": format!("https://x.example/{word}")}}),
        6 => json!({"type": "media", "attrs": {"type": "file", "id": "1", "alt": format!("{word}.png")}}),
        7 => json!({"type": "media", "attrs": {"type": "external", "url": format!("https://x.example/{word}.png")}}),
        8 => json!({"type": "rule"}),
        _ => json!({"type": "codeBlock", "content": [{"type": "text", "text": format!("{word}|{{code}}")}]}),
    }
}

fn tree(bytes: &[u8]) -> (Value, usize) {
    let mut open: Vec<(&str, Vec<Value>)> = vec![("doc", vec![])];
    let mut words = 0;
    let close = |open: &mut Vec<(&str, Vec<Value>)>| {
        let (kind, content) = open.pop().expect("one is open");
        let node = json!({"type": kind, "attrs": {"title": "t|", "colspan": 2, "state": "DONE"}, "content": content});
        match open.last_mut() {
            Some((_, around)) => around.push(node),
            None => open.push((kind, content)),
        }
    };
    for three in bytes.chunks(3) {
        let [op, a, b] = [0, 1, 2].map(|n| three.get(n).copied().unwrap_or_default());
        let depth = open.len();
        let content = open.last_mut().map(|(_, c)| c).expect("one is open");
        match op % 4 {
            0 | 1 => {
                content.push(text(words, a, b));
                words += 1;
            }
            2 if a % 3 > 0 && depth < 12 => open.push((HOLDERS[usize::from(b) % HOLDERS.len()], vec![])),
            2 => {
                let node = leaf(b, &format!("w{words}q"));
                words += usize::from(node.to_string().contains(&format!("w{words}q")));
                content.push(node);
            }
            _ if depth > 1 => close(&mut open),
            _ => {}
        }
    }
    while open.len() > 1 {
        close(&mut open);
    }
    (json!({"type": "doc", "version": 1, "content": open.pop().map(|(_, c)| c)}), words)
}

fuzz_target!(|bytes: &[u8]| {
    let (adf, words) = tree(bytes);
    let to_wiki = |adf: &Value| adf_to_wiki(adf, &|m| format!("[~{}]", m.id));
    let to_adf = |wiki: &str| wiki_to_adf(wiki, &|name| MentionOut::Mention { id: name.to_owned(), text: String::new() });
    let (seen, wiki) = (adf_text(&adf), to_wiki(&adf));
    let back = to_adf(&wiki);
    let kept = back.to_string();
    for word in (0..words).map(|n| format!("w{n}q")) {
        assert!(seen.contains(&word) && wiki.contains(&word) && kept.contains(&word), "{word} is lost in {wiki:?}");
    }
    let once = to_wiki(&back);
    assert_eq!(to_wiki(&to_adf(&once)), once, "from {wiki:?}");
});

//! Atlassian Document Format: reading it into a document, writing it from one, its text, and plain text as ADF.
//!
//! What the small document does not know becomes text: children are read on, and a leaf shows its own text, title, address
//! or, where it has none, its JSON. Nothing is dropped but looks (colours, widths, panel types).

use chrono::DateTime;
use serde_json::{Value, json};

use super::{
    doc::{Block, Inline, Marks, plain, push_text},
    wiki::{parse, write},
};

/// A mention as it stands in ADF.
#[derive(Clone, PartialEq, Eq)]
pub struct Mention {
    /// The account id (`attrs.id`).
    pub id: String,
    /// What is shown (`attrs.text`), usually `@` and the full name; may be empty.
    pub text: String,
}

impl std::fmt::Debug for Mention {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mention(…)")
    }
}

/// What becomes of a wiki mention in ADF.
#[derive(Clone, PartialEq, Eq)]
pub enum MentionOut {
    /// A mention of an account.
    Mention {
        /// The account id.
        id: String,
        /// What is shown.
        text: String,
    },
    /// Plain text.
    Text(String),
}

impl std::fmt::Debug for MentionOut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Mention { .. } => "MentionOut::Mention(…)",
            Self::Text(_) => "MentionOut::Text(…)",
        })
    }
}

/// ADF as wiki markup. `mention` gives wiki markup (`[~name]`, or a text through [`super::wiki_escape`]), taken as it is.
#[must_use]
pub fn adf_to_wiki(adf: &Value, mention: &dyn Fn(&Mention) -> String) -> String {
    write(&read(adf), mention)
}

/// Wiki markup as ADF. `mention` gets what stands in `[~…]`.
#[must_use]
pub fn wiki_to_adf(wiki: &str, mention: &dyn Fn(&str) -> MentionOut) -> Value {
    render(&parse(wiki), mention)
}

/// The text of an ADF document: a line a block, mentions as they are shown, links as text and, where it differs, address.
#[must_use]
pub fn adf_text(adf: &Value) -> String {
    let mut out = String::new();
    text_of_blocks(&read(adf), &mut out);
    out.truncate(out.trim_end().len());
    out
}

/// Plain text as ADF: an empty line ends a paragraph, a line break is a hard break.
#[must_use]
pub fn adf_paragraphs(text: &str) -> Value {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut blocks = Vec::new();
    let mut lines: Vec<&str> = Vec::new();
    for line in text.split('\n').chain([""]) {
        if !line.trim().is_empty() {
            lines.push(line);
        } else if !lines.is_empty() {
            blocks.push(Block::Paragraph(plain(&lines.join("\n"))));
            lines.clear();
        }
    }
    render(&blocks, &|name| MentionOut::Text(name.to_owned()))
}

fn text_of_blocks(blocks: &[Block], out: &mut String) {
    for block in blocks {
        match block {
            Block::Paragraph(inlines) | Block::Heading(_, inlines) => text_of_inlines(inlines, out),
            Block::Code { text, .. } => out.push_str(text),
            Block::Quote(blocks) => text_of_blocks(blocks, out),
            Block::List { items, .. } => items.iter().for_each(|item| text_of_blocks(item, out)),
            Block::Rule => {}
        }
        if !out.is_empty() && !out.ends_with('\n') {
            out.push('\n');
        }
    }
}

fn text_of_inlines(inlines: &[Inline], out: &mut String) {
    for inline in inlines {
        match inline {
            Inline::Text(run) => {
                out.push_str(&run.text);
                if let Some(href) = run.href.as_deref().filter(|h| *h != run.text) {
                    out.push_str(" <");
                    out.push_str(href);
                    out.push('>');
                }
            }
            Inline::Break => out.push('\n'),
            Inline::Mention { id, text } => out.push_str(if text.is_empty() { id } else { text }),
        }
    }
}

// ---- reading ----

/// Reads any JSON as a document; a bare string is taken as its text.
pub(super) fn read(adf: &Value) -> Vec<Block> {
    let mut out = Vec::new();
    match adf {
        Value::Null => {}
        Value::String(text) => out.push(Block::Paragraph(plain(text))),
        Value::Array(nodes) => read_nodes(nodes, &mut out),
        node if kind(node) == "doc" => read_nodes(children(node), &mut out),
        node => read_nodes(std::slice::from_ref(node), &mut out),
    }
    out
}

fn kind(node: &Value) -> &str {
    node.get("type").and_then(Value::as_str).unwrap_or_default()
}

fn children(node: &Value) -> &[Value] {
    node.get("content").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn attr<'v>(node: &'v Value, name: &str) -> Option<&'v str> {
    node.get("attrs")?.get(name)?.as_str().filter(|s| !s.is_empty())
}

fn is_inline(node: &Value) -> bool {
    matches!(
        kind(node),
        "text"
            | "hardBreak"
            | "mention"
            | "emoji"
            | "date"
            | "status"
            | "inlineCard"
            | "mediaInline"
            | "placeholder"
            | "inlineExtension"
    )
}

/// Reads blocks; inline nodes that stand among them become paragraphs.
fn read_nodes(nodes: &[Value], out: &mut Vec<Block>) {
    let mut stray = Vec::new();
    for node in nodes {
        if is_inline(node) {
            read_inline(node, &mut stray);
        } else {
            flush(&mut stray, out);
            read_block(node, out);
        }
    }
    flush(&mut stray, out);
}

fn flush(stray: &mut Vec<Inline>, out: &mut Vec<Block>) {
    if !stray.is_empty() {
        out.push(Block::Paragraph(std::mem::take(stray)));
    }
}

fn inlines(node: &Value) -> Vec<Inline> {
    let mut out = Vec::new();
    children(node).iter().for_each(|n| read_inline(n, &mut out));
    out
}

fn blocks(node: &Value) -> Vec<Block> {
    let mut out = Vec::new();
    read_nodes(children(node), &mut out);
    out
}

fn read_block(node: &Value, out: &mut Vec<Block>) {
    match kind(node) {
        "paragraph" => out.push(Block::Paragraph(inlines(node))),
        "heading" => {
            let level = node.get("attrs").and_then(|a| a.get("level")).and_then(Value::as_u64).unwrap_or(1);
            out.push(Block::Heading(u8::try_from(level.clamp(1, 6)).unwrap_or(1), inlines(node)));
        }
        "codeBlock" => {
            let mut text = String::new();
            text_of_inlines(&inlines(node), &mut text);
            out.push(Block::Code { language: attr(node, "language").map(str::to_owned), text });
        }
        "blockquote" | "panel" => out.push(Block::Quote(blocks(node))),
        "bulletList" | "orderedList" | "taskList" | "decisionList" => {
            let mut items: Vec<Vec<Block>> = Vec::new();
            for child in children(node) {
                match kind(child) {
                    // A nested task list stands beside the item that it belongs to.
                    "taskList" | "decisionList" if !items.is_empty() => {
                        if let Some(item) = items.last_mut() {
                            read_block(child, item);
                        }
                    }
                    "taskItem" => {
                        let done = attr(child, "state") == Some("DONE");
                        let mut line = plain(if done { "[x] " } else { "[ ] " });
                        line.extend(inlines(child));
                        items.push(vec![Block::Paragraph(line)]);
                    }
                    "listItem" | "decisionItem" => items.push(blocks(child)),
                    _ => {
                        let mut item = Vec::new();
                        read_nodes(std::slice::from_ref(child), &mut item);
                        items.push(item);
                    }
                }
            }
            out.push(Block::List { ordered: kind(node) == "orderedList", items });
        }
        "rule" => out.push(Block::Rule),
        "tableRow" => out.push(Block::Paragraph(row(node))),
        _ => {
            let before = out.len();
            let mut line = Vec::new();
            if let Some(title) = attr(node, "title") {
                push_text(&mut line, title, Marks::STRONG, None);
            }
            flush(&mut line, out);
            read_nodes(children(node), out);
            if out.len() == before {
                read_leaf(node, &mut line);
                flush(&mut line, out);
            }
        }
    }
}

/// A table row as a line: cells with bars between.
fn row(node: &Value) -> Vec<Inline> {
    let mut line = Vec::new();
    for (n, cell) in children(node).iter().enumerate() {
        if n > 0 {
            push_text(&mut line, " | ", Marks::NONE, None);
        }
        let mut parts = Vec::new();
        read_nodes(std::slice::from_ref(cell), &mut parts);
        // A cell is no known block: its own blocks came out.
        flatten(&parts, &mut line);
    }
    line
}

/// The inline content of blocks, in reading order, with breaks between the blocks.
fn flatten(blocks: &[Block], line: &mut Vec<Inline>) {
    for (n, block) in blocks.iter().enumerate() {
        if n > 0 {
            line.push(Inline::Break);
        }
        match block {
            Block::Paragraph(i) | Block::Heading(_, i) => line.extend(i.iter().cloned()),
            Block::Code { text, .. } => push_text(line, text, Marks::CODE, None),
            Block::Quote(inner) => flatten(inner, line),
            Block::List { items, .. } => {
                for (n, item) in items.iter().enumerate() {
                    if n > 0 {
                        line.push(Inline::Break);
                    }
                    flatten(item, line);
                }
            }
            Block::Rule => push_text(line, "----", Marks::NONE, None),
        }
    }
}

fn read_inline(node: &Value, out: &mut Vec<Inline>) {
    match kind(node) {
        "text" => {
            let text = node.get("text").and_then(Value::as_str).unwrap_or_default();
            let (marks, href) = marks(node);
            push_text(out, text, marks, href);
        }
        "hardBreak" => out.push(Inline::Break),
        "mention" if attr(node, "id").is_some() => out.push(Inline::Mention {
            id: attr(node, "id").unwrap_or_default().to_owned(),
            text: attr(node, "text").unwrap_or_default().to_owned(),
        }),
        "date" => {
            let stamp = node.get("attrs").and_then(|a| a.get("timestamp"));
            let millis = stamp.and_then(|t| t.as_i64().or_else(|| t.as_str()?.parse().ok()));
            match millis.and_then(DateTime::from_timestamp_millis) {
                Some(at) => push_text(out, &at.format("%Y-%m-%d").to_string(), Marks::NONE, None),
                None => read_leaf(node, out),
            }
        }
        _ if !children(node).is_empty() => {
            let mut inner = Vec::new();
            read_nodes(std::slice::from_ref(node), &mut inner);
            flatten(&inner, out);
        }
        _ => read_leaf(node, out),
    }
}

fn marks(node: &Value) -> (Marks, Option<&str>) {
    let mut marks = Marks::NONE;
    let mut href = None;
    for mark in node.get("marks").and_then(Value::as_array).into_iter().flatten() {
        match kind(mark) {
            "strong" => marks = marks.with(Marks::STRONG),
            "em" => marks = marks.with(Marks::EM),
            "underline" => marks = marks.with(Marks::UNDERLINE),
            "strike" => marks = marks.with(Marks::STRIKE),
            "code" => marks = marks.with(Marks::CODE),
            "link" => href = attr(mark, "href"),
            _ => {}
        }
    }
    (marks, href)
}

/// A node without children: its text, its address, or its JSON.
fn read_leaf(node: &Value, out: &mut Vec<Inline>) {
    if let Some(url) = attr(node, "url") {
        let text = attr(node, "text").or_else(|| attr(node, "title")).unwrap_or(url);
        push_text(out, text, Marks::NONE, Some(url));
    } else if let Some(text) = ["text", "shortName", "alt", "title"].iter().find_map(|n| attr(node, n)) {
        push_text(out, text, Marks::NONE, None);
    } else if node.get("attrs").is_some() || node.get("text").is_some() || !node.is_object() {
        push_text(out, &node.to_string(), Marks::NONE, None);
    }
}

// ---- writing ----

/// Where a block is to stand; ADF does not allow every block everywhere, and Cloud answers 400 where it is not allowed.
#[derive(Clone, Copy, PartialEq)]
enum Spot {
    Top,
    Quote,
    Item,
}

pub(super) fn render(blocks: &[Block], mention: &dyn Fn(&str) -> MentionOut) -> Value {
    let mut content = Vec::new();
    render_blocks(blocks, Spot::Top, mention, &mut content);
    json!({"type": "doc", "version": 1, "content": content})
}

fn render_blocks(blocks: &[Block], spot: Spot, mention: &dyn Fn(&str) -> MentionOut, out: &mut Vec<Value>) {
    for block in blocks {
        match block {
            Block::Paragraph(inlines) => out.push(with_content("paragraph", render_inlines(inlines, mention))),
            Block::Heading(level, inlines) if spot == Spot::Top => {
                let mut node = with_content("heading", render_inlines(inlines, mention));
                node["attrs"] = json!({ "level": level });
                out.push(node);
            }
            Block::Heading(_, inlines) => {
                let strong: Vec<Inline> = inlines
                    .iter()
                    .cloned()
                    .map(|i| match i {
                        Inline::Text(mut run) => {
                            run.marks = run.marks.with(Marks::STRONG);
                            Inline::Text(run)
                        }
                        other => other,
                    })
                    .collect();
                out.push(with_content("paragraph", render_inlines(&strong, mention)));
            }
            Block::Code { language, text } => {
                let text = if text.is_empty() { vec![] } else { vec![json!({"type": "text", "text": text})] };
                let mut node = with_content("codeBlock", text);
                if let Some(language) = language {
                    node["attrs"] = json!({ "language": language });
                }
                out.push(node);
            }
            Block::Quote(inner) if spot == Spot::Top => {
                let mut content = Vec::new();
                render_blocks(inner, Spot::Quote, mention, &mut content);
                if !content.is_empty() {
                    out.push(with_content("blockquote", content));
                }
            }
            Block::Quote(inner) => render_blocks(inner, spot, mention, out),
            Block::List { ordered, items } => {
                let items: Vec<Value> = items.iter().map(|item| render_item(item, mention)).collect();
                if !items.is_empty() {
                    out.push(with_content(if *ordered { "orderedList" } else { "bulletList" }, items));
                }
            }
            Block::Rule if spot == Spot::Top => out.push(json!({"type": "rule"})),
            Block::Rule => out.push(with_content("paragraph", render_inlines(&plain("----"), mention))),
        }
    }
}

fn render_item(item: &[Block], mention: &dyn Fn(&str) -> MentionOut) -> Value {
    let mut content = Vec::new();
    render_blocks(item, Spot::Item, mention, &mut content);
    // The first child of an item must not be a list.
    if !content.first().is_some_and(|n| matches!(kind(n), "paragraph" | "codeBlock")) {
        content.insert(0, with_content("paragraph", vec![]));
    }
    with_content("listItem", content)
}

fn with_content(kind: &str, content: Vec<Value>) -> Value {
    json!({"type": kind, "content": content})
}

fn render_inlines(inlines: &[Inline], mention: &dyn Fn(&str) -> MentionOut) -> Vec<Value> {
    let text_node = |text: &str| json!({"type": "text", "text": text});
    let mut out = Vec::new();
    for inline in inlines {
        match inline {
            Inline::Break => out.push(json!({"type": "hardBreak"})),
            Inline::Mention { id, .. } => match mention(id) {
                MentionOut::Mention { id, text } => {
                    out.push(json!({"type": "mention", "attrs": {"id": id, "text": text}}));
                }
                MentionOut::Text(text) if text.is_empty() => {}
                MentionOut::Text(text) => out.push(text_node(&text)),
            },
            Inline::Text(run) => {
                let mut marks = Vec::new();
                if run.marks.has(Marks::CODE) {
                    // ADF lets code stand with a link and with nothing else.
                    marks.push(json!({"type": "code"}));
                } else {
                    for (mark, name) in [
                        (Marks::STRONG, "strong"),
                        (Marks::EM, "em"),
                        (Marks::UNDERLINE, "underline"),
                        (Marks::STRIKE, "strike"),
                    ] {
                        if run.marks.has(mark) {
                            marks.push(json!({ "type": name }));
                        }
                    }
                }
                if let Some(href) = &run.href {
                    marks.push(json!({"type": "link", "attrs": {"href": href}}));
                }
                let mut node = text_node(&run.text);
                if !marks.is_empty() {
                    node["marks"] = marks.into();
                }
                out.push(node);
            }
        }
    }
    out
}

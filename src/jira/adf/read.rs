//! Reading ADF into the document.

use chrono::DateTime;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::{
    super::{
        doc::{BOXES, Block, Cell, Color, FileRef, Inline, Marks, Panel, Style, flatten, plain, push_text, title},
        looks::{emoji_of, lozenge_color},
        wiki::{file_params, is_address, is_file_name, is_image_name},
    },
    render::{FILE, IMAGE},
    text_of_inlines,
};

/// JSON that nests deeper is read for its text alone. Cloud's editor makes some twenty levels, `serde_json` reads 128.
const DEEPEST: usize = 130;

/// Columns and rows that one merged cell may take; looks alone.
const WIDEST: u64 = 50;

/// Reads any JSON as a document; a bare string is taken as its text.
pub(super) fn read(adf: &Value) -> Vec<Block> {
    if let Some(text) = text_of_depths(adf) {
        return vec![Block::Paragraph(plain(&text))];
    }
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

/// All strings of a document that is too deep to walk, a line each; none for any other. Keeps its own stack.
fn text_of_depths(adf: &Value) -> Option<String> {
    let mut lines: Vec<&str> = Vec::new();
    let mut too_deep = false;
    let mut stack = vec![(adf, 0)];
    while let Some((value, depth)) = stack.pop() {
        too_deep |= depth > DEEPEST;
        match value {
            Value::String(text) => lines.push(text),
            Value::Array(items) => stack.extend(items.iter().rev().map(|v| (v, depth + 1))),
            Value::Object(members) => stack.extend(members.values().rev().map(|v| (v, depth + 1))),
            _ => {}
        }
    }
    too_deep.then(|| lines.join("\n"))
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

fn number(node: &Value, name: &str) -> Option<u64> {
    node.get("attrs")?.get(name)?.as_u64()
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
            let level = number(node, "level").unwrap_or(1);
            out.push(Block::Heading(u8::try_from(level.clamp(1, 6)).unwrap_or(1), inlines(node)));
        }
        "codeBlock" => {
            let mut text = String::new();
            text_of_inlines(&inlines(node), &mut text);
            out.push(Block::Code { language: attr(node, "language").map(str::to_owned), text });
        }
        "blockquote" => out.push(Block::Quote(blocks(node))),
        "panel" => {
            let own = attr(node, "panelColor").and_then(Color::hex).map(Panel::colored);
            let kind = attr(node, "panelType").and_then(Panel::named).or(own).unwrap_or(Panel::Info);
            let mut inner = blocks(node);
            // The sign of a panel of one's own, where it is a word.
            if let Some(icon) = attr(node, "panelIconText") {
                inner.insert(0, Block::Paragraph(plain(icon)));
            }
            out.push(Block::Panel(kind, inner));
        }
        "expand" | "nestedExpand" => {
            out.push(Block::Expand(attr(node, "title").unwrap_or_default().to_owned(), blocks(node)));
        }
        "table" if children(node).iter().all(|row| kind(row) == "tableRow") => out.push(table(children(node))),
        "tableRow" => out.push(table(std::slice::from_ref(node))),
        "bulletList" | "orderedList" | "taskList" | "decisionList" => {
            out.push(Block::List { ordered: kind(node) == "orderedList", items: items(node) });
        }
        "rule" => out.push(Block::Rule),
        "blockCard" | "embedCard" => flush(&mut card(node), out),
        "mediaSingle" | "mediaGroup" => {
            let mut line = Vec::new();
            for child in children(node) {
                if !line.is_empty() {
                    line.push(Inline::Break);
                }
                match kind(child) {
                    "media" => media(child, &mut line),
                    "caption" => line.extend(inlines(child)),
                    _ => {
                        let mut inner = Vec::new();
                        read_nodes(std::slice::from_ref(child), &mut inner);
                        flatten(&inner, &mut line);
                    }
                }
            }
            flush(&mut line, out);
        }
        "media" => {
            let mut line = Vec::new();
            media(node, &mut line);
            flush(&mut line, out);
        }
        "extension" | "bodiedExtension" | "multiBodiedExtension" => {
            flush(&mut extension(node), out);
            read_nodes(children(node), out);
        }
        _ => {
            let before = out.len();
            out.extend(attr(node, "title").map(title));
            read_nodes(children(node), out);
            if out.len() == before {
                let mut line = Vec::new();
                read_leaf(node, &mut line);
                flush(&mut line, out);
            }
        }
    }
}

fn items(list: &Value) -> Vec<Vec<Block>> {
    let mut items: Vec<Vec<Block>> = Vec::new();
    for child in children(list) {
        let mut boxed = |sign: &str, line: Vec<Inline>| {
            let mut all = plain(sign);
            for inline in line {
                match inline {
                    Inline::Text(run) => push_text(&mut all, &run.text, run.style()),
                    other => all.push(other),
                }
            }
            items.push(vec![Block::Paragraph(all)]);
        };
        let sign = BOXES[usize::from(attr(child, "state") == Some("DONE"))];
        match kind(child) {
            "taskItem" => boxed(sign, inlines(child)),
            "decisionItem" => boxed(BOXES[2], inlines(child)),
            "blockTaskItem" => {
                boxed(sign, vec![]);
                if let Some(item) = items.last_mut() {
                    read_nodes(children(child), item);
                    // The first paragraph stands behind the box.
                    if let [Block::Paragraph(line), Block::Paragraph(first), ..] = item.as_mut_slice() {
                        line.append(first);
                        item.remove(1);
                    }
                }
            }
            // A nested task list stands beside the item that it belongs to.
            "taskList" | "decisionList" if !items.is_empty() => {
                if let Some(item) = items.last_mut() {
                    read_block(child, item);
                }
            }
            "listItem" => items.push(blocks(child)),
            _ => {
                let mut item = Vec::new();
                read_nodes(std::slice::from_ref(child), &mut item);
                items.push(item);
            }
        }
    }
    items
}

/// A table. Where cells are merged, empty ones fill what they took, so that columns stay below each other.
fn table(rows: &[Value]) -> Block {
    let empty = || Cell { header: false, blocks: vec![] };
    // For each column how many rows it is still taken from above.
    let mut taken: Vec<u64> = Vec::new();
    let mut out: Vec<Vec<Cell>> = Vec::new();
    for row in rows {
        let mut cells: Vec<Cell> = Vec::new();
        let mut fill = |cells: &mut Vec<Cell>| {
            while let Some(left) = taken.get_mut(cells.len()).filter(|n| **n > 0) {
                *left -= 1;
                cells.push(empty());
            }
        };
        let mut below = Vec::new();
        for cell in children(row) {
            fill(&mut cells);
            let span = |name| number(cell, name).unwrap_or(1).clamp(1, WIDEST);
            let at = cells.len();
            let is_cell = matches!(kind(cell), "tableCell" | "tableHeader");
            let mut inner = Vec::new();
            read_nodes(if is_cell { children(cell) } else { std::slice::from_ref(cell) }, &mut inner);
            cells.push(Cell { header: kind(cell) == "tableHeader", blocks: inner });
            cells.extend((1..span("colspan")).map(|_| empty()));
            if span("rowspan") > 1 {
                below.push((at..cells.len(), span("rowspan") - 1));
            }
        }
        fill(&mut cells);
        for (columns, rows) in below {
            if taken.len() < columns.end {
                taken.resize(columns.end, 0);
            }
            taken[columns].fill(rows);
        }
        out.push(cells);
    }
    Block::Table(out)
}

fn read_inline(node: &Value, out: &mut Vec<Inline>) {
    match kind(node) {
        "text" => {
            let text = node.get("text").and_then(Value::as_str).unwrap_or_default();
            let (style, tip) = style(node);
            match style.href.and_then(file_of) {
                // Where somebody changed the text, what stood there before must not come back.
                Some(file) if file.name == text => out.push(Inline::File(file)),
                Some(_) => push_text(out, text, Style { href: None, ..style }),
                None => push_text(out, text, style),
            }
            if let Some(tip) = tip.filter(|t| *t != text) {
                push_text(out, &format!(" ({tip})"), Style::PLAIN);
            }
        }
        "hardBreak" => out.push(Inline::Break),
        "mention" if attr(node, "id").is_some() => out.push(Inline::Mention {
            id: attr(node, "id").unwrap_or_default().to_owned(),
            text: attr(node, "text").unwrap_or_default().to_owned(),
        }),
        "emoji" => match emoji_of(attr(node, "shortName"), attr(node, "text")) {
            Some(emoji) => out.push(Inline::Emoji(emoji)),
            None => read_leaf(node, out),
        },
        "status" if attr(node, "text").is_some_and(|t| !t.contains(['[', ']', '\n'])) => {
            let color = lozenge_color(attr(node, "color").unwrap_or_default());
            let text = format!("[ {} ]", attr(node, "text").unwrap_or_default());
            push_text(out, &text, Style { marks: Marks::STRONG, color: Some(color), href: None });
        }
        "date" => {
            let stamp = node.get("attrs").and_then(|a| a.get("timestamp"));
            let millis = stamp.and_then(|t| t.as_i64().or_else(|| t.as_str()?.parse().ok()));
            match millis.and_then(DateTime::from_timestamp_millis) {
                Some(at) => push_text(out, &at.format("%Y-%m-%d").to_string(), Style::PLAIN),
                None => read_leaf(node, out),
            }
        }
        "inlineCard" => out.extend(card(node)),
        "mediaInline" => media(node, out),
        "inlineExtension" => out.extend(extension(node)),
        _ if !node.is_object() => read_leaf(node, out),
        _ if is_inline(node) && children(node).is_empty() => read_leaf(node, out),
        _ => {
            let mut inner = Vec::new();
            if is_inline(node) {
                // A leaf that has children all the same: what it says itself, and they.
                read_leaf(&json!({"attrs": node["attrs"]}), out);
                read_nodes(children(node), &mut inner);
            } else {
                read_block(node, &mut inner);
            }
            flatten(&inner, out);
        }
    }
}

/// How a text looks, and the tip of its link.
fn style(node: &Value) -> (Style<'_>, Option<&str>) {
    let mut style = Style::PLAIN;
    let mut tip = None;
    for mark in node.get("marks").and_then(Value::as_array).into_iter().flatten() {
        let mut lay = |m: Marks| {
            if style.marks.takes(m) {
                style.marks = style.marks.with(m);
            }
        };
        match kind(mark) {
            "strong" => lay(Marks::STRONG),
            "em" => lay(Marks::EM),
            "underline" => lay(Marks::UNDERLINE),
            "strike" => lay(Marks::STRIKE),
            "code" => lay(Marks::CODE),
            "subsup" => lay(if attr(mark, "type") == Some("sub") { Marks::SUB } else { Marks::SUP }),
            "textColor" => style.color = attr(mark, "color").and_then(Color::hex),
            "link" => (style.href, tip) = (attr(mark, "href"), attr(mark, "title")),
            _ => {}
        }
    }
    // ADF lets code stand with a link and with nothing else.
    if style.marks.has(Marks::CODE) {
        (style.marks, style.color) = (Marks::CODE, None);
    }
    (style, tip)
}

/// The file that our own link stands for.
fn file_of(href: &str) -> Option<FileRef> {
    let (rest, image) = match href.strip_prefix(IMAGE) {
        Some(rest) => (rest, true),
        None => (href.strip_prefix(FILE)?, false),
    };
    let (name, params) = rest.split_once('?').unwrap_or((rest, ""));
    let decode = |s: &str| percent_decode_str(s).decode_utf8().map(|s| s.into_owned()).ok();
    let name = decode(name).filter(|n| is_file_name(n) && (!image || is_image_name(n)))?;
    Some(FileRef { name, image, params: file_params(&decode(params)?).0 })
}

fn card(node: &Value) -> Vec<Inline> {
    let mut out = Vec::new();
    match attr(node, "url").filter(|url| is_address(url) && url.contains(':')) {
        Some(url) => out.push(Inline::Card(url.to_owned())),
        None => read_leaf(node, &mut out),
    }
    out
}

/// A file of Cloud's media store: by its name where the node says it, else by its id; a picture elsewhere by its address.
fn media(node: &Value, out: &mut Vec<Inline>) {
    let side = |name| number(node, name).map(|n| format!("{name}={n}"));
    let params: Vec<String> = ["width", "height"].into_iter().filter_map(side).collect();
    let alt = attr(node, "alt");
    if let Some(url) = attr(node, "url") {
        if is_image_name(url) {
            out.push(Inline::File(FileRef { name: url.to_owned(), image: true, params: params.join(",") }));
        } else {
            push_text(out, url, Style::linked(url));
        }
        if let Some(alt) = alt.filter(|a| *a != url) {
            push_text(out, &format!(" ({alt})"), Style::PLAIN);
        }
        return;
    }
    let named = attr(node, "__fileName").or(alt);
    match named.filter(|n| is_file_name(n) && n.contains('.')) {
        Some(name) => {
            let image = kind(node) == "media" && is_image_name(name) && shows(name);
            let params = if image && params.is_empty() { "thumbnail".to_owned() } else { params.join(",") };
            let params = if image { params } else { String::new() };
            out.push(Inline::File(FileRef { name: name.to_owned(), image, params }));
        }
        None if alt.is_some() => push_text(out, alt.unwrap_or_default(), Style::PLAIN),
        None => match attr(node, "id") {
            Some(id) => push_text(out, &format!("[media {id}]"), Style::PLAIN),
            None => read_leaf(node, out),
        },
    }
}

/// Whether a browser shows a file of this name as a picture.
fn shows(name: &str) -> bool {
    let end = name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    ["png", "jpg", "jpeg", "gif", "webp", "svg", "bmp"].contains(&end.as_str())
}

/// An extension: its text and all strings of its parameters, since wiki markup has no such macro.
fn extension(node: &Value) -> Vec<Inline> {
    let mut out = Vec::new();
    let Some(text) = ["text", "title", "extensionKey"].iter().find_map(|n| attr(node, n)) else {
        if children(node).is_empty() {
            read_leaf(node, &mut out);
        }
        return out;
    };
    let mut words = vec![text];
    let mut stack: Vec<&Value> = node["attrs"].get("parameters").into_iter().collect();
    while let Some(value) = stack.pop() {
        match value {
            Value::String(s) if !s.trim().is_empty() && !words.contains(&s.as_str()) => words.push(s),
            Value::Array(items) => stack.extend(items.iter().rev()),
            Value::Object(members) => stack.extend(members.values().rev()),
            _ => {}
        }
    }
    push_text(&mut out, &words.join(" "), Style::PLAIN);
    out
}

/// A node without children: its text, its address, or its JSON.
fn read_leaf(node: &Value, out: &mut Vec<Inline>) {
    if let Some(url) = attr(node, "url") {
        let text = attr(node, "text").or_else(|| attr(node, "title")).unwrap_or(url);
        push_text(out, text, Style::linked(url));
    } else if let Some(text) = ["text", "shortName", "alt", "title"].iter().find_map(|n| attr(node, n)) {
        push_text(out, text, Style::PLAIN);
    } else if node.get("attrs").is_some_and(|a| !is_empty(a)) || node.get("text").is_some() || !node.is_object() {
        push_text(out, &node.to_string(), Style::PLAIN);
    }
}

fn is_empty(attrs: &Value) -> bool {
    attrs.is_null() || attrs.as_object().is_some_and(serde_json::Map::is_empty)
}

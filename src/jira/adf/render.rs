//! Writing the document as ADF that Cloud takes: it answers 400 where a block stands in one that may not hold it.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::{
    super::{
        doc::{BOXES, Block, Cell, FileRef, Inline, Marks, Run, plain, rows_as_lines, strong, title},
        looks::lozenge_name,
        wiki::is_address,
    },
    MentionOut,
};

/// What a link to an attachment begins with. Cloud knows files by ids that no wiki text has: the name is shown, and the
/// link, which leads nowhere, lets it be a file again on its way back.
pub(super) const FILE: &str = "#file:";
/// The same of a picture.
pub(super) const IMAGE: &str = "#image:";

const NAME: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// Where a block is to stand.
#[derive(Clone, Copy, PartialEq)]
enum Spot {
    Top,
    Quote,
    Item,
    Panel,
    Cell,
    /// In an expand at the top; in one that is inside something.
    Expand,
    Nested,
}

impl Spot {
    /// Whether a block may stand here. After `@atlaskit/adf-schema`, `full.json`, but for tasks in table cells and items,
    /// which the public pages do not have.
    fn takes(self, block: &Block) -> bool {
        match block {
            Block::Paragraph(_) | Block::Code { .. } | Block::List { .. } => true,
            Block::Heading(..) | Block::Rule => !matches!(self, Self::Quote | Self::Item),
            Block::Quote(_) => matches!(self, Self::Top | Self::Cell | Self::Expand | Self::Nested),
            Block::Panel(..) => matches!(self, Self::Top | Self::Cell | Self::Expand | Self::Nested),
            Block::Expand(..) => matches!(self, Self::Top | Self::Cell | Self::Expand),
            Block::Table(_) => matches!(self, Self::Top | Self::Expand),
        }
    }

    fn takes_boxes(self) -> bool {
        matches!(self, Self::Top | Self::Panel | Self::Expand | Self::Nested)
    }
}

pub(super) fn render(blocks: &[Block], mention: &dyn Fn(&str) -> MentionOut) -> Value {
    let mut writer = Writer { mention, boxes: 0 };
    let content = writer.blocks(blocks, Spot::Top);
    json!({"type": "doc", "version": 1, "content": content})
}

struct Writer<'m> {
    mention: &'m dyn Fn(&str) -> MentionOut,
    /// Task lists, decision lists and their items so far: each needs an id of its own.
    boxes: usize,
}

impl Writer<'_> {
    fn blocks(&mut self, blocks: &[Block], spot: Spot) -> Vec<Value> {
        let mut out = Vec::new();
        blocks.iter().for_each(|b| self.block(b, spot, &mut out));
        out
    }

    fn block(&mut self, block: &Block, spot: Spot, out: &mut Vec<Value>) {
        let fits = spot.takes(block);
        match block {
            Block::Paragraph(inlines) => match inlines.as_slice() {
                // In items and cells paragraphs become lines of one on their way back.
                [Inline::File(file)] if is_elsewhere(file) && !matches!(spot, Spot::Item | Spot::Cell) => {
                    out.push(picture(file));
                }
                _ => out.push(node("paragraph", self.inlines(inlines))),
            },
            Block::Heading(level, inlines) if fits => {
                let mut heading = node("heading", self.inlines(inlines));
                heading["attrs"] = json!({ "level": level });
                out.push(heading);
            }
            Block::Heading(_, inlines) => out.push(node("paragraph", self.inlines(&strong(inlines)))),
            Block::Code { language, text } => {
                let text = if text.is_empty() { vec![] } else { vec![json!({"type": "text", "text": text})] };
                let mut code = node("codeBlock", text);
                if let Some(language) = language {
                    code["attrs"] = json!({ "language": language });
                }
                out.push(code);
            }
            Block::Quote(inner) if fits => self.holder(&|c| node("blockquote", c), inner, spot, Spot::Quote, out),
            Block::Panel(kind, inner) if fits => {
                let wrap = |c| with_attrs("panel", json!({"panelType": kind.name()}), c);
                self.holder(&wrap, inner, spot, Spot::Panel, out);
            }
            Block::Quote(inner) | Block::Panel(_, inner) => {
                inner.iter().for_each(|b| self.block(b, spot, out));
            }
            Block::Expand(name, inner) if fits => {
                let (name_of, inside) =
                    if spot == Spot::Top { ("expand", Spot::Expand) } else { ("nestedExpand", Spot::Nested) };
                let mut content = self.blocks(inner, inside);
                if content.is_empty() {
                    content.push(node("paragraph", vec![]));
                }
                out.push(with_attrs(name_of, json!({ "title": name }), content));
            }
            Block::Expand(name, inner) => {
                if !name.is_empty() {
                    self.block(&title(name), spot, out);
                }
                inner.iter().for_each(|b| self.block(b, spot, out));
            }
            Block::Table(rows) if fits => out.extend(self.table(rows)),
            Block::Table(rows) => rows_as_lines(rows).iter().for_each(|b| self.block(b, spot, out)),
            Block::List { ordered, items } => {
                if let Some(boxes) = self.boxed(*ordered, items, spot) {
                    out.push(boxes);
                } else if !items.is_empty() {
                    let items = items.iter().map(|item| self.item(item)).collect();
                    out.push(node(if *ordered { "orderedList" } else { "bulletList" }, items));
                }
            }
            Block::Rule if fits => out.push(json!({"type": "rule"})),
            Block::Rule => out.push(node("paragraph", self.inlines(&plain("----")))),
        }
    }

    /// A block that holds others. What it may not hold but its surroundings may stands between two parts of it.
    fn holder(
        &mut self,
        wrap: &dyn Fn(Vec<Value>) -> Value,
        inner: &[Block],
        around: Spot,
        inside: Spot,
        out: &mut Vec<Value>,
    ) {
        let mut part = Vec::new();
        for block in inner {
            let whole = matches!(block, Block::Quote(_) | Block::Panel(..) | Block::Expand(..) | Block::Table(_));
            if whole && !inside.takes(block) && around.takes(block) {
                if !part.is_empty() {
                    out.push(wrap(std::mem::take(&mut part)));
                }
                self.block(block, around, out);
            } else {
                self.block(block, inside, &mut part);
            }
        }
        if !part.is_empty() {
            out.push(wrap(part));
        }
    }

    fn item(&mut self, item: &[Block]) -> Value {
        let mut content = self.blocks(item, Spot::Item);
        // The first child of an item must not be a list.
        let first = content.first().and_then(|n| n["type"].as_str());
        if !first.is_some_and(|k| matches!(k, "paragraph" | "codeBlock")) {
            content.insert(0, node("paragraph", vec![]));
        }
        node("listItem", content)
    }

    /// Short rows are filled up, as Jira draws them, where that does not blow the table up.
    fn table(&mut self, rows: &[Vec<Cell>]) -> Option<Value> {
        let width = rows.iter().map(Vec::len).max().unwrap_or_default();
        let cells: usize = rows.iter().map(Vec::len).sum();
        let fill = width.saturating_mul(rows.len()) <= 8 * cells + 64;
        let mut out = Vec::new();
        for row in rows {
            let mut content = Vec::new();
            for cell in row {
                let mut blocks = self.blocks(&cell.blocks, Spot::Cell);
                if blocks.is_empty() {
                    blocks.push(node("paragraph", vec![]));
                }
                content.push(node(if cell.header { "tableHeader" } else { "tableCell" }, blocks));
            }
            while fill && content.len() < width {
                content.push(node("tableCell", vec![node("paragraph", vec![])]));
            }
            out.push(node("tableRow", content));
        }
        (width > 0).then(|| node("table", out))
    }

    fn next_id(&mut self) -> String {
        self.boxes += 1;
        format!("box-{}", self.boxes)
    }

    /// A list of which each item begins with its box, as tasks or decisions, where they may stand here.
    fn boxed(&mut self, ordered: bool, items: &[Vec<Block>], spot: Spot) -> Option<Value> {
        if ordered || !spot.takes_boxes() || items.is_empty() {
            return None;
        }
        let decisions = items.iter().all(|i| box_of(i, false) == Some(2));
        if !decisions && !items.iter().all(|i| box_of(i, true).is_some_and(|b| b < 2)) {
            return None;
        }
        Some(self.boxes_of(items, decisions))
    }

    fn boxes_of(&mut self, items: &[Vec<Block>], decisions: bool) -> Value {
        let id = self.next_id();
        let mut content = Vec::new();
        for item in items {
            let [Block::Paragraph(line), lists @ ..] = item.as_slice() else { continue };
            let sign = box_of(item, true).unwrap_or_default();
            let state = ["TODO", "DONE", "DECIDED"][sign];
            let attrs = json!({"localId": self.next_id(), "state": state});
            let inner = self.inlines(&unboxed(line, BOXES[sign]));
            content.push(with_attrs(if decisions { "decisionItem" } else { "taskItem" }, attrs, inner));
            for list in lists {
                if let Block::List { items, .. } = list {
                    let inner = self.boxes_of(items, false);
                    content.push(inner);
                }
            }
        }
        with_attrs(if decisions { "decisionList" } else { "taskList" }, json!({ "localId": id }), content)
    }

    fn inlines(&self, inlines: &[Inline]) -> Vec<Value> {
        let mut out = Vec::new();
        for inline in inlines {
            match inline {
                Inline::Break => out.push(json!({"type": "hardBreak"})),
                Inline::Mention { id, .. } => match (self.mention)(id) {
                    MentionOut::Mention { id, text } => {
                        out.push(json!({"type": "mention", "attrs": {"id": id, "text": text}}));
                    }
                    MentionOut::Text(text) if text.is_empty() => {}
                    MentionOut::Text(text) => out.push(json!({"type": "text", "text": text})),
                },
                Inline::Emoji(e) => {
                    out.push(json!({"type": "emoji", "attrs": {"shortName": e.short_name, "id": e.id, "text": e.text}}))
                }
                Inline::Card(url) => out.push(json!({"type": "inlineCard", "attrs": {"url": url}})),
                Inline::File(file) => {
                    let href = if is_elsewhere(file) { file.name.clone() } else { file_link(file) };
                    out.push(linked(&file.name, &href));
                }
                Inline::Text(run) => match lozenges(run) {
                    Some(found) => out.extend(found),
                    None => out.push(text(run)),
                },
            }
        }
        out
    }
}

fn node(kind: &str, content: Vec<Value>) -> Value {
    json!({"type": kind, "content": content})
}

fn with_attrs(kind: &str, attrs: Value, content: Vec<Value>) -> Value {
    json!({"type": kind, "attrs": attrs, "content": content})
}

fn linked(text: &str, href: &str) -> Value {
    json!({"type": "text", "text": text, "marks": [{"type": "link", "attrs": {"href": href}}]})
}

fn text(run: &Run) -> Value {
    let mut marks = Vec::new();
    if run.marks.has(Marks::CODE) {
        // ADF lets code stand with a link and with nothing else.
        marks.push(json!({"type": "code"}));
    } else {
        for (mark, kind) in
            [(Marks::STRONG, "strong"), (Marks::EM, "em"), (Marks::UNDERLINE, "underline"), (Marks::STRIKE, "strike")]
        {
            if run.marks.has(mark) {
                marks.push(json!({ "type": kind }));
            }
        }
        for (mark, kind) in [(Marks::SUB, "sub"), (Marks::SUP, "sup")] {
            if run.marks.has(mark) {
                marks.push(json!({"type": "subsup", "attrs": {"type": kind}}));
            }
        }
        if let Some(color) = run.color {
            marks.push(json!({"type": "textColor", "attrs": {"color": color.to_string()}}));
        }
    }
    if let Some(href) = &run.href {
        marks.push(json!({"type": "link", "attrs": {"href": href}}));
    }
    let mut node = json!({"type": "text", "text": run.text});
    if !marks.is_empty() {
        node["marks"] = marks.into();
    }
    node
}

/// The lozenges that a text stands for: `[ DONE ]`, strong, in a colour of theirs.
fn lozenges(run: &Run) -> Option<Vec<Value>> {
    let color = run.color.and_then(lozenge_name).filter(|_| run.marks == Marks::STRONG && run.href.is_none())?;
    let mut out = Vec::new();
    let mut rest = run.text.as_str();
    while !rest.is_empty() {
        let (text, behind) = rest.strip_prefix("[ ")?.split_once(" ]")?;
        if text.is_empty() || text.contains(['[', ']']) {
            return None;
        }
        out.push(json!({"type": "status", "attrs": {"text": text, "color": color}}));
        rest = behind;
    }
    Some(out)
}

/// A picture that is no attachment.
fn is_elsewhere(file: &FileRef) -> bool {
    file.image && file.name.contains("://") && is_address(&file.name)
}

fn file_link(file: &FileRef) -> String {
    let mut href = if file.image { IMAGE } else { FILE }.to_owned();
    href.extend(utf8_percent_encode(&file.name, NAME));
    if !file.params.is_empty() {
        href.push('?');
        href.extend(utf8_percent_encode(&file.params, NAME));
    }
    href
}

fn picture(file: &FileRef) -> Value {
    let mut attrs = json!({"type": "external", "url": file.name});
    for param in file.params.split(',') {
        if let Some((name @ ("width" | "height"), value)) = param.split_once('=')
            && let Ok(n) = value.trim_end_matches("px").parse::<u32>()
        {
            attrs[name] = n.into();
        }
    }
    with_attrs("mediaSingle", json!({"layout": "center"}), vec![json!({"type": "media", "attrs": attrs})])
}

/// Which box an item begins with, if it is one paragraph and, where `nested`, lists of tasks.
fn box_of(item: &[Block], nested: bool) -> Option<usize> {
    let [Block::Paragraph(line), lists @ ..] = item else { return None };
    let Some(Inline::Text(first)) = line.first() else { return None };
    let plain = first.marks == Marks::NONE && first.color.is_none() && first.href.is_none();
    let found = BOXES.iter().position(|b| {
        first.text.starts_with(b) || (first.text == b.trim_end() && matches!(line.get(1), None | Some(Inline::Break)))
    });
    let tasks = |list: &Block| match list {
        Block::List { ordered: false, items } => items.iter().all(|i| box_of(i, true).is_some_and(|b| b < 2)),
        _ => false,
    };
    let fits = plain && if nested { lists.iter().all(tasks) } else { lists.is_empty() };
    found.filter(|_| fits)
}

/// A line without its box.
fn unboxed(line: &[Inline], sign: &str) -> Vec<Inline> {
    let mut out = line.to_vec();
    if let Some(Inline::Text(run)) = out.first_mut() {
        run.text = run.text.get(sign.len()..).unwrap_or_default().to_owned();
        if run.text.is_empty() {
            out.remove(0);
        }
    }
    out
}

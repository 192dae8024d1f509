//! Writing a document as wiki markup that reads back as the same document.

use super::{
    super::{
        adf::Mention,
        doc::{Block, Cell, Inline, Marks, Panel, Style, plain, rows_as_lines, strong, styled, title},
    },
    macros::{FOLD, is_language},
    rules::DEEPEST_LIST,
    runs::{line_start, lines, trimmed},
};

pub(super) type Mentions<'f> = &'f dyn Fn(&Mention) -> String;

/// What stands around a block: neither macros nor tables nest in themselves.
#[derive(Clone, Copy, Default)]
struct Around {
    quote: bool,
    panel: bool,
    table: bool,
}

/// Writes blocks, an empty line between two.
pub(in super::super) fn write(blocks: &[Block], mention: Mentions<'_>) -> String {
    Writer { mention }.blocks(blocks, Around::default())
}

struct Writer<'m> {
    mention: Mentions<'m>,
}

impl Writer<'_> {
    fn blocks(&self, blocks: &[Block], around: Around) -> String {
        let parts: Vec<String> = blocks.iter().filter_map(|b| self.block(b, around)).collect();
        parts.join("\n\n")
    }

    fn block(&self, block: &Block, around: Around) -> Option<String> {
        let text = match block {
            Block::Paragraph(inlines) => lines(inlines, true, self.mention),
            Block::Heading(level, inlines) => {
                let text = lines(&trimmed(inlines), false, self.mention);
                if text.is_empty() { String::new() } else { format!("h{level}. {text}") }
            }
            Block::Code { language, text } => self.code(language.as_deref(), text),
            Block::Quote(inner) if around.quote => self.blocks(inner, around),
            Block::Quote(inner) => {
                let text = self.blocks(inner, Around { quote: true, ..around });
                if text.trim().is_empty() { String::new() } else { format!("{{quote}}\n{text}\n{{quote}}") }
            }
            Block::Panel(_, inner) if around.panel => self.blocks(inner, around),
            Block::Panel(kind, inner) => self.panel(*kind, inner, around),
            Block::Expand(name, inner) => self.expand(name, inner, around),
            Block::Table(rows) if around.table => self.blocks(&rows_as_lines(rows), around),
            Block::Table(rows) => self.table(rows, around),
            Block::List { ordered, items } => {
                let mut out = String::new();
                self.list(&mut out, *ordered, items, "");
                out
            }
            Block::Rule => "----".to_owned(),
        };
        (!text.trim().is_empty()).then_some(text)
    }

    /// A first line that is strong all along is the title.
    fn panel(&self, kind: Panel, inner: &[Block], around: Around) -> String {
        let name = match inner {
            [Block::Paragraph(line), rest @ ..] => match line.as_slice() {
                [Inline::Text(run)] if run.style() == Style::marked(Marks::STRONG) && is_title(&run.text) => {
                    Some((run.text.as_str(), rest))
                }
                _ => None,
            },
            _ => None,
        };
        let (head, inner) = match name {
            Some((name, rest)) => (format!("title={name}|"), rest),
            None => (String::new(), inner),
        };
        let text = self.blocks(inner, Around { panel: true, ..around });
        if text.trim().is_empty() && head.is_empty() {
            return String::new();
        }
        format!("{{panel:{head}bgColor={}}}\n{text}\n{{panel}}", kind.color())
    }

    fn expand(&self, name: &str, inner: &[Block], around: Around) -> String {
        let text = self.blocks(inner, Around { panel: true, ..around });
        if around.panel || !(name.is_empty() || is_title(name)) {
            let head = self.block(&title(name), around);
            let parts: Vec<String> = head.into_iter().chain((!text.is_empty()).then_some(text)).collect();
            return parts.join("\n\n");
        }
        if name.is_empty() && text.trim().is_empty() {
            return String::new();
        }
        let head = if name.is_empty() { String::new() } else { format!("title={name}|") };
        format!("{{panel:{head}{FOLD}}}\n{text}\n{{panel}}")
    }

    fn table(&self, rows: &[Vec<Cell>], around: Around) -> String {
        let around = Around { table: true, ..around };
        let mut out = String::new();
        for row in rows.iter().filter(|r| !r.is_empty()) {
            if !out.is_empty() {
                out.push('\n');
            }
            let mut bar = "|";
            for cell in row {
                bar = if cell.header { "||" } else { "|" };
                let text = self.cell(&cell.blocks, around);
                out.push_str(bar);
                out.push_str(if text.trim().is_empty() { " " } else { &text });
            }
            out.push_str(bar);
        }
        out
    }

    /// A cell has no empty lines: paragraphs become lines of one.
    fn cell(&self, blocks: &[Block], around: Around) -> String {
        let mut out = String::new();
        let mut open = false;
        for block in &spread(blocks, around) {
            if let Block::Paragraph(inlines) = block {
                let text = lines(&trimmed(inlines), false, self.mention);
                if text.trim().is_empty() {
                    continue;
                }
                if open {
                    out.push_str("\\\\");
                    out.push_str(&text);
                } else {
                    if !out.is_empty() {
                        out.push('\n');
                    }
                    out.push_str(&line_start(&text));
                }
                open = true;
                continue;
            }
            let text = self.block(block, around).unwrap_or_default();
            if text.trim().is_empty() {
                continue;
            }
            if !out.is_empty() {
                out.push('\n');
            }
            out.push_str(&text);
            open = false;
        }
        out
    }

    fn code(&self, language: Option<&str>, text: &str) -> String {
        if !text.contains("{code") {
            let language = language.filter(|l| is_language(l));
            let head = language.map_or("{code}".to_owned(), |l| format!("{{code:{l}}}"));
            return format!("{head}\n{text}\n{{code}}");
        }
        if !in_neither_macro(text) {
            return format!("{{noformat}}\n{text}\n{{noformat}}");
        }
        lines(&styled(text, Style::marked(Marks::CODE)), true, self.mention)
    }

    /// Writes a list; whether a paragraph is open at its end.
    fn list(&self, out: &mut String, ordered: bool, items: &[Vec<Block>], prefix: &str) -> bool {
        let mut open = true;
        // The reader takes deeper lists for text, so they stay on the deepest level.
        let mut prefix = prefix.to_owned();
        if prefix.len() < DEEPEST_LIST {
            prefix.push(if ordered { '#' } else { '*' });
        }
        for item in items {
            if !out.is_empty() {
                out.push('\n');
            }
            out.push_str(&prefix);
            out.push(' ');
            // Whether a paragraph is open on the line that is being written.
            open = true;
            self.item(out, item, &prefix, &mut open, &mut true);
        }
        open
    }

    fn item(&self, out: &mut String, item: &[Block], prefix: &str, open: &mut bool, fresh: &mut bool) {
        for block in item {
            match block {
                Block::Paragraph(inlines) => {
                    let text = lines(&trimmed(inlines), false, self.mention);
                    if text.is_empty() {
                        continue;
                    }
                    if *fresh {
                        out.push_str(&text);
                    } else if *open {
                        out.push_str("\\\\");
                        out.push_str(&text);
                    } else {
                        out.push('\n');
                        out.push_str(&line_start(&text));
                    }
                    *open = true;
                }
                Block::Heading(_, inlines) => {
                    self.item(out, &[Block::Paragraph(strong(inlines))], prefix, open, fresh);
                }
                Block::Rule => self.item(out, &[Block::Paragraph(plain("----"))], prefix, open, fresh),
                Block::Quote(inner) | Block::Panel(_, inner) => self.item(out, inner, prefix, open, fresh),
                Block::Expand(name, inner) => {
                    self.item(out, &[title(name)], prefix, open, fresh);
                    self.item(out, inner, prefix, open, fresh);
                }
                Block::Table(rows) => self.item(out, &rows_as_lines(rows), prefix, open, fresh),
                Block::Code { text, .. } if in_neither_macro(text) => {
                    let code = Block::Paragraph(styled(text, Style::marked(Marks::CODE)));
                    self.item(out, &[code], prefix, open, fresh);
                }
                Block::Code { language, text } => {
                    out.push('\n');
                    out.push_str(&self.code(language.as_deref(), text));
                    *open = false;
                }
                Block::List { ordered, items } => {
                    if items.is_empty() {
                        continue;
                    }
                    // What follows in this item reads as part of the list's last one: wiki markup has no way back.
                    *open = self.list(out, *ordered, items, prefix);
                }
            }
            *fresh = false;
        }
    }
}

/// Blocks with the content of those that cannot stand there in their place: what stands side by side in a cell may not be
/// parted by an empty line. What follows a list and begins no line of its own kind goes into its last item, where the reader
/// will find it.
fn spread(blocks: &[Block], around: Around) -> Vec<Block> {
    let mut out = Vec::new();
    for block in blocks {
        match block {
            Block::Quote(inner) if around.quote => out.extend(spread(inner, around)),
            Block::Panel(_, inner) if around.panel => out.extend(spread(inner, around)),
            Block::Expand(name, inner) if around.panel || !(name.is_empty() || is_title(name)) => {
                out.push(title(name));
                out.extend(spread(inner, around));
            }
            Block::Table(rows) => out.extend(spread(&rows_as_lines(rows), around)),
            Block::List { .. } | Block::Heading(..) | Block::Rule => out.push(block.clone()),
            Block::Code { text, .. } if in_neither_macro(text) => {
                out.push(Block::Paragraph(styled(text, Style::marked(Marks::CODE))));
            }
            other => out.push(other.clone()),
        }
    }
    let mut joined: Vec<Block> = Vec::new();
    for block in out {
        let begins = matches!(block, Block::List { .. } | Block::Heading(..) | Block::Rule);
        match joined.last_mut() {
            Some(Block::List { items, .. }) if !begins && !items.is_empty() => {
                if let Some(item) = items.last_mut() {
                    item.push(block);
                }
            }
            _ => joined.push(block),
        }
    }
    joined
}

/// Whether neither `{code}` nor `{noformat}` can hold a text: it is written as lines in code type.
fn in_neither_macro(text: &str) -> bool {
    text.contains("{code") && text.contains("{noformat")
}

/// Whether a title can stand in a macro's head, which knows no escapes.
fn is_title(text: &str) -> bool {
    let odd = |c: char| c.is_control() || matches!(c, '{' | '}' | '|');
    !text.is_empty() && text.len() <= 500 && text.trim() == text && !text.contains(odd)
}

//! Reading the blocks of a wiki text: paragraphs, headings, lists, rules; macros and tables are in rooms of their own.

use super::{
    super::doc::Block,
    inline::inlines,
    macros::{MACROS, Macro},
    rules::DEEPEST_LIST,
};

/// Reads a wiki text. Never fails: what is no markup is text.
pub(in super::super) fn parse(wiki: &str) -> Vec<Block> {
    let wiki = wiki.replace("\r\n", "\n").replace('\r', "\n");
    parse_within(&wiki, 0, false)
}

/// Reads what stands in a macro or a cell, so many of them deep.
pub(super) fn parse_within(text: &str, depth: usize, in_cell: bool) -> Vec<Block> {
    Reader {
        text,
        at: 0,
        depth,
        in_cell,
        no_end: [usize::MAX; MACROS.len()],
        out: Vec::new(),
        paragraph: String::new(),
        list: Vec::new(),
    }
    .read()
}

/// One line of a list, with what hangs on it.
struct Item {
    /// For each level whether it is ordered.
    levels: Vec<bool>,
    blocks: Vec<Block>,
    /// Text of the paragraph that is being read.
    text: Option<String>,
}

impl Item {
    fn end_text(&mut self) {
        if let Some(text) = self.text.take() {
            self.blocks.push(Block::Paragraph(inlines(&text)));
        }
    }
}

pub(super) struct Reader<'t> {
    pub(super) text: &'t str,
    at: usize,
    /// How many macros and cells stand around this text.
    pub(super) depth: usize,
    /// A cell of a table holds no table.
    in_cell: bool,
    /// For each macro the position from which on no end of it follows.
    pub(super) no_end: [usize; MACROS.len()],
    out: Vec<Block>,
    paragraph: String,
    list: Vec<Item>,
}

impl<'t> Reader<'t> {
    fn read(mut self) -> Vec<Block> {
        while self.at < self.text.len() {
            let line = self.line();
            let trimmed = line.trim();
            let indent = line.len() - line.trim_start().len();
            if trimmed.is_empty() {
                self.end_paragraph();
                self.end_list();
                self.skip_line();
            } else if let Some((level, from)) = heading(line) {
                self.end_paragraph();
                self.end_list();
                let text = line[from..].trim();
                self.out.push(Block::Heading(level, inlines(text)));
                self.skip_line();
            } else if trimmed.len() >= 4 && trimmed.bytes().all(|b| b == b'-') {
                self.end_paragraph();
                self.end_list();
                self.out.push(Block::Rule);
                self.skip_line();
            } else if trimmed == "bq."
                || trimmed.strip_prefix("bq.").is_some_and(|t| t.starts_with(char::is_whitespace))
            {
                self.end_paragraph();
                self.end_list();
                let text = trimmed[3..].trim();
                if !text.is_empty() {
                    self.out.push(Block::Quote(vec![Block::Paragraph(inlines(text))]));
                }
                self.skip_line();
            } else if let Some((levels, from)) = list_marker(line) {
                self.end_paragraph();
                if let Some(item) = self.list.last_mut() {
                    item.end_text();
                }
                self.list.push(Item { levels, blocks: Vec::new(), text: Some(String::new()) });
                self.at += from;
                self.text_line();
            } else if let Some(found) = self.macro_at(self.at + indent) {
                self.take_macro(found);
            } else if let Some((rows, end)) = if self.in_cell { None } else { self.table_at(self.at + indent) } {
                self.end_paragraph();
                self.end_list();
                self.out.push(Block::Table(rows));
                self.at = end;
            } else {
                if self.list.is_empty() {
                    if !self.paragraph.is_empty() {
                        self.paragraph.push('\n');
                    }
                } else if let Some(item) = self.list.last_mut() {
                    match &mut item.text {
                        Some(text) if !text.is_empty() => text.push('\n'),
                        Some(_) => {}
                        None => item.text = Some(String::new()),
                    }
                }
                self.text_line();
            }
        }
        self.end_paragraph();
        self.end_list();
        self.out
    }

    /// What is left of the line, without its break.
    fn line(&self) -> &'t str {
        let rest = &self.text[self.at..];
        &rest[..rest.find('\n').unwrap_or(rest.len())]
    }

    fn skip_line(&mut self) {
        self.at = (self.at + self.line().len() + 1).min(self.text.len());
    }

    /// Takes text up to the end of the line or to a macro inside it.
    fn text_line(&mut self) {
        let line_end = self.at + self.line().len();
        let bytes = self.text.as_bytes();
        let mut at = self.at;
        let mut no_code = false;
        while at < line_end {
            match bytes[at] {
                b'\\' => at += 2,
                b'{' if bytes.get(at + 1) == Some(&b'{') && !no_code => match code_end(&self.text[at..line_end]) {
                    Some(len) => at += len,
                    None => {
                        no_code = true;
                        at += 1;
                    }
                },
                b'{' => {
                    if let Some(found) = self.macro_at(at) {
                        self.push_text(self.at, at);
                        self.take_macro(found);
                        return;
                    }
                    at += 1;
                }
                _ => at += 1,
            }
        }
        self.push_text(self.at, line_end);
        self.at = (line_end + 1).min(self.text.len());
    }

    fn push_text(&mut self, from: usize, to: usize) {
        let text = &self.text[from..to];
        match self.list.last_mut() {
            Some(item) => {
                let text = if item.text.as_deref().is_none_or(str::is_empty) { text.trim_start() } else { text };
                item.text.get_or_insert_default().push_str(text.trim_end());
            }
            None => self.paragraph.push_str(text),
        }
    }

    fn end_paragraph(&mut self) {
        if !self.paragraph.trim().is_empty() {
            self.out.push(Block::Paragraph(inlines(&self.paragraph)));
        }
        self.paragraph.clear();
    }

    fn end_list(&mut self) {
        if let Some(item) = self.list.last_mut() {
            item.end_text();
        }
        let items = std::mem::take(&mut self.list);
        nest(items, 0, &mut self.out);
    }

    /// Puts a macro's blocks where they belong, and goes on behind it.
    fn take_macro(&mut self, found: Macro) {
        self.at = found.end;
        if self.line().trim().is_empty() {
            self.skip_line();
        }
        match self.list.last_mut() {
            Some(item) => {
                if item.text.as_deref().is_some_and(str::is_empty) && item.blocks.is_empty() {
                    item.text = None;
                }
                item.end_text();
                item.blocks.extend(found.blocks);
            }
            None => {
                self.end_paragraph();
                self.out.extend(found.blocks);
            }
        }
    }
}

/// The length of `{{…}}`.
pub(super) fn code_end(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 2;
    while at + 1 < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'}' if bytes[at + 1] == b'}' && at > 2 => return Some(at + 2),
            _ => at += 1,
        }
    }
    None
}

/// `h1. `: the level, and where the text begins.
fn heading(line: &str) -> Option<(u8, usize)> {
    let trimmed = line.trim_start();
    let rest = trimmed.strip_prefix('h')?;
    let level = rest.bytes().next().filter(|b| (b'1'..=b'6').contains(b))? - b'0';
    let rest = rest[1..].strip_prefix('.')?;
    (rest.is_empty() || rest.starts_with(char::is_whitespace)).then_some((level, line.len() - rest.len()))
}

/// The levels of a list line, and where its text begins.
fn list_marker(line: &str) -> Option<(Vec<bool>, usize)> {
    let trimmed = line.trim_start();
    let marks: Vec<bool> = trimmed.bytes().take_while(|b| matches!(b, b'*' | b'#' | b'-')).map(|b| b == b'#').collect();
    let rest = &trimmed[marks.len()..];
    let dashes = trimmed.starts_with("--"); // a dash of a text, or a rule
    let fits = (1..=DEEPEST_LIST).contains(&marks.len()) && rest.starts_with(char::is_whitespace) && !dashes;
    fits.then(|| (marks, line.len() - rest.len()))
}

/// Builds lists of lists.
fn nest(items: Vec<Item>, depth: usize, out: &mut Vec<Block>) {
    let mut items = items.into_iter().peekable();
    while let Some(first) = items.next() {
        let ordered = first.levels[depth];
        let mut group = vec![first];
        while let Some(item) = items.next_if(|i| i.levels[depth] == ordered) {
            group.push(item);
        }
        let mut list: Vec<Vec<Block>> = Vec::new();
        let mut group = group.into_iter().peekable();
        while let Some(item) = group.next() {
            if item.levels.len() == depth + 1 {
                let blocks = if item.blocks.is_empty() { vec![Block::Paragraph(vec![])] } else { item.blocks };
                list.push(blocks);
                continue;
            }
            let mut deeper = vec![item];
            while let Some(item) = group.next_if(|i| i.levels.len() > depth + 1) {
                deeper.push(item);
            }
            if list.is_empty() {
                list.push(vec![Block::Paragraph(vec![])]);
            }
            if let Some(parent) = list.last_mut() {
                nest(deeper, depth + 1, parent);
            }
        }
        out.push(Block::List { ordered, items: list });
    }
}

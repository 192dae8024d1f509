//! Reading the blocks of a wiki text: paragraphs, headings, lists, code, quotes, rules.

use super::{
    super::doc::{Block, Marks, push_text},
    inline::inlines,
    rules::DEEPEST_LIST,
};

/// Reads a wiki text. Never fails: what is no markup is text.
pub(in super::super) fn parse(wiki: &str) -> Vec<Block> {
    let wiki = wiki.replace("\r\n", "\n").replace('\r', "\n");
    Reader { text: &wiki, at: 0, no_end: [usize::MAX; 3], out: Vec::new(), paragraph: String::new(), list: Vec::new() }
        .read()
}

/// Bytes from a macro's name to its closing brace; longer ones are text.
const LONGEST_HEAD: usize = 1000;

const MACROS: [&str; 3] = ["code", "noformat", "quote"];

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

struct Reader<'t> {
    text: &'t str,
    at: usize,
    /// For each macro the position from which on no end of it follows.
    no_end: [usize; 3],
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

    /// The macro that begins at `at`, if it is one that we know and it has an end.
    fn macro_at(&mut self, at: usize) -> Option<Macro> {
        let rest = self.text[at..].strip_prefix('{')?;
        let n = MACROS.iter().position(|name| {
            rest.strip_prefix(name).is_some_and(|r| r.starts_with('}') || (r.starts_with(':') && *name != "quote"))
        })?;
        if at >= self.no_end[n] {
            return None;
        }
        let name = MACROS[n];
        let head = rest.bytes().take(LONGEST_HEAD);
        let head_end = head.take_while(|b| *b != b'\n').position(|b| b == b'}')?;
        let params = rest[..head_end].strip_prefix(name)?.trim_start_matches(':');
        let from = at + 1 + head_end + 1;
        let end_mark = format!("{{{name}}}");
        let to =
            if name == "quote" { self.quote_end(from) } else { self.text[from..].find(&end_mark).map(|e| from + e) };
        let Some(to) = to else {
            self.no_end[n] = self.no_end[n].min(at);
            return None;
        };
        let inner = &self.text[from..to];
        let blocks = if name == "quote" {
            let blocks = parse(inner);
            if blocks.is_empty() { vec![] } else { vec![Block::Quote(blocks)] }
        } else {
            let text = inner.strip_prefix('\n').unwrap_or(inner);
            let text = text.strip_suffix('\n').unwrap_or(text);
            let (language, title) = code_params(params, name == "code");
            let code = Block::Code { language, text: text.to_owned() };
            match title {
                Some(title) => {
                    let mut line = Vec::new();
                    push_text(&mut line, &title, Marks::STRONG, None);
                    vec![Block::Paragraph(line), code]
                }
                None => vec![code],
            }
        };
        Some(Macro { blocks, end: to + end_mark.len() })
    }

    /// The next `{quote}` that stands neither escaped nor in code.
    fn quote_end(&mut self, from: usize) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let mut at = from;
        while at < bytes.len() {
            match bytes[at] {
                b'\\' => at += 2,
                b'{' if self.text[at..].starts_with("{quote}") => return Some(at),
                b'{' => {
                    let is_code = ["{code", "{noformat"].iter().any(|p| self.text[at..].starts_with(p));
                    at = if is_code { self.macro_at(at).map_or(at + 1, |m| m.end) } else { at + 1 };
                }
                _ => at += 1,
            }
        }
        None
    }
}

struct Macro {
    blocks: Vec<Block>,
    /// Where the text goes on.
    end: usize,
}

/// Parameters of a code macro that only decorate; they have no place in a document and name nobody.
const DECORATION: [&str; 12] = [
    "borderStyle",
    "borderColor",
    "borderWidth",
    "bgColor",
    "titleBGColor",
    "titleColor",
    "theme",
    "linenumbers",
    "firstline",
    "collapse",
    "nopanel",
    "tabsize",
];

/// Whether a language of a code block can be written behind `{code:`.
pub(super) fn is_language(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+#.-/".contains(&b))
}

/// Language and title from `java`, `title=Foo.java|borderStyle=solid`, `language=java`; what is none of these is part of
/// the title, since somebody wrote it.
fn code_params(params: &str, takes_language: bool) -> (Option<String>, Option<String>) {
    let mut language = None;
    let mut title: Vec<&str> = Vec::new();
    for param in params.split('|').map(str::trim).filter(|p| !p.is_empty()) {
        let named = match param.split_once('=') {
            Some(("title", t)) => {
                title.extend((!t.is_empty()).then_some(t));
                continue;
            }
            Some((key, value)) if DECORATION.contains(&key) => {
                let plain = value.bytes().all(|b| b.is_ascii_alphanumeric() || b"#%.-".contains(&b));
                title.extend((!plain).then_some(param));
                continue;
            }
            Some(("language", name)) => name,
            _ => param,
        };
        if takes_language && language.is_none() && is_language(named) {
            language = Some(named.to_owned());
        } else {
            title.push(param);
        }
    }
    (language, (!title.is_empty()).then(|| title.join(" | ")))
}

/// The length of `{{…}}`.
fn code_end(text: &str) -> Option<usize> {
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

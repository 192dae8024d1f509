//! The small document that stands between ADF and wiki markup: what both can say. Pure data.

pub(super) use super::looks::{Color, Emoji, Panel};

/// Marks of a piece of text, as bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Marks(u8);

impl Marks {
    pub(super) const NONE: Self = Self(0);
    pub(super) const STRONG: Self = Self(1);
    pub(super) const EM: Self = Self(2);
    pub(super) const UNDERLINE: Self = Self(4);
    pub(super) const STRIKE: Self = Self(8);
    pub(super) const CODE: Self = Self(16);
    pub(super) const SUB: Self = Self(32);
    pub(super) const SUP: Self = Self(64);
    /// Sub and sup: a text has one of them.
    const SHIFTED: Self = Self(96);

    pub(super) const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    pub(super) const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether another mark can be laid on text that has these.
    pub(super) const fn takes(self, other: Self) -> bool {
        let shifted = other.0 & Self::SHIFTED.0 != 0 && self.0 & Self::SHIFTED.0 != 0;
        self.0 & other.0 == 0 && !shifted
    }
}

/// How a piece of text looks, and where it leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Style<'s> {
    pub(super) marks: Marks,
    pub(super) color: Option<Color>,
    pub(super) href: Option<&'s str>,
}

impl<'s> Style<'s> {
    pub(super) const PLAIN: Self = Self { marks: Marks::NONE, color: None, href: None };

    pub(super) const fn marked(marks: Marks) -> Self {
        Self { marks, color: None, href: None }
    }

    pub(super) const fn linked(href: &'s str) -> Self {
        Self { marks: Marks::NONE, color: None, href: Some(href) }
    }
}

/// Something inside a line.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Inline {
    /// Text without line breaks.
    Text(Run),
    /// A hard line break.
    Break,
    /// A mention: Cloud's account id and text, or Data Center's user name and no text.
    Mention {
        /// Account id or user name.
        id: String,
        /// The text that ADF shows for it.
        text: String,
    },
    /// An emoji that both know.
    Emoji(&'static Emoji),
    /// A link that is shown as a card: its address.
    Card(String),
    /// An attachment by its name, or a picture elsewhere by its address.
    File(FileRef),
}

/// Text that looks the same all along.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Run {
    pub(super) text: String,
    pub(super) marks: Marks,
    pub(super) color: Option<Color>,
    pub(super) href: Option<String>,
}

impl Run {
    pub(super) fn style(&self) -> Style<'_> {
        Style { marks: self.marks, color: self.color, href: self.href.as_deref() }
    }
}

/// A reference to a file.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FileRef {
    /// The attachment's name, or the address of a picture.
    pub(super) name: String,
    /// Whether it is shown as a picture.
    pub(super) image: bool,
    /// How it is shown (`thumbnail`, `width=300`); looks alone, see `file_params`.
    pub(super) params: String,
}

/// A block.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Block {
    Paragraph(Vec<Inline>),
    Heading(u8, Vec<Inline>),
    Code {
        language: Option<String>,
        text: String,
    },
    Quote(Vec<Block>),
    Panel(Panel, Vec<Block>),
    /// Something folded away behind a title.
    Expand(String, Vec<Block>),
    /// Rows of cells.
    Table(Vec<Vec<Cell>>),
    /// Tasks and decisions are items that begin with their box.
    List {
        ordered: bool,
        items: Vec<Vec<Block>>,
    },
    Rule,
}

/// A cell of a table.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cell {
    pub(super) header: bool,
    pub(super) blocks: Vec<Block>,
}

/// What a task that is to be done begins with, one that is done, and a decision.
pub(super) const BOXES: [&str; 3] = ["[ ] ", "[x] ", "<> "];

/// Adds text, split at its line breaks, joined with what came before where it looks the same.
pub(super) fn push_text(out: &mut Vec<Inline>, text: &str, style: Style<'_>) {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    for (n, line) in text.split('\n').enumerate() {
        if n > 0 {
            out.push(Inline::Break);
        }
        if line.is_empty() {
            continue;
        }
        match out.last_mut() {
            Some(Inline::Text(run)) if run.style() == style => run.text.push_str(line),
            _ => out.push(Inline::Text(Run {
                text: line.to_owned(),
                marks: style.marks,
                color: style.color,
                href: style.href.map(str::to_owned),
            })),
        }
    }
}

/// Text that looks the same all along, as inlines.
pub(super) fn styled(text: &str, style: Style<'_>) -> Vec<Inline> {
    let mut out = Vec::new();
    push_text(&mut out, text, style);
    out
}

/// Plain text as inlines.
pub(super) fn plain(text: &str) -> Vec<Inline> {
    styled(text, Style::PLAIN)
}

/// A title as a paragraph of its own.
pub(super) fn title(text: &str) -> Block {
    Block::Paragraph(styled(text, Style::marked(Marks::STRONG)))
}

/// Inlines as a heading looks where none may stand.
pub(super) fn strong(inlines: &[Inline]) -> Vec<Inline> {
    let mut out = inlines.to_vec();
    for inline in &mut out {
        if let Inline::Text(run) = inline {
            run.marks = run.marks.with(Marks::STRONG);
        }
    }
    out
}

/// Rows of a table as paragraphs, bars between the cells, for where no table may stand.
pub(super) fn rows_as_lines(rows: &[Vec<Cell>]) -> Vec<Block> {
    rows.iter()
        .map(|row| {
            let mut line = Vec::new();
            for (n, cell) in row.iter().enumerate() {
                if n > 0 {
                    push_text(&mut line, " | ", Style::PLAIN);
                }
                flatten(&cell.blocks, &mut line);
            }
            Block::Paragraph(line)
        })
        .collect()
}

/// The inline content of blocks, in reading order, with breaks between the blocks.
pub(super) fn flatten(blocks: &[Block], line: &mut Vec<Inline>) {
    for (n, block) in blocks.iter().enumerate() {
        if n > 0 {
            line.push(Inline::Break);
        }
        match block {
            Block::Paragraph(i) | Block::Heading(_, i) => line.extend(i.iter().cloned()),
            Block::Code { text, .. } => push_text(line, text, Style::marked(Marks::CODE)),
            Block::Quote(inner) | Block::Panel(_, inner) => flatten(inner, line),
            Block::Expand(name, inner) => {
                push_text(line, name, Style::marked(Marks::STRONG));
                line.push(Inline::Break);
                flatten(inner, line);
            }
            Block::Table(rows) => flatten(&rows_as_lines(rows), line),
            Block::List { items, .. } => {
                for (n, item) in items.iter().enumerate() {
                    if n > 0 {
                        line.push(Inline::Break);
                    }
                    flatten(item, line);
                }
            }
            Block::Rule => push_text(line, "----", Style::PLAIN),
        }
    }
}

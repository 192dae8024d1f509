//! The small document that stands between ADF and wiki markup: what both can say. Pure data.

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

    pub(super) const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    pub(super) const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
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
}

/// Text that looks the same all along.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Run {
    pub(super) text: String,
    pub(super) marks: Marks,
    pub(super) href: Option<String>,
}

/// A block.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Block {
    Paragraph(Vec<Inline>),
    Heading(u8, Vec<Inline>),
    Code { language: Option<String>, text: String },
    Quote(Vec<Block>),
    List { ordered: bool, items: Vec<Vec<Block>> },
    Rule,
}

/// Adds text, split at its line breaks, joined with what came before where it looks the same.
pub(super) fn push_text(out: &mut Vec<Inline>, text: &str, marks: Marks, href: Option<&str>) {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    for (n, line) in text.split('\n').enumerate() {
        if n > 0 {
            out.push(Inline::Break);
        }
        if line.is_empty() {
            continue;
        }
        match out.last_mut() {
            Some(Inline::Text(run)) if run.marks == marks && run.href.as_deref() == href => run.text.push_str(line),
            _ => out.push(Inline::Text(Run { text: line.to_owned(), marks, href: href.map(str::to_owned) })),
        }
    }
}

/// Plain text as one inline.
pub(super) fn plain(text: &str) -> Vec<Inline> {
    let mut out = Vec::new();
    push_text(&mut out, text, Marks::NONE, None);
    out
}

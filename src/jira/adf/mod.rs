//! Atlassian Document Format: reading it into a document, writing it from one, its text, and plain text as ADF.
//!
//! What has a counterpart in wiki markup, and what is lost, stands in docs/MARKUP.md. What the small document does not know
//! becomes text: children are read on, and a leaf shows its own text, title, address or, where it has none, its JSON.
//! Nothing is dropped but looks.

mod read;
mod render;

use serde_json::Value;

use self::{read::read, render::render};
use super::{
    doc::{Block, Inline, plain, rows_as_lines},
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
            Block::Quote(blocks) | Block::Panel(_, blocks) => text_of_blocks(blocks, out),
            Block::Expand(title, blocks) => {
                out.push_str(title);
                out.push('\n');
                text_of_blocks(blocks, out);
            }
            Block::Table(rows) => text_of_blocks(&rows_as_lines(rows), out),
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
            Inline::Emoji(emoji) => out.push_str(emoji.text),
            Inline::Card(address) => out.push_str(address),
            Inline::File(file) => out.push_str(&file.name),
        }
    }
}

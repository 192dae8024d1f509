//! Jira's wiki markup: reading it into a document and writing it from one.
//!
//! Reader and writer share one set of rules (`rules`), so that what the writer escapes is what the reader would take for
//! markup. The rules follow Atlassian's "Text Formatting Notation Help"; a macro without a counterpart is kept as text
//! (docs/MARKUP.md).

mod blocks;
mod inline;
mod macros;
mod rules;
mod runs;
mod table;
mod write;

pub(super) use blocks::parse;
pub use rules::escape as wiki_escape;
pub(super) use rules::{file_params, is_address, is_file_name, is_image_name};
pub(super) use write::write;

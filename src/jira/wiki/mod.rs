//! Jira's wiki markup: reading it into a document and writing it from one.
//!
//! Reader and writer share one set of rules (`rules`), so that what the writer escapes is what the reader would take for
//! markup. The rules follow Atlassian's "Text Formatting Notation Help"; macros, tables and images are kept as text.

mod blocks;
mod inline;
mod rules;
mod write;

pub(super) use blocks::parse;
pub use rules::escape as wiki_escape;
pub(super) use write::write;

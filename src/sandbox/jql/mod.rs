//! JQL, an honest subset: what it does not know is Jira's 400, never a wider result.
//!
//! `parse` turns text into a tree, `bind` resolves names and values against the world, `search` runs it, `found` keeps
//! what it found while nothing changes.

mod bind;
mod found;
mod lex;
mod parse;
mod search;

pub(super) use found::Found;
pub(super) use search::{Query, SortKey};

use super::http::Failure;

/// Jira's answer to a query that it cannot read.
fn bad(message: impl Into<String>) -> Failure {
    Failure::new(400, message)
}

#[cfg(test)]
mod tests;

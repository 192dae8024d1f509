//! Letters: what the person who asked is told (Art. 12), and what a recipient is told (Art. 19).
//!
//! Owns the facts of a letter, the shipped templates and how a template becomes text. Pure: data in, text out. Reads no
//! store, no clock and no file; a template of the user's own is handed in as text. Facts name nobody: the one line that
//! may, the salutation, comes from the command line and goes nowhere but into the letter.

mod notice;
mod reply;
mod words;

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
};

use chrono::NaiveDate;
use minijinja::{Environment, ErrorKind, UndefinedBehavior, Value, syntax::SyntaxConfig, value::Serde};
use regex::Regex;
use serde::Serialize;

pub use notice::{Asked, Did, Notice, Recipient, SCHEMA as NOTICE_SCHEMA, lies_in};
pub use reply::{Done, Kind, Left, Reply, SCHEMA as REPLY_SCHEMA, Told};
pub use words::{outcome, place, record, role};

/// The templates that ship with efface, by name. One of the user's own with the same name takes the place of each.
pub const SHIPPED: &[(&str, &str)] = &[
    ("reply.txt", include_str!("../../letters/reply.txt")),
    ("reply.html", include_str!("../../letters/reply.html")),
    ("notice.txt", include_str!("../../letters/notice.txt")),
    ("notice.html", include_str!("../../letters/notice.html")),
    ("letter.css", include_str!("../../letters/letter.css")),
];

/// A letter of a few pages needs some thousand instructions; a loop that never ends needs all of these.
const FUEL: u64 = 5_000_000;

/// What is wrong with a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the letter's template {file}{}: {what}", .line.map(|l| format!(":{l}")).unwrap_or_default())]
pub struct LetterError {
    /// Which template.
    pub file: String,
    /// The line, from 1, where it is known.
    pub line: Option<usize>,
    /// What is wrong, and what to do.
    pub what: String,
}

/// The templates of letters: the shipped ones, and the user's own before them.
#[derive(Debug, Clone, Default)]
pub struct Templates {
    own: Arc<BTreeMap<String, String>>,
    folder: String,
}

impl Templates {
    /// Templates of the user's own, by file name; `folder` is where they come from, for messages.
    #[must_use]
    pub fn new(own: BTreeMap<String, String>, folder: impl Into<String>) -> Self {
        Self { own: Arc::new(own), folder: folder.into() }
    }

    /// The text of a template that ships with efface.
    #[must_use]
    pub fn shipped(name: &str) -> Option<&'static str> {
        SHIPPED.iter().find(|(n, _)| *n == name).map(|(_, text)| *text)
    }

    /// Renders a template. In one whose name ends in `.html`, what the facts hold is escaped.
    ///
    /// # Errors
    /// When the template is not there, is no template, names what no letter knows, or does not come to an end.
    pub fn render(&self, name: &str, facts: &impl Serialize) -> Result<String, LetterError> {
        let facts = Value::from(Serde(facts));
        let mut env = Environment::new();
        let own = Arc::clone(&self.own);
        env.set_loader(move |name| Ok(own.get(name).cloned().or_else(|| Self::shipped(name).map(str::to_owned))));
        env.set_undefined_behavior(UndefinedBehavior::Strict);
        env.set_debug(true);
        env.set_fuel(Some(FUEL));
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build();
        env.set_syntax(syntax.map_err(|e| self.error(name, &e))?);
        env.add_filter("day", day);
        env.add_filter("wrap", wrap);
        let template = env.get_template(name).map_err(|e| self.error(name, &e))?;
        // Also in branches that this letter does not take: better now than when the first refusal has to be written.
        let known: Vec<String> = facts.try_iter().map(|keys| keys.map(|k| k.to_string()).collect()).unwrap_or_default();
        let globals: Vec<&str> = env.globals().map(|(name, _)| name).collect();
        let mut unknown: Vec<String> = template
            .undeclared_variables(false)
            .into_iter()
            .filter(|v| !known.contains(v) && !globals.contains(&v.as_str()))
            .collect();
        unknown.sort_unstable();
        if let Some(variable) = unknown.first() {
            return Err(LetterError {
                file: self.file(name),
                line: line_of(template.source(), variable),
                what: format!("there is no variable `{variable}`; a letter has: {}", known.join(", ")),
            });
        }
        template.render(facts).map_err(|e| self.error(name, &e))
    }

    /// Writes every letter once, with invented facts in every field, so that a template that is wrong in one of them is known
    /// before that letter is needed.
    ///
    /// # Errors
    /// The first template that is wrong.
    pub fn check(&self) -> Result<(), LetterError> {
        for form in ["txt", "html"] {
            for kind in Kind::ALL {
                self.render(&format!("reply.{form}"), &Reply::sample(kind))?;
            }
            self.render(&format!("notice.{form}"), &Notice::sample())?;
        }
        Ok(())
    }

    fn file(&self, name: &str) -> String {
        if self.own.contains_key(name) && !self.folder.is_empty() {
            format!("{}/{name}", self.folder.trim_end_matches('/'))
        } else {
            name.to_owned()
        }
    }

    fn error(&self, asked: &str, error: &minijinja::Error) -> LetterError {
        // An include that fails says so and keeps the true reason as its source.
        let mut deepest = error;
        while let Some(source) = std::error::Error::source(deepest).and_then(|s| s.downcast_ref::<minijinja::Error>()) {
            deepest = source;
        }
        let mut what = deepest.kind().to_string();
        if let Some(detail) = deepest.detail() {
            what = format!("{what}: {detail}");
        }
        if deepest.kind() == ErrorKind::OutOfFuel {
            "it does not come to an end (a loop without one?)".clone_into(&mut what);
        }
        LetterError { file: self.file(deepest.name().unwrap_or(asked)), line: deepest.line(), what }
    }
}

/// The line in which a tag of the template uses a variable.
fn line_of(source: &str, variable: &str) -> Option<usize> {
    static TAG: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(?s)\{\{.*?\}\}|\{%.*?%\}").ok());
    let word = |c: char| c.is_alphanumeric() || c == '_';
    TAG.as_ref()?.find_iter(source).find_map(|tag| {
        let at = tag.as_str().match_indices(variable).find(|(at, found)| {
            !tag.as_str()[..*at].ends_with(word) && !tag.as_str()[at + found.len()..].starts_with(word)
        })?;
        Some(source[..tag.start() + at.0].matches('\n').count() + 1)
    })
}

/// `2026-11-22` → `22 November 2026`; a time is taken as its day, and what is no date stays as it is.
fn day(text: &str) -> String {
    let date = text.get(..10).and_then(|d| d.parse::<NaiveDate>().ok());
    date.map_or_else(|| text.to_owned(), |d| d.format("%-d %B %Y").to_string())
}

/// Breaks a text into lines of at most `width` characters, where there is a space; all but the first are indented. The first
/// stands behind something that is as wide as the indent, such as the mark of a list.
fn wrap(text: &str, width: usize, indent: usize) -> String {
    let mut out = String::new();
    let mut at = indent;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if out.is_empty() {
        } else if at + 1 + length > width {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent.min(width)));
            at = indent;
        } else {
            out.push(' ');
            at += 1;
        }
        out.push_str(word);
        at += length;
    }
    out
}

#[cfg(test)]
mod tests;

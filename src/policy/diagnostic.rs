//! Diagnostics: a code, a message, an exact position, a help; and how they are drawn.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde::Serialize;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Odd, but it can be used.
    Warning,
    /// The policy is not used.
    Error,
}

/// A second position that explains the first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Note {
    /// Byte range of the text.
    pub span: Range<usize>,
    /// What is there.
    pub label: String,
}

/// One thing that is wrong with a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// What kind of mistake, in kebab-case; never changes its meaning.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Byte range of the text.
    pub span: Range<usize>,
    /// What to do about it.
    pub help: Option<String>,
    /// A second position.
    pub note: Option<Note>,
}

impl Diagnostic {
    pub(super) fn new(
        text: &str,
        severity: Severity,
        code: &'static str,
        span: Range<usize>,
        message: impl Into<String>,
    ) -> Self {
        let (line, column) = position(text, span.start);
        Self { severity, code, message: message.into(), line, column, span, help: None, note: None }
    }

    /// One line: `file:line:column: error[code]: message`, with the help after it.
    #[must_use]
    pub fn short(&self, origin: &str) -> String {
        let level = if self.severity == Severity::Error { "error" } else { "warning" };
        let help = self.help.as_deref().map(|h| format!(" ({h})")).unwrap_or_default();
        format!("{origin}:{}:{}: {level}[{}]: {}{help}", self.line, self.column, self.code, self.message)
    }
}

/// Line and column, both from 1, of a byte of a text; the column counts characters.
fn position(text: &str, at: usize) -> (usize, usize) {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let before = &text[..at];
    let line = before.rfind('\n').map_or(0, |i| i + 1);
    (before.matches('\n').count() + 1, before[line..].chars().count() + 1)
}

/// Draws diagnostics over the text they are about, as a compiler does.
#[must_use]
pub fn render(diagnostics: &[Diagnostic], text: &str, origin: &str, color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let drawn: Vec<String> = diagnostics
        .iter()
        .map(|d| {
            let level = if d.severity == Severity::Error { Level::ERROR } else { Level::WARNING };
            // An empty range would draw nothing; the snippet needs at least one character of its own text.
            let visible = |span: &Range<usize>| {
                let end = text[..span.end.min(text.len())].trim_end_matches(['\n', '\r']).len().max(span.start);
                span.start.min(text.len())..end.min(text.len())
            };
            let mut snippet =
                Snippet::source(text).path(origin).annotation(AnnotationKind::Primary.span(visible(&d.span)));
            if let Some(note) = &d.note {
                snippet =
                    snippet.annotation(AnnotationKind::Context.span(visible(&note.span)).label(note.label.as_str()));
            }
            let mut report = vec![level.primary_title(d.message.as_str()).id(d.code).element(snippet)];
            if let Some(help) = &d.help {
                report.push(Group::with_title(Level::HELP.secondary_title(help.as_str())));
            }
            renderer.render(&report)
        })
        .collect();
    drawn.join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_from_one() {
        let text = "a\nbé = x\n";
        assert_eq!(position(text, 0), (1, 1));
        assert_eq!(position(text, text.find('x').unwrap()), (2, 6));
        assert_eq!(position(text, text.len()), (3, 1));
        assert_eq!(position(text, 999), (3, 1));
    }

    #[test]
    fn drawn_like_a_compiler() {
        let text = "[policy]\nname = 3\n";
        let mut d = Diagnostic::new(text, Severity::Error, "wrong-type", 16..17, "`name` must be a string");
        d.help = Some("put it into quotes".into());
        insta::assert_snapshot!(render(&[d.clone()], text, "p.toml", false), @r"
        error[wrong-type]: `name` must be a string
         --> p.toml:2:8
          |
        2 | name = 3
          |        ^
          |
        help: put it into quotes
        ");
        assert_eq!(d.short("p.toml"), "p.toml:2:8: error[wrong-type]: `name` must be a string (put it into quotes)");
        assert!(render(&[d], text, "p.toml", true).contains('\u{1b}'));
    }
}

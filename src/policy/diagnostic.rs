//! Diagnostics: a code, a message, an exact position, a help; and how they are drawn.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde::Serialize;

use super::Sources;

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
    /// The file.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Byte range of the file.
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
    /// The file.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Byte range of the file.
    pub span: Range<usize>,
    /// What to do about it.
    pub help: Option<String>,
    /// A second position.
    pub note: Option<Note>,
}

impl Diagnostic {
    pub(super) fn new(
        sources: &Sources,
        severity: Severity,
        code: &'static str,
        span: Range<usize>,
        message: impl Into<String>,
    ) -> Self {
        let (file, line, column, _) = sources.position(span.start);
        let file = file.to_owned();
        Self { severity, code, message: message.into(), file, line, column, span, help: None, note: None }
    }

    /// From ranges of all texts to ranges of their files.
    pub(super) fn settle(&mut self, sources: &Sources) {
        let within = |span: &Range<usize>| {
            let (file, line, column, start) = sources.position(span.start);
            (file.to_owned(), line, column, start..start + span.len())
        };
        (self.file, self.line, self.column, self.span) = within(&self.span);
        if let Some(note) = &mut self.note {
            (note.file, note.line, note.column, note.span) = within(&note.span);
        }
    }

    /// One line: `file:line:column: error[code]: message`, with the help after it.
    #[must_use]
    pub fn short(&self) -> String {
        let level = if self.severity == Severity::Error { "error" } else { "warning" };
        let help = self.help.as_deref().map(|h| format!(" ({h})")).unwrap_or_default();
        format!("{}:{}:{}: {level}[{}]: {}{help}", self.file, self.line, self.column, self.code, self.message)
    }
}

/// Line and column, both from 1, of a byte of a text; the column counts characters.
pub(super) fn position(text: &str, at: usize) -> (usize, usize) {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let before = &text[..at];
    let line = before.rfind('\n').map_or(0, |i| i + 1);
    (before.matches('\n').count() + 1, before[line..].chars().count() + 1)
}

/// Draws diagnostics over the texts they are about, as a compiler does.
#[must_use]
pub fn render(diagnostics: &[Diagnostic], sources: &Sources, color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let drawn: Vec<String> = diagnostics
        .iter()
        .map(|d| {
            let level = if d.severity == Severity::Error { Level::ERROR } else { Level::WARNING };
            // An empty range would draw nothing; the snippet needs at least one character of its own text.
            let text = |file: &str| sources.text(file).unwrap_or_default();
            let visible = |file: &str, span: &Range<usize>| {
                let text = text(file);
                let end = text[..span.end.min(text.len())].trim_end_matches(['\n', '\r']).len().max(span.start);
                span.start.min(text.len())..end.min(text.len())
            };
            let mut snippet = Snippet::source(text(&d.file))
                .path(d.file.as_str())
                .annotation(AnnotationKind::Primary.span(visible(&d.file, &d.span)));
            let note = d.note.as_ref().map(|note| {
                let span = visible(&note.file, &note.span);
                (note, AnnotationKind::Context.span(span).label(note.label.as_str()))
            });
            let mut elsewhere = None;
            match note {
                Some((note, annotation)) if note.file == d.file => snippet = snippet.annotation(annotation),
                Some((note, annotation)) => {
                    let other = Snippet::source(text(&note.file)).path(note.file.as_str());
                    elsewhere = Some(other.annotation(annotation));
                }
                None => {}
            }
            let mut group = level.primary_title(d.message.as_str()).id(d.code).element(snippet);
            if let Some(other) = elsewhere {
                group = group.element(other);
            }
            let mut report = vec![group];
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
        let (sources, _) = Sources::load(text, "p.toml", &|_| Err(String::new()));
        let mut d = Diagnostic::new(&sources, Severity::Error, "wrong-type", 16..17, "`name` must be a string");
        d.help = Some("put it into quotes".into());
        insta::assert_snapshot!(render(&[d.clone()], &sources, false), @r"
        error[wrong-type]: `name` must be a string
         --> p.toml:2:8
          |
        2 | name = 3
          |        ^
          |
        help: put it into quotes
        ");
        assert_eq!(d.short(), "p.toml:2:8: error[wrong-type]: `name` must be a string (put it into quotes)");
        assert!(render(&[d], &sources, true).contains('\u{1b}'));
    }
}

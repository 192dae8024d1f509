//! Cutting a person out of a text, a JSON value or a file: exactly the span, every other byte as it was.
//!
//! Pure: gets content and cuts, gives content back. Must not fetch, write or decide anything. An action that changes
//! nothing is an error (law 3), and a cut that no longer fits its content is one too, never a panic. Errors count the
//! cuts and never quote them (law 6).

mod files;
mod json;

pub(crate) use files::is_json as is_json_line;
pub use files::{Redacted, redact_file};
use serde_json::Value;

use crate::model::{Cut, Piece};

/// What to do at a cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Put the placeholder where the person stood. A mention becomes a text, a user object becomes null (or leaves its
    /// list), a member's name becomes the placeholder.
    Redact,
    /// Empty it: the string that holds the span becomes empty, any other value null (or leaves its list).
    Clear,
    /// Take it out of its list: the array member goes. What stands in no list is emptied.
    Remove,
}

/// What a redaction changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changed {
    /// Edits made; cuts that share a place make one.
    pub edits: usize,
}

/// Why a redaction was not made. Nothing is changed then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RedactError {
    /// The cut leads to nothing.
    #[error("cut {cut}: there is no such place in the content any more")]
    NoSuchPlace {
        /// Index of the cut.
        cut: usize,
    },
    /// The span does not fit the text.
    #[error("cut {cut}: the span does not fit the text any more")]
    BadSpan {
        /// Index of the cut.
        cut: usize,
    },
    /// The action would leave everything as it is.
    #[error("cut {cut}: the action changes nothing")]
    NothingChanged {
        /// Index of the cut.
        cut: usize,
    },
    /// The position cannot be cut out of its container.
    #[error("cut {cut}: this position cannot be cut out of its container")]
    Whole {
        /// Index of the cut.
        cut: usize,
    },
    /// Two cuts overlap so that neither contains the other.
    #[error("two cuts overlap")]
    Overlap,
    /// The content is not what the cuts were made for, or the result would not be.
    #[error("the content is not valid: {0}")]
    Content(&'static str),
}

/// Carries out `cuts` on a JSON value.
///
/// # Errors
/// When a cut does not fit or would change nothing; `value` is then as it was.
pub fn apply(value: &mut Value, cuts: &[(Cut, Action)], placeholder: &str) -> Result<Changed, RedactError> {
    let text = serde_json::to_string(value).map_err(|_| RedactError::Content("cannot be written as JSON"))?;
    let (edited, changed) = json::apply(&text, cuts, placeholder)?;
    *value = serde_json::from_str(&edited).map_err(|_| RedactError::Content("the result is not JSON"))?;
    Ok(changed)
}

/// Carries out one reference's pieces on a plain text: the first gets the placeholder, the others are emptied. Pointers
/// are not looked at.
///
/// # Errors
/// When a piece does not fit or nothing would change.
pub fn apply_text(text: &str, pieces: &[Piece], placeholder: &str) -> Result<String, RedactError> {
    let mut spans = Spans::default();
    spans.add(text, pieces.iter().map(|p| (p.from, p.to)), Action::Redact, 0)?;
    let out = spans.cut(text, placeholder);
    if out == text { Err(RedactError::NothingChanged { cut: 0 }) } else { Ok(out) }
}

/// Spans of one text that are to be cut.
#[derive(Debug, Default)]
struct Spans {
    /// From, to, whether the placeholder goes there.
    spans: Vec<(usize, usize, bool)>,
}

impl Spans {
    /// Adds the pieces of one cut, checked against the text.
    fn add(
        &mut self,
        text: &str,
        pieces: impl Iterator<Item = (usize, usize)>,
        action: Action,
        cut: usize,
    ) -> Result<(), RedactError> {
        for (i, (from, to)) in pieces.enumerate() {
            if from >= to || text.get(from..to).is_none() {
                return Err(RedactError::BadSpan { cut });
            }
            self.spans.push((from, to, i == 0 && action == Action::Redact));
        }
        Ok(())
    }

    /// The spans in order, those that overlap joined.
    fn joined(&self) -> Vec<(usize, usize, bool)> {
        let mut spans = self.spans.clone();
        spans.sort_unstable();
        let mut out: Vec<(usize, usize, bool)> = Vec::new();
        for (from, to, lead) in spans {
            match out.last_mut() {
                Some(last) if from < last.1 => {
                    last.1 = last.1.max(to);
                    last.2 |= lead;
                }
                _ => out.push((from, to, lead)),
            }
        }
        out
    }

    fn cut(&self, text: &str, placeholder: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut at = 0;
        for (from, to, lead) in self.joined() {
            out.push_str(&text[at..from]);
            if lead {
                out.push_str(placeholder);
            }
            at = to;
        }
        out.push_str(&text[at..]);
        out
    }
}

#[cfg(test)]
#[path = "redact/tests.rs"]
mod tests;

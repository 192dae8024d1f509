//! Wiki markup as a reader sees it, with the way back to the markup's bytes, so that a name split by markup is found.
//!
//! Not a parser: it drops what the renderer would not show in any reading, which may join more than a reader sees, never
//! less.

use crate::norm::{Builder, Mapped};

/// The visible text, or `None` when the text has no markup that could split a word.
pub(super) fn visible(text: &str) -> Option<Mapped> {
    if !text.contains(['*', '{', '_', '+', '^', '~', '-', '[', '|', '?', '\\']) {
        return None;
    }
    let mut out = Builder::with_capacity(text.len());
    let mut previous: Option<char> = None;
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let next = text[at + c.len_utf8()..].chars().next();
        let word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let skip = match c {
            '{' => macro_end(&text[at..]),
            '*' | '\\' => Some(1),
            '?' if next == Some('?') => Some(2),
            '[' | ']' => Some(1),
            // Emphasis stands at the edge of a word; inside one these are ordinary characters of names and addresses.
            '_' | '+' | '^' | '~' | '-' if !word(previous) || !word(next) => Some(1),
            _ => None,
        };
        match skip {
            Some(n) => at += n,
            None => {
                out.same(&text[at..at + c.len_utf8()], at);
                at += c.len_utf8();
            }
        }
        previous = Some(c);
    }
    Some(out.finish())
}

/// The length of a macro such as `{color:red}` or of an inner emphasis such as `{*}`, at the start of `text`.
fn macro_end(text: &str) -> Option<usize> {
    let end = text.char_indices().take(80).find(|(_, c)| *c == '}').map(|(i, _)| i + 1)?;
    let inner = &text[1..end - 1];
    (!inner.contains(['\n', ' ', '{'])).then_some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_what_is_not_shown() {
        for (markup, shown) in [
            ("*Zoe* _Quill_", "Zoe Quill"),
            ("{*}Zo{*}e {color:red}Quill{color}", "Zoe Quill"),
            ("zoe_quill-x, a-b", "zoe_quill-x, a-b"),
            ("[Zoe Quill|https://x.example]", "Zoe Quill|https://x.example"),
            ("{not a macro} ??cite??", "{not a macro} cite"),
        ] {
            assert_eq!(visible(markup).unwrap().text(), shown);
        }
        assert!(visible("plain text.").is_none());
    }
}

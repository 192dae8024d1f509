//! Text → tokens.

use super::bad;
use crate::sandbox::http::Failure;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// An unquoted word.
    Word(String),
    /// A quoted text.
    Quoted(String),
    /// An operator or punctuation.
    Sign(&'static str),
}

const RESERVED: &str = "{}*/%+^$#@?;";

/// Splits a query into tokens.
///
/// # Errors
/// Jira's message for reserved characters and unclosed quotes.
pub(super) fn tokens(jql: &str) -> Result<Vec<Token>, Failure> {
    const SIGNS: [&str; 15] = ["!=", "!~", "<=", ">=", "&&", "||", "=", "~", "<", ">", "(", ")", ",", "!", "&"];
    let mut out = Vec::new();
    let mut rest = jql;
    while let Some(c) = rest.chars().next() {
        let at = jql.len() - rest.len() + 1;
        if c.is_whitespace() {
            rest = &rest[c.len_utf8()..];
        } else if let Some(sign) = SIGNS.iter().find(|s| rest.starts_with(**s)) {
            out.push(Token::Sign(sign));
            rest = &rest[sign.len()..];
        } else if c == '"' || c == '\'' {
            let (text, used) = quoted(rest, c).ok_or_else(|| {
                bad(format!(
                    "Error in the JQL Query: The quoted string '{}' has not been completed. (line 1, character {at})",
                    &rest[1..]
                ))
            })?;
            out.push(Token::Quoted(text));
            rest = &rest[used..];
        } else if RESERVED.contains(c) || c == '|' {
            return Err(bad(format!(
                "Error in the JQL Query: The character '{c}' is a reserved JQL character. You must enclose it in a \
                 string or use the escape '\\u{:04x}' instead. (line 1, character {at})",
                c as u32
            )));
        } else {
            let end = rest
                .find(|c: char| c.is_whitespace() || "=!~<>(),&|\"'".contains(c) || RESERVED.contains(c))
                .unwrap_or(rest.len());
            out.push(Token::Word(rest[..end].to_owned()));
            rest = &rest[end..];
        }
    }
    Ok(out)
}

/// Reads a quoted text; gives it and how many bytes it took.
fn quoted(text: &str, quote: char) -> Option<(String, usize)> {
    let mut out = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        if c == quote {
            return Some((out, at + 1));
        }
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next()?.1 {
            'n' => out.push('\n'),
            't' => out.push('\t'),
            'r' => out.push('\r'),
            'u' => {
                let hex: String = (0..4).filter_map(|_| chars.next().map(|(_, c)| c)).collect();
                out.push(u32::from_str_radix(&hex, 16).ok().and_then(char::from_u32)?);
            }
            other => out.push(other),
        }
    }
    None
}

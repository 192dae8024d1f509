//! Reading what stands inside a line: first into tokens, then emphasis among the tokens.

use super::{
    super::doc::{Inline, Marks, push_text},
    rules::{ESCAPABLE, bare_address, can_close, can_open, entity, is_address, marker},
};

#[derive(Debug)]
enum Token {
    /// Text as it is meant.
    Text(char),
    Break,
    Code(String),
    /// Tokens of the text, and the address.
    Link(Vec<Token>, String),
    Mention(String),
    Address(String),
    /// `*`, `_`, `+`, `-`.
    Marker {
        c: char,
        mark: Marks,
        open: bool,
        close: bool,
    },
    /// `{*}` and its like, for emphasis inside a word.
    Braced(char, Marks),
}

/// Reads text of one block; its line breaks are hard breaks.
pub(super) fn inlines(text: &str) -> Vec<Inline> {
    let mut out = Vec::new();
    emphasize(&tokens(text, false), Marks::NONE, None, &mut out);
    out
}

fn tokens(text: &str, in_link: bool) -> Vec<Token> {
    let mut out = Vec::new();
    let mut before: Option<char> = None;
    let mut at = 0;
    // From here to the end of the line no `}}` follows.
    let mut no_code_until = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        let after = rest[c.len_utf8()..].chars().next();
        let (token, len) = match c {
            '\n' => (Token::Break, 1),
            '\\' => match after {
                Some('\\') => (Token::Break, 2),
                Some(a) if ESCAPABLE.contains(&a) => (Token::Text(a), 1 + a.len_utf8()),
                _ => (Token::Text(c), 1),
            },
            '&' => entity(rest).map_or((Token::Text(c), 1), |(c, len)| (Token::Text(c), len)),
            '{' => {
                if after == Some('{') && at >= no_code_until {
                    match code(rest) {
                        Ok((code, len)) => (Token::Code(code), len),
                        Err(end) => {
                            no_code_until = at + end;
                            (Token::Text(c), 1)
                        }
                    }
                } else {
                    braced(rest).unwrap_or((Token::Text(c), 1))
                }
            }
            '[' if !in_link => match bracket(rest) {
                Some((mut found, len)) => {
                    let last = found.pop().unwrap_or(Token::Text(' '));
                    out.extend(found);
                    (last, len)
                }
                None => (Token::Text(c), 1),
            },
            'h' | 'f' if !in_link => match bare_address(rest, before) {
                Some(url) => (Token::Address(url.to_owned()), url.len()),
                None => (Token::Text(c), 1),
            },
            _ => match marker(c) {
                Some(mark) => {
                    let open = can_open(before, after) && after.is_some();
                    let close = can_close(before, after) && before.is_some();
                    (Token::Marker { c, mark, open, close }, 1)
                }
                None => (Token::Text(c), c.len_utf8()),
            },
        };
        out.push(token);
        at += len;
        before = text[..at].chars().next_back();
    }
    disarm(&mut out);
    out
}

/// Markers of one kind in a row (`***`, `--`) are text.
fn disarm(tokens: &mut [Token]) {
    let kind = |t: &Token| match t {
        Token::Marker { c, .. } => Some(*c),
        _ => None,
    };
    for at in 1..tokens.len() {
        if kind(&tokens[at]).is_some() && kind(&tokens[at]) == kind(&tokens[at - 1]) {
            for token in &mut tokens[at - 1..=at] {
                if let Token::Marker { open, close, .. } = token {
                    (*open, *close) = (false, false);
                }
            }
        }
    }
}

/// `{{…}}` on one line: the text and the length of it all; or the length in which no end was found.
fn code(rest: &str) -> Result<(String, usize), usize> {
    let mut text = String::new();
    let mut at = 2;
    while let Some(c) = rest[at..].chars().next() {
        let tail = &rest[at..];
        if c == '\n' {
            break;
        }
        if tail.starts_with("}}") && !text.is_empty() {
            return Ok((text, at + 2));
        }
        let (c, len) = match c {
            '\\' => match tail[1..].chars().next() {
                Some(a) if ESCAPABLE.contains(&a) => (a, 1 + a.len_utf8()),
                _ => (c, 1),
            },
            '&' => entity(tail).unwrap_or((c, 1)),
            _ => (c, c.len_utf8()),
        };
        text.push(c);
        at += len;
    }
    Err(at)
}

fn braced(rest: &str) -> Option<(Token, usize)> {
    let mut chars = rest.chars().skip(1);
    let c = chars.next()?;
    let mark = marker(c)?;
    (chars.next() == Some('}')).then_some((Token::Braced(c, mark), 3))
}

/// `[…]` on one line: a mention or a link.
fn bracket(rest: &str) -> Option<(Vec<Token>, usize)> {
    let mut parts = vec![String::new()];
    let mut chars = rest.char_indices().skip(1);
    let mut end = None;
    while let Some((at, c)) = chars.next() {
        match c {
            '\n' | '[' => return None,
            ']' => {
                end = Some(at + 1);
                break;
            }
            '|' => parts.push(String::new()),
            _ => {
                let part = parts.last_mut()?;
                part.push(c);
                if c == '\\'
                    && let Some((_, next)) = chars.next()
                {
                    if next == '\n' {
                        return None;
                    }
                    part.push(next);
                }
            }
        }
    }
    let end = end?;
    let tokens = match parts.as_slice() {
        [one] => match one.strip_prefix('~') {
            Some(name) if !name.trim().is_empty() => vec![Token::Mention(name.trim().to_owned())],
            Some(_) => return None,
            None if is_address(one) && one.contains(':') => vec![Token::Link(literal(one), one.clone())],
            None => return None,
        },
        [text, target, tip @ ..] if tip.len() < 2 => {
            let target = target.trim();
            let mut found = if let Some(name) = target.strip_prefix('~').filter(|n| !n.is_empty()) {
                let mut found = tokens(text, true);
                found.push(Token::Text(' '));
                found.push(Token::Mention(name.to_owned()));
                found
            } else if is_address(target) {
                let inner = if text.is_empty() { literal(target) } else { tokens(text, true) };
                vec![Token::Link(inner, target.to_owned())]
            } else {
                return None;
            };
            // How Cloud marks a link that it draws as a card; anything else was meant to be read.
            let cards = ["smart-link", "smart-card", "smart-block", "smart-embed"];
            if let Some(tip) = tip.first().filter(|t| !t.is_empty() && !cards.contains(&t.as_str())) {
                found.extend(literal(" ("));
                found.extend(tokens(tip, true));
                found.push(Token::Text(')'));
            }
            found
        }
        _ => return None,
    };
    Some((tokens, end))
}

fn literal(text: &str) -> Vec<Token> {
    text.chars().map(Token::Text).collect()
}

fn emphasize(tokens: &[Token], marks: Marks, href: Option<&str>, out: &mut Vec<Inline>) {
    // No closing marker of this kind stands before this token.
    let mut none_before: [(Marks, bool, usize); 8] = [(Marks::NONE, false, 0); 8];
    let mut known = 0;
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        match token {
            Token::Text(c) => push_text(out, c.encode_utf8(&mut [0; 4]), marks, href),
            Token::Break => out.push(Inline::Break),
            Token::Code(text) => push_text(out, text, marks.with(Marks::CODE), href),
            Token::Mention(id) => out.push(Inline::Mention { id: id.clone(), text: String::new() }),
            Token::Address(url) => push_text(out, url, marks, Some(url)),
            Token::Link(inner, url) => emphasize(inner, marks, Some(url), out),
            Token::Marker { .. } | Token::Braced(..) => {
                let (c, mark, is_braced, opens) = match token {
                    Token::Marker { c, mark, open, .. } => (*c, *mark, false, *open),
                    Token::Braced(c, mark) => (*c, *mark, true, true),
                    _ => (' ', Marks::NONE, false, false),
                };
                let mut end = None;
                let hopeless =
                    none_before[..known].iter().any(|(m, b, until)| (*m, *b) == (mark, is_braced) && at < *until);
                if opens && !marks.has(mark) && !hopeless {
                    match closing(tokens, at, mark, is_braced) {
                        Ok(found) => end = Some(found),
                        Err(until) => {
                            let slot = none_before[..known].iter().position(|(m, b, _)| (*m, *b) == (mark, is_braced));
                            let slot = slot.unwrap_or(known);
                            if let Some(place) = none_before.get_mut(slot) {
                                *place = (mark, is_braced, until);
                                known = known.max(slot + 1);
                            }
                        }
                    }
                }
                if let Some(end) = end {
                    emphasize(&tokens[at + 1..end], marks.with(mark), href, out);
                    at = end;
                } else if is_braced {
                    push_text(out, &format!("{{{c}}}"), marks, href);
                } else {
                    push_text(out, c.encode_utf8(&mut [0; 4]), marks, href);
                }
            }
        }
        at += 1;
    }
}

/// The token that closes the one at `open`, on the same line and not right behind it; or how far there is none.
fn closing(tokens: &[Token], open: usize, mark: Marks, is_braced: bool) -> Result<usize, usize> {
    for (at, token) in tokens.iter().enumerate().skip(open + 1) {
        let closes = match token {
            Token::Break => return Err(at),
            Token::Marker { mark: m, close, .. } => !is_braced && *m == mark && *close,
            Token::Braced(_, m) => is_braced && *m == mark,
            _ => false,
        };
        if closes && at > open + 1 {
            return Ok(at);
        }
    }
    Err(tokens.len())
}

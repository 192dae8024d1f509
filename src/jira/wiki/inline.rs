//! Reading what stands inside a line: first into tokens, then emphasis among the tokens.

use super::{
    super::{
        doc::{Color, FileRef, Inline, Marks, Style, push_text},
        looks::Emoji,
    },
    rules::{
        ESCAPABLE, bare_address, can_close, can_open, emoticon, entity, file_params, is_address, is_file_name,
        is_image_name, is_word, marker,
    },
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
    Card(String),
    File(FileRef),
    Emoji(&'static Emoji),
    /// `{color:red}`, and how it was written.
    Color(Color, String),
    ColorEnd,
    /// `*`, `_`, `+`, `-`, `^`, `~`, and `?` for `??`.
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
    emphasize(&tokens(text, false), Style::PLAIN, &mut out);
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
                    braced(rest).or_else(|| color(rest)).unwrap_or((Token::Text(c), 1))
                }
            }
            '[' | '!' if !in_link => match if c == '[' { bracket(rest) } else { image(rest, before) } {
                Some((mut found, len)) => {
                    let last = found.pop().unwrap_or(Token::Text(' '));
                    out.extend(found);
                    (last, len)
                }
                None => (Token::Text(c), 1),
            },
            ':' | ';' | '(' if !in_link => match emoticon(rest, before) {
                Some((emoji, len)) => (Token::Emoji(emoji), len),
                None => (Token::Text(c), 1),
            },
            // A citation. Three in a row ask.
            '?' if after == Some('?') && before != Some('?') && !rest[2..].starts_with('?') => {
                let behind = rest[2..].chars().next();
                let open = can_open(before, behind) && behind.is_some();
                let close = can_close(before, behind) && before.is_some();
                (Token::Marker { c, mark: Marks::EM, open, close }, 2)
            }
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

/// `{color:red}` or its end.
fn color(rest: &str) -> Option<(Token, usize)> {
    let rest = rest.strip_prefix("{color")?;
    if rest.starts_with('}') {
        return Some((Token::ColorEnd, "{color}".len()));
    }
    let value = rest.strip_prefix(':')?;
    let value = &value[..value.bytes().take(30).position(|b| b == b'}')?];
    Some((Token::Color(Color::wiki(value.trim())?, format!("{{color:{value}}}")), "{color:}".len() + value.len()))
}

/// How far a picture, a link or a mention reaches that begins here: bars inside it end no cell.
pub(super) fn reach(rest: &str, before: Option<char>) -> Option<usize> {
    let found = if rest.starts_with('!') { image(rest, before) } else { bracket(rest) };
    found.map(|(_, len)| len)
}

/// `!…!` on one line: a picture. What its bar says beyond looks is text behind it.
fn image(rest: &str, before: Option<char>) -> Option<(Vec<Token>, usize)> {
    let inner = rest.strip_prefix('!').filter(|_| !is_word(before))?;
    let end = inner.find(['!', '\n'])?;
    let behind = inner[end..].strip_prefix('!')?;
    let (name, params) = inner[..end].split_once('|').unwrap_or((&inner[..end], ""));
    if !is_image_name(name) || is_word(behind.chars().next()) {
        return None;
    }
    let (params, said) = file_params(params);
    let mut found = vec![Token::File(FileRef { name: name.to_owned(), image: true, params })];
    for text in said {
        found.extend(literal(&format!(" ({text})")));
    }
    Some((found, end + 2))
}

/// `[…]` on one line: a mention, a file or a link.
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
            None if one.starts_with('^') => vec![file(one)?],
            None if is_address(one) && (one.contains(':') || one.starts_with('#')) => {
                vec![Token::Link(literal(one), one.clone())]
            }
            None => return None,
        },
        [text, target, tip @ ..] if tip.len() < 2 => {
            let target = target.trim();
            let is_card = |tip: &[String]| tip.first().is_some_and(|t| CARDS.contains(&t.as_str()));
            let mut found = if let Some(name) = target.strip_prefix('~').filter(|n| !n.is_empty()) {
                let mut found = tokens(text, true);
                found.push(Token::Text(' '));
                found.push(Token::Mention(name.to_owned()));
                found
            } else if target.starts_with('^') {
                let mut found = tokens(text, true);
                found.push(Token::Text(' '));
                found.push(file(target)?);
                found
            } else if text == target && is_card(tip) && is_address(target) && target.contains(':') {
                vec![Token::Card(target.to_owned())]
            } else if is_address(target) {
                let inner = if text.is_empty() { literal(target) } else { tokens(text, true) };
                vec![Token::Link(inner, target.to_owned())]
            } else {
                return None;
            };
            if let Some(tip) = tip.first().filter(|t| !t.is_empty() && !CARDS.contains(&t.as_str())) {
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

/// How Cloud marks a link that it draws as a card; anything else at this place was meant to be read.
const CARDS: [&str; 4] = ["smart-link", "smart-card", "smart-block", "smart-embed"];

/// `^name`
fn file(text: &str) -> Option<Token> {
    let name = text.strip_prefix('^')?.trim();
    is_file_name(name).then(|| Token::File(FileRef { name: name.to_owned(), image: false, params: String::new() }))
}

fn literal(text: &str) -> Vec<Token> {
    text.chars().map(Token::Text).collect()
}

fn emphasize(tokens: &[Token], style: Style<'_>, out: &mut Vec<Inline>) {
    // Up to which token no end of this kind of marker stands.
    let mut hopeless: Vec<(char, bool, usize)> = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        match token {
            Token::Text(c) => push_text(out, c.encode_utf8(&mut [0; 4]), style),
            Token::Break => out.push(Inline::Break),
            Token::Code(text) => push_text(out, text, Style { marks: style.marks.with(Marks::CODE), ..style }),
            Token::Mention(id) => out.push(Inline::Mention { id: id.clone(), text: String::new() }),
            Token::Address(url) => push_text(out, url, Style { href: Some(url), ..style }),
            Token::Link(inner, url) => emphasize(inner, Style { href: Some(url), ..style }, out),
            Token::Card(url) => out.push(Inline::Card(url.clone())),
            Token::File(file) => out.push(Inline::File(file.clone())),
            Token::Emoji(emoji) => out.push(Inline::Emoji(emoji)),
            Token::Color(color, written) => {
                let known = style.color.is_some() || hopeless.iter().any(|(c, ..)| *c == 'c');
                let find = || tokens[at..].iter().position(|t| matches!(t, Token::ColorEnd)).map(|n| at + n);
                match if known { None } else { find() } {
                    Some(end) => {
                        emphasize(&tokens[at + 1..end], Style { color: Some(*color), ..style }, out);
                        at = end;
                    }
                    None => {
                        if !known {
                            hopeless.push(('c', false, tokens.len()));
                        }
                        push_text(out, written, style);
                    }
                }
            }
            Token::ColorEnd => push_text(out, "{color}", style),
            Token::Marker { .. } | Token::Braced(..) => {
                let (c, mark, is_braced, opens) = match token {
                    Token::Marker { c, mark, open, .. } => (*c, *mark, false, *open),
                    Token::Braced(c, mark) => (*c, *mark, true, true),
                    _ => (' ', Marks::NONE, false, false),
                };
                let mut end = None;
                let known = hopeless.iter().any(|(m, b, until)| (*m, *b) == (c, is_braced) && at < *until);
                if opens && style.marks.takes(mark) && !known {
                    match closing(tokens, at, c, is_braced) {
                        Ok(found) => end = Some(found),
                        Err(until) => {
                            hopeless.retain(|(m, b, _)| (*m, *b) != (c, is_braced));
                            hopeless.push((c, is_braced, until));
                        }
                    }
                }
                if let Some(end) = end {
                    emphasize(&tokens[at + 1..end], Style { marks: style.marks.with(mark), ..style }, out);
                    at = end;
                } else if is_braced {
                    push_text(out, &format!("{{{c}}}"), style);
                } else {
                    let text = if c == '?' { "??".to_owned() } else { c.to_string() };
                    push_text(out, &text, style);
                }
            }
        }
        at += 1;
    }
}

/// The token that closes the one at `open`, on the same line and not right behind it; or how far there is none.
fn closing(tokens: &[Token], open: usize, sign: char, is_braced: bool) -> Result<usize, usize> {
    for (at, token) in tokens.iter().enumerate().skip(open + 1) {
        let closes = match token {
            Token::Break => return Err(at),
            Token::Marker { c, close, .. } => !is_braced && *c == sign && *close,
            Token::Braced(c, _) => is_braced && *c == sign,
            _ => false,
        };
        if closes && at > open + 1 {
            return Ok(at);
        }
    }
    Err(tokens.len())
}

//! What counts as markup: characters, entities, addresses, file names, emoticons. Shared by reader and writer.

use super::super::{
    doc::Marks,
    looks::{EMOJI, Emoji},
};

/// A backslash before one of these gives the character itself.
pub(super) const ESCAPABLE: &[char] = &['*', '_', '-', '+', '^', '~', '?', '{', '}', '[', ']', '|', '!', '#'];

/// Lists deeper than this are text.
pub(super) const DEEPEST_LIST: usize = 20;

/// The marks that have a character.
pub(super) const MARKERS: [(char, Marks); 6] = [
    ('*', Marks::STRONG),
    ('_', Marks::EM),
    ('+', Marks::UNDERLINE),
    ('-', Marks::STRIKE),
    ('^', Marks::SUP),
    ('~', Marks::SUB),
];

pub(super) fn marker(c: char) -> Option<Marks> {
    MARKERS.iter().find(|(m, _)| *m == c).map(|(_, marks)| *marks)
}

pub(super) fn is_word(c: Option<char>) -> bool {
    c.is_some_and(char::is_alphanumeric)
}

fn is_space(c: Option<char>) -> bool {
    c.is_some_and(char::is_whitespace)
}

/// A marker can open where no word ends and something follows.
pub(super) fn can_open(before: Option<char>, after: Option<char>) -> bool {
    !is_word(before) && !is_space(after)
}

/// A marker can close where something precedes and no word begins.
pub(super) fn can_close(before: Option<char>, after: Option<char>) -> bool {
    !is_space(before) && !is_word(after)
}

/// The entity at the beginning of `text`: the character, and how many bytes it takes. Control characters are none.
pub(super) fn entity(text: &str) -> Option<(char, usize)> {
    let rest = text.strip_prefix('&')?;
    let end = rest.bytes().take(10).position(|b| b == b';')?;
    let name = &rest[..end];
    let c = match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => '\u{a0}',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) if hex.bytes().all(|b| b.is_ascii_hexdigit()) => u32::from_str_radix(hex, 16).ok()?,
                None if number.bytes().all(|b| b.is_ascii_digit()) => number.parse().ok()?,
                _ => return None,
            };
            char::from_u32(code).filter(|c| !c.is_control())?
        }
    };
    Some((c, end + 2))
}

/// Whether an address may stand behind a link without anybody being harmed by a click.
pub(in super::super) fn is_address(url: &str) -> bool {
    if url.is_empty() || url.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return false;
    }
    match url.split_once(':') {
        Some((scheme, rest)) if !scheme.contains(['/', '#', '?']) => {
            !rest.is_empty()
                && matches!(
                    scheme.to_ascii_lowercase().as_str(),
                    "http"
                        | "https"
                        | "ftp"
                        | "ftps"
                        | "sftp"
                        | "mailto"
                        | "tel"
                        | "file"
                        | "ssh"
                        | "git"
                        | "irc"
                        | "news"
                )
        }
        _ => (url.starts_with('/') || url.starts_with('#')) && url.len() > 1,
    }
}

/// The bare address at the beginning of `text`, as Jira would make a link of it.
pub(super) fn bare_address(text: &str, before: Option<char>) -> Option<&str> {
    if is_word(before) || !["http://", "https://", "ftp://"].iter().any(|p| text.starts_with(p)) {
        return None;
    }
    let stop = |c: char| {
        c.is_whitespace()
            || c.is_control()
            || matches!(c, '<' | '>' | '"' | '{' | '}' | '[' | ']' | '|' | '\\' | '^' | '`')
    };
    let end = text.find(stop).unwrap_or(text.len());
    // An entity is what the writer makes of a character that ends an address.
    let end = text[..end].find("&#").unwrap_or(end);
    let url = text[..end].trim_end_matches(['.', ',', ';', ':', '!', '?', '\'', '*', '_', '+', '-', '~', ')', '&']);
    (url.len() > url.find("://")? + 3).then_some(url)
}

/// An address as it can stand in `[text|address]`.
pub(super) fn encode_address(url: &str) -> String {
    let mut out = String::with_capacity(url.len());
    for c in url.chars() {
        if c.is_whitespace() || c.is_control() || matches!(c, '|' | '[' | ']' | '{' | '}' | '\\') {
            let mut buffer = [0; 4];
            for byte in c.encode_utf8(&mut buffer).bytes() {
                out.push_str(&format!("%{byte:02X}"));
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// Whether a name can stand in `[^…]`.
pub(in super::super) fn is_file_name(name: &str) -> bool {
    let odd = |c: char| c.is_control() || matches!(c, '[' | ']' | '{' | '}' | '|' | '\\' | '^' | '!');
    !name.is_empty() && name.len() <= 255 && name.trim() == name && !name.contains(odd)
}

/// Whether a name, or the address of a picture, can stand in `!…!`. It begins with a letter or a digit, so that few
/// exclamation marks need a backslash, and has an extension, so that no exclamation is a picture.
pub(in super::super) fn is_image_name(name: &str) -> bool {
    if ["http://", "https://"].iter().any(|p| name.starts_with(p)) {
        return is_address(name) && name == encode_address(name) && !name.contains('!');
    }
    let ends = name.rsplit_once('.').is_some_and(|(stem, end)| {
        !stem.is_empty() && (1..=5).contains(&end.len()) && end.bytes().all(|b| b.is_ascii_alphanumeric())
    });
    ends && is_file_name(name) && is_word(name.chars().next())
}

/// What stands behind a picture's bar: what is looks alone, and what was written to be read (`alt`, `title`, others).
pub(in super::super) fn file_params(params: &str) -> (String, Vec<String>) {
    const LOOKS: [&str; 7] = ["width", "height", "align", "border", "vspace", "hspace", "bordercolor"];
    const VALUES: [&str; 4] = ["left", "right", "center", "absmiddle"];
    let (mut looks, mut said) = (Vec::new(), Vec::new());
    for param in params.split(',').map(str::trim).filter(|p| !p.is_empty()) {
        let plain = |v: &str| {
            let digits = v.trim_start_matches('#').trim_end_matches("px").trim_end_matches('%');
            VALUES.contains(&v) || (1..=6).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
        };
        match param.split_once('=') {
            None if param == "thumbnail" => looks.push(param),
            Some((key, value)) if LOOKS.contains(&key) && plain(value) => looks.push(param),
            Some(("alt" | "title", value)) => said.push(value.trim_matches('"').to_owned()),
            _ => said.push(param.to_owned()),
        }
    }
    (looks.join(","), said)
}

/// The emoticon at the beginning of `text`, and how many bytes it takes. None where a word touches it: `f(x)`, `8:D`.
pub(super) fn emoticon(text: &str, before: Option<char>) -> Option<(&'static Emoji, usize)> {
    if is_word(before) || !text.starts_with([':', ';', '(']) {
        return None;
    }
    EMOJI.iter().find_map(|emoji| {
        let signs = emoji.wiki.iter().find(|s| text.starts_with(**s) && !is_word(text[s.len()..].chars().next()))?;
        Some((emoji, signs.len()))
    })
}

/// Text as wiki markup that shows just that text, inside a line.
#[must_use]
pub fn escape(text: &str) -> String {
    escape_before(text, None)
}

/// The same, where it is known what will follow.
pub(super) fn escape_before(text: &str, follows: Option<char>) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut before = None;
    let mut chars = text.char_indices().peekable();
    // The last character of an emoticon; there is no backslash for it.
    let mut emoticon_end = None;
    while let Some((at, c)) = chars.next() {
        let after = chars.peek().map(|(_, c)| *c).or(follows);
        if let Some((_, len)) = emoticon(&text[at..], before) {
            emoticon_end = Some(at + len - 1);
        }
        match c {
            _ if emoticon_end == Some(at) => out.push_str(&format!("&#{};", u32::from(c))),
            '\\' => {
                // Before anything special it would be an escape or a line break; there is no escape for it but the entity.
                let special = after.is_none_or(|a| a == '\\' || ESCAPABLE.contains(&a));
                out.push_str(if special { "&#92;" } else { "\\" });
            }
            '{' | '}' | '[' | ']' | '|' => out.extend(['\\', c]),
            '*' | '_' | '-' | '+' | '^' | '~' if can_open(before, after) || can_close(before, after) => {
                out.extend(['\\', c]);
            }
            // Behind a marker at the beginning of a line it would make a list of it.
            '#' if before.is_none() => out.extend(['\\', c]),
            '?' if before == Some('?') || after == Some('?') => out.extend(['\\', c]),
            '!' if can_open(before, after) && is_word(after) => out.extend(['\\', c]),
            '&' if entity(&text[at..]).is_some() => out.push_str("&amp;"),
            // Line breaks have no place inside a line; callers split at them.
            '\n' | '\r' => out.push(' '),
            _ => out.push(c),
        }
        before = Some(c);
    }
    out
}

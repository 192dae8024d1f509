//! Views of a text: the same text with one layer of escapes or markup taken off, each byte still knowing where it came
//! from. A view is `None` where there is nothing to take off.

use crate::norm::{Builder, Mapped};

/// How many bytes a tag, an entity's name or a wiki link's target may have before it is taken for plain text.
pub(crate) const LONGEST_TAG: usize = 4096;

/// Builds a view: stretches that stay and stretches that are replaced.
pub(super) struct View<'a> {
    text: &'a str,
    out: Builder,
    done: usize,
    changed: bool,
}

impl<'a> View<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, out: Builder::with_capacity(text.len()), done: 0, changed: false }
    }

    /// Replaces `from..to` of the original by `with`.
    pub(super) fn replace(&mut self, from: usize, to: usize, with: &str) {
        self.out.same(&self.text[self.done..from], self.done);
        self.out.unit(with, from, to);
        self.done = to;
        self.changed = true;
    }

    pub(super) fn finish(mut self) -> Option<Mapped> {
        self.out.same(&self.text[self.done..], self.done);
        self.changed.then(|| self.out.finish())
    }
}

/// The text with JSON's backslash escapes resolved, one level.
#[must_use]
pub fn json_unescaped(text: &str) -> Option<Mapped> {
    let bytes = text.as_bytes();
    let mut view = View::new(text);
    let mut from = 0;
    while let Some(i) = memchr::memchr(b'\\', &bytes[from..]) {
        let at = from + i;
        let (with, len) = match bytes.get(at + 1) {
            Some(b'u') => match unicode_escape(bytes, at) {
                Some(found) => found,
                None => {
                    from = at + 1;
                    continue;
                }
            },
            Some(b'n' | b'r' | b't' | b'f' | b'b') => (' ', 2),
            Some(b'"') => ('"', 2),
            Some(b'/') => ('/', 2),
            Some(b'\\') => ('\\', 2),
            _ => {
                from = at + 1;
                continue;
            }
        };
        view.replace(at, at + len, with.encode_utf8(&mut [0; 4]));
        from = at + len;
    }
    view.finish()
}

/// `\uXXXX` at `at`, with its low surrogate where there is one: the character and the bytes it takes.
pub(crate) fn unicode_escape(bytes: &[u8], at: usize) -> Option<(char, usize)> {
    let unit = |at: usize| -> Option<u32> {
        let escape = bytes.get(at..at + 6)?;
        if !escape.starts_with(b"\\u") {
            return None;
        }
        escape[2..].iter().try_fold(0, |n, b| Some(n * 16 + char::from(*b).to_digit(16)?))
    };
    let high = unit(at)?;
    if !(0xd800..0xe000).contains(&high) {
        return char::from_u32(high).map(|c| (c, 6));
    }
    if high >= 0xdc00 {
        return None;
    }
    let low = unit(at + 6).filter(|low| (0xdc00..0xe000).contains(low))?;
    char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)).map(|c| (c, 12))
}

/// The text with URL percent escapes resolved, one level: bytes that are UTF-8 together as that, others one by one as
/// Latin-1, and the `%u00EB` of older scripts.
#[must_use]
pub fn percent_decoded(text: &str) -> Option<Mapped> {
    let bytes = text.as_bytes();
    let mut view = View::new(text);
    let mut from = 0;
    while let Some(i) = memchr::memchr(b'%', &bytes[from..]) {
        let at = from + i;
        from = match percent_char(bytes, at) {
            Some((c, len)) => {
                view.replace(at, at + len, c.encode_utf8(&mut [0; 4]));
                at + len
            }
            None => at + 1,
        };
    }
    view.finish()
}

/// The character that the percent escapes at `at` stand for, and their length.
pub(crate) fn percent_char(bytes: &[u8], at: usize) -> Option<(char, usize)> {
    if bytes.get(at + 1) == Some(&b'u') {
        let digits = std::str::from_utf8(bytes.get(at + 2..at + 6)?).ok()?;
        let code = digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok())??;
        return char::from_u32(code).map(|c| (c, 6));
    }
    escaped_char(at, 3, |at| percent(bytes, at).map(|b| (b, 3)))
}

/// The character that escaped bytes stand for, `byte` giving each and the length of its escape: UTF-8, else Latin-1.
fn escaped_char(at: usize, len: usize, byte: impl Fn(usize) -> Option<(u8, usize)>) -> Option<(char, usize)> {
    let mut char = [0; 4];
    let mut end = at;
    for n in 0..4 {
        let Some((b, len)) = byte(end) else { break };
        char[n] = b;
        end += len;
        if let Ok(text) = std::str::from_utf8(&char[..=n]) {
            return text.chars().next().map(|c| (c, end - at));
        }
    }
    (char[0] >= 0xa0).then_some((char::from(char[0]), len))
}

/// The text with quoted-printable escapes (RFC 2045, section 6.7) resolved and soft line breaks taken out.
#[must_use]
pub fn quoted_printable_decoded(text: &str) -> Option<Mapped> {
    let bytes = text.as_bytes();
    let mut view = View::new(text);
    let mut from = 0;
    while let Some(i) = memchr::memchr(b'=', &bytes[from..]) {
        let at = from + i;
        if let Some(len) = soft_break(bytes, at) {
            view.replace(at, at + len, "");
            from = at + len;
            continue;
        }
        from = match quoted_char(bytes, at) {
            Some((c, len)) => {
                view.replace(at, at + len, c.encode_utf8(&mut [0; 4]));
                at + len
            }
            None => at + 1,
        };
    }
    view.finish()
}

/// The character that the quoted-printable escapes at `at` stand for, and their length. A soft line break may stand
/// between the bytes of a character.
pub(crate) fn quoted_char(bytes: &[u8], at: usize) -> Option<(char, usize)> {
    let len = quoted(bytes, at).map(|_| 3)?;
    escaped_char(at, len, |next| {
        let over = if next > at { soft_break(bytes, next).unwrap_or(0) } else { 0 };
        quoted(bytes, next + over).map(|b| (b, 3 + over))
    })
}

/// The byte of the quoted-printable escape at `at`. Its digits are upper case, which keeps most of what only looks like one
/// away.
pub(crate) fn quoted(bytes: &[u8], at: usize) -> Option<u8> {
    let digits = bytes.get(at..at + 3)?.strip_prefix(b"=")?;
    let upper = |b: u8| if b.is_ascii_lowercase() { None } else { char::from(b).to_digit(16) };
    u8::try_from(upper(digits[0])? * 16 + upper(digits[1])?).ok()
}

/// The length of the soft line break at `at`.
pub(crate) fn soft_break(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = bytes.get(at..)?.strip_prefix(b"=")?;
    let space = rest.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
    match rest.get(space..)? {
        [b'\n', ..] => Some(space + 2),
        [b'\r', b'\n', ..] => Some(space + 3),
        _ => None,
    }
}

fn percent(bytes: &[u8], at: usize) -> Option<u8> {
    let digits = bytes.get(at..at + 3)?.strip_prefix(b"%")?;
    let digit = |b: u8| char::from(b).to_digit(16);
    u8::try_from(digit(digits[0])? * 16 + digit(digits[1])?).ok()
}

/// The text with HTML or XML tags taken out (a space for those that separate) and entities resolved.
#[must_use]
pub fn markup_stripped(text: &str) -> Option<Mapped> {
    stripped(text, false).0
}

/// As [`markup_stripped`], as tight as can be: without comments, and with tags that HTML does not know separating nothing. `None`
/// where that makes no difference.
#[must_use]
pub fn markup_tight(text: &str) -> Option<Mapped> {
    match stripped(text, true) {
        (view, true) => view,
        _ => None,
    }
}

/// The text without its markup, and whether `tight` made a difference.
fn stripped(text: &str, tight: bool) -> (Option<Mapped>, bool) {
    let bytes = text.as_bytes();
    let mut view = View::new(text);
    let (mut from, mut made) = (0, false);
    let fenced = memchr::memmem::find(bytes, CDATA.as_bytes()).is_some();
    let next = |from: usize| match fenced {
        true => memchr::memchr3(b'<', b'&', b']', &bytes[from..]),
        false => memchr::memchr2(b'<', b'&', &bytes[from..]),
    };
    while let Some(i) = next(from) {
        let at = from + i;
        let found = match bytes[at] {
            b'<' => {
                let hidden = if tight { comment(bytes, at) } else { None };
                hidden.map(|len| (Tag::Unknown, len)).or_else(|| tag(text, at))
            }
            b']' => bytes[at..].starts_with(b"]]>").then_some((Tag::Inline, 3)),
            _ => None,
        };
        from = match found {
            Some((kind, len)) => {
                made |= kind == Tag::Unknown;
                let separates = kind == Tag::Separates || (kind == Tag::Unknown && !tight);
                view.replace(at, at + len, if separates { " " } else { "" });
                at + len
            }
            None => match entity(text, at) {
                Some((c, len)) => {
                    view.replace(at, at + len, c.encode_utf8(&mut [0; 4]));
                    at + len
                }
                None => at + 1,
            },
        };
    }
    (view.finish(), made)
}

/// The text with entities resolved and its tags kept, for what stands in them. `None` without tags.
#[must_use]
pub fn entities(text: &str) -> Option<Mapped> {
    let bytes = text.as_bytes();
    memchr::memchr(b'<', bytes)?;
    let mut view = View::new(text);
    let mut from = 0;
    while let Some(i) = memchr::memchr(b'&', &bytes[from..]) {
        let at = from + i;
        from = match entity(text, at) {
            Some((c, len)) => {
                view.replace(at, at + len, c.encode_utf8(&mut [0; 4]));
                at + len
            }
            None => at + 1,
        };
    }
    view.finish()
}

const CDATA: &str = "<![CDATA[";

/// The length of the comment at `at`.
pub(crate) fn comment(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = bytes.get(at..)?.strip_prefix(b"<!--")?;
    let end = memchr::memmem::find(rest.get(..LONGEST_TAG).unwrap_or(rest), b"-->")?;
    Some(end + 7)
}

/// What a tag does to what stands on either side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tag {
    /// Nothing.
    Inline,
    /// It separates.
    Separates,
    /// HTML does not say.
    Unknown,
}

/// The tags of HTML that separate. What is neither among these nor among [`INLINE`] is another language's.
const SEPARATING: [&str; 67] = [
    "address",
    "article",
    "aside",
    "audio",
    "base",
    "blockquote",
    "body",
    "br",
    "button",
    "canvas",
    "caption",
    "col",
    "colgroup",
    "data",
    "datalist",
    "dd",
    "details",
    "dialog",
    "div",
    "dl",
    "dt",
    "embed",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "head",
    "header",
    "hr",
    "html",
    "iframe",
    "img",
    "input",
    "label",
    "legend",
    "li",
    "link",
    "main",
    "meta",
    "nav",
    "object",
    "ol",
    "optgroup",
    "option",
    "p",
    "pre",
    "script",
    "section",
    "select",
    "style",
    "table",
    "tbody",
    "td",
    "textarea",
    "tfoot",
    "th",
    "thead",
    "title",
    "tr",
    "ul",
];

/// The tags that stand inside a word or a sentence without separating anything.
const INLINE: [&str; 27] = [
    "a", "abbr", "b", "bdi", "bdo", "big", "cite", "code", "del", "em", "font", "i", "ins", "kbd", "mark", "q", "s",
    "samp", "small", "span", "strike", "strong", "sub", "sup", "tt", "u", "wbr",
];

/// A tag, comment or CDATA fence at `at`: what it does, and its length.
fn tag(text: &str, at: usize) -> Option<(Tag, usize)> {
    let rest = &text[at..];
    if rest.starts_with(CDATA) {
        return Some((Tag::Inline, CDATA.len()));
    }
    if rest.starts_with("<!--") {
        // The comment's text stays searchable; only its fence goes.
        return Some((Tag::Separates, 4));
    }
    let name = rest[1..].strip_prefix(['/', '?', '!']).unwrap_or(&rest[1..]);
    let len = name.bytes().take_while(|b| b.is_ascii_alphanumeric() || b":-_".contains(b)).count();
    if len == 0 || !name.as_bytes()[0].is_ascii_alphabetic() {
        return None;
    }
    // A tag holds no other; what looks like one is text.
    let inside = rest.as_bytes().get(1..LONGEST_TAG).unwrap_or(&rest.as_bytes()[1..]);
    let close = 1 + memchr::memchr2(b'>', b'<', inside).filter(|i| inside[*i] == b'>')?;
    // Nor is a mail address one: `Anna Berg <anna.berg@corp.example>`.
    if rest[1..close].bytes().take_while(|b| !b.is_ascii_whitespace() && *b != b'=').any(|b| b == b'@') {
        return None;
    }
    let name = name[..len].to_ascii_lowercase();
    let kind = if INLINE.contains(&name.as_str()) {
        Tag::Inline
    } else if SEPARATING.contains(&name.as_str()) || rest[1..].starts_with(['?', '!']) {
        Tag::Separates
    } else {
        Tag::Unknown
    };
    Some((kind, close + 1))
}

/// An entity at `at`: its character and length.
pub(crate) fn entity(text: &str, at: usize) -> Option<(char, usize)> {
    let rest = text.get(at..)?.strip_prefix('&')?;
    let head = rest.as_bytes().get(..12).unwrap_or(rest.as_bytes());
    let semicolon = memchr::memchr(b';', head)?;
    let name = rest.get(..semicolon)?;
    let c = if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        char::from_u32(code)?
    } else {
        named_entity(name)?
    };
    Some((c, semicolon + 2))
}

/// HTML's names of the Latin-1 characters from U+00C0 on, in order; then the few others that stand in names and addresses.
const LATIN1: [&str; 64] = [
    "Agrave", "Aacute", "Acirc", "Atilde", "Auml", "Aring", "AElig", "Ccedil", "Egrave", "Eacute", "Ecirc", "Euml",
    "Igrave", "Iacute", "Icirc", "Iuml", "ETH", "Ntilde", "Ograve", "Oacute", "Ocirc", "Otilde", "Ouml", "times",
    "Oslash", "Ugrave", "Uacute", "Ucirc", "Uuml", "Yacute", "THORN", "szlig", "agrave", "aacute", "acirc", "atilde",
    "auml", "aring", "aelig", "ccedil", "egrave", "eacute", "ecirc", "euml", "igrave", "iacute", "icirc", "iuml",
    "eth", "ntilde", "ograve", "oacute", "ocirc", "otilde", "ouml", "divide", "oslash", "ugrave", "uacute", "ucirc",
    "uuml", "yacute", "thorn", "yuml",
];

fn named_entity(name: &str) -> Option<char> {
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" | "rsquo" | "lsquo" => '\'',
        "nbsp" | "ensp" | "emsp" | "thinsp" => ' ',
        "shy" => '\u{ad}',
        "zwj" => '\u{200d}',
        "zwnj" => '\u{200c}',
        "commat" => '@',
        "period" => '.',
        "lowbar" => '_',
        "hyphen" | "dash" => '-',
        "plus" => '+',
        "Scaron" => 'Š',
        "scaron" => 'š',
        "Zcaron" => 'Ž',
        "zcaron" => 'ž',
        "OElig" => 'Œ',
        "oelig" => 'œ',
        "Yuml" => 'Ÿ',
        "lstrok" => 'ł',
        "Lstrok" => 'Ł',
        _ => match LATIN1.iter().position(|n| *n == name) {
            Some(at) => char::from_u32(0xc0 + u32::try_from(at).ok()?)?,
            None => composed(name).or_else(|| greek(name)).or_else(|| cyrillic(name))?,
        },
    })
}

/// HTML's endings of names for a Latin letter with an accent, and the accent.
const ACCENTS: [(&str, char); 13] = [
    ("grave", '\u{300}'),
    ("acute", '\u{301}'),
    ("circ", '\u{302}'),
    ("tilde", '\u{303}'),
    ("macr", '\u{304}'),
    ("breve", '\u{306}'),
    ("dot", '\u{307}'),
    ("uml", '\u{308}'),
    ("ring", '\u{30a}'),
    ("dblac", '\u{30b}'),
    ("caron", '\u{30c}'),
    ("cedil", '\u{327}'),
    ("ogon", '\u{328}'),
];

/// A letter with an accent, whose name is put together of both: `ccaron`.
fn composed(name: &str) -> Option<char> {
    let mut letters = name.chars();
    let letter = letters.next().filter(char::is_ascii_alphabetic)?;
    let (_, accent) = ACCENTS.iter().find(|(ending, _)| letters.as_str() == *ending)?;
    unicode_normalization::char::compose(letter, *accent)
}

/// HTML's names of the Greek letters from U+03B1 on, in order.
const GREEK: [&str; 25] = [
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu", "xi",
    "omicron", "pi", "rho", "sigmaf", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega",
];

fn greek(name: &str) -> Option<char> {
    let at = u32::try_from(GREEK.iter().position(|n| n.eq_ignore_ascii_case(name))?).ok()?;
    let upper = name.starts_with(|c: char| c.is_ascii_uppercase());
    char::from_u32(if upper { 0x391 } else { 0x3b1 } + at)
}

/// HTML's names of the Cyrillic letters from U+0430 on, in order, without their ending `cy`.
const CYRILLIC: [&str; 32] = [
    "a", "b", "v", "g", "d", "ie", "zh", "z", "i", "j", "k", "l", "m", "n", "o", "p", "r", "s", "t", "u", "f", "kh",
    "ts", "ch", "sh", "shch", "hard", "y", "soft", "e", "yu", "ya",
];

fn cyrillic(name: &str) -> Option<char> {
    let letter = name.strip_suffix("cy")?;
    let at = u32::try_from(CYRILLIC.iter().position(|n| n.eq_ignore_ascii_case(letter))?).ok()?;
    let upper = name.starts_with(|c: char| c.is_ascii_uppercase());
    char::from_u32(if upper { 0x410 } else { 0x430 } + at)
}

/// The text without what Markdown (CommonMark 0.31, sections 2.4 and 6.3) has between words: backslashes in front of
/// punctuation, and the targets of links behind their texts.
#[must_use]
pub fn markdown_stripped(text: &str) -> Option<Mapped> {
    let bytes = text.as_bytes();
    let mut view = View::new(text);
    let mut from = 0;
    while let Some(i) = memchr::memchr2(b'\\', b']', &bytes[from..]) {
        let at = from + i;
        let next = bytes.get(at + 1);
        let len = match bytes[at] {
            b'\\' if next.is_some_and(u8::is_ascii_punctuation) => Some(1),
            b']' if matches!(next, Some(b'(' | b'[')) => link_end(text, at),
            _ => None,
        };
        from = match len {
            Some(1) => {
                view.replace(at, at + 1, "");
                at + 2
            }
            Some(len) => {
                view.replace(at + 1, at + len, "");
                at + len
            }
            None => at + 1,
        };
    }
    view.finish()
}

/// The length of `](target)` or `][reference]` at `at`, on one line, where no word goes on behind it.
fn link_end(text: &str, at: usize) -> Option<usize> {
    let rest = &text.as_bytes()[at + 2..];
    let close = if text.as_bytes()[at + 1] == b'(' { b')' } else { b']' };
    let end = memchr::memchr2(close, b'\n', rest.get(..LONGEST_TAG).unwrap_or(rest)).filter(|i| rest[*i] == close)?;
    let behind = text[at + 3 + end..].chars().next();
    behind.is_none_or(|c| !c.is_alphanumeric()).then_some(end + 3)
}

/// The text with Jira's wiki markup taken out: emphasis, `{color}` and the like, and the targets of links.
#[must_use]
pub fn wiki_stripped(text: &str) -> Option<Mapped> {
    let bytes = text.as_bytes();
    let mut view = View::new(text);
    let mut at = 0;
    while at < bytes.len() {
        let len = match bytes[at] {
            b'{' => brace(text, at),
            b'}' if bytes.get(at + 1) == Some(&b'}') => Some((2, "")),
            b'*' | b'_' | b'+' | b'^' | b'~' | b'-' if emphasis(text, at, 1) => Some((1, "")),
            b'?' if bytes.get(at + 1) == Some(&b'?') && emphasis(text, at, 2) => Some((2, "")),
            b'[' | b']' => Some((1, "")),
            b'|' => link_target(text, at).map(|len| (len, "")),
            b'\\' if bytes.get(at + 1) == Some(&b'\\') => Some((2, " ")),
            _ => None,
        };
        match len {
            Some((len, with)) => {
                view.replace(at, at + len, with);
                at += len;
            }
            None => at += 1,
        }
    }
    view.finish()
}

/// `{*}`, `{{`, `{color:red}`, `{code}` at `at`: the length, and what stands for it.
fn brace(text: &str, at: usize) -> Option<(usize, &'static str)> {
    let rest = &text.as_bytes()[at + 1..];
    if rest.first() == Some(&b'{') {
        return Some((2, ""));
    }
    let close = memchr::memchr3(b'}', b'{', b'\n', rest.get(..200).unwrap_or(rest)).filter(|i| rest[*i] == b'}')?;
    let inside = &rest[..close];
    if matches!(inside, b"*" | b"_" | b"+" | b"-" | b"^" | b"~" | b"??") {
        return Some((close + 2, ""));
    }
    let word = inside.iter().take_while(|b| b.is_ascii_alphabetic()).count();
    if word == 0 || !(word == inside.len() || inside[word] == b':') {
        return None;
    }
    Some((close + 2, if inside.starts_with(b"color") || inside.starts_with(b"anchor") { "" } else { " " }))
}

/// Whether the marker at `at` opens or closes an emphasis: a gap on one side, a word on the other.
fn emphasis(text: &str, at: usize, len: usize) -> bool {
    let before = text[..at].chars().next_back();
    let after = text[at + len..].chars().next();
    let gap = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
    let space = |c: Option<char>| c.is_none_or(char::is_whitespace);
    (gap(before) && !space(after)) || (!space(before) && gap(after))
}

/// `|target]` at `at`, on one line: the length without the bracket.
fn link_target(text: &str, at: usize) -> Option<usize> {
    let rest = &text.as_bytes()[at..];
    let end = memchr::memchr3(b']', b'\n', b'[', rest.get(..LONGEST_TAG).unwrap_or(rest))?;
    let opened = memchr::memrchr2(b'[', b'\n', &text.as_bytes()[..at]).is_some_and(|i| text.as_bytes()[i] == b'[');
    (rest[end] == b']' && opened).then_some(end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seen(view: Option<Mapped>) -> String {
        view.map_or_else(|| "-".into(), Mapped::into_text)
    }

    #[test]
    fn layers_come_off() {
        assert_eq!(seen(json_unescaped(r"Zo\u00eb\n\ud83d\ude00 \/ \x \ud83d")), "Zoë 😀 / \\x \\ud83d");
        assert_eq!(seen(json_unescaped("plain")), "-");
        assert_eq!(seen(percent_decoded("a%40b%C3%BC%20c%zz%ff")), "a@bü c%zzÿ");
        assert_eq!(
            seen(markup_stripped("<p>Ja<b>ne</b> D&ouml;e&#64;x&#x40;</p> a<b &unknown;")),
            " Jane Döe@x@  a<b &unknown;"
        );
        assert_eq!(
            seen(wiki_stripped("*Jane* {color:red}D{color}o{*}e{*} [Doe|http://x] a_b c-d")),
            "Jane Doe Doe a_b c-d"
        );
        assert_eq!(seen(wiki_stripped("plain text")), "-");
        assert_eq!(
            seen(markup_stripped(
                "&Lstrok;&oacute;d&zacute; &ccaron;&Abreve; &Zeta;&omega;&eta; &Zcy;&ocy;&yacy; &qcaron; &xcy;"
            )),
            "Łódź čĂ Ζωη Зоя &qcaron; &xcy;"
        );
        assert_eq!(
            seen(markdown_stripped(r"[Jane](http://x/y_z) Doe, [Jane][1] a\_b\.c [x](y)z \n")),
            r"[Jane] Doe, [Jane] a_b.c [x](y)z \n"
        );
    }

    #[test]
    fn pieces_leave_the_markup_out() {
        let text = "by *Jane* Doe";
        let view = wiki_stripped(text).unwrap();
        let at = view.text().find("Jane Doe").unwrap();
        let pieces: Vec<_> = view.pieces(at, at + 8).into_iter().map(|r| &text[r]).collect();
        assert_eq!(pieces, ["Jane", " Doe"]);
    }

    proptest! {
        #[test]
        fn views_never_panic_and_map_to_slices(text in "[\\\\u00e4%4A&#;<b>/{}*_|~()\\[\\]\\PC]{0,40}") {
            for view in [json_unescaped(&text), percent_decoded(&text), markup_stripped(&text), wiki_stripped(&text), markdown_stripped(&text)].into_iter().flatten() {
                let len = view.text().len();
                for piece in view.pieces(0, len) {
                    prop_assert!(text.get(piece).is_some());
                }
                for (i, c) in view.text().char_indices() {
                    prop_assert!(text.get(view.original(i, i + c.len_utf8())).is_some());
                }
            }
        }
    }
}

//! The views of some bytes: every reading of them in which a person might stand.

use unicode_normalization::{UnicodeNormalization, char::canonical_combining_class};

use super::Placed;

type View = Vec<Placed>;

/// Every view of `bytes`, folded, as far as `keep` leaves something of the first reading.
pub(super) fn views(bytes: &[u8], keep: impl Fn(View) -> View) -> Vec<View> {
    let mut out = Vec::new();
    for base in readings(bytes).into_iter().map(keep).filter(|base| !base.is_empty()) {
        let mut stages = vec![base.clone()];
        let (adf, strings) = (text_nodes(&base), strings(&base));
        decode(&base, &mut stages, 2);
        decode(&json_escapes(&base), &mut stages, 2);
        peel(base, &mut stages);
        for inner in [adf, strings].into_iter().filter(|v| !v.is_empty()) {
            decode(&inner, &mut stages, 2);
            stages.push(inner.clone());
            peel(inner, &mut stages);
        }
        out.extend(stages.iter().map(fold));
    }
    out
}

/// Adds what is encoded in a view, as deep as `depth`.
fn decode(view: &View, stages: &mut Vec<View>, depth: usize) {
    for inner in super::encoded::base64(view) {
        if depth > 1 {
            decode(&inner, stages, depth - 1);
        }
        stages.push(inner.clone());
        peel(inner, stages);
    }
}

/// Adds what is left of a view as one layer after the other is taken off.
fn peel(mut current: View, stages: &mut Vec<View>) {
    for step in [json_escapes, json_escapes, json_escapes, percents, quoted_printable, entities, tags, wiki] {
        let next = step(&current);
        if next.len() != current.len() {
            stages.push(next.clone());
            current = next;
        }
    }
}

/// Stands between what no value reaches over.
pub(super) const BARRIER: char = '\u{fffc}';

/// What stands between quotation marks, each string on its own, escapes resolved.
fn strings(view: &View) -> View {
    let mut out = View::new();
    let mut i = 0;
    while i < view.len() {
        if view[i].0 != '"' {
            i += 1;
            continue;
        }
        let Some(close) = string_end(view, i) else { break };
        out.push((BARRIER, view[i].1));
        out.extend(json_escapes(&view[i + 1..close].to_vec()));
        i = close + 1;
    }
    out
}

/// The bytes as text: UTF-8, and where they are no UTF-8 or hold zeros, one byte a character and UTF-16 too.
fn readings(bytes: &[u8]) -> Vec<View> {
    let mut utf8 = View::with_capacity(bytes.len());
    let mut at = 0;
    for chunk in bytes.utf8_chunks() {
        utf8.extend(chunk.valid().char_indices().map(|(i, c)| (c, at + i)));
        at += chunk.valid().len();
        if !chunk.invalid().is_empty() {
            utf8.push(('\u{fffd}', at));
            at += chunk.invalid().len();
        }
    }
    let valid = !utf8.iter().any(|(c, _)| *c == '\u{fffd}');
    let mut out = vec![utf8];
    if !valid {
        out.push(bytes.iter().enumerate().map(|(i, b)| (char::from(*b), i)).collect());
    }
    if bytes.contains(&0) || bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        for big in [false, true] {
            for odd in [0, 1] {
                let Some(rest) = bytes.get(odd..) else { continue };
                let unit =
                    |c: &[u8]| if big { u16::from_be_bytes([c[0], c[1]]) } else { u16::from_le_bytes([c[0], c[1]]) };
                let mut view = View::new();
                let mut at = odd;
                for c in char::decode_utf16(rest.chunks_exact(2).map(unit)) {
                    let c = c.unwrap_or('\u{fffd}');
                    view.push((c, at));
                    at += 2 * c.len_utf16();
                }
                out.push(view);
            }
        }
    }
    out
}

fn at(view: &[Placed], i: usize) -> char {
    view.get(i).map_or('\0', |(c, _)| *c)
}

/// The number that `len` hexadecimal digits from `from` on give.
fn hex(view: &[Placed], from: usize, len: usize) -> Option<u32> {
    (from..from + len).try_fold(0, |n, i| Some(n * 16 + at(view, i).to_digit(16)?))
}

fn json_escapes(view: &View) -> View {
    let mut out = View::with_capacity(view.len());
    let mut i = 0;
    while i < view.len() {
        let (c, place) = view[i];
        if c != '\\' {
            out.push((c, place));
            i += 1;
            continue;
        }
        match at(view, i + 1) {
            'u' => {
                let Some(unit) = hex(view, i + 2, 4) else {
                    out.push((c, place));
                    i += 1;
                    continue;
                };
                let pair = (at(view, i + 6) == '\\' && at(view, i + 7) == 'u').then(|| hex(view, i + 8, 4)).flatten();
                match (unit, pair) {
                    (0xd800..=0xdbff, Some(low @ 0xdc00..=0xdfff)) => {
                        let code = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
                        out.push((char::from_u32(code).unwrap_or('\u{fffd}'), place));
                        i += 12;
                    }
                    _ => {
                        out.push((char::from_u32(unit).unwrap_or('\u{fffd}'), place));
                        i += 6;
                    }
                }
            }
            e @ ('n' | 'r' | 't' | 'b' | 'f') => {
                let c = match e {
                    'n' => '\n',
                    'r' => '\r',
                    _ => ' ',
                };
                out.push((c, place));
                i += 2;
            }
            e @ ('"' | '\\' | '/') => {
                out.push((e, place));
                i += 2;
            }
            _ => {
                out.push((c, place));
                i += 1;
            }
        }
    }
    out
}

fn percents(view: &View) -> View {
    let mut out = View::with_capacity(view.len());
    let mut i = 0;
    while i < view.len() {
        let mut bytes = Vec::new();
        let mut j = i;
        while at(view, j) == '%' {
            let Some(byte) = hex(view, j + 1, 2).and_then(|b| u8::try_from(b).ok()) else { break };
            bytes.push(byte);
            j += 3;
        }
        if bytes.is_empty() {
            out.push(view[i]);
            i += 1;
            continue;
        }
        // Each decoded character keeps the place of its own first percent sign.
        let mut k = i;
        for chunk in bytes.utf8_chunks() {
            for c in chunk.valid().chars() {
                out.push((c, view[k].1));
                k += 3 * c.len_utf8();
            }
            for _ in chunk.invalid() {
                out.push((char::from(*chunk.invalid().first().unwrap_or(&b'?')), view[k].1));
                k += 3;
            }
        }
        i = j;
    }
    out
}

/// Quoted-printable escapes and soft line breaks.
fn quoted_printable(view: &View) -> View {
    let mut out = View::with_capacity(view.len());
    let mut i = 0;
    while i < view.len() {
        if at(view, i) != '=' {
            out.push(view[i]);
            i += 1;
            continue;
        }
        let blank = (i + 1..).take_while(|j| matches!(at(view, *j), ' ' | '\t' | '\r')).count();
        if at(view, i + 1 + blank) == '\n' {
            i += blank + 2;
            continue;
        }
        let mut bytes = Vec::new();
        while at(view, i + 3 * bytes.len()) == '=' {
            let Some(byte) = hex(view, i + 3 * bytes.len() + 1, 2).and_then(|b| u8::try_from(b).ok()) else { break };
            bytes.push(byte);
        }
        let text = bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid());
        if text.is_empty() {
            out.push(view[i]);
            i += 1;
        }
        for c in text.chars() {
            out.push((c, view[i].1));
            i += 3 * c.len_utf8();
        }
    }
    out
}

/// Names of entities whose character differs from a Latin letter with an accent that the name itself spells.
const ENTITIES: [(&str, &str); 22] = [
    ("amp", "&"),
    ("lt", "<"),
    ("gt", ">"),
    ("quot", "\""),
    ("apos", "'"),
    ("rsquo", "'"),
    ("nbsp", " "),
    ("ensp", " "),
    ("emsp", " "),
    ("thinsp", " "),
    ("shy", "\u{ad}"),
    ("zwj", "\u{200d}"),
    ("zwnj", "\u{200c}"),
    ("commat", "@"),
    ("period", "."),
    ("lowbar", "_"),
    ("hyphen", "-"),
    ("dash", "-"),
    ("plus", "+"),
    ("szlig", "ß"),
    ("eth", "ð"),
    ("thorn", "þ"),
];

fn entities(view: &View) -> View {
    let mut out = View::with_capacity(view.len());
    let mut i = 0;
    while i < view.len() {
        let (c, place) = view[i];
        if c == '&'
            && let Some(len) = (2..=12).find(|n| at(view, i + n) == ';')
        {
            let name: String = view[i + 1..i + len].iter().map(|(c, _)| *c).collect();
            if let Some(text) = entity(&name) {
                out.extend(text.chars().map(|c| (c, place)));
                i += len + 1;
                continue;
            }
        }
        out.push((c, place));
        i += 1;
    }
    out
}

fn entity(name: &str) -> Option<String> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code).map(String::from);
    }
    if let Some((_, text)) = ENTITIES.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)) {
        return Some((*text).to_owned());
    }
    // The name of an accented letter begins with the letter: that is all that is left of it after folding.
    let accents = [
        "acute", "grave", "circ", "uml", "tilde", "cedil", "ring", "slash", "caron", "lig", "strok", "breve", "macr",
        "dot",
    ];
    let accent = accents.iter().find(|a| name.ends_with(**a))?;
    let letters = &name[..name.len() - accent.len()];
    (1..=2).contains(&letters.len()).then(|| letters.to_owned())
}

/// Tags that break no word.
const INLINE: &str =
    " a abbr b bdi bdo big cite code del em font i ins kbd mark q s samp small span strike strong sub sup tt u wbr ";

fn tags(view: &View) -> View {
    let mut out = View::with_capacity(view.len());
    let mut i = 0;
    while i < view.len() {
        let (c, place) = view[i];
        if c == '<' {
            let fence: String = view[i..view.len().min(i + 9)].iter().map(|(c, _)| *c).collect();
            if fence == "<![CDATA[" {
                i += 9;
                continue;
            }
            let slash = usize::from(matches!(at(view, i + 1), '/' | '?' | '!'));
            let name: String = (i + 1 + slash..)
                .map(|j| at(view, j))
                .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, ':' | '-' | '_'))
                .collect();
            let close = (i + 1..view.len().min(i + 4096)).find(|j| matches!(at(view, *j), '<' | '>' | BARRIER));
            if let Some(close) = close.filter(|j| at(view, *j) == '>')
                && name.starts_with(|c: char| c.is_ascii_alphabetic())
            {
                if !INLINE.contains(&format!(" {} ", name.to_ascii_lowercase())) {
                    out.push((' ', place));
                }
                i = close + 1;
                continue;
            }
        }
        out.push((c, place));
        i += 1;
    }
    out
}

/// Without Jira's wiki markup: braces with a word or a marker, brackets, a link's target, markers at the edge of a word.
fn wiki(view: &View) -> View {
    let mut out = View::with_capacity(view.len());
    let mut i = 0;
    while i < view.len() {
        let (c, place) = view[i];
        let word = |c: char| c.is_alphanumeric();
        let before = if i == 0 { ' ' } else { view[i - 1].0 };
        let after = view.get(i + 1).map_or(' ', |(c, _)| *c);
        match c {
            '{' | '}' if after == c => i += 2,
            '{' => {
                let close = (i + 1..view.len().min(i + 200))
                    .find(|j| matches!(at(view, *j), '{' | '}' | '"' | '\n' | BARRIER))
                    .filter(|j| at(view, *j) == '}');
                let inside: String =
                    close.map_or_else(String::new, |j| view[i + 1..j].iter().map(|(c, _)| *c).collect());
                let name = inside.split(':').next().unwrap_or_default();
                let known = !name.is_empty()
                    && (name.chars().all(|c| c.is_ascii_alphabetic())
                        || ["*", "_", "-", "+", "^", "~", "??"].contains(&name));
                if let (true, Some(close)) = (known, close) {
                    if name.chars().all(|c| c.is_ascii_alphabetic()) && name != "color" && name != "anchor" {
                        out.push((' ', place));
                    }
                    i = close + 1;
                } else {
                    out.push((c, place));
                    i += 1;
                }
            }
            '[' | ']' => i += 1,
            '|' => {
                let close =
                    (i + 1..view.len().min(i + 4096)).find(|j| matches!(at(view, *j), ']' | '[' | '\n' | BARRIER));
                let open = (0..i).rev().take(4096).find(|j| matches!(at(view, *j), '[' | '\n' | BARRIER));
                let link = close.filter(|j| at(view, *j) == ']').zip(open.filter(|j| at(view, *j) == '['));
                if let Some((close, _)) = link {
                    i = close;
                } else {
                    out.push((c, place));
                    i += 1;
                }
            }
            '*' | '_' | '+' | '^' | '~' | '-'
                if (!word(before) && !after.is_whitespace()) || (!before.is_whitespace() && !word(after)) =>
            {
                i += 1;
            }
            '?' if after == '?' => i += 2,
            _ => {
                out.push((c, place));
                i += 1;
            }
        }
    }
    out
}

/// Marks of ADF text nodes; any other node type between two texts separates them.
const MARKS: &str = " text strong em code link strike subsup textColor underline backgroundColor annotation border alignment indentation ";

/// The texts of ADF nodes, those that follow each other within one container put together.
fn text_nodes(view: &View) -> View {
    let mut out = View::new();
    let mut separated = true;
    let mut i = 0;
    while i < view.len() {
        if view[i].0 != '"' {
            i += 1;
            continue;
        }
        let Some(close) = string_end(view, i) else { break };
        let name: String = view[i + 1..close].iter().map(|(c, _)| *c).take(8).collect();
        let mut next = close + 1;
        while at(view, next).is_whitespace() {
            next += 1;
        }
        if at(view, next) != ':' || !matches!(name.as_str(), "text" | "type") {
            i = close + 1;
            continue;
        }
        next += 1;
        while at(view, next).is_whitespace() {
            next += 1;
        }
        let Some(end) = (at(view, next) == '"').then(|| string_end(view, next)).flatten() else {
            i = close + 1;
            continue;
        };
        let value = &view[next + 1..end];
        if name == "type" {
            let kind: String = value.iter().map(|(c, _)| *c).collect();
            if kind == "hardBreak" {
                out.push((' ', view[next].1));
            } else {
                separated |= !MARKS.contains(&format!(" {kind} "));
            }
        } else {
            if separated && let Some(first) = value.first() {
                out.push((BARRIER, first.1));
            }
            separated = false;
            out.extend(json_escapes(&value.to_vec()));
        }
        i = end + 1;
    }
    out
}

/// The closing quotation mark of the string that opens at `open`.
fn string_end(view: &View, open: usize) -> Option<usize> {
    let mut i = open + 1;
    while i < view.len() {
        match view[i].0 {
            '\\' => i += 2,
            '"' => return Some(i),
            _ => i += 1,
        }
    }
    None
}

/// Compatibility forms decomposed, marks and invisible characters dropped, lower case, one space for any white space and for the
/// controls that part the strings of a binary file.
fn fold(view: &View) -> View {
    let mut out = View::with_capacity(view.len());
    for &(c, place) in view {
        if c.is_ascii_graphic() {
            out.push((c.to_ascii_lowercase(), place));
            continue;
        }
        folded(c, |part| {
            if part != ' ' || out.last().is_none_or(|(last, _)| *last != ' ') {
                out.push((part, place));
            }
        });
    }
    out
}

/// What one character folds to.
pub(super) fn folded(c: char, mut add: impl FnMut(char)) {
    for part in std::iter::once(c).nfkd() {
        if invisible(part) || drops(part) {
            continue;
        }
        if part.is_whitespace() || part.is_ascii_control() {
            add(' ');
            continue;
        }
        for lower in part.to_lowercase() {
            if !drops(lower) {
                plain(lower).chars().for_each(&mut add);
            }
        }
    }
}

/// A text folded, for the needles.
pub(super) fn folded_text(text: &str) -> String {
    let view: View = text.char_indices().map(|(i, c)| (c, i)).collect();
    fold(&view).iter().map(|(c, _)| *c).collect::<String>().trim().to_owned()
}

/// Accents, not the marks that are letters of their own in other scripts.
fn drops(c: char) -> bool {
    canonical_combining_class(c) != 0 && !matches!(c, '\u{3099}' | '\u{309a}' | '\u{900}'..='\u{1aff}')
}

fn invisible(c: char) -> bool {
    matches!(u32::from(c),
        0xad | 0x34f | 0x61c | 0x640 | 0x180b..=0x180f | 0x200b..=0x200f | 0x202a..=0x202e | 0x2060..=0x206f
        | 0xfe00..=0xfe0f | 0xfeff | 0xe0000..=0xe0fff)
}

/// The Latin letters that a letter without decomposition stands for.
fn plain(c: char) -> String {
    let plain = match c {
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'þ' => "th",
        'ø' => "o",
        'ł' => "l",
        'đ' | 'ð' => "d",
        'ħ' => "h",
        'ŧ' => "t",
        'ı' => "i",
        'ς' => "σ",
        '’' | '‘' | 'ʼ' => "'",
        '‐' | '‑' => "-",
        _ => return c.to_string(),
    };
    plain.to_owned()
}

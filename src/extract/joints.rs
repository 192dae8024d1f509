//! Views without what stands between the words of one value: text nodes of ADF, forced line breaks, the marks in front of
//! a comment's lines. Each is `None` where there is nothing to take off.
//!
//! Pure. Must not change what is no joint: the text on either side keeps its bytes.

use super::views::View;
use crate::norm::Mapped;

/// How far from one text node to the next, in bytes: marks, links and colours stand between.
const LONGEST_JOINT: usize = 4096;

/// The text with ADF's text nodes that follow each other as one: in JSON as a string, whose nodes nobody has parsed.
#[must_use]
pub(super) fn text_nodes(text: &str) -> Option<Mapped> {
    let bytes = text.as_bytes();
    let mut view = View::new(text);
    let mut last: Option<usize> = None;
    for at in memchr::memmem::find_iter(bytes, b"\"text\"") {
        let Some(from) = member_string(bytes, at + 6) else { continue };
        if let Some(end) = last.filter(|end| *end < at)
            && let Some(with) = joint(&bytes[end + 1..at])
        {
            view.replace(end, from, with);
        }
        last = string_end(bytes, from);
    }
    view.finish()
}

/// Where the string begins that follows a member's name.
fn member_string(bytes: &[u8], at: usize) -> Option<usize> {
    let space = |at: usize| at + bytes[at..].iter().take_while(|b| b.is_ascii_whitespace()).count();
    let at = space(at);
    (bytes.get(at) == Some(&b':')).then_some(())?;
    let at = space(at + 1);
    (bytes.get(at) == Some(&b'"')).then_some(at + 1)
}

/// The closing quotation mark of the string that begins at `from`.
fn string_end(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        at += memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes[at] == b'"' {
            return Some(at);
        }
        at += 2;
    }
}

/// What stands for the JSON between one text node's string and the name of the next one's, where nothing but the end of the one,
/// a line break and the beginning of the other does.
fn joint(between: &[u8]) -> Option<&'static str> {
    if between.len() > LONGEST_JOINT {
        return None;
    }
    // Objects are counted from inside the node: at 0 one ends and the next may begin.
    let (mut depth, mut nodes, mut at) = (1, 0, 0);
    let mut with = "";
    while at < between.len() {
        match between[at] {
            b'"' => {
                let end = string_end(between, at + 1)?;
                // A node between that is no text and no break holds something else.
                if depth == 1 && nodes > 0 && &between[at..=end] == b"\"hardBreak\"" {
                    with = " ";
                }
                at = end;
            }
            b'{' | b'[' => {
                nodes += usize::from(depth == 0);
                depth += 1;
            }
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        if depth < 0 {
            return None;
        }
        at += 1;
    }
    let wanted = if with.is_empty() { 1 } else { 2 };
    (depth == 1 && nodes == wanted).then_some(with)
}

/// The text with the forced line breaks of Jira's wiki notation, `\\`, as spaces.
#[must_use]
pub(super) fn wiki_breaks(text: &str) -> Option<Mapped> {
    let bytes = text.as_bytes();
    let mut view = View::new(text);
    let mut from = 0;
    while let Some(i) = memchr::memmem::find(&bytes[from..], b"\\\\") {
        let at = from + i;
        let len = bytes[at..].iter().take_while(|b| **b == b'\\').count();
        if len == 2 {
            view.replace(at, at + 2, " ");
        }
        from = at + len;
    }
    view.finish()
}

/// The text without the marks in front of the lines of a comment in source code: lines that begin with the same mark, or with a
/// star inside `/* … */`.
#[must_use]
pub(super) fn comment(text: &str) -> Option<Mapped> {
    let mut view = View::new(text);
    let mut changed = false;
    let (mut inside, mut before, mut at) = (false, None, 0);
    for line in text.split_inclusive('\n') {
        let lead = line.len() - line.trim_start_matches([' ', '\t']).len();
        let rest = &line[lead..];
        let mark = marks(rest, inside);
        if let Some(mark) = mark
            && before == Some(mark)
        {
            view.replace(at + lead, at + lead + mark.len(), "");
            changed = true;
        }
        // The first line of a block comment has another mark.
        before = if mark.is_none() && rest.starts_with("/*") { Some("*") } else { mark };
        inside = match (rest.rfind("/*"), rest.rfind("*/")) {
            (Some(open), Some(close)) => open > close,
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (None, None) => inside,
        };
        at += line.len();
    }
    if changed { view.finish() } else { None }
}

/// The mark in front of a comment's line.
fn marks(line: &str, inside: bool) -> Option<&'static str> {
    if inside {
        return line.starts_with('*').then_some("*").filter(|_| !line.starts_with("*/"));
    }
    let marks = ["///", "//!", "//", "##", "#", "--", ";;", ";", "%", "dnl", "REM", "rem"];
    let mark = marks.into_iter().find(|mark| line.starts_with(mark))?;
    line[mark.len()..].starts_with([' ', '\t']).then_some(mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(view: Option<Mapped>) -> String {
        view.map_or_else(|| "-".into(), Mapped::into_text)
    }

    #[test]
    fn text_nodes_are_one() {
        for (text, want) in [
            (r#"{"text":"Xan"},{"text":"der"}"#, r#"{"text":"Xander"}"#),
            (
                r#"[{"type": "text", "text": "Xan", "marks": [{"type": "strong"}]}, {"marks": [], "type": "text", "text": "der"}]"#,
                r#"[{"type": "text", "text": "Xander"}]"#,
            ),
            (r#"{"text":"a"},{"type":"hardBreak"},{"text":"b"}"#, r#"{"text":"a b"}"#),
            (r#"{"text":"a"},{"type":"emoji"},{"text":"b"}"#, "-"),
            (r#"{"text":"a"}]},{"content":[{"text":"b"}"#, "-"),
            (r#"{"text":"a\"},{"},{"text":"b"},"text""#, r#"{"text":"a\"},{b"},"text""#),
            (r#""text" "text":"#, "-"),
        ] {
            assert_eq!(seen(text_nodes(text)), want, "{text}");
        }
    }

    #[test]
    fn breaks_and_comments() {
        assert_eq!(seen(wiki_breaks(r"Zoe\\Xander \ \\\\x\\")), r"Zoe Xander \ \\\\x ");
        for (text, want) in [
            ("/*\n * by Zoe\n * Xander\n */\n * x", "/*\n  by Zoe\n  Xander\n */\n * x"),
            ("// by Zoe\n// Xander\n", "// by Zoe\n Xander\n"),
            ("# by Zoe\n#\n# Xander", "-"),
            ("* Zoe\n* Xander", "-"),
            ("# Zoe\n## Xander", "-"),
        ] {
            assert_eq!(seen(comment(text)), want, "{text:?}");
        }
    }
}

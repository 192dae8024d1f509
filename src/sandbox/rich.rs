//! Rich text as Jira keeps it: ADF on Cloud, wiki markup on Data Center. Turns it into text (history, search, Cloud's
//! version 2), into HTML (`renderedFields`), and checks what comes in.
//!
//! Written apart from `jira/`'s converter on purpose: the sandbox must not share its client's mistakes.

use serde_json::{Value, json};

use super::state::World;

/// The limit of rich text and text fields, in characters (Jira's default `jira.text.field.character.limit`).
pub(super) const TEXT_LIMIT: usize = 32_767;

const BLOCKS: &[&str] = &[
    "blockquote",
    "bulletList",
    "codeBlock",
    "decisionList",
    "decisionItem",
    "expand",
    "nestedExpand",
    "heading",
    "listItem",
    "mediaGroup",
    "mediaSingle",
    "orderedList",
    "panel",
    "paragraph",
    "rule",
    "table",
    "tableCell",
    "tableHeader",
    "tableRow",
    "taskList",
    "taskItem",
    "blockCard",
    "embedCard",
    "media",
    "caption",
    "layoutSection",
    "layoutColumn",
    "extension",
    "bodiedExtension",
];
const INLINES: &[&str] = &[
    "date",
    "emoji",
    "hardBreak",
    "inlineCard",
    "mention",
    "status",
    "text",
    "mediaInline",
    "inlineExtension",
    "placeholder",
];

/// What is wrong with a document that was sent; `None` where nothing is.
pub(super) fn adf_fault(doc: &Value) -> Option<&'static str> {
    const NOT_ADF: &str = "Operation value must be an Atlassian Document (see the Atlassian Document Format)";
    if doc.get("type").and_then(Value::as_str) != Some("doc") {
        return Some(NOT_ADF);
    }
    if doc.get("version").and_then(Value::as_u64) != Some(1) || !doc.get("content").is_some_and(Value::is_array) {
        return Some("INVALID_INPUT");
    }
    let content = doc.get("content").and_then(Value::as_array)?;
    (!content.iter().all(|n| node_ok(n, true))).then_some("INVALID_INPUT")
}

fn node_ok(node: &Value, block: bool) -> bool {
    let Some(kind) = node.get("type").and_then(Value::as_str) else { return false };
    let known = BLOCKS.contains(&kind) || (!block && INLINES.contains(&kind));
    let own = match kind {
        "text" => node.get("text").and_then(Value::as_str).is_some_and(|t| !t.is_empty()),
        "mention" => node.pointer("/attrs/id").is_some_and(Value::is_string),
        _ => true,
    };
    let children = match node.get("content") {
        None => true,
        Some(Value::Array(c)) => c.iter().all(|n| node_ok(n, false)),
        Some(_) => false,
    };
    known && own && children
}

/// The text of a rich value: wiki text itself, or ADF written down as wiki-like text with `[~accountid:…]` mentions.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::String(s) => s.clone(),
        Value::Object(_) => {
            let mut out = String::new();
            blocks(value, &mut out, "");
            out.trim_end().to_owned()
        }
        _ => String::new(),
    }
}

fn children(node: &Value) -> &[Value] {
    node.get("content").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn kind(node: &Value) -> &str {
    node.get("type").and_then(Value::as_str).unwrap_or_default()
}

fn blocks(node: &Value, out: &mut String, bullet: &str) {
    for child in children(node) {
        match kind(child) {
            "paragraph" => {
                inlines(child, out);
                out.push_str(if bullet.is_empty() { "\n\n" } else { "\n" });
            }
            "heading" => {
                let level = child.pointer("/attrs/level").and_then(Value::as_u64).unwrap_or(1);
                out.push_str(&format!("h{level}. "));
                inlines(child, out);
                out.push_str("\n\n");
            }
            "codeBlock" => {
                out.push_str("{code}\n");
                inlines(child, out);
                out.push_str("\n{code}\n\n");
            }
            "rule" => out.push_str("----\n\n"),
            "bulletList" => blocks(child, out, &format!("{bullet}*")),
            "orderedList" => blocks(child, out, &format!("{bullet}#")),
            "listItem" => {
                out.push_str(bullet);
                out.push(' ');
                blocks(child, out, bullet);
            }
            k if INLINES.contains(&k) => {
                inline(child, out);
                out.push('\n');
            }
            _ => blocks(child, out, bullet),
        }
    }
}

fn inlines(node: &Value, out: &mut String) {
    for child in children(node) {
        inline(child, out);
    }
}

fn attr<'a>(node: &'a Value, name: &str) -> &'a str {
    node.get("attrs").and_then(|a| a.get(name)).and_then(Value::as_str).unwrap_or_default()
}

fn inline(node: &Value, out: &mut String) {
    match kind(node) {
        "text" => {
            let text = node.get("text").and_then(Value::as_str).unwrap_or_default();
            let marks = node.get("marks").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            let (mut before, mut after) = (String::new(), String::new());
            for mark in marks {
                let (open, close) = match kind(mark) {
                    "strong" => ("*".to_owned(), "*".to_owned()),
                    "em" => ("_".to_owned(), "_".to_owned()),
                    "code" => ("{{".to_owned(), "}}".to_owned()),
                    "link" => ("[".to_owned(), format!("|{}]", attr(mark, "href"))),
                    _ => continue,
                };
                before.push_str(&open);
                after.insert_str(0, &close);
            }
            out.push_str(&before);
            out.push_str(text);
            out.push_str(&after);
        }
        "mention" => out.push_str(&format!("[~accountid:{}]", attr(node, "id"))),
        "hardBreak" => out.push('\n'),
        "emoji" => out.push_str(attr(node, "shortName")),
        "inlineCard" => out.push_str(attr(node, "url")),
        "status" => out.push_str(attr(node, "text")),
        "date" => out.push_str(attr(node, "timestamp")),
        _ => inlines(node, out),
    }
}

/// Plain or wiki text as ADF: paragraphs at empty lines, hard breaks at line ends, `[~accountid:…]` as mentions.
pub(super) fn adf(world: &World, text: &str) -> Value {
    let paragraphs: Vec<Value> = text
        .split("\n\n")
        .filter(|p| !p.is_empty())
        .map(|paragraph| {
            let mut content = Vec::new();
            for (n, line) in paragraph.split('\n').enumerate() {
                if n > 0 {
                    content.push(json!({ "type": "hardBreak" }));
                }
                line_to_adf(world, line, &mut content);
            }
            json!({ "type": "paragraph", "content": content })
        })
        .collect();
    json!({ "type": "doc", "version": 1, "content": paragraphs })
}

fn line_to_adf(world: &World, line: &str, content: &mut Vec<Value>) {
    let mut rest = line;
    while let Some(at) = rest.find("[~accountid:") {
        let Some(end) = rest[at..].find(']') else { break };
        if at > 0 {
            content.push(json!({ "type": "text", "text": &rest[..at] }));
        }
        let id = &rest[at + "[~accountid:".len()..at + end];
        let name = world.find_user_by_id(id).map_or("unknown", |u| world.user(u).display_name.as_str());
        content.push(json!({ "type": "mention", "attrs": { "id": id, "text": format!("@{name}") } }));
        rest = &rest[at + end + 1..];
    }
    if !rest.is_empty() {
        content.push(json!({ "type": "text", "text": rest }));
    }
}

/// Simple HTML of a rich value, for `renderedFields`.
pub(super) fn html(world: &World, value: &Value) -> String {
    let text = text(value);
    if text.is_empty() {
        return String::new();
    }
    let mut out = String::from("<p>");
    let mut rest = text.as_str();
    while let Some(at) = rest.find("[~") {
        let Some(end) = rest[at..].find(']') else { break };
        escape(&rest[..at], &mut out);
        let id = rest[at + 2..at + end].trim_start_matches("accountid:");
        match world.find_user(id) {
            Some(u) => {
                let user = world.user(u);
                out.push_str("<a class=\"user-hover\" rel=\"");
                escape(id, &mut out);
                out.push_str("\">");
                escape(&user.display_name, &mut out);
                out.push_str("</a>");
            }
            None => escape(&rest[at..=at + end], &mut out),
        }
        rest = &rest[at + end + 1..];
    }
    escape(rest, &mut out);
    out.push_str("</p>");
    out.replace("\n\n", "</p>\n<p>")
}

fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_checked() {
        let good = json!({"type":"doc","version":1,"content":[{"type":"paragraph","content":[
            {"type":"mention","attrs":{"id":"1"}},{"type":"text","text":" hi"}]}]});
        assert_eq!(adf_fault(&good), None);
        assert_eq!(text(&good), "[~accountid:1] hi");
        for bad in [
            json!("text"),
            json!({"type":"doc","content":[]}),
            json!({"type":"doc","version":1,"content":[{"type":"text","text":"inline at the root"}]}),
            json!({"type":"doc","version":1,"content":[{"type":"paragraph","content":[{"type":"text","text":""}]}]}),
            json!({"type":"doc","version":1,"content":[{"type":"paragraph","content":[{"type":"mention","attrs":{}}]}]}),
            json!({"type":"doc","version":1,"content":[{"type":"blink"}]}),
        ] {
            assert!(adf_fault(&bad).is_some(), "{bad}");
        }
    }
}

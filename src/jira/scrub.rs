//! Jira's error bodies: reads its words out of them and masks what could name a person (law 6).
//!
//! Jira likes to repeat what it was given ("User 'jdoe' does not exist"). Whatever we sent as a query, and whatever a
//! message quotes out of our body, is replaced by `…`; so is everything that looks like an e-mail address or a mention.

use serde_json::Value;

const MASK: &str = "…";
const LONGEST_MESSAGE: usize = 300;
const MOST_MESSAGES: usize = 10;

/// Field names that JQL errors quote and that nobody needs to hide.
const FIELD_NAMES: &[&str] = &[
    "assignee",
    "reporter",
    "creator",
    "project",
    "status",
    "priority",
    "issuetype",
    "type",
    "labels",
    "created",
    "updated",
    "resolution",
    "summary",
    "description",
    "comment",
    "key",
    "id",
    "order by",
];

/// Objects of an issue whose `name` or `key` is no person's.
const NOT_PERSONS: &[&str] = &[
    "issuetype",
    "priority",
    "project",
    "status",
    "resolution",
    "components",
    "fixVersions",
    "versions",
    "parent",
    "security",
    "type",
    "inwardIssue",
    "outwardIssue",
    "transition",
];

/// What an error body says.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Words {
    /// The messages, masked.
    pub(super) messages: Vec<String>,
    /// It is an error body as Jira writes them, not one of a proxy or a web framework.
    pub(super) jira_shaped: bool,
    /// It is some JSON error object, empty, or plain text: not a web page, and not "no such route".
    pub(super) plausible: bool,
}

/// What was sent and must not come back in a message.
#[derive(Debug, Default)]
pub(super) struct Sent<'a> {
    /// Masked wherever they stand.
    everywhere: Vec<&'a str>,
    /// Masked where a message quotes them.
    quoted: Vec<&'a str>,
}

impl<'a> Sent<'a> {
    pub(super) fn query(&mut self, value: &'a str) {
        if value.len() > 2 {
            self.everywhere.push(value);
        }
        self.quoted.push(value);
    }

    pub(super) fn body(&mut self, value: &'a Value) {
        self.walk("", "", value);
    }

    fn walk(&mut self, parent: &str, name: &str, value: &'a Value) {
        match value {
            Value::String(s) => {
                let person = matches!(name, "accountId" | "emailAddress" | "username")
                    || (matches!(name, "name" | "key") && !NOT_PERSONS.contains(&parent));
                if person && s.len() > 2 {
                    self.everywhere.push(s);
                }
                self.quoted.push(s);
            }
            Value::Array(items) => items.iter().for_each(|v| self.walk(parent, name, v)),
            Value::Object(map) => map.iter().for_each(|(k, v)| self.walk(name, k, v)),
            _ => {}
        }
    }
}

/// Reads an error body.
pub(super) fn words(body: &[u8], sent: &Sent<'_>) -> Words {
    let Ok(value) = serde_json::from_slice::<Value>(body) else {
        let text = String::from_utf8_lossy(&body[..body.len().min(512)]);
        let page = text.trim_start().starts_with('<');
        return Words { plausible: !page, ..Words::default() };
    };
    let mut raw: Vec<String> = Vec::new();
    let mut jira_shaped = false;
    if let Some(list) = value.get("errorMessages").and_then(Value::as_array) {
        jira_shaped = true;
        raw.extend(list.iter().filter_map(Value::as_str).map(str::to_owned));
    }
    match value.get("errors") {
        Some(Value::Object(map)) => {
            jira_shaped = true;
            for (field, said) in map {
                // Data Center's anonymisation nests an error body under each operation.
                let nested = said.get("errorMessages").and_then(Value::as_array);
                match nested.map(|l| l.iter().filter_map(Value::as_str).collect::<Vec<_>>()).filter(|l| !l.is_empty()) {
                    Some(list) => raw.extend(list.iter().map(|m| format!("{field}: {m}"))),
                    None => raw.push(format!("{field}: {}", said.as_str().unwrap_or("refused"))),
                }
            }
        }
        // Cloud's newer endpoints: [{"message": …}]
        Some(Value::Array(list)) => {
            jira_shaped = true;
            raw.extend(list.iter().filter_map(|e| e.get("message")?.as_str()).map(str::to_owned));
        }
        _ => {}
    }
    let mut no_route = value.get("detail").and_then(Value::as_str) == Some("Not Found");
    for name in ["errorMessage", "message", "error"] {
        if let Some(text) = value.get(name).and_then(Value::as_str) {
            if text.starts_with("null for uri") {
                no_route = true; // Data Center's way of saying that no resource has this path
                raw.push("no resource has this path".to_owned());
            } else {
                jira_shaped |= name != "error";
                raw.push(text.to_owned());
            }
        }
    }
    let messages = raw.iter().map(|m| mask(m, sent)).filter(|m| !m.is_empty()).take(MOST_MESSAGES).collect();
    Words { messages, jira_shaped: jira_shaped && !no_route, plausible: !no_route }
}

fn mask(message: &str, sent: &Sent<'_>) -> String {
    let mut text: String = message.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    for value in &sent.everywhere {
        if text.contains(value) {
            text = text.replace(value, MASK);
        }
    }
    text = mask_quoted(&text, sent);
    text = text.split(' ').map(mask_word).collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(LONGEST_MESSAGE) {
        Some((at, _)) => format!("{}{MASK}", &text[..at]),
        None => text,
    }
}

/// Replaces each quotation that repeats something we sent.
fn mask_quoted(text: &str, sent: &Sent<'_>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['\'', '"', '\u{2018}', '\u{201c}']) {
        let open = rest[at..].chars().next().unwrap_or('\'');
        let close = match open {
            '\u{2018}' => '\u{2019}',
            '\u{201c}' => '\u{201d}',
            c => c,
        };
        let inner_from = at + open.len_utf8();
        let Some(len) = rest[inner_from..].find(close) else { break };
        let inner = &rest[inner_from..inner_from + len];
        let ours = !inner.is_empty()
            && !FIELD_NAMES.contains(&inner.to_ascii_lowercase().as_str())
            && sent.quoted.iter().any(|s| s.contains(inner));
        out.push_str(&rest[..inner_from]);
        out.push_str(if ours { MASK } else { inner });
        out.push(close);
        rest = &rest[inner_from + len + close.len_utf8()..];
    }
    out.push_str(rest);
    out
}

fn mask_word(word: &str) -> &str {
    let mail = word.split_once('@').is_some_and(|(l, r)| !l.is_empty() && r.contains('.'));
    if mail || word.contains("[~") { MASK } else { word }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(body: Value, sent_body: &Value, query: &[&str]) -> Words {
        let mut sent = Sent::default();
        sent.body(sent_body);
        query.iter().for_each(|q| sent.query(q));
        words(&serde_json::to_vec(&body).unwrap(), &sent)
    }

    #[test]
    fn what_we_sent_does_not_come_back() {
        let sent = json!({"fields": {"assignee": {"name": "zquill"}, "summary": "call Zoe Quill", "issuetype": {"name": "Bug"}}});
        let body = json!({"errorMessages": ["zquill cannot be assigned", "no 'Zoe Quill' here", "mail to zoe.q@corp.example failed"],
                          "errors": {"assignee": "User 'zquill' does not exist.", "issuetype": "type Bug is not allowed"}});
        let w = said(body, &sent, &[]);
        assert!(w.jira_shaped);
        assert_eq!(
            w.messages,
            [
                "… cannot be assigned",
                "no '…' here",
                "mail to … failed",
                "assignee: User '…' does not exist.",
                "issuetype: type Bug is not allowed"
            ]
        );
        let jql = json!({"jql": "project = HQ and assignee = zquill"});
        let body = json!({"errorMessages": ["The value 'zquill' does not exist for the field 'assignee'."]});
        assert_eq!(said(body, &jql, &[]).messages, ["The value '…' does not exist for the field 'assignee'."]);
        let body = json!({"errorMessages": ["The user named zquill does not exist"], "errors": {}});
        assert_eq!(said(body, &json!({}), &["zquill"]).messages, ["The user named … does not exist"]);
    }

    #[test]
    fn who_wrote_the_body() {
        let of = |b: &[u8]| {
            let w = words(b, &Sent::default());
            (w.jira_shaped, w.plausible)
        };
        assert_eq!(of(br#"{"errorMessages":[],"errors":{}}"#), (true, true));
        assert_eq!(of(br#"{"detail":"Not Found"}"#), (false, false));
        assert_eq!(of(br#"{"message":"null for uri: http://x/rest/api/2/nope","status-code":404}"#), (false, false));
        assert_eq!(of(br#"{"message":"Client must be authenticated","status-code":401}"#), (true, true));
        assert_eq!(of(br#"{"error":"issue not found"}"#), (false, true));
        assert_eq!(of(b"<html>404"), (false, false));
        assert_eq!(of(b""), (false, true));
    }

    #[test]
    fn odd_texts_do_not_break_it() {
        for text in ["'", "''", "\u{2018}x", "a'b'c\"", "\u{1F600}'\u{1F600}'"] {
            let _ = said(json!({"errorMessages": [text.repeat(400)]}), &json!(text), &[text]);
        }
    }
}

//! The macros of a wiki text: code, quotes and panels, what their heads say, and where they end.

use super::{
    super::doc::{Block, Color, Panel, title},
    blocks::{Reader, parse_within},
};

/// Bytes from a macro's name to its closing brace; longer ones are text.
const LONGEST_HEAD: usize = 1000;

/// Macros and cells inside each other; deeper ones are text. No text that a person writes comes near.
const DEEPEST: usize = 10;

/// The macros that have a counterpart. `{info}`, `{note}`, `{tip}`, `{warning}` and `{expand}` are apps' in Jira.
pub(super) const MACROS: [&str; 9] = ["code", "noformat", "quote", "panel", "info", "note", "tip", "warning", "expand"];

/// Those of them that hold text as it stands.
const RAW: usize = 2;

/// The border by which an expand is told from a panel.
pub(super) const FOLD: &str = "borderStyle=dotted";

pub(super) struct Macro {
    pub(super) blocks: Vec<Block>,
    /// Where the text goes on.
    pub(super) end: usize,
}

/// A macro's place.
pub(super) struct Span<'t> {
    /// Its number among [`MACROS`].
    macro_no: usize,
    params: &'t str,
    inner: &'t str,
    /// Where the text goes on.
    pub(super) end: usize,
}

impl<'t> Reader<'t> {
    /// The macro that begins at `at`, if it is one that we know and it has an end.
    pub(super) fn macro_at(&mut self, at: usize) -> Option<Macro> {
        let span = self.span_at(at)?;
        Some(Macro { blocks: self.blocks_of(&span), end: span.end })
    }

    /// Its place alone.
    pub(super) fn span_at(&mut self, at: usize) -> Option<Span<'t>> {
        let rest = self.text[at..].strip_prefix('{')?;
        let macro_no = MACROS.iter().position(|name| {
            rest.strip_prefix(name).is_some_and(|r| r.starts_with('}') || (r.starts_with(':') && *name != "quote"))
        })?;
        if at >= self.no_end[macro_no] || (macro_no >= RAW && self.depth >= DEEPEST) {
            return None;
        }
        let name = MACROS[macro_no];
        let head = rest.bytes().take(LONGEST_HEAD);
        let head_end = head.take_while(|b| *b != b'\n').position(|b| b == b'}')?;
        let params = rest[..head_end].strip_prefix(name)?.trim_start_matches(':');
        let from = at + 1 + head_end + 1;
        let end_mark = format!("{{{name}}}");
        let to = if macro_no < RAW {
            self.text[from..].find(&end_mark).map(|e| from + e)
        } else {
            self.holder_end(from, &end_mark)
        };
        let Some(to) = to else {
            self.no_end[macro_no] = self.no_end[macro_no].min(at);
            return None;
        };
        Some(Span { macro_no, params, inner: &self.text[from..to], end: to + end_mark.len() })
    }

    /// The next end mark that stands neither escaped nor in code.
    fn holder_end(&mut self, from: usize, end_mark: &str) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let mut at = from;
        while at < bytes.len() {
            match bytes[at] {
                b'\\' => at += 2,
                b'{' if self.text[at..].starts_with(end_mark) => return Some(at),
                b'{' => {
                    let is_code = ["{code", "{noformat"].iter().any(|p| self.text[at..].starts_with(p));
                    at = if is_code { self.span_at(at).map_or(at + 1, |m| m.end) } else { at + 1 };
                }
                _ => at += 1,
            }
        }
        None
    }

    fn blocks_of(&self, span: &Span<'_>) -> Vec<Block> {
        let name = MACROS[span.macro_no];
        if span.macro_no < RAW {
            let text = span.inner.strip_prefix('\n').unwrap_or(span.inner);
            let text = text.strip_suffix('\n').unwrap_or(text);
            let (language, heading) = code_params(span.params, name == "code");
            let code = Block::Code { language, text: text.to_owned() };
            return heading.iter().map(|t| title(t)).chain([code]).collect();
        }
        let mut inner = parse_within(span.inner, self.depth + 1, false);
        if name == "quote" {
            return if inner.is_empty() { vec![] } else { vec![Block::Quote(inner)] };
        }
        let (_, heading) = code_params(span.params, false);
        let heading = heading.filter(|t| !t.trim().is_empty()).map(|t| t.trim().to_owned());
        let mut params = span.params.split('|').map(str::trim);
        let folds = params.clone().any(|p| p == FOLD) && params.all(|p| p == FOLD || p.starts_with("title="));
        if name == "expand" || folds {
            let heading = heading.unwrap_or_default();
            return if heading.is_empty() && inner.is_empty() { vec![] } else { vec![Block::Expand(heading, inner)] };
        }
        if let Some(heading) = heading {
            inner.insert(0, title(&heading));
        }
        let ground = span.params.split('|').find_map(|p| p.trim().strip_prefix("bgColor=").and_then(Color::wiki));
        let kind = Panel::named(name).or(ground.map(Panel::colored)).unwrap_or(Panel::Info);
        if inner.is_empty() { vec![] } else { vec![Block::Panel(kind, inner)] }
    }
}

/// Parameters of a code macro or a panel that only decorate; they have no place in a document and name nobody.
const DECORATION: [&str; 12] = [
    "borderStyle",
    "borderColor",
    "borderWidth",
    "bgColor",
    "titleBGColor",
    "titleColor",
    "theme",
    "linenumbers",
    "firstline",
    "collapse",
    "nopanel",
    "tabsize",
];

/// Whether a language of a code block can be written behind `{code:`.
pub(super) fn is_language(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+#.-/".contains(&b))
}

/// Language and title from `java`, `title=Foo.java|borderStyle=solid`, `language=java`; what is none of these is part of
/// the title, since somebody wrote it.
fn code_params(params: &str, takes_language: bool) -> (Option<String>, Option<String>) {
    let mut language = None;
    let mut title: Vec<&str> = Vec::new();
    for param in params.split('|').map(str::trim).filter(|p| !p.is_empty()) {
        let named = match param.split_once('=') {
            Some(("title", t)) => {
                title.extend((!t.is_empty()).then_some(t));
                continue;
            }
            Some((key, value)) if DECORATION.contains(&key) => {
                let plain = value.bytes().all(|b| b.is_ascii_alphanumeric() || b"#%.-".contains(&b));
                title.extend((!plain).then_some(param));
                continue;
            }
            Some(("language", name)) => name,
            _ => param,
        };
        if takes_language && language.is_none() && is_language(named) {
            language = Some(named.to_owned());
        } else {
            title.push(param);
        }
    }
    (language, (!title.is_empty()).then(|| title.join(" | ")))
}

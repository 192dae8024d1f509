//! Writing a document as wiki markup that reads back as the same document.

use super::{
    super::{
        adf::Mention,
        doc::{Block, Inline, Marks, Run, push_text},
    },
    blocks::is_language,
    rules::{DEEPEST_LIST, MARKERS, bare_address, encode_address, escape, is_address},
};

type Mentions<'f> = &'f dyn Fn(&Mention) -> String;

/// Writes blocks, an empty line between two.
pub(in super::super) fn write(blocks: &[Block], mention: Mentions<'_>) -> String {
    let parts: Vec<String> = blocks.iter().filter_map(|b| block(b, mention)).collect();
    parts.join("\n\n")
}

fn block(block: &Block, mention: Mentions<'_>) -> Option<String> {
    let text = match block {
        Block::Paragraph(inlines) => lines(inlines, true, mention),
        Block::Heading(level, inlines) => {
            let text = lines(&trimmed(inlines), false, mention);
            if text.is_empty() { String::new() } else { format!("h{level}. {text}") }
        }
        Block::Code { language, text } => code(language.as_deref(), text, mention),
        Block::Quote(inner) => {
            let text = write(&unquoted(inner), mention);
            if text.trim().is_empty() { String::new() } else { format!("{{quote}}\n{text}\n{{quote}}") }
        }
        Block::List { ordered, items } => {
            let mut out = String::new();
            list(&mut out, *ordered, items, "", mention);
            out
        }
        Block::Rule => "----".to_owned(),
    };
    (!text.trim().is_empty()).then_some(text)
}

/// `{quote}` does not nest.
fn unquoted(blocks: &[Block]) -> Vec<Block> {
    blocks
        .iter()
        .flat_map(|b| match b {
            Block::Quote(inner) => unquoted(inner),
            Block::List { ordered, items } => {
                vec![Block::List { ordered: *ordered, items: items.iter().map(|i| unquoted(i)).collect() }]
            }
            other => vec![other.clone()],
        })
        .collect()
}

fn code(language: Option<&str>, text: &str, mention: Mentions<'_>) -> String {
    if !text.contains("{code") {
        let language = language.filter(|l| is_language(l));
        let head = language.map_or("{code}".to_owned(), |l| format!("{{code:{l}}}"));
        return format!("{head}\n{text}\n{{code}}");
    }
    if !text.contains("{noformat") {
        return format!("{{noformat}}\n{text}\n{{noformat}}");
    }
    // Neither macro can hold it: lines in code type.
    let mut inlines = Vec::new();
    push_text(&mut inlines, text, Marks::CODE, None);
    lines(&inlines, true, mention)
}

/// Writes a list; whether a paragraph is open at its end.
fn list(out: &mut String, ordered: bool, items: &[Vec<Block>], prefix: &str, mention: Mentions<'_>) -> bool {
    let mut open = true;
    // The reader takes deeper lists for text, so they stay on the deepest level.
    let mut prefix = prefix.to_owned();
    if prefix.len() < DEEPEST_LIST {
        prefix.push(if ordered { '#' } else { '*' });
    }
    for item in items {
        if !out.is_empty() {
            out.push('\n');
        }
        out.push_str(&prefix);
        out.push(' ');
        // Whether a paragraph is open on the line that is being written.
        open = true;
        write_item(out, item, &prefix, &mut open, &mut true, mention);
    }
    open
}

fn write_item(
    out: &mut String,
    item: &[Block],
    prefix: &str,
    open: &mut bool,
    fresh: &mut bool,
    mention: Mentions<'_>,
) {
    for block in item {
        match block {
            Block::Paragraph(inlines) => {
                let text = lines(&trimmed(inlines), false, mention);
                if text.is_empty() {
                    continue;
                }
                if *fresh {
                    out.push_str(&text);
                } else if *open {
                    out.push_str("\\\\");
                    out.push_str(&text);
                } else {
                    out.push('\n');
                    out.push_str(&line_start(&text));
                }
                *open = true;
            }
            Block::Heading(_, inlines) => {
                let strong: Vec<Inline> = inlines
                    .iter()
                    .map(|i| match i {
                        Inline::Text(run) => Inline::Text(Run { marks: run.marks.with(Marks::STRONG), ..run.clone() }),
                        other => other.clone(),
                    })
                    .collect();
                write_item(out, &[Block::Paragraph(strong)], prefix, open, fresh, mention);
            }
            Block::Rule => {
                let mut dashes = Vec::new();
                push_text(&mut dashes, "----", Marks::NONE, None);
                write_item(out, &[Block::Paragraph(dashes)], prefix, open, fresh, mention);
            }
            Block::Quote(inner) => write_item(out, inner, prefix, open, fresh, mention),
            Block::Code { language, text } if text.contains("{code") && text.contains("{noformat") => {
                let _ = language;
                let mut inlines = Vec::new();
                push_text(&mut inlines, text, Marks::CODE, None);
                write_item(out, &[Block::Paragraph(inlines)], prefix, open, fresh, mention);
            }
            Block::Code { language, text } => {
                out.push('\n');
                out.push_str(&code(language.as_deref(), text, mention));
                *open = false;
            }
            Block::List { ordered, items } => {
                if items.is_empty() {
                    continue;
                }
                // What follows in this item reads as part of the list's last one: wiki markup has no way back.
                *open = list(out, *ordered, items, prefix, mention);
            }
        }
        *fresh = false;
    }
}

/// Writes inline content. In a paragraph a break is a new line where it can be; elsewhere, and beside emptiness, it is `\\`.
fn lines(inlines: &[Inline], paragraph: bool, mention: Mentions<'_>) -> String {
    let mut out = String::new();
    let mut current_blank = true;
    for (n, segment) in inlines.split(|i| *i == Inline::Break).enumerate() {
        let text = line(segment, mention);
        let blank = text.trim().is_empty();
        if n == 0 {
            out.push_str(&if paragraph { line_start(&text) } else { text });
        } else if paragraph && !current_blank && !blank {
            out.push('\n');
            out.push_str(&line_start(&text));
        } else {
            out.push_str("\\\\");
            out.push_str(&text);
            current_blank = false;
            continue;
        }
        current_blank = blank;
    }
    out
}

/// Without white space at either end, as the reader gives it where a block is one line. Trimmed before it is escaped: what
/// has to be escaped depends on the neighbours.
fn trimmed(inlines: &[Inline]) -> Vec<Inline> {
    let mut out = inlines.to_vec();
    for at_end in [false, true] {
        loop {
            let place = if at_end { out.len().wrapping_sub(1) } else { 0 };
            let Some(Inline::Text(run)) = out.get_mut(place) else { break };
            let text = if at_end { run.text.trim_end() } else { run.text.trim_start() };
            if !text.is_empty() {
                run.text = text.to_owned();
                break;
            }
            out.remove(place);
        }
    }
    out
}

/// Keeps text at the beginning of a line from being a heading, a quote, or a list.
fn line_start(text: &str) -> String {
    let trimmed = text.trim_start();
    let lead = &text[..text.len() - trimmed.len()];
    let bytes = trimmed.as_bytes();
    let ends_word = |at: usize| trimmed.get(at..).is_some_and(|r| r.is_empty() || r.starts_with(char::is_whitespace));
    if bytes.len() > 2 && bytes[0] == b'h' && (b'1'..=b'6').contains(&bytes[1]) && bytes[2] == b'.' && ends_word(3) {
        return format!("{lead}{}&#46;{}", &trimmed[..2], &trimmed[3..]);
    }
    if trimmed.starts_with("bq.") && ends_word(3) {
        return format!("{lead}bq&#46;{}", &trimmed[3..]);
    }
    let run = bytes.iter().take_while(|b| matches!(b, b'*' | b'#' | b'-')).count();
    if run > 0 && ends_word(run) {
        return format!("{lead}\\{trimmed}");
    }
    text.to_owned()
}

/// Writes what stands between two breaks.
fn line(inlines: &[Inline], mention: Mentions<'_>) -> String {
    let inlines = link_addresses(inlines);
    let mut out = String::new();
    let mut at = 0;
    while let Some(inline) = inlines.get(at) {
        match inline {
            Inline::Break => out.push_str("\\\\"),
            Inline::Mention { id, text } => out.push_str(&mention(&Mention { id: id.clone(), text: text.clone() })),
            Inline::Text(first) => {
                let runs: Vec<Run> = inlines[at..]
                    .iter()
                    .map_while(|i| match i {
                        Inline::Text(run) if run.href == first.href => Some(run.clone()),
                        _ => None,
                    })
                    .collect();
                at += runs.len();
                match &first.href {
                    Some(href) => link(&mut out, &runs, href),
                    None => marked(&mut out, &hoist(runs), Marks::NONE, inlines.get(at).map(first_char), true),
                }
                continue;
            }
        }
        at += 1;
    }
    out
}

/// Makes links of bare addresses wherever the reader would not find their true end: emphasis around, or text right behind.
fn link_addresses(inlines: &[Inline]) -> Vec<Inline> {
    let mut out = Vec::with_capacity(inlines.len());
    for (n, inline) in inlines.iter().enumerate() {
        let Inline::Text(run) = inline else {
            out.push(inline.clone());
            continue;
        };
        if run.href.is_some() || run.marks.has(Marks::CODE) || !run.text.contains("://") {
            out.push(inline.clone());
            continue;
        }
        let last = n + 1 == inlines.len();
        let (mut from, mut at, mut before) = (0, 0, None);
        while let Some(c) = run.text[at..].chars().next() {
            let Some(url) = bare_address(&run.text[at..], before) else {
                before = Some(c);
                at += c.len_utf8();
                continue;
            };
            let end = at + url.len();
            let ends_well = run.text[end..].chars().next().map_or(last, char::is_whitespace);
            if run.marks != Marks::NONE || !ends_well {
                push_text(&mut out, &run.text[from..at], run.marks, None);
                push_text(&mut out, url, run.marks, Some(url));
                from = end;
            }
            before = url.chars().next_back();
            at = end;
        }
        push_text(&mut out, &run.text[from..], run.marks, None);
    }
    out
}

/// How the next inline will begin; mentions and links begin with a bracket or with text that is not known here.
fn first_char(inline: &Inline) -> char {
    match inline {
        Inline::Text(Run { href: None, text, .. }) => text.chars().next().unwrap_or(' '),
        Inline::Text(_) => '[',
        Inline::Mention { .. } => 'x',
        Inline::Break => '\\',
    }
}

fn link(out: &mut String, runs: &[Run], href: &str) {
    let url = encode_address(href);
    if let [run] = runs
        && run.text == url
        && run.marks == Marks::NONE
        && is_address(&url)
        && url.contains(':')
    {
        out.push_str(&format!("[{url}]"));
        return;
    }
    out.push('[');
    marked(out, &hoist(runs.to_vec()), Marks::NONE, Some('|'), false);
    out.push('|');
    out.push_str(&url);
    out.push(']');
}

/// Emphasis has no white space at its edges: moves it out.
fn hoist(mut runs: Vec<Run>) -> Vec<Run> {
    for (_, mark) in MARKERS {
        let mut out: Vec<Run> = Vec::new();
        let mut at = 0;
        while at < runs.len() {
            let len = runs[at..].iter().take_while(|r| r.marks.has(mark)).count();
            if len == 0 {
                out.push(runs[at].clone());
                at += 1;
                continue;
            }
            let group = &runs[at..at + len];
            let all: String = group.iter().map(|r| r.text.as_str()).collect();
            let lead = all.len() - all.trim_start().len();
            let tail = if lead == all.len() { all.len() } else { all.trim_end().len() };
            let mut pos = 0;
            for run in group {
                let end = pos + run.text.len();
                for (from, to, inside) in [(0, lead, false), (lead, tail, true), (tail, all.len(), false)] {
                    let (from, to) = (from.max(pos), to.min(end));
                    if from < to {
                        let marks = if inside { run.marks } else { run.marks.without(mark) };
                        let text = run.text[from - pos..to - pos].to_owned();
                        out.push(Run { text, marks, href: run.href.clone() });
                    }
                }
                pos = end;
            }
            at += len;
        }
        runs = out;
    }
    // What looks the same now is one run, so that its characters see their true neighbours.
    let mut joined: Vec<Run> = Vec::new();
    for run in runs {
        match joined.last_mut() {
            Some(last) if last.marks == run.marks => last.text.push_str(&run.text),
            _ => joined.push(run),
        }
    }
    joined
}

/// Writes runs; `done` marks are written already, `after` is what will follow.
fn marked(out: &mut String, runs: &[Run], done: Marks, after: Option<char>, addresses: bool) {
    let mut at = 0;
    while let Some(run) = runs.get(at) {
        let open = MARKERS.iter().find(|(_, m)| run.marks.has(*m) && !done.has(*m));
        let Some((c, mark)) = open else {
            if run.marks.has(Marks::CODE) {
                out.push_str("{{");
                out.push_str(&escape(&run.text));
                out.push_str("}}");
            } else if addresses && run.marks == Marks::NONE {
                with_addresses(out, &run.text);
            } else {
                out.push_str(&escape(&run.text));
            }
            at += 1;
            continue;
        };
        let len = runs[at..].iter().take_while(|r| r.marks.has(*mark)).count();
        let next = runs.get(at + len).map(|r| r.text.chars().next().unwrap_or(' ')).or(after);
        let in_word =
            out.chars().next_back().is_some_and(char::is_alphanumeric) || next.is_some_and(char::is_alphanumeric);
        let sign = if in_word { format!("{{{c}}}") } else { c.to_string() };
        out.push_str(&sign);
        marked(out, &runs[at..at + len], done.with(*mark), Some(*c), addresses);
        out.push_str(&sign);
        at += len;
    }
}

/// Escapes text but leaves bare addresses as they are.
fn with_addresses(out: &mut String, text: &str) {
    let mut before = out.chars().next_back();
    let (mut from, mut at) = (0, 0);
    while let Some(c) = text[at..].chars().next() {
        if let Some(url) = bare_address(&text[at..], before) {
            out.push_str(&escape(&text[from..at]));
            out.push_str(url);
            at += url.len();
            from = at;
            before = url.chars().next_back();
        } else {
            before = Some(c);
            at += c.len_utf8();
        }
    }
    out.push_str(&escape(&text[from..]));
}

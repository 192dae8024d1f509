//! Writing what stands inside a block: lines, runs of text, links, emphasis, and what has to be escaped for them.

use super::{
    super::{
        adf::Mention,
        doc::{Inline, Marks, Run, Style, push_text},
    },
    rules::{
        MARKERS, bare_address, encode_address, escape, escape_before, is_address, is_file_name, is_image_name, is_word,
    },
    write::Mentions,
};

/// Writes inline content. In a paragraph a break is a new line where it can be; elsewhere, and beside emptiness, it is `\\`.
pub(super) fn lines(inlines: &[Inline], paragraph: bool, mention: Mentions<'_>) -> String {
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
pub(super) fn trimmed(inlines: &[Inline]) -> Vec<Inline> {
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
pub(super) fn line_start(text: &str) -> String {
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

/// Writes what stands between two breaks: stretches of one colour, the colour around all else.
fn line(inlines: &[Inline], mention: Mentions<'_>) -> String {
    let inlines = link_addresses(&loose_emoji(inlines));
    let color = |i: &Inline| match i {
        Inline::Text(run) => run.color,
        _ => None,
    };
    let mut out = String::new();
    let mut rest = inlines.as_slice();
    while let Some(first) = rest.first() {
        let len = rest.iter().take_while(|i| color(i) == color(first)).count();
        let (part, behind) = rest.split_at(len);
        match color(first) {
            Some(color) => {
                out.push_str(&format!("{{color:{color}}}"));
                stretch(&mut out, part, Some('{'), mention);
                out.push_str("{color}");
            }
            None => stretch(&mut out, part, behind.first().map(first_char), mention),
        }
        rest = behind;
    }
    out
}

/// Writes inlines of one colour; `after` is what will follow.
fn stretch(out: &mut String, inlines: &[Inline], after: Option<char>, mention: Mentions<'_>) {
    let mut at = 0;
    while let Some(inline) = inlines.get(at) {
        let next = |at: usize| inlines.get(at).map(first_char).or(after);
        match inline {
            Inline::Break => out.push_str("\\\\"),
            Inline::Mention { id, text } => out.push_str(&mention(&Mention { id: id.clone(), text: text.clone() })),
            Inline::Emoji(emoji) => out.push_str(emoji.wiki[0]),
            Inline::Card(url) => {
                let url = encode_address(url);
                out.push_str(&format!("[{url}|{url}|smart-link]"));
            }
            Inline::File(file) => {
                let touched = is_word(out.chars().next_back()) || is_word(next(at + 1));
                let bar = if file.params.is_empty() { "" } else { "|" };
                out.push_str(&match (file.image, is_image_name(&file.name), is_file_name(&file.name)) {
                    (true, true, _) if !touched => format!("!{}{bar}{}!", file.name, file.params),
                    (.., true) => format!("[^{}]", file.name),
                    (true, true, _) => format!("[{}]", file.name),
                    _ => escape(&file.name),
                });
            }
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
                    Some(href) => link(out, &runs, href),
                    None => marked(out, &hoist(runs), Marks::NONE, next(at), true),
                }
                continue;
            }
        }
        at += 1;
    }
}

/// Makes text of every emoji that the reader would not see: where a word touches it, or what stands before would make
/// something else of its characters.
fn loose_emoji(inlines: &[Inline]) -> Vec<Inline> {
    let mut out: Vec<Inline> = Vec::with_capacity(inlines.len());
    let bare = |inline: &Inline| match inline {
        Inline::Text(run) if run.style() == Style::PLAIN => run.text.clone(),
        // What a person becomes is not known here.
        Inline::Mention { .. } => "x".to_owned(),
        _ => String::new(),
    };
    for (n, inline) in inlines.iter().enumerate() {
        match inline {
            Inline::Text(run) => push_text(&mut out, &run.text, run.style()),
            Inline::Emoji(emoji) => {
                let signs = emoji.wiki[0];
                let before = out.last().map(bare).unwrap_or_default();
                let after = inlines.get(n + 1).map(bare).unwrap_or_default();
                // The end of a strike makes a nose of its own: `-:-(/)`.
                let eyes =
                    |i: &Inline| matches!(i, Inline::Text(run) if run.text.trim_end_matches('-').ends_with([':', ';']));
                let taken = signs.starts_with('(') && out.last().is_some_and(eyes)
                    || signs.starts_with(';') && before.contains('&');
                if taken || is_word(before.chars().next_back()) || is_word(after.chars().next()) {
                    push_text(&mut out, emoji.text, Style::PLAIN);
                } else {
                    out.push(inline.clone());
                }
            }
            other => out.push(other.clone()),
        }
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
        let last = n + 1 == inlines.len() && run.color.is_none();
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
                push_text(&mut out, &run.text[from..at], run.style());
                push_text(&mut out, url, Style { href: Some(url), ..run.style() });
                from = end;
            }
            before = url.chars().next_back();
            at = end;
        }
        push_text(&mut out, &run.text[from..], run.style());
    }
    out
}

/// How the next inline will begin; mentions and links begin with a bracket or with text that is not known here.
fn first_char(inline: &Inline) -> char {
    match inline {
        Inline::Text(Run { color: Some(_), .. }) => '{',
        Inline::Text(Run { href: None, text, .. }) => text.chars().next().unwrap_or(' '),
        Inline::Text(_) | Inline::Card(_) => '[',
        Inline::Mention { .. } => 'x',
        Inline::File(file) if file.image => '!',
        Inline::File(_) => '[',
        Inline::Emoji(emoji) => emoji.text.chars().next().unwrap_or(':'),
        Inline::Break => '\\',
    }
}

fn link(out: &mut String, runs: &[Run], href: &str) {
    let url = encode_address(href);
    if let [run] = runs
        && run.text == url
        && run.marks == Marks::NONE
        && is_address(&url)
        && (url.contains(':') || url.starts_with('#'))
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
                        out.push(Run { text, marks, ..run.clone() });
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
        // A mark around this one may have parted what `hoist` saw as one: white space comes to its edges here.
        let (lead, core, tail) = edges(&runs[at..at + len]);
        out.push_str(&lead);
        if !lead.is_empty() {
            // What begins behind it may have another mark around all.
            let next = runs.get(at + len).map(|r| r.text.chars().next().unwrap_or(' ')).or(after);
            marked(out, &core, done, tail.chars().next().or(next), addresses);
        } else if !core.is_empty() {
            let next = runs.get(at + len).map(|r| r.text.chars().next().unwrap_or(' ')).or(after);
            let next = tail.chars().next().or(next);
            let in_word =
                out.chars().next_back().is_some_and(char::is_alphanumeric) || next.is_some_and(char::is_alphanumeric);
            let sign = if in_word { format!("{{{c}}}") } else { c.to_string() };
            out.push_str(&sign);
            marked(out, &core, done.with(*mark), Some(*c), addresses);
            out.push_str(&sign);
        }
        out.push_str(&tail);
        at += len;
    }
}

/// The white space at both ends of runs, and what stands between.
fn edges(runs: &[Run]) -> (String, Vec<Run>, String) {
    let mut core = runs.to_vec();
    let (mut lead, mut tail) = (String::new(), String::new());
    while let Some(first) = core.first_mut() {
        let text = first.text.trim_start();
        lead.push_str(&first.text[..first.text.len() - text.len()]);
        first.text = text.to_owned();
        if !first.text.is_empty() {
            break;
        }
        core.remove(0);
    }
    while let Some(last) = core.last_mut() {
        let len = last.text.trim_end().len();
        tail.insert_str(0, &last.text[len..]);
        last.text.truncate(len);
        if len > 0 {
            break;
        }
        core.pop();
    }
    (lead, core, tail)
}

/// Escapes text but leaves bare addresses as they are.
fn with_addresses(out: &mut String, text: &str) {
    let mut before = out.chars().next_back();
    let (mut from, mut at) = (0, 0);
    while let Some(c) = text[at..].chars().next() {
        if let Some(url) = bare_address(&text[at..], before) {
            out.push_str(&escape_before(&text[from..at], Some(c)));
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

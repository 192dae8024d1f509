//! Finding in one text, under whatever escapes and markup.

use std::ops::{ControlFlow::Continue, Range};

use crate::{
    extract::{encoded, layers},
    subject::{Matcher, Scope, TextKind, TextMatch},
};

/// A hit, and the stretches of the text that spell it: several where markup stands between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextHit {
    /// The hit; its span runs from the first stretch to the last.
    pub found: TextMatch,
    /// The stretches, in order.
    pub pieces: Vec<Range<usize>>,
}

/// All hits in a text, also under every layer of escapes and markup ([`layers`]), and in what is encoded inside it as a
/// whole ([`encoded`], two levels).
#[must_use]
pub fn find_text(matcher: &Matcher, text: &str, scope: Scope<'_>, kind: TextKind) -> Vec<TextHit> {
    if matcher.may_match(text.as_bytes()) { find_with_care(matcher, text, scope, kind) } else { Vec::new() }
}

/// As [`find_text`], without the prefilter: what the prefilter is held against.
pub(super) fn find_with_care(matcher: &Matcher, text: &str, scope: Scope<'_>, kind: TextKind) -> Vec<TextHit> {
    let mut hits = find_layers(matcher, text, scope, kind);
    if kind == TextKind::Prose {
        find_encoded(matcher, text, scope, &mut hits, encoded::DEEPEST);
    }
    hits.sort_by_key(|h| (h.found.from, h.found.to, h.found.subject));
    hits
}

/// Hits in what is encoded as base64 inside `text`.
fn find_encoded(matcher: &Matcher, text: &str, scope: Scope<'_>, hits: &mut Vec<TextHit>, depth: usize) {
    for run in encoded::base64_runs(text.as_bytes()) {
        for reading in run.readings() {
            if !matcher.may_match_within(reading.text().as_bytes(), depth - 1) {
                continue;
            }
            let view = reading.view();
            let mut inner = find_layers(matcher, view.text(), scope, TextKind::Prose);
            if depth > 1 {
                find_encoded(matcher, view.text(), scope, &mut inner, depth - 1);
            }
            for mut hit in inner {
                hit.pieces = join(hit.pieces.into_iter().flat_map(|r| view.pieces(r.start, r.end)));
                let (Some(first), Some(last)) = (hit.pieces.first(), hit.pieces.last()) else { continue };
                (hit.found.from, hit.found.to) = (first.start, last.end);
                add(hits, hit);
            }
        }
    }
}

/// Hits under every layer of escapes and markup.
fn find_layers(matcher: &Matcher, text: &str, scope: Scope<'_>, kind: TextKind) -> Vec<TextHit> {
    let mut hits: Vec<TextHit> = matcher
        .find_in(text, scope, kind)
        .into_iter()
        .map(|found| TextHit { pieces: columns(text, found.from..found.to), found })
        .collect();
    let _ = layers::each(text, &mut |taken| {
        let Some(view) = taken.last() else { return Continue(()) };
        for mut m in matcher.find_in(view.text(), scope, kind) {
            let mut pieces = columns(view.text(), m.from..m.to);
            for view in taken.iter().rev() {
                pieces = join(pieces.into_iter().flat_map(|r| view.pieces(r.start, r.end)));
            }
            let (Some(first), Some(last)) = (pieces.first(), pieces.last()) else { continue };
            (m.from, m.to) = (first.start, last.end);
            add(&mut hits, TextHit { found: m, pieces });
        }
        Continue(())
    });
    hits
}

/// The stretches of a hit without the semicolons in it: they may part the columns of a table, which has to keep them.
fn columns(text: &str, hit: Range<usize>) -> Vec<Range<usize>> {
    let mut from = hit.start;
    let parts = text[hit].split(';').map(|part| {
        let range = from..from + part.len();
        from = range.end + 1;
        range
    });
    parts.filter(|r| !r.is_empty()).collect()
}

fn join(ranges: impl Iterator<Item = Range<usize>>) -> Vec<Range<usize>> {
    let mut out: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match out.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => out.push(range),
        }
    }
    out
}

/// Adds a hit from a deeper layer, unless an equal or better one is there.
fn add(hits: &mut Vec<TextHit>, new: TextHit) {
    let overlaps = |h: &TextHit| {
        h.found.subject == new.found.subject && h.found.from < new.found.to && new.found.from < h.found.to
    };
    let better = |h: &TextHit| {
        new.found.strength > h.found.strength
            || (new.found.strength == h.found.strength
                && new.found.from <= h.found.from
                && new.found.to >= h.found.to
                && new.found.to - new.found.from > h.found.to - h.found.from)
    };
    if hits.iter().any(|h| overlaps(h) && !better(h)) {
        return;
    }
    hits.retain(|h| !overlaps(h));
    hits.push(new);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::Strength, scan::json::tests::zoe};

    fn found(text: &str) -> Vec<(Vec<&str>, Strength)> {
        find_text(&zoe(), text, Scope::Any, TextKind::Prose)
            .into_iter()
            .map(|h| (h.pieces.iter().map(|r| &text[r.clone()]).collect(), h.found.strength))
            .collect()
    }

    #[test]
    fn under_escapes_and_markup() {
        use Strength::{Certain, Probable};
        for (text, want) in [
            (r#"{"a":"x\nZo\u00eb Xander"}"#, vec![(vec![r"Zo\u00eb Xander"], Probable)]),
            (r#"{"a":"{\"b\":\"Zo\\u00eb\\nXander\"}"}"#, vec![(vec![r"Zo\\u00eb\\nXander"], Probable)]),
            ("Zo=C3=AB=20Xander", vec![(vec!["Zo=C3=AB=20Xander"], Probable)]),
            ("Zoe Xan=\r\nder!", vec![(vec!["Zoe Xan", "der"], Probable)]),
            ("token SGkgWm/DqyBYYW5kZXIhIEhpISE= x", vec![(vec!["Wm/DqyBYYW5kZXIh"], Probable)]),
            ("q=zoe.x%40corp.example", vec![(vec!["zoe.x%40corp.example"], Probable)]),
            ("Zo&euml;&nbsp;Xander", vec![(vec!["Zo&euml;&nbsp;Xander"], Probable)]),
            ("<b>Zo</b>e <i>Xander</i>!", vec![(vec!["Zo", "e ", "Xander"], Probable)]),
            ("*Zoë* _Xander_", vec![(vec!["Zoë", " ", "Xander"], Probable)]),
            (r"*Zoë*\\_Xander_", vec![(vec!["Zoë", r"\\", "Xander"], Probable)]),
            ("Zo{*}e{*} Xander", vec![(vec!["Zo", "e", " Xander"], Probable)]),
            ("[Zoë|mailto:zoe.x@corp.example]", vec![(vec!["zoe.x@corp.example"], Probable)]),
            ("[Zoë](http://x/) Xander", vec![(vec!["Zoë", " Xander"], Probable)]),
            (r"zoe\.x\@corp\.example", vec![(vec!["zoe", ".x", "@corp", ".example"], Probable)]),
            ("*[~zxan]*", vec![(vec!["[~zxan]"], Certain)]),
            ("zxan2 [~zxan2] azoe.x@corp.example", vec![]),
        ] {
            assert_eq!(found(text), want, "{text}");
        }
    }
}

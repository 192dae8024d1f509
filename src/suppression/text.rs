//! Suppressed identifiers inside running text: which candidates a text holds, and cutting them out of it.
//!
//! Only hashes are known, so every candidate of the text is hashed: mentions, e-mail addresses, tokens (user names, keys,
//! account ids), runs of digits (phones), and windows of as many words as the listed names have.

use std::ops::Range;

use super::{Guard, PLACEHOLDER, Verdict};
use crate::{
    config::NameMode,
    extract::views,
    model::IdentifierKind::{self, AccountId, Alias, Email, FullName, Phone, UserKey, Username},
    norm,
};

/// What a hit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    /// It identifies the person.
    Certain,
    /// It may be a namesake's.
    Name,
}

/// One hit in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hit {
    /// The bytes; several stretches where markup splits them.
    pub(super) pieces: Vec<Range<usize>>,
    pub(super) class: Class,
}

/// Checks one text.
pub(super) fn check(guard: &Guard, text: &str, names: NameMode) -> Verdict<String> {
    let hits = hits(guard, text);
    let (cut, left): (Vec<_>, Vec<_>) =
        hits.into_iter().partition(|h| h.class == Class::Certain || names == NameMode::Cut);
    let value = if cut.is_empty() { text.to_owned() } else { apply(text, &cut) };
    Verdict { value, cuts: cut.len(), names: left.len() }
}

/// All hits in a text that may be wiki markup: of what stands there, and of what a reader sees.
pub(super) fn hits(guard: &Guard, text: &str) -> Vec<Hit> {
    if guard.is_empty() || text.is_empty() {
        return Vec::new();
    }
    let mut found: Vec<Hit> = find(guard, text).into_iter().map(|(r, class)| Hit { pieces: vec![r], class }).collect();
    // As a reader sees it: wiki markup and tags may split a name, a link's address hides an `@` behind `%40`.
    for seen in [views::wiki_stripped(text), views::markup_stripped(text), views::percent_decoded(text)] {
        for (range, class) in seen.iter().flat_map(|s| find(guard, s.text())) {
            found.extend(seen.as_ref().map(|s| Hit { pieces: s.pieces(range.start, range.end), class }));
        }
    }
    settle(found)
}

/// Drops hits that lie inside others: the certain first, then the longer.
pub(super) fn settle(mut found: Vec<Hit>) -> Vec<Hit> {
    let size = |h: &Hit| h.pieces.iter().map(Range::len).sum::<usize>();
    found.retain(|h| !h.pieces.is_empty());
    found.sort_by_key(|h| (h.class, std::cmp::Reverse(size(h)), h.pieces[0].start));
    let mut kept: Vec<Hit> = Vec::new();
    for hit in found {
        let touches = |k: &Hit| k.pieces.iter().any(|a| hit.pieces.iter().any(|b| a.start < b.end && b.start < a.end));
        match kept.iter_mut().find(|k| touches(k)) {
            None => kept.push(hit),
            // Overlaps are cut as one, so that no half of a longer one stays.
            Some(k) if k.class == hit.class => {
                k.pieces.extend(hit.pieces);
                k.pieces = merged(std::mem::take(&mut k.pieces));
            }
            Some(_) => {}
        }
    }
    kept.sort_by_key(|h| h.pieces[0].start);
    kept
}

fn merged(mut pieces: Vec<Range<usize>>) -> Vec<Range<usize>> {
    pieces.sort_by_key(|p| p.start);
    let mut out: Vec<Range<usize>> = Vec::new();
    for p in pieces {
        match out.last_mut() {
            Some(last) if last.end >= p.start => last.end = last.end.max(p.end),
            _ => out.push(p),
        }
    }
    out
}

/// Cuts hits that do not overlap; each one's first piece becomes the placeholder.
pub(super) fn apply(text: &str, hits: &[Hit]) -> String {
    let mut cuts: Vec<(&Range<usize>, bool)> =
        hits.iter().flat_map(|h| h.pieces.iter().enumerate().map(|(i, p)| (p, i == 0))).collect();
    cuts.sort_by_key(|(p, _)| p.start);
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for (piece, first) in cuts {
        out.push_str(text.get(at..piece.start.max(at)).unwrap_or_default());
        if first {
            out.push_str(PLACEHOLDER);
        }
        at = at.max(piece.end);
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

/// Hits in a text taken as it stands.
pub(super) fn find(guard: &Guard, text: &str) -> Vec<(Range<usize>, Class)> {
    let mut out = Vec::new();
    mentions(guard, text, &mut out);
    emails(guard, text, &mut out);
    tokens(guard, text, &mut out);
    phones(guard, text, &mut out);
    names(guard, text, &mut out);
    out
}

type Out = Vec<(Range<usize>, Class)>;

/// `[~name]`, `[~accountid:id]`: the whole mention.
fn mentions(guard: &Guard, text: &str, out: &mut Out) {
    for (at, _) in text.match_indices("[~") {
        let Some(len) = text[at..].char_indices().take(260).find(|(_, c)| *c == ']').map(|(i, _)| i + 1) else {
            continue;
        };
        let inner = &text[at + 2..at + len - 1];
        let id = inner.strip_prefix("accountid:").unwrap_or(inner);
        if [AccountId, UserKey, Username].into_iter().any(|k| guard.identifier(k, id)) {
            out.push((at..at + len, Class::Certain));
        }
    }
}

fn emails(guard: &Guard, text: &str, out: &mut Out) {
    if !guard.kinds.contains(&Email) {
        return;
    }
    for (at, sign) in text.char_indices().filter(|(_, c)| matches!(c, '@' | '＠')) {
        let local = |c: &char| c.is_alphanumeric() || ".!#$%&'’+-/=?^_`{}~".contains(*c) || is_inside(*c);
        let domain = |c: &char| c.is_alphanumeric() || matches!(c, '.' | '-') || is_inside(*c);
        let start = at - text[..at].chars().rev().take(80).take_while(local).map(char::len_utf8).sum::<usize>();
        let after = at + sign.len_utf8();
        let end = after + text[after..].chars().take(255).take_while(domain).map(char::len_utf8).sum::<usize>();
        // Quotes, slashes and the like may stand before an address that does not have them; the same for dots after it.
        let starts = text[start..at]
            .char_indices()
            .filter(|(i, _)| {
                *i == 0 || text[start..start + i].ends_with(|c: char| !c.is_alphanumeric() && !is_inside(c))
            })
            .map(|(i, _)| start + i);
        let trimmed = after + text[after..end].trim_end_matches(['.', '-']).len();
        if let Some(from) = starts.into_iter().find(|&s| guard.identifier(Email, &text[s..trimmed])) {
            out.push((from..trimmed, Class::Certain));
        }
    }
}

/// Characters that show nothing, and marks, which belong to the character before them.
fn is_inside(c: char) -> bool {
    norm::is_ignorable(c) || unicode_normalization::char::is_combining_mark(c)
}

/// User names, keys and account ids that stand as a word of their own.
fn tokens(guard: &Guard, text: &str, out: &mut Out) {
    let kinds: Vec<_> = [AccountId, UserKey, Username].into_iter().filter(|k| guard.kinds.contains(k)).collect();
    if kinds.is_empty() {
        return;
    }
    let inside = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '@' | '+' | ':' | '\\') || is_inside(c);
    for run in runs(text, inside) {
        let mut tried = Vec::new();
        let mut offer = |range: Range<usize>| {
            let token = &text[range.clone()];
            let left = token.len() - token.trim_start_matches(['.', '_', '-', '@', '+', ':', '\\']).len();
            let right = token.trim_end_matches(['.', '_', '-', '@', '+', ':', '\\']).len();
            if left < right {
                tried.push(range.start..range.start + right);
                tried.push(range.start + left..range.start + right);
            }
        };
        offer(run.clone());
        // `Name:` at the head of a line, `DOMAIN\name`, `accountid:…`.
        let whole = &text[run.clone()];
        for (i, sep) in whole.match_indices([':', '\\']) {
            offer(run.start..run.start + i);
            offer(run.start + i + sep.len()..run.end);
        }
        tried.dedup();
        for range in tried {
            for &kind in &kinds {
                let form = norm::key_form(kind, &text[range.clone()]);
                if let Some(entry) = guard.form(kind, &form) {
                    out.push((range.clone(), if entry.ambiguous { Class::Name } else { Class::Certain }));
                }
            }
        }
    }
}

fn phones(guard: &Guard, text: &str, out: &mut Out) {
    if !guard.kinds.contains(&Phone) {
        return;
    }
    let inside = |c: char| c.is_ascii_digit() || matches!(c, '+' | '(' | ')' | ' ' | '-' | '/' | '.' | '\u{a0}');
    for run in runs(text, inside) {
        let token = &text[run.clone()];
        let left = token.len() - token.trim_start_matches([' ', '-', '/', '.', ')', '\u{a0}']).len();
        let right = token.trim_end_matches([' ', '-', '/', '.', '(', '+', '\u{a0}']).len();
        if left < right
            && token.chars().filter(char::is_ascii_digit).count() >= 6
            && guard.identifier(Phone, &token[left..right])
        {
            out.push((run.start + left..run.start + right, Class::Certain));
        }
    }
}

/// Windows of as many words as the listed names have, in any order, with little between the words.
fn names(guard: &Guard, text: &str, out: &mut Out) {
    if guard.name_lengths.is_empty() {
        return;
    }
    let bared = norm::bare(text);
    let plain = bared.text();
    let words: Vec<Range<usize>> = runs(plain, char::is_alphanumeric).collect();
    let near = |a: &Range<usize>, b: &Range<usize>| {
        plain.get(a.end..b.start).is_some_and(|gap| gap.chars().count() <= 4 && !gap.contains(['\n', '!', '?']))
    };
    for (i, first) in words.iter().enumerate() {
        for &n in &guard.name_lengths {
            let Some(window) = words.get(i..i + n).filter(|w| w.windows(2).all(|p| near(&p[0], &p[1]))) else {
                continue;
            };
            let mut parts: Vec<&str> = window.iter().map(|r| &plain[r.clone()]).collect();
            parts.sort_unstable();
            let form = parts.join(" ");
            let listed = |k: IdentifierKind| guard.kinds.contains(&k) && guard.form(k, &form).is_some();
            if let Some(last) = window.last()
                && (listed(FullName) || listed(Alias))
            {
                out.push((bared.original(first.start, last.end), Class::Name));
            }
        }
    }
}

/// The longest runs of characters that are `inside`.
fn runs(text: &str, inside: impl Fn(char) -> bool) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + text[at..].find(&inside)?;
        let end = text[start..].find(|c| !inside(c)).map_or(text.len(), |i| start + i);
        at = end;
        Some(start..end)
    })
}

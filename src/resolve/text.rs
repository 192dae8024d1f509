//! What stands beside a known value in running text: a name before an address, an address behind a name, a phone number.
//!
//! Pure, and a guess by its nature: whatever is found here only points, until a person confirms it.

use std::sync::LazyLock;

use regex::Regex;

use super::{Term, Terms};
use crate::model::IdentifierKind as K;

/// Words before a name that are none.
const LABELS: [&str; 42] = [
    "customer",
    "client",
    "contact",
    "name",
    "from",
    "to",
    "cc",
    "bcc",
    "by",
    "reporter",
    "user",
    "dear",
    "hi",
    "hello",
    "mr",
    "mrs",
    "ms",
    "dr",
    "prof",
    "herr",
    "frau",
    "kunde",
    "kundin",
    "call",
    "ask",
    "asked",
    "regards",
    "best",
    "email",
    "mail",
    "e-mail",
    "mailto",
    "an",
    "von:",
    "reply",
    "contacted",
    "for",
    "and",
    "sender",
    "requester",
    "the",
    "phone",
];

/// Words inside a name that begin with a small letter.
const PARTICLES: [&str; 22] = [
    "van", "von", "de", "der", "den", "la", "le", "da", "di", "du", "del", "al", "el", "bin", "ibn", "ter", "ten",
    "zu", "zur", "dos", "das", "y",
];

static EMAIL: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"[A-Za-z0-9._%+\-]+@[A-Za-z0-9.\-]+\.[A-Za-z]{2,}").ok());
static PHONE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(?:\+|\(?\b0)\d[0-9 ()/.\-]{5,18}\d").ok());

/// What a text says beside the values looked for: the known value, and what stands beside it. The known values that stand in
/// it are given too, beside nothing.
pub(super) fn beside(text: &str, terms: &Terms) -> Vec<(Term, Option<Term>)> {
    let mut out = Vec::new();
    // Same length as the text, byte for byte.
    let lower = text.to_ascii_lowercase();
    for term in terms.of(K::Email) {
        for at in standing_alone(&lower, &term.value.to_ascii_lowercase()) {
            out.push((term.clone(), None));
            let end = at + term.value.len();
            let mut found = before(text, at).or_else(|| after(text, end)).or_else(|| above(text, at));
            found = found.filter(|name| !terms.has(K::Email, name));
            out.extend(found.map(|name| (term.clone(), Some(Term::new(K::FullName, &name)))));
            let phones = phones(nearby(text, at, end));
            out.extend(phones.into_iter().map(|p| (term.clone(), Some(Term::new(K::Phone, &p)))));
        }
    }
    let known_address = |found: &str| terms.has(K::Email, found);
    for term in terms.of(K::FullName).filter(|t| t.value.contains(' ')) {
        for at in standing_alone(&lower, &term.value.to_ascii_lowercase()) {
            out.push((term.clone(), None));
            let end = at + term.value.len();
            let rest = line_from(text, end);
            // `Jane Doe <jane@…>`, `Jane Doe (jane@…)`, `Jane Doe, jane@…`: nothing but such marks between.
            let Some(found) = EMAIL.as_ref().and_then(|r| r.find(rest)) else { continue };
            let between = rest[..found.start()].trim_start_matches(|c: char| c == '"' || c.is_whitespace());
            let marks = between.replace("mailto:", "").replace("e-mail", "").replace("email", "");
            if marks.chars().all(|c| " \t<([|,;:\"'-".contains(c)) && !known_address(found.as_str()) {
                out.push((term.clone(), Some(Term::new(K::Email, found.as_str()))));
            }
        }
    }
    out
}

/// Where `what` stands in `text` as a whole value.
fn standing_alone(text: &str, what: &str) -> Vec<usize> {
    let part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '+' | '%');
    memchr::memmem::find_iter(text.as_bytes(), what.as_bytes())
        .filter(|at| {
            let (before, rest) = (&text[..*at], &text[at + what.len()..]);
            let mut after = rest.chars();
            let next = after.next();
            // A dot ends a sentence, or goes on with the address.
            let longer_before = before.chars().next_back().is_some_and(|c| part(c) || c == '.');
            let goes_on = matches!(next, Some('.' | '@')) && after.next().is_some_and(char::is_alphanumeric);
            !(longer_before || goes_on || next.is_some_and(part))
        })
        .collect()
}

fn line_from(text: &str, at: usize) -> &str {
    let rest = text.get(at..).unwrap_or_default();
    rest.split(['\n', '\r']).next().unwrap_or_default()
}

fn line_to(text: &str, at: usize) -> &str {
    let before = text.get(..at).unwrap_or_default();
    before.rsplit(['\n', '\r']).next().unwrap_or_default()
}

/// The line, and one line on either side.
fn nearby(text: &str, from: usize, to: usize) -> &str {
    let start = text[..from].rmatch_indices('\n').nth(1).map_or(0, |(i, _)| i + 1);
    let end = text[to..].match_indices('\n').nth(1).map_or(text.len(), |(i, _)| to + i);
    &text[start..end]
}

/// The name before an address: `"Jane Doe" <jane@…>`, `[Jane Doe|mailto:jane@…]`, `Jane Doe, jane@…`.
fn before(text: &str, at: usize) -> Option<String> {
    let mut line = line_to(text, at).trim_end();
    loop {
        let trimmed = line.trim_end_matches(|c: char| c.is_whitespace() || "<([|,;:\"'-".contains(c));
        let lower = trimmed.to_ascii_lowercase();
        let label = ["mailto", "e-mail", "email", "mail"].into_iter().find(|l| lower.ends_with(l));
        let shorter = label.map_or(trimmed, |l| &trimmed[..trimmed.len() - l.len()]);
        if shorter.len() == line.len() {
            break;
        }
        line = shorter;
    }
    name_at_end(line)
}

/// The name behind an address: `jane@… (Jane Doe)`, `jane@…;Jane Doe`.
fn after(text: &str, at: usize) -> Option<String> {
    let line = line_from(text, at).trim_start_matches(['>', ']', '"', ' ']);
    let cell = match line.strip_prefix('(') {
        Some(rest) => rest.split(')').next()?,
        None => line.strip_prefix([',', ';', '\t', '|'])?.split([',', ';', '\t', '|', '.']).next()?,
    };
    whole_name(cell)
}

/// A line above an address that is nothing but a name: a signature, a form.
fn above(text: &str, at: usize) -> Option<String> {
    let lines: Vec<&str> = text.get(..at)?.lines().collect();
    let own = usize::from(!text[..at].ends_with('\n'));
    lines.iter().rev().skip(own).take(3).find_map(|line| {
        let line = line.trim();
        whole_name(line.split_once(':').map_or(line, |(label, rest)| if label.len() < 20 { rest } else { line }))
    })
}

fn is_capital(word: &str) -> bool {
    let first = word.chars().next();
    // Scripts without capitals have no other sign.
    first.is_some_and(|c| c.is_uppercase() || (c.is_alphabetic() && !c.is_lowercase()))
        && word.chars().all(|c| c.is_alphabetic() || "'’.-\u{301}\u{308}".contains(c))
}

/// A text that is a name and nothing else.
fn whole_name(text: &str) -> Option<String> {
    let name = name_at_end(text.trim().trim_matches(['"', '\'', '*', '_']))?;
    let plain =
        |s: &str| s.split_whitespace().map(|w| w.trim_matches(['"', '\'', '*', '_'])).collect::<Vec<_>>().join(" ");
    (plain(text).ends_with(&name) && plain(text).split(' ').count() <= name.split(' ').count() + 1).then_some(name)
}

/// Two to four words of a name at the end of a text; "Doe, Jane" too.
fn name_at_end(text: &str) -> Option<String> {
    let text = text.trim_end_matches(['"', '\'', ' ', '*', '_']);
    let mut words: Vec<&str> = Vec::new();
    for word in text.rsplit(char::is_whitespace).filter(|w| !w.is_empty()) {
        let bare = word.trim_start_matches(['"', '(', '[', '<', '*', '_', '\'', '>', '|', ';']);
        // Cells of a table stand together without a space.
        let cell = bare.trim_end_matches(',').rfind([',', ';', '|', '>', ']', ')']).map_or(0, |i| i + 1);
        let bare = &bare[cell..];
        let (inner, comma) = bare.strip_suffix(',').map_or((bare, false), |w| (w, true));
        let lower = inner.to_lowercase();
        let particle = PARTICLES.contains(&lower.as_str());
        // A comma is inside a name only once: behind the family name.
        let fits = (is_capital(inner) || particle) && !(comma && words.len() != 1) && words.len() < 4;
        if !fits || LABELS.contains(&lower.trim_end_matches(['.', ':'])) {
            break;
        }
        words.push(bare);
        // What opens a quotation or a bracket begins the name.
        if bare.len() < word.len() {
            break;
        }
    }
    words.reverse();
    while words.first().is_some_and(|w| PARTICLES.contains(w)) && words.len() > 2 && words[0] == "y" {
        words.remove(0);
    }
    let capitals = words.iter().filter(|w| is_capital(w.trim_end_matches(','))).count();
    (capitals >= 2).then(|| words.join(" "))
}

/// Phone numbers: with a country's code, or behind a word that says so.
fn phones(text: &str) -> Vec<String> {
    let Some(pattern) = PHONE.as_ref() else { return Vec::new() };
    pattern
        .find_iter(text)
        .filter(|m| {
            let digits = m.as_str().bytes().filter(u8::is_ascii_digit).count();
            let start = text[..m.start()].char_indices().rev().nth(14).map_or(0, |(i, _)| i);
            let label = text[start..m.start()].to_lowercase();
            let said =
                ["tel", "phone", "fon", "mobil", "cell", "call", "fax", "handy"].iter().any(|l| label.contains(l));
            (7..=15).contains(&digits) && (said || m.as_str().starts_with("+"))
        })
        .map(|m| m.as_str().trim().to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let mut terms = Terms::default();
        terms.add(Term::new(K::Email, "jane@example.com"));
        beside(text, &terms).into_iter().filter_map(|(_, other)| Some(other?.value)).collect()
    }

    #[test]
    fn a_name_beside_an_address() {
        for (text, want) in [
            (r#"From: "Jane Doe" <jane@example.com>"#, "Jane Doe"),
            ("please ask Jane Doe <JANE@example.com>.", "Jane Doe"),
            ("Jane Doe (jane@example.com) called", "Jane Doe"),
            ("Customer Jane Doe, jane@example.com", "Jane Doe"),
            ("[Jane Doe|mailto:jane@example.com]", "Jane Doe"),
            ("\"Doe, Jane\" <jane@example.com>", "Doe, Jane"),
            ("Dr. Zoë van der Quandt <jane@example.com>", "Zoë van der Quandt"),
            ("jane@example.com (Jane Doe)", "Jane Doe"),
            ("17;jane@example.com;Jane Doe;x", "Jane Doe"),
            ("17;Jane Doe;jane@example.com", "Jane Doe"),
            ("17,Jane Doe,jane@example.com", "Jane Doe"),
            ("Kind regards\nJane Doe\nACME\njane@example.com", "Jane Doe"),
            ("Name: Jane Doe\nE-Mail: jane@example.com", "Jane Doe"),
            ("Екатерина Петрова <jane@example.com>", "Екатерина Петрова"),
        ] {
            assert_eq!(found(text), [want], "{text}");
        }
    }

    #[test]
    fn no_name_where_there_is_none() {
        for text in [
            "write to jane@example.com",
            "Jane Doe left. Then jane@example.com wrote",
            "ajane@example.com and Jane Doe <jane@example.com.au>",
            "Jane <jane@example.com>",
            "See HQ-12 and jane@example.com",
        ] {
            assert_eq!(found(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn phone_numbers_with_a_sign_of_what_they_are() {
        assert_eq!(found("jane@example.com, +49 170 1234567"), ["+49 170 1234567"]);
        assert_eq!(found("jane@example.com\nTel. 0170 1234567"), ["0170 1234567"]);
        assert_eq!(found("jane@example.com order 0170 1234567, 2026-11-22 10:00"), Vec::<String>::new());
    }

    #[test]
    fn an_address_behind_a_name() {
        let mut terms = Terms::default();
        terms.add(Term::new(K::FullName, "Jane Doe"));
        let found = |text: &str| {
            beside(text, &terms).into_iter().filter_map(|(_, other)| Some(other?.value)).collect::<Vec<_>>()
        };
        for text in ["Jane Doe <jane@example.com>", "JANE DOE, jane@example.com", "\"Jane Doe\" <jane@example.com>"] {
            assert_eq!(found(text), ["jane@example.com"], "{text}");
        }
        assert_eq!(found("Jane Doe wrote to bo@example.com"), Vec::<String>::new());
    }
}

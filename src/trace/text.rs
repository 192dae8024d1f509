//! The candidates of a text: mentions, e-mail addresses, words that look like an id or a user name, phone numbers, and runs of
//! capitalised words.

use std::ops::Range;

use super::{Candidates, Class};
use crate::{extract::views, model::IdentifierKind, norm};

/// Words that stand in small letters inside a name.
const PARTICLES: [&str; 33] = [
    "abu", "af", "al", "ap", "av", "ben", "bin", "bint", "da", "das", "de", "del", "della", "den", "der", "di", "do",
    "dos", "du", "el", "ibn", "la", "le", "los", "ter", "ten", "und", "van", "vom", "von", "y", "zu", "zum",
];
/// The longest run of words that is taken for a name.
const WORDS: usize = 6;
/// The longest word that is taken for an id or a user name.
const LONGEST: usize = 128;

/// All candidates of a text that may be wiki markup: of what stands there, and of what a reader sees.
pub(super) fn find(out: &mut Candidates, text: &str) {
    if text.is_empty() {
        return;
    }
    plain(out, text);
    let seen = [views::wiki_stripped(text), views::markup_stripped(text), views::percent_decoded(text)];
    seen.iter().flatten().for_each(|seen| plain(out, seen.text()));
}

fn plain(out: &mut Candidates, text: &str) {
    mentions(out, text);
    mails(out, text);
    tokens(out, text);
    phones(out, text);
    names(out, text);
}

fn mentions(out: &mut Candidates, text: &str) {
    for (at, _) in text.match_indices("[~") {
        if let Some(len) = text[at..].char_indices().take(260).find(|(_, c)| *c == ']').map(|(i, _)| i) {
            let inner = &text[at + 2..at + len];
            out.handle(inner.strip_prefix("accountid:").unwrap_or(inner));
        }
    }
}

fn mails(out: &mut Candidates, text: &str) {
    for (at, sign) in text.char_indices().filter(|(_, c)| matches!(c, '@' | '＠')) {
        let local = |c: &char| c.is_alphanumeric() || ".!#$%&'’+-/=?^_`{}~".contains(*c);
        let domain = |c: &char| c.is_alphanumeric() || matches!(c, '.' | '-');
        let start = at - text[..at].chars().rev().take(80).take_while(local).map(char::len_utf8).sum::<usize>();
        let after = at + sign.len_utf8();
        let end = after + text[after..].chars().take(255).take_while(domain).map(char::len_utf8).sum::<usize>();
        let end = after + text[after..end].trim_end_matches(['.', '-']).len();
        if start == at || end == after {
            continue;
        }
        // Quotes, slashes and the like may stand before an address that does not have them.
        let inside = text[start..at].char_indices().map(|(i, _)| start + i);
        let begins = inside.filter(|&i| i == start || text[..i].ends_with(|c: char| !c.is_alphanumeric()));
        for from in begins.take(8) {
            out.mail(&text[from..end]);
        }
    }
}

/// Words that hold a letter, and a digit or a sign: `jdoe2`, `j.doe`, `JIRAUSER10100`, `557058:…`. A user name that is a plain word is
/// not told from other words.
fn tokens(out: &mut Candidates, text: &str) {
    const SIGNS: [char; 7] = ['.', '_', '-', '@', '+', ':', '\\'];
    for run in runs(text, |c| c.is_alphanumeric() || SIGNS.contains(&c)) {
        let token = text[run].trim_matches(SIGNS);
        if token.len() > LONGEST {
            continue;
        }
        let pieces = token.match_indices([':', '\\']).flat_map(|(i, s)| [&token[..i], &token[i + s.len()..]]);
        for piece in std::iter::once(token).chain(pieces.take(8)) {
            let letters = piece.chars().any(char::is_alphabetic);
            if letters && piece.chars().any(|c| c.is_ascii_digit() || SIGNS.contains(&c)) {
                out.handle(piece);
            }
        }
    }
}

fn phones(out: &mut Candidates, text: &str) {
    let inside = |c: char| c.is_ascii_digit() || matches!(c, '+' | '(' | ')' | ' ' | '-' | '/' | '.' | '\u{a0}');
    for run in runs(text, inside) {
        let digits = text[run.clone()].chars().filter(char::is_ascii_digit).count();
        if (7..=17).contains(&digits) {
            out.add(Class::Phone, norm::key_form(IdentifierKind::Phone, &text[run]));
        }
    }
}

/// Runs of two to six words that begin with a capital, or with a letter that has none, and particles between them.
fn names(out: &mut Candidates, text: &str) {
    let bared = norm::bare(text);
    let plain = bared.text();
    let words: Vec<(Range<usize>, Option<bool>)> = runs(plain, char::is_alphanumeric)
        .map(|word| {
            let original = bared.original(word.start, word.end);
            let first = text[original].chars().find(|c| c.is_alphanumeric());
            // A letter without small and capital form may begin a name.
            let capital = first.is_some_and(|c| c.is_alphabetic() && !c.is_lowercase());
            let kind = if capital { Some(true) } else { PARTICLES.contains(&&plain[word.clone()]).then_some(false) };
            (word, kind)
        })
        .collect();
    let near = |a: &Range<usize>, b: &Range<usize>| {
        plain.get(a.end..b.start).is_some_and(|gap| gap.chars().count() <= 4 && !gap.contains(['!', '?']))
    };
    for i in 0..words.len() {
        let mut capitals = 0;
        for n in 0..WORDS.min(words.len() - i) {
            let (word, Some(capital)) = &words[i + n] else { break };
            if n > 0 && !near(&words[i + n - 1].0, word) {
                break;
            }
            capitals += usize::from(*capital);
            if capitals > 1 {
                let mut parts: Vec<&str> = words[i..=i + n].iter().map(|(w, _)| &plain[w.clone()]).collect();
                parts.sort_unstable();
                out.add(Class::Name, parts.join(" "));
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn of(text: &str) -> Vec<String> {
        let mut out = Candidates { found: BTreeSet::new(), whole: true };
        find(&mut out, text);
        out.found.into_iter().map(|(class, form)| format!("{class:?} {form}")).collect()
    }

    #[test]
    fn a_text_gives_what_may_be_somebody() {
        for (text, want) in [
            ("plain words of a sentence, 12.30", &[][..]),
            ("Ask Ada Quill", &["Name ada ask", "Name ada ask quill", "Name ada quill"]),
            ("quill, ada", &[]),
            ("Ada, of Rome", &[]),
            ("Ada\nQuill", &["Name ada quill"]),
            ("ludwig van Beethoven", &[]),
            ("Maria de la Cruz", &["Name cruz de la maria"]),
            ("CORP\\jdoe9: yes", &["Handle corp\\jdoe9", "Handle jdoe9"]),
            ("v1.2.3 of 2026-11-28", &["Handle v1.2.3", "Phone 20261128"]),
            ("محمد علي", &["Name علي محمد"]),
        ] {
            assert_eq!(of(text), want, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_it(text in "\\PC*[@~\\[\\]:%]{0,4}\\PC*") {
            of(&text);
        }
    }
}

//! Comparison: needles against a folded view, character by character and word by word.

use std::collections::HashMap;

use super::{Placed, peel::folded_text, spell};
use crate::model::IdentifierKind;

/// What is searched for, folded.
pub(super) enum Needle {
    /// Nothing that could be found.
    Nothing,
    Email {
        local: Vec<char>,
        domain: Vec<char>,
        /// Whether the provider ignores dots.
        dotless: bool,
        /// The domain in its other form (IDNA).
        other: Option<Vec<char>>,
    },
    Id {
        id: Vec<char>,
        /// Whether it may go on behind a colon.
        account: bool,
    },
    Name {
        words: Vec<String>,
        /// The punctuation of the name itself, which may stand between its words.
        punctuation: Vec<char>,
        /// All spellings, the given one too: from a word of theirs to the spelling that begins with it in one of its orders.
        spellings: HashMap<String, Vec<Vec<(String, bool)>>>,
    },
    Phone(String),
}

/// A place in a view.
pub(super) struct Found {
    pub(super) needle: usize,
    pub(super) offset: usize,
    pub(super) near: bool,
    pub(super) window: String,
}

impl Needle {
    pub(super) fn new(kind: IdentifierKind, value: &str) -> Self {
        let folded = folded_text(value);
        let folded = folded.as_str();
        let chars = |s: &str| s.chars().collect::<Vec<char>>();
        if folded.chars().filter(|c| c.is_alphanumeric()).count() < 2 {
            return Self::Nothing;
        }
        match kind {
            IdentifierKind::AccountId | IdentifierKind::UserKey | IdentifierKind::Username => {
                Self::Id { id: chars(folded), account: kind == IdentifierKind::AccountId }
            }
            IdentifierKind::Email => match folded.rsplit_once('@') {
                Some((local, domain)) => {
                    let mailbox = local.split('+').next().filter(|m| !m.is_empty()).unwrap_or(local);
                    let domain = domain.trim_end_matches('.');
                    let dotless = matches!(domain, "gmail.com" | "googlemail.com");
                    let named = value.rsplit('@').next().unwrap_or_default().trim().to_lowercase();
                    let other = if named.is_ascii() {
                        idna::domain_to_unicode(&named).0
                    } else {
                        idna::domain_to_ascii(&named).unwrap_or_default()
                    };
                    let other = Some(folded_text(&other)).filter(|o| !o.is_empty() && o != domain).map(|o| chars(&o));
                    Self::Email { local: chars(mailbox), domain: chars(domain), dotless, other }
                }
                None => Self::Id { id: chars(folded), account: false },
            },
            IdentifierKind::FullName | IdentifierKind::Alias => {
                // "Doe, Jane" is Jane Doe.
                let turned = match folded.split_once(',') {
                    Some((family, given)) => format!("{given} {family}"),
                    None => folded.to_owned(),
                };
                let words =
                    turned.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_owned).collect();
                let punctuation = turned.chars().filter(|c| !c.is_alphanumeric()).collect();
                let mut spellings: HashMap<String, Vec<Vec<(String, bool)>>> = HashMap::new();
                for spelled in spell::spellings(value) {
                    for k in 0..spelled.len() {
                        // Where the name is turned round, a comma may stand.
                        let turn = spelled.len() - k;
                        let turned = spelled[k..].iter().chain(&spelled[..k]).enumerate();
                        let order: Vec<_> = turned.map(|(i, w)| (w.clone(), k > 0 && i == turn)).collect();
                        spellings.entry(spelled[k].clone()).or_default().push(order);
                    }
                }
                Self::Name { words, punctuation, spellings }
            }
            IdentifierKind::Phone => {
                let digits = digits(folded);
                if digits.len() < FEWEST { Self::Nothing } else { Self::Phone(digits) }
            }
        }
    }
}

impl Needle {
    /// Letters and digits that follow each other, whatever signs stand between, wherever the needle is found: all of one of
    /// these, in bare view. Nothing for a needle that is never found; an empty one where nothing can be told.
    pub(super) fn told(&self) -> Vec<Vec<char>> {
        // A gap may be written as an escape that ends in a letter, so only what stands between gaps counts.
        let piece = |text: &[char]| {
            let pieces = text.split(|c| c.is_whitespace()).map(|p| p.iter().copied().filter(|c| c.is_alphanumeric()));
            pieces.map(Iterator::collect).max_by_key(Vec::len).unwrap_or_default()
        };
        match self {
            Self::Nothing => Vec::new(),
            Self::Id { id, .. } => vec![piece(id)],
            Self::Email { local, domain, other, .. } => match piece(local) {
                local if !local.is_empty() => vec![local],
                _ => std::iter::once(domain).chain(other).map(|d| piece(d)).collect(),
            },
            Self::Name { words, spellings, .. } => {
                let orders = spellings.values().flatten().map(|order| order.iter().map(|(w, _)| w).collect());
                let longest = |words: Vec<&String>| {
                    let words = words.into_iter().map(|w| w.chars().collect::<Vec<char>>());
                    words.max_by_key(Vec::len).unwrap_or_default()
                };
                std::iter::once(words.iter().collect()).chain(orders).map(longest).collect()
            }
            Self::Phone(digits) => vec![digits[digits.len() - FEWEST..].chars().collect()],
        }
    }
}

/// The fewest digits of a number.
const FEWEST: usize = 6;

fn digits(text: &str) -> String {
    let digits: String = text.replace("(0)", "").chars().filter(char::is_ascii_digit).collect();
    digits.trim_start_matches('0').to_owned()
}

/// Everything that is found in one view.
pub(super) fn search(needles: &[Needle], view: &[Placed]) -> Vec<Found> {
    let words = words(view);
    let mut out = Vec::new();
    for (needle, what) in needles.iter().enumerate() {
        let mut add = |from: usize, to: usize, near: bool| {
            let Some(&(_, offset)) = view.get(from) else { return };
            let window = view[from.saturating_sub(24)..view.len().min(to + 24)].iter().map(|(c, _)| *c).collect();
            out.push(Found { needle, offset, near, window });
        };
        match what {
            Needle::Nothing => {}
            Needle::Id { id, account } => ids(id, *account, view, &mut add),
            Needle::Email { local, domain, dotless, other } => {
                emails(local, domain, view, &mut add);
                if let Some(other) = other {
                    emails(local, other, view, &mut add);
                }
                if *dotless {
                    dotless_mailbox(local, view, &mut add);
                }
            }
            Needle::Name { words: name, punctuation, spellings } => {
                names(name, punctuation, view, &words, &mut add);
                spelled(spellings, view, &words, &mut add);
            }
            Needle::Phone(digits) => phones(digits, view, &mut add),
        }
    }
    out
}

fn at(view: &[Placed], i: usize) -> char {
    view.get(i).map_or(' ', |(c, _)| *c)
}

/// The character `n` before `i`.
fn before(view: &[Placed], i: usize, n: usize) -> char {
    i.checked_sub(n).map_or(' ', |i| at(view, i))
}

fn starts(view: &[Placed], i: usize, what: &[char]) -> bool {
    view.len() >= i + what.len() && what.iter().zip(&view[i..]).all(|(a, (b, _))| a == b)
}

fn occurrences<'a>(view: &'a [Placed], what: &'a [char]) -> impl Iterator<Item = usize> + 'a {
    let first = what.first().copied().unwrap_or('\0');
    view.iter().enumerate().filter(move |(_, (c, _))| *c == first).map(|(i, _)| i).filter(|i| starts(view, *i, what))
}

fn ids(id: &[char], account: bool, view: &[Placed], add: &mut impl FnMut(usize, usize, bool)) {
    for i in occurrences(view, id) {
        let end = i + id.len();
        let (a, a2) = (at(view, end), at(view, end + 1));
        let (b, b2) = (before(view, i, 1), before(view, i, 2));
        let word = |c: char| c.is_alphanumeric() || c == '_';
        let near = a.is_alphanumeric()
            || b.is_alphanumeric()
            || (matches!(a, '_' | '-' | '.' | '@' | '+') && word(a2))
            || (account && a == ':' && word(a2))
            || (matches!(b, '_' | '-' | '.' | '@' | '+') && word(b2));
        add(i, end, near);
    }
}

fn emails(local: &[char], domain: &[char], view: &[Placed], add: &mut impl FnMut(usize, usize, bool)) {
    for i in occurrences(view, local) {
        let mut at_sign = i + local.len();
        if at(view, at_sign) == '+' {
            at_sign += 1;
            while at(view, at_sign).is_ascii_alphanumeric() || ".-_+=".contains(at(view, at_sign)) {
                at_sign += 1;
            }
        }
        let Some(end) = sign(view, at_sign).and_then(|i| host(view, i, domain)) else { continue };
        let (a, a2) = (at(view, end), at(view, end + 1));
        let (b, b2) = (before(view, i, 1), before(view, i, 2));
        let near = a.is_alphanumeric()
            || b.is_alphanumeric()
            || (matches!(a, '.' | '-' | '_') && a2.is_alphanumeric())
            || (matches!(b, '.' | '-' | '_' | '+' | '%' | '&' | '#' | '!' | '$') && b2.is_alphanumeric());
        add(i, end, near);
    }
}

/// Over a line break, of which folding left a space, and the marks of a quoted mail.
fn line(view: &[Placed], i: usize) -> usize {
    let mut end = i;
    while end < view.len().min(i + 12) && matches!(at(view, end), ' ' | '>') {
        end += 1;
    }
    if at(view, i) == ' ' { end } else { i }
}

/// Over the `@` of an address, also written out.
fn sign(view: &[Placed], i: usize) -> Option<usize> {
    let i = line(view, i);
    if i < view.len() && at(view, i) == '@' {
        return Some(i + 1);
    }
    let written: String = (i..i + 4).map(|j| at(view, j)).collect();
    matches!(written.as_str(), "(at)" | "[at]" | "{at}" | "<at>").then(|| line(view, i + 4))
}

/// Over the domain of an address.
fn host(view: &[Placed], mut i: usize, domain: &[char]) -> Option<usize> {
    for c in domain {
        i = line(view, i);
        if i < view.len() && at(view, i) == *c {
            i += 1;
            continue;
        }
        let written: String = (i..i + 5).map(|j| at(view, j)).collect();
        if *c != '.' || !matches!(written.as_str(), "(dot)" | "[dot]" | "{dot}") {
            return None;
        }
        i = line(view, i + 5);
    }
    Some(i)
}

/// An address at the provider that ignores dots, under either of its domains.
fn dotless_mailbox(local: &[char], view: &[Placed], add: &mut impl FnMut(usize, usize, bool)) {
    let wanted: String = local.iter().filter(|c| **c != '.').collect();
    for i in (0..view.len()).filter(|i| at(view, *i) == '@') {
        let ends = ["gmail.com", "googlemail.com"].iter().find_map(|d| {
            host(view, i + 1, &d.chars().collect::<Vec<_>>()).filter(|e| !at(view, *e).is_alphanumeric())
        });
        let Some(end) = ends else { continue };
        let mut from = i;
        while from > 0 && i - from < 130 {
            let c = at(view, from - 1);
            if !(c.is_alphanumeric() || ".+-_=".contains(c)) {
                break;
            }
            from -= 1;
        }
        while ".+-_=".contains(at(view, from)) {
            from += 1;
        }
        let run: String = view[from.min(i)..i].iter().map(|(c, _)| *c).collect();
        if run.split('+').next().unwrap_or_default().replace('.', "") == wanted {
            let longer = matches!(at(view, end), '.' | '-' | '_') && at(view, end + 1).is_alphanumeric();
            add(from, end, longer);
        }
    }
}

/// The name in another spelling that is as good as the given one, in one of its orders.
fn spelled(
    spellings: &HashMap<String, Vec<Vec<(String, bool)>>>,
    view: &[Placed],
    words: &[Word],
    add: &mut impl FnMut(usize, usize, bool),
) {
    for (i, first) in words.iter().enumerate() {
        let Some(orders) = spellings.get(&first.text) else { continue };
        for order in orders {
            let mut last = i;
            let whole = order[1..].iter().all(|(wanted, comma)| {
                let mut next = last + 1;
                // "Berg, Dr. Anna"
                while *comma && words.get(next).is_some_and(|w| spell::TITLES.contains(&w.text.as_str())) {
                    next += 1;
                }
                let Some(word) = words.get(next).filter(|w| w.text == *wanted) else { return false };
                let mut gap: String = view[words[last].to..word.from].iter().map(|(c, _)| *c).collect();
                for skipped in &words[last + 1..next] {
                    gap = gap.replacen(&skipped.text, "", 1).replacen('.', "", 1);
                }
                last = next;
                let gap = gap.trim();
                let gap = if *comma { gap.strip_prefix([',', ';']).unwrap_or(gap).trim() } else { gap };
                let quoted = gap.chars().count() < 16 && gap.chars().all(|c| matches!(c, '>' | ' '));
                // A plus sign is a space in the query of an address (application/x-www-form-urlencoded).
                quoted || matches!(gap, "_" | "-" | "+" | "'" | "`" | "\\'" | "·" | "・" | "‧" | "゠" | "\\")
            });
            if whole {
                let (from, to) = (first.from, words[last].to);
                let tied = |c: char, next: char| matches!(c, '-' | '@') && next.is_alphanumeric();
                let part = tied(at(view, to), at(view, to + 1))
                    || tied(before(view, from, 1), before(view, from, 2))
                    || (before(view, from, 1) == '\'' && before(view, from, 2).is_alphanumeric());
                add(from, to, part);
            }
        }
    }
}

/// A word of a view.
struct Word {
    text: String,
    from: usize,
    to: usize,
}

fn words(view: &[Placed]) -> Vec<Word> {
    let mut out: Vec<Word> = Vec::new();
    for (i, (c, _)) in view.iter().enumerate() {
        if !c.is_alphanumeric() {
            continue;
        }
        match out.last_mut() {
            Some(last) if last.to == i => {
                last.text.push(*c);
                last.to = i + 1;
            }
            _ => out.push(Word { text: c.to_string(), from: i, to: i + 1 }),
        }
    }
    out
}

fn names(
    name: &[String],
    punctuation: &[char],
    view: &[Placed],
    words: &[Word],
    add: &mut impl FnMut(usize, usize, bool),
) {
    let mut sorted: Vec<&str> = name.iter().map(String::as_str).collect();
    sorted.sort_unstable();
    let joined: Vec<char> = name.concat().chars().collect();
    for run in words.windows(name.len()) {
        let mut texts: Vec<&str> = run.iter().map(|w| w.text.as_str()).collect();
        texts.sort_unstable();
        let same = texts == sorted;
        // One word longer than it should be: "Bergman" for "Berg".
        let longer = !same
            && name.len() > 1
            && {
                let wrong: Vec<_> = run.iter().zip(name).filter(|(w, n)| w.text != **n).collect();
                matches!(wrong.as_slice(), [(w, n)] if n.len() > 2 && (w.text.starts_with(n.as_str()) || w.text.ends_with(n.as_str())))
            };
        if !same && !longer {
            continue;
        }
        let gaps: Vec<String> =
            run.windows(2).map(|pair| view[pair[0].to..pair[1].from].iter().map(|(c, _)| *c).collect()).collect();
        let apart =
            |g: &String| g.chars().count() > 3 || g.contains(['"', ':', '|', '/', '<', '>', '=', '(', ')', '\u{fffc}']);
        if gaps.iter().any(apart) {
            continue;
        }
        let loose = !in_order(name, punctuation, run, &gaps);
        let (from, to) = (run[0].from, run[run.len() - 1].to);
        let tied = |c: char, next: char| matches!(c, '-' | '@') && next.is_alphanumeric();
        let part = tied(at(view, to), at(view, to + 1))
            || tied(before(view, from, 1), before(view, from, 2))
            || (before(view, from, 1) == '\'' && before(view, from, 2).is_alphanumeric());
        add(from, to, longer || loose || part);
    }
    // Scripts without spaces write the words as one; elsewhere that only comes near.
    let gapless = joined.iter().any(|c| matches!(u32::from(*c), 0xe00..=0xeff | 0x1100..=0x11ff | 0x3040..=0x30ff | 0x3400..=0x9fff | 0xac00..=0xd7a3));
    if name.len() > 1 || gapless {
        for i in occurrences(view, &joined) {
            let end = i + joined.len();
            if gapless {
                add(i, end, false);
            } else if !before(view, i, 1).is_alphanumeric() && !at(view, end).is_alphanumeric() {
                add(i, end, true);
            }
        }
    }
}

/// Whether the words stand in the order of the name, or family name first, with no more between them than that takes.
fn in_order(name: &[String], punctuation: &[char], run: &[Word], gaps: &[String]) -> bool {
    let close = |gap: &String| gap.chars().all(|c| c == ' ' || punctuation.contains(&c));
    (0..name.len()).any(|k| {
        let turned = name[k..].iter().chain(&name[..k]);
        let split = name.len() - k;
        turned.zip(run).all(|(n, w)| *n == w.text)
            && gaps.iter().enumerate().all(|(i, gap)| {
                let comma = k > 0 && i + 1 == split && matches!(gap.trim(), "," | ";");
                comma || close(gap)
            })
    })
}

fn phones(needle: &str, view: &[Placed], add: &mut impl FnMut(usize, usize, bool)) {
    let mut i = 0;
    while i < view.len() {
        let c = at(view, i);
        if !(c.is_ascii_digit() || c == '+' || c == '(') || before(view, i, 1).is_alphanumeric() {
            i += 1;
            continue;
        }
        let mut end = i;
        while at(view, end).is_ascii_digit() || (end < view.len() && " +()-./".contains(at(view, end))) {
            end += 1;
        }
        let run: String = view[i..end].iter().map(|(c, _)| *c).collect();
        let found = digits(&run);
        let (long, short) =
            if found.len() > needle.len() { (found.as_str(), needle) } else { (needle, found.as_str()) };
        if long == short {
            add(i, end, false);
        } else if short.len() >= FEWEST && long.ends_with(short) {
            // National and international form differ by the country's code.
            add(i, end, long.len() - short.len() > 3);
        }
        i = end.max(i + 1);
    }
}

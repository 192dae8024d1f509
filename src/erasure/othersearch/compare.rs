//! Comparison: needles against a folded view, character by character and word by word.

use super::Placed;
use crate::model::IdentifierKind;

/// What is searched for, folded.
pub(super) enum Needle {
    /// Nothing that could be found.
    Nothing,
    Email {
        local: Vec<char>,
        domain: Vec<char>,
    },
    Id(Vec<char>),
    Name {
        words: Vec<String>,
        /// The punctuation of the name itself, which may stand between its words.
        punctuation: Vec<char>,
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
    pub(super) fn new(kind: IdentifierKind, folded: &str) -> Self {
        let chars = |s: &str| s.chars().collect::<Vec<char>>();
        if folded.chars().filter(|c| c.is_alphanumeric()).count() < 2 {
            return Self::Nothing;
        }
        match kind {
            IdentifierKind::AccountId | IdentifierKind::UserKey | IdentifierKind::Username => Self::Id(chars(folded)),
            IdentifierKind::Email => match folded.rsplit_once('@') {
                Some((local, domain)) => {
                    let mailbox = local.split('+').next().filter(|m| !m.is_empty()).unwrap_or(local);
                    Self::Email { local: chars(mailbox), domain: chars(domain) }
                }
                None => Self::Id(chars(folded)),
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
                Self::Name { words, punctuation }
            }
            IdentifierKind::Phone => {
                let digits = digits(folded);
                if digits.len() < 6 { Self::Nothing } else { Self::Phone(digits) }
            }
        }
    }
}

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
            Needle::Id(id) => ids(id, view, &mut add),
            Needle::Email { local, domain } => emails(local, domain, view, &mut add),
            Needle::Name { words: name, punctuation } => names(name, punctuation, view, &words, &mut add),
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

fn ids(id: &[char], view: &[Placed], add: &mut impl FnMut(usize, usize, bool)) {
    for i in occurrences(view, id) {
        let end = i + id.len();
        let (a, a2) = (at(view, end), at(view, end + 1));
        let (b, b2) = (before(view, i, 1), before(view, i, 2));
        let word = |c: char| c.is_alphanumeric() || c == '_';
        let near = a.is_alphanumeric()
            || b.is_alphanumeric()
            || (matches!(a, '_' | '-' | ':' | '.' | '@' | '+') && word(a2))
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
        if at(view, at_sign) != '@' || !starts(view, at_sign + 1, domain) {
            continue;
        }
        let end = at_sign + 1 + domain.len();
        let (a, a2) = (at(view, end), at(view, end + 1));
        let (b, b2) = (before(view, i, 1), before(view, i, 2));
        let near = a.is_alphanumeric()
            || b.is_alphanumeric()
            || (matches!(a, '.' | '-' | '_') && a2.is_alphanumeric())
            || (matches!(b, '.' | '-' | '_' | '+' | '%' | '&' | '#' | '!' | '$') && b2.is_alphanumeric());
        add(i, end, near);
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
    if name.len() > 1 {
        // Scripts without spaces write the words as one; elsewhere that only comes near.
        let gapless = joined.iter().any(|c| matches!(u32::from(*c), 0xe00..=0xeff | 0x1100..=0x11ff | 0x3040..=0x30ff | 0x3400..=0x9fff | 0xac00..=0xd7a3));
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
        } else if short.len() >= 6 && long.ends_with(short) {
            // National and international form differ by the country's code.
            add(i, end, long.len() - short.len() > 3);
        }
        i = end.max(i + 1);
    }
}

//! A name as parts that may stand in several orders, each part in several spellings.
//!
//! "Anna van den Berg" has the units "Anna" and "van den Berg" (and "van den", "Berg", "A" …), and orders of them: given
//! name first, family name first, sorted under "Berg". A text spells the name where it holds one order, each unit in one
//! of its faces, with nothing between but what may stand between words.

use unicode_normalization::char::is_combining_mark;

use super::{Reason, is_long, people, spell};
use crate::{
    model::Strength::{self, Possible, Probable},
    norm,
};

/// A run of letters and digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::subject) struct Token {
    /// With its diacritics.
    pub(in crate::subject) folded: Box<str>,
    /// Without; empty where that is the same.
    bare: Box<str>,
    /// Whether a text may have any diacritics: of a romanisation there is no right one.
    pub(in crate::subject) loose: bool,
}

impl Token {
    fn new(folded: &str, loose: bool) -> Self {
        let bare = norm::bare(folded).into_text();
        let bare = if bare == folded { String::new() } else { bare };
        Self { folded: folded.into(), bare: bare.into(), loose }
    }

    pub(in crate::subject) fn bare(&self) -> &str {
        if self.bare.is_empty() { &self.folded } else { &self.bare }
    }
}

/// One spelling of a unit: tokens with a hyphen, an apostrophe or a space between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::subject) struct Face {
    pub(in crate::subject) tokens: Box<[Token]>,
    pub(in crate::subject) strength: Strength,
    pub(in crate::subject) reason: Reason,
}

impl Face {
    pub(super) fn new(tokens: &[&str], strength: Strength, reason: Reason) -> Self {
        let loose = reason.is_romanised();
        let tokens = tokens.iter().filter(|t| !t.is_empty()).map(|t| Token::new(t, loose)).collect();
        Self { tokens, strength, reason }
    }

    pub(super) fn same(&self, other: &Self) -> bool {
        self.tokens.len() == other.tokens.len()
            && self.tokens.iter().zip(&other.tokens).all(|(a, b)| a.bare() == b.bare())
    }

    /// The token by which the face is found: the longest.
    pub(in crate::subject) fn anchor(&self) -> usize {
        (0..self.tokens.len()).rev().max_by_key(|i| weight(self.tokens[*i].bare())).unwrap_or(0)
    }
}

/// How telling a token is: its letters, those of scripts with many letters twice.
fn weight(token: &str) -> usize {
    token.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum()
}

/// A part of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::subject) struct Unit {
    /// Its spellings, the given one first.
    pub(in crate::subject) faces: Box<[Face]>,
}

/// Units in the order in which a text may hold them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::subject) struct Order {
    /// Indexes in [`Name::units`].
    pub(in crate::subject) units: Box<[u8]>,
    /// The unit (its place here) behind which a comma may stand.
    pub(in crate::subject) comma: Option<u8>,
    /// The unit behind which a middle name that we do not know may stand.
    pub(in crate::subject) middle: Option<u8>,
    /// The unit by which the order is found.
    pub(in crate::subject) anchor: u8,
    pub(in crate::subject) strength: Strength,
    pub(in crate::subject) reason: Reason,
}

impl Order {
    /// Whether the given name is in front, so that another word in front or behind makes another name of it.
    pub(in crate::subject) fn natural(&self) -> bool {
        self.comma.is_none()
    }
}

/// A name that is looked for.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::subject) struct Name {
    pub(in crate::subject) units: Vec<Unit>,
    pub(in crate::subject) orders: Vec<Order>,
    /// All of it as one word: the letters, where its words begin, the strength and the reason.
    pub(in crate::subject) together: Vec<(String, Vec<usize>, Reason)>,
    /// User names that are commonly made of it.
    pub(in crate::subject) logins: Vec<String>,
    /// The given name and the first letter of the family name, without its dot.
    pub(in crate::subject) short: Option<String>,
}

pub(in crate::subject) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || is_combining_mark(c)
}

/// The words of a name, as far as it says which is which.
struct Parts {
    given: Vec<String>,
    particles: Vec<String>,
    base: Vec<String>,
    /// Whether the family name is known to begin where `particles` and `base` say.
    known: bool,
}

fn plain(word: &str) -> String {
    norm::bare(word).text().trim().trim_matches('.').to_owned()
}

/// Without what stands in brackets: "(extern)", "[X]".
fn without_brackets(value: &str) -> String {
    let mut depth = 0_usize;
    let kept: String = value
        .chars()
        .filter(|c| {
            match c {
                '(' | '[' | '{' | '（' => depth += 1,
                ')' | ']' | '}' | '）' => {
                    depth = depth.saturating_sub(1);
                    return false;
                }
                _ => {}
            }
            depth == 0
        })
        .collect();
    if kept.contains(char::is_alphanumeric) { kept } else { value.to_owned() }
}

fn parse(value: &str) -> Option<Parts> {
    let value = without_brackets(value);
    let lists: Vec<Vec<String>> = value
        .split([',', ';', '，', '、'])
        .map(|part| part.split_whitespace().filter(|w| w.contains(char::is_alphanumeric)).map(str::to_owned).collect())
        .filter(|words: &Vec<String>| !words.is_empty())
        .collect();
    let extra = |w: &String| people::is_suffix(&plain(w)) || people::is_title(&plain(w));
    let mut lists: Vec<Vec<String>> =
        lists.iter().enumerate().filter(|(i, l)| *i == 0 || !l.iter().all(extra)).map(|(_, l)| l.clone()).collect();
    // Titles in front and suffixes behind, as long as a name is left.
    let total = |lists: &[Vec<String>]| lists.iter().map(Vec::len).sum::<usize>();
    for i in 0..lists.len() {
        while total(&lists) > 2 && lists[i].len() > 1 && lists[i].first().is_some_and(|w| people::is_title(&plain(w))) {
            lists[i].remove(0);
        }
        while total(&lists) > 2 && lists[i].len() > 1 && lists[i].last().is_some_and(|w| people::is_suffix(&plain(w))) {
            lists[i].pop();
        }
    }
    let particle = |w: &String| people::is_particle(&plain(w));
    let small = |w: &String| w.chars().next().is_some_and(char::is_lowercase);
    let mut lists = lists.into_iter();
    let first = lists.next()?;
    let rest: Vec<String> = lists.flatten().collect();
    if !rest.is_empty() {
        // "Berg, Anna van den" and "van den Berg, Anna".
        let mut given = rest;
        let mut particles = Vec::new();
        while given.len() > 1 && given.last().is_some_and(|w| particle(w) && small(w)) {
            particles.insert(0, given.pop()?);
        }
        let ahead = first.iter().take(first.len() - 1).take_while(|w| particle(w)).count();
        particles.extend(first[..ahead].iter().cloned());
        return Some(Parts { given, particles, base: first[ahead..].to_vec(), known: true });
    }
    let words = first;
    if words.len() < 2 {
        return Some(Parts { given: Vec::new(), particles: Vec::new(), base: words, known: true });
    }
    // "van den Berg Anna".
    let ahead = words.iter().take_while(|w| particle(w) && small(w)).count();
    if ahead > 0 && words.len() > ahead + 1 {
        return Some(Parts {
            particles: words[..ahead].to_vec(),
            base: vec![words[ahead].clone()],
            given: words[ahead + 1..].to_vec(),
            known: true,
        });
    }
    // "BERG Anna Maria".
    let capitals = |w: &String| {
        w.chars().filter(|c| c.is_alphabetic()).count() > 1
            && w.chars().all(|c| !c.is_lowercase())
            && w.contains(char::is_uppercase)
    };
    let loud = words.iter().take_while(|w| capitals(w)).count();
    if loud > 0 && loud < words.len() && !words[loud..].iter().any(capitals) {
        return Some(Parts {
            particles: Vec::new(),
            base: words[..loud].to_vec(),
            given: words[loud..].to_vec(),
            known: true,
        });
    }
    if let Some(from) = (1..words.len() - 1).find(|i| particle(&words[*i])) {
        let base = (from..words.len()).find(|i| !particle(&words[*i])).unwrap_or(words.len() - 1);
        return Some(Parts {
            given: words[..from].to_vec(),
            particles: words[from..base].to_vec(),
            base: words[base..].to_vec(),
            known: true,
        });
    }
    if let [family, given, patronymic] = words.as_slice()
        && is_patronymic(patronymic)
    {
        return Some(Parts {
            given: vec![given.clone(), patronymic.clone()],
            particles: Vec::new(),
            base: vec![family.clone()],
            known: true,
        });
    }
    let last = words.len() - 1;
    Some(Parts { given: words[..last].to_vec(), particles: Vec::new(), base: vec![words[last].clone()], known: false })
}

fn is_patronymic(word: &str) -> bool {
    let bare = plain(word);
    ["ович", "евич", "ьич", "овна", "евна", "ична", "инична", "ovich", "evich", "ovna", "evna", "ichna"]
        .iter()
        .any(|e| bare.ends_with(e) && bare.chars().count() > e.chars().count() + 1)
}

struct Builder {
    units: Vec<Unit>,
    orders: Vec<Order>,
    /// The unit of the family name, by which most orders are found.
    family: Vec<u8>,
}

impl Builder {
    fn unit(&mut self, faces: Vec<Face>) -> u8 {
        self.units.push(Unit { faces: faces.into() });
        u8::try_from(self.units.len() - 1).unwrap_or(u8::MAX)
    }

    fn initial(&mut self, word: &str) -> Option<u8> {
        let folded = norm::fold(word).into_text();
        let letters: Vec<&str> = folded
            .split(|c: char| !is_word(c))
            .filter_map(|t| norm::clusters(t).next())
            .filter(|l| l.chars().all(|c| c.is_lowercase() || is_combining_mark(c)))
            .collect();
        let first = letters.first()?;
        let mut faces = vec![Face::new(&letters, Possible, Reason::Initials)];
        if letters.len() > 1 {
            faces.push(Face::new(&[&letters.concat()], Possible, Reason::Initials));
            faces.push(Face::new(&[first], Possible, Reason::Initials));
        }
        Some(self.unit(faces))
    }

    fn order(&mut self, units: &[&[u8]], comma: Option<usize>, strength: Strength, reason: Reason) {
        let units: Vec<u8> = units.concat();
        if units.is_empty() || units.len() > 12 || self.units.len() > 200 {
            return;
        }
        let telling = |u: &u8| {
            let faces = self.units[usize::from(*u)].faces.iter().filter(|f| f.strength > Possible);
            faces.map(|f| weight(f.tokens[f.anchor()].bare())).min().unwrap_or(0)
        };
        let family = units.iter().position(|u| self.family.contains(u) && telling(u) >= 4);
        let anchor = family.or_else(|| (0..units.len()).rev().max_by_key(|i| telling(&units[*i]))).unwrap_or(0);
        let small = |n: usize| u8::try_from(n).unwrap_or(u8::MAX);
        let new = Order {
            units: units.into(),
            comma: comma.map(|c| small(c - 1)),
            middle: None,
            anchor: small(anchor),
            strength,
            reason,
        };
        match self.orders.iter_mut().find(|o| o.units == new.units) {
            Some(old) => old.comma = old.comma.or(new.comma),
            None => self.orders.push(new),
        }
    }
}

impl Name {
    /// The spellings of a name; `None` if it has no word.
    pub(in crate::subject) fn new(value: &str) -> Option<Self> {
        let parts = parse(value)?;
        let mut b = Builder { units: Vec::new(), orders: Vec::new(), family: Vec::new() };
        let strs = |words: &[String]| words.iter().map(|w| w.as_str().to_owned()).collect::<Vec<_>>();
        let (given_words, base_words, particle_words) = (strs(&parts.given), strs(&parts.base), strs(&parts.particles));
        if given_words.is_empty() && particle_words.is_empty() && base_words.len() == 1 {
            return Self::single(&base_words[0]);
        }
        let slavic = base_words.last().is_some_and(|w| looks_slavic(&plain(w)));
        let given: Vec<u8> = given_words
            .iter()
            .map(|w| {
                let inflects = (slavic || !w.is_ascii()).then_some(true);
                b.unit(spell::faces(&[w], inflects))
            })
            .collect();
        // The family name with its particle is one unit, so that it may be written as one word.
        let mut head: Vec<&str> = particle_words.iter().map(String::as_str).collect();
        head.push(base_words.first()?);
        let alone = base_words.len() == 1;
        let first = b.unit(spell::faces(&head, alone.then_some(false)));
        let mut family = vec![first];
        for (i, word) in base_words.iter().enumerate().skip(1) {
            let last = i + 1 == base_words.len();
            family.push(b.unit(spell::faces(&[word], last.then_some(false))));
        }
        b.family.clone_from(&family);

        b.order(&[&given, &family], None, Probable, Reason::AsGiven);
        if let Some(order) = b.orders.first_mut()
            && given.len() == 1
        {
            order.middle = Some(0);
        }
        b.order(&[&family, &given], Some(family.len()), Probable, Reason::FamilyFirst);
        let mut base = family.clone();
        if !particle_words.is_empty() {
            let words: Vec<&str> = particle_words.iter().map(String::as_str).collect();
            let particles = b.unit(spell::faces(&words, None));
            base[0] = b.unit(spell::faces(&[&base_words[0]], None));
            b.family.extend(&base);
            b.order(&[&base, &given, &[particles]], Some(base.len()), Probable, Reason::ParticleBehind);
            b.order(&[&given, &base], None, Possible, Reason::WithoutParticle);
            b.order(&[&base, &given], Some(base.len()), Possible, Reason::WithoutParticle);
        }
        let all = [given.as_slice(), &family].concat();
        if !parts.known {
            // Where the family name begins nobody knows.
            for k in 1..all.len() {
                b.order(&[&all[k..], &all[..k]], Some(all.len() - k), Probable, Reason::FamilyFirst);
            }
        }
        if given.len() > 1 {
            b.order(&[&given[..1], &family], None, Possible, Reason::WithoutMiddle);
            b.order(&[&family, &given[..1]], Some(family.len()), Possible, Reason::WithoutMiddle);
        }
        Self::halves(&mut b, &given_words, &base_words, &given, &family);
        let initials: Vec<u8> = given_words.iter().map_while(|w| b.initial(w)).collect();
        if let Some(first) = initials.first().copied().filter(|_| initials.len() == given.len()) {
            let mut tails = vec![family.clone(), base.clone()];
            if !parts.known {
                tails.extend((1..given.len()).map(|k| [&given[k..], family.as_slice()].concat()));
            }
            tails.dedup();
            for tail in &tails {
                b.order(&[&[first], tail], None, Possible, Reason::Initials);
                b.order(&[tail, &[first]], Some(tail.len()), Possible, Reason::Initials);
            }
            if initials.len() > 1 {
                let letters: String =
                    initials.iter().map(|i| b.units[usize::from(*i)].faces[0].tokens[0].folded.as_ref()).collect();
                let pair = b.unit(vec![Face::new(&[&letters], Possible, Reason::Initials)]);
                for front in [initials.as_slice(), &[pair]] {
                    b.order(&[front, &family], None, Possible, Reason::Initials);
                    b.order(&[&family, front], Some(family.len()), Possible, Reason::Initials);
                }
                b.order(&[&given[..1], &initials[1..], &family], None, Possible, Reason::MiddleInitial);
                b.order(&[&family, &given[..1], &initials[1..]], Some(family.len()), Possible, Reason::MiddleInitial);
            }
        }
        let together = Self::together(&b);
        let logins = Self::logins(&given_words, &[particle_words.as_slice(), &base_words].concat());
        let short = Self::short(given_words.first(), &base_words[0]);
        Some(Self { units: b.units, orders: b.orders, together, logins, short })
    }

    fn single(word: &str) -> Option<Self> {
        let mut faces = spell::faces(&[word], Some(false));
        if !is_long(&norm::fold(word).into_text()) {
            faces.iter_mut().for_each(|f| f.strength = Possible);
        }
        if faces.is_empty() {
            return None;
        }
        let mut b = Builder { units: Vec::new(), orders: Vec::new(), family: Vec::new() };
        let unit = b.unit(faces);
        b.order(&[&[unit]], None, Probable, Reason::AsGiven);
        Some(Self { units: b.units, orders: b.orders, together: Vec::new(), logins: Vec::new(), short: None })
    }

    /// Halves of double names.
    fn halves(b: &mut Builder, given_words: &[String], base_words: &[String], given: &[u8], family: &[u8]) {
        let parts = |word: &String| -> Vec<String> {
            let parts: Vec<String> = word.split(['-', '‐', '‑', '–']).map(str::to_owned).collect();
            if parts.len() == 2 && parts.iter().all(|p| p.chars().filter(|c| c.is_alphabetic()).count() > 2) {
                parts
            } else {
                Vec::new()
            }
        };
        if let ([word], false) = (base_words, given.is_empty()) {
            for half in parts(word) {
                let half = b.unit(spell::faces(&[&half], None));
                b.family.push(half);
                b.order(&[given, &[half]], None, Possible, Reason::HalfFamily);
                b.order(&[&[half], given], Some(1), Possible, Reason::HalfFamily);
            }
        }
        if let Some(half) = given_words.first().and_then(|w| parts(w).into_iter().next()) {
            let half = b.unit(spell::faces(&[&half], None));
            b.order(&[&[half], family], None, Possible, Reason::HalfGiven);
            b.order(&[family, &[half]], Some(family.len()), Possible, Reason::HalfGiven);
        }
    }

    /// The whole name as one word, as given and in other letters.
    fn together(b: &Builder) -> Vec<(String, Vec<usize>, Reason)> {
        let mut out: Vec<(String, Vec<usize>, Reason)> = Vec::new();
        for order in b.orders.iter().filter(|o| matches!(o.reason, Reason::AsGiven | Reason::FamilyFirst)).take(3) {
            for written in [false, true] {
                let mut text = String::new();
                let mut joints = Vec::new();
                for unit in &order.units {
                    let faces = &b.units[usize::from(*unit)].faces;
                    let other = faces.iter().find(|f| written && matches!(f.reason, Reason::Written(..)));
                    let Some(face) = other.or_else(|| faces.first()) else { continue };
                    if !text.is_empty() {
                        joints.push(norm::bare(&text).text().len());
                    }
                    face.tokens.iter().for_each(|t| text.push_str(&t.folded));
                }
                // Where there are no capitals, only scripts without gaps join words.
                let gapless = |c: char| matches!(u32::from(c), 0xe00..=0x10ff | 0x1780..=0x17ff | 0x3040..);
                let joins = text.contains(char::is_lowercase) || text.chars().all(gapless);
                if joins && !joints.is_empty() && !out.iter().any(|(t, ..)| *t == text) {
                    out.push((text, joints, Reason::Together));
                }
            }
        }
        out
    }

    /// `jdoe`, `doej`, `janed`: only looked for where a user name stands.
    fn logins(given: &[String], family: &[String]) -> Vec<String> {
        let letters = |words: &[String]| {
            words
                .iter()
                .map(|w| norm::bare(w).into_text())
                .collect::<String>()
                .replace(|c: char| !c.is_alphanumeric(), "")
        };
        let (first, last) =
            (given.first().map(|g| letters(std::slice::from_ref(g))).unwrap_or_default(), letters(family));
        let (Some(f), Some(l)) = (first.get(..1), last.get(..1)) else { return Vec::new() };
        let mut out = vec![format!("{f}{last}"), format!("{last}{f}"), format!("{first}{l}")];
        out.retain(|login| login.is_ascii() && login.len() >= 4);
        out.dedup();
        out
    }

    /// "Anna B": where there are capitals, and a given name that is more than one itself.
    fn short(given: Option<&String>, family: &str) -> Option<String> {
        let given = norm::fold(given?).into_text();
        let family = norm::fold(family).into_text();
        let letter = norm::clusters(&family).next().filter(|l| l.starts_with(char::is_lowercase))?;
        let words = given.split(|c: char| !is_word(c)).count();
        (words == 1 && given.chars().count() >= 3 && given.starts_with(char::is_lowercase))
            .then(|| format!("{given} {letter}"))
    }

    /// Every spelling as a person would write it.
    pub(super) fn listed(&self, value: &str) -> Vec<(String, Strength, Reason)> {
        let mut out: Vec<(String, Strength, Reason)> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        let mut add = |text: String, strength, reason| {
            let folded = norm::fold(&text).into_text();
            if seen.insert(folded) {
                out.push((text, strength, reason));
            }
        };
        for (i, order) in self.orders.iter().enumerate() {
            let units: Vec<&Unit> = order.units.iter().map(|u| &self.units[usize::from(*u)]).collect();
            if i == 0 {
                add(value.trim().to_owned(), self.shown(order, &units, |_| 0).1, Reason::AsGiven);
            }
            let (text, strength, _) = self.shown(order, &units, |_| 0);
            add(text, strength, if i == 0 { Reason::GivenFirst } else { order.reason });
            // Each other spelling of a unit, the others in theirs by the same rule.
            for unit in &units {
                for face in unit.faces.iter().skip(1) {
                    if face.reason == Reason::Inflected && i > 0 {
                        continue;
                    }
                    let (text, strength, reason) = self.shown(order, &units, |u: &Unit| {
                        let same = |f: &Face| {
                            f.tokens == face.tokens || (f.reason == face.reason && face.reason != Reason::Inflected)
                        };
                        let exact = u.faces.iter().position(|f| f.tokens == face.tokens);
                        exact.or_else(|| u.faces.iter().position(same)).unwrap_or(0)
                    });
                    add(text, strength, reason);
                }
            }
        }
        for (text, joints, reason) in &self.together {
            let mut shown = String::new();
            for (at, c) in text.char_indices() {
                let upper = at == 0 || joints.contains(&norm::bare(&text[..at]).text().len());
                if upper { shown.extend(c.to_uppercase()) } else { shown.push(c) }
            }
            let cased = text.contains(char::is_lowercase);
            add(shown, if cased { Possible } else { Probable }, *reason);
        }
        for login in &self.logins {
            add(format!("~{login}"), Possible, Reason::Login);
        }
        if let Some((given, letter)) = self.short.as_ref().and_then(|s| s.split_once(' ')) {
            let upper = |word: &str| {
                let mut chars = word.chars();
                chars.next().map(char::to_uppercase).into_iter().flatten().chain(chars).collect::<String>()
            };
            add(format!("{} {}.", upper(given), upper(letter)), Possible, Reason::FamilyInitial);
        }
        out
    }

    fn shown(&self, order: &Order, units: &[&Unit], pick: impl Fn(&Unit) -> usize) -> (String, Strength, Reason) {
        let mut text = String::new();
        let mut strength = order.strength;
        let mut reason = order.reason;
        for (i, unit) in units.iter().enumerate() {
            let Some(face) = unit.faces.get(pick(unit)) else { continue };
            strength = strength.min(face.strength);
            if !matches!(face.reason, Reason::AsGiven | Reason::Initials) {
                reason = face.reason;
            }
            if i > 0 {
                text.push_str(if order.comma == u8::try_from(i - 1).ok() { ", " } else { " " });
            }
            for (k, token) in face.tokens.iter().enumerate() {
                if k > 0 {
                    text.push(if people::is_particle(face.tokens[k - 1].bare()) { ' ' } else { '-' });
                }
                if people::is_particle(token.bare()) && face.tokens.len() > 1 {
                    text.push_str(&token.folded);
                } else {
                    let mut chars = token.folded.chars();
                    text.extend(chars.next().into_iter().flat_map(char::to_uppercase));
                    text.push_str(chars.as_str());
                }
                if norm::clusters(&token.folded).count() == 1 && token.folded.chars().all(char::is_lowercase) {
                    text.push('.');
                }
            }
        }
        (text, strength, reason)
    }
}

fn looks_slavic(word: &str) -> bool {
    [
        "ski", "ska", "cki", "cka", "ova", "eva", "owa", "ov", "ev", "icz", "ic", "vich", "ek", "ak", "ik", "ko", "uk",
        "yk", "na", "ka",
    ]
    .iter()
    .any(|e| word.ends_with(e))
}

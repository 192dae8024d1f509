//! Whether the words around the telling part of a name are the rest of it.
//!
//! Works on bare text, where white space is one space and nothing invisible is left, and asks the original only where that
//! lost something: line breaks, capitals, diacritics. Pure.

use super::{
    matcher::TextKind,
    matcher_bounds::{Around, Edge, glued, joins_words},
    matcher_check::stem,
    matcher_needles::spells,
    variants::{
        name::{Face, Name, Order, Token, is_word},
        people,
    },
};
use crate::{
    model::Strength::{self, Possible, Probable},
    norm,
};

/// The longest stretch between two words of a name, in bytes of bare text.
const WIDEST: usize = 48;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Dir {
    Left,
    Right,
}

/// What may stand between two words.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Gap {
    /// Between given and family name.
    Space,
    /// Between family and given name.
    Comma,
    /// Inside a double name, or behind a particle.
    Tight,
}

struct Walk<'a> {
    text: &'a str,
    bare: &'a norm::Normalized,
    plain: &'a str,
    kind: TextKind,
}

/// A name that was found, as bytes of the original text.
pub(super) struct Found {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) strength: Strength,
}

/// The names around their telling part at `at..end` of the bare text, each stretch once. They overlap, and which of them stays is
/// not for this hit to say: of "Anna Berg Berg, Anna" the first two words may be another hit's, which leaves the last two.
pub(super) fn find(
    text: &str,
    bare: &norm::Normalized,
    (at, end): (usize, usize),
    name: &Name,
    unit: u8,
    kind: TextKind,
) -> Vec<Found> {
    let walk = Walk { text, bare, plain: bare.text(), kind };
    let mut all: Vec<Found> = Vec::new();
    let hit = &walk.plain[at..end];
    let faces = name.units.get(usize::from(unit)).map_or(&[][..], |unit| &unit.faces);
    for face in faces {
        let anchor = face.anchor();
        let Some(token) = face.tokens.get(anchor).filter(|t| t.bare() == hit) else { continue };
        let Some(own) = walk.stands(token, at, end) else { continue };
        let Some((from, left)) = walk.tokens(Dir::Left, at, Gap::Tight, &face.tokens[..anchor]) else { continue };
        let Some((to, right)) = walk.tokens(Dir::Right, end, Gap::Tight, &face.tokens[anchor + 1..]) else { continue };
        let mine = own.min(left).min(right).min(face.strength);
        for order in name.orders.iter().filter(|o| o.units.get(usize::from(o.anchor)) == Some(&unit)) {
            let i = usize::from(order.anchor);
            let Some((from, left)) = walk.units(Dir::Left, from, name, order, i) else { continue };
            let Some((to, right)) = walk.units(Dir::Right, to, name, order, i) else { continue };
            let strength = mine.min(left).min(right).min(order.strength);
            let Some(found) = walk.settle(from, to, strength, order) else { continue };
            match all.iter_mut().find(|f| (f.from, f.to) == (found.from, found.to)) {
                Some(same) => same.strength = same.strength.max(found.strength),
                None => all.push(found),
            }
        }
    }
    all
}

impl Walk<'_> {
    /// The hit with its edges judged.
    fn settle(&self, from: usize, to: usize, strength: Strength, order: &Order) -> Option<Found> {
        let span = self.bare.original(from, to);
        // A file's extension ends its name.
        let seen = match self.kind {
            TextKind::FileName => stem(self.text).filter(|s| span.end <= s.len()).unwrap_or(self.text),
            TextKind::Prose => self.text,
        };
        let around = Around::new(seen, span.start, span.end);
        let edge = if self.kind == TextKind::FileName { around.hyphenated() } else { around.name() };
        let strength = match edge {
            Edge::Broken => return None,
            Edge::Soft => Possible,
            Edge::Clean if strength > Possible && order.natural() && around.longer_name() => Possible,
            Edge::Clean if strength > Possible && !order.natural() && around.listed() => Possible,
            Edge::Clean => strength,
        };
        Some(Found { from: span.start, to: span.end, strength })
    }

    /// The other units of an order from the one at `i` on, outwards.
    fn units(&self, dir: Dir, pos: usize, name: &Name, order: &Order, i: usize) -> Option<(usize, Strength)> {
        let next = match dir {
            Dir::Left => i.checked_sub(1),
            Dir::Right => Some(i + 1).filter(|n| *n < order.units.len()),
        };
        let Some(next) = next else { return Some((pos, Probable)) };
        let behind = u8::try_from(i.min(next)).ok();
        let gap = if order.comma == behind { Gap::Comma } else { Gap::Space };
        let unit = name.units.get(usize::from(order.units[next]))?;
        let mut best: Option<(usize, Strength)> = None;
        let mut from = |start: usize, cap: Strength| {
            for face in &unit.faces {
                let cap = cap.min(face.strength);
                if best.is_some_and(|(_, s)| s > cap) {
                    continue;
                }
                let Some((pos, strength)) = self.face(dir, start, gap, face) else { continue };
                let Some((pos, rest)) = self.units(dir, pos, name, order, next) else { continue };
                let found = (pos, strength.min(rest).min(cap));
                let reach = |p: usize| p.abs_diff(start);
                if best.is_none_or(|(p, s)| (found.1, reach(found.0)) > (s, reach(p))) {
                    best = Some(found);
                }
            }
        };
        from(pos, Probable);
        if gap == Gap::Comma {
            // "Berg, Dr. Anna"
            if let Some(start) = self.skip(dir, pos, gap, |word, _| people::is_title(word)) {
                from(start, Probable);
            }
        }
        if order.middle == behind {
            // "Anna M. Berg", "Anna Maria Berg", "Anna van Berg"
            let other = |word: &str, seen: &str| {
                word.chars().all(char::is_alphabetic) && seen.starts_with(char::is_uppercase) && !people::is_title(word)
            };
            if let Some(start) = self.skip(dir, pos, Gap::Space, other) {
                from(start, Possible);
            }
            let mut start = pos;
            for _ in 0..3 {
                let Some(next) = self.skip(dir, start, Gap::Space, |word, _| people::is_particle(word)) else { break };
                start = next;
                from(start, Possible);
            }
        }
        best
    }

    fn face(&self, dir: Dir, pos: usize, gap: Gap, face: &Face) -> Option<(usize, Strength)> {
        self.tokens(dir, pos, gap, &face.tokens)
    }

    /// Tokens one after the other, outwards; `gap` stands before the first of them.
    fn tokens(&self, dir: Dir, mut pos: usize, mut gap: Gap, tokens: &[Token]) -> Option<(usize, Strength)> {
        let mut strength = Probable;
        // Inside a face every gap is tight; the first one is outside when the face is entered from its neighbour.
        for k in 0..tokens.len() {
            let token = match dir {
                Dir::Right => &tokens[k],
                Dir::Left => &tokens[tokens.len() - 1 - k],
            };
            let (start, between) = self.hop(dir, pos, gap)?;
            let len = token.bare().len();
            let (from, to) = match dir {
                Dir::Right => (start, start + len),
                Dir::Left => (start.saturating_sub(len), start),
            };
            let (from, to) = if self.plain.get(from..to) == Some(token.bare()) {
                (from, to)
            } else {
                self.stretched(dir, start, token)?
            };
            strength = strength.min(between).min(self.stands(token, from, to)?);
            pos = if dir == Dir::Right { to } else { from };
            gap = Gap::Tight;
        }
        Some((pos, strength))
    }

    /// The run of letters at `start`, where it is the token with letters drawn out, as Arabic does.
    fn stretched(&self, dir: Dir, start: usize, token: &Token) -> Option<(usize, usize)> {
        if token.bare().is_ascii() {
            return None;
        }
        let end = self.run_end(dir, start);
        let (from, to) = (start.min(end), start.max(end));
        let run = self.plain.get(from..to).filter(|run| run.contains('\u{640}') && run.len() < 100)?;
        (run.replace('\u{640}', "") == token.bare()).then_some((from, to))
    }

    /// Whether a token at `from..to` is a word of its own, and how sure its letters are.
    fn stands(&self, token: &Token, from: usize, to: usize) -> Option<Strength> {
        let (first, last) = (self.plain[from..to].chars().next(), self.plain[from..to].chars().next_back());
        if glued(last, self.plain[to..].chars(), true) == Edge::Broken
            || glued(first, self.plain[..from].chars().rev(), false) == Edge::Broken
        {
            return None;
        }
        let span = self.bare.original(from, to);
        let seen = &self.text[span];
        // The text has a diacritic that the name has not: perhaps the same person, perhaps not.
        let spelled = || spells(&token.folded, &norm::fold(seen).text().replace('\u{640}', ""));
        let same = token.loose || seen.is_ascii() || spelled();
        Some(if same { Probable } else { Possible })
    }

    /// Over a word that is no part of the name, with white space around it.
    fn skip(&self, dir: Dir, pos: usize, gap: Gap, word: impl Fn(&str, &str) -> bool) -> Option<usize> {
        // The comma stands on the side of the family name.
        let gap = if dir == Dir::Right { gap } else { Gap::Space };
        let edge = self.gap_end(dir, pos);
        let (lo, hi) = (edge.min(pos), edge.max(pos));
        let between = self.plain.get(lo..hi)?.trim();
        let fits = match gap {
            Gap::Comma => matches!(between, "," | ";"),
            _ => between.is_empty() || (dir == Dir::Left && between == "."),
        };
        if !fits || lo == hi {
            return None;
        }
        let end = self.run_end(dir, edge);
        let (from, to) = (end.min(edge), end.max(edge));
        let found = self.plain.get(from..to).filter(|w| !w.is_empty() && w.len() < 40)?;
        word(found, &self.text[self.bare.original(from, to)]).then_some(end)
    }

    /// Over what stands between two words, and how sure the two belong together.
    fn hop(&self, dir: Dir, pos: usize, gap: Gap) -> Option<(usize, Strength)> {
        let end = self.gap_end(dir, pos);
        let (from, to) = (pos.min(end), pos.max(end));
        let strength = if from == to { self.touching(pos)? } else { self.between(from, to, gap)? };
        Some((end, strength))
    }

    fn gap_end(&self, dir: Dir, pos: usize) -> usize {
        match dir {
            Dir::Right => self.plain[pos..].find(is_word).map_or(self.plain.len(), |i| pos + i),
            Dir::Left => {
                let before = self.plain[..pos].char_indices().rev().find(|(_, c)| is_word(*c));
                before.map_or(0, |(i, c)| i + c.len_utf8())
            }
        }
    }

    fn run_end(&self, dir: Dir, pos: usize) -> usize {
        match dir {
            Dir::Right => self.plain[pos..].find(|c| !is_word(c)).map_or(self.plain.len(), |i| pos + i),
            Dir::Left => {
                let before = self.plain[..pos].char_indices().rev().find(|(_, c)| !is_word(*c));
                before.map_or(0, |(i, c)| i + c.len_utf8())
            }
        }
    }

    /// Two words without anything between.
    fn touching(&self, pos: usize) -> Option<Strength> {
        let left = self.plain[..pos].chars().next_back()?;
        let right = self.plain[pos..].chars().next()?;
        if joins_words(left) && joins_words(right) {
            return Some(Probable);
        }
        // A zero-width character stands for the space.
        let left = self.bare.original(pos - left.len_utf8(), pos);
        let right = self.bare.original(pos, pos + right.len_utf8());
        (left.end < right.start).then_some(Probable)
    }

    fn between(&self, from: usize, to: usize, gap: Gap) -> Option<Strength> {
        if to - from > WIDEST {
            return None;
        }
        let inner = &self.plain[from..to];
        let mut kept = inner.trim();
        // The dot of an initial or a title.
        let before = &self.plain[self.run_end(Dir::Left, from)..from];
        if kept.starts_with('.') && (before.chars().count() == 1 || people::is_title(before)) {
            kept = kept[1..].trim_start();
        }
        if kept.is_empty() && inner == " " && self.single_space(from, to) {
            return Some(Probable);
        }
        let original = &self.text[self.bare.original(from, to)];
        let lines = original.matches('\n').count();
        let comma = kept.strip_prefix([',', ';', '，', '、']).map(str::trim_start);
        let rest = comma.unwrap_or(kept);
        let quoted = lines > 0 && !rest.is_empty() && rest.chars().all(|c| matches!(c, '>' | ' '));
        if rest.is_empty() || quoted {
            let close = comma.is_none() || gap == Gap::Comma;
            // An empty line ends a sentence as often as not.
            let far = lines > 1 && !quoted;
            return Some(if close && !far { Probable } else { Possible });
        }
        if lines > 0 && matches!(rest, "*" | "#" | "//" | "|" | "--" | "+" | "!") {
            return Some(Possible);
        }
        let bound = inner == kept;
        match kept {
            "_" => Some(Probable),
            "-" | "–" | "'" | "`" | "\\'" | "''" | "ʼ" | "ʹ" if gap == Gap::Tight => Some(Probable),
            "-" | "." if bound && self.kind == TextKind::FileName => Some(Probable),
            "-" | "." | "+" if bound => Some(Possible),
            "・" | "·" | "‧" | "゠" => Some(Probable),
            "\\" if inner.ends_with(' ') => Some(Probable),
            "=" | "|" | "\",\"" | "\";\"" | "','" | "\", \"" | "\"|\"" | "\"" if gap != Gap::Tight => Some(Possible),
            _ => None,
        }
    }

    fn single_space(&self, from: usize, to: usize) -> bool {
        self.text.get(self.bare.original(from, to)) == Some(" ")
    }
}

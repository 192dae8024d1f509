//! From the words of a text to the needles that may stand there. Ten thousand people have millions of spellings; here they
//! have a few words each, and their spellings are made again when one of these is met.
//!
//! Owns which word stands for which identifiers. Must not judge a hit; that is `matcher_check`'s.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, MatchKind};

use super::{
    matcher_needles::{Form, Needle, needles},
    prefilter::{
        anchors::{Anchors, words_at},
        ascii_words,
    },
};
use crate::{model::IdentifierKind, norm};

/// The most needles that are kept made.
const KEPT: usize = 20_000;

/// An identifier, by its place in the subject list.
pub(super) struct Sought {
    pub(super) subject: usize,
    pub(super) identifier: usize,
    kind: IdentifierKind,
    value: Box<str>,
}

/// Who has a word among their anchors, and which letters may stand next to it then.
#[derive(Clone, Copy)]
struct Bearer {
    sought: u32,
    /// The nearest letter before the word in those spellings in which some stand before it, a bit each.
    before: u64,
    /// The nearest letter behind it in the other spellings; all bits where nothing stands behind either.
    behind: u64,
}

/// The needles of an identifier by the anchors in them, with the anchor's place in the needle.
struct Spelled {
    needles: Vec<Needle>,
    by_anchor: HashMap<u32, Vec<(u32, u32)>>,
}

/// Finds needles by their anchors.
pub(super) struct Index {
    sought: Vec<Sought>,
    anchors: Arc<Anchors>,
    /// Over bare text, for the anchors that are not ASCII.
    foreign: Option<AhoCorasick>,
    /// Where each anchor's bearers begin; one more entry for the end.
    starts: Vec<u32>,
    bearers: Vec<Bearer>,
    made: RwLock<(HashMap<u32, Arc<Spelled>>, usize)>,
}

/// See [`IndexBuilder::spell`].
#[derive(Default)]
pub(super) struct Spellings {
    /// How many needles there are.
    pub(super) needles: usize,
    /// Some spelling has no anchor.
    unanchored: bool,
    anchors: Vec<Anchor>,
}

/// A word that stands for some spellings of an identifier.
struct Anchor {
    word: Box<str>,
    /// As in [`Bearer`].
    before: u64,
    behind: u64,
    /// Whether it stands for nothing but a given name with an initial behind it.
    short: bool,
}

/// Gathers what an [`Index`] is made of.
#[derive(Default)]
pub(super) struct IndexBuilder {
    sought: Vec<Sought>,
    numbers: HashMap<Box<str>, u32>,
    /// By number: see [`Anchor::short`].
    short: Vec<bool>,
    bearers: Vec<(u32, Bearer)>,
    /// By word of an identifier as it is written: how many have it.
    common: HashMap<Box<str>, u32>,
    /// Something is compared that has neither letter nor digit: nothing can be ruled out.
    pub(super) unanchored: bool,
}

impl IndexBuilder {
    /// Counts an identifier's words, so that rare ones are chosen. To be called for all before the first is added.
    pub(super) fn count(&mut self, value: &str) {
        let bare = norm::bare(value);
        let mut words: Vec<&str> = words_at(bare.text()).map(|(_, w)| w).collect();
        words.sort_unstable();
        words.dedup();
        for word in words {
            match self.common.get_mut(word) {
                Some(n) => *n += 1,
                None => drop(self.common.insert(word.into(), 1)),
            }
        }
    }

    /// What an identifier brings along: its needles, and other spellings in bare form that the prefilter has to let through.
    /// The slow part of adding it, which needs nothing of the others but their count.
    pub(super) fn spell(&self, kind: IdentifierKind, value: &str, keys: &[String]) -> Spellings {
        let needles = needles(kind, value);
        let spellings: Vec<&str> =
            needles.iter().map(|n| n.bare.as_str()).chain(keys.iter().map(String::as_str)).collect();
        let chosen = super::prefilter::anchors::choose(&spellings, &|word| self.common.get(word).copied().unwrap_or(0));
        let mut out = Spellings { needles: needles.len(), ..Spellings::default() };
        for (n, anchor) in chosen.iter().enumerate() {
            let Some(anchor) = anchor else {
                out.unanchored = true;
                continue;
            };
            // They are few.
            let known = match out.anchors.iter().position(|known| *known.word == **anchor) {
                Some(known) => known,
                None => {
                    out.anchors.push(Anchor { word: (*anchor).into(), before: 0, behind: 0, short: true });
                    out.anchors.len() - 1
                }
            };
            let Anchor { before, behind, short, .. } = &mut out.anchors[known];
            *short &= needles.get(n).is_some_and(|needle| matches!(needle.form, Form::Short));
            // A key is only let through.
            let Some(needle) = needles.get(n) else { continue };
            for (at, _) in words_at(&needle.bare).filter(|(_, w)| w == anchor) {
                match (letter_before(&needle.bare, at), letter_behind(&needle.bare, at + anchor.len())) {
                    (Some(letter), _) => *before |= letter,
                    (None, Some(letter)) => *behind |= letter,
                    (None, None) => *behind = u64::MAX,
                }
            }
        }
        out
    }

    /// Adds an identifier with what it brings along.
    pub(super) fn add(
        &mut self,
        subject: usize,
        identifier: usize,
        kind: IdentifierKind,
        value: &str,
        spellings: Spellings,
    ) {
        self.unanchored |= spellings.unanchored;
        let sought = u32::try_from(self.sought.len()).unwrap_or(u32::MAX);
        for Anchor { word, before, behind, short } in spellings.anchors {
            let next = u32::try_from(self.numbers.len()).unwrap_or(u32::MAX);
            let number = *self.numbers.entry(word).or_insert(next);
            match self.short.get_mut(number as usize) {
                Some(all) => *all &= short,
                None => self.short.push(short),
            }
            self.bearers.push((number, Bearer { sought, before, behind }));
        }
        self.sought.push(Sought { subject, identifier, kind, value: value.into() });
    }

    /// The finished index, and the anchors for a prefilter.
    pub(super) fn finish(self) -> Result<(Index, Arc<Anchors>), aho_corasick::BuildError> {
        let mut words: Vec<(Box<str>, u32)> = self.numbers.into_iter().collect();
        // ASCII first, in a fixed order.
        words.sort_unstable_by(|a, b| (!a.0.is_ascii(), &a.0).cmp(&(!b.0.is_ascii(), &b.0)));
        let mut renumbered = vec![0; words.len()];
        for (new, (_, old)) in words.iter().enumerate() {
            renumbered[*old as usize] = new;
        }
        let mut bearers = self.bearers;
        bearers.sort_unstable_by_key(|(number, b)| (renumbered[*number as usize], b.sought));
        let mut starts = vec![0; words.len() + 1];
        for (number, _) in &bearers {
            starts[renumbered[*number as usize] + 1] += 1;
        }
        for n in 1..starts.len() {
            starts[n] += starts[n - 1];
        }
        let short = words.iter().map(|(_, old)| self.short[*old as usize]).collect();
        let anchors = Arc::new(Anchors::new(words.iter().map(|(word, _)| &**word), short));
        let foreign = if anchors.foreign().is_empty() {
            None
        } else {
            Some(
                AhoCorasickBuilder::new()
                    .match_kind(MatchKind::Standard)
                    .build(anchors.foreign().iter().map(|w| w.as_bytes()))?,
            )
        };
        let index = Index {
            sought: self.sought,
            anchors: Arc::clone(&anchors),
            foreign,
            starts,
            bearers: bearers.into_iter().map(|(_, b)| b).collect(),
            made: RwLock::default(),
        };
        Ok((index, anchors))
    }
}

impl Index {
    /// Calls `found` for every needle that stands in `bare`, the bare form of `text`, with where it does.
    pub(super) fn find(
        &self,
        text: &str,
        bare: &norm::Normalized,
        mut found: impl FnMut(&Sought, &Needle, usize, usize),
    ) {
        ascii_words(text, bare, |from, to| {
            if let Some(anchor) = self.anchors.words().get(&bare.text().as_bytes()[from..to]) {
                self.at(anchor, bare.text(), from, to, &mut found);
            }
            false
        });
        if let Some(foreign) = &self.foreign {
            for hit in foreign.find_overlapping_iter(bare.text()) {
                let anchor = self.anchors.words().len() + hit.pattern().as_usize();
                self.at(anchor, bare.text(), hit.start(), hit.end(), &mut found);
            }
        }
    }

    fn at(
        &self,
        anchor: usize,
        text: &str,
        from: usize,
        to: usize,
        found: &mut impl FnMut(&Sought, &Needle, usize, usize),
    ) {
        let before = letter_before(text, from).unwrap_or(0);
        let behind = letter_behind(text, to).unwrap_or(0);
        let bearers = &self.bearers[self.starts[anchor] as usize..self.starts[anchor + 1] as usize];
        for bearer in bearers {
            let may = bearer.behind == u64::MAX || bearer.before & before != 0 || bearer.behind & behind != 0;
            if !may {
                continue;
            }
            let sought = &self.sought[bearer.sought as usize];
            let spelled = self.spelled(bearer.sought, sought);
            let Some(places) = spelled.by_anchor.get(&u32::try_from(anchor).unwrap_or(u32::MAX)) else { continue };
            for &(needle, offset) in places {
                let needle = &spelled.needles[needle as usize];
                let Some(at) = from.checked_sub(offset as usize) else { continue };
                let end = at + needle.bare.len();
                if text.get(at..end) == Some(&needle.bare) {
                    found(sought, needle, at, end);
                }
            }
        }
    }

    /// The needles of an identifier, made again if need be.
    fn spelled(&self, number: u32, sought: &Sought) -> Arc<Spelled> {
        if let Some(made) = self.made.read().unwrap_or_else(PoisonError::into_inner).0.get(&number) {
            return Arc::clone(made);
        }
        let needles = needles(sought.kind, &sought.value);
        let mut by_anchor: HashMap<u32, Vec<(u32, u32)>> = HashMap::new();
        for (n, needle) in needles.iter().enumerate() {
            for (at, word) in words_at(&needle.bare) {
                let (Some(anchor), Ok(n), Ok(at)) = (self.anchors.number(word), u32::try_from(n), u32::try_from(at))
                else {
                    continue;
                };
                by_anchor.entry(u32::try_from(anchor).unwrap_or(u32::MAX)).or_default().push((n, at));
            }
        }
        let spelled = Arc::new(Spelled { needles, by_anchor });
        let mut made = self.made.write().unwrap_or_else(PoisonError::into_inner);
        if made.1 > KEPT {
            *made = Default::default();
        }
        made.1 += spelled.needles.len();
        made.0.insert(number, Arc::clone(&spelled));
        spelled
    }
}

/// The nearest letter or digit before `at`, as a bit.
fn letter_before(text: &str, at: usize) -> Option<u64> {
    text[..at].chars().rev().find(|c| c.is_alphanumeric()).map(bit)
}

/// The nearest letter or digit at or behind `at`, as a bit.
fn letter_behind(text: &str, at: usize) -> Option<u64> {
    text[at..].chars().find(|c| c.is_alphanumeric()).map(bit)
}

/// The bit of a letter; other letters than ASCII's share some. Never the highest, so that no set of letters is full.
const fn bit(c: char) -> u64 {
    1 << (c as u32 % 63)
}

#[cfg(test)]
#[path = "matcher_index_tests.rs"]
mod tests;

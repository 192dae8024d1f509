//! Which rules can apply to a reference, without asking each.
//!
//! Owns one bit a rule for each word of each vocabulary, and what the globs of fields and places said of texts that were
//! seen before. It only leaves out rules that cannot apply, and keeps their order: what is left is asked in full, so
//! that the index decides nothing. A property holds it against the plain walk.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use aho_corasick::{AhoCorasick, MatchKind};

use super::{EvalContext, Glob, Rule, Set, Word};
use crate::model::{Area, Controller, RecordType, Reference, ReferenceKind, Strength};

/// Most texts of which it is remembered what the globs said.
const REMEMBERED: usize = 20_000;

/// A bit a rule.
type Bits = Vec<u64>;

/// The bits of rules whose globs take a text, by text.
#[derive(Default)]
struct Memo(RwLock<HashMap<Box<str>, Arc<[u64]>>>);

impl Memo {
    fn get(&self, text: &str, of: impl FnOnce() -> Bits) -> Arc<[u64]> {
        if let Some(bits) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(text) {
            return Arc::clone(bits);
        }
        let bits: Arc<[u64]> = of().into();
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() < REMEMBERED {
            known.insert(text.into(), Arc::clone(&bits));
        }
        bits
    }
}

/// The index of a policy's rules.
pub(super) struct Index {
    area: Vec<Bits>,
    record: Vec<Bits>,
    kind: Vec<Bits>,
    strength: Vec<Bits>,
    controller: Vec<Bits>,
    /// Without a controller, a path, a project.
    no_controller: Bits,
    no_path: Bits,
    no_project: Bits,
    /// Rules whose path has no condition, or one that names no letter.
    open_path: Bits,
    /// The longest fixed piece of each path glob, with the rules that wait for it.
    pieces: Option<(AhoCorasick, Vec<Bits>)>,
    fields: Memo,
    projects: Memo,
    places: Vec<Memo>,
}

/// It follows from the rules alone, so that policies differ by these.
impl PartialEq for Index {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Index")
    }
}

impl Index {
    pub(super) fn new(rules: &[Rule]) -> Self {
        fn by_word<T: Word>(rules: &[Rule], set: impl Fn(&Rule) -> Option<Set<T>>) -> Vec<Bits> {
            let mut out = vec![Bits::new(); T::ALL.len()];
            for word in T::ALL {
                out[at(*word)] = bits(rules, |r| set(r).is_none_or(|s| s.contains(*word)));
            }
            out
        }
        let mut open_path = bits(rules, |r| r.condition.path.is_empty());
        let mut pieces: HashMap<&str, Bits> = HashMap::new();
        for (n, rule) in rules.iter().enumerate() {
            for glob in &rule.condition.path {
                match piece(glob) {
                    "" => set(&mut open_path, n),
                    piece => set(pieces.entry(piece).or_insert_with(|| empty(rules.len())), n),
                }
            }
        }
        let (patterns, waiting): (Vec<&str>, Vec<Bits>) = pieces.into_iter().unzip();
        let search = AhoCorasick::builder().match_kind(MatchKind::Standard).build(&patterns);
        let pieces = match search {
            _ if patterns.is_empty() => None,
            Ok(search) => Some((search, waiting)),
            // Too much for a search: every rule is asked.
            Err(_) => {
                open_path = bits(rules, |_| true);
                None
            }
        };
        Self {
            area: by_word(rules, |r| Some(r.condition.area)),
            record: by_word(rules, |r| Some(r.condition.record)),
            kind: by_word(rules, |r| Some(r.condition.kind)),
            strength: by_word(rules, |r| Some(r.condition.strength)),
            controller: by_word(rules, |r| r.condition.controller),
            no_controller: bits(rules, |r| r.condition.controller.is_none()),
            no_path: bits(rules, |r| r.condition.path.is_empty()),
            no_project: bits(rules, |r| r.condition.project.is_empty()),
            open_path,
            pieces,
            fields: Memo::default(),
            projects: Memo::default(),
            places: Area::ALL.iter().map(|_| Memo::default()).collect(),
        }
    }

    /// The rules that can apply, in their order.
    pub(super) fn candidates<'r>(
        &self,
        rules: &'r [Rule],
        r: &Reference,
        ctx: &EvalContext,
    ) -> impl Iterator<Item = &'r Rule> {
        let area = at::<Area>(r.place.area());
        let fields = self.fields.get(&r.field, || bits(rules, |rule| takes(&rule.condition.field, &r.field)));
        let places = self.places[area].get(r.place.spot(), || {
            let place = r.place.to_string();
            bits(rules, |rule| takes(&rule.condition.place, &place))
        });
        let projects = r.project.as_ref().map(|project| {
            let key = project.as_str();
            self.projects.get(key, || bits(rules, |rule| takes(&rule.condition.project, key)))
        });
        let controller = ctx.controller.map_or(&self.no_controller, |c| &self.controller[at::<Controller>(c)]);
        let project = projects.as_deref().unwrap_or(&self.no_project);
        let mut left: Bits = (0..fields.len())
            .map(|i| {
                self.area[area][i]
                    & self.record[at::<RecordType>(r.record.record_type)][i]
                    & self.kind[at::<ReferenceKind>(r.kind)][i]
                    & self.strength[at::<Strength>(r.strength)][i]
                    & controller[i]
                    & project[i]
                    & fields[i]
                    & places[i]
            })
            .collect();
        match r.record.path.as_deref() {
            None => left.iter_mut().zip(&self.no_path).for_each(|(l, p)| *l &= p),
            Some(path) => {
                let mut paths = self.open_path.clone();
                if let Some((search, waiting)) = &self.pieces {
                    for found in search.find_overlapping_iter(path) {
                        paths.iter_mut().zip(&waiting[found.pattern().as_usize()]).for_each(|(p, w)| *p |= w);
                    }
                }
                left.iter_mut().zip(&paths).for_each(|(l, p)| *l &= p);
            }
        }
        left.into_iter().enumerate().flat_map(move |(word, bits)| {
            std::iter::successors(Some(bits), |b| Some(b & b.wrapping_sub(1)))
                .take_while(|b| *b != 0)
                .map(move |b| &rules[word * 64 + b.trailing_zeros() as usize])
        })
    }
}

/// A word's place in its vocabulary.
fn at<T: Word>(word: T) -> usize {
    word.bit().trailing_zeros() as usize
}

fn empty(rules: usize) -> Bits {
    vec![0; rules.div_ceil(64)]
}

fn set(bits: &mut Bits, n: usize) {
    bits[n / 64] |= 1 << (n % 64);
}

fn bits(rules: &[Rule], holds: impl Fn(&Rule) -> bool) -> Bits {
    let mut out = empty(rules.len());
    rules.iter().enumerate().filter(|(_, r)| holds(r)).for_each(|(n, _)| set(&mut out, n));
    out
}

fn takes(globs: &[Glob], text: &str) -> bool {
    globs.is_empty() || globs.iter().any(|g| g.matches(text))
}

/// The longest piece of a glob that stands in every text it matches. The `/` behind `**` may be left out, so it is none.
fn piece(glob: &Glob) -> &str {
    let pieces = glob.as_str().split(['*', '?']);
    pieces.map(|p| p.trim_start_matches('/')).max_by_key(|p| p.len()).unwrap_or_default()
}

#[cfg(test)]
#[path = "index_tests.rs"]
mod tests;

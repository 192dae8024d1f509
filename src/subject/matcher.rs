//! The matcher: many subjects in one pass over a text, and exact questions for structured fields.

use std::{collections::HashMap, sync::OnceLock};

use super::{
    matcher_check::{check, longest, weigh},
    matcher_index::{Index, IndexBuilder, Spellings},
    matcher_phone::{self, Phone},
    prefilter::{Look, Prefilter},
    sieve::Sieve,
    variants,
};
use crate::{
    model::{Identifier, IdentifierKind, InstanceName, ReferenceKind, Strength, Subject},
    norm,
};

/// Why a matcher could not be built.
#[derive(Debug, thiserror::Error)]
pub enum MatcherError {
    /// Too many or too long identifiers for one automaton.
    #[error("the identifiers are too many for one matcher: {0}")]
    TooLarge(#[from] aho_corasick::BuildError),
}

/// Whose identifiers apply where the text stands.
#[derive(Debug, Clone, Copy)]
pub enum Scope<'a> {
    /// Every instance's: a place that belongs to none, such as a foreign folder.
    Any,
    /// Those of these instances, and those that belong to no instance.
    Only(&'a [InstanceName]),
}

impl Scope<'_> {
    fn takes(self, instance: Option<&InstanceName>) -> bool {
        match (self, instance) {
            (Self::Any, _) | (_, None) => true,
            (Self::Only(names), Some(instance)) => names.contains(instance),
        }
    }
}

/// What kind of text is searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TextKind {
    /// Running text.
    #[default]
    Prose,
    /// A file or folder name, where `_`, `-` and `.` stand for spaces.
    FileName,
}

/// A hit in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextMatch {
    /// Index of the subject in the list given to [`Matcher::new`].
    pub subject: usize,
    /// Index in that subject's identifiers.
    pub identifier: usize,
    /// First byte in the original text.
    pub from: usize,
    /// One past the last byte.
    pub to: usize,
    /// How sure.
    pub strength: Strength,
    /// What kind.
    pub kind: ReferenceKind,
}

/// What a structured field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FieldHint {
    /// A Cloud account id.
    AccountId,
    /// A Data Center user key.
    UserKey,
    /// A Data Center user name.
    Username,
    /// An e-mail address.
    Email,
    /// A display name.
    DisplayName,
    /// An id of whatever kind, such as `from` and `to` of a history entry.
    AnyId,
}

/// A hit in a structured field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExactMatch {
    /// Index of the subject.
    pub subject: usize,
    /// Index in that subject's identifiers.
    pub identifier: usize,
    /// What kind.
    pub kind: ReferenceKind,
    /// Whether a person confirmed the identifier; otherwise the hit only points.
    pub confirmed: bool,
}

struct Owner {
    kind: IdentifierKind,
    instance: Option<InstanceName>,
    confirmed: bool,
}

/// Finds all identifiers of all subjects in a text. Cheap to share between threads; holds no state of a search.
pub struct Matcher {
    index: Index,
    phones: Vec<Phone>,
    exact: HashMap<(FieldHint, String), Vec<(usize, usize)>>,
    owners: Vec<Vec<Owner>>,
    unusable: Vec<(usize, usize)>,
    prefilter: Prefilter,
    /// Some spelling has neither letter nor digit.
    unanchored: bool,
    sieve: OnceLock<Option<Sieve>>,
}

impl std::fmt::Debug for Matcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Matcher").field("subjects", &self.owners.len()).finish_non_exhaustive()
    }
}

impl Matcher {
    /// A matcher for all `subjects`.
    ///
    /// # Errors
    /// When the automaton would be too large.
    pub fn new(subjects: &[Subject]) -> Result<Self, MatcherError> {
        let mut index = IndexBuilder::default();
        for identifier in subjects.iter().flat_map(|s| &s.identifiers) {
            index.count(identifier.value.reveal());
        }
        let mut phones = Vec::new();
        let mut exact: HashMap<(FieldHint, String), Vec<(usize, usize)>> = HashMap::new();
        let mut owners: Vec<Vec<Owner>> = Vec::with_capacity(subjects.len());
        let mut unusable = Vec::new();
        let all: Vec<(usize, usize, &Identifier)> = subjects
            .iter()
            .enumerate()
            .flat_map(|(s, subject)| subject.identifiers.iter().enumerate().map(move |(i, id)| (s, i, id)))
            .collect();
        for subject in subjects {
            owners.push(Vec::with_capacity(subject.identifiers.len()));
        }
        for ((s, i, identifier), (form, spellings)) in all.iter().copied().zip(spelled(&index, &all)) {
            let value = identifier.value.reveal();
            let phone = if identifier.kind == IdentifierKind::Phone { Phone::new(s, i, value) } else { None };
            if spellings.needles == 0 && phone.is_none() {
                unusable.push((s, i));
            }
            index.add(s, i, identifier.kind, value, spellings);
            phones.extend(phone);
            if !form.is_empty() {
                for hint in hints(identifier.kind) {
                    exact.entry((*hint, form.clone())).or_default().push((s, i));
                }
            }
            owners[s].push(Owner {
                kind: identifier.kind,
                instance: identifier.instance.clone(),
                confirmed: identifier.confirmed,
            });
        }
        let unanchored = index.unanchored;
        let always = unanchored || !phones.is_empty();
        let (index, anchors) = index.finish()?;
        let prefilter = Prefilter::new(anchors, always)?;
        Ok(Self { index, phones, exact, owners, unusable, prefilter, unanchored, sieve: OnceLock::new() })
    }

    /// Identifiers (subject, identifier) that are too short to be searched in text; structured fields still know them.
    #[must_use]
    pub fn unusable(&self) -> &[(usize, usize)] {
        &self.unusable
    }

    /// Whether bytes of any kind may hold a reference; `false` is certain, and fast. Archives have to be opened first.
    #[must_use]
    pub fn may_match(&self, bytes: &[u8]) -> bool {
        matches!(self.prefilter.look(bytes), Look::May { .. })
    }

    /// As [`Matcher::may_match`], saying what was learnt of the bytes besides.
    #[must_use]
    pub fn look(&self, bytes: &[u8]) -> Look {
        self.prefilter.look(bytes)
    }

    /// As [`Matcher::may_match`], for bytes that were encoded inside a text, and may hold as many encoded texts again.
    pub(crate) fn may_match_within(&self, bytes: &[u8], depth: usize) -> bool {
        self.prefilter.may_match_within(bytes, depth)
    }

    /// What rules out stretches of bytes that are no text, which may be in one of the `sets` of one byte a character (the same in every
    /// call); `None` where nothing can be ruled out.
    pub(crate) fn sieve(&self, sets: impl FnOnce() -> Vec<[char; 128]>) -> Option<&Sieve> {
        let make = || {
            if self.unanchored { None } else { Sieve::new(self.prefilter.anchors(), self.has_phones(), &sets()) }
        };
        self.sieve.get_or_init(make).as_ref()
    }

    /// The same without a sieve: what the sieve is held against.
    #[cfg(test)]
    pub(crate) fn without_sieve(self) -> Self {
        Self { sieve: OnceLock::from(None), ..self }
    }

    /// Whether phone numbers are searched, for which no prefilter holds.
    pub(crate) fn has_phones(&self) -> bool {
        !self.phones.is_empty()
    }

    /// Whether `subject` has an identifier of `kind` in `scope`.
    #[must_use]
    pub fn knows(&self, subject: usize, kind: IdentifierKind, scope: Scope<'_>) -> bool {
        self.owners.get(subject).is_some_and(|o| o.iter().any(|o| o.kind == kind && scope.takes(o.instance.as_ref())))
    }

    /// The kind of an identifier, and the instance that it belongs to.
    #[must_use]
    pub fn identifier(&self, subject: usize, identifier: usize) -> Option<(IdentifierKind, Option<&InstanceName>)> {
        self.owner(subject, identifier).map(|o| (o.kind, o.instance.as_ref()))
    }

    /// All hits in running text, in order; where hits of one subject overlap, the surer and longer stays.
    #[must_use]
    pub fn find(&self, text: &str, scope: Scope<'_>) -> Vec<TextMatch> {
        self.find_in(text, scope, TextKind::Prose)
    }

    /// As [`Matcher::find`], for a text of some kind.
    #[must_use]
    pub fn find_in(&self, text: &str, scope: Scope<'_>, kind: TextKind) -> Vec<TextMatch> {
        let bare = norm::bare(text);
        let mut hits = Vec::new();
        self.index.find(text, &bare, |sought, needle, from, to| {
            let Some(owner) = self.owner(sought.subject, sought.identifier) else { return };
            if !scope.takes(owner.instance.as_ref()) {
                return;
            }
            check(text, &bare, (from, to), needle, owner.kind, kind, |mut found| {
                found.subject = sought.subject;
                found.identifier = sought.identifier;
                if !owner.confirmed {
                    found.strength = Strength::Possible;
                }
                hits.push(found);
            });
        });
        if !self.phones.is_empty() {
            matcher_phone::find(&self.phones, bare.text(), |phone, strength, from, to| {
                let Some(owner) = self.owner(phone.subject, phone.identifier) else { return };
                if scope.takes(owner.instance.as_ref()) {
                    let span = bare.original(from, to);
                    hits.push(TextMatch {
                        subject: phone.subject,
                        identifier: phone.identifier,
                        from: span.start,
                        to: span.end,
                        strength: if owner.confirmed { strength } else { Strength::Possible },
                        kind: ReferenceKind::Phone,
                    });
                }
            });
        }
        weigh(text, &mut hits, |subject| self.knows(subject, IdentifierKind::Email, scope));
        longest(hits)
    }

    /// Who a structured field names.
    #[must_use]
    pub fn exact(&self, hint: FieldHint, value: &str, scope: Scope<'_>) -> Vec<ExactMatch> {
        let mut forms: Vec<String> = match hint {
            FieldHint::AccountId => vec![norm::key_form(IdentifierKind::AccountId, value)],
            FieldHint::UserKey | FieldHint::Username => vec![norm::key_form(IdentifierKind::Username, value)],
            FieldHint::Email => {
                vec![variants::canonical(IdentifierKind::Email, norm::key_form(IdentifierKind::Email, value))]
            }
            FieldHint::DisplayName => vec![norm::key_form(IdentifierKind::FullName, value)],
            FieldHint::AnyId => {
                vec![norm::key_form(IdentifierKind::AccountId, value), norm::key_form(IdentifierKind::Username, value)]
            }
        };
        forms.dedup();
        let mut out: Vec<ExactMatch> = Vec::new();
        for form in forms {
            for &(subject, identifier) in self.exact.get(&(hint, form)).into_iter().flatten() {
                let Some(owner) = self.owner(subject, identifier) else { continue };
                let found =
                    ExactMatch { subject, identifier, kind: owner.kind.reference_kind(), confirmed: owner.confirmed };
                if scope.takes(owner.instance.as_ref()) && !out.contains(&found) {
                    out.push(found);
                }
            }
        }
        out
    }

    fn owner(&self, subject: usize, identifier: usize) -> Option<&Owner> {
        self.owners.get(subject)?.get(identifier)
    }
}

/// Identifiers are spelled by several threads from so many on.
const MANY: usize = 512;

/// The key form and the spellings of each identifier; where there are many, by as many threads as the machine runs.
fn spelled(index: &IndexBuilder, all: &[(usize, usize, &Identifier)]) -> Vec<(String, Spellings)> {
    let spell = |(_, _, identifier): &(usize, usize, &Identifier)| {
        let (kind, value) = (identifier.kind, identifier.value.reveal());
        let form = variants::canonical(kind, norm::key_form(kind, value));
        // Structured fields are compared with the key form, whatever its length.
        let keys: Vec<String> =
            if form.is_empty() || hints(kind).is_empty() { Vec::new() } else { vec![norm::bare(&form).into_text()] };
        let spellings = index.spell(kind, value, &keys);
        (form, spellings)
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    if all.len() < MANY || threads == 1 {
        return all.iter().map(spell).collect();
    }
    std::thread::scope(|scope| {
        let parts: Vec<_> = all
            .chunks(all.len().div_ceil(threads))
            .map(|part| (part, scope.spawn(move || part.iter().map(spell).collect::<Vec<_>>())))
            .collect();
        // A thread that died is made up for here, where whatever it was is told.
        parts.into_iter().flat_map(|(part, t)| t.join().unwrap_or_else(|_| part.iter().map(spell).collect())).collect()
    })
}

/// The fields that an identifier of a kind stands in.
const fn hints(kind: IdentifierKind) -> &'static [FieldHint] {
    match kind {
        IdentifierKind::AccountId => &[FieldHint::AccountId, FieldHint::AnyId],
        IdentifierKind::UserKey => &[FieldHint::UserKey, FieldHint::AnyId],
        IdentifierKind::Username => &[FieldHint::Username, FieldHint::AnyId],
        IdentifierKind::Email => &[FieldHint::Email],
        IdentifierKind::FullName | IdentifierKind::Alias => &[FieldHint::DisplayName],
        IdentifierKind::Phone => &[],
    }
}

#[cfg(test)]
#[path = "matcher_tests.rs"]
pub(super) mod tests;

//! Subjects: the data subject as a set of identifiers, each confirmed or not.

use serde::{Deserialize, Serialize};

use super::{InstanceName, Personal, ReferenceKind, SubjectKey};

/// The kind of an identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IdentifierKind {
    /// A Cloud account id.
    AccountId,
    /// A Data Center user key.
    UserKey,
    /// A Data Center user name.
    Username,
    /// An e-mail address.
    Email,
    /// A full name.
    FullName,
    /// A phone number.
    Phone,
    /// Another name.
    Alias,
}

impl IdentifierKind {
    /// The kind of a reference that this identifier makes (mentions aside).
    #[must_use]
    pub const fn reference_kind(self) -> ReferenceKind {
        match self {
            Self::AccountId => ReferenceKind::AccountId,
            Self::UserKey => ReferenceKind::UserKey,
            Self::Username => ReferenceKind::Username,
            Self::Email => ReferenceKind::Email,
            Self::FullName => ReferenceKind::FullName,
            Self::Phone => ReferenceKind::Phone,
            Self::Alias => ReferenceKind::Alias,
        }
    }

    /// The spelling used in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.reference_kind().as_str()
    }
}

/// One identifier of a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identifier {
    /// Its kind.
    pub kind: IdentifierKind,
    /// Its value.
    pub value: Personal<String>,
    /// The instance that it belongs to; `None` where it holds everywhere (e-mail, full name). In foreign places every
    /// instance's identifiers apply.
    pub instance: Option<InstanceName>,
    /// Whether a person confirmed it: only confirmed identifiers erase, the others only point.
    pub confirmed: bool,
}

impl Identifier {
    /// Whether both say the same of a person: kind, value without regard to case, and instance, where both name one.
    /// Whether it was confirmed does not count.
    #[must_use]
    pub fn says_the_same(&self, other: &Self) -> bool {
        let value = |i: &Self| i.value.reveal().trim().to_lowercase();
        let instances = self.instance.as_ref().zip(other.instance.as_ref());
        self.kind == other.kind && instances.is_none_or(|(a, b)| a == b) && value(self) == value(other)
    }
}

/// Another person with a name of the subject, by what tells the two apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Namesake {
    /// The other person's identifiers: account id, user key, user name, e-mail, and the name that both bear.
    pub identifiers: Vec<Identifier>,
}

/// A data subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The operator's handle.
    pub key: Personal<SubjectKey>,
    /// Keyed pseudonym, for everything that refers to the person outside the sealed case.
    pub pseudonym: String,
    /// The identifiers.
    pub identifiers: Vec<Identifier>,
    /// Other people with the same name. Where there is one, a bare name without an identifier of the subject nearby is only
    /// `possible`.
    pub namesakes: Vec<Namesake>,
    /// What a person said is not the subject's: never searched, and not proposed again.
    pub rejected: Vec<Identifier>,
}

impl Subject {
    /// A subject of whom no namesake is known.
    #[must_use]
    pub const fn new(key: Personal<SubjectKey>, pseudonym: String, identifiers: Vec<Identifier>) -> Self {
        Self { key, pseudonym, identifiers, namesakes: Vec::new(), rejected: Vec::new() }
    }

    /// Adds an identifier, or what is new about one: an unconfirmed one becomes confirmed, never the other way round. What
    /// was rejected or is a namesake's comes in only when it is confirmed. Says whether anything changed.
    pub fn learn(&mut self, new: Identifier) -> bool {
        if let Some(known) = self.identifiers.iter_mut().find(|i| i.says_the_same(&new)) {
            let wider = new.confirmed && new.instance.is_none() && known.instance.is_some();
            let changed = wider || (new.confirmed && !known.confirmed);
            known.confirmed |= new.confirmed;
            known.instance = known.instance.take().filter(|_| !wider);
            return changed;
        }
        if !new.confirmed && self.is_excluded(&new) {
            return false;
        }
        self.rejected.retain(|r| !r.says_the_same(&new));
        // A name is the namesake's as well as the subject's; an id is one person's.
        if !matches!(new.kind, IdentifierKind::FullName | IdentifierKind::Alias) {
            for namesake in &mut self.namesakes {
                namesake.identifiers.retain(|i| !i.says_the_same(&new));
            }
            self.namesakes.retain(|n| n.has_ids());
        }
        self.identifiers.push(new);
        true
    }

    /// Notes that an identifier is not the subject's. Says whether that is new.
    pub fn reject(&mut self, mut other: Identifier) -> bool {
        other.confirmed = false;
        self.identifiers.retain(|i| !i.says_the_same(&other));
        if self.rejected.iter().any(|r| r.says_the_same(&other)) {
            return false;
        }
        self.rejected.push(other);
        true
    }

    /// Notes another person of the same name. Says whether that is new. What is the subject's own by confirmation (the name,
    /// for one) stays the subject's.
    pub fn add_namesake(&mut self, namesake: Namesake) -> bool {
        let shared = |i: &Identifier| namesake.identifiers.iter().any(|n| n.says_the_same(i));
        self.identifiers.retain(|i| i.confirmed || !shared(i));
        let known = self.namesakes.iter_mut().find(|known| known.is_same(&namesake));
        let Some(known) = known else {
            let new = namesake.has_ids();
            self.namesakes.extend(Some(namesake).filter(|_| new));
            return new;
        };
        let before = known.identifiers.len();
        for identifier in namesake.identifiers {
            if !known.identifiers.iter().any(|i| i.says_the_same(&identifier)) {
                known.identifiers.push(identifier);
            }
        }
        known.identifiers.len() > before
    }

    /// Whether a person said that this is not the subject's.
    #[must_use]
    pub fn is_excluded(&self, identifier: &Identifier) -> bool {
        self.rejected.iter().any(|r| r.says_the_same(identifier))
            || self.namesakes.iter().any(|n| n.ids().any(|i| i.says_the_same(identifier)))
    }
}

impl Namesake {
    /// What is the other person's alone: everything but names.
    pub fn ids(&self) -> impl Iterator<Item = &Identifier> {
        self.identifiers.iter().filter(|i| !matches!(i.kind, IdentifierKind::FullName | IdentifierKind::Alias))
    }

    /// Whether anything tells this person from the subject.
    #[must_use]
    pub fn has_ids(&self) -> bool {
        self.ids().next().is_some()
    }

    fn is_same(&self, other: &Self) -> bool {
        self.ids().any(|i| other.ids().any(|o| o.says_the_same(i)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identifier(kind: IdentifierKind, value: &str, confirmed: bool) -> Identifier {
        let instance = matches!(kind, IdentifierKind::Username).then(|| "hq".parse().unwrap());
        Identifier { kind, value: Personal::new(value.into()), instance, confirmed }
    }

    fn anna() -> Subject {
        let name = identifier(IdentifierKind::FullName, "Anna Schmitt", true);
        Subject::new(Personal::new("REQ-1".parse().unwrap()), "p-1".into(), vec![name])
    }

    #[test]
    fn confirming_is_never_taken_back_by_a_proposal() {
        let mut anna = anna();
        assert!(!anna.learn(identifier(IdentifierKind::FullName, "ANNA SCHMITT", false)));
        assert!(anna.identifiers[0].confirmed);
        assert!(anna.learn(identifier(IdentifierKind::Email, "a@hq.example", false)));
        assert!(anna.learn(identifier(IdentifierKind::Email, "A@hq.example", true)));
        assert_eq!(anna.identifiers.len(), 2);
    }

    #[test]
    fn what_is_rejected_comes_back_only_when_a_person_confirms_it() {
        let mut anna = anna();
        anna.learn(identifier(IdentifierKind::Email, "a@hq.example", false));
        assert!(anna.reject(identifier(IdentifierKind::Email, "a@hq.example", true)));
        assert_eq!(anna.identifiers.len(), 1);
        assert!(!anna.learn(identifier(IdentifierKind::Email, "a@hq.example", false)));
        assert!(anna.learn(identifier(IdentifierKind::Email, "a@hq.example", true)));
        assert!(anna.rejected.is_empty());
    }

    #[test]
    fn a_namesake_keeps_its_ids_and_the_subject_the_name() {
        let mut anna = anna();
        anna.learn(identifier(IdentifierKind::Username, "aschmitt2", false));
        let other = Namesake {
            identifiers: vec![
                identifier(IdentifierKind::Username, "aschmitt2", false),
                identifier(IdentifierKind::FullName, "Anna Schmitt", false),
            ],
        };
        assert!(anna.add_namesake(other.clone()));
        assert!(!anna.add_namesake(other), "the same one twice");
        assert_eq!(anna.identifiers.len(), 1, "the unconfirmed user name went to the namesake");
        assert!(!anna.learn(identifier(IdentifierKind::Username, "aschmitt2", false)));
        let name_only = Namesake { identifiers: vec![identifier(IdentifierKind::FullName, "Anna Schmitt", false)] };
        assert!(!anna.add_namesake(name_only), "nothing would tell the two apart");
        assert!(anna.learn(identifier(IdentifierKind::Username, "aschmitt2", true)));
        assert!(anna.namesakes.is_empty(), "it was the subject after all");
    }
}

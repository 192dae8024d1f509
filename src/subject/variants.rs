//! The spellings of a subject's identifiers: what is searched, how sure a hit of each can be at most, and why.
//!
//! Pure. One list serves both sides: `matcher_needles` makes what the engine searches from it, and `subject show`
//! prints it, so that what a person reads is what is searched. Case, Unicode form, white space and dropped diacritics are
//! no spellings of their own: the normaliser takes them away. Must not know how a text is searched.

mod inflect;
pub(super) mod mail;
pub(super) mod name;
pub(super) mod people;
mod romanise;
mod spell;

use crate::model::{IdentifierKind, Personal, Strength, Subject};

/// Why a spelling is one of the identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// As a person gave it.
    AsGiven,
    /// Given name first, without titles.
    GivenFirst,
    /// Family name first.
    FamilyFirst,
    /// The particle of the family name behind the given name.
    ParticleBehind,
    /// The family name without its particle.
    WithoutParticle,
    /// Hyphen, apostrophe or space put in or left out.
    Spacing,
    /// All words written as one.
    Together,
    /// A letter written with others: ö as oe.
    Written(char, &'static str),
    /// Letters that may stand for another: oe for ö.
    Read(&'static str, char),
    /// Romanised as in passports.
    RomanisedIcao,
    /// Romanised by BGN/PCGN.
    RomanisedBgn,
    /// Romanised by ISO.
    RomanisedIso,
    /// Romanised as scholars do.
    RomanisedScholarly,
    /// Romanised as in German.
    RomanisedGerman,
    /// Romanised as newspapers do.
    RomanisedPress,
    /// Another common spelling of an article or prefix.
    Article,
    /// Without middle names or patronymic.
    WithoutMiddle,
    /// Middle names as initials.
    MiddleInitial,
    /// Initials and family name.
    Initials,
    /// Given name and the initial of the family name.
    FamilyInitial,
    /// One half of a double family name.
    HalfFamily,
    /// One half of a double given name.
    HalfGiven,
    /// With an ending that grammar adds.
    Inflected,
    /// A user name made of the name.
    Login,
    /// Any plus tag.
    PlusTag,
    /// The domain in its other form: in its own letters, or as `xn--…`.
    Idn,
    /// Dots that the provider ignores.
    Dots(&'static str),
    /// The mailbox alone.
    Mailbox,
    /// An id without the colon that file names cannot hold.
    Colon,
    /// A phone number in national and international form.
    Digits,
    /// In base64, alone.
    Encoded,
}

impl Reason {
    /// Whether it is a spelling in Latin letters of a name that is in others.
    pub(super) const fn is_romanised(self) -> bool {
        matches!(
            self,
            Self::RomanisedIcao
                | Self::RomanisedBgn
                | Self::RomanisedIso
                | Self::RomanisedScholarly
                | Self::RomanisedGerman
                | Self::RomanisedPress
        )
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::AsGiven => "as given, in any case, with or without its diacritics",
            Self::GivenFirst => "given name first, without titles",
            Self::FamilyFirst => "family name first, with or without a comma",
            Self::ParticleBehind => "sorted under the name, its particle behind",
            Self::WithoutParticle => "without the particle",
            Self::Spacing => "hyphen, apostrophe or space put in or left out",
            Self::Together => "written as one word, in capitals and small letters",
            Self::Written(letter, with) => return write!(f, "{letter} written {with}"),
            Self::Read(written, letter) => return write!(f, "{written} read as {letter}"),
            Self::RomanisedIcao => "romanised as in passports (ICAO 9303)",
            Self::RomanisedBgn => "romanised (BGN/PCGN)",
            Self::RomanisedIso => "romanised (ISO 9)",
            Self::RomanisedScholarly => "romanised as scholars do",
            Self::RomanisedGerman => "romanised as in German",
            Self::RomanisedPress => "romanised as newspapers do",
            Self::Article => "another spelling of the prefix",
            Self::WithoutMiddle => "without the middle name",
            Self::MiddleInitial => "initial of the middle name",
            Self::Initials => "initial and family name",
            Self::FamilyInitial => "given name and the initial of the family name",
            Self::HalfFamily => "one half of the double family name",
            Self::HalfGiven => "one half of the double given name",
            Self::Inflected => "with a grammatical ending",
            Self::Login => "user name form of the name",
            Self::PlusTag => "with any plus tag",
            Self::Idn => "domain in its other form (IDNA)",
            Self::Dots(domain) => return write!(f, "dots that {domain} ignores"),
            Self::Mailbox => "mailbox of the address, without its domain",
            Self::Colon => "its colon as file names write it",
            Self::Digits => "the same digits, national or international",
            Self::Encoded => "in base64 (longer ones are decoded where they stand)",
        })
    }
}

/// One spelling that is searched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variant {
    /// Index of the identifier in its subject.
    pub identifier: usize,
    /// The spelling, as a person would write it.
    pub spelling: Personal<String>,
    /// The best strength that it can reach in running text.
    pub strength: Strength,
    /// Why it is searched.
    pub reason: Reason,
}

/// All spellings that are searched for a subject, by identifier, the surer first.
#[must_use]
pub fn variants(subject: &Subject) -> Vec<Variant> {
    let mut out = Vec::new();
    for (i, identifier) in subject.identifiers.iter().enumerate() {
        let mut mine = of(identifier.kind, identifier.value.reveal());
        mine.sort_by_key(|(_, strength, _)| std::cmp::Reverse(*strength));
        for (spelling, strength, reason) in mine {
            let strength = if identifier.confirmed { strength } else { Strength::Possible };
            out.push(Variant { identifier: i, spelling: Personal::new(spelling), strength, reason });
        }
    }
    out
}

/// A user name, or a single word of a name, so short that it is a word as often as not.
pub(super) fn is_long(value: &str) -> bool {
    value.chars().count() >= 4 || !value.is_ascii()
}

/// An account id as file names write it, which on some systems can hold no colon.
pub(super) fn without_colon(id: &str) -> impl Iterator<Item = String> {
    let signs = if id.contains(':') { &["_", "-"][..] } else { &[] };
    signs.iter().map(move |sign| id.replace(':', sign))
}

/// A short identifier in base64 (RFC 4648), without padding: the whole of what a field or a header holds. What is longer than
/// this is decoded wherever it stands, see [`crate::extract::encoded`].
pub(super) fn in_base64(kind: IdentifierKind, value: &str) -> Vec<String> {
    use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
    let value = value.trim();
    let named = !matches!(kind, IdentifierKind::Phone | IdentifierKind::Alias);
    if !named || !(4..12).contains(&value.len()) || !is_long(value) {
        return Vec::new();
    }
    let mut forms = vec![STANDARD_NO_PAD.encode(value)];
    if kind != IdentifierKind::FullName && value.to_lowercase() != value {
        forms.push(STANDARD_NO_PAD.encode(value.to_lowercase()));
    }
    forms
}

fn of(kind: IdentifierKind, value: &str) -> Vec<(String, Strength, Reason)> {
    let encoded = in_base64(kind, value).into_iter().map(|text| (text, Strength::Probable, Reason::Encoded));
    plain(kind, value).into_iter().chain(encoded).collect()
}

fn plain(kind: IdentifierKind, value: &str) -> Vec<(String, Strength, Reason)> {
    let cap = |sure| if sure { Strength::Probable } else { Strength::Possible };
    match kind {
        IdentifierKind::AccountId => {
            let mut out = vec![(value.trim().to_owned(), Strength::Probable, Reason::AsGiven)];
            out.extend(without_colon(value.trim()).map(|form| (form, Strength::Possible, Reason::Colon)));
            out
        }
        IdentifierKind::Username | IdentifierKind::UserKey => {
            vec![(value.trim().to_owned(), cap(value.trim().chars().count() >= 4), Reason::AsGiven)]
        }
        IdentifierKind::Email => mail::listed(value),
        IdentifierKind::FullName | IdentifierKind::Alias => {
            name::Name::new(value).map_or_else(Vec::new, |name| name.listed(value))
        }
        IdentifierKind::Phone => vec![(value.trim().to_owned(), Strength::Probable, Reason::Digits)],
    }
}

/// The key forms (see [`crate::norm::key_form`]) of an identifier and of its sure spellings: what a keyed hash has to be
/// taken of, so that a spelling other than the given one is known by it too.
#[must_use]
pub fn key_forms(kind: IdentifierKind, value: &str) -> Vec<String> {
    let mut out = vec![crate::norm::key_form(kind, value)];
    match kind {
        IdentifierKind::Email => out.push(canonical(kind, out[0].clone())),
        IdentifierKind::FullName | IdentifierKind::Alias => {
            let spellings = plain(kind, value).into_iter().filter(|(_, strength, _)| *strength > Strength::Possible);
            out.extend(spellings.map(|(spelling, _, _)| crate::norm::key_form(kind, &spelling)));
        }
        _ => {}
    }
    out.retain(|form| !form.is_empty());
    let mut seen = std::collections::BTreeSet::new();
    out.retain(|form| seen.insert(form.clone()));
    out
}

/// As [`mail::canonical`], for a key form of any kind.
#[must_use]
pub(crate) fn canonical(kind: IdentifierKind, key_form: String) -> String {
    if kind == IdentifierKind::Email { mail::canonical(&key_form) } else { key_form }
}

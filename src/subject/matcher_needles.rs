//! What the engine searches for one identifier, made from its list of spellings (`variants`).
//!
//! Each needle is a stretch of bare text that stands in every text which spells it: the engine finds that, and
//! [`super::matcher_check::check`] looks at what stands around. Of a name it is the family name as a rule, and one needle
//! for each of its spellings serves all orders, initials and gaps. A needle of ASCII letters stands in a text as a word or
//! words of its own; one with other letters may stand inside a longer run of letters, since many scripts write no gaps.

use std::sync::Arc;

use super::variants::{
    in_base64, is_long, mail,
    name::{Face, Name},
    without_colon,
};
use crate::{
    model::{IdentifierKind, Strength},
    norm,
};

/// How a hit of a needle is to be checked.
#[derive(Debug, Clone)]
pub(super) enum Form {
    /// An id or user name.
    Id,
    /// A user name that we only guess: looked for where a user name stands.
    Login,
    /// The mailbox of an address; the domain must not follow.
    Mailbox,
    /// The mailbox of an address; a plus tag may follow, and `@` and this domain (bare) must. All of the address where the
    /// domain is empty. `other` is the domain in its other form (IDNA).
    Email { domain: Box<str>, other: Option<Box<str>> },
    /// `@` and the domain of a provider that ignores dots; this mailbox, which has none, must stand before it.
    Dotless { local: Box<str> },
    /// The telling part of a name; the others must stand around it.
    Name { name: Arc<Name>, unit: u8 },
    /// A given name and the first letter of the family name; a dot must follow.
    Short,
    /// A short identifier in base64, so short that no run of it would be decoded: these characters, in this case.
    Encoded { text: Box<str> },
    /// A name in one word; `joints` are the offsets at which its words meet.
    Joined { joints: Box<[usize]> },
}

impl Form {
    fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Name { name: a, unit: i }, Self::Name { name: b, unit: j }) => Arc::ptr_eq(a, b) && i == j,
            (Self::Name { .. }, _) | (_, Self::Name { .. }) => false,
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }
}

/// One thing to search for.
#[derive(Debug, Clone)]
pub(super) struct Needle {
    /// What is searched: the bare form.
    pub(super) bare: String,
    /// The same with its diacritics: a text must have each of them or none.
    folded: Box<str>,
    pub(super) form: Form,
    /// The best strength that this needle can reach.
    pub(super) cap: Strength,
}

impl Needle {
    fn new(spelling: &str, form: Form, cap: Strength) -> Option<Self> {
        let folded = norm::fold(spelling).into_text();
        let folded = folded.trim();
        let bare = norm::bare(folded).into_text();
        // One letter would be found everywhere; one sign of a script that has thousands would not.
        let letters = bare.chars().filter(|c| c.is_alphanumeric()).count();
        let telling = letters >= 2 || (letters == 1 && bare.chars().all(|c| u32::from(c) >= 0x3400));
        telling.then(|| Self { bare, folded: folded.into(), form, cap })
    }

    /// Whether a folded text spells this needle, each letter with its own diacritics or with none.
    pub(super) fn spells(&self, folded: &str) -> bool {
        spells(&self.folded, folded)
    }
}

/// Whether a folded `text` spells `wanted` (folded), each letter with its own diacritics or with none.
pub(super) fn spells(wanted: &str, text: &str) -> bool {
    if wanted == text {
        return true;
    }
    let mut rest = text;
    for with in norm::clusters(wanted) {
        rest = match rest.strip_prefix(with) {
            Some(rest) => rest,
            None => match rest.strip_prefix(norm::bare(with).text()) {
                Some(rest) => rest,
                None => return false,
            },
        };
    }
    rest.is_empty()
}

/// All needles of one identifier.
pub(super) fn needles(kind: IdentifierKind, value: &str) -> Vec<Needle> {
    use Strength::{Possible, Probable};
    let mut out: Vec<Needle> = Vec::new();
    let encoded = in_base64(kind, value);
    let mut add = |spelling: &str, form: Form, cap: Strength| {
        let Some(needle) = Needle::new(spelling, form, cap) else { return };
        match out.iter_mut().find(|n| n.bare == needle.bare && n.form.same(&needle.form)) {
            Some(known) => known.cap = known.cap.max(needle.cap),
            None => out.push(needle),
        }
    };
    match kind {
        IdentifierKind::AccountId => {
            add(value, Form::Id, Probable);
            for form in without_colon(value.trim()) {
                add(&form, Form::Id, Possible);
            }
        }
        IdentifierKind::Username | IdentifierKind::UserKey => {
            // Short user names are words as often as not.
            let long = value.trim().chars().count() >= 4;
            add(value, Form::Id, if long { Probable } else { Possible });
        }
        IdentifierKind::Email => match mail::parts(value) {
            Some((local, domain)) => {
                if local.chars().filter(|c| c.is_alphanumeric()).count() >= 2 {
                    let other = mail::other_domain(&domain).map(|d| norm::bare(&d).into_text().into());
                    let domain = norm::bare(&domain).into_text().into();
                    add(&local, Form::Email { domain, other }, Probable);
                } else {
                    add(&format!("{local}@{domain}"), Form::Email { domain: "".into(), other: None }, Probable);
                }
                if mail::DOTLESS.contains(&domain.as_str()) {
                    let plain = local.replace('.', "");
                    for provider in mail::DOTLESS {
                        add(&format!("@{provider}"), Form::Dotless { local: plain.as_str().into() }, Probable);
                    }
                }
                if mail::telling(&local) {
                    add(&local, Form::Mailbox, Possible);
                } else if mail::is_login(&local) {
                    add(&local, Form::Login, Possible);
                }
            }
            None => add(value, Form::Id, Probable),
        },
        IdentifierKind::FullName | IdentifierKind::Alias => {
            if let Some(name) = Name::new(value) {
                names(&Arc::new(name), &mut add);
            }
        }
        // Phones are matched by their digits, see `matcher_phone`.
        IdentifierKind::Phone => {}
    }
    for text in encoded {
        add(&text, Form::Encoded { text: text.as_str().into() }, Probable);
    }
    out
}

fn names(name: &Arc<Name>, add: &mut impl FnMut(&str, Form, Strength)) {
    for order in &name.orders {
        let Some(&unit) = order.units.get(usize::from(order.anchor)) else { continue };
        let Some(faces) = name.units.get(usize::from(unit)).map(|u| &u.faces) else { continue };
        for face in faces {
            if let Some(token) = face.tokens.get(Face::anchor(face)) {
                let form = Form::Name { name: Arc::clone(name), unit };
                add(&token.folded, form, order.strength.min(face.strength));
            }
        }
    }
    for (text, joints, _) in &name.together {
        add(text, Form::Joined { joints: joints.as_slice().into() }, Strength::Probable);
    }
    if let Some(short) = &name.short {
        add(short, Form::Short, Strength::Possible);
    }
    for login in name.logins.iter().filter(|l| is_long(l)) {
        add(login, Form::Login, Strength::Possible);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_looked_for_by_its_family_name() {
        let all = needles(IdentifierKind::FullName, "Doe, Jane Mary");
        let found: Vec<&str> = all.iter().filter(|n| n.cap == Strength::Probable).map(|n| n.bare.as_str()).collect();
        assert_eq!(found, ["jane", "janemarydoe", "doejanemary"]);
        assert!(all.iter().any(|n| n.bare == "does" && n.cap == Strength::Possible));
        assert!(all.iter().any(|n| n.bare == "jdoe" && matches!(n.form, Form::Login)));
    }

    #[test]
    fn needles_stay_few() {
        for name in [
            "Jane Doe",
            "Anna Maria van den Berg-Müller",
            "Иван Петрович Чайковский",
            "Γιώργος Παπαδόπουλος",
            "Jürgen Großkreutz",
            "Abd al-Rahman al-Masri",
            "田中 太郎",
            "Nguyễn Thị Minh Khai",
        ] {
            let n = needles(IdentifierKind::FullName, name).len();
            assert!((1..=60).contains(&n), "{name}: {n}");
        }
    }

    #[test]
    fn a_spelling_keeps_or_drops_its_own_diacritics_only() {
        for good in ["josé nuñez", "jose nunez", "jose nuñez"] {
            assert!(spells("josé nuñez", good), "{good}");
        }
        for bad in ["josé núñez", "jósé nuñez", "jose nunezz"] {
            assert!(!spells("josé nuñez", bad), "{bad}");
        }
    }

    #[test]
    fn one_letter_is_no_needle() {
        assert!(needles(IdentifierKind::Username, "j").is_empty());
        assert!(needles(IdentifierKind::FullName, " - ").is_empty());
    }
}

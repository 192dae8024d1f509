//! The spellings of one identifier that the matcher looks for, and how sure each is.

use crate::{
    model::{IdentifierKind, Strength},
    norm,
};

/// How a hit of a needle is to be checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Form {
    /// An id or user name.
    Id,
    /// An e-mail address.
    Email,
    /// The mailbox of an e-mail address up to and with the plus; a tag, `@` and this domain (bare) must follow.
    EmailTag { domain: String },
    /// A name, its words apart.
    Name,
    /// A name, its words joined by `joiner`, which may be nothing; `joints` are the offsets in the needle.
    Joined { joiner: &'static str, joints: Vec<usize> },
}

/// One spelling.
#[derive(Debug, Clone)]
pub(super) struct Needle {
    /// What is searched: the bare form.
    pub(super) bare: String,
    /// The units of the spelling with diacritics and without: a text must use one of the two for each.
    pub(super) units: Vec<(String, String)>,
    pub(super) form: Form,
    /// The best strength that this spelling can reach.
    pub(super) cap: Strength,
}

impl Needle {
    fn new(spelling: &str, form: Form, cap: Strength) -> Option<Self> {
        let folded = norm::fold(spelling).into_text();
        let folded = folded.trim();
        let units: Vec<_> = norm::clusters(folded).map(|c| (c.to_owned(), norm::bare(c).into_text())).collect();
        let bare = norm::bare(folded).into_text();
        // One letter would be found everywhere.
        (bare.chars().filter(|c| c.is_alphanumeric()).count() >= 2).then_some(Self { bare, units, form, cap })
    }

    /// Whether a folded text spells this needle, each letter with its own diacritics or with none.
    pub(super) fn spells(&self, folded: &str) -> bool {
        let mut rest = folded;
        for (with, without) in &self.units {
            rest = match rest.strip_prefix(with.as_str()).or_else(|| rest.strip_prefix(without.as_str())) {
                Some(rest) => rest,
                None => return false,
            };
        }
        rest.is_empty()
    }
}

/// Joiners of a name's words in file names, URLs and user-name forms.
const JOINERS: [&str; 5] = ["", "_", ".", "-", "+"];

/// All needles of one identifier.
pub(super) fn needles(kind: IdentifierKind, value: &str) -> Vec<Needle> {
    let mut out = Vec::new();
    let mut add = |spelling: &str, form: Form, cap: Strength| {
        if let Some(needle) = Needle::new(spelling, form, cap)
            && !out.iter().any(|n: &Needle| n.bare == needle.bare && n.form == needle.form)
        {
            out.push(needle);
        }
    };
    match kind {
        IdentifierKind::AccountId => add(value, Form::Id, Strength::Probable),
        IdentifierKind::Username | IdentifierKind::UserKey => {
            // Short user names are words as often as not.
            let long = value.trim().chars().count() >= 4;
            add(value, Form::Id, if long { Strength::Probable } else { Strength::Possible });
        }
        IdentifierKind::Email => {
            let mailbox = norm::key_form(kind, value);
            add(&mailbox, Form::Email, Strength::Probable);
            if let Some((local, domain)) = mailbox.rsplit_once('@') {
                let domain = norm::bare(domain).into_text();
                add(&format!("{local}+"), Form::EmailTag { domain }, Strength::Probable);
            } else {
                add(value, Form::Id, Strength::Probable);
            }
        }
        IdentifierKind::FullName | IdentifierKind::Alias => names(value, &mut add),
        // Phones are matched by their digits, see `matcher_phone`.
        IdentifierKind::Phone => {}
    }
    out
}

fn names(value: &str, add: &mut impl FnMut(&str, Form, Strength)) {
    let words = words(value);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let [first, .., last] = words.as_slice() else {
        if let [word] = words.as_slice() {
            let long = word.chars().count() >= 4 || !word.is_ascii();
            add(word, Form::Name, if long { Strength::Probable } else { Strength::Possible });
        }
        return;
    };
    let whole = words.join(" ");
    add(&whole, Form::Name, Strength::Probable);
    if whole.contains('-') {
        add(&whole.replace('-', " "), Form::Name, Strength::Probable);
    }
    for k in 1..words.len() {
        let (given, family) = (words[..k].join(" "), words[k..].join(" "));
        for comma in [", ", ",", " ", " , ", "; "] {
            add(&format!("{family}{comma}{given}"), Form::Name, Strength::Probable);
        }
    }
    for order in [words.clone(), [&[*last], &words[..words.len() - 1]].concat()] {
        for joiner in JOINERS {
            let spelling = order.join(joiner);
            let mut joints = Vec::new();
            let mut at = 0;
            for word in &order[..order.len() - 1] {
                at += norm::bare(word).text().len();
                joints.push(at);
                at += joiner.len();
            }
            add(&spelling, Form::Joined { joiner, joints }, Strength::Probable);
        }
    }
    // Parts of the name: they only point.
    if words.len() > 2 {
        add(&format!("{first} {last}"), Form::Name, Strength::Possible);
        add(&format!("{last}, {first}"), Form::Name, Strength::Possible);
    }
    // "J. van der Berg" as well as "J. Berg": where the family name begins nobody knows.
    let tails = (1..words.len()).map(|k| words[k..].join(" "));
    for last in tails.filter(|t| t.chars().count() >= 2) {
        let Some(initial) = norm::clusters(first).next() else { break };
        for short in [format!("{initial}. {last}"), format!("{initial}.{last}"), format!("{last}, {initial}.")] {
            add(&short, Form::Name, Strength::Possible);
        }
    }
}

/// The words of a name in the order given name, family name; "Doe, Jane" is turned round.
fn words(value: &str) -> Vec<String> {
    let folded = norm::fold(value).into_text();
    let (family, given) = match folded.split_once(',') {
        Some((family, given)) if !family.trim().is_empty() && !given.trim().is_empty() => (family, given),
        _ => (folded.as_str(), ""),
    };
    given.split_whitespace().chain(family.split_whitespace()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_its_orders_and_its_parts() {
        let all = needles(IdentifierKind::FullName, "Doe, Jane Mary");
        let has = |s: &str, cap| all.iter().any(|n| n.bare == s && n.cap == cap);
        assert!(has("jane mary doe", Strength::Probable));
        assert!(has("doe, jane mary", Strength::Probable));
        assert!(has("doe jane mary", Strength::Probable));
        assert!(has("jane doe", Strength::Possible));
        assert!(has("j. doe", Strength::Possible));
        assert!(!has("doe", Strength::Possible));
    }

    #[test]
    fn a_spelling_keeps_or_drops_its_own_diacritics_only() {
        let all = needles(IdentifierKind::FullName, "José Nuñez");
        let needle = &all[0];
        for good in ["josé nuñez", "jose nunez", "jose nuñez"] {
            assert!(needle.spells(good), "{good}");
        }
        for bad in ["josé núñez", "jósé nuñez", "jose nunezz"] {
            assert!(!needle.spells(bad), "{bad}");
        }
    }

    #[test]
    fn one_letter_is_no_needle() {
        assert!(needles(IdentifierKind::Username, "j").is_empty());
        assert!(needles(IdentifierKind::FullName, " - ").is_empty());
    }
}

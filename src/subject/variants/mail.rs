//! The spellings of an e-mail address.

use super::Reason;
use crate::{
    model::{IdentifierKind, Strength},
    norm,
};

/// Domains of the one provider that ignores dots in a mailbox; they are one domain under two names.
pub(in crate::subject) const DOTLESS: [&str; 2] = ["gmail.com", "googlemail.com"];

/// The mailbox (without its plus tag) and the domain of an address, folded.
pub(in crate::subject) fn parts(address: &str) -> Option<(String, String)> {
    let form = norm::key_form(IdentifierKind::Email, address);
    form.rsplit_once('@').map(|(local, domain)| (local.to_owned(), domain.to_owned()))
}

/// The key form of an address in the one spelling that all of its spellings share: where the provider ignores dots,
/// without them and under one domain. Any other key form is given back as it is.
#[must_use]
pub(crate) fn canonical(key_form: &str) -> String {
    match key_form.rsplit_once('@') {
        Some((local, domain)) if DOTLESS.contains(&domain) && local.contains(|c| c != '.') => {
            format!("{}@{}", local.replace('.', ""), DOTLESS[0])
        }
        _ => key_form.to_owned(),
    }
}

/// The other form of a domain with letters beyond ASCII: `xn--…` for the readable one, and the other way round.
pub(in crate::subject) fn other_domain(domain: &str) -> Option<String> {
    let other =
        if domain.is_ascii() { idna::domain_to_unicode(domain).0 } else { idna::domain_to_ascii(domain).ok()? };
    (other != domain).then_some(other)
}

/// Whether a mailbox is telling enough to be looked for without its domain: two words, or a word and a number.
pub(in crate::subject) fn telling(local: &str) -> bool {
    let inner = local.trim_matches(|c: char| !c.is_alphanumeric());
    inner.chars().count() >= 5 && inner.contains(|c: char| !c.is_alphabetic())
}

/// Whether a mailbox may be looked for where a user name stands.
pub(in crate::subject) fn is_login(local: &str) -> bool {
    local.chars().filter(|c| c.is_alphanumeric()).count() >= 4
}

pub(super) fn listed(address: &str) -> Vec<(String, Strength, Reason)> {
    let Some((local, domain)) = parts(address) else {
        return vec![(address.trim().to_owned(), Strength::Probable, Reason::AsGiven)];
    };
    let mut out = vec![
        (format!("{local}@{domain}"), Strength::Probable, Reason::AsGiven),
        (format!("{local}+jira@{domain}"), Strength::Probable, Reason::PlusTag),
    ];
    if let Some(other) = other_domain(&domain) {
        out.push((format!("{local}@{other}"), Strength::Probable, Reason::Idn));
    }
    if DOTLESS.contains(&domain.as_str()) {
        let plain = local.replace('.', "");
        for provider in DOTLESS {
            if provider != domain || plain != local {
                out.push((format!("{plain}@{provider}"), Strength::Probable, Reason::Dots(DOTLESS[0])));
            }
        }
    }
    if telling(&local) {
        out.push((local, Strength::Possible, Reason::Mailbox));
    } else if is_login(&local) {
        out.push((format!("~{local}"), Strength::Possible, Reason::Mailbox));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_are_ignored_at_one_provider_only() {
        assert_eq!(canonical("z.oe@googlemail.com"), "zoe@gmail.com");
        assert_eq!(canonical("z.oe@corp.example"), "z.oe@corp.example");
        assert_eq!(canonical("...@gmail.com"), "...@gmail.com");
        assert_eq!(other_domain("bücher.example").as_deref(), Some("xn--bcher-kva.example"));
        assert_eq!(other_domain("xn--bcher-kva.example").as_deref(), Some("bücher.example"));
        assert_eq!(other_domain("corp.example"), None);
        assert!(telling("zoe.x") && telling("berg77") && !telling("anna") && !telling("bergmann"));
    }
}

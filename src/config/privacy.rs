//! `[privacy]` and the keys beside it that only the record of processing activities reads (GDPR Art. 30). All are optional:
//! the record says what is missing.

use serde::Deserialize;

/// Who answers for the processing, and why it is done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Privacy {
    /// The controller's name and address.
    pub controller: Option<String>,
    /// The representative in the Union (Art. 27).
    pub representative: Option<String>,
    /// The data-protection officer (Art. 37).
    pub dpo: Option<String>,
    /// Why issues are synchronised, where a synchronization does not say it.
    pub purpose: Option<String>,
}

/// What a synchronization says about itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lawful {
    /// Why.
    pub purpose: Option<String>,
    /// The legal basis, such as `GDPR Art. 6(1)(b)`.
    pub basis: Option<String>,
    /// For which other controller; with it we are the processor (Art. 30(2)).
    pub on_behalf_of: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPrivacy {
    controller: Option<String>,
    representative: Option<String>,
    dpo: Option<String>,
    purpose: Option<String>,
}

impl RawPrivacy {
    /// The checked section, or what is wrong with it.
    pub(super) fn check(self) -> Result<Privacy, String> {
        text("[privacy] controller", self.controller.as_ref())?;
        text("[privacy] representative", self.representative.as_ref())?;
        text("[privacy] dpo", self.dpo.as_ref())?;
        text("[privacy] purpose", self.purpose.as_ref())?;
        let Self { controller, representative, dpo, purpose } = self;
        Ok(Privacy { controller, representative, dpo, purpose })
    }
}

impl Lawful {
    /// The same, or what is wrong with it.
    pub(super) fn check(self, sync: &str) -> Result<Self, String> {
        text(&format!("sync {sync}: purpose"), self.purpose.as_ref())?;
        text(&format!("sync {sync}: basis"), self.basis.as_ref())?;
        text(&format!("sync {sync}: on_behalf_of"), self.on_behalf_of.as_ref())?;
        Ok(self)
    }
}

/// A country as two letters (ISO 3166-1), or what is wrong with it.
pub(super) fn country(instance: &str, country: Option<String>) -> Result<Option<String>, String> {
    match country {
        Some(c) if c.len() != 2 || !c.bytes().all(|b| b.is_ascii_uppercase()) => {
            Err(format!("instance {instance}: country {c:?} is not two capital letters (ISO 3166-1), such as DE or US"))
        }
        other => Ok(other),
    }
}

/// An address may have several lines; what else controls a terminal or a printer has no place in a record or a letter.
pub(super) fn text(key: &str, value: Option<&String>) -> Result<(), String> {
    let bad = |v: &&String| v.trim().is_empty() || v.chars().any(|c| c.is_control() && c != '\n');
    match value.filter(bad) {
        Some(_) => Err(format!("{key} is empty or holds control characters")),
        None => Ok(()),
    }
}

//! Findings: references with the policy's decision; and the outcomes in which every finding ends (law 3).

use serde::{Deserialize, Serialize};

use super::Reference;

/// What the policy decides about a reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// Cut exactly the span and put the placeholder there.
    Redact,
    /// Empty the field.
    Clear,
    /// Take the person out of a list (watcher, multi-user field, label).
    Remove,
    /// Delete the whole record.
    Delete,
    /// Anonymise the account that is named (Data Center), since nobody can edit where it stands.
    Anonymise,
    /// Delete a target's issue and let the synchronization write a clean copy of it, where nothing of others would be lost.
    Renew,
    /// Leave it, with a legal basis.
    Keep,
    /// A person has to decide.
    Review,
    /// It stays because nobody here can remove it; listed with who could.
    Residual,
}

impl Decision {
    /// The spelling used in JSON and policies.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Redact => "redact",
            Self::Clear => "clear",
            Self::Remove => "remove",
            Self::Delete => "delete",
            Self::Anonymise => "anonymise",
            Self::Renew => "renew",
            Self::Keep => "keep",
            Self::Review => "review",
            Self::Residual => "residual",
        }
    }

    /// Whether the decision changes the record.
    #[must_use]
    pub const fn acts(self) -> bool {
        matches!(self, Self::Redact | Self::Clear | Self::Remove | Self::Delete | Self::Anonymise | Self::Renew)
    }
}

/// Where a finding ended. Every finding ends in exactly one (law 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The record is gone.
    Erased,
    /// The span is cut.
    Redacted,
    /// Kept, with a basis.
    Kept,
    /// A hold keeps it.
    Held,
    /// It stays; why and who could remove it is listed.
    Residual,
    /// The action failed, or changed nothing.
    Failed,
    /// A person has still to decide.
    Review,
}

/// A reference with the policy's decision, the rule and the reasons.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Keyed hash of place, record, field, locator and subject: stable across scans, says nothing without the key.
    pub id: String,
    /// The reference.
    pub reference: Reference,
    /// What to do.
    pub decision: Decision,
    /// Id of the rule that decided.
    pub rule: String,
    /// Why, for a person to read.
    pub reasons: Vec<String>,
}

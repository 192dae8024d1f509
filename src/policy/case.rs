//! What a policy asks of a case: what has to be on record before it may go on, and what comes after the verification.

use serde::{Deserialize, Serialize};

use super::Period;

/// Something that has to be on record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Requirement {
    /// How it was checked who asks (Art. 12(6)); before anything is planned.
    Identity,
    /// The ground (Art. 17(1)); before the plan is approved.
    Ground,
    /// The exceptions that were looked at (Art. 17(3)), all of them; before the plan is approved.
    Exceptions,
    /// That the person was answered (Art. 12(3)); before the case closes.
    Answer,
}

/// What a case waits for after it was verified, with its identifiers still sealed in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Aftercare {
    /// A verification at least this long after the execution ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verify_again: Option<Period>,
    /// A verification after each synchronization has run once more.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub after_sync: bool,
    /// How long backups that still hold the person are kept, from the end of the execution.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backups: Option<Period>,
}

/// What a policy asks of a case.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CaseRules {
    /// What has to be on record.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub require: Vec<Requirement>,
    /// What comes after the verification.
    pub aftercare: Aftercare,
}

impl CaseRules {
    /// Whether the policy asks nothing.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Whether something has to be on record.
    #[must_use]
    pub fn wants(&self, what: Requirement) -> bool {
        self.require.contains(&what)
    }
}

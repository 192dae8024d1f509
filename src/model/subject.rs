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

/// A data subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The operator's handle.
    pub key: Personal<SubjectKey>,
    /// Keyed pseudonym, for everything that refers to the person outside the sealed case.
    pub pseudonym: String,
    /// The identifiers.
    pub identifiers: Vec<Identifier>,
}

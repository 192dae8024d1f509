//! What a case covers: configured things by name, custom fields by number.

use super::CaseId;

/// What kind of thing a case covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ThingKind {
    /// A Jira site.
    Instance,
    /// A project on it, as `hq/HQ`.
    Project,
    /// A synchronization.
    Sync,
    /// Another tool's folder.
    Foreign,
    /// A log folder.
    Log,
    /// A custom field, as `hq/customfield_10123`; covered up to a number.
    CustomField,
}

impl ThingKind {
    /// All kinds.
    pub const ALL: [Self; 6] = [Self::Instance, Self::Project, Self::Sync, Self::Foreign, Self::Log, Self::CustomField];

    /// The spelling in the store and in output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Instance => "instance",
            Self::Project => "project",
            Self::Sync => "synchronization",
            Self::Foreign => "foreign folder",
            Self::Log => "log folder",
            Self::CustomField => "custom field",
        }
    }
}

/// One thing that is there today, or that a case covered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Thing {
    /// Its kind.
    pub kind: ThingKind,
    /// Its name; of custom fields that a case covered, the instance's.
    pub name: String,
    /// A custom field's number; of those that a case covered, the highest.
    pub number: Option<u64>,
}

impl Thing {
    /// A thing that is known by its name.
    pub fn new(kind: ThingKind, name: impl Into<String>) -> Self {
        Self { kind, name: name.into(), number: None }
    }
}

/// What one case covered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseScope {
    /// The case.
    pub case: CaseId,
    /// Its subject's pseudonym: what another case of the same person covered counts too.
    pub subject: String,
    /// What it covered.
    pub things: Vec<Thing>,
}

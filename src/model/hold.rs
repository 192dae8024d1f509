//! A hold as a noun: an order to keep, as a query over records, so that it covers what arrives later.

use std::fmt;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Area, CaseId, HoldId, ProjectKey, RecordType};

/// Which kind of order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HoldType {
    /// What it covers is not erased (GDPR Art. 17(3): legal claims, a legal obligation, …).
    Preservation,
    /// What it covers is only stored (GDPR Art. 18): neither erased nor synchronised.
    Restriction,
}

impl HoldType {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Preservation, Self::Restriction];

    /// The spelling used at rest, in output and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Preservation => "preservation",
            Self::Restriction => "restriction",
        }
    }
}

impl fmt::Display for HoldType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for HoldType {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|t| t.as_str() == s)
            .ok_or_else(|| format!("{s} is no type of hold: preservation or restriction"))
    }
}

/// What a hold covers: all conditions that are given have to hold, of a list one is enough. Globs are those of policies.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct HoldQuery {
    /// Areas.
    pub area: Vec<Area>,
    /// Globs over the place as it is written, such as `target:partner/**`.
    pub place: Vec<String>,
    /// Projects.
    pub project: Vec<ProjectKey>,
    /// Globs over issue keys; copies that a synchronization made of such an issue are covered too.
    pub issue: Vec<String>,
    /// Types of record.
    pub record: Vec<RecordType>,
    /// Globs over the field.
    pub field: Vec<String>,
    /// Globs over a file's path, relative to its area's root.
    pub path: Vec<String>,
}

impl HoldQuery {
    /// Whether no condition is given, so that it covers everything.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        *self == Self::default()
    }
}

/// A hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Its id.
    pub id: HoldId,
    /// Preservation or restriction.
    pub hold_type: HoldType,
    /// What it covers.
    pub query: HoldQuery,
    /// The case whose person it is about; none where it is about records whoever they name.
    pub case: Option<CaseId>,
    /// The pseudonym of the person it is about.
    pub subject: Option<String>,
    /// Why: the legal basis, the file number.
    pub basis: String,
    /// Who ordered it.
    pub added_by: String,
    /// When (RFC 3339).
    pub added_at: String,
    /// When to look at it again.
    pub review: Option<NaiveDate>,
    /// Who released it, when (RFC 3339), and why.
    pub released: Option<Release>,
}

/// The end of a hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Who: another person than ordered it.
    pub by: String,
    /// When (RFC 3339).
    pub at: String,
    /// Why.
    pub reason: String,
    /// When the person was told that a restriction would be lifted (GDPR Art. 18(3)).
    pub informed: Option<NaiveDate>,
}

impl Hold {
    /// Whether it is in force.
    #[must_use]
    pub const fn is_active(&self) -> bool {
        self.released.is_none()
    }
}

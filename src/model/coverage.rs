//! Coverage: what a scan should have read, and what of it it did read (law 1).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Area, Place};

/// How far a place was read; ordered so that the worse of two is the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CoverageStatus {
    /// Everything was read.
    Examined,
    /// It does not exist.
    Absent,
    /// A part could not be read.
    Partial,
    /// Nothing could be read.
    Unexamined,
}

impl CoverageStatus {
    /// The spelling used in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Examined => "examined",
            Self::Absent => "absent",
            Self::Partial => "partial",
            Self::Unexamined => "unexamined",
        }
    }

    /// Whether nothing is left unread.
    #[must_use]
    pub const fn is_complete(self) -> bool {
        matches!(self, Self::Examined | Self::Absent)
    }
}

/// One place of a scan and how far it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// The place.
    pub place: Place,
    /// Its area.
    pub area: Area,
    /// How far it was read.
    pub status: CoverageStatus,
    /// Records read.
    pub records: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Why something was not read; never an identifier.
    pub reason: Option<String>,
    /// What of it was not read again, since an earlier scan of the same case had read it in the same state.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub earlier: Option<Earlier>,
}

/// What was taken from earlier scans for the same identifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Earlier {
    /// Files or issues.
    pub records: u64,
    /// When the oldest of these scans began.
    pub since: DateTime<Utc>,
}

impl Coverage {
    /// A place that was read in full.
    #[must_use]
    pub const fn examined(place: Place, records: u64, bytes: u64) -> Self {
        Self {
            area: place.area(),
            place,
            status: CoverageStatus::Examined,
            records,
            bytes,
            reason: None,
            earlier: None,
        }
    }

    /// A place with a status and a reason.
    pub fn with_reason(
        place: Place,
        status: CoverageStatus,
        records: u64,
        bytes: u64,
        reason: impl Into<String>,
    ) -> Self {
        Self { area: place.area(), place, status, records, bytes, reason: Some(reason.into()), earlier: None }
    }
}

/// What looked at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Looked {
    /// `efface scan`.
    Scan,
    /// A scan of a case, for its own sake or for a plan.
    Case,
    /// The search by another road.
    Verification,
}

impl Looked {
    /// The spelling in the store and in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scan => "scan",
            Self::Case => "case",
            Self::Verification => "verification",
        }
    }

    /// From that spelling.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Scan, Self::Case, Self::Verification].into_iter().find(|l| l.as_str() == text)
    }
}

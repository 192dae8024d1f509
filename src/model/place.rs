//! Where data lies: areas, places, and who answers for an instance.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The API a Jira site speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Flavor {
    /// Jira Cloud: REST v3, ADF, account ids.
    Cloud,
    /// Jira Data Center or Server: REST v2, wiki markup, user names and keys.
    DataCenter,
}

/// Kind of place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Area {
    /// efface's own staging area in the Jira home folder.
    Staging,
    /// A source project of a synchronization.
    Source,
    /// A target project of a synchronization.
    Target,
    /// efface's own store and configuration.
    State,
    /// Another sync tool's folder.
    Foreign,
    /// Log files.
    Log,
    /// Backups.
    Backup,
}

impl Area {
    /// The spelling used in places, JSON and `--area`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Staging => "staging",
            Self::Source => "source",
            Self::Target => "target",
            Self::State => "state",
            Self::Foreign => "foreign",
            Self::Log => "log",
            Self::Backup => "backup",
        }
    }

    /// All areas, in the order in which reports show them.
    pub const ALL: [Self; 7] =
        [Self::Staging, Self::Source, Self::Target, Self::State, Self::Foreign, Self::Log, Self::Backup];
}

impl fmt::Display for Area {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One concrete spot of an area, written `area:rest`, such as `staging:hq-partner/processed` or `target:partner/PART`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    area: Area,
    spot: String,
}

impl Place {
    /// A place of `area`; `spot` is what follows the colon.
    pub fn new(area: Area, spot: impl Into<String>) -> Self {
        Self { area, spot: spot.into() }
    }

    /// The area.
    #[must_use]
    pub const fn area(&self) -> Area {
        self.area
    }

    /// What follows the colon.
    #[must_use]
    pub fn spot(&self) -> &str {
        &self.spot
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.area, self.spot)
    }
}

impl std::str::FromStr for Place {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        let (area, spot) = s.split_once(':').ok_or_else(|| format!("place {s:?} is not written area:spot"))?;
        let area = Area::ALL
            .into_iter()
            .find(|a| a.as_str() == area)
            .ok_or_else(|| format!("place {s:?} names no known area"))?;
        Ok(Self::new(area, spot))
    }
}

impl Serialize for Place {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Place {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Who answers for an instance. A partner's project is a recipient (GDPR Art. 19).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Controller {
    /// We do.
    Us,
    /// We and the partner together (GDPR Art. 26).
    Joint,
    /// A processor acting for us (GDPR Art. 28).
    Processor,
    /// Another company.
    Partner,
}

/// Whether we may erase in an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mandate {
    /// Erase.
    Yes,
    /// Erase only with a reference to the partner's consent, given with the case.
    Consent,
    /// Touch nothing; tell the partner.
    Notify,
}

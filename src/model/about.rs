//! What a notice may be about.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What somebody is told of without having asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum About {
    /// A request's last day is near, or past.
    Deadline,
    /// A sweep failed, waits for an approval, or did not come.
    Sweep,
    /// Something was put back from a backup, or the configuration has what no case covered.
    Drift,
    /// References of a case stay.
    Residual,
}

impl About {
    /// All of them, the most pressing first.
    pub const ALL: [Self; 4] = [Self::Deadline, Self::Sweep, Self::Drift, Self::Residual];

    /// The spelling in the configuration, at rest and in output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deadline => "deadline",
            Self::Sweep => "sweep",
            Self::Drift => "drift",
            Self::Residual => "residual",
        }
    }
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        for about in About::ALL {
            assert_eq!(serde_json::to_value(about).unwrap(), about.as_str());
        }
    }
}

//! A case as a noun: where it stands, which way it may go, what kind of request it is, and what is on record about it.
//!
//! Owns the states and the table of ways between them; who may go them, and when, is asked elsewhere.

use std::fmt;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Clock, Pause};

/// Where a case stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CaseState {
    /// The request has come in.
    Received,
    /// It is known who asks, and how that was checked.
    Identified,
    /// Everything was searched for the case.
    Scanned,
    /// A plan is there.
    Planned,
    /// The plan is approved.
    Approved,
    /// Execution has begun; also when every step has ended, until it is verified.
    Executing,
    /// Verified by another road.
    Verified,
    /// The person was answered.
    Answered,
    /// Waits for what the policy wants to see before the identifiers go.
    Aftercare,
    /// Waits for proof of identity; the clock stands still.
    Suspended,
    /// Closed; the identifiers are destroyed.
    Closed,
    /// Withdrawn by the person.
    Withdrawn,
    /// Refused, with a reason.
    Rejected,
}

impl CaseState {
    /// All states, in the order of a case's life.
    pub const ALL: [Self; 13] = [
        Self::Received,
        Self::Identified,
        Self::Scanned,
        Self::Planned,
        Self::Approved,
        Self::Executing,
        Self::Verified,
        Self::Answered,
        Self::Aftercare,
        Self::Suspended,
        Self::Closed,
        Self::Withdrawn,
        Self::Rejected,
    ];

    /// The spelling used at rest and in output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Identified => "identified",
            Self::Scanned => "scanned",
            Self::Planned => "planned",
            Self::Approved => "approved",
            Self::Executing => "executing",
            Self::Verified => "verified",
            Self::Answered => "answered",
            Self::Aftercare => "aftercare",
            Self::Suspended => "suspended",
            Self::Closed => "closed",
            Self::Withdrawn => "withdrawn",
            Self::Rejected => "rejected",
        }
    }

    /// Whether the case has ended.
    #[must_use]
    pub const fn has_ended(self) -> bool {
        matches!(self, Self::Closed | Self::Withdrawn | Self::Rejected)
    }

    /// Whether something may have been changed for this case already, so that it cannot be called refused or withdrawn.
    #[must_use]
    pub const fn has_acted(self) -> bool {
        matches!(self, Self::Executing | Self::Verified | Self::Answered | Self::Aftercare)
    }

    /// Whether a case may go from this state to `to`. Staying is not a way, but for a plan that is made or approved again, a
    /// scan that is repeated, and an execution that goes on.
    #[must_use]
    pub const fn may(self, to: Self) -> bool {
        use CaseState as S;
        match (self, to) {
            (S::Closed | S::Withdrawn | S::Rejected, _) => false,
            (_, S::Received) => false,
            // Out of a wait: back to where it was. Which state that is, is on record.
            (S::Suspended, S::Identified | S::Scanned | S::Planned | S::Approved | S::Withdrawn | S::Rejected) => true,
            (S::Suspended, _) => false,
            (_, S::Withdrawn | S::Rejected | S::Suspended) => !self.has_acted(),
            (S::Received | S::Identified | S::Scanned, S::Identified) => true,
            (_, S::Identified) => false,
            // A case can always be searched again, whatever was done before: that is how it is planned again.
            (_, S::Scanned) => true,
            (S::Scanned | S::Planned | S::Approved, S::Planned) => true,
            (S::Planned | S::Approved, S::Approved) => true,
            (S::Approved | S::Executing, S::Executing) => true,
            // A verification that failed opens the case again.
            (S::Verified | S::Answered | S::Aftercare, S::Executing) => true,
            (S::Executing | S::Verified, S::Verified) => true,
            // An access request has nothing to execute, a restriction not even to search: they are answered.
            (S::Received | S::Identified | S::Scanned | S::Verified, S::Answered) => true,
            (S::Verified | S::Answered, S::Aftercare) => true,
            (S::Verified | S::Answered | S::Aftercare, S::Closed) => true,
            _ => false,
        }
    }
}

impl fmt::Display for CaseState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CaseKind {
    /// Erasure (GDPR Art. 17).
    Erasure,
    /// Restriction of processing (GDPR Art. 18).
    Restriction,
    /// Access (GDPR Art. 15).
    Access,
}

impl CaseKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Erasure, Self::Restriction, Self::Access];

    /// The spelling used at rest, in output and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Erasure => "erasure",
            Self::Restriction => "restriction",
            Self::Access => "access",
        }
    }

    /// The article that gives the right.
    #[must_use]
    pub const fn article(self) -> &'static str {
        match self {
            Self::Erasure => "Art. 17",
            Self::Restriction => "Art. 18",
            Self::Access => "Art. 15",
        }
    }

    /// The grounds that the article knows, by letter: Art. 17(1)(a) to (f), Art. 18(1)(a) to (d).
    #[must_use]
    pub const fn grounds(self) -> &'static [(char, &'static str)] {
        match self {
            Self::Erasure => &[
                ('a', "the data are no longer necessary for the purposes"),
                ('b', "consent is withdrawn and there is no other legal ground"),
                ('c', "the person objects and no overriding grounds exist"),
                ('d', "the data were processed unlawfully"),
                ('e', "a legal obligation demands the erasure"),
                ('f', "the data were collected from a child for an online service"),
            ],
            Self::Restriction => &[
                ('a', "the person contests that the data are accurate"),
                ('b', "the processing is unlawful and the person opposes the erasure"),
                ('c', "we need the data no longer, the person does for legal claims"),
                ('d', "the person objects and it is being weighed whose grounds override"),
            ],
            Self::Access => &[],
        }
    }
}

impl std::str::FromStr for CaseKind {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|k| k.as_str() == s).ok_or_else(|| format!("{s} is no kind of request"))
    }
}

impl fmt::Display for CaseKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The exceptions to the right to erasure, GDPR Art. 17(3), by letter.
pub const EXCEPTIONS: [(char, &str); 5] = [
    ('a', "freedom of expression and information"),
    ('b', "a legal obligation or a task in the public interest"),
    ('c', "public health"),
    ('d', "archiving, research or statistics"),
    ('e', "legal claims"),
];

/// An exception that was looked at (Art. 17(3)).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exception {
    /// Its letter in Art. 17(3).
    pub letter: char,
    /// Whether it applies, to any part of the data.
    pub applies: bool,
    /// Why, or why not; told without what names the person.
    pub why: String,
}

/// What is on record about a case besides its state. Names nobody: free text comes masked.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CaseRecord {
    /// The grounds of the request, as letters of [`CaseKind::grounds`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub grounds: Vec<char>,
    /// How it was checked who asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// The exceptions that were looked at.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exceptions: Vec<Exception>,
    /// The clock's rules as the policy had them when the case was opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock: Option<Clock>,
    /// When the clock stood still.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pauses: Vec<Pause>,
    /// The day on which the person was told of the extension.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extended: Option<NaiveDate>,
    /// Why it was extended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extension_reason: Option<String>,
    /// The state to which a suspended case returns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspended_from: Option<CaseState>,
    /// The day on which the person was answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answered: Option<NaiveDate>,
    /// Why the case was refused or withdrawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_reason: Option<String>,
}

impl CaseRecord {
    /// The last day to answer a request received on `received`, as it stands on `today`; `None` where no clock is on record,
    /// or beyond the calendar.
    #[must_use]
    pub fn due(&self, received: NaiveDate, today: NaiveDate) -> Option<NaiveDate> {
        self.clock.as_ref()?.deadline(received, self.extended.is_some(), &self.pauses, today)
    }

    /// The wait that is going on.
    #[must_use]
    pub fn waiting(&self) -> Option<&Pause> {
        self.pauses.last().filter(|p| p.answered.is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ways_of_a_case() {
        use CaseState as S;
        // Row: from. Listed: everything it may become.
        let table: [(S, &[S]); 13] = [
            (S::Received, &[S::Identified, S::Scanned, S::Answered, S::Suspended, S::Withdrawn, S::Rejected]),
            (S::Identified, &[S::Identified, S::Scanned, S::Answered, S::Suspended, S::Withdrawn, S::Rejected]),
            (
                S::Scanned,
                &[S::Identified, S::Scanned, S::Planned, S::Answered, S::Suspended, S::Withdrawn, S::Rejected],
            ),
            (S::Planned, &[S::Scanned, S::Planned, S::Approved, S::Suspended, S::Withdrawn, S::Rejected]),
            (
                S::Approved,
                &[S::Scanned, S::Planned, S::Approved, S::Executing, S::Suspended, S::Withdrawn, S::Rejected],
            ),
            (S::Executing, &[S::Scanned, S::Executing, S::Verified]),
            (S::Verified, &[S::Scanned, S::Executing, S::Verified, S::Answered, S::Aftercare, S::Closed]),
            (S::Answered, &[S::Scanned, S::Executing, S::Aftercare, S::Closed]),
            (S::Aftercare, &[S::Scanned, S::Executing, S::Closed]),
            (S::Suspended, &[S::Identified, S::Scanned, S::Planned, S::Approved, S::Withdrawn, S::Rejected]),
            (S::Closed, &[]),
            (S::Withdrawn, &[]),
            (S::Rejected, &[]),
        ];
        assert_eq!(table.map(|(from, _)| from), S::ALL);
        for (from, ways) in table {
            for to in S::ALL {
                assert_eq!(from.may(to), ways.contains(&to), "{from} → {to}");
            }
        }
    }

    #[test]
    fn words() {
        for state in CaseState::ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
        for kind in CaseKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
        assert_eq!(serde_json::to_value(CaseRecord::default()).unwrap(), serde_json::json!({}));
    }
}

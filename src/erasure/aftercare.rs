//! What a verified case still waits for before its identifiers may go. Pure.
//!
//! A sync that was under way, a search index that was late, a backup that is put back: what brings a person back shows only
//! later. Until then the identifiers stay sealed in the case, so that it can be searched again.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};

use crate::{
    model::SyncName,
    policy::{Aftercare, Period},
};

/// What is known of a case that was verified.
#[derive(Debug, Clone)]
pub struct Facts {
    /// When its last execution ended.
    pub executed: DateTime<Utc>,
    /// When it was last verified with success.
    pub verified: DateTime<Utc>,
    /// For each synchronization, when it had last run to its end at the time of that verification.
    pub synced: BTreeMap<SyncName, Option<DateTime<Utc>>>,
    /// Now.
    pub now: DateTime<Utc>,
}

/// Something that is waited for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Pending {
    /// A second verification, from a time on.
    #[error("a verification {0} after the execution: efface case verify, on {1} or later")]
    Verify(Period, String),
    /// A verification after a synchronization.
    #[error("a verification after {0} has run once more: efface sync run {0}, then efface case verify")]
    Sync(SyncName),
    /// Backups that still hold the person.
    #[error("backups are kept for {0}: until {1}")]
    Backups(Period, NaiveDate),
}

/// What a case still waits for; nothing when it may close.
#[must_use]
pub fn pending(rules: &Aftercare, facts: &Facts) -> Vec<Pending> {
    let mut out = Vec::new();
    if let Some(period) = rules.verify_again
        && let Some(from) = period.after(facts.executed)
        && facts.verified < from
    {
        out.push(Pending::Verify(period, from.format("%Y-%m-%d %H:%M UTC").to_string()));
    }
    if rules.after_sync {
        let ran = |at: &Option<DateTime<Utc>>| at.is_some_and(|at| at > facts.executed);
        out.extend(facts.synced.iter().filter(|(_, at)| !ran(at)).map(|(name, _)| Pending::Sync(name.clone())));
    }
    if let Some(period) = rules.backups
        && let Some(end) = period.after(facts.executed)
        && facts.now < end
    {
        out.push(Pending::Backups(period, end.date_naive()));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_case_waits_for() {
        let at = |s: &str| s.parse::<DateTime<Utc>>().unwrap();
        let name: SyncName = "a-b".parse().unwrap();
        let rules =
            Aftercare { verify_again: Some(Period::Days(1)), after_sync: true, backups: Some(Period::Days(30)) };
        // Verified, last run of the sync, now → what is waited for.
        let executed = at("2026-11-01T12:00:00Z");
        for (verified, synced, now, want) in [
            ("2026-11-01T12:05:00Z", None, "2026-11-01T12:06:00Z", [true, true, true]),
            ("2026-11-01T12:05:00Z", Some("2026-11-01T11:59:00Z"), "2026-11-01T12:06:00Z", [true, true, true]),
            ("2026-11-01T12:05:00Z", Some("2026-11-01T12:01:00Z"), "2026-11-03T12:06:00Z", [true, false, true]),
            ("2026-11-02T11:59:59Z", Some("2026-11-02T10:00:00Z"), "2026-11-03T12:06:00Z", [true, false, true]),
            ("2026-11-02T12:00:00Z", Some("2026-11-02T10:00:00Z"), "2026-12-01T11:59:00Z", [false, false, true]),
            ("2026-11-02T12:00:00Z", Some("2026-11-02T10:00:00Z"), "2026-12-01T12:00:00Z", [false, false, false]),
        ] {
            let synced = BTreeMap::from([(name.clone(), synced.map(at))]);
            let facts = Facts { executed, verified: at(verified), synced, now: at(now) };
            let got = pending(&rules, &facts);
            let has = [
                got.iter().any(|p| matches!(p, Pending::Verify(..))),
                got.iter().any(|p| matches!(p, Pending::Sync(_))),
                got.iter().any(|p| matches!(p, Pending::Backups(..))),
            ];
            assert_eq!(has, want, "{verified} {now}");
            assert!(pending(&Aftercare::default(), &facts).is_empty());
        }
    }
}

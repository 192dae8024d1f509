//! When a parked message is tried again: at its time, where the cause may pass by itself, or when a person says so.
//!
//! Pure. An issue is the unit, since its messages go in their order: whatever is tried again, nothing overtakes.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::twoway::Take;
use crate::staging::{Entry, MessageId, State};

/// The wait behind the second failure; it doubles with each one more.
const FIRST: TimeDelta = TimeDelta::minutes(1);
/// The longest wait.
const LONGEST: TimeDelta = TimeDelta::hours(6);

/// How long a message whose cause may pass waits after its `attempts`-th failure. The first is tried by the next run, since
/// a connection that broke is the usual cause; then 1, 2, 4 … minutes, at most six hours. No jitter: a person can tell when.
#[must_use]
pub fn wait(attempts: u32) -> TimeDelta {
    match attempts {
        0 | 1 => TimeDelta::zero(),
        // 2^9 minutes are more than six hours.
        n => (FIRST * 2_i32.pow((n - 2).min(9))).min(LONGEST),
    }
}

/// Which parked messages to try again. All conditions have to hold; without any, all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Retry {
    /// These.
    pub ids: BTreeSet<MessageId>,
    /// Those of the issue with this key in the source.
    pub issue: Option<String>,
    /// Those that are parked for this cause.
    pub cause: Option<String>,
    /// A person looked at the names in `ids`: they are namesakes'.
    pub reviewed: bool,
    /// What a person takes in the conflicts of `ids`.
    pub take: Option<Take>,
}

impl Retry {
    /// All.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// One, and those of its issue.
    #[must_use]
    pub fn one(id: MessageId, reviewed: bool) -> Self {
        Self { ids: [id].into(), reviewed, ..Self::default() }
    }

    /// Whether a message is parked and meets the conditions.
    #[must_use]
    pub fn matches(&self, entry: &Entry) -> bool {
        entry.state == State::Parked
            && (self.ids.is_empty() || self.ids.contains(&entry.id))
            && self.issue.as_ref().is_none_or(|key| entry.issue.key.eq_ignore_ascii_case(key))
            && self.cause.as_ref().is_none_or(|cause| entry.error.as_ref().is_some_and(|(kind, _)| kind == cause))
    }
}

/// What one import tries again.
#[derive(Debug, Default)]
pub(super) struct Again {
    /// Ids of issues whose parked messages are tried, whatever their time.
    issues: BTreeSet<String>,
    /// Messages in which a person has looked at the names.
    reviewed: BTreeSet<MessageId>,
    /// What a person takes in the conflicts of messages.
    take: BTreeMap<MessageId, Take>,
}

impl Again {
    /// What a person asked for.
    pub(super) fn of(retry: &Retry, entries: &[Entry]) -> Self {
        Self {
            issues: entries.iter().filter(|e| retry.matches(e)).map(|e| e.issue.id.clone()).collect(),
            reviewed: if retry.reviewed { retry.ids.clone() } else { BTreeSet::new() },
            take: retry.take.iter().flat_map(|take| retry.ids.iter().map(|id| (*id, *take))).collect(),
        }
    }

    /// The parked messages of these issues.
    pub(super) fn issues(issues: BTreeSet<String>) -> Self {
        Self { issues, ..Self::default() }
    }

    pub(super) fn asked_for(&self, issue: &str) -> bool {
        self.issues.contains(issue)
    }

    pub(super) fn take(&self, id: MessageId) -> Option<Take> {
        self.take.get(&id).copied()
    }

    pub(super) fn is_reviewed(&self, id: MessageId) -> bool {
        self.reviewed.contains(&id)
    }

    /// Whether a message may be tried, given that nothing of its issue stands before it.
    pub(super) fn goes(&self, entry: &Entry, now: DateTime<Utc>) -> bool {
        let behind = || entry.error.as_ref().is_some_and(|(kind, _)| kind == "behind");
        match entry.state {
            State::New => true,
            // Whether its partner is there, the store knows.
            State::Processed | State::Missing => false,
            State::Parked => self.asked_for(&entry.issue.id) || behind() || is_due(entry, now),
        }
    }
}

/// Whether the time of a parked message has come.
fn is_due(entry: &Entry, now: DateTime<Utc>) -> bool {
    entry.next_try.as_deref().and_then(|t| DateTime::parse_from_rfc3339(t).ok()).is_some_and(|t| t <= now)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::staging::IssueRef;

    #[test]
    fn waits_double_up_to_six_hours() {
        let minutes: Vec<i64> = (0..14).map(|n| wait(n).num_minutes()).collect();
        assert_eq!(minutes, [0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 360, 360, 360]);
    }

    proptest! {
        #[test]
        fn waits_never_shrink_and_never_overflow(n in 0..u32::MAX) {
            prop_assert!(wait(n) <= wait(n + 1) && wait(n) <= LONGEST);
        }
    }

    fn entry(state: State, cause: Option<&str>, next_try: Option<&str>) -> Entry {
        Entry {
            id: MessageId::generate(),
            state,
            issue: IssueRef { id: "1".into(), key: "HQ-1".into() },
            sequence: 1,
            size: 0,
            created: String::new(),
            attempts: 1,
            error: cause.map(|c| (c.to_owned(), String::new())),
            since: None,
            next_try: next_try.map(str::to_owned),
        }
    }

    #[test]
    fn time_or_a_person_lets_a_message_go() {
        let now = "2026-11-28T12:00:00Z".parse().unwrap();
        let due = Some("2026-11-28T12:00:00+00:00");
        let later = Some("2026-11-28T12:00:01+00:00");
        let asked = || Again::issues(["1".to_owned()].into());
        for (state, cause, next, goes, when_asked) in [
            (State::New, None, None, true, true),
            (State::Parked, Some("server"), due, true, true),
            (State::Parked, Some("server"), later, false, true),
            (State::Parked, Some("server"), Some("no time"), false, true),
            (State::Parked, Some("name"), None, false, true),
            (State::Parked, Some("behind"), None, true, true),
            (State::Processed, None, due, false, false),
        ] {
            let e = entry(state, cause, next);
            assert_eq!(Again::default().goes(&e, now), goes, "{e:?}");
            assert_eq!(asked().goes(&e, now), when_asked, "{e:?}");
        }
    }

    #[test]
    fn filters_narrow() {
        let e = entry(State::Parked, Some("server"), None);
        let with = |issue: Option<&str>, cause: Option<&str>| Retry {
            issue: issue.map(str::to_owned),
            cause: cause.map(str::to_owned),
            ..Retry::all()
        };
        assert!(Retry::all().matches(&e) && with(Some("hq-1"), Some("server")).matches(&e));
        assert!(!with(Some("HQ-11"), None).matches(&e) && !with(Some("HQ-1"), Some("name")).matches(&e));
        assert!(!Retry::one(MessageId::generate(), false).matches(&e) && Retry::one(e.id, false).matches(&e));
        assert!(
            !Retry::all().matches(&entry(State::New, Some("server"), None)),
            "what is not parked is not tried again"
        );
        let again = Again::of(&Retry::one(e.id, true), std::slice::from_ref(&e));
        assert!(again.asked_for("1") && again.is_reviewed(e.id));
        assert!(!Again::of(&Retry::all(), std::slice::from_ref(&e)).is_reviewed(e.id));
    }
}

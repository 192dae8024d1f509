//! What is due: a record, its class, and the time. Pure: reads no clock and no store (law 10).
//!
//! Owns when a period begins and ends, and the way from "due" over "marked" to "goes". Dates are given to it; where from is
//! `collect`'s, which takes none that a restore would reset.

use chrono::{DateTime, Days, Utc};

use crate::{
    model::{Place, ProjectKey, RecordRef, RecordType},
    policy::{Asked, Class, Start, Then},
    store::SweepMark,
};

/// A record with what is known of its time. No date is a file's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dated {
    /// Where.
    pub place: Place,
    /// The project, for remote places.
    pub project: Option<ProjectKey>,
    /// Which record.
    pub record: RecordRef,
    /// When it was made; `None` where nothing trustworthy says so.
    pub created: Option<DateTime<Utc>>,
    /// When it was imported, parked or ended.
    pub processed: Option<DateTime<Utc>>,
    /// When the issue was resolved.
    pub resolved: Option<DateTime<Utc>>,
    /// When anybody but ourselves changed it last.
    pub updated: Option<DateTime<Utc>>,
    /// The labels; `None` where nothing says them.
    pub labels: Option<Vec<String>>,
    /// The name of the status.
    pub status: Option<String>,
    /// When the synchronization that wrote it was ended.
    pub ended: Option<DateTime<Utc>>,
    /// Of an account: when it was first seen to be closed.
    pub closed: Option<DateTime<Utc>>,
}

impl Dated {
    /// A record of whose time nothing is known.
    #[must_use]
    pub const fn of(place: Place, record: RecordRef) -> Self {
        Self {
            place,
            project: None,
            record,
            created: None,
            processed: None,
            resolved: None,
            updated: None,
            labels: None,
            status: None,
            ended: None,
            closed: None,
        }
    }
}

/// How a record stands to its class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The event has not come: an issue that is not resolved.
    NotBegun,
    /// The period is not over.
    NotYet,
    /// The period was over at this time.
    Due(DateTime<Utc>),
    /// Nothing trustworthy says when the period began: a person decides.
    Undated,
    /// The class is of certain labels or statuses, and the instance does not say those of this issue: a person decides.
    Unread,
    /// The class says to keep it.
    Kept,
    /// The period was over, and what the class does to its fields was done before.
    Settled,
}

/// The classes that are about a record, and how the record stands to each: those of fields, in their order, and last the first one of
/// the whole record, behind which none is asked.
#[must_use]
pub fn verdicts<'c>(record: &Dated, classes: &'c [Class], now: DateTime<Utc>) -> Vec<(&'c Class, Standing)> {
    let asked = Asked {
        place: &record.place,
        project: record.project.as_ref(),
        record: &record.record,
        labels: record.labels.as_deref(),
        status: record.status.as_deref(),
    };
    // Accounts are of classes of their own.
    let account = record.record.record_type == RecordType::UserProfile;
    let mut out = Vec::new();
    for class in classes.iter().filter(|c| account == (c.start == Start::AccountClosed)) {
        match class.applies(&asked) {
            Some(false) => continue,
            Some(true) => out.push((class, standing(class, record, now))),
            None => out.push((class, Standing::Unread)),
        }
        if class.fields.is_empty() {
            break;
        }
    }
    out
}

fn standing(class: &Class, record: &Dated, now: DateTime<Utc>) -> Standing {
    if class.then == Then::Keep {
        return Standing::Kept;
    }
    let start = match class.start {
        Start::Created => record.created,
        Start::Updated => record.updated.or(record.created),
        Start::Processed if record.processed.is_none() => return Standing::NotBegun,
        Start::Resolved if record.resolved.is_none() => return Standing::NotBegun,
        Start::SyncEnded if record.ended.is_none() => return Standing::NotBegun,
        Start::AccountClosed if record.closed.is_none() => return Standing::NotBegun,
        Start::Processed => record.processed,
        Start::Resolved => record.resolved,
        Start::SyncEnded => record.ended,
        Start::AccountClosed => record.closed,
    };
    // A day's grace for clocks that differ; what lies further ahead cannot be true.
    let trusted = start.filter(|start| now.checked_add_days(Days::new(1)).is_some_and(|limit| *start <= limit));
    match trusted.map(|start| class.period.after(start)) {
        None => Standing::Undated,
        // Beyond the calendar a period is never over.
        Some(None) => Standing::NotYet,
        Some(Some(end)) if end <= now => Standing::Due(end),
        Some(Some(_)) => Standing::NotYet,
    }
}

/// How far a due record is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It is marked now.
    Mark,
    /// It was marked, and waits until this time.
    Wait(DateTime<Utc>),
    /// It goes.
    Go,
}

/// How far a due record is: a class that was changed since marks anew.
#[must_use]
pub fn stage(class: &Class, mark: Option<&SweepMark>, now: DateTime<Utc>) -> Stage {
    let Some(grace) = class.grace else { return Stage::Go };
    // A mark of the future is a clock that was set back: the grace begins again.
    let Some(mark) = mark.filter(|m| m.class == class.id && m.digest == class.digest && m.at <= now) else {
        return Stage::Mark;
    };
    match grace.after(mark.at) {
        Some(end) if end <= now => Stage::Go,
        Some(end) => Stage::Wait(end),
        None => Stage::Wait(DateTime::<Utc>::MAX_UTC),
    }
}

#[cfg(test)]
#[path = "due_tests.rs"]
mod tests;

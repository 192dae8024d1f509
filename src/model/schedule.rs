//! When sweeps run: a cron expression in a time zone. Pure (law 10).
//!
//! A run that was missed is caught up once, however many were missed. A run at one fixed time comes right behind an hour that the clock
//! skips, and once in an hour that it repeats; lists and steps go by the clock on the wall, as with cron.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use croner::{Cron, parser::CronParser};

/// A run may begin so much later than planned and still be the planned one.
const LATE: TimeDelta = TimeDelta::minutes(5);

/// A schedule.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    cron: Cron,
    zone: Tz,
    catch_up: bool,
}

/// Why a schedule cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// Not a cron expression.
    #[error(
        "{0:?} is no cron expression ({1}): minute, hour, day of the month, month, day of the week, such as \"30 2 * * *\" for half past two every night, or \"0 3 * * SUN\""
    )]
    Cron(String, String),
    /// It never comes, such as the 30th of February.
    #[error("{0:?} never comes")]
    Never(String),
    /// Not a time zone.
    #[error("{0:?} is no time zone of the IANA database, such as \"Europe/Berlin\" or \"UTC\"")]
    Zone(String),
}

impl Schedule {
    /// Reads a schedule. `zone` is a name of the IANA time zone database.
    ///
    /// # Errors
    /// Where one of them cannot be read, or the time never comes.
    pub fn parse(cron: &str, zone: &str, catch_up: bool) -> Result<Self, ScheduleError> {
        let zone: Tz = zone.parse().map_err(|_| ScheduleError::Zone(zone.to_owned()))?;
        let parsed = CronParser::new().parse(cron).map_err(|e| ScheduleError::Cron(cron.to_owned(), e.to_string()))?;
        let schedule = Self { cron: parsed, zone, catch_up };
        match schedule.next(DateTime::UNIX_EPOCH) {
            Some(_) => Ok(schedule),
            None => Err(ScheduleError::Never(cron.to_owned())),
        }
    }

    /// The time zone.
    #[must_use]
    pub const fn zone(&self) -> Tz {
        self.zone
    }

    /// The first run behind a time.
    #[must_use]
    pub fn next(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let next = self.cron.find_next_occurrence(&after.with_timezone(&self.zone), false).ok()?.to_utc();
        // A clock that is set back must not give the same run again.
        (next > after).then_some(next)
    }

    /// The run that is due, where the last one that was served was `last`: the newest of those that came since. One that was missed
    /// is only due where the schedule catches up.
    #[must_use]
    pub fn due(&self, last: DateTime<Utc>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let mut newest = self.next(last).filter(|at| *at <= now)?;
        // Far behind, the newest is looked for from close by: minutes, hours, days, and so on back from now.
        for back in
            [TimeDelta::minutes(2), TimeDelta::hours(3), TimeDelta::days(3), TimeDelta::days(70), TimeDelta::days(800)]
        {
            let from = now - back;
            if from > newest
                && let Some(at) = self.next(from).filter(|at| *at <= now)
            {
                newest = at;
                break;
            }
        }
        while let Some(at) = self.next(newest).filter(|at| *at <= now) {
            newest = at;
        }
        (self.catch_up || now - newest <= LATE).then_some(newest)
    }
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;

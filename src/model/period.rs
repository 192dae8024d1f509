//! Calendar periods.

use std::fmt;

use chrono::{DateTime, Days, Months, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

/// Why a text is no period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PeriodError {
    /// Not a number and a unit.
    #[error("a period is a number and a unit, such as `6 months`, `30 days`, `2 weeks` or `1 year`")]
    Form,
    /// Nothing.
    #[error("a period of nothing")]
    Zero,
    /// More than a thousand years.
    #[error("a period of more than a thousand years")]
    TooLong,
}

/// A period in calendar units: months (a year is twelve) or days (a week is seven).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// Calendar months.
    Months(u32),
    /// Days.
    Days(u32),
}

impl std::str::FromStr for Period {
    type Err = PeriodError;

    fn from_str(s: &str) -> Result<Self, PeriodError> {
        let mut parts = s.split_whitespace();
        let (Some(number), Some(unit), None) = (parts.next(), parts.next(), parts.next()) else {
            return Err(PeriodError::Form);
        };
        if !number.bytes().all(|b| b.is_ascii_digit()) {
            return Err(PeriodError::Form);
        }
        let n: u32 = number.parse().map_err(|_| PeriodError::TooLong)?;
        let times = |unit: u32| n.checked_mul(unit).ok_or(PeriodError::TooLong);
        let period = match unit {
            "day" | "days" => Self::Days(n),
            "week" | "weeks" => Self::Days(times(7)?),
            "month" | "months" => Self::Months(n),
            "year" | "years" => Self::Months(times(12)?),
            _ => return Err(PeriodError::Form),
        };
        match period {
            Self::Days(0) | Self::Months(0) => Err(PeriodError::Zero),
            Self::Days(d) if d > 365_243 => Err(PeriodError::TooLong),
            Self::Months(m) if m > 12_000 => Err(PeriodError::TooLong),
            period => Ok(period),
        }
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (n, unit) = match *self {
            Self::Months(m) if m % 12 == 0 => (m / 12, "year"),
            Self::Months(m) => (m, "month"),
            Self::Days(d) if d % 7 == 0 => (d / 7, "week"),
            Self::Days(d) => (d, "day"),
        };
        write!(f, "{n} {unit}{}", if n == 1 { "" } else { "s" })
    }
}

impl Period {
    /// When the period that starts at `start` is over: the corresponding day, or the last day of the month where there
    /// is none. `None` beyond the calendar.
    #[must_use]
    pub fn after(self, start: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self {
            Self::Months(m) => start.checked_add_months(Months::new(m)),
            Self::Days(d) => start.checked_add_days(Days::new(d.into())),
        }
    }

    /// When a period that is over at `end` started: the corresponding day, or the last day of the month where there is none.
    #[must_use]
    pub fn before(self, end: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self {
            Self::Months(m) => end.checked_sub_months(Months::new(m)),
            Self::Days(d) => end.checked_sub_days(Days::new(d.into())),
        }
    }

    /// As [`Period::after`], for days.
    #[must_use]
    pub fn after_day(self, start: NaiveDate) -> Option<NaiveDate> {
        match self {
            Self::Months(m) => start.checked_add_months(Months::new(m)),
            Self::Days(d) => start.checked_add_days(Days::new(d.into())),
        }
    }

    /// Fewest and most days that the period can have.
    pub(crate) const fn days(self) -> (u32, u32) {
        match self {
            Self::Days(d) => (d, d),
            // Bounds, not the tightest: a test holds them against the calendar.
            Self::Months(m) if m < 12 => (m * 28, m * 31),
            Self::Months(m) => (m * 30 - m / 6, m * 30 + m / 2 + 2),
        }
    }

    /// Whether this period is never shorter than the other.
    pub(crate) const fn at_least(self, other: Self) -> bool {
        match (self, other) {
            (Self::Months(a), Self::Months(b)) | (Self::Days(a), Self::Days(b)) => a >= b,
            (a, b) => a.days().0 >= b.days().1,
        }
    }
}

impl Serialize for Period {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods() {
        for (text, want) in [
            ("6 months", Ok(Period::Months(6))),
            ("1 year", Ok(Period::Months(12))),
            ("2 weeks", Ok(Period::Days(14))),
            (" 30  days ", Ok(Period::Days(30))),
            ("0 days", Err(PeriodError::Zero)),
            ("6months", Err(PeriodError::Form)),
            ("-1 day", Err(PeriodError::Form)),
            ("1.5 years", Err(PeriodError::Form)),
            ("6 months 2 days", Err(PeriodError::Form)),
            ("6 Months", Err(PeriodError::Form)),
            ("2000 years", Err(PeriodError::TooLong)),
            ("99999999999 days", Err(PeriodError::TooLong)),
        ] {
            assert_eq!(text.parse::<Period>(), want, "{text}");
        }
        assert_eq!(Period::Months(24).to_string(), "2 years");
        assert_eq!(Period::Days(1).to_string(), "1 day");
        let written = serde_json::to_string(&Period::Days(14)).unwrap();
        assert_eq!((written.as_str(), serde_json::from_str(&written).ok()), ("\"2 weeks\"", Some(Period::Days(14))));
    }

    #[test]
    fn a_period_is_never_shorter_only_when_it_never_is() {
        let p = |s: &str| s.parse::<Period>().unwrap();
        assert!(p("1 month").at_least(p("28 days")));
        assert!(!p("1 month").at_least(p("29 days")));
        assert!(p("31 days").at_least(p("1 month")));
        assert!(!p("365 days").at_least(p("1 year")));
        for m in 1..=240u32 {
            let (least, most) = Period::Months(m).days();
            for start in NaiveDate::from_ymd_opt(1999, 1, 1).unwrap().iter_days().step_by(13).take(400) {
                let n = (Period::Months(m).after_day(start).unwrap() - start).num_days();
                assert!(i64::from(least) <= n && n <= i64::from(most), "{m} months from {start}: {n}");
            }
        }
    }
}

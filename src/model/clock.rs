//! The clock of a request: until when it has to be answered.
//!
//! Pure: dates in, dates out. The rules are the policy's, since other laws count otherwise; the default is GDPR Art. 12(3),
//! counted after Regulation (EEC, Euratom) No 1182/71 Art. 3.

use chrono::{Datelike, Days, NaiveDate, Weekday};
use serde::{Deserialize, Serialize};

use super::Period;

/// How the deadline of a request is counted. The default is GDPR Art. 12(3): one month, extendable by two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    /// From receipt to the answer.
    pub period: Period,
    /// By how much a notice inside the period extends it; it runs from receipt too.
    pub extension: Option<Period>,
    /// Public holidays, in order; a period does not end on them.
    pub holidays: Vec<NaiveDate>,
    /// Whether a period that would end on a free day ends with the next working day, as in the European Union.
    #[serde(default = "yes")]
    pub working_day: bool,
    /// How soon after receipt proof of identity has to be asked for, so that the wait for it counts (Art. 12(6), recital
    /// 64: without undue delay). Any time when not given.
    #[serde(default)]
    pub ask_within: Option<Period>,
    /// How long before the last day to warn, longest first.
    #[serde(default)]
    pub warn: Vec<Period>,
}

const fn yes() -> bool {
    true
}

impl Default for Clock {
    fn default() -> Self {
        Self {
            period: Period::Months(1),
            extension: Some(Period::Months(2)),
            holidays: Vec::new(),
            working_day: true,
            ask_within: None,
            warn: vec![Period::Days(7), Period::Days(2)],
        }
    }
}

/// A time in which the clock stood still, because proof of identity was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// The day on which it was asked for.
    pub asked: NaiveDate,
    /// The day on which the answer came; none while it is waited for.
    pub answered: Option<NaiveDate>,
}

impl Pause {
    /// How many days the clock stood still until `today`.
    #[must_use]
    pub fn days(&self, today: NaiveDate) -> u64 {
        u64::try_from((self.answered.unwrap_or(today) - self.asked).num_days()).unwrap_or(0)
    }
}

/// How pressing a deadline is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pressure {
    /// The last day has passed, so many days ago.
    Overdue(u64),
    /// A warning of the policy has been reached; so many days are left, none on the last day itself.
    Near(u64),
    /// So many days are left.
    Calm(u64),
}

impl Clock {
    /// The last day to answer a request received on `received`, without pauses. `None` beyond the calendar.
    #[must_use]
    pub fn due(&self, received: NaiveDate, extended: bool) -> Option<NaiveDate> {
        self.deadline(received, extended, &[], received)
    }

    /// The last day to answer a request received on `received`. The day of receipt is not counted (Art. 3(1) of the
    /// regulation); a month ends with the corresponding day, or the last day of the month where there is none (Art. 3(2)(c));
    /// the days of a pause come on top, of an open one those until `today`; and a period that would end on a Saturday, a
    /// Sunday or a public holiday ends with the next working day (Art. 3(4)). An extension runs from receipt, so months are
    /// added up before anything else. `None` beyond the calendar.
    #[must_use]
    pub fn deadline(
        &self,
        received: NaiveDate,
        extended: bool,
        pauses: &[Pause],
        today: NaiveDate,
    ) -> Option<NaiveDate> {
        let end = match (self.period, self.extension.filter(|_| extended)) {
            // Months are added up first: 31 January and three months is 30 April, not 28 April.
            (Period::Months(a), Some(Period::Months(b))) => Period::Months(a + b).after_day(received),
            (a, Some(b)) => b.after_day(a.after_day(received)?),
            (a, None) => a.after_day(received),
        }?;
        let stood: u64 = pauses.iter().map(|p| p.days(today)).sum();
        let end = end.checked_add_days(Days::new(stood))?;
        end.iter_days().find(|d| !self.is_free(*d))
    }

    fn is_free(&self, day: NaiveDate) -> bool {
        self.working_day
            && (matches!(day.weekday(), Weekday::Sat | Weekday::Sun) || self.holidays.binary_search(&day).is_ok())
    }

    /// Whether proof of identity asked for on `asked` was asked for soon enough for the wait to count.
    #[must_use]
    pub fn asked_in_time(&self, received: NaiveDate, asked: NaiveDate) -> bool {
        self.ask_within.and_then(|p| p.after_day(received)).is_none_or(|last| asked <= last)
    }

    /// How pressing a deadline is on `today`.
    #[must_use]
    pub fn pressure(&self, due: NaiveDate, today: NaiveDate) -> Pressure {
        let left = (due - today).num_days();
        let Ok(left) = u64::try_from(left) else { return Pressure::Overdue(left.unsigned_abs()) };
        // A period counted from today that reaches the last day or passes it: the warning is on.
        let near = self.warn.iter().any(|p| p.after_day(today).is_some_and(|d| d >= due));
        if near { Pressure::Near(left) } else { Pressure::Calm(left) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(s: &str) -> NaiveDate {
        s.parse().unwrap()
    }

    /// Examples from the regulation and from regulators' guidance, each with its source.
    #[test]
    fn examples_of_the_regulation_and_of_guidance() {
        let holidays = ["2018-05-01", "2021-12-27", "2021-12-28", "2026-05-01", "2026-12-25"].map(day).to_vec();
        let clock = Clock { holidays, ..Clock::default() };
        for (received, extended, due, source) in [
            // EDPB, Guidelines 01/2022 on the right of access, version 2.1, section 5.3.
            ("2022-03-05", false, "2022-04-05", "EDPB 01/2022: received 5 March, until and including 5 April"),
            ("2022-08-31", false, "2022-09-30", "EDPB 01/2022: received 31 August, 30 September at the latest"),
            // ICO, Right of access, "How long do we have to comply?" (version of 2019, after CJEU C-171/03).
            ("2018-09-03", false, "2018-10-03", "ICO: received 3 September, until 3 October"),
            ("2019-01-31", false, "2019-02-28", "ICO: received 31 January, by 28 February"),
            ("2020-01-31", false, "2020-03-02", "ICO: 29 February in a leap year, in 2020 a Saturday"),
            ("2018-04-01", false, "2018-05-02", "ICO: received 1 April, 1 May is a public holiday"),
            (
                "2021-11-25",
                false,
                "2021-12-29",
                "Art. 3(4): Christmas Day a Saturday, with its substitute days in England",
            ),
            // Regulation 1182/71 Art. 3(1) and CJEU C-171/03 (Toeters): the day of the event is not counted.
            ("2026-11-22", false, "2026-12-22", "Art. 3(2)(c): the same date"),
            // Art. 3(2)(c), second sentence: no such day, so the last day of the month.
            ("2026-10-31", false, "2026-11-30", "Art. 3(2)(c)"),
            // Art. 3(4): Sunday, Saturday or public holiday: the next working day.
            ("2026-01-31", false, "2026-03-02", "Art. 3(4): 28 February is a Saturday"),
            ("2026-04-01", false, "2026-05-04", "Art. 3(4): a holiday, then a weekend"),
            ("2026-11-25", false, "2026-12-28", "Art. 3(4): Christmas Day is a Friday"),
            // GDPR Art. 12(3), second sentence: by two further months, so three from receipt.
            ("2026-01-31", true, "2026-04-30", "three months, not 28 February and two months"),
            ("2026-11-30", true, "2027-03-01", "28 February 2027 is a Sunday"),
            ("2026-08-05", true, "2026-11-05", "three months"),
        ] {
            assert_eq!(clock.due(day(received), extended), Some(day(due)), "{source}");
        }
    }

    #[test]
    fn other_laws_count_otherwise() {
        // CCPA § 1798.130(a)(2)(A): 45 days, once extended by another 45 days.
        let ccpa = Clock {
            period: Period::Days(45),
            extension: Some(Period::Days(45)),
            working_day: false,
            ..Clock::default()
        };
        assert_eq!(ccpa.due(day("2026-01-01"), false), Some(day("2026-02-15")), "a Sunday all the same");
        assert_eq!(ccpa.due(day("2026-01-01"), true), Some(day("2026-04-01")));
    }

    #[test]
    fn a_wait_for_proof_of_identity_does_not_count() {
        let clock = Clock::default();
        let pause = |asked, answered: Option<&str>| Pause { asked: day(asked), answered: answered.map(day) };
        let (received, today) = (day("2026-11-03"), day("2026-11-20"));
        for (extended, pauses, due) in [
            (false, vec![], "2026-12-03"),
            // Six days: 9 December.
            (false, vec![pause("2026-11-05", Some("2026-11-11"))], "2026-12-09"),
            // Asked and answered on one day costs nothing.
            (false, vec![pause("2026-11-05", Some("2026-11-05"))], "2026-12-03"),
            // Still waiting: it moves on day by day, here by 15 days.
            (false, vec![pause("2026-11-05", None)], "2026-12-18"),
            // Two waits add up; the end then falls on a Saturday.
            (
                false,
                vec![pause("2026-11-04", Some("2026-11-07")), pause("2026-11-10", Some("2026-11-16"))],
                "2026-12-14",
            ),
            // The extension runs from receipt, the wait comes on top.
            (true, vec![pause("2026-11-05", Some("2026-11-11"))], "2027-02-09"),
        ] {
            assert_eq!(clock.deadline(received, extended, &pauses, today), Some(day(due)), "{extended} {pauses:?}");
        }
    }

    #[test]
    fn what_was_asked_for_late_does_not_stop_the_clock() {
        let clock = Clock { ask_within: Some(Period::Days(7)), ..Clock::default() };
        assert!(clock.asked_in_time(day("2026-11-03"), day("2026-11-10")));
        assert!(!clock.asked_in_time(day("2026-11-03"), day("2026-11-11")));
        assert!(Clock::default().asked_in_time(day("2026-11-03"), day("2026-12-31")));
    }

    #[test]
    fn warnings() {
        let clock = Clock { warn: vec![Period::Days(7), Period::Days(2)], ..Clock::default() };
        for (today, want) in [
            ("2026-12-01", Pressure::Calm(8)),
            ("2026-12-02", Pressure::Near(7)),
            ("2026-12-09", Pressure::Near(0)),
            ("2026-12-10", Pressure::Overdue(1)),
        ] {
            assert_eq!(clock.pressure(day("2026-12-09"), day(today)), want, "{today}");
        }
        assert_eq!(
            Clock { warn: vec![], ..clock }.pressure(day("2026-12-09"), day("2026-12-09")),
            Pressure::Calm(0),
            "without warnings there is none"
        );
    }

    proptest! {
        /// Whatever the dates: the last day is a working day, never before the corresponding day, and within a run of
        /// free days behind it; a longer wait never makes it earlier.
        #[test]
        fn the_last_day_is_a_working_day(start in 0u64..20_000, wait in 0u64..400, extended: bool, free in 0u64..40) {
            let received = day("1990-01-01").checked_add_days(Days::new(start)).unwrap();
            let plain = Period::Months(if extended { 3 } else { 1 }).after_day(received).unwrap();
            let clock = Clock { holidays: vec![plain.checked_add_days(Days::new(free)).unwrap()], ..Clock::default() };
            let asked = received;
            let pause = Pause { asked, answered: asked.checked_add_days(Days::new(wait)) };
            let due = clock.deadline(received, extended, &[pause], received).unwrap();
            let earliest = plain.checked_add_days(Days::new(wait)).unwrap();
            prop_assert!(!clock.is_free(due));
            prop_assert!(due >= earliest && due <= earliest.checked_add_days(Days::new(4)).unwrap());
            let longer = Pause { answered: asked.checked_add_days(Days::new(wait + 1)), ..pause };
            prop_assert!(clock.deadline(received, extended, &[longer], received).unwrap() >= due);
        }
    }
}

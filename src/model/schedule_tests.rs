use chrono::{Datelike, Duration, TimeZone, Timelike};
use proptest::prelude::*;

use super::*;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn nightly(catch_up: bool) -> Schedule {
    Schedule::parse("30 2 * * *", "Europe/Berlin", catch_up).unwrap()
}

#[test]
fn wrong_ones_are_told() {
    for (cron, zone, want) in [
        ("30 2 * *", "UTC", "is no cron expression"),
        ("61 2 * * *", "UTC", "is no cron expression"),
        ("nightly", "UTC", "is no cron expression"),
        ("", "UTC", "is no cron expression"),
        ("0 0 30 2 *", "UTC", "never comes"),
        ("30 2 * * *", "Berlin", "no time zone"),
        ("30 2 * * *", "", "no time zone"),
    ] {
        let error = Schedule::parse(cron, zone, true).unwrap_err().to_string();
        assert!(error.contains(want), "{cron} {zone}: {error}");
    }
    assert!(Schedule::parse("@daily", "UTC", true).is_ok());
}

#[test]
fn nights_of_the_clock() {
    let s = nightly(true);
    // Summer and winter time.
    assert_eq!(s.next(at("2026-07-01T12:00:00Z")), Some(at("2026-07-02T00:30:00Z")));
    assert_eq!(s.next(at("2026-12-01T12:00:00Z")), Some(at("2026-12-02T01:30:00Z")));
    // 29 March 2026 has no half past two: the run comes as soon as the hour was skipped.
    let skipped = s.next(at("2026-03-28T12:00:00Z")).unwrap();
    assert!(skipped >= at("2026-03-29T01:00:00Z") && skipped <= at("2026-03-29T01:30:00Z"), "{skipped}");
    assert_eq!(s.next(skipped), Some(at("2026-03-30T00:30:00Z")));
    // 25 October 2026 has it twice: the run comes once.
    let first = s.next(at("2026-10-24T12:00:00Z")).unwrap();
    assert_eq!(first, at("2026-10-25T00:30:00Z"));
    assert_eq!(s.next(first), Some(at("2026-10-26T01:30:00Z")));
}

#[test]
fn what_was_missed_is_caught_up_once() {
    let (s, last) = (nightly(true), at("2026-11-20T01:30:00Z"));
    assert_eq!(s.due(last, at("2026-11-20T12:00:00Z")), None);
    assert_eq!(s.due(last, at("2026-11-21T01:29:59Z")), None);
    let newest = s.due(last, at("2026-11-27T12:00:00Z"));
    assert_eq!(newest, Some(at("2026-11-27T01:30:00Z")), "the newest of seven");
    assert_eq!(s.due(newest.unwrap(), at("2026-11-27T12:00:01Z")), None, "once");
    assert_eq!(nightly(false).due(last, at("2026-11-27T12:00:00Z")), None);
    assert_eq!(nightly(false).due(last, at("2026-11-27T01:31:00Z")), Some(at("2026-11-27T01:30:00Z")));
    // A clock that was set back: nothing until it has caught up.
    assert_eq!(s.due(at("2026-11-27T01:30:00Z"), at("2026-11-26T12:00:00Z")), None);
    // Years behind.
    let minutely = Schedule::parse("* * * * *", "UTC", true).unwrap();
    assert_eq!(minutely.due(at("2001-01-01T00:00:00Z"), at("2026-11-27T12:00:30Z")), Some(at("2026-11-27T12:00:00Z")));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Against the slow way: every minute of two years is looked at on the wall. A run belongs to one wall-clock time of one day; what
    /// the clock skips comes behind the gap, what it repeats comes the first time.
    #[test]
    fn as_an_oracle_counts(
        minute in 0..60_u32, hour in 0..24_u32, day in prop_oneof![Just(None), (1..32_u32).prop_map(Some)],
        zone in prop::sample::select(vec!["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"]),
    ) {
        let text = format!("{minute} {hour} {} * *", day.map_or("*".to_owned(), |d| d.to_string()));
        let s = Schedule::parse(&text, zone, true).unwrap();
        let (from, to) = (at("2027-01-01T00:00:00Z"), at("2029-01-01T00:00:00Z"));
        let mut runs = Vec::new();
        let mut now = from;
        while let Some(next) = s.next(now).filter(|n| *n < to) {
            runs.push(next);
            now = next;
        }
        let mut want = Vec::new();
        let mut date = from.with_timezone(&s.zone()).date_naive();
        while date <= to.with_timezone(&s.zone()).date_naive() {
            if day.is_none_or(|d| d == date.day()) {
                let wall = date.and_hms_opt(hour, minute, 0).unwrap();
                let when = match s.zone().from_local_datetime(&wall) {
                    chrono::LocalResult::Single(t) | chrono::LocalResult::Ambiguous(t, _) => t.to_utc(),
                    // The first minute behind the gap.
                    chrono::LocalResult::None => (1..=180)
                        .find_map(|m| s.zone().from_local_datetime(&(wall + Duration::minutes(m))).earliest())
                        .unwrap()
                        .to_utc(),
                };
                if when > from && when < to {
                    want.push(when);
                }
            }
            date = date.succ_opt().unwrap();
        }
        prop_assert!(runs.iter().all(|r| r.second() == 0));
        // Behind a gap the minute may be that of its end or the wanted one moved on: both are within the hour.
        prop_assert_eq!(runs.len(), want.len(), "{} {}", text, zone);
        for (run, want) in runs.iter().zip(&want) {
            prop_assert!((*run - *want).num_minutes().abs() <= 60, "{run} {want}");
            let wall = run.with_timezone(&s.zone());
            prop_assert!(run == want || (wall.hour(), wall.minute()) != (hour, minute), "{} {} {}", text, run, want);
        }
    }
}

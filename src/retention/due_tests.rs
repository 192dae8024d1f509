use chrono::{Datelike, NaiveDate, TimeDelta, TimeZone};
use proptest::prelude::*;

use super::*;
use crate::{
    model::{Area, RecordType},
    policy::{Period, Policy},
};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn classes(text: &str) -> Vec<Class> {
    Policy::parse(&format!("[policy]\nname = \"p\"\n{text}"), "p").unwrap().classes().to_vec()
}

fn class(start: &str, period: &str, more: &str) -> Vec<Class> {
    let area = if start == "resolved" { "target" } else { "staging" };
    classes(&format!(
        "[[class]]\nid = \"c\"\nmatch = {{ area = \"{area}\" }}\nstart = \"{start}\"\nperiod = \"{period}\"\nthen = \"delete\"\nbasis = \"b\"\n{more}\n"
    ))
}

fn record(area: Area) -> Dated {
    Dated::of(Place::new(area, "s/processed"), RecordRef::of_issue(RecordType::Message, "1", "HQ-1"))
}

fn verdict<'c>(record: &Dated, classes: &'c [Class], now: DateTime<Utc>) -> Option<(&'c Class, Standing)> {
    verdicts(record, classes, now).pop()
}

#[test]
fn each_start_counts_from_its_own_date() {
    let (created, processed, updated) =
        (at("2026-01-01T00:00:00Z"), at("2026-02-01T00:00:00Z"), at("2026-03-01T00:00:00Z"));
    let message =
        Dated { created: Some(created), processed: Some(processed), updated: Some(updated), ..record(Area::Staging) };
    for (start, due) in [
        ("created", "2026-01-31T00:00:00Z"),
        ("processed", "2026-03-03T00:00:00Z"),
        ("updated", "2026-03-31T00:00:00Z"),
    ] {
        let classes = class(start, "30 days", "");
        let stands = |now| verdict(&message, &classes, now).unwrap().1;
        assert_eq!(stands(at(due)), Standing::Due(at(due)), "{start}");
        assert_eq!(stands(at(due) - TimeDelta::seconds(1)), Standing::NotYet, "{start}: nothing early");
    }
    let now = at("2030-01-01T00:00:00Z");
    let stands = |record: &Dated, start| verdict(record, &class(start, "30 days", ""), now).unwrap().1;
    assert_eq!(stands(&record(Area::Staging), "created"), Standing::Undated);
    assert_eq!(stands(&record(Area::Staging), "updated"), Standing::Undated);
    assert_eq!(stands(&record(Area::Staging), "processed"), Standing::NotBegun);
    assert_eq!(stands(&record(Area::Target), "resolved"), Standing::NotBegun);
    // A clock that is wrong by more than a day is no date.
    let ahead = Dated { created: Some(now + TimeDelta::hours(25)), ..record(Area::Staging) };
    assert_eq!(stands(&ahead, "created"), Standing::Undated);
    assert!(verdict(&record(Area::Log), &class("created", "30 days", ""), now).is_none());
}

/// The first class that applies decides, and one that keeps ends the asking.
#[test]
fn the_first_class_decides() {
    let both = classes(
        "[[class]]\nid = \"contract\"\nmatch = { area = \"target\", label = \"contract-*\" }\nstart = \"created\"\nperiod = \"10 years\"\nthen = \"keep\"\nbasis = \"b\"\n\
         [[class]]\nid = \"rest\"\nmatch = { area = \"target\", status = [\"Done\", \"Closed\"] }\nstart = \"resolved\"\nperiod = \"1 year\"\nthen = \"delete\"\nbasis = \"b\"\n",
    );
    let issue = Dated {
        resolved: Some(at("2024-02-29T12:00:00Z")),
        status: Some("Done".into()),
        labels: Some(vec!["contract-7".into()]),
        ..record(Area::Target)
    };
    let now = at("2026-11-27T00:00:00Z");
    let of = |record: &Dated| verdict(record, &both, now).map(|(c, s)| (c.id.clone(), s));
    assert_eq!(of(&issue), Some(("contract".into(), Standing::Kept)));
    let other = Dated { labels: Some(vec!["x".into()]), ..issue.clone() };
    // A leap day has its corresponding day on the 28th.
    assert_eq!(of(&other), Some(("rest".into(), Standing::Due(at("2025-02-28T12:00:00Z")))));
    assert_eq!(of(&Dated { status: Some("Open".into()), ..other }), None);
}

#[test]
fn a_due_record_is_marked_then_waits_then_goes() {
    let now = at("2026-11-27T00:00:00Z");
    let c = &class("created", "30 days", "grace = \"1 month\"")[0];
    let mark = |at: DateTime<Utc>| SweepMark { class: "c".into(), digest: c.digest.clone(), at };
    assert_eq!(stage(c, None, now), Stage::Mark);
    assert_eq!(stage(c, Some(&mark(at("2026-10-28T00:00:00Z"))), now), Stage::Wait(at("2026-11-28T00:00:00Z")));
    assert_eq!(stage(c, Some(&mark(at("2026-10-27T00:00:00Z"))), now), Stage::Go);
    // A class that was changed since, and a clock that was set back.
    let other = SweepMark { digest: "x".into(), ..mark(at("2026-01-01T00:00:00Z")) };
    assert_eq!(stage(c, Some(&other), now), Stage::Mark);
    assert_eq!(stage(c, Some(&mark(at("2026-11-28T00:00:00Z"))), now), Stage::Mark);
    assert_eq!(stage(&class("created", "30 days", "grace = \"none\"")[0], None, now), Stage::Go);
}

/// Whether a period is over, the slow way: day by day, months by counting to the day of the same number or the month's last.
fn over(start: DateTime<Utc>, period: Period, now: DateTime<Utc>) -> bool {
    let end = match period {
        Period::Days(d) => start + TimeDelta::days(d.into()),
        Period::Months(m) => {
            let date = start.date_naive();
            let (mut year, mut month) = (date.year(), date.month());
            for _ in 0..m {
                (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
            }
            let day = (1..=date.day()).rev().find_map(|d| NaiveDate::from_ymd_opt(year, month, d)).unwrap();
            Utc.from_utc_datetime(&day.and_time(start.time()))
        }
    };
    end <= now
}

proptest! {
    /// Two years of runs, some missed, some twice, with clocks that are off: what goes is what a simple oracle says, nothing
    /// early, nothing twice, nothing forgotten once runs are as usual.
    #[test]
    fn two_years_of_sweeps(
        made in prop::collection::vec((0..730_i64, 0..86_400_i64), 1..20),
        period in prop_oneof![(1..40_u32).prop_map(Period::Days), (1..14_u32).prop_map(Period::Months)],
        grace in prop_oneof![Just(None), (1..40_u32).prop_map(|d| Some(Period::Days(d)))],
        runs in prop::collection::vec((0..3_u32, -90..90_i64), 730),
    ) {
        let first = at("2027-01-30T23:30:00Z");
        let more = grace.map_or("grace = \"none\"".to_owned(), |g| format!("grace = \"{g}\""));
        let classes = class("created", &period.to_string(), &more);
        let records: Vec<Dated> = made.iter().map(|(day, second)| Dated {
            created: Some(first + TimeDelta::days(*day) + TimeDelta::seconds(*second)),
            ..record(Area::Staging)
        }).collect();
        let mut marks: Vec<Option<SweepMark>> = vec![None; records.len()];
        let mut gone: Vec<Option<DateTime<Utc>>> = vec![None; records.len()];
        let mut ran = Vec::new();
        for (day, (times, skew)) in (0_i64..).zip(&runs) {
            for again in 0..*times {
                let now = first + TimeDelta::days(day) + TimeDelta::minutes(skew + i64::from(again));
                ran.push(now);
                for (i, record) in records.iter().enumerate().filter(|(_, r)| r.created.unwrap() <= now) {
                    let Some((class, Standing::Due(end))) = verdict(record, &classes, now) else {
                        prop_assert!(gone[i].is_some() || !over(record.created.unwrap(), period, now));
                        continue;
                    };
                    prop_assert!(over(record.created.unwrap(), period, now) && end <= now, "nothing early");
                    if gone[i].is_some() {
                        continue;
                    }
                    match stage(class, marks[i].as_ref(), now) {
                        Stage::Mark => marks[i] = Some(SweepMark { class: class.id.clone(), digest: class.digest.clone(), at: now }),
                        Stage::Wait(until) => prop_assert!(until > now),
                        Stage::Go => {
                            if let Some(grace) = grace {
                                prop_assert!(over(marks[i].as_ref().unwrap().at, grace, now), "no grace");
                            }
                            gone[i] = Some(now);
                        }
                    }
                }
            }
        }
        for (record, gone) in records.iter().zip(gone) {
            // The first run at which the period, and behind it the grace, was over.
            let due = ran.iter().position(|now| over(record.created.unwrap(), period, *now) && record.created.unwrap() <= *now);
            let want = due.and_then(|i| match grace {
                None => Some(ran[i]),
                Some(grace) => ran[i..].iter().copied().find(|now| over(ran[i], grace, *now)),
            });
            // Runs of one day may be out of order by their skew, which begins a grace again.
            if ran.is_sorted() || grace.is_none() {
                prop_assert_eq!(gone, want);
            }
        }
    }
}

/// Where an instance does not say an issue's labels, a contract may keep it: a person decides, and nothing is deleted.
#[test]
fn labels_that_are_not_said_are_for_a_person() {
    let class = |id: &str, matches: &str, period: &str, then: &str| {
        format!(
            "[[class]]\nid = \"{id}\"\nmatch = {{ area = \"target\", {matches} }}\nstart = \"created\"\nperiod = \"{period}\"\n\
             then = \"{then}\"\nbasis = \"b\"\n"
        )
    };
    let all = classes(&format!(
        "{}{}{}",
        class("contract", "label = \"contract\"", "10 years", "keep"),
        class("texts", "record = \"issue\", label = \"old\", field = \"description\"", "1 year", "clear"),
        class("rest", "record = \"issue\"", "1 year", "delete"),
    ));
    let now = at("2026-11-27T00:00:00Z");
    let issue = Dated {
        created: Some(at("2020-01-01T00:00:00Z")),
        record: RecordRef::of_issue(RecordType::Issue, "1", "HQ-1"),
        ..record(Area::Target)
    };
    let of = |record: &Dated, classes: &[Class]| {
        verdicts(record, classes, now).into_iter().map(|(c, s)| (c.id.clone(), s)).collect::<Vec<_>>()
    };
    assert_eq!(of(&issue, &all), [("contract".to_owned(), Standing::Unread)]);
    let due = Standing::Due(at("2021-01-01T00:00:00Z"));
    assert_eq!(of(&issue, &all[1..]), [("texts".to_owned(), Standing::Unread), ("rest".to_owned(), due)]);
    let said = Dated { labels: Some(Vec::new()), ..issue.clone() };
    assert_eq!(of(&said, &all), [("rest".to_owned(), due)]);
    // What fails another condition need not be asked for its labels; and of what lies in no Jira nobody asks.
    let elsewhere = classes(&class("c", "project = \"X\", label = \"y\"", "1 year", "delete"));
    assert_eq!(of(&issue, &elsewhere), []);
    let staged = class("c", "label = \"y\"", "1 year", "delete").replace("target", "staging");
    assert_eq!(of(&record(Area::Staging), &classes(&staged)), []);
}

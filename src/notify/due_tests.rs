use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{
    erasure::drift::Drifted,
    model::{CaseKind, CaseRecord, CaseState, Pause, Period, Thing},
};

const CASE: &str = "C-01ARZ3NDEKTSV4RRFFQ69G5FAV";

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

fn case(due: &str) -> Case {
    Case {
        id: CASE.parse().unwrap(),
        subject: "p-3f9a".into(),
        kind: CaseKind::Erasure,
        state: CaseState::Planned,
        received: day("2026-11-09"),
        due: day(due),
        plan: None,
        record: CaseRecord { clock: Some(Clock::default()), ..CaseRecord::default() },
    }
}

fn told(case: Case, today: &str) -> Vec<Notice> {
    due(&Sight { cases: vec![case], ..Sight::default() }, at(&format!("{today}T12:00:00Z")))
}

#[test]
fn a_deadline_is_told_at_each_warning_and_when_it_is_past() {
    // The shipped clock warns 7 and 2 days before.
    let mut marks = Vec::new();
    for (today, state, left) in [
        ("2026-12-01", None, 0),
        ("2026-12-02", Some("near"), 7),
        ("2026-12-06", Some("near"), 3),
        ("2026-12-07", Some("near"), 2),
        ("2026-12-09", Some("near"), 0),
        ("2026-12-10", Some("overdue"), -1),
        ("2027-03-01", Some("overdue"), -82),
    ] {
        let notices = told(case("2026-12-09"), today);
        assert_eq!(notices.first().map(|n| n.state), state, "{today}");
        let Some(notice) = notices.into_iter().next() else { continue };
        assert_eq!((notice.counts["days_left"], notice.case.as_ref().unwrap().as_str()), (left, CASE), "{today}");
        assert!(notice.text.contains("2026-12-09") && notice.text.contains("planned"), "{}", notice.text);
        assert!(!format!("{notice:?}").contains("p-3f9a"), "no pseudonym: {notice:?}");
        marks.push(notice.mark);
    }
    marks.dedup();
    assert_eq!(marks.len(), 3, "7 days, 2 days, past: {marks:?}");
    let (near, later) = (told(case("2026-12-09"), "2026-12-05"), told(case("2027-02-09"), "2027-02-05"));
    assert_ne!(near[0].mark, later[0].mark, "the last day of an extension is another one");
}

#[test]
fn what_waits_for_nobody_is_not_told() {
    let answered = |c: &mut Case| c.record.answered = Some(day("2026-11-20"));
    let waits = |c: &mut Case| c.record.pauses.push(Pause { asked: day("2026-11-10"), answered: None });
    let over = |c: &mut Case| {
        c.record.pauses.push(Pause { asked: day("2026-11-10"), answered: Some(day("2026-11-11")) });
    };
    let no_clock = |c: &mut Case| c.record.clock = None;
    let no_warnings = |c: &mut Case| c.record.clock = Some(Clock { warn: vec![], ..Clock::default() });
    type Change<'a> = (&'a dyn Fn(&mut Case), usize, usize);
    let changes: [Change<'_>; 5] =
        [(&answered, 0, 0), (&waits, 0, 0), (&over, 1, 1), (&no_clock, 1, 1), (&no_warnings, 0, 1)];
    for (i, (change, near, past)) in changes.into_iter().enumerate() {
        let mut c = case("2026-12-09");
        change(&mut c);
        let told = ["2026-12-08", "2026-12-10"].map(|today| told(c.clone(), today).len());
        assert_eq!(told, [near, past], "change {i}");
    }
    for state in CaseState::ALL {
        let told = told(Case { state, ..case("2026-12-09") }, "2026-12-10").len();
        assert_eq!(told, usize::from(!state.has_ended()), "{state}");
    }
}

fn run(id: &str, begun: &str, summary: Value) -> SweepRun {
    let (begun, actor) = (at(begun), "admin".to_owned());
    let (policy, hash) = ("a".repeat(64), "b".repeat(64));
    SweepRun {
        id: id.into(),
        begun,
        ended: Some(begun),
        actor,
        policy,
        hash,
        approved_by: None,
        summary: Some(summary),
    }
}

fn of_sweeps(sweeps: Sweeps) -> Vec<(&'static str, String)> {
    let notices = due(&Sight { sweeps, ..Sight::default() }, at("2026-11-20T12:00:00Z"));
    assert!(notices.iter().all(|n| n.about == About::Sweep && n.case.is_none()));
    notices.into_iter().map(|n| (n.state, n.mark)).collect()
}

fn states(sweeps: Sweeps) -> Vec<&'static str> {
    of_sweeps(sweeps).into_iter().map(|(state, _)| state).collect()
}

#[test]
fn a_sweep_that_failed() {
    let bad = json!([{ "failed": 2, "refused": 0 }, { "failed": 0, "refused": 1 }]);
    let with = |summary: Value, outcome| Sweeps {
        last: Some(run("S-1", "2026-11-20T02:30:00Z", summary)),
        outcome,
        ..Sweeps::default()
    };
    for (summary, outcome, want) in [
        (json!([{ "failed": 0, "refused": 0, "deleted": 9 }]), None, 0),
        (json!([]), Some(0), 0),
        (json!(null), Some(1), 0),
        (json!([{ "failed": 1 }]), Some(3), 1),
        (json!([{ "refused": 1 }]), Some(4), 1),
        (json!([]), Some(2), 1),
        (json!([]), Some(3), 1),
        (json!([]), Some(70), 1),
        (bad.clone(), None, 1),
    ] {
        assert_eq!(states(with(summary.clone(), outcome)), vec!["failed"; want], "{summary} {outcome:?}");
    }
    let notice = due(&Sight { sweeps: with(bad.clone(), Some(3)), ..Sight::default() }, at("2026-11-20T12:00:00Z"));
    assert_eq!(notice[0].counts, [("exit_code", 3), ("failed", 2), ("refused", 1)].into());
    assert!(notice[0].text.contains("S-1: 2 records could not be deleted, 1 had changed"), "{}", notice[0].text);
    // The same failure in the next night is the same; another one is not.
    let mut next = with(bad, Some(3));
    next.last.as_mut().unwrap().id = "S-2".into();
    let mark = |s: Sweeps| of_sweeps(s).pop().unwrap().1;
    assert_eq!(mark(next), notice[0].mark);
    assert_ne!(mark(with(json!([{ "failed": 3 }]), Some(3))), notice[0].mark);
}

/// Marked, told, and then it goes: once for each run that marks anything, by class, and no record is named.
#[test]
fn what_a_sweep_marked_is_told() {
    let of = |id: &str, marked: u64| {
        let summary = json!([
            { "class": "staged", "then": "delete", "marked": marked, "waiting": 4 },
            { "class": "texts", "then": "redact", "marked": marked / 2 },
            { "class": "logs", "then": "review", "marked": 0 },
        ]);
        let sweeps = Sweeps { last: Some(run(id, "2026-11-20T02:30:00Z", summary)), ..Sweeps::default() };
        due(&Sight { sweeps, ..Sight::default() }, at("2026-11-20T12:00:00Z"))
    };
    let told = of("S-1", 3);
    assert_eq!(
        told.iter().map(|n| (n.state, n.summary.as_str())).collect::<Vec<_>>(),
        [("marked", "Sweep S-1 marked 4 records")]
    );
    assert!(told[0].text.contains("staged (delete): 3, texts (redact): 1."), "{}", told[0].text);
    assert_eq!(of("S-1", 0), [], "what waits was told when it was marked");
    assert_ne!(of("S-2", 3)[0].mark, told[0].mark, "another run marked others");
}

#[test]
fn a_sweep_that_has_not_ended() {
    let open = |state, busy, outcome| Sweeps {
        open: Some(Open { run: run("S-9", "2026-11-20T02:30:00Z", json!(null)), records: 4, state }),
        busy,
        outcome,
        ..Sweeps::default()
    };
    for (state, busy, outcome, want) in [
        (OpenState::Approval, false, None, vec!["approval"]),
        // The watch's own exit code says no more than that.
        (OpenState::Approval, false, Some(4), vec!["approval"]),
        (OpenState::Approval, false, Some(3), vec!["approval", "failed"]),
        (OpenState::CutOff, false, None, vec!["cut-off"]),
        (OpenState::CutOff, false, Some(4), vec!["cut-off", "failed"]),
        (OpenState::CutOff, true, None, vec![]),
        (OpenState::NextSweep, false, None, vec![]),
    ] {
        assert_eq!(states(open(state, busy, outcome)), want, "{state:?} {busy} {outcome:?}");
    }
    let mut other = open(OpenState::Approval, false, None);
    other.open.as_mut().unwrap().run.id = "S-10".into();
    assert_ne!(of_sweeps(other), of_sweeps(open(OpenState::Approval, false, None)), "each plan wants its own word");
}

#[test]
fn a_sweep_that_did_not_come() {
    // Every night at half past two; it is noon on the 20th.
    let schedule = Schedule::parse("30 2 * * *", "UTC", true).unwrap();
    let with = |last: Option<&str>, served: Option<&str>, busy| Sweeps {
        last: last.map(|begun| run("S-1", begun, json!([]))),
        served: served.map(at),
        schedule: Some(schedule.clone()),
        busy,
        ..Sweeps::default()
    };
    for (last, served, busy, want) in [
        (None, None, false, 0),
        (Some("2026-11-20T02:30:05Z"), None, false, 0),
        (Some("2026-11-19T02:30:05Z"), None, false, 1),
        (Some("2026-11-19T02:30:05Z"), None, true, 0),
        (None, Some("2026-11-20T02:30:00Z"), false, 0),
        (None, Some("2026-11-19T02:30:00Z"), false, 1),
        // By hand, since: the newer one counts.
        (Some("2026-11-20T09:00:00Z"), Some("2026-11-18T02:30:00Z"), false, 0),
        // Half past two of the next day is not due.
        (Some("2026-11-20T02:29:00Z"), None, false, 1),
    ] {
        assert_eq!(states(with(last, served, busy)), vec!["missed"; want], "{last:?} {served:?} {busy}");
    }
    let mark = |last| of_sweeps(with(Some(last), None, false)).pop().unwrap().1;
    assert_eq!(mark("2026-11-10T02:30:05Z"), mark("2026-11-10T08:00:00Z"), "the first that was missed");
    assert_ne!(mark("2026-11-10T02:30:05Z"), mark("2026-11-11T02:30:05Z"));
    let sight = Sight { sweeps: with(Some("2026-11-19T02:30:05Z"), None, false), ..Sight::default() };
    for (now, want) in [("2026-11-20T03:29:59Z", 0), ("2026-11-20T03:30:00Z", 1)] {
        assert_eq!(due(&sight, at(now)).len(), want, "an hour late at {now}");
    }
    let none = Sweeps { without_policy: true, ..Sweeps::default() };
    assert_eq!(states(none), Vec::<&str>::new(), "who never sweeps needs no policy for it");
    let all = Sweeps { without_policy: true, ..with(Some("2026-11-20T02:30:05Z"), None, false) };
    assert_eq!(states(all), ["no-policy"]);
}

#[test]
fn drift_is_told_in_counts() {
    let (a, b): (CaseId, CaseId) = (CASE.parse().unwrap(), "C-01ARZ3NDEKTSV4RRFFQ69G5FAW".parse().unwrap());
    let thing = |kind, name: &str, cases: &[&CaseId]| Drifted {
        thing: Thing::new(kind, name),
        cases: cases.iter().map(|c| (*c).clone()).collect(),
    };
    let log = thing(ThingKind::Log, "zoe-quill", &[&a, &b]);
    let sync = thing(ThingKind::Sync, "hq-quill", &[&a]);
    let of = |drifted: &[&Drifted]| {
        let drifted = drifted.iter().map(|d| (*d).clone()).collect();
        due(&Sight { drifted, ..Sight::default() }, at("2026-11-20T12:00:00Z"))
    };
    assert_eq!(of(&[]), []);
    let one = of(&[&log, &sync]).pop().unwrap();
    assert_eq!((one.about, one.counts["things"], one.counts["cases"]), (About::Drift, 2, 2));
    let said = serde_json::to_string(&one).unwrap();
    assert!(!said.contains("quill") && said.contains("log folder: 1"), "{said}");
    assert_eq!(of(&[&sync, &log])[0].mark, one.mark, "the order is none of its business");
    for other in [of(&[&log]), of(&[&log, &thing(ThingKind::Sync, "hq-part", &[&a])])] {
        assert_ne!(other[0].mark, one.mark);
    }
    let restored = Sight { restored: Some("2 in the database, 3 beside the key file".into()), ..Sight::default() };
    let notices = due(&restored, at("2026-11-20T12:00:00Z"));
    assert_eq!((notices[0].about, notices[0].state), (About::Drift, "restored"));
    assert!(notices[0].text.contains("efface case replay"), "{}", notices[0].text);
}

#[test]
fn residuals_and_the_order_of_it_all() {
    let (a, b): (CaseId, CaseId) = (CASE.parse().unwrap(), "C-01ARZ3NDEKTSV4RRFFQ69G5FAW".parse().unwrap());
    let mut late = case("2026-11-01");
    late.id = b.clone();
    let sight = Sight {
        cases: vec![case("2026-11-21"), late],
        residuals: [(a.clone(), 3), (b.clone(), 0)].into(),
        sweeps: Sweeps { outcome: Some(3), ..Sweeps::default() },
        restored: Some("x".into()),
        drifted: Vec::new(),
    };
    let notices = due(&sight, at("2026-11-20T12:00:00Z"));
    let told: Vec<_> = notices.iter().map(|n| (n.state, n.case.as_ref())).collect();
    let want =
        [("overdue", Some(&b)), ("near", Some(&a)), ("failed", None), ("restored", None), ("residual", Some(&a))];
    assert_eq!(told, want);
    assert_eq!(notices[4].counts["residuals"], 3);
    assert!(notices[4].summary.ends_with("3 references stay"), "{}", notices[4].summary);
}

proptest! {
    /// Day by day through the life of a request, whatever its clock: what is told anew goes from the first warning to the last and
    /// then to "past", each once, and nothing is told while the last day is further off than the longest warning.
    #[test]
    fn a_deadline_is_told_as_often_as_it_changes(
        warn in proptest::collection::vec(0u32..40, 0..4),
        start in 0u64..60,
        length in 1u64..90,
    ) {
        let due_on = day("2026-12-09");
        let clock = Clock { warn: warn.iter().map(|d| Period::Days(*d)).collect(), ..Clock::default() };
        let mut c = case("2026-12-09");
        c.record.clock = Some(clock);
        let first = due_on - chrono::Days::new(start);
        let mut told: Vec<(i64, &'static str)> = Vec::new();
        let mut mark = None;
        for today in first.iter_days().take(usize::try_from(length).unwrap()) {
            let sight = Sight { cases: vec![c.clone()], ..Sight::default() };
            let notices = due(&sight, today.and_hms_opt(0, 0, 0).unwrap().and_utc());
            let left = (due_on - today).num_days();
            let near = warn.iter().any(|w| i64::from(*w) >= left);
            prop_assert_eq!(notices.len(), usize::from(left < 0 || near), "{}", today);
            let new = notices.first().map(|n| n.mark.clone());
            if let Some(notice) = notices.first().filter(|_| new != mark) {
                told.push((left, notice.state));
            }
            mark = new;
        }
        // The oracle: the first day that is looked at inside a warning, then the day of each further warning, then the first day past.
        let last = i64::try_from(start).unwrap() - i64::try_from(length).unwrap() + 1;
        let seen = i64::try_from(start).unwrap();
        let mut want: Vec<(i64, &'static str)> = (last.max(0)..=seen)
            .rev()
            .filter(|left| {
                let at = |l: i64| warn.iter().filter(|w| i64::from(**w) >= l).count();
                at(*left) > 0 && (*left == seen || at(*left) != at(left + 1))
            })
            .map(|left| (left, "near"))
            .collect();
        if last < 0 {
            want.push((seen.min(-1), "overdue"));
        }
        prop_assert_eq!(told, want);
    }
}

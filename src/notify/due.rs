//! What is to be told, from what is known. Pure.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, SecondsFormat, TimeDelta, Utc};
use serde::Serialize;
use serde_json::Value;

use crate::{
    erasure::drift::Drifted,
    model::{About, CaseId, Clock, Pressure, Schedule, ThingKind},
    store::{Case, SweepRun},
};

/// A run of a sweep may come so much later than planned before it is called missed: another one may be at work, and a timer of the
/// system's own may be spread.
const LATE: TimeDelta = TimeDelta::hours(1);

/// One thing to tell, as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// What it is about.
    pub about: About,
    /// The thing: a case's id, or a word of ours. It stays the same while its state changes.
    pub thing: String,
    /// The case, where it is one's.
    pub case: Option<CaseId>,
    /// The state in a word.
    pub state: &'static str,
    /// One line.
    pub summary: String,
    /// Some lines, with what to do.
    pub text: String,
    /// The numbers in it, by name.
    pub counts: BTreeMap<&'static str, i64>,
    /// What has to change for it to be told again; days that pass are no change.
    #[serde(skip)]
    pub mark: String,
}

/// What is known.
#[derive(Debug, Clone, Default)]
pub struct Sight {
    /// All cases, as they stand today.
    pub cases: Vec<Case>,
    /// By case, how many references stay, as its newest certificate counted them.
    pub residuals: BTreeMap<CaseId, u64>,
    /// Sweeps.
    pub sweeps: Sweeps,
    /// Why it must be taken that something was put back from a backup.
    pub restored: Option<String>,
    /// What the configuration has and no case covered.
    pub drifted: Vec<Drifted>,
}

/// What is known of sweeps.
#[derive(Debug, Clone, Default)]
pub struct Sweeps {
    /// The last run that has ended.
    pub last: Option<SweepRun>,
    /// The run that has not, with nobody at work on it.
    pub open: Option<Open>,
    /// A sweep is at work right now.
    pub busy: bool,
    /// Exit code of the last run by the watch.
    pub outcome: Option<u8>,
    /// The planned time of the last run that the watch served.
    pub served: Option<DateTime<Utc>>,
    /// When runs are due.
    pub schedule: Option<Schedule>,
    /// The policy cannot be read, so that none of them will do anything.
    pub without_policy: bool,
}

/// A run that has not ended.
#[derive(Debug, Clone)]
pub struct Open {
    /// The run.
    pub run: SweepRun,
    /// How many records it would delete.
    pub records: usize,
    /// What it waits for.
    pub state: OpenState,
}

/// What an open run waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenState {
    /// Another person's approval.
    Approval,
    /// The next sweep, which carries out what was approved.
    NextSweep,
    /// It was cut off.
    CutOff,
}

impl Sight {
    /// Of what not all could be seen: while a sweep is at work nobody can say how it stands, and without a policy nobody knows whether
    /// a run waits for an approval.
    #[must_use]
    pub fn unsure(&self) -> BTreeSet<About> {
        let sweeps = self.sweeps.busy || self.sweeps.without_policy;
        sweeps.then_some(About::Sweep).into_iter().collect()
    }
}

/// What is to be told on `now`, the most pressing first.
#[must_use]
pub fn due(sight: &Sight, now: DateTime<Utc>) -> Vec<Notice> {
    let mut out = Vec::new();
    let mut cases: Vec<&Case> = sight.cases.iter().collect();
    cases.sort_by_key(|c| (c.due, &c.id));
    out.extend(cases.into_iter().filter_map(|case| deadline(case, now.date_naive())));
    sweeps(&sight.sweeps, now, &mut out);
    if let Some(why) = &sight.restored {
        out.push(Notice {
            text: format!(
                "Something was put back from a backup, so that an erasure may be forgotten: {why}. Nothing is synchronised, erased or swept until \
                 this has looked everywhere: efface case replay"
            ),
            ..notice(About::Drift, "restored", "restored", "Something was put back from a backup: the doors are shut")
        }
        .marked(why.clone()));
    }
    out.extend(drift(&sight.drifted));
    out.extend(sight.residuals.iter().filter(|(_, n)| **n > 0).map(|(case, n)| residual(case, *n)));
    out
}

fn notice(about: About, thing: impl Into<String>, state: &'static str, summary: impl Into<String>) -> Notice {
    Notice {
        about,
        thing: thing.into(),
        case: None,
        state,
        summary: summary.into(),
        text: String::new(),
        counts: BTreeMap::new(),
        mark: state.to_owned(),
    }
}

impl Notice {
    fn marked(mut self, more: impl AsRef<str>) -> Self {
        self.mark = format!("{} {}", self.state, more.as_ref());
        self
    }
}

fn number(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn many(n: u64, one: &str, more: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { more })
}

/// A case that waits for an answer and whose last day is near or past, by the warnings of its own clock.
fn deadline(case: &Case, today: NaiveDate) -> Option<Notice> {
    if case.state.has_ended() || case.record.answered.is_some() || case.record.waiting().is_some() {
        return None;
    }
    let default = Clock::default();
    let clock = case.record.clock.as_ref().unwrap_or(&default);
    let days = |n| many(n, "day", "days");
    let (state, left, words, was) = match clock.pressure(case.due, today) {
        Pressure::Calm(_) => return None,
        Pressure::Overdue(n) => ("overdue", -number(n), format!("overdue by {}", days(n)), "was"),
        Pressure::Near(0) => ("near", 0, "the last day".to_owned(), "is"),
        Pressure::Near(n) => ("near", number(n), format!("{} left", days(n)), "is"),
    };
    // Each warning that the policy wants is told, and another last day is another deadline.
    let warnings = clock.warn.iter().filter(|p| p.after_day(today).is_some_and(|d| d >= case.due)).count();
    let stage = if state == "near" { warnings } else { 0 };
    Some(
        Notice {
            case: Some(case.id.clone()),
            text: format!(
                "The answer to a request ({}, {}) {was} due on {}. The case is {}. See: efface case show {}",
                case.kind,
                case.kind.article(),
                case.due,
                case.state,
                case.id
            ),
            counts: [("days_left", left)].into(),
            ..notice(About::Deadline, case.id.as_str(), state, format!("Case {}: {words}", case.id))
        }
        .marked(format!("{stage} {}", case.due)),
    )
}

/// A count that a run left, summed over its classes.
fn sum(run: &SweepRun, what: &str) -> u64 {
    let classes = run.summary.as_ref().and_then(Value::as_array);
    classes.into_iter().flatten().filter_map(|c| c.get(what)?.as_u64()).sum()
}

fn sweeps(sweeps: &Sweeps, now: DateTime<Utc>, out: &mut Vec<Notice>) {
    if sweeps.without_policy && (sweeps.schedule.is_some() || sweeps.last.is_some()) {
        out.push(Notice {
            text: "The policy cannot be read, so no sweep deletes anything. See: efface policy check".to_owned(),
            ..notice(About::Sweep, "policy", "no-policy", "Sweeps: the policy cannot be read")
        });
    }
    out.extend(sweeps.open.as_ref().filter(|_| !sweeps.busy).and_then(open));
    let waits = sweeps.open.as_ref().is_some_and(|o| o.state == OpenState::Approval);
    // A run that waits for an approval says 4 too.
    let code = sweeps.outcome.filter(|code| !(matches!(code, 0 | 1) || *code == 4 && waits));
    let (failed, refused) = sweeps.last.as_ref().map_or((0, 0), |run| (sum(run, "failed"), sum(run, "refused")));
    if failed + refused > 0 || code.is_some() {
        let mut text = Vec::new();
        if let Some(run) = sweeps.last.as_ref().filter(|_| failed + refused > 0) {
            text.push(format!(
                "Sweep {}: {} could not be deleted, {refused} had changed since it was planned.",
                run.id,
                many(failed, "record", "records")
            ));
        }
        if let Some(code) = code {
            let why = match code {
                2 => "the configuration or the policy is wrong, and the watch has ended",
                3 => "something could not be read or deleted",
                4 => "a safety rule refused it",
                _ => "a bug in efface",
            };
            text.push(format!("The last run of the watch ended with exit code {code}: {why}."));
        }
        text.push("See what it said, then: efface sweep --dry-run".to_owned());
        let mut counts: BTreeMap<_, _> = [("failed", number(failed)), ("refused", number(refused))].into();
        counts.extend(code.map(|code| ("exit_code", i64::from(code))));
        out.push(
            Notice { text: text.join("\n"), counts, ..notice(About::Sweep, "failed", "failed", "A sweep failed") }
                // The same failure night after night is told once.
                .marked(format!("{failed} {refused} {code:?}")),
        );
    }
    out.extend(sweeps.last.as_ref().and_then(marked));
    out.extend(missed(sweeps, now));
}

/// What a run marked for the first time: it goes, or is changed, when its grace is over, unless somebody objects.
fn marked(run: &SweepRun) -> Option<Notice> {
    let n = sum(run, "marked");
    let by_class: Vec<String> = run
        .summary
        .as_ref()
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|c| Some((c.get("class")?.as_str()?, c.get("then")?.as_str()?, c.get("marked")?.as_u64()?)))
        .filter(|(_, _, n)| *n > 0)
        .map(|(class, then, n)| format!("{class} ({then}): {n}"))
        .collect();
    let text = format!(
        "Their time is over, and what their class says is done to them when its grace is over too. {}. To keep one: efface hold add, or another \
         policy. See: efface sweep --dry-run --list",
        by_class.join(", ")
    );
    let counts = [("records", number(n))].into();
    let summary = format!("Sweep {} marked {}", run.id, many(n, "record", "records"));
    (n > 0).then(|| Notice { text, counts, ..notice(About::Sweep, "marked", "marked", summary) }.marked(&run.id))
}

fn open(open: &Open) -> Option<Notice> {
    let run = &open.run.id;
    let records = many(open.records as u64, "record", "records");
    let (state, summary, text) = match open.state {
        OpenState::NextSweep => return None,
        OpenState::Approval => (
            "approval",
            format!("Sweep {run} waits for another person's approval"),
            format!(
                "It would delete {records}. efface sweep --dry-run --list shows them, efface sweep --approve HASH approves the plan that it names."
            ),
        ),
        OpenState::CutOff => (
            "cut-off",
            format!("Sweep {run} was cut off"),
            format!(
                "It was to delete {records} and has not ended. The next one goes on with what was begun: efface sweep"
            ),
        ),
    };
    let counts = [("records", number(open.records as u64))].into();
    Some(Notice { text, counts, ..notice(About::Sweep, "open", state, summary) }.marked(run))
}

/// A run that the schedule promised and that did not come. Who never swept and never watched was promised nothing.
fn missed(sweeps: &Sweeps, now: DateTime<Utc>) -> Option<Notice> {
    if sweeps.busy {
        return None;
    }
    let begun = [sweeps.last.as_ref(), sweeps.open.as_ref().map(|o| &o.run)].into_iter().flatten().map(|run| run.begun);
    let last = begun.chain(sweeps.served).max()?;
    let planned = sweeps.schedule.as_ref()?.next(last).filter(|at| *at + LATE <= now)?;
    let at = planned.to_rfc3339_opts(SecondsFormat::Secs, true);
    let text = format!(
        "The schedule wanted a sweep at {at}, and none came; the last one was at {}. Is the watch alive? efface sweep --health",
        last.to_rfc3339_opts(SecondsFormat::Secs, true)
    );
    Some(Notice { text, ..notice(About::Sweep, "missed", "missed", "A sweep did not come") }.marked(at))
}

/// What no case covered, in counts: names of folders, projects and synchronizations may be a person's.
fn drift(drifted: &[Drifted]) -> Option<Notice> {
    if drifted.is_empty() {
        return None;
    }
    let mut kinds: BTreeMap<ThingKind, u64> = BTreeMap::new();
    let mut cases: Vec<&CaseId> = Vec::new();
    let mut names: Vec<String> = Vec::new();
    for d in drifted {
        *kinds.entry(d.thing.kind).or_default() += 1;
        cases.extend(&d.cases);
        let of: Vec<&str> = d.cases.iter().map(CaseId::as_str).collect();
        names.push(format!("{} {} {}", d.thing.kind.as_str(), d.thing.name, of.join(" ")));
    }
    cases.sort_unstable();
    cases.dedup();
    names.sort_unstable();
    let (things, persons) = (drifted.len() as u64, cases.len() as u64);
    let by_kind: Vec<String> = kinds.iter().map(|(kind, n)| format!("{}: {n}", kind.as_str())).collect();
    let text = format!(
        "The configuration has {} that {} did not cover ({}): nobody has looked for those persons there. See: efface case drift",
        many(things, "thing", "things"),
        many(persons, "case", "cases"),
        by_kind.join(", ")
    );
    let counts = [("things", number(things)), ("cases", number(persons))].into();
    let summary = "Drift: the configuration has what no case covered";
    Some(Notice { text, counts, ..notice(About::Drift, "scope", "uncovered", summary) }.marked(names.join("\n")))
}

fn residual(case: &CaseId, n: u64) -> Notice {
    let (references, stay) =
        (many(n, "reference", "references"), if n == 1 { "reference stays" } else { "references stay" });
    Notice {
        case: Some(case.clone()),
        text: format!(
            "The newest certificate of the case counts {references} that could not be removed. The certificate lists each with why, and with who \
             could remove it; until then the case's report does too: efface report case {case}"
        ),
        counts: [("residuals", number(n))].into(),
        ..notice(About::Residual, case.as_str(), "residual", format!("Case {case}: {n} {stay}"))
    }
    .marked(n.to_string())
}

#[cfg(test)]
#[path = "due_tests.rs"]
mod tests;

//! The compliance report: `efface.compliance/1`, requests, sweeps, holds and recipients over a period.
//!
//! Plain data that the caller fills from the store, with counts and case ids and nobody's name or pseudonym. The same data gives the same
//! bytes.

mod sheet;

use std::collections::BTreeMap;

use askama::Template;
use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    html::{self, Bar},
    text::{csv, table},
};

/// The schema's name.
pub const SCHEMA: &str = "efface.compliance/1";

/// One case of the period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseLine {
    /// Its id.
    pub case: String,
    /// Erasure, restriction or access.
    pub kind: String,
    /// Where it stands.
    pub state: String,
    /// When the request was received.
    pub received: NaiveDate,
    /// The last day for the answer.
    pub due: NaiveDate,
    /// When the person was answered, or the case ended without an answer.
    pub done: Option<NaiveDate>,
    /// Days from receipt to that.
    pub days: Option<i64>,
    /// Whether it was, or is, past its last day.
    pub late: bool,
    /// Whether the time was extended.
    pub extended: bool,
    /// Whether it stands still, since something is asked of the person.
    pub waits: bool,
    /// Whether its last day is near.
    pub near: bool,
    /// Findings by outcome, as the newest certificate counted them; none where there is no certificate.
    pub outcomes: Option<BTreeMap<String, u64>>,
}

/// A recipient (GDPR Art. 19) over all cases of the period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipient {
    /// Its instance.
    pub instance: String,
    /// Notices that are still to be sent.
    pub to_send: u64,
    /// Notices that were sent.
    pub sent: u64,
    /// Of these, acknowledged.
    pub acknowledged: u64,
    /// Of these, not acknowledged in time.
    pub overdue: u64,
}

/// A hold in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldLine {
    /// Its id.
    pub hold: String,
    /// Preservation or restriction.
    pub kind: String,
    /// Since when (RFC 3339).
    pub since: String,
    /// When it is to be looked at again.
    pub review: Option<NaiveDate>,
    /// Whether that day has passed.
    pub passed: bool,
}

/// A sweep of the period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweepLine {
    /// Its id.
    pub run: String,
    /// When it began (RFC 3339).
    pub begun: String,
    /// When it ended; none while it is open.
    pub ended: Option<String>,
    /// Records that it deleted.
    pub deleted: u64,
    /// Records of which it changed fields, or which it had written anew.
    pub changed: u64,
    /// Records that could not be deleted, or had changed.
    pub failed: u64,
    /// Records that holds kept.
    pub held: u64,
    /// Records that are left for a later run.
    pub backlog: u64,
}

/// The scans of the period, for cases and by themselves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scans {
    /// All of them.
    pub all: u64,
    /// Those that could not read everything.
    pub incomplete: u64,
    /// Those of which it is not known, since the details of the audit chain are gone or older than this report.
    pub unknown: u64,
}

/// The report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compliance {
    /// [`SCHEMA`].
    pub schema: String,
    /// When (RFC 3339, UTC).
    pub generated_at: String,
    /// First day of the period.
    pub from: NaiveDate,
    /// Last day of the period.
    pub to: NaiveDate,
    /// Who answers for it, where the configuration says so.
    pub controller: Option<String>,
    /// Requests received in the period, or open in it.
    pub cases: Vec<CaseLine>,
    /// Recipients.
    pub recipients: Vec<Recipient>,
    /// Holds in force.
    pub holds: Vec<HoldLine>,
    /// Entries of the suppression list that hold, by scope.
    pub suppression: BTreeMap<String, u64>,
    /// Sweeps.
    pub sweeps: Vec<SweepLine>,
    /// Scans of the period.
    pub scans: Scans,
    /// The same by month (`2026-11`), those in which there were any.
    pub coverage: BTreeMap<String, Scans>,
    /// References that stay where nobody here can remove them, by place, as the newest certificates of the cases count them.
    pub residuals: BTreeMap<String, u64>,
    /// Position and hash of the newest event of the audit chain.
    pub audit_head: Option<(u64, String)>,
}

impl Compliance {
    fn done(&self) -> Vec<i64> {
        let mut days: Vec<i64> = self.cases.iter().filter_map(|c| c.days).collect();
        days.sort_unstable();
        days
    }

    /// Days from receipt to answer: median (the lower of two) and longest.
    #[must_use]
    pub fn days(&self) -> Option<(i64, i64)> {
        let days = self.done();
        Some((*days.get(days.len().checked_sub(1)? / 2)?, *days.last()?))
    }

    fn late(&self, open: bool) -> usize {
        self.cases.iter().filter(|c| c.late && c.done.is_none() == open).count()
    }

    /// Findings by outcome, over all cases that have a certificate; and how many have none.
    #[must_use]
    pub fn outcomes(&self) -> (BTreeMap<&str, u64>, usize) {
        let mut all = BTreeMap::new();
        for (outcome, n) in self.cases.iter().filter_map(|c| c.outcomes.as_ref()).flatten() {
            *all.entry(outcome.as_str()).or_default() += n;
        }
        (all, self.cases.iter().filter(|c| c.outcomes.is_none()).count())
    }

    /// What the report says in a few lines.
    #[must_use]
    pub fn sentences(&self) -> Vec<String> {
        let open = self.cases.iter().filter(|c| c.done.is_none()).count();
        let near = self.cases.iter().filter(|c| c.near && !c.late).count();
        let mut out = vec![format!(
            "{} requests from {} to {}: {} answered or ended, {open} open.",
            self.cases.len(),
            self.from,
            self.to,
            self.cases.len() - open
        )];
        if let Some((median, longest)) = self.days() {
            out.push(format!(
                "From receipt to answer: {median} days in the median, {longest} at most; {} late.",
                self.late(false)
            ));
        }
        out.push(format!("{} open requests are past their last day, {near} near it.", self.late(true)));
        let overdue: u64 = self.recipients.iter().map(|r| r.overdue).sum();
        let unsent: u64 = self.recipients.iter().map(|r| r.to_send).sum();
        out.push(format!("Recipients: {unsent} notices to send, {overdue} acknowledgements overdue."));
        let passed = self.holds.iter().filter(|h| h.passed).count();
        out.push(format!("{} holds in force, {passed} past the day to look again.", self.holds.len()));
        let sum = |of: fn(&SweepLine) -> u64| self.sweeps.iter().map(of).sum::<u64>();
        let (deleted, changed, failed) = (sum(|s| s.deleted), sum(|s| s.changed), sum(|s| s.failed));
        out.push(format!(
            "{} deleted {deleted} records and changed {changed}; {failed} could not be.",
            html::plural(self.sweeps.len() as u64, "sweep", "sweeps")
        ));
        let Scans { all, incomplete, unknown } = self.scans;
        out.push(format!(
            "{incomplete} of {all} scans could not read everything; of {unknown} it is not known any more."
        ));
        out
    }

    /// Whether somebody has to act: something is late, overdue, unsent, or could not be deleted.
    #[must_use]
    pub fn wants_action(&self) -> bool {
        self.late(true) > 0
            || self.recipients.iter().any(|r| r.overdue + r.to_send > 0)
            || self.holds.iter().any(|h| h.passed)
            || self.sweeps.iter().any(|s| s.failed > 0)
    }

    fn rows(&self) -> Vec<Vec<String>> {
        let day = |d: Option<NaiveDate>| d.map(|d| d.to_string()).unwrap_or_default();
        self.cases
            .iter()
            .map(|c| {
                let outcomes =
                    c.outcomes.iter().flatten().map(|(o, n)| format!("{o} {n}")).collect::<Vec<_>>().join(", ");
                let pressing = match (c.late, c.waits, c.near, c.done) {
                    (true, ..) => "late",
                    (_, true, ..) => "waits",
                    (_, _, true, None) => "near",
                    _ => "",
                };
                let days = c.days.map(|d| d.to_string()).unwrap_or_default();
                vec![
                    c.case.clone(),
                    c.kind.clone(),
                    c.state.clone(),
                    c.received.to_string(),
                    c.due.to_string(),
                    day(c.done),
                    days,
                    pressing.to_owned(),
                    outcomes,
                ]
            })
            .collect()
    }

    /// For a terminal.
    #[must_use]
    pub fn table(&self) -> String {
        format!("{}\n\n{}", self.sentences().join("\n"), table(&HEAD, &[6], &self.rows(), None))
    }

    /// The cases, for a spreadsheet.
    #[must_use]
    pub fn csv(&self) -> String {
        csv(&HEAD, self.rows())
    }

    /// As data.
    #[must_use]
    pub fn json(&self) -> String {
        let value = serde_json::to_value(self).unwrap_or(Value::Null);
        format!("{value:#}\n")
    }

    /// As Markdown, for a wiki or an issue.
    #[must_use]
    pub fn markdown(&self) -> String {
        sheet::doc(self).markdown()
    }

    /// As a page that prints.
    ///
    /// # Panics
    /// Never: the template is compiled.
    #[must_use]
    pub fn html(&self) -> String {
        Page::of(self).render().expect("a compiled template renders plain data")
    }

    /// Requests received by month, from the first to the last month of the period.
    fn months(&self) -> Vec<(String, u64, u64)> {
        let mut months: BTreeMap<(i32, u32), (u64, u64)> = BTreeMap::new();
        let mut at = (self.from.year(), self.from.month());
        while at <= (self.to.year(), self.to.month()) {
            months.insert(at, (0, 0));
            at = if at.1 == 12 { (at.0 + 1, 1) } else { (at.0, at.1 + 1) };
        }
        for case in &self.cases {
            if let Some((all, late)) = months.get_mut(&(case.received.year(), case.received.month())) {
                *all += 1;
                *late += u64::from(case.late);
            }
        }
        months.into_iter().map(|((y, m), (all, late))| (format!("{y}-{m:02}"), all, late)).collect()
    }
}

const HEAD: [&str; 9] = ["case", "kind", "state", "received", "due", "done", "days", "pressing", "outcomes"];

#[derive(Template)]
#[template(path = "compliance.html")]
struct Page<'a> {
    report: &'a Compliance,
    sentences: Vec<String>,
    class: &'static str,
    headline: &'static str,
    open: usize,
    late: usize,
    median: String,
    months: Vec<Bar>,
    times: Vec<Bar>,
    outcomes: Vec<Bar>,
    residuals: Vec<Bar>,
    coverage: Vec<Bar>,
    uncounted: usize,
    rows: Vec<Vec<String>>,
    suppressed: u64,
}

/// The scans of a month: what was read in part is told in words, beside a bar of another colour.
fn coverage((month, scans): (&String, &Scans)) -> (String, &'static str, &'static str, u64) {
    let Scans { all, incomplete, unknown } = *scans;
    let (class, note) = match (incomplete, unknown) {
        (0, 0) => ("good", "all of them read everything"),
        (0, _) => ("plain", "of some it is not known any more"),
        (n, _) if n == all => ("bad", "none of them read everything"),
        _ => ("bad", "some of them could not read everything"),
    };
    (month.clone(), class, note, all)
}

impl<'a> Page<'a> {
    fn of(report: &'a Compliance) -> Self {
        let months = report.months().into_iter().map(|(month, n, late)| {
            let class = if late > 0 { "bad" } else { "plain" };
            (month, class, if late > 0 { "some were or are late" } else { "" }, n)
        });
        let spans =
            [("up to a week", 0, 7), ("8 to 30 days", 8, 30), ("31 to 90 days", 31, 90), ("more", 91, i64::MAX)];
        let days = report.done();
        let times = spans.into_iter().map(|(label, from, to)| {
            let n = days.iter().filter(|d| (from..=to).contains(*d)).count() as u64;
            (label.to_owned(), "plain", "", n)
        });
        let (outcomes, uncounted) = report.outcomes();
        let outcomes = outcomes.into_iter().map(|(outcome, n)| {
            let class = match outcome {
                "erased" | "redacted" => "good",
                "failed" | "review" => "bad",
                _ => "plain",
            };
            (outcome.to_owned(), class, "", n)
        });
        let acts = report.wants_action();
        Self {
            report,
            sentences: report.sentences(),
            class: if acts { "bad" } else { "good" },
            headline: if acts { "Something waits for somebody" } else { "Nothing is overdue" },
            open: report.cases.iter().filter(|c| c.done.is_none()).count(),
            late: report.cases.iter().filter(|c| c.late).count(),
            median: report.days().map_or_else(|| "–".to_owned(), |(median, _)| median.to_string()),
            months: html::bars(months.collect()),
            times: html::bars(times.collect()),
            outcomes: html::bars(outcomes.collect()),
            residuals: html::bars(report.residuals.iter().map(|(p, n)| (p.clone(), "stays", "", *n)).collect()),
            coverage: html::bars(report.coverage.iter().map(coverage).collect()),
            uncounted,
            rows: report.rows(),
            suppressed: report.suppression.values().sum(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn case(received: &str, done: Option<&str>, due: &str) -> CaseLine {
        let done = done.map(day);
        CaseLine {
            case: format!("C-{received}"),
            kind: "erasure".into(),
            state: if done.is_some() { "closed" } else { "planned" }.into(),
            received: day(received),
            due: day(due),
            done,
            days: done.map(|d| (d - day(received)).num_days()),
            late: done.unwrap_or(day("2026-11-27")) > day(due),
            extended: false,
            waits: false,
            near: false,
            outcomes: done.map(|_| BTreeMap::from([("redacted".to_owned(), 3), ("residual".to_owned(), 1)])),
        }
    }

    fn report(cases: Vec<CaseLine>) -> Compliance {
        Compliance {
            schema: SCHEMA.into(),
            generated_at: "2026-11-27T12:00:00Z".into(),
            from: day("2026-09-01"),
            to: day("2026-11-30"),
            controller: Some("Example <Corporation>".into()),
            cases,
            recipients: Vec::new(),
            holds: Vec::new(),
            suppression: BTreeMap::from([("everywhere".into(), 4)]),
            sweeps: Vec::new(),
            scans: Scans { all: 3, incomplete: 1, unknown: 1 },
            coverage: BTreeMap::from([
                ("2026-10".into(), Scans { all: 2, incomplete: 1, unknown: 0 }),
                ("2026-11".into(), Scans { all: 1, incomplete: 0, unknown: 1 }),
            ]),
            residuals: BTreeMap::from([("target:partner/PART".into(), 3)]),
            audit_head: Some((7, "ab".into())),
        }
    }

    #[test]
    fn counts_and_words() {
        let all = report(vec![
            case("2026-09-01", Some("2026-09-11"), "2026-10-01"),
            case("2026-09-15", Some("2026-10-20"), "2026-10-15"),
            case("2026-10-01", Some("2026-10-03"), "2026-11-02"),
            case("2026-10-20", None, "2026-11-20"),
            case("2026-11-20", None, "2026-12-21"),
        ]);
        assert_eq!(all.days(), Some((10, 35)));
        assert_eq!(all.months(), [("2026-09".into(), 2, 1), ("2026-10".into(), 2, 1), ("2026-11".into(), 1, 0)]);
        assert_eq!(all.outcomes(), (BTreeMap::from([("redacted", 9), ("residual", 3)]), 2));
        let said = all.sentences().join("\n");
        assert!(said.contains("5 requests from 2026-09-01 to 2026-11-30: 3 answered or ended, 2 open."), "{said}");
        assert!(said.contains("10 days in the median, 35 at most; 1 late."), "{said}");
        assert!(said.contains("1 open requests are past their last day"), "{said}");
        assert!(all.wants_action());
        let none = report(Vec::new());
        assert_eq!((none.days(), none.wants_action()), (None, false));
        assert!(none.html().contains("Nothing is overdue"));
    }

    #[test]
    fn the_same_data_gives_the_same_bytes_in_every_face() {
        let all = || {
            report(vec![case("2026-09-01", Some("2026-09-11"), "2026-10-01"), case("2026-10-20", None, "2026-11-20")])
        };
        let (a, b) = (all(), all());
        assert_eq!((a.table(), a.csv(), a.json(), a.html()), (b.table(), b.csv(), b.json(), b.html()));
        let back: Compliance = serde_json::from_str(&a.json()).unwrap();
        assert_eq!(back, a);
        let page = a.html();
        assert!(
            page.contains("Example &#60;Corporation&#62;") || page.contains("Example &lt;Corporation&gt;"),
            "escaped"
        );
        assert!(page.contains("<svg") && page.contains("2026-09") && page.contains("C-2026-10-20"));
        assert_eq!(a.csv().lines().count(), 3);
    }
}

//! The report of a case: `efface.case-report/1`, what a data-protection officer hands over.
//!
//! Plain data that the caller fills; nobody is named in it: the caller masks paths and the names of records.

mod sheet;

use std::collections::BTreeMap;

use askama::Template;
use serde::{Deserialize, Serialize};

use super::{
    PolicyRef,
    html::{self, Bar, CoverageRow, Mark},
    matrix,
    text::{csv, table},
};
use crate::model::{Area, Coverage, CoverageStatus, MatrixRow, Outcome, Place, RecordRef};

/// The schema's name.
pub const SCHEMA: &str = "efface.case-report/1";

/// One station of a case, such as `received`, `planned`, `approved`, `executed`, `verified`, `closed`, `due`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Station {
    /// Which.
    pub what: String,
    /// When: a day or an RFC 3339 time.
    pub at: String,
    /// Who acted.
    pub by: Option<String>,
}

/// The plan that was carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanRef {
    /// SHA-256, what the approval names.
    pub hash: String,
    /// Records that it touches.
    pub steps: u64,
}

/// How many findings of a place ended how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// The place.
    pub place: Place,
    /// Where they ended.
    pub outcome: Outcome,
    /// How many.
    pub findings: u64,
}

/// A reference that is still there: kept, held, residual, failed or for review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stays {
    /// Where.
    pub place: Place,
    /// Which record, masked.
    pub record: RecordRef,
    /// Which field, masked.
    pub field: String,
    /// Where it ended.
    pub outcome: Outcome,
    /// Why it stays.
    pub why: String,
    /// Who could remove it.
    pub who: Option<String>,
}

/// What the search by another road found afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verified {
    /// When (RFC 3339, UTC).
    pub at: String,
    /// References that nobody said may stay; with one, the case cannot close.
    pub unexpected: u64,
    /// References that the plan lists as staying.
    pub listed: u64,
    /// Similar strings that are somebody else's.
    pub near_misses: u64,
}

/// What could not be read for good, and who signed it off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceptedGap {
    /// What kind, such as images' pixels.
    pub class: String,
    /// How many.
    pub count: u64,
    /// Why it cannot be read.
    pub reason: String,
    /// Who accepted it.
    pub by: String,
}

/// The newest event of the audit chain when the report was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditHead {
    /// Its number.
    pub sequence: u64,
    /// Its hash, which stands for all before it.
    pub hash: String,
}

/// Everything that the report of a case says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseReport {
    /// When it was made (RFC 3339, UTC).
    pub generated_at: String,
    /// The case's id.
    pub case: String,
    /// The subject's pseudonym.
    pub subject: String,
    /// Kind of request, such as `erasure`.
    pub kind: String,
    /// Where the case stands, such as `verified`.
    pub state: String,
    /// The policy.
    pub policy: PolicyRef,
    /// What happened when, in order.
    pub stations: Vec<Station>,
    /// The plan; `None` before there is one.
    pub plan: Option<PlanRef>,
    /// Where the findings ended, by place.
    pub outcomes: Vec<Count>,
    /// What is still there.
    pub stays: Vec<Stays>,
    /// What was read to make the plan.
    pub coverage_before: Vec<Coverage>,
    /// What was read to verify.
    pub coverage_after: Vec<Coverage>,
    /// What the verification means for every kind of storage place; empty before there is one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub matrix: Vec<MatrixRow>,
    /// The verification; `None` before there is one.
    pub verified: Option<Verified>,
    /// What was signed off as unreadable.
    pub accepted_gaps: Vec<AcceptedGap>,
    /// The audit chain's head.
    pub audit_head: Option<AuditHead>,
}

/// The result of a case in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Statement {
    /// Verified, everything was read, nothing is unexpected.
    Complete,
    /// The same, but for places that could not be read in full.
    CompleteExcept,
    /// Something is there that should be gone, or a step failed, or a review is open.
    Open,
    /// Nobody has verified yet.
    NotVerified,
    /// The case has ended, and what it knew of references was destroyed with its key.
    Ended,
}

#[derive(Serialize)]
struct Face<'a> {
    schema: &'a str,
    statement: Statement,
    #[serde(flatten)]
    report: &'a CaseReport,
}

impl CaseReport {
    /// The result in a word.
    #[must_use]
    pub fn statement(&self) -> Statement {
        let Some(verified) = &self.verified else {
            let ended = self.plan.is_none() && matches!(self.state.as_str(), "closed" | "withdrawn" | "rejected");
            return if ended { Statement::Ended } else { Statement::NotVerified };
        };
        let open = |o: Outcome| matches!(o, Outcome::Failed | Outcome::Review);
        if verified.unexpected > 0
            || self.outcomes.iter().any(|c| c.findings > 0 && open(c.outcome))
            || self.stays.iter().any(|s| open(s.outcome))
        {
            Statement::Open
        } else if self.gaps() > 0 || !self.accepted_gaps.is_empty() || self.coverage_after.is_empty() {
            Statement::CompleteExcept
        } else {
            Statement::Complete
        }
    }

    /// As JSON: `efface.case-report/1`.
    #[must_use]
    pub fn json(&self) -> String {
        let face = Face { schema: SCHEMA, statement: self.statement(), report: self };
        format!("{}\n", serde_json::to_string_pretty(&face).expect("a report has only texts and numbers"))
    }

    /// As CSV: a row a count, a row a reference that stays, a row a place.
    #[must_use]
    pub fn csv(&self) -> String {
        let head = [
            "row",
            "place",
            "outcome",
            "findings",
            "record_type",
            "record_id",
            "key",
            "path",
            "field",
            "why",
            "who",
            "status",
            "records",
            "bytes",
        ];
        let row = |cells: &[(usize, String)]| {
            let mut row = vec![String::new(); head.len()];
            for (i, text) in cells {
                row[*i].clone_from(text);
            }
            row
        };
        let counts = self.outcomes.iter().map(|c| {
            let outcome = html::outcome(c.outcome).1.to_owned();
            row(&[(0, "count".into()), (1, c.place.to_string()), (2, outcome), (3, c.findings.to_string())])
        });
        let stays = self.stays.iter().map(|s| {
            let of = |o: &Option<String>| o.clone().unwrap_or_default();
            row(&[
                (0, "stays".into()),
                (1, s.place.to_string()),
                (2, html::outcome(s.outcome).1.to_owned()),
                (4, s.record.record_type.as_str().to_owned()),
                (5, of(&s.record.id)),
                (6, of(&s.record.key)),
                (7, of(&s.record.path)),
                (8, s.field.clone()),
                (9, s.why.clone()),
                (10, of(&s.who)),
            ])
        });
        let places = |name: &'static str, coverage: &[Coverage]| -> Vec<Vec<String>> {
            coverage
                .iter()
                .map(|c| {
                    row(&[
                        (0, name.into()),
                        (1, c.place.to_string()),
                        (9, c.reason.clone().unwrap_or_default()),
                        (11, c.status.as_str().to_owned()),
                        (12, c.records.to_string()),
                        (13, c.bytes.to_string()),
                    ])
                })
                .collect()
        };
        let rows = counts
            .chain(stays)
            .chain(places("read-before", &self.coverage_before))
            .chain(places("read-after", &self.coverage_after))
            .chain(self.matrix.iter().map(|m| {
                let whose = m.instance.as_ref().map_or_else(|| "this host".to_owned(), ToString::to_string);
                row(&[
                    (0, "matrix".into()),
                    (1, format!("{whose}: {}", m.place.as_str())),
                    (9, m.reason.clone().unwrap_or_default()),
                    (10, m.ask.clone().unwrap_or_default()),
                    (11, m.status.as_str().to_owned()),
                ])
            }));
        csv(&head, rows)
    }

    /// As text for a terminal.
    #[must_use]
    pub fn table(&self) -> String {
        self.table_within(None)
    }

    /// As text of at most `width` columns, as far as the words allow.
    #[must_use]
    pub fn table_within(&self, width: Option<u16>) -> String {
        let mut out = format!(
            "case     {} ({}, {})\nsubject  {}\npolicy   {}\n",
            self.case, self.kind, self.state, self.subject, self.policy.name
        );
        if let Some(plan) = &self.plan {
            out.push_str(&format!("plan     {} ({})\n", plan.hash, html::plural(plan.steps, "step", "steps")));
        }
        out.push('\n');
        let stations: Vec<_> = self
            .stations
            .iter()
            .map(|s| vec![s.what.clone(), s.at.clone(), s.by.clone().unwrap_or_default()])
            .collect();
        out.push_str(&table(&["what", "when", "by"], &[], &stations, width));
        let outcomes: Vec<_> = self
            .outcomes
            .iter()
            .map(|c| vec![c.place.to_string(), html::outcome(c.outcome).1.to_owned(), c.findings.to_string()])
            .collect();
        out.push('\n');
        out.push_str(&table(&["place", "outcome", "findings"], &[2], &outcomes, width));
        if !self.stays.is_empty() {
            let rows: Vec<_> = self
                .stays
                .iter()
                .map(|s| {
                    let record = html::record(&s.record, str::to_owned);
                    let outcome = html::outcome(s.outcome).1.to_owned();
                    vec![
                        s.place.to_string(),
                        record,
                        s.field.clone(),
                        outcome,
                        s.why.clone(),
                        s.who.clone().unwrap_or_default(),
                    ]
                })
                .collect();
            out.push('\n');
            out.push_str(&table(
                &["place", "record", "field", "outcome", "why", "who could remove it"],
                &[],
                &rows,
                width,
            ));
        }
        let gaps: Vec<_> = self
            .coverage_after
            .iter()
            .filter(|c| !c.status.is_complete())
            .map(|c| vec![c.place.to_string(), c.status.as_str().to_owned(), c.reason.clone().unwrap_or_default()])
            .collect();
        if !gaps.is_empty() {
            out.push('\n');
            out.push_str(&table(&["not read in full", "status", "reason"], &[], &gaps, width));
        }
        out.push_str(&matrix::text(&self.matrix));
        out.push_str(&format!("\n{}: {}\n", self.headline(), self.sentence()));
        out
    }

    /// As Markdown, for a wiki or an issue.
    #[must_use]
    pub fn markdown(&self) -> String {
        sheet::doc(self).markdown()
    }

    /// As one self-contained HTML page.
    #[must_use]
    pub fn html(&self) -> String {
        Page::of(self).render().expect("a page is written into memory")
    }

    /// Places that the verification did not read in full, or not at all although the plan was made on them.
    fn gaps(&self) -> usize {
        let again = |p: &Place| self.coverage_after.iter().any(|c| c.place == *p);
        let left_out = |c: &&Coverage| c.status != CoverageStatus::Absent && !again(&c.place);
        self.coverage_after.iter().filter(|c| !c.status.is_complete()).count()
            + self.coverage_before.iter().filter(left_out).count()
    }

    /// Places that the verification read in full, of all.
    fn read(&self) -> (usize, usize) {
        let full = self.coverage_after.iter().filter(|c| c.status.is_complete()).count();
        (full, full + self.gaps())
    }

    fn headline(&self) -> &'static str {
        match self.statement() {
            Statement::Complete => "Complete",
            Statement::CompleteExcept => "Complete except",
            Statement::Open => "Not complete",
            Statement::NotVerified => "Not verified yet",
            Statement::Ended => "Ended",
        }
    }

    /// The result in a sentence or two.
    #[must_use]
    pub fn sentence(&self) -> String {
        let (gone, left) = self.gone_and_left();
        let done = format!(
            "{} erased or redacted, {} still there.",
            html::plural(gone, "reference was", "references were"),
            html::thousands(left)
        );
        if self.statement() == Statement::Ended {
            return "The case has ended, and what it knew of references was destroyed with its key. What remains are its stations and what was \
                    signed off; where a certificate was issued, it says what was found, done, kept and left."
                .to_owned();
        }
        let Some(v) = &self.verified else {
            return format!("{done} Nobody has searched again yet, so nothing is proven.");
        };
        let checked = match v.unexpected {
            0 => format!("The search afterwards, by another road, found nothing that is not listed here ({}).", v.at),
            n => format!(
                "The search afterwards found {} that should be gone.",
                html::plural(n, "reference", "references")
            ),
        };
        let gaps = match (self.gaps(), self.read().1) {
            (0, 0) => " It read no place.".to_owned(),
            (0, _) => " It read every place in full.".to_owned(),
            (n, all) => format!(" It could not read {n} of {all} places in full."),
        };
        let accepted = match self.accepted_gaps.iter().map(|g| g.count).sum() {
            0 => String::new(),
            n => format!(
                " {} cannot be read for good and {} signed off.",
                html::plural(n, "thing", "things"),
                if n == 1 { "was" } else { "were" }
            ),
        };
        format!("{done} {checked}{gaps}{accepted}")
    }

    fn gone_and_left(&self) -> (u64, u64) {
        let sum = |gone: bool| {
            let of = |c: &&Count| matches!(c.outcome, Outcome::Erased | Outcome::Redacted) == gone;
            self.outcomes.iter().filter(of).map(|c| c.findings).sum()
        };
        (sum(true), sum(false))
    }
}

#[derive(Template)]
#[template(path = "case.html")]
struct Page<'a> {
    report: &'a CaseReport,
    headline: &'static str,
    class: &'static str,
    sentence: String,
    gone: String,
    left: String,
    read: String,
    outcomes: Vec<Bar>,
    places: Vec<PlaceRow>,
    stays: Vec<StayRow>,
    changes: Vec<Change>,
    before: Vec<CoverageRow>,
    after: Vec<CoverageRow>,
    matrix: Vec<matrix::Line>,
    kinds: String,
}

struct PlaceRow {
    place: String,
    area: &'static str,
    gone: u64,
    left: u64,
    failed: u64,
}

/// References that stay for the same reason.
pub(super) struct StayRow {
    pub(super) outcome: Mark,
    pub(super) why: String,
    pub(super) who: String,
    pub(super) places: Vec<StayPlace>,
}

pub(super) struct StayPlace {
    pub(super) place: String,
    pub(super) records: Vec<String>,
}

/// A place that was read otherwise before than after.
struct Change {
    place: String,
    before: &'static str,
    after: &'static str,
}

impl<'a> Page<'a> {
    fn of(report: &'a CaseReport) -> Self {
        let (gone, left) = report.gone_and_left();
        let mut totals: BTreeMap<Outcome, u64> = BTreeMap::new();
        let mut places: BTreeMap<(Area, &Place), PlaceRow> = BTreeMap::new();
        for c in &report.outcomes {
            *totals.entry(c.outcome).or_default() += c.findings;
            let row = places.entry((c.place.area(), &c.place)).or_insert_with(|| PlaceRow {
                place: c.place.to_string(),
                area: html::area(c.place.area()),
                gone: 0,
                left: 0,
                failed: 0,
            });
            match c.outcome {
                Outcome::Erased | Outcome::Redacted => row.gone += c.findings,
                Outcome::Failed | Outcome::Review => row.failed += c.findings,
                Outcome::Kept | Outcome::Held | Outcome::Residual => row.left += c.findings,
            }
        }
        let (read, all) = report.read();
        Self {
            report,
            headline: report.headline(),
            class: match report.statement() {
                Statement::Complete => "good",
                Statement::CompleteExcept | Statement::NotVerified | Statement::Ended => "open",
                Statement::Open => "bad",
            },
            sentence: report.sentence(),
            gone: html::thousands(gone),
            left: html::thousands(left),
            read: format!("{read} of {all}"),
            outcomes: html::bars(
                totals
                    .into_iter()
                    .map(|(o, n)| {
                        let (class, name, meaning) = html::outcome(o);
                        (name.to_owned(), class, meaning, n)
                    })
                    .collect(),
            ),
            places: places.into_values().collect(),
            stays: stay_rows(&report.stays),
            changes: changes(&report.coverage_before, &report.coverage_after),
            before: html::coverage_rows(&report.coverage_before, str::to_owned),
            after: html::coverage_rows(&report.coverage_after, str::to_owned),
            matrix: matrix::lines(&report.matrix),
            kinds: matrix::counts(&report.matrix),
        }
    }
}

/// Groups what stays by reason, in the order in which the reasons come, and within a reason by place.
pub(super) fn stay_rows(stays: &[Stays]) -> Vec<StayRow> {
    let mut rows: Vec<StayRow> = Vec::new();
    let mut known: BTreeMap<(Outcome, &str, &str), usize> = BTreeMap::new();
    for s in stays {
        let who = s.who.as_deref().unwrap_or_default();
        let at = *known.entry((s.outcome, &s.why, who)).or_insert(rows.len());
        if at == rows.len() {
            let (class, text, _) = html::outcome(s.outcome);
            let (why, who) = (s.why.clone(), who.to_owned());
            rows.push(StayRow { outcome: Mark { class, text }, why, who, places: Vec::new() });
        }
        let places = &mut rows[at].places;
        let place = s.place.to_string();
        let record = html::record(&s.record, str::to_owned);
        let record = if s.field.is_empty() { record } else { format!("{record}, {}", s.field) };
        match places.iter_mut().find(|p| p.place == place) {
            Some(p) => p.records.push(record),
            None => places.push(StayPlace { place, records: vec![record] }),
        }
    }
    rows
}

/// Places whose status differs between two searches, or that only one of them knew.
fn changes(before: &[Coverage], after: &[Coverage]) -> Vec<Change> {
    let mut all: BTreeMap<&Place, (&'static str, &'static str)> = BTreeMap::new();
    for c in before {
        all.entry(&c.place).or_insert(("not listed", "not listed")).0 = c.status.as_str();
    }
    for c in after {
        all.entry(&c.place).or_insert(("not listed", "not listed")).1 = c.status.as_str();
    }
    if before.is_empty() || after.is_empty() {
        return Vec::new();
    }
    all.into_iter()
        .filter(|(_, (b, a))| a != b)
        .map(|(place, (before, after))| Change { place: place.to_string(), before, after })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RecordType;

    fn place(s: &str) -> Place {
        s.parse().unwrap()
    }

    fn report() -> CaseReport {
        CaseReport {
            generated_at: "2026-11-22T09:00:00Z".into(),
            case: "C-01ARZ3NDEKTSV4RRFFQ69G5FAV".into(),
            subject: "p-1".into(),
            kind: "erasure".into(),
            state: "verified".into(),
            policy: PolicyRef { name: "gdpr-default".into(), sha256: "abc".into() },
            stations: vec![Station { what: "received".into(), at: "2026-11-01".into(), by: None }],
            plan: Some(PlanRef { hash: "deadbeef".into(), steps: 1 }),
            outcomes: vec![
                Count { place: place("target:partner/PART"), outcome: Outcome::Redacted, findings: 7 },
                Count { place: place("target:partner/PART"), outcome: Outcome::Residual, findings: 1 },
                Count { place: place("foreign:backbone"), outcome: Outcome::Erased, findings: 2 },
            ],
            stays: vec![Stays {
                place: place("target:partner/PART"),
                record: RecordRef::of_issue(RecordType::History, "77", "PART-1"),
                field: "fromString".into(),
                outcome: Outcome::Residual,
                why: "history <cannot> be edited".into(),
                who: Some("the Jira administrator".into()),
            }],
            coverage_before: vec![Coverage::examined(place("target:partner/PART"), 3, 100)],
            coverage_after: vec![Coverage::examined(place("target:partner/PART"), 3, 90)],
            matrix: vec![],
            verified: Some(Verified { at: "2026-11-22T08:00:00Z".into(), unexpected: 0, listed: 1, near_misses: 2 }),
            accepted_gaps: vec![],
            audit_head: Some(AuditHead { sequence: 41, hash: "cafe".into() }),
        }
    }

    #[test]
    fn the_statement_follows_from_the_facts() {
        assert_eq!(report().statement(), Statement::Complete);
        let changed = |f: fn(&mut CaseReport)| {
            let mut r = report();
            f(&mut r);
            r.statement()
        };
        assert_eq!(changed(|r| r.verified = None), Statement::NotVerified);
        assert_eq!(changed(|r| r.coverage_after.clear()), Statement::CompleteExcept);
        assert_eq!(changed(|r| r.coverage_after[0].status = CoverageStatus::Partial), Statement::CompleteExcept);
        assert_eq!(
            changed(|r| r.coverage_before.push(Coverage::examined(place("log:jira"), 1, 1))),
            Statement::CompleteExcept,
            "a place that the verification left out"
        );
        assert_eq!(changed(|r| r.outcomes[0].outcome = Outcome::Failed), Statement::Open);
        assert_eq!(changed(|r| r.stays[0].outcome = Outcome::Review), Statement::Open);
        assert_eq!(
            changed(|r| r.verified = r.verified.clone().map(|v| Verified { unexpected: 1, ..v })),
            Statement::Open
        );
    }

    #[test]
    fn every_face_says_what_stays_and_who_could_remove_it() {
        let r = report();
        for face in [r.json(), r.csv(), r.table(), r.html()] {
            assert!(face.contains("the Jira administrator") && face.contains("PART-1"), "{face}");
        }
        assert!(r.html().contains("history &#60;cannot&#62; be edited"));
        let v: serde_json::Value = serde_json::from_str(&r.json()).unwrap();
        assert_eq!(
            (&v["schema"], &v["statement"], &v["stays"][0]["outcome"]),
            (&SCHEMA.into(), &"complete".into(), &"residual".into())
        );
        assert_eq!(serde_json::from_str::<CaseReport>(&r.json()).unwrap(), r);
    }

    #[test]
    fn what_is_not_proven_is_not_called_complete() {
        let mut r = report();
        r.verified = None;
        for face in [r.html(), r.table()] {
            assert!(face.contains("Not verified yet") && face.contains("nothing is proven"), "{face}");
        }
        r = report();
        (r.verified, r.plan, r.state) = (None, None, "closed".into());
        for face in [r.html(), r.table(), r.markdown()] {
            assert!(
                face.contains("destroyed with its key") && !face.contains("Nobody has searched again yet"),
                "{face}"
            );
        }
        assert_eq!(r.statement(), Statement::Ended);
        r.state = "scanned".into();
        assert_eq!(r.statement(), Statement::NotVerified);
        r = report();
        r.coverage_after.push(Coverage::with_reason(
            place("log:jira"),
            CoverageStatus::Unexamined,
            0,
            0,
            "permission denied",
        ));
        assert!(r.html().contains("Complete except") && r.html().contains("could not read 1 of 2 places"));
        assert!(r.html().contains("not listed"), "a place that only the verification knew");
        assert!(r.table().contains("permission denied"));
    }

    #[test]
    fn as_a_table() {
        insta::assert_snapshot!(report().table_within(Some(110)), @r"
        case     C-01ARZ3NDEKTSV4RRFFQ69G5FAV (erasure, verified)
        subject  p-1
        policy   gdpr-default
        plan     deadbeef (1 step)

          what       when         by
        ──────────────────────────────
          received   2026-11-01

          place                 outcome    findings
        ─────────────────────────────────────────────
          target:partner/PART   redacted          7
          target:partner/PART   residual          1
          foreign:backbone      erased            2

          place                 record               field        outcome    why                  who could remove
                                                                                                  it
        ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
          target:partner/PART   history entry 77     fromString   residual   history <cannot>     the Jira
                                of PART-1                                    be edited            administrator

        Complete: 9 references were erased or redacted, 1 still there. The search afterwards, by another road, found nothing that is not listed here (2026-11-22T08:00:00Z). It read every place in full.
        ");
    }

    #[test]
    fn html_is_self_contained_and_always_the_same() {
        let page = report().html();
        assert_eq!(page, report().html());
        for word in ["http://", "https://", "<script", "@import", "url(", "<link", "<img", " src="] {
            assert!(!page.contains(word), "{word} in the page");
        }
    }
}

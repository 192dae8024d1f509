//! The report of a scan: `efface.scan/1`, a contract that others read.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

use super::{
    PolicyRef,
    html::{self, Bar, CoverageRow},
    matrix,
    text::{csv, table},
};
use crate::model::{
    Area, Coverage, Decision, Finding, InstanceName, MatrixRow, MatrixStatus, Place, ProjectKey, RecordRef,
    ReferenceKind, Strength,
};

/// The schema's name.
pub const SCHEMA: &str = "efface.scan/1";

/// The findings of one record, field, locator and kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanFinding {
    /// Keyed hash; stable across scans. Of several references, the first's.
    pub id: String,
    /// Whose: the subject's pseudonym. Only with many subjects.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub subject: Option<String>,
    /// Kind of place.
    pub area: Area,
    /// The place.
    pub place: Place,
    /// The instance, for remote places.
    pub instance: Option<InstanceName>,
    /// The project, for remote places.
    pub project: Option<ProjectKey>,
    /// The record; its id and path masked.
    pub record: RecordRef,
    /// The field, masked.
    pub field: String,
    /// Where in the field, masked.
    pub locator: String,
    /// What kind of reference.
    pub kind: ReferenceKind,
    /// How sure.
    pub strength: Strength,
    /// How many references.
    pub count: u64,
    /// What the policy decides.
    pub decision: Decision,
    /// The rule that decided.
    pub rule: String,
    /// Why.
    pub reasons: Vec<String>,
}

/// Sums over the findings.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ScanTotals {
    /// Records that hold at least one reference.
    pub records: u64,
    /// References.
    pub references: u64,
    /// References by area.
    pub by_area: BTreeMap<Area, u64>,
    /// References by decision.
    pub by_decision: BTreeMap<Decision, u64>,
}

/// The report of a scan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanReport {
    /// `efface.scan/1`.
    pub schema: String,
    /// When (RFC 3339, UTC, `Z`).
    pub generated_at: String,
    /// The subject's pseudonym; `null` with many.
    pub subject: Option<String>,
    /// The pseudonyms of many subjects.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub subjects: Vec<String>,
    /// The policy that decided.
    pub policy: PolicyRef,
    /// What was read, and what was not.
    pub coverage: Vec<Coverage>,
    /// What that means for every kind of storage place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub matrix: Vec<MatrixRow>,
    /// What was found.
    pub findings: Vec<ScanFinding>,
    /// Sums.
    pub totals: ScanTotals,
    /// Who could remove what a rule leaves; for the faces that people read.
    #[serde(skip)]
    asks: BTreeMap<String, String>,
}

impl ScanReport {
    /// Puts a report together. `policy` is its name and SHA-256; `mask` hides what a path, a locator or the name of a
    /// record may say about a person. Findings are sorted and grouped, so that their order does not matter.
    ///
    /// A finding whose subject is not among `pseudonyms` gets no subject.
    #[must_use]
    pub fn new(
        pseudonyms: &[String],
        policy: (&str, &str),
        coverage: &[Coverage],
        findings: &[Finding],
        generated_at: DateTime<Utc>,
        mask: &dyn Fn(&str) -> String,
    ) -> Self {
        let many = pseudonyms.len() > 1;
        let mut sorted: Vec<&Finding> = findings.iter().collect();
        sorted.sort_by_cached_key(|f| sort_key(f));
        let mut totals = ScanTotals { references: findings.len() as u64, ..ScanTotals::default() };
        let mut records = BTreeSet::new();
        let mut grouped: Vec<ScanFinding> = Vec::new();
        let mut last: Option<&Finding> = None;
        for f in sorted {
            let r = &f.reference;
            records.insert((&r.place, &r.record));
            *totals.by_area.entry(r.place.area()).or_default() += 1;
            *totals.by_decision.entry(f.decision).or_default() += 1;
            match grouped.last_mut() {
                Some(group) if last.is_some_and(|l| same(l, f)) => group.count += 1,
                _ => grouped.push(ScanFinding {
                    id: f.id.clone(),
                    subject: many.then(|| pseudonyms.get(r.subject).cloned()).flatten(),
                    area: r.place.area(),
                    place: masked_place(&r.place, mask),
                    instance: r.instance.clone(),
                    project: r.project.clone(),
                    record: RecordRef {
                        record_type: r.record.record_type,
                        id: r.record.id.as_deref().map(mask),
                        key: r.record.key.clone(),
                        path: r.record.path.as_deref().map(mask),
                    },
                    field: mask(&r.field),
                    locator: mask(&r.locator),
                    kind: r.kind,
                    strength: r.strength,
                    count: 1,
                    decision: f.decision,
                    rule: f.rule.clone(),
                    reasons: f.reasons.clone(),
                }),
            }
            last = Some(f);
        }
        totals.records = records.len() as u64;
        let masked = |c: &Coverage| Coverage {
            place: masked_place(&c.place, mask),
            reason: c.reason.as_deref().map(mask),
            ..c.clone()
        };
        Self {
            schema: SCHEMA.to_owned(),
            generated_at: generated_at.to_rfc3339_opts(SecondsFormat::Secs, true),
            subject: if many { None } else { pseudonyms.first().cloned() },
            subjects: if many { pseudonyms.to_vec() } else { Vec::new() },
            policy: PolicyRef { name: policy.0.to_owned(), sha256: policy.1.to_owned() },
            coverage: coverage.iter().map(masked).collect(),
            matrix: Vec::new(),
            findings: grouped,
            totals,
            asks: BTreeMap::new(),
        }
    }

    /// Adds who could remove what a rule leaves, by rule id; the table and the HTML page say it.
    #[must_use]
    pub fn with_asks(mut self, asks: BTreeMap<String, String>) -> Self {
        self.asks = asks;
        self
    }

    /// Adds the coverage matrix.
    #[must_use]
    pub fn with_matrix(mut self, matrix: Vec<MatrixRow>) -> Self {
        self.matrix = matrix;
        self
    }

    /// Whether everything that should have been read was read.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.coverage.iter().all(|c| c.status.is_complete())
    }

    /// As JSON, by the contract.
    #[must_use]
    pub fn json(&self) -> String {
        format!("{}\n", serde_json::to_string_pretty(self).expect("a report has only texts and numbers"))
    }

    /// As CSV: a row a finding, and a row a place, so that what was not read cannot be overlooked.
    #[must_use]
    pub fn csv(&self) -> String {
        let head = [
            "row",
            "id",
            "subject",
            "area",
            "place",
            "instance",
            "project",
            "record_type",
            "record_id",
            "key",
            "path",
            "field",
            "locator",
            "kind",
            "strength",
            "count",
            "decision",
            "rule",
            "reasons",
            "status",
            "records",
            "bytes",
        ];
        let findings = self.findings.iter().map(|f| {
            let subject = f.subject.as_ref().or(self.subject.as_ref());
            let mut row = vec!["finding".to_owned(), f.id.clone(), subject.cloned().unwrap_or_default()];
            row.extend([f.area.to_string(), f.place.to_string()]);
            row.extend(
                [f.instance.as_ref().map(ToString::to_string), f.project.as_ref().map(ToString::to_string)]
                    .map(Option::unwrap_or_default),
            );
            row.push(f.record.record_type.as_str().to_owned());
            row.extend([&f.record.id, &f.record.key, &f.record.path].map(|o| o.clone().unwrap_or_default()));
            row.extend([
                f.field.clone(),
                f.locator.clone(),
                f.kind.as_str().to_owned(),
                f.strength.as_str().to_owned(),
            ]);
            row.extend([f.count.to_string(), f.decision.as_str().to_owned(), f.rule.clone(), f.reasons.join("; ")]);
            row.extend([String::new(), String::new(), String::new()]);
            row
        });
        let places = self.coverage.iter().map(|c| {
            let mut row = vec![String::new(); head.len()];
            row[0] = "place".to_owned();
            row[3] = c.area.to_string();
            row[4] = c.place.to_string();
            row[18] = c.reason.clone().unwrap_or_default();
            row[19] = c.status.as_str().to_owned();
            row[20] = c.records.to_string();
            row[21] = c.bytes.to_string();
            row
        });
        let matrix = self.matrix.iter().map(|m| {
            let mut row = vec![String::new(); head.len()];
            row[0] = "matrix".to_owned();
            row[4] = m.place.as_str().to_owned();
            row[5] = m.instance.as_ref().map(ToString::to_string).unwrap_or_default();
            row[18] = [&m.reason, &m.ask.as_ref().map(|a| format!("ask {a}"))]
                .into_iter()
                .flatten()
                .cloned()
                .collect::<Vec<_>>()
                .join("; ");
            row[19] = m.status.as_str().to_owned();
            row
        });
        csv(&head, findings.chain(places).chain(matrix))
    }

    /// As text for a terminal, as wide as that is.
    #[must_use]
    pub fn table(&self) -> String {
        self.table_within(None)
    }

    /// As text of at most `width` columns, as far as the words allow.
    #[must_use]
    pub fn table_within(&self, width: Option<u16>) -> String {
        let mut out = String::new();
        let who = self.subject.clone().unwrap_or_else(|| format!("{} persons", self.subjects.len()));
        out.push_str(&format!("subject  {who}\npolicy   {}\ntime     {}\n\n", self.policy.name, self.generated_at));
        let coverage: Vec<Vec<String>> = self
            .coverage
            .iter()
            .map(|c| {
                let reason = c.reason.clone().unwrap_or_default();
                vec![c.place.to_string(), c.status.as_str().into(), c.records.to_string(), c.bytes.to_string(), reason]
            })
            .collect();
        out.push_str(&table(&["place", "status", "records", "bytes", "reason"], &[2, 3], &coverage, width));
        if !self.findings.is_empty() {
            let many = self.subject.is_none();
            let rows: Vec<Vec<String>> = self
                .findings
                .iter()
                .map(|f| {
                    let mut row = if many { vec![f.subject.clone().unwrap_or_default()] } else { Vec::new() };
                    row.extend([f.place.to_string(), html::record(&f.record, str::to_owned), f.field.clone()]);
                    row.extend([f.kind.as_str().to_owned(), f.strength.as_str().to_owned(), f.count.to_string()]);
                    row.extend([f.decision.as_str().to_owned(), f.rule.clone()]);
                    row
                })
                .collect();
            let mut head = vec!["place", "record", "field", "kind", "strength", "n", "decision", "rule"];
            if many {
                head.insert(0, "subject");
            }
            out.push('\n');
            out.push_str(&table(&head, &[head.len() - 3], &rows, width));
        }
        let leaves = self.standing();
        if !leaves.is_empty() {
            out.push_str("\nWhat stays, and who could remove it:\n");
            for s in leaves {
                let who = if s.who.is_empty() { String::new() } else { format!(" — ask {}", s.who) };
                out.push_str(&format!("  {} × {}: {}{who}\n", s.count, s.rule, s.why));
            }
        }
        out.push_str(&matrix::text(&self.matrix));
        out.push_str(&format!("\n{}\n", self.sentence()));
        out
    }

    /// As one self-contained HTML page.
    #[must_use]
    pub fn html(&self) -> String {
        Page::of(self).render().expect("a page is written into memory")
    }

    /// The result in a sentence or two.
    #[must_use]
    pub fn sentence(&self) -> String {
        let t = &self.totals;
        let by: Vec<String> = t.by_decision.iter().map(|(d, n)| format!("{n} {}", d.as_str())).collect();
        let found = match t.references {
            0 => "Nothing was found.".to_owned(),
            n => format!(
                "{} in {}: {}.",
                html::plural(n, "reference", "references"),
                html::plural(t.records, "record", "records"),
                by.join(", ")
            ),
        };
        let gaps = self.gaps();
        // What no configuration names is no gap of this scan, nor anything that it could call complete.
        let read = |m: &&MatrixRow| matches!(m.status, MatrixStatus::Examined | MatrixStatus::Absent);
        let beyond = (self.matrix.len() - self.matrix.iter().filter(read).count()) as u64;
        if gaps == 0 && beyond == 0 {
            format!("{found} Every place was read in full.")
        } else if gaps == 0 {
            let kinds = html::plural(beyond, "kind of place beyond was", "kinds of places beyond were");
            format!("{found} Every configured place was read in full; {kinds} not, as the matrix says.")
        } else {
            format!(
                "{found} Not complete: {} of {} places were not read in full, and may hold more.",
                gaps,
                self.coverage.len()
            )
        }
    }

    fn gaps(&self) -> usize {
        self.coverage.iter().filter(|c| !c.status.is_complete()).count()
    }

    fn standing(&self) -> Vec<Standing> {
        self.by_rule(|d| matches!(d, Decision::Residual | Decision::Keep))
    }

    /// Counts by rule, for the decisions that are asked for.
    fn by_rule(&self, wanted: impl Fn(Decision) -> bool) -> Vec<Standing> {
        let mut rules: BTreeMap<(Decision, &str, String), u64> = BTreeMap::new();
        for f in self.findings.iter().filter(|f| wanted(f.decision)) {
            *rules.entry((f.decision, &f.rule, f.reasons.join("; "))).or_default() += f.count;
        }
        rules
            .into_iter()
            .map(|((decision, rule, why), count)| Standing {
                decision: decision.as_str(),
                class: html::decision(decision).0,
                rule: rule.to_owned(),
                why,
                who: self.asks.get(rule).cloned().unwrap_or_default(),
                count,
            })
            .collect()
    }
}

/// Place, record and position: numbers in keys and ids count as numbers, so that `PART-2` comes before `PART-10`.
fn sort_key(f: &Finding) -> impl Ord + use<> {
    let r = &f.reference;
    let natural = |s: Option<&str>| {
        let s = s.unwrap_or_default();
        let digits = s.len() - s.bytes().rev().take_while(u8::is_ascii_digit).count();
        (s[..digits].to_owned(), s.len() - digits, s[digits..].to_owned())
    };
    (
        (r.subject, r.place.clone(), natural(r.record.key.as_deref()), r.record.record_type),
        (natural(r.record.id.as_deref()), r.record.path.clone(), r.field.clone(), r.locator.clone()),
        (r.kind, f.decision, f.rule.clone(), r.strength, f.id.clone()),
    )
}

fn same(a: &Finding, b: &Finding) -> bool {
    let (x, y) = (&a.reference, &b.reference);
    x.subject == y.subject
        && x.place == y.place
        && x.record == y.record
        && x.field == y.field
        && x.locator == y.locator
        && x.kind == y.kind
        && x.strength == y.strength
        && a.decision == b.decision
        && a.rule == b.rule
        && a.reasons == b.reasons
}

fn masked_place(place: &Place, mask: &dyn Fn(&str) -> String) -> Place {
    Place::new(place.area(), mask(place.spot()))
}

struct Standing {
    decision: &'static str,
    class: &'static str,
    rule: String,
    why: String,
    who: String,
    count: u64,
}

#[derive(Template)]
#[template(path = "scan.html")]
struct Page<'a> {
    report: &'a ScanReport,
    who: String,
    sentence: String,
    complete: bool,
    read: String,
    references: String,
    records: String,
    acts: String,
    stays: String,
    asks: String,
    decisions: Vec<Bar>,
    areas: Vec<Bar>,
    coverage: Vec<CoverageRow>,
    matrix: Vec<matrix::Line>,
    kinds: String,
    places: Vec<PlacePart>,
    standing: Vec<Standing>,
    reviews: Vec<Standing>,
    rules: Vec<Standing>,
}

struct PlacePart {
    place: String,
    area: &'static str,
    summary: String,
    rows: Vec<Row>,
}

struct Row {
    subject: String,
    record: String,
    field: String,
    locator: String,
    what: String,
    count: u64,
    decision: &'static str,
    class: &'static str,
    rule: String,
}

impl<'a> Page<'a> {
    fn of(report: &'a ScanReport) -> Self {
        let t = &report.totals;
        let sum = |wanted: &dyn Fn(Decision) -> bool| -> String {
            html::thousands(t.by_decision.iter().filter(|(d, _)| wanted(**d)).map(|(_, n)| n).sum())
        };
        let mut places: Vec<PlacePart> = Vec::new();
        for f in &report.findings {
            let place = f.place.to_string();
            if places.last().is_none_or(|p| p.place != place) {
                places.push(PlacePart { place, area: html::area(f.area), summary: String::new(), rows: Vec::new() });
            }
            let Some(part) = places.last_mut() else { continue };
            part.rows.push(Row {
                subject: f.subject.clone().unwrap_or_default(),
                record: html::record(&f.record, str::to_owned),
                field: f.field.clone(),
                locator: f.locator.clone(),
                what: format!("{}, {}", html::kind(f.kind), html::strength(f.strength)),
                count: f.count,
                decision: f.decision.as_str(),
                class: html::decision(f.decision).0,
                rule: f.rule.clone(),
            });
        }
        for part in &mut places {
            part.summary = html::plural(part.rows.iter().map(|r| r.count).sum(), "reference", "references");
        }
        let read = report.coverage.len() - report.gaps();
        Self {
            report,
            who: report.subject.clone().unwrap_or_else(|| format!("{} persons", report.subjects.len())),
            sentence: report.sentence(),
            complete: report.is_complete(),
            read: format!("{read} of {}", report.coverage.len()),
            references: html::thousands(t.references),
            records: html::thousands(t.records),
            acts: sum(&Decision::acts),
            stays: sum(&|d| matches!(d, Decision::Residual | Decision::Keep)),
            asks: sum(&|d| d == Decision::Review),
            decisions: html::bars(
                t.by_decision
                    .iter()
                    .map(|(d, n)| (d.as_str().to_owned(), html::decision(*d).0, html::decision(*d).1, *n))
                    .collect(),
            ),
            areas: html::bars(t.by_area.iter().map(|(a, n)| (html::area(*a).to_owned(), "plain", "", *n)).collect()),
            coverage: html::coverage_rows(&report.coverage, str::to_owned),
            matrix: matrix::lines(&report.matrix),
            kinds: matrix::counts(&report.matrix),
            places,
            standing: report.standing(),
            reviews: report.by_rule(|d| d == Decision::Review),
            rules: report.by_rule(Decision::acts),
        }
    }
}

#[cfg(test)]
#[path = "scan_tests.rs"]
mod tests;

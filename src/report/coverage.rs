//! The coverage report: `efface.coverage-report/1`, how far every configured place was read when it was last looked at.
//!
//! Plain data that the caller fills from store and configuration; nothing is read anew for it, and nobody is named in it. What was
//! never looked at says so (law 1).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    case::AuditHead,
    doc::{Cell, Doc, Grid, Part, Section, Stacked, Verdict},
    html, matrix,
    text::csv,
};
use crate::model::{Area, CoverageStatus, Looked, MatrixRow, Place};

/// The schema's name.
pub const SCHEMA: &str = "efface.coverage-report/1";

/// A place and what is known of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceLine {
    /// The place.
    pub place: Place,
    /// Its area.
    pub area: Area,
    /// Whether the configuration names it, or what it is a part of. What it names no more is told, and not judged.
    pub configured: bool,
    /// How far it was read when it was last looked at; none where nobody ever looked.
    pub status: Option<CoverageStatus>,
    /// What looked.
    pub looked: Option<Looked>,
    /// When (RFC 3339).
    pub at: Option<String>,
    /// Whole days since.
    pub days: Option<i64>,
    /// Records read.
    pub records: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Why something was not read.
    pub reason: Option<String>,
    /// When nothing of it was left unread (RFC 3339).
    pub complete_at: Option<String>,
}

/// A place that a case was closed without having read in full.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// The place.
    pub place: String,
    /// How many cases.
    pub cases: u64,
    /// Who signed it off.
    pub by: Vec<String>,
    /// When it was last done (RFC 3339).
    pub last: String,
    /// The reason that was given then.
    pub reason: Option<String>,
}

/// The report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoverageReport {
    /// [`SCHEMA`].
    pub schema: String,
    /// When (RFC 3339, UTC).
    pub generated_at: String,
    /// Every place, in the order of areas and names.
    pub places: Vec<PlaceLine>,
    /// What was signed off as unread.
    pub accepted_gaps: Vec<Gap>,
    /// Closed cases of which it is not known any more what was signed off, since the details of the audit chain are gone.
    pub forgotten: u64,
    /// What that means for every kind of storage place.
    pub matrix: Vec<MatrixRow>,
    /// The audit chain's head.
    pub audit_head: Option<AuditHead>,
}

/// What can be said of a place, worst last.
const KINDS: [(&str, &str); 5] = [
    ("good", "read in full"),
    ("plain", "does not exist"),
    ("stays", "read in part"),
    ("bad", "not read"),
    ("asks", "never looked at"),
];

const fn kind(status: Option<CoverageStatus>) -> usize {
    match status {
        Some(CoverageStatus::Examined) => 0,
        Some(CoverageStatus::Absent) => 1,
        Some(CoverageStatus::Partial) => 2,
        Some(CoverageStatus::Unexamined) => 3,
        None => 4,
    }
}

impl CoverageReport {
    fn configured(&self) -> impl Iterator<Item = &PlaceLine> {
        self.places.iter().filter(|p| p.configured)
    }

    fn counts(&self) -> [usize; 5] {
        let mut counts = [0; 5];
        for place in self.configured() {
            counts[kind(place.status)] += 1;
        }
        counts
    }

    /// Whether every configured place was read in full, or known not to exist, when it was last looked at.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.configured().all(|p| p.status.is_some_and(CoverageStatus::is_complete))
    }

    /// The days since the place was looked at that waits longest.
    #[must_use]
    pub fn oldest(&self) -> Option<i64> {
        self.configured().filter_map(|p| p.days).max()
    }

    fn sentence(&self) -> String {
        let all: usize = self.counts().iter().sum();
        let [full, absent, part, none, never] = self.counts();
        let age = match self.oldest() {
            Some(1) => " The oldest look is 1 day old.".to_owned(),
            Some(days) => format!(" The oldest look is {days} days old."),
            None => String::new(),
        };
        format!(
            "Of {}, {full} were read in full when they were last looked at, {absent} do not exist, {part} were read in part, \
             {none} could not be read, {never} were never looked at.{age}",
            html::plural(all as u64, "configured place", "configured places")
        )
    }

    const HEAD: [&'static str; 11] = [
        "place",
        "kind",
        "configured",
        "status",
        "last_looked_at",
        "days",
        "by",
        "records",
        "bytes",
        "why_not",
        "last_read_in_full",
    ];

    /// The places, the gaps and the kinds of storage places, for a spreadsheet.
    #[must_use]
    pub fn csv(&self) -> String {
        let head: Vec<&str> = std::iter::once("row").chain(Self::HEAD).collect();
        let text = |t: &Option<String>| t.clone().unwrap_or_default();
        let places = self.places.iter().map(|p| {
            vec![
                "place".to_owned(),
                p.place.to_string(),
                html::area(p.area).to_owned(),
                if p.configured { "yes" } else { "no" }.to_owned(),
                KINDS[kind(p.status)].1.to_owned(),
                text(&p.at),
                p.days.map(|d| d.to_string()).unwrap_or_default(),
                p.looked.map_or("", looked).to_owned(),
                p.records.to_string(),
                p.bytes.to_string(),
                text(&p.reason),
                text(&p.complete_at),
            ]
        });
        let row = |row: &str, place: String, status: String, at: String, by: String, n: u64, why: String| {
            let none = String::new;
            vec![row.to_owned(), place, none(), none(), status, at, none(), by, n.to_string(), none(), why, none()]
        };
        let gaps = self.accepted_gaps.iter().map(|g| {
            let status = "signed off".to_owned();
            row("gap", g.place.clone(), status, g.last.clone(), g.by.join(", "), g.cases, text(&g.reason))
        });
        let matrix = self.matrix.iter().map(|m| {
            let whose = m.instance.as_ref().map_or_else(|| "this host".to_owned(), ToString::to_string);
            let (ask, why) = (text(&m.ask), text(&m.reason));
            row(
                "storage",
                format!("{whose}: {}", m.place.as_str()),
                m.status.as_str().to_owned(),
                String::new(),
                ask,
                0,
                why,
            )
        });
        csv(&head, places.chain(gaps).chain(matrix).collect::<Vec<_>>())
    }

    /// As data.
    #[must_use]
    pub fn json(&self) -> String {
        let value = serde_json::to_value(self).unwrap_or(Value::Null);
        format!("{value:#}\n")
    }

    /// For a terminal.
    #[must_use]
    pub fn table(&self) -> String {
        self.doc().text()
    }

    /// As Markdown, for a wiki or an issue.
    #[must_use]
    pub fn markdown(&self) -> String {
        self.doc().markdown()
    }

    /// As a page that prints.
    #[must_use]
    pub fn html(&self) -> String {
        self.doc().html()
    }

    fn doc(&self) -> Doc {
        let [full, absent, part, none, never] = self.counts();
        let (class, headline) = match (self.is_complete(), part + none) {
            (true, _) => ("good", "Every place was read in full when it was last looked at"),
            (false, 0) => ("open", "Some places were never looked at"),
            (false, _) => ("bad", "Not every place was read in full"),
        };
        let mut facts = vec![("Made", self.generated_at.clone())];
        if let Some(head) = &self.audit_head {
            facts.push(("Audit chain", format!("event {}, {}", head.sequence, head.hash)));
        }
        let mut sections = vec![
            Section::new("Places by kind", [Part::Bars(self.bars())]),
            Section::new("Every place", self.every_place()),
            Section::new("What was signed off as unread", self.gaps()),
        ];
        if !self.matrix.is_empty() {
            sections.push(Section::new("Every kind of place in which a Jira keeps persons", self.storage()));
        }
        let words = [
            ("read in part", "something of it could not be read; the reason says what"),
            ("not read", "nothing of it could be read when it was last looked at"),
            ("never looked at", "no scan, plan or verification has come there yet"),
            ("last read in full", "when nothing of it was left unread; what came there since is not counted"),
        ];
        let words = words.map(|(word, meaning)| (word.to_owned(), meaning.to_owned()));
        sections.push(Section::new("How to read this", [Part::Facts(words.into())]));
        Doc {
            title: "How far every place was read".into(),
            facts,
            verdict: Some(Verdict { class, headline: headline.into(), sentence: self.sentence() }),
            tiles: vec![
                ((full + absent).to_string(), "places read in full, or known not to exist"),
                (part.to_string(), "places read in part"),
                (none.to_string(), "places that could not be read"),
                (never.to_string(), "places never looked at"),
                (self.oldest().map_or_else(|| "–".into(), |d| d.to_string()), "days since the oldest look"),
                (self.accepted_gaps.len().to_string(), "places that were signed off as unread"),
            ],
            sections,
            footer: format!(
                "{SCHEMA}; drawn from what scans and verifications left in the store, nothing was read for it"
            ),
        }
    }

    fn bars(&self) -> Stacked {
        let mut areas: BTreeMap<Area, Vec<u64>> = BTreeMap::new();
        for place in self.configured() {
            areas.entry(place.area).or_insert_with(|| vec![0; KINDS.len()])[kind(place.status)] += 1;
        }
        Stacked {
            label: "Places by kind".into(),
            caption: "Configured places by what the last look at them came to.".into(),
            first: "Kind of place",
            kinds: KINDS.to_vec(),
            rows: areas.into_iter().map(|(area, counts)| (html::area(area).to_owned(), counts)).collect(),
        }
    }

    fn every_place(&self) -> Vec<Part> {
        let cell = |t: &Option<String>| Cell::from(t.clone().unwrap_or_default());
        let row = |p: &PlaceLine| {
            let (class, status) = KINDS[kind(p.status)];
            let place =
                if p.configured { p.place.to_string() } else { format!("{} (not configured any more)", p.place) };
            vec![
                place.into(),
                Cell::mark(class, status),
                html::area(p.area).into(),
                cell(&p.at),
                p.days.map(|d| d.to_string()).unwrap_or_default().into(),
                p.looked.map_or("", looked).into(),
                html::thousands(p.records).into(),
                html::bytes(p.bytes).into(),
                cell(&p.reason),
                cell(&p.complete_at),
            ]
        };
        let columns = vec![
            ("Place", "path"),
            ("Status", ""),
            ("Kind of place", ""),
            ("Last looked at", "nobreak"),
            ("Days ago", "num"),
            ("By", ""),
            ("Records", "num"),
            ("Size", "num"),
            ("Why not, or not all", "why"),
            ("Last read in full", "nobreak"),
        ];
        let grid = Grid {
            label: "Every place".into(),
            caption: "What the last look at each place came to. A quick search (scan --quick) is no look.".into(),
            columns,
            rows: self.places.iter().map(row).collect(),
            wordy: false,
        };
        vec![
            Part::Text("A place that was not read in full may hold more than any case knows.".into()),
            Part::Grid(grid),
        ]
    }

    fn gaps(&self) -> Vec<Part> {
        let mut parts = Vec::new();
        if self.accepted_gaps.is_empty() {
            parts.push(Part::Text("No case that is known was closed with a gap.".into()));
        } else {
            let row = |g: &Gap| -> Vec<Cell> {
                let reason = g.reason.clone().unwrap_or_default();
                vec![
                    g.place.clone().into(),
                    g.cases.to_string().into(),
                    g.by.join(", ").into(),
                    g.last.clone().into(),
                    reason.into(),
                ]
            };
            parts.push(Part::Grid(Grid {
                label: "Accepted gaps".into(),
                caption: "Places that were not read in full when a case was closed, and who accepted that.".into(),
                columns: vec![
                    ("Place", "path"),
                    ("Cases", "num"),
                    ("Accepted by", ""),
                    ("Last", "nobreak"),
                    ("Reason given then", "why"),
                ],
                rows: self.accepted_gaps.iter().map(row).collect(),
                wordy: false,
            }));
        }
        if self.forgotten > 0 {
            let cases = html::plural(self.forgotten, "closed case", "closed cases");
            parts.push(Part::Text(format!(
                "Of {cases} it is not known any more: the details of the audit chain are deleted."
            )));
        }
        parts
    }

    fn storage(&self) -> Vec<Part> {
        let row = |l: matrix::Line| -> Vec<Cell> {
            vec![l.whose.into(), l.status.into(), l.places.into(), l.reason.into(), l.ask.into()]
        };
        vec![
            Part::Text(format!(
                "{} kinds of places: {}. What follows was not read, or not in full.",
                self.matrix.len(),
                matrix::counts(&self.matrix)
            )),
            Part::Grid(Grid {
                label: "Kinds of places".into(),
                caption: "Kinds of storage places by instance, after Atlassian's list.".into(),
                columns: vec![
                    ("Where", "path"),
                    ("Status", "nobreak"),
                    ("What", "why"),
                    ("Why", "why"),
                    ("Whom to ask", "why"),
                ],
                rows: matrix::lines(&self.matrix).into_iter().map(row).collect(),
                wordy: true,
            }),
        ]
    }
}

const fn looked(looked: Looked) -> &'static str {
    match looked {
        Looked::Scan => "scan",
        Looked::Case => "scan of a case",
        Looked::Verification => "verification",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Fact, MatrixStatus, Storage};

    fn line(place: &str, status: Option<CoverageStatus>, days: Option<i64>) -> PlaceLine {
        let place: Place = place.parse().unwrap();
        PlaceLine {
            area: place.area(),
            place,
            configured: true,
            status,
            looked: status.map(|_| Looked::Case),
            at: days.map(|d| format!("2026-11-{:02}T00:00:00Z", 27 - d)),
            days,
            records: 12,
            bytes: 3_456,
            reason: status.filter(|s| !s.is_complete()).map(|_| "timed out".into()),
            complete_at: None,
        }
    }

    fn report(places: Vec<PlaceLine>) -> CoverageReport {
        CoverageReport {
            schema: SCHEMA.into(),
            generated_at: "2026-11-27T12:00:00Z".into(),
            places,
            accepted_gaps: vec![Gap {
                place: "foreign:backbone".into(),
                cases: 2,
                by: vec!["dpo".into()],
                last: "2026-11-20T00:00:00Z".into(),
                reason: Some("=pixels <only>".into()),
            }],
            forgotten: 1,
            matrix: vec![MatrixRow::new(
                None,
                Storage::Backups,
                Some(Fact::new(MatrixStatus::OutOfReach, "rotates").asking("whoever keeps the backups")),
            )],
            audit_head: Some(AuditHead { sequence: 7, hash: "ab".into() }),
        }
    }

    #[test]
    fn the_headline_follows_from_the_places() {
        use CoverageStatus::{Absent, Examined, Partial, Unexamined};
        let headline = |places: Vec<PlaceLine>| {
            let r = report(places);
            (r.is_complete(), r.doc().verdict.unwrap().class)
        };
        let full = || line("log:log", Some(Examined), Some(1));
        let table = [
            (vec![full(), line("foreign:x", Some(Absent), Some(9))], (true, "good")),
            (vec![full(), line("foreign:x", None, None)], (false, "open")),
            (vec![full(), line("foreign:x", Some(Partial), Some(2)), line("foreign:y", None, None)], (false, "bad")),
            (vec![full(), line("foreign:x", Some(Unexamined), Some(2))], (false, "bad")),
            (
                vec![full(), PlaceLine { configured: false, ..line("foreign:x", Some(Unexamined), Some(2)) }],
                (true, "good"),
            ),
        ];
        for (places, expected) in table {
            assert_eq!(headline(places.clone()), expected, "{places:?}");
        }
        assert_eq!(report(vec![full(), line("log:b", Some(Partial), Some(9))]).oldest(), Some(9));
    }

    #[test]
    fn every_face_says_what_was_never_looked_at_and_whom_to_ask() {
        let r =
            report(vec![line("log:log", Some(CoverageStatus::Partial), Some(3)), line("foreign:backbone", None, None)]);
        for face in [r.table(), r.csv(), r.html()] {
            for word in ["never looked at", "timed out", "whoever keeps the backups", "dpo", "foreign:backbone"] {
                assert!(face.contains(word), "{word}: {face}");
            }
        }
        assert!(r.html().contains("=pixels &#60;only&#62;") && r.csv().contains("'=pixels <only>"));
        assert_eq!(serde_json::from_str::<CoverageReport>(&r.json()).unwrap(), r);
        let again = report(r.places.clone());
        assert_eq!((r.table(), r.csv(), r.json(), r.html()), (again.table(), again.csv(), again.json(), again.html()));
    }
}

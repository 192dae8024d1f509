//! The report of a case as a document, for Markdown. The page has a template of its own.

use super::{CaseReport, Coverage, Page, Statement, StayRow, html, matrix};
use crate::report::doc::{Cell, Column, Doc, Grid, Part, Section, Verdict};

fn grid(label: &str, columns: &[Column], rows: Vec<Vec<Cell>>) -> Part {
    Part::Grid(Grid { label: label.into(), caption: String::new(), columns: columns.to_vec(), rows, wordy: false })
}

fn coverage(label: &str, lines: &[Coverage]) -> Vec<Part> {
    if lines.is_empty() {
        return vec![Part::Text("Nothing is known of it.".into())];
    }
    let rows = lines.iter().map(|c| -> Vec<Cell> {
        let reason = c.reason.clone().unwrap_or_default();
        vec![
            c.place.to_string().into(),
            c.status.as_str().into(),
            html::thousands(c.records).into(),
            html::bytes(c.bytes).into(),
            reason.into(),
        ]
    });
    let columns = [("Place", ""), ("Status", ""), ("Records", "num"), ("Size", "num"), ("Why not, or not all", "")];
    vec![grid(label, &columns, rows.collect())]
}

fn stays(row: &StayRow) -> Vec<Cell> {
    let places = row.places.iter().map(|p| format!("{}: {}", p.place, p.records.join(", ")));
    vec![
        row.outcome.text.into(),
        row.why.clone().into(),
        row.who.clone().into(),
        places.collect::<Vec<_>>().join("; ").into(),
    ]
}

pub(super) fn doc(report: &CaseReport) -> Doc {
    let page = Page::of(report);
    let mut facts = vec![
        ("Case", report.case.clone()),
        ("Request", format!("{}, now {}", report.kind, report.state)),
        ("Person (pseudonym)", report.subject.clone()),
        ("Policy", report.policy.name.clone()),
    ];
    facts.extend(
        report.plan.as_ref().map(|p| ("Plan", format!("{}, {}", p.hash, html::plural(p.steps, "record", "records")))),
    );
    facts.push(("Made", report.generated_at.clone()));
    facts.extend(report.audit_head.as_ref().map(|h| ("Audit chain", format!("event {}, {}", h.sequence, h.hash))));
    let stations = report.stations.iter().map(|s| -> Vec<Cell> {
        vec![s.what.clone().into(), s.at.clone().into(), s.by.clone().unwrap_or_default().into()]
    });
    let outcomes = report.outcomes.iter().map(|c| -> Vec<Cell> {
        vec![c.place.to_string().into(), html::outcome(c.outcome).1.into(), c.findings.to_string().into()]
    });
    let mut sections = vec![
        Section::new(
            "What happened when",
            [grid("What happened when", &[("What", ""), ("When", ""), ("By", "")], stations.collect())],
        ),
        Section::new(
            "Where the references ended",
            if report.outcomes.is_empty() {
                vec![Part::Text("There are no references, or no plan yet.".into())]
            } else {
                vec![grid("Outcomes", &[("Place", ""), ("Outcome", ""), ("Findings", "num")], outcomes.collect())]
            },
        ),
        Section::new(
            "What stays, and who could remove it",
            if page.stays.is_empty() {
                vec![Part::Text("Nothing stays.".into())]
            } else {
                let columns = [("Outcome", ""), ("Why", ""), ("Who could remove it", ""), ("Where", "")];
                vec![grid("What stays", &columns, page.stays.iter().map(stays).collect())]
            },
        ),
        Section::new("What was read before", coverage("Read before", &report.coverage_before)),
    ];
    if !report.accepted_gaps.is_empty() {
        let rows = report.accepted_gaps.iter().map(|g| -> Vec<Cell> {
            vec![g.class.clone().into(), g.count.to_string().into(), g.reason.clone().into(), g.by.clone().into()]
        });
        let columns = [("What", ""), ("How many", "num"), ("Why", ""), ("Accepted by", "")];
        sections.push(Section::new("Accepted gaps", [grid("Accepted gaps", &columns, rows.collect())]));
    }
    if !matches!(report.statement(), Statement::NotVerified | Statement::Ended) {
        sections.push(Section::new("What was read afterwards", coverage("Read afterwards", &report.coverage_after)));
    }
    if !report.matrix.is_empty() {
        let rows = matrix::lines(&report.matrix).into_iter().map(|l| -> Vec<Cell> {
            vec![l.whose.into(), l.status.into(), l.places.into(), l.reason.into(), l.ask.into()]
        });
        let columns = [("Where", ""), ("Status", ""), ("What", ""), ("Why", ""), ("Whom to ask", "")];
        let words = format!("{}. What follows was not read, or not in full.", page.kinds);
        sections.push(Section::new(
            "Every kind of place in which a Jira keeps persons",
            [Part::Text(words), grid("Kinds of places", &columns, rows.collect())],
        ));
    }
    Doc {
        title: format!("Case report {}", report.case),
        facts,
        verdict: Some(Verdict { class: page.class, headline: page.headline.into(), sentence: page.sentence }),
        tiles: Vec::new(),
        sections,
        footer: match report.policy.sha256.as_str() {
            "" => super::SCHEMA.to_owned(),
            hash => format!("{}, policy SHA-256 {hash}", super::SCHEMA),
        },
    }
}

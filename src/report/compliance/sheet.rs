//! The compliance report as a document, for Markdown. The page has a template of its own.

use super::{Compliance, HEAD, Page};
use crate::report::doc::{Cell, Column, Doc, Grid, Part, Section, Stacked, Verdict};

fn grid(label: &str, columns: &[Column], rows: Vec<Vec<Cell>>, none: &str) -> Vec<Part> {
    if rows.is_empty() {
        return vec![Part::Text(none.into())];
    }
    vec![Part::Grid(Grid {
        label: label.into(),
        caption: String::new(),
        columns: columns.to_vec(),
        rows,
        wordy: false,
    })]
}

pub(super) fn doc(report: &Compliance) -> Doc {
    let page = Page::of(report);
    let mut facts = Vec::new();
    facts.extend(report.controller.as_ref().map(|c| ("Controller", c.clone())));
    facts.push(("Made", report.generated_at.clone()));
    facts.extend(
        report.audit_head.as_ref().map(|(position, hash)| ("Audit chain", format!("event {position}, {hash}"))),
    );
    let mut summary: Vec<Part> = page.sentences.iter().map(|s| Part::Text(s.clone())).collect();
    summary.push(Part::Bars(Stacked {
        label: "Requests by month".into(),
        caption: "Requests by the month in which they were received.".into(),
        first: "Month",
        kinds: vec![("plain", "In time"), ("bad", "Were or are late")],
        rows: report.months().into_iter().map(|(month, all, late)| (month, vec![all - late, late])).collect(),
    }));
    let cases = report.rows().into_iter().map(|row| row.into_iter().map(Cell::from).collect()).collect();
    let case_columns: Vec<Column> = HEAD.iter().map(|h| (*h, if *h == "days" { "num" } else { "" })).collect();
    let count = |n: u64| Cell::from(n.to_string());
    let (outcomes, _) = report.outcomes();
    let outcomes = outcomes.into_iter().map(|(outcome, n)| vec![Cell::from(outcome), count(n)]).collect();
    let residuals = report.residuals.iter().map(|(place, n)| vec![Cell::from(place.clone()), count(*n)]);
    let coverage = report
        .coverage
        .iter()
        .map(|(month, s)| vec![Cell::from(month.clone()), count(s.all), count(s.incomplete), count(s.unknown)]);
    let recipients = report.recipients.iter().map(|r| {
        vec![r.instance.clone().into(), count(r.to_send), count(r.sent), count(r.acknowledged), count(r.overdue)]
    });
    let sweeps = report.sweeps.iter().map(|s| {
        let ended = s.ended.clone().unwrap_or_else(|| "open".into());
        vec![
            s.begun.clone().into(),
            ended.into(),
            count(s.deleted),
            count(s.changed),
            count(s.failed),
            count(s.held),
            count(s.backlog),
        ]
    });
    let holds = report.holds.iter().map(|h| -> Vec<Cell> {
        let review = h.review.map(|d| d.to_string()).unwrap_or_default();
        let review = if h.passed { format!("{review} (passed)") } else { review };
        vec![h.hold.clone().into(), h.kind.clone().into(), h.since.clone().into(), review.into()]
    });
    let recipient_columns =
        [("Recipient", ""), ("To send", "num"), ("Sent", "num"), ("Acknowledged", "num"), ("Overdue", "num")];
    let sweep_columns = [
        ("Began", ""),
        ("Ended", ""),
        ("Deleted", "num"),
        ("Changed", "num"),
        ("Failed", "num"),
        ("Held", "num"),
        ("Left for later", "num"),
    ];
    let hold_columns = [("Hold", ""), ("Type", ""), ("Since", ""), ("Look again", "")];
    let none_told = "No case of the period has recipients to be told (GDPR Art. 19).";
    Doc {
        title: format!("Requests, retention and recipients, {} to {}", report.from, report.to),
        facts,
        verdict: Some(Verdict { class: page.class, headline: page.headline.into(), sentence: String::new() }),
        tiles: Vec::new(),
        sections: vec![
            Section::new("Summary", summary),
            Section::new(
                "Outcomes",
                grid("Outcomes", &[("Outcome", ""), ("References", "num")], outcomes, "None is counted."),
            ),
            Section::new(
                "What stays",
                grid("What stays", &[("Place", ""), ("References", "num")], residuals.collect(), "Nothing is counted."),
            ),
            Section::new(
                "Coverage over time",
                grid(
                    "Coverage over time",
                    &[("Month", ""), ("Scans", "num"), ("Read in part", "num"), ("Not known", "num")],
                    coverage.collect(),
                    "No scan in the period.",
                ),
            ),
            Section::new("Requests", grid("Requests", &case_columns, cases, "None.")),
            Section::new("Recipients", grid("Recipients", &recipient_columns, recipients.collect(), none_told)),
            Section::new("Retention", grid("Sweeps", &sweep_columns, sweeps.collect(), "No sweep ran in the period.")),
            Section::new("Holds", grid("Holds", &hold_columns, holds.collect(), "None is in force.")),
        ],
        footer: super::SCHEMA.into(),
    }
}

//! The certificate as a page to print. A rendering only: what is signed is the JSON, whose hash the page carries.

use askama::Template;

use super::{
    case,
    html::{self, CoverageRow},
    matrix,
};
use crate::erasure::certificate::{Certificate, NAMESPACE};

struct OutcomeRow {
    place: String,
    class: &'static str,
    outcome: &'static str,
    meaning: &'static str,
    count: String,
}

#[derive(Template)]
#[template(path = "certificate.html")]
struct Page<'a> {
    c: &'a Certificate,
    headline: &'static str,
    class: &'static str,
    sentence: String,
    outcomes: Vec<OutcomeRow>,
    stays: Vec<case::StayRow>,
    coverage: Vec<CoverageRow>,
    matrix: Vec<matrix::Line>,
    kinds: String,
    sha256: &'a str,
    file: &'a str,
    namespace: &'static str,
}

/// One self-contained HTML page. `sha256` is that of the certificate's signed bytes, `file` the name under which they were
/// written, for the commands that check them.
#[must_use]
pub fn html(c: &Certificate, sha256: &str, file: &str) -> String {
    let outcomes = c.outcomes.iter().map(|o| {
        let (class, outcome, meaning) = html::outcome(o.outcome);
        OutcomeRow { place: o.place.clone(), class, outcome, meaning, count: html::thousands(o.findings) }
    });
    let (headline, class) = match (c.unexpected, c.gaps.is_empty()) {
        (1.., _) => ("Not complete", "bad"),
        (0, false) => ("Complete except", "open"),
        (0, true) => ("Complete", "good"),
    };
    let found = match c.unexpected {
        0 => "The search afterwards, by another road, found nothing that is not listed here.".to_owned(),
        n => format!("The search afterwards found {} that should be gone.", html::plural(n, "reference", "references")),
    };
    let read = match c.gaps.len() as u64 {
        0 => "It read every place in full.".to_owned(),
        n => format!("It could not read {} in full.", html::plural(n, "place", "places")),
    };
    let stays: Vec<case::Stays> = c
        .stays
        .iter()
        .map(|s| case::Stays {
            place: s.place.clone(),
            record: s.record.clone(),
            field: s.field.clone(),
            outcome: s.outcome,
            why: s.why.clone(),
            who: s.who.clone(),
        })
        .collect();
    let page = Page {
        c,
        headline,
        class,
        sentence: format!("{found} {read}"),
        outcomes: outcomes.collect(),
        stays: case::stay_rows(&stays),
        coverage: html::coverage_rows(&c.coverage, str::to_owned),
        matrix: matrix::lines(&c.matrix),
        kinds: matrix::counts(&c.matrix),
        sha256,
        file,
        namespace: NAMESPACE,
    };
    page.render().expect("a page is written into memory")
}

//! A plan for a reader: by place, then by record; what, why, what remains, what it costs.
//!
//! Owns the summary and the faces of a plan before it is approved. Reads nothing and names nobody: the caller gives what it
//! read, and a mask for paths, fields and locators.

use std::collections::BTreeMap;

use askama::Template;
use serde::{Deserialize, Serialize};

use super::{
    html::{self, CoverageRow, Mark},
    text::{csv, table},
};
use crate::{
    erasure::{
        executor::cost::Cost,
        plan::{COPIES, Plan, Standing, Step},
    },
    model::{Outcome, Place, RecordRef},
};

/// What a plan comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Steps; each is one record.
    pub steps: u64,
    /// References that the steps take away.
    pub references: u64,
    /// Places in which something is done.
    pub places: u64,
    /// References that stay for good or for now, without those to be decided.
    pub stays: u64,
    /// References that a person has still to decide.
    pub reviews: u64,
    /// Steps that cannot be undone.
    pub irreversible: u64,
    /// Edits of issues whose history holds the same already: each only adds a copy to it.
    pub copies: u64,
    /// Changes that may send a mail.
    pub mails: u64,
    /// Changes that a webhook hears of.
    pub webhooks: u64,
    /// Calls to the instances.
    pub calls: u64,
    /// Minutes, roughly.
    pub minutes: u64,
    /// All of it in a few sentences.
    pub text: String,
}

/// What is done to a record, or stays in it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    /// The step's number, or the finding's id.
    id: String,
    record: String,
    what: Mark,
    cannot_be_undone: bool,
    fields: String,
    why: String,
    effects: String,
}

struct Part {
    place: Place,
    area: &'static str,
    head: String,
    lines: Vec<Line>,
}

/// A plan, ready to be shown.
pub struct PlanReport {
    case: String,
    subject: String,
    hash: String,
    made_at: String,
    made_by: String,
    policy: (String, String),
    holds: String,
    summary: Summary,
    cost: Cost,
    parts: Vec<Part>,
    coverage: Vec<CoverageRow>,
    complete: bool,
}

impl PlanReport {
    /// Puts the report together. `reasons` says why a rule is there, by its id, as far as that is known; `mask` hides what
    /// names the person.
    pub fn of(
        plan: &Plan,
        hash: &str,
        cost: Cost,
        reasons: &BTreeMap<String, String>,
        mask: &dyn Fn(&str) -> String,
    ) -> Self {
        let pin = &plan.policy;
        let mut holds = Vec::new();
        if pin.four_eyes {
            holds.push("another person than the planner has to approve it".to_owned());
        }
        if pin.signatures {
            holds.push("the approval has to be signed".to_owned());
        }
        if let Some(expires) = pin.expires {
            holds.push(format!("it expires after {expires}"));
        }
        if let Some(delay) = pin.delay {
            holds.push(format!("what cannot be undone waits {delay} after the approval"));
        }
        Self {
            case: plan.case.to_string(),
            subject: plan.subject.clone(),
            hash: hash.to_owned(),
            made_at: plan.created_at.clone(),
            made_by: plan.planned_by.clone(),
            policy: (pin.name.clone(), pin.sha256.clone()),
            holds: holds.join("; "),
            summary: summary(plan, &cost),
            cost,
            parts: parts(plan, reasons, mask),
            coverage: html::coverage_rows(&plan.coverage, mask),
            complete: plan.is_complete(),
        }
    }

    /// What the plan comes to.
    #[must_use]
    pub const fn summary(&self) -> &Summary {
        &self.summary
    }

    /// As text for a terminal.
    #[must_use]
    pub fn table(&self) -> String {
        let mut out = format!("{}\n", self.summary.text);
        if !self.holds.is_empty() {
            out.push_str(&format!("By the policy {}: {}.\n", self.policy.0, self.holds));
        }
        for part in &self.parts {
            let rows: Vec<Vec<String>> = part
                .lines
                .iter()
                .map(|l| {
                    let undo = if l.cannot_be_undone { "for good" } else { "" };
                    let cells = [&l.id, &l.record, l.what.text, undo, &l.fields, &l.why, &l.effects];
                    cells.iter().map(|c| (*c).to_owned()).collect()
                })
                .collect();
            let head = ["step", "record", "what", "undo", "fields", "why", "side effects"];
            out.push_str(&format!("\n{} ({})\n{}", part.place, part.head, table(&head, &[], &rows, None)));
        }
        out
    }

    /// As CSV: a row a step, a row a reference that stays.
    #[must_use]
    pub fn csv(&self) -> String {
        let head = ["step", "place", "record", "what", "fields", "why", "side_effects", "can_be_undone"];
        csv(
            &head,
            self.parts.iter().flat_map(|part| {
                part.lines.iter().map(|l| {
                    let undo = if l.cannot_be_undone { "no" } else { "yes" };
                    let undo = if l.what.class == "acts" { undo } else { "" };
                    let place = part.place.to_string();
                    let cells = [&l.id, &place, &l.record, l.what.text, &l.fields, &l.why, &l.effects, undo];
                    cells.iter().map(|c| (*c).to_owned()).collect()
                })
            }),
        )
    }

    /// As one self-contained HTML page.
    #[must_use]
    pub fn html(&self) -> String {
        let s = &self.summary;
        let tiles = vec![
            (s.steps, "records are changed"),
            (s.references, "references go"),
            (s.stays, "references stay: see why below"),
            (s.reviews, "wait for a person's decision"),
            (s.irreversible, "steps cannot be undone"),
            (s.calls, "calls to the instances"),
        ];
        let tiles = tiles.into_iter().map(|(n, what)| (html::thousands(n), what)).collect();
        Page { report: self, tiles }.render().expect("a page is written into memory")
    }
}

#[derive(Template)]
#[template(path = "plan.html")]
struct Page<'a> {
    report: &'a PlanReport,
    tiles: Vec<(String, &'static str)>,
}

/// What a plan comes to, at what it costs.
#[must_use]
pub fn summary(plan: &Plan, cost: &Cost) -> Summary {
    let count = |n: usize| n as u64;
    let mut places: Vec<&Place> = plan.steps.iter().flat_map(|s| s.reach(&[]).into_keys().chain([&s.place])).collect();
    places.sort_unstable();
    places.dedup();
    let reviews = count(plan.open_reviews().count());
    let mut out = Summary {
        steps: count(plan.steps.len()),
        references: plan.steps.iter().map(|s| count(s.edits.len())).sum(),
        places: count(places.len()),
        stays: count(plan.standing.len()) - reviews,
        reviews,
        irreversible: count(plan.steps.iter().filter(|s| s.cannot_be_undone()).count()),
        copies: count(plan.steps.iter().filter(|s| s.notes.iter().any(|n| n == COPIES)).count()),
        mails: cost.mails,
        webhooks: cost.webhooks,
        calls: cost.calls,
        minutes: cost.minutes,
        text: String::new(),
    };
    out.text = words(&out, plan, cost);
    out
}

fn words(s: &Summary, plan: &Plan, cost: &Cost) -> String {
    let n = html::plural;
    let mut text = format!(
        "{} {} {} in {}.",
        n(s.steps, "record is changed, which takes away", "records are changed, which takes away"),
        n(s.references, "reference", "references"),
        "to the person",
        n(s.places, "place", "places"),
    );
    let of = |o: Outcome| plan.standing.iter().filter(|x| x.outcome == o).count() as u64;
    let kinds = [Outcome::Residual, Outcome::Kept, Outcome::Held, Outcome::Failed];
    let kinds: Vec<String> = kinds
        .into_iter()
        .filter(|o| of(*o) > 0)
        .map(|o| format!("{} {}", html::thousands(of(o)), html::outcome(o).1))
        .collect();
    text.push_str(&match s.stays {
        0 => " Nothing stays that was found.".to_owned(),
        stays => format!(" {} ({}).", n(stays, "reference stays", "references stay"), kinds.join(", ")),
    });
    text.push_str(&match s.reviews {
        0 => " Nothing waits for a decision.".to_owned(),
        reviews => format!(" {} for a person's decision.", n(reviews, "reference waits", "references wait")),
    });
    text.push_str(&match s.irreversible {
        0 => " Every step can be undone.".to_owned(),
        steps => format!(" {} be undone.", n(steps, "step cannot", "steps cannot")),
    });
    if s.copies > 0 {
        text.push_str(&format!(
            " Of {} the history holds the same already and keeps it: there an edit changes what is shown, and adds one more copy.",
            n(s.copies, "edited issue", "edited issues")
        ));
    }
    if s.calls > 0 {
        let by: Vec<String> =
            cost.instances.iter().map(|i| format!("{} {}", i.instance, html::thousands(i.calls))).collect();
        text.push_str(&format!(
            " It takes {} ({}), about {}; {} send mails, and webhooks hear of {}.",
            n(s.calls, "call", "calls"),
            by.join(", "),
            n(s.minutes, "minute", "minutes"),
            n(s.mails, "change may", "changes may"),
            html::thousands(s.webhooks),
        ));
    }
    text
}

/// By place, then by record, both as the plan has them; what stays in a record follows what is done to it.
fn parts(plan: &Plan, reasons: &BTreeMap<String, String>, mask: &dyn Fn(&str) -> String) -> Vec<Part> {
    let mut order: Vec<&Place> = Vec::new();
    let mut records: BTreeMap<&Place, Vec<&RecordRef>> = BTreeMap::new();
    let mut known = std::collections::BTreeSet::new();
    let all = plan.steps.iter().map(|s| (&s.place, &s.record));
    for (place, record) in all.chain(plan.standing.iter().map(|s| (&s.place, &s.record))) {
        if known.insert((place, record)) {
            if !records.contains_key(place) {
                order.push(place);
            }
            records.entry(place).or_default().push(record);
        }
    }
    let mut steps: BTreeMap<(&Place, &RecordRef), Vec<&Step>> = BTreeMap::new();
    for step in &plan.steps {
        steps.entry((&step.place, &step.record)).or_default().push(step);
    }
    let mut standing: BTreeMap<(&Place, &RecordRef), Vec<&Standing>> = BTreeMap::new();
    for stays in &plan.standing {
        standing.entry((&stays.place, &stays.record)).or_default().push(stays);
    }
    order.sort_by_key(|p| p.area());
    order
        .into_iter()
        .map(|place| {
            let mut lines = Vec::new();
            let (mut acts, mut left) = (0u64, 0u64);
            for record in records.get(place).into_iter().flatten() {
                let name = html::record(record, mask);
                for step in steps.get(&(place, *record)).into_iter().flatten() {
                    acts += 1;
                    lines.push(step_line(step, &name, reasons, mask));
                }
                for stays in standing.get(&(place, *record)).into_iter().flatten() {
                    left += 1;
                    lines.push(stays_line(stays, &name, mask));
                }
            }
            let head = [(acts, "record changed", "records changed"), (left, "reference stays", "references stay")];
            let head: Vec<String> =
                head.into_iter().filter(|(n, ..)| *n > 0).map(|(n, one, many)| html::plural(n, one, many)).collect();
            Part { place: place.clone(), area: html::area(place.area()), head: head.join(", "), lines }
        })
        .collect()
}

fn step_line(step: &Step, record: &str, reasons: &BTreeMap<String, String>, mask: &dyn Fn(&str) -> String) -> Line {
    let mut fields: Vec<String> = Vec::new();
    let mut rules: Vec<String> = Vec::new();
    for edit in &step.edits {
        let field = format!("{} {}", edit.decision.as_str(), mask(&edit.field)).trim().to_owned();
        if !fields.contains(&field) {
            fields.push(field);
        }
        let rule = match reasons.get(&edit.rule) {
            Some(reason) => format!("{}: {reason}", edit.rule),
            None => edit.rule.clone(),
        };
        if !rules.contains(&rule) {
            rules.push(rule);
        }
    }
    Line {
        id: step.number.to_string(),
        record: record.to_owned(),
        what: Mark { class: "acts", text: step.operation.as_str() },
        cannot_be_undone: step.cannot_be_undone(),
        fields: fields.join(", "),
        why: rules.join("; "),
        effects: step.notes.join("; "),
    }
}

fn stays_line(stays: &Standing, record: &str, mask: &dyn Fn(&str) -> String) -> Line {
    let (class, text, _) = html::outcome(stays.outcome);
    let who = stays.who.as_ref().map(|w| format!(" (ask {w})")).unwrap_or_default();
    Line {
        id: stays.finding.clone(),
        record: record.to_owned(),
        what: Mark { class, text },
        cannot_be_undone: false,
        fields: mask(&stays.field),
        why: format!("{}: {}{who}", stays.rule, stays.why),
        effects: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::Flavor;

    fn plan() -> Plan {
        let edit = |finding: &str, field: &str, decision: &str| {
            json!({ "finding": finding, "field": field, "locator": "", "cut": { "cut": "whole" }, "decision": decision,
                    "rule": "text", "kind": "email", "strength": "probable" })
        };
        let issue = json!({ "type": "issue", "id": "9", "key": "P-9", "path": null });
        serde_json::from_value(json!({
            "schema": "efface.plan/1", "case": "C-01ARZ3NDEKTSV4RRFFQ69G5FAV", "subject": "p-1",
            "created_at": "2026-11-22T12:00:00Z", "planned_by": "admin",
            "policy": { "name": "own", "sha256": "y", "placeholder": "e", "four_eyes": true, "cap_records": null,
                        "cap_share": null, "signatures": true, "delay": "1 day" },
            "steps": [
                { "number": 1, "place": "target:t/P", "instance": "t", "project": "P", "record": issue, "operation": "edit",
                  "base": "a", "edits": [edit("f1", "summary", "redact"), edit("f2", "reporter", "clear")],
                  "notes": ["the edit copies the old values"] },
                { "number": 2, "place": "target:t/P", "instance": "t", "project": "P", "operation": "delete", "base": "a",
                  "record": { "type": "comment", "id": "7", "key": "P-9", "path": null },
                  "edits": [edit("f3", "body", "delete")], "notes": ["cannot be undone"] },
                { "number": 3, "place": "foreign:tool", "instance": null, "project": null, "operation": "edit", "base": "b",
                  "record": { "type": "file", "id": null, "key": null, "path": "zoe/<b>.csv" },
                  "edits": [edit("f4", "zoe", "redact")], "notes": [] },
            ],
            "standing": [
                { "finding": "s1", "place": "target:t/P", "record": issue, "field": "creator", "locator": "", "kind": "email",
                  "outcome": "residual", "rule": "creator", "why": "nobody can", "who": "the administrator" },
                { "finding": "s2", "place": "log:log", "record": { "type": "file", "id": null, "key": null, "path": "x" },
                  "field": "", "locator": "", "kind": "email", "outcome": "review", "rule": "possible", "why": "a namesake?",
                  "who": null },
            ],
            "coverage": [], "issues": {},
        }))
        .unwrap()
    }

    fn report() -> PlanReport {
        let plan = plan();
        let cost = Cost::of(&plan, &BTreeMap::from([("t".parse().unwrap(), Flavor::DataCenter)]));
        let reasons = BTreeMap::from([("text".to_owned(), "cut out".to_owned())]);
        PlanReport::of(&plan, "aabb", cost, &reasons, &|s: &str| s.replace("zoe", "…"))
    }

    #[test]
    fn the_summary_says_all_in_a_paragraph() {
        let r = report();
        assert_eq!(
            r.summary().text,
            "3 records are changed, which takes away 4 references to the person in 2 places. 1 reference stays (1 residual). \
             1 reference waits for a person's decision. 2 steps cannot be undone. It takes 10 calls (t 10), about 1 minute; 2 \
             changes may send mails, and webhooks hear of 3."
        );
        let s = r.summary();
        assert_eq!((s.steps, s.references, s.places, s.stays, s.reviews, s.irreversible), (3, 4, 2, 1, 1, 2));
    }

    #[test]
    fn by_place_then_record_and_nobody_is_named() {
        let r = report();
        let text = r.table();
        assert!(text.contains("\ntarget:t/P (2 records changed, 1 reference stays)\n"), "{text}");
        // What stays in a record stands under what is done to it.
        let at = |what: &str| text.find(what).unwrap_or_else(|| panic!("{what} is missing:\n{text}"));
        assert!(at("redact summary") < at("creator: nobody can (ask the administrator)"));
        assert!(at("creator: nobody can") < at("comment 7 of P-9"));
        assert!(text.contains("text: cut out"));
        for face in [text.clone(), r.csv(), r.html()] {
            assert!(!face.contains("zoe"), "{face}");
        }
        let csv = r.csv();
        assert_eq!(csv.lines().count(), 6, "{csv}");
        assert!(
            csv.contains("2,target:t/P,comment 7 of P-9,delete,delete body,text: cut out,cannot be undone,no\n"),
            "{csv}"
        );
        let page = r.html();
        assert!(page.contains("for good") && page.contains("…/&#60;b&#62;.csv"), "{page}");
        assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("<script"), "self-contained");
    }
}

//! What differs between two plans of a case. Pure: both are given, nothing is scanned.
//!
//! Owns the comparison: steps by their record, findings that stay by their id.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::plan::{Operation, Plan, Step};
use crate::model::{Decision, Outcome, Place, RecordRef};

/// What became of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// The earlier plan had none for this record.
    Added,
    /// The later plan has none for this record.
    Gone,
    /// Both have one, and they differ.
    Changed,
}

/// A step that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepChange {
    /// How.
    pub change: Change,
    /// Where.
    pub place: Place,
    /// Which record.
    pub record: RecordRef,
    /// Its number in the earlier plan.
    pub before: Option<u32>,
    /// Its number in the later plan.
    pub after: Option<u32>,
    /// What differs, or what the step does.
    pub what: Vec<String>,
}

/// Where a finding stands in a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standpoint {
    /// The plan does not know it.
    Absent,
    /// A step acts on it.
    Step(Decision),
    /// It stays.
    Stays(Outcome),
}

/// A finding that stays in one of the plans and stands otherwise in the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Moved {
    /// The finding's id.
    pub finding: String,
    /// Where.
    pub place: Place,
    /// Which record.
    pub record: RecordRef,
    /// Which field.
    pub field: String,
    /// Before.
    pub before: Standpoint,
    /// After.
    pub after: Standpoint,
    /// Why it stays now, or stayed before.
    pub why: String,
}

/// How much differs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Steps only in the later plan.
    pub added: usize,
    /// Steps only in the earlier plan.
    pub gone: usize,
    /// Steps that differ.
    pub changed: usize,
    /// Steps that are the same but for their number.
    pub same: usize,
    /// Findings that stay in one of the plans and stand otherwise in the other.
    pub moved: usize,
}

/// The difference between two plans.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diff {
    /// How much differs.
    pub counts: Counts,
    /// Steps that differ, in the order of the later plan; those that are gone follow.
    pub steps: Vec<StepChange>,
    /// Findings that moved.
    pub moved: Vec<Moved>,
}

impl Operation {
    /// The spelling in JSON and tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Edit => "edit",
            Self::Delete => "delete",
            Self::Anonymise => "anonymise",
            Self::Renew => "renew",
        }
    }
}

/// Compares an earlier plan with a later one.
#[must_use]
pub fn diff(before: &Plan, after: &Plan) -> Diff {
    let mut counts = Counts::default();
    // A plan has one step a record, but for what has no id of its own (watchers): those pair up by what they were planned
    // on, and then in order.
    let mut old: BTreeMap<(&Place, &RecordRef), Vec<&Step>> = BTreeMap::new();
    for step in &before.steps {
        old.entry((&step.place, &step.record)).or_default().push(step);
    }
    let mut steps = Vec::new();
    for step in &after.steps {
        let candidates = old.get_mut(&(&step.place, &step.record)).filter(|c| !c.is_empty());
        let earlier = candidates.map(|c| c.remove(c.iter().position(|s| s.base == step.base).unwrap_or_default()));
        let (change, what) = match earlier {
            None => (Change::Added, vec![does(step)]),
            Some(earlier) => match differences(earlier, step) {
                what if what.is_empty() => {
                    counts.same += 1;
                    continue;
                }
                what => (Change::Changed, what),
            },
        };
        let (place, record) = (step.place.clone(), step.record.clone());
        steps.push(StepChange {
            change,
            place,
            record,
            before: earlier.map(|s| s.number),
            after: Some(step.number),
            what,
        });
    }
    let mut gone: Vec<&Step> = old.into_values().flatten().collect();
    gone.sort_by_key(|s| s.number);
    steps.extend(gone.into_iter().map(|step| StepChange {
        change: Change::Gone,
        place: step.place.clone(),
        record: step.record.clone(),
        before: Some(step.number),
        after: None,
        what: vec![does(step)],
    }));
    let of = |change| steps.iter().filter(|s| s.change == change).count();
    (counts.added, counts.gone, counts.changed) = (of(Change::Added), of(Change::Gone), of(Change::Changed));
    let moved = moved(before, after);
    counts.moved = moved.len();
    Diff { counts, steps, moved }
}

fn does(step: &Step) -> String {
    let n = step.edits.len();
    format!("{}, {n} {}", step.operation.as_str(), if n == 1 { "reference" } else { "references" })
}

fn differences(before: &Step, after: &Step) -> Vec<String> {
    let mut what = Vec::new();
    if before.operation != after.operation {
        what.push(format!("{} becomes {}", before.operation.as_str(), after.operation.as_str()));
    }
    let ids = |s: &Step| s.edits.iter().map(|e| e.finding.clone()).collect::<BTreeSet<_>>();
    let (old, new) = (ids(before), ids(after));
    let (more, fewer) = (new.difference(&old).count(), old.difference(&new).count());
    if more + fewer > 0 {
        what.push(format!("{more} more and {fewer} fewer references"));
    }
    let otherwise = after.edits.iter().filter(|e| {
        let same = |o: &&super::plan::Edit| o.finding == e.finding;
        before.edits.iter().find(same).is_some_and(|o| (o.decision, &o.cut, &o.rule) != (e.decision, &e.cut, &e.rule))
    });
    let otherwise = otherwise.count();
    if otherwise > 0 {
        what.push(format!("{otherwise} references decided otherwise"));
    }
    if before.base != after.base && before.operation == after.operation && more + fewer == 0 {
        what.push("the record's content changed".into());
    }
    if before.notes != after.notes && what.is_empty() {
        what.push("its side effects are told otherwise".into());
    }
    what
}

type Seen<'a> = BTreeMap<&'a str, (Standpoint, &'a Place, &'a RecordRef, &'a str, &'a str)>;

fn seen(plan: &Plan) -> Seen<'_> {
    let mut out = Seen::new();
    for step in &plan.steps {
        for e in &step.edits {
            out.insert(&e.finding, (Standpoint::Step(e.decision), &step.place, &step.record, &e.field, ""));
        }
    }
    for s in plan.standing.iter().filter(|s| !s.finding.is_empty()) {
        out.insert(&s.finding, (Standpoint::Stays(s.outcome), &s.place, &s.record, &s.field, &s.why));
    }
    out
}

fn moved(before: &Plan, after: &Plan) -> Vec<Moved> {
    let (old, new) = (seen(before), seen(after));
    let mut ids: Vec<&str> = old.keys().chain(new.keys()).copied().collect();
    ids.sort_unstable();
    ids.dedup();
    let mut out = Vec::new();
    for id in ids {
        let (was, is) = (old.get(id), new.get(id));
        let point = |s: Option<&(Standpoint, _, _, _, _)>| s.map_or(Standpoint::Absent, |s| s.0);
        let (from, to) = (point(was), point(is));
        let stays = |p| matches!(p, Standpoint::Stays(_));
        let Some(&(_, place, record, field, _)) = is.or(was) else { continue };
        if from == to || !(stays(from) || stays(to)) {
            continue;
        }
        let why = is.map(|s| s.4).filter(|w| !w.is_empty()).or(was.map(|s| s.4)).unwrap_or_default();
        out.push(Moved {
            finding: id.to_owned(),
            place: place.clone(),
            record: record.clone(),
            field: field.to_owned(),
            before: from,
            after: to,
            why: why.to_owned(),
        });
    }
    out.sort_by(|a, b| (&a.place, &a.record, &a.finding).cmp(&(&b.place, &b.record, &b.finding)));
    out
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn plan(steps: &Value, standing: &Value) -> Plan {
        serde_json::from_value(json!({
            "schema": "efface.plan/1", "case": "C-01ARZ3NDEKTSV4RRFFQ69G5FAV", "subject": "p-1", "created_at": "2026-11-22T12:00:00Z",
            "planned_by": "a",
            "policy": { "name": "x", "sha256": "y", "placeholder": "e", "four_eyes": true, "cap_records": null, "cap_share": null },
            "steps": steps, "standing": standing, "coverage": [], "issues": {},
        }))
        .unwrap()
    }

    fn step(number: u32, id: &str, operation: &str, base: &str, findings: &[&str]) -> Value {
        let edits: Vec<Value> = findings
            .iter()
            .map(|f| {
                json!({ "finding": f, "field": "body", "locator": "", "cut": { "cut": "whole" }, "decision": "redact",
                        "rule": "r", "kind": "email", "strength": "probable" })
            })
            .collect();
        json!({ "number": number, "place": "target:t/P", "instance": "t", "project": "P",
                "record": { "type": "comment", "id": id, "key": "P-1", "path": null },
                "operation": operation, "base": base, "edits": edits, "notes": [] })
    }

    fn stays(finding: &str, outcome: &str) -> Value {
        json!({ "finding": finding, "place": "target:t/P", "record": { "type": "issue", "id": "9", "key": "P-9", "path": null },
                "field": "summary", "locator": "", "kind": "email", "outcome": outcome, "rule": "r", "why": "w", "who": null })
    }

    #[test]
    fn every_kind_of_difference_is_told_once() {
        let before = plan(
            &json!([
                step(1, "1", "edit", "a", &["f1"]),
                step(2, "2", "edit", "b", &["f2"]),
                step(3, "3", "edit", "c", &["f3"]),
                step(4, "4", "edit", "d", &["f4"]),
                step(5, "5", "edit", "e", &["f5", "f6"]),
            ]),
            &json!([stays("s1", "review"), stays("s2", "review"), stays("s3", "residual"), stays("s4", "kept")]),
        );
        let after = plan(
            &json!([
                step(1, "2", "edit", "b", &["f2"]),
                step(2, "3", "edit", "x", &["f3"]),
                step(3, "4", "delete", "d", &["f4"]),
                step(4, "5", "edit", "y", &["f5", "s1"]),
                step(5, "6", "edit", "z", &["f7"]),
            ]),
            &json!([stays("s2", "kept"), stays("s3", "residual"), stays("f6", "review")]),
        );
        let d = diff(&before, &after);
        assert_eq!(d.counts, Counts { added: 1, gone: 1, changed: 3, same: 1, moved: 4 });
        let told: Vec<_> =
            d.steps.iter().map(|s| (s.change, s.record.id.as_deref().unwrap(), s.what.join("; "))).collect();
        assert_eq!(
            told,
            [
                (Change::Changed, "3", "the record's content changed".into()),
                (Change::Changed, "4", "edit becomes delete".into()),
                (Change::Changed, "5", "1 more and 1 fewer references".into()),
                (Change::Added, "6", "edit, 1 reference".into()),
                (Change::Gone, "1", "edit, 1 reference".into()),
            ]
        );
        let moved: Vec<_> = d.moved.iter().map(|m| (m.finding.as_str(), m.before, m.after)).collect();
        use Standpoint as S;
        let redact = S::Step(Decision::Redact);
        assert_eq!(
            moved,
            [
                ("f6", redact, S::Stays(Outcome::Review)),
                ("s2", S::Stays(Outcome::Review), S::Stays(Outcome::Kept)),
                ("s4", S::Stays(Outcome::Kept), S::Absent),
                ("s1", S::Stays(Outcome::Review), redact),
            ]
        );
        let none = diff(&after, &after);
        assert_eq!(none.counts, Counts { same: 5, ..Counts::default() });
        assert!(none.steps.is_empty() && none.moved.is_empty());
    }

    #[test]
    fn records_without_an_id_pair_up() {
        let watcher = |n: u32, base: &str, finding: &str| {
            let mut s = step(n, "", "delete", base, &[finding]);
            s["record"] = json!({ "type": "watcher", "id": null, "key": "P-1", "path": null });
            s
        };
        let before = plan(&json!([watcher(1, "a", "f1"), watcher(2, "b", "f2")]), &json!([]));
        let after = plan(&json!([watcher(1, "b", "f2")]), &json!([]));
        let d = diff(&before, &after);
        assert_eq!(d.counts, Counts { gone: 1, same: 1, ..Counts::default() });
        assert_eq!(d.steps[0].before, Some(1));
    }
}

//! What a run has to tell: counts by class, and what became of each record. Pure.

use chrono::{DateTime, Utc};

use super::{
    Planned, Room, done,
    look::{Outlook, Problem},
};
use crate::{
    erasure::plan::{Operation, Step},
    policy::{Policy, Word},
    report::PolicyRef,
    retention::{ClassCounts, Item, Report, SCHEMA, Stage, Standing},
};

/// How many of what is ready a run takes.
pub(super) fn cap(policy: &Policy) -> usize {
    policy.sweep().records.map_or(usize::MAX, |n| usize::try_from(n).unwrap_or(usize::MAX))
}

pub(super) fn report(room: &Room<'_>, now: DateTime<Utc>, outlook: &Outlook<'_>, dry_run: bool) -> Report {
    let mut classes: Vec<ClassCounts> = room
        .policy
        .classes()
        .iter()
        .map(|c| ClassCounts {
            class: c.id.clone(),
            then: c.then.word().to_owned(),
            period: c.period.to_string(),
            basis: c.basis.clone(),
            ..ClassCounts::default()
        })
        .collect();
    let cap = cap(room.policy);
    let (mut items, mut ready, mut backlog) = (Vec::new(), 0, 0_u64);
    for found in &outlook.found {
        let Some(counts) = classes.iter_mut().find(|c| c.class == found.class.id) else { continue };
        counts.records += 1;
        let since = found.due().map(|d| d.to_rfc3339());
        let (state, why) = match (found.standing, found.stage) {
            (Standing::NotBegun | Standing::NotYet | Standing::Kept | Standing::Settled, _) => continue,
            (Standing::Undated, _) => {
                counts.review += 1;
                ("review", Some("nothing trustworthy says how old it is".to_owned()))
            }
            (Standing::Unread, _) => {
                counts.review += 1;
                ("review", Some("the class asks for labels or a status, and the instance does not say them".to_owned()))
            }
            (Standing::Due(at), stage) => {
                counts.due += 1;
                if counts.oldest.is_none() {
                    counts.oldest = Some(at.to_rfc3339());
                }
                match (stage, &found.problem) {
                    _ if found.held.is_some() => {
                        counts.held += 1;
                        ("held", found.held.clone())
                    }
                    (_, Some(Problem::Review(why))) => {
                        counts.review += 1;
                        ("review", Some(why.clone()))
                    }
                    (_, Some(Problem::Failed(why))) => {
                        counts.failed += 1;
                        ("failed", Some(why.clone()))
                    }
                    (None, None) => {
                        counts.review += 1;
                        ("review", found.class.reason.clone())
                    }
                    (Some(Stage::Mark), None) => {
                        counts.marked += 1;
                        let until = found.class.grace.and_then(|g| g.after(now)).map(|t| t.to_rfc3339());
                        ("mark", until.map(|t| format!("goes from {t} on")))
                    }
                    (Some(Stage::Wait(until)), None) => {
                        counts.waiting += 1;
                        ("wait", Some(format!("goes from {} on", until.to_rfc3339())))
                    }
                    (Some(Stage::Go), None) if ready < cap => {
                        ready += 1;
                        let does = found.step.as_ref().map_or("delete", does);
                        if does == "delete" {
                            counts.deleted += 1;
                        } else {
                            counts.changed += 1;
                        }
                        (does, found.step.as_ref().and_then(|s| s.notes.first().cloned()).filter(|_| does != "delete"))
                    }
                    (Some(Stage::Go), None) => {
                        backlog += 1;
                        counts.backlog += 1;
                        ("backlog", None)
                    }
                }
            }
        };
        items.push(Item {
            class: found.class.id.clone(),
            place: found.record.place.clone(),
            record: found.record.record.clone(),
            since,
            state: state.to_owned(),
            why,
        });
    }
    Report {
        schema: SCHEMA.to_owned(),
        generated_at: now.to_rfc3339(),
        dry_run,
        run: None,
        plan: None,
        policy: PolicyRef { name: room.policy.name().to_owned(), sha256: room.policy.sha256().to_owned() },
        classes,
        runs_left: backlog.div_ceil(cap.try_into().unwrap_or(u64::MAX).max(1)),
        unclassed: outlook.unclassed,
        coverage: outlook.coverage.clone(),
        items,
    }
}

/// What a step that is not done yet will do.
const fn does(step: &Step) -> &'static str {
    match step.operation {
        Operation::Edit => "change",
        Operation::Renew => "renew",
        Operation::Delete | Operation::Anonymise => "delete",
    }
}

impl ClassCounts {
    /// The count of what a step does.
    const fn of(&mut self, step: &Step) -> &mut u64 {
        match step.operation {
            Operation::Edit | Operation::Renew => &mut self.changed,
            Operation::Delete | Operation::Anonymise => &mut self.deleted,
        }
    }
}

fn is_of(item: &Item, p: &Planned) -> bool {
    item.class == p.class && item.place == p.step.place && item.record == p.step.record
}

/// Writes into the report what became of a step.
pub(super) fn note(report: &mut Report, p: &Planned, state: &str, why: Option<String>) {
    let class = match report.classes.iter_mut().find(|c| c.class == p.class) {
        Some(class) => class,
        None => {
            let then = does(&p.step).to_owned();
            report.classes.push(ClassCounts { class: p.class.clone(), then, ..ClassCounts::default() });
            let last = report.classes.len() - 1;
            &mut report.classes[last]
        }
    };
    let is_done = state == done(&p.step);
    match report.items.iter_mut().find(|i| is_of(i, p)) {
        Some(item) => {
            // It was counted as one that goes.
            if !is_done {
                let count = class.of(&p.step);
                *count = count.saturating_sub(1);
            }
            (item.state, item.why) = (state.to_owned(), why);
        }
        None => {
            *class.of(&p.step) += u64::from(is_done);
            report.items.push(Item {
                class: p.class.clone(),
                place: p.step.place.clone(),
                record: p.step.record.clone(),
                since: Some(p.due.clone()),
                state: state.to_owned(),
                why,
            });
        }
    }
    match state {
        "held" => class.held += 1,
        "failed" => class.failed += 1,
        "refused" => class.refused += 1,
        _ => {}
    }
}

/// What a run would do waits for another person: the records of its plan, the others for a later run.
pub(super) fn waits(report: &mut Report, planned: &[Planned]) {
    for item in report.items.iter_mut().filter(|i| matches!(i.state.as_str(), "delete" | "change" | "renew")) {
        let of_plan = planned.iter().any(|p| is_of(item, p));
        if let Some(class) = report.classes.iter_mut().find(|c| c.class == item.class) {
            let count = if item.state == "delete" { &mut class.deleted } else { &mut class.changed };
            *count = count.saturating_sub(1);
            if of_plan { class.approval += 1 } else { class.backlog += 1 }
        }
        item.state = if of_plan { "approval" } else { "backlog" }.to_owned();
    }
}

/// Adds what an earlier run still had to do. What it could not is looked at again by this one.
pub(super) fn add(report: &mut Report, earlier: Report) {
    for done in earlier.classes.into_iter().filter(|c| c.deleted + c.changed > 0) {
        match report.classes.iter_mut().find(|c| c.class == done.class) {
            Some(class) => {
                class.deleted += done.deleted;
                class.changed += done.changed;
            }
            None => report.classes.push(ClassCounts { failed: 0, refused: 0, held: 0, ..done }),
        }
    }
    let is_done = |i: &Item| matches!(i.state.as_str(), "deleted" | "changed" | "renewed");
    report.items.extend(earlier.items.into_iter().filter(is_done));
}

//! What a run has to tell: counts by class, and what became of each record. Pure.

use chrono::{DateTime, Utc};

use super::{Outlook, Planned, Room, due};
use crate::{
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
        let since = due(found).map(|d| d.to_rfc3339());
        let (state, why) = match (found.standing, found.stage) {
            (Standing::NotBegun | Standing::NotYet | Standing::Kept, _) => continue,
            (Standing::Undated, _) => {
                counts.review += 1;
                ("review", Some("nothing trustworthy says how old it is".to_owned()))
            }
            (Standing::Due(at), stage) => {
                counts.due += 1;
                if counts.oldest.is_none() {
                    counts.oldest = Some(at.to_rfc3339());
                }
                match stage {
                    _ if found.held.is_some() => {
                        counts.held += 1;
                        ("held", found.held.clone())
                    }
                    None => {
                        counts.review += 1;
                        ("review", found.class.reason.clone())
                    }
                    Some(Stage::Mark) => {
                        counts.marked += 1;
                        let until = found.class.grace.and_then(|g| g.after(now)).map(|t| t.to_rfc3339());
                        ("mark", until.map(|t| format!("goes from {t} on")))
                    }
                    Some(Stage::Wait(until)) => {
                        counts.waiting += 1;
                        ("wait", Some(format!("goes from {} on", until.to_rfc3339())))
                    }
                    Some(Stage::Go) if ready < cap => {
                        ready += 1;
                        counts.deleted += 1;
                        ("delete", None)
                    }
                    Some(Stage::Go) => {
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

/// Writes into the report what became of a step.
pub(super) fn note(report: &mut Report, p: &Planned, state: &str, why: Option<String>) {
    let class = match report.classes.iter_mut().find(|c| c.class == p.class) {
        Some(class) => class,
        None => {
            report.classes.push(ClassCounts {
                class: p.class.clone(),
                then: "delete".into(),
                ..ClassCounts::default()
            });
            let last = report.classes.len() - 1;
            &mut report.classes[last]
        }
    };
    let item = report.items.iter_mut().find(|i| i.place == p.step.place && i.record == p.step.record);
    match item {
        Some(item) => {
            // It was counted as one that goes.
            if state != "deleted" {
                class.deleted = class.deleted.saturating_sub(1);
            }
            (item.state, item.why) = (state.to_owned(), why);
        }
        None => {
            class.deleted += u64::from(state == "deleted");
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

/// What a run would delete waits for another person: the records of its plan, the others for a later run.
pub(super) fn waits(report: &mut Report, planned: &[Planned]) {
    for item in report.items.iter_mut().filter(|i| i.state == "delete") {
        let of_plan = planned.iter().any(|p| p.step.place == item.place && p.step.record == item.record);
        item.state = if of_plan { "approval" } else { "backlog" }.to_owned();
        if let Some(class) = report.classes.iter_mut().find(|c| c.class == item.class) {
            class.deleted = class.deleted.saturating_sub(1);
            if of_plan { class.approval += 1 } else { class.backlog += 1 }
        }
    }
}

/// Adds what an earlier run still had to delete. What it could not is looked at again by this one.
pub(super) fn add(report: &mut Report, earlier: Report) {
    for done in earlier.classes.into_iter().filter(|c| c.deleted > 0) {
        match report.classes.iter_mut().find(|c| c.class == done.class) {
            Some(class) => class.deleted += done.deleted,
            None => report.classes.push(ClassCounts { failed: 0, refused: 0, held: 0, ..done }),
        }
    }
    report.items.extend(earlier.items.into_iter().filter(|i| i.state == "deleted"));
}

//! `efface report coverage`: what the store knows of every place. Reads no place.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, SecondsFormat, Utc};

use crate::{
    audit::Event,
    cli::work,
    config::Config,
    model::{MatrixRow, Place, StorageArea},
    report::{
        case::AuditHead,
        coverage::{self, CoverageReport, Gap, PlaceLine},
    },
    scan::{matrix::matrix, run::targets},
    store::{CaseState, LastLook, Store},
};

fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

pub(super) fn report(config: &Config, store: &Store, now: DateTime<Utc>) -> anyhow::Result<CoverageReport> {
    let looks = store.last_looks()?;
    let mut configured: Vec<Place> = targets(config).iter().map(crate::scan::run::Target::place).collect();
    configured.sort();
    configured.dedup();
    let mut places: Vec<PlaceLine> =
        looks.iter().map(|look| line(look, work::owner(&configured, &look.line.place).is_some(), now)).collect();
    let seen: BTreeSet<&Place> = looks.iter().map(|l| &l.line.place).collect();
    places.extend(configured.iter().filter(|p| !seen.contains(p)).map(|place| PlaceLine {
        place: place.clone(),
        area: place.area(),
        configured: true,
        status: None,
        looked: None,
        at: None,
        days: None,
        records: 0,
        bytes: 0,
        reason: None,
        complete_at: None,
    }));
    places.sort_by(|a, b| a.place.cmp(&b.place));
    let (accepted_gaps, forgotten) = gaps(&store.audit_events()?);
    Ok(CoverageReport {
        schema: coverage::SCHEMA.to_owned(),
        generated_at: stamp(now),
        places,
        accepted_gaps,
        forgotten,
        matrix: storage(config, store, &looks)?,
        audit_head: store.audit_head()?.map(|(sequence, hash)| AuditHead { sequence, hash }),
    })
}

fn line(look: &LastLook, configured: bool, now: DateTime<Utc>) -> PlaceLine {
    PlaceLine {
        place: look.line.place.clone(),
        area: look.line.area,
        configured,
        status: Some(look.line.status),
        looked: Some(look.looked),
        at: Some(stamp(look.at)),
        // A report may be drawn up for a time before the look.
        days: Some((now - look.at).num_days().max(0)),
        records: look.line.records,
        bytes: look.line.bytes,
        reason: look.line.reason.clone(),
        complete_at: look.complete_at.map(stamp),
    }
}

/// What closings signed off, by place; and how many closings nobody knows the details of any more.
fn gaps(events: &[Event]) -> (Vec<Gap>, u64) {
    let closed = format!("case.{}", CaseState::Closed.as_str());
    let mut gaps: BTreeMap<String, Gap> = BTreeMap::new();
    let mut forgotten = 0;
    for event in events.iter().filter(|e| e.kind == closed) {
        let Some(detail) = &event.detail else {
            forgotten += 1;
            continue;
        };
        for place in detail["accepted_gaps"].as_array().into_iter().flatten().filter_map(|p| p.as_str()) {
            let gap = gaps.entry(place.to_owned()).or_insert_with(|| Gap {
                place: place.to_owned(),
                cases: 0,
                by: Vec::new(),
                last: String::new(),
                reason: None,
            });
            gap.cases += 1;
            if !gap.by.contains(&event.actor) {
                gap.by.push(event.actor.clone());
            }
            (gap.last, gap.reason) = (event.at.clone(), detail["reason"].as_str().map(str::to_owned));
        }
    }
    (gaps.into_values().collect(), forgotten)
}

/// The matrix of what is known: an instance's rows as the last full scan left them, the host's by its folders and the last looks.
fn storage(config: &Config, store: &Store, looks: &[LastLook]) -> anyhow::Result<Vec<MatrixRow>> {
    let read: Vec<_> = looks.iter().map(|l| l.line.clone()).collect();
    let mut rows = matrix(config, &BTreeMap::new(), &read);
    for name in config.instances.keys() {
        for known in store.last_matrix(name)? {
            let same = |r: &&mut MatrixRow| r.instance == known.instance && r.place == known.place;
            if let Some(row) = rows.iter_mut().find(same).filter(|r| r.area == StorageArea::Jira) {
                *row = known;
            }
        }
    }
    for row in rows.iter_mut().filter(|r| r.reason.as_deref() == Some(MatrixRow::NO_PART)) {
        row.reason = Some("no full scan has looked at it".to_owned());
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn event(kind: &str, actor: &str, at: &str, detail: Option<Value>) -> Event {
        Event {
            seq: 1,
            at: at.into(),
            actor: actor.into(),
            kind: kind.into(),
            case: None,
            commitment: String::new(),
            prev: String::new(),
            hash: String::new(),
            salt: None,
            detail,
        }
    }

    #[test]
    fn gaps_are_counted_by_place_with_who_accepted_them() {
        let closed = |actor: &str, at: &str, places: &[&str], why: &str| {
            event("case.closed", actor, at, Some(json!({ "accepted_gaps": places, "reason": why })))
        };
        let events = [
            closed("dpo", "1", &["foreign:x", "log:log"], "pixels"),
            event("case.rejected", "dpo", "2", Some(json!({ "accepted_gaps": ["foreign:x"] }))),
            event("case.closed", "dpo", "3", None),
            closed("legal", "4", &["foreign:x"], "scans"),
            closed("dpo", "5", &[], ""),
        ];
        let (gaps, forgotten) = gaps(&events);
        assert_eq!(forgotten, 1);
        let said: Vec<_> = gaps
            .iter()
            .map(|g| (g.place.as_str(), g.cases, g.by.join(","), g.last.as_str(), g.reason.as_deref()))
            .collect();
        assert_eq!(
            said,
            [
                ("foreign:x", 2, "dpo,legal".to_owned(), "4", Some("scans")),
                ("log:log", 1, "dpo".to_owned(), "1", Some("pixels"))
            ]
        );
    }
}

//! `case review`: what a person decides.

use std::{collections::BTreeMap, process::ExitCode};

use serde_json::json;

use super::{
    Room,
    groups::{self, Member},
};
use crate::{
    cli::{Context, Failure, table, work},
    erasure::{groups::GroupKind, plan::Standing},
    model::{CaseId, Decision},
};

/// How the reason of what is another person's begins.
pub(super) const OTHERS: &str = "another person's: ";

/// Findings that a person decided: finding → decision and why.
pub(super) type Reviews = BTreeMap<String, (Decision, String)>;

pub(super) fn review(
    room: &Room,
    ctx: &Context,
    id: &CaseId,
    findings: &[String],
    erase: Option<&str>,
    keep: Option<String>,
    other_person: Option<String>,
) -> anyhow::Result<ExitCode> {
    let case = room.erasure(id)?;
    let (plan, _) = room.plan(&case)?;
    let open: Vec<_> = plan.open_reviews().collect();
    // Free text of a person goes into plan and certificate: it is told without what names the person (law 6).
    let mask = work::masker(&[room.subject(id)?]);
    let (keep, other_person) = (keep.as_deref().map(&mask), other_person.as_deref().map(&mask));
    let decision = match (erase, keep, other_person) {
        (Some("delete"), ..) => Some((Decision::Delete, "decided by a person: delete".to_owned())),
        (Some(_), ..) => Some((Decision::Redact, "decided by a person: redact".to_owned())),
        (_, Some(basis), _) => Some((Decision::Keep, format!("kept: {basis}"))),
        (.., Some(reason)) => Some((Decision::Keep, format!("{OTHERS}{reason}"))),
        _ => None,
    };
    let Some(decision) = decision else {
        let rows: Vec<Vec<String>> = open
            .iter()
            .map(|s| {
                let key = s.record.key.clone().or_else(|| s.record.path.as_deref().map(&mask)).unwrap_or_default();
                vec![
                    s.finding.clone(),
                    s.place.to_string(),
                    format!("{} {key}", s.record.record_type.as_str()),
                    mask(&s.field),
                    mask(&s.locator),
                    s.why.clone(),
                ]
            })
            .collect();
        ctx.out(&table::rows(ctx.global.format, &["finding", "place", "record", "field", "locator", "why"], &rows)?)?;
        return Ok(ExitCode::SUCCESS);
    };
    if findings.is_empty() {
        return Err(Failure::Usage("name the findings to decide, as `efface case review ID` lists them".into()).into());
    }
    let mut reviews: Reviews = room.store.case_note(id, "reviews")?.unwrap_or_default();
    let members = groups::members(room, id)?;
    let mut wanted: Vec<String> = Vec::new();
    let mut grouped: Vec<&Member> = Vec::new();
    for name in findings {
        if !name.starts_with("g-") {
            wanted.push(name.clone());
            continue;
        }
        let of_group =
            |s: &&&Standing| members.get(&s.finding).is_some_and(|m| m.groups.iter().any(|(_, g)| g == name));
        let before = wanted.len();
        wanted.extend(open.iter().filter(of_group).map(|s| s.finding.clone()));
        if wanted.len() == before {
            return Err(Failure::Usage(format!(
                "{name} is no group of open findings of the current plan; see: efface case review {id} --groups"
            ))
            .into());
        }
        grouped.extend(wanted[before..].iter().filter_map(|f| members.get(f)));
    }
    wanted.sort_unstable();
    wanted.dedup();
    for finding in &wanted {
        let Some(review) = open.iter().find(|s| s.finding == *finding) else {
            return Err(Failure::Usage(format!("{finding} is no open review of the current plan")).into());
        };
        if decision.0.acts() && review.rule == "verification" {
            return Err(Failure::Usage(format!(
                "{finding} has no position that could be cut: remove it by hand and verify again, or keep it"
            ))
            .into());
        }
        reviews.insert(finding.clone(), decision.clone());
    }
    room.store.put_case_note(id, "reviews", ctx.now, &reviews)?;
    let passages = if grouped.is_empty() { 0 } else { groups::remember(room, id, ctx.now, &grouped, &decision)? };
    let groups: Vec<&String> = findings.iter().filter(|f| f.starts_with("g-")).collect();
    let detail = json!({ "findings": wanted, "groups": groups, "decision": decision.0 });
    ctx.act(|act| room.store.audit(act, "case.reviewed", Some(id.as_str()), detail))?;
    let copies = match passages {
        0 => String::new(),
        n => format!(" New copies of {n} passages will be decided the same way."),
    };
    ctx.say(format!("{} decided.{copies} Make the plan again: efface case plan {id}", wanted.len()));
    Ok(ExitCode::SUCCESS)
}

/// Lists the groups of open findings: the largest first, and within a size the narrowest.
pub(super) fn list_groups(room: &Room, ctx: &Context, id: &CaseId) -> anyhow::Result<ExitCode> {
    let case = room.live(id)?;
    let (plan, _) = room.plan(&case)?;
    let members = groups::members(room, id)?;
    let mut by: BTreeMap<(GroupKind, &str), Vec<&Standing>> = BTreeMap::new();
    let mut alone = 0;
    for review in plan.open_reviews() {
        match members.get(&review.finding) {
            Some(m) => m.groups.iter().for_each(|(kind, g)| by.entry((*kind, g)).or_default().push(review)),
            None => alone += 1,
        }
    }
    let mut all: Vec<_> = by.into_iter().collect();
    all.sort_by_key(|((kind, group), of)| (std::cmp::Reverse(of.len()), *kind, *group));
    let mask = work::masker(&[room.subject(id)?]);
    let rows: Vec<Vec<String>> = all
        .into_iter()
        .map(|((kind, group), of)| {
            let mut places: Vec<String> = of.iter().map(|s| s.place.to_string()).collect();
            places.sort_unstable();
            places.dedup();
            let first = of.first();
            let example = first.and_then(|s| members.get(&s.finding)).map(|m| m.example.clone()).unwrap_or_default();
            let field =
                first.map(|s| format!("{} {}", s.record.record_type.as_str(), mask(&s.field))).unwrap_or_default();
            let found = first.map(|s| s.kind.as_str().to_owned()).unwrap_or_default();
            vec![
                group.to_owned(),
                kind.as_str().to_owned(),
                of.len().to_string(),
                found,
                field.trim().to_owned(),
                places.join(", "),
                example,
            ]
        })
        .collect();
    let head = ["group", "what is the same", "findings", "kind", "first in", "places", "example"];
    ctx.out(&table::rows(ctx.global.format, &head, &rows)?)?;
    if alone > 0 {
        ctx.say(format!("{alone} more findings are in no group: efface case review {id}"));
    }
    Ok(ExitCode::SUCCESS)
}

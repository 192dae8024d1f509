//! `case review`: what a person decides.

use std::{collections::BTreeMap, process::ExitCode};

use serde_json::json;

use super::Room;
use crate::{
    cli::{Context, Failure, table, work},
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
    let case = room.live(id)?;
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
    for finding in findings {
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
    let detail = json!({ "findings": findings, "decision": decision.0 });
    ctx.act(|act| room.store.audit(act, "case.reviewed", Some(id.as_str()), detail))?;
    ctx.say(format!("{} decided. Make the plan again: efface case plan {id}", findings.len()));
    Ok(ExitCode::SUCCESS)
}

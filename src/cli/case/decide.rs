//! `case review` and `case approve`: what a person decides.

use std::{collections::BTreeMap, process::ExitCode};

use serde_json::json;

use super::Room;
use crate::{
    cli::{Context, Failure, table, work},
    model::{CaseId, Decision, EXCEPTIONS},
    policy::{CaseRules, Requirement},
    store::{Case, CaseState},
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

/// What the plan's policy wants on record before anything is approved.
fn missing(case: &Case, rules: &CaseRules) -> anyhow::Result<()> {
    let id = &case.id;
    if rules.wants(Requirement::Ground) && case.record.grounds.is_empty() {
        return Err(Failure::Refused(format!(
            "the policy wants the ground on record (Art. 17(1)): efface case assess {id} --ground LETTER"
        ))
        .into());
    }
    let looked: Vec<char> = case.record.exceptions.iter().map(|e| e.letter).collect();
    let left: Vec<String> =
        EXCEPTIONS.iter().filter(|(l, _)| !looked.contains(l)).map(|(l, what)| format!("({l}) {what}")).collect();
    if rules.wants(Requirement::Exceptions) && !left.is_empty() {
        return Err(Failure::Refused(format!(
            "the policy wants every exception of Art. 17(3) looked at; not on record: {}. \
             efface case assess {id} --exception LETTER=no:WHY",
            left.join(", ")
        ))
        .into());
    }
    Ok(())
}

pub(super) fn approve(
    room: &Room,
    ctx: &Context,
    id: &CaseId,
    wanted: Option<&str>,
    raise_cap: Option<u64>,
) -> anyhow::Result<ExitCode> {
    let case = room.erasure(id)?;
    let (plan, hash) = room.plan(&case)?;
    if wanted.is_some_and(|w| w != hash) {
        return Err(Failure::Refused(format!(
            "the current plan is {hash}, not the one you reviewed; look at it again"
        ))
        .into());
    }
    if !matches!(case.state, CaseState::Planned | CaseState::Approved) {
        return Err(Failure::Refused(format!(
            "case {id} is {}; only a plan that is not begun can be approved",
            case.state.as_str()
        ))
        .into());
    }
    missing(&case, &plan.policy.case)?;
    let actor = ctx.actor();
    let same = actor == plan.planned_by;
    if plan.policy.four_eyes && same {
        return Err(Failure::Refused(format!(
            "the policy {} asks for four eyes: {actor} made the plan, so another person has to approve it (--actor NAME)",
            plan.policy.name
        ))
        .into());
    }
    let steps = plan.steps.len() as u64;
    if let Some(cap) = plan.policy.cap_records.filter(|cap| steps > *cap) {
        match raise_cap {
            Some(raised) if raised >= steps && !same => {}
            Some(_) if same => {
                return Err(
                    Failure::Refused("the cap can be raised by a second person only (--actor NAME)".into()).into()
                );
            }
            _ => {
                return Err(Failure::Refused(format!(
                    "the plan changes {steps} records, the policy's cap is {cap}; a second person may raise it for this \
                     plan: efface case approve {id} --raise-cap {steps}"
                ))
                .into());
            }
        }
    }
    if let Some((place, share)) = plan.over_share().filter(|_| raise_cap.is_none() || same) {
        return Err(Failure::Refused(format!(
            "the plan changes {:.0} % of the issues of {place}, more than the policy's cap; a second person may raise it for \
             this plan: efface case approve {id} --raise-cap {steps} --actor NAME",
            share * 100.0
        ))
        .into());
    }
    ctx.act(|act| room.store.approve(act, id, &hash, raise_cap))?;
    ctx.say(format!("Approved by {actor}: plan {hash}. Next: efface case execute {id} --yes"));
    Ok(ExitCode::SUCCESS)
}

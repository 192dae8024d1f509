//! `case plan`: scan everything and freeze a plan.

use std::{collections::BTreeMap, process::ExitCode};

use serde_json::json;

use super::{Room, decide::Reviews, stamp, word};
use crate::{
    cli::{Context, Failure, Format, load_policy, table, work},
    erasure::plan::{Input, MandateOf, Operation, Plan, PolicyPin},
    model::{CaseId, Decision, InstanceName, Subject},
    store::CaseState,
};

pub(super) async fn plan(room: &Room, ctx: &Context, id: &CaseId) -> anyhow::Result<ExitCode> {
    let case = room.live(id)?;
    if case.state == CaseState::Executing {
        let (_, hash) = room.plan(&case)?;
        let refused = room.store.steps(id, &hash)?.iter().any(|r| r.state == crate::store::StepState::Refused);
        if !refused {
            return Err(Failure::Refused(format!(
                "the plan of case {id} is being executed; finish it first: efface case execute {id} --yes"
            ))
            .into());
        }
    }
    let subject = room.subject(id)?;
    let policy = load_policy(&room.config.policy)?;
    let clients = work::clients(room.config.instances.values(), false);
    let subjects = [subject];
    let mut decided = work::scan(ctx, &room.config, &room.store, &clients, &policy, &subjects, (&[], &[])).await?;
    let reviews: Reviews = room.store.case_note(id, "reviews")?.unwrap_or_default();
    for finding in decided.groups.iter_mut().flat_map(|(f, _)| f.iter_mut()) {
        if let Some((decision, why)) = reviews.get(&finding.id).filter(|_| finding.decision == Decision::Review) {
            finding.decision = *decision;
            finding.reasons = vec![why.clone()];
        }
    }
    let consents: BTreeMap<InstanceName, String> = room.store.case_note(id, "consent")?.unwrap_or_default();
    let mandates: BTreeMap<InstanceName, MandateOf> = room
        .config
        .instances
        .values()
        .map(|i| {
            let consent = consents.get(&i.name).cloned();
            (i.name.clone(), MandateOf { mandate: i.mandate, contact: i.contact.clone(), consent })
        })
        .collect();
    let actor = ctx.actor();
    let plan = Plan::make(Input {
        case: id.clone(),
        subject: &subjects[0].pseudonym,
        created_at: stamp(ctx.now),
        planned_by: &actor,
        policy: PolicyPin {
            name: policy.name().to_owned(),
            sha256: policy.sha256().to_owned(),
            placeholder: policy.placeholder().to_owned(),
            four_eyes: policy.four_eyes(),
            cap_records: policy.caps().records,
            cap_share: policy.caps().share,
        },
        groups: decided.groups,
        mandates: &mandates,
        ask: &decided.ask,
        coverage: decided.coverage,
        issues: decided.issues,
    });
    let hash = plan.hash();
    ctx.act(|act| room.store.put_plan(act, id, &hash, &plan, plan.steps.len()))?;
    print_plan(ctx, &plan, &hash, &subjects)?;
    let reviews = plan.open_reviews().count();
    ctx.say(format!(
        "{} steps, {} findings stay ({} to review). Plan {hash}. Next: efface case approve {id}",
        plan.steps.len(),
        plan.standing.len(),
        reviews
    ));
    Ok(ExitCode::from(if plan.is_complete() { 0 } else { 3 }))
}

pub(super) fn print_plan(ctx: &Context, plan: &Plan, hash: &str, subjects: &[Subject]) -> anyhow::Result<()> {
    let mask = work::masker(subjects);
    if ctx.global.format == Format::Json {
        let mut value = json!({ "hash": hash, "plan": plan });
        mask_json(&mut value, &mask);
        return ctx.out(&format!("{}\n", serde_json::to_string_pretty(&value)?));
    }
    let record = |r: &crate::model::RecordRef| {
        let parts = [Some(r.record_type.as_str()), r.key.as_deref(), r.id.as_deref(), r.path.as_deref()];
        mask(&parts.into_iter().flatten().collect::<Vec<_>>().join(" "))
    };
    let mut rows = Vec::new();
    for step in &plan.steps {
        let mut fields: Vec<&str> = step.edits.iter().map(|e| e.field.as_str()).filter(|f| !f.is_empty()).collect();
        fields.dedup();
        let mut rules: Vec<&str> = step.edits.iter().map(|e| e.rule.as_str()).collect();
        rules.dedup();
        let what = match step.operation {
            Operation::Edit => "edit",
            Operation::Delete => "delete",
        };
        rows.push(vec![
            step.number.to_string(),
            step.place.to_string(),
            record(&step.record),
            what.to_owned(),
            mask(&fields.join(", ")),
            format!("{}: {}", rules.join(", "), step.notes.join("; ")),
        ]);
    }
    for stays in &plan.standing {
        let who = stays.who.as_ref().map(|w| format!(" (ask {w})")).unwrap_or_default();
        rows.push(vec![
            stays.finding.clone(),
            stays.place.to_string(),
            record(&stays.record),
            word(stays.outcome).to_owned(),
            mask(&stays.field),
            format!("{}: {}{who}", stays.rule, stays.why),
        ]);
    }
    ctx.out(&table::rows(ctx.global.format, &["step", "place", "record", "what", "fields", "why"], &rows)?)
}

pub(super) fn mask_json(value: &mut serde_json::Value, mask: &dyn Fn(&str) -> String) {
    match value {
        serde_json::Value::String(s) => *s = mask(s),
        serde_json::Value::Array(items) => items.iter_mut().for_each(|v| mask_json(v, mask)),
        serde_json::Value::Object(map) => map.values_mut().for_each(|v| mask_json(v, mask)),
        _ => {}
    }
}

//! `case plan`: scan everything and freeze a plan.

use std::{collections::BTreeMap, process::ExitCode};

use serde_json::json;

use super::{
    Room,
    decide::{OTHERS, Reviews},
    stamp, word,
};
use crate::{
    cli::{Context, Failure, Format, load_policy, table, work},
    erasure::{
        executor::Executors,
        plan::{BY_A_PERSON, Group, Input, MandateOf, OTHER_PERSON, Operation, Plan, PolicyPin, Standing},
        trial::misfits,
        verify::{Remaining, Verification},
    },
    keys::Purpose,
    model::{CaseId, Decision, InstanceName, Outcome, RecordRef, ReferenceKind, Subject},
    store::{CaseState, StepState},
};

const UNEXPLAINED: &str = "the last verification met the person here, and the scan does not: remove it by hand and verify again, or decide \
     that it may stay";

pub(super) async fn plan(room: &Room, ctx: &Context, id: &CaseId, exhaustive: bool) -> anyhow::Result<ExitCode> {
    let case = room.live(id)?;
    if case.state == CaseState::Executing {
        let (_, hash) = room.plan(&case)?;
        // A step that was cut off has to be finished; one that fails for good must not hold the case for ever.
        let rows = room.store.steps(id, &hash)?;
        let is = |state| rows.iter().any(|r| r.state == state);
        if is(StepState::Begun) || !(is(StepState::Refused) || is(StepState::Failed)) {
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
    let last: Option<Verification> = room.store.case_note(id, "verification")?;
    let last = last.unwrap_or_default();
    // A verification that met the person where the plan did not expect it is the better witness.
    let exhaustive = exhaustive || last.unexpected().next().is_some();
    let cache = work::cache(ctx, &room.store, id, &subjects[0], exhaustive)?;
    let how = work::How { areas: &[], places: &[], quick: false, cache, acts: true };
    let mut decided = work::scan(ctx, &room.config, &room.store, &clients, &policy, &subjects, how).await?;
    let reviews: Reviews = room.store.case_note(id, "reviews")?.unwrap_or_default();
    for finding in decided.groups.iter_mut().flat_map(|(f, _)| f.iter_mut()) {
        // Only what a plan left for review is ever in there; that may have been decided by the planner, not the policy.
        let Some((decision, why)) = reviews.get(&finding.id) else { continue };
        let r = &finding.reference;
        if let Err(hint) = crate::policy::fits(*decision, &r.record, &r.field, &r.cut) {
            finding.decision = Decision::Review;
            finding.reasons = vec![format!("{why}, but that cannot be carried out: {hint}")];
            continue;
        }
        finding.decision = *decision;
        finding.rule = if decision.acts() {
            BY_A_PERSON.to_owned()
        } else if why.starts_with(OTHERS) {
            OTHER_PERSON.to_owned()
        } else {
            std::mem::take(&mut finding.rule)
        };
        finding.reasons = vec![why.clone()];
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
    let unexplained = unexplained(room, &last, &decided.groups, &reviews);
    let actor = ctx.actor();
    let make = |groups: &[Group]| {
        Plan::make(Input {
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
                suppression_keep: policy.suppression_keep().map(|keep| keep.to_string()),
            },
            groups: groups.to_vec(),
            mandates: &mandates,
            ask: &decided.ask,
            unexplained: unexplained.clone(),
            coverage: decided.coverage.clone(),
            issues: decided.issues.clone(),
        })
    };
    let mut plan = make(&decided.groups);
    let nobody = BTreeMap::new();
    let executors =
        Executors { config: &room.config, store: &room.store, clients: &nobody, placeholder: policy.placeholder() };
    let misfits = misfits(&plan, &decided.groups, &executors).await;
    if !misfits.is_empty() {
        for finding in decided.groups.iter_mut().flat_map(|(f, _)| f.iter_mut()) {
            if let Some(why) = misfits.get(&finding.id) {
                finding.decision = Decision::Review;
                finding.reasons = vec![format!("{why}; decide to delete the whole record, or to keep it")];
            }
        }
        plan = make(&decided.groups);
    }
    let hash = plan.hash();
    let covered = super::drift::covered(&room.config, &clients, &plan.coverage).await;
    ctx.act(|act| room.store.set_case_scope(act, id, &covered))?;
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

/// What the last verification met and this scan finds nowhere in the record: the two searches differ, so a person looks.
/// Without this the case could neither be planned further nor verified.
fn unexplained(room: &Room, last: &Verification, groups: &[Group], reviews: &Reviews) -> Vec<Standing> {
    let outer = |r: &RecordRef| r.path.as_deref().map(|p| p.split('!').next().unwrap_or(p).to_owned());
    let found = |hit: &Remaining| {
        groups.iter().flat_map(|(findings, _)| findings).map(|f| &f.reference).any(|r| {
            r.place == hit.place
                && r.record.record_type == hit.record.record_type
                && r.record.key == hit.record.key
                && outer(&r.record) == outer(&hit.record)
                && (r.record.id == hit.record.id || r.record.id.is_none())
        })
    };
    let hits = last.unexpected().filter(|hit| !found(hit));
    hits.map(|hit| {
        let record = serde_json::to_string(&hit.record).unwrap_or_default();
        let parts = ["verification", &hit.place.to_string(), &record, &hit.field];
        let hash = room.store.keys().keyed_hash(Purpose::Finding, &parts.map(str::as_bytes));
        let finding = format!("f-{}", hex::encode(&hash[..10]));
        let decided = reviews.get(&finding).filter(|(decision, _)| !decision.acts());
        Standing {
            place: hit.place.clone(),
            record: hit.record.clone(),
            field: hit.field.clone(),
            locator: String::new(),
            kind: ReferenceKind::Alias,
            outcome: if decided.is_some() { Outcome::Kept } else { Outcome::Review },
            rule: "verification".into(),
            why: decided.map_or_else(|| UNEXPLAINED.to_owned(), |(_, why)| why.clone()),
            who: None,
            finding,
        }
    })
    .collect()
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

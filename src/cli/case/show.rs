//! How a plan, and the difference between two, is shown.

use std::{collections::BTreeMap, process::ExitCode};

use serde_json::{Value, json};

use super::{Room, word};
use crate::{
    cli::{Context, Failure, Format, load_policy, table, work},
    erasure::{
        diff::{Change, Standpoint, diff},
        executor::cost::Cost,
        plan::Plan,
    },
    model::{CaseId, RecordRef},
    report::plan::PlanReport,
};

/// Shows a plan; `mask` hides what names the person.
pub(super) fn print_plan(
    room: &Room,
    ctx: &Context,
    plan: &Plan,
    hash: &str,
    mask: &dyn Fn(&str) -> String,
) -> anyhow::Result<()> {
    let flavors = room.config.instances.values().map(|i| (i.name.clone(), i.flavor)).collect();
    let cost = Cost::of(plan, &flavors);
    // Reasons are read from the policy only while it is the one that the plan was made under.
    let policy = load_policy(&room.config.policy).ok().filter(|p| p.sha256() == plan.policy.sha256);
    let reasons: BTreeMap<String, String> =
        policy.iter().flat_map(|p| p.rules()).filter_map(|r| Some((r.id.clone(), r.reason.clone()?))).collect();
    let report = PlanReport::of(plan, hash, cost.clone(), &reasons, mask);
    match ctx.global.format {
        Format::Json => {
            let mut value = json!({ "hash": hash, "plan": plan, "cost": cost, "summary": report.summary() });
            mask_json(&mut value, mask);
            ctx.out(&format!("{}\n", serde_json::to_string_pretty(&value)?))
        }
        Format::Table => ctx.out(&report.table()),
        Format::Csv => ctx.out(&report.csv()),
        Format::Html => ctx.out(&report.html()),
        Format::Markdown => Err(crate::cli::no_markdown()),
    }
}

/// Shows what differs between the current plan and an earlier one: the one before, where none is named.
pub(super) fn print_diff(room: &Room, ctx: &Context, id: &CaseId, wanted: &str) -> anyhow::Result<ExitCode> {
    let case = room.live(id)?;
    let (after, hash) = room.plan(&case)?;
    let plans = room.store.plans(id)?;
    let at = plans.iter().position(|h| *h == hash).unwrap_or(plans.len());
    let earlier = match wanted {
        "" => plans[..at]
            .last()
            .ok_or_else(|| Failure::Refused(format!("case {id} has no plan before the current one")))?,
        // As with other hashes, the first letters are enough while they name one plan alone.
        start => match &plans.iter().filter(|h| h.starts_with(start)).collect::<Vec<_>>()[..] {
            [one] => one,
            [] => {
                return Err(
                    Failure::Usage(format!("case {id} has no plan {start}; its plans: {}", plans.join(", "))).into()
                );
            }
            _ => return Err(Failure::Usage(format!("several plans of case {id} begin with {start}")).into()),
        },
    };
    let before: Plan = room
        .store
        .plan(id, earlier)?
        .ok_or_else(|| Failure::Refused(format!("the plan {earlier} of case {id} is gone")))?;
    if before.hash() != *earlier {
        return Err(Failure::Refused(format!("the stored plan {earlier} is not the one that its hash names")).into());
    }
    let d = diff(&before, &after);
    let mask = work::masker(&[room.subject(id)?]);
    let c = d.counts;
    let counts = format!(
        "{} steps added, {} gone, {} changed, {} the same; {} findings moved.",
        c.added, c.gone, c.changed, c.same, c.moved
    );
    if ctx.global.format == Format::Json {
        let mut value = json!({ "from": earlier, "to": hash, "counts": c, "steps": d.steps, "moved": d.moved });
        mask_json(&mut value, &mask);
        ctx.out(&format!("{}\n", serde_json::to_string_pretty(&value)?))?;
        return Ok(ExitCode::SUCCESS);
    }
    let record = |r: &RecordRef| {
        let parts = [Some(r.record_type.as_str()), r.key.as_deref(), r.id.as_deref(), r.path.as_deref()];
        mask(&parts.into_iter().flatten().collect::<Vec<_>>().join(" "))
    };
    let number = |n: Option<u32>| n.map_or_else(String::new, |n| n.to_string());
    let mut rows: Vec<Vec<String>> = Vec::new();
    for s in &d.steps {
        let change = match s.change {
            Change::Added => "step added",
            Change::Gone => "step gone",
            Change::Changed => "step changed",
        };
        let (place, record) = (s.place.to_string(), record(&s.record));
        rows.push(vec![change.into(), number(s.before), number(s.after), place, record, s.what.join("; ")]);
    }
    for m in &d.moved {
        let what = if m.field.is_empty() { m.why.clone() } else { format!("{}: {}", mask(&m.field), m.why) };
        let (place, record) = (m.place.to_string(), record(&m.record));
        rows.push(vec![m.finding.clone(), stands(m.before), stands(m.after), place, record, what]);
    }
    let head = ["change", "before", "after", "place", "record", "what"];
    let text = table::rows(ctx.global.format, &head, &rows)?;
    let text = if ctx.global.format == Format::Table { format!("{counts}\n\n{text}") } else { text };
    ctx.out(&text)?;
    ctx.say(format!("Plan {hash} beside {earlier}: {counts}"));
    Ok(ExitCode::SUCCESS)
}

fn stands(point: Standpoint) -> String {
    match point {
        Standpoint::Absent => "not found".to_owned(),
        Standpoint::Step(decision) => decision.as_str().to_owned(),
        Standpoint::Stays(outcome) => word(outcome).to_owned(),
    }
}

pub(super) fn mask_json(value: &mut Value, mask: &dyn Fn(&str) -> String) {
    match value {
        Value::String(s) => *s = mask(s),
        Value::Array(items) => items.iter_mut().for_each(|v| mask_json(v, mask)),
        Value::Object(map) => map.values_mut().for_each(|v| mask_json(v, mask)),
        _ => {}
    }
}

//! `case scan`: what was found for a case. Of an access request in clear, for the person's own eyes (Art. 15).

use std::process::ExitCode;

use serde_json::json;

use super::{Room, stamp};
use crate::{
    cli::{Context, Format, load_policy, table, work},
    model::{CaseId, CaseKind, CaseState, Finding, Looked, Strength, Subject},
};

/// One reference of the list for the person, `efface.access/1`.
#[derive(Debug, serde::Serialize)]
struct Own {
    place: String,
    record: String,
    field: String,
    kind: &'static str,
    /// What stands there about the person, as it is known: the identifier that was met.
    value: String,
    updated: Option<String>,
}

pub(super) async fn scan(room: &Room, ctx: &Context, id: &CaseId, exhaustive: bool) -> anyhow::Result<ExitCode> {
    let case = room.live(id)?;
    let subjects = [room.subject(id)?];
    let policy = load_policy(&room.config.policy)?;
    let clients = work::clients(room.config.instances.values(), false);
    let cache = work::cache(ctx, &room.store, id, &subjects[0], exhaustive)?;
    let how = work::How { areas: &[], places: &[], quick: false, cache, acts: false, looked: Looked::Case };
    let decided = work::scan(ctx, &room.config, &room.store, &clients, &policy, &subjects, how).await?;
    let findings = decided.findings();
    let clear = case.kind == CaseKind::Access;
    let complete = decided.coverage.iter().all(|c| c.status.is_complete());
    let detail = json!({ "references": findings.len(), "complete": complete, "reveal": clear });
    // With a plan, a search only tells where things stand; it takes no plan and no approval back.
    if matches!(case.state, CaseState::Received | CaseState::Identified | CaseState::Scanned) {
        ctx.act(|act| room.store.set_case_state(act, id, CaseState::Scanned, detail))?;
    } else {
        ctx.act(|act| room.store.audit(act, "case.searched", Some(id.as_str()), detail))?;
    }
    if clear {
        access(ctx, &subjects[0], &decided, &findings)?
    } else {
        masked(ctx, &subjects, &findings)?
    }
    for gap in decided.coverage.iter().filter(|c| !c.status.is_complete()) {
        ctx.say(format!("{}: {} ({})", gap.status.as_str(), gap.place, gap.reason.as_deref().unwrap_or("no reason")));
    }
    let next = match case.kind {
        CaseKind::Erasure => format!("efface case plan {id}"),
        CaseKind::Restriction => format!("efface hold add --type restriction --case {id} --basis TEXT"),
        CaseKind::Access => format!("efface case reply {id}"),
    };
    ctx.say(format!("{} references. Next: {next}", findings.len()));
    Ok(ExitCode::from(if complete { 0 } else { 3 }))
}

const HEAD: [&str; 6] = ["place", "record", "field", "kind", "value", "updated"];

/// What is the person's own: what certainly or probably is about the person. A mere possibility may be somebody else's,
/// whose data nobody hands out (Art. 15(4)); it is counted.
fn access(ctx: &Context, subject: &Subject, decided: &work::Decided, findings: &[Finding]) -> anyhow::Result<()> {
    let (own, doubtful): (Vec<&Finding>, Vec<&Finding>) =
        findings.iter().partition(|f| f.reference.strength > Strength::Possible);
    let mut list: Vec<Own> = own
        .iter()
        .map(|f| {
            let r = &f.reference;
            let value = subject.identifiers.get(r.identifier).map(|i| i.value.reveal().clone());
            Own {
                place: r.place.to_string(),
                record: named(f, &|s| s.to_owned()),
                field: r.field.clone(),
                kind: r.kind.as_str(),
                value: value.unwrap_or_default(),
                updated: r.times.updated.or(r.times.created).map(stamp),
            }
        })
        .collect();
    list.sort_by(|a, b| (&a.place, &a.record, &a.field, &a.value).cmp(&(&b.place, &b.record, &b.field, &b.value)));
    list.dedup_by(|a, b| (&a.place, &a.record, &a.field, &a.value) == (&b.place, &b.record, &b.field, &b.value));
    if ctx.global.format == Format::Json {
        let value = json!({
            "schema": "efface.access/1", "generated_at": stamp(ctx.now), "findings": list, "left_out": doubtful.len(),
            "coverage": decided.coverage,
        });
        ctx.out(&format!("{}\n", serde_json::to_string_pretty(&value)?))?;
    } else {
        let rows: Vec<Vec<String>> = list
            .into_iter()
            .map(|o| vec![o.place, o.record, o.field, o.kind.to_owned(), o.value, o.updated.unwrap_or_default()])
            .collect();
        ctx.out(&table::rows(ctx.global.format, &HEAD, &rows)?)?;
    }
    if !doubtful.is_empty() {
        ctx.say(format!(
            "{} references that may be another person's are left out; efface scan --case ID shows them.",
            doubtful.len()
        ));
    }
    Ok(())
}

fn masked(ctx: &Context, subjects: &[Subject], findings: &[Finding]) -> anyhow::Result<()> {
    let mask = work::masker(subjects);
    let mut rows: Vec<Vec<String>> = findings
        .iter()
        .map(|f| {
            let r = &f.reference;
            vec![
                r.place.to_string(),
                named(f, &mask),
                mask(&r.field),
                r.kind.as_str().to_owned(),
                r.strength.as_str().to_owned(),
                format!("{} ({})", f.decision.as_str(), f.rule),
            ]
        })
        .collect();
    rows.sort();
    rows.dedup();
    ctx.out(&table::rows(ctx.global.format, &["place", "record", "field", "kind", "strength", "decision"], &rows)?)
}

fn named(f: &Finding, mask: &dyn Fn(&str) -> String) -> String {
    let r = &f.reference.record;
    let parts = [Some(r.record_type.as_str()), r.key.as_deref(), r.id.as_deref(), r.path.as_deref()];
    mask(&parts.into_iter().flatten().collect::<Vec<_>>().join(" "))
}

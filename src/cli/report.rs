//! `efface report`: reports to hand over.

use std::process::ExitCode;

use chrono::SecondsFormat;
use clap::Subcommand;

use super::{Context, Failure, Format};
use crate::{
    erasure::{
        certificate::{self, mask_record},
        execute,
        plan::Plan,
        verify::Verification,
    },
    model::CaseId,
    report::{
        PolicyRef,
        case::{AuditHead, CaseReport, Count, PlanRef, Station, Stays, Verified},
    },
    store::{Case, Store},
};

/// Reports to hand over; `--format html -o FILE` makes one self-contained page that prints well.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// One case: what was found, done, kept and left.
    Case {
        /// The case.
        id: CaseId,
    },
}

pub(crate) fn run(args: Args, ctx: &Context) -> anyhow::Result<ExitCode> {
    let Verb::Case { id } = args.verb;
    let config = ctx.config()?;
    let store = ctx.store(&config)?;
    let case =
        store.case(&id)?.ok_or_else(|| Failure::Usage(format!("there is no case {id}; see: efface case list")))?;
    let report = case_report(&store, &case, ctx.now.to_rfc3339_opts(SecondsFormat::Millis, true))?;
    ctx.out(&match ctx.global.format {
        Format::Table => report.table(),
        Format::Json => report.json(),
        Format::Csv => report.csv(),
        Format::Html => report.html(),
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Everything that the store still knows of a case. After closing, the plan and the verification are destroyed with the
/// case's key, and what is left are the stations and the audit chain.
fn case_report(store: &Store, case: &Case, now: String) -> anyhow::Result<CaseReport> {
    let stations = store
        .audit_events()?
        .into_iter()
        .filter(|e| e.case.as_deref() == Some(case.id.as_str()))
        .filter_map(|e| {
            let what = e.kind.strip_prefix("case.")?.to_owned();
            Some(Station { what, at: e.at, by: Some(e.actor) })
        })
        .chain([Station { what: "due".into(), at: case.due.to_string(), by: None }])
        .collect();
    let hash = case.plan.clone().unwrap_or_default();
    let plan: Option<Plan> = store.plan(&case.id, &hash)?;
    let verification: Option<Verification> =
        store.case_note::<Verification>(&case.id, "verification")?.filter(|v| v.plan == hash);
    let mut stays = Vec::new();
    match (&plan, &verification) {
        (Some(plan), Some(verification)) => {
            stays.extend(certificate::stays(store.keys(), plan, verification).into_iter().map(|s| Stays {
                place: s.place,
                record: s.record,
                field: s.field,
                outcome: s.outcome,
                why: s.why,
                who: s.who,
            }));
        }
        (Some(plan), None) => stays.extend(plan.standing.iter().map(|s| Stays {
            place: s.place.clone(),
            record: mask_record(store.keys(), &s.record),
            field: s.field.clone(),
            outcome: s.outcome,
            why: s.why.clone(),
            who: s.who.clone(),
        })),
        _ => {}
    }
    let counted = plan.as_ref().map(|p| execute::outcomes(store, &case.id, p, &hash)).transpose()?.unwrap_or_default();
    let outcomes = counted.into_iter().map(|(place, outcome, findings)| {
        let place = place.parse().map_err(|e: String| anyhow::anyhow!(e))?;
        Ok(Count { place, outcome, findings })
    });
    Ok(CaseReport {
        generated_at: now,
        case: case.id.to_string(),
        subject: case.subject.clone(),
        kind: case.kind.to_string(),
        state: case.state.as_str().to_owned(),
        policy: plan.as_ref().map_or_else(
            || PolicyRef { name: "(destroyed with the case's key)".into(), sha256: String::new() },
            |p| PolicyRef { name: p.policy.name.clone(), sha256: p.policy.sha256.clone() },
        ),
        stations,
        plan: plan.as_ref().map(|p| PlanRef { hash: hash.clone(), steps: p.steps.len() as u64 }),
        outcomes: outcomes.collect::<anyhow::Result<_>>()?,
        stays,
        coverage_before: plan.as_ref().map(|p| p.coverage.clone()).unwrap_or_default(),
        coverage_after: verification.as_ref().map(|v| v.coverage.clone()).unwrap_or_default(),
        matrix: verification.as_ref().map(|v| v.matrix.clone()).unwrap_or_default(),
        verified: verification.as_ref().map(|v| Verified {
            at: v.at.clone(),
            unexpected: v.unexpected().map(|r| r.count).sum(),
            listed: (v.remaining.len() - v.unexpected().count()) as u64,
            near_misses: v.near_misses,
        }),
        accepted_gaps: Vec::new(),
        audit_head: store.audit_head()?.map(|(sequence, hash)| AuditHead { sequence, hash }),
    })
}

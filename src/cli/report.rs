//! `efface report`: reports to hand over.

use std::{collections::BTreeMap, process::ExitCode};

use chrono::{DateTime, Months, NaiveDate, SecondsFormat, Utc};
use clap::Subcommand;
use serde_json::Value;

mod coverage;
mod processing;

use super::{Context, Failure, Format, load_policy, work};
use crate::{
    audit::Event,
    config::Config,
    erasure::{
        certificate::{self, mask_record},
        execute,
        plan::Plan,
        verify::Verification,
    },
    model::{CaseId, InstanceName, Pressure},
    report::{
        PolicyRef,
        case::{AcceptedGap, AuditHead, CaseReport, Count, PlanRef, Station, Stays, Verified},
        compliance::{self, CaseLine, Compliance, HoldLine, Recipient, Scans, SweepLine},
    },
    store::{Case, Store},
};

/// Reports to hand over; `--format html -o FILE` makes one self-contained page that prints well, `--format markdown` a text for a
/// wiki or an issue.
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
    /// Requests, recipients, holds and sweeps over a period: counts and case ids, nobody's name.
    Compliance {
        /// First day of the period; by default a year before the last.
        #[arg(long, value_name = "DATE")]
        from: Option<NaiveDate>,
        /// Last day of the period; by default today.
        #[arg(long, value_name = "DATE")]
        to: Option<NaiveDate>,
    },
    /// Every configured place: how far it was read when it was last looked at, when that was, what was signed off as unread,
    /// and whom to ask about what is out of reach. Reads nothing anew.
    Coverage,
    /// The record of processing activities (GDPR Art. 30): which data goes from where to where, why, on which basis, how long;
    /// and what nobody has stated yet.
    Processing,
    /// The JSON Schema of a report's `--format json`, for editors and programs.
    Schema {
        /// Which report.
        report: Which,
    },
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Which {
    Case,
    Compliance,
    Coverage,
    Processing,
}

impl Which {
    const fn schema(self) -> &'static str {
        match self {
            Self::Case => include_str!("../../schemas/case-report-1.json"),
            Self::Compliance => include_str!("../../schemas/compliance-1.json"),
            Self::Coverage => include_str!("../../schemas/coverage-report-1.json"),
            Self::Processing => include_str!("../../schemas/processing-1.json"),
        }
    }
}

/// Prints a report in the face that was asked for.
macro_rules! print {
    ($ctx:expr, $report:expr) => {
        $ctx.out(&match $ctx.global.format {
            Format::Table => $report.table(),
            Format::Json => $report.json(),
            Format::Csv => $report.csv(),
            Format::Html => $report.html(),
            Format::Markdown => $report.markdown(),
        })?
    };
}

pub(crate) fn run(args: Args, ctx: &Context) -> anyhow::Result<ExitCode> {
    if let Verb::Schema { report } = args.verb {
        ctx.out(report.schema())?;
        return Ok(ExitCode::SUCCESS);
    }
    let config = ctx.config()?;
    let store = ctx.store(&config)?;
    let now = pinned(std::env::var("SOURCE_DATE_EPOCH").ok().as_deref(), ctx.now)?;
    let id = match args.verb {
        Verb::Case { id } => id,
        Verb::Compliance { from, to } => return over_a_period(ctx, now, &config, &store, from, to),
        Verb::Coverage => {
            print!(ctx, coverage::report(&config, &store, now)?);
            return Ok(ExitCode::SUCCESS);
        }
        // Needs no configuration, so it was answered above.
        Verb::Schema { .. } => return Ok(ExitCode::SUCCESS),
        Verb::Processing => {
            let policy = load_policy(&config.policy)?;
            let mask = work::without_anybody(&store)?;
            print!(ctx, processing::report(&config, &policy, &store, now, &mask)?);
            return Ok(ExitCode::SUCCESS);
        }
    };
    let case =
        store.case(&id)?.ok_or_else(|| Failure::Usage(format!("there is no case {id}; see: efface case list")))?;
    let report = case_report(&store, &case, now.to_rfc3339_opts(SecondsFormat::Millis, true))?;
    print!(ctx, report);
    Ok(ExitCode::SUCCESS)
}

/// The time that a report is drawn up for: `SOURCE_DATE_EPOCH` (seconds since 1970, <https://reproducible-builds.org/specs/source-date-epoch/>)
/// where it is set, so that the same data gives the same bytes. The report says it as the time of its making.
fn pinned(epoch: Option<&str>, now: DateTime<Utc>) -> Result<DateTime<Utc>, Failure> {
    let Some(epoch) = epoch else { return Ok(now) };
    epoch.parse().ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0)).ok_or_else(|| {
        Failure::Usage("SOURCE_DATE_EPOCH is no number of seconds since 1970; unset it, or set one".into())
    })
}

fn over_a_period(
    ctx: &Context,
    now: DateTime<Utc>,
    config: &Config,
    store: &Store,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
) -> anyhow::Result<ExitCode> {
    let today = now.date_naive();
    let to = to.unwrap_or(today);
    let from = from.or_else(|| to.checked_sub_months(Months::new(12))).unwrap_or(to);
    if from > to {
        return Err(Failure::Usage(format!("the period ends on {to}, before it begins on {from}")).into());
    }
    let policy = load_policy(&config.policy)?;
    let within =
        |at: &str| DateTime::parse_from_rfc3339(at).is_ok_and(|at| (from..=to).contains(&at.to_utc().date_naive()));
    let events = store.audit_events()?;
    let mut cases = Vec::new();
    let mut recipients: BTreeMap<InstanceName, Recipient> = BTreeMap::new();
    let mut residuals: BTreeMap<String, u64> = BTreeMap::new();
    for case in store.cases()?.into_iter().map(|c| c.on(today)) {
        let of_case = || events.iter().filter(|e| e.case.as_deref() == Some(case.id.as_str()));
        let ended = case.state.has_ended().then(|| {
            let kind = format!("case.{}", case.state.as_str());
            of_case().rfind(|e| e.kind == kind).and_then(|e| DateTime::parse_from_rfc3339(&e.at).ok())
        });
        let done = case.record.answered.or_else(|| Some(ended??.to_utc().date_naive()));
        if case.received > to || done.is_some_and(|d| d < from) && case.received < from {
            continue;
        }
        let pressure = case.record.clock.clone().unwrap_or_default().pressure(case.due, today);
        let certified = of_case().rfind(|e| e.kind == "case.certified").and_then(|e| e.detail.as_ref());
        let left: BTreeMap<String, u64> =
            certified.and_then(|d| serde_json::from_value(d["residuals"].clone()).ok()).unwrap_or_default();
        left.into_iter().for_each(|(place, n)| *residuals.entry(place).or_default() += n);
        cases.push(CaseLine {
            case: case.id.to_string(),
            kind: case.kind.to_string(),
            state: case.state.as_str().to_owned(),
            received: case.received,
            due: case.due,
            done,
            days: done.map(|d| (d - case.received).num_days()),
            late: done.unwrap_or(today) > case.due && (done.is_some() || case.record.waiting().is_none()),
            extended: case.record.extended.is_some(),
            waits: done.is_none() && case.record.waiting().is_some(),
            near: matches!(pressure, Pressure::Near(_)),
            outcomes: certified.and_then(|d| serde_json::from_value(d["outcomes"].clone()).ok()),
        });
        for notice in store.notices(&case.id)? {
            let line = recipients.entry(notice.instance.clone()).or_insert_with(|| Recipient {
                instance: notice.instance.to_string(),
                to_send: 0,
                sent: 0,
                acknowledged: 0,
                overdue: 0,
            });
            match (notice.sent, notice.acknowledged) {
                (None, _) => line.to_send += u64::from(!case.state.has_ended()),
                (Some(_), Some(_)) => (line.sent, line.acknowledged) = (line.sent + 1, line.acknowledged + 1),
                (Some(sent), None) => {
                    line.sent += 1;
                    let end = policy.notices().acknowledge_within.after_day(sent);
                    line.overdue += u64::from(end.is_some_and(|end| end < today));
                }
            }
        }
    }
    cases.sort_by(|a, b| (a.received, &a.case).cmp(&(b.received, &b.case)));
    let mut suppression = BTreeMap::new();
    for row in store.suppression_holding(now)? {
        *suppression.entry(row.scope).or_insert(0) += 1;
    }
    let holds = store.holds()?.into_iter().map(|row| row.hold).filter(|h| h.is_active());
    let sum = |summary: &Value, key: &str| {
        summary.as_array().into_iter().flatten().filter_map(|c| c[key].as_u64()).sum::<u64>()
    };
    let sweeps = store.sweep_runs()?.into_iter().filter(|r| within(&r.begun.to_rfc3339())).map(|r| {
        let summary = r.summary.unwrap_or(Value::Null);
        SweepLine {
            run: r.id,
            begun: r.begun.to_rfc3339_opts(SecondsFormat::Secs, true),
            ended: r.ended.map(|t| t.to_rfc3339_opts(SecondsFormat::Secs, true)),
            deleted: sum(&summary, "deleted"),
            changed: sum(&summary, "changed"),
            failed: sum(&summary, "failed") + sum(&summary, "refused"),
            held: sum(&summary, "held"),
            backlog: sum(&summary, "backlog"),
        }
    });
    let scans =
        events.iter().filter(|e| matches!(e.kind.as_str(), "scan" | "case.scanned" | "case.searched") && within(&e.at));
    let mut counted = Scans::default();
    let mut coverage: BTreeMap<String, Scans> = BTreeMap::new();
    for scan in scans {
        let complete = scan.detail.as_ref().and_then(|d| d["complete"].as_bool());
        let month = scan.at.get(..7).unwrap_or_default().to_owned();
        for counts in [&mut counted, coverage.entry(month).or_default()] {
            counts.all += 1;
            match complete {
                Some(complete) => counts.incomplete += u64::from(!complete),
                None => counts.unknown += 1,
            }
        }
    }
    let report = Compliance {
        schema: compliance::SCHEMA.to_owned(),
        generated_at: now.to_rfc3339_opts(SecondsFormat::Secs, true),
        from,
        to,
        controller: config.letters.controller.clone(),
        cases,
        recipients: recipients.into_values().collect(),
        holds: holds
            .map(|h| HoldLine {
                hold: h.id.to_string(),
                kind: h.hold_type.as_str().to_owned(),
                since: h.added_at,
                review: h.review,
                passed: h.review.is_some_and(|d| d < today),
            })
            .collect(),
        suppression,
        sweeps: sweeps.collect(),
        scans: counted,
        coverage,
        residuals,
        audit_head: store.audit_head()?,
    };
    print!(ctx, report);
    Ok(ExitCode::SUCCESS)
}

/// What the closing of a case signed off as unread, by place.
fn accepted_gaps(store: &Store, case: &Case) -> anyhow::Result<Vec<AcceptedGap>> {
    let events = store.audit_events()?;
    let closed = events.iter().filter(|e| e.case.as_deref() == Some(case.id.as_str()) && e.kind == "case.closed");
    let gap = |event: &Event, place: &Value| {
        let reason = event.detail.as_ref().and_then(|d| d["reason"].as_str()).unwrap_or_default().to_owned();
        Some(AcceptedGap { class: place.as_str()?.to_owned(), count: 1, reason, by: event.actor.clone() })
    };
    let places = |event: &'_ Event| {
        event.detail.as_ref().and_then(|d| d["accepted_gaps"].as_array()).cloned().unwrap_or_default()
    };
    Ok(closed.flat_map(|e| places(e).iter().filter_map(|p| gap(e, p)).collect::<Vec<_>>()).collect())
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
        accepted_gaps: accepted_gaps(store, case)?,
        audit_head: store.audit_head()?.map(|(sequence, hash)| AuditHead { sequence, hash }),
    })
}

//! `efface sweep`: retention by the policy's deletion classes.

use std::{process::ExitCode, sync::atomic::Ordering};

use chrono::{DateTime, Utc};

use super::{Context, Failure, Format, load_policy, notify, table, watch, work};
use crate::{
    model::{Area, RecordType, Schedule},
    policy::Word,
    retention::{self, Report, Room, SweepError},
};

/// What is kept too long: see the command's own words.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print what a run would do, and do nothing.
    #[arg(long, conflicts_with = "approve")]
    dry_run: bool,
    /// Only these areas: staging, target, foreign, log, state; and source, where accounts alone are looked at.
    #[arg(long, value_delimiter = ',', value_parser = area, value_name = "AREA,…")]
    area: Vec<Area>,
    /// Approve the plan that waits for another person's word.
    #[arg(long, value_name = "HASH")]
    approve: Option<String>,
    /// List every record, not only the counts.
    #[arg(long)]
    list: bool,
    /// Name the accounts of people who left, which are listed by aliases otherwise: the output then holds personal data.
    #[arg(long)]
    in_clear: bool,
    /// Go on: a sweep whenever the configuration's `[schedule]` says so, until a signal ends it.
    #[arg(long, conflicts_with_all = ["dry_run", "approve"])]
    watch: bool,
    /// Print when the next runs are, and do nothing else.
    #[arg(long, value_name = "N", conflicts_with_all = ["dry_run", "approve", "watch"])]
    next: Option<usize>,
    /// Whether `--watch` is alive: exit 0, or 1 where its heartbeat is missing or old.
    #[arg(long, conflicts_with_all = ["dry_run", "approve", "watch", "next"])]
    health: bool,
}

fn area(text: &str) -> Result<Area, String> {
    // A backup expires with its rotation: to look there and find nothing due would say too much.
    let swept = Area::from_word(text).filter(|area| *area != Area::Backup);
    swept.ok_or_else(|| "known: staging, target, foreign, log, state, source".to_owned())
}

pub(crate) async fn run(args: &Args, ctx: &Context) -> anyhow::Result<ExitCode> {
    let config = ctx.config()?;
    if let Some(n) = args.next {
        return watch::next(ctx, &config, n);
    }
    if args.health {
        return watch::health(ctx, &config);
    }
    if args.watch {
        return watch::watch(
            ctx,
            &config,
            async |stop| once(args, ctx, &|| stop.load(Ordering::Relaxed)).await,
            async |stop| notify::beside_the_watch(ctx, &|| stop.load(Ordering::Relaxed)).await,
        )
        .await;
    }
    Ok(ExitCode::from(once(args, ctx, &|| false).await?))
}

/// One run. Configuration and policy are read anew, so that a watch goes by them as they are (but for its schedule).
async fn once(args: &Args, ctx: &Context, stopped: &dyn Fn() -> bool) -> anyhow::Result<u8> {
    let config = ctx.config()?;
    let store = ctx.store(&config)?;
    if let Some(hash) = &args.approve {
        ctx.act(|act| retention::approve(&store, act, hash)).map_err(refused)?;
        ctx.say("Approved. The next sweep carries it out: efface sweep");
        return Ok(0);
    }
    let policy = load_policy(&config.policy)?;
    if policy.classes().is_empty() {
        return Err(Failure::Usage(format!(
            "policy {} has no deletion classes, so nothing is ever due; add `[[class]]` tables, such as those of the shipped policy \
             `retention`: efface policy show retention",
            policy.name()
        ))
        .into());
    }
    let clients = work::clients(config.instances.values(), true);
    let actor = ctx.actor();
    let room = Room {
        config: &config,
        store: &store,
        policy: &policy,
        clients: &clients,
        areas: (!args.area.is_empty()).then_some(&args.area),
        actor: &actor,
        now: &Utc::now,
    };
    let mut progress = work::Progress::new(ctx);
    let report = if args.dry_run {
        retention::look(&room, |place| progress.place("looking at", place, 0)).await
    } else {
        retention::run(&room, |place| progress.place("looking at", place, 0), stopped).await
    };
    drop(progress);
    let mut report = report.map_err(refused)?;
    // A path may name somebody.
    let mask = work::without_anybody(&store)?;
    for item in &mut report.items {
        item.record.path = item.record.path.as_deref().map(&mask);
        // So may a server's own words.
        item.why = item.why.as_deref().map(&mask);
        if item.record.record_type == RecordType::UserProfile && !args.in_clear {
            let alias = |id: &String| retention::account_alias(&store, &item.place, id);
            item.record.id = item.record.id.as_ref().map(alias);
        }
    }
    print(args, ctx, &report)?;
    Ok(if report.is_incomplete() {
        3
    } else if report.approvals() > 0 || report.classes.iter().any(|c| c.refused > 0) {
        4
    } else {
        u8::from(args.dry_run && report.is_due())
    })
}

fn refused(error: SweepError) -> anyhow::Error {
    match error {
        SweepError::Lock(_) | SweepError::Refused(_) => Failure::Refused(error.to_string()).into(),
        SweepError::Store(e) => e.into(),
    }
}

/// When the backlog will be done, by the schedule where there is one.
fn backlog_is_done(runs: u64, schedule: Option<&Schedule>, now: DateTime<Utc>) -> String {
    let more = if runs == 1 { "one more run".to_owned() } else { format!("{runs} more runs") };
    // A backlog of centuries has no day.
    let last = (0..runs.min(10_000)).try_fold(now, |at, _| schedule?.next(at)).filter(|_| runs <= 10_000);
    match last.filter(|_| schedule.is_some()) {
        Some(at) => format!(
            "The backlog is done in {more}: by {} after the [schedule], unless more becomes due.",
            at.date_naive()
        ),
        None => format!("The backlog is done in {more}."),
    }
}

fn print(args: &Args, ctx: &Context, report: &Report) -> anyhow::Result<()> {
    if ctx.global.format == Format::Json {
        ctx.out(&format!("{}\n", serde_json::to_string_pretty(report)?))?;
    } else if args.list {
        let rows: Vec<Vec<String>> = report
            .items
            .iter()
            .map(|i| {
                let r = &i.record;
                let what = [
                    r.record_type.as_str(),
                    r.key.as_deref().unwrap_or(""),
                    r.id.as_deref().unwrap_or(""),
                    r.path.as_deref().unwrap_or(""),
                ];
                let what: Vec<&str> = what.into_iter().filter(|w| !w.is_empty()).collect();
                let day = i.since.as_deref().map_or("-", |s| s.get(..10).unwrap_or(s));
                let why = i.why.clone().unwrap_or_default();
                vec![i.class.clone(), i.place.to_string(), what.join(" "), day.to_owned(), i.state.clone(), why]
            })
            .collect();
        let head = ["class", "place", "record", "due since", "state", "why"];
        ctx.out(&table::rows(ctx.global.format, &head, &rows)?)?;
    } else {
        let rows: Vec<Vec<String>> = report
            .classes
            .iter()
            .map(|c| {
                let mut row = vec![c.class.clone(), c.then.clone(), c.period.clone()];
                let counts = [
                    c.records,
                    c.due,
                    c.marked,
                    c.waiting,
                    c.deleted,
                    c.changed,
                    c.held,
                    c.review,
                    c.approval,
                    c.backlog,
                    c.failed + c.refused,
                ];
                row.extend(counts.iter().map(u64::to_string));
                row
            })
            .collect();
        let deleted = if report.dry_run { "would go" } else { "deleted" };
        let changed = if report.dry_run { "would change" } else { "changed" };
        let marked = if report.dry_run { "to mark" } else { "marked" };
        let head = [
            "class", "then", "after", "records", "due", marked, "waiting", deleted, changed, "held", "review",
            "approval", "backlog", "failed",
        ];
        ctx.out(&table::rows(ctx.global.format, &head, &rows)?)?;
    }
    for coverage in report.coverage.iter().filter(|c| !c.status.is_complete()) {
        let reason = coverage.reason.as_deref().unwrap_or("");
        ctx.say(format!("{}: {} ({reason})", coverage.status.as_str(), coverage.place));
    }
    for item in report.items.iter().filter(|i| matches!(i.state.as_str(), "failed" | "refused")) {
        ctx.say(format!("{} at {}: {}", item.state, item.place, item.why.as_deref().unwrap_or("")));
    }
    if let (true, Some(hash)) = (report.approvals() > 0, &report.plan) {
        ctx.say(format!(
            "The policy wants another person to approve what this sweep does ({} records): efface sweep --dry-run --list shows it, \
             efface sweep --approve {hash} approves it, and the next sweep carries it out.",
            report.approvals()
        ));
    }
    if report.unclassed > 0 {
        ctx.say(format!("{} records are of no class: nothing says how long they may stay.", report.unclassed));
    }
    if report.runs_left > 0 {
        ctx.say(backlog_is_done(report.runs_left, ctx.config().ok().and_then(|c| c.schedule).as_ref(), ctx.now));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_a_backlog_is_done() {
        let now: DateTime<Utc> = "2026-11-28T12:00:00Z".parse().unwrap();
        let nightly = Schedule::parse("30 2 * * *", "Europe/Berlin", true).unwrap();
        let said = |runs, schedule| backlog_is_done(runs, schedule, now);
        assert_eq!(said(1, None), "The backlog is done in one more run.");
        assert!(said(1, Some(&nightly)).contains("by 2026-11-29 after"), "{}", said(1, Some(&nightly)));
        assert!(said(33, Some(&nightly)).contains("33 more runs: by 2026-12-31 after"), "{}", said(33, Some(&nightly)));
        assert_eq!(said(20_000, Some(&nightly)), "The backlog is done in 20000 more runs.");
    }
}

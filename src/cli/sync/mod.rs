//! `efface sync`: run the synchronizations, look at them, and try again what is parked.

mod errors;
mod links;
mod resync;
mod watch;
mod whereabouts;

use std::{
    collections::{BTreeSet, HashMap},
    process::ExitCode,
    sync::Mutex,
};

use chrono::Utc;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use serde_json::json;

use super::{Context, Failure, Format, table};
use crate::{
    config::Config,
    jira::Client,
    model::{InstanceName, SyncName},
    staging::State,
    store::Store,
    sync::{self, ConnectError, Deps, Fits, Phase, Progress, RunReport, Silent, Status, SyncError},
};

/// Synchronise issues between Jira projects, and mend what did not get through.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Export what changed, stage it, import it
    Run(RunArgs),
    /// Say what will not fit, field by field, before anything moves; changes nothing
    Check {
        /// Which; all when none is named
        names: Vec<SyncName>,
    },
    /// Show each synchronization: cursor, pairs, messages by state
    Status {
        /// Which; all when none is named
        names: Vec<SyncName>,
    },
    /// Show the parked messages: cause, hint, since when, how often tried, and when they are tried again
    ///
    /// A cause that may pass by itself (the server's failures and limits, the network) is tried again by `sync run` when its time
    /// has come: by the next run, then after 1, 2, 4 … minutes, at most six hours. Others wait for a person. Exits 3 when something is
    /// shown.
    Errors(errors::ErrorsArgs),
    /// Try parked messages again, whatever their time: by id, by filter, or all
    Retry(errors::RetryArgs),
    /// Bring issues to what the source says now, by key or by query, also where nothing seems to have changed
    ///
    /// By the ordinary road: export, staging, import, with suppression and holds asked. What is parked of these issues is tried again.
    /// What was erased, redacted or unlinked stays so. A resync that was cut off is finished by the next run.
    Resync(resync::Args),
    /// List the pairs of issues; link and unlink them
    Links(links::Args),
    /// Show where one person's data went: staged messages, targets, issues, comments and files
    ///
    /// Answers at once, from keyed hashes that are written with each message; no message and no Jira is read. It knows what was read from
    /// sources: user fields, mentions, e-mail addresses, phone numbers, words that look like an id, and runs of capitalised words. It does
    /// not know the contents of files, a name in small letters or of one word, a user name that is a plain word, or what others wrote into a
    /// target, and never calls itself complete: `efface scan` reads all. A hit by name alone may be a namesake's.
    Where(whereabouts::Args),
}

#[derive(Debug, clap::Args)]
struct RunArgs {
    /// Which synchronizations; all when none is named
    names: Vec<SyncName>,
    /// Keep running, each synchronization in its own `interval` and when a webhook calls (`[webhook]`), until Ctrl-C
    #[arg(long)]
    watch: bool,
    /// Seconds between two rounds of --watch, for synchronizations without an `interval` of their own [default: 60]
    #[arg(long, value_name = "SECONDS", requires = "watch")]
    interval: Option<u64>,
    /// Compare every issue of the query, whatever the cursor says
    #[arg(long)]
    full: bool,
    /// Believe that so many issues of a synchronization were deleted in its source, and look for them now
    ///
    /// Without it, more than 20 deletions (or 5 % of the pairs, if that is more) in one run are not done.
    #[arg(long, value_name = "N", conflicts_with = "watch")]
    allow_deletions: Option<u64>,
}

/// Runs the verb. Answers 0, or 3 when something is parked or did not get through.
pub(crate) async fn run(args: Args, ctx: &Context) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::Resync(args) => resync::run(args, ctx).await,
        Command::Links(args) => links::run(args, ctx).await,
        Command::Check { names } => check(&names, ctx).await,
        Command::Where(args) => whereabouts::run(args, ctx),
        Command::Run(args) => watch::run(&args, ctx).await,
        Command::Retry(args) => errors::retry(args, ctx).await,
        Command::Status { names } => show_status(&status(ctx, &names)?, ctx),
        Command::Errors(args) => errors::show(args, ctx),
    }
}

fn status(ctx: &Context, names: &[SyncName]) -> anyhow::Result<Vec<Status>> {
    let config = ctx.config()?;
    let store = ctx.store(&config)?;
    sync::status(&config, &store, names).map_err(usage)
}

/// A wrong name is wrong usage; the rest is the world failing us.
fn usage(e: SyncError) -> anyhow::Error {
    match e {
        SyncError::Unknown(_) | SyncError::Asked(_) | SyncError::NoHome => Failure::Usage(e.to_string()).into(),
        e => e.into(),
    }
}

fn clients(config: &Config, names: &[SyncName]) -> anyhow::Result<HashMap<InstanceName, Client>> {
    let used: BTreeSet<&InstanceName> = config
        .syncs
        .values()
        .filter(|s| names.is_empty() || names.contains(&s.name))
        .flat_map(|s| [&s.source.instance, &s.target.instance])
        .collect();
    used.into_iter()
        .filter_map(|name| config.instance(name))
        .map(|i| match sync::connect(i, false) {
            Ok(client) => Ok((i.name.clone(), client)),
            Err(ConnectError::Config(e)) => Err(e.into()),
            Err(e) => Err(Failure::Usage(e.to_string()).into()),
        })
        .collect()
}

/// Answers 0 where everything fits, 1 where something does not, 3 where something could not be read.
async fn check(names: &[SyncName], ctx: &Context) -> anyhow::Result<ExitCode> {
    let config = ctx.config()?;
    let clients = clients(&config, names)?;
    let (mut rows, mut all) = (Vec::new(), Vec::new());
    for sync in sync::with_twins(&config, sync::chosen(&config, names).map_err(usage)?) {
        let (Some(source), Some(target)) = (clients.get(&sync.source.instance), clients.get(&sync.target.instance))
        else {
            continue;
        };
        for row in sync::check(sync, source, target).await {
            all.push(json!({ "sync": sync.name, "row": row }));
            rows.push((sync.name.to_string(), row));
        }
    }
    let count = |fits: Fits| rows.iter().filter(|(_, r)| r.fits == fits).count();
    let (problems, unread, fine) = (count(Fits::Problem), count(Fits::Unread), count(Fits::Ok));
    if ctx.global.format == Format::Json {
        ctx.out(&format!("{:#}\n", json!({ "schema": "efface.sync-check/1", "rows": all })))?;
    } else {
        let shown = rows.iter().filter(|(_, r)| ctx.global.format == Format::Csv || r.fits != Fits::Ok);
        let word = |r: &sync::Row| match r.fits {
            Fits::Ok => "ok",
            Fits::Note => "note",
            Fits::Unread => "not read",
            Fits::Problem => "PROBLEM",
        };
        let lines: Vec<Vec<String>> = shown
            .map(|(sync, r)| [sync, r.what, &r.source, &r.target, word(r), &r.why].map(str::to_owned).to_vec())
            .collect();
        ctx.out(&table::rows(ctx.global.format, &["sync", "what", "source", "target", "result", "why"], &lines)?)?;
    }
    ctx.say(format!("{problems} do not fit, {unread} could not be read, {fine} fit."));
    Ok(ExitCode::from(if unread > 0 { 3 } else { u8::from(problems > 0) }))
}

async fn round(
    ctx: &Context,
    config: &Config,
    store: &Store,
    clients: &HashMap<InstanceName, Client>,
    full: bool,
    work: impl AsyncFnOnce(&Deps<'_>) -> Result<RunReport, SyncError>,
) -> anyhow::Result<RunReport> {
    // A list with gaps must not be asked whether a person may pass.
    store.insist_on_agreement()?;
    let bars = Bars::new(ctx);
    let progress: &dyn Progress = if bars.shown { &bars } else { &Silent };
    let deps = Deps { config, store, clients, now: &Utc::now, progress, full, allow_deletions: None };
    let report = work(&deps).await.map_err(usage)?;
    bars.clear();
    show_run(&report, ctx)?;
    Ok(report)
}

fn exit(complete: bool) -> ExitCode {
    if complete { ExitCode::SUCCESS } else { ExitCode::from(3) }
}

fn show_run(report: &RunReport, ctx: &Context) -> anyhow::Result<()> {
    if ctx.global.format == Format::Json {
        let mut value = serde_json::to_value(report)?;
        value["schema"] = json!("efface.sync/1");
        ctx.out(&format!("{}\n", serde_json::to_string_pretty(&value)?))?;
    } else if !ctx.global.quiet || ctx.global.output.is_some() {
        let head =
            ["sync", "exported", "created", "updated", "unchanged", "comments", "files", "cut", "parked", "requests"];
        let rows: Vec<Vec<String>> = report
            .syncs
            .iter()
            .map(|(name, r)| {
                let numbers = [
                    r.exported,
                    r.created,
                    r.updated,
                    r.unchanged,
                    r.comments,
                    r.attachments,
                    r.cut,
                    r.parked,
                    r.requests,
                ];
                std::iter::once(name.to_string()).chain(numbers.map(|n| n.to_string())).collect()
            })
            .collect();
        ctx.out(&table::rows(ctx.global.format, &head, &rows)?)?;
    }
    for (name, r) in &report.syncs {
        for (what, n) in &r.errors {
            ctx.say(format!("{name}: error: {what}{}", times(*n)));
        }
        if r.parked > 0 {
            ctx.say(format!("{name}: {} parked; see: efface sync errors", r.parked));
        }
        if r.waiting > 0 {
            ctx.say(format!("{name}: {} wait for an issue that has no copy yet; see: efface sync errors", r.waiting));
        }
        if r.held > 0 {
            ctx.say(format!("{name}: {} changes are held and stay where they are; see: efface hold list", r.held));
        }
        if r.deleted_issues > 0 {
            ctx.say(format!(
                "{name}: {} copies of issues that were deleted in the source were deleted",
                r.deleted_issues
            ));
        }
        if r.marked_issues > 0 {
            ctx.say(format!(
                "{name}: {} copies of issues that were deleted in the source were marked",
                r.marked_issues
            ));
        }
        for (what, n) in &r.warnings {
            ctx.say(format!("{name}: note: {what}{}", times(*n)));
        }
    }
    Ok(())
}

fn times(n: u64) -> String {
    if n > 1 { format!(" ({n} times)") } else { String::new() }
}

fn show_status(all: &[Status], ctx: &Context) -> anyhow::Result<ExitCode> {
    let count = |s: &Status, state: State| s.entries.iter().filter(|e| e.state == state).count();
    if ctx.global.format == Format::Json {
        let syncs: Vec<_> = all
            .iter()
            .map(|s| {
                json!({"sync": s.sync, "cursor": s.cursor, "pairs": s.pairs, "new": count(s, State::New),
                    "processed": count(s, State::Processed), "parked": count(s, State::Parked),
                    "missing": count(s, State::Missing)})
            })
            .collect();
        ctx.out(&format!("{:#}\n", json!({"schema": "efface.sync-status/1", "syncs": syncs})))?;
    } else {
        let rows: Vec<Vec<String>> = all
            .iter()
            .map(|s| {
                vec![
                    s.sync.to_string(),
                    s.cursor.clone().unwrap_or_else(|| "never".to_owned()),
                    s.pairs.to_string(),
                    count(s, State::New).to_string(),
                    count(s, State::Processed).to_string(),
                    count(s, State::Parked).to_string(),
                    count(s, State::Missing).to_string(),
                ]
            })
            .collect();
        let head = ["sync", "exported up to", "issues", "new", "processed", "parked", "missing"];
        ctx.out(&table::rows(ctx.global.format, &head, &rows)?)?;
    }
    Ok(exit(all.iter().all(|s| count(s, State::Parked) == 0)))
}

/// Progress bars on stderr, one a synchronization; none where stderr is no terminal.
struct Bars {
    shown: bool,
    all: MultiProgress,
    bars: Mutex<HashMap<SyncName, ProgressBar>>,
}

impl Bars {
    fn new(ctx: &Context) -> Self {
        Self { shown: ctx.progress(), all: MultiProgress::new(), bars: Mutex::default() }
    }

    fn clear(&self) {
        if self.shown {
            let _ = self.all.clear();
        }
    }
}

impl Progress for Bars {
    fn step(&self, sync: &SyncName, phase: Phase, done: u64, total: Option<u64>) {
        let Ok(mut bars) = self.bars.lock() else { return };
        let bar = bars.entry(sync.clone()).or_insert_with(|| {
            let style = ProgressStyle::with_template("{prefix} {msg} {pos}/{len} {wide_bar}");
            let bar = self.all.add(ProgressBar::no_length().with_prefix(sync.to_string()));
            if let Ok(style) = style {
                bar.set_style(style);
            }
            bar
        });
        bar.set_message(match phase {
            Phase::Export => "reading",
            Phase::Import => "writing",
        });
        if let Some(total) = total {
            bar.set_length(total);
        }
        bar.set_position(done);
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        args: Args,
    }

    #[test]
    fn the_contract_parses() {
        let ok = |words: &[&str]| Cli::try_parse_from([&["efface-sync"], words].concat());
        for good in [
            &["run"][..],
            &["run", "hq-partner", "--watch", "--interval", "5"],
            &["status"],
            &["errors"],
            &["errors", "hq-partner", "--issue", "HQ-1", "--cause", "server"],
            &["retry", "--all"],
            &["resync", "HQ-1", "HQ-2", "--dry-run"],
            &["resync", "--jql", "labels = x", "--sync", "hq-partner"],
            &["links", "--issue", "HQ-1"],
            &["links", "--import", "links.csv"],
            &["links", "--remove", "HQ-1", "--sync", "hq-partner"],
            &["retry", "--cause", "server", "--sync", "hq-partner"],
            &["retry", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "01ARZ3NDEKTSV4RRFFQ69G5FAW"],
            &["retry", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "--reviewed"],
        ] {
            assert!(ok(good).is_ok(), "{good:?}");
        }
        for bad in [
            &["resync"][..],
            &["resync", "HQ-1", "--jql", "x"],
            &["links", "--import", "a", "--remove", "HQ-1"],
            &["links", "--state", "odd"],
            &["retry"],
            &["run", "../x"],
            &["retry", "--all", "--reviewed"],
            &["retry", "--cause", "name", "--reviewed"],
            &["run", "--interval", "5"],
        ] {
            assert!(ok(bad).is_err(), "{bad:?}");
        }
        assert!(matches!(ok(&["status"]).unwrap().args.command, Command::Status { .. }));
    }
}

//! `efface sync errors` and `sync retry`: what is parked, why, since when, and trying it again.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::ExitCode,
};

use serde_json::json;

use super::{clients, exit, round, usage};
use crate::{
    cli::{Context, Failure, Format, table},
    model::SyncName,
    staging::{Entry, MessageId, State},
    sync::{self, Retry, Status},
};

#[derive(Debug, clap::Args)]
pub(super) struct ErrorsArgs {
    /// Of which synchronizations; all when none is named
    names: Vec<SyncName>,
    #[command(flatten)]
    filter: Filter,
}

/// Which of the parked messages.
#[derive(Debug, Default, clap::Args)]
struct Filter {
    /// Only of this synchronization (may be repeated)
    #[arg(long = "sync", value_name = "NAME")]
    syncs: Vec<SyncName>,
    /// Only of the issue with this key in the source
    #[arg(long, value_name = "KEY")]
    issue: Option<String>,
    /// Only those that are parked for this cause, as `sync errors` shows it: server, rejected, name, behind …
    #[arg(long, value_name = "CODE")]
    cause: Option<String>,
}

#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("which").required(true).multiple(true).args(["ids", "all", "syncs", "issue", "cause"])))]
pub(super) struct RetryArgs {
    /// The messages, as `sync errors` shows them; those of the same issue go with them, in their order
    #[arg(value_name = "ID", conflicts_with = "all")]
    ids: Vec<MessageId>,
    /// All parked messages
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    filter: Filter,
    /// A person has looked at the names in these messages: they are namesakes', let them pass
    #[arg(long, requires = "ids", conflicts_with = "all")]
    reviewed: bool,
    /// For what was changed on both sides: take the source's value, or leave the target's
    #[arg(long, value_name = "SIDE", requires = "ids", conflicts_with = "all")]
    take: Option<Side>,
}

/// A side, as the message's synchronization has it.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Side {
    /// Where the message comes from
    Source,
    /// Where it goes
    Target,
}

impl Filter {
    fn retry(&self, ids: &[MessageId], reviewed: bool) -> Retry {
        Retry {
            ids: ids.iter().copied().collect(),
            issue: self.issue.clone(),
            cause: self.cause.as_ref().map(|c| c.to_lowercase()),
            reviewed,
            take: None,
        }
    }
}

/// The parked messages that a filter takes, in the order in which they stand.
fn parked<'a>(all: &'a [Status], which: &Retry) -> Vec<(&'a Status, &'a Entry)> {
    all.iter().flat_map(|s| s.entries.iter().filter(|e| which.matches(e)).map(move |e| (s, e))).collect()
}

/// What is parked, and why: answers 0 where nothing is, else 3.
pub(super) fn show(args: ErrorsArgs, ctx: &Context) -> anyhow::Result<ExitCode> {
    let names = [args.names, args.filter.syncs.clone()].concat();
    let all = super::status(ctx, &names)?;
    let which = args.filter.retry(&[], false);
    let list = parked(&all, &which);
    let rows: Vec<Row<'_>> = list.iter().map(|(s, e)| Row::of(s, e)).collect();
    let waiting = waiting(&all, &which);
    if ctx.global.format == Format::Json {
        let list: Vec<_> = rows.iter().map(Row::json).collect();
        ctx.out(&format!("{:#}\n", json!({"schema": "efface.sync-errors/1", "parked": list, "waiting": waiting})))?;
    } else if rows.is_empty() {
        let causes = causes(&all);
        ctx.say(if causes.is_empty() {
            "nothing is parked".to_owned()
        } else {
            format!("nothing that is parked is meant by that; what is parked, by cause: {causes}")
        });
    } else {
        let head = ["id", "sync", "issue", "since", "tries", "next try", "cause", "hint"];
        let cells: Vec<Vec<String>> = rows.iter().map(Row::cells).collect();
        ctx.out(&table::rows(ctx.global.format, &head, &cells)?)?;
    }
    if ctx.global.format != Format::Json {
        for one in &waiting {
            let text = |name: &str| one[name].as_str().unwrap_or_default();
            ctx.say(format!("{} ({}) {}", text("issue"), text("sync"), text("hint")));
        }
    }
    Ok(exit(rows.is_empty()))
}

/// What waits for an issue that has no copy yet. That is no fault, and nothing to be tried again.
fn waiting(all: &[Status], which: &Retry) -> Vec<serde_json::Value> {
    let entries = all.iter().flat_map(|s| s.entries.iter().map(move |e| (s, e)));
    let of_issue = |e: &Entry| which.issue.as_ref().is_none_or(|key| e.issue.key.eq_ignore_ascii_case(key));
    entries
        .filter(|(_, e)| e.state == State::Missing && which.cause.is_none() && of_issue(e))
        .map(|(s, e)| {
            let (kind, hint) = e.error.as_ref().map_or(("", ""), |(kind, hint)| (kind, hint));
            json!({"id": e.id.to_string(), "sync": s.sync, "issue": e.issue.key, "sequence": e.sequence, "waits_for": kind,
                "hint": hint, "since": e.since.as_deref().unwrap_or(&e.created)})
        })
        .collect()
}

/// How many are parked, by cause.
fn causes(all: &[Status]) -> String {
    let mut counts = BTreeMap::<&str, usize>::new();
    for (_, e) in parked(all, &Retry::all()) {
        *counts.entry(e.error.as_ref().map_or("unknown", |(kind, _)| kind)).or_default() += 1;
    }
    counts.iter().map(|(cause, n)| format!("{cause} {n}")).collect::<Vec<_>>().join(", ")
}

/// One parked message as it is shown.
struct Row<'a> {
    sync: &'a SyncName,
    entry: &'a Entry,
    /// The message that it waits behind.
    behind: Option<MessageId>,
}

impl<'a> Row<'a> {
    fn of(status: &'a Status, entry: &'a Entry) -> Self {
        let before =
            |e: &&Entry| e.issue.id == entry.issue.id && e.sequence < entry.sequence && e.state != State::Processed;
        let behind = status.entries.iter().filter(before).min_by_key(|e| e.sequence).map(|e| e.id);
        Self { sync: &status.sync, entry, behind: behind.filter(|_| entry.next_try.is_none()) }
    }

    fn cause(&self) -> (&str, &str) {
        self.entry.error.as_ref().map_or(("unknown", ""), |(kind, hint)| (kind, hint))
    }

    /// Since when it is parked; of what an older efface parked, when it was staged.
    fn since(&self) -> &str {
        self.entry.since.as_deref().unwrap_or(&self.entry.created)
    }

    fn cells(&self) -> Vec<String> {
        let (cause, hint) = self.cause();
        let next = match (&self.entry.next_try, self.behind, cause) {
            (Some(at), ..) => short(at),
            (None, Some(head), "behind") => format!("behind {head}"),
            _ => "when you say so".to_owned(),
        };
        let e = self.entry;
        let start = [e.id.to_string(), self.sync.to_string(), e.issue.key.clone(), short(self.since())];
        let end = [e.attempts.to_string(), next, cause.to_owned(), hint.to_owned()];
        start.into_iter().chain(end).collect()
    }

    fn json(&self) -> serde_json::Value {
        let (cause, hint) = self.cause();
        let e = self.entry;
        let waits_for = match (&e.next_try, cause) {
            (Some(_), _) => "time",
            (None, "behind") => "earlier",
            (None, _) => "person",
        };
        json!({"sync": self.sync, "id": e.id, "issue": e.issue.key, "sequence": e.sequence, "attempts": e.attempts,
            "staged": e.created, "since": self.since(), "next_try": e.next_try, "waits_for": waits_for,
            "behind": self.behind, "error": cause, "hint": hint})
    }
}

/// A time to the second, in UTC.
fn short(at: &str) -> String {
    chrono::DateTime::parse_from_rfc3339(at)
        .map_or_else(|_| at.to_owned(), |t| t.to_utc().format("%Y-%m-%dT%H:%M:%SZ").to_string())
}

/// Tries parked messages again, whatever their time.
pub(super) async fn retry(args: RetryArgs, ctx: &Context) -> anyhow::Result<ExitCode> {
    let config = ctx.config()?;
    let store = ctx.store(&config)?;
    let take = args.take.map(|side| match side {
        Side::Source => sync::Take::Source,
        Side::Target => sync::Take::Target,
    });
    let which = Retry { take, ..args.filter.retry(&args.ids, args.reviewed) };
    let all = sync::status(&config, &store, &args.filter.syncs).map_err(usage)?;
    let found = parked(&all, &which);
    let missing: Vec<String> =
        args.ids.iter().filter(|id| !found.iter().any(|(_, e)| e.id == **id)).map(ToString::to_string).collect();
    if !missing.is_empty() {
        let message = format!("no parked message has the id {}; sync errors lists them", missing.join(", "));
        return Err(Failure::Usage(message).into());
    }
    if found.is_empty() && !args.all {
        return Err(Failure::Usage("no parked message is meant by that; sync errors lists them".into()).into());
    }
    let mut names: BTreeSet<SyncName> = found.iter().map(|(s, _)| s.sync.clone()).collect();
    if args.all && names.is_empty() {
        names.extend(all.iter().map(|s| s.sync.clone()));
    }
    let names: Vec<SyncName> = names.into_iter().collect();
    let clients = clients(&config, &names)?;
    let report =
        round(ctx, &config, &store, &clients, false, async |deps| sync::retry(deps, &names, &which).await).await?;
    Ok(exit(report.is_complete()))
}

//! `efface sync resync`: issues are carried over again, by key or by query.

use std::process::ExitCode;

use chrono::Utc;
use serde_json::json;

use super::{clients, exit, round, usage};
use crate::{
    cli::{Context, Format, table},
    model::SyncName,
    sync::{self, Deps, Resync, Silent},
};

#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("which").required(true).args(["keys", "jql"])))]
pub(super) struct Args {
    /// The issues, by their keys in the source
    #[arg(value_name = "KEY")]
    keys: Vec<String>,
    /// A query of the source; it narrows that of the synchronization, and never widens it
    #[arg(long, value_name = "QUERY")]
    jql: Option<String>,
    /// Only this synchronization (may be repeated)
    #[arg(long = "sync", value_name = "NAME")]
    syncs: Vec<SyncName>,
    /// Print what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn run(args: Args, ctx: &Context) -> anyhow::Result<ExitCode> {
    let config = ctx.config()?;
    let store = ctx.store(&config)?;
    let clients = clients(&config, &args.syncs)?;
    let what = Resync { keys: args.keys.into_iter().map(|k| k.to_uppercase()).collect(), jql: args.jql };
    if !args.dry_run {
        let work = async |deps: &Deps<'_>| sync::resync(deps, &args.syncs, &what).await;
        let report = round(ctx, &config, &store, &clients, false, work).await?;
        return Ok(exit(report.is_complete()));
    }
    let deps = Deps {
        config: &config,
        store: &store,
        clients: &clients,
        now: &Utc::now,
        progress: &Silent,
        full: false,
        allow_deletions: None,
    };
    let (taken, missing) = sync::resync_outlook(&deps, &args.syncs, &what).await.map_err(usage)?;
    if ctx.global.format == Format::Json {
        let value = json!({"schema": "efface.sync-resync/1", "issues": taken, "missing": missing});
        ctx.out(&format!("{value:#}\n"))?;
    } else {
        let rows: Vec<Vec<String>> = taken
            .into_iter()
            .map(|t| vec![t.sync.to_string(), t.source, t.target.unwrap_or_default(), t.outlook.as_str().to_owned()])
            .collect();
        ctx.out(&table::rows(ctx.global.format, &["sync", "issue", "target", "what"], &rows)?)?;
    }
    for key in &missing {
        ctx.say(format!("{key} is not there, not visible, or not selected by the synchronization's own query"));
    }
    Ok(exit(missing.is_empty()))
}

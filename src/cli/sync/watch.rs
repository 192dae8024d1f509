//! `efface sync run`, once or over and over: each synchronization in its own time, and when a webhook calls.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::ExitCode,
    time::Duration,
};

use anyhow::Context as _;
use tokio::time::Instant;

use super::{RunArgs, clients, exit, round, usage};
use crate::{
    cli::{Context, Failure},
    config::Config,
    model::SyncName,
    sync::{self, Deps},
    wake::Wake,
};

/// Between two rounds of one synchronization where neither it nor the command says.
const INTERVAL: Duration = Duration::from_secs(60);
/// How soon after its end a synchronization may be woken: what comes in a flood is taken in one.
const REST: Duration = Duration::from_secs(1);

pub(super) async fn run(args: &RunArgs, ctx: &Context) -> anyhow::Result<ExitCode> {
    let config = ctx.config()?;
    if config.syncs.is_empty() {
        return Err(Failure::Usage(format!("{} has no [sync.…] section", config.file.display())).into());
    }
    let store = ctx.store(&config)?;
    let clients = clients(&config, &args.names)?;
    if !args.watch {
        let report = round(ctx, &config, &store, &clients, args.full, async |deps| {
            sync::run(&Deps { allow_deletions: args.allow_deletions, ..*deps }, &args.names).await
        })
        .await?;
        return Ok(exit(report.is_complete()));
    }
    let wake = listen(&config, ctx).await?;
    let mut due: BTreeMap<SyncName, Instant> = sync::chosen(&config, &args.names)
        .map_err(usage)?
        .into_iter()
        .map(|s| (s.name.clone(), Instant::now()))
        .collect();
    let mut complete = BTreeMap::new();
    loop {
        let now = Instant::now();
        let names: Vec<SyncName> = due.iter().filter(|(_, at)| **at <= now).map(|(name, _)| name.clone()).collect();
        if !names.is_empty() {
            let report = round(ctx, &config, &store, &clients, args.full, async |deps| {
                sync::run(&Deps { allow_deletions: args.allow_deletions, ..*deps }, &names).await
            })
            .await?;
            let end = Instant::now();
            for (name, one) in &report.syncs {
                complete.insert(name.clone(), one.is_complete());
                due.insert(name.clone(), end + interval(&config, name, args.interval));
            }
        }
        let next = due.values().min().copied().unwrap_or_else(Instant::now);
        // The round itself is never inside the select: an act that has begun is finished.
        tokio::select! {
            () = tokio::time::sleep_until(next) => {}
            called = called(wake.as_ref()) => {
                let soon = Instant::now() + REST;
                for name in called {
                    due.entry(name).and_modify(|at| *at = soon.min(*at));
                }
            }
            signal = tokio::signal::ctrl_c() => {
                signal.context("Ctrl-C cannot be watched")?;
                return Ok(exit(complete.values().all(|c| *c)));
            }
        }
    }
}

/// Its own, or what the command says.
fn interval(config: &Config, name: &SyncName, given: Option<u64>) -> Duration {
    let own = config.syncs.get(name).and_then(|s| s.interval);
    own.unwrap_or_else(|| given.map_or(INTERVAL, Duration::from_secs))
}

async fn listen(config: &Config, ctx: &Context) -> anyhow::Result<Option<Wake>> {
    let Some(listener) = &config.webhook else { return Ok(None) };
    let secret = listener.secret.read().map_err(|e| Failure::Usage(format!("[webhook]: {e}")))?;
    let wake = Wake::listen(config, listener.listen, secret)
        .await
        .with_context(|| format!("[webhook]: cannot listen on {}", listener.listen))?;
    let instances: BTreeSet<&str> = config.syncs.values().map(|s| s.source.instance.as_str()).collect();
    for instance in instances {
        ctx.say(format!("webhooks of {instance} are heard at http://{}/jira/{instance}", wake.address));
    }
    Ok(Some(wake))
}

async fn called(wake: Option<&Wake>) -> BTreeSet<SyncName> {
    match wake {
        Some(wake) => wake.called().await,
        None => std::future::pending().await,
    }
}

//! `efface sandbox`: the in-memory Jira, to try things on.

use std::{io::Write, net::SocketAddr, process::ExitCode, time::Duration};

use anyhow::Context;
use serde_json::json;

use crate::{
    model::{Flavor, ProjectKey},
    sandbox::{Sandbox, SandboxConfig},
};

/// Run an in-memory Jira with invented people and issues.
///
/// When ready it prints one JSON line: url, flavor, user, token, account_id, project. The token works as Basic password
/// and as Bearer token. It serves until it is stopped (Ctrl-C or SIGTERM).
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where to listen; loopback only, port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS:PORT")]
    listen: SocketAddr,
    /// Which API to speak
    #[arg(long, value_enum)]
    flavor: FlavorArg,
    /// The same seed gives the same people and issues
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// How many issues to make
    #[arg(long, default_value_t = 25, value_name = "N")]
    issues: usize,
    /// How many milliseconds each answer waits
    #[arg(long, default_value_t = 0, value_name = "MS")]
    latency: u64,
    /// The key of the project to make
    #[arg(long, default_value = "DEMO", value_name = "KEY")]
    project: ProjectKey,
    /// As unkind as Jira: faults, limits, short pages, a late index, a wrong clock, invisible issues (docs/UNKIND.md)
    #[arg(long)]
    unkind: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum FlavorArg {
    Cloud,
    #[value(name = "datacenter")]
    DataCenter,
}

/// Serves until it is told to stop.
///
/// # Errors
/// Where the address is not loopback or is taken.
pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let flavor = match args.flavor {
        FlavorArg::Cloud => Flavor::Cloud,
        FlavorArg::DataCenter => Flavor::DataCenter,
    };
    let sandbox = Sandbox::start(SandboxConfig {
        listen: args.listen,
        seed: args.seed,
        issues: args.issues,
        latency: Duration::from_millis(args.latency),
        project: args.project,
        unkind: args.unkind,
        ..SandboxConfig::new(flavor)
    })
    .await?;
    let line = json!({
        "url": sandbox.url(), "flavor": sandbox.flavor(), "user": sandbox.user(), "token": sandbox.token(),
        "account_id": sandbox.account_id(), "project": sandbox.project(),
    });
    let mut out = std::io::stdout();
    writeln!(out, "{line}").and_then(|()| out.flush()).context("the ready line could not be written")?;
    stopped().await?;
    sandbox.stop().await;
    Ok(ExitCode::SUCCESS)
}

/// Waits for Ctrl-C or SIGTERM.
async fn stopped() -> anyhow::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut term = signal(SignalKind::terminate()).context("SIGTERM cannot be watched")?;
        tokio::select! {
            done = tokio::signal::ctrl_c() => done.context("Ctrl-C cannot be watched")?,
            _ = term.recv() => {}
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await.context("Ctrl-C cannot be watched")?;
    Ok(())
}

//! `efface audit`: the hash chain of what was done.

use std::process::ExitCode;

use clap::Subcommand;

use super::{Context, Failure, Format, table};
use crate::audit;

/// Shows and checks the audit trail.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Show the events, oldest first.
    Show {
        /// Only those of a case.
        #[arg(long)]
        case: Option<String>,
    },
    /// Check the whole chain.
    Verify {
        /// The head that the chain must contain, from a certificate.
        #[arg(long, value_name = "HASH")]
        head: Option<String>,
        /// Check an exported file instead of the store.
        #[arg(long, value_name = "FILE")]
        file: Option<std::path::PathBuf>,
    },
    /// Write the chain as JSON Lines.
    Export,
}

pub(crate) fn run(args: Args, ctx: &Context) -> anyhow::Result<ExitCode> {
    let events = |ctx: &Context| -> anyhow::Result<Vec<audit::Event>> {
        let config = ctx.config()?;
        Ok(ctx.store(&config)?.audit_events()?)
    };
    match args.verb {
        Verb::Show { case } => {
            let events: Vec<_> = events(ctx)?.into_iter().filter(|e| case.is_none() || e.case == case).collect();
            if ctx.global.format == Format::Json {
                ctx.out(&format!("{}\n", serde_json::to_string_pretty(&events)?))?;
                return Ok(ExitCode::SUCCESS);
            }
            let rows: Vec<Vec<String>> = events
                .into_iter()
                .map(|e| {
                    let detail = e.detail.map_or_else(|| "(deleted)".into(), |d| d.to_string());
                    vec![e.seq.to_string(), e.at, e.actor, e.kind, e.case.unwrap_or_default(), detail]
                })
                .collect();
            let head = ["event", "at", "actor", "kind", "case", "detail"];
            ctx.out(&table::rows(ctx.global.format, &head, &rows)?)?;
        }
        Verb::Verify { head, file } => {
            let events = match file {
                None => events(ctx)?,
                Some(path) => {
                    let text = std::fs::read_to_string(&path)
                        .map_err(|e| Failure::Usage(format!("cannot read {}: {e}", path.display())))?;
                    text.lines()
                        .enumerate()
                        .filter(|(_, l)| !l.trim().is_empty())
                        .map(|(i, l)| {
                            serde_json::from_str(l)
                                .map_err(|e| Failure::Refused(format!("line {} of the export is no event: {e}", i + 1)))
                        })
                        .collect::<Result<Vec<_>, _>>()?
                }
            };
            audit::verify(&events, head.as_deref())
                .map_err(|e| Failure::Refused(format!("the audit chain is broken: {e}")))?;
            let last = events.last().map_or(audit::GENESIS, |e| e.hash.as_str());
            ctx.out(&format!("{} events, unbroken; head {last}\n", events.len()))?;
        }
        Verb::Export => {
            let mut out = String::new();
            for event in events(ctx)? {
                out.push_str(&serde_json::to_string(&event)?);
                out.push('\n');
            }
            ctx.out(&out)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

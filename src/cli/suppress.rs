//! `efface suppress`: the list that keeps an erased person from coming back.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;

use super::{Context, Failure, subject, table};
use crate::{config::NameMode, model::CaseId, suppression::Guard, suppression::Suppression};

/// The suppression list: keyed hashes, never values.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List the entries: kind, scope, case, time.
    List,
    /// Whether an identifier is on the list. It answers who was erased, so it needs a purpose and is audited.
    Check {
        #[command(flatten)]
        identifiers: subject::IdentifierArgs,
        /// Why you ask.
        #[arg(long, value_name = "TEXT")]
        purpose: String,
    },
    /// Take a case's entries off the list: the next sync may bring the person back.
    Remove {
        /// The case whose entries go.
        #[arg(long)]
        case: CaseId,
        /// Why.
        #[arg(long)]
        reason: String,
    },
}

pub(crate) fn run(args: Args, ctx: &Context) -> anyhow::Result<ExitCode> {
    let config = ctx.config()?;
    let store = ctx.store(&config)?;
    match args.verb {
        Verb::List => {
            let rows: Vec<Vec<String>> = Suppression::list(&store)?
                .into_iter()
                .map(|r| vec![r.kind, r.scope, r.case.to_string(), r.norm, r.created])
                .collect();
            ctx.out(&table::rows(ctx.global.format, &["kind", "scope", "case", "norm", "since"], &rows)?)?;
        }
        Verb::Check { identifiers, purpose } => {
            let identifiers = identifiers.identifiers()?;
            if identifiers.is_empty() {
                return Err(Failure::Usage("give an identifier: --email, --name, --account, --username".into()).into());
            }
            let mut rows = Vec::new();
            for id in &identifiers {
                let mut listed = false;
                for instance in config.instances.keys().filter(|i| id.instance.as_ref().is_none_or(|own| own == *i)) {
                    let guard = Guard::load(&store, instance)?;
                    listed |= guard.identifier(id.kind, id.value.reveal())
                        || guard.check_text(id.value.reveal(), NameMode::Cut).cuts > 0;
                }
                rows.push(vec![id.kind.as_str().to_owned(), if listed { "listed" } else { "not listed" }.to_owned()]);
            }
            let detail = json!({ "purpose": purpose, "asked": identifiers.len() });
            ctx.act(|act| store.audit(act, "suppression.checked", None, detail))?;
            ctx.out(&table::rows(ctx.global.format, &["kind", "answer"], &rows)?)?;
        }
        Verb::Remove { case, reason } => {
            let removed = Suppression::remove(&store, &case)?;
            let detail = json!({ "entries": removed, "reason": reason });
            ctx.act(|act| store.audit(act, "suppression.removed", Some(case.as_str()), detail))?;
            ctx.say(format!("{removed} entries removed; the next sync may bring the person back."));
        }
    }
    Ok(ExitCode::SUCCESS)
}

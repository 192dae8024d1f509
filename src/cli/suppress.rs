//! `efface suppress`: the list that keeps an erased person from coming back.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;

use super::{Context, Failure, subject, table, work};
use crate::{
    config::{Config, NameMode},
    model::CaseId,
    store::{Removed, Store},
    suppression::{Guard, Suppression},
};

/// The suppression list: keyed hashes, never values.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List the entries: kind, scope, case, since when, until when, and whether they hold.
    List {
        /// Only the entries of one case.
        #[arg(long, value_name = "ID")]
        case: Option<CaseId>,
    },
    /// Whether an identifier is on the list. It answers who was erased, so it needs a case or a purpose, and is audited.
    Check {
        #[command(flatten)]
        identifiers: subject::IdentifierArgs,
        /// The case for which you ask.
        #[arg(long, value_name = "ID")]
        case: Option<CaseId>,
        /// Why you ask, where there is no case.
        #[arg(long, value_name = "TEXT")]
        purpose: Option<String>,
    },
    /// Take an ended case's entries off the list, after which a sync may bring the person back. It takes two: one asks with
    /// `--reason`, another says `--approve`.
    #[command(group(clap::ArgGroup::new("act").required(true).args(["reason", "approve", "withdraw"])))]
    Remove {
        /// The case whose entries go.
        #[arg(long, value_name = "ID")]
        case: CaseId,
        /// Ask for it, with why.
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        /// Carry out what another person asked for.
        #[arg(long)]
        approve: bool,
        /// Take the request back.
        #[arg(long)]
        withdraw: bool,
    },
    /// Take the entries off the list whose time (`[suppression] keep` of the policy) is over. Nothing else ever does.
    Expire,
}

pub(crate) fn run(args: Args, ctx: &Context) -> anyhow::Result<ExitCode> {
    let config = ctx.config()?;
    let store = ctx.store(&config)?;
    match args.verb {
        Verb::List { case } => list(ctx, &store, case.as_ref())?,
        Verb::Check { identifiers, case, purpose } => check(ctx, &config, &store, &identifiers, case, purpose)?,
        Verb::Remove { case, reason: Some(reason), .. } => ask(ctx, &store, &case, &reason)?,
        Verb::Remove { case, approve: true, .. } => approve(ctx, &store, &case)?,
        Verb::Remove { case, .. } => {
            if !ctx.act(|act| store.suppression_withdraw_removal(act, &case))? {
                return Err(not_asked(&case).into());
            }
            ctx.say("The request is withdrawn; the entries stay on the list.");
        }
        Verb::Expire => {
            let gone = ctx.act(|act| store.suppression_expire(act))?;
            ctx.say(format!("{gone} ended entries are off the list."));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn list(ctx: &Context, store: &Store, case: Option<&CaseId>) -> anyhow::Result<()> {
    let holding = store.suppression_holding(ctx.now)?;
    let removals = store.suppression_removals()?;
    let rows: Vec<Vec<String>> = Suppression::list(store)?
        .into_iter()
        .filter(|r| case.is_none_or(|case| r.case == *case))
        .map(|r| {
            let mut state = if holding.contains(&r) { "holds" } else { "ended" }.to_owned();
            if let Some(asked) = removals.iter().find(|asked| asked.case == r.case) {
                state = format!("{state}; removal asked by {}", asked.actor);
            }
            let until = r.until.map_or_else(|| "-".to_owned(), |until| until.date_naive().to_string());
            vec![r.kind, r.scope, r.case.to_string(), r.norm, r.created, until, state]
        })
        .collect();
    let head = ["kind", "scope", "case", "norm", "since", "until", "state"];
    ctx.out(&table::rows(ctx.global.format, &head, &rows)?)?;
    for asked in removals.iter().filter(|asked| case.is_none_or(|case| asked.case == *case)) {
        ctx.say(format!(
            "{} asked on {} to remove {} entries of case {} ({}). Another person decides: efface suppress remove --case {} \
             --approve, or --withdraw",
            asked.actor, asked.at, asked.entries, asked.case, asked.reason, asked.case
        ));
    }
    if rows.iter().any(|r| r[6].starts_with("ended")) {
        ctx.say("What has ended suppresses no more; efface suppress expire takes it off the list.");
    }
    Ok(())
}

fn check(
    ctx: &Context,
    config: &Config,
    store: &Store,
    identifiers: &subject::IdentifierArgs,
    case: Option<CaseId>,
    purpose: Option<String>,
) -> anyhow::Result<()> {
    let identifiers = identifiers.identifiers()?;
    if identifiers.is_empty() {
        return Err(Failure::Usage("give an identifier: --email, --name, --account, --username".into()).into());
    }
    let purpose = purpose.filter(|p| !p.trim().is_empty());
    if case.is_none() && purpose.is_none() {
        let why = "this answers who was erased: say for which case you ask (--case ID), or why (--purpose TEXT)";
        return Err(Failure::Usage(why.into()).into());
    }
    if let Some(id) = &case
        && store.case(id)?.is_none()
    {
        return Err(Failure::Usage(format!("there is no case {id}; see: efface case list")).into());
    }
    let mut rows = Vec::new();
    for id in &identifiers {
        let mut listed = false;
        for instance in config.instances.keys().filter(|i| id.instance.as_ref().is_none_or(|own| own == *i)) {
            let guard = Guard::load(store, instance, ctx.now)?;
            listed |= guard.identifier(id.kind, id.value.reveal())
                || guard.check_text(id.value.reveal(), NameMode::Cut).cuts > 0;
        }
        rows.push(vec![id.kind.as_str().to_owned(), if listed { "listed" } else { "not listed" }.to_owned()]);
    }
    // Free text of a person: told without what names the one who was asked for, or anybody who was erased (law 6).
    let asked = identifiers.len();
    let subject = subject::make(store, subject::ad_hoc_key()?, identifiers);
    let purpose = match purpose {
        Some(text) => Some(work::without_anybody(store)?(&work::masker(&[subject])(&text))),
        None => None,
    };
    let detail = json!({ "purpose": purpose, "asked": asked });
    ctx.act(|act| store.audit(act, "suppression.checked", case.as_ref().map(CaseId::as_str), detail))?;
    ctx.out(&table::rows(ctx.global.format, &["kind", "answer"], &rows)?)
}

fn not_asked(case: &CaseId) -> Failure {
    Failure::Usage(format!(
        "nobody has asked to remove the entries of case {case}; ask: efface suppress remove --case {case} --reason TEXT"
    ))
}

fn needed(case: &CaseId) -> Failure {
    Failure::Refused(format!("case {case} has not ended and needs its entries; close it, or withdraw it, first"))
}

fn ask(ctx: &Context, store: &Store, case: &CaseId, reason: &str) -> anyhow::Result<()> {
    if reason.trim().is_empty() {
        return Err(Failure::Usage("--reason is empty; say why the person may come back".into()).into());
    }
    let reason = work::without_anybody(store)?(reason);
    let asked = ctx.act(|act| store.suppression_ask_removal(act, case, &reason))?.ok_or_else(|| needed(case))?;
    if asked.entries == 0 {
        let none = format!("case {case} has no entries on the list; see: efface suppress list");
        return Err(Failure::Usage(none).into());
    }
    ctx.say(format!(
        "Noted: {} entries of case {case} stay on the list until another person says: efface suppress remove --case {case} \
         --approve",
        asked.entries
    ));
    Ok(())
}

fn approve(ctx: &Context, store: &Store, case: &CaseId) -> anyhow::Result<()> {
    match ctx.act(|act| store.suppression_approve_removal(act, case))? {
        Removed::Done(n) => {
            ctx.say(format!("{n} entries removed; the next sync may bring the person back."));
            Ok(())
        }
        Removed::NotAsked => Err(not_asked(case).into()),
        Removed::SamePerson => {
            let actor = ctx.actor();
            Err(Failure::Refused(format!("{actor} asked for it, so another person has to approve it (--actor NAME)"))
                .into())
        }
        Removed::Changed => Err(Failure::Refused(format!(
            "the entries of case {case} are not those that were asked about; ask again: efface suppress remove --case \
             {case} --reason TEXT"
        ))
        .into()),
        Removed::CaseOpen => Err(needed(case).into()),
    }
}

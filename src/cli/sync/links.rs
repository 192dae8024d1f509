//! `efface sync links`: pairs listed, taken over from a list, and taken apart.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use chrono::Utc;
use serde_json::json;

use super::{clients, usage};
use crate::{
    cli::{Context, Failure, Format, table},
    config::Config,
    model::SyncName,
    store::{Pair, PairKind, Store},
    sync::{self, Deps, Link, Linked, Silent, SyncReport},
};

#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("change").args(["import", "remove"])))]
pub(super) struct Args {
    /// Only of this synchronization (may be repeated in a list)
    #[arg(long = "sync", value_name = "NAME")]
    syncs: Vec<SyncName>,
    /// Only the pair that has this key on one of its sides
    #[arg(long, value_name = "KEY", conflicts_with = "change")]
    issue: Option<String>,
    /// Only pairs in this state: live, erased (in the target, on purpose), unlinked
    #[arg(long, value_name = "STATE", conflicts_with = "change", value_parser = ["live", "erased", "unlinked"])]
    state: Option<String>,
    /// Link issues that exist on both sides, from a CSV file of source key and target key
    ///
    /// Every line is looked at on both sides before anything is written; one that is wrong refuses the file. Comments and attachments
    /// that stand on both sides already are paired as they are; the next run brings the fields of the target up to date.
    #[arg(long, value_name = "FILE")]
    import: Option<PathBuf>,
    /// Unlink an issue, by the key of either side: it is neither brought up to date nor made again, until it is linked anew
    #[arg(long, value_name = "KEY")]
    remove: Option<String>,
}

pub(super) async fn run(args: Args, ctx: &Context) -> anyhow::Result<ExitCode> {
    let config = ctx.config()?;
    let store = ctx.store(&config)?;
    if let Some(file) = &args.import {
        return import(file, &args.syncs, ctx, &config, &store).await;
    }
    if let Some(key) = &args.remove {
        store.insist_on_agreement()?;
        let none = std::collections::HashMap::new();
        let deps = Deps {
            config: &config,
            store: &store,
            clients: &none,
            now: &Utc::now,
            progress: &Silent,
            full: false,
            allow_deletions: None,
        };
        let Some(pair) = sync::unlink(&deps, &args.syncs, key).map_err(usage)? else {
            return Err(Failure::Usage(format!("no pair has the key {key}; sync links lists them")).into());
        };
        ctx.act(|act| store.audit(act, "sync.unlinked", None, json!({"sync": pair.sync, "pairs": 1})))?;
        ctx.say(format!(
            "Unlinked in {}: {} and {}. Both stay as they are; sync links --import links them again.",
            pair.sync,
            pair.source_key.unwrap_or_default(),
            pair.target_key.unwrap_or_default()
        ));
        return Ok(ExitCode::SUCCESS);
    }
    list(&args, ctx, &config, &store)
}

const fn state(pair: &Pair) -> &'static str {
    if pair.erased {
        "erased"
    } else if pair.unlinked {
        "unlinked"
    } else {
        "live"
    }
}

fn list(args: &Args, ctx: &Context, config: &Config, store: &Store) -> anyhow::Result<ExitCode> {
    let mut rows = Vec::new();
    let mut values = Vec::new();
    for name in sync::forward(config, &args.syncs).map_err(usage)?.into_iter().map(|s| &s.name) {
        let pairs = store.pairs(name)?;
        let mut parts = std::collections::HashMap::<(&str, PairKind), u64>::new();
        for p in &pairs {
            *parts.entry((p.source_issue.as_str(), p.kind)).or_default() += 1;
        }
        let meant = |p: &&Pair| {
            p.kind == PairKind::Issue
                && args.issue.as_ref().is_none_or(|key| p.has_key(key))
                && args.state.as_ref().is_none_or(|wanted| state(p) == wanted)
        };
        for p in pairs.iter().filter(meant) {
            let count = |kind| parts.get(&(p.source_id.as_str(), kind)).copied().unwrap_or(0);
            let (comments, files) = (count(PairKind::Comment), count(PairKind::Attachment));
            values.push(json!({"sync": name, "source": p.source_key, "source_id": p.source_id, "target": p.target_key,
                "target_id": p.target_id, "state": state(p), "comments": comments, "attachments": files, "since": p.created}));
            rows.push(vec![
                name.to_string(),
                p.source_key.clone().unwrap_or_default(),
                p.target_key.clone().unwrap_or_default(),
                state(p).to_owned(),
                comments.to_string(),
                files.to_string(),
                p.created.clone(),
            ]);
        }
    }
    if ctx.global.format == Format::Json {
        ctx.out(&format!("{:#}\n", json!({"schema": "efface.sync-links/1", "links": values})))?;
    } else {
        let head = ["sync", "source", "target", "state", "comments", "files", "since"];
        ctx.out(&table::rows(ctx.global.format, &head, &rows)?)?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn import(
    file: &Path,
    names: &[SyncName],
    ctx: &Context,
    config: &Config,
    store: &Store,
) -> anyhow::Result<ExitCode> {
    let name = match sync::forward(config, names).map_err(usage)?[..] {
        [one] => one.name.clone(),
        _ => return Err(Failure::Usage("say for which synchronization the list is: --sync NAME".into()).into()),
    };
    let links = read(file)?;
    store.insist_on_agreement()?;
    let clients = clients(config, std::slice::from_ref(&name))?;
    let deps = Deps {
        config,
        store,
        clients: &clients,
        now: &Utc::now,
        progress: &Silent,
        full: false,
        allow_deletions: None,
    };
    let mut report = SyncReport::default();
    let linked = sync::link(&deps, &name, &links, &mut report).await.map_err(usage)?;
    for (what, n) in report.errors.iter().chain(&report.warnings) {
        ctx.say(format!("{name}: note: {what}{}", super::times(*n)));
    }
    match linked {
        Linked::Done(n) => {
            ctx.act(|act| store.audit(act, "sync.linked", None, json!({"sync": name, "pairs": n})))?;
            ctx.say(format!("Linked in {name}: {n}. The next sync run brings the targets up to date."));
            Ok(ExitCode::SUCCESS)
        }
        Linked::Refused(wrong) => {
            let lines: Vec<String> =
                wrong.iter().map(|(line, what)| format!("  {}:{line}: {what}", file.display())).collect();
            Err(Failure::Usage(format!("nothing was linked:\n{}", lines.join("\n"))).into())
        }
    }
}

/// Two columns; a first line that says so is passed over.
fn read(file: &Path) -> anyhow::Result<Vec<Link>> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_path(file)
        .map_err(|e| Failure::Usage(format!("cannot read {}: {e}", file.display())))?;
    let mut links = Vec::new();
    for row in reader.records() {
        let at = |line: u64| format!("{}:{line}", file.display());
        let row = row.map_err(|e| {
            Failure::Usage(format!("{}: no CSV in UTF-8", at(e.position().map_or(0, csv::Position::line))))
        })?;
        let line = row.position().map_or(0, csv::Position::line);
        let cells: Vec<&str> = row.iter().collect();
        let [source, target] = cells[..] else {
            return Err(
                Failure::Usage(format!("{}: source key and target key are wanted, two columns", at(line))).into()
            );
        };
        let is_head = |cell: &str, name: &str| cell.trim_start_matches('\u{feff}').to_lowercase().starts_with(name);
        if links.is_empty() && is_head(source, "source") && is_head(target, "target") && !source.contains('-') {
            continue;
        }
        links.push(Link { line, source: source.trim_start_matches('\u{feff}').to_owned(), target: target.to_owned() });
    }
    if links.is_empty() {
        return Err(Failure::Usage(format!("{} lists no links", file.display())).into());
    }
    Ok(links)
}

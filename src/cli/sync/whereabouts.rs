//! `efface sync where`: where one person's data went, from the index, without reading a message.

use std::{collections::BTreeSet, process::ExitCode};

use serde_json::{Value, json};

use crate::{
    cli::{Context, Format, subject, table, work},
    config::Config,
    model::{IdentifierKind, SubjectKey, SyncName},
    store::{Pair, PairKind, Store, Traced, Untraced},
    trace,
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A person of the register (`efface subject add`)
    #[arg(long, value_name = "KEY")]
    subject: SubjectKey,
    /// Only this synchronization (may be repeated)
    #[arg(long = "sync", value_name = "NAME")]
    syncs: Vec<SyncName>,
    /// Why this is asked; goes into the audit trail
    #[arg(long, value_name = "TEXT")]
    purpose: Option<String>,
}

/// What the index can never know, whatever stands in it.
const BLIND: &str = "the index knows user fields, mentions, e-mail addresses, phone numbers, words that look like an id, and runs of \
                     capitalised words in what was read from sources; not the contents of files, a name in small letters or of one word, \
                     a user name that is a plain word, nor what others wrote into targets: efface scan reads all";

/// One place to which a part went.
struct Row {
    sync: SyncName,
    place: &'static str,
    source: String,
    part: String,
    /// The message, or the issue in the target and the id of the part there.
    at: String,
    state: &'static str,
    by: BTreeSet<&'static str>,
    json: Value,
}

pub(super) fn run(args: Args, ctx: &Context) -> anyhow::Result<ExitCode> {
    let config = ctx.config()?;
    let store = ctx.store(&config)?;
    if let Some(name) = args.syncs.iter().find(|n| !config.syncs.contains_key(n)) {
        return Err(super::usage(crate::sync::SyncError::Unknown(name.clone())));
    }
    let person = subject::registered(&store, &args.subject)?;
    let wanted = trace::wanted(store.keys(), &person);
    let mut rows = Vec::new();
    for traced in store.trace_find(&wanted.keys().copied().collect())? {
        if !args.syncs.is_empty() && !args.syncs.contains(&traced.sync) {
            continue;
        }
        // A user name means the person in its own instance alone; which one a forgotten synchronization read is not known.
        let source = config.syncs.get(&traced.sync).map(|s| &s.source.instance);
        let by: BTreeSet<&'static str> = traced
            .hashes
            .iter()
            .flat_map(|hash| wanted.get(hash).into_iter().flatten())
            .filter(|w| w.instance.as_ref().is_none_or(|own| source.is_none_or(|s| s == own)))
            .map(|w| w.kind.as_str())
            .collect();
        if !by.is_empty() {
            rows.extend(places(&store, &traced, &by)?);
        }
    }
    let blind = blind(&store.untraced()?);
    // Free text of a person: told without what names anybody (law 6).
    let purpose = match args.purpose {
        Some(text) => Some(work::without_anybody(&store)?(&text)),
        None => None,
    };
    let detail = json!({"subject": person.pseudonym, "entries": rows.len(), "purpose": purpose});
    ctx.act(|act| store.audit(act, "sync.where", None, detail))?;
    show(ctx, &config, &person.pseudonym, &rows, &blind)?;
    Ok(ExitCode::SUCCESS)
}

/// The messages that hold a part, and its place in the target.
fn places(store: &Store, traced: &Traced, by: &BTreeSet<&'static str>) -> anyhow::Result<Vec<Row>> {
    let pair = store.pair(&traced.sync, PairKind::Issue, &traced.issue)?;
    let known = pair.as_ref().and_then(|p| p.source_key.clone());
    let key = known.or_else(|| traced.messages.first().map(|m| m.2.clone())).unwrap_or_else(|| traced.issue.clone());
    let names_only = by.iter().all(|k| *k == IdentifierKind::FullName.as_str() || *k == IdentifierKind::Alias.as_str());
    let base = |place: &str, state: &str| {
        json!({"sync": traced.sync, "place": place, "state": state, "part": traced.part, "by": by, "only_by_name": names_only,
            "source": {"id": traced.issue, "key": key}})
    };
    let row = |place, at: String, state, json| Row {
        sync: traced.sync.clone(),
        place,
        source: key.clone(),
        part: traced.part.clone(),
        at,
        state,
        by: by.clone(),
        json,
    };
    let mut out = Vec::new();
    for (id, state, _) in &traced.messages {
        let mut json = base("staged", state.as_str());
        json["message"] = json!(id.to_string());
        out.push(row("staged", id.to_string(), state.as_str(), json));
    }
    if let (Some(at), Some(pair)) = (&traced.carried, &pair) {
        let state = match (traced.redacted, traced.latest) {
            (true, _) => "redacted since",
            (false, true) => "there",
            (false, false) => "replaced since; its history may have it",
        };
        let mut json = base("target", state);
        let part = part_in_target(store, traced)?;
        let issue = pair.target_key.clone().unwrap_or_else(|| pair.target_id.clone());
        json["target"] =
            json!({"id": pair.target_id, "key": pair.target_key, "part": part.as_ref().map(|p| &p.target_id)});
        json["carried"] = json!(at);
        let at = part.map_or(issue.clone(), |p| format!("{issue} {}", p.target_id));
        out.push(row("target", at, state, json));
    }
    Ok(out)
}

/// The pair of a comment, an attachment, a worklog or a link.
fn part_in_target(store: &Store, traced: &Traced) -> anyhow::Result<Option<Pair>> {
    let of = |kind, id: &str| Ok(store.pair(&traced.sync, kind, id)?);
    let Some((kind, id)) = traced.part.split_once('/') else { return Ok(None) };
    match PairKind::ALL.into_iter().find(|k| *k != PairKind::Issue && k.as_str() == kind) {
        Some(kind) => of(kind, id),
        None => Ok(None),
    }
}

/// What the answer leaves out, for whoever reads it.
fn blind(untraced: &Untraced) -> Vec<String> {
    let mut out = Vec::new();
    if untraced.messages > 0 {
        out.push(format!("{} messages were staged before there was an index", untraced.messages));
    }
    if untraced.issues > 0 {
        out.push(format!(
            "{} issues were carried over, or linked, before the index knew them: efface sync resync brings them in",
            untraced.issues
        ));
    }
    if untraced.parts > 0 {
        out.push(format!("{} parts are too long to be indexed as a whole", untraced.parts));
    }
    out.push(BLIND.to_owned());
    out
}

fn show(ctx: &Context, config: &Config, pseudonym: &str, rows: &[Row], blind: &[String]) -> anyhow::Result<()> {
    let distinct = |place: &str, of: &dyn Fn(&Row) -> String| {
        rows.iter().filter(|r| r.place == place).map(of).collect::<BTreeSet<_>>().len()
    };
    let parts = |kind: &'static str| {
        rows.iter()
            .filter(|r| r.place == "target" && r.part.starts_with(kind))
            .map(|r| (&r.sync, &r.part))
            .collect::<BTreeSet<_>>()
            .len()
    };
    let messages = distinct("staged", &|r| r.at.clone());
    let issues = distinct("target", &|r| format!("{} {}", r.sync, r.source));
    let targets: BTreeSet<String> = rows
        .iter()
        .filter(|r| r.place == "target")
        .map(|r| match config.syncs.get(&r.sync) {
            Some(s) => format!("{}/{}", s.target.instance, s.target.project),
            None => r.sync.to_string(),
        })
        .collect();
    let (comments, files) = (parts("comment/"), parts("attachment/"));
    if ctx.global.format == Format::Json {
        let entries: Vec<&Value> = rows.iter().map(|r| &r.json).collect();
        let value = json!({"schema": "efface.sync-where/1", "subject": pseudonym, "complete": false, "entries": entries,
            "totals": {"messages": messages, "targets": targets, "issues": issues, "comments": comments, "files": files},
            "unknown": blind});
        ctx.out(&format!("{value:#}\n"))?;
    } else {
        let head = ["sync", "place", "issue", "part", "at", "state", "by"];
        let cells: Vec<Vec<String>> = rows
            .iter()
            .map(|r| {
                let by = r.by.iter().copied().collect::<Vec<_>>().join(" ");
                vec![
                    r.sync.to_string(),
                    r.place.to_owned(),
                    r.source.clone(),
                    r.part.clone(),
                    r.at.clone(),
                    r.state.to_owned(),
                    by,
                ]
            })
            .collect();
        ctx.out(&table::rows(ctx.global.format, &head, &cells)?)?;
    }
    ctx.say(format!(
        "{messages} staged messages; {} targets: {issues} issues, with {comments} comments and {files} files. Not complete:",
        targets.len()
    ));
    for line in blind {
        ctx.say(format!("- {line}"));
    }
    Ok(())
}

//! `efface subject resolve`: who is it? Asks everybody, shows the proposal, and puts into the register what a person confirms.

use std::{
    collections::BTreeMap,
    io::{BufRead, IsTerminal, Read},
    process::ExitCode,
};

use anyhow::Context as _;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::{Context, Failure, Format, subject, table, work};
use crate::{
    keys::Purpose,
    model::{Identifier, IdentifierKind, Namesake, Subject, SubjectKey},
    report::text,
    resolve::{Account, Asked, Item, Resolve, Resolved, Sure, terms_of},
    store::Store,
};

/// Ask every instance, staged messages and other tools' folders who somebody is, and propose the identity.
///
/// Reads only. A proposal is `certain` where the same account links it to what was asked for, `probable` where the user map, a
/// shared user name or a lone full name does, `possible` where it only stands beside it in a text. Accounts that share nothing but the
/// name are shown below, with what tells them apart.
///
/// With `--id` the answer goes into the register: confirmed identifiers erase, the others only point, rejected ones are not
/// proposed again. Without `--id` nothing is stored. Namesakes keep their identifiers in the sealed entry: from then on the bare
/// name is only `possible` where no identifier of the person stands nearby (same field, else same record; in files the same
/// line or list item).
///
/// THE OUTPUT IS IN CLEAR, since a person has to judge it; `--mask` hides the values (for a shared screen). An audit event
/// with counts is left, without identifiers.
///
/// Exit codes: 0 everybody answered (also when nobody was found), 3 an instance or a place could not be asked in full, 4 the list is
/// not the one that `--list` names.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// An e-mail address, a name, a user name, a user key or an account id; several for one person. `-` reads them from stdin, one
    /// a line.
    #[arg(value_name = "QUERY")]
    query: Vec<String>,
    /// Put what is confirmed, open and rejected into the register under this handle; what is confirmed there is asked after too.
    #[arg(long, value_name = "KEY")]
    id: Option<SubjectKey>,
    /// These are the person's, by number; `all-certain` for every certain one.
    #[arg(long, value_name = "N,…|all-certain", value_delimiter = ',', requires = "id")]
    confirm: Vec<String>,
    /// These are not the person's; an account becomes a namesake.
    #[arg(long, value_name = "N,…", value_delimiter = ',', requires = "id")]
    reject: Vec<usize>,
    /// These are another person's of the same name.
    #[arg(long, value_name = "N,…", value_delimiter = ',', requires = "id")]
    namesake: Vec<usize>,
    /// Decide only if the list is still the one that was looked at (its mark stands below it).
    #[arg(long, value_name = "MARK")]
    list: Option<String>,
    /// Show the shape of values alone.
    #[arg(long)]
    mask: bool,
}

/// What a person says of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Say {
    Theirs,
    NotTheirs,
    Namesake,
}

pub(crate) async fn run(args: Args, ctx: &Context) -> anyhow::Result<ExitCode> {
    let config = ctx.config()?;
    let store = ctx.store(&config)?;
    let known = args.id.as_ref().map(|id| store.subject(id)).transpose()?.flatten();
    let mut queries = Vec::new();
    for query in &args.query {
        if query == "-" {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).context("cannot read stdin")?;
            queries.extend(text.lines().map(str::trim).filter(|l| !l.is_empty()).map(str::to_owned));
        } else {
            queries.push(query.trim().to_owned());
        }
    }
    if queries.iter().any(|q| q.chars().count() < 2) {
        return Err(Failure::Usage("a query has fewer than two characters: it would find everybody".into()).into());
    }
    if queries.is_empty() && known.as_ref().is_none_or(|k| !k.identifiers.iter().any(|i| i.confirmed)) {
        return Err(Failure::Usage(
            "say whom to look for: an e-mail address, a name, a user name, a key or an account id".into(),
        )
        .into());
    }
    let terms: Vec<_> = queries.iter().flat_map(|q| terms_of(q)).collect();
    let clients = work::clients(config.instances.values(), false);
    let resolved = {
        let progress = work::Progress::new(ctx);
        let resolve = Resolve { config: &config, store: &store, clients: &clients };
        resolve.run(&terms, known.as_ref(), |what| progress.text(format!("asking {what}"))).await
    };
    let mark = mark(&store, &resolved);
    let mut said = decisions(&args, &resolved)?;
    if !said.is_empty() && args.list.as_ref().is_some_and(|l| *l != mark) {
        return Err(Failure::Refused(
            "the list has changed since it was looked at, so its numbers mean something else: look again".into(),
        )
        .into());
    }
    let shown = Shown { resolved: &resolved, mark: &mark, subject: known.as_ref(), now: ctx.now, mask: args.mask };
    let asks =
        args.id.is_some() && said.is_empty() && std::io::stdin().is_terminal() && !args.query.contains(&"-".into());
    if asks && ctx.global.format == Format::Table {
        ctx.out(&shown.table())?;
        said = interview(ctx, &resolved, args.mask)?;
    }
    let stored = match args.id {
        Some(id) => store_it(&store, id, known.clone(), &resolved, &said)?,
        None => None,
    };
    if !asks || ctx.global.format != Format::Table {
        ctx.out(&shown.print(ctx.global.format)?)?;
    }
    let count = |say| said.values().filter(|s| **s == say).count();
    let detail = json!({
        "subject": stored.as_ref().or(known.as_ref()).map(|s| s.pseudonym.as_str()), "queries": queries.len(),
        "asked": resolved.asked.len(), "incomplete": resolved.asked.iter().filter(|a| !a.complete).count(),
        "proposed": resolved.proposal.items.len(), "same_name": resolved.proposal.accounts.len(),
        "confirmed": count(Say::Theirs), "rejected": count(Say::NotTheirs), "namesakes": count(Say::Namesake),
        "stored": stored.is_some(),
    });
    ctx.act(|act| store.audit(act, "subject.resolved", None, detail))?;
    for Asked { place, complete, notes } in &resolved.asked {
        for note in notes {
            ctx.say(format!("{}: {place}: {note}", if *complete { "note" } else { "incomplete" }));
        }
    }
    say_result(ctx, &resolved, stored.as_ref(), &mark);
    Ok(ExitCode::from(if resolved.is_complete() { 0 } else { 3 }))
}

fn say_result(ctx: &Context, resolved: &Resolved, stored: Option<&Subject>, mark: &str) {
    let proposal = &resolved.proposal;
    if proposal.excluded > 0 {
        ctx.say(format!("{} left out, since a person said that they are somebody else's.", proposal.excluded));
    }
    if proposal.items.is_empty() && proposal.accounts.is_empty() {
        ctx.say(if resolved.is_complete() {
            "Nobody was found: no account, no staged message, no folder and no issue that the bot can search names the person."
        } else {
            "Nobody was found where it could be asked; some places did not answer in full."
        });
    }
    match stored {
        Some(subject) => {
            let confirmed = subject.identifiers.iter().filter(|i| i.confirmed).count();
            ctx.say(format!(
                "Stored for {}: {confirmed} confirmed, {} open, {} rejected, {} namesakes.",
                subject.pseudonym,
                subject.identifiers.len() - confirmed,
                subject.rejected.len(),
                subject.namesakes.len()
            ));
        }
        None if !proposal.items.is_empty() || !proposal.accounts.is_empty() => ctx.say(format!(
            "Nothing was stored. List {mark}; to decide: --id KEY --confirm N,…|all-certain --reject N,… --namesake N,…"
        )),
        None => {}
    }
}

/// A mark of the list: the same numbers mean the same things.
fn mark(store: &Store, resolved: &Resolved) -> String {
    let items = resolved.proposal.items.iter().flat_map(|i| {
        [
            i.kind.as_str().to_owned(),
            i.value.reveal().clone(),
            i.instance.as_ref().map(ToString::to_string).unwrap_or_default(),
        ]
    });
    let accounts = resolved.proposal.accounts.iter().flat_map(|a| {
        let values = a.values.iter().map(|(kind, v)| format!("{} {}", kind.as_str(), v.reveal()));
        std::iter::once(format!("account {}", a.instance.as_ref().map(ToString::to_string).unwrap_or_default()))
            .chain(values.collect::<Vec<_>>())
    });
    let parts: Vec<String> = items.chain(accounts).collect();
    let parts: Vec<&[u8]> = parts.iter().map(String::as_bytes).collect();
    hex::encode(&store.keys().keyed_hash(Purpose::Finding, &parts)[..4])
}

fn decisions(args: &Args, resolved: &Resolved) -> anyhow::Result<BTreeMap<usize, Say>> {
    let proposal = &resolved.proposal;
    let last = proposal.items.len() + proposal.accounts.len();
    let mut said = BTreeMap::new();
    let mut say = |n: usize, what: Say| {
        if n == 0 || n > last {
            return Err(Failure::Usage(format!("there is no number {n} in the list: it has {last}")));
        }
        match said.insert(n, what) {
            Some(before) if before != what => {
                Err(Failure::Usage(format!("number {n} cannot be the person's and not the person's")))
            }
            _ => Ok(()),
        }
    };
    for given in &args.confirm {
        if given == "all-certain" {
            for (i, _) in proposal.items.iter().enumerate().filter(|(_, i)| i.sure == Sure::Certain) {
                if !args.reject.contains(&(i + 1)) && !args.namesake.contains(&(i + 1)) {
                    say(i + 1, Say::Theirs)?;
                }
            }
            continue;
        }
        let n =
            given.parse().map_err(|_| Failure::Usage("--confirm takes numbers of the list, or all-certain".into()))?;
        say(n, Say::Theirs)?;
    }
    for n in &args.reject {
        say(*n, if *n > proposal.items.len() { Say::Namesake } else { Say::NotTheirs })?;
    }
    for n in &args.namesake {
        say(*n, Say::Namesake)?;
    }
    Ok(said)
}

/// Asks a person about each number.
#[expect(clippy::print_stderr, reason = "a question to the person at the terminal")]
fn interview(ctx: &Context, resolved: &Resolved, mask: bool) -> anyhow::Result<BTreeMap<usize, Say>> {
    let proposal = &resolved.proposal;
    let mut said = BTreeMap::new();
    let value = |v: &str| if mask { table::mask(v) } else { v.to_owned() };
    let items =
        proposal.items.iter().map(|i| format!("{} {} ({})", i.kind.as_str(), value(i.value.reveal()), i.sure.as_str()));
    let accounts = proposal.accounts.iter().map(|a| {
        let ids = a.values.iter().map(|(kind, v)| format!("{} {}", kind.as_str(), value(v.reveal())));
        format!("account of the same name: {}", ids.collect::<Vec<_>>().join(", "))
    });
    ctx.say("Is it the person's? y: yes, n: no, a: another person of that name, Enter: leave open, q: stop asking");
    let mut lines = std::io::stdin().lock().lines();
    for (i, what) in items.chain(accounts).enumerate() {
        eprint!("{}  {what}  [y/n/a/q] ", i + 1);
        let Some(line) = lines.next() else { break };
        match line.context("cannot read the answer")?.trim().to_lowercase().as_str() {
            "y" | "yes" => drop(said.insert(i + 1, Say::Theirs)),
            "n" | "no" if i < proposal.items.len() => drop(said.insert(i + 1, Say::NotTheirs)),
            "a" | "n" | "no" => drop(said.insert(i + 1, Say::Namesake)),
            "q" => break,
            _ => {}
        }
    }
    Ok(said)
}

/// Puts the answer into the register; `None` where there is nothing to keep.
fn store_it(
    store: &Store,
    id: SubjectKey,
    known: Option<Subject>,
    resolved: &Resolved,
    said: &BTreeMap<usize, Say>,
) -> anyhow::Result<Option<Subject>> {
    let is_new = known.is_none();
    let mut subject = known.unwrap_or_else(|| subject::make(store, id, Vec::new()));
    let proposal = &resolved.proposal;
    for (i, item) in proposal.items.iter().enumerate() {
        match said.get(&(i + 1)) {
            Some(Say::Theirs) => drop(subject.learn(checked(&item.identifier(true))?)),
            Some(Say::NotTheirs) => drop(subject.reject(item.identifier(false))),
            Some(Say::Namesake) => {
                let namesake = Namesake { identifiers: vec![item.identifier(false)] };
                if !namesake.has_ids() {
                    return Err(Failure::Usage(format!(
                        "number {} is a name, which tells nobody from a namesake: name the other person's account or address",
                        i + 1
                    ))
                    .into());
                }
                subject.add_namesake(namesake);
            }
            // What is too short to search for is not worth a pointer.
            None => drop(checked(&item.identifier(false)).map(|new| subject.learn(new))),
        }
    }
    for (i, account) in proposal.accounts.iter().enumerate() {
        match said.get(&(proposal.items.len() + i + 1)) {
            Some(Say::Theirs) => {
                for identifier in account.identifiers(true) {
                    subject.learn(checked(&identifier)?);
                }
            }
            Some(_) => drop(subject.add_namesake(account.namesake())),
            // Most likely another person: not even a pointer, before somebody has said who it is.
            None => {}
        }
    }
    if is_new && subject.identifiers.is_empty() && subject.rejected.is_empty() && subject.namesakes.is_empty() {
        return Ok(None);
    }
    store.put_subject(&subject)?;
    Ok(Some(subject))
}

fn checked(identifier: &Identifier) -> anyhow::Result<Identifier> {
    let good = subject::identifier(identifier.kind, identifier.value.reveal(), identifier.instance.clone())?;
    Ok(Identifier { confirmed: identifier.confirmed, ..good })
}

/// The answer, as it is shown.
struct Shown<'a> {
    resolved: &'a Resolved,
    mark: &'a str,
    subject: Option<&'a Subject>,
    now: DateTime<Utc>,
    mask: bool,
}

impl Shown<'_> {
    fn value(&self, value: &str) -> String {
        if self.mask { table::mask(value) } else { value.to_owned() }
    }

    /// A record's name; a path may hold a person's.
    fn record(&self, record: &str) -> String {
        match record.strip_prefix("file ") {
            Some(path) if self.mask => format!("file {}", table::mask(path)),
            _ => record.to_owned(),
        }
    }

    fn print(&self, format: Format) -> anyhow::Result<String> {
        Ok(match format {
            Format::Table => self.table(),
            Format::Json => format!("{}\n", serde_json::to_string_pretty(&self.json())?),
            Format::Csv | Format::Html | Format::Markdown => table::rows(format, &ITEM_HEAD, &self.rows())?,
        })
    }

    fn rows(&self) -> Vec<Vec<String>> {
        let item = |(i, item): (usize, &Item)| {
            vec![
                (i + 1).to_string(),
                item.sure.as_str().to_owned(),
                item.kind.as_str().to_owned(),
                self.value(item.value.reveal()),
                item.instance.as_ref().map_or_else(|| "all".to_owned(), ToString::to_string),
                state(item).to_owned(),
                format!("{}{}", if item.former { "former; " } else { "" }, item.why),
                places(&item.seen),
            ]
        };
        self.resolved.proposal.items.iter().enumerate().map(item).collect()
    }

    fn table(&self) -> String {
        let proposal = &self.resolved.proposal;
        let mut out = String::new();
        if !proposal.items.is_empty() {
            out.push_str(&text::table(&ITEM_HEAD, &[0], &self.rows(), None));
        }
        if !proposal.accounts.is_empty() {
            let rows: Vec<Vec<String>> = proposal
                .accounts
                .iter()
                .enumerate()
                .map(|(i, account)| {
                    let of = |kind| account.value(kind).map(|v| self.value(v));
                    let id = [IdentifierKind::Username, IdentifierKind::UserKey, IdentifierKind::AccountId];
                    vec![
                        (proposal.items.len() + i + 1).to_string(),
                        account.instance.as_ref().map(ToString::to_string).unwrap_or_default(),
                        of(IdentifierKind::FullName).unwrap_or_default(),
                        id.into_iter().filter_map(of).collect::<Vec<_>>().join(", "),
                        of(IdentifierKind::Email).unwrap_or_else(|| "not shown".into()),
                        activity(account).to_owned(),
                        span(&account.seen),
                        account.apart.to_owned(),
                    ]
                })
                .collect();
            out.push_str("\nThe same name, and nothing else that links them:\n");
            let head = ["n", "instance", "name", "account", "e-mail", "state", "seen", "what tells them apart"];
            out.push_str(&text::table(&head, &[0], &rows, None));
        }
        out
    }

    fn json(&self) -> Value {
        let proposal = &self.resolved.proposal;
        let time = |t: Option<DateTime<Utc>>| t.map(|t| t.to_rfc3339_opts(SecondsFormat::Secs, true));
        let seen = |s: &crate::resolve::Sightings| -> Value {
            let by = s.by.iter().map(|((place, record), n)| {
                json!({ "place": place, "record": Some(self.record(record)).filter(|r| !r.is_empty()), "count": n })
            });
            json!({ "count": s.count(), "first": time(s.first), "last": time(s.last), "by": by.collect::<Vec<_>>() })
        };
        let items = proposal.items.iter().enumerate().map(|(i, item)| {
            json!({ "n": i + 1, "kind": item.kind, "value": self.value(item.value.reveal()), "instance": item.instance,
                    "sure": item.sure.as_str(), "former": item.former, "state": state(item), "why": item.why,
                    "seen": seen(&item.seen) })
        });
        let accounts = proposal.accounts.iter().enumerate().map(|(i, a)| {
            let of = |kind| a.value(kind).map(|v| self.value(v));
            let domain = a.value(IdentifierKind::Email).and_then(|e| e.rsplit_once('@')).map(|(_, d)| d);
            json!({ "n": proposal.items.len() + i + 1, "instance": a.instance, "display_name": of(IdentifierKind::FullName),
                    "account_id": of(IdentifierKind::AccountId), "user_key": of(IdentifierKind::UserKey),
                    "username": of(IdentifierKind::Username), "email": of(IdentifierKind::Email), "email_domain": domain,
                    "active": a.active, "deleted": a.deleted, "apart": a.apart, "seen": seen(&a.seen) })
        });
        let asked = self.resolved.asked.iter().map(|a| {
            json!({ "place": a.place, "status": if a.complete { "complete" } else { "incomplete" }, "notes": a.notes })
        });
        json!({ "schema": "efface.resolve/1", "generated_at": time(Some(self.now)),
                "subject": self.subject.map(|s| s.pseudonym.as_str()), "list": self.mark, "masked": self.mask,
                "complete": self.resolved.is_complete(), "proposals": items.collect::<Vec<_>>(),
                "same_name": accounts.collect::<Vec<_>>(), "excluded": proposal.excluded,
                "asked": asked.collect::<Vec<_>>() })
    }
}

const ITEM_HEAD: [&str; 8] = ["n", "sure", "kind", "value", "instance", "register", "why", "seen"];

const fn state(item: &Item) -> &'static str {
    match item.registered {
        Some(true) => "confirmed",
        Some(false) => "open",
        None => "new",
    }
}

const fn activity(account: &Account) -> &'static str {
    match (account.deleted, account.active) {
        (true, _) => "deleted",
        (_, Some(true)) => "active",
        (_, Some(false)) => "inactive",
        (_, None) => "unknown",
    }
}

/// The places, with how often, the first three of them.
fn places(seen: &crate::resolve::Sightings) -> String {
    let mut by: BTreeMap<&str, u64> = BTreeMap::new();
    for ((place, _), n) in &seen.by {
        *by.entry(place).or_default() += n;
    }
    let more = by.len().saturating_sub(3);
    let shown =
        by.into_iter().take(3).map(|(place, n)| if n == 1 { place.to_owned() } else { format!("{place} {n}×") });
    let shown = shown.collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}

fn span(seen: &crate::resolve::Sightings) -> String {
    let day = |t: DateTime<Utc>| t.format("%Y-%m-%d").to_string();
    match (seen.first, seen.last) {
        (Some(first), Some(last)) => format!("{}×, {} to {}", seen.count(), day(first), day(last)),
        _ => format!("{}×", seen.count()),
    }
}

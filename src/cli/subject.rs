//! `efface subject`: who, by identifiers that a person confirmed.

use std::{collections::BTreeMap, io::Read, process::ExitCode, str::FromStr};

use anyhow::Context as _;
use clap::Subcommand;
use serde::Deserialize;
use serde_json::json;

use super::{Context, Failure, table, variants};
use crate::{
    model::{Identifier, IdentifierKind, InstanceName, Personal, Subject, SubjectKey},
    store::Store,
};

/// The register of data subjects.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Register a person, or add identifiers to one; identifiers given this way count as confirmed.
    Add(AddArgs),
    Resolve(super::resolve::Args),
    /// Show what is registered of a person; masked, unless `--reveal` (which is audited).
    Show {
        /// The handle given as `--id`.
        key: SubjectKey,
        /// Show the identifiers in clear.
        #[arg(long)]
        reveal: bool,
    },
    /// List the register, by pseudonym.
    List,
    /// Destroy what the register knows of a person.
    Forget {
        /// The handle given as `--id`.
        key: SubjectKey,
    },
}

#[derive(Debug, clap::Args)]
struct AddArgs {
    /// Your handle for the person (a ticket number, say); better not a name.
    #[arg(long)]
    id: SubjectKey,
    #[command(flatten)]
    identifiers: IdentifierArgs,
}

/// Identifiers given on the command line.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct IdentifierArgs {
    /// An e-mail address.
    #[arg(long, value_name = "ADDRESS")]
    email: Vec<String>,
    /// A full name.
    #[arg(long, value_name = "NAME")]
    name: Vec<String>,
    /// Another name.
    #[arg(long, value_name = "NAME")]
    alias: Vec<String>,
    /// A phone number.
    #[arg(long, value_name = "NUMBER")]
    phone: Vec<String>,
    /// A Cloud account id, with its instance or for all.
    #[arg(long, value_name = "[INSTANCE=]ID")]
    account: Vec<String>,
    /// A Data Center user name, with its instance or for all.
    #[arg(long, value_name = "[INSTANCE=]NAME")]
    username: Vec<String>,
    /// A Data Center user key, with its instance or for all.
    #[arg(long, value_name = "[INSTANCE=]KEY")]
    user_key: Vec<String>,
}

fn scoped(text: &str) -> (Option<InstanceName>, &str) {
    match text.split_once('=') {
        Some((instance, value)) => match InstanceName::from_str(instance) {
            Ok(name) => (Some(name), value),
            Err(_) => (None, text),
        },
        None => (None, text),
    }
}

impl IdentifierArgs {
    /// The identifiers, each confirmed.
    pub(crate) fn identifiers(&self) -> anyhow::Result<Vec<Identifier>> {
        use IdentifierKind as K;
        let mut out = Vec::new();
        let plain =
            [(K::Email, &self.email), (K::FullName, &self.name), (K::Alias, &self.alias), (K::Phone, &self.phone)];
        for (kind, values) in plain {
            for value in values {
                out.push(identifier(kind, value, None)?);
            }
        }
        let owned = [(K::AccountId, &self.account), (K::Username, &self.username), (K::UserKey, &self.user_key)];
        for (kind, values) in owned {
            for value in values {
                let (instance, value) = scoped(value);
                out.push(identifier(kind, value, instance)?);
            }
        }
        Ok(out)
    }
}

/// Checks one identifier. What it says never quotes the value: it would land in a terminal log.
pub(super) fn identifier(
    kind: IdentifierKind,
    value: &str,
    instance: Option<InstanceName>,
) -> anyhow::Result<Identifier> {
    let value = value.trim();
    let bad = |why: &str| Failure::Usage(format!("an identifier of kind {} {why}", kind.as_str()));
    if value.is_empty() {
        return Err(bad("is empty").into());
    }
    if kind == IdentifierKind::Email && !value.split_once('@').is_some_and(|(l, d)| !l.is_empty() && !d.is_empty()) {
        return Err(bad("is no e-mail address (there is no '@' with text on both sides)").into());
    }
    if matches!(kind, IdentifierKind::FullName | IdentifierKind::Alias) && value.chars().count() < 3 {
        return Err(bad("is shorter than three characters: it would match half of everything").into());
    }
    Ok(Identifier { kind, value: Personal::new(value.to_owned()), instance, confirmed: true })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileSubject {
    id: Option<SubjectKey>,
    #[serde(default)]
    email: Vec<String>,
    #[serde(default)]
    name: Vec<String>,
    #[serde(default)]
    alias: Vec<String>,
    #[serde(default)]
    phone: Vec<String>,
    #[serde(default)]
    account: BTreeMap<InstanceName, String>,
    #[serde(default)]
    username: BTreeMap<InstanceName, String>,
    #[serde(default)]
    user_key: BTreeMap<InstanceName, String>,
}

/// A subject from a JSON file or stdin (`-`): `{"id", "email": [], "name": [], "account": {INSTANCE: ID}, …}`.
pub(crate) fn from_file(store: &Store, path: &str) -> anyhow::Result<Subject> {
    let mut text = String::new();
    if path == "-" {
        std::io::stdin().read_to_string(&mut text).context("cannot read stdin")?;
    } else {
        text = std::fs::read_to_string(path).map_err(|e| Failure::Usage(format!("cannot read {path}: {e}")))?;
    }
    let file: FileSubject = serde_json::from_str(&text).map_err(|e| {
        // serde_json quotes no values for unknown fields and types except through `Display` of the value: keep the place.
        Failure::Usage(format!(
            "the subject file is not valid at line {}, column {}; it needs the form \
             {{\"id\": …, \"email\": […], \"name\": […], \"account\": {{INSTANCE: ID}}, \"username\": {{INSTANCE: NAME}}}}",
            e.line(),
            e.column()
        ))
    })?;
    let pairs = |m: BTreeMap<InstanceName, String>| m.into_iter().map(|(i, v)| format!("{i}={v}")).collect();
    let args = IdentifierArgs {
        email: file.email,
        name: file.name,
        alias: file.alias,
        phone: file.phone,
        account: pairs(file.account),
        username: pairs(file.username),
        user_key: pairs(file.user_key),
    };
    let key = file.id.map_or_else(ad_hoc_key, Ok)?;
    Ok(make(store, key, args.identifiers()?))
}

/// Many subjects from a CSV file: either `id,kind,value,instance`, one identifier a row, or one row a person with columns
/// among `id,email,name,alias,phone,account,username,user_key` (the last three with `INSTANCE=` where it matters).
pub(crate) fn from_csv(store: &Store, path: &std::path::Path) -> anyhow::Result<Vec<Subject>> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .flexible(true)
        .from_path(path)
        .map_err(|e| Failure::Usage(format!("cannot read {}: {e}", path.display())))?;
    let headers: Vec<String> = reader
        .headers()
        .map_err(|_| Failure::Usage(format!("{} is no CSV file", path.display())))?
        .iter()
        .map(|h| h.to_lowercase())
        .collect();
    let known =
        ["id", "kind", "value", "instance", "email", "name", "alias", "phone", "account", "username", "user_key"];
    if let Some(bad) = headers.iter().find(|h| !known.contains(&h.as_str())) {
        return Err(
            Failure::Usage(format!("{}: unknown column {bad:?}; known: {}", path.display(), known.join(", "))).into()
        );
    }
    let mut order: Vec<SubjectKey> = Vec::new();
    let mut by_key: BTreeMap<SubjectKey, Vec<Identifier>> = BTreeMap::new();
    for (i, row) in reader.records().enumerate() {
        let line = i + 2;
        let row = row.map_err(|_| Failure::Usage(format!("{}: line {line} is no CSV", path.display())))?;
        let cell = |name: &str| {
            headers.iter().position(|h| h == name).and_then(|i| row.get(i)).filter(|v| !v.is_empty()).map(str::to_owned)
        };
        let at = || format!("{}: line {line}", path.display());
        let key: SubjectKey = match cell("id") {
            Some(id) => id.parse().map_err(|_| Failure::Usage(format!("{}: the id is not valid", at())))?,
            None => format!("line-{line}").parse().with_context(at)?,
        };
        let one = |name: &str| cell(name).into_iter().collect::<Vec<_>>();
        let mut found = IdentifierArgs {
            email: one("email"),
            name: one("name"),
            alias: one("alias"),
            phone: one("phone"),
            account: one("account"),
            username: one("username"),
            user_key: one("user_key"),
        }
        .identifiers()
        .with_context(at)?;
        if let (Some(kind), Some(value)) = (cell("kind"), cell("value")) {
            let kind = serde_json::from_value(json!(kind)).map_err(|_| {
                Failure::Usage(format!(
                    "{}: unknown kind; known: account-id, user-key, username, email, full-name, phone, alias",
                    at()
                ))
            })?;
            let instance = cell("instance").map(|i| i.parse()).transpose().with_context(at)?;
            found.push(identifier(kind, &value, instance).with_context(at)?);
        }
        if !by_key.contains_key(&key) {
            order.push(key.clone());
        }
        by_key.entry(key).or_default().extend(found);
    }
    Ok(order
        .into_iter()
        .map(|key| {
            let ids = by_key.remove(&key).unwrap_or_default();
            make(store, key, ids)
        })
        .collect())
}

/// A handle for a subject that is only looked for once.
pub(crate) fn ad_hoc_key() -> anyhow::Result<SubjectKey> {
    Ok("quick-look".parse()?)
}

/// A subject of `key` with these identifiers.
pub(crate) fn make(store: &Store, key: SubjectKey, identifiers: Vec<Identifier>) -> Subject {
    let pseudonym = store.subject_pseudonym(&key);
    Subject::new(Personal::new(key), pseudonym, identifiers)
}

/// A registered subject, or a helpful error.
pub(crate) fn registered(store: &Store, key: &SubjectKey) -> anyhow::Result<Subject> {
    store.subject(key)?.ok_or_else(|| {
        Failure::Usage(
            "no such subject in the register; add it with: efface subject add --id KEY --email … --name …".into(),
        )
        .into()
    })
}

pub(crate) async fn run(args: Args, ctx: &Context) -> anyhow::Result<ExitCode> {
    if let Verb::Resolve(args) = args.verb {
        return super::resolve::run(args, ctx).await;
    }
    let config = ctx.config()?;
    let store = ctx.store(&config)?;
    match args.verb {
        // Answered above.
        Verb::Resolve(_) => {}
        Verb::Add(add) => {
            let new = add.identifiers.identifiers()?;
            for id in &new {
                if let Some(instance) = id.instance.as_ref().filter(|i| !config.instances.contains_key(i)) {
                    let known: Vec<_> = config.instances.keys().map(InstanceName::as_str).collect();
                    return Err(Failure::Usage(format!(
                        "there is no [instance.{instance}] in the configuration; known: {}",
                        known.join(", ")
                    ))
                    .into());
                }
            }
            let mut subject = store.subject(&add.id)?.unwrap_or_else(|| make(&store, add.id, Vec::new()));
            if new.is_empty() && subject.identifiers.is_empty() {
                return Err(Failure::Usage(
                    "give at least one identifier: --email, --name, --account, --username".into(),
                )
                .into());
            }
            let added = new.into_iter().filter(|identifier| subject.learn(identifier.clone())).count();
            store.put_subject(&subject)?;
            let detail =
                json!({ "subject": subject.pseudonym, "added": added, "identifiers": subject.identifiers.len() });
            ctx.act(|act| store.audit(act, "subject.added", None, detail))?;
            ctx.say(format!("{added} identifiers added; {} in all.", subject.identifiers.len()));
            ctx.out(&format!("{}\n", subject.pseudonym))?;
        }
        Verb::Show { key, reveal } => {
            let subject = registered(&store, &key)?;
            if reveal {
                ctx.act(|act| store.audit(act, "subject.revealed", None, json!({ "subject": subject.pseudonym })))?;
            }
            let row = |i: &Identifier, confirmed: &str| {
                let value = if reveal { i.value.reveal().clone() } else { table::mask(i.value.reveal()) };
                let instance = i.instance.as_ref().map_or_else(|| "all".into(), ToString::to_string);
                vec![i.kind.as_str().to_owned(), value, instance, confirmed.to_owned()]
            };
            let own = subject.identifiers.iter().map(|i| row(i, if i.confirmed { "yes" } else { "no" }));
            let others = subject.namesakes.iter().flat_map(|n| &n.identifiers).map(|i| row(i, "namesake's"));
            let rejected = subject.rejected.iter().map(|i| row(i, "rejected"));
            let rows: Vec<Vec<String>> = own.chain(others).chain(rejected).collect();
            let shown = table::rows(ctx.global.format, &["kind", "value", "instance", "confirmed"], &rows)?;
            ctx.out(&variants::shown(ctx.global.format, shown, &subject, reveal)?)?;
        }
        Verb::List => {
            let rows: Vec<Vec<String>> = store
                .subjects()?
                .into_iter()
                .map(|s| vec![s.pseudonym.clone(), s.identifiers.len().to_string()])
                .collect();
            ctx.out(&table::rows(ctx.global.format, &["subject", "identifiers"], &rows)?)?;
        }
        Verb::Forget { key } => {
            let pseudonym = store.subject_pseudonym(&key);
            if let Some(subject) = store.subject(&key)? {
                let holds = crate::holds::Holds::load(&store)?;
                let held: Vec<String> = holds.naming(&subject).map(|h| h.id.to_string()).collect();
                if !held.is_empty() {
                    return Err(Failure::Refused(format!(
                        "the person is held by {}: the identifiers stay until that is released: efface hold list",
                        held.join(", ")
                    ))
                    .into());
                }
            }
            let gone = store.forget_subject(&key)?;
            ctx.act(|act| store.audit(act, "subject.forgotten", None, json!({ "subject": pseudonym, "found": gone })))?;
            ctx.say(if gone { "Forgotten: the key of the entry is destroyed." } else { "There was no such subject." });
        }
    }
    Ok(ExitCode::SUCCESS)
}

//! `efface doctor`: check instances, permissions, folders, keys and clock before they are needed.

use std::process::ExitCode;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{Context, case, load_policy, table, work};
use crate::{
    config::Config,
    erasure::signers::Signers,
    jira::Client,
    model::{InstanceName, ProjectKey},
    store::Store,
};

/// Check what a sync and an erasure will need, and say what to do about what is missing.
///
/// Exit codes: 0 all well, 3 something is not.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

/// Most that a server's clock may differ, in seconds: cursors overlap by more than this.
const SKEW_SECONDS: i64 = 60;

struct Checks {
    rows: Vec<Vec<String>>,
    bad: bool,
}

impl Checks {
    fn add(&mut self, what: impl Into<String>, result: Result<String, String>) {
        self.bad |= result.is_err();
        let (word, text) = match result {
            Ok(t) => ("ok", t),
            Err(t) => ("PROBLEM", t),
        };
        self.rows.push(vec![what.into(), word.to_owned(), text]);
    }
}

pub(crate) async fn run(_args: Args, ctx: &Context) -> anyhow::Result<ExitCode> {
    let config = ctx.config()?;
    let mut checks = Checks { rows: Vec::new(), bad: false };
    checks.add("configuration", Ok(config.file.display().to_string()));
    checks.add("policy", load_policy(&config.policy).map(|p| p.name().to_owned()).map_err(|e| e.to_string()));
    checks.add("state and keys", ctx.store(&config).map(|s| s.path().display().to_string()).map_err(|e| e.to_string()));
    if let Ok(store) = ctx.store(&config) {
        checks.add("suppression list", suppression(&store));
    }
    signers(&config, ctx.now, &mut checks);
    folders(&config, &mut checks);
    if config.letters.folder.is_some() {
        let result = super::case::letters::templates(&config, None).map_err(|e| e.to_string());
        let result = result.and_then(|own| own.check().map_err(|e| e.to_string()));
        checks.add("letters", result.map(|()| "every letter can be written".to_owned()));
    }
    let clients = work::clients(config.instances.values(), false);
    if let Ok(store) = ctx.store(&config) {
        drift(&config, &store, &clients, ctx.now, &mut checks).await;
    }
    for (name, client) in clients {
        match client {
            Ok(client) => instance(&config, &name, &client, ctx.now, &mut checks).await,
            Err(why) => checks.add(format!("instance {name}"), Err(why)),
        }
    }
    for (name, client) in work::clients(config.instances.values().filter(|i| i.erase_auth.is_some()), true) {
        let result = match client {
            Ok(client) => client.myself().await.map(|_| "signs in".to_owned()).map_err(|e| e.to_string()),
            Err(why) => Err(why),
        };
        checks.add(format!("instance {name}: erase_auth"), result);
    }
    for channel in crate::notify::channels(&config) {
        checks.add(format!("notify by {}", channel.kind()), channel.check().await);
    }
    ctx.out(&table::rows(ctx.global.format, &["check", "result", "detail"], &checks.rows)?)?;
    Ok(ExitCode::from(if checks.bad { 3 } else { 0 }))
}

/// Whether the configuration has what no case has looked through.
async fn drift(config: &Config, store: &Store, clients: &work::Clients, now: DateTime<Utc>, checks: &mut Checks) {
    let scopes = match store.case_scopes(now) {
        Ok(scopes) => scopes,
        Err(e) => return checks.add("drift", Err(e.to_string())),
    };
    let (drifted, _) = case::look_for_drift(config, &scopes, clients).await;
    let cases = scopes.len();
    let result = match drifted.first() {
        None => Ok(format!("everything lies inside what {cases} cases covered")),
        Some(first) => Err(format!(
            "{} things lie outside what {cases} cases covered, such as the {} {}; see: efface case drift",
            drifted.len(),
            first.thing.kind.as_str(),
            first.thing.name
        )),
    };
    checks.add("drift", result);
}

/// Reads the whole journal, so that damage shows before it is needed.
fn suppression(store: &Store) -> Result<String, String> {
    let outlook = store.replay_outlook().map_err(|e| e.to_string())?;
    store.insist_on_agreement().map_err(|e| e.to_string())?;
    if !outlook.is_whole() {
        return Err("the database lacks what its journal knows; run: efface case replay".into());
    }
    Ok(format!("{} entries, the journal agrees", outlook.list.len()))
}

/// Who may sign approvals, where the policy asks for signatures or a file is named.
fn signers(config: &Config, now: DateTime<Utc>, checks: &mut Checks) {
    let wanted = load_policy(&config.policy).is_ok_and(|p| p.approval().signatures);
    let result = match &config.signers {
        None if wanted => Err("the policy asks for signed approvals, and [home] signers names no file".to_owned()),
        None => return,
        Some(path) => {
            let bytes = std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()));
            bytes.and_then(|b| Signers::parse(&b).map_err(|e| e.to_string())).and_then(|s| match s.count(now) {
                0 => Err(format!("no key in {} may sign approvals today", path.display())),
                n => Ok(format!("{n} keys may sign approvals")),
            })
        }
    };
    checks.add("signers", result);
}

fn folders(config: &Config, checks: &mut Checks) {
    let Some(home) = &config.home else { return };
    let there = |path: &std::path::Path| {
        if path.is_dir() { Ok(path.display().to_string()) } else { Err(format!("{} is no folder", path.display())) }
    };
    checks.add("home folder", there(&home.path));
    if home.path.is_dir() {
        let made = std::fs::create_dir_all(&home.staging)
            .and_then(|()| tempfile::tempfile_in(&home.staging).map(drop))
            .map(|()| format!("{} can be written", home.staging.display()))
            .map_err(|e| format!("{}: {e}", home.staging.display()));
        checks.add("staging folder", made);
    }
    for foreign in &config.foreign {
        checks.add(format!("foreign {}", foreign.name), there(&foreign.path));
    }
}

async fn instance(config: &Config, name: &InstanceName, client: &Client, now: DateTime<Utc>, checks: &mut Checks) {
    let info = client.server_info().await;
    let text = |v: &Value, n: &str| v.get(n).and_then(Value::as_str).unwrap_or("?").to_owned();
    checks.add(
        format!("instance {name}"),
        info.as_ref()
            .map(|i| format!("{} {}", text(i, "deploymentType"), text(i, "version")))
            .map_err(ToString::to_string),
    );
    if let Some(time) = info.ok().and_then(|i| crate::jira::parse_time(i.get("serverTime")?.as_str()?)) {
        let skew = (time.with_timezone(&Utc) - now).num_seconds();
        let words = format!("{skew} seconds from ours");
        checks.add(format!("instance {name}: clock"), if skew.abs() <= SKEW_SECONDS { Ok(words) } else { Err(words) });
    }
    match client.myself().await {
        Ok(me) => {
            let zone = me.time_zone.unwrap_or_else(|| "unknown time zone".into());
            checks.add(format!("instance {name}: signs in"), Ok(zone));
        }
        Err(e) => checks.add(format!("instance {name}: signs in"), Err(e.to_string())),
    }
    let mut projects: Vec<&ProjectKey> = config
        .syncs
        .values()
        .flat_map(|s| [&s.source, &s.target])
        .filter(|s| s.instance == *name)
        .map(|s| &s.project)
        .collect();
    projects.sort();
    projects.dedup();
    for project in projects {
        let seen = client.project(project).await.map(|_| "visible".to_owned()).map_err(|e| e.to_string());
        checks.add(format!("instance {name}: project {project}"), seen);
    }
}

//! `efface notify`: tell what is due to the channels of the configuration.

use std::{process::ExitCode, time::Duration};

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::json;

use super::{Context, Failure, Format, exit, load_policy, table, watch};
use crate::{
    fs::Lock,
    notify::{self, Fate, Line, Notice, Room},
};

/// The schema of `--format json`.
const SCHEMA: &str = "efface.notify/1";

/// Tell what is due: see the command's own words.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print what would be told, and tell nobody.
    #[arg(long)]
    dry_run: bool,
}

/// What a run told.
struct Told {
    notices: Vec<Notice>,
    lines: Vec<Line>,
}

impl Told {
    /// What was not told although it should have been, with its channel and why.
    fn missing(&self) -> impl Iterator<Item = (&Notice, &Line, &str)> {
        self.lines.iter().filter_map(|line| Some((self.notices.get(line.notice)?, line, line.fate.why()?)))
    }

    fn count(&self, fate: &Fate) -> usize {
        self.lines.iter().filter(|l| l.fate == *fate).count()
    }
}

pub(crate) async fn run(args: &Args, ctx: &Context) -> anyhow::Result<ExitCode> {
    let told = tell(ctx, ctx.now, args.dry_run, &|| false).await?.ok_or_else(|| {
        Failure::Usage(format!(
            "{} has no [notify]; add one, such as: [notify] with webhook = {{ url = \"https://hooks.example.com/efface\", token_env = \"HOOK_TOKEN\" }} \
             or jira = {{ instance = \"hq\", project = \"OPS\" }}",
            ctx.global.config.display()
        ))
    })?;
    print(ctx, &told, args.dry_run)?;
    Ok(ExitCode::from(if told.missing().next().is_some() { 3 } else { 0 }))
}

/// As the watch does it: what goes wrong is said, and ends nothing.
pub(super) async fn beside_the_watch(ctx: &Context, stopped: &dyn Fn() -> bool) {
    match tell(ctx, Utc::now(), false, stopped).await {
        Ok(None) => {}
        Ok(Some(told)) => {
            let n = told.count(&Fate::Told);
            if n > 0 {
                ctx.say(format!("{n} notices told."));
            }
            complain(ctx, &told);
        }
        Err(error) => ctx.say(format!("nobody could be told what is due: {}", exit::render(&error))),
    }
}

/// Tells what is due at `now`; none where the configuration names nobody to tell.
async fn tell(
    ctx: &Context,
    now: DateTime<Utc>,
    dry_run: bool,
    stopped: &dyn Fn() -> bool,
) -> anyhow::Result<Option<Told>> {
    let config = ctx.config()?;
    let Some(wanted) = &config.notify else { return Ok(None) };
    let store = ctx.store(&config)?;
    // Two at once would tell everything twice.
    let _lock = (!dry_run)
        .then(|| Lock::acquire(&config.state.join("notify.lock"), Duration::from_secs(1)))
        .transpose()
        .map_err(|e| Failure::Refused(e.to_string()))?;
    let policy = load_policy(&config.policy).ok();
    let sight = notify::gather(&config, &store, policy.as_ref(), watch::beat(&config), now)?;
    let mut notices = notify::due(&sight, now);
    notices.retain(|n| wanted.about.contains(&n.about));
    let (channels, actor) = (notify::channels(&config), ctx.actor());
    let unsure = sight.unsure();
    let room =
        Room { store: &store, channels: &channels, about: &wanted.about, unsure: &unsure, actor: &actor, now, dry_run };
    let lines = notify::tell(&room, &notices, stopped).await?;
    Ok(Some(Told { notices, lines }))
}

fn complain(ctx: &Context, told: &Told) {
    for (notice, line, why) in told.missing() {
        ctx.say(format!("{}: {} ({}): {why}", line.channel, notice.summary, line.fate.as_str()));
    }
}

fn print(ctx: &Context, told: &Told, dry_run: bool) -> anyhow::Result<()> {
    if ctx.global.format == Format::Json {
        let notices: Vec<_> = told
            .notices
            .iter()
            .enumerate()
            .map(|(i, notice)| {
                let mut value = json!(notice);
                value["channels"] = json!(told.lines.iter().filter(|l| l.notice == i).collect::<Vec<_>>());
                value
            })
            .collect();
        let at = ctx.now.to_rfc3339_opts(SecondsFormat::Secs, true);
        let report = json!({ "schema": SCHEMA, "generated_at": at, "dry_run": dry_run, "notices": notices });
        ctx.out(&format!("{}\n", serde_json::to_string_pretty(&report)?))?;
    } else {
        let rows: Vec<Vec<String>> = told
            .lines
            .iter()
            .filter_map(|line| {
                let notice = told.notices.get(line.notice)?;
                let issue = line.issue.clone().unwrap_or_default();
                let (channel, fate) = (line.channel.to_owned(), line.fate.as_str().to_owned());
                Some(vec![notice.about.to_string(), notice.summary.clone(), channel, fate, issue])
            })
            .collect();
        ctx.out(&table::rows(ctx.global.format, &["about", "what", "channel", "result", "issue"], &rows)?)?;
    }
    complain(ctx, told);
    let (known, failed) = (told.count(&Fate::Known), told.missing().count());
    ctx.say(match dry_run {
        true => format!("{} would be told, {known} told before.", told.count(&Fate::Due)),
        false => format!("{} told, {known} told before, {failed} not told.", told.count(&Fate::Told)),
    });
    Ok(())
}

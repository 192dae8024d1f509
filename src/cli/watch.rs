//! `efface sweep --watch`: runs by the schedule of the configuration, for a supervisor.
//!
//! Owns the loop, its heartbeat and what it remembers between processes. A run is never inside a `select!`: a signal is seen between
//! two records, and the next run goes on with what is left.

use std::{
    path::PathBuf,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::Context as _;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use tokio::signal::unix::{SignalKind, signal};

use super::{Context, Failure, exit, table};
use crate::{config::Config, fs::Lock, fs::write_atomic, model::Schedule, notify::Beat};

/// The longest sleep: a clock that jumps, and a computer that was suspended, are seen by then.
const NAP: Duration = Duration::from_secs(30);

/// A heartbeat older than this is none.
const FRESH: TimeDelta = TimeDelta::minutes(5);

/// What the loop says of itself, in one small file: a supervisor reads it, and the next process.
#[derive(Debug, Serialize, Deserialize)]
struct Heartbeat {
    /// `waiting`, `running` or `ended`.
    state: String,
    /// When this was written.
    at: DateTime<Utc>,
    pid: u32,
    /// The planned time of the last run that was served; at first that of the first start.
    last: DateTime<Utc>,
    /// The exit code of the last run.
    outcome: Option<u8>,
    /// When the next run is.
    next: Option<DateTime<Utc>>,
}

fn file(config: &Config) -> PathBuf {
    config.state.join("sweep.heartbeat")
}

fn read(config: &Config) -> Option<Heartbeat> {
    serde_json::from_slice(&std::fs::read(file(config)).ok()?).ok()
}

/// What the last heartbeat says of the runs.
pub(super) fn beat(config: &Config) -> Option<Beat> {
    read(config).map(|beat| Beat { last: beat.last, outcome: beat.outcome })
}

fn schedule(config: &Config) -> anyhow::Result<&Schedule> {
    config.schedule.as_ref().ok_or_else(|| {
        Failure::Usage(format!(
            "{} has no [schedule]; add one, such as: [schedule] with sweep = \"30 2 * * *\" and timezone = \"Europe/Berlin\"",
            config.file.display()
        ))
        .into()
    })
}

/// Prints the next runs, in the schedule's time zone and in UTC.
pub(super) fn next(ctx: &Context, config: &Config, n: usize) -> anyhow::Result<ExitCode> {
    let schedule = schedule(config)?;
    let (mut at, mut rows) = (ctx.now, Vec::new());
    for _ in 0..n.min(1000) {
        let Some(next) = schedule.next(at) else { break };
        let local = next.with_timezone(&schedule.zone());
        rows.push(vec![
            local.format("%a %Y-%m-%d %H:%M:%S %Z").to_string(),
            next.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
        ]);
        at = next;
    }
    ctx.out(&table::rows(ctx.global.format, &["local", "utc"], &rows)?)?;
    Ok(ExitCode::SUCCESS)
}

/// Whether the loop is alive.
pub(super) fn health(ctx: &Context, config: &Config) -> anyhow::Result<ExitCode> {
    let said = match read(config) {
        None => "there is no heartbeat: efface sweep --watch is not at work here".to_owned(),
        Some(beat) if beat.state == "ended" => format!("the watch ended at {}", beat.at),
        Some(beat) if (ctx.now - beat.at).abs() > FRESH => format!("the last heartbeat is of {}", beat.at),
        Some(beat) => {
            let next = beat.next.map_or_else(|| "never".to_owned(), |n| n.to_rfc3339());
            let outcome = beat.outcome.map_or_else(|| "none yet".to_owned(), |code| code.to_string());
            ctx.say(format!("{}; last outcome {outcome}; next run {next}", beat.state));
            return Ok(ExitCode::SUCCESS);
        }
    };
    ctx.say(said);
    Ok(ExitCode::from(1))
}

fn write(file: &std::path::Path, beat: &Heartbeat) -> anyhow::Result<()> {
    Ok(write_atomic(file, serde_json::to_string_pretty(beat)?.as_bytes())?)
}

/// Says that a run goes on, as long as it does.
async fn keep_beating(file: PathBuf, mut beat: Heartbeat, status: &'static str) {
    loop {
        notify(&format!("WATCHDOG=1\nSTATUS={status}"));
        tokio::time::sleep(NAP).await;
        beat.at = Utc::now();
        // The next beat may have more room on the disk.
        drop(write(&file, &beat));
    }
}

/// Tells systemd how things are (sd_notify(3)); nothing where it did not ask.
#[cfg(target_os = "linux")]
fn notify(text: &str) {
    use std::os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixDatagram},
    };
    let Some(path) = std::env::var_os("NOTIFY_SOCKET") else { return };
    let name = path.as_encoded_bytes();
    let address = match name.strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(&path),
    };
    // Nobody to tell it to is no reason not to work.
    if let (Ok(socket), Ok(address)) = (UnixDatagram::unbound(), address) {
        drop(socket.send_to_addr(text.as_bytes(), &address));
    }
}

/// There is no systemd.
#[cfg(not(target_os = "linux"))]
const fn notify(_text: &str) {}

/// Runs `sweep` whenever the schedule says so, until SIGTERM or SIGINT, and `tell` behind each run and once a day. A run that fails
/// does not end it; a configuration or policy that cannot be read does (exit 2): a supervisor should not start it again before
/// somebody has mended that.
pub(super) async fn watch(
    ctx: &Context,
    config: &Config,
    sweep: impl AsyncFn(&AtomicBool) -> anyhow::Result<u8>,
    tell: impl AsyncFn(&AtomicBool),
) -> anyhow::Result<ExitCode> {
    let schedule = schedule(config)?;
    std::fs::create_dir_all(&config.state)?;
    let _lock = Lock::acquire(&config.state.join("watch.lock"), Duration::ZERO)
        .map_err(|e| Failure::Refused(format!("another watch is at work: {e}")))?;
    let stop = Arc::new(AtomicBool::new(false));
    let woken = Arc::new(tokio::sync::Notify::new());
    for kind in [SignalKind::terminate(), SignalKind::interrupt()] {
        let mut signals = signal(kind).context("signals cannot be watched")?;
        let (stop, woken) = (stop.clone(), woken.clone());
        tokio::spawn(async move {
            signals.recv().await;
            stop.store(true, Ordering::Relaxed);
            woken.notify_one();
        });
    }
    let beat = |state: &str, last: DateTime<Utc>, outcome: Option<u8>| -> anyhow::Result<Heartbeat> {
        let at = Utc::now();
        let next = schedule.next(at.max(last));
        let beat = Heartbeat { state: state.to_owned(), at, pid: std::process::id(), last, outcome, next };
        write(&file(config), &beat)?;
        Ok(beat)
    };
    let earlier = read(config);
    // What was missed before the first start is nothing that was promised.
    let mut last = earlier.as_ref().map_or_else(Utc::now, |beat| beat.last);
    let mut outcome = earlier.and_then(|beat| beat.outcome);
    let mut told: Option<NaiveDate> = None;
    notify("READY=1");
    loop {
        if stop.load(Ordering::Relaxed) {
            beat("ended", last, outcome)?;
            notify("STOPPING=1");
            return Ok(ExitCode::SUCCESS);
        }
        let now = Utc::now();
        // A clock that was set far ahead and back again must not end the sweeps.
        if last > now + TimeDelta::days(1) {
            ctx.say(format!(
                "the last run is remembered for {last}, which has not come: the clock was wrong; counted from now on"
            ));
            last = now;
        }
        let run = schedule.due(last, now);
        if let Some(at) = run {
            let alive = tokio::spawn(keep_beating(file(config), beat("running", last, outcome)?, "sweeping"));
            let done = sweep(&stop).await;
            alive.abort();
            let code = match done {
                Ok(code) => code,
                Err(error) => {
                    ctx.say(exit::render(&error));
                    exit::code(&error)
                }
            };
            (last, outcome) = (at, Some(code));
        }
        let ends = run.is_some() && outcome == Some(2);
        let waiting = beat(if ends { "ended" } else { "waiting" }, last, outcome)?;
        let today = Utc::now().date_naive();
        if (run.is_some() || told != Some(today)) && !stop.load(Ordering::Relaxed) {
            // Behind the heartbeat, since what is told goes by it. A receiver that hangs must not make the watch look dead.
            let alive = tokio::spawn(keep_beating(file(config), waiting, "telling"));
            tell(&stop).await;
            alive.abort();
            told = Some(today);
        }
        if ends {
            return Ok(ExitCode::from(2));
        }
        notify("WATCHDOG=1\nSTATUS=waiting");
        let now = Utc::now();
        let until = schedule.next(now.max(last)).map_or(NAP, |next| (next - now).to_std().unwrap_or_default());
        tokio::select! {
            () = tokio::time::sleep(until.min(NAP).max(Duration::from_millis(50))) => {}
            () = woken.notified() => {}
        }
    }
}

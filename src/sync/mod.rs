//! The sync engine, one way: export → staging → import.
//!
//! Owns what a change is, how it is carried over, and what is remembered of it. Asks suppression at every door. Moves no
//! bytes itself: `jira` speaks, `staging` and `store` keep. Every create is preceded by an intent on disk and carries a
//! mark, so that a run that was killed anywhere is finished by the next one without a duplicate (law 8).

mod again;
mod body;
mod check;
pub mod connect;
mod content;
mod create;
mod deletion;
mod error;
mod export;
mod gone;
mod held;
mod import;
mod links;
mod named;
mod parts;
mod redaction;
mod relations;
mod report;
mod resync;
mod target;
mod transition;
mod twoway;
mod users;

use std::{collections::HashMap, sync::Mutex, time::Duration};

use chrono::{DateTime, Utc};
use serde_json::Value;

pub(crate) use self::create::PROPERTY;
use self::{again::Again, users::Users};
pub use self::{
    again::{Retry, wait},
    connect::{ConnectError, connect},
    error::SyncError,
    export::carries_over,
    links::{Link, Linked, link, unlink},
    redaction::{Redacted, note_erasure, note_redaction, note_replacement},
    report::{Phase, Progress, RunReport, Silent, SyncReport},
    resync::{Outlook, Resync, Taken, resync_outlook},
    twoway::Take,
};
use crate::{
    config::{Config, NameMode, Sync},
    holds::Holds,
    jira::Client,
    model::{InstanceName, SyncName},
    staging::{Entry, Message, MessageId, Staging, State},
    store::{PairKind, Parking, Store},
    suppression::{Guard, Verdict},
};
pub use check::{Fits, Row, check};

/// Everything a run needs from outside.
pub struct Deps<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The store.
    pub store: &'a Store,
    /// One client for each instance that the synchronizations name.
    pub clients: &'a HashMap<InstanceName, Client>,
    /// The clock (law 10).
    pub now: &'a (dyn Fn() -> DateTime<Utc> + std::marker::Sync),
    /// Who is told how far it is.
    pub progress: &'a dyn Progress,
    /// Look at every issue of the query, whatever the cursor says.
    pub full: bool,
    /// So many issues may be deleted in the source without a doubt, whatever the brake says.
    pub allow_deletions: Option<u64>,
}

/// What is to be done in one synchronization.
#[derive(Clone, Copy)]
enum Work<'a> {
    /// Import, export, import.
    Run,
    /// Try what is parked.
    Retry(&'a Retry),
    /// Carry issues over again.
    Resync(&'a Resync),
}

/// How long a run waits for another one that holds the same staging area.
const PATIENCE: Duration = Duration::from_secs(2);

/// One synchronization in one run.
pub(crate) struct Room<'a> {
    deps: &'a Deps<'a>,
    sync: &'a Sync,
    source: &'a Client,
    target: &'a Client,
    staging: Staging,
    guard: &'a Guard,
    holds: Holds,
    users: Users<'a>,
    meta: target::Meta,
    /// The handle of our own user in the source, where that has to be told from others.
    source_bot: Option<&'a str>,
    report: Mutex<SyncReport>,
}

/// Runs synchronizations: first what waits in staging, then what changed in the source. With no names, all of them. A
/// synchronization that fails is in the report; the others go on.
///
/// # Errors
/// When a name is not in the configuration.
pub async fn run(deps: &Deps<'_>, names: &[SyncName]) -> Result<RunReport, SyncError> {
    let mut report = RunReport::default();
    for sync in with_twins(deps.config, chosen(deps.config, names)?) {
        let begun = (deps.now)().to_rfc3339();
        let one = match over(deps, sync) {
            // What runs no more has run: a case that waits for it would wait for ever.
            Some(over) => over,
            None => one(deps, sync, Work::Run).await,
        };
        if one.errors.is_empty() {
            deps.store.sync_set_ran(&sync.name, &begun)?;
        }
        report.syncs.insert(sync.name.clone(), one);
    }
    Ok(report)
}

/// Tries parked messages again, whatever their time, in the order of their issues, and imports what waits.
///
/// # Errors
/// When a name is not in the configuration.
pub async fn retry(deps: &Deps<'_>, names: &[SyncName], which: &Retry) -> Result<RunReport, SyncError> {
    let mut report = RunReport::default();
    for sync in with_twins(deps.config, chosen(deps.config, names)?) {
        let one = match over(deps, sync) {
            Some(over) => over,
            None => one(deps, sync, Work::Retry(which)).await,
        };
        report.syncs.insert(sync.name.clone(), one);
    }
    Ok(report)
}

/// Brings issues to what the source says now, whatever hashes and cursor say; what is parked of them is tried again first.
/// What was asked for and not reached is finished by the next run.
///
/// # Errors
/// A wrong name, key or query.
pub async fn resync(deps: &Deps<'_>, names: &[SyncName], what: &Resync) -> Result<RunReport, SyncError> {
    let mut report = RunReport::default();
    for sync in resync::checked(deps, names, what).await? {
        let one = match over(deps, sync) {
            Some(over) => over,
            None => one(deps, sync, Work::Resync(what)).await,
        };
        report.syncs.insert(sync.name.clone(), one);
    }
    Ok(report)
}

/// The report of a synchronization that was ended: it carries nothing over any more.
fn over(deps: &Deps<'_>, sync: &Sync) -> Option<SyncReport> {
    let last = sync.ended.filter(|last| (deps.now)().date_naive() > *last)?;
    let mut report = SyncReport::default();
    report.warnings.insert(format!("it was ended ({last} was its last day), and carries nothing over any more"), 1);
    Some(report)
}

/// A synchronization as it stands.
#[derive(Debug, Clone)]
pub struct Status {
    /// Its name.
    pub sync: SyncName,
    /// The source's `updated` time up to which it has exported, RFC 3339.
    pub cursor: Option<String>,
    /// How many issues are paired.
    pub pairs: usize,
    /// The staged messages.
    pub entries: Vec<Entry>,
}

/// Synchronizations as they stand.
///
/// # Errors
/// When a name is not in the configuration, or the staging area cannot be used.
pub fn status(config: &Config, store: &Store, names: &[SyncName]) -> Result<Vec<Status>, SyncError> {
    let home = config.home().map_err(|_| SyncError::NoHome)?;
    with_twins(config, chosen(config, names)?)
        .into_iter()
        .map(|sync| {
            let staging = Staging::open(&home.staging, &sync.name, store)?;
            let pairs = store.pairs(&sync.name)?.iter().filter(|p| p.kind == PairKind::Issue).count();
            let cursor = store.sync_cursor(&sync.name)?;
            Ok(Status { sync: sync.name.clone(), cursor, pairs, entries: staging.list()? })
        })
        .collect()
}

/// The synchronizations of these names; all of them where none is named.
///
/// # Errors
/// When a name is not in the configuration.
pub fn chosen<'c>(config: &'c Config, names: &[SyncName]) -> Result<Vec<&'c Sync>, SyncError> {
    if names.is_empty() {
        return Ok(config.syncs.values().collect());
    }
    names.iter().map(|n| config.syncs.get(n).ok_or_else(|| SyncError::Unknown(n.clone()))).collect()
}

/// As [`chosen`], without the ways back where none is named: of what both legs know, one tells.
pub(crate) fn forward<'c>(config: &'c Config, names: &[SyncName]) -> Result<Vec<&'c Sync>, SyncError> {
    let all = chosen(config, names)?;
    let told = |s: &&Sync| !names.is_empty() || s.twin.as_ref().is_none_or(|t| !t.back);
    Ok(all.into_iter().filter(told).collect())
}

/// With the other legs of those that go both ways.
pub(crate) fn with_twins<'c>(config: &'c Config, mut syncs: Vec<&'c Sync>) -> Vec<&'c Sync> {
    for twin in syncs.clone().into_iter().filter_map(|s| config.syncs.get(&s.twin.as_ref()?.name)) {
        if !syncs.iter().any(|s| s.name == twin.name) {
            syncs.push(twin);
        }
    }
    syncs
}

fn client_of<'d>(deps: &Deps<'d>, name: &InstanceName) -> Result<&'d Client, SyncError> {
    deps.clients.get(name).ok_or_else(|| SyncError::NoClient(name.clone()))
}

async fn one(deps: &Deps<'_>, sync: &Sync, work: Work<'_>) -> SyncReport {
    let mut report = SyncReport::default();
    let result = with_room(deps, sync, &mut report, async |room| match work {
        Work::Run => {
            import::import(room, &Again::default()).await?;
            export::export(room).await?;
            resync::export_pending(room).await?;
            import::import(room, &Again::default()).await?;
            deletion::deletions(room).await
        }
        Work::Retry(which) => {
            let again = Again::of(which, &room.staging.list()?);
            import::import(room, &again).await
        }
        Work::Resync(what) => {
            let asked = resync::ask(room, what).await?;
            resync::export_pending(room).await?;
            import::import(room, &Again::issues(asked)).await
        }
    })
    .await;
    if let Err(e) = result {
        *report.errors.entry(e.to_string()).or_default() += 1;
    }
    report
}

/// Does something in one synchronization: agreement with the journal, lock, repair, suppression and holds first.
async fn with_room<T>(
    deps: &Deps<'_>,
    sync: &Sync,
    out: &mut SyncReport,
    work: impl AsyncFnOnce(&Room<'_>) -> Result<T, SyncError>,
) -> Result<T, SyncError> {
    let (source, target) = (client_of(deps, &sync.source.instance)?, client_of(deps, &sync.target.instance)?);
    let before = source.calls() + target.calls();
    let home = deps.config.home().map_err(|_| SyncError::NoHome)?;
    deps.store.insist_on_agreement()?;
    let staging = Staging::open(&home.staging, &sync.name, deps.store)?;
    // Both legs of a two-way synchronization write the same pairs; the way there is locked first.
    let other = sync.twin.as_ref().map(|t| Staging::open(&home.staging, &t.name, deps.store)).transpose()?;
    let back = sync.twin.as_ref().is_some_and(|t| t.back);
    let order = if back { [other.as_ref(), Some(&staging)] } else { [Some(&staging), other.as_ref()] };
    let _locks = order.into_iter().flatten().map(|s| s.lock(PATIENCE)).collect::<Result<Vec<_>, _>>()?;
    if let Some(twin) = sync.twin.as_ref().filter(|t| !t.back) {
        deps.store.twin_pairs(&sync.name, &twin.name)?;
    }
    let repaired = staging.repair()?;
    let now = (deps.now)();
    let guard = Guard::load(deps.store, &sync.source.instance, now)?;
    let target_guard = Guard::load(deps.store, &sync.target.instance, now)?;
    let holds = Holds::load(deps.store)?;
    let users = Users::new(sync, source, target, deps.store.keys(), &target_guard);
    let source_bot = if sync.twin.is_some() { export::bot(source).await? } else { None };
    let report = Mutex::new(std::mem::take(out));
    let room = Room {
        deps,
        sync,
        source,
        target,
        staging,
        guard: &guard,
        holds,
        users,
        meta: target::Meta::default(),
        source_bot: source_bot.as_deref(),
        report,
    };
    for file in repaired.missing.iter().chain(&repaired.damaged) {
        room.warn(&format!("the staged file {file} is missing or damaged"));
    }
    let result = work(&room).await;
    let left = room.staging.list();
    let count = |entries: &[Entry], state| entries.iter().filter(|e| e.state == state).count() as u64;
    *out = room.report.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    // Source and target may be one instance, whose requests are then counted once.
    let after = source.calls() + target.calls();
    out.requests = (after - before) / if sync.source.instance == sync.target.instance { 2 } else { 1 };
    let left = left?;
    (out.parked, out.waiting) = (count(&left, State::Parked), count(&left, State::Missing));
    result
}

impl Room<'_> {
    fn count(&self, f: impl FnOnce(&mut SyncReport)) {
        f(&mut self.report.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    }

    /// Something was not carried over as asked; not fatal.
    fn warn(&self, what: &str) {
        self.count(|r| *r.warnings.entry(what.to_owned()).or_default() += 1);
    }

    /// Something that was asked for could not be done.
    fn fail(&self, what: &str) {
        self.count(|r| *r.errors.entry(what.to_owned()).or_default() += 1);
    }

    /// Something failed; the work is not finished.
    fn error(&self, e: &SyncError) {
        tracing::info!(sync = %self.sync.name, kind = e.kind(), "a change did not get through");
        self.count(|r| *r.errors.entry(e.to_string()).or_default() += 1);
    }

    /// Asks suppression about all that a message says, and makes the cuts.
    fn check(&self, message: &mut Message, names: NameMode) -> Result<Verdict<()>, SyncError> {
        let mut total = Verdict { value: (), cuts: 0, names: 0 };
        if self.guard.is_empty() {
            return Ok(total);
        }
        let mut pass = |value: Value| {
            let verdict = self.guard.check_json(&value, names);
            total.cuts += verdict.cuts;
            total.names += verdict.names;
            verdict.value
        };
        if let Value::Object(fields) = pass(Value::Object(std::mem::take(&mut message.fields))) {
            message.fields = fields;
        }
        for comment in &mut message.comments {
            *comment = pass(std::mem::take(comment));
        }
        for attachment in &mut message.attachments {
            attachment.meta = pass(std::mem::take(&mut attachment.meta));
        }
        for lost in &mut message.lost {
            lost.value = pass(std::mem::take(&mut lost.value));
        }
        for value in message.relations.values_mut() {
            *value = pass(std::mem::take(value));
        }
        Ok(total)
    }

    /// The time, as the store keeps it.
    fn at(&self) -> String {
        (self.deps.now)().to_rfc3339()
    }

    /// Parks a message, or notes that it failed once more; `attempts` is how often it was tried before.
    fn park(&self, id: MessageId, attempts: u32, error: &SyncError) -> Result<(), SyncError> {
        let now = (self.deps.now)();
        let next = error.is_transient().then(|| (now + wait(attempts + 1)).to_rfc3339());
        let why = Parking { kind: error.kind(), hint: &error.hint(), tried: true, next_try: next.as_deref() };
        Ok(blocking(|| self.staging.park(id, &why, &now.to_rfc3339()))?)
    }

    /// Parks a message that was not tried: it waits behind another one, or for a person's review.
    fn put_aside(&self, id: MessageId, error: &SyncError) -> Result<(), SyncError> {
        let why = Parking { kind: error.kind(), hint: &error.hint(), tried: false, next_try: None };
        Ok(blocking(|| self.staging.park(id, &why, &self.at()))?)
    }

    /// Whether both instances answer us: then an error that looks like theirs is about one message.
    async fn both_answer(&self) -> bool {
        self.target.myself().await.is_ok() && self.source.myself().await.is_ok()
    }
}

/// Runs `f`, which commits and fsyncs, without holding up the other tasks where the runtime has threads for that.
fn blocking<T>(f: impl FnOnce() -> T) -> T {
    use tokio::runtime::{Handle, RuntimeFlavor::MultiThread};
    match Handle::try_current().map(|h| h.runtime_flavor()) {
        Ok(MultiThread) => tokio::task::block_in_place(f),
        _ => f(),
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod twoway_tests;

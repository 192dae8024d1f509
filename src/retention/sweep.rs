//! A sweep: look, mark, plan, carry out. The same machinery as a case: frozen steps with hashes, a journal, holds asked before each.
//!
//! Owns the order of a run. Holds are asked again before each step; a policy that changed since a run was planned ends that run's
//! steps that were not begun. Must not find persons, nor act otherwise than by executors and the store's own verbs.

use std::{collections::BTreeMap, time::Duration};

use chrono::{DateTime, Days, Months, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use ulid::Ulid;

use super::{
    Report, SCHEMA, Stage,
    collect::{SUPPRESSION, is_all_there_is, seen},
};
use crate::{
    audit::canonical_sha256,
    config::Config,
    erasure::{
        execute::{Journal, Run},
        executor::Executors,
        othersearch::Needles,
        plan::{Operation, Step},
    },
    fs::{Lock, LockError},
    holds::Holds,
    jira::Client,
    model::{Area, InstanceName, Outcome, Period, Personal, Place, Subject},
    policy::Policy,
    report::PolicyRef,
    store::{Act, SeenFile, StepRow, StepState, Store, StoreError, SweepMark, SweepRun},
};

mod hold;
mod look;
mod tell;

use hold::kept;
use look::{Kit, Outlook, cuts, outlook};
use tell::{add, cap, note, report, waits};

/// How old a plan may be that waits for its approval, where the policy does not say.
const EXPIRES: Period = Period::Days(30);

/// Why a sweep cannot run.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// Another process sweeps.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An approval does not fit, a plan is not the one that was made, or a signal ended the run.
    #[error("{0}")]
    Refused(String),
}

/// Everything that a sweep needs.
pub struct Room<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The store.
    pub store: &'a Store,
    /// The policy.
    pub policy: &'a Policy,
    /// Clients with the right to erase, or why there is none.
    pub clients: &'a BTreeMap<InstanceName, Result<Client, String>>,
    /// Which areas; all where none are named.
    pub areas: Option<&'a [Area]>,
    /// Who acts.
    pub actor: &'a str,
    /// The clock.
    pub now: &'a dyn Fn() -> DateTime<Utc>,
}

/// A step with what the report says of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Planned {
    class: String,
    due: String,
    step: Step,
}

/// What a sweep would do right now. Changes nothing.
///
/// # Errors
/// What the store says.
pub async fn look(room: &Room<'_>, progress: impl FnMut(&Place)) -> Result<Report, SweepError> {
    let now = (room.now)();
    let outlook = outlook(room, now, progress).await?;
    let mut report = report(room, now, &outlook, true);
    if let Some(open) = room.store.open_sweep_run()? {
        (report.run, report.plan) = (Some(open.id), Some(open.hash));
    }
    Ok(report)
}

/// Approves the plan of the open run.
///
/// # Errors
/// When there is none of that hash, or the same person made it.
pub fn approve(store: &Store, act: &Act<'_>, hash: &str) -> Result<(), SweepError> {
    let open = store.open_sweep_run()?.filter(|run| run.hash == hash);
    let Some(run) = open else {
        return Err(SweepError::Refused(format!(
            "no sweep with plan {hash} waits for an approval; see: efface sweep --dry-run"
        )));
    };
    if run.actor == act.actor {
        return Err(SweepError::Refused(format!("{} made this plan: another person has to approve it", run.actor)));
    }
    Ok(store.approve_sweep(act, &run.id)?)
}

struct SweepJournal<'a> {
    store: &'a Store,
    run: &'a str,
}

impl Journal for SweepJournal<'_> {
    fn write(&self, row: &StepRow) -> Result<(), StoreError> {
        self.store.put_sweep_step(self.run, row)
    }
}

/// One run: what an earlier one left is finished, what is due is marked, what was marked long enough goes, oldest first and no more than
/// the policy's cap.
///
/// # Errors
/// When another process sweeps, when an approval is missing, and what the store says. What one record says is in the report.
pub async fn run(
    room: &Room<'_>,
    mut progress: impl FnMut(&Place),
    mut stopped: impl FnMut() -> bool,
) -> Result<Report, SweepError> {
    let _lock = Lock::acquire(&room.config.state.join("sweep.lock"), Duration::from_secs(1))?;
    room.store.insist_on_agreement()?;
    let now = (room.now)();
    room.store.staged_notice(now)?;
    let earlier = match room.store.open_sweep_run()? {
        Some(open) => Some(resume(room, &open, now, &mut stopped).await?),
        None => None,
    };
    let outlook = outlook(room, now, &mut progress).await?;
    let mut report = report(room, now, &outlook, false);
    remember(room, &outlook, now)?;
    match earlier {
        Some(Earlier::Waits(open, steps)) => {
            waits(&mut report, &steps);
            (report.run, report.plan) = (Some(open.id), Some(open.hash));
            return Ok(report);
        }
        Some(Earlier::Ended(done)) => add(&mut report, done),
        None => {}
    }
    let planned = plan(room, &outlook).await;
    let id = format!("S-{}", Ulid::generate());
    // With the run's id: an approval is of one run, not of every run that would delete the same.
    let hash = plan_hash(&id, room.policy.sha256(), &planned);
    let act = Act { actor: room.actor, at: now };
    let open = SweepRun {
        id,
        begun: now,
        ended: None,
        actor: room.actor.to_owned(),
        policy: room.policy.sha256().to_owned(),
        hash: hash.clone(),
        approved_by: None,
        summary: None,
    };
    room.store.open_sweep(&act, &open, &planned)?;
    (report.run, report.plan) = (Some(open.id.clone()), Some(hash.clone()));
    if room.policy.sweep().four_eyes && !planned.is_empty() {
        waits(&mut report, &planned);
        return Ok(report);
    }
    finish(room, &open, &planned, &mut report, &mut stopped).await?;
    Ok(report)
}

fn plan_hash(run: &str, policy: &str, steps: &[Planned]) -> String {
    canonical_sha256(&json!({ "run": run, "policy": policy, "steps": steps }))
}

/// Keeps what was seen and what is marked. What was not read, this time or by this run, is not forgotten: its time would begin anew.
fn remember(room: &Room<'_>, outlook: &Outlook<'_>, now: DateTime<Utc>) -> Result<(), StoreError> {
    let all = room.areas.is_none() && outlook.coverage.iter().all(is_all_there_is);
    room.store.set_seen_files(&outlook.seen, all)?;
    // A mark is of one time: what is due no more is marked anew when it is due again, with a grace of its own.
    let (mut marks, mut over) = (Vec::new(), outlook.unclassed_keys.clone());
    for found in &outlook.found {
        let key = found.key(room);
        let new = || SweepMark { class: found.class.id.clone(), digest: found.class.digest.clone(), at: now };
        match found.stage.filter(|_| found.due().is_some()) {
            Some(Stage::Mark) => marks.push((key, new())),
            Some(Stage::Wait(_) | Stage::Go) => marks.push((key, found.mark.clone().unwrap_or_else(new))),
            None => over.push(key),
        }
    }
    room.store.sweep_set_marks(&marks, &over, all)
}

/// What became of a run that had not ended.
enum Earlier {
    /// It waits for another person's approval.
    Waits(SweepRun, Vec<Planned>),
    /// It was finished, with this to tell.
    Ended(Report),
}

/// Goes on with a run that was cut off, or that waited for its approval. What was not begun is only done where the policy is still
/// the one that it was planned by.
async fn resume(
    room: &Room<'_>,
    open: &SweepRun,
    now: DateTime<Utc>,
    stopped: &mut impl FnMut() -> bool,
) -> Result<Earlier, SweepError> {
    let (mut planned, rows): (Vec<Planned>, Vec<Option<StepRow>>) =
        room.store.sweep_steps(&open.id)?.into_iter().unzip();
    if plan_hash(&open.id, &open.policy, &planned) != open.hash {
        let act = Act { actor: room.actor, at: now };
        room.store.end_sweep(&act, &open.id, &json!([{ "refused": planned.len() }]))?;
        return Err(SweepError::Refused(format!(
            "the plan of sweep {} in the store is not the one that was made: that sweep is ended and nothing more of it is done; find out \
             who changed it, then sweep again",
            open.id
        )));
    }
    let begun = rows.iter().any(Option::is_some);
    let waits = room.policy.sweep().four_eyes && !begun && open.approved_by.is_none();
    let expires = room.policy.approval().expires.unwrap_or(EXPIRES);
    let is_old = expires.after(open.begun).is_some_and(|end| end <= now);
    let same = open.policy == room.policy.sha256();
    if waits && same && !is_old && !planned.is_empty() {
        return Ok(Earlier::Waits(open.clone(), planned));
    }
    if waits || !same || is_old {
        // Only what was begun is finished.
        planned.retain(|p| rows.iter().flatten().any(|row| row.number == p.step.number));
    }
    let mut report = Report {
        schema: SCHEMA.to_owned(),
        generated_at: now.to_rfc3339(),
        dry_run: false,
        run: Some(open.id.clone()),
        plan: Some(open.hash.clone()),
        policy: PolicyRef { name: room.policy.name().to_owned(), sha256: open.policy.clone() },
        classes: Vec::new(),
        runs_left: 0,
        unclassed: 0,
        coverage: Vec::new(),
        items: Vec::new(),
    };
    finish(room, open, &planned, &mut report, stopped).await?;
    Ok(Earlier::Ended(report))
}

/// Carries out steps and ends the run.
async fn finish(
    room: &Room<'_>,
    open: &SweepRun,
    planned: &[Planned],
    report: &mut Report,
    stopped: &mut impl FnMut() -> bool,
) -> Result<(), SweepError> {
    let rows: Vec<(Planned, Option<StepRow>)> = room.store.sweep_steps(&open.id)?;
    let kit = Kit::of(room);
    let sources = kit.source();
    let executors = kit.executors(room, &sources);
    let nobody = nobody();
    let journal = SweepJournal { store: room.store, run: &open.id };
    let needles = Needles::new::<String>(&[]);
    let run =
        Run { journal: &journal, executors: &executors, subject: &nobody, needles: &needles, postponed: &|_, _| false };
    let mut holds = Holds::load(room.store)?;
    for p in planned {
        let earlier = rows.iter().find(|(q, _)| q.step.number == p.step.number).and_then(|(_, row)| row.as_ref());
        if earlier.is_some_and(|r| r.state == StepState::Done) {
            note(report, p, done(&p.step), None);
            continue;
        }
        if stopped() {
            // The run stays open: the next one goes on with it.
            return Err(SweepError::Refused(
                "the sweep was stopped between two records; the next run goes on with it".into(),
            ));
        }
        // Asked before every step: a hold that is ordered while this runs keeps what is not begun.
        holds.refresh()?;
        if let Some(why) = kept(room, &holds, &executors, kit.clients(), &p.step).await {
            note(report, p, "held", Some(why));
            continue;
        }
        if p.step.place.area() == Area::State {
            let (state, why) = own_row(room, p)?;
            let outcome = (state == "deleted").then_some(Outcome::Erased);
            let number = p.step.number;
            journal.write(&StepRow { number, state: StepState::Done, outcome, note: json!({ "note": why }) })?;
            note(report, p, state, why);
            continue;
        }
        let ended = match executors.of(&p.step) {
            Ok(executor) => run.carry_out(&p.step, earlier, Ok(&*executor)).await?,
            Err(error) => run.carry_out(&p.step, earlier, Err(error)).await?,
        };
        match ended {
            None => match behind(room, &executors, p).await? {
                None => note(
                    report,
                    p,
                    done(&p.step),
                    p.step.notes.first().cloned().filter(|_| p.step.operation != Operation::Delete),
                ),
                Some(why) => note(report, p, "failed", Some(why)),
            },
            Some(problem) => note(report, p, if problem.refused { "refused" } else { "failed" }, Some(problem.what)),
        }
    }
    let act = Act { actor: room.actor, at: (room.now)() };
    room.store.end_sweep(&act, &open.id, &json!(report.classes))?;
    Ok(())
}

/// What is said of a step that is done.
pub(super) const fn done(step: &Step) -> &'static str {
    match step.operation {
        Operation::Edit => "changed",
        Operation::Renew => "renewed",
        Operation::Delete | Operation::Anonymise => "deleted",
    }
}

/// What is behind an edit: whether the place really took it, and that our own write is no update of a file.
async fn behind(room: &Room<'_>, executors: &Executors<'_>, p: &Planned) -> Result<Option<String>, StoreError> {
    if p.step.operation != Operation::Edit {
        return Ok(None);
    }
    if matches!(p.step.place.area(), Area::Foreign | Area::Log)
        && let (Some(root), Some(path)) = (crate::scan::folder_of(room.config, &p.step.place), &p.step.record.path)
    {
        let key = room.store.sweep_key(&p.step.place, &p.step.record);
        if let (Some(before), Ok((now, _))) =
            (room.store.seen_file(&key)?, seen(room.store, (room.now)(), &key, &root.join(path))?)
        {
            room.store.set_seen_files(&[(key, SeenFile { updated: before.updated, ..now })], false)?;
        }
    }
    let Some(class) = room.policy.classes().iter().find(|c| c.id == p.class) else { return Ok(None) };
    let me = match p.step.instance.as_ref().and_then(|name| executors.clients.get(name)) {
        Some(client) => client.myself().await.ok(),
        None => None,
    };
    let read = match executors.of(&p.step) {
        Ok(executor) => executor.load(&p.step).await,
        Err(e) => Err(e),
    };
    Ok(match read {
        Ok(None) => None,
        Ok(Some(current)) => match cuts(room, class, &p.step, &current, me.as_ref()) {
            Ok(left) if left.is_empty() => None,
            Ok(left) => Some(format!("it reads back with {} of its fields as before", left.len())),
            Err(why) => Some(why.to_owned()),
        },
        Err(e) => Some(format!("it cannot be read back: {e}")),
    })
}

/// A subject without identifiers: a sweep is about nobody.
#[expect(clippy::expect_used, reason = "a constant that every sweep reads")]
fn nobody() -> Subject {
    Subject::new(Personal::new("sweep".parse().expect("`sweep` is a key")), "sweep".to_owned(), Vec::new())
}

/// Steps for what goes, as far as the cap allows. What cannot be read is left for the next run, which reads it again.
async fn plan(room: &Room<'_>, outlook: &Outlook<'_>) -> Vec<Planned> {
    let kit = Kit::of(room);
    let sources = kit.source();
    let executors = kit.executors(room, &sources);
    let mut out = Vec::new();
    for found in outlook.found.iter().filter(|f| f.goes()).take(cap(room.policy)) {
        let Some(mut step) = found.step.clone() else { continue };
        step.number = u32::try_from(out.len()).unwrap_or(u32::MAX) + 1;
        // What is in our own store has no executor: see `own_row`. What is edited was read by the look.
        if step.operation == Operation::Delete
            && let Ok(executor) = executors.of(&step)
            && let Ok(Some(current)) = executor.load(&step).await
        {
            step.base = current.hash(&step);
        }
        let due = found.due().map(|d| d.to_rfc3339()).unwrap_or_default();
        out.push(Planned { class: found.class.id.clone(), due, step });
    }
    out
}

/// Deletes what is due in our own store: each verb is one transaction, and may be repeated. Says what became of it.
fn own_row(room: &Room<'_>, p: &Planned) -> Result<(&'static str, Option<String>), StoreError> {
    let now = (room.now)();
    let act = Act { actor: room.actor, at: now };
    if let Ok(case) = p.step.record.id.as_deref().unwrap_or_default().parse() {
        if p.step.place.spot() == SUPPRESSION {
            // What an open case needs, and what has not ended after all, stays.
            let gone = room.store.suppression_expire_of(&act, Some(&case))?;
            return Ok(("deleted", Some(format!("{gone} entries"))));
        }
        let gone = room.store.case(&case)?.is_none() || room.store.forget_case(&act, &case)?;
        let why = "entries of the suppression list stand on it".to_owned();
        return Ok(if gone { ("deleted", None) } else { ("held", Some(why)) });
    }
    let Some(class) = room.policy.classes().iter().find(|c| c.id == p.class) else {
        return Ok(("refused", Some("the policy has this class no more".to_owned())));
    };
    let before = earlier(now, class.period);
    let n = room.store.expire_audit_details(&act, before, &format!("class {}", class.id))?;
    Ok(("deleted", Some(format!("{n} details"))))
}

/// The last moment from which a period is over: never later than it is.
fn earlier(now: DateTime<Utc>, period: Period) -> DateTime<Utc> {
    let before = match period {
        Period::Days(d) => now.checked_sub_days(Days::new(d.into())),
        Period::Months(m) => now.checked_sub_months(Months::new(m)),
    };
    before.unwrap_or(DateTime::<Utc>::MIN_UTC)
}

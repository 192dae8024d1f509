//! `case execute` and `case verify`: what touches the world.

use std::{collections::BTreeMap, process::ExitCode, time::Duration};

use chrono::Utc;
use serde_json::json;

use super::{PEOPLE, Room, approve, long_needles, needles, show::print_plan, stamp, word};
use crate::{
    cli::{Context, Failure, table, work},
    erasure::{
        execute::{self, CaseJournal, Run},
        executor::{Executors, Ways},
        verify::Verify,
    },
    fs::Lock,
    model::{CaseId, Looked},
    store::{CaseState, StepRow, StepState},
    suppression::Suppression,
};

pub(super) async fn execute(
    room: &Room,
    ctx: &Context,
    id: &CaseId,
    yes: bool,
    dry_run: bool,
) -> anyhow::Result<ExitCode> {
    let case = room.erasure(id)?;
    let (plan, hash) = room.plan(&case)?;
    let subject = room.subject(id)?;
    if dry_run {
        print_plan(room, ctx, &plan, &hash, &work::masker(&[subject]))?;
        return Ok(ExitCode::SUCCESS);
    }
    if matches!(case.state, CaseState::Received | CaseState::Identified | CaseState::Scanned) {
        return Err(
            Failure::Refused(format!("case {id} is {}; plan it first: efface case plan {id}", case.state)).into()
        );
    }
    let is_past = matches!(case.state, CaseState::Verified | CaseState::Answered | CaseState::Aftercare);
    if is_past && execute::is_done(&room.store, id, &plan, &hash)? {
        ctx.say(format!("Every step is done and case {id} is {}: there is nothing to carry out.", case.state));
        return Ok(ExitCode::SUCCESS);
    }
    let leave = approve::leave(room, ctx, &case, &plan, &hash)?;
    if !yes {
        return Err(Failure::Refused(format!(
            "this changes {} records, some of them for good; say --yes to do it, --dry-run to look",
            plan.steps.len()
        ))
        .into());
    }
    let _lock = Lock::acquire(&room.config.state.join("execute.lock"), Duration::from_secs(1))
        .map_err(|e| Failure::Refused(e.to_string()))?;
    room.store.insist_on_agreement()?;
    // From here on no door lets the person in again, whatever happens in between (law 5).
    let keep = plan.policy.suppression_keep.as_deref().and_then(|keep| keep.parse().ok());
    ctx.act(|act| Suppression::add(&room.store, act, id, &subject, keep))?;
    let mut usable = BTreeMap::new();
    for (name, client) in work::clients(room.config.instances.values(), true) {
        match client {
            Ok(client) => drop(usable.insert(name, client)),
            Err(why) => ctx.say(format!("{name}: {why}")),
        }
    }
    let people = room.store.case_note(id, PEOPLE)?.unwrap_or_default();
    let executors = Executors {
        config: &room.config,
        store: &room.store,
        clients: &usable,
        people: &people,
        sources: &|sync| usable.get(&sync.source.instance).cloned(),
        placeholder: &plan.policy.placeholder,
        ways: &Ways::of(&plan),
    };
    let actor = ctx.actor();
    let journal = CaseJournal { store: &room.store, case: id, hash: &hash, actor: &actor, now: &Utc::now };
    let run = Run {
        journal: &journal,
        executors: &executors,
        subject: &subject,
        needles: &needles(&subject),
        postponed: &|step, row| leave.postpones(step, row),
    };
    let progress = work::Progress::new(ctx);
    let total = plan.steps.len();
    let done = run.execute(&journal, &plan, |n| progress.text(format!("step {n} of {total}"))).await?;
    drop(progress);
    room.store.checkpoint()?;
    let rows: Vec<Vec<String>> = execute::outcomes(&room.store, id, &plan, &hash)?
        .into_iter()
        .map(|(place, outcome, n)| vec![place, word(outcome).to_owned(), n.to_string()])
        .collect();
    ctx.out(&table::rows(ctx.global.format, &["place", "outcome", "findings"], &rows)?)?;
    let mask = work::masker(&[subject]);
    for p in &done.problems {
        ctx.say(format!("step {} at {}: {}", p.step, p.place, mask(&p.what)));
    }
    for (remark, steps) in remarks(&room.store.steps(id, &hash)?) {
        ctx.say(format!("{}: {}", steps, mask(&remark)));
    }
    for part in done.holds.iter().filter(|_| done.held > 0) {
        ctx.say(format!(
            "hold {}: {} steps were done before, {} under way, {} not begun; what is held goes back to planning when the hold is \
             released",
            part.hold, part.done, part.in_flight, part.not_begun
        ));
    }
    let held = if done.held > 0 { format!(", {} held", done.held) } else { String::new() };
    ctx.say(format!("{} of {total} steps done, {} failed, {} refused{held}.", done.done, done.failed, done.refused));
    if done.held > 0 && done.refused == 0 {
        ctx.say(format!("Plan again, so that the rest can be verified: efface case plan {id}"));
    }
    if done.postponed > 0 {
        ctx.say(leave.why(id, done.postponed));
    }
    Ok(ExitCode::from(if done.refused > 0 || done.held > 0 || leave.is_void() {
        4
    } else if done.failed > 0 || done.postponed > 0 || !plan.is_complete() {
        3
    } else {
        ctx.say(format!("Next: efface case verify {id}"));
        0
    }))
}

/// What steps that are done have to tell, each said once with how many say it.
fn remarks(rows: &[StepRow]) -> Vec<(String, String)> {
    let mut by: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for row in rows.iter().filter(|r| r.state == StepState::Done) {
        if let Some(remark) = execute::remark(row) {
            by.entry(remark).or_default().push(row.number);
        }
    }
    let told = |steps: &[u32]| match steps {
        [one] => format!("step {one}"),
        [first, .., _] => format!("{} steps, the first of them {first}", steps.len()),
        [] => String::new(),
    };
    by.into_iter().map(|(remark, steps)| (remark, told(&steps))).collect()
}

pub(super) async fn verify(room: &Room, ctx: &Context, id: &CaseId) -> anyhow::Result<ExitCode> {
    let case = room.erasure(id)?;
    let (plan, hash) = room.plan(&case)?;
    if !case.state.has_acted() {
        return Err(Failure::Refused(format!("case {id} is {}; execute its plan first", case.state)).into());
    }
    let subject = room.subject(id)?;
    let clients = work::clients(room.config.instances.values(), false);
    let verification = {
        let mut progress = work::Progress::new(ctx);
        let verify = Verify {
            config: &room.config,
            store: &room.store,
            clients: &clients,
            subject: &subject,
            needles: &needles(&subject),
            long_needles: &long_needles(&subject),
            namesakes: &subject.namesakes,
            plan: &plan,
        };
        verify.run(&hash, stamp(ctx.now), |place, n| progress.place("verifying", place, n)).await
    };
    let unexpected: u64 = verification.unexpected().map(|r| r.count).sum();
    room.store.put_case_note(id, "verification", ctx.now, &verification)?;
    let mask = work::masker(std::slice::from_ref(&subject));
    let read = (verification.coverage.as_slice(), verification.matrix.as_slice());
    work::remember(ctx, &room.config, &room.store, Looked::Verification, read, &mask)?;
    let detail = json!({
        "plan": hash, "unexpected": unexpected, "listed": verification.remaining.len() as u64 - verification.unexpected().count() as u64,
        "complete": verification.is_complete(), "near_misses": verification.near_misses,
    });
    let executed = execute::is_done(&room.store, id, &plan, &hash)?;
    if unexpected == 0 && executed {
        match case.state {
            // What comes after the verification goes on where it is.
            CaseState::Answered | CaseState::Aftercare => {
                ctx.act(|act| room.store.audit(act, "case.verified", Some(id.as_str()), detail))?;
            }
            _ => ctx.act(|act| room.store.set_case_state(act, id, CaseState::Verified, detail))?,
        }
    } else {
        ctx.act(|act| room.store.audit(act, "case.verification-failed", Some(id.as_str()), detail))?;
        if case.state != CaseState::Executing {
            let reopened = json!({ "reopened": true, "was": case.state });
            ctx.act(|act| room.store.set_case_state(act, id, CaseState::Executing, reopened))?;
            ctx.say(format!("The case is open again: plan what was met, efface case plan {id}"));
        }
    }
    let rows: Vec<Vec<String>> = verification
        .remaining
        .iter()
        .map(|r| {
            let record = [
                Some(r.record.record_type.as_str()),
                r.record.key.as_deref(),
                r.record.id.as_deref(),
                r.record.path.as_deref(),
            ];
            vec![
                r.place.to_string(),
                mask(&record.into_iter().flatten().collect::<Vec<_>>().join(" ")),
                mask(&r.field),
                r.outcome.map_or("UNEXPECTED", word).to_owned(),
                r.who.as_ref().map_or_else(|| r.why.clone(), |w| format!("{} (ask {w})", r.why)),
            ]
        })
        .collect();
    ctx.out(&table::rows(ctx.global.format, &["place", "record", "field", "outcome", "why"], &rows)?)?;
    for gap in verification.coverage.iter().filter(|c| !c.status.is_complete()) {
        ctx.say(format!("{}: {} ({})", gap.status.as_str(), gap.place, gap.reason.as_deref().unwrap_or("no reason")));
    }
    ctx.say(format!(
        "{unexpected} unexpected references, {} listed, {} near misses.",
        verification.remaining.len() - verification.unexpected().count(),
        verification.near_misses
    ));
    if !executed {
        ctx.say("Some steps are not done: execute again, or plan again where a record had changed.");
    }
    Ok(ExitCode::from(match (unexpected, verification.is_complete() && executed) {
        (1.., _) => 1,
        (0, false) => 3,
        (0, true) => {
            ctx.say(format!(
                "Verified. Next: efface case certificate {id} -o certificate.json, then efface case close {id}"
            ));
            0
        }
    }))
}

//! `case replay`: once erased, stays erased, after a restore too.

use std::{process::ExitCode, time::Duration};

use serde_json::json;

use super::Room;
use crate::{
    cli::{Context, Failure, table, work},
    erasure::{
        drift::is_replayed,
        replay::{Fate, Replay, Replayed},
    },
    fs::Lock,
    holds::Holds,
    model::CaseId,
};

pub(super) async fn replay(room: &Room, ctx: &Context, id: Option<&CaseId>, yes: bool) -> anyhow::Result<ExitCode> {
    let before = room.store.generations()?;
    if let Some(id) = id {
        let case = room.case(id)?;
        if !case.state.has_ended() {
            return Err(Failure::Usage(format!(
                "case {id} is {}: its identifiers are still there and find more than the list's hashes; run: efface case plan {id}",
                case.state.as_str()
            ))
            .into());
        }
        if !before.agree() {
            return Err(Failure::Usage(format!(
                "something was put back from a backup ({before}): that concerns every case; run: efface case replay"
            ))
            .into());
        }
    }
    let _lock = Lock::acquire(&room.config.state.join("execute.lock"), Duration::from_secs(1))
        .map_err(|e| Failure::Refused(e.to_string()))?;
    let outlook = match yes {
        true => ctx.act(|act| room.store.replay_apply(act))?,
        false => room.store.replay_outlook()?,
    };
    if !outlook.is_whole() {
        let does = if yes { "The list got back" } else { "The list would get back" };
        ctx.say(format!(
            "{does} {} entries, {} that were taken off since go, {} cases end again.",
            outlook.add.len(),
            outlook.remove.len(),
            outlook.end.len()
        ));
    }
    let mut rows = if yes {
        room.store.suppression_holding(ctx.now)?
    } else {
        outlook.list.iter().filter(|r| !r.has_ended(ctx.now)).cloned().collect()
    };
    rows.retain(|r| id.is_none_or(|id| r.case == *id));
    let clients = work::clients(room.config.instances.values(), yes);
    let entries = rows.len();
    let holds = Holds::load(&room.store)?;
    let replay = Replay { config: &room.config, store: &room.store, clients: &clients, rows, holds: &holds, acts: yes };
    let found = if entries == 0 {
        ctx.say("Nobody is on the list: there is nothing to look for.");
        Replayed::default()
    } else {
        let mut progress = work::Progress::new(ctx);
        replay.run(|place, n| progress.place("looking through", place, n)).await
    };
    let lines: Vec<Vec<String>> = found
        .back
        .iter()
        .map(|b| {
            let what = match &b.fate {
                Fate::Seen => "seen",
                Fate::Cut => "cut",
                Fate::Erased => "erased",
                Fate::Left(why) => why.as_str(),
            };
            vec![
                b.place.to_string(),
                b.record.as_str().to_owned(),
                b.which.clone(),
                b.certain.to_string(),
                b.names.to_string(),
                what.to_owned(),
            ]
        })
        .collect();
    let head = ["place", "record", "which", "identifiers", "bare names", "what"];
    ctx.out(&table::rows(ctx.global.format, &head, &lines)?)?;
    for gap in found.coverage.iter().filter(|c| !c.status.is_complete()) {
        ctx.say(format!("{}: {} ({})", gap.status.as_str(), gap.place, gap.reason.as_deref().unwrap_or("no reason")));
    }
    let done = found.count(|f| matches!(f, Fate::Cut | Fate::Erased));
    let left = found.count(|f| !matches!(f, Fate::Cut | Fate::Erased));
    let names = found.back.iter().filter(|b| b.names > 0).count();
    let everywhere = found.looked_everywhere();
    let detail = json!({
        "acted": yes, "entries": entries, "generations": before, "erased_again": done, "left": left, "bare_names": names,
        "looked_everywhere": everywhere, "complete": found.is_clean(),
    });
    // Not all was looked through: the numbers stay apart, so that no sync runs before another try.
    let settled = yes && everywhere && id.is_none();
    let after = if settled {
        // What was looked through for everybody on the list lies no longer outside of what their cases covered.
        let cases: Vec<CaseId> = room.store.case_scopes(ctx.now)?.into_iter().map(|s| s.case).collect();
        if !cases.is_empty() && entries > 0 {
            let mut things = super::drift::covered(&room.config, &clients, &found.coverage).await;
            things.retain(|t| is_replayed(t.kind));
            ctx.act(|act| room.store.widen_case_scopes(act, &cases, &things))?;
        }
        ctx.act(|act| room.store.replay_settle(act, detail))?
    } else {
        ctx.act(|act| room.store.audit(act, "case.replayed", id.map(CaseId::as_str), detail))?;
        room.store.generations()?
    };
    ctx.say(format!("{done} records erased again, {left} left, {names} with bare names that may be a namesake's."));
    if !after.agree() {
        ctx.say(if yes {
            "Not every place could be read, so nothing is synchronised yet: run it again when they can."
        } else {
            "Nothing was changed. Do it: efface case replay --yes"
        });
    } else if !yes && left > 0 {
        ctx.say("Nothing was changed. Do it: efface case replay --yes");
    }
    Ok(ExitCode::from(if found.is_clean() && after.agree() { 0 } else { 3 }))
}

//! `case identify|assess|extend|suspend|resume|withdraw|reject`: what is put on record, and the clock.

use std::process::ExitCode;

use chrono::NaiveDate;
use serde_json::{Value, json};

use super::Room;
use crate::{
    cli::{Context, Failure, work},
    model::{CaseId, CaseKind, CaseRecord, CaseState, EXCEPTIONS, Exception, Pause},
    store::{Case, Change},
};

/// Letters as an article's grounds, in order and each once.
pub(super) fn grounds(kind: CaseKind, given: &[char]) -> anyhow::Result<Vec<char>> {
    let known = kind.grounds();
    let mut grounds: Vec<char> = given.iter().map(char::to_ascii_lowercase).collect();
    grounds.sort_unstable();
    grounds.dedup();
    match grounds.iter().find(|g| !known.iter().any(|(letter, _)| letter == *g)) {
        None => Ok(grounds),
        Some(_) if known.is_empty() => Err(Failure::Usage(format!("{} asks for no ground", kind.article())).into()),
        Some(wrong) => {
            let list: Vec<String> = known.iter().map(|(letter, what)| format!("{letter}: {what}")).collect();
            Err(Failure::Usage(format!("{}(1) has no ground {wrong}; it has {}", kind.article(), list.join("; ")))
                .into())
        }
    }
}

/// The rows of what is on record, for `case show`.
pub(super) fn rows(case: &Case, row: &mut dyn FnMut(&str, String)) {
    let record = &case.record;
    for letter in &record.grounds {
        let what = case.kind.grounds().iter().find(|(l, _)| l == letter).map_or("", |(_, what)| *what);
        row("ground", format!("{}(1)({letter}): {what}", case.kind.article()));
    }
    if let Some(how) = &record.identity {
        row("identity", how.clone());
    }
    for e in &record.exceptions {
        let what = EXCEPTIONS.iter().find(|(l, _)| *l == e.letter).map_or("", |(_, what)| *what);
        let applies = if e.applies { "applies" } else { "does not apply" };
        row("exception", format!("Art. 17(3)({}) {what}: {applies}, {}", e.letter, e.why));
    }
    if let Some(on) = record.extended {
        row("extended", format!("told on {on}: {}", record.extension_reason.as_deref().unwrap_or_default()));
    }
    for pause in &record.pauses {
        let until = pause.answered.map_or_else(|| "not answered yet".to_owned(), |d| format!("answered on {d}"));
        row("identity proof", format!("asked for on {}, {until}", pause.asked));
    }
    if let Some(on) = record.answered {
        row("answered", on.to_string());
    }
    if let Some(why) = &record.end_reason {
        row("reason", why.clone());
    }
}

fn masked(room: &Room, id: &CaseId, text: &str) -> anyhow::Result<String> {
    // Free text of a person goes on record for good: it is told without what names the subject (law 6).
    Ok(work::masker(&[room.subject(id)?])(text))
}

/// A day that lies behind us and not before the request.
fn day(given: Option<NaiveDate>, name: &str, case: &Case, today: NaiveDate) -> anyhow::Result<NaiveDate> {
    let on = given.unwrap_or(today);
    if on > today {
        return Err(Failure::Usage(format!("{name} lies in the future")).into());
    }
    if on < case.received {
        return Err(Failure::Usage(format!("{name} lies before the request, which came on {}", case.received)).into());
    }
    Ok(on)
}

fn change(
    room: &Room,
    ctx: &Context,
    case: &Case,
    event: &str,
    record: &CaseRecord,
    state: Option<CaseState>,
    mut detail: Value,
) -> anyhow::Result<NaiveDate> {
    let due = record.due(case.received, ctx.now.date_naive()).unwrap_or(case.due);
    detail["due"] = json!(due);
    ctx.act(|act| room.store.change_case(act, &case.id, Change { event, record, due, state, detail }))?;
    Ok(due)
}

pub(super) fn identify(room: &Room, ctx: &Context, id: &CaseId, how: &str) -> anyhow::Result<ExitCode> {
    let case = room.unended(id)?;
    let how = masked(room, id, how)?;
    let record = CaseRecord { identity: Some(how.clone()), ..case.record.clone() };
    // Later than that it is put on record, and the case stays where it is.
    let state = matches!(case.state, CaseState::Received).then_some(CaseState::Identified);
    change(room, ctx, &case, "identified", &record, state, json!({ "how": how }))?;
    ctx.say(format!("On record: how it was checked who asks. Next: efface case plan {id}"));
    Ok(ExitCode::SUCCESS)
}

/// `a=no:reason` or `a=yes:reason`.
fn exception(given: &str) -> Result<Exception, Failure> {
    let wrong = || {
        let list: Vec<String> = EXCEPTIONS.iter().map(|(letter, what)| format!("{letter}: {what}")).collect();
        Failure::Usage(format!(
            "--exception needs the form LETTER=yes:WHY or LETTER=no:WHY, with a letter of Art. 17(3): {}",
            list.join("; ")
        ))
    };
    let (letter, rest) = given.split_once('=').ok_or_else(wrong)?;
    let (applies, why) = rest.split_once(':').ok_or_else(wrong)?;
    let mut letters = letter.trim().chars();
    let letter = letters.next().map(|c| c.to_ascii_lowercase()).ok_or_else(wrong)?;
    let known = letters.next().is_none() && EXCEPTIONS.iter().any(|(l, _)| *l == letter);
    let applies = match applies.trim() {
        "yes" => true,
        "no" => false,
        _ => return Err(wrong()),
    };
    if !known || why.trim().is_empty() {
        return Err(wrong());
    }
    Ok(Exception { letter, applies, why: why.trim().to_owned() })
}

pub(super) fn assess(
    room: &Room,
    ctx: &Context,
    id: &CaseId,
    ground: &[char],
    exceptions: &[String],
) -> anyhow::Result<ExitCode> {
    let case = room.unended(id)?;
    if ground.is_empty() && exceptions.is_empty() {
        return Err(Failure::Usage("say what was found: --ground LETTER, --exception LETTER=no:WHY".into()).into());
    }
    if !exceptions.is_empty() && case.kind != CaseKind::Erasure {
        return Err(Failure::Usage("the exceptions of Art. 17(3) are for requests for erasure".into()).into());
    }
    let mut record = case.record.clone();
    record.grounds.extend(grounds(case.kind, ground)?);
    record.grounds = grounds(case.kind, &record.grounds)?;
    for given in exceptions {
        let mut new = exception(given)?;
        new.why = masked(room, id, &new.why)?;
        record.exceptions.retain(|e| e.letter != new.letter);
        record.exceptions.push(new);
    }
    record.exceptions.sort_by_key(|e| e.letter);
    let detail = json!({ "grounds": record.grounds, "exceptions": record.exceptions });
    change(room, ctx, &case, "assessed", &record, None, detail)?;
    let applying: Vec<String> =
        record.exceptions.iter().filter(|e| e.applies).map(|e| format!("({})", e.letter)).collect();
    ctx.say("On record.");
    if !applying.is_empty() {
        ctx.say(format!(
            "Art. 17(3){} applies: keep what it covers by a hold (efface hold add --type preservation) or by a rule of the policy.",
            applying.join(", ")
        ));
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn extend(
    room: &Room,
    ctx: &Context,
    id: &CaseId,
    reason: &str,
    told: Option<NaiveDate>,
) -> anyhow::Result<ExitCode> {
    let today = ctx.now.date_naive();
    let case = room.unended(id)?.on(today);
    if let Some(on) = case.record.extended {
        return Err(Failure::Refused(format!(
            "case {id} was extended already (the person was told on {on}); the law knows one extension (Art. 12(3))"
        ))
        .into());
    }
    if case.record.answered.is_some() {
        return Err(Failure::Refused(format!("case {id} is answered; there is nothing left to extend")).into());
    }
    let clock = case.record.clock.clone().unwrap_or_default();
    if clock.extension.is_none() {
        return Err(Failure::Refused("the policy's clock knows no extension".into()).into());
    }
    let told = day(told, "--told", &case, today)?;
    if told > case.due {
        return Err(Failure::Refused(format!(
            "the person has to be told of an extension by {}, inside the first period (Art. 12(3)); {told} is too late",
            case.due
        ))
        .into());
    }
    let reason = masked(room, id, reason)?;
    let record = CaseRecord {
        clock: Some(clock),
        extended: Some(told),
        extension_reason: Some(reason.clone()),
        ..case.record.clone()
    };
    let detail = json!({ "told": told, "reason": reason });
    let due = change(room, ctx, &case, "extended", &record, None, detail)?;
    ctx.say(format!(
        "Extended: the answer is due on {due}. The person has to be told, with the reasons, by {}: efface case reply {id} \
         --extension",
        case.due
    ));
    Ok(ExitCode::SUCCESS)
}

pub(super) fn suspend(
    room: &Room,
    ctx: &Context,
    id: &CaseId,
    reason: &str,
    asked: Option<NaiveDate>,
) -> anyhow::Result<ExitCode> {
    let today = ctx.now.date_naive();
    let case = room.live(id)?;
    refuse_after_acting(room, &case, "suspended")?;
    if case.state == CaseState::Suspended {
        return Err(Failure::Refused(format!("case {id} is suspended already; efface case resume {id}")).into());
    }
    let asked = day(asked, "--asked", &case, today)?;
    let mut record = case.record.clone();
    let clock = record.clock.get_or_insert_default().clone();
    if !clock.asked_in_time(case.received, asked) {
        let within = clock.ask_within.map(|p| p.to_string()).unwrap_or_default();
        return Err(Failure::Refused(format!(
            "proof of identity was asked for on {asked}, later than {within} after the request came: by the policy that does not \
             stop the clock"
        ))
        .into());
    }
    if record.pauses.iter().any(|p| p.answered.is_none_or(|end| asked < end)) {
        return Err(Failure::Usage(format!("--asked {asked} lies inside an earlier wait")).into());
    }
    let reason = masked(room, id, reason)?;
    record.pauses.push(Pause { asked, answered: None });
    record.suspended_from = Some(case.state);
    let detail = json!({ "asked": asked, "reason": reason });
    change(room, ctx, &case, "suspended", &record, Some(CaseState::Suspended), detail)?;
    ctx.say(format!(
        "The clock stands still since {asked}. When the proof is there: efface case resume {id} --answered DATE --identity TEXT"
    ));
    Ok(ExitCode::SUCCESS)
}

pub(super) fn resume(
    room: &Room,
    ctx: &Context,
    id: &CaseId,
    answered: Option<NaiveDate>,
    identity: Option<&str>,
) -> anyhow::Result<ExitCode> {
    let today = ctx.now.date_naive();
    let case = room.case(id)?;
    if case.state != CaseState::Suspended {
        return Err(Failure::Refused(format!("case {id} is {}, not suspended", case.state)).into());
    }
    let answered = day(answered, "--answered", &case, today)?;
    let mut record = case.record.clone();
    let Some(pause) = record.pauses.last_mut() else {
        return Err(Failure::Refused(format!("case {id} has no wait on record")).into());
    };
    if answered < pause.asked {
        return Err(
            Failure::Usage(format!("--answered lies before the proof was asked for, on {}", pause.asked)).into()
        );
    }
    pause.answered = Some(answered);
    let waited = pause.days(today);
    let before = record.suspended_from.take().unwrap_or(CaseState::Received);
    let identity = identity.map(|how| masked(room, id, how)).transpose()?;
    if identity.is_some() {
        record.identity.clone_from(&identity);
    }
    // Who asks is known now, so what was only received is identified.
    let state = if before == CaseState::Received { CaseState::Identified } else { before };
    let detail = json!({ "answered": answered, "identity": identity, "days": waited });
    let due = change(room, ctx, &case, "resumed", &record, Some(state), detail)?;
    ctx.say(format!("The clock runs again after {waited} days; the answer is due on {due}."));
    if record.identity.is_none() {
        ctx.say(format!("How it was checked who asks is not on record yet: efface case identify {id} --how TEXT"));
    }
    Ok(ExitCode::SUCCESS)
}

fn refuse_after_acting(room: &Room, case: &Case, what: &str) -> anyhow::Result<()> {
    // The state alone does not tell: a case that was planned again after an execution is `planned`.
    if case.state.has_acted() || !room.store.begun_plans(&case.id)?.is_empty() {
        return Err(Failure::Refused(format!(
            "case {} is {}, and something was changed for it already: it cannot be {what}; verify and close it",
            case.id, case.state
        ))
        .into());
    }
    Ok(())
}

pub(super) fn end(room: &Room, ctx: &Context, id: &CaseId, end: CaseState, reason: &str) -> anyhow::Result<ExitCode> {
    let case = room.unended(id)?;
    refuse_after_acting(room, &case, end.as_str())?;
    let reason = masked(room, id, reason)?;
    let record = CaseRecord { end_reason: Some(reason.clone()), ..case.record.clone() };
    ctx.act(|act| room.store.end_case(act, id, end, &record, json!({ "reason": reason })))?;
    ctx.say(format!(
        "Case {id} is {end}; its identifiers are destroyed. The person has to be told: efface case reply {id}"
    ));
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exceptions_and_grounds() {
        let e = exception("E=yes: a claim is pending").unwrap();
        assert_eq!((e.letter, e.applies, e.why.as_str()), ('e', true, "a claim is pending"));
        for wrong in ["", "e", "e=yes", "e=maybe:x", "f=no:x", "ee=no:x", "e=no: ", "=no:x"] {
            assert!(exception(wrong).is_err(), "{wrong}");
        }
        assert_eq!(grounds(CaseKind::Erasure, &['b', 'A', 'b']).unwrap(), ['a', 'b']);
        assert!(grounds(CaseKind::Restriction, &['e']).is_err());
        assert!(grounds(CaseKind::Access, &['a']).is_err());
    }
}

//! `case notice`: telling the recipients (Art. 19), and keeping track of whom was told.

use std::{path::PathBuf, process::ExitCode};

use chrono::NaiveDate;

use super::{
    Room,
    letters::{Recipient, a_day_that_was, print_letter, print_template, recipients, word},
};
use crate::{
    cli::{Context, Failure, load_policy, table},
    erasure::execute,
    model::{CaseId, CaseState, InstanceName},
    policy::Notices,
    store::Case,
};

/// Tell the recipients of an erasure (Art. 19), and keep track of whom was told; without --recipient it lists them, without
/// a case those of all cases.
///
/// A recipient is an instance of another controller that holds, or held, something of the person. Its notice has the keys,
/// fields and places of its own records and of nothing else, and does not name the person. Text by default, --format html or
/// json (`efface.notice/1`). Nothing is sent: send it yourself, then record it with --sent, later with --acknowledged.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The case.
    id: Option<CaseId>,
    /// Write the notice to this recipient, an instance of the configuration.
    #[arg(long, value_name = "INSTANCE", requires = "id")]
    recipient: Option<InstanceName>,
    /// Templates from this folder instead of the configured one, such as those of another language.
    #[arg(long, value_name = "FOLDER")]
    templates: Option<PathBuf>,
    /// Record that the recipient was told on this day.
    #[arg(long, value_name = "DATE", requires = "recipient")]
    sent: Option<NaiveDate>,
    /// Record that the recipient acknowledged on this day.
    #[arg(long, value_name = "DATE", requires = "recipient")]
    acknowledged: Option<NaiveDate>,
    /// Print the shipped template, to start one of your own from ([letters] folder in the configuration).
    #[arg(long, conflicts_with_all = ["id", "recipient", "sent", "acknowledged"])]
    template: bool,
}

pub(super) fn run(args: Args, room: &Room, ctx: &Context) -> anyhow::Result<ExitCode> {
    if args.template {
        print_template(ctx, "notice")?;
        return Ok(ExitCode::SUCCESS);
    }
    let rules = load_policy(&room.config.policy)?.notices();
    let Some(id) = &args.id else {
        let mut all = Vec::new();
        for case in room.store.cases()? {
            all.extend(recipients(room, ctx, &case, pinned(room, &case)?)?.into_iter().map(|r| (case.id.clone(), r)));
        }
        // What somebody has to do something about comes first.
        all.sort_by_key(|(_, r)| r.state);
        list(ctx, &all, rules)?;
        return Ok(ExitCode::SUCCESS);
    };
    let case = room.case(id)?;
    let rules = pinned(room, &case)?;
    let all = recipients(room, ctx, &case, rules)?;
    let Some(name) = &args.recipient else {
        let all: Vec<_> = all.into_iter().map(|r| (id.clone(), r)).collect();
        list(ctx, &all, rules)?;
        return Ok(ExitCode::SUCCESS);
    };
    let Some(recipient) = all.into_iter().find(|r| r.name == *name) else {
        return Err(Failure::Usage(format!("{name} is no recipient of case {id}; see: efface case notice {id}")).into());
    };
    if args.sent.is_some() || args.acknowledged.is_some() {
        track(room, ctx, &case, &recipient, &args)?;
        return Ok(ExitCode::SUCCESS);
    }
    let Some(notice) = &recipient.notice else {
        return Err(Failure::Refused(format!(
            "case {id} is {}: the plan, which a notice is made of, was destroyed with the case's key. What was sent and \
             acknowledged can still be recorded: --sent DATE, --acknowledged DATE",
            case.state
        ))
        .into());
    };
    if !is_executed(room, &case)? {
        return Err(Failure::Refused(format!(
            "case {id} is {}: tell a recipient of what was done when it is done; execute its plan first",
            case.state
        ))
        .into());
    }
    print_letter(room, ctx, id, ("notice", args.templates.as_deref()), (notice, notice))?;
    if case.state == CaseState::Executing {
        ctx.say("The case is not verified yet: the verification may find more to tell.");
    }
    ctx.say(format!(
        "When it is sent{}, record it: efface case notice {id} --recipient {name} --sent {}",
        recipient.contact.as_ref().map(|c| format!(" to {c}")).unwrap_or_default(),
        ctx.now.date_naive()
    ));
    Ok(ExitCode::SUCCESS)
}

/// Whether everything that the plan does has been done.
fn is_executed(room: &Room, case: &Case) -> anyhow::Result<bool> {
    match case.state {
        CaseState::Verified | CaseState::Answered | CaseState::Aftercare | CaseState::Closed => Ok(true),
        CaseState::Executing => {
            let (plan, hash) = room.plan(case)?;
            Ok(execute::is_done(&room.store, &case.id, &plan, &hash)?)
        }
        _ => Ok(false),
    }
}

fn track(room: &Room, ctx: &Context, case: &Case, recipient: &Recipient, args: &Args) -> anyhow::Result<()> {
    let (id, name) = (&case.id, &recipient.name);
    if let Some(sent) = args.sent {
        a_day_that_was(ctx, "--sent", sent, (case.received, "the request"))?;
        if !is_executed(room, case)? {
            return Err(Failure::Refused(format!(
                "case {id} is {}: nothing was erased of which a recipient could have been told",
                case.state
            ))
            .into());
        }
        let content = recipient.notice.as_ref().map(crate::letter::Notice::content);
        ctx.act(|act| room.store.notice_sent(act, id, name, sent, content.as_deref()))?;
        ctx.say(format!("Recorded: {name} was told on {sent}."));
    }
    if let Some(on) = args.acknowledged {
        let told = args.sent.or(recipient.row.as_ref().and_then(|r| r.sent));
        let Some(told) = told else {
            return Err(Failure::Usage(format!(
                "{name} was not told yet, as far as is recorded; record that first: --sent DATE"
            ))
            .into());
        };
        a_day_that_was(ctx, "--acknowledged", on, (told, "the day it was told"))?;
        ctx.act(|act| room.store.notice_acknowledged(act, id, name, on))?;
        ctx.say(format!("Recorded: {name} acknowledged on {on}."));
    }
    Ok(())
}

fn list(ctx: &Context, all: &[(CaseId, Recipient)], rules: Notices) -> anyhow::Result<()> {
    let day = |d: Option<NaiveDate>| d.map(|d| d.to_string()).unwrap_or_default();
    let rows: Vec<Vec<String>> = all
        .iter()
        .map(|(case, r)| {
            let records = r.notice.as_ref().map(|n| (n.done.len() + n.asked.len()).to_string());
            let sent = r.row.as_ref().and_then(|row| row.sent);
            vec![
                case.to_string(),
                r.name.to_string(),
                r.controller.map(word).unwrap_or_default().to_owned(),
                r.contact.clone().unwrap_or_default(),
                records.unwrap_or_default(),
                r.state.as_str().to_owned(),
                day(sent),
                day(sent.and_then(|s| rules.acknowledge_within.after_day(s))),
                day(r.row.as_ref().and_then(|row| row.acknowledged)),
            ]
        })
        .collect();
    let head =
        ["case", "recipient", "controller", "contact", "records", "state", "sent", "acknowledge by", "acknowledged"];
    ctx.out(&table::rows(ctx.global.format, &head, &rows)?)?;
    if let Some((case, next)) = all.iter().find(|(_, r)| r.state.untold() && r.notice.is_some()) {
        ctx.say(format!("Next: efface case notice {case} --recipient {}", next.name));
    }
    Ok(())
}

/// How a case's plan says that recipients are told: the policy's file may have changed since it was approved.
pub(super) fn pinned(room: &Room, case: &Case) -> anyhow::Result<Notices> {
    let pinned = match case.plan {
        Some(_) if !case.state.has_ended() => room.plan(case)?.0.policy.notices,
        _ => None,
    };
    Ok(match pinned {
        Some(notices) => notices,
        None => load_policy(&room.config.policy)?.notices(),
    })
}

/// Says which recipients have still to be told, while their notices can still be written.
pub(super) fn remind(room: &Room, ctx: &Context, case: &Case) -> anyhow::Result<()> {
    let rules = pinned(room, case)?;
    let all = recipients(room, ctx, case, rules)?;
    let untold = untold(&all);
    if !untold.is_empty() {
        ctx.say(format!("Not told yet (Art. 19): {untold}. Before you close the case: efface case notice {}", case.id));
    }
    Ok(())
}

/// What closing a case does about its recipients: refuses where the policy wants them told, else says who is not, and keeps
/// their names beyond the plan.
pub(super) fn before_close(room: &Room, ctx: &Context, case: &Case) -> anyhow::Result<()> {
    let id = &case.id;
    let rules = pinned(room, case)?;
    let all = recipients(room, ctx, case, rules)?;
    let untold = untold(&all);
    if rules.required && !untold.is_empty() {
        return Err(Failure::Refused(format!(
            "the policy wants recipients told before a case is closed (Art. 19); not told yet: {untold}. Write and record \
             it: efface case notice {id}"
        ))
        .into());
    }
    let names: Vec<InstanceName> = all.into_iter().map(|r| r.name).collect();
    ctx.act(|act| room.store.keep_recipients(act, id, &names))?;
    if !untold.is_empty() {
        ctx.say(format!(
            "Recipients that are not told, as far as is recorded (Art. 19): {untold}. Their notices can no longer be written; \
             the certificate says what was done there."
        ));
    }
    Ok(())
}

fn untold(all: &[Recipient]) -> String {
    all.iter().filter(|r| r.state.untold()).map(|r| r.name.to_string()).collect::<Vec<_>>().join(", ")
}

//! `case open`, `case list` and `case show`: what lies on the desk, and how pressing it is.

use std::{collections::BTreeMap, process::ExitCode};

use chrono::NaiveDate;

use super::{Room, life, word};
use crate::{
    cli::{Context, Failure, load_policy, subject, table, work},
    config::Config,
    erasure::{execute, plan::Plan},
    model::{CaseId, CaseKind, CaseRecord, CaseState, Clock, InstanceName, Outcome, Pressure, SubjectKey},
    store::{Case, Change, Opened},
};

/// What `case open` is given.
#[derive(Debug, clap::Args)]
pub(super) struct OpenArgs {
    /// The person's handle in the register.
    #[arg(long, value_name = "KEY")]
    subject: SubjectKey,
    /// What the person asks for: erasure (Art. 17), restriction (Art. 18) or access (Art. 15).
    #[arg(long, default_value_t = CaseKind::Erasure, value_name = "KIND")]
    kind: CaseKind,
    /// When the request was received; today when not given.
    #[arg(long, value_name = "DATE")]
    received: Option<NaiveDate>,
    /// How it was checked who asks; may be told later, with `case identify`.
    #[arg(long, value_name = "TEXT")]
    identity: Option<String>,
    /// The ground, by its letter: Art. 17(1)(a) to (f), Art. 18(1)(a) to (d); may be told later, with `case assess`.
    #[arg(long, value_name = "LETTER")]
    ground: Vec<char>,
    /// A partner's consent, for an instance with `erase = "consent"`.
    #[arg(long, value_name = "INSTANCE=REFERENCE")]
    consent: Vec<String>,
}

pub(super) fn open(room: &Room, ctx: &Context, args: &OpenArgs) -> anyhow::Result<ExitCode> {
    let subject = subject::registered(&room.store, &args.subject)?;
    let policy = load_policy(&room.config.policy)?;
    let today = ctx.now.date_naive();
    let received = args.received.unwrap_or(today);
    if received > today {
        return Err(Failure::Usage("--received lies in the future".into()).into());
    }
    let mut record = CaseRecord { clock: Some(policy.clock().clone()), ..CaseRecord::default() };
    record.grounds = life::grounds(args.kind, &args.ground)?;
    let beyond = || Failure::Usage("--received is beyond the calendar".into());
    let due = record.due(received, today).ok_or_else(beyond)?;
    let consents = consents(&room.config, &args.consent)?;
    let id: CaseId = format!("C-{}", ulid::Ulid::generate()).parse()?;
    let opened = Opened { kind: args.kind, received, due, record };
    ctx.act(|act| room.store.open_case(act, &id, &subject, &opened))?;
    room.store.put_case_note(&id, "consent", ctx.now, &consents)?;
    if let Some(how) = &args.identity {
        // The reason is a person's free text and may quote the subject: it is told without what names the person.
        let how = work::masker(std::slice::from_ref(&subject))(how);
        let record = CaseRecord { identity: Some(how.clone()), ..opened.record };
        let change = Change {
            event: "identified",
            record: &record,
            due,
            state: Some(CaseState::Identified),
            detail: serde_json::json!({ "how": how }),
        };
        ctx.act(|act| room.store.change_case(act, &id, change))?;
    }
    let next = match args.kind {
        CaseKind::Erasure => format!("efface case plan {id}"),
        CaseKind::Restriction => format!("efface hold add --type restriction --case {id} --basis TEXT"),
        CaseKind::Access => format!("efface case scan {id} -o FILE"),
    };
    ctx.say(format!("Case opened; the answer is due on {due}. Next: {next}"));
    ctx.out(&format!("{id}\n"))?;
    Ok(ExitCode::SUCCESS)
}

fn consents(config: &Config, given: &[String]) -> anyhow::Result<BTreeMap<InstanceName, String>> {
    let mut consents = BTreeMap::new();
    for given in given {
        let wrong = || {
            Failure::Usage("--consent needs the form INSTANCE=REFERENCE, with an instance of the configuration".into())
        };
        let (instance, reference) = given.split_once('=').ok_or_else(wrong)?;
        let instance: InstanceName = instance.parse().map_err(|_| wrong())?;
        if !config.instances.contains_key(&instance) {
            return Err(wrong().into());
        }
        consents.insert(instance, reference.to_owned());
    }
    Ok(consents)
}

/// A case's state for a person to read, with what goes beside it.
pub(super) fn state(case: &Case) -> String {
    let mut words = vec![case.state.as_str()];
    if case.record.extended.is_some() && !case.state.has_ended() {
        words.push("extended");
    }
    words.join(", ")
}

/// How pressing a case is, for a person to read.
pub(super) fn clock(case: &Case, today: NaiveDate) -> String {
    if case.state.has_ended() {
        return String::new();
    }
    if let Some(on) = case.record.answered {
        return format!("answered on {on}");
    }
    if let Some(pause) = case.record.waiting() {
        return format!("stands still since {}", pause.asked);
    }
    let days = |n: u64| if n == 1 { "1 day".to_owned() } else { format!("{n} days") };
    match case.record.clock.clone().unwrap_or_default().pressure(case.due, today) {
        Pressure::Overdue(n) => format!("OVERDUE by {}", days(n)),
        Pressure::Near(0) => "LAST DAY".to_owned(),
        Pressure::Near(n) => format!("! {} left", days(n)),
        Pressure::Calm(n) => format!("{} left", days(n)),
    }
}

pub(super) fn list(room: &Room, ctx: &Context) -> anyhow::Result<ExitCode> {
    let today = ctx.now.date_naive();
    let mut cases: Vec<Case> = room.store.cases()?.into_iter().map(|c| c.on(today)).collect();
    // Soonest due first; what was answered waits for nobody, what has ended comes last.
    cases.sort_by_key(|c| (c.state.has_ended(), c.record.answered.is_some(), c.due));
    let rows: Vec<Vec<String>> = cases
        .iter()
        .map(|c| {
            vec![
                c.id.to_string(),
                c.subject.clone(),
                c.kind.to_string(),
                state(c),
                c.received.to_string(),
                c.due.to_string(),
                clock(c, today),
            ]
        })
        .collect();
    let head = ["case", "subject", "kind", "state", "received", "due", "clock"];
    ctx.out(&table::rows(ctx.global.format, &head, &rows)?)?;
    let pressing = |p: &Case| {
        let live = !p.state.has_ended() && p.record.answered.is_none() && p.record.waiting().is_none();
        live && !matches!(
            p.record.clock.as_ref().unwrap_or(&Clock::default()).pressure(p.due, today),
            Pressure::Calm(_)
        )
    };
    match cases.iter().filter(|c| pressing(c)).count() {
        0 => {}
        1 => ctx.say("1 case is near its last day or past it."),
        n => ctx.say(format!("{n} cases are near their last day or past it.")),
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn show(room: &Room, ctx: &Context, id: &CaseId) -> anyhow::Result<ExitCode> {
    let today = ctx.now.date_naive();
    let case = room.case(id)?.on(today);
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut row = |what: &str, value: String| rows.push(vec![what.to_owned(), value]);
    row("case", case.id.to_string());
    row("subject", case.subject.clone());
    row("kind", format!("{} ({})", case.kind, case.kind.article()));
    row("state", state(&case));
    row("received", case.received.to_string());
    row("due", case.due.to_string());
    if !case.state.has_ended() {
        row("clock", clock(&case, today));
    }
    life::rows(&case, &mut row);
    if let Some(hash) = &case.plan {
        row("plan", hash.clone());
        for approval in room.store.approvals(hash)? {
            let key = approval.signed.map(|s| format!(", signed with {}", s.fingerprint)).unwrap_or_default();
            row("approved", format!("by {} at {}{key}", approval.actor, approval.at));
        }
        if let Some(plan) = room.store.plan::<Plan>(id, hash)? {
            let begun = room.store.begun_plans(id)?.contains(hash);
            for (place, outcome, n) in execute::outcomes(&room.store, id, &plan, hash)? {
                let word = if outcome == Outcome::Failed && !begun { "to do" } else { word(outcome) };
                row(&place, format!("{n} {word}"));
            }
        }
    }
    ctx.out(&table::rows(ctx.global.format, &["what", "value"], &rows)?)?;
    Ok(ExitCode::SUCCESS)
}

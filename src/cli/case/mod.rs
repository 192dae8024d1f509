//! `efface case`: the erasure workflow.

use std::{collections::BTreeMap, process::ExitCode};

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use clap::Subcommand;
use serde_json::json;

use super::{Context, Failure, load_policy, subject, table, work};
use crate::{
    config::Config,
    erasure::{execute, othersearch::Needles, plan::Plan},
    model::{CaseId, InstanceName, Outcome, Subject, SubjectKey},
    store::{Case, CaseState, Store},
};

mod act;
mod decide;
mod evidence;
pub(super) mod letters;
mod notice;
mod plan;
mod reply;

/// The erasure workflow: open, plan, approve, execute, verify, certificate, close.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Open a case for a person of the register; prints the case id.
    Open {
        /// The person's handle in the register.
        #[arg(long, value_name = "KEY")]
        subject: SubjectKey,
        /// Kind of request.
        #[arg(long, default_value = "erasure", value_parser = ["erasure"])]
        kind: String,
        /// When the request was received; today when not given.
        #[arg(long, value_name = "DATE")]
        received: Option<NaiveDate>,
        /// A partner's consent, for an instance with `erase = "consent"`.
        #[arg(long, value_name = "INSTANCE=REFERENCE")]
        consent: Vec<String>,
    },
    /// List the cases, soonest due first.
    List,
    /// Show where a case stands.
    Show {
        /// The case.
        id: CaseId,
    },
    /// Scan everything and freeze a plan; prints it. What an earlier scan of the case has read and has not changed since is
    /// not read again.
    Plan {
        /// The case.
        id: CaseId,
        /// Read everything, whatever earlier scans of the case have read.
        #[arg(long)]
        exhaustive: bool,
    },
    /// Decide findings that need a person; without findings it lists them.
    Review {
        /// The case.
        id: CaseId,
        /// Ids of findings, as the plan lists them.
        finding: Vec<String>,
        /// Erase them: by `redact` or `delete` of the record.
        #[arg(long, value_name = "HOW", value_parser = ["redact", "delete"])]
        erase: Option<String>,
        /// Keep them, with the legal basis.
        #[arg(long, value_name = "BASIS", conflicts_with = "erase")]
        keep: Option<String>,
        /// They are another person's, with how that is known.
        #[arg(long, value_name = "REASON", conflicts_with_all = ["erase", "keep"])]
        other_person: Option<String>,
    },
    /// Approve the plan as it is stored, by its hash.
    Approve {
        /// The case.
        id: CaseId,
        /// The hash that was reviewed; the current plan's when not given.
        #[arg(long, value_name = "HASH")]
        plan: Option<String>,
        /// Raise the policy's cap for this one plan, as a second person.
        #[arg(long, value_name = "RECORDS")]
        raise_cap: Option<u64>,
    },
    /// Carry out the approved plan. May be repeated: it finishes what an earlier run left.
    Execute {
        /// The case.
        id: CaseId,
        /// Really do it.
        #[arg(long)]
        yes: bool,
        /// Show what would be done.
        #[arg(long, conflicts_with = "yes")]
        dry_run: bool,
    },
    /// Search everything again by another road, and compare with what the plan says may stay.
    Verify {
        /// The case.
        id: CaseId,
    },
    Certificate(evidence::CertificateArgs),
    /// Close a verified case; destroys the identifiers.
    Close {
        /// The case.
        id: CaseId,
        /// Sign off what could not be read, with the reason.
        #[arg(long, value_name = "REASON")]
        accept_gaps: Option<String>,
    },
    Reply(reply::Args),
    Notice(notice::Args),
    /// The person withdrew the request.
    Withdraw {
        /// The case.
        id: CaseId,
        /// Why, as far as it is known.
        #[arg(long)]
        reason: String,
    },
    /// The request is refused.
    Reject {
        /// The case.
        id: CaseId,
        /// Why (Art. 12(5), Art. 17(3)).
        #[arg(long)]
        reason: String,
    },
}

struct Room {
    config: Config,
    store: Store,
}

impl Room {
    fn case(&self, id: &CaseId) -> anyhow::Result<Case> {
        Ok(self
            .store
            .case(id)?
            .ok_or_else(|| Failure::Usage(format!("there is no case {id}; see: efface case list")))?)
    }

    /// A case that can still be worked on.
    fn live(&self, id: &CaseId) -> anyhow::Result<Case> {
        let case = self.case(id)?;
        if case.state.has_ended() {
            return Err(Failure::Refused(format!("case {id} is {}", case.state.as_str())).into());
        }
        Ok(case)
    }

    fn subject(&self, id: &CaseId) -> anyhow::Result<Subject> {
        let gone = || Failure::Refused(format!("the identifiers of case {id} are destroyed"));
        Ok(self.store.case_subject(id)?.ok_or_else(gone)?)
    }

    /// The current plan; its hash is computed again, so that a changed plan is never run.
    fn plan(&self, case: &Case) -> anyhow::Result<(Plan, String)> {
        let none = || Failure::Refused(format!("case {} has no plan yet; make one: efface case plan {0}", case.id));
        let hash = case.plan.clone().ok_or_else(none)?;
        let plan: Plan = self.store.plan(&case.id, &hash)?.ok_or_else(none)?;
        if plan.hash() != hash {
            return Err(
                Failure::Refused("the stored plan is not the one that its hash names; plan again".into()).into()
            );
        }
        Ok((plan, hash))
    }
}

fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn needles(subject: &Subject) -> Needles {
    let values: Vec<_> = subject.identifiers.iter().map(|i| (i.kind, i.value.reveal().clone())).collect();
    Needles::new(&values)
}

/// As [`needles`], without what is so short that random bytes hold it.
fn long_needles(subject: &Subject) -> Needles {
    let long = subject.identifiers.iter().filter(|i| i.value.reveal().chars().count() >= 6);
    Needles::new(&long.map(|i| (i.kind, i.value.reveal().clone())).collect::<Vec<_>>())
}

pub(crate) async fn run(args: Args, ctx: &Context) -> anyhow::Result<ExitCode> {
    let config = ctx.config()?;
    let store = ctx.store(&config)?;
    let room = Room { config, store };
    match args.verb {
        Verb::Open { subject, kind, received, consent } => open(&room, ctx, &subject, &kind, received, &consent),
        Verb::List => list(&room, ctx),
        Verb::Show { id } => show(&room, ctx, &id),
        Verb::Plan { id, exhaustive } => plan::plan(&room, ctx, &id, exhaustive).await,
        Verb::Review { id, finding, erase, keep, other_person } => {
            decide::review(&room, ctx, &id, &finding, erase.as_deref(), keep, other_person)
        }
        Verb::Approve { id, plan, raise_cap } => decide::approve(&room, ctx, &id, plan.as_deref(), raise_cap),
        Verb::Execute { id, yes, dry_run } => act::execute(&room, ctx, &id, yes, dry_run).await,
        Verb::Verify { id } => act::verify(&room, ctx, &id).await,
        Verb::Certificate(args) => evidence::certificate(&args, &room, ctx),
        Verb::Close { id, accept_gaps } => evidence::close(&room, ctx, &id, accept_gaps.as_deref()),
        Verb::Reply(args) => reply::run(args, &room, ctx),
        Verb::Notice(args) => notice::run(args, &room, ctx),
        Verb::Withdraw { id, reason } => end(&room, ctx, &id, CaseState::Withdrawn, &reason),
        Verb::Reject { id, reason } => end(&room, ctx, &id, CaseState::Rejected, &reason),
    }
}

fn open(
    room: &Room,
    ctx: &Context,
    key: &SubjectKey,
    kind: &str,
    received: Option<NaiveDate>,
    consent: &[String],
) -> anyhow::Result<ExitCode> {
    let subject = subject::registered(&room.store, key)?;
    let policy = load_policy(&room.config.policy)?;
    let received = received.unwrap_or_else(|| ctx.now.date_naive());
    if received > ctx.now.date_naive() {
        return Err(Failure::Usage("--received lies in the future".into()).into());
    }
    let beyond = || Failure::Usage("--received is beyond the calendar".into());
    let due = policy.clock().due(received, false).ok_or_else(beyond)?;
    let mut consents: BTreeMap<InstanceName, String> = BTreeMap::new();
    for given in consent {
        let wrong = || {
            Failure::Usage("--consent needs the form INSTANCE=REFERENCE, with an instance of the configuration".into())
        };
        let (instance, reference) = given.split_once('=').ok_or_else(wrong)?;
        let instance: InstanceName = instance.parse().map_err(|_| wrong())?;
        if !room.config.instances.contains_key(&instance) {
            return Err(wrong().into());
        }
        consents.insert(instance, reference.to_owned());
    }
    let id: CaseId = format!("C-{}", ulid::Ulid::generate()).parse()?;
    ctx.act(|act| room.store.open_case(act, &id, &subject, kind, received, due))?;
    room.store.put_case_note(&id, "consent", ctx.now, &consents)?;
    ctx.say(format!("Case opened; the answer is due on {due}. Next: efface case plan {id}"));
    ctx.out(&format!("{id}\n"))?;
    Ok(ExitCode::SUCCESS)
}

fn list(room: &Room, ctx: &Context) -> anyhow::Result<ExitCode> {
    let rows: Vec<Vec<String>> = room
        .store
        .cases()?
        .into_iter()
        .map(|c| {
            let late = if !c.state.has_ended() && c.due < ctx.now.date_naive() { " (overdue)" } else { "" };
            vec![
                c.id.to_string(),
                c.subject,
                c.kind,
                c.state.as_str().to_owned(),
                c.received.to_string(),
                format!("{}{late}", c.due),
            ]
        })
        .collect();
    ctx.out(&table::rows(ctx.global.format, &["case", "subject", "kind", "state", "received", "due"], &rows)?)?;
    Ok(ExitCode::SUCCESS)
}

fn show(room: &Room, ctx: &Context, id: &CaseId) -> anyhow::Result<ExitCode> {
    let case = room.case(id)?;
    let mut rows = vec![
        vec!["case".into(), case.id.to_string()],
        vec!["subject".into(), case.subject.clone()],
        vec!["kind".into(), case.kind.clone()],
        vec!["state".into(), case.state.as_str().into()],
        vec!["received".into(), case.received.to_string()],
        vec!["due".into(), case.due.to_string()],
    ];
    if let Some(hash) = &case.plan {
        rows.push(vec!["plan".into(), hash.clone()]);
        for approval in room.store.approvals(hash)? {
            rows.push(vec!["approved".into(), format!("by {} at {}", approval.actor, approval.at)]);
        }
        if let Some(plan) = room.store.plan::<Plan>(id, hash)? {
            for (place, outcome, n) in execute::outcomes(&room.store, id, &plan, hash)? {
                let begun = !matches!(case.state, CaseState::Planned | CaseState::Approved);
                let word = if outcome == Outcome::Failed && !begun { "to do" } else { word(outcome) };
                rows.push(vec![place, format!("{n} {word}")]);
            }
        }
    }
    ctx.out(&table::rows(ctx.global.format, &["what", "value"], &rows)?)?;
    Ok(ExitCode::SUCCESS)
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Erased => "erased",
        Outcome::Redacted => "redacted",
        Outcome::Kept => "kept",
        Outcome::Held => "held",
        Outcome::Residual => "residual",
        Outcome::Failed => "failed",
        Outcome::Review => "review",
    }
}

fn end(room: &Room, ctx: &Context, id: &CaseId, end: CaseState, reason: &str) -> anyhow::Result<ExitCode> {
    let case = room.live(id)?;
    if matches!(case.state, CaseState::Executing | CaseState::Executed | CaseState::Verified) {
        let state = case.state.as_str();
        return Err(Failure::Refused(format!(
            "case {id} is {state}: what was done cannot be called {}; verify and close it",
            end.as_str()
        ))
        .into());
    }
    // The reason is a person's free text and may quote the subject: it is told without what names the person.
    let reason = work::masker(&[room.subject(id)?])(reason);
    ctx.act(|act| room.store.end_case(act, id, end, json!({ "reason": reason })))?;
    ctx.say(format!("Case {id} is {}; its identifiers are destroyed.", end.as_str()));
    Ok(ExitCode::SUCCESS)
}

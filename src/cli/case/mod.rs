//! `efface case`: the erasure workflow.

use std::{path::PathBuf, process::ExitCode};

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use clap::Subcommand;

use super::{Context, Failure};
use crate::{
    config::Config,
    erasure::{othersearch::Needles, plan::Plan},
    model::{CaseId, CaseKind, CaseState, Outcome, Subject},
    store::{Case, Store},
};

mod act;
mod approve;
mod decide;
mod desk;
mod drift;
mod evidence;
mod found;
mod groups;
pub(super) mod letters;
mod life;
mod notice;
mod plan;
mod replay;
mod reply;
mod show;

pub(super) use drift::look as look_for_drift;

/// The note of whom steps that anonymise mean.
const PEOPLE: &str = "people";

/// The erasure workflow: open, plan, approve, execute, verify, certificate, close.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Open a case for a person of the register; prints the case id.
    Open(desk::OpenArgs),
    /// List the cases, soonest due first.
    List,
    /// Show where a case stands, and what is on record about it.
    Show {
        /// The case.
        id: CaseId,
    },
    /// Put on record how it was checked who asks (Art. 12(6)).
    Identify {
        /// The case.
        id: CaseId,
        /// How, such as "called back on the number in the contract".
        #[arg(long, value_name = "TEXT")]
        how: String,
    },
    /// Put on record the ground of the request, and the exceptions that were looked at.
    Assess {
        /// The case.
        id: CaseId,
        /// A ground, by its letter: Art. 17(1)(a) to (f), Art. 18(1)(a) to (d). May be given more than once.
        #[arg(long, value_name = "LETTER")]
        ground: Vec<char>,
        /// An exception of Art. 17(3), (a) to (e), whether it applies, and why. May be given more than once.
        #[arg(long, value_name = "LETTER=yes|no:WHY")]
        exception: Vec<String>,
    },
    /// Extend the period, once (Art. 12(3)); the person has to be told inside the first one.
    Extend {
        /// The case.
        id: CaseId,
        /// Why: the complexity, the number of requests.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// When the person was told; today when not given.
        #[arg(long, value_name = "DATE")]
        told: Option<NaiveDate>,
    },
    /// Stop the clock: proof of identity was asked for (Art. 12(6)).
    Suspend {
        /// The case.
        id: CaseId,
        /// Why there are doubts.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// When it was asked for; today when not given.
        #[arg(long, value_name = "DATE")]
        asked: Option<NaiveDate>,
    },
    /// Start the clock again: the proof is there.
    Resume {
        /// The case.
        id: CaseId,
        /// When it came; today when not given.
        #[arg(long, value_name = "DATE")]
        answered: Option<NaiveDate>,
        /// How the identity was checked.
        #[arg(long, value_name = "TEXT")]
        identity: Option<String>,
    },
    /// Search everything for the case. Of an access request (Art. 15) it lists what is about the person in clear, which is audited.
    Scan {
        /// The case.
        id: CaseId,
        /// Read everything, whatever earlier scans of the case have read.
        #[arg(long)]
        exhaustive: bool,
    },
    /// Scan everything and freeze a plan; prints it by place and record, with what it costs (`--format html` for a page). What an earlier scan of the case has read and has not changed since is
    /// not read again.
    Plan {
        /// The case.
        id: CaseId,
        /// Read everything, whatever earlier scans of the case have read.
        #[arg(long)]
        exhaustive: bool,
        /// Scan nothing: show what differs between the current plan and an earlier one, the one before when no hash is given.
        #[arg(long, value_name = "HASH", num_args = 0..=1, default_missing_value = "", conflicts_with = "exhaustive")]
        diff: Option<String>,
    },
    /// Decide findings that need a person; without findings it lists them.
    ///
    /// Findings that ask the same question form groups: the same passage, the same address or name in the same kind of place, the
    /// same namesake. `--groups` lists them; a group's id in place of a finding's decides all of it. What is decided of a group (but
    /// a deletion) goes for the same passages in what a later scan of the case finds.
    Review {
        /// The case.
        id: CaseId,
        /// Ids of findings or groups.
        finding: Vec<String>,
        /// List the groups of open findings, with an example of each.
        #[arg(long, conflicts_with_all = ["finding", "erase", "keep", "other_person"])]
        groups: bool,
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
    ///
    /// Where the policy asks for signatures: `--statement -o FILE` writes what is to be signed and approves nothing; the approver
    /// signs it on a machine of their own, `ssh-keygen -Y sign -n approval@efface -f KEY FILE`; `--signature FILE.sig` hands
    /// it in. Who approved is then whom the signers' file (`[home] signers`) names for the key.
    Approve {
        /// The case.
        id: CaseId,
        /// The hash that was reviewed; the current plan's when not given.
        #[arg(long, value_name = "HASH")]
        plan: Option<String>,
        /// Raise the policy's cap for this one plan, as a second person.
        #[arg(long, value_name = "RECORDS")]
        raise_cap: Option<u64>,
        /// Write the statement to be signed, with the cap as `--raise-cap` says; approves nothing.
        #[arg(long, conflicts_with = "signature")]
        statement: bool,
        /// The signature of the statement (`-` for stdin); give the same `--raise-cap` again.
        #[arg(long, value_name = "FILE")]
        signature: Option<PathBuf>,
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
    /// After a restore of staging, database or instance: give the suppression list back what it lost, and find and erase again
    /// what came back. Without `--yes` it only looks.
    Replay {
        /// Only what one ended case erased; everything when not given.
        id: Option<CaseId>,
        /// Really do it.
        #[arg(long)]
        yes: bool,
    },
    /// List what the configuration has today and the cases did not cover: synchronizations, projects, folders, custom fields.
    /// Exit code 3 where there is something.
    Drift {
        /// Only what lies outside one case.
        id: Option<CaseId>,
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

    /// A case that has not ended.
    fn unended(&self, id: &CaseId) -> anyhow::Result<Case> {
        let case = self.case(id)?;
        if case.state.has_ended() {
            return Err(Failure::Refused(format!("case {id} is {}", case.state)).into());
        }
        Ok(case)
    }

    /// A case that can be worked on.
    fn live(&self, id: &CaseId) -> anyhow::Result<Case> {
        let case = self.unended(id)?;
        if case.state == CaseState::Suspended {
            return Err(Failure::Refused(format!(
                "case {id} is suspended: proof of identity is waited for; when it is there: efface case resume {id}"
            ))
            .into());
        }
        Ok(case)
    }

    /// As [`Room::live`], of a request for erasure.
    fn erasure(&self, id: &CaseId) -> anyhow::Result<Case> {
        let case = self.live(id)?;
        if case.kind != CaseKind::Erasure {
            return Err(Failure::Refused(format!(
                "case {id} is a request for {} ({}): nothing is erased for it",
                case.kind,
                case.kind.article()
            ))
            .into());
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
        Verb::Open(args) => desk::open(&room, ctx, &args),
        Verb::List => desk::list(&room, ctx),
        Verb::Show { id } => desk::show(&room, ctx, &id),
        Verb::Identify { id, how } => life::identify(&room, ctx, &id, &how),
        Verb::Assess { id, ground, exception } => life::assess(&room, ctx, &id, &ground, &exception),
        Verb::Extend { id, reason, told } => life::extend(&room, ctx, &id, &reason, told),
        Verb::Suspend { id, reason, asked } => life::suspend(&room, ctx, &id, &reason, asked),
        Verb::Resume { id, answered, identity } => life::resume(&room, ctx, &id, answered, identity.as_deref()),
        Verb::Scan { id, exhaustive } => found::scan(&room, ctx, &id, exhaustive).await,
        Verb::Plan { id, diff: Some(hash), .. } => show::print_diff(&room, ctx, &id, &hash),
        Verb::Plan { id, exhaustive, diff: None } => plan::plan(&room, ctx, &id, exhaustive).await,
        Verb::Review { id, groups: true, .. } => decide::list_groups(&room, ctx, &id),
        Verb::Review { id, finding, erase, keep, other_person, groups: false } => {
            decide::review(&room, ctx, &id, &finding, erase.as_deref(), keep, other_person)
        }
        Verb::Approve { id, plan, raise_cap, statement, signature } => {
            let how = approve::How { wanted: plan.as_deref(), raise_cap, statement, signature: signature.as_deref() };
            approve::approve(&room, ctx, &id, &how)
        }
        Verb::Execute { id, yes, dry_run } => act::execute(&room, ctx, &id, yes, dry_run).await,
        Verb::Verify { id } => act::verify(&room, ctx, &id).await,
        Verb::Certificate(args) => evidence::certificate(&args, &room, ctx),
        Verb::Close { id, accept_gaps } => evidence::close(&room, ctx, &id, accept_gaps.as_deref()),
        Verb::Reply(args) => reply::run(args, &room, ctx),
        Verb::Notice(args) => notice::run(args, &room, ctx),
        Verb::Drift { id } => drift::drift(&room, ctx, id.as_ref()).await,
        Verb::Replay { id, yes } => replay::replay(&room, ctx, id.as_ref(), yes).await,
        Verb::Withdraw { id, reason } => life::end(&room, ctx, &id, CaseState::Withdrawn, &reason),
        Verb::Reject { id, reason } => life::end(&room, ctx, &id, CaseState::Rejected, &reason),
    }
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

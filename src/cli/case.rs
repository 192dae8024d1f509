//! `efface case`: the erasure workflow.

use std::{collections::BTreeMap, process::ExitCode, time::Duration};

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use clap::Subcommand;
use serde_json::json;

use super::{Context, Failure, Format, load_policy, subject, table, work};
use crate::{
    config::Config,
    erasure::{
        certificate::{self, Certificate},
        execute::{self, Run},
        executor::Executors,
        othersearch::Needles,
        plan::{Input, MandateOf, Operation, Plan, PolicyPin},
        verify::{Verification, Verify},
    },
    fs::Lock,
    model::{CaseId, Decision, InstanceName, Outcome, Subject, SubjectKey},
    store::{Case, CaseState, Store},
    suppression::Suppression,
};

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
    /// Scan everything and freeze a plan; prints it.
    Plan {
        /// The case.
        id: CaseId,
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
    /// Write the signed certificate (`-o FILE` also writes FILE.sig and FILE.allowed_signers).
    Certificate {
        /// The case.
        id: CaseId,
    },
    /// Close a verified case; destroys the identifiers.
    Close {
        /// The case.
        id: CaseId,
        /// Sign off what could not be read, with the reason.
        #[arg(long, value_name = "REASON")]
        accept_gaps: Option<String>,
    },
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

type Reviews = BTreeMap<String, (Decision, String)>;

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

pub(crate) async fn run(args: Args, ctx: &Context) -> anyhow::Result<ExitCode> {
    let config = ctx.config()?;
    let store = ctx.store(&config)?;
    let room = Room { config, store };
    match args.verb {
        Verb::Open { subject, kind, received, consent } => open(&room, ctx, &subject, &kind, received, &consent),
        Verb::List => list(&room, ctx),
        Verb::Show { id } => show(&room, ctx, &id),
        Verb::Plan { id } => plan(&room, ctx, &id).await,
        Verb::Review { id, finding, erase, keep, other_person } => {
            review(&room, ctx, &id, &finding, erase.as_deref(), keep, other_person)
        }
        Verb::Approve { id, plan, raise_cap } => approve(&room, ctx, &id, plan.as_deref(), raise_cap),
        Verb::Execute { id, yes, dry_run } => execute(&room, ctx, &id, yes, dry_run).await,
        Verb::Verify { id } => verify(&room, ctx, &id).await,
        Verb::Certificate { id } => certify(&room, ctx, &id),
        Verb::Close { id, accept_gaps } => close(&room, ctx, &id, accept_gaps.as_deref()),
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
            for (place, outcome, n) in execute::outcomes(&plan, &room.store.steps(id, hash)?) {
                rows.push(vec![place, format!("{n} {}", word(outcome))]);
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

async fn plan(room: &Room, ctx: &Context, id: &CaseId) -> anyhow::Result<ExitCode> {
    let case = room.live(id)?;
    if case.state == CaseState::Executing {
        let (_, hash) = room.plan(&case)?;
        let refused = room.store.steps(id, &hash)?.iter().any(|r| r.state == crate::store::StepState::Refused);
        if !refused {
            return Err(Failure::Refused(format!(
                "the plan of case {id} is being executed; finish it first: efface case execute {id} --yes"
            ))
            .into());
        }
    }
    let subject = room.subject(id)?;
    let policy = load_policy(&room.config.policy)?;
    let clients = work::clients(room.config.instances.values(), false);
    let subjects = [subject];
    let mut decided = work::scan(ctx, &room.config, &room.store, &clients, &policy, &subjects, &[], &[]).await?;
    let reviews: Reviews = room.store.case_note(id, "reviews")?.unwrap_or_default();
    for finding in decided.groups.iter_mut().flat_map(|(f, _)| f.iter_mut()) {
        if let Some((decision, why)) = reviews.get(&finding.id).filter(|_| finding.decision == Decision::Review) {
            finding.decision = *decision;
            finding.reasons = vec![why.clone()];
        }
    }
    let consents: BTreeMap<InstanceName, String> = room.store.case_note(id, "consent")?.unwrap_or_default();
    let mandates: BTreeMap<InstanceName, MandateOf> = room
        .config
        .instances
        .values()
        .map(|i| {
            let consent = consents.get(&i.name).cloned();
            (i.name.clone(), MandateOf { mandate: i.mandate, contact: i.contact.clone(), consent })
        })
        .collect();
    let actor = ctx.actor();
    let plan = Plan::make(Input {
        case: id.clone(),
        subject: &subjects[0].pseudonym,
        created_at: stamp(ctx.now),
        planned_by: &actor,
        policy: PolicyPin {
            name: policy.name().to_owned(),
            sha256: policy.sha256().to_owned(),
            placeholder: policy.placeholder().to_owned(),
            four_eyes: policy.four_eyes(),
            cap_records: policy.caps().records,
            cap_share: policy.caps().share,
        },
        groups: decided.groups,
        mandates: &mandates,
        ask: &decided.ask,
        coverage: decided.coverage,
        issues: decided.issues,
    });
    let hash = plan.hash();
    ctx.act(|act| room.store.put_plan(act, id, &hash, &plan, plan.steps.len()))?;
    print_plan(ctx, &plan, &hash, &subjects)?;
    let reviews = plan.open_reviews().count();
    ctx.say(format!(
        "{} steps, {} findings stay ({} to review). Plan {hash}. Next: efface case approve {id}",
        plan.steps.len(),
        plan.standing.len(),
        reviews
    ));
    Ok(ExitCode::from(if plan.is_complete() { 0 } else { 3 }))
}

fn print_plan(ctx: &Context, plan: &Plan, hash: &str, subjects: &[Subject]) -> anyhow::Result<()> {
    let mask = work::masker(subjects);
    if ctx.global.format == Format::Json {
        let mut value = json!({ "hash": hash, "plan": plan });
        mask_json(&mut value, &mask);
        return ctx.out(&format!("{}\n", serde_json::to_string_pretty(&value)?));
    }
    let record = |r: &crate::model::RecordRef| {
        let parts = [Some(r.record_type.as_str()), r.key.as_deref(), r.id.as_deref(), r.path.as_deref()];
        mask(&parts.into_iter().flatten().collect::<Vec<_>>().join(" "))
    };
    let mut rows = Vec::new();
    for step in &plan.steps {
        let mut fields: Vec<&str> = step.edits.iter().map(|e| e.field.as_str()).filter(|f| !f.is_empty()).collect();
        fields.dedup();
        let mut rules: Vec<&str> = step.edits.iter().map(|e| e.rule.as_str()).collect();
        rules.dedup();
        let what = match step.operation {
            Operation::Edit => "edit",
            Operation::Delete => "delete",
        };
        rows.push(vec![
            step.number.to_string(),
            step.place.to_string(),
            record(&step.record),
            what.to_owned(),
            mask(&fields.join(", ")),
            format!("{}: {}", rules.join(", "), step.notes.join("; ")),
        ]);
    }
    for stays in &plan.standing {
        let who = stays.who.as_ref().map(|w| format!(" (ask {w})")).unwrap_or_default();
        rows.push(vec![
            stays.finding.clone(),
            stays.place.to_string(),
            record(&stays.record),
            word(stays.outcome).to_owned(),
            mask(&stays.field),
            format!("{}: {}{who}", stays.rule, stays.why),
        ]);
    }
    ctx.out(&table::rows(ctx.global.format, &["step", "place", "record", "what", "fields", "why"], &rows)?)
}

fn mask_json(value: &mut serde_json::Value, mask: &dyn Fn(&str) -> String) {
    match value {
        serde_json::Value::String(s) => *s = mask(s),
        serde_json::Value::Array(items) => items.iter_mut().for_each(|v| mask_json(v, mask)),
        serde_json::Value::Object(map) => map.values_mut().for_each(|v| mask_json(v, mask)),
        _ => {}
    }
}

fn review(
    room: &Room,
    ctx: &Context,
    id: &CaseId,
    findings: &[String],
    erase: Option<&str>,
    keep: Option<String>,
    other_person: Option<String>,
) -> anyhow::Result<ExitCode> {
    let case = room.live(id)?;
    let (plan, _) = room.plan(&case)?;
    let open: Vec<_> = plan.open_reviews().collect();
    let decision = match (erase, keep, other_person) {
        (Some("delete"), ..) => Some((Decision::Delete, "decided by a person: delete".to_owned())),
        (Some(_), ..) => Some((Decision::Redact, "decided by a person: redact".to_owned())),
        (_, Some(basis), _) => Some((Decision::Keep, format!("kept: {basis}"))),
        (.., Some(reason)) => Some((Decision::Keep, format!("another person's: {reason}"))),
        _ => None,
    };
    let Some(decision) = decision else {
        let mask = work::masker(&[room.subject(id)?]);
        let rows: Vec<Vec<String>> = open
            .iter()
            .map(|s| {
                let key = s.record.key.clone().or_else(|| s.record.path.as_deref().map(&mask)).unwrap_or_default();
                vec![
                    s.finding.clone(),
                    s.place.to_string(),
                    format!("{} {key}", s.record.record_type.as_str()),
                    mask(&s.field),
                    mask(&s.locator),
                    s.why.clone(),
                ]
            })
            .collect();
        ctx.out(&table::rows(ctx.global.format, &["finding", "place", "record", "field", "locator", "why"], &rows)?)?;
        return Ok(ExitCode::SUCCESS);
    };
    if findings.is_empty() {
        return Err(Failure::Usage("name the findings to decide, as `efface case review ID` lists them".into()).into());
    }
    let mut reviews: Reviews = room.store.case_note(id, "reviews")?.unwrap_or_default();
    for finding in findings {
        if !open.iter().any(|s| s.finding == *finding) {
            return Err(Failure::Usage(format!("{finding} is no open review of the current plan")).into());
        }
        reviews.insert(finding.clone(), decision.clone());
    }
    room.store.put_case_note(id, "reviews", ctx.now, &reviews)?;
    let detail = json!({ "findings": findings, "decision": decision.0 });
    ctx.act(|act| room.store.audit(act, "case.reviewed", Some(id.as_str()), detail))?;
    ctx.say(format!("{} decided. Make the plan again: efface case plan {id}", findings.len()));
    Ok(ExitCode::SUCCESS)
}

fn approve(
    room: &Room,
    ctx: &Context,
    id: &CaseId,
    wanted: Option<&str>,
    raise_cap: Option<u64>,
) -> anyhow::Result<ExitCode> {
    let case = room.live(id)?;
    let (plan, hash) = room.plan(&case)?;
    if wanted.is_some_and(|w| w != hash) {
        return Err(Failure::Refused(format!(
            "the current plan is {hash}, not the one you reviewed; look at it again"
        ))
        .into());
    }
    if !matches!(case.state, CaseState::Planned | CaseState::Approved) {
        return Err(Failure::Refused(format!(
            "case {id} is {}; only a plan that is not begun can be approved",
            case.state.as_str()
        ))
        .into());
    }
    let actor = ctx.actor();
    let same = actor == plan.planned_by;
    if plan.policy.four_eyes && same {
        return Err(Failure::Refused(format!(
            "the policy {} asks for four eyes: {actor} made the plan, so another person has to approve it (--actor NAME)",
            plan.policy.name
        ))
        .into());
    }
    let steps = plan.steps.len() as u64;
    if let Some(cap) = plan.policy.cap_records.filter(|cap| steps > *cap) {
        match raise_cap {
            Some(raised) if raised >= steps && !same => {}
            Some(_) if same => {
                return Err(
                    Failure::Refused("the cap can be raised by a second person only (--actor NAME)".into()).into()
                );
            }
            _ => {
                return Err(Failure::Refused(format!(
                    "the plan changes {steps} records, the policy's cap is {cap}; a second person may raise it for this \
                     plan: efface case approve {id} --raise-cap {steps}"
                ))
                .into());
            }
        }
    }
    if let Some((place, share)) = plan.over_share().filter(|_| raise_cap.is_none() || same) {
        return Err(Failure::Refused(format!(
            "the plan changes {:.0} % of the issues of {place}, more than the policy's cap; a second person may raise it for \
             this plan: efface case approve {id} --raise-cap {steps} --actor NAME",
            share * 100.0
        ))
        .into());
    }
    ctx.act(|act| room.store.approve(act, id, &hash, raise_cap))?;
    ctx.say(format!("Approved by {actor}: plan {hash}. Next: efface case execute {id} --yes"));
    Ok(ExitCode::SUCCESS)
}

async fn execute(room: &Room, ctx: &Context, id: &CaseId, yes: bool, dry_run: bool) -> anyhow::Result<ExitCode> {
    let case = room.live(id)?;
    let (plan, hash) = room.plan(&case)?;
    let subject = room.subject(id)?;
    if dry_run {
        print_plan(ctx, &plan, &hash, &[subject])?;
        return Ok(ExitCode::SUCCESS);
    }
    if room.store.approvals(&hash)?.is_empty() {
        return Err(
            Failure::Refused(format!("plan {hash} is not approved; approve it: efface case approve {id}")).into()
        );
    }
    if !yes {
        return Err(Failure::Refused(format!(
            "this changes {} records, some of them for good; say --yes to do it, --dry-run to look",
            plan.steps.len()
        ))
        .into());
    }
    let _lock = Lock::acquire(&room.config.state.join("execute.lock"), Duration::from_secs(1))
        .map_err(|e| Failure::Refused(e.to_string()))?;
    // From here on no door lets the person in again, whatever happens in between (law 5).
    Suppression::add(&room.store, id, &subject, ctx.now)?;
    let mut usable = BTreeMap::new();
    for (name, client) in work::clients(room.config.instances.values(), true) {
        match client {
            Ok(client) => drop(usable.insert(name, client)),
            Err(why) => ctx.say(format!("{name}: {why}")),
        }
    }
    let executors =
        Executors { config: &room.config, store: &room.store, clients: &usable, placeholder: &plan.policy.placeholder };
    let actor = ctx.actor();
    let run = Run {
        store: &room.store,
        case: id,
        hash: &hash,
        actor: &actor,
        now: &Utc::now,
        executors: &executors,
        needles: &needles(&subject),
    };
    let progress = work::Progress::new(ctx);
    let total = plan.steps.len();
    let done = run.execute(&plan, |n| progress.text(format!("step {n} of {total}"))).await?;
    drop(progress);
    room.store.checkpoint()?;
    let rows: Vec<Vec<String>> = execute::outcomes(&plan, &room.store.steps(id, &hash)?)
        .into_iter()
        .map(|(place, outcome, n)| vec![place, word(outcome).to_owned(), n.to_string()])
        .collect();
    ctx.out(&table::rows(ctx.global.format, &["place", "outcome", "findings"], &rows)?)?;
    let mask = work::masker(&[subject]);
    for p in &done.problems {
        ctx.say(format!("step {} at {}: {}", p.step, p.place, mask(&p.what)));
    }
    ctx.say(format!("{} of {total} steps done, {} failed, {} refused.", done.done, done.failed, done.refused));
    Ok(ExitCode::from(if done.refused > 0 {
        4
    } else if done.failed > 0 || !plan.is_complete() {
        3
    } else {
        ctx.say(format!("Next: efface case verify {id}"));
        0
    }))
}

async fn verify(room: &Room, ctx: &Context, id: &CaseId) -> anyhow::Result<ExitCode> {
    let case = room.live(id)?;
    let (plan, hash) = room.plan(&case)?;
    if !matches!(case.state, CaseState::Executing | CaseState::Executed | CaseState::Verified) {
        return Err(Failure::Refused(format!("case {id} is {}; execute its plan first", case.state.as_str())).into());
    }
    let subject = room.subject(id)?;
    let clients = work::clients(room.config.instances.values(), false);
    let verification = {
        let mut progress = work::Progress::new(ctx);
        let verify = Verify {
            config: &room.config,
            store: &room.store,
            clients: &clients,
            needles: &needles(&subject),
            plan: &plan,
        };
        verify.run(&hash, stamp(ctx.now), |place, n| progress.place("verifying", place, n)).await
    };
    let unexpected: u64 = verification.unexpected().map(|r| r.count).sum();
    room.store.put_case_note(id, "verification", ctx.now, &verification)?;
    let detail = json!({
        "plan": hash, "unexpected": unexpected, "listed": verification.remaining.len() as u64 - verification.unexpected().count() as u64,
        "complete": verification.is_complete(), "near_misses": verification.near_misses,
    });
    let executed = case.state != CaseState::Executing;
    if unexpected == 0 && executed {
        ctx.act(|act| room.store.set_case_state(act, id, CaseState::Verified, detail))?;
    } else {
        if case.state == CaseState::Verified {
            ctx.act(|act| room.store.set_case_state(act, id, CaseState::Executed, json!({ "reopened": true })))?;
        }
        ctx.act(|act| room.store.audit(act, "case.verification-failed", Some(id.as_str()), detail))?;
    }
    let mask = work::masker(&[subject]);
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

fn verified(room: &Room, id: &CaseId) -> anyhow::Result<(Case, Plan, String, Verification)> {
    let case = room.live(id)?;
    let (plan, hash) = room.plan(&case)?;
    let verification: Option<Verification> = room.store.case_note(id, "verification")?;
    match verification.filter(|v| v.plan == hash) {
        Some(v) if case.state == CaseState::Verified => Ok((case, plan, hash, v)),
        _ => Err(Failure::Refused(format!("case {id} is not verified; run: efface case verify {id}")).into()),
    }
}

fn certify(room: &Room, ctx: &Context, id: &CaseId) -> anyhow::Result<ExitCode> {
    let (case, plan, hash, verification) = verified(room, id)?;
    ctx.act(|act| room.store.audit(act, "case.certified", Some(id.as_str()), json!({ "plan": hash })))?;
    let certificate = Certificate::make(
        room.store.keys(),
        certificate::Input {
            case: &case,
            plan: &plan,
            hash: &hash,
            rows: &room.store.steps(id, &hash)?,
            approvals: room.store.approvals(&hash)?,
            verification: &verification,
            audit_head: room.store.audit_head()?,
            issued_at: stamp(ctx.now),
        },
    );
    let text = format!("{}\n", serde_json::to_string_pretty(&certificate)?);
    // The last guard of law 6: a certificate that names the person is not written.
    if !needles(&room.subject(id)?).hits(text.as_bytes()).is_empty() {
        return Err(anyhow::anyhow!("the certificate would name the person; this is a bug, it was not written"));
    }
    ctx.out(&text)?;
    if let Some(path) = &ctx.global.output {
        let beside = |extension: &str| {
            let mut name = path.clone().into_os_string();
            name.push(extension);
            std::path::PathBuf::from(name)
        };
        crate::fs::write_atomic(&beside(".sig"), certificate::sign(room.store.keys(), text.as_bytes())?.as_bytes())?;
        let signer = certificate::allowed_signer(room.store.keys())?;
        crate::fs::write_atomic(&beside(".allowed_signers"), signer.as_bytes())?;
        let p = path.display();
        ctx.say(format!(
            "Check it anywhere: ssh-keygen -Y verify -f {p}.allowed_signers -I efface -n {} -s {p}.sig < {p}",
            certificate::NAMESPACE
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn close(room: &Room, ctx: &Context, id: &CaseId, accept_gaps: Option<&str>) -> anyhow::Result<ExitCode> {
    let (_, plan, _, verification) = verified(room, id)?;
    let reviews = plan.open_reviews().count();
    if reviews > 0 {
        return Err(Failure::Refused(format!(
            "{reviews} findings are still to be decided; decide them: efface case review {id}, then plan again"
        ))
        .into());
    }
    let gaps: Vec<_> = verification.coverage.iter().filter(|c| !c.status.is_complete()).collect();
    if !gaps.is_empty() && accept_gaps.is_none() {
        let list: Vec<String> = gaps.iter().map(|g| g.place.to_string()).collect();
        return Err(Failure::Refused(format!(
            "not everything was read: {}; sign it off with --accept-gaps REASON, or verify again",
            list.join(", ")
        ))
        .into());
    }
    let subject = room.subject(id)?;
    let detail =
        json!({ "accepted_gaps": gaps.iter().map(|g| g.place.to_string()).collect::<Vec<_>>(), "reason": accept_gaps });
    ctx.act(|act| room.store.end_case(act, id, CaseState::Closed, detail))?;
    room.store.forget_subject(subject.key.reveal())?;
    ctx.say("Closed: the identifiers in the case and in the register are destroyed; the suppression list goes on.");
    Ok(ExitCode::SUCCESS)
}

fn end(room: &Room, ctx: &Context, id: &CaseId, state: CaseState, reason: &str) -> anyhow::Result<ExitCode> {
    let case = room.live(id)?;
    if matches!(case.state, CaseState::Executing) {
        return Err(Failure::Refused(format!("case {id} is being executed; finish that first")).into());
    }
    // The reason is a person's free text and may quote the subject: it is told without what names the person.
    let reason = work::masker(&[room.subject(id)?])(reason);
    ctx.act(|act| room.store.end_case(act, id, state, json!({ "reason": reason })))?;
    ctx.say(format!("Case {id} is {}; its identifiers are destroyed.", state.as_str()));
    Ok(ExitCode::SUCCESS)
}

//! `case approve`, and what an approval allows: signatures, expiry, the wait before what cannot be undone.
//!
//! Reads the signers' file and the clock for `erasure/approval`, which decides.

use std::{io::Read, path::Path, process::ExitCode};

use chrono::{DateTime, Utc};

use super::{Room, stamp};
use crate::{
    cli::{Context, Failure},
    erasure::{
        approval::{self, Refusal},
        plan::{Plan, Step},
        signers::{NAMESPACE, Signers},
    },
    model::{CaseId, EXCEPTIONS},
    policy::{CaseRules, Policy, Requirement},
    store::{Act, Case, CaseState, Signed, StepRow, StepState},
};

/// The largest signature that is read, in bytes; a real one has some hundred.
const MOST_BYTES: u64 = 64 * 1024;

/// What `case approve` was asked to do.
pub(super) struct How<'a> {
    /// The hash that was reviewed.
    pub(super) wanted: Option<&'a str>,
    /// The cap for this plan alone.
    pub(super) raise_cap: Option<u64>,
    /// Only write the statement.
    pub(super) statement: bool,
    /// The signature's file.
    pub(super) signature: Option<&'a Path>,
}

/// The signers' file as it is now.
fn file(room: &Room) -> anyhow::Result<Option<Vec<u8>>> {
    let Some(path) = &room.config.signers else { return Ok(None) };
    let wrong = |e| Failure::Usage(format!("cannot read the signers' file {} ([home] signers): {e}", path.display()));
    Ok(Some(std::fs::read(path).map_err(wrong)?))
}

/// As [`file`], where a plan may not need it: what cannot be read is missing, and the plan says whether that matters.
fn file_if_any(room: &Room) -> Option<Vec<u8>> {
    file(room).ok().flatten()
}

/// The hash of the signers' file that a new plan pins.
pub(super) fn pin(room: &Room, policy: &Policy) -> anyhow::Result<Option<String>> {
    match file(room)? {
        Some(bytes) => {
            let signers = Signers::parse(&bytes).map_err(|e| Failure::Usage(e.to_string()))?;
            Ok(Some(signers.sha256().to_owned()))
        }
        None if policy.approval().signatures => Err(Failure::Usage(format!(
            "the policy {} asks for signed approvals, and the configuration does not say who may sign: name a file in \
             OpenSSH's allowed_signers format ([home] signers = \"allowed_signers\")",
            policy.name()
        ))
        .into()),
        None => Ok(None),
    }
}

fn refused(id: &CaseId, why: &Refusal) -> anyhow::Error {
    let next = match why {
        Refusal::Signature(_) | Refusal::Signers(_) | Refusal::PlannersKey(_) => String::new(),
        Refusal::Unapproved | Refusal::Unsigned | Refusal::Cap => format!("; approve it: efface case approve {id}"),
        Refusal::Expired { .. } | Refusal::Unpinned | Refusal::Missing | Refusal::Changed(_) => {
            format!(": efface case plan {id}")
        }
    };
    Failure::Refused(format!("{why}{next}")).into()
}

fn how_to_sign(id: &CaseId, raise_cap: Option<u64>) -> String {
    let cap = raise_cap.map(|n| format!(" --raise-cap {n}")).unwrap_or_default();
    format!(
        "  efface case approve {id} --statement{cap} -o approval.json\n  \
         ssh-keygen -Y sign -n {NAMESPACE} -f KEY approval.json\n  \
         efface case approve {id} --signature approval.json.sig{cap}"
    )
}

fn read_signature(path: &Path) -> anyhow::Result<String> {
    let wrong = |e: std::io::Error| Failure::Usage(format!("cannot read the signature {}: {e}", path.display()));
    let mut text = String::new();
    if path.as_os_str() == "-" {
        std::io::stdin().take(MOST_BYTES).read_to_string(&mut text).map_err(wrong)?;
    } else {
        let file = std::fs::File::open(path).map_err(wrong)?;
        file.take(MOST_BYTES).read_to_string(&mut text).map_err(wrong)?;
    }
    Ok(text)
}

/// Whom the person at the terminal named as the approver, beyond who works there anyway.
fn named_actor(ctx: &Context) -> Option<&str> {
    let usual = std::env::var("EFFACE_ACTOR").ok();
    ctx.global.actor.as_deref().filter(|a| usual.as_deref() != Some(*a))
}

/// What the plan's policy wants on record before anything is approved.
fn missing(case: &Case, rules: &CaseRules) -> anyhow::Result<()> {
    let id = &case.id;
    if rules.wants(Requirement::Ground) && case.record.grounds.is_empty() {
        return Err(Failure::Refused(format!(
            "the policy wants the ground on record (Art. 17(1)): efface case assess {id} --ground LETTER"
        ))
        .into());
    }
    let looked: Vec<char> = case.record.exceptions.iter().map(|e| e.letter).collect();
    let left: Vec<String> =
        EXCEPTIONS.iter().filter(|(l, _)| !looked.contains(l)).map(|(l, what)| format!("({l}) {what}")).collect();
    if rules.wants(Requirement::Exceptions) && !left.is_empty() {
        return Err(Failure::Refused(format!(
            "the policy wants every exception of Art. 17(3) looked at; not on record: {}. \
             efface case assess {id} --exception LETTER=no:WHY",
            left.join(", ")
        ))
        .into());
    }
    Ok(())
}

pub(super) fn approve(room: &Room, ctx: &Context, id: &CaseId, how: &How<'_>) -> anyhow::Result<ExitCode> {
    let case = room.erasure(id)?;
    let (plan, hash) = room.plan(&case)?;
    if how.wanted.is_some_and(|w| w != hash) {
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
    approval::is_fresh(&plan, ctx.now).map_err(|e| refused(id, &e))?;
    missing(&case, &plan.policy.case)?;
    if how.statement {
        approval::signers(&plan, file(room)?.as_deref()).map_err(|e| refused(id, &e))?;
        within_caps(id, &plan, how.raise_cap, false)?;
        ctx.out(&approval::statement(&plan, &hash, how.raise_cap))?;
        ctx.say(format!("Nothing is approved yet. Sign it and hand it in:\n{}", how_to_sign(id, how.raise_cap)));
        return Ok(ExitCode::SUCCESS);
    }
    let signer = match how.signature {
        Some(path) => {
            let signature = read_signature(path)?;
            let signers = approval::signers(&plan, file(room)?.as_deref()).map_err(|e| refused(id, &e))?;
            let claimed = named_actor(ctx);
            let signer = approval::signer(&plan, &hash, how.raise_cap, &signers, &signature, ctx.now, claimed)
                .map_err(|e| refused(id, &e))?;
            Some(signer)
        }
        None if plan.policy.signatures => {
            return Err(Failure::Refused(format!(
                "the policy {} asks for a signed approval; the approver writes the statement, signs it and hands it in:\n{}",
                plan.policy.name,
                how_to_sign(id, how.raise_cap)
            ))
            .into());
        }
        None => None,
    };
    let actor = signer.as_ref().map_or_else(|| ctx.actor(), |s| s.principal.clone());
    let same = actor == plan.planned_by;
    if plan.policy.four_eyes && same {
        return Err(Failure::Refused(format!(
            "the policy {} asks for four eyes: {actor} made the plan, so another person has to approve it (--actor NAME)",
            plan.policy.name
        ))
        .into());
    }
    within_caps(id, &plan, how.raise_cap, same)?;
    let signed = signer.map(|s| Signed {
        namespace: NAMESPACE.to_owned(),
        fingerprint: s.fingerprint,
        public_key: s.public_key,
        statement: approval::statement(&plan, &hash, how.raise_cap),
        signature: s.signature,
    });
    let here = ctx.actor();
    let brought_by = signed.as_ref().map(|_| here.as_str());
    let act = Act { actor: &actor, at: ctx.now };
    room.store.approve(&act, id, &hash, how.raise_cap, signed.as_ref(), brought_by)?;
    let key = signed.map(|s| format!(", with the key {}", s.fingerprint)).unwrap_or_default();
    ctx.say(format!("Approved by {actor}{key}: plan {hash}. Next: efface case execute {id} --yes"));
    Ok(ExitCode::SUCCESS)
}

/// Whether the plan keeps to the policy's caps, or a second person raises them for it; `same` is whether whoever approves
/// made the plan.
fn within_caps(id: &CaseId, plan: &Plan, raise_cap: Option<u64>, same: bool) -> anyhow::Result<()> {
    let records = plan.records();
    if let Some(cap) = plan.policy.cap_records.filter(|cap| records > *cap) {
        match raise_cap {
            Some(raised) if raised >= records && !same => {}
            Some(_) if same => {
                return Err(
                    Failure::Refused("the cap can be raised by a second person only (--actor NAME)".into()).into()
                );
            }
            _ => {
                return Err(Failure::Refused(format!(
                    "the plan changes {records} records, the policy's cap is {cap}; a second person may raise it for this \
                     plan: efface case approve {id} --raise-cap {records}"
                ))
                .into());
            }
        }
    }
    if let Some((place, share)) = plan.over_share().filter(|_| raise_cap.is_none() || same) {
        return Err(Failure::Refused(format!(
            "the plan changes {:.0} % of the issues of {place}, more than the policy's cap; a second person may raise it for \
             this plan: efface case approve {id} --raise-cap {records} --actor NAME",
            share * 100.0
        ))
        .into());
    }
    Ok(())
}

/// What an execution may do now.
pub(super) struct Leave {
    /// From when on steps that cannot be undone may run, where that is not yet.
    not_before: Option<DateTime<Utc>>,
    /// Why the approval no longer holds, in the middle of a run: then only what was cut off is finished.
    void: Option<Refusal>,
}

impl Leave {
    pub(super) fn postpones(&self, step: &Step, row: Option<&StepRow>) -> bool {
        // Its intent is on disk and it may have happened by half: that is ended in any case (law 8).
        let cut_off = row.is_some_and(|r| r.state == StepState::Begun);
        !cut_off && (self.void.is_some() || self.not_before.is_some() && step.cannot_be_undone())
    }

    /// Whether the approval no longer holds.
    pub(super) const fn is_void(&self) -> bool {
        self.void.is_some()
    }

    /// Why steps are left, and what to do.
    pub(super) fn why(&self, id: &CaseId, steps: u32) -> String {
        match (&self.void, self.not_before) {
            (Some(why), _) => format!("{steps} steps are not begun: {why} (efface case plan {id})"),
            (None, Some(at)) => format!(
                "{steps} steps cannot be undone and wait until {}; then: efface case execute {id} --yes",
                stamp(at)
            ),
            (None, None) => String::new(),
        }
    }
}

/// Asks plan, approvals and signers' file what may be done now.
pub(super) fn leave(room: &Room, ctx: &Context, case: &Case, plan: &Plan, hash: &str) -> anyhow::Result<Leave> {
    let id = &case.id;
    let rows = room.store.steps(id, hash)?;
    let approvals = room.store.approvals(hash)?;
    let begun = case.state == CaseState::Executing || !rows.is_empty();
    let void = approval::holds(plan, hash, &approvals, file_if_any(room).as_deref()).err();
    if let Some(why) = &void
        && !rows.iter().any(|r| r.state == StepState::Begun)
    {
        return Err(refused(id, why));
    }
    if !begun {
        approval::is_fresh(plan, ctx.now).map_err(|e| refused(id, &e))?;
    }
    Ok(Leave { not_before: approval::waits_until(plan, &approvals).filter(|at| ctx.now < *at), void })
}

/// Whether a plan whose execution has begun may be replaced although no step of it failed: where its approval no longer
/// holds, or steps of it wait.
pub(super) fn may_plan_again(room: &Room, ctx: &Context, case: &Case) -> anyhow::Result<bool> {
    let (plan, hash) = room.plan(case)?;
    let approvals = room.store.approvals(&hash)?;
    let void = approval::holds(&plan, &hash, &approvals, file_if_any(room).as_deref()).is_err();
    Ok(void || approval::waits_until(&plan, &approvals).is_some_and(|at| ctx.now < at))
}

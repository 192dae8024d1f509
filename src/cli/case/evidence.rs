//! `case certificate` and `case close`: the proof, and the end.

use std::process::ExitCode;

use serde_json::json;

use super::{Room, needles, stamp};
use crate::{
    cli::{Context, Failure},
    erasure::{
        certificate::{self, Certificate},
        execute,
        plan::Plan,
        verify::Verification,
    },
    model::CaseId,
    store::{Case, CaseState},
};

pub(super) fn verified(room: &Room, id: &CaseId) -> anyhow::Result<(Case, Plan, String, Verification)> {
    let case = room.live(id)?;
    let (plan, hash) = room.plan(&case)?;
    let verification: Option<Verification> = room.store.case_note(id, "verification")?;
    match verification.filter(|v| v.plan == hash) {
        Some(v) if case.state == CaseState::Verified => Ok((case, plan, hash, v)),
        _ => Err(Failure::Refused(format!("case {id} is not verified; run: efface case verify {id}")).into()),
    }
}

pub(super) fn certify(room: &Room, ctx: &Context, id: &CaseId) -> anyhow::Result<ExitCode> {
    let (case, plan, hash, verification) = verified(room, id)?;
    ctx.act(|act| room.store.audit(act, "case.certified", Some(id.as_str()), json!({ "plan": hash })))?;
    let certificate = Certificate::make(
        room.store.keys(),
        certificate::Input {
            case: &case,
            plan: &plan,
            hash: &hash,
            outcomes: execute::outcomes(&room.store, id, &plan, &hash)?,
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

pub(super) fn close(room: &Room, ctx: &Context, id: &CaseId, accept_gaps: Option<&str>) -> anyhow::Result<ExitCode> {
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
    let accept_gaps = accept_gaps.map(crate::cli::work::masker(std::slice::from_ref(&subject)));
    let detail =
        json!({ "accepted_gaps": gaps.iter().map(|g| g.place.to_string()).collect::<Vec<_>>(), "reason": accept_gaps });
    ctx.act(|act| room.store.end_case(act, id, CaseState::Closed, detail))?;
    room.store.forget_subject(subject.key.reveal())?;
    ctx.say("Closed: the identifiers in the case and in the register are destroyed; the suppression list goes on.");
    Ok(ExitCode::SUCCESS)
}

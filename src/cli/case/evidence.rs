//! `case certificate` and `case close`: the proof, and the end.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::ExitCode,
};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Room, needles, notice, stamp, word};
use crate::{
    cli::{Context, Failure, Format, output::write_out},
    erasure::{
        aftercare::{Facts, pending},
        certificate::{self, Certificate},
        execute,
        plan::Plan,
        verify::Verification,
    },
    holds::{Holds, Spot},
    model::{CaseId, CaseKind, CaseState, Outcome, Subject},
    policy::Requirement,
    report,
    store::Case,
};

pub(super) fn verified(room: &Room, id: &CaseId) -> anyhow::Result<(Case, Plan, String, Verification)> {
    let case = room.erasure(id)?;
    let (plan, hash) = room.plan(&case)?;
    let verification: Option<Verification> = room.store.case_note(id, "verification")?;
    let stands = matches!(case.state, CaseState::Verified | CaseState::Answered | CaseState::Aftercare);
    match verification.filter(|v| v.plan == hash) {
        Some(v) if stands => Ok((case, plan, hash, v)),
        _ => Err(Failure::Refused(format!("case {id} is not verified; run: efface case verify {id}")).into()),
    }
}

/// Write the signed certificate (`-o FILE` also writes FILE.sig and FILE.allowed_signers).
///
/// JSON (`efface.certificate/1`), signed as it stands. With --format html -o FILE.html it comes as a page to print too, with
/// the signed JSON beside it, in FILE.json. Check it with `ssh-keygen -Y verify`, or with `efface audit verify --certificate`.
#[derive(Debug, clap::Args)]
pub(super) struct CertificateArgs {
    /// The case.
    #[arg(required_unless_present_any = ["from", "schema"])]
    id: Option<CaseId>,
    /// Make the page of a certificate that was issued before, with --format html.
    #[arg(long, value_name = "FILE", conflicts_with = "id")]
    from: Option<PathBuf>,
    /// Print the JSON Schema of certificates.
    #[arg(long, conflicts_with_all = ["id", "from"])]
    schema: bool,
}

/// The JSON Schema of [`certificate::SCHEMA`].
const JSON_SCHEMA: &str = include_str!("../../../schemas/certificate-1.json");

pub(super) fn certificate(args: &CertificateArgs, room: &Room, ctx: &Context) -> anyhow::Result<ExitCode> {
    let html = ctx.global.format == Format::Html;
    match (&args.id, &args.from) {
        (Some(id), _) if html => page(room, ctx, id),
        (Some(id), _) => {
            let (_, text) = issue(room, ctx, id)?;
            ctx.out(&text)?;
            if let Some(path) = &ctx.global.output {
                sign_beside(room, ctx, path, &text)?;
            }
            notice::remind(room, ctx, &room.case(id)?)?;
            Ok(ExitCode::SUCCESS)
        }
        (None, Some(file)) => {
            if !html {
                return Err(Failure::Usage("--from makes a page of a certificate: add --format html".into()).into());
            }
            let text = std::fs::read_to_string(file)
                .map_err(|e| Failure::Usage(format!("cannot read {}: {e}", file.display())))?;
            let certificate: Certificate = serde_json::from_str(&text)
                .map_err(|e| Failure::Usage(format!("{} is no certificate: {e}", file.display())))?;
            ctx.out(&report::certificate::html(&certificate, &sha256(&text), &name(file)))?;
            Ok(ExitCode::SUCCESS)
        }
        (None, None) => {
            ctx.out(JSON_SCHEMA)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// The certificate with its page. The page is no proof without the JSON that is signed, so both are written.
fn page(room: &Room, ctx: &Context, id: &CaseId) -> anyhow::Result<ExitCode> {
    let Some(page) = &ctx.global.output else {
        return Err(Failure::Usage(
            "the page goes with the JSON that is signed, so both need a file: --format html -o FILE.html writes FILE.json too"
                .into(),
        )
        .into());
    };
    let json = page.with_extension("json");
    if json == *page {
        return Err(Failure::Usage("give the page another name than .json: -o FILE.html".into()).into());
    }
    if json.exists() {
        let (json, page) = (json.display(), page.display());
        return Err(Failure::Refused(format!(
            "{json} exists, and is not overwritten; for the page of that certificate: efface case certificate --from {json} \
             --format html -o {page}"
        ))
        .into());
    }
    let (certificate, text) = issue(room, ctx, id)?;
    write_out(text.as_bytes(), Some(&json))?;
    sign_beside(room, ctx, &json, &text)?;
    ctx.out(&report::certificate::html(&certificate, &sha256(&text), &name(&json)))?;
    notice::remind(room, ctx, &room.case(id)?)?;
    Ok(ExitCode::SUCCESS)
}

fn sha256(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}

fn name(file: &Path) -> String {
    file.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Issues the certificate of a verified case; gives it with the bytes that are signed.
fn issue(room: &Room, ctx: &Context, id: &CaseId) -> anyhow::Result<(Certificate, String)> {
    let (case, plan, hash, verification) = verified(room, id)?;
    // Counts outlive the case's key, for the reports over a period.
    let counted = execute::outcomes(&room.store, id, &plan, &hash)?;
    let mut outcomes: BTreeMap<&str, u64> = BTreeMap::new();
    let mut residuals: BTreeMap<&str, u64> = BTreeMap::new();
    for (place, outcome, n) in &counted {
        *outcomes.entry(word(*outcome)).or_default() += n;
        if *outcome == Outcome::Residual {
            *residuals.entry(place).or_default() += n;
        }
    }
    let detail = json!({ "plan": hash, "outcomes": outcomes, "residuals": residuals });
    ctx.act(|act| room.store.audit(act, "case.certified", Some(id.as_str()), detail))?;
    let certificate = Certificate::make(
        room.store.keys(),
        certificate::Input {
            case: &case,
            plan: &plan,
            hash: &hash,
            outcomes: counted,
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
    Ok((certificate, text))
}

/// Writes the signature of a certificate's bytes, and who signs, beside its file.
fn sign_beside(room: &Room, ctx: &Context, path: &Path, text: &str) -> anyhow::Result<()> {
    let beside = |extension: &str| {
        let mut name = path.to_owned().into_os_string();
        name.push(extension);
        PathBuf::from(name)
    };
    crate::fs::write_atomic(&beside(".sig"), certificate::sign(room.store.keys(), text.as_bytes())?.as_bytes())?;
    let signer = certificate::allowed_signer(room.store.keys())?;
    crate::fs::write_atomic(&beside(".allowed_signers"), signer.as_bytes())?;
    let p = path.display();
    ctx.say(format!(
        "Check it anywhere: ssh-keygen -Y verify -f {p}.allowed_signers -I efface -n {} -s {p}.sig < {p}",
        certificate::NAMESPACE
    ));
    Ok(())
}

pub(super) fn close(room: &Room, ctx: &Context, id: &CaseId, accept_gaps: Option<&str>) -> anyhow::Result<ExitCode> {
    let case = room.live(id)?;
    let detail = match case.kind {
        CaseKind::Erasure => match may_close(room, ctx, id, accept_gaps)? {
            Ok(detail) => detail,
            Err(waits) => return Ok(waits),
        },
        // Nothing was changed for it: it is over when the person has the answer.
        CaseKind::Access | CaseKind::Restriction if case.state == CaseState::Answered => json!({}),
        CaseKind::Access | CaseKind::Restriction => {
            return Err(Failure::Refused(format!(
                "case {id} is {}: it closes when the person was answered: efface case reply {id}",
                case.state
            ))
            .into());
        }
    };
    let subject = room.subject(id)?;
    not_held(room, &case, &subject)?;
    if case.kind == CaseKind::Erasure {
        notice::before_close(room, ctx, &case)?;
        // What was redacted is there no more, so the index of where it went need not know either.
        let hashes = crate::trace::wanted(room.store.keys(), &subject).into_keys().collect();
        room.store.trace_settle(&hashes)?;
    }
    ctx.act(|act| room.store.end_case(act, id, CaseState::Closed, &case.record, detail))?;
    room.store.forget_subject(subject.key.reveal())?;
    ctx.say("Closed: the identifiers in the case and in the register are destroyed; the suppression list goes on.");
    if case.record.answered.is_none() {
        ctx.say("Nothing on record says that the person was answered (Art. 12(3)).");
    }
    Ok(ExitCode::SUCCESS)
}

/// A hold keeps the identifiers with the case, so that what it covers can still be found when it is released. A restriction
/// that the very case ordered does not: it holds keyed hashes of its own.
fn not_held(room: &Room, case: &Case, subject: &Subject) -> anyhow::Result<()> {
    let holds = Holds::load(&room.store)?;
    let mut because: Vec<String> = holds
        .naming(subject)
        .filter(|h| !(case.kind == CaseKind::Restriction && h.case.as_ref() == Some(&case.id)))
        .map(|h| h.id.to_string())
        .collect();
    if case.kind == CaseKind::Erasure {
        let (plan, _) = room.plan(case)?;
        for stands in &plan.standing {
            let spot = Spot {
                place: &stands.place,
                project: None,
                record: &stands.record,
                fields: &[stands.field.as_str()],
                whole: false,
            };
            because.extend(holds.covering(subject, &spot).map(|h| h.id.to_string()));
        }
        let waits = plan.standing.iter().filter(|s| s.outcome == Outcome::Held).count();
        if waits > 0 && because.is_empty() {
            return Err(Failure::Refused(format!(
                "{waits} findings were held, and the hold is released: plan them, efface case plan {}",
                case.id
            ))
            .into());
        }
    }
    because.sort_unstable();
    because.dedup();
    if because.is_empty() {
        return Ok(());
    }
    Err(Failure::Refused(format!(
        "case {} is held by {}: it closes, and its identifiers go, when that is released: efface hold list",
        case.id,
        because.join(", ")
    ))
    .into())
}

/// The detail of the closing event of an erasure, or the exit code where it still waits for something.
fn may_close(
    room: &Room,
    ctx: &Context,
    id: &CaseId,
    accept_gaps: Option<&str>,
) -> anyhow::Result<Result<Value, ExitCode>> {
    let (case, plan, _, verification) = verified(room, id)?;
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
    if plan.policy.case.wants(Requirement::Answer) && case.record.answered.is_none() {
        return Err(Failure::Refused(format!(
            "the policy wants the person answered before the case closes (Art. 12(3)): efface case reply {id}"
        ))
        .into());
    }
    let waits = pending(&plan.policy.case.aftercare, &facts(room, ctx, id, &verification)?);
    if !waits.is_empty() {
        let list: Vec<String> = waits.iter().map(ToString::to_string).collect();
        if case.state != CaseState::Aftercare {
            let detail = json!({ "waits_for": list });
            ctx.act(|act| room.store.set_case_state(act, id, CaseState::Aftercare, detail))?;
        }
        ctx.say(format!("Case {id} is in aftercare; its identifiers stay sealed. It waits for:"));
        for one in list {
            ctx.say(format!("- {one}"));
        }
        return Ok(Err(ExitCode::from(3)));
    }
    let accept_gaps = accept_gaps.map(crate::cli::work::masker(&[room.subject(id)?]));
    let places: Vec<String> = gaps.iter().map(|g| g.place.to_string()).collect();
    Ok(Ok(json!({ "accepted_gaps": places, "reason": accept_gaps })))
}

/// What is known of the case's execution and its last verification.
fn facts(room: &Room, ctx: &Context, id: &CaseId, verification: &Verification) -> anyhow::Result<Facts> {
    let time = |text: &str| text.parse::<DateTime<Utc>>();
    let verified = time(&verification.at)?;
    let executed = room.store.last_event(id.as_str(), "case.executed")?;
    let executed = executed.as_deref().map_or(Ok(verified), time)?;
    let ran = |at: &Option<String>| at.as_deref().map(time).transpose();
    let synced = verification
        .synced
        .iter()
        .map(|(name, at)| Ok((name.clone(), ran(at)?)))
        .collect::<Result<_, chrono::ParseError>>()?;
    Ok(Facts { executed, verified, synced, now: ctx.now })
}

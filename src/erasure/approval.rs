//! Approvals: what is signed, whether an approval still holds, and how long a plan does.
//!
//! Owns the approval statement `efface.approval/1` and the rules between plan, approvals, signers' file and time. Pure: the
//! file's bytes and the time are given; what the plan pins is asked, never a policy.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::{
    plan::Plan,
    signers::{SignatureError, Signer, Signers, SignersError},
};
use crate::{policy::Period, store::Approval};

/// Schema name of the statement that an approver signs.
pub const SCHEMA: &str = "efface.approval/1";

/// Why a plan cannot be approved or carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is too old.
    #[error("the plan was made at {made}, and by its policy a plan holds for {after}: plan again")]
    Expired {
        /// When it was made.
        made: String,
        /// How long it held.
        after: Period,
    },
    /// Nobody whose word counts has approved it.
    #[error("the plan is not approved")]
    Unapproved,
    /// The policy asks for signatures and there is none.
    #[error("the plan's approval is not signed, and the policy asks for that")]
    Unsigned,
    /// More than the policy's cap, and no second person raised it.
    #[error("the plan is above the policy's cap, and no second person raised it for this plan")]
    Cap,
    /// The plan was made without a signers' file.
    #[error(
        "the plan was made without a signers' file, so no signature can be checked: name the file in the configuration \
         ([home] signers = \"…\") and plan again"
    )]
    Unpinned,
    /// The configuration names none any more, or it cannot be read.
    #[error("the signers' file is not named any more, or cannot be read ([home] signers): put it back, or plan again")]
    Missing,
    /// The file is another one than at planning.
    #[error(
        "the signers' file is not the one that the plan was made with (SHA-256 {0}): put it back as it was, or plan again"
    )]
    Changed(String),
    /// The file cannot be understood.
    #[error("{0}")]
    Signers(#[from] SignersError),
    /// The signature does not count.
    #[error("{0}")]
    Signature(#[from] SignatureError),
    /// The key is the planner's too.
    #[error("the key {0} is also the planner's in the signers' file: another person's key has to sign")]
    PlannersKey(String),
}

/// The text that an approver signs, for a cap as raised: RFC 8785 JSON and a line break. It names no person.
#[must_use]
pub fn statement(plan: &Plan, hash: &str, cap: Option<u64>) -> String {
    let value = json!({
        "schema": SCHEMA, "case": plan.case, "plan": hash, "subject": plan.subject, "steps": plan.steps.len(), "cap": cap,
        "policy": plan.policy.sha256, "signers": plan.policy.signers_sha256,
    });
    let text = serde_json_canonicalizer::to_string(&value).unwrap_or_default();
    format!("{text}\n")
}

/// Whether the plan is young enough to be approved, or for its execution to begin.
///
/// # Errors
/// [`Refusal::Expired`], also when its time cannot be read.
pub fn is_fresh(plan: &Plan, now: DateTime<Utc>) -> Result<(), Refusal> {
    let Some(after) = plan.policy.expires else { return Ok(()) };
    let end = DateTime::parse_from_rfc3339(&plan.created_at).ok().map(|made| after.after(made.to_utc()));
    match end {
        // Beyond the calendar a period is never over.
        Some(None) => Ok(()),
        Some(Some(end)) if now <= end => Ok(()),
        _ => Err(Refusal::Expired { made: plan.created_at.clone(), after }),
    }
}

/// The signers that the plan was made with, from the file's bytes as they are now.
///
/// # Errors
/// When the plan pins none, the file is gone or another one, or cannot be understood.
pub fn signers(plan: &Plan, file: Option<&[u8]>) -> Result<Signers, Refusal> {
    let pinned = plan.policy.signers_sha256.as_ref().ok_or(Refusal::Unpinned)?;
    let signers = Signers::parse(file.ok_or(Refusal::Missing)?);
    // A changed file that cannot be read either is a changed file.
    match signers {
        Ok(signers) if signers.sha256() == pinned => Ok(signers),
        Err(error) if crate::erasure::executor::sha256(file.unwrap_or_default()) == *pinned => Err(error.into()),
        _ => Err(Refusal::Changed(pinned.clone())),
    }
}

/// Who signed the statement of this plan.
///
/// # Errors
/// Why the signature does not count.
pub fn signer(
    plan: &Plan,
    hash: &str,
    cap: Option<u64>,
    signers: &Signers,
    signature: &str,
    at: DateTime<Utc>,
    claimed: Option<&str>,
) -> Result<Signer, Refusal> {
    let signer = signers.verify(statement(plan, hash, cap).as_bytes(), signature, at, claimed)?;
    // One key is one person, under whatever names it stands in the file.
    let second = plan.policy.four_eyes || cap.is_some();
    if second && signers.is_of(&signer.public_key, &plan.planned_by) {
        return Err(Refusal::PlannersKey(signer.fingerprint));
    }
    Ok(signer)
}

/// Whether the approvals as stored still allow the plan to be carried out. Nothing in the store is believed that can be
/// computed again: signatures are checked once more, each as of the time when it was given.
///
/// # Errors
/// Why they do not.
pub fn holds(plan: &Plan, hash: &str, approvals: &[Approval], file: Option<&[u8]>) -> Result<(), Refusal> {
    if approvals.is_empty() {
        return Err(Refusal::Unapproved);
    }
    for approval in approvals {
        let Some(signed) = &approval.signed else { continue };
        let at = given(approval).ok_or(SignatureError::Mismatch)?;
        let signers = signers(plan, file)?;
        signer(plan, hash, approval.cap, &signers, &signed.signature, at, Some(&approval.actor))?;
    }
    let counting: Vec<&Approval> = counting(plan, approvals).collect();
    if counting.is_empty() {
        return Err(Refusal::Unsigned);
    }
    let second = |a: &&&Approval| a.actor != plan.planned_by;
    if plan.policy.four_eyes && !counting.iter().any(|a| second(&a)) {
        return Err(Refusal::Unapproved);
    }
    let records = plan.records();
    let above = plan.policy.cap_records.is_some_and(|cap| records > cap);
    let raised = counting.iter().filter(second).filter_map(|a| a.cap).max();
    if above && raised.is_none_or(|cap| cap < records) || plan.over_share().is_some() && raised.is_none() {
        return Err(Refusal::Cap);
    }
    Ok(())
}

/// From when on steps that cannot be undone may be carried out; `None` where the policy asks for no wait.
#[must_use]
pub fn waits_until(plan: &Plan, approvals: &[Approval]) -> Option<DateTime<Utc>> {
    let delay = plan.policy.delay?;
    let first = counting(plan, approvals).filter_map(given).min();
    // A time that cannot be read, or lies beyond the calendar, never comes.
    Some(first.and_then(|at| delay.after(at)).unwrap_or(DateTime::<Utc>::MAX_UTC))
}

fn counting<'a>(plan: &Plan, approvals: &'a [Approval]) -> impl Iterator<Item = &'a Approval> {
    let signed = plan.policy.signatures;
    approvals.iter().filter(move |a| !signed || a.signed.is_some())
}

fn given(approval: &Approval) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(&approval.at).ok().map(|at| at.to_utc())
}

#[cfg(test)]
mod tests {
    use ssh_key::{LineEnding, PrivateKey, private::Ed25519Keypair};

    use super::*;
    use crate::{erasure::signers::NAMESPACE, store::Signed};

    const HASH: &str = "aa";

    fn key(seed: u8) -> PrivateKey {
        PrivateKey::from(Ed25519Keypair::from_seed(&[seed; 32]))
    }

    fn file(lines: &[(&str, u8)]) -> Vec<u8> {
        let line = |(name, seed): &(&str, u8)| format!("{name} {}\n", key(*seed).public_key().to_openssh().unwrap());
        lines.iter().map(line).collect::<String>().into_bytes()
    }

    fn plan(signers: &[u8]) -> Plan {
        serde_json::from_value(json!({
            "schema": "efface.plan/1", "case": "C-01ARZ3NDEKTSV4RRFFQ69G5FAV", "subject": "p-1",
            "created_at": "2026-11-22T12:00:00.000Z", "planned_by": "admin",
            "policy": {
                "name": "x", "sha256": "y", "placeholder": "[erased]", "four_eyes": true, "cap_records": null,
                "cap_share": null, "signatures": true, "signers_sha256": crate::erasure::executor::sha256(signers),
                "expires": "14 days", "delay": "1 day",
            },
            "steps": [], "standing": [], "coverage": [], "issues": {},
        }))
        .unwrap()
    }

    fn signature(text: &str, seed: u8) -> String {
        key(seed).sign(NAMESPACE, ssh_key::HashAlg::Sha512, text.as_bytes()).unwrap().to_pem(LineEnding::LF).unwrap()
    }

    fn approval(plan: &Plan, actor: &str, seed: u8, cap: Option<u64>) -> Approval {
        let text = statement(plan, HASH, cap);
        let signed = Signed {
            namespace: NAMESPACE.into(),
            fingerprint: String::new(),
            public_key: String::new(),
            signature: signature(&text, seed),
            statement: text,
        };
        Approval { actor: actor.into(), at: "2026-11-23T12:00:00+00:00".into(), cap, signed: Some(signed) }
    }

    fn now(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn the_statement_is_canonical_and_names_the_plan() {
        let f = file(&[("dpo", 1)]);
        let text = statement(&plan(&f), HASH, Some(7));
        let sha = crate::erasure::executor::sha256(&f);
        assert_eq!(
            text,
            format!(
                "{{\"cap\":7,\"case\":\"C-01ARZ3NDEKTSV4RRFFQ69G5FAV\",\"plan\":\"aa\",\"policy\":\"y\",\
                 \"schema\":\"efface.approval/1\",\"signers\":\"{sha}\",\"steps\":0,\"subject\":\"p-1\"}}\n"
            )
        );
    }

    #[test]
    fn a_plan_expires() {
        let mut p = plan(b"");
        for (at, ok) in [
            ("2026-11-22T12:00:00Z", true),
            ("2026-12-06T12:00:00Z", true),
            ("2026-12-06T12:00:01Z", false),
            ("2027-12-06T12:00:01Z", false),
        ] {
            assert_eq!(is_fresh(&p, now(at)).is_ok(), ok, "{at}");
        }
        p.created_at = "yesterday".into();
        assert!(is_fresh(&p, now("2026-11-22T12:00:00Z")).is_err(), "what cannot be dated is old");
        p.policy.expires = None;
        assert!(is_fresh(&p, now("2036-11-22T12:00:00Z")).is_ok());
    }

    #[test]
    fn what_cannot_be_undone_waits_from_the_first_approval_that_counts() {
        let f = file(&[("dpo", 1)]);
        let mut p = plan(&f);
        let signed = approval(&p, "dpo", 1, None);
        let word = Approval { signed: None, at: "2026-11-22T13:00:00+00:00".into(), ..signed.clone() };
        assert_eq!(waits_until(&p, &[word.clone(), signed.clone()]), Some(now("2026-11-24T12:00:00Z")));
        p.policy.signatures = false;
        assert_eq!(waits_until(&p, &[word, signed]), Some(now("2026-11-23T13:00:00Z")));
        assert_eq!(waits_until(&p, &[]), Some(DateTime::<Utc>::MAX_UTC));
        p.policy.delay = None;
        assert_eq!(waits_until(&p, &[]), None);
    }

    #[test]
    fn an_approval_holds_only_as_it_was_given() {
        let f = file(&[("dpo", 1), ("boss", 3), ("admin", 2), ("alias", 2)]);
        let p = plan(&f);
        let good = approval(&p, "dpo", 1, None);
        let holds = |p: &Plan, a: &[Approval], f: Option<&[u8]>| super::holds(p, HASH, a, f);
        assert_eq!(holds(&p, std::slice::from_ref(&good), Some(&f)), Ok(()));
        assert_eq!(holds(&p, &[], Some(&f)), Err(Refusal::Unapproved));
        let mut edited = f.clone();
        edited.extend(b"# nothing\n");
        assert!(matches!(holds(&p, std::slice::from_ref(&good), Some(&edited)), Err(Refusal::Changed(_))));
        assert!(matches!(holds(&p, std::slice::from_ref(&good), Some(b"?")), Err(Refusal::Changed(_))));
        assert_eq!(holds(&p, std::slice::from_ref(&good), None), Err(Refusal::Missing));
        type Change = (fn(&mut Approval), &'static str);
        let changes: [Change; 5] = [
            (|a| a.actor = "boss".into(), "another's name"),
            (|a| a.actor = "nobody".into(), "a name that is not in the file"),
            (|a| a.cap = Some(9), "another cap"),
            (|a| a.at = "?".into(), "no time"),
            (|a| a.signed = None, "no signature"),
        ];
        for (change, what) in changes {
            let mut a = good.clone();
            change(&mut a);
            assert!(holds(&p, &[a], Some(&f)).is_err(), "{what}");
        }
        // Another plan's, with the same hash claimed.
        let mut other = p.clone();
        other.subject.push('x');
        assert!(holds(&other, std::slice::from_ref(&good), Some(&f)).is_err());
        assert!(super::holds(&p, "bb", std::slice::from_ref(&good), Some(&f)).is_err());
        // The planner under another name, with the same key; and with a key of the planner's own.
        let alias = approval(&p, "alias", 2, None);
        assert!(matches!(holds(&p, &[alias], Some(&f)), Err(Refusal::PlannersKey(_))));
        // A signature that does not count is no help, and no approval beside it makes it good.
        let mut bad = good.clone();
        bad.cap = Some(1);
        assert!(holds(&p, &[good.clone(), bad], Some(&f)).is_err());
        // Without a pinned file no signature counts.
        let mut unpinned = p.clone();
        unpinned.policy.signers_sha256 = None;
        let unpinned_approval = approval(&unpinned, "dpo", 1, None);
        assert_eq!(holds(&unpinned, &[unpinned_approval], Some(&f)), Err(Refusal::Unpinned));
    }

    #[test]
    fn the_cap_is_asked_again() {
        let f = file(&[("dpo", 1), ("admin", 2)]);
        let mut p = plan(&f);
        let step = json!({
            "number": 1, "place": "log:log", "instance": null, "project": null,
            "record": { "type": "file", "id": null, "key": null, "path": "x" }, "operation": "delete", "base": "", "edits": [],
            "notes": [],
        });
        p.steps = vec![serde_json::from_value(step).unwrap(); 3];
        p.policy.cap_records = Some(2);
        (p.policy.four_eyes, p.policy.signatures) = (false, false);
        let word = |actor: &str, cap| Approval { signed: None, ..approval(&p, actor, 1, cap) };
        for (approvals, ok) in [
            (vec![word("dpo", None)], false),
            (vec![word("dpo", Some(2))], false),
            (vec![word("dpo", Some(3))], true),
            (vec![word("admin", Some(3))], false),
            (vec![word("admin", None), word("dpo", Some(3))], true),
        ] {
            assert_eq!(holds(&p, HASH, &approvals, None).is_ok(), ok, "{approvals:?}");
        }
    }

    /// One step that anonymises reaches many records.
    #[test]
    fn what_an_anonymisation_reaches_counts_against_the_caps() {
        let mut p = plan(b"");
        let edit = |key: &str| {
            json!({
                "finding": key, "field": "creator", "locator": "", "cut": { "cut": "whole" }, "decision": "anonymise", "rule": "r",
                "kind": "user-key", "strength": "certain",
                "at": { "place": "target:t/P", "project": "P", "record": { "type": "issue", "id": "1", "key": key, "path": null } },
            })
        };
        let step = json!({
            "number": 1, "place": "target:t/settings", "instance": "t", "project": null,
            "record": { "type": "user-profile", "id": null, "key": null, "path": null }, "operation": "anonymise",
            "base": "", "edits": [edit("P-1"), edit("P-1"), edit("P-2")], "notes": [],
        });
        p.steps = vec![serde_json::from_value(step).unwrap()];
        p.policy.four_eyes = false;
        p.policy.signatures = false;
        assert_eq!(p.records(), 3, "two issues and the account");
        let word = |p: &Plan, cap| vec![Approval { signed: None, ..approval(p, "dpo", 1, cap) }];
        p.policy.cap_records = Some(2);
        assert!(holds(&p, HASH, &word(&p, None), None).is_err());
        assert!(holds(&p, HASH, &word(&p, Some(3)), None).is_ok());
        p.policy.cap_records = None;
        (p.policy.cap_share, p.issues) = (Some(0.25), [("target:t/P".parse().unwrap(), 4)].into());
        assert_eq!(p.over_share().map(|(_, share)| share), Some(0.5));
        p.issues.insert("target:t/P".parse().unwrap(), 8);
        assert_eq!(p.over_share(), None);
    }
}

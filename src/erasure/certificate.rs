//! The certificate: what was found, done, kept and left, as JSON, with an SSH signature (SSHSIG) over its bytes.
//!
//! Owns the form `efface.certificate/1` and the signing key's derivation. Names no person: subject by pseudonym, paths by
//! keyed pseudonym.

use serde::{Deserialize, Serialize};
use ssh_key::{HashAlg, LineEnding, PrivateKey, private::Ed25519Keypair};

use super::{
    plan::{Plan, Standing},
    verify::{Class, Verification},
};
use crate::{
    keys::{Keys, Purpose},
    model::{CaseKind, CaseRecord, Coverage, EXCEPTIONS, MatrixRow, Outcome, Place, RecordRef},
    store::{Approval, Case},
};

/// Schema name.
pub const SCHEMA: &str = "efface.certificate/1";

/// The SSHSIG namespace of certificates, for `ssh-keygen -Y verify -n`.
pub const NAMESPACE: &str = "certificate@efface";

/// How many findings of a place ended how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// The place.
    pub place: String,
    /// Where they ended.
    pub outcome: Outcome,
    /// How many.
    pub findings: u64,
}

/// Something that stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stays {
    /// Where.
    pub place: Place,
    /// Which record.
    pub record: RecordRef,
    /// Which field.
    pub field: String,
    /// Kept, held, residual or review.
    pub outcome: Outcome,
    /// Why.
    pub why: String,
    /// Who could remove it.
    pub who: Option<String>,
}

/// An exception that was looked at (Art. 17(3)).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Looked {
    /// Which, such as `e: legal claims`.
    pub exception: String,
    /// Whether it applies, to any part of the data.
    pub applies: bool,
    /// Why, or why not; names nobody.
    pub why: String,
}

/// How the request was judged, as far as it is on record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assessment {
    /// The grounds of the request (Art. 17(1)), each with its letter.
    pub grounds: Vec<String>,
    /// How it was checked who asks (Art. 12(6)); names nobody.
    pub identity: Option<String>,
    /// The exceptions that were looked at.
    pub exceptions: Vec<Looked>,
}

impl Assessment {
    fn of(kind: CaseKind, record: &CaseRecord) -> Self {
        let said = |list: &[(char, &str)], letter: char| {
            let words = list.iter().find(|(l, _)| *l == letter).map_or("", |(_, words)| words);
            format!("{letter}: {words}")
        };
        Self {
            grounds: record.grounds.iter().map(|l| said(kind.grounds(), *l)).collect(),
            identity: record.identity.clone(),
            exceptions: record
                .exceptions
                .iter()
                .map(|e| Looked { exception: said(&EXCEPTIONS, e.letter), applies: e.applies, why: e.why.clone() })
                .collect(),
        }
    }
}

/// The statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// `efface.certificate/1`.
    pub schema: String,
    /// efface's version.
    pub tool: String,
    /// When it was issued (RFC 3339, UTC).
    pub issued_at: String,
    /// The case.
    pub case: String,
    /// The subject's pseudonym.
    pub subject: String,
    /// Kind of request.
    pub kind: String,
    /// When the request was received.
    pub received: String,
    /// When the answer was due.
    pub due: String,
    /// How the request was judged.
    #[serde(default)]
    pub assessment: Assessment,
    /// The policy's name and SHA-256.
    pub policy: (String, String),
    /// SHA-256 of the plan.
    pub plan: String,
    /// Who approved it.
    pub approvals: Vec<Approval>,
    /// Counts by place and outcome.
    pub outcomes: Vec<Count>,
    /// `complete`, or `complete except` what is listed in `gaps`.
    pub statement: String,
    /// What the verification could not read.
    pub gaps: Vec<Coverage>,
    /// What the verification read.
    pub coverage: Vec<Coverage>,
    /// What that means for every kind of storage place, with whom to ask for what is out of reach.
    #[serde(default)]
    pub matrix: Vec<MatrixRow>,
    /// What stays.
    pub stays: Vec<Stays>,
    /// When it was verified, and how many places still held something that the plan does not allow.
    pub verified_at: String,
    /// Unexpected references at verification; a certificate with any is a certificate of failure.
    pub unexpected: u64,
    /// Position and hash of the newest audit event when this was issued.
    pub audit_head: Option<(u64, String)>,
}

/// Hides what a path may say about a person: each part becomes a keyed pseudonym, its extension stays.
#[must_use]
pub fn mask_record(keys: &Keys, record: &RecordRef) -> RecordRef {
    let hide = |kind: &str, text: &str| keys.pseudonym(kind, text);
    RecordRef {
        path: record.path.as_deref().map(|p| hide("path", p)),
        id: match record.record_type {
            // These are identified by the person, or by a name that somebody chose.
            crate::model::RecordType::Watcher
            | crate::model::RecordType::Vote
            | crate::model::RecordType::UserProfile
            | crate::model::RecordType::Property => record.id.as_deref().map(|i| hide("record", i)),
            _ => record.id.clone(),
        },
        ..record.clone()
    }
}

/// What a certificate is made of.
pub struct Input<'a> {
    /// The case.
    pub case: &'a Case,
    /// The plan.
    pub plan: &'a Plan,
    /// The plan's hash.
    pub hash: &'a str,
    /// Counts by place and outcome, of all of the case's plans.
    pub outcomes: Vec<(String, Outcome, u64)>,
    /// Who approved.
    pub approvals: Vec<Approval>,
    /// The verification.
    pub verification: &'a Verification,
    /// The chain's head.
    pub audit_head: Option<(u64, String)>,
    /// Now, RFC 3339.
    pub issued_at: String,
}

impl Certificate {
    /// Puts the statement together. Pure but for the keyed pseudonyms of paths.
    #[must_use]
    pub fn make(keys: &Keys, input: Input<'_>) -> Self {
        let v = input.verification;
        let gaps: Vec<Coverage> = v.coverage.iter().filter(|c| !c.status.is_complete()).cloned().collect();
        Self {
            schema: SCHEMA.to_owned(),
            tool: format!("efface {}", env!("CARGO_PKG_VERSION")),
            issued_at: input.issued_at,
            case: input.case.id.to_string(),
            subject: input.case.subject.clone(),
            kind: input.case.kind.to_string(),
            received: input.case.received.to_string(),
            due: input.case.due.to_string(),
            assessment: Assessment::of(input.case.kind, &input.case.record),
            policy: (input.plan.policy.name.clone(), input.plan.policy.sha256.clone()),
            plan: input.hash.to_owned(),
            approvals: input.approvals,
            outcomes: input
                .outcomes
                .into_iter()
                .map(|(place, outcome, findings)| Count { place, outcome, findings })
                .collect(),
            statement: if gaps.is_empty() { "complete" } else { "complete except" }.to_owned(),
            gaps,
            coverage: v.coverage.clone(),
            matrix: v.matrix.clone(),
            stays: stays(keys, input.plan, v),
            verified_at: v.at.clone(),
            unexpected: v.unexpected().map(|r| r.count).sum(),
            audit_head: input.audit_head,
        }
    }
}

/// What stays: what the verification met and the plan lists; and what the plan lists and the verification could not see.
#[must_use]
pub fn stays(keys: &Keys, plan: &Plan, v: &Verification) -> Vec<Stays> {
    let mut stays: Vec<Stays> = v
        .remaining
        .iter()
        .filter(|r| r.class == Class::Listed)
        .map(|r| Stays {
            place: r.place.clone(),
            record: mask_record(keys, &r.record),
            field: r.field.clone(),
            outcome: r.outcome.unwrap_or(Outcome::Residual),
            why: r.why.clone(),
            who: r.who.clone(),
        })
        .collect();
    // What stands in the plan and was not met again is gone by now, unless its place could not be read in full, or the
    // other search cannot see it (a mere possibility): then it is listed too, since it was found once.
    let listed = |s: &Standing| {
        let met = v.remaining.iter().any(|r| r.place == s.place && r.record == s.record && r.field == s.field);
        let read = v.coverage.iter().any(|c| c.place == s.place && c.status.is_complete());
        met || read && s.outcome == Outcome::Residual
    };
    stays.extend(plan.standing.iter().filter(|s| !listed(s)).map(|s| Stays {
        place: s.place.clone(),
        record: mask_record(keys, &s.record),
        field: s.field.clone(),
        outcome: s.outcome,
        why: s.why.clone(),
        who: s.who.clone(),
    }));
    stays.dedup();
    stays
}

/// Why a certificate could not be signed.
#[derive(Debug, thiserror::Error)]
#[error("the certificate could not be signed: {0}")]
pub struct SignError(#[from] ssh_key::Error);

fn signing_key(keys: &Keys) -> PrivateKey {
    let seed = keys.derive(Purpose::Signing);
    let mut key = PrivateKey::from(Ed25519Keypair::from_seed(seed.dangerously_expose()));
    key.set_comment("efface");
    key
}

/// Signs bytes; the result is an armoured SSHSIG for `ssh-keygen -Y verify`.
///
/// # Errors
/// When the signature cannot be made.
pub fn sign(keys: &Keys, bytes: &[u8]) -> Result<String, SignError> {
    Ok(signing_key(keys).sign(NAMESPACE, HashAlg::Sha512, bytes)?.to_pem(LineEnding::LF)?)
}

/// The line for an `allowed_signers` file, with principal `efface`.
///
/// # Errors
/// When the key cannot be written.
pub fn allowed_signer(keys: &Keys) -> Result<String, SignError> {
    Ok(format!("efface namespaces=\"{NAMESPACE}\" {}\n", signing_key(keys).public_key().to_openssh()?))
}

#[cfg(test)]
mod tests {
    use ssh_key::SshSig;

    use super::*;

    #[test]
    fn a_flipped_bit_breaks_the_signature() {
        let dir = tempfile::tempdir().unwrap();
        let keys = Keys::create(dir.path()).unwrap();
        let mut bytes = b"{\"schema\":\"efface.certificate/1\"}".to_vec();
        let sig = SshSig::from_pem(sign(&keys, &bytes).unwrap()).unwrap();
        let public = signing_key(&keys).public_key().clone();
        public.verify(NAMESPACE, &bytes, &sig).unwrap();
        for i in 0..bytes.len() {
            bytes[i] ^= 1;
            assert!(public.verify(NAMESPACE, &bytes, &sig).is_err(), "flip at byte {i} not noticed");
            bytes[i] ^= 1;
        }
    }

    #[test]
    fn paths_are_masked() {
        let dir = tempfile::tempdir().unwrap();
        let keys = Keys::create(dir.path()).unwrap();
        let masked = mask_record(&keys, &RecordRef::file("people/zoe.quandt.txt"));
        assert!(!serde_json::to_string(&masked).unwrap().contains("zoe"));
    }
}

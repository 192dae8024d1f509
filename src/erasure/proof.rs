//! Checking a certificate long after: its signature, and that the audit chain still holds what it stands on.
//!
//! Pure: the files' bytes and the chain come in, an answer goes out.

use ssh_key::{Fingerprint, HashAlg, PublicKey, SshSig};

use super::{
    certificate::{Certificate, NAMESPACE, SCHEMA},
    signers::{Signers, SignersError},
};
use crate::audit::Event;

/// What is wrong with a certificate, or with what it stands on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The signature file is none.
    #[error("the signature is no SSH signature: {0}")]
    Signature(String),
    /// The signers' file cannot be read.
    #[error(transparent)]
    Signers(#[from] SignersError),
    /// There is no signer.
    #[error("the signers' file names no key for {NAMESPACE}")]
    NoSigner,
    /// Signed by somebody else, or the bytes were changed.
    #[error("the signature does not fit: the certificate or its signature was changed, or another key signed it")]
    Unfit,
    /// Signed bytes that are no certificate.
    #[error("it is signed, but it is no {SCHEMA}: {0}")]
    Form(String),
    /// The certificate names no event.
    #[error("the certificate names no event of an audit chain")]
    NoHead,
    /// The chain ends before the certificate's event.
    #[error("the chain has {has} events; the certificate was issued at event {wants}: events were cut off its end")]
    Short {
        /// How many events the chain has.
        has: u64,
        /// The position that the certificate names.
        wants: u64,
    },
    /// Another event stands where the certificate's should.
    #[error(
        "event {0} of the chain is not the one that the certificate names: the chain was rewritten, or is another one"
    )]
    OtherChain(u64),
    /// No event says that this certificate was issued.
    #[error("the chain does not say that a certificate was issued for this case and plan before event {0}")]
    NotIssued(u64),
}

/// The keys that a file of signers names for certificates.
///
/// # Errors
/// When it is none, or names none for certificates.
pub fn signers(text: &str) -> Result<Vec<PublicKey>, ProofError> {
    let keys = Signers::parse(text.as_bytes())?.keys(NAMESPACE);
    if keys.is_empty() { Err(ProofError::NoSigner) } else { Ok(keys) }
}

/// Checks the signature over a certificate's bytes; gives the certificate and the fingerprint of the key that signed it.
///
/// # Errors
/// When the signature is none, is by no signer, or does not fit the bytes; when the bytes are no certificate.
pub fn signed(bytes: &[u8], signature: &str, signers: &[PublicKey]) -> Result<(Certificate, Fingerprint), ProofError> {
    let signature = SshSig::from_pem(signature).map_err(|e| ProofError::Signature(e.to_string()))?;
    // The version is not among what is signed, so that only one is taken.
    let signer = signers.iter().find(|k| k.key_data() == signature.public_key());
    let key = signer.filter(|_| signature.version() == SshSig::VERSION).ok_or(ProofError::Unfit)?;
    key.verify(NAMESPACE, bytes, &signature).map_err(|_| ProofError::Unfit)?;
    let certificate: Certificate = serde_json::from_slice(bytes).map_err(|e| ProofError::Form(e.to_string()))?;
    if certificate.schema != SCHEMA {
        return Err(ProofError::Form("it has another schema".into()));
    }
    Ok((certificate, key.fingerprint(HashAlg::Sha256)))
}

/// Checks that a chain, which itself was verified, holds the certificate's event at its place, and says that the
/// certificate was issued.
///
/// # Errors
/// When the chain ends before, has another event there, or knows nothing of the certificate.
pub fn stands_in(certificate: &Certificate, chain: &[Event]) -> Result<(), ProofError> {
    let (seq, hash) = certificate.audit_head.as_ref().ok_or(ProofError::NoHead)?;
    let short = || ProofError::Short { has: chain.len() as u64, wants: *seq };
    let event = chain.iter().find(|e| e.seq == *seq).ok_or_else(short)?;
    if event.hash != *hash {
        return Err(ProofError::OtherChain(*seq));
    }
    let issued = |e: &Event| {
        e.seq <= *seq
            && e.kind == "case.certified"
            && e.case.as_deref() == Some(certificate.case.as_str())
            // At the end of its retention the detail is gone; then kind and case have to do.
            && e.detail.as_ref().is_none_or(|d| d["plan"] == certificate.plan.as_str())
    };
    if chain.iter().any(issued) { Ok(()) } else { Err(ProofError::NotIssued(*seq)) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        audit,
        erasure::certificate::{allowed_signer, sign},
        keys::Keys,
    };

    fn chain() -> Vec<Event> {
        let mut chain: Vec<Event> = Vec::new();
        let kinds = [("case.opened", json!({})), ("case.certified", json!({ "plan": "h" })), ("scan", json!({}))];
        for (i, (kind, detail)) in kinds.into_iter().enumerate() {
            let prev = chain.last().map(|e| (e.seq, e.hash.clone()));
            let prev = prev.as_ref().map(|(seq, hash)| (*seq, hash.as_str()));
            let at = chrono::DateTime::UNIX_EPOCH;
            chain.push(Event::next(prev, at, "dpo", kind, Some("C-1"), detail, [i as u8; 16]));
        }
        chain
    }

    fn certificate(head: (u64, String)) -> String {
        let c = json!({
            "schema": SCHEMA, "tool": "efface 0", "issued_at": "", "case": "C-1", "subject": "p-1", "kind": "erasure",
            "received": "", "due": "", "policy": ["p", "h"], "plan": "h", "approvals": [], "outcomes": [],
            "statement": "complete", "gaps": [], "coverage": [], "matrix": [], "stays": [], "verified_at": "",
            "unexpected": 0, "audit_head": [head.0, head.1],
        });
        format!("{}\n", serde_json::to_string_pretty(&c).unwrap())
    }

    #[test]
    fn every_flipped_bit_of_certificate_and_signature_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let keys = Keys::create(dir.path()).unwrap();
        let mut bytes = certificate((2, chain()[1].hash.clone())).into_bytes();
        let signature = sign(&keys, &bytes).unwrap();
        let known = signers(&allowed_signer(&keys).unwrap()).unwrap();
        signed(&bytes, &signature, &known).unwrap();
        for i in 0..bytes.len() {
            bytes[i] ^= 1 << (i % 8);
            assert!(signed(&bytes, &signature, &known).is_err(), "flip at byte {i} not noticed");
            bytes[i] ^= 1 << (i % 8);
        }
        // A signature's own bytes: one that still reads as the same signature has changed nothing that counts.
        let same = SshSig::from_pem(&signature).unwrap();
        for i in 0..signature.len() {
            for bit in 0..7 {
                let mut changed = signature.clone().into_bytes();
                changed[i] ^= 1 << bit;
                let Ok(changed) = String::from_utf8(changed) else { continue };
                let is_same = SshSig::from_pem(&changed).is_ok_and(|s| s == same);
                assert!(is_same || signed(&bytes, &changed, &known).is_err(), "bit {bit} of byte {i} not noticed");
            }
        }
        let other = tempfile::tempdir().unwrap();
        let other = Keys::create(other.path()).unwrap();
        let forged = sign(&other, &bytes).unwrap();
        assert_eq!(signed(&bytes, &forged, &known).unwrap_err(), ProofError::Unfit, "another key's signature");
    }

    #[test]
    fn the_chain_must_hold_the_certificate() {
        let chain = chain();
        let read = |head: (u64, &str)| -> Certificate {
            serde_json::from_str(&certificate((head.0, head.1.to_owned()))).unwrap()
        };
        let good = read((2, &chain[1].hash));
        assert_eq!(stands_in(&good, &chain), Ok(()));
        assert_eq!(stands_in(&good, &chain[..1]), Err(ProofError::Short { has: 1, wants: 2 }));
        assert_eq!(stands_in(&read((2, &chain[0].hash)), &chain), Err(ProofError::OtherChain(2)));
        assert_eq!(stands_in(&read((1, &chain[0].hash)), &chain), Err(ProofError::NotIssued(1)));
        let other = Certificate { plan: "another".into(), ..good.clone() };
        assert_eq!(stands_in(&other, &chain), Err(ProofError::NotIssued(2)));
        let mut expired = chain;
        (expired[1].detail, expired[1].salt) = (None, None);
        audit::verify(&expired, None).unwrap();
        assert_eq!(stands_in(&good, &expired), Ok(()));
    }

    #[test]
    fn signers_files() {
        let dir = tempfile::tempdir().unwrap();
        let line = allowed_signer(&Keys::create(dir.path()).unwrap()).unwrap();
        let key = line.split("\" ").nth(1).unwrap().trim();
        assert_eq!(signers(&format!("# ours\n\n{line}")).unwrap().len(), 1);
        assert_eq!(signers(&format!("efface {key} a comment\n")).unwrap().len(), 1, "no options");
        assert_eq!(signers(&format!("x namespaces=\"git\" {key}\n")), Err(ProofError::NoSigner), "for something else");
        let at = |text: &str| matches!(signers(text), Err(ProofError::Signers(e)) if e.line == 1 + text.matches('\n').count() - 1);
        assert!(at(&format!("x cert-authority {key}\n")), "a certificate authority is no signer");
        assert!(at(&format!("{line}nonsense\n")));
        assert_eq!(signers(""), Err(ProofError::NoSigner));
    }
}

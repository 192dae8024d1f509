//! Who may sign: OpenSSH's `allowed_signers` format, and SSH signatures (SSHSIG) checked against it.
//!
//! Owns how such a file is read and how a signature leads to a principal. Pure: text and bytes in, a name out; reads no
//! file and no clock. Stricter than `ssh-keygen` where that is safer: a line that cannot be understood refuses the whole
//! file, a time has to say its zone, and a security key has to have been touched. What passes here passes there too.

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use sha2::{Digest, Sha256};
use ssh_key::{Algorithm, EcdsaCurve, HashAlg, LineEnding, PublicKey, SshSig, public::KeyData};

/// The SSHSIG namespace of approvals, for `ssh-keygen -Y sign -n`.
pub const NAMESPACE: &str = "approval@efface";

const KINDS: &str = "ssh-ed25519, ecdsa-sha2-nistp256, ecdsa-sha2-nistp384, sk-ssh-ed25519@openssh.com and \
     sk-ecdsa-sha2-nistp256@openssh.com";

/// What is wrong with a file of signers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the signers' file {what}")]
pub struct SignersError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there, and what to do.
    pub what: String,
}

/// Why a signature does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The text is no SSH signature.
    #[error("the file is no SSH signature as `ssh-keygen -Y sign` writes it, or was damaged on its way")]
    Form,
    /// It was made for something else.
    #[error("the signature was made for another purpose; sign with: ssh-keygen -Y sign -n {NAMESPACE}")]
    Namespace,
    /// A kind of key that cannot be checked.
    #[error("a signature by a key of the kind {0} cannot be checked here; known are {KINDS}")]
    Kind(String),
    /// The key was not touched.
    #[error("the security key was not touched for this signature; an approval has to be a person's act")]
    Untouched,
    /// The key stands in no line that is meant for approvals.
    #[error("the key {0} is not in the signers' file, or not for the namespace {NAMESPACE}")]
    Stranger(String),
    /// The key's line is not valid at that time.
    #[error("the key {0} is in the signers' file, but not valid at this time (valid-after, valid-before)")]
    OutOfTime(String),
    /// Several persons may be meant.
    #[error("the key {0} belongs to several names in the signers' file; say which one signed: --actor NAME")]
    Ambiguous(String),
    /// Somebody else was said to have signed.
    #[error("the key {fingerprint} is not {claimed}'s in the signers' file")]
    Other {
        /// The key.
        fingerprint: String,
        /// Who was said to have signed.
        claimed: String,
    },
    /// The text is not the one that was signed.
    #[error("the signature does not fit the statement: another plan, another cap, or a changed file was signed")]
    Mismatch,
}

/// A signature that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    /// The name in the signers' file.
    pub principal: String,
    /// The key's fingerprint, `SHA256:…`.
    pub fingerprint: String,
    /// The key, as in an `authorized_keys` file.
    pub public_key: String,
    /// The signature, armoured, with one line break at its end.
    pub signature: String,
}

/// A file of signers.
#[derive(Debug, Clone)]
pub struct Signers {
    lines: Vec<Line>,
    sha256: String,
}

#[derive(Debug, Clone)]
struct Line {
    principals: String,
    namespaces: Option<String>,
    after: Option<DateTime<Utc>>,
    before: Option<DateTime<Utc>>,
    key: KeyData,
}

impl Signers {
    /// Reads a file's bytes.
    ///
    /// # Errors
    /// With the first line that cannot be understood. Nothing of the file is taken then, since what a person meant there
    /// is not known.
    pub fn parse(bytes: &[u8]) -> Result<Self, SignersError> {
        let sha256 = hex::encode(Sha256::digest(bytes));
        let text = std::str::from_utf8(bytes).map_err(|e| SignersError {
            line: bytes[..e.valid_up_to()].iter().filter(|b| **b == b'\n').count() + 1,
            what: "is not UTF-8".into(),
        })?;
        let mut lines = Vec::new();
        for (i, line) in text.lines().enumerate() {
            let line = line.trim_matches([' ', '\t', '\r']);
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            lines.push(Line::parse(line).map_err(|what| SignersError { line: i + 1, what })?);
        }
        Ok(Self { lines, sha256 })
    }

    /// SHA-256 of the file's bytes, as lower-case hex.
    #[must_use]
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The keys that the file names for a namespace, whoever they belong to and whenever they are valid.
    #[must_use]
    pub fn keys(&self, namespace: &str) -> Vec<PublicKey> {
        self.lines.iter().filter(|l| l.is_for(namespace)).map(|l| PublicKey::new(l.key.clone(), "")).collect()
    }

    /// How many keys may sign approvals at a time `at`.
    #[must_use]
    pub fn count(&self, at: DateTime<Utc>) -> usize {
        self.lines.iter().filter(|l| l.is_for(NAMESPACE) && l.is_valid(at)).count()
    }

    /// Whether a key stands for this name, in any line, whatever its namespaces and times: one key is one person.
    #[must_use]
    pub fn is_of(&self, public_key: &str, name: &str) -> bool {
        PublicKey::from_openssh(public_key)
            .is_ok_and(|k| self.lines.iter().any(|l| l.key == *k.key_data() && in_list(name, &l.principals)))
    }

    /// Who signed `message` with this armoured signature, at a time `at`. `claimed` is whom the caller takes for the
    /// signer; it is needed where the key's line has several names or patterns.
    ///
    /// # Errors
    /// Why the signature does not count.
    pub fn verify(
        &self,
        message: &[u8],
        armoured: &str,
        at: DateTime<Utc>,
        claimed: Option<&str>,
    ) -> Result<Signer, SignatureError> {
        let text = armoured.trim_matches(['\n', '\r', ' ']).replace("\r\n", "\n");
        let sig = SshSig::from_pem(text.as_bytes()).map_err(|_| SignatureError::Form)?;
        check_kind(&sig)?;
        // The reader forgives an older version and other spellings of the same bytes; a flipped bit is a flipped bit.
        // (The library cannot write a signature by a NIST security key back as it was.)
        let rewritten = sig.to_pem(LineEnding::LF).map_err(|_| SignatureError::Form)?;
        if sig.version() != SshSig::VERSION || !sig.reserved().is_empty() {
            return Err(SignatureError::Form);
        }
        if sig.algorithm() != Algorithm::SkEcdsaSha2NistP256 && bare(&rewritten) != bare(&text) {
            return Err(SignatureError::Form);
        }
        if sig.namespace() != NAMESPACE {
            return Err(SignatureError::Namespace);
        }
        let key = sig.public_key();
        let fingerprint = key.fingerprint(HashAlg::Sha256).to_string();
        let stranger = || SignatureError::Stranger(fingerprint.clone());
        let ours: Vec<&Line> = self.lines.iter().filter(|l| l.key == *key && l.is_for(NAMESPACE)).collect();
        if ours.is_empty() {
            return Err(stranger());
        }
        let valid: Vec<&Line> = ours.into_iter().filter(|l| l.is_valid(at)).collect();
        if valid.is_empty() {
            return Err(SignatureError::OutOfTime(fingerprint));
        }
        let public = PublicKey::new(key.clone(), "");
        public.verify(NAMESPACE, message, &sig).map_err(|_| SignatureError::Mismatch)?;
        let mut names: Vec<&str> = valid.iter().map(|l| l.principals.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let principal = match (claimed, &names[..]) {
            (Some(claimed), _) if valid.iter().any(|l| in_list(claimed, &l.principals)) => claimed,
            (Some(claimed), _) => {
                return Err(SignatureError::Other { fingerprint, claimed: claimed.to_owned() });
            }
            (None, [one]) if !one.contains([',', '*', '?', '!']) => one,
            (None, _) => return Err(SignatureError::Ambiguous(fingerprint)),
        };
        let public_key = public.to_openssh().map_err(|_| SignatureError::Form)?;
        Ok(Signer { principal: principal.to_owned(), fingerprint, public_key, signature: format!("{text}\n") })
    }
}

fn bare(text: &str) -> String {
    text.chars().filter(|c| *c != '\n').collect()
}

fn check_kind(sig: &SshSig) -> Result<(), SignatureError> {
    let touched = || sig.signature_bytes().iter().rev().nth(4).is_some_and(|flags| flags & 1 == 1);
    match sig.public_key().algorithm() {
        Algorithm::Ed25519 | Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 | EcdsaCurve::NistP384 } => Ok(()),
        Algorithm::SkEd25519 | Algorithm::SkEcdsaSha2NistP256 if touched() => Ok(()),
        Algorithm::SkEd25519 | Algorithm::SkEcdsaSha2NistP256 => Err(SignatureError::Untouched),
        other => Err(SignatureError::Kind(other.as_str().to_owned())),
    }
}

impl Line {
    fn parse(line: &str) -> Result<Self, String> {
        let (principals, rest) = first_field(line)?;
        if principals.is_empty() {
            return Err("has no principal".into());
        }
        let rest = rest.trim_start_matches([' ', '\t']);
        let mut out = Self {
            principals,
            namespaces: None,
            after: None,
            before: None,
            key: KeyData::Ed25519(ssh_key::public::Ed25519PublicKey([0; 32])),
        };
        let key = match public_key(rest) {
            Some(key) => key,
            None => {
                let end = end_of_options(rest)?;
                out.options(&rest[..end])?;
                public_key(rest[end..].trim_start_matches([' ', '\t'])).ok_or(
                    "has no public key that could be read; the form is: NAME [OPTIONS] KEYTYPE BASE64 [COMMENT]",
                )?
            }
        };
        out.key = key;
        if let (Some(after), Some(before)) = (out.after, out.before)
            && before <= after
        {
            return Err("is never valid: valid-before is not behind valid-after".into());
        }
        Ok(out)
    }

    fn options(&mut self, options: &str) -> Result<(), String> {
        for option in split_options(options)? {
            let (name, value) = option.split_once('=').map_or((option.as_str(), None), |(n, v)| (n, Some(v)));
            let value = |what: &str| -> Result<String, String> {
                let inner = value.and_then(|v| v.strip_prefix('"')?.strip_suffix('"')).filter(|v| !v.is_empty());
                inner.map(|v| v.replace("\\\"", "\"")).ok_or_else(|| format!("needs {what}=\"…\", in double quotes"))
            };
            let twice = |given: bool, what: &str| if given { Err(format!("has {what} twice")) } else { Ok(()) };
            match name.to_ascii_lowercase().as_str() {
                "cert-authority" => {
                    return Err("trusts a certificate authority (cert-authority), which approvals do not: give each \
                                signer's own key, in a file of its own where needed"
                        .into());
                }
                "namespaces" => {
                    twice(self.namespaces.is_some(), "namespaces")?;
                    self.namespaces = Some(value("namespaces")?);
                }
                "valid-after" => {
                    twice(self.after.is_some(), "valid-after")?;
                    self.after = Some(time(&value("valid-after")?)?);
                }
                "valid-before" => {
                    twice(self.before.is_some(), "valid-before")?;
                    self.before = Some(time(&value("valid-before")?)?);
                }
                other => {
                    return Err(format!(
                        "has {other:?} where an option or a key is expected: no option is called that (known are namespaces, \
                         valid-after, valid-before), and it begins no key that could be read"
                    ));
                }
            }
        }
        Ok(())
    }

    fn is_for(&self, namespace: &str) -> bool {
        self.namespaces.as_deref().is_none_or(|list| in_list(namespace, list))
    }

    fn is_valid(&self, at: DateTime<Utc>) -> bool {
        self.after.is_none_or(|after| at >= after) && self.before.is_none_or(|before| at <= before)
    }
}

/// The principals, which may stand in double quotes, and what follows.
fn first_field(line: &str) -> Result<(String, &str), String> {
    if let Some(quoted) = line.strip_prefix('"') {
        let (inner, rest) = quoted.split_once('"').ok_or("has a double quote that is not closed")?;
        if !rest.starts_with([' ', '\t']) {
            return Err("has no space behind the quoted principals".into());
        }
        return Ok((inner.to_owned(), rest));
    }
    let (field, rest) = line.split_once([' ', '\t']).ok_or("has a principal and nothing else: a key is missing")?;
    Ok((field.to_owned(), rest))
}

fn public_key(text: &str) -> Option<KeyData> {
    // A comment may hold anything and says nothing about the key.
    let mut parts = text.split([' ', '\t']).filter(|p| !p.is_empty());
    let (kind, body) = (parts.next()?, parts.next()?);
    PublicKey::from_openssh(&format!("{kind} {body}")).ok().map(|k| k.key_data().clone())
}

/// Where the options end: at the first blank outside double quotes.
fn end_of_options(text: &str) -> Result<usize, String> {
    let (mut quoted, mut escaped) = (false, false);
    for (i, c) in text.char_indices() {
        match c {
            '"' if !escaped => quoted = !quoted,
            ' ' | '\t' if !quoted => return Ok(i),
            _ => {}
        }
        escaped = c == '\\' && !escaped;
    }
    Err(if quoted { "has a double quote that is not closed" } else { "has no public key" }.into())
}

fn split_options(text: &str) -> Result<Vec<String>, String> {
    let mut out = vec![String::new()];
    let (mut quoted, mut escaped) = (false, false);
    for c in text.chars() {
        match c {
            ',' if !quoted => {
                out.push(String::new());
                continue;
            }
            '"' if !escaped => quoted = !quoted,
            _ => {}
        }
        escaped = c == '\\' && !escaped;
        if let Some(last) = out.last_mut() {
            last.push(c);
        }
    }
    if out.iter().any(String::is_empty) { Err("has an empty option".into()) } else { Ok(out) }
}

/// `YYYYMMDDZ`, `YYYYMMDDHHMMZ` or `YYYYMMDDHHMMSSZ`.
fn time(text: &str) -> Result<DateTime<Utc>, String> {
    let wrong = || format!("has a time {text:?} that is not written YYYYMMDDZ, YYYYMMDDHHMMZ or YYYYMMDDHHMMSSZ");
    let Some(digits) = text.strip_suffix(['Z', 'z']) else {
        let zone = text.bytes().all(|b| b.is_ascii_digit());
        return Err(if zone {
            format!(
                "has a time {text:?} without a zone, which is another moment on another machine: write it in UTC with a \
                 Z at its end"
            )
        } else {
            wrong()
        });
    };
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(wrong());
    }
    let parsed = match digits.len() {
        8 => NaiveDate::parse_from_str(digits, "%Y%m%d").ok().and_then(|d| d.and_hms_opt(0, 0, 0)),
        12 => NaiveDateTime::parse_from_str(&format!("{digits}00"), "%Y%m%d%H%M%S").ok(),
        14 => NaiveDateTime::parse_from_str(digits, "%Y%m%d%H%M%S").ok(),
        _ => None,
    };
    parsed.map(|t| t.and_utc()).ok_or_else(wrong)
}

/// Whether `text` is in a pattern list: one pattern matches, and no pattern behind a `!` does (PATTERNS in ssh_config(5)).
fn in_list(text: &str, list: &str) -> bool {
    let mut found = false;
    for pattern in list.split(',') {
        match pattern.strip_prefix('!') {
            Some(pattern) if matches(text.as_bytes(), pattern.as_bytes()) => return false,
            Some(_) => {}
            None => found |= matches(text.as_bytes(), pattern.as_bytes()),
        }
    }
    found
}

/// Whether `text` fits a pattern of `*` (any run) and `?` (one character, a byte as in OpenSSH). Linear but for one
/// place to go back to, so that no pattern of a file takes long.
fn matches(text: &[u8], pattern: &[u8]) -> bool {
    let (mut t, mut p) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                back = Some((t, p));
                p += 1;
            }
            Some(b'?') => (t, p) = (t + 1, p + 1),
            Some(c) if *c == text[t] => (t, p) = (t + 1, p + 1),
            _ => match back {
                Some((from, star)) => {
                    back = Some((from + 1, star));
                    (t, p) = (from + 1, star + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == b'*')
}

#[cfg(test)]
#[path = "signers_tests.rs"]
mod tests;

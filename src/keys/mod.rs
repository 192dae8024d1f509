//! The key file and everything derived from it.
//!
//! Owns one file of 32 random bytes in the state folder (mode 0600) and the derivation of its parts: pseudonyms,
//! suppression, sealing, finding ids. Knows no store and no person. Derivation is BLAKE3 `derive_key` (a KDF) and keyed
//! BLAKE3 (a MAC); sealing is XChaCha20-Poly1305 (24-byte random nonces, so that no counter has to survive a crash).

use std::{
    io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use chacha20poly1305::{
    XChaCha20Poly1305, XNonce,
    aead::{Aead, KeyInit, Payload},
};
use rand::RngExt;
use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

use crate::model::Secret;

/// Why keys cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file is missing although a store is there.
    #[error("the key file {0} is missing, but the store beside it exists; restore the key file from its own backup")]
    Missing(PathBuf),
    /// Others can read it.
    #[error("the key file {path} can be read by others (mode {mode:o}); run: chmod 600 {path}")]
    Open {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It is not a key file.
    #[error("the key file {0} is damaged or not a key file of efface")]
    Damaged(PathBuf),
    /// The operating system says no.
    #[error("cannot use the key file {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Something sealed does not open: changed, or sealed with another key.
    #[error("sealed data does not open: it was changed, or its key is another one")]
    Unseal,
}

/// What a derived key is for. The strings are frozen: they are part of every stored hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Pseudonyms of subjects, users and paths.
    Pseudonym,
    /// The suppression list.
    Suppression,
    /// Ids of findings.
    Finding,
    /// Wrapping data keys in the store.
    Wrap,
    /// Look-up hashes of values that are stored sealed.
    Lookup,
    /// The audit chain's commitments.
    Audit,
    /// The signing key of certificates.
    Signing,
    /// The lines of the suppression journal.
    Journal,
    /// The index of where a person's data went.
    Trace,
}

impl Purpose {
    const fn context(self) -> &'static str {
        match self {
            Self::Pseudonym => "efface 2026-11-22 v1 pseudonym",
            Self::Suppression => "efface 2026-11-22 v1 suppression",
            Self::Finding => "efface 2026-11-22 v1 finding",
            Self::Wrap => "efface 2026-11-22 v1 wrap",
            Self::Lookup => "efface 2026-11-22 v1 lookup",
            Self::Audit => "efface 2026-11-22 v1 audit",
            Self::Signing => "efface 2026-11-22 v1 signing",
            Self::Journal => "efface 2026-11-27 v1 journal",
            Self::Trace => "efface 2026-11-28 v1 trace",
        }
    }
}

/// A 32-byte data key. Destroying its stored form makes everything sealed with it unreadable.
#[derive(Debug, Clone)]
pub struct DataKey(Secret<[u8; 32]>);

impl DataKey {
    /// A new random key.
    #[must_use]
    pub fn random() -> Self {
        let mut bytes = [0u8; 32];
        rand::rng().fill(&mut bytes[..]);
        Self(Secret::new(bytes))
    }

    /// A key from where it was kept sealed.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Secret::new(bytes))
    }

    /// The key's bytes, for the cipher that needs them.
    #[must_use]
    pub const fn dangerously_expose(&self) -> &[u8; 32] {
        self.0.dangerously_expose()
    }

    /// Seals `plain`; `context` is authenticated with it and has to be given again to open it.
    #[must_use]
    pub fn seal(&self, context: &[u8], plain: &[u8]) -> Vec<u8> {
        let cipher = XChaCha20Poly1305::new(self.dangerously_expose().into());
        let mut nonce = [0u8; 24];
        rand::rng().fill(&mut nonce[..]);
        let mut out = nonce.to_vec();
        let sealed = cipher
            .encrypt(XNonce::from_slice(&nonce), Payload { msg: plain, aad: context })
            .expect("XChaCha20-Poly1305 seals any buffer that fits into memory");
        out.extend(sealed);
        out
    }

    /// Opens what [`DataKey::seal`] made.
    ///
    /// # Errors
    /// [`KeyError::Unseal`] when it was changed, or key or context differ.
    pub fn open(&self, context: &[u8], sealed: &[u8]) -> Result<Vec<u8>, KeyError> {
        let (nonce, body) = sealed.split_at_checked(24).ok_or(KeyError::Unseal)?;
        XChaCha20Poly1305::new(self.dangerously_expose().into())
            .decrypt(XNonce::from_slice(nonce), Payload { msg: body, aad: context })
            .map_err(|_| KeyError::Unseal)
    }
}

/// The keys of one installation.
#[derive(Debug, Clone)]
pub struct Keys {
    id: String,
    master: Secret<[u8; 32]>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    format: String,
    id: String,
    key: String,
}

const FORMAT: &str = "efface.key/1";

impl Keys {
    /// The name of the key file in the state folder.
    pub const FILE: &str = "efface.key";

    /// Makes a new key file in `state`; fails when there is one.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn create(state: &Path) -> Result<Self, KeyError> {
        let path = state.join(Self::FILE);
        let mut bytes = [0u8; 32];
        rand::rng().fill(&mut bytes[..]);
        let mut file =
            KeyFile { format: FORMAT.into(), id: ulid::Ulid::generate().to_string(), key: hex::encode(bytes) };
        let mut text = serde_json::to_string(&file).map_err(|_| KeyError::Damaged(path.clone()))?;
        let written = crate::fs::write_new_private(&path, text.as_bytes());
        text.zeroize();
        file.key.zeroize();
        written.map_err(|source| KeyError::Io { path, source })?;
        Ok(Self { id: file.id, master: Secret::new(bytes) })
    }

    /// Reads the key file in `state`.
    ///
    /// # Errors
    /// When it is missing, readable by others, or damaged.
    pub fn load(state: &Path) -> Result<Self, KeyError> {
        let path = state.join(Self::FILE);
        let meta = match std::fs::metadata(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(KeyError::Missing(path)),
            other => other.map_err(|source| KeyError::Io { path: path.clone(), source })?,
        };
        let mode = meta.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(KeyError::Open { path, mode });
        }
        let mut text = std::fs::read_to_string(&path).map_err(|source| KeyError::Io { path: path.clone(), source })?;
        let parsed = serde_json::from_str::<KeyFile>(&text).ok().filter(|f| f.format == FORMAT);
        text.zeroize();
        let mut file = parsed.ok_or_else(|| KeyError::Damaged(path.clone()))?;
        let mut master = [0u8; 32];
        let decoded = hex::decode_to_slice(&file.key, &mut master);
        file.key.zeroize();
        decoded.map_err(|_| KeyError::Damaged(path))?;
        Ok(Self { id: file.id, master: Secret::new(master) })
    }

    /// Whether `state` has a key file.
    #[must_use]
    pub fn exist(state: &Path) -> bool {
        state.join(Self::FILE).exists()
    }

    /// The key file's own id (a ULID), kept in the store to notice when the two do not belong together.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The key for one purpose.
    #[must_use]
    pub fn derive(&self, purpose: Purpose) -> DataKey {
        DataKey(Secret::new(blake3::derive_key(purpose.context(), self.master.dangerously_expose())))
    }

    /// Keyed hash of several parts; each is length-prefixed, so that no two lists of parts collide.
    #[must_use]
    pub fn keyed_hash(&self, purpose: Purpose, parts: &[&[u8]]) -> [u8; 32] {
        let key = self.derive(purpose);
        let mut hasher = blake3::Hasher::new_keyed(key.dangerously_expose());
        for part in parts {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        *hasher.finalize().as_bytes()
    }

    /// A keyed pseudonym such as `p-3f9a…` (16 hex digits) for something that names a person.
    #[must_use]
    pub fn pseudonym(&self, kind: &str, value: &str) -> String {
        let hash = self.keyed_hash(Purpose::Pseudonym, &[kind.as_bytes(), value.as_bytes()]);
        format!("p-{}", hex::encode(&hash[..8]))
    }

    /// A data key in the form in which the store keeps it; `context` says whose it is.
    #[must_use]
    pub fn wrap(&self, context: &[u8], key: &DataKey) -> Vec<u8> {
        self.derive(Purpose::Wrap).seal(context, key.dangerously_expose())
    }

    /// The data key from the form in which the store keeps it.
    ///
    /// # Errors
    /// [`KeyError::Unseal`].
    pub fn unwrap(&self, context: &[u8], wrapped: &[u8]) -> Result<DataKey, KeyError> {
        let mut plain = self.derive(Purpose::Wrap).open(context, wrapped)?;
        let bytes = <[u8; 32]>::try_from(plain.as_slice()).map_err(|_| KeyError::Unseal);
        plain.zeroize();
        Ok(DataKey(Secret::new(bytes?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_is_private_and_reads_back() {
        let dir = tempfile::tempdir().unwrap();
        let made = Keys::create(dir.path()).unwrap();
        let read = Keys::load(dir.path()).unwrap();
        assert_eq!(made.pseudonym("x", "a"), read.pseudonym("x", "a"));
        assert_ne!(made.pseudonym("x", "a"), made.pseudonym("x", "b"));
        assert!(Keys::create(dir.path()).is_err(), "a key file is never overwritten");
        let path = dir.path().join(Keys::FILE);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(Keys::load(dir.path()), Err(KeyError::Open { mode: 0o644, .. })));
    }

    #[test]
    fn sealing_is_bound_to_key_and_context() {
        let (a, b) = (DataKey::random(), DataKey::random());
        let sealed = a.seal(b"ctx", b"zoe");
        assert_eq!(a.open(b"ctx", &sealed).unwrap(), b"zoe");
        assert!(a.open(b"other", &sealed).is_err());
        assert!(b.open(b"ctx", &sealed).is_err());
        for i in 0..sealed.len() {
            let mut broken = sealed.clone();
            broken[i] ^= 1;
            assert!(a.open(b"ctx", &broken).is_err(), "bit flip at byte {i} not noticed");
        }
        assert!(a.open(b"ctx", b"short").is_err());
    }

    #[test]
    fn parts_do_not_run_together() {
        let dir = tempfile::tempdir().unwrap();
        let keys = Keys::create(dir.path()).unwrap();
        let h = |parts: &[&[u8]]| keys.keyed_hash(Purpose::Finding, parts);
        assert_ne!(h(&[b"ab", b"c"]), h(&[b"a", b"bc"]));
    }
}

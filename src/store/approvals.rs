//! Signatures of approvals. They name whom the signers' file names, and no subject, so they are not sealed.

use rusqlite::Transaction;
use serde::{Deserialize, Serialize};

pub(super) const SCHEMA: &str = "
CREATE TABLE approval_signatures (
    plan TEXT NOT NULL,
    actor TEXT NOT NULL,
    namespace TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    public_key TEXT NOT NULL,
    statement TEXT NOT NULL,          -- the very text that was signed
    signature TEXT NOT NULL,          -- armoured SSHSIG
    PRIMARY KEY (plan, actor),
    FOREIGN KEY (plan, actor) REFERENCES approvals (plan, actor)
) STRICT;
";

/// The signature of an approval, with all that `ssh-keygen -Y verify` needs but the signers' file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signed {
    /// The SSHSIG namespace.
    pub namespace: String,
    /// The key's fingerprint.
    pub fingerprint: String,
    /// The public key.
    pub public_key: String,
    /// The text that was signed.
    pub statement: String,
    /// The signature, armoured.
    pub signature: String,
}

/// Keeps an approval's signature; an approval that is given anew without one loses the one it had.
pub(super) fn put(tx: &Transaction<'_>, plan: &str, actor: &str, signed: Option<&Signed>) -> rusqlite::Result<()> {
    tx.execute("DELETE FROM approval_signatures WHERE plan = ?1 AND actor = ?2", (plan, actor))?;
    if let Some(s) = signed {
        tx.execute(
            "INSERT INTO approval_signatures (plan, actor, namespace, fingerprint, public_key, statement, signature)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            (plan, actor, &s.namespace, &s.fingerprint, &s.public_key, &s.statement, &s.signature),
        )?;
    }
    Ok(())
}

/// An approval's signature, where it has one.
pub(super) fn get(tx: &Transaction<'_>, plan: &str, actor: &str) -> rusqlite::Result<Option<Signed>> {
    use rusqlite::OptionalExtension;
    tx.query_row(
        "SELECT namespace, fingerprint, public_key, statement, signature FROM approval_signatures
         WHERE plan = ?1 AND actor = ?2",
        (plan, actor),
        |r| {
            Ok(Signed {
                namespace: r.get(0)?,
                fingerprint: r.get(1)?,
                public_key: r.get(2)?,
                statement: r.get(3)?,
                signature: r.get(4)?,
            })
        },
    )
    .optional()
}

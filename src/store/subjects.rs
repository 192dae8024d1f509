//! The register of subjects: sealed with a key of its own each; found by a keyed hash of the operator's handle.

use rusqlite::OptionalExtension;
use serde::{Deserialize, Serialize};

use super::{Store, StoreError};
use crate::{
    keys::{DataKey, Purpose},
    model::{Identifier, IdentifierKind, InstanceName, Namesake, Personal, Subject, SubjectKey},
};

pub(super) const SCHEMA: &str = "
CREATE TABLE subjects (
    lookup BLOB PRIMARY KEY,          -- keyed hash of the operator's handle
    pseudonym TEXT NOT NULL UNIQUE,
    wrapped_key BLOB NOT NULL,        -- this row's data key; gone = row unreadable
    sealed BLOB NOT NULL              -- the handle and the identifiers
) STRICT;
";

/// A subject as it is sealed. The only place where identifiers are serialised on purpose.
#[derive(Serialize, Deserialize)]
pub(super) struct SealedSubject {
    key: SubjectKey,
    pseudonym: String,
    identifiers: Vec<SealedIdentifier>,
    /// Missing in what was sealed before there were namesakes.
    #[serde(default)]
    namesakes: Vec<Vec<SealedIdentifier>>,
    #[serde(default)]
    rejected: Vec<SealedIdentifier>,
}

#[derive(Serialize, Deserialize)]
struct SealedIdentifier {
    kind: IdentifierKind,
    value: String,
    instance: Option<InstanceName>,
    confirmed: bool,
}

fn sealed(identifiers: &[Identifier]) -> Vec<SealedIdentifier> {
    let one = |i: &Identifier| SealedIdentifier {
        kind: i.kind,
        value: i.value.reveal().clone(),
        instance: i.instance.clone(),
        confirmed: i.confirmed,
    };
    identifiers.iter().map(one).collect()
}

fn opened(identifiers: Vec<SealedIdentifier>) -> Vec<Identifier> {
    let one = |i: SealedIdentifier| Identifier {
        kind: i.kind,
        value: Personal::new(i.value),
        instance: i.instance,
        confirmed: i.confirmed,
    };
    identifiers.into_iter().map(one).collect()
}

impl SealedSubject {
    pub(super) fn from_subject(subject: &Subject) -> Self {
        Self {
            key: subject.key.reveal().clone(),
            pseudonym: subject.pseudonym.clone(),
            identifiers: sealed(&subject.identifiers),
            namesakes: subject.namesakes.iter().map(|n| sealed(&n.identifiers)).collect(),
            rejected: sealed(&subject.rejected),
        }
    }

    pub(super) fn into_subject(self) -> Subject {
        let mut subject = Subject::new(Personal::new(self.key), self.pseudonym, opened(self.identifiers));
        subject.namesakes = self.namesakes.into_iter().map(|n| Namesake { identifiers: opened(n) }).collect();
        subject.rejected = opened(self.rejected);
        subject
    }

    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, StoreError> {
        serde_json::to_vec(self).map_err(|_| StoreError::Damaged("subjects"))
    }

    pub(super) fn seal(&self, key: &DataKey, context: &[u8]) -> Result<Vec<u8>, StoreError> {
        Ok(key.seal(context, &self.to_bytes()?))
    }

    pub(super) fn open(key: &DataKey, context: &[u8], sealed: &[u8]) -> Result<Self, StoreError> {
        serde_json::from_slice(&key.open(context, sealed)?).map_err(|_| StoreError::Damaged("subjects"))
    }
}

impl Store {
    fn subject_lookup(&self, key: &SubjectKey) -> [u8; 32] {
        self.keys().keyed_hash(Purpose::Lookup, &[b"subject", key.as_str().as_bytes()])
    }

    /// The keyed pseudonym of a subject's handle.
    #[must_use]
    pub fn subject_pseudonym(&self, key: &SubjectKey) -> String {
        self.keys().pseudonym("subject", key.as_str())
    }

    /// Puts a subject into the register, in place of an earlier one with the same handle.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn put_subject(&self, subject: &Subject) -> Result<(), StoreError> {
        let lookup = self.subject_lookup(subject.key.reveal());
        let key = DataKey::random();
        let sealed = SealedSubject::from_subject(subject).seal(&key, &lookup)?;
        let wrapped = self.keys().wrap(&lookup, &key);
        self.write(|tx| {
            tx.execute(
                "INSERT INTO subjects (lookup, pseudonym, wrapped_key, sealed) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (lookup) DO UPDATE SET wrapped_key = ?3, sealed = ?4",
                (&lookup[..], &subject.pseudonym, wrapped, sealed),
            )?;
            Ok(())
        })
    }

    fn open_subject(&self, lookup: &[u8], wrapped: &[u8], sealed: &[u8]) -> Result<Subject, StoreError> {
        let key = self.keys().unwrap(lookup, wrapped)?;
        Ok(SealedSubject::open(&key, lookup, sealed)?.into_subject())
    }

    /// A subject by handle.
    ///
    /// # Errors
    /// When the row does not open.
    pub fn subject(&self, key: &SubjectKey) -> Result<Option<Subject>, StoreError> {
        let lookup = self.subject_lookup(key);
        let row = self.read(|tx| {
            Ok::<_, StoreError>(
                tx.query_row("SELECT wrapped_key, sealed FROM subjects WHERE lookup = ?1", [&lookup[..]], |r| {
                    Ok((r.get::<_, Vec<u8>>(0)?, r.get::<_, Vec<u8>>(1)?))
                })
                .optional()?,
            )
        })?;
        row.map(|(wrapped, sealed)| self.open_subject(&lookup, &wrapped, &sealed)).transpose()
    }

    /// All subjects, by pseudonym.
    ///
    /// # Errors
    /// When a row does not open.
    pub fn subjects(&self) -> Result<Vec<Subject>, StoreError> {
        let rows = self.read(|tx| {
            let mut stmt = tx.prepare("SELECT lookup, wrapped_key, sealed FROM subjects ORDER BY pseudonym")?;
            let rows = stmt
                .query_map([], |r| Ok((r.get::<_, Vec<u8>>(0)?, r.get::<_, Vec<u8>>(1)?, r.get::<_, Vec<u8>>(2)?)))?
                .collect::<Result<Vec<_>, _>>()?;
            Ok::<_, StoreError>(rows)
        })?;
        rows.iter().map(|(lookup, wrapped, sealed)| self.open_subject(lookup, wrapped, sealed)).collect()
    }

    /// Destroys a subject's key and row, and what the scans of the subject's cases remember. Says whether there was one.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn forget_subject(&self, key: &SubjectKey) -> Result<bool, StoreError> {
        let lookup = self.subject_lookup(key);
        let gone = self.write(|tx| {
            Ok::<_, StoreError>(tx.execute("DELETE FROM subjects WHERE lookup = ?1", [&lookup[..]])? > 0)
        })?;
        let cases = "case_id IN (SELECT id FROM cases WHERE pseudonym = ?1)";
        self.drop_scan_caches(cases, &self.subject_pseudonym(key))?;
        Ok(gone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sealed_at_rest_and_forgotten_for_good() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let key: SubjectKey = "zoe-handle-77".parse().unwrap();
        let identifier = |kind, value: &str| Identifier {
            kind,
            value: Personal::new(value.into()),
            instance: None,
            confirmed: kind == IdentifierKind::Email,
        };
        let mut subject = Subject::new(
            Personal::new(key.clone()),
            store.subject_pseudonym(&key),
            vec![identifier(IdentifierKind::Email, "zoe.quandt@corp.example")],
        );
        subject.add_namesake(Namesake { identifiers: vec![identifier(IdentifierKind::Username, "the.other.quandt")] });
        subject.reject(identifier(IdentifierKind::Phone, "+49 170 7654321"));
        store.put_subject(&subject).unwrap();
        assert_eq!(store.subject(&key).unwrap().unwrap(), subject);
        let on_disk = || {
            std::fs::read_dir(dir.path())
                .unwrap()
                .flat_map(|f| std::fs::read(f.unwrap().path()).unwrap())
                .collect::<Vec<u8>>()
        };
        for needle in ["zoe.quandt", "zoe-handle-77", "the.other.quandt", "7654321"] {
            assert!(memchr::memmem::find(&on_disk(), needle.as_bytes()).is_none(), "{needle} in clear on disk");
        }
        assert!(store.forget_subject(&key).unwrap());
        assert!(store.subject(&key).unwrap().is_none());
        assert!(!store.forget_subject(&key).unwrap());
    }

    #[test]
    fn what_was_sealed_before_there_were_namesakes_still_opens() {
        let old = r#"{"key":"zoe","pseudonym":"p-1","identifiers":[]}"#;
        let subject = serde_json::from_str::<SealedSubject>(old).unwrap().into_subject();
        assert!(subject.namesakes.is_empty() && subject.rejected.is_empty());
    }
}

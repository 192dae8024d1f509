//! Executors: how a record of each kind of place is loaded, changed and deleted. They decide nothing.
//!
//! Owns the acts themselves, one file a kind of place behind one trait. A load answers `None` where the record does not
//! exist; a replace or delete that the place refuses is an error with the place's own words. In which order the acts go, and
//! what counts as done, is `execute`'s. `tests/main/conformance.rs` holds each executor to what [`Executor`] promises.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::LocalBoxFuture;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{
    plan::{Base, Means, Operation, Step, stable_part},
    redact::{self, Action, RedactError},
};
use crate::{
    config::{Config, Sync},
    jira::{Client, JiraError},
    model::{Area, Cut, Decision, InstanceName, RecordType, SyncName},
    staging::{Staging, StagingError},
    store::{PairKind, Store, StoreError},
    sync::{Redacted, note_erasure, note_redaction, note_replacement},
};

pub mod account;
mod attachment;
pub mod cost;
mod file;
mod redactor;
mod remote;
pub mod renew;
mod staged;
mod ways;

pub use self::{account::People, file::read_file, ways::Ways};
use self::{attachment::Attachments, file::File, redactor::Redactor, remote::Remote, staged::Staged};

/// Why a step could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum ExecError {
    /// The record is not what it was when the step was planned.
    #[error("the record changed after the plan was made; it was left alone: plan again")]
    Changed,
    /// The act was accepted but the record is as before.
    #[error("the act was accepted but changed nothing")]
    NothingChanged,
    /// The record reads back with a reference in it.
    #[error("the record reads back otherwise than it was written, and still holds a reference")]
    ReadBack,
    /// Another program has the file open.
    #[error(
        "another program has the file open for writing: it was left alone; try again when that program has closed it"
    )]
    InUse,
    /// The record disappeared while it was edited.
    #[error("the record disappeared while it was edited")]
    Vanished,
    /// Nothing here can act on that place.
    #[error("there is nothing that can act on {0}")]
    NoExecutor(String),
    /// A cut does not fit.
    #[error("the planned cut cannot be made: {0}")]
    Redact(#[from] RedactError),
    /// The file's format cannot be rewritten.
    #[error("the file cannot be rewritten in place: {0}")]
    Unsupported(&'static str),
    /// Jira.
    #[error("{0}")]
    Jira(#[from] JiraError),
    /// The site has no redaction API, or does not take this: it is done otherwise, as the plan says.
    #[error("the redaction API cannot be used: {0}")]
    NotHere(String),
    /// A job goes on.
    #[error("the redaction job is still under way: run again, it is asked after and not started a second time")]
    UnderWay,
    /// An account could not be anonymised.
    #[error("the account could not be anonymised: {0}")]
    Account(String),
    /// An issue may not be written anew.
    #[error("the issue cannot be written anew: {0}")]
    Renew(String),
    /// Staging.
    #[error("{0}")]
    Staging(#[from] StagingError),
    /// The file system; the path may name a person and is not said.
    #[error("the file: {0}")]
    Io(#[from] std::io::Error),
    /// The journal.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A record as it is now.
#[derive(Debug, Clone)]
pub enum Current {
    /// A JSON record of a Jira.
    Json(Value),
    /// A file, a staged message or a staged attachment.
    Bytes(Vec<u8>),
    /// An attachment of a Jira.
    Attachment {
        /// Its description.
        meta: Value,
        /// Its content.
        bytes: Vec<u8>,
    },
}

fn action(decision: Decision) -> Action {
    match decision {
        Decision::Clear => Action::Clear,
        Decision::Remove => Action::Remove,
        _ => Action::Redact,
    }
}

/// The name by which the scan told the format of a byte record.
pub(crate) fn name_of(step: &Step) -> &str {
    match (&step.record.path, step.record.record_type) {
        (Some(path), _) => path,
        (None, RecordType::Attachment) => crate::scan::run::BLOB_NAME,
        (None, _) => crate::scan::run::MESSAGE_NAME,
    }
}

/// Hex SHA-256.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

impl Current {
    /// The hash that a step's `base` is compared with.
    #[must_use]
    pub fn hash(&self, step: &Step) -> String {
        let fields: Vec<&str> = step.edits.iter().map(|e| e.field.as_str()).collect();
        match self {
            Self::Json(v) => Base::Json(v.clone()).hash(step.record.record_type, step.operation, &fields),
            Self::Bytes(b) => sha256(b),
            Self::Attachment { meta, bytes } => {
                let known = with_digest(meta.clone(), bytes);
                Base::Json(known).hash(step.record.record_type, step.operation, &fields)
            }
        }
    }

    /// The edited part as bytes, for the other search.
    #[must_use]
    pub fn edited_bytes(&self, step: &Step) -> Vec<u8> {
        let fields: Vec<&str> = step.edits.iter().map(|e| e.field.as_str()).collect();
        match self {
            Self::Json(v) => stable_part(v, step.record.record_type, step.operation, &fields).to_string().into_bytes(),
            Self::Bytes(b) => b.clone(),
            Self::Attachment { meta, bytes } => {
                [meta.get("filename").and_then(Value::as_str).unwrap_or_default().as_bytes(), b"\n", bytes].concat()
            }
        }
    }

    /// The record with the step's cuts made.
    ///
    /// # Errors
    /// When a cut does not fit, or would change nothing.
    pub fn redacted(&self, step: &Step, placeholder: &str) -> Result<Self, ExecError> {
        // Texts that take another's place move nothing, so they come first; what leaves a list moves what stands behind it.
        let mut by_text: BTreeMap<Option<&str>, Vec<(Cut, Action)>> = BTreeMap::new();
        for e in &step.edits {
            by_text.entry(e.with.as_deref()).or_default().push((e.cut.clone(), action(e.decision)));
        }
        let last = by_text.remove(&None);
        let groups = by_text.iter().map(|(with, cuts)| (with.unwrap_or(placeholder), cuts));
        let groups = groups.chain(last.iter().map(|cuts| (placeholder, cuts)));
        match self {
            Self::Json(value) => {
                let mut value = value.clone();
                for (with, cuts) in groups {
                    redact::apply(&mut value, cuts, with)?;
                }
                Ok(Self::Json(value))
            }
            Self::Bytes(bytes) => {
                let mut bytes = bytes.clone();
                for (with, cuts) in groups {
                    bytes = match redact::redact_file(name_of(step), &bytes, cuts, with)? {
                        redact::Redacted::Bytes(b) => b,
                        redact::Redacted::Unsupported(why) => return Err(ExecError::Unsupported(why)),
                    };
                }
                Ok(Self::Bytes(bytes))
            }
            Self::Attachment { meta, bytes } => attachment::redacted(meta, bytes, step, placeholder),
        }
    }
}

/// An attachment's description with the digest of its content, which a step that edits it stands on.
#[must_use]
pub fn with_digest(mut meta: Value, bytes: &[u8]) -> Value {
    meta["sha256"] = sha256(bytes).into();
    meta
}

/// What a place cannot take away as the plan meant, and what is done instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FallBack {
    /// Findings that stay; none where they are taken away by other means.
    pub left: Vec<String>,
    /// What to tell.
    pub why: String,
}

/// What an act gives back when it is through.
pub type Doing<'a, T> = LocalBoxFuture<'a, Result<T, ExecError>>;

/// How the records of one kind of place are loaded and changed.
///
/// What every executor promises, and the suite holds it to: `next` touches nothing and says what `replace` will leave behind; a
/// `load` after an act sees what the act left, not what some cache remembers; an act may be repeated; what is not the step's
/// record keeps every byte.
pub trait Executor {
    /// The record as it is now; `None` where it does not exist.
    fn load<'a>(&'a self, step: &'a Step) -> Doing<'a, Option<Current>>;

    /// Whether another program is at work on the record, so that a change would be lost or would lose what that program writes.
    fn in_use(&self, _step: &Step) -> bool {
        false
    }

    /// Makes sure that a record which a load did not find is gone, and not hidden: a Jira answers 404 for both.
    fn confirm_gone<'a>(&'a self, _step: &'a Step) -> Doing<'a, ()> {
        Box::pin(async { Ok(()) })
    }

    /// What the place will accept of an edited record.
    fn complete<'a>(&'a self, _step: &'a Step, next: Current) -> Doing<'a, Current> {
        Box::pin(async { Ok(next) })
    }

    /// The record as an edit will leave it behind.
    fn next<'a>(&'a self, step: &'a Step, current: &'a Current, placeholder: &'a str) -> Doing<'a, Current> {
        Box::pin(async move { self.complete(step, current.redacted(step, placeholder)?).await })
    }

    /// What is put in the place of a record before it is deleted, where a deletion may copy it somewhere.
    fn parting(&self, _step: &Step, _current: &Current, _placeholder: &str) -> Option<Current> {
        None
    }

    /// The step in the parts in which it is carried out: each is read back before the next begins. A part has the step's
    /// record and some of its edits.
    fn parts(&self, step: &Step) -> Vec<Step> {
        vec![step.clone()]
    }

    /// What is done otherwise than planned, since the place lacks the means: known once [`Executor::begin`] was refused.
    fn falls_back(&self, _step: &Step) -> Option<FallBack> {
        None
    }

    /// Begins what goes on under an id of its own: a job, or the new record that will take the place of the old one.
    /// `again` says that an earlier run may have begun it already, without getting to know the id.
    fn begin<'a>(
        &'a self,
        _step: &'a Step,
        _current: &'a Current,
        _next: Option<&'a Current>,
        _again: bool,
    ) -> Doing<'a, Option<String>> {
        Box::pin(async { Ok(None) })
    }

    /// Puts `next` in place of `current`, going on with what was begun; says what a person should know of how it went.
    fn replace<'a>(
        &'a self,
        step: &'a Step,
        current: &'a Current,
        next: &'a Current,
        begun: Option<&'a str>,
    ) -> Doing<'a, Option<String>>;

    /// The record that took the place of one that is gone, by the id under which it was begun.
    fn successor<'a>(&'a self, _step: &'a Step, _begun: &'a str) -> Doing<'a, Option<Current>> {
        Box::pin(async { Ok(None) })
    }

    /// Whether what was begun ended as it should, where what it leaves behind cannot be foreseen.
    fn ended<'a>(&'a self, _step: &'a Step, _begun: &'a str) -> Doing<'a, bool> {
        Box::pin(async { Ok(false) })
    }

    /// Whether what reads back otherwise than foreseen is what the part was to leave behind, though in the place's own form;
    /// `clean` is the other search. `before` is missing where an earlier run did it.
    fn accepts(
        &self,
        _step: &Step,
        part: &Step,
        _before: Option<&Current>,
        read: &Current,
        clean: &dyn Fn(&[u8]) -> bool,
    ) -> bool {
        clean(&read.edited_bytes(part))
    }

    /// Where else an edit may have left what it took away, entry by entry; `None` where nobody has to look.
    fn traces<'a>(&'a self, _step: &'a Step) -> Doing<'a, Option<Vec<Value>>> {
        Box::pin(async { Ok(None) })
    }

    /// What it means that an act was accepted and the record is as before.
    fn changed_nothing(&self, _part: &Step) -> ExecError {
        ExecError::NothingChanged
    }

    /// Deletes the record; one that is not there counts as deleted.
    fn delete<'a>(&'a self, step: &'a Step) -> Doing<'a, ()>;
}

/// Finds the executor of a step.
pub struct Executors<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The store.
    pub store: &'a Store,
    /// Clients with the right to erase.
    pub clients: &'a BTreeMap<InstanceName, Client>,
    /// Whom steps that anonymise mean, by their base.
    pub people: &'a People,
    /// A client of a synchronization's source, for reading.
    pub sources: &'a dyn Fn(&crate::config::Sync) -> Option<Client>,
    /// What is put where something was cut.
    pub placeholder: &'a str,
    /// By what means, and what this run has learnt of them.
    pub ways: &'a Ways,
}

impl<'a> Executors<'a> {
    /// The executor of a step.
    ///
    /// # Errors
    /// When there is none, or the staging area cannot be opened.
    pub fn of(&self, step: &Step) -> Result<Box<dyn Executor + 'a>, ExecError> {
        let nobody = || ExecError::NoExecutor(step.place.to_string());
        if step.operation == Operation::Anonymise {
            let name = step.instance.as_ref().ok_or_else(nobody)?;
            let owner = self.config.instance(name).and_then(|i| i.new_owner.clone());
            let client = self.clients.get(name).ok_or_else(nobody)?;
            let person = self.people.get(&step.base).ok_or_else(nobody)?;
            return Ok(Box::new(account::AccountOf::new(client, person, owner)));
        }
        if step.operation == Operation::Renew {
            let name = step.instance.as_ref().ok_or_else(nobody)?;
            let target = self.clients.get(name).ok_or_else(nobody)?;
            let source = self.sources;
            return Ok(Box::new(renew::Renew::new(renew::Renewer {
                config: self.config,
                store: self.store,
                target,
                source,
            })));
        }
        match step.place.area() {
            Area::Source | Area::Target => {
                let name = step.instance.as_ref().ok_or_else(nobody)?;
                let client = self.clients.get(name).ok_or_else(nobody)?;
                let remote = Remote::new(client);
                Ok(match step.means {
                    Some(Means::RedactionApi) => Box::new(Redactor::new(remote, client, self.ways)),
                    Some(Means::Note) => Box::new(Attachments::new(client, self.ways)),
                    None if step.replaces_attachment() => Box::new(Attachments::new(client, self.ways)),
                    None => Box::new(remote),
                })
            }
            Area::Staging => {
                let sync = step.place.spot().split('/').next().unwrap_or_default();
                let sync: SyncName = sync.parse().map_err(|_| nobody())?;
                let home = self.config.home.as_ref().ok_or_else(nobody)?;
                Ok(Box::new(Staged::new(Staging::open(&home.staging, &sync, self.store)?)))
            }
            Area::Foreign | Area::Log => {
                let root = crate::scan::folder_of(self.config, &step.place).ok_or_else(nobody)?;
                let relative = step.record.path.as_deref().ok_or_else(nobody)?;
                let file = relative.split_once('!').map_or(relative, |(outer, _)| outer);
                Ok(Box::new(File::new(root.join(file))))
            }
            Area::State | Area::Backup => Err(nobody()),
        }
    }
}

impl Executors<'_> {
    fn syncs(&self, which: impl Fn(&Sync) -> bool) -> Vec<SyncName> {
        self.config.syncs.values().filter(|s| which(s)).map(|s| s.name.clone()).collect()
    }

    /// Tells the sync engine of a new attachment that takes the place of a step's: it is the same attachment to every
    /// synchronization, so that none carries it over as one more, nor brings the old one back (law 5). Told as soon as the new
    /// one is there.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn replaced(&self, step: &Step, new: &str) -> Result<(), StoreError> {
        let (Some(instance), Some(old)) = (&step.instance, step.record.id.as_deref()) else { return Ok(()) };
        let targets = self.syncs(|s| s.target.instance == *instance);
        let sources = self.syncs(|s| s.source.instance == *instance);
        note_replacement(self.store, &targets, &sources, (old, new), step.operation == Operation::Edit)
    }

    /// Tells the sync engine what a step left behind, so that nothing from the source undoes it (law 5). Asked before the
    /// step counts as done, and again when a run that was cut off is resumed.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn settle(&self, step: &Step, left: Option<&Current>) -> Result<(), ExecError> {
        let Some(instance) = &step.instance else { return Ok(()) };
        if step.operation == Operation::Renew {
            let id = step.record.id.as_deref().unwrap_or_default();
            return renew::forget(self.config, self.store, instance.as_str(), id);
        }
        let syncs = self.syncs(|s| s.target.instance == *instance);
        let id = step.record.id.as_deref().unwrap_or_default();
        let kind = match step.record.record_type {
            RecordType::Issue => PairKind::Issue,
            RecordType::Comment => PairKind::Comment,
            RecordType::Attachment => PairKind::Attachment,
            RecordType::Worklog => PairKind::Worklog,
            RecordType::RemoteLink => PairKind::RemoteLink,
            _ => return Ok(()),
        };
        if matches!(left, Some(Current::Attachment { .. })) {
            return Ok(());
        }
        let Some(Current::Json(left)) = left else {
            note_erasure(self.store, &syncs, kind, id)?;
            return Ok(());
        };
        let values = if kind == PairKind::Issue { left.get("fields").unwrap_or(&Value::Null) } else { left };
        for field in step.edits.iter().map(|e| e.field.as_str()).collect::<BTreeSet<_>>() {
            let value = values.get(field).unwrap_or(&Value::Null);
            note_redaction(self.store, &syncs, Redacted { kind, target_id: id, field }, value)?;
        }
        Ok(())
    }
}

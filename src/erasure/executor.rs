//! Executors: how a record of each kind of place is loaded, changed and deleted. They decide nothing.
//!
//! Owns the acts themselves. A load answers `None` where the record does not exist; a replace or delete that the place
//! refuses is an error with the place's own words.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    time::Duration,
};

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::{
    plan::{Base, Step, stable_part},
    redact::{self, Action, RedactError},
};
use crate::{
    config::Config,
    jira::{Client, ErrorKind, JiraError, Notify, User, adf_paragraphs},
    model::{Area, Cut, Decision, InstanceName, RecordType, SyncName},
    staging::{Staging, StagingError},
    store::{PairKind, Store, StoreError},
    sync::{Redacted, note_erasure, note_redaction},
};

pub mod cost;

/// How long a step waits for a sync run that is at work in the same staging folder.
const PATIENCE: Duration = Duration::from_secs(60);

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

/// A file's bytes; of an empty folder none. A folder with something in it is an error: it is not one record.
///
/// # Errors
/// What the file system says.
pub fn read_file(path: &std::path::Path) -> std::io::Result<Vec<u8>> {
    if !path.is_dir() {
        return std::fs::read(path);
    }
    match std::fs::read_dir(path)?.next() {
        None => Ok(Vec::new()),
        Some(_) => Err(std::io::ErrorKind::DirectoryNotEmpty.into()),
    }
}

impl Current {
    /// The hash that a step's `base` is compared with.
    #[must_use]
    pub fn hash(&self, step: &Step) -> String {
        let fields: Vec<&str> = step.edits.iter().map(|e| e.field.as_str()).collect();
        match self {
            Self::Json(v) => Base::Json(v.clone()).hash(step.record.record_type, step.operation, &fields),
            Self::Bytes(b) => sha256(b),
        }
    }

    /// The edited part as bytes, for the other search.
    #[must_use]
    pub fn edited_bytes(&self, step: &Step) -> Vec<u8> {
        let fields: Vec<&str> = step.edits.iter().map(|e| e.field.as_str()).collect();
        match self {
            Self::Json(v) => stable_part(v, step.record.record_type, step.operation, &fields).to_string().into_bytes(),
            Self::Bytes(b) => b.clone(),
        }
    }

    /// The record with the step's cuts made.
    ///
    /// # Errors
    /// When a cut does not fit, or would change nothing.
    pub fn redacted(&self, step: &Step, placeholder: &str) -> Result<Self, ExecError> {
        let cuts: Vec<(Cut, Action)> = step.edits.iter().map(|e| (e.cut.clone(), action(e.decision))).collect();
        match self {
            Self::Json(value) => {
                let mut value = value.clone();
                redact::apply(&mut value, &cuts, placeholder)?;
                Ok(Self::Json(value))
            }
            Self::Bytes(bytes) => match redact::redact_file(name_of(step), bytes, &cuts, placeholder)? {
                redact::Redacted::Bytes(b) => Ok(Self::Bytes(b)),
                redact::Redacted::Unsupported(why) => Err(ExecError::Unsupported(why)),
            },
        }
    }

    /// A comment or worklog with nothing but the placeholder in it, as the last thing before it is deleted.
    #[must_use]
    pub fn blanked(&self, step: &Step, placeholder: &str) -> Self {
        let Self::Json(value) = self else { return self.clone() };
        let name = if step.record.record_type == RecordType::Comment { "body" } else { "comment" };
        let mut value = value.clone();
        let adf = value.get(name).is_some_and(Value::is_object);
        value[name] = if adf { adf_paragraphs(placeholder) } else { Value::String(placeholder.to_owned()) };
        Self::Json(value)
    }
}

/// Finds the executor of a step.
pub struct Executors<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The store.
    pub store: &'a Store,
    /// Clients with the right to erase.
    pub clients: &'a BTreeMap<InstanceName, Client>,
    /// What is put where something was cut.
    pub placeholder: &'a str,
}

/// One way to load and change records.
pub enum Executor<'a> {
    /// A Jira.
    Remote(&'a Client),
    /// Our staging area.
    Staged(Staging),
    /// A file below a folder.
    File(PathBuf),
}

impl<'a> Executors<'a> {
    /// The executor of a step.
    ///
    /// # Errors
    /// When there is none, or the staging area cannot be opened.
    pub fn of(&self, step: &Step) -> Result<Executor<'a>, ExecError> {
        let nobody = || ExecError::NoExecutor(step.place.to_string());
        match step.place.area() {
            Area::Source | Area::Target => {
                let name = step.instance.as_ref().ok_or_else(nobody)?;
                Ok(Executor::Remote(self.clients.get(name).ok_or_else(nobody)?))
            }
            Area::Staging => {
                let sync = step.place.spot().split('/').next().unwrap_or_default();
                let sync: SyncName = sync.parse().map_err(|_| nobody())?;
                let home = self.config.home.as_ref().ok_or_else(nobody)?;
                Ok(Executor::Staged(Staging::open(&home.staging, &sync, self.store)?))
            }
            Area::Foreign | Area::Log => {
                let root = crate::scan::folder_of(self.config, &step.place).ok_or_else(nobody)?;
                let relative = step.record.path.as_deref().ok_or_else(nobody)?;
                let file = relative.split_once('!').map_or(relative, |(outer, _)| outer);
                Ok(Executor::File(root.join(file)))
            }
            Area::State | Area::Backup => Err(nobody()),
        }
    }
}

impl Executors<'_> {
    /// Tells the sync engine what a step left behind, so that nothing from the source undoes it (law 5). Asked before the
    /// step counts as done, and again when a run that was cut off is resumed.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn settle(&self, step: &Step, left: Option<&Current>) -> Result<(), StoreError> {
        let Some(instance) = &step.instance else { return Ok(()) };
        let syncs: Vec<SyncName> =
            self.config.syncs.values().filter(|s| s.target.instance == *instance).map(|s| s.name.clone()).collect();
        let id = step.record.id.as_deref().unwrap_or_default();
        let kind = match step.record.record_type {
            RecordType::Issue => PairKind::Issue,
            RecordType::Comment => PairKind::Comment,
            RecordType::Attachment => PairKind::Attachment,
            _ => return Ok(()),
        };
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

fn ids(step: &Step) -> (&str, &str) {
    (step.record.key.as_deref().unwrap_or_default(), step.record.id.as_deref().unwrap_or_default())
}

fn absent<T>(result: Result<T, JiraError>) -> Result<Option<T>, ExecError> {
    match result {
        Ok(v) => Ok(Some(v)),
        Err(e) if e.kind == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e.into()),
    }
}

impl Executor<'_> {
    /// The record as it is now; `None` where it does not exist.
    pub(crate) async fn load(&self, step: &Step) -> Result<Option<Current>, ExecError> {
        match self {
            Self::Remote(client) => Ok(load_remote(client, step).await?.map(Current::Json)),
            Self::Staged(staging) => {
                let id = step.record.id.as_deref().unwrap_or_default();
                let bytes = match step.record.record_type {
                    RecordType::Attachment => staging.read_blob(id.parse()?),
                    _ => staging.read(id.parse()?),
                };
                match bytes {
                    Ok(bytes) => Ok(Some(Current::Bytes(bytes))),
                    Err(StagingError::Unknown(_) | StagingError::Erased(_)) => Ok(None),
                    Err(e) => Err(e.into()),
                }
            }
            Self::File(path) => match read_file(path) {
                Ok(bytes) => Ok(Some(Current::Bytes(bytes))),
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
                Err(e) => Err(e.into()),
            },
        }
    }

    /// Makes sure that a record which a load did not find is gone, and not hidden: a Jira answers 404 for both.
    pub(crate) async fn confirm_gone(&self, step: &Step) -> Result<(), ExecError> {
        if let (Self::Remote(client), Some(project)) = (self, &step.project) {
            client.project(project).await?;
        }
        Ok(())
    }

    /// What a Jira will accept: most projects require a reporter, so where that field may not be empty, the account that
    /// erases stands in.
    pub(crate) async fn complete(&self, step: &Step, mut next: Current) -> Result<Current, ExecError> {
        let (Self::Remote(client), Current::Json(value)) = (self, &mut next) else { return Ok(next) };
        let emptied = step.record.record_type == RecordType::Issue
            && step.edits.iter().any(|e| e.field == "reporter")
            && value.pointer("/fields/reporter").is_some_and(Value::is_null);
        if emptied {
            let meta = client.edit_meta(ids(step).0).await.unwrap_or(Value::Null);
            if meta.pointer("/fields/reporter/required").and_then(Value::as_bool) == Some(true) {
                let me = client.myself().await?;
                let id = me.account_id.map(|id| ("accountId", id)).or_else(|| me.name.map(|name| ("name", name)));
                if let Some((name, id)) = id {
                    value["fields"]["reporter"] = serde_json::json!({ name: id });
                }
            }
        }
        Ok(next)
    }

    /// Puts `next` in place of `current`; says what a person should know of how it went.
    pub(crate) async fn replace(
        &self,
        step: &Step,
        current: &Current,
        next: &Current,
    ) -> Result<Option<String>, ExecError> {
        match (self, next) {
            (Self::Remote(client), Current::Json(next)) => {
                let Current::Json(current) = current else { return Err(ExecError::Changed) };
                replace_remote(client, step, current, next).await
            }
            (Self::Staged(staging), Current::Bytes(next)) => {
                let id = step.record.id.as_deref().unwrap_or_default();
                let _lock = staging.lock(PATIENCE)?;
                match step.record.record_type {
                    RecordType::Attachment => staging.rewrite_blob(id.parse()?, next)?,
                    _ => staging.rewrite(id.parse()?, next)?,
                }
                Ok(None)
            }
            (Self::File(path), Current::Bytes(next)) => {
                crate::fs::write_atomic(path, next)?;
                Ok(None)
            }
            _ => Err(ExecError::NoExecutor(step.place.to_string())),
        }
    }

    /// Deletes the record; one that is not there counts as deleted.
    pub(crate) async fn delete(&self, step: &Step) -> Result<(), ExecError> {
        match self {
            Self::Remote(client) => delete_remote(client, step).await,
            Self::Staged(staging) => {
                let id = step.record.id.as_deref().unwrap_or_default();
                let _lock = staging.lock(PATIENCE)?;
                match step.record.record_type {
                    RecordType::Attachment => staging.erase_blob(id.parse()?)?,
                    _ => staging.erase(id.parse()?)?,
                };
                Ok(())
            }
            Self::File(path) => {
                if path.is_dir() {
                    std::fs::remove_dir(path)?;
                } else {
                    crate::fs::remove_durably(path)?;
                }
                Ok(())
            }
        }
    }
}

async fn load_remote(client: &Client, step: &Step) -> Result<Option<Value>, ExecError> {
    let (key, id) = ids(step);
    Ok(match step.record.record_type {
        RecordType::Issue => client.issue(key, &["*all"], false, &[]).await?.map(|i| Value::Object(i.0)),
        RecordType::Comment => client.comment(key, id).await?,
        RecordType::Worklog => absent(client.worklogs(key).await)?.and_then(|all| all.into_iter().find(|w| is(w, id))),
        RecordType::Attachment => client.attachment_meta(id).await?,
        RecordType::Watcher => absent(client.watchers(key).await)?.and_then(|all| {
            // A watcher's id would be the person's own, so the plan has none: its hash knows the watcher.
            let planned =
                |user: &Value| Base::Json(user.clone()).hash(step.record.record_type, step.operation, &[]) == step.base;
            all.into_iter().map(|u| u.raw).find(planned)
        }),
        RecordType::RemoteLink => {
            absent(client.remote_links(key).await)?.and_then(|all| all.into_iter().find(|l| is(l, id)))
        }
        RecordType::Property => {
            let (name, value) = match property_of(id) {
                Property::Comment(comment, name) => (name, client.comment_property(comment, name).await?),
                Property::Worklog(worklog, name) => (name, client.worklog_property(key, worklog, name).await?),
                Property::Issue(name) => (name, client.property(key, name).await?),
            };
            value.map(|value| serde_json::json!({ "key": name, "value": value }))
        }
        _ => return Err(ExecError::NoExecutor(step.place.to_string())),
    })
}

/// Whose property it is. The collector calls one of a comment `comment/10001/name`, one of a worklog `worklog/10001/name`.
enum Property<'a> {
    Issue(&'a str),
    Comment(&'a str, &'a str),
    Worklog(&'a str, &'a str),
}

fn property_of(id: &str) -> Property<'_> {
    let part = |what: &str| {
        let (owner, name) = id.strip_prefix(what)?.split_once('/')?;
        owner.bytes().all(|b| b.is_ascii_digit()).then_some((owner, name))
    };
    match (part("comment/"), part("worklog/")) {
        (Some((comment, name)), _) => Property::Comment(comment, name),
        (_, Some((worklog, name))) => Property::Worklog(worklog, name),
        _ => Property::Issue(id),
    }
}

fn is(value: &Value, id: &str) -> bool {
    match value.get("id") {
        Some(Value::String(s)) => s == id,
        Some(Value::Number(n)) => n.to_string() == id,
        _ => false,
    }
}

async fn replace_remote(
    client: &Client,
    step: &Step,
    current: &Value,
    next: &Value,
) -> Result<Option<String>, ExecError> {
    let (key, id) = ids(step);
    match step.record.record_type {
        RecordType::Issue => {
            let mut fields = Map::new();
            for edit in &step.edits {
                let old = current.get("fields").and_then(|f| f.get(&edit.field));
                let new = next.get("fields").and_then(|f| f.get(&edit.field));
                if old != new {
                    fields.insert(edit.field.clone(), new.cloned().unwrap_or(Value::Null));
                }
            }
            let edited = client.edit_issue(key, fields, Map::new(), Notify::PreferNever).await?;
            Ok(edited.notified.then(|| "the account may not switch mails off: this edit sent its mails".to_owned()))
        }
        RecordType::Comment => {
            client.edit_comment(key, id, next.get("body").cloned().unwrap_or(Value::Null)).await?;
            Ok(None)
        }
        RecordType::Worklog => {
            let comment = next.get("comment").cloned().unwrap_or(Value::Null);
            client.edit_worklog(key, id, Map::from_iter([("comment".to_owned(), comment)])).await?;
            Ok(None)
        }
        RecordType::RemoteLink => {
            let mut body = next.as_object().cloned().unwrap_or_default();
            body.retain(|name, _| matches!(name.as_str(), "globalId" | "application" | "relationship" | "object"));
            client.edit_remote_link(key, id, body).await?;
            Ok(None)
        }
        RecordType::Property => {
            let value = next.get("value").cloned().unwrap_or(Value::Null);
            match property_of(id) {
                Property::Comment(comment, name) => client.set_comment_property(comment, name, value).await?,
                Property::Worklog(worklog, name) => client.set_worklog_property(key, worklog, name, value).await?,
                Property::Issue(name) => client.set_property(key, name, value).await?,
            }
            Ok(None)
        }
        _ => Err(ExecError::NoExecutor(step.place.to_string())),
    }
}

async fn delete_remote(client: &Client, step: &Step) -> Result<(), ExecError> {
    let (key, id) = ids(step);
    match step.record.record_type {
        RecordType::Comment => client.delete_comment(key, id).await?,
        RecordType::Worklog => client.delete_worklog(key, id).await?,
        RecordType::Attachment => client.delete_attachment(id).await?,
        RecordType::RemoteLink => client.delete_remote_link(key, id).await?,
        RecordType::Property => match property_of(id) {
            Property::Comment(comment, name) => client.delete_comment_property(comment, name).await?,
            Property::Worklog(worklog, name) => client.delete_worklog_property(key, worklog, name).await?,
            Property::Issue(name) => client.delete_property(key, name).await?,
        },
        RecordType::Watcher => {
            let Some(Value::Object(raw)) = load_remote(client, step).await? else { return Ok(()) };
            let user = User::from_json(&Value::Object(raw));
            client.remove_watcher(key, &user).await?
        }
        _ => return Err(ExecError::NoExecutor(step.place.to_string())),
    };
    Ok(())
}

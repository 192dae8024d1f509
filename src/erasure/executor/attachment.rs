//! Attachments of a Jira: one that is edited is uploaded anew without the person, and the old one is deleted; one that is
//! deleted leaves a note.
//!
//! Owns how a new one is found again after a run that was cut off: uploads carry no mark, so it is known by the journal, or
//! else by author, name, size and bytes. Must not decide what is cut.

use chrono::Duration;
use serde_json::{Value, json};

use super::{Current, Doing, ExecError, Executor, Ways, action};
use crate::{
    erasure::{
        plan::{Operation, Plan, Step},
        redact::{self, redact_file},
    },
    jira::{Client, ErrorKind, Upload, parse_time},
    model::Cut,
    scan::collect::ATTACHMENT_LIMIT,
};

/// The clocks of an instance and of this host may differ by so much.
const SKEW: Duration = Duration::minutes(15);

/// The attachments of one instance.
pub(super) struct Attachments<'a> {
    client: &'a Client,
    ways: &'a Ways,
}

/// The text of a note, but for the step's number: what, when, under which law, in which case. It names nobody.
pub(super) fn removed(plan: &Plan) -> String {
    let day = plan.created_at.get(..10).unwrap_or_default();
    let law = plan.policy.law.as_ref().map(|law| format!(" under {law}")).unwrap_or_default();
    format!("An attachment was removed here{law}, as planned on {day}. Case {}", plan.case)
}

/// The attachment with the cuts of a step made, in its content and in its name.
pub(super) fn redacted(meta: &Value, bytes: &[u8], step: &Step, placeholder: &str) -> Result<Current, ExecError> {
    let name = file_name(meta);
    let cuts = |of_name: bool| -> Vec<(Cut, redact::Action)> {
        let edits = step.edits.iter().filter(|e| (e.field == "filename") == of_name);
        edits.map(|e| (e.cut.clone(), action(e.decision))).collect()
    };
    let (in_name, in_content) = (cuts(true), cuts(false));
    let mut named = json!({ "filename": name });
    if !in_name.is_empty() {
        redact::apply(&mut named, &in_name, &in_a_name(placeholder))?;
    }
    let bytes = match in_content.as_slice() {
        [] => bytes.to_vec(),
        cuts => match redact_file(name, bytes, cuts, placeholder)? {
            redact::Redacted::Bytes(bytes) => bytes,
            redact::Redacted::Unsupported(why) => return Err(ExecError::Unsupported(why)),
        },
    };
    named["size"] = bytes.len().into();
    Ok(Current::Attachment { meta: named, bytes })
}

/// A placeholder without what file names must not hold.
fn in_a_name(placeholder: &str) -> String {
    placeholder
        .chars()
        .map(|c| if matches!(c, '/' | '\\' | ':' | '"' | '?' | '%' | '#' | ';') { '_' } else { c })
        .collect()
}

fn file_name(meta: &Value) -> &str {
    meta.get("filename").and_then(Value::as_str).unwrap_or("attachment")
}

fn id_of(meta: &Value) -> Option<String> {
    match meta.get("id")? {
        Value::String(id) => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}

impl<'a> Attachments<'a> {
    pub(super) const fn new(client: &'a Client, ways: &'a Ways) -> Self {
        Self { client, ways }
    }

    async fn read(&self, id: &str) -> Result<Option<Current>, ExecError> {
        let Some(meta) = self.client.attachment_meta(id).await? else { return Ok(None) };
        let bytes = self.content(&meta).await?;
        Ok(bytes.map(|bytes| Current::Attachment { meta, bytes }))
    }

    async fn content(&self, meta: &Value) -> Result<Option<Vec<u8>>, ExecError> {
        match self.client.download(meta).await {
            Ok(download) => Ok(Some(download.read_limited(ATTACHMENT_LIMIT).await?)),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e.into()),
        }
    }

    /// What is to be uploaded in the place of the step's attachment.
    fn upload_of<'n>(&self, step: &Step, next: Option<&'n Current>) -> Option<(String, std::borrow::Cow<'n, [u8]>)> {
        match (step.operation, next) {
            (Operation::Edit, Some(Current::Attachment { meta, bytes })) => {
                Some((file_name(meta).to_owned(), bytes.as_slice().into()))
            }
            (Operation::Delete, _) => {
                let text = format!("{}, step {}.\n", self.ways.removed, step.number);
                Some((format!("attachment-removed-{}.txt", step.number), text.into_bytes().into()))
            }
            _ => None,
        }
    }

    /// The upload of an earlier run whose answer nobody got: ours, of no other step, not older than the plan, the same name
    /// and bytes.
    async fn find(&self, step: &Step, name: &str, bytes: &[u8]) -> Result<Option<String>, ExecError> {
        let key = step.record.key.as_deref().unwrap_or_default();
        let issue = self.client.issue(key, &["attachment"], false, &[]).await?.ok_or(ExecError::Vanished)?;
        let me = self.client.myself().await?;
        let ours = |meta: &Value| {
            let author = meta.get("author");
            let is = |name: &str, mine: &Option<String>| {
                mine.as_deref()
                    .is_some_and(|mine| author.and_then(|a| a.get(name)).and_then(Value::as_str) == Some(mine))
            };
            author.is_none() || is("accountId", &me.account_id) || is("name", &me.name)
        };
        let late = |meta: &Value| {
            let made = meta.get("created").and_then(Value::as_str).and_then(parse_time);
            made.zip(self.ways.since).is_none_or(|(made, since)| made + SKEW >= since)
        };
        for meta in issue.field("attachment").and_then(Value::as_array).into_iter().flatten() {
            let Some(id) = id_of(meta) else { continue };
            let other = Some(id.as_str()) == step.record.id.as_deref() || self.ways.is_of_another(&id, step.number);
            let alike = file_name(meta) == name && meta.get("size").and_then(Value::as_u64) == Some(bytes.len() as u64);
            if !other && alike && ours(meta) && late(meta) && self.content(meta).await?.as_deref() == Some(bytes) {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }
}

impl Executor for Attachments<'_> {
    fn load<'a>(&'a self, step: &'a Step) -> Doing<'a, Option<Current>> {
        Box::pin(async move {
            let id = step.record.id.as_deref().unwrap_or_default();
            match step.operation {
                Operation::Edit => self.read(id).await,
                _ => Ok(self.client.attachment_meta(id).await?.map(Current::Json)),
            }
        })
    }

    fn confirm_gone<'a>(&'a self, step: &'a Step) -> Doing<'a, ()> {
        Box::pin(async move {
            if let Some(project) = &step.project {
                self.client.project(project).await?;
            }
            Ok(())
        })
    }

    fn begin<'a>(
        &'a self,
        step: &'a Step,
        _current: &'a Current,
        next: Option<&'a Current>,
        again: bool,
    ) -> Doing<'a, Option<String>> {
        Box::pin(async move {
            let Some((name, bytes)) = self.upload_of(step, next) else { return Ok(None) };
            let earlier = if again { self.find(step, &name, &bytes).await? } else { None };
            let id = match earlier {
                Some(id) => id,
                None => {
                    let key = step.record.key.as_deref().unwrap_or_default();
                    match self.client.upload(key, &name, Upload::Bytes(bytes.to_vec().into())).await {
                        Ok(made) => id_of(&made).ok_or(ExecError::ReadBack)?,
                        Err(e) if e.kind() == ErrorKind::Doubtful => match self.find(step, &name, &bytes).await? {
                            Some(id) => id,
                            None => return Err(e.into()),
                        },
                        Err(e) => return Err(e.into()),
                    }
                }
            };
            self.ways.made(&id, step.number);
            Ok(Some(id))
        })
    }

    fn replace<'a>(
        &'a self,
        step: &'a Step,
        _current: &'a Current,
        next: &'a Current,
        begun: Option<&'a str>,
    ) -> Doing<'a, Option<String>> {
        Box::pin(async move {
            let (Current::Attachment { bytes, .. }, Some(new)) = (next, begun) else { return Err(ExecError::Changed) };
            match self.read(new).await? {
                Some(Current::Attachment { bytes: read, .. }) if read == *bytes => {}
                Some(_) => return Err(ExecError::ReadBack),
                None => return Err(ExecError::Vanished),
            }
            self.delete(step).await?;
            Ok(None)
        })
    }

    fn successor<'a>(&'a self, step: &'a Step, begun: &'a str) -> Doing<'a, Option<Current>> {
        Box::pin(async move {
            match step.operation {
                Operation::Edit => self.read(begun).await,
                _ => Ok(None),
            }
        })
    }

    fn delete<'a>(&'a self, step: &'a Step) -> Doing<'a, ()> {
        Box::pin(async move {
            self.client.delete_attachment(step.record.id.as_deref().unwrap_or_default()).await?;
            Ok(())
        })
    }
}

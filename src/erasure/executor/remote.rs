//! Source and target: the records of a Jira, both flavours.
//!
//! Owns which call loads, changes and deletes which kind of record. Must not decide what is done, nor know an order.

use serde_json::{Map, Value};

use super::{Current, Doing, ExecError, Executor};
use crate::{
    erasure::plan::{Base, Step},
    jira::{Client, ErrorKind, JiraError, Notify, User, adf_paragraphs},
    model::RecordType,
};

/// The records of one instance.
pub(super) struct Remote<'a> {
    client: &'a Client,
}

impl<'a> Remote<'a> {
    pub(super) const fn new(client: &'a Client) -> Self {
        Self { client }
    }
}

impl Executor for Remote<'_> {
    fn load<'a>(&'a self, step: &'a Step) -> Doing<'a, Option<Current>> {
        Box::pin(async move { Ok(load(self.client, step).await?.map(Current::Json)) })
    }

    fn confirm_gone<'a>(&'a self, step: &'a Step) -> Doing<'a, ()> {
        Box::pin(async move {
            if let Some(project) = &step.project {
                self.client.project(project).await?;
            }
            Ok(())
        })
    }

    fn complete<'a>(&'a self, step: &'a Step, next: Current) -> Doing<'a, Current> {
        Box::pin(complete(self.client, step, next))
    }

    /// A comment or worklog with nothing but the placeholder in it: Data Center copies the body of a deleted comment into
    /// the history.
    fn parting(&self, step: &Step, current: &Current, placeholder: &str) -> Option<Current> {
        let Current::Json(value) = current else { return None };
        let name = match step.record.record_type {
            RecordType::Comment => "body",
            RecordType::Worklog => "comment",
            _ => return None,
        };
        let mut value = value.clone();
        let adf = value.get(name).is_some_and(Value::is_object);
        value[name] = if adf { adf_paragraphs(placeholder) } else { Value::String(placeholder.to_owned()) };
        Some(Current::Json(value))
    }

    fn replace<'a>(
        &'a self,
        step: &'a Step,
        current: &'a Current,
        next: &'a Current,
        _begun: Option<&'a str>,
    ) -> Doing<'a, Option<String>> {
        Box::pin(async move {
            match (current, next) {
                (Current::Json(current), Current::Json(next)) => replace(self.client, step, current, next).await,
                _ => Err(ExecError::Changed),
            }
        })
    }

    fn delete<'a>(&'a self, step: &'a Step) -> Doing<'a, ()> {
        Box::pin(delete(self.client, step))
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

/// What a Jira will accept: most projects require a reporter, so where that field may not be empty, the account that
/// erases stands in.
async fn complete(client: &Client, step: &Step, mut next: Current) -> Result<Current, ExecError> {
    let Current::Json(value) = &mut next else { return Ok(next) };
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

async fn load(client: &Client, step: &Step) -> Result<Option<Value>, ExecError> {
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

async fn replace(client: &Client, step: &Step, current: &Value, next: &Value) -> Result<Option<String>, ExecError> {
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

async fn delete(client: &Client, step: &Step) -> Result<(), ExecError> {
    let (key, id) = ids(step);
    match step.record.record_type {
        // No plan of a case deletes an issue; a sweep may.
        RecordType::Issue => client.delete_issue(id).await?,
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
            let Some(Value::Object(raw)) = load(client, step).await? else { return Ok(()) };
            let user = User::from_json(&Value::Object(raw));
            client.remove_watcher(key, &user).await?
        }
        _ => return Err(ExecError::NoExecutor(step.place.to_string())),
    };
    Ok(())
}

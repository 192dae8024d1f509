//! Erasing by Jira's own means: Cloud's redaction job, and Data Center's anonymisation of a user.
//!
//! Owns the calls and what their answers mean. Neither is a proof: whoever uses them reads back. The history may keep what
//! was redacted; texts and the audit log keep what was anonymised.

use std::ops::Range;

use base64::Engine as _;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{
    call::{Call, Safety},
    error::{ErrorKind, Result},
    http::Client,
};

/// Where a text to redact stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RedactionPlace {
    /// A field, by its id (`summary`, `customfield_10000`).
    Field(String),
    /// A comment, by its id.
    Comment(String),
    /// A worklog, by its id.
    Worklog(String),
}

/// One text to redact on Cloud. `Debug` shows no text: it holds none, only its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redaction {
    /// A UUID of ours, to know the result by.
    pub external_id: String,
    issue_id: String,
    place: RedactionPlace,
    from: usize,
    to: usize,
    expected: String,
    pointer: Option<String>,
}

impl Redaction {
    /// Redacts `range` (in bytes) of `text`, which stands at `place` of the issue with this id (not its key). `pointer` says
    /// where in the document (`/content/0/content/0/text`) that text is; plain fields have none.
    ///
    /// Positions are sent in UTF-16 units; Atlassian's document does not say, and its `expectedText` (base64 of the hexadecimal
    /// SHA-256, as its example decodes) makes a wrong guess fail instead of redacting something else.
    ///
    /// `None` where the range is empty, beyond the text, or cuts a character.
    #[must_use]
    pub fn new(
        issue_id: &str,
        place: RedactionPlace,
        text: &str,
        range: Range<usize>,
        pointer: Option<&str>,
    ) -> Option<Self> {
        let secret = text.get(range.clone()).filter(|s| !s.is_empty())?;
        let units = |s: &str| s.encode_utf16().count();
        let from = units(&text[..range.start]);
        let digest = hex::encode(Sha256::digest(secret.as_bytes()));
        Some(Self {
            external_id: uuid::Uuid::new_v4().to_string(),
            issue_id: issue_id.to_owned(),
            place,
            from,
            to: from + units(secret),
            expected: base64::engine::general_purpose::STANDARD.encode(digest),
            pointer: pointer.map(str::to_owned),
        })
    }

    fn json(&self, reason: &str) -> Value {
        let (kind, entity) = match &self.place {
            RedactionPlace::Field(id) => ("issuefieldvalue", id),
            RedactionPlace::Comment(id) => ("issue-comment", id),
            RedactionPlace::Worklog(id) => ("issue-worklog", id),
        };
        let mut position = json!({ "from": self.from, "to": self.to, "expectedText": self.expected });
        if let Some(pointer) = &self.pointer {
            position["adfPointer"] = pointer.as_str().into();
        }
        json!({ "contentItem": { "entityType": kind, "entityId": entity, "id": self.issue_id },
                "externalId": self.external_id, "reason": reason, "redactionPosition": position })
    }
}

/// How a redaction job stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RedactionState {
    /// Not begun, or not done.
    Running,
    /// Done: external id and success of each. A text that was no longer the expected one is a failure.
    Completed(Vec<(String, bool)>),
}

/// How an anonymisation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnonymizationState {
    /// It runs.
    Running,
    /// The node that ran it is gone: it has to be unlocked before another can start.
    Interrupted,
    /// It ended. Whether it did what it should, [`Anonymization::errors`] says.
    Ended,
}

/// An anonymisation, as Jira reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anonymization {
    /// The task's id, where Jira names one.
    pub task: Option<String>,
    /// How it stands.
    pub state: AnonymizationState,
    /// The operations that failed, each with Jira's words, which may name the user. Jira says `COMPLETED` all the same; with
    /// some, the user may be anonymised in part, and only [`Client::anonymize_again`] goes on.
    pub errors: Vec<String>,
}

impl Anonymization {
    /// Whether it ended and nothing failed.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.state == AnonymizationState::Ended && self.errors.is_empty()
    }
}

/// Key and name of a user from before a failed anonymisation: Jira asks for them. Keep them till it has worked, no longer.
#[derive(Clone, PartialEq, Eq)]
pub struct OldUser {
    /// The key from before.
    pub key: String,
    /// The name from before.
    pub name: String,
}

impl std::fmt::Debug for OldUser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OldUser(…)")
    }
}

impl Client {
    /// Asks Cloud to redact; gives the job's id. `reason` is kept by Atlassian: no name in it.
    ///
    /// # Errors
    /// `NotSupported` on Data Center and where the site lacks it; `Forbidden` without the subscription; `Unauthorized` for
    /// other credentials than Basic. Each means "not here": fall back, and say so.
    pub async fn redact(&self, redactions: &[Redaction], reason: &str) -> Result<String> {
        if !self.is_cloud() {
            return Err(self.not_here("Data Center has no redaction API"));
        }
        let list: Vec<Value> = redactions.iter().map(|r| r.json(reason)).collect();
        // Twice is as once: the second finds another text than the expected one and leaves it alone.
        let call = Call::post("redact").json(json!({ "redactions": list })).safety(Safety::Idempotent).optional();
        match self.json(&call).await {
            Ok(Value::String(job)) if !job.is_empty() => Ok(job),
            Ok(_) => Err(self.bad_answer(&call, "no job id")),
            Err(e) if e.kind() == ErrorKind::NotFound => Err(e.with_kind(ErrorKind::NotSupported)),
            Err(e) => Err(e),
        }
    }

    /// How a redaction job stands.
    ///
    /// # Errors
    /// `NotFound` for a job that is not known (any more).
    pub async fn redaction(&self, job: &str) -> Result<RedactionState> {
        let call = Call::get("redact").then("status").id(job).optional();
        let answer = self.json(&call).await?;
        match answer.get("jobStatus").and_then(Value::as_str) {
            Some("PENDING" | "IN_PROGRESS") => Ok(RedactionState::Running),
            Some("COMPLETED") => {
                let list = answer.pointer("/bulkRedactionResponse/results").and_then(Value::as_array);
                let one =
                    |r: &Value| Some((r.get("externalId")?.as_str()?.to_owned(), r.get("successful")?.as_bool()?));
                list.and_then(|l| l.iter().map(one).collect::<Option<Vec<_>>>())
                    .map(RedactionState::Completed)
                    .ok_or_else(|| self.bad_answer(&call, "completed, but no result for each"))
            }
            _ => Err(self.bad_answer(&call, "no state of a job that is known")),
        }
    }

    fn data_center_alone(&self) -> Result<()> {
        if self.is_cloud() { Err(self.not_here("Cloud has no anonymisation of users")) } else { Ok(()) }
    }

    /// What an anonymisation would touch (`affectedEntities`), as Jira lists it; changes nothing.
    ///
    /// # Errors
    /// `Rejected` with Jira's reasons where the user cannot be anonymised (a directory's, oneself); `NotSupported` on Cloud.
    pub async fn anonymization_check(&self, user_key: &str) -> Result<Value> {
        self.data_center_alone()?;
        let call = Call::get("user").then("anonymization").query("userKey", user_key);
        self.json(&call.query("expand", "affectedEntities").optional()).await
    }

    /// Starts to anonymise a user. A start is no success: ask [`Client::anonymization`] until it has ended.
    ///
    /// # Errors
    /// `Conflict` while another runs; `Forbidden` without system administration; `Doubtful` where it may have started.
    pub async fn anonymize(&self, user_key: &str, new_owner_key: Option<&str>) -> Result<Anonymization> {
        self.start(Call::post("user").then("anonymization"), user_key, new_owner_key, None).await
    }

    /// Goes on where an anonymisation ended with errors. `user_key` is the present one.
    ///
    /// # Errors
    /// `Rejected` where the old key and name are not those that Jira remembers; else as [`Client::anonymize`].
    pub async fn anonymize_again(
        &self,
        user_key: &str,
        old: &OldUser,
        new_owner_key: Option<&str>,
    ) -> Result<Anonymization> {
        let call = Call::post("user").then("anonymization").then("rerun");
        self.start(call, user_key, new_owner_key, Some(old)).await
    }

    async fn start(
        &self,
        call: Call,
        user_key: &str,
        new_owner_key: Option<&str>,
        old: Option<&OldUser>,
    ) -> Result<Anonymization> {
        self.data_center_alone()?;
        let mut body = Map::from_iter([("userKey".to_owned(), json!(user_key))]);
        if let Some(owner) = new_owner_key {
            body.insert("newOwnerKey".to_owned(), owner.into());
        }
        if let Some(old) = old {
            body.insert("oldUserKey".to_owned(), old.key.as_str().into());
            body.insert("oldUserName".to_owned(), old.name.as_str().into());
        }
        let call = call.json(body).optional();
        let answer = self.json(&call).await?;
        anonymization(&answer).ok_or_else(|| {
            self.error(&call, ErrorKind::Doubtful).message("accepted, but the answer names no state of the task")
        })
    }

    /// How an anonymisation stands: the one with this task id, or the last one. `None` where there is none.
    ///
    /// # Errors
    /// `Forbidden` without system administration; `NotSupported` on Cloud.
    pub async fn anonymization(&self, task: Option<&str>) -> Result<Option<Anonymization>> {
        self.data_center_alone()?;
        let call = Call::get("user").then("anonymization").then("progress").optional();
        let call = match task {
            Some(task) => call.query("taskId", task),
            None => call,
        };
        match self.json_or_absent(&call).await? {
            None => Ok(None),
            Some(answer) => {
                anonymization(&answer).map(Some).ok_or_else(|| self.bad_answer(&call, "no state of the task"))
            }
        }
    }
}

/// Reads Jira's report of a task.
fn anonymization(answer: &Value) -> Option<Anonymization> {
    let state = match answer.get("status")?.as_str()? {
        "IN_PROGRESS" => AnonymizationState::Running,
        "INTERRUPTED" => AnonymizationState::Interrupted,
        "COMPLETED" | "VALIDATION_FAILED" => AnonymizationState::Ended,
        _ => return None,
    };
    let of = |(operation, why): (&String, &Value)| {
        let words = why.get("errorMessages").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let words = words
            .chain(why.get("errors").and_then(Value::as_object).into_iter().flatten().filter_map(|(_, w)| w.as_str()));
        let words = words.collect::<Vec<_>>().join(" ");
        if words.is_empty() { operation.clone() } else { format!("{operation}: {words}") }
    };
    let mut errors: Vec<String> =
        answer.get("errors").and_then(Value::as_object).into_iter().flatten().map(of).collect();
    if errors.is_empty() && answer.get("status").is_some_and(|s| s == "VALIDATION_FAILED") {
        errors.push("VALIDATION_FAILED".to_owned());
    }
    let address = answer.get("progressUrl").and_then(Value::as_str);
    let task = address.and_then(|a| a.split_once("taskId=")).map(|(_, id)| id.to_owned());
    Some(Anonymization { task, state, errors })
}

//! Issues: read, create, edit, move, delete; their properties and history; and what became of a doubtful create.

use std::{collections::HashSet, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};

use super::{
    call::{Call, Safety},
    error::{ErrorKind, JiraError, Result},
    http::Client,
    types::{Created, Edited, Gone, Issue, Notify},
};
use crate::model::ProjectKey;

/// How far two clocks may be apart, plus the minute that JQL rounds to.
const CLOCK_SLACK: TimeDelta = TimeDelta::minutes(5);
/// The bot's time zone is not known: no zone is further from UTC.
const ZONE_SLACK: TimeDelta = TimeDelta::hours(15);

impl Client {
    /// An issue with its fields (`["*all"]`), history and properties; `None` where it does not exist or is not visible.
    ///
    /// # Errors
    /// Any [`ErrorKind`] but `NotFound`.
    pub async fn issue(
        &self,
        id_or_key: &str,
        fields: &[&str],
        expand_changelog: bool,
        properties: &[&str],
    ) -> Result<Option<Issue>> {
        let mut call = Call::get("issue").id(id_or_key);
        if !fields.is_empty() {
            call = call.query("fields", fields.join(","));
        }
        if expand_changelog {
            call = call.query("expand", "changelog");
        }
        if !properties.is_empty() {
            call = call.query("properties", properties.join(","));
        }
        match self.json_or_absent(&call).await? {
            None => Ok(None),
            Some(Value::Object(map)) if map.get("id").and_then(Value::as_str).is_some_and(|id| !id.is_empty()) => {
                Ok(Some(Issue(map)))
            }
            Some(_) => Err(self.bad_answer(&call, "the answer is not an issue")),
        }
    }

    /// Creates an issue with its properties in one call.
    ///
    /// # Errors
    /// `Doubtful` where it may have been created: ask [`Client::find_created`] before sending it again.
    pub async fn create_issue(&self, fields: Map<String, Value>, properties: &[(String, Value)]) -> Result<Created> {
        let mut body = json!({ "fields": fields });
        if !properties.is_empty() {
            body["properties"] = properties_json(properties);
        }
        let call = Call::post("issue").json(body);
        let answer = self.json(&call).await?;
        created(&answer).ok_or_else(|| {
            self.error(&call, ErrorKind::Doubtful).message("created, but the answer names no id and key")
        })
    }

    /// Replaces whole `fields` and applies `update` verbs, without mail.
    ///
    /// # Errors
    /// `NotifyForbidden` with [`Notify::Never`] where the mail cannot be switched off. `Doubtful` where an `update` that adds
    /// comments, worklogs or links may have happened.
    pub async fn edit_issue(
        &self,
        id_or_key: &str,
        fields: Map<String, Value>,
        update: Map<String, Value>,
        notify: Notify,
    ) -> Result<Edited> {
        // Setting fields and adding to sets twice is the same as once; adding records is not.
        let once = ["comment", "worklog", "issuelinks", "attachment"].iter().any(|f| update.contains_key(*f));
        let mut body = Map::new();
        if !fields.is_empty() {
            body.insert("fields".to_owned(), fields.into());
        }
        if !update.is_empty() {
            body.insert("update".to_owned(), update.into());
        }
        let safety = if once { Safety::Once } else { Safety::Idempotent };
        let call = Call::put("issue").id(id_or_key).json(body).safety(safety);
        let (_, edited) = self.quietly(call, notify).await?;
        Ok(edited)
    }

    /// Sends a write with `notifyUsers=false`, and handles the server's refusal of just that.
    pub(super) async fn quietly(&self, call: Call, notify: Notify) -> Result<(Value, Edited)> {
        let error = match self.json(&call.clone().query("notifyUsers", "false")).await {
            Ok(value) => return Ok((value, Edited { notified: false })),
            Err(e) if self.is_about_mail(&e) => e.with_kind(ErrorKind::NotifyForbidden),
            Err(e) => return Err(e),
        };
        match notify {
            Notify::Never => Err(error),
            Notify::PreferNever => {
                let value = self.json(&call).await?;
                Ok((value, Edited { notified: true }))
            }
        }
    }

    /// Data Center's document of `PUT issue` knows 403 for no other reason, but a message that says otherwise counts.
    fn is_about_mail(&self, error: &JiraError) -> bool {
        let says_mail = error.messages.iter().any(|m| m.to_ascii_lowercase().contains("notif"));
        match error.kind() {
            ErrorKind::Forbidden => says_mail || (!self.is_cloud() && error.messages.is_empty()),
            ErrorKind::Rejected => says_mail,
            _ => false,
        }
    }

    /// Deletes an issue with all that hangs on it. Subtasks are not deleted with it: Jira refuses while there are some.
    ///
    /// # Errors
    /// `Rejected` where it has subtasks, or any other [`ErrorKind`].
    pub async fn delete_issue(&self, id_or_key: &str) -> Result<Gone> {
        self.gone(&Call::delete("issue").id(id_or_key)).await
    }

    /// Runs a delete: a 404 means that it was absent, or, after a try that may have reached the server, that it is deleted.
    pub(super) async fn gone(&self, call: &Call) -> Result<Gone> {
        match self.send(call).await {
            Ok(_) => Ok(Gone::Deleted),
            Err(e) if e.kind() == ErrorKind::NotFound => {
                Ok(if e.maybe_applied { Gone::Deleted } else { Gone::WasAbsent })
            }
            Err(e) => Err(e),
        }
    }

    /// The transitions that are open to the bot now.
    ///
    /// # Errors
    /// Any [`ErrorKind`].
    pub async fn transitions(&self, key: &str) -> Result<Vec<Value>> {
        let call = Call::get("issue").id(key).then("transitions");
        let mut answer = self.json(&call).await?;
        match answer.get_mut("transitions").map(Value::take) {
            Some(Value::Array(list)) => Ok(list),
            _ => Err(self.bad_answer(&call, "no list of transitions")),
        }
    }

    /// Moves an issue through a transition.
    ///
    /// # Errors
    /// `Doubtful` where it may have happened: read the status.
    pub async fn transition(&self, key: &str, id: &str) -> Result<()> {
        self.transition_with(key, id, Map::new()).await
    }

    /// The same with the fields that its screen asks for.
    ///
    /// # Errors
    /// `Doubtful` where it may have happened: read the status.
    pub async fn transition_with(&self, key: &str, id: &str, fields: Map<String, Value>) -> Result<()> {
        let mut body = json!({"transition": {"id": id}});
        if !fields.is_empty() {
            body["fields"] = fields.into();
        }
        let call = Call::post("issue").id(key).then("transitions").json(body);
        self.send(&call).await.map(drop)
    }

    /// The resolutions that the instance knows.
    ///
    /// # Errors
    /// Any [`ErrorKind`].
    pub async fn resolutions(&self) -> Result<Vec<Value>> {
        self.array(&Call::get("resolution")).await
    }

    /// The names of an issue's properties.
    ///
    /// # Errors
    /// `NotSupported` where the server has no properties.
    pub async fn property_keys(&self, key: &str) -> Result<Vec<String>> {
        let call = Call::get("issue").id(key).then("properties").optional();
        let answer = self.json(&call).await?;
        let Some(keys) = answer.get("keys").and_then(Value::as_array) else {
            return Err(self.bad_answer(&call, "no list of keys"));
        };
        Ok(keys.iter().filter_map(|k| k.get("key")?.as_str()).map(str::to_owned).collect())
    }

    /// The value of a property; `None` where the issue has none of that name.
    ///
    /// # Errors
    /// `NotSupported` where the server has no properties.
    pub async fn property(&self, key: &str, name: &str) -> Result<Option<Value>> {
        let call = Call::get("issue").id(key).then("properties").hidden(name).optional();
        match self.json_or_absent(&call).await? {
            None => Ok(None),
            Some(mut answer) => match answer.get_mut("value") {
                Some(value) => Ok(Some(value.take())),
                None => Err(self.bad_answer(&call, "no value")),
            },
        }
    }

    /// Sets a property.
    ///
    /// # Errors
    /// `NotSupported` where the server has no properties.
    pub async fn set_property(&self, key: &str, name: &str, value: Value) -> Result<()> {
        let call = Call::put("issue").id(key).then("properties").hidden(name).json(value).optional();
        self.send(&call).await.map(drop)
    }

    /// Deletes a property.
    ///
    /// # Errors
    /// `NotSupported` where the server has no properties.
    pub async fn delete_property(&self, key: &str, name: &str) -> Result<Gone> {
        self.gone(&Call::delete("issue").id(key).then("properties").hidden(name).optional()).await
    }

    /// The whole history, in the server's order.
    ///
    /// # Errors
    /// `NotFound` where the issue is not there; `NotSupported` where the server gives no history.
    pub async fn changelog(&self, key: &str) -> Result<Vec<Value>> {
        if self.is_cloud() {
            let call = Call::get("issue").id(key).then("changelog").optional();
            return self.all_pages(&call, &["values", "histories"], 100).await;
        }
        let call = Call::get("issue").id(key).query("fields", "updated").query("expand", "changelog");
        let mut answer = self.json(&call).await?;
        let Some(log) = answer.get_mut("changelog") else {
            return Err(self.error(&call, ErrorKind::NotSupported).message("the server gives no history"));
        };
        let total = log.get("total").and_then(Value::as_u64);
        let Some(Value::Array(entries)) = log.get_mut("histories").map(Value::take) else {
            return Err(self.bad_answer(&call, "no list of history entries"));
        };
        if total.is_some_and(|t| t > entries.len() as u64) {
            return Err(self.bad_answer(&call, "the history is cut: fewer entries than it counts"));
        }
        Ok(entries)
    }

    /// After a doubtful create: the issue of ours that carries `mark` in its property `property_key`, created at `since` or
    /// later. `mark` matches where the property's value is that text, or an object that holds it.
    ///
    /// Lists our own issues of the project, reads each one's property, and waits out the search index
    /// ([`super::RetryPolicy::search_lag`]) before it says `None`.
    ///
    /// # Errors
    /// `NotSupported` where the server keeps no properties, so that marks cannot be read; or any other [`ErrorKind`].
    pub async fn find_created(
        &self,
        project: &ProjectKey,
        since: DateTime<Utc>,
        property_key: &str,
        mark: &str,
    ) -> Result<Option<Created>> {
        let zone = self.myself().await?.time_zone;
        let since = local_minute(since, zone.as_deref());
        let jql = format!(
            "project = \"{project}\" AND creator = currentUser() AND created >= \"{since}\" ORDER BY created DESC"
        );
        let mut read = HashSet::new();
        let deadline = tokio::time::Instant::now() + self.inner.retry.search_lag;
        let mut pause = Duration::from_millis(250);
        loop {
            let mut search = self.search(&jql, &["created"]);
            while let Some(page) = search.next_page().await? {
                for issue in page {
                    if !read.insert(issue.id().to_owned()) {
                        continue;
                    }
                    let value = self.property(issue.key(), property_key).await?;
                    if value.is_some_and(|v| holds(&v, mark)) {
                        return Ok(Some(Created { id: issue.id().to_owned(), key: issue.key().to_owned() }));
                    }
                }
            }
            let now = tokio::time::Instant::now();
            if now >= deadline {
                return Ok(None);
            }
            tokio::time::sleep(pause.min(deadline - now)).await;
            pause = (pause * 2).min(Duration::from_secs(5));
        }
    }
}

pub(super) fn properties_json(properties: &[(String, Value)]) -> Value {
    properties.iter().map(|(key, value)| json!({"key": key, "value": value})).collect()
}

fn created(answer: &Value) -> Option<Created> {
    let text = |name: &str| answer.get(name)?.as_str().filter(|s| !s.is_empty()).map(str::to_owned);
    Some(Created { id: text("id")?, key: text("key")? })
}

/// JQL takes minutes in the time zone of whoever asks.
fn local_minute(at: DateTime<Utc>, zone: Option<&str>) -> String {
    let at = at - CLOCK_SLACK;
    match zone.and_then(|z| z.parse::<chrono_tz::Tz>().ok()) {
        Some(zone) => at.with_timezone(&zone).format("%Y/%m/%d %H:%M").to_string(),
        None => (at - ZONE_SLACK).format("%Y/%m/%d %H:%M").to_string(),
    }
}

fn holds(value: &Value, mark: &str) -> bool {
    match value {
        Value::String(s) => s == mark,
        Value::Array(items) => items.iter().any(|v| holds(v, mark)),
        Value::Object(map) => map.values().any(|v| holds(v, mark)),
        _ => false,
    }
}

//! What belongs to the instance and its projects: server, users, fields, types.

use std::collections::HashSet;

use serde_json::Value;

use super::{
    call::Call,
    error::{ErrorKind, Result},
    http::Client,
    types::{User, UserQuery},
};
use crate::model::ProjectKey;

/// How often a list is read from its start again because it shrank while it was read.
const MOST_RESTARTS: u32 = 3;

/// A user name that nobody has.
const NOBODY: &str = "efface-asks-whether-names-are-made-up";

impl Client {
    /// `serverInfo`.
    ///
    /// # Errors
    /// Any [`ErrorKind`].
    pub async fn server_info(&self) -> Result<Value> {
        self.json(&Call::get("serverInfo")).await
    }

    /// The user whose credentials these are.
    ///
    /// # Errors
    /// Any [`ErrorKind`].
    pub async fn myself(&self) -> Result<User> {
        Ok(User::from_json(&self.json(&Call::get("myself")).await?))
    }

    /// As [`Client::find_users`], for who does not need to know whether the list was cut off.
    ///
    /// # Errors
    /// Any [`ErrorKind`].
    pub async fn user_search(&self, query: &str) -> Result<Vec<User>> {
        Ok(self.find_users(query).await?.users)
    }

    /// One user; `None` where there is none, or none that we may see.
    ///
    /// # Errors
    /// `NotSupported` for an account id on Data Center, or a user name or key on Cloud.
    pub async fn user(&self, by: &UserQuery) -> Result<Option<User>> {
        let call = Call::get("user");
        let call = match (by, self.is_cloud()) {
            (UserQuery::AccountId(id), true) => call.query("accountId", id),
            (UserQuery::Username(name), false) => call.query("username", name),
            (UserQuery::Key(key), false) => call.query("key", key),
            (UserQuery::AccountId(_), false) => return Err(self.not_here("Data Center has no account ids")),
            (_, true) => return Err(self.not_here("Cloud has no user names and keys")),
        };
        Ok(self.json_or_absent(&call).await?.map(|v| User::from_json(&v)))
    }

    /// Whether the server answers a look-up of a user name that nobody has with a user, as some stand-ins for Jira do: then
    /// none of its look-ups by name or key says that there is such a user. Always false on Cloud, which has neither, and
    /// where the question fails.
    pub async fn makes_up_users(&self) -> bool {
        let nobody = UserQuery::Username(NOBODY.to_owned());
        !self.is_cloud() && matches!(self.user(&nobody).await, Ok(Some(_)))
    }

    /// A project.
    ///
    /// # Errors
    /// `ProjectNotVisible` where it does not exist or the bot may not see it.
    pub async fn project(&self, key: &ProjectKey) -> Result<Value> {
        self.json(&Call::get("project").id(key.as_str())).await.map_err(|e| match e.kind() {
            ErrorKind::NotFound => e.with_kind(ErrorKind::ProjectNotVisible),
            _ => e,
        })
    }

    /// All fields, custom ones too.
    ///
    /// # Errors
    /// Any [`ErrorKind`].
    pub async fn fields(&self) -> Result<Vec<Value>> {
        self.array(&Call::get("field")).await
    }

    /// The issue types of a project; all of the instance where the project does not list its own.
    ///
    /// # Errors
    /// `ProjectNotVisible`, or any other [`ErrorKind`].
    pub async fn issue_types(&self, project: &ProjectKey) -> Result<Vec<Value>> {
        let value = self.project(project).await?;
        match value.get("issueTypes").and_then(Value::as_array) {
            Some(types) if !types.is_empty() => Ok(types.clone()),
            _ => self.array(&Call::get("issuetype")).await,
        }
    }

    /// All priorities.
    ///
    /// # Errors
    /// Any [`ErrorKind`].
    pub async fn priorities(&self) -> Result<Vec<Value>> {
        self.array(&Call::get("priority")).await
    }

    /// All statuses.
    ///
    /// # Errors
    /// Any [`ErrorKind`].
    pub async fn statuses(&self) -> Result<Vec<Value>> {
        self.array(&Call::get("status")).await
    }

    /// The issue types of a project, each with its statuses.
    ///
    /// # Errors
    /// Any [`ErrorKind`].
    pub async fn project_statuses(&self, project: &ProjectKey) -> Result<Vec<Value>> {
        self.array(&Call::get("project").id(project.as_str()).then("statuses")).await
    }

    /// The fields of the screen on which an issue of a type is made (Data Center from 8.4 on).
    ///
    /// # Errors
    /// Any [`ErrorKind`].
    pub async fn create_fields(&self, project: &ProjectKey, issue_type: &str) -> Result<Vec<Value>> {
        let mut out: Vec<Value> = Vec::new();
        loop {
            let call = Call::get("issue").then("createmeta").id(project.as_str()).then("issuetypes").id(issue_type);
            let call = call.query("startAt", out.len().to_string()).query("maxResults", "50").optional();
            let mut answer = self.json(&call).await?;
            let page = ["fields", "values"].into_iter().find_map(|name| match answer.get_mut(name).map(Value::take) {
                Some(Value::Array(page)) => Some(page),
                _ => None,
            });
            let Some(page) = page else { return Err(self.bad_answer(&call, "no list of fields")) };
            let total = answer.get("total").and_then(Value::as_u64);
            let last = answer.get("isLast").and_then(Value::as_bool) == Some(true) || page.is_empty();
            out.extend(page);
            if last || total.is_none_or(|total| out.len() as u64 >= total) {
                return Ok(out);
            }
        }
    }

    /// The fields that can be edited on an issue, with their operations and allowed values.
    ///
    /// # Errors
    /// Any [`ErrorKind`].
    pub async fn edit_meta(&self, key: &str) -> Result<Value> {
        self.json(&Call::get("issue").id(key).then("editmeta").optional()).await
    }

    /// An answer that is an array.
    pub(super) async fn array(&self, call: &Call) -> Result<Vec<Value>> {
        match self.json(call).await? {
            Value::Array(items) => Ok(items),
            _ => Err(self.bad_answer(call, "the answer is not a list")),
        }
    }

    /// All pages of an endpoint with `startAt`/`maxResults` whose items stand under one of `names`; items that a shifting
    /// page repeats are given once.
    ///
    /// Fewer items than `total` promises is an error: an unread page must not look like an empty one (law 1).
    pub(super) async fn all_pages(&self, call: &Call, names: &[&str], page_size: usize) -> Result<Vec<Value>> {
        let mut items: Vec<Value> = Vec::new();
        let mut seen = HashSet::new();
        let mut start = 0_usize;
        let mut counted = None;
        let mut restarts = 0;
        loop {
            let page_call = call.clone().query("startAt", start.to_string()).query("maxResults", page_size.to_string());
            let mut answer = self.json(&page_call).await?;
            let total = answer.get("total").and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
            let is_last = answer.get("isLast").and_then(Value::as_bool);
            let name = names.iter().find(|n| answer.get(**n).is_some());
            let Some(Value::Array(page)) = name.and_then(|n| answer.get_mut(*n)).map(Value::take) else {
                return Err(self.bad_answer(call, "the answer holds no page of items"));
            };
            if restarts < MOST_RESTARTS && total.is_some() && counted.is_some_and(|c| Some(c) > total) {
                // Something was deleted meanwhile, so that what follows moved up: read again from the start.
                restarts += 1;
                (start, counted) = (0, None);
                continue;
            }
            counted = total;
            let count = page.len();
            let before = items.len();
            for item in page {
                if id_of(&item).is_none_or(|id| seen.insert(id)) {
                    items.push(item);
                }
            }
            start += count;
            let more = match (is_last, total) {
                (Some(true), _) => false,
                (_, Some(total)) => start < total,
                (Some(false), None) => true,
                (None, None) => count >= page_size,
            };
            if !more {
                return Ok(items);
            }
            if count == 0 || (items.len() == before && restarts == 0) {
                return Err(self.bad_answer(call, "the server promises more items than it gives"));
            }
        }
    }
}

/// An id as Jira writes it: a string, rarely a number.
pub(super) fn id_of(item: &Value) -> Option<String> {
    match item.get("id")? {
        Value::String(s) => Some(s.clone()),
        Value::Number(n) => Some(n.to_string()),
        _ => None,
    }
}

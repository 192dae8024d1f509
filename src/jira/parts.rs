//! What hangs on an issue: comments, worklogs, watchers, votes, links.

use serde_json::{Map, Value, json};

use super::{
    call::Call,
    error::{ErrorKind, Result},
    http::Client,
    issue::properties_json,
    types::{Edited, Gone, Notify, User},
};

impl Client {
    /// All comments, oldest first. Data Center bodies are wiki markup, Cloud's are ADF.
    ///
    /// # Errors
    /// Any [`ErrorKind`].
    pub async fn comments(&self, key: &str) -> Result<Vec<Value>> {
        let call = Call::get("issue").id(key).then("comment").query("orderBy", "created");
        self.all_pages(&call, &["comments"], 100).await
    }

    /// One comment; `None` where it is not there. Where the server cannot give one alone, it is looked up among all.
    ///
    /// # Errors
    /// Any [`ErrorKind`] but `NotFound`.
    pub async fn comment(&self, key: &str, id: &str) -> Result<Option<Value>> {
        let call = Call::get("issue").id(key).then("comment").id(id).optional();
        match self.json_or_absent(&call).await {
            Err(e) if e.kind() == ErrorKind::NotSupported => match self.comments(key).await {
                Ok(all) => Ok(all.into_iter().find(|c| super::instance::id_of(c).as_deref() == Some(id))),
                Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
                Err(e) => Err(e),
            },
            other => other,
        }
    }

    /// Adds a comment with its properties. Jira sends mail about it; there is no way to switch that off.
    ///
    /// # Errors
    /// `Doubtful` where it may have been added: read the comments before sending it again.
    pub async fn add_comment(&self, key: &str, body: Value, properties: &[(String, Value)]) -> Result<Value> {
        let mut map = Map::new();
        map.insert("body".to_owned(), body);
        if !properties.is_empty() {
            map.insert("properties".to_owned(), properties_json(properties));
        }
        self.add_comment_raw(key, map).await
    }

    /// Adds a comment from a whole JSON object (`body`, `visibility`, `properties`, …).
    ///
    /// # Errors
    /// As [`Client::add_comment`].
    pub async fn add_comment_raw(&self, key: &str, comment: Map<String, Value>) -> Result<Value> {
        self.json(&Call::post("issue").id(key).then("comment").json(comment)).await
    }

    /// Replaces a comment's body, without mail where the flavour can (Cloud).
    ///
    /// # Errors
    /// `NotifyForbidden` where Cloud does not let us switch the mail off; see [`Client::edit_comment_with`].
    pub async fn edit_comment(&self, key: &str, id: &str, body: Value) -> Result<Value> {
        let mut map = Map::new();
        map.insert("body".to_owned(), body);
        Ok(self.edit_comment_with(key, id, map, Notify::Never).await?.0)
    }

    /// Replaces parts of a comment, and says whether mail may have gone out: Data Center can't switch it off for comments,
    /// and sends some where the notification scheme has the event "comment edited".
    ///
    /// # Errors
    /// `NotSupported` where the server cannot edit comments.
    pub async fn edit_comment_with(
        &self,
        key: &str,
        id: &str,
        comment: Map<String, Value>,
        notify: Notify,
    ) -> Result<(Value, Edited)> {
        let call = Call::put("issue").id(key).then("comment").id(id).json(comment);
        if self.is_cloud() {
            self.quietly(call, notify).await
        } else {
            Ok((self.json(&call).await?, Edited { notified: true }))
        }
    }

    /// Deletes a comment. On Data Center its body may be copied into the history: redact it first.
    ///
    /// # Errors
    /// Any [`ErrorKind`] but `NotFound`.
    pub async fn delete_comment(&self, key: &str, id: &str) -> Result<Gone> {
        self.gone(&Call::delete("issue").id(key).then("comment").id(id)).await
    }

    /// All worklogs.
    ///
    /// # Errors
    /// `NotSupported` where the server has none.
    pub async fn worklogs(&self, key: &str) -> Result<Vec<Value>> {
        let call = Call::get("issue").id(key).then("worklog").optional();
        if self.is_cloud() {
            return self.all_pages(&call, &["worklogs"], 1000).await;
        }
        // Data Center's document knows no paging here; it gives all.
        let mut answer = self.json(&call).await?;
        let total = answer.get("total").and_then(Value::as_u64);
        match answer.get_mut("worklogs").map(Value::take) {
            Some(Value::Array(list)) if total.is_none_or(|t| list.len() as u64 >= t) => Ok(list),
            Some(Value::Array(_)) => Err(self.bad_answer(&call, "fewer worklogs than it counts")),
            _ => Err(self.bad_answer(&call, "no list of worklogs")),
        }
    }

    /// Logs work under our own account (Jira's API knows no other author), leaves the estimate alone, without mail where the
    /// flavour can (Cloud); says whether mail may have gone out.
    ///
    /// # Errors
    /// `Doubtful` where it may have been added: read the worklogs before sending it again.
    pub async fn add_worklog(&self, key: &str, worklog: Map<String, Value>) -> Result<(Value, Edited)> {
        let call =
            Call::post("issue").id(key).then("worklog").query("adjustEstimate", "leave").json(worklog).optional();
        if self.is_cloud() {
            self.quietly(call, Notify::PreferNever).await
        } else {
            Ok((self.json(&call).await?, Edited { notified: true }))
        }
    }

    /// Replaces parts of a worklog, leaves the estimate alone, sends no mail where the flavour can (Cloud).
    ///
    /// # Errors
    /// `NotifyForbidden` where Cloud does not let us switch the mail off.
    pub async fn edit_worklog(&self, key: &str, id: &str, worklog: Map<String, Value>) -> Result<Value> {
        Ok(self.edit_worklog_with(key, id, worklog, Notify::Never).await?.0)
    }

    /// As [`Client::edit_worklog`], and says whether mail may have gone out: Data Center can't switch it off for worklogs.
    ///
    /// # Errors
    /// `NotSupported` where the server cannot edit worklogs.
    pub async fn edit_worklog_with(
        &self,
        key: &str,
        id: &str,
        worklog: Map<String, Value>,
        notify: Notify,
    ) -> Result<(Value, Edited)> {
        let call =
            Call::put("issue").id(key).then("worklog").id(id).query("adjustEstimate", "leave").json(worklog).optional();
        if self.is_cloud() {
            self.quietly(call, notify).await
        } else {
            Ok((self.json(&call).await?, Edited { notified: true }))
        }
    }

    /// Deletes a worklog and leaves the estimate alone.
    ///
    /// # Errors
    /// Any [`ErrorKind`] but `NotFound`.
    pub async fn delete_worklog(&self, key: &str, id: &str) -> Result<Gone> {
        let call = Call::delete("issue").id(key).then("worklog").id(id).query("adjustEstimate", "leave").optional();
        let call = if self.is_cloud() { call.query("notifyUsers", "false") } else { call };
        self.gone(&call).await
    }

    /// Who watches an issue.
    ///
    /// # Errors
    /// `NotSupported` where the server has no watchers.
    pub async fn watchers(&self, key: &str) -> Result<Vec<User>> {
        Ok(self.watch_list(key).await?.0)
    }

    /// Who watches an issue, and how many the server counts: more than it shows where we lack "View voters and watchers".
    ///
    /// # Errors
    /// `NotSupported` where the server has no watchers.
    pub async fn watch_list(&self, key: &str) -> Result<(Vec<User>, u64)> {
        let call = Call::get("issue").id(key).then("watchers").optional();
        let answer = self.json(&call).await?;
        let Some(list) = answer.get("watchers").and_then(Value::as_array) else {
            return Err(self.bad_answer(&call, "no list of watchers"));
        };
        let users: Vec<User> = list.iter().map(User::from_json).collect();
        let counted = answer.get("watchCount").and_then(Value::as_u64).unwrap_or(users.len() as u64);
        Ok((users, counted))
    }

    /// Takes a watcher off.
    ///
    /// # Errors
    /// `Config` where the user has no account id (Cloud) or user name (Data Center).
    pub async fn remove_watcher(&self, key: &str, user: &User) -> Result<Gone> {
        let call = Call::delete("issue").id(key).then("watchers").optional();
        let (name, value) = if self.is_cloud() { ("accountId", &user.account_id) } else { ("username", &user.name) };
        match value {
            Some(value) => self.gone(&call.query(name, value)).await,
            None => Err(self.error(&call, ErrorKind::Config).message("the user has no handle of this flavour")),
        }
    }

    /// The votes, with the voters where we may see them.
    ///
    /// # Errors
    /// `NotSupported` where the server has no votes.
    pub async fn votes(&self, key: &str) -> Result<Value> {
        self.json(&Call::get("issue").id(key).then("votes").optional()).await
    }

    /// The types of links between issues.
    ///
    /// # Errors
    /// `NotFound` where linking is switched off.
    pub async fn issue_link_types(&self) -> Result<Vec<Value>> {
        let call = Call::get("issueLinkType").optional();
        match self.json(&call).await?.get_mut("issueLinkTypes").map(Value::take) {
            Some(Value::Array(list)) => Ok(list),
            _ => Err(self.bad_answer(&call, "no list of link types")),
        }
    }

    /// Links two issues by their ids. Jira says nothing of what it made: read the issue for its id; a second one of the same type and
    /// direction is not made.
    ///
    /// # Errors
    /// `Doubtful` where it may have been made.
    pub async fn link_issues(&self, kind: &str, inward: &str, outward: &str) -> Result<()> {
        let body = json!({"type": {"name": kind}, "inwardIssue": {"id": inward}, "outwardIssue": {"id": outward}});
        self.send(&Call::post("issueLink").json(body).optional()).await.map(drop)
    }

    /// Deletes a link between two issues.
    ///
    /// # Errors
    /// Any [`ErrorKind`] but `NotFound`.
    pub async fn issue_link_delete(&self, id: &str) -> Result<Gone> {
        self.gone(&Call::delete("issueLink").id(id).optional()).await
    }

    /// The remote links of an issue.
    ///
    /// # Errors
    /// `NotSupported` where the server has no remote links.
    pub async fn remote_links(&self, key: &str) -> Result<Vec<Value>> {
        self.array(&Call::get("issue").id(key).then("remotelink").optional()).await
    }

    /// Adds a remote link, or changes the one with the same global id.
    ///
    /// # Errors
    /// `NotSupported` where the server has no remote links; `Doubtful` where it may have been added.
    pub async fn add_remote_link(&self, key: &str, link: Map<String, Value>) -> Result<Value> {
        self.json(&Call::post("issue").id(key).then("remotelink").json(json!(link)).optional()).await
    }

    /// Replaces a remote link.
    ///
    /// # Errors
    /// `NotSupported` where the server cannot edit remote links.
    pub async fn edit_remote_link(&self, key: &str, id: &str, link: Map<String, Value>) -> Result<()> {
        let call = Call::put("issue").id(key).then("remotelink").id(id).json(json!(link)).optional();
        self.send(&call).await.map(drop)
    }

    /// Deletes a remote link.
    ///
    /// # Errors
    /// Any [`ErrorKind`] but `NotFound`.
    pub async fn delete_remote_link(&self, key: &str, id: &str) -> Result<Gone> {
        self.gone(&Call::delete("issue").id(key).then("remotelink").id(id).optional()).await
    }
}

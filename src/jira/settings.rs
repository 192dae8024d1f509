//! What stands beside the issues: settings of projects and of the instance in which a person may be named.
//!
//! Most of it needs more permission than reading issues does, and not every server has all of it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{
    call::Call,
    error::{ErrorKind, Result},
    http::Client,
    types::{Gone, UserQuery},
};
use crate::model::ProjectKey;

/// Things a page of a list of settings.
const PAGE: usize = 50;
/// Audit records a page: the most that Cloud gives.
const AUDIT_PAGE: usize = 1000;

impl Client {
    /// A project's `components` or `versions`, with all that they hold.
    ///
    /// # Errors
    /// Any [`ErrorKind`].
    pub async fn project_list(&self, project: &ProjectKey, what: &'static str) -> Result<Vec<Value>> {
        self.array(&Call::get("project").id(project.as_str()).then(what).optional()).await
    }

    /// Adds to a project's `components` or `versions`.
    ///
    /// # Errors
    /// `Doubtful` where it may have been made; `Rejected` where one of that name is there.
    pub async fn add_to_project(
        &self,
        project: &ProjectKey,
        what: &'static str,
        mut body: Map<String, Value>,
    ) -> Result<()> {
        let road = if what == "components" { "component" } else { "version" };
        // Both documents call a version's `project` deprecated, for the id.
        if road == "component" {
            body.insert("project".to_owned(), json!(project));
        } else {
            let whole = self.project(project).await?;
            let id =
                whole.get("id").and_then(|id| id.as_str().and_then(|s| s.parse::<u64>().ok()).or_else(|| id.as_u64()));
            body.insert("projectId".to_owned(), json!(id));
        }
        self.send(&Call::post(road).json(body).optional()).await.map(drop)
    }

    /// The ids of a project's roles.
    ///
    /// # Errors
    /// Any [`ErrorKind`].
    pub async fn project_roles(&self, project: &ProjectKey) -> Result<Vec<String>> {
        let call = Call::get("project").id(project.as_str()).then("role").optional();
        let answer = self.json(&call).await?;
        let Some(roles) = answer.as_object() else { return Err(self.bad_answer(&call, "no map of roles")) };
        Ok(roles.values().filter_map(|url| Some(url.as_str()?.rsplit('/').next()?.to_owned())).collect())
    }

    /// A role of a project with its actors.
    ///
    /// # Errors
    /// Any [`ErrorKind`].
    pub async fn project_role(&self, project: &ProjectKey, id: &str) -> Result<Value> {
        self.json(&Call::get("project").id(project.as_str()).then("role").id(id).optional()).await
    }

    /// The names of a project's properties.
    ///
    /// # Errors
    /// Any [`ErrorKind`].
    pub async fn project_property_keys(&self, project: &ProjectKey) -> Result<Vec<String>> {
        self.keys(&Call::get("project").id(project.as_str()).then("properties").optional()).await
    }

    /// A property of a project; `None` where there is none of that name.
    ///
    /// # Errors
    /// Any [`ErrorKind`].
    pub async fn project_property(&self, project: &ProjectKey, name: &str) -> Result<Option<Value>> {
        let call = Call::get("project").id(project.as_str()).then("properties").hidden(name).optional();
        self.json_or_absent(&call).await
    }

    /// A project's `permissionscheme`, `notificationscheme` or `issuesecuritylevelscheme`, expanded.
    ///
    /// # Errors
    /// `Forbidden` or `Unauthorized` for who is no administrator.
    pub async fn project_scheme(&self, project: &ProjectKey, which: &'static str) -> Result<Value> {
        let call = Call::get("project").id(project.as_str()).then(which).optional();
        // The document of the security scheme knows no `expand`.
        let call = if which == "issuesecuritylevelscheme" { call } else { call.query("expand", "all") };
        self.json(&call).await
    }

    /// The members of a security scheme's levels (Cloud).
    ///
    /// # Errors
    /// `NotSupported` on Data Center, whose document has no such call.
    pub async fn security_members(&self, scheme: &str) -> Result<Vec<Value>> {
        if !self.is_cloud() {
            return Err(self.not_here("Data Center gives nobody the members of a security level"));
        }
        let call = Call::get("issuesecurityschemes/level/member").query("schemeId", scheme).query("expand", "all");
        self.all_pages(&call.optional(), &["values"], PAGE).await
    }

    /// The boards of a project.
    ///
    /// # Errors
    /// `NotSupported` where the server has no Jira Software.
    pub async fn boards(&self, project: &ProjectKey) -> Result<Vec<Value>> {
        self.all_pages(&Call::agile("board").query("projectKeyOrId", project.as_str()), &["values"], PAGE).await
    }

    /// A board's configuration, which names its filter.
    ///
    /// # Errors
    /// Any [`ErrorKind`].
    pub async fn board_configuration(&self, board: &str) -> Result<Value> {
        self.json(&Call::agile("board").id(board).then("configuration")).await
    }

    /// The sprints of a board; a board without sprints (Kanban) answers 400, which is none.
    ///
    /// # Errors
    /// Any other [`ErrorKind`].
    pub async fn sprints(&self, board: &str) -> Result<Vec<Value>> {
        match self.all_pages(&Call::agile("board").id(board).then("sprint"), &["values"], PAGE).await {
            Err(e) if e.kind() == ErrorKind::Rejected => Ok(Vec::new()),
            other => other,
        }
    }

    /// A filter by its id.
    ///
    /// # Errors
    /// `NotFound` where it is not shared with us.
    pub async fn filter(&self, id: &str) -> Result<Value> {
        self.json(&Call::get("filter").id(id).optional()).await
    }

    /// All filters that we may see, with owner, shares and JQL (Cloud).
    ///
    /// # Errors
    /// `NotSupported` on Data Center, which lists filters to nobody.
    pub async fn filters(&self) -> Result<Vec<Value>> {
        if !self.is_cloud() {
            return Err(self.not_here("Data Center has no list of filters"));
        }
        let expand = "description,owner,jql,sharePermissions,editPermissions,subscriptions";
        self.all_pages(&Call::get("filter/search").query("expand", expand).optional(), &["values"], PAGE).await
    }

    /// All dashboards that we may see.
    ///
    /// # Errors
    /// Any [`ErrorKind`].
    pub async fn dashboards(&self) -> Result<Vec<Value>> {
        let call = if self.is_cloud() {
            Call::get("dashboard/search").query("expand", "description,owner,sharePermissions,editPermissions")
        } else {
            Call::get("dashboard")
        };
        self.all_pages(&call.optional(), &["values", "dashboards"], PAGE).await
    }

    /// A user's profile with groups; `None` where there is none that we may see.
    ///
    /// # Errors
    /// `NotSupported` for a handle of the other flavour.
    pub async fn profile(&self, by: &UserQuery) -> Result<Option<Value>> {
        let call = self.of_user("user", by, ["accountId", "username", "key"])?;
        self.json_or_absent(&call.query("expand", "groups")).await
    }

    /// The names of a user's properties.
    ///
    /// # Errors
    /// `Forbidden` for who is no administrator.
    pub async fn user_property_keys(&self, by: &UserQuery) -> Result<Vec<String>> {
        self.keys(&self.of_user("user/properties", by, USER_PROPERTIES)?).await
    }

    /// A property of a user; `None` where there is none of that name.
    ///
    /// # Errors
    /// `Forbidden` for who is no administrator.
    pub async fn user_property(&self, by: &UserQuery, name: &str) -> Result<Option<Value>> {
        let call = self.of_user("user/properties", by, USER_PROPERTIES)?.hidden(name);
        self.json_or_absent(&call).await
    }

    /// A call about one user. `names` are the query's names for an account id, a user name and a user key.
    fn of_user(&self, path: &'static str, by: &UserQuery, names: [&'static str; 3]) -> Result<Call> {
        let (name, value) = match (by, self.is_cloud()) {
            (UserQuery::AccountId(id), true) => (names[0], id),
            (UserQuery::Username(name), false) => (names[1], name),
            (UserQuery::Key(key), false) => (names[2], key),
            _ => return Err(self.not_here("the other flavour's handle")),
        };
        Ok(Call::get(path).query(name, value).optional())
    }

    /// The audit log, newest first, at most `most` records; `true` where that is all of it.
    ///
    /// # Errors
    /// `Forbidden` for who is no administrator; `NotSupported` where the server keeps it elsewhere (Data Center).
    pub async fn audit_records(&self, most: usize) -> Result<(Vec<Value>, bool)> {
        let mut all: Vec<Value> = Vec::new();
        loop {
            let call = Call::get("auditing/record")
                .query("offset", all.len().to_string())
                .query("limit", AUDIT_PAGE.to_string())
                .optional();
            let mut answer = self.json(&call).await?;
            let total = answer.get("total").and_then(Value::as_u64).unwrap_or(0);
            let Some(Value::Array(page)) = answer.get_mut("records").map(Value::take) else {
                return Err(self.bad_answer(&call, "no list of records"));
            };
            let end = page.is_empty();
            all.extend(page);
            let whole = all.len() as u64 >= total;
            if end || whole || all.len() >= most {
                return Ok((all, whole));
            }
        }
    }

    /// Which of these permissions we have in a project.
    ///
    /// # Errors
    /// Any [`ErrorKind`].
    pub async fn permissions(&self, project: &ProjectKey, keys: &[&str]) -> Result<BTreeMap<String, bool>> {
        let call =
            Call::get("mypermissions").query("projectKey", project.as_str()).query("permissions", keys.join(","));
        let answer = self.json(&call.optional()).await?;
        let have = |key: &str| answer.pointer(&format!("/permissions/{key}/havePermission")).and_then(Value::as_bool);
        Ok(keys.iter().filter_map(|key| Some(((*key).to_owned(), have(key)?))).collect())
    }

    /// About how many issues a query finds (Cloud).
    ///
    /// # Errors
    /// `NotSupported` on Data Center, whose search says its total itself.
    pub async fn approximate_count(&self, jql: &str) -> Result<u64> {
        if !self.is_cloud() {
            return Err(self.not_here("Data Center counts in the search itself"));
        }
        let call = Call::ask("search/approximate-count").json(serde_json::json!({ "jql": jql })).optional();
        let answer = self.json(&call).await?;
        answer.get("count").and_then(Value::as_u64).ok_or_else(|| self.bad_answer(&call, "no count"))
    }

    /// Properties of several comments at once (Cloud, 1,000 ids): comment id and its properties.
    ///
    /// # Errors
    /// `NotSupported` on Data Center.
    pub async fn comments_with_properties(&self, ids: &[String]) -> Result<Vec<Value>> {
        if !self.is_cloud() {
            return Err(self.not_here("Data Center gives comments one issue at a time"));
        }
        let numbers: Vec<Value> = ids.iter().filter_map(|id| id.parse::<u64>().ok()).map(Value::from).collect();
        let call = Call::ask("comment/list").query("expand", "properties").json(serde_json::json!({ "ids": numbers }));
        let call = call.optional();
        let mut answer = self.json(&call).await?;
        match answer.get_mut("values").map(Value::take) {
            Some(Value::Array(list)) => Ok(list),
            _ => Err(self.bad_answer(&call, "no list of comments")),
        }
    }

    /// Properties of several worklogs at once (Cloud, 1,000 ids): worklogs with their properties.
    ///
    /// # Errors
    /// `NotSupported` on Data Center, whose worklogs have none.
    pub async fn worklogs_with_properties(&self, ids: &[String]) -> Result<Vec<Value>> {
        if !self.is_cloud() {
            return Err(self.not_here("Data Center's worklogs have no properties"));
        }
        let numbers: Vec<Value> = ids.iter().filter_map(|id| id.parse::<u64>().ok()).map(Value::from).collect();
        let call = Call::ask("worklog/list").query("expand", "properties").json(serde_json::json!({ "ids": numbers }));
        self.array(&call.optional()).await
    }

    /// The value of a worklog's property (Cloud); `None` where it has none of that name.
    ///
    /// # Errors
    /// Any [`ErrorKind`].
    pub async fn worklog_property(&self, key: &str, id: &str, name: &str) -> Result<Option<Value>> {
        let call = Call::get("issue").id(key).then("worklog").id(id).then("properties").hidden(name).optional();
        Ok(self.json_or_absent(&call).await?.and_then(|mut v| v.get_mut("value").map(Value::take)))
    }

    /// Sets a worklog's property (Cloud).
    ///
    /// # Errors
    /// Any [`ErrorKind`].
    pub async fn set_worklog_property(&self, key: &str, id: &str, name: &str, value: Value) -> Result<()> {
        let call = Call::put("issue").id(key).then("worklog").id(id).then("properties").hidden(name);
        self.send(&call.json(value).optional()).await.map(drop)
    }

    /// Deletes a worklog's property (Cloud).
    ///
    /// # Errors
    /// Any [`ErrorKind`] but `NotFound`.
    pub async fn delete_worklog_property(&self, key: &str, id: &str, name: &str) -> Result<Gone> {
        let call = Call::delete("issue").id(key).then("worklog").id(id).then("properties").hidden(name);
        self.gone(&call.optional()).await
    }

    /// The names of a comment's properties.
    ///
    /// # Errors
    /// Any [`ErrorKind`].
    pub async fn comment_property_keys(&self, id: &str) -> Result<Vec<String>> {
        self.keys(&Call::get("comment").id(id).then("properties").optional()).await
    }

    /// The value of a comment's property; `None` where it has none of that name.
    ///
    /// # Errors
    /// Any [`ErrorKind`].
    pub async fn comment_property(&self, id: &str, name: &str) -> Result<Option<Value>> {
        let call = Call::get("comment").id(id).then("properties").hidden(name).optional();
        Ok(self.json_or_absent(&call).await?.and_then(|mut v| v.get_mut("value").map(Value::take)))
    }

    /// Sets a comment's property.
    ///
    /// # Errors
    /// Any [`ErrorKind`].
    pub async fn set_comment_property(&self, id: &str, name: &str, value: Value) -> Result<()> {
        let call = Call::put("comment").id(id).then("properties").hidden(name).json(value).optional();
        self.send(&call).await.map(drop)
    }

    /// Deletes a comment's property.
    ///
    /// # Errors
    /// Any [`ErrorKind`] but `NotFound`.
    pub async fn delete_comment_property(&self, id: &str, name: &str) -> Result<Gone> {
        self.gone(&Call::delete("comment").id(id).then("properties").hidden(name).optional()).await
    }

    async fn keys(&self, call: &Call) -> Result<Vec<String>> {
        let answer = self.json(call).await?;
        let Some(keys) = answer.get("keys").and_then(Value::as_array) else {
            return Err(self.bad_answer(call, "no list of keys"));
        };
        Ok(keys.iter().filter_map(|k| k.get("key")?.as_str()).map(str::to_owned).collect())
    }
}

/// The query's names at `user/properties`, which differ from those at `user`.
const USER_PROPERTIES: [&str; 3] = ["accountId", "username", "userKey"];

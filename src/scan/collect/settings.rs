//! Settings of a project and of an instance in which a person may be named: each a record of its own, read once.
//!
//! Reading them mostly needs more permission than reading issues. What the account may not read is out of reach for it, and
//! somebody else is named who could look; only what failed (a server error, a time-out) leaves the scan incomplete.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tokio::sync::mpsc::Sender;

use super::{
    Facts, RemoteRecord,
    pool::{Message, Pool},
    reason,
};
use crate::{
    jira::{Client, ErrorKind, JiraError, User, UserQuery},
    model::{Fact, MatrixStatus, ProjectKey, RecordRef, RecordType, Storage},
};

/// Who can look where the account cannot.
pub(super) const ADMIN: &str = "the Jira administrator of the instance";
const LEAD: &str = "the project's lead or the Jira administrator";

/// Audit records that are read; an instance may have many more.
const AUDIT_LIMIT: usize = 20_000;

/// Permissions without which an answer is shorter than it seems.
const PERMISSIONS: [&str; 2] = ["BROWSE_PROJECTS", "VIEW_VOTERS_AND_WATCHERS"];

/// What a reading of settings came to.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub(super) facts: Facts,
    /// Records that were read.
    pub(super) sent: u64,
    /// Calls that failed though they were allowed, and why the first did.
    pub(super) failed: Option<(u64, String)>,
    /// Permissions that the account lacks.
    pub(super) lacks: Vec<String>,
}

/// A reading of settings. It ends with a [`Read`], so that its end of the channel is closed.
pub(super) struct Settings {
    client: Client,
    pool: Pool,
    out: Sender<Message>,
    read: Read,
    /// Ids of what was sent: two boards may share a filter.
    known: BTreeSet<String>,
}

impl Settings {
    pub(super) fn new(client: &Client, pool: &Pool, out: &Sender<Message>) -> Self {
        Self {
            client: client.clone(),
            pool: pool.clone(),
            out: out.clone(),
            read: Read::default(),
            known: BTreeSet::new(),
        }
    }

    /// Everything of one project; `body` is the project as it was read already.
    pub(super) async fn project(mut self, project: ProjectKey, mut body: Value) -> Read {
        let client = self.client.clone();
        if let Some(object) = body.as_object_mut() {
            // Records of their own, or no text of anybody.
            for name in ["components", "versions", "roles", "issueTypes", "expand", "properties", "avatarUrls", "self"]
            {
                object.shift_remove(name);
            }
        }
        self.read.facts.add(Storage::Projects, Fact::examined());
        self.setting("project", body).await;
        if let Some(have) = self.ask(None, LEAD, client.permissions(&project, &PERMISSIONS)).await {
            self.read.lacks = have.into_iter().filter(|(_, have)| !have).map(|(key, _)| key).collect();
        }
        for (kind, what, name) in
            [(Storage::Components, "components", "component"), (Storage::Versions, "versions", "version")]
        {
            let all = self.ask(Some(kind), LEAD, client.project_list(&project, what)).await;
            self.settings(name, all.unwrap_or_default()).await;
        }
        for id in self.ask(Some(Storage::Roles), LEAD, client.project_roles(&project)).await.unwrap_or_default() {
            if let Some(role) = self.ask(Some(Storage::Roles), LEAD, client.project_role(&project, &id)).await {
                self.setting(&format!("role/{id}"), without_self(role)).await;
            }
        }
        let kind = Some(Storage::ProjectProperties);
        for name in self.ask(kind, LEAD, client.project_property_keys(&project)).await.unwrap_or_default() {
            if let Some(Some(property)) = self.ask(kind, LEAD, client.project_property(&project, &name)).await {
                self.setting(&format!("property/{name}"), without_self(property)).await;
            }
        }
        for which in ["permissionscheme", "notificationscheme"] {
            if let Some(scheme) = self.ask(Some(Storage::Schemes), ADMIN, client.project_scheme(&project, which)).await
            {
                self.setting(which, scheme).await;
            }
        }
        self.security(&client, &project).await;
        self.boards(&client, &project).await;
        self.read
    }

    async fn security(&mut self, client: &Client, project: &ProjectKey) {
        let kind = Some(Storage::SecurityLevels);
        let Some(scheme) = self.ask(kind, ADMIN, client.project_scheme(project, "issuesecuritylevelscheme")).await
        else {
            return;
        };
        let id = id_of(&scheme);
        self.setting("issuesecuritylevelscheme", without_self(scheme)).await;
        if let Some(members) = self.ask(kind, ADMIN, client.security_members(&id)).await {
            self.settings("security-member", members).await;
        }
    }

    async fn boards(&mut self, client: &Client, project: &ProjectKey) {
        let kind = Some(Storage::Boards);
        let boards = self.ask(kind, ADMIN, client.boards(project)).await.unwrap_or_default();
        for board in &boards {
            let id = id_of(board);
            if let Some(configuration) = self.ask(kind, ADMIN, client.board_configuration(&id)).await {
                let filter = configuration.get("filter").map(id_of).unwrap_or_default();
                self.setting(&format!("board-configuration/{id}"), without_self(configuration)).await;
                if !filter.is_empty()
                    && let Some(filter) = self.ask(kind, ADMIN, client.filter(&filter)).await
                {
                    self.settings("filter", vec![filter]).await;
                }
            }
            let sprints = self.ask(kind, ADMIN, client.sprints(&id)).await.unwrap_or_default();
            self.settings("sprint", sprints).await;
        }
        self.settings("board", boards).await;
    }

    /// What belongs to the whole instance, and the accounts of the person.
    pub(super) async fn instance(mut self, accounts: &[UserQuery]) -> Read {
        let client = self.client.clone();
        if accounts.is_empty() {
            let why = "no account of the person is known on this instance";
            for kind in [Storage::UserProfile, Storage::UserProperties] {
                self.read.facts.add(kind, Fact::new(MatrixStatus::Unexamined, why).asking("efface subject resolve"));
            }
        }
        let mut profiles: Vec<Value> = Vec::new();
        // Some servers answer whatever name they are asked for with a user: then no answer says that there is one.
        let named = accounts.iter().any(|a| !matches!(a, UserQuery::AccountId(_)));
        let echoes = named && client.makes_up_users().await;
        if echoes {
            let why = "the server answers any user name with a user, so its profiles prove nothing and were left aside";
            self.read.facts.add(Storage::UserProfile, Fact::new(MatrixStatus::OutOfReach, why).asking(ADMIN));
        }
        for account in accounts {
            if echoes && !matches!(account, UserQuery::AccountId(_)) {
                continue;
            }
            if let Some(Some(profile)) = self.ask(Some(Storage::UserProfile), ADMIN, client.profile(account)).await {
                // The same account by its key and by its name.
                if profiles.contains(&profile) {
                    continue;
                }
                profiles.push(profile.clone());
                // An id would be the person's own.
                let record = RecordRef { record_type: RecordType::UserProfile, id: None, key: None, path: None };
                self.send(RemoteRecord { record, json: without_alias(without_self(profile)), content: None }).await;
            }
            let kind = Some(Storage::UserProperties);
            for name in self.ask(kind, ADMIN, client.user_property_keys(account)).await.unwrap_or_default() {
                if let Some(Some(property)) = self.ask(kind, ADMIN, client.user_property(account, &name)).await {
                    self.setting(&format!("user-property/{name}"), without_self(property)).await;
                }
            }
        }
        let filters = self.ask(Some(Storage::Filters), ADMIN, client.filters()).await.unwrap_or_default();
        self.settings("filter", filters).await;
        let dashboards = self.ask(Some(Storage::Dashboards), ADMIN, client.dashboards()).await.unwrap_or_default();
        self.settings("dashboard", dashboards).await;
        if let Some((records, whole)) =
            self.ask(Some(Storage::AuditLog), ADMIN, client.audit_records(AUDIT_LIMIT)).await
        {
            if !whole {
                let why = format!("the newest {} records were read, there are more", records.len());
                self.read.facts.add(Storage::AuditLog, Fact::new(MatrixStatus::Partial, why).asking(ADMIN));
            }
            self.settings("audit", records).await;
        }
        self.read
    }

    /// Makes a call and notes how it went.
    async fn ask<T>(
        &mut self,
        kind: Option<Storage>,
        who: &str,
        call: impl Future<Output = Result<T, JiraError>>,
    ) -> Option<T> {
        let answer = {
            let _turn = self.pool.turn().await;
            call.await
        };
        let fact = match &answer {
            Ok(_) => Fact::examined(),
            Err(e) if may_not(e) => Fact::new(MatrixStatus::OutOfReach, reason(e)).asking(who),
            Err(e) => {
                self.read.failed.get_or_insert_with(|| (0, reason(e))).0 += 1;
                Fact::new(MatrixStatus::Unexamined, reason(e))
            }
        };
        if let Some(kind) = kind {
            self.read.facts.add(kind, fact);
        }
        answer.ok()
    }

    async fn settings(&mut self, name: &str, all: Vec<Value>) {
        for one in all {
            self.setting(&format!("{name}/{}", id_of(&one)), without_self(one)).await;
        }
    }

    async fn setting(&mut self, id: &str, json: Value) {
        if !self.known.insert(id.to_owned()) {
            return;
        }
        let record = RecordRef { record_type: RecordType::Property, id: Some(id.to_owned()), key: None, path: None };
        let json = if json.is_object() { json } else { json!({ "value": json }) };
        self.send(RemoteRecord { record, json, content: None }).await;
    }

    async fn send(&mut self, record: RemoteRecord) {
        self.read.sent += 1;
        // It fails only when the scan has ended, and then nobody asks.
        drop(self.out.send(Message { number: 0, record, properties: false, _share: None }).await);
    }
}

/// Whether a call failed because the account may not make it, or because the server has no such thing.
fn may_not(error: &JiraError) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Unauthorized
            | ErrorKind::Forbidden
            | ErrorKind::NotFound
            | ErrorKind::NotSupported
            | ErrorKind::ProjectNotVisible
            | ErrorKind::Rejected
    )
}

/// Addresses repeat ids and, of a filter, its JQL.
fn without_self(mut value: Value) -> Value {
    if let Some(object) = value.as_object_mut() {
        for name in ["self", "viewUrl", "searchUrl", "view", "expand"] {
            object.shift_remove(name);
        }
    }
    value
}

/// An anonymised account gets an e-mail made of its key, such as `JIRAUSER10100@jira.invalid`: that is the key once more, and
/// nobody's address.
fn without_alias(mut profile: Value) -> Value {
    let made = User::from_json(&profile);
    let key = made.key.as_deref().map(|key| format!("{key}@jira.invalid"));
    let same = key.zip(made.email.as_ref()).is_some_and(|(key, email)| key.eq_ignore_ascii_case(email));
    if made.is_anonymized()
        && same
        && let Some(object) = profile.as_object_mut()
    {
        object.shift_remove("emailAddress");
    }
    profile
}

fn id_of(value: &Value) -> String {
    match value.get("id") {
        Some(Value::String(s)) => s.clone(),
        Some(Value::Number(n)) => n.to_string(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_an_anonymised_account_is_its_key_once_more() {
        let profile = |name: &str, email: &str| json!({ "key": "JIRAUSER7", "name": name, "displayName": "user-ca31a", "emailAddress": email });
        let kept = |p: Value| without_alias(p).get("emailAddress").is_some();
        assert!(!kept(profile("jirauser7", "JIRAUSER7@jira.invalid")));
        assert!(kept(profile("jirauser7", "zoe@corp.example")), "somebody gave it one");
        assert!(kept(profile("jirauser7", "JIRAUSER8@jira.invalid")));
        assert!(kept(profile("zquill", "JIRAUSER7@jira.invalid")));
    }
}

//! Who a source user is in the target: user map, then e-mail, then the same account or user name; or an alias, a name in
//! text, or nothing, as the configuration says. A missing user is an answer, not an error.

use std::collections::HashMap;

use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::content::identity;
use crate::{
    config::{Sync, UserMode},
    jira::{Client, ErrorKind, JiraError, User, UserQuery},
    keys::Keys,
    model::{Flavor, IdentifierKind},
    suppression::Guard,
};

/// A target user, by the handle that the target's flavour writes.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct TargetUser(String);

impl TargetUser {
    /// The handle: account id on Cloud, user name on Data Center.
    pub(super) fn handle(&self) -> &str {
        &self.0
    }

    /// The value of a user field.
    pub(super) fn field(&self, flavor: Flavor) -> Value {
        match flavor {
            Flavor::Cloud => json!({"accountId": self.0}),
            Flavor::DataCenter => json!({"name": self.0}),
        }
    }
}

/// How a person is written into running text.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Written {
    /// As a mention of a target user.
    Mention(TargetUser),
    /// As plain text.
    Text(String),
    /// Not at all.
    Nothing,
}

/// Looks users up, once a run each.
pub(super) struct Users<'a> {
    pub(super) sync: &'a Sync,
    pub(super) source: &'a Client,
    pub(super) target: &'a Client,
    pub(super) keys: &'a Keys,
    pub(super) target_guard: &'a Guard,
    known: Mutex<HashMap<String, Option<TargetUser>>>,
    shown: Mutex<HashMap<String, Option<String>>>,
}

impl<'a> Users<'a> {
    pub(super) fn new(
        sync: &'a Sync,
        source: &'a Client,
        target: &'a Client,
        keys: &'a Keys,
        target_guard: &'a Guard,
    ) -> Self {
        Self { sync, source, target, keys, target_guard, known: Mutex::default(), shown: Mutex::default() }
    }

    /// The target user for a user field; `None` where there is none or the field's mode carries no users as such.
    pub(super) async fn field(&self, field: &str, user: &Value) -> Result<Option<TargetUser>, JiraError> {
        if self.sync.users_in(field) == UserMode::Map { self.mapped(user).await } else { Ok(None) }
    }

    /// How the person of a user object is written into the text of a field.
    pub(super) async fn written(&self, field: &str, user: &Value) -> Result<Written, JiraError> {
        let Some(id) = identity(Some(user)) else { return Ok(Written::Nothing) };
        let shown = user.get("displayName").and_then(Value::as_str).map(str::to_owned);
        Ok(match self.sync.users_in(field) {
            UserMode::Drop => Written::Nothing,
            UserMode::Pseudonym => Written::Text(self.alias(id)),
            UserMode::Text => shown.map_or(Written::Nothing, Written::Text),
            UserMode::Map => match self.mapped(user).await? {
                Some(target) => Written::Mention(target),
                None => shown.map_or(Written::Nothing, Written::Text),
            },
        })
    }

    /// How a mention of `id` (as the source writes it) is written into the text of a field.
    pub(super) async fn mention(&self, field: &str, id: &str) -> Result<Written, JiraError> {
        let mode = self.sync.users_in(field);
        if mode == UserMode::Drop {
            return Ok(Written::Nothing);
        }
        if mode == UserMode::Pseudonym {
            return Ok(Written::Text(self.alias(id)));
        }
        let cloud = self.source.flavor() == Flavor::Cloud;
        // The source knows more of the person than the mention says: e-mail to map by, display name to write.
        let query = if cloud { UserQuery::AccountId(id.to_owned()) } else { UserQuery::Username(id.to_owned()) };
        let user = match self.source.user(&query).await {
            Ok(Some(user)) => user.raw,
            Ok(None) => Value::Null,
            Err(e) if is_about_one(e.kind()) => Value::Null,
            Err(e) => return Err(e),
        };
        let mut known = self.shown.lock().await;
        known.entry(id.to_owned()).or_insert_with(|| {
            user.get("displayName").and_then(Value::as_str).filter(|s| !s.is_empty()).map(str::to_owned)
        });
        let shown = known.get(id).cloned().flatten();
        drop(known);
        let user = if user.is_object() { user } else { json!({(if cloud { "accountId" } else { "name" }): id}) };
        if mode == UserMode::Map
            && let Some(target) = self.mapped(&user).await?
        {
            return Ok(Written::Mention(target));
        }
        Ok(shown.map_or(Written::Nothing, Written::Text))
    }

    fn alias(&self, id: &str) -> String {
        self.keys.pseudonym(&format!("user/{}", self.sync.source.instance), id)
    }

    async fn mapped(&self, user: &Value) -> Result<Option<TargetUser>, JiraError> {
        let Some(id) = identity(Some(user)).map(str::to_owned) else { return Ok(None) };
        let mut known = self.known.lock().await;
        if let Some(found) = known.get(&id) {
            return Ok(found.clone());
        }
        let found = self.look_up(user).await?.filter(|u| !self.suppressed(u.handle()));
        known.insert(id, found.clone());
        Ok(found)
    }

    /// A mapping must not bring an erased person back under a target account.
    fn suppressed(&self, handle: &str) -> bool {
        [IdentifierKind::AccountId, IdentifierKind::Username, IdentifierKind::UserKey]
            .into_iter()
            .any(|k| self.target_guard.identifier(k, handle))
    }

    async fn look_up(&self, user: &Value) -> Result<Option<TargetUser>, JiraError> {
        // An alias is nobody's: the same one elsewhere (`jirauser10100`) is what is left of somebody else.
        if User::from_json(user).is_anonymized() {
            return Ok(None);
        }
        let text = |f: &str| user.get(f).and_then(Value::as_str).filter(|s| !s.is_empty());
        let handles = ["name", "key", "accountId", "emailAddress"].into_iter().filter_map(text);
        if let Some(to) = handles.clone().find_map(|h| self.sync.user_map.get(h)) {
            return Ok(Some(TargetUser(to.clone())));
        }
        if let Some(email) = text("emailAddress")
            && let Some(found) = self.by_email(email).await?
        {
            return Ok(Some(found));
        }
        let query = match self.target.flavor() {
            // Account ids are one namespace over all Cloud sites.
            Flavor::Cloud => text("accountId").map(|id| UserQuery::AccountId(id.to_owned())),
            Flavor::DataCenter => text("name").map(|name| UserQuery::Username(name.to_owned())),
        };
        let Some(query) = query else { return Ok(None) };
        match self.target.user(&query).await {
            Ok(user) => Ok(user.and_then(|u| self.handle_of(&u))),
            Err(e) if is_about_one(e.kind()) => Ok(None),
            Err(e) => Err(e),
        }
    }

    async fn by_email(&self, email: &str) -> Result<Option<TargetUser>, JiraError> {
        let found = match self.target.user_search(email).await {
            Ok(found) => found,
            Err(e) if is_about_one(e.kind()) => return Ok(None),
            Err(e) => return Err(e),
        };
        let active: Vec<&User> = found.iter().filter(|u| u.active != Some(false)).collect();
        let exact = |u: &&&User| u.email.as_deref().is_some_and(|e| e.eq_ignore_ascii_case(email));
        // Cloud finds by an e-mail that it then hides; a single such hit is the one.
        let hidden = || match active.as_slice() {
            [one] if one.email.is_none() && self.target.flavor() == Flavor::Cloud => Some(*one),
            _ => None,
        };
        Ok(active.iter().find(exact).copied().or_else(hidden).and_then(|u| self.handle_of(u)))
    }

    /// The handle of a user whom somebody may be: of one who was anonymised there is none.
    fn handle_of(&self, user: &User) -> Option<TargetUser> {
        if user.is_anonymized() {
            return None;
        }
        match self.target.flavor() {
            Flavor::Cloud => user.account_id.clone(),
            Flavor::DataCenter => user.name.clone(),
        }
        .map(TargetUser)
    }
}

/// Whether an error is about one user rather than about the server.
fn is_about_one(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::NotFound | ErrorKind::Forbidden | ErrorKind::Rejected | ErrorKind::NotSupported)
}

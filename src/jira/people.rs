//! Looking for people: search by text, and all users of an instance.
//!
//! Owns which calls reach which users, and whether the server's own limits cut a list off. What is cut off is said, never
//! hidden: a list that stops at Jira's limit is not the whole list.

use std::collections::HashSet;

use serde_json::Value;

use super::{
    call::Call,
    error::{ErrorKind, Result},
    http::Client,
    types::{User, UserQuery},
};

/// Users a page of a search; both flavours allow 1,000, Cloud may give fewer.
const USERS_A_PAGE: usize = 100;
/// `user/search` stops at the 1,000th user (both documents).
const MOST_USERS: usize = 1000;
/// Users a page of the whole list: the most that `users/search` gives (Cloud's document).
const LISTED_A_PAGE: usize = 1000;
/// No instance has this many users; a server that goes on for ever does.
const MOST_PAGES: usize = 2000;

/// Users that a search found.
#[derive(Debug, Clone, Default)]
pub struct FoundUsers {
    /// The users, each once.
    pub users: Vec<User>,
    /// Whether the server stopped at its limit of 1,000: there may be more.
    pub cut_off: bool,
}

#[derive(Default)]
struct Gathered {
    users: Vec<User>,
    seen: HashSet<(Option<String>, Option<String>, Option<String>)>,
}

impl Gathered {
    /// Adds a page; says whether anything in it was new.
    fn add(&mut self, page: &[Value]) -> bool {
        let before = self.users.len();
        for user in page.iter().map(User::from_json) {
            // A corrupted Cloud account is called `unknown`, and so is the next one: they are not the same.
            let unknown = user.account_id.as_deref() == Some("unknown");
            if unknown || self.seen.insert((user.account_id.clone(), user.key.clone(), user.name.clone())) {
                self.users.push(user);
            }
        }
        self.users.len() > before
    }
}

impl Client {
    /// Users whose name or e-mail matches; on Data Center user names too, and inactive users. Cloud's search knows active
    /// users alone: [`Client::all_users`] has the others. Without the permission to browse users a server answers with an
    /// empty list, not with an error.
    ///
    /// # Errors
    /// Any [`ErrorKind`].
    pub async fn find_users(&self, query: &str) -> Result<FoundUsers> {
        let mut found = Gathered::default();
        let mut start = 0;
        while start < MOST_USERS {
            let call = Call::get("user/search")
                .query("startAt", start.to_string())
                .query("maxResults", USERS_A_PAGE.to_string());
            let call = if self.is_cloud() {
                call.query("query", query)
            } else {
                // Data Center 10.3's document: `username` searches user name, name and e-mail.
                call.query("username", query).query("includeInactive", "true")
            };
            let page = self.array(&call).await?;
            start += page.len();
            // A server that ignores startAt answers the same page for ever.
            // A short page is no end: a server may cut pages to less than was asked.
            if page.is_empty() || !found.add(&page) {
                return Ok(FoundUsers { users: found.users, cut_off: false });
            }
        }
        Ok(FoundUsers { users: found.users, cut_off: true })
    }

    /// Every user of the instance: Cloud's `users/search` (active, inactive and deleted ones), Data Center's `user/list`
    /// (from 10.0 on).
    ///
    /// # Errors
    /// `NotSupported` on a Data Center without that endpoint, `Forbidden` without the permission to browse users, and any other
    /// [`ErrorKind`].
    pub async fn all_users(&self) -> Result<Vec<User>> {
        if self.is_cloud() { self.cloud_users().await } else { self.listed_users().await }
    }

    async fn cloud_users(&self) -> Result<Vec<User>> {
        let mut found = Gathered::default();
        let mut start = 0;
        for _ in 0..MOST_PAGES {
            let call = Call::get("users/search")
                .query("startAt", start.to_string())
                .query("maxResults", LISTED_A_PAGE.to_string());
            let page = self.array(&call).await?;
            start += page.len();
            if page.is_empty() || !found.add(&page) {
                break;
            }
        }
        Ok(found.users)
    }

    async fn listed_users(&self) -> Result<Vec<User>> {
        let mut found = Gathered::default();
        let mut cursor: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let call = Call::get("user/list").query("maxResults", LISTED_A_PAGE.to_string()).optional();
            let call = match &cursor {
                Some(cursor) => call.query("cursor", cursor),
                None => call,
            };
            let answer = self.json(&call).await.map_err(|e| match e.kind() {
                // An older Data Center takes `list` for something else.
                ErrorKind::NotFound => e.with_kind(ErrorKind::NotSupported),
                _ => e,
            })?;
            let Some(page) = answer.get("values").and_then(Value::as_array) else {
                return Err(self.bad_answer(&call, "the answer holds no list of users"));
            };
            found.add(page);
            let next = match answer.get("nextCursor") {
                Some(Value::String(next)) => Some(next.clone()),
                Some(Value::Number(next)) => Some(next.to_string()),
                _ => None,
            };
            let last = answer.get("isLast").and_then(Value::as_bool).unwrap_or(next.is_none());
            if last || next.is_none() || next == cursor {
                break;
            }
            cursor = next;
        }
        Ok(found.users)
    }

    /// A Data Center user by key, deleted ones too where the bot is an administrator; `None` where there is none.
    ///
    /// # Errors
    /// `NotSupported` on Cloud, or any other [`ErrorKind`].
    pub async fn user_even_deleted(&self, key: &str) -> Result<Option<User>> {
        if self.is_cloud() {
            return Err(self.not_here("Cloud has no user keys"));
        }
        if let Some(user) = self.user(&UserQuery::Key(key.to_owned())).await? {
            return Ok(Some(user));
        }
        let call = Call::get("user").query("key", key).query("includeDeleted", "true");
        match self.json_or_absent(&call).await {
            Ok(found) => Ok(found.map(|v| User::from_json(&v))),
            // Only administrators may ask for deleted users: to others there is none.
            Err(e) if matches!(e.kind(), ErrorKind::Forbidden | ErrorKind::Rejected) => Ok(None),
            Err(e) => Err(e),
        }
    }
}

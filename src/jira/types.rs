//! What Jira answers, with thin typed accessors over the JSON; fields we do not know are kept.

use std::fmt;

use chrono::{DateTime, FixedOffset};
use serde_json::{Map, Value};

/// How to look one user up.
#[derive(Clone, PartialEq, Eq)]
pub enum UserQuery {
    /// Cloud.
    AccountId(String),
    /// Data Center.
    Username(String),
    /// Data Center.
    Key(String),
}

impl fmt::Debug for UserQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AccountId(_) => "AccountId(…)",
            Self::Username(_) => "Username(…)",
            Self::Key(_) => "Key(…)",
        })
    }
}

/// A user as Jira shows it. `Debug` shows nothing of the person.
#[derive(Clone, PartialEq, Default)]
pub struct User {
    /// Cloud's account id.
    pub account_id: Option<String>,
    /// Data Center's user key.
    pub key: Option<String>,
    /// Data Center's user name.
    pub name: Option<String>,
    /// E-mail, where the server shows it.
    pub email: Option<String>,
    /// The full name.
    pub display_name: Option<String>,
    /// Whether the account is active.
    pub active: Option<bool>,
    /// The user's time zone (`Europe/Berlin`).
    pub time_zone: Option<String>,
    /// The whole answer.
    pub raw: Value,
}

impl User {
    /// Reads a user object; what is missing, null or empty stays `None`.
    #[must_use]
    pub fn from_json(value: &Value) -> Self {
        let text = |name: &str| value.get(name).and_then(Value::as_str).filter(|s| !s.is_empty()).map(str::to_owned);
        Self {
            account_id: text("accountId"),
            key: text("key"),
            name: text("name"),
            email: text("emailAddress"),
            display_name: text("displayName"),
            active: value.get("active").and_then(Value::as_bool),
            time_zone: text("timeZone"),
            raw: value.clone(),
        }
    }
}

impl User {
    /// Whether it is what Data Center leaves of an anonymised user: an alias like `jirauser80900` as name and a full name
    /// like `user-ca31a` (Atlassian, "Anonymizing users"). Nothing else marks it.
    #[must_use]
    pub fn is_anonymized(&self) -> bool {
        let full = self.display_name.as_deref().and_then(|n| n.strip_prefix("user-"));
        self.name.as_deref().is_some_and(is_alias)
            && full.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_hexdigit()))
    }
}

/// Whether a user key is one that Jira makes by itself (`JIRAUSER10100`), which names nobody.
#[must_use]
pub fn is_made_key(key: &str) -> bool {
    key.strip_prefix("JIRAUSER").is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

/// Whether a user name is the alias of an anonymised user: such a key in lower case.
#[must_use]
pub fn is_alias(name: &str) -> bool {
    is_made_key(&name.to_uppercase())
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("User(…)")
    }
}

/// An issue as Jira answered it. `Debug` shows the key alone.
#[derive(Clone, PartialEq)]
pub struct Issue(pub Map<String, Value>);

impl fmt::Debug for Issue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Issue({})", self.key())
    }
}

impl Issue {
    /// The id (an opaque string); empty where the answer has none.
    #[must_use]
    pub fn id(&self) -> &str {
        self.0.get("id").and_then(Value::as_str).unwrap_or_default()
    }

    /// The key, such as `HQ-12`; empty where the answer has none.
    #[must_use]
    pub fn key(&self) -> &str {
        self.0.get("key").and_then(Value::as_str).unwrap_or_default()
    }

    /// The fields, where they were asked for.
    #[must_use]
    pub fn fields(&self) -> Option<&Map<String, Value>> {
        self.0.get("fields").and_then(Value::as_object)
    }

    /// One field; `None` where it is missing, `Null` where it is empty.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Value> {
        self.fields()?.get(name)
    }

    /// The summary.
    #[must_use]
    pub fn summary(&self) -> Option<&str> {
        self.field("summary")?.as_str()
    }

    /// When it was created.
    #[must_use]
    pub fn created(&self) -> Option<DateTime<FixedOffset>> {
        parse_time(self.field("created")?.as_str()?)
    }

    /// When it was last changed.
    #[must_use]
    pub fn updated(&self) -> Option<DateTime<FixedOffset>> {
        parse_time(self.field("updated")?.as_str()?)
    }

    /// The properties that were asked for.
    #[must_use]
    pub fn properties(&self) -> Option<&Map<String, Value>> {
        self.0.get("properties").and_then(Value::as_object)
    }

    /// The history entries that came along (`expand=changelog`); on Cloud the newest page alone.
    #[must_use]
    pub fn histories(&self) -> Option<&Vec<Value>> {
        self.0.get("changelog")?.get("histories")?.as_array()
    }

    /// The whole answer.
    #[must_use]
    pub fn into_value(self) -> Value {
        Value::Object(self.0)
    }
}

/// Reads Jira's timestamps: `2026-11-22T09:00:00.000+0000`, also with a colon in the offset, `Z`, or epoch-free seconds.
#[must_use]
pub fn parse_time(text: &str) -> Option<DateTime<FixedOffset>> {
    DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z").or_else(|_| DateTime::parse_from_rfc3339(text)).ok()
}

/// What a create answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    /// The new issue's id.
    pub id: String,
    /// The new issue's key.
    pub key: String,
}

/// What an edit did beside the edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edited {
    /// Mail may have gone out, because the server does not let us switch it off.
    pub notified: bool,
}

/// Whether mail may go out with an edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notify {
    /// Never: the edit fails with `NotifyForbidden` where the mail cannot be switched off.
    Never,
    /// Rather not: where it cannot be switched off the edit is sent with mail, and says so.
    PreferNever,
}

/// What a delete found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gone {
    /// It was there and is deleted now.
    Deleted,
    /// It was not there (or not visible to us).
    WasAbsent,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_an_anonymisation_leaves_is_known_by_its_alias() {
        let user = |name: &str, full: &str| User::from_json(&json!({ "name": name, "displayName": full }));
        assert!(user("jirauser80900", "user-ca31a").is_anonymized());
        assert!(!user("jirauser80900", "Zoë Quill").is_anonymized(), "one that stopped halfway");
        assert!(!user("zquill", "user-ca31a").is_anonymized(), "somebody may call himself so");
        assert!(!user("jirauser80900", "user-friendly").is_anonymized());
        assert!(is_made_key("JIRAUSER10100") && !is_made_key("JIRAUSER") && !is_made_key("jirauser1"));
        assert!(is_alias("jirauser1") && !is_alias("jirausers"));
    }

    #[test]
    fn users_of_both_flavours_and_no_person_in_debug() {
        let dc = User::from_json(
            &json!({"key": "JIRAUSER1", "name": "zquill", "emailAddress": "z@corp.example", "displayName": "Zoe Quill", "active": true, "x": 1}),
        );
        assert_eq!(dc.name.as_deref(), Some("zquill"));
        assert_eq!(dc.raw["x"], 1, "unknown fields are kept");
        let cloud = User::from_json(&json!({"accountId": "5b10", "key": "", "emailAddress": null}));
        assert_eq!((cloud.account_id.as_deref(), cloud.key, cloud.email), (Some("5b10"), None, None));
        assert_eq!(format!("{dc:?}{:?}", UserQuery::Username("zquill".into())), "User(…)Username(…)");
    }

    #[test]
    fn timestamps() {
        let utc = |s| parse_time(s).unwrap().to_utc().to_rfc3339();
        assert_eq!(utc("2026-11-22T09:00:00.123+0100"), "2026-11-22T08:00:00.123+00:00");
        assert_eq!(utc("2026-11-22T09:00:00Z"), "2026-11-22T09:00:00+00:00");
        assert_eq!(parse_time("yesterday"), None);
    }
}

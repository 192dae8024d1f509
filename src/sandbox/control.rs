//! Switches and eyes for tests and the demo: what no Jira would let a client do.

mod unkind;

use std::{sync::Arc, time::Duration};

use serde_json::{Map, Value, json};

use super::{
    SandboxError,
    faults::{Limiter, RateLimit, RateLimitReason},
    rich, routes,
    server::Shared,
    state::{Clock, Project, User, UserIx, World},
};

/// A user to be added.
#[derive(Debug, Clone, Default)]
pub struct NewUser {
    /// Login name; Data Center only.
    pub name: String,
    /// User key (Data Center) or account id (Cloud); made up where empty.
    pub id: String,
    /// Full name.
    pub display_name: String,
    /// E-mail; none where empty.
    pub email: String,
    /// Cloud's privacy setting: do not show the e-mail.
    pub email_hidden: bool,
}

/// Somebody in the sandbox.
#[derive(Clone, PartialEq, Eq)]
pub struct Person {
    /// Account id (Cloud) or user key (Data Center).
    pub id: String,
    /// Login name; Data Center only.
    pub name: String,
    /// Full name.
    pub display_name: String,
    /// E-mail, shown or not.
    pub email: Option<String>,
    /// Whether the account is active.
    pub active: bool,
}

impl std::fmt::Debug for Person {
    /// Names nobody, not even invented people: a test's output is a log too.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Person").field("active", &self.active).finish_non_exhaustive()
    }
}

/// Kind of a [`Notification`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotificationKind {
    /// Mails to watchers, assignee and reporter.
    Mail,
    /// A webhook, which carries the old text.
    Webhook,
}

/// What a change told others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// Mail or webhook.
    pub kind: NotificationKind,
    /// Jira's name of the event, such as `issue_updated`.
    pub event: String,
    /// The issue's key.
    pub issue: String,
    /// Ids of who got the mail; empty for webhooks.
    pub recipients: Vec<String>,
}

/// Switches and eyes of a running sandbox. Clones share it.
#[derive(Clone)]
pub struct Control(Arc<Shared>);

impl Control {
    pub(super) const fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }

    /// How long every answer waits from now on.
    pub fn set_latency(&self, latency: Duration) {
        self.0.faults().latency = latency;
    }

    /// The next `n` requests get a 429.
    pub fn burst_429(&self, n: u64) {
        self.0.faults().too_many = n;
    }

    /// What `Retry-After` says in a 429, in seconds; 1 at first.
    pub fn set_retry_after(&self, seconds: u64) {
        self.0.faults().retry_after = seconds;
    }

    /// The next `n` requests get a 500 and do nothing.
    pub fn fail_500(&self, n: u64) {
        self.0.faults().broken = n;
    }

    /// The next `n` requests do nothing and get no answer: the connection ends.
    pub fn cut_connections(&self, n: u64) {
        self.0.faults().cut = n;
    }

    /// The next `n` requests that change something do so, but their answer is lost: the connection ends.
    pub fn cut_after_commit(&self, n: u64) {
        self.0.faults().cut_after_commit = n;
    }

    /// What Cloud gives as the reason of a [`Control::burst_429`].
    pub fn set_429_reason(&self, reason: RateLimitReason) {
        self.0.faults().reason = reason;
    }

    /// Holds a rate limit from now on, with its headers on every answer; `None` takes it away. There is none at first.
    pub fn set_rate_limit(&self, limit: Option<RateLimit>) {
        self.0.faults().limiter = limit.map(Limiter::new);
    }

    /// The bodies of the next `n` answers end halfway, and the connection with them. What was asked is done.
    pub fn half_bodies(&self, n: u64) {
        self.0.faults().half_body = n;
    }

    /// The bodies of the next `n` answers come in eight pieces, with a pause before each.
    pub fn slow_bodies(&self, n: u64, pause: Duration) {
        self.0.faults().slow_body = (n, pause);
    }

    /// Every `n`th read goes wrong, by turns: 429, 500, half a body, no answer (0: none does).
    pub fn fault_every(&self, n: u64) {
        self.0.faults().every = n;
    }

    /// Takes a project from the bot's sight, or gives it back.
    pub fn hide_project(&self, key: &str, hidden: bool) {
        toggle(&mut self.0.world().switches.hidden, key, hidden);
    }

    /// Forbids the bot to change a project (`DEMO`) or one issue (`DEMO-1`), or allows it again.
    pub fn forbid_edit(&self, key: &str, forbidden: bool) {
        toggle(&mut self.0.world().switches.read_only, key, forbidden);
    }

    /// Whether the bot is an administrator (at first it is): needed for `notifyUsers=false`.
    pub fn set_admin(&self, admin: bool) {
        self.0.world().switches.admin = admin;
    }

    /// Whether Data Center copies a deleted, unrestricted comment into the history (at first it does).
    pub fn set_deleted_comment_in_history(&self, copied: bool) {
        self.0.world().switches.deleted_comment_in_history = copied;
    }

    /// How long Cloud's search does not find a new issue. Issues that exist keep what they have.
    pub fn set_search_lag(&self, lag: Duration) {
        self.0.world().switches.search_lag = chrono::Duration::from_std(lag).unwrap_or(chrono::Duration::MAX);
    }

    /// Registers a webhook (or takes it away): with one, every change also records a [`NotificationKind::Webhook`],
    /// even with `notifyUsers=false`, as at Jira. There is none at first.
    pub fn set_webhook_listener(&self, listening: bool) {
        self.0.world().switches.webhook_listener = listening;
    }

    /// Gives the sandbox another clock.
    pub fn set_clock(&self, clock: Clock) {
        self.0.world().clock = clock;
    }

    /// Makes an empty project.
    pub fn add_project(&self, key: &str, name: &str) {
        let mut world = self.0.world();
        let (id, lead) = (world.take_id(), world.bot);
        world.projects.push(Project {
            id,
            key: key.to_owned(),
            name: name.to_owned(),
            lead,
            components: Vec::new(),
            versions: Vec::new(),
            next_number: 1,
        });
    }

    /// Adds a user and gives the account id or key.
    pub fn add_user(&self, user: NewUser) -> String {
        let mut world = self.0.world();
        let id = if user.id.is_empty() { world.new_user_id() } else { user.id };
        world.users.push(User {
            id: id.clone(),
            name: user.name,
            display_name: user.display_name,
            email: (!user.email.is_empty()).then_some(user.email),
            email_hidden: user.email_hidden,
            active: true,
            deleted: false,
            time_zone: "Europe/Berlin".to_owned(),
        });
        id
    }

    fn with_user<T>(&self, reference: &str, act: impl FnOnce(&mut User, bool) -> T) -> Result<T, SandboxError> {
        let mut world = self.0.world();
        let cloud = world.is_cloud();
        let ix = user_ix(&world, reference)?;
        Ok(act(&mut world.users[ix], cloud))
    }

    /// Deactivates an account, given by account id, key or login name.
    ///
    /// # Errors
    /// Where there is no such user.
    pub fn deactivate_user(&self, reference: &str) -> Result<(), SandboxError> {
        self.with_user(reference, |u, _| u.active = false)
    }

    /// Opens a deactivated account again.
    ///
    /// # Errors
    /// Where there is no such user.
    pub fn activate_user(&self, reference: &str) -> Result<(), SandboxError> {
        self.with_user(reference, |u, _| u.active = true)
    }

    /// Deletes an account: look-ups answer 404. References keep a Cloud account's id with the display name "Former
    /// user", and a Data Center account's key and name.
    ///
    /// # Errors
    /// Where there is no such user.
    pub fn delete_user(&self, reference: &str) -> Result<(), SandboxError> {
        self.with_user(reference, |u, cloud| {
            u.active = false;
            u.deleted = true;
            u.email = None;
            u.display_name = if cloud { "Former user".to_owned() } else { u.name.clone() };
        })
    }

    /// Renames an account: the login name on Data Center (the key stays), the display name on Cloud.
    ///
    /// # Errors
    /// Where there is no such user.
    pub fn rename_user(&self, reference: &str, name: &str) -> Result<(), SandboxError> {
        self.with_user(reference, |u, cloud| {
            if cloud {
                u.display_name = name.to_owned();
            } else {
                u.name = name.to_owned();
            }
        })
    }

    /// The accounts, the bot first.
    #[must_use]
    pub fn people(&self) -> Vec<Person> {
        let world = self.0.world();
        world
            .users
            .iter()
            .map(|u| Person {
                id: u.id.clone(),
                name: u.name.clone(),
                display_name: u.display_name.clone(),
                email: u.email.clone(),
                active: u.active && !u.deleted,
            })
            .collect()
    }

    /// Somebody else edits a text field of an issue (`summary`, `description`, `environment`, a text custom field), its
    /// `labels` (separated by spaces), or adds a `comment`.
    ///
    /// # Errors
    /// What Jira would say.
    pub fn edit_issue_behind(&self, key: &str, field: &str, text: &str) -> Result<(), SandboxError> {
        let mut world = self.0.world();
        let other = (0..world.users.len()).find(|&u| u != world.bot && world.users[u].active).unwrap_or(world.bot);
        world
            .acting_as(other, |world| {
                let id = world.find_issue(key)?;
                let (fields, update) = behind(world, field, text);
                routes::apply_edit(world, id, &fields, &update)
            })
            .map_err(|failure| {
                let mut said = failure.messages;
                said.extend(failure.errors.into_iter().map(|(field, message)| format!("{field}: {message}")));
                SandboxError::Refused(said.join("; "))
            })
    }

    /// The whole world, with every text and every person's names in it: for byte searches and comparisons. It holds no
    /// addresses, so that two sandboxes with one seed give the same.
    ///
    /// `{"users": […], "projects": […], "issues": {"DEMO-1": {…}}}`; an issue has its fields and `comments`,
    /// `worklogs`, `attachments` (with `content`), `history`, `watchers`, `voters`, `links`, `remoteLinks`,
    /// `properties`, `custom`. A person in an issue is `{id, name, displayName, email}`.
    #[must_use]
    pub fn dump(&self) -> Value {
        self.0.world().dump()
    }

    /// How many requests came in since the last reset.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.0.log().count
    }

    /// Method and path (no query) of the requests since the last reset; the last 200,000 of them.
    #[must_use]
    pub fn request_log(&self) -> Vec<(String, String)> {
        self.0.log().entries.iter().cloned().collect()
    }

    /// Forgets the requests so far.
    pub fn reset_requests(&self) {
        let mut log = self.0.log();
        log.count = 0;
        log.entries.clear();
    }

    /// The mails (and webhooks, where somebody listens) that changes by REST would have sent. A change with
    /// `notifyUsers=false` sends no mail and so records none.
    #[must_use]
    pub fn notifications(&self) -> Vec<Notification> {
        self.0.world().notifications.clone()
    }

    /// Forgets the notifications so far.
    pub fn reset_notifications(&self) {
        self.0.world().notifications.clear();
    }

    /// How many downloads carried credentials on to the address that Cloud redirected them to.
    #[must_use]
    pub fn credentials_sent_on(&self) -> u64 {
        self.0.world().credentials_sent_on
    }
}

fn user_ix(world: &World, reference: &str) -> Result<UserIx, SandboxError> {
    let found = world.find_user_by_id(reference).or_else(|| world.find_user(reference));
    found.ok_or_else(|| SandboxError::Refused("there is no such user".to_owned()))
}

fn toggle(set: &mut std::collections::HashSet<String>, key: &str, on: bool) {
    if on {
        set.insert(key.to_owned());
    } else {
        set.remove(key);
    }
}

/// `fields` and `update` of an edit from behind.
fn behind(world: &World, field: &str, text: &str) -> (Map<String, Value>, Map<String, Value>) {
    let rich = || if world.is_cloud() { rich::adf(world, text) } else { Value::from(text) };
    let (mut fields, mut update) = (Map::new(), Map::new());
    match field {
        "comment" => {
            update.insert("comment".into(), json!([{ "add": { "body": rich() } }]));
        }
        "labels" => {
            fields.insert("labels".into(), text.split_whitespace().collect::<Vec<_>>().into());
        }
        "description" | "environment" => {
            fields.insert(field.to_owned(), rich());
        }
        _ => {
            fields.insert(field.to_owned(), text.into());
        }
    }
    (fields, update)
}

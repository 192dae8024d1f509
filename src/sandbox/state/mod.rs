//! The whole world of one sandbox and the rules that every route shares: who sees what, how history is written, what
//! mails an edit would send.
//!
//! Owns all mutable data. Must not touch HTTP; routes change it only through it and [`super::edit`].

pub(super) mod catalog;
mod dump;
mod extras;
mod model;
mod switches;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use chrono::{DateTime, Duration, Utc};
pub(super) use extras::*;
pub(super) use model::*;
pub(super) use switches::{AnonymizationTask, Redaction, RedactionJob, Switches, TaskStatus, Unkind};
pub use switches::{RedactionHistory, RedactionPlan, Workflow};

use super::{control::Notification, control::NotificationKind, http::Failure, jql::Found};
use crate::model::Flavor;

/// Where the sandbox reads the time.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// What the request at hand is: set before each route runs.
#[derive(Debug, Clone)]
pub(super) struct Context {
    pub(super) now: DateTime<Utc>,
    pub(super) actor: UserIx,
    /// `2` or `3`, for `self` addresses.
    pub(super) version: &'static str,
    /// Whether mails are sent for this request.
    pub(super) notify: bool,
}

/// One in-memory Jira.
pub(super) struct World {
    pub(super) flavor: Flavor,
    pub(super) base: String,
    pub(super) users: Vec<User>,
    pub(super) projects: Vec<Project>,
    pub(super) issues: BTreeMap<u64, Issue>,
    pub(super) keys: HashMap<String, u64>,
    pub(super) attachment_issue: HashMap<u64, u64>,
    pub(super) links: BTreeMap<u64, Link>,
    /// Link ids by issue, so that reading an issue does not walk all links.
    pub(super) issue_links: HashMap<u64, Vec<u64>>,
    /// Subtasks by parent.
    pub(super) children: HashMap<u64, Vec<u64>>,
    pub(super) next_id: u64,
    /// Counts changes, so that a fault can tell a write that happened from a read.
    pub(super) revision: u64,
    pub(super) bot: UserIx,
    pub(super) token: String,
    pub(super) clock: Clock,
    pub(super) switches: Switches,
    pub(super) unkind: Unkind,
    /// Roles, leads, releases, other properties, the audit log.
    pub(super) extras: Extras,
    pub(super) ctx: Context,
    pub(super) notifications: Vec<Notification>,
    /// Downloads that carried an `Authorization` header on to the redirected address.
    pub(super) credentials_sent_on: u64,
    /// Results of searches since the last change.
    pub(super) found: Found,
}

impl World {
    /// The next id of anything; one sequence, so that ids of different kinds never meet.
    pub(super) const fn take_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// An account id or user key that nobody has: the seeded people's keys are of the same sequence.
    pub(super) fn new_user_id(&mut self) -> String {
        loop {
            let number = self.take_id();
            let id = if self.is_cloud() { format!("712020:sandbox-{number}") } else { format!("JIRAUSER{number}") };
            if self.find_user_by_id(&id).is_none() {
                return id;
            }
        }
    }

    pub(super) const fn is_cloud(&self) -> bool {
        matches!(self.flavor, Flavor::Cloud)
    }

    /// Whether rich text of this request is ADF (Cloud's version 3) and not wiki markup.
    pub(super) fn speaks_adf(&self) -> bool {
        self.is_cloud() && self.ctx.version == "3"
    }

    /// Starts the REST address of this request's API version.
    pub(super) fn rest(&self, path: &str) -> String {
        format!("{}/rest/api/{}/{path}", self.base, self.ctx.version)
    }

    pub(super) fn user(&self, ix: UserIx) -> &User {
        &self.users[ix]
    }

    /// A user by what references carry: account id (Cloud), or user name, then key (Data Center).
    pub(super) fn find_user(&self, reference: &str) -> Option<UserIx> {
        if self.is_cloud() {
            self.users.iter().position(|u| u.id == reference)
        } else {
            self.find_user_by_name(reference).or_else(|| self.find_user_by_id(reference))
        }
    }

    /// A Data Center user by login name, in any case.
    pub(super) fn find_user_by_name(&self, name: &str) -> Option<UserIx> {
        let wanted = name.to_lowercase();
        self.users.iter().position(|u| !u.deleted && u.name.to_lowercase() == wanted)
    }

    /// A user by account id or key.
    pub(super) fn find_user_by_id(&self, id: &str) -> Option<UserIx> {
        self.users.iter().position(|u| u.id == id)
    }

    pub(super) fn is_hidden(&self, project: ProjectIx) -> bool {
        self.switches.hidden.contains(&self.projects[project].key)
    }

    /// A project by key or id that the actor may see.
    pub(super) fn find_project(&self, reference: &str) -> Result<ProjectIx, Failure> {
        self.projects
            .iter()
            .position(|p| p.key == reference || p.id.to_string() == reference)
            .filter(|&ix| !self.is_hidden(ix))
            .ok_or_else(|| {
                let what = if reference.bytes().all(|b| b.is_ascii_digit()) { "id" } else { "key" };
                Failure::new(404, format!("No project could be found with {what} '{reference}'."))
            })
    }

    pub(super) fn issue_missing(&self) -> Failure {
        let message = if self.is_cloud() {
            "Issue does not exist or you do not have permission to see it."
        } else {
            "Issue Does Not Exist"
        };
        Failure::new(404, message)
    }

    /// The id of a visible issue, by key (any case) or id.
    pub(super) fn find_issue(&self, reference: &str) -> Result<u64, Failure> {
        let id = if reference.bytes().all(|b| b.is_ascii_digit()) {
            reference.parse().ok()
        } else {
            self.keys.get(&reference.to_uppercase()).copied()
        };
        id.and_then(|id| self.issues.get(&id))
            .filter(|i| self.sees(i))
            .map(|i| i.id)
            .ok_or_else(|| self.issue_missing())
    }

    /// The issue of an id that [`Self::find_issue`] gave.
    pub(super) fn issue(&self, id: u64) -> Result<&Issue, Failure> {
        self.issues.get(&id).ok_or_else(|| self.issue_missing())
    }

    pub(super) fn issue_mut(&mut self, id: u64) -> Result<&mut Issue, Failure> {
        let missing = self.issue_missing();
        self.issues.get_mut(&id).ok_or(missing)
    }

    pub(super) fn may_edit(&self, issue: &Issue) -> bool {
        !self.unkind.archived.contains(&issue.id)
            && !self.switches.read_only.contains(&issue.key)
            && !self.switches.read_only.contains(&self.projects[issue.project].key)
    }

    /// The id of a visible issue that the actor may change; `message` is what Jira says otherwise.
    pub(super) fn find_editable(&self, reference: &str, message: &str) -> Result<u64, Failure> {
        let id = self.find_issue(reference)?;
        if self.may_edit(self.issue(id)?) { Ok(id) } else { Err(Failure::forbidden(message)) }
    }

    /// Marks an issue as changed now, writes the history entry where something changed, and records the mails.
    pub(super) fn changed(&mut self, issue: u64, event: &str, items: Vec<Change>) {
        let (now, actor) = (self.ctx.now, self.ctx.actor);
        let history_id = self.take_id();
        let Some(i) = self.issues.get_mut(&issue) else { return };
        if self.flavor == Flavor::Cloud && self.switches.index_lag > Duration::zero() {
            // What the index knows now it knows until the lag is over; an edit in between does not bring it forward.
            let known =
                self.unkind.stale.get(&issue).filter(|(_, until)| now < *until).map_or(i.updated, |(old, _)| *old);
            self.unkind.stale.insert(issue, (known, now + self.switches.index_lag));
        }
        // Two edits within one millisecond still move `updated`, so that "it moved" is a fact that tests can use.
        i.updated = now.max(i.updated + Duration::milliseconds(1));
        if !items.is_empty() {
            i.history.push(History { id: history_id, author: actor, created: now, items });
        }
        self.revision += 1;
        self.announce(issue, event);
    }

    /// Something was written that does not count as an update of the issue (watchers, votes, properties).
    pub(super) const fn touched(&mut self) {
        self.revision += 1;
    }

    /// Records the mails (and webhooks, where somebody listens) of an event.
    pub(super) fn announce(&mut self, issue: u64, event: &str) {
        let Some(i) = self.issues.get(&issue) else { return };
        let mut to: Vec<UserIx> = i.watchers.iter().copied().chain(i.assignee).chain(i.reporter).collect();
        to.sort_unstable();
        to.dedup();
        to.retain(|&u| u != self.ctx.actor && self.users[u].active && !self.users[u].deleted);
        let recipients: Vec<String> = to.iter().map(|&u| self.users[u].id.clone()).collect();
        let key = i.key.clone();
        if self.ctx.notify && !recipients.is_empty() {
            self.notifications.push(Notification {
                kind: NotificationKind::Mail,
                event: event.to_owned(),
                issue: key.clone(),
                recipients,
            });
        }
        if self.switches.webhook_listener {
            self.notifications.push(Notification {
                kind: NotificationKind::Webhook,
                event: event.to_owned(),
                issue: key,
                recipients: Vec::new(),
            });
        }
    }

    /// Runs `act` as somebody else at the clock's time, for edits from behind.
    pub(super) fn acting_as<T>(&mut self, actor: UserIx, act: impl FnOnce(&mut Self) -> T) -> T {
        let version = if self.is_cloud() { "3" } else { "2" };
        self.ctx = Context { now: (self.clock)(), actor, version, notify: true };
        act(self)
    }

    /// Takes an issue out, with its links; its key is never used again.
    pub(super) fn remove_issue(&mut self, id: u64) {
        self.announce(id, "issue_deleted");
        if let Some(issue) = self.issues.remove(&id) {
            self.keys.remove(&issue.key);
            for a in &issue.attachments {
                self.attachment_issue.remove(&a.id);
            }
        }
        for link in self.issue_links.remove(&id).unwrap_or_default() {
            self.unlink(link);
        }
        for children in self.children.values_mut() {
            children.retain(|c| *c != id);
        }
        self.revision += 1;
    }

    /// Puts a new issue in.
    pub(super) fn insert_issue(&mut self, issue: Issue) {
        self.keys.insert(issue.key.clone(), issue.id);
        if let Some(parent) = issue.parent {
            self.children.entry(parent).or_default().push(issue.id);
        }
        for a in &issue.attachments {
            self.attachment_issue.insert(a.id, issue.id);
        }
        self.issues.insert(issue.id, issue);
        self.revision += 1;
    }

    /// Puts a new link in.
    pub(super) fn insert_link(&mut self, link: Link) {
        for issue in [link.inward, link.outward] {
            self.issue_links.entry(issue).or_default().push(link.id);
        }
        self.links.insert(link.id, link);
    }

    /// Takes a link out.
    pub(super) fn unlink(&mut self, link: u64) -> Option<Link> {
        let gone = self.links.remove(&link)?;
        for issue in [gone.inward, gone.outward] {
            if let Some(list) = self.issue_links.get_mut(&issue) {
                list.retain(|l| *l != link);
            }
        }
        Some(gone)
    }

    /// The links of an issue whose two ends the actor sees.
    pub(super) fn links_of(&self, issue: u64) -> impl Iterator<Item = &Link> {
        let seen = |id: u64| self.issues.get(&id).is_some_and(|i| self.sees(i));
        self.all_links_of(issue).filter(move |l| seen(l.inward) && seen(l.outward))
    }

    /// The links of an issue, seen or not.
    pub(super) fn all_links_of(&self, issue: u64) -> impl Iterator<Item = &Link> {
        self.issue_links.get(&issue).into_iter().flatten().filter_map(|l| self.links.get(l))
    }

    /// Subtasks of an issue.
    pub(super) fn subtasks(&self, id: u64) -> &[u64] {
        self.children.get(&id).map_or(&[], Vec::as_slice)
    }
}

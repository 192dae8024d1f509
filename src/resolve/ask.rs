//! What an instance is asked: users by search, by name, by key, by account id, the list of all users, and the issues in which the
//! person stands.
//!
//! Owns which calls are made and what is said about those that failed. An instance that fails does not stop the others.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    Asked, Evidence, Seen, Term, Terms, form,
    persons::{self, At},
};
use crate::{
    config::Config,
    jira::{Client, ErrorKind, JiraError, User, UserQuery, parse_time},
    model::{Flavor, IdentifierKind as K, InstanceName},
    scan::collect::reason,
    store::{PairKind, Store},
};

/// How many issues of one query are read: they show former names, they are no inventory (the scan is).
const ISSUES: usize = 50;

/// How many copies of issues are read, over all synchronizations.
const COPIES: usize = 50;

/// One instance, and what was asked there so far.
pub(super) struct Instance<'a> {
    pub(super) name: &'a InstanceName,
    client: Result<&'a Client, String>,
    cloud: bool,
    projects: BTreeMap<String, String>,
    done: BTreeSet<(K, String)>,
    queries: BTreeSet<String>,
    /// Issues that were read, by key.
    documents: BTreeMap<String, Value>,
    /// All users, once they were asked for; `None` in it where the instance does not give them.
    all: Option<Option<Vec<User>>>,
    /// Whether its look-ups by name can be believed, once that was asked.
    honest: Option<bool>,
    notes: Vec<String>,
    complete: bool,
}

impl<'a> Instance<'a> {
    pub(super) fn new(name: &'a InstanceName, client: Option<&'a Result<Client, String>>, config: &'a Config) -> Self {
        let client = match client {
            Some(Ok(client)) => Ok(client),
            Some(Err(why)) => Err(why.clone()),
            None => Err("there is no client for this instance".to_owned()),
        };
        let mut projects = BTreeMap::new();
        for sync in config.syncs.values() {
            for (area, side) in [("source", &sync.source), ("target", &sync.target)] {
                if side.instance == *name {
                    projects.insert(side.project.to_string(), format!("{area}:{name}/{}", side.project));
                }
            }
        }
        let cloud = config.instance(name).is_some_and(|i| i.flavor == Flavor::Cloud);
        Self {
            name,
            client,
            cloud,
            projects,
            done: BTreeSet::new(),
            queries: BTreeSet::new(),
            documents: BTreeMap::new(),
            all: None,
            honest: None,
            notes: Vec::new(),
            complete: true,
        }
    }

    pub(super) fn asked(self) -> Asked {
        Asked { place: self.name.to_string(), complete: self.complete, notes: self.notes }
    }

    fn gap(&mut self, note: String) {
        self.complete = false;
        self.note(note);
    }

    fn note(&mut self, note: String) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    fn failed(&mut self, what: &str, error: &JiraError) {
        self.gap(format!("{what}: {}", reason(error)));
    }

    /// Asks what was not asked here before.
    pub(super) async fn ask(&mut self, terms: &Terms, evidence: &mut Evidence) {
        let client = match &self.client {
            Ok(client) => (*client).clone(),
            Err(why) => {
                let why = why.clone();
                return self.gap(why);
            }
        };
        let new: Vec<Term> = terms.all.iter().filter(|t| !self.done.contains(&(t.kind, t.form()))).cloned().collect();
        if new.is_empty() {
            return;
        }
        for term in &new {
            if !self.people(&client, term, terms, evidence).await {
                // Down, or it does not know us: every further call would say the same.
                return;
            }
            self.done.insert((term.kind, term.form()));
        }
        self.issues(&client, terms, evidence).await;
    }

    /// What the issues that were read say of whom `terms` concern.
    pub(super) fn gather(&self, terms: &Terms, evidence: &mut Evidence) {
        for (key, issue) in &self.documents {
            self.issue(key, issue, terms, evidence);
        }
    }

    /// Users. False where the instance cannot be asked at all.
    async fn people(&mut self, client: &Client, term: &Term, terms: &Terms, evidence: &mut Evidence) -> bool {
        let value = term.value.as_str();
        let mut found = Vec::new();
        if matches!(term.kind, K::Email | K::FullName) || (term.kind == K::Username && !self.cloud) {
            match client.find_users(value).await {
                Ok(search) => {
                    if search.cut_off && self.everybody(client).await.is_none() {
                        self.gap("the user search stops at 1,000 users, and there were more".into());
                    }
                    if search.users.is_empty() {
                        self.is_search_alive(client).await;
                    }
                    found.extend(search.users.into_iter().map(|u| (u, "user search")));
                }
                Err(e) if is_fatal(e.kind()) => {
                    self.failed("user search", &e);
                    return false;
                }
                // A search text that the server does not take finds nobody.
                Err(e) if e.kind() == ErrorKind::Rejected => {}
                Err(e) => self.failed("user search", &e),
            }
        }
        let single = match term.kind {
            K::AccountId if self.cloud => {
                Some((client.user(&UserQuery::AccountId(value.to_owned())).await, "user by account id"))
            }
            K::UserKey if !self.cloud => Some((client.user_even_deleted(value).await, "user by key")),
            K::Username if !self.cloud => {
                Some((client.user(&UserQuery::Username(value.to_owned())).await, "user by name"))
            }
            _ => None,
        };
        match single {
            Some((Ok(Some(user)), how)) => {
                if self.is_honest(client).await {
                    found.push((user, how));
                } else {
                    self.gap(
                        "it answers a look-up of any user name with a user, so its look-ups by name prove nothing and were left \
                         out"
                            .into(),
                    );
                }
            }
            Some((Ok(None), _)) | None => {}
            Some((Err(e), how)) if is_fatal(e.kind()) => {
                self.failed(how, &e);
                return false;
            }
            Some((Err(e), _)) if matches!(e.kind(), ErrorKind::Rejected | ErrorKind::NotSupported) => {}
            Some((Err(e), how)) => self.failed(how, &e),
        }
        // Cloud's search knows active users alone; Data Center's list is only asked where its search was cut off.
        if self.cloud || self.all.is_some() {
            let all = self.everybody(client).await.unwrap_or_default();
            let of = |u: &User| {
                persons::from_user(u)
                    .ids()
                    .any(|(kind, v)| super::handle(kind) == super::handle(term.kind) && form(kind, v) == term.form())
            };
            found.extend(all.into_iter().filter(of).map(|u| (u, "list of all users")));
        }
        for (user, how) in found {
            let mut person = persons::from_user(&user);
            // A search by the beginning of words finds others too.
            if terms.concern(&person) && person.account_id.as_deref() != Some("unknown") {
                person.instance = Some(self.name.clone());
                person.current = !person.deleted;
                let seen = Seen { place: format!("{}: {how}", self.name), record: String::new(), at: None };
                evidence.people.push((person, seen));
            }
        }
        true
    }

    /// Every user, read once; `None` where the instance does not give them.
    async fn everybody(&mut self, client: &Client) -> Option<Vec<User>> {
        if self.all.is_none() {
            let all = match client.all_users().await {
                Ok(users) => Some(users),
                Err(e) => {
                    let what = if self.cloud {
                        "deactivated and deleted users are not known"
                    } else {
                        "the list of all users"
                    };
                    self.failed(what, &e);
                    None
                }
            };
            self.all = Some(all);
        }
        self.all.clone().flatten()
    }

    /// A search that does not even find the account that asks is none: it lacks the permission to browse users, or the server
    /// has no such search.
    async fn is_search_alive(&mut self, client: &Client) {
        if self.queries.contains("alive") {
            return;
        }
        self.queries.insert("alive".into());
        let Ok(me) = client.myself().await else { return };
        let Some(text) = me.display_name.as_ref().or(me.name.as_ref()) else { return };
        if client.find_users(text).await.is_ok_and(|found| found.users.is_empty()) {
            self.gap(
                "the user search finds nobody, not even the account that asks: it lacks \"Browse users and groups\", or the server \
                 has no such search; only exact user names, keys and account ids were looked up"
                    .into(),
            );
        }
    }

    /// Whether a look-up of a user whom nobody knows finds nobody.
    async fn is_honest(&mut self, client: &Client) -> bool {
        if self.honest.is_none() {
            self.honest = Some(!client.makes_up_users().await);
        }
        self.honest == Some(true)
    }

    /// Issues in which the person stands, by user fields and by text.
    async fn issues(&mut self, client: &Client, terms: &Terms, evidence: &Evidence) {
        let quoted = |s: &str| format!("\"{}\"", s.replace('\\', "\\\\").replace('"', "\\\""));
        let mut handles: BTreeSet<String> = BTreeSet::new();
        let mut queries = BTreeSet::new();
        for (person, _) in &evidence.people {
            if person.instance.as_ref() == Some(self.name) && terms.concern(person) {
                // A deleted user is known to JQL by the key alone, if at all.
                let by = if self.cloud { &person.account_id } else { &person.name };
                handles.extend(by.clone().or_else(|| person.key.clone()));
            }
        }
        // Of a deleted user nothing may be known but what was asked for.
        let kinds: &[K] = if self.cloud { &[K::AccountId] } else { &[K::Username, K::UserKey] };
        handles.extend(kinds.iter().flat_map(|kind| terms.of(*kind)).map(|t| t.value.clone()));
        for handle in handles {
            let handle = quoted(&handle);
            queries.insert(format!("assignee = {handle} OR reporter = {handle} OR creator = {handle}"));
        }
        for term in terms.of(K::Email).chain(terms.of(K::FullName).filter(|t| t.value.contains(' '))) {
            // A phrase: the quotation marks are part of the text that is searched for.
            queries.insert(format!("text ~ {}", quoted(&quoted(&term.value))));
        }
        for query in queries {
            if !self.queries.insert(query.clone()) {
                continue;
            }
            let mut search = client
                .search(&format!("({query}) ORDER BY updated DESC"), &["*all"])
                .page_size(ISSUES)
                .expand(&["changelog"]);
            match search.next_page().await {
                Ok(issues) => {
                    let issues = issues.unwrap_or_default();
                    if issues.len() >= ISSUES || search.total().is_some_and(|t| t > issues.len() as u64) {
                        self.note(format!(
                            "of the issues of one query the {ISSUES} changed last were read; the scan reads all"
                        ));
                    }
                    for issue in issues {
                        let key = issue.key().to_owned();
                        self.documents.entry(key).or_insert_with(|| issue.into_value());
                    }
                }
                // JQL refuses a user whom it does not know.
                Err(e) if e.kind() == ErrorKind::Rejected => {}
                Err(e) => self.failed("search for issues", &e),
            }
        }
    }

    fn issue(&self, key: &str, issue: &Value, terms: &Terms, evidence: &mut Evidence) {
        let place = key.rsplit_once('-').and_then(|(project, _)| {
            self.projects.get(project).cloned().or_else(|| Some(format!("{}/{project}", self.name)))
        });
        let place = place.unwrap_or_else(|| self.name.to_string());
        let fields = issue.get("fields");
        let updated = fields.and_then(|f| f.get("updated")).and_then(Value::as_str).and_then(parse_time);
        let at = |record: String, of: &Value, current: bool| {
            let own = ["updated", "created"].iter().find_map(|n| parse_time(of.get(*n)?.as_str()?));
            At {
                instance: Some(self.name),
                seen: Seen { place: place.clone(), record, at: own.or(updated).map(|t| t.to_utc()) },
                current,
                cloud: self.cloud,
            }
        };
        for (name, value) in fields.and_then(Value::as_object).into_iter().flatten() {
            let part = match name.as_str() {
                "comment" => Some(("comments", "comment")),
                "worklog" => Some(("worklogs", "worklog")),
                _ => None,
            };
            let list = part.and_then(|(list, kind)| Some((value.get(list)?.as_array()?, kind)));
            match list {
                Some((items, kind)) => {
                    for item in items {
                        persons::walk(item, &at(format!("{kind} in {key}"), item, true), terms, evidence);
                    }
                }
                None => persons::walk(value, &at(format!("issue {key}, {name}"), &Value::Null, true), terms, evidence),
            }
        }
        let histories = issue.get("changelog").and_then(|c| c.get("histories")).and_then(Value::as_array);
        for entry in histories.into_iter().flatten() {
            persons::walk(entry, &at(format!("history of {key}"), entry, true), terms, evidence);
        }
    }
}

/// What ends the questions to an instance.
fn is_fatal(kind: ErrorKind) -> bool {
    use ErrorKind as E;
    matches!(
        kind,
        E::Unauthorized | E::RateLimited | E::Server | E::Network | E::Tls | E::Timeout | E::BadAnswer | E::Config
    )
}

/// Reads the copies of the issues that were met, and what they are copies of.
pub(super) async fn copies(instances: &mut [Instance<'_>], config: &Config, store: &Store) {
    let read: BTreeSet<(InstanceName, String)> =
        instances.iter().flat_map(|i| i.documents.keys().map(|key| (i.name.clone(), key.clone()))).collect();
    let mut wanted: BTreeSet<(InstanceName, String)> = BTreeSet::new();
    for sync in config.syncs.values() {
        let Ok(pairs) = store.pairs(&sync.name) else { continue };
        for pair in pairs.into_iter().filter(|p| p.kind == PairKind::Issue) {
            let side = |instance: &InstanceName, key: &Option<String>| Some((instance.clone(), key.clone()?));
            let (from, to) =
                (side(&sync.source.instance, &pair.source_key), side(&sync.target.instance, &pair.target_key));
            let met = |one: &Option<(InstanceName, String)>| one.as_ref().is_some_and(|o| read.contains(o));
            if met(&from) != met(&to) {
                wanted.extend(if met(&from) { to } else { from });
            }
        }
    }
    for (name, key) in wanted.into_iter().take(COPIES) {
        let Some(instance) = instances.iter_mut().find(|i| *i.name == name) else { continue };
        let Ok(client) = &instance.client else { continue };
        match client.issue(&key, &["*all"], false, &[]).await {
            Ok(Some(issue)) => {
                instance.documents.insert(key, issue.into_value());
            }
            Ok(None) => {}
            Err(e) => {
                let why = reason(&e);
                instance.gap(format!("copies of issues: {why}"));
            }
        }
    }
}

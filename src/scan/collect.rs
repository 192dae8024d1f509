//! Fetching every record of a Jira project, without judging it: the one road by which a scan and, later, a verification
//! read a remote place. Owns which calls are made and what is counted as unread; knows no matcher and no policy.
//!
//! The search hands out issues, each is read by a task of its own (`issue`), and all requests share one `Pool`. Records
//! go to the sink as they come, so that no list of the whole project is ever held.
//!
//! No bulk call gives an issue's properties whole (Cloud's `bulkfetch` and `search/jql` take five named keys; Data Center's
//! search none), so each issue needs a call of its own; that call brings fields, history and properties together, and bulk
//! calls would only come on top of it.

mod issue;
mod numbers;
mod pool;
mod settings;
#[cfg(test)]
mod tests;
mod totals;

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};

use serde_json::Value;
use tokio::{sync::mpsc, task::JoinSet};

pub use self::totals::{Collected, Facts};
use self::{
    issue::{Job, Origin, Outcome},
    numbers::Numbers,
    pool::Pool,
    settings::Settings,
    totals::{Asked, Totals},
};
use crate::{
    config::Config,
    jira::{Client, ErrorKind, Issue, JiraError, Search, UserQuery},
    model::{Area, Flavor, InstanceName, Place, ProjectKey, RecordRef},
    store::{PairKind, Store, StoreError},
};

/// Requests to one instance that are under way at the same time, all parts of all issues together.
pub const CONCURRENCY: usize = 16;

/// Issues that are being read at the same time: enough that a slow part of one leaves no connection idle.
const ISSUES_AT_ONCE: usize = 2 * CONCURRENCY;

/// Issues a page of the search. Cloud gives fewer where fields are asked for.
const PAGE: usize = 1000;

/// Records that wait for the sink.
const WAITING: usize = 64;

/// Attachments above this size are not read into memory; they are named as unread.
pub const ATTACHMENT_LIMIT: usize = 64 * 1024 * 1024;

/// One remote project.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RemotePlace {
    /// `source` or `target`.
    pub area: Area,
    /// The instance.
    pub instance: InstanceName,
    /// The project.
    pub project: ProjectKey,
}

impl RemotePlace {
    /// The place as it is written in reports, such as `target:partner/PART`.
    #[must_use]
    pub fn place(&self) -> Place {
        Place::new(self.area, format!("{}/{}", self.instance, self.project))
    }

    /// The place of a record: settings of the project have one of their own beside the issues.
    #[must_use]
    pub fn place_of(&self, record: &RecordRef) -> Place {
        if record.key.is_none() { self.part(SETTINGS) } else { self.place() }
    }

    fn part(&self, what: &str) -> Place {
        Place::new(self.area, format!("{}/{}/{what}", self.instance, self.project))
    }
}

/// What stands in an instance beside its projects: filters, dashboards, the person's accounts, the audit log.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct InstancePlace {
    /// `source` or `target`: `source` where it is both.
    pub area: Area,
    /// The instance.
    pub instance: InstanceName,
}

impl InstancePlace {
    /// The place as it is written in reports, such as `target:partner/settings`.
    #[must_use]
    pub fn place(&self) -> Place {
        Place::new(self.area, format!("{}/{SETTINGS}", self.instance))
    }
}

/// The last part of the place of settings; no project's key is written small.
const SETTINGS: &str = "settings";

/// A record as it was fetched.
#[derive(Debug, Clone)]
pub struct RemoteRecord {
    /// Which.
    pub record: RecordRef,
    /// Its own JSON; for an attachment the metadata.
    pub json: Value,
    /// An attachment's content.
    pub content: Option<Vec<u8>>,
}

/// An issue as the search lists it, before it is read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listed {
    /// Its id.
    pub id: String,
    /// Its key.
    pub key: String,
    /// Jira's `updated`, as written there; `None` where it is not known.
    pub updated: Option<String>,
}

/// How an issue is known from an earlier reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Known {
    /// Not in this state.
    #[default]
    No,
    /// It was read whole in this state, and nobody was there.
    Before,
    /// The same, by a scan that was cut off a short while ago and that this one goes on with.
    JustNow,
}

/// What earlier readings of the same project remember.
///
/// An issue's one call is always made and all that its answer holds is given to the sink again, since much of it changes without
/// moving `updated`: people are renamed, linked issues get other titles, apps set properties and fields. What else does not move
/// it (watchers, votes, remote links, properties of comments and worklogs) takes calls of its own, which are left out only of an
/// issue that is known [`Known::JustNow`]: a scan that goes on where it was cut off is one long scan. Of one that was read
/// [`Known::Before`], Data Center's properties of comments are left out, a call for each comment, and the matrix says so.
///
/// What stands in an attachment never changes under its id, so it is not read twice.
pub trait Seen: Send + Sync {
    /// How the issue is known by the `updated` that the search lists. That may be stale: [`collect`] compares it with what the
    /// issue itself says.
    fn issue(&self, issue: &Listed) -> Known;

    /// Whether the content of the attachment with this metadata was read, and nobody was in there.
    fn attachment(&self, meta: &Value) -> bool;
}

/// How a project is read.
#[derive(Clone)]
pub struct Reading<'a> {
    /// Ids and keys of issues that we made or carried over. Cloud's search learns of a new issue only after a while (JIRA.md;
    /// Atlassian's page on search and reconcile), so those are read whether the search lists them or not, also where they
    /// were moved to another project. One that is in neither is deleted, or hidden from the account: no gap, since no search
    /// lists it either.
    pub known: &'a [(String, String)],
    /// What was read before.
    pub seen: Option<Arc<dyn Seen>>,
    /// Only the issues that one of these conditions (JQL) finds. Quick, and never complete.
    pub quick: Option<&'a [String]>,
}

impl<'a> Reading<'a> {
    /// All of it.
    #[must_use]
    pub const fn all(known: &'a [(String, String)]) -> Self {
        Self { known, seen: None, quick: None }
    }
}

/// What the sink of [`collect`] is given.
#[derive(Debug)]
pub enum Event {
    /// A record. Those of one issue carry the same number, and come in no particular order; issues are numbered from 1 in
    /// the order of the search, 0 is for what belongs to no issue.
    Record(u64, RemoteRecord),
    /// The issue was read. On Cloud properties of its comments and worklogs may follow: those are read of every issue, whatever
    /// is remembered.
    Done(Done),
}

/// How the reading of one issue ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// Its number.
    pub number: u64,
    /// The issue, with the `updated` of what was read.
    pub issue: Listed,
    /// What was left out because [`Seen`] knew it.
    pub known: Known,
    /// Everything that was to be read was; only such an issue may be remembered.
    pub whole: bool,
}

/// Why a call did not answer, for a coverage line: no message of the server, since it may quote a person.
pub fn reason(error: &JiraError) -> String {
    match error.status {
        Some(status) => format!("{} ({status}); {}", error.kind().as_str(), error.hint),
        None => format!("{}; {}", error.kind().as_str(), error.hint),
    }
}

/// Fetches all records of all issues of a project, and its settings, and hands them to `sink`. What could not be read is in
/// what comes back; an error here is never the end of the scan.
///
/// Issue numbers that the search leaves out are asked for one by one, as far as they are few: an archived issue is found by
/// no search and yet read by its key. Those that stay unseen are counted.
pub async fn collect(
    client: &Client,
    place: &RemotePlace,
    reading: Reading<'_>,
    mut sink: impl FnMut(Event),
    mut progress: impl FnMut(u64),
) -> Collected {
    // A project that the account cannot see answers an empty search, not an error: ask for it first.
    let body = match client.project(&place.project).await {
        Ok(body) => body,
        Err(e) => return Collected::unexamined(place, &reason(&e)),
    };
    let mut totals = Totals::new(reading.quick.is_some(), client.flavor() != Flavor::Cloud);
    let known = if totals.quick { &[] } else { reading.known };
    let mut late: BTreeSet<(String, String)> =
        known.iter().filter(|(_, key)| in_project(key, &place.project)).cloned().collect();
    let pool = Pool::new(CONCURRENCY);
    let (out, mut records) = mpsc::channel(WAITING);
    let mut tasks: JoinSet<Ended> = JoinSet::new();
    let settings = Settings::new(client, &pool, &out);
    let key = place.project.clone();
    tasks.spawn(async move { Ended::Settings(settings.project(key, body).await) });
    // Ordered by key: an issue that is edited meanwhile does not change its place in the list.
    let project = format!("project = \"{}\"", place.project);
    let queries = match reading.quick {
        None => vec![format!("{project} ORDER BY key ASC")],
        Some(conditions) => conditions.iter().map(|c| format!("{project} AND {c} ORDER BY key ASC")).collect(),
    };
    let searches = queries.iter().map(|jql| client.search(jql, &["project", "updated"]).page_size(PAGE)).collect();
    let mut pages = listing(searches, &pool);
    // Several conditions may find the same issue.
    let mut found = BTreeSet::new();
    let (mut queue, mut number, mut listing) = (VecDeque::new(), 0, true);
    loop {
        while tasks.len() < ISSUES_AT_ONCE
            && let Some((issue, origin)) = queue.pop_front()
        {
            number += 1;
            let known = reading.seen.as_ref().map_or(Known::No, |seen| seen.issue(&issue));
            let seen = reading.seen.clone();
            let (client, pool, out, project) = (client.clone(), pool.clone(), out.clone(), place.project.clone());
            let job = Job { client, pool, out, project, number, issue, origin, known, seen };
            tasks.spawn(async move { Ended::Issue(Box::new(job.run().await)) });
        }
        if let Some(ids) = totals.comments_to_ask(tasks.is_empty() && !listing, &mut sink) {
            let (client, pool, out) = (client.clone(), pool.clone(), out.clone());
            tasks.spawn(async move {
                let result = issue::comment_properties(&client, &pool, &out, &ids).await;
                Ended::Comments(ids, result)
            });
        }
        if let Some(ids) = totals.worklogs_to_ask(tasks.is_empty() && !listing) {
            let (client, pool, out) = (client.clone(), pool.clone(), out.clone());
            tasks.spawn(async move { Ended::Worklogs(issue::worklog_properties(&client, &pool, &out, &ids).await) });
        }
        if tasks.is_empty() && !listing {
            break;
        }
        tokio::select! {
            Some(message) = records.recv() => totals.record(message, &mut sink),
            Some(ended) = tasks.join_next() => {
                // What the task sent comes before its end.
                while let Ok(message) = records.try_recv() {
                    totals.record(message, &mut sink);
                }
                match ended {
                    Ok(Ended::Issue(outcome)) => {
                        queue.extend(totals.ended(*outcome, &mut sink, &place.project));
                        progress(totals.issues);
                    }
                    Ok(Ended::Settings(read)) => totals.settings(read),
                    Ok(Ended::Comments(ids, result)) => totals.asked_comments(&ids, result, &mut sink),
                    Ok(Ended::Worklogs(result)) => totals.asked_worklogs(result),
                    Err(_) => totals.broke_off(),
                }
            }
            page = pages.recv(), if listing && queue.len() < ISSUES_AT_ONCE => match page {
                Some(Ok(page)) => {
                    totals.listing(&page);
                    // Some servers ignore what they do not understand: a hit of another project is not ours.
                    for issue in page.issues.iter().filter(|i| belongs(i, &place.project)) {
                        if totals.quick && !found.insert(issue.id().to_owned()) {
                            continue;
                        }
                        late.remove(&(issue.id().to_owned(), issue.key().to_owned()));
                        totals.listed(issue.key());
                        queue.push_back((Listed::of(issue), Origin::Search));
                    }
                }
                // A server may know a user or a field of a condition not: the others are asked all the same.
                Some(Err(e)) if totals.quick && e.kind() == ErrorKind::Rejected => totals.refused += 1,
                Some(Err(e)) if totals.is_empty() => return Collected::unexamined(place, &reason(&e)),
                Some(Err(e)) => totals.cut_off(&reason(&e)),
                None => {
                    listing = false;
                    for (id, key) in std::mem::take(&mut late) {
                        totals.numbers.insert(&key);
                        queue.push_back((Listed { id, key, updated: None }, Origin::Pairs));
                    }
                    if !totals.quick {
                        queue.extend(totals.gaps_to_ask(&place.project));
                    }
                }
            },
        }
    }
    if !totals.quick
        && let Ok(count) = client.approximate_count(&project).await
    {
        totals.counted(count);
    }
    totals.collected(place)
}

/// Fetches what stands in an instance beside its projects, and the profiles of `accounts`, and hands it to `sink`.
pub async fn collect_instance(
    client: &Client,
    place: &InstancePlace,
    accounts: &[UserQuery],
    mut sink: impl FnMut(RemoteRecord),
) -> Collected {
    let mut totals = Totals::default();
    let (out, mut records) = mpsc::channel(WAITING);
    let settings = Settings::new(client, &Pool::new(CONCURRENCY), &out);
    drop(out);
    let reading = settings.instance(accounts);
    let emptying = async {
        while let Some(message) = records.recv().await {
            sink(message.record);
        }
    };
    let (read, ()) = tokio::join!(reading, emptying);
    totals.settings(read);
    totals.collected_instance(place)
}

/// What a task of a collection ends with.
enum Ended {
    Issue(Box<Outcome>),
    Settings(settings::Read),
    Comments(Vec<Asked>, Result<(), JiraError>),
    Worklogs(Result<(), JiraError>),
}

/// A page of the search.
struct Page {
    issues: Vec<Issue>,
    /// How many issues the search counts, where it says so.
    total: Option<u64>,
    /// The search gave as many as it counts.
    complete: bool,
}

/// Runs the search ahead of the reading, a page at a time.
fn listing(searches: Vec<Search>, pool: &Pool) -> mpsc::Receiver<Result<Page, JiraError>> {
    let (out, pages) = mpsc::channel(1);
    let pool = pool.clone();
    tokio::spawn(async move {
        for mut search in searches {
            loop {
                let page = {
                    let _turn = pool.turn().await;
                    search.next_page().await
                };
                let Some(page) = page.transpose() else { break };
                let page = page.map(|issues| Page { issues, total: search.total(), complete: search.complete() });
                let broken = page.is_err();
                // Nobody waits for it any more where the scan has ended.
                if out.send(page).await.is_err() {
                    return;
                }
                if broken {
                    break;
                }
            }
        }
    });
    pages
}

impl Listed {
    /// An issue as a search or a read gives it.
    #[must_use]
    pub fn of(issue: &Issue) -> Self {
        let updated = issue.field("updated").and_then(Value::as_str).map(str::to_owned);
        Self { id: issue.id().to_owned(), key: issue.key().to_owned(), updated }
    }
}

fn belongs(issue: &Issue, project: &ProjectKey) -> bool {
    match issue.fields().and_then(|f| f.get("project")).and_then(|p| p.get("key")).and_then(Value::as_str) {
        Some(key) => key == project.as_str(),
        None => in_project(issue.key(), project),
    }
}

fn in_project(key: &str, project: &ProjectKey) -> bool {
    key.rsplit_once('-').is_some_and(|(p, _)| p == project.as_str())
}

/// Ids and keys of the issues in a project that our syncs carried over or made, for [`collect`].
///
/// # Errors
/// When the store cannot be read.
pub fn known(config: &Config, store: &Store, place: &RemotePlace) -> Result<Vec<(String, String)>, StoreError> {
    let mut out = BTreeSet::new();
    for sync in config.syncs.values() {
        let is =
            |instance: &InstanceName, project: &ProjectKey| (instance, project) == (&place.instance, &place.project);
        let from = is(&sync.source.instance, &sync.source.project);
        let to = is(&sync.target.instance, &sync.target.project);
        if !from && !to {
            continue;
        }
        for pair in store.pairs(&sync.name)?.into_iter().filter(|p| p.kind == PairKind::Issue) {
            let of = |id: &str, key: &Option<String>| key.as_ref().map(|key| (id.to_owned(), key.clone()));
            out.extend(from.then(|| of(&pair.source_issue, &pair.source_key)).flatten());
            out.extend(to.then(|| of(&pair.target_issue, &pair.target_key)).flatten());
        }
    }
    Ok(out.into_iter().collect())
}

fn size(record: &RemoteRecord) -> u64 {
    record.content.as_ref().map_or_else(|| record.json.to_string().len(), Vec::len) as u64
}

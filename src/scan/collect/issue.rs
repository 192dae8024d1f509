//! Reading one issue: one call for fields, history and properties, and one for each part that the body does not hold whole.

use std::sync::Arc;

use futures_util::future::join_all;
use serde_json::{Map, Value, json};
use tokio::sync::mpsc::Sender;

use super::{
    ATTACHMENT_LIMIT, Done, Known, Listed, RemoteRecord, Seen, belongs,
    pool::{Message, Pool},
    reason,
    totals::{Asked, Gaps},
};
use crate::{
    jira::{Client, ErrorKind, Issue, JiraError, User},
    model::{Flavor, ProjectKey, RecordRef, RecordType},
};

/// How we know of an issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// The search lists it: then it has to be there.
    Search,
    /// Our syncs made it or carried it over.
    Pairs,
    /// Its number is missing in the search.
    Gap,
    /// Its number is above all that the search lists.
    Above(u64),
}

/// The reading of one issue.
pub(super) struct Job {
    pub(super) client: Client,
    pub(super) pool: Pool,
    pub(super) out: Sender<Message>,
    pub(super) project: ProjectKey,
    pub(super) number: u64,
    pub(super) issue: Listed,
    pub(super) origin: Origin,
    /// How it is known by what the search lists.
    pub(super) known: Known,
    pub(super) seen: Option<Arc<dyn Seen>>,
}

/// How it ended.
pub(super) struct Outcome {
    pub(super) done: Done,
    pub(super) origin: Origin,
    /// It was there and was read.
    pub(super) found: bool,
    /// It now lies in another project, and was not read.
    pub(super) moved: bool,
    pub(super) gaps: Gaps,
}

/// What one call gave, under the name of the part, and why it gave not all.
type Part = (&'static str, Vec<RemoteRecord>, Option<String>);

impl Job {
    pub(super) async fn run(mut self) -> Outcome {
        let mut gaps = Gaps::default();
        let read = {
            let _turn = self.pool.turn().await;
            self.client.issue(&self.issue.key, &["*all"], true, &["*all"]).await
        };
        let (mut found, mut moved) = (false, false);
        match read {
            // A key leads on to where the issue was moved. What our syncs made is followed there.
            Ok(Some(issue)) if self.origin != Origin::Pairs && !belongs(&issue, &self.project) => {
                moved = true;
                if self.origin == Origin::Search {
                    gaps.add("issues", "they were moved to another project while they were read; scan again".into());
                }
            }
            Ok(Some(issue)) => {
                found = true;
                let Listed { id, key, updated } = std::mem::replace(&mut self.issue, Listed::of(&issue));
                // The search may be behind: only what the issue says of itself counts. Cloud's properties of comments take so
                // few calls that an issue read before is read in full.
                let same = self.issue.updated.is_some() && self.issue.updated == updated && self.issue.id == id;
                if !same || (self.known == Known::Before && self.client.flavor() == Flavor::Cloud) {
                    self.known = Known::No;
                }
                // A server that leaves one out of the body: we know it from the search.
                for (now, before) in [(&mut self.issue.id, id), (&mut self.issue.key, key)] {
                    if now.is_empty() {
                        *now = before;
                    }
                }
                self.parts(issue, &mut gaps).await;
            }
            // Deleted since the search, or hidden, or a server that contradicts itself: not read, so not clean.
            Ok(None) if self.origin == Origin::Search => {
                gaps.add("issues", "the search lists them, but they are not found; scan again".into());
            }
            Ok(None) => {}
            // A number that we only guess at, and that is not for us.
            Err(e)
                if matches!(self.origin, Origin::Gap | Origin::Above(_))
                    && matches!(
                        e.kind(),
                        ErrorKind::Forbidden | ErrorKind::Unauthorized | ErrorKind::Rejected | ErrorKind::NotSupported
                    ) => {}
            Err(e) => gaps.add("issues", reason(&e)),
        }
        let whole = gaps.0.is_empty();
        let done = Done { number: self.number, issue: self.issue, known: self.known, whole };
        Outcome { done, origin: self.origin, found, moved, gaps }
    }

    async fn parts(&self, mut issue: Issue, gaps: &mut Gaps) {
        let whole = self.in_body(&issue);
        let missing = |name: &str| !whole.iter().any(|(n, _)| *n == name);
        let fields = issue.fields();
        let none = |object: &str, name: &str| fields.is_some_and(|f| count(f, object, name) == Some(0));
        let unknown = self.known != Known::JustNow;
        let calls = async {
            tokio::join!(
                when(missing("comments"), self.comments()),
                when(missing("worklogs"), self.worklogs()),
                when(missing("history"), self.history()),
                when(unknown && !none("watches", "watchCount"), self.watchers()),
                when(unknown && !none("votes", "votes"), self.votes()),
                when(unknown, self.remote_links()),
                when(issue.properties().is_none(), self.properties()),
                join_all(list(fields, "attachment").into_iter().map(|meta| self.attachment(meta))),
            )
        };
        let (comments, worklogs, history, watchers, votes, links, properties, files) = calls.await;
        let parts = [comments, worklogs, history, watchers, votes, links, properties];
        for (name, records, error) in parts.into_iter().flatten() {
            self.send_all(records).await;
            if let Some(why) = error {
                gaps.add(name, why);
            }
        }
        for why in files.into_iter().flatten() {
            gaps.add("attachments", why);
        }
        for (_, records) in whole {
            self.send_all(records).await;
        }
        if let Some(properties) = issue.properties() {
            let all = properties.iter().map(|(name, value)| self.property(name, value.clone()));
            self.send_all(all.collect()).await;
        }
        strip(&mut issue);
        let record = RecordRef::of_issue(RecordType::Issue, self.issue.id.as_str(), self.issue.key.as_str());
        self.send(RemoteRecord { record, json: issue.into_value(), content: None }, None).await;
    }

    /// The parts that the issue's body holds whole.
    fn in_body(&self, issue: &Issue) -> Vec<(&'static str, Vec<RemoteRecord>)> {
        let mut out = Vec::new();
        let mut take = |name, kind, items: Option<&Vec<Value>>| {
            if let Some(items) = items {
                out.push((name, items.iter().map(|v| self.record(kind, v.clone())).collect()));
            }
        };
        let fields = issue.fields();
        take("comments", RecordType::Comment, fields.and_then(|f| whole_list(f.get("comment")?, "comments")));
        take("worklogs", RecordType::Worklog, fields.and_then(|f| whole_list(f.get("worklog")?, "worklogs")));
        take("history", RecordType::History, issue.0.get("changelog").and_then(|c| whole_list(c, "histories")));
        out
    }

    async fn comments(&self) -> Part {
        let _turn = self.pool.turn().await;
        self.part("comments", RecordType::Comment, self.client.comments(&self.issue.key).await)
    }

    async fn worklogs(&self) -> Part {
        let _turn = self.pool.turn().await;
        self.part("worklogs", RecordType::Worklog, self.client.worklogs(&self.issue.key).await)
    }

    async fn history(&self) -> Part {
        let _turn = self.pool.turn().await;
        self.part("history", RecordType::History, self.client.changelog(&self.issue.key).await)
    }

    async fn remote_links(&self) -> Part {
        let _turn = self.pool.turn().await;
        self.part("remote-links", RecordType::RemoteLink, self.client.remote_links(&self.issue.key).await)
    }

    async fn watchers(&self) -> Part {
        let _turn = self.pool.turn().await;
        match self.client.watch_list(&self.issue.key).await {
            Ok((users, counted)) => {
                let hidden = hidden(counted, users.len());
                ("watchers", users.into_iter().map(|user| self.watcher(user)).collect(), hidden)
            }
            Err(e) => ("watchers", Vec::new(), Some(reason(&e))),
        }
    }

    fn watcher(&self, user: User) -> RemoteRecord {
        let who = user.account_id.clone().or_else(|| user.key.clone()).or_else(|| user.name.clone());
        let record = RecordRef::of_issue(RecordType::Watcher, who.unwrap_or_default(), self.issue.key.as_str());
        RemoteRecord { record, json: user.raw, content: None }
    }

    async fn votes(&self) -> Part {
        let _turn = self.pool.turn().await;
        match self.client.votes(&self.issue.key).await {
            Ok(votes) => {
                let voters = votes.get("voters").and_then(Value::as_array).cloned().unwrap_or_default();
                let hidden = hidden(votes.get("votes").and_then(Value::as_u64).unwrap_or(0), voters.len());
                ("votes", voters.into_iter().map(|v| self.record(RecordType::Vote, v)).collect(), hidden)
            }
            Err(e) => ("votes", Vec::new(), Some(reason(&e))),
        }
    }

    /// Properties one by one, where the server does not give them with the issue.
    async fn properties(&self) -> Part {
        let _turn = self.pool.turn().await;
        let (mut out, mut error) = (Vec::new(), None);
        match self.client.property_keys(&self.issue.key).await {
            Ok(names) => {
                for name in names {
                    match self.client.property(&self.issue.key, &name).await {
                        Ok(value) => out.extend(value.map(|v| self.property(&name, v))),
                        Err(e) => error = Some(reason(&e)),
                    }
                }
            }
            Err(e) => error = Some(reason(&e)),
        }
        ("properties", out, error)
    }

    fn property(&self, name: &str, value: Value) -> RemoteRecord {
        let record = RecordRef::of_issue(RecordType::Property, name, self.issue.key.as_str());
        RemoteRecord { record, json: json!({ "key": name, "value": value }), content: None }
    }

    /// Reads an attachment's content, unless it was read before, and sends it on; says why where it could not be read.
    async fn attachment(&self, meta: Value) -> Option<String> {
        let mut record = self.record(RecordType::Attachment, meta);
        if self.seen.as_ref().is_some_and(|seen| seen.attachment(&record.json)) {
            self.send(record, None).await;
            return None;
        }
        let declared = record.json.get("size").and_then(Value::as_u64).unwrap_or(0);
        let (mut why, mut share) = (None, None);
        if declared > ATTACHMENT_LIMIT as u64 {
            why = Some(format!("larger than {} MiB", ATTACHMENT_LIMIT >> 20));
        } else {
            share = self.pool.share(declared).await;
            let _turn = self.pool.turn().await;
            match content(&self.client, &record.json).await {
                Ok(bytes) => record.content = Some(bytes),
                Err(e) => why = Some(reason(&e)),
            }
        }
        self.send(record, share).await;
        why
    }

    fn record(&self, kind: RecordType, json: Value) -> RemoteRecord {
        let record = RecordRef::of_issue(kind, id_of(&json), self.issue.key.as_str());
        RemoteRecord { record, json, content: None }
    }

    fn part(&self, name: &'static str, kind: RecordType, items: Result<Vec<Value>, JiraError>) -> Part {
        match items {
            Ok(items) => (name, items.into_iter().map(|v| self.record(kind, v)).collect(), None),
            Err(e) => (name, Vec::new(), Some(reason(&e))),
        }
    }

    async fn send_all(&self, records: Vec<RemoteRecord>) {
        for record in records {
            self.send(record, None).await;
        }
    }

    async fn send(&self, record: RemoteRecord, share: Option<tokio::sync::OwnedSemaphorePermit>) {
        let properties = self.known == Known::No || self.client.flavor() == Flavor::Cloud;
        // It fails only when the scan has ended, and then nobody asks.
        drop(self.out.send(Message { number: self.number, record, properties, _share: share }).await);
    }
}

/// Why a list is shorter than the server counts.
fn hidden(counted: u64, shown: usize) -> Option<String> {
    (counted > shown as u64).then(|| "the server counts more than it shows: the account may not see who".to_owned())
}

/// Asks for the properties of comments, given as comment id and issue key, and sends on each as a record. Cloud gives many
/// comments at once, Data Center the names and then the values of one at a time.
pub(super) async fn comment_properties(
    client: &Client,
    pool: &Pool,
    out: &Sender<Message>,
    comments: &[Asked],
) -> Result<(), JiraError> {
    if client.flavor() != Flavor::Cloud {
        let asked = comments.iter().map(|comment| properties_of(client, pool, out, comment));
        let answers = join_all(asked).await;
        // Where some comments answer, one that is not there has been deleted meanwhile; where none does, the call is not there.
        let some = answers.iter().any(Result::is_ok);
        let gone = |e: &JiraError| some && matches!(e.kind(), ErrorKind::NotSupported | ErrorKind::NotFound);
        return match answers.into_iter().filter_map(Result::err).find(|e| !gone(e)) {
            Some(failure) => Err(failure),
            None => Ok(()),
        };
    }
    let ids: Vec<String> = comments.iter().map(|c| c.id.clone()).collect();
    let all = {
        let _turn = pool.turn().await;
        client.comments_with_properties(&ids).await?
    };
    send_properties(out, "comment", comments, all).await;
    Ok(())
}

/// As [`comment_properties`], of worklogs, of which Cloud gives as many at once.
pub(super) async fn worklog_properties(
    client: &Client,
    pool: &Pool,
    out: &Sender<Message>,
    worklogs: &[Asked],
) -> Result<(), JiraError> {
    let ids: Vec<String> = worklogs.iter().map(|w| w.id.clone()).collect();
    let all = {
        let _turn = pool.turn().await;
        client.worklogs_with_properties(&ids).await?
    };
    send_properties(out, "worklog", worklogs, all).await;
    Ok(())
}

/// Sends on the properties in the JSON of comments or worklogs.
async fn send_properties(out: &Sender<Message>, what: &str, known: &[Asked], all: Vec<Value>) {
    for one in all {
        let id = id_of(&one);
        let Some(of) = known.iter().find(|known| known.id == id) else { continue };
        for property in one.get("properties").and_then(Value::as_array).into_iter().flatten() {
            let Some(name) = property.get("key").and_then(Value::as_str) else { continue };
            send_property(out, of, what, name, property.get("value").cloned()).await;
        }
    }
}

async fn properties_of(client: &Client, pool: &Pool, out: &Sender<Message>, comment: &Asked) -> Result<(), JiraError> {
    let id = comment.id.as_str();
    let names = {
        let _turn = pool.turn().await;
        client.comment_property_keys(id).await?
    };
    for name in names {
        let value = {
            let _turn = pool.turn().await;
            client.comment_property(id, &name).await?
        };
        // One that went meanwhile is gone.
        if value.is_some() {
            send_property(out, comment, "comment", &name, value).await;
        }
    }
    Ok(())
}

async fn send_property(out: &Sender<Message>, of: &Asked, what: &str, name: &str, value: Option<Value>) {
    let record = RecordRef::of_issue(RecordType::Property, format!("{what}/{}/{name}", of.id), of.key.as_str());
    let record = RemoteRecord { record, json: json!({ "key": name, "value": value }), content: None };
    // It fails only when the scan has ended, and then nobody asks.
    drop(out.send(Message { number: of.number, record, properties: false, _share: None }).await);
}

async fn when<T>(wanted: bool, call: impl Future<Output = T>) -> Option<T> {
    if wanted { Some(call.await) } else { None }
}

/// How often a content is asked for whose stream breaks: the client itself repeats only what did not begin.
const TRIES: u32 = 3;

async fn content(client: &Client, meta: &Value) -> Result<Vec<u8>, JiraError> {
    let mut tries = 1;
    loop {
        let all = async { client.download(meta).await?.read_limited(ATTACHMENT_LIMIT).await };
        match all.await {
            Err(e) if e.kind().is_transient() && tries < TRIES => tries += 1,
            done => return done,
        }
    }
}

fn id_of(value: &Value) -> String {
    match value.get("id") {
        Some(Value::String(s)) => s.clone(),
        Some(Value::Number(n)) => n.to_string(),
        _ => String::new(),
    }
}

fn list(fields: Option<&Map<String, Value>>, name: &str) -> Vec<Value> {
    fields.and_then(|f| f.get(name)).and_then(Value::as_array).cloned().unwrap_or_default()
}

/// The list of that name in a page, where the page has all of it.
fn whole_list<'a>(page: &'a Value, name: &str) -> Option<&'a Vec<Value>> {
    let items = page.get(name)?.as_array()?;
    (page.get("total")?.as_u64()? <= items.len() as u64).then_some(items)
}

/// A number under `fields.<name>.<count>`.
fn count(fields: &Map<String, Value>, name: &str, count: &str) -> Option<u64> {
    fields.get(name)?.get(count)?.as_u64()
}

/// What became records of their own is not searched a second time as part of the issue.
fn strip(issue: &mut Issue) {
    if let Some(fields) = issue.0.get_mut("fields").and_then(Value::as_object_mut) {
        for name in ["comment", "worklog", "attachment"] {
            fields.shift_remove(name);
        }
    }
    let projections =
        ["changelog", "properties", "renderedFields", "names", "schema", "transitions", "operations", "editmeta"];
    for name in projections {
        issue.0.shift_remove(name);
    }
}

//! Fetching every record of a Jira project, without judging it: the one road by which a scan and, later, a verification
//! read a remote place. Owns which calls are made and what is counted as unread; knows no matcher and no policy.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use futures_util::{StreamExt, stream};
use serde_json::{Map, Value};

use crate::{
    config::Config,
    jira::{Client, Issue, JiraError},
    model::{Area, Coverage, CoverageStatus, InstanceName, Place, ProjectKey, RecordRef, RecordType},
    store::{PairKind, Store, StoreError},
};

/// Issues that are fetched at the same time.
const CONCURRENCY: usize = 8;

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

    fn part(&self, what: &str) -> Place {
        Place::new(self.area, format!("{}/{}/{what}", self.instance, self.project))
    }
}

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

/// Something that could not be read, by kind.
#[derive(Debug, Default)]
struct Gaps(BTreeMap<&'static str, (u64, String)>);

impl Gaps {
    fn add(&mut self, kind: &'static str, reason: String) {
        self.0.entry(kind).or_insert((0, reason)).0 += 1;
    }

    fn merge(&mut self, other: Self) {
        for (kind, (n, reason)) in other.0 {
            self.0.entry(kind).or_insert((0, reason)).0 += n;
        }
    }
}

/// Why a call did not answer, for a coverage line: no message of the server, since it may quote a person.
pub fn reason(error: &JiraError) -> String {
    match error.status {
        Some(status) => format!("{} ({status}); {}", error.kind().as_str(), error.hint),
        None => format!("{}; {}", error.kind().as_str(), error.hint),
    }
}

struct Bundle {
    records: Vec<RemoteRecord>,
    gaps: Gaps,
}

/// Fetches all records of all issues of a project and hands them to `sink`, issue by issue. What could not be read is in
/// the coverage that comes back; an error here is never the end of the scan.
///
/// `known` are ids and keys of issues that we made or carried over. Cloud's search learns of a new issue only after a while
/// (JIRA.md; Atlassian's page on search and reconcile), so those are read whether the search lists them or not. One that is
/// in neither is deleted, or hidden from the account: no gap, since no search lists it either.
pub async fn collect(
    client: &Client,
    place: &RemotePlace,
    known: &[(String, String)],
    mut sink: impl FnMut(Vec<RemoteRecord>),
    mut progress: impl FnMut(u64),
) -> Vec<Coverage> {
    let unexamined =
        |reason: String| vec![Coverage::with_reason(place.place(), CoverageStatus::Unexamined, 0, 0, reason)];
    // A project that the account cannot see answers an empty search, not an error: ask for it first.
    if let Err(e) = client.project(&place.project).await {
        return unexamined(reason(&e));
    }
    let mut ids: Vec<(String, String)> = Vec::new();
    let mut search = client.search(&format!("project = \"{}\" ORDER BY key ASC", place.project), &["project"]);
    let mut cut_off = None;
    loop {
        match search.next_page().await {
            Ok(Some(issues)) => {
                for issue in issues {
                    // Some servers ignore what they do not understand: a hit of another project is not ours.
                    if belongs(&issue, &place.project) {
                        ids.push((issue.id().to_owned(), issue.key().to_owned()));
                    }
                }
            }
            Ok(None) => break,
            Err(e) if ids.is_empty() => return unexamined(reason(&e)),
            Err(e) => {
                cut_off = Some(format!("the search broke off after {} issues: {}", ids.len(), reason(&e)));
                break;
            }
        }
    }
    let listed = ids.len();
    let seen: HashSet<&str> = ids.iter().map(|(id, _)| id.as_str()).collect();
    let late: Vec<_> = known
        .iter()
        .filter(|(id, key)| !seen.contains(id.as_str()) && in_project(key, &place.project))
        .cloned()
        .collect();
    ids.extend(late);
    let (mut records, mut bytes) = (0u64, 0u64);
    let mut gaps = Gaps::default();
    let mut done = 0;
    let each = ids.iter().enumerate().map(|(n, (id, key))| bundle(client, id, key, n < listed));
    let mut bundles = stream::iter(each).buffered(CONCURRENCY);
    while let Some(bundle) = bundles.next().await {
        records += bundle.records.len() as u64;
        bytes += bundle.records.iter().map(size).sum::<u64>();
        gaps.merge(bundle.gaps);
        sink(bundle.records);
        done += 1;
        progress(done);
    }
    let unread_issues = gaps.0.remove("issues");
    let main = match (cut_off, unread_issues) {
        (Some(reason), _) => Coverage::with_reason(place.place(), CoverageStatus::Partial, records, bytes, reason),
        (None, Some((n, why))) => Coverage::with_reason(
            place.place(),
            if records == 0 { CoverageStatus::Unexamined } else { CoverageStatus::Partial },
            records,
            bytes,
            format!("{n} issues could not be read: {why}"),
        ),
        (None, None) => Coverage::examined(place.place(), records, bytes),
    };
    let mut coverage = vec![main];
    for (kind, (n, why)) in gaps.0 {
        coverage.push(Coverage::with_reason(
            place.part(kind),
            CoverageStatus::Unexamined,
            0,
            0,
            format!("not readable at {n} issues: {why}"),
        ));
    }
    coverage
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

fn id_of(value: &Value) -> String {
    match value.get("id") {
        Some(Value::String(s)) => s.clone(),
        Some(Value::Number(n)) => n.to_string(),
        _ => String::new(),
    }
}

/// The list under `fields.<name>.<list>`, where the issue's body has all of it.
fn whole_list<'a>(fields: &'a Map<String, Value>, name: &str, list: &str) -> Option<&'a Vec<Value>> {
    let page = fields.get(name)?;
    let items = page.get(list)?.as_array()?;
    (page.get("total")?.as_u64()? <= items.len() as u64).then_some(items)
}

/// A number under `fields.<name>.<count>`.
fn count(fields: &Map<String, Value>, name: &str, count: &str) -> Option<u64> {
    fields.get(name)?.get(count)?.as_u64()
}

async fn bundle(client: &Client, id: &str, key: &str, listed: bool) -> Bundle {
    let mut out = Bundle { records: Vec::new(), gaps: Gaps::default() };
    let issue = match client.issue(key, &["*all"], false, &[]).await {
        Ok(Some(issue)) => issue,
        Ok(None) if !listed => return out,
        // Deleted since the search, or hidden, or a server that contradicts itself: not read, so not clean.
        Ok(None) => {
            out.gaps.add("issues", "the search lists them, but they are not found; scan again".into());
            return out;
        }
        Err(e) => {
            out.gaps.add("issues", reason(&e));
            return out;
        }
    };
    let mut body = Value::Object(issue.0.clone());
    let empty = Map::new();
    let fields = issue.fields().unwrap_or(&empty);
    let record = |kind: RecordType, value: Value| RemoteRecord {
        record: RecordRef::of_issue(kind, id_of(&value), key),
        json: value,
        content: None,
    };

    match whole_list(fields, "comment", "comments") {
        Some(items) => out.records.extend(items.iter().map(|c| record(RecordType::Comment, c.clone()))),
        None => match client.comments(key).await {
            Ok(items) => out.records.extend(items.into_iter().map(|c| record(RecordType::Comment, c))),
            Err(e) => out.gaps.add("comments", reason(&e)),
        },
    }
    match whole_list(fields, "worklog", "worklogs") {
        Some(items) => out.records.extend(items.iter().map(|w| record(RecordType::Worklog, w.clone()))),
        None => match client.worklogs(key).await {
            Ok(items) => out.records.extend(items.into_iter().map(|w| record(RecordType::Worklog, w))),
            Err(e) => out.gaps.add("worklogs", reason(&e)),
        },
    }
    match client.changelog(key).await {
        Ok(items) => out.records.extend(items.into_iter().map(|h| record(RecordType::History, h))),
        Err(e) => out.gaps.add("history", reason(&e)),
    }
    if count(fields, "watches", "watchCount") != Some(0) {
        match client.watchers(key).await {
            Ok(users) => {
                for user in users {
                    let who = user.account_id.clone().or_else(|| user.key.clone()).or_else(|| user.name.clone());
                    out.records.push(RemoteRecord {
                        record: RecordRef::of_issue(RecordType::Watcher, who.unwrap_or_default(), key),
                        json: user.raw,
                        content: None,
                    });
                }
            }
            Err(e) => out.gaps.add("watchers", reason(&e)),
        }
    }
    if count(fields, "votes", "votes") != Some(0) {
        match client.votes(key).await {
            Ok(votes) => {
                for voter in votes.get("voters").and_then(Value::as_array).into_iter().flatten() {
                    out.records.push(record(RecordType::Vote, voter.clone()));
                }
            }
            Err(e) => out.gaps.add("votes", reason(&e)),
        }
    }
    match client.remote_links(key).await {
        Ok(items) => out.records.extend(items.into_iter().map(|l| record(RecordType::RemoteLink, l))),
        Err(e) => out.gaps.add("remote-links", reason(&e)),
    }
    match client.property_keys(key).await {
        Ok(names) => {
            for name in names {
                match client.property(key, &name).await {
                    Ok(Some(value)) => out.records.push(RemoteRecord {
                        record: RecordRef::of_issue(RecordType::Property, name.clone(), key),
                        json: serde_json::json!({ "key": name, "value": value }),
                        content: None,
                    }),
                    Ok(None) => {}
                    Err(e) => out.gaps.add("properties", reason(&e)),
                }
            }
        }
        Err(e) => out.gaps.add("properties", reason(&e)),
    }
    for meta in fields.get("attachment").and_then(Value::as_array).into_iter().flatten() {
        let mut attachment = record(RecordType::Attachment, meta.clone());
        let declared = meta.get("size").and_then(Value::as_u64).unwrap_or(0);
        if declared > ATTACHMENT_LIMIT as u64 {
            out.gaps.add("attachments", format!("larger than {} MiB", ATTACHMENT_LIMIT >> 20));
        } else {
            match read(client, meta).await {
                Ok(content) => attachment.content = Some(content),
                Err(e) => out.gaps.add("attachments", reason(&e)),
            }
        }
        out.records.push(attachment);
    }

    // What became records of their own is not searched a second time as part of the issue.
    if let Some(fields) = body.get_mut("fields").and_then(Value::as_object_mut) {
        for name in ["comment", "worklog", "attachment"] {
            fields.shift_remove(name);
        }
    }
    if let Some(object) = body.as_object_mut() {
        for name in ["changelog", "renderedFields", "names", "schema", "transitions", "operations", "editmeta"] {
            object.shift_remove(name);
        }
    }
    out.records
        .insert(0, RemoteRecord { record: RecordRef::of_issue(RecordType::Issue, id, key), json: body, content: None });
    out
}

async fn read(client: &Client, meta: &Value) -> Result<Vec<u8>, JiraError> {
    client.download(meta).await?.read_limited(ATTACHMENT_LIMIT).await
}

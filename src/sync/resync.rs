//! Resync: issues by key or query are brought to what the source says now, whatever hashes and cursor say, by the ordinary
//! road: export, staging, import, with suppression and holds asked.
//!
//! What was asked for is on disk, a page of a search at a time, before anything is exported: a resync that was cut off is
//! finished by the next run. Pairs stay; what was erased or redacted in the target stays so, and so does what was unlinked.

use std::collections::BTreeSet;

use futures_util::StreamExt;
use serde::Serialize;

use super::{Deps, Room, chosen, client_of, error::SyncError, export};
use crate::{
    config::Sync,
    jira::{Client, ErrorKind, Issue, JiraError},
    model::SyncName,
    store::{Pair, PairKind, Store},
};

/// Which issues.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resync {
    /// By key in the source.
    pub keys: BTreeSet<String>,
    /// By a query, which narrows that of the synchronization.
    pub jql: Option<String>,
}

/// What a resync would do with an issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outlook {
    /// It is brought up to date.
    Update,
    /// It is made, since the target has none.
    Create,
    /// It was erased in the target on purpose, and stays so.
    Erased,
    /// It was unlinked, and stays so.
    Unlinked,
}

impl Outlook {
    fn of(pair: Option<&Pair>) -> Self {
        match pair {
            None => Self::Create,
            Some(p) if p.erased => Self::Erased,
            Some(p) if p.unlinked => Self::Unlinked,
            Some(_) => Self::Update,
        }
    }

    const fn moves(self) -> bool {
        matches!(self, Self::Update | Self::Create)
    }

    /// For a person to read.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Update => "would be brought up to date",
            Self::Create => "would be created",
            Self::Erased => "was erased in the target, stays so",
            Self::Unlinked => "is unlinked, stays so",
        }
    }
}

/// One issue that a resync would take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Taken {
    /// The synchronization.
    pub sync: SyncName,
    /// The issue's key in the source.
    pub source: String,
    /// Its key in the target.
    pub target: Option<String>,
    /// What would be done.
    pub outlook: Outlook,
}

/// What a resync would take, without changing anything; and the keys that no synchronization has.
///
/// # Errors
/// A wrong name, key or query; what the source says.
pub async fn resync_outlook(
    deps: &Deps<'_>,
    names: &[SyncName],
    what: &Resync,
) -> Result<(Vec<Taken>, Vec<String>), SyncError> {
    let mut out = Vec::new();
    let mut missing = Vec::new();
    for sync in checked(deps, names, what).await? {
        let mut search = Selection::new(client_of(deps, &sync.source.instance)?, sync, what);
        while let Some(page) = search.next_page().await? {
            for issue in page {
                let pair = deps.store.pair(&sync.name, PairKind::Issue, issue.id())?;
                out.push(Taken {
                    sync: sync.name.clone(),
                    source: issue.key().to_owned(),
                    target: pair.as_ref().and_then(|p| p.target_key.clone()),
                    outlook: Outlook::of(pair.as_ref()),
                });
            }
        }
        if search.cut_off {
            return Err(SyncError::PagesShifted);
        }
        missing.extend(search.missing);
    }
    Ok((out, missing))
}

/// The synchronizations that a resync is about, once its keys and query are known to make sense.
pub(super) async fn checked<'d>(
    deps: &Deps<'d>,
    names: &[SyncName],
    what: &Resync,
) -> Result<Vec<&'d Sync>, SyncError> {
    // A query is one of a source; the other leg's is another project, perhaps another instance.
    let all = if what.jql.is_some() { super::forward(deps.config, names)? } else { chosen(deps.config, names)? };
    let foreign: Vec<&str> =
        what.keys.iter().filter(|k| !all.iter().any(|s| belongs(s, k))).map(String::as_str).collect();
    if !foreign.is_empty() {
        return Err(SyncError::Asked(format!(
            "{}: no synchronization that is meant reads that project",
            foreign.join(", ")
        )));
    }
    if let Some(jql) = &what.jql {
        if !balanced(jql) {
            return Err(SyncError::Asked("the query's quotes or parentheses do not close".into()));
        }
        for sync in &all {
            // Once, before anything is changed anywhere.
            let asked = client_of(deps, &sync.source.instance)?
                .search(&query(sync, Some(jql)), &["project"])
                .page_size(2)
                .next_page()
                .await;
            match asked {
                Err(e) if e.kind() == ErrorKind::Rejected => {
                    return Err(SyncError::Asked(format!("the source of {} refuses the query: {e}", sync.name)));
                }
                other => drop(other?),
            }
        }
        return Ok(all);
    }
    Ok(all.into_iter().filter(|s| what.keys.iter().any(|k| belongs(s, k))).collect())
}

fn belongs(sync: &Sync, key: &str) -> bool {
    key.rsplit_once('-').is_some_and(|(project, number)| {
        project.eq_ignore_ascii_case(sync.source.project.as_str())
            && !number.is_empty()
            && number.bytes().all(|b| b.is_ascii_digit())
    })
}

fn query(sync: &Sync, jql: Option<&str>) -> String {
    let mut clauses = export::clauses(sync);
    clauses.extend(jql.map(export::without_order).map(str::trim).filter(|j| !j.is_empty()).map(|j| format!("({j})")));
    format!("{} ORDER BY key ASC", clauses.join(" AND "))
}

/// Whether a query ends where it seems to: one that closes a parenthesis of ours would reach beyond the synchronization.
fn balanced(jql: &str) -> bool {
    let (mut depth, mut quote, mut escaped) = (0_i32, None, false);
    for c in jql.chars() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(q), c) if c == q => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '(') => depth += 1,
            (None, ')') => depth -= 1,
            (None, _) => {}
        }
        if depth < 0 {
            return false;
        }
    }
    depth == 0 && quote.is_none()
}

/// The issues that are meant, a page at a time.
struct Selection<'a> {
    source: &'a Client,
    sync: &'a Sync,
    search: Option<crate::jira::Search>,
    keys: Vec<String>,
    missing: Vec<String>,
    /// The search did not give all that it counted.
    cut_off: bool,
}

impl<'a> Selection<'a> {
    fn new(source: &'a Client, sync: &'a Sync, what: &Resync) -> Self {
        let search = what.jql.as_ref().map(|jql| source.search(&query(sync, Some(jql)), &["project"]));
        let keys = what.keys.iter().filter(|k| belongs(sync, k)).cloned().collect();
        Self { source, sync, search, keys, missing: Vec::new(), cut_off: false }
    }

    async fn next_page(&mut self) -> Result<Option<Vec<Issue>>, JiraError> {
        if let Some(search) = &mut self.search {
            let Some(page) = search.next_page().await? else {
                self.cut_off |= !search.complete();
                self.search = None;
                return Ok(Some(Vec::new()));
            };
            // A server that does not know a clause may answer with everything.
            return Ok(Some(page.into_iter().filter(|i| belongs(self.sync, i.key())).collect()));
        }
        let Some(key) = self.keys.pop() else { return Ok(None) };
        let jql = query(self.sync, Some(&format!("key = \"{key}\"")));
        let found = match self.source.search(&jql, &["project"]).all().await {
            Ok(found) => found,
            // Jira refuses a query that names an issue which is not there.
            Err(e) if e.kind() == ErrorKind::Rejected => Vec::new(),
            Err(e) => return Err(e),
        };
        let found: Vec<Issue> = found.into_iter().filter(|i| i.key().eq_ignore_ascii_case(&key)).collect();
        if found.is_empty() {
            self.missing.push(key);
        }
        Ok(Some(found))
    }
}

/// Asks for the issues again, a page at a time; says which they are, by id.
pub(super) async fn ask(room: &Room<'_>, what: &Resync) -> Result<BTreeSet<String>, SyncError> {
    let mut asked = BTreeSet::new();
    let mut search = Selection::new(room.source, room.sync, what);
    while let Some(page) = search.next_page().await? {
        let ids = movable(room.deps.store, &room.sync.name, &page)?;
        if ids.len() < page.len() {
            room.warn("issues that were erased in the target, or unlinked, stay as they are");
        }
        super::blocking(|| room.deps.store.ask_again(&room.sync.name, &ids))?;
        asked.extend(ids);
    }
    if search.cut_off {
        room.error(&SyncError::PagesShifted);
    }
    for key in &search.missing {
        room.fail(&format!("{key} is not there, not visible, or not selected by the synchronization's own query"));
    }
    Ok(asked)
}

fn movable(store: &Store, sync: &SyncName, page: &[Issue]) -> Result<Vec<String>, SyncError> {
    let mut out = Vec::new();
    for issue in page {
        if Outlook::of(store.pair(sync, PairKind::Issue, issue.id())?.as_ref()).moves() {
            out.push(issue.id().to_owned());
        }
    }
    Ok(out)
}

/// Exports the issues that were asked for, now or by a run that was cut off.
pub(super) async fn export_pending(room: &Room<'_>) -> Result<(), SyncError> {
    const BATCH: usize = 200;
    let (store, sync) = (room.deps.store, &room.sync.name);
    let mut after = String::new();
    loop {
        let batch = store.pending(sync, &after, BATCH)?;
        let Some(last) = batch.last().cloned() else { return Ok(()) };
        let mut work = futures_util::stream::iter(batch)
            .map(|id| async move { (pending(room, &id).await, id) })
            .buffer_unordered(export::CONCURRENT);
        while let Some((result, id)) = work.next().await {
            match result {
                Ok(()) => super::blocking(|| store.pending_done(sync, &id))?,
                // It stays asked for.
                Err(e) if !e.stops_everything() => room.error(&e),
                Err(e) => return Err(e),
            }
        }
        after = last;
    }
}

async fn pending(room: &Room<'_>, id: &str) -> Result<(), SyncError> {
    match room.source.issue(id, &export::wanted(room.sync), false, &[]).await? {
        Some(issue) => export::one(room, issue).await,
        None => {
            room.warn("an issue that was asked for again is gone from the source, or not visible");
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A search that gives fewer issues than it counted has not told all that was asked for.
    #[tokio::test]
    async fn a_search_that_was_cut_off_is_not_the_whole() {
        use crate::{
            config::Config,
            jira::test_server::{Server, json as answer},
            model::Flavor,
        };
        let text = "[home]\npath = \"h\"\n[instance.a]\nurl = \"https://a.example\"\nflavor = \"datacenter\"\nauth = { token_env = \"A\" }\n\
                    [sync.s]\nsource = { instance = \"a\", project = \"HQ\" }\ntarget = { instance = \"a\", project = \"P\" }\n";
        let config = Config::parse(text, std::path::Path::new("e.toml")).unwrap();
        let sync = config.syncs.values().next().unwrap();
        let what = Resync { jql: Some("labels = x".into()), ..Resync::default() };
        for (total, cut_off) in [(1, false), (3, true)] {
            let server = Server::start(move |_, got| {
                let asked = format!("{}{}", got.target, String::from_utf8_lossy(&got.body));
                let first = !["startAt=1", "\"startAt\":1"].iter().any(|later| asked.contains(later));
                let issues =
                    if first { serde_json::json!([{ "id": "1", "key": "HQ-1" }]) } else { serde_json::json!([]) };
                answer(200, serde_json::json!({ "issues": issues, "total": total, "startAt": 0, "maxResults": 100 }))
            })
            .await;
            let client = server.client(Flavor::DataCenter);
            let mut search = Selection::new(&client, sync, &what);
            let mut found = 0;
            while let Some(page) = search.next_page().await.unwrap() {
                found += page.len();
            }
            assert_eq!((found, search.cut_off), (1, cut_off), "{total}");
        }
    }

    #[test]
    fn a_query_that_closes_more_than_it_opens_is_refused() {
        for good in ["labels = x", "a = \")\" AND (b = c)", "summary ~ 'it\\'s (' ", ""] {
            assert!(balanced(good), "{good}");
        }
        for bad in ["labels = x) OR (project = HQ", "(a = b", "a = \"b", ")("] {
            assert!(!balanced(bad), "{bad}");
        }
    }
}

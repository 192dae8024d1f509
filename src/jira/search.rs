//! Reading the hits of a JQL query page by page, on either flavour.
//!
//! Cloud hands out tokens; a page may come short or empty and still have a next one. Data Center counts from the start, and
//! the pages shift while issues change: pages overlap by one issue, and where that issue is not the one we saw last, the
//! search steps back. Nothing is given twice.

use std::{collections::HashSet, sync::atomic::Ordering};

use serde_json::{Value, json};

use super::{
    call::Call,
    error::{ErrorKind, Result},
    http::Client,
    types::Issue,
};

const PAGE: usize = 100;
/// How often a Data Center search steps back before it goes on with what it has.
const MOST_STEPS_BACK: u32 = 10;
/// How many empty pages with a next token Cloud may give in a row.
const MOST_EMPTY_PAGES: u32 = 50;

/// Ids that were given already. Jira's are numbers, which take little room even for a hundred thousand issues.
#[derive(Debug, Default)]
struct Ids {
    numbers: HashSet<u64>,
    texts: HashSet<String>,
}

impl Ids {
    /// Whether it was not there yet.
    fn insert(&mut self, id: &str) -> bool {
        match id.parse::<u64>() {
            // `007` and `7` are two ids.
            Ok(number) if !id.starts_with(['0', '+']) => self.numbers.insert(number),
            _ => self.texts.insert(id.to_owned()),
        }
    }

    fn len(&self) -> usize {
        self.numbers.len() + self.texts.len()
    }
}

/// A running search.
#[derive(Debug)]
pub struct Search {
    client: Client,
    jql: String,
    fields: Vec<String>,
    expand: Vec<String>,
    properties: Vec<String>,
    page_size: usize,
    seen: Ids,
    last: Option<String>,
    token: Option<String>,
    start: usize,
    total: Option<u64>,
    steps_back: u32,
    shifted: bool,
    done: bool,
}

impl Client {
    /// Starts a search; `fields` as in the API (`*all`, `*navigable`, names, `-name`). Sends nothing yet.
    #[must_use]
    pub fn search(&self, jql: &str, fields: &[&str]) -> Search {
        Search {
            client: self.clone(),
            jql: jql.to_owned(),
            fields: fields.iter().map(|f| (*f).to_owned()).collect(),
            expand: Vec::new(),
            properties: Vec::new(),
            page_size: PAGE,
            seen: Ids::default(),
            last: None,
            token: None,
            start: 0,
            total: None,
            steps_back: 0,
            shifted: false,
            done: false,
        }
    }
}

impl Search {
    /// How many issues to ask for at once (servers may give fewer); 100 unless told.
    #[must_use]
    pub fn page_size(mut self, issues: usize) -> Self {
        self.page_size = issues.max(2);
        self
    }

    /// Parts to expand, such as `changelog`.
    #[must_use]
    pub fn expand(mut self, parts: &[&str]) -> Self {
        self.expand = parts.iter().map(|p| (*p).to_owned()).collect();
        self
    }

    /// Issue properties to bring along (Cloud; Data Center's search ignores them).
    #[must_use]
    pub fn properties(mut self, names: &[&str]) -> Self {
        self.properties = names.iter().map(|p| (*p).to_owned()).collect();
        self
    }

    /// The next issues that were not given before; `None` at the end. A page may be empty in the middle.
    ///
    /// # Errors
    /// Any [`ErrorKind`]; `ProjectNotVisible` where the query names a project we may not see.
    pub async fn next_page(&mut self) -> Result<Option<Vec<Issue>>> {
        if self.done {
            return Ok(None);
        }
        let page = if self.client.is_cloud() { self.cloud_page().await? } else { self.counted_page().await? };
        Ok(Some(page))
    }

    /// All that is left, in one list.
    ///
    /// # Errors
    /// As [`Search::next_page`].
    pub async fn all(&mut self) -> Result<Vec<Issue>> {
        let mut all = Vec::new();
        while let Some(page) = self.next_page().await? {
            all.extend(page);
        }
        Ok(all)
    }

    /// How many hits the server last spoke of (Data Center).
    #[must_use]
    pub fn total(&self) -> Option<u64> {
        self.total
    }

    /// How many issues were given so far.
    #[must_use]
    pub fn given(&self) -> usize {
        self.seen.len()
    }

    /// Whether the search ran to its end and gave as many issues as the server counted. `false` where pages shifted more
    /// than could be mended: run it again, or report the place as partly read.
    #[must_use]
    pub fn complete(&self) -> bool {
        self.done && !self.shifted && self.total.is_none_or(|t| self.seen.len() as u64 >= t)
    }

    async fn cloud_page(&mut self) -> Result<Vec<Issue>> {
        let mut empty = 0;
        loop {
            let mut body = json!({"jql": self.jql, "maxResults": self.page_size, "fields": self.fields});
            if let Some(token) = &self.token {
                body["nextPageToken"] = json!(token);
            }
            if !self.expand.is_empty() {
                body["expand"] = json!(self.expand.join(","));
            }
            if !self.properties.is_empty() {
                body["properties"] = json!(self.properties);
            }
            let call = Call::ask("search/jql").json(body);
            let mut answer = self.client.json(&call).await?;
            let issues = take_issues(&mut answer).ok_or_else(|| self.client.bad_answer(&call, "no list of issues"))?;
            let next = answer.get("nextPageToken").and_then(Value::as_str).map(str::to_owned);
            let last = answer.get("isLast").and_then(Value::as_bool).unwrap_or(next.is_none());
            if !last && next.is_none() {
                return Err(self.client.bad_answer(&call, "not the last page, but no token for the next"));
            }
            self.done = last;
            let fresh = self.fresh(issues);
            if fresh.is_empty() && !last {
                empty += 1;
                if next == self.token || empty > MOST_EMPTY_PAGES {
                    return Err(self.client.bad_answer(&call, "the pages of the search do not come to an end"));
                }
                self.token = next;
                continue;
            }
            self.token = next;
            return Ok(fresh);
        }
    }

    async fn counted_page(&mut self) -> Result<Vec<Issue>> {
        loop {
            let answer = self.counted_answer().await;
            let (call, mut answer) = answer?;
            let issues = take_issues(&mut answer).ok_or_else(|| self.client.bad_answer(&call, "no list of issues"))?;
            self.total = answer.get("total").and_then(Value::as_u64);
            let count = issues.len();
            // The page begins with the issue given last. If it does not, issues left the list before it: step back.
            let moved = self.start > 0 && issues.first().map(Issue::id) != self.last.as_deref();
            let end = self.start + count;
            let fresh = self.fresh(issues);
            let more = count > 0 && self.total.is_none_or(|t| (end as u64) < t);
            if moved && self.steps_back < MOST_STEPS_BACK {
                self.steps_back += 1;
                self.start = self.start.saturating_sub(self.page_size);
                if !fresh.is_empty() {
                    return Ok(fresh);
                }
                continue;
            }
            self.shifted |= moved;
            if !more || (count == 1 && self.start > 0) {
                self.done = true;
                return Ok(fresh);
            }
            // One hit a page leaves no room for an overlap, and asking for the same page again would never end.
            self.start = end - usize::from(count > 1);
            return Ok(fresh);
        }
    }

    /// By POST, so that no query (it may name a person) ends in an access log; by GET where the server knows no POST.
    async fn counted_answer(&self) -> Result<(Call, Value)> {
        let by_get = &self.client.inner.search_by_get;
        if !by_get.load(Ordering::Relaxed) {
            let mut body = json!({"jql": self.jql, "startAt": self.start, "maxResults": self.page_size});
            if !self.fields.is_empty() {
                body["fields"] = json!(self.fields);
            }
            if !self.expand.is_empty() {
                body["expand"] = json!(self.expand);
            }
            let call = Call::ask("search").json(body).optional();
            match self.client.json(&call).await {
                Ok(answer) => return Ok((call, answer)),
                Err(e) if e.kind() == ErrorKind::NotSupported => by_get.store(true, Ordering::Relaxed),
                Err(e) => return Err(e),
            }
        }
        let mut call = Call::get("search")
            .query("jql", &self.jql)
            .query("startAt", self.start.to_string())
            .query("maxResults", self.page_size.to_string());
        if !self.fields.is_empty() {
            call = call.query("fields", self.fields.join(","));
        }
        if !self.expand.is_empty() {
            call = call.query("expand", self.expand.join(","));
        }
        let answer = self.client.json(&call).await?;
        Ok((call, answer))
    }

    fn fresh(&mut self, issues: Vec<Issue>) -> Vec<Issue> {
        if let Some(issue) = issues.last() {
            self.last = Some(issue.id().to_owned());
        }
        issues.into_iter().filter(|i| self.seen.insert(i.id())).collect()
    }
}

/// `None` where the list is missing or an item is no issue with an id.
fn take_issues(answer: &mut Value) -> Option<Vec<Issue>> {
    let Value::Array(items) = answer.get_mut("issues")?.take() else { return None };
    items
        .into_iter()
        .map(|v| match v {
            Value::Object(map) => Some(Issue(map)).filter(|i| !i.id().is_empty()),
            _ => None,
        })
        .collect()
}

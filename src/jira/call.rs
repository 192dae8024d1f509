//! One call as data: method, path, query, body, and what may be done when its answer does not come.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use serde_json::Value;

use super::scrub::Sent;

/// RFC 3986's unreserved characters stay, everything else in a path segment is encoded.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// What may be done when nobody knows whether a call took effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Safety {
    /// Changes nothing.
    Read,
    /// Changes something, and twice is the same as once.
    Idempotent,
    /// Twice is not the same as once.
    Once,
}

/// One call, not yet bound to a server.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) shown: String,
    pub(super) query: Vec<(&'static str, String)>,
    pub(super) body: Option<Value>,
    pub(super) safety: Safety,
    /// Every Jira has this endpoint, so that a 404 is about the thing asked for.
    pub(super) core: bool,
    /// Why the call cannot be sent.
    pub(super) bad: Option<&'static str>,
    /// The whole path as errors show it, where it is not one of the API's.
    pub(super) elsewhere: Option<String>,
    /// The API that it belongs to, where that is not the platform's.
    pub(super) root: Option<&'static str>,
}

/// Jira Software's own API, the same on both flavours.
const AGILE: &str = "/rest/agile/1.0";

impl Call {
    fn new(method: Method, path: &'static str, safety: Safety) -> Self {
        let path = format!("/{path}");
        Self {
            method,
            shown: path.clone(),
            path,
            query: Vec::new(),
            body: None,
            safety,
            core: true,
            bad: None,
            elsewhere: None,
            root: None,
        }
    }

    /// A read of Jira Software's API, which not every server has.
    pub(super) fn agile(path: &'static str) -> Self {
        Self { root: Some(AGILE), ..Self::get(path).optional() }
    }

    pub(super) fn get(path: &'static str) -> Self {
        Self::new(Method::GET, path, Safety::Read)
    }

    /// A POST that changes nothing (a search).
    pub(super) fn ask(path: &'static str) -> Self {
        Self::new(Method::POST, path, Safety::Read)
    }

    /// A POST that changes something.
    pub(super) fn post(path: &'static str) -> Self {
        Self::new(Method::POST, path, Safety::Once)
    }

    pub(super) fn put(path: &'static str) -> Self {
        Self::new(Method::PUT, path, Safety::Idempotent)
    }

    pub(super) fn delete(path: &'static str) -> Self {
        Self::new(Method::DELETE, path, Safety::Idempotent)
    }

    /// Adds an id to the path.
    pub(super) fn id(self, id: &str) -> Self {
        let shown = utf8_percent_encode(id, SEGMENT).to_string();
        self.segment(id, &shown)
    }

    /// Adds a name to the path that errors must not show.
    pub(super) fn hidden(self, name: &str) -> Self {
        self.segment(name, "…")
    }

    fn segment(mut self, value: &str, shown: &str) -> Self {
        // An empty or dotted segment would make it another path.
        if value.is_empty() || value.bytes().all(|b| b == b'.') {
            self.bad = Some("an id in the path is empty or made of dots");
        }
        self.path.push('/');
        self.path.extend(utf8_percent_encode(value, SEGMENT));
        self.shown.push('/');
        self.shown.push_str(shown);
        self
    }

    /// Adds a fixed part to the path.
    pub(super) fn then(mut self, part: &'static str) -> Self {
        for s in [&mut self.path, &mut self.shown] {
            s.push('/');
            s.push_str(part);
        }
        self
    }

    pub(super) fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    pub(super) fn json(mut self, body: impl Into<Value>) -> Self {
        self.body = Some(body.into());
        self
    }

    pub(super) fn safety(mut self, safety: Safety) -> Self {
        self.safety = safety;
        self
    }

    /// Not every server has this endpoint: a 404 without a word of Jira means that it is missing.
    pub(super) fn optional(mut self) -> Self {
        self.core = false;
        self
    }

    /// Errors show this path instead.
    pub(super) fn shown_as(mut self, path: String) -> Self {
        self.elsewhere = Some(path);
        self
    }

    /// What must not come back in a message.
    pub(super) fn sent(&self) -> Sent<'_> {
        let mut sent = Sent::default();
        self.query.iter().for_each(|(_, v)| sent.query(v));
        if let Some(body) = &self.body {
            sent.body(body);
        }
        sent
    }
}

//! What a route sees of a request and what it answers, without axum: plain data in, plain data out.
//!
//! Owns Jira's error body. Must not touch sockets or the world.

use axum::http::Method;
use bytes::Bytes;
use serde_json::{Map, Value, json};

/// One part of a multi-part upload.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) name: String,
    pub(super) file_name: Option<String>,
    pub(super) mime: Option<String>,
    pub(super) bytes: Bytes,
}

/// A request body, already parsed.
#[derive(Debug)]
pub(super) enum Payload {
    None,
    Json(Value),
    Parts(Vec<Part>),
    /// Not JSON although the route expects it; Jira answers 400.
    Unreadable,
}

/// A request, as routes see it.
#[derive(Debug)]
pub(super) struct Req {
    pub(super) method: Method,
    /// Decoded path segments *after* `/rest/api/{version}`, or of the whole path for pages outside the API.
    pub(super) segments: Vec<String>,
    pub(super) query: Vec<(String, String)>,
    pub(super) payload: Payload,
    /// Whether `X-Atlassian-Token: no-check` was sent.
    pub(super) no_check: bool,
    /// Whether an `Authorization` header was sent.
    pub(super) has_credentials: bool,
    /// Whether they were of the scheme Basic.
    pub(super) basic: bool,
    /// No `maxResults` counts for more than this.
    pub(super) page_cap: usize,
}

impl Req {
    /// The first value of a query parameter.
    pub(super) fn q(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(k, _)| k == name).map(|(_, v)| v.as_str())
    }

    /// All values of a list parameter, given repeatedly or with commas.
    pub(super) fn q_list(&self, name: &str) -> Vec<String> {
        self.query
            .iter()
            .filter(|(k, _)| k == name)
            .flat_map(|(_, v)| v.split(','))
            .map(str::trim)
            .filter(|v| !v.is_empty())
            .map(str::to_owned)
            .collect()
    }

    /// A number of the query.
    pub(super) fn q_number(&self, name: &str, default: usize) -> Result<usize, Failure> {
        let number: usize = match self.q(name) {
            None | Some("") => default,
            Some(v) => v
                .parse()
                .map_err(|_| Failure::new(404, format!("The value '{v}' of '{name}' is not a valid number.")))?,
        };
        Ok(if name == "maxResults" { number.min(self.page_cap) } else { number })
    }

    /// A flag of the query.
    pub(super) fn q_flag(&self, name: &str, default: bool) -> bool {
        self.q(name).map_or(default, |v| v.eq_ignore_ascii_case("true"))
    }

    /// The body as any JSON value.
    pub(super) fn json(&self) -> Result<&Value, Failure> {
        match &self.payload {
            Payload::Json(v) => Ok(v),
            _ => Err(Failure::new(400, "There was an error parsing JSON. Check that your request body is valid.")),
        }
    }

    /// The body as a JSON object.
    pub(super) fn object(&self) -> Result<&Map<String, Value>, Failure> {
        self.json()?
            .as_object()
            .ok_or_else(|| Failure::new(400, "There was an error parsing JSON. Check that your request body is valid."))
    }
}

/// The body of an answer.
#[derive(Debug)]
pub(super) enum ReplyBody {
    Empty,
    Json(Value),
    Bytes { mime: String, name: String, bytes: Bytes },
}

/// An answer.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: ReplyBody,
}

impl Reply {
    pub(super) fn ok(body: Value) -> Self {
        Self::json(200, body)
    }

    pub(super) fn json(status: u16, body: Value) -> Self {
        Self { status, headers: Vec::new(), body: ReplyBody::Json(body) }
    }

    pub(super) fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: ReplyBody::Empty }
    }

    pub(super) fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// Jira's error: a status and `{"errorMessages": […], "errors": {…}}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) status: u16,
    pub(super) messages: Vec<String>,
    pub(super) errors: Vec<(String, String)>,
}

impl Failure {
    pub(super) fn new(status: u16, message: impl Into<String>) -> Self {
        Self { status, messages: vec![message.into()], errors: Vec::new() }
    }

    pub(super) fn field(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { status: 400, messages: Vec::new(), errors: vec![(field.into(), message.into())] }
    }

    pub(super) const fn fields(errors: Vec<(String, String)>) -> Self {
        Self { status: 400, messages: Vec::new(), errors }
    }

    pub(super) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(403, message)
    }

    /// No such route, or not in this flavour, or not with this method.
    pub(super) fn no_route() -> Self {
        Self::new(404, "There is no such resource at this address.")
    }

    pub(super) fn method_not_allowed() -> Self {
        Self { status: 405, messages: Vec::new(), errors: Vec::new() }
    }

    pub(super) fn into_reply(self) -> Reply {
        let errors: Map<String, Value> = self.errors.into_iter().map(|(k, v)| (k, Value::String(v))).collect();
        Reply::json(self.status, json!({ "errorMessages": self.messages, "errors": errors }))
    }
}

/// What every route gives back.
pub(super) type Answer = Result<Reply, Failure>;

/// One page of a list that is cut by `startAt` and `maxResults`.
pub(super) fn page_of<T>(all: Vec<T>, start: usize, max: usize) -> (Vec<T>, usize, bool) {
    let total = all.len();
    let page: Vec<T> = all.into_iter().skip(start).take(max).collect();
    let last = start.saturating_add(page.len()) >= total;
    (page, total, last)
}

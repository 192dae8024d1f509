//! What can go wrong when talking to a Jira, with what to check next. Holds no query, no credential, no body.

use std::{error::Error, fmt, ops::Deref};

use crate::model::InstanceName;

/// The room's result.
pub type Result<T, E = JiraError> = std::result::Result<T, E>;

/// The kinds of trouble that a caller treats differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// 401, or the server took the call as anonymous although credentials were sent.
    Unauthorized,
    /// 403.
    Forbidden,
    /// The edit was refused because switching off the mail (`notifyUsers=false`) needs more permission than we have.
    NotifyForbidden,
    /// 404: not there, or not visible to us; Jira does not tell these apart.
    NotFound,
    /// The project does not exist or is not visible to us.
    ProjectNotVisible,
    /// 409.
    Conflict,
    /// 400 or another 4xx: the server understood and said no.
    Rejected,
    /// 413, or an answer larger than we read.
    TooLarge,
    /// 429 for longer than we wait.
    RateLimited,
    /// 5xx after all retries.
    Server,
    /// The connection failed or was cut.
    Network,
    /// The TLS handshake failed.
    Tls,
    /// No answer in time.
    Timeout,
    /// A write that may or may not have happened: find out before sending it again.
    Doubtful,
    /// The server lacks the endpoint (404 without a word of Jira, 405, 501), or its flavour has no such thing.
    NotSupported,
    /// An answer that is not what the API promises.
    BadAnswer,
    /// The client's own configuration or arguments.
    Config,
    /// A local file could not be read or written.
    Local,
}

impl ErrorKind {
    /// What to check when this happens.
    #[must_use]
    pub const fn hint(self) -> &'static str {
        match self {
            Self::Unauthorized => {
                "check the token and the user it belongs to: expired, revoked, mistyped, or a CAPTCHA is due"
            }
            Self::Forbidden => "the bot is known but lacks the permission for this call",
            Self::NotifyForbidden => "editing without mail needs Administer Jira or Administer Projects",
            Self::NotFound => {
                "it does not exist, or the bot may not see it (Browse Projects, issue security, archived)"
            }
            Self::ProjectNotVisible => "check the project key, and that the bot has Browse Projects there",
            Self::Conflict => "something else changes it right now; run again later",
            Self::Rejected => "Jira refused the values; its own words say which",
            Self::TooLarge => "larger than the server or this client accepts",
            Self::RateLimited => "the server asks to slow down for longer than the client waits; run again later",
            Self::Server => "the server failed; see its log",
            Self::Network => "check address, DNS, firewall and proxy",
            Self::Tls => "check the certificate; an own authority goes into ca_file",
            Self::Timeout => "the server did not answer in time",
            Self::Doubtful => "the write may have happened; it is not sent again before that is known",
            Self::NotSupported => "this server has no such endpoint",
            Self::BadAnswer => "the answer is not Jira's: check the base address, its context path, and single sign-on",
            Self::Config => "check the instance's configuration",
            Self::Local => "check the file and the free space",
        }
    }

    /// A short word for logs and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::NotifyForbidden => "notify-forbidden",
            Self::NotFound => "not-found",
            Self::ProjectNotVisible => "project-not-visible",
            Self::Conflict => "conflict",
            Self::Rejected => "rejected",
            Self::TooLarge => "too-large",
            Self::RateLimited => "rate-limited",
            Self::Server => "server",
            Self::Network => "network",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Doubtful => "doubtful",
            Self::NotSupported => "not-supported",
            Self::BadAnswer => "bad-answer",
            Self::Config => "config",
            Self::Local => "local",
        }
    }

    /// Whether the same call may succeed later without anybody changing anything.
    #[must_use]
    pub const fn is_transient(self) -> bool {
        matches!(self, Self::Conflict | Self::RateLimited | Self::Server | Self::Network | Self::Timeout)
    }
}

/// The parts of a [`JiraError`].
#[derive(Debug)]
pub struct ErrorDetails {
    /// What kind.
    pub kind: ErrorKind,
    /// The instance's configured name.
    pub instance: Option<InstanceName>,
    /// The HTTP method; empty where nothing was to be sent.
    pub method: &'static str,
    /// The path without its query; file names and property names in it are replaced by `…`.
    pub path: String,
    /// The HTTP status, where there was an answer.
    pub status: Option<u16>,
    /// Jira's own words, without what we sent.
    pub messages: Vec<String>,
    /// What to check.
    pub hint: &'static str,
    /// How often the call was sent.
    pub tries: u32,
    /// An earlier try of this call may have taken effect.
    pub(super) maybe_applied: bool,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// Why a call failed. Reads like `hq: PUT /rest/api/2/issue/HQ-1: 403: …`.
#[derive(Debug)]
pub struct JiraError(Box<ErrorDetails>);

impl JiraError {
    pub(super) fn new(kind: ErrorKind, method: &'static str, path: impl Into<String>) -> Self {
        Self(Box::new(ErrorDetails {
            kind,
            instance: None,
            method,
            path: path.into(),
            status: None,
            messages: Vec::new(),
            hint: kind.hint(),
            tries: 0,
            maybe_applied: false,
            source: None,
        }))
    }

    pub(super) fn config(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Config, "", "").message(message)
    }

    pub(super) fn message(mut self, message: impl Into<String>) -> Self {
        self.0.messages.push(message.into());
        self
    }

    pub(super) fn messages(mut self, messages: Vec<String>) -> Self {
        self.0.messages.extend(messages);
        self
    }

    pub(super) fn status(mut self, status: u16) -> Self {
        self.0.status = Some(status);
        self
    }

    pub(super) fn instance(mut self, name: &InstanceName) -> Self {
        self.0.instance = Some(name.clone());
        self
    }

    pub(super) fn tries(mut self, tries: u32, maybe_applied: bool) -> Self {
        self.0.tries = tries;
        self.0.maybe_applied = maybe_applied;
        self
    }

    pub(super) fn hint(mut self, hint: &'static str) -> Self {
        self.0.hint = hint;
        self
    }

    pub(super) fn source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    pub(super) fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = kind;
        self.0.hint = kind.hint();
        self
    }

    /// What kind of trouble it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }
}

impl Deref for JiraError {
    type Target = ErrorDetails;

    fn deref(&self) -> &ErrorDetails {
        &self.0
    }
}

impl fmt::Display for JiraError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let d = &*self.0;
        if let Some(name) = &d.instance {
            write!(f, "{name}: ")?;
        }
        if !d.method.is_empty() {
            write!(f, "{} {}: ", d.method, d.path)?;
        }
        if let Some(status) = d.status {
            write!(f, "{status}: ")?;
        }
        if d.messages.is_empty() {
            f.write_str(d.kind.as_str())?;
        } else {
            f.write_str(&d.messages.join("; "))?;
        }
        write!(f, " ({})", d.hint)
    }
}

impl Error for JiraError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source.as_ref().map(|s| &**s as &(dyn Error + 'static))
    }
}

//! The transport: one call out, one answer in, with retries that never repeat what may have happened.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use base64::Engine as _;
use reqwest::{
    Method, Url,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue},
};
use serde_json::Value;

use super::{
    call::{Call, Safety},
    config::{Auth, ClientConfig, RetryPolicy},
    error::{ErrorKind, JiraError, Result},
    pace::{Pace, wait_of},
    scrub::words,
};
use crate::model::{Flavor, InstanceName};

/// No answer that is read whole may be longer than this (bytes).
const LONGEST_ANSWER: usize = 256 << 20;

/// Idle connections are dropped before the servers drop them (uvicorn 5 s, Tomcat 20 s), so that no write meets a
/// connection that is just being closed and ends as doubtful.
const POOL_IDLE: Duration = Duration::from_secs(4);

/// A whole answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

/// Trouble before a whole answer was there.
pub(super) struct Trouble {
    pub(super) kind: ErrorKind,
    /// The server may have seen the call.
    pub(super) sent: bool,
    pub(super) source: Box<dyn std::error::Error + Send + Sync>,
}

/// One Jira. Cloning is cheap; clones share connections, pace and the count of calls.
#[derive(Clone)]
pub struct Client {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    name: InstanceName,
    flavor: Flavor,
    /// Without a slash at the end.
    base: String,
    pub(super) origin: (String, Option<String>, Option<u16>),
    http: reqwest::Client,
    auth: Option<HeaderValue>,
    pub(super) timeout: Duration,
    pub(super) retry: RetryPolicy,
    pace: Pace,
    calls: AtomicU64,
    /// This Data Center has no POST search.
    pub(super) search_by_get: AtomicBool,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Client({}, {:?})", self.inner.name, self.inner.flavor)
    }
}

impl Client {
    /// Prepares a client; sends nothing.
    ///
    /// # Errors
    /// `Config` when the address, CA file, proxy or credentials cannot be used.
    pub fn new(config: ClientConfig) -> Result<Self> {
        let fail = |m: &str| JiraError::config(m).instance(&config.name);
        let url = Url::parse(&config.url).map_err(|e| fail("the url cannot be read").source(e))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(fail("the url must begin with https:// or http:// and name a host"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(fail("the url must not hold credentials"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(fail("the url must have no query and no fragment"));
        }
        // Fails only where a provider is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("efface/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(config.timeout.min(Duration::from_secs(15)))
            .pool_idle_timeout(POOL_IDLE);
        if let Some(file) = &config.ca_file {
            let pem = fs::read(file).map_err(|e| fail("ca_file cannot be read").source(e))?;
            let certs = reqwest::Certificate::from_pem_bundle(&pem)
                .map_err(|e| fail("ca_file holds no PEM certificates").source(e))?;
            if certs.is_empty() {
                return Err(fail("ca_file holds no PEM certificates"));
            }
            builder = builder.tls_certs_merge(certs);
        } else if url.scheme() == "http" {
            // No TLS, no roots needed: works on machines without a certificate store, and starts faster.
            builder = builder.tls_certs_only([]);
        }
        if let Some(proxy) = &config.proxy {
            builder = builder.proxy(reqwest::Proxy::all(proxy).map_err(|_| fail("the proxy cannot be used"))?);
        } else if is_loopback(&url) {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|e| fail("the network client cannot be built").source(e.without_url()))?;
        let auth = match &config.auth {
            Auth::None => None,
            Auth::Basic { user, secret } => {
                let pair = format!("{user}:{}", secret.dangerously_expose());
                Some(format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair)))
            }
            Auth::Bearer(token) => Some(format!("Bearer {}", token.dangerously_expose())),
        };
        let auth = auth
            .map(|text| {
                // No source: the error would show the value.
                let mut value = HeaderValue::from_str(&text)
                    .map_err(|_| fail("the credentials hold characters that no header can carry (a line break?)"))?;
                value.set_sensitive(true);
                Ok::<_, JiraError>(value)
            })
            .transpose()?;
        Ok(Self {
            inner: Arc::new(Inner {
                origin: origin(&url),
                base: url.as_str().trim_end_matches('/').to_owned(),
                name: config.name.clone(),
                flavor: config.flavor,
                http,
                auth,
                timeout: config.timeout,
                retry: config.retry,
                pace: Pace::new(),
                calls: AtomicU64::new(0),
                search_by_get: AtomicBool::new(false),
            }),
        })
    }

    /// The instance's configured name.
    #[must_use]
    pub fn name(&self) -> &InstanceName {
        &self.inner.name
    }

    /// Which API it speaks.
    #[must_use]
    pub fn flavor(&self) -> Flavor {
        self.inner.flavor
    }

    /// How many requests were sent so far, by this client and its clones, tries included.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.inner.calls.load(Ordering::Relaxed)
    }

    pub(super) fn is_cloud(&self) -> bool {
        self.inner.flavor == Flavor::Cloud
    }

    /// The base address, without a slash at the end.
    pub(crate) fn base(&self) -> &str {
        &self.inner.base
    }

    pub(super) fn api(&self) -> &'static str {
        if self.is_cloud() { "/rest/api/3" } else { "/rest/api/2" }
    }

    /// An error about this call.
    pub(super) fn error(&self, call: &Call, kind: ErrorKind) -> JiraError {
        let path = call
            .elsewhere
            .clone()
            .unwrap_or_else(|| format!("{}{}", call.root.unwrap_or_else(|| self.api()), call.shown));
        JiraError::new(kind, method_name(&call.method), path).instance(&self.inner.name)
    }

    /// An error about something that this flavour does not have.
    pub(super) fn not_here(&self, what: &'static str) -> JiraError {
        JiraError::new(ErrorKind::NotSupported, "", "").instance(&self.inner.name).message(what)
    }

    /// A request with the credentials on; counts as sent.
    pub(super) fn request(&self, method: Method, url: Url, with_auth: bool) -> reqwest::RequestBuilder {
        self.inner.calls.fetch_add(1, Ordering::Relaxed);
        let request = self.inner.http.request(method, url);
        match &self.inner.auth {
            Some(auth) if with_auth => request.header(AUTHORIZATION, auth.clone()),
            _ => request,
        }
    }

    pub(super) fn url(&self, call: &Call) -> Result<Url> {
        if let Some(why) = call.bad {
            return Err(self.error(call, ErrorKind::Config).message(why));
        }
        let text = format!("{}{}{}", self.inner.base, call.root.unwrap_or_else(|| self.api()), call.path);
        let mut url = Url::parse(&text).map_err(|e| self.error(call, ErrorKind::Config).source(e))?;
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        Ok(url)
    }

    pub(super) async fn once(&self, call: &Call, url: &Url) -> Result<Answer, Trouble> {
        let mut request = self.request(call.method.clone(), url.clone(), true).timeout(self.inner.timeout);
        if let Some(body) = &call.body {
            let bytes = serde_json::to_vec(body).map_err(|e| Trouble {
                kind: ErrorKind::Config,
                sent: false,
                source: Box::new(e),
            })?;
            request = request.header(CONTENT_TYPE, "application/json").body(bytes);
        }
        let request = request.header(reqwest::header::ACCEPT, "application/json");
        let response = request.send().await.map_err(trouble)?;
        read_whole(response).await
    }

    /// Sends a call, with the retries that its [`Safety`] allows, and answers with a 2xx.
    pub(super) async fn send(&self, call: &Call) -> Result<Answer> {
        let url = self.url(call)?;
        self.retrying(call, || self.once(call, &url)).await
    }

    /// Runs `attempt` until it answers 2xx, or must not or need not be tried again.
    pub(super) async fn retrying<F, Fut>(&self, call: &Call, mut attempt: F) -> Result<Answer>
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = Result<Answer, Trouble>>,
    {
        let retry = &self.inner.retry;
        let (mut tries, mut failures, mut limits) = (0, 0, 0_u32);
        let mut waited = Duration::ZERO;
        let mut maybe = false;
        loop {
            self.inner.pace.wait().await;
            tries += 1;
            let (error, asked) = match attempt().await {
                Ok(answer) if (200..300).contains(&answer.status) => {
                    self.inner.pace.answered(&answer.headers);
                    if self.taken_as_anonymous(&answer.headers) {
                        return Err(self
                            .error(call, ErrorKind::Unauthorized)
                            .status(answer.status)
                            .message("the server refused the credentials and answered as to an anonymous user"));
                    }
                    return Ok(answer);
                }
                Ok(answer) => {
                    let error = self.refusal(call, &answer).tries(tries, maybe);
                    let asked = wait_of(&answer.headers);
                    match answer.status {
                        429 => {
                            limits += 1;
                            let wait = asked.unwrap_or_default() + jitter(retry, limits.min(6));
                            (error, Some(wait))
                        }
                        408 | 500 | 502..=504 | 520..=599 => {
                            if call.safety == Safety::Once {
                                return Err(error.with_kind(ErrorKind::Doubtful));
                            }
                            maybe |= call.safety == Safety::Idempotent;
                            (error.tries(tries, maybe), asked.filter(|w| answer.status == 503 && !w.is_zero()))
                        }
                        _ => return Err(error),
                    }
                }
                Err(t) => {
                    let kind = if t.sent && call.safety == Safety::Once { ErrorKind::Doubtful } else { t.kind };
                    maybe |= t.sent && call.safety == Safety::Idempotent;
                    let error = self.error(call, kind).source(t.source).tries(tries, maybe);
                    if matches!(
                        kind,
                        ErrorKind::Doubtful
                            | ErrorKind::Config
                            | ErrorKind::Tls
                            | ErrorKind::TooLarge
                            | ErrorKind::Local
                            | ErrorKind::BadAnswer
                    ) {
                        return Err(error);
                    }
                    (error, None)
                }
            };
            let pause = match asked {
                Some(wait) => {
                    if waited + wait > retry.patience {
                        return Err(error);
                    }
                    waited += wait;
                    self.inner.pace.limited(wait);
                    Duration::ZERO // the shared pace holds this call back, too
                }
                None => {
                    failures += 1;
                    if failures >= retry.attempts {
                        return Err(error);
                    }
                    jitter(retry, failures)
                }
            };
            tracing::debug!(instance = %self.inner.name, kind = error.kind().as_str(), tries, "trying again");
            if !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
        }
    }

    /// A refused login does not always give a 401: Cloud answers as to an anonymous user, and says so in a header.
    fn taken_as_anonymous(&self, headers: &HeaderMap) -> bool {
        self.inner.auth.is_some()
            && headers
                .get("x-seraph-loginreason")
                .and_then(|v| v.to_str().ok())
                .is_some_and(|v| v.contains("AUTHENTICATED_FAILED") || v.contains("AUTHENTICATION_DENIED"))
    }

    /// The error for an answer that is not 2xx.
    pub(super) fn refusal(&self, call: &Call, answer: &Answer) -> JiraError {
        let words = words(&answer.body, &call.sent());
        let captcha = answer.headers.contains_key("x-authentication-denied-reason");
        let kind = match answer.status {
            _ if captcha || self.taken_as_anonymous(&answer.headers) => ErrorKind::Unauthorized,
            401 => ErrorKind::Unauthorized,
            403 => ErrorKind::Forbidden,
            404 | 410 if words.jira_shaped || (call.core && words.plausible) => ErrorKind::NotFound,
            404 | 405 | 410 | 501 => ErrorKind::NotSupported,
            408 => ErrorKind::Timeout,
            409 => ErrorKind::Conflict,
            413 => ErrorKind::TooLarge,
            429 => ErrorKind::RateLimited,
            400..=499 if words.messages.iter().any(|m| no_such_project(m)) => ErrorKind::ProjectNotVisible,
            400 if words.messages.iter().any(|m| lacks_permission(m)) => ErrorKind::Forbidden,
            400..=499 => ErrorKind::Rejected,
            500..=599 => ErrorKind::Server,
            _ => ErrorKind::BadAnswer,
        };
        let mut error = self.error(call, kind).status(answer.status).messages(words.messages);
        if captcha {
            error = error.hint("too many failed logins: log in once in a browser to solve the CAPTCHA");
        }
        if kind == ErrorKind::NotSupported && !words.plausible {
            error = error
                .hint("no such path on this server: an endpoint it lacks, or a wrong base address or context path");
        }
        error
    }

    /// Sends a call and reads the JSON of its answer.
    pub(super) async fn json(&self, call: &Call) -> Result<Value> {
        let answer = self.send(call).await?;
        if answer.body.is_empty() && call.safety != Safety::Read {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&answer.body).map_err(|e| {
            // A write was accepted, but what came of it is not known.
            let kind = if call.safety == Safety::Once { ErrorKind::Doubtful } else { ErrorKind::BadAnswer };
            self.error(call, kind).status(answer.status).message("the answer is not JSON").source(e)
        })
    }

    /// Like [`Client::json`], with `None` for a 404.
    pub(super) async fn json_or_absent(&self, call: &Call) -> Result<Option<Value>> {
        match self.json(call).await {
            Ok(value) => Ok(Some(value)),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    pub(super) fn bad_answer(&self, call: &Call, what: &'static str) -> JiraError {
        self.error(call, ErrorKind::BadAnswer).message(what)
    }
}

fn no_such_project(message: &str) -> bool {
    message.contains("for the field 'project'")
        || message.contains("valid project is required")
        || message.contains("valid project ID or key")
}

/// Jira answers 400 where one may not edit or delete a comment (both flavours) or a worklog (Cloud); its words say why. What
/// does not exist, or what one may not see, is another matter.
fn lacks_permission(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    (message.contains("not have permission") || message.contains("not have the permission"))
        && !message.contains("not exist")
}

fn method_name(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        _ => "POST",
    }
}

/// Scheme, host and port: where credentials may go.
pub(super) fn origin(url: &Url) -> (String, Option<String>, Option<u16>) {
    (url.scheme().to_owned(), url.host_str().map(str::to_owned), url.port_or_known_default())
}

pub(super) fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(|h| {
        h == "localhost" || h.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
    })
}

/// Full jitter: anything between nothing and the back-off (AWS Architecture Blog, "Exponential Backoff And Jitter").
fn jitter(retry: &RetryPolicy, failures: u32) -> Duration {
    let ceiling = retry.base.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(retry.cap);
    let millis = u64::try_from(ceiling.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(rand::random_range(0..=millis))
}

/// Reads a whole answer, up to the limit.
pub(super) async fn read_whole(mut response: reqwest::Response) -> Result<Answer, Trouble> {
    let status = response.status().as_u16();
    let headers = std::mem::take(response.headers_mut());
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(trouble)? {
        if body.len() + chunk.len() > LONGEST_ANSWER {
            let source = "the answer is longer than this client reads".into();
            return Err(Trouble { kind: ErrorKind::TooLarge, sent: true, source });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { status, headers, body })
}

/// Sorts reqwest's errors; its URL (with the query) is taken off.
pub(super) fn trouble(error: reqwest::Error) -> Trouble {
    let error = error.without_url();
    let (kind, sent) = if error.is_builder() {
        (ErrorKind::Config, false)
    } else if error.is_connect() {
        let kind = if is_tls(&error) {
            ErrorKind::Tls
        } else if error.is_timeout() {
            ErrorKind::Timeout
        } else {
            ErrorKind::Network
        };
        (kind, false)
    } else if error.is_timeout() {
        (ErrorKind::Timeout, true)
    } else {
        (ErrorKind::Network, true)
    };
    Trouble { kind, sent, source: Box::new(error) }
}

/// Whether rustls said no. An `io::Error` does not give what it wraps as its source, and they come wrapped twice.
fn is_tls(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(e) = next {
        if e.is::<rustls::Error>() {
            return true;
        }
        next = match e.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => e.source(),
        };
    }
    false
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn tls_trouble_is_found_where_reqwest_buries_it() {
        let tls = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let buried = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, tls));
        assert!(is_tls(&buried));
        assert!(!is_tls(&io::Error::other(io::Error::other("refused"))));
    }

    #[test]
    fn back_off_is_bounded() {
        let retry = RetryPolicy::default();
        for failures in [0, 1, 5, 40, u32::MAX] {
            assert!(jitter(&retry, failures) <= retry.cap);
        }
    }
}

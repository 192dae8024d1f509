//! One POST of JSON to a server that is no Jira, by the client's own transport: TLS, limits, retries, and no redirect followed.
//!
//! Knows nothing of what it carries. What the server answers is read and thrown away: it is another program's text.

use std::{path::PathBuf, time::Duration};

use reqwest::Url;
use serde_json::Value;

use super::{
    call::{Call, Safety},
    config::{Auth, ClientConfig, RetryPolicy},
    error::{ErrorKind, JiraError, Result},
    http::{Client, is_loopback},
};
use crate::model::{Flavor, InstanceName, Secret};

/// Everything a [`Webhook`] needs.
#[derive(Debug, Clone)]
pub struct WebhookConfig {
    /// Its address; `https`, but for a loopback host. It may hold a secret, so no error shows more of it than its host.
    pub url: Secret<String>,
    /// A token for `Authorization: Bearer`.
    pub token: Option<Secret<String>>,
    /// A PEM file of certificate authorities to trust beside those of the system.
    pub ca_file: Option<PathBuf>,
    /// A proxy.
    pub proxy: Option<String>,
    /// How long one request may take.
    pub timeout: Duration,
    /// Retries.
    pub retry: RetryPolicy,
}

/// A server that takes JSON.
#[derive(Debug, Clone)]
pub struct Webhook {
    client: Client,
    url: Secret<String>,
    shown: String,
}

impl Webhook {
    /// Prepares it; sends nothing.
    ///
    /// # Errors
    /// `Config` when the address, CA file, proxy or token cannot be used.
    pub fn new(config: WebhookConfig) -> Result<Self> {
        let fail = |m: &str| JiraError::config(format!("webhook: {m}"));
        let url = Url::parse(config.url.dangerously_expose()).map_err(|_| fail("the url cannot be read"))?;
        if url.scheme() != "https" && !(url.scheme() == "http" && is_loopback(&url)) {
            return Err(fail("the url must begin with https://; http:// is for this machine alone"));
        }
        // The client knows the server; the path, which may hold a secret, stays here.
        let mut base = url.clone();
        base.set_path("");
        base.set_query(None);
        base.set_fragment(None);
        let name: InstanceName = "webhook".parse().map_err(|_| fail("no name"))?;
        let auth = config.token.map_or(Auth::None, Auth::Bearer);
        let shown = url.host_str().unwrap_or_default().to_owned();
        let mut client = ClientConfig::new(name, base.as_str(), Flavor::DataCenter, auth);
        client.ca_file = config.ca_file;
        client.proxy = config.proxy;
        client.timeout = config.timeout;
        client.retry = config.retry;
        Ok(Self { client: Client::new(client)?, url: config.url, shown })
    }

    /// Posts `body`. A server that fails is asked again, so that it may get the same body twice.
    ///
    /// # Errors
    /// Any [`ErrorKind`]; the server's words are in none.
    pub async fn post(&self, body: Value) -> Result<()> {
        let call = Call::post("").safety(Safety::Idempotent).json(body).shown_as(self.shown.clone());
        let url = Url::parse(self.url.dangerously_expose())
            .map_err(|_| self.client.error(&call, ErrorKind::Config).message("the url cannot be read"))?;
        let sent = self.client.retrying(&call, || self.client.once(&call, &url)).await;
        sent.map(drop).map_err(|error| self.explained(&call, error))
    }

    /// The same error without the server's words and without advice that is about Jira.
    fn explained(&self, call: &Call, error: JiraError) -> JiraError {
        let Some(status) = error.status else { return error };
        let tries = (error.tries, error.maybe_applied);
        let (kind, hint) = match status {
            300..=399 => {
                (ErrorKind::BadAnswer, "it wants to send us elsewhere, which is not followed: give the address itself")
            }
            401 | 403 => (error.kind(), "check the token"),
            404 | 405 | 410 => (ErrorKind::NotSupported, "nothing takes a POST there: check the address"),
            500..=599 => (error.kind(), "the server failed; see its log"),
            _ => (error.kind(), "the server did not take it"),
        };
        self.client.error(call, kind).status(status).tries(tries.0, tries.1).hint(hint)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::jira::test_server::{Reply, Server, bytes, empty};

    fn config(url: &str, token: Option<&str>) -> WebhookConfig {
        WebhookConfig {
            url: Secret::new(url.to_owned()),
            token: token.map(|t| Secret::new(t.to_owned())),
            ca_file: None,
            proxy: None,
            timeout: Duration::from_millis(300),
            retry: RetryPolicy {
                attempts: 2,
                base: Duration::from_millis(1),
                cap: Duration::from_millis(2),
                ..RetryPolicy::default()
            },
        }
    }

    fn hook(server: &Server) -> Webhook {
        Webhook::new(config(&format!("{}/in/s3cret?sig=s3cret", server.url), Some("t0ken"))).unwrap()
    }

    #[tokio::test]
    async fn one_post_to_that_very_address() {
        let server = Server::start(|_, _| empty(204)).await;
        hook(&server).post(json!({ "n": 1 })).await.unwrap();
        let got = server.got();
        assert_eq!((got.len(), got[0].method.as_str(), got[0].target.as_str()), (1, "POST", "/in/s3cret?sig=s3cret"));
        assert_eq!(got[0].header("authorization"), Some("Bearer t0ken"));
        assert_eq!(got[0].json(), json!({ "n": 1 }));
        // Without a token nothing is made up.
        Webhook::new(config(&server.url, None)).unwrap().post(json!({})).await.unwrap();
        assert_eq!((server.got()[1].header("authorization"), server.got()[1].target.as_str()), (None, "/"));
    }

    #[tokio::test]
    async fn what_a_server_may_do_to_us() {
        for (status, tries, kind, hint) in [
            (500, 2, ErrorKind::Server, "see its log"),
            (302, 1, ErrorKind::BadAnswer, "not followed"),
            (307, 1, ErrorKind::BadAnswer, "not followed"),
            (401, 1, ErrorKind::Unauthorized, "check the token"),
            (404, 1, ErrorKind::NotSupported, "check the address"),
            (400, 1, ErrorKind::Rejected, "did not take it"),
        ] {
            let elsewhere = Server::start(|_, _| empty(200)).await;
            let to = elsewhere.url.clone();
            let server =
                Server::start(move |_, _| bytes(status, vec![("location", to.clone())], b"its own words")).await;
            let error = hook(&server).post(json!({ "text": "its" })).await.unwrap_err();
            let said = error.to_string();
            assert_eq!((error.kind(), server.count()), (kind, tries), "{said}");
            assert!(said.contains(hint) && said.contains("webhook: POST 127.0.0.1"), "{said}");
            assert!(!said.contains("s3cret") && !said.contains("its own") && !said.contains("t0ken"), "{said}");
            assert_eq!(elsewhere.count(), 0, "{status}: no redirect is followed");
        }
        let server = Server::start(|_, _| Reply::Silence).await;
        let error = hook(&server).post(json!({})).await.unwrap_err();
        assert_eq!((error.kind(), server.count()), (ErrorKind::Timeout, 2));
        // Plain HTTP where TLS is wanted, and the other way round.
        let tls = server.url.replace("http:", "https:");
        let server = Server::start(|_, _| empty(200)).await;
        let tls = [tls, server.url.replace("http:", "https:")];
        for url in tls {
            let mut config = config(&url, None);
            config.timeout = Duration::from_secs(2);
            let error = Webhook::new(config).unwrap().post(json!({})).await.unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Tls | ErrorKind::Timeout), "{error}");
        }
        for url in ["http://hooks.example.com/s3cret", "ftp://127.0.0.1", "s3cret"] {
            let error = Webhook::new(config(url, None)).unwrap_err();
            assert!(error.kind() == ErrorKind::Config && !error.to_string().contains("s3cret"), "{error}");
        }
    }
}

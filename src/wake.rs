//! Jira's webhooks as a wake-up: which synchronization has something to do. What has changed is asked of Jira, never of a caller.
//!
//! Owns the listener. A body is read to check its signature and to find the project, and is dropped: it is stored nowhere and
//! shown nowhere. Who calls without the secret learns nothing.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, State},
    http::{HeaderMap, StatusCode},
    routing::post,
};
use hmac::{Hmac, Mac};
use serde_json::Value;
use sha2::Sha256;

use crate::{
    config::Config,
    model::{InstanceName, ProjectKey, Secret, SyncName},
};

/// Largest body that is read, in bytes. Jira's are some ten kilobytes; one with a long text is larger.
const LARGEST: usize = 4 << 20;

/// The listener.
pub struct Wake {
    shared: Arc<Shared>,
    /// Where it listens.
    pub address: SocketAddr,
    server: tokio::task::JoinHandle<()>,
}

struct Shared {
    secret: Secret<String>,
    /// Each leg, and the source that it reads.
    sources: Vec<(SyncName, InstanceName, ProjectKey)>,
    called: Mutex<BTreeSet<SyncName>>,
    bell: tokio::sync::Notify,
}

impl Wake {
    /// Listens for the synchronizations of a configuration.
    ///
    /// # Errors
    /// When the address cannot be taken.
    pub async fn listen(config: &Config, address: SocketAddr, secret: Secret<String>) -> std::io::Result<Self> {
        let sources = config
            .syncs
            .values()
            .map(|s| (s.name.clone(), s.source.instance.clone(), s.source.project.clone()))
            .collect();
        let shared = Arc::new(Shared { secret, sources, called: Mutex::default(), bell: tokio::sync::Notify::new() });
        let router = Router::new()
            .route("/jira/{instance}", post(signed))
            .route("/jira/{instance}/{secret}", post(secret_in_path))
            .layer(DefaultBodyLimit::max(LARGEST))
            .with_state(shared.clone());
        let listener = tokio::net::TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let server = tokio::spawn(async move {
            if let Err(e) = axum::serve(listener, router).await {
                tracing::warn!("webhooks are heard no more: {e}");
            }
        });
        Ok(Self { shared, address, server })
    }

    /// Waits until somebody calls, and gives the synchronizations that are meant: each once, however often it was called.
    pub async fn called(&self) -> BTreeSet<SyncName> {
        loop {
            let names = std::mem::take(&mut *self.shared.called.lock().unwrap_or_else(PoisonError::into_inner));
            if !names.is_empty() {
                return names;
            }
            self.shared.bell.notified().await;
        }
    }
}

impl Drop for Wake {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Cloud signs what it sends (`X-Hub-Signature: sha256=…`, Atlassian's page "Webhooks", Secure admin webhooks).
async fn signed(
    State(shared): State<Arc<Shared>>,
    Path(instance): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let signature = headers.get("x-hub-signature").and_then(|h| h.to_str().ok()).unwrap_or_default();
    if !is_signed(&shared.secret, signature, &body) {
        return StatusCode::UNAUTHORIZED;
    }
    shared.wake(&instance, &body)
}

/// Data Center signs nothing: the secret is part of the address.
async fn secret_in_path(
    State(shared): State<Arc<Shared>>,
    Path((instance, given)): Path<(String, String)>,
    body: Bytes,
) -> StatusCode {
    // Hashes are compared in constant time.
    if blake3::hash(given.as_bytes()) != blake3::hash(shared.secret.dangerously_expose().as_bytes()) {
        return StatusCode::UNAUTHORIZED;
    }
    shared.wake(&instance, &body)
}

fn is_signed(secret: &Secret<String>, signature: &str, body: &[u8]) -> bool {
    let Some(given) = signature.strip_prefix("sha256=").and_then(|h| hex::decode(h).ok()) else { return false };
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.dangerously_expose().as_bytes()) else { return false };
    mac.update(body);
    mac.verify_slice(&given).is_ok()
}

impl Shared {
    fn wake(&self, instance: &str, body: &[u8]) -> StatusCode {
        let project = project(body);
        let meant = |(_, i, p): &&(SyncName, InstanceName, ProjectKey)| {
            i.as_str() == instance && project.as_ref().is_none_or(|key| p.as_str().eq_ignore_ascii_case(key))
        };
        let mut names: BTreeSet<SyncName> = self.sources.iter().filter(meant).map(|(name, ..)| name.clone()).collect();
        if names.is_empty() && !self.sources.iter().any(|(_, i, _)| i.as_str() == instance) {
            return StatusCode::NOT_FOUND;
        }
        if !names.is_empty() {
            self.called.lock().unwrap_or_else(PoisonError::into_inner).append(&mut names);
            self.bell.notify_one();
        }
        StatusCode::NO_CONTENT
    }
}

/// The project that an event is about; `None` where it does not say, so that every one is meant.
fn project(body: &[u8]) -> Option<String> {
    let event: Value = serde_json::from_slice(body).ok()?;
    let issue = event.get("issue")?;
    let named = issue.get("fields").and_then(|f| f.get("project")).and_then(|p| p.get("key")).and_then(Value::as_str);
    let of_key =
        || issue.get("key").and_then(Value::as_str).and_then(|k| k.rsplit_once('-')).map(|(project, _)| project);
    named.or_else(of_key).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = r#"
[home]
path = "h"
[instance.a]
url = "https://a.example"
flavor = "datacenter"
auth = { token_env = "A" }
[instance.b]
url = "https://b.example"
flavor = "cloud"
auth = { user = "bot@b.example", token_env = "B" }
[sync.x]
source = { instance = "a", project = "HQ" }
target = { instance = "b", project = "PART" }
direction = "two-way"
[sync.y]
source = { instance = "a", project = "OPS" }
target = { instance = "b", project = "FAR" }
"#;

    #[tokio::test]
    async fn who_knows_the_secret_wakes_what_reads_the_project() {
        let config = Config::parse(CONFIG, std::path::Path::new("e.toml")).unwrap();
        let secret = "It's a Secret to Everybody";
        let wake = Wake::listen(&config, "127.0.0.1:0".parse().unwrap(), Secret::new(secret.to_owned())).await.unwrap();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::new();
        let post = async |path: &str, signature: Option<String>, body: &str| {
            let mut call = client.post(format!("http://{}{path}", wake.address)).body(body.to_owned());
            if let Some(signature) = signature {
                call = call.header("X-Hub-Signature", signature);
            }
            call.send().await.unwrap().status().as_u16()
        };
        let sign = |body: &str| {
            let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
            mac.update(body.as_bytes());
            Some(format!("sha256={}", hex::encode(mac.finalize().into_bytes())))
        };
        let by_path = format!("/jira/a/{}", "It's%20a%20Secret%20to%20Everybody");
        let hq = r#"{"webhookEvent": "jira:issue_updated", "issue": {"key": "HQ-1"}}"#;
        let ops = r#"{"issue": {"key": "X-1", "fields": {"project": {"key": "ops"}}}}"#;
        for (path, signature, body, status) in [
            ("/jira/a", None, hq, 401),
            ("/jira/a", Some("sha256=00".to_owned()), hq, 401),
            ("/jira/a", sign(ops), hq, 401),
            ("/jira/a/guess", None, hq, 401),
            ("/jira/nowhere", sign(hq), hq, 404),
            ("/jira/a", sign(r#"{"issue": {"key": "ELSE-1"}}"#), r#"{"issue": {"key": "ELSE-1"}}"#, 204),
        ] {
            assert_eq!(post(path, signature, body).await, status, "{path}");
        }
        let quiet = tokio::time::timeout(std::time::Duration::from_millis(50), wake.called()).await;
        assert!(quiet.is_err(), "nobody was woken: {quiet:?}");
        for (path, signature, body, woken) in [
            ("/jira/a", sign(hq), hq, vec!["x"]),
            (by_path.as_str(), None, ops, vec!["y"]),
            ("/jira/b", sign(r#"{"issue": {"key": "PART-9"}}"#), r#"{"issue": {"key": "PART-9"}}"#, vec!["x.back"]),
            // What does not say is about all.
            ("/jira/a", sign("no JSON"), "no JSON", vec!["x", "y"]),
        ] {
            for _ in 0..3 {
                assert_eq!(post(path, signature.clone(), body).await, 204);
            }
            let names = wake.called().await;
            assert_eq!(names.iter().map(SyncName::as_str).collect::<Vec<_>>(), woken, "{path}");
        }
        assert_eq!(post(&by_path, None, &"x".repeat(LARGEST + 1)).await, 413);
    }

    /// The example of Atlassian's page "Webhooks".
    #[test]
    fn a_signature_that_others_computed() {
        let secret = Secret::new("It's a Secret to Everybody".to_owned());
        let signature = "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9";
        assert!(is_signed(&secret, signature, b"Hello World!"));
        assert!(!is_signed(&secret, signature, b"Hello World"));
    }
}

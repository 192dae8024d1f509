//! From the configuration of an instance to a client that can talk to it.

use std::time::Duration;

use crate::{
    config::{ConfigError, Instance},
    jira::{Auth, Client, ClientConfig, JiraError, RetryPolicy},
    model::Flavor,
};

/// Why no client could be made. Nothing was sent.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The secret is not where the configuration says.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The address, the certificate file or the proxy cannot be used.
    #[error(transparent)]
    Client(#[from] JiraError),
}

/// A client for `instance`; with `erase`, under the second credential where there is one. Sends nothing yet.
///
/// # Errors
/// When the secret cannot be read, or address, certificate file or proxy cannot be used.
pub fn connect(instance: &Instance, erase: bool) -> Result<Client, ConnectError> {
    let spec = instance.erase_auth.as_ref().filter(|_| erase).unwrap_or(&instance.auth);
    let secret = spec.secret(&instance.name)?;
    let auth = match &spec.user {
        Some(user) => Auth::Basic { user: user.clone(), secret },
        None => Auth::Bearer(secret),
    };
    let mut config = ClientConfig::new(instance.name.clone(), &instance.url, instance.flavor, auth);
    config.ca_file = instance.ca_file.clone();
    config.proxy = instance.proxy.clone();
    config.timeout = instance.timeout;
    // Cloud's search is not read-after-write; Data Center indexes within the request, with seconds of slack in a cluster.
    let lag = if instance.flavor == Flavor::Cloud && !is_loopback(&instance.url) { 15 } else { 1 };
    config.retry = RetryPolicy { search_lag: Duration::from_secs(lag), ..RetryPolicy::default() };
    Ok(Client::new(config)?)
}

/// A stand-in on this machine: no search cluster behind it.
fn is_loopback(url: &str) -> bool {
    ["://127.", "://localhost", "://[::1]"].iter().any(|l| url.contains(l))
}

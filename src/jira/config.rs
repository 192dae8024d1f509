//! What a client is made of: address, flavour, credentials, network, patience.

use std::{fmt, path::PathBuf, time::Duration};

use crate::model::{Flavor, InstanceName, Secret};

/// How the client proves who it is. `Debug` shows the kind alone.
#[derive(Clone)]
pub enum Auth {
    /// E-mail and API token (Cloud), or user name and password (Data Center).
    Basic {
        /// E-mail or user name.
        user: String,
        /// API token or password.
        secret: Secret<String>,
    },
    /// A personal access token (Data Center), or an OAuth 2.0 token.
    Bearer(Secret<String>),
    /// No credentials: what anonymous users see.
    None,
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Basic { .. } => "Basic(…)",
            Self::Bearer(_) => "Bearer(…)",
            Self::None => "None",
        })
    }
}

/// How often, and how long, the client tries again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How many times a call is sent at most after server errors and network trouble (1 = never again).
    pub attempts: u32,
    /// The first back-off; it doubles with each try. The real wait is drawn between zero and this (full jitter).
    pub base: Duration,
    /// No back-off is longer than this.
    pub cap: Duration,
    /// How long one call may wait in all because the server said 429, or 503 with `Retry-After`.
    pub patience: Duration,
    /// How long [`super::Client::find_created`] waits for the search index to catch up before it says "not there".
    pub search_lag: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 5,
            base: Duration::from_millis(250),
            cap: Duration::from_secs(20),
            patience: Duration::from_secs(300),
            search_lag: Duration::from_secs(15),
        }
    }
}

/// Everything a [`super::Client`] needs.
#[derive(Clone)]
pub struct ClientConfig {
    /// The name of the instance in the configuration.
    pub name: InstanceName,
    /// The base address, with the context path where there is one (`https://jira.example.com/jira`).
    pub url: String,
    /// Which API it speaks.
    pub flavor: Flavor,
    /// The credentials.
    pub auth: Auth,
    /// A PEM file of certificate authorities to trust beside those of the system.
    pub ca_file: Option<PathBuf>,
    /// A proxy (`http://proxy.example:3128`). Without one the usual environment variables count, except for loopback.
    pub proxy: Option<String>,
    /// How long one request may take; for streams, how long nothing may arrive.
    pub timeout: Duration,
    /// Retries.
    pub retry: RetryPolicy,
}

impl ClientConfig {
    /// A configuration with the defaults: no own CA file, no own proxy, 60 seconds, the default retries.
    pub fn new(name: InstanceName, url: impl Into<String>, flavor: Flavor, auth: Auth) -> Self {
        Self {
            name,
            url: url.into(),
            flavor,
            auth,
            ca_file: None,
            proxy: None,
            timeout: Duration::from_secs(60),
            retry: RetryPolicy::default(),
        }
    }
}

impl fmt::Debug for ClientConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The proxy's address may hold a password.
        f.debug_struct("ClientConfig")
            .field("name", &self.name)
            .field("flavor", &self.flavor)
            .field("auth", &self.auth)
            .field("own_ca", &self.ca_file.is_some())
            .field("own_proxy", &self.proxy.is_some())
            .field("timeout", &self.timeout)
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}

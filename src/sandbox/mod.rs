//! A Jira in memory that answers either flavour's REST API on a real loopback port, for the demo and the tests.
//!
//! Owns a whole invented Jira: people, projects, issues, history, JQL. It shares nothing with `jira/` (no types, no
//! ADF converter, no paging), so that the client cannot be judged by its own mistakes; it imports `model` for the
//! flavour and the project key alone. It must never listen on anything but loopback.
//!
//! Reading order: [`Sandbox`] here, `control` (switches and eyes for tests), `server` (sockets, faults, credentials),
//! `http` (plain requests and answers), `routes` (one file a resource), `state` (the world), `edit` and `fields`
//! (changing issues), `custom` (the wider custom fields), `jql`, `shapes` (JSON per flavour), `rich` (ADF and wiki text), `seed` (invented people).

mod control;
mod custom;
mod edit;
mod faults;
mod fields;
mod http;
mod jql;
mod rich;
mod rng;
mod routes;
pub mod seed;
mod server;
mod shapes;
mod state;

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use chrono::Utc;
pub use control::{Control, NewUser, Notification, NotificationKind, Person};
pub use faults::{RateLimit, RateLimitReason};
pub use state::{Clock, RedactionHistory, RedactionPlan, Workflow};

use crate::model::{Flavor, ProjectKey};

/// What a sandbox is to be.
#[derive(Clone)]
pub struct SandboxConfig {
    /// Which API it speaks.
    pub flavor: Flavor,
    /// Where it listens; port 0 takes a free one. Loopback only.
    pub listen: SocketAddr,
    /// The same seed gives the same world.
    pub seed: u64,
    /// How many issues are made.
    pub issues: usize,
    /// How long every answer waits.
    pub latency: Duration,
    /// The project that is made.
    pub project: ProjectKey,
    /// Where it reads the time; the system's clock by default.
    pub clock: Clock,
    /// Whether it starts as [`Control::make_unkind`] makes it.
    pub unkind: bool,
}

impl SandboxConfig {
    /// A free loopback port, seed 1, 25 issues in project `DEMO`, no latency, the system's clock.
    #[must_use]
    pub fn new(flavor: Flavor) -> Self {
        Self {
            flavor,
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            seed: 1,
            issues: 25,
            latency: Duration::ZERO,
            project: seed::default_project(),
            clock: Arc::new(Utc::now),
            unkind: false,
        }
    }

    /// The same, as unkind as a correct client must survive: see [`Control::make_unkind`].
    #[must_use]
    pub fn unkind(flavor: Flavor) -> Self {
        Self { unkind: true, ..Self::new(flavor) }
    }
}

/// Why a sandbox did not start, or a switch did not turn.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The address is not loopback: a sandbox has a known token and invented data, it is not for a network.
    #[error("the sandbox listens on loopback only, not on {0}")]
    NotLoopback(SocketAddr),
    /// The port could not be taken, or the runtime not be started.
    #[error("the sandbox could not listen on {listen}")]
    Listen {
        /// The address.
        listen: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A switch named something that is not there, or an edit was refused. Says what, never who.
    #[error("{0}")]
    Refused(String),
}

/// A running sandbox. It stops when dropped.
pub struct Sandbox {
    control: Control,
    url: String,
    flavor: Flavor,
    user: String,
    token: String,
    account_id: String,
    project: ProjectKey,
    /// `None` once it has been stopped.
    runtime: Option<tokio::runtime::Runtime>,
}

impl Sandbox {
    /// Makes the world and starts to answer.
    ///
    /// It runs on a thread of its own, so that a test whose runtime is blocked still gets answers.
    ///
    /// # Errors
    /// Where the address is not loopback or cannot be taken.
    pub async fn start(config: SandboxConfig) -> Result<Self, SandboxError> {
        let listen = config.listen;
        if !listen.ip().is_loopback() {
            return Err(SandboxError::NotLoopback(listen));
        }
        let failed = |source| SandboxError::Listen { listen, source };
        let listener = std::net::TcpListener::bind(listen).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let url = format!("http://{}", listener.local_addr().map_err(failed)?);
        let base = url.clone();
        let (project, flavor, unkind) = (config.project.clone(), config.flavor, config.unkind);
        // 50,000 issues take a while: not on the caller's runtime thread.
        let world = tokio::task::spawn_blocking(move || seed::world(&config, base).map(|w| (w, config.latency)))
            .await
            .map_err(|e| SandboxError::Refused(format!("the seeding ended early: {e}")))?;
        let (world, latency) = world?;
        let bot = world.user(world.bot);
        let user = if flavor == Flavor::Cloud { bot.email.clone().unwrap_or_default() } else { bot.name.clone() };
        let (token, account_id) = (world.token.clone(), bot.id.clone());
        let shared = server::Shared::new(world, latency);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("sandbox")
            .enable_all()
            .build()
            .map_err(failed)?;
        server::serve(&runtime, listener, Arc::clone(&shared)).map_err(failed)?;
        let control = Control::new(shared);
        if unkind {
            control.make_unkind();
        }
        #[cfg(test)]
        let url = tests::address(flavor, url);
        Ok(Self { control, url, flavor, user, token, account_id, project, runtime: Some(runtime) })
    }

    /// The base address, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The flavour.
    #[must_use]
    pub const fn flavor(&self) -> Flavor {
        self.flavor
    }

    /// The login name (Data Center) or e-mail (Cloud) of the bot.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The bot's token: Basic password and Bearer token alike.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The bot's account id (Cloud) or user key (Data Center).
    #[must_use]
    pub fn account_id(&self) -> &str {
        &self.account_id
    }

    /// The seeded project.
    #[must_use]
    pub const fn project(&self) -> &ProjectKey {
        &self.project
    }

    /// Switches and eyes; a cheap clone.
    #[must_use]
    pub fn control(&self) -> Control {
        self.control.clone()
    }

    /// Stops it: open connections end, the port is free afterwards.
    pub async fn stop(mut self) {
        if let Some(runtime) = self.runtime.take() {
            // A runtime must not be waited for on another runtime's thread. A failed join leaves nothing to do.
            drop(tokio::task::spawn_blocking(move || runtime.shutdown_timeout(Duration::from_secs(2))).await);
        }
    }
}

impl std::fmt::Debug for Sandbox {
    /// Without the token and the bot's name.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sandbox").field("url", &self.url).field("flavor", &self.flavor).finish_non_exhaustive()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_limits;
#[cfg(test)]
mod tests_unkind;
#[cfg(test)]
mod tests_wide;

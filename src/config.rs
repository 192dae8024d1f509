//! `efface.toml`: raw → checked configuration.
//!
//! Owns the file's format and its defaults. Reads the one file that it is given and, when asked for a secret, the
//! variable or file that the configuration names; opens no network and creates nothing.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use chrono::NaiveDate;
use serde::Deserialize;

use crate::model::{
    Area, Controller, Flavor, InstanceName, Mandate, ProjectKey, Schedule, ScheduleError, Secret, SyncName,
};

mod attachments;
mod deleted;
mod direction;
mod notify;
mod privacy;
mod relations;
mod webhook;

pub use attachments::Attachments;
pub use deleted::Deleted;
pub use direction::{Conflict, Twin};
pub use notify::{Notify, NotifyJira, NotifyWebhook};
pub use privacy::{Lawful, Privacy};
pub use relations::WorklogMode;
pub use webhook::Listener;

use privacy::RawPrivacy;

/// What is wrong with a configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file could not be read.
    #[error("cannot read the configuration {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not TOML of the right form; the message has line and column.
    #[error("{path} is not a valid configuration:\n{message}")]
    Parse {
        /// The file.
        path: PathBuf,
        /// Where and what.
        message: String,
    },
    /// The file is well formed but does not make sense.
    #[error("{path}: {message}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What and what to do.
        message: String,
    },
    /// A secret is not where the configuration says.
    #[error("instance {instance}: {message}")]
    Secret {
        /// Whose secret.
        instance: InstanceName,
        /// What is missing; never the secret.
        message: String,
    },
    /// A part of the configuration that this command needs is missing.
    #[error("{path} has no {section}; this command needs it")]
    Missing {
        /// The file.
        path: PathBuf,
        /// Which section.
        section: &'static str,
    },
}

/// A checked configuration; all paths are absolute or relative to the working directory, resolved against the file.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file it was read from.
    pub file: PathBuf,
    /// The home folder.
    pub home: Option<Home>,
    /// efface's own state folder.
    pub state: PathBuf,
    /// The suppression journal, which may lie outside the ordinary backup.
    pub journal: PathBuf,
    /// Which policy applies.
    pub policy: PolicySource,
    /// Who may sign approvals: a file in OpenSSH's `allowed_signers` format.
    pub signers: Option<PathBuf>,
    /// Other tools' folders.
    pub foreign: Vec<Foreign>,
    /// The instances.
    pub instances: BTreeMap<InstanceName, Instance>,
    /// Where Jira's webhooks are heard while synchronizations are watched.
    pub webhook: Option<Listener>,
    /// The synchronizations.
    pub syncs: BTreeMap<SyncName, Sync>,
    /// Who writes the letters, and with which templates.
    pub letters: Letters,
    /// When sweeps run by themselves.
    pub schedule: Option<Schedule>,
    /// Whom to tell what is due.
    pub notify: Option<Notify>,
    /// Who answers for the processing, for the record of it.
    pub privacy: Privacy,
}

/// What stands in every letter to a person or a recipient.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Letters {
    /// Templates of the user's own; a file there takes the place of the shipped one of the same name.
    pub folder: Option<PathBuf>,
    /// The controller's name and address.
    pub controller: Option<String>,
    /// How the controller is reached.
    pub contact: Option<String>,
    /// The supervisory authority in charge (Art. 77).
    pub authority: Option<String>,
}

/// The (shared) Jira home folder.
#[derive(Debug, Clone)]
pub struct Home {
    /// The shared home.
    pub path: PathBuf,
    /// Each cluster node's local home.
    pub local: Vec<PathBuf>,
    /// The staging area.
    pub staging: PathBuf,
    /// Log folders and files, scanned as area `log`; Jira's own `log` folder when not given.
    pub logs: Vec<PathBuf>,
}

/// Where the policy comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicySource {
    /// One that ships with efface.
    Shipped(&'static str),
    /// A file.
    File(PathBuf),
}

/// Another sync tool's staging folder.
#[derive(Debug, Clone)]
pub struct Foreign {
    /// Its name in places.
    pub name: String,
    /// The folder.
    pub path: PathBuf,
}

/// How to sign in; secrets are named, not held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthSpec {
    /// User name or e-mail for Basic; `None` for Bearer.
    pub user: Option<String>,
    /// Where the secret is.
    pub secret: SecretSource,
}

/// Where a secret is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// An environment variable.
    Env(String),
    /// A file; its trailing line break is not part of the secret.
    File(PathBuf),
}

/// One Jira site.
#[derive(Debug, Clone)]
pub struct Instance {
    /// Its name.
    pub name: InstanceName,
    /// Base URL, with a context path where there is one, without a trailing slash.
    pub url: String,
    /// Which API it speaks.
    pub flavor: Flavor,
    /// The everyday credential.
    pub auth: AuthSpec,
    /// A second credential, used by `case execute` and sweeps alone.
    pub erase_auth: Option<AuthSpec>,
    /// Who answers for it.
    pub controller: Controller,
    /// Whom to tell.
    pub contact: Option<String>,
    /// Where it stands (ISO 3166-1, two letters).
    pub country: Option<String>,
    /// Whether we may erase there.
    pub mandate: Mandate,
    /// The user key of who owns afterwards what an anonymised account owned (Data Center).
    pub new_owner: Option<String>,
    /// An own certificate authority (PEM).
    pub ca_file: Option<PathBuf>,
    /// A proxy URL.
    pub proxy: Option<String>,
    /// Time limit of one request.
    pub timeout: Duration,
}

/// How users are carried over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UserMode {
    /// To the same person's account in the target.
    Map,
    /// As a stable keyed alias in text.
    Pseudonym,
    /// As the display name in text.
    Text,
    /// Not at all.
    Drop,
}

/// One side of a synchronization.
#[derive(Debug, Clone)]
pub struct Side {
    /// The instance.
    pub instance: InstanceName,
    /// The project.
    pub project: ProjectKey,
    /// Which issues; all when not given.
    pub jql: Option<String>,
}

/// What to do with a change whose text holds the bare name of a suppressed person (it may be a namesake's).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NameMode {
    /// Park the change for review.
    Park,
    /// Cut the name.
    Cut,
}

/// A synchronization.
#[derive(Debug, Clone)]
pub struct Sync {
    /// Its name.
    pub name: SyncName,
    /// From.
    pub source: Side,
    /// To.
    pub target: Side,
    /// Which fields.
    pub fields: Vec<String>,
    /// How users are carried over.
    pub users: UserMode,
    /// Which of `components` and `versions` are made where the target lacks them.
    pub create: Vec<String>,
    /// Which attachments.
    pub attachments: Attachments,
    /// How users are carried over in a field, where that is not `users`.
    pub users_by_field: BTreeMap<String, UserMode>,
    /// Source user (name, key or account id) → target user.
    pub user_map: BTreeMap<String, String>,
    /// Source issue type → target issue type, by name.
    pub issue_types: BTreeMap<String, String>,
    /// Source status → target status, by name.
    pub statuses: BTreeMap<String, String>,
    /// Source priority → target priority, by name.
    pub priorities: BTreeMap<String, String>,
    /// Source link type → target link type, by name.
    pub link_types: BTreeMap<String, String>,
    /// How the authors of worklogs are carried over.
    pub worklogs: WorklogMode,
    /// Bare names of suppressed persons.
    pub names: NameMode,
    /// What becomes of the copy of an issue that was deleted in the source.
    pub deleted: Deleted,
    /// The label that marks such a copy.
    pub deleted_label: String,
    /// The last day on which it runs (UTC); what it wrote stays until retention takes it.
    pub ended: Option<NaiveDate>,
    /// Why it is done and by what right, for the record of processing activities.
    pub lawful: Lawful,
    /// The other leg, where it is one of two.
    pub twin: Option<Twin>,
    /// Time between two runs where it is watched.
    pub interval: Option<Duration>,
}

impl Sync {
    /// How users are carried over in a field.
    #[must_use]
    pub fn users_in(&self, field: &str) -> UserMode {
        self.users_by_field.get(field).copied().unwrap_or(self.users)
    }
}

/// Where users stand: in a field of their own, as an author, or mentioned in a text.
pub const USER_FIELDS: &[&str] = &["assignee", "reporter", "description", "comment", "worklog"];

/// Fields that a synchronization carries when the configuration names none.
pub const DEFAULT_FIELDS: &[&str] =
    &["summary", "description", "priority", "labels", "status", "assignee", "reporter", "comment", "attachment"];

/// Fields that a synchronization can carry today.
pub fn known_fields() -> impl Iterator<Item = &'static str> {
    DEFAULT_FIELDS.iter().chain(relations::ON_REQUEST).copied()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawConfig {
    home: Option<RawHome>,
    #[serde(default)]
    foreign: Vec<RawForeign>,
    #[serde(default)]
    instance: BTreeMap<InstanceName, RawInstance>,
    #[serde(default)]
    sync: BTreeMap<SyncName, RawSync>,
    #[serde(default)]
    letters: RawLetters,
    schedule: Option<RawSchedule>,
    notify: Option<notify::Raw>,
    webhook: Option<webhook::Raw>,
    #[serde(default)]
    privacy: RawPrivacy,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSchedule {
    sweep: String,
    #[serde(default = "utc")]
    timezone: String,
    #[serde(default = "yes")]
    catch_up: bool,
}

fn utc() -> String {
    "UTC".to_owned()
}

const fn yes() -> bool {
    true
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct RawLetters {
    folder: Option<PathBuf>,
    controller: Option<String>,
    contact: Option<String>,
    authority: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawHome {
    path: PathBuf,
    #[serde(default)]
    local: Vec<PathBuf>,
    staging: Option<PathBuf>,
    state: Option<PathBuf>,
    journal: Option<PathBuf>,
    policy: Option<String>,
    signers: Option<PathBuf>,
    logs: Option<Vec<PathBuf>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawForeign {
    name: String,
    path: PathBuf,
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct RawAuth {
    user: Option<String>,
    token_env: Option<String>,
    token_file: Option<PathBuf>,
    password_env: Option<String>,
    password_file: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawInstance {
    url: String,
    flavor: Flavor,
    auth: RawAuth,
    erase_auth: Option<RawAuth>,
    #[serde(default = "controller_us")]
    controller: Controller,
    contact: Option<String>,
    country: Option<String>,
    erase: Option<Mandate>,
    new_owner: Option<String>,
    ca_file: Option<PathBuf>,
    proxy: Option<String>,
    #[serde(default = "timeout_seconds")]
    timeout_seconds: u64,
}

const fn controller_us() -> Controller {
    Controller::Us
}

const fn timeout_seconds() -> u64 {
    60
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSide {
    instance: InstanceName,
    project: ProjectKey,
    jql: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RawDirection {
    OneWay,
    TwoWay,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSync {
    source: RawSide,
    target: RawSide,
    direction: Option<RawDirection>,
    interval: Option<String>,
    conflict: Option<Conflict>,
    back: Option<direction::RawBack>,
    fields: Option<Vec<String>>,
    users: Option<UserMode>,
    #[serde(default)]
    create: Vec<String>,
    #[serde(default)]
    attachments: attachments::Raw,
    #[serde(default)]
    users_by_field: BTreeMap<String, UserMode>,
    #[serde(default)]
    user_map: BTreeMap<String, String>,
    #[serde(default)]
    issue_types: BTreeMap<String, String>,
    #[serde(default)]
    statuses: BTreeMap<String, String>,
    #[serde(default)]
    priorities: BTreeMap<String, String>,
    #[serde(default)]
    link_types: BTreeMap<String, String>,
    #[serde(default)]
    worklogs: WorklogMode,
    names: Option<NameMode>,
    deleted: Option<Deleted>,
    deleted_label: Option<String>,
    ended: Option<toml::value::Datetime>,
    purpose: Option<String>,
    basis: Option<String>,
    on_behalf_of: Option<String>,
}

impl Config {
    /// What a project of the synchronizations is: a target where one writes copies into it, not counting ways back; else a
    /// source. Each is one of them, also where several synchronizations meet in it, so that it is read and planned for once.
    #[must_use]
    pub fn area(&self, instance: &InstanceName, project: &ProjectKey) -> Area {
        let forward = self.syncs.values().filter(|s| !s.twin.as_ref().is_some_and(|t| t.back));
        let mut targets = forward.map(|s| &s.target);
        if targets.any(|t| t.instance == *instance && t.project == *project) { Area::Target } else { Area::Source }
    }

    /// Reads and checks a file.
    ///
    /// # Errors
    /// When it cannot be read, is not TOML of the right form (with line and column), or names what is not there.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        Self::parse(&text, path)
    }

    /// Checks a text that came from `path`; relative paths are taken from that file's folder.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let raw: RawConfig =
            toml::from_str(text).map_err(|e| ConfigError::Parse { path: path.to_owned(), message: e.to_string() })?;
        let checker = Checker { path };
        let base = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        checker.config(raw, base)
    }

    /// The home section.
    ///
    /// # Errors
    /// When the configuration has none.
    pub fn home(&self) -> Result<&Home, ConfigError> {
        self.home.as_ref().ok_or_else(|| ConfigError::Missing { path: self.file.clone(), section: "[home] section" })
    }

    /// An instance that the configuration is known to have (checked when it was read).
    #[must_use]
    pub fn instance(&self, name: &InstanceName) -> Option<&Instance> {
        self.instances.get(name)
    }
}

impl AuthSpec {
    /// Reads the secret from where the configuration says.
    ///
    /// # Errors
    /// When the variable is unset, or the file cannot be read or is empty. The secret is in no message.
    pub fn secret(&self, instance: &InstanceName) -> Result<Secret<String>, ConfigError> {
        self.secret.read().map_err(|message| ConfigError::Secret { instance: instance.clone(), message })
    }
}

impl SecretSource {
    /// Reads the secret.
    ///
    /// # Errors
    /// What is missing, in words; the secret is not among them.
    pub fn read(&self) -> Result<Secret<String>, String> {
        let value = match self {
            Self::Env(name) => std::env::var(name)
                .map_err(|_| format!("the environment variable {name} is not set; it should hold the token"))?,
            Self::File(path) => std::fs::read_to_string(path)
                .map_err(|e| format!("cannot read the token file {}: {e}", path.display()))?,
        };
        let value = value.trim_end_matches(['\r', '\n']).to_owned();
        if value.is_empty() {
            return Err("the token is empty".to_owned());
        }
        Ok(Secret::new(value))
    }
}

struct Checker<'a> {
    path: &'a Path,
}

impl Checker<'_> {
    fn invalid<T>(&self, message: impl Into<String>) -> Result<T, ConfigError> {
        Err(ConfigError::Invalid { path: self.path.to_owned(), message: message.into() })
    }

    fn config(&self, raw: RawConfig, base: &Path) -> Result<Config, ConfigError> {
        let state =
            raw.home.as_ref().and_then(|h| h.state.as_ref()).map_or(base.join("efface-state"), |s| base.join(s));
        let journal = raw.home.as_ref().and_then(|h| h.journal.as_ref());
        let journal = journal.map_or_else(|| state.join("suppression.journal"), |j| base.join(j));
        let policy = match raw.home.as_ref().and_then(|h| h.policy.as_deref()) {
            None => PolicySource::Shipped("gdpr-default"),
            Some(name) => match crate::policy::SHIPPED.iter().find(|(shipped, _)| *shipped == name) {
                Some((name, _)) => PolicySource::Shipped(name),
                None => PolicySource::File(base.join(name)),
            },
        };
        let signers = raw.home.as_ref().and_then(|h| h.signers.as_ref()).map(|file| base.join(file));
        let home = raw.home.map(|h| {
            let path = base.join(h.path);
            Home {
                staging: path.join(h.staging.unwrap_or_else(|| "data/efface".into())),
                local: h.local.into_iter().map(|l| base.join(l)).collect(),
                logs: h.logs.unwrap_or_else(|| vec!["log".into()]).into_iter().map(|l| path.join(l)).collect(),
                path,
            }
        });
        let mut foreign = Vec::new();
        for f in raw.foreign {
            if foreign.iter().any(|g: &Foreign| g.name == f.name) {
                return self.invalid(format!("two [[foreign]] folders are named {:?}", f.name));
            }
            if f.name.parse::<SyncName>().is_err() {
                return self
                    .invalid(format!("[[foreign]] name {:?} may have letters, digits, '-', '_' and '.'", f.name));
            }
            let Some(home) = &home else {
                return self.invalid("[[foreign]] needs a [home] section with the Jira home folder");
            };
            foreign.push(Foreign { name: f.name, path: home.path.join(f.path) });
        }
        let instances = raw
            .instance
            .into_iter()
            .map(|(name, i)| Ok((name.clone(), self.instance(name, i, base)?)))
            .collect::<Result<BTreeMap<_, _>, ConfigError>>()?;
        let syncs = self.syncs(raw.sync, &instances)?;
        if home.is_none() && !syncs.is_empty() {
            return self.invalid("a [sync.…] section needs a [home] section with the Jira home folder");
        }
        let letters = self.letters(raw.letters, base)?;
        let privacy = raw.privacy.check().or_else(|why| self.invalid(why))?;
        let schedule = match raw.schedule {
            None => None,
            Some(raw) => match Schedule::parse(&raw.sweep, &raw.timezone, raw.catch_up) {
                Ok(schedule) => Some(schedule),
                Err(e @ ScheduleError::Zone(_)) => return self.invalid(format!("[schedule] timezone: {e}")),
                Err(e) => return self.invalid(format!("[schedule] sweep: {e}")),
            },
        };
        let notify = raw.notify.map(|raw| self.notify(raw, base, &instances)).transpose()?;
        let webhook = raw.webhook.map(|raw| raw.check(base)).transpose().or_else(|why| self.invalid(why))?;
        Ok(Config {
            file: self.path.to_owned(),
            home,
            state,
            journal,
            policy,
            signers,
            foreign,
            instances,
            syncs,
            letters,
            schedule,
            notify,
            webhook,
            privacy,
        })
    }

    fn letters(&self, raw: RawLetters, base: &Path) -> Result<Letters, ConfigError> {
        for (key, value) in [("controller", &raw.controller), ("contact", &raw.contact), ("authority", &raw.authority)]
        {
            privacy::text(&format!("[letters] {key}"), value.as_ref()).or_else(|why| self.invalid(why))?;
        }
        Ok(Letters {
            folder: raw.folder.map(|f| base.join(f)),
            controller: raw.controller,
            contact: raw.contact,
            authority: raw.authority,
        })
    }

    fn auth(&self, name: &InstanceName, raw: RawAuth, base: &Path) -> Result<AuthSpec, ConfigError> {
        let mut sources = Vec::new();
        sources.extend(raw.token_env.into_iter().chain(raw.password_env).map(SecretSource::Env));
        sources.extend(raw.token_file.into_iter().chain(raw.password_file).map(|f| SecretSource::File(base.join(f))));
        match (sources.pop(), sources.is_empty()) {
            (Some(secret), true) => Ok(AuthSpec { user: raw.user, secret }),
            _ => self.invalid(format!(
                "instance {name}: auth needs exactly one of token_env, token_file, password_env, password_file"
            )),
        }
    }

    fn instance(&self, name: InstanceName, raw: RawInstance, base: &Path) -> Result<Instance, ConfigError> {
        if !raw.url.starts_with("https://") && !raw.url.starts_with("http://") {
            return self.invalid(format!("instance {name}: url must start with https:// or http://"));
        }
        if raw.url.contains('@') {
            return self.invalid(format!("instance {name}: url must not carry credentials; use auth"));
        }
        if raw.timeout_seconds == 0 {
            return self.invalid(format!("instance {name}: timeout_seconds must be at least 1"));
        }
        let auth = self.auth(&name, raw.auth, base)?;
        let erase_auth = raw.erase_auth.map(|a| self.auth(&name, a, base)).transpose()?;
        let mandate = raw.erase.unwrap_or(match raw.controller {
            Controller::Partner => Mandate::Notify,
            Controller::Us | Controller::Joint | Controller::Processor => Mandate::Yes,
        });
        if raw.new_owner.is_some() && raw.flavor == Flavor::Cloud {
            return self.invalid(format!("[instance.{name}] new_owner: only a Data Center anonymises its users"));
        }
        let country = privacy::country(name.as_str(), raw.country).or_else(|why| self.invalid(why))?;
        Ok(Instance {
            country,
            url: raw.url.trim_end_matches('/').to_owned(),
            flavor: raw.flavor,
            auth,
            erase_auth,
            controller: raw.controller,
            contact: raw.contact,
            mandate,
            new_owner: raw.new_owner,
            ca_file: raw.ca_file.map(|f| base.join(f)),
            proxy: raw.proxy,
            timeout: Duration::from_secs(raw.timeout_seconds),
            name,
        })
    }

    /// All synchronizations; of a two-way one both legs.
    fn syncs(
        &self,
        raw: BTreeMap<SyncName, RawSync>,
        instances: &BTreeMap<InstanceName, Instance>,
    ) -> Result<BTreeMap<SyncName, Sync>, ConfigError> {
        let mut out = BTreeMap::new();
        for (name, mut raw) in raw {
            let two_way = matches!(raw.direction, Some(RawDirection::TwoWay));
            let (conflict, back) = (raw.conflict.take(), raw.back.take());
            let sync = self.sync(name.clone(), raw, instances)?;
            if !two_way {
                if conflict.is_some() || back.is_some() {
                    return self
                        .invalid(format!("sync {name}: conflict and back are for direction = \"two-way\" alone"));
                }
                out.insert(name, sync);
                continue;
            }
            let legs = direction::legs(sync, back.unwrap_or_default(), conflict.unwrap_or(Conflict::Newest));
            let (there, back) = legs.or_else(|why| self.invalid(format!("sync {name}: {why}")))?;
            out.insert(back.name.clone(), back);
            out.insert(name, there);
        }
        // Its own section would have been written over, or have written over it.
        if let Some(two) = out.values().find(|s| {
            s.twin
                .as_ref()
                .is_some_and(|t| out.get(&t.name).is_none_or(|o| o.twin.as_ref().is_none_or(|o| o.name != s.name)))
        }) {
            return self.invalid(format!(
                "the way back of sync {0} is named {0}.back: give the other section of that name another one",
                two.name
            ));
        }
        Ok(out)
    }

    fn sync(
        &self,
        name: SyncName,
        raw: RawSync,
        instances: &BTreeMap<InstanceName, Instance>,
    ) -> Result<Sync, ConfigError> {
        for side in [&raw.source, &raw.target] {
            if !instances.contains_key(&side.instance) {
                let known: Vec<_> = instances.keys().map(InstanceName::as_str).collect();
                return self.invalid(format!(
                    "sync {name}: there is no [instance.{}]; known: {}",
                    side.instance,
                    known.join(", ")
                ));
            }
        }
        if raw.source.instance == raw.target.instance && raw.source.project == raw.target.project {
            return self.invalid(format!("sync {name}: source and target are the same project"));
        }
        let fields = raw.fields.unwrap_or_else(|| DEFAULT_FIELDS.iter().map(|&f| f.to_owned()).collect());
        if let Some(unknown) = fields.iter().find(|f| !known_fields().any(|k| k == f.as_str())) {
            return self.invalid(format!(
                "sync {name}: unknown field {unknown:?}; known: {}",
                known_fields().collect::<Vec<_>>().join(", ")
            ));
        }
        if let Some(other) = raw.create.iter().find(|c| !relations::CREATED.contains(&c.as_str())) {
            return self.invalid(format!(
                "sync {name}: create has {other:?}; what can be made in a target: {}",
                relations::CREATED.join(", ")
            ));
        }
        if let Some(field) = raw.users_by_field.keys().find(|f| !USER_FIELDS.contains(&f.as_str())) {
            return self.invalid(format!(
                "sync {name}: users_by_field has no {field:?}; users stand in: {}",
                USER_FIELDS.join(", ")
            ));
        }
        let lawful = Lawful { purpose: raw.purpose, basis: raw.basis, on_behalf_of: raw.on_behalf_of };
        let lawful = lawful.check(name.as_str()).or_else(|why| self.invalid(why))?;
        let (deleted, deleted_label) = deleted::checked(raw.deleted, raw.deleted_label)
            .or_else(|why| self.invalid(format!("sync {name}: {why}")))?;
        let side = |s: RawSide| Side { instance: s.instance, project: s.project, jql: s.jql };
        Ok(Sync {
            source: side(raw.source),
            target: side(raw.target),
            fields,
            users: raw.users.unwrap_or(UserMode::Map),
            create: raw.create,
            attachments: raw.attachments.check().or_else(|why| self.invalid(format!("sync {name}: {why}")))?,
            users_by_field: raw.users_by_field,
            user_map: raw.user_map,
            issue_types: raw.issue_types,
            statuses: raw.statuses,
            priorities: raw.priorities,
            link_types: raw.link_types,
            worklogs: raw.worklogs,
            names: raw.names.unwrap_or(NameMode::Park),
            deleted,
            deleted_label,
            ended: match raw.ended {
                None => None,
                Some(day) => Some(day_of(&day).ok_or_else(|| ConfigError::Invalid {
                    path: self.path.to_owned(),
                    message: format!(
                        "sync {name}: ended = {day} is no day; write year, month and day, such as 2026-12-31"
                    ),
                })?),
            },
            lawful,
            twin: None,
            interval: raw
                .interval
                .map(|text| webhook::interval(&text))
                .transpose()
                .or_else(|why| self.invalid(format!("sync {name}: {why}")))?,
            name,
        })
    }
}

/// A TOML date without a time.
fn day_of(day: &toml::value::Datetime) -> Option<NaiveDate> {
    let date = day.date.filter(|_| day.time.is_none() && day.offset.is_none())?;
    NaiveDate::from_ymd_opt(date.year.into(), date.month.into(), date.day.into())
}

#[cfg(test)]
mod tests;

//! The channels: a webhook, and issues in a project. Each thing is told once to each; what fails is tried again by the next run.
//!
//! What is sent before its row is written is sent again after a crash: a webhook and a comment are told at least once. An issue is
//! made once, since it is looked for by its mark where its answer was lost.

use std::collections::BTreeSet;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::Notice;
use crate::{
    config::{Config, NotifyJira},
    jira::{Client, ErrorKind, JiraError, RetryPolicy, Webhook, WebhookConfig, adf_paragraphs, wiki_escape},
    model::{About, Flavor},
    store::{Act, Digest, Store, StoreError, ToldKey, ToldRow},
    sync,
};

/// The schema of what a webhook gets.
const SCHEMA: &str = "efface.notice/1";

/// The property by which an issue is known as ours.
const PROPERTY: &str = "efface.notice";

/// No run tells a channel more than this: years of cases that nobody was told of come in portions.
const MOST: usize = 100;

/// After so many failures in a row a channel is left alone until the next run.
const FAILURES: usize = 3;

/// How long a webhook may make us wait because it said 429, in all.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);

/// Where notices go.
#[derive(Debug)]
pub enum Channel {
    /// A server that takes JSON; why it cannot be used, where it cannot.
    Webhook {
        /// The server.
        hook: Result<Webhook, String>,
        /// Who gets it: its address.
        receiver: crate::model::Secret<String>,
    },
    /// A project that gets issues; why it cannot be used, where it cannot.
    Jira {
        /// The instance.
        client: Result<Client, String>,
        /// The project and the type of its issues.
        into: NotifyJira,
    },
    /// One that a test looks into.
    #[cfg(test)]
    Stub(tests::Stub),
}

/// The channels of a configuration, each usable or with why not. Sends nothing.
#[must_use]
pub fn channels(config: &Config) -> Vec<Channel> {
    let Some(notify) = &config.notify else { return Vec::new() };
    let webhook = notify.webhook.as_ref().map(|w| {
        let hook = w.token.as_ref().map(|t| t.read()).transpose().and_then(|token| {
            let config = WebhookConfig {
                url: w.url.clone(),
                token,
                ca_file: w.ca_file.clone(),
                proxy: w.proxy.clone(),
                timeout: w.timeout,
                retry: RetryPolicy { patience: PATIENCE, ..RetryPolicy::default() },
            };
            Webhook::new(config).map_err(|e| e.to_string())
        });
        Channel::Webhook { hook, receiver: w.url.clone() }
    });
    let jira = notify.jira.as_ref().map(|into| {
        let instance = config.instance(&into.instance).ok_or_else(|| format!("there is no instance {}", into.instance));
        let client = instance.and_then(|i| sync::connect(i, false).map_err(|e| e.to_string()));
        Channel::Jira { client, into: into.clone() }
    });
    webhook.into_iter().chain(jira).collect()
}

impl Channel {
    /// Its kind, as it is printed and kept.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Webhook { .. } => "webhook",
            Self::Jira { .. } => "jira",
            #[cfg(test)]
            Self::Stub(_) => "stub",
        }
    }

    fn receiver(&self) -> String {
        match self {
            Self::Webhook { receiver, .. } => receiver.dangerously_expose().clone(),
            Self::Jira { into, .. } => format!("{}/{}", into.instance, into.project),
            #[cfg(test)]
            Self::Stub(_) => String::new(),
        }
    }

    /// Asks whether it can be used, without telling anything: whether the token is there, whether the project can be seen and has
    /// the type of issues.
    ///
    /// # Errors
    /// Why it cannot, in words.
    pub async fn check(&self) -> Result<String, String> {
        match self {
            #[cfg(test)]
            Self::Stub(_) => Ok(String::new()),
            Self::Webhook { hook, .. } => {
                hook.as_ref().map(|_| "its address and token can be used".to_owned()).map_err(Clone::clone)
            }
            Self::Jira { client, into } => {
                let client = client.as_ref().map_err(Clone::clone)?;
                let types = client.issue_types(&into.project).await.map_err(|e| e.to_string())?;
                let names: Vec<&str> = types.iter().filter_map(|t| t.get("name")?.as_str()).collect();
                if names.contains(&into.issue_type.as_str()) {
                    return Ok(format!("project {} takes issues of type {}", into.project, into.issue_type));
                }
                Err(format!(
                    "project {} has no issue type {:?}; it has: {}",
                    into.project,
                    into.issue_type,
                    names.join(", ")
                ))
            }
        }
    }
}

/// What became of a notice at a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "result", content = "why")]
pub enum Fate {
    /// It was told as it stands before.
    Known,
    /// It would be told now.
    Due,
    /// It was told.
    Told,
    /// It was not, and why; the next run tries again.
    Failed(String),
    /// It was not tried, and why; the next run does.
    Later(String),
}

impl Fate {
    /// Its word.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Known => "known",
            Self::Due => "due",
            Self::Told => "told",
            Self::Failed(_) => "failed",
            Self::Later(_) => "later",
        }
    }

    /// Why it was not told.
    #[must_use]
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Failed(why) | Self::Later(why) => Some(why),
            Self::Known | Self::Due | Self::Told => None,
        }
    }
}

/// A notice at a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Which of the notices.
    #[serde(skip)]
    pub notice: usize,
    /// The channel's kind.
    pub channel: &'static str,
    /// What became of it.
    #[serde(flatten)]
    pub fate: Fate,
    /// The issue that tells of it.
    pub issue: Option<String>,
}

/// What telling needs.
pub struct Room<'a> {
    /// What was told before.
    pub store: &'a Store,
    /// The channels.
    pub channels: &'a [Channel],
    /// What is told; notices about anything else are passed over.
    pub about: &'a BTreeSet<About>,
    /// Of what not all could be seen: what is missing there is not over.
    pub unsure: &'a BTreeSet<About>,
    /// Who acts.
    pub actor: &'a str,
    /// When.
    pub now: DateTime<Utc>,
    /// Whether nothing is to be sent and kept.
    pub dry_run: bool,
}

/// A failure of one send.
struct Failed {
    why: String,
    reach: Reach,
}

/// What a failure says of the next notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// It would fare no better.
    Channel,
    /// It may fare no better: not after several of these.
    Perhaps,
    /// Nothing: it is about this one alone.
    Notice,
}

impl From<JiraError> for Failed {
    fn from(error: JiraError) -> Self {
        let reach = match error.kind() {
            ErrorKind::Unauthorized
            | ErrorKind::ProjectNotVisible
            | ErrorKind::RateLimited
            | ErrorKind::Network
            | ErrorKind::Tls
            | ErrorKind::Timeout
            | ErrorKind::Config => Reach::Channel,
            // An issue that is archived, say, must not keep the others from being told.
            ErrorKind::Forbidden
            | ErrorKind::NotFound
            | ErrorKind::Rejected
            | ErrorKind::Conflict
            | ErrorKind::TooLarge => Reach::Notice,
            ErrorKind::NotifyForbidden
            | ErrorKind::Server
            | ErrorKind::Doubtful
            | ErrorKind::NotSupported
            | ErrorKind::BadAnswer
            | ErrorKind::Local => Reach::Perhaps,
        };
        Self { why: error.to_string(), reach }
    }
}

/// Tells `notices` to the channels, in order. What one channel or one notice says stops no other, but for a channel that cannot be
/// reached at all: it is left alone until the next run.
///
/// # Errors
/// What the store says.
pub async fn tell(room: &Room<'_>, notices: &[Notice], stopped: &dyn Fn() -> bool) -> Result<Vec<Line>, StoreError> {
    let mut lines = Vec::new();
    for channel in room.channels {
        let receiver = channel.receiver();
        let key = |n: &Notice| room.store.told_key(channel.kind(), &receiver, n.about, &n.thing);
        let (mut sent, mut failures, mut gone) = (0, 0, None::<String>);
        for (i, notice) in notices.iter().enumerate().filter(|(_, n)| room.about.contains(&n.about)) {
            let (key, state) = (key(notice), room.store.told_state(&notice.mark));
            let row = room.store.told(&key)?;
            let issue = row.issue.clone();
            let mut line = Line { notice: i, channel: channel.kind(), fate: Fate::Due, issue };
            if row.state == Some(state) {
                line.fate = Fate::Known;
            } else if room.dry_run {
                // As it was made.
            } else if stopped() {
                line.fate = Fate::Later("efface is about to end".to_owned());
            } else if let Some(why) = &gone {
                line.fate = Fate::Later(why.clone());
            } else if sent == MOST {
                line.fate = Fate::Later(format!("one run tells no more than {MOST}"));
            } else {
                sent += 1;
                match send(room, channel, notice, (&key, &state), &row).await? {
                    Ok(issue) => {
                        let act = Act { actor: room.actor, at: room.now };
                        let what = (channel.kind(), notice.about, notice.case.as_ref());
                        room.store.tell_done(&act, &key, what, &state, issue.as_deref())?;
                        (line.fate, line.issue, failures) = (Fate::Told, issue, 0);
                    }
                    Err(Failed { why, reach }) => {
                        failures += usize::from(reach == Reach::Perhaps);
                        if reach == Reach::Channel || failures == FAILURES {
                            gone = Some("the channel failed before; the next run tries again".to_owned());
                        }
                        line.fate = Fate::Failed(why);
                    }
                }
            }
            lines.push(line);
        }
        if !room.dry_run {
            for about in room.about.difference(room.unsure) {
                let now = notices.iter().filter(|n| n.about == *about).map(key).collect();
                room.store.tell_over(channel.kind(), *about, &now)?;
            }
        }
    }
    Ok(lines)
}

/// Sends one notice; gives the issue that tells of it, where the channel makes issues. The outer error is the store's.
async fn send(
    room: &Room<'_>,
    channel: &Channel,
    notice: &Notice,
    (key, state): (&ToldKey, &Digest),
    row: &ToldRow,
) -> Result<Result<Option<String>, Failed>, StoreError> {
    let unusable = |why: &String| Ok(Err(Failed { why: why.clone(), reach: Reach::Channel }));
    match channel {
        #[cfg(test)]
        Channel::Stub(stub) => Ok(stub.take(notice).map(|()| None)),
        Channel::Webhook { hook: Err(why), .. } | Channel::Jira { client: Err(why), .. } => unusable(why),
        Channel::Webhook { hook: Ok(hook), .. } => {
            Ok(hook.post(body(notice, key, state, room.now)).await.map(|()| None).map_err(Failed::from))
        }
        Channel::Jira { client: Ok(client), into } => {
            Ok(match issue(room, client, into, notice, (key, state), row).await? {
                Ok(issue) => Ok(Some(issue)),
                Err(error) => Err(Failed::from(error)),
            })
        }
    }
}

/// What a webhook gets. `id` is the same for the same state of the same thing, so that what is sent twice can be told.
fn body(notice: &Notice, key: &ToldKey, state: &Digest, now: DateTime<Utc>) -> Value {
    json!({
        "schema": SCHEMA,
        "id": format!("{}-{}", hex::encode(&key[..8]), hex::encode(&state[..8])),
        "at": now.to_rfc3339_opts(SecondsFormat::Secs, true),
        "about": notice.about,
        "thing": notice.thing,
        "case": notice.case,
        "state": notice.state,
        "summary": notice.summary,
        // Chat programs show this one.
        "text": format!("{}\n{}", notice.summary, notice.text),
        "counts": notice.counts,
    })
}

/// A plain text as the instance wants it.
fn rich(client: &Client, text: &str) -> Value {
    match client.flavor() {
        Flavor::Cloud => adf_paragraphs(text),
        Flavor::DataCenter => json!(wiki_escape(text)),
    }
}

/// A comment on the issue that tells of the thing, or a new issue where there is none.
async fn issue(
    room: &Room<'_>,
    client: &Client,
    into: &NotifyJira,
    notice: &Notice,
    (key, state): (&ToldKey, &Digest),
    row: &ToldRow,
) -> Result<Result<String, JiraError>, StoreError> {
    let mark = hex::encode(key);
    let mut known = row.issue.clone();
    if let (None, Some(begun)) = (&known, row.begun) {
        match client.find_created(&into.project, begun, PROPERTY, &mark).await {
            Ok(Some(made)) if row.tried == Some(*state) => return Ok(Ok(made.key)),
            Ok(made) => known = made.map(|made| made.key),
            // Where marks cannot be read, a second issue is better than none.
            Err(e) if e.kind() == ErrorKind::NotSupported => {}
            Err(e) => return Ok(Err(e)),
        }
    }
    if let Some(issue) = known {
        let comment = rich(client, &format!("{}\n\n{}", notice.summary, notice.text));
        match client.add_comment(&issue, comment, &[]).await {
            Ok(_) => return Ok(Ok(issue)),
            // Somebody has deleted it.
            Err(e) if e.kind() == ErrorKind::NotFound => {}
            Err(e) => return Ok(Err(e)),
        }
    }
    room.store.tell_begins(key, "jira", notice.about, state, room.now)?;
    let mut fields = Map::new();
    fields.insert("project".to_owned(), json!({ "key": into.project }));
    fields.insert("issuetype".to_owned(), json!({ "name": into.issue_type }));
    fields.insert("summary".to_owned(), json!(format!("efface: {}", notice.summary)));
    fields.insert("description".to_owned(), rich(client, &notice.text));
    match client.create_issue(fields, &[(PROPERTY.to_owned(), json!({ "mark": mark }))]).await {
        Ok(made) => Ok(Ok(made.key)),
        Err(e) => {
            if e.kind() != ErrorKind::Doubtful {
                room.store.tell_failed(key)?;
            }
            Ok(Err(e))
        }
    }
}

#[cfg(test)]
#[path = "send_tests.rs"]
mod tests;

//! `[notify]`: whom to tell what is due, and of what.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Deserialize;

use super::{Checker, ConfigError, Instance, SecretSource};
use crate::model::{About, InstanceName, ProjectKey, Secret};

/// Whom to tell, and of what.
#[derive(Debug, Clone)]
pub struct Notify {
    /// A server that takes notices as JSON.
    pub webhook: Option<NotifyWebhook>,
    /// A project that gets an issue for each thing.
    pub jira: Option<NotifyJira>,
    /// What is told; everything where the configuration does not say.
    pub about: BTreeSet<About>,
}

/// A server that takes notices as JSON.
#[derive(Debug, Clone)]
pub struct NotifyWebhook {
    /// Its address. Some services put their secret into it, so it is shown nowhere.
    pub url: Secret<String>,
    /// The token that goes along (`Authorization: Bearer`), where it wants one.
    pub token: Option<SecretSource>,
    /// An own certificate authority (PEM).
    pub ca_file: Option<PathBuf>,
    /// A proxy URL.
    pub proxy: Option<String>,
    /// Time limit of one request.
    pub timeout: Duration,
}

/// A project that gets an issue for each thing.
#[derive(Debug, Clone)]
pub struct NotifyJira {
    /// Its instance.
    pub instance: InstanceName,
    /// Its key.
    pub project: ProjectKey,
    /// The type of the issues, by name.
    pub issue_type: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    webhook: Option<RawWebhook>,
    jira: Option<RawJira>,
    about: Option<Vec<About>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawWebhook {
    url: String,
    token_env: Option<String>,
    token_file: Option<PathBuf>,
    ca_file: Option<PathBuf>,
    proxy: Option<String>,
    /// A receiver answers at once or not at all.
    #[serde(default = "fifteen")]
    timeout_seconds: u64,
}

const fn fifteen() -> u64 {
    15
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawJira {
    instance: InstanceName,
    project: ProjectKey,
    #[serde(default = "task")]
    issue_type: String,
}

fn task() -> String {
    "Task".to_owned()
}

/// Name and port of an address without its scheme, with the credentials where there are any.
fn authority(rest: &str) -> &str {
    rest.split(['/', '\\', '?', '#']).next().unwrap_or_default()
}

/// Whether nothing that goes to an address leaves this machine. Only what is written out as loopback: a name may lead anywhere.
fn is_loopback(rest: &str) -> bool {
    let host = authority(rest);
    let host = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

impl Checker<'_> {
    pub(super) fn notify(
        &self,
        raw: Raw,
        base: &Path,
        instances: &BTreeMap<InstanceName, Instance>,
    ) -> Result<Notify, ConfigError> {
        let webhook = raw.webhook.map(|webhook| self.webhook(webhook, base)).transpose()?;
        let jira = match raw.jira {
            None => None,
            Some(jira) if !instances.contains_key(&jira.instance) => {
                let known: Vec<_> = instances.keys().map(InstanceName::as_str).collect();
                return self.invalid(format!(
                    "[notify] jira: there is no [instance.{}]; known: {}",
                    jira.instance,
                    known.join(", ")
                ));
            }
            Some(jira) if jira.issue_type.trim().is_empty() => {
                return self
                    .invalid("[notify] jira: issue_type is empty; give the name of one, such as \"Task\"".to_owned());
            }
            Some(RawJira { instance, project, issue_type }) => Some(NotifyJira { instance, project, issue_type }),
        };
        if webhook.is_none() && jira.is_none() {
            return self.invalid(
                "[notify] tells nobody; add webhook = { url = \"https://…\" } or jira = { instance = \"…\", project = \"OPS\" }",
            );
        }
        let about: BTreeSet<About> = raw.about.map_or_else(|| About::ALL.into(), |a| a.into_iter().collect());
        if about.is_empty() {
            let known: Vec<_> = About::ALL.map(|a| format!("{:?}", a.as_str())).into();
            return self.invalid(format!("[notify] about is empty; known: {}", known.join(", ")));
        }
        Ok(Notify { webhook, jira, about })
    }

    fn webhook(&self, raw: RawWebhook, base: &Path) -> Result<NotifyWebhook, ConfigError> {
        // The address itself is in no message: see `NotifyWebhook::url`.
        let is_safe = raw.url.starts_with("https://") || raw.url.strip_prefix("http://").is_some_and(is_loopback);
        if !is_safe {
            return self.invalid(
                "[notify] webhook: url must start with https:// (http:// is for 127.0.0.1, [::1] and localhost)",
            );
        }
        if raw.url.split_once("://").is_some_and(|(_, rest)| authority(rest).contains('@')) {
            return self.invalid("[notify] webhook: url must not carry credentials; use token_env or token_file");
        }
        if raw.timeout_seconds == 0 {
            return self.invalid("[notify] webhook: timeout_seconds must be at least 1");
        }
        let token = match (raw.token_env, raw.token_file) {
            (None, None) => None,
            (Some(name), None) => Some(SecretSource::Env(name)),
            (None, Some(file)) => Some(SecretSource::File(base.join(file))),
            (Some(_), Some(_)) => {
                return self.invalid("[notify] webhook: token_env and token_file: one of them, not both");
            }
        };
        Ok(NotifyWebhook {
            url: Secret::new(raw.url),
            token,
            ca_file: raw.ca_file.map(|f| base.join(f)),
            proxy: raw.proxy,
            timeout: Duration::from_secs(raw.timeout_seconds),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    const HQ: &str =
        "[instance.hq]\nurl = \"https://jira.example.com\"\nflavor = \"datacenter\"\nauth = { token_env = \"T\" }\n";

    fn parse(notify: &str) -> Result<Config, ConfigError> {
        Config::parse(&format!("{HQ}[notify]\n{notify}\n"), Path::new("/etc/e.toml"))
    }

    #[test]
    fn either_or_both_and_what_is_told() {
        let both = "webhook = { url = \"https://h.example/s3cret\", token_file = \"t\" }\njira = { instance = \"hq\", project = \"OPS\" }";
        let notify = parse(both).unwrap().notify.unwrap();
        assert_eq!(notify.about.into_iter().collect::<Vec<_>>(), About::ALL);
        let (webhook, jira) = (notify.webhook.unwrap(), notify.jira.unwrap());
        assert_eq!(webhook.token, Some(SecretSource::File("/etc/t".into())));
        assert_eq!((jira.project.as_str(), jira.issue_type.as_str()), ("OPS", "Task"));
        assert!(!format!("{webhook:?}").contains("s3cret"));
        let some = parse("about = [\"sweep\"]\nwebhook = { url = \"https://h.example\" }").unwrap().notify.unwrap();
        assert_eq!(some.about, [About::Sweep].into());
        assert!(Config::parse(HQ, Path::new("e.toml")).unwrap().notify.is_none());
    }

    #[test]
    fn plain_http_is_for_this_machine_alone() {
        for (url, good) in [
            ("https://hooks.example.com/x?sig=1", true),
            ("https://hooks.example.com/a@b/x", true),
            ("http://127.0.0.1:8080/x", true),
            ("http://127.9.9.9", true),
            ("http://localhost/x", true),
            ("http://[::1]:80/x", true),
            ("http://hooks.example.com/x", false),
            ("http://127.0.0.1.example.com/", false),
            ("http://127.0.0.1@example.com/", false),
            ("http://localhost.example.com/", false),
            ("http://example.com/#127.0.0.1", false),
            ("http://[::2]/", false),
            ("http:///x", false),
            ("ftp://127.0.0.1/", false),
            ("hooks.example.com", false),
            ("https://bot:pw@hooks.example.com/", false),
        ] {
            let parsed = parse(&format!("webhook = {{ url = \"{url}\" }}"));
            assert_eq!(parsed.is_ok(), good, "{url}");
            if let Err(error) = parsed {
                assert!(!error.to_string().contains("example.com"), "the address is in no message: {error}");
            }
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (wrong, want) in [
            ("", "tells nobody"),
            ("about = [\"deadline\"]", "tells nobody"),
            ("about = []\nwebhook = { url = \"https://h.example\" }", "about is empty; known: \"deadline\""),
            ("about = [\"mail\"]\nwebhook = { url = \"https://h.example\" }", "unknown variant `mail`"),
            ("jira = { instance = \"no\", project = \"OPS\" }", "there is no [instance.no]; known: hq"),
            ("jira = { instance = \"hq\", project = \"OPS\", issue_type = \" \" }", "issue_type is empty"),
            ("jira = { instance = \"hq\", project = \"ops 1\" }", "project"),
            ("webhook = { url = \"https://h.example\", token_env = \"A\", token_file = \"b\" }", "not both"),
            ("webhook = { url = \"https://h.example\", timeout_seconds = 0 }", "at least 1"),
            ("webhook = { url = \"https://h.example\", tokn_env = \"A\" }", "unknown field `tokn_env`"),
        ] {
            let said = parse(wrong).unwrap_err().to_string();
            assert!(said.contains(want), "{wrong}: {said}");
        }
    }
}

//! `[webhook]` and `interval`: when a synchronization that is watched runs.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Deserialize;

use super::SecretSource;

/// Where Jira's webhooks are heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// What a caller has to know.
    pub secret: SecretSource,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    listen: String,
    secret_env: Option<String>,
    secret_file: Option<PathBuf>,
}

impl Raw {
    /// # Errors
    /// What is wrong, in words.
    pub(super) fn check(self, base: &Path) -> Result<Listener, String> {
        let listen = self.listen.parse().map_err(|_| {
            format!("[webhook] listen = {:?} is no address with a port, such as 127.0.0.1:8765", self.listen)
        })?;
        let secret = match (self.secret_env, self.secret_file) {
            (Some(name), None) => SecretSource::Env(name),
            (None, Some(path)) => SecretSource::File(base.join(path)),
            _ => return Err("[webhook] needs exactly one of secret_env and secret_file".into()),
        };
        Ok(Listener { listen, secret })
    }
}

/// Shortest and longest time between two runs.
const BOUNDS: std::ops::RangeInclusive<u64> = 5..=86_400;

/// A time such as `30s`, `5m` or `1h`.
///
/// # Errors
/// What is wrong, in words that follow `interval = …`.
pub(super) fn interval(text: &str) -> Result<Duration, String> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let each = match unit.trim() {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => 0,
    };
    let seconds = number.parse::<u64>().ok().and_then(|n| n.checked_mul(each)).filter(|s| BOUNDS.contains(s));
    seconds.map(Duration::from_secs).ok_or_else(|| {
        format!("interval = {text:?} is no time between 5s and 24h: a number and s, m or h, such as \"5m\"")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals() {
        for (text, seconds) in [("5s", 5), ("5m", 300), ("24h", 86_400), ("90 m", 5400)] {
            assert_eq!(interval(text), Ok(Duration::from_secs(seconds)));
        }
        for bad in ["", "5", "m", "4s", "25h", "-5m", "5 min", "1.5h", "99999999999999999999h", "5m5s"] {
            assert!(interval(bad).unwrap_err().contains("such as \"5m\""), "{bad}");
        }
    }

    #[test]
    fn listeners() {
        let of =
            |text: &str| toml::from_str::<Raw>(text).map_err(|e| e.to_string()).and_then(|r| r.check(Path::new("/c")));
        let good = of("listen = \"127.0.0.1:8765\"\nsecret_file = \"hook\"").unwrap();
        assert_eq!(good.secret, SecretSource::File("/c/hook".into()));
        for (text, wanted) in [
            ("listen = \"localhost\"\nsecret_env = \"S\"", "with a port"),
            ("listen = \"127.0.0.1:1\"", "exactly one of"),
            ("listen = \"127.0.0.1:1\"\nsecret_env = \"S\"\nsecret_file = \"f\"", "exactly one of"),
            ("listen = \"127.0.0.1:1\"\nsecret = \"in clear\"", "unknown field"),
        ] {
            assert!(of(text).unwrap_err().contains(wanted), "{text}");
        }
    }
}

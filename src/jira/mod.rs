//! The Jira client for both flavours, and the conversion between ADF and wiki markup.
//!
//! Owns HTTP, a webhook's too: it is the only module that uses reqwest. It knows nothing of sync, scans or cases; unknown JSON is kept, so
//! answers stay `serde_json` values with thin typed accessors. No query, body, file name or credential gets into an error.
//!
//! ```no_run
//! # async fn f() -> Result<(), efface::jira::JiraError> {
//! use efface::{jira::{Auth, Client, ClientConfig}, model::{Flavor, Secret}};
//! let auth = Auth::Bearer(Secret::new("token".to_owned()));
//! let jira = Client::new(ClientConfig::new("hq".parse().unwrap(), "https://jira.example.com", Flavor::DataCenter, auth))?;
//! let mut search = jira.search("project = HQ ORDER BY id", &["summary"]);
//! while let Some(issues) = search.next_page().await? {
//!     println!("{}", issues.len());
//! }
//! # Ok(()) }
//! ```

mod adf;
mod attachment;
mod call;
mod config;
mod doc;
mod erase;
#[cfg(test)]
mod erase_tests;
mod error;
mod http;
mod instance;
mod issue;
mod looks;
#[cfg(test)]
mod markup_kinds_tests;
#[cfg(test)]
mod markup_laws;
#[cfg(test)]
mod markup_tests;
mod pace;
mod parts;
#[cfg(test)]
mod peer_tests;
mod people;
#[cfg(test)]
mod people_tests;
#[cfg(test)]
mod sandbox_tests;
mod scrub;
mod search;
mod settings;
#[cfg(test)]
pub(crate) mod test_server;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_reading;
mod types;
#[cfg(test)]
mod unkind_tests;
mod webhook;
mod wiki;

pub use adf::{Mention, MentionOut, adf_paragraphs, adf_text, adf_to_wiki, wiki_to_adf};
pub use attachment::{Download, OpenReader, Upload};
pub use config::{Auth, ClientConfig, RetryPolicy};
pub use erase::{Anonymization, AnonymizationState, OldUser, Redaction, RedactionPlace, RedactionState};
pub use error::{ErrorDetails, ErrorKind, JiraError, Result};
pub use http::Client;
pub use people::FoundUsers;
pub use search::Search;
pub use types::{Created, Edited, Gone, Issue, Notify, User, UserQuery, is_alias, is_made_key, parse_time};
pub use webhook::{Webhook, WebhookConfig};
pub use wiki::wiki_escape;

//! One table from kind of error to exit code, and one way to show an error.

use crate::{config::ConfigError, store::StoreError};

/// An end that is not a bug: each has its exit code.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Wrong usage, configuration or policy: 2.
    #[error("{0}")]
    Usage(String),
    /// Something could not be examined or carried out: 3.
    #[error("{0}")]
    Incomplete(String),
    /// A safety rule says no: 4.
    #[error("{0}")]
    Refused(String),
}

/// The exit code of an error.
#[must_use]
pub fn code(error: &anyhow::Error) -> u8 {
    for cause in error.chain() {
        if let Some(failure) = cause.downcast_ref::<Failure>() {
            return match failure {
                Failure::Usage(_) => 2,
                Failure::Incomplete(_) => 3,
                Failure::Refused(_) => 4,
            };
        }
        if matches!(cause.downcast_ref::<StoreError>(), Some(StoreError::Restored(_) | StoreError::Way { .. })) {
            return 4;
        }
        if cause.is::<ConfigError>() || cause.is::<StoreError>() || cause.is::<crate::model::IdError>() {
            return 2;
        }
    }
    // What is left is the world failing us (network, disk): the work is not complete.
    3
}

/// An error with its causes, one a line.
#[must_use]
pub(super) fn render(error: &anyhow::Error) -> String {
    let mut out = format!("error: {error}");
    let mut last = error.to_string();
    for cause in error.chain().skip(1) {
        let text = cause.to_string();
        if !last.contains(&text) {
            out.push_str("\n  because: ");
            out.push_str(&text);
        }
        last = text;
    }
    out
}

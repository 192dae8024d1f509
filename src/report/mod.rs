//! One model, many faces: the reports as plain data, and their table, CSV, JSON and HTML.
//!
//! Owns the form of what is handed over (`efface.scan/1`, `efface.case-report/1`) and how it looks. Reads nothing itself: what
//! a report says is given to it, paths masked by whoever knows the identifiers. The same data gives the same bytes.

pub mod case;
pub mod certificate;
pub mod compliance;
pub mod coverage;
mod doc;
mod excerpt;
mod html;
mod matrix;
pub mod plan;
pub mod processing;
pub mod scan;
pub(crate) mod text;

pub use excerpt::masked_excerpt;
pub use text::{csv, table};

use serde::{Deserialize, Serialize};

/// The policy that a report stands on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyRef {
    /// Its name.
    pub name: String,
    /// SHA-256 of its file, in hex.
    pub sha256: String,
}

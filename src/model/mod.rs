//! The nouns of efface as types: instances, places, records, subjects, references, findings, coverage.
//!
//! Owns the words of the field and their spelling in JSON. Imports nothing of ours and does no I/O.

mod coverage;
mod finding;
mod ids;
mod matrix;
mod personal;
mod place;
mod record;
mod reference;
mod scope;
mod subject;

pub use coverage::{Coverage, CoverageStatus, Earlier};
pub use finding::{Decision, Finding, Outcome};
pub use ids::{CaseId, IdError, InstanceName, IssueKey, ProjectKey, SubjectKey, SyncName};
pub use matrix::{Fact, MatrixRow, MatrixStatus, Storage, StorageArea};
pub use personal::{Personal, Secret};
pub use place::{Area, Controller, Flavor, Mandate, Place};
pub use record::{RecordRef, RecordTimes, RecordType};
pub use reference::{Cut, Piece, Reference, ReferenceKind, Strength};
pub use scope::{CaseScope, Thing, ThingKind};
pub use subject::{Identifier, IdentifierKind, Namesake, Subject};

//! The nouns of efface as types: instances, places, records, subjects, references, findings, coverage.
//!
//! Owns the words of the field and their spelling in JSON. Imports nothing of ours and does no I/O.

mod about;
mod case;
mod clock;
mod coverage;
mod finding;
mod hold;
mod ids;
mod matrix;
mod period;
mod personal;
mod place;
mod record;
mod reference;
mod schedule;
mod scope;
mod subject;

pub use about::About;
pub use case::{CaseKind, CaseRecord, CaseState, EXCEPTIONS, Exception};
pub use clock::{Clock, Pause, Pressure};
pub use coverage::{Coverage, CoverageStatus, Earlier, Looked};
pub use finding::{Decision, Finding, Outcome};
pub use hold::{Hold, HoldQuery, HoldType, Release};
pub use ids::{CaseId, HoldId, IdError, InstanceName, IssueKey, ProjectKey, SubjectKey, SyncName};
pub use matrix::{Fact, MatrixRow, MatrixStatus, Storage, StorageArea};
pub use period::{Period, PeriodError};
pub use personal::{Personal, Secret};
pub use place::{Area, Controller, Flavor, Mandate, Place};
pub use record::{RecordRef, RecordTimes, RecordType};
pub use reference::{Cut, IssueFacts, Piece, Reference, ReferenceKind, Strength};
pub use schedule::{Schedule, ScheduleError};
pub use scope::{CaseScope, Thing, ThingKind};
pub use subject::{Identifier, IdentifierKind, Namesake, Subject};

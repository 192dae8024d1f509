//! Erasure: case, plan, execution, verification, certificate. Decides in pure code, acts in thin code.

pub mod aftercare;
pub mod approval;
pub mod certificate;
pub mod diff;
pub mod drift;
pub mod execute;
pub mod executor;
pub mod groups;
mod namesakes;
pub mod othersearch;
pub mod plan;
pub mod proof;
pub mod redact;
pub mod redaction;
pub mod replay;
pub mod signers;
pub mod trial;
pub mod verify;

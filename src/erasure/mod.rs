//! Erasure: case, plan, execution, verification, certificate. Decides in pure code, acts in thin code.

pub mod certificate;
pub mod execute;
pub mod executor;
mod namesakes;
pub mod othersearch;
pub mod plan;
pub mod proof;
pub mod redact;
pub mod trial;
pub mod verify;

//! Erasure: case, plan, execution, verification, certificate. Decides in pure code, acts in thin code.

pub mod plan;
pub mod othersearch;
pub mod redact;

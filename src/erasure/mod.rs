//! erasure

pub mod redact;

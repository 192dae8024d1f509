//! cli

pub mod sandbox;

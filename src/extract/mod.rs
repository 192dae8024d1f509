//! Bytes to text with positions.
//!
//! Owns encodings, archives and escapes: what a file's bytes say, and where. Must not know who is looked for.

pub mod spans;
pub mod views;

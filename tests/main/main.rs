//! The integration tests: the binary against sandbox Jiras, as a user would run it.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test fails by panicking, and tells what it counted")]

mod again;
mod anonymise;
mod approval;
mod attachments;
mod cache;
mod calls;
mod compliance;
mod conformance;
mod engine;
mod groups;
mod holds;
mod hostile;
mod kill;
mod laws;
mod letters;
mod life;
mod notify;
mod pages;
mod plan;
mod policy;
mod readers;
mod readme;
mod redaction;
mod renew;
mod reports;
mod resolve;
mod story;
mod sweep;
mod sync_check;
mod sync_deletion;
mod sync_ops;
mod sync_relations;
mod sync_twoway;
mod sync_watch;
mod world;
mod worlds;

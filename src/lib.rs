//! efface: a Jira-to-Jira sync engine, and the privacy tool beside it.
//!
//! It finds every staged and synchronised record that references one person, decides each by policy, erases by an
//! approved plan, proves it, and keeps it so. The words are in `model`; `ARCHITECTURE.md` has the map and the laws.
//!
//! Data flows one way: `sync` moves it; `scan` reads it into references; `policy` turns references into findings;
//! `erasure` plans, executes and verifies; `report` shows. Pure code decides, thin code acts.

pub mod audit;
pub mod cli;
pub mod config;
pub mod erasure;
pub mod extract;
pub mod fs;
pub mod holds;
pub mod jira;
pub mod keys;
pub mod letter;
pub mod model;
pub mod norm;
pub mod notify;
pub mod policy;
pub mod report;
pub mod resolve;
pub mod retention;
pub mod sandbox;
pub mod scan;
pub mod staging;
pub mod store;
pub mod subject;
pub mod suppression;
pub mod sync;
pub mod trace;
pub mod wake;

//! Retention: what is kept too long goes by itself, by the deletion classes of the policy.
//!
//! `collect` reads which records there are and what is known of their time, `due` decides (pure), `acts` makes cuts of what a class does
//! to fields (pure), `sweep` marks, plans and carries out with the executors of `erasure`. Finds nobody: a sweep looks at ages, not at persons.

mod acts;
mod collect;
mod due;
mod report;
mod sweep;

pub use acts::{account_alias, alias};
pub use collect::Collected;
pub use due::{Dated, Stage, Standing, stage, verdicts};
pub use report::{ClassCounts, Item, Report, SCHEMA};
pub use sweep::{Room, SweepError, approve, look, run};

//! What somebody should be told without having asked: deadlines, sweeps, drift, residuals; by a webhook and by issues in Jira.
//!
//! Owns what is due ([`due()`], pure), what of it is known ([`gather()`]), and that each thing is told once to each channel ([`tell()`]). A
//! notice holds case ids, ids of runs, days and counts: never an identifier, name or pseudonym of a person, and no name that a
//! configuration gave to a folder or project, since that may be a person's too. It decides nothing and changes nothing but what was told.

mod due;
mod gather;
mod send;

pub use due::{Notice, Open, OpenState, Sight, Sweeps, due};
pub use gather::{Beat, gather};
pub use send::{Channel, Fate, Line, Room, channels, tell};

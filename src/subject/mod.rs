//! Subjects: who is looked for, and the matcher that finds them.
//!
//! Owns the spellings of an identifier, the word boundaries that know identifiers, and how sure a hit is. Must not do
//! I/O, and knows nothing of records or policy.

mod latin;
mod matcher;
mod matcher_bounds;
mod matcher_check;
mod matcher_index;
mod matcher_name;
mod matcher_needles;
mod matcher_phone;
mod prefilter;
mod sieve;
pub mod variants;

pub use matcher::{ExactMatch, FieldHint, Matcher, MatcherError, Scope, TextKind, TextMatch};
pub use prefilter::Look;
pub(crate) use sieve::Sieve;

#[cfg(test)]
mod rules_tests;

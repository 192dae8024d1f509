//! The integration tests: the binary against sandbox Jiras, as a user would run it.

mod kill;
mod laws;
mod readme;
mod story;
mod world;

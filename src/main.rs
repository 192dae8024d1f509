//! Parses, dispatches, turns errors into exit codes.

fn main() {}

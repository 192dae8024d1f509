//! Parses, dispatches, turns errors into exit codes.

use std::process::ExitCode;

fn main() -> ExitCode {
    efface::cli::main()
}

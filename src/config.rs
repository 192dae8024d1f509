//! `efface.toml`: raw → checked configuration.

#![no_main]
//! A configuration is read or refused with a reason, never worse.
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Err(error) = efface::config::Config::parse(text, std::path::Path::new("efface.toml")) {
        assert!(!error.to_string().is_empty());
    }
});

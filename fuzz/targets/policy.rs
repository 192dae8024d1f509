#![no_main]
//! A policy is read, or every diagnostic can be drawn and has a code.
use efface::policy::{Policy, render};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match Policy::parse(text, "policy.toml") {
        Ok(policy) => {
            let _ = render(policy.warnings(), text, "policy.toml", false);
            let _ = policy.resolved();
        }
        Err(diagnostics) => {
            assert!(!diagnostics.is_empty());
            assert!(!render(&diagnostics, text, "policy.toml", false).is_empty());
            for d in &diagnostics {
                assert!(!d.short("policy.toml").is_empty());
            }
        }
    }
});

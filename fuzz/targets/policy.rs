//! A policy, also as a file that another includes: a diagnostic or a policy, never a panic, and every diagnostic can be drawn.
#![no_main]

use efface::policy::{Policy, render};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let including = "[policy]\nname = \"own\"\ninclude = \"a.toml\"\n";
    let load = |name: &str| if name == "a.toml" { Ok(text.to_owned()) } else { Err("no such file".to_owned()) };
    for own in [text, including] {
        let (sources, policy) = Policy::read(own, "policy.toml", &load);
        match policy {
            Ok(policy) => {
                let _ = render(policy.warnings(), &sources, false);
                let _ = policy.resolved();
            }
            Err(diagnostics) => {
                assert!(!diagnostics.is_empty());
                assert!(!render(&diagnostics, &sources, false).is_empty());
                for d in &diagnostics {
                    assert!(!d.short().is_empty());
                }
            }
        }
    }
});

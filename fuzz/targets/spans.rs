#![no_main]
//! JSON with positions: what serde_json reads is read, with the same values at the places that are named.
use efface::extract::spans;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let ours = spans::parse(text);
    let theirs = serde_json::from_str::<serde_json::Value>(text);
    assert_eq!(ours.is_ok() && theirs.is_ok(), spans::is_json(text));
    if let Ok(theirs) = theirs {
        let node = ours.expect("serde_json reads it");
        let again: serde_json::Value = serde_json::from_str(&text[node.span]).expect("a value");
        assert_eq!(again, theirs);
    }
    if let Some((decoded, starts)) = spans::decode(text) {
        assert!(starts.iter().all(|at| text.is_char_boundary(*at)), "{decoded:?}");
    }
});

#![no_main]
//! A file of any format: what is found can be cut, is then found no more, and the prefilter rules nothing out that the
//! careful search finds.
use efface::{
    erasure::redact::{Action, Redacted, redact_file},
    extract,
    model::Cut,
    scan::scan_bytes,
    subject::{Scope, TextKind},
};
use efface_fuzz::{ZOE, context};
use libfuzzer_sys::fuzz_target;

const NAMES: [&str; 8] = ["a.json", "a.jsonl", "a.xml", "a.csv", "a.txt", "a.zip", "a.gz", "a"];

fuzz_target!(|bytes: &[u8]| {
    let Some((first, bytes)) = bytes.split_first() else { return };
    let name = NAMES[usize::from(*first) % NAMES.len()];
    if let Ok(text) = std::str::from_utf8(bytes) {
        let found = ZOE.find_in(text, Scope::Any, TextKind::Prose);
        assert!(found.is_empty() || ZOE.may_match(bytes), "ruled out");
    }
    let (mut found, _) = scan_bytes(name, bytes, &context(name), &ZOE);
    // Packed and laid out texts are opened without asking first, and so is what may be in another character set.
    let opened = extract::by_signature(bytes).is_some()
        || extract::layout::has_view(bytes)
        || !extract::encoding::is_plain(bytes);
    let whole = found.iter().any(|r| r.cut == Cut::Whole);
    assert!(found.is_empty() || opened || whole || ZOE.may_match(bytes), "found in {name} and ruled out");
    let mut content = bytes.to_vec();
    // What is left may come to stand free only now (`em9l…` glued to a name): a second plan finds it, as a third may.
    for _ in 0..4 {
        if found.is_empty() || found.iter().any(|r| r.cut == Cut::Whole) {
            return;
        }
        let cuts: Vec<_> = found.into_iter().map(|r| (r.cut, Action::Redact)).collect();
        let Ok(Redacted::Bytes(after)) = redact_file(name, &content, &cuts, "[erased]") else { return };
        assert_ne!(after, content, "{} cuts changed nothing", cuts.len());
        content = after;
        (found, _) = scan_bytes(name, &content, &context(name), &ZOE);
    }
    assert!(found.is_empty(), "{} left: {}", found.len(), String::from_utf8_lossy(&content));
});

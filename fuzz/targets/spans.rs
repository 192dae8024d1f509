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
    // In two blocks, an array is the one that it is as a whole.
    let middle = text.len() / 2;
    let mut items = spans::Items::default();
    let in_blocks = items.block(&text.as_bytes()[..middle], false).and_then(|(mut all, end)| {
        let (more, _) = items.block(&text.as_bytes()[end..], true)?;
        all.extend(more.into_iter().map(|item| item.start + end..item.end + end));
        Some(all)
    });
    assert_eq!(in_blocks, spans::array(text));
    if let Some((decoded, starts)) = spans::decode(text) {
        assert!(starts.iter().all(|at| text.is_char_boundary(*at)), "{decoded:?}");
    }
});

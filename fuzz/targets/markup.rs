#![no_main]
//! Wiki text becomes ADF and wiki text again without a word lost; any JSON can be read as ADF.
use std::collections::BTreeMap;

use efface::jira::{MentionOut, adf_text, adf_to_wiki, wiki_to_adf};
use libfuzzer_sys::fuzz_target;

/// How often each letter stands in a text that no markup is made of: those beyond ASCII.
fn letters(text: &str) -> BTreeMap<char, usize> {
    let mut count = BTreeMap::new();
    for c in text.chars().filter(|c| c.is_alphabetic() && !c.is_ascii()) {
        *count.entry(c).or_default() += 1;
    }
    count
}

fuzz_target!(|text: &str| {
    if let Ok(value) = serde_json::from_str::<serde_json::Value>(text) {
        let _ = adf_to_wiki(&value, &|m| format!("[~{}]", m.id));
        let _ = adf_text(&value);
    }
    let adf = wiki_to_adf(text, &|name| MentionOut::Text(format!("@{name}")));
    assert_eq!(adf["type"], "doc");
    let wiki = adf_to_wiki(&adf, &|m| format!("[~{}]", m.id));
    let after = letters(&wiki);
    // An entity (`&#233;`) becomes the letter itself, so there may be more.
    for (letter, before) in letters(text) {
        assert!(after.get(&letter).is_some_and(|n| *n >= before), "{letter} is lost in {wiki:?}");
    }
});

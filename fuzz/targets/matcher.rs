#![no_main]
//! The matcher against a slow one that is obviously right: an identifier between spaces is found, and whatever is found
//! has an identifier's letters in it.
use efface::{
    norm,
    subject::{Scope, TextKind},
};
use efface_fuzz::ZOE;
use libfuzzer_sys::fuzz_target;

/// The person's identifiers in bare form; see `efface_fuzz::ZOE`.
const WHOLE: [&str; 6] =
    ["zoe.x@corp.example", "zoe xander", "xander, zoe", "zxan", "jirauser10100", "557058:0a1b2c3d-9f"];

/// Of each identifier, letters and digits without which nothing is one of its spellings.
const CORE: [&str; 5] = ["zoex", "xander", "zxan", "jirauser10100", "5570580a1b2c3d9f"];

/// Of the short identifiers, the whole in base64, of which the matcher knows these spellings alone.
const ENCODED: [&str; 2] = ["enhhbg", "Wm/DqyBYYW5kZXI"];

fuzz_target!(|text: &str| {
    let found = ZOE.find_in(text, Scope::Any, TextKind::Prose);
    let bare = norm::bare(text);
    for identifier in WHOLE {
        for (at, _) in bare.text().match_indices(identifier) {
            let alone = |c: Option<char>| c.is_none_or(|c| c == ' ');
            let end = at + identifier.len();
            if !alone(bare.text()[..at].chars().next_back()) || !alone(bare.text()[end..].chars().next()) {
                continue;
            }
            let span = bare.original(at, end);
            // Spaces of the bare text that are none in the original are the matcher's own affair.
            let space = |c: Option<char>| c.is_none_or(char::is_whitespace);
            if space(text[..span.start].chars().next_back()) && space(text[span.end..].chars().next()) {
                assert!(
                    found.iter().any(|m| m.from < span.end && span.start < m.to),
                    "{identifier:?} at {span:?} is missing in {text:?}"
                );
            }
        }
    }
    for m in &found {
        let seen = &text[m.from..m.to];
        let mut inside = norm::bare(seen).into_text();
        inside.retain(char::is_alphanumeric);
        assert!(ENCODED.contains(&seen) || CORE.iter().any(|core| inside.contains(core)), "{seen:?} is nobody");
        assert!(ZOE.may_match(text.as_bytes()), "ruled out");
    }
    assert!(found.windows(2).all(|w| w[0].from <= w[1].from), "in order");
});

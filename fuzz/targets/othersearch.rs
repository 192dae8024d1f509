#![no_main]
//! The verification's search: it ends, and an identifier between spaces is found whatever stands around it.
use std::sync::LazyLock;

use efface::{erasure::othersearch::Needles, model::IdentifierKind};
use libfuzzer_sys::fuzz_target;

static NEEDLES: LazyLock<Needles> = LazyLock::new(|| {
    Needles::new(&[
        (IdentifierKind::Email, "zoe.x@corp.example"),
        (IdentifierKind::FullName, "Zoë Xander"),
        (IdentifierKind::Username, "zxan"),
        (IdentifierKind::UserKey, "JIRAUSER10100"),
    ])
});

fuzz_target!(|bytes: &[u8]| {
    let plain = NEEDLES.search(bytes);
    assert!(plain.hits.iter().chain(&plain.near_misses).all(|h| h.offset <= bytes.len()));
    let Some((first, rest)) = bytes.split_first() else { return };
    let planted = ["\n zoe.x@corp.example \n", "\n Zoe Xander \n", "\n zxan \n"][usize::from(*first) % 3];
    // In the middle of a text; what stands in front may not make it something else.
    let Ok(text) = std::str::from_utf8(rest) else { return };
    let at = (0..=text.len() / 2).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
    let whole = [&text[..at], planted, &text[at..]].concat();
    assert!(!NEEDLES.hits(whole.as_bytes()).is_empty(), "missed in {whole:?}");
});

#![no_main]
//! Encoded texts and views keep the way back inside the text.
use efface::extract::{encoded, layout, views};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for run in encoded::base64_runs(text.as_bytes()) {
        for view in run.readings().map(|reading| reading.view()) {
            let span = view.original(0, view.text().len());
            assert!(text.get(span).is_some());
        }
    }
    for view in [
        views::json_unescaped,
        views::percent_decoded,
        views::quoted_printable_decoded,
        views::markup_stripped,
        views::wiki_stripped,
        layout::view,
    ] {
        let Some(view) = view(text) else { continue };
        for (at, c) in view.text().char_indices() {
            assert!(text.get(view.original(at, at + c.len_utf8())).is_some());
        }
    }
});

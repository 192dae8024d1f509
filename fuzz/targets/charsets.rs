#![no_main]
//! Character sets: every further reading leads back into the first, and what is encoded is among the readings.
use efface::extract::{charsets, encoding};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let first = encoding::latin1(bytes);
    for reading in charsets::readings(bytes) {
        let Some(view) = reading.view(bytes) else { continue };
        // Where characters are damaged, how many bytes one takes is a matter of taste.
        assert!(reading.text().contains('\u{fffd}') || view.text() == reading.text());
        for (at, c) in view.text().char_indices() {
            assert!(first.get(view.original(at, at + c.len_utf8())).is_some());
        }
    }
    let narrow = charsets::narrow_strings(bytes);
    assert!(narrow.len() <= bytes.len() + bytes.len() / 3 + 1);
    for (big, odd, rare) in [(false, false, true), (true, true, false), (false, true, true), (true, false, true)] {
        let _ = charsets::wide_strings(bytes, big, odd, rare);
    }
    if let Some((how, text)) = encoding::decode(bytes)
        && let Some(back) = encoding::encode(&text, how)
    {
        let again = encoding::decode(&back).expect("what was written is a text");
        assert!(again.0 != how || again.1 == text);
    }
});

#![no_main]
//! Archives, documents, mail and PDF: whatever comes in, something bounded comes out, and what could not be read has a reason.
use efface::extract::{self, Limits};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits { member: 1 << 20, total: 4 << 20, free: 1 << 16, members: 50, ..Limits::default() };
    let mut total = 0;
    let unread = extract::leaves("a.eml", bytes, &limits, &mut |leaf| {
        total += leaf.bytes.len();
        if extract::layout::has_view(leaf.bytes)
            && let Some((_, text)) = extract::encoding::decode(leaf.bytes)
        {
            let _ = extract::layout::view(&text);
        }
    });
    assert!(unread.iter().all(|u| !u.reason.is_empty()));
    assert!(total < 64 << 20, "{total} bytes out of {}", bytes.len());
});

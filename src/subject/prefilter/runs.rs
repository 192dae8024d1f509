//! Short runs of base64 characters that were looked at before: names of fields and paths of addresses stand in a document again
//! and again.
//!
//! Remembers what [`encoded::promising`] said of the very same bytes, and nothing that depends on who is looked for. Must not
//! judge a run itself.

use std::cell::RefCell;

use crate::extract::encoded;

/// The longest run that is remembered, in bytes: shorter than a line after which a run goes on behind a line break, so that
/// nothing behind its last byte counts.
pub(super) const LONGEST: usize = 32;

/// Runs that are kept. Another one with the same hash takes the place of the one before.
const SLOTS: usize = 256;

#[derive(Clone, Copy)]
struct Slot {
    /// The run, with zeros behind it; a run has none.
    run: [u64; 4],
    /// Where to go on, counted from its first byte.
    next: usize,
}

thread_local! {
    static SEEN: RefCell<[Slot; SLOTS]> = const { RefCell::new([Slot { run: [0; 4], next: 0 }; SLOTS]) };
}

/// What [`encoded::promising`] says of the run at `at`. `len`: how many base64 characters and backslashes stand there, where that
/// is known and at most [`LONGEST`].
#[inline]
pub(super) fn promising(bytes: &[u8], at: usize, len: Option<usize>) -> (Option<encoded::Run<'_>>, usize) {
    let Some(run) = len.and_then(|len| key(bytes, at, len)) else { return encoded::promising(bytes, at) };
    SEEN.with_borrow_mut(|seen| {
        let slot = &mut seen[hash(run)];
        if slot.run == run {
            return (None, at + slot.next);
        }
        let (found, next) = encoded::promising(bytes, at);
        if found.is_none() {
            *slot = Slot { run, next: next - at };
        }
        (found, next)
    })
}

/// The run of `len` bytes; `None` at the end of the bytes, where as many as are kept cannot be read.
#[inline]
fn key(bytes: &[u8], at: usize, len: usize) -> Option<[u64; 4]> {
    let window: &[u8; LONGEST] = bytes.get(at..)?.first_chunk()?;
    let (words, _) = window.as_chunks::<8>();
    let mut run = [0; 4];
    for (n, (run, word)) in run.iter_mut().zip(words).enumerate() {
        // As many bytes of the word as belong to the run.
        let bits = 8 * len.saturating_sub(8 * n).min(8);
        let mask = if bits == 64 { u64::MAX } else { (1 << bits) - 1 };
        *run = u64::from_le_bytes(*word) & mask;
    }
    Some(run)
}

#[inline]
fn hash([a, b, c, d]: [u64; 4]) -> usize {
    // Odd constants without a pattern; of a product the upper bits depend on all others.
    let mixed = a.wrapping_mul(0x9e37_79b9_7f4a_7c15)
        ^ b.wrapping_mul(0xc2b2_ae3d_27d4_eb4f)
        ^ c.wrapping_mul(0x1656_67b1_9e37_79f9)
        ^ d.wrapping_mul(0xd6e8_feb8_6659_fd93);
    (mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as usize % SLOTS
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use proptest::prelude::*;

    use super::*;
    use crate::subject::prefilter::{
        anchors::Words,
        sweep::{Heads, Sweep},
    };

    proptest! {
        /// The same run twice, with other bytes behind it, and runs that differ in their last byte alone.
        #[test]
        fn what_is_remembered_is_what_would_be_said(parts in prop::collection::vec(prop_oneof![
            "[A-Za-z0-9+/_-]{14,36}",
            "[A-Za-z0-9]{15,18}(\\\\[nru/\"]|\\\\\\\\|\\\\u002[bBfF0]|\r\n|\n|\\\\r\n){1,2}",
            "[ -~é—]{8,24}".prop_map(|t| STANDARD.encode(t)),
            "[ -~]{8,12}".prop_map(hex::encode),
            "customfield_1000[0-3]",
            "[ ,\":\n\r\\\\]{0,4}",
        ], 0..10), behind in prop::collection::vec("[ \",\n\r\\\\=:é]{1,3}", 10), fill in 0..90_usize) {
            let once: String = parts.iter().zip(&behind).flat_map(|(part, behind)| [part.as_str(), behind]).collect();
            let text = format!("{}{once}{}", " ".repeat(fill), once.replace(' ', "\n"));
            let bytes = text.as_bytes();
            let heads = Heads::new(&Words::new(std::iter::empty()), 0);
            let sweep = Sweep::new(bytes, &heads);
            let mut at = 0;
            while let Some((from, len)) = sweep.run(at) {
                let stretch = bytes[from..].iter().take_while(|b| b.is_ascii_alphanumeric() || b"+-/_\\".contains(b)).count();
                prop_assert!(len.is_none_or(|len| len == stretch && len <= LONGEST), "{len:?} of {stretch} at {from}");
                prop_assert!(len.is_some() || stretch > LONGEST || from % 4096 + stretch >= 4096, "{stretch} at {from}");
                let (said, next) = promising(bytes, from, len);
                let (run, end) = encoded::promising(bytes, from);
                prop_assert_eq!((said.map(|r| r.span), next), (run.map(|r| r.span), end));
                at = next;
            }
        }
    }
}

//! The first look at every byte: which of them may begin something that hides a word? Most do not, so this is asked of
//! blocks of bytes without a branch, which compilers turn into vector instructions.
//!
//! Pure. A byte that is passed over must be one at which [`super::Prefilter`] would find nothing to do; a property test
//! holds [`Sweep`] against [`suspect`], which says so byte by byte.

/// Bytes that are looked at together.
const BLOCK: usize = 64;

/// Goes through bytes and stops at those that may hide a word.
pub(super) struct Sweep<'a> {
    bytes: &'a [u8],
    /// Where the block begins whose answers are in `flags`.
    base: usize,
    /// For each byte of the block 1 where it is suspect, else 0.
    flags: [u8; BLOCK],
}

impl<'a> Sweep<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        let mut sweep = Self { bytes, base: 0, flags: [0; BLOCK] };
        sweep.fill(0);
        sweep
    }

    /// The next suspect byte at or behind `at`, which must not go back before the block of the last answer.
    pub(super) fn next(&mut self, mut at: usize) -> Option<usize> {
        loop {
            if at >= self.bytes.len() {
                return None;
            }
            if at >= self.base + BLOCK {
                self.fill(at);
            }
            let from = at - self.base;
            let (words, _) = self.flags.as_chunks::<8>();
            for (n, word) in words.iter().enumerate().skip(from / 8) {
                let mut bits = u64::from_le_bytes(*word);
                if n == from / 8 {
                    bits &= u64::MAX << (8 * (from % 8));
                }
                if bits != 0 {
                    return Some(self.base + 8 * n + bits.trailing_zeros() as usize / 8);
                }
            }
            at = self.base + BLOCK;
        }
    }

    fn fill(&mut self, base: usize) {
        self.base = base;
        let around = base.checked_sub(1).and_then(|from| self.bytes.get(from..)?.first_chunk::<{ BLOCK + 2 }>());
        if let Some(around) = around {
            mark(around, &mut self.flags);
            return;
        }
        // At either end: nothing stands before and behind, which is no letter and no markup.
        let mut padded = [0; BLOCK + 2];
        let from = base.saturating_sub(1);
        let part = &self.bytes[from..self.bytes.len().min(base + BLOCK + 1)];
        let lead = usize::from(base == 0);
        padded[lead..lead + part.len()].copy_from_slice(part);
        mark(&padded, &mut self.flags);
    }
}

/// The answers for the bytes of `around` without its first and last.
fn mark(around: &[u8; BLOCK + 2], flags: &mut [u8; BLOCK]) {
    for (n, flag) in flags.iter_mut().enumerate() {
        *flag = suspect(around[n], around[n + 1], around[n + 2]);
    }
}

/// 1 where `b`, between `before` and `after`, may begin something that hides a word. Written without branches.
const fn suspect(before: u8, b: u8, after: u8) -> u8 {
    let letter = b >= 0x80;
    // `\u…`, also under more backslashes.
    let json = (b == b'\\') & ((after == b'u') | (after == b'\\'));
    let percent = (b == b'%') & hex(after);
    let entity = (b == b'&') & (alphanumeric(after) | (after == b'#') | (after == b'+') | (after == b';'));
    // `=4E`, or a soft line break, its line break perhaps escaped.
    let quoted = (b == b'=') & (hex(after) | (after <= b' ') | (after == b'\\'));
    // Markup counts inside a word, and a lone marker such as a hyphen is none.
    let markup = bracket(b) | (marker(b) & (bracket(after) | marker(after)));
    (letter | json | percent | entity | quoted | (markup & joins(before))) as u8
}

const fn hex(b: u8) -> bool {
    (b.wrapping_sub(b'0') < 10) | ((b | 0x20).wrapping_sub(b'a') < 6)
}

const fn alphanumeric(b: u8) -> bool {
    (b.wrapping_sub(b'0') < 10) | ((b | 0x20).wrapping_sub(b'a') < 26)
}

/// `<`, `{`, `|`, `}`, `[`, `]`.
const fn bracket(b: u8) -> bool {
    (((b | 0x20).wrapping_sub(b'{') < 3) & (b != b'\\')) | (b == b'<')
}

/// `*`, `+`, `-`, `?`, `^`, `_`, `~`.
const fn marker(b: u8) -> bool {
    (b == b'*') | (b == b'+') | (b == b'-') | (b == b'?') | ((b | 0x20) == b'~') | (b == b'_')
}

/// Whether the byte before markup may belong to a word.
const fn joins(b: u8) -> bool {
    alphanumeric(b) | (b >= 0x80) | (b == b'\\') | (b == b'%') | (b == b'&') | (b == b';')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::marks::*, *};

    /// What the search does at a byte that it does not pass over.
    fn is_looked_at(bytes: &[u8], at: usize) -> bool {
        let b = bytes[at];
        match CLASS[usize::from(b)] {
            LETTER => true,
            ESCAPE => is_escape(bytes, at) || (b == b'=' && soft_break(bytes, at).is_some()),
            MARKUP => at > 0 && may_join(bytes[at - 1]) && !lone(b, bytes.get(at + 1)),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn nothing_that_would_be_looked_at_is_passed_over(
            parts in prop::collection::vec(prop_oneof![
                "[a-z ]{0,90}", "[\\\\u%&=<>{}\\[\\]|*_+^~?\\-;#nNA4 \t\r\n\"é]{0,12}", "\\PC{0,4}",
            ], 0..8),
            skips in prop::collection::vec(1..80_usize, 1..6),
        ) {
            let text = parts.concat();
            let bytes = text.as_bytes();
            let mut sweep = Sweep::new(bytes);
            let (mut at, mut n) = (0, 0);
            while let Some(next) = sweep.next(at) {
                prop_assert!(next >= at);
                prop_assert!((at..next).all(|i| !is_looked_at(bytes, i)), "{at}..{next}");
                let before = next.checked_sub(1).map_or(0, |i| bytes[i]);
                prop_assert_eq!(suspect(before, bytes[next], bytes.get(next + 1).copied().unwrap_or(0)), 1);
                // The search goes on behind what it looked at.
                at = next + skips[n % skips.len()];
                n += 1;
            }
            prop_assert!((at..bytes.len()).all(|i| !is_looked_at(bytes, i)));
        }
    }
}

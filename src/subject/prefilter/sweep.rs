//! The first look at every byte: which of them may begin something that hides a word, which may stand in base64, which in a
//! word? Asked of 64 bytes at once and answered with a bit a byte.
//!
//! Pure. A byte that is not suspect must be one at which [`super::Prefilter`] would find nothing to do; property tests hold
//! the answers against what it does, and the two ways to get them against each other.

/// Bytes that are looked at together.
const BLOCK: usize = 64;

/// Blocks of a chunk.
const BLOCKS: usize = 64;

/// Bytes of a chunk.
const CHUNK: usize = BLOCK * BLOCKS;

/// As many base64 characters as a run has at least.
const RUN: usize = 16;

/// The answers for one block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Block {
    /// What may hide a word.
    suspect: u64,
    /// Base64 characters and backslashes.
    run: u64,
    /// ASCII letters and digits.
    word: u64,
}

/// The answers for one chunk of some bytes.
pub(super) struct Sweep<'a> {
    bytes: &'a [u8],
    /// Where the chunk begins; a multiple of [`CHUNK`].
    base: usize,
    /// One more than the chunk has, for what begins in it and ends behind.
    blocks: [Block; BLOCKS + 1],
}

impl<'a> Sweep<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        let mut sweep = Self { bytes, base: 0, blocks: [Block::default(); BLOCKS + 1] };
        sweep.fill();
        sweep
    }

    /// One past the last byte of the chunk.
    pub(super) fn end(&self) -> usize {
        self.bytes.len().min(self.base + CHUNK)
    }

    /// Goes on to the next chunk; false where there is none.
    pub(super) fn advance(&mut self) -> bool {
        if self.end() == self.bytes.len() {
            return false;
        }
        self.base += CHUNK;
        self.fill();
        true
    }

    /// The next byte of the chunk at or behind `at` for which `bits` says so.
    fn next(&self, at: usize, bits: impl Fn(&[Block; BLOCKS + 1], usize) -> u64) -> Option<usize> {
        let mut from = at.max(self.base) - self.base;
        let end = self.end() - self.base;
        while from < end {
            let found = bits(&self.blocks, from / BLOCK) & (u64::MAX << (from % BLOCK));
            if found != 0 {
                let at = from / BLOCK * BLOCK + found.trailing_zeros() as usize;
                return (at < end).then_some(self.base + at);
            }
            from = (from / BLOCK + 1) * BLOCK;
        }
        None
    }

    /// The next suspect byte of the chunk.
    pub(super) fn suspect(&self, at: usize) -> Option<usize> {
        self.next(at, |blocks, n| blocks[n].suspect)
    }

    /// The next place of the chunk at which [`RUN`] bytes that may stand in base64 begin.
    pub(super) fn run(&self, at: usize) -> Option<usize> {
        self.next(at, |blocks, n| {
            let mut bits = u128::from(blocks[n].run) | u128::from(blocks[n + 1].run) << BLOCK;
            let mut len = 1;
            while len < RUN {
                bits &= bits >> len;
                len *= 2;
            }
            bits as u64
        })
    }

    /// The next word that begins in the chunk at or behind `at`: letters and digits.
    pub(super) fn word(&self, at: usize) -> Option<(usize, usize)> {
        let from = self.next(at, |blocks, n| blocks[n].word)?;
        let n = (from - self.base) / BLOCK;
        let bits = u128::from(self.blocks[n].word) | u128::from(self.blocks[n + 1].word) << BLOCK;
        let len = (bits >> (from % BLOCK)).trailing_ones() as usize;
        let mut to = from + len;
        if from % BLOCK + len == 2 * BLOCK {
            to += self.bytes[to..].iter().take_while(|b| b.is_ascii_alphanumeric()).count();
        }
        Some((from, to))
    }

    fn fill(&mut self) {
        let left = self.bytes.len() - self.base;
        let count = left.div_ceil(BLOCK).min(BLOCKS + 1);
        let blocks = &mut self.blocks[..count];
        #[cfg(target_arch = "x86_64")]
        if let Some(simd) = pulp::x86::V3::try_new() {
            simd.vectorize(avx2::Fill { simd, bytes: self.bytes, base: self.base, blocks });
            self.blocks[count..].fill(Block::default());
            return;
        }
        portable(self.bytes, self.base, blocks);
        self.blocks[count..].fill(Block::default());
    }
}

/// The answers without vector instructions of our own; compilers find some.
fn portable(bytes: &[u8], base: usize, blocks: &mut [Block]) {
    for (n, block) in blocks.iter_mut().enumerate() {
        let at = base + n * BLOCK;
        let around = at.checked_sub(1).and_then(|from| bytes.get(from..)?.first_chunk::<{ BLOCK + 2 }>());
        *block = match around {
            Some(around) => marks(around),
            None => {
                // At either end: nothing stands before and behind, which is no letter and no markup.
                let mut padded = [0; BLOCK + 2];
                let from = at.saturating_sub(1);
                let part = &bytes[from..bytes.len().min(at + BLOCK + 1)];
                let lead = usize::from(at == 0);
                padded[lead..lead + part.len()].copy_from_slice(part);
                marks(&padded)
            }
        };
    }
}

/// The answers for the bytes of `around` without its first and last.
fn marks(around: &[u8; BLOCK + 2]) -> Block {
    let flags = |is: fn(u8, u8, u8) -> bool| {
        let mut flags = [0_u8; BLOCK];
        for (n, flag) in flags.iter_mut().enumerate() {
            *flag = u8::from(is(around[n], around[n + 1], around[n + 2]));
        }
        let (words, _) = flags.as_chunks::<8>();
        words.iter().enumerate().fold(0, |bits, (n, word)| {
            // Brings the lowest bits of eight bytes together.
            let byte = u64::from_le_bytes(*word).wrapping_mul(0x0102_0408_1020_4080) >> 56;
            bits | byte << (8 * n)
        })
    };
    Block { suspect: flags(suspect), run: flags(|_, b, _| in_run(b)), word: flags(|_, b, _| b.is_ascii_alphanumeric()) }
}

/// Whether `b`, between `before` and `after`, may begin something that hides a word. Written without branches.
const fn suspect(before: u8, b: u8, after: u8) -> bool {
    let letter = b >= 0x80;
    // `\u…`, also under more backslashes; `\xEB`, `\353`, `\U…`, `\e`.
    let json = (b == b'\\') & escapes(after);
    let percent = (b == b'%') & (after.is_ascii_hexdigit() | (after == b'u'));
    let entity = (b == b'&') & (after > b' ');
    // `=4E`, or a soft line break, its line break perhaps escaped.
    let quoted = (b == b'=') & (after.is_ascii_hexdigit() | (after <= b' ') | (after == b'\\'));
    // Markup counts inside a word, and a lone marker such as a hyphen is none.
    let markup = bracket(b) | (marker(b) & (bracket(after) | marker(after)));
    letter | (b == 0x1b) | json | percent | entity | quoted | (markup & joins(before))
}

/// What makes an escape of a backslash in front of it.
const fn escapes(b: u8) -> bool {
    matches!(b, b'u' | b'\\' | b'x' | b'U' | b'e' | b'0'..=b'3')
}

const fn bracket(b: u8) -> bool {
    matches!(b, b'<' | b'{' | b'|' | b'}' | b'[' | b']')
}

const fn marker(b: u8) -> bool {
    matches!(b, b'*' | b'+' | b'-' | b'?' | b'^' | b'_' | b'~')
}

const fn in_run(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'/' | b'_' | b'\\')
}

/// Whether the byte before markup may belong to a word.
const fn joins(b: u8) -> bool {
    b.is_ascii_alphanumeric() | (b >= 0x80) | matches!(b, b'\\' | b'%' | b'&' | b';')
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    //! The same with AVX2: a class of characters is two table look-ups, one by either half of the byte.

    use std::arch::x86_64::__m256i;

    use pulp::{NullaryFnOnce, cast, x86::V3};

    use super::{BLOCK, Block, bracket, escapes, in_run, marker};

    pub(super) struct Fill<'a, 'b> {
        pub(super) simd: V3,
        pub(super) bytes: &'a [u8],
        pub(super) base: usize,
        pub(super) blocks: &'b mut [Block],
    }

    /// The low halves' table of a class: bit `h` of entry `l` tells whether byte `16 h + l` (ASCII) belongs to it.
    const fn table(class: [bool; 128]) -> [u8; 32] {
        let mut table = [0; 32];
        let mut b = 0;
        while b < 128 {
            if class[b] {
                table[b % 16] |= 1 << (b / 16);
                table[16 + b % 16] |= 1 << (b / 16);
            }
            b += 1;
        }
        table
    }

    macro_rules! class {
        ($is:expr) => {{
            let mut class = [false; 128];
            let mut b = 0;
            while b < 128 {
                class[b] = $is(b as u8);
                b += 1;
            }
            table(class)
        }};
    }

    const fn alphanumeric(b: u8) -> bool {
        b.is_ascii_alphanumeric()
    }

    const fn hex(b: u8) -> bool {
        b.is_ascii_hexdigit()
    }

    const WORD: [u8; 32] = class!(alphanumeric);
    const HEX: [u8; 32] = class!(hex);
    const BRACKET: [u8; 32] = class!(bracket);
    const MARKER: [u8; 32] = class!(marker);
    const IN_RUN: [u8; 32] = class!(in_run);
    const ESCAPES: [u8; 32] = class!(escapes);
    /// The bit of each high half of an ASCII byte; none of the others.
    const HIGH: [u8; 32] = {
        let mut high = [0; 32];
        let mut h = 0;
        while h < 8 {
            high[h] = 1 << h;
            high[16 + h] = 1 << h;
            h += 1;
        }
        high
    };

    /// Which bytes of a block are what.
    #[derive(Clone, Copy, Default)]
    struct Classes {
        wide: u64,
        word: u64,
        hex: u64,
        bracket: u64,
        marker: u64,
        run: u64,
        slash: u64,
        percent: u64,
        amp: u64,
        equals: u64,
        u: u64,
        escapes: u64,
        terminal: u64,
        semicolon: u64,
        /// Up to the space.
        low: u64,
    }

    #[inline(always)]
    fn half(simd: V3, bytes: [u8; 32]) -> [u32; 15] {
        let load = |b: [u8; 32]| -> __m256i { cast(b) };
        let b = load(bytes);
        let high = simd.avx2._mm256_and_si256(simd.avx2._mm256_srli_epi16::<4>(b), simd.avx._mm256_set1_epi8(0x0f));
        let rows = simd.avx2._mm256_shuffle_epi8(load(HIGH), high);
        let zero = simd.avx._mm256_set1_epi8(0);
        let mask = |v: __m256i| simd.avx2._mm256_movemask_epi8(v) as u32;
        let class = |table: [u8; 32]| {
            let columns = simd.avx2._mm256_shuffle_epi8(load(table), b);
            !mask(simd.avx2._mm256_cmpeq_epi8(simd.avx2._mm256_and_si256(columns, rows), zero))
        };
        let is = |c: u8| mask(simd.avx2._mm256_cmpeq_epi8(b, simd.avx._mm256_set1_epi8(c as i8)));
        let space = simd.avx._mm256_set1_epi8(b' ' as i8);
        [
            mask(b),
            class(WORD),
            class(HEX),
            class(BRACKET),
            class(MARKER),
            class(IN_RUN),
            is(b'\\'),
            is(b'%'),
            is(b'&'),
            is(b'='),
            is(b'u'),
            is(b';'),
            mask(simd.avx2._mm256_cmpeq_epi8(simd.avx2._mm256_max_epu8(b, space), space)),
            class(ESCAPES),
            is(0x1b),
        ]
    }

    #[inline(always)]
    fn classes(simd: V3, bytes: &[u8; BLOCK]) -> Classes {
        let (halves, _) = bytes.as_chunks::<32>();
        let (a, b) = (half(simd, halves[0]), half(simd, halves[1]));
        let both = |i: usize| u64::from(a[i]) | u64::from(b[i]) << 32;
        Classes {
            wide: both(0),
            word: both(1),
            hex: both(2),
            bracket: both(3),
            marker: both(4),
            run: both(5),
            slash: both(6),
            percent: both(7),
            amp: both(8),
            equals: both(9),
            u: both(10),
            semicolon: both(11),
            low: both(12),
            escapes: both(13),
            terminal: both(14),
        }
    }

    impl Fill<'_, '_> {
        /// The classes of the block at `at`, of zero bytes where there is nothing.
        #[inline(always)]
        fn classes(&self, at: usize) -> Classes {
            match self.bytes.get(at..).and_then(|b| b.first_chunk::<BLOCK>()) {
                Some(bytes) => classes(self.simd, bytes),
                None => {
                    let mut padded = [0; BLOCK];
                    let rest = self.bytes.get(at..).unwrap_or_default();
                    padded[..rest.len()].copy_from_slice(rest);
                    classes(self.simd, &padded)
                }
            }
        }
    }

    impl NullaryFnOnce for Fill<'_, '_> {
        type Output = ();

        #[inline(always)]
        fn call(mut self) {
            let mut joined = self.base.checked_sub(1).is_some_and(|i| super::joins(self.bytes[i]));
            let mut cur = self.classes(self.base);
            let blocks = std::mem::take(&mut self.blocks);
            for (n, block) in blocks.iter_mut().enumerate() {
                let next = self.classes(self.base + (n + 1) * BLOCK);
                let after = |of: fn(&Classes) -> u64| of(&cur) >> 1 | of(&next) << 63;
                let hex = after(|c| c.hex);
                let slash = after(|c| c.slash);
                let low = after(|c| c.low);
                let json = cur.slash & after(|c| c.escapes);
                let percent = cur.percent & (hex | after(|c| c.u));
                let entity = cur.amp & !low;
                let quoted = cur.equals & (hex | low | slash);
                let markup = cur.bracket | (cur.marker & after(|c| c.bracket | c.marker));
                let joins = cur.word | cur.wide | cur.slash | cur.percent | cur.amp | cur.semicolon;
                let before = joins << 1 | u64::from(joined);
                joined = joins >> 63 == 1;
                *block = Block {
                    suspect: cur.wide | cur.terminal | json | percent | entity | quoted | (markup & before),
                    run: cur.run,
                    word: cur.word,
                };
                cur = next;
            }
        }
    }
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
            TERMINAL => true,
            MARKUP => at > 0 && may_join(bytes[at - 1]) && !lone(b, bytes.get(at + 1)),
            _ => false,
        }
    }

    fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(
            prop_oneof![
                "[a-z ]{0,90}".prop_map(String::into_bytes),
                "[A-Za-z0-9/+_\\\\-]{0,300}".prop_map(String::into_bytes),
                "[\\\\u%&=<>{}\\[\\]|*_+^~?\\-;#nNA4 \t\r\n\"é]{0,12}".prop_map(String::into_bytes),
                "\\PC{0,4}".prop_map(String::into_bytes),
                prop::collection::vec(any::<u8>(), 0..80),
                (0..5000_usize).prop_map(|n| vec![b' '; n]),
            ],
            0..8,
        )
        .prop_map(|parts| parts.concat())
    }

    proptest! {
        #[test]
        fn nothing_that_would_be_looked_at_is_passed_over(
            bytes in any_bytes(),
            skips in prop::collection::vec(1..80_usize, 1..6),
        ) {
            let mut sweep = Sweep::new(&bytes);
            let (mut at, mut n) = (0, 0);
            loop {
                while let Some(next) = sweep.suspect(at) {
                    prop_assert!(next >= at);
                    prop_assert!((at..next).all(|i| !is_looked_at(&bytes, i)), "{at}..{next}");
                    // The search goes on behind what it looked at.
                    at = next + skips[n % skips.len()];
                    n += 1;
                }
                prop_assert!((at..sweep.end()).all(|i| !is_looked_at(&bytes, i)));
                at = at.max(sweep.end());
                if !sweep.advance() { break }
            }
            prop_assert!(at >= bytes.len());
        }

        #[test]
        fn both_ways_give_the_same(bytes in any_bytes()) {
            let mut sweep = Sweep::new(&bytes);
            loop {
                let count = (bytes.len() - sweep.base).div_ceil(BLOCK).min(BLOCKS + 1);
                let mut want = [Block::default(); BLOCKS + 1];
                portable(&bytes, sweep.base, &mut want[..count]);
                prop_assert_eq!(sweep.blocks, want);
                if !sweep.advance() { break }
            }
        }

        #[test]
        fn every_word_and_every_long_run_is_met(bytes in any_bytes()) {
            let mut want: Vec<(usize, usize)> = Vec::new();
            for (i, _) in bytes.iter().enumerate().filter(|(_, b)| b.is_ascii_alphanumeric()) {
                match want.last_mut() {
                    Some(last) if last.1 == i => last.1 = i + 1,
                    _ => want.push((i, i + 1)),
                }
            }
            let runs: Vec<usize> =
                (0..bytes.len()).filter(|i| bytes.get(*i..*i + RUN).is_some_and(|w| w.iter().all(|b| in_run(*b)))).collect();
            let (mut words, mut found) = (Vec::new(), Vec::new());
            let mut sweep = Sweep::new(&bytes);
            let mut at = 0;
            loop {
                while let Some((from, to)) = sweep.word(at) {
                    words.push((from, to));
                    at = to;
                }
                let mut at = 0;
                while let Some(next) = sweep.run(at) {
                    found.push(next);
                    at = next + 1;
                }
                if !sweep.advance() { break }
            }
            prop_assert_eq!(words, want);
            prop_assert_eq!(found, runs);
        }
    }
}

//! The first look at every byte: which of them may begin something that hides a word, where may base64 begin, where a word
//! that is looked for? Asked of 64 bytes at once and answered with a bit a byte.
//!
//! Pure. A byte that is not suspect must be one at which [`super::Prefilter`] would find nothing to do; property tests hold
//! the answers against what it does, and the two ways to get them against each other.

#[cfg(target_arch = "x86_64")]
mod avx2;

use super::anchors::Words;

/// Bytes that are looked at together.
const BLOCK: usize = 64;

/// Blocks of a chunk.
const BLOCKS: usize = 64;

/// Bytes of a chunk.
pub(super) const CHUNK: usize = BLOCK * BLOCKS;

/// As many base64 characters as a run has at least.
const RUN: usize = 16;

/// The answers for one block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Block {
    /// What may hide a word.
    suspect: u64,
    /// Where [`RUN`] bytes begin that are base64 characters or backslashes.
    run: u64,
    /// ASCII letters and digits.
    word: u64,
    /// Where a word that is looked for may begin.
    head: u64,
}

/// How words begin: their first two letters, as sets by either half of a byte. A bit stands for some of the words.
pub(super) struct Heads {
    first: [[u8; 16]; 2],
    second: [[u8; 16]; 2],
}

impl Heads {
    /// Of few words; of many, every word may be one.
    pub(super) fn new(words: &Words, few: usize) -> Self {
        if words.len() > few {
            return Self { first: [[0xff; 16]; 2], second: [[0xff; 16]; 2] };
        }
        let mut heads = Self { first: [[0; 16]; 2], second: [[0; 16]; 2] };
        let mut begins: Vec<&[u8]> = words.iter().map(|w| &w[..w.len().min(2)]).collect();
        begins.sort_unstable();
        begins.dedup();
        for (n, word) in begins.iter().enumerate() {
            // Neighbours in the order share a bit, since many of them share a letter.
            let bit = 1 << (n * 8 / begins.len());
            let put = |sets: &mut [[u8; 16]; 2], b: u8| {
                for b in [b.to_ascii_lowercase(), b.to_ascii_uppercase()] {
                    sets[0][usize::from(b & 15)] |= bit;
                    sets[1][usize::from(b >> 4)] |= bit;
                }
            };
            put(&mut heads.first, word[0]);
            match word.get(1) {
                Some(b) => put(&mut heads.second, *b),
                None => heads.second.iter_mut().flatten().for_each(|set| *set |= bit),
            }
        }
        heads
    }

    /// Whether `b` and what stands behind it may begin a word. The vector search asks no more exactly.
    fn may(&self, b: u8, behind: u8) -> bool {
        let of = |sets: &[[u8; 16]; 2], b: u8| sets[0][(b & 15) as usize] & sets[1][(b >> 4) as usize];
        of(&self.first, b) & of(&self.second, behind) != 0
    }
}

/// The answers for one chunk of some bytes.
pub(super) struct Sweep<'a> {
    bytes: &'a [u8],
    heads: &'a Heads,
    /// Where the chunk begins; a multiple of [`CHUNK`].
    base: usize,
    /// One more than the chunk has, for what begins in it and ends behind.
    blocks: [Block; BLOCKS + 1],
    /// The blocks of the chunk with a suspect byte, with a run, with the beginning of a word, a bit each.
    some: Marked,
    doubtful: bool,
    hides: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Marked {
    suspect: u64,
    run: u64,
    head: u64,
}

impl<'a> Sweep<'a> {
    pub(super) fn new(bytes: &'a [u8], heads: &'a Heads) -> Self {
        let blocks = [Block::default(); BLOCKS + 1];
        let mut sweep = Self { bytes, heads, base: 0, blocks, some: Marked::default(), doubtful: false, hides: false };
        sweep.fill();
        sweep
    }

    /// The first byte of the chunk.
    pub(super) const fn base(&self) -> usize {
        self.base
    }

    /// One past the last byte of the chunk.
    pub(super) fn end(&self) -> usize {
        self.bytes.len().min(self.base + CHUNK)
    }

    /// Whether the chunk may be other than UTF-8, as far as it is not known from the one before. Characters of more than two
    /// bytes are for somebody else to judge.
    pub(super) const fn doubtful(&self) -> bool {
        self.doubtful
    }

    /// Whether there was a byte up to here in which another character set may begin: zero, or an escape.
    pub(super) const fn hides(&self) -> bool {
        self.hides
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

    /// The next byte of the chunk at or behind `at` that has a bit. `some`: the blocks that have any.
    fn next(&self, at: usize, some: u64, bits: impl Fn(&Block) -> u64) -> Option<usize> {
        let from = at.max(self.base) - self.base;
        if from >= CHUNK {
            return None;
        }
        let first = from / BLOCK;
        let mut left = some & (u64::MAX << first);
        let mut mask = u64::MAX << (from % BLOCK);
        if left >> first & 1 == 0 {
            mask = u64::MAX;
        }
        while left != 0 {
            let n = left.trailing_zeros() as usize;
            let found = bits(&self.blocks[n]) & mask;
            if found != 0 {
                return Some(self.base + n * BLOCK + found.trailing_zeros() as usize);
            }
            mask = u64::MAX;
            left &= left - 1;
        }
        None
    }

    /// The next suspect byte of the chunk.
    pub(super) fn suspect(&self, at: usize) -> Option<usize> {
        self.next(at, self.some.suspect, |block| block.suspect)
    }

    /// The next place of the chunk at which [`RUN`] bytes that may stand in base64 begin, and how many there are, where that is
    /// known and at most [`LONGEST`](super::runs::LONGEST).
    pub(super) fn run(&self, at: usize) -> Option<(usize, Option<usize>)> {
        let from = self.next(at, self.some.run, |block| block.run)?;
        let n = (from - self.base) / BLOCK;
        let bits = u128::from(self.blocks[n].run) | u128::from(self.blocks[n + 1].run) << BLOCK;
        let begins = (bits >> (from % BLOCK)).trailing_ones() as usize;
        // Of the block behind the chunk it is not known where runs begin.
        let known = n + 1 < BLOCKS || from % BLOCK + begins < BLOCK;
        let len = begins + RUN - 1;
        Some((from, (known && len <= super::runs::LONGEST).then_some(len)))
    }

    /// The next place of the chunk where a word that is looked for may begin, with the run of letters and digits around it,
    /// which begins before it where an escape may stand in front.
    pub(super) fn word(&self, at: usize) -> Option<(usize, usize)> {
        let head = self.next(at, self.some.head, |block| block.head)?;
        let n = (head - self.base) / BLOCK;
        let bits = u128::from(self.blocks[n].word) | u128::from(self.blocks[n + 1].word) << BLOCK;
        let len = (bits >> (head % BLOCK)).trailing_ones() as usize;
        let mut to = head + len;
        if head % BLOCK + len == 2 * BLOCK {
            to += self.bytes[to..].iter().take_while(|b| b.is_ascii_alphanumeric()).count();
        }
        let before = self.bytes[..head].iter().rev().take(ESCAPED).take_while(|b| b.is_ascii_alphanumeric()).count();
        Some((head - before, to))
    }

    fn fill(&mut self) {
        let left = self.bytes.len() - self.base;
        let count = left.div_ceil(BLOCK).min(BLOCKS + 1);
        (self.some, self.doubtful) = (Marked::default(), false);
        let mut state = State::new(self.bytes, self.base);
        #[cfg(target_arch = "x86_64")]
        if let Some(simd) = pulp::x86::V3::try_new() {
            simd.vectorize(avx2::Fill { simd, sweep: self, state: &mut state, count });
            self.finish(&state, count);
            return;
        }
        self.portable(&mut state, count);
        self.finish(&state, count);
    }

    fn portable(&mut self, state: &mut State, count: usize) {
        for n in 0..count {
            let at = self.base + n * BLOCK;
            let window = self.bytes[at..].first_chunk().copied().unwrap_or_else(|| tail(self.bytes, at));
            let raw = raw(&window, self.heads);
            self.put(n, &raw, state);
        }
    }

    /// Takes the classes of the block `n`, the blocks before it being there.
    #[inline(always)]
    fn put(&mut self, n: usize, raw: &Raw, state: &mut State) {
        let mut suspect = raw.wide | raw.hiding;
        self.hides |= raw.escape;
        // What is behind the block may be markup.
        let marked = (raw.bracket | raw.marker) >> 1 | 1 << 63;
        let markup = raw.bracket | (raw.marker & marked);
        let joins = raw.word | raw.wide | raw.rare;
        suspect |= markup & (joins << 1 | state.joins >> 63);
        let starts =
            !(raw.word << 1 | state.word >> 63) | raw.rare << 2 | state.rare >> 62 | raw.rare << 3 | state.rare >> 61;
        let head = raw.head & raw.word & starts;
        let expected = raw.lead << 1 | u64::from(state.lead);
        let doubtful =
            if n < BLOCKS { raw.other || expected != raw.follows } else { (expected ^ raw.follows) & 1 == 1 };
        self.doubtful |= doubtful;
        self.blocks[n] = Block { suspect, run: 0, word: raw.word, head };
        if n < BLOCKS {
            self.some.suspect |= u64::from(suspect != 0) << n;
            self.some.head |= u64::from(head != 0) << n;
            self.hides |= raw.zero;
        }
        if n > 0 {
            self.put_run(n - 1, state.run, raw.run);
        }
        *state = State { joins, word: raw.word, rare: raw.rare, run: raw.run, lead: raw.lead >> 63 == 1 };
    }

    /// Where runs begin in the block `n`, of which `run` are the characters.
    #[inline(always)]
    fn put_run(&mut self, n: usize, run: u64, behind: u64) {
        let mut bits = u128::from(run) | u128::from(behind) << BLOCK;
        let mut len = 1;
        while len < RUN {
            bits &= bits >> len;
            len *= 2;
        }
        self.blocks[n].run = bits as u64;
        self.some.run |= u64::from(bits as u64 != 0) << n;
    }

    fn finish(&mut self, state: &State, count: usize) {
        if count <= BLOCKS {
            if count > 0 {
                self.put_run(count - 1, state.run, 0);
            }
            self.blocks[count] = Block::default();
            self.doubtful |= state.lead;
        }
    }
}

/// How much of an escape may stand before a word in the same run of letters and digits: `n` of `\n`, `20` of `%20`.
const ESCAPED: usize = 3;

/// What a block has to know of the one before it.
#[derive(Default)]
struct State {
    joins: u64,
    word: u64,
    rare: u64,
    run: u64,
    lead: bool,
}

impl State {
    /// Before the block at `at`.
    fn new(bytes: &[u8], at: usize) -> Self {
        let mut state = Self::default();
        for (n, &b) in bytes[..at].iter().rev().take(3).enumerate() {
            let bit = 1 << (63 - n);
            state.word |= if b.is_ascii_alphanumeric() { bit } else { 0 };
            state.rare |= if rare(b) { bit } else { 0 };
            state.joins |= if b.is_ascii_alphanumeric() || b >= 0x80 || rare(b) { bit } else { 0 };
            state.lead |= n == 0 && matches!(b, 0xc2..=0xdf);
        }
        state
    }
}

/// Which bytes of a block are what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Raw {
    /// Beyond ASCII.
    wide: u64,
    /// ASCII letters and digits.
    word: u64,
    run: u64,
    rare: u64,
    /// Those of the rare that may begin something that hides a word.
    hiding: u64,
    bracket: u64,
    marker: u64,
    /// Letters with which a word may begin.
    head: u64,
    /// Those that lead a character of two bytes, and those that follow in one of any length.
    lead: u64,
    follows: u64,
    /// Whether some are wide and neither.
    other: bool,
    zero: bool,
    /// Whether some are the escape character.
    escape: bool,
}

/// A block and one byte behind it.
type Window = [u8; BLOCK + 1];

/// The last block, which begins at `at`; spaces stand behind the end.
#[cold]
fn tail(bytes: &[u8], at: usize) -> Window {
    let mut padded = [b' '; BLOCK + 1];
    let rest = bytes.get(at..).unwrap_or_default();
    padded[..rest.len()].copy_from_slice(rest);
    padded
}

/// The classes without vector instructions of our own; compilers find some.
fn raw(window: &Window, heads: &Heads) -> Raw {
    let flags =
        |is: &dyn Fn(u8, u8) -> bool| (0..BLOCK).fold(0, |bits, n| bits | u64::from(is(window[n], window[n + 1])) << n);
    let plain = |is: fn(u8) -> bool| flags(&|b, _| is(b));
    let wide = plain(|b| b >= 0x80);
    let (lead, follows) = (plain(|b| matches!(b, 0xc2..=0xdf)), plain(|b| matches!(b, 0x80..=0xbf)));
    Raw {
        wide,
        word: plain(|b| b.is_ascii_alphanumeric()),
        run: plain(in_run),
        rare: plain(rare),
        hiding: flags(&hides),
        bracket: plain(bracket),
        marker: plain(marker),
        head: flags(&|b, behind| b < 0x80 && heads.may(b, behind)),
        lead,
        follows,
        other: wide != lead | follows,
        zero: window[..BLOCK].contains(&0),
        escape: window[..BLOCK].contains(&0x1b),
    }
}

/// What begins an escape or ends an entity, all of which are few in most texts.
const fn rare(b: u8) -> bool {
    matches!(b, b'\\' | b'%' | b'&' | b'=' | b';' | 0x1b)
}

/// Sets of ASCII characters, a bit each: what the entries of both halves of a byte have in common, the lower half first.
type Sets = [[u8; 16]; 2];

/// Each set is all that its rows and its columns cross in: bit `h` of `rows`, bit `l` of `columns` for byte `16 h + l`.
const fn sets(crossings: [(u8, u16); 8]) -> Sets {
    let mut sets = [[0; 16]; 2];
    let mut n = 0;
    while n < 8 {
        let (rows, columns) = crossings[n];
        let mut i = 0;
        while i < 16 {
            sets[0][i] |= ((columns >> i & 1) as u8) << n;
            sets[1][i] |= if i < 8 { (rows >> i & 1) << n } else { 0 };
            i += 1;
        }
        n += 1;
    }
    sets
}

/// What may stand behind a rare byte that hides something.
const BEHIND: Sets = sets([
    // `U`, `e`, `u`.
    (1 << 5 | 1 << 6 | 1 << 7, 1 << 5),
    (1 << 5, 1 << 0xc),
    (1 << 7, 1 << 8),
    // White space, and a few others.
    (1 << 0 | 1 << 2, 1 << 0 | 1 << 9 | 1 << 0xa | 1 << 0xd),
    // Digits, and the letters of hexadecimal ones.
    (1 << 3, 0b0000_0011_1111_1111),
    (1 << 4 | 1 << 6, 0b0000_0000_0111_1110),
    // Letters and digits, and a few others.
    (0b1111_1000, u16::MAX),
    (1 << 2, 1 << 3 | 1 << 0xb),
]);

/// Which of [`BEHIND`] count behind a rare byte, by its lower half.
const HIDING: [u8; 16] = {
    let mut sets = [0; 16];
    // `\u…`, also under more backslashes; `\xEB`, `\353`, `\U…`, `\e`.
    sets[b'\\' as usize & 15] = 0b0001_0111;
    sets[b'%' as usize & 15] = 0b0011_0001;
    sets[b'&' as usize & 15] = 0b1100_0000;
    // `=4E`, or a soft line break, its line break perhaps escaped.
    sets[b'=' as usize & 15] = 0b0011_1010;
    sets
};

/// Whether a byte is rare and may begin something that hides a word.
const fn hides(b: u8, behind: u8) -> bool {
    let found = BEHIND[0][(behind & 15) as usize] & BEHIND[1][(behind >> 4) as usize];
    b == 0x1b || rare(b) && HIDING[(b & 15) as usize] & found != 0
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

#[cfg(test)]
mod tests;

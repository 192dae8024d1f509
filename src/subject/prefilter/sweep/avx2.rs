//! The same with AVX2: table look-ups by either half of a byte.

use std::arch::x86_64::__m256i;

use pulp::{NullaryFnOnce, cast, x86::V3};

use super::{BLOCK, Heads, Raw, Sets, State, Sweep, Window, bracket, in_run, marker, rare, sets, tail};

pub(super) struct Fill<'s, 'a, 't> {
    pub(super) simd: V3,
    pub(super) sweep: &'s mut Sweep<'a>,
    pub(super) state: &'t mut State,
    pub(super) count: usize,
}

/// Of either half of a vector.
type Twice = [[u8; 32]; 2];

const fn twice(set: &[u8; 16]) -> [u8; 32] {
    let mut out = [0; 32];
    let mut i = 0;
    while i < 32 {
        out[i] = set[i % 16];
        i += 1;
    }
    out
}

const fn both(sets: &Sets) -> Twice {
    [twice(&sets[0]), twice(&sets[1])]
}

const BEHIND: Twice = both(&super::BEHIND);
const HIDING: [u8; 32] = twice(&super::HIDING);

/// Letters and digits; the rest of base64's; the rare.
const COMMON: Twice = both(&sets([
    (1 << 3, 0b0000_0011_1111_1111),
    (1 << 4 | 1 << 6, 0b1111_1111_1111_1110),
    (1 << 5 | 1 << 7, 0b0000_0111_1111_1111),
    (1 << 2, 1 << 0xb | 1 << 0xd | 1 << 0xf),
    // The backslash is rare too.
    (1 << 5, 1 << 0xc),
    (1 << 5, 1 << 0xf),
    (1 << 2, 1 << 5 | 1 << 6),
    (1 << 3, 1 << 0xb | 1 << 0xd),
]));
const WORD: u8 = 0b0000_0111;
const IN_RUN: u8 = 0b0011_1111;
const RARE: u8 = 0b1101_0000;

/// Brackets and markers, and the escape, which is rare.
const MARKUP: Twice = both(&sets([
    (1 << 5 | 1 << 7, 1 << 0xb | 1 << 0xd),
    (1 << 3 | 1 << 7, 1 << 0xc),
    (1 << 5 | 1 << 7, 1 << 0xe),
    (1 << 2, 1 << 0xa | 1 << 0xb | 1 << 0xd),
    (1 << 3 | 1 << 5, 1 << 0xf),
    (1 << 1, 1 << 0xb),
    (0, 0),
    (0, 0),
]));
const BRACKET: u8 = 0b0000_0011;
const MARKER: u8 = 0b0001_1100;
const ESCAPE: u8 = 0b0010_0000;

/// The sets are those of the other way.
const _: () = {
    let mut b = 0;
    while b < 128_u8 {
        let (l, h) = ((b & 15) as usize, (b >> 4) as usize);
        let (common, markup) = (COMMON[0][l] & COMMON[1][h], MARKUP[0][l] & MARKUP[1][h]);
        assert!((common & WORD != 0) == b.is_ascii_alphanumeric());
        assert!((common & IN_RUN != 0) == in_run(b));
        assert!((common & RARE != 0 || markup & ESCAPE != 0) == rare(b));
        assert!((markup & BRACKET != 0) == bracket(b));
        assert!((markup & MARKER != 0) == marker(b));
        b += 1;
    }
};

/// A half's answers, in the order of [`Raw`].
struct Half {
    wide: u32,
    word: u32,
    run: u32,
    rare: u32,
    hiding: u32,
    escape: u32,
    bracket: u32,
    marker: u32,
    head: u32,
}

#[inline(always)]
fn load(bytes: &[u8], at: usize) -> __m256i {
    match bytes[at..].first_chunk::<32>() {
        Some(chunk) => cast(*chunk),
        None => cast([0_u8; 32]),
    }
}

#[inline(always)]
fn high(simd: V3, v: __m256i) -> __m256i {
    simd.avx2._mm256_and_si256(simd.avx2._mm256_srli_epi16::<4>(v), simd.avx._mm256_set1_epi8(0x0f))
}

/// The sets of bytes, by their lower halves and their higher ones.
#[inline(always)]
fn sets_of(simd: V3, sets: &Twice, low: __m256i, high: __m256i) -> __m256i {
    let columns = simd.avx2._mm256_shuffle_epi8(cast(sets[0]), low);
    simd.avx2._mm256_and_si256(columns, simd.avx2._mm256_shuffle_epi8(cast(sets[1]), high))
}

/// A bit for each byte that is not zero.
#[inline(always)]
fn any(simd: V3, v: __m256i) -> u32 {
    !(simd.avx2._mm256_movemask_epi8(simd.avx2._mm256_cmpeq_epi8(v, simd.avx._mm256_set1_epi8(0))) as u32)
}

#[inline(always)]
fn of(simd: V3, v: __m256i, bits: u8) -> __m256i {
    simd.avx2._mm256_and_si256(v, simd.avx._mm256_set1_epi8(bits as i8))
}

#[inline(always)]
fn half(simd: V3, window: &Window, at: usize, heads: &[Twice; 2]) -> Half {
    let (b, behind) = (load(window, at), load(window, at + 1));
    let rows = high(simd, b);
    let (common, markup) = (sets_of(simd, &COMMON, b, rows), sets_of(simd, &MARKUP, b, rows));
    let first = sets_of(simd, &heads[0], b, rows);
    let (low, rows) = (of(simd, behind, 0x0f), high(simd, behind));
    let second = sets_of(simd, &heads[1], low, rows);
    let hidden =
        simd.avx2._mm256_and_si256(simd.avx2._mm256_shuffle_epi8(cast(HIDING), b), sets_of(simd, &BEHIND, low, rows));
    let escape = any(simd, of(simd, markup, ESCAPE));
    let rare = any(simd, of(simd, common, RARE)) | escape;
    Half {
        wide: simd.avx2._mm256_movemask_epi8(b) as u32,
        word: any(simd, of(simd, common, WORD)),
        run: any(simd, of(simd, common, IN_RUN)),
        rare,
        hiding: any(simd, hidden) & rare | escape,
        escape,
        bracket: any(simd, of(simd, markup, BRACKET)),
        marker: any(simd, of(simd, markup, MARKER)),
        head: any(simd, simd.avx2._mm256_and_si256(first, second)),
    }
}

/// Which bytes are less than `b`, as signed numbers: 0x80 is the least.
#[inline(always)]
fn below(simd: V3, window: &Window, b: u8) -> u64 {
    let b = simd.avx._mm256_set1_epi8(b as i8);
    let first = simd.avx2._mm256_movemask_epi8(simd.avx2._mm256_cmpgt_epi8(b, load(window, 0))) as u32;
    let second = simd.avx2._mm256_movemask_epi8(simd.avx2._mm256_cmpgt_epi8(b, load(window, 32))) as u32;
    u64::from(first) | u64::from(second) << 32
}

/// Leads of two bytes, what follows, and whether there is something else beyond ASCII.
#[inline(always)]
fn characters(simd: V3, window: &Window, wide: u64) -> (u64, u64, bool) {
    let follows = below(simd, window, 0xc0);
    let lead = below(simd, window, 0xe0) & !below(simd, window, 0xc2);
    (lead, follows, wide != lead | follows)
}

#[inline(always)]
fn raw(simd: V3, window: &Window, heads: &[Twice; 2]) -> Raw {
    let (a, b) = (half(simd, window, 0, heads), half(simd, window, 32, heads));
    let both = |a: u32, b: u32| u64::from(a) | u64::from(b) << 32;
    let wide = both(a.wide, b.wide);
    let (lead, follows, other) = if wide == 0 { (0, 0, false) } else { characters(simd, window, wide) };
    let least = simd.avx2._mm256_min_epu8(load(window, 0), load(window, 32));
    let zero = simd.avx2._mm256_cmpeq_epi8(least, simd.avx._mm256_set1_epi8(0));
    Raw {
        wide,
        word: both(a.word, b.word),
        run: both(a.run, b.run),
        rare: both(a.rare, b.rare),
        hiding: both(a.hiding, b.hiding),
        bracket: both(a.bracket, b.bracket),
        marker: both(a.marker, b.marker),
        head: both(a.head, b.head),
        lead,
        follows,
        other,
        zero: simd.avx2._mm256_movemask_epi8(zero) != 0,
        escape: a.escape | b.escape != 0,
    }
}

impl NullaryFnOnce for Fill<'_, '_, '_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { simd, sweep, state, count } = self;
        let Heads { first, second } = sweep.heads;
        let heads = [both(first), both(second)];
        for n in 0..count {
            let at = sweep.base + n * BLOCK;
            // No closures here, which would be compiled without these instructions.
            let padded;
            let window = match sweep.bytes[at..].first_chunk() {
                Some(window) => window,
                None => {
                    padded = tail(sweep.bytes, at);
                    &padded
                }
            };
            let raw = raw(simd, window, &heads);
            sweep.put(n, &raw, state);
        }
    }
}

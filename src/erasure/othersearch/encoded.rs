//! Texts that are encoded as a whole inside another.

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use super::{Placed, peel::BARRIER};

/// Shorter runs hold no name.
const SHORTEST: usize = 16;

/// Only lines of this length and more are broken ones.
const LINE: usize = 40;

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What the base64 runs of a view say, run by run; once for each number of characters that may stand against a run
/// without belonging to it.
pub(super) fn base64(view: &[Placed]) -> Vec<Vec<Placed>> {
    let runs = runs(view);
    let mut out = Vec::new();
    for skip in 0..4 {
        let mut decoded = Vec::new();
        for run in &runs {
            let run = run.get(skip..).unwrap_or_default();
            let whole = run.len() - usize::from(run.len() % 4 == 1);
            let text: String = run[..whole].iter().map(|(c, _)| *c).collect();
            let Ok(bytes) = LENIENT.decode(text) else { continue };
            let mut at = 0;
            for chunk in bytes.utf8_chunks() {
                for c in chunk.valid().chars() {
                    decoded.push((c, run[at / 3 * 4].1));
                    at += c.len_utf8();
                }
                if !chunk.invalid().is_empty() {
                    decoded.push(('\u{fffd}', run[at / 3 * 4].1));
                    at += chunk.invalid().len();
                }
            }
            if let Some((_, place)) = run.last() {
                decoded.push((BARRIER, *place));
            }
        }
        if !decoded.is_empty() {
            out.push(decoded);
        }
    }
    out
}

/// Runs of base64 characters, in the standard alphabet; white space after a long line is left out.
fn runs(view: &[Placed]) -> Vec<Vec<Placed>> {
    let mut out = Vec::new();
    let mut run: Vec<Placed> = Vec::new();
    let mut line = 0;
    for &(c, place) in view {
        let plain = match c {
            '-' => '+',
            '_' => '/',
            c => c,
        };
        if plain.is_ascii_alphanumeric() || matches!(plain, '+' | '/') {
            run.push((plain, place));
            line += 1;
        } else if c.is_whitespace() && (line >= LINE || (line == 0 && !run.is_empty())) {
            line = 0;
        } else {
            if run.len() >= SHORTEST {
                out.push(std::mem::take(&mut run));
            }
            run.clear();
            line = 0;
        }
    }
    if run.len() >= SHORTEST {
        out.push(run);
    }
    out
}

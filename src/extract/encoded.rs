//! Texts inside a text that are encoded as a whole: base64, in which mail, tokens and data addresses are written.
//!
//! Decodes and keeps the way back to the original's bytes. Must not search or judge what it decodes.

use std::ops::Range;

use crate::norm::{Builder, Mapped};

/// The shortest run that is decoded, in characters: twelve bytes, in which a name may stand.
const SHORTEST: usize = 16;

/// A shorter stretch of text in what is decoded is chance, in bytes.
const SHORTEST_TEXT: usize = 8;

/// How often a text may be encoded as a whole, one encoding in the other.
pub const DEEPEST: usize = 2;

/// A line break belongs to a run only after a line of at least this many characters; MIME breaks at 76, PEM at 64.
const LINE: usize = 40;

/// A run of base64 characters in some bytes: the value of each character, and where it stands.
pub struct Run {
    /// Where the run stands.
    pub span: Range<usize>,
    sextets: Vec<u8>,
    /// The first byte of each character, and the end of the last.
    starts: Vec<usize>,
}

/// The value of a base64 character, of the standard and the URL alphabet (RFC 4648, sections 4 and 5).
const fn value(b: u8) -> Option<u8> {
    Some(match b {
        b'A'..=b'Z' => b - b'A',
        b'a'..=b'z' => b - b'a' + 26,
        b'0'..=b'9' => b - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    })
}

/// What stands at a byte of a run.
enum Token {
    Char(u8),
    Break,
}

/// The base64 character or line break at `at`, also under JSON escapes of whatever depth, and its length. Letters and
/// digits are not looked for under escapes, since no writer of JSON escapes them.
fn token(bytes: &[u8], at: usize) -> Option<(Token, usize)> {
    let b = *bytes.get(at)?;
    if let Some(v) = value(b) {
        return Some((Token::Char(v), 1));
    }
    match b {
        b'\n' => Some((Token::Break, 1)),
        b'\r' if bytes.get(at + 1) == Some(&b'\n') => Some((Token::Break, 2)),
        b'\\' => {
            let slashes = bytes[at..].iter().take(16).take_while(|b| **b == b'\\').count();
            let rest = &bytes[at + slashes..];
            match rest.first()? {
                b'n' => Some((Token::Break, slashes + 1)),
                b'r' => {
                    let (next, len) = token(bytes, at + slashes + 1)?;
                    matches!(next, Token::Break).then_some((Token::Break, slashes + 1 + len))
                }
                b'/' => Some((Token::Char(63), slashes + 1)),
                b'u' => match rest.get(1..5)? {
                    b"002b" | b"002B" => Some((Token::Char(62), slashes + 5)),
                    b"002f" | b"002F" => Some((Token::Char(63), slashes + 5)),
                    _ => None,
                },
                _ => None,
            }
        }
        _ => None,
    }
}

/// Every run of base64 characters in `bytes` that is long enough to hold a name.
pub fn base64_runs(bytes: &[u8]) -> impl Iterator<Item = Run> {
    let mut probe = 0;
    std::iter::from_fn(move || {
        // A run that is not broken has a character at every tenth byte; broken ones have long lines.
        while probe < bytes.len() {
            if value(bytes[probe]).is_none() {
                probe += SHORTEST / 2;
                continue;
            }
            let from = bytes[..probe].iter().rposition(|b| value(*b).is_none()).map_or(0, |i| i + 1);
            let to = probe + bytes[probe..].iter().take_while(|b| value(**b).is_some()).count();
            // Broken or escaped inside: what stands before may be no more than a few characters.
            let goes_on = bytes.get(to) == Some(&b'\\') && matches!(token(bytes, to), Some((Token::Char(_), _)));
            if to - from < SHORTEST && !goes_on {
                probe = to + SHORTEST / 2;
                continue;
            }
            let run = run(bytes, from);
            probe = run.span.end.max(to) + 1;
            if run.sextets.len() >= SHORTEST {
                return Some(run);
            }
        }
        None
    })
}

fn run(bytes: &[u8], from: usize) -> Run {
    let (mut sextets, mut starts) = (Vec::new(), Vec::new());
    let (mut at, mut end, mut line) = (from, from, 0);
    while let Some((token, len)) = token(bytes, at) {
        match token {
            Token::Char(v) => {
                sextets.push(v);
                starts.push(at);
                line += 1;
                end = at + len;
            }
            Token::Break if line >= LINE => line = 0,
            Token::Break => break,
        }
        at += len;
    }
    starts.push(end);
    Run { span: from..end, sextets, starts }
}

impl Run {
    /// The text that the run stands for if its first `skip` (0 to 3) characters do not belong to it: byte for byte what is
    /// decoded, with a line feed for each byte of what is no text. `None` where there is no text in it, as in most words.
    #[must_use]
    pub fn decoded(&self, skip: usize) -> Option<String> {
        let sextets = self.sextets.get(skip..).unwrap_or_default();
        let mut out = Vec::with_capacity(sextets.len() * 3 / 4 + 3);
        for quad in sextets.chunks(4) {
            let mut bits = [0; 4];
            bits[..quad.len()].copy_from_slice(quad);
            let [a, b, c, d] = bits;
            let bytes = [a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d];
            out.extend_from_slice(&bytes[..quad.len().saturating_sub(1)]);
        }
        texts_alone(out)
    }

    /// As [`Run::decoded`], with the way back: each character stands for the groups of four that it was read from, so that
    /// what is left of a run that was cut still decodes.
    #[must_use]
    pub fn text(&self, skip: usize) -> Option<Mapped> {
        let text = self.decoded(skip)?;
        let place = |i: usize| self.starts[(skip + i).min(self.sextets.len())];
        let mut out = Builder::with_capacity(text.len());
        for (at, c) in text.char_indices() {
            let end = at + c.len_utf8();
            out.unit(&text[at..end], place(at / 3 * 4), place(end.div_ceil(3) * 4));
        }
        Some(out.finish())
    }
}

/// Bytes with everything that is no text made line feeds; `None` where nothing is left.
fn texts_alone(mut bytes: Vec<u8>) -> Option<String> {
    let mut any = false;
    let mut at = 0;
    while at < bytes.len() {
        let mut end = at;
        while end < bytes.len() {
            match bytes[end] {
                b' '..=0x7e | b'\t' | b'\n' | b'\r' => end += 1,
                0xc2.. => match character(&bytes[end..]) {
                    Some(len) => end += len,
                    None => break,
                },
                _ => break,
            }
        }
        if end - at < SHORTEST_TEXT {
            end = (end + 1).min(bytes.len());
            bytes[at..end].fill(b'\n');
        } else {
            any = true;
        }
        at = end;
    }
    if any { String::from_utf8(bytes).ok() } else { None }
}

/// The length of the character beyond ASCII that begins here.
fn character(bytes: &[u8]) -> Option<usize> {
    let len = match bytes.first()? {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return None,
    };
    std::str::from_utf8(bytes.get(..len)?).ok().map(|_| len)
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn runs_and_what_they_stand_for() {
        let plain = "From: Zoë Xander <zoe.x@corp.example>, to all of you who read this long line";
        let encoded = STANDARD.encode(plain);
        let wrapped = format!("{}\r\n{}", &encoded[..76], &encoded[76..]);
        let escaped = wrapped.replace("\r\n", "\\r\\n").replace('/', "\\/").replace('+', "\\u002B");
        for text in [encoded.clone(), wrapped, escaped, format!("data:text/plain;base64,{encoded} end")] {
            let runs: Vec<Run> = base64_runs(text.as_bytes()).collect();
            let run = runs.last().unwrap();
            assert_eq!(run.decoded(0).unwrap(), plain, "{text}");
            let view = run.text(0).unwrap();
            let at = view.text().find("Xander").unwrap();
            let piece = &text[view.original(at, at + 6)];
            let inner = STANDARD.decode(piece.replace(['\r', '\n', '\\'], "")).unwrap();
            assert!(String::from_utf8_lossy(&inner).contains("Xander"), "{piece}");
        }
        assert_eq!(base64_runs(b"short words, no runs: customfield_102 a-b").count(), 0);
    }

    proptest! {
        #[test]
        fn every_text_comes_back(text in "\\PC{12,60}", before in "[ ,:\"A-Za-z/]{0,20}", after in "[ ,:\"=]{0,4}") {
            let encoded = STANDARD.encode(&text);
            let whole = format!("{before}{encoded}{after}");
            let found = base64_runs(whole.as_bytes())
                .any(|run| (0..4).any(|skip| run.decoded(skip).is_some_and(|t| t.contains(&text))));
            prop_assert!(found, "{whole}");
        }

        #[test]
        fn places_are_inside(text in "[A-Za-z0-9+/\\\\nu02bé\n]{0,120}") {
            for run in base64_runs(text.as_bytes()) {
                for skip in 0..4 {
                    let Some(view) = run.text(skip) else { continue };
                    let span = view.original(0, view.text().len());
                    prop_assert!(text.get(span).is_some());
                }
            }
        }
    }
}

//! Text normalisation `norm/1`: one spelling for the many ways in which the same name, address or id can be written,
//! with exact spans of the original bytes. Suppression's keyed hashes and the matcher stand on it.
//!
//! Two forms. [`fold`]: Unicode NFKC, case folded (ß as ss, final sigma as sigma, every Turkish i as i), soft hyphens,
//! zero-width and direction characters dropped, runs of white space as one space. [`bare`]: the same with diacritics
//! dropped (ø, ł, đ and the like as their base letter). [`key_form`] is the form that a keyed hash is taken of.
//!
//! Frozen: hashes outlive their plaintext, so any change of output is a new version with its own name. The golden
//! vectors below hold it. Must not know of matching, of Jira or of files.

mod chars;
mod key;
mod mapped;

use unicode_normalization::UnicodeNormalization;

pub use chars::{is_diacritic, is_ignorable};
pub use key::key_form;
pub use mapped::{Builder, Mapped};

/// The name of this normalisation, stored beside every hash that is taken of its output.
pub const VERSION: &str = "norm/1";

/// A normalised text with the way back to the original bytes.
pub type Normalized = Mapped;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Fold,
    Bare,
}

/// NFKC, case folded, ignorable characters dropped, white space collapsed; diacritics kept.
#[must_use]
pub fn fold(text: &str) -> Normalized {
    normalize(text, Form::Fold)
}

/// As [`fold`], with diacritics dropped.
#[must_use]
pub fn bare(text: &str) -> Normalized {
    normalize(text, Form::Bare)
}

fn normalize(text: &str, form: Form) -> Normalized {
    let mut out = Builder::with_capacity(text.len());
    let bytes = text.as_bytes();
    let mut at = 0;
    let mut buffer = String::new();
    while at < bytes.len() {
        // Plain ASCII is the bulk of everything; a letter followed by a combining mark is left to the slow road.
        let mut end = at;
        while end < bytes.len() && bytes[end].is_ascii() && !is_ascii_space(bytes[end]) {
            end += 1;
        }
        if end < bytes.len() && !bytes[end].is_ascii() && end > at {
            end -= 1;
        }
        if end > at {
            out.same_ascii_lowercase(&text[at..end], at);
            at = end;
            continue;
        }
        let Some(first) = text[at..].chars().next() else { break };
        if first.is_whitespace() {
            let mut to = at + first.len_utf8();
            while let Some(c) = text[to..].chars().next().filter(|c| c.is_whitespace()) {
                to += c.len_utf8();
            }
            out.space(at, to);
            at = to;
            continue;
        }
        if is_ignorable(first) {
            at += first.len_utf8();
            continue;
        }
        let to = cluster_end(text, at);
        buffer.clear();
        spell(&text[at..to], form, &mut buffer);
        out.unit(&buffer, at, to);
        at = to;
    }
    out.finish()
}

const fn is_ascii_space(b: u8) -> bool {
    matches!(b, b' ' | 0x09..=0x0d)
}

/// End of the character at `at` together with all that composes with it. Ignorable characters are taken in only where
/// something composing follows them.
fn cluster_end(text: &str, at: usize) -> usize {
    let mut chars = text[at..].char_indices();
    let Some((_, first)) = chars.next() else { return at };
    let mut end = at + first.len_utf8();
    for (i, c) in chars {
        if chars::composes(c) {
            end = at + i + c.len_utf8();
        } else if !is_ignorable(c) {
            break;
        }
    }
    end
}

/// The normal spelling of one cluster.
fn spell(cluster: &str, form: Form, out: &mut String) {
    let visible = cluster.chars().filter(|c| !is_ignorable(*c));
    let folded: String = visible.nfkd().flat_map(chars::fold_case).collect();
    match form {
        Form::Fold => {
            // A dot over an i is no diacritic: Turkish İ, lowercased, is an i and a combining dot.
            let mut previous = None;
            let dotless = folded.chars().filter(|c| {
                let keep = !(*c == '\u{307}' && previous == Some('i'));
                previous = Some(*c);
                keep
            });
            out.extend(dotless.nfkc().filter(|c| !is_ignorable(*c)));
        }
        Form::Bare => {
            let kept = folded.nfkd().filter(|c| !is_diacritic(*c) && !is_ignorable(*c));
            for c in kept.nfkc() {
                chars::base_letter(c, out);
            }
        }
    }
}

/// `text` cut into the units that normalise as one: a character with all that composes with it.
pub fn clusters(text: &str) -> impl Iterator<Item = &str> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let end = cluster_end(text, at);
        let cluster = text.get(at..end).filter(|c| !c.is_empty());
        at = end;
        cluster
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Golden vectors of `norm/1`: text, fold, bare. A change here is a new version of the normalisation.
    const GOLDEN: &[(&str, &str, &str)] = &[
        ("Jane Doe", "jane doe", "jane doe"),
        ("  Jane \t\n Doe ", " jane doe ", " jane doe "),
        ("Zoë Müller", "zoë müller", "zoe muller"),
        ("Zoe\u{308} Mu\u{308}ller", "zoë müller", "zoe muller"),
        ("STRAẞE Straße", "strasse strasse", "strasse strasse"),
        ("ΟΔΥΣΣΕΎΣ Ὀδυσσεύς", "οδυσσεύσ ὀδυσσεύσ", "οδυσσευσ οδυσσευσ"),
        ("İpek ILGIN Işık", "ipek ilgin işik", "ipek ilgin isik"),
        ("Bjørn Łukasz Đặng Æsir", "bjørn łukasz đặng æsir", "bjorn lukasz dang aesir"),
        ("J\u{ad}ane\u{a0}D\u{200b}oe", "jane doe", "jane doe"),
        ("Ｊａｎｅ　Ｄｏｅ", "jane doe", "jane doe"),
        ("ﬁona 𝐉𝐨", "fiona jo", "fiona jo"),
        ("Zoe\u{200d}\u{308}", "zoë", "zoe"),
        ("Ёлкин Й", "ёлкин й", "елкин и"),
        ("\u{1112}\u{1161}\u{11ab}", "한", "한"),
        ("ガ", "ガ", "ガ"),
        ("ｶﾞ", "ガ", "ガ"),
        ("\u{212a}elvin \u{17f}", "kelvin s", "kelvin s"),
        ("zoe.x+Tag@Corp.EXAMPLE", "zoe.x+tag@corp.example", "zoe.x+tag@corp.example"),
        ("O’Brien", "o'brien", "o'brien"),
        ("Jean‐Luc", "jean-luc", "jean-luc"),
    ];

    #[test]
    fn golden_vectors() {
        for (text, folded, bared) in GOLDEN {
            assert_eq!(fold(text).text(), *folded, "fold of {text:?}");
            assert_eq!(bare(text).text(), *bared, "bare of {text:?}");
        }
    }

    #[test]
    fn spans_lead_back() {
        let text = "see Zo\u{ad}ë\u{a0} \u{a0}MÜLLER!";
        let n = bare(text);
        let at = n.text().find("zoe muller").unwrap();
        let span = n.original(at, at + "zoe muller".len());
        assert_eq!(&text[span], "Zo\u{ad}ë\u{a0} \u{a0}MÜLLER");
    }

    #[test]
    fn trailing_ignorables_stay_outside() {
        let text = "Doe\u{200b} x";
        let n = bare(text);
        assert_eq!(&text[n.original(0, 3)], "Doe");
    }

    proptest! {
        #[test]
        fn a_second_time_changes_nothing(text in "\\PC{0,24}") {
            let once = fold(&text);
            let twice = fold(once.text());
            prop_assert_eq!(twice.text(), once.text());
            let bared = bare(&text);
            let again = bare(bared.text());
            prop_assert_eq!(again.text(), bared.text());
            let via = bare(once.text());
            prop_assert_eq!(via.text(), bared.text());
        }

        #[test]
        fn every_span_is_a_slice(text in "\\PC{0,24}") {
            for n in [fold(&text), bare(&text)] {
                let mut last = 0;
                for (i, c) in n.text().char_indices() {
                    let span = n.original(i, i + c.len_utf8());
                    prop_assert!(text.get(span.clone()).is_some_and(|s| !s.is_empty()));
                    prop_assert!(span.start >= last || n.original(0, i).end >= span.start);
                    last = span.start;
                }
            }
        }

        #[test]
        fn case_and_form_do_not_matter(text in "[a-zA-Zäöüéèñçåøł .@_-]{0,24}") {
            let lower = fold(&text.to_lowercase());
            let decomposed: String = text.nfd().collect();
            prop_assert_eq!(fold(&text).into_text(), lower.text());
            prop_assert_eq!(fold(&decomposed).into_text(), lower.text());
            prop_assert_eq!(bare(&decomposed).into_text(), bare(&text).into_text());
        }
    }
}

//! The character classes and letter tables of `norm/1`.

use unicode_normalization::char::{canonical_combining_class, is_combining_mark};

/// Characters that show nothing and separate nothing: soft hyphen, zero-width and direction characters, variation
/// selectors, byte-order mark.
#[must_use]
pub const fn is_ignorable(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}')
}

/// Marks that may be dropped without making another letter of it: those of Latin, Greek and Cyrillic, Hebrew points and
/// Arabic vowel signs. The marks of Indic scripts and of kana are letters of their own.
#[must_use]
pub const fn is_diacritic(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}'..='\u{5c2}'
        | '\u{5c4}'..='\u{5c5}' | '\u{5c7}' | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{1ab0}'..='\u{1aff}'
        | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

/// Whether `c` joins the character before it into one unit.
pub(super) fn composes(c: char) -> bool {
    if is_ignorable(c) {
        return false;
    }
    is_combining_mark(c)
        || canonical_combining_class(c) != 0
        || matches!(c, '\u{1161}'..='\u{11ff}' | '\u{ff9e}' | '\u{ff9f}')
}

/// Case folding of one character; typographic apostrophes and hyphens become the plain ones, since keyboards differ.
pub(super) fn fold_case(c: char) -> impl Iterator<Item = char> {
    let (special, plain): (&'static str, _) = match c {
        'ß' | 'ẞ' => ("ss", None),
        'ς' => ("σ", None),
        'ı' => ("i", None),
        '\u{345}' => ("ι", None),
        '\u{2018}' | '\u{2019}' | '\u{2bc}' => ("'", None),
        '\u{2010}' | '\u{2011}' => ("-", None),
        c => ("", Some(c)),
    };
    special.chars().chain(plain.into_iter().flat_map(char::to_lowercase))
}

/// Letters with a stroke or of two parts have no decomposition in Unicode; their usual base letters.
pub(super) fn base_letter(c: char, out: &mut String) {
    match c {
        'ø' => out.push('o'),
        'ł' => out.push('l'),
        'đ' | 'ð' => out.push('d'),
        'ħ' => out.push('h'),
        'ŧ' => out.push('t'),
        'æ' => out.push_str("ae"),
        'œ' => out.push_str("oe"),
        'þ' => out.push_str("th"),
        c => out.push(c),
    }
}

//! Endings that grammar adds to a name: the forms of German, Scandinavian and English (genitive), Finnish, Polish, Czech,
//! Slovak, Croatian, Russian and Ukrainian that a name takes most often. They only point, so the lists err on both sides.

use super::romanise::is_cyrillic;
use crate::norm;

/// The inflected forms of a word (folded), in folded form.
pub(super) fn inflected(word: &str, given: bool) -> Vec<String> {
    let count = word.chars().count();
    if count < 3 || !word.chars().all(char::is_alphabetic) {
        return Vec::new();
    }
    if word.chars().all(is_cyrillic) {
        return cyrillic(word);
    }
    let bare = norm::bare(word).into_text();
    if !bare.is_ascii() {
        return Vec::new();
    }
    let with = |stem: &str, endings: &[&str]| endings.iter().map(|e| format!("{stem}{e}")).collect::<Vec<_>>();
    if given {
        return match word.strip_suffix('a') {
            Some(stem) => with(stem, &["y", "ie", "u", "ou", "o"]),
            None => with(word, &["a", "owi", "ovi", "em", "om"]),
        };
    }
    for (ending, forms) in [
        ("nen", &["sen", "sta", "selle", "sella", "sesta"][..]),
        ("ski", &["skiego", "skiemu", "skim", "skis"]),
        ("cki", &["ckiego", "ckiemu", "ckim", "ckis"]),
        ("ska", &["skiej", "skas"]),
        ("cka", &["ckiej", "ckas"]),
    ] {
        if let Some(stem) = word.strip_suffix(ending) {
            return with(stem, forms);
        }
    }
    let vowel = bare.ends_with(['a', 'e', 'i', 'o', 'u', 'y']);
    let mut out = if vowel {
        with(word, &["s", "n", "lle", "lla", "lta", "ssa", "sta"])
    } else {
        with(word, &["in", "ille", "illa", "ilta", "issa", "ista", "a", "u", "owi", "ovi", "em", "om"])
    };
    if !vowel && !bare.ends_with(['s', 'x', 'z']) {
        out.push(format!("{word}s"));
    }
    if let Some(stem) = word.strip_suffix('a').filter(|s| s.chars().count() >= 3) {
        out.extend(with(stem, &["y", "ie", "u", "ou"]));
    }
    out
}

fn cyrillic(word: &str) -> Vec<String> {
    let endings: [(&str, &[&str]); 13] = [
        ("ский", &["ского", "скому", "ским", "ском"]),
        ("цкий", &["цкого", "цкому", "цким", "цком"]),
        ("ская", &["ской", "скую"]),
        ("цкая", &["цкой", "цкую"]),
        ("ова", &["овой", "ову"]),
        ("ева", &["евой", "еву"]),
        ("ина", &["иной", "ину", "ины", "ине"]),
        ("ый", &["ого", "ому", "ым", "ом"]),
        ("ий", &["ия", "ию", "ием", "ии"]),
        ("й", &["я", "ю", "ем", "е"]),
        ("ь", &["я", "ю", "ем", "е"]),
        ("а", &["ы", "и", "е", "у", "ой"]),
        ("я", &["и", "е", "ю", "ей"]),
    ];
    for (ending, forms) in endings {
        if let Some(stem) = word.strip_suffix(ending).filter(|s| !s.is_empty()) {
            return forms.iter().map(|f| format!("{stem}{f}")).collect();
        }
    }
    if word.ends_with(|c| "оуеиыэюё".contains(c)) {
        return Vec::new();
    }
    ["а", "у", "ом", "ым", "е"].iter().map(|e| format!("{word}{e}")).collect()
}

//! Cyrillic and Greek written in Latin letters, by the systems that passports, agencies, scholars and newspapers use.
//!
//! Pure tables. Input is folded (`norm::fold`); output is Latin without marks, since marks are dropped before anything is
//! compared. Sources: ICAO Doc 9303 part 3 (passports), BGN/PCGN 1944, 1947, 1962 and 1996, ISO 9:1995, ISO 843:1997 and ELOT 743,
//! the scholarly and the German (Duden) transcription.

use super::Reason;

/// The Latin spellings of a word, each with the system that it is of; none where it is in neither script.
pub(super) fn romanised(word: &str) -> Vec<(String, Reason)> {
    let mut out: Vec<(String, Reason)> = Vec::new();
    let mut add = |text: String, reason| {
        if !text.is_empty() && !out.iter().any(|(t, _)| *t == text) {
            out.push((text, reason));
        }
    };
    if word.chars().any(is_cyrillic) {
        for (system, reason) in CYRILLIC {
            add(cyrillic(word, system), reason);
        }
        // Newspapers write the endings -ий and -ый as one letter, and кс as x.
        for long in ["ий", "ый", "ій"] {
            if let Some(stem) = word.strip_suffix(long) {
                add(format!("{}i", cyrillic(stem, Cyrillic::German)), Reason::RomanisedGerman);
            }
        }
        for system in [Cyrillic::Press, Cyrillic::Icao] {
            for (long, short) in [("ий", "y"), ("ый", "y"), ("ій", "y"), ("ий", "i"), ("ый", "i"), ("ей", "ey")]
            {
                if let Some(stem) = word.strip_suffix(long) {
                    add(format!("{}{short}", cyrillic(stem, system)), Reason::RomanisedPress);
                }
            }
            if word.contains("кс") {
                add(cyrillic(&word.replace("кс", "x"), system), Reason::RomanisedPress);
            }
        }
        if word.contains('ё') {
            let plain = word.replace('ё', "е");
            for (system, reason) in CYRILLIC {
                add(cyrillic(&plain, system), reason);
            }
        }
    } else if word.chars().any(is_greek) {
        for (system, reason) in GREEK {
            add(greek(word, system), reason);
        }
    }
    out
}

pub(super) const fn is_cyrillic(c: char) -> bool {
    matches!(c, '\u{400}'..='\u{52f}')
}

pub(super) const fn is_greek(c: char) -> bool {
    matches!(c, '\u{370}'..='\u{3ff}' | '\u{1f00}'..='\u{1fff}')
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Cyrillic {
    Icao,
    Bgn,
    Iso9,
    Scholarly,
    German,
    Press,
    Bulgarian,
}

const CYRILLIC: [(Cyrillic, Reason); 7] = [
    (Cyrillic::Icao, Reason::RomanisedIcao),
    (Cyrillic::Bgn, Reason::RomanisedBgn),
    (Cyrillic::Iso9, Reason::RomanisedIso),
    (Cyrillic::Scholarly, Reason::RomanisedScholarly),
    (Cyrillic::German, Reason::RomanisedGerman),
    (Cyrillic::Press, Reason::RomanisedPress),
    (Cyrillic::Bulgarian, Reason::RomanisedBgn),
];

fn cyrillic(word: &str, system: Cyrillic) -> String {
    use Cyrillic::{Bgn, Bulgarian, German, Icao, Iso9, Press, Scholarly};
    let ukrainian = word.contains(['і', 'ї', 'є', 'ґ']) || word.contains("ськ") || word.contains("цьк");
    let chars: Vec<char> = word.chars().collect();
    let mut out = String::new();
    for (i, &c) in chars.iter().enumerate() {
        let previous = i.checked_sub(1).map(|p| chars[p]);
        // Where е, ё, ю and я have a sound of j before them.
        let open = previous.is_none_or(|p| "аеёиоуыэюяіїєйъь".contains(p));
        let pick = |icao, bgn, iso, scholarly, german, press| match system {
            Icao | Bulgarian => icao,
            Bgn => bgn,
            Iso9 => iso,
            Scholarly => scholarly,
            German => german,
            Press => press,
        };
        let text = match c {
            'а' => "a",
            'б' => "b",
            'в' => pick("v", "v", "v", "v", "w", "v"),
            'г' if ukrainian => "h",
            'г' | 'ґ' => "g",
            'д' => "d",
            'е' if open => pick("e", "ye", "e", "e", "je", "e"),
            'е' | 'э' => "e",
            'ё' => pick("e", "yo", "e", "e", "jo", "yo"),
            'є' => pick("ie", "ye", "e", "je", "je", "ye"),
            'ж' => pick("zh", "zh", "z", "z", "sch", "zh"),
            'з' => pick("z", "z", "z", "z", "s", "z"),
            'и' if ukrainian => "y",
            'и' | 'і' => "i",
            'ї' => pick("i", "yi", "i", "ji", "ji", "yi"),
            'й' => pick("i", "y", "j", "j", "i", "y"),
            'ј' => "j",
            'к' => "k",
            'л' => "l",
            'љ' => "lj",
            'м' => "m",
            'н' => "n",
            'њ' => "nj",
            'о' => "o",
            'п' => "p",
            'р' => "r",
            'с' => "s",
            'т' => "t",
            'ћ' => "c",
            'ђ' => "d",
            'ѓ' => "g",
            'ќ' => "k",
            'ѕ' => "dz",
            'у' | 'ў' => "u",
            'ф' => "f",
            'х' if system == Bulgarian => "h",
            'х' => pick("kh", "kh", "h", "ch", "ch", "kh"),
            'ц' => pick("ts", "ts", "c", "c", "z", "ts"),
            'ч' => pick("ch", "ch", "c", "c", "tsch", "ch"),
            'џ' => "dz",
            'ш' => pick("sh", "sh", "s", "s", "sch", "sh"),
            'щ' if system == Bulgarian => "sht",
            'щ' => pick("shch", "shch", "s", "sc", "schtsch", "shch"),
            'ъ' if system == Bulgarian => "a",
            'ъ' => pick("ie", "", "", "", "", ""),
            'ы' => "y",
            'ь' => "",
            'ю' => pick("iu", "yu", "u", "ju", "ju", "yu"),
            'я' => pick("ia", "ya", "a", "ja", "ja", "ya"),
            '\'' => "",
            other => {
                out.push(other);
                continue;
            }
        };
        out.push_str(text);
    }
    out
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Greek {
    Elot,
    Bgn,
    Classical,
    Press,
}

const GREEK: [(Greek, Reason); 4] = [
    (Greek::Elot, Reason::RomanisedIcao),
    (Greek::Bgn, Reason::RomanisedBgn),
    (Greek::Classical, Reason::RomanisedScholarly),
    (Greek::Press, Reason::RomanisedPress),
];

fn greek(word: &str, system: Greek) -> String {
    use Greek::{Bgn, Classical, Elot, Press};
    let bare = crate::norm::bare(word).into_text();
    let chars: Vec<char> = bare.chars().collect();
    let voiced = |c: char| "αεηιουωβγδζλμνρ".contains(c);
    let mut out = String::new();
    let mut i = 0;
    while i < chars.len() {
        let next = chars.get(i + 1).copied();
        let pick = |elot, bgn, classical, press| match system {
            Elot => elot,
            Bgn => bgn,
            Classical => classical,
            Press => press,
        };
        let (text, len) = match (chars[i], next) {
            ('ο', Some('υ')) => ("ou", 2),
            (v @ ('α' | 'ε' | 'η'), Some('υ')) if system != Classical => {
                let soft = chars.get(i + 2).is_some_and(|c| voiced(*c));
                (
                    match (v, soft) {
                        ('α', true) => "av",
                        ('α', false) => "af",
                        ('ε', true) => "ev",
                        ('ε', false) => "ef",
                        (_, true) => "iv",
                        _ => "if",
                    },
                    2,
                )
            }
            ('μ', Some('π')) => (if i == 0 { pick("b", "b", "mp", "b") } else { pick("mp", "mb", "mp", "b") }, 2),
            ('ν', Some('τ')) if i == 0 => (pick("nt", "d", "nt", "d"), 2),
            ('γ', Some('κ')) => (if i == 0 { pick("gk", "g", "gk", "g") } else { pick("gk", "ng", "nk", "g") }, 2),
            ('γ', Some('γ')) => ("ng", 2),
            ('γ', Some('ξ')) => ("nx", 2),
            ('γ', Some('χ')) => (pick("nch", "nkh", "nch", "nh"), 2),
            ('γ', Some('ι')) if chars.get(i + 2).is_some_and(|c| "αεοω".contains(*c)) => {
                (pick("gi", "yi", "gi", "y"), 2)
            }
            ('α', _) => ("a", 1),
            ('β', _) => (pick("v", "v", "b", "v"), 1),
            ('γ', _) => ("g", 1),
            ('δ', _) => (pick("d", "dh", "d", "d"), 1),
            ('ε', _) => ("e", 1),
            ('ζ', _) => ("z", 1),
            ('η', _) => (pick("i", "i", "e", "i"), 1),
            ('θ', _) => ("th", 1),
            ('ι', _) => ("i", 1),
            ('κ', _) => ("k", 1),
            ('λ', _) => ("l", 1),
            ('μ', _) => ("m", 1),
            ('ν', _) => ("n", 1),
            ('ξ', _) => ("x", 1),
            ('ο' | 'ω', _) => ("o", 1),
            ('π', _) => ("p", 1),
            ('ρ', _) => ("r", 1),
            ('σ', _) => ("s", 1),
            ('τ', _) => ("t", 1),
            ('υ', _) => (pick("y", "i", "y", "y"), 1),
            ('φ', _) => (pick("f", "f", "ph", "f"), 1),
            ('χ', _) => (pick("ch", "kh", "ch", "h"), 1),
            ('ψ', _) => ("ps", 1),
            (other, _) => {
                out.push(other);
                ("", 1)
            }
        };
        out.push_str(text);
        i += len;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_common_systems() {
        for (word, want) in [
            ("юрий", &["iurii", "yuriy", "jurij", "juri", "yury", "yuri"][..]),
            ("ёлкин", &["elkin", "yolkin", "jolkin"]),
            ("чайковский", &["chaikovskii", "chaykovskiy", "cajkovskij", "tschaikowski", "chaykovsky", "chaikovsky"]),
            ("хрущёв", &["khrushchev", "chruscev", "chruschtschew"]),
            ("щербаков", &["shcherbakov", "scerbakov", "schtscherbakow"]),
            ("александр", &["aleksandr", "alexandr"]),
            ("зеленський", &["zelenskyi", "zelenskyy", "zelensky"]),
            ("христо", &["khristo", "christo", "hristo"]),
            ("γιωργοσ", &["giorgos", "yorgos"]),
            ("χρηστοσ", &["christos", "khristos", "hristos"]),
            ("παπαδοπουλοσ", &["papadopoulos"]),
            ("ευαγγελια", &["evangelia"]),
            ("μπακογιαννη", &["bakogianni", "mpakogianne", "bakoyanni"]),
        ] {
            let all = romanised(word);
            for w in want {
                assert!(all.iter().any(|(t, _)| t == w), "{word}: {w} not in {all:?}");
            }
            assert!(all.len() <= 14, "{word}: {all:?}");
        }
        assert!(romanised("müller").is_empty());
    }
}

//! The other spellings of a name that are as good as the given one: in other letters, with its parts put together or taken
//! apart. Its own small tables, so that a gap in the planner's is not a gap here too.

use super::peel::folded_text;

/// At most this many spellings of one name.
const MOST: usize = 1024;

/// Titles and suffixes, which are no part of a name.
pub(super) const TITLES: [&str; 22] = [
    "dr",
    "prof",
    "professor",
    "mr",
    "mrs",
    "ms",
    "miss",
    "herr",
    "frau",
    "sir",
    "mag",
    "ing",
    "sr",
    "jr",
    "ii",
    "iii",
    "phd",
    "md",
    "mba",
    "msc",
    "esq",
    "dipl",
];

/// The spellings of a name, each as its words folded; the first is the given one, without titles and brackets.
pub(super) fn spellings(name: &str) -> Vec<Vec<String>> {
    let mut open = 0_i32;
    let outside: String = name
        .chars()
        .filter(|c| {
            open += i32::from(matches!(c, '(' | '['));
            let keep = open == 0;
            open -= i32::from(matches!(c, ')' | ']') && open > 0);
            keep
        })
        .collect();
    let outside = if outside.contains(char::is_alphanumeric) { outside } else { name.to_owned() };
    // "Doe, Jane" is Jane Doe.
    let parts: Vec<&str> = outside.split([',', ';']).filter(|p| p.contains(char::is_alphanumeric)).collect();
    let named: Vec<&str> = parts
        .iter()
        .copied()
        .filter(|p| !p.split_whitespace().all(|w| TITLES.contains(&folded_text(w).trim_matches('.'))))
        .collect();
    let turned = match named.as_slice() {
        [] => outside.clone(),
        [family, given @ ..] => format!("{} {family}", given.join(" ")),
    };
    let mut words: Vec<&str> = turned.split_whitespace().filter(|w| w.contains(char::is_alphanumeric)).collect();
    if words.len() > 2 {
        let kept: Vec<&str> =
            words.iter().copied().filter(|w| !TITLES.contains(&folded_text(w).trim_matches('.'))).collect();
        if kept.len() > 1 {
            words = kept;
        }
    }
    let mut out: Vec<Vec<String>> = vec![Vec::new()];
    for word in &words {
        let choices = word_spellings(word);
        let mut next = Vec::new();
        for tail in &choices {
            for head in &out {
                next.push([head.as_slice(), tail].concat());
            }
        }
        next.truncate(MOST);
        out = next;
    }
    // A small word and the name behind it are written together as often as not.
    let particles = [
        "van", "von", "der", "den", "de", "la", "du", "di", "da", "al", "el", "mc", "mac", "ter", "ten", "o", "d", "le",
    ];
    let mut more = Vec::new();
    for spelled in out.iter().take(24) {
        for i in 1..spelled.len().saturating_sub(1) {
            if particles.contains(&spelled[i].as_str()) {
                let glued = [&spelled[..i], &[format!("{}{}", spelled[i], spelled[i + 1])], &spelled[i + 2..]].concat();
                if let [.., first, second] = glued.as_slice()
                    && particles.contains(&spelled[i + 1].as_str())
                {
                    more.push([&glued[..glued.len() - 2], &[format!("{first}{second}")]].concat());
                }
                more.push(glued);
            }
        }
    }
    out.extend(more);
    let mut seen = std::collections::HashSet::new();
    out.retain(|words| !words.is_empty() && seen.insert(words.clone()));
    out
}

/// The spellings of one word, each as the words that it may fall into.
fn word_spellings(word: &str) -> Vec<Vec<String>> {
    let lower: String = word.chars().flat_map(char::to_lowercase).collect();
    let split = |text: &str| -> Vec<String> {
        let folded = folded_text(text);
        folded.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_owned).collect()
    };
    let mut written = vec![lower.clone()];
    for table in [&GERMAN[..], &DANISH[..], &OTHER[..]] {
        let other = mapped(&lower, |c| table.iter().find(|(l, _)| *l == c).map(|(_, w)| *w));
        written.push(other);
    }
    for system in 0..6 {
        let slavic = mapped_cyrillic(&lower, system);
        if slavic != lower {
            // Newspapers end -skij as -sky or -ski.
            for long in ["ii", "iy", "yy", "yi", "ij", "yj"] {
                if let Some(stem) = slavic.strip_suffix(long) {
                    written.extend([format!("{stem}y"), format!("{stem}i")]);
                }
            }
            written.push(slavic.replace("ks", "x"));
            written.push(slavic);
        }
    }
    for system in 0..4 {
        written.push(mapped_greek(&folded_text(&lower), system));
    }
    let mut out: Vec<Vec<String>> = Vec::new();
    for text in &written {
        let parts = split(text);
        if parts.len() > 1 {
            out.push(vec![parts.concat()]);
        }
        out.push(parts);
    }
    // A capital inside: "McDonald", "OBrien".
    let inner = word.char_indices().skip(1).find(|(i, c)| c.is_uppercase() && word[..*i].ends_with(char::is_lowercase));
    if let Some((i, _)) = inner.filter(|(i, _)| *i <= 3) {
        out.push([split(&word[..i]), split(&word[i..])].concat());
    } else if word.starts_with('O')
        && word.chars().nth(1).is_some_and(char::is_uppercase)
        && word.contains(char::is_lowercase)
    {
        out.push([split("o"), split(&word[1..])].concat());
    }
    let signs: Vec<char> = lower.chars().collect();
    if (2..=4).contains(&signs.len())
        && signs.iter().all(|c| matches!(u32::from(*c), 0x3400..=0x9fff | 0xac00..=0xd7a3))
    {
        for k in 1..signs.len() {
            out.push(vec![
                folded_text(&signs[..k].iter().collect::<String>()),
                folded_text(&signs[k..].iter().collect::<String>()),
            ]);
        }
    }
    out.retain(|parts| !parts.is_empty());
    let given = split(&lower);
    out.sort_by_key(|parts| *parts != given);
    let mut seen = std::collections::HashSet::new();
    out.retain(|parts| seen.insert(parts.clone()));
    out
}

fn mapped<'a>(word: &str, with: impl Fn(char) -> Option<&'a str>) -> String {
    let mut out = String::new();
    for c in word.chars() {
        match with(c) {
            Some(text) => out.push_str(text),
            None => out.push(c),
        }
    }
    out
}

const GERMAN: [(char, &str); 4] = [('ä', "ae"), ('ö', "oe"), ('ü', "ue"), ('ß', "ss")];
const DANISH: [(char, &str); 7] =
    [('å', "aa"), ('ø', "oe"), ('æ', "ae"), ('ä', "ae"), ('ö', "oe"), ('ü', "ue"), ('ə', "a")];
const OTHER: [(char, &str); 3] = [('đ', "dj"), ('ə', "e"), ('ŋ', "ng")];

/// Cyrillic by six systems: passports, BGN/PCGN, ISO 9, scholars, German, Bulgarian.
const CYRILLIC: [(char, [&str; 6]); 48] = [
    ('а', ["a"; 6]),
    ('б', ["b"; 6]),
    ('в', ["v", "v", "v", "v", "w", "v"]),
    ('г', ["g"; 6]),
    ('ґ', ["g"; 6]),
    ('д', ["d"; 6]),
    ('е', ["e", "e", "e", "e", "e", "e"]),
    ('ё', ["e", "yo", "e", "e", "jo", "yo"]),
    ('є', ["ie", "ye", "e", "je", "je", "e"]),
    ('ж', ["zh", "zh", "z", "z", "sch", "zh"]),
    ('з', ["z", "z", "z", "z", "s", "z"]),
    ('и', ["i"; 6]),
    ('і', ["i"; 6]),
    ('ї', ["i", "yi", "i", "ji", "ji", "i"]),
    ('й', ["i", "y", "j", "j", "i", "y"]),
    ('ј', ["j"; 6]),
    ('к', ["k"; 6]),
    ('л', ["l"; 6]),
    ('љ', ["lj"; 6]),
    ('м', ["m"; 6]),
    ('н', ["n"; 6]),
    ('њ', ["nj"; 6]),
    ('о', ["o"; 6]),
    ('п', ["p"; 6]),
    ('р', ["r"; 6]),
    ('с', ["s"; 6]),
    ('т', ["t"; 6]),
    ('ћ', ["c"; 6]),
    ('ђ', ["d"; 6]),
    ('у', ["u"; 6]),
    ('ў', ["u"; 6]),
    ('ф', ["f"; 6]),
    ('х', ["kh", "kh", "h", "ch", "ch", "h"]),
    ('ц', ["ts", "ts", "c", "c", "z", "ts"]),
    ('ч', ["ch", "ch", "c", "c", "tsch", "ch"]),
    ('џ', ["dz"; 6]),
    ('ш', ["sh", "sh", "s", "s", "sch", "sh"]),
    ('щ', ["shch", "shch", "s", "sc", "schtsch", "sht"]),
    ('ъ', ["ie", "", "", "", "", "a"]),
    ('ы', ["y"; 6]),
    ('ь', [""; 6]),
    ('э', ["e"; 6]),
    ('ю', ["iu", "yu", "u", "ju", "ju", "yu"]),
    ('я', ["ia", "ya", "a", "ja", "ja", "ya"]),
    ('ѓ', ["g"; 6]),
    ('ќ', ["k"; 6]),
    ('ѕ', ["dz"; 6]),
    ('\'', [""; 6]),
];

fn mapped_cyrillic(word: &str, system: usize) -> String {
    if !word.chars().any(|c| matches!(u32::from(c), 0x400..=0x4ff)) {
        return word.to_owned();
    }
    let ukrainian = word.contains(['і', 'ї', 'є', 'ґ']);
    let mut previous = None;
    let mut out = String::new();
    for c in word.chars() {
        let open = previous.is_none_or(|p| "аеёиоуыэюяіїєйъь".contains(p));
        let text = match (c, system) {
            ('г', _) if ukrainian => "h",
            ('и', _) if ukrainian => "y",
            ('е', 1) if open => "ye",
            ('е', 4) if open => "je",
            _ => CYRILLIC.iter().find(|(l, _)| *l == c).map_or("", |(_, all)| all[system]),
        };
        if text.is_empty() && CYRILLIC.iter().all(|(l, _)| *l != c) {
            out.push(c);
        }
        out.push_str(text);
        previous = Some(c);
    }
    out
}

/// Greek (folded) by four systems: ELOT and passports, BGN/PCGN, classical, newspapers. Pairs come before single letters.
const GREEK: [(&str, [&str; 4]); 40] = [
    ("ου", ["ou", "ou", "ou", "ou"]),
    ("αυ", ["av", "av", "au", "av"]),
    ("ευ", ["ev", "ev", "eu", "ev"]),
    ("μπ", ["mp", "mb", "mp", "b"]),
    ("ντ", ["nt", "nt", "nt", "nt"]),
    ("γκ", ["gk", "ng", "nk", "g"]),
    ("γγ", ["ng"; 4]),
    ("γξ", ["nx"; 4]),
    ("γχ", ["nch", "nkh", "nch", "nh"]),
    ("γιω", ["gio", "yio", "gio", "yo"]),
    ("γιο", ["gio", "yio", "gio", "yo"]),
    ("για", ["gia", "yia", "gia", "ya"]),
    ("γιε", ["gie", "yie", "gie", "ye"]),
    ("α", ["a"; 4]),
    ("β", ["v", "v", "b", "v"]),
    ("γ", ["g"; 4]),
    ("δ", ["d", "dh", "d", "d"]),
    ("ε", ["e"; 4]),
    ("ζ", ["z"; 4]),
    ("η", ["i", "i", "e", "i"]),
    ("θ", ["th"; 4]),
    ("ι", ["i"; 4]),
    ("κ", ["k"; 4]),
    ("λ", ["l"; 4]),
    ("μ", ["m"; 4]),
    ("ν", ["n"; 4]),
    ("ξ", ["x"; 4]),
    ("ο", ["o"; 4]),
    ("π", ["p"; 4]),
    ("ρ", ["r"; 4]),
    ("σ", ["s"; 4]),
    ("τ", ["t"; 4]),
    ("υ", ["y", "i", "y", "y"]),
    ("φ", ["f", "f", "ph", "f"]),
    ("χ", ["ch", "kh", "ch", "h"]),
    ("ψ", ["ps"; 4]),
    ("ω", ["o"; 4]),
    ("ς", ["s"; 4]),
    ("ά", ["a"; 4]),
    ("έ", ["e"; 4]),
];

fn mapped_greek(word: &str, system: usize) -> String {
    let mut out = String::new();
    let mut rest = word;
    while let Some(c) = rest.chars().next() {
        let found = GREEK.iter().filter(|(l, _)| rest.starts_with(l)).max_by_key(|(l, _)| l.len());
        match found {
            // At the head of a word μπ and ντ are one sound, and αυ and ευ end voiceless before a voiceless letter.
            Some(("μπ", _)) if out.is_empty() && system != 2 => {
                out.push('b');
                rest = &rest["μπ".len()..];
            }
            Some(("ντ", _)) if out.is_empty() && matches!(system, 1 | 3) => {
                out.push('d');
                rest = &rest["ντ".len()..];
            }
            Some((pair @ ("αυ" | "ευ"), _)) if system != 2 => {
                let next = rest[pair.len()..].chars().next();
                let voiced = next.is_some_and(|c| "αεηιουωβγδζλμνρ".contains(c));
                out.push(if *pair == "αυ" { 'a' } else { 'e' });
                out.push(if voiced { 'v' } else { 'f' });
                rest = &rest[pair.len()..];
            }
            Some((letters, all)) => {
                out.push_str(all[system]);
                rest = &rest[letters.len()..];
            }
            None => {
                out.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    out
}

//! The spellings of one word of a name: written in other letters, put together or taken apart.

use super::{
    Reason, inflect,
    name::{Face, is_word},
    romanise,
};
use crate::{model::Strength, norm};

/// All spellings of a word of a name, or of several that belong together (a particle and its name). The first is the given
/// one. `inflects` says whether it is a family name (`Some(false)`), a given name (`Some(true)`), or neither.
pub(super) fn faces(words: &[&str], inflects: Option<bool>) -> Vec<Face> {
    use Strength::{Possible, Probable};
    let folded = norm::fold(&words.join(" ")).into_text();
    let tokens: Vec<&str> = folded.split(|c: char| !is_word(c)).filter(|t| !t.is_empty()).collect();
    let mut out: Vec<Face> = Vec::new();
    let mut add = |tokens: &[&str], strength: Strength, reason: Reason| {
        let face = Face::new(tokens, strength, reason);
        if !face.tokens.is_empty() && !out.iter().any(|f| f.same(&face)) {
            out.push(face);
        }
    };
    add(&tokens, Probable, Reason::AsGiven);
    let mut bases: Vec<Vec<String>> = vec![tokens.iter().map(|t| (*t).to_owned()).collect()];
    if tokens.len() > 1 {
        bases.push(vec![tokens.concat()]);
    }
    // "van den Berg": "vanden Berg".
    if tokens.len() == 3 {
        bases.push(vec![tokens[..2].concat(), tokens[2].to_owned()]);
    }
    if let ([word], [token]) = (words, tokens.as_slice()) {
        let upper_at = |i: usize| word.chars().nth(i).is_some_and(char::is_uppercase);
        for (prefix, length) in [("mc", 2), ("mac", 3), ("o", 1)] {
            if let Some(rest) = token.strip_prefix(prefix).filter(|r| r.chars().count() > 2)
                && upper_at(0)
                && upper_at(length)
                && word.chars().any(char::is_lowercase)
            {
                bases.push(vec![prefix.to_owned(), rest.to_owned()]);
            }
        }
        let chars: Vec<char> = token.chars().collect();
        if (2..=4).contains(&chars.len()) && chars.iter().all(|c| is_east_asian(*c)) {
            for k in 1..chars.len() {
                bases.push(vec![chars[..k].iter().collect(), chars[k..].iter().collect()]);
            }
        }
    }
    for base in &bases[1..] {
        let tokens: Vec<&str> = base.iter().map(String::as_str).collect();
        add(&tokens, Probable, Reason::Spacing);
    }
    for base in &bases {
        for (spelled, strength, reason) in written(base) {
            let tokens: Vec<&str> = spelled.iter().map(String::as_str).collect();
            add(&tokens, strength, reason);
        }
    }
    // "Mc" and "Mac", "al-" and "el-" stand for each other; the article may be left out.
    if let [token] = tokens.as_slice() {
        if let Some(rest) = token.strip_prefix("mc").filter(|r| r.chars().count() > 2) {
            add(&[&format!("mac{rest}")], Possible, Reason::Article);
        } else if let Some(rest) = token.strip_prefix("mac").filter(|r| r.chars().count() > 3) {
            add(&[&format!("mc{rest}")], Possible, Reason::Article);
        }
    }
    if let [article @ ("al" | "el"), rest @ ..] = tokens.as_slice()
        && !rest.is_empty()
    {
        let other = if *article == "al" { "el" } else { "al" };
        add(&[&[other], rest].concat(), Possible, Reason::Article);
        add(&[&format!("{other}{}", rest.concat())], Possible, Reason::Article);
        add(rest, Possible, Reason::WithoutParticle);
    }
    if let (Some(given), Some((last, front))) = (inflects, tokens.split_last()) {
        for form in inflect::inflected(last, given) {
            add(&[front, &[form.as_str()]].concat(), Possible, Reason::Inflected);
        }
    }
    out
}

fn is_east_asian(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

type Spelled = (Vec<String>, Strength, Reason);

/// Some words in other letters, all of them by the same rule.
fn written(words: &[String]) -> Vec<Spelled> {
    let mut out = Vec::new();
    // What passports and keyboards make of a letter.
    for table in [&LATIN[..], &LATIN_OTHER[..]] {
        let hit = table.iter().find(|(letter, _)| words.iter().any(|w| w.contains(*letter)));
        if let Some((letter, with)) = hit {
            let spelled = words.iter().map(|w| replaced(w, table)).collect();
            out.push((spelled, Strength::Probable, Reason::Written(*letter, with)));
        }
    }
    if words.iter().all(|w| w.is_ascii()) {
        let read = |w: &str| {
            REVERSE.iter().fold(w.to_owned(), |word, (from, to)| word.replace(from, to.encode_utf8(&mut [0; 4])))
        };
        if let Some((from, to)) = REVERSE.iter().find(|(from, _)| words.iter().any(|w| w.contains(from))) {
            out.push((words.iter().map(|w| read(w)).collect(), Strength::Possible, Reason::Read(from, *to)));
        }
    }
    // Word by word the same system; where a system has no spelling of its own for a word, the first one.
    let romanised: Vec<Vec<(String, Reason)>> = words.iter().map(|w| romanise::romanised(w)).collect();
    if romanised.iter().any(|r| !r.is_empty()) {
        let most = romanised.iter().map(Vec::len).max().unwrap_or(0);
        for k in 0..most {
            let mut reason = Reason::RomanisedIcao;
            let spelled = romanised
                .iter()
                .zip(words)
                .map(|(all, word)| match all.get(k).or_else(|| all.first()) {
                    Some((text, why)) => {
                        if all.len() > k {
                            reason = *why;
                        }
                        text.clone()
                    }
                    None => word.clone(),
                })
                .collect();
            out.push((spelled, Strength::Probable, reason));
        }
    }
    out
}

fn replaced(word: &str, table: &[(char, &str)]) -> String {
    let mut out = String::new();
    for c in word.chars() {
        match table.iter().find(|(letter, _)| *letter == c) {
            Some((_, with)) => out.push_str(with),
            None => out.push(c),
        }
    }
    out
}

/// ICAO Doc 9303 part 3, section 6, as far as it differs from leaving the diacritic away; ə as in Azerbaijani passports.
const LATIN: [(char, &str); 7] =
    [('ä', "ae"), ('ö', "oe"), ('ü', "ue"), ('å', "aa"), ('ø', "oe"), ('ə', "a"), ('ŋ', "ng")];

/// Other usual ways to write a letter.
const LATIN_OTHER: [(char, &str); 3] = [('đ', "dj"), ('ə', "e"), ('ŋ', "n")];

/// What may have been another letter before somebody wrote it in ASCII.
const REVERSE: [(&str, char); 4] = [("ae", 'ä'), ("oe", 'ö'), ("ue", 'ü'), ("aa", 'å')];

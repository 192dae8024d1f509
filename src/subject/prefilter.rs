//! The prefilter: can these bytes hold a reference at all? Answers in one fast pass over raw bytes, so that only what
//! may match is parsed, normalised and matched with care.
//!
//! Sound, which a property test holds: whatever the careful road finds, the prefilter lets through. It looks for one
//! word of each spelling, a run of letters and digits, for which it has to see through everything that the careful road
//! sees through:
//! * case: the search takes any case of ASCII;
//! * other letters (diacritics, full width, soft hyphens): words with a byte beyond ASCII are normalised on their own;
//! * escapes (`\u00eb`, `%40`, `&euml;`): the word around one is decoded on its own;
//! * markup inside a word (`Ja<b>ne</b>`, `Ja{*}n{*}e`): a window around it is stripped;
//! * ADF text nodes that split a word: runs of text nodes without a gap between are joined;
//! * base64: runs of its characters are decoded and asked in their turn.

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, MatchKind, packed};

mod marks;
mod sweep;

use marks::{
    CLASS, ESCAPE, LETTER, after_escaped_space, back, escaped_gap, forth, glued_before, is_escape, joins, letters,
    letters_around, lone, markup_run, may_join, member_string, quoted_decoded, soft_break, spanning, stands_alone,
    wide, word_around,
};
pub(super) use marks::{is_entity, percent};
use sweep::Sweep;

use super::latin;
use crate::{
    extract::{encoded, encoding, views},
    norm,
};

/// The most literals for which the vector search is built.
const PACKED: usize = 12;

/// Says whether bytes may hold a reference.
pub(super) struct Prefilter {
    /// Nothing can be ruled out.
    always: bool,
    literals: Vec<String>,
    /// Every literal is ASCII, so that words in common letters need no full normalisation.
    ascii: bool,
    /// The letters and digits of each literal, where all are ASCII.
    letters: Vec<u64>,
    /// Over normalised text, for what is decoded on its own.
    words: AhoCorasick,
    raw: Raw,
    /// The longest literal, in bytes.
    longest: usize,
    /// The name of a text node's member.
    text: memchr::memmem::Finder<'static>,
}

impl std::fmt::Debug for Prefilter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prefilter").field("literals", &self.literals.len()).finish_non_exhaustive()
    }
}

enum Raw {
    /// Windows of two or three bytes in every case, and for each literal where its window stands.
    Packed(Box<packed::Searcher>, Vec<(Vec<u8>, usize)>),
    /// Every literal, in any case of ASCII.
    Automaton(AhoCorasick),
    /// No literal is ASCII.
    None,
}

/// The longest run of letters and digits of a spelling: the literal that stands for it.
fn literal(spelling: &str) -> Option<&str> {
    spelling.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).max_by_key(|w| w.len())
}

impl Prefilter {
    /// A prefilter for spellings in bare form; of an e-mail address only the mailbox counts. Where `always`, or where a
    /// spelling has neither letter nor digit, nothing is ruled out.
    pub(super) fn new<'a>(
        spellings: impl Iterator<Item = &'a str>,
        mut always: bool,
    ) -> Result<Self, aho_corasick::BuildError> {
        let mut literals: Vec<String> = Vec::new();
        for spelling in spellings {
            let mailbox = spelling.rsplit_once('@').map_or(spelling, |(local, _)| local);
            match literal(mailbox).filter(|l| mailbox == spelling || l.len() >= 3).or_else(|| literal(spelling)) {
                Some(l) => literals.push(l.to_owned()),
                None => always = true,
            }
        }
        literals.sort_unstable();
        literals.dedup();
        let words = AhoCorasickBuilder::new().match_kind(MatchKind::Standard).build(&literals)?;
        let ascii: Vec<&String> = literals.iter().filter(|l| l.is_ascii()).collect();
        let raw = if ascii.is_empty() {
            Raw::None
        } else if let Some(packed) = packed_search(&ascii) {
            packed
        } else {
            Raw::Automaton(
                AhoCorasickBuilder::new().match_kind(MatchKind::Standard).ascii_case_insensitive(true).build(&ascii)?,
            )
        };
        let longest = literals.iter().map(String::len).max().unwrap_or(0);
        let ascii = literals.iter().all(|l| l.is_ascii());
        let text = memchr::memmem::Finder::new(b"\"text\"");
        let letters = literals.iter().map(|l| letters(l.as_bytes()).0).collect();
        Ok(Self { always, letters, words, raw, longest, literals, ascii, text })
    }

    /// Whether `bytes` may hold a reference; `false` is certain.
    #[must_use]
    pub(super) fn may_match(&self, bytes: &[u8]) -> bool {
        if self.always {
            return true;
        }
        if self.literals.is_empty() {
            return false;
        }
        // UTF-16 is decoded as a whole.
        if wide(bytes) {
            return true;
        }
        self.may_match_within(bytes, encoded::DEEPEST)
    }

    /// As [`Prefilter::may_match`] for text in which as many texts may be encoded one in the other.
    pub(super) fn may_match_within(&self, bytes: &[u8], depth: usize) -> bool {
        self.always || self.flat(bytes) || self.encoded(bytes, depth) || self.split(bytes, depth)
    }

    /// Whether base64 inside holds a literal.
    fn encoded(&self, bytes: &[u8], depth: usize) -> bool {
        let Some(depth) = depth.checked_sub(1) else { return false };
        encoded::base64_runs(bytes).any(|run| {
            (0..4).any(|skip| run.decoded(skip).is_some_and(|text| self.may_match_within(text.as_bytes(), depth)))
        })
    }

    fn flat(&self, bytes: &[u8]) -> bool {
        self.raw_hit(bytes) || self.hidden(bytes)
    }

    fn raw_hit(&self, bytes: &[u8]) -> bool {
        match &self.raw {
            Raw::None => false,
            Raw::Automaton(automaton) => {
                automaton.find_overlapping_iter(bytes).any(|m| stands_alone(bytes, m.start(), m.end()))
            }
            Raw::Packed(search, literals) => {
                let mut at = 0;
                while let Some(m) = search.find_in(bytes, (at..bytes.len()).into()) {
                    for (literal, offset) in literals {
                        let Some(from) = m.start().checked_sub(*offset) else { continue };
                        let to = from + literal.len();
                        if bytes.get(from..to).is_some_and(|b| b.eq_ignore_ascii_case(literal))
                            && stands_alone(bytes, from, to)
                        {
                            return true;
                        }
                    }
                    at = m.start() + 1;
                }
                false
            }
        }
    }

    /// Whether a word that is spelled with other letters, escapes or markup holds a literal.
    fn hidden(&self, bytes: &[u8]) -> bool {
        let mut sweep = Sweep::new(bytes);
        let mut at = 0;
        while let Some(suspect) = sweep.next(at) {
            at = suspect;
            let b = bytes[at];
            match CLASS[usize::from(b)] {
                0 => at += 1,
                LETTER => {
                    // Escapes and markup against it are suspect themselves.
                    let (from, to) = letters_around(bytes, at);
                    if self.word(&bytes[from..to]) {
                        return true;
                    }
                    at = to;
                }
                ESCAPE => {
                    if b == b'=' && self.broken(bytes, at) {
                        return true;
                    }
                    if is_escape(bytes, at) {
                        let (from, to) = word_around(bytes, at);
                        if self.word(&bytes[from..to]) {
                            return true;
                        }
                        at = spanning(bytes, at + 1, to.max(at + 1));
                    } else {
                        at += 1;
                    }
                }
                _ => {
                    // What stands inside braces or a tag is looked at in its turn, so nothing is skipped here.
                    at += 1;
                    if at < 2 || !may_join(bytes[at - 2]) || lone(b, bytes.get(at)) {
                        continue;
                    }
                    let end = markup_run(bytes, at - 1);
                    let broken = soft_break(bytes, end);
                    let inside = broken.is_some()
                        || views::quoted_char(bytes, end).is_some()
                        || (bytes.get(end).is_some_and(|b| may_join(*b)) && escaped_gap(bytes, end).is_none());
                    if end >= at && inside && !after_escaped_space(bytes, at - 1) {
                        let from = back(bytes, at - 1, self.longest * 12);
                        let most = self.longest * 24 + 512;
                        let to = forth(bytes, end + broken.unwrap_or(0), most);
                        if self.word(&bytes[from..to]) {
                            return true;
                        }
                        if let Some(len) = broken
                            && self.word(&[&bytes[from..end], &bytes[end + len..to]].concat())
                        {
                            return true;
                        }
                        let broken = |i: &usize| bytes[*i] == b'=' && soft_break(bytes, *i).is_some();
                        at = (at..end).find(broken).unwrap_or(end);
                    }
                }
            }
        }
        false
    }

    /// Whether some bytes, decoded and stripped, hold a literal.
    fn word(&self, bytes: &[u8]) -> bool {
        if self.ascii && self.lacks_letters(bytes) {
            return false;
        }
        if self.ascii
            && let Some(plain) = latin::plain(bytes)
        {
            if self.raw_hit(&plain) {
                return true;
            }
            // `avatarId=47` may be an address's or quoted-printable.
            let Some(decoded) = quoted_decoded(&plain) else { return false };
            if let Some(plain) = latin::plain(&decoded) {
                return self.raw_hit(&plain);
            }
        }
        if let Ok(text) = std::str::from_utf8(bytes) {
            return self.layers(text);
        }
        // A window may cut a character at either end; and a file that is no UTF-8 is read as Windows-1252.
        self.layers(&String::from_utf8_lossy(bytes)) || self.layers(&encoding::latin1(bytes))
    }

    /// Whether a word that the soft line break at `at` splits holds a literal.
    fn broken(&self, bytes: &[u8], at: usize) -> bool {
        let Some(len) = soft_break(bytes, at) else { return false };
        let around = self.longest * 24 + 512;
        let from = back(bytes, at, around);
        let mut word = bytes[from..at].to_vec();
        let mut next = at + len;
        // A long word may be broken more than once.
        while word.len() < 2 * around {
            let to = forth(bytes, next, around);
            match bytes[next..to].iter().position(|b| *b == b'=').filter(|i| soft_break(bytes, next + i).is_some()) {
                Some(i) => {
                    word.extend_from_slice(&bytes[next..next + i]);
                    next += i + soft_break(bytes, next + i).unwrap_or(1);
                }
                None => {
                    word.extend_from_slice(&bytes[next..to]);
                    break;
                }
            }
        }
        self.raw_hit(&word) || self.word(&word)
    }

    /// Whether so many letters of each literal are missing among the ASCII ones that the others cannot be all of them.
    fn lacks_letters(&self, bytes: &[u8]) -> bool {
        let (has, others) = letters(bytes);
        let Some(others) = others else { return false };
        self.letters.iter().all(|l| (l & !has).count_ones() > others)
    }

    fn layers(&self, text: &str) -> bool {
        let escapes =
            [views::json_unescaped, views::json_unescaped, views::percent_decoded, views::quoted_printable_decoded];
        if self.stands(text) {
            return true;
        }
        let mut current = None;
        for layer in escapes {
            if let Some(view) = layer(current.as_deref().unwrap_or(text)) {
                let view = view.into_text();
                if self.stands(&view) {
                    return true;
                }
                current = Some(view);
            }
        }
        let text = current.as_deref().unwrap_or(text);
        // The window may begin inside a tag or a link's target, with which its first letters go.
        let behind = |c: char| text.find(c).map(|i| &text[i + 1..]);
        if [Some(text), behind('>'), behind(']'), behind('}')].into_iter().flatten().any(|text| self.stripped(text)) {
            return true;
        }
        // And the bracket of a link whose target stands in the window may be in front of it.
        text.contains('|') && self.stripped(&format!("[{text}"))
    }

    /// Whether a text without its markup holds a literal.
    fn stripped(&self, text: &str) -> bool {
        let mut current = None;
        for layer in [views::markup_stripped, views::wiki_stripped] {
            if let Some(view) = layer(current.as_deref().unwrap_or(text)) {
                let view = view.into_text();
                if self.stands(&view) {
                    return true;
                }
                current = Some(view);
            }
        }
        false
    }

    /// Whether a literal stands in a decoded text, in whatever letters, with no ASCII letter or digit against its ASCII
    /// ends. What stands before and behind is asked of the text and not of its bare form, in which a symbol such as a
    /// circled C is a letter.
    fn stands(&self, text: &str) -> bool {
        let bare = norm::bare(text);
        let bytes = text.as_bytes();
        self.words.find_overlapping_iter(bare.text()).any(|m| {
            let span = bare.original(m.start(), m.end());
            // Of a literal of other letters the ends are left to the careful road.
            let ascii = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_alphanumeric);
            let before = ascii(span.start) && glued_before(bytes, span.start);
            let behind = ascii(span.end.saturating_sub(1)) && ascii(span.end);
            !before && !behind
        })
    }

    /// Whether text nodes that follow each other without a gap hold a literal together.
    fn split(&self, bytes: &[u8], depth: usize) -> bool {
        let hit = |joined: &[u8]| self.flat(joined) || self.encoded(joined, depth);
        let mut joined: Vec<u8> = Vec::new();
        let mut nodes = 0;
        for at in self.text.find_iter(bytes) {
            let Some(value) = member_string(bytes, at + 6) else { continue };
            let tight = matches!((joined.last(), value.first()), (Some(a), Some(b)) if joins(*a) && joins(*b));
            if !tight && !value.is_empty() {
                if nodes > 1 && hit(&joined) {
                    return true;
                }
                joined.clear();
                nodes = 0;
            }
            joined.extend_from_slice(value);
            nodes += 1;
        }
        nodes > 1 && hit(&joined)
    }
}

/// A vector search for few literals: a window of each in every case.
fn packed_search(literals: &[&String]) -> Option<Raw> {
    if literals.len() > PACKED || literals.iter().any(|l| l.len() < 2) {
        return None;
    }
    let mut patterns: Vec<Vec<u8>> = Vec::new();
    let mut windows = Vec::new();
    for literal in literals {
        let bytes = literal.as_bytes();
        let len = bytes.len().min(3);
        let offset =
            (0..=bytes.len() - len).min_by_key(|i| bytes[*i..*i + len].iter().map(|b| common(*b)).sum::<u32>())?;
        let window = &bytes[offset..offset + len];
        for mask in 0..1u32 << len {
            let pattern: Vec<u8> = window
                .iter()
                .enumerate()
                .map(|(i, b)| if mask >> i & 1 == 1 { b.to_ascii_uppercase() } else { *b })
                .collect();
            if !patterns.contains(&pattern) {
                patterns.push(pattern);
            }
        }
        windows.push((bytes.to_vec(), offset));
    }
    if patterns.len() > 64 {
        return None;
    }
    let mut builder = packed::Config::new().match_kind(packed::MatchKind::LeftmostFirst).builder();
    builder.extend(&patterns);
    builder.build().map(|search| Raw::Packed(Box::new(search), windows))
}

/// How common a byte is in text and JSON, roughly.
const fn common(b: u8) -> u32 {
    match b {
        b'e' | b't' | b'a' | b'i' | b'n' | b'o' | b's' | b'r' => 12,
        b'l' | b'd' | b'c' | b'u' | b'm' | b'p' | b'h' => 8,
        b'f' | b'g' | b'b' | b'y' | b'w' | b'0'..=b'9' => 5,
        b'k' | b'v' => 3,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(spellings: &[&str]) -> Prefilter {
        Prefilter::new(spellings.iter().copied(), false).unwrap()
    }

    #[test]
    fn lets_through_every_spelling() {
        let f = filter(&["zoe xander", "zoe.x@corp.example", "елкин"]);
        for text in [
            "XANDER",
            "a \\nXander",
            "Xa\u{ad}nder",
            "Ｘａｎｄｅｒ",
            r"X\u00e4nder",
            r"\\u0058ander",
            "%58ander",
            r"\ud83c\udd2bXander",
            "%20Xander",
            "&#88;ander",
            "Xa<b class=\"x y\">nd</b>er",
            "Xa{*}n{*}der",
            "Xa[nder]",
            "X**ander",
            "X\\u0061=\n=4Eder",
            "[|u v]Xan{{der",
            "[ Xan|u v]der",
            "X\\u0061<b class=\"x y\">=4Eder",
            "[Xan||u v]=\nder",
            r"{color:red}|Xan=\n]der",
            r"[|u v\u005dXan{{der",
            "<a href='u v'>Xan{{der",
            r#"{"type":"text","text":"Xa"},{"type":"text" , "text" : "nder"}"#,
            r#"{"text":"X"},{"text":"a"},{"text":""},{"text":"nd"},{"text":"er"}"#,
            "Zoe",
            "Ёлкин",
        ] {
            assert!(f.may_match(text.as_bytes()), "{text}");
        }
        assert!(f.may_match(b"X\xe4nder"));
        assert!(f.may_match(b"X\xaand\xc4 X\xaander"));
    }

    #[test]
    fn rules_out_what_has_no_word() {
        let f = filter(&["zoe xander", "zoe.x@corp.example"]);
        for text in [
            "Alexander zoeb",
            "{\"a\":\"Jane\",\"b\":[1,2,{\"c\":\"corp.example\"}]}",
            "M\u{fc}ller an-der Stra\u{df}e",
            "x-ander",
            r#"{"text":"Xan "},{"text":"der"}"#,
            r"J\u00e4ger 50% a&b",
        ] {
            assert!(!f.may_match(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn no_character_stands_for_more_letters_than_it_is_counted_for() {
        for c in (0x80..0x180).filter_map(char::from_u32) {
            let (_, others) = letters(c.to_string().as_bytes());
            let ascii = norm::bare(&c.to_string()).text().bytes().filter(u8::is_ascii_alphanumeric).count();
            assert!(ascii as u32 <= others.unwrap(), "{c:?}");
        }
        for b in 0x80..=0xff_u8 {
            let ascii = norm::bare(&encoding::latin1(&[b])).text().bytes().filter(u8::is_ascii_alphanumeric).count();
            assert!(letters(&[b]).1.is_none_or(|n| ascii as u32 <= n), "{b:x}");
        }
        assert_eq!(letters("\u{180}".as_bytes()).1, None);
    }

    #[test]
    fn many_literals_use_the_automaton() {
        let names: Vec<String> = (0..100).map(|i| format!("name{i:03}x")).collect();
        let f = Prefilter::new(names.iter().map(String::as_str), false).unwrap();
        assert!(matches!(f.raw, Raw::Automaton(_)));
        assert!(f.may_match(b"a NAME042X b"));
        assert!(!f.may_match(b"a NAME042Xy b"));
    }
}

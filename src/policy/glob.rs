//! Globs over places, paths and fields: matching, and the question whether one list of globs covers another.
//!
//! `*` stands for any run of characters but `/`, `**` for any run at all, `**/` for any number of leading folders (also
//! none), `?` for one character but `/`. Upper and lower case differ. There is no escape: the names that are matched have
//! no `*` or `?`.

use std::{collections::HashSet, fmt};

/// Most characters of a glob: its states have to fit one `u128`.
const LONGEST: usize = 120;

/// Why a text is no glob.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GlobError {
    /// Nothing there.
    #[error("the glob is empty, so it could match nothing")]
    Empty,
    /// Too long.
    #[error("the glob has more than 120 characters")]
    TooLong,
    /// Three stars.
    #[error("`***` means nothing: `*` stops at `/`, `**` does not")]
    ThreeStars,
    /// A character class or braces, which this language does not have.
    #[error("`{0}` has no meaning in these globs; only `*`, `**` and `?` have")]
    NotSupported(char),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Char(char),
    /// `?`
    One,
    /// `*`
    Star,
    /// `**`
    Deep,
    /// `**/`: may be left out, or goes over to `FolderBody`.
    Folders,
    /// Inside the folders of `**/`: leaves at a `/`.
    FolderBody,
}

/// A glob.
#[derive(Clone, PartialEq, Eq)]
pub struct Glob {
    text: String,
    tokens: Vec<Token>,
}

impl fmt::Debug for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Glob({:?})", self.text)
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::str::FromStr for Glob {
    type Err = GlobError;

    fn from_str(s: &str) -> Result<Self, GlobError> {
        if s.is_empty() {
            return Err(GlobError::Empty);
        }
        if s.chars().count() > LONGEST {
            return Err(GlobError::TooLong);
        }
        if s.contains("***") {
            return Err(GlobError::ThreeStars);
        }
        if let Some(c) = s.chars().find(|c| matches!(c, '[' | ']' | '{' | '}')) {
            return Err(GlobError::NotSupported(c));
        }
        let mut tokens = Vec::new();
        let mut rest = s;
        let mut at_folder = true;
        while let Some(c) = rest.chars().next() {
            let len = if at_folder && rest.starts_with("**/") {
                tokens.extend([Token::Folders, Token::FolderBody]);
                3
            } else if rest.starts_with("**") {
                tokens.push(Token::Deep);
                2
            } else {
                tokens.push(match c {
                    '*' => Token::Star,
                    '?' => Token::One,
                    c => Token::Char(c),
                });
                c.len_utf8()
            };
            at_folder = rest[..len].ends_with('/');
            rest = &rest[len..];
        }
        Ok(Self { text: s.to_owned(), tokens })
    }
}

impl Glob {
    /// The text as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it matches the whole of `text`.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        self.matches_chars(text.chars())
    }

    /// Whether it matches the whole of a text that is given in characters.
    pub fn matches_chars(&self, text: impl Iterator<Item = char>) -> bool {
        let mut states = self.close(1);
        for c in text {
            states = self.step(states, c);
            if states == 0 {
                return false;
            }
        }
        self.accepts(states)
    }

    /// Whether something that starts with `prefix` can match.
    #[must_use]
    pub fn can_start_with(&self, prefix: &str) -> bool {
        prefix.chars().fold(self.close(1), |states, c| self.step(states, c)) != 0
    }

    const fn accepts(&self, states: u128) -> bool {
        states & (1 << self.tokens.len()) != 0
    }

    /// The states that are reached without reading anything.
    fn close(&self, mut states: u128) -> u128 {
        for (i, token) in self.tokens.iter().enumerate() {
            if states & (1 << i) != 0 {
                match token {
                    Token::Star | Token::Deep => states |= 1 << (i + 1),
                    Token::Folders => states |= 0b11 << (i + 1),
                    Token::Char(_) | Token::One | Token::FolderBody => {}
                }
            }
        }
        states
    }

    fn step(&self, states: u128, c: char) -> u128 {
        let mut next = 0;
        let mut left = states;
        while left != 0 {
            let i = left.trailing_zeros() as usize;
            left &= left - 1;
            match self.tokens.get(i) {
                Some(Token::Char(want)) if *want == c => next |= 1 << (i + 1),
                Some(Token::One) if c != '/' => next |= 1 << (i + 1),
                Some(Token::Star) if c != '/' => next |= 1 << i,
                Some(Token::Deep) => next |= 1 << i,
                Some(Token::FolderBody) if c == '/' => next |= 0b11 << i,
                Some(Token::FolderBody) => next |= 1 << i,
                _ => {}
            }
        }
        self.close(next)
    }
}

/// Most pairs of states that [`covers`] looks at before it gives up.
const EFFORT: usize = 20_000;

/// Whether every text that a glob of `narrow` matches is matched by a glob of `wide`. Exact, but for lists so entangled
/// that it gives up, and then says no.
pub(super) fn covers(wide: &[Glob], narrow: &[Glob]) -> bool {
    // Characters that no glob names behave alike: one of them stands for all.
    let mut letters: Vec<char> = wide
        .iter()
        .chain(narrow)
        .flat_map(|g| &g.tokens)
        .filter_map(|t| if let Token::Char(c) = t { Some(*c) } else { None })
        .chain(['/', '\u{10FFFF}'])
        .collect();
    letters.sort_unstable();
    letters.dedup();
    narrow.iter().all(|n| {
        let start = (n.close(1), wide.iter().map(|w| w.close(1)).collect::<Vec<_>>());
        let mut seen = HashSet::from([start.clone()]);
        let mut queue = vec![start];
        while let Some((inner, outer)) = queue.pop() {
            if n.accepts(inner) && !wide.iter().zip(&outer).any(|(w, s)| w.accepts(*s)) {
                return false;
            }
            if seen.len() > EFFORT {
                return false;
            }
            for &c in &letters {
                let next = (n.step(inner, c), wide.iter().zip(&outer).map(|(w, s)| w.step(*s, c)).collect::<Vec<_>>());
                if next.0 != 0 && seen.insert(next.clone()) {
                    queue.push(next);
                }
            }
        }
        true
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn glob(s: &str) -> Glob {
        s.parse().unwrap()
    }

    #[test]
    fn matching() {
        for (g, yes, no) in [
            ("summary", vec!["summary"], vec!["summar", "summaryx", "Summary"]),
            ("customfield_*", vec!["customfield_", "customfield_10010"], vec!["customfield", "customfield_1/x"]),
            (
                "staging:*/processed",
                vec!["staging:hq-partner/processed"],
                vec!["staging:processed", "staging:a/b/processed"],
            ),
            ("foreign:**", vec!["foreign:", "foreign:a/b/c"], vec!["staging:a"]),
            (
                "**/processed/**",
                vec!["processed/x", "a/b/processed/x/y"],
                vec!["xprocessed/y", "processed", "a/unprocessed/x"],
            ),
            ("a/**/b", vec!["a/b", "a/x/b", "a/x/y/b"], vec!["ab", "a/xb"]),
            ("?.json", vec!["a.json", "é.json"], vec![".json", "ab.json", "/.json"]),
        ] {
            for t in yes {
                assert!(glob(g).matches(t), "{g} matches {t}");
            }
            for t in no {
                assert!(!glob(g).matches(t), "{g} does not match {t}");
            }
        }
    }

    #[test]
    fn what_is_no_glob() {
        assert_eq!("".parse::<Glob>(), Err(GlobError::Empty));
        assert_eq!("a***b".parse::<Glob>(), Err(GlobError::ThreeStars));
        assert_eq!("a[bc]".parse::<Glob>(), Err(GlobError::NotSupported('[')));
        assert_eq!("x".repeat(121).parse::<Glob>(), Err(GlobError::TooLong));
        assert!("x".repeat(120).parse::<Glob>().is_ok());
        assert!(glob(&"**/".repeat(40)).matches("a/"));
    }

    #[test]
    fn covering() {
        for (wide, narrow, want) in [
            (vec!["**"], vec!["a/b"], true),
            (vec!["*"], vec!["a/b"], false),
            (vec!["*"], vec!["ab", "a*"], true),
            (vec!["a*"], vec!["*"], false),
            (vec!["a*", "b*"], vec!["a?", "bcd"], true),
            (vec!["staging:**"], vec!["staging:*/processed"], true),
            (vec!["staging:*/processed"], vec!["staging:**"], false),
            (vec!["**/x"], vec!["x", "a/x"], true),
            (vec!["customfield_*"], vec!["customfield_1??"], true),
        ] {
            let list = |v: &[&str]| v.iter().map(|s| glob(s)).collect::<Vec<_>>();
            assert_eq!(covers(&list(&wide), &list(&narrow)), want, "{wide:?} covers {narrow:?}");
        }
    }

    /// The plainest matcher there is, to hold the fast one against.
    fn plain(glob: &[char], text: &[char], at_folder: bool) -> bool {
        match glob {
            [] => text.is_empty(),
            ['*', '*', '/', rest @ ..] if at_folder => {
                plain(rest, text, true) || (0..text.len()).any(|i| text[i] == '/' && plain(rest, &text[i + 1..], true))
            }
            ['*', '*', rest @ ..] => (0..=text.len()).any(|i| plain(rest, &text[i..], false)),
            ['*', rest @ ..] => {
                (0..=text.len()).take_while(|i| !text[..*i].contains(&'/')).any(|i| plain(rest, &text[i..], false))
            }
            ['?', rest @ ..] => text.first().is_some_and(|c| *c != '/') && plain(rest, &text[1..], false),
            [c, rest @ ..] => text.first() == Some(c) && plain(rest, &text[1..], *c == '/'),
        }
    }

    proptest! {
        #[test]
        fn matches_as_the_plain_matcher_does(g in "[ab/*?]{1,8}", t in "[abc/]{0,8}") {
            if let Ok(glob) = g.parse::<Glob>() {
                let (g, c): (Vec<char>, Vec<char>) = (g.chars().collect(), t.chars().collect());
                prop_assert_eq!(glob.matches(&t), plain(&g, &c, true));
            }
        }

        #[test]
        fn what_is_covered_is_matched(a in "[ab/*?]{1,5}", b in "[ab/*?]{1,5}", t in "[abc/]{0,6}") {
            if let (Ok(a), Ok(b)) = (a.parse::<Glob>(), b.parse::<Glob>())
                && covers(std::slice::from_ref(&a), std::slice::from_ref(&b))
            {
                prop_assert!(!b.matches(&t) || a.matches(&t), "{} covers {} but not on {}", a, b, t);
            }
        }
    }
}

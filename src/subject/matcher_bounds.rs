//! Word boundaries that know what they bound: a name, a user name, an e-mail address, an account id.

use crate::norm::is_ignorable;

/// How a hit stands in its surroundings; ordered from good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Edge {
    /// It stands alone.
    Clean,
    /// It may belong to something longer: a double-barrelled name, another address.
    Soft,
    /// It is a part of something else.
    Broken,
}

/// What stands before and after a hit, in the original text.
pub(super) struct Around<'a> {
    before: &'a str,
    hit: &'a str,
    after: &'a str,
}

impl<'a> Around<'a> {
    pub(super) fn new(text: &'a str, from: usize, to: usize) -> Self {
        Self { before: &text[..from], hit: &text[from..to], after: &text[to..] }
    }

    fn before(&self) -> (Option<char>, Option<char>) {
        let mut chars = self.before.chars().rev().filter(|c| !is_ignorable(*c));
        (chars.next(), chars.next())
    }

    fn after(&self) -> (Option<char>, Option<char>) {
        let mut chars = self.after.chars().filter(|c| !is_ignorable(*c));
        (chars.next(), chars.next())
    }

    fn first(&self) -> Option<char> {
        self.hit.chars().find(|c| !is_ignorable(*c))
    }

    fn last(&self) -> Option<char> {
        self.hit.chars().rev().find(|c| !is_ignorable(*c))
    }

    pub(super) fn name(&self) -> Edge {
        let (a1, a2) = self.after();
        let (b1, b2) = self.before();
        let after = match a1 {
            Some(c) if is_word(c) => run_on(self.last(), c, true),
            Some('-' | '‐' | '‑' | '@') if a2.is_some_and(is_word) => Edge::Soft,
            _ => Edge::Clean,
        };
        let before = match b1 {
            Some(c) if is_word(c) => run_on(self.first(), c, false),
            Some('-' | '‐' | '‑' | '@' | '\'' | '’') if b2.is_some_and(is_word) => Edge::Soft,
            _ => Edge::Clean,
        };
        after.max(before)
    }

    /// User names, user keys and account ids. In a file name, where `-` and `_` stand for spaces, they may end one.
    pub(super) fn id(&self, file_name: bool) -> Edge {
        let joined = if file_name { Edge::Soft } else { Edge::Broken };
        let (a1, a2) = self.after();
        let (b1, b2) = self.before();
        let a2_word = a2.is_some_and(|c| is_word(c) || c == '_');
        let after = match a1 {
            Some(c) if is_word(c) => Edge::Broken,
            Some('_' | '-') if a2_word => joined,
            Some(':') if a2_word => Edge::Broken,
            Some('.' | '@' | '+') if a2_word => Edge::Soft,
            _ => Edge::Clean,
        };
        let b2_word = b2.is_some_and(|c| is_word(c) || c == '_');
        let before = match b1 {
            Some(c) if is_word(c) => Edge::Broken,
            Some('_' | '-') if b2_word => joined,
            Some('@') if b2_word => Edge::Broken,
            Some('.' | '+') if b2_word => Edge::Soft,
            _ => Edge::Clean,
        };
        after.max(before)
    }

    pub(super) fn email(&self) -> Edge {
        // A longer mailbox: punctuation that a mailbox may hold, with a word before it.
        let mut before = self.before.chars().rev().filter(|c| !is_ignorable(*c));
        let mut crossed = 0;
        let stop = before.find(|c| {
            let joins = matches!(c, '.' | '-' | '_' | '+' | '%' | '&' | '#' | '!' | '$');
            crossed += usize::from(joins);
            !joins
        });
        match stop {
            Some(c) if is_word(c) && (crossed <= 1) => return Edge::Broken,
            _ => {}
        }
        // A longer domain.
        match self.after() {
            (Some(c), _) if is_word(c) => Edge::Broken,
            (Some('.' | '-' | '_'), Some(c)) if is_word(c) => Edge::Broken,
            (Some('@'), _) => Edge::Soft,
            _ => Edge::Clean,
        }
    }

    /// `[~jdoe]` or `[~accountid:…]` around the hit: how many bytes of markup stand before it (one `]` after it).
    pub(super) fn mention(&self) -> Option<usize> {
        if !self.after.starts_with(']') {
            return None;
        }
        let tail = |n: usize| self.before.len().checked_sub(n).and_then(|i| self.before.get(i..));
        let account = "[~accountid:";
        if tail(account.len()).is_some_and(|t| t.eq_ignore_ascii_case(account)) {
            return Some(account.len());
        }
        self.before.ends_with("[~").then_some(2)
    }

    /// Whether the hit stands where a URL or path names a user.
    pub(super) fn user_url(&self) -> bool {
        const LEADS: [&str; 15] = [
            "viewprofile.jspa?name=",
            "?name=",
            "&name=",
            "username=",
            "userkey=",
            "?key=",
            "accountid=",
            "ownerid=",
            "/people/",
            "/profile/",
            "/user/",
            "/users/",
            "/~",
            "accountid:",
            "@",
        ];
        LEADS.iter().any(|lead| {
            self.before
                .len()
                .checked_sub(lead.len())
                .and_then(|i| self.before.get(i..))
                .is_some_and(|t| t.eq_ignore_ascii_case(lead))
        })
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || unicode_normalization::char::is_combining_mark(c)
}

/// Whether a letter that follows (or precedes) the hit without a gap makes it part of a longer word. Some scripts write
/// no gaps.
fn run_on(edge: Option<char>, neighbour: char, after: bool) -> Edge {
    let Some(edge) = edge else { return Edge::Broken };
    if is_han(edge) || is_gapless(edge) {
        return Edge::Clean;
    }
    // Another script beside it ends the word: "田中Jane", but not digits.
    if (is_han(neighbour) || is_kana(neighbour) || is_gapless(neighbour)) && !is_kana(edge) {
        return Edge::Clean;
    }
    if is_katakana(edge) && !is_katakana(neighbour) && !neighbour.is_ascii_alphanumeric() {
        return Edge::Clean;
    }
    // Korean particles follow the name without a gap.
    if after && is_hangul(edge) && is_hangul(neighbour) {
        return Edge::Clean;
    }
    Edge::Broken
}

pub(super) fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}' | '々')
}

fn is_katakana(c: char) -> bool {
    matches!(c, '\u{30a0}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' | '\u{ff66}'..='\u{ff9f}')
}

fn is_kana(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{309f}') || is_katakana(c)
}

fn is_hangul(c: char) -> bool {
    matches!(c, '\u{ac00}'..='\u{d7a3}' | '\u{1100}'..='\u{11ff}')
}

/// Thai, Lao, Khmer, Myanmar.
fn is_gapless(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{eff}' | '\u{1780}'..='\u{17ff}' | '\u{1000}'..='\u{109f}')
}

/// Scripts that write the words of a name without a space between.
pub(super) fn joins_words(c: char) -> bool {
    is_han(c) || is_kana(c) || is_hangul(c) || is_gapless(c)
}

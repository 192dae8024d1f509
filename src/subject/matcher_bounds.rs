//! Word boundaries that know what they bound: a name, a user name, an e-mail address, an account id.

use super::variants::people;
use crate::norm::{self, is_ignorable};

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

    fn seen_before(&self) -> impl Iterator<Item = char> + 'a {
        self.before.chars().rev().filter(|c| !is_ignorable(*c))
    }

    fn seen_after(&self) -> impl Iterator<Item = char> + 'a {
        self.after.chars().filter(|c| !is_ignorable(*c))
    }

    fn before(&self) -> (Option<char>, Option<char>) {
        let mut chars = self.seen_before();
        (chars.next(), chars.next())
    }

    fn after(&self) -> (Option<char>, Option<char>) {
        let mut chars = self.seen_after();
        (chars.next(), chars.next())
    }

    fn first(&self) -> Option<char> {
        self.hit.chars().find(|c| !is_ignorable(*c))
    }

    fn last(&self) -> Option<char> {
        self.hit.chars().rev().find(|c| !is_ignorable(*c))
    }

    /// As [`Around::name`], in a file's name whose words have hyphens between instead of spaces.
    pub(super) fn hyphenated(&self) -> Edge {
        let edge = self.name();
        let spaced = |c: char| matches!(c, ' ' | '_' | '\u{a0}');
        if edge != Edge::Soft || !self.hit.contains('-') || self.hit.contains(spaced) {
            return edge;
        }
        let small = self.first().is_some_and(char::is_lowercase);
        // What a name goes on with begins with a capital, or is no word that files are named by.
        let ends = |word: &str| {
            let bare = norm::bare(word).into_text();
            word.starts_with(|c: char| c.is_ascii_digit())
                || people::is_of_files(&bare)
                || (!small && word.starts_with(char::is_lowercase) && !people::is_of_places(&bare))
        };
        let behind =
            self.after.strip_prefix('-').map(|rest| rest.split(|c: char| !is_word(c)).next().unwrap_or_default());
        let front =
            self.before.strip_suffix('-').map(|rest| rest.rsplit(|c: char| !is_word(c)).next().unwrap_or_default());
        let clean = |word: Option<&str>| word.is_none_or(|w| w.is_empty() || ends(w));
        let other = self.after.starts_with(['‐', '‑', '@']) || self.before.ends_with(['‐', '‑', '@', '\'', '’']);
        if !other && clean(behind) && clean(front) { Edge::Clean } else { edge }
    }

    pub(super) fn name(&self) -> Edge {
        let (a1, a2) = self.after();
        let (b1, b2) = self.before();
        let after = match a1 {
            Some(c) if is_word(c) => glued(self.last(), self.seen_after(), true),
            // The word goes on in the next line: "Berg-", "mann".
            Some('-' | '‐') if goes_on(self.seen_after()) => Edge::Soft,
            Some('-' | '‐' | '‑' | '@') if a2.is_some_and(is_word) => Edge::Soft,
            _ => Edge::Clean,
        };
        let before = match b1 {
            Some(c) if is_word(c) => glued(self.first(), self.seen_before(), false),
            Some('\n' | ' ' | '>') if came_from(self.seen_before()) => Edge::Soft,
            Some('-' | '‐' | '‑' | '@' | '\'' | '’') if b2.is_some_and(is_word) => Edge::Soft,
            _ => Edge::Clean,
        };
        after.max(before)
    }

    /// Whether another given name in front, or another family name behind, makes a longer name of a name: "Maria Anna Berg",
    /// "Anna Berg Larsen", "Anna Berg von Stein". That may be somebody else.
    pub(super) fn longer_name(&self) -> bool {
        let gap = |c: char| matches!(c, ' ' | '_' | '\u{a0}');
        let small = self.first().is_some_and(char::is_lowercase);
        let named = |word: &str, list: fn(&str) -> bool| {
            let fits = word.starts_with(|c: char| c.is_uppercase() || (small && c.is_lowercase()));
            fits && list(norm::bare(word).text())
        };
        let until = |text: &'a str| text.split(|c: char| !is_word(c) && !is_ignorable(c)).next().unwrap_or_default();
        if let Some(rest) = self.after.strip_prefix(gap) {
            let word = until(rest);
            if named(word, people::is_family) {
                return true;
            }
            let next = rest[word.len()..].strip_prefix(gap).map(until).unwrap_or_default();
            if people::is_particle(&word.to_lowercase()) && word.len() > 1 && next.starts_with(char::is_uppercase) {
                return true;
            }
        }
        if let Some(rest) = self.before.strip_suffix(gap) {
            let word = rest.rsplit(|c: char| !is_word(c) && !is_ignorable(c)).next().unwrap_or_default();
            return named(word, people::is_given);
        }
        false
    }

    /// Whether a family name in front of a given name stands in a list of whole names: "Kunibert Berg, Anna Stein".
    pub(super) fn listed(&self) -> bool {
        let word = |w: &str| w.chars().count() > 1 && w.starts_with(char::is_uppercase);
        let front =
            self.before.strip_suffix(' ').map(|rest| rest.rsplit(|c: char| !is_word(c)).next().unwrap_or_default());
        let behind =
            self.after.strip_prefix(' ').map(|rest| rest.split(|c: char| !is_word(c)).next().unwrap_or_default());
        let Some(front) = front.filter(|w| word(w)) else { return false };
        let bare = norm::bare(front).into_text();
        !people::is_title(&bare) && (behind.is_some_and(word) || people::is_given(&bare))
    }

    /// User names, user keys and account ids. In a file name, where `-` and `_` stand for spaces, they may end one. Only an
    /// account id can go on behind a colon.
    pub(super) fn id(&self, file_name: bool, account: bool) -> Edge {
        let joined = if file_name { Edge::Soft } else { Edge::Broken };
        let (a1, a2) = self.after();
        let (b1, b2) = self.before();
        let a2_word = a2.is_some_and(|c| is_word(c) || c == '_');
        let after = match a1 {
            Some(c) if is_word(c) => Edge::Broken,
            Some('_' | '-') if a2_word => joined,
            Some(':') if a2_word && account => Edge::Broken,
            Some('@') if a2_word && self.realm() => Edge::Clean,
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

    /// `@` and a realm behind a user name, which is no host: written in capitals, or without a dot.
    fn realm(&self) -> bool {
        let Some(rest) = self.after.strip_prefix('@') else { return false };
        let realm =
            rest.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-'))).next().unwrap_or_default();
        let realm = realm.trim_end_matches(['.', '-']);
        // A user name in capitals before capitals may be any address.
        let small = |text: &str| text.contains(|c: char| c.is_ascii_lowercase());
        !realm.is_empty() && (!realm.contains('.') || (!small(realm) && small(self.hit)))
    }

    /// Whether an `@` follows, perhaps behind a plus tag: then the hit is the mailbox of an address.
    pub(super) fn at_sign(&self) -> bool {
        let tag = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '=' | '+');
        match self.after.strip_prefix('+') {
            Some(rest) => rest.trim_start_matches(tag).starts_with('@'),
            None => self.after.starts_with('@') && !self.realm(),
        }
    }

    /// Whether a word in front says that an account's name follows: "mailbox jdoe is full".
    pub(super) fn announced(&self) -> bool {
        const WORDS: &str = " mailbox account user username login postfach benutzer benutzername konto nutzer kennung \
            utilisateur compte usuario cuenta utente gebruiker alias recipient empfänger ";
        let before = self.before.trim_end_matches(['"', '\'', '`', '‘', '“', '„', ':', '=']);
        let Some(before) = before.strip_suffix(' ').or_else(|| (before.len() < self.before.len()).then_some(before))
        else {
            return false;
        };
        let before = before.trim_end_matches([':', '=']);
        let word = before.rsplit(|c: char| !is_word(c)).next().unwrap_or_default().to_lowercase();
        !word.is_empty() && WORDS.split(' ').any(|w| w == word)
    }

    /// Whether a file is named after the hit where a macro or a header gives its name: `{code:title=jdoe.sh|…}`,
    /// `filename="jdoe.txt"`.
    pub(super) fn file_title(&self) -> bool {
        const LEADS: [&str; 4] = ["title=", "filename=", "file=", "name="];
        let before = self.before.trim_end_matches(['"', '\'']);
        let lead = LEADS.iter().any(|lead| {
            before
                .len()
                .checked_sub(lead.len())
                .and_then(|i| before.get(i..))
                .is_some_and(|t| t.eq_ignore_ascii_case(lead))
        });
        let Some(rest) = self.after.strip_prefix('.').filter(|_| lead) else { return false };
        let extension = rest.bytes().take_while(u8::is_ascii_alphanumeric).count();
        (1..=5).contains(&extension) && rest[extension..].starts_with(['|', '}', '"', '\'', '&', ';', ' ', '>'])
    }

    /// Whether the hit stands where a URL, a path or a login names a user.
    pub(super) fn login(&self) -> bool {
        const LEADS: [&str; 28] = [
            "viewprofile.jspa?name=",
            "?name=",
            "&name=",
            "username=",
            "userkey=",
            "?key=",
            "accountid=",
            "ownerid=",
            "userid=",
            "login=",
            "user=",
            "uid=",
            "owner=",
            "/people/",
            "/profile/",
            "/user/",
            "/users/",
            "/home/",
            "/mail/",
            "/~",
            "accountid:",
            "username:",
            "user:",
            "login:",
            "\\users\\",
            "\\home\\",
            "\\documents and settings\\",
            "@",
        ];
        let lead = |before: &str| {
            LEADS.iter().any(|lead| {
                let at = before.len().checked_sub(lead.len());
                at.and_then(|i| before.get(i..)).is_some_and(|t| t.eq_ignore_ascii_case(lead))
            })
        };
        if lead(self.before) || (self.after.starts_with('@') && self.realm()) {
            return true;
        }
        if let Some(before) = self.before.strip_suffix('~') {
            return !before.ends_with(is_word);
        }
        // `DOMAIN\jdoe`, `C:\Users\jdoe`, also with the backslashes doubled by an escape.
        let before = self.before.trim_end_matches('\\');
        let slashes = self.before.len() - before.len();
        (1..=4).contains(&slashes)
            && (before.ends_with(|c: char| c.is_ascii_uppercase() || c.is_ascii_digit()) && domain(before)
                || lead(&format!("\\{}\\", before.rsplit('\\').next().unwrap_or_default())))
    }
}

/// Whether a text ends with the name of a Windows domain.
fn domain(text: &str) -> bool {
    let name = text.rsplit(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).next().unwrap_or_default();
    name.len() > 1 && !name.contains(|c: char| c.is_ascii_lowercase())
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || unicode_normalization::char::is_combining_mark(c)
}

/// Whether a hyphen is at the end of a line and a small letter begins the next one.
fn goes_on(after: impl Iterator<Item = char>) -> bool {
    let mut line = false;
    let next = after.skip(1).take(16).find(|c| {
        line |= *c == '\n';
        !matches!(c, '\r' | '\n' | ' ' | '\t' | '>')
    });
    line && next.is_some_and(char::is_lowercase)
}

/// Whether a line begins here, and the one before it ends in a hyphen against a word.
fn came_from(before: impl Iterator<Item = char>) -> bool {
    let mut line = false;
    let mut rest = before.take(16).skip_while(|c| {
        line |= *c == '\n';
        matches!(c, '\r' | '\n' | ' ' | '\t' | '>')
    });
    let (hyphen, word) = (rest.next(), rest.next());
    line && hyphen == Some('-') && word.is_some_and(is_word)
}

/// What the letters against the hit make of it; `edge` is its own letter there, `letters` go outwards. Some scripts write no
/// gaps, some add to a word.
pub(super) fn glued(edge: Option<char>, mut letters: impl Iterator<Item = char>, after: bool) -> Edge {
    let Some(neighbour) = letters.next().filter(|c| is_word(*c)) else { return Edge::Clean };
    let Some(edge) = edge else { return Edge::Broken };
    if is_han(edge) {
        // Another sign that names are made of makes another name of it.
        let longer = after && GIVEN_SIGNS.contains(neighbour);
        return if longer { Edge::Soft } else { Edge::Clean };
    }
    if is_gapless(edge) {
        return Edge::Clean;
    }
    // Another script beside it ends the word: "田中Jane", but not digits.
    if (is_han(neighbour) || is_kana(neighbour) || is_gapless(neighbour)) && !is_kana(edge) {
        return Edge::Clean;
    }
    if is_katakana(edge) && !is_katakana(neighbour) && !neighbour.is_ascii_alphanumeric() {
        return Edge::Clean;
    }
    let run = || -> String { std::iter::once(neighbour).chain(letters.take_while(|c| is_word(*c)).take(5)).collect() };
    // Korean particles and forms of address follow the name without a gap.
    if after && is_hangul(edge) && is_hangul(neighbour) {
        let run = run();
        return if HANGUL_ENDINGS.split(' ').any(|e| run.starts_with(e)) { Edge::Clean } else { Edge::Soft };
    }
    // "And", "to", "the" of Hebrew and Arabic are written against the word.
    if !after && is_semitic(edge) && is_semitic(neighbour) {
        let run: String = run().chars().rev().collect();
        return if SEMITIC_PREFIXES.split(' ').any(|p| p == run) { Edge::Soft } else { Edge::Broken };
    }
    Edge::Broken
}

/// Signs that the given names of Chinese and Japanese often end with, and that seldom begin a word behind a name.
const GIVEN_SIGNS: &str = concat!(
    "伟芳娜敏静丽磊洋艳勇军杰娟涛霞秀兰玲桂燕鹏飞辉刚玉萍红英华慧莉婷雪梅琳浩宇轩涵怡欣佳琪瑶明",
    "豪博昊晨龙凤娥珍琴峰俊瑞祥贵福荣庆斌郎子恵香奈夫雄彦幸朗輔樹翔蓮結菜江枝穂",
);

const HANGUL_ENDINGS: &str = concat!(
    "은 는 이 가 을 를 의 에 께 님 씨 과 와 도 만 으로 로 한테 하고 랑 입니다 였 군 양 ",
    "선생 부장 과장 차장 팀장 대리 사원 이사 대표 교수 박사 아 야",
);

const SEMITIC_PREFIXES: &str = "ו ה ל ב מ ש כ וה ול וב ומ וש שה מה כש و ف ب ل ك ال وال بال لل ول وب فال كال يا";

/// Hebrew and Arabic letters.
const fn is_semitic(c: char) -> bool {
    matches!(c, '\u{5d0}'..='\u{5f4}' | '\u{620}'..='\u{64a}' | '\u{66e}'..='\u{6d3}')
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

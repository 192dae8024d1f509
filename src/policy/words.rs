//! The closed vocabularies of a policy, and small sets of their words.

use std::{fmt, marker::PhantomData};

use crate::model::{Area, Controller, Decision, Flavor, RecordType, ReferenceKind, Strength};

use super::{Requirement, Since, Start, Then, WithoutIt};

/// A closed vocabulary whose words appear in policies.
pub trait Word: Copy + Eq + fmt::Debug + 'static {
    /// All words, in the order of declaration.
    const ALL: &'static [Self];
    /// What the vocabulary is called in a diagnostic.
    const WHAT: &'static str;
    /// The spelling.
    fn word(self) -> &'static str;
    /// A bit of its own, for sets.
    fn bit(self) -> u16;

    /// The word that is spelled `s`.
    fn from_word(s: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|w| w.word() == s)
    }
}

macro_rules! words {
    ($type:ident, $what:literal, { $($variant:ident => $word:literal),+ $(,)? }) => {
        impl Word for $type {
            const ALL: &'static [Self] = &[$(Self::$variant),+];
            const WHAT: &'static str = $what;

            // The match is exhaustive, so that a new variant of the model cannot be forgotten here.
            fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            fn bit(self) -> u16 {
                1 << (self as u16)
            }
        }
    };
}

words!(Area, "area", {
    Staging => "staging", Source => "source", Target => "target", State => "state", Foreign => "foreign",
    Log => "log", Backup => "backup",
});
words!(RecordType, "record type", {
    Message => "message", Issue => "issue", Comment => "comment", Worklog => "worklog", Attachment => "attachment",
    History => "history", Watcher => "watcher", Vote => "vote", RemoteLink => "remotelink", Property => "property",
    File => "file", UserProfile => "user-profile", State => "state",
});
words!(ReferenceKind, "kind", {
    AccountId => "account-id", UserKey => "user-key", Username => "username", Email => "email",
    FullName => "full-name", Mention => "mention", Phone => "phone", Avatar => "avatar", Alias => "alias",
});
words!(Strength, "strength", { Possible => "possible", Probable => "probable", Certain => "certain" });
words!(Controller, "controller", { Us => "us", Joint => "joint", Processor => "processor", Partner => "partner" });
words!(Decision, "decision", {
    Redact => "redact", Clear => "clear", Remove => "remove", Delete => "delete", Anonymise => "anonymise", Renew => "renew", Keep => "keep", Review => "review",
    Residual => "residual",
});
words!(Requirement, "requirement", {
    Identity => "identity", Ground => "ground", Exceptions => "exceptions", Answer => "answer",
});
words!(WithoutIt, "way without the redaction API", { Edit => "edit", Residual => "residual" });
words!(Start, "start of a period", {
    Created => "created", Processed => "processed", Resolved => "resolved", Updated => "updated",
    SyncEnded => "sync-ended", AccountClosed => "account-closed",
});
words!(Then, "end of a class", {
    Delete => "delete", Clear => "clear", Redact => "redact", Pseudonymise => "pseudonymise", Renew => "renew", Keep => "keep",
    Review => "review",
});
words!(Flavor, "flavor", { Cloud => "cloud", DataCenter => "datacenter" });
words!(Since, "start of an age", { Updated => "updated", Created => "created" });

/// A set of words.
pub struct Set<T>(u16, PhantomData<T>);

impl<T> Clone for Set<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Set<T> {}

impl<T> PartialEq for Set<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<T> Eq for Set<T> {}

impl<T: Word> Set<T> {
    /// Every word.
    #[must_use]
    pub fn all() -> Self {
        T::ALL.iter().copied().collect()
    }

    /// Whether it holds the word.
    #[must_use]
    pub fn contains(self, word: T) -> bool {
        self.0 & word.bit() != 0
    }

    /// Whether it holds every word of `other`.
    #[must_use]
    pub const fn covers(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether it holds every word, which is the same as no condition.
    #[must_use]
    pub fn is_all(self) -> bool {
        self == Self::all()
    }

    /// Whether it holds none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The words, in the order of their declaration.
    pub fn iter(self) -> impl Iterator<Item = T> {
        T::ALL.iter().copied().filter(move |w| self.contains(*w))
    }

    /// The spellings, in the order of their declaration.
    #[must_use]
    pub fn words(self) -> Vec<&'static str> {
        self.iter().map(Word::word).collect()
    }
}

impl<T: Word> FromIterator<T> for Set<T> {
    fn from_iter<I: IntoIterator<Item = T>>(words: I) -> Self {
        Self(words.into_iter().fold(0, |bits, w| bits | w.bit()), PhantomData)
    }
}

impl<T: Word> fmt::Debug for Set<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.words()).finish()
    }
}

/// The known word nearest to a wrong one, when it is near enough to be meant.
pub(super) fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wrong = wrong.to_lowercase().replace('_', "-");
    known
        .into_iter()
        .map(|k| (distance(&wrong, &k.replace('_', "-")), k))
        .filter(|(d, k)| *d <= 1 + k.chars().count().max(3) / 4)
        .min_by_key(|(d, _)| *d)
        .map(|(_, k)| k)
}

/// Edit distance in which two swapped neighbours count once (optimal string alignment).
pub(super) fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let swap = (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]).then(|| rows[i - 2][j - 2] + 1);
            let best =
                (rows[i - 1][j] + 1).min(row[j - 1] + 1).min(rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]));
            row.push(swap.map_or(best, |s| s.min(best)));
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agrees<T: Word>(model: impl Fn(T) -> &'static str) {
        for w in T::ALL {
            assert_eq!(w.word(), model(*w));
            assert_eq!(T::from_word(w.word()), Some(*w));
        }
        assert_eq!(Set::<T>::all().iter().count(), T::ALL.len(), "each word has a bit of its own");
    }

    #[test]
    fn spellings_are_those_of_the_model() {
        agrees(Area::as_str);
        agrees(RecordType::as_str);
        agrees(ReferenceKind::as_str);
        agrees(Strength::as_str);
        agrees(Decision::as_str);
    }

    #[test]
    fn nearest_words() {
        let areas = || Area::ALL.iter().map(|a| a.as_str());
        assert_eq!(nearest("tagret", areas()), Some("target"));
        assert_eq!(nearest("Staging", areas()), Some("staging"));
        assert_eq!(nearest("banana", areas()), None);
        assert_eq!(nearest("older-than", ["older_than"]), Some("older_than"));
    }
}

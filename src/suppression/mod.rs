//! The suppression list: keyed hashes of an erased person's identifiers, and the question that every door of the sync
//! engine asks (law 5).
//!
//! Owns what an entry is a hash of, and what is done with a hit. Account ids, user keys, user names, e-mail addresses and
//! phone numbers suppress: they are cut. A bare name may be a namesake's: it parks the change, or is cut, as the
//! configuration says. Lies below sync and erasure and knows neither; holds no value in clear.

mod file;
mod json;
mod text;

pub(crate) use json::is_user;

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::Value;

use crate::{
    config::NameMode,
    keys::{Keys, Purpose},
    model::{CaseId, IdentifierKind, InstanceName, Subject},
    norm,
    policy::Period,
    store::{Act, Store, StoreError, SuppressionRow},
    subject::variants,
};

/// What stands where an identifier was cut.
pub const PLACEHOLDER: &str = "[erased]";

/// The scope of an entry that holds in every instance.
const EVERYWHERE: &str = "*";

/// A change of the list.
#[derive(Debug)]
pub struct Suppression;

impl Suppression {
    /// Puts the confirmed identifiers of `subject` on the list for `case`, for as long as `keep` says from the time of the
    /// act on; without it they have no end. Says how many entries are new; one that is there keeps its end.
    ///
    /// # Errors
    /// What the store says.
    pub fn add(
        store: &Store,
        act: &Act<'_>,
        case: &CaseId,
        subject: &Subject,
        keep: Option<Period>,
    ) -> Result<usize, StoreError> {
        // A period that leaves the calendar has no end.
        let until = keep.and_then(|keep| keep.after(act.at));
        let created = act.at.to_rfc3339_opts(SecondsFormat::Secs, true);
        let blank = SuppressionRow {
            hash: [0; 32],
            kind: String::new(),
            case: case.clone(),
            scope: String::new(),
            norm: norm::VERSION.to_owned(),
            words: 0,
            created,
            until,
        };
        store.suppression_add(act, case, &Self::entries(store.keys(), subject, &blank))
    }

    /// The entries of a subject's confirmed identifiers, each with what `like` says of case, time and end. Nothing is put
    /// on the list.
    #[must_use]
    pub fn entries(keys: &Keys, subject: &Subject, like: &SuppressionRow) -> Vec<SuppressionRow> {
        let name_words: BTreeSet<String> = subject
            .identifiers
            .iter()
            .filter(|i| is_name(i.kind))
            .flat_map(|i| words(&norm::key_form(i.kind, i.value.reveal())))
            .collect();
        let mut rows = Vec::new();
        for identifier in subject.identifiers.iter().filter(|i| i.confirmed) {
            let kind = identifier.kind;
            // Its other spellings too: hashes know no likeness.
            let forms = variants::key_forms(kind, identifier.value.reveal());
            // Account ids are one namespace over all Cloud sites.
            let scope = match (&identifier.instance, kind) {
                (Some(instance), IdentifierKind::Username | IdentifierKind::UserKey) => instance.as_str(),
                _ => EVERYWHERE,
            };
            for form in forms {
                // A user name that is a word of the name ("zoe"), or very short, is no proof in running text: there it counts
                // as a name (0 words), while mentions and user fields are cut all the same.
                let ambiguous = kind == IdentifierKind::Username
                    && (form.chars().count() < 3 || name_words.contains(&norm::key_form(IdentifierKind::Alias, &form)));
                rows.push(SuppressionRow {
                    hash: entry_hash(keys, kind, &form, scope),
                    kind: kind.as_str().to_owned(),
                    scope: scope.to_owned(),
                    words: if ambiguous { 0 } else { words(&form).len().max(1) as u32 },
                    ..like.clone()
                });
            }
        }
        rows
    }

    /// The list; entries say kind, case, scope and time, never a value.
    ///
    /// # Errors
    /// What the store says.
    pub fn list(store: &Store) -> Result<Vec<SuppressionRow>, StoreError> {
        store.suppression_list()
    }
}

/// What the guard says of a value: the value with its cuts made, and what was found.
#[derive(Clone, PartialEq)]
pub struct Verdict<T> {
    /// The value as it may pass.
    pub value: T,
    /// How many spans, mentions and user objects were cut.
    pub cuts: usize,
    /// How many bare names were left in, because they may be a namesake's: park the change.
    pub names: usize,
}

impl<T> std::fmt::Debug for Verdict<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verdict").field("cuts", &self.cuts).field("names", &self.names).finish_non_exhaustive()
    }
}

impl<T> Verdict<T> {
    /// Whether the change has to wait for a person's review.
    #[must_use]
    pub const fn parks(&self) -> bool {
        self.names > 0
    }

    /// Whether nothing was found.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.cuts == 0 && self.names == 0
    }
}

/// What the guard says of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileVerdict {
    /// It was read to its end, and nothing was found.
    Clean,
    /// It, or a part of it, is of a kind that cannot be read; in the rest nothing was found.
    Unread,
    /// A bare name stands in it; it may be a namesake's.
    Name,
    /// An identifier of a suppressed person stands in it.
    Certain,
}

/// The question at the door, for data of one instance.
pub struct Guard {
    keys: Keys,
    scopes: Vec<String>,
    entries: HashMap<[u8; 32], Entry>,
    kinds: Vec<IdentifierKind>,
    name_lengths: Vec<usize>,
}

#[derive(Clone, Copy)]
struct Entry {
    ambiguous: bool,
}

impl std::fmt::Debug for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guard").field("entries", &self.entries.len()).finish_non_exhaustive()
    }
}

const KINDS: [IdentifierKind; 7] = [
    IdentifierKind::AccountId,
    IdentifierKind::UserKey,
    IdentifierKind::Username,
    IdentifierKind::Email,
    IdentifierKind::FullName,
    IdentifierKind::Phone,
    IdentifierKind::Alias,
];

impl Guard {
    /// Loads what of the list holds at `now` for data that belongs to `instance`.
    ///
    /// # Errors
    /// What the store says.
    pub fn load(store: &Store, instance: &InstanceName, now: DateTime<Utc>) -> Result<Self, StoreError> {
        Ok(Self::of(store.keys(), store.suppression_holding(now)?, instance))
    }

    /// Loads the whole list, of every instance and with what has ended, to keep persons out of free text.
    ///
    /// # Errors
    /// What the store says.
    pub fn of_everybody(store: &Store) -> Result<Self, StoreError> {
        let rows = store.suppression_list()?;
        let scopes: BTreeSet<String> = rows.iter().map(|r| r.scope.clone()).collect();
        Ok(Self::with(store.keys(), rows, scopes.into_iter().collect()))
    }

    /// Of these entries, for data that belongs to `instance`.
    #[must_use]
    pub fn of(keys: &Keys, rows: Vec<SuppressionRow>, instance: &InstanceName) -> Self {
        Self::with(keys, rows, vec![instance.as_str().to_owned(), EVERYWHERE.to_owned()])
    }

    fn with(keys: &Keys, rows: Vec<SuppressionRow>, scopes: Vec<String>) -> Self {
        let mine: Vec<_> = rows.into_iter().filter(|r| scopes.contains(&r.scope)).collect();
        let kinds = KINDS.into_iter().filter(|k| mine.iter().any(|r| r.kind == k.as_str())).collect();
        let name_lengths: BTreeSet<usize> = mine
            .iter()
            .filter(|r| r.kind == IdentifierKind::FullName.as_str() || r.kind == IdentifierKind::Alias.as_str())
            .map(|r| r.words as usize)
            .collect();
        Self {
            keys: keys.clone(),
            scopes,
            entries: mine.into_iter().map(|r| (r.hash, Entry { ambiguous: r.words == 0 })).collect(),
            kinds,
            name_lengths: name_lengths.into_iter().collect(),
        }
    }

    /// Whether the list is empty, so that every answer is "pass".
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether an identifier is suppressed.
    #[must_use]
    pub fn identifier(&self, kind: IdentifierKind, value: &str) -> bool {
        if !self.kinds.contains(&kind) {
            return false;
        }
        let form = norm::key_form(kind, value);
        self.form(kind, &form).is_some() || self.form(kind, &variants::canonical(kind, form)).is_some()
    }

    /// Whether a Jira user object is a suppressed person: by account id, key, user name or e-mail; not by name alone.
    #[must_use]
    pub fn user(&self, user: &Value) -> bool {
        let text = |name: &str| user.get(name).and_then(Value::as_str).filter(|t| !t.is_empty());
        [
            (IdentifierKind::AccountId, "accountId"),
            (IdentifierKind::UserKey, "key"),
            (IdentifierKind::Username, "name"),
            (IdentifierKind::Email, "emailAddress"),
        ]
        .into_iter()
        .any(|(kind, field)| text(field).is_some_and(|value| self.identifier(kind, value)))
    }

    /// A text (plain or wiki markup) as it may pass.
    #[must_use]
    pub fn check_text(&self, text: &str, names: NameMode) -> Verdict<String> {
        text::check(self, text, names)
    }

    /// Whether a file may go out: nothing can be cut out of a file unseen, so it passes or stays as a whole. Reads text,
    /// JSON and XML in every encoding that it knows, and the members of archives.
    #[must_use]
    pub fn check_file(&self, name: &str, bytes: &[u8]) -> FileVerdict {
        file::check(self, name, bytes)
    }

    /// A JSON value (a message, Jira's fields, a comment, an ADF document) as it may pass: suppressed user objects become
    /// null or leave their list, mentions and spans of text are cut.
    #[must_use]
    pub fn check_json(&self, value: &Value, names: NameMode) -> Verdict<Value> {
        if self.is_empty() {
            return Verdict { value: value.clone(), cuts: 0, names: 0 };
        }
        json::check(self, value, names)
    }

    fn form(&self, kind: IdentifierKind, form: &str) -> Option<Entry> {
        if form.is_empty() {
            return None;
        }
        self.scopes.iter().find_map(|scope| self.entries.get(&entry_hash(&self.keys, kind, form, scope)).copied())
    }
}

fn entry_hash(keys: &Keys, kind: IdentifierKind, form: &str, scope: &str) -> [u8; 32] {
    keys.keyed_hash(Purpose::Suppression, &[kind.as_str().as_bytes(), form.as_bytes(), scope.as_bytes()])
}

const fn is_name(kind: IdentifierKind) -> bool {
    matches!(kind, IdentifierKind::FullName | IdentifierKind::Alias)
}

fn words(form: &str) -> Vec<String> {
    form.split_whitespace().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests;

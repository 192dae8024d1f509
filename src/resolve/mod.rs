//! Who is it: from an e-mail address, a name, a user name, a key or an account id to a proposed identity.
//!
//! Owns which questions are put to the instances and to what lies here (`ask`, `here`), how people are recognised in what comes
//! back (`persons`, `text`), and what follows from it (`identity`, pure). It proposes: a person confirms. It stores nothing,
//! prints nothing, and names nobody in an error or a note. Others who stand in the same records are not collected.

mod ask;
mod here;
mod identity;
mod persons;
mod text;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
pub use identity::{Account, Item, Proposal, Sightings, Sure};

use crate::{
    config::Config,
    jira::Client,
    model::{IdentifierKind, InstanceName, Subject},
    norm,
    store::Store,
};

/// How many times what was found is asked after in turn: the e-mail of an account, then the accounts with that e-mail, …
const ROUNDS: usize = 4;

/// What somebody asks about: a text, and what it can be.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Term {
    /// What it is taken for.
    pub kind: IdentifierKind,
    /// As it was given.
    pub value: String,
}

impl std::fmt::Debug for Term {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Term({})", self.kind.as_str())
    }
}

impl Term {
    fn new(kind: IdentifierKind, value: &str) -> Self {
        Self { kind, value: value.trim().to_owned() }
    }

    /// The form that values are compared by.
    fn form(&self) -> String {
        form(self.kind, &self.value)
    }
}

/// The form that values of a kind are compared by; keys and user names are compared with each other.
fn form(kind: IdentifierKind, value: &str) -> String {
    norm::key_form(kind, value)
}

/// What a query can be: an e-mail address, an account id, a user key, a user name, a full name; a single word may be several.
#[must_use]
pub fn terms_of(query: &str) -> Vec<Term> {
    use IdentifierKind as K;
    let query = query.trim();
    let alphanumeric = |s: &str| s.chars().all(|c| c.is_ascii_alphanumeric());
    let kinds: &[K] = if query.contains(char::is_whitespace) {
        &[K::FullName]
    } else if query.contains('@') {
        // A user name may be an address.
        &[K::Email, K::Username]
    } else if query.contains(':') || (query.len() == 24 && alphanumeric(query)) {
        // `557058:…`, `712020:…`, or the 24 characters of older accounts.
        &[K::AccountId, K::UserKey]
    } else if query.strip_prefix("JIRAUSER").is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit())) {
        &[K::UserKey]
    } else {
        &[K::Username, K::UserKey, K::FullName]
    };
    kinds.iter().filter(|_| !query.is_empty()).map(|kind| Term::new(*kind, query)).collect()
}

/// A person as some place shows one.
#[derive(Clone, Default, PartialEq, Eq)]
struct Person {
    /// `None` in a folder that belongs to no instance.
    instance: Option<InstanceName>,
    account_id: Option<String>,
    key: Option<String>,
    name: Option<String>,
    email: Option<String>,
    display: Option<String>,
    active: Option<bool>,
    deleted: bool,
    /// Shown by the instance itself, just now; otherwise it may be how it once was.
    current: bool,
}

impl Person {
    /// What identifies the person, by kind. The placeholder of a corrupted account (`unknown`) identifies nobody.
    fn ids(&self) -> impl Iterator<Item = (IdentifierKind, &str)> {
        use IdentifierKind as K;
        let account = self.account_id.as_deref().filter(|id| *id != "unknown");
        [(K::AccountId, account), (K::UserKey, self.key.as_deref()), (K::Username, self.name.as_deref())]
            .into_iter()
            .chain([(K::Email, self.email.as_deref()), (K::FullName, self.display.as_deref())])
            .filter_map(|(kind, value)| Some((kind, value.filter(|v| !v.trim().is_empty())?)))
    }
}

/// An instance, and a user there as a user map names one.
type MappedUser = (InstanceName, String);

/// Where something was seen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seen {
    /// The place, such as `source:hq/HQ`, or the call that showed it, such as `hq: user search`.
    pub place: String,
    /// The record, such as `issue HQ-13`; empty where the place says it all.
    pub record: String,
    /// When the record was made or changed.
    pub at: Option<DateTime<Utc>>,
}

/// What was seen, unjudged.
#[derive(Default)]
struct Evidence {
    people: Vec<(Person, Seen)>,
    /// What stands beside a known value in a text: the known one, the other, where.
    beside: Vec<(Term, Term, Seen)>,
    /// Texts that hold a known value.
    texts: Vec<(Term, Seen)>,
    /// Users whom the configuration maps on each other.
    mapped: Vec<(MappedUser, MappedUser)>,
    /// References to corrupted accounts, by instance.
    corrupted: BTreeMap<InstanceName, u64>,
}

/// What is looked for, in the form that values are compared by.
#[derive(Default, Clone)]
struct Terms {
    all: BTreeSet<Term>,
    forms: BTreeSet<(IdentifierKind, String)>,
}

impl Terms {
    fn add(&mut self, term: Term) -> bool {
        let (kind, form) = (handle(term.kind), term.form());
        !form.is_empty() && self.forms.insert((kind, form)) && self.all.insert(term)
    }

    fn has(&self, kind: IdentifierKind, value: &str) -> bool {
        self.forms.contains(&(handle(kind), form(kind, value)))
    }

    /// Whether a person bears anything of what is looked for.
    fn concern(&self, person: &Person) -> bool {
        person.ids().any(|(kind, value)| self.has(kind, value))
    }

    fn of(&self, kind: IdentifierKind) -> impl Iterator<Item = &Term> {
        self.all.iter().filter(move |t| t.kind == kind)
    }
}

/// Keys and user names look alike and stand for each other: one set of forms.
fn handle(kind: IdentifierKind) -> IdentifierKind {
    match kind {
        IdentifierKind::UserKey => IdentifierKind::Username,
        IdentifierKind::Alias => IdentifierKind::FullName,
        other => other,
    }
}

/// How far a place could be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// An instance (`hq`) or a place (`staging:hq-partner`).
    pub place: String,
    /// Whether all was answered.
    pub complete: bool,
    /// What was not, and what to know about the rest. Names nobody.
    pub notes: Vec<String>,
}

/// What came of it.
#[derive(Debug)]
pub struct Resolved {
    /// The proposed identity.
    pub proposal: Proposal,
    /// Every instance and every place here, in the order of the configuration.
    pub asked: Vec<Asked>,
}

impl Resolved {
    /// Whether everybody answered in full.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.asked.iter().all(|a| a.complete)
    }
}

/// A question, ready to be asked.
pub struct Resolve<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The store, to open staged messages.
    pub store: &'a Store,
    /// Clients, or why there is none.
    pub clients: &'a BTreeMap<InstanceName, Result<Client, String>>,
}

impl Resolve<'_> {
    /// Asks everybody after `queries` and proposes an identity. `known` is the person's entry in the register: its confirmed
    /// identifiers are asked after as well, what it excludes is not proposed.
    pub async fn run(&self, queries: &[Term], known: Option<&Subject>, mut progress: impl FnMut(&str)) -> Resolved {
        let mut roots = Terms::default();
        for term in queries {
            roots.add(term.clone());
        }
        for identifier in known.into_iter().flat_map(|k| &k.identifiers).filter(|i| i.confirmed) {
            roots.add(Term::new(identifier.kind, identifier.value.reveal()));
        }
        // What instances answer directly; what documents say is gathered anew as more becomes known.
        let mut direct = Evidence::default();
        here::user_maps(self.config, &mut direct);
        let mut terms = roots.clone();
        let mut instances: Vec<ask::Instance<'_>> = self
            .config
            .instances
            .keys()
            .map(|name| ask::Instance::new(name, self.clients.get(name), self.config))
            .collect();
        let (mut evidence, mut places) = (Evidence::default(), Vec::new());
        for _ in 0..ROUNDS {
            for instance in &mut instances {
                progress(instance.name.as_str());
                instance.ask(&terms, &mut direct).await;
            }
            ask::copies(&mut instances, self.config, self.store).await;
            evidence = Evidence { people: direct.people.clone(), mapped: direct.mapped.clone(), ..Evidence::default() };
            for instance in &instances {
                instance.gather(&terms, &mut evidence);
            }
            progress("staging and folders");
            places = here::read(self.config, self.store, &terms, &mut evidence);
            let before = terms.all.len();
            for term in identity::propose(&roots, &evidence, None).to_ask() {
                terms.add(term);
            }
            if terms.all.len() == before {
                break;
            }
        }
        let mut asked: Vec<Asked> = instances.into_iter().map(ask::Instance::asked).collect();
        for (instance, n) in &evidence.corrupted {
            if let Some(asked) = asked.iter_mut().find(|a| a.place == instance.as_str()) {
                asked.notes.push(format!(
                    "{n} references to corrupted accounts (account id \"unknown\"): whose they are cannot be told"
                ));
            }
        }
        asked.extend(places);
        Resolved { proposal: identity::propose(&roots, &evidence, known), asked }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_query_can_be() {
        use IdentifierKind as K;
        let kinds = |q: &str| terms_of(q).into_iter().map(|t| t.kind).collect::<Vec<_>>();
        assert_eq!(kinds("jane@example.com"), [K::Email, K::Username]);
        assert_eq!(kinds("Jane Doe"), [K::FullName]);
        assert_eq!(kinds("557058:0a1b2c3d-9f"), [K::AccountId, K::UserKey]);
        assert_eq!(kinds("5b10ac8d82e05b22cc7d4ef5"), [K::AccountId, K::UserKey]);
        assert_eq!(kinds("JIRAUSER10100"), [K::UserKey]);
        assert_eq!(kinds("jdoe"), [K::Username, K::UserKey, K::FullName]);
        assert_eq!(kinds("  "), []);
        assert_eq!(format!("{:?}", terms_of("jdoe")), "[Term(username), Term(user-key), Term(full-name)]");
    }
}

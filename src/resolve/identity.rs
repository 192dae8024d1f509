//! From what was seen to a proposed identity. Pure: the same evidence gives the same proposal, in the same order.
//!
//! Sightings become accounts (one account object, however often and in whatever state it was seen), accounts are linked to what was
//! asked for, and what the linked ones carry is proposed. How sure:
//! - `certain`: the same account object carries it and something that was asked for, or an e-mail address of such an account;
//! - `probable`: linked by the configuration's user map, by a user name or key that several accounts have, or by a full name
//!   that only one account has;
//! - `possible`: it stands beside a known value in a text.
//!
//! Accounts that share nothing but the name are not proposed; they are shown beside, with what tells them apart.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::{Evidence, Person, Seen, Term, Terms, form, handle};
use crate::model::{Identifier, IdentifierKind as K, InstanceName, Namesake, Personal, Subject};

/// How sure a proposal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sure {
    /// Stands beside a known value in a text.
    Possible,
    /// Linked, but not by an account object.
    Probable,
    /// The same account object links the two.
    Certain,
}

impl Sure {
    /// The word used in output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Possible => "possible",
            Self::Probable => "probable",
            Self::Certain => "certain",
        }
    }
}

/// Where and how often something was seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sightings {
    /// By place and record, how often.
    pub by: BTreeMap<(String, String), u64>,
    /// The first time that a record says.
    pub first: Option<DateTime<Utc>>,
    /// The last one.
    pub last: Option<DateTime<Utc>>,
}

impl Sightings {
    fn add(&mut self, seen: &Seen) {
        *self.by.entry((seen.place.clone(), seen.record.clone())).or_default() += 1;
        self.span(seen.at, seen.at);
    }

    fn span(&mut self, first: Option<DateTime<Utc>>, last: Option<DateTime<Utc>>) {
        self.first = [self.first, first].into_iter().flatten().min();
        self.last = [self.last, last].into_iter().flatten().max();
    }

    fn merge(&mut self, other: &Self) {
        for (at, n) in &other.by {
            *self.by.entry(at.clone()).or_default() += n;
        }
        self.span(other.first, other.last);
    }

    /// How often in all.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.by.values().sum()
    }
}

/// One proposed identifier.
#[derive(Debug, Clone)]
pub struct Item {
    /// Its kind.
    pub kind: K,
    /// Its value.
    pub value: Personal<String>,
    /// The instance that it belongs to.
    pub instance: Option<InstanceName>,
    /// How sure.
    pub sure: Sure,
    /// The account no longer has it.
    pub former: bool,
    /// Why it is proposed.
    pub why: &'static str,
    /// Where it was seen.
    pub seen: Sightings,
    /// `Some(true)` where the register has it confirmed, `Some(false)` where it has it unconfirmed.
    pub registered: Option<bool>,
}

impl Item {
    /// As the register keeps it.
    #[must_use]
    pub fn identifier(&self, confirmed: bool) -> Identifier {
        Identifier { kind: self.kind, value: self.value.clone(), instance: self.instance.clone(), confirmed }
    }

    fn is(&self, kind: K, value: &str) -> bool {
        handle(self.kind) == handle(kind) && form(self.kind, self.value.reveal()) == form(kind, value)
    }
}

/// An account with the same name that nothing else links to the person.
#[derive(Debug, Clone)]
pub struct Account {
    /// Its instance; `None` where it was only seen in a folder that belongs to none.
    pub instance: Option<InstanceName>,
    /// What it carries: kind and value.
    pub values: Vec<(K, Personal<String>)>,
    /// Whether it is active, where that is known.
    pub active: Option<bool>,
    /// Whether it was deleted.
    pub deleted: bool,
    /// What tells it from the person's accounts.
    pub apart: &'static str,
    /// Where it was seen.
    pub seen: Sightings,
}

impl Account {
    /// Its identifiers, as the register keeps them.
    pub fn identifiers(&self, confirmed: bool) -> impl Iterator<Item = Identifier> {
        self.values.iter().map(move |(kind, value)| Identifier {
            kind: *kind,
            value: value.clone(),
            instance: self.instance.clone().filter(|_| has_instance(*kind)),
            confirmed,
        })
    }

    /// As another person of the same name.
    #[must_use]
    pub fn namesake(&self) -> Namesake {
        Namesake { identifiers: self.identifiers(false).collect() }
    }

    /// The value of a kind.
    #[must_use]
    pub fn value(&self, kind: K) -> Option<&str> {
        self.values.iter().find(|(k, _)| *k == kind).map(|(_, v)| v.reveal().as_str())
    }
}

/// A proposed identity. Items are numbered from 1, accounts go on from there.
#[derive(Debug, Clone, Default)]
pub struct Proposal {
    /// The proposed identifiers.
    pub items: Vec<Item>,
    /// Accounts with the same name.
    pub accounts: Vec<Account>,
    /// How many were left out because a person had said that they are another's.
    pub excluded: usize,
    mapped: Vec<Term>,
}

impl Proposal {
    /// What there is to ask after next.
    pub(super) fn to_ask(&self) -> Vec<Term> {
        let sure = self.items.iter().filter(|i| i.sure > Sure::Possible || i.kind == K::FullName);
        let terms = sure.filter(|i| i.kind != K::Phone).map(|i| Term::new(i.kind, i.value.reveal()));
        terms.chain(self.mapped.iter().cloned()).collect()
    }
}

const fn has_instance(kind: K) -> bool {
    matches!(kind, K::AccountId | K::UserKey | K::Username)
}

/// Whether two sightings are of one account.
fn same_account(a: &Person, b: &Person) -> bool {
    let eq = |kind: K, x: &Option<String>, y: &Option<String>| {
        x.as_ref().zip(y.as_ref()).map(|(x, y)| form(kind, x) == form(kind, y))
    };
    if let Some(same) = eq(K::AccountId, &a.account_id, &b.account_id) {
        return same;
    }
    let (key, name) = (eq(K::UserKey, &a.key, &b.key), eq(K::Username, &a.name, &b.name));
    let (email, display) = (eq(K::Email, &a.email, &b.email), eq(K::FullName, &a.display, &b.display));
    if a.account_id.is_some() != b.account_id.is_some() {
        return false;
    }
    match (&a.instance, &b.instance) {
        (Some(x), Some(y)) if x != y => false,
        (Some(_), Some(_)) => match (key, name) {
            (Some(same), _) => same,
            (None, Some(same)) => same,
            // An old history names a user name where a newer one has the key.
            (None, None) => {
                eq(K::Username, &a.key, &b.name) == Some(true) || eq(K::Username, &a.name, &b.key) == Some(true)
            }
        },
        // Keys and user names of two instances may be alike: something else has to be the same too.
        _ if key == Some(false) || email == Some(false) => false,
        _ => [key, name, email, display].into_iter().filter(|same| *same == Some(true)).count() > 1,
    }
}

struct Group {
    instance: Option<InstanceName>,
    people: Vec<(Person, Sightings)>,
    sure: Option<(Sure, &'static str)>,
}

impl Group {
    fn has(&self, test: impl Fn(K, &str) -> bool) -> bool {
        self.people.iter().any(|(p, _)| p.ids().any(|(kind, value)| test(kind, value)))
    }

    /// Values by kind and form: as it was written, whether it is current, where it was seen.
    fn values(&self) -> BTreeMap<(K, String), (String, bool, Sightings)> {
        let mut out: BTreeMap<(K, String), (String, bool, Sightings)> = BTreeMap::new();
        for (person, seen) in &self.people {
            for (kind, value) in person.ids().filter(|(kind, value)| *kind != K::FullName || !is_no_name(person, value))
            {
                let entry = out
                    .entry((kind, form(kind, value)))
                    .or_insert_with(|| (value.to_owned(), false, Sightings::default()));
                if person.current && !entry.1 {
                    *entry = (value.to_owned(), true, std::mem::take(&mut entry.2));
                }
                entry.2.merge(seen);
            }
        }
        out
    }
}

/// What stands where a name was, or is none: the ones that Jira puts for deleted accounts, and ids.
fn is_no_name(person: &Person, value: &str) -> bool {
    let value = value.trim();
    matches!(value, "Former user" | "Unknown user" | "Unknown" | "Anonymous")
        || [&person.name, &person.key, &person.email].into_iter().flatten().any(|id| id.eq_ignore_ascii_case(value))
}

fn groups(evidence: &Evidence) -> Vec<Group> {
    let mut distinct: Vec<(Person, Sightings)> = Vec::new();
    for (person, seen) in &evidence.people {
        match distinct.iter_mut().find(|(known, _)| known == person) {
            Some((_, sightings)) => sightings.add(seen),
            None => {
                let mut sightings = Sightings::default();
                sightings.add(seen);
                distinct.push((person.clone(), sightings));
            }
        }
    }
    let mut groups: Vec<Vec<(Person, Sightings)>> = Vec::new();
    for one in distinct {
        let (mut joined, apart): (Vec<_>, Vec<_>) =
            groups.into_iter().partition(|g| g.iter().any(|(p, _)| same_account(p, &one.0)));
        let mut group: Vec<_> = joined.drain(..).flatten().collect();
        group.push(one);
        groups = apart;
        groups.push(group);
    }
    groups
        .into_iter()
        .map(|people| Group { instance: people.iter().find_map(|(p, _)| p.instance.clone()), people, sure: None })
        .collect()
}

/// Says how sure each account is the person's.
fn link(groups: &mut [Group], roots: &Terms, evidence: &Evidence) {
    let asked = |kinds: &'static [K]| move |kind: K, value: &str| kinds.contains(&kind) && roots.has(kind, value);
    let count = |groups: &[Group], kinds: &'static [K]| groups.iter().filter(|g| g.has(asked(kinds))).count();
    let handles = count(groups, &[K::Username, K::UserKey]);
    let names = count(groups, &[K::FullName]);
    for group in groups.iter_mut() {
        group.sure = if group.has(asked(&[K::AccountId, K::Email])) {
            Some((Sure::Certain, "the account carries what was asked for"))
        } else if group.has(asked(&[K::Username, K::UserKey])) {
            Some(match handles {
                1 => (Sure::Certain, "the account carries what was asked for"),
                _ => (Sure::Probable, "several accounts have this user name or key"),
            })
        } else {
            None
        };
    }
    if names == 1 && groups.iter().all(|g| g.sure.is_none()) {
        for group in groups.iter_mut().filter(|g| g.has(asked(&[K::FullName]))) {
            group.sure = Some((Sure::Probable, "the only account of this name"));
        }
    }
    // An address is one person's: accounts that have it, and so on with the addresses that these have.
    for _ in 0..groups.len() {
        let emails: BTreeMap<String, Sure> = groups
            .iter()
            .filter_map(|g| Some((g, g.sure?.0)))
            .flat_map(|(g, sure)| g.values().into_keys().map(move |(kind, form)| (kind, form, sure)))
            .filter(|(kind, ..)| *kind == K::Email)
            .map(|(_, form, sure)| (form, sure))
            .collect();
        let mut changed = false;
        for group in groups.iter_mut().filter(|g| g.sure.is_none()) {
            let linked =
                group.values().into_keys().filter(|(kind, _)| *kind == K::Email).find_map(|(_, f)| emails.get(&f));
            if let Some(sure) = linked {
                group.sure = Some((*sure, "the account has an e-mail address of the person"));
                changed = true;
            }
        }
        for (from, to) in &evidence.mapped {
            let is = |g: &Group, (instance, id): &(InstanceName, String)| {
                g.instance.as_ref() == Some(instance)
                    && g.has(|kind, v| kind != K::FullName && form(kind, v) == form(kind, id))
            };
            for (one, other) in [(from, to), (to, from)] {
                let known = groups.iter().any(|g| g.sure.is_some() && is(g, one));
                for group in groups.iter_mut().filter(|g| known && g.sure.is_none() && is(g, other)) {
                    group.sure = Some((Sure::Probable, "the configuration's user map says so"));
                    changed = true;
                }
            }
        }
        if !changed {
            break;
        }
    }
}

fn put(items: &mut Vec<Item>, new: Item) {
    let same = |i: &&mut Item| i.kind == new.kind && i.instance == new.instance && i.is(new.kind, new.value.reveal());
    match items.iter_mut().find(same) {
        Some(known) => {
            known.seen.merge(&new.seen);
            known.former &= new.former;
            if new.sure > known.sure {
                (known.sure, known.why) = (new.sure, new.why);
            }
        }
        None => items.push(new),
    }
}

/// The proposal that follows from the evidence.
pub(super) fn propose(roots: &Terms, evidence: &Evidence, known: Option<&Subject>) -> Proposal {
    let mut groups = groups(evidence);
    link(&mut groups, roots, evidence);
    let mut items: Vec<Item> = Vec::new();
    let item = |kind: K, value: &str, sure: Sure, why: &'static str| Item {
        kind,
        value: Personal::new(value.to_owned()),
        instance: None,
        sure,
        former: false,
        why,
        seen: Sightings::default(),
        registered: None,
    };
    for group in &groups {
        let Some((sure, why)) = group.sure else { continue };
        let values = group.values();
        let current = |kind: K| values.iter().any(|((k, _), (_, current, _))| *k == kind && *current);
        for ((kind, _), (value, is_current, seen)) in &values {
            put(
                &mut items,
                Item {
                    instance: group.instance.clone().filter(|_| has_instance(*kind)),
                    former: !is_current && current(*kind),
                    seen: seen.clone(),
                    ..item(*kind, value, sure, why)
                },
            );
        }
        for ((_, key), (value, _, seen)) in values.iter().filter(|((kind, _), _)| *kind == K::UserKey) {
            let is_name = values.contains_key(&(K::Username, key.clone()));
            let numbered = value.strip_prefix("JIRAUSER").is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()));
            if !is_name && !numbered {
                put(
                    &mut items,
                    Item {
                        instance: group.instance.clone(),
                        former: true,
                        seen: seen.clone(),
                        ..item(
                            K::Username,
                            value,
                            sure.min(Sure::Probable),
                            "an old key is the first user name of its account",
                        )
                    },
                );
            }
        }
    }
    // What was asked for and stands in texts is the person's as well: somebody asked for it.
    for (term, seen) in &evidence.texts {
        let mut new = match (roots.has(term.kind, &term.value), term.kind) {
            (true, K::FullName) => item(term.kind, &term.value, Sure::Probable, "was asked for"),
            (true, _) => item(term.kind, &term.value, Sure::Certain, "was asked for"),
            // Found elsewhere: where it is proposed, it was seen here too.
            (false, _) => {
                let known = items.iter_mut().find(|i| i.instance.is_none() && i.is(term.kind, &term.value));
                known.into_iter().for_each(|i| i.seen.add(seen));
                continue;
            }
        };
        new.seen.add(seen);
        put(&mut items, new);
    }
    for (_, other, seen) in &evidence.beside {
        let why = if other.kind == K::Email {
            "stands behind the name in a text; it may be a namesake's"
        } else {
            "stands beside the address in a text"
        };
        let mut new = item(other.kind, &other.value, Sure::Possible, why);
        new.seen.add(seen);
        put(&mut items, new);
    }

    let names: BTreeSet<String> = items
        .iter()
        .filter(|i| i.kind == K::FullName)
        .map(|i| form(K::FullName, i.value.reveal()))
        .chain(roots.of(K::FullName).map(Term::form))
        .collect();
    let mut accounts: Vec<Account> = groups
        .iter()
        .filter(|g| g.sure.is_none() && g.has(|kind, v| kind == K::FullName && names.contains(&form(kind, v))))
        .map(|g| account(g, &groups))
        .collect();

    let mut excluded = 0;
    if let Some(known) = known {
        let before = items.len() + accounts.len();
        items.retain(|i| !known.is_excluded(&i.identifier(false)));
        accounts.retain(|a| !a.identifiers(false).any(|i| has_instance(i.kind) && known.is_excluded(&i)));
        excluded = before - items.len() - accounts.len();
        for item in &mut items {
            let identifier = item.identifier(false);
            item.registered = known.identifiers.iter().find(|i| i.says_the_same(&identifier)).map(|i| i.confirmed);
        }
    }
    // What only stands beside the name, and is the address of another account of that name, is shown there.
    let others = |i: &Item| accounts.iter().any(|a| a.value(i.kind).is_some_and(|v| i.is(i.kind, v)));
    items.retain(|i| i.sure > Sure::Possible || i.kind == K::FullName || !others(i));
    let order = |i: &Item| (std::cmp::Reverse(i.sure), i.kind, i.instance.clone(), i.value.reveal().clone());
    items.sort_by_key(order);
    let order = |a: &Account| (a.instance.clone(), a.values.clone());
    accounts.sort_by_key(order);
    let linked = |(instance, id): &(InstanceName, String)| {
        groups.iter().any(|g| {
            g.sure.is_some() && g.instance.as_ref() == Some(instance) && g.has(|k, v| form(k, v) == form(k, id))
        })
    };
    let mapped = evidence
        .mapped
        .iter()
        .flat_map(|(from, to)| [(from, to), (to, from)])
        .filter(|(one, _)| linked(one))
        .flat_map(|(_, other)| super::terms_of(&other.1))
        .filter(|t| t.kind != K::FullName)
        .collect();
    Proposal { items, accounts, excluded, mapped }
}

fn account(group: &Group, all: &[Group]) -> Account {
    let mut seen = Sightings::default();
    group.people.iter().for_each(|(_, s)| seen.merge(s));
    let values = group.values();
    let email = values.keys().any(|(kind, _)| *kind == K::Email);
    let beside = all.iter().any(|g| g.sure.is_some() && g.instance == group.instance && g.instance.is_some());
    let newest = group.people.iter().find(|(p, _)| p.current).or_else(|| group.people.last());
    Account {
        instance: group.instance.clone(),
        values: values.iter().map(|((kind, _), (value, ..))| (*kind, Personal::new(value.clone()))).collect(),
        active: newest.and_then(|(p, _)| p.active),
        deleted: group.people.iter().any(|(p, _)| p.deleted),
        apart: match (beside, email) {
            (true, _) => "another account of an instance where the person has one",
            (false, true) => "another e-mail address",
            (false, false) => "no e-mail address is shown: it may be the person's",
        },
        seen,
    }
}

#[cfg(test)]
#[path = "identity_tests.rs"]
mod tests;

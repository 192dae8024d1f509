//! Drift: what the configuration has today and a case did not cover, so that nobody has looked for the person there.
//!
//! Owns what counts as a thing to cover and the comparison, which is pure. Custom fields are known by number: Jira counts
//! them up, so one number an instance says which are new. Says nothing of persons: things are configuration.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    config::Config,
    jira::Client,
    model::{Area, CaseId, CaseScope, InstanceName, Place, Thing, ThingKind},
    scan::run::{Target, targets},
};

/// Whether a replay looks there, by the hashes of the list.
#[must_use]
pub const fn is_replayed(kind: ThingKind) -> bool {
    !matches!(kind, ThingKind::Foreign | ThingKind::Log)
}

/// What to do about a thing that no case covered.
#[must_use]
pub const fn advice(kind: ThingKind) -> &'static str {
    if is_replayed(kind) {
        "efface case replay looks there by the list's hashes; where more than hashes is needed, open a follow-up case"
    } else {
        "the list's hashes are not looked for there: open a follow-up case"
    }
}

/// A thing outside what some cases covered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drifted {
    /// The thing.
    pub thing: Thing,
    /// The cases, one for each person.
    pub cases: Vec<CaseId>,
}

/// The things of a configuration, without the custom fields, which only a server knows, and without what `unread` names.
#[must_use]
pub fn things(config: &Config, unread: &BTreeSet<Place>) -> BTreeSet<Thing> {
    let mut out = BTreeSet::new();
    for target in targets(config).into_iter().filter(|t| !unread.contains(&t.place())) {
        let spot = target.place().spot().to_owned();
        match &target {
            Target::Staging(sync, _) => drop(out.insert(Thing::new(ThingKind::Sync, sync.as_str()))),
            Target::Remote(remote) => {
                out.insert(Thing::new(ThingKind::Instance, remote.instance.as_str()));
                out.insert(Thing::new(ThingKind::Project, spot));
            }
            Target::Folder(place, _) if place.area() == Area::Foreign => {
                out.insert(Thing::new(ThingKind::Foreign, spot));
            }
            Target::Folder(place, _) if place.area() == Area::Log => drop(out.insert(Thing::new(ThingKind::Log, spot))),
            Target::Instance(_) | Target::Folder(..) | Target::File(..) => {}
        }
    }
    out
}

/// The custom fields of every instance; what an instance did not say is in the second part, with why.
pub async fn custom_fields(
    config: &Config,
    clients: &BTreeMap<InstanceName, Result<Client, String>>,
) -> (BTreeSet<Thing>, Vec<String>) {
    let (mut out, mut unread) = (BTreeSet::new(), Vec::new());
    let used: BTreeSet<&InstanceName> =
        config.syncs.values().flat_map(|s| [&s.source.instance, &s.target.instance]).collect();
    for name in used {
        let fields = match clients.get(name) {
            Some(Ok(client)) => client.fields().await.map_err(|e| crate::scan::collect::reason(&e)),
            Some(Err(why)) => Err(why.clone()),
            None => Err("no client for this instance".to_owned()),
        };
        match fields {
            Ok(fields) => out.extend(fields.iter().filter_map(|f| {
                let id = f.get("id")?.as_str()?;
                let number = id.strip_prefix("customfield_")?.parse().ok()?;
                Some(Thing { kind: ThingKind::CustomField, name: format!("{name}/{id}"), number: Some(number) })
            })),
            Err(why) => unread.push(format!("{name}: its custom fields are not known: {why}")),
        }
    }
    (out, unread)
}

/// The instance of a custom field's name.
fn instance_of(name: &str) -> &str {
    name.split('/').next().unwrap_or(name)
}

/// Things as a case remembers them: custom fields as the highest number of each instance.
#[must_use]
pub fn remembered(things: &BTreeSet<Thing>) -> Vec<Thing> {
    let mut highest = BTreeMap::new();
    let mut out = Vec::new();
    for thing in things {
        match thing.number {
            Some(number) => {
                let most = highest.entry(instance_of(&thing.name).to_owned()).or_insert(number);
                *most = number.max(*most);
            }
            None => out.push(thing.clone()),
        }
    }
    out.extend(highest.into_iter().map(|(name, n)| Thing { kind: ThingKind::CustomField, name, number: Some(n) }));
    out
}

/// What is there now and lies outside what `scopes` covered.
#[must_use]
pub fn drift(scopes: &[CaseScope], now: &BTreeSet<Thing>) -> Vec<Drifted> {
    let mut persons: BTreeMap<&str, (Vec<&Thing>, &CaseId)> = BTreeMap::new();
    for scope in scopes {
        let (covered, case) = persons.entry(&scope.subject).or_insert((Vec::new(), &scope.case));
        covered.extend(&scope.things);
        // The newest case of a person stands for all of them; ids sort by time.
        if scope.case > **case {
            *case = &scope.case;
        }
    }
    let covers = |covered: &[&Thing], thing: &Thing| match thing.number {
        None => covered.contains(&thing),
        // Where the case did not get to know the fields, nothing can be said of new ones.
        Some(number) => {
            let known: Vec<u64> = covered
                .iter()
                .filter(|t| t.kind == ThingKind::CustomField && t.name == instance_of(&thing.name))
                .filter_map(|t| t.number)
                .collect();
            known.is_empty() || known.iter().any(|n| *n >= number)
        }
    };
    now.iter()
        .filter_map(|thing| {
            let cases: Vec<CaseId> = persons
                .values()
                .filter(|(covered, _)| !covers(covered, thing))
                .map(|(_, case)| (*case).clone())
                .collect();
            (!cases.is_empty()).then(|| Drifted { thing: thing.clone(), cases })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(instance: &str, number: u64) -> Thing {
        let name = format!("{instance}/customfield_{number}");
        Thing { kind: ThingKind::CustomField, name, number: Some(number) }
    }

    fn scope(case: &str, subject: &str, things: &BTreeSet<Thing>) -> CaseScope {
        let case = format!("C-01ARZ3NDEKTSV4RRFFQ69G5F{case}").parse().unwrap();
        CaseScope { case, subject: subject.into(), things: remembered(things) }
    }

    #[test]
    fn what_no_case_of_a_person_covered_is_named() {
        let old: BTreeSet<Thing> =
            [Thing::new(ThingKind::Sync, "a"), Thing::new(ThingKind::Instance, "hq"), field("hq", 10), field("hq", 12)]
                .into();
        let names = |scopes: &[CaseScope], now: &BTreeSet<Thing>| -> Vec<(String, usize)> {
            drift(scopes, now).into_iter().map(|d| (d.thing.name, d.cases.len())).collect()
        };
        let zoe = scope("AA", "p-1", &old);
        assert_eq!(zoe.things.len(), 3, "one number stands for the fields of an instance");
        assert_eq!(names(std::slice::from_ref(&zoe), &old), []);
        let mut now = old.clone();
        now.extend([Thing::new(ThingKind::Sync, "b"), field("hq", 11), field("hq", 13), field("other", 5)]);
        let new = [("b".to_owned(), 1), ("hq/customfield_13".to_owned(), 1)];
        assert_eq!(names(std::slice::from_ref(&zoe), &now), new);
        // A follow-up case of the same person covers it, another person's does not.
        let follow = scope("AB", "p-1", &now);
        let ada = scope("AC", "p-2", &old);
        assert_eq!(names(&[zoe.clone(), follow.clone()], &now), []);
        assert_eq!(names(&[zoe, follow, ada.clone()], &now), new);
        assert_eq!(drift(std::slice::from_ref(&ada), &now)[0].cases, [ada.case]);
        // What is gone from the configuration is no drift.
        assert_eq!(names(&[scope("AD", "p-3", &now)], &old), []);
        assert_eq!(names(&[], &now), []);
    }
}

//! Runs a bound query: which issues pass, in which order.

use std::{cmp::Ordering, collections::BTreeSet, sync::Arc};

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};

use super::{
    bind::{Atom, Field, Phrase, Test, bind, order_field, words},
    parse::{Op, parse},
};
use crate::sandbox::{
    custom, fields,
    http::Failure,
    rich,
    state::{Custom, Issue, World, catalog},
};

/// What issues are ordered by; also the cursor inside Cloud's page token. Empty values come last.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(in crate::sandbox) enum SortKey {
    Number(i64),
    Text(String),
    Pair(i64, i64),
    Empty,
}

/// A query, ready to run.
#[derive(Debug, Clone)]
pub(in crate::sandbox) struct Query {
    test: Option<Test>,
    order: Vec<(Field, bool)>,
}

impl Query {
    /// Parses and binds a query.
    ///
    /// # Errors
    /// Jira's 400.
    pub(in crate::sandbox) fn new(world: &World, jql: &str) -> Result<Self, Failure> {
        let (tree, order) = parse(jql)?;
        let test = tree.as_ref().map(|t| bind(world, t)).transpose()?;
        let order = order.iter().map(|(name, desc)| Ok((order_field(name)?, *desc))).collect::<Result<_, Failure>>()?;
        Ok(Self { test, order })
    }

    /// Whether it restricts nothing; Cloud refuses such a search.
    pub(in crate::sandbox) const fn is_unbounded(&self) -> bool {
        self.test.is_none()
    }

    /// The ids of the visible issues that pass, in order.
    pub(in crate::sandbox) fn run(&self, world: &World) -> Arc<[u64]> {
        // An index that lags knows another thing each second.
        let keep = world.unkind.stale.is_empty();
        let name = format!("{}/{}/{self:?}", world.ctx.actor, world.ctx.version);
        if let Some(ids) = world.found.get(world.revision, &name).filter(|_| keep) {
            return ids;
        }
        let candidates: Vec<&Issue> = match self.test.as_ref().and_then(named) {
            Some(ids) => ids.iter().filter_map(|id| world.issues.get(id)).collect(),
            None => world.issues.values().collect(),
        };
        let mut found: Vec<(Vec<SortKey>, &Issue)> = candidates
            .into_iter()
            // The index holds no archived issues.
            .filter(|i| world.sees(i) && !world.unkind.archived.contains(&i.id))
            .filter(|i| self.test.as_ref().is_none_or(|t| passes(world, i, t)))
            .map(|i| (self.keys(world, i), i))
            .collect();
        found.sort_by(|a, b| self.compare(&a.0, &b.0));
        let ids: Arc<[u64]> = found.into_iter().map(|(_, i)| i.id).collect();
        if keep {
            world.found.put(world.revision, name, &ids);
        }
        ids
    }

    /// Where in the ids that [`Query::run`] gave the issues begin that come behind one with these keys.
    pub(in crate::sandbox) fn behind(&self, world: &World, ids: &[u64], after: &[SortKey]) -> usize {
        ids.partition_point(|id| {
            let keys = world.issues.get(id).map(|i| self.keys(world, i));
            keys.is_some_and(|keys| self.compare(&keys, after) != Ordering::Greater)
        })
    }

    /// The keys that an issue is ordered by; the id at the end makes the order total.
    pub(in crate::sandbox) fn keys(&self, world: &World, issue: &Issue) -> Vec<SortKey> {
        let mut out: Vec<SortKey> = self.order.iter().map(|(f, _)| sort_key(world, issue, *f)).collect();
        out.push(SortKey::Number(issue.id as i64));
        out
    }

    /// Compares two issues by their keys.
    pub(in crate::sandbox) fn compare(&self, a: &[SortKey], b: &[SortKey]) -> Ordering {
        for (n, (x, y)) in a.iter().zip(b).enumerate() {
            // Without an order Jira shows the newest first; behind an order the id only breaks ties.
            let descending = self.order.get(n).is_none_or(|(_, d)| *d);
            let order = if descending { y.cmp(x) } else { x.cmp(y) };
            if order != Ordering::Equal {
                return order;
            }
        }
        Ordering::Equal
    }
}

/// The issues that a test names one by one, each once; no others can pass.
fn named(test: &Test) -> Option<BTreeSet<u64>> {
    match test {
        Test::OneOf { field: Field::Key, values, empty: false } => {
            let id = |a: &Atom| if let Atom::Id(id) = a { Some(*id) } else { None };
            values.iter().map(id).collect()
        }
        Test::All(all) => all.iter().find_map(named),
        _ => None,
    }
}

fn sort_key(world: &World, i: &Issue, field: Field) -> SortKey {
    let instant = |t: Option<DateTime<Utc>>| t.map_or(SortKey::Empty, |t| SortKey::Number(t.timestamp_millis()));
    match field {
        Field::Key => SortKey::Pair(i.project as i64, i.number as i64),
        Field::Created => instant(Some(i.created)),
        Field::Updated => instant(Some(world.indexed_updated(i))),
        Field::Resolved => instant(i.resolved),
        Field::Due => i.due.clone().map_or(SortKey::Empty, SortKey::Text),
        // Highest has the lowest id but the highest rank.
        Field::Priority => SortKey::Number(-(i.priority as i64)),
        Field::Summary => SortKey::Text(i.summary.to_lowercase()),
        Field::Status => SortKey::Text(catalog::status(i.status).name.to_owned()),
        Field::Type => SortKey::Text(catalog::issue_type(i.issue_type).name.to_owned()),
        f if f.is_user() => atoms(world, i, f).first().map_or(SortKey::Empty, |a| match a {
            Atom::Id(u) => SortKey::Text(world.user(*u as usize).display_name.to_lowercase()),
            Atom::Text(t) => SortKey::Text(t.clone()),
        }),
        f => atoms(world, i, f).first().map_or(SortKey::Empty, |a| match a {
            Atom::Id(n) => SortKey::Number(*n as i64),
            Atom::Text(t) => SortKey::Text(t.to_lowercase()),
        }),
    }
}

fn passes(world: &World, i: &Issue, test: &Test) -> bool {
    match test {
        Test::All(all) => all.iter().all(|t| passes(world, i, t)),
        Test::Any(any) => any.iter().any(|t| passes(world, i, t)),
        Test::Not(inner) => !passes(world, i, inner),
        Test::OneOf { field: Field::Project, values, .. } => values.contains(&Atom::Id(i.project as u64)),
        Test::OneOf { field, values, empty } => {
            let have = atoms(world, i, *field);
            if have.is_empty() { *empty } else { have.iter().any(|a| values.contains(a)) }
        }
        Test::NoneOf { field, values } => {
            let have = atoms(world, i, *field);
            !have.is_empty() && !have.iter().any(|a| values.contains(a))
        }
        Test::Words { field, phrase, negated } => {
            // A restricted comment is found by nobody who may not read it.
            let texts = texts(&world.view(i), *field);
            let hit = texts.iter().any(|t| finds(t, phrase));
            if *negated { !hit && texts.iter().any(|t| !t.is_empty()) } else { hit }
        }
        Test::TextEmpty { field } => texts(i, *field).iter().all(String::is_empty),
        Test::Date { field, op, at } => date_of(world, i, *field).is_some_and(|t| compare_dates(t, *op, *at)),
        Test::KeyRange { project, number, op } => {
            i.project == *project
                && match op {
                    Op::Lt => i.number < *number,
                    Op::Le => i.number <= *number,
                    Op::Gt => i.number > *number,
                    _ => i.number >= *number,
                }
        }
    }
}

fn compare_dates(t: DateTime<Utc>, op: Op, at: DateTime<Utc>) -> bool {
    match op {
        Op::Lt => t < at,
        Op::Le => t <= at,
        Op::Gt => t > at,
        Op::Ge => t >= at,
        // Equality is of minutes, since that is all a date literal has.
        _ => t >= at && t < at + Duration::minutes(1),
    }
}

fn date_of(world: &World, i: &Issue, field: Field) -> Option<DateTime<Utc>> {
    match field {
        Field::Created => Some(i.created),
        Field::Updated => Some(world.indexed_updated(i)),
        Field::Resolved => i.resolved,
        Field::Due => {
            let zone: chrono_tz::Tz = world.user(world.ctx.actor).time_zone.parse().unwrap_or(chrono_tz::Tz::UTC);
            let day: chrono::NaiveDate = i.due.as_deref()?.parse().ok()?;
            day.and_hms_opt(0, 0, 0)?.and_local_timezone(zone).earliest().map(|t| t.with_timezone(&Utc))
        }
        _ => None,
    }
}

fn texts(i: &Issue, field: Field) -> Vec<String> {
    let comments = || i.comments.iter().map(|c| rich::text(&c.body));
    match field {
        Field::Summary => vec![i.summary.clone()],
        Field::Description => vec![rich::text(&i.description)],
        Field::Environment => vec![rich::text(&i.environment)],
        Field::Comment => comments().collect(),
        Field::Contact => vec![contact(i).unwrap_or_default()],
        _ => {
            [i.summary.clone(), rich::text(&i.description), rich::text(&i.environment), contact(i).unwrap_or_default()]
                .into_iter()
                .chain(comments())
                .chain(i.custom.values().filter_map(|c| match c {
                    Custom::Other(kept) => Some(custom::text(kept)),
                    _ => None,
                }))
                .collect()
        }
    }
}

fn contact(i: &Issue) -> Option<String> {
    match i.custom.get(fields::CUSTOM_TEXT) {
        Some(Custom::Text(t)) => Some(t.clone()),
        _ => None,
    }
}

fn finds(text: &str, phrase: &Phrase) -> bool {
    let have: Vec<String> = words(text).collect();
    let same = |have: &str, want: &str| match want.strip_suffix('*') {
        Some(prefix) => have.starts_with(prefix),
        None => have == want,
    };
    if phrase.exact {
        have.windows(phrase.words.len()).any(|w| w.iter().zip(&phrase.words).all(|(h, p)| same(h, p)))
    } else {
        phrase.words.iter().all(|p| have.iter().any(|h| same(h, p)))
    }
}

/// The values of a field.
fn atoms(world: &World, i: &Issue, field: Field) -> Vec<Atom> {
    let users = |list: &[usize]| list.iter().map(|&u| Atom::Id(u as u64)).collect();
    let ids = |list: &[u64]| list.iter().map(|&n| Atom::Id(n)).collect();
    match field {
        Field::Project => vec![Atom::Id(i.project as u64)],
        Field::Key => vec![Atom::Id(i.id)],
        Field::Status => vec![Atom::Id(i.status)],
        Field::StatusCategory => vec![Atom::Id(catalog::status(i.status).category.0)],
        Field::Type => vec![Atom::Id(i.issue_type)],
        Field::Priority => vec![Atom::Id(i.priority)],
        Field::Resolution => i.resolution.map(Atom::Id).into_iter().collect(),
        Field::Labels => i.labels.iter().cloned().map(Atom::Text).collect(),
        Field::Assignee => users(i.assignee.as_slice()),
        Field::Reporter => users(i.reporter.as_slice()),
        Field::Creator => users(&[i.creator]),
        Field::Watcher => users(&i.watchers),
        Field::Voter => users(&i.voters),
        Field::WorklogAuthor => i.worklogs.iter().map(|w| Atom::Id(w.author as u64)).collect(),
        Field::Approver => match i.custom.get(fields::CUSTOM_USER) {
            Some(Custom::User(u)) => users(&[*u]),
            _ => Vec::new(),
        },
        Field::Participants => match i.custom.get(fields::CUSTOM_USERS) {
            Some(Custom::Users(list)) => users(list),
            _ => Vec::new(),
        },
        Field::Component => ids(&i.components),
        Field::Version => ids(&i.versions),
        Field::FixVersion => ids(&i.fix_versions),
        Field::Parent => i.parent.map(Atom::Id).into_iter().collect(),
        Field::Created | Field::Updated | Field::Resolved | Field::Due => {
            date_of(world, i, field).map(|t| Atom::Text(t.to_rfc3339())).into_iter().collect()
        }
        _ => texts(i, field).into_iter().filter(|t| !t.is_empty()).map(Atom::Text).collect(),
    }
}

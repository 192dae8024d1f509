//! Holds: what must be kept, and the question that everything asks which would change, erase or carry over a record.
//!
//! Owns the matching of a hold's query. Lies beside `suppression`, below sync and erasure, and knows neither. Whoever asks
//! cannot tell whether a hold is right, only whether it is there.

use crate::{
    config::NameMode,
    keys::Keys,
    model::{Hold, HoldType, InstanceName, Place, ProjectKey, RecordRef, Subject},
    policy::Glob,
    store::{HoldRow, Store, StoreError, SuppressionRow},
    suppression::{FileVerdict, Guard, Suppression},
};

/// The part of a record that somebody is about to touch.
#[derive(Debug, Clone, Copy)]
pub struct Spot<'a> {
    /// Where.
    pub place: &'a Place,
    /// The project, for remote places.
    pub project: Option<&'a ProjectKey>,
    /// Which record.
    pub record: &'a RecordRef,
    /// The fields that would change; of a record that goes as a whole, none is asked for.
    pub fields: &'a [&'a str],
    /// The record goes as a whole: then a hold on any part of it covers it.
    pub whole: bool,
}

struct Compiled {
    row: HoldRow,
    place: Vec<Glob>,
    issue: Vec<Glob>,
    field: Vec<Glob>,
    path: Vec<Glob>,
}

/// The holds in force.
pub struct Holds {
    store: Store,
    version: (i64, i64),
    active: Vec<Compiled>,
}

impl std::fmt::Debug for Holds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Holds").field("active", &self.active.len()).finish_non_exhaustive()
    }
}

fn globs(texts: &[String]) -> Vec<Glob> {
    // They were checked when the hold was added; one that cannot be read covers everything rather than nothing.
    texts.iter().map(|t| t.parse().unwrap_or_else(|_| everything())).collect()
}

#[expect(clippy::expect_used, reason = "a constant that a test parses")]
fn everything() -> Glob {
    "**".parse().expect("`**` is a glob")
}

/// Whether a list of globs has one that matches; an empty list is no condition.
fn any(globs: &[Glob], text: &str) -> bool {
    globs.is_empty() || globs.iter().any(|g| g.matches(text))
}

impl Compiled {
    fn new(row: HoldRow) -> Self {
        let q = &row.hold.query;
        Self { place: globs(&q.place), issue: globs(&q.issue), field: globs(&q.field), path: globs(&q.path), row }
    }

    /// Whether it covers a record there, whoever it names. `paired` gives the keys of an issue's copies; where
    /// that cannot be told, it may be a copy.
    fn covers(&self, spot: &Spot<'_>, paired: &dyn Fn(&str) -> Option<Vec<String>>) -> bool {
        let q = &self.row.hold.query;
        let project = || {
            let of_key = spot.record.key.as_deref().and_then(|k| k.rsplit_once('-')).map(|(p, _)| p);
            let is = |p: &ProjectKey| Some(p) == spot.project || Some(p.as_str()) == of_key;
            q.project.is_empty() || q.project.iter().any(is)
        };
        let issue = || {
            self.issue.is_empty()
                || spot.record.key.as_deref().is_some_and(|key| {
                    any(&self.issue, key)
                        || paired(key).is_none_or(|copies| copies.iter().any(|copy| any(&self.issue, copy)))
                })
        };
        let field = || self.field.is_empty() || spot.whole || spot.fields.iter().any(|f| any(&self.field, f));
        (q.area.is_empty() || q.area.contains(&spot.place.area()))
            && any(&self.place, &spot.place.to_string())
            && project()
            && issue()
            && self.covers_type(spot)
            && field()
            && self.covers_path(spot)
    }

    /// An issue that goes as a whole takes its comments and attachments along; a message holds them all.
    fn covers_type(&self, spot: &Spot<'_>) -> bool {
        use crate::model::RecordType as R;
        let wanted = &self.row.hold.query.record;
        let is = spot.record.record_type;
        wanted.is_empty()
            || wanted.contains(&is)
            || (is == R::Message || is == R::Issue && spot.whole)
                && wanted.iter().any(|w| matches!(w, R::Issue | R::Comment | R::Attachment | R::Worklog))
    }

    fn covers_path(&self, spot: &Spot<'_>) -> bool {
        if self.path.is_empty() {
            return true;
        }
        let Some(path) = spot.record.path.as_deref() else { return false };
        // What is done to a member is done to its archive.
        let outer = path.split('!').next().unwrap_or(path);
        self.path.iter().any(|g| {
            g.matches(path)
                || g.matches(outer)
                || g.to_string().split_once('!').is_some_and(|(front, _)| any(&globs(&[front.to_owned()]), outer))
        })
    }
}

impl Holds {
    /// Loads the holds that are in force.
    ///
    /// # Errors
    /// When the store does not open one: nothing may then be changed.
    pub fn load(store: &Store) -> Result<Self, StoreError> {
        let version = store.holds_version()?;
        let active = store.holds()?.into_iter().filter(|r| r.hold.is_active()).map(Compiled::new).collect();
        Ok(Self { store: store.clone(), version, active })
    }

    /// Loads them again where they changed since.
    ///
    /// # Errors
    /// As [`Holds::load`].
    pub fn refresh(&mut self) -> Result<(), StoreError> {
        if self.store.holds_version()? != self.version {
            *self = Self::load(&self.store)?;
        }
        Ok(())
    }

    /// Which holds these are: see [`Store::holds_version`].
    #[must_use]
    pub const fn version(&self) -> (i64, i64) {
        self.version
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.active.is_empty()
    }

    /// The holds in force.
    pub fn iter(&self) -> impl Iterator<Item = &Hold> {
        self.active.iter().map(|c| &c.row.hold)
    }

    /// Whether a hold is about a subject: named so, or by one of the identifiers that are nobody else's, or by the whole name.
    fn is_about(&self, compiled: &Compiled, subject: &Subject, keys: &Keys) -> bool {
        if compiled.row.entries.is_empty() || compiled.row.hold.subject.as_deref() == Some(&subject.pseudonym) {
            return true;
        }
        let like = SuppressionRow { ..compiled.row.entries[0].clone() };
        let own = Suppression::entries(keys, subject, &like);
        own.iter().any(|o| compiled.row.entries.iter().any(|e| e.hash == o.hash))
    }

    /// The first hold that covers what a case about `subject` would do to a record.
    pub fn covering(&self, subject: &Subject, spot: &Spot<'_>) -> Option<&Hold> {
        if self.active.is_empty() {
            return None;
        }
        let paired = |key: &str| self.store.paired_keys(key).ok();
        let about = |c: &&Compiled| self.is_about(c, subject, self.store.keys());
        self.active.iter().filter(|c| c.covers(spot, &paired)).find(about).map(|c| &c.row.hold)
    }

    /// The holds about a subject by name: they keep a case open, whatever they cover.
    pub fn naming(&self, subject: &Subject) -> impl Iterator<Item = &Hold> {
        let named = |c: &&Compiled| !c.row.entries.is_empty() && self.is_about(c, subject, self.store.keys());
        self.active.iter().filter(named).map(|c| &c.row.hold)
    }

    /// The first hold that covers a record of which it is not known whom it names: for what changes records without a
    /// case, such as the sync. A hold that is about one person is asked by `names`, which is given the person's guard.
    pub fn keeps(
        &self,
        wanted: Option<HoldType>,
        instance: &InstanceName,
        spot: &Spot<'_>,
        names: &dyn Fn(&Guard) -> bool,
    ) -> Option<&Hold> {
        let paired = |key: &str| self.store.paired_keys(key).ok();
        let found = |c: &&Compiled| {
            wanted.is_none_or(|t| c.row.hold.hold_type == t)
                && c.covers(spot, &paired)
                && (c.row.entries.is_empty() || names(&Guard::of(self.store.keys(), c.row.entries.clone(), instance)))
        };
        self.active.iter().find(found).map(|c| &c.row.hold)
    }
}

/// Whether a JSON value names the person of a guard; a bare name counts, since what is restricted by mistake is only late.
#[must_use]
pub fn names_json(guard: &Guard, value: &serde_json::Value) -> bool {
    !guard.check_json(value, NameMode::Park).is_clean()
}

/// Whether a file names the person of a guard.
#[must_use]
pub fn names_file(guard: &Guard, name: &str, bytes: &[u8]) -> bool {
    matches!(guard.check_file(name, bytes), FileVerdict::Name | FileVerdict::Certain)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use serde_json::json;

    use super::*;
    use crate::{
        model::{Area, HoldQuery, Identifier, IdentifierKind, Personal, RecordType, Release},
        store::Act,
    };

    const ACT: Act<'_> = Act { actor: "dpo", at: DateTime::UNIX_EPOCH };

    fn subject(handle: &str, email: &str) -> Subject {
        let email = Identifier {
            kind: IdentifierKind::Email,
            value: Personal::new(email.to_owned()),
            instance: None,
            confirmed: true,
        };
        Subject::new(Personal::new(handle.parse().unwrap()), format!("p-{handle}"), vec![email])
    }

    fn hold(n: u8, query: HoldQuery) -> Hold {
        Hold {
            id: format!("H-01ARZ3NDEKTSV4RRFFQ69G5F{n:02}").parse().unwrap(),
            hold_type: HoldType::Preservation,
            query,
            case: None,
            subject: None,
            basis: "claim 7 of zoe.quandt@corp.example".into(),
            added_by: "dpo".into(),
            added_at: "2026-11-27T00:00:00Z".into(),
            review: None,
            released: None,
        }
    }

    #[test]
    fn a_query_covers_what_it_says_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let zoe = subject("zoe", "zoe.quandt@corp.example");
        let issue = |t, key: &str| RecordRef::of_issue(t, "1", key);
        let q = HoldQuery::default;
        let texts = |t: &str| vec![t.to_owned()];
        let (comment, own, message) = (RecordType::Comment, RecordType::Issue, RecordType::Message);
        let (log, area) = (RecordRef::file("a"), |area| HoldQuery { area: vec![area], ..q() });
        let of_issue = |key: &str| HoldQuery { issue: texts(key), ..q() };
        let description = || HoldQuery { field: texts("description"), ..q() };
        let comments = || HoldQuery { record: vec![comment], ..q() };
        let path = |glob: &str| HoldQuery { path: texts(glob), ..q() };
        let part = || HoldQuery { project: vec!["PART".parse().unwrap()], ..q() };
        let partner = || HoldQuery { place: texts("target:partner/**"), ..q() };
        let (hq, target, member) = ("source:hq/HQ", "target:partner/PART", RecordRef::file("a/b.zip!c"));
        // Query, place, record, fields, as a whole, covered.
        type Row<'a> = (HoldQuery, &'a str, RecordRef, &'a [&'a str], bool, bool);
        let rows: Vec<Row<'_>> = vec![
            (q(), "log:log", log.clone(), &[""], false, true),
            (area(Area::Log), "foreign:x", log, &[""], false, false),
            (partner(), target, issue(comment, "PART-1"), &["body"], false, true),
            (of_issue("PART-1"), target, issue(comment, "PART-1"), &["body"], false, true),
            (of_issue("PART-1"), target, issue(comment, "PART-11"), &["body"], false, false),
            (part(), "staging:s/new", issue(message, "PART-3"), &[""], false, true),
            (description(), hq, issue(own, "HQ-1"), &["summary"], false, false),
            (description(), hq, issue(own, "HQ-1"), &["summary", "description"], false, true),
            // Who deletes the record deletes the field that is held.
            (description(), hq, issue(own, "HQ-1"), &["summary"], true, true),
            (comments(), hq, issue(own, "HQ-1"), &["summary"], false, false),
            // An issue takes its comments along, and so does a staged message.
            (comments(), hq, issue(own, "HQ-1"), &[], true, true),
            (comments(), "staging:s/new", issue(message, "HQ-1"), &[""], false, true),
            (path("a/*.zip"), "foreign:x", member.clone(), &[""], true, true),
            (path("a/b.zip!other"), "foreign:x", member, &[""], true, true),
            (path("a/*"), "foreign:x", RecordRef::file("b/c"), &[""], false, false),
            (path("a/*"), hq, issue(own, "HQ-1"), &["summary"], false, false),
        ];
        for (n, (query, place, record, fields, whole, want)) in rows.into_iter().enumerate() {
            let id = hold(u8::try_from(n).unwrap(), query.clone());
            store.add_hold(&ACT, &id, &[]).unwrap();
            let holds = Holds::load(&store).unwrap();
            let place: Place = place.parse().unwrap();
            let spot = Spot { place: &place, project: None, record: &record, fields, whole };
            assert_eq!(holds.covering(&zoe, &spot).is_some(), want, "{query:?} {record:?}");
            let release = Release {
                by: "legal".into(),
                at: "2026-11-28T00:00:00Z".into(),
                reason: "over".into(),
                informed: None,
            };
            assert!(store.release_hold(&ACT, &id.id, &release).unwrap());
            assert!(!store.release_hold(&ACT, &id.id, &release).unwrap(), "only once");
            let mut holds = holds;
            holds.refresh().unwrap();
            assert!(holds.covering(&zoe, &spot).is_none(), "released");
        }
        // What a hold is about is sealed.
        let db = std::fs::read(dir.path().join(Store::FILE)).unwrap();
        assert!(memchr::memmem::find(&db, b"zoe.quandt").is_none());
        assert_eq!(store.holds().unwrap()[0].hold.basis, "claim 7 of zoe.quandt@corp.example");
        assert_eq!(everything().to_string(), "**");
    }

    #[test]
    fn a_copy_is_covered_and_so_is_what_may_be_one() {
        let query = HoldQuery { issue: vec!["HQ-1".into()], ..HoldQuery::default() };
        let compiled = Compiled::new(HoldRow { hold: hold(1, query), entries: Vec::new() });
        let (place, record) =
            ("target:partner/PART".parse().unwrap(), RecordRef::of_issue(RecordType::Issue, "1", "PART-7"));
        let spot = Spot { place: &place, project: None, record: &record, fields: &["summary"], whole: false };
        for (paired, covered) in [(Some(vec!["HQ-1"]), true), (Some(vec!["HQ-2"]), false), (None, true)] {
            let paired = |_: &str| paired.as_ref().map(|keys| keys.iter().map(|k| (*k).to_owned()).collect());
            assert_eq!(compiled.covers(&spot, &paired), covered);
        }
    }

    #[test]
    fn what_the_sync_passed_over_is_seen_when_a_hold_ends() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let sync = "a-b".parse().unwrap();
        let kept = hold(1, HoldQuery::default());
        store.add_hold(&ACT, &kept, &[]).unwrap();
        let during = Holds::load(&store).unwrap().version();
        store.sync_set_cursor(&sync, "2026-11-27T00:00:00Z", during).unwrap();
        assert!(store.sync_cursor(&sync).unwrap().is_some());
        let release =
            Release { by: "legal".into(), at: "2026-11-28T00:00:00Z".into(), reason: "x".into(), informed: None };
        store.release_hold(&ACT, &kept.id, &release).unwrap();
        assert!(store.sync_cursor(&sync).unwrap().is_none(), "the next run compares every issue");
        // A run that began before the release ends behind it.
        store.sync_set_cursor(&sync, "2026-11-27T00:00:00Z", during).unwrap();
        assert!(store.sync_cursor(&sync).unwrap().is_none());
    }

    #[test]
    fn a_hold_about_one_person_covers_only_that_person() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let (zoe, anna) = (subject("zoe", "zoe.quandt@corp.example"), subject("anna", "anna@corp.example"));
        let like = SuppressionRow {
            hash: [0; 32],
            kind: String::new(),
            case: NO_CASE_FOR_TESTS.parse().unwrap(),
            scope: String::new(),
            norm: "norm/1".into(),
            words: 0,
            created: String::new(),
            until: None,
        };
        let of_zoe = Hold {
            hold_type: HoldType::Restriction,
            subject: Some(zoe.pseudonym.clone()),
            ..hold(1, HoldQuery::default())
        };
        store.add_hold(&ACT, &of_zoe, &Suppression::entries(store.keys(), &zoe, &like)).unwrap();
        let holds = Holds::load(&store).unwrap();
        let (place, record) = ("log:log".parse().unwrap(), RecordRef::file("a"));
        let spot = Spot { place: &place, project: None, record: &record, fields: &[""], whole: false };
        assert!(holds.covering(&zoe, &spot).is_some());
        assert!(holds.covering(&anna, &spot).is_none());
        // The same person under another handle is the same person.
        let again = subject("request-9", "Zoe.Quandt@corp.example");
        assert!(holds.covering(&again, &spot).is_some());
        assert_eq!((holds.naming(&again).count(), holds.naming(&anna).count()), (1, 0));
        let hq = "hq".parse().unwrap();
        let keeps = |value: serde_json::Value, wanted| {
            holds.keeps(wanted, &hq, &spot, &|guard| names_json(guard, &value)).is_some()
        };
        assert!(keeps(json!({ "text": "mail zoe.quandt@corp.example" }), Some(HoldType::Restriction)));
        assert!(!keeps(json!({ "text": "mail anna@corp.example" }), None));
        assert!(!keeps(json!({ "text": "mail zoe.quandt@corp.example" }), Some(HoldType::Preservation)));
    }

    const NO_CASE_FOR_TESTS: &str = "C-01ARZ3NDEKTSV4RRFFQ69G5FAV";
}

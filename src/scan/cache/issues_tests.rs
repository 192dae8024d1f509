use std::time::SystemTime;

use chrono::{NaiveDate, Utc};
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{
    model::{Area, CaseKind, CaseRecord, IdentifierKind, RecordRef, Subject},
    scan::json::tests::subject,
    store::{Act, Opened, Store},
};

const CASE: &str = "C-01ARZ3NDEKTSV4RRFFQ69G5FAV";
const URL: &str = "http://127.0.0.1:1";

struct World {
    _dir: tempfile::TempDir,
    store: Store,
}

fn at(minute: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + 60 * minute, 0).unwrap()
}

fn zoe() -> Subject {
    subject(&[(IdentifierKind::Email, "zoe.x@corp.example")])
}

fn updated(minute: i64) -> String {
    at(minute).format("%Y-%m-%dT%H:%M:%S%.3f%z").to_string()
}

fn listed(id: u64, minute: i64) -> Listed {
    Listed { id: id.to_string(), key: format!("HQ-{id}"), updated: Some(updated(minute)) }
}

fn done(issue: Listed, known: Known) -> Done {
    Done { number: 1, issue, known, whole: true }
}

fn file(id: u64, content: Option<&[u8]>) -> RemoteRecord {
    let json = json!({ "id": id.to_string(), "filename": "a.txt", "size": 3, "created": updated(0) });
    let record = RecordRef::of_issue(RecordType::Attachment, id.to_string(), "HQ-1");
    RemoteRecord { record, json, content: content.map(<[u8]>::to_vec) }
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("state")).unwrap();
        let act = Act { actor: "dpo", at: DateTime::UNIX_EPOCH };
        let day = NaiveDate::from_ymd_opt(2026, 11, 22).unwrap();
        let opened = Opened { kind: CaseKind::Erasure, received: day, due: day, record: CaseRecord::default() };
        store.open_case(&act, &CASE.parse().unwrap(), &zoe(), &opened).unwrap();
        Self { _dir: dir, store }
    }

    fn cache_for(&self, subject: &Subject, minute: i64, exhaustive: bool) -> ScanCache {
        let id = CASE.parse().unwrap();
        ScanCache::open(&self.store, &id, subject, exhaustive, at(minute), SystemTime::now).unwrap().unwrap()
    }

    fn cache(&self, minute: i64) -> ScanCache {
        self.cache_for(&zoe(), minute, false)
    }

    /// A scan that begins at `minute`, reads what `read` tells and ends, or is cut off.
    fn scan(&self, minute: i64, complete: bool, read: impl FnOnce(&mut Issues<'_>)) -> Option<Earlier> {
        let cache = self.cache(minute);
        let mut issues = cache.issues(&place(), URL);
        read(&mut issues);
        let earlier = issues.finish(complete);
        assert!(cache.finish());
        earlier
    }

    fn known(&self, minute: i64, issue: &Listed) -> Known {
        self.cache(minute).issues(&place(), URL).seen().issue(issue)
    }
}

fn place() -> Place {
    Place::new(Area::Source, "hq/HQ")
}

#[test]
fn what_had_a_finding_or_a_gap_or_is_too_young_is_not_remembered() {
    let w = World::new();
    w.scan(100, true, |issues| {
        let text = |number, clean| (number, file(0, None), clean);
        for (number, record, clean) in [text(1, true), text(2, false), text(2, true), text(5, true)] {
            issues.record(number, &record, clean, true);
        }
        for (number, minute, whole) in [(1, 0, true), (2, 0, true), (3, 0, false), (4, 95, true), (5, 101, true)] {
            issues.done(&Done { number, whole, ..done(listed(number, minute), Known::No) });
        }
        issues.done(&Done { number: 6, ..done(Listed { updated: None, ..listed(6, 0) }, Known::No) });
        issues.done(&Done { number: 7, ..done(listed(7, 94), Known::No) });
        let odd = Listed { updated: Some("yesterday".into()), ..listed(8, 0) };
        issues.done(&Done { number: 8, ..done(odd, Known::No) });
    });
    let now = |issue: &Listed| w.known(200, issue);
    assert_eq!(now(&listed(1, 0)), Known::Before);
    assert_eq!(now(&listed(2, 0)), Known::No, "a finding");
    assert_eq!(now(&listed(3, 0)), Known::No, "a gap");
    assert_eq!(now(&listed(4, 95)), Known::No, "it changed just before the scan began");
    assert_eq!(now(&listed(5, 101)), Known::No, "it changed after the scan began");
    assert_eq!(now(&Listed { updated: None, ..listed(6, 0) }), Known::No, "no state");
    assert_eq!(now(&listed(7, 94)), Known::Before);
    assert_eq!(now(&Listed { updated: Some("yesterday".into()), ..listed(8, 0) }), Known::No, "no time");
    assert_eq!(now(&listed(1, 1)), Known::No, "another state");
    assert_eq!(now(&listed(11, 0)), Known::No, "another issue");
    assert_eq!(now(&Listed { key: "NEW-1".into(), ..listed(1, 0) }), Known::Before, "an id stays, a key need not");
}

#[test]
fn only_a_scan_that_was_cut_off_is_gone_on_with() {
    let w = World::new();
    let (one, two, three) = (listed(1, 0), listed(2, 0), listed(3, 0));
    let hours = |n: i64| n * 60;
    w.scan(hours(1), false, |issues| issues.done(&done(one.clone(), Known::No)));
    assert_eq!(w.known(hours(2), &one), Known::JustNow);
    assert_eq!(w.known(hours(26), &one), Known::Before, "too long ago");
    assert_eq!(w.known(hours(0), &one), Known::Before, "the clock was set back");
    // It is cut off once more: both parts are gone on with.
    w.scan(hours(2), false, |issues| {
        issues.done(&done(one.clone(), Known::JustNow));
        issues.done(&done(two.clone(), Known::No));
    });
    assert_eq!((w.known(hours(3), &one), w.known(hours(3), &two)), (Known::JustNow, Known::JustNow));
    assert_eq!(w.known(hours(25), &one), Known::Before, "going on makes it no younger");
    // It ends: the next one begins anew.
    w.scan(hours(3), true, |issues| {
        for (issue, known) in [(&one, Known::JustNow), (&two, Known::JustNow), (&three, Known::No)] {
            assert_eq!(issues.seen().issue(issue), known);
            issues.done(&done(issue.clone(), known));
        }
    });
    for issue in [&one, &two, &three] {
        assert_eq!(w.known(hours(4), issue), Known::Before);
    }
    // And is cut off in turn: what it read before is as old as it was, since part of it was left out.
    let earlier = w.scan(hours(4), false, |issues| {
        issues.done(&done(one.clone(), Known::Before));
        issues.done(&done(two.clone(), Known::No));
    });
    assert_eq!(earlier.map(|e| (e.records, e.since)), Some((1, at(hours(1)))));
    assert_eq!((w.known(hours(5), &one), w.known(hours(5), &two)), (Known::Before, Known::JustNow));
    // Marks that were made anew replace the old ones when the file is written anew.
    w.scan(hours(5), true, |issues| {
        for issue in [&one, &two, &three] {
            assert_ne!(issues.seen().issue(issue), Known::No);
            issues.done(&done(issue.clone(), Known::No));
        }
    });
    for issue in [&one, &two, &three] {
        assert_eq!(w.known(hours(6), issue), Known::Before);
    }
}

#[test]
fn what_is_read_is_kept_as_it_is_read_and_only_for_these_identifiers_at_this_place() {
    let w = World::new();
    {
        // Killed: nothing says that it is over.
        let cache = w.cache(100);
        let mut issues = cache.issues(&place(), URL);
        for id in 1..=BATCH as u64 + 5 {
            issues.done(&done(listed(id, 0), Known::No));
        }
        std::mem::forget(issues);
    }
    let kept = |cache: &ScanCache, place: &Place, url: &str| {
        let seen = cache.issues(place, url).seen();
        (1..=BATCH as u64 + 5).filter(|id| seen.issue(&listed(*id, 0)) == Known::JustNow).count()
    };
    {
        let cache = w.cache(101);
        assert_eq!(kept(&cache, &place(), URL), BATCH);
        assert_eq!(kept(&cache, &Place::new(Area::Target, "hq/HQ"), URL), 0, "another place");
        assert_eq!(kept(&cache, &place(), "http://127.0.0.1:2"), 0, "another server of that name");
    }
    assert_eq!(kept(&w.cache_for(&zoe(), 102, true), &place(), URL), 0, "all is to be read");
    assert_eq!(kept(&w.cache(103), &place(), URL), BATCH);
    let more = subject(&[(IdentifierKind::Email, "zoe.x@corp.example"), (IdentifierKind::Username, "zxan")]);
    assert_eq!(kept(&w.cache_for(&more, 104, false), &place(), URL), 0, "another identifier");
}

#[test]
fn an_attachment_is_known_by_its_id_and_only_where_nobody_is_in_it() {
    let w = World::new();
    w.scan(100, true, |issues| {
        issues.record(1, &file(1, Some(b"abc")), true, true);
        issues.record(1, &file(2, Some(b"abc")), false, false);
        issues.record(1, &file(3, None), true, true);
        // Somebody is named beside the content.
        issues.record(1, &file(4, Some(b"abc")), false, true);
    });
    let (cache, json) = (w.cache(10_000), |id| file(id, None).json);
    let seen = cache.issues(&place(), URL).seen();
    let known = [1, 2, 3, 4, 5].map(|id| seen.attachment(&json(id)));
    assert_eq!(known, [true, false, false, true, false]);
    for (name, value) in [("filename", json!("a.zip")), ("size", json!(4)), ("created", json!(updated(1)))] {
        let mut other = json(1);
        other[name] = value;
        assert!(!seen.attachment(&other), "{name}");
    }
    assert!(!seen.attachment(&json!({})));
    drop((seen, cache));
    let earlier = w.scan(10_001, true, |issues| {
        assert!(issues.seen().attachment(&json(1)));
        issues.record(1, &file(1, None), true, true);
        issues.record(1, &file(3, None), true, true);
    });
    assert_eq!(earlier.map(|e| (e.records, e.since)), Some((1, at(100))));
}

/// What happens to a few issues between two scans.
#[derive(Debug, Clone)]
enum Event {
    Edit(u64),
    /// The person is written in, or taken out.
    Name(u64, bool),
    Scan {
        cut_after: Option<usize>,
        exhaustive: bool,
    },
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        2 => (1..6u64).prop_map(Event::Edit),
        2 => (1..6u64, any::<bool>()).prop_map(|(id, there)| Event::Name(id, there)),
        3 => (proptest::option::of(0..6usize), 0..6u8)
            .prop_map(|(cut_after, n)| Event::Scan { cut_after, exhaustive: n == 0 }),
    ];
    proptest::collection::vec(event, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Whatever is edited, cut off and repeated: an issue that names the person now is never known.
    #[test]
    fn an_issue_with_the_person_is_always_read(events in events()) {
        let w = World::new();
        let mut issues: Vec<(i64, bool)> = vec![(0, false); 6];
        let mut minute = 100;
        for event in events {
            minute += 7;
            match event {
                Event::Edit(id) => issues[id as usize].0 = minute,
                Event::Name(id, there) => issues[id as usize] = (minute, there),
                Event::Scan { cut_after, exhaustive } => {
                    let cache = w.cache_for(&zoe(), minute, exhaustive);
                    let mut memory = cache.issues(&place(), URL);
                    for id in (1..6u64).take(cut_after.unwrap_or(6)) {
                        let (changed, there) = issues[id as usize];
                        let issue = listed(id, changed);
                        let known = memory.seen().issue(&issue);
                        prop_assert!(known == Known::No || !(there || exhaustive), "{id}");
                        memory.record(id, &file(0, None), !there, true);
                        memory.done(&Done { number: id, ..done(issue, known) });
                    }
                    let _ = memory.finish(cut_after.is_none());
                    prop_assert!(cache.finish());
                    if cut_after.is_none() {
                        let cache = w.cache(minute);
                        let seen = cache.issues(&place(), URL).seen();
                        for id in 1..6u64 {
                            let (changed, there) = issues[id as usize];
                            let known = seen.issue(&listed(id, changed));
                            let settled = minute - changed > 5;
                            prop_assert!((known == Known::No) == (there || !settled), "{id}: {known:?}");
                        }
                    }
                }
            }
        }
    }
}

//! A change that is cut off anywhere, and every kind of thing that is put back from a backup.

use std::path::Path;

use chrono::DateTime;

use super::*;
use crate::{
    model::{CaseKind, CaseRecord, Identifier, IdentifierKind, Personal, Subject},
    store::{Opened, Removed, journal},
};

const ACT: Act<'_> = Act { actor: "dpo", at: DateTime::UNIX_EPOCH };
const OTHER: Act<'_> = Act { actor: "admin", at: DateTime::UNIX_EPOCH };

fn case(n: u8) -> CaseId {
    format!("C-01ARZ3NDEKTSV4RRFFQ69G5F{n:02}").parse().unwrap()
}

fn close(store: &Store, n: u8) {
    store.end_case(&ACT, &case(n), CaseState::Closed, &CaseRecord::default(), Value::Null).unwrap();
}

fn row(n: u8) -> SuppressionRow {
    SuppressionRow {
        hash: [n; 32],
        kind: "email".into(),
        case: case(n / 10),
        scope: "*".into(),
        norm: "norm/1".into(),
        words: 1,
        created: "2026-11-22T00:00:00Z".into(),
        until: None,
    }
}

fn add(store: &Store, numbers: &[u8]) {
    let rows: Vec<_> = numbers.iter().map(|n| row(*n)).collect();
    assert_eq!(store.suppression_add(&ACT, &rows[0].case, &rows).unwrap(), rows.len());
}

fn hashes(store: &Store) -> Vec<u8> {
    let mut out: Vec<u8> = store.suppression_list().unwrap().iter().map(|r| r.hash[0]).collect();
    out.sort_unstable();
    out
}

fn subject(store: &Store) -> Subject {
    let key: crate::model::SubjectKey = "REQ-1".parse().unwrap();
    let identifier = Identifier {
        kind: IdentifierKind::Email,
        value: Personal::new("zoe.quandt@corp.example".into()),
        instance: None,
        confirmed: true,
    };
    Subject::new(Personal::new(key.clone()), store.subject_pseudonym(&key), vec![identifier])
}

fn open(store: &Store, n: u8) {
    let day = ACT.at.date_naive();
    store.put_subject(&subject(store)).unwrap();
    let opened = Opened { kind: CaseKind::Erasure, received: day, due: day, record: CaseRecord::default() };
    store.open_case(&ACT, &case(n), &subject(store), &opened).unwrap();
    store.set_case_state(&ACT, &case(n), CaseState::Answered, Value::Null).unwrap();
}

/// A copy of the state folder, or of one file of it, made while no store is open.
fn copy(from: &Path, to: &Path, only: Option<&str>) {
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_file() && only.is_none_or(|o| name.starts_with(o)) {
            std::fs::copy(&path, to.join(name)).unwrap();
        }
    }
}

fn put_back(from: &Path, to: &Path, name: &str) {
    for beside in ["-wal", "-shm"] {
        drop(std::fs::remove_file(to.join(format!("{name}{beside}"))));
    }
    copy(from, to, Some(name));
}

#[test]
fn the_numbers_go_up_together() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let at = |n| Generations { database: n, file: n, journal: n };
    assert_eq!(store.generations().unwrap(), at(0));
    add(&store, &[10, 11]);
    assert_eq!(store.generations().unwrap(), at(1));
    assert_eq!(store.suppression_add(&ACT, &case(1), &[row(10)]).unwrap(), 0);
    assert_eq!(store.generations().unwrap(), at(1), "what changes nothing counts nothing");
    open(&store, 2);
    close(&store, 2);
    store.suppression_ask_removal(&ACT, &case(1), "why").unwrap();
    assert_eq!(store.generations().unwrap(), at(2), "a request changes nothing");
    assert_eq!(store.suppression_approve_removal(&OTHER, &case(1)).unwrap(), Removed::Done(2));
    assert_eq!(store.generations().unwrap(), at(3));
    let mode = std::fs::metadata(dir.path().join(FILE)).unwrap();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode.permissions()) & 0o777, 0o600);
    drop(store);
    assert_eq!(Store::open(dir.path()).unwrap().generations().unwrap(), at(3));
}

/// The moments at which a change can be cut off, told apart by what of it is on the disk.
#[test]
fn a_change_that_is_cut_off_is_finished_or_never_was() {
    let before = tempfile::tempdir().unwrap();
    let after = tempfile::tempdir().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    add(&store, &[10]);
    open(&store, 2);
    drop(store);
    copy(dir.path(), before.path(), None);
    let store = Store::open(dir.path()).unwrap();
    close(&store, 2);
    drop(store);
    copy(dir.path(), after.path(), None);
    let intent = format!("{{\"format\":\"{FORMAT}\",\"at\":1,\"next\":2}}\n");
    // (journal written, database committed, so the case has ended)
    for (journalled, committed, ended) in [(false, false, false), (true, false, true), (true, true, true)] {
        copy(before.path(), dir.path(), None);
        std::fs::write(dir.path().join(FILE), &intent).unwrap();
        if journalled {
            put_back(after.path(), dir.path(), "suppression.journal");
        }
        put_back(if committed { after.path() } else { before.path() }, dir.path(), Store::FILE);
        let store = Store::open(dir.path()).unwrap();
        let n = if ended { 2 } else { 1 };
        assert_eq!(store.generations().unwrap(), Generations { database: n, file: n, journal: n });
        store.insist_on_agreement().unwrap();
        assert_eq!(store.case(&case(2)).unwrap().unwrap().state.has_ended(), ended);
        assert_eq!(store.case_subject(&case(2)).unwrap().is_none(), ended);
        assert_eq!(hashes(&store), [10]);
        crate::audit::verify(&store.audit_events().unwrap(), None).unwrap();
        add(&store, &[30]);
        store.insist_on_agreement().unwrap();
    }
}

#[test]
fn an_older_database_gets_back_what_it_forgot() {
    let backup = tempfile::tempdir().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    add(&store, &[10, 11]);
    add(&store, &[20]);
    open(&store, 2);
    drop(store);
    copy(dir.path(), backup.path(), None);
    let store = Store::open(dir.path()).unwrap();
    close(&store, 2);
    store.forget_subject(subject(&store).key.reveal()).unwrap();
    add(&store, &[30, 31]);
    store.suppression_ask_removal(&ACT, &case(1), "why").unwrap();
    store.suppression_approve_removal(&OTHER, &case(1)).unwrap();
    assert_eq!(hashes(&store), [20, 30, 31]);
    drop(store);

    put_back(backup.path(), dir.path(), Store::FILE);
    let store = Store::open(dir.path()).unwrap();
    let here = Generations { database: 2, file: 5, journal: 5 };
    assert_eq!(store.generations().unwrap(), here);
    assert!(matches!(store.insist_on_agreement(), Err(StoreError::Restored(h)) if h == here));
    assert!(matches!(store.suppression_add(&ACT, &case(4), &[row(40)]), Err(StoreError::Restored(_))));
    assert_eq!(hashes(&store), [10, 11, 20], "and nothing of what was refused is there");
    let outlook = store.replay_outlook().unwrap();
    assert_eq!((outlook.add.len(), outlook.remove.len(), outlook.end.len()), (2, 2, 1));
    let mut list: Vec<u8> = outlook.list.iter().map(|r| r.hash[0]).collect();
    list.sort_unstable();
    assert_eq!(list, [20, 30, 31]);
    assert_eq!(hashes(&store), [10, 11, 20], "looking changes nothing");
    assert!(matches!(store.replay_settle(&ACT, Value::Null), Err(StoreError::Restored(_))));
    store.replay_apply(&ACT).unwrap();
    assert_eq!(hashes(&store), [20, 30, 31]);
    assert!(store.case_subject(&case(2)).unwrap().is_none(), "the identifiers are destroyed again");
    assert!(store.subjects().unwrap().is_empty(), "in the register too");
    assert!(store.insist_on_agreement().is_err(), "the places were not looked through yet");
    assert!(store.replay_apply(&ACT).unwrap().is_whole(), "a second time there is nothing to do");
    let now = store.replay_settle(&ACT, Value::Null).unwrap();
    assert_eq!(now, Generations { database: 6, file: 6, journal: 6 });
    store.insist_on_agreement().unwrap();
    add(&store, &[40]);
    let told: Vec<String> = store.audit_events().unwrap().into_iter().map(|e| e.kind).collect();
    for kind in ["suppression.replayed", "case.closed", "case.replayed"] {
        assert!(told.iter().any(|k| k == kind), "{kind} not in {told:?}");
    }
}

#[test]
fn whatever_was_put_back_or_lost_is_noticed_and_replayed() {
    for (what, gone) in [
        (FILE, false),
        (FILE, true),
        ("suppression.journal", false),
        ("suppression.journal", true),
        (Store::FILE, false),
        (Store::FILE, true),
    ] {
        let backup = tempfile::tempdir().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        add(&store, &[10]);
        add(&store, &[20]);
        drop(store);
        copy(dir.path(), backup.path(), None);
        let store = Store::open(dir.path()).unwrap();
        add(&store, &[30]);
        store.suppression_ask_removal(&ACT, &case(1), "why").unwrap();
        assert_eq!(store.suppression_approve_removal(&OTHER, &case(1)).unwrap(), Removed::Done(1));
        drop(store);
        if gone {
            std::fs::remove_file(dir.path().join(what)).unwrap();
        } else {
            put_back(backup.path(), dir.path(), what);
        }
        let store = Store::open(dir.path()).unwrap();
        let before = store.generations().unwrap();
        assert!(matches!(store.insist_on_agreement(), Err(StoreError::Restored(_))), "{what} {gone} {before}");
        store.replay_apply(&ACT).unwrap();
        store.replay_settle(&ACT, Value::Null).unwrap();
        store.insist_on_agreement().unwrap();
        assert_eq!(hashes(&store), [20, 30], "{what} {gone}");
        // What the journal says now is the whole list again.
        assert!(store.replay_outlook().unwrap().journal.is_empty());
        let (groups, _) = store.journal().read().unwrap();
        assert_eq!(groups.last().unwrap().generation, before.newest() + 1);
    }
}

#[test]
fn what_was_there_before_there_was_a_journal_goes_into_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    open(&store, 1);
    add(&store, &[10, 11]);
    close(&store, 1);
    // As an efface without generations left it.
    store.write(|tx| Ok::<_, StoreError>(tx.execute("DELETE FROM meta WHERE name = 'generation'", [])?)).unwrap();
    drop(store);
    for file in [FILE, "suppression.journal"] {
        std::fs::remove_file(dir.path().join(file)).unwrap();
    }
    let store = Store::open(dir.path()).unwrap();
    assert_eq!(store.generations().unwrap(), Generations { database: 1, file: 1, journal: 1 });
    let (groups, _) = store.journal().read().unwrap();
    assert_eq!(groups[0].changes.len(), 3);
    drop(store);
    // And a database that is older than that gets it back.
    for file in ["efface.db", "efface.db-wal", "efface.db-shm"] {
        drop(std::fs::remove_file(dir.path().join(file)));
    }
    let store = Store::open(dir.path()).unwrap();
    store.replay_apply(&ACT).unwrap();
    assert_eq!(hashes(&store), [10, 11]);
}

#[test]
fn a_damaged_journal_stops_what_needs_it_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let apart = tempfile::tempdir().unwrap();
    let path = journal::default_path(apart.path());
    let store = Store::open_with(dir.path(), &path).unwrap();
    add(&store, &[10, 11]);
    add(&store, &[20]);
    assert!(!journal::default_path(dir.path()).exists(), "it lies where it was asked for");
    drop(store);
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replacen("email", "phone", 1)).unwrap();
    let store = Store::open_with(dir.path(), &path).unwrap();
    assert_eq!(hashes(&store), [10, 11, 20]);
    let error = store.replay_apply(&ACT).unwrap_err();
    assert!(error.to_string().contains("line 2 was changed"), "{error}");
    std::fs::write(&path, "something else\n").unwrap();
    assert!(matches!(store.insist_on_agreement(), Err(StoreError::Journal { .. })));
    assert!(Store::open_with(dir.path(), &path).is_ok());
}

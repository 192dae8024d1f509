use serde_json::{Map, json};

use super::*;

struct Room {
    _dir: tempfile::TempDir,
    root: PathBuf,
    store: Store,
    staging: Staging,
}

const AT: &str = "2026-11-27T00:00:00Z";

fn room() -> Room {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("state")).unwrap();
    let root = dir.path().join("home/data/efface");
    let staging = Staging::open(&root, &"hq-partner".parse().unwrap(), &store).unwrap();
    Room { root, _dir: dir, store, staging }
}

fn message(sequence: u64) -> Message {
    let mut fields = Map::new();
    fields.insert("summary".into(), json!("Ask zoe@corp.example"));
    Message {
        schema: SCHEMA.into(),
        id: MessageId::generate(),
        sync: "hq-partner".parse().unwrap(),
        issue: IssueRef { id: "10001".into(), key: "HQ-1".into() },
        sequence,
        exported_at: "2026-11-22T10:00:00Z".into(),
        kind: MessageKind::Upsert,
        source: SourceRef { instance: "hq".parse().unwrap(), project: "HQ".parse().unwrap() },
        fields,
        comments: vec![],
        attachments: vec![],
        relations: Default::default(),
        hashes: [("summary".to_owned(), "00".to_owned())].into(),
        hash: "00".into(),
        changed: Default::default(),
        lost: Vec::new(),
    }
}

fn files(room: &Room) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for state in State::ALL {
        for entry in std::fs::read_dir(room.staging.dir().join(state.as_str())).unwrap() {
            out.push(entry.unwrap().path());
        }
    }
    out
}

fn keys(room: &Room) -> i64 {
    room.store
        .read(|tx| Ok::<_, StoreError>(tx.query_row("SELECT count(*) FROM staged_key", [], |r| r.get(0))?))
        .unwrap()
}

fn begin(room: &Room, m: &Message) -> (StagedRow, DataKey) {
    room.staging.begin(StagedKind::Message, m.id.0, None, &m.issue, m.sequence, &m.exported_at, 0).unwrap()
}

fn blob(room: &Room, m: &Message, bytes: &[u8]) -> BlobId {
    let mut w = room.staging.blob_writer(m.id, &m.issue, m.sequence, &m.exported_at).unwrap();
    w.write_all(bytes).unwrap();
    w.finish().unwrap()
}

#[test]
fn a_message_lives_through_its_states_and_its_person_is_never_on_disk() {
    let room = room();
    let m = message(1);
    let attachment = blob(&room, &m, b"zoe@corp.example in a file");
    room.staging.put(&m).unwrap();
    assert_eq!(room.staging.message(m.id).unwrap(), m);
    for state in [State::Processed, State::Parked, State::New] {
        room.staging.set_state(m.id, state, AT).unwrap();
        let entry = room.staging.list().unwrap().pop().unwrap();
        assert_eq!((entry.state, entry.sequence, entry.issue.key.as_str()), (state, 1, "HQ-1"));
        assert_eq!(room.staging.list_blobs().unwrap()[0].state, state);
        let folder = room.staging.dir().join(state.as_str());
        assert!(folder.join(format!("{}.msg", m.id)).exists() && folder.join(format!("{attachment}.att")).exists());
        assert_eq!(files(&room).len(), 2);
        assert_eq!(room.staging.read_blob(attachment).unwrap(), b"zoe@corp.example in a file");
    }
    assert!(room.staging.repair().unwrap().is_clean());
    let mut places = files(&room);
    places.push(room.store.path().to_owned());
    places.push(PathBuf::from(format!("{}-wal", room.store.path().display())));
    for file in places {
        let bytes = std::fs::read(&file).unwrap();
        assert!(!bytes.windows(3).any(|w| w == b"zoe"), "{}", file.display());
    }
}

#[test]
fn a_message_of_another_synchronization_or_issue_does_not_open() {
    let room = room();
    let (a, mut b) = (message(1), message(2));
    b.issue = IssueRef { id: "10002".into(), key: "HQ-2".into() };
    room.staging.put(&a).unwrap();
    room.staging.put(&b).unwrap();
    let path = |m: &Message| room.staging.path(m.id.0, StagedKind::Message, State::New);
    std::fs::copy(path(&a), path(&b)).unwrap();
    assert!(room.staging.read(b.id).is_err(), "one message in the place of another");
    assert!(room.staging.read(a.id).is_ok());
    room.store.write(|tx| Ok::<_, StoreError>(tx.execute("UPDATE staged SET issue_id = '10009'", [])?)).unwrap();
    assert!(room.staging.read(a.id).is_err(), "the issue is authenticated");
}

#[test]
fn killed_before_the_file_was_there() {
    let room = room();
    let m = message(1);
    begin(&room, &m);
    assert_eq!(room.staging.unsettled().unwrap(), 1);
    let report = room.staging.repair().unwrap();
    assert_eq!((report.discarded, keys(&room), room.staging.unsettled().unwrap()), (1, 0, 0));
    assert!(room.staging.repair().unwrap().is_clean());
    room.staging.put(&m).unwrap();
}

#[test]
fn killed_while_the_temporary_file_was_written() {
    let room = room();
    let m = message(1);
    begin(&room, &m);
    std::fs::write(room.staging.dir().join("new").join(format!("{TEMP_PREFIX}abc")), b"half").unwrap();
    let report = room.staging.repair().unwrap();
    assert_eq!((report.temporary, report.discarded), (1, 1));
    assert!(files(&room).is_empty());
}

#[test]
fn killed_between_rename_and_commit() {
    let room = room();
    let m = message(1);
    let (row, key) = begin(&room, &m);
    room.staging.write_file(&row, row.key_id, &key, State::New, &m.to_bytes().unwrap()).unwrap();
    assert!(room.staging.list().unwrap().is_empty());
    assert_eq!(room.staging.repair().unwrap().completed, 1);
    assert_eq!(room.staging.message(m.id).unwrap(), m);
    assert_eq!(room.staging.list().unwrap()[0].size, m.to_bytes().unwrap().len() as u64);
    assert!(room.staging.repair().unwrap().is_clean());
}

#[test]
fn killed_between_the_commit_of_a_state_and_the_move() {
    let room = room();
    let m = message(1);
    let attachment = blob(&room, &m, b"x");
    room.staging.put(&m).unwrap();
    room.store.staged_set_state(m.id.0, StagedState::Processed, AT).unwrap();
    assert_eq!(room.staging.message(m.id).unwrap(), m, "read where it lies");
    assert_eq!(room.staging.repair().unwrap().moved, 2);
    assert!(room.staging.dir().join("processed").join(format!("{attachment}.att")).exists());
    assert!(room.staging.repair().unwrap().is_clean());
}

#[test]
fn killed_while_blobs_were_there_and_their_message_not() {
    let room = room();
    let m = message(1);
    blob(&room, &m, b"zoe");
    let half = room.staging.blob_writer(m.id, &m.issue, 1, &m.exported_at).unwrap();
    drop(half);
    assert_eq!(room.staging.repair().unwrap().discarded, 2);
    assert!(files(&room).is_empty());
    assert_eq!(keys(&room), 0);
}

#[test]
fn a_rewrite_destroys_the_old_key_and_survives_a_kill_at_each_step() {
    let room = room();
    let m = message(1);
    room.staging.put(&m).unwrap();
    room.staging.set_state(m.id, State::Processed, AT).unwrap();
    let path = room.staging.path(m.id.0, StagedKind::Message, State::Processed);
    let old = std::fs::read(&path).unwrap();
    let mut redacted = m.clone();
    redacted.fields.insert("summary".into(), json!("Ask [erased]"));
    let body = redacted.to_bytes().unwrap();

    // Killed after the new key was committed: the old content stands.
    room.staging.store.staged_add_key(m.id.0, Ulid::generate(), &DataKey::random()).unwrap();
    assert_eq!(room.staging.repair().unwrap().finished, 1);
    assert_eq!((room.staging.message(m.id).unwrap(), keys(&room)), (m.clone(), 1));

    // Killed after the replacement: the new content stands, the old key goes.
    let row = room.staging.row(m.id.0).unwrap();
    let (key_id, key) = (Ulid::generate(), DataKey::random());
    room.staging.store.staged_add_key(m.id.0, key_id, &key).unwrap();
    room.staging.write_file(&row, key_id, &key, State::Processed, &body).unwrap();
    assert_eq!(room.staging.message(m.id).unwrap(), redacted, "readable at once");
    assert_eq!(room.staging.repair().unwrap().finished, 1);
    assert_eq!((room.staging.message(m.id).unwrap(), keys(&room)), (redacted, 1));

    // A copy of the old file does not open any more.
    std::fs::write(&path, &old).unwrap();
    assert!(matches!(room.staging.read(m.id), Err(StagingError::Erased(_))));
    assert!(room.staging.rewrite(m.id, b"{}").is_err(), "a body that is no message is refused");
}

#[test]
fn an_erasure_destroys_the_keys_first_and_is_finished_after_a_kill() {
    let room = room();
    let m = message(1);
    let attachment = blob(&room, &m, b"zoe");
    room.staging.put(&m).unwrap();
    let path = room.staging.path(m.id.0, StagedKind::Message, State::New);
    let copy = std::fs::read(&path).unwrap();
    room.store.set_exported(room.staging.sync(), "10001", "HQ-1", b"h", 1).unwrap();

    room.store.staged_destroy_keys(m.id.0).unwrap();
    assert_eq!(keys(&room), 0);
    assert!(matches!(room.staging.read(m.id), Err(StagingError::Erased(_))));
    assert!(room.staging.list().unwrap().is_empty());
    assert_eq!(room.staging.repair().unwrap().finished, 2);
    assert!(files(&room).is_empty());
    assert!(!room.staging.erase(m.id).unwrap() && !room.staging.erase_blob(attachment).unwrap());
    let (hash, sequence) = room.store.exported(room.staging.sync(), "10001").unwrap().unwrap();
    assert_eq!((hash.len(), sequence), (0, 1), "what was not imported is exported again, with the next sequence");

    // A backup that is put back is an orphan and does not open.
    std::fs::write(&path, copy).unwrap();
    assert_eq!(room.staging.repair().unwrap().orphans, [format!("{}.msg", m.id)]);
    assert!(room.staging.read(m.id).is_err());
}

#[test]
fn missing_files_and_strangers_are_reported() {
    let room = room();
    let (waiting, done) = (message(1), message(2));
    room.staging.put(&waiting).unwrap();
    room.staging.put(&done).unwrap();
    room.staging.set_state(done.id, State::Processed, AT).unwrap();
    for file in files(&room) {
        std::fs::remove_file(file).unwrap();
    }
    std::fs::write(room.staging.dir().join("new/zoe quill.txt"), b"x").unwrap();
    let report = room.staging.repair().unwrap();
    assert_eq!((report.missing.len(), report.strangers, report.orphans.len()), (2, 1, 0));
    assert_eq!(room.staging.list().unwrap().len(), 1, "the imported one stays listed, the other is exported again");
    assert!(!format!("{report:?}").contains("zoe"));
}

#[test]
fn a_damaged_file_is_reported_and_stops_nothing() {
    let room = room();
    let (bad, good) = (message(1), message(2));
    room.staging.put(&bad).unwrap();
    room.staging.put(&good).unwrap();
    std::fs::write(room.staging.path(bad.id.0, StagedKind::Message, State::New), b"not ours").unwrap();
    assert_eq!(room.staging.repair().unwrap().damaged, [bad.id.0]);
    assert!(room.staging.read(bad.id).is_err());
    assert_eq!(room.staging.message(good.id).unwrap(), good);
}

#[test]
fn one_writer_at_a_time() {
    let room = room();
    let lock = room.staging.lock(Duration::ZERO).unwrap();
    let second = Staging::open(&room.root, room.staging.sync(), &room.store).unwrap();
    assert!(matches!(second.lock(Duration::ZERO), Err(StagingError::Lock(LockError::Held(_)))));
    drop(lock);
    assert!(second.lock(Duration::ZERO).is_ok());
}

use chrono::NaiveDate;

use super::*;
use crate::{
    model::{CaseKind, CaseRecord, Identifier, IdentifierKind, Personal},
    store::{Act, CaseState, Opened},
};

const A: &str = "C-01ARZ3NDEKTSV4RRFFQ69G5FAV";
const B: &str = "C-01ARZ3NDEKTSV4RRFFQ69G5FAW";
const ACT: Act<'static> = Act { actor: "dpo", at: chrono::DateTime::UNIX_EPOCH };

fn subject(store: &Store, email: &str) -> Subject {
    let key = "zoe-handle-77".parse().unwrap();
    let pseudonym = store.subject_pseudonym(&key);
    let identifier =
        Identifier { kind: IdentifierKind::Email, value: Personal::new(email.into()), instance: None, confirmed: true };
    Subject::new(Personal::new(key), pseudonym, vec![identifier])
}

struct Case {
    dir: tempfile::TempDir,
    store: Store,
    zoe: Subject,
}

fn cases() -> Case {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let zoe = subject(&store, "zoe.quandt@corp.example");
    let day = NaiveDate::from_ymd_opt(2026, 11, 22).unwrap();
    for id in [A, B] {
        let opened = Opened { kind: CaseKind::Erasure, received: day, due: day, record: CaseRecord::default() };
        store.open_case(&ACT, &id.parse().unwrap(), &zoe, &opened).unwrap();
    }
    Case { dir, store, zoe }
}

impl Case {
    fn open(&self, id: &str, subject: &Subject, searcher: &str) -> CacheFile {
        self.store.scan_cache(&id.parse().unwrap(), subject, searcher.as_bytes()).unwrap().unwrap()
    }

    fn files(&self) -> Vec<PathBuf> {
        let listed = std::fs::read_dir(self.dir.path().join(CACHES)).unwrap();
        listed.map(|e| e.unwrap().path()).collect()
    }

    /// The rows' sealed keys.
    fn sealed_keys(&self) -> Vec<Vec<u8>> {
        self.store
            .read(|tx| {
                let mut stmt = tx.prepare("SELECT sealed_key FROM scan_caches")?;
                let rows = stmt.query_map([], |r| r.get(0))?;
                rows.collect::<Result<_, _>>().map_err(StoreError::from)
            })
            .unwrap()
    }
}

fn frames(cache: &mut CacheFile) -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    cache.load(|frame| out.push(frame)).unwrap();
    out
}

#[test]
fn a_write_that_was_cut_off_costs_only_itself() {
    let c = cases();
    let mut cache = c.open(A, &c.zoe, "1");
    let told: Vec<Vec<u8>> = (0..4u8).map(|n| vec![n; 100 + usize::from(n)]).collect();
    told.iter().for_each(|frame| cache.append(frame).unwrap());
    let path = cache.path.clone();
    drop(cache);
    let whole = std::fs::read(&path).unwrap();
    for length in 0..whole.len() {
        std::fs::write(&path, &whole[..length]).unwrap();
        let mut cache = c.open(A, &c.zoe, "1");
        let got = frames(&mut cache);
        assert_eq!(got, told[..got.len()], "{length} bytes");
        assert!(got.len() < 4);
        cache.append(b"after").unwrap();
        assert_eq!(frames(&mut cache)[got.len()], b"after", "{length} bytes");
    }
    // Damage in the middle ends what is known, and is told from what is sealed.
    let mut broken = whole.clone();
    broken[whole.len() / 2] ^= 1;
    std::fs::write(&path, &broken).unwrap();
    assert!(frames(&mut c.open(A, &c.zoe, "1")).len() < 3);
    let name = path.file_name().unwrap().to_str().unwrap();
    assert!(!c.store.is_sealed_cache(name));
    std::fs::write(&path, &whole).unwrap();
    assert!(c.store.is_sealed_cache(name));
    std::fs::write(&path, [whole.as_slice(), b"zoe.quandt@corp.example"].concat()).unwrap();
    assert!(!c.store.is_sealed_cache(name), "a tail in clear is not called sealed");
}

#[test]
fn another_case_other_identifiers_or_another_searcher_see_nothing() {
    let c = cases();
    let mut cache = c.open(A, &c.zoe, "1");
    cache.append(b"mark").unwrap();
    let (path, key) = (cache.path.clone(), cache.key.dangerously_expose().to_vec());
    assert!(c.store.scan_cache(&A.parse().unwrap(), &c.zoe, b"1").unwrap().is_none(), "one scan at a time");
    drop(cache);
    let sealed = std::fs::read(&path).unwrap();

    let mut other = c.open(B, &c.zoe, "1");
    assert_ne!(other.key.dangerously_expose().to_vec(), key);
    std::fs::write(&other.path, &sealed).unwrap();
    assert!(frames(&mut other).is_empty(), "the frames of a case open with its own key alone");

    assert_eq!(frames(&mut c.open(A, &c.zoe, "1")), [b"mark"]);
    let mut renewed = c.open(A, &c.zoe, "2");
    assert!(frames(&mut renewed).is_empty());
    assert!(!path.exists(), "what another searcher left is gone");
    renewed.append(b"mark").unwrap();
    drop(renewed);
    assert!(frames(&mut c.open(A, &subject(&c.store, "zoe.q@corp.example"), "2")).is_empty());
}

#[test]
fn it_is_destroyed_with_the_case_and_when_the_subject_is_forgotten() {
    for how in 0..3 {
        let c = cases();
        c.store.put_subject(&c.zoe).unwrap();
        for id in [A, B] {
            c.open(id, &c.zoe, "1").append(b"zoe.quandt/mail.txt").unwrap();
        }
        let kept: Vec<_> = c.files().into_iter().map(|p| (std::fs::read(&p).unwrap(), p)).collect();
        assert_eq!(kept.len(), 2);
        let keys = c.sealed_keys();
        let on_disk = || -> Vec<u8> {
            let files = std::fs::read_dir(c.dir.path()).unwrap().map(|e| e.unwrap().path());
            files.filter(|p| p.is_file()).flat_map(|p| std::fs::read(p).unwrap()).collect()
        };
        assert!(keys.iter().all(|key| memchr::memmem::find(&on_disk(), key).is_some()));
        let left = match how {
            0 => {
                c.store
                    .end_case(
                        &ACT,
                        &A.parse().unwrap(),
                        CaseState::Rejected,
                        &CaseRecord::default(),
                        serde_json::Value::Null,
                    )
                    .unwrap();
                c.store
                    .end_case(
                        &ACT,
                        &B.parse().unwrap(),
                        CaseState::Rejected,
                        &CaseRecord::default(),
                        serde_json::Value::Null,
                    )
                    .unwrap();
                0
            }
            1 => {
                c.store
                    .end_case(
                        &ACT,
                        &A.parse().unwrap(),
                        CaseState::Withdrawn,
                        &CaseRecord::default(),
                        serde_json::Value::Null,
                    )
                    .unwrap();
                1
            }
            _ => {
                assert!(c.store.forget_subject(&"zoe-handle-77".parse().unwrap()).unwrap());
                0
            }
        };
        let alive = c.files();
        assert_eq!(alive.len(), left);
        assert_eq!(c.sealed_keys().len(), left);
        let gone = keys.iter().filter(|key| memchr::memmem::find(&on_disk(), key).is_none()).count();
        assert_eq!(gone, 2 - left, "no page or log keeps the sealed key");
        // Whoever kept a copy of the files and puts them back has nothing that opens.
        for (bytes, path) in kept {
            std::fs::write(&path, bytes).unwrap();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            assert_eq!(
                c.store.is_sealed_cache(&name),
                alive.contains(&path),
                "only what was not destroyed is still known"
            );
        }
        if how < 2 {
            assert!(c.store.scan_cache(&A.parse().unwrap(), &c.zoe, b"1").is_err(), "the case has ended");
        } else {
            assert!(frames(&mut c.open(A, &c.zoe, "1")).is_empty());
        }
        assert_eq!(c.files().len(), if how == 2 { 1 } else { left }, "what has no key is swept");
    }
}

#[test]
fn a_file_written_anew_holds_the_new_frames_only() {
    let c = cases();
    let mut cache = c.open(A, &c.zoe, "1");
    (0..10u8).for_each(|n| cache.append(&[n; 1000]).unwrap());
    cache.replace([vec![42; 7], vec![43; 8]].into_iter()).unwrap();
    assert_eq!(frames(&mut cache), [vec![42; 7], vec![43; 8]]);
    cache.append(b"more").unwrap();
    assert!(c.store.scan_cache(&A.parse().unwrap(), &c.zoe, b"1").unwrap().is_none(), "still locked");
    drop(cache);
    assert_eq!(frames(&mut c.open(A, &c.zoe, "1")).len(), 3);
    assert_eq!(c.files().len(), 1);
}

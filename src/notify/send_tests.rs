use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use proptest::prelude::*;

use super::*;

/// A channel that keeps what it was given and fails as it is told to.
#[derive(Debug, Default)]
pub struct Stub {
    got: Mutex<Vec<(String, String)>>,
    /// By thing, how it fails.
    fails: Mutex<BTreeMap<String, Reach>>,
}

impl Stub {
    pub(super) fn take(&self, notice: &Notice) -> Result<(), Failed> {
        self.got.lock().unwrap_or_else(PoisonError::into_inner).push((notice.thing.clone(), notice.mark.clone()));
        match self.fails.lock().unwrap_or_else(PoisonError::into_inner).get(&notice.thing) {
            None => Ok(()),
            Some(reach) => Err(Failed { why: "broken".to_owned(), reach: *reach }),
        }
    }

    fn got(&self) -> Vec<(String, String)> {
        std::mem::take(&mut *self.got.lock().unwrap())
    }
}

fn notice(about: About, thing: &str, mark: &str) -> Notice {
    Notice {
        about,
        thing: thing.to_owned(),
        case: None,
        state: "state",
        summary: String::new(),
        text: String::new(),
        counts: BTreeMap::new(),
        mark: mark.to_owned(),
    }
}

struct Bench {
    rt: tokio::runtime::Runtime,
    _dir: tempfile::TempDir,
    store: Store,
    channels: [Channel; 1],
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let rt = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let channels = [Channel::Stub(Stub::default())];
        Self { rt, _dir: dir, store, channels }
    }

    fn stub(&self) -> &Stub {
        match &self.channels[0] {
            Channel::Stub(stub) => stub,
            _ => unreachable!("all of them are stubs"),
        }
    }

    fn fails(&self, things: &[(&str, Reach)]) {
        *self.stub().fails.lock().unwrap() = things.iter().map(|(t, r)| ((*t).to_owned(), *r)).collect();
    }

    /// Results in order.
    fn tell(&self, notices: &[Notice], unsure: &[About], stopped: bool) -> Vec<&'static str> {
        let room = Room {
            store: &self.store,
            channels: &self.channels,
            about: &[About::Deadline, About::Sweep].into(),
            unsure: &unsure.iter().copied().collect(),
            actor: "efface",
            now: DateTime::UNIX_EPOCH,
            dry_run: false,
        };
        let lines = self.rt.block_on(tell(&room, notices, &|| stopped)).unwrap();
        lines.iter().map(|l| l.fate.as_str()).collect()
    }
}

#[test]
fn how_far_a_failure_reaches() {
    let all: Vec<Notice> = ["a", "b", "c", "d", "e"].map(|t| notice(About::Deadline, t, "1")).into();
    for (fails, want) in [
        (vec![("a", Reach::Channel)], ["failed", "later", "later", "later", "later"]),
        (
            vec![("a", Reach::Notice), ("b", Reach::Notice), ("c", Reach::Notice)],
            ["failed", "failed", "failed", "told", "told"],
        ),
        (
            vec![("a", Reach::Perhaps), ("b", Reach::Perhaps), ("c", Reach::Perhaps)],
            ["failed", "failed", "failed", "later", "later"],
        ),
        (
            vec![("a", Reach::Perhaps), ("b", Reach::Perhaps), ("d", Reach::Perhaps)],
            ["failed", "failed", "told", "failed", "told"],
        ),
    ] {
        let bench = Bench::new();
        bench.fails(&fails);
        assert_eq!(bench.tell(&all, &[], false), want, "{fails:?}");
        bench.fails(&[]);
        let next: Vec<_> = want.iter().map(|w| if *w == "told" { "known" } else { "told" }).collect();
        assert_eq!(bench.tell(&all, &[], false), next, "what was not told is told by the next run");
    }
    let bench = Bench::new();
    assert_eq!(bench.tell(&all, &[], true), ["later"; 5], "about to end");
    assert_eq!(bench.stub().got(), []);
}

#[test]
fn a_run_tells_no_more_than_so_much() {
    let all: Vec<Notice> = (0..MOST + 3).map(|n| notice(About::Sweep, &n.to_string(), "1")).collect();
    let bench = Bench::new();
    for want in [[MOST, 3, 0], [3, 0, MOST]] {
        let said = bench.tell(&all, &[], false);
        let count = |w: &str| said.iter().filter(|s| **s == w).count();
        assert_eq!([count("told"), count("later"), count("known")], want);
    }
}

#[test]
fn what_could_not_be_seen_is_not_over() {
    let bench = Bench::new();
    let one = [notice(About::Sweep, "open", "1")];
    assert_eq!(bench.tell(&one, &[], false), ["told"]);
    bench.tell(&[], &[About::Sweep], false);
    assert_eq!(bench.tell(&one, &[], false), ["known"]);
    bench.tell(&[], &[], false);
    assert_eq!(bench.tell(&one, &[], false), ["told"]);
    // What nobody wants to be told of.
    assert_eq!(bench.tell(&[notice(About::Residual, "x", "1")], &[], false), Vec::<&str>::new());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever comes, changes, goes, comes back and fails: each state of each thing is sent once, until it was told; and again only
    /// when it changed or had been over.
    #[test]
    fn each_state_is_told_once(
        rounds in proptest::collection::vec(
            proptest::collection::btree_map(0u8..4, (0u8..3, proptest::bool::weighted(0.25)), 0..4),
            1..10,
        ),
    ) {
        let bench = Bench::new();
        let mut told: BTreeMap<u8, u8> = BTreeMap::new();
        for round in rounds {
            let notices: Vec<Notice> = round
                .iter()
                .map(|(thing, (mark, _))| {
                    let about = if thing % 2 == 0 { About::Deadline } else { About::Sweep };
                    notice(about, &thing.to_string(), &mark.to_string())
                })
                .collect();
            *bench.stub().fails.lock().unwrap() =
                round.iter().filter(|(_, (_, fails))| *fails).map(|(t, _)| (t.to_string(), Reach::Notice)).collect();
            bench.tell(&notices, &[], false);
            told.retain(|thing, _| round.contains_key(thing));
            let mut want = Vec::new();
            for (thing, (mark, fails)) in &round {
                if told.get(thing) == Some(mark) {
                    continue;
                }
                want.push((thing.to_string(), mark.to_string()));
                if !fails {
                    told.insert(*thing, *mark);
                }
            }
            prop_assert_eq!(bench.stub().got(), want);
        }
    }
}

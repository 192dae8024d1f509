//! What the scans of a case remember: it goes on after a kill, it is gone with the case, and no verification trusts it.

use std::{
    process::Stdio,
    time::{Duration, Instant, SystemTime},
};

use efface::{
    model::{Area, Flavor, Place},
    scan::{
        cache::ScanCache,
        seen::{Past, Seen, Stamp},
    },
    store::Store,
};
use serde_json::Value;

use crate::world::{EMAIL, World};

/// Longer than a file has to be left alone before its state is trusted.
const SETTLED: Duration = Duration::from_millis(2200);

fn opened(w: &World) -> String {
    w.register();
    reopened(w)
}

fn reopened(w: &World) -> String {
    w.efface(&["case", "open", "--subject", "REQ-1", "-q"]).exits(0).out.trim().to_owned()
}

fn scan(w: &World, args: &[&str]) -> (i32, Value) {
    let run = w.efface(&[&["scan", "--format", "json", "--area", "foreign"], args].concat());
    (run.code, serde_json::from_str(&run.out).unwrap_or_else(|e| panic!("{e}: {}\n{}", run.out, run.err)))
}

fn earlier(report: &Value) -> u64 {
    report["coverage"][0]["earlier"]["records"].as_u64().unwrap_or(0)
}

fn without_earlier(mut report: Value) -> Value {
    report["coverage"][0].as_object_mut().unwrap().remove("earlier");
    report["generated_at"].take();
    report
}

/// Bytes of all remembered.
fn remembered(w: &World) -> u64 {
    let listed = std::fs::read_dir(w.path().join("efface-state/scans")).into_iter().flatten();
    listed.map(|e| e.unwrap().metadata().unwrap().len()).sum()
}

/// Kills a scan of the case when part of it is remembered; false where it was through before.
fn killed(w: &World, case: &str) -> bool {
    /// More than stands in front of what is remembered, less than what is written at once.
    const BEGUN: u64 = 4096;
    let command = ["scan", "--case", case, "--area", "foreign"];
    let mut child = w.command(&command).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let begun = Instant::now();
    let mut first = 0;
    loop {
        assert!(begun.elapsed() < Duration::from_secs(60), "nothing is remembered");
        let size = remembered(w);
        // What was written first is there as a whole once there is more.
        if first > 0 && size > first {
            break;
        }
        first = if size > BEGUN { size } else { 0 };
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap().code().is_none()
}

#[test]
fn a_scan_that_is_killed_goes_on_where_it_was() {
    let w = World::new(Flavor::DataCenter, 0);
    let mut case = opened(&w);
    let tool = w.home().join("data/other-tool");
    let total = 20_000;
    for n in 0..total {
        if n % 1000 == 0 {
            std::fs::create_dir(tool.join(format!("{n:05}"))).unwrap();
        }
        let text = if n % 500 == 7 { format!("call {EMAIL}") } else { format!("{{\"n\": {n}}}") };
        std::fs::write(tool.join(format!("{:05}/{n}.json", n / 1000 * 1000)), text).unwrap();
    }
    std::thread::sleep(SETTLED);
    let mut tries = 0..5;
    while !killed(&w, &case) {
        assert!(tries.next().is_some(), "it is always through before it is killed");
        w.efface(&["case", "withdraw", &case, "--reason", "its scan was through"]).exits(0);
        case = reopened(&w);
    }
    let (code, on) = scan(&w, &["--case", &case]);
    assert_eq!(code, 1);
    assert!((1000..total).contains(&earlier(&on)), "{}", earlier(&on));
    let (_, again) = scan(&w, &["--case", &case]);
    assert_eq!(earlier(&again), total, "all of it");
    let (_, quick) = scan(&w, &["--subject", "REQ-1"]);
    assert_eq!(quick["coverage"][0].get("earlier"), None);
    for report in [on, again] {
        assert_eq!(without_earlier(report), without_earlier(quick.clone()));
    }
    let (_, exhaustive) = scan(&w, &["--case", &case, "--exhaustive"]);
    assert_eq!(earlier(&exhaustive), 0);
}

#[test]
fn quick_scans_remember_nothing_and_the_end_of_the_case_is_the_end_of_its_memory() {
    let w = World::new(Flavor::DataCenter, 0);
    let case = opened(&w);
    std::thread::sleep(SETTLED);
    scan(&w, &["--subject", "REQ-1"]);
    scan(&w, &["--email", EMAIL]);
    assert_eq!(remembered(&w), 0);
    let tool = w.home().join("data/other-tool");
    std::fs::write(tool.join("a.txt"), "nobody").unwrap();
    std::thread::sleep(SETTLED);
    scan(&w, &["--case", &case]);
    assert!(remembered(&w) > 0);
    assert_eq!(earlier(&scan(&w, &["--case", &case]).1), 1);
    w.efface(&["case", "withdraw", &case, "--reason", "asked so"]).exits(0);
    assert_eq!(remembered(&w), 0);
    w.efface(&["scan", "--case", &case]).exits(4);
    w.efface(&["scan", "--case", &case, "--email", EMAIL]).exits(2);
    w.efface(&["scan", "--case", "C-01ARZ3NDEKTSV4RRFFQ69G5FAV"]).exits(2);
}

#[test]
fn a_verification_never_trusts_what_a_scan_remembers() {
    let w = World::new(Flavor::DataCenter, 0);
    let case = opened(&w);
    w.efface(&["case", "plan", &case]).exits(0);
    w.efface_as("dpo", &["case", "approve", &case]).exits(0);
    w.efface(&["case", "execute", &case, "--yes"]).exits(0);
    let later = w.home().join("data/other-tool/later.txt");
    std::fs::write(&later, format!("call {EMAIL}")).unwrap();
    std::thread::sleep(SETTLED);
    {
        // The memory lies: it says that nothing stands there.
        let store = Store::open(&w.path().join("efface-state")).unwrap();
        let id = case.parse().unwrap();
        let subject = store.case_subject(&id).unwrap().unwrap();
        let now = chrono::Utc::now();
        let cache = ScanCache::open(&store, &id, &subject, false, now, SystemTime::now).unwrap().unwrap();
        let memory = cache.place(&Place::new(Area::Foreign, "other-tool"));
        let stamp = Stamp::from(&std::fs::metadata(&later).unwrap());
        assert!(memory.settled(&stamp));
        memory.read("later.txt", &stamp, &Past { bytes: stamp.size, ..Past::default() });
        let _ = memory.finish(false);
        assert!(cache.finish());
    }
    assert_eq!(scan(&w, &["--case", &case]).0, 0, "a scan believes it");
    assert_eq!(scan(&w, &["--subject", "REQ-1"]).0, 1);
    let run = w.efface(&["case", "verify", &case]).exits(1);
    assert!(run.out.contains("UNEXPECTED"), "{}", run.out);
    assert_eq!(scan(&w, &["--case", &case, "--exhaustive"]).0, 1);
    assert_eq!(scan(&w, &["--case", &case]).0, 1, "an exhaustive scan corrects what is remembered");
}

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

use crate::world::{EMAIL, OWN_BINARY, World, client};

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
    let mut w = World::new(Flavor::DataCenter, 0);
    // The lie below is told by this build's library; what another build remembers nobody believes.
    w.program = OWN_BINARY.into();
    let case = opened(&w);
    w.efface(&["case", "plan", &case]).exits(0);
    w.efface_as("dpo", &["case", "approve", &case]).exits(0);
    w.efface(&["case", "execute", &case, "--yes"]).exits(0);
    let later = w.home().join("data/other-tool/later.txt");
    std::fs::write(&later, format!("call {EMAIL}")).unwrap();
    std::thread::sleep(SETTLED);
    // The memory lies: it says that nothing stands there.
    let lie = || {
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
    };
    lie();
    assert_eq!(scan(&w, &["--case", &case]).0, 0, "a scan believes it");
    assert_eq!(scan(&w, &["--subject", "REQ-1"]).0, 1);
    let run = w.efface(&["case", "verify", &case]).exits(1);
    assert!(run.out.contains("UNEXPECTED"), "{}", run.out);
    assert_eq!(scan(&w, &["--case", &case, "--exhaustive"]).0, 1);
    assert_eq!(scan(&w, &["--case", &case]).0, 1, "an exhaustive scan corrects what is remembered");
    lie();
    let run = w.efface(&["case", "plan", &case]).exits(0);
    assert!(!run.out.contains("verification:"), "the plan does not find what the verification met: {}", run.out);
}

/// Scans the source's issues for a case: exit code, report without what differs from run to run, requests, issues and
/// attachments taken from earlier scans.
fn issues(w: &World, args: &[&str]) -> (i32, Value, u64, u64) {
    w.source.control().reset_requests();
    let run = w.efface(&[&["scan", "--format", "json", "--place", "source:hq/HQ"], args].concat());
    let mut report: Value = serde_json::from_str(&run.out).unwrap_or_else(|e| panic!("{e}: {}\n{}", run.out, run.err));
    report["generated_at"].take();
    let mut taken = 0;
    for line in report["coverage"].as_array_mut().unwrap() {
        if let Some(earlier) = line.as_object_mut().unwrap().remove("earlier") {
            taken += earlier["records"].as_u64().unwrap();
        }
        // Contents that were not read again are no bytes read, what has its own call no record.
        line.as_object_mut().unwrap().retain(|name, _| !matches!(name.as_str(), "bytes" | "records"));
    }
    (run.code, report, w.source.control().requests(), taken)
}

fn downloads(w: &World) -> usize {
    w.source.control().request_log().iter().filter(|(_, path)| path.contains("/attachment/")).count()
}

fn findings(report: &Value) -> Vec<&str> {
    report["findings"].as_array().unwrap().iter().map(|f| f["id"].as_str().unwrap()).collect()
}

#[test]
fn issues_that_did_not_change_are_not_read_whole_again() {
    let w = World::new(Flavor::Cloud, 60);
    let case = opened(&w);
    let (code, first, full, taken) = issues(&w, &["--case", &case]);
    assert_eq!((code, taken), (0, 0), "the seeded people are others: {first}");
    assert!(downloads(&w) > 0);
    let (code, again, fewer, taken) = issues(&w, &["--case", &case]);
    assert_eq!((code, downloads(&w)), (0, 0), "no content is read again");
    assert!(fewer * 10 < full * 7 && taken > 60, "{fewer} of {full} requests, {taken} taken");
    assert_eq!(findings(&again), findings(&first));
    // Data Center's properties of comments are left out, and the report says so.
    let row = |report: &Value| {
        let rows = report["matrix"].as_array().unwrap();
        rows.iter().find(|r| r["place"] == "comment-properties" && r["instance"] == "hq").cloned().unwrap()
    };
    assert_eq!((row(&first)["status"].as_str(), row(&again)["status"].as_str()), (Some("examined"), Some("partial")));
    // What moves `updated`, and what does not.
    let control = w.source.control();
    let jira = client("hq", &w.source);
    control.edit_issue_behind("HQ-2", "summary", &format!("Call {EMAIL}")).unwrap();
    w.rt.block_on(jira.set_property("HQ-3", "app.note", serde_json::json!({ "by": EMAIL }))).unwrap();
    w.attach("HQ-4", "a.txt", &format!("call {EMAIL}"));
    w.comment("HQ-5", &format!("call {EMAIL}"));
    let (code, changed, some, _) = issues(&w, &["--case", &case]);
    assert_eq!((code, downloads(&w)), (1, 1), "the new attachment");
    let mut keys: Vec<_> =
        changed["findings"].as_array().unwrap().iter().filter_map(|f| f["record"]["key"].as_str()).collect();
    keys.sort_unstable();
    keys.dedup();
    // HQ-1 did not change, but its link shows the new title of HQ-2.
    assert_eq!(keys, ["HQ-1", "HQ-2", "HQ-3", "HQ-4", "HQ-5"]);
    assert!(some * 10 < full * 8, "{some} of {full} requests");
    // The same as a scan that remembers nothing, also when repeated.
    let (_, quick, all, _) = issues(&w, &["--subject", "REQ-1"]);
    assert_eq!(findings(&changed), findings(&quick));
    assert_eq!(findings(&issues(&w, &["--case", &case]).1), findings(&quick));
    let (_, exhaustive, requests, taken) = issues(&w, &["--case", &case, "--exhaustive"]);
    assert_eq!((findings(&exhaustive), requests, taken), (findings(&quick), all, 0));
    // Another case has a memory of its own, and the end of this one is the end of its memory.
    let other = reopened(&w);
    assert_eq!(issues(&w, &["--case", &other]).2, all);
    w.efface(&["case", "withdraw", &other, "--reason", "asked so"]).exits(0);
    w.efface(&["case", "withdraw", &case, "--reason", "asked so"]).exits(0);
    assert_eq!(remembered(&w), 0);
}

#[test]
fn a_scan_of_issues_that_is_cut_off_goes_on_where_it_was() {
    const ISSUES: usize = 120;
    for kill in [true, false] {
        let w = World::new(Flavor::Cloud, ISSUES);
        let control = w.source.control();
        control.edit_issue_behind("HQ-7", "summary", &format!("Call {EMAIL}")).unwrap();
        let case = opened(&w);
        let (_, whole, full, _) = issues(&w, &["--subject", "REQ-1"]);
        control.reset_requests();
        control.set_latency(Duration::from_millis(20));
        let command = ["scan", "--case", &case, "--place", "source:hq/HQ"];
        let mut child = w.command(&command).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        while control.requests() < full * 2 / 3 {
            assert!(child.try_wait().unwrap().is_none(), "it was through before it was cut off");
            std::thread::sleep(Duration::from_millis(1));
        }
        if kill {
            child.kill().unwrap();
            child.wait().unwrap();
        } else {
            // The network goes away in the middle and comes back when the scan is over.
            control.cut_connections(1_000_000);
            assert_eq!(child.wait().unwrap().code(), Some(3), "what could not be read is no clean scan");
            control.cut_connections(0);
        }
        control.set_latency(Duration::ZERO);
        let (code, on, rest, taken) = issues(&w, &["--case", &case]);
        assert_eq!(code, 1);
        assert_eq!(findings(&on), findings(&whole));
        // How much was through when it was cut off depends on the machine; what that saves does not: an issue costs one request
        // now instead of several, an attachment none.
        assert!(taken > ISSUES as u64 / 4, "kill {kill}: {taken} taken");
        assert!(full - rest > 2 * taken, "kill {kill}: {rest} of {full} requests, {taken} taken");
        // Once it is through, the next scan asks again what may change without a trace.
        let (_, next, more, _) = issues(&w, &["--case", &case]);
        assert_eq!(findings(&next), findings(&whole));
        let asked = control.request_log().iter().filter(|(_, p)| p.ends_with("/remotelink")).count();
        assert!(asked == ISSUES && more > ISSUES as u64, "{asked} issues were asked for their links");
    }
}

//! Law 8: a SIGKILL at any moment of a sync or an execution loses nothing and doubles nothing.

use std::{
    collections::BTreeMap,
    process::Stdio,
    time::{Duration, Instant},
};

use efface::model::Flavor;
use serde_json::{Value, json};

use crate::world::{EMAIL, NAME, USER, World, client, names_the_person};

/// Starts a command and kills it after `after`; says whether it had ended by itself before that.
fn kill_after(w: &World, args: &[&str], after: Duration) -> bool {
    let mut child = w.command(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let begun = Instant::now();
    while begun.elapsed() < after {
        if child.try_wait().unwrap().is_some() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    false
}

/// Summary → (comments, attachments) of all issues of a project.
fn shape(w: &World, name: &str) -> BTreeMap<String, (usize, usize)> {
    let (sandbox, project) = if name == "hq" { (&w.source, "HQ") } else { (&w.target, "PART") };
    let jira = client(name, sandbox);
    w.rt.block_on(async {
        let mut out = BTreeMap::new();
        for issue in jira.search(&format!("project = {project}"), &["summary", "attachment"]).all().await.unwrap() {
            let comments = jira.comments(issue.id()).await.unwrap().len();
            let attachments = issue.field("attachment").and_then(Value::as_array).map_or(0, Vec::len);
            let earlier = out.insert(issue.summary().unwrap_or_default().to_owned(), (comments, attachments));
            assert!(earlier.is_none(), "two issues with one summary in {name}");
        }
        out
    })
}

/// A cheap generator: the moments only have to differ.
struct Moments(u64);

impl Moments {
    fn next(&mut self, limit: u64) -> Duration {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Duration::from_millis((self.0 >> 33) % limit)
    }
}

fn loops(kills: u64) {
    let w = World::new(Flavor::Cloud, 0);
    let (source, target) = w.control();
    source.set_latency(Duration::from_millis(2));
    target.set_latency(Duration::from_millis(2));
    let mut moments = Moments(42);
    let (mut interrupted, mut made) = (0, 0);
    while interrupted < kills {
        // Fresh work, so that each kill falls into exports, creates, comments and uploads.
        made += 1;
        let key = w.issue(
            &format!("Issue {made} for {NAME}"),
            &format!("[~{USER}] and {EMAIL}"),
            json!({ "assignee": { "name": USER } }),
        );
        w.comment(&key, &format!("Comment one of {made}: {EMAIL}"));
        w.comment(&key, &format!("Comment two of {made}"));
        w.attach(&key, "a.txt", &format!("attachment of {made}: {EMAIL}"));
        for _ in 0..4 {
            interrupted += u64::from(!kill_after(&w, &["sync", "run"], moments.next(600)));
        }
    }
    w.efface(&["sync", "run"]).exits(0);
    w.indexed();
    assert_eq!(shape(&w, "partner"), shape(&w, "hq"), "no lost message, no duplicate");
    println!("sync: {interrupted} kills over {made} issues, nothing lost, nothing doubled");

    w.register();
    let case = w.efface(&["case", "open", "--subject", "REQ-1", "-q"]).exits(0).out.trim().to_owned();
    w.efface(&["case", "plan", &case]).exits(0);
    // Many kills make many issues, more than the policy's cap.
    w.efface_as("dpo", &["case", "approve", &case, "--raise-cap", "100000"]).exits(0);
    let before = shape(&w, "partner").len();
    let mut interrupted = 0;
    let mut tries = 0;
    while interrupted < kills && tries < kills * 3 {
        tries += 1;
        if kill_after(&w, &["case", "execute", &case, "--yes"], moments.next(250)) {
            break;
        }
        interrupted += 1;
    }
    w.efface(&["case", "execute", &case, "--yes"]).exits(0);
    w.efface(&["case", "verify", &case]).exits(0);
    w.efface(&["audit", "verify"]).exits(0);
    assert_eq!(
        w.rt.block_on(client("partner", &w.target).search("project = PART", &["summary"]).all()).unwrap().len(),
        before
    );
    assert_eq!(w.files_naming_the_person(), Vec::<String>::new());
    w.efface(&["sync", "run"]).exits(0);
    let (_, report) = w.scan(&["--area", "target,staging"]);
    let left: Vec<_> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|f| !matches!(f["record"]["type"].as_str(), Some("history" | "user-profile")))
        .collect();
    assert!(left.is_empty(), "{left:#?}");
    assert!(!names_the_person(w.efface(&["case", "show", &case]).out.as_bytes()));
    println!("execute: {interrupted} kills, the plan finished");
}

#[test]
fn a_few_kills() {
    loops(4);
}

/// A hundred by default; `EFFACE_KILLS` says how many.
#[test]
#[ignore = "long; .ci/run runs it"]
fn kill_anywhere() {
    loops(std::env::var("EFFACE_KILLS").ok().and_then(|k| k.parse().ok()).unwrap_or(100));
}

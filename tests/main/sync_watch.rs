//! Watching: each synchronization in its own time, and a webhook that wakes one before it.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

use efface::model::Flavor;
use serde_json::Value;

use crate::world::{World, post_to};

/// A watch that is at work; it ends with its test.
struct Watch {
    child: Child,
    said: mpsc::Receiver<String>,
}

impl Watch {
    fn start(w: &World, args: &[&str]) -> Self {
        let mut child = w.command(args).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (tx, said) = mpsc::channel();
        std::thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| tx.send(line)));
        Self { child, said }
    }

    fn says(&self, what: &str) -> String {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let line = self.said.recv_timeout(left).unwrap_or_else(|_| panic!("nothing said of {what:?}"));
            if line.contains(what) {
                return line;
            }
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn waits_for(what: &str, mut is: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !is() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_webhook_wakes_what_would_sleep_for_an_hour() {
    let w = World::new(Flavor::DataCenter, 0);
    w.write_config("interval = \"1h\"\n[webhook]\nlisten = \"127.0.0.1:0\"\nsecret_file = \"hook.secret\"");
    std::fs::write(w.path().join("hook.secret"), "s3cret\n").unwrap();
    w.issue("First", "x", Value::Null);
    let watch = Watch::start(&w, &["sync", "run", "--watch"]);
    let address = watch.says("webhooks of hq are heard at http://");
    let address = address.rsplit(' ').next().unwrap().to_owned();
    let copies = |text: &str| w.target.control().dump()["issues"].to_string().contains(text);
    waits_for("the first round comes at once", || copies("First"));
    w.issue("Second", "x", Value::Null);
    let body = r#"{"webhookEvent": "jira:issue_created", "issue": {"key": "HQ-2"}}"#;
    assert_eq!(post_to(&format!("{address}/wrong"), body), 401);
    std::thread::sleep(Duration::from_millis(1500));
    assert!(!copies("Second"), "who does not know the secret wakes nobody");
    assert_eq!(post_to(&format!("{address}/s3cret"), body), 204);
    waits_for("it is woken", || copies("Second"));
}

#[test]
fn each_has_its_own_interval() {
    let w = World::new(Flavor::DataCenter, 0);
    w.write_config("interval = \"5s\"");
    w.issue("First", "x", Value::Null);
    let _watch = Watch::start(&w, &["sync", "run", "--watch", "--interval", "3600"]);
    let copies = |text: &str| w.target.control().dump()["issues"].to_string().contains(text);
    waits_for("the first round", || copies("First"));
    w.issue("Second", "x", Value::Null);
    waits_for("its own interval goes before the command's", || copies("Second"));
}

#[test]
fn what_is_wrong_with_a_listener_is_said_before_anything_runs() {
    let w = World::new(Flavor::DataCenter, 0);
    w.issue("First", "x", Value::Null);
    for (extra, code, wanted) in [
        ("interval = \"1s\"", 2, "between 5s and 24h"),
        ("[webhook]\nlisten = \"127.0.0.1:0\"", 2, "secret_env and secret_file"),
        ("[webhook]\nlisten = \"127.0.0.1:0\"\nsecret_file = \"nowhere\"", 2, "cannot read the token file"),
    ] {
        w.write_config(extra);
        let run = w.efface(&["sync", "run", "--watch"]).exits(code);
        assert!(run.err.contains(wanted), "{}", run.err);
    }
    assert_eq!(w.target.control().dump()["issues"].as_object().unwrap().len(), 0);
}

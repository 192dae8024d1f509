//! Notices: told once to each channel, told again when something changed, and nobody named in any of them.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    ops::RangeInclusive,
    sync::{Arc, Mutex},
    time::Duration,
};

use chrono::{Days, NaiveDate, Utc};
use efface::{
    config::Config,
    fs::Lock,
    model::{Clock, Flavor},
    retention,
    store::{StepRow, StepState, Store},
};
use serde_json::{Value, json};

use crate::world::{USER, World, names_the_person};

/// What a receiver does with a request.
#[derive(Clone, Copy)]
enum Does {
    Answer(u16),
    Redirect,
    /// Says nothing until its caller goes.
    Hang,
}

/// A receiver on loopback: takes whatever comes, keeps what was said, and answers as it was told to.
struct Receiver {
    url: String,
    got: Arc<Mutex<Vec<(String, Value)>>>,
    does: Arc<Mutex<Does>>,
}

impl Receiver {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/in/s3cret?sig=s3cret", listener.local_addr().unwrap());
        let (got, does): (Arc<Mutex<Vec<_>>>, _) = (Arc::default(), Arc::new(Mutex::new(Does::Answer(204))));
        let (log, how) = (got.clone(), does.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (log, how) = (log.clone(), how.clone());
                std::thread::spawn(move || serve(stream.unwrap(), &log, &how));
            }
        });
        Self { url, got, does }
    }

    fn does(&self, what: Does) {
        *self.does.lock().unwrap() = what;
    }

    /// What came since the last look: heads and bodies.
    fn take(&self) -> Vec<(String, Value)> {
        std::mem::take(&mut *self.got.lock().unwrap())
    }

    /// The bodies alone.
    fn bodies(&self) -> Vec<Value> {
        self.take().into_iter().map(|(_, body)| body).collect()
    }
}

/// One request a connection.
fn serve(mut stream: TcpStream, log: &Mutex<Vec<(String, Value)>>, how: &Mutex<Does>) {
    let mut bytes = Vec::new();
    let (head, body) = loop {
        let mut chunk = [0; 4096];
        match stream.read(&mut chunk) {
            Ok(0) | Err(_) => return,
            Ok(n) => bytes.extend_from_slice(&chunk[..n]),
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|l| l.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        if body.len() >= length.unwrap_or(0_usize) {
            break (head.to_owned(), serde_json::from_str(body).unwrap());
        }
    };
    log.lock().unwrap().push((head, body));
    let does = *how.lock().unwrap();
    let head = match does {
        Does::Answer(status) => format!("{status} X\r\n"),
        Does::Redirect => "307 X\r\nLocation: /elsewhere\r\n".to_owned(),
        Does::Hang => {
            drop(stream.read(&mut [0; 1]));
            return;
        }
    };
    drop(write!(stream, "HTTP/1.1 {head}Content-Length: 0\r\nConnection: close\r\n\r\n"));
}

/// Adds to the configuration's end.
fn configure(w: &World, more: &str) {
    w.write_config("");
    let path = w.path().join("efface.toml");
    let config = std::fs::read_to_string(&path).unwrap();
    std::fs::write(path, format!("{config}\n{more}\n")).unwrap();
}

fn webhook(receiver: &Receiver) -> String {
    format!("webhook = {{ url = \"{}\", timeout_seconds = 1 }}", receiver.url)
}

const OPS: &str = "jira = { instance = \"partner\", project = \"OPS\" }";

/// A case whose last day is so many days away (or ago); gives how many it came to be, since a free day is none.
fn open(w: &World, wanted: RangeInclusive<i64>) -> (String, i64) {
    let today = Utc::now().date_naive();
    let left = |day: NaiveDate| (Clock::default().due(day, false).unwrap() - today).num_days();
    let received = (0..120).map(|back| today - Days::new(back)).find(|day| wanted.contains(&left(*day))).unwrap();
    let run = w.efface(&["case", "open", "--subject", "REQ-1", "--received", &received.to_string(), "-q"]).exits(0);
    (run.out.trim().to_owned(), left(received))
}

const LATE: RangeInclusive<i64> = -9..=-3;

fn notify(w: &World, code: i32) -> Value {
    let run = w.efface(&["notify", "--format", "json"]).exits(code);
    assert!(!names_the_person((run.out.clone() + &run.err).as_bytes()) && !run.err.contains("s3cret"), "{}", run.err);
    let report: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(report["schema"], "efface.notify/1");
    report
}

/// Results at a channel, by what they are about.
fn results(report: &Value, channel: &str) -> Vec<(String, String)> {
    let text = |v: &Value| v.as_str().unwrap().to_owned();
    let mut out = Vec::new();
    for notice in report["notices"].as_array().unwrap() {
        for line in notice["channels"].as_array().unwrap().iter().filter(|l| l["channel"] == channel) {
            out.push((text(&notice["about"]), text(&line["result"])));
        }
    }
    out
}

fn all(about: &[&str], result: &str) -> Vec<(String, String)> {
    about.iter().map(|a| ((*a).to_owned(), result.to_owned())).collect()
}

/// The issues of the project that gets notices, with their comments: summary and all of it.
fn issues(w: &World) -> Vec<(String, String)> {
    let jira = crate::world::client("partner", &w.target);
    w.indexed();
    w.rt.block_on(async {
        let mut search = jira.search("project = OPS ORDER BY id", &["summary", "description", "issuetype"]);
        let mut out = Vec::new();
        while let Some(page) = search.next_page().await.unwrap() {
            for issue in page {
                let key = issue.key().to_owned();
                let comments = jira.comments(&key).await.unwrap();
                out.push((issue.summary().unwrap().to_owned(), format!("{}{comments:?}", issue.into_value())));
            }
        }
        out
    })
}

fn world(flavor: Flavor) -> World {
    let w = World::new(flavor, 1);
    w.target.control().add_project("OPS", "Operations");
    w.register();
    w
}

/// Everything at once: a request past its last day, residuals of another, drift, a sweep that waits; to both channels, once.
fn everything_is_told_once(flavor: Flavor) {
    let w = world(flavor);
    w.plant();
    w.efface(&["sync", "run"]).exits(0);
    let case = w.approved_case();
    w.efface(&["case", "execute", &case, "--yes"]).exits(0);
    w.indexed();
    w.efface(&["case", "verify", &case]).exits(0);
    w.efface(&["case", "certificate", &case, "-o", "c.json"]).exits(0);
    w.efface(&["case", "close", &case]).exits(0);
    w.register();
    let (late, left) = open(&w, LATE);
    let receiver = Receiver::new();
    // A folder that no case covered, and that is named after somebody.
    let foreign = format!("[[foreign]]\nname = \"{USER}\"\npath = \"data/{USER}\"\n");
    let schedule = "[schedule]\nsweep = \"30 2 * * *\"\n";
    configure(&w, &format!("{foreign}{schedule}[notify]\n{}\n{OPS}", webhook(&receiver)));
    std::fs::create_dir_all(w.home().join(format!("data/{USER}"))).unwrap();
    let beat = json!({ "state": "ended", "at": "2026-06-01T00:00:00Z", "pid": 1, "last": "2026-06-01T00:00:00Z", "outcome": 3, "next": null });
    std::fs::write(w.path().join("efface-state/sweep.heartbeat"), beat.to_string()).unwrap();

    let about = ["deadline", "sweep", "sweep", "drift", "residual"];
    let before = w.efface(&["audit", "show"]).exits(0).out;
    let dry: Value =
        serde_json::from_str(&w.efface(&["notify", "--dry-run", "--format", "json"]).exits(0).out).unwrap();
    assert_eq!((results(&dry, "webhook"), results(&dry, "jira")), (all(&about, "due"), all(&about, "due")), "{dry:#}");
    assert_eq!((receiver.take().len(), issues(&w).len()), (0, 0), "a dry run tells nobody");
    assert_eq!(w.efface(&["audit", "show"]).exits(0).out, before);

    let report = notify(&w, 0);
    assert_eq!((results(&report, "webhook"), results(&report, "jira")), (all(&about, "told"), all(&about, "told")));
    let got = receiver.take();
    let told: Vec<_> = got.iter().map(|(_, b)| (b["about"].as_str().unwrap(), b["state"].as_str().unwrap())).collect();
    let want = [
        ("deadline", "overdue"),
        ("sweep", "failed"),
        ("sweep", "missed"),
        ("drift", "uncovered"),
        ("residual", "residual"),
    ];
    assert_eq!(told, want);
    for (head, body) in &got {
        assert!(head.starts_with("POST /in/s3cret?sig=s3cret HTTP/1.1") && !head.contains("uthorization"), "{head}");
        let sent = format!("{head}{body}");
        assert!(!names_the_person(sent.as_bytes()) && !sent.contains("REQ-1") && !sent.contains("\"p-"), "{sent}");
        assert!(body["text"].as_str().unwrap().starts_with(body["summary"].as_str().unwrap()));
        assert_eq!((body["schema"].as_str(), body["id"].as_str().unwrap().len()), (Some("efface.notice/1"), 33));
    }
    assert_eq!((got[0].1["case"].as_str(), &got[0].1["counts"]["days_left"]), (Some(late.as_str()), &json!(left)));
    assert_eq!(got[4].1["case"].as_str(), Some(case.as_str()));
    assert!(got[4].1["counts"]["residuals"].as_u64() > Some(0));
    let made = issues(&w);
    assert_eq!(made.len(), about.len(), "{made:#?}");
    assert!(made[0].0.starts_with(&format!("efface: Case {late}: overdue by {} days", -left)), "{}", made[0].0);
    for (_, whole) in &made {
        assert!(
            !names_the_person(whole.as_bytes()) && !whole.contains("REQ-1") && whole.contains("\"Task\""),
            "{whole}"
        );
    }

    // Once is enough, and the chain tells of each, without a word of it.
    let report = notify(&w, 0);
    assert_eq!((results(&report, "webhook"), results(&report, "jira")), (all(&about, "known"), all(&about, "known")));
    assert_eq!((receiver.take().len(), issues(&w).len()), (0, about.len()));
    let sent = Store::open(&w.path().join("efface-state")).unwrap().audit_events().unwrap();
    let sent: Vec<_> = sent.into_iter().filter(|e| e.kind == "notify.sent").collect();
    assert_eq!(sent.len(), 2 * about.len());
    assert_eq!(sent[0].detail, Some(json!({ "about": "deadline", "channel": "webhook" })));
    assert_eq!(sent[0].case.as_deref(), Some(late.as_str()));
    w.efface(&["audit", "verify"]).exits(0);

    // Another failure is another state: told again, as a comment on the issue that is there.
    let beat = json!({ "state": "ended", "at": "2026-06-01T00:00:00Z", "pid": 1, "last": "2026-06-01T00:00:00Z", "outcome": 70, "next": null });
    std::fs::write(w.path().join("efface-state/sweep.heartbeat"), beat.to_string()).unwrap();
    notify(&w, 0);
    let bodies = receiver.bodies();
    assert_eq!((bodies.len(), bodies[0]["state"].as_str()), (1, Some("failed")));
    let now = issues(&w);
    let failed = now.iter().filter(|(s, whole)| s == "efface: A sweep failed" && whole.contains("exit code 70"));
    assert_eq!((now.len(), failed.count()), (about.len(), 1), "{now:#?}");
    // What is over and comes back is told anew.
    w.efface(&["case", "reject", &late, "--reason", "manifestly unfounded"]).exits(0);
    assert_eq!(results(&notify(&w, 0), "jira").len(), about.len() - 1);
    // Another receiver was told nothing yet.
    let other = Receiver::new();
    configure(&w, &format!("{foreign}{schedule}[notify]\nabout = [\"residual\"]\n{}", webhook(&other)));
    notify(&w, 0);
    assert_eq!((other.take().len(), receiver.take().len()), (1, 0));
    assert!(!w.files_naming_the_person().iter().any(|f| f.contains("efface-state")));
}

#[test]
fn everything_is_told_once_with_cloud() {
    everything_is_told_once(Flavor::Cloud);
}

#[test]
fn everything_is_told_once_with_data_center() {
    everything_is_told_once(Flavor::DataCenter);
}

#[test]
fn nothing_due_and_nobody_to_tell() {
    let w = world(Flavor::DataCenter);
    let run = w.efface(&["notify"]).exits(2);
    assert!(run.err.contains("has no [notify]"), "{}", run.err);
    // The token is not there, and nothing has to be sent.
    configure(&w, "[notify]\nwebhook = { url = \"https://hooks.example.com\", token_env = \"NO_SUCH_TOKEN\" }");
    let run = w.efface(&["notify"]).exits(0);
    assert!(run.err.contains("0 told"), "{}", run.err);
    open(&w, 15..=25);
    w.efface(&["notify"]).exits(0);
    configure(&w, "[notify]\nwebhook = { url = \"http://hooks.example.com\" }");
    let run = w.efface(&["notify"]).exits(2);
    assert!(run.err.contains("url must start with https://") && !run.err.contains("hooks.example.com"), "{}", run.err);
}

/// One channel that fails stops no other, and what failed is told by the next run.
#[test]
fn a_channel_that_fails_is_tried_again() {
    let w = world(Flavor::DataCenter);
    let (receiver, (case, _)) = (Receiver::new(), open(&w, LATE));
    let both = format!("[notify]\n{}\n{OPS}", webhook(&receiver));
    configure(&w, &both);
    for (does, want) in [
        (Does::Answer(500), "500"),
        (Does::Answer(400), "did not take it"),
        (Does::Answer(401), "check the token"),
        (Does::Redirect, "not followed"),
        (Does::Hang, "in time"),
    ] {
        receiver.does(does);
        let run = w.efface(&["notify"]).exits(3);
        assert!(run.err.contains(want) && run.err.contains("webhook") && run.err.contains(&case), "{}", run.err);
        assert!(!run.err.contains("s3cret") && !names_the_person(run.err.as_bytes()), "{}", run.err);
        assert!(receiver.take().iter().all(|(head, _)| !head.contains("elsewhere")));
        assert_eq!(issues(&w).len(), 1, "the other channel is told, and once");
    }
    receiver.does(Does::Answer(200));
    let report = notify(&w, 0);
    assert_eq!(results(&report, "webhook"), all(&["deadline"], "told"));
    assert_eq!((results(&report, "jira"), receiver.take().len()), (all(&["deadline"], "known"), 1));

    // TLS at a server that has none, a token that is not there, a host that is not there.
    let tls = receiver.url.replace("http://", "https://");
    for (hook, want) in [
        (format!("url = \"{tls}\", timeout_seconds = 2"), "webhook: POST 127.0.0.1"),
        (
            format!("url = \"{tls}\", token_env = \"NO_SUCH_TOKEN\""),
            "the environment variable NO_SUCH_TOKEN is not set",
        ),
        ("url = \"http://127.0.0.1:1/\", timeout_seconds = 1".to_owned(), "check address, DNS, firewall"),
        (format!("url = \"{tls}\", ca_file = \"no.pem\""), "ca_file cannot be read"),
    ] {
        configure(&w, &format!("[notify]\nwebhook = {{ {hook} }}"));
        let run = w.efface(&["notify"]).exits(3);
        assert!(run.err.contains(want) && !run.err.contains("s3cret"), "{want}: {}", run.err);
        assert_eq!(receiver.take().len(), 0);
    }
    let run = w.efface(&["doctor"]).exits(3);
    assert!(run.out.contains("notify by webhook") && run.out.contains("ca_file"), "{}", run.out);

    // A token that is there goes along.
    configure(&w, &format!("[notify]\nwebhook = {{ url = \"{}&to=other\", token_env = \"HOOK\" }}", receiver.url));
    let out = w.command(&["notify"]).env("HOOK", "t0ken").output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    assert!(receiver.take()[0].0.to_lowercase().contains("authorization: bearer t0ken"));
}

#[test]
fn a_project_that_is_not_there_and_issues_that_fail() {
    let w = world(Flavor::DataCenter);
    open(&w, LATE);
    open(&w, 0..=6);
    for (jira, want) in [("project = \"NOPE\"", "NOPE"), ("project = \"OPS\", issue_type = \"Nonsense\"", "Nonsense")] {
        configure(&w, &format!("[notify]\njira = {{ instance = \"partner\", {jira} }}"));
        let run = w.efface(&["notify"]).exits(3);
        assert!(run.err.contains("jira: Case C-") && run.err.contains("partner"), "{}", run.err);
        let run = w.efface(&["doctor"]);
        assert!(run.out.contains("notify by jira") && run.out.contains(want), "{}", run.out);
    }
    configure(&w, &format!("[notify]\n{OPS}"));
    assert!(w.efface(&["doctor"]).out.contains("takes issues of type Task"));
    // The issue is made, and its answer is lost: it is found again by its mark, and not made twice.
    w.target.control().cut_after_commit(1);
    let run = w.efface(&["notify"]).exits(3);
    assert!(run.err.contains("1 told, 0 told before, 1 not told"), "{}", run.err);
    assert_eq!(issues(&w).len(), 2);
    w.efface(&["notify"]).exits(0);
    let made = issues(&w);
    assert_eq!(made.len(), 2, "{made:#?}");
    assert!(made.iter().all(|(_, whole)| whole.ends_with("[]")), "no comment was needed: {made:#?}");
    // One that somebody deleted is made again when there is something to tell.
    let jira = crate::world::client("partner", &w.target);
    w.rt.block_on(jira.delete_issue("OPS-1")).unwrap();
    w.rt.block_on(jira.delete_issue("OPS-2")).unwrap();
    w.efface(&["notify"]).exits(0);
    assert_eq!(issues(&w).len(), 0, "nothing has changed");
}

/// A store of which a part was put back from a backup still tells, and two runs at once do not.
#[test]
fn a_restored_store_is_told_of_and_a_lock_is_kept() {
    let w = world(Flavor::DataCenter);
    w.plant();
    w.efface(&["sync", "run"]).exits(0);
    let case = w.approved_case();
    w.efface(&["case", "execute", &case, "--yes"]).exits(0);
    let receiver = Receiver::new();
    configure(&w, &format!("[notify]\nabout = [\"drift\"]\n{}", webhook(&receiver)));
    assert_eq!(results(&notify(&w, 0), "webhook"), []);
    let state = w.path().join("efface-state");
    std::fs::rename(state.join("generation"), state.join("away")).unwrap();
    w.efface(&["sync", "run"]).exits(4);
    let lock = Lock::acquire(&state.join("notify.lock"), Duration::ZERO).unwrap();
    let run = w.efface(&["notify"]).exits(4);
    assert!(run.err.contains("notify.lock") && receiver.take().is_empty(), "{}", run.err);
    w.efface(&["notify", "--dry-run"]).exits(0);
    drop(lock);
    // Another process writes: what is sent is kept as soon as that has ended.
    let writer = rusqlite::Connection::open(state.join("efface.db")).unwrap();
    writer.execute_batch("BEGIN IMMEDIATE").unwrap();
    let release = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_secs(2));
        writer.execute_batch("ROLLBACK").unwrap();
    });
    notify(&w, 0);
    release.join().unwrap();
    assert_eq!(receiver.bodies()[0]["state"], "restored");
    assert_eq!(results(&notify(&w, 0), "webhook"), all(&["drift"], "known"));
    // When the doors are open again it is over; should they shut once more, that is news.
    std::fs::rename(state.join("away"), state.join("generation")).unwrap();
    assert_eq!(results(&notify(&w, 0), "webhook"), []);
    std::fs::remove_file(state.join("generation")).unwrap();
    notify(&w, 0);
    assert_eq!(receiver.take().len(), 1);
    // A journal that cannot be read shuts them too.
    std::fs::write(state.join("suppression.journal"), "torn").unwrap();
    notify(&w, 0);
    assert!(receiver.bodies()[0]["text"].as_str().unwrap().contains("journal cannot be read"));
}

/// A sweep of thirty days ago: what it saw first is that old now.
fn first_seen_a_month_ago(w: &World) {
    let config = Config::load(&w.path().join("efface.toml")).unwrap();
    let store = Store::open(&config.state).unwrap();
    let policy =
        efface::policy::Policy::parse(&std::fs::read_to_string(w.path().join("p.toml")).unwrap(), "p").unwrap();
    let then = Utc::now() - Days::new(30);
    let room = retention::Room {
        config: &config,
        store: &store,
        policy: &policy,
        clients: &BTreeMap::new(),
        areas: None,
        actor: "admin",
        now: &|| then,
    };
    w.rt.block_on(retention::run(&room, |_| {}, || false)).unwrap();
}

/// Sweeps: one that waits for an approval is told by the watch itself, also where a receiver fails.
#[test]
fn the_watch_tells_by_itself() {
    let w = world(Flavor::DataCenter);
    let policy = "[policy]\nname = \"p\"\n[sweep]\nfour_eyes = true\n[[class]]\nid = \"logs\"\nmatch = { area = \"log\" }\nstart = \"created\"\n\
                  period = \"1 day\"\nthen = \"delete\"\ngrace = \"none\"\nbasis = \"x\"\n";
    std::fs::write(w.path().join("p.toml"), policy).unwrap();
    std::fs::write(w.home().join("log/old.log"), "nothing\n").unwrap();
    let receiver = Receiver::new();
    let with = |schedule: &str| {
        configure(&w, &format!("[schedule]\nsweep = \"{schedule}\"\n[notify]\n{}\n{OPS}", webhook(&receiver)));
        let path = w.path().join("efface.toml");
        let config = std::fs::read_to_string(&path).unwrap();
        std::fs::write(path, config.replacen("path = \"home\"", "path = \"home\"\npolicy = \"p.toml\"", 1)).unwrap();
    };
    open(&w, LATE);
    with("* * * * * *");
    first_seen_a_month_ago(&w);
    receiver.does(Does::Answer(500));
    let mut watch = w.command(&["sweep", "--watch"]).stdout(std::process::Stdio::null()).spawn().unwrap();
    let wait = |what: &str, done: &dyn Fn() -> bool| {
        let patience = std::time::Instant::now();
        while !done() {
            assert!(patience.elapsed().as_secs() < 90, "{what}");
            std::thread::sleep(Duration::from_millis(100));
        }
    };
    let beats = || {
        let text = std::fs::read(w.path().join("efface-state/sweep.heartbeat")).unwrap_or_default();
        serde_json::from_slice::<Value>(&text).unwrap_or_default()
    };
    wait("a run, and a receiver that fails", &|| beats()["outcome"] == 4 && !receiver.got.lock().unwrap().is_empty());
    wait("Jira is told all the same", &|| issues(&w).len() == 2);
    receiver.does(Does::Answer(200));
    // By what is remembered, since the receiver has seen tries that it did not take.
    let told = || {
        let run = w.efface(&["notify", "--dry-run", "--format", "json"]).exits(0);
        let report = serde_json::from_str(&run.out).unwrap();
        results(&report, "webhook") == all(&["deadline", "sweep"], "known")
    };
    wait("the next run tells what could not be told", &told);
    assert!(watch.try_wait().unwrap().is_none(), "it goes on");
    assert!(std::process::Command::new("kill").arg(watch.id().to_string()).status().unwrap().success());
    assert!(watch.wait().unwrap().success());
    assert!(receiver.take().iter().all(|(head, body)| !names_the_person(format!("{head}{body}").as_bytes())));

    // What the open run is at: under way, cut off, approved.
    let state = w.path().join("efface-state");
    let sweeps = || {
        let run = w.efface(&["notify", "--dry-run", "--format", "json"]).exits(0);
        let report: Value = serde_json::from_str(&run.out).unwrap();
        let of = |n: &Value| (n["about"] == "sweep").then(|| n["state"].as_str().unwrap().to_owned());
        report["notices"].as_array().unwrap().iter().filter_map(of).collect::<Vec<_>>()
    };
    assert_eq!(sweeps(), ["approval"]);
    let lock = Lock::acquire(&state.join("sweep.lock"), Duration::ZERO).unwrap();
    assert!(!sweeps().contains(&"approval".to_owned()), "somebody is at work on it");
    w.efface(&["notify"]).exits(0);
    drop(lock);
    w.efface(&["notify"]).exits(0);
    assert!(receiver.bodies().iter().all(|b| b["state"] != "approval"), "it was not over meanwhile");
    let store = Store::open(&state).unwrap();
    let open_run = store.open_sweep_run().unwrap().unwrap();
    w.efface_as("dpo", &["sweep", "--approve", &open_run.hash]).exits(0);
    assert!(!sweeps().contains(&"approval".to_owned()), "the next sweep carries it out");
    let row = StepRow { number: 1, state: StepState::Begun, outcome: None, note: Value::Null };
    store.put_sweep_step(&open_run.id, &row).unwrap();
    assert!(sweeps().contains(&"cut-off".to_owned()));

    // Once a day, without a run: at its start.
    with("0 0 1 1 *");
    let (other, _) = open(&w, LATE);
    let mut watch = w.command(&["sweep", "--watch"]).stdout(std::process::Stdio::null()).spawn().unwrap();
    wait("told at the start", &|| receiver.got.lock().unwrap().iter().any(|(_, b)| b["case"] == other.as_str()));
    assert!(std::process::Command::new("kill").arg(watch.id().to_string()).status().unwrap().success());
    assert!(watch.wait().unwrap().success());

    // A policy that cannot be read ends the watch, and that is told before.
    std::fs::write(w.path().join("p.toml"), "nonsense").unwrap();
    with("* * * * * *");
    receiver.take();
    w.efface(&["sweep", "--watch"]).exits(2);
    let states: Vec<Value> = receiver.bodies().into_iter().map(|b| b["state"].clone()).collect();
    assert!(states.contains(&json!("no-policy")) && states.contains(&json!("failed")), "{states:?}");
}

//! Keeping a synchronization going: what is parked and tried again, resync, links, and where a person's data went.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
};

use efface::{jira::Notify, model::Flavor};
use serde_json::{Map, Value, json};

use crate::world::{EMAIL, NAME, USER, World, client, names_the_person};

fn edit(w: &World, key: &str, fields: Value) {
    let Value::Object(fields) = fields else { panic!("no object") };
    w.rt.block_on(client("hq", &w.source).edit_issue(key, fields, Map::new(), Notify::PreferNever)).unwrap();
}

fn json_of(w: &World, args: &[&str], code: i32) -> Value {
    let run = w.efface(&[args, &["--format", "json"]].concat()).exits(code);
    serde_json::from_str(&run.out).unwrap_or_else(|e| panic!("{e}: {}\n{}", run.out, run.err))
}

fn errors(w: &World, filter: &[&str]) -> Vec<Value> {
    let run = w.efface(&[&["sync", "errors", "--format", "json"], filter].concat());
    let all: Value = serde_json::from_str(&run.out).unwrap();
    let list = all["parked"].as_array().unwrap().clone();
    assert_eq!(run.code, if list.is_empty() { 0 } else { 3 });
    list
}

/// The target issue with a summary.
fn target(w: &World, summary: &str) -> Value {
    let all = w.target.control().dump();
    let found = all["issues"].as_object().unwrap().values().find(|i| i.to_string().contains(summary));
    found.unwrap_or_else(|| panic!("no {summary} in {all:#}")).clone()
}

/// The key of the target issue with a summary.
fn target_key(w: &World, summary: &str) -> String {
    w.indexed();
    let jira = client("partner", &w.target);
    let all = w.rt.block_on(jira.search("project = PART", &["summary"]).all()).unwrap();
    all.iter().find(|i| i.summary() == Some(summary)).unwrap().key().to_owned()
}

#[test]
fn parked_messages_say_why_and_what_would_help() {
    for flavor in [Flavor::Cloud, Flavor::DataCenter] {
        let w = World::new(flavor, 0);
        let (bad, good) = (w.issue("Bad", "x", Value::Null), w.issue("Good", "x", Value::Null));
        w.efface(&["sync", "run"]).exits(0);
        assert_eq!(w.efface(&["sync", "errors"]).exits(0).err.trim(), "nothing is parked");
        let key = target_key(&w, "Bad");
        w.target.control().forbid_edit(&key, true);
        edit(&w, &bad, json!({ "description": "first edit" }));
        edit(&w, &good, json!({ "description": "good edit" }));
        w.efface(&["sync", "run"]).exits(3);
        assert!(target(&w, "Good").to_string().contains("good edit"), "others go on");
        edit(&w, &bad, json!({ "description": "second edit" }));
        w.efface(&["sync", "run"]).exits(3);
        let list = errors(&w, &[]);
        let of = |field: &str| list.iter().map(|e| e[field].clone()).collect::<Vec<_>>();
        assert_eq!(of("error"), ["forbidden", "behind"], "{list:#?}");
        assert_eq!(of("attempts"), [1, 0], "what waits behind another was not tried");
        assert_eq!(of("waits_for"), ["person", "earlier"]);
        assert_eq!(of("next_try"), [Value::Null, Value::Null]);
        assert_eq!(list[1]["behind"], list[0]["id"]);
        assert!(list[0]["hint"].as_str().unwrap().len() > 10 && list[0]["since"].as_str().unwrap().starts_with("20"));
        let table = w.efface(&["sync", "errors"]).exits(3).out;
        assert!(table.contains("when you say so") && table.contains("behind 0"), "{table}");
        let csv = w.efface(&["sync", "errors", "--format", "csv"]).exits(3).out;
        assert!(csv.starts_with("id,sync,issue,since,tries,next try,cause,hint\n"), "{csv}");

        // Filters.
        assert_eq!(errors(&w, &["--cause", "BEHIND"]).len(), 1);
        assert_eq!(errors(&w, &["--issue", &bad.to_lowercase(), "--sync", "hq-partner"]).len(), 2);
        assert_eq!(errors(&w, &["--issue", &good]).len(), 0);
        assert!(w.efface(&["sync", "errors", "--cause", "typo"]).exits(0).err.contains("forbidden 1"));
        w.efface(&["sync", "errors", "--sync", "nowhere"]).exits(2);
        w.efface(&["sync", "retry"]).exits(2);
        w.efface(&["sync", "retry", "01ARZ3NDEKTSV4RRFFQ69G5FAV"]).exits(2);
        w.efface(&["sync", "retry", "--cause", "typo"]).exits(2);
        w.efface(&["sync", "retry", "--issue", &good]).exits(2);

        // It waits for a person, run or no run; since when, stays.
        w.efface(&["sync", "run"]).exits(3);
        assert_eq!(errors(&w, &[])[0]["attempts"], 1);
        w.efface(&["sync", "retry", list[1]["id"].as_str().unwrap()]).exits(3);
        w.efface(&["sync", "retry", "--cause", "forbidden"]).exits(3);
        w.efface(&["sync", "retry", "--sync", "hq-partner"]).exits(3);
        let again = errors(&w, &[]);
        assert_eq!((&again[0]["attempts"], &again[1]["attempts"]), (&json!(4), &json!(0)), "{again:#?}");
        assert_eq!(again[0]["since"], list[0]["since"], "retention counts from there");
        assert!(!target(&w, "Bad").to_string().contains("edit"));
        w.target.control().forbid_edit(&key, false);
        w.efface(&["sync", "retry", "--issue", &bad]).exits(0);
        assert!(target(&w, "Bad").to_string().contains("second edit"), "both went, in their order");
        w.efface(&["sync", "retry", "--all"]).exits(0);
    }
}

#[test]
fn what_may_pass_is_tried_again_at_its_time() {
    let w = World::new(Flavor::DataCenter, 0);
    let key = w.issue("Slow", "x", Value::Null);
    w.efface(&["sync", "run"]).exits(0);
    edit(&w, &key, json!({ "description": "late" }));
    let mut waits = Vec::new();
    for _ in 0..2 {
        w.target.control().fail_500(1000);
        w.efface(&["sync", "run"]).exits(3);
        w.target.control().fail_500(0);
        let list = errors(&w, &["--cause", "server"]);
        assert_eq!((list.len(), &list[0]["waits_for"]), (1, &json!("time")), "{list:#?}");
        let at: chrono::DateTime<chrono::Utc> = list[0]["next_try"].as_str().unwrap().parse().unwrap();
        waits.push((at - chrono::Utc::now()).num_seconds());
    }
    assert!(waits[0] <= 0 && waits[1] > 20, "{waits:?}");
    // Its time has not come.
    w.target.control().reset_requests();
    w.efface(&["sync", "run"]).exits(3);
    assert!(!w.target.control().request_log().iter().any(|(method, _)| method == "PUT"));
    assert_eq!(errors(&w, &[])[0]["attempts"], 2);
    // A person need not wait.
    w.efface(&["sync", "retry", "--cause", "server"]).exits(0);
    assert!(target(&w, "Slow").to_string().contains("late"));
    assert_eq!(errors(&w, &[]).len(), 0);
}

/// Stands before a sandbox, and cuts every connection that carries the word. Ends with the process.
fn cutting(word: &'static str, to: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let to = to.trim_start_matches("http://").to_owned();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let to = to.clone();
            std::thread::spawn(move || pass_on(stream, word, &to));
        }
    });
    url
}

fn pass_on(mut stream: TcpStream, word: &str, to: &str) -> Option<()> {
    let (mut request, mut chunk) = (Vec::new(), [0; 4096]);
    let whole = loop {
        let n = stream.read(&mut chunk).ok().filter(|n| *n > 0)?;
        request.extend_from_slice(&chunk[..n]);
        let text = String::from_utf8_lossy(&request).into_owned();
        let Some(head) = text.find("\r\n\r\n") else { continue };
        let length =
            text[..head].lines().find_map(|l| l.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
        if request.len() >= head + 4 + length.unwrap_or(0) {
            break text;
        }
    };
    if whole.contains(word) {
        return None;
    }
    let line = request.iter().position(|b| *b == b'\n')? + 1;
    let mut server = TcpStream::connect(to).ok()?;
    server.write_all(&request[..line]).ok()?;
    server.write_all(b"Connection: close\r\n").ok()?;
    server.write_all(&request[line..]).ok()?;
    std::io::copy(&mut server, &mut stream).ok()?;
    Some(())
}

#[test]
fn a_message_that_breaks_every_connection_stops_no_other() {
    let w = World::new(Flavor::DataCenter, 0);
    let config = w.path().join("efface.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    let there = crate::world::address(&w.target);
    std::fs::write(&config, text.replace(&there, &cutting("poison", w.target.url()))).unwrap();
    w.issue("Full of poison", "x", Value::Null);
    for i in 0..3 {
        w.issue(&format!("Sound {i}"), "x", Value::Null);
    }
    w.efface(&["sync", "run"]).exits(3);
    assert_eq!(w.target.control().dump()["issues"].as_object().unwrap().len(), 3);
    let list = errors(&w, &[]);
    assert_eq!((list.len(), &list[0]["waits_for"]), (1, &json!("time")), "{list:#?}");
    w.issue("Sound 4", "x", Value::Null);
    w.efface(&["sync", "run"]).exits(3);
    assert_eq!(w.target.control().dump()["issues"].as_object().unwrap().len(), 4);
    assert_eq!(errors(&w, &[])[0]["attempts"], 2);
    // A target that does not answer is not held against any message.
    std::fs::write(&config, text.replace(&there, "http://127.0.0.1:9")).unwrap();
    w.issue("Sound 5", "x", Value::Null);
    w.efface(&["sync", "run"]).exits(3);
    assert_eq!(errors(&w, &[]).len(), 1);
}

fn writes(w: &World) -> Vec<(String, String)> {
    let log = w.target.control().request_log();
    log.into_iter().filter(|(m, p)| m != "GET" && !p.contains("search") && !p.contains("bulkfetch")).collect()
}

#[test]
fn a_resync_restores_what_the_source_says() {
    for flavor in [Flavor::Cloud, Flavor::DataCenter] {
        let w = World::new(flavor, 0);
        let (a, b) = (w.issue("Pump", "turns left", Value::Null), w.issue("Valve", "is shut", Value::Null));
        w.comment(&a, "seen by nobody");
        w.attach(&a, "a.txt", "abc");
        w.efface(&["sync", "run"]).exits(0);
        let key = target_key(&w, "Pump");
        w.target.control().edit_issue_behind(&key, "summary", "Somebody wrote this").unwrap();
        w.efface(&["sync", "run", "--full"]).exits(0);
        assert_eq!(target_key(&w, "Somebody wrote this"), key, "an ordinary run sees no change");

        // Looking changes nothing.
        w.target.control().reset_requests();
        let plan = json_of(&w, &["sync", "resync", &a.to_lowercase(), &b, "--dry-run"], 0);
        let of: Vec<_> = plan["issues"].as_array().unwrap().iter().map(|i| i["outlook"].as_str().unwrap()).collect();
        assert_eq!((of, writes(&w)), (vec!["update", "update"], vec![]));

        let report = json_of(&w, &["sync", "resync", &a], 0);
        let report = &report["syncs"]["hq-partner"];
        assert_eq!((&report["exported"], &report["updated"], &report["created"]), (&json!(1), &json!(1), &json!(0)));
        assert_eq!(target_key(&w, "Pump"), key, "the same issue, not a new one");
        let all = w.target.control().dump()["issues"].clone();
        assert_eq!(all.as_object().unwrap().len(), 2);
        let jira = client("partner", &w.target);
        assert_eq!(w.rt.block_on(jira.comments(&key)).unwrap().len(), 1, "no comment is doubled");
        w.target.control().reset_requests();
        w.efface(&["sync", "run"]).exits(0);
        assert_eq!(writes(&w), [], "and that is that");

        // A query narrows, and never reaches beyond the synchronization.
        let report = json_of(&w, &["sync", "resync", "--jql", "summary ~ Valve ORDER BY created"], 0);
        assert_eq!(report["syncs"]["hq-partner"]["exported"], 1);
        for bad in ["nonsense ((", "summary ~ Valve) OR (summary ~ Pump", "nofield = 1"] {
            let run = w.efface(&["sync", "resync", "--jql", bad]).exits(2);
            assert!(run.err.contains("query"), "{}", run.err);
        }
        let run = w.efface(&["sync", "resync", "OTHER-1", &a]).exits(2);
        assert!(run.err.contains("OTHER-1"), "{}", run.err);
        w.efface(&["sync", "resync", "--sync", "nowhere", &a]).exits(2);
        let run = w.efface(&["sync", "resync", "HQ-999"]).exits(3);
        assert!(run.err.contains("HQ-999 is not there"), "{}", run.err);
        w.efface(&["sync", "resync", "HQ-999", "--dry-run"]).exits(3);
    }
}

#[test]
fn a_resync_leaves_erasures_alone_and_takes_parked_messages_along() {
    let w = World::new(Flavor::Cloud, 0);
    w.write_config("names = \"cut\"");
    let full = w.plant();
    w.efface(&["sync", "run"]).exits(0);
    w.register();
    let case = w.approved_case();
    w.efface(&["case", "execute", &case, "--yes"]).exits(0);
    // Another one's words in the source bring a comment; what is redacted stays.
    w.efface(&["sync", "resync", "--jql", "project = HQ"]).exits(0);
    let dump = w.target.control().dump()["issues"].to_string().to_lowercase();
    assert!(!dump.contains("van der quandt is refused") && dump.contains("[erased]"), "{dump}");
    w.efface(&["case", "verify", &case]).exits(0);

    // Parked: tried again before the resync, in order.
    let key = {
        w.indexed();
        let run = json_of(&w, &["sync", "links", "--issue", &full], 0);
        run["links"][0]["target"].as_str().unwrap().to_owned()
    };
    w.target.control().forbid_edit(&key, true);
    edit(&w, &full, json!({ "labels": ["one"] }));
    w.efface(&["sync", "run"]).exits(3);
    w.efface(&["sync", "resync", &full]).exits(3);
    assert_eq!(errors(&w, &["--issue", &full]).iter().map(|e| e["attempts"].clone()).collect::<Vec<_>>(), [2, 0]);
    w.target.control().forbid_edit(&key, false);
    w.efface(&["sync", "resync", &full]).exits(0);
    assert_eq!(errors(&w, &[]).len(), 0);
}

#[test]
fn a_resync_that_was_cut_off_is_finished_by_the_next_run() {
    let w = World::new(Flavor::DataCenter, 6);
    w.efface(&["sync", "run"]).exits(0);
    let all = json_of(&w, &["sync", "links"], 0);
    let keys: Vec<&str> = all["links"].as_array().unwrap().iter().map(|l| l["target"].as_str().unwrap()).collect();
    for key in &keys {
        w.target.control().edit_issue_behind(key, "summary", "wrong").unwrap();
    }
    w.source.control().set_latency(std::time::Duration::from_millis(60));
    let mut child = w.command(&["sync", "resync", "--jql", "project = HQ", "-q"]).spawn().unwrap();
    let begun = std::time::Instant::now();
    // After the search, in the middle of the exports.
    while w.source.control().request_log().iter().filter(|(_, p)| p.contains("/issue/")).count() < 2 {
        assert!(child.try_wait().unwrap().is_none() && begun.elapsed().as_secs() < 60, "it ended before it was killed");
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    w.source.control().set_latency(std::time::Duration::ZERO);
    w.efface(&["sync", "run"]).exits(0);
    let left = w.target.control().dump()["issues"]
        .as_object()
        .unwrap()
        .values()
        .filter(|i| i.to_string().contains("\"wrong\""))
        .count();
    assert_eq!(w.target.control().dump()["issues"].as_object().unwrap().len(), 6);
    let now =
        |key: &str| w.rt.block_on(client("partner", &w.target).issue(key, &["summary"], false, &[])).unwrap().unwrap();
    for key in keys {
        assert_ne!(now(key).summary(), Some("wrong"), "{left}");
    }
}

#[test]
fn links_are_listed_taken_over_and_taken_apart() {
    for flavor in [Flavor::Cloud, Flavor::DataCenter] {
        let w = World::new(flavor, 0);
        let (old, own) = (w.issue("Old", "from before", Value::Null), w.issue("Own", "x", Value::Null));
        w.comment(&old, "Said *before*");
        w.attach(&old, "a.txt", "abc");
        // Another tool copied one of them.
        let jira = client("partner", &w.target);
        let there = w.rt.block_on(async {
            let text = |t: &str| match flavor {
                Flavor::Cloud => json!({"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [{"type": "text", "text": t}]}]}),
                Flavor::DataCenter => json!(t),
            };
            let fields = json!({"project": {"key": "PART"}, "issuetype": {"name": "Task"}, "summary": "Old copy"});
            let key = jira.create_issue(fields.as_object().unwrap().clone(), &[]).await.unwrap().key;
            jira.add_comment(&key, text("Ada: Said before"), &[]).await.unwrap();
            jira.upload(&key, "a.txt", efface::jira::Upload::Bytes("abc".into())).await.unwrap();
            key
        });
        w.indexed();
        let list = w.path().join("links.csv");
        let import = |text: &str, code| {
            std::fs::write(&list, text).unwrap();
            w.efface(&["sync", "links", "--import", "links.csv"]).exits(code).err
        };
        // Bad lists: all that is wrong is said, and nothing is written.
        for (text, says) in [
            ("", "lists no links"),
            ("source,target\n", "lists no links"),
            ("HQ-1\n", "links.csv:1: source key and target key"),
            ("HQ-1,PART-1,x\n", "two columns"),
            ("HQ-1;PART-1\n", "two columns"),
            ("OTHER-1,PART-1\n", "links.csv:1: \"OTHER-1\" is no issue of the source project HQ"),
            ("HQ-1,HQ-2\n", "is no issue of the target project PART"),
            ("HQ-1,PART-x\n", "is no issue of the target project PART"),
            ("HQ-1,PART-1\nhq-1,PART-2\n", "links.csv:2: hq-1 stands in line 1 already"),
            ("HQ-1,PART-1\nHQ-2,part-1\n", "stands in line 1 already"),
            ("HQ-99,PART-1\n", "HQ-99 is not in the source"),
            ("HQ-1,PART-99\n", "PART-99 is not in the target"),
        ] {
            let err = import(text, 2);
            assert!(err.contains(says), "{text:?}: {err}");
        }
        std::fs::write(&list, b"HQ-1,\xff\xfe\n").unwrap();
        w.efface(&["sync", "links", "--import", "links.csv"]).exits(2);
        w.efface(&["sync", "links", "--import", "missing.csv"]).exits(2);
        assert_eq!(json_of(&w, &["sync", "links"], 0)["links"], json!([]));

        import(&format!("Source key,Target key\n{old},{there}\n"), 0);
        w.efface(&["sync", "run"]).exits(0);
        w.indexed();
        assert_eq!(w.target.control().dump()["issues"].as_object().unwrap().len(), 2, "Old is not made again");
        assert_eq!(target_key(&w, "Old"), there, "its fields are brought up to date");
        assert_eq!(w.rt.block_on(jira.comments(&there)).unwrap().len(), 1, "no comment is doubled");
        let files = w.rt.block_on(jira.issue(&there, &["attachment"], false, &[])).unwrap().unwrap();
        assert_eq!(files.field("attachment").unwrap().as_array().unwrap().len(), 1, "no file is doubled");
        let links = json_of(&w, &["sync", "links", "--issue", &there], 0)["links"].clone();
        assert_eq!(
            (&links[0]["source"], &links[0]["comments"], &links[0]["state"]),
            (&json!(old), &json!(1), &json!("live"))
        );
        assert!(
            w.efface(&["sync", "links", "--format", "csv"])
                .exits(0)
                .out
                .contains(&format!("hq-partner,{old},{there},live,1,1,"))
        );
        let own_there = target_key(&w, "Own");
        let err = import(&format!("{own},{there}\n"), 2);
        assert!(err.contains("is linked to"), "{err}");

        // Unlinked: neither brought up to date nor made again.
        w.efface(&["sync", "links", "--remove", "HQ-77"]).exits(2);
        w.efface(&["sync", "links", "--remove", &own_there.to_lowercase()]).exits(0);
        w.efface(&["sync", "links", "--remove", &own]).exits(2);
        edit(&w, &own, json!({ "summary": "Own, changed" }));
        w.efface(&["sync", "run", "--full"]).exits(0);
        w.efface(&["sync", "resync", &own]).exits(0);
        assert_eq!(target_key(&w, "Own"), own_there);
        assert_eq!(w.target.control().dump()["issues"].as_object().unwrap().len(), 2);
        assert_eq!(json_of(&w, &["sync", "links", "--state", "unlinked"], 0)["links"][0]["source"], json!(own));
        assert_eq!(json_of(&w, &["sync", "resync", &own, "--dry-run"], 0)["issues"][0]["outlook"], "unlinked");
        import(&format!("{own},{own_there}\n"), 0);
        w.efface(&["sync", "run"]).exits(0);
        assert_eq!(target_key(&w, "Own, changed"), own_there);
        assert!(w.efface(&["audit", "show"]).exits(0).out.contains("sync.unlinked"));
        w.efface(&["audit", "verify"]).exits(0);
    }
}

#[test]
fn what_was_erased_is_not_linked_again() {
    let w = World::new(Flavor::DataCenter, 0);
    let key = w.issue("Gone", "x", Value::Null);
    w.efface(&["sync", "run"]).exits(0);
    let there = target_key(&w, "Gone");
    {
        let config = efface::config::Config::load(&w.path().join("efface.toml")).unwrap();
        let store = efface::store::Store::open(&config.state).unwrap();
        let id = json_of(&w, &["sync", "links"], 0)["links"][0]["target_id"].as_str().unwrap().to_owned();
        let syncs = ["hq-partner".parse().unwrap()];
        efface::sync::note_erasure(&store, &syncs, efface::store::PairKind::Issue, &id).unwrap();
    }
    std::fs::write(w.path().join("l.csv"), format!("{key},{there}\n")).unwrap();
    let run = w.efface(&["sync", "links", "--import", "l.csv"]).exits(2);
    assert!(run.err.contains("erased"), "{}", run.err);
    w.efface(&["sync", "links", "--remove", &key]).exits(2);
    assert_eq!(json_of(&w, &["sync", "resync", &key, "--dry-run"], 0)["issues"][0]["outlook"], "erased");
    w.target.control().reset_requests();
    w.efface(&["sync", "resync", &key]).exits(0);
    assert_eq!(writes(&w), []);
    // While a run is at work, nothing is changed beside it.
    let lock = w.home().join("data/efface/hq-partner/.lock");
    let _held = efface::fs::Lock::acquire(&lock, std::time::Duration::ZERO).unwrap();
    w.efface(&["sync", "links", "--import", "l.csv"]).exits(3);
    w.efface(&["sync", "resync", &key]).exits(3);
}

/// What the index says of the person: place, part and state, and the whole answer.
fn whereabouts(w: &World) -> (Vec<(String, String, String)>, Value) {
    let requests = || w.source.control().requests() + w.target.control().requests();
    let before = requests();
    let run = w
        .efface(&["sync", "where", "--subject", "REQ-1", "--format", "json", "--purpose", &format!("is {EMAIL} gone?")])
        .exits(0);
    assert_eq!(requests(), before, "nobody is asked");
    assert!(!names_the_person(format!("{}{}", run.out, run.err).as_bytes()), "{}\n{}", run.out, run.err);
    let all: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!((&all["schema"], &all["complete"]), (&json!("efface.sync-where/1"), &json!(false)));
    let text = |v: &Value| v.as_str().unwrap().to_owned();
    let rows =
        all["entries"].as_array().unwrap().iter().map(|e| (text(&e["place"]), text(&e["part"]), text(&e["state"])));
    (rows.collect(), all)
}

#[test]
fn where_a_persons_data_went_is_answered_from_the_index() {
    for flavor in [Flavor::Cloud, Flavor::DataCenter] {
        let w = World::new(flavor, 2);
        let full = w.plant();
        w.attach(&full, &format!("CV {NAME}.txt"), "nothing");
        w.efface(&["sync", "run"]).exits(0);
        w.efface(&["sync", "where", "--subject", "REQ-1"]).exits(2);
        w.register();
        let (rows, all) = whereabouts(&w);
        for part in ["summary", "description", "assignee", "reporter"] {
            for (place, state) in [("staged", "processed"), ("target", "there")] {
                let row = (place.to_owned(), part.to_owned(), state.to_owned());
                assert!(rows.contains(&row), "{row:?} not in {all:#}");
            }
        }
        let kinds =
            |place: &str, kind: &str| rows.iter().filter(|(p, part, _)| p == place && part.starts_with(kind)).count();
        assert_eq!(
            (kinds("target", "comment/"), kinds("target", "attachment/")),
            (1, 1),
            "the unrelated ones are not named"
        );
        assert_eq!(
            all["totals"],
            json!({"messages": 2, "targets": ["partner/PART"], "issues": 2, "comments": 1, "files": 1})
        );
        let rota = all["entries"].as_array().unwrap().iter().find(|e| e["only_by_name"] == true).unwrap();
        assert_eq!(rota["by"], json!(["full-name"]), "the rota holds the bare name");
        assert_eq!(all["unknown"].as_array().unwrap().len(), 1, "all that was staged is indexed: {all:#}");
        let table = w.efface(&["sync", "where", "--subject", "REQ-1", "--sync", "hq-partner"]).exits(0);
        assert!(table.out.contains("assignee") && table.err.contains("Not complete"), "{}{}", table.out, table.err);
        w.efface(&["sync", "where", "--subject", "REQ-1", "--sync", "nowhere"]).exits(2);
        let told = w.efface(&["audit", "show", "--format", "json"]).exits(0).out;
        assert!(told.contains("sync.where") && !names_the_person(told.as_bytes()));
        for file in std::fs::read_dir(w.path().join("efface-state")).unwrap() {
            assert!(!names_the_person(&std::fs::read(file.unwrap().path()).unwrap()), "nothing is in clear");
        }

        // What the source says no more was there, and its history may have it.
        edit(&w, &full, json!({ "summary": "Badge" }));
        w.efface(&["sync", "run"]).exits(0);
        let (rows, _) = whereabouts(&w);
        let of = |place: &str| {
            rows.iter().filter(|(p, part, _)| p == place && part == "summary").map(|r| r.2.clone()).collect::<Vec<_>>()
        };
        assert_eq!(of("target"), ["replaced since; its history may have it"]);
        assert_eq!(of("staged"), ["processed"], "the first message has it still");
    }
}

#[test]
fn what_is_erased_leaves_the_index() {
    let w = World::new(Flavor::Cloud, 0);
    w.write_config("names = \"cut\"");
    w.plant();
    w.efface(&["sync", "run"]).exits(0);
    w.register();
    assert!(whereabouts(&w).0.len() > 8);
    let case = w.approved_case();
    w.efface(&["case", "execute", &case, "--yes"]).exits(0);
    let (rows, all) = whereabouts(&w);
    assert!(rows.iter().all(|(place, ..)| place == "target"), "what is staged holds nobody any more: {all:#}");
    assert!(rows.iter().any(|(_, part, state)| part == "description" && state == "redacted since"), "{all:#}");
    w.efface(&["case", "verify", &case]).exits(0);
    w.efface(&["case", "close", &case]).exits(0);
    w.register();
    let (rows, all) = whereabouts(&w);
    assert!(!rows.iter().any(|(.., state)| state == "redacted since"), "{all:#}");
    // Where the person is written of anew, the cuts are made before anything is indexed.
    w.issue("Call back", &format!("[~{USER}], {EMAIL}"), json!({ "assignee": { "name": USER } }));
    w.efface(&["sync", "run"]).exits(0);
    assert_eq!(whereabouts(&w).0, rows);
}

#[test]
fn what_the_index_does_not_know_is_counted() {
    let w = World::new(Flavor::DataCenter, 0);
    let key = w.issue("Old", &format!("by {EMAIL}"), Value::Null);
    let jira = client("partner", &w.target);
    let fields = json!({"project": {"key": "PART"}, "issuetype": {"name": "Task"}, "summary": "Old copy"});
    let there = w.rt.block_on(jira.create_issue(fields.as_object().unwrap().clone(), &[])).unwrap().key;
    w.indexed();
    std::fs::write(w.path().join("l.csv"), format!("{key},{there}\n")).unwrap();
    w.efface(&["sync", "links", "--import", "l.csv"]).exits(0);
    w.register();
    let (rows, all) = whereabouts(&w);
    assert!(
        rows.is_empty() && all["unknown"][0].as_str().unwrap().starts_with("1 issues were carried over, or linked"),
        "{all:#}"
    );
    w.efface(&["sync", "run"]).exits(0);
    let (rows, all) = whereabouts(&w);
    assert_eq!((rows.len(), all["unknown"].as_array().unwrap().len()), (2, 1), "{all:#}");
    // A message that waits is staged and not in the target.
    w.target.control().hide_project("PART", true);
    w.issue("New", &format!("by {EMAIL}"), Value::Null);
    w.efface(&["sync", "run"]).exits(3);
    let (rows, _) = whereabouts(&w);
    let new: Vec<_> = rows.iter().filter(|(.., state)| state == "new").collect();
    assert_eq!((rows.len(), new.len()), (3, 1), "{rows:?}");
}

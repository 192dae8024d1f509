//! Keeping a synchronization going: what is parked and tried again, resync, links, and where a person's data went.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
};

use efface::{jira::Notify, model::Flavor};
use serde_json::{Map, Value, json};

use crate::world::{World, client};

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

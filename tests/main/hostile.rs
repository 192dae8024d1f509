//! What a hostile tester found, kept: findings that were missed, steps that claimed what they had not done, cases that could
//! never close.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use base64::Engine;
use efface::model::Flavor;
use serde_json::{Value, json};

use crate::world::{EMAIL, NAME, USER, World, client, names_the_person};

/// One REST call of the bot, which no client of ours has.
fn rest(w: &World, source: bool, method: &str, path: &str, body: &Value) -> Value {
    let sandbox = if source { &w.source } else { &w.target };
    let version = if sandbox.flavor() == Flavor::Cloud { 3 } else { 2 };
    let host = sandbox.url().strip_prefix("http://").unwrap();
    let auth = base64::engine::general_purpose::STANDARD.encode(format!("{}:{}", sandbox.user(), sandbox.token()));
    let body = body.to_string();
    let mut stream = TcpStream::connect(host).unwrap();
    write!(
        stream,
        "{method} /rest/api/{version}/{path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Basic {auth}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, content) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 2"), "{method} {path}: {answer}");
    serde_json::from_str(content).unwrap_or(Value::Null)
}

/// An issue in the target; gives its key.
fn in_target(w: &World, fields: &Value) -> String {
    let mut all = json!({ "project": { "key": "PART" }, "issuetype": { "name": "Task" }, "summary": "s" });
    all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let key = rest(w, false, "POST", "issue", &json!({ "fields": all }))["key"].as_str().unwrap().to_owned();
    w.indexed();
    key
}

fn opened(w: &World) -> String {
    w.efface(&["case", "open", "--subject", "REQ-1", "-q"]).exits(0).out.trim().to_owned()
}

fn planned(w: &World, case: &str) -> Value {
    let run = w.efface(&["case", "plan", case, "--format", "json"]);
    serde_json::from_str::<Value>(&run.out).unwrap_or_else(|e| panic!("{e}: {}{}", run.out, run.err))["plan"].take()
}

fn reviews(plan: &Value) -> Vec<Value> {
    plan["standing"].as_array().unwrap().iter().filter(|s| s["outcome"] == "review").cloned().collect()
}

fn executed(w: &World, case: &str, code: i32) {
    w.efface_as("dpo", &["case", "approve", case]).exits(0);
    w.efface(&["case", "execute", case, "--yes"]).exits(code);
}

fn a_watcher(flavor: Flavor) {
    let w = World::new(flavor, 1);
    w.register();
    let key = in_target(&w, &json!({}));
    rest(&w, false, "POST", &format!("issue/{key}/watchers"), &json!(w.target_id));
    let other = w.target.control().people().into_iter().nth(2).unwrap();
    let other_id = if flavor == Flavor::Cloud { other.id } else { other.name };
    rest(&w, false, "POST", &format!("issue/{key}/watchers"), &json!(other_id));
    let watching = || w.rt.block_on(client("partner", &w.target).watchers(&key)).unwrap();
    let before = watching().len();
    let case = opened(&w);
    planned(&w, &case);
    executed(&w, &case, 0);
    assert_eq!(watching().len(), before - 1, "the person watches no more, the others do");
    assert!(!names_the_person(json!(watching().into_iter().map(|u| u.raw).collect::<Vec<_>>()).to_string().as_bytes()));
    w.efface(&["case", "verify", &case]).exits(0);
}

#[test]
fn a_watcher_is_really_taken_away() {
    a_watcher(Flavor::Cloud);
    a_watcher(Flavor::DataCenter);
}

#[test]
fn what_is_hidden_was_not_erased() {
    let w = World::new(Flavor::Cloud, 1);
    w.register();
    let key = w.issue("s", &format!("call {EMAIL}"), Value::Null);
    let case = opened(&w);
    planned(&w, &case);
    w.source.control().hide_project("HQ", true);
    executed(&w, &case, 3);
    w.source.control().hide_project("HQ", false);
    w.efface(&["case", "execute", &case, "--yes"]).exits(0);
    let issue = w.rt.block_on(client("hq", &w.source).issue(&key, &["*all"], false, &[])).unwrap().unwrap();
    assert!(!names_the_person(json!(issue.field("description")).to_string().as_bytes()));
    w.efface(&["case", "verify", &case]).exits(0);
}

#[test]
fn a_user_name_of_the_source_is_found_in_the_target() {
    // Cloud has no user names: nobody else can be meant.
    let w = World::new(Flavor::Cloud, 1);
    w.register();
    let key = in_target(&w, &json!({ "labels": ["a", USER, "Zoë_van_der_Quandt"] }));
    rest(&w, false, "PUT", &format!("issue/{key}/properties/seen-by-{USER}"), &json!({ "by": USER }));
    let (_, report) = w.scan(&["--area", "target"]);
    let said = |kind: &str, field: &str| {
        report["findings"]
            .as_array()
            .unwrap()
            .iter()
            .find(|f| f["kind"] == kind && f["field"] == field)
            .map(|f| (f["strength"].as_str().unwrap().to_owned(), f["decision"].as_str().unwrap().to_owned()))
    };
    let pair = |a: &str, b: &str| Some((a.to_owned(), b.to_owned()));
    assert_eq!(said("username", "labels"), pair("probable", "remove"), "{report:#}");
    assert_eq!(said("full-name", "labels"), pair("probable", "remove"), "{report:#}");
    assert_eq!(said("username", "value"), pair("probable", "redact"), "{report:#}");
    assert_eq!(said("username", "key"), pair("possible", "review"), "{report:#}");
    assert!(!names_the_person(report.to_string().as_bytes()), "{report:#}");
    let case = opened(&w);
    let open = reviews(&planned(&w, &case));
    assert_eq!(open.len(), 1, "{open:#?}");
    w.efface(&["case", "review", &case, open[0]["finding"].as_str().unwrap(), "--erase", "delete"]).exits(0);
    assert_eq!(reviews(&planned(&w, &case)), Vec::<Value>::new());
    executed(&w, &case, 0);
    w.efface(&["case", "verify", &case]).exits(0);
    let issue = w.rt.block_on(client("partner", &w.target).issue(&key, &["labels"], false, &[])).unwrap().unwrap();
    assert_eq!(issue.field("labels"), Some(&json!(["a"])));
    assert_eq!(w.rt.block_on(client("partner", &w.target).property_keys(&key)).unwrap(), Vec::<String>::new());
}

#[test]
fn the_same_user_name_at_another_data_center_may_be_somebody_else() {
    let w = World::new(Flavor::DataCenter, 0);
    w.efface(&["subject", "add", "--id", "REQ-1", "--username", "hq=mhuber"]).exits(0);
    in_target(&w, &json!({ "description": "ask [~mhuber]" }));
    let (code, report) = w.scan(&["--area", "target"]);
    assert_eq!(code, 1);
    let found = report["findings"].as_array().unwrap();
    assert!(!found.is_empty() && found.iter().all(|f| f["strength"] == "possible" && f["decision"] == "review"));
}

#[test]
fn folders_and_files_that_cannot_be_cut() {
    let w = World::new(Flavor::Cloud, 0);
    w.register();
    let tool = w.home().join("data/other-tool");
    std::fs::create_dir_all(tool.join(USER)).unwrap();
    std::fs::write(tool.join(USER).join("inside.txt"), "nothing").unwrap();
    std::fs::create_dir_all(tool.join(format!("of {NAME}"))).unwrap();
    // UTF-16 with half a surrogate pair: it cannot be written back byte for byte.
    let mut bytes = vec![0xff, 0xfe];
    bytes.extend(EMAIL.encode_utf16().flat_map(u16::to_le_bytes));
    bytes.extend([0x00, 0xd8, b'x', 0]);
    std::fs::write(tool.join("lone.txt"), bytes).unwrap();
    let case = opened(&w);
    let plan = planned(&w, &case);
    let open = reviews(&plan);
    assert_eq!(open.len(), 1, "the file that cannot be rewritten: {open:#?}");
    let stays = plan["standing"].as_array().unwrap();
    assert!(stays.iter().any(|s| s["outcome"] == "residual" && s["who"].is_string() && s["field"] == "name"));
    w.efface(&["case", "review", &case, open[0]["finding"].as_str().unwrap(), "--erase", "redact"]).exits(0);
    assert_eq!(reviews(&planned(&w, &case)).len(), 1, "what cannot be carried out stays open");
    w.efface(&["case", "review", &case, open[0]["finding"].as_str().unwrap(), "--erase", "delete"]).exits(0);
    planned(&w, &case);
    executed(&w, &case, 0);
    w.efface(&["case", "verify", &case]).exits(0);
    assert!(!tool.join("lone.txt").exists() && !tool.join(format!("of {NAME}")).exists());
    assert!(tool.join(USER).join("inside.txt").exists(), "what others keep in the folder is left alone");
    w.efface(&["case", "close", &case]).exits(0);
}

#[test]
fn what_only_the_verification_met_is_no_trap() {
    let w = World::new(Flavor::Cloud, 0);
    w.register();
    let tool = w.home().join("data/other-tool");
    std::fs::write(tool.join("a.txt"), format!("call {NAME}")).unwrap();
    let case = w.approved_case();
    w.efface(&["case", "verify", &case]).exits(4);
    w.efface(&["case", "execute", &case, "--yes"]).exits(0);
    std::fs::write(tool.join("b.txt"), format!("call {NAME}")).unwrap();
    w.efface(&["case", "verify", &case]).exits(1);
    std::fs::remove_file(tool.join("b.txt")).unwrap();
    let open = reviews(&planned(&w, &case));
    assert_eq!(open.len(), 1, "{open:#?}");
    let finding = open[0]["finding"].as_str().unwrap();
    w.efface(&["case", "review", &case, finding, "--erase", "redact"]).exits(2);
    w.efface(&["case", "review", &case, finding, "--other-person", "read by hand"]).exits(0);
    assert_eq!(reviews(&planned(&w, &case)), Vec::<Value>::new());
    executed(&w, &case, 0);
    w.efface(&["case", "verify", &case]).exits(0);
    // The certificate counts what every plan of the case did.
    w.efface(&["case", "certificate", &case, "-o", "c.json"]).exits(0);
    let certificate: Value = serde_json::from_slice(&std::fs::read(w.path().join("c.json")).unwrap()).unwrap();
    let outcomes = certificate["outcomes"].as_array().unwrap();
    assert!(outcomes.iter().any(|o| o["outcome"] == "redacted" && o["findings"] == 1), "{certificate:#}");
    w.efface(&["case", "close", &case]).exits(0);
    w.efface(&["scan", "--subject", "REQ-1"]).exits(2);
}

#[test]
fn free_text_names_nobody() {
    let w = World::new(Flavor::Cloud, 0);
    w.register();
    w.efface(&["scan", "--subject", "REQ-1", "--area", "log", "--purpose", &format!("for {NAME}, {EMAIL}")]);
    std::fs::write(w.home().join("log/jira.log"), "Z. Quandt called\n").unwrap();
    let case = opened(&w);
    let open = reviews(&planned(&w, &case));
    let finding = open[0]["finding"].as_str().unwrap();
    w.efface(&["case", "review", &case, finding, "--other-person", &format!("it is not {NAME}")]).exits(0);
    planned(&w, &case);
    executed(&w, &case, 0);
    w.efface(&["case", "verify", &case]).exits(0);
    w.efface(&["case", "certificate", &case, "-o", "c.json"]).exits(0);
    // What was carried out is not undone by a word.
    w.efface(&["case", "reject", &case, "--reason", "no"]).exits(4);
    w.efface(&["case", "withdraw", &case, "--reason", "no"]).exits(4);
    assert!(!names_the_person(w.efface(&["audit", "show", "--format", "json"]).exits(0).out.as_bytes()));
    let mine: Vec<_> = w.files_naming_the_person().into_iter().filter(|f| !f.contains("/home/")).collect();
    assert_eq!(mine, Vec::<String>::new());
}

#[test]
fn a_step_that_fails_for_good_does_not_hold_the_case() {
    let w = World::new(Flavor::Cloud, 1);
    w.register();
    w.issue("s", &format!("call {EMAIL}"), Value::Null);
    let case = opened(&w);
    planned(&w, &case);
    w.source.control().forbid_edit("HQ", true);
    executed(&w, &case, 3);
    assert_eq!(planned(&w, &case)["steps"].as_array().unwrap().len(), 1);
    w.source.control().forbid_edit("HQ", false);
    executed(&w, &case, 0);
    w.efface(&["case", "verify", &case]).exits(0);
}

#[test]
fn at_a_partner_nothing_is_touched_and_all_is_told() {
    let w = World::new(Flavor::Cloud, 0);
    w.register();
    let config = std::fs::read_to_string(w.path().join("efface.toml")).unwrap();
    let partner =
        config.replace("controller = \"processor\"", "controller = \"partner\"\ncontact = \"privacy@partner.example\"");
    std::fs::write(w.path().join("efface.toml"), &partner).unwrap();
    let key = in_target(&w, &json!({ "summary": format!("{NAME}, Z. Quandt"), "labels": [USER] }));
    rest(&w, false, "POST", &format!("issue/{key}/watchers"), &json!(w.target_id));
    let before = w.target.control().dump();
    let case = opened(&w);
    let plan = planned(&w, &case);
    assert_eq!(plan["steps"], json!([]));
    let stays = plan["standing"].as_array().unwrap();
    assert!(stays.len() > 3, "{stays:#?}");
    // The person's own account at ours is another matter.
    for s in stays.iter().filter(|s| s["place"] != "source:hq/settings") {
        assert_eq!((&s["outcome"], &s["who"]), (&json!("residual"), &json!("privacy@partner.example")), "{s:#}");
    }
    executed(&w, &case, 0);
    assert_eq!(w.target.control().dump(), before);
    w.efface(&["case", "verify", &case]).exits(0);
    // With a consent that is asked for and given, it is done.
    let consent = partner.replace("controller = \"partner\"", "controller = \"partner\"\nerase = \"consent\"");
    std::fs::write(w.path().join("efface.toml"), consent).unwrap();
    assert_eq!(planned(&w, &opened(&w))["steps"], json!([]));
    let run = w.efface(&["case", "open", "--subject", "REQ-1", "-q", "--consent", "partner=REF-7"]).exits(0);
    assert_ne!(planned(&w, run.out.trim())["steps"], json!([]));
}

#[test]
fn what_was_just_synchronised_is_scanned_though_the_search_does_not_know_it_yet() {
    let w = World::new(Flavor::Cloud, 0);
    w.plant();
    w.register();
    w.efface(&["sync", "run"]).exits(0);
    let found = |w: &World| {
        let (_, report) = w.scan(&["--area", "target"]);
        assert_eq!(report["coverage"][0]["status"], "examined", "{:#}", report["coverage"]);
        report["findings"].as_array().unwrap().len()
    };
    let at_once = found(&w);
    w.indexed();
    assert!(at_once > 3, "{at_once}");
    assert_eq!(at_once, found(&w), "the search is late, what we made ourselves is known without it");
}

#[test]
fn a_file_that_a_program_writes_is_left_to_it() {
    let w = World::new(Flavor::DataCenter, 0);
    w.plant();
    w.register();
    let open = |path: &str| std::fs::OpenOptions::new().append(true).open(w.home().join(path)).unwrap();
    let mut log = open("log/jira.log");
    let case = w.efface(&["case", "open", "--subject", "REQ-1", "-q"]).exits(0).out.trim().to_owned();
    let plan = w.efface(&["case", "plan", &case, "--format", "json"]).exits(0);
    let plan: Value = serde_json::from_str(&plan.out).unwrap();
    let stays: Vec<_> =
        plan["plan"]["standing"].as_array().unwrap().iter().filter(|s| s["record"]["path"] == "jira.log").collect();
    assert!(!stays.is_empty(), "{plan:#}");
    for s in &stays {
        assert_eq!((s["outcome"].as_str(), s["rule"].as_str()), (Some("residual"), Some("in-use")), "{s:#}");
        assert!(s["who"].as_str().unwrap().contains("rotate"), "{s:#}");
    }
    w.efface_as("dpo", &["case", "approve", &case]).exits(0);
    // A program that comes later is met by the step.
    let csv = w.home().join("data/other-tool/users.csv");
    let before = std::fs::read(&csv).unwrap();
    let later = open("data/other-tool/users.csv");
    let run = w.efface(&["case", "execute", &case, "--yes"]).exits(3);
    assert!(run.err.contains("open for writing"), "{}", run.err);
    assert_eq!(std::fs::read(&csv).unwrap(), before);
    drop(later);
    w.efface(&["case", "execute", &case, "--yes"]).exits(0);
    assert!(!names_the_person(&std::fs::read(&csv).unwrap()));
    w.efface(&["case", "verify", &case]).exits(0);
    // Once it is let go of, the next plan takes it.
    std::io::Write::write_all(&mut log, b"login anna again\n").unwrap();
    drop(log);
    w.efface(&["case", "plan", &case]).exits(0);
    w.efface_as("dpo", &["case", "approve", &case]).exits(0);
    w.efface(&["case", "execute", &case, "--yes"]).exits(0);
    w.efface(&["case", "verify", &case]).exits(0);
    let log = std::fs::read(w.home().join("log/jira.log")).unwrap();
    assert!(!names_the_person(&log) && log.ends_with(b"login anna again\n"));
}

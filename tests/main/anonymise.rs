//! Accounts of a Data Center are anonymised where the policy says so: what nobody can edit goes with the account.

use std::{process::Stdio, time::Duration};

use efface::{jira::Notify, model::Flavor, sandbox::Control};
use serde_json::{Map, Value, json};

use crate::world::{EMAIL, NAME, USER, World, anonymising_policy, client, names_the_person, post};

/// A world whose person has an account at both Data Centers, and stands in the history of the source.
fn world() -> World {
    let w = World::new(Flavor::DataCenter, 1);
    let key = w.plant();
    let once = w.issue("Once hers", "nothing", json!({ "assignee": { "name": USER } }));
    let nobody = [("assignee".to_owned(), Value::Null)].into_iter().collect();
    let edit = async || client("hq", &w.source).edit_issue(&once, nobody, Map::new(), Notify::PreferNever).await;
    w.rt.block_on(edit()).unwrap();
    post(&w.source, &format!("/rest/api/2/issue/{key}/comment"), &json!({ "body": format!("by [~{USER}]") }));
    w.efface(&["sync", "run"]).exits(0);
    w.register();
    for (name, control) in [("hq", w.source.control()), ("partner", w.target.control())] {
        let key = control.people().into_iter().find(|p| p.name == USER).unwrap().id;
        w.efface(&["subject", "add", "--id", "REQ-1", "--user-key", &format!("{name}={key}")]).exits(0);
    }
    anonymising_policy(&w);
    w
}

fn open(w: &World) -> String {
    w.efface(&["case", "open", "--subject", "REQ-1", "-q"]).exits(0).out.trim().to_owned()
}

fn plan(w: &World, case: &str) -> Value {
    let run = w.efface(&["case", "plan", case, "--format", "json"]).exits(0);
    assert!(!names_the_person(run.out.as_bytes()), "{}", run.out);
    serde_json::from_str::<Value>(&run.out).unwrap()["plan"].clone()
}

fn anonymising(plan: &Value) -> Vec<&Value> {
    plan["steps"].as_array().unwrap().iter().filter(|s| s["operation"] == "anonymise").collect()
}

fn approve(w: &World, case: &str) {
    w.efface_as("dpo", &["case", "approve", case]).exits(0);
}

/// Starts of anonymisations since the last reset.
fn starts(control: &Control) -> usize {
    let log = control.request_log();
    log.iter().filter(|(method, path)| method == "POST" && path.contains("/user/anonymization")).count()
}

fn verified_and_closed(w: &World, case: &str) {
    w.efface(&["case", "verify", case]).exits(0);
    w.efface(&["case", "certificate", case, "-o", "certificate.json"]).exits(0);
    assert!(!names_the_person(&std::fs::read(w.path().join("certificate.json")).unwrap()));
    w.efface(&["case", "close", case]).exits(0);
    let state = w.files_naming_the_person();
    assert!(state.iter().all(|f| !f.contains("efface-state")), "{state:?}");
}

#[test]
fn what_nobody_can_edit_goes_with_the_account() {
    let w = world();
    let case = open(&w);
    let planned = plan(&w, &case);
    let steps = anonymising(&planned);
    assert_eq!(steps.len(), 2, "one an instance: {:#}", planned["steps"]);
    let last: Vec<_> = planned["steps"].as_array().unwrap().iter().rev().take(2).collect();
    assert!(last.iter().all(|s| s["operation"] == "anonymise"), "they come last");
    for step in &steps {
        assert!(step["notes"].as_array().unwrap().iter().any(|n| n.as_str().unwrap().contains("cannot be undone")));
        assert!(step["record"]["id"].is_null() && !step["edits"].as_array().unwrap().is_empty(), "{step:#}");
    }
    approve(&w, &case);
    // One stops halfway: it is run again, with the old names.
    w.source.control().fail_anonymization(1);
    w.efface(&["case", "execute", &case, "--yes"]).exits(0);
    let (source, target) = w.control();
    for control in [source, target] {
        let people = control.people();
        assert!(people.iter().all(|p| p.name != USER && p.display_name != NAME), "{people:?}");
        let people = json!(control.dump()["users"]).to_string();
        assert!(!names_the_person(people.as_bytes()) && !people.contains(EMAIL), "{people}");
    }
    verified_and_closed(&w, &case);
    // The next sync maps nobody to what is left of the account, and makes no new one.
    let before = w.target.control().people().len();
    w.efface(&["sync", "run"]).exits(0);
    assert_eq!(w.target.control().people().len(), before);
}

#[test]
fn a_task_that_was_cut_off_is_waited_for_and_started_once() {
    let w = world();
    let case = open(&w);
    plan(&w, &case);
    approve(&w, &case);
    let source = w.source.control();
    source.set_job_polls(1_000_000);
    source.reset_requests();
    let mut child =
        w.command(&["case", "execute", &case, "--yes"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while starts(&source) == 0 {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it started one");
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::sleep(Duration::from_millis(50));
    child.kill().unwrap();
    child.wait().unwrap();
    source.set_job_polls(2);
    w.efface(&["case", "execute", &case, "--yes"]).exits(0);
    assert_eq!(starts(&source), 1, "{:#?}", source.request_log());
    verified_and_closed(&w, &case);
}

#[test]
fn an_account_that_cannot_go_stays_with_the_reason() {
    let w = world();
    w.source.control().set_directory_user(USER, true).unwrap();
    w.target.control().set_admin(false);
    let case = open(&w);
    let planned = plan(&w, &case);
    assert!(anonymising(&planned).is_empty());
    let why = |place: &str| {
        let standing = planned["standing"].as_array().unwrap().iter();
        let mut of = standing.filter(|s| {
            s["rule"].as_str().unwrap().starts_with("account") && s["place"].as_str().unwrap().starts_with(place)
        });
        let one = of.next().unwrap_or_else(|| panic!("{place}: {:#}", planned["standing"])).clone();
        assert_eq!(one["outcome"], "residual", "{one:#}");
        one["why"].as_str().unwrap().to_owned()
    };
    assert!(why("source:").contains("read-only"), "{}", why("source:"));
    assert!(why("target:").contains("system administrator"), "{}", why("target:"));
    approve(&w, &case);
    w.efface(&["case", "execute", &case, "--yes"]).exits(0);
    verified_and_closed(&w, &case);
}

#[test]
fn a_hold_on_anything_of_the_account_holds_it() {
    let w = world();
    let case = open(&w);
    let planned = plan(&w, &case);
    let edits = anonymising(&planned)[0]["edits"].as_array().unwrap();
    assert!(edits.iter().any(|e| e["at"]["record"]["type"] == "history"), "{edits:#?}");
    approve(&w, &case);
    let add =
        ["hold", "add", "--type", "preservation", "--basis", "claim 7", "--record", "history", "--place", "source:**"];
    w.efface_as("legal", &add).exits(0);
    w.source.control().reset_requests();
    w.efface(&["case", "execute", &case, "--yes"]).exits(4);
    assert_eq!(starts(&w.source.control()), 0);
    assert!(w.source.control().people().iter().any(|p| p.name == USER), "the account is as it was");
    let planned = plan(&w, &case);
    assert!(anonymising(&planned).iter().all(|s| s["instance"] != "hq"), "{:#}", planned["steps"]);
    let held = planned["standing"].as_array().unwrap().iter().filter(|s| s["outcome"] == "held").count();
    assert!(held > 1, "{:#}", planned["standing"]);
}

#[test]
fn an_account_that_was_renamed_is_refused() {
    let w = world();
    let case = open(&w);
    plan(&w, &case);
    approve(&w, &case);
    w.target.control().rename_user(USER, "zoevdq").unwrap();
    w.target.control().reset_requests();
    w.efface(&["case", "execute", &case, "--yes"]).exits(4);
    assert_eq!(starts(&w.target.control()), 0);
}

#[test]
fn on_cloud_the_rule_is_passed_over_and_says_why() {
    let w = world();
    let explain = |flavor: &str| {
        let args = ["policy", "explain", "own.toml", "--area", "target", "--record", "user-profile", "--field", "name"];
        let more = ["--kind", "account-id", "--strength", "certain", "--flavor", flavor];
        w.efface(&[&args[..], &more].concat()).exits(0).out
    };
    assert!(explain("datacenter").starts_with("decision  anonymise"), "{}", explain("datacenter"));
    let cloud = explain("cloud");
    assert!(cloud.starts_with("decision  residual") && cloud.contains("Atlassian's"), "{cloud}");
}

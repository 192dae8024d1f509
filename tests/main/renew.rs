//! An issue of a target is written anew, so that its history goes too, where nothing of others would be lost.

use efface::{jira::Notify, model::Flavor};
use serde_json::{Map, Value, json};

use crate::world::{EMAIL, World, client, names_the_person, post, renewing_policy};

/// A world whose target keeps the person in the history of its first issue; gives the keys there of that issue and of
/// another one.
fn world(flavor: Flavor) -> (World, String, String) {
    let w = World::new(flavor, 0);
    let key = w.issue("Badge is refused", &format!("write to {EMAIL}"), Value::Null);
    w.comment(&key, &format!("or call {EMAIL}"));
    w.attach(&key, "log.txt", "nobody");
    w.issue("Rota", "Anna early", Value::Null);
    w.efface(&["sync", "run"]).exits(0);
    let text = [("description".to_owned(), json!(format!("write to {EMAIL}, or wait")))].into_iter().collect();
    let edit = async || client("hq", &w.source).edit_issue(&key, text, Map::new(), Notify::PreferNever).await;
    w.rt.block_on(edit()).unwrap();
    w.efface(&["sync", "run"]).exits(0);
    w.indexed();
    w.register();
    renewing_policy(&w, "\"history\"");
    let arrived = |what: &str| {
        let jira = client("partner", &w.target);
        w.rt.block_on(jira.search(&format!("summary ~ {what}"), &["summary"]).all()).unwrap()[0].key().to_owned()
    };
    let keys = (arrived("Badge"), arrived("Rota"));
    assert!(names_the_person(history(&w, &keys.0).as_bytes()), "the history holds the old text");
    (w, keys.0, keys.1)
}

fn history(w: &World, key: &str) -> String {
    w.target.control().dump()["issues"][key]["history"].to_string()
}

fn open(w: &World) -> String {
    w.efface(&["case", "open", "--subject", "REQ-1", "-q"]).exits(0).out.trim().to_owned()
}

fn plan(w: &World, case: &str) -> Value {
    let run = w.efface(&["case", "plan", case, "--format", "json"]).exits(0);
    serde_json::from_str::<Value>(&run.out).unwrap()["plan"].clone()
}

fn approve(w: &World, case: &str) {
    w.efface_as("dpo", &["case", "approve", case]).exits(0);
}

fn renewing(plan: &Value) -> Vec<&Value> {
    plan["steps"].as_array().unwrap().iter().filter(|s| s["operation"] == "renew").collect()
}

fn written_anew(flavor: Flavor) {
    let (w, key, other) = world(flavor);
    let case = open(&w);
    let planned = plan(&w, &case);
    let steps = renewing(&planned);
    assert_eq!(steps.len(), 1, "{:#}", planned["steps"]);
    let records: Vec<_> = steps[0]["edits"].as_array().unwrap().iter().map(|e| &e["at"]["record"]["type"]).collect();
    assert!(records.contains(&&json!("history")) && records.contains(&&json!("comment")), "{records:?}");
    assert!(
        planned["steps"]
            .as_array()
            .unwrap()
            .iter()
            .all(|s| s["operation"] == "renew" || s["record"]["key"] != key.as_str())
    );
    approve(&w, &case);
    let before = w.target.control().dump()["issues"][&other].clone();
    w.efface(&["case", "execute", &case, "--yes"]).exits(0);
    assert!(w.target.control().dump()["issues"][&key].is_null(), "it is gone");
    w.efface(&["case", "verify", &case]).exits(0);
    // The next run writes it again, without the person, and only once.
    w.efface(&["sync", "run"]).exits(0);
    w.efface(&["sync", "run"]).exits(0);
    w.indexed();
    let dump = w.target.control().dump();
    let issues = dump["issues"].as_object().unwrap();
    assert_eq!(issues.len(), 2, "{:?}", issues.keys());
    assert_eq!(issues[&other], before, "nothing else was touched");
    let copy = issues.iter().find(|(k, _)| **k != other).unwrap().1;
    assert!(!names_the_person(copy.to_string().as_bytes()), "{copy:#}");
    assert_eq!((copy["comments"].as_array().unwrap().len(), copy["attachments"].as_array().unwrap().len()), (1, 1));
    w.efface(&["case", "verify", &case]).exits(0);
    let (_, found) = w.scan(&["--area", "target"]);
    let left: Vec<_> = found["findings"].as_array().unwrap().iter().filter(|f| !f["record"]["key"].is_null()).collect();
    assert!(left.is_empty(), "{left:#?}");
    w.efface(&["case", "certificate", &case, "-o", "certificate.json"]).exits(0);
    w.efface(&["case", "close", &case]).exits(0);
}

#[test]
fn an_issue_is_written_anew_on_cloud() {
    written_anew(Flavor::Cloud);
}

#[test]
fn an_issue_is_written_anew_on_data_center() {
    written_anew(Flavor::DataCenter);
}

#[test]
fn what_others_put_into_an_issue_keeps_it() {
    let (w, key, _) = world(Flavor::DataCenter);
    let comment = format!("/rest/api/2/issue/{key}/comment");
    let case = open(&w);
    assert_eq!(renewing(&plan(&w, &case)).len(), 1);
    approve(&w, &case);
    // Between plan and execution: what was approved is no longer what would go.
    post(&w.target, &comment, &json!({ "body": "a word of ours" }));
    let run = w.efface(&["case", "execute", &case, "--yes"]).exits(4);
    assert!(run.err.contains("changed"), "{}", run.err);
    assert!(!w.target.control().dump()["issues"][&key].is_null(), "it is still there");
    // The next plan says why it stays, and edits what can be edited.
    let planned = plan(&w, &case);
    assert!(renewing(&planned).is_empty());
    let stays: Vec<_> = planned["standing"].as_array().unwrap().iter().filter(|s| s["rule"] == "anew").collect();
    assert!(!stays.is_empty(), "{:#}", planned["standing"]);
    for s in stays {
        assert_eq!(s["outcome"], "residual");
        assert!(s["why"].as_str().unwrap().contains("somebody else commented"), "{s:#}");
    }
    approve(&w, &case);
    w.efface(&["case", "execute", &case, "--yes"]).exits(0);
    w.efface(&["case", "verify", &case]).exits(0);
    let issue = w.target.control().dump()["issues"][&key].clone();
    assert!(
        issue["comments"].to_string().contains("a word of ours")
            && !names_the_person(issue["comments"].to_string().as_bytes())
    );
}

#[test]
fn a_hold_and_a_source_that_is_gone_keep_an_issue() {
    let (w, key, _) = world(Flavor::DataCenter);
    let case = open(&w);
    let add = ["hold", "add", "--type", "preservation", "--basis", "claim 7", "--issue", &key, "-q"];
    let hold = w.efface_as("legal", &add).exits(0).out.trim().to_owned();
    let planned = plan(&w, &case);
    assert!(renewing(&planned).is_empty());
    assert!(
        planned["standing"]
            .as_array()
            .unwrap()
            .iter()
            .any(|s| s["outcome"] == "held" && s["record"]["key"] == key.as_str())
    );
    w.efface_as("dpo", &["hold", "release", &hold, "--reason", "settled"]).exits(0);
    // The synchronization would not write it again: its query selects something else now.
    w.write_config("");
    let config = std::fs::read_to_string(w.path().join("efface.toml")).unwrap();
    let config = config.replacen("path = \"home\"", "path = \"home\"\npolicy = \"own.toml\"", 1).replacen(
        "project = \"HQ\" }",
        "project = \"HQ\", jql = \"labels = shared\" }",
        1,
    );
    std::fs::write(w.path().join("efface.toml"), config).unwrap();
    let planned = plan(&w, &case);
    assert!(renewing(&planned).is_empty());
    let why = planned["standing"].as_array().unwrap().iter().find(|s| s["rule"] == "anew").unwrap()["why"].clone();
    assert!(why.as_str().unwrap().contains("carries its source over no more"), "{why}");
}

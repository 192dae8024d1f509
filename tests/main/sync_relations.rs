//! What hangs on an issue, through the binary: where a person in it is found and erased, and that it does not come back.

use efface::{model::Flavor, store::PairKind};
use serde_json::{Map, Value, json};

use crate::world::{EMAIL, World, client, names_the_person, post};

fn target_text(w: &World) -> String {
    w.target.control().dump()["issues"].to_string()
}

/// What hangs on the target's issues; their history of remote links' titles is a residual, which no API changes.
fn relations(w: &World) -> String {
    let all = w.target.control().dump()["issues"].clone();
    let all = all.as_object().unwrap().values();
    all.map(|i| json!([i["worklogs"], i["remoteLinks"]]).to_string()).collect()
}

fn json_of(w: &World, args: &[&str]) -> Value {
    serde_json::from_str(&w.efface(&[args, &["--format", "json"]].concat()).exits(0).out).unwrap()
}

fn label(w: &World, key: &str) {
    let fields = Map::from_iter([("labels".to_owned(), json!(["shared"]))]);
    let jira = client("hq", &w.source);
    w.rt.block_on(jira.edit_issue(key, fields, Map::new(), efface::jira::Notify::PreferNever)).unwrap();
}

#[test]
fn what_waits_is_found_and_erased_like_any_staged_message() {
    for flavor in [Flavor::Cloud, Flavor::DataCenter] {
        let w = World::new(flavor, 0);
        w.write_config("fields = [\"summary\", \"description\", \"subtask\"]");
        let path = w.path().join("efface.toml");
        let config = std::fs::read_to_string(&path).unwrap();
        let narrow = config.replacen("project = \"HQ\" }", "project = \"HQ\", jql = \"labels = shared\" }", 1);
        std::fs::write(&path, narrow).unwrap();
        let parent = w.issue("Parent", "x", Value::Null);
        let below = json!({"issuetype": {"name": "Sub-task"}, "parent": {"key": parent}, "labels": ["shared"]});
        let sub = w.issue("Sub", &format!("write to {EMAIL}"), below);
        w.efface(&["sync", "run"]).exits(0);
        assert_eq!(json_of(&w, &["sync", "status"])["syncs"][0]["missing"], 1);
        let waiting = json_of(&w, &["sync", "errors"])["waiting"][0].clone();
        assert_eq!((&waiting["issue"], &waiting["waits_for"]), (&json!(sub), &json!("parent")));
        let said = w.efface(&["sync", "errors"]).exits(0).err;
        assert!(said.contains(&format!("{sub} (hq-partner) waits until {parent} is carried over")), "{said}");

        w.register();
        let place = "staging:hq-partner/missing";
        let (code, found) = w.scan(&["--area", "staging"]);
        assert_eq!(code, 1);
        assert!(found["findings"].as_array().unwrap().iter().any(|f| f["place"] == place), "{found:#}");
        let covered = found["coverage"].as_array().unwrap().iter().find(|c| c["place"] == place).unwrap();
        assert_eq!((&covered["status"], &covered["records"]), (&json!("examined"), &json!(1)));
        let case = w.approved_case();
        w.efface(&["case", "execute", &case, "--yes"]).exits(0);
        assert_eq!(w.scan(&["--area", "staging"]).0, 0);
        label(&w, &parent);
        w.efface(&["sync", "run", "--full"]).exits(0);
        let text = target_text(&w);
        assert!(text.contains("Sub") && !names_the_person(text.as_bytes()), "{text}");
        assert_eq!(json_of(&w, &["sync", "status"])["syncs"][0]["missing"], 0);
    }
}

#[test]
fn a_person_in_a_worklog_or_a_remote_link_is_erased_and_does_not_come_back() {
    for flavor in [Flavor::Cloud, Flavor::DataCenter] {
        let w = World::new(flavor, 0);
        w.write_config("fields = [\"summary\", \"worklog\", \"remotelink\"]");
        let key = w.issue("Plain", "x", Value::Null);
        let of = |what: &str| format!("/rest/api/2/issue/{key}/{what}");
        post(&w.source, &of("worklog"), &json!({"comment": format!("called {EMAIL}"), "timeSpentSeconds": 60}));
        post(&w.source, &of("worklog"), &json!({"comment": "tidied up", "timeSpentSeconds": 120}));
        let page = json!({"url": "https://wiki.example/7", "title": format!("page of {EMAIL}")});
        post(&w.source, &of("remotelink"), &json!({"object": page}));
        w.efface(&["sync", "run"]).exits(0);
        assert!(
            target_text(&w).contains(&format!("called {EMAIL}"))
                && target_text(&w).contains(&format!("page of {EMAIL}"))
        );
        w.register();
        let at = json_of(&w, &["sync", "where", "--subject", "REQ-1"]);
        let parts: Vec<&str> = at["entries"].as_array().unwrap().iter().filter_map(|e| e["part"].as_str()).collect();
        assert!(
            parts.iter().any(|p| p.starts_with("worklog/")) && parts.iter().any(|p| p.starts_with("remotelink/")),
            "{at:#}"
        );
        let case = w.approved_case();
        w.efface(&["case", "execute", &case, "--yes"]).exits(0);
        let after = relations(&w);
        assert!(!names_the_person(after.as_bytes()) && after.contains("tidied up"), "{after}");
        // The sync knows: nothing that did not change in the source is written over it.
        {
            let store = efface::store::Store::open(&w.path().join("efface-state")).unwrap();
            let sync = "hq-partner".parse().unwrap();
            for kind in [PairKind::Worklog, PairKind::RemoteLink] {
                let pairs = store.pairs(&sync).unwrap().into_iter().filter(|p| p.kind == kind);
                let mut fields = pairs.flat_map(|p| store.pair_fields(&sync, kind, &p.source_id).unwrap());
                assert!(fields.any(|f| f.redacted), "{kind:?}");
            }
        }
        // Also when all of it is carried over again.
        w.indexed();
        w.efface(&["sync", "resync", &key]).exits(0);
        w.efface(&["sync", "run", "--full"]).exits(0);
        let after = relations(&w);
        assert!(!names_the_person(after.as_bytes()) && after.contains("tidied up"), "{after}");
    }
}

#[test]
fn a_link_that_waited_says_nothing_of_its_issue() {
    let w = World::new(Flavor::Cloud, 0);
    w.write_config("fields = [\"summary\", \"labels\", \"issuelinks\"]");
    let path = w.path().join("efface.toml");
    let config = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, config.replacen("project = \"HQ\" }", "project = \"HQ\", jql = \"labels = shared\" }", 1))
        .unwrap();
    let one = w.issue(&format!("Ask {EMAIL}"), "x", json!({"labels": ["shared"]}));
    let two = w.issue("Other", "x", Value::Null);
    let link = json!({"type": {"name": "Blocks"}, "inwardIssue": {"key": one}, "outwardIssue": {"key": two}});
    post(&w.source, "/rest/api/2/issueLink", &link);
    let said = w.efface(&["sync", "run"]).exits(0).err;
    assert!(said.contains("1 wait for an issue that has no copy yet"), "{said}");
    w.register();
    let states = || -> Vec<(String, String)> {
        let all = json_of(&w, &["sync", "where", "--subject", "REQ-1"]);
        let text = |v: &Value| v.as_str().unwrap().to_owned();
        all["entries"].as_array().unwrap().iter().map(|e| (text(&e["place"]), text(&e["state"]))).collect()
    };
    let before = states();
    assert_eq!(before, [("staged".into(), "processed".into()), ("target".into(), "there".into())], "no copy waits");
    label(&w, &two);
    w.efface(&["sync", "run"]).exits(0);
    let all = w.target.control().dump()["issues"].clone();
    assert!(all.as_object().unwrap().values().all(|i| i["links"].as_array().unwrap().len() == 1), "{all:#}");
    assert_eq!(states(), before, "what is in the target is still the latest");
    assert_eq!(json_of(&w, &["sync", "errors"])["waiting"], json!([]));
}

#[test]
fn a_hold_keeps_a_worklog_that_the_source_deleted() {
    let w = World::new(Flavor::DataCenter, 0);
    w.write_config("fields = [\"summary\", \"worklog\"]");
    let key = w.issue("Held", "x", Value::Null);
    let log = json!({"comment": "evidence", "timeSpentSeconds": 60});
    post(&w.source, &format!("/rest/api/2/issue/{key}/worklog"), &log);
    w.efface(&["sync", "run"]).exits(0);
    let hold = [
        "hold",
        "add",
        "--basis",
        "claim 7",
        "-q",
        "--type",
        "preservation",
        "--record",
        "worklog",
        "--area",
        "target",
    ];
    let hold = w.efface_as("legal", &hold).exits(0).out.trim().to_owned();
    let jira = client("hq", &w.source);
    let id = w.rt.block_on(jira.worklogs(&key)).unwrap()[0]["id"].as_str().unwrap().to_owned();
    w.rt.block_on(jira.delete_worklog(&key, &id)).unwrap();
    let said = w.efface(&["sync", "run"]).exits(0).err;
    assert!(said.contains("a hold keeps it") && relations(&w).contains("evidence"), "{said}");
    w.efface_as("dpo", &["hold", "release", &hold, "--reason", "settled"]).exits(0);
    w.efface(&["sync", "resync", &key]).exits(0);
    assert!(!relations(&w).contains("evidence"));
}

/// Links pairs by hand whose worklogs stand on both sides.
#[test]
fn worklogs_of_issues_that_are_linked_by_hand_are_not_doubled() {
    for flavor in [Flavor::Cloud, Flavor::DataCenter] {
        let w = World::new(flavor, 0);
        w.write_config("fields = [\"summary\", \"worklog\"]");
        let key = w.issue("Both", "x", Value::Null);
        let there = json!({"fields": {"project": {"key": "PART"}, "issuetype": {"name": "Task"}, "summary": "Both"}});
        post(&w.target, "/rest/api/2/issue", &there);
        let log =
            |text: &str| json!({"comment": text, "timeSpentSeconds": 60, "started": "2026-11-20T09:30:00.000+0000"});
        for text in ["first", "second"] {
            post(&w.source, &format!("/rest/api/2/issue/{key}/worklog"), &log(text));
        }
        post(&w.target, "/rest/api/2/issue/PART-1/worklog", &log("Ada wrote: first"));
        std::fs::write(w.path().join("links.csv"), format!("source,target\n{key},PART-1\n")).unwrap();
        w.indexed();
        w.efface(&["sync", "links", "--import", "links.csv"]).exits(0);
        w.efface(&["sync", "run"]).exits(0);
        let all = w.target.control().dump()["issues"]["PART-1"]["worklogs"].clone();
        assert_eq!(all.as_array().unwrap().len(), 2, "{all:#}");
    }
}

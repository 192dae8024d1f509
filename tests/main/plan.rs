//! A plan that one can read: by place and record, what it costs, what differs from the plan before.

use efface::{jira::Upload, model::Flavor, sandbox::NotificationKind};
use serde_json::{Value, json};

use crate::world::{EMAIL, USER, World, archive, client, names_the_person, own_policy, post};

/// Every kind of step that an instance knows, counted: what the plan says it costs is what it costs.
fn costs(flavor: Flavor) {
    let w = World::new(flavor, 2);
    let key = w.plant();
    w.rt.block_on(async {
        let jira = client("hq", &w.source);
        let id = |v: &Value| v["id"].as_str().unwrap().to_owned();
        jira.set_property(&key, "note", json!({ "ask": EMAIL })).await.unwrap();
        let comment = jira.add_comment(&key, json!(format!("mail {EMAIL}")), &[]).await.unwrap();
        assert!(!id(&comment).is_empty());
        let archive = archive(&format!("badge of {EMAIL}"));
        jira.upload(&key, "badge.tar", Upload::Bytes(archive.into())).await.unwrap();
    });
    let of = |what: &str| format!("/rest/api/2/issue/{key}/{what}");
    post(&w.source, &of("watchers"), &json!(USER));
    post(&w.source, &of("worklog"), &json!({ "comment": format!("called {EMAIL}"), "timeSpentSeconds": 60 }));
    let link = json!({ "object": { "url": "https://wiki.example/x", "title": format!("notes of {EMAIL}") } });
    post(&w.source, &of("remotelink"), &link);
    w.efface(&["sync", "run"]).exits(0);
    w.register();
    // Comments that name the person are deleted here, so that both ways of a comment are seen.
    let rule = "[[rule]]\nid = \"comments\"\nmatch = { area = \"target\", record = \"comment\", field = \"body\" }\n\
                decision = \"delete\"\nbasis = \"b\"\nreason = \"r\"\n\n";
    own_policy(&w, rule);
    w.indexed();
    let case = w.efface(&["case", "open", "--subject", "REQ-1", "-q"]).exits(0).out.trim().to_owned();
    let plan: Value =
        serde_json::from_str(&w.efface(&["case", "plan", &case, "--format", "json"]).exits(0).out).unwrap();
    let kinds: std::collections::BTreeSet<String> = plan["plan"]["steps"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|s| !s["instance"].is_null())
        .map(|s| format!("{} {}", s["operation"].as_str().unwrap(), s["record"]["type"].as_str().unwrap()))
        .collect();
    for kind in [
        "edit issue",
        "edit comment",
        "delete comment",
        "edit attachment",
        "delete attachment",
        "edit property",
        "edit worklog",
        "edit remotelink",
        "delete watcher",
    ] {
        assert!(kinds.contains(kind), "no step does {kind}: {kinds:?}");
    }
    w.efface_as("dpo", &["case", "approve", &case]).exits(0);
    let (source, target) = w.control();
    for control in [&source, &target] {
        control.set_webhook_listener(true);
        control.reset_requests();
        control.reset_notifications();
    }
    w.efface(&["case", "execute", &case, "--yes"]).exits(0);
    let cost = &plan["cost"];
    for (instance, control) in [("hq", source), ("partner", target)] {
        let told = cost["instances"].as_array().unwrap().iter().find(|i| i["instance"] == instance).unwrap();
        let log = control.request_log();
        assert_eq!(told["calls"].as_u64(), Some(log.len() as u64), "{instance}: {log:#?}\n{:#}", plan["plan"]["steps"]);
        let count = |kind| control.notifications().iter().filter(|n| n.kind == kind).count() as u64;
        assert_eq!(told["webhooks"].as_u64(), Some(count(NotificationKind::Webhook)), "{instance}");
        assert!(count(NotificationKind::Mail) <= told["mails"].as_u64().unwrap(), "{instance}");
    }
    assert_eq!(plan["summary"]["calls"], cost["calls"]);
}

#[test]
fn a_plan_says_what_it_costs_on_cloud() {
    costs(Flavor::Cloud);
}

#[test]
fn a_plan_says_what_it_costs_on_data_center() {
    costs(Flavor::DataCenter);
}

#[test]
fn what_differs_from_the_plan_before() {
    let w = World::new(Flavor::Cloud, 0);
    w.plant();
    w.register();
    let case = w.efface(&["case", "open", "--subject", "REQ-1", "-q"]).exits(0).out.trim().to_owned();
    let hash = |out: &str| serde_json::from_str::<Value>(out).unwrap()["hash"].as_str().unwrap().to_owned();
    let first = hash(&w.efface(&["case", "plan", &case, "--format", "json"]).exits(0).out);
    w.efface(&["case", "plan", &case, "--diff"]).exits(4);
    let tool = w.home().join("data/other-tool");
    std::fs::write(tool.join("zvanderquandt.txt"), format!("call {EMAIL}")).unwrap();
    std::fs::remove_file(tool.join("users.csv")).unwrap();
    std::fs::write(w.home().join("log/jira.log"), "login zvanderquandt\nlogin anna\nlogin zvanderquandt\n").unwrap();
    let page = w.efface(&["case", "plan", &case, "--format", "html", "-o", "plan.html"]).exits(0);
    assert!(page.out.is_empty());
    let page = std::fs::read(w.path().join("plan.html")).unwrap();
    assert!(page.starts_with(b"<!doctype html>") && !names_the_person(&page));
    let before = std::fs::read(w.home().join("log/jira.log")).unwrap();
    let run = w.efface(&["case", "plan", &case, "--diff", "--format", "json"]).exits(0);
    assert!(!names_the_person(run.out.as_bytes()));
    let diff: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(diff["from"], json!(first));
    let c = &diff["counts"];
    assert_eq!(
        (c["added"].as_u64(), c["gone"].as_u64(), c["changed"].as_u64()),
        (Some(1), Some(1), Some(1)),
        "{diff:#}"
    );
    let run = w.efface(&["case", "plan", &case, "--diff", &first[..12]]).exits(0);
    assert!(run.out.starts_with("1 steps added, 1 gone, 1 changed"), "{}", run.out);
    assert!(!names_the_person(run.out.as_bytes()) && run.out.contains("step gone"), "{}", run.out);
    w.efface(&["case", "plan", &case, "--diff", "ffff0000"]).exits(2);
    assert_eq!(std::fs::read(w.home().join("log/jira.log")).unwrap(), before);
    // The plan itself, for a reader.
    let text = w.efface(&["case", "execute", &case, "--dry-run"]).exits(0).out;
    assert!(text.contains("records are changed") && text.contains("log:log ("), "{text}");
}

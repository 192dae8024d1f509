//! Holds: what must be kept is kept, what is restricted stays where it is, and the clock of no case starts again.

use chrono::Utc;
use efface::{
    erasure::plan::Operation,
    model::{Flavor, Hold, HoldQuery, HoldType},
    store::{Act, StepRow, StepState},
};
use serde_json::{Value, json};

use crate::{
    engine::Engine,
    world::{EMAIL, NAME, World, client, names_the_person},
};

fn add(w: &World, args: &[&str]) -> String {
    let args = [&["hold", "add", "--basis", "claim 7", "-q", "--type"], args].concat();
    w.efface_as("legal", &args).exits(0).out.trim().to_owned()
}

fn shown(w: &World, case: &str, what: &str) -> String {
    let rows: Vec<Value> =
        serde_json::from_str(&w.efface(&["case", "show", case, "--format", "json"]).exits(0).out).unwrap();
    rows.iter().find(|r| r["what"] == what).map(|r| r["value"].as_str().unwrap().to_owned()).unwrap_or_default()
}

fn source_issue(w: &World, key: &str) -> Value {
    let issue = w.rt.block_on(client("hq", &w.source).issue(key, &["*all"], false, &[])).unwrap().unwrap();
    json!(issue.fields())
}

#[test]
fn what_is_preserved_outlives_the_erasure_and_goes_when_it_is_released() {
    let w = World::new(Flavor::Cloud, 1);
    let full = w.plant();
    w.efface(&["sync", "run"]).exits(0);
    w.register();
    let before = source_issue(&w, &full);
    w.efface_as("legal", &["hold", "add", "--type", "preservation", "--basis", "x"]).exits(2);
    w.efface_as("legal", &["hold", "add", "--type", "forever", "--basis", "x", "--everything"]).exits(2);
    let hold = add(&w, &["preservation", "--issue", &full, "--review", "2026-01-01"]);
    let list = w.efface(&["hold", "list"]).exits(0);
    assert!(list.out.contains(&full) && list.err.contains("looked at again"), "{}{}", list.out, list.err);

    let case = w.efface(&["case", "open", "--subject", "REQ-1", "--received", "2026-11-02", "-q"]).exits(0);
    let case = case.out.trim();
    let due = shown(&w, case, "due");
    w.efface(&["case", "plan", case]).exits(0);
    w.efface_as("dpo", &["case", "approve", case]).exits(0);
    let run = w.efface(&["case", "execute", case, "--yes"]).exits(0);
    assert!(run.out.contains("held"), "{}", run.out);
    assert_eq!(source_issue(&w, &full), before, "the issue is as it was");
    // Its copy in the target and its staged copies are kept as well, and everything else is gone.
    let (_, report) = w.scan(&[]);
    let left: Vec<(&str, &str)> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|f| f["record"]["type"] != "history" && f["field"] != "creator")
        .map(|f| (f["area"].as_str().unwrap(), f["record"]["key"].as_str().unwrap_or_default()))
        .collect();
    for area in ["source", "target", "staging"] {
        assert!(left.iter().any(|(a, _)| *a == area), "nothing is kept in {area}: {left:?}");
    }
    assert!(left.iter().all(|(area, _)| ["source", "target", "staging"].contains(area)), "{left:?}");
    w.efface(&["case", "verify", case]).exits(0);
    let close = w.efface(&["case", "close", case]).exits(4);
    assert!(close.err.contains(&hold), "{}", close.err);

    // By now the person is suppressed: a sync of the issue would cut what is held in the target, so it waits.
    w.indexed();
    let copy = |w: &World| {
        let all = w.rt.block_on(client("partner", &w.target).search("project = PART", &["*all"]).all()).unwrap();
        all.iter().map(|i| json!(i.fields()).to_string()).find(|t| t.contains("Badge of")).unwrap()
    };
    let kept = copy(&w);
    w.comment(&full, "Still open.");
    let sync = w.efface(&["sync", "run", "--format", "json"]).exits(0).out;
    assert_eq!(serde_json::from_str::<Value>(&sync).unwrap()["syncs"]["hq-partner"]["held"], 1, "{sync}");
    w.indexed();
    assert_eq!(copy(&w), kept);

    w.efface_as("legal", &["hold", "release", &hold, "--reason", "settled"]).exits(4);
    let release = w.efface_as("dpo", &["hold", "release", &hold, "--reason", "settled"]).exits(0);
    assert!(release.err.contains("go back to planning"), "{}", release.err);
    w.efface_as("dpo", &["hold", "release", &hold, "--reason", "again"]).exits(4);
    assert_eq!(
        (shown(&w, case, "state"), shown(&w, case, "due")),
        ("scanned".into(), due),
        "nothing restarts the clock"
    );
    w.efface(&["case", "close", case]).exits(4);
    let early = w.efface(&["case", "execute", case, "--yes"]).exits(4);
    assert!(early.err.contains("case plan"), "{}", early.err);
    let plan = w.efface(&["case", "plan", case, "--format", "json"]).exits(0).out;
    let plan: Value = serde_json::from_str(&plan).unwrap();
    for step in plan["plan"]["steps"].as_array().unwrap() {
        let place = step["place"].as_str().unwrap();
        assert!(["source", "target", "staging"].iter().any(|a| place.starts_with(a)), "just its records: {place}");
    }
    w.efface_as("dpo", &["case", "approve", case]).exits(0);
    w.efface(&["case", "execute", case, "--yes"]).exits(0);
    w.efface(&["case", "verify", case]).exits(0);
    w.efface(&["case", "close", case]).exits(0);
    // The register has forgotten the person; what somebody writes into an order names nobody all the same.
    let later = ["hold", "add", "--type", "preservation", "--basis", &format!("mail of {EMAIL}"), "--path", "**/a"];
    w.efface_as("legal", &later).exits(0);
    let list = w.efface(&["hold", "list", "--all"]).exits(0).out;
    assert!(list.contains("mail of") && !names_the_person(list.as_bytes()), "{list}");
    w.efface(&["audit", "verify"]).exits(0);
}

/// A hold that is ordered while an execution runs: asked before every step, so that what is not begun stays.
#[test]
fn a_hold_falls_into_a_running_execution() {
    let w = World::new(Flavor::Cloud, 1);
    w.plant();
    w.efface(&["sync", "run"]).exits(0);
    w.register();
    let case = w.approved_case();
    let engine = Engine::of(&w, &case);
    let Engine { store, case: id, hash, plan, .. } = &engine;
    let count = plan.steps.len() as u32;
    assert!(count >= 6, "{count}");
    // The last step was under way when an earlier run died, and its act did not come through.
    let at = Utc::now();
    let act = Act { actor: "admin", at };
    let begun = StepRow { number: count, state: StepState::Begun, outcome: None, note: json!({ "after": "other" }) };
    store.put_step(&act, id, hash, &begun).unwrap();
    // The one before it was under way too, and it did: somebody carried it out, as far as anybody can see.
    let folder = w.home();
    let gone = plan.steps.iter().find(|s| s.operation == Operation::Delete && s.instance.is_none());
    let gone = gone.filter(|s| s.number > 2 && s.number < count && s.place.to_string().starts_with("foreign"));
    if let Some(step) = gone {
        let row = StepRow { number: step.number, state: StepState::Begun, outcome: None, note: Value::Null };
        store.put_step(&act, id, hash, &row).unwrap();
        let path = step.record.path.as_deref().unwrap();
        std::fs::remove_file(folder.join("data/other-tool").join(path)).unwrap();
    }
    let everything = Hold {
        id: "H-01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(),
        hold_type: HoldType::Preservation,
        query: HoldQuery::default(),
        case: None,
        subject: None,
        basis: "seized".into(),
        added_by: "legal".into(),
        added_at: at.to_rfc3339(),
        review: None,
        released: None,
    };
    let done = engine.run(|step| {
        if step == 2 {
            store.add_hold(&act, &everything, &[]).unwrap();
        }
    });
    let came = u32::from(gone.is_some());
    let part = &done.holds[0];
    assert_eq!((part.in_flight, part.done), (1, came), "{done:?}");
    assert_eq!((done.done, done.held, done.failed, done.refused), (2 + came, count - 2 - came, 0, 0));
    assert_eq!(part.not_begun, count - 3 - came);
    let (_, report) = w.scan(&["--area", "target"]);
    assert!(report["totals"]["references"].as_u64().unwrap() > 0, "the target was not begun");

    // The binary says the same, and does not begin what was held, even when the hold is over: that is planned again.
    let run = w.efface(&["case", "execute", &case, "--yes"]).exits(4);
    assert!(run.err.contains("held") && run.err.contains("case plan"), "{}", run.err);
    w.efface(&["case", "verify", &case]).exits(1);
    w.efface_as("dpo", &["hold", "release", everything.id.as_str(), "--reason", "returned"]).exits(0);
    w.efface(&["case", "execute", &case, "--yes"]).exits(4);
    w.efface(&["case", "plan", &case]).exits(0);
    w.efface_as("dpo", &["case", "approve", &case]).exits(0);
    w.efface(&["case", "execute", &case, "--yes"]).exits(0);
    w.efface(&["case", "verify", &case]).exits(0);
}

#[test]
fn what_is_restricted_is_stored_and_nothing_else() {
    let w = World::new(Flavor::Cloud, 1);
    let full = w.plant();
    w.efface(&["sync", "run"]).exits(0);
    w.register();
    let case = w.efface(&["case", "open", "--subject", "REQ-1", "--kind", "restriction", "--ground", "a", "-q"]);
    let case = case.exits(0).out.trim().to_owned();
    let hold = add(&w, &["restriction", "--case", &case]);
    let restricted = |w: &World| -> (u64, u64, u64) {
        let out = w.efface(&["sync", "run", "--format", "json"]).exits(0).out;
        let report = &serde_json::from_str::<Value>(&out).unwrap()["syncs"]["hq-partner"];
        let n = |name: &str| report[name].as_u64().unwrap();
        (n("held"), n("exported"), n("updated") + n("created"))
    };
    let target = |w: &World| {
        w.indexed();
        let search = w.rt.block_on(client("partner", &w.target).search("project = PART", &["*all"]).all()).unwrap();
        let mut all: Vec<String> = search.iter().map(|i| json!(i.fields()).to_string()).collect();
        all.sort();
        all
    };
    let before = target(&w);
    // What names the person stays; what does not goes its way.
    w.comment(&full, "News about it.");
    w.issue("Rota of next week", &format!("{NAME} is late."), Value::Null);
    assert_eq!(restricted(&w), (2, 0, 0));
    assert_eq!(target(&w), before);
    let other = w.issue("Printer", "No paper.", Value::Null);
    let (kept, exported, written) = restricted(&w);
    assert_eq!((kept, exported, written), (2, 1, 1), "{other} is nobody's");
    // It stops an erasure as well, of the same person under whatever handle.
    let erasure = w.approved_case();
    let plan = w.efface(&["case", "execute", &erasure, "--dry-run", "--format", "json"]).exits(0).out;
    assert_eq!(serde_json::from_str::<Value>(&plan).unwrap()["plan"]["steps"], json!([]), "everything is held");
    w.efface(&["subject", "forget", "REQ-1"]).exits(4);
    w.efface(&["case", "withdraw", &erasure, "--reason", "restriction is enough"]).exits(0);

    // Lifted by a second person, after the person was told: what was kept back goes on.
    w.efface_as("dpo", &["hold", "release", &hold, "--reason", "checked"]).exits(4);
    w.efface_as("dpo", &["hold", "release", &hold, "--reason", "checked", "--informed", "2999-01-01"]).exits(2);
    w.efface_as("dpo", &["hold", "release", &hold, "--reason", "checked", "--informed", "2026-11-20"]).exits(0);
    let (kept, exported, written) = restricted(&w);
    assert_eq!((kept, exported), (0, 2), "{written}");
}

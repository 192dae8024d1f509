//! Both sides are worked in: through the binary, and through an erasure.

use efface::{jira::Notify, model::Flavor};
use serde_json::{Map, Value, json};

use crate::world::{EMAIL, NAME, World, client, names_the_person};

const TWO_WAY: &str = "direction = \"two-way\"\nnames = \"cut\"";

fn report(w: &World, args: &[&str], code: i32) -> Value {
    let run = w.efface(&[args, &["--format", "json"]].concat()).exits(code);
    serde_json::from_str(&run.out).unwrap_or_else(|e| panic!("{e}: {}\n{}", run.out, run.err))
}

/// An issue in the partner's project; gives its key.
fn partners_issue(w: &World, summary: &str) -> String {
    let fields = json!({"project": {"key": "PART"}, "issuetype": {"name": "Task"}, "summary": summary});
    let Value::Object(fields) = fields else { unreachable!() };
    let key = w.rt.block_on(client("partner", &w.target).create_issue(fields, &[])).unwrap().key;
    w.indexed();
    key
}

fn summaries(w: &World) -> [Vec<String>; 2] {
    [&w.source, &w.target].map(|side| {
        let all = side.control().dump();
        let issues = all["issues"].as_object().unwrap().values();
        let mut out: Vec<String> = issues.map(|i| i["summary"].as_str().unwrap().to_owned()).collect();
        out.sort();
        out
    })
}

#[test]
fn both_directions_by_one_name_and_each_by_its_own() {
    for flavor in [Flavor::Cloud, Flavor::DataCenter] {
        let w = World::new(flavor, 0);
        w.write_config(TWO_WAY);
        w.issue("Made at home", "x", Value::Null);
        partners_issue(&w, "Made there");
        w.efface(&["sync", "run", "hq-partner"]).exits(0);
        let both = ["Made at home".to_owned(), "Made there".to_owned()];
        assert_eq!(summaries(&w), [both.to_vec(), both.to_vec()]);
        w.indexed();
        let again = report(&w, &["sync", "run"], 0);
        for leg in ["hq-partner", "hq-partner.back"] {
            let of = &again["syncs"][leg];
            assert_eq!((&of["created"], &of["updated"]), (&json!(0), &json!(0)), "{leg}: {again:#}");
        }
        let status = w.efface(&["sync", "status"]).exits(0).out;
        assert!(status.contains("hq-partner.back"), "{status}");
        let links = w.efface(&["sync", "links", "--sync", "hq-partner", "--format", "csv"]).exits(0).out;
        assert_eq!(links.lines().count(), 3, "{links}");
        let checked = report(&w, &["sync", "check", "hq-partner"], 0);
        let legs: std::collections::BTreeSet<&str> =
            checked["rows"].as_array().unwrap().iter().map(|r| r["sync"].as_str().unwrap()).collect();
        assert_eq!(legs.into_iter().collect::<Vec<_>>(), ["hq-partner", "hq-partner.back"]);
        // What both legs know is one thing to whoever asks.
        assert_eq!(w.efface(&["sync", "links", "--format", "csv"]).exits(0).out.lines().count(), 3);
        w.register();
        let untraced = w.efface(&["sync", "where", "--subject", "REQ-1"]).err;
        assert!(!untraced.contains("before the index knew them"), "{untraced}");
        w.efface(&["sync", "links", "--remove", "HQ-1"]).exits(0);
        let fields = Map::from_iter([("summary".to_owned(), json!("Apart"))]);
        let there = if summaries(&w)[1].len() == 2 { "PART-1" } else { unreachable!() };
        for (side, name, key) in
            [(&w.source, "hq", "HQ-1"), (&w.target, "partner", there), (&w.target, "partner", "PART-2")]
        {
            w.rt.block_on(client(name, side).edit_issue(key, fields.clone(), Map::new(), Notify::PreferNever)).unwrap();
        }
        w.indexed();
        w.efface(&["sync", "run"]).exits(0);
        let [home, far] = summaries(&w);
        assert_eq!(
            (home.iter().filter(|s| *s == "Apart").count(), home.len(), far.len()),
            (2, 2, 2),
            "{home:?} {far:?}"
        );
        std::fs::write(w.path().join("links.csv"), "HQ-1,PART-2\n").unwrap();
        w.efface(&["sync", "links", "--import", "links.csv"]).exits(0);
        w.efface(&["sync", "run"]).exits(0);
        assert_eq!(summaries(&w).map(|s| s.len()), [2, 2], "linked again, nothing is doubled");
        w.efface(&["sync", "resync", "--jql", "summary ~ \"Apart\"", "--dry-run"]).exits(0);
    }
}

/// What two people wrote at once waits for a third, who is told how; her choice is one command.
#[test]
fn a_conflict_that_a_person_decides() {
    let w = World::new(Flavor::DataCenter, 0);
    w.write_config("direction = \"two-way\"\nconflict = \"ask\"");
    let key = w.issue("Door", "x", Value::Null);
    w.efface(&["sync", "run"]).exits(0);
    for (side, name, key, text) in
        [(&w.source, "hq", key.as_str(), "Door, left"), (&w.target, "partner", "PART-1", "Door, right")]
    {
        let fields = Map::from_iter([("summary".to_owned(), json!(text))]);
        w.rt.block_on(client(name, side).edit_issue(key, fields, Map::new(), Notify::PreferNever)).unwrap();
    }
    w.efface(&["sync", "run"]).exits(3);
    let table = w.efface(&["sync", "errors"]).exits(3).out;
    assert!(table.contains("conflict") && table.contains("--take source"), "{table}");
    let parked = report(&w, &["sync", "errors", "--cause", "conflict"], 3);
    let there = parked["parked"].as_array().unwrap().iter().find(|e| e["sync"] == "hq-partner").unwrap();
    let id = there["id"].as_str().unwrap();
    w.efface(&["sync", "retry", "--all", "--take", "source"]).exits(2);
    w.efface(&["sync", "retry", id, "--take", "middle"]).exits(2);
    w.efface(&["sync", "retry", id, "--take", "target"]).exits(0);
    w.efface(&["sync", "retry", "--all"]).exits(0);
    w.efface(&["sync", "run"]).exits(0);
    let right = vec!["Door, right".to_owned()];
    assert_eq!(summaries(&w), [right.clone(), right]);
}

/// An erasure reaches what either side made, nothing of it travels back, and originals are edited, never made anew.
#[test]
fn an_erasure_holds_in_both_directions() {
    for flavor in [Flavor::Cloud, Flavor::DataCenter] {
        let w = World::new(flavor, 1);
        w.write_config(TWO_WAY);
        w.plant();
        let theirs = partners_issue(&w, &format!("Call {NAME} back"));
        let said = if flavor == Flavor::Cloud {
            json!({"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [{"type": "text", "text": format!("mail {EMAIL}")}]}]})
        } else {
            json!(format!("mail {EMAIL}"))
        };
        w.rt.block_on(client("partner", &w.target).add_comment(&theirs, said, &[])).unwrap();
        w.indexed();
        w.efface(&["sync", "run"]).exits(0);
        assert!(summaries(&w)[0].contains(&format!("Call {NAME} back")));
        w.register();
        let case = w.approved_case();
        w.efface(&["case", "execute", &case, "--yes"]).exits(0);
        w.efface(&["case", "verify", &case]).exits(0);
        w.indexed();
        for full in [&["sync", "run"][..], &["sync", "run", "--full"], &["sync", "run"]] {
            w.efface(full).exits(0);
            w.indexed();
        }
        for (side, what) in [(&w.source, "source"), (&w.target, "target")] {
            let mut all = side.control().dump();
            all["users"].take();
            for issue in all["issues"].as_object_mut().unwrap().values_mut() {
                // What Jira keeps of edits is residual, and listed so.
                issue["history"].take();
            }
            assert!(!names_the_person(all.to_string().as_bytes()), "{flavor:?} {what}: {all:#}");
        }
        let [home, there] = summaries(&w);
        assert_eq!(home.len(), there.len(), "nothing was doubled or lost");
    }
}

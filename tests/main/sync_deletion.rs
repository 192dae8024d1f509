//! What becomes of the copy of an issue that was deleted in its source.

use efface::{
    jira::{Auth, Client, ClientConfig, Notify},
    model::{Flavor, Secret},
};
use serde_json::{Map, Value, json};

use crate::world::{EMAIL, USER, World, address, client};

const BOTH: [Flavor; 2] = [Flavor::Cloud, Flavor::DataCenter];

/// What one leg did, by `sync run` with these arguments.
fn leg(w: &World, name: &str, args: &[&str], code: i32) -> Value {
    w.indexed();
    let run = w.efface(&[&["sync", "run", "--format", "json"], args].concat()).exits(code);
    let all: Value = serde_json::from_str(&run.out).unwrap_or_else(|e| panic!("{e}: {}\n{}", run.out, run.err));
    all["syncs"][name].clone()
}

fn run(w: &World, args: &[&str], code: i32) -> Value {
    leg(w, "hq-partner", args, code)
}

fn delete(w: &World, key: &str) {
    w.rt.block_on(client("hq", &w.source).delete_issue(key)).unwrap();
}

/// Summary and labels of what is in the target, by summary.
fn copies(w: &World) -> Vec<(String, Vec<String>)> {
    w.indexed();
    let all = w.rt.block_on(client("partner", &w.target).search("project = PART", &["summary", "labels"]).all());
    let labels = |v: Option<&Value>| -> Vec<String> { serde_json::from_value(v.unwrap().clone()).unwrap() };
    let mut out: Vec<_> =
        all.unwrap().iter().map(|i| (i.summary().unwrap().to_owned(), labels(i.field("labels")))).collect();
    out.sort();
    out
}

fn names(w: &World) -> Vec<String> {
    copies(w).into_iter().map(|(summary, _)| summary).collect()
}

fn key_there(w: &World, summary: &str) -> String {
    w.indexed();
    let all = w.rt.block_on(client("partner", &w.target).search("project = PART", &["summary"]).all()).unwrap();
    all.iter().find(|i| i.summary() == Some(summary)).unwrap().key().to_owned()
}

fn warned(report: &Value, what: &str) -> bool {
    report["warnings"].as_object().unwrap().keys().any(|w| w.contains(what))
}

/// Two issues, carried over; gives the key of the first.
fn two(flavor: Flavor, config: &str) -> (World, String) {
    let w = World::new(flavor, 0);
    w.write_config(config);
    let key = w.issue("Goes", "x", Value::Null);
    w.comment(&key, "a remark");
    w.attach(&key, "a.txt", "abc");
    w.issue("Stays", "x", Value::Null);
    run(&w, &[], 0);
    assert_eq!(names(&w), ["Goes", "Stays"]);
    (w, key)
}

#[test]
fn by_default_a_copy_stays_and_nobody_is_asked() {
    for flavor in BOTH {
        let (w, key) = two(flavor, "");
        delete(&w, &key);
        w.source.control().reset_requests();
        let before = run(&w, &["--full"], 0);
        assert!(before.get("deleted_issues").is_none() && before["warnings"] == json!({}), "{before:#}");
        let searches = w.source.control().request_log().into_iter().filter(|(_, p)| p.contains("search")).count();
        assert_eq!(searches, 1, "the export's alone");
        assert_eq!(names(&w), ["Goes", "Stays"]);
    }
}

#[test]
fn a_copy_is_marked_once() {
    for flavor in BOTH {
        let (w, key) = two(flavor, "deleted = \"mark\"\ndeleted_label = \"gone\"");
        delete(&w, &key);
        let soon = run(&w, &[], 0);
        assert!(soon.get("marked_issues").is_none(), "the last look still counts: {soon:#}");
        let full = run(&w, &["--full"], 0);
        assert_eq!((&full["marked_issues"], full.get("deleted_issues")), (&json!(1), None), "{full:#}");
        let want = [("Goes".to_owned(), vec!["gone".to_owned()]), ("Stays".to_owned(), vec![])];
        assert_eq!(copies(&w), want);
        w.target.control().reset_requests();
        let again = run(&w, &["--full"], 0);
        assert!(again.get("marked_issues").is_none(), "{again:#}");
        assert!(w.target.control().request_log().iter().all(|(method, _)| method != "PUT"));
        assert_eq!(copies(&w), want);
    }
}

#[test]
fn a_copy_that_is_ours_alone_is_deleted() {
    for flavor in BOTH {
        let (w, key) = two(flavor, "deleted = \"delete\"");
        delete(&w, &key);
        let full = run(&w, &["--full"], 0);
        assert_eq!((&full["deleted_issues"], full.get("marked_issues")), (&json!(1), None), "{full:#}");
        assert_eq!(names(&w), ["Stays"]);
        let again = run(&w, &["--full"], 0);
        assert!(again.get("deleted_issues").is_none() && again["created"] == 0, "{again:#}");
        assert_eq!(names(&w), ["Stays"]);
        assert!(w.efface(&["sync", "check"]).exits(0).out.contains("deleted-in-source"));
    }
}

#[test]
fn what_somebody_else_wrote_is_not_deleted() {
    for flavor in BOTH {
        let (w, key) = two(flavor, "deleted = \"delete\"");
        let there = key_there(&w, "Goes");
        let user = if flavor == Flavor::Cloud { EMAIL } else { USER };
        let auth = Auth::Basic { user: user.to_owned(), secret: Secret::new(w.target.token().to_owned()) };
        let other =
            Client::new(ClientConfig::new("partner".parse().unwrap(), address(&w.target), flavor, auth)).unwrap();
        let said = if flavor == Flavor::Cloud {
            json!({"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [{"type": "text", "text": "mine"}]}]})
        } else {
            json!("mine")
        };
        w.rt.block_on(other.add_comment(&there, said, &[])).unwrap();
        delete(&w, &key);
        let full = run(&w, &["--full"], 0);
        assert_eq!((&full["marked_issues"], full.get("deleted_issues")), (&json!(1), None), "{full:#}");
        assert!(warned(&full, "somebody else commented on it"), "{full:#}");
        assert_eq!(copies(&w)[0], ("Goes".to_owned(), vec!["deleted-in-source".to_owned()]));
    }
}

#[test]
fn a_refusal_of_the_deletion_marks() {
    let (w, key) = two(Flavor::DataCenter, "deleted = \"delete\"");
    delete(&w, &key);
    w.target.control().deny("DELETE_ISSUES", true);
    assert!(w.efface(&["sync", "check"]).exits(1).out.contains("DELETE_ISSUES"));
    let full = run(&w, &["--full"], 0);
    assert_eq!(full["marked_issues"], 1, "{full:#}");
    assert!(warned(&full, "does not let us delete it"), "{full:#}");
}

#[test]
fn a_hold_keeps_a_copy() {
    for flavor in BOTH {
        for how in ["mark", "delete"] {
            let (w, key) = two(flavor, &format!("deleted = \"{how}\""));
            delete(&w, &key);
            w.efface_as("legal", &["hold", "add", "--type", "preservation", "--basis", "x", "--everything"]).exits(0);
            let full = run(&w, &["--full"], 0);
            assert!(warned(&full, "a hold keeps its copy") && full["held"] == 1, "{full:#}");
            assert_eq!(copies(&w)[0], ("Goes".to_owned(), vec![]));
        }
    }
}

#[test]
fn what_is_no_longer_selected_is_not_deleted() {
    for flavor in BOTH {
        let w = World::new(flavor, 0);
        w.write_config("deleted = \"delete\"");
        let file = w.path().join("efface.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        let narrowed = text.replace("project = \"HQ\" }", "project = \"HQ\", jql = \"labels = shared\" }");
        assert_ne!(text, narrowed);
        std::fs::write(&file, narrowed).unwrap();
        let shared = json!({ "labels": ["shared"] });
        let key = w.issue("Kept back", "x", shared.clone());
        w.issue("Shared", "x", shared);
        run(&w, &[], 0);
        let none = Map::from_iter([("labels".to_owned(), json!([]))]);
        w.rt.block_on(client("hq", &w.source).edit_issue(&key, none, Map::new(), Notify::PreferNever)).unwrap();
        let full = run(&w, &["--full"], 0);
        assert!(warned(&full, "no longer selected"), "{full:#}");
        assert!(full.get("deleted_issues").is_none() && full.get("marked_issues").is_none(), "{full:#}");
        assert_eq!(names(&w), ["Kept back", "Shared"]);
    }
}

#[test]
fn a_project_that_is_hidden_deletes_nothing() {
    for flavor in BOTH {
        let (w, key) = two(flavor, "deleted = \"delete\"");
        let (source, _) = w.control();
        source.hide_project("HQ", true);
        run(&w, &["--full"], 3);
        assert_eq!(names(&w), ["Goes", "Stays"]);
        source.hide_project("HQ", false);
        // What we may not browse shows us nothing, also where the project itself is shown.
        delete(&w, &key);
        source.deny("BROWSE_PROJECTS", true);
        let full = run(&w, &["--full"], 0);
        assert!(warned(&full, "not seen any more"), "{full:#}");
        assert_eq!(names(&w), ["Goes", "Stays"]);
        source.deny("BROWSE_PROJECTS", false);
        assert_eq!(run(&w, &[], 0)["deleted_issues"], 1, "the look was not over");
        assert_eq!(names(&w), ["Stays"]);
    }
}

#[test]
fn many_at_once_are_not_believed() {
    for flavor in BOTH {
        let w = World::new(flavor, 0);
        w.write_config("deleted = \"delete\"");
        let keys: Vec<String> = (0..22).map(|n| w.issue(&format!("Issue {n}"), "x", Value::Null)).collect();
        run(&w, &[], 0);
        for key in &keys[..21] {
            delete(&w, key);
        }
        for args in [&["--full"][..], &[], &["--allow-deletions", "20"]] {
            let report = run(&w, args, 3);
            let error = report["errors"].as_object().unwrap().keys().next().unwrap();
            assert!(error.contains("21 of 22") && error.contains("hq-partner --allow-deletions 21"), "{error}");
        }
        assert_eq!(names(&w).len(), 22);
        assert_eq!(run(&w, &["--allow-deletions", "21"], 0)["deleted_issues"], 21);
        assert_eq!(names(&w), ["Issue 21"]);
        w.efface(&["sync", "run", "--watch", "--allow-deletions", "1"]).exits(2);
    }
}

/// An original never goes because its copy went; a copy goes with its original, on either side.
#[test]
fn in_both_directions_originals_stay() {
    for flavor in BOTH {
        let (w, key) = two(flavor, "direction = \"two-way\"\nnames = \"cut\"\ndeleted = \"delete\"");
        let fields = json!({"project": {"key": "PART"}, "issuetype": {"name": "Task"}, "summary": "Theirs"});
        let Value::Object(fields) = fields else { unreachable!() };
        let partner = client("partner", &w.target);
        let theirs = w.rt.block_on(partner.create_issue(fields, &[])).unwrap().key;
        run(&w, &[], 0);
        w.rt.block_on(partner.delete_issue(&key_there(&w, "Stays"))).unwrap();
        w.rt.block_on(partner.delete_issue(&theirs)).unwrap();
        delete(&w, &key);
        let full = run(&w, &["--full"], 0);
        assert_eq!(full["deleted_issues"], 1, "{full:#}");
        assert_eq!(names(&w), Vec::<String>::new());
        let home = w.source.control().dump();
        let home: Vec<&Value> = home["issues"].as_object().unwrap().values().map(|i| &i["summary"]).collect();
        assert_eq!(home, ["Stays"]);
    }
}

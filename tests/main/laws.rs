//! The laws of the design, each by a test that fails when the law is broken.

use efface::{
    model::Flavor,
    sandbox::NotificationKind,
    store::{Act, StepRow, StepState},
};
use serde_json::{Value, json};

use crate::engine::Engine;
use crate::world::{EMAIL, NAME, USER, World, address, client, names_the_person};

fn coverage<'a>(report: &'a Value, place: &str) -> &'a Value {
    report["coverage"]
        .as_array()
        .unwrap()
        .iter()
        .find(|c| c["place"] == place)
        .unwrap_or_else(|| panic!("{place}: {report:#}"))
}

fn synced() -> World {
    let w = World::new(Flavor::Cloud, 2);
    w.plant();
    w.efface(&["sync", "run"]).exits(0);
    w.register();
    w
}

#[test]
fn law_1_unread_is_not_clean() {
    let w = synced();
    // A thing that cannot be read, a project that hides, a server that does not answer: each is named, none is "clean".
    let fifo = w.home().join("data/other-tool/pipe");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let (code, report) = w.scan(&["--area", "foreign"]);
    assert_eq!((code, coverage(&report, "foreign:other-tool")["status"].as_str()), (3, Some("partial")), "{report:#}");
    std::fs::remove_file(fifo).unwrap();
    w.target.control().hide_project("PART", true);
    let (code, report) = w.scan(&["--area", "target"]);
    assert_eq!((code, coverage(&report, "target:partner/PART")["status"].as_str()), (3, Some("unexamined")));
    w.target.control().hide_project("PART", false);
    let config = std::fs::read_to_string(w.path().join("efface.toml")).unwrap();
    std::fs::write(w.path().join("efface.toml"), config.replace(&address(&w.target), "http://127.0.0.1:9")).unwrap();
    let (code, report) = w.scan(&["--area", "target"]);
    assert_eq!((code, coverage(&report, "target:partner/PART")["status"].as_str()), (3, Some("unexamined")));
    // A place that was not asked for is not called examined.
    assert!(report["coverage"].as_array().unwrap().iter().all(|c| c["area"] == "target"));
}

#[test]
fn law_2_what_was_approved_is_what_runs() {
    let w = synced();
    let case = w.efface(&["case", "open", "--subject", "REQ-1", "-q"]).exits(0).out.trim().to_owned();
    w.efface(&["case", "plan", &case]).exits(0);
    let unapproved = w.efface(&["case", "execute", &case, "--yes"]).exits(4);
    assert!(unapproved.err.contains("not approved"), "{}", unapproved.err);
    w.efface(&["case", "approve", &case, "--plan", "0000"]).exits(4);
    w.efface_as("dpo", &["case", "approve", &case]).exits(0);
    w.efface(&["case", "execute", &case]).exits(4);
    // The dry run shows the very plan, and a policy that is edited now changes nothing of it.
    let dry = w.efface(&["case", "execute", &case, "--dry-run", "--format", "json"]).exits(0).out;
    std::fs::write(w.path().join("other.toml"), "[policy]\nname = \"keep all\"\n").unwrap();
    let config = std::fs::read_to_string(w.path().join("efface.toml")).unwrap();
    std::fs::write(
        w.path().join("efface.toml"),
        config.replace("path = \"home\"", "path = \"home\"\npolicy = \"minimal\""),
    )
    .unwrap();
    assert_eq!(w.efface(&["case", "execute", &case, "--dry-run", "--format", "json"]).exits(0).out, dry);
    let changed = format!("{NAME} again, by a colleague");
    let edited = w.rt.block_on(async {
        let jira = client("hq", &w.source);
        let rota = jira.search("summary ~ Rota", &["summary"]).all().await.unwrap().remove(0);
        w.source.control().edit_issue_behind(rota.key(), "description", &changed).unwrap();
        rota
    });
    w.efface(&["case", "execute", &case, "--yes"]).exits(4);
    let now = w.rt.block_on(client("hq", &w.source).issue(edited.id(), &["*all"], false, &[])).unwrap().unwrap();
    assert_eq!(now.field("description"), Some(&json!(changed)), "the changed record is left alone");
    // Everything else was done; the refused step goes back to planning.
    w.efface(&["case", "plan", &case]).exits(0);
    w.efface_as("dpo", &["case", "approve", &case]).exits(0);
    w.efface(&["case", "execute", &case, "--yes"]).exits(0);
    w.efface(&["case", "verify", &case]).exits(0);
}

#[test]
fn law_3_nothing_vanishes_silently() {
    let w = synced();
    // A namesake question: part of the name alone is no proof, so a person decides before the case can close.
    w.efface(&["subject", "add", "--id", "REQ-1", "--username", "hq=zv"]).exits(0);
    w.issue("Who is zv?", "ask zv", Value::Null);
    let case = w.efface(&["case", "open", "--subject", "REQ-1", "-q"]).exits(0).out.trim().to_owned();
    let plan = w.efface(&["case", "plan", &case, "--format", "json"]);
    let plan: Value = serde_json::from_str(&plan.out).unwrap();
    let (steps, standing) = (&plan["plan"]["steps"], &plan["plan"]["standing"]);
    let planned: Vec<&str> = steps
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|s| s["edits"].as_array().unwrap())
        .chain(standing.as_array().unwrap())
        .map(|f| f["finding"].as_str().unwrap())
        .collect();
    let (_, report) = w.scan(&[]);
    for finding in report["findings"].as_array().unwrap() {
        assert!(planned.contains(&finding["id"].as_str().unwrap()), "{finding:#} is in no plan");
    }
    w.efface_as("dpo", &["case", "approve", &case]).exits(0);
    // Jira refuses every edit: the steps fail aloud, the case does not become "executed".
    w.source.control().forbid_edit("HQ", true);
    let run = w.efface(&["case", "execute", &case, "--yes"]).exits(3);
    assert!(!run.err.contains(" 0 failed"), "{}", run.err);
    assert_ne!(w.efface(&["case", "verify", &case]).code, 0);
    w.efface(&["case", "certificate", &case]).exits(4);
    w.efface(&["case", "close", &case]).exits(4);
    w.source.control().forbid_edit("HQ", false);
    w.efface(&["case", "execute", &case, "--yes"]).exits(0);
}

#[test]
fn law_4_the_verification_shares_nothing_with_the_plan() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/erasure");
    let mut files = vec![root.join("verify.rs"), root.join("othersearch.rs")];
    for folder in ["othersearch", "verify"] {
        files.extend(std::fs::read_dir(root.join(folder)).unwrap().map(|f| f.unwrap().path()));
    }
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let code: String = text.lines().filter(|l| !l.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
        for forbidden in ["norm::", "subject::", "Matcher", "walk_", "norm,"] {
            assert!(!code.contains(forbidden), "{} uses {forbidden}", file.display());
        }
    }
    // And it finds what nobody planned.
    let w = synced();
    let case = w.approved_case();
    w.efface(&["case", "execute", &case, "--yes"]).exits(0);
    w.efface(&["case", "verify", &case]).exits(0);
    std::fs::write(w.home().join("data/other-tool/later.txt"), format!("call {NAME}")).unwrap();
    let run = w.efface(&["case", "verify", &case]).exits(1);
    assert!(run.out.contains("UNEXPECTED"), "{}", run.out);
    w.efface(&["case", "close", &case]).exits(4);
}

#[test]
fn law_5_once_erased_stays_erased() {
    let w = synced();
    let case = w.approved_case();
    w.efface(&["case", "execute", &case, "--yes"]).exits(0);
    // The source speaks of the person again: nothing of it may reach staging or target.
    let key = w.issue("Call back", &format!("[~{USER}], {EMAIL}"), json!({ "assignee": { "name": USER } }));
    w.comment(&key, &format!("mail {EMAIL} now"));
    w.efface(&["sync", "run"]).exits(0);
    let (_, report) = w.scan(&["--area", "staging,target"]);
    let back: Vec<_> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|f| !matches!(f["record"]["type"].as_str(), Some("history" | "user-profile")))
        .collect();
    assert!(back.is_empty(), "{back:#?}");
    w.indexed();
    let arrived = w.rt.block_on(client("partner", &w.target).search("summary ~ Call", &["*all"]).all()).unwrap();
    assert_eq!(arrived.len(), 1, "the issue itself arrives, without the person");
}

#[test]
fn law_6_evidence_without_the_person() {
    let w = synced();
    let case = w.efface(&["case", "open", "--subject", "REQ-1", "-q"]).exits(0).out.trim().to_owned();
    std::fs::write(w.home().join("data/other-tool/zvanderquandt.txt"), "x").unwrap();
    let mut said = Vec::new();
    for args in [
        vec!["case", "plan", &case, "-vv"],
        vec!["case", "plan", &case, "--format", "json"],
        vec!["scan", "--subject", "REQ-1"],
        vec!["scan", "--subject", "REQ-1", "--format", "csv"],
        vec!["scan", "--subject", "REQ-1", "--format", "html"],
        vec!["case", "show", &case],
        vec!["case", "review", &case],
        vec!["subject", "list"],
        vec!["subject", "show", "REQ-1"],
        vec!["audit", "show"],
        vec!["scan", "--email", "zoe.vanderquandt.corp.example"],
        vec!["subject", "show", "zvanderquandt"],
    ] {
        let run = w.efface(&args);
        said.push((args.join(" "), run.out, run.err));
    }
    for (what, out, err) in said {
        assert!(
            !names_the_person(out.as_bytes()) && !names_the_person(err.as_bytes()),
            "{what} names the person:\n{out}\n{err}"
        );
    }
    let files: Vec<_> = w.files_naming_the_person().into_iter().filter(|f| !f.contains("/home/")).collect();
    assert_eq!(files, Vec::<String>::new(), "what efface wrote names nobody");
}

#[test]
fn law_7_others_are_left_alone() {
    let w = synced();
    // Another person's address, of which the subject's is the front.
    let similar = format!("ask {EMAIL}.org or x-{EMAIL}");
    let neighbour = w.issue("Somebody else", &similar, Value::Null);
    let others = |w: &World| {
        let mut kept = Vec::new();
        for (name, sandbox, project) in [("hq", &w.source, "HQ"), ("partner", &w.target, "PART")] {
            let jira = client(name, sandbox);
            w.rt.block_on(async {
                for issue in jira.search(&format!("project = {project}"), &["*all"]).all().await.unwrap() {
                    let text = json!(issue.0).to_string();
                    if !names_the_person(text.as_bytes()) {
                        kept.push(text);
                    }
                }
            });
        }
        kept
    };
    let before = others(&w);
    assert!(!before.is_empty());
    let case = w.approved_case();
    w.source.control().reset_notifications();
    w.target.control().reset_notifications();
    w.efface(&["case", "execute", &case, "--yes"]).exits(0);
    let after = others(&w);
    let now = w.rt.block_on(client("hq", &w.source).issue(&neighbour, &["description"], false, &[])).unwrap().unwrap();
    assert_eq!(now.field("description"), Some(&json!(similar)), "another person's address is left alone");
    for record in before {
        assert!(after.contains(&record), "a record outside the plan changed: {record}");
    }
    assert_eq!(std::fs::read(w.home().join("data/other-tool/keep.json")).unwrap(), b"{\"text\" : \"Anna Bergman\"}");
    // Cloud can switch its mails off for every edit, Data Center only for issues: the plan names what is left.
    let mails = |c: &efface::sandbox::Control| {
        c.notifications().into_iter().filter(|n| n.kind == NotificationKind::Mail).map(|n| n.event).collect::<Vec<_>>()
    };
    let (source, target) = w.control();
    assert_eq!(mails(&target), Vec::<String>::new(), "no mail goes out in the target");
    assert!(!mails(&source).iter().any(|e| e == "issue_updated"), "{:?}", mails(&source));
}

/// A run that was killed behind an act and before the journal's last word: the next one sees that it came through. What
/// kills at any moment do is in `kill.rs`.
#[test]
fn law_8_a_second_run_sees_how_far_the_first_one_came() {
    let w = synced();
    let case = w.approved_case();
    let engine = Engine::of(&w, &case);
    let first = engine.run(|_| ());
    assert_eq!((first.done as usize, first.failed, first.refused), (engine.plan.steps.len(), 0, 0), "{first:?}");
    let act = Act { actor: "admin", at: chrono::Utc::now() };
    for row in engine.store.steps(&engine.case, &engine.hash).unwrap() {
        let begun = StepRow { state: StepState::Begun, outcome: None, ..row };
        engine.store.put_step(&act, &engine.case, &engine.hash, &begun).unwrap();
    }
    let writes = || {
        let (source, target) = w.control();
        let all: Vec<_> = source.request_log().into_iter().chain(target.request_log()).collect();
        all.into_iter().filter(|(method, _)| method == "PUT" || method == "DELETE").count()
    };
    let before = writes();
    let second = engine.run(|_| ());
    assert_eq!((second.done, second.failed, second.refused), (first.done, 0, 0), "{second:?}");
    assert_eq!(writes(), before, "nothing is done twice");
    w.efface(&["case", "verify", &case]).exits(0);
}

/// Only the command line and the service read the clock; who decides is given the time.
#[test]
fn law_10_time_is_a_parameter() {
    let mut folders = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut read = 0;
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                // The sandbox stands for another machine, whose clock is its own.
                if name != "cli" && name != "sandbox" {
                    folders.push(path);
                }
                continue;
            }
            if name.contains("tests") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap();
            read += 1;
            for clock in ["Utc::now", "Local::now", "SystemTime::now"] {
                assert!(!code.contains(clock), "{} reads the clock: {clock}", path.display());
            }
        }
    }
    assert!(read > 100, "{read} files");
}

#[test]
fn law_9_small_blast() {
    let w = synced();
    let policy =
        std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/gdpr-default.toml"))
            .unwrap();
    let small = policy.replace("records = 1000", "records = 2").replace("four_eyes = false", "four_eyes = true");
    assert_ne!(small, policy);
    std::fs::write(w.path().join("small.toml"), small).unwrap();
    let config = std::fs::read_to_string(w.path().join("efface.toml")).unwrap();
    std::fs::write(
        w.path().join("efface.toml"),
        config.replace("path = \"home\"", "path = \"home\"\npolicy = \"small.toml\""),
    )
    .unwrap();
    let case = w.efface(&["case", "open", "--subject", "REQ-1", "-q"]).exits(0).out.trim().to_owned();
    w.efface(&["case", "plan", &case]).exits(0);
    w.efface(&["case", "approve", &case]).exits(4);
    w.efface_as("dpo", &["case", "approve", &case]).exits(4);
    w.efface(&["case", "approve", &case, "--raise-cap", "1000"]).exits(4);
    w.efface_as("dpo", &["case", "approve", &case, "--raise-cap", "3"]).exits(4);
    w.efface_as("dpo", &["case", "approve", &case, "--raise-cap", "1000"]).exits(0);
}

#[test]
fn wrong_use_says_what_and_where() {
    let w = World::new(Flavor::Cloud, 0);
    let bad = "[policy]\nname = \"x\"\n\n[[rule]]\nid = \"a\"\ndecision = \"redakt\"\nbasis = \"b\"\nreason = \"r\"\n\
               match = { aera = [\"staging\"], kind = [\"e-mail\"] }\n";
    std::fs::write(w.path().join("bad.toml"), bad).unwrap();
    let run = w.efface(&["policy", "check", "bad.toml"]).exits(2);
    let said = format!("{}{}", run.out, run.err);
    for want in ["redakt", "aera", "e-mail", "bad.toml:6:", "bad.toml:9:"] {
        assert!(said.contains(want), "{want} not in:\n{said}");
    }
    for args in [
        vec!["scan"],
        vec!["scan", "--subject", "nobody"],
        vec!["scan", "--email", "no-at-sign"],
        vec!["scan", "--email", "a@b.example", "--place", "target:nowhere/X"],
        vec!["case", "plan", "C-01ARZ3NDEKTSV4RRFFQ69G5FAV"],
        vec!["case", "plan", "../x"],
        vec!["--config", "missing.toml", "audit", "show"],
        vec!["frobnicate"],
    ] {
        let run = w.efface(&args).exits(2);
        assert!(!run.err.is_empty() && run.out.is_empty(), "{args:?}");
    }
}

//! Reviews in groups, from the command line: answered once, remembered for copies of the same passage.

use efface::model::Flavor;
use serde_json::Value;

use crate::world::{World, names_the_person};

const PASSAGE: &str = "On Monday please ask zv about the new badge of the gate.";
const OTHER: &str = "The rota of this week says that zv has to call the guard tonight.";

fn plan(w: &World, case: &str) -> Value {
    serde_json::from_str(&w.efface(&["case", "plan", case, "--format", "json"]).exits(0).out).unwrap()
}

/// The open findings of a plan, and those that are kept.
fn standing(plan: &Value, outcome: &str) -> usize {
    plan["plan"]["standing"].as_array().unwrap().iter().filter(|s| s["outcome"] == outcome).count()
}

fn groups(w: &World, case: &str) -> Vec<Value> {
    let run = w.efface(&["case", "review", case, "--groups", "--format", "json"]).exits(0);
    assert!(!names_the_person(run.out.as_bytes()) && !run.out.contains("zv"), "{}", run.out);
    serde_json::from_str(&run.out).unwrap()
}

/// The passage group whose example holds these words.
fn passage(groups: &[Value], words: &str) -> (String, String) {
    let text = |g: &Value, key: &str| g[key].as_str().unwrap().to_owned();
    let found = groups.iter().find(|g| g["what is the same"] == "same passage" && text(g, "example").contains(words));
    let g = found.unwrap_or_else(|| panic!("no group about {words}: {groups:#?}"));
    assert!(text(g, "example").contains('…'));
    (text(g, "group"), text(g, "findings"))
}

#[test]
fn a_question_is_answered_once() {
    let w = World::new(Flavor::Cloud, 0);
    w.register();
    w.efface(&["subject", "add", "--id", "REQ-1", "--username", "hq=zv"]).exits(0);
    w.issue("Gate", PASSAGE, Value::Null);
    w.issue("Gate again", &format!("h2. Copy\n\nFirst words here. {PASSAGE} Last words."), Value::Null);
    let tool = w.home().join("data/other-tool");
    std::fs::write(tool.join("mail.txt"), format!("> {}\n", PASSAGE.replace(" the new", "\n> the new"))).unwrap();
    std::fs::write(tool.join("rota.txt"), OTHER).unwrap();
    std::fs::write(tool.join("short.txt"), "zv").unwrap();
    let case = w.efface(&["case", "open", "--subject", "REQ-1", "-q"]).exits(0).out.trim().to_owned();
    let first = plan(&w, &case);
    assert_eq!(standing(&first, "review"), 5, "{:#}", first["plan"]["standing"]);
    let all = groups(&w, &case);
    let (gate, n) = passage(&all, "about the new badge");
    assert_eq!(n, "3", "two issues and a quoted mail: {all:#?}");
    let (rota, n) = passage(&all, "call the guard");
    assert_eq!(n, "1");
    let namesake = all.iter().find(|g| g["what is the same"] == "same namesake question").unwrap();
    assert_eq!(namesake["findings"], "5", "{all:#?}");

    w.efface(&["case", "review", &case, "g-00000000000000000000", "--keep", "b"]).exits(2);
    w.efface(&["case", "review", &case, "--groups", &gate]).exits(2);
    let run = w.efface(&["case", "review", &case, &gate, "--other-person", "the night shift is called that"]).exits(0);
    assert!(run.err.contains("3 decided. New copies of 1 passages"), "{}", run.err);
    let run = w.efface(&["case", "review", &case, &rota, "--erase", "delete"]).exits(0);
    assert!(run.err.contains("1 decided. Make"), "a deletion is not remembered: {}", run.err);
    let second = plan(&w, &case);
    assert_eq!((standing(&second, "review"), standing(&second, "kept")), (1, 3), "{:#}", second["plan"]["standing"]);
    let steps = second["plan"]["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 1);
    assert_eq!(
        (steps[0]["operation"].as_str(), steps[0]["record"]["path"].as_str()),
        (Some("delete"), Some("rota.txt"))
    );

    // New copies: what was kept is kept again, what was deleted is asked again, what only looks alike is asked.
    w.issue("Gate once more", &PASSAGE.to_uppercase().replace("ZV", "zv"), Value::Null);
    w.issue("Gate, but", &PASSAGE.replace("badge", "camera"), Value::Null);
    std::fs::write(tool.join("rota-2.txt"), OTHER).unwrap();
    let third = plan(&w, &case);
    assert_eq!((standing(&third, "review"), standing(&third, "kept")), (3, 4), "{:#}", third["plan"]["standing"]);
    let why: Vec<&str> = third["plan"]["standing"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|s| s["outcome"] == "kept")
        .map(|s| s["why"].as_str().unwrap())
        .collect();
    assert_eq!(why.iter().filter(|w| w.contains("as for the same passage elsewhere")).count(), 1, "{why:?}");

    // What is to be cut is cut in copies too; and a question that reaches over all is answered for what is open.
    let (rota, _) = passage(&groups(&w, &case), "call the guard");
    w.efface(&["case", "review", &case, &rota, "--erase", "redact"]).exits(0);
    std::fs::write(tool.join("rota-3.txt"), format!("Hello.\n\n{OTHER}\n")).unwrap();
    let fourth = plan(&w, &case);
    assert_eq!(standing(&fourth, "review"), 2, "{:#}", fourth["plan"]["standing"]);
    assert_eq!(fourth["plan"]["steps"].as_array().unwrap().len(), 3);
    let all = groups(&w, &case);
    let namesake = all.iter().find(|g| g["what is the same"] == "same namesake question").unwrap();
    w.efface(&["case", "review", &case, namesake["group"].as_str().unwrap(), "--keep", "Art. 17(3)(e)"]).exits(0);
    assert_eq!(standing(&plan(&w, &case), "review"), 0);
    w.efface(&["case", "approve", &case]).exits(0);
    w.efface(&["case", "execute", &case, "--yes"]).exits(0);
    assert!(!tool.join("rota.txt").exists());
    let cut = std::fs::read_to_string(tool.join("rota-3.txt")).unwrap();
    assert!(cut.starts_with("Hello.\n\nThe rota") && !cut.contains("zv"), "{cut}");
}

//! What an execution asks of a Jira, beside what cannot be avoided, and what an interruption adds.
//! `EFFACE_ISSUES=1250 EFFACE_BINARY=$PWD/target/release/efface cargo test --test main -- --ignored calls_per_record --nocapture`
//! is the size of the figures in docs/FIGURES.md.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use efface::{model::Flavor, sandbox::Control};
use serde_json::{Value, json};

use crate::world::{EMAIL, NAME, USER, World};

/// What an execution came to.
struct Cost {
    /// Calls at source and target.
    calls: [u64; 2],
    /// Records at source and target that were changed.
    records: [u64; 2],
    /// Acts, each with the one reading that tells whether it changed anything.
    unavoidable: [u64; 2],
    /// Staged findings, all findings of steps.
    findings: [u64; 2],
    took: Duration,
}

/// A world of `issues` issues that are full of the person, planned and approved.
fn planned(flavor: Flavor, issues: usize) -> (World, String, Value) {
    let w = World::new(flavor, 0);
    for n in 0..issues {
        let key = w.issue(
            &format!("Badge {n} of {NAME}"),
            &format!("[~{USER}] waits; write to {EMAIL} or ask *Zoë* van der Quandt."),
            json!({ "assignee": { "name": USER } }),
        );
        w.comment(&key, &format!("Asked [~{USER}] and {EMAIL}."));
    }
    w.efface(&["sync", "run"]).exits(0);
    w.indexed();
    w.register();
    let policy = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/policies/gdpr-default.toml")).unwrap();
    let policy = policy.replacen("records = 1000 ", "records = 1000000 ", 1);
    // What Cloud's redaction API costs, the plan's figures say (`plan.rs`): here the ordinary way is counted.
    let policy = policy.replacen("redaction_api = true", "redaction_api = false", 1);
    assert!(policy.contains("redaction_api = false") && policy.contains("records = 1000000"));
    std::fs::write(w.path().join("own.toml"), policy).unwrap();
    let config = std::fs::read_to_string(w.path().join("efface.toml")).unwrap();
    let config = config.replacen("path = \"home\"", "path = \"home\"\npolicy = \"own.toml\"", 1);
    std::fs::write(w.path().join("efface.toml"), config).unwrap();
    let case = w.efface(&["case", "open", "--subject", "REQ-1", "-q"]).exits(0).out.trim().to_owned();
    let plan = w.efface(&["case", "plan", &case, "--format", "json"]).exits(0);
    w.efface_as("dpo", &["case", "approve", &case]).exits(0);
    (w, case, serde_json::from_str::<Value>(&plan.out).unwrap()["plan"].clone())
}

fn controls(w: &World) -> [Control; 2] {
    let (source, target) = w.control();
    [source, target]
}

/// Executes a plan; with `interrupted` the first run is killed when half of its calls are made.
fn executed(w: &World, case: &str, plan: &Value, half: Option<u64>) -> Cost {
    let controls = controls(w);
    controls.iter().for_each(Control::reset_requests);
    let asked = || controls.iter().map(Control::requests).sum::<u64>();
    let args = ["case", "execute", case, "--yes"];
    let begun = Instant::now();
    if let Some(half) = half {
        let mut child = w.command(&args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        while asked() < half {
            assert!(child.try_wait().unwrap().is_none(), "it was through before its half");
            std::thread::sleep(Duration::from_micros(200));
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    w.efface(&args).exits(0);
    let took = begun.elapsed();
    let mut cost = Cost {
        calls: [0, 1].map(|i| controls[i].requests()),
        records: [0; 2],
        unavoidable: [0; 2],
        findings: [0; 2],
        took,
    };
    for step in plan["steps"].as_array().unwrap() {
        let findings = step["edits"].as_array().unwrap().len() as u64;
        cost.findings[1] += findings;
        let i = match step["instance"].as_str() {
            Some("hq") => 0,
            Some(_) => 1,
            None => {
                cost.findings[0] += u64::from(step["place"].as_str().unwrap().starts_with("staging:")) * findings;
                continue;
            }
        };
        cost.records[i] += 1;
        cost.unavoidable[i] += 2;
    }
    cost
}

/// An interruption costs the calls of one step that was begun, and what every run asks once.
fn interrupted(flavor: Flavor, issues: usize) -> (Cost, Cost) {
    let (w, case, plan) = planned(flavor, issues);
    let whole = executed(&w, &case, &plan, None);
    w.efface(&["case", "verify", &case]).exits(0);
    let (w, case, plan) = planned(flavor, issues);
    let cut = executed(&w, &case, &plan, Some(whole.calls.iter().sum::<u64>() / 2));
    w.efface(&["case", "verify", &case]).exits(0);
    (whole, cut)
}

#[test]
fn an_interruption_costs_the_calls_of_one_step() {
    // The order of acts is the same for both kinds of target; `calls_per_record` counts the other one too.
    let (whole, cut) = interrupted(Flavor::Cloud, 12);
    for i in [0, 1] {
        // Load, act, read back.
        assert_eq!(whole.calls[i], 3 * whole.records[i]);
    }
    let (whole, cut) = (whole.calls.iter().sum::<u64>(), cut.calls.iter().sum::<u64>());
    assert!(whole >= 100 && cut <= whole + 5, "{whole} calls, {cut} when interrupted");
}

#[test]
#[ignore = "as many issues as EFFACE_ISSUES says"]
fn calls_per_record() {
    let issues = std::env::var("EFFACE_ISSUES").map_or(100, |n| n.parse().unwrap());
    for flavor in [Flavor::Cloud, Flavor::DataCenter] {
        let (whole, cut) = interrupted(flavor, issues);
        let sum = |c: [u64; 2]| c.iter().sum::<u64>();
        println!(
            "target {flavor:?}: {} findings in staging, {} in all; {:.1} s",
            whole.findings[0],
            whole.findings[1],
            whole.took.as_secs_f64()
        );
        for (i, name) in ["source (Data Center)", "target"].into_iter().enumerate() {
            println!(
                "  {name}: {} records, {} calls, {:.2} a record, unavoidable {:.2}",
                whole.records[i],
                whole.calls[i],
                whole.calls[i] as f64 / whole.records[i] as f64,
                whole.unavoidable[i] as f64 / whole.records[i] as f64
            );
        }
        let (whole, cut) = (sum(whole.calls), sum(cut.calls));
        println!(
            "  killed at its half: {cut} calls instead of {whole}, {:+.2} %",
            100.0 * (cut as f64 / whole as f64 - 1.0)
        );
    }
}

//! The compliance report, over cases that are open, closed and refused, holds, recipients and sweeps.

use efface::model::Flavor;
use serde_json::Value;

use crate::world::{World, names_the_person};

#[test]
fn a_period_in_counts() {
    let w = World::new(Flavor::DataCenter, 1);
    w.plant();
    w.efface(&["sync", "run"]).exits(0);
    w.register();
    w.efface(&["report", "compliance"]).exits(0);
    let open = |received: &str| {
        let run = w.efface(&["case", "open", "--subject", "REQ-1", "--received", received, "-q"]).exits(0);
        run.out.trim().to_owned()
    };
    let refused = open("2026-11-01");
    w.efface(&["case", "reject", &refused, "--reason", "manifestly unfounded"]).exits(0);
    let late = open("2026-08-03");
    let case = open("2026-11-20");
    w.efface(&["case", "plan", &case]).exits(0);
    w.efface_as("dpo", &["case", "approve", &case]).exits(0);
    w.efface(&["case", "execute", &case, "--yes"]).exits(0);
    w.efface(&["case", "verify", &case]).exits(0);
    w.efface(&["case", "certificate", &case, "-o", "c.json"]).exits(0);
    w.efface(&["case", "close", &case]).exits(0);
    w.efface_as(
        "legal",
        &[
            "hold",
            "add",
            "--type",
            "preservation",
            "--basis",
            "claim 7",
            "--issue",
            "HQ-1",
            "--review",
            "2026-01-01",
            "-q",
        ],
    )
    .exits(0);
    w.efface(&["sweep"]).exits(0);

    let json = w
        .efface(&["report", "compliance", "--format", "json", "--to", "2099-01-01", "--from", "2026-01-01"])
        .exits(0)
        .out;
    let report: Value = serde_json::from_str(&json).unwrap();
    let line = |id: &str| report["cases"].as_array().unwrap().iter().find(|c| c["case"] == id).unwrap().clone();
    assert_eq!(report["cases"].as_array().unwrap().len(), 3);
    assert_eq!((line(&late)["late"].as_bool(), line(&late)["done"].is_null()), (Some(true), true));
    assert_eq!((line(&refused)["state"].as_str(), line(&refused)["done"].is_string()), (Some("rejected"), true));
    // What the certificate counted outlives the case's key.
    let redacted = line(&case)["outcomes"]["redacted"].as_u64().unwrap();
    let certificate: Value = serde_json::from_slice(&std::fs::read(w.path().join("c.json")).unwrap()).unwrap();
    assert!(redacted > 0 && certificate.to_string().contains("redacted"), "{report:#}");
    assert_eq!((report["holds"][0]["passed"].as_bool(), report["sweeps"].as_array().unwrap().len()), (Some(true), 1));
    assert!(report["suppression"].as_object().unwrap().values().any(|n| n.as_u64() > Some(0)));
    assert!(report["scans"]["all"].as_u64() > Some(0) && report["scans"]["unknown"] == 0, "{}", report["scans"]);
    // By month, and by the place where something stays: together they are what is counted above.
    let sum = |of: &Value, key: &str| of.as_object().unwrap().values().map(|v| v[key].as_u64().unwrap()).sum::<u64>();
    assert_eq!(Some(sum(&report["coverage"], "all")), report["scans"]["all"].as_u64());
    let stays: u64 = report["residuals"].as_object().unwrap().values().filter_map(Value::as_u64).sum();
    assert_eq!(Some(stays), line(&case)["outcomes"]["residual"].as_u64(), "{report:#}");
    assert!(report["residuals"].as_object().unwrap().keys().all(|p| p.contains(':')), "{report:#}");

    for format in ["table", "csv", "html", "json"] {
        let out = w.efface(&["report", "compliance", "--format", format]).exits(0).out;
        assert!(!names_the_person(out.as_bytes()) && !out.contains("REQ-1") && !out.contains("\"p-"), "{out}");
        assert!(out.contains(&late), "{format}: {out}");
    }
    let early =
        w.efface(&["report", "compliance", "--from", "2020-01-01", "--to", "2020-12-31", "--format", "csv"]).exits(0);
    assert_eq!(early.out.lines().count(), 1, "{}", early.out);
    let run = w.efface(&["report", "compliance", "--from", "2027-01-01", "--to", "2026-01-01"]).exits(2);
    assert!(run.err.contains("before it begins"), "{}", run.err);

    // The same data and the same time give the same bytes, in every format.
    let at = |epoch: &str, args: &[&str]| w.command(args).env("SOURCE_DATE_EPOCH", epoch).output().unwrap();
    for format in ["table", "csv", "html", "json"] {
        for args in [vec!["report", "compliance"], vec!["report", "case", &late]] {
            let args = [args, vec!["--format", format]].concat();
            let (one, two) = (at("1798761600", &args), at("1798761600", &args));
            assert_eq!((one.status.code(), &one.stdout), (Some(0), &two.stdout), "{args:?}");
        }
    }
    let json = at("1798761600", &["report", "compliance", "--format", "json"]).stdout;
    assert_eq!(serde_json::from_slice::<Value>(&json).unwrap()["generated_at"], "2027-01-01T00:00:00Z");
    assert_eq!(at("tomorrow", &["report", "compliance"]).status.code(), Some(2));
}

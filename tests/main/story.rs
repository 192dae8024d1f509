//! The main job, end to end, against both flavours of target.

use efface::model::Flavor;
use serde_json::{Value, json};

use crate::world::{World, client, names_the_person};

fn story(flavor: Flavor) {
    let w = World::new(flavor, 6);
    let full = w.plant();
    w.efface(&["sync", "run"]).exits(0);
    let (_, target) = w.control();
    let issues =
        |w: &World| w.rt.block_on(client("partner", &w.target).search("project = PART", &["summary"]).all()).unwrap();
    w.indexed();
    assert_eq!(issues(&w).len(), 8, "six seeded and two planted issues arrive");
    target.reset_requests();
    w.efface(&["sync", "run"]).exits(0);
    let writes: Vec<_> = target
        .request_log()
        .into_iter()
        .filter(|(m, p)| m != "GET" && !p.contains("search") && !p.contains("bulkfetch"))
        .collect();
    assert!(writes.is_empty(), "a second run writes nothing: {writes:?}");

    w.register();
    let (code, report) = w.scan(&[]);
    assert_eq!(code, 1, "{report:#}");
    assert_eq!(report["schema"], "efface.scan/1");
    let has = |area: &str, record: &str, kind: &str| {
        report["findings"]
            .as_array()
            .unwrap()
            .iter()
            .any(|f| f["area"] == area && f["record"]["type"] == record && f["kind"] == kind)
    };
    for (area, record, kind) in [
        ("source", "issue", "mention"),
        ("source", "issue", "email"),
        ("source", "issue", "full-name"),
        ("source", "issue", "username"),
        ("source", "comment", "mention"),
        ("source", "attachment", "email"),
        ("target", "issue", "email"),
        ("target", "issue", "full-name"),
        ("target", "attachment", "email"),
        ("staging", "message", "email"),
        ("staging", "attachment", "email"),
        ("foreign", "file", "email"),
        ("log", "file", "username"),
    ] {
        assert!(has(area, record, kind), "no {kind} in a {record} of {area}: {report:#}");
    }
    assert!(!names_the_person(report.to_string().as_bytes()), "a report names nobody by default");

    let keep = std::fs::read(w.home().join("data/other-tool/keep.json")).unwrap();
    let case = w.approved_case();
    w.efface(&["case", "execute", &case, "--yes"]).exits(0);
    w.efface(&["case", "verify", &case]).exits(0);
    w.efface(&["sync", "run"]).exits(0);
    w.efface(&["case", "verify", &case]).exits(0);
    let certificate = w.path().join("certificate.json");
    w.efface(&["case", "certificate", &case, "-o", certificate.to_str().unwrap()]).exits(0);
    w.efface(&["report", "case", &case, "--format", "html", "-o", "report.html"]).exits(0);

    assert_eq!(w.files_naming_the_person(), Vec::<String>::new());
    assert_eq!(std::fs::read(w.home().join("data/other-tool/keep.json")).unwrap(), keep);
    let csv = std::fs::read_to_string(w.home().join("data/other-tool/users.csv")).unwrap();
    assert!(csv.contains("2,anna@corp.example\n"), "the other row is untouched: {csv}");
    assert_eq!(std::fs::read_to_string(w.home().join("log/jira.log")).unwrap().lines().nth(1), Some("login anna"));

    // Only what the certificate lists is left, in the one place that Jira does not let us edit.
    let certificate: Value = serde_json::from_slice(&std::fs::read(certificate).unwrap()).unwrap();
    let (code, after) = w.scan(&[]);
    assert!(code == 0 || code == 1, "{after:#}");
    for finding in after["findings"].as_array().unwrap() {
        let listed = certificate["stays"].as_array().unwrap().iter().any(|s| {
            s["place"] == finding["place"]
                && s["record"]["type"] == finding["record"]["type"]
                && s["record"]["key"] == finding["record"]["key"]
        });
        assert!(listed, "{finding:#} is in no certificate");
    }
    let live = w.rt.block_on(client("hq", &w.source).issue(&full, &["*all"], false, &[])).unwrap().unwrap();
    let mut fields = json!(live.fields());
    fields.as_object_mut().unwrap().remove("creator");
    assert!(!names_the_person(fields.to_string().as_bytes()), "{fields:#}");
    w.efface(&["audit", "verify"]).exits(0);
    w.efface(&["case", "close", &case]).exits(0);
    assert!(w.efface(&["case", "show", &case]).exits(0).out.contains("closed"));
}

#[test]
fn data_center_to_cloud() {
    story(Flavor::Cloud);
}

#[test]
fn data_center_to_data_center() {
    story(Flavor::DataCenter);
}

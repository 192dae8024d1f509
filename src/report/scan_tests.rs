use chrono::TimeZone;
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::model::{CoverageStatus, Cut, RecordTimes, RecordType, Reference};

const NAME: &str = "Zoë Person";

fn mask(text: &str) -> String {
    text.replace(NAME, "…").replace("zoe@corp.example", "…")
}

fn finding(place: &str, record: RecordType, key: &str, field: &str, decision: Decision) -> Finding {
    let place: Place = place.parse().unwrap();
    let remote = matches!(place.area(), Area::Source | Area::Target);
    Finding {
        id: format!("f-{}-{}", key.len(), field.len()),
        reference: Reference {
            subject: 0,
            identifier: 0,
            instance: remote.then(|| "partner".parse().unwrap()),
            project: remote.then(|| "PART".parse().unwrap()),
            record: if record == RecordType::File {
                RecordRef::file(key)
            } else {
                RecordRef::of_issue(record, "10001", key)
            },
            place,
            field: field.into(),
            locator: "/content/0/content/1".into(),
            kind: ReferenceKind::Mention,
            strength: Strength::Certain,
            cut: Cut::Whole,
            times: RecordTimes::default(),
            issue: None,
        },
        decision,
        rule: "mentions".into(),
        reasons: vec!["because <b>".into()],
    }
}

fn coverage() -> Vec<Coverage> {
    let place = |s: &str| s.parse::<Place>().unwrap();
    vec![
        Coverage::examined(place("staging:hq-partner/processed"), 12, 34567),
        Coverage::with_reason(place("target:partner/PART"), CoverageStatus::Partial, 3, 99, "403 on worklogs"),
    ]
}

fn report(findings: &[Finding]) -> ScanReport {
    let at = Utc.with_ymd_and_hms(2026, 11, 22, 9, 8, 7).unwrap();
    ScanReport::new(&["p-1".to_owned()], ("gdpr-default", "abc"), &coverage(), findings, at, &mask)
}

fn some() -> Vec<Finding> {
    vec![
        finding("target:partner/PART", RecordType::Comment, "PART-10", "body", Decision::Redact),
        finding("target:partner/PART", RecordType::Comment, "PART-2", "body", Decision::Redact),
        finding("target:partner/PART", RecordType::Comment, "PART-2", "body", Decision::Redact),
        finding("target:partner/PART", RecordType::History, "PART-2", "fromString", Decision::Residual),
        finding("foreign:backbone", RecordType::File, "in/Zoë Person.json", "name", Decision::Delete),
    ]
}

#[test]
fn json_is_the_contract() {
    insta::assert_snapshot!(report(&some()[..3]).json(), @r#"
    {
      "schema": "efface.scan/1",
      "generated_at": "2026-11-22T09:08:07Z",
      "subject": "p-1",
      "policy": {
        "name": "gdpr-default",
        "sha256": "abc"
      },
      "coverage": [
        {
          "place": "staging:hq-partner/processed",
          "area": "staging",
          "status": "examined",
          "records": 12,
          "bytes": 34567,
          "reason": null
        },
        {
          "place": "target:partner/PART",
          "area": "target",
          "status": "partial",
          "records": 3,
          "bytes": 99,
          "reason": "403 on worklogs"
        }
      ],
      "findings": [
        {
          "id": "f-6-4",
          "area": "target",
          "place": "target:partner/PART",
          "instance": "partner",
          "project": "PART",
          "record": {
            "type": "comment",
            "id": "10001",
            "key": "PART-2",
            "path": null
          },
          "field": "body",
          "locator": "/content/0/content/1",
          "kind": "mention",
          "strength": "certain",
          "count": 2,
          "decision": "redact",
          "rule": "mentions",
          "reasons": [
            "because <b>"
          ]
        },
        {
          "id": "f-7-4",
          "area": "target",
          "place": "target:partner/PART",
          "instance": "partner",
          "project": "PART",
          "record": {
            "type": "comment",
            "id": "10001",
            "key": "PART-10",
            "path": null
          },
          "field": "body",
          "locator": "/content/0/content/1",
          "kind": "mention",
          "strength": "certain",
          "count": 1,
          "decision": "redact",
          "rule": "mentions",
          "reasons": [
            "because <b>"
          ]
        }
      ],
      "totals": {
        "records": 2,
        "references": 3,
        "by_area": {
          "target": 3
        },
        "by_decision": {
          "redact": 3
        }
      }
    }
    "#);
}

#[test]
fn with_many_subjects_each_finding_names_its_own() {
    let mut second = finding("target:partner/PART", RecordType::Comment, "PART-2", "body", Decision::Redact);
    second.reference.subject = 1;
    let findings = [some().remove(1), second];
    let people = ["p-1".to_owned(), "p-2".to_owned()];
    let r = ScanReport::new(&people, ("p", "s"), &[], &findings, Utc::now(), &mask);
    let v: Value = serde_json::from_str(&r.json()).unwrap();
    assert!(v["subject"].is_null());
    assert_eq!(v["subjects"], serde_json::json!(people));
    assert_eq!((&v["findings"][0]["subject"], &v["findings"][1]["subject"]), (&"p-1".into(), &"p-2".into()));
    assert_eq!(v["findings"][0]["count"], 1, "two persons are not one group");
    assert_eq!(v["totals"]["records"], 1);
    for face in [r.table(), r.html(), r.csv()] {
        assert!(face.contains("p-1") && face.contains("p-2"));
    }
}

#[test]
fn sums_are_sums_of_the_findings() {
    let r = report(&some());
    assert_eq!((r.totals.references, r.totals.records), (5, 4));
    assert_eq!(r.totals.references, r.findings.iter().map(|f| f.count).sum::<u64>());
    assert_eq!(r.totals.by_area, BTreeMap::from([(Area::Target, 4), (Area::Foreign, 1)]));
    assert_eq!(r.findings.iter().map(|f| f.count).collect::<Vec<_>>(), [2, 1, 1, 1], "PART-2 before PART-10");
    assert_eq!(r.findings[2].record.key.as_deref(), Some("PART-10"));
}

#[test]
fn every_face_says_what_was_not_read() {
    for findings in [vec![], some()] {
        let r = report(&findings);
        for face in [r.json(), r.csv(), r.table(), r.html()] {
            assert!(face.contains("403 on worklogs"), "{face}");
        }
        assert!(r.table().contains("Not complete: 1 of 2 places") && r.html().contains("Not complete"));
    }
    let all = ScanReport::new(&[], ("p", "s"), &coverage()[..1], &[], Utc::now(), &mask);
    assert!(all.is_complete() && all.sentence() == "Nothing was found. Every place was read in full.");
    // What nobody could have read is no gap, and is not called read.
    let beyond = all.with_matrix(vec![MatrixRow::new(None, crate::model::Storage::ALL[0], None)]);
    assert!(beyond.is_complete() && beyond.sentence().contains("1 kind of place beyond was not"));
}

#[test]
fn no_face_names_the_person() {
    let mut findings = some();
    findings[0].reference.field = "notes of Zoë Person".into();
    findings[1].reference.locator = "/users/zoe@corp.example".into();
    findings[2].reference.record.id = Some("zoe@corp.example".into());
    findings[3].reference.place = Place::new(Area::Foreign, "Zoë Person");
    let r = report(&findings);
    for face in [r.json(), r.csv(), r.table(), r.html()] {
        assert!(!face.contains("Zo") && !face.contains("zoe"), "{face}");
    }
}

#[test]
fn html_is_self_contained_and_escaped() {
    let asks = BTreeMap::from([("mentions".to_owned(), "the <admin>".to_owned())]);
    let page = report(&some()).with_asks(asks).html();
    assert!(page.contains("because &#60;b&#62;") && !page.contains("<b>because"));
    assert!(page.contains("the &#60;admin&#62;"), "who could remove it");
    for word in ["http://", "https://", "<script", "@import", "url(", "<link", "<img", " src="] {
        assert!(!page.contains(word), "{word} in the page");
    }
    assert_eq!(page.matches("<main").count(), 1);
    assert!(page.contains("<html lang=\"en\">") && page.contains("<caption>"));
}

#[test]
fn a_report_read_back_is_the_same() {
    let r = report(&some());
    assert_eq!(serde_json::from_str::<ScanReport>(&r.json()).unwrap(), r);
}

proptest! {
    #[test]
    fn the_order_of_findings_does_not_matter(order in Just(some()).prop_shuffle()) {
        let (a, b) = (report(&some()), report(&order));
        prop_assert_eq!(a.json(), b.json());
        prop_assert_eq!(a.html(), b.html());
    }
}

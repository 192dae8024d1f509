use serde_json::json;

use super::*;
use crate::model::{RecordTimes, Reference};

pub(super) fn finding(
    id: &str,
    record: RecordType,
    field: &str,
    decision: Decision,
    instance: Option<&str>,
) -> Finding {
    Finding {
        id: id.into(),
        reference: Reference {
            subject: 0,
            identifier: 0,
            place: Place::new(if instance.is_some() { Area::Target } else { Area::Foreign }, "p"),
            instance: instance.map(|i| i.parse().unwrap()),
            project: None,
            record: RecordRef::of_issue(record, "1", "P-1"),
            field: field.into(),
            locator: format!("/fields/{field}"),
            kind: ReferenceKind::FullName,
            strength: Strength::Certain,
            cut: Cut::Node { pointer: format!("/fields/{field}") },
            times: RecordTimes::default(),
            issue: None,
        },
        decision,
        rule: "r".into(),
        reasons: vec!["because".into()],
    }
}

fn plan(groups: Vec<Group>, mandate: Mandate) -> Plan {
    plan_held(groups, mandate, &|_, _| None)
}

fn plan_held(groups: Vec<Group>, mandate: Mandate, held: Held<'_>) -> Plan {
    let mandates = BTreeMap::from([(
        "t".parse().unwrap(),
        MandateOf {
            mandate,
            contact: Some("privacy@partner.example".into()),
            consent: None,
            flavor: Flavor::DataCenter,
        },
    )]);
    Plan::make(Input {
        accounts: &Accounts::new(),
        renewals: &Renewals::new(),
        case: "C-01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(),
        subject: "p-1",
        created_at: "2026-11-22T00:00:00Z".into(),
        planned_by: "a",
        policy: PolicyPin {
            name: "x".into(),
            sha256: "y".into(),
            placeholder: "[erased]".into(),
            four_eyes: false,
            cap_records: None,
            cap_share: None,
            signatures: false,
            signers_sha256: None,
            expires: None,
            delay: None,
            case: CaseRules::default(),
            suppression_keep: None,
            notices: None,
            history: HistoryRules::default(),
            attachments: AttachmentRules::default(),
            law: None,
        },
        groups,
        mandates: &mandates,
        ask: &BTreeMap::new(),
        held,
        unexplained: vec![],
        coverage: vec![],
        issues: BTreeMap::new(),
    })
}

#[test]
fn every_finding_ends_in_a_step_or_stands() {
    use Decision as D;
    use RecordType as R;
    let base = Some(Base::Json(json!({ "fields": { "assignee": { "name": "x" } } })));
    let cases = [
        (R::Issue, "assignee", D::Clear, "step"),
        (R::Issue, "creator", D::Clear, "residual"),
        (R::Issue, "summary", D::Delete, "review"),
        (R::Comment, "body", D::Redact, "step"),
        (R::Comment, "author", D::Redact, "residual"),
        (R::Comment, "author", D::Delete, "step"),
        (R::History, "fromString", D::Redact, "residual"),
        (R::Watcher, "", D::Remove, "step"),
        (R::Issue, "summary", D::Keep, "kept"),
        (R::Issue, "summary", D::Review, "review"),
        (R::Issue, "summary", D::Residual, "residual"),
    ];
    for (record, field, decision, want) in cases {
        let p = plan(vec![(vec![finding("f", record, field, decision, Some("t"))], base.clone())], Mandate::Yes);
        let got = match (&p.steps[..], &p.standing[..]) {
            ([_], []) => "step",
            ([], [s]) if s.outcome == Outcome::Residual => "residual",
            ([], [s]) if s.outcome == Outcome::Review => "review",
            ([], [s]) if s.outcome == Outcome::Kept => "kept",
            _ => "neither or both",
        };
        assert_eq!(got, want, "{record:?} {field} {decision:?}");
    }
}

#[test]
fn a_partner_is_told_not_touched() {
    let base = Some(Base::Json(json!({ "fields": {} })));
    let f = finding("f", RecordType::Issue, "assignee", Decision::Clear, Some("t"));
    for (mandate, steps) in [(Mandate::Yes, 1), (Mandate::Consent, 0), (Mandate::Notify, 0)] {
        let p = plan(vec![(vec![f.clone()], base.clone())], mandate);
        assert_eq!(p.steps.len(), steps, "{mandate:?}");
        if steps == 0 {
            assert_eq!(p.standing[0].who.as_deref(), Some("privacy@partner.example"));
        }
    }
}

#[test]
fn a_deleted_comment_takes_its_author_along() {
    let base = Some(Base::Json(json!({ "body": "x" })));
    let group = vec![
        finding("a", RecordType::Comment, "author", Decision::Residual, Some("t")),
        finding("b", RecordType::Comment, "body", Decision::Delete, Some("t")),
    ];
    let p = plan(vec![(group, base)], Mandate::Yes);
    assert_eq!((p.steps.len(), p.standing.len()), (1, 0));
    assert_eq!(p.steps[0].edits.len(), 2, "both findings are accounted for by the step");
}

#[test]
fn what_is_held_stays_and_is_not_deleted_with_its_record() {
    let base = Some(Base::Json(json!({ "body": "x" })));
    let by = || Some(HeldBy { why: "held by H-1".into(), who: "legal".into() });
    let on_body = |f: &Finding, whole: bool| if whole || f.reference.field == "body" { by() } else { None };
    let redact = vec![
        finding("a", RecordType::Property, "key", Decision::Redact, Some("t")),
        finding("b", RecordType::Property, "body", Decision::Redact, Some("t")),
    ];
    let p = plan_held(vec![(redact, base.clone())], Mandate::Yes, &on_body);
    assert_eq!((p.steps[0].edits.len(), p.standing.len()), (1, 1), "the other field is redacted");
    let s = &p.standing[0];
    assert_eq!((s.outcome, s.rule.as_str(), s.who.as_deref()), (Outcome::Held, HOLD, Some("legal")));
    let delete = vec![
        finding("a", RecordType::Comment, "author", Decision::Delete, Some("t")),
        finding("b", RecordType::Comment, "body", Decision::Redact, Some("t")),
    ];
    let p = plan_held(vec![(delete, base.clone())], Mandate::Yes, &on_body);
    assert_eq!((p.steps.len(), p.standing.len()), (0, 2), "a comment goes whole or not at all");
    // Nothing is asked about what stays anyway.
    let keep = vec![finding("a", RecordType::Comment, "body", Decision::Keep, Some("t"))];
    assert_eq!(plan_held(vec![(keep, base)], Mandate::Yes, &on_body).standing[0].outcome, Outcome::Kept);
}

#[test]
fn what_a_basis_keeps_is_not_deleted_by_its_neighbour() {
    let base = Some(Base::Json(json!({ "filename": "x" })));
    let group = |rule: &str| {
        let mut keep = finding("a", RecordType::Attachment, "author", Decision::Keep, Some("t"));
        keep.rule = rule.into();
        vec![keep, finding("b", RecordType::Attachment, "content", Decision::Delete, Some("t"))]
    };
    let p = plan(vec![(group("contract"), base.clone())], Mandate::Yes);
    assert_eq!((p.steps.len(), p.open_reviews().count()), (0, 1));
    let p = plan(vec![(group(OTHER_PERSON), base.clone())], Mandate::Yes);
    assert_eq!(p.steps.len(), 1, "that somebody else is meant too keeps nothing");
    let mut decided = group("contract");
    decided[1].rule = BY_A_PERSON.into();
    assert_eq!(plan(vec![(decided, base)], Mandate::Yes).steps.len(), 1, "a person decided");
}

#[test]
fn the_hash_covers_every_part() {
    let base = Some(Base::Json(json!({ "fields": { "assignee": 1 } })));
    let a = plan(vec![(vec![finding("f", RecordType::Issue, "assignee", Decision::Clear, None)], base)], Mandate::Yes);
    let changes: [fn(&mut Plan); 8] = [
        |p| p.policy.signatures = true,
        |p| p.policy.signers_sha256 = Some("x".into()),
        |p| p.policy.expires = Some(Period::Days(1)),
        |p| p.policy.delay = Some(Period::Days(1)),
        |p| p.planned_by.push('x'),
        |p| p.steps[0].base.push('x'),
        |p| p.policy.sha256.push('x'),
        |p| p.steps.clear(),
    ];
    for change in changes {
        let mut b = a.clone();
        change(&mut b);
        assert_ne!(a.hash(), b.hash());
    }
    assert_eq!(a.hash(), a.clone().hash());
}

#[test]
fn a_plan_of_before_keeps_its_hash() {
    let mut p = plan(vec![], Mandate::Yes);
    // The bytes of a plan that the version before signatures, expiry and delay stored, and the hash it named.
    let old = r#"{"schema":"efface.plan/1","case":"C-01ARZ3NDEKTSV4RRFFQ69G5FAV","subject":"p-1","created_at":"2026-11-22T00:00:00Z","planned_by":"a","policy":{"name":"x","sha256":"y","placeholder":"[erased]","four_eyes":false,"cap_records":null,"cap_share":null},"steps":[],"standing":[],"coverage":[],"issues":{}}"#;
    let value: Value = serde_json::from_str(old).unwrap();
    let opened: Plan = serde_json::from_str(old).unwrap();
    assert_eq!(opened, p);
    assert_eq!(opened.hash(), canonical_sha256(&value));
    p.policy.signatures = true;
    assert_ne!(p.hash(), opened.hash());
}

#[test]
fn volatile_fields_do_not_count_as_a_change() {
    let before = json!({ "fields": { "summary": "s", "updated": "1", "votes": 1 } });
    let after = json!({ "fields": { "summary": "s", "updated": "2", "votes": 2 } });
    let part = |v| stable_part(v, RecordType::Issue, Operation::Edit, &["summary"]);
    assert_eq!(part(&before), part(&after));
}

/// An attachment that is cut comes back under another id: what stays in it would be found there as something new.
#[test]
fn an_attachment_is_cut_as_a_whole_or_not_at_all() {
    use Decision as D;
    let base = Some(Base::Digest("d".into()));
    let of = |decisions: &[D]| {
        let findings = decisions.iter().enumerate();
        let finding = |(i, d): (usize, &D)| finding(&i.to_string(), RecordType::Attachment, "content", *d, Some("t"));
        plan(vec![(findings.map(finding).collect(), base.clone())], Mandate::Yes)
    };
    assert_eq!(of(&[D::Redact, D::Redact]).steps.len(), 1);
    for stays in [D::Review, D::Keep, D::Residual] {
        let p = of(&[D::Redact, stays]);
        assert!(p.steps.is_empty() && p.standing.len() == 2, "{stays:?}: {p:#?}");
        assert!(p.standing.iter().any(|s| s.finding == "0" && s.outcome == Outcome::Review), "{p:#?}");
    }
    // A person who decides to delete it takes all of it.
    let p = of(&[D::Delete, D::Review]);
    assert!(matches!(p.steps.as_slice(), [s] if s.operation == Operation::Delete && s.edits.len() == 2), "{p:#?}");
}

#[test]
fn what_is_not_used_is_not_written_and_what_is_used_is_pinned() {
    let text = |field: &str| Finding {
        reference: Reference {
            cut: Cut::Text {
                pieces: vec![crate::model::Piece { pointer: format!("/fields/{field}"), from: 0, to: 3 }],
            },
            ..finding("f1", RecordType::Issue, field, Decision::Redact, Some("t")).reference
        },
        ..finding("f1", RecordType::Issue, field, Decision::Redact, Some("t"))
    };
    let groups = vec![(vec![text("summary")], Some(Base::Json(json!({ "fields": { "summary": "Zoë" } }))))];
    let plain = serde_json::to_value(plan(groups, Mandate::Yes)).unwrap();
    for key in ["history", "attachments", "law"] {
        assert!(plain["policy"].get(key).is_none(), "{key}: the hash of an older plan would change");
    }
    assert!(plain["steps"][0].get("means").is_none());
    assert_eq!(serde_json::to_value(serde_json::from_value::<Plan>(plain.clone()).unwrap()).unwrap(), plain);
    // Which way a step goes follows from flavour, policy and cuts.
    let mut policy: PolicyPin = serde_json::from_value(plain["policy"].clone()).unwrap();
    let step: Step = serde_json::from_value(plain["steps"][0].clone()).unwrap();
    assert_eq!(means::of(&step, Some(Flavor::Cloud), &policy), None);
    policy.history.redaction_api = true;
    assert_eq!(means::of(&step, Some(Flavor::Cloud), &policy), Some(Means::RedactionApi));
    assert_eq!(means::of(&step, Some(Flavor::DataCenter), &policy), None);
    let labels: Step = Step { edits: vec![edit(&text("labels/0"))], ..step.clone() };
    assert_eq!(means::of(&labels, Some(Flavor::Cloud), &policy), None);
    let by_api = Step { means: Some(Means::RedactionApi), ..step.clone() };
    assert!(by_api.cannot_be_undone() && !step.cannot_be_undone());
}

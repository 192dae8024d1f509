use chrono::{DateTime, Utc};
use proptest::{prelude::*, sample::select};

use super::*;
use crate::{
    model::{Cut, Decision, IssueFacts, Place, RecordRef, RecordTimes},
    policy::{BUILT_IN_DEFAULT, Policy, Walk, rule::Applies},
};

/// What the rules say, one after the other.
fn plain(policy: &Policy, r: &Reference, ctx: &EvalContext) -> (Decision, String) {
    for rule in policy.rules() {
        match rule.applies(r, ctx) {
            Applies::No => {}
            Applies::Yes => return (rule.decision, rule.id.clone()),
            Applies::Undated | Applies::Unread => return (Decision::Review, rule.id.clone()),
        }
    }
    (Decision::Review, BUILT_IN_DEFAULT.to_owned())
}

fn one(key: &'static str, words: &[&'static str]) -> impl Strategy<Value = Option<String>> + use<> {
    proptest::option::weighted(0.35, select(words.to_vec())).prop_map(move |w| w.map(|w| format!("{key} = \"{w}\"")))
}

fn any_rule() -> impl Strategy<Value = String> {
    let age = one("older_than", &["6 months", "30 days"]);
    let words = (
        one("area", &["source", "target", "staging", "foreign", "log"]),
        one("record", &["issue", "comment", "file", "message", "history"]),
        one("kind", &["email", "mention", "full-name"]),
        one("strength", &["possible", "probable", "certain"]),
        one("controller", &["us", "partner"]),
        age,
    );
    let globs = (
        one("field", &["summary", "*", "a*", "name"]),
        one("path", &["**/processed/**", "**.zip!*", "*", "**", "a/**/b", "?/**", "x**/y"]),
        one("place", &["target:**", "**/PART", "foreign:*", "*:a/PART"]),
        one("project", &["HQ", "*", "P*"]),
        one("instance", &["a", "*"]),
        one("label", &["x", "y*"]),
        one("status", &["Done", "*"]),
    );
    let decision = select(vec!["redact", "delete", "keep", "review", "clear"]);
    (words, globs, decision).prop_map(|(w, g, decision)| {
        let parts =
            [w.0, w.1, w.2, w.3, w.4, w.5, g.0, g.1, g.2, g.3, g.4, g.5, g.6].into_iter().flatten().collect::<Vec<_>>();
        let condition = if parts.is_empty() { String::new() } else { format!("match = {{ {} }}\n", parts.join(", ")) };
        format!("{condition}decision = \"{decision}\"\nbasis = \"b\"\n")
    })
}

fn any_reference() -> impl Strategy<Value = (Reference, Option<Controller>)> {
    let path = select(vec![
        None,
        Some("processed/x"),
        Some("b/processed/x/y"),
        Some("a/b"),
        Some("a/x/b"),
        Some("q.zip!m"),
        Some("x"),
        Some("x1/y"),
        Some("é/processed"),
    ]);
    let facts = |status: Option<&str>, labels: Option<&[&str]>| {
        let labels = labels.map(|all| all.iter().map(|l| (*l).to_owned()).collect());
        Some(Arc::new(IssueFacts { status: status.map(str::to_owned), labels }))
    };
    let issue = select(vec![
        None,
        facts(None, Some(&["x"])),
        facts(Some("Done"), None),
        facts(Some("Open"), Some(&[])),
        facts(Some("Done"), Some(&["z", "yes"])),
    ]);
    (
        (select(Area::ALL.to_vec()), select(RecordType::ALL), select(ReferenceKind::ALL), select(Strength::ALL)),
        (path, select(vec!["", "summary", "name", "assignee"]), select(vec!["a/PART", "PART", "", "b/HQ"])),
        (select(vec![None, Some("HQ"), Some("PART")]), select(vec![None, Some("a"), Some("b")]), any::<bool>()),
        (
            select(vec![None, Some(Controller::Us), Some(Controller::Partner)]),
            select(vec![None, Some(10), Some(400)]),
            issue,
        ),
    )
        .prop_map(
            |(
                (area, record_type, kind, strength),
                (path, field, spot),
                (project, instance, whole),
                (who, age, issue),
            )| {
                let at = age.map(|days| now() - chrono::Duration::days(days));
                let r = Reference {
                    subject: 0,
                    identifier: 0,
                    place: Place::new(area, spot),
                    instance: instance.and_then(|i| i.parse().ok()),
                    project: project.and_then(|p| p.parse().ok()),
                    record: RecordRef { record_type, id: None, key: None, path: path.map(str::to_owned) },
                    field: field.to_owned(),
                    locator: String::new(),
                    kind,
                    strength,
                    cut: if whole { Cut::Whole } else { Cut::Node { pointer: String::new() } },
                    times: RecordTimes { created: at, updated: None },
                    issue,
                };
                (r, who)
            },
        )
}

fn now() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + chrono::Duration::days(20_000)
}

proptest! {
    #[test]
    fn what_the_index_leaves_out_does_not_apply(
        rules in prop::collection::vec(any_rule(), 1..90),
        seen in prop::collection::vec(any_reference(), 40),
    ) {
        let text = rules.iter().enumerate().fold("[policy]\nname = \"p\"\n".to_owned(), |t, (i, r)| {
            format!("{t}[[rule]]\nid = \"r{i}\"\n{r}")
        });
        // Rules that the check refuses are as good as any here.
        let (sources, _) = crate::policy::Sources::load(&text, "p", &|_| Err(String::new()));
        let policy = crate::policy::build::build(&sources, Vec::new()).0.unwrap();
        for (r, controller) in &seen {
            let ctx = EvalContext { controller: *controller, ..EvalContext::at(now()) };
            let verdict = policy.evaluate(r, &ctx);
            let walk = policy.explain(r, &ctx).rules;
            let decides = walk.iter().find(|w| matches!(w.walk, Walk::Applied | Walk::Undated | Walk::Unread));
            prop_assert_eq!(decides.map_or(BUILT_IN_DEFAULT, |w| w.rule), verdict.rule_id.as_str(), "{:?}", r);
            prop_assert_eq!((verdict.decision, verdict.rule_id), plain(&policy, r, &ctx), "{:?}", r);
        }
    }
}

#[test]
fn what_stands_in_every_text_that_a_glob_matches() {
    for (glob, want) in [("**/processed/**", "processed/"), ("*", ""), ("a/**/bcd", "bcd"), ("**", ""), ("x?yz", "yz")]
    {
        assert_eq!(piece(&glob.parse().unwrap()), want, "{glob}");
    }
}

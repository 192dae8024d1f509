//! From a reference to a decision, and the walk that explains it. Pure and total.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{Policy, Rule, Word, rule::Applies};
use crate::model::{Controller, Decision, Flavor, Reference};

/// The rule that decides what no rule takes: `review`.
pub const BUILT_IN_DEFAULT: &str = "built-in-default";

/// What a decision depends on beside the reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EvalContext {
    /// Now.
    pub now: DateTime<Utc>,
    /// Who answers for the place's instance; `None` for places of no instance.
    pub controller: Option<Controller>,
    /// Which API the place's instance speaks; `None` for places of no instance.
    pub flavor: Option<Flavor>,
}

impl EvalContext {
    /// A context of no instance.
    #[must_use]
    pub const fn at(now: DateTime<Utc>) -> Self {
        Self { now, controller: None, flavor: None }
    }

    /// The same with a controller.
    #[must_use]
    pub const fn with_controller(self, controller: Controller) -> Self {
        Self { controller: Some(controller), ..self }
    }
}

/// What a policy decides about one reference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// What to do.
    pub decision: Decision,
    /// The rule that decided.
    pub rule_id: String,
    /// The legal basis.
    pub basis: Option<String>,
    /// Why, for a person to read; never empty, never an identifier of the subject.
    pub reasons: Vec<String>,
    /// For what stays: who could remove it.
    pub ask: Option<String>,
}

/// How one rule fared on the walk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "result")]
pub enum Walk {
    /// It decided.
    Applied,
    /// All but its age condition holds, and the record has no trustworthy date: sent to review.
    Undated,
    /// No condition fails, and label or status of the issue are not known: sent to review.
    Unread,
    /// It does not apply.
    PassedOver {
        /// Every condition that fails.
        because: Vec<String>,
    },
    /// An earlier rule had decided.
    NotReached,
}

/// One rule of the walk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExplainedRule<'p> {
    /// Its id.
    pub rule: &'p str,
    /// The file it stands in.
    pub file: &'p str,
    /// Its line in the file.
    pub line: usize,
    /// What it would decide.
    pub decision: Decision,
    /// How it fared.
    #[serde(flatten)]
    pub walk: Walk,
}

/// The walk over all rules, and its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation<'p> {
    /// What [`Policy::evaluate`] says.
    pub verdict: Verdict,
    /// All rules, in the order in which they are tried.
    pub rules: Vec<ExplainedRule<'p>>,
}

impl Policy {
    /// Decides about one reference. Total: what no rule takes is `review`.
    #[must_use]
    pub fn evaluate(&self, reference: &Reference, ctx: &EvalContext) -> Verdict {
        for rule in self.index.candidates(&self.rules, reference, ctx) {
            match rule.applies(reference, ctx) {
                Applies::No => {}
                Applies::Yes => return decided(rule),
                Applies::Undated => return unsure(rule, "of a certain age, and this one has no trustworthy date"),
                Applies::Unread => {
                    return unsure(rule, "of certain issues, and this one's label or status is not known");
                }
            }
        }
        Verdict {
            decision: Decision::Review,
            rule_id: BUILT_IN_DEFAULT.to_owned(),
            basis: None,
            reasons: vec!["no rule of the policy applies".to_owned()],
            ask: None,
        }
    }

    /// Walks one reference through all rules and says of each why it did or did not decide.
    #[must_use]
    pub fn explain(&self, reference: &Reference, ctx: &EvalContext) -> Explanation<'_> {
        let mut over = false;
        let rules = self
            .rules
            .iter()
            .map(|rule| {
                let because = rule.misses(reference, ctx);
                let walk = if over {
                    Walk::NotReached
                } else if !because.is_empty() {
                    Walk::PassedOver { because }
                } else {
                    over = true;
                    match rule.applies(reference, ctx) {
                        Applies::Undated => Walk::Undated,
                        Applies::Unread => Walk::Unread,
                        _ => Walk::Applied,
                    }
                };
                ExplainedRule { rule: &rule.id, file: &rule.file, line: rule.line, decision: rule.decision, walk }
            })
            .collect();
        Explanation { verdict: self.evaluate(reference, ctx), rules }
    }
}

fn decided(rule: &Rule) -> Verdict {
    let reason = rule.reason.clone().unwrap_or_else(|| format!("rule {} says {}", rule.id, rule.decision.word()));
    let basis = rule.basis.as_ref().map(|b| format!("basis: {b}"));
    Verdict {
        decision: rule.decision,
        rule_id: rule.id.clone(),
        basis: rule.basis.clone(),
        reasons: std::iter::once(reason).chain(basis).collect(),
        ask: rule.ask.clone(),
    }
}

fn unsure(rule: &Rule, why: &str) -> Verdict {
    Verdict {
        decision: Decision::Review,
        rule_id: rule.id.clone(),
        basis: None,
        reasons: vec![format!("rule {} would {} records {why}", rule.id, rule.decision.word())],
        ask: None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::{Duration, TimeZone};
    use proptest::{prelude::*, sample::select};

    use super::*;
    use crate::{
        model::{Area, Cut, IssueFacts, Piece, Place, RecordRef, RecordTimes, RecordType, ReferenceKind, Strength},
        policy::{SHIPPED, fits},
    };

    fn now() -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 11, 22, 12, 0, 0).unwrap()
    }

    fn reference(area: Area, record: RecordType, field: &str, kind: ReferenceKind, strength: Strength) -> Reference {
        Reference {
            subject: 0,
            identifier: 0,
            place: Place::new(area, "partner/PART"),
            instance: None,
            project: None,
            record: RecordRef { record_type: record, id: None, key: None, path: None },
            field: field.into(),
            locator: String::new(),
            kind,
            strength,
            cut: Cut::Text { pieces: vec![Piece { pointer: String::new(), from: 0, to: 1 }] },
            times: RecordTimes::default(),
            issue: None,
        }
    }

    fn issue(status: Option<&str>, labels: Option<&[&str]>) -> Option<Arc<IssueFacts>> {
        let labels = labels.map(|all| all.iter().map(|l| (*l).to_owned()).collect());
        Some(Arc::new(IssueFacts { status: status.map(str::to_owned), labels }))
    }

    fn whole(r: Reference) -> Reference {
        Reference { cut: Cut::Whole, ..r }
    }

    fn file(area: Area, path: &str, field: &str, cut: Cut) -> Reference {
        let mut r = reference(area, RecordType::File, field, ReferenceKind::Email, Strength::Probable);
        r.record.path = Some(path.into());
        r.cut = cut;
        r
    }

    fn policy(rules: &str) -> Policy {
        match Policy::parse(&format!("[policy]\nname = \"p\"\n{rules}"), "p.toml") {
            Ok(p) => p,
            Err(found) => panic!("{found:#?}"),
        }
    }

    fn says(p: &Policy, r: &Reference) -> (Decision, String) {
        let v = p.evaluate(r, &EvalContext::at(now()));
        (v.decision, v.rule_id)
    }

    #[test]
    fn an_issues_label_and_status_are_asked_and_where_they_are_not_known_a_person_is() {
        let p = policy(
            "[[rule]]\nid = \"contracts\"\nmatch = { area = \"target\", status = [\"Done\", \"Closed*\"], label = \"contract-*\" }\n\
             decision = \"keep\"\nbasis = \"law\"\n[[rule]]\nid = \"rest\"\ndecision = \"redact\"\n",
        );
        let says = |facts: Option<Arc<IssueFacts>>, key: Option<&str>| {
            let mut r = reference(Area::Target, RecordType::Comment, "body", ReferenceKind::Email, Strength::Probable);
            (r.issue, r.record.key) = (facts, key.map(str::to_owned));
            let (verdict, walk) = (p.evaluate(&r, &EvalContext::at(now())), p.explain(&r, &EvalContext::at(now())));
            assert_eq!(walk.verdict, verdict);
            let first = walk.rules[0].walk.clone();
            (verdict.decision.word(), verdict.rule_id, first)
        };
        let rule = |facts, key| {
            let (decision, rule, _) = says(facts, key);
            format!("{decision} by {rule}")
        };
        let all: &[&str] = &["x", "contract-2026"];
        assert_eq!(rule(issue(Some("Done"), Some(all)), Some("P-1")), "keep by contracts");
        assert_eq!(rule(issue(Some("Closed, long ago"), Some(all)), Some("P-1")), "keep by contracts");
        assert_eq!(rule(issue(Some("done"), Some(all)), Some("P-1")), "redact by rest");
        assert_eq!(rule(issue(Some("Done"), Some(&["contract"])), Some("P-1")), "redact by rest");
        assert_eq!(rule(issue(Some("Done"), Some(&[])), Some("P-1")), "redact by rest");
        // Not known: only where no other condition fails.
        assert_eq!(rule(issue(Some("Done"), None), Some("P-1")), "review by contracts");
        assert_eq!(rule(issue(None, Some(all)), Some("P-1")), "review by contracts");
        assert_eq!(rule(issue(None, Some(&["x"])), Some("P-1")), "redact by rest");
        assert_eq!(rule(None, Some("P-1")), "review by contracts");
        assert_eq!(says(None, Some("P-1")).2, Walk::Unread);
        // A component's lead, say, belongs to no issue.
        assert_eq!(rule(None, None), "redact by rest");
        let Walk::PassedOver { because } = says(issue(Some("Open"), Some(all)), None).2 else { panic!("passed over") };
        assert_eq!(because, ["the issue has no status of `Done`, `Closed*` with a label of `contract-*`"]);
        let Walk::PassedOver { because } = says(None, None).2 else { panic!("passed over") };
        assert!(because[0].starts_with("it belongs to no issue"), "{because:?}");
    }

    #[test]
    fn shipped_policies_pass_their_own_check_without_a_warning() {
        for (name, text) in SHIPPED {
            let p = Policy::parse(text, name).unwrap_or_else(|found| panic!("{name}: {found:#?}"));
            assert_eq!((p.name(), p.warnings()), (name, &[][..]));
            assert_eq!(Policy::shipped(name).unwrap().sha256(), p.sha256());
            for rule in p.rules() {
                assert!(rule.reason.is_some() && rule.basis.is_some(), "{name}: {} has reason and basis", rule.id);
                assert!(rule.decision != Decision::Residual || rule.ask.is_some(), "{name}: {}", rule.id);
            }
            for class in p.classes() {
                assert!(class.reason.is_some() && !class.basis.is_empty(), "{name}: {}", class.id);
            }
            let default = p.rules().last().map(|rule| rule.condition.is_any());
            assert!(default.unwrap_or(!p.classes().is_empty()), "{name} ends with its default");
        }
        assert!(Policy::shipped("none").is_none());
    }

    #[test]
    fn the_uks_policy_is_the_default_one_under_its_own_law_and_calendar() {
        let (uk, eu) = (Policy::shipped("uk-gdpr").unwrap(), Policy::shipped("gdpr-default").unwrap());
        let rules =
            |p: &Policy| p.rules().iter().map(|r| (r.id.clone(), r.condition.clone(), r.decision)).collect::<Vec<_>>();
        assert_eq!(rules(&uk), rules(&eu));
        let classes = |p: &Policy| p.classes().iter().map(|c| (c.id.clone(), c.period, c.grace)).collect::<Vec<_>>();
        assert_eq!(classes(&uk), classes(&eu));
        assert!(uk.rules().iter().all(|r| r.basis.as_ref().unwrap().starts_with("UK GDPR")));
        // ICO, "How long do we have to comply?": from the day of receipt to the corresponding day, or the last of a shorter
        // month; on a weekend or public holiday the next working day.
        for (received, due) in [
            ("2026-09-03", "2026-10-05"), // the 3rd is a Saturday
            ("2026-09-02", "2026-10-02"),
            ("2026-11-25", "2026-12-29"), // Christmas, the weekend, the substitute for Boxing Day
            ("2027-01-31", "2027-03-01"), // the 28th is a Sunday
            ("2027-02-26", "2027-03-30"), // Good Friday to Easter Monday
            ("2026-03-31", "2026-04-30"),
        ] {
            let received = received.parse().unwrap();
            assert_eq!(uk.clock().deadline(received, false, &[], received), Some(due.parse().unwrap()), "{received}");
        }
    }

    #[test]
    fn what_the_shipped_policies_decide() {
        use Area as A;
        use RecordType as R;
        use ReferenceKind as K;
        use Strength::{Certain, Possible, Probable};
        let n = || Cut::Node { pointer: "/a".into() };
        // reference → gdpr-default, strict, minimal
        let rows = [
            (reference(A::Target, R::Issue, "assignee", K::AccountId, Certain), "clear", "clear", "clear"),
            (reference(A::Source, R::Issue, "reporter", K::FullName, Certain), "clear", "clear", "clear"),
            (reference(A::Target, R::Issue, "customfield_10010", K::Username, Certain), "remove", "remove", "remove"),
            (reference(A::Target, R::Issue, "customfield_10011", K::Mention, Certain), "redact", "redact", "redact"),
            (reference(A::Target, R::Issue, "summary", K::Email, Probable), "redact", "redact", "redact"),
            (reference(A::Target, R::Issue, "summary", K::FullName, Probable), "redact", "redact", "review"),
            (reference(A::Target, R::Issue, "summary", K::FullName, Possible), "review", "review", "review"),
            (reference(A::Target, R::Issue, "labels", K::Username, Probable), "remove", "remove", "remove"),
            (reference(A::Target, R::Issue, "components", K::FullName, Probable), "review", "review", "review"),
            (reference(A::Target, R::Issue, "creator", K::AccountId, Certain), "residual", "residual", "residual"),
            (reference(A::Target, R::Comment, "body", K::Mention, Certain), "redact", "redact", "redact"),
            (reference(A::Target, R::Comment, "author", K::AccountId, Certain), "residual", "delete", "residual"),
            (reference(A::Target, R::Worklog, "updateAuthor", K::UserKey, Certain), "residual", "delete", "residual"),
            (reference(A::Target, R::Worklog, "comment", K::Email, Probable), "redact", "redact", "redact"),
            (reference(A::Target, R::Attachment, "filename", K::FullName, Probable), "redact", "delete", "review"),
            (reference(A::Target, R::Attachment, "content", K::Email, Probable), "redact", "delete", "redact"),
            (whole(reference(A::Target, R::Attachment, "content", K::Email, Probable)), "delete", "delete", "review"),
            (reference(A::Target, R::Attachment, "author", K::AccountId, Certain), "delete", "delete", "review"),
            (reference(A::Target, R::History, "fromString", K::FullName, Certain), "residual", "residual", "residual"),
            (reference(A::Target, R::Watcher, "", K::AccountId, Certain), "remove", "remove", "remove"),
            (reference(A::Target, R::Vote, "", K::AccountId, Certain), "residual", "residual", "residual"),
            (reference(A::Target, R::RemoteLink, "title", K::Email, Probable), "redact", "delete", "redact"),
            (reference(A::Target, R::Property, "value", K::Email, Probable), "redact", "redact", "redact"),
            (reference(A::Target, R::UserProfile, "", K::AccountId, Certain), "residual", "residual", "residual"),
            (reference(A::Staging, R::Message, "summary", K::Email, Probable), "redact", "delete", "redact"),
            (reference(A::State, R::State, "user_map", K::AccountId, Certain), "redact", "redact", "redact"),
            (file(A::Foreign, "HQ/processed/1.json", "", Cut::Whole), "delete", "delete", "review"),
            (
                file(A::Foreign, "HQ/outgoing/1.json", "", Cut::Node { pointer: "/a".into() }),
                "redact",
                "delete",
                "redact",
            ),
            (file(A::Foreign, "HQ/outgoing/zoe.json", "name", Cut::Whole), "delete", "delete", "review"),
            (file(A::Foreign, "x.zip!y.bin", "", Cut::Whole), "delete", "delete", "review"),
            (file(A::Foreign, "x.zip!y.txt", "", n()), "delete", "delete", "review"),
            (file(A::Foreign, "a/x.json.gz!x.json", "", n()), "redact", "delete", "redact"),
            (file(A::Foreign, "a/blob!content", "", n()), "redact", "delete", "redact"),
            (file(A::Foreign, "x.zip!y.json.gz!y.json", "", n()), "delete", "delete", "review"),
            (file(A::Log, "old.zip!a.log", "", n()), "review", "delete", "review"),
            (
                file(A::Log, "atlassian-jira.log", "", Cut::Node { pointer: String::new() }),
                "redact",
                "redact",
                "redact",
            ),
            (file(A::Log, "old.log.gz", "", Cut::Whole), "review", "delete", "review"),
            (file(A::Backup, "b.zip", "", Cut::Whole), "residual", "residual", "residual"),
        ];
        let policies = ["gdpr-default", "strict", "minimal"].map(|n| Policy::shipped(n).unwrap());
        for (r, default, strict, minimal) in rows {
            for (p, want) in policies.iter().zip([default, strict, minimal]) {
                let v = p.evaluate(&r, &EvalContext::at(now()));
                assert_eq!(v.decision.as_str(), want, "{} by {}: {r:?}", p.name(), v.rule_id);
            }
        }
    }

    #[test]
    fn an_account_is_anonymised_on_a_data_center_and_where_it_is_certainly_named() {
        use Area as A;
        use RecordType as R;
        use ReferenceKind as K;
        use Strength::{Certain, Possible, Probable};
        let strict = Policy::shipped("strict").unwrap();
        let says = |r: &Reference, flavor| {
            let ctx = EvalContext { flavor, ..EvalContext::at(now()) };
            strict.evaluate(r, &ctx).decision.as_str()
        };
        let rows = [
            (reference(A::Target, R::UserProfile, "name", K::Username, Certain), "anonymise", "residual"),
            (reference(A::Target, R::UserProfile, "displayName", K::FullName, Probable), "anonymise", "residual"),
            (reference(A::Target, R::UserProfile, "name", K::Username, Possible), "review", "review"),
            (reference(A::Source, R::Vote, "", K::UserKey, Certain), "anonymise", "residual"),
            (reference(A::Source, R::Vote, "", K::FullName, Probable), "residual", "residual"),
            (reference(A::Target, R::Issue, "creator", K::FullName, Certain), "anonymise", "residual"),
            (reference(A::Target, R::Issue, "creator", K::FullName, Probable), "residual", "residual"),
            (reference(A::Target, R::Issue, "assignee", K::Username, Certain), "clear", "clear"),
            (reference(A::Target, R::History, "author", K::UserKey, Certain), "anonymise", "residual"),
            (reference(A::Target, R::History, "toString", K::FullName, Certain), "anonymise", "residual"),
            (reference(A::Target, R::History, "toString", K::Mention, Certain), "residual", "residual"),
            (reference(A::Target, R::History, "toString", K::FullName, Probable), "residual", "residual"),
            // What the person wrote goes with its author.
            (reference(A::Target, R::Comment, "author", K::UserKey, Certain), "delete", "delete"),
            (reference(A::Target, R::Attachment, "author", K::UserKey, Certain), "delete", "delete"),
        ];
        for (r, here, elsewhere) in rows {
            assert_eq!(says(&r, Some(Flavor::DataCenter)), here, "{r:?}");
            assert_eq!(says(&r, Some(Flavor::Cloud)), elsewhere, "{r:?}");
            assert_eq!(says(&r, None), elsewhere, "{r:?}");
        }
        let profile = reference(A::Target, R::UserProfile, "name", K::Username, Certain);
        let cloud = EvalContext { flavor: Some(Flavor::Cloud), ..EvalContext::at(now()) };
        let walk = strict.explain(&profile, &cloud);
        let account = walk.rules.into_iter().find(|r| r.rule == "account").unwrap();
        let Walk::PassedOver { because } = account.walk else { panic!("passed over") };
        assert_eq!(
            because,
            [
                "`anonymise` cannot be carried out here: accounts of Cloud are Atlassian's; only a Data Center anonymises its users"
            ]
        );
    }

    #[test]
    fn the_first_rule_that_applies_decides_and_nothing_falls_through() {
        let p = policy(
            "[[rule]]\nid = \"a\"\nmatch = { area = \"target\", field = \"summary\" }\ndecision = \"keep\"\nbasis = \"law\"\n\
             [[rule]]\nid = \"b\"\nmatch = { area = \"target\" }\ndecision = \"redact\"\n",
        );
        let r = |area, field| reference(area, RecordType::Issue, field, ReferenceKind::Email, Strength::Probable);
        assert_eq!(says(&p, &r(Area::Target, "summary")), (Decision::Keep, "a".into()));
        assert_eq!(says(&p, &r(Area::Target, "description")), (Decision::Redact, "b".into()));
        assert_eq!(says(&p, &r(Area::Log, "")), (Decision::Review, BUILT_IN_DEFAULT.into()));
        let v = p.evaluate(&r(Area::Target, "summary"), &EvalContext::at(now()));
        assert_eq!(v.reasons, ["rule a says keep", "basis: law"]);
    }

    #[test]
    fn ages_count_in_calendar_months_and_the_undated_go_to_review() {
        let p = policy(
            "[[rule]]\nid = \"old\"\nmatch = { area = \"target\", older_than = \"1 month\" }\ndecision = \"delete\"\n\
             [[rule]]\nid = \"rest\"\ndecision = \"keep\"\nbasis = \"law\"\n",
        );
        let base = reference(Area::Target, RecordType::Comment, "body", ReferenceKind::Email, Strength::Probable);
        let at = |created: Option<DateTime<Utc>>, updated| {
            says(&p, &Reference { times: RecordTimes { created, updated }, ..base.clone() })
        };
        let end = now() - chrono::Months::new(1);
        assert_eq!(at(None, Some(end)).1, "old");
        assert_eq!(at(None, Some(end + Duration::seconds(1))).1, "rest");
        assert_eq!(at(Some(end), None).1, "old", "what was never changed counts from its creation");
        assert_eq!(at(Some(end), Some(now())).1, "rest");
        assert_eq!(at(None, None), (Decision::Review, "old".into()));
        assert_eq!(
            at(None, Some(now() + Duration::days(2))),
            (Decision::Review, "old".into()),
            "a date to come is no date"
        );
        let elsewhere = Reference { place: Place::new(Area::Log, "x"), ..base.clone() };
        assert_eq!(says(&p, &elsewhere).1, "rest", "a rule that fails otherwise does not ask for the date");
    }

    #[test]
    fn exceptions_end_and_controllers_count() {
        let p = policy(
            "[[rule]]\nid = \"k\"\nmatch = { field = \"a\" }\ndecision = \"keep\"\nbasis = \"law\"\nuntil = 2026-11-22\n\
             [[rule]]\nid = \"c\"\nmatch = { area = \"target\", controller = [\"partner\", \"joint\"] }\ndecision = \"review\"\n\
             [[rule]]\nid = \"d\"\ndecision = \"redact\"\n",
        );
        let r = reference(Area::Target, RecordType::Issue, "a", ReferenceKind::Email, Strength::Probable);
        assert_eq!(says(&p, &r).1, "k", "the last day counts");
        let later = EvalContext::at(now() + Duration::days(1));
        assert_eq!(p.evaluate(&r, &later).rule_id, "d");
        assert_eq!(p.evaluate(&r, &later.with_controller(Controller::Partner)).rule_id, "c");
        assert_eq!(p.evaluate(&r, &later.with_controller(Controller::Us)).rule_id, "d");
        assert_eq!(p.expired(later.now.date_naive()).map(|r| r.id.as_str()).collect::<Vec<_>>(), ["k"]);
        assert_eq!(p.expired(now().date_naive()).count(), 0);
    }

    #[test]
    fn an_explanation_says_why_and_names_nobody() {
        let p = Policy::shipped("gdpr-default").unwrap();
        let mut r = file(Area::Foreign, "HQ/zoe.person/1.json", "name", Cut::Whole);
        r.kind = ReferenceKind::FullName;
        let e = p.explain(&r, &EvalContext::at(now()));
        let walk = |id: &str| e.rules.iter().find(|r| r.rule == id).map(|r| r.walk.clone()).unwrap();
        assert_eq!(walk("foreign-whole"), Walk::Applied);
        assert_eq!(walk("log"), Walk::NotReached);
        let Walk::PassedOver { because } = walk("foreign-text") else { panic!("passed over") };
        assert_eq!(
            because,
            ["`redact` cannot be carried out here: a file name is not text that can be cut; use `delete`"]
        );
        let json = serde_json::to_string(&e).unwrap();
        assert!(!json.contains("zoe"), "{json}");
    }

    fn any_reference() -> impl Strategy<Value = Reference> {
        let fields = select(vec!["", "summary", "author", "creator", "name", "labels", "customfield_1", "assignee"]);
        let paths = select(vec![None, Some("processed/x.json"), Some("a/b.zip!c"), Some("x.gz!x"), Some("x")]);
        let times = select(vec![None, Some(-400i64), Some(-100), Some(0), Some(90)]);
        let issues = select(vec![None, issue(None, Some(&["x"])), issue(Some("Done"), Some(&["yes", "z"]))]);
        (
            (select(Area::ALL.to_vec()), select(RecordType::ALL), select(ReferenceKind::ALL), select(Strength::ALL)),
            (fields, paths, any::<bool>(), times.clone(), times),
            issues,
        )
            .prop_map(|((area, record, kind, strength), (field, path, whole, created, updated), issue)| {
                let mut r = reference(area, record, field, kind, strength);
                r.record.path = path.map(str::to_owned);
                if whole {
                    r.cut = Cut::Whole;
                }
                r.issue = issue.filter(|_| matches!(area, Area::Source | Area::Target));
                let at = |days: Option<i64>| days.map(|d| now() + Duration::days(d));
                r.times = RecordTimes { created: at(created), updated: at(updated) };
                r
            })
    }

    /// Any rule that passes the check on its own.
    fn any_rule() -> impl Strategy<Value = String> {
        let one = |key: &'static str, words: Vec<&'static str>| {
            proptest::option::of(select(words)).prop_map(move |w| w.map(|w| format!("{key} = \"{w}\"")))
        };
        let words = |list: &[&'static str]| list.to_vec();
        (
            one("area", Area::ALL.iter().map(|a| a.as_str()).collect()),
            one("record", RecordType::ALL.iter().map(|a| a.as_str()).collect()),
            one("field", words(&["summary", "*", "a*", "customfield_*"])),
            one("path", words(&["**/processed/**", "**.zip!*"])),
            one("at_least", words(&["possible", "probable", "certain"])),
            one("older_than", words(&["6 months", "1 year", "30 days"])),
            one("label", words(&["x", "y*", "*"])),
            one("status", words(&["Done", "D*"])),
            select(Decision::ALL),
        )
            .prop_map(|(area, record, field, path, strength, age, label, status, decision)| {
                let all = [area, record, field, path, strength, age, label, status];
                let parts: Vec<_> = all.into_iter().flatten().collect();
                let condition =
                    if parts.is_empty() { String::new() } else { format!("match = {{ {} }}\n", parts.join(", ")) };
                format!("{condition}decision = \"{}\"\nbasis = \"b\"\n", decision.word())
            })
    }

    /// A policy of rules that may shadow each other: the lint's word is put aside by leaving such rules out.
    fn policy_of(rules: &[String]) -> Policy {
        let head = "[policy]\nname = \"p\"\n".to_owned();
        let text = |kept: &[usize]| {
            kept.iter().fold(head.clone(), |t, i| format!("{t}[[rule]]\nid = \"r{i}\"\n{}", rules[*i]))
        };
        let mut kept = Vec::new();
        let mut policy = None;
        for i in 0..rules.len() {
            kept.push(i);
            match Policy::parse(&text(&kept), "p") {
                Ok(p) => policy = Some(p),
                Err(_) => {
                    kept.pop();
                }
            }
        }
        policy.unwrap_or_else(|| {
            Policy::parse(&format!("{head}[[rule]]\nid = \"r\"\ndecision = \"review\"\n"), "p").unwrap()
        })
    }

    proptest! {
        #[test]
        fn explain_agrees_with_evaluate(rules in prop::collection::vec(any_rule(), 1..7), r in any_reference()) {
            let p = policy_of(&rules);
            let ctx = EvalContext::at(now());
            let (verdict, walk) = (p.evaluate(&r, &ctx), p.explain(&r, &ctx));
            prop_assert_eq!(&walk.verdict, &verdict);
            let deciding: Vec<_> =
                walk.rules.iter().filter(|w| matches!(w.walk, Walk::Applied | Walk::Undated | Walk::Unread)).collect();
            prop_assert!(deciding.len() <= 1);
            match deciding.first() {
                Some(w) if w.walk == Walk::Applied => {
                    prop_assert_eq!((w.rule, w.decision), (verdict.rule_id.as_str(), verdict.decision));
                }
                Some(w) => prop_assert_eq!((w.rule, Decision::Review), (verdict.rule_id.as_str(), verdict.decision)),
                None => prop_assert_eq!(verdict.rule_id.as_str(), BUILT_IN_DEFAULT),
            }
            for w in &walk.rules {
                if let Walk::PassedOver { because } = &w.walk {
                    prop_assert!(!because.is_empty());
                }
            }
            prop_assert!(!verdict.reasons.is_empty());
        }

        /// Where the documentation says that the order means nothing: values of a list, conditions, rules about different areas.
        #[test]
        fn the_order_of_lists_and_of_rules_that_never_meet_means_nothing(
            rules in Just((0..Area::ALL.len()).collect::<Vec<_>>()).prop_shuffle(),
            words in Just(vec!["email", "mention", "full-name", "username"]).prop_shuffle(),
            fields in Just(vec!["summary", "a*", "body", "customfield_*"]).prop_shuffle(),
            decisions in prop::collection::vec(select(vec!["review", "delete", "redact"]), Area::ALL.len()),
            turned in any::<bool>(),
            r in any_reference(),
        ) {
            let text = |rules: &[usize], words: &[&str], fields: &[&str], turned: bool| {
                let list = |l: &[&str]| l.iter().map(|w| format!("\"{w}\"")).collect::<Vec<_>>().join(", ");
                let rule = |i: &usize| {
                    let mut parts = [
                        format!("area = \"{}\"", Area::ALL[*i].as_str()),
                        format!("kind = [{}]", list(words)),
                        format!("field = [{}]", list(fields)),
                    ];
                    if turned {
                        parts.reverse();
                    }
                    let decision = decisions[*i];
                    format!("[[rule]]\nid = \"r{i}\"\nmatch = {{ {} }}\ndecision = \"{decision}\"\n", parts.join(", "))
                };
                format!("[policy]\nname = \"p\"\n{}", rules.iter().map(rule).collect::<String>())
            };
            let plain: Vec<usize> = (0..Area::ALL.len()).collect();
            let sorted = |v: &[&'static str]| { let mut v = v.to_vec(); v.sort_unstable(); v };
            let a = Policy::parse(&text(&plain, &sorted(&words), &sorted(&fields), false), "p").unwrap();
            let b = Policy::parse(&text(&rules, &words, &fields, turned), "p").unwrap();
            let ctx = EvalContext::at(now());
            prop_assert_eq!(a.evaluate(&r, &ctx), b.evaluate(&r, &ctx));
        }

        #[test]
        fn a_verdict_can_always_be_carried_out(r in any_reference(), which in 0..3usize) {
            let p = Policy::shipped(SHIPPED[which].0).unwrap();
            let v = p.evaluate(&r, &EvalContext::at(now()));
            prop_assert!(fits(v.decision, &r.record, &r.field, &r.cut).is_ok());
        }

        #[test]
        fn a_rule_that_is_called_unreachable_never_decides(
            rules in prop::collection::vec(any_rule(), 2..5),
            seen in prop::collection::vec(any_reference(), 60),
        ) {
            let text = rules.iter().enumerate().fold("[policy]\nname = \"p\"\n".to_owned(), |t, (i, r)| {
                format!("{t}[[rule]]\nid = \"r{i}\"\n{r}")
            });
            let found = Policy::parse(&text, "p").map_or_else(|e| e, |p| p.warnings().to_vec());
            let only_shadows = found.iter().all(|d| d.severity == crate::policy::Severity::Warning || d.code == "unreachable-rule");
            prop_assume!(only_shadows);
            let (sources, _) = crate::policy::Sources::load(&text, "p", &|_| Err("none".to_owned()));
            let (draft, _) = crate::policy::build::build(&sources, Vec::new());
            let p = draft.unwrap();
            for d in found.iter().filter(|d| matches!(d.code, "unreachable-rule" | "redundant-rule")) {
                for r in &seen {
                    // Histories, votes, watchers and accounts exist only at an instance; the lint builds on it.
                    let jira = matches!(r.place.area(), Area::Source | Area::Target);
                    let only_jira = matches!(
                        r.record.record_type,
                        RecordType::History | RecordType::Vote | RecordType::Watcher | RecordType::UserProfile
                    );
                    let v = p.evaluate(r, &EvalContext::at(now()));
                    prop_assert!(
                        (only_jira && !jira) || !d.message.starts_with(&format!("rule `{}` ", v.rule_id)),
                        "{} but it decides {:?}", d.message, r
                    );
                }
            }
        }

        #[test]
        fn parsing_never_panics(text in "[\\[\\]a-z\"={}, \n0-9.#é]{0,80}") {
            match Policy::read(&text, "p", &|_| Err("none".to_owned())) {
                (_, Ok(_)) => {}
                (sources, Err(found)) => {
                    prop_assert!(!found.is_empty());
                    prop_assert!(!crate::policy::render(&found, &sources, false).is_empty());
                }
            }
        }
    }
}

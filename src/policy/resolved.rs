//! A policy as it is understood: with its defaults filled in, for `efface policy show`.

use std::fmt;

use serde_json::{Map, Value, json};

use super::{BUILT_IN_DEFAULT, Class, Condition, Glob, Policy, Rule, Set, Since, Word};

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> =
            parts(self).into_iter().map(|(key, words)| format!("{key} {}", words.join(" | "))).collect();
        if parts.is_empty() { f.write_str("everything") } else { f.write_str(&parts.join("; ")) }
    }
}

/// The conditions that are given, in the order of the documentation.
fn parts(c: &Condition) -> Vec<(&'static str, Vec<String>)> {
    fn words<T: Word>(set: Set<T>) -> Vec<String> {
        if set.is_all() { Vec::new() } else { set.words().into_iter().map(str::to_owned).collect() }
    }
    let globs = |globs: &[Glob]| globs.iter().map(ToString::to_string).collect::<Vec<_>>();
    let period = |p: Option<super::Period>| p.map(|p| p.to_string()).into_iter().collect::<Vec<_>>();
    let since = if c.age.since == Since::Created { vec![Since::Created.word().to_owned()] } else { Vec::new() };
    let all = [
        ("area", words(c.area)),
        ("place", globs(&c.place)),
        ("record", words(c.record)),
        ("field", globs(&c.field)),
        ("path", globs(&c.path)),
        ("kind", words(c.kind)),
        ("strength", words(c.strength)),
        (
            "controller",
            c.controller.map(|set| set.words().into_iter().map(str::to_owned).collect()).unwrap_or_default(),
        ),
        ("project", globs(&c.project)),
        ("instance", globs(&c.instance)),
        ("label", globs(&c.label)),
        ("status", globs(&c.status)),
        ("older_than", period(c.age.older_than)),
        ("younger_than", period(c.age.younger_than)),
        ("since", since),
    ];
    all.into_iter().filter(|(_, words)| !words.is_empty()).collect()
}

fn rule(r: &Rule) -> Value {
    let single = |key: &str| matches!(key, "older_than" | "younger_than" | "since");
    let condition: Map<String, Value> = parts(&r.condition)
        .into_iter()
        .map(|(key, words)| (key.to_owned(), if single(key) { json!(words[0]) } else { json!(words) }))
        .collect();
    json!({
        "id": r.id, "file": r.file, "line": r.line, "match": condition, "decision": r.decision, "basis": r.basis, "reason": r.reason,
        "owner": r.owner, "ask": r.ask, "until": r.until.map(|u| u.to_string()),
    })
}

fn class(c: &Class) -> Value {
    let mut condition: Map<String, Value> =
        c.records.parts().into_iter().map(|(key, words)| (key.to_owned(), json!(words))).collect();
    if !c.fields.is_empty() {
        condition.insert("field".to_owned(), json!(c.fields.iter().map(ToString::to_string).collect::<Vec<_>>()));
    }
    json!({
        "id": c.id, "match": condition, "start": c.start.word(), "period": c.period, "then": c.then.word(),
        "grace": c.grace.filter(|_| c.then.acts()), "basis": c.basis, "reason": c.reason, "owner": c.owner,
    })
}

impl Policy {
    /// The policy with its defaults filled in, as JSON; its last rule is the default that takes what no rule takes.
    #[must_use]
    pub fn resolved(&self) -> Value {
        let mut rules: Vec<Value> = self.rules.iter().map(rule).collect();
        if !self.rules.iter().any(|r| r.condition.is_any()) {
            rules.push(json!({
                "id": BUILT_IN_DEFAULT, "file": null, "line": null, "match": {}, "decision": "review", "basis": null,
                "reason": "no rule of the policy applies", "owner": null, "ask": null, "until": null,
            }));
        }
        json!({
            "schema": "efface.policy/1",
            "name": self.name, "version": self.version, "law": self.law, "sha256": self.sha256, "files": self.files,
            "placeholder": self.placeholder,
            "approval": {
                "four_eyes": self.approval.four_eyes, "signatures": self.approval.signatures,
                "expires": self.approval.expires, "delay": self.approval.delay,
            },
            "caps": { "records": self.caps.records, "share": self.caps.share },
            "clock": {
                "period": self.clock.period.to_string(),
                "extension": self.clock.extension.map(|e| e.to_string()),
                "holidays": self.clock.holidays.iter().map(ToString::to_string).collect::<Vec<_>>(),
                "working_day": self.clock.working_day,
                "ask_within": self.clock.ask_within,
                "warn": self.clock.warn,
            },
            "case": { "require": self.case.require },
            "aftercare": {
                "verify_again": self.case.aftercare.verify_again,
                "after_sync": self.case.aftercare.after_sync,
                "backups": self.case.aftercare.backups,
            },
            "suppression": { "keep": self.suppression_keep.map(|k| k.to_string()) },
            "notices": {
                "required": self.notices.required,
                "acknowledge_within": self.notices.acknowledge_within.to_string(),
            },
            "history": {
                "redaction_api": self.history.redaction_api, "without_it": self.history.without_it.word(),
            },
            "attachments": { "note": self.attachments.note },
            "rules": rules,
            "sweep": { "records": self.sweep.records, "four_eyes": self.sweep.four_eyes },
            "classes": self.classes.iter().map(class).collect::<Vec<_>>(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolved_with_defaults() {
        let p = Policy::parse(
            "[policy]\nname = \"p\"\n[[rule]]\nid = \"r\"\nmatch = { area = [\"log\", \"state\"], at_least = \"probable\", \
             older_than = \"24 months\" }\ndecision = \"review\"\n[suppression]\nkeep = \"120 months\"\n",
            "p",
        )
        .unwrap();
        assert_eq!(
            p.rules()[0].condition.to_string(),
            "area state | log; strength probable | certain; older_than 2 years"
        );
        let v = p.resolved();
        assert_eq!(v["placeholder"], "[erased]");
        assert_eq!(v["clock"]["extension"], "2 months");
        assert_eq!(v["suppression"]["keep"], "10 years");
        assert_eq!(v["notices"], json!({ "required": false, "acknowledge_within": "2 weeks" }));
        assert_eq!(Policy::shipped("strict").unwrap().resolved()["notices"]["required"], true);
        assert_eq!(v["rules"][0]["match"]["older_than"], "2 years");
        assert_eq!(v["rules"][1]["id"], BUILT_IN_DEFAULT);
        assert_eq!(v["classes"], json!([]));
        let staged = &Policy::shipped("retention").unwrap().resolved()["classes"][0];
        assert_eq!(
            (&staged["match"]["area"], &staged["period"], &staged["grace"]),
            (&json!(["staging"]), &json!("1 week"), &Value::Null)
        );
        assert_eq!(
            Policy::shipped("strict").unwrap().resolved()["rules"].as_array().unwrap().last().unwrap()["id"],
            "default"
        );
    }
}

//! Policies as a user has them: several files, exceptions for labels and statuses, a check that knows configuration and past.

use efface::model::Flavor;
use serde_json::{Value, json};

use crate::world::{EMAIL, World};

const COMPANY: &str = r#"
[policy]
name = "company"
include = "gdpr-default"
placeholder = "[gone]"

[lists]
legal = ["contract-*", "court"]

[[rule]]
id = "contracts"
match = { area = ["source", "target"], label = "@legal" }
decision = "keep"
basis = "HGB § 257"

[[rule.example]]
place = "source:hq/HQ"
labels = ["x", "contract-1"]
status = "Open"
matches = true

[[rule.example]]
place = "source:hq/HQ"
labels = []
matches = false
"#;

const PROJECT: &str = r#"
[policy]
name = "project"
include = ["../policies/company.toml"]

[[rule]]
id = "lawsuit"
match = { area = "source", status = "Frozen" }
decision = "keep"
basis = "GDPR Art. 17(3)(e)"
until = 2099-12-31
"#;

fn write(w: &World, company: &str, project: &str) {
    for (folder, name, text) in [("policies", "company.toml", company), ("own", "project.toml", project)] {
        std::fs::create_dir_all(w.path().join(folder)).unwrap();
        std::fs::write(w.path().join(folder).join(name), text).unwrap();
    }
    let config = std::fs::read_to_string(w.path().join("efface.toml")).unwrap();
    if !config.contains("project.toml") {
        let config = config.replacen("path = \"home\"", "path = \"home\"\npolicy = \"own/project.toml\"", 1);
        std::fs::write(w.path().join("efface.toml"), config).unwrap();
    }
}

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

#[test]
fn an_overlay_over_the_companys_policy_over_the_shipped_one() {
    let w = World::new(Flavor::DataCenter, 0);
    let contract = w.issue(&format!("ask {EMAIL}"), "", json!({ "labels": ["contract-1"] }));
    let other = w.issue(&format!("ask {EMAIL} too"), "", json!({ "labels": ["contracted"] }));
    w.comment(&contract, &format!("answer of {EMAIL}"));
    w.comment(&other, &format!("answer of {EMAIL}"));
    w.efface(&["sync", "run"]).exits(0);
    w.register();
    write(&w, COMPANY, PROJECT);

    // The label holds for everything in the issue, in source and target, and for nothing else.
    let (_, scan) = w.scan(&[]);
    let mut said: Vec<String> = Vec::new();
    for f in scan["findings"].as_array().unwrap() {
        let (place, record) = (f["place"].as_str().unwrap(), &f["record"]);
        if place.starts_with("source:hq/HQ") && record["type"] != "history" && !record["key"].is_null() {
            said.push(format!(
                "{} {} {}",
                record["key"].as_str().unwrap(),
                record["type"].as_str().unwrap(),
                f["rule"]
            ));
        }
    }
    said.sort();
    let rule = |key: &str, record: &str| {
        let line = format!("{key} {record} ");
        said.iter().filter(|s| s.starts_with(&line)).map(|s| s[line.len()..].to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(rule(&contract, "issue"), ["\"contracts\""], "{said:#?}");
    assert_eq!(rule(&contract, "comment"), ["\"contracts\""]);
    assert_eq!(rule(&other, "issue"), ["\"text\""]);
    assert_eq!(rule(&other, "comment"), ["\"text\""]);
    assert!(!scan.to_string().contains("contract-1"), "a label may be a name: it is asked and not told");

    // What was planned is what a check knows of an exception.
    let check = |args: &[&str]| w.efface(&[&["policy", "check"], args].concat());
    let quiet = check(&[]).exits(0);
    assert!(quiet.out.is_empty() && quiet.err.contains("project.toml: ok"), "{}{}", quiet.out, quiet.err);
    let case = w.efface(&["case", "open", "--subject", "REQ-1", "-q"]).exits(0).out.trim().to_owned();
    let plan =
        |case: &str| json_of(&w.efface(&["case", "plan", case, "--format", "json"]).exits(0).out)["plan"].clone();
    let first = plan(&case);
    assert_eq!((&first["policy"]["name"], &first["policy"]["placeholder"]), (&json!("project"), &json!("[gone]")));
    let told = check(&["--format", "json"]).exits(0);
    let told = json_of(&told.out);
    let codes: Vec<_> = told["diagnostics"].as_array().unwrap().iter().map(|d| &d["code"]).collect();
    assert_eq!(codes, ["unused-exception"], "{told:#}");
    let d = &told["diagnostics"][0];
    assert!(d["message"].as_str().unwrap().starts_with("the exception `lawsuit` kept nothing in the one plan"), "{d}");
    assert!(d["file"].as_str().unwrap().ends_with("own/project.toml"), "{d}");
    assert_eq!(d["line"], 7);
    assert_eq!(told["policy"]["files"].as_array().unwrap().len(), 3);
    check(&["--deny-warnings"]).exits(2);
    // Of an exception that was not there when it was planned, a plan says nothing.
    let later = "\n[[rule]]\nid = \"archive\"\nmatch = { area = \"log\", path = \"archive/**\" }\ndecision = \"keep\"\nbasis = \"law\"\n";
    write(&w, COMPANY, &format!("{PROJECT}{later}"));
    let told = check(&[]).exits(0);
    assert!(told.out.contains("`lawsuit` kept nothing") && !told.out.contains("`archive`"), "{}", told.out);

    // A plan pins all of the files.
    write(&w, &COMPANY.replace("HGB § 257", "HGB § 257(4)"), PROJECT);
    let second = plan(&case);
    assert_ne!(first["policy"]["sha256"], second["policy"]["sha256"], "an edited include is an edited policy");
    let shown = w.efface(&["policy", "show"]).exits(0).out;
    assert!(shown.contains("company.toml, shipped:gdpr-default.toml"), "{shown}");
}

#[test]
fn what_is_wrong_in_an_included_file_is_said_of_that_file() {
    let w = World::new(Flavor::DataCenter, 0);
    write(&w, &COMPANY.replace("matches = false", "matches = true"), PROJECT);
    // Examples are run where their own file is checked, since what stands before an included rule may decide otherwise.
    w.efface(&["policy", "check"]).exits(0);
    let own = w.efface(&["policy", "check", "policies/company.toml"]).exits(2);
    assert!(own.out.contains("error[failed-example]") && own.out.contains("policies/company.toml:22:1"), "{}", own.out);
    write(&w, &COMPANY.replace("label = \"@legal\"", "labels = \"@legal\""), PROJECT);
    let wrong = w.efface(&["policy", "check"]).exits(2);
    assert!(
        wrong.out.contains("error[unknown-key]") && wrong.out.contains("policies/company.toml:12:40"),
        "{}",
        wrong.out
    );
    assert!(wrong.out.contains("did you mean `label`?"), "{}", wrong.out);
    // Nothing runs by such a policy.
    w.register();
    let scan = w.efface(&["scan", "--subject", "REQ-1"]).exits(2);
    assert!(scan.err.contains("unknown-key"), "{}", scan.err);
    write(&w, COMPANY, &PROJECT.replace("../policies/company.toml", "/dev/zero.toml\", \"../policies"));
    let odd = w.efface(&["policy", "check"]).exits(2);
    assert!(odd.out.contains("cannot include `/dev/zero.toml`"), "{}", odd.out);
    std::os::unix::fs::symlink("/dev/zero", w.path().join("policies/zero.toml")).unwrap();
    write(&w, COMPANY, &PROJECT.replace("company.toml", "zero.toml"));
    let endless = w.efface(&["policy", "check"]).exits(2);
    assert!(endless.out.contains("it is no file"), "{}", endless.out);
    write(&w, COMPANY, PROJECT);
    std::fs::remove_file(w.path().join("policies/company.toml")).unwrap();
    let gone = w.efface(&["policy", "check"]).exits(2);
    assert!(gone.out.contains("error[include-not-found]: cannot include `../policies/company.toml`"), "{}", gone.out);
}

#[test]
fn a_place_that_no_rule_is_about_and_the_walk_of_a_finding() {
    let w = World::new(Flavor::DataCenter, 0);
    let alone = "[policy]\nname = \"p\"\n[[rule]]\nid = \"done\"\nmatch = { area = \"target\", status = \"Done\", label = \"x*\" }\n\
                 decision = \"redact\"\n[[rule]]\nid = \"rest\"\ndecision = \"review\"\n";
    write(&w, COMPANY, alone);
    let said = w.efface(&["policy", "check"]).exits(0).out;
    for place in ["source:hq/HQ", "staging:hq-partner/new", "foreign:other-tool"] {
        assert!(said.contains(&format!("no rule is about the place {place}: `rest` decides")), "{place} in\n{said}");
    }
    assert!(!said.contains("the place target:"), "{said}");
    let walk = |more: &[&str]| {
        let args = ["policy", "explain", "--place", "target:partner/PART", "--format", "json"];
        let out = json_of(&w.efface(&[&args, more].concat()).exits(0).out);
        (
            out["verdict"]["decision"].as_str().unwrap().to_owned(),
            out["rules"][0]["result"].as_str().unwrap().to_owned(),
        )
    };
    let is = |decision: &str, result: &str| (decision.to_owned(), result.to_owned());
    assert_eq!(walk(&["--status", "Done", "--label", "a", "--label", "x1"]), is("redact", "applied"));
    assert_eq!(walk(&["--status", "Done"]), is("review", "passed-over"));
    assert_eq!(walk(&["--label", "x1"]), is("review", "unread"));
    assert_eq!(walk(&[]), is("review", "unread"), "an issue whose status nobody gave");
    assert_eq!(walk(&["--record", "property"]), is("review", "passed-over"), "a setting belongs to no issue");
    // Beside a configuration that cannot be read a policy is checked all the same, and what was not looked at is said.
    std::fs::write(w.path().join("efface.toml"), "[home").unwrap();
    let alone = w.efface(&["policy", "check", "own/project.toml"]).exits(0);
    assert!(
        alone.err.contains("was not looked at") && !alone.out.contains("no rule is about"),
        "{}{}",
        alone.out,
        alone.err
    );
    let schema = w.efface(&["policy", "schema"]).exits(0).out;
    assert_eq!(schema, include_str!("../../schemas/policy-1.json"));
}

use std::collections::BTreeMap;

use super::{super::Policy, *};

const HEAD: &str = "[policy]\nname = \"own\"\n";

/// Reads `own.toml` of some files; one line a diagnostic.
fn read(files: &[(&str, &str)]) -> Result<Policy, String> {
    let files: BTreeMap<&str, &str> = files.iter().copied().collect();
    let load = |name: &str| files.get(name).map(|t| (*t).to_owned()).ok_or_else(|| "no such file".to_owned());
    let (_, policy) = Policy::read(files["own.toml"], "policies/own.toml", &load);
    policy.map_err(|found| found.iter().map(super::super::Diagnostic::short).collect::<Vec<_>>().join("\n"))
}

fn including(include: &str, rules: &str) -> String {
    format!("[policy]\nname = \"own\"\ninclude = {include}\n{rules}")
}

fn ids(policy: &Policy) -> Vec<(&str, &str)> {
    policy.rules().iter().map(|r| (r.id.as_str(), r.decision.as_str())).collect()
}

const COMPANY: &str = "[policy]\nname = \"company\"\nlaw = \"a law\"\nplaceholder = \"[gone]\"\n[caps]\nrecords = 5\nshare = 0.5\n\
    [[rule]]\nid = \"log\"\nmatch = { area = \"log\" }\ndecision = \"redact\"\n\
    [[rule]]\nid = \"rest\"\ndecision = \"review\"\n";

#[test]
fn an_including_file_goes_first_and_tables_are_filled_up_key_by_key() {
    let own = including(
        "[\"company.toml\"]",
        "placeholder = \"[cut]\"\n[caps]\nrecords = 7\n[[rule]]\nid = \"mine\"\nmatch = { area = \"state\" }\ndecision = \"delete\"\n\
         [[rule]]\nid = \"log\"\nreplaces = true\nmatch = { area = \"log\" }\ndecision = \"delete\"\n",
    );
    let p = read(&[("own.toml", &own), ("company.toml", COMPANY)]).unwrap();
    assert_eq!(ids(&p), [("mine", "delete"), ("log", "delete"), ("rest", "review")], "in the place of the replaced");
    assert_eq!((p.name(), p.version(), p.law(), p.placeholder()), ("own", None, Some("a law"), "[cut]"));
    assert_eq!((p.caps().records, p.caps().share), (Some(7), Some(0.5)));
    assert_eq!(p.files(), ["policies/own.toml", "policies/company.toml"]);
    let at: Vec<_> = p.rules().iter().map(|r| (r.file.as_str(), r.line)).collect();
    assert_eq!(at, [("policies/own.toml", 8), ("policies/own.toml", 12), ("policies/company.toml", 13)]);
}

#[test]
fn an_edit_of_an_included_file_is_an_edit_of_the_policy() {
    let own = including("\"company.toml\"", "");
    let hash =
        |own: &str, company: &str| read(&[("own.toml", own), ("company.toml", company)]).unwrap().sha256().to_owned();
    let before = hash(&own, COMPANY);
    assert_eq!(before, hash(&own, COMPANY));
    assert_ne!(before, hash(&own, &format!("{COMPANY}# another word\n")));
    assert_ne!(before, hash(&format!("{own}# another word\n"), COMPANY));
    let alone = format!("{HEAD}[[rule]]\nid = \"r\"\ndecision = \"review\"\n");
    let digest = hex::encode(Sha256::digest(alone.as_bytes()));
    assert_eq!(read(&[("own.toml", &alone)]).unwrap().sha256(), digest, "of one file the hash is that of its bytes");
}

#[test]
fn a_class_goes_before_an_included_one_or_in_its_place() {
    let class = |id: &str, place: &str, period: &str, more: &str| {
        format!(
            "[[class]]\nid = \"{id}\"\n{more}match = {{ area = \"staging\", place = \"{place}\" }}\nstart = \"processed\"\n\
             period = \"{period}\"\nthen = \"delete\"\nbasis = \"b\"\n"
        )
    };
    let company = class("parked", "staging:*/parked", "30 days", "") + &class("staged", "staging:**", "7 days", "");
    let of = |own: String| {
        let own = including("\"company.toml\"", &own);
        read(&[("own.toml", &own), ("company.toml", &format!("[policy]\nname = \"c\"\n{company}"))])
    };
    let classes = |own: String| {
        let p = of(own).unwrap();
        p.classes().iter().map(|c| format!("{} {}", c.id, c.period)).collect::<Vec<_>>()
    };
    assert_eq!(
        classes(class("mine", "staging:x/processed", "1 day", "")),
        ["mine 1 day", "parked 30 days", "staged 1 week"]
    );
    assert_eq!(
        classes(class("staged", "staging:**", "1 day", "replaces = true\n")),
        ["parked 30 days", "staged 1 day"],
        "where the included one stood"
    );
    insta::assert_snapshot!(of(class("staged", "staging:**", "1 day", "")).unwrap_err(), @"policies/company.toml:11:6: error[duplicate-class-id]: two classes are called `staged` (a report names the class, so each needs an id of its own; `replaces = true` takes the place of an included class)");
    insta::assert_snapshot!(of(class("stagde", "staging:x/processed", "1 day", "replaces = true\n")).unwrap_err(), @"policies/own.toml:6:1: error[replaces-nothing]: no included file has a class `stagde` (take `replaces` out, or correct the id or the include)");
}

#[test]
fn shipped_policies_go_by_their_names_and_folders_by_the_including_file() {
    let own = including(
        "[\"gdpr-default\", \"deep/a.toml\"]",
        "[[rule]]\nid = \"log\"\nreplaces = true\nmatch = { area = \"log\" }\ndecision = \"redact\"\n",
    );
    let deep = "[[rule]]\nid = \"more\"\nmatch = { area = \"log\" }\ndecision = \"delete\"\n";
    let a = format!("[policy]\ninclude = [\"../b.toml\", \"./b.toml\"]\n{deep}");
    let files = [("own.toml", own.as_str()), ("deep/a.toml", &a), ("b.toml", ""), ("deep/b.toml", "")];
    let p = read(&files).unwrap();
    let names = ["own.toml", "deep/a.toml", "b.toml", "deep/b.toml"].map(|f| format!("policies/{f}"));
    assert_eq!(p.files(), [names[0].as_str(), "shipped:gdpr-default.toml", &names[1], &names[2], &names[3]]);
    assert_eq!(p.placeholder(), "[erased]");
    let warned: Vec<_> = p.warnings().iter().map(|d| (d.code, d.file.as_str())).collect();
    assert_eq!(warned, [("overridden-rule", "policies/deep/a.toml")], "the default of the shipped one takes all");
}

#[test]
fn a_file_by_two_roads_is_read_once() {
    let own = including("[\"a.toml\", \"b.toml\"]", "");
    let both = "[policy]\ninclude = \"company.toml\"\n";
    let p = read(&[("own.toml", &own), ("a.toml", both), ("b.toml", both), ("company.toml", COMPANY)]).unwrap();
    assert_eq!(p.files().len(), 4);
    assert_eq!(ids(&p).len(), 2);
}

#[test]
fn wrong_includes() {
    let said = |include: &str, rules: &str, company: &str| {
        let own = including(include, rules);
        read(&[("own.toml", &own), ("company.toml", company)]).unwrap_err()
    };
    insta::assert_snapshot!(said("\"compny.toml\"", "[[rule]]\nid = \"r\"\ndecision = \"review\"\n", COMPANY), @"policies/own.toml:3:11: error[include-not-found]: cannot include `compny.toml`: no such file (a path ends in `.toml` and is relative to the file that includes it; a shipped policy goes by its name)");
    insta::assert_snapshot!(said("\"gdpr-defualt\"", "[[rule]]\nid = \"r\"\ndecision = \"review\"\n", COMPANY), @"policies/own.toml:3:11: error[include-not-found]: cannot include `gdpr-defualt`: no policy of that name ships with efface (did you mean `gdpr-default`?)");
    insta::assert_snapshot!(said("[3]", "[[rule]]\nid = \"r\"\ndecision = \"review\"\n", COMPANY), @"policies/own.toml:3:12: error[wrong-type]: `include` has to be a string or a list of strings, and holds integer (such as include = [\"company.toml\"])");
    insta::assert_snapshot!(said("\"company.toml\"", "", &COMPANY.replace("law = \"a law\"", "include = \"own.toml\"")), @"policies/company.toml:3:11: error[include-loop]: `own.toml` includes itself in the end (take one of the includes out)");
    insta::assert_snapshot!(said("\"company.toml\"", "[[rule]]\nid = \"log\"\nmatch = { area = \"log\" }\ndecision = \"review\"\n", COMPANY), @r#"
    policies/company.toml:9:6: error[duplicate-rule-id]: two rules are called `log` (a finding names its rule, so each needs an id of its own; `replaces = true` takes the place of an included rule)
    "#);
    insta::assert_snapshot!(said("\"company.toml\"", "[[rule]]\nid = \"lgo\"\nreplaces = true\nmatch = { area = \"log\" }\ndecision = \"review\"\n", COMPANY), @r#"
    policies/own.toml:6:1: error[replaces-nothing]: no included file has a rule `lgo` (take `replaces` out, or correct the id or the include)
    policies/company.toml:9:6: warning[overridden-rule]: rule `log` of an included file never decides: `lgo` does before it (if that is meant, call the rule `log` and add `replaces = true`)
    "#);
    insta::assert_snapshot!(said("\"company.toml\"", "", &COMPANY.replace("\"log\" }", "\"lgo\" }").replace("share", "shape")), @r#"
    policies/company.toml:7:1: error[unknown-key]: [caps] has no key `shape` (did you mean `share`?)
    policies/company.toml:10:18: error[unknown-value]: `lgo` is no area (did you mean `log`?)
    "#);
    insta::assert_snapshot!(said("\"company.toml\"", "", &COMPANY.replace("id = \"log\"", "id = ")), @r#"
    policies/company.toml:9:6: error[toml-syntax]: string values must be quoted, expected literal string
    "#);
}

#[test]
fn two_files_are_drawn() {
    let own =
        including("\"company.toml\"", "[[rule]]\nid = \"log\"\nmatch = { area = \"log\" }\ndecision = \"review\"\n");
    let (sources, policy) = Policy::read(&own, "own.toml", &|_| Ok(COMPANY.to_owned()));
    let found = policy.unwrap_err();
    assert_eq!(found[0].note.as_ref().map(|n| (n.file.as_str(), n.line)), Some(("own.toml", 5)));
    insta::assert_snapshot!(super::super::render(&found, &sources, false), @r#"
    error[duplicate-rule-id]: two rules are called `log`
     --> company.toml:9:6
      |
    9 | id = "log"
      |      ^^^^^
      |
     ::: own.toml:5:6
      |
    5 | id = "log"
      |      ----- the first
      |
    help: a finding names its rule, so each needs an id of its own; `replaces = true` takes the place of an included rule
    "#);
}

/// A mark of the byte order, Windows' line ends and other scripts: positions are still those of the file.
#[test]
fn files_of_other_editors() {
    let own = format!("\u{feff}{}", including("\"company.toml\"", "").replace('\n', "\r\n"));
    let fine = format!("\u{feff}# фирма \u{1f512}\n{COMPANY}").replace('\n', "\r\n");
    let p = read(&[("own.toml", &own), ("company.toml", &fine)]).unwrap();
    assert_eq!(ids(&p), [("log", "redact"), ("rest", "review")]);
    assert_eq!(p.rules()[0].line, 10);
    let wrong = fine.replace("\"log\" }", "\"лог\" }");
    insta::assert_snapshot!(read(&[("own.toml", &own), ("company.toml", &wrong)]).unwrap_err(), @"policies/company.toml:11:18: error[unknown-value]: `лог` is no area (known are: staging, source, target, state, foreign, log, backup)");
    // Whatever is cut off of it, or put into it, is told and drawn.
    let texts = [own.as_str(), fine.as_str()];
    for (which, text) in texts.iter().enumerate() {
        for (at, _) in text.char_indices() {
            for with in ["", "\u{1f512}", "é = ", "\"", "[", "\r"] {
                let broken = format!("{}{with}", &text[..at]);
                let pair = if which == 0 { [broken.as_str(), texts[1]] } else { [texts[0], broken.as_str()] };
                let load = |_: &str| Ok(pair[1].to_owned());
                let (sources, policy) = Policy::read(pair[0], "own.toml", &load);
                let found = policy.map_or_else(|found| found, |p| p.warnings().to_vec());
                assert_eq!(super::super::render(&found, &sources, false).is_empty(), found.is_empty());
            }
        }
    }
}

/// Two files that include the same: each may replace what stands there. Of two that replace one rule the first counts, as
/// everywhere.
#[test]
fn a_rule_is_replaced_by_any_file_that_includes_it() {
    let part = |rule: &str| format!("[policy]\ninclude = \"company.toml\"\n{rule}");
    let replaces = |id: &str, decision: &str| {
        format!("[[rule]]\nid = \"{id}\"\nreplaces = true\nmatch = {{ area = \"log\" }}\ndecision = \"{decision}\"\n")
    };
    let of = |own: &str, a: &str, b: &str| {
        let p = read(&[("own.toml", own), ("a.toml", a), ("b.toml", b), ("company.toml", COMPANY)])?;
        Ok::<_, String>(ids(&p).iter().map(|(id, d)| format!("{id} {d}")).collect::<Vec<_>>())
    };
    let own = including("[\"a.toml\", \"b.toml\"]", "");
    let (plain, log) = (part(""), part(&replaces("log", "delete")));
    assert_eq!(of(&own, &log, &plain).unwrap(), ["log delete", "rest review"]);
    assert_eq!(of(&own, &plain, &log).unwrap(), ["log delete", "rest review"], "the second includes it too");
    let three = including("[\"a.toml\", \"b.toml\"]", &replaces("log", "review"));
    assert_eq!(of(&three, &log, &plain).unwrap(), ["log review", "rest review"], "three levels");
    assert_eq!(of(&three, &plain, &log).unwrap(), ["log review", "rest review"]);
    // A file replaces nothing that only another one includes.
    let alone = format!("[policy]\n{}", replaces("log", "delete"));
    let said = of(&own, &alone, &plain).unwrap_err();
    assert!(said.starts_with("policies/a.toml:4:1: error[replaces-nothing]"), "{said}");
    let twice = of(&own, &log, &part(&replaces("log", "review"))).unwrap_err();
    insta::assert_snapshot!(twice, @"policies/b.toml:4:6: error[duplicate-rule-id]: two rules are called `log` (a finding names its rule, so each needs an id of its own; `replaces = true` takes the place of an included rule)");
}

//! More wrong policies and what is said of each: lists, examples, conditions on projects, contradictions.

use super::wrong::said;

/// A policy with these lines behind its head.
fn with(rest: &str) -> String {
    said(&format!("[policy]\nname = \"p\"\n{rest}"))
}

/// A policy with one rule that has these lines.
fn rule(lines: &str) -> String {
    with(&format!("[[rule]]\nid = \"r\"\n{lines}\n"))
}

#[test]
fn unknown_list() {
    insta::assert_snapshot!(with("[lists]\npartners = [\"target:acme/*\"]\n[[rule]]\nid = \"r\"\nmatch = { place = [\"@partner\", \"@partners\"] }\ndecision = \"review\"\n"), @"p:7:20: error[unknown-list]: there is no list `partner` (did you mean `@partners`?)");
}

#[test]
fn list_that_is_nowhere() {
    insta::assert_snapshot!(rule("match = { place = \"@partners\" }\ndecision = \"review\""), @r#"p:5:19: error[unknown-list]: there is no list `partners` (add it: [lists] partners = ["…"])"#);
}

#[test]
fn unused_list() {
    insta::assert_snapshot!(with("[lists]\npartners = [\"target:acme/*\"]\n[[rule]]\nid = \"r\"\ndecision = \"review\"\n"), @r#"
    accepted
    p:4:1: warning[unused-list]: no rule uses the list `partners` (use it as "@partners", or take it out)
    "#);
}

#[test]
fn lists_of_nothing_of_lists_and_of_numbers() {
    insta::assert_snapshot!(with("[lists]\nnone = []\nmany = [\"@none\", 3]\nOdd = \"x\"\n[[rule]]\nid = \"r\"\nmatch = { place = \"@many\" }\ndecision = \"review\"\n"), @r#"
    p:4:1: warning[unused-list]: no rule uses the list `none` (use it as "@none", or take it out)
    p:4:8: error[empty-list]: the list `none` is empty (a rule that uses it could match nothing: take both out)
    p:5:9: error[nested-list]: a list cannot hold another list (a condition can: ["@one", "@other"])
    p:5:18: error[wrong-type]: a list holds strings, and this is integer (put it into quotes)
    p:6:1: error[bad-list-name]: a list's name is made of a-z, 0-9, `-` and `_` (conditions use it as "@name")
    p:6:1: warning[unused-list]: no rule uses the list `Odd` (use it as "@Odd", or take it out)
    p:6:7: error[wrong-type]: `Odd` has to be a list of strings, and is string (such as Odd = ["…"])
    "#);
}

#[test]
fn a_list_of_other_words() {
    insta::assert_snapshot!(with("[lists]\nplaces = [\"target:acme/*\", \"[x]\"]\n[[rule]]\nid = \"r\"\nmatch = { area = \"@places\", place = \"@places\" }\ndecision = \"review\"\n"), @r#"
    p:7:18: error[unknown-value]: `target:acme/*` is no area (known are: staging, source, target, state, foreign, log, backup)
    p:7:18: error[unknown-value]: `[x]` is no area (known are: staging, source, target, state, foreign, log, backup)
    p:7:37: error[bad-glob]: `place`: `[` has no meaning in these globs; only `*`, `**` and `?` have (`*` is any run of characters but `/`, `**` any run, `?` one character)
    "#);
}

#[test]
fn lists_is_no_table() {
    insta::assert_snapshot!(said("lists = [\"x\"]\n[policy]\nname = \"p\"\n[[rule]]\nid = \"r\"\ndecision = \"review\"\n"), @"p:1:9: error[wrong-type]: `lists` has to be a table, and is an array (write it once, as `[lists]`)");
}

#[test]
fn projects_where_there_are_none() {
    insta::assert_snapshot!(rule("match = { area = \"log\", project = \"HQ\", instance = \"hq\" }\ndecision = \"redact\""), @r#"
    p:5:35: error[never-matches]: places of these areas have no project (only places of the areas source and target have one)
    p:5:52: error[never-matches]: places of these areas have no instance (only places of the areas source and target have one)
    "#);
}

#[test]
fn issues_where_there_are_none() {
    insta::assert_snapshot!(rule("match = { area = [\"staging\", \"state\"], label = \"x\", status = [\"Done\", \"\"] }\ndecision = \"redact\""), @"p:5:71: error[bad-glob]: `status`: the glob is empty, so it could match nothing (`*` is any run of characters but `/`, `**` any run, `?` one character)");
}

#[test]
fn shadowed_by_label() {
    insta::assert_snapshot!(with("[[rule]]\nid = \"a\"\nmatch = { area = \"target\", label = \"contract*\" }\ndecision = \"review\"\n[[rule]]\nid = \"b\"\nmatch = { area = \"target\", label = \"contract-1\", status = \"Done\" }\ndecision = \"redact\"\n"), @"p:8:6: error[unreachable-rule]: rule `b` can never decide: `a` says `review` before it can say `redact` (the first rule that applies decides: put the narrower rule first)");
}

#[test]
fn narrowed_by_status() {
    insta::assert_snapshot!(with("[[rule]]\nid = \"a\"\nmatch = { area = \"target\", status = \"Done\" }\ndecision = \"review\"\n[[rule]]\nid = \"b\"\nmatch = { area = \"target\" }\ndecision = \"redact\"\n[[rule.example]]\nplace = \"target:p/PART\"\nstatus = \"Done\"\nmatches = false\n[[rule.example]]\nplace = \"target:p/PART\"\nstatus = \"Open\"\nlabels = []\nmatches = true\n"), @"accepted");
}

#[test]
fn shadowed_by_project() {
    insta::assert_snapshot!(with("[[rule]]\nid = \"a\"\nmatch = { area = \"target\", project = \"HQ*\" }\ndecision = \"review\"\n[[rule]]\nid = \"b\"\nmatch = { area = \"target\", project = \"HQ2\" }\ndecision = \"redact\"\n"), @"p:8:6: error[unreachable-rule]: rule `b` can never decide: `a` says `review` before it can say `redact` (the first rule that applies decides: put the narrower rule first)");
}

#[test]
fn contradiction() {
    insta::assert_snapshot!(with("[[rule]]\nid = \"a\"\nmatch = { area = \"log\" }\ndecision = \"delete\"\n[[rule]]\nid = \"b\"\nmatch = { area = [\"log\"] }\ndecision = \"keep\"\nbasis = \"a law\"\n"), @"p:8:6: error[contradicting-rules]: rules `a` and `b` are about the same, and say `delete` and `keep` (take one of them out, or make the first narrower)");
}

#[test]
fn two_defaults() {
    insta::assert_snapshot!(with("[[rule]]\nid = \"a\"\ndecision = \"delete\"\n[[rule]]\nid = \"b\"\ndecision = \"review\"\n"), @"accepted");
}

#[test]
fn examples_that_fail() {
    insta::assert_snapshot!(with("[[rule]]\nid = \"a\"\nmatch = { area = \"log\" }\ndecision = \"delete\"\nexample = [{ area = \"log\", matches = false }, { area = \"state\", matches = true }]\n[[rule]]\nid = \"b\"\ndecision = \"review\"\n[[rule.example]]\narea = \"log\"\ndecision = \"redact\"\n"), @r#"
    p:7:12: error[failed-example]: rule `a` decides this example, and should not (`efface policy explain` walks it through the rules: correct the example, the rule, or their order)
    p:7:47: error[failed-example]: rule `a` should decide this example, and `b` does (`efface policy explain` walks it through the rules: correct the example, the rule, or their order)
    p:11:1: error[failed-example]: this example should be `redact`, and is `delete` by rule `a` (`efface policy explain` walks it through the rules: correct the example, the rule, or their order)
    "#);
}

#[test]
fn an_example_that_nothing_takes() {
    insta::assert_snapshot!(rule("match = { area = \"log\" }\ndecision = \"delete\"\nexample = [{ area = \"state\", matches = true }]"), @"p:7:12: error[failed-example]: rule `r` should decide this example, and `built-in-default` does (`efface policy explain` walks it through the rules: correct the example, the rule, or their order)");
}

#[test]
fn examples_that_say_nothing() {
    insta::assert_snapshot!(rule("decision = \"review\"\nexample = [{ matches = true }, { area = \"log\" }, { area = \"lgo\", matches = true }, 3]"), @r#"
    p:6:12: error[missing-key]: an example has no `area` (add `area = "…"`, or a `place`)
    p:6:32: error[missing-key]: an example has no `matches` (add `matches = true`, `matches = false` or `decision = "…"`)
    p:6:59: error[unknown-value]: `lgo` is no area (did you mean `log`?)
    p:6:84: error[wrong-type]: an example has to be a table (such as example = [{ area = "target", field = "summary", matches = true }])
    "#);
}

#[test]
fn examples_of_wrong_places() {
    insta::assert_snapshot!(rule("decision = \"review\"\nexample = [{ place = \"nowhere\", matches = true }, { place = \"log:x\", area = \"state\", matches = true }, { area = \"source\", project = \"h q\", instance = \"../x\", flavor = \"server\", age = \"old\", matches = true }]"), @r#"
    p:6:22: error[bad-example]: `nowhere` is no place (`area:spot`, such as `target:partner/PART`)
    p:6:77: error[conflicting-keys]: the place log:x is not of area state (the place names its area itself: leave `area` out)
    p:6:133: error[bad-example]: `h q` is no project (such as `HQ`)
    p:6:151: error[bad-example]: `../x` is no instance (as the configuration calls it, such as `hq`)
    p:6:168: error[unknown-value]: `server` is no flavor (known are: cloud, datacenter)
    p:6:184: error[bad-period]: `age`: a period is a number and a unit, such as `6 months`, `30 days`, `2 weeks` or `1 year` (units are day, week, month and year, singular or plural)
    "#);
}

#[test]
fn example_is_a_table() {
    insta::assert_snapshot!(rule("decision = \"review\"\nexample = { area = \"log\", matches = true }"), @"p:6:11: error[wrong-type]: `example` has to be a list of tables (each example starts with `[[rule.example]]`, behind its rule)");
}

#[test]
fn replaces_without_an_include() {
    insta::assert_snapshot!(rule("decision = \"review\"\nreplaces = true"), @"p:6:1: error[replaces-nothing]: no included file has a rule `r` (take `replaces` out, or correct the id or the include)");
}

#[test]
fn includes_of_nothing() {
    insta::assert_snapshot!(said("[policy]\nname = \"p\"\ninclude = [\"strikt\", \"a.toml\", \"\", { }]\n[[rule]]\nid = \"r\"\ndecision = \"review\"\n"), @r#"
    p:3:12: error[include-not-found]: cannot include `strikt`: no policy of that name ships with efface (did you mean `strict`?)
    p:3:22: error[include-not-found]: cannot include `a.toml`: this policy is read without a folder (a path ends in `.toml` and is relative to the file that includes it; a shipped policy goes by its name)
    p:3:32: error[wrong-type]: `include` has to be a string or a list of strings, and holds an empty one (such as include = ["company.toml"])
    p:3:36: error[wrong-type]: `include` has to be a string or a list of strings, and holds table (such as include = ["company.toml"])
    "#);
}

#[test]
fn an_included_default_and_one_before_it() {
    insta::assert_snapshot!(said("[policy]\nname = \"p\"\ninclude = \"minimal\"\n[[rule]]\nid = \"mine\"\nmatch = { record = \"history\" }\ndecision = \"residual\"\nask = \"somebody\"\n"), @"accepted");
}

#[test]
fn accepted() {
    insta::assert_snapshot!(with("[lists]\npartners = [\"target:acme/*\"]\nnames = [\"full-name\", \"email\"]\n[[rule]]\nid = \"r\"\nmatch = { place = [\"@partners\", \"source:x/*\"], kind = \"@names\", project = \"P*\", older_than = \"6 months\" }\ndecision = \"redact\"\n[[rule.example]]\nplace = \"target:acme/PART\"\nproject = \"PART\"\nage = \"6 months\"\nmatches = true\n[[rule.example]]\nplace = \"target:acme/PART\"\nproject = \"PART\"\nage = \"5 months\"\nmatches = false\n[[rule.example]]\nplace = \"target:acme/PART\"\nproject = \"PART\"\ndecision = \"review\"\n"), @"accepted");
}

/// The blocks of the documentation: of each what follows its fence, and its text as a whole policy.
fn documented() -> Vec<(String, String)> {
    let page = include_str!("../../docs/POLICY.md");
    let blocks = page.split("\n```toml").skip(1).filter_map(|b| b.split_once("\n```").map(|(b, _)| b));
    let whole = |block: &str| {
        let (fence, text) = block.split_once('\n').unwrap();
        let head = if text.contains("[policy]") { "" } else { "[policy]\nname = \"p\"\n" };
        let rule = if text.contains("[[") { "" } else { "\n[[rule]]\nid = \"r\"\ndecision = \"review\"\n" };
        (fence.trim().to_owned(), format!("{head}{text}{rule}"))
    };
    blocks.map(whole).collect()
}

#[test]
fn what_the_documentation_shows_is_what_is_said_of_it() {
    let blocks = documented();
    assert_eq!(blocks.len(), 8);
    for (fence, text) in blocks {
        let said = said(&text);
        match fence.strip_prefix("wrong ") {
            Some(code) => assert!(said.contains(&format!("[{code}]")), "{said}\n{text}"),
            None => assert_eq!(said, "accepted", "{text}"),
        }
    }
}

#[test]
fn what_changes_with_the_day_and_the_configuration() {
    let text = "[policy]\nname = \"p\"\n[[rule]]\nid = \"k\"\nmatch = { area = \"log\" }\ndecision = \"keep\"\nbasis = \"law\"\nuntil = 2026-01-31\n\
                [[rule]]\nid = \"s\"\nmatch = { strength = \"possible\" }\ndecision = \"review\"\n\
                [[rule]]\nid = \"h\"\nmatch = { record = \"issue\", project = \"HQ\" }\ndecision = \"redact\"\n\
                [[rule]]\nid = \"d\"\ndecision = \"review\"\n";
    let (sources, policy) = super::Policy::read(text, "p", &|_| Err(String::new()));
    let policy = policy.unwrap();
    let place = |place: &str, project: Option<&str>| super::Configured {
        place: place.parse().unwrap(),
        instance: None,
        project: project.map(|p| p.parse().unwrap()),
        controller: None,
    };
    let places = [place("log:jira", None), place("source:hq/HQ", Some("HQ")), place("target:p/PART", Some("PART"))];
    let said = |day: &str, used: &[&str]| {
        let since = "2025-11-02".parse().unwrap();
        let tried = |r: &&str| ((*r).to_owned(), super::Tried { count: 3, since, used: used.contains(r) });
        let plans = Some(super::Plans(["k", "s"].iter().map(tried).collect()));
        let beside = super::Beside { today: day.parse().unwrap(), places: &places, plans };
        let found = policy.advice(&sources, &beside);
        found.iter().map(super::Diagnostic::short).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(said("2026-01-31", &["k"]), @r#"p:18:6: warning[uncovered-place]: no rule is about the place target:p/PART: `d` decides (add a rule with `match = { area = "target" }`)"#);
    insta::assert_snapshot!(said("2026-02-01", &[]), @r#"
    p:8:9: warning[expired-exception]: the exception `k` held until 2026-01-31, and is passed over since (renew it where its basis still holds, and take it out otherwise)
    p:18:6: warning[uncovered-place]: no rule is about the place log:jira: `d` decides (add a rule with `match = { area = "log" }`)
    p:18:6: warning[uncovered-place]: no rule is about the place target:p/PART: `d` decides (add a rule with `match = { area = "target" }`)
    "#);
    insta::assert_snapshot!(said("2026-01-30", &["s", "d"]), @r#"
    p:4:6: warning[unused-exception]: the exception `k` kept nothing in 3 plans since 2025-11-02 (see by `efface policy explain` whether it means what it should, and take it out where nobody needs it)
    p:18:6: warning[uncovered-place]: no rule is about the place target:p/PART: `d` decides (add a rule with `match = { area = "target" }`)
    "#);
}

#[test]
fn fields_that_a_glob_names_and_nobody_can_empty() {
    let class = |record: &str, field: &str, then: &str| {
        with(&format!(
            "[[class]]\nid = \"c\"\nmatch = {{ area = \"target\", record = {record}, field = {field} }}\nstart = \"created\"\nperiod = \"1 year\"\nthen = \"{then}\"\nbasis = \"b\"\n"
        ))
    };
    insta::assert_snapshot!(class("\"issue\"", "\"*\"", "clear"), @"p:5:54: error[impossible-end]: `*` names `summary` too, and Jira lets none be empty (`redact` puts the policy's placeholder there; of a glob name the fields that are meant)");
    insta::assert_snapshot!(class("\"comment\"", "[\"b*\", \"sum*\"]", "clear"), @"p:5:57: error[impossible-end]: `b*` names `body` too, and Jira lets none be empty (`redact` puts the policy's placeholder there; of a glob name the fields that are meant)");
    insta::assert_snapshot!(class("\"issue\"", "[\"customfield_*\", \"workratio\"]", "redact"), @"p:5:72: error[impossible-end]: nobody can empty `workratio` of an issue (delete the record, or write the issue anew with `renew`)");
}

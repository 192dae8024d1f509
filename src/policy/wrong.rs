//! Wrong policies and what is said of each: one line a diagnostic. (A table of its own, so that a change of words shows.)

use super::Policy;

pub(super) fn said(text: &str) -> String {
    let (head, found) = match Policy::parse(text, "p") {
        Ok(policy) => (Some("accepted".to_owned()), policy.warnings),
        Err(found) => (None, found),
    };
    head.into_iter().chain(found.iter().map(|d| d.short())).collect::<Vec<_>>().join("\n")
}

#[test]
fn not_toml() {
    insta::assert_snapshot!(said(r#"[policy]
name = "p"
[[rule]]
id = 
"#), @r#"
    p:4:6: error[toml-syntax]: string values must be quoted, expected literal string
    "#);
}

#[test]
fn two_syntax_mistakes_and_an_unknown_word() {
    insta::assert_snapshot!(said(r#"[policy]
name = "p"
[[rule]]
id = "a
[[rule]]
id = "b"
decision = "delte"
reason = 
"#), @r#"
    p:4:8: error[toml-syntax]: invalid basic string, expected `"`
    p:7:12: error[unknown-value]: `delte` is no decision (did you mean `delete`?)
    p:8:10: error[toml-syntax]: string values must be quoted, expected literal string
    "#);
}

#[test]
fn duplicate_key() {
    insta::assert_snapshot!(said(r#"[policy]
name = "p"
name = "q"
[[rule]]
id = "r"
decision = "review"
"#), @r#"
    p:3:1: error[toml-syntax]: duplicate key (a key stands once; a rule starts with `[[rule]]`, in double brackets)
    "#);
}

#[test]
fn rule_in_single_brackets() {
    insta::assert_snapshot!(said(r#"[policy]
name = "p"
[rule]
id = "r"
decision = "review"
"#), @r#"
    p:3:2: error[wrong-type]: `rule` has to be a list of tables (each rule starts with `[[rule]]`, in double brackets)
    "#);
}

#[test]
fn empty_file() {
    insta::assert_snapshot!(said(""), @r#"
    p:1:1: error[missing-key]: a policy has no `[policy]` (add a table `[policy]` with a `name`)
    p:1:1: error[no-rules]: the policy has no rules, so everything would go to review (add `[[rule]]` with `id`, `match`, `decision` and `reason`)
    "#);
}

#[test]
fn no_rules() {
    insta::assert_snapshot!(said(r#"[policy]
name = "p"
"#), @r#"
    p:1:1: error[no-rules]: the policy has no rules, so everything would go to review (add `[[rule]]` with `id`, `match`, `decision` and `reason`)
    "#);
}

#[test]
fn no_policy_table() {
    insta::assert_snapshot!(said(r#"[[rule]]
id = "r"
decision = "review"
"#), @r#"
    p:1:1: error[missing-key]: a policy has no `[policy]` (add a table `[policy]` with a `name`)
    "#);
}

#[test]
fn policy_is_no_table() {
    insta::assert_snapshot!(said(r#"policy = "p"
[[rule]]
id = "r"
decision = "review"
"#), @r#"
    p:1:10: error[wrong-type]: `policy` has to be a table, and is a string (write it as `[policy]` or `policy = { … }`)
    "#);
}

#[test]
fn policy_twice_as_list() {
    insta::assert_snapshot!(said(r#"[[policy]]
name = "p"
[[rule]]
id = "r"
decision = "review"
"#), @r#"
    p:1:1: error[wrong-type]: `policy` has to be a table, and is an array (write it once, as `[policy]`)
    "#);
}

#[test]
fn no_name() {
    insta::assert_snapshot!(said(r#"[policy]
version = "1"
[[rule]]
id = "r"
decision = "review"
"#), @r#"
    p:1:1: error[missing-key]: [policy] has no `name` (add `name = "…"`: findings and reports name the policy)
    "#);
}

#[test]
fn name_is_a_number() {
    insta::assert_snapshot!(said(r#"[policy]
name = 3
[[rule]]
id = "r"
decision = "review"
"#), @r#"
    p:2:8: error[wrong-type]: `name` has to be a string, and is an integer (put it into quotes)
    "#);
}

#[test]
fn name_is_empty() {
    insta::assert_snapshot!(said(r#"[policy]
name = " "
[[rule]]
id = "r"
decision = "review"
"#), @r#"
    p:2:8: error[empty-value]: `name` is empty (say it, or leave the key out)
    "#);
}

#[test]
fn unknown_top_key() {
    insta::assert_snapshot!(said(r#"[policy]
name = "p"
[[rule]]
id = "r"
decision = "review"
[capz]
records = 3
"#), @r#"
    p:6:2: error[unknown-key]: a policy has no key `capz` (did you mean `caps`?)
    "#);
}

#[test]
fn unknown_policy_key() {
    insta::assert_snapshot!(said(r#"[policy]
name = "p"
placholder = "x"
[[rule]]
id = "r"
decision = "review"
"#), @r#"
    p:3:1: error[unknown-key]: [policy] has no key `placholder` (did you mean `placeholder`?)
    "#);
}

#[test]
fn placeholder_with_markup() {
    insta::assert_snapshot!(said(r#"[policy]
name = "p"
placeholder = "{gone}"
[[rule]]
id = "r"
decision = "review"
"#), @r#"
    p:3:15: error[bad-placeholder]: the placeholder holds '{', which can mean something in markup (letters, digits, spaces and square brackets are safe, such as "[erased]")
    "#);
}

#[test]
fn placeholder_with_line_break() {
    insta::assert_snapshot!(said(r#"[policy]
name = "p"
placeholder = "a\nb"
[[rule]]
id = "r"
decision = "review"
"#), @r#"
    p:3:15: error[bad-placeholder]: the placeholder holds '\n', which can mean something in markup (letters, digits, spaces and square brackets are safe, such as "[erased]")
    "#);
}

#[test]
fn placeholder_too_long() {
    insta::assert_snapshot!(said(r#"[policy]
name = "p"
placeholder = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
[[rule]]
id = "r"
decision = "review"
"#), @r#"
    p:3:15: error[bad-placeholder]: the placeholder has more than 60 characters (a summary takes 255 characters in all)
    "#);
}

#[test]
fn four_eyes_in_quotes() {
    insta::assert_snapshot!(said(r#"[policy]
name = "p"
[approval]
four_eyes = "yes"
[[rule]]
id = "r"
decision = "review"
"#), @r#"
    p:4:13: error[wrong-type]: `four_eyes` has to be true or false, and is a string (without quotes)
    "#);
}

#[test]
fn caps_out_of_range() {
    insta::assert_snapshot!(said(r#"[policy]
name = "p"
[caps]
records = 0
share = 25
[[rule]]
id = "r"
decision = "review"
"#), @r#"
    p:4:11: error[out-of-range]: `records` has to be above zero (leave it out for no cap)
    p:5:9: error[out-of-range]: `share` is a share, above 0 and at most 1 (0.25 is a quarter of the project)
    "#);
}

#[test]
fn caps_of_a_wrong_type() {
    insta::assert_snapshot!(said(r#"[policy]
name = "p"
[caps]
records = "many"
share = "half"
[[rule]]
id = "r"
decision = "review"
"#), @r#"
    p:4:11: error[wrong-type]: `records` has to be a whole number, and is a string (such as 500)
    p:5:9: error[wrong-type]: `share` has to be a number, and is a string (such as 0.25 for a quarter)
    "#);
}

#[test]
fn clock() {
    insta::assert_snapshot!(said(r#"[policy]
name = "p"
[clock]
period = "a month"
extension = "0 months"
holidays = ["2026-02-30", 2026-12-25T10:00:00Z, 2026-12-26]
[[rule]]
id = "r"
decision = "review"
"#), @r#"
    p:4:10: error[bad-period]: `period`: a period is a number and a unit, such as `6 months`, `30 days`, `2 weeks` or `1 year` (units are day, week, month and year, singular or plural)
    p:5:13: error[bad-period]: `extension`: a period of nothing (units are day, week, month and year, singular or plural)
    p:6:13: error[bad-date]: `holidays` has to be a day (year, month and day, such as 2027-12-31, without a time)
    p:6:27: error[bad-date]: `holidays` has to be a day (year, month and day, such as 2027-12-31, without a time)
    "#);
}

#[test]
fn notices() {
    insta::assert_snapshot!(said(r#"[policy]
name = "p"
[notices]
required = 1
acknowledge_within = "soon"
remind = true
[[rule]]
id = "r"
decision = "review"
"#), @r#"
    p:4:12: error[wrong-type]: `required` has to be true or false, and is an integer (without quotes)
    p:5:22: error[bad-period]: `acknowledge_within`: a period is a number and a unit, such as `6 months`, `30 days`, `2 weeks` or `1 year` (units are day, week, month and year, singular or plural)
    p:6:1: error[unknown-key]: [notices] has no key `remind` ([notices] takes: required, acknowledge_within)
    "#);
}

#[test]
fn holidays_not_a_list() {
    insta::assert_snapshot!(said(r#"[policy]
name = "p"
[clock]
holidays = "2026-12-25"
[[rule]]
id = "r"
decision = "review"
"#), @r#"
    p:4:12: error[wrong-type]: `holidays` has to be a list of dates (such as holidays = [2026-12-25, 2026-12-26])
    "#);
}

#[test]
fn rule_without_id_and_decision() {
    insta::assert_snapshot!(said(r#"[policy]
name = "p"
[[rule]]
reason = "x"
"#), @r#"
    p:3:1: error[missing-key]: a rule has no `id` (add `id = "…"`: every finding names its rule)
    p:3:1: error[missing-key]: a rule has no `decision` (add `decision = "…"`, one of redact, clear, remove, delete, anonymise, renew, keep, review, residual)
    "#);
}

#[test]
fn rule_ids() {
    insta::assert_snapshot!(said(r#"[policy]
name = "p"
[[rule]]
id = "Zoe Person"
match = { area = "log" }
decision = "review"
[[rule]]
id = "built-in-x"
match = { area = "state" }
decision = "review"
"#), @r#"
    p:4:6: error[bad-rule-id]: a rule's id is made of a-z, 0-9, `-`, `_` and `.`, at most 64 (it stands in reports and certificates: short, and nobody's name)
    p:8:6: error[bad-rule-id]: `built-in-x`: ids that start with `built-in` are efface's own (choose another id)
    "#);
}

#[test]
fn two_rules_of_one_name() {
    insta::assert_snapshot!(said(r#"[policy]
name = "p"
[[rule]]
id = "r"
match = { area = "log" }
decision = "review"
[[rule]]
id = "r"
match = { area = "state" }
decision = "review"
"#), @r#"
    p:8:6: error[duplicate-rule-id]: two rules are called `r` (a finding names its rule, so each needs an id of its own; `replaces = true` takes the place of an included rule)
    "#);
}

#[test]
fn unknown_rule_key() {
    insta::assert_snapshot!(said(r#"[policy]
name = "p"
[[rule]]
id = "r"
decision = "review"
reasn = "x"
"#), @r#"
    p:6:1: error[unknown-key]: a rule has no key `reasn` (did you mean `reason`?)
    "#);
}

#[test]
fn unknown_decision() {
    insta::assert_snapshot!(said(r#"[policy]
name = "p"
[[rule]]
id = "r"
decision = "delte"
"#), @r#"
    p:5:12: error[unknown-value]: `delte` is no decision (did you mean `delete`?)
    "#);
}

#[test]
fn decision_far_from_any() {
    insta::assert_snapshot!(said(r#"[policy]
name = "p"
[[rule]]
id = "r"
decision = "pulverise"
"#), @r#"
    p:5:12: error[unknown-value]: `pulverise` is no decision (known are: redact, clear, remove, delete, anonymise, renew, keep, review, residual)
    "#);
}

#[test]
fn decision_is_a_list() {
    insta::assert_snapshot!(said(r#"[policy]
name = "p"
[[rule]]
id = "r"
decision = ["redact"]
"#), @r#"
    p:5:12: error[wrong-type]: `decision` has to be a string, and is an array (put it into quotes)
    "#);
}

#[test]
fn unknown_area() {
    insta::assert_snapshot!(said(r#"[policy]
name = "p"
[[rule]]
id = "r"
match = { area = ["tagret", "staging"] }
decision = "review"
[[rule]]
id = "d"
decision = "review"
"#), @r#"
    p:5:19: error[unknown-value]: `tagret` is no area (did you mean `target`?)
    "#);
}

#[test]
fn unknown_words_of_each_kind() {
    insta::assert_snapshot!(said(r#"[policy]
name = "p"
[[rule]]
id = "r"
match = { record = "coment", kind = "mail", strength = "sure", controller = "them", since = "forever" }
decision = "review"
[[rule]]
id = "d"
decision = "review"
"#), @r#"
    p:5:20: error[unknown-value]: `coment` is no record type (did you mean `comment`?)
    p:5:37: error[unknown-value]: `mail` is no kind (did you mean `email`?)
    p:5:56: error[unknown-value]: `sure` is no strength (known are: possible, probable, certain)
    p:5:77: error[unknown-value]: `them` is no controller (known are: us, joint, processor, partner)
    p:5:93: error[unknown-value]: `forever` is no start of an age (known are: updated, created)
    "#);
}

#[test]
fn unknown_match_key() {
    insta::assert_snapshot!(said(r#"[policy]
name = "p"
[[rule]]
id = "r"
match = { areas = "target" }
decision = "review"
[[rule]]
id = "d"
decision = "review"
"#), @r#"
    p:5:11: error[unknown-key]: `match` has no key `areas` (did you mean `area`?)
    "#);
}

#[test]
fn match_is_a_list() {
    insta::assert_snapshot!(said(r#"[policy]
name = "p"
[[rule]]
id = "r"
match = ["target"]
decision = "review"
"#), @r#"
    p:5:9: error[wrong-type]: `match` has to be a table, and is an array (write it as `match = { … }`; several matches are several rules)
    "#);
}

#[test]
fn empty_match() {
    insta::assert_snapshot!(said(r#"[policy]
name = "p"
[[rule]]
id = "r"
match = {  }
decision = "review"
"#), @r#"
    p:5:9: error[empty-match]: `match` is empty (leave `match` out of the last rule to make it the default)
    "#);
}

#[test]
fn empty_list() {
    insta::assert_snapshot!(said(r#"[policy]
name = "p"
[[rule]]
id = "r"
match = { area = [] }
decision = "review"
"#), @r#"
    p:5:18: error[empty-list]: `area` is an empty list, so the rule could match nothing (leave the key out for no condition)
    "#);
}

#[test]
fn number_in_a_list() {
    insta::assert_snapshot!(said(r#"[policy]
name = "p"
[[rule]]
id = "r"
match = { field = ["summary", 3] }
decision = "review"
"#), @r#"
    p:5:31: error[wrong-type]: `field` has to be a string, and is an integer (put it into quotes)
    "#);
}

#[test]
fn list_of_a_wrong_type() {
    insta::assert_snapshot!(said(r#"[policy]
name = "p"
[[rule]]
id = "r"
match = { place = true }
decision = "review"
"#), @r#"
    p:5:19: error[wrong-type]: `place` has to be a string or a list of strings, and is a boolean (such as place = ["…"])
    "#);
}

#[test]
fn repeated_word() {
    insta::assert_snapshot!(said(r#"[policy]
name = "p"
[[rule]]
id = "r"
match = { area = ["log", "log"] }
decision = "review"
"#), @r#"
    accepted
    p:5:26: warning[repeated-value]: `log` is here twice (once is enough)
    "#);
}

#[test]
fn bad_globs() {
    insta::assert_snapshot!(said(r#"[policy]
name = "p"
[[rule]]
id = "r"
match = { field = ["a***b", ""], path = "x[yz]" }
decision = "review"
"#), @r#"
    p:5:20: error[bad-glob]: `field`: `***` means nothing: `*` stops at `/`, `**` does not (`*` is any run of characters but `/`, `**` any run, `?` one character)
    p:5:29: error[bad-glob]: `field`: the glob is empty, so it could match nothing (`*` is any run of characters but `/`, `**` any run, `?` one character)
    p:5:41: error[bad-glob]: `path`: `[` has no meaning in these globs; only `*`, `**` and `?` have (`*` is any run of characters but `/`, `**` any run, `?` one character)
    "#);
}

#[test]
fn place_of_no_area() {
    insta::assert_snapshot!(said(r#"[policy]
name = "p"
[[rule]]
id = "r"
match = { place = "stagin:**" }
decision = "review"
"#), @r#"
    p:5:19: error[glob-matches-nothing]: no place fits `stagin:**` (a place is written `area:spot`, such as `staging:*/processed` or `target:partner/PART`)
    "#);
}

#[test]
fn place_of_another_area() {
    insta::assert_snapshot!(said(r#"[policy]
name = "p"
[[rule]]
id = "r"
match = { area = "target", place = "staging:**" }
decision = "review"
"#), @r#"
    p:5:36: error[glob-matches-nothing]: no place of area target fits `staging:**` (the place names its area itself: leave `area` out, or make the two agree)
    "#);
}

#[test]
fn field_misspelt() {
    insta::assert_snapshot!(said(r#"[policy]
name = "p"
[[rule]]
id = "r"
match = { field = "sumary" }
decision = "review"
"#), @r#"
    accepted
    p:5:19: warning[unknown-field]: no field of Jira is called `sumary` (did you mean `summary`?)
    "#);
}

#[test]
fn bad_periods() {
    insta::assert_snapshot!(said(r#"[policy]
name = "p"
[[rule]]
id = "r"
match = { older_than = "6month", younger_than = "0 days" }
decision = "review"
"#), @r#"
    p:5:24: error[bad-period]: `older_than`: a period is a number and a unit, such as `6 months`, `30 days`, `2 weeks` or `1 year` (units are day, week, month and year, singular or plural)
    p:5:49: error[bad-period]: `younger_than`: a period of nothing (units are day, week, month and year, singular or plural)
    "#);
}

#[test]
fn older_and_younger() {
    insta::assert_snapshot!(said(r#"[policy]
name = "p"
[[rule]]
id = "r"
match = { older_than = "1 year", younger_than = "6 months" }
decision = "review"
"#), @r#"
    p:5:49: error[never-matches]: nothing is older than 1 year and younger than 6 months (swap the two periods, or leave one out)
    "#);
}

#[test]
fn since_without_age() {
    insta::assert_snapshot!(said(r#"[policy]
name = "p"
[[rule]]
id = "r"
match = { since = "created" }
decision = "review"
"#), @r#"
    p:5:19: error[since-without-age]: `since` means nothing without `older_than` or `younger_than` (add one of them, or leave `since` out)
    "#);
}

#[test]
fn strength_said_twice() {
    insta::assert_snapshot!(said(r#"[policy]
name = "p"
[[rule]]
id = "r"
match = { strength = "certain", at_least = "probable" }
decision = "review"
"#), @r#"
    p:5:44: error[conflicting-keys]: `strength` and `at_least` say the same thing twice (keep one: `at_least = "probable"` is `strength = ["probable", "certain"]`)
    "#);
}

#[test]
fn controller_where_there_is_none() {
    insta::assert_snapshot!(said(r#"[policy]
name = "p"
[[rule]]
id = "r"
match = { area = ["staging", "log"], controller = "partner" }
decision = "review"
"#), @r#"
    p:5:51: error[never-matches]: places of these areas belong to no instance, so they have no controller (a controller has only the areas source and target)
    "#);
}

#[test]
fn keep_without_basis() {
    insta::assert_snapshot!(said(r#"[policy]
name = "p"
[[rule]]
id = "r"
match = { area = "log" }
decision = "keep"
"#), @r#"
    p:6:12: error[keep-without-basis]: what is kept needs a legal basis (add `basis = "…"`, such as "GDPR Art. 17(3)(b)" with the law that obliges you)
    "#);
}

#[test]
fn residual_without_ask() {
    insta::assert_snapshot!(said(r#"[policy]
name = "p"
[[rule]]
id = "r"
match = { area = "log" }
decision = "residual"
"#), @r#"
    accepted
    p:6:12: warning[residual-without-ask]: the report will not say who could remove what stays here (add `ask = "…"`, such as "the Jira administrator")
    "#);
}

#[test]
fn ask_beside_delete() {
    insta::assert_snapshot!(said(r#"[policy]
name = "p"
[[rule]]
id = "r"
match = { area = "log" }
decision = "delete"
ask = "me"
"#), @r#"
    p:7:7: error[ask-without-residual]: `ask` means nothing beside `delete` (only what stays as `residual` has someone to ask; use `owner` for who answers for the rule)
    "#);
}

#[test]
fn until_beside_delete() {
    insta::assert_snapshot!(said(r#"[policy]
name = "p"
[[rule]]
id = "r"
match = { area = "log" }
decision = "delete"
until = 2027-01-01
"#), @r#"
    p:7:9: error[until-without-keep]: `until` means nothing beside `delete` (only a `keep` ends on a day)
    "#);
}

#[test]
fn until_is_no_day() {
    insta::assert_snapshot!(said(r#"[policy]
name = "p"
[[rule]]
id = "r"
match = { area = "log" }
decision = "keep"
basis = "law"
until = "next year"
"#), @r#"
    p:8:9: error[bad-date]: `until` has to be a day (year, month and day, such as 2027-12-31, without a time)
    "#);
}

#[test]
fn redact_a_watcher() {
    insta::assert_snapshot!(said(r#"[policy]
name = "p"
[[rule]]
id = "r"
match = { record = "watcher" }
decision = "redact"
"#), @r#"
    p:6:12: error[impossible-decision]: `redact` cannot be carried out on record `watcher`: a watcher has no text or field (use `remove`)
    "#);
}

#[test]
fn edit_what_cannot_be_edited() {
    insta::assert_snapshot!(said(r#"[policy]
name = "p"
[[rule]]
id = "r"
match = { record = ["issue", "history", "attachment"], field = ["author", "summary"] }
decision = "redact"
"#), @r#"
    p:6:12: error[impossible-decision]: `redact` cannot be carried out on record `attachment`: only its name and its content can be redacted, by putting another in its place (use `delete`)
    p:6:12: error[impossible-decision]: `redact` cannot be carried out on record `history`: Jira's history cannot be edited (use `residual`, with `ask` for who could remove it)
    "#);
}

#[test]
fn a_way_without_what_is_not_used() {
    insta::assert_snapshot!(said(r#"[policy]
name = "p"
[history]
without_it = "leave"
[attachments]
notes = true
[[rule]]
id = "r"
decision = "review"
"#), @r#"
    p:4:14: error[unknown-value]: `leave` is no way without the redaction API (known are: edit, residual)
    p:6:1: error[unknown-key]: [attachments] has no key `notes` (did you mean `note`?)
    "#);
    let odd = Policy::parse(
        "[policy]\nname = \"p\"\n[history]\nwithout_it = \"residual\"\n[[rule]]\nid = \"r\"\ndecision = \"review\"\n",
        "p",
    );
    assert_eq!(odd.unwrap().warnings().iter().map(|d| d.code).collect::<Vec<_>>(), ["means-nothing"]);
}

#[test]
fn clear_an_author() {
    insta::assert_snapshot!(said(r#"[policy]
name = "p"
[[rule]]
id = "r"
match = { record = ["comment", "worklog"], field = ["author", "updateAuthor"] }
decision = "clear"
"#), @r#"
    p:6:12: error[impossible-decision]: `clear` cannot be carried out on record `comment`: nobody can change an author; only deleting the record takes it away (use `residual`, with `ask` for who could remove it)
    p:6:12: error[impossible-decision]: `clear` cannot be carried out on record `worklog`: nobody can change an author; only deleting the record takes it away (use `residual`, with `ask` for who could remove it)
    "#);
}

#[test]
fn delete_issues() {
    insta::assert_snapshot!(said(r#"[policy]
name = "p"
[[rule]]
id = "r"
match = { record = "issue" }
decision = "delete"
"#), @r#"
    accepted
    p:6:12: warning[deletes-issues]: deleting a whole issue takes other people's work along (the plan puts each to review; `redact`, `clear` and `remove` act on the reference alone)
    "#);
}

#[test]
fn delete_a_vote() {
    insta::assert_snapshot!(said(r#"[policy]
name = "p"
[[rule]]
id = "r"
match = { record = "vote" }
decision = "delete"
"#), @r#"
    p:6:12: error[impossible-decision]: `delete` cannot be carried out on record `vote`: only the voter can take a vote back (use `residual`, with `ask` for who could remove it)
    "#);
}

#[test]
fn rule_after_the_default() {
    insta::assert_snapshot!(said(r#"[policy]
name = "p"
[[rule]]
id = "all"
decision = "review"
[[rule]]
id = "late"
match = { area = "log" }
decision = "delete"
"#), @r#"
    p:7:6: error[unreachable-rule]: rule `late` can never decide: `all` says `review` before it can say `delete` (the first rule that applies decides: put the narrower rule first)
    "#);
}

#[test]
fn exception_after_the_rule() {
    insta::assert_snapshot!(said(r#"[policy]
name = "p"
[[rule]]
id = "text"
match = { area = ["target", "source"] }
decision = "redact"
[[rule]]
id = "exception"
match = { area = "target", record = "issue", field = "summary" }
decision = "keep"
basis = "law"
"#), @r#"
    p:8:6: error[unreachable-rule]: rule `exception` can never decide: `text` says `redact` before it can say `keep` (the first rule that applies decides: put the narrower rule first)
    "#);
}

#[test]
fn redundant_rule() {
    insta::assert_snapshot!(said(r#"[policy]
name = "p"
[[rule]]
id = "all-custom"
match = { field = "customfield_*" }
decision = "clear"
[[rule]]
id = "one-custom"
match = { field = "customfield_1*", area = "target" }
decision = "clear"
"#), @r#"
    accepted
    p:8:6: warning[redundant-rule]: rule `one-custom` never decides: `all-custom` says the same before it (take it out, or put it before the other if its basis or reason matters)
    "#);
}

#[test]
fn shadowed_by_place() {
    insta::assert_snapshot!(said(r#"[policy]
name = "p"
[[rule]]
id = "all"
match = { place = "foreign:**" }
decision = "delete"
[[rule]]
id = "one"
match = { area = "foreign", place = "foreign:*/processed" }
decision = "review"
"#), @r#"
    p:8:6: error[unreachable-rule]: rule `one` can never decide: `all` says `delete` before it can say `review` (the first rule that applies decides: put the narrower rule first)
    "#);
}

#[test]
fn shadowed_by_age() {
    insta::assert_snapshot!(said(r#"[policy]
name = "p"
[[rule]]
id = "half"
match = { area = "foreign", older_than = "6 months" }
decision = "delete"
[[rule]]
id = "whole"
match = { area = "foreign", older_than = "1 year" }
decision = "review"
"#), @r#"
    p:8:6: error[unreachable-rule]: rule `whole` can never decide: `half` says `delete` before it can say `review` (the first rule that applies decides: put the narrower rule first)
    "#);
}

#[test]
fn three_mistakes() {
    insta::assert_snapshot!(said(r#"[policy]
name = "p"
[[rule]]
id = "a"
match = { area = "tagret" }
decision = "review"
[[rule]]
id = "b"
match = { older_than = "soon" }
decision = "review"
[[rule]]
id = "c"
decision = "keep"
"#), @r#"
    p:5:18: error[unknown-value]: `tagret` is no area (did you mean `target`?)
    p:9:24: error[bad-period]: `older_than`: a period is a number and a unit, such as `6 months`, `30 days`, `2 weeks` or `1 year` (units are day, week, month and year, singular or plural)
    p:13:12: error[keep-without-basis]: what is kept needs a legal basis (add `basis = "…"`, such as "GDPR Art. 17(3)(b)" with the law that obliges you)
    "#);
}

#[test]
fn not_shadowed() {
    insta::assert_snapshot!(said(r#"[policy]
name = "p"
[[rule]]
id = "text"
match = { area = "foreign" }
decision = "redact"
[[rule]]
id = "whole"
match = { area = "foreign" }
decision = "delete"
[[rule]]
id = "young"
match = { younger_than = "1 year" }
decision = "review"
[[rule]]
id = "older"
match = { younger_than = "2 years" }
decision = "delete"
[[rule]]
id = "until"
match = { field = ["summary", "description"] }
decision = "keep"
basis = "law"
until = 2027-12-31
[[rule]]
id = "after"
match = { field = "summary" }
decision = "delete"
"#), @r#"
    accepted
    "#);
}

//! Every code of a diagnostic, with what it means: what docs/POLICY.md lists, and what a tool may build on.

/// Code, and what it means in a line. A code never changes its meaning.
pub const CODES: &[(&str, &str)] = &[
    ("ask-without-residual", "`ask` stands beside a decision other than `residual`"),
    ("bad-date", "a day is not written year-month-day"),
    ("bad-example", "an example names a place, project or instance that cannot be one"),
    ("bad-glob", "a glob is empty, too long, or uses what globs do not have"),
    ("bad-list-name", "the name of a list has other characters than a-z, 0-9, `-` and `_`"),
    ("bad-period", "a period is not a number and a unit"),
    ("bad-placeholder", "the placeholder is too long, or could mean something in markup"),
    ("bad-rule-id", "an id has other characters than a-z, 0-9, `-`, `_` and `.`, or is one of efface's own"),
    ("conflicting-keys", "two keys say the same thing, or exclude each other"),
    ("contradicting-rules", "two rules have the same conditions and another decision"),
    ("deletes-issues", "a rule deletes whole issues, and other people's work with them"),
    ("duplicate-class-id", "two deletion classes have one id"),
    ("duplicate-rule-id", "two rules have one id, and none `replaces` the other"),
    ("empty-list", "a list holds nothing, so nothing could fit it"),
    ("empty-match", "`match` holds no condition"),
    ("empty-value", "a text is empty"),
    ("expired-exception", "the last day of an exception is over (`policy check` alone)"),
    ("failed-example", "an example of a rule is decided otherwise than it says"),
    ("glob-matches-nothing", "no place can fit a glob, or none of the rule's areas"),
    ("grace-without-delete", "`grace` stands beside `keep` or `review`"),
    ("impossible-decision", "a decision cannot be carried out on a record that the rule names"),
    ("impossible-end", "the end of a deletion class cannot be carried out on what it names"),
    ("include-loop", "a file includes itself in the end"),
    ("include-not-found", "an included file cannot be read, or no such policy ships"),
    ("keep-without-basis", "what is kept has no legal basis"),
    ("means-nothing", "a key has no effect beside another"),
    ("missing-key", "a key is missing"),
    ("nested-list", "a named list holds another"),
    ("never-matches", "the conditions of a rule exclude each other"),
    ("never-possible", "two periods exclude each other"),
    ("never-starts", "the start of a class is known of no record of its areas"),
    ("no-rules", "there is no rule and no deletion class"),
    ("not-swept", "a deletion class names an area that no sweep looks at"),
    ("out-of-range", "a number is too small or too large"),
    ("overridden-rule", "a rule of an included file never decides, since an including file decides before it"),
    ("redundant-rule", "a rule never decides, since one before it says the same"),
    ("repeated-value", "a word stands in a list twice"),
    ("replaces-nothing", "a rule or class `replaces` one that no included file has"),
    ("residual-without-ask", "what stays has nobody to ask"),
    ("shadowed-class", "a deletion class is never asked"),
    ("since-without-age", "`since` stands without an age"),
    ("toml-syntax", "the file is not TOML"),
    ("too-many-includes", "a policy has more than 32 files"),
    ("uncovered-place", "no rule is about a place of the configuration (`policy check` alone)"),
    ("unknown-field", "a field looks like one of Jira's, misspelt"),
    ("unknown-key", "a table has no such key"),
    ("unknown-list", "there is no list of that name"),
    ("unknown-value", "a word is none of its vocabulary"),
    ("unreachable-rule", "a rule can never decide, since one before it takes all of it"),
    ("until-without-keep", "`until` stands beside a decision other than `keep`"),
    ("unused-exception", "an exception kept nothing in any plan on record (`policy check` alone)"),
    ("unused-list", "no rule uses a list"),
    ("wrong-type", "a value is of another type"),
];

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::CODES;

    /// The codes that the sources of this room give to a diagnostic.
    fn used() -> BTreeSet<String> {
        let call = regex::Regex::new(
            r#"(?:\.(?:error|warn)\(|Severity::(?:Warning|Error),|self\.problem\(|return \(|Problem \{ code:)\s*"([a-z]+(?:-[a-z]+)+)""#,
        );
        let call = call.unwrap();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/policy");
        let texts = fs::read_dir(folder).unwrap().map(|e| fs::read_to_string(e.unwrap().path()).unwrap());
        let found = |text: String| call.captures_iter(&text).map(|c| c[1].to_owned()).collect::<Vec<_>>();
        texts.flat_map(found).collect()
    }

    #[test]
    fn every_code_is_listed_once_in_order_and_documented() {
        let listed: Vec<&str> = CODES.iter().map(|(code, _)| *code).collect();
        assert!(listed.windows(2).all(|w| w[0] < w[1]), "in the order of the alphabet, each once");
        assert_eq!(used(), listed.iter().map(|c| (*c).to_owned()).collect());
        let page = include_str!("../../docs/POLICY.md");
        let rows: Vec<String> = CODES.iter().map(|(code, what)| format!("| `{code}` | {what} |")).collect();
        let table = rows.join("\n");
        assert!(page.contains(&table), "docs/POLICY.md lists:\n{table}");
    }
}

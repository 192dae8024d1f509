use super::super::Policy;

fn said(class: &str) -> String {
    let text = format!("[policy]\nname = \"p\"\n{class}");
    let (head, found) = match Policy::parse(&text, "p") {
        Ok(policy) => (Some("accepted".to_owned()), policy.warnings().to_vec()),
        Err(found) => (None, found),
    };
    head.into_iter().chain(found.iter().map(|d| d.short())).collect::<Vec<_>>().join("\n")
}

const WHOLE: &str = r#"[[class]]
id = "staged"
match = { area = "staging", place = "staging:*/processed" }
start = "processed"
period = "7 days"
then = "delete"
basis = "GDPR Art. 5(1)(e)"
"#;

#[test]
fn a_class_is_read() {
    assert_eq!(said(WHOLE), "accepted");
    let policy = Policy::parse(&format!("[policy]\nname = \"p\"\n{WHOLE}"), "p").unwrap();
    let class = &policy.classes()[0];
    assert_eq!((class.id.as_str(), class.grace.map(|g| g.to_string())), ("staged", Some("1 week".into())));
    let changed =
        Policy::parse(&format!("[policy]\nname = \"p\"\n{}", WHOLE.replace("7 days", "8 days")), "p").unwrap();
    assert_ne!(changed.classes()[0].digest, class.digest);
}

#[test]
fn wrong_classes() {
    for (wrong, want) in [
        ("id = \"staged\"\n", "missing-key"),
        ("match = { area = \"staging\", place = \"staging:*/processed\" }\n", "missing-key"),
        ("start = \"processed\"\n", "missing-key"),
        ("period = \"7 days\"\n", "missing-key"),
        ("then = \"delete\"\n", "missing-key"),
        ("basis = \"GDPR Art. 5(1)(e)\"\n", "missing-key"),
    ] {
        let text = said(&WHOLE.replace(wrong, ""));
        assert!(text.contains(&format!("error[{want}]")) && !text.contains('\n'), "{wrong}: {text}");
    }
    for (from, to, want) in [
        ("\"staged\"", "\"Zoë\"", "bad-rule-id"),
        ("\"7 days\"", "\"7 moons\"", "bad-period"),
        ("\"delete\"", "\"shred\"", "unknown-value"),
        ("\"processed\"\nperiod", "\"procesed\"\nperiod", "did you mean `processed`?"),
        ("place = ", "plase = ", "did you mean `place`?"),
        ("area = \"staging\", place = \"staging:*/processed\"", "", "empty-match"),
        ("area = \"staging\", place = \"staging:*/processed\"", "area = \"log\"", "never-starts"),
        ("\"processed\"\nperiod", "\"resolved\"\nperiod", "never-starts"),
        ("then = \"delete\"", "then = \"keep\"\ngrace = \"7 days\"", "grace-without-delete"),
        ("then = \"delete\"", "then = \"delete\"\ngrace = \"soon\"", "bad-period"),
        ("then = \"delete\"", "then = \"delete\"\nretain = true", "unknown-key"),
        ("[[class]]", "[class]", "double brackets"),
        ("[[class]]", "[sweep]\nrecords = 0\n[[class]]", "out-of-range"),
    ] {
        let text = said(&WHOLE.replacen(from, to, 1));
        assert!(text.contains(want) && text.contains("error["), "{to}: {text}");
    }
}

/// What a class can end with, and where.
#[test]
fn ends_that_cannot_be_and_starts_that_are_of_accounts() {
    let class = |condition: &str, start: &str, then: &str| {
        said(&format!(
            "[[class]]\nid = \"c\"\nmatch = {{ {condition} }}\nstart = \"{start}\"\nperiod = \"1 year\"\nthen = \"{then}\"\nbasis = \"b\"\n"
        ))
    };
    for (condition, start, then) in [
        ("area = \"target\", record = \"issue\", field = [\"description\", \"summary\"]", "resolved", "redact"),
        ("area = \"target\", record = [\"issue\", \"comment\"], field = \"*\"", "created", "redact"),
        ("area = [\"foreign\", \"log\"], field = \"displayName\"", "updated", "pseudonymise"),
        ("area = \"target\", record = \"issue\"", "resolved", "renew"),
        ("area = [\"target\", \"staging\"]", "sync-ended", "delete"),
        ("area = [\"source\", \"target\"], record = \"user-profile\"", "account-closed", "review"),
    ] {
        assert_eq!(class(condition, start, then), "accepted", "{condition} {then}");
    }
    for (condition, start, then, want) in [
        ("area = \"target\", record = \"issue\"", "created", "redact", "error[missing-key]: `redact` has no `field`"),
        ("area = \"target\", record = \"issue\", field = \"summary\"", "created", "delete", "error[means-nothing]"),
        (
            "area = \"target\", record = \"issue\", field = \"summary\"",
            "created",
            "clear",
            "Jira lets no `summary` be empty",
        ),
        (
            "area = \"target\", record = \"issue\", field = \"creator\"",
            "created",
            "clear",
            "nobody can empty `creator`",
        ),
        ("area = \"target\", field = \"summary\"", "created", "redact", "a target has other records too"),
        ("area = \"target\", record = \"attachment\", field = \"x\"", "created", "redact", "names record `attachment`"),
        ("area = \"staging\", field = \"x\"", "created", "redact", "reaches area `staging`"),
        (
            "area = [\"log\", \"target\"], record = \"issue\", field = \"x\"",
            "created",
            "pseudonymise",
            "reaches area `target`",
        ),
        ("area = \"foreign\"", "created", "renew", "error[impossible-end]"),
        ("area = \"target\", record = \"comment\"", "created", "renew", "names record `comment`"),
        ("area = \"log\"", "sync-ended", "delete", "error[never-starts]"),
        ("area = \"target\"", "account-closed", "review", "`account-closed` is of accounts"),
        ("area = \"target\", record = \"user-profile\"", "created", "review", "accounts are of no other start"),
        ("area = \"target\", record = \"user-profile\"", "account-closed", "delete", "error[impossible-end]"),
    ] {
        let text = class(condition, start, then);
        assert!(text.contains(want), "{condition} {then}: {text}");
    }
    // A class of fields leaves the record to those behind it; one of the whole record does not.
    let fields = "[[class]]\nid = \"f\"\nmatch = { area = \"foreign\", field = \"mail\" }\nstart = \"created\"\nperiod = \"1 day\"\nthen = \"clear\"\nbasis = \"b\"\n";
    let whole = "[[class]]\nid = \"w\"\nmatch = { area = \"foreign\" }\nstart = \"created\"\nperiod = \"1 year\"\nthen = \"delete\"\nbasis = \"b\"\n";
    assert_eq!(said(&format!("{fields}{whole}")), "accepted");
    assert!(said(&format!("{whole}{fields}")).contains("warning[shadowed-class]: `f` is never asked"));
}

#[test]
fn between_classes() {
    let text = said(&format!("{WHOLE}{WHOLE}"));
    assert!(text.contains("p:11:6: error[duplicate-class-id]: two classes are called `staged`"), "{text}");
    let wide = WHOLE.replace(", place = \"staging:*/processed\"", "").replace("\"staged\"", "\"all\"");
    let text = said(&format!("{wide}{WHOLE}"));
    assert!(text.contains("warning[shadowed-class]: `staged` is never asked"), "{text}");
    assert_eq!(said(&format!("{WHOLE}{wide}")), "accepted");
    let source =
        WHOLE.replace("area = \"staging\", place = \"staging:*/processed\"", "area = [\"source\", \"staging\"]");
    assert!(said(&source).contains("warning[not-swept]: no sweep looks at area `source`"), "{}", said(&source));
}

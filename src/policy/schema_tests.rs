use super::{super::SHIPPED, *};

/// A policy as an editor's schema sees it: TOML as JSON, days as strings.
fn json_of(text: &str) -> Value {
    fn plain(value: toml::Value) -> Value {
        match value {
            toml::Value::String(s) => json!(s),
            toml::Value::Integer(i) => json!(i),
            toml::Value::Float(f) => json!(f),
            toml::Value::Boolean(b) => json!(b),
            toml::Value::Datetime(d) => json!(d.to_string()),
            toml::Value::Array(a) => Value::Array(a.into_iter().map(plain).collect()),
            toml::Value::Table(t) => Value::Object(t.into_iter().map(|(k, v)| (k, plain(v))).collect()),
        }
    }
    plain(toml::Value::Table(text.parse().unwrap()))
}

#[test]
fn the_shipped_schema_is_the_one_that_is_generated() {
    let shipped = include_str!("../../schemas/policy-1.json");
    let generated = format!("{}\n", serde_json::to_string_pretty(&schema()).unwrap());
    assert!(shipped == generated, "efface policy schema > schemas/policy-1.json");
}

#[test]
fn shipped_policies_fit_and_wrong_ones_do_not() {
    let schema = jsonschema::draft202012::options().build(&schema()).unwrap();
    for (name, text) in SHIPPED {
        let policy = json_of(text);
        assert!(schema.is_valid(&policy), "{name}");
        assert!(text.starts_with("#:schema "), "{name} names its schema, for editors");
    }
    let fits = |rest: &str| schema.is_valid(&json_of(&format!("[policy]\nname = \"p\"\n{rest}")));
    let rule = |lines: &str| fits(&format!("[[rule]]\nid = \"r\"\n{lines}"));
    assert!(rule("decision = \"keep\"\nuntil = 2027-12-31"));
    assert!(rule("match = { kind = \"@names\", place = [\"@a\", \"log:*\"] }\ndecision = \"review\""));
    assert!(rule("decision = \"review\"\nexample = [{ area = \"log\", matches = true }]"));
    for wrong in [
        "decision = \"delte\"",
        "decision = [\"delete\"]",
        "",
        "decision = \"review\"\nmatch = {}",
        "decision = \"review\"\nmatch = { aera = \"log\" }",
        "decision = \"review\"\nmatch = { area = \"lgo\" }",
        "decision = \"review\"\nmatch = { area = [] }",
        "decision = \"review\"\nmatch = { older_than = \"6 moons\" }",
        "decision = \"review\"\nuntil = 2027",
        "decision = \"review\"\nexample = [{ area = \"log\" }]",
        "decision = \"review\"\nreson = \"x\"",
    ] {
        assert!(!rule(wrong), "{wrong}");
    }
    for wrong in
        ["[caps]\nrecords = 0", "[caps]\nshare = 2", "[capz]", "[lists]\na = []", "[[class]]\nid = \"c\"", "[rule]"]
    {
        assert!(!fits(wrong), "{wrong}");
    }
}

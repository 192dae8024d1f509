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

/// Whether a value fits, by the keywords that this schema uses; another one is a mistake here.
fn valid(root: &Value, schema: &Value, value: &Value) -> bool {
    let count = value.as_str().map(|s| s.chars().count() as u64);
    let size = value.as_array().map(|a| a.len() as u64).or(value.as_object().map(|o| o.len() as u64));
    schema.as_object().unwrap().iter().all(|(key, want)| match key.as_str() {
        "type" => match want.as_str().unwrap() {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "integer" => value.is_i64(),
            "number" => value.is_number(),
            other => panic!("type {other}"),
        },
        "enum" => want.as_array().unwrap().contains(value),
        "const" => want == value,
        "anyOf" => want.as_array().unwrap().iter().any(|s| valid(root, s, value)),
        "$ref" => valid(root, root.pointer(want.as_str().unwrap().trim_start_matches('#')).unwrap(), value),
        "pattern" => value.as_str().is_none_or(|s| regex::Regex::new(want.as_str().unwrap()).unwrap().is_match(s)),
        "minLength" => count.is_none_or(|n| n >= want.as_u64().unwrap()),
        "maxLength" => count.is_none_or(|n| n <= want.as_u64().unwrap()),
        "minItems" | "minProperties" => size.is_none_or(|n| n >= want.as_u64().unwrap()),
        "minimum" => value.as_f64().is_none_or(|n| n >= want.as_f64().unwrap()),
        "maximum" => value.as_f64().is_none_or(|n| n <= want.as_f64().unwrap()),
        "exclusiveMinimum" => value.as_f64().is_none_or(|n| n > want.as_f64().unwrap()),
        "required" => want.as_array().unwrap().iter().all(|k| value.get(k.as_str().unwrap()).is_some()),
        "items" => value.as_array().is_none_or(|a| a.iter().all(|v| valid(root, want, v))),
        "properties" => want.as_object().unwrap().iter().all(|(k, s)| value.get(k).is_none_or(|v| valid(root, s, v))),
        "propertyNames" => value.as_object().is_none_or(|o| o.keys().all(|k| valid(root, want, &json!(k)))),
        "additionalProperties" => value.as_object().is_none_or(|o| {
            let mut others = o.iter().filter(|(k, _)| schema["properties"].get(k).is_none());
            others.all(|(_, v)| want.as_bool().unwrap_or_else(|| valid(root, want, v)))
        }),
        "$schema" | "$defs" | "title" | "description" => true,
        other => panic!("keyword {other}"),
    })
}

#[test]
fn the_shipped_schema_is_the_one_that_is_generated() {
    let shipped = include_str!("../../schemas/policy-1.json");
    let generated = format!("{}\n", serde_json::to_string_pretty(&schema()).unwrap());
    assert!(shipped == generated, "efface policy schema > schemas/policy-1.json");
}

#[test]
fn shipped_policies_fit_and_wrong_ones_do_not() {
    let schema = schema();
    for (name, text) in SHIPPED {
        let policy = json_of(text);
        assert!(valid(&schema, &schema, &policy), "{name}");
        assert!(text.starts_with("#:schema "), "{name} names its schema, for editors");
    }
    let fits = |rest: &str| valid(&schema, &schema, &json_of(&format!("[policy]\nname = \"p\"\n{rest}")));
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

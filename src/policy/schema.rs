//! The JSON Schema of a policy file, from the same word tables that read it: for editors, which complete and check by it.
//!
//! It knows keys, types and words. What holds between rules is the check's, so that a file can fit the schema and be
//! wrong all the same.

use serde_json::{Map, Value, json};

use super::{Requirement, Since, Start, Then, WithoutIt, Word};
use crate::model::{Area, Controller, Decision, Flavor, RecordType, ReferenceKind, Strength};

/// The schema (draft 2020-12).
#[must_use]
pub fn schema() -> Value {
    let period = || json!({ "$ref": "#/$defs/period" });
    let rule = object(
        &[
            ("id", id("what findings, reports and certificates name")),
            ("match", match_of_a_rule()),
            ("decision", said(enumeration::<Decision>(), "what is done")),
            ("basis", text("the legal basis, such as an article")),
            ("reason", text("why, for a person to read")),
            ("owner", text("who answers for the rule")),
            ("ask", text("beside `residual`: who could remove what stays")),
            ("until", said(day(), "beside `keep`: the last day (UTC) on which it holds")),
            ("replaces", flag("takes the place of the rule of this id in an included file")),
            (
                "example",
                json!({ "type": "array", "items": example(), "description": "references that `policy check` tries" }),
            ),
        ],
        &["id", "decision"],
    );
    let class = object(
        &[
            ("id", id("what a report of a sweep names")),
            ("match", match_of_a_class()),
            ("start", said(enumeration::<Start>(), "the event from which the period counts")),
            ("period", period()),
            ("then", said(enumeration::<Then>(), "what is done when the period is over")),
            (
                "grace",
                json!({ "anyOf": [{ "const": "none" }, period()], "description": "how long a due record is only marked" }),
            ),
            ("basis", text("the law, the contract or the interest behind the period")),
            ("reason", text("why, for a person to read")),
            ("owner", text("who answers for the class")),
            ("replaces", flag("takes the place of the class of this id in an included file")),
        ],
        &["id", "match", "start", "period", "then", "basis"],
    );
    let table = |keys: &[(&str, Value)]| object(keys, &[]);
    let root = [
        (
            "policy",
            table(&[
                ("name", text("findings and reports name the policy")),
                ("version", text("as its author counts")),
                ("law", text("the law it follows")),
                (
                    "placeholder",
                    json!({ "type": "string", "minLength": 1, "maxLength": 60, "description": "what stands where something was cut" }),
                ),
                (
                    "include",
                    json!({ "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }], "description": "policies that this one builds on: paths relative to this file, or names of shipped ones" }),
                ),
            ]),
        ),
        (
            "lists",
            json!({ "type": "object", "description": "named lists, used as \"@name\"", "propertyNames": { "pattern": "^[a-z0-9_-]+$" }, "additionalProperties": { "type": "array", "minItems": 1, "items": { "type": "string" } } }),
        ),
        (
            "approval",
            table(&[
                ("four_eyes", flag("whoever plans may not approve")),
                ("signatures", flag("an approval is signed")),
                ("expires", period()),
                ("delay", period()),
            ]),
        ),
        (
            "caps",
            table(&[
                ("records", json!({ "type": "integer", "minimum": 1, "description": "most records of one plan" })),
                (
                    "share",
                    json!({ "type": "number", "exclusiveMinimum": 0, "maximum": 1, "description": "largest share of a project's issues" }),
                ),
            ]),
        ),
        (
            "clock",
            table(&[
                ("period", period()),
                ("extension", period()),
                ("holidays", json!({ "type": "array", "items": day() })),
                ("working_day", flag("a period that would end on a free day ends with the next working day")),
                ("ask_within", period()),
                ("warn", json!({ "anyOf": [period(), { "type": "array", "items": period() }] })),
            ]),
        ),
        ("case", table(&[("require", words::<Requirement>("what has to be on record"))])),
        (
            "aftercare",
            table(&[
                ("verify_again", period()),
                ("after_sync", flag("verify after each sync ran again")),
                ("backups", period()),
            ]),
        ),
        ("suppression", table(&[("keep", period())])),
        (
            "notices",
            table(&[
                ("required", flag("a case closes only when every recipient was told")),
                ("acknowledge_within", period()),
            ]),
        ),
        (
            "history",
            table(&[
                ("redaction_api", flag("texts on Cloud are cut by its redaction API")),
                ("without_it", said(enumeration::<WithoutIt>(), "what happens where a site lacks it")),
            ]),
        ),
        ("attachments", table(&[("note", flag("a short text takes the place of a deleted attachment"))])),
        (
            "sweep",
            table(&[
                (
                    "records",
                    json!({ "type": "integer", "minimum": 1, "description": "most records that one run deletes" }),
                ),
                ("four_eyes", flag("another person approves what a run deletes")),
            ]),
        ),
        ("rule", json!({ "type": "array", "items": rule })),
        ("class", json!({ "type": "array", "items": class })),
    ];
    let mut schema = object(&root, &[]);
    let head = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A policy of efface",
        "description": "What is done with each reference to a person, and how long copies stay. See docs/POLICY.md.",
        "$defs": { "period": {
            "type": "string", "pattern": "^\\s*[0-9]+\\s+(day|days|week|weeks|month|months|year|years)\\s*$",
            "description": "a number and a unit, such as `6 months`",
        } },
    });
    if let (Value::Object(all), Value::Object(mut out)) = (&mut schema, head) {
        out.append(all);
        *all = out;
    }
    schema
}

fn match_of_a_rule() -> Value {
    let period = || json!({ "$ref": "#/$defs/period" });
    let mut out = object(
        &[
            ("area", words::<Area>("kinds of places")),
            ("place", globs("places as they are written, such as `staging:*/processed`")),
            ("record", words::<RecordType>("record types")),
            ("field", globs("fields")),
            ("path", globs("files' paths, relative to their area's root")),
            ("kind", words::<ReferenceKind>("kinds of reference")),
            ("strength", words::<Strength>("how sure the reference is")),
            ("at_least", said(enumeration::<Strength>(), "this sure or surer")),
            ("controller", words::<Controller>("who answers for the place's instance")),
            ("project", globs("keys of Jira projects")),
            ("instance", globs("instances of the configuration")),
            ("label", globs("labels of the issue")),
            ("status", globs("names of the issue's status")),
            ("older_than", period()),
            ("younger_than", period()),
            ("since", said(enumeration::<Since>(), "from when an age counts")),
        ],
        &[],
    );
    out["minProperties"] = json!(1);
    out
}

fn match_of_a_class() -> Value {
    let mut out = object(
        &[
            ("area", words::<Area>("kinds of places")),
            ("place", globs("places as they are written")),
            ("project", globs("keys of Jira projects")),
            ("record", words::<RecordType>("record types")),
            (
                "field",
                globs("fields, where the end is of fields: of an issue, `body` of a comment, members of a JSON file"),
            ),
            ("path", globs("files' paths")),
            ("label", globs("labels of the issue")),
            ("status", globs("names of the issue's status")),
        ],
        &[],
    );
    out["minProperties"] = json!(1);
    out
}

fn example() -> Value {
    let period = || json!({ "$ref": "#/$defs/period" });
    let any = || json!({ "type": "string" });
    let keys = [
        ("matches", flag("whether the rule decides")),
        ("decision", said(enumeration::<Decision>(), "what the policy decides, by whichever rule")),
        ("place", any()),
        ("area", enumeration::<Area>()),
        ("record", enumeration::<RecordType>()),
        ("field", any()),
        ("path", any()),
        ("kind", enumeration::<ReferenceKind>()),
        ("strength", enumeration::<Strength>()),
        ("controller", enumeration::<Controller>()),
        ("flavor", enumeration::<Flavor>()),
        ("instance", any()),
        ("project", any()),
        ("status", any()),
        ("labels", json!({ "anyOf": [any(), { "type": "array", "items": any() }] })),
        ("whole", flag("it cannot be cut out of its container")),
        ("age", period()),
        ("made", period()),
    ];
    let mut out = object(&keys, &[]);
    out["anyOf"] = json!([{ "required": ["matches"] }, { "required": ["decision"] }]);
    out
}

fn object(keys: &[(&str, Value)], required: &[&str]) -> Value {
    let properties: Map<String, Value> = keys.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect();
    let mut out = json!({ "type": "object", "additionalProperties": false });
    if !required.is_empty() {
        out["required"] = json!(required);
    }
    out["properties"] = Value::Object(properties);
    out
}

fn enumeration<T: Word>() -> Value {
    json!({ "enum": T::ALL.iter().map(|w| w.word()).collect::<Vec<_>>() })
}

/// One word or a list of them; each may be a named list.
fn words<T: Word>(what: &str) -> Value {
    let one = json!({ "anyOf": [enumeration::<T>(), { "type": "string", "pattern": "^@" }] });
    json!({ "anyOf": [one, { "type": "array", "minItems": 1, "items": one }], "description": what })
}

fn globs(what: &str) -> Value {
    let one = json!({ "type": "string", "minLength": 1 });
    let what =
        format!("globs over {what}; `*` is any run but `/`, `**` any run, `?` one character, \"@name\" a named list");
    json!({ "anyOf": [one, { "type": "array", "minItems": 1, "items": one }], "description": what })
}

fn said(mut schema: Value, what: &str) -> Value {
    schema["description"] = json!(what);
    schema
}

fn text(what: &str) -> Value {
    json!({ "type": "string", "pattern": "\\S", "description": what })
}

fn id(what: &str) -> Value {
    json!({ "type": "string", "pattern": "^[a-z0-9_.-]{1,64}$", "description": what })
}

fn flag(what: &str) -> Value {
    json!({ "type": "boolean", "description": what })
}

/// A day, which TOML has as a type of its own: a tool that turns TOML into JSON makes it a string.
fn day() -> Value {
    json!({ "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$" })
}

#[cfg(test)]
#[path = "schema_tests.rs"]
mod tests;

//! Examples of a rule: references that it decides, or does not, run by every check of the policy.
//!
//! Owns `[[rule.example]]`. Of an included file nothing is run: what goes before it there may well decide otherwise.

use std::{ops::Range, sync::Arc};

use chrono::{DateTime, Utc};
use toml::de::{DeTable, DeValue};

use super::{
    EvalContext, Period, Policy, Word,
    build::has_instance,
    read::{At, Reader, Section},
};
use crate::model::{
    Area, Controller, Cut, Decision, Flavor, InstanceName, IssueFacts, Piece, Place, ProjectKey, RecordRef,
    RecordTimes, RecordType, Reference, ReferenceKind, Strength,
};

/// One example.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// What is found.
    pub reference: Reference,
    /// Who answers for the place's instance.
    pub controller: Option<Controller>,
    /// Which API it speaks.
    pub flavor: Option<Flavor>,
    /// Whether the rule decides.
    pub matches: Option<bool>,
    /// What the policy decides, by whichever rule.
    pub decision: Option<Decision>,
    pub(super) span: Range<usize>,
}

/// A place as it is named on the command line and in examples, with what is taken for granted of it.
#[must_use]
pub fn usual_record(area: Area) -> RecordType {
    match area {
        Area::Source | Area::Target => RecordType::Issue,
        Area::Staging => RecordType::Message,
        Area::State => RecordType::State,
        Area::Foreign | Area::Log | Area::Backup => RecordType::File,
    }
}

/// The day on which examples are tried: exceptions hold then, whichever day it is now, so that a check says the same every day.
fn day() -> DateTime<Utc> {
    // 2000-07-01.
    DateTime::UNIX_EPOCH + chrono::Duration::days(11_139)
}

/// Reads the examples of a rule.
pub(super) fn read(reader: &mut Reader<'_>, rule: &mut Section<'_, '_>) -> Vec<Example> {
    let Some(value) = rule.get("example") else { return Vec::new() };
    let DeValue::Array(list) = value.get_ref() else {
        reader
            .error("wrong-type", value.span(), "`example` has to be a list of tables")
            .help("each example starts with `[[rule.example]]`, behind its rule");
        return Vec::new();
    };
    let mut out = Vec::new();
    for item in list.iter() {
        match item.get_ref() {
            DeValue::Table(table) => out.extend(one(reader, table, item.span())),
            _ => {
                reader
                    .error("wrong-type", item.span(), "an example has to be a table")
                    .help("such as example = [{ area = \"target\", field = \"summary\", matches = true }]");
            }
        }
    }
    out
}

fn one(reader: &mut Reader<'_>, table: &DeTable<'_>, span: Range<usize>) -> Option<Example> {
    let mut s = Section::new("an example", table, span.clone());
    let matches = s.bool(reader, "matches");
    let decision = s.word::<Decision>(reader, "decision").map(|(d, _)| d);
    if matches.is_none() && decision.is_none() && s.key_span("matches").is_none() && s.key_span("decision").is_none() {
        s.required(reader, "matches", "add `matches = true`, `matches = false` or `decision = \"…\"`");
    }
    let place = parsed::<Place>(reader, &mut s, "place", "`area:spot`, such as `target:partner/PART`");
    let area = s.word::<Area>(reader, "area");
    if let (Some(place), Some((area, at))) = (&place, &area)
        && place.area() != *area
    {
        reader
            .error("conflicting-keys", at.clone(), format!("the place {place} is not of area {}", area.word()))
            .help("the place names its area itself: leave `area` out");
    }
    let area = place.as_ref().map(Place::area).or(area.map(|(a, _)| a));
    if area.is_none() && s.key_span("area").is_none() && s.key_span("place").is_none() {
        s.required(reader, "area", "add `area = \"…\"`, or a `place`");
    }
    let record = s.word::<RecordType>(reader, "record").map(|(r, _)| r);
    let text = |value: Option<At<String>>| value.map(|(t, _)| t);
    let (field, path) = (text(s.string(reader, "field")), text(s.string(reader, "path")));
    let kind = s.word::<ReferenceKind>(reader, "kind").map_or(ReferenceKind::Email, |(k, _)| k);
    let strength = s.word::<Strength>(reader, "strength").map_or(Strength::Probable, |(k, _)| k);
    let controller = s.word::<Controller>(reader, "controller").map(|(c, _)| c);
    let flavor = s.word::<Flavor>(reader, "flavor").map(|(f, _)| f);
    let instance = parsed::<InstanceName>(reader, &mut s, "instance", "as the configuration calls it, such as `hq`");
    let project = parsed::<ProjectKey>(reader, &mut s, "project", "such as `HQ`");
    let status = text(s.string(reader, "status"));
    let labels = s.texts(reader, "labels");
    let whole = s.bool(reader, "whole").unwrap_or_default();
    let (age, made) = (s.period(reader, "age"), s.period(reader, "made"));
    s.finish(reader);
    let place = place.unwrap_or(Place::new(area?, ""));
    let record_type = record.unwrap_or(usual_record(place.area()));
    let settings = matches!(record_type, RecordType::Property | RecordType::UserProfile);
    let facts = IssueFacts { status, labels };
    // A property belongs to an issue where the example says anything of one.
    let issue = has_instance(place.area()) && (!settings || facts != IssueFacts::default());
    let issue = issue.then(|| Arc::new(facts));
    let before = |p: Option<At<Period>>| p.and_then(|(p, _)| p.before(day()));
    let piece = Piece { pointer: String::new(), from: 0, to: 0 };
    let reference = Reference {
        subject: 0,
        identifier: 0,
        record: RecordRef { record_type, id: None, key: None, path },
        place,
        instance,
        project,
        field: field.unwrap_or_default(),
        locator: String::new(),
        kind,
        strength,
        cut: if whole { Cut::Whole } else { Cut::Text { pieces: vec![piece] } },
        times: RecordTimes { created: before(made), updated: before(age) },
        issue,
    };
    Some(Example { reference, controller, flavor, matches, decision, span })
}

fn parsed<T: std::str::FromStr>(
    reader: &mut Reader<'_>,
    s: &mut Section<'_, '_>,
    key: &'static str,
    form: &str,
) -> Option<T> {
    let (text, at) = s.string(reader, key)?;
    let value = text.parse().ok();
    if value.is_none() {
        reader.error("bad-example", at, format!("`{text}` is no {key}")).help(form.to_owned());
    }
    value
}

/// Tries the examples of the policy's own file.
pub(super) fn run(reader: &mut Reader<'_>, policy: &Policy) {
    for rule in policy.rules().iter().filter(|r| reader.sources.file_at(r.span.start) == 0) {
        for example in &rule.examples {
            let ctx = EvalContext { now: day(), controller: example.controller, flavor: example.flavor };
            let verdict = policy.evaluate(&example.reference, &ctx);
            let by = policy.rules().iter().find(|r| r.id == verdict.rule_id);
            let decides = verdict.rule_id == rule.id;
            let message = if example.matches.is_some_and(|m| m != decides) {
                if decides {
                    format!("rule `{}` decides this example, and should not", rule.id)
                } else {
                    format!("rule `{}` should decide this example, and `{}` does", rule.id, verdict.rule_id)
                }
            } else if let Some(wanted) = example.decision.filter(|d| *d != verdict.decision) {
                let (is, by) = (verdict.decision.word(), &verdict.rule_id);
                format!("this example should be `{}`, and is `{is}` by rule `{by}`", wanted.word())
            } else {
                continue;
            };
            let d = reader.error("failed-example", example.span.clone(), message).help(
                "`efface policy explain` walks it through the rules: correct the example, the rule, or their order",
            );
            if let Some(by) = by {
                d.note(by.span.clone(), "this rule decides");
            }
        }
    }
}

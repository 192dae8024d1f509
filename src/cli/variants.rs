//! `subject show`: the spellings that are searched for a person, below the identifiers that they come from.

use serde_json::{Value, json};

use super::{Format, table};
use crate::{
    model::Subject,
    report::text,
    subject::variants::{Variant, variants},
};

/// What `show` prints: `identifiers` (already rendered) with the spellings of each; in JSON as its member `variants`. CSV has
/// the identifiers alone.
///
/// # Errors
/// When `identifiers` is no JSON array although JSON is asked for.
pub(super) fn shown(format: Format, identifiers: String, subject: &Subject, reveal: bool) -> anyhow::Result<String> {
    let value = |v: &Variant| if reveal { v.spelling.reveal().clone() } else { table::mask(v.spelling.reveal()) };
    let all = variants(subject);
    match format {
        Format::Json => {
            let mut list: Vec<Value> = serde_json::from_str(&identifiers)?;
            for (i, item) in list.iter_mut().enumerate() {
                let mine = all.iter().filter(|v| v.identifier == i);
                let mine: Vec<Value> = mine
                    .map(|v| json!({ "spelling": value(v), "strength": v.strength, "reason": v.reason.to_string() }))
                    .collect();
                item["variants"] = Value::Array(mine);
            }
            Ok(format!("{}\n", serde_json::to_string_pretty(&list)?))
        }
        Format::Table => {
            // Masked spellings that look the same are one row.
            let mut rows: Vec<(Vec<String>, usize)> = Vec::new();
            for v in &all {
                let of = subject.identifiers.get(v.identifier).map_or("", |i| i.kind.as_str());
                let row = vec![
                    format!("{of} {}", v.identifier + 1),
                    value(v),
                    v.strength.as_str().to_owned(),
                    v.reason.to_string(),
                ];
                match rows.iter_mut().find(|(r, _)| *r == row) {
                    Some((_, n)) => *n += 1,
                    None => rows.push((row, 1)),
                }
            }
            let rows: Vec<Vec<String>> = rows
                .into_iter()
                .map(|(mut row, n)| {
                    row.insert(2, n.to_string());
                    row
                })
                .collect();
            let head = ["of", "searched as", "n", "at most", "reason"];
            Ok(format!("{identifiers}\n{}", text::table(&head, &[], &rows, None)))
        }
        Format::Csv | Format::Html | Format::Markdown => Ok(identifiers),
    }
}

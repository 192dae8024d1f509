//! Rows of text in the format that was asked for.

use serde_json::{Map, Value};

use super::{Failure, Format};
use crate::report::text;

/// Rows as a table, CSV or a JSON array of objects.
///
/// # Errors
/// For HTML, which only reports have.
pub(super) fn rows(format: Format, head: &[&str], rows: &[Vec<String>]) -> anyhow::Result<String> {
    Ok(match format {
        Format::Table => text::table(head, &[], rows, None),
        Format::Csv => text::csv(head, rows.iter().cloned()),
        Format::Json => {
            let objects: Vec<Value> = rows
                .iter()
                .map(|row| {
                    Value::Object(
                        head.iter()
                            .zip(row)
                            .map(|(h, v)| ((*h).to_owned(), Value::String(v.clone())))
                            .collect::<Map<_, _>>(),
                    )
                })
                .collect();
            format!("{}\n", serde_json::to_string_pretty(&objects)?)
        }
        Format::Markdown => return Err(super::no_markdown()),
        Format::Html => {
            return Err(Failure::Usage(
                "HTML is for reports, letters and certificates; use table, json or csv here".into(),
            )
            .into());
        }
    })
}

/// A value of which only the shape shows: first letter and length class.
pub(super) fn mask(value: &str) -> String {
    let first = value.chars().next().map(String::from).unwrap_or_default();
    match value.rsplit_once('@') {
        Some((_, domain)) => {
            let tld = domain.rsplit('.').next().unwrap_or_default();
            format!("{first}…@….{tld}")
        }
        None => format!("{first}…"),
    }
}

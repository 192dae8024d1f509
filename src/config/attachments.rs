//! `attachments = { … }`: which attachments a synchronization carries.

use serde::Deserialize;
use serde_json::Value;

use crate::policy::Glob;

/// Which attachments are carried; all where nothing is said.
#[derive(Debug, Clone, Default)]
pub struct Attachments {
    max_bytes: Option<u64>,
    names: Vec<Glob>,
    not_names: Vec<Glob>,
    types: Vec<Glob>,
    not_types: Vec<Glob>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    max_bytes: Option<u64>,
    #[serde(default)]
    names: Vec<String>,
    #[serde(default)]
    not_names: Vec<String>,
    #[serde(default)]
    types: Vec<String>,
    #[serde(default)]
    not_types: Vec<String>,
}

impl Raw {
    /// # Errors
    /// What is wrong, in words that follow `sync NAME: `.
    pub(super) fn check(self) -> Result<Attachments, String> {
        let globs = |what: &str, list: Vec<String>| {
            list.into_iter()
                .map(|text| {
                    text.to_lowercase().parse::<Glob>().map_err(|e| format!("attachments.{what} {text:?}: {e}"))
                })
                .collect::<Result<Vec<_>, _>>()
        };
        Ok(Attachments {
            max_bytes: self.max_bytes,
            names: globs("names", self.names)?,
            not_names: globs("not_names", self.not_names)?,
            types: globs("types", self.types)?,
            not_types: globs("not_types", self.not_types)?,
        })
    }
}

impl Attachments {
    /// Whether an attachment is carried, by what Jira says of it: its name, type and size. What a server does not say passes no
    /// condition that asks for it, and is kept out by none that forbids it.
    #[must_use]
    pub fn carry(&self, meta: &Value) -> bool {
        let text = |field: &str| meta.get(field).and_then(Value::as_str).map(str::to_lowercase);
        let (name, kind) = (text("filename"), text("mimeType"));
        let any =
            |globs: &[Glob], text: &Option<String>| text.as_ref().is_some_and(|t| globs.iter().any(|g| g.matches(t)));
        let wanted = |globs: &[Glob], text: &Option<String>| globs.is_empty() || any(globs, text);
        let small = |most| meta.get("size").and_then(Value::as_u64).is_some_and(|size| size <= most);
        wanted(&self.names, &name)
            && wanted(&self.types, &kind)
            && !any(&self.not_names, &name)
            && !any(&self.not_types, &kind)
            && self.max_bytes.is_none_or(small)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_carried() {
        let of = |text: &str| toml::from_str::<Raw>(text).unwrap().check().unwrap();
        let pdf = json!({"filename": "Plan.PDF", "mimeType": "application/pdf", "size": 1000});
        let bare = json!({"filename": "plan"});
        for (text, carries, unsaid) in [
            ("", true, true),
            ("max_bytes = 1000", true, false),
            ("max_bytes = 999", false, false),
            ("names = [\"*.pdf\"]", true, false),
            ("names = [\"*.txt\", \"plan*\"]", true, true),
            ("not_names = [\"*.pdf\"]", false, true),
            ("types = [\"application/*\"]", true, false),
            ("types = [\"image/*\"]", false, false),
            ("not_types = [\"application/*\"]", false, true),
            ("names = [\"*.pdf\"]\nnot_types = [\"*/pdf\"]", false, false),
        ] {
            assert_eq!((of(text).carry(&pdf), of(text).carry(&bare)), (carries, unsaid), "{text}");
        }
        assert!(toml::from_str::<Raw>("size = 1").unwrap_err().to_string().contains("unknown field"));
    }
}

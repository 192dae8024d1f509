//! Named lists: `[lists]`, and `"@name"` in any list of conditions.

use std::{collections::BTreeMap, ops::Range};

use toml::de::DeValue;

use super::{
    read::{At, Reader, Section},
    words::nearest,
};

/// A list with where its name stands, and whether a condition uses it.
struct List {
    items: Vec<String>,
    at: Range<usize>,
    used: bool,
}

/// The named lists of a policy.
#[derive(Default)]
pub(super) struct Lists(BTreeMap<String, List>);

impl Reader<'_> {
    /// Reads `[lists]`.
    pub(super) fn read_lists(&mut self, top: &mut Section<'_, '_>) {
        let Some((table, _)) = top.table(self, "lists") else { return };
        for (key, value) in table.iter() {
            let name = key.get_ref().to_string();
            if !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b)) {
                self.error("bad-list-name", key.span(), "a list's name is made of a-z, 0-9, `-` and `_`")
                    .help("conditions use it as \"@name\"");
            }
            let mut items = Vec::new();
            match value.get_ref() {
                DeValue::Array(list) if list.is_empty() => {
                    self.error("empty-list", value.span(), format!("the list `{name}` is empty"))
                        .help("a rule that uses it could match nothing: take both out");
                }
                DeValue::Array(list) => {
                    for item in list.iter() {
                        match item.get_ref().as_str() {
                            Some(text) if text.starts_with('@') => {
                                self.error("nested-list", item.span(), "a list cannot hold another list")
                                    .help("a condition can: [\"@one\", \"@other\"]");
                            }
                            Some(text) => items.push(text.to_owned()),
                            None => {
                                let is = item.get_ref().type_str();
                                self.error(
                                    "wrong-type",
                                    item.span(),
                                    format!("a list holds strings, and this is {is}"),
                                )
                                .help("put it into quotes");
                            }
                        }
                    }
                }
                other => {
                    let is = other.type_str();
                    self.error(
                        "wrong-type",
                        value.span(),
                        format!("`{name}` has to be a list of strings, and is {is}"),
                    )
                    .help(format!("such as {name} = [\"…\"]"));
                }
            }
            self.lists.0.insert(name, List { items, at: key.span(), used: false });
        }
    }

    /// What stands behind `@name`, each item where the name is used; nothing where that is not known.
    pub(super) fn named(&mut self, text: &str, at: Range<usize>) -> Vec<At<String>> {
        let name = text.trim_start_matches('@');
        if let Some(list) = self.lists.0.get_mut(name) {
            list.used = true;
            return list.items.iter().map(|item| (item.clone(), at.clone())).collect();
        }
        let near = nearest(name, self.lists.0.keys().map(String::as_str)).map(str::to_owned);
        if let Some(list) = near.as_ref().and_then(|near| self.lists.0.get_mut(near)) {
            list.used = true; // probably
        }
        let help = match near {
            Some(near) => format!("did you mean `@{near}`?"),
            None => format!("add it: [lists] {name} = [\"…\"]"),
        };
        self.error("unknown-list", at, format!("there is no list `{name}`")).help(help);
        Vec::new()
    }

    /// Lists of the policy's own file that no condition uses.
    pub(super) fn unused_lists(&mut self) {
        let unused: Vec<_> =
            self.lists.0.iter().filter(|(_, l)| !l.used).map(|(n, l)| (n.clone(), l.at.clone())).collect();
        for (name, at) in unused {
            // What an included file offers need not be taken.
            if self.sources.file_at(at.start) == 0 {
                self.warn("unused-list", at, format!("no rule uses the list `{name}`"))
                    .help(format!("use it as \"@{name}\", or take it out"));
            }
        }
    }
}

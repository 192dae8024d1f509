//! Several files to one: what the including file says goes before what it includes.
//!
//! Owns the order: lists of rules and classes are put behind each other, tables are filled up key by key, and a rule that
//! `replaces` takes the place of the one it names.

use std::ops::Range;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{build::Draft, read::Reader};

/// Keys of `[policy]` that a file says of itself alone.
const OWN: [&str; 3] = ["name", "version", "include"];

/// Fills up `root` by what an included file says beside it.
pub(super) fn fill<'i>(root: &mut DeTable<'i>, other: DeTable<'i>) {
    for (key, value) in other {
        let head = key.get_ref().as_ref() == "policy";
        let own = root.get_mut(key.get_ref().as_ref()).map(Spanned::get_mut);
        match (own, value.get_ref()) {
            (None, _) => {
                let mut value = value;
                if let (true, DeValue::Table(table)) = (head, value.get_mut()) {
                    for key in OWN {
                        table.remove(key);
                    }
                }
                root.insert(key, value);
            }
            (Some(DeValue::Array(list)), DeValue::Array(_)) => {
                if let DeValue::Array(more) = value.into_inner() {
                    more.into_iter().for_each(|item| list.push(item));
                }
            }
            (Some(DeValue::Table(table)), DeValue::Table(_)) => {
                if let DeValue::Table(more) = value.into_inner() {
                    for (key, value) in more {
                        let name = key.get_ref().as_ref();
                        if !(table.contains_key(name) || head && OWN.contains(&name)) {
                            table.insert(key, value);
                        }
                    }
                }
            }
            // What is of another type has a diagnostic of its own, or is overridden.
            _ => {}
        }
    }
}

/// What has an id, and may take the place of another.
pub(super) trait Replaces {
    /// What it is called.
    const WHAT: &'static str;

    /// Its id and where that stands.
    fn id(&self) -> (&str, usize);

    /// Where it says that it `replaces`.
    fn replaces(&self) -> Option<Range<usize>>;
}

impl Replaces for Draft {
    const WHAT: &'static str = "rule";

    fn id(&self) -> (&str, usize) {
        (&self.rule.id, self.rule.span.start)
    }

    fn replaces(&self) -> Option<Range<usize>> {
        self.replaces.clone()
    }
}

/// Puts each that `replaces` in the place of the one of its id in a file that its own includes.
pub(super) fn replace<T: Replaces>(reader: &mut Reader<'_>, all: Vec<T>) -> Vec<T> {
    let sources = reader.sources;
    let file = |one: &T| sources.file_at(one.id().1);
    let at_first: Vec<(String, usize)> = all.iter().map(|one| (one.id().0.to_owned(), file(one))).collect();
    let mut places: Vec<Option<T>> = all.into_iter().map(Some).collect();
    // From the innermost on, so that what replaces can be replaced again by the next file.
    for of in sources.innermost_first() {
        for (n, (id, own)) in at_first.iter().enumerate() {
            let Some(span) = places[n].as_ref().filter(|_| *own == of).and_then(T::replaces) else { continue };
            let included = |id_of: &str, at: usize| id_of == id && !id.is_empty() && sources.includes(of, at);
            match places.iter().position(|o| o.as_ref().is_some_and(|o| included(o.id().0, file(o)))) {
                Some(place) => places[place] = places[n].take(),
                // Another file took that place: two of one id, which is told where that is looked for.
                None if at_first.iter().any(|(id_of, at)| included(id_of, *at)) => {}
                None => {
                    reader
                        .error("replaces-nothing", span, format!("no included file has a {} `{id}`", T::WHAT))
                        .help("take `replaces` out, or correct the id or the include");
                }
            }
        }
    }
    places.into_iter().flatten().collect()
}

//! Reads spanned TOML by hand, so that *every* mistake is found: serde would stop at the first.

use std::ops::Range;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{Diagnostic, Glob, Period, Set, Severity, Sources, Word, diagnostic::Note, lists::Lists, words::nearest};

/// A value with the place where it stands.
pub(super) type At<T> = (T, Range<usize>);

/// The texts, their named lists, and what was found wrong so far.
pub(super) struct Reader<'t> {
    pub(super) sources: &'t Sources,
    pub(super) lists: Lists,
    pub(super) found: Vec<Diagnostic>,
}

impl Reader<'_> {
    pub(super) fn error(
        &mut self,
        code: &'static str,
        span: Range<usize>,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.push(Severity::Error, code, span, message.into())
    }

    pub(super) fn warn(
        &mut self,
        code: &'static str,
        span: Range<usize>,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.push(Severity::Warning, code, span, message.into())
    }

    fn push(&mut self, severity: Severity, code: &'static str, span: Range<usize>, message: String) -> &mut Diagnostic {
        let at = self.found.len();
        self.found.push(Diagnostic::new(self.sources, severity, code, span, message));
        &mut self.found[at]
    }
}

impl Diagnostic {
    pub(super) fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = Some(help.into());
        self
    }

    pub(super) fn note(&mut self, span: Range<usize>, label: impl Into<String>) -> &mut Self {
        self.note = Some(Note { file: String::new(), line: 0, column: 0, span, label: label.into() });
        self
    }
}

/// A table that is being read: remembers which keys it was asked for, so that the rest is unknown.
pub(super) struct Section<'v, 'i> {
    what: &'static str,
    table: &'v DeTable<'i>,
    /// Where to point when something is missing.
    pub(super) span: Range<usize>,
    asked: Vec<&'static str>,
}

impl<'v, 'i> Section<'v, 'i> {
    pub(super) const fn new(what: &'static str, table: &'v DeTable<'i>, span: Range<usize>) -> Self {
        Self { what, table, span, asked: Vec::new() }
    }

    /// The value of a key.
    pub(super) fn get(&mut self, key: &'static str) -> Option<&'v Spanned<DeValue<'i>>> {
        self.asked.push(key);
        self.table.get(key)
    }

    /// Where the key itself stands.
    pub(super) fn key_span(&self, key: &str) -> Option<Range<usize>> {
        self.table.get_key_value(key).map(|(k, _)| k.span())
    }

    /// Reports the keys that nobody asked for.
    pub(super) fn finish(self, reader: &mut Reader<'_>) {
        for (key, _) in self.table.iter().filter(|(k, _)| !self.asked.contains(&k.get_ref().as_ref())) {
            let help = match nearest(key.get_ref(), self.asked.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("{} takes: {}", self.what, self.asked.join(", ")),
            };
            reader.error("unknown-key", key.span(), format!("{} has no key `{}`", self.what, key.get_ref())).help(help);
        }
    }

    pub(super) fn required(&self, reader: &mut Reader<'_>, key: &str, help: &str) {
        reader.error("missing-key", self.span.clone(), format!("{} has no `{key}`", self.what)).help(help);
    }

    pub(super) fn table(&mut self, reader: &mut Reader<'_>, key: &'static str) -> Option<At<&'v DeTable<'i>>> {
        let value = self.get(key)?;
        match value.get_ref() {
            DeValue::Table(t) => Some((t, value.span())),
            other => {
                let help = match other {
                    _ if key == "match" => "write it as `match = { … }`; several matches are several rules".to_owned(),
                    DeValue::Array(_) => format!("write it once, as `[{key}]`"),
                    _ => format!("write it as `[{key}]` or `{key} = {{ … }}`"),
                };
                wrong_type(reader, key, value, "a table").help(help);
                None
            }
        }
    }

    /// A text that is not empty.
    pub(super) fn string(&mut self, reader: &mut Reader<'_>, key: &'static str) -> Option<At<String>> {
        let value = self.get(key)?;
        let Some(text) = value.get_ref().as_str() else {
            wrong_type(reader, key, value, "a string").help("put it into quotes");
            return None;
        };
        if text.trim().is_empty() {
            reader.error("empty-value", value.span(), format!("`{key}` is empty")).help("say it, or leave the key out");
            return None;
        }
        Some((text.to_owned(), value.span()))
    }

    pub(super) fn bool(&mut self, reader: &mut Reader<'_>, key: &'static str) -> Option<bool> {
        let value = self.get(key)?;
        let known = value.get_ref().as_bool();
        if known.is_none() {
            wrong_type(reader, key, value, "true or false").help("without quotes");
        }
        known
    }

    /// A number above zero.
    pub(super) fn count(&mut self, reader: &mut Reader<'_>, key: &'static str) -> Option<u64> {
        let value = self.get(key)?;
        let Some(number) = value.get_ref().as_integer() else {
            wrong_type(reader, key, value, "a whole number").help("such as 500");
            return None;
        };
        let parsed = u64::from_str_radix(number.as_str(), number.radix()).ok().filter(|n| *n > 0);
        if parsed.is_none() {
            reader
                .error("out-of-range", value.span(), format!("`{key}` has to be above zero"))
                .help("leave it out for no cap");
        }
        parsed
    }

    /// A number above 0 and at most 1.
    pub(super) fn share(&mut self, reader: &mut Reader<'_>, key: &'static str) -> Option<f64> {
        let value = self.get(key)?;
        let number = match value.get_ref() {
            DeValue::Float(f) => f.as_str().parse().ok(),
            DeValue::Integer(i) => i.as_str().parse().ok(),
            _ => {
                wrong_type(reader, key, value, "a number").help("such as 0.25 for a quarter");
                return None;
            }
        };
        let share = number.filter(|n: &f64| *n > 0.0 && *n <= 1.0);
        if share.is_none() {
            reader
                .error("out-of-range", value.span(), format!("`{key}` is a share, above 0 and at most 1"))
                .help("0.25 is a quarter of the project");
        }
        share
    }

    pub(super) fn period(&mut self, reader: &mut Reader<'_>, key: &'static str) -> Option<At<Period>> {
        let (text, span) = self.string(reader, key)?;
        match text.parse() {
            Ok(period) => Some((period, span)),
            Err(e) => {
                reader
                    .error("bad-period", span, format!("`{key}`: {e}"))
                    .help("units are day, week, month and year, singular or plural");
                None
            }
        }
    }

    /// A list of periods, or one; an empty list is none at all.
    pub(super) fn periods(&mut self, reader: &mut Reader<'_>, key: &'static str) -> Option<Vec<Period>> {
        if matches!(self.table.get(key).map(Spanned::get_ref), Some(DeValue::Array(a)) if a.is_empty()) {
            self.asked.push(key);
            return Some(Vec::new());
        }
        let (list, _) = self.list(reader, key)?;
        let read = |(text, span): At<String>| match text.parse() {
            Ok(period) => Some(period),
            Err(e) => {
                reader
                    .error("bad-period", span, format!("`{key}`: {e}"))
                    .help("units are day, week, month and year, singular or plural");
                None
            }
        };
        Some(list.into_iter().filter_map(read).collect())
    }

    /// One word or a list of them; `None` where there is no condition.
    pub(super) fn words<T: Word>(&mut self, reader: &mut Reader<'_>, key: &'static str) -> Option<At<Set<T>>> {
        let (list, span) = self.list(reader, key)?;
        let mut words: Vec<T> = Vec::new();
        let mut wrong = false;
        for (text, at) in list {
            match T::from_word(&text) {
                Some(w) if words.contains(&w) => {
                    reader.warn("repeated-value", at, format!("`{text}` is here twice")).help("once is enough");
                }
                Some(w) => words.push(w),
                None => {
                    wrong = true;
                    unknown_word::<T>(reader, &text, at);
                }
            }
        }
        // What was meant is not known: the condition is taken as not given, so that nothing is built on a guess.
        (!wrong).then(|| (words.into_iter().collect(), span))
    }

    /// One word.
    pub(super) fn word<T: Word>(&mut self, reader: &mut Reader<'_>, key: &'static str) -> Option<At<T>> {
        let (text, span) = self.string(reader, key)?;
        let word = T::from_word(&text);
        if word.is_none() {
            unknown_word::<T>(reader, &text, span.clone());
        }
        word.map(|w| (w, span))
    }

    /// One glob or a list of them.
    pub(super) fn globs(&mut self, reader: &mut Reader<'_>, key: &'static str) -> Vec<At<Glob>> {
        let (list, _) = self.list(reader, key).unwrap_or_default();
        list.into_iter()
            .filter_map(|(text, at)| match text.parse() {
                Ok(glob) => Some((glob, at)),
                Err(e) => {
                    reader
                        .error("bad-glob", at, format!("`{key}`: {e}"))
                        .help("`*` is any run of characters but `/`, `**` any run, `?` one character");
                    None
                }
            })
            .collect()
    }

    /// One text or a list of them, without where each stands; an empty list is one.
    pub(super) fn texts(&mut self, reader: &mut Reader<'_>, key: &'static str) -> Option<Vec<String>> {
        if matches!(self.table.get(key).map(Spanned::get_ref), Some(DeValue::Array(a)) if a.is_empty()) {
            self.asked.push(key);
            return Some(Vec::new());
        }
        Some(self.list(reader, key)?.0.into_iter().map(|(text, _)| text).collect())
    }

    /// One text or a list of them; an empty list is a mistake, since it would match nothing.
    fn list(&mut self, reader: &mut Reader<'_>, key: &'static str) -> Option<At<Vec<At<String>>>> {
        let value = self.get(key)?;
        let items: Vec<&Spanned<DeValue<'_>>> = match value.get_ref() {
            DeValue::String(_) => vec![value],
            DeValue::Array(array) if array.is_empty() => {
                reader
                    .error(
                        "empty-list",
                        value.span(),
                        format!("`{key}` is an empty list, so the rule could match nothing"),
                    )
                    .help("leave the key out for no condition");
                return None;
            }
            DeValue::Array(array) => array.iter().collect(),
            _ => {
                wrong_type(reader, key, value, "a string or a list of strings")
                    .help(format!("such as {key} = [\"…\"]"));
                return None;
            }
        };
        let mut list = Vec::new();
        for item in items {
            match item.get_ref().as_str() {
                Some(text) if text.starts_with('@') => {
                    let named = reader.named(text, item.span());
                    if named.is_empty() {
                        return None; // said already; what was meant is not known
                    }
                    list.extend(named);
                }
                Some(text) => list.push((text.to_owned(), item.span())),
                None => {
                    wrong_type(reader, key, item, "a string").help("put it into quotes");
                }
            }
        }
        Some((list, value.span()))
    }
}

fn wrong_type<'r>(
    reader: &'r mut Reader<'_>,
    key: &str,
    value: &Spanned<DeValue<'_>>,
    wants: &str,
) -> &'r mut Diagnostic {
    let is = value.get_ref().type_str();
    reader.error("wrong-type", value.span(), format!("`{key}` has to be {wants}, and is {} {is}", article(is)))
}

fn article(word: &str) -> &'static str {
    if word.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" }
}

fn unknown_word<T: Word>(reader: &mut Reader<'_>, text: &str, span: Range<usize>) {
    let known = || T::ALL.iter().map(|w| w.word());
    let help = match nearest(text, known()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known are: {}", known().collect::<Vec<_>>().join(", ")),
    };
    reader.error("unknown-value", span, format!("`{text}` is no {}", T::WHAT)).help(help);
}

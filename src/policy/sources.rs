//! The texts of a policy: the file itself and what it includes, laid end to end, so that one range tells file and place.
//!
//! Owns `[policy] include`: which texts there are, in which order, and the hash over all of them. Reads no file: whoever
//! calls gives a loader. What the texts mean is `build`'s.

use std::ops::Range;

use sha2::{Digest, Sha256};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{SHIPPED, words::nearest};

/// Gives the text of an included file, by its path relative to the folder of the policy, or says why there is none.
pub type Loader<'l> = dyn Fn(&str) -> Result<String, String> + 'l;

/// Most files of one policy.
const MOST: usize = 32;

/// One text.
#[derive(Debug, Clone)]
struct Source {
    /// What diagnostics call it.
    origin: String,
    /// Relative to the folder of the policy; of a shipped policy its name.
    name: String,
    text: String,
    start: usize,
    /// The files that it includes itself.
    includes: Vec<usize>,
}

/// All texts of a policy, in the order in which they count: a file before what it includes.
#[derive(Debug, Clone)]
pub struct Sources {
    files: Vec<Source>,
}

/// Something wrong with an `include`, for the reader to report.
pub(super) struct Problem {
    pub(super) code: &'static str,
    pub(super) span: Range<usize>,
    pub(super) message: String,
    pub(super) help: String,
    pub(super) note: Option<Range<usize>>,
}

impl Sources {
    /// The file itself and, by the loader, all that it includes.
    pub(super) fn load(text: &str, origin: &str, loader: &Loader<'_>) -> (Self, Vec<Problem>) {
        let name = origin.rsplit('/').next().unwrap_or(origin).to_owned();
        let root = Source {
            origin: origin.to_owned(),
            name: name.clone(),
            text: text.to_owned(),
            start: 0,
            includes: Vec::new(),
        };
        let folder = origin.strip_suffix(name.as_str()).unwrap_or_default().to_owned();
        let mut walk = Walk { files: vec![root], problems: Vec::new(), stack: Vec::new(), folder, loader };
        walk.follow(0);
        (Self { files: walk.files }, walk.problems)
    }

    /// The text that diagnostics call by this name.
    #[must_use]
    pub fn text(&self, origin: &str) -> Option<&str> {
        self.files.iter().find(|f| f.origin == origin).map(|f| f.text.as_str())
    }

    /// Each file's name, as diagnostics call it.
    pub fn origins(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|f| f.origin.as_str())
    }

    /// Each text behind as many spaces as there are bytes before it, so that a parser's ranges are those of all. A mark of the byte
    /// order is one at the beginning alone, so it becomes spaces too.
    pub(super) fn padded(&self) -> Vec<String> {
        let padded = |f: &Source| {
            let text = f.text.strip_prefix('\u{feff}').unwrap_or(&f.text);
            format!("{}{text}", " ".repeat(f.start + f.text.len() - text.len()))
        };
        self.files.iter().map(padded).collect()
    }

    /// Whether a file includes another, by itself or by what it includes.
    pub(super) fn includes(&self, file: usize, other: usize) -> bool {
        self.includes_of(file).any(|inner| inner == other || self.includes(inner, other))
    }

    /// All files, each behind what it includes.
    pub(super) fn innermost_first(&self) -> Vec<usize> {
        let mut out = Vec::new();
        self.put_behind(0, &mut out);
        out
    }

    fn put_behind(&self, file: usize, out: &mut Vec<usize>) {
        if !out.contains(&file) {
            self.includes_of(file).for_each(|inner| self.put_behind(inner, out));
            out.push(file);
        }
    }

    fn includes_of(&self, file: usize) -> impl Iterator<Item = usize> {
        self.files[file].includes.iter().copied()
    }

    /// Which file a byte of all texts belongs to.
    pub(super) fn file_at(&self, at: usize) -> usize {
        self.files.partition_point(|f| f.start <= at).saturating_sub(1)
    }

    /// File, line and column (both from 1, the column in characters), and the byte within the file.
    pub(super) fn position(&self, at: usize) -> (&str, usize, usize, usize) {
        let file = &self.files[self.file_at(at)];
        let inner = at - file.start;
        let (line, column) = super::diagnostic::position(&file.text, inner);
        (&file.origin, line, column, inner)
    }

    /// A piece of a file, by a range of all texts.
    pub(super) fn get(&self, span: Range<usize>) -> Option<&str> {
        let file = &self.files[self.file_at(span.start)];
        file.text.get(span.start - file.start..span.end.checked_sub(file.start)?)
    }

    /// SHA-256 as lower-case hex: of the file's bytes, or, where it includes others, of the names and hashes of all, so
    /// that an edit of an included file is an edit of the policy.
    pub(super) fn sha256(&self) -> String {
        let of = |bytes: &[u8]| hex::encode(Sha256::digest(bytes));
        match &self.files[..] {
            [one] => of(one.text.as_bytes()),
            all => {
                let lines: String = all.iter().map(|f| format!("{} {}\n", of(f.text.as_bytes()), f.name)).collect();
                of(format!("efface policy of several files\n{lines}").as_bytes())
            }
        }
    }
}

struct Walk<'l> {
    files: Vec<Source>,
    problems: Vec<Problem>,
    /// The files between the policy and the one that is looked at, with where the next is included.
    stack: Vec<(usize, Range<usize>)>,
    folder: String,
    loader: &'l Loader<'l>,
}

impl Walk<'_> {
    /// Loads what a file includes, one after the other, each with what it includes itself.
    fn follow(&mut self, at: usize) {
        let (text, name, start) = (self.files[at].text.clone(), self.files[at].name.clone(), self.files[at].start);
        for (wanted, span) in included(&text) {
            let span = span.start + start..span.end + start;
            let wanted = match wanted {
                Ok(wanted) => wanted,
                Err(is) => {
                    let message = format!("`include` has to be a string or a list of strings, and holds {is}");
                    self.problem("wrong-type", span, message, "such as include = [\"company.toml\"]", None);
                    continue;
                }
            };
            self.stack.push((at, span.clone()));
            self.one(&wanted, &name, span);
            self.stack.pop();
        }
    }

    fn one(&mut self, wanted: &str, by: &str, span: Range<usize>) {
        let is_file = wanted.ends_with(".toml");
        let name = if is_file { beside(by, wanted) } else { wanted.to_owned() };
        let origin = match (is_file, name.starts_with('/')) {
            (true, false) => format!("{}{name}", self.folder),
            (true, true) => name.clone(),
            (false, _) => format!("shipped:{name}.toml"),
        };
        if let Some(known) = self.files.iter().position(|f| f.origin == origin) {
            // Twice by two roads is once; on the road to itself it is a loop.
            if let Some(step) = self.stack.iter().find(|(file, _)| *file == known).map(|(_, span)| span.clone()) {
                let note = (step != span).then_some(step);
                let message = format!("`{wanted}` includes itself in the end");
                self.problem("include-loop", span, message, "take one of the includes out", note);
            } else if let Some((at, _)) = self.stack.last() {
                self.files[*at].includes.push(known);
            }
            return;
        }
        if self.files.len() >= MOST {
            let message = format!("a policy of more than {MOST} files");
            self.problem("too-many-includes", span, message, "put some of them together", None);
            return;
        }
        let text = if is_file {
            (self.loader)(&name)
        } else {
            let found = SHIPPED.iter().find(|(n, _)| *n == name).map(|(_, text)| (*text).to_owned());
            found.ok_or_else(|| "no policy of that name ships with efface".to_owned())
        };
        match text {
            Ok(text) => {
                let start = self.files.last().map_or(0, |f| f.start + f.text.len() + 1);
                let new = self.files.len();
                if let Some((at, _)) = self.stack.last() {
                    self.files[*at].includes.push(new);
                }
                self.files.push(Source { origin, name, text, start, includes: Vec::new() });
                self.follow(new);
            }
            Err(why) => {
                let help = match nearest(wanted, SHIPPED.iter().map(|(n, _)| *n)).filter(|_| !is_file) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "a path ends in `.toml` and is relative to the file that includes it; a shipped policy goes by its name".to_owned(),
                };
                self.problem("include-not-found", span, format!("cannot include `{wanted}`: {why}"), &help, None);
            }
        }
    }

    fn problem(
        &mut self,
        code: &'static str,
        span: Range<usize>,
        message: String,
        help: &str,
        note: Option<Range<usize>>,
    ) {
        self.problems.push(Problem { code, span, message, help: help.to_owned(), note });
    }
}

/// What a text includes; for what is no text, of which type it is.
type Wanted = (Result<String, &'static str>, Range<usize>);

fn included(text: &str) -> Vec<Wanted> {
    let (root, _) = DeTable::parse_recoverable(text);
    let Some(DeValue::Table(head)) = root.get_ref().get("policy").map(Spanned::get_ref) else { return Vec::new() };
    let one = |v: &Spanned<DeValue<'_>>| {
        let text = v.get_ref().as_str().filter(|t| !t.trim().is_empty()).map(str::to_owned);
        let is = if v.get_ref().as_str().is_some() { "an empty one" } else { v.get_ref().type_str() };
        (text.ok_or(is), v.span())
    };
    match head.get("include").map(|v| (v, v.get_ref())) {
        None => Vec::new(),
        Some((_, DeValue::Array(list))) => list.iter().map(one).collect(),
        Some((value, _)) => vec![one(value)],
    }
}

/// A path relative to the folder of another, without `.` and with as little `..` as can be.
fn beside(by: &str, wanted: &str) -> String {
    if wanted.starts_with('/') {
        return wanted.to_owned();
    }
    let mut parts: Vec<&str> = by.split('/').collect();
    parts.pop();
    for part in wanted.split('/') {
        match part {
            "." | "" => {}
            ".." if parts.last().is_some_and(|p| *p != ".." && !p.is_empty()) => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
#[path = "sources_tests.rs"]
mod tests;

//! A rewritten text that knows which original bytes each of its bytes came from.

use std::ops::Range;

/// One stretch of the rewritten text. Where `same`, its bytes stand one to one for the original's; otherwise the whole
/// stretch stands for the whole original range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    at: usize,
    from: usize,
    to: usize,
    same: bool,
}

/// A rewritten text and the way back to the original's bytes. `Debug` shows no text, which may name a person.
#[derive(Clone, PartialEq, Eq)]
pub struct Mapped {
    text: String,
    runs: Vec<Run>,
}

impl std::fmt::Debug for Mapped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mapped").field("len", &self.text.len()).finish_non_exhaustive()
    }
}

impl Mapped {
    /// The rewritten text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The rewritten text, owned.
    #[must_use]
    pub fn into_text(self) -> String {
        self.text
    }

    fn run_at(&self, at: usize) -> Option<&Run> {
        let next = self.runs.partition_point(|r| r.at <= at);
        next.checked_sub(1).and_then(|i| self.runs.get(i))
    }

    /// The original bytes that `from..to` of the rewritten text stands for, from the first to the last, with what was
    /// dropped between. Empty for an empty or impossible range.
    #[must_use]
    pub fn original(&self, from: usize, to: usize) -> Range<usize> {
        if from >= to || to > self.text.len() {
            return 0..0;
        }
        let (Some(first), Some(last)) = (self.run_at(from), self.run_at(to - 1)) else { return 0..0 };
        let start = if first.same { first.from + (from - first.at) } else { first.from };
        let end = if last.same { last.from + (to - last.at) } else { last.to };
        start..end
    }

    /// As [`Mapped::original`], but what was dropped between is left out: one range for each stretch of original bytes
    /// that lie side by side.
    #[must_use]
    pub fn pieces(&self, from: usize, to: usize) -> Vec<Range<usize>> {
        let mut out: Vec<Range<usize>> = Vec::new();
        if from >= to || to > self.text.len() {
            return out;
        }
        let first = self.runs.partition_point(|r| r.at <= from).saturating_sub(1);
        for (i, run) in self.runs.iter().enumerate().skip(first) {
            if run.at >= to {
                break;
            }
            let end_at = self.runs.get(i + 1).map_or(self.text.len(), |r| r.at);
            let (lo, hi) = (from.max(run.at), to.min(end_at));
            let range = if run.same { run.from + (lo - run.at)..run.from + (hi - run.at) } else { run.from..run.to };
            match out.last_mut() {
                Some(last) if last.end >= range.start => last.end = last.end.max(range.end),
                _ if range.is_empty() => {}
                _ => out.push(range),
            }
        }
        out
    }
}

/// Builds a [`Mapped`] from left to right.
#[derive(Default)]
pub struct Builder {
    text: String,
    runs: Vec<Run>,
}

impl Builder {
    /// A builder for a text of about `capacity` bytes.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self { text: String::with_capacity(capacity), runs: Vec::new() }
    }

    fn same_run(&mut self, from: usize, len: usize) {
        let at = self.text.len();
        if let Some(last) = self.runs.last_mut()
            && last.same
            && last.to == from
        {
            last.to += len;
            return;
        }
        self.runs.push(Run { at, from, to: from + len, same: true });
    }

    /// Adds bytes that stand one to one for the original's at `from`.
    pub fn same(&mut self, text: &str, from: usize) {
        if !text.is_empty() {
            self.same_run(from, text.len());
            self.text.push_str(text);
        }
    }

    pub(super) fn same_ascii_lowercase(&mut self, text: &str, from: usize) {
        self.same_run(from, text.len());
        let at = self.text.len();
        self.text.push_str(text);
        self.text[at..].make_ascii_lowercase();
    }

    /// Adds a text that as a whole stands for the original's `from..to`.
    pub fn unit(&mut self, text: &str, from: usize, to: usize) {
        if text.is_empty() {
            return;
        }
        // White space that comes out of a compatibility form is collapsed like any other.
        if self.text.ends_with(' ') && text.starts_with(' ') {
            self.stretch(to);
            let rest = text.trim_start_matches(' ');
            return self.unit(rest, from, to);
        }
        self.runs.push(Run { at: self.text.len(), from, to, same: false });
        self.text.push_str(text);
    }

    /// Adds one space for the original's `from..to`, or lengthens the space that is already there.
    pub fn space(&mut self, from: usize, to: usize) {
        if self.text.ends_with(' ') {
            self.stretch(to);
        } else {
            self.runs.push(Run { at: self.text.len(), from, to, same: false });
            self.text.push(' ');
        }
    }

    fn stretch(&mut self, to: usize) {
        if let Some(last) = self.runs.last_mut()
            && !last.same
        {
            last.to = last.to.max(to);
        }
    }

    /// The text so far.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The finished text.
    #[must_use]
    pub fn finish(self) -> Mapped {
        Mapped { text: self.text, runs: self.runs }
    }
}

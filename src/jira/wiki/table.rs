//! The tables of a wiki text: rows of cells between bars.
//!
//! A cell goes on over line ends until a line that is empty or begins with a bar; a bar inside a macro, a link, a picture or
//! code is none.

use super::{
    super::doc::Cell,
    blocks::{Reader, code_end, parse_within},
    inline::reach,
};

struct Row<'t> {
    /// Whether it is a header, and its text.
    cells: Vec<(bool, &'t str)>,
    /// Whether a bar ends it.
    closed: bool,
    /// Where the next line begins.
    end: usize,
}

impl<'t> Reader<'t> {
    /// The table that begins at `at`, and where the text goes on. One cell that no bar ends is no table.
    pub(super) fn table_at(&mut self, at: usize) -> Option<(Vec<Vec<Cell>>, usize)> {
        let mut rows: Vec<Vec<Cell>> = Vec::new();
        let mut end = at;
        loop {
            let lead = self.text[end..].bytes().take_while(|b| matches!(b, b' ' | b'\t')).count();
            if !self.text[end + lead..].starts_with('|') {
                break;
            }
            let row = self.row(end + lead);
            if row.cells.is_empty() || (rows.is_empty() && row.cells.len() < 2 && !row.closed) {
                break;
            }
            let cell = |(header, text): &(bool, &str)| Cell {
                header: *header,
                blocks: parse_within(text.trim(), self.depth + 1, true),
            };
            rows.push(row.cells.iter().map(cell).collect());
            end = row.end;
        }
        (!rows.is_empty()).then_some((rows, end))
    }

    /// The row that begins with the bar at `at`.
    fn row(&mut self, mut at: usize) -> Row<'t> {
        let text = self.text;
        let bytes = text.as_bytes();
        let mut cells = Vec::new();
        // Up to here no code ends.
        let mut no_code = 0;
        loop {
            let bars = bytes[at..].iter().take_while(|b| **b == b'|').count();
            at += bars;
            let from = at;
            loop {
                let here = &text[from.min(at)..at.min(text.len())];
                match bytes.get(at) {
                    None | Some(b'\n') => {
                        let next = text.get(at + 1..).unwrap_or_default();
                        let blank = here.trim().is_empty();
                        let line = next.split('\n').next().unwrap_or_default().trim_start();
                        if !blank && !line.is_empty() && !line.starts_with('|') {
                            at += 1;
                            continue;
                        }
                        if !blank {
                            cells.push((bars == 2, here));
                        }
                        return Row { cells, closed: blank, end: (at + 1).min(text.len()) };
                    }
                    Some(b'|') => {
                        cells.push((bars == 2, here));
                        break;
                    }
                    Some(b'\\') if bytes.get(at + 1) != Some(&b'\n') => at = self.after(at + 1),
                    Some(b'{') => at = self.behind_brace(at, &mut no_code),
                    Some(b'[' | b'!') => {
                        let before = text[..at].chars().next_back();
                        at += reach(&text[at..], before).unwrap_or(1);
                    }
                    _ => at = self.after(at),
                }
            }
        }
    }

    /// Where the next character begins.
    fn after(&self, at: usize) -> usize {
        at + self.text.get(at..).and_then(|t| t.chars().next()).map_or(1, char::len_utf8)
    }

    /// Behind what a brace begins: a macro, code, or the brace.
    fn behind_brace(&mut self, at: usize, no_code: &mut usize) -> usize {
        if let Some(span) = self.span_at(at) {
            return span.end;
        }
        let rest = &self.text[at..];
        if at < *no_code || !rest.starts_with("{{") {
            return at + 1;
        }
        let line = &rest[..rest.find('\n').unwrap_or(rest.len())];
        code_end(line).map_or_else(
            || {
                *no_code = at + line.len();
                at + 1
            },
            |len| at + len,
        )
    }
}

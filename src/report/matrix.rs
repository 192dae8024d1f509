//! The faces of the coverage matrix.

use std::collections::BTreeMap;

use crate::model::{MatrixRow, MatrixStatus};

/// Rows that say the same of the same instance, in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// The instance, or this host.
    pub(super) whose: String,
    /// The status.
    pub(super) status: &'static str,
    /// The kinds of places.
    pub(super) places: String,
    /// Why.
    pub(super) reason: String,
    /// Who could look.
    pub(super) ask: String,
}

/// What is not examined, rows that say the same together, in the order of the matrix.
pub(super) fn lines(rows: &[MatrixRow]) -> Vec<Line> {
    let mut out: Vec<Line> = Vec::new();
    for row in rows.iter().filter(|r| !r.status.is_complete()) {
        let line = Line {
            whose: row.instance.as_ref().map_or_else(|| "this host".to_owned(), ToString::to_string),
            status: row.status.as_str(),
            places: row.place.title().to_owned(),
            reason: row.reason.clone().unwrap_or_default(),
            ask: row.ask.clone().unwrap_or_default(),
        };
        let same = |l: &&mut Line| {
            (&l.whose, l.status, &l.reason, &l.ask) == (&line.whose, line.status, &line.reason, &line.ask)
        };
        match out.iter_mut().find(same) {
            Some(known) => {
                known.places.push_str("; ");
                known.places.push_str(&line.places);
            }
            None => out.push(line),
        }
    }
    out
}

/// How many kinds of places ended how: `31 examined, 6 absent, 20 out of reach`.
pub(super) fn counts(rows: &[MatrixRow]) -> String {
    let mut counts: BTreeMap<MatrixStatus, u64> = BTreeMap::new();
    for row in rows {
        *counts.entry(row.status).or_default() += 1;
    }
    let order = [
        MatrixStatus::Examined,
        MatrixStatus::Absent,
        MatrixStatus::Partial,
        MatrixStatus::Unexamined,
        MatrixStatus::OutOfReach,
    ];
    let known = order.iter().filter_map(|s| Some((s, counts.get(s)?)));
    known.map(|(s, n)| format!("{n} {}", s.as_str())).collect::<Vec<_>>().join(", ")
}

/// As text for a terminal: the counts, and a paragraph for what is not examined.
pub(super) fn text(rows: &[MatrixRow]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut out = format!("\nWhere a Jira keeps persons: {} kinds of places, {}.\n", rows.len(), counts(rows));
    for line in lines(rows) {
        let ask = if line.ask.is_empty() { String::new() } else { format!(" — ask {}", line.ask) };
        out.push_str(&format!("  {}, {}: {} ({}){ask}\n", line.whose, line.status, line.places, line.reason));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Fact, Storage};

    #[test]
    fn what_says_the_same_stands_in_one_line_and_what_was_read_is_counted() {
        let out = |place| MatrixRow::new(None, place, Some(Fact::new(MatrixStatus::OutOfReach, "x").asking("y")));
        let rows = [
            out(Storage::Database),
            MatrixRow::new(None, Storage::Logs, Some(Fact::examined())),
            out(Storage::Backups),
            MatrixRow::new(Some("hq".parse().unwrap()), Storage::Votes, None),
        ];
        assert_eq!(
            text(&rows),
            "\nWhere a Jira keeps persons: 4 kinds of places, 1 examined, 1 unexamined, 2 out of reach.\n  \
             this host, out of reach: Database; Backups of database and home folder (x) — ask y\n  \
             hq, unexamined: Votes (no part of this scan)\n"
        );
    }
}

//! What the HTML pages share: labels for a reader who is no engineer, marks, bars.

use crate::model::{Area, Coverage, CoverageStatus, Decision, Outcome, RecordRef, RecordType, ReferenceKind, Strength};

/// A word with a class that gives it its colour; the word says all, the colour only helps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) class: &'static str,
    pub(super) text: &'static str,
}

/// One row of a bar chart.
pub(super) struct Bar {
    pub(super) label: String,
    pub(super) class: &'static str,
    pub(super) meaning: &'static str,
    pub(super) count: u64,
    /// Thousandths of the longest bar.
    pub(super) width: u64,
}

/// Bars whose longest fills the width.
pub(super) fn bars(rows: Vec<(String, &'static str, &'static str, u64)>) -> Vec<Bar> {
    let most = rows.iter().map(|r| r.3).max().unwrap_or(0).max(1);
    rows.into_iter()
        .map(|(label, class, meaning, count)| Bar {
            label,
            class,
            meaning,
            count,
            width: if count == 0 { 0 } else { (count * 1000 / most).max(4) },
        })
        .collect()
}

/// A place of a coverage table.
pub(super) struct CoverageRow {
    pub(super) place: String,
    pub(super) area: &'static str,
    pub(super) status: Mark,
    pub(super) records: String,
    pub(super) bytes: String,
    pub(super) reason: String,
}

pub(super) fn coverage_rows(coverage: &[Coverage], mask: impl Fn(&str) -> String) -> Vec<CoverageRow> {
    coverage
        .iter()
        .map(|c| CoverageRow {
            place: mask(&c.place.to_string()),
            area: area(c.area),
            status: status(c.status),
            records: thousands(c.records),
            bytes: bytes(c.bytes),
            reason: c.reason.clone().unwrap_or_default(),
        })
        .collect()
}

pub(super) const fn area(area: Area) -> &'static str {
    match area {
        Area::Staging => "staging area",
        Area::Source => "source project",
        Area::Target => "target project",
        Area::State => "efface's own store",
        Area::Foreign => "another tool's folder",
        Area::Log => "log files",
        Area::Backup => "backups",
    }
}

const fn status(status: CoverageStatus) -> Mark {
    match status {
        CoverageStatus::Examined => Mark { class: "good", text: "✓ read in full" },
        CoverageStatus::Absent => Mark { class: "plain", text: "– does not exist" },
        CoverageStatus::Partial => Mark { class: "bad", text: "! read in part" },
        CoverageStatus::Unexamined => Mark { class: "bad", text: "✗ not read" },
    }
}

pub(super) const fn kind(kind: ReferenceKind) -> &'static str {
    match kind {
        ReferenceKind::AccountId => "account id",
        ReferenceKind::UserKey => "user key",
        ReferenceKind::Username => "user name",
        ReferenceKind::Email => "e-mail address",
        ReferenceKind::FullName => "full name",
        ReferenceKind::Mention => "mention",
        ReferenceKind::Phone => "phone number",
        ReferenceKind::Avatar => "avatar",
        ReferenceKind::Alias => "other name",
    }
}

pub(super) const fn strength(strength: Strength) -> &'static str {
    match strength {
        Strength::Certain => "certain",
        Strength::Probable => "probable",
        Strength::Possible => "possible",
    }
}

/// A decision's colour and what it means.
pub(super) const fn decision(decision: Decision) -> (&'static str, &'static str) {
    match decision {
        Decision::Redact => ("acts", "cut out of the text; the rest stays"),
        Decision::Clear => ("acts", "the field is emptied"),
        Decision::Remove => ("acts", "taken out of a list; the others stay"),
        Decision::Delete => ("acts", "the whole record goes"),
        Decision::Anonymise => ("acts", "the account is anonymised"),
        Decision::Renew => ("acts", "the issue is deleted, and the synchronization writes a clean copy"),
        Decision::Keep => ("stays", "kept, on a legal basis"),
        Decision::Review => ("asks", "a person has to decide"),
        Decision::Residual => ("stays", "stays: nobody here can remove it"),
    }
}

/// An outcome's colour, name and meaning.
pub(super) const fn outcome(outcome: Outcome) -> (&'static str, &'static str, &'static str) {
    match outcome {
        Outcome::Erased => ("acts", "erased", "the record is gone"),
        Outcome::Redacted => ("acts", "redacted", "cut out; the rest stays"),
        Outcome::Kept => ("stays", "kept", "kept, on a legal basis"),
        Outcome::Held => ("stays", "held", "an order to keep forbids it for now"),
        Outcome::Residual => ("stays", "residual", "stays: nobody here can remove it"),
        Outcome::Failed => ("fails", "failed", "the act failed or changed nothing"),
        Outcome::Review => ("asks", "review", "a person has still to decide"),
    }
}

/// A record for a reader: `comment 10001 of PART-1`.
pub(super) fn record(record: &RecordRef, mask: impl Fn(&str) -> String) -> String {
    let what = match record.record_type {
        RecordType::RemoteLink => "remote link",
        RecordType::UserProfile => "user profile",
        RecordType::History => "history entry",
        RecordType::State => "row",
        other => other.as_str(),
    };
    let id = record.id.as_deref().map(&mask);
    match (&record.path, id, &record.key) {
        (Some(path), ..) => mask(path),
        (None, _, Some(key)) if record.record_type == RecordType::Issue => format!("issue {key}"),
        (None, Some(id), Some(key)) => format!("{what} {id} of {key}"),
        (None, None, Some(key)) => format!("{what} of {key}"),
        (None, Some(id), None) => format!("{what} {id}"),
        (None, None, None) => what.to_owned(),
    }
}

/// A number with its thousands apart: `12 345`, with narrow no-break spaces.
pub(super) fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push('\u{202F}');
        }
        out.push(c);
    }
    out
}

/// A size for a reader.
pub(super) fn bytes(n: u64) -> String {
    match n {
        0..1_000 => format!("{n} B"),
        1_000..1_000_000 => tenths(n / 100, "kB"),
        1_000_000..1_000_000_000 => tenths(n / 100_000, "MB"),
        _ => tenths(n / 100_000_000, "GB"),
    }
}

fn tenths(n: u64, unit: &str) -> String {
    format!("{}.{} {unit}", thousands(n / 10), n % 10)
}

/// `1 reference`, `2 references`.
pub(super) fn plural(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", thousands(n), if n == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_for_a_reader() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(1_234_567), "1\u{202F}234\u{202F}567");
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(34_567), "34.5 kB");
        assert_eq!(bytes(2_000_000_000_000), "2\u{202F}000.0 GB");
        assert_eq!(plural(1, "a", "b"), "1 a");
    }

    #[test]
    fn records_for_a_reader() {
        let as_is = |s: &str| s.to_owned();
        let r = |t, id: Option<&str>, key: Option<&str>| RecordRef {
            record_type: t,
            id: id.map(Into::into),
            key: key.map(Into::into),
            path: None,
        };
        assert_eq!(record(&r(RecordType::Comment, Some("7"), Some("P-1")), as_is), "comment 7 of P-1");
        assert_eq!(record(&r(RecordType::Issue, Some("100"), Some("P-1")), as_is), "issue P-1");
        assert_eq!(record(&r(RecordType::Watcher, Some("u1"), Some("P-1")), |_| "…".into()), "watcher … of P-1");
        assert_eq!(record(&RecordRef::file("a/b"), as_is), "a/b");
    }

    #[test]
    fn no_bar_that_counts_is_invisible() {
        let b = bars(vec![("a".into(), "", "", 100_000), ("b".into(), "", "", 1), ("c".into(), "", "", 0)]);
        assert_eq!(b.iter().map(|b| b.width).collect::<Vec<_>>(), [1000, 4, 0]);
    }
}

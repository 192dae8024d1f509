//! Tables for a terminal, CSV for a spreadsheet.

use comfy_table::{Cell, CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};

/// Rows close together: a line under the head, none between rows.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::new('─', '─', '─', '─'));

/// A table. It is as wide as the terminal, `width` columns wide where that is given, and else as wide as its content, so
/// that a pipe gets each row on a line of its own. Columns named in `numbers` are aligned to the right. No colours, so that
/// there is nothing for `NO_COLOR` to take away.
#[must_use]
pub fn table(head: &[&str], numbers: &[usize], rows: &[Vec<String>], width: Option<u16>) -> String {
    let mut table = Table::new();
    table.load_style(STYLE).set_content_arrangement(ContentArrangement::Dynamic).set_header(head);
    if let Some(width) = width {
        table.set_width(width);
    }
    for row in rows {
        let cells = row.iter().enumerate().map(|(i, text)| {
            let cell = Cell::new(printable(text));
            if numbers.contains(&i) { cell.set_alignment(CellAlignment::Right) } else { cell }
        });
        table.add_row(cells.collect::<Vec<_>>());
    }
    table.lines().map(|l| format!("{}\n", l.trim_end())).collect()
}

/// Control characters would move a terminal's cursor; names of files may hold them.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect()
}

/// CSV with a head. A cell that a spreadsheet would take for a formula gets an apostrophe before it.
#[must_use]
pub fn csv(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut out = Vec::new();
    {
        let mut writer = csv::Writer::from_writer(&mut out);
        let mut write = |record: &[String]| writer.write_record(record).expect("memory takes every record");
        write(&head.iter().map(|h| (*h).to_owned()).collect::<Vec<_>>());
        for row in rows {
            write(&row.into_iter().map(harmless).collect::<Vec<_>>());
        }
        writer.flush().expect("memory takes every byte");
    }
    String::from_utf8(out).expect("what was written is text")
}

fn harmless(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_keep_to_the_width_and_to_one_line_a_row() {
        let rows = vec![vec!["staging:hq-partner/processed".to_owned(), "12".into(), "a\u{1b}[31mb".into()]];
        assert_eq!(
            table(&["place", "n", "text"], &[1], &rows, Some(60)),
            "  place                          n    text\n\
             ───────────────────────────────────────────────\n  \
             staging:hq-partner/processed   12   a\u{FFFD}[31mb\n"
        );
        let narrow = table(&["place", "n", "text"], &[1], &rows, Some(30));
        assert!(narrow.lines().all(|l| l.chars().count() <= 30), "{narrow}");
    }

    #[test]
    fn no_formula_gets_into_a_spreadsheet() {
        let text = csv(&["a", "b"], [vec!["=HYPERLINK(1)".to_owned(), "x,\"y\"\nz".into()]]);
        assert_eq!(text, "a,b\n'=HYPERLINK(1),\"x,\"\"y\"\"\nz\"\n");
        for first in ["=", "+", "-", "@", "\t", "\r"] {
            assert_eq!(harmless(format!("{first}1")), format!("'{first}1"), "{first:?}");
        }
        for plain in ["", "a=1", "1-2", "'=1"] {
            assert_eq!(harmless(plain.to_owned()), plain);
        }
    }
}

//! A report as a document: facts, sentences, tables and bars, and its faces: text for a terminal, Markdown, and one page.
//!
//! Owns how a document looks, not what it says. The page is a compiled template, which escapes by itself.

use askama::Template;

use super::text;

/// A document, top to bottom.
#[derive(Debug, Default)]
pub(super) struct Doc {
    pub(super) title: String,
    pub(super) facts: Vec<(&'static str, String)>,
    pub(super) verdict: Option<Verdict>,
    pub(super) tiles: Vec<(String, &'static str)>,
    pub(super) sections: Vec<Section>,
    pub(super) footer: String,
}

/// The result, in a headline and a sentence.
#[derive(Debug)]
pub(super) struct Verdict {
    /// `good`, `open` or `bad`.
    pub(super) class: &'static str,
    pub(super) headline: String,
    pub(super) sentence: String,
}

/// A section with its heading.
#[derive(Debug)]
pub(super) struct Section {
    pub(super) title: String,
    pub(super) parts: Vec<Part>,
}

impl Section {
    pub(super) fn new(title: impl Into<String>, parts: impl IntoIterator<Item = Part>) -> Self {
        Self { title: title.into(), parts: parts.into_iter().collect() }
    }
}

/// What a section is made of.
#[derive(Debug)]
pub(super) enum Part {
    /// A paragraph.
    Text(String),
    /// A heading below the section's.
    Heading(String),
    /// Words and what they mean, or names and what they are.
    Facts(Vec<(String, String)>),
    /// A table.
    Grid(Grid),
    /// Bars in parts of several kinds, with their numbers.
    Bars(Stacked),
}

/// A column: its name and how its cells look (`num`, `path`, `why`, `nobreak` or nothing).
pub(super) type Column = (&'static str, &'static str);

/// A cell; with a class, it is a mark of that colour. The word says all, the colour only helps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) class: &'static str,
}

impl Cell {
    pub(super) fn mark(class: &'static str, text: impl Into<String>) -> Self {
        Self { text: text.into(), class }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: text.into(), class: "" }
    }
}

/// A table; the first cell of a row names the row.
#[derive(Debug)]
pub(super) struct Grid {
    /// What the table is, in a word or two.
    pub(super) label: String,
    pub(super) caption: String,
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Vec<Cell>>,
    /// Whether its cells are sentences: a terminal gets a paragraph a row then, since no table of them fits.
    pub(super) wordy: bool,
}

/// Bars whose parts are counted.
#[derive(Debug)]
pub(super) struct Stacked {
    pub(super) label: String,
    pub(super) caption: String,
    pub(super) first: &'static str,
    /// The kinds of parts: class and name.
    pub(super) kinds: Vec<(&'static str, &'static str)>,
    /// What is counted, and how many of each kind.
    pub(super) rows: Vec<(String, Vec<u64>)>,
}

/// A part of a bar, in thousandths of the longest bar.
struct Segment {
    class: &'static str,
    x: u64,
    width: u64,
}

impl Stacked {
    /// The parts of a bar. None that counts is invisible, and neighbours are a hair apart.
    fn segments(&self, counts: &[u64]) -> Vec<Segment> {
        const LEAST: u64 = 6;
        const HAIR: u64 = 3;
        let most = self.rows.iter().map(|(_, counts)| counts.iter().sum::<u64>()).max().unwrap_or(0).max(1);
        let mut x = 0;
        let mut out = Vec::new();
        for ((class, _), count) in self.kinds.iter().zip(counts).filter(|(_, count)| **count > 0) {
            let width = (count * 1000 / most).max(LEAST + HAIR);
            out.push(Segment { class, x, width: width - HAIR });
            x += width;
        }
        out
    }

    fn grid(&self) -> (Vec<&'static str>, Vec<Vec<String>>) {
        let head = std::iter::once(self.first).chain(self.kinds.iter().map(|(_, name)| *name)).collect();
        let row = |(label, counts): &(String, Vec<u64>)| {
            std::iter::once(label.clone()).chain(counts.iter().map(ToString::to_string)).collect()
        };
        (head, self.rows.iter().map(row).collect())
    }
}

impl Grid {
    fn plain(&self) -> (Vec<&'static str>, Vec<Vec<String>>) {
        let row = |row: &Vec<Cell>| row.iter().map(|c| c.text.clone()).collect();
        (self.columns.iter().map(|(name, _)| *name).collect(), self.rows.iter().map(row).collect())
    }

    /// A row a line: what it is about, and then each cell that is not empty by its column's name.
    fn paragraphs(&self) -> String {
        let row = |row: &Vec<Cell>| {
            let cells = self.columns.iter().zip(row).skip(1).filter(|(_, cell)| !cell.text.is_empty());
            let cells: Vec<String> =
                cells.map(|((name, _), cell)| format!("{name}: {}", one_line(&cell.text))).collect();
            format!("  {}. {}\n", row.first().map_or("", |c| c.text.as_str()), cells.join(". "))
        };
        self.rows.iter().map(row).collect()
    }

    fn numbers(&self) -> Vec<usize> {
        self.columns.iter().enumerate().filter(|(_, (_, class))| *class == "num").map(|(i, _)| i).collect()
    }
}

#[derive(Template)]
#[template(path = "doc.html")]
struct Page<'a> {
    doc: &'a Doc,
}

impl Doc {
    /// As text for a terminal.
    pub(super) fn text(&self) -> String {
        let mut out = format!("{}\n", self.title);
        let width = self.facts.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        for (name, value) in &self.facts {
            out.push_str(&format!("{name:width$}  {}\n", one_line(value)));
        }
        if let Some(v) = &self.verdict {
            out.push_str(&format!("\n{}: {}\n", v.headline, v.sentence));
        }
        for section in &self.sections {
            out.push_str(&format!("\n{}\n", section.title));
            for part in &section.parts {
                match part {
                    Part::Text(text) => out.push_str(&format!("{}\n", one_line(text))),
                    Part::Heading(text) => out.push_str(&format!("\n{}\n", one_line(text))),
                    Part::Facts(facts) => {
                        let width = facts.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
                        for (name, value) in facts {
                            out.push_str(&format!("  {name:width$}  {}\n", one_line(value)));
                        }
                    }
                    Part::Grid(grid) if grid.wordy => out.push_str(&grid.paragraphs()),
                    Part::Grid(grid) => {
                        let (head, rows) = grid.plain();
                        out.push_str(&text::table(&head, &grid.numbers(), &rows, None));
                    }
                    Part::Bars(bars) => {
                        let (head, rows) = bars.grid();
                        let numbers: Vec<usize> = (1..head.len()).collect();
                        out.push_str(&text::table(&head, &numbers, &rows, None));
                    }
                }
            }
        }
        out
    }

    /// As Markdown (CommonMark with GitHub's tables).
    pub(super) fn markdown(&self) -> String {
        let mut out = format!("# {}\n\n", marked_down(&self.title));
        let facts = |out: &mut String, facts: &mut dyn Iterator<Item = (&str, &str)>| {
            for (name, value) in facts {
                out.push_str(&format!("- **{}:** {}\n", marked_down(name), marked_down(value)));
            }
            out.push('\n');
        };
        facts(&mut out, &mut self.facts.iter().map(|(name, value)| (*name, value.as_str())));
        if let Some(v) = &self.verdict {
            out.push_str(format!("> **{}.** {}", marked_down(&v.headline), marked_down(&v.sentence)).trim_end());
            out.push_str("\n\n");
        }
        for section in &self.sections {
            out.push_str(&format!("## {}\n\n", marked_down(&section.title)));
            for part in &section.parts {
                match part {
                    Part::Text(text) => out.push_str(&format!("{}\n\n", marked_down(text))),
                    Part::Heading(text) => out.push_str(&format!("### {}\n\n", marked_down(text))),
                    Part::Facts(list) => facts(&mut out, &mut list.iter().map(|(n, v)| (n.as_str(), v.as_str()))),
                    Part::Grid(grid) => {
                        let (head, rows) = grid.plain();
                        markdown_table(&mut out, &grid.caption, &head, &grid.numbers(), &rows);
                    }
                    Part::Bars(bars) => {
                        let (head, rows) = bars.grid();
                        let numbers: Vec<usize> = (1..head.len()).collect();
                        markdown_table(&mut out, &bars.caption, &head, &numbers, &rows);
                    }
                }
            }
        }
        out.push_str(&format!("---\n\n{}\n", marked_down(&self.footer)));
        out
    }

    /// As one self-contained page.
    pub(super) fn html(&self) -> String {
        Page { doc: self }.render().expect("a page is written into memory")
    }
}

fn markdown_table(out: &mut String, caption: &str, head: &[&str], numbers: &[usize], rows: &[Vec<String>]) {
    if !caption.is_empty() {
        out.push_str(&format!("{}\n\n", marked_down(caption)));
    }
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    out.push_str(&line(head.iter().map(|h| marked_down(h)).collect()));
    let rule = |i| if numbers.contains(&i) { "---:" } else { "---" }.to_owned();
    out.push_str(&line((0..head.len()).map(rule).collect()));
    for row in rows {
        out.push_str(&line(row.iter().map(|cell| marked_down(cell)).collect()));
    }
    out.push('\n');
}

/// Text that is only text in Markdown: on one line, and nothing in it marks up, links, or ends a cell. What marks up only at the
/// begin of a line (`#`, `-`) stands there in words of ours alone.
fn marked_down(text: &str) -> String {
    let mut out = String::new();
    for c in one_line(text).chars() {
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '~' | '&' | '$') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Addresses may have several lines.
fn one_line(text: &str) -> String {
    let text = text.lines().map(str::trim).filter(|l| !l.is_empty()).collect::<Vec<_>>().join(", ");
    text.chars().map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doc() -> Doc {
        Doc {
            title: "Title <1>".into(),
            facts: vec![("Controller", "Example\nTown".into()), ("Made", "today".into())],
            verdict: Some(Verdict { class: "bad", headline: "Not all".into(), sentence: "One is left.".into() }),
            tiles: vec![("1".into(), "place")],
            sections: vec![Section::new(
                "Places",
                [
                    Part::Text("All of them.".into()),
                    Part::Bars(Stacked {
                        label: "By kind".into(),
                        caption: "How many.".into(),
                        first: "Kind",
                        kinds: vec![("good", "read"), ("bad", "not read")],
                        rows: vec![("log files".into(), vec![300, 1]), ("backups".into(), vec![0, 0])],
                    }),
                    Part::Heading("One by one".into()),
                    Part::Grid(Grid {
                        label: "Every place".into(),
                        caption: "In order.".into(),
                        columns: vec![("Place", "path"), ("Status", ""), ("Records", "num")],
                        rows: vec![vec!["log:a|b".into(), Cell::mark("bad", "not read"), "12".into()]],
                        wordy: false,
                    }),
                    Part::Facts(vec![("read".into(), "to the end".into())]),
                ],
            )],
            footer: "efface.x/1".into(),
        }
    }

    #[test]
    fn as_text() {
        insta::assert_snapshot!(doc().text(), @r"
        Title <1>
        Controller  Example, Town
        Made        today

        Not all: One is left.

        Places
        All of them.
          Kind        read   not read
        ───────────────────────────────
          log files    300          1
          backups        0          0

        One by one
          Place     Status     Records
        ────────────────────────────────
          log:a|b   not read        12
          read  to the end
        ");
    }

    #[test]
    fn as_markdown() {
        insta::assert_snapshot!(doc().markdown(), @r"
        # Title \<1\>

        - **Controller:** Example, Town
        - **Made:** today

        > **Not all.** One is left.

        ## Places

        All of them.

        How many.

        | Kind | read | not read |
        | --- | ---: | ---: |
        | log files | 300 | 1 |
        | backups | 0 | 0 |

        ### One by one

        In order.

        | Place | Status | Records |
        | --- | --- | ---: |
        | log:a\|b | not read | 12 |

        - **read:** to the end

        ---

        efface.x/1
        ");
    }

    #[test]
    fn a_wordy_table_is_a_paragraph_a_row_on_a_terminal() {
        let grid = Grid {
            label: "g".into(),
            caption: "c".into(),
            columns: vec![("Where", ""), ("Why", "why"), ("Whom to ask", "why")],
            rows: vec![vec!["hq".into(), "it is\nfar".into(), "them".into()], vec!["b".into(), "x".into(), "".into()]],
            wordy: true,
        };
        assert_eq!(grid.paragraphs(), "  hq. Why: it is, far. Whom to ask: them\n  b. Why: x\n");
    }

    #[test]
    fn text_is_only_text_in_markdown() {
        for (text, expected) in [
            ("a|b\nc", r"a\|b, c"),
            ("**x** _y_ `z`", r"\*\*x\*\* \_y\_ \`z\`"),
            ("[a](http://b)", r"\[a\](http://b)"),
            ("<img> &lt; ~~s~~ $m$", r"\<img\> \&lt; \~\~s\~\~ \$m\$"),
            (r"\|", r"\\\|"),
            ("a\u{1b}b", "a\u{FFFD}b"),
        ] {
            assert_eq!(marked_down(text), expected, "{text:?}");
        }
    }

    #[test]
    fn the_page_escapes_and_marks() {
        let page = doc().html();
        for part in ["Title &#60;1&#62;", "<h2>Places</h2>", "<h3>One by one</h3>", "<caption>In order.</caption>"] {
            assert!(page.contains(part), "{part}: {page}");
        }
        assert!(
            page.contains(r#"<td class="num">12</td>"#) && page.contains(r#"<span class="mark bad">not read</span>"#)
        );
        assert!(page.contains(r#"<th scope="row" class="path">log:a|b</th>"#), "{page}");
    }

    #[test]
    fn every_part_of_a_bar_that_counts_is_seen() {
        let doc = doc();
        let Part::Bars(bars) = &doc.sections[0].parts[1] else { panic!("bars") };
        let seen = |counts: &[u64]| bars.segments(counts).iter().map(|s| (s.class, s.x, s.width)).collect::<Vec<_>>();
        assert_eq!(seen(&[300, 1]), [("good", 0, 993), ("bad", 996, 6)]);
        assert_eq!(seen(&[0, 0]), []);
    }
}

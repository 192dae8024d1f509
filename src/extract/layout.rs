//! Text formats that take their words apart by themselves: folded lines of vCard, iCalendar, LDIF and manifests, control words
//! of RTF.
//!
//! Gives the text as it is read, with the way back to the file's characters. Must not search.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use encoding_rs::{Encoding, WINDOWS_1252};

use super::views::View;
use crate::norm::Mapped;

enum Layout {
    /// vCard (RFC 6350, section 3.2) and iCalendar (RFC 5545, section 3.1).
    Folded,
    /// LDIF (RFC 2849) and manifests of Java archives: lines are folded, nothing is escaped; of LDIF a value may be base64.
    Continued,
    /// Rich Text Format 1.9.
    Rtf,
}

fn layout(bytes: &[u8]) -> Option<Layout> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    let begins = |with: &[u8]| bytes.get(..with.len()).is_some_and(|b| b.eq_ignore_ascii_case(with));
    if bytes.starts_with(b"{\\rtf") {
        Some(Layout::Rtf)
    } else if begins(b"BEGIN:VCARD") || begins(b"BEGIN:VCALENDAR") {
        Some(Layout::Folded)
    } else if begins(b"dn:") || begins(b"Manifest-Version:") || (begins(b"version:") || begins(b"#")) && is_ldif(bytes)
    {
        Some(Layout::Continued)
    } else {
        None
    }
}

/// Whether the first line that is no comment and no version begins an entry.
fn is_ldif(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(4096)];
    let lines = head.split(|b| *b == b'\n').map(<[u8]>::trim_ascii);
    let mut lines = lines.skip_while(|l| {
        l.is_empty() || l.starts_with(b"#") || l.get(..8).is_some_and(|l| l.eq_ignore_ascii_case(b"version:"))
    });
    lines.next().and_then(|l| l.get(..3)).is_some_and(|l| l.eq_ignore_ascii_case(b"dn:"))
}

/// Whether a text has to be searched in its [`view`] too. Only the first bytes are looked at.
#[must_use]
pub fn has_view(bytes: &[u8]) -> bool {
    // Nearly every file begins otherwise.
    bytes
        .iter()
        .find(|b| !b.is_ascii_whitespace())
        .is_some_and(|b| matches!(b, b'{' | b'B' | b'b' | b'D' | b'd' | b'M' | b'm' | b'V' | b'v' | b'#' | 0xef))
        && layout(bytes).is_some()
}

/// The text as a reader of its format shows it; `None` where that is the text itself.
#[must_use]
pub fn view(text: &str) -> Option<Mapped> {
    match layout(text.as_bytes())? {
        Layout::Folded => unfolded(text),
        Layout::Continued => continued(text),
        Layout::Rtf => rtf(text),
    }
}

/// Lines that were folded are joined, and short values in base64 resolved; longer ones are known anywhere.
fn continued(text: &str) -> Option<Mapped> {
    let bytes = text.as_bytes();
    let mut view = View::new(text);
    let mut at = 0;
    while let Some(i) = memchr::memchr2(b'\n', b':', &bytes[at..]) {
        at += i;
        if bytes[at] == b'\n' {
            if bytes.get(at + 1) == Some(&b' ') {
                let from = if at > 0 && bytes[at - 1] == b'\r' { at - 1 } else { at };
                view.replace(from, at + 2, "");
                at += 1;
            }
            at += 1;
            continue;
        }
        let line = &bytes[at..];
        let line = &line[..memchr::memchr(b'\n', line).unwrap_or(line.len())];
        if let Some(value) = line.strip_prefix(b"::").map(<[u8]>::trim_ascii).filter(|v| (2..16).contains(&v.len()))
            && let Ok(decoded) = STANDARD.decode(value)
            && let Ok(decoded) = std::str::from_utf8(&decoded)
        {
            let from = at + 2 + line[2..].iter().take_while(|b| b.is_ascii_whitespace()).count();
            view.replace(from, from + value.len(), decoded);
        }
        at += line.len().max(1);
    }
    view.finish()
}

/// Lines that were folded are joined, escapes resolved; what separates the parts of a name becomes a comma.
fn unfolded(text: &str) -> Option<Mapped> {
    let bytes = text.as_bytes();
    let mut view = View::new(text);
    let mut at = 0;
    let mut name = starts_name(bytes, 0);
    while let Some(&b) = bytes.get(at) {
        let (with, len) = match b {
            b'\r' | b'\n' => {
                let end = at + if bytes[at..].starts_with(b"\r\n") { 2 } else { 1 };
                if matches!(bytes.get(end), Some(b' ' | b'\t')) {
                    ("", end + 1 - at)
                } else {
                    name = starts_name(bytes, end);
                    at = end;
                    continue;
                }
            }
            b'\\' => match bytes.get(at + 1) {
                Some(b'n' | b'N') => ("\n", 2),
                Some(b',') => (",", 2),
                Some(b';') => (";", 2),
                Some(b'\\') => ("\\", 2),
                _ => {
                    at += 1;
                    continue;
                }
            },
            b';' if name => (", ", 1),
            _ => {
                at += 1;
                continue;
            }
        };
        view.replace(at, at + len, with);
        at += len;
    }
    view.finish()
}

/// Whether a line holds the parts of a name: `N:Family;Given;…`.
fn starts_name(bytes: &[u8], at: usize) -> bool {
    let line = &bytes[at.min(bytes.len())..];
    let line = &line[..memchr::memchr(b':', line).unwrap_or(0)];
    // `item1.N;CHARSET=UTF-8`
    let property = line.split(|b| *b == b';').next().unwrap_or_default();
    let property = property.rsplit(|b| *b == b'.').next().unwrap_or_default();
    property.eq_ignore_ascii_case(b"N")
}

/// Text of an RTF document, whatever group it stands in: body, header, author.
fn rtf(text: &str) -> Option<Mapped> {
    let bytes = text.as_bytes();
    let mut view = View::new(text);
    let mut codepage: &'static Encoding = WINDOWS_1252;
    // Characters that stand behind `\u` for readers that do not know it.
    let mut fallback = 1;
    // Of each open group, whether it stands apart from the text around it.
    let mut groups: Vec<bool> = Vec::new();
    let mut at = 0;
    while let Some(i) = memchr::memchr3(b'\\', b'{', b'}', &bytes[at..]) {
        // Line breaks of the file are none of the text.
        for n in memchr::memchr2_iter(b'\r', b'\n', &bytes[at..at + i]) {
            view.replace(at + n, at + n + 1, "");
        }
        at += i;
        if bytes[at] != b'\\' {
            let apart = bytes[at] == b'}' && groups.pop().unwrap_or(false);
            if bytes[at] == b'{' && groups.len() < DEEPEST {
                groups.push(false);
            }
            view.replace(at, at + 1, if apart { "\n" } else { "" });
            at += 1;
            continue;
        }
        let (word, number, len) = control(bytes, at);
        let mut end = at + len;
        let with = match (word, number) {
            (b"'", _) => {
                byte(bytes, at).map_or(String::new(), |b| codepage.decode_without_bom_handling(&[b]).0.into_owned())
            }
            (b"u", Some(n)) => {
                let unit = |n: i32| u16::try_from(n.rem_euclid(0x1_0000)).unwrap_or(0xfffd);
                end = skip(bytes, end, fallback);
                let mut units = vec![unit(n)];
                if (0xd800..0xdc00).contains(&units[0])
                    && let (b"u", Some(low), len) = control(bytes, end)
                {
                    units.push(unit(low));
                    end = skip(bytes, end + len, fallback);
                }
                String::from_utf16_lossy(&units)
            }
            (b"uc", Some(n)) => {
                fallback = usize::try_from(n).unwrap_or(1).min(16);
                String::new()
            }
            (b"ansicpg", Some(n)) => {
                codepage = Encoding::for_label(format!("windows-{n}").as_bytes()).unwrap_or(WINDOWS_1252);
                String::new()
            }
            (b"bin", Some(n)) => {
                end = bytes.len().min(end + usize::try_from(n).unwrap_or(0));
                String::new()
            }
            (b"par" | b"line" | b"cell" | b"row" | b"sect" | b"page" | b"tab" | b"\n" | b"\r", _) => "\n".to_owned(),
            (b"~", _) => "\u{a0}".to_owned(),
            (b"-", _) => "\u{ad}".to_owned(),
            (b"_", _) => "-".to_owned(),
            (b"\\", _) => "\\".to_owned(),
            (b"{", _) => "{".to_owned(),
            (b"}", _) => "}".to_owned(),
            // Marks and codes of fields stand in the middle of words; the text itself is searched too.
            (b"bkmkstart" | b"bkmkend" | b"fldinst", _) => {
                end = group_end(bytes, end);
                String::new()
            }
            (word, _) if APART.contains(&word) => {
                if let Some(group) = groups.last_mut() {
                    *group = true;
                }
                "\n".to_owned()
            }
            _ => String::new(),
        };
        while !text.is_char_boundary(end) {
            end += 1;
        }
        view.replace(at, end, &with);
        at = end;
    }
    view.finish()
}

/// Groups deeper than this are not told from each other.
const DEEPEST: usize = 10_000;

/// Words that begin a group beside the text: titles, authors, notes, fonts.
const APART: [&[u8]; 33] = [
    b"annotation",
    b"atnauthor",
    b"atnid",
    b"author",
    b"buptim",
    b"category",
    b"colortbl",
    b"comment",
    b"company",
    b"creatim",
    b"doccomm",
    b"fonttbl",
    b"footer",
    b"footerf",
    b"footerl",
    b"footerr",
    b"footnote",
    b"header",
    b"headerf",
    b"headerl",
    b"headerr",
    b"info",
    b"keywords",
    b"listtable",
    b"manager",
    b"operator",
    b"revtbl",
    b"shptxt",
    b"staticval",
    b"stylesheet",
    b"subject",
    b"title",
    b"userprops",
];

/// Where the group ends that `at` stands in: its closing brace.
fn group_end(bytes: &[u8], mut at: usize) -> usize {
    let mut depth = 0_usize;
    while let Some(b) = bytes.get(at) {
        match b {
            b'\\' => at += 1,
            b'{' => depth += 1,
            b'}' if depth == 0 => break,
            b'}' => depth -= 1,
            _ => {}
        }
        at += 1;
    }
    at.min(bytes.len())
}

/// The control word or symbol at `at`: its name, its number, and how long it is, the space behind it included.
fn control(bytes: &[u8], at: usize) -> (&[u8], Option<i32>, usize) {
    let Some(rest) = bytes.get(at + 1..).filter(|_| bytes.get(at) == Some(&b'\\')) else { return (b"", None, 1) };
    let letters = rest.iter().take_while(|b| b.is_ascii_alphabetic()).count();
    if letters == 0 {
        let digits = if rest.first() == Some(&b'\'') { 2 } else { 0 };
        return (&rest[..rest.len().min(1)], None, (2 + digits).min(1 + rest.len()));
    }
    let sign = usize::from(rest.get(letters) == Some(&b'-'));
    let digits = rest[letters + sign..].iter().take_while(|b| b.is_ascii_digit()).take(10).count();
    let end = if digits > 0 { letters + sign + digits } else { letters };
    let number = std::str::from_utf8(&rest[letters..end]).ok().and_then(|n| n.parse().ok());
    let space = usize::from(rest.get(end) == Some(&b' '));
    (&rest[..letters], number, 1 + end + space)
}

/// The byte that `\'eb` at `at` stands for.
fn byte(bytes: &[u8], at: usize) -> Option<u8> {
    let digits = std::str::from_utf8(bytes.get(at + 2..at + 4)?).ok()?;
    u8::from_str_radix(digits, 16).ok()
}

/// The end of `count` characters from `at` on, of which an escape is one; a group's end is none.
fn skip(bytes: &[u8], mut at: usize, count: usize) -> usize {
    for _ in 0..count {
        match bytes.get(at) {
            Some(b'\\') => {
                let (word, _, len) = control(bytes, at);
                if word != b"'" {
                    break;
                }
                at += len;
            }
            Some(b'{' | b'}') | None => break,
            Some(b) if b.is_ascii() => at += 1,
            Some(_) => at += 1 + bytes[at + 1..].iter().take_while(|b| **b & 0xc0 == 0x80).count(),
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> String {
        assert!(has_view(text.as_bytes()), "{text}");
        view(text).map_or_else(|| text.to_owned(), Mapped::into_text)
    }

    #[test]
    fn folded_lines_are_joined() {
        let card = "BEGIN:VCARD\r\nVERSION:4.0\r\nitem1.N;CHARSET=UTF-8:Xan\r\n der;Zoë;;;\r\nNOTE:a\\, b\\nc;d\r\nEMAIL:zo\n\te@x\r\n";
        assert_eq!(
            read(card),
            "BEGIN:VCARD\r\nVERSION:4.0\r\nitem1.N, CHARSET=UTF-8:Xander, Zoë, , , \r\nNOTE:a, b\nc;d\r\nEMAIL:zoe@x\r\n"
        );
        for (text, want) in [
            ("dn: uid=1\ncn: Xan\n der, Zo\u{eb}\n", "dn: uid=1\ncn: Xander, Zo\u{eb}\n"),
            (
                "version: 1\r\n\r\n# all\r\ndn:: WmVv\r\nsn::\r\n IFpvw6s=\r\n",
                "version: 1\r\n\r\n# all\r\ndn:: Zeo\r\nsn::IFpvw6s=\r\n",
            ),
            ("dn: x\nsn:: Wm/Dqw==\n", "dn: x\nsn:: Zo\u{eb}\n"),
            ("# comment\n\ndn: x\nmail: zo\n e@x\n", "# comment\n\ndn: x\nmail: zoe@x\n"),
            (
                "Manifest-Version: 1.0\r\nBuilt-By: Zoe Xan\r\n der\r\n",
                "Manifest-Version: 1.0\r\nBuilt-By: Zoe Xander\r\n",
            ),
        ] {
            assert_eq!(read(text), want);
        }
        assert!(!has_view(b"# a heading\n\ntext\n") && !has_view(b"version: 2\nservices:\n"));
        assert!(!has_view(b"BEGIN:SOMETHING"));
        assert!(!has_view(b"{\"a\": 1}"));
    }

    #[test]
    fn rtf_is_read() {
        for (rtf, want) in [
            (r"{\rtf1\ansi Zo\'eb {\b Xan}der\par next}", "Zoë Xander\nnext"),
            (r"{\rtf1\ansicpg1251 \'c5\'eb\'ea\'e8\'ed}", "Елкин"),
            (r"{\rtf1 Zo\u235?\~X\u-10179?\u-8699?a\-b\_c \{x\}\\}", "Zoë\u{a0}X\u{1f605}a\u{ad}b-c {x}\\"),
            (r"{\rtf1\uc2 Zo\u235\'65\'22 X\uc0\u235 y}", "Zoë Xëy"),
            ("{\\rtf1 Zo\r\n\\'eb\r\n}", "Zoë"),
            (r"{\rtf1{\info{\author Zo\'eb}}\bin3 }}}x", "\n\nZoë\n\nx"),
            (r"{\rtf1{\info{\author Zo\'eb X}}\f0\fs24 next}", "\n\nZoë X\n\nnext"),
            (r"{\rtf1 Zo\'eb {\*\bkmkstart a}Xan{\*\bkmkend a}der{\footnote Zo\'eb}.}", "Zoë Xander\nZoë\n."),
            (r#"{\rtf1 {\field{\*\fldinst HYPERLINK "http://x/{\}}"}{\fldrslt Zo}}\'eb}"#, "Zoë"),
        ] {
            assert_eq!(read(rtf), want, "{rtf}");
        }
    }

    proptest! {
        #[test]
        fn never_panics_and_leads_back(text in "(\\{\\\\rtf|BEGIN:VCARD\r\n|dn: )([a-zN;:\\\\'{}0-9u \r\n\tëé😀-]|\\\\u|\\\\'|\\\\uc|\\\\bin|\\\\author|\\\\bkmkend|:: ?|\n ){0,60}") {
            if let Some(view) = view(&text) {
                for (at, c) in view.text().char_indices() {
                    prop_assert!(text.get(view.original(at, at + c.len_utf8())).is_some());
                }
            }
        }
    }
}

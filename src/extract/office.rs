//! Office documents (OOXML, OpenDocument): the text of one of their XML parts, as a reader of the document sees it. Words
//! that formatting, tracked changes or bookmarks take apart are put together, and what stands in attributes (authors,
//! targets of links) follows behind.
//!
//! Must not open the archive, nor search.

use std::collections::BTreeSet;

use quick_xml::{Reader, XmlVersion, events::Event};

/// Elements that stand inside a word without separating anything, by local name: runs and their formatting (ECMA-376,
/// part 1, section 17.3.2; OpenDocument 1.3, section 6), tracked changes, anchors.
const INLINE: [&str; 39] = [
    "a",
    "b",
    "bookmark",
    "bookmark-end",
    "bookmark-start",
    "bookmarkEnd",
    "bookmarkStart",
    "change",
    "change-end",
    "change-start",
    "commentRangeEnd",
    "commentRangeStart",
    "commentReference",
    "del",
    "delText",
    "fldChar",
    "fldSimple",
    "hyperlink",
    "i",
    "ins",
    "instrText",
    "lastRenderedPageBreak",
    "moveFrom",
    "moveFromRangeEnd",
    "moveFromRangeStart",
    "moveTo",
    "moveToRangeEnd",
    "moveToRangeStart",
    "permEnd",
    "permStart",
    "proofErr",
    "r",
    "rPh",
    "sdt",
    "sdtContent",
    "smartTag",
    "soft-page-break",
    "span",
    "t",
];

/// Headers and footers of a sheet, whose text has codes of its own.
const HEADERS: [&str; 6] = ["oddHeader", "oddFooter", "evenHeader", "evenFooter", "firstHeader", "firstFooter"];

/// Elements whose content only says how a run looks.
const LOOKS: [&str; 4] = ["rPr", "sdtPr", "sdtEndPr", "rPrChange"];

/// Whether a zip is an office document, by the names of its members.
pub(super) fn is_document(mut members: impl Iterator<Item = impl AsRef<str>>) -> bool {
    members.any(|name| matches!(name.as_ref(), "[Content_Types].xml" | "META-INF/manifest.xml" | "content.xml"))
}

/// Whether a member of a document is one of its XML parts; those that say how parts hang together name targets of links.
pub(super) fn is_part(name: &str) -> bool {
    name.rsplit('.').next().is_some_and(|ending| ["xml", "rels"].iter().any(|e| ending.eq_ignore_ascii_case(e)))
}

/// The text of an XML part; `None` where it is not XML.
pub(super) fn text(xml: &[u8]) -> Option<String> {
    let (_, xml) = super::encoding::decode(xml)?;
    let mut reader = Reader::from_str(&xml);
    // A document is read to its end, whatever is wrong in it.
    reader.config_mut().check_end_names = false;
    let mut out = String::with_capacity(xml.len() / 4);
    let mut attributes = BTreeSet::new();
    let mut looks = 0_usize;
    let mut header = None;
    let mut reading = None;
    loop {
        match reader.read_event().ok()? {
            event @ (Event::Start(_) | Event::Empty(_)) => {
                let (element, opens) = match &event {
                    Event::Start(e) => (e, true),
                    Event::Empty(e) => (e, false),
                    _ => return None,
                };
                let name = element.local_name().into_inner().to_owned();
                for attribute in element.attributes().with_checks(false) {
                    let value = attribute.ok()?.normalized_value(XmlVersion::Implicit1_0).ok()?;
                    attributes.extend((!value.is_empty()).then(|| value.into_owned()));
                }
                if LOOKS.contains(&name.as_str()) {
                    looks += usize::from(opens);
                } else if looks == 0 {
                    out.push_str(instead(&name));
                }
                if HEADERS.contains(&name.as_str()) {
                    header = Some(out.len());
                } else if name == "rPh" && opens {
                    reading = Some(out.len());
                }
            }
            Event::End(element) => {
                let name = element.local_name().into_inner().to_owned();
                if let Some(from) = header.take().filter(|_| HEADERS.contains(&name.as_str())) {
                    let plain = without_codes(&out[from..]);
                    out.truncate(from);
                    out.push_str(&plain);
                }
                // How a word is pronounced stands in the middle of it, and may be a name in other letters.
                if let Some(from) = reading.take_if(|_| name == "rPh") {
                    attributes.insert(out.split_off(from));
                }
                if LOOKS.contains(&name.as_str()) {
                    looks = looks.saturating_sub(1);
                } else if looks == 0 && !INLINE.contains(&name.as_str()) && !out.ends_with('\n') {
                    out.push('\n');
                }
            }
            Event::Text(text) => out.push_str(&text),
            Event::GeneralRef(name) => {
                let entity = format!("&{};", &*name);
                match super::views::entity(&entity, 0) {
                    Some((c, _)) => out.push(c),
                    None => out.push_str(&entity),
                }
            }
            Event::CData(text) => out.push_str(&text),
            Event::Comment(text) => {
                out.push('\n');
                out.push_str(&text);
                out.push('\n');
            }
            Event::Eof => break,
            Event::PI(text) => attributes.extend([text.to_string()]),
            Event::DocType(text) => attributes.extend([text.to_string()]),
            Event::Decl(_) => {}
        }
    }
    for value in attributes {
        out.push('\n');
        out.push_str(&value);
    }
    Some(out)
}

/// The text of a sheet's header or footer without the codes that place and format it (ECMA-376, part 1, section 18.3.1.46):
/// `&L`, `&"Arial,Bold"`, `&12`, `&KFF0000`.
fn without_codes(header: &str) -> String {
    let mut out = String::with_capacity(header.len());
    let mut rest = header;
    while let Some(i) = rest.find('&') {
        out.push_str(&rest[..i]);
        rest = &rest[i + 1..];
        let len = |inside: fn(char) -> bool, most: usize| -> usize {
            rest.chars().skip(1).take(most).take_while(|c| inside(*c)).map(char::len_utf8).sum()
        };
        let code = match rest.chars().next() {
            Some('&') => {
                out.push('&');
                1
            }
            Some('L' | 'C' | 'R' | 'l' | 'c' | 'r') => {
                out.push('\n');
                1
            }
            Some('"') => rest[1..].find('"').map_or(1, |end| end + 2),
            Some('K' | 'k') => 1 + len(|c| c.is_ascii_hexdigit() || matches!(c, '+' | '-'), 6),
            Some(c) if c.is_ascii_digit() => 1 + len(|c| c.is_ascii_digit(), 2),
            // Bold, italic and the like stand inside words; all else is a field: a page, a date, a file.
            Some(
                'B' | 'I' | 'U' | 'S' | 'X' | 'Y' | 'E' | 'O' | 'H' | 'b' | 'i' | 'u' | 's' | 'x' | 'y' | 'e' | 'o'
                | 'h',
            ) => 1,
            Some(c) => {
                out.push(' ');
                c.len_utf8()
            }
            None => 0,
        };
        rest = &rest[code..];
    }
    out.push_str(rest);
    out
}

/// What an element stands for in the text.
fn instead(name: &str) -> &'static str {
    match name {
        "noBreakHyphen" => "-",
        "softHyphen" => "\u{ad}",
        "s" | "tab" => " ",
        inline if INLINE.contains(&inline) => "",
        _ => "\n",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(xml: &str) -> Vec<String> {
        let text = text(xml.as_bytes()).unwrap();
        text.lines().filter(|l| !l.trim().is_empty()).map(str::to_owned).collect()
    }

    #[test]
    fn runs_are_joined_and_paragraphs_are_not() {
        let word = r#"<?xml version="1.0"?><w:document xmlns:w="urn:w"><w:body><w:p><w:pPr><w:jc w:val="left"/></w:pPr>
            <w:r><w:t>Zo</w:t></w:r><w:r><w:rPr><w:b/><w:sz w:val="24"/></w:rPr><w:t>ë Xan</w:t></w:r><w:bookmarkStart w:id="1"/><w:del
            w:author="Zoë Author"><w:r><w:delText>der</w:delText></w:r></w:del><w:r><w:tab/><w:t>A&amp;B</w:t></w:r></w:p><w:p><w:r><w:t>next</w:t></w:r></w:p>
            </w:body></w:document>"#;
        let lines = lines(word);
        let joined: Vec<&str> = lines.iter().map(|l| l.trim()).collect();
        assert!(joined.contains(&"Zoë Xander A&B"), "{joined:?}");
        assert!(joined.contains(&"next"));
        assert!(joined.contains(&"Zoë Author"));
    }

    #[test]
    fn sheets_and_open_documents() {
        let shared = "<sst><si><r><t>Zo</t></r><r><rPr><b/></rPr><t>ë</t></r></si><si><t>Xander</t></si></sst>";
        assert_eq!(lines(shared), ["Zoë", "Xander"]);
        let read = "<si><r><t>山</t></r><rPh sb=\"0\"><t>ヤマ</t></rPh><r><t>田</t></r></si>";
        assert_eq!(lines(read), ["山田", "0", "ヤマ"]);
        let control =
            "<w:p><w:sdt><w:sdtContent><w:r><w:t>Zo</w:t></w:r></w:sdtContent></w:sdt><w:r><w:t>ë</w:t></w:r></w:p>";
        assert_eq!(lines(control), ["Zoë"]);
        let odf = "<text:p>Zo<text:span text:style-name=\"T1\">ë</text:span><text:s/>Xan<text:change-start/>der<text:line-break/>x</text:p>";
        assert_eq!(lines(odf), ["Zoë Xander", "x", "T1"]);
        assert_eq!(lines("<?note Zoë?><c n=\"0170 123\"/>"), ["0170 123", "note Zoë"], "whatever is in it");
        assert_eq!(text(b"<a><b"), None);
        for (codes, want) in [
            ("&amp;LZoë Xander&amp;RPage &amp;P", vec!["Zoë Xander", "Page  "]),
            ("&amp;C&amp;&quot;Arial,Bold&quot;&amp;12Zoë &amp;KFF0000Xander", vec!["Zoë Xander"]),
            ("R&amp;&amp;D", vec!["R&D"]),
            ("&amp;10Zo&amp;Bë Xander", vec!["Zoë Xander"]),
        ] {
            assert_eq!(lines(&format!("<oddHeader>{codes}</oddHeader>")), want, "{codes}");
        }
    }
}

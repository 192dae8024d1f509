//! PDF: the text of its pages, every string that stands beside them (titles, authors, notes, form values, links), its
//! metadata and the files inside it.
//!
//! lopdf reads the file; this puts the words together. Must not search.

use std::{
    collections::{BTreeMap, HashSet},
    hash::{Hash, Hasher},
    io::Read,
};

use super::readers::Part;
use lopdf::{Dictionary, Document, Encoding, Object, ObjectId, Stream, content::Content, decode_text_string};

/// Bytes that one stream may unpack to.
const STREAM: usize = 64 << 20;

/// Bytes of all files inside a PDF together.
const ALL: usize = 256 << 20;

/// Earlier revisions that are read.
const REVISIONS: usize = 16;

/// A gap in a line of text, in thousandths of the font's size, from which on it is a space (PDF 32000-1, 9.4.3: `TJ` moves
/// by so much). Fonts' own spaces are about 250 wide; kerning is far below.
const SPACE: f32 = 180.0;

/// Reads a PDF and gives what it holds; an error is the reason why nobody here can.
pub(super) fn read(bytes: &[u8], give: &mut dyn FnMut(Part)) -> Result<(), &'static str> {
    let Ok(document) = Document::load_mem(bytes) else {
        remains(bytes, give);
        return Err("damaged or encrypted PDF: only what its streams hold and its plain strings were searched");
    };
    if document.is_encrypted() {
        return Err("encrypted PDF: only its plain strings were searched");
    }
    let mut known = HashSet::new();
    revision(&document, &mut |part| {
        known.insert(hash(match &part {
            Part::Content(_, content) => content,
            Part::Unread(_, why, _) => why.as_bytes(),
        }));
        give(part);
    });
    // What an update took away still stands in front of it (PDF 32000-1, 7.5.6).
    let ends: Vec<usize> = memchr::memmem::find_iter(bytes, b"%%EOF").map(|at| at + 5).collect();
    let earlier = ends.split_last().map_or(&[][..], |(_, earlier)| earlier);
    if earlier.len() > REVISIONS {
        give(Part::Unread(
            String::new(),
            format!("of {} earlier revisions {REVISIONS} were read", earlier.len()),
            true,
        ));
    }
    for (n, end) in earlier.iter().enumerate().rev().take(REVISIONS) {
        let before = Document::load_mem(&bytes[..*end]).ok().filter(|document| !document.is_encrypted());
        let Some(before) = before else {
            // The first end of a file made for the web is none (PDF 32000-1, F.3).
            if n > 0 || !is_linearized(bytes) {
                give(Part::Unread(String::new(), format!("earlier revision {} could not be read", n + 1), true));
            }
            continue;
        };
        revision(&before, &mut |part| match part {
            Part::Content(name, content) if known.insert(hash(&content)) => {
                give(Part::Content(format!("revision {}/{name}", n + 1), content));
            }
            Part::Unread(_, why, partly) if known.insert(hash(why.as_bytes())) => {
                give(Part::Unread(String::new(), format!("earlier revision {}: {why}", n + 1), partly));
            }
            _ => {}
        });
    }
    Ok(())
}

/// Whether a file is laid out for the web: its first object says so, within the first 1024 bytes (PDF 32000-1, F.2).
fn is_linearized(bytes: &[u8]) -> bool {
    memchr::memmem::find(&bytes[..bytes.len().min(1024)], b"/Linearized").is_some()
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = std::hash::DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

/// What the streams of a file hold that cannot be read as a whole.
fn remains(bytes: &[u8], give: &mut dyn FnMut(Part)) {
    let mut left = ALL;
    let mut at = 0;
    while let Some(i) = memchr::memmem::find(&bytes[at..], b"stream") {
        at += i + 6;
        let data = &bytes[at..];
        let data = data.strip_prefix(b"\r").unwrap_or(data);
        let Some(data) = data.strip_prefix(b"\n").filter(|d| d.first() == Some(&0x78)) else { continue };
        let mut content = Vec::new();
        // As much of it as there is.
        let _ = flate2::bufread::ZlibDecoder::new(data).take(STREAM.min(left) as u64).read_to_end(&mut content);
        left -= content.len();
        if !content.is_empty() {
            give(Part::Content(format!("stream at {at}"), content));
        }
    }
}

/// Gives what one revision of a document holds.
fn revision(document: &Document, give: &mut dyn FnMut(Part)) {
    let mut text = String::new();
    let (pages, mut silent, mut damaged, mut undecoded, mut pictures) = (document.get_pages(), 0, 0, 0, 0);
    let mut left = ALL;
    for id in pages.values() {
        let before = text.len();
        match page(document, *id, &mut undecoded) {
            Some(shown) => text.push_str(&shown),
            None => damaged += 1,
        }
        silent += usize::from(text[before..].trim().is_empty());
        text.push('\n');
    }
    let shown_on_pages: HashSet<ObjectId> = pages.values().flat_map(|id| document.get_page_contents(*id)).collect();
    let mut strings = String::new();
    for (id, object) in &document.objects {
        collect(object, &mut strings);
        let Ok(stream) = object.as_stream() else { continue };
        let is = |key: &[u8], name: &[u8]| stream.dict.get(key).and_then(Object::as_name).is_ok_and(|n| n == name);
        if is(b"Subtype", b"Form") {
            match form(document, stream, &mut undecoded) {
                Some(shown) => text.push_str(&shown),
                None => damaged += 1,
            }
        } else if is(b"Type", b"Metadata") || is(b"Type", b"EmbeddedFile") {
            match content(stream).filter(|bytes| bytes.len() <= left) {
                Some(bytes) => {
                    left -= bytes.len();
                    give(Part::Content(format!("object {}", id.0), bytes));
                }
                None => damaged += 1,
            }
        } else if is(b"Subtype", b"Image") {
            pictures += 1;
        } else if !shown_on_pages.contains(id) && ![&b"ObjStm"[..], b"XRef"].iter().any(|kind| is(b"Type", kind)) {
            match content(stream) {
                Some(bytes) if !is_text(&bytes) => {}
                // Scripts, notes with formatting, the data of forms.
                Some(bytes) if bytes.len() <= left => {
                    left -= bytes.len();
                    give(Part::Content(format!("object {}", id.0), bytes));
                }
                // What nobody can unpack may be a text.
                _ => damaged += 1,
            }
        }
    }
    let mut unread = |why: String| give(Part::Unread(String::new(), why, true));
    if silent > 0 {
        unread(format!("{silent} of {} pages show no text: pictures are not read", pages.len()));
    }
    if pictures > 0 {
        unread(format!("{pictures} pictures are not read"));
    }
    if undecoded > 0 {
        unread("text in a font that does not say which letters it shows".into());
    }
    if damaged > 0 {
        unread(format!("{damaged} parts of the PDF could not be read, or are too large"));
    }
    for (name, text) in [("(text)", text), ("(properties, notes)", strings)] {
        if !text.trim().is_empty() {
            give(Part::Content(name.to_owned(), text.into_bytes()));
        }
    }
}

/// Whether a stream is a text for readers, and not what its viewer makes glyphs or functions of.
fn is_text(bytes: &[u8]) -> bool {
    const NOT: [&[u8]; 3] = [b"/CIDInit", b"%!PS", b"{"];
    let bytes = bytes.trim_ascii_start();
    !NOT.iter().any(|begin| bytes.starts_with(begin)) && super::encoding::decode(bytes).is_some()
}

fn content(stream: &Stream) -> Option<Vec<u8>> {
    if stream.dict.has(b"Filter") {
        stream.decompressed_content_with_limit(STREAM).ok()
    } else {
        Some(stream.content.clone())
    }
}

/// Every string of an object, one a line.
fn collect(object: &Object, out: &mut String) {
    let mut stack = vec![object];
    while let Some(object) = stack.pop() {
        match object {
            Object::String(..) => {
                let raw = || object.as_str().map(super::encoding::latin1).unwrap_or_default();
                out.push_str(&decode_text_string(object).unwrap_or_else(|_| raw()));
                out.push('\n');
            }
            Object::Array(items) => stack.extend(items),
            Object::Dictionary(dictionary) => stack.extend(dictionary.iter().map(|(_, v)| v)),
            Object::Stream(stream) => stack.extend(stream.dict.iter().map(|(_, v)| v)),
            _ => {}
        }
    }
}

type Encodings<'d> = BTreeMap<Vec<u8>, Encoding<'d>>;

fn page(document: &Document, id: ObjectId, undecoded: &mut usize) -> Option<String> {
    let fonts = document.get_page_fonts(id).ok()?;
    let encodings = fonts.iter().filter_map(|(name, font)| encoding(document, name, font)).collect();
    shown(&document.get_page_content_with_limit(id, STREAM).ok()?, &encodings, undecoded)
}

/// The text of a form: a piece of a page that stands on its own.
fn form(document: &Document, stream: &Stream, undecoded: &mut usize) -> Option<String> {
    let resources = document.get_dict_in_dict(&stream.dict, b"Resources").ok();
    let fonts = resources.and_then(|r| document.get_dict_in_dict(r, b"Font").ok());
    let mut encodings = Encodings::new();
    for (name, font) in fonts.into_iter().flat_map(Dictionary::iter) {
        let font = document.dereference(font).ok().and_then(|(_, font)| font.as_dict().ok());
        encodings.extend(font.and_then(|font| encoding(document, name, font)));
    }
    shown(&content(stream)?, &encodings, undecoded)
}

fn encoding<'d>(document: &'d Document, name: &[u8], font: &'d Dictionary) -> Option<(Vec<u8>, Encoding<'d>)> {
    font.get_font_encoding_with_limit(document, STREAM).ok().map(|encoding| (name.to_vec(), encoding))
}

/// The text that a content stream shows, in its order; what is set apart on the page is set apart here.
fn shown(content: &[u8], encodings: &Encodings<'_>, undecoded: &mut usize) -> Option<String> {
    let content = Content::decode(content).ok()?;
    let mut out = String::new();
    let mut current: Option<&Encoding<'_>> = None;
    // Where a program places each letter by itself, the places say nothing about words.
    let shows = content.operations.iter().filter(|o| matches!(o.operator.as_str(), "Tj" | "TJ" | "'" | "\"")).count();
    let (mut pieces, mut letters) = (0, 0);
    let mut matrix = [f32::NAN; 2];
    // What glyphs stand for is said beside them (PDF 32000-1, 14.9.4).
    let mut beside = String::new();
    for operation in &content.operations {
        let number = |i: usize| operation.operands.get(i).and_then(|o| o.as_float().ok());
        match operation.operator.as_str() {
            "Tf" => current = operation.operands.first().and_then(|o| o.as_name().ok()).and_then(|n| encodings.get(n)),
            "Tj" | "TJ" => show(&operation.operands, current, &mut out, &mut pieces, &mut letters, undecoded),
            "'" => {
                apart(&mut out, '\n');
                show(&operation.operands, current, &mut out, &mut pieces, &mut letters, undecoded);
            }
            "\"" => {
                apart(&mut out, '\n');
                show(
                    operation.operands.get(2..).unwrap_or_default(),
                    current,
                    &mut out,
                    &mut pieces,
                    &mut letters,
                    undecoded,
                );
            }
            "Td" | "TD" => {
                let down = number(1).is_some_and(|y| y != 0.0);
                // Set letter by letter, a move to the side is no space.
                if down {
                    apart(&mut out, '\n');
                } else if letters > pieces * 2 || shows < 8 {
                    apart(&mut out, ' ');
                }
            }
            "Tm" => {
                let to = [number(4).unwrap_or(f32::NAN), number(5).unwrap_or(f32::NAN)];
                if to[1] != matrix[1] {
                    apart(&mut out, '\n');
                } else if letters > pieces * 2 || shows < 8 {
                    apart(&mut out, ' ');
                }
                matrix = to;
            }
            "T*" => apart(&mut out, '\n'),
            "BDC" | "DP" => operation.operands.iter().for_each(|o| collect(o, &mut beside)),
            // A block of text often ends inside a line.
            "ET" => apart(&mut out, ' '),
            _ => {}
        }
    }
    apart(&mut out, '\n');
    out.push_str(&beside);
    Some(out)
}

fn apart(out: &mut String, with: char) {
    match out.chars().next_back() {
        None | Some('\n') => {}
        Some(' ') if with == ' ' => {}
        _ => out.push(with),
    }
}

/// Adds what one operator shows: strings, and between them moves that may be spaces.
fn show(
    operands: &[Object],
    encoding: Option<&Encoding<'_>>,
    out: &mut String,
    pieces: &mut usize,
    letters: &mut usize,
    undecoded: &mut usize,
) {
    for operand in operands {
        match operand {
            Object::String(bytes, _) => {
                let text = match encoding {
                    Some(encoding) => Document::decode_text(encoding, bytes).ok(),
                    None => None,
                };
                let text = text.unwrap_or_else(|| {
                    *undecoded += 1;
                    super::encoding::latin1(bytes)
                });
                *pieces += 1;
                *letters += text.chars().count();
                out.push_str(&text);
            }
            Object::Array(items) => show(items, encoding, out, pieces, letters, undecoded),
            // Numbers move to the left; a large negative one leaves a gap.
            Object::Integer(n) if (*n as f32) < -SPACE => apart(out, ' '),
            Object::Real(n) if *n < -SPACE => apart(out, ' '),
            _ => {}
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use lopdf::{dictionary, text_string};

    use super::*;

    /// A PDF of one page with this content, some properties, a note, a form and a file inside.
    pub(crate) fn pdf(content: &str, author: &str, note: &str, file: &[u8]) -> Vec<u8> {
        let mut document = Document::with_version("1.5");
        let font = document.add_object(dictionary! {
            "Type" => "Font", "Subtype" => "Type1", "BaseFont" => "Helvetica", "Encoding" => "WinAnsiEncoding",
        });
        let resources = document.add_object(dictionary! { "Font" => dictionary! { "F1" => font } });
        let mut stream = Stream::new(
            dictionary! {},
            super::super::encoding::encode(content, super::super::encoding::Encoding::Latin1).unwrap(),
        );
        stream.compress().unwrap();
        let stream = document.add_object(stream);
        let annotation = document.add_object(dictionary! { "Type" => "Annot", "Contents" => text_string(note) });
        document.add_object(Stream::new(dictionary! { "Type" => "EmbeddedFile" }, file.to_vec()));
        document.add_object(Stream::new(
            dictionary! { "Subtype" => "Form", "Resources" => dictionary! { "Font" => dictionary! { "F1" => font } } },
            b"BT /F1 9 Tf (in a form) Tj ET".to_vec(),
        ));
        let pages = document.new_object_id();
        let page = document.add_object(dictionary! {
            "Type" => "Page", "Parent" => pages, "Contents" => stream, "Resources" => resources,
            "Annots" => vec![annotation.into()],
        });
        let tree = dictionary! { "Type" => "Pages", "Kids" => vec![page.into()], "Count" => 1 };
        document.objects.insert(pages, tree.into());
        let catalog = document.add_object(dictionary! { "Type" => "Catalog", "Pages" => pages });
        let info = document.add_object(dictionary! { "Author" => text_string(author) });
        document.trailer.set("Root", catalog);
        document.trailer.set("Info", info);
        let mut out = Vec::new();
        document.save_to(&mut out).unwrap();
        out
    }

    fn parts(bytes: &[u8]) -> Result<Vec<Part>, &'static str> {
        let mut parts = Vec::new();
        read(bytes, &mut |part| parts.push(part)).map(|()| parts)
    }

    fn text_of(content: &str) -> String {
        let parts = parts(&pdf(content, "x", "y", b"z")).unwrap();
        let text = parts.into_iter().find_map(|p| match p {
            Part::Content(name, bytes) if name == "(text)" => Some(String::from_utf8(bytes).unwrap()),
            _ => None,
        });
        text.unwrap().replace("in a form", "").trim().to_owned()
    }

    #[test]
    fn words_are_put_together_and_lines_are_not() {
        for (content, want) in [
            ("BT /F1 9 Tf (Zo\u{eb} Xander) Tj ET", "Zo\u{eb} Xander"),
            ("BT /F1 9 Tf [(Z) 20 (o\u{eb}) -250 (Xan) -15 (der)] TJ 0 -12 Td (next) Tj ET", "Zo\u{eb} Xander\nnext"),
            (
                "BT /F1 9 Tf 1 0 0 1 10 700 Tm (Zo\u{eb}) Tj ET BT 1 0 0 1 60 700 Tm /F1 9 Tf (Xander) Tj ET",
                "Zo\u{eb} Xander",
            ),
            ("BT /F1 9 Tf (a) Tj (b) ' T* (c) Tj ET", "a\nb\nc"),
            ("BT /F1 9 Tf /Span << /ActualText (Xander) >> BDC (a) Tj EMC (b) Tj ET", "ab \nXander"),
            (
                "BT /F1 9 Tf (Z) Tj 5 0 Td (o) Tj 5 0 Td (\u{eb}) Tj 5 0 Td ( ) Tj 5 0 Td (X) Tj 5 0 Td (a) Tj 5 0 Td (n) Tj 5 0 Td (d) Tj 5 0 Td (e) Tj 5 0 Td (r) Tj ET",
                "Zo\u{eb} Xander",
            ),
        ] {
            assert_eq!(text_of(content), want, "{content}");
        }
    }

    #[test]
    fn everything_beside_the_pages_is_read() {
        let mut all = String::new();
        for part in parts(&pdf("BT /F1 9 Tf (page) Tj ET", "Zoë Author", "a note", b"a file")).unwrap() {
            match part {
                Part::Content(name, bytes) => all.push_str(&format!("{name}: {}\n", String::from_utf8_lossy(&bytes))),
                Part::Unread(_, why, _) => panic!("{why}"),
            }
        }
        for part in ["page", "in a form", "Zoë Author", "a note", "a file"] {
            assert!(all.contains(part), "{part} is missing: {all}");
        }
    }

    #[test]
    fn what_updates_took_away_and_what_is_left_of_a_torn_file() {
        let first = pdf("BT /F1 9 Tf (page) Tj ET", "Zo\u{eb} Author", "note", b"file");
        let before = Document::load_mem(&first).unwrap();
        let mut update = lopdf::IncrementalDocument::create_from(first.clone(), before);
        let info = update.get_prev_documents().trailer.get(b"Info").and_then(Object::as_reference).unwrap();
        update.new_document.objects.insert(info, dictionary! { "Title" => text_string("none") }.into());
        let mut second = Vec::new();
        update.save_to(&mut second).unwrap();
        let found: Vec<String> = parts(&second)
            .unwrap()
            .into_iter()
            .filter_map(|p| match p {
                Part::Content(name, bytes) => Some(format!("{name}: {}", String::from_utf8_lossy(&bytes))),
                Part::Unread(..) => None,
            })
            .collect();
        assert!(
            found.iter().any(|p| p.starts_with("revision 1/(properties") && p.contains("Zo\u{eb} Author")),
            "{found:?}"
        );
        assert_eq!(found.iter().filter(|p| p.contains("page")).count(), 1, "the same is not given twice");
        let said = |bytes: &[u8]| {
            let parts = parts(bytes).unwrap().into_iter();
            parts.filter_map(|p| if let Part::Unread(_, why, _) = p { Some(why) } else { None }).collect::<Vec<_>>()
        };
        assert_eq!(said(&second), [""; 0]);
        // An end that nothing stands in front of; in a file for the web that is how it is laid out.
        let mut no_revision = b"%PDF-1.5\n%%EOF\n".to_vec();
        no_revision.extend(&second);
        assert_eq!(said(&no_revision), ["earlier revision 1 could not be read"]);
        no_revision.splice(9..9, *b"% << /Linearized 1 >>\n");
        assert_eq!(said(&no_revision), [""; 0]);

        let mut left = String::new();
        let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        std::io::Write::write_all(&mut packed, b"BT (page) Tj ET").unwrap();
        let torn = [b"%PDF-1.5\n<< /Filter /FlateDecode >> stream\r\n", &packed.finish().unwrap()[..]].concat();
        let torn = read(&torn, &mut |part| {
            if let Part::Content(_, bytes) = part {
                left.push_str(&String::from_utf8_lossy(&bytes));
            }
        });
        assert!(torn.is_err() && left.contains("(page) Tj"), "{left}");
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let silent = parts(&pdf("q Q", "x", "y", b"z")).unwrap();
        assert!(
            silent.iter().any(|p| matches!(p, Part::Unread(_, why, _) if why.starts_with("1 of 1 pages show no text")))
        );
        let unknown = parts(&pdf("BT (no font) Tj ET", "x", "y", b"z")).unwrap();
        assert!(unknown.iter().any(|p| matches!(p, Part::Unread(_, why, _) if why.starts_with("text in a font"))));
        // A script, by a filter that nobody knows.
        let mut script = Document::load_mem(&pdf("BT ET", "x", "y", b"z")).unwrap();
        script.add_object(Stream::new(dictionary! { "Filter" => "Unknown" }, b"var a".to_vec()));
        let mut bytes = Vec::new();
        script.save_to(&mut bytes).unwrap();
        let unknown = parts(&bytes).unwrap();
        assert!(unknown.iter().any(|p| matches!(p, Part::Unread(_, why, _) if why.starts_with("1 parts of the PDF"))));
        let whole = pdf("BT ET", "x", "y", b"z");
        assert!(parts(b"%PDF-1.7 nothing").is_err());
        for at in (5..whole.len()).step_by(7) {
            let mut broken = whole.clone();
            broken[at] ^= 0x5a;
            let _ = parts(&broken);
            let _ = parts(&whole[..at]);
        }
    }
}

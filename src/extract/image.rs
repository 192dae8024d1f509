//! Images: what stands beside the pixels. EXIF, XMP, IPTC, comments and text chunks of PNG, JPEG, GIF, WebP and TIFF, packed
//! ones included; HEIC and AVIF keep theirs unpacked, so that EXIF is found by its beginning and the rest as plain strings.
//!
//! Pixels are nobody's text: they are named, whatever they show. Must not search.

use std::io::Read;

use super::{
    encoding::{self, latin1},
    readers::Part,
};

/// Why an image is never read in full: a class of its own, so that it can be accepted as a gap.
pub(super) const PIXELS: &str = "pixels of an image are not read";

/// Bytes that one packed text may unpack to.
const PACKED: u64 = 16 << 20;

/// Bytes of everything that stands beside the pixels of one image.
const ALL: usize = 64 << 20;

/// Blocks of metadata inside each other.
const DEEPEST: usize = 8;

/// Directories of one EXIF block, and entries of one directory, that are looked at.
const DIRECTORIES: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Png,
    Jpeg,
    Gif,
    Webp,
    Tiff,
    /// ISO base media: HEIC, AVIF.
    Boxes,
}

fn kind(bytes: &[u8]) -> Option<Kind> {
    let at = |from: usize, what: &[u8]| bytes.get(from..from + what.len()) == Some(what);
    Some(match bytes.first()? {
        0x89 if at(1, b"PNG\r\n\x1a\n") => Kind::Png,
        0xff if at(1, b"\xd8\xff") => Kind::Jpeg,
        b'G' if at(0, b"GIF87a") || at(0, b"GIF89a") => Kind::Gif,
        b'R' if at(0, b"RIFF") && at(8, b"WEBP") => Kind::Webp,
        b'I' if at(0, b"II*\0") => Kind::Tiff,
        b'M' if at(0, b"MM\0*") => Kind::Tiff,
        0 if at(4, b"ftyp")
            && [&b"heic"[..], b"heix", b"hevc", b"mif1", b"msf1", b"avif", b"avis"].iter().any(|b| at(8, b)) =>
        {
            Kind::Boxes
        }
        _ => return None,
    })
}

/// Whether some bytes are an image whose metadata is read.
pub(super) fn is_image(bytes: &[u8]) -> bool {
    kind(bytes).is_some()
}

/// Gives what stands beside the pixels of an image.
pub(super) fn read(bytes: &[u8], give: &mut dyn FnMut(Part)) -> Result<(), &'static str> {
    let mut found = Found { text: String::new(), damaged: 0, left: ALL, depth: 0, give };
    match kind(bytes).ok_or("no image")? {
        Kind::Png => found.png(bytes),
        Kind::Jpeg => found.jpeg(bytes),
        Kind::Gif => found.gif(bytes),
        Kind::Webp => found.webp(bytes),
        Kind::Tiff => found.tiff(bytes),
        Kind::Boxes => {
            for at in memchr::memmem::find_iter(bytes, b"Exif\0\0") {
                found.tiff(&bytes[at + 6..]);
            }
            // Where there is none, nothing was damaged.
            found.damaged = 0;
        }
    }
    let Found { text, damaged, give, .. } = found;
    if !text.trim().is_empty() {
        give(Part::Content("(metadata)".into(), text.into_bytes()));
    }
    if damaged > 0 {
        give(Part::Unread(String::new(), "damaged metadata of an image".into(), true));
    }
    give(Part::Unread(String::new(), PIXELS.into(), true));
    Ok(())
}

struct Found<'a> {
    /// What was found, one value a line.
    text: String,
    damaged: usize,
    /// Bytes that may still be taken: entries may all point at the same value.
    left: usize,
    /// Blocks inside blocks.
    depth: usize,
    give: &'a mut dyn FnMut(Part),
}

impl Found<'_> {
    fn line(&mut self, text: &str) {
        let text = text.trim_matches(['\0', ' ']);
        if !text.is_empty() {
            self.text.push_str(text);
            self.text.push('\n');
        }
    }

    /// Whether so many bytes may still be taken; else the image is named.
    fn takes(&mut self, len: usize) -> bool {
        let takes = len <= self.left;
        self.left = if takes { self.left - len } else { 0 };
        self.damaged += usize::from(!takes);
        takes
    }

    /// A text of no declared character set.
    fn bytes(&mut self, bytes: &[u8]) {
        if !self.takes(bytes.len()) {
            return;
        }
        match encoding::decode(bytes) {
            Some((_, text)) => self.line(&text),
            None => self.line(&latin1(bytes)),
        }
    }

    fn xmp(&mut self, bytes: &[u8]) {
        if !self.takes(bytes.len()) {
            return;
        }
        (self.give)(Part::Content("(XMP)".into(), bytes.to_vec()));
    }

    fn unpacked(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        if flate2::read::ZlibDecoder::new(bytes).take(PACKED).read_to_end(&mut out).is_err()
            || out.len() as u64 == PACKED
        {
            self.damaged += 1;
        }
        out
    }

    /// PNG, third edition, sections 5.3 and 11.3.3.
    fn png(&mut self, bytes: &[u8]) {
        let mut rest = &bytes[8..];
        while let Some((head, after)) = rest.split_at_checked(8) {
            let len = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
            let Some(data) = after.get(..len) else {
                self.damaged += 1;
                return;
            };
            match &head[4..] {
                b"tEXt" => {
                    let (name, text) = split(data);
                    self.line(&latin1(name));
                    self.png_text(name, text.to_vec());
                }
                b"zTXt" => {
                    let (name, packed) = split(data);
                    self.line(&latin1(name));
                    let text = self.unpacked(packed.get(1..).unwrap_or_default());
                    self.png_text(name, text);
                }
                b"iTXt" => {
                    let (name, rest) = split(data);
                    let packed = rest.first() == Some(&1);
                    let (_, rest) = split(rest.get(2..).unwrap_or_default());
                    let (translated, text) = split(rest);
                    self.bytes(name);
                    self.bytes(translated);
                    let text = if packed { self.unpacked(text) } else { text.to_vec() };
                    self.png_text(name, text);
                }
                b"eXIf" => self.tiff(data),
                b"IEND" => return,
                _ => {}
            }
            rest = after.get(len + 4..).unwrap_or_default();
        }
    }

    fn png_text(&mut self, name: &[u8], text: Vec<u8>) {
        if name.starts_with(b"XML:com.adobe.xmp") {
            self.xmp(&text);
        } else if name.starts_with(b"Raw profile type ") {
            // ImageMagick's: a name, a length, and hexadecimal digits.
            let digits: Vec<u8> =
                text.split(|b| *b == b'\n').skip(3).flatten().copied().filter(u8::is_ascii_hexdigit).collect();
            let profile = hex::decode(&digits[..digits.len() & !1]).unwrap_or_default();
            self.profile(&profile);
        } else {
            self.bytes(&text);
        }
    }

    /// EXIF, XMP or IPTC, known by how it begins.
    fn profile(&mut self, bytes: &[u8]) {
        if let Some(exif) = bytes.strip_prefix(b"Exif\0\0") {
            self.tiff(exif);
        } else if bytes.starts_with(b"II*\0") || bytes.starts_with(b"MM\0*") {
            self.tiff(bytes);
        } else if bytes.starts_with(b"8BIM") {
            self.photoshop(bytes);
        } else if bytes.first() == Some(&0x1c) {
            self.iptc(bytes);
        } else {
            self.bytes(bytes);
        }
    }

    /// JPEG: ITU T.81, annex B; APP1 of EXIF and XMP, APP13 of Photoshop.
    fn jpeg(&mut self, bytes: &[u8]) {
        let mut at = 2;
        let mut extended = Vec::new();
        while let Some(&[0xff, marker]) = bytes.get(at..at + 2) {
            if marker == 0xff {
                at += 1;
                continue;
            }
            if marker == 0x01 || (0xd0..=0xd8).contains(&marker) {
                at += 2;
                continue;
            }
            if marker == 0xd9 {
                break;
            }
            let Some(len) = bytes.get(at + 2..at + 4).map(|b| usize::from(u16::from_be_bytes([b[0], b[1]]))) else {
                break;
            };
            let Some(data) = bytes.get(at + 4..at + 2 + len.max(2)) else {
                self.damaged += 1;
                break;
            };
            match marker {
                0xe1 => {
                    if let Some(exif) = data.strip_prefix(b"Exif\0\0") {
                        self.tiff(exif);
                    } else if let Some(xmp) = data.strip_prefix(b"http://ns.adobe.com/xap/1.0/\0") {
                        self.xmp(xmp);
                    } else if let Some(more) = data.strip_prefix(b"http://ns.adobe.com/xmp/extension/\0") {
                        extended.extend_from_slice(more.get(40..).unwrap_or_default());
                    }
                }
                0xed => {
                    if let Some(resources) = data.strip_prefix(b"Photoshop 3.0\0") {
                        self.photoshop(resources);
                    }
                }
                0xfe => self.bytes(data),
                _ => {}
            }
            at += 2 + len.max(2);
            // Behind the start of a scan come pixels up to the next marker.
            if marker == 0xda {
                let mut marks = memchr::memchr_iter(0xff, &bytes[at..]);
                let next = marks.find(|i| bytes.get(at + i + 1).is_some_and(|b| !matches!(b, 0 | 0xd0..=0xd7)));
                at = next.map_or(bytes.len(), |i| at + i);
            }
        }
        if !extended.is_empty() {
            self.xmp(&extended);
        }
    }

    /// Photoshop's image resources: `8BIM`, an id, a name, a length, data, padded to even.
    fn photoshop(&mut self, mut rest: &[u8]) {
        while let Some(after) = rest.strip_prefix(b"8BIM") {
            let Some(&[a, b, name]) = after.get(..3) else { return };
            let name = (usize::from(name) + 2) & !1;
            let Some(len) = after.get(2 + name..6 + name) else { return };
            let len = u32::from_be_bytes([len[0], len[1], len[2], len[3]]) as usize;
            let Some(data) = after.get(6 + name..).and_then(|d| d.get(..len)) else {
                self.damaged += 1;
                return;
            };
            match [a, b] {
                [4, 4] => self.iptc(data),
                [4, 0x22] => self.tiff(data),
                [4, 0x24] => self.xmp(data),
                // A caption and the like, among numbers.
                _ => {
                    self.bytes(after.get(3..2 + name).unwrap_or_default());
                    if len < 1 << 16 {
                        self.line(&latin1(&super::charsets::narrow_strings(data)));
                    }
                }
            }
            rest = after.get(6 + name + ((len + 1) & !1)..).unwrap_or_default();
        }
    }

    /// IPTC-IIM 4.2: 0x1c, record, data set, length, value.
    fn iptc(&mut self, mut rest: &[u8]) {
        while let Some(&[0x1c, _, _, high, low]) = rest.get(..5) {
            let len = usize::from(u16::from_be_bytes([high, low]));
            // Above 32 KiB the length's own length stands there; nobody writes such.
            let Some(value) = rest.get(5..5 + len).filter(|_| high < 0x80) else {
                self.damaged += 1;
                return;
            };
            self.bytes(value);
            rest = &rest[5 + len..];
        }
    }

    /// GIF89a, sections 24 and 26: comments and applications' data in sub-blocks.
    fn gif(&mut self, bytes: &[u8]) {
        let table = |packed: u8| if packed & 0x80 != 0 { 3 << ((packed & 7) + 1) } else { 0 };
        let Some(packed) = bytes.get(10) else { return };
        let mut at = 13 + table(*packed);
        loop {
            match bytes.get(at) {
                Some(0x21) => {
                    let label = bytes.get(at + 1).copied().unwrap_or_default();
                    let (data, end) = sub_blocks(bytes, at + 2);
                    match label {
                        0xfe | 0x01 => self.bytes(&data),
                        0xff if data.starts_with(b"XMP DataXMP") => {
                            // XMP is no sub-block itself: its letters count as lengths, up to a trailer that undoes it.
                            let xmp = bytes.get(at + 14..).unwrap_or_default();
                            let len = memchr::memmem::find(xmp, b"\x01\xff\xfe").unwrap_or(xmp.len());
                            self.xmp(&xmp[..len]);
                        }
                        0xff => self.bytes(&data),
                        _ => {}
                    }
                    at = end;
                }
                Some(0x2c) => {
                    let packed = bytes.get(at + 9).copied().unwrap_or_default();
                    at = sub_blocks(bytes, at + 11 + table(packed)).1;
                }
                Some(0x3b) => return,
                _ => {
                    self.damaged += 1;
                    return;
                }
            }
        }
    }

    fn webp(&mut self, bytes: &[u8]) {
        let mut rest = &bytes[12..];
        while let Some((head, after)) = rest.split_at_checked(8) {
            let len = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
            let Some(data) = after.get(..len) else {
                self.damaged += 1;
                return;
            };
            match &head[..4] {
                b"EXIF" => self.profile(data),
                b"XMP " => self.xmp(data),
                _ => {}
            }
            rest = after.get(len + (len & 1)..).unwrap_or_default();
        }
    }

    /// TIFF 6.0, section 2, in which EXIF is written too: directories of entries, each a tag, a type, a count and a value.
    fn tiff(&mut self, bytes: &[u8]) {
        if self.depth == DEEPEST {
            self.damaged += 1;
            return;
        }
        self.depth += 1;
        self.directories(bytes);
        self.depth -= 1;
    }

    fn directories(&mut self, bytes: &[u8]) {
        let big = match bytes.get(..4) {
            Some(b"II*\0") => false,
            Some(b"MM\0*") => true,
            _ => {
                self.damaged += 1;
                return;
            }
        };
        let short = |at: usize| -> Option<usize> {
            let b = bytes.get(at..at.checked_add(2)?)?;
            Some(usize::from(if big { u16::from_be_bytes([b[0], b[1]]) } else { u16::from_le_bytes([b[0], b[1]]) }))
        };
        let long = |at: usize| -> Option<usize> {
            let b: [u8; 4] = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
            usize::try_from(if big { u32::from_be_bytes(b) } else { u32::from_le_bytes(b) }).ok()
        };
        let mut seen = Vec::new();
        let mut todo: Vec<usize> = long(4).into_iter().collect();
        while let Some(at) = todo.pop() {
            if at == 0 || seen.contains(&at) {
                continue;
            }
            seen.push(at);
            let Some(entries) = short(at).filter(|_| seen.len() <= DIRECTORIES) else {
                self.damaged += 1;
                continue;
            };
            for entry in (0..entries).map(|i| at + 2 + 12 * i) {
                let (Some(tag), Some(kind), Some(count)) = (short(entry), short(entry + 2), long(entry + 4)) else {
                    self.damaged += 1;
                    break;
                };
                let size = match kind {
                    1 | 2 | 6 | 7 | 129 => 1,
                    3 => 2,
                    4 | 13 => 4,
                    _ => continue,
                };
                let len = count.saturating_mul(size);
                let from = if len <= 4 { Some(entry + 8) } else { long(entry + 8) };
                let value = from.and_then(|from| bytes.get(from..from.checked_add(len)?));
                let Some(value) = value else {
                    self.damaged += 1;
                    continue;
                };
                if self.left == 0 {
                    return;
                }
                match (tag, kind) {
                    // Sub-directories: EXIF, GPS, interoperability, TIFF's own.
                    (0x8769 | 0x8825 | 0xa005 | 0x014a, 4 | 13) => {
                        let base = from.unwrap_or_default();
                        todo.extend((0..count.min(DIRECTORIES)).filter_map(|i| long(base + 4 * i)));
                    }
                    (0x02bc, _) => self.xmp(value),
                    (0x83bb, _) => self.iptc(value),
                    (0x8649, _) => self.photoshop(value),
                    // Windows' title, comment, author, keywords, subject.
                    (0x9c9b..=0x9c9f, _) => {
                        let units: Vec<u16> = value.as_chunks::<2>().0.iter().map(|c| u16::from_le_bytes(*c)).collect();
                        self.line(&String::from_utf16_lossy(&units));
                    }
                    // User comment, place names: their character set stands in the first eight bytes.
                    (0x9286 | 0x001b | 0x001c, 7) => match value.split_at_checked(8) {
                        Some((b"UNICODE\0", text)) => {
                            let unit = |c: &[u8; 2]| if big { u16::from_be_bytes(*c) } else { u16::from_le_bytes(*c) };
                            let units: Vec<u16> = text.as_chunks::<2>().0.iter().map(unit).collect();
                            self.line(&String::from_utf16_lossy(&units));
                        }
                        Some((_, text)) => self.bytes(text),
                        None => self.bytes(value),
                    },
                    (_, 2 | 129) => value.split(|b| *b == 0).for_each(|text| self.bytes(text)),
                    // Makers' notes and other blocks: what is text in them.
                    (_, 1 | 7) if len > 4 && len < 1 << 20 && self.takes(len) => {
                        self.line(&latin1(&super::charsets::narrow_strings(value)));
                    }
                    _ => {}
                }
            }
            todo.extend(long(at + 2 + 12 * entries));
        }
    }
}

/// What stands in front of the first zero, and behind it.
fn split(bytes: &[u8]) -> (&[u8], &[u8]) {
    let at = memchr::memchr(0, bytes).unwrap_or(bytes.len());
    (&bytes[..at], bytes.get(at + 1..).unwrap_or_default())
}

/// GIF's sub-blocks from `at` on, put together, and where they end.
fn sub_blocks(bytes: &[u8], mut at: usize) -> (Vec<u8>, usize) {
    let mut data = Vec::new();
    while let Some(&len) = bytes.get(at) {
        at += 1;
        if len == 0 {
            break;
        }
        data.extend_from_slice(bytes.get(at..(at + usize::from(len)).min(bytes.len())).unwrap_or_default());
        at += usize::from(len);
    }
    (data, at)
}

#[cfg(test)]
#[path = "image_tests.rs"]
pub(crate) mod tests;

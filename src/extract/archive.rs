//! Archives: every member of a zip, a tar or a compressed file, nested, within limits. What cannot be read is named, never dropped.

use std::{
    collections::BTreeSet,
    io::{Cursor, Read},
};

use super::{
    embedded,
    format::{Format, Packing, by_signature},
    office,
    readers::{self, Part, Reader},
    streams,
};

/// Something that could not be read, or not in full.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Unread {
    /// The path, members as `outer.zip!inner.txt`. May hold a name, as paths do: mask it before it is shown.
    pub path: String,
    /// Why; says nothing of the content.
    pub reason: String,
    /// Whether a part of it was read all the same.
    pub partly: bool,
}

/// How much an archive may unpack to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one member.
    pub member: u64,
    /// Bytes of all members of one outermost file.
    pub total: u64,
    /// Unpacked bytes for each packed byte, once a member is larger than [`Limits::free`].
    pub ratio: u64,
    /// Unpacked bytes below which the ratio is not looked at.
    pub free: u64,
    /// Members of one outermost file.
    pub members: usize,
    /// Archives inside archives.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { member: 256 << 20, total: 1 << 30, ratio: 500, free: 16 << 20, members: 20_000, depth: 4 }
    }
}

/// A file, or the innermost member of an archive.
#[derive(Debug, Clone, Copy)]
pub struct Leaf<'a> {
    /// The path.
    pub path: &'a str,
    /// The content; empty for a folder inside an archive, of which only the name counts.
    pub bytes: &'a [u8],
    /// Whether it is a member of an archive.
    pub member: bool,
    /// Whether its positions lead nowhere in the outermost file: nothing can be cut out of it.
    pub opaque: bool,
    /// Whether what it shows to a reader is given as members of its own, or named as unread: its bytes are only its plain
    /// strings.
    pub read: bool,
}

/// Calls `visit` for `bytes`, or, where that is an archive, for every member; returns what could not be read. The raw
/// bytes of an archive that cannot be opened are visited themselves.
pub fn leaves(path: &str, bytes: &[u8], limits: &Limits, visit: &mut dyn FnMut(Leaf<'_>)) -> Vec<Unread> {
    let mut unpacker = Unpacker { limits, total: 0, members: 0, unread: Vec::new(), opaque: false, visit };
    unpacker.open(path, bytes, 0);
    unpacker.unread
}

struct Unpacker<'a> {
    limits: &'a Limits,
    total: u64,
    members: usize,
    unread: Vec<Unread>,
    /// Inside a mail: see [`Leaf::opaque`].
    opaque: bool,
    visit: &'a mut dyn FnMut(Leaf<'_>),
}

impl Unpacker<'_> {
    fn refuse(&mut self, path: &str, reason: impl Into<String>, partly: bool) {
        self.unread.push(Unread { path: path.to_owned(), reason: reason.into(), partly });
    }

    fn open(&mut self, path: &str, bytes: &[u8], depth: usize) {
        let Some(archive @ (Format::Packed(_) | Format::Zip | Format::Tar)) = by_signature(bytes) else {
            match Reader::of(bytes) {
                Some(reader) => self.document(reader, path, bytes, depth),
                None => {
                    self.leaf(path, bytes, depth > 0);
                    self.embedded(path, bytes, depth);
                }
            }
            return;
        };
        if depth >= self.limits.depth {
            self.refuse(path, format!("archives nested more than {} deep", self.limits.depth), false);
            return;
        }
        match archive {
            Format::Packed(packing) => self.packed(path, bytes, packing, depth),
            Format::Tar => self.tar(path, bytes, depth),
            _ => self.zip(path, bytes, depth),
        }
    }

    fn leaf(&mut self, path: &str, bytes: &[u8], member: bool) {
        (self.visit)(Leaf { path, bytes, member, opaque: self.opaque, read: false });
    }

    /// Archives, documents and images that a text holds as base64.
    fn embedded(&mut self, path: &str, bytes: &[u8], depth: usize) {
        for (at, content) in embedded::files(bytes) {
            self.members += 1;
            self.total += content.len() as u64;
            if depth >= self.limits.depth || self.members > self.limits.members || self.total > self.limits.total {
                self.refuse(path, "files in base64 beyond the limits: not opened", true);
                return;
            }
            let outer = std::mem::replace(&mut self.opaque, true);
            self.open(&format!("{path}!base64 at {at}"), &content, depth + 1);
            self.opaque = outer;
        }
    }

    /// A document: its own bytes, then what its reader makes of them.
    fn document(&mut self, reader: Reader, path: &str, bytes: &[u8], depth: usize) {
        (self.visit)(Leaf { path, bytes, member: depth > 0, opaque: self.opaque, read: reader.is_whole() });
        if depth >= self.limits.depth {
            self.refuse(path, "documents nested too deep: only its plain strings were searched", true);
            return;
        }
        let outer = std::mem::replace(&mut self.opaque, true);
        let before = self.members;
        let read = readers::read(reader, bytes, &mut |part| match part {
            Part::Content(name, content) => {
                self.members += 1;
                self.total += content.len() as u64;
                if self.members <= self.limits.members && self.total <= self.limits.total {
                    self.open(&format!("{path}!{name}"), &content, depth + 1);
                }
            }
            Part::Unread(name, why, partly) if name.is_empty() => self.refuse(path, why, partly),
            Part::Unread(name, why, partly) => self.refuse(&format!("{path}!{name}"), why, partly),
        });
        self.opaque = outer;
        if let Err(why) = read {
            self.refuse(path, why, true);
        }
        if self.members > self.limits.members && before <= self.limits.members {
            self.refuse(path, format!("more than {} members", self.limits.members), true);
        } else if self.total > self.limits.total {
            self.refuse(path, "the document unpacks to more than the limit", true);
        }
    }

    fn packed(&mut self, path: &str, bytes: &[u8], packing: Packing, depth: usize) {
        let member = format!("{path}!{}", inner_name(path, packing));
        if let Some(content) = self.unpack(&member, bytes.len() as u64, streams::unpacked(packing, bytes)) {
            self.open(&member, &content, depth + 1);
        }
    }

    fn tar(&mut self, path: &str, bytes: &[u8], depth: usize) {
        // Who owned the files stands in every header by name, and links name what they lead to. Names that are no UTF-8
        // are searched in every character set.
        let mut named = BTreeSet::new();
        let mut archive = tar::Archive::new(bytes);
        let entries = match archive.entries() {
            Ok(entries) => entries,
            Err(_) => {
                self.refuse(path, "damaged tar: only its plain strings were searched", true);
                self.leaf(path, bytes, depth > 0);
                return;
            }
        };
        for (i, entry) in entries.enumerate() {
            self.members += 1;
            if self.members > self.limits.members {
                self.refuse(path, format!("more than {} members", self.limits.members), true);
                break;
            }
            let Ok(mut entry) = entry else {
                // Without a header nobody knows where the next member begins.
                self.refuse(&format!("{path}!member {i}"), "damaged member: what follows was not read", false);
                self.leaf(path, bytes, depth > 0);
                break;
            };
            let member = format!("{path}!{}", String::from_utf8_lossy(&entry.path_bytes()));
            if std::str::from_utf8(&entry.path_bytes()).is_err() {
                named.insert(entry.path_bytes().into_owned());
            }
            let header = entry.header();
            for name in [header.username_bytes(), header.groupname_bytes()].into_iter().flatten() {
                named.insert(name.to_vec());
            }
            named.extend(entry.link_name_bytes().map(|l| l.into_owned()));
            let mut damaged = false;
            match entry.pax_extensions() {
                Ok(extensions) => {
                    for extension in extensions.into_iter().flatten() {
                        match extension {
                            Ok(e) => drop(named.insert([e.key_bytes(), b"=", e.value_bytes()].concat())),
                            Err(_) => damaged = true,
                        }
                    }
                }
                Err(_) => damaged = true,
            }
            if damaged {
                self.refuse(&member, "damaged header of a tar member", true);
            }
            let size = entry.size();
            // Whatever kind it calls itself (sparse, contiguous, unknown): what has bytes is read.
            if size == 0 && !entry.header().entry_type().is_file() {
                self.leaf(&member, b"", true);
                continue;
            }
            if let Some(content) = self.unpack(&member, size, &mut entry) {
                self.open(&member, &content, depth + 1);
            }
        }
        named.remove(&b""[..]);
        let named: Vec<u8> = named.into_iter().collect::<Vec<_>>().join(&b'\n');
        if !named.is_empty() {
            self.leaf(&format!("{path}!(owners, links)"), &named, true);
        }
    }

    fn zip(&mut self, path: &str, bytes: &[u8], depth: usize) {
        let mut archive = match zip::ZipArchive::new(Cursor::new(bytes)) {
            Ok(archive) => archive,
            Err(_) => {
                self.refuse(path, "damaged zip: only its plain strings were searched", true);
                self.leaf(path, bytes, depth > 0);
                return;
            }
        };
        if declared(bytes).is_some_and(|n| n != archive.len()) {
            // The reader keeps one of several members of one name.
            self.refuse(path, "members of the same name, or a damaged index: not all were read", true);
        }
        if !archive.comment().is_empty() {
            let comment = archive.comment().to_vec();
            self.leaf(&format!("{path}!(comment)"), &comment, true);
        }
        let mut named = Vec::new();
        let document = office::is_document(archive.file_names().flatten());
        for i in 0..archive.len() {
            self.members += 1;
            if self.members > self.limits.members {
                self.refuse(path, format!("more than {} members", self.limits.members), true);
                break;
            }
            let (name, packed, encrypted, folder) = match archive.by_index_raw(i) {
                Ok(file) => {
                    if std::str::from_utf8(file.name_raw()).is_err() {
                        named.extend_from_slice(file.name_raw());
                        named.push(b'\n');
                    }
                    if !file.comment_raw().is_empty() {
                        named.extend_from_slice(file.comment_raw());
                        named.push(b'\n');
                    }
                    (name_of(&file), file.compressed_size(), file.encrypted(), file.is_dir())
                }
                Err(_) => {
                    self.refuse(&format!("{path}!member {i}"), "damaged member", false);
                    continue;
                }
            };
            let member = format!("{path}!{name}");
            if folder || encrypted {
                self.leaf(&member, b"", true);
                if encrypted {
                    self.refuse(&member, "encrypted", false);
                }
                continue;
            }
            let content = match archive.by_index(i) {
                Ok(file) => self.unpack(&member, packed, file),
                Err(_) => {
                    self.leaf(&member, b"", true);
                    self.refuse(&member, "compressed in a way that is not read, or damaged", false);
                    continue;
                }
            };
            let Some(content) = content else { continue };
            // An XML part of a document is searched as its reader sees it.
            let part = document && name.ends_with(".xml");
            if !part {
                self.open(&member, &content, depth + 1);
                continue;
            }
            let mut text = None;
            let read = readers::read(Reader::Office, &content, &mut |part| match part {
                Part::Content(_, content) => text = Some(content),
                Part::Unread(_, why, partly) => self.refuse(&member, why, partly),
            });
            match (read, text) {
                (Ok(()), Some(text)) => self.leaf(&member, &text, true),
                (read, _) => {
                    if let Err(why) = read {
                        self.refuse(&member, why, true);
                    }
                    self.open(&member, &content, depth + 1);
                }
            }
        }
        self.names(path, &named);
    }

    /// Names of members that are no UTF-8, and comments, to be searched in every character set.
    fn names(&mut self, path: &str, named: &[u8]) {
        if !named.is_empty() {
            self.leaf(&format!("{path}!(names, comments)"), named, true);
        }
    }

    /// Reads a member within the limits; a part of it where it is damaged or too large, which is noted.
    fn unpack(&mut self, member: &str, packed: u64, reader: impl Read) -> Option<Vec<u8>> {
        let left = self.limits.total.saturating_sub(self.total);
        let by_ratio = self.limits.free.max(packed.saturating_mul(self.limits.ratio));
        let most = self.limits.member.min(left).min(by_ratio);
        if most == 0 {
            self.refuse(member, "the archive unpacks to more than the limit", false);
            return None;
        }
        let mut content = Vec::new();
        let result = reader.take(most + 1).read_to_end(&mut content);
        if content.len() as u64 > most {
            content.truncate(usize::try_from(most).unwrap_or(usize::MAX));
            self.refuse(member, format!("larger than the limit: only its first {most} bytes were searched"), true);
        } else if result.is_err() {
            self.refuse(member, format!("damaged after {} bytes", content.len()), !content.is_empty());
        }
        self.total += content.len() as u64;
        Some(content)
    }
}

fn name_of<R: Read>(file: &zip::read::ZipFile<'_, R>) -> String {
    file.name().map_or_else(|_| String::from_utf8_lossy(file.name_raw()).into_owned(), |n| n.into_owned())
}

/// What the content of a compressed file is called: its name without the ending.
fn inner_name(path: &str, packing: Packing) -> String {
    let name = path.rsplit(['/', '!']).next().unwrap_or(path);
    let (ending, tar) = match packing {
        Packing::Gzip => (".gz", ".tgz"),
        Packing::Bzip2 => (".bz2", ".tbz2"),
        Packing::Xz => (".xz", ".txz"),
        Packing::Zstd => (".zst", ".tzst"),
    };
    name.strip_suffix(ending).map_or_else(
        || name.strip_suffix(tar).map_or_else(|| "content".to_owned(), |n| format!("{n}.tar")),
        str::to_owned,
    )
}

/// The number of members that a zip's end record declares; `None` where that is in the 64-bit record.
fn declared(bytes: &[u8]) -> Option<usize> {
    let end = memchr::memmem::rfind(bytes, b"PK\x05\x06")?;
    let count = bytes.get(end + 10..end + 12)?;
    let count = u16::from_le_bytes([count[0], count[1]]);
    (count != u16::MAX).then_some(usize::from(count))
}

/// The whole content of a gzip file, for editing it.
///
/// # Errors
/// When it is damaged or larger than `most` bytes.
pub fn gunzip(bytes: &[u8], most: u64) -> std::io::Result<Vec<u8>> {
    let mut content = Vec::new();
    flate2::read::MultiGzDecoder::new(bytes).take(most + 1).read_to_end(&mut content)?;
    if content.len() as u64 > most {
        return Err(std::io::Error::new(std::io::ErrorKind::FileTooLarge, "larger than the limit"));
    }
    Ok(content)
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::Write;

    use super::*;

    pub(crate) fn gz(bytes: &[u8]) -> Vec<u8> {
        let mut w = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        w.write_all(bytes).unwrap();
        w.finish().unwrap()
    }

    pub(crate) fn zipped(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut w = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in members {
            w.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
            w.write_all(bytes).unwrap();
        }
        w.finish().unwrap().into_inner()
    }

    pub(crate) fn all(path: &str, bytes: &[u8], limits: &Limits) -> (Vec<(String, Vec<u8>)>, Vec<Unread>) {
        let mut seen = Vec::new();
        let unread = leaves(path, bytes, limits, &mut |leaf| seen.push((leaf.path.to_owned(), leaf.bytes.to_vec())));
        (seen, unread)
    }

    #[test]
    fn members_have_their_path() {
        let inner = zipped(&[("d/c.txt", b"deep")]);
        let outer = zipped(&[("a.txt", b"one"), ("b.zip", &inner), ("l.log.gz", &gz(b"line"))]);
        let (seen, unread) = all("x/o.zip", &outer, &Limits::default());
        let paths: Vec<_> = seen.iter().map(|(p, b)| (p.as_str(), b.as_slice())).collect();
        assert_eq!(
            paths,
            [("x/o.zip!a.txt", &b"one"[..]), ("x/o.zip!b.zip!d/c.txt", b"deep"), ("x/o.zip!l.log.gz!l.log", b"line"),]
        );
        assert_eq!(unread, []);
    }

    #[test]
    fn limits_are_named_not_silent() {
        let mut nested = zipped(&[("x.txt", b"x")]);
        for _ in 0..5 {
            nested = zipped(&[("n.zip", &nested)]);
        }
        let (seen, unread) = all("n.zip", &nested, &Limits::default());
        assert!(seen.is_empty());
        assert!(unread[0].reason.contains("nested"), "{unread:?}");

        let bomb = gz(&vec![b'0'; 1 << 20]);
        let tight = Limits { free: 1000, ratio: 10, ..Limits::default() };
        let (seen, unread) = all("b.gz", &bomb, &tight);
        assert!(seen[0].1.len() < 20_000);
        assert!(unread[0].partly);

        let many = zipped(&[("a", b""), ("b", b""), ("c", b"")]);
        let (_, unread) = all("m.zip", &many, &Limits { members: 2, ..Limits::default() });
        assert_eq!(unread.len(), 1);
    }

    #[test]
    fn damaged_archives_are_named() {
        let whole = gz(&(0..40_000u32).flat_map(u32::to_le_bytes).collect::<Vec<_>>());
        let (seen, unread) = all("x.gz", &whole[..whole.len() / 2], &Limits::default());
        assert!(!seen[0].1.is_empty());
        assert!(unread[0].reason.starts_with("damaged after"));
        let (seen, unread) = all("x.zip", b"PK\x03\x04 zoe.x@corp.example", &Limits::default());
        assert_eq!(seen.len(), 1);
        assert_eq!(unread.len(), 1);
    }

    /// A tar whose member is owned by `owner` and that holds a link to `link`.
    pub(crate) fn tarred(members: &[(&str, &[u8])], owner: &str, link: &str) -> Vec<u8> {
        let mut w = tar::Builder::new(Vec::new());
        let header = |kind, size| {
            let mut header = tar::Header::new_ustar();
            header.set_entry_type(kind);
            header.set_size(size);
            header.set_mode(0o644);
            header.set_username(owner).unwrap();
            header.set_cksum();
            header
        };
        for (name, bytes) in members {
            w.append_data(&mut header(tar::EntryType::Regular, bytes.len() as u64), name, *bytes).unwrap();
        }
        w.append_link(&mut header(tar::EntryType::Symlink, 0), "link", link).unwrap();
        w.into_inner().unwrap()
    }

    #[test]
    fn tar_members_owners_and_links() {
        let long = format!("{}/long.txt", "folder".repeat(40));
        let tar = tarred(&[("d/a.txt", b"one"), ("b.gz", &gz(b"two")), (&long, b"three")], "zquill", "to/somebody");
        let packed = gz(&tar);
        let (seen, unread) = all("x.tgz", &packed, &Limits::default());
        let of = |path: &str| seen.iter().find(|(p, _)| p == path).map(|(_, b)| b.as_slice());
        assert_eq!(of("x.tgz!x.tar!d/a.txt"), Some(&b"one"[..]));
        assert_eq!(of("x.tgz!x.tar!b.gz!b"), Some(&b"two"[..]));
        assert_eq!(of(&format!("x.tgz!x.tar!{long}")), Some(&b"three"[..]));
        assert_eq!(of("x.tgz!x.tar!link"), Some(&b""[..]));
        assert_eq!(of("x.tgz!x.tar!(owners, links)"), Some(&b"to/somebody\nzquill"[..]));
        assert_eq!(unread, []);

        let (seen, unread) = all("cut.tar", &tar[..tar.len() / 2], &Limits::default());
        assert!(seen.iter().any(|(p, _)| p == "cut.tar!d/a.txt"));
        assert_eq!(unread.len(), 1, "{unread:?}");
        let (_, unread) = all("x.tar", &tar, &Limits { members: 2, ..Limits::default() });
        assert!(unread[0].reason.contains("more than 2"), "{unread:?}");
        // A kind that few know has content all the same.
        let mut w = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(tar::EntryType::Continuous);
        header.set_size(4);
        w.append_data(&mut header, "c.txt", &b"four"[..]).unwrap();
        let (seen, _) = all("x.tar", &w.into_inner().unwrap(), &Limits::default());
        assert_eq!(seen[0], ("x.tar!c.txt".to_owned(), b"four".to_vec()));
        // An old header, from before ustar, is known by its checksum.
        let mut old = tar::Header::new_old();
        old.set_path("o.txt").unwrap();
        old.set_size(0);
        old.set_cksum();
        assert_eq!(by_signature(old.as_bytes()), Some(Format::Tar));
        old.as_mut_bytes()[0] ^= 1;
        assert_eq!(by_signature(old.as_bytes()), None);
    }

    #[test]
    fn a_damaged_part_of_a_document_is_named() {
        let docx = zipped(&[("[Content_Types].xml", b"<a/>"), ("word/document.xml", b"<w:p>Zoe</w:p><broken")]);
        let (seen, unread) = all("a.docx", &docx, &Limits::default());
        assert!(seen.iter().any(|(_, bytes)| bytes.ends_with(b"<broken")), "its raw text is searched");
        assert_eq!((unread.len(), unread[0].path.as_str()), (1, "a.docx!word/document.xml"));
    }

    /// `two` compressed by bzip2, xz and zstd as their own programs write it, in two streams and with a frame to skip.
    #[test]
    fn streams_of_other_programs() {
        use base64::{Engine as _, engine::general_purpose::STANDARD};
        let of = |text: &str| STANDARD.decode(text).unwrap();
        for (name, bytes) in [("x.bz2", of(BZIP2)), ("x.xz", of(XZ)), ("x.zst", of(ZSTD))] {
            let twice = [bytes.clone(), bytes.clone()].concat();
            let (seen, unread) = all(name, &twice, &Limits::default());
            assert_eq!(seen, [(format!("{name}!x"), b"Zoe Quill\nZoe Quill\n".to_vec())], "{name}");
            assert_eq!(unread, []);
            let (_, unread) = all(name, &bytes[..bytes.len() - 9], &Limits::default());
            assert!(unread[0].reason.starts_with("damaged after"), "{name}: {unread:?}");
            let tight = Limits { member: 12, ..Limits::default() };
            let (seen, unread) = all(name, &twice, &tight);
            assert_eq!((seen[0].1.len(), unread[0].partly), (12, true), "{name}");
        }
        let skipped = [&of(ZSTD)[..], b"\x50\x2a\x4d\x18\x03\0\0\0abc", &of(ZSTD)[..]].concat();
        let (seen, unread) = all("x.zst", &skipped, &Limits::default());
        assert_eq!((seen[0].1.len(), unread.len()), (20, 0));
    }

    const BZIP2: &str = "QlpoOTFBWSZTWbb/3VgAAAHTgAAQQAAgEAIkggAgACIGmj1CDJiNaXDA8XckU4UJC2/91YA=";
    const XZ: &str = "/Td6WFoAAATm1rRGAgAhARYAAAB0L+WjAQAJWm9lIFF1aWxsCgAAAPCn3SnYZOWwAAEiChUa4WcftvN9AQAAAAAEWVo=";
    const ZSTD: &str = "KLUv/QRYUQAAWm9lIFF1aWxsChhC/tM=";
}

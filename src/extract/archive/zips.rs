//! Zip archives: their members by whatever method they are packed, names and comments, what no index lists any more, and
//! what is left of a torn one.

use std::{
    io::{Cursor, Read},
    ops::Range,
};

use zip::CompressionMethod as Method;

use super::{Unpacker, office, streams};
use crate::extract::readers::{self, Part, Reader};

const LOCAL: &[u8] = b"PK\x03\x04";
const END: &[u8] = b"PK\x05\x06";

/// A stretch that belongs to no member is searched from this length on, in bytes: shorter ones are sizes and checksums.
const STRAY: usize = 32;

/// Whether a zip ends here, whatever stands in front of it (APPNOTE.TXT, 4.1.9): its end record is searched for only where
/// it is sure to be cheap, or where the first bytes are no text.
pub(super) fn ends(bytes: &[u8]) -> bool {
    let Some(last) = bytes.len().checked_sub(22) else { return false };
    if bytes[last..].starts_with(END) {
        return true;
    }
    let start = &bytes[..bytes.len().min(4096)];
    let likely = start.starts_with(b"#!") || start.starts_with(b"MZ") || memchr::memchr(0, start).is_some();
    likely && end_record(bytes).is_some()
}

/// Whether an end record that was found is one, though the zip cannot be opened: programs that read zips have the same four
/// bytes in their code, and then no comment that ends with the file and no index that fits in front.
pub(super) fn is_sure(bytes: &[u8]) -> bool {
    let Some(at) = end_record(bytes) else { return false };
    let Some(record) = bytes.get(at..at + 22) else { return false };
    let long = |i: usize| u64::from(u32::from_le_bytes([record[i], record[i + 1], record[i + 2], record[i + 3]]));
    let comment = usize::from(u16::from_le_bytes([record[20], record[21]]));
    at + 22 + comment == bytes.len() || long(12) + long(16) <= at as u64
}

/// Where the end record begins.
fn end_record(bytes: &[u8]) -> Option<usize> {
    let from = bytes.len().saturating_sub(22 + usize::from(u16::MAX));
    memchr::memmem::rfind(&bytes[from..], END).map(|at| from + at)
}

/// The number of members that a zip's end record declares; `None` where that is in the 64-bit record.
fn declared(bytes: &[u8]) -> Option<usize> {
    let end = end_record(bytes)?;
    let count = bytes.get(end + 10..end + 12)?;
    let count = u16::from_le_bytes([count[0], count[1]]);
    (count != u16::MAX).then_some(usize::from(count))
}

/// A member as the header in front of its content describes it (APPNOTE.TXT, 4.3.7).
struct Local<'a> {
    name: &'a [u8],
    flags: u16,
    method: u16,
    size: u64,
    /// Where its content begins, packed.
    from: usize,
    /// The length of that; `None` where it stands behind it.
    packed: Option<usize>,
}

impl<'a> Local<'a> {
    fn at(bytes: &'a [u8], at: usize) -> Option<Self> {
        let head = bytes.get(at..at + 30).filter(|h| h.starts_with(LOCAL))?;
        let short = |i: usize| u16::from_le_bytes([head[i], head[i + 1]]);
        let long = |i: usize| u32::from_le_bytes([head[i], head[i + 1], head[i + 2], head[i + 3]]);
        let name = bytes.get(at + 30..at + 30 + usize::from(short(26)))?;
        let from = at + 30 + name.len() + usize::from(short(28));
        bytes.get(from..)?;
        let said = |i: usize| Some(long(i)).filter(|n| short(6) & 8 == 0 && *n != u32::MAX);
        let size = said(22).map_or(u64::MAX, u64::from);
        Some(Self { name, flags: short(6), method: short(8), size, from, packed: said(18).map(|n| n as usize) })
    }

    /// Its content, packed: up to the next header where no length is said. One search, since a file of nothing but headers
    /// asks as often as it has any.
    fn content(&self, bytes: &[u8]) -> Range<usize> {
        let to = self.packed.map_or_else(
            || {
                let mut headers = memchr::memmem::find_iter(&bytes[self.from..], b"PK").map(|i| self.from + i);
                headers.find(|at| matches!(bytes.get(at + 2..at + 4), Some([3, 4] | [7, 8] | [1, 2])))
            },
            |length| Some(self.from + length),
        );
        self.from..to.unwrap_or(bytes.len()).min(bytes.len())
    }
}

/// The stretches of `0..len` that no member covers.
fn uncovered(mut members: Vec<Range<usize>>, len: usize) -> Vec<Range<usize>> {
    members.sort_by_key(|r| (r.start, r.end));
    let mut out = Vec::new();
    let mut at = 0;
    for member in members {
        if member.start > at {
            out.push(at..member.start);
        }
        at = at.max(member.end);
    }
    if at < len {
        out.push(at..len);
    }
    out
}

impl Unpacker<'_> {
    /// A zip, which may stand behind other bytes; false where it cannot be opened at all.
    pub(super) fn zip(&mut self, path: &str, bytes: &[u8], depth: usize) -> bool {
        let Ok(mut archive) = zip::ZipArchive::new(Cursor::new(bytes)) else { return false };
        if !archive.comment().is_empty() {
            let comment = archive.comment().to_vec();
            self.leaf(&format!("{path}!(comment)"), &comment, true);
        }
        let mut named = Vec::new();
        let mut covered = Vec::new();
        let document = office::is_document(archive.file_names().flatten());
        let mut whole = true;
        for i in 0..archive.len() {
            self.members += 1;
            if self.members > self.limits.members {
                self.refuse(path, format!("more than {} members", self.limits.members), true);
                whole = false;
                break;
            }
            let (name, (size, packed), encrypted, folder, header, known) = match archive.by_index_raw(i) {
                Ok(file) => {
                    if std::str::from_utf8(file.name_raw()).is_err() {
                        named.extend_from_slice(file.name_raw());
                        named.push(b'\n');
                    }
                    if !file.comment_raw().is_empty() {
                        named.extend_from_slice(file.comment_raw());
                        named.push(b'\n');
                    }
                    // Names and comments in Unicode beside those in an old character set (APPNOTE.TXT, 4.6.8 and 4.6.9).
                    if let Some(extra) = file.extra_data().filter(|e| e.windows(2).any(|w| w == b"up" || w == b"uc")) {
                        named.extend_from_slice(&extra);
                        named.push(b'\n');
                    }
                    let header = usize::try_from(file.header_start()).unwrap_or(usize::MAX);
                    let data = Local::at(bytes, header).map_or(header, |l| l.from);
                    let end = data.saturating_add(usize::try_from(file.compressed_size()).unwrap_or(0));
                    covered.push(header..end.min(bytes.len()).max(header));
                    let known = matches!(file.compression(), Method::Stored | Method::Deflated | Method::Deflate64);
                    let sizes = (file.size(), file.compressed_size());
                    (name_of(&file), sizes, file.encrypted(), file.is_dir(), header, known)
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
                Ok(file) if known => self.unpack(&member, packed, file),
                _ => {
                    let local = Local::at(bytes, header);
                    let data = covered.last().and_then(|r| Some(local.as_ref()?.from..r.end)).unwrap_or(0..0);
                    let method = local.map_or(u16::MAX, |l| l.method);
                    self.other_method(&member, bytes.get(data).unwrap_or_default(), method, size)
                }
            };
            let Some(content) = content else { continue };
            // An XML part of a document is searched as its reader sees it.
            if document && office::is_part(&name) {
                self.part(&member, &content, depth);
            } else {
                self.open(&member, &content, depth + 1);
            }
        }
        self.names(path, &named);
        if whole {
            let missing = declared(bytes).map_or(0, |n| n.abs_diff(archive.len()));
            let index = usize::try_from(archive.central_directory_start()).unwrap_or(0).min(bytes.len());
            let strays = uncovered(covered, index);
            let found = strays.into_iter().map(|stray| self.stray(path, bytes, stray, depth)).sum::<usize>();
            if found < missing {
                // The reader keeps one of several members of one name.
                self.refuse(path, "members of the same name, or a damaged index: not all were read", true);
            }
        }
        true
    }

    /// What lies in a zip and is in no index: members that were replaced or deleted, blocks of other programs. Gives how
    /// many members it held.
    fn stray(&mut self, path: &str, bytes: &[u8], stray: Range<usize>, depth: usize) -> usize {
        // In front of the first member the file itself stands, which is searched as what it is.
        if stray.len() < STRAY || (stray.start == 0 && !bytes.starts_with(LOCAL)) {
            return 0;
        }
        let outer = std::mem::replace(&mut self.opaque, true);
        let stretch = &bytes[stray.clone()];
        let found = self.local_members(path, stretch, depth);
        (self.visit)(super::Leaf {
            path: &format!("{path}!(between members, at {})", stray.start),
            bytes: stretch,
            member: true,
            opaque: true,
            read: true,
        });
        self.opaque = outer;
        found
    }

    /// A zip without an index, torn or otherwise damaged: what its members' own headers say. Gives how many were read.
    pub(super) fn local_members(&mut self, path: &str, bytes: &[u8], depth: usize) -> usize {
        let (mut at, mut found) = (0, 0);
        while let Some(i) = memchr::memmem::find(&bytes[at..], LOCAL) {
            at += i;
            let Some(local) = Local::at(bytes, at) else {
                at += LOCAL.len();
                continue;
            };
            self.members += 1;
            if self.members > self.limits.members {
                self.refuse(path, format!("more than {} members", self.limits.members), true);
                break;
            }
            found += 1;
            let member = format!("{path}!{}", String::from_utf8_lossy(local.name));
            if std::str::from_utf8(local.name).is_err() {
                self.names(path, local.name);
            }
            let content = local.content(bytes);
            let packed = &bytes[content.clone()];
            if local.flags & 1 != 0 {
                self.leaf(&member, b"", true);
                self.refuse(&member, "encrypted", false);
            } else if let Some(unpacked) = self.other_method(&member, packed, local.method, local.size) {
                self.open(&member, &unpacked, depth + 1);
            }
            at = content.end.max(at + LOCAL.len());
        }
        found
    }

    /// Unpacks a member by its method; names what no decoder here reads.
    fn other_method(&mut self, member: &str, packed: &[u8], method: u16, size: u64) -> Option<Vec<u8>> {
        match streams::zip_method(method, packed, size) {
            Some(reader) => {
                // One who knows how long it is stops there, since some methods do not say it themselves.
                self.unpack(member, packed.len() as u64, reader.take(size))
            }
            None => {
                self.leaf(member, b"", true);
                self.refuse(member, "compressed in a way that is not read, or damaged", false);
                None
            }
        }
    }

    /// An XML part of an office document.
    fn part(&mut self, member: &str, content: &[u8], depth: usize) {
        let mut text = None;
        let read = readers::read(Reader::Office, content, &mut |part| match part {
            Part::Content(_, content) => text = Some(content),
            Part::Unread(_, why, partly) => self.refuse(member, why, partly),
        });
        match (read, text) {
            (Ok(()), Some(text)) => {
                self.leaf(member, &text, true);
                self.embedded(member, 0, &text, depth + 1, &mut [0; 2]);
            }
            (read, _) => {
                if let Err(why) = read {
                    self.refuse(member, why, true);
                }
                self.open(member, content, depth + 1);
            }
        }
    }

    /// Names of members that are no UTF-8, and comments, to be searched in every character set.
    fn names(&mut self, path: &str, named: &[u8]) {
        if !named.is_empty() {
            self.leaf(&format!("{path}!(names, comments)"), named, true);
        }
    }
}

fn name_of<R: Read>(file: &zip::read::ZipFile<'_, R>) -> String {
    file.name().map_or_else(|_| String::from_utf8_lossy(file.name_raw()).into_owned(), |n| n.into_owned())
}

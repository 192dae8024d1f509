//! Archives: every member of a zip, a tar or a compressed file, nested, within limits. What cannot be read is named, never dropped.

mod tars;
mod zips;

use std::io::Read;

use super::{
    embedded::{self, Embedded},
    encoding::latin1,
    format::{Format, Packing, by_signature},
    office,
    readers::{self, Part, Reader},
    streams::{self, Notes},
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
        Self { member: 256 << 20, total: 1 << 30, ratio: 500, free: 16 << 20, members: 20_000, depth: 32 }
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

/// Files inside a text that is read a block at a time, none of them lying across two.
pub(crate) struct Inside<'a> {
    limits: &'a Limits,
    total: u64,
    members: usize,
    /// Files in base64, and files that uuencode wrote.
    found: [usize; 2],
}

impl<'a> Inside<'a> {
    pub(crate) const fn new(limits: &'a Limits) -> Self {
        Self { limits, total: 0, members: 0, found: [0; 2] }
    }

    /// Calls `visit` for the files of a block that begins `before` bytes behind the beginning of the text at `path`.
    pub(crate) fn block(
        &mut self,
        path: &str,
        before: usize,
        bytes: &[u8],
        visit: &mut dyn FnMut(Leaf<'_>),
    ) -> Vec<Unread> {
        let Self { limits, total, members, .. } = *self;
        let mut unpacker = Unpacker { limits, total, members, unread: Vec::new(), opaque: false, visit };
        unpacker.embedded(path, before, bytes, 0, &mut self.found);
        (self.total, self.members) = (unpacker.total, unpacker.members);
        unpacker.unread
    }
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
        match by_signature(bytes) {
            Some(archive @ (Format::Packed(_) | Format::Zip | Format::Tar | Format::Ar)) => {
                self.archive(path, bytes, archive, depth);
            }
            _ => {
                match Reader::of(bytes) {
                    Some(reader) => self.document(reader, path, bytes, depth),
                    None => {
                        self.leaf(path, bytes, depth > 0);
                        self.embedded(path, 0, bytes, depth, &mut [0; 2]);
                    }
                }
                self.behind(path, bytes, depth);
            }
        }
    }

    fn archive(&mut self, path: &str, bytes: &[u8], archive: Format<'_>, depth: usize) {
        if depth >= self.limits.depth {
            self.refuse(path, format!("archives nested more than {} deep", self.limits.depth), false);
            return;
        }
        match archive {
            Format::Packed(packing) => self.packed(path, bytes, packing, depth),
            Format::Tar => self.tar(path, bytes, depth),
            Format::Ar => self.ar(path, bytes, depth),
            _ => {
                if !self.zip(path, bytes, depth) {
                    self.refuse(
                        path,
                        "damaged zip: what is left of its members and its plain strings were searched",
                        true,
                    );
                    self.local_members(path, bytes, depth);
                    self.raw(path, bytes, depth);
                }
            }
        }
    }

    /// An archive behind other bytes: of a program or a script that unpacks itself. Whoever cuts sees the file as what it
    /// begins as, so that nothing in the archive can be cut out.
    fn behind(&mut self, path: &str, bytes: &[u8], depth: usize) {
        let outer = std::mem::replace(&mut self.opaque, true);
        if zips::ends(bytes) {
            if depth < self.limits.depth {
                // What stands in front is searched as what it is, plain strings of the zip with it.
                if !self.zip(path, bytes, depth) && zips::is_sure(bytes) {
                    self.refuse(path, "damaged zip behind other bytes: what is left of its members was searched", true);
                    self.local_members(path, bytes, depth);
                }
            } else {
                self.refuse(path, format!("archives nested more than {} deep", self.limits.depth), true);
            }
        }
        if let Some(at) = streams::carried(bytes) {
            self.open(&format!("{path}!from byte {at}"), &bytes[at..], depth + 1);
        }
        self.opaque = outer;
    }

    /// The bytes of an archive that could not be read as one, for their plain strings; somebody has said so already.
    fn raw(&mut self, path: &str, bytes: &[u8], depth: usize) {
        (self.visit)(Leaf { path, bytes, member: depth > 0, opaque: true, read: true });
    }

    fn leaf(&mut self, path: &str, bytes: &[u8], member: bool) {
        (self.visit)(Leaf { path, bytes, member, opaque: self.opaque, read: false });
    }

    /// Files that a text holds as base64, or as uuencode writes them. `before`: bytes of the text before these. `found`: see
    /// [`Inside::found`].
    fn embedded(&mut self, path: &str, before: usize, bytes: &[u8], depth: usize, found: &mut [usize; 2]) {
        for file in embedded::files(bytes) {
            let (name, content, kind) = match file {
                Embedded::Base64(at, content) => (format!("base64 at {}", before + at), content, 0),
                Embedded::Uuencoded(name, content) => (name, content, 1),
            };
            self.inside(path, &name, &content, depth, &mut found[kind]);
        }
    }

    /// Opens a file inside a text. `found` counts them; above [`embedded::MOST`] somebody has been told that there are more.
    fn inside(&mut self, path: &str, name: &str, content: &[u8], depth: usize, found: &mut usize) {
        if *found > embedded::MOST {
            return;
        }
        *found += 1;
        if *found > embedded::MOST {
            let most = embedded::MOST;
            self.refuse(path, format!("more than {most} files inside a text: not all were opened"), true);
            return;
        }
        self.members += 1;
        self.total += content.len() as u64;
        if depth >= self.limits.depth || self.members > self.limits.members || self.total > self.limits.total {
            self.refuse(path, "files inside a text beyond the limits: not opened", true);
            *found = embedded::MOST + 1;
            return;
        }
        let outer = std::mem::replace(&mut self.opaque, true);
        self.open(&format!("{path}!{name}"), content, depth + 1);
        self.opaque = outer;
    }

    /// A document: its own bytes, then what its reader makes of them.
    fn document(&mut self, reader: Reader, path: &str, bytes: &[u8], depth: usize) {
        (self.visit)(Leaf { path, bytes, member: depth > 0, opaque: self.opaque, read: reader.is_whole() });
        if depth >= self.limits.depth {
            self.refuse(path, "documents nested too deep: only its plain strings were searched", true);
            return;
        }
        if reader == Reader::Mail {
            let mut found = 0;
            for (name, content) in embedded::uuencoded(bytes) {
                self.inside(path, &name, &content, depth, &mut found);
            }
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
        let mut notes = Notes::default();
        let refused = self.unread.len();
        let content = self.unpack(&member, bytes.len() as u64, streams::unpacked(packing, bytes, &mut notes));
        // Some kinds have no signature worth the name: where nothing comes out, it was none of them.
        let none = packing.is_guess() && self.unread.len() > refused && content.as_ref().is_some_and(Vec::is_empty);
        if none {
            self.unread.truncate(refused);
            self.leaf(path, bytes, depth > 0);
            return;
        }
        let damaged = self.unread.len() > refused;
        self.notes(path, &notes);
        if let Some(content) = content {
            self.open(&member, &content, depth + 1);
        }
        if damaged {
            self.raw(path, bytes, depth);
        }
    }

    /// What the headers of a compressed file say: nothing that could be cut out, since its content is all that is edited.
    fn notes(&mut self, path: &str, notes: &Notes) {
        let outer = std::mem::replace(&mut self.opaque, true);
        for name in &notes.names {
            let name = std::str::from_utf8(name).map_or_else(|_| latin1(name), str::to_owned);
            self.leaf(&format!("{path}!{name}"), b"", true);
        }
        let all = notes.names.iter().chain(&notes.others).map(Vec::as_slice).collect::<Vec<_>>().join(&b'\n');
        if !all.is_empty() {
            self.leaf(&format!("{path}!(name, comment)"), &all, true);
        }
        if notes.left_out {
            self.refuse(path, "more names and comments than are kept", true);
        }
        self.opaque = outer;
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

/// What the content of a compressed file is called: its name without the ending.
fn inner_name(path: &str, packing: Packing) -> String {
    let name = path.rsplit(['/', '!']).next().unwrap_or(path);
    let (ending, tar) = match packing {
        Packing::Gzip => (".gz", ".tgz"),
        Packing::Bzip2 => (".bz2", ".tbz2"),
        Packing::Xz => (".xz", ".txz"),
        Packing::Zstd => (".zst", ".tzst"),
        Packing::Lzma => (".lzma", ".tlz"),
        Packing::Lzip => (".lz", ".tlz"),
        Packing::Zlib => (".zz", ".zlib"),
    };
    name.strip_suffix(ending).map_or_else(
        || name.strip_suffix(tar).map_or_else(|| "content".to_owned(), |n| format!("{n}.tar")),
        str::to_owned,
    )
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
#[path = "archive/tests.rs"]
pub(crate) mod tests;

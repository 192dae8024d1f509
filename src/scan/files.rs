//! Scanning a folder: every file below it, in parallel, with one coverage that says what was not read.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{Read, Seek},
    path::Path,
    sync::{Mutex, mpsc},
};

use sha2::{Digest, Sha256};

use super::{
    bytes::{blocks::Blocks, scan_bytes, scan_name, scan_raw_name},
    context::{Context, Fields},
    seen::{Past, Seen, Stamp},
};
use crate::{
    extract::{Limits, Unread},
    fs::{
        open::Root,
        walk::{Entry, EntryKind, walk},
    },
    model::{Coverage, CoverageStatus, Place, RecordRef, RecordTimes, RecordType, Reference},
    subject::Matcher,
};

/// Files above this size (bytes) are searched up to it and named as partial.
const LARGEST: u64 = 256 << 20;

/// A worker gives its buffer back above this size (bytes).
const KEPT: usize = 64 << 20;

/// What is read of a file at first, in bytes, and of a large file of JSON records at a time: it stays in a processor's caches.
const BLOCK: usize = 256 << 10;

/// Records are read a block at a time up to about half this size (bytes).
const LARGEST_BLOCK: usize = 16 << 20;

/// The most entries handed to a worker at once.
const BATCH: usize = 64;

/// The first entries go out one by one, later ones by ever more, so that a few large files occupy every worker.
fn batch(walked: usize) -> usize {
    (walked / 16).clamp(1, BATCH)
}

/// What a folder held.
#[derive(Debug)]
pub struct FolderScan {
    /// The references, in the order of the walk.
    pub references: Vec<Reference>,
    /// How far the folder was read.
    pub coverage: Coverage,
    /// What was not read, or not in full. Paths may hold names.
    pub unread: Vec<Unread>,
    /// By relative path, the SHA-256 (hex) of the very bytes in which something was found. Names have none.
    pub digests: BTreeMap<String, String>,
}

/// Scans every file below `root` with `threads` workers. Every instance's identifiers apply. Paths are relative to
/// `root`; names of files and folders are searched too (field `name`). What `seen` knows is taken from it, and it is told
/// what came of the rest.
#[must_use]
pub fn scan_folder(
    root: &Path,
    place: Place,
    record_type: RecordType,
    matcher: &Matcher,
    threads: usize,
    seen: Option<&dyn Seen>,
) -> FolderScan {
    search_folder(root, place, record_type, matcher, threads, seen, true)
}

/// As [`scan_folder`]; `digests` says whether files in which something was found are to be known again.
pub(super) fn search_folder(
    root: &Path,
    place: Place,
    record_type: RecordType,
    matcher: &Matcher,
    threads: usize,
    seen: Option<&dyn Seen>,
    digests: bool,
) -> FolderScan {
    let folder = Folder { root: Root::new(root), place: place.clone(), record_type, matcher, seen, digests };
    let mut done: Vec<Done> = Vec::new();
    let mut crashed = false;
    let (sender, receiver) = mpsc::sync_channel::<Vec<(usize, Entry)>>(threads.max(1) * 4);
    let receiver = Mutex::new(receiver);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(|| folder.work(&receiver))).collect();
        let mut batch = Vec::with_capacity(BATCH);
        for numbered in walk(root).enumerate() {
            let enough = self::batch(numbered.0);
            batch.push(numbered);
            if batch.len() >= enough && sender.send(std::mem::take(&mut batch)).is_err() {
                break;
            }
        }
        // Sending fails only when every worker is gone, which joining them tells.
        drop(sender.send(batch));
        drop(sender);
        for worker in workers {
            match worker.join() {
                Ok(mut part) => done.append(&mut part),
                Err(_) => crashed = true,
            }
        }
    });
    finish(place, done, crashed)
}

/// What came of one batch entry that has something to say.
struct Done {
    number: usize,
    references: Vec<Reference>,
    unread: Vec<Unread>,
    /// Entries counted since the last one: files read, bytes read.
    files: u64,
    bytes: u64,
    root: Option<std::io::ErrorKind>,
    digest: Option<(String, String)>,
}

impl Done {
    const fn new(number: usize) -> Self {
        Self { number, references: Vec::new(), unread: Vec::new(), files: 0, bytes: 0, root: None, digest: None }
    }
}

struct Folder<'a> {
    root: Root,
    place: Place,
    record_type: RecordType,
    matcher: &'a Matcher,
    seen: Option<&'a dyn Seen>,
    digests: bool,
}

impl Folder<'_> {
    fn work(&self, receiver: &Mutex<mpsc::Receiver<Vec<(usize, Entry)>>>) -> Vec<Done> {
        let mut out = Vec::new();
        let mut buffer = Vec::with_capacity(BLOCK);
        let record = RecordRef { record_type: self.record_type, id: None, key: None, path: None };
        // Of each entry in its turn: most have nothing to say, and need none of their own.
        let mut ctx = Context::new(self.place.clone(), record);
        ctx.fields = Fields::Fixed(String::new());
        let (mut files, mut bytes) = (0, 0);
        loop {
            let batch = match receiver.lock() {
                Ok(receiver) => receiver.recv(),
                Err(_) => break,
            };
            let Ok(batch) = batch else { break };
            for (number, entry) in batch {
                let mut done = Done::new(number);
                self.entry(&entry, &mut ctx, &mut buffer, &mut done);
                files += done.files;
                bytes += done.bytes;
                if !done.references.is_empty() || !done.unread.is_empty() || done.root.is_some() {
                    (done.files, done.bytes) = (0, 0);
                    out.push(done);
                }
            }
        }
        out.push(Done { files, bytes, ..Done::new(usize::MAX) });
        out
    }

    /// What an earlier scan found in this file, if it is in the same state.
    fn earlier(&self, entry: &Entry) -> Option<Past> {
        let seen = self.seen.filter(|_| entry.kind == EntryKind::File)?;
        let meta = std::fs::symlink_metadata(&entry.path).ok().filter(std::fs::Metadata::is_file)?;
        seen.earlier(&entry.relative, &Stamp::from(&meta))
    }

    fn entry(&self, entry: &Entry, ctx: &mut Context, buffer: &mut Vec<u8>, done: &mut Done) {
        if let Some(past) = self.earlier(entry) {
            done.files = 1;
            done.bytes = past.bytes;
            done.digest = past.digest.map(|digest| (entry.relative.clone(), digest));
            (done.references, done.unread) = (past.references, past.unread);
            return;
        }
        let mut gap = |reason: String, partly: bool| {
            done.unread.push(Unread { path: entry.relative.clone(), reason, partly });
        };
        match &entry.kind {
            EntryKind::Unreadable(kind) if entry.relative.is_empty() => {
                done.root = Some(*kind);
                return;
            }
            EntryKind::Unreadable(kind) => gap(format!("cannot be read: {kind}"), false),
            EntryKind::Link { leaves: true } => gap("symbolic link out of the folder, not followed".into(), false),
            EntryKind::Special(what) => gap(format!("{what}, not opened"), false),
            EntryKind::Link { leaves: false } | EntryKind::Folder | EntryKind::File => {}
        }
        let name = entry.relative.rsplit('/').next().unwrap_or_default();
        ctx.record.path.get_or_insert_default().clone_from(&entry.relative);
        let ctx = &*ctx;
        done.references.extend(scan_name(name, ctx, self.matcher));
        if name.contains(char::REPLACEMENT_CHARACTER)
            && let Some(raw) = entry.path.file_name()
        {
            done.references.extend(scan_raw_name(raw.as_encoded_bytes(), ctx, self.matcher));
        }
        if entry.kind != EntryKind::File {
            return;
        }
        match self.content(entry, ctx, buffer) {
            Ok((mut came, stamp)) => {
                done.files = 1;
                done.bytes = came.bytes;
                done.digest = came.digest.clone().map(|digest| (entry.relative.clone(), digest));
                done.references.append(&mut came.references);
                done.unread.append(&mut came.unread);
                if let Some((seen, stamp)) = self.seen.zip(stamp) {
                    came.references = std::mem::take(&mut done.references);
                    came.unread = std::mem::take(&mut done.unread);
                    seen.read(&entry.relative, &stamp, &came);
                    (done.references, done.unread) = (came.references, came.unread);
                }
            }
            // Files that vanish while a sync runs are gone, not hidden; the name may come back under another.
            Err(error) => gap(format!("cannot be read: {}", error.kind()), false),
        }
    }

    /// What the content of a file gives, read by way of `buffer`, and, where `seen` may trust it, the state in which it was read.
    fn content(&self, entry: &Entry, ctx: &Context, buffer: &mut Vec<u8>) -> std::io::Result<(Past, Option<Stamp>)> {
        buffer.clear();
        let file = self.root.open(&entry.path)?;
        // Of the open file, before its first byte: whatever happens to it or to its name later shows in another stamp.
        let stamp = match self.seen {
            Some(seen) => Some(Stamp::from(&file.metadata()?)).filter(|stamp| seen.settled(stamp)),
            None => None,
        };
        (&file).take(BLOCK as u64).read_to_end(buffer)?;
        // Nothing may come of what is no file (any more), such as a fifo into which nobody writes: that is not to count as read.
        if buffer.is_empty() && !file.metadata()?.is_file() {
            return Err(std::io::ErrorKind::Unsupported.into());
        }
        let goes_on = buffer.len() == BLOCK;
        let mut streamed = None;
        let limits = Limits::default();
        if goes_on && let Some(blocks) = Blocks::new(&entry.relative, buffer, ctx, self.matcher, &limits) {
            streamed = self.stream(&file, blocks, buffer)?;
            if streamed.is_none() {
                (&file).rewind()?;
                buffer.clear();
            }
        }
        let mut came = match streamed {
            Some(came) => came,
            None => {
                if goes_on {
                    (&file).take(LARGEST + 1 - buffer.len() as u64).read_to_end(buffer)?;
                }
                self.whole(entry, ctx, buffer)
            }
        };
        if !came.references.is_empty() {
            let times = file_times(&entry.path);
            came.references.iter_mut().for_each(|r| r.times = times);
        }
        if buffer.capacity() > KEPT {
            *buffer = Vec::with_capacity(BLOCK);
        }
        Ok((came, stamp))
    }

    /// What a file gives of which `buffer` holds all, or one byte more than is searched.
    fn whole(&self, entry: &Entry, ctx: &Context, buffer: &mut Vec<u8>) -> Past {
        let whole = buffer.len() as u64 <= LARGEST;
        buffer.truncate(usize::try_from(LARGEST).unwrap_or(usize::MAX));
        let (references, mut unread) = scan_bytes(&entry.relative, buffer, ctx, self.matcher);
        if !whole {
            let reason = format!("larger than {LARGEST} bytes: only its beginning was searched");
            unread.insert(0, Unread { path: entry.relative.clone(), reason, partly: true });
        }
        // Of the bytes that were searched, since others may write while this runs.
        let digested = whole && !references.is_empty() && self.known_again();
        let digest = digested.then(|| hex::encode(Sha256::digest(&*buffer)));
        Past { references, unread, digest, bytes: buffer.len() as u64 }
    }

    /// Whether files in which something was found are to be known again.
    const fn known_again(&self) -> bool {
        self.digests || self.seen.is_some()
    }

    /// What a file gives that is read a block at a time, of which `buffer` holds the first; `None` where it has to be read whole.
    fn stream(&self, file: &File, blocks: Blocks<'_>, buffer: &mut Vec<u8>) -> std::io::Result<Option<Past>> {
        let mut hash = self.known_again().then(Sha256::new);
        let mut bytes = 0;
        let found = blocks.read(file, buffer, LARGEST_BLOCK, &mut |done| {
            bytes += done.len() as u64;
            if let Some(hash) = &mut hash {
                hash.update(done);
            }
        })?;
        Ok(found.map(|(references, unread)| {
            let digest = hash.filter(|_| !references.is_empty()).map(|hash| hex::encode(hash.finalize()));
            Past { references, unread, digest, bytes }
        }))
    }
}

fn file_times(path: &Path) -> RecordTimes {
    let updated = std::fs::metadata(path).and_then(|m| m.modified()).ok().map(Into::into);
    RecordTimes { created: None, updated }
}

fn finish(place: Place, mut done: Vec<Done>, crashed: bool) -> FolderScan {
    done.sort_by_key(|d| d.number);
    let (mut references, mut unread, mut digests) = (Vec::new(), Vec::new(), BTreeMap::new());
    let (mut files, mut bytes) = (0, 0);
    let mut root = None;
    for mut d in done {
        files += d.files;
        bytes += d.bytes;
        root = root.or(d.root);
        references.append(&mut d.references);
        unread.append(&mut d.unread);
        digests.extend(d.digest);
    }
    let coverage = match root {
        Some(std::io::ErrorKind::NotFound) => {
            Coverage::with_reason(place, CoverageStatus::Absent, 0, 0, "the folder does not exist")
        }
        Some(kind) => Coverage::with_reason(place, CoverageStatus::Unexamined, 0, 0, format!("cannot be read: {kind}")),
        None if crashed => Coverage::with_reason(
            place,
            CoverageStatus::Partial,
            files,
            bytes,
            "a worker stopped with an internal error: files may not have been read",
        ),
        None if unread.is_empty() => Coverage::examined(place, files, bytes),
        None => Coverage::with_reason(place, CoverageStatus::Partial, files, bytes, reasons(&unread)),
    };
    FolderScan { references, coverage, unread, digests }
}

/// The reasons with how often each was given, without paths, which may hold names.
fn reasons(unread: &[Unread]) -> String {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for gap in unread {
        *counts.entry(&gap.reason).or_default() += 1;
    }
    counts.into_iter().map(|(reason, n)| format!("{n} × {reason}")).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{Area, ReferenceKind, Strength},
        scan::json::tests::zoe,
    };

    fn scan(root: &Path, threads: usize) -> FolderScan {
        scan_folder(root, Place::new(Area::Foreign, "backbone"), RecordType::File, &zoe(), threads, None)
    }

    #[test]
    fn finds_in_names_and_contents_whatever_the_number_of_threads() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        std::fs::create_dir_all(root.join("zxan/in")).unwrap();
        for i in 0..200 {
            std::fs::write(root.join(format!("zxan/in/{i:03}.json")), format!("{{\"n\":{i},\"a\":\"Jane\"}}")).unwrap();
        }
        std::fs::write(root.join("zxan/in/050.json"), r#"{"author":{"name":"zxan","displayName":"Z"}}"#).unwrap();
        std::fs::write(root.join("Zoe_Xander.txt"), "nobody").unwrap();
        let one = scan(root, 1);
        let many = scan(root, 4);
        assert_eq!(one.references, many.references);
        assert_eq!(many.coverage.status, CoverageStatus::Examined);
        assert_eq!(many.coverage.records, 201);
        let got: Vec<_> = many
            .references
            .iter()
            .map(|r| (r.record.path.as_deref().unwrap(), r.field.as_str(), r.kind, r.strength))
            .collect();
        assert_eq!(
            got,
            [
                ("Zoe_Xander.txt", "name", ReferenceKind::FullName, Strength::Probable),
                ("zxan", "name", ReferenceKind::Username, Strength::Probable),
                ("zxan/in/050.json", "", ReferenceKind::Username, Strength::Certain),
            ]
        );
        assert!(many.references[2].times.updated.is_some());
    }

    #[cfg(unix)]
    #[test]
    fn a_name_that_is_no_utf8_is_found() {
        use std::os::unix::ffi::OsStrExt;
        let dir = tempfile::tempdir().unwrap();
        let name = std::ffi::OsStr::from_bytes(b"Zo\xeb_Xander.txt");
        std::fs::write(dir.path().join(name), "nobody").unwrap();
        let found = scan(dir.path(), 1);
        let got: Vec<_> = found.references.iter().map(|r| (r.field.as_str(), r.kind)).collect();
        assert_eq!(got, [("name", ReferenceKind::FullName)]);
        assert_eq!(found.coverage.records, 1);
    }

    #[cfg(unix)]
    #[test]
    fn what_took_a_files_place_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let fifo = dir.path().join("fifo");
        assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        std::fs::write(dir.path().join("empty"), "").unwrap();
        let place = Place::new(Area::Foreign, "backbone");
        let folder = Folder {
            root: Root::new(dir.path()),
            place: place.clone(),
            record_type: RecordType::File,
            matcher: &zoe(),
            seen: None,
            digests: false,
        };
        let record = RecordRef { record_type: RecordType::File, id: None, key: None, path: None };
        let ctx = Context::new(place, record);
        let read = |name: &str| {
            let entry = Entry { path: dir.path().join(name), relative: name.to_owned(), kind: EntryKind::File };
            folder.content(&entry, &ctx, &mut Vec::new())
        };
        assert!(read("fifo").is_err());
        assert_eq!(read("empty").unwrap(), (Past::default(), None));
    }

    #[cfg(unix)]
    #[test]
    fn what_is_not_read_is_counted() {
        let dir = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/", dir.path().join("link")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(dir.path().join("s")).unwrap();
        std::fs::write(dir.path().join("p.pdf"), b"%PDF-1.7 zoe.x@corp.example \0\xff").unwrap();
        std::fs::write(dir.path().join("broken.gz"), b"\x1f\x8b\x08 no").unwrap();
        let found = scan(dir.path(), 2);
        assert_eq!(found.coverage.status, CoverageStatus::Partial);
        assert_eq!(found.unread.len(), 4, "{:?}", found.coverage.reason);
        assert_eq!(found.references.len(), 1);
        let reason = found.coverage.reason.unwrap();
        assert!(reason.contains("1 × symbolic link") && !reason.contains("p.pdf"), "{reason}");
        assert_eq!(scan(&dir.path().join("no"), 1).coverage.status, CoverageStatus::Absent);
    }
}

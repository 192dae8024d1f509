//! The question that a scan asks before it reads a file: is this the very state in which an earlier scan read it?
//!
//! Owns what tells two states of a file apart without reading it, and the trait between the walker and whoever remembers
//! (`cache`). Must not read, store or seal anything.

use crate::{extract::Unread, model::Reference};

/// What tells one state of a file from another without reading it. Two states with equal stamps hold the same bytes, if
/// the time of change was not the present when the bytes were read ([`Seen::settled`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Length in bytes.
    pub size: u64,
    /// Modification time: seconds and nanoseconds. Programs can set it back.
    pub modified: (i64, i64),
    /// Change time: seconds and nanoseconds. Only the file system sets it, at every write, rename and change of mode.
    pub changed: (i64, i64),
    /// Inode number.
    pub inode: u64,
    /// Device number.
    pub device: u64,
}

#[cfg(unix)]
impl From<&std::fs::Metadata> for Stamp {
    fn from(meta: &std::fs::Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self {
            size: meta.size(),
            modified: (meta.mtime(), meta.mtime_nsec()),
            changed: (meta.ctime(), meta.ctime_nsec()),
            inode: meta.ino(),
            device: meta.dev(),
        }
    }
}

/// What came of reading one file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Past {
    /// The references in its name and content, in order.
    pub references: Vec<Reference>,
    /// What of it was not read, or not in full.
    pub unread: Vec<Unread>,
    /// SHA-256 (hex) of the bytes in which something was found.
    pub digest: Option<String>,
    /// Bytes read.
    pub bytes: u64,
}

/// The memory of earlier scans, for one folder.
pub trait Seen: Sync {
    /// What came of the file at `path` (relative, as in [`crate::fs::walk::Entry`]) when it was read in this very state;
    /// `None` when it has to be read.
    fn earlier(&self, path: &str, stamp: &Stamp) -> Option<Past>;

    /// Whether a change from now on would show in the stamp: its time of change lies far enough back. Ask after the stamp
    /// was taken from the open file, before its bytes are read.
    fn settled(&self, stamp: &Stamp) -> bool;

    /// Tells what came of reading the file in the state of `stamp`, which was [`Seen::settled`].
    fn read(&self, path: &str, stamp: &Stamp, came: &Past);
}

//! Walking a folder: every entry once, in a fixed order, links never followed, nothing passed over in silence.

use std::{
    fs::FileType,
    path::{Path, PathBuf},
};

/// What an entry of a folder is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryKind {
    /// A file with content.
    File,
    /// A folder.
    Folder,
    /// A symbolic link; not followed.
    Link {
        /// Whether it leads to something outside the walked folder. What it leads to inside is walked anyway.
        leaves: bool,
    },
    /// A fifo, socket or device: never opened.
    Special(&'static str),
    /// It, or the folder that it is, could not be read.
    Unreadable(std::io::ErrorKind),
}

/// An entry below the walked folder.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where it is.
    pub path: PathBuf,
    /// The path from the walked folder, with `/`; bytes that are no UTF-8 are replaced. Empty for the folder itself.
    pub relative: String,
    /// What it is.
    pub kind: EntryKind,
}

/// Every entry below `root`, sorted by name within each folder. `root` itself may be a link. An error about `root` itself
/// is an entry with an empty relative path.
pub fn walk(root: &Path) -> impl Iterator<Item = Entry> {
    let root = root.to_owned();
    let real = root.canonicalize().unwrap_or_else(|_| root.clone());
    // Entries of one folder have the path up to their names in common, so whole paths sort as names do, and need no taking apart.
    let by_name = |a: &walkdir::DirEntry, b: &walkdir::DirEntry| a.path().as_os_str().cmp(b.path().as_os_str());
    walkdir::WalkDir::new(&root).follow_links(false).sort_by(by_name).into_iter().filter_map(move |entry| {
        let (path, kind) = match entry {
            Ok(entry) if entry.depth() == 0 && entry.file_type().is_dir() => return None,
            Ok(entry) => {
                let kind = kind(entry.file_type(), entry.path(), &real);
                (entry.into_path(), kind)
            }
            Err(error) => {
                let kind = error.io_error().map_or(std::io::ErrorKind::Other, std::io::Error::kind);
                (error.path().map_or_else(|| root.clone(), Path::to_owned), EntryKind::Unreadable(kind))
            }
        };
        let relative = relative(&path, &root);
        Some(Entry { path, relative, kind })
    })
}

/// The path from `root` with `/`. What walkdir gives begins with the very bytes of `root`.
fn relative(path: &Path, root: &Path) -> String {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        let (path, root) = (path.as_os_str().as_bytes(), root.as_os_str().as_bytes());
        if let Some(rest) = path.strip_prefix(root) {
            let rest = rest.strip_prefix(b"/").unwrap_or(rest);
            return String::from_utf8_lossy(rest).into_owned();
        }
    }
    let relative = path.strip_prefix(root).unwrap_or(path);
    let parts: Vec<_> = relative.components().map(|c| c.as_os_str().to_string_lossy()).collect();
    parts.join("/")
}

fn kind(file_type: FileType, path: &Path, real: &Path) -> EntryKind {
    if file_type.is_file() {
        EntryKind::File
    } else if file_type.is_dir() {
        EntryKind::Folder
    } else if file_type.is_symlink() {
        // A link that leads nowhere hides nothing.
        EntryKind::Link { leaves: path.canonicalize().is_ok_and(|target| !target.starts_with(real)) }
    } else {
        EntryKind::Special(special(file_type))
    }
}

#[cfg(unix)]
fn special(file_type: FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    if file_type.is_fifo() {
        "fifo"
    } else if file_type.is_socket() {
        "socket"
    } else {
        "device"
    }
}

#[cfg(not(unix))]
fn special(_: FileType) -> &'static str {
    "special file"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn links_and_special_files_are_told() {
        use std::os::unix::{fs::symlink, net::UnixListener};
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("root");
        std::fs::create_dir_all(root.join("b")).unwrap();
        std::fs::write(root.join("b/x.txt"), "x").unwrap();
        std::fs::write(root.join("a.txt"), "a").unwrap();
        symlink("../../outside", root.join("b/dangling")).unwrap();
        symlink(dir.path(), root.join("c-out")).unwrap();
        symlink(root.join("b"), root.join("d-in")).unwrap();
        let _socket = UnixListener::bind(root.join("e.sock")).unwrap();
        let got: Vec<_> = walk(&root).map(|e| (e.relative, e.kind)).collect();
        let want = [
            ("a.txt", EntryKind::File),
            ("b", EntryKind::Folder),
            ("b/dangling", EntryKind::Link { leaves: false }),
            ("b/x.txt", EntryKind::File),
            ("c-out", EntryKind::Link { leaves: true }),
            ("d-in", EntryKind::Link { leaves: false }),
            ("e.sock", EntryKind::Special("socket")),
        ];
        assert_eq!(got, want.map(|(p, k)| (p.to_owned(), k)));
        let absent: Vec<_> = walk(&root.join("no")).map(|e| e.kind).collect();
        assert_eq!(absent, [EntryKind::Unreadable(std::io::ErrorKind::NotFound)]);
    }
}

//! Opening files below a folder.
//!
//! Opens from the folder itself, which saves the way to it for each file, and opens only what it says: no link at the end of a
//! path, and no waiting for somebody to write into a fifo that took a file's place since it was listed.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

/// A folder below which files are opened.
pub struct Root {
    #[cfg(unix)]
    path: PathBuf,
    #[cfg(unix)]
    folder: Option<std::os::fd::OwnedFd>,
}

impl Root {
    /// The folder at `path`. Where it cannot be opened itself, files are opened by their whole paths.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        #[cfg(unix)]
        {
            use rustix::fs::{Mode, OFlags};
            let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
            Self { path: path.to_owned(), folder: rustix::fs::open(path, flags, Mode::empty()).ok() }
        }
        #[cfg(not(unix))]
        {
            let _ = path;
            Self {}
        }
    }

    /// Opens the file at `path`, which begins with the very bytes of the folder's, to read it.
    ///
    /// # Errors
    /// As [`File::open`]; also where `path` is a symbolic link.
    pub fn open(&self, path: &Path) -> io::Result<File> {
        #[cfg(unix)]
        {
            use std::os::unix::ffi::OsStrExt;

            use rustix::fs::{CWD, Mode, OFlags};
            let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
            let bytes = path.as_os_str().as_bytes();
            let below = bytes.strip_prefix(self.path.as_os_str().as_bytes()).and_then(|rest| {
                let slashes = rest.iter().take_while(|b| **b == b'/').count();
                // A neighbour's name may begin as the folder's does.
                let parted = slashes > 0 || self.path.as_os_str().as_bytes().ends_with(b"/");
                Some(&rest[slashes..]).filter(|below| parted && !below.is_empty())
            });
            let opened = match (&self.folder, below) {
                (Some(folder), Some(below)) => rustix::fs::openat(folder, below, flags, Mode::empty()),
                _ => rustix::fs::openat(CWD, bytes, flags, Mode::empty()),
            };
            Ok(File::from(opened?))
        }
        #[cfg(not(unix))]
        File::open(path)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn files_below_a_folder_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("a");
        std::fs::create_dir_all(root.join("b")).unwrap();
        std::fs::write(root.join("b/x"), "x").unwrap();
        std::fs::write(dir.path().join("outside"), "outside").unwrap();
        std::fs::write(dir.path().join("ab"), "neighbour").unwrap();
        std::os::unix::fs::symlink("../outside", root.join("link")).unwrap();
        let made = std::process::Command::new("mkfifo").arg(root.join("fifo")).status();
        let read = |from: &Path, path: &Path| -> io::Result<String> {
            let mut text = String::new();
            Root::new(from).open(path)?.read_to_string(&mut text)?;
            Ok(text)
        };
        assert_eq!(read(&root, &root.join("b/x")).unwrap(), "x");
        // As a person may write the folder.
        let slash = PathBuf::from(format!("{}//", root.display()));
        assert_eq!(read(&slash, &slash.join("b/x")).unwrap(), "x");
        assert_eq!(read(&dir.path().join("no"), &root.join("b/x")).unwrap(), "x");
        assert_eq!(read(&root, &dir.path().join("ab")).unwrap(), "neighbour");
        assert!(read(&root, &root.join("link")).is_err());
        if made.is_ok_and(|status| status.success()) {
            assert_eq!(read(&root, &root.join("fifo")).unwrap(), "", "and it does not wait");
        }
    }
}

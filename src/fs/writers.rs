//! Whether another program has a file open for writing.
//!
//! A file that is put in the place of another is not the one that such a program goes on writing to: what it writes then is
//! lost, and what it wrote before stays on the disk. Knows the programs of this host that this account may look at, and
//! nothing on other systems than Linux; a writer on another node of a cluster is not seen.

use std::path::Path;

/// Whether a program on this host has the file, under whatever name, open for writing (proc(5): `/proc/PID/fd`,
/// `/proc/PID/fdinfo`).
#[cfg(target_os = "linux")]
#[must_use]
pub fn open_for_writing(path: &Path) -> bool {
    use std::{fs, os::unix::fs::MetadataExt};
    let Ok(file) = fs::metadata(path) else { return false };
    let numbered = |folder: &Path| {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|e| e.path()).filter(|p| p.file_name().is_some_and(|n| n.as_encoded_bytes()[0].is_ascii_digit()))
    };
    let is_it = |fd: &Path| fs::metadata(fd).is_ok_and(|m| (m.dev(), m.ino()) == (file.dev(), file.ino()));
    numbered(Path::new("/proc")).any(|process| {
        numbered(&process.join("fd")).any(|fd| {
            let info = || process.join("fdinfo").join(fd.file_name().unwrap_or_default());
            is_it(&fd) && fs::read_to_string(info()).is_ok_and(|info| writes(&info))
        })
    })
}

/// See above: nobody is seen.
#[cfg(not(target_os = "linux"))]
#[must_use]
pub fn open_for_writing(_path: &Path) -> bool {
    false
}

/// Whether a descriptor's flags (octal; open(2)) allow writing.
#[cfg(target_os = "linux")]
fn writes(info: &str) -> bool {
    const ACCESS: u32 = 0o3;
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
    flags.and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok()).is_some_and(|flags| flags & ACCESS != 0)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs::{File, OpenOptions, hard_link};

    use super::*;

    #[test]
    fn who_reads_does_not_write() {
        let dir = tempfile::tempdir().unwrap();
        let (path, other) = (dir.path().join("a.log"), dir.path().join("b.log"));
        std::fs::write(&path, "x").unwrap();
        std::fs::write(&other, "x").unwrap();
        let reader = File::open(&path).unwrap();
        assert!(!open_for_writing(&path));
        for options in
            [OpenOptions::new().append(true), OpenOptions::new().write(true), OpenOptions::new().read(true).write(true)]
        {
            let writer = options.open(&path).unwrap();
            assert!(open_for_writing(&path) && !open_for_writing(&other));
            drop(writer);
            assert!(!open_for_writing(&path));
        }
        let link = dir.path().join("link.log");
        hard_link(&path, &link).unwrap();
        let writer = OpenOptions::new().append(true).open(&link).unwrap();
        assert!(open_for_writing(&path), "another name of the same file");
        drop((reader, writer));
        assert!(!open_for_writing(&dir.path().join("nothing")));
    }

    #[test]
    fn flags_are_octal() {
        for (info, writing) in [
            ("pos:\t0\nflags:\t0100000\nmnt_id:\t29\n", false),
            ("pos:\t0\nflags:\t02100001\n", true),
            ("flags:\t0100002\n", true),
            ("flags:\tx\n", false),
            ("", false),
        ] {
            assert_eq!(writes(info), writing, "{info:?}");
        }
    }
}

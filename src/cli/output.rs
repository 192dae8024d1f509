//! How data leaves: the formats, and one way to write to stdout or to a file.

use std::{
    io::{self, Write},
    path::Path,
};

use crate::fs::write_atomic;

/// How data is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For a person at a terminal.
    Table,
    /// For a program.
    Json,
    /// For a spreadsheet.
    Csv,
    /// One self-contained file to hand over: reports, letters, certificates.
    Html,
    /// For a wiki or an issue: reports.
    #[value(alias = "md")]
    Markdown,
}

/// Writes data to a file as one act, or to stdout where there is none. A reader that has gone away (`| head`) is no error.
///
/// # Errors
/// What the operating system says.
pub(crate) fn write_out(bytes: &[u8], file: Option<&Path>) -> io::Result<()> {
    match file {
        // `-o /dev/stdout`, a pipe or a terminal cannot be replaced by a new file.
        Some(path) if std::fs::metadata(path).is_ok_and(|m| !m.is_file()) => {
            quiet(std::fs::OpenOptions::new().write(true).open(path)?.write_all(bytes))
        }
        Some(path) => write_atomic(path, bytes),
        None => {
            let mut out = io::stdout().lock();
            quiet(out.write_all(bytes).and_then(|()| out.flush()))
        }
    }
}

fn quiet(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_written_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out.json");
        write_out(b"one", Some(&path)).unwrap();
        write_out(b"two", Some(&path)).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "no temporary file is left");
        write_out(b"gone", Some(Path::new("/dev/null"))).unwrap();
        assert!(write_out(b"x", Some(&dir.path().join("no/such/dir"))).is_err());
    }
}

//! An exclusive lock on a folder, as a value: who holds it may write there.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Why a lock was not had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process holds it.
    #[error("another efface is at work here (lock file {0}); wait until it has finished")]
    Held(PathBuf),
    /// The operating system says no.
    #[error("cannot lock {path}: {source}")]
    Io {
        /// The lock file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// An exclusive advisory lock, let go when dropped or when the process ends, however it ends.
#[derive(Debug)]
#[must_use = "the lock is let go when this value is dropped"]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock file at `path`, waiting at most `patience`.
    ///
    /// # Errors
    /// [`LockError::Held`] when another holds it for all that time.
    pub fn acquire(path: &Path, patience: Duration) -> Result<Self, LockError> {
        let io = |source| LockError::Io { path: path.to_owned(), source };
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path).map_err(io)?;
        let until = Instant::now() + patience;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _file: file }),
                Err(TryLockError::WouldBlock) if Instant::now() < until => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                Err(TryLockError::WouldBlock) => return Err(LockError::Held(path.to_owned())),
                Err(TryLockError::Error(e)) => return Err(io(e)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let first = Lock::acquire(&path, Duration::ZERO).unwrap();
        assert!(matches!(Lock::acquire(&path, Duration::from_millis(30)), Err(LockError::Held(_))));
        drop(first);
        assert!(Lock::acquire(&path, Duration::ZERO).is_ok());
    }
}

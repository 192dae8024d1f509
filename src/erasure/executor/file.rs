//! Files below a folder: another tool's staging area, and logs.
//!
//! Owns how a file is read, put in place of another in one rename, and deleted. Must not know what stands in it.

use std::path::PathBuf;

use super::{Current, Doing, ExecError, Executor};
use crate::erasure::plan::Step;

/// One file, or an empty folder whose name is the record.
pub(super) struct File {
    path: PathBuf,
}

impl File {
    pub(super) const fn new(path: PathBuf) -> Self {
        Self { path }
    }

    fn free(&self) -> Result<(), ExecError> {
        if crate::fs::open_for_writing(&self.path) { Err(ExecError::InUse) } else { Ok(()) }
    }
}

/// A file's bytes; of an empty folder none. A folder with something in it is an error: it is not one record.
///
/// # Errors
/// What the file system says.
pub fn read_file(path: &std::path::Path) -> std::io::Result<Vec<u8>> {
    if !path.is_dir() {
        return std::fs::read(path);
    }
    match std::fs::read_dir(path)?.next() {
        None => Ok(Vec::new()),
        Some(_) => Err(std::io::ErrorKind::DirectoryNotEmpty.into()),
    }
}

impl Executor for File {
    fn load<'a>(&'a self, _step: &'a Step) -> Doing<'a, Option<Current>> {
        Box::pin(async move {
            match read_file(&self.path) {
                Ok(bytes) => Ok(Some(Current::Bytes(bytes))),
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
                Err(e) => Err(e.into()),
            }
        })
    }

    fn in_use(&self, _step: &Step) -> bool {
        crate::fs::open_for_writing(&self.path)
    }

    fn replace<'a>(
        &'a self,
        _step: &'a Step,
        current: &'a Current,
        next: &'a Current,
        _begun: Option<&'a str>,
    ) -> Doing<'a, Option<String>> {
        Box::pin(async move {
            let (Current::Bytes(current), Current::Bytes(next)) = (current, next) else {
                return Err(ExecError::Changed);
            };
            self.free()?;
            if read_file(&self.path)? != *current {
                return Err(ExecError::Changed);
            }
            crate::fs::write_atomic(&self.path, next)?;
            Ok(None)
        })
    }

    fn delete<'a>(&'a self, _step: &'a Step) -> Doing<'a, ()> {
        Box::pin(async move {
            self.free()?;
            if self.path.is_dir() {
                std::fs::remove_dir(&self.path)?;
            } else {
                crate::fs::remove_durably(&self.path)?;
            }
            Ok(())
        })
    }
}

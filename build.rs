//! Gives the crate a digest of its own sources and of the versions that it stands on (`EFFACE_SOURCES`), so that what an
//! earlier efface found in a file is not taken for what this one would find.

use std::{
    collections::hash_map::DefaultHasher,
    fs,
    hash::{Hash, Hasher},
    path::{Path, PathBuf},
};

fn files(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, out);
        } else {
            out.push(path);
        }
    }
}

fn main() {
    println!("cargo:rerun-if-changed=src");
    println!("cargo:rerun-if-changed=Cargo.lock");
    let mut all = vec![PathBuf::from("Cargo.lock")];
    files(Path::new("src"), &mut all);
    all.sort();
    let mut digest = DefaultHasher::new();
    for path in all {
        path.hash(&mut digest);
        fs::read(&path).unwrap_or_default().hash(&mut digest);
    }
    println!("cargo:rustc-env=EFFACE_SOURCES={:016x}", digest.finish());
}

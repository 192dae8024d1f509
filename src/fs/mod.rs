//! The file system, made safe: atomic writes, folder syncs, locks, walking, who writes where.
//!
//! Owns every write outside the store and the only use of walkdir. Knows nothing of messages or persons.

mod atomic;
mod lock;
pub mod open;
pub mod walk;
mod writers;

pub use atomic::{remove_durably, rename_durably, sync_dir, write_atomic, write_new_private};
pub use lock::{Lock, LockError};
pub use writers::open_for_writing;

//! When a synchronization last looked for issues that were deleted in its source.

use rusqlite::{OptionalExtension, params};

use super::{Store, StoreError};
use crate::model::SyncName;

fn name(sync: &SyncName) -> String {
    format!("looked_for_deletions/{sync}")
}

impl Store {
    /// When a synchronization last looked for deletions to the end, RFC 3339; empty where the last look came to no end.
    ///
    /// # Errors
    /// What the database says.
    pub fn looked_for_deletions(&self, sync: &SyncName) -> Result<Option<String>, StoreError> {
        self.read(|tx| {
            Ok(tx.query_row("SELECT value FROM meta WHERE name = ?1", [name(sync)], |r| r.get(0)).optional()?)
        })
    }

    /// Notes that it did; `at` is RFC 3339, or empty while a look is under way.
    ///
    /// # Errors
    /// What the database says.
    pub fn set_looked_for_deletions(&self, sync: &SyncName, at: &str) -> Result<(), StoreError> {
        self.write(|tx| {
            tx.execute(
                "INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                params![name(sync), at],
            )?;
            Ok(())
        })
    }
}

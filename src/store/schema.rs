//! Forward migrations. Each entry is one step; a step is never changed after it has landed, only followed by another.

use std::path::Path;

use rusqlite::Connection;

use super::StoreError;

const MIGRATIONS: &[&str] = &[
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;",
    super::subjects::SCHEMA,
    super::audit::SCHEMA,
    super::cases::SCHEMA,
    super::sync::SCHEMA,
    super::staged::SCHEMA,
    super::suppression::SCHEMA,
    super::cache::SCHEMA,
    super::life::SCHEMA,
    super::holds::SCHEMA,
    super::suppression::ENDS,
    super::approvals::SCHEMA,
    super::scope::SCHEMA,
    super::notices::SCHEMA,
    super::sweeps::SCHEMA,
    super::told::SCHEMA,
    super::coverage::SCHEMA,
    super::staged::NEXT_TRY,
];

/// Brings the schema up to ours; `user_version` counts the steps taken.
pub(super) fn migrate(conn: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let wrap = |source| StoreError::Sqlite { path: path.to_owned(), source };
    let found: i64 = conn.query_row("PRAGMA user_version", [], |r| r.get(0)).map_err(wrap)?;
    let known = MIGRATIONS.len() as i64;
    if found > known {
        return Err(StoreError::Newer { path: path.to_owned(), found, known });
    }
    for (step, sql) in MIGRATIONS.iter().enumerate().skip(usize::try_from(found).unwrap_or(0)) {
        let tx = conn.transaction().map_err(wrap)?;
        tx.execute_batch(sql).map_err(wrap)?;
        tx.pragma_update(None, "user_version", step as i64 + 1).map_err(wrap)?;
        tx.commit().map_err(wrap)?;
    }
    Ok(())
}

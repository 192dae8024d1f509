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
    super::links::SCHEMA,
    super::trace::SCHEMA,
    super::twin::SCHEMA,
    super::waiting::SCHEMA,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn staged_files_outlive_their_new_table() {
        let mut conn = Connection::open_in_memory().unwrap();
        let step = MIGRATIONS.iter().position(|sql| *sql == super::super::waiting::SCHEMA).unwrap();
        for sql in &MIGRATIONS[..step] {
            conn.execute_batch(sql).unwrap();
        }
        conn.pragma_update(None, "user_version", step as i64).unwrap();
        conn.execute_batch(
            "INSERT INTO staged (id, sync, kind, owner, state, issue_id, issue_key, sequence, size, created, key_id, attempts,
             error_kind, error_hint, since, next_try, traced)
             VALUES ('m', 's', 'att', 'o', 'parked', '1', 'HQ-1', 7, 9, 'then', 'k', 3, 'server', 'hint', 'since', 'next', 1)",
        )
        .unwrap();
        migrate(&mut conn, Path::new("x")).unwrap();
        let row: String = conn
            .query_row(
                "SELECT concat_ws(' ', id, sync, kind, owner, state, issue_id, issue_key, sequence, size, created, key_id,
                 attempts, error_kind, error_hint, since, next_try, traced) FROM staged",
                [],
                |r| r.get(0),
            )
            .unwrap();
        assert_eq!(row, "m s att o parked 1 HQ-1 7 9 then k 3 server hint since next 1");
        let indexes: i64 = conn
            .query_row("SELECT count(*) FROM sqlite_master WHERE type = 'index' AND name LIKE 'staged_by_%'", [], |r| {
                r.get(0)
            })
            .unwrap();
        assert_eq!(indexes, 2);
    }

    #[test]
    fn pairs_outlive_their_new_table() {
        let mut conn = Connection::open_in_memory().unwrap();
        let step = MIGRATIONS.iter().position(|sql| *sql == super::super::links::SCHEMA).unwrap();
        for sql in &MIGRATIONS[..step] {
            conn.execute_batch(sql).unwrap();
        }
        conn.pragma_update(None, "user_version", step as i64).unwrap();
        conn.execute_batch(
            "INSERT INTO pair VALUES ('s', 'issue', '1', '2', '1', 'HQ-1', '2', NULL, x'01', 'erased', 'then')",
        )
        .unwrap();
        migrate(&mut conn, Path::new("x")).unwrap();
        let row: (String, Option<String>, Vec<u8>, String) = conn
            .query_row("SELECT source_key, target_key, hash, state FROM pair", [], |r| {
                Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?))
            })
            .unwrap();
        assert_eq!(row, ("HQ-1".to_owned(), None, vec![1], "erased".to_owned()));
        let indexes: i64 = conn
            .query_row("SELECT count(*) FROM sqlite_master WHERE type = 'index' AND name LIKE 'pair_by_%'", [], |r| {
                r.get(0)
            })
            .unwrap();
        assert_eq!(indexes, 2);
        conn.execute_batch("UPDATE pair SET state = 'unlinked'").unwrap();
    }
}

//! How far each place was read when it was last looked at, by whatever looked: scans, scans of cases, verifications.
//!
//! Owns the tables `coverage` and `coverage_matrix`. Names of configured places, counts and reasons that name nobody; it outlives
//! the case that was looked for, so that the next reader knows what was never read.

use chrono::{DateTime, Utc};
use rusqlite::params;
use serde::Serialize;

use super::{Store, StoreError};
use crate::model::{Coverage, InstanceName, Looked, MatrixRow, Place};

pub(super) const SCHEMA: &str = "
CREATE TABLE coverage (
    place TEXT PRIMARY KEY,
    owner TEXT NOT NULL,              -- the configured place that it is a part of
    looked TEXT NOT NULL,             -- scan, case or verification
    at TEXT NOT NULL,
    line TEXT NOT NULL,
    complete_at TEXT                  -- when nothing of it was left unread
) STRICT;
CREATE TABLE coverage_matrix (
    instance TEXT NOT NULL, place TEXT NOT NULL, line TEXT NOT NULL, PRIMARY KEY (instance, place)
) STRICT;
";

/// What is known of a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastLook {
    /// The configured place that it is a part of, or is.
    pub owner: Place,
    /// What looked at it last.
    pub looked: Looked,
    /// When.
    pub at: DateTime<Utc>,
    /// How far it was read then.
    pub line: Coverage,
    /// When it was last read to the end, or known not to exist.
    pub complete_at: Option<DateTime<Utc>>,
}

fn json(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|_| StoreError::Damaged("coverage"))
}

impl Store {
    /// Remembers how far places were read. Each line comes with the configured place that it is a part of; parts of these
    /// places that are not named any more are forgotten. `matrix` is empty where not everything was to be read.
    ///
    /// The reasons must name nobody.
    ///
    /// # Errors
    /// What the database says.
    pub fn put_coverage(
        &self,
        looked: Looked,
        at: DateTime<Utc>,
        lines: &[(Place, Coverage)],
        matrix: &[MatrixRow],
    ) -> Result<(), StoreError> {
        let at = at.to_rfc3339();
        self.write(|tx| {
            let mut known = tx.prepare("SELECT place FROM coverage WHERE owner = ?1")?;
            let mut gone = tx.prepare("DELETE FROM coverage WHERE place = ?1")?;
            for (owner, _) in lines {
                let places = known.query_map([owner.to_string()], |r| r.get::<_, String>(0))?;
                for place in places.collect::<Result<Vec<_>, _>>()? {
                    if !lines.iter().any(|(_, line)| line.place.to_string() == place) {
                        gone.execute([place])?;
                    }
                }
            }
            let mut put = tx.prepare(
                "INSERT INTO coverage (place, owner, looked, at, line, complete_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (place) DO UPDATE SET owner = excluded.owner, looked = excluded.looked, at = excluded.at,
                     line = excluded.line, complete_at = coalesce(excluded.complete_at, complete_at)",
            )?;
            for (owner, line) in lines {
                let complete = line.status.is_complete().then_some(&at);
                let row =
                    params![line.place.to_string(), owner.to_string(), looked.as_str(), at, json(line)?, complete];
                put.execute(row)?;
            }
            let mut put =
                tx.prepare("INSERT OR REPLACE INTO coverage_matrix (instance, place, line) VALUES (?1, ?2, ?3)")?;
            for row in matrix {
                if let Some(instance) = &row.instance {
                    put.execute(params![instance.as_str(), row.place.as_str(), json(row)?])?;
                }
            }
            Ok(())
        })
    }

    /// How far each place was read when it was last looked at, in the order of areas and names.
    ///
    /// # Errors
    /// When a row is damaged.
    pub fn last_looks(&self) -> Result<Vec<LastLook>, StoreError> {
        let damaged = || StoreError::Damaged("coverage");
        let time = |text: &str| DateTime::parse_from_rfc3339(text).map(|t| t.to_utc()).map_err(|_| damaged());
        self.read(|tx| {
            let mut q = tx.prepare("SELECT owner, looked, at, line, complete_at FROM coverage")?;
            let mut rows = q.query([])?;
            let mut out = Vec::new();
            while let Some(r) = rows.next()? {
                out.push(LastLook {
                    owner: r.get::<_, String>(0)?.parse().map_err(|_| damaged())?,
                    looked: Looked::parse(&r.get::<_, String>(1)?).ok_or_else(damaged)?,
                    at: time(&r.get::<_, String>(2)?)?,
                    line: serde_json::from_str(&r.get::<_, String>(3)?).map_err(|_| damaged())?,
                    complete_at: r.get::<_, Option<String>>(4)?.as_deref().map(time).transpose()?,
                });
            }
            out.sort_by(|a, b| a.line.place.cmp(&b.line.place));
            Ok(out)
        })
    }

    /// What the last full scan found out about an instance's kinds of storage places.
    ///
    /// # Errors
    /// When a row is damaged.
    pub fn last_matrix(&self, instance: &InstanceName) -> Result<Vec<MatrixRow>, StoreError> {
        self.read(|tx| {
            let mut q = tx.prepare("SELECT line FROM coverage_matrix WHERE instance = ?1 ORDER BY place")?;
            let rows = q.query_map([instance.as_str()], |r| r.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
            rows.iter()
                .map(|line| serde_json::from_str(line).map_err(|_| StoreError::Damaged("coverage_matrix")))
                .collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CoverageStatus, Fact, MatrixStatus, Storage};

    fn place(text: &str) -> Place {
        text.parse().unwrap()
    }

    fn at(day: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + chrono::TimeDelta::days(day)
    }

    fn full(owner: &str, text: &str) -> (Place, Coverage) {
        (place(owner), Coverage::examined(place(text), 3, 30))
    }

    #[test]
    fn the_last_look_counts_and_the_last_full_one_is_not_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let part = full("target:b/P", "target:b/P/watchers");
        store.put_coverage(Looked::Scan, at(1), &[full("target:b/P", "target:b/P"), part], &[]).unwrap();
        store.put_coverage(Looked::Scan, at(1), &[full("log:log", "log:log")], &[]).unwrap();
        let bad = Coverage::with_reason(place("target:b/P"), CoverageStatus::Partial, 1, 2, "timed out");
        store.put_coverage(Looked::Verification, at(4), &[(place("target:b/P"), bad.clone())], &[]).unwrap();
        let looks = store.last_looks().unwrap();
        let said: Vec<_> = looks.iter().map(|l| (l.line.place.to_string(), l.looked, l.at, l.complete_at)).collect();
        assert_eq!(
            said,
            [
                ("target:b/P".to_owned(), Looked::Verification, at(4), Some(at(1))),
                ("log:log".to_owned(), Looked::Scan, at(1), Some(at(1))),
            ],
            "a part that is not named any more is gone, a place that was not looked at stays"
        );
        assert_eq!(looks[0].line, bad);
    }

    #[test]
    fn a_matrix_is_kept_by_instance_and_replaced_row_by_row() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let (a, b): (InstanceName, InstanceName) = ("a".parse().unwrap(), "b".parse().unwrap());
        let row =
            |i: &InstanceName, status| MatrixRow::new(Some(i.clone()), Storage::Votes, Some(Fact::new(status, "x")));
        let host = MatrixRow::new(None, Storage::Logs, None);
        store.put_coverage(Looked::Scan, at(1), &[], &[row(&a, MatrixStatus::Partial), host]).unwrap();
        store.put_coverage(Looked::Case, at(2), &[], &[row(&a, MatrixStatus::Examined)]).unwrap();
        assert_eq!(store.last_matrix(&a).unwrap(), [row(&a, MatrixStatus::Examined)]);
        assert_eq!(store.last_matrix(&b).unwrap(), []);
    }
}

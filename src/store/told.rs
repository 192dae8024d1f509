//! What was told, to which channel: so that each thing is told once, and a changed one again.
//!
//! Owns the table `told`. Things and states stand in it as keyed hashes, and nothing of what was said.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension, params};
use serde_json::{Value, json};

use super::{
    Store, StoreError,
    audit::{Act, append},
};
use crate::{
    keys::Purpose,
    model::{About, CaseId},
};

pub(super) const SCHEMA: &str = "
CREATE TABLE told (
    thing BLOB PRIMARY KEY,           -- channel, receiver and thing
    channel TEXT NOT NULL, about TEXT NOT NULL,
    state BLOB,                       -- as it was told; NULL where it is to be told again when it comes back
    at TEXT NOT NULL,
    issue TEXT,                       -- key of the issue that was made for it
    begun TEXT, tried BLOB            -- an issue that may have been made: since when, and with which state
) STRICT;
";

/// The key of a thing at a channel.
pub type ToldKey = [u8; 32];

/// A keyed hash of a state.
pub type Digest = [u8; 32];

/// What is known of a thing at a channel.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToldRow {
    /// The state as it was told last.
    pub state: Option<Digest>,
    /// The issue that was made for it.
    pub issue: Option<String>,
    /// When an issue was begun of which it is not known whether it was made.
    pub begun: Option<DateTime<Utc>>,
    /// The state that it would have told.
    pub tried: Option<Digest>,
}

fn digest(bytes: Option<Vec<u8>>) -> Result<Option<Digest>, StoreError> {
    bytes.map(|b| b.try_into().map_err(|_| StoreError::Damaged("told"))).transpose()
}

impl Store {
    /// The key of a thing at a channel; another receiver has to be told anew.
    #[must_use]
    pub fn told_key(&self, channel: &str, receiver: &str, about: About, thing: &str) -> ToldKey {
        let parts = ["told", channel, receiver, about.as_str(), thing];
        self.keys().keyed_hash(Purpose::Lookup, &parts.map(str::as_bytes))
    }

    /// The digest of a state.
    #[must_use]
    pub fn told_state(&self, state: &str) -> Digest {
        self.keys().keyed_hash(Purpose::Lookup, &[b"told-state", state.as_bytes()])
    }

    /// What is known of a thing at a channel.
    ///
    /// # Errors
    /// What the database says.
    pub fn told(&self, key: &ToldKey) -> Result<ToldRow, StoreError> {
        type Raw = (Option<Vec<u8>>, Option<String>, Option<String>, Option<Vec<u8>>);
        let row: Option<Raw> = self.read(|tx| {
            let sql = "SELECT state, issue, begun, tried FROM told WHERE thing = ?1";
            let row = tx.query_row(sql, [&key[..]], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?)));
            Ok::<_, StoreError>(row.optional()?)
        })?;
        let Some((state, issue, begun, tried)) = row else { return Ok(ToldRow::default()) };
        let begun = begun
            .map(|at| DateTime::parse_from_rfc3339(&at).map(|t| t.to_utc()).map_err(|_| StoreError::Damaged("told")))
            .transpose()?;
        Ok(ToldRow { state: digest(state)?, issue, begun, tried: digest(tried)? })
    }

    /// Notes that an issue is about to be made, so that one whose answer is lost is looked for and not made twice. What was begun
    /// before stays as it was.
    ///
    /// # Errors
    /// What the database says.
    pub fn tell_begins(
        &self,
        key: &ToldKey,
        channel: &str,
        about: About,
        state: &Digest,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.write(|tx| {
            tx.execute(
                "INSERT INTO told (thing, channel, about, at, begun, tried) VALUES (?1, ?2, ?3, ?4, ?4, ?5)
                 ON CONFLICT (thing) DO UPDATE SET begun = coalesce(begun, excluded.begun), tried = excluded.tried",
                params![&key[..], channel, about.as_str(), at.to_rfc3339(), &state[..]],
            )?;
            Ok(())
        })
    }

    /// Notes that no issue was made: the server said so.
    ///
    /// # Errors
    /// What the database says.
    pub fn tell_failed(&self, key: &ToldKey) -> Result<(), StoreError> {
        self.write(|tx| {
            tx.execute("UPDATE told SET begun = NULL, tried = NULL WHERE thing = ?1", [&key[..]])?;
            Ok(())
        })
    }

    /// Notes that a thing was told as it stands, with the issue where one was made. The event says what it was about and by which
    /// channel, and not what was said.
    ///
    /// # Errors
    /// What the database says.
    pub fn tell_done(
        &self,
        act: &Act<'_>,
        key: &ToldKey,
        (channel, about, case): (&str, About, Option<&CaseId>),
        state: &Digest,
        issue: Option<&str>,
    ) -> Result<(), StoreError> {
        self.write(|tx| {
            tx.execute(
                "INSERT INTO told (thing, channel, about, state, at, issue) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (thing) DO UPDATE SET state = ?4, at = ?5, issue = ?6, begun = NULL, tried = NULL",
                params![&key[..], channel, about.as_str(), &state[..], act.at.to_rfc3339(), issue],
            )?;
            let detail = json!({ "about": about, "channel": channel });
            append(tx, act, "notify.sent", case.map(CaseId::as_str), detail)
        })
    }

    /// Forgets what was told of things that are over, so that they are told anew should they come back. `now` are those that are not
    /// over. An issue that was made, or may have been, stays known.
    ///
    /// # Errors
    /// What the database says.
    pub fn tell_over(&self, channel: &str, about: About, now: &BTreeSet<ToldKey>) -> Result<(), StoreError> {
        let known: Vec<Vec<u8>> = self.read(|tx| {
            let mut q = tx.prepare("SELECT thing FROM told WHERE channel = ?1 AND about = ?2 AND state IS NOT NULL")?;
            let rows = q.query_map([channel, about.as_str()], |r| r.get(0))?;
            Ok::<_, StoreError>(rows.collect::<Result<_, _>>()?)
        })?;
        let over: Vec<_> = known.into_iter().filter(|k| !now.iter().any(|n| n[..] == k[..])).collect();
        if over.is_empty() {
            return Ok(());
        }
        self.write(|tx| {
            for key in &over {
                tx.execute("UPDATE told SET state = NULL WHERE thing = ?1", [key])?;
            }
            tx.execute("DELETE FROM told WHERE state IS NULL AND issue IS NULL AND begun IS NULL", [])?;
            Ok(())
        })
    }

    /// What the newest certificate of each case counted, by outcome; a case whose details are gone is not in it.
    ///
    /// # Errors
    /// What the database says.
    pub fn certified_outcomes(&self) -> Result<BTreeMap<CaseId, BTreeMap<String, u64>>, StoreError> {
        let rows: Vec<(String, String)> = self.read(|tx| {
            let mut q = tx.prepare(
                "SELECT case_id, detail FROM audit WHERE kind = 'case.certified' AND case_id IS NOT NULL
                 AND detail IS NOT NULL ORDER BY seq",
            )?;
            let rows = q.query_map([], |r| Ok((r.get(0)?, r.get(1)?)))?;
            Ok::<_, StoreError>(rows.collect::<Result<_, _>>()?)
        })?;
        let mut out = BTreeMap::new();
        for (case, detail) in rows {
            let case: CaseId = case.parse().map_err(|_| StoreError::Damaged("audit"))?;
            // Events of an older efface have no counts.
            let counts = serde_json::from_str::<Value>(&detail)
                .ok()
                .and_then(|d| serde_json::from_value(d.get("outcomes")?.clone()).ok());
            match counts {
                Some(counts) => drop(out.insert(case, counts)),
                None => drop(out.remove(&case)),
            }
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_over_is_forgotten_and_its_issue_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let act = Act { actor: "efface", at: DateTime::UNIX_EPOCH };
        let (a, b) = (store.told_state("near"), store.told_state("overdue"));
        let hook = store.told_key("webhook", "https://h.example", About::Deadline, "C-1");
        let jira = store.told_key("jira", "hq/OPS", About::Deadline, "C-1");
        assert_ne!(hook, store.told_key("webhook", "https://other.example", About::Deadline, "C-1"));
        assert_eq!(store.told(&hook).unwrap(), ToldRow::default());
        store.tell_done(&act, &hook, ("webhook", About::Deadline, None), &a, None).unwrap();
        store.tell_done(&act, &jira, ("jira", About::Deadline, None), &b, Some("OPS-1")).unwrap();
        assert_eq!(store.told(&hook).unwrap().state, Some(a));
        // Another thing's end, and another channel's, is not this one's.
        store.tell_over("webhook", About::Sweep, &BTreeSet::new()).unwrap();
        store.tell_over("webhook", About::Deadline, &[hook].into()).unwrap();
        assert_eq!(store.told(&hook).unwrap().state, Some(a));
        for channel in ["webhook", "jira"] {
            store.tell_over(channel, About::Deadline, &BTreeSet::new()).unwrap();
        }
        assert_eq!(store.told(&hook).unwrap(), ToldRow::default());
        assert_eq!(store.told(&jira).unwrap(), ToldRow { issue: Some("OPS-1".into()), ..ToldRow::default() });
        let details: Vec<_> = store.audit_events().unwrap().into_iter().map(|e| (e.kind, e.detail)).collect();
        let want = |channel| ("notify.sent".to_owned(), Some(json!({ "about": "deadline", "channel": channel })));
        assert_eq!(details, [want("webhook"), want("jira")]);
    }

    #[test]
    fn what_was_begun_stays_begun_until_it_is_known() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let key = store.told_key("jira", "hq/OPS", About::Drift, "scope");
        let at = |s| DateTime::from_timestamp(s, 0).unwrap();
        let states = [store.told_state("1"), store.told_state("2")];
        store.tell_begins(&key, "jira", About::Drift, &states[0], at(1)).unwrap();
        store.tell_begins(&key, "jira", About::Drift, &states[1], at(2)).unwrap();
        let row = store.told(&key).unwrap();
        assert_eq!((row.begun, row.tried, row.state), (Some(at(1)), Some(states[1]), None));
        // It is over, and an issue may be there all the same.
        store.tell_over("jira", About::Drift, &BTreeSet::new()).unwrap();
        assert_eq!(store.told(&key).unwrap().begun, Some(at(1)));
        store.tell_failed(&key).unwrap();
        assert_eq!(store.told(&key).unwrap().begun, None);
    }

    #[test]
    fn the_newest_certificate_counts() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let act = Act { actor: "dpo", at: DateTime::UNIX_EPOCH };
        let (one, two) = ("C-01ARZ3NDEKTSV4RRFFQ69G5FAV", "C-01ARZ3NDEKTSV4RRFFQ69G5FAW");
        let certified = |case, detail| store.audit(&act, "case.certified", Some(case), detail).unwrap();
        certified(one, json!({ "outcomes": { "residual": 3, "erased": 1 } }));
        certified(two, json!({ "plan": "of an older efface" }));
        certified(one, json!({ "outcomes": { "residual": 1 } }));
        let counts = store.certified_outcomes().unwrap();
        assert_eq!(counts, [(one.parse().unwrap(), [("residual".to_owned(), 1)].into())].into());
    }
}

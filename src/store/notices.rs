//! Letters as far as the store knows of them: which recipients of a case were told, when, and whether they acknowledged.
//!
//! Holds no letter and nothing of a person: names of instances, days, and a hash of what was told. So it outlives the
//! case's key, and an acknowledgement can be recorded long after the case was closed.

use chrono::NaiveDate;
use rusqlite::OptionalExtension;
use serde_json::json;

use super::{
    Store, StoreError,
    audit::{Act, append},
};
use crate::model::{CaseId, InstanceName};

pub(super) const SCHEMA: &str = "
CREATE TABLE notices (
    case_id TEXT NOT NULL REFERENCES cases (id),
    instance TEXT NOT NULL,           -- its name in the configuration
    content TEXT,                     -- hash of what was told
    sent TEXT,
    acknowledged TEXT,
    PRIMARY KEY (case_id, instance)
) STRICT;
";

/// What is known of one recipient of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeRow {
    /// The recipient's instance.
    pub instance: InstanceName,
    /// Hash of what it was told; `None` before it was told, or when that is no longer known.
    pub content: Option<String>,
    /// The day it was told.
    pub sent: Option<NaiveDate>,
    /// The day it acknowledged.
    pub acknowledged: Option<NaiveDate>,
}

impl Store {
    /// The recipients of a case of whom something is recorded, by name.
    ///
    /// # Errors
    /// When a row is damaged.
    pub fn notices(&self, id: &CaseId) -> Result<Vec<NoticeRow>, StoreError> {
        type Raw = (String, Option<String>, Option<String>, Option<String>);
        let rows: Vec<Raw> = self.read(|tx| {
            let mut stmt = tx.prepare(
                "SELECT instance, content, sent, acknowledged FROM notices WHERE case_id = ?1 ORDER BY instance",
            )?;
            let rows = stmt.query_map([id.as_str()], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?)))?;
            rows.collect::<Result<Vec<_>, _>>().map_err(StoreError::from)
        })?;
        let damaged = || StoreError::Damaged("notices");
        let day = |text: Option<String>| text.map(|t| t.parse::<NaiveDate>().map_err(|_| damaged())).transpose();
        rows.into_iter()
            .map(|(instance, content, sent, acknowledged)| {
                Ok(NoticeRow {
                    instance: instance.parse().map_err(|_| damaged())?,
                    content,
                    sent: day(sent)?,
                    acknowledged: day(acknowledged)?,
                })
            })
            .collect()
    }

    /// Keeps the names of a case's recipients, so that they are known after its plan is destroyed; known ones stay as
    /// they are.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn keep_recipients(&self, act: &Act<'_>, id: &CaseId, names: &[InstanceName]) -> Result<(), StoreError> {
        self.write(|tx| {
            let mut new = Vec::new();
            for name in names {
                let sql = "INSERT INTO notices (case_id, instance) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
                if tx.execute(sql, (id.as_str(), name.as_str()))? == 1 {
                    new.push(name);
                }
            }
            if new.is_empty() {
                return Ok(());
            }
            append(tx, act, "case.recipients", Some(id.as_str()), json!({ "recipients": new }))
        })
    }

    /// Records that a recipient was told. A second notice takes the place of the first, and is to be acknowledged anew.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn notice_sent(
        &self,
        act: &Act<'_>,
        id: &CaseId,
        instance: &InstanceName,
        sent: NaiveDate,
        content: Option<&str>,
    ) -> Result<(), StoreError> {
        self.write(|tx| {
            tx.execute(
                "INSERT INTO notices (case_id, instance, content, sent) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (case_id, instance) DO UPDATE SET content = ?3, sent = ?4, acknowledged = NULL",
                (id.as_str(), instance.as_str(), content, sent.to_string()),
            )?;
            let detail = json!({ "recipient": instance, "sent": sent, "content": content });
            append(tx, act, "case.notice-sent", Some(id.as_str()), detail)
        })
    }

    /// Records that a recipient acknowledged; says whether it had been told before, without which nothing is recorded.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn notice_acknowledged(
        &self,
        act: &Act<'_>,
        id: &CaseId,
        instance: &InstanceName,
        on: NaiveDate,
    ) -> Result<bool, StoreError> {
        self.write(|tx| {
            let sent: Option<String> = tx
                .query_row(
                    "SELECT sent FROM notices WHERE case_id = ?1 AND instance = ?2",
                    (id.as_str(), instance.as_str()),
                    |r| r.get(0),
                )
                .optional()?
                .flatten();
            if sent.is_none() {
                return Ok(false);
            }
            tx.execute(
                "UPDATE notices SET acknowledged = ?3 WHERE case_id = ?1 AND instance = ?2",
                (id.as_str(), instance.as_str(), on.to_string()),
            )?;
            let detail = json!({ "recipient": instance, "acknowledged": on });
            append(tx, act, "case.notice-acknowledged", Some(id.as_str()), detail)?;
            Ok(true)
        })
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::{
        model::{CaseKind, CaseRecord},
        store::Opened,
    };
    use crate::{
        model::{Personal, Subject},
        store::CaseState,
    };

    #[test]
    fn a_notice_outlives_its_case() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let act = Act { actor: "dpo", at: DateTime::UNIX_EPOCH };
        let id: CaseId = "C-01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let subject = Subject::new(Personal::new("s".parse().unwrap()), "p-1".into(), Vec::new());
        let record = CaseRecord::default();
        let opened = Opened { kind: CaseKind::Erasure, received: day("2026-11-01"), due: day("2026-12-01"), record };
        store.open_case(&act, &id, &subject, &opened).unwrap();
        let (a, b): (InstanceName, InstanceName) = ("a".parse().unwrap(), "b".parse().unwrap());
        store.notice_sent(&act, &id, &a, day("2026-11-10"), Some("h1")).unwrap();
        store.keep_recipients(&act, &id, &[a.clone(), b.clone()]).unwrap();
        store.set_case_state(&act, &id, CaseState::Answered, json!(null)).unwrap();
        store.end_case(&act, &id, CaseState::Closed, &CaseRecord::default(), json!(null)).unwrap();
        assert!(store.notice_acknowledged(&act, &id, &a, day("2026-11-20")).unwrap());
        assert!(!store.notice_acknowledged(&act, &id, &b, day("2026-11-20")).unwrap(), "b was never told");
        let rows = store.notices(&id).unwrap();
        assert_eq!(rows[0].acknowledged, Some(day("2026-11-20")));
        assert_eq!((rows[1].instance.clone(), rows[1].sent), (b, None));
        // A second notice has to be acknowledged anew.
        store.notice_sent(&act, &id, &a, day("2026-11-21"), Some("h2")).unwrap();
        assert_eq!(store.notices(&id).unwrap()[0].acknowledged, None);
        let kinds: Vec<String> = store.audit_events().unwrap().into_iter().map(|e| e.kind).collect();
        assert_eq!(
            kinds[1..],
            [
                "case.notice-sent",
                "case.recipients",
                "case.answered",
                "case.closed",
                "case.notice-acknowledged",
                "case.notice-sent"
            ]
        );
    }
}

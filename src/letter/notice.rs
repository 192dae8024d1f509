//! The facts of a notice to a recipient: `efface.notice/1`. What concerns one recipient, and nothing of any other.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::{
    audit::canonical_sha256,
    model::{Area, InstanceName, Place},
};

/// Schema name.
pub const SCHEMA: &str = "efface.notice/1";

/// To whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipient {
    /// The instance's name in the configuration.
    pub name: String,
    /// What it is to us: `joint`, `processor` or `partner`.
    pub controller: String,
    /// How it is reached.
    pub contact: Option<String>,
}

/// What was done to one record of the recipient.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Did {
    /// Where.
    pub place: String,
    /// Which record, such as `comment 10001 of PART-1`.
    pub record: String,
    /// Which fields.
    pub fields: Vec<String>,
    /// What happened.
    pub outcome: String,
}

/// What is still there at the recipient, and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Asked {
    /// Where.
    pub place: String,
    /// Which record.
    pub record: String,
    /// Which fields.
    pub fields: Vec<String>,
    /// Why we left it there.
    pub why: String,
}

/// A notice. All of its names are variables of the templates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// `efface.notice/1`.
    pub schema: String,
    /// Our case.
    pub case: String,
    /// Kind of request, such as `erasure`.
    pub request: String,
    /// The day of the letter.
    pub date: NaiveDate,
    /// Who writes.
    pub controller: Option<String>,
    /// How the writer is reached.
    pub contact: Option<String>,
    /// To whom.
    pub recipient: Recipient,
    /// What we did there.
    pub done: Vec<Did>,
    /// What is still there, which the recipient is asked to see to.
    pub asked: Vec<Asked>,
    /// In how long an answer is awaited, such as `2 weeks`.
    pub acknowledge_within: String,
}

impl Notice {
    /// A notice with something invented in every field, to try templates on.
    #[must_use]
    pub fn sample() -> Self {
        let (place, record) = ("target:partner/PART".to_owned(), "issue PART-1".to_owned());
        let fields = vec!["summary".to_owned()];
        Self {
            schema: SCHEMA.to_owned(),
            case: "C-00000000000000000000000000".into(),
            request: "erasure".into(),
            date: NaiveDate::default(),
            controller: Some("Example Corp".into()),
            contact: Some("privacy@corp.example".into()),
            recipient: Recipient {
                name: "partner".into(),
                controller: "partner".into(),
                contact: Some("privacy@partner.example".into()),
            },
            done: vec![Did {
                place: place.clone(),
                record: record.clone(),
                fields: fields.clone(),
                outcome: "cut out".into(),
            }],
            asked: vec![Asked { place, record, fields, why: "a reason".into() }],
            acknowledge_within: "2 weeks".into(),
        }
    }

    /// Hash of what the notice tells, whoever writes it on whichever day: a later plan that tells more has another one.
    #[must_use]
    pub fn content(&self) -> String {
        canonical_sha256(&serde_json::json!([self.recipient.name, self.request, self.done, self.asked]))
    }

    /// Puts what is told in order, one line a record.
    pub fn sort(&mut self) {
        self.done.sort();
        self.done.dedup();
        self.asked.sort();
        let mut one: Vec<Asked> = Vec::new();
        for a in self.asked.drain(..) {
            match one.iter_mut().find(|o| o.place == a.place && o.record == a.record && o.why == a.why) {
                Some(o) => o.fields.extend(a.fields),
                None => one.push(a),
            }
        }
        for a in &mut one {
            a.fields.sort();
            a.fields.dedup();
        }
        self.asked = one;
    }
}

/// Whether a place lies in an instance.
#[must_use]
pub fn lies_in(place: &Place, instance: &InstanceName) -> bool {
    matches!(place.area(), Area::Source | Area::Target) && place.spot().split('/').next() == Some(instance.as_str())
}

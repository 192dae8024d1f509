//! The facts of a reply to the person who asked: `efface.reply/1`.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::words;
use crate::{erasure::certificate::Stays, model::Coverage};

/// Schema name.
pub const SCHEMA: &str = "efface.reply/1";

/// Which letter it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Everything is erased.
    Erased,
    /// Something stays, or could not be read.
    Partly,
    /// The request is refused (Art. 12(4)).
    Refused,
    /// The person withdrew it.
    Withdrawn,
    /// Processing is restricted (Art. 18).
    Restricted,
    /// What was found (Art. 15).
    Access,
    /// It takes longer (Art. 12(3)).
    Extension,
    /// Who are you? (Art. 12(6)).
    Identity,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Erased,
        Self::Partly,
        Self::Refused,
        Self::Withdrawn,
        Self::Restricted,
        Self::Access,
        Self::Extension,
        Self::Identity,
    ];

    /// The spelling in JSON, templates and audit events.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Erased => "erased",
            Self::Partly => "partly",
            Self::Refused => "refused",
            Self::Withdrawn => "withdrawn",
            Self::Restricted => "restricted",
            Self::Access => "access",
            Self::Extension => "extension",
            Self::Identity => "identity",
        }
    }

    /// Whether the letter ends the request, as an extension or a question does not.
    #[must_use]
    pub const fn answers(self) -> bool {
        !matches!(self, Self::Extension | Self::Identity)
    }
}

/// What was removed from one kind of place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// The kind of place, in plain words.
    pub place: String,
    /// How many references.
    pub count: u64,
}

/// What stays in one kind of place, for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// The kind of place, in plain words.
    pub place: String,
    /// How it ended, in a word.
    pub outcome: String,
    /// Why.
    pub why: String,
    /// Who could remove it.
    pub who: Option<String>,
    /// How many fields of records.
    pub count: u64,
}

/// A recipient, as the person may know of it (Art. 19, last sentence).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The instance's name in the configuration.
    pub name: String,
    /// What it is to us, in plain words.
    pub role: String,
    /// When it was told.
    pub sent: Option<NaiveDate>,
    /// When it acknowledged.
    pub acknowledged: Option<NaiveDate>,
}

/// Everything that a reply may say. All of its names are variables of the templates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// `efface.reply/1`.
    pub schema: String,
    /// Which letter.
    pub letter: Kind,
    /// The case.
    pub case: String,
    /// Kind of request, such as `erasure`.
    pub request: String,
    /// The day on which the request was received.
    pub received: NaiveDate,
    /// The last day to answer.
    pub due: NaiveDate,
    /// The day of the letter.
    pub date: NaiveDate,
    /// Who answers: the controller's name and address.
    pub controller: Option<String>,
    /// How the controller is reached.
    pub contact: Option<String>,
    /// The supervisory authority in charge.
    pub authority: Option<String>,
    /// The line with which the letter begins; never stored.
    pub salutation: Option<String>,
    /// Why it is refused, or takes longer, or what proof is asked for.
    pub reason: Option<String>,
    /// The last day to answer after an extension.
    pub extended_until: Option<NaiveDate>,
    /// When it was verified by another road (RFC 3339).
    pub verified_at: Option<String>,
    /// References that were removed.
    pub gone: u64,
    /// The same by kind of place.
    pub done: Vec<Done>,
    /// What stays.
    pub stays: Vec<Left>,
    /// Places that could not be read in full.
    pub unread: u64,
    /// Who had been given the data.
    pub recipients: Vec<Told>,
}

impl Reply {
    /// An empty letter of a case; what it tells is filled in.
    #[must_use]
    pub fn new(
        letter: Kind,
        case: &crate::store::Case,
        date: NaiveDate,
        (controller, contact, authority): (Option<String>, Option<String>, Option<String>),
    ) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            letter,
            case: case.id.to_string(),
            request: case.kind.to_string(),
            received: case.received,
            due: case.due,
            date,
            controller,
            contact,
            authority,
            salutation: None,
            reason: None,
            extended_until: None,
            verified_at: None,
            gone: 0,
            done: Vec::new(),
            stays: Vec::new(),
            unread: 0,
            recipients: Vec::new(),
        }
    }

    /// A letter with something invented in every field, to try templates on.
    #[must_use]
    pub fn sample(letter: Kind) -> Self {
        let text = |text: &str| Some(text.to_owned());
        let day = NaiveDate::default();
        let place = "log files".to_owned();
        Self {
            schema: SCHEMA.to_owned(),
            letter,
            case: "C-00000000000000000000000000".into(),
            request: "erasure".into(),
            received: day,
            due: day,
            date: day,
            controller: text("Example Corp"),
            contact: text("privacy@corp.example"),
            authority: text("Authority of Exampleland"),
            salutation: text("Dear reader,"),
            reason: text("a reason"),
            extended_until: Some(day),
            verified_at: text("2026-11-22T08:00:00Z"),
            gone: 1,
            done: vec![Done { place: place.clone(), count: 1 }],
            stays: vec![Left {
                place,
                outcome: "still there".into(),
                why: "a reason".into(),
                who: text("an administrator"),
                count: 1,
            }],
            unread: 1,
            recipients: vec![Told {
                name: "partner".into(),
                role: "another company".into(),
                sent: Some(day),
                acknowledged: Some(day),
            }],
        }
    }

    /// Fills in what was done and what stays.
    pub fn tell(&mut self, done: Vec<Done>, stays: &[Stays], coverage: &[Coverage]) {
        self.gone = done.iter().map(|d| d.count).sum();
        self.done = done;
        self.stays = grouped(stays);
        self.unread = coverage.iter().filter(|c| !c.status.is_complete()).count() as u64;
    }

    /// Whether everything is gone and everything was read: only then is a letter one of full erasure.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.stays.is_empty() && self.unread == 0
    }
}

/// What stays, counted by kind of place, reason and who could remove it; no record and no project is told.
fn grouped(stays: &[Stays]) -> Vec<Left> {
    let mut out: Vec<Left> = Vec::new();
    for s in stays {
        let (place, outcome) = (words::place(&s.place, &s.record), words::outcome(s.outcome));
        let same = |l: &&mut Left| l.place == place && l.outcome == outcome && l.why == s.why && l.who == s.who;
        match out.iter_mut().find(same) {
            Some(left) => left.count += 1,
            None => out.push(Left {
                place: place.to_owned(),
                outcome: outcome.to_owned(),
                why: s.why.clone(),
                who: s.who.clone(),
                count: 1,
            }),
        }
    }
    out.sort_by(|a, b| (&a.place, b.count, &a.why).cmp(&(&b.place, a.count, &b.why)));
    out
}

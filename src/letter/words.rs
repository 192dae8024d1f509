//! What places, outcomes and roles are called in a letter: words for a reader who knows no Jira from the inside.

use crate::model::{Area, Controller, Outcome, Place, RecordRef, RecordType};

/// What kind of place something stands in, in plain words; it names neither project nor record.
#[must_use]
pub fn place(place: &Place, record: &RecordRef) -> &'static str {
    match (place.area(), record.record_type) {
        (_, RecordType::History) => "the change history of issues",
        (_, RecordType::UserProfile) => "a user account",
        (Area::Source | Area::Target, RecordType::Property) if record.key.is_none() => "settings of an issue tracker",
        (Area::Source, RecordType::Attachment) => "files attached to issues of our issue tracker",
        (Area::Target, RecordType::Attachment) => "files attached to issues of a connected issue tracker",
        (Area::Source, _) => "issues of our issue tracker",
        (Area::Target, _) => "issues of a connected issue tracker",
        (Area::Staging, _) => "copies kept for the transfer between issue trackers",
        (Area::Foreign, _) => "files of another transfer tool",
        (Area::State, _) => "settings of the transfer itself",
        (Area::Log, _) => "log files",
        (Area::Backup, _) => "backups",
    }
}

/// What happened to something, in a word.
#[must_use]
pub const fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Erased => "erased",
        Outcome::Redacted => "cut out",
        Outcome::Kept => "kept on a legal basis",
        Outcome::Held => "held for now",
        Outcome::Residual => "still there",
        Outcome::Failed => "not done",
        Outcome::Review => "not decided",
    }
}

/// What an instance's controller is to us, in plain words.
#[must_use]
pub const fn role(controller: Controller) -> &'static str {
    match controller {
        Controller::Us => "ourselves",
        Controller::Joint => "a company that answers jointly with us",
        Controller::Processor => "a service provider that works for us",
        Controller::Partner => "another company",
    }
}

/// A record for its keeper, such as `comment 10001 of PART-1`. What in it may name a person has to be masked before.
#[must_use]
pub fn record(record: &RecordRef) -> String {
    let what = match record.record_type {
        RecordType::RemoteLink => "remote link",
        RecordType::UserProfile => "user profile",
        RecordType::History => "history entry",
        other => other.as_str(),
    };
    match (&record.path, &record.id, &record.key) {
        (Some(path), ..) => format!("{what} {path}"),
        (None, _, Some(key)) if record.record_type == RecordType::Issue => format!("issue {key}"),
        (None, Some(id), Some(key)) => format!("{what} {id} of {key}"),
        (None, None, Some(key)) => format!("{what} of {key}"),
        (None, Some(id), None) => format!("{what} {id}"),
        (None, None, None) => what.to_owned(),
    }
}

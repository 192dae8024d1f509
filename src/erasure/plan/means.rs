//! By what means a step is carried out, and what a person should know of it before approving. Pure.

use super::{Means, Operation, PolicyPin, Standing, Step};
use crate::{
    erasure::redaction,
    model::{Flavor, Outcome, RecordType},
    policy::WithoutIt,
};

/// The means of a step at an instance of this flavour, where it is not the ordinary one.
pub(super) fn of(step: &Step, flavor: Option<Flavor>, policy: &PolicyPin) -> Option<Means> {
    let flavor = flavor.filter(|_| step.instance.is_some())?;
    match (step.record.record_type, step.operation) {
        (RecordType::Issue | RecordType::Comment | RecordType::Worklog, Operation::Edit)
            if flavor == Flavor::Cloud && policy.history.redaction_api =>
        {
            (!redaction::split(step).0.is_empty()).then_some(Means::RedactionApi)
        }
        (RecordType::Attachment, Operation::Delete) if policy.attachments.note => Some(Means::Note),
        _ => None,
    }
}

/// What a person should know before approving: mails, copies in the history, what can't be undone.
pub(super) fn notes(step: &Step, flavor: Option<Flavor>, policy: &PolicyPin) -> Vec<String> {
    let mut notes: Vec<String> = Vec::new();
    let mut say = |text: &str| notes.push(text.to_owned());
    let remote = step.instance.is_some();
    if step.means == Some(Means::RedactionApi) {
        say("the texts go by Cloud's redaction API, which makes no copy in the history and cannot be undone");
        if step.record.record_type == RecordType::Issue {
            say("what the history holds already may stay: it is read back, and listed as residual");
        }
        say(match policy.history.without_it {
            WithoutIt::Edit => {
                "where the site does not have that API, they are edited, which copies the old text into the history"
            }
            WithoutIt::Residual => {
                "where the site does not have that API, they stay as they are and are listed as residual"
            }
        });
        if !redaction::split(step).1.is_empty() {
            say(match step.record.record_type {
                RecordType::Issue => {
                    "an edit behind it takes what is no text (users, mentions, labels), and copies its old values into the history"
                }
                _ => "an edit behind it takes what is no text (mentions)",
            });
        }
    }
    match (step.record.record_type, step.operation) {
        (RecordType::Issue, Operation::Edit) => {
            if step.means.is_none() {
                say("the edit copies the old values into the issue's history, which cannot be edited");
            }
            say("sent with notifyUsers=false; webhooks still carry the old text to whoever listens");
        }
        (RecordType::Comment, Operation::Delete) => {
            say("redacted and read back before it is deleted; cannot be undone");
        }
        (RecordType::Comment, Operation::Edit) if remote => {
            say(if flavor == Some(Flavor::Cloud) {
                "webhooks still tell whoever listens"
            } else {
                "webhooks still tell whoever listens; a Data Center also sends the mails of a comment edit"
            });
        }
        (RecordType::Attachment, Operation::Edit) if remote => {
            say(
                "uploaded anew without the person and read back, then the old one is deleted: author, date and thumbnail are those of \
                 the new one",
            );
            say("cannot be undone; the issue's history keeps the old file name");
        }
        (RecordType::Attachment, Operation::Delete) if remote => {
            say("cannot be undone; the issue's history keeps the file name");
            if step.means == Some(Means::Note) {
                say(
                    "a short text takes its place: that an attachment was removed, when, under which law, in which case",
                );
            }
        }
        (_, Operation::Delete) => say("cannot be undone"),
        _ => {}
    }
    notes
}

/// What stands in an issue's history already is only copied there once more by an edit: that is said, since then the edit
/// changes what the issue shows and nothing else.
pub(super) fn tell_copies(steps: &mut [Step], standing: &[Standing]) {
    for step in steps {
        if only_copies(step, standing) {
            step.notes.push(COPIES.to_owned());
        }
    }
}

/// The note of a step whose edit takes nothing out of the issue that its history does not hold as well.
pub const COPIES: &str = "the issue's history holds the same already and keeps it: this edit changes what the issue shows, and \
     adds one more copy";

fn only_copies(step: &Step, standing: &[Standing]) -> bool {
    let copies = step.record.record_type == RecordType::Issue
        && step.operation == Operation::Edit
        && step.instance.is_some()
        && step.means.is_none();
    let held = |kind| {
        standing.iter().any(|s| {
            s.record.record_type == RecordType::History
                && s.outcome == Outcome::Residual
                && s.field != "author"
                && s.place == step.place
                && s.record.key == step.record.key
                && s.kind == kind
        })
    };
    copies && step.edits.iter().all(|e| held(e.kind))
}

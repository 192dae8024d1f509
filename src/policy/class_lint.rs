//! What is wrong about a deletion class, and between classes.

use std::{collections::HashMap, ops::Range};

use super::{Class, Match, Start, Then};
use crate::{
    model::{Area, RecordType},
    policy::{
        Glob, Word,
        read::{At, Reader},
    },
};

/// Fields that no edit empties: they are set by Jira, or are records of their own.
const FIXED: [&str; 30] = [
    "project",
    "issuetype",
    "status",
    "statuscategorychangedate",
    "statusCategory",
    "resolution",
    "resolutiondate",
    "created",
    "updated",
    "lastViewed",
    "creator",
    "comment",
    "attachment",
    "worklog",
    "watches",
    "votes",
    "subtasks",
    "issuelinks",
    "parent",
    "workratio",
    "progress",
    "aggregateprogress",
    "timespent",
    "aggregatetimespent",
    "timeestimate",
    "aggregatetimeestimate",
    "timeoriginalestimate",
    "aggregatetimeoriginalestimate",
    "thumbnail",
    "issuerestriction",
];

/// A class by itself: a start that no record of it has, an end that cannot be carried out on it.
pub(super) fn of_class(reader: &mut Reader<'_>, read: &Match, start: Option<&At<Start>>, then: Option<&At<Then>>) {
    let accounts = read.records.record.iter().eq([RecordType::UserProfile]);
    if let Some((start, at)) = start {
        starts(reader, *start, at, read, accounts);
    }
    if let Some(at) = read.area.clone().filter(|_| !read.records.area.is_all()) {
        let never = [Area::Source, Area::Backup].into_iter().filter(|a| read.records.area.contains(*a));
        for area in never.filter(|a| !(accounts && *a == Area::Source)) {
            reader
                .warn("not-swept", at.clone(), format!("no sweep looks at area `{}`", area.as_str()))
                .help("a source belongs to those who work in it, and a backup expires with its rotation: take it out");
        }
    }
    let Some((then, at)) = then else { return };
    fields(reader, *then, at, read);
    if accounts && then.acts() {
        reader
            .error(
                "impossible-end",
                at.clone(),
                format!("`{}` is nothing that a sweep does to an account", then.word()),
            )
            .note(read.record.clone().unwrap_or_else(|| read.span.clone()), "accounts")
            .help("use `review`: what somebody left behind is erased by a case, which knows whom it means");
        return;
    }
    let (areas, what): (&[Area], _) = match then {
        Then::Delete | Then::Keep | Then::Review => return,
        Then::Clear | Then::Redact => {
            (&[Area::Target, Area::Foreign, Area::Log], "issues and comments of targets, and files")
        }
        Then::Pseudonymise => (&[Area::Foreign, Area::Log], "files"),
        Then::Renew => (&[Area::Target], "issues of targets"),
    };
    let wrong = read.records.area.iter().find(|a| !areas.contains(a));
    let records: &[RecordType] = match then {
        Then::Renew => &[RecordType::Issue],
        _ => &[RecordType::Issue, RecordType::Comment, RecordType::File],
    };
    let odd = read.records.record.iter().find(|r| !records.contains(r));
    // A target also has comments and attachments, so that the records have to be named there.
    let named = read.record.is_some() || !read.records.area.contains(Area::Target);
    if let Some(area) = wrong {
        let (then, area) = (then.word(), area.as_str());
        reader
            .error("impossible-end", at.clone(), format!("`{then}` is of {what}, and the class reaches area `{area}`"))
            .note(read.area.clone().unwrap_or_else(|| read.span.clone()), "its areas")
            .help("name only areas of which it can be; `delete` goes for all");
    } else if let (Some(record), Some(note)) = (odd, &read.record) {
        let (then, record) = (then.word(), record.word());
        reader
            .error(
                "impossible-end",
                at.clone(),
                format!("`{then}` is of {what}, and the class names record `{record}`"),
            )
            .note(note.clone(), "here")
            .help("use `delete`, or leave that record out");
    } else if !named {
        reader
            .error(
                "impossible-end",
                at.clone(),
                format!("`{}` is of {what}, and a target has other records too", then.word()),
            )
            .note(read.span.clone(), "no record is named here")
            .help(if *then == Then::Renew {
                "add record = \"issue\""
            } else {
                "add record = \"issue\" or \"comment\""
            });
    }
}

/// `field` belongs to ends that edit, and only what can be emptied can be named.
fn fields(reader: &mut Reader<'_>, then: Then, at: &Range<usize>, read: &Match) {
    let first = read.fields.first().map(|(_, at)| at.clone());
    match first {
        Some(span) if !then.edits() => {
            reader
                .error(
                    "means-nothing",
                    span,
                    format!("`field` means nothing beside `{}`, which is of whole records", then.word()),
                )
                .help("`clear`, `redact` and `pseudonymise` are of fields");
        }
        None if then.edits() => {
            reader.error("missing-key", at.clone(), format!("`{}` has no `field` to be done to", then.word())).help(
                "add it to `match`: field = [\"description\", \"environment\"], or names of members of a JSON file",
            );
        }
        _ => {}
    }
    if !read.records.area.contains(Area::Target) || !then.edits() {
        return;
    }
    for (glob, span) in &read.fields {
        let text = glob.as_str();
        if FIXED.contains(&text) {
            reader
                .error("impossible-end", span.clone(), format!("nobody can empty `{text}` of an issue"))
                .help("delete the record, or write the issue anew with `renew`");
            continue;
        }
        let full = [("summary", RecordType::Issue), ("body", RecordType::Comment)];
        let named = |(name, record): &(&str, RecordType)| {
            text == *name || glob.matches(name) && read.records.record.contains(*record)
        };
        for (name, _) in full.iter().filter(|full| then == Then::Clear && named(full)) {
            let message = if text == *name {
                format!("Jira lets no `{name}` be empty")
            } else {
                format!("`{text}` names `{name}` too, and Jira lets none be empty")
            };
            reader
                .error("impossible-end", span.clone(), message)
                .help("`redact` puts the policy's placeholder there; of a glob name the fields that are meant");
        }
    }
}

/// A start that no record of the class has.
fn starts(reader: &mut Reader<'_>, start: Start, at: &Range<usize>, read: &Match, accounts: bool) {
    let areas: &[Area] = match start {
        Start::Processed => &[Area::Staging, Area::State],
        Start::Resolved => &[Area::Target],
        Start::SyncEnded => &[Area::Staging, Area::Target],
        Start::AccountClosed => &[Area::Source, Area::Target],
        Start::Created | Start::Updated => &[Area::Staging, Area::State, Area::Target, Area::Foreign, Area::Log],
    };
    if !areas.iter().any(|a| read.records.area.contains(*a)) {
        let known: Vec<_> = areas.iter().map(|a| a.as_str()).collect();
        reader
            .error("never-starts", at.clone(), format!("nothing of these areas is ever `{}`", start.word()))
            .help(format!("it is known of: {}", known.join(", ")));
    } else if accounts != (start == Start::AccountClosed) {
        let message = if accounts {
            format!("accounts are of no other start than `{}`", Start::AccountClosed.word())
        } else {
            format!("`{}` is of accounts", start.word())
        };
        reader
            .error("never-starts", at.clone(), message)
            .note(read.record.clone().unwrap_or_else(|| read.span.clone()), "the records of the class")
            .help("a class of people who left has record = \"user-profile\" and start = \"account-closed\"");
    }
}

/// What is wrong between classes: two of one name, and one that an earlier class leaves nothing to.
pub(super) fn between(reader: &mut Reader<'_>, classes: &[Class]) {
    let mut first: HashMap<&str, &Class> = HashMap::new();
    for (n, class) in classes.iter().enumerate() {
        if let Some(earlier) = first.get(class.id.as_str()) {
            reader
                .error("duplicate-class-id", class.span.clone(), format!("two classes are called `{}`", class.id))
                .note(earlier.span.clone(), "the first")
                .help("a report names the class, so each needs an id of its own; `replaces = true` takes the place of an included class");
        } else {
            first.insert(&class.id, class);
        }
        // Of two of one name it is said already; one of fields leaves the record to those behind it.
        let before = classes[..n].iter().filter(|c| c.id != class.id && c.fields.is_empty());
        let mut taking = before.filter(|c| (c.start == Start::AccountClosed) == (class.start == Start::AccountClosed));
        if let Some(earlier) = taking.find(|c| c.records.covers(&class.records)) {
            reader
                .warn("shadowed-class", class.span.clone(), format!("`{}` is never asked", class.id))
                .note(earlier.span.clone(), "this class takes every record of it")
                .help("the first class that applies decides: put the narrower one first");
        }
    }
}

/// Whether a field of an issue can be named by globs: what Jira sets itself goes by its own name alone, which is an error.
pub(crate) fn editable(globs: &[Glob], name: &str) -> bool {
    !FIXED.contains(&name) && globs.iter().any(|g| g.matches(name))
}

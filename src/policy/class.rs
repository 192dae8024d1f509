//! Deletion classes, after ISO/IEC 27555: which records go how long after which event, by whose word.
//!
//! Owns `[[class]]` and `[sweep]` of the policy language, and whether a class applies to a record. Knows no clock: the
//! event's time and `now` are `retention`'s.

use std::ops::Range;

use sha2::{Digest, Sha256};
use toml::de::{DeTable, DeValue};

#[path = "class_lint.rs"]
mod lint;

pub(crate) use lint::editable;

use super::{
    Glob, Period, Set, Severity, Word,
    merge::{self, Replaces},
    read::{At, Reader, Section},
};
use crate::model::{Area, Place, ProjectKey, RecordRef, RecordType};

/// How long a record is only marked before it goes, where a class does not say.
const GRACE: Period = Period::Days(7);

/// The event from which a period counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// The record was made. Of a file: it was first seen.
    Created,
    /// A staged message was imported, or parked; a case was ended.
    Processed,
    /// The issue was resolved.
    Resolved,
    /// The record was last changed by anybody but ourselves.
    Updated,
    /// The synchronization that wrote the record was ended (`[sync.…] ended`).
    SyncEnded,
    /// The account was seen to be closed or deactivated.
    AccountClosed,
}

/// What is done when the period is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// The record is deleted.
    Delete,
    /// The record stays, with a legal basis: no later class is asked.
    Keep,
    /// A person decides.
    Review,
    /// Fields of the record are emptied.
    Clear,
    /// Texts in fields of the record become the placeholder, and what is no text is emptied.
    Redact,
    /// Texts in fields of a file become aliases by which nobody can be told without the key (GDPR Art. 4(5)).
    Pseudonymise,
    /// A target's issue is deleted with its history, and the synchronization writes it anew.
    Renew,
}

impl Then {
    /// Whether something is done to the record, so that it is marked first.
    #[must_use]
    pub const fn acts(self) -> bool {
        !matches!(self, Self::Keep | Self::Review)
    }

    /// Whether it is done to fields of the record, and the rest stays.
    #[must_use]
    pub const fn edits(self) -> bool {
        matches!(self, Self::Clear | Self::Redact | Self::Pseudonymise)
    }
}

/// The records of a class. All conditions have to hold; an empty list is none.
#[derive(Debug, Clone, PartialEq)]
pub struct Records {
    /// Areas.
    pub area: Set<Area>,
    /// Globs over the place as it is written.
    pub place: Vec<Glob>,
    /// Globs over the project's key.
    pub project: Vec<Glob>,
    /// Record types.
    pub record: Set<RecordType>,
    /// Globs over a file's path.
    pub path: Vec<Glob>,
    /// Globs over the issue's labels: one of them has to match.
    pub label: Vec<Glob>,
    /// Globs over the name of the issue's status.
    pub status: Vec<Glob>,
}

/// What a class asks of a record.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Where.
    pub place: &'a Place,
    /// The project, for remote places.
    pub project: Option<&'a ProjectKey>,
    /// Which record.
    pub record: &'a RecordRef,
    /// The issue's labels; `None` where nothing says them.
    pub labels: Option<&'a [String]>,
    /// The name of the issue's status; `None` where nothing says it.
    pub status: Option<&'a str>,
}

/// A deletion class.
#[derive(Debug, Clone, PartialEq)]
pub struct Class {
    /// Its id: what a report names.
    pub id: String,
    /// Which records.
    pub records: Records,
    /// From when the period counts.
    pub start: Start,
    /// How long.
    pub period: Period,
    /// What is done then.
    pub then: Then,
    /// Globs over the fields that it is done to, where it is not done to the whole record: such a class leaves the record to the
    /// classes behind it.
    pub fields: Vec<Glob>,
    /// How long a due record is only marked before it goes; `None` where it goes at once.
    pub grace: Option<Period>,
    /// The legal basis.
    pub basis: String,
    /// Why, for a person to read.
    pub reason: Option<String>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// Hex SHA-256 of the class as it is written: a class that was changed marks anew.
    pub digest: String,
    span: Range<usize>,
    replaces: Option<Range<usize>>,
}

impl Replaces for Class {
    const WHAT: &'static str = "class";

    fn id(&self) -> (&str, usize) {
        (&self.id, self.span.start)
    }

    fn replaces(&self) -> Option<Range<usize>> {
        self.replaces.clone()
    }
}

/// How sweeps are carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SweepRules {
    /// Most records that one run deletes; the oldest go first.
    pub records: Option<u64>,
    /// Whether another person has to approve what a run deletes.
    pub four_eyes: bool,
}

impl Records {
    fn holds(&self, asked: &Asked<'_>) -> Option<bool> {
        let any = |globs: &[Glob], text: &str| globs.is_empty() || globs.iter().any(|g| g.matches(text));
        let fits = self.area.contains(asked.place.area())
            && self.record.contains(asked.record.record_type)
            && any(&self.place, &asked.place.to_string())
            && (self.project.is_empty() || asked.project.is_some_and(|p| any(&self.project, p.as_str())))
            && (self.path.is_empty() || asked.record.path.as_deref().is_some_and(|p| any(&self.path, p)));
        // What is in no Jira fits no label; an issue whose labels are not said may.
        let issue = asked.place.area() == Area::Target && asked.record.record_type != RecordType::UserProfile;
        let unknown = (!issue).then_some(false);
        let label = match asked.labels {
            _ if self.label.is_empty() => Some(true),
            Some(labels) => Some(labels.iter().any(|l| any(&self.label, l))),
            None => unknown,
        };
        let status = match asked.status {
            _ if self.status.is_empty() => Some(true),
            Some(status) => Some(any(&self.status, status)),
            None => unknown,
        };
        match (fits, label, status) {
            (false, ..) | (_, Some(false), _) | (.., Some(false)) => Some(false),
            (true, Some(true), Some(true)) => Some(true),
            _ => None,
        }
    }

    /// The conditions that are given, in the order of the documentation.
    pub(super) fn parts(&self) -> Vec<(&'static str, Vec<String>)> {
        fn words<T: Word>(set: Set<T>) -> Vec<String> {
            if set.is_all() { Vec::new() } else { set.words().into_iter().map(str::to_owned).collect() }
        }
        let globs = |globs: &[Glob]| globs.iter().map(ToString::to_string).collect::<Vec<_>>();
        let all = [
            ("area", words(self.area)),
            ("place", globs(&self.place)),
            ("project", globs(&self.project)),
            ("record", words(self.record)),
            ("path", globs(&self.path)),
            ("label", globs(&self.label)),
            ("status", globs(&self.status)),
        ];
        all.into_iter().filter(|(_, words)| !words.is_empty()).collect()
    }

    /// Whether every record of `other` is one of these too, as far as that can be told.
    fn covers(&self, other: &Self) -> bool {
        let globs = |a: &[Glob], b: &[Glob]| a.is_empty() || (!b.is_empty() && b.iter().all(|g| a.contains(g)));
        self.area.covers(other.area)
            && self.record.covers(other.record)
            && globs(&self.place, &other.place)
            && globs(&self.project, &other.project)
            && globs(&self.path, &other.path)
            && globs(&self.label, &other.label)
            && globs(&self.status, &other.status)
    }
}

impl std::fmt::Display for Records {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts: Vec<String> =
            self.parts().into_iter().map(|(key, words)| format!("{key} {}", words.join(" | "))).collect();
        f.write_str(&parts.join("; "))
    }
}

impl Class {
    /// Whether a record is one of the class, whatever its age; `None` where that hangs on a label or status that nothing says.
    #[must_use]
    pub fn applies(&self, asked: &Asked<'_>) -> Option<bool> {
        self.records.holds(asked)
    }

    /// Whether a record of this area may be one of the class.
    #[must_use]
    pub fn reaches(&self, area: Area) -> bool {
        self.records.area.contains(area)
    }
}

/// Reads `[sweep]` and every `[[class]]`.
pub(super) fn read(reader: &mut Reader<'_>, top: &mut Section<'_, '_>) -> (SweepRules, Vec<Class>) {
    let mut rules = SweepRules::default();
    if let Some((table, span)) = top.table(reader, "sweep") {
        let mut s = Section::new("[sweep]", table, span);
        rules.records = s.count(reader, "records");
        rules.four_eyes = s.bool(reader, "four_eyes").unwrap_or_default();
        s.finish(reader);
    }
    let Some(value) = top.get("class") else { return (rules, Vec::new()) };
    let DeValue::Array(array) = value.get_ref() else {
        let span = top.key_span("class").unwrap_or_else(|| value.span());
        reader
            .error("wrong-type", span, "`class` has to be a list of tables")
            .help("each class starts with `[[class]]`, in double brackets");
        return (rules, Vec::new());
    };
    let mut classes = Vec::new();
    for item in array.iter() {
        match item.get_ref() {
            DeValue::Table(table) => classes.extend(class(reader, table, item.span())),
            _ => {
                reader
                    .error("wrong-type", item.span(), "a class has to be a table")
                    .help("each class starts with `[[class]]`, in double brackets");
            }
        }
    }
    let classes = merge::replace(reader, classes);
    lint::between(reader, &classes);
    (rules, classes)
}

fn class(reader: &mut Reader<'_>, table: &DeTable<'_>, header: Range<usize>) -> Option<Class> {
    let errors = |r: &Reader<'_>| r.found.iter().filter(|d| d.severity == Severity::Error).count();
    let before = errors(reader);
    let mut s = Section::new("a class", table, header.clone());
    let id = s.string(reader, "id");
    match &id {
        Some((text, span)) => super::build::check_id(reader, text, span),
        None if s.key_span("id").is_none() => {
            s.required(reader, "id", "add `id = \"…\"`: every report names the class")
        }
        None => {}
    }
    let mut read = Match::default();
    match s.table(reader, "match") {
        Some((table, span)) => read = read_match(reader, table, span),
        None if s.key_span("match").is_none() => {
            s.required(reader, "match", "add `match = { area = \"…\" }`: a class says of which records it is");
        }
        None => {}
    }
    let start = s.word::<Start>(reader, "start");
    if start.is_none() && s.key_span("start").is_none() {
        s.required(
            reader,
            "start",
            "add `start = \"…\"`, one of created, processed, resolved, updated, sync-ended, account-closed",
        );
    }
    let period = s.period(reader, "period");
    if period.is_none() && s.key_span("period").is_none() {
        s.required(reader, "period", "add `period = \"…\"`, such as \"30 days\" or \"6 months\"");
    }
    let then = s.word::<Then>(reader, "then");
    if then.is_none() && s.key_span("then").is_none() {
        s.required(
            reader,
            "then",
            "add `then = \"…\"`, one of delete, clear, redact, pseudonymise, renew, keep, review",
        );
    }
    let mut grace = Some(GRACE);
    if let Some((text, at)) = s.string(reader, "grace") {
        match (text.as_str(), text.parse()) {
            ("none", _) => grace = None,
            (_, Ok(period)) => grace = Some(period),
            (_, Err(e)) => {
                reader
                    .error("bad-period", at.clone(), format!("`grace`: {e}"))
                    .help("a period, or \"none\" for a class that deletes at once");
            }
        }
        if let Some((word, _)) = then.as_ref().filter(|(t, _)| !t.acts()) {
            reader
                .error("grace-without-delete", at, format!("`grace` means nothing beside `{}`", word.word()))
                .help("only what is deleted or changed is marked first");
        }
    }
    let basis = s.string(reader, "basis");
    if basis.is_none() && s.key_span("basis").is_none() {
        s.required(reader, "basis", "add `basis = \"…\"`: the law, the contract or the interest behind the period");
    }
    let (reason, owner) = (s.string(reader, "reason"), s.string(reader, "owner"));
    let replaces = s.bool(reader, "replaces").filter(|yes| *yes).and_then(|_| s.key_span("replaces"));
    s.finish(reader);
    if !read.records.area.is_empty() {
        lint::of_class(reader, &read, start.as_ref(), then.as_ref());
    }
    let Match { records, fields, .. } = read;
    let text = reader.sources.get(header.clone()).unwrap_or_default();
    let (id, span) = id.unwrap_or((String::new(), header.clone()));
    let ((start, _), (period, _), (then, _)) = (start?, period?, then?);
    let digest = hex::encode(Sha256::digest(
        format!("{id} {records:?} {start:?} {period} {then:?} {fields:?} {grace:?} {text}").as_bytes(),
    ));
    (errors(reader) == before).then(|| Class {
        id,
        records,
        start,
        period,
        then,
        fields: fields.into_iter().map(|(g, _)| g).collect(),
        grace,
        basis: basis.map(|(b, _)| b).unwrap_or_default(),
        reason: reason.map(|(r, _)| r),
        owner: owner.map(|(o, _)| o),
        digest,
        span,
        replaces,
    })
}

/// What `match` says.
pub(super) struct Match {
    pub(super) records: Records,
    pub(super) fields: Vec<At<Glob>>,
    /// Where it stands.
    pub(super) span: Range<usize>,
    pub(super) area: Option<Range<usize>>,
    pub(super) record: Option<Range<usize>>,
}

impl Default for Match {
    fn default() -> Self {
        let records = Records {
            area: Set::all(),
            place: Vec::new(),
            project: Vec::new(),
            record: Set::all(),
            path: Vec::new(),
            label: Vec::new(),
            status: Vec::new(),
        };
        Self { records, fields: Vec::new(), span: 0..0, area: None, record: None }
    }
}

fn read_match(reader: &mut Reader<'_>, table: &DeTable<'_>, span: Range<usize>) -> Match {
    let mut s = Section::new("a class's `match`", table, span.clone());
    let (area, named) = match s.words::<Area>(reader, "area") {
        None => (Set::all(), None),
        Some((set, at)) => (set, Some(at)),
    };
    let record = s.words(reader, "record");
    let fields = s.globs(reader, "field");
    let mut globs = |key| s.globs(reader, key).into_iter().map(|(g, _)| g).collect();
    let records = Records {
        area,
        record: record.as_ref().map_or_else(Set::all, |(set, _)| *set),
        place: globs("place"),
        project: globs("project"),
        path: globs("path"),
        label: globs("label"),
        status: globs("status"),
    };
    if table.is_empty() {
        reader
            .error("empty-match", span.clone(), "`match` is empty, so the class would be about everything there is")
            .help("name at least an area");
    }
    s.finish(reader);
    Match { records, fields, span, area: named, record: record.map(|(_, at)| at) }
}

#[cfg(test)]
#[path = "class_tests.rs"]
mod tests;

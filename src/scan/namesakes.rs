//! Namesakes kept apart: where another person bears the subject's name, a bare name proves nothing by itself.
//!
//! Pure: a step over the references of one record, after the walkers and before the policy. The known namesakes are searched
//! along as *shadows*, subjects behind the real ones, so that it is known where they are named; no shadow leaves this step.
//!
//! What counts as **nearby**, for a name:
//! - In a record of Jira (an issue's own fields, a comment, …): the same field, else the same record. A staged message is read
//!   as the issue and the comments that it carries.
//! - In a file, and in the content of an attachment, which may speak of many people: the same line; in JSON the same value,
//!   else the same item of the outermost list. The name of a file is near all that it holds.
//!
//! With an identifier of the subject nearby, a name keeps its strength. It is `possible` where there is none, and where the
//! namesake's is nearer or as near. In a user object, a mention or a history entry that carries the namesake's own id, the name is
//! no reference at all.

use std::collections::{HashMap, HashSet};

use crate::model::{Cut, Identifier, IdentifierKind, Piece, RecordRef, RecordType, Reference, Strength, Subject};

/// The unit of what stands outside all lists of a JSON document.
const DOCUMENT: &str = "$";

/// Stands for every unit of a JSON document.
const ANYWHERE: &str = "$*";

/// The known namesakes of the subjects of a scan.
#[derive(Debug, Clone, Default)]
pub struct Namesakes {
    /// Index of the first shadow.
    first: usize,
    /// The subject of each shadow.
    owners: Vec<usize>,
    /// By shadow and identifier, whether it is also a word of the subject's name (a user name `anna`).
    words: Vec<Vec<bool>>,
    /// By subject and identifier, whether it is a name; empty for subjects without namesakes.
    names: Vec<Vec<bool>>,
}

/// What a name has nearby, by subject: ids in a field, in a unit of a record, anywhere in it.
#[derive(Default)]
struct Near<'a> {
    fields: HashSet<(usize, &'a RecordRef, String)>,
    units: HashSet<(usize, &'a RecordRef, String)>,
    records: HashSet<(usize, &'a RecordRef)>,
}

impl<'a> Near<'a> {
    fn add(&mut self, subject: usize, reference: &'a Reference) {
        let record = &reference.record;
        self.records.insert((subject, record));
        // Binary content has no lines: nothing in it is near anything.
        if in_content(reference) && reference.locator == "strings" {
            return;
        }
        self.fields.insert((subject, record, field(reference)));
        self.units.insert((subject, record, unit(reference)));
        if reads_as_json(reference) {
            self.units.insert((subject, record, ANYWHERE.to_owned()));
        }
    }

    fn in_field(&self, subject: usize, reference: &'a Reference) -> bool {
        self.fields.contains(&(subject, &reference.record, field(reference)))
    }

    fn in_record(&self, subject: usize, reference: &'a Reference) -> bool {
        let has = |unit: &str| self.units.contains(&(subject, &reference.record, unit.to_owned()));
        match unit(reference).as_str() {
            // A record's own field, or a file's own name, is near all of it.
            "" => self.records.contains(&(subject, &reference.record)),
            // What stands outside all lists is near every item of them, and the other way round.
            DOCUMENT => has(ANYWHERE),
            unit => has(unit) || (reads_as_json(reference) && has(DOCUMENT)),
        }
    }
}

impl Namesakes {
    /// The subjects of a scan with the shadows behind them: build the matcher of these.
    #[must_use]
    pub fn shadowed(subjects: &[Subject]) -> (Vec<Subject>, Self) {
        let is_name = |i: &Identifier| matches!(i.kind, IdentifierKind::FullName | IdentifierKind::Alias);
        let mut all = subjects.to_vec();
        let (mut owners, mut words) = (Vec::new(), Vec::new());
        for (owner, subject) in subjects.iter().enumerate() {
            let name_words: HashSet<String> = subject
                .identifiers
                .iter()
                .filter(|i| is_name(i))
                .flat_map(|i| i.value.reveal().split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase))
                .collect();
            for namesake in subject.namesakes.iter().filter(|n| n.has_ids()) {
                let ids: Vec<_> = namesake.ids().map(|i| Identifier { confirmed: true, ..i.clone() }).collect();
                words.push(ids.iter().map(|i| name_words.contains(&i.value.reveal().to_lowercase())).collect());
                all.push(Subject::new(subject.key.clone(), String::new(), ids));
                owners.push(owner);
            }
        }
        let names = subjects
            .iter()
            .map(|s| if s.namesakes.is_empty() { Vec::new() } else { s.identifiers.iter().map(is_name).collect() })
            .collect();
        (all, Self { first: subjects.len(), owners, words, names })
    }

    /// Whether the identifier of a reference is a name of a subject that has namesakes.
    fn is_name(&self, reference: &Reference) -> bool {
        self.names.get(reference.subject).and_then(|s| s.get(reference.identifier)).copied().unwrap_or(false)
    }

    fn has_namesakes(&self, subject: usize) -> bool {
        self.names.get(subject).is_some_and(|s| !s.is_empty())
    }

    /// References of one record, or of several, with every name judged and without the shadows'.
    #[must_use]
    pub fn settle(&self, references: Vec<Reference>) -> Vec<Reference> {
        if self.owners.is_empty() {
            return references;
        }
        let mut verdicts = Vec::with_capacity(references.len());
        {
            let (mut own, mut others) = (Near::default(), Near::default());
            let mut own_nodes: HashSet<(usize, &RecordRef, String)> = HashSet::new();
            let mut other_nodes: HashSet<(usize, &RecordRef, String)> = HashSet::new();
            let spans = self.name_spans(&references);
            for r in references.iter().filter(|r| !self.is_name(r)) {
                if let Some(shadow) = r.subject.checked_sub(self.first) {
                    let Some(&owner) = self.owners.get(shadow) else { continue };
                    // A user name that is a word of the name ("anna") is no sign of the other person inside that name.
                    let word = self.words.get(shadow).and_then(|w| w.get(r.identifier)) == Some(&true);
                    let in_name = inside(r, &spans) || (word && r.cut == Cut::Whole);
                    if r.strength > Strength::Possible && !in_name {
                        others.add(owner, r);
                        other_nodes.extend(bearer(r).map(|node| (owner, &r.record, node)));
                    }
                } else if self.has_namesakes(r.subject) && r.strength > Strength::Possible {
                    own.add(r.subject, r);
                    own_nodes.extend(bearer(r).map(|node| (r.subject, &r.record, node)));
                }
            }
            for r in &references {
                verdicts.push(if r.subject >= self.first {
                    None
                } else if !self.is_name(r) {
                    Some(r.strength)
                } else {
                    let node = bearer(r).map(|node| (r.subject, &r.record, node));
                    let borne = |nodes: &HashSet<_>| node.as_ref().is_some_and(|n| nodes.contains(n));
                    if borne(&own_nodes) {
                        Some(r.strength)
                    } else if borne(&other_nodes) {
                        None
                    } else if !others.in_field(r.subject, r)
                        && (own.in_field(r.subject, r)
                            || (own.in_record(r.subject, r) && !others.in_record(r.subject, r)))
                    {
                        Some(r.strength)
                    } else {
                        Some(Strength::Possible)
                    }
                });
            }
        }
        references
            .into_iter()
            .zip(verdicts)
            .filter_map(|(r, verdict)| verdict.map(|strength| Reference { strength, ..r }))
            .collect()
    }

    /// Where names stand in texts.
    fn name_spans<'a>(&self, references: &'a [Reference]) -> HashMap<(&'a RecordRef, &'a str), Vec<(usize, usize)>> {
        let mut out: HashMap<_, Vec<_>> = HashMap::new();
        for r in references.iter().filter(|r| self.is_name(r)) {
            for piece in pieces(r) {
                out.entry((&r.record, piece.pointer.as_str())).or_default().push((piece.from, piece.to));
            }
        }
        out.values_mut().for_each(|spans| spans.sort_unstable());
        out
    }
}

fn pieces(reference: &Reference) -> &[Piece] {
    match &reference.cut {
        Cut::Text { pieces } => pieces,
        _ => &[],
    }
}

/// Whether a reference lies within a name.
fn inside(reference: &Reference, names: &HashMap<(&RecordRef, &str), Vec<(usize, usize)>>) -> bool {
    let pieces = pieces(reference);
    !pieces.is_empty()
        && pieces.iter().all(|p| {
            names.get(&(&reference.record, p.pointer.as_str())).is_some_and(|spans| {
                let before = spans.partition_point(|(from, _)| *from <= p.from);
                spans[..before].last().is_some_and(|(_, to)| p.to <= *to)
            })
        })
}

/// The object that carries an id and the name to it: a user object, a mention, one side of a history item.
fn bearer(reference: &Reference) -> Option<String> {
    if let Cut::Node { pointer } = &reference.cut {
        return Some(pointer.clone());
    }
    if reference.record.record_type != RecordType::History {
        return None;
    }
    let (item, side) = reference.locator.rsplit_once('/')?;
    match side {
        "from" | "fromString" => Some(format!("{item}/from")),
        "to" | "toString" => Some(format!("{item}/to")),
        _ => None,
    }
}

/// Whether a reference stands in a file, in the content of an attachment, or in a staged message: where a field has no name.
fn in_content(reference: &Reference) -> bool {
    reference.field.is_empty()
        || (reference.field == "content" && reference.record.record_type == RecordType::Attachment)
}

fn reads_as_json(reference: &Reference) -> bool {
    in_content(reference) && (reference.locator.is_empty() || reference.locator.starts_with('/'))
}

/// What is one field: see the module.
fn field(reference: &Reference) -> String {
    if !in_content(reference) {
        return reference.field.clone();
    }
    match reference.record.record_type {
        // `/fields/summary`, `/comments/3`.
        RecordType::Message => reference.locator.split('/').take(3).collect::<Vec<_>>().join("/"),
        _ if reads_as_json(reference) => document(&reference.locator).to_owned(),
        _ => reference.locator.clone(),
    }
}

/// What is one unit of a record: all of it for Jira's own records, and for the rest see the module.
fn unit(reference: &Reference) -> String {
    if !in_content(reference) {
        return String::new();
    }
    if reference.record.record_type == RecordType::Message {
        let parts = if reference.locator.starts_with("/fields/") { 2 } else { 3 };
        return reference.locator.split('/').take(parts).collect::<Vec<_>>().join("/");
    }
    if !reads_as_json(reference) {
        return field(reference);
    }
    let pointer = document(&reference.locator);
    let is_index = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let parts: Vec<&str> = pointer.split('/').collect();
    match parts.iter().position(|part| is_index(part)) {
        Some(index) => format!("{DOCUMENT}{}", parts[..=index].join("/")),
        None => DOCUMENT.to_owned(),
    }
}

/// A pointer into a document of rich text (ADF) is one to the document: paragraphs are no list of records.
fn document(pointer: &str) -> &str {
    let parts: Vec<&str> = pointer.split('/').collect();
    let is_index = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let nested = |at: usize| {
        let part = |i: usize| parts.get(at + i).copied().unwrap_or_default();
        part(0) == "content" && is_index(part(1)) && part(2) == "content" && is_index(part(3))
    };
    match (0..parts.len()).find(|at| nested(*at)) {
        Some(at) => &pointer[..parts[..at].iter().map(|p| p.len() + 1).sum::<usize>().saturating_sub(1)],
        None => pointer,
    }
}

#[cfg(test)]
#[path = "namesakes_tests.rs"]
mod tests;

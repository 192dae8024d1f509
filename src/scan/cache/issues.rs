//! What is remembered of the issues of a project: the collector's questions answered from the marks.
//!
//! A mark stands for an issue in one state (its id and Jira's `updated`, as the issue itself gave it) that was read whole and in
//! which nobody stands, or for an attachment in whose content nobody stands. Whatever had a finding or a gap has none, so it is
//! read again.

use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::Ordering},
};

use chrono::{DateTime, TimeDelta};
use serde_json::Value;

use super::{ATTACHMENT, END, ISSUE, Memory, ScanCache, files::unpack, index::Index, locked, mark_of};
use crate::{
    model::{Earlier, Place, RecordType},
    scan::{
        collect::{Done, Known, Listed, RemoteRecord, Seen},
        jira::parse_time,
    },
};

/// An issue that changed less than this before our scan began is read again next time: a second change within one tick of the
/// server's clock (a second, on some databases) would not show, and its clock and ours may be so far apart.
const SETTLED: TimeDelta = TimeDelta::minutes(5);

/// A scan goes on with one that was cut off if that one began less than this ago.
const GOES_ON: TimeDelta = TimeDelta::hours(24);

/// So many issues are written at once: each costs far more to read than a file, so that a kill may lose few.
const BATCH: usize = 16;

/// What is remembered of a project, and what this scan adds.
pub struct Issues<'a> {
    memory: Memory<'a>,
    marks: Arc<Marks>,
    /// Issues with a reference or something unread.
    marred: BTreeSet<u64>,
}

/// What earlier scans remember, for the tasks that read.
struct Marks {
    key: [u8; 32],
    index: Arc<Index>,
    exhaustive: bool,
    /// When this scan began, and the last one that read the whole project: milliseconds since 1970.
    began: i64,
    ended: i64,
}

impl ScanCache {
    /// What is remembered of the project at `place` of the server at `address`.
    #[must_use]
    pub fn issues(&self, place: &Place, address: &str) -> Issues<'_> {
        // The same name may mean another server tomorrow, even a copy of this one.
        let hash = blake3::keyed_hash(self.key.dangerously_expose(), format!("place {place} at {address}").as_bytes());
        let memory = self.memory(hash);
        let mut marks = Marks {
            key: memory.key,
            index: Arc::clone(&self.index),
            exhaustive: self.exhaustive,
            began: self.began,
            ended: i64::MIN,
        };
        if let Some((found, _)) = marks.slot(END, "", &[]) {
            marks.ended = found.and_then(unpack).unwrap_or(self.began);
        }
        Issues { memory, marks: Arc::new(marks), marred: BTreeSet::new() }
    }
}

impl Issues<'_> {
    /// The answers to the collector's questions.
    #[must_use]
    pub fn seen(&self) -> Arc<dyn Seen> {
        Arc::clone(&self.marks) as Arc<dyn Seen>
    }

    /// Takes in a record of issue `number`: `clean` when nothing of it is a reference or unread, `content_clean` when nothing of
    /// an attachment's content is.
    pub fn record(&mut self, number: u64, record: &RemoteRecord, clean: bool, content_clean: bool) {
        if !clean {
            self.marred.insert(number);
        }
        if record.record.record_type == RecordType::Attachment {
            let (id, state) = attachment(&record.json);
            if record.content.is_some() && content_clean {
                self.tell(ATTACHMENT, &id, &state);
            } else if record.content.is_none() {
                self.taken(ATTACHMENT, &id, &state);
            }
        }
    }

    /// Takes in the end of an issue.
    pub fn done(&mut self, done: &Done) {
        let marred = self.marred.remove(&done.number);
        let Some(updated) = &done.issue.updated else { return };
        if done.known != Known::No {
            self.taken(ISSUE, &done.issue.id, updated.as_bytes());
        }
        if marred || !done.whole || !settled(updated, self.marks.began) {
            return;
        }
        // What was left out was read when the mark was made: it stays as old as it is.
        if done.known == Known::No {
            self.tell(ISSUE, &done.issue.id, updated.as_bytes());
        }
    }

    /// Ends the reading of the project; `complete` when no issue was left out. How much was taken from earlier scans.
    #[must_use]
    pub fn finish(self, complete: bool) -> Option<Earlier> {
        if complete {
            self.memory.tell(self.memory.mark(END, "", &[]), Some(&self.marks.began), 0);
        }
        self.memory.finish(complete)
    }

    fn tell(&self, kind: u8, path: &str, state: &[u8]) {
        self.memory.tell::<()>(self.memory.mark(kind, path, state), None, 0);
        let mut pending = locked(&self.memory.pending);
        if pending.count() >= BATCH {
            self.memory.write(&mut pending);
        }
    }

    fn taken(&self, kind: u8, path: &str, state: &[u8]) {
        if self.marks.exhaustive {
            return;
        }
        if let Some(slot) = self.memory.cache.index.slots.get(&self.memory.mark(kind, path, state)) {
            self.memory.take(slot);
        }
    }
}

impl Marks {
    /// What was found and when the scan began that read it.
    fn slot(&self, kind: u8, path: &str, state: &[u8]) -> Option<(Option<&[u8]>, i64)> {
        if self.exhaustive {
            return None;
        }
        let slot = self.index.slots.get(&mark_of(&self.key, kind, path, state))?;
        slot.met.store(true, Ordering::Relaxed);
        let found = slot.found.checked_sub(1).and_then(|at| self.index.found.get(at as usize));
        Some((found.map(AsRef::as_ref), self.index.groups.get(usize::from(slot.group))?.at))
    }
}

impl Seen for Marks {
    fn issue(&self, issue: &Listed) -> Known {
        let Some(updated) = issue.updated.as_deref().filter(|_| !issue.id.is_empty()) else { return Known::No };
        match self.slot(ISSUE, &issue.id, updated.as_bytes()) {
            None => Known::No,
            // A clock that was set back says nothing.
            Some((_, at)) if at <= self.ended || at > self.began => Known::Before,
            Some((_, at)) if self.began - at < GOES_ON.num_milliseconds() => Known::JustNow,
            Some(_) => Known::Before,
        }
    }

    fn attachment(&self, meta: &Value) -> bool {
        let (id, state) = attachment(meta);
        !id.is_empty() && self.slot(ATTACHMENT, &id, &state).is_some()
    }
}

/// Whether an issue changed so long before `began` (milliseconds since 1970) that another change shows.
fn settled(updated: &str, began: i64) -> bool {
    let began = DateTime::from_timestamp_millis(began);
    parse_time(updated).zip(began).is_some_and(|(updated, began)| began - updated > SETTLED)
}

/// An attachment's id, and what else tells it from one that a server gave the same id: the name says how it is read, too.
fn attachment(meta: &Value) -> (String, Vec<u8>) {
    let text = |name: &str| meta.get(name).map(Value::to_string).unwrap_or_default();
    let id = match meta.get("id") {
        Some(Value::String(id)) => id.clone(),
        Some(Value::Number(id)) => id.to_string(),
        _ => String::new(),
    };
    (id, ["filename", "size", "created", "mimeType"].map(text).join("\n").into_bytes())
}

#[cfg(test)]
#[path = "issues_tests.rs"]
mod tests;

//! What a collection read and what it left out, as coverage (which decides whether the scan is complete) and as facts for the
//! matrix. Owns the difference between the two: what may be read and was not is a gap, what is not for this account to read
//! is stated, with whom to ask.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    Done, Event, InstancePlace, Known, Listed, Numbers, Page, RemotePlace,
    issue::{Origin, Outcome},
    pool::Message,
    reason,
    settings::{ADMIN, Read},
    size,
};
use crate::{
    jira::JiraError,
    model::{Coverage, CoverageStatus, Fact, MatrixStatus, ProjectKey, RecordType, Storage},
};

/// Missing numbers that are asked for one by one, whatever the size of the project, and one more for each of so many issues.
const GAPS: u64 = 200;
const ISSUES_A_GAP: u64 = 20;
/// Numbers above the highest that are asked for: the search may not know the newest issue yet.
const ABOVE: u64 = 2;
/// Comments whose properties are asked for at once: the most that Cloud takes.
const COMMENTS: usize = 1000;
/// The same on Data Center, where each is a call of its own.
const COMMENTS_ONE_BY_ONE: usize = 64;

/// What is known of kinds of places.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts(pub BTreeMap<Storage, Fact>);

impl Facts {
    /// Notes a fact; of several about one kind, the worse stays.
    pub(super) fn add(&mut self, kind: Storage, fact: Fact) {
        match self.0.remove(&kind) {
            Some(old) => self.0.insert(kind, old.worse(fact)),
            None => self.0.insert(kind, fact),
        };
    }

    /// Takes in what another collection found out.
    pub fn merge(&mut self, other: Self) {
        for (kind, fact) in other.0 {
            self.add(kind, fact);
        }
    }
}

/// What a collection came to.
#[derive(Debug, Default)]
pub struct Collected {
    /// How far the places were read.
    pub coverage: Vec<Coverage>,
    /// What is known for the matrix.
    pub facts: Facts,
    /// Issues that were read, or are unchanged.
    pub issues: u64,
}

/// The kinds that stand in a project.
const OF_A_PROJECT: [Storage; 21] = [
    Storage::Issues,
    Storage::Comments,
    Storage::CommentProperties,
    Storage::Worklogs,
    Storage::WorklogProperties,
    Storage::Attachments,
    Storage::History,
    Storage::Watchers,
    Storage::Votes,
    Storage::RemoteLinks,
    Storage::IssueProperties,
    Storage::HiddenIssues,
    Storage::HiddenComments,
    Storage::Projects,
    Storage::Components,
    Storage::Versions,
    Storage::Roles,
    Storage::ProjectProperties,
    Storage::Schemes,
    Storage::SecurityLevels,
    Storage::Boards,
];

/// Parts of issues by the name of their gap.
const PARTS: [(&str, Storage); 8] = [
    ("comments", Storage::Comments),
    ("worklogs", Storage::Worklogs),
    ("attachments", Storage::Attachments),
    ("history", Storage::History),
    ("watchers", Storage::Watchers),
    ("votes", Storage::Votes),
    ("remote-links", Storage::RemoteLinks),
    ("properties", Storage::IssueProperties),
];

impl Collected {
    /// A project of which nothing could be read.
    pub(super) fn unexamined(place: &RemotePlace, why: &str) -> Self {
        let mut facts = Facts::default();
        for kind in OF_A_PROJECT {
            facts.add(kind, Fact::new(MatrixStatus::Unexamined, why));
        }
        let coverage = vec![Coverage::with_reason(place.place(), CoverageStatus::Unexamined, 0, 0, why)];
        Self { coverage, facts, issues: 0 }
    }
}

/// Something that could not be read, by kind.
#[derive(Debug, Default)]
pub(super) struct Gaps(pub(super) BTreeMap<&'static str, (u64, String)>);

impl Gaps {
    pub(super) fn add(&mut self, kind: &'static str, reason: String) {
        self.0.entry(kind).or_insert((0, reason)).0 += 1;
    }

    fn merge(&mut self, other: Self) {
        for (kind, (n, reason)) in other.0 {
            self.0.entry(kind).or_insert((0, reason)).0 += n;
        }
    }
}

/// A comment or worklog whose properties are to be asked for.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) id: String,
    /// The issue, and its number.
    pub(super) key: String,
    pub(super) number: u64,
}

/// An issue of Data Center some of whose comments' properties are still to come: it is not done before them.
#[derive(Debug, Default)]
struct Waiting {
    comments: usize,
    failed: bool,
    done: Option<Done>,
}

/// What was read so far.
#[derive(Default)]
pub(super) struct Totals {
    /// Only what some conditions find is read.
    pub(super) quick: bool,
    /// Conditions that the server refused.
    pub(super) refused: u64,
    records: u64,
    bytes: u64,
    pub(super) issues: u64,
    /// Issues that were read before, and by the scan that this one goes on with.
    unchanged: u64,
    going_on: u64,
    listed: u64,
    pub(super) numbers: Numbers,
    gaps: Gaps,
    facts: Facts,
    cut_off: Option<String>,
    /// How many issues the search, or the count beside it, speaks of.
    total: Option<u64>,
    shifted: bool,
    restricted: u64,
    secured: u64,
    /// Of the numbers that the search leaves out: read by their key, moved away, not to be had, not asked for.
    found: u64,
    moved: u64,
    unseen: u64,
    unasked: u64,
    /// Comments whose properties are still to be asked for.
    comments: Vec<Asked>,
    /// The same of worklogs.
    worklogs: Vec<Asked>,
    waiting: BTreeMap<u64, Waiting>,
    /// Data Center gives properties of one comment at a time, and of worklogs none.
    data_center: bool,
    settings: Option<Read>,
}

impl Totals {
    pub(super) fn new(quick: bool, data_center: bool) -> Self {
        Self { quick, data_center, ..Self::default() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.listed == 0
    }

    pub(super) fn listed(&mut self, key: &str) {
        self.listed += 1;
        self.numbers.insert(key);
    }

    pub(super) fn listing(&mut self, page: &Page) {
        self.total = page.total;
        // It says so at its end only.
        self.shifted = !page.complete;
    }

    pub(super) fn cut_off(&mut self, why: &str) {
        self.cut_off = Some(format!("the search broke off after {} issues: {why}", self.listed));
    }

    pub(super) fn counted(&mut self, count: u64) {
        self.total = Some(count);
    }

    pub(super) fn record(&mut self, message: Message, sink: &mut impl FnMut(Event)) {
        let record = &message.record;
        if record.record.key.is_some() {
            self.records += 1;
            self.bytes += size(record);
        }
        let asked = |id: &String, key: &String| Asked { id: id.clone(), key: key.clone(), number: message.number };
        match (record.record.record_type, &record.record.id, &record.record.key) {
            (RecordType::Comment, Some(id), Some(key)) => {
                if message.properties {
                    self.comments.push(asked(id, key));
                    if self.data_center {
                        self.waiting.entry(message.number).or_default().comments += 1;
                    }
                }
                self.restricted += u64::from(record.json.get("visibility").is_some_and(Value::is_object));
            }
            (RecordType::Worklog, Some(id), Some(key)) if message.properties => self.worklogs.push(asked(id, key)),
            (RecordType::Issue, ..) => {
                self.secured += u64::from(record.json.pointer("/fields/security").is_some_and(Value::is_object));
            }
            _ => {}
        }
        sink(Event::Record(message.number, message.record));
    }

    /// Takes in how an issue ended, and gives what is to be asked for because of it.
    pub(super) fn ended(
        &mut self,
        outcome: Outcome,
        sink: &mut impl FnMut(Event),
        project: &ProjectKey,
    ) -> Vec<(Listed, Origin)> {
        self.gaps.merge(outcome.gaps);
        let mut more = Vec::new();
        match outcome.origin {
            _ if outcome.done.known == Known::Before => self.unchanged += 1,
            _ if outcome.done.known == Known::JustNow => self.going_on += 1,
            Origin::Gap if outcome.moved => self.moved += 1,
            Origin::Gap if outcome.found => self.found += 1,
            Origin::Gap => self.unseen += 1,
            Origin::Above(n) if outcome.found => {
                self.found += 1;
                more.push(asked(project, n + ABOVE, Origin::Above(n + ABOVE)));
            }
            _ => {}
        }
        if outcome.found {
            self.issues += 1;
            match self.waiting.get_mut(&outcome.done.number) {
                Some(waiting) => waiting.done = Some(outcome.done),
                None => sink(Event::Done(outcome.done)),
            }
            self.release(sink);
        }
        more
    }

    /// Hands out the issues for whose comments nothing is to come any more.
    fn release(&mut self, sink: &mut impl FnMut(Event)) {
        self.waiting.retain(|_, waiting| match waiting.done.take_if(|_| waiting.comments == 0) {
            Some(done) => {
                sink(Event::Done(Done { whole: done.whole && !waiting.failed, ..done }));
                false
            }
            None => true,
        });
    }

    fn answered(&mut self, comments: &[Asked], failed: bool, sink: &mut impl FnMut(Event)) {
        for comment in comments {
            if let Some(waiting) = self.waiting.get_mut(&comment.number) {
                waiting.comments = waiting.comments.saturating_sub(1);
                waiting.failed |= failed;
            }
        }
        self.release(sink);
    }

    pub(super) fn broke_off(&mut self) {
        self.gaps.add("issues", "reading them broke off; this is a bug in efface".into());
    }

    pub(super) fn settings(&mut self, settings: Read) {
        for permission in &settings.lacks {
            let why = format!("the account lacks {permission}");
            match permission.as_str() {
                "VIEW_VOTERS_AND_WATCHERS" => {
                    self.gaps.add("watchers", why.clone());
                    self.gaps.add("votes", why);
                }
                _ => self.gaps.add("issues", why),
            }
        }
        self.settings = Some(settings);
    }

    /// The numbers that the search leaves out, as far as they are few, and the next ones above the highest.
    pub(super) fn gaps_to_ask(&mut self, project: &ProjectKey) -> Vec<(Listed, Origin)> {
        // Where the search broke off, most of what it did not list is simply not read.
        if self.cut_off.is_some() || self.listed == 0 {
            return Vec::new();
        }
        let most = GAPS + self.listed / ISSUES_A_GAP;
        let mut out = Vec::new();
        for n in self.numbers.missing() {
            if (out.len() as u64) < most {
                out.push(asked(project, n, Origin::Gap));
            } else {
                self.unasked += 1;
            }
        }
        let highest = self.numbers.highest();
        out.extend((1..=ABOVE).map(|n| asked(project, highest + n, Origin::Above(highest + n))));
        out
    }

    /// The comments whose properties are to be asked for now: a full page, or the rest at the `end`.
    pub(super) fn comments_to_ask(&mut self, end: bool, sink: &mut impl FnMut(Event)) -> Option<Vec<Asked>> {
        // A server that has no such call is not asked again.
        if self.gaps.0.contains_key("comment-properties") {
            let never = std::mem::take(&mut self.comments);
            self.answered(&never, true, sink);
            return None;
        }
        page(&mut self.comments, if self.data_center { COMMENTS_ONE_BY_ONE } else { COMMENTS }, end)
    }

    pub(super) fn asked_comments(
        &mut self,
        comments: &[Asked],
        result: Result<(), JiraError>,
        sink: &mut impl FnMut(Event),
    ) {
        self.answered(comments, result.is_err(), sink);
        if let Err(e) = result {
            self.gaps.add("comment-properties", reason(&e));
        }
    }

    /// The worklogs whose properties are to be asked for now, as of comments. Data Center has none.
    pub(super) fn worklogs_to_ask(&mut self, end: bool) -> Option<Vec<Asked>> {
        if self.data_center || self.gaps.0.contains_key("worklog-properties") {
            self.worklogs.clear();
            return None;
        }
        page(&mut self.worklogs, COMMENTS, end)
    }

    pub(super) fn asked_worklogs(&mut self, result: Result<(), JiraError>) {
        if let Err(e) = result {
            self.gaps.add("worklog-properties", reason(&e));
        }
    }

    /// What a project came to.
    pub(super) fn collected(mut self, place: &RemotePlace) -> Collected {
        let (records, bytes) = (self.records, self.bytes);
        let project = &place.project;
        let partial = |why: String| Coverage::with_reason(place.place(), CoverageStatus::Partial, records, bytes, why);
        let main = match (self.cut_off.take(), self.gaps.0.remove("issues")) {
            (Some(why), _) => partial(why),
            (None, Some((n, why))) if self.records > 0 => partial(format!("{n} issues could not be read: {why}")),
            (None, Some((n, why))) => {
                let why = format!("{n} issues could not be read: {why}");
                Coverage::with_reason(place.place(), CoverageStatus::Unexamined, 0, 0, why)
            }
            (None, None) if self.quick => {
                let refused = match self.refused {
                    0 => String::new(),
                    n => format!("; the server refused {n} of the questions"),
                };
                partial(format!("quick search, not exhaustive{refused}"))
            }
            (None, None) if self.shifted => {
                partial("the pages of the search moved while it was read; scan again when less is edited".into())
            }
            (None, None) => Coverage::examined(place.place(), records, bytes),
        };
        self.facts.add(Storage::Issues, Fact::of(&main));
        self.parts(place);
        self.hidden(project);
        if self.quick {
            for kind in OF_A_PROJECT.into_iter().filter(|k| *k <= Storage::HiddenComments) {
                self.facts.add(kind, Fact::new(MatrixStatus::Partial, "quick search, not exhaustive"));
            }
        }
        let mut coverage = vec![main];
        for (kind, (n, why)) in std::mem::take(&mut self.gaps.0) {
            let why = format!("not readable at {n} issues: {why}");
            coverage.push(Coverage::with_reason(place.part(kind), CoverageStatus::Unexamined, 0, 0, why));
        }
        if let Some(settings) = self.settings.take() {
            coverage.push(settings_line(place.part(super::SETTINGS), &settings));
            self.facts.merge(settings.facts);
        }
        Collected { coverage, facts: self.facts, issues: self.issues }
    }

    /// What an instance came to.
    pub(super) fn collected_instance(mut self, place: &InstancePlace) -> Collected {
        let mut coverage = Vec::new();
        if let Some(settings) = self.settings.take() {
            coverage.push(settings_line(place.place(), &settings));
            self.facts.merge(settings.facts);
        }
        Collected { coverage, facts: self.facts, issues: 0 }
    }

    fn parts(&mut self, place: &RemotePlace) {
        let going_on = || {
            let why = format!("those of {} issues were read by the scan that this one goes on with", self.going_on);
            Fact::new(MatrixStatus::Examined, why)
        };
        for (name, kind) in PARTS {
            let own_call = matches!(kind, Storage::Watchers | Storage::Votes | Storage::RemoteLinks);
            let fact = match self.gaps.0.get(name) {
                None if own_call && self.going_on > 0 => going_on(),
                None => Fact::examined(),
                Some((n, why)) => Fact::new(
                    if *n < self.issues { MatrixStatus::Partial } else { MatrixStatus::Unexamined },
                    format!("not readable at {n} issues of {}: {why}", place.project),
                ),
            };
            self.facts.add(kind, fact);
        }
        for (gap, kind) in
            [("comment-properties", Storage::CommentProperties), ("worklog-properties", Storage::WorklogProperties)]
        {
            let fact = match self.gaps.0.get(gap) {
                Some((_, why)) => Fact::new(MatrixStatus::Unexamined, why.as_str()),
                None if kind == Storage::WorklogProperties && self.data_center => {
                    Fact::new(MatrixStatus::Absent, "Data Center's worklogs have no properties")
                }
                None if self.unchanged > 0 => Fact::new(
                    MatrixStatus::Partial,
                    format!("those of {} unchanged issues were not read again", self.unchanged),
                ),
                None if self.data_center && self.going_on > 0 => going_on(),
                None => Fact::examined(),
            };
            self.facts.add(kind, fact);
        }
    }

    fn hidden(&mut self, project: &ProjectKey) {
        let unseen = self.unseen + self.unasked;
        let mut notes = Vec::new();
        if unseen > 0 {
            notes.push(format!(
                "{unseen} issue numbers of {project} were not seen: deleted, moved or hidden from the account                  (security level)"
            ));
        }
        if self.unasked > 0 {
            notes.push(format!("{} of them were not asked for one by one", self.unasked));
        }
        if let Some(total) = self.total.filter(|t| *t > self.issues) {
            notes.push(format!("the search of {project} counts {total} issues, {} were read", self.issues));
        }
        let hidden = !notes.is_empty();
        if self.found > 0 {
            notes.push(format!(
                "{} issues of {project} that no search lists were read by their key (archived, or new)",
                self.found
            ));
        }
        if self.moved > 0 {
            notes.push(format!("{} numbers of {project} belong to issues that were moved away", self.moved));
        }
        if self.secured > 0 {
            notes.push(format!("{} issues of {project} with a security level were read", self.secured));
        }
        let reason = (!notes.is_empty()).then(|| notes.join("; "));
        let fact = if hidden {
            Fact { status: MatrixStatus::OutOfReach, reason, ask: Some(ADMIN.to_owned()) }
        } else {
            Fact { status: MatrixStatus::Examined, reason, ask: None }
        };
        self.facts.add(Storage::HiddenIssues, fact);
        let why = format!(
            "Jira says nothing of comments that are restricted to others; {} restricted ones of {project} were read",
            self.restricted
        );
        self.facts.add(
            Storage::HiddenComments,
            Fact::new(MatrixStatus::OutOfReach, why).asking("the members of the roles and groups that they are for"),
        );
    }
}

/// The first `most` of a list, or the rest of it at the `end`.
fn page(all: &mut Vec<Asked>, most: usize, end: bool) -> Option<Vec<Asked>> {
    if all.is_empty() || (all.len() < most && !end) {
        return None;
    }
    let rest = all.split_off(all.len().min(most));
    Some(std::mem::replace(all, rest))
}

fn asked(project: &ProjectKey, n: u64, origin: Origin) -> (Listed, Origin) {
    (Listed { id: String::new(), key: format!("{project}-{n}"), updated: None }, origin)
}

fn settings_line(place: crate::model::Place, settings: &Read) -> Coverage {
    match &settings.failed {
        None => Coverage::examined(place, settings.sent, 0),
        Some((n, why)) => {
            let status = if settings.sent == 0 { CoverageStatus::Unexamined } else { CoverageStatus::Partial };
            Coverage::with_reason(place, status, settings.sent, 0, format!("{n} calls failed: {why}"))
        }
    }
}

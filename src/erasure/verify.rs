//! Verification by another road (law 4): every place is fetched again and searched for all identifiers, with a search that
//! shares neither normaliser nor matcher with what planned.
//!
//! Owns the second reading and the comparison of its hits with what the plan says may stay. Must not import `norm`,
//! `subject::Matcher` or `scan::walk`: a test in `tests/` reads this file and `othersearch` for that.

use std::{collections::BTreeMap, path::Path, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    execute,
    namesakes::{text_without_their_names, without_their_names},
    othersearch::Needles,
    plan::{Operation, Plan, Standing, Step},
};
use crate::{
    config::Config,
    extract,
    fs::walk::{EntryKind, walk},
    jira::{Client, is_made_key},
    model::{
        Area, Coverage, CoverageStatus, IdentifierKind, InstanceName, MatrixRow, Namesake, Outcome, Place, RecordRef,
        RecordType, Subject, SyncName,
    },
    scan::{
        collect::{Event, Facts, Reading, RemoteRecord, collect, collect_instance, known},
        matrix::matrix,
        run::{Target, accounts_on, targets},
    },
    staging::Staging,
    store::Store,
};

/// What a hit of the verification is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// The plan says that it stays, and why.
    Listed,
    /// Nobody said that it may stay: the case cannot close.
    Unexpected,
}

/// A field in which an identifier stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Remaining {
    /// Where.
    pub place: Place,
    /// Which record.
    pub record: RecordRef,
    /// Which field.
    pub field: String,
    /// Listed or not.
    pub class: Class,
    /// Kept, held, residual or review, for what is listed.
    pub outcome: Option<Outcome>,
    /// Why it stays.
    pub why: String,
    /// Who could remove it.
    pub who: Option<String>,
    /// How often.
    pub count: u64,
}

/// The result of a verification.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// When (RFC 3339, UTC).
    pub at: String,
    /// The plan that it verifies.
    pub plan: String,
    /// What was read.
    pub coverage: Vec<Coverage>,
    /// What that means for every kind of storage place.
    #[serde(default)]
    pub matrix: Vec<MatrixRow>,
    /// What is still there.
    pub remaining: Vec<Remaining>,
    /// Similar strings that are somebody else's, counted.
    pub near_misses: u64,
    /// For each synchronization, when it had last run to its end when this began (RFC 3339).
    #[serde(default)]
    pub synced: BTreeMap<SyncName, Option<String>>,
}

impl Verification {
    /// Hits that nobody said may stay.
    pub fn unexpected(&self) -> impl Iterator<Item = &Remaining> {
        self.remaining.iter().filter(|r| r.class == Class::Unexpected)
    }

    /// Whether all that should have been read was read.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.coverage.iter().all(|c| c.status.is_complete())
    }
}

/// What a verification needs.
pub struct Verify<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The store.
    pub store: &'a Store,
    /// Clients, or why there is none.
    pub clients: &'a BTreeMap<InstanceName, Result<Client, String>>,
    /// The subject, whose own accounts are looked up.
    pub subject: &'a Subject,
    /// All identifiers.
    pub needles: &'a Needles,
    /// Those of six characters and more, for the sealed bytes of our own store, where shorter ones turn up by chance.
    pub long_needles: &'a Needles,
    /// Other people with the subject's name: what carries their ids is a near miss.
    pub namesakes: &'a [Namesake],
    /// The plan that was executed.
    pub plan: &'a Plan,
}

/// Whether a verification met what the plan said would stay; what it could not read counts as met.
#[must_use]
pub fn still_met(standing: &Standing, v: &Verification) -> bool {
    let read = v.coverage.iter().any(|c| c.place == standing.place && c.status.is_complete());
    // Of a history entry it is told whether its author was met, or what it says.
    let same_half = |r: &Remaining| {
        standing.record.record_type != RecordType::History || (standing.field == "author") == (r.field == "author")
    };
    !read || v.remaining.iter().any(|r| covers(standing, &r.place, &r.record, &r.field) && same_half(r))
}

struct Findings {
    remaining: BTreeMap<(Place, RecordRef, String), u64>,
    near_misses: u64,
    /// Keys of accounts that the plan anonymised.
    keys: BTreeMap<Place, u64>,
    /// What could not be unpacked, by place and reason.
    unread: BTreeMap<Place, BTreeMap<String, u64>>,
}

/// What steps left as it is, since the place lacked the means, with why.
type Left = Vec<(Place, RecordRef, String, String)>;

impl Verify<'_> {
    /// Reads everything again and compares.
    pub async fn run(&self, hash: &str, at: String, mut progress: impl FnMut(&Place, u64)) -> Verification {
        let mut found =
            Findings { remaining: BTreeMap::new(), near_misses: 0, keys: BTreeMap::new(), unread: BTreeMap::new() };
        let mut coverage = Vec::new();
        let mut facts: BTreeMap<InstanceName, Facts> = BTreeMap::new();
        // Asked before anything is read: a sync that ends meanwhile may write behind the search.
        let synced = self
            .config
            .syncs
            .keys()
            .map(|name| (name.clone(), self.store.sync_ran(name).unwrap_or_default()))
            .collect();
        for target in targets(self.config) {
            let place = target.place();
            progress(&place, 0);
            match &target {
                Target::Staging(sync, state) => {
                    let dir = self.config.home.as_ref().map(|h| h.staging.join(sync.as_str()).join(state.as_str()));
                    if dir.as_ref().is_none_or(|d| !d.exists()) {
                        coverage.push(Coverage::with_reason(place, CoverageStatus::Absent, 0, 0, "nothing was staged"));
                        continue;
                    }
                    coverage.push(self.staging(sync, *state, &place, &mut found));
                }
                Target::Instance(instance) => {
                    let Some(client) = self.client(&instance.instance, &place, &mut coverage) else { continue };
                    let accounts = accounts_on(self.config, &instance.instance, [self.subject]);
                    let sink = |record: RemoteRecord| self.record(&place, &record, &mut found);
                    let collected = collect_instance(client, instance, &accounts, sink).await;
                    coverage.extend(collected.coverage);
                    facts.entry(instance.instance.clone()).or_default().merge(collected.facts);
                }
                Target::Remote(remote) => {
                    let Some(client) = self.client(&remote.instance, &place, &mut coverage) else { continue };
                    let sink = |event: Event| {
                        if let Event::Record(_, record) = event {
                            self.record(&remote.place_of(&record.record), &record, &mut found);
                        }
                    };
                    let known = known(self.config, self.store, remote);
                    let ids = known.as_deref().unwrap_or_default();
                    let collected = collect(client, remote, Reading::all(ids), sink, |n| progress(&place, n)).await;
                    coverage.extend(collected.coverage);
                    facts.entry(remote.instance.clone()).or_default().merge(collected.facts);
                    if let Err(e) = known {
                        coverage.push(Coverage::with_reason(place, CoverageStatus::Partial, 0, 0, e.to_string()));
                    }
                }
                Target::Folder(place, path) if place.area() == Area::State => {
                    coverage.push(self.own_store(place, path, &mut found));
                }
                Target::Folder(place, path) => coverage.push(self.folder(place, path, &mut found)),
                Target::File(place, path) => {
                    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
                    coverage.push(match std::fs::read(path) {
                        Ok(bytes) => {
                            self.bytes(place, RecordRef::file(name), "", &bytes, &mut found);
                            Coverage::examined(place.clone(), 1, bytes.len() as u64)
                        }
                        Err(e) => {
                            let why = e.kind().to_string();
                            Coverage::with_reason(place.clone(), CoverageStatus::Unexamined, 0, 0, why)
                        }
                    });
                }
            }
        }
        for line in &mut coverage {
            let Some((why, n)) = found.unread.get(&line.place).and_then(|reasons| reasons.first_key_value()) else {
                continue;
            };
            if line.status.is_complete() {
                line.status = CoverageStatus::Partial;
                line.reason = Some(format!("{n} files or members not readable: {why}"));
            }
        }
        let left = self.left(hash);
        let mut remaining: Vec<Remaining> =
            found.remaining.into_iter().map(|((p, r, f), n)| self.classify(p, r, f, n, &left)).collect();
        let account = || RecordRef { record_type: RecordType::UserProfile, id: None, key: None, path: None };
        remaining.extend(found.keys.into_iter().map(|(place, n)| anonymised(place, account(), "key", NOBODYS_KEY, n)));
        self.audit_logs(&mut remaining);
        let matrix = matrix(self.config, &facts, &coverage);
        Verification { at, plan: hash.to_owned(), coverage, matrix, remaining, near_misses: found.near_misses, synced }
    }

    /// The client of an instance; without one, the coverage says why.
    fn client(&self, instance: &InstanceName, place: &Place, coverage: &mut Vec<Coverage>) -> Option<&Client> {
        let why = match self.clients.get(instance) {
            Some(Ok(client)) => return Some(client),
            Some(Err(why)) => why.as_str(),
            None => "no client for this instance",
        };
        coverage.push(Coverage::with_reason(place.clone(), CoverageStatus::Unexamined, 0, 0, why));
        None
    }

    /// Searches one field's bytes, as they are and as what a reader would unpack from them.
    fn bytes(&self, place: &Place, record: RecordRef, field: &str, bytes: &[u8], found: &mut Findings) {
        let others = || text_without_their_names(self.namesakes, instance_of(place), bytes);
        self.bytes_or(place, record, field, bytes, others, found);
    }

    /// As [`Self::bytes`]; `others` gives the same without what is known to be another person's, where anything is.
    fn bytes_or(
        &self,
        place: &Place,
        record: RecordRef,
        field: &str,
        bytes: &[u8],
        others: impl Fn() -> Option<String>,
        found: &mut Findings,
    ) {
        let mut report = self.needles.search(bytes);
        found.near_misses += report.near_misses.len() as u64;
        if !report.hits.is_empty()
            && !self.namesakes.is_empty()
            && let Some(rest) = others()
        {
            let before = report.hits.len();
            report = self.needles.search(rest.as_bytes());
            found.near_misses += before.saturating_sub(report.hits.len()) as u64;
        }
        let (keys, hits): (Vec<_>, Vec<_>) = report.hits.iter().partition(|hit| self.names_nobody(hit.needle, place));
        if !keys.is_empty() {
            *found.keys.entry(place.clone()).or_default() += keys.len() as u64;
        }
        if !hits.is_empty() {
            *found.remaining.entry((place.clone(), record, field.to_owned())).or_default() += hits.len() as u64;
        }
    }

    /// Whether an identifier is the key, as Jira makes them, of an account that the plan anonymised there.
    fn names_nobody(&self, needle: usize, place: &Place) -> bool {
        let Some(key) = self.subject.identifiers.get(needle).filter(|i| i.kind == IdentifierKind::UserKey) else {
            return false;
        };
        is_made_key(&key.value.reveal().to_uppercase())
            && key.instance.as_ref().map(InstanceName::as_str) == instance_of(place)
            && self.anonymises(place)
    }

    /// Whether the plan anonymises the person's account at a place's instance.
    fn anonymises(&self, place: &Place) -> bool {
        let here = |s: &Step| s.instance.as_ref().map(InstanceName::as_str) == instance_of(place);
        self.plan.steps.iter().any(|s| s.operation == Operation::Anonymise && here(s))
    }

    /// Jira's own audit log keeps the names of those whom it anonymises (Atlassian, "Retrying anonymization"): where the log
    /// cannot be read, that is said all the same.
    fn audit_logs(&self, remaining: &mut Vec<Remaining>) {
        for step in self.plan.steps.iter().filter(|s| s.operation == Operation::Anonymise) {
            let of_log = |r: &Remaining| r.place == step.place && is_audit(&r.record);
            if !remaining.iter().any(of_log) {
                let id = Some("audit".to_owned());
                let record = RecordRef { record_type: RecordType::Property, id, key: None, path: None };
                remaining.push(anonymised(step.place.clone(), record, "", AUDIT_LOG, 1));
            }
        }
    }

    fn record(&self, place: &Place, record: &RemoteRecord, found: &mut Findings) {
        let fields = |json| match record.record.record_type {
            RecordType::Issue => Value::get(json, "fields").and_then(Value::as_object),
            _ => json.as_object(),
        };
        // Of the whole record, since a watcher's id and name are two fields.
        let others = without_their_names(self.namesakes, instance_of(place), &record.json);
        match fields(&record.json) {
            Some(all) => {
                for (name, value) in all {
                    let text = |value: &Value| serde_json::json!({ name: value }).to_string();
                    let rest = || others.as_ref().and_then(fields)?.get(name).map(text);
                    self.bytes_or(place, record.record.clone(), name, text(value).as_bytes(), rest, found);
                }
            }
            None => self.bytes(place, record.record.clone(), "", record.json.to_string().as_bytes(), found),
        }
        if let Some(content) = &record.content {
            let name = record.json.get("filename").and_then(Value::as_str).unwrap_or("attachment");
            self.unpacked(place, &record.record, "content", name, content, found);
        }
    }

    fn unpacked(&self, place: &Place, record: &RecordRef, field: &str, name: &str, bytes: &[u8], found: &mut Findings) {
        self.bytes(place, record.clone(), field, bytes, found);
        let unread = extract::leaves(name, bytes, &extract::Limits::default(), &mut |leaf| {
            if leaf.member {
                self.bytes(place, record.clone(), field, leaf.path.as_bytes(), found);
                self.bytes(place, record.clone(), field, leaf.bytes, found);
            }
            // What no reader of UTF-8 sees.
            if !extract::encoding::is_plain(leaf.bytes) {
                let text = extract::encoding::decode(leaf.bytes);
                // Parted where no text is, which the search need not take apart.
                let narrow = if text.is_none() { extract::charsets::parted_strings(leaf.bytes) } else { Vec::new() };
                let bytes = if text.is_none() { &narrow } else { leaf.bytes };
                if let Some((extract::encoding::Encoding::Utf32 { .. }, text)) = &text {
                    self.bytes(place, record.clone(), field, text.as_bytes(), found);
                }
                for reading in extract::charsets::readings(bytes) {
                    self.bytes(place, record.clone(), field, reading.text().as_bytes(), found);
                }
            }
            if extract::layout::has_view(leaf.bytes)
                && let Some((_, text)) = extract::encoding::decode(leaf.bytes)
                && let Some(view) = extract::layout::view(&text)
            {
                self.bytes(place, record.clone(), field, view.text().as_bytes(), found);
            }
        });
        for gap in unread {
            *found.unread.entry(place.clone()).or_default().entry(gap.reason).or_default() += 1;
        }
    }

    fn staging(
        &self,
        sync: &crate::model::SyncName,
        state: crate::staging::State,
        place: &Place,
        found: &mut Findings,
    ) -> Coverage {
        let unexamined = |why: String| Coverage::with_reason(place.clone(), CoverageStatus::Unexamined, 0, 0, why);
        let Some(home) = &self.config.home else { return unexamined("there is no home folder".into()) };
        let opened = Staging::open(&home.staging, sync, self.store)
            .and_then(|s| s.lock(Duration::from_secs(60)).map(|lock| (s, lock)))
            .and_then(|(s, lock)| s.repair().map(|_| (s, lock)));
        let (staging, _lock) = match opened {
            Ok(pair) => pair,
            Err(e) => return unexamined(e.to_string()),
        };
        let lists = staging.list().and_then(|m| Ok((m, staging.list_blobs()?)));
        let (messages, blobs) = match lists {
            Ok(lists) => lists,
            Err(e) => return unexamined(e.to_string()),
        };
        let (mut records, mut size, mut unread) = (0, 0, 0u64);
        let mut one = |kind: RecordType, id: String, key: String, content: Result<Vec<u8>, _>| match content {
            Ok(content) => {
                let content: Vec<u8> = content;
                records += 1;
                size += content.len() as u64;
                let record = RecordRef { record_type: kind, id: Some(id), key: Some(key), path: None };
                self.unpacked(place, &record, "", "message.json", &content, found);
            }
            Err::<_, crate::staging::StagingError>(_) => unread += 1,
        };
        for m in messages.into_iter().filter(|m| m.state == state) {
            one(RecordType::Message, m.id.to_string(), m.issue.key, staging.read(m.id));
        }
        for b in blobs.into_iter().filter(|b| b.state == state) {
            one(RecordType::Attachment, b.id.to_string(), b.issue.key, staging.read_blob(b.id));
        }
        if unread == 0 {
            Coverage::examined(place.clone(), records, size)
        } else {
            let why = format!("{unread} staged files could not be read");
            Coverage::with_reason(place.clone(), CoverageStatus::Partial, records, size, why)
        }
    }

    /// Our own store: every text of every row, and the raw bytes of its files.
    fn own_store(&self, place: &Place, root: &Path, found: &mut Findings) -> Coverage {
        let partial = |why: String| Coverage::with_reason(place.clone(), CoverageStatus::Partial, 0, 0, why);
        let (mut records, mut size) = (0, 0);
        let mut search = |needles: &Needles, record: RecordRef, bytes: &[u8]| {
            records += 1;
            size += bytes.len() as u64;
            let report = needles.search(bytes);
            found.near_misses += report.near_misses.len() as u64;
            if !report.hits.is_empty() {
                *found.remaining.entry((place.clone(), record, String::new())).or_default() += report.hits.len() as u64;
            }
        };
        match self.store.texts() {
            Ok(texts) => {
                for (table, text) in texts {
                    let record = RecordRef { record_type: RecordType::State, id: Some(table), key: None, path: None };
                    search(self.needles, record, text.as_bytes());
                }
            }
            Err(e) => return partial(e.to_string()),
        }
        for entry in walk(root).filter(|e| e.kind == EntryKind::File) {
            match std::fs::read(&entry.path) {
                Ok(bytes) => search(self.long_needles, RecordRef::file(entry.relative), &bytes),
                Err(e) => return partial(e.kind().to_string()),
            }
        }
        Coverage::examined(place.clone(), records, size)
    }

    fn folder(&self, place: &Place, root: &Path, found: &mut Findings) -> Coverage {
        if !root.exists() {
            let why = "the folder does not exist";
            return Coverage::with_reason(place.clone(), CoverageStatus::Absent, 0, 0, why);
        }
        let (mut records, mut size, mut unread) = (0, 0, Vec::new());
        for entry in walk(root) {
            if !entry.relative.is_empty() {
                let record = RecordRef::file(entry.relative.clone());
                self.bytes(place, record.clone(), "name", entry.relative.as_bytes(), found);
                // A name that is no UTF-8 is read in every character set.
                let raw = entry.path.file_name().unwrap_or_default().as_encoded_bytes();
                for reading in extract::charsets::readings(raw) {
                    self.bytes(place, record.clone(), "name", reading.text().as_bytes(), found);
                }
            }
            match entry.kind {
                EntryKind::File => match std::fs::read(&entry.path) {
                    Ok(bytes) => {
                        records += 1;
                        size += bytes.len() as u64;
                        let record = RecordRef::file(entry.relative.clone());
                        self.unpacked(place, &record, "", &entry.relative, &bytes, found);
                    }
                    Err(e) => unread.push(e.kind().to_string()),
                },
                EntryKind::Folder | EntryKind::Link { leaves: false } => {}
                EntryKind::Link { leaves: true } => unread.push("a link that leads out of the folder".into()),
                EntryKind::Special(what) => unread.push(format!("a {what}, never opened")),
                EntryKind::Unreadable(why) => unread.push(why.to_string()),
            }
        }
        match unread.first() {
            None => Coverage::examined(place.clone(), records, size),
            Some(first) => {
                let why = format!("{} not readable; the first: {first}", unread.len());
                Coverage::with_reason(place.clone(), CoverageStatus::Partial, records, size, why)
            }
        }
    }

    /// What the plan's steps left as it is. A journal that cannot be read leaves it unexpected.
    fn left(&self, hash: &str) -> Left {
        let rows = self.store.steps(&self.plan.case, hash).unwrap_or_default();
        let mut out = Vec::new();
        for step in &self.plan.steps {
            let Some(row) = rows.iter().find(|r| r.number == step.number) else { continue };
            let left = execute::left(row);
            for edit in step.edits.iter().filter(|e| left.contains(&e.finding)) {
                let why = execute::remark(row).unwrap_or_default();
                out.push((step.place.clone(), step.record.clone(), edit.field.clone(), why));
            }
        }
        out
    }

    /// Whether the plan says of this field that it stays.
    fn classify(&self, place: Place, record: RecordRef, field: String, count: u64, left: &Left) -> Remaining {
        let listed = self.plan.standing.iter().find(|s| covers(s, &place, &record, &field));
        // What an approved edit copied into the history is what the plan warned of.
        let copied = || {
            record.record_type == RecordType::History
                && self.plan.steps.iter().any(|s| s.place == place && s.record.key == record.key)
        };
        let base = |class, outcome, why: &str, who: Option<String>| Remaining {
            place: place.clone(),
            record: record.clone(),
            field: field.clone(),
            class,
            outcome,
            why: why.to_owned(),
            who,
            count,
        };
        match listed {
            // An error at planning is no reason to stay.
            Some(s) if s.outcome == Outcome::Failed => base(Class::Unexpected, Some(s.outcome), &s.why, s.who.clone()),
            Some(s) => base(Class::Listed, Some(s.outcome), &s.why, s.who.clone()),
            None if let Some((.., why)) =
                left.iter().find(|(p, r, f, _)| *p == place && *r == record && *f == field) =>
            {
                let who = Some("the Jira administrator of the instance".into());
                base(Class::Listed, Some(Outcome::Residual), why, who)
            }
            None if is_audit(&record) && self.anonymises(&place) => {
                base(Class::Listed, Some(Outcome::Residual), AUDIT_LOG, Some("the Jira system administrator".into()))
            }
            None if copied() => base(
                Class::Listed,
                Some(Outcome::Residual),
                "Jira keeps the old value of every edit in the issue's history, which cannot be edited",
                Some("the Jira administrator of the instance".into()),
            ),
            None => base(Class::Unexpected, None, "nothing in the plan says that this may stay", None),
        }
    }
}

const NOBODYS_KEY: &str = "Jira keeps the key of an anonymised account, which names nobody any more";
const AUDIT_LOG: &str = "Jira's audit log keeps the old name of an anonymised account";

/// What an anonymisation leaves.
fn anonymised(place: Place, record: RecordRef, field: &str, why: &str, count: u64) -> Remaining {
    Remaining {
        place,
        record,
        field: field.to_owned(),
        class: Class::Listed,
        outcome: Some(Outcome::Residual),
        why: why.to_owned(),
        who: Some("the Jira system administrator of the instance".to_owned()),
        count,
    }
}

/// Whether a record is an entry of an instance's audit log.
fn is_audit(record: &RecordRef) -> bool {
    record.record_type == RecordType::Property && record.id.as_deref().is_some_and(|id| id.starts_with("audit/"))
}

/// The instance of a remote place.
fn instance_of(place: &Place) -> Option<&str> {
    matches!(place.area(), Area::Source | Area::Target).then(|| place.spot().split('/').next().unwrap_or_default())
}

fn covers(standing: &Standing, place: &Place, record: &RecordRef, field: &str) -> bool {
    // The id of a watcher or voter is the person's own, so a finding has none.
    let person = matches!(record.record_type, RecordType::Vote | RecordType::Watcher);
    let same_record = standing.record == *record
        || person && standing.record.record_type == record.record_type && standing.record.key == record.key
        || standing.record.record_type == record.record_type
            && standing.record.path.is_some()
            && standing.record.path.as_deref().map(outer) == record.path.as_deref().map(outer)
        // Whatever lies in a folder whose name stays has that name in its path.
        || field == "name" && standing.field == "name" && below(record, &standing.record);
    let same_field = standing.field == field
        // Files, history entries, settings and profiles are residual as a whole.
        || matches!(
            record.record_type,
            RecordType::History | RecordType::Vote | RecordType::Watcher | RecordType::UserProfile
        )
        || record.record_type == RecordType::Property && record.key.is_none()
        || record.path.is_some() && field != "name" && standing.field != "name";
    standing.place == *place && same_record && same_field
}

fn below(record: &RecordRef, folder: &RecordRef) -> bool {
    let inside = |(path, folder): (&str, &str)| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
    record.path.as_deref().zip(folder.path.as_deref()).is_some_and(inside)
}

fn outer(path: &str) -> &str {
    path.split_once('!').map_or(path, |(outer, _)| outer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Area, ReferenceKind};

    #[test]
    fn votes_files_and_folders_are_covered_by_what_stands() {
        let place = Place::new(Area::Target, "t/T");
        let vote = |id: Option<&str>| RecordRef {
            record_type: RecordType::Vote,
            id: id.map(str::to_owned),
            key: Some("T-1".into()),
            path: None,
        };
        let standing = |record: RecordRef, field: &str| Standing {
            finding: String::new(),
            place: place.clone(),
            record,
            field: field.into(),
            locator: String::new(),
            kind: ReferenceKind::Email,
            outcome: Outcome::Residual,
            rule: String::new(),
            why: String::new(),
            who: None,
        };
        assert!(covers(&standing(vote(None), "votes"), &place, &vote(Some("")), "displayName"));
        let other = RecordRef { key: Some("T-2".into()), ..vote(Some("")) };
        assert!(!covers(&standing(vote(None), "votes"), &place, &other, "displayName"));
        let folder = standing(RecordRef::file("a/b"), "name");
        assert!(covers(&folder, &place, &RecordRef::file("a/b/c.txt"), "name"));
        assert!(!covers(&folder, &place, &RecordRef::file("a/bc"), "name"));
        assert!(!covers(&folder, &place, &RecordRef::file("a/b/c.txt"), ""), "the content is another matter");
    }
}

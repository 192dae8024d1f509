//! Verification by another road (law 4): every place is fetched again and searched for all identifiers, with a search that
//! shares neither normaliser nor matcher with what planned.
//!
//! Owns the second reading and the comparison of its hits with what the plan says may stay. Must not import `norm`,
//! `subject::Matcher` or `scan::walk`: a test in `tests/` reads this file and `othersearch` for that.

use std::{collections::BTreeMap, path::Path, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    namesakes::{text_without_their_names, without_their_names},
    othersearch::Needles,
    plan::{Operation, Plan, Step},
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

mod stays;

pub use stays::still_met;
use stays::{AUDIT_LOG, Changed, NOBODYS_KEY, anonymised, is_audit};

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

#[derive(Default)]
struct Findings {
    remaining: BTreeMap<(Place, RecordRef, String), u64>,
    near_misses: u64,
    /// Of history entries: which fields' old or new values hold an identifier.
    changed: Changed,
    /// Keys of accounts that the plan anonymised.
    keys: BTreeMap<Place, u64>,
    /// What could not be unpacked, by place and reason.
    unread: BTreeMap<Place, BTreeMap<String, u64>>,
}

impl Verify<'_> {
    /// Reads everything again and compares.
    pub async fn run(&self, hash: &str, at: String, mut progress: impl FnMut(&Place, u64)) -> Verification {
        let mut found = Findings::default();
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
            found.remaining.into_iter().map(|(at, n)| self.classify(at, n, &left, &found.changed)).collect();
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
        if record.record.record_type == RecordType::History {
            self.history(place, record, found);
        }
        if let Some(content) = &record.content {
            let name = record.json.get("filename").and_then(Value::as_str).unwrap_or("attachment");
            self.unpacked(place, &record.record, "content", name, content, found);
        }
    }

    /// Of which fields a history entry holds old or new values with an identifier. Cloud names a field by its id; Data Center's
    /// own fields have one name.
    fn history(&self, place: &Place, record: &RemoteRecord, found: &mut Findings) {
        let key = (place.clone(), record.record.clone(), "items".to_owned());
        if !found.remaining.contains_key(&key) {
            return;
        }
        let items = record.json.get("items").and_then(Value::as_array).into_iter().flatten();
        let fields =
            items.filter(|item| !self.needles.search(item.to_string().as_bytes()).hits.is_empty()).map(|item| {
                let name = |key| item.get(key).and_then(Value::as_str).map(str::to_owned);
                name("fieldId").or_else(|| name("field")).unwrap_or_default()
            });
        found.changed.insert((key.0, key.1), fields.collect());
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
}

/// The instance of a remote place.
fn instance_of(place: &Place) -> Option<&str> {
    matches!(place.area(), Area::Source | Area::Target).then(|| place.spot().split('/').next().unwrap_or_default())
}

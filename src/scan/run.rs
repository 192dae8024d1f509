//! One scan over everything the configuration names: places → records → references and coverage.
//!
//! Owns the list of places and the order in which they are read. It judges nothing: decisions are the policy's.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use super::{
    Context, FolderScan, Namesakes,
    cache::{Issues, ScanCache},
    collect::{Event, Facts, InstancePlace, Reading, RemotePlace, RemoteRecord, collect, collect_instance, known},
    files::search_folder,
    scan_bytes,
    seen::Seen,
    walk_attachment_meta, walk_comment, walk_history_entry, walk_issue, walk_json, walk_property, walk_remote_link,
    walk_setting, walk_vote, walk_watcher, walk_worklog,
};
use crate::{
    config::Config,
    erasure::{executor::with_digest, plan::Base},
    jira::{Client, UserQuery},
    model::{
        Area, Coverage, CoverageStatus, Cut, Flavor, IdentifierKind, InstanceName, IssueFacts, Place, ProjectKey,
        RecordRef, RecordType, Reference, Strength, Subject, SyncName,
    },
    policy::packed,
    staging::{Staging, State},
    store::Store,
    subject::Matcher,
};

/// The name under which a staged message is read; its format follows from it.
pub const MESSAGE_NAME: &str = "message.json";

/// The name under which a staged attachment is read: its format follows from its bytes.
pub const BLOB_NAME: &str = "attachment";

/// The field of what stands in an attachment.
const CONTENT: &str = "content";

/// A record with references, and what it was when it was read.
#[derive(Debug, Clone)]
pub struct Hit {
    /// The references, all of one record.
    pub references: Vec<Reference>,
    /// What it was; `None` where it cannot be acted on.
    pub base: Option<Base>,
}

/// What a scan found and how far it read.
#[derive(Debug, Default)]
pub struct Scan {
    /// Records with references.
    pub hits: Vec<Hit>,
    /// Every place that should have been read.
    pub coverage: Vec<Coverage>,
    /// How many issues each remote place has.
    pub issues: BTreeMap<Place, u64>,
    /// What is known of each instance's kinds of places, for the matrix.
    pub facts: BTreeMap<InstanceName, Facts>,
}

impl Scan {
    /// Whether all that should have been read was read (law 1).
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.coverage.iter().all(|c| c.status.is_complete())
    }
}

/// A place that a scan reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// One state of a synchronization's staging folder.
    Staging(SyncName, State),
    /// What stands in an instance beside its projects.
    Instance(InstancePlace),
    /// A project.
    Remote(RemotePlace),
    /// A folder.
    Folder(Place, PathBuf),
    /// One file.
    File(Place, PathBuf),
}

impl Target {
    /// Its place.
    #[must_use]
    pub fn place(&self) -> Place {
        match self {
            Self::Staging(sync, state) => Place::new(Area::Staging, format!("{sync}/{}", state.as_str())),
            Self::Instance(instance) => instance.place(),
            Self::Remote(remote) => remote.place(),
            Self::Folder(place, _) | Self::File(place, _) => place.clone(),
        }
    }
}

/// Every place that a configuration names, in the order of reports.
#[must_use]
pub fn targets(config: &Config) -> Vec<Target> {
    let mut out = Vec::new();
    for sync in config.syncs.keys() {
        out.extend(State::ALL.map(|state| Target::Staging(sync.clone(), state)));
    }
    let mut remote = Vec::new();
    for side in config.syncs.values().flat_map(|s| [&s.source, &s.target]) {
        let area = config.area(&side.instance, &side.project);
        remote.push(RemotePlace { area, instance: side.instance.clone(), project: side.project.clone() });
    }
    remote.sort();
    remote.dedup();
    let mut asked: Vec<InstanceName> = Vec::new();
    for place in remote {
        if !asked.contains(&place.instance) {
            asked.push(place.instance.clone());
            out.push(Target::Instance(InstancePlace { area: place.area, instance: place.instance.clone() }));
        }
        out.push(Target::Remote(place));
    }
    out.push(Target::File(Place::new(Area::State, "config"), config.file.clone()));
    out.push(Target::Folder(Place::new(Area::State, "store"), config.state.clone()));
    for foreign in &config.foreign {
        out.push(Target::Folder(Place::new(Area::Foreign, foreign.name.clone()), foreign.path.clone()));
    }
    if let Some(home) = &config.home {
        for (i, log) in home.logs.iter().enumerate() {
            let name = log.file_name().map_or_else(|| i.to_string(), |n| n.to_string_lossy().into_owned());
            out.push(Target::Folder(Place::new(Area::Log, name), log.clone()));
        }
        for (i, local) in home.local.iter().enumerate() {
            out.push(Target::Folder(Place::new(Area::Log, format!("node-{}", i + 1)), local.join("log")));
        }
    }
    out
}

/// The folder of a foreign or log place.
#[must_use]
pub fn folder_of(config: &Config, place: &Place) -> Option<PathBuf> {
    targets(config).into_iter().find_map(|t| match t {
        Target::Folder(p, path) if p == *place => Some(path),
        _ => None,
    })
}

/// The accounts by which an instance knows these persons.
#[must_use]
pub fn accounts_on<'s>(
    config: &Config,
    name: &InstanceName,
    subjects: impl IntoIterator<Item = &'s Subject>,
) -> Vec<UserQuery> {
    let cloud = config.instance(name).is_some_and(|i| i.flavor == Flavor::Cloud);
    let mut out: Vec<UserQuery> = Vec::new();
    for identifier in subjects.into_iter().flat_map(|s| &s.identifiers) {
        let value = identifier.value.reveal().clone();
        let here = identifier.instance.as_ref().is_none_or(|i| i == name);
        let account = match (identifier.kind, cloud) {
            // An account id is one person's on every site.
            (IdentifierKind::AccountId, true) => UserQuery::AccountId(value),
            (IdentifierKind::UserKey, false) if here => UserQuery::Key(value),
            (IdentifierKind::Username, false) if here => UserQuery::Username(value),
            _ => continue,
        };
        if !out.contains(&account) {
            out.push(account);
        }
    }
    out
}

/// What a quick search asks an instance for: conditions in JQL, one for each field and identifier, so that one that the
/// server refuses (a user it does not know) costs no other.
fn conditions(config: &Config, name: &InstanceName, subjects: &[Subject]) -> Vec<String> {
    let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    let mut out = Vec::new();
    for account in accounts_on(config, name, subjects) {
        let (UserQuery::AccountId(id) | UserQuery::Username(id) | UserQuery::Key(id)) = account;
        for field in ["assignee", "reporter", "creator", "watcher", "voter", "worklogAuthor"] {
            out.push(format!("{field} = {}", quoted(&id)));
        }
    }
    for identifier in subjects.iter().flat_map(|s| &s.identifiers) {
        let value = identifier.value.reveal();
        if !value.trim().is_empty() {
            // A phrase of the search inside a text of JQL.
            out.push(format!("text ~ {}", quoted(&quoted(value))));
        }
    }
    out.sort();
    out.dedup();
    out
}

/// What a scan is asked to do.
pub struct Request<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The store, to open staged messages.
    pub store: &'a Store,
    /// Clients, or why there is none.
    pub clients: &'a BTreeMap<InstanceName, Result<Client, String>>,
    /// The matcher of the subjects, and of their namesakes' shadows.
    pub matcher: &'a Matcher,
    /// The subjects, whose own accounts are looked up.
    pub subjects: &'a [Subject],
    /// Ask Jira's search who stands where, and read only what it finds.
    pub quick: bool,
    /// The namesakes, as the matcher has them.
    pub namesakes: &'a Namesakes,
    /// Only these areas; empty for all.
    pub areas: &'a [Area],
    /// Only these places; empty for all.
    pub places: &'a [Place],
    /// Worker threads for folders.
    pub threads: usize,
    /// Whether what is found will be acted on, so that each file's [`Base`] is needed.
    pub acts: bool,
    /// What earlier scans of the same case remember.
    pub cache: Option<&'a ScanCache>,
}

impl Request<'_> {
    fn wanted(&self, target: &Target) -> bool {
        let place = target.place();
        (self.areas.is_empty() || self.areas.contains(&place.area()))
            && (self.places.is_empty()
                || self.places.iter().any(|p| {
                    p.area() == place.area()
                        && (p.spot() == place.spot() || place.spot().starts_with(&format!("{}/", p.spot())))
                }))
    }

    /// Reads every wanted place.
    pub async fn run(&self, mut progress: impl FnMut(&Place, u64)) -> Scan {
        let mut scan = Scan::default();
        for target in targets(self.config).into_iter().filter(|t| self.wanted(t)) {
            let place = target.place();
            progress(&place, 0);
            match &target {
                Target::Staging(sync, state) => self.staging(sync, *state, place, &mut scan),
                Target::Instance(instance) => self.instance(instance, &mut scan).await,
                Target::Remote(remote) => self.remote(remote, &mut scan, |n| progress(&place, n)).await,
                Target::Folder(place, path) => self.folder(place, path, &mut scan),
                Target::File(place, path) => self.file(place, path, &mut scan),
            }
        }
        scan
    }

    fn staging(&self, sync: &SyncName, state: State, place: Place, scan: &mut Scan) {
        let Some(home) = &self.config.home else { return };
        let dir = home.staging.join(sync.as_str()).join(state.as_str());
        if !dir.exists() {
            scan.coverage.push(Coverage::with_reason(place, CoverageStatus::Absent, 0, 0, "nothing was staged yet"));
            return;
        }
        let unexamined =
            |place: &Place, why: String| Coverage::with_reason(place.clone(), CoverageStatus::Unexamined, 0, 0, why);
        // While a sync run writes here, half of a message could be seen: wait for it.
        let opened = Staging::open(&home.staging, sync, self.store)
            .and_then(|s| s.lock(Duration::from_secs(60)).map(|lock| (s, lock)))
            // What a killed run left half written is finished or dropped first, so that nothing is read halfway.
            .and_then(|(s, lock)| s.repair().map(|_| (s, lock)));
        let (staging, _lock) = match opened {
            Ok(pair) => pair,
            Err(e) => return scan.coverage.push(unexamined(&place, e.to_string())),
        };
        let (messages, blobs) = match staging.list().and_then(|m| Ok((m, staging.list_blobs()?))) {
            Ok(lists) => lists,
            Err(e) => return scan.coverage.push(unexamined(&place, e.to_string())),
        };
        let (mut records, mut bytes, mut unread) = (0u64, 0u64, Vec::new());
        let mut one =
            |record: RecordRef, name: &str, content: Result<Vec<u8>, crate::staging::StagingError>| match content {
                Ok(content) => {
                    records += 1;
                    bytes += content.len() as u64;
                    let context = Context::new(place.clone(), record);
                    let (references, gaps) = scan_bytes(name, &content, &context, self.matcher);
                    let references = self.namesakes.settle(references);
                    unread.extend(gaps.into_iter().map(|g| g.reason));
                    if !references.is_empty() {
                        let base = Some(Base::Digest(crate::erasure::executor::sha256(&content)));
                        scan.hits.push(Hit { references, base });
                    }
                }
                Err(e) => unread.push(e.to_string()),
            };
        for entry in messages.into_iter().filter(|m| m.state == state) {
            let record = RecordRef {
                record_type: RecordType::Message,
                id: Some(entry.id.to_string()),
                key: Some(entry.issue.key),
                path: None,
            };
            one(record, MESSAGE_NAME, staging.read(entry.id));
        }
        for blob in blobs.into_iter().filter(|b| b.state == state) {
            let record = RecordRef {
                record_type: RecordType::Attachment,
                id: Some(blob.id.to_string()),
                key: Some(blob.issue.key),
                path: None,
            };
            one(record, BLOB_NAME, staging.read_blob(blob.id));
        }
        scan.coverage.push(summary(place, records, bytes, &unread));
    }

    /// The client of an instance; without one, the coverage says why.
    fn client(&self, instance: &InstanceName, place: Place, scan: &mut Scan) -> Option<&Client> {
        let why = match self.clients.get(instance) {
            Some(Ok(client)) => return Some(client),
            Some(Err(why)) => why.as_str(),
            None => "no client for this instance",
        };
        scan.coverage.push(Coverage::with_reason(place, CoverageStatus::Unexamined, 0, 0, why));
        None
    }

    async fn instance(&self, place: &InstancePlace, scan: &mut Scan) {
        let Some(client) = self.client(&place.instance, place.place(), scan) else { return };
        let accounts = accounts_on(self.config, &place.instance, self.subjects);
        let spot = Spot { place: place.place(), instance: &place.instance, project: None };
        let mut hits = Vec::new();
        let sink = |record: RemoteRecord| {
            let (references, _) = self.references(&spot, &record);
            let references = self.namesakes.settle(references);
            if !references.is_empty() {
                hits.push((record.record, Hit { references, base: Some(Base::Json(record.json)) }));
            }
        };
        let collected = collect_instance(client, place, &accounts, sink).await;
        hits.sort_by(|(a, _), (b, _)| a.cmp(b));
        scan.hits.extend(hits.into_iter().map(|(_, hit)| hit));
        scan.coverage.extend(collected.coverage);
        scan.facts.entry(place.instance.clone()).or_default().merge(collected.facts);
    }

    async fn remote(&self, remote: &RemotePlace, scan: &mut Scan, progress: impl FnMut(u64)) {
        let Some(client) = self.client(&remote.instance, remote.place(), scan) else { return };
        let mut hits = Vec::new();
        let mut issues = IssuesRead::default();
        let mut unread: BTreeMap<String, u64> = BTreeMap::new();
        let mut memory = self.cache.map(|cache| cache.issues(&remote.place(), client.base()));
        let seen = memory.as_ref().map(Issues::seen);
        let sink = |event: Event| {
            let (number, record) = match event {
                Event::Record(number, record) => (number, record),
                Event::Done(done) => {
                    if let Some(memory) = &mut memory {
                        memory.done(&done);
                    }
                    return;
                }
            };
            let spot = Spot {
                place: remote.place_of(&record.record),
                instance: &remote.instance,
                project: Some(&remote.project),
            };
            issues.meet(number, &record);
            let (references, gaps) = self.references(&spot, &record);
            if let Some(memory) = &mut memory {
                let of_content = references.iter().any(|r| r.field == CONTENT);
                memory.record(
                    number,
                    &record,
                    references.is_empty() && gaps.is_empty(),
                    !of_content && gaps.is_empty(),
                );
            }
            let references = self.namesakes.settle(references);
            for gap in gaps {
                *unread.entry(gap).or_default() += 1;
            }
            if !references.is_empty() {
                let json = match &record.content {
                    Some(content) => with_digest(record.json, content),
                    None => record.json,
                };
                hits.push((number, record.record, Hit { references, base: Some(Base::Json(json)) }));
            }
        };
        let known = known(self.config, self.store, remote);
        let ids = known.as_deref().unwrap_or_default();
        let quick = self.quick.then(|| conditions(self.config, &remote.instance, self.subjects));
        let reading = Reading { quick: quick.as_deref(), seen, ..Reading::all(ids) };
        let collected = collect(client, remote, reading, sink, progress).await;
        tracing::info!(place = %remote.place(), requests = client.calls(), "read");
        let mut coverage = collected.coverage;
        if let (Some(memory), Some(main)) = (memory, coverage.first_mut()) {
            main.earlier = memory.finish(main.status.is_complete());
        }
        if let Err(e) = &known {
            let status = CoverageStatus::Partial;
            coverage.push(Coverage::with_reason(remote.place(), status, 0, 0, e.to_string()));
        }
        scan.issues.insert(remote.place(), collected.issues);
        scan.facts.entry(remote.instance.clone()).or_default().merge(collected.facts);
        for (why, n) in unread {
            let place = Place::new(remote.area, format!("{}/{}/attachments", remote.instance, remote.project));
            let why = format!("{n} attachments in part: {why}");
            coverage.push(Coverage::with_reason(place, CoverageStatus::Partial, 0, 0, why));
        }
        // Records come as the answers do: the same project gives the same plan.
        hits.sort_by(|(a, x, _), (b, y, _)| (a, x).cmp(&(b, y)));
        for (number, _, hit) in &mut hits {
            let issue = issues.get(*number);
            hit.references.iter_mut().for_each(|r| r.issue.clone_from(&issue));
        }
        scan.hits.extend(hits.into_iter().map(|(_, _, hit)| hit));
        scan.coverage.extend(coverage);
    }

    fn references(&self, spot: &Spot<'_>, record: &RemoteRecord) -> (Vec<Reference>, Vec<String>) {
        let context = Context {
            instance: Some(spot.instance.clone()),
            project: spot.project.cloned(),
            scope: Some(vec![spot.instance.clone()]),
            ..Context::new(spot.place.clone(), record.record.clone())
        };
        let (mut references, gaps) = self.walked(record, &context);
        let (elsewhere, _) = self.walked(record, &Context { scope: None, ..context });
        for reference in elsewhere {
            let known = references.iter().any(|r| r.subject == reference.subject && r.cut == reference.cut);
            if let Some(strength) = self.copied(spot.instance, &reference).filter(|_| !known) {
                references.push(Reference { strength, ..reference });
            }
        }
        (references, gaps)
    }

    /// How sure an identifier of another instance is here, where a sync may have carried it as text; `None` for one that
    /// is not another instance's.
    fn copied(&self, instance: &InstanceName, reference: &Reference) -> Option<Strength> {
        let (kind, owner) = self.matcher.identifier(reference.subject, reference.identifier)?;
        owner.filter(|owner| *owner != instance)?;
        let cloud = self.config.instance(instance).is_some_and(|i| i.flavor == Flavor::Cloud);
        Some(match kind {
            // An account id is one person's on every site.
            IdentifierKind::AccountId => reference.strength,
            // Cloud has no user names, so nobody else there can have this one.
            _ if cloud => reference.strength.min(Strength::Probable),
            // The same user name may be somebody else's here.
            _ => Strength::Possible,
        })
    }

    fn walked(&self, record: &RemoteRecord, context: &Context) -> (Vec<Reference>, Vec<String>) {
        let mut references = walk_record(record, context, self.matcher);
        let mut gaps = Vec::new();
        if let Some(content) = &record.content {
            let name = record.json.get("filename").and_then(serde_json::Value::as_str).unwrap_or("attachment");
            let (mut found, unread) = scan_bytes(name, content, context, self.matcher);
            for reference in &mut found {
                // What stands in a member of an archive is not cut out of it.
                if reference.record.path.as_deref().is_some_and(packed) {
                    reference.cut = Cut::Whole;
                }
                reference.field = CONTENT.to_owned();
                reference.record = record.record.clone();
            }
            references.extend(found);
            gaps.extend(unread.into_iter().map(|u| u.reason));
        }
        (references, gaps)
    }

    fn folder(&self, place: &Place, path: &std::path::Path, scan: &mut Scan) {
        if !path.exists() {
            let why = "the folder does not exist";
            scan.coverage.push(Coverage::with_reason(place.clone(), CoverageStatus::Absent, 0, 0, why));
            return;
        }
        // Our own files change with every scan.
        let memory = self.cache.filter(|_| place.area() != Area::State).map(|cache| cache.place(place));
        let seen = memory.as_ref().map(|memory| memory as &dyn Seen);
        let FolderScan { mut references, mut coverage, unread, mut digests } =
            search_folder(path, place.clone(), RecordType::File, self.matcher, self.threads, seen, self.acts);
        let met = matches!(coverage.status, CoverageStatus::Examined | CoverageStatus::Partial);
        coverage.earlier = memory.and_then(|memory| memory.finish(met));
        if place.area() == Area::State {
            // Our own files are no unknown format: the key file is random, and the database is searched row by row. In its
            // sealed bytes a two-letter user name turns up by chance, so mere possibilities are left to the rows.
            let ours = |path: &str| {
                path.starts_with(Store::FILE)
                    || path == crate::keys::Keys::FILE
                    || path.split_once('/').is_some_and(|(folder, _)| folder == crate::store::CACHES)
            };
            references.retain(|r| r.strength > Strength::Possible || !r.record.path.as_deref().is_some_and(ours));
            if unread.iter().all(|u| ours(&u.path)) && coverage.status == CoverageStatus::Partial {
                (coverage.status, coverage.reason) = (CoverageStatus::Examined, None);
            }
            match self.rows(place) {
                Ok(found) => references.extend(found),
                Err(e) => (coverage.status, coverage.reason) = (CoverageStatus::Partial, Some(e.to_string())),
            }
        }
        scan.coverage.push(coverage);
        let mut by_file: BTreeMap<String, Vec<Reference>> = BTreeMap::new();
        for reference in references {
            let path = reference.record.path.clone().unwrap_or_default();
            let outer = path.split_once('!').map_or(path.as_str(), |(outer, _)| outer).to_owned();
            by_file.entry(outer).or_default().push(reference);
        }
        for (relative, references) in by_file {
            let references = self.namesakes.settle(references);
            if references.is_empty() {
                continue;
            }
            let named = || {
                let bytes = crate::erasure::executor::read_file(&path.join(&relative)).ok()?;
                Some(crate::erasure::executor::sha256(&bytes))
            };
            let base = if self.acts { digests.remove(&relative).or_else(named).map(Base::Digest) } else { None };
            scan.hits.push(Hit { references, base });
        }
    }

    /// References in the rows of our own store.
    fn rows(&self, place: &Place) -> Result<Vec<Reference>, crate::store::StoreError> {
        let mut out = Vec::new();
        for (table, text) in self.store.texts()? {
            let record = RecordRef { record_type: RecordType::State, id: Some(table), key: None, path: None };
            out.extend(scan_bytes("row.txt", text.as_bytes(), &Context::new(place.clone(), record), self.matcher).0);
        }
        Ok(out)
    }

    fn file(&self, place: &Place, path: &std::path::Path, scan: &mut Scan) {
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        match std::fs::read(path) {
            Ok(bytes) => {
                let context = Context::new(place.clone(), RecordRef::file(name.clone()));
                let (references, unread) = scan_bytes(&name, &bytes, &context, self.matcher);
                let references = self.namesakes.settle(references);
                let unread: Vec<String> = unread.into_iter().map(|u| u.reason).collect();
                scan.coverage.push(summary(place.clone(), 1, bytes.len() as u64, &unread));
                if !references.is_empty() {
                    let base = Some(Base::Digest(crate::erasure::executor::sha256(&bytes)));
                    scan.hits.push(Hit { references, base });
                }
            }
            Err(e) => {
                let status = CoverageStatus::Unexamined;
                scan.coverage.push(Coverage::with_reason(place.clone(), status, 0, 0, e.kind().to_string()));
            }
        }
    }
}

/// What policies may ask of the issues of a project, by their number. Most issues say the same as others, so each answer is
/// kept once.
#[derive(Default)]
struct IssuesRead {
    of: HashMap<u64, Arc<IssueFacts>>,
    said: HashSet<Arc<IssueFacts>>,
}

impl IssuesRead {
    fn meet(&mut self, number: u64, record: &RemoteRecord) {
        if record.record.record_type != RecordType::Issue {
            return;
        }
        let facts = IssueFacts::of(&record.json);
        let facts = self.said.get(&facts).cloned().unwrap_or_else(|| {
            let facts = Arc::new(facts);
            self.said.insert(Arc::clone(&facts));
            facts
        });
        self.of.insert(number, facts);
    }

    fn get(&self, number: u64) -> Option<Arc<IssueFacts>> {
        self.of.get(&number).cloned()
    }
}

/// Where a remote record lies.
struct Spot<'a> {
    place: Place,
    instance: &'a InstanceName,
    project: Option<&'a ProjectKey>,
}

fn walk_record(record: &RemoteRecord, context: &Context, matcher: &Matcher) -> Vec<Reference> {
    if record.record.key.is_none() {
        return walk_setting(&record.json, context, matcher);
    }
    let (json, key) = (&record.json, record.record.key.as_deref().unwrap_or_default());
    match record.record.record_type {
        RecordType::Issue => walk_issue(json, context, matcher),
        RecordType::Comment => walk_comment(json, key, context, matcher),
        RecordType::Worklog => walk_worklog(json, key, context, matcher),
        RecordType::Attachment => walk_attachment_meta(json, key, context, matcher),
        RecordType::History => walk_history_entry(json, key, context, matcher),
        RecordType::Watcher => walk_watcher(json, key, context, matcher),
        RecordType::Vote => walk_vote(json, key, context, matcher),
        RecordType::RemoteLink => walk_remote_link(json, key, context, matcher),
        RecordType::Property => {
            let mut found = walk_property(json, key, context, matcher);
            // A comment's property is known by more than its key.
            found.iter_mut().for_each(|r| r.record.clone_from(&record.record));
            found
        }
        _ => walk_json(json, context, matcher),
    }
}

/// One coverage line for a place of which `unread` parts could not be read.
fn summary(place: Place, records: u64, bytes: u64, unread: &[String]) -> Coverage {
    match unread.first() {
        None => Coverage::examined(place, records, bytes),
        Some(first) => {
            let status = if records == 0 { CoverageStatus::Unexamined } else { CoverageStatus::Partial };
            Coverage::with_reason(
                place,
                status,
                records,
                bytes,
                format!("{} not readable; the first: {first}", unread.len()),
            )
        }
    }
}

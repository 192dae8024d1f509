//! Which records there are, and what is known of their time.
//!
//! Owns where dates come from: the store for what we staged, Jira for what is there, the day of first sight for files, since a
//! restore resets the times on a disk. What changed only by our own hand did not change. Decides nothing.

use std::{collections::BTreeMap, os::unix::fs::MetadataExt};

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{Dated, acts::same};
use crate::{
    config::{Config, Sync},
    fs::walk::{EntryKind, walk},
    jira::{Client, JiraError, User, parse_time},
    keys::Purpose,
    model::{Area, CaseId, Coverage, CoverageStatus, InstanceName, Place, ProjectKey, RecordRef, RecordType},
    policy::Class,
    scan::run::{Target, targets},
    staging::State,
    store::{PairKind, RecordKey, SeenFile, StagedKind, Store, StoreError},
};

mod accounts;

/// What was collected.
#[derive(Debug, Default)]
pub struct Collected {
    /// The records.
    pub records: Vec<Dated>,
    /// Files as they were seen, to be remembered by a run.
    pub seen: Vec<(RecordKey, SeenFile)>,
    /// What was read.
    pub coverage: Vec<Coverage>,
}

/// Whether a place was read as far as it can ever be, so that what was not met there is gone. Cloud's list of accounts always leaves
/// some out, and never shows them again.
pub(super) fn is_all_there_is(of: &Coverage) -> bool {
    of.status == CoverageStatus::Examined || of.reason.as_deref() == Some(accounts::CLOUD)
}

/// Clients with the right to erase, or why there is none.
pub(super) type Clients = BTreeMap<InstanceName, Result<Client, String>>;

/// What a collection needs.
pub(super) struct Collect<'a> {
    pub(super) config: &'a Config,
    pub(super) store: &'a Store,
    pub(super) clients: &'a Clients,
    pub(super) classes: &'a [Class],
    pub(super) areas: Option<&'a [Area]>,
    pub(super) now: DateTime<Utc>,
}

impl Collect<'_> {
    /// Everything of which a class may be.
    ///
    /// # Errors
    /// What the store says. What cannot be read is in the coverage.
    pub(super) async fn all(&self, mut progress: impl FnMut(&Place)) -> Result<Collected, StoreError> {
        let mut out = Collected::default();
        let wanted = |area: Area| {
            self.areas.is_none_or(|areas| areas.contains(&area)) && self.classes.iter().any(|c| c.reaches(area))
        };
        for target in targets(self.config) {
            let place = target.place();
            match &target {
                Target::Staging(sync, state) if wanted(Area::Staging) => {
                    progress(&place);
                    self.staged(sync, *state, place, &mut out)?;
                }
                Target::Folder(place, path) if place.area() != Area::State && wanted(place.area()) => {
                    progress(place);
                    self.folder(place, path, &mut out)?;
                }
                _ => {}
            }
        }
        if wanted(Area::Target) {
            for sync in self.config.syncs.values() {
                let place = Place::new(Area::Target, format!("{}/{}", sync.target.instance, sync.target.project));
                progress(&place);
                self.target(sync, place, &mut out).await?;
            }
        }
        if wanted(Area::State) {
            self.state(&mut out)?;
        }
        self.accounts(&mut out, &mut progress).await?;
        Ok(out)
    }

    /// When a synchronization was ended: with the end of its last day.
    fn ended(&self, sync: &crate::model::SyncName) -> Option<DateTime<Utc>> {
        let last = self.config.syncs.get(sync)?.ended?;
        Some(last.succ_opt()?.and_hms_opt(0, 0, 0)?.and_utc()).filter(|end| *end <= self.now)
    }

    /// Staged messages but for those that wait to be imported: they are not done with yet, however old they are. Their
    /// attachments go with them.
    fn staged(
        &self,
        sync: &crate::model::SyncName,
        state: State,
        place: Place,
        out: &mut Collected,
    ) -> Result<(), StoreError> {
        if state == State::New {
            return Ok(());
        }
        let (mut records, mut bytes) = (0, 0);
        for row in self.store.staged_list(sync)? {
            if row.kind != StagedKind::Message || State::of(row.state) != Some(state) {
                continue;
            }
            records += 1;
            bytes += row.size;
            let since = row.since.as_deref().and_then(time);
            out.records.push(Dated {
                project: row.issue_key.rsplit_once('-').and_then(|(p, _)| p.parse().ok()),
                created: time(&row.created),
                // What an older efface staged has been where it is at least since that was noticed.
                processed: Some(since.unwrap_or(self.now)),
                updated: Some(since.unwrap_or(self.now)),
                ended: self.ended(sync),
                ..Dated::of(
                    place.clone(),
                    RecordRef::of_issue(RecordType::Message, row.id.to_string(), row.issue_key.clone()),
                )
            });
        }
        out.coverage.push(Coverage::examined(place, records, bytes));
        Ok(())
    }

    /// Files, by the day on which they were first seen as they are.
    fn folder(&self, place: &Place, root: &std::path::Path, out: &mut Collected) -> Result<(), StoreError> {
        if !root.exists() {
            let why = "the folder does not exist";
            out.coverage.push(Coverage::with_reason(place.clone(), CoverageStatus::Absent, 0, 0, why));
            return Ok(());
        }
        let (mut records, mut bytes, mut unread) = (0, 0, Vec::new());
        for entry in walk(root) {
            match entry.kind {
                EntryKind::File => {}
                EntryKind::Unreadable(why) => {
                    unread.push(why.to_string());
                    continue;
                }
                _ => continue,
            }
            // By its name as text it would not be found again, and would seem to be gone.
            if entry.path.to_str().is_none() {
                unread.push("a name that is no UTF-8".to_owned());
                continue;
            }
            let record = RecordRef::file(entry.relative.clone());
            let key = self.store.sweep_key(place, &record);
            let seen = match seen(self.store, self.now, &key, &entry.path)? {
                Ok((seen, size)) => {
                    bytes += size;
                    seen
                }
                Err(e) => {
                    unread.push(e.kind().to_string());
                    continue;
                }
            };
            records += 1;
            out.records.push(Dated {
                created: Some(seen.created),
                updated: Some(seen.updated),
                ..Dated::of(place.clone(), record)
            });
            out.seen.push((key, seen));
        }
        out.coverage.push(match unread.first() {
            None => Coverage::examined(place.clone(), records, bytes),
            Some(first) => {
                let why = format!("{} not readable; the first: {first}", unread.len());
                Coverage::with_reason(place.clone(), CoverageStatus::Partial, records, bytes, why)
            }
        });
        Ok(())
    }

    /// What a synchronization wrote into its target.
    async fn target(&self, sync: &Sync, place: Place, out: &mut Collected) -> Result<(), StoreError> {
        let unread = |why: &str| Coverage::with_reason(place.clone(), CoverageStatus::Unexamined, 0, 0, why);
        let client = match self.clients.get(&sync.target.instance) {
            Some(Ok(client)) => client,
            Some(Err(why)) => {
                out.coverage.push(unread(why));
                return Ok(());
            }
            None => {
                out.coverage.push(unread("no client for this instance"));
                return Ok(());
            }
        };
        let me = match client.myself().await {
            Ok(me) => me,
            Err(e) => {
                out.coverage.push(unread(&e.to_string()));
                return Ok(());
            }
        };
        // What the other leg of a two-way synchronization made copies of is nobody's copy.
        let pairs: Vec<_> = self.store.pairs(&sync.name)?.into_iter().filter(|p| !p.target_first).collect();
        let (mut records, mut failed) = (0, Vec::new());
        for pair in pairs.iter().filter(|p| p.kind == PairKind::Issue && !p.erased) {
            let ours: Vec<(PairKind, &str)> = pairs
                .iter()
                .filter(|p| p.target_issue == pair.target_issue && !p.erased && p.kind != PairKind::Issue)
                .map(|p| (p.kind, p.target_id.as_str()))
                .collect();
            match issue(client, &me, &pair.target_id, &ours, &place, &sync.target.project).await {
                Ok(found) => {
                    records += found.len() as u64;
                    let ended = self.ended(&sync.name);
                    out.records.extend(found.into_iter().map(|record| Dated { ended, ..record }));
                }
                Err(e) => failed.push(e.to_string()),
            }
        }
        out.coverage.push(match failed.first() {
            None => Coverage::examined(place, records, 0),
            Some(first) => {
                let why = format!("{} issues could not be read; the first: {first}", failed.len());
                Coverage::with_reason(place, CoverageStatus::Partial, records, 0, why)
            }
        });
        Ok(())
    }

    /// Our own store: ended cases, and the details of the audit chain by their age.
    fn state(&self, out: &mut Collected) -> Result<(), StoreError> {
        let cases = Place::new(Area::State, "cases");
        let mut records = 0;
        for case in self.store.cases()?.into_iter().filter(|c| c.state.has_ended()) {
            records += 1;
            let ended = self.store.last_event(case.id.as_str(), &format!("case.{}", case.state.as_str()))?;
            out.records.push(Dated {
                created: case.received.and_hms_opt(0, 0, 0).map(|t| t.and_utc()),
                processed: ended.as_deref().and_then(time),
                updated: ended.as_deref().and_then(time),
                ..own(&cases, case.id.as_str())
            });
        }
        out.coverage.push(Coverage::examined(cases, records, 0));
        // By the case that put them there. What has not ended keeps somebody out: its time has not begun.
        let list = Place::new(Area::State, SUPPRESSION);
        let mut by_case: BTreeMap<CaseId, Vec<Option<DateTime<Utc>>>> = BTreeMap::new();
        for row in self.store.suppression_list()? {
            by_case.entry(row.case).or_default().push(row.until);
        }
        out.coverage.push(Coverage::examined(list.clone(), by_case.len() as u64, 0));
        out.records.extend(by_case.into_iter().map(|(case, ends)| {
            let ended = ends.into_iter().collect::<Option<Vec<_>>>().and_then(|ends| ends.into_iter().max());
            Dated { processed: ended.filter(|end| *end <= self.now), ..own(&list, case.as_str()) }
        }));
        let audit = Place::new(Area::State, "audit");
        let oldest = self.store.oldest_audit_detail()?;
        out.records.extend(oldest.as_deref().and_then(time).map(|oldest| Dated {
            created: Some(oldest),
            updated: Some(oldest),
            processed: Some(oldest),
            ..own(&audit, "details")
        }));
        out.coverage.push(Coverage::examined(audit, 1, 0));
        Ok(())
    }
}

/// What is known of a file, and its size in bytes. It is read only where its state on disk is another than before.
pub(super) fn seen(
    store: &Store,
    now: DateTime<Utc>,
    key: &RecordKey,
    path: &std::path::Path,
) -> Result<std::io::Result<(SeenFile, u64)>, StoreError> {
    let meta = match std::fs::symlink_metadata(path) {
        Ok(meta) => meta,
        Err(e) => return Ok(Err(e)),
    };
    let mut state = Vec::with_capacity(48);
    for part in [meta.mtime(), meta.mtime_nsec(), meta.ctime(), meta.ctime_nsec()] {
        state.extend_from_slice(&part.to_le_bytes());
    }
    for part in [meta.size(), meta.ino()] {
        state.extend_from_slice(&part.to_le_bytes());
    }
    let known = store.seen_file(key)?;
    if let Some(known) = known.as_ref().filter(|k| k.state == state) {
        return Ok(Ok((known.clone(), meta.size())));
    }
    let content = match std::fs::read(path) {
        Ok(bytes) => store.keys().keyed_hash(Purpose::Lookup, &[b"sweep-content", &bytes]).to_vec(),
        Err(e) => return Ok(Err(e)),
    };
    let seen = match known {
        Some(known) if known.content == content => SeenFile { state, ..known },
        Some(known) => SeenFile { state, content, created: known.created, updated: now },
        None => SeenFile { state, content, created: now, updated: now },
    };
    Ok(Ok((seen, meta.size())))
}

/// The place of the suppression list.
pub(super) const SUPPRESSION: &str = "suppression";

fn own(place: &Place, id: &str) -> Dated {
    let record = RecordRef { record_type: RecordType::State, id: Some(id.to_owned()), key: None, path: None };
    Dated::of(place.clone(), record)
}

fn time(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).ok().map(|t| t.to_utc())
}

fn when(value: Option<&Value>) -> Option<DateTime<Utc>> {
    value.and_then(Value::as_str).and_then(parse_time).map(|t| t.to_utc())
}

/// An issue that we wrote, with those of its comments and attachments that we wrote; nothing where it is gone.
async fn issue(
    client: &Client,
    me: &User,
    id: &str,
    ours_of: &[(PairKind, &str)],
    place: &Place,
    project: &ProjectKey,
) -> Result<Vec<Dated>, JiraError> {
    let fields = ["created", "updated", "resolutiondate", "labels", "status", "attachment"];
    let Some(issue) = client.issue(id, &fields, false, &[]).await? else { return Ok(Vec::new()) };
    let (comments, history) = (client.comments(id).await?, client.changelog(id).await?);
    let text = |value: &Value, path: &str| value.pointer(path).and_then(Value::as_str).map(str::to_owned);
    let labels = issue.field("labels").and_then(Value::as_array);
    let base = Dated {
        project: Some(project.clone()),
        created: issue.created().map(|t| t.to_utc()),
        resolved: when(issue.field("resolutiondate")),
        updated: issue.created().map(|t| t.to_utc()),
        labels: labels.map(|all| all.iter().filter_map(|l| l.as_str().map(str::to_owned)).collect()),
        status: issue.field("status").and_then(|s| text(s, "/name")),
        ..Dated::of(place.clone(), RecordRef::of_issue(RecordType::Issue, issue.id(), issue.key()))
    };
    let others = |value: &Value, author: &str| !is_me(me, value.get(author));
    let by_others = history
        .iter()
        .filter(|h| others(h, "author"))
        .filter_map(|h| when(h.get("created")))
        .chain(comments.iter().filter(|c| others(c, "updateAuthor")).filter_map(|c| when(c.get("updated"))));
    let updated = by_others.chain(base.updated).max();
    let mut out = vec![Dated { updated, ..base.clone() }];
    let ours = |kind: PairKind, value: &Value| {
        let id = text(value, "/id")?;
        ours_of.contains(&(kind, id.as_str())).then_some(id)
    };
    for comment in &comments {
        let Some(id) = ours(PairKind::Comment, comment) else { continue };
        let created = when(comment.get("created"));
        out.push(Dated {
            record: RecordRef::of_issue(RecordType::Comment, id, issue.key()),
            created,
            updated: if others(comment, "updateAuthor") { when(comment.get("updated")) } else { created },
            ..base.clone()
        });
    }
    let worklogs = if ours_of.iter().any(|(kind, _)| *kind == PairKind::Worklog) {
        client.worklogs(id).await?
    } else {
        Vec::new()
    };
    for worklog in &worklogs {
        let Some(id) = ours(PairKind::Worklog, worklog) else { continue };
        let created = when(worklog.get("created"));
        out.push(Dated {
            record: RecordRef::of_issue(RecordType::Worklog, id, issue.key()),
            created,
            updated: if others(worklog, "updateAuthor") { when(worklog.get("updated")) } else { created },
            ..base.clone()
        });
    }
    for attachment in issue.field("attachment").and_then(Value::as_array).into_iter().flatten() {
        let Some(id) = ours(PairKind::Attachment, attachment) else { continue };
        let created = when(attachment.get("created"));
        out.push(Dated {
            record: RecordRef::of_issue(RecordType::Attachment, id, issue.key()),
            created,
            updated: created,
            ..base.clone()
        });
    }
    Ok(out)
}

/// Whether a user object is the account by which we write. One that is not given may be anybody.
fn is_me(me: &User, user: Option<&Value>) -> bool {
    let Some(user) = user.filter(|u| !u.is_null()).map(User::from_json) else { return false };
    same(me, &user)
}

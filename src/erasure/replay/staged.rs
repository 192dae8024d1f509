//! Staged messages and attachments, in every state.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Back, Fate, Replay, Replayed, UNREAD, coverage, held};
use crate::{
    config::{NameMode, Sync},
    holds::{Spot, names_file, names_json},
    model::{Area, Coverage, CoverageStatus, Hold, Place, RecordRef, RecordType},
    staging::{Message, MessageId, Staging, StagingError, State},
    suppression::{FileVerdict, Guard},
};

/// How long to wait for a sync run that is at work in the same folder.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);
/// Attachments above this many bytes are not read.
const LARGEST: u64 = 64 << 20;

impl Replay<'_> {
    pub(super) fn staging(&self, sync: &Sync, out: &mut Replayed) {
        let place = Place::new(Area::Staging, sync.name.as_str());
        let Some(home) = &self.config.home else { return };
        if !home.staging.join(sync.name.as_str()).exists() {
            let status = CoverageStatus::Absent;
            return out.coverage.push(Coverage::with_reason(place, status, 0, 0, "nothing was staged yet"));
        }
        let opened = Staging::open(&home.staging, &sync.name, self.store)
            .and_then(|s| s.lock(PATIENCE).map(|lock| (s, lock)))
            .and_then(|(s, lock)| {
                let orphans = if self.acts { s.repair()?.orphans } else { unknown(&s)? };
                Ok((s, lock, orphans))
            });
        let result = opened.and_then(|(staging, _lock, orphans)| {
            for orphan in orphans {
                self.orphan(&staging, &orphan, out)?;
            }
            self.files(sync, &staging, &place, out)
        });
        if let Err(e) = result {
            out.coverage.push(Coverage::with_reason(place, CoverageStatus::Unexamined, 0, 0, e.to_string()));
        }
    }

    /// A file that the store does not know: its key is destroyed, or never was in this database. Nobody can read it.
    fn orphan(&self, staging: &Staging, name: &str, out: &mut Replayed) -> Result<(), StagingError> {
        for state in State::ALL {
            let path = staging.dir().join(state.as_str()).join(name);
            if !path.exists() {
                continue;
            }
            if self.acts {
                crate::fs::remove_durably(&path)
                    .map_err(|source| StagingError::Io { file: name.to_owned(), source })?;
            }
            out.back.push(Back {
                place: place(staging, state),
                record: if name.ends_with(".msg") { RecordType::Message } else { RecordType::Attachment },
                which: name.split('.').next().unwrap_or_default().to_owned(),
                certain: 1,
                names: 0,
                fate: if self.acts { Fate::Erased } else { Fate::Seen },
            });
        }
        Ok(())
    }

    fn files(&self, sync: &Sync, staging: &Staging, whole: &Place, out: &mut Replayed) -> Result<(), StagingError> {
        let guard = self.guard(&sync.source.instance);
        let (mut records, mut unread) = (0u64, BTreeMap::<String, u64>::new());
        let mut names = BTreeMap::new();
        for entry in staging.list()? {
            records += 1;
            let mut back = Back {
                place: place(staging, entry.state),
                record: RecordType::Message,
                which: entry.id.to_string(),
                certain: 0,
                names: 0,
                fate: Fate::Seen,
            };
            match staging.message(entry.id) {
                Ok(mut message) => {
                    for a in &message.attachments {
                        let name = a.meta.get("filename").and_then(Value::as_str).unwrap_or("attachment").to_owned();
                        names.extend(a.blob.map(|blob| (blob, name)));
                    }
                    let as_staged = json!([
                        message.fields,
                        message.comments,
                        message.attachments.iter().map(|a| &a.meta).collect::<Vec<_>>()
                    ]);
                    (back.certain, back.names) = check(&guard, &mut message, sync.names);
                    let names = |guard: &Guard| names_json(guard, &as_staged);
                    if self.acts
                        && let Some(hold) = self.kept(sync, &back, &entry.issue.key, &names)
                    {
                        back.fate = held(hold);
                    } else if back.certain > 0 && self.acts {
                        staging.rewrite(entry.id, &message.to_bytes()?)?;
                        back.fate = Fate::Cut;
                    } else if back.certain == 0 && self.acts {
                        back.fate = Fate::Left("a bare name: the import parks it for a person's review".into());
                    }
                }
                // What was put back is sealed with a key that was destroyed: nobody can read it, and it only stands in the way.
                Err(StagingError::Erased(_)) => {
                    back.certain = 1;
                    if self.acts {
                        staging.erase(entry.id)?;
                        back.fate = Fate::Erased;
                    }
                }
                Err(e) => *unread.entry(e.to_string()).or_default() += 1,
            }
            if back.certain + back.names > 0 {
                out.back.push(back);
            }
        }
        for blob in staging.list_blobs()? {
            records += 1;
            let mut back = Back {
                place: place(staging, blob.state),
                record: RecordType::Attachment,
                which: blob.id.to_string(),
                certain: 0,
                names: 0,
                fate: Fate::Seen,
            };
            if blob.size > LARGEST {
                *unread.entry("attachments of more than 64 MiB".into()).or_default() += 1;
                continue;
            }
            let name = names.get(&blob.id).map_or("attachment", String::as_str);
            let bytes = staging.read_blob(blob.id);
            let kept = |guard: &Guard| bytes.as_ref().is_ok_and(|b| names_file(guard, name, b));
            let hold = if self.acts { self.kept(sync, &back, &blob.issue.key, &kept) } else { None };
            match bytes.as_ref().map(|bytes| guard.check_file(name, bytes)) {
                Ok(FileVerdict::Clean) => {}
                Ok(FileVerdict::Unread) => *unread.entry(UNREAD.into()).or_default() += 1,
                Ok(FileVerdict::Name) => back.names = 1,
                Ok(FileVerdict::Certain) | Err(StagingError::Erased(_)) => back.certain = 1,
                Err(e) => *unread.entry(e.to_string()).or_default() += 1,
            }
            if back.certain + back.names > 0
                && let Some(hold) = hold
            {
                back.fate = held(hold);
            } else if back.certain > 0 && self.acts {
                staging.erase_blob(blob.id)?;
                back.fate = Fate::Erased;
            } else if back.names > 0 && self.acts {
                back.fate = Fate::Left("a bare name in a file: the import parks it for a person's review".into());
            }
            if back.certain + back.names > 0 {
                out.back.push(back);
            }
        }
        out.coverage.push(coverage(whole.clone(), records, &unread));
        Ok(())
    }
}

impl Replay<'_> {
    /// The hold that keeps a staged copy.
    fn kept(&self, sync: &Sync, back: &Back, key: &str, names: &dyn Fn(&Guard) -> bool) -> Option<&Hold> {
        let record =
            RecordRef { record_type: back.record, id: Some(back.which.clone()), key: Some(key.to_owned()), path: None };
        let source = &sync.source;
        let spot =
            Spot { place: &back.place, project: Some(&source.project), record: &record, fields: &[], whole: true };
        self.holds.keeps(None, &source.instance, &spot, names)
    }
}

/// The files with names of ours that the store does not know, as a repair would find them. While something is half written
/// or half erased, only the repair of a run that acts can tell.
fn unknown(staging: &Staging) -> Result<Vec<String>, StagingError> {
    if staging.unsettled()? > 0 {
        return Ok(Vec::new());
    }
    let mut known: BTreeSet<String> = staging.list()?.iter().map(|m| format!("{}.msg", m.id)).collect();
    known.extend(staging.list_blobs()?.iter().map(|b| format!("{}.att", b.id)));
    let mut out = BTreeSet::new();
    for state in State::ALL {
        let folder = staging.dir().join(state.as_str());
        let listed = std::fs::read_dir(&folder)
            .map_err(|source| StagingError::Io { file: folder.display().to_string(), source })?;
        for name in listed.filter_map(|entry| entry.ok()?.file_name().into_string().ok()) {
            let ours = name.strip_suffix(".msg").or_else(|| name.strip_suffix(".att"));
            if ours.is_some_and(|id| id.parse::<MessageId>().is_ok()) && !known.contains(&name) {
                out.insert(name);
            }
        }
    }
    Ok(out.into_iter().collect())
}

fn place(staging: &Staging, state: State) -> Place {
    Place::new(Area::Staging, format!("{}/{}", staging.sync(), state.as_str()))
}

/// Makes the guard's cuts in a message; says how many cuts, and how many bare names stay.
fn check(guard: &Guard, message: &mut Message, names: NameMode) -> (usize, usize) {
    let (mut cuts, mut left) = (0, 0);
    let mut pass = |value: Value| {
        let verdict = guard.check_json(&value, names);
        cuts += verdict.cuts;
        left += verdict.names;
        verdict.value
    };
    if let Value::Object(fields) = pass(Value::Object(std::mem::take(&mut message.fields))) {
        message.fields = fields;
    }
    for comment in &mut message.comments {
        *comment = pass(std::mem::take(comment));
    }
    for attachment in &mut message.attachments {
        attachment.meta = pass(std::mem::take(&mut attachment.meta));
    }
    (cuts, left)
}

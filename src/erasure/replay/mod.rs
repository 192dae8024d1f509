//! Replay: after a restore, finds again what the suppression list knows, and erases it again.
//!
//! Owns what is looked through and what is done with a hit. The identifiers of ended cases are destroyed, so what can be found
//! is what the list's keyed hashes tell: everything here asks the guard that the doors of the sync ask. Staged messages are
//! cut as the sync cuts them, targets are edited with the executors of an execution. A source is only reported: its content
//! is its owner's, and a case decides about it. What no edit changes (history, votes, an issue's creator, authors) was a
//! residual before and is not looked at.

mod remote;
mod staged;

use std::collections::BTreeMap;

use crate::{
    config::{Config, NameMode},
    holds::Holds,
    jira::Client,
    model::{Area, Coverage, CoverageStatus, Hold, InstanceName, Place, RecordType},
    scan::{collect::RemotePlace, run::Target, run::targets},
    store::{Store, SuppressionRow},
    suppression::Guard,
};

/// What became of a record that holds somebody who is on the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// Nothing was done: it was only looked.
    Seen,
    /// Cut out, and read back.
    Cut,
    /// Deleted, with what it held.
    Erased,
    /// Left, and why.
    Left(String),
}

/// One record that holds somebody who is on the list, or a name that may be a namesake's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Back {
    /// Where.
    pub place: Place,
    /// What kind of record.
    pub record: RecordType,
    /// The key, or the staged file's id; never a name.
    pub which: String,
    /// How many identifiers.
    pub certain: usize,
    /// How many bare names, which may be a namesake's.
    pub names: usize,
    /// What became of it.
    pub fate: Fate,
}

/// What a replay found and how far it looked.
#[derive(Debug, Default)]
pub struct Replayed {
    /// The records, by place.
    pub back: Vec<Back>,
    /// How far each place was read.
    pub coverage: Vec<Coverage>,
}

impl Replayed {
    /// Whether every place was read, if not to its last byte: then the list at the doors is enough until the rest is decided.
    #[must_use]
    pub fn looked_everywhere(&self) -> bool {
        self.coverage.iter().all(|c| c.status != CoverageStatus::Unexamined)
    }

    /// Whether nothing is left: all was read, and all that was found is gone.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.coverage.iter().all(|c| c.status.is_complete())
            && self.back.iter().all(|b| b.names == 0 && matches!(b.fate, Fate::Cut | Fate::Erased))
    }

    /// How many records ended like this.
    pub fn count(&self, is: impl Fn(&Fate) -> bool) -> usize {
        self.back.iter().filter(|b| b.certain > 0 && is(&b.fate)).count()
    }
}

/// Everything a replay needs.
pub struct Replay<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The store.
    pub store: &'a Store,
    /// Clients, or why there is none.
    pub clients: &'a BTreeMap<InstanceName, Result<Client, String>>,
    /// The entries to look for.
    pub rows: Vec<SuppressionRow>,
    /// The holds in force: what they keep is told, not touched.
    pub holds: &'a Holds,
    /// Whether to erase what is found; else it is only told.
    pub acts: bool,
}

/// Why a record is left that a hold keeps.
fn held(hold: &Hold) -> Fate {
    Fate::Left(format!("held by {}: it stays until that is released", hold.id))
}

impl Replay<'_> {
    fn guard(&self, instance: &InstanceName) -> Guard {
        Guard::of(self.store.keys(), self.rows.clone(), instance)
    }

    /// Looks through staging, sources and targets.
    pub async fn run(&self, mut progress: impl FnMut(&Place, u64)) -> Replayed {
        let mut out = Replayed::default();
        for sync in self.config.syncs.values() {
            progress(&Place::new(Area::Staging, sync.name.as_str()), 0);
            self.staging(sync, &mut out);
        }
        for target in targets(self.config) {
            let Target::Remote(remote) = &target else { continue };
            let place = target.place();
            progress(&place, 0);
            match self.clients.get(&remote.instance) {
                Some(Ok(client)) => self.remote(client, remote, &mut out, |n| progress(&place, n)).await,
                client => {
                    let why =
                        client.and_then(|c| c.as_ref().err()).map_or("no client for this instance", String::as_str);
                    let status = CoverageStatus::Unexamined;
                    out.coverage.push(Coverage::with_reason(place, status, 0, 0, why));
                }
            }
        }
        out.back.sort_by(|a, b| (&a.place, &a.which, a.record).cmp(&(&b.place, &b.which, b.record)));
        out
    }

    /// Whether bare names are cut in a target, as its synchronizations do it.
    fn names(&self, remote: &RemotePlace) -> NameMode {
        let here =
            |s: &&crate::config::Sync| (&s.target.instance, &s.target.project) == (&remote.instance, &remote.project);
        let cut = self.config.syncs.values().filter(here).all(|s| s.names == NameMode::Cut);
        if cut { NameMode::Cut } else { NameMode::Park }
    }
}

/// One coverage line for a place of which some parts could not be read.
fn coverage(place: Place, records: u64, unread: &BTreeMap<String, u64>) -> Coverage {
    if unread.is_empty() {
        return Coverage::examined(place, records, 0);
    }
    let why: Vec<String> = unread.iter().map(|(why, n)| format!("{n}: {why}")).collect();
    Coverage::with_reason(place, CoverageStatus::Partial, records, 0, why.join("; "))
}

/// Why a file was not read, for the coverage.
const UNREAD: &str = "files of a kind that the suppression list cannot be asked about";

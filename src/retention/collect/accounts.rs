//! Accounts of people who left: closed or deactivated ones, by the day on which they were first seen to be.
//!
//! Owns the look at an instance's users. Jira says whether an account is active, never since when; so, as a file's, its time begins
//! with our first sight, which can only be late.

use std::collections::BTreeSet;

use super::{Collect, Collected};
use crate::{
    jira::{Client, ErrorKind, User},
    model::{Area, Coverage, CoverageStatus, Flavor, InstanceName, Place, RecordRef, RecordType},
    policy::Start,
    retention::Dated,
    store::{SeenFile, StoreError},
};

const OPEN: &[u8] = b"open";
const CLOSED: &[u8] = b"closed";

/// What Cloud's own list leaves out (personal data reporting is for OAuth apps alone: developer.atlassian.com, "User privacy guide
/// for app developers").
pub(super) const CLOUD: &str = "accounts that were closed and are listed no more: only Atlassian's account status report has them, which an API \
                     token does not reach; ask the organisation's administrator";

impl Collect<'_> {
    /// The accounts of every instance that a class of people who left is about.
    ///
    /// # Errors
    /// What the store says. What an instance does not answer is in the coverage.
    pub(super) async fn accounts(
        &self,
        out: &mut Collected,
        progress: &mut impl FnMut(&Place),
    ) -> Result<(), StoreError> {
        let mut instances: BTreeSet<(Area, &InstanceName)> = BTreeSet::new();
        for sync in self.config.syncs.values() {
            instances.insert((Area::Target, &sync.target.instance));
            instances.insert((Area::Source, &sync.source.instance));
        }
        for (area, name) in instances {
            let place = Place::new(area, format!("{name}/accounts"));
            let asked = |c: &&crate::policy::Class| c.start == Start::AccountClosed && c.reaches(area);
            if !self.classes.iter().any(|c| asked(&c)) || !self.areas.is_none_or(|areas| areas.contains(&area)) {
                continue;
            }
            progress(&place);
            let client = match self.clients.get(name) {
                Some(Ok(client)) => client,
                Some(Err(why)) => {
                    out.coverage.push(unread(&place, why));
                    continue;
                }
                None => {
                    out.coverage.push(unread(&place, "no client for this instance"));
                    continue;
                }
            };
            match users(client).await {
                Ok((users, gap)) => {
                    let count = users.len() as u64;
                    for user in &users {
                        self.account(&place, user, out)?;
                    }
                    out.coverage.push(match gap {
                        None => Coverage::examined(place, count, 0),
                        Some(why) => Coverage::with_reason(place, CoverageStatus::Partial, count, 0, why),
                    });
                }
                Err(why) => out.coverage.push(unread(&place, &why)),
            }
        }
        Ok(())
    }

    fn account(&self, place: &Place, user: &User, out: &mut Collected) -> Result<(), StoreError> {
        let Some(id) = user.account_id.as_deref().or(user.key.as_deref()).or(user.name.as_deref()) else {
            return Ok(());
        };
        let record = RecordRef { record_type: RecordType::UserProfile, id: Some(id.to_owned()), key: None, path: None };
        let key = self.store.sweep_key(place, &record);
        let known = self.store.seen_file(&key)?;
        let now = self.now;
        let fresh = |state: &[u8]| SeenFile { state: state.to_vec(), content: Vec::new(), created: now, updated: now };
        if user.active != Some(false) {
            // One that was opened again begins anew when it is closed again.
            if known.is_some() {
                out.seen.push((key, fresh(OPEN)));
            }
            return Ok(());
        }
        let seen = known.filter(|k| k.state == CLOSED).unwrap_or_else(|| fresh(CLOSED));
        out.records.push(Dated { closed: Some(seen.created), ..Dated::of(place.clone(), record) });
        out.seen.push((key, seen));
        Ok(())
    }
}

fn unread(place: &Place, why: &str) -> Coverage {
    Coverage::with_reason(place.clone(), CoverageStatus::Unexamined, 0, 0, why)
}

/// All users, and what the list may leave out.
async fn users(client: &Client) -> Result<(Vec<User>, Option<String>), String> {
    let cloud = client.flavor() == Flavor::Cloud;
    match client.all_users().await {
        Ok(users) => Ok((users, cloud.then(|| CLOUD.to_owned()))),
        // A Data Center before 10.0 has no such list; its search stops at the 1,000th.
        Err(e) if e.kind() == ErrorKind::NotSupported => {
            let found = client.find_users(".").await.map_err(|e| e.to_string())?;
            Ok((found.users, found.cut_off.then(|| "this server lists no more than 1,000 users".to_owned())))
        }
        Err(e) => Err(e.to_string()),
    }
}

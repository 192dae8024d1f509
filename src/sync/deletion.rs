//! Issues that were deleted in the source: their copies are marked, or deleted where nobody but us worked on them.
//!
//! Owns the look for them and what follows. An issue counts as deleted only where the source says by its id that it is not there,
//! while its project is still seen; what was moved, is no longer selected or is not shown stays as it is. An original is never
//! deleted because its copy was. Pure: [`due`], [`most`], [`decide`].

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::StreamExt;
use serde_json::{Map, Value, json};

use super::{Room, error::SyncError, export};
use crate::{
    config::Deleted,
    erasure::executor::renew::Snapshot,
    jira::{ErrorKind, Gone, Notify},
    store::{Pair, PairKind},
};

/// How long a look counts.
const EVERY: TimeDelta = TimeDelta::hours(6);
/// So many deletions in one run are believed, or so many of a hundred pairs, whichever is more.
const FEW: usize = 20;
const PERCENT: usize = 5;
/// Ids alone are asked for; servers that give fewer at once do so.
const PAGE: usize = 1000;

/// What became of an issue that the query gives no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    NotThere,
    Moved,
    Unselected,
    Forbidden,
}

/// What is done with a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Nothing,
    Mark,
    Delete,
}

/// Whether it is time to look. A last look that lies ahead of the clock counts for nothing.
fn due(asked: bool, last: Option<&str>, now: DateTime<Utc>) -> bool {
    let last = last.and_then(|at| DateTime::parse_from_rfc3339(at).ok());
    asked || last.is_none_or(|at| !(TimeDelta::zero()..EVERY).contains(&(now - at.to_utc())))
}

/// How many deletions are done in one run.
fn most(live: usize, allowed: Option<u64>) -> usize {
    let allowed = allowed.map_or(0, |n| usize::try_from(n).unwrap_or(usize::MAX));
    FEW.max(live * PERCENT / 100).max(allowed)
}

/// What is done with the copy of a deleted issue. `others`: something of others stands in it.
const fn decide(how: Deleted, held: bool, others: bool) -> Act {
    match how {
        Deleted::Ignore => Act::Nothing,
        _ if held => Act::Nothing,
        Deleted::Delete if !others => Act::Delete,
        Deleted::Mark | Deleted::Delete => Act::Mark,
    }
}

/// Looks for deleted issues where it is time to, and does with their copies what is configured.
pub(super) async fn deletions(room: &Room<'_>) -> Result<(), SyncError> {
    let (store, sync, deps) = (room.deps.store, room.sync, room.deps);
    let now = (deps.now)();
    let asked = deps.full || deps.allow_deletions.is_some();
    if sync.deleted == Deleted::Ignore || !due(asked, store.looked_for_deletions(&sync.name)?.as_deref(), now) {
        return Ok(());
    }
    // A look that comes to no end is due again at once, so that what it said is not forgotten for hours.
    super::blocking(|| store.set_looked_for_deletions(&sync.name, ""))?;
    let pairs = store.pairs(&sync.name)?.into_iter();
    let live: Vec<Pair> =
        pairs.filter(|p| p.kind == PairKind::Issue && !p.erased && !p.unlinked && !p.target_first).collect();
    let Some(gone) = gone(room, &live).await? else { return Ok(()) };
    if !gone.is_empty() && !project_is_seen(room).await? {
        room.warn("issues seem to be gone from the source, but its project is not seen any more; nothing was done");
        return Ok(());
    }
    let most = most(live.len(), deps.allow_deletions);
    if gone.len() > most {
        room.fail(&format!(
            "{0} of {1} issues seem to be deleted in the source, more than the {most} that are believed at once; nothing was \
             done. If they are, go on with: efface sync run {2} --allow-deletions {0}",
            gone.len(),
            live.len(),
            sync.name
        ));
        return Ok(());
    }
    let mut whole = true;
    for pair in gone {
        match one(room, pair).await {
            Ok(()) => {}
            Err(e) if !e.stops_everything() => {
                room.error(&e);
                whole = false;
            }
            Err(e) => return Err(e),
        }
    }
    if whole {
        super::blocking(|| store.set_looked_for_deletions(&sync.name, &now.to_rfc3339()))?;
    }
    Ok(())
}

/// The pairs whose issues are not in the source any more; `None` where that could not be told.
async fn gone<'p>(room: &Room<'_>, live: &'p [Pair]) -> Result<Option<Vec<&'p Pair>>, SyncError> {
    if live.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let jql = format!("{} ORDER BY key ASC", export::clauses(room.sync).join(" AND "));
    let mut search = room.source.search(&jql, &["project"]).page_size(PAGE);
    let mut seen = HashSet::new();
    while let Some(page) = search.next_page().await? {
        seen.extend(page.iter().map(|issue| issue.id().to_owned()));
    }
    if !search.complete() {
        room.error(&SyncError::PagesShifted);
        return Ok(None);
    }
    let missing = live.iter().filter(|p| !seen.contains(&p.source_id));
    let mut work = futures_util::stream::iter(missing)
        .map(|pair| async move { (look(room, pair).await, pair) })
        .buffered(export::CONCURRENT);
    let (mut out, mut whole) = (Vec::new(), true);
    while let Some((found, pair)) = work.next().await {
        match found {
            Ok(Found::NotThere) => out.push(pair),
            Ok(Found::Moved) => {
                room.warn("an issue was moved to another project of the source; its copy stays as it is");
            }
            Ok(Found::Unselected) => {
                room.warn("an issue is no longer selected by the synchronization's query; its copy stays as it is");
            }
            Ok(Found::Forbidden) => {
                room.warn("an issue of the source is not shown to us any more; its copy stays as it is")
            }
            Err(e) if !e.stops_everything() => {
                room.error(&e);
                whole = false;
            }
            Err(e) => return Err(e),
        }
    }
    Ok(whole.then_some(out))
}

/// Asks for an issue by its id, which it keeps where it is moved.
async fn look(room: &Room<'_>, pair: &Pair) -> Result<Found, SyncError> {
    let issue = match room.source.issue(&pair.source_id, &["project"], false, &[]).await {
        Ok(issue) => issue,
        Err(e) if e.kind() == ErrorKind::Forbidden => return Ok(Found::Forbidden),
        Err(e) => return Err(e.into()),
    };
    Ok(match issue {
        None => Found::NotThere,
        Some(issue) if export::belongs(room, &issue) => Found::Unselected,
        Some(_) => Found::Moved,
    })
}

/// Whether we still see the source's project: where we do not, everything in it looks deleted.
async fn project_is_seen(room: &Room<'_>) -> Result<bool, SyncError> {
    let project = &room.sync.source.project;
    match room.source.project(project).await {
        Ok(_) => {}
        Err(e) if matches!(e.kind(), ErrorKind::ProjectNotVisible | ErrorKind::Forbidden) => return Ok(false),
        Err(e) => return Err(e.into()),
    }
    // An administrator sees a project whose issues are not shown to him.
    match room.source.permissions(project, &["BROWSE_PROJECTS"]).await {
        Ok(may) => Ok(may.get("BROWSE_PROJECTS") == Some(&true)),
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::ProjectNotVisible | ErrorKind::Forbidden) => {
            Ok(false)
        }
        Err(e) => Err(e.into()),
    }
}

/// The copy of one issue that was deleted.
async fn one(room: &Room<'_>, pair: &Pair) -> Result<(), SyncError> {
    let (store, sync) = (room.deps.store, room.sync);
    let held = room.keeps_target(pair);
    let mut others = None;
    if sync.deleted == Deleted::Delete && !held {
        let Some(snapshot) = Snapshot::of(room.target, &pair.target_id).await? else {
            return absent(room, pair).await;
        };
        let me = room.target.myself().await?;
        let parts = store.pairs_of_issue(&sync.name, &pair.source_issue)?;
        let ours = parts.into_iter().map(|p| (p.kind, p.target_id)).collect();
        others = snapshot.of_others(&me, &ours);
    }
    match decide(sync.deleted, held, others.is_some()) {
        Act::Nothing if held => {
            room.count(|r| r.held += 1);
            room.warn("an issue was deleted in the source; a hold keeps its copy");
            Ok(())
        }
        Act::Nothing => Ok(()),
        Act::Mark => {
            if let Some(why) = others {
                room.warn(&format!("the copy of a deleted issue was marked and not deleted: {why}"));
            }
            mark(room, pair).await
        }
        Act::Delete => match room.target.delete_issue(&pair.target_id).await {
            Ok(Gone::WasAbsent) => absent(room, pair).await,
            Ok(Gone::Deleted) => {
                super::blocking(|| store.mark_erased(&sync.name, PairKind::Issue, &pair.source_id))?;
                room.count(|r| r.deleted_issues += 1);
                Ok(())
            }
            Err(e) if matches!(e.kind(), ErrorKind::Forbidden | ErrorKind::NotSupported | ErrorKind::Rejected) => {
                room.warn(
                    "the copy of a deleted issue was marked and not deleted: the target does not let us delete it",
                );
                mark(room, pair).await
            }
            Err(e) => Err(e.into()),
        },
    }
}

/// Labels a copy; from then on it is carried over no more, so that it is labelled once.
async fn mark(room: &Room<'_>, pair: &Pair) -> Result<(), SyncError> {
    let label = json!([{ "add": room.sync.deleted_label }]);
    let update = Map::<String, Value>::from_iter([("labels".to_owned(), label)]);
    match room.target.edit_issue(&pair.target_id, Map::new(), update, Notify::PreferNever).await {
        Ok(_) => {}
        Err(e) if e.kind() == ErrorKind::NotFound => return absent(room, pair).await,
        Err(e) => return Err(e.into()),
    }
    super::blocking(|| room.deps.store.unlink(&room.sync.name, &pair.source_id))?;
    room.count(|r| r.marked_issues += 1);
    Ok(())
}

/// A copy that is not there either: nothing is left to do, provided that we would see it.
async fn absent(room: &Room<'_>, pair: &Pair) -> Result<(), SyncError> {
    room.target.project(&room.sync.target.project).await?;
    room.warn("an issue was deleted in the source, and its copy is gone already or not shown to us");
    super::blocking(|| room.deps.store.unlink(&room.sync.name, &pair.source_id))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_done_with_a_copy() {
        use {Act::*, Deleted::*};
        for (how, held, others, want) in [
            (Ignore, false, false, Nothing),
            (Ignore, true, true, Nothing),
            (Deleted::Mark, false, false, Act::Mark),
            (Deleted::Mark, false, true, Act::Mark),
            (Deleted::Mark, true, false, Nothing),
            (Deleted::Delete, false, false, Act::Delete),
            (Deleted::Delete, false, true, Act::Mark),
            (Deleted::Delete, true, false, Nothing),
            (Deleted::Delete, true, true, Nothing),
        ] {
            assert_eq!(decide(how, held, others), want, "{how:?} held {held} others {others}");
        }
    }

    #[test]
    fn the_brake_grows_with_the_pairs_and_with_what_a_person_allows() {
        for (live, allowed, want) in [
            (0, None, 20),
            (400, None, 20),
            (1000, None, 50),
            (1000, Some(10), 50),
            (1000, Some(300), 300),
            (3, Some(u64::MAX), usize::MAX),
        ] {
            assert_eq!(most(live, allowed), want, "{live} {allowed:?}");
        }
    }

    #[test]
    fn a_look_is_due_every_six_hours_and_when_it_is_asked_for() {
        let now: DateTime<Utc> = "2026-11-28T12:00:00Z".parse().unwrap();
        for (asked, last, want) in [
            (false, None, true),
            (false, Some("nonsense"), true),
            (false, Some("2026-11-28T06:00:01+00:00"), false),
            (true, Some("2026-11-28T06:00:01+00:00"), true),
            (false, Some("2026-11-28T06:00:00+00:00"), true),
            (false, Some("2026-11-28T12:00:00+00:00"), false),
            (false, Some("2026-11-29T12:00:00+00:00"), true),
        ] {
            assert_eq!(due(asked, last, now), want, "{asked} {last:?}");
        }
    }
}

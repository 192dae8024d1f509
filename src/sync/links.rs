//! Links by hand: pairs that another tool made are taken over, and pairs are taken apart.
//!
//! Nothing is written before every line was checked on both instances. Comments and attachments that stand on both sides
//! already are paired as they are, so that the next run doubles none; the fields it brings up to date.

use std::collections::{HashMap, HashSet};

use futures_util::StreamExt;
use serde_json::Value;

use super::{
    Deps, Room, SyncReport, body, chosen,
    content::{Content, carries, id_of},
    create::timestamp,
    error::SyncError,
    export, relations, with_room,
};
use crate::{
    config::Sync,
    jira::{Client, Issue},
    model::SyncName,
    staging::{IssueRef, Staging},
    store::{NewLink, Pair, PairKind},
};

/// One line of a list of links.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The line, for who has to mend it.
    pub line: u64,
    /// The issue's key in the source.
    pub source: String,
    /// The issue's key in the target.
    pub target: String,
}

/// What became of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Linked {
    /// All of it was linked: so many pairs.
    Done(usize),
    /// Nothing was written: line by line, what is wrong.
    Refused(Vec<(u64, String)>),
}

/// Links the issues of a list, all or none. What a person should know of it goes into the report.
///
/// # Errors
/// A wrong name; what the instances, the store or the staging area say.
pub async fn link(
    deps: &Deps<'_>,
    name: &SyncName,
    links: &[Link],
    report: &mut SyncReport,
) -> Result<Linked, SyncError> {
    let sync = chosen(deps.config, std::slice::from_ref(name))?[0];
    let wrong = on_paper(sync, links);
    if !wrong.is_empty() {
        return Ok(Linked::Refused(wrong));
    }
    with_room(deps, sync, report, async |room| {
        let mut looked: Vec<_> = futures_util::stream::iter(links)
            .map(|l| async move { (l, look(room, l).await) })
            .buffered(export::CONCURRENT)
            .collect()
            .await;
        let mut wrong = Vec::new();
        let mut new = Vec::new();
        for (link, looked) in looked.drain(..) {
            match looked? {
                Ok(one) => new.push(one),
                Err(what) => wrong.push((link.line, what)),
            }
        }
        // Two keys may be one issue, which was moved.
        let (mut sources, mut targets) = (HashSet::new(), HashSet::new());
        for (link, one) in links.iter().zip(&new) {
            if !sources.insert(&one.issue.source_id) || !targets.insert(&one.issue.target_id) {
                wrong.push((link.line, "the issue stands in the list twice".into()));
            }
        }
        if !wrong.is_empty() {
            return Ok(Linked::Refused(wrong));
        }
        super::blocking(|| deps.store.link(&new))?;
        Ok(Linked::Done(new.len()))
    })
    .await
}

/// What is wrong with a list without asking anybody.
fn on_paper(sync: &Sync, links: &[Link]) -> Vec<(u64, String)> {
    let mut wrong = Vec::new();
    let mut seen: [HashMap<String, u64>; 2] = Default::default();
    for link in links {
        let sides = [(&link.source, &sync.source, "source"), (&link.target, &sync.target, "target")];
        for (i, (key, side, name)) in sides.into_iter().enumerate() {
            let number = key.rsplit_once('-').filter(|(p, _)| p.eq_ignore_ascii_case(side.project.as_str()));
            if !number.is_some_and(|(_, n)| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit())) {
                wrong.push((link.line, format!("{key:?} is no issue of the {name} project {}", side.project)));
            } else if let Some(first) = seen[i].insert(key.to_uppercase(), link.line) {
                wrong.push((link.line, format!("{key} stands in line {first} already")));
            }
        }
    }
    wrong
}

/// Looks at both sides of a link; the inner error says what is wrong with it.
async fn look(room: &Room<'_>, link: &Link) -> Result<Result<NewLink, String>, SyncError> {
    let (sync, store) = (room.sync, room.deps.store);
    let Some(source) = find(room.source, &link.source, &export::wanted(sync)).await? else {
        return Ok(Err(format!("{} is not in the source, or not visible", link.source)));
    };
    let Some(target) = find(room.target, &link.target, &["project", "comment", "attachment"]).await? else {
        return Ok(Err(format!("{} is not in the target, or not visible", link.target)));
    };
    for (issue, key) in [(&source, &link.source), (&target, &link.target)] {
        if !issue.key().eq_ignore_ascii_case(key) {
            return Ok(Err(format!("{key} was moved, and is {} now", issue.key())));
        }
    }
    match store.pair(&sync.name, PairKind::Issue, source.id())? {
        Some(p) if p.erased => return Ok(Err(format!("{} was erased in the target on purpose", link.source))),
        Some(p) if !p.unlinked => {
            let there = p.target_key.unwrap_or(p.target_id);
            return Ok(Err(format!("{} is linked to {there} already", link.source)));
        }
        _ => {}
    }
    for pair in store.pairs_by_target(PairKind::Issue, target.id())? {
        let other = room.deps.config.syncs.get(&pair.sync).is_some_and(|s| s.target.instance != sync.target.instance);
        if other || (pair.unlinked && !pair.erased) {
            continue;
        }
        let why = if pair.erased { "was erased on purpose" } else { "is linked already" };
        return Ok(Err(format!("{} {why} ({} of {})", link.target, pair.source_key.unwrap_or_default(), pair.sync)));
    }
    if store.intents(&sync.name, source.id())?.iter().any(|i| i.kind == PairKind::Issue) {
        return Ok(Err(format!("a run was cut off while it made {}; let it finish: efface sync run", link.source)));
    }
    if !export::carries_over(room.source, sync, source.id(), source.key()).await? {
        return Ok(Err(format!("the synchronization's own query does not select {}", link.source)));
    }
    Ok(Ok(new_link(room, &source, &target).await?))
}

async fn find(client: &Client, key: &str, fields: &[&str]) -> Result<Option<Issue>, SyncError> {
    Ok(client.issue(key, fields, false, &[]).await?)
}

/// The pair, with the comments and attachments that stand on both sides.
async fn new_link(room: &Room<'_>, source: &Issue, target: &Issue) -> Result<NewLink, SyncError> {
    let keys = room.deps.store.keys();
    let at = IssueRef { id: source.id().to_owned(), key: source.key().to_owned() };
    let mut fields = source.fields().cloned().unwrap_or_default();
    let (comments, attachments) = (fields.remove("comment"), fields.remove("attachment"));
    let comments = export::comments(room, &at, comments).await?;
    let attachments = export::attachments(room, &at, attachments).await?;
    let relations = relations::read(room, &at, &mut fields).await?;
    let content = Content::of(keys, &room.sync.fields, &fields, &comments, &attachments);
    let content = relations::content(keys, content, &relations);
    let hash = |part: String| content.parts.get(&part).and_then(|h| hex::decode(h).ok()).unwrap_or_default();
    let issue = Pair {
        sync: room.sync.name.clone(),
        kind: PairKind::Issue,
        source_id: source.id().to_owned(),
        target_id: target.id().to_owned(),
        source_issue: source.id().to_owned(),
        source_key: Some(source.key().to_owned()),
        target_issue: target.id().to_owned(),
        target_key: Some(target.key().to_owned()),
        hash: Vec::new(),
        erased: false,
        unlinked: false,
        created: timestamp(room),
        twin: room.sync.twin.as_ref().map(|t| t.name.clone()),
        target_first: false,
    };
    let part = |kind, id: &str, there: &str, hash| Pair {
        kind,
        source_id: id.to_owned(),
        target_id: there.to_owned(),
        hash,
        ..issue.clone()
    };
    let mut parts = Vec::new();
    if carries(&room.sync.fields, "comment") && !comments.is_empty() {
        let mut there: Vec<(String, String)> = room
            .target
            .comments(target.key())
            .await?
            .iter()
            .map(|c| (id_of(c), body::text_of(c.get("body").unwrap_or(&Value::Null))))
            .collect();
        for comment in &comments {
            let text = body::text_of(comment.get("body").unwrap_or(&Value::Null));
            // Whoever copied it may have named its author in front.
            let same = |(_, t): &&(String, String)| !text.is_empty() && t.ends_with(&text);
            if let Some(i) = there.iter().position(|t| same(&t)) {
                let id = id_of(comment);
                parts.push(part(PairKind::Comment, &id, &there.remove(i).0, hash(format!("comment/{id}"))));
            }
        }
    }
    for (id, there) in relations::both(room, &relations, target.key()).await? {
        parts.push(part(PairKind::Worklog, &id, &there, hash(format!("worklog/{id}"))));
    }
    let mut there: Vec<&Value> = target.field("attachment").and_then(Value::as_array).into_iter().flatten().collect();
    for meta in &attachments {
        let look = |v: &Value| (v.get("filename").cloned(), v.get("size").cloned());
        if let Some(i) = there.iter().position(|t| look(t) == look(meta)) {
            parts.push(part(PairKind::Attachment, &id_of(meta), &id_of(there.remove(i)), Vec::new()));
        }
    }
    Ok(NewLink { issue, parts })
}

/// Takes a pair apart by the key of either side. Says which it was; `None` where there is no such pair.
///
/// # Errors
/// Where several synchronizations have it, or it is erased or unlinked already; what store and staging area say.
pub fn unlink(deps: &Deps<'_>, names: &[SyncName], key: &str) -> Result<Option<Pair>, SyncError> {
    let home = deps.config.home().map_err(|_| SyncError::NoHome)?;
    let mut found = Vec::new();
    for sync in super::forward(deps.config, names)? {
        found.extend(deps.store.pairs(&sync.name)?.into_iter().filter(|p| p.kind == PairKind::Issue && p.has_key(key)));
    }
    let pair = match found.len() {
        0 => return Ok(None),
        1 => found.remove(0),
        _ => {
            let of: Vec<String> = found.iter().map(|p| p.sync.to_string()).collect();
            return Err(SyncError::Asked(format!("{key} is linked by {}: say which with --sync", of.join(", "))));
        }
    };
    if pair.erased || pair.unlinked {
        let what = if pair.erased { "was erased in the target on purpose" } else { "is unlinked already" };
        return Err(SyncError::Asked(format!("{key} {what}")));
    }
    let staging = Staging::open(&home.staging, &pair.sync, deps.store)?;
    let _lock = staging.lock(super::PATIENCE)?;
    deps.store.unlink(&pair.sync, &pair.source_id)?;
    Ok(Some(pair))
}

//! The status: no field but a place in a workflow, reached by a transition where one leads there.

use serde_json::{Map, Value, json};

use super::{
    Room,
    error::SyncError,
    target::{Ways, mapped, name_of, same},
};
use crate::{
    jira::ErrorKind,
    staging::Message,
    store::{Pair, PairField, PairKind},
};

/// Moves the issue to the source's status, by as few transitions as lead there. Says whether it moved, and what to remember.
pub(super) async fn status(
    room: &Room<'_>,
    message: &Message,
    pair: &Pair,
    fresh: bool,
) -> Result<(bool, Option<PairField>), SyncError> {
    let source = name_of(message.fields.get("status").unwrap_or(&Value::Null));
    let Some(now) = message.hashes.get("status").and_then(|h| hex::decode(h).ok()).filter(|_| !source.is_empty())
    else {
        return Ok((false, None));
    };
    if !fresh {
        let known = room.deps.store.pair_fields(&room.sync.name, PairKind::Issue, &message.issue.id)?;
        if known.iter().any(|k| k.field == "status" && k.source_hash == now) {
            return Ok((false, None));
        }
    }
    let wanted = mapped(&room.sync.statuses, source);
    let moved = move_to(room, message, pair, wanted, fresh).await?;
    let field = PairField { field: "status".to_owned(), source_hash: now, target_hash: None, redacted: false };
    Ok((moved, Some(field)))
}

async fn move_to(
    room: &Room<'_>,
    message: &Message,
    pair: &Pair,
    wanted: &str,
    fresh: bool,
) -> Result<bool, SyncError> {
    let key = pair.target_key.as_deref().unwrap_or(&pair.target_id);
    let kind = name_of(message.fields.get("issuetype").unwrap_or(&Value::Null)).to_owned();
    let remembered = if fresh { room.meta.initial.lock().await.get(&kind).cloned() } else { None };
    let current = match remembered {
        Some(status) => status,
        None => {
            let status = current_status(room, key).await?.ok_or(SyncError::TargetGone)?;
            if fresh {
                room.meta.initial.lock().await.insert(kind.clone(), status.clone());
            }
            status
        }
    };
    if same(&current, wanted) {
        return Ok(false);
    }
    let road = Road { room, key, kind: &kind };
    let Some(stops) = road.to(&current, wanted, fresh).await? else {
        room.warn(&format!("no transitions of the target lead to the status {wanted:?}"));
        return Ok(false);
    };
    let mut at = current;
    for (n, stop) in stops.iter().enumerate() {
        if !road.step(&at, stop, fresh && n == 0).await? {
            room.warn(&match n {
                0 => format!("the target refuses the transition to the status {stop:?}"),
                _ => format!("the target stopped at the status {at:?} on the way to {wanted:?}"),
            });
            return Ok(n > 0);
        }
        at.clone_from(stop);
    }
    Ok(true)
}

/// Most transitions on the way to a status: a workflow that needs more is not one to walk through unasked.
const FAR: usize = 8;

/// The way of one issue through its workflow.
struct Road<'a> {
    room: &'a Room<'a>,
    key: &'a str,
    kind: &'a str,
}

impl Road<'_> {
    /// The statuses on the shortest way to the one that is wanted, that one last; `None` where no way is known.
    ///
    /// Jira tells the transitions of an issue only where it stands. Where others of its type stand elsewhere in the target, they
    /// tell how it goes on from there; each status is asked once a run.
    async fn to(&self, from: &str, wanted: &str, fresh: bool) -> Result<Option<Vec<String>>, SyncError> {
        let first = self.ways(from, fresh).await?;
        if first.iter().any(|(to, _)| same(to, wanted)) {
            return Ok(Some(vec![wanted.to_owned()]));
        }
        let mut met = vec![from.to_owned()];
        let mut roads: Vec<Vec<String>> = first.into_iter().map(|(to, _)| vec![to]).collect();
        let mut next = 0;
        while let Some(road) = roads.get(next).cloned() {
            next += 1;
            let Some(here) = road.last().filter(|here| !met.iter().any(|m| same(m, here))).cloned() else { continue };
            met.push(here.clone());
            if road.len() == FAR {
                continue;
            }
            for (to, _) in self.ways_elsewhere(&here).await? {
                let road = [&road[..], std::slice::from_ref(&to)].concat();
                if same(&to, wanted) {
                    return Ok(Some(road));
                }
                roads.push(road);
            }
        }
        Ok(None)
    }

    /// From where the issue stands. New issues of one type begin in the same place, so that one answer does for all of them.
    async fn ways(&self, from: &str, fresh: bool) -> Result<Ways, SyncError> {
        let at = (self.kind.to_owned(), from.to_owned());
        let known = if fresh { self.room.meta.ways.lock().await.get(&at).cloned() } else { None };
        match known {
            Some(ways) => Ok(ways),
            None => self.look(at).await,
        }
    }

    async fn look(&self, at: (String, String)) -> Result<Ways, SyncError> {
        let ways = ways_from(self.room, self.key).await?;
        self.room.meta.ways.lock().await.insert(at, ways.clone());
        Ok(ways)
    }

    /// From another status, as an issue that stands there tells it; nothing where none does.
    async fn ways_elsewhere(&self, status: &str) -> Result<Ways, SyncError> {
        let at = (self.kind.to_owned(), status.to_owned());
        if let Some(ways) = self.room.meta.ways.lock().await.get(&at) {
            return Ok(ways.clone());
        }
        let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
        let project = &self.room.sync.target.project;
        let jql =
            format!("project = \"{project}\" AND issuetype = {} AND status = {}", quoted(self.kind), quoted(status));
        let found = self.room.target.search(&jql, &["status", "issuetype"]).page_size(2).next_page().await;
        // A server may answer with others to a clause that it does not know.
        let stands = |i: &crate::jira::Issue| {
            let is = |field: &str, name: &str| i.field(field).is_some_and(|v| same(name_of(v), name));
            is("status", status) && is("issuetype", self.kind)
        };
        let sample = match found {
            Ok(page) => page.into_iter().flatten().find(stands),
            Err(e) if e.kind() == ErrorKind::Rejected => None,
            Err(e) => return Err(e.into()),
        };
        let ways = match sample {
            Some(issue) => ways_from(self.room, issue.key()).await?,
            None => Ways::new(),
        };
        self.room.meta.ways.lock().await.insert(at, ways.clone());
        Ok(ways)
    }

    /// One transition. `guessed` says that the ways may be another issue's.
    async fn step(&self, from: &str, to: &str, guessed: bool) -> Result<bool, SyncError> {
        let at = (self.kind.to_owned(), from.to_owned());
        for again in [guessed, false] {
            let ways = if again { self.ways(from, true).await? } else { self.look(at.clone()).await? };
            let Some(id) = ways.iter().find(|(way, _)| same(way, to)).map(|(_, id)| id.clone()) else {
                if again {
                    continue;
                }
                return Ok(false);
            };
            let moved = match self.room.target.transition(self.key, &id).await {
                // A screen that asks for a resolution: the instance's own word for done.
                Err(e) if e.kind() == ErrorKind::Rejected && !again => match self.resolution().await? {
                    Some(resolution) => {
                        let name = name_of(&resolution).to_owned();
                        let fields = Map::from_iter([("resolution".to_owned(), resolution)]);
                        let moved = self.room.target.transition_with(self.key, &id, fields).await;
                        if moved.is_ok() {
                            self.room.warn(&format!(
                                "the target wanted a resolution for the status {to:?}: {name:?} was given"
                            ));
                        }
                        moved
                    }
                    None => Err(e),
                },
                other => other,
            };
            match moved {
                Ok(()) => return Ok(true),
                Err(e) if e.kind() == ErrorKind::Doubtful => {
                    let now = current_status(self.room, self.key).await?;
                    return if now.is_some_and(|s| same(&s, to)) { Ok(true) } else { Err(e.into()) };
                }
                Err(e) if e.kind() == ErrorKind::Rejected && again => {}
                Err(e) if e.kind() == ErrorKind::Rejected => return Ok(false),
                Err(e) => return Err(e.into()),
            }
        }
        Ok(false)
    }

    /// What a transition is given that asks for a resolution: `Done` where the instance has it, else its first.
    async fn resolution(&self) -> Result<Option<Value>, SyncError> {
        let all = match self.room.target.resolutions().await {
            Ok(all) => all,
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::Forbidden | ErrorKind::NotSupported) => {
                return Ok(None);
            }
            Err(e) => return Err(e.into()),
        };
        let names: Vec<&str> = all.iter().map(name_of).filter(|n| !n.is_empty()).collect();
        let name = names.iter().find(|n| same(n, "Done")).or(names.first());
        Ok(name.map(|name| json!({ "name": name })))
    }
}

/// The transitions that are open: the status that each leads to, and its id.
async fn ways_from(room: &Room<'_>, key: &str) -> Result<Ways, SyncError> {
    let transitions = room.target.transitions(key).await?;
    let way = |t: &Value| Some((name_of(t.get("to")?).to_owned(), t.get("id")?.as_str()?.to_owned()));
    Ok(transitions.iter().filter_map(way).collect())
}

async fn current_status(room: &Room<'_>, key: &str) -> Result<Option<String>, SyncError> {
    let issue = room.target.issue(key, &["status"], false, &[]).await?;
    Ok(issue.map(|i| name_of(i.field("status").unwrap_or(&Value::Null)).to_owned()))
}

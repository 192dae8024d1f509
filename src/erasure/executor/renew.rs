//! Writing a target's issue anew: whether nothing of others would be lost, and the deletion.
//!
//! Owns the question and the act. The clean copy is the synchronization's: here it only forgets what the issue became, once
//! it is gone, so that its next run makes it again behind suppression. Must not write an issue.

use std::{collections::BTreeSet, time::Duration};

use serde_json::{Value, json};

use super::{Current, Doing, ExecError, Executor};
use crate::{
    config::{Config, Sync},
    erasure::plan::{Renewal, Step},
    jira::{Client, Issue, JiraError, User},
    staging::{Staging, State},
    store::{Pair, PairKind, Store},
    sync,
};

/// How long a renewal waits for a sync run that is at work.
const PATIENCE: Duration = Duration::from_secs(60);

/// Fields that move by themselves, or stand elsewhere in what was read.
const MOVING: [&str; 9] = [
    "updated",
    "lastViewed",
    "comment",
    "worklog",
    "attachment",
    "votes",
    "watches",
    "statuscategorychangedate",
    "workratio",
];

/// All of an issue, as it is now. What the synchronization deletes is held against the same question.
pub(crate) struct Snapshot {
    issue: Issue,
    comments: Vec<Value>,
    worklogs: Vec<Value>,
    history: Vec<Value>,
    links: Vec<Value>,
    watchers: Vec<User>,
    votes: u64,
}

impl Snapshot {
    pub(crate) async fn of(client: &Client, key: &str) -> Result<Option<Self>, JiraError> {
        let Some(issue) = client.issue(key, &["*all"], false, &["*all"]).await? else { return Ok(None) };
        Ok(Some(Self {
            issue,
            comments: client.comments(key).await?,
            worklogs: client.worklogs(key).await?,
            history: client.changelog(key).await?,
            links: client.remote_links(key).await?,
            watchers: client.watchers(key).await?,
            votes: client.votes(key).await?.get("votes").and_then(Value::as_u64).unwrap_or(0),
        }))
    }

    /// What a step is planned on: everything that a person could have changed.
    fn base(&self) -> Value {
        let mut fields = self.issue.fields().cloned().unwrap_or_default();
        fields.retain(|name, _| !MOVING.contains(&name.as_str()));
        let ids = |list: &[Value]| list.iter().map(|v| v.get("id").cloned().unwrap_or_default()).collect::<Vec<_>>();
        let texts = |list: &[Value]| {
            list.iter().map(|v| json!([v.get("id"), v.get("body"), v.get("comment")])).collect::<Vec<_>>()
        };
        json!({
            "fields": fields, "comments": texts(&self.comments), "worklogs": texts(&self.worklogs), "links": ids(&self.links),
            "history": ids(&self.history), "attachments": ids(self.attachments()), "watchers": self.watchers.len(),
            "votes": self.votes, "properties": self.issue.0.get("properties"),
        })
    }

    fn attachments(&self) -> &[Value] {
        self.issue.field("attachment").and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// What of others stands in the issue; `None` where everything is ours. `ours`: the ids of the comments and attachments
    /// that the synchronization wrote.
    pub(crate) fn of_others(&self, me: &User, ours: &BTreeSet<(PairKind, String)>) -> Option<&'static str> {
        let same = |user: Option<&Value>| user.map(User::from_json).is_some_and(|u| is(&u, me));
        let known = |kind: PairKind, v: &Value| {
            let id = v.get("id").and_then(Value::as_str).unwrap_or_default();
            same(v.get("author")) && ours.contains(&(kind, id.to_owned()))
        };
        let full = |name: &str| match self.issue.field(name) {
            Some(Value::Array(list)) => !list.is_empty(),
            Some(Value::Null) | None => false,
            Some(_) => true,
        };
        let edited = |v: &Value| v.get("updateAuthor").is_some() && !same(v.get("updateAuthor"));
        let properties = self.issue.0.get("properties").and_then(Value::as_object);
        let checks: [(bool, &'static str); 11] = [
            (!same(self.issue.field("creator")), "somebody else created it"),
            (self.history.iter().any(|h| !same(h.get("author"))), "somebody else changed it"),
            (self.comments.iter().any(|c| !known(PairKind::Comment, c) || edited(c)), "somebody else commented on it"),
            (self.attachments().iter().any(|a| !known(PairKind::Attachment, a)), "somebody else attached a file to it"),
            (
                self.worklogs.iter().any(|w| !known(PairKind::Worklog, w) || edited(w)),
                "somebody else logged work on it",
            ),
            (full("subtasks"), "it has subtasks"),
            (full("parent"), "it has a parent"),
            (
                full("issuelinks")
                    || self.links.iter().any(|l| {
                        let id = l.get("id").map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned));
                        !ours.contains(&(PairKind::RemoteLink, id.unwrap_or_default()))
                    }),
                "somebody linked it",
            ),
            (self.watchers.iter().any(|w| !is(w, me)), "somebody watches it"),
            (self.votes > 0, "somebody voted for it"),
            (
                properties.is_some_and(|p| p.keys().any(|name| name != sync::PROPERTY)),
                "something else keeps properties in it",
            ),
        ];
        checks.into_iter().find(|(others, _)| *others).map(|(_, why)| why)
    }
}

fn is(user: &User, me: &User) -> bool {
    match (&user.account_id, &me.account_id) {
        (Some(a), Some(b)) => a == b,
        _ => {
            user.key.is_some() && user.key == me.key
                || user.key.is_none() && user.name.is_some() && user.name == me.name
        }
    }
}

/// What it takes to look at an issue.
pub struct Renewer<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The store.
    pub store: &'a Store,
    /// The target's client.
    pub target: &'a Client,
    /// The source's client, by the synchronization.
    pub source: &'a dyn Fn(&Sync) -> Option<Client>,
}

impl Renewer<'_> {
    /// Looks whether an issue may be written anew: gives that, and the key of its source.
    ///
    /// # Errors
    /// Why it may not.
    pub async fn look(&self, instance: &str, key: &str) -> Result<(Renewal, String), String> {
        let snapshot = Snapshot::of(self.target, key).await.map_err(|e| e.to_string())?;
        let snapshot = snapshot.ok_or("it is not there, or hidden")?;
        let (sync, pair) = self.pair(instance, snapshot.issue.id())?;
        self.may(sync, &pair, &snapshot).await?;
        let renewal = Renewal {
            id: snapshot.issue.id().to_owned(),
            base: snapshot.base(),
            notes: vec![format!("the clean copy is written by the synchronization {}", sync.name)],
        };
        Ok((renewal, pair.source_key.clone().unwrap_or_default()))
    }

    fn pair(&self, instance: &str, id: &str) -> Result<(&Sync, Pair), String> {
        let pairs = self.store.pairs_by_target(PairKind::Issue, id).map_err(|e| e.to_string())?;
        let mut ours = pairs.into_iter().filter_map(|pair| {
            let sync = self.config.syncs.get(&pair.sync)?;
            // What the other leg made a copy of is no copy itself.
            (sync.target.instance.as_str() == instance && !pair.target_first).then_some((sync, pair))
        });
        match (ours.next(), ours.next()) {
            (None, _) => Err("no synchronization wrote it".into()),
            (Some(_), Some(_)) => Err("several synchronizations write it".into()),
            (Some((_, pair)), None) if pair.erased => Err("it was erased on purpose".into()),
            (Some((_, pair)), None) if pair.unlinked => Err("it is unlinked: nothing would write it anew".into()),
            (Some(one), None) => Ok(one),
        }
    }

    async fn may(&self, sync: &Sync, pair: &Pair, snapshot: &Snapshot) -> Result<(), String> {
        let say = |e: &dyn std::fmt::Display| e.to_string();
        if let Some(last) = sync.ended {
            return Err(format!("the synchronization has a last day, {last}, behind which no copy would be written"));
        }
        let me = self.target.myself().await.map_err(|e| say(&e))?;
        let parts = self.store.pairs_of_issue(&sync.name, &pair.source_issue).map_err(|e| say(&e))?;
        for part in &parts {
            let fields = self.store.pair_fields(&sync.name, part.kind, &part.source_id).map_err(|e| say(&e))?;
            if part.erased || fields.iter().any(|f| f.redacted) {
                return Err("something in it was erased before, which a new copy may bring back".into());
            }
        }
        let ours = parts.into_iter().map(|p| (p.kind, p.target_id)).collect();
        if let Some(why) = snapshot.of_others(&me, &ours) {
            return Err(why.into());
        }
        let home = self.config.home.as_ref().ok_or("there is no home folder")?;
        let staged =
            Staging::open(&home.staging, &sync.name, self.store).and_then(|s| s.list()).map_err(|e| say(&e))?;
        if staged.iter().any(|e| e.issue.id == pair.source_issue && e.state != State::Processed) {
            return Err("a change of it is on its way: run the synchronization first".into());
        }
        let source = (self.source)(sync).ok_or("its source cannot be asked")?;
        let key = pair.source_key.as_deref().unwrap_or_default();
        if !sync::carries_over(&source, sync, &pair.source_issue, key).await.map_err(|e| say(&e))? {
            return Err("the synchronization carries its source over no more, so no copy would be written".into());
        }
        Ok(())
    }
}

/// An issue that is written anew.
pub(super) struct Renew<'a> {
    renewer: Renewer<'a>,
}

impl<'a> Renew<'a> {
    pub(super) const fn new(renewer: Renewer<'a>) -> Self {
        Self { renewer }
    }
}

fn key(step: &Step) -> &str {
    step.record.key.as_deref().unwrap_or_default()
}

impl Executor for Renew<'_> {
    fn load<'a>(&'a self, step: &'a Step) -> Doing<'a, Option<Current>> {
        Box::pin(
            async move { Ok(Snapshot::of(self.renewer.target, key(step)).await?.map(|s| Current::Json(s.base()))) },
        )
    }

    fn confirm_gone<'a>(&'a self, step: &'a Step) -> Doing<'a, ()> {
        Box::pin(async move {
            if let Some(project) = &step.project {
                self.renewer.target.project(project).await?;
            }
            Ok(())
        })
    }

    fn replace<'a>(
        &'a self,
        step: &'a Step,
        _current: &'a Current,
        _next: &'a Current,
        _begun: Option<&'a str>,
    ) -> Doing<'a, Option<String>> {
        Box::pin(async move { Err(ExecError::NoExecutor(step.place.to_string())) })
    }

    fn delete<'a>(&'a self, step: &'a Step) -> Doing<'a, ()> {
        Box::pin(async move {
            let instance = step.instance.as_ref().map_or("", |i| i.as_str());
            // Checked again, not assumed: the plan may be days old.
            let looked = self.renewer.look(instance, key(step)).await;
            if let Err(why) = looked {
                return Err(ExecError::Renew(why));
            }
            self.renewer.target.delete_issue(key(step)).await?;
            Ok(())
        })
    }
}

/// Lets the synchronization make the issue again, once it is gone.
///
/// # Errors
/// When a sync run does not end, or the store cannot be written.
pub(super) fn forget(config: &Config, store: &Store, instance: &str, id: &str) -> Result<(), ExecError> {
    for pair in store.pairs_by_target(PairKind::Issue, id)?.into_iter().filter(|p| !p.target_first) {
        let Some(sync) = config.syncs.get(&pair.sync).filter(|s| s.target.instance.as_str() == instance) else {
            continue;
        };
        let Some(home) = &config.home else { continue };
        // A run that is at work would move the cursor over it.
        let _lock = Staging::open(&home.staging, &sync.name, store)?.lock(PATIENCE)?;
        store.renew_pair(&sync.name, &pair.source_issue)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;

    fn user(name: &str) -> Value {
        json!({ "key": name, "name": name })
    }

    fn snapshot() -> Snapshot {
        let fields = json!({
            "creator": user("bot"), "summary": "x", "subtasks": [], "issuelinks": [],
            "attachment": [{ "id": "9", "author": user("bot") }],
        });
        Snapshot {
            issue: Issue(Map::from_iter([("id".to_owned(), json!("1")), ("fields".to_owned(), fields)])),
            comments: vec![json!({ "id": "5", "author": user("bot"), "updateAuthor": user("bot"), "body": "b" })],
            worklogs: Vec::new(),
            history: vec![json!({ "id": "7", "author": user("bot") })],
            links: Vec::new(),
            watchers: vec![User::from_json(&user("bot"))],
            votes: 0,
        }
    }

    #[test]
    fn what_is_of_others_keeps_an_issue() {
        let me = User::from_json(&user("bot"));
        let ours = BTreeSet::from([(PairKind::Comment, "5".to_owned()), (PairKind::Attachment, "9".to_owned())]);
        assert_eq!(snapshot().of_others(&me, &ours), None);
        type Change = (&'static str, fn(&mut Snapshot));
        let changes: [Change; 14] = [
            ("created", |s| s.issue.0["fields"]["creator"] = user("anna")),
            ("changed", |s| s.history.push(json!({ "id": "8", "author": user("anna") }))),
            ("changed", |s| s.history.push(json!({ "id": "8" }))),
            ("commented", |s| s.comments.push(json!({ "id": "6", "author": user("anna") }))),
            ("commented", |s| s.comments.push(json!({ "id": "6", "author": user("bot") }))),
            ("commented", |s| s.comments[0]["updateAuthor"] = user("anna")),
            ("attached", |s| s.issue.0["fields"]["attachment"][0]["id"] = json!("10")),
            ("logged", |s| s.worklogs.push(json!({ "id": "1", "author": user("bot") }))),
            ("subtasks", |s| s.issue.0["fields"]["subtasks"] = json!([{ "id": "2" }])),
            ("parent", |s| s.issue.0["fields"]["parent"] = json!({ "id": "2" })),
            ("linked", |s| s.links.push(json!({ "id": 3 }))),
            ("watches", |s| s.watchers.push(User::from_json(&user("anna")))),
            ("voted", |s| s.votes = 1),
            ("properties", |s| drop(s.issue.0.insert("properties".into(), json!({ "efface": {}, "app": {} })))),
        ];
        for (why, change) in changes {
            let mut s = snapshot();
            change(&mut s);
            let said = s.of_others(&me, &ours);
            assert!(said.is_some_and(|said| said.contains(why)), "{why}: {said:?}");
        }
    }
}

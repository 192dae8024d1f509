//! Two-way: what is an echo, what is a conflict, and who wins.
//!
//! Each leg is a one-way synchronization over its own rows of the same pairs. What a leg wrote is read back and settled in the other
//! leg's rows, so that it is never taken for a change there; where the run was killed before, the field stays in doubt, and the
//! history says whether we were the last to touch it. Nothing is told from ids or marks in texts. Pure: [`decide`], [`last_change`].

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{
    Room,
    content::{self, Content, canonical, id_of, identity, plain_fields},
    error::SyncError,
    target::{mapped, name_of, same},
};
use crate::{
    config::{Conflict, NameMode, Twin},
    jira::{Client, ErrorKind, Issue, parse_time},
    staging::{Changed, IssueRef, Lost, Message, MessageId},
    store::{BASELINE, Pair, PairKind},
};

/// Which side's value a person takes, as the leg of the message sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Take {
    /// The message's.
    Source,
    /// What stands in the target.
    Target,
}

/// Who wins a conflict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Winner {
    Source,
    Target,
    Ask,
}

/// Times are those of two servers: where their clocks differ, the newest is as new as they say. The way there wins a tie, so that
/// both legs say the same.
fn decide(twin: &Twin, take: Option<Take>, source: Option<DateTime<Utc>>, target: Option<DateTime<Utc>>) -> Winner {
    match (take, twin.conflict) {
        (Some(Take::Source), _) | (None, Conflict::Source) => Winner::Source,
        (Some(Take::Target), _) | (None, Conflict::Target) => Winner::Target,
        (None, Conflict::Ask) => Winner::Ask,
        (None, Conflict::Newest) => match source.cmp(&target) {
            std::cmp::Ordering::Greater => Winner::Source,
            std::cmp::Ordering::Less => Winner::Target,
            std::cmp::Ordering::Equal if twin.back => Winner::Target,
            std::cmp::Ordering::Equal => Winner::Source,
        },
    }
}

/// When a field was last changed, and by whom: from the history's entries, in whatever order the server gives them.
fn last_change<'h>(history: &'h [Value], field: &str) -> Option<(DateTime<Utc>, Option<&'h str>)> {
    // As Data Center names them, which tells no ids.
    let shown = match field {
        "components" => "Component",
        "versions" => "Version",
        "fixVersions" => "Fix Version",
        other => other,
    };
    let touches = |entry: &&Value| {
        let items = entry.get("items").and_then(Value::as_array);
        items.into_iter().flatten().any(|item| {
            ["fieldId", "field"].iter().any(|name| {
                item.get(name)
                    .and_then(Value::as_str)
                    .is_some_and(|f| f.eq_ignore_ascii_case(field) || f.eq_ignore_ascii_case(shown))
            })
        })
    };
    let at = |entry: &Value| entry.get("created").and_then(Value::as_str).and_then(parse_time);
    history
        .iter()
        .filter(touches)
        .filter_map(|entry| {
            let number = id_of(entry).parse::<u64>().unwrap_or_default();
            Some(((at(entry)?.to_utc(), number), identity(entry.get("author"))))
        })
        .max_by_key(|(at, _)| *at)
        .map(|((at, _), author)| (at, author))
}

/// Where a server gives no history, nothing is known of who changed what.
async fn history(client: &Client, key: &str) -> Result<Vec<Value>, SyncError> {
    match client.changelog(key).await {
        Ok(history) => Ok(history),
        Err(e) if matches!(e.kind(), ErrorKind::NotSupported | ErrorKind::NotFound) => Ok(Vec::new()),
        Err(e) => Err(e.into()),
    }
}

/// Whether the other leg may have made something of this issue of which it knows nothing yet: then it goes first.
pub(super) async fn in_doubt(room: &Room<'_>, issue: &Issue) -> Result<bool, SyncError> {
    let Some(twin) = &room.sync.twin else { return Ok(false) };
    let store = room.deps.store;
    match store.pair(&room.sync.name, PairKind::Issue, issue.id())? {
        Some(pair) => Ok(!store.intents(&twin.name, &pair.target_id)?.is_empty()),
        None if !store.makes_an_issue(&twin.name)? => Ok(false),
        None => {
            let creator = identity(issue.field("creator").or_else(|| issue.field("reporter")));
            Ok(creator.is_none_or(|c| Some(c) == room.source_bot))
        }
    }
}

/// Whether all that an issue says is what the other leg is known to have written, or what was there when it last looked.
pub(super) fn is_known(room: &Room<'_>, at: &IssueRef, content: &Content) -> Result<bool, SyncError> {
    let store = room.deps.store;
    if room.sync.twin.is_none() {
        return Ok(false);
    }
    match store.pair(&room.sync.name, PairKind::Issue, &at.id)? {
        Some(pair) if pair.hash != BASELINE && !pair.erased => {}
        _ => return Ok(false),
    }
    let fields = store.pair_fields(&room.sync.name, PairKind::Issue, &at.id)?;
    let parts = store.pairs_of_issue(&room.sync.name, &at.id)?;
    let is = |name: &str, hash: &[u8]| -> Result<bool, SyncError> {
        Ok(match name.split_once('/') {
            // Below whom it stands is told once, when it is made.
            None if name == "parent" => true,
            None => fields.iter().any(|f| f.field == name && f.source_hash == hash),
            // A link is told by both of its ends, and its pair is of one of them.
            Some(("issuelink", id)) => store.pair(&room.sync.name, PairKind::IssueLink, id)?.is_some(),
            Some((kind, id)) => parts.iter().any(|p| {
                let copy = p.target_first && kind != "comment";
                let same = p.erased || copy || kind == "attachment" || p.hash == hash;
                p.kind.as_str() == kind && p.source_id == id && same
            }),
        })
    };
    let mut all = true;
    for (name, hash) in &content.parts {
        all = all && is(name, &hex::decode(hash).unwrap_or_default())?;
    }
    // What is gone is a change as well.
    let there = |p: &Pair| content.parts.contains_key(&format!("{}/{}", p.kind.as_str(), p.source_id));
    Ok(all && parts.iter().all(|p| p.kind == PairKind::Issue || p.erased || there(p)))
}

/// When and by whom the fields of an issue were last changed, for the message.
pub(super) async fn changes(
    room: &Room<'_>,
    at: &IssueRef,
) -> Result<std::collections::BTreeMap<String, Changed>, SyncError> {
    let mut out = std::collections::BTreeMap::new();
    if room.sync.twin.is_none() || room.deps.store.pair(&room.sync.name, PairKind::Issue, &at.id)?.is_none() {
        return Ok(out);
    }
    let history = history(room.source, &at.key).await?;
    for name in plain_fields(&room.sync.fields) {
        if let Some((when, who)) = last_change(&history, name) {
            let ours = who.is_some() && who == room.source_bot;
            out.insert(name.to_owned(), Changed { at: when, ours });
        }
    }
    Ok(out)
}

/// The fields of a change that are to be written. What is not (our own echo, what was overwritten since, what lost) is settled here,
/// so that the rest of the import sees no change in it.
pub(super) async fn weigh(
    room: &Room<'_>,
    message: &Message,
    pair: &Pair,
    take: Option<Take>,
) -> Result<Vec<String>, SyncError> {
    let Some(twin) = &room.sync.twin else { return Ok(Vec::new()) };
    let store = room.deps.store;
    let known = store.pair_fields(&room.sync.name, PairKind::Issue, &message.issue.id)?;
    let touched = store.touched(&room.sync.name, PairKind::Issue, &message.issue.id)?;
    let theirs = store.pair_fields(&twin.name, PairKind::Issue, &pair.target_id)?;
    let mut over: Vec<(&str, Vec<u8>)> = Vec::new();
    let mut left: Vec<(&str, Vec<u8>)> = Vec::new();
    for name in plain_fields(&room.sync.fields) {
        let Some(now) = message.hashes.get(name).and_then(|h| hex::decode(h).ok()) else { continue };
        let mine = known.iter().find(|k| k.field == name).filter(|k| !k.source_hash.is_empty());
        if mine.is_some_and(|k| k.source_hash == now) {
            continue;
        }
        let touch = touched.get(name).copied().unwrap_or_default();
        // Of what nobody changed since it was made the history says nothing.
        let ours = message.changed.get(name).is_none_or(|c| c.ours);
        let echo = pair.hash == BASELINE
            || touch.settled >= message.sequence
            || ours && (touch.writing || mine.is_none() && pair.target_first);
        if echo {
            over.push((name, now));
        } else if theirs.iter().any(|t| t.field == name && t.redacted) {
            room.warn("a field that was redacted in the source was changed there; it is not carried over");
            over.push((name, now));
        } else {
            left.push((name, now));
        }
    }
    let key = pair.target_key.as_deref().unwrap_or(&pair.target_id);
    let names: Vec<&str> = left.iter().map(|(name, _)| *name).chain(["updated"]).collect();
    if let Some(current) = if left.is_empty() { None } else { room.target.issue(key, &names, false, &[]).await? } {
        let there = |name: &str| {
            let value = canonical(name, current.field(name).unwrap_or(&Value::Null));
            content::hash(store.keys(), name, &value).to_vec()
        };
        let changed_there = |name: &str| {
            let before = theirs.iter().find(|t| t.field == name).filter(|t| !t.source_hash.is_empty());
            before.is_some_and(|t| t.source_hash != there(name))
        };
        let clash: Vec<(&str, Vec<u8>)> = left.iter().filter(|(name, _)| changed_there(name)).cloned().collect();
        if !clash.is_empty() {
            let history = history(room.target, key).await?;
            let touched = store.touched(&twin.name, PairKind::Issue, &pair.target_id)?;
            let bot = room.bot().await?;
            let mut lost = Vec::new();
            for (name, now) in clash {
                let last = last_change(&history, name);
                let by_us = last.is_some_and(|(_, who)| who.is_some() && who == bot);
                if by_us && touched.get(name).is_some_and(|t| t.writing) {
                    continue;
                }
                let value = current.field(name).unwrap_or(&Value::Null);
                if alike(room, name, message.fields.get(name).unwrap_or(&Value::Null), value) {
                    store.settle_fields(&twin.name, PairKind::Issue, &pair.target_id, &[(name, there(name))])?;
                    over.push((name, now));
                    left.retain(|(n, _)| *n != name);
                    continue;
                }
                let updated = |v: Option<&Value>| v.and_then(Value::as_str).and_then(parse_time).map(|t| t.to_utc());
                let mine = message.changed.get(name).map(|c| c.at).or_else(|| updated(message.fields.get("updated")));
                let other = last.map(|(at, _)| at).or_else(|| updated(current.field("updated")));
                match decide(twin, take, mine, other) {
                    Winner::Ask => return Err(SyncError::Conflict),
                    Winner::Source => lost.push(Lost { what: name.to_owned(), value: value.clone() }),
                    Winner::Target => {
                        over.push((name, now));
                        left.retain(|(n, _)| *n != name);
                    }
                }
                said(room, name);
            }
            keep(room, message.id, lost)?;
        }
    }
    if !over.is_empty() {
        store.settle_fields(&room.sync.name, PairKind::Issue, &message.issue.id, &over)?;
    }
    let left: Vec<&str> = left.into_iter().map(|(name, _)| name).collect();
    store.begin_writing(&twin.name, PairKind::Issue, &pair.target_id, &left)?;
    Ok(left.into_iter().map(str::to_owned).collect())
}

/// Whether both sides say the same already, as far as that can be told without writing.
fn alike(room: &Room<'_>, name: &str, source: &Value, target: &Value) -> bool {
    let by_name = |table| same(mapped(table, name_of(source)), name_of(target));
    match name {
        "issuetype" => by_name(&room.sync.issue_types),
        "status" => by_name(&room.sync.statuses),
        "priority" => by_name(&room.sync.priorities),
        "summary" | "labels" | "description" | "environment" | "duedate" | "components" | "versions"
        | "fixVersions" => canonical(name, source) == canonical(name, target),
        _ => false,
    }
}

fn said(room: &Room<'_>, what: &str) {
    room.count(|r| r.conflicts += 1);
    room.warn(&format!(
        "{what} was changed on both sides; what lost is kept in the staged message until retention removes it"
    ));
}

/// Keeps what lost in the staged message, as suppression leaves it.
fn keep(room: &Room<'_>, id: MessageId, lost: Vec<Lost>) -> Result<(), SyncError> {
    if lost.is_empty() {
        return Ok(());
    }
    let mut message = room.staging.message(id)?;
    message.lost.extend(
        lost.into_iter()
            .map(|lost| Lost { value: room.users.target_guard.check_json(&lost.value, NameMode::Cut).value, ..lost }),
    );
    Ok(super::blocking(|| room.staging.rewrite(id, &message.to_bytes()?))?)
}

/// Reads back what was written, and settles it for the other leg. What somebody else changed meanwhile stays a change.
pub(super) async fn settle(room: &Room<'_>, pair: &Pair, names: &[String]) -> Result<(), SyncError> {
    let Some(twin) = &room.sync.twin else { return Ok(()) };
    if names.is_empty() {
        return Ok(());
    }
    let wanted: Vec<&str> = names.iter().map(String::as_str).collect();
    let key = pair.target_key.as_deref().unwrap_or(&pair.target_id);
    let Some(issue) = room.target.issue(key, &wanted, true, &[]).await? else { return Ok(()) };
    let bot = room.bot().await?;
    let history = issue.histories().map_or(&[][..], Vec::as_slice);
    let keys = room.deps.store.keys();
    let settled: Vec<(&str, Vec<u8>)> = wanted
        .into_iter()
        .filter(|name| last_change(history, name).is_none_or(|(_, who)| who == bot))
        .map(|name| {
            let value = canonical(name, issue.field(name).unwrap_or(&Value::Null));
            (name, content::hash(keys, name, &value).to_vec())
        })
        .collect();
    Ok(room.deps.store.settle_fields(&twin.name, PairKind::Issue, &pair.target_id, &settled)?)
}

/// Whether a changed comment, of which there is a pair, is to be carried over.
pub(super) async fn weigh_comment(
    room: &Room<'_>,
    message: &Message,
    comment: &Value,
    mine: &Pair,
    (hash, take): (&[u8], Option<Take>),
) -> Result<bool, SyncError> {
    let Some(twin) = &room.sync.twin else { return Ok(true) };
    let store = room.deps.store;
    let touch = store.touched(&room.sync.name, PairKind::Comment, &mine.source_id)?;
    let touch = touch.get("body").copied().unwrap_or_default();
    if touch.settled >= message.sequence {
        return Ok(false);
    }
    let settle =
        |sync, id: &str, hash: &[u8]| store.settle_fields(sync, PairKind::Comment, id, &[("body", hash.to_vec())]);
    let ours = by(comment) == room.source_bot;
    let redacted = store.pair_fields(&twin.name, PairKind::Comment, &mine.target_id)?.iter().any(|f| f.redacted);
    if mine.hash == BASELINE || ours && (touch.writing || mine.hash.is_empty() && mine.target_first) || redacted {
        if redacted && !ours {
            room.warn("a comment that was redacted in the source was changed there; it is not carried over");
        }
        settle(&room.sync.name, &mine.source_id, hash)?;
        return Ok(false);
    }
    let before = store.pair(&twin.name, PairKind::Comment, &mine.target_id)?.map(|p| p.hash).unwrap_or_default();
    if !before.is_empty() && before != BASELINE {
        let issue = message_target(store, room, &message.issue.id)?;
        let there = room.target.comment(&issue, &mine.target_id).await?;
        if let Some(there) = there.filter(|c| content::comment_hash(store.keys(), c) != before) {
            let doubt = store.touched(&twin.name, PairKind::Comment, &mine.target_id)?;
            let by_us = by(&there) == room.bot().await? && doubt.get("body").is_some_and(|t| t.writing);
            let at = |c: &Value| c.get("updated").and_then(Value::as_str).and_then(parse_time).map(|t| t.to_utc());
            if !by_us {
                match decide(twin, take, at(comment), at(&there)) {
                    Winner::Ask => return Err(SyncError::Conflict),
                    Winner::Source => {
                        let what = format!("comment/{}", mine.target_id);
                        let value = json!({"body": there.get("body"), "author": there.get("author")});
                        keep(room, message.id, vec![Lost { what, value }])?;
                    }
                    Winner::Target => {
                        settle(&room.sync.name, &mine.source_id, hash)?;
                        said(room, "a comment");
                        return Ok(false);
                    }
                }
                said(room, "a comment");
            }
        }
    }
    store.begin_writing(&twin.name, PairKind::Comment, &mine.target_id, &["body"])?;
    Ok(true)
}

/// Who wrote a comment last.
fn by(comment: &Value) -> Option<&str> {
    identity(comment.get("updateAuthor")).or_else(|| identity(comment.get("author")))
}

fn message_target(store: &crate::store::Store, room: &Room<'_>, issue: &str) -> Result<String, SyncError> {
    let pair = store.pair(&room.sync.name, PairKind::Issue, issue)?.ok_or(SyncError::TargetGone)?;
    Ok(pair.target_key.unwrap_or(pair.target_id))
}

/// Reads back a comment that was written, and settles it for the other leg.
pub(super) async fn settle_comment(room: &Room<'_>, key: &str, id: &str) -> Result<(), SyncError> {
    let Some(twin) = &room.sync.twin else { return Ok(()) };
    let store = room.deps.store;
    let Some(mine) = store.pair(&room.sync.name, PairKind::Comment, id)? else { return Ok(()) };
    let Some(there) = room.target.comment(key, &mine.target_id).await? else { return Ok(()) };
    let bot = room.bot().await?;
    if by(&there).is_none_or(|who| Some(who) == bot) {
        let hash = content::comment_hash(store.keys(), &there);
        store.settle_fields(&twin.name, PairKind::Comment, &mine.target_id, &[("body", hash)])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_wins() {
        let at = |s: i64| DateTime::from_timestamp(s, 0);
        let twin = |conflict, back| Twin { name: "x".parse().unwrap(), back, conflict };
        for (conflict, take, source, target, there, back) in [
            (Conflict::Newest, None, 2, 1, Winner::Source, Winner::Source),
            (Conflict::Newest, None, 1, 2, Winner::Target, Winner::Target),
            // Both legs take the same side of a tie.
            (Conflict::Newest, None, 1, 1, Winner::Source, Winner::Target),
            (Conflict::Source, None, 1, 2, Winner::Source, Winner::Source),
            (Conflict::Target, None, 2, 1, Winner::Target, Winner::Target),
            (Conflict::Ask, None, 2, 1, Winner::Ask, Winner::Ask),
            (Conflict::Ask, Some(Take::Source), 1, 2, Winner::Source, Winner::Source),
            (Conflict::Newest, Some(Take::Target), 2, 1, Winner::Target, Winner::Target),
        ] {
            assert_eq!(decide(&twin(conflict, false), take, at(source), at(target)), there, "{conflict:?}");
            assert_eq!(decide(&twin(conflict, true), take, at(source), at(target)), back, "{conflict:?}, back");
        }
        assert_eq!(decide(&twin(Conflict::Newest, false), None, at(1), None), Winner::Source, "known beats unknown");
    }

    #[test]
    fn the_last_change_of_a_field_is_found_in_any_order() {
        let entry = |id: &str, at: &str, who: &str, field: Value| json!({"id": id, "created": at, "author": {"name": who}, "items": [field]});
        let mut history = vec![
            entry("9", "2026-11-28T10:00:00.000+0000", "ada", json!({"field": "Summary"})),
            entry("10", "2026-11-28T10:00:00.000+0000", "bot", json!({"field": "summary"})),
            entry("11", "2026-11-28T11:00:00.000+0000", "ada", json!({"field": "Labels", "fieldId": "labels"})),
        ];
        for _ in 0..2 {
            assert_eq!(last_change(&history, "summary").unwrap().1, Some("bot"), "in one second, by the number");
            assert_eq!(last_change(&history, "labels").unwrap().1, Some("ada"));
            assert_eq!(last_change(&history, "status"), None);
            history.reverse();
        }
    }
}

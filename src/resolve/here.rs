//! What lies here: staged messages, other tools' folders, and the user maps of the configuration.
//!
//! Owns the reading; a prefilter leaves out what holds nothing of what is looked for. Archives and documents are opened as a scan
//! opens them. It is no scan: what is too large is left to that, and said.

use std::{path::Path, time::Duration};

use serde_json::Value;

use super::{
    Asked, Evidence, Seen, Terms,
    persons::{self, At},
};
use crate::{
    config::Config,
    extract::{self, encoding},
    fs::walk::{EntryKind, walk},
    model::{Area, Flavor, Identifier, Personal, Place, Subject, SyncName},
    staging::{Message, Staging},
    store::Store,
    subject::Matcher,
};

/// Larger files (bytes) are left to the scan.
const LARGEST: u64 = 32 << 20;

/// Users whom the configuration maps on each other.
pub(super) fn user_maps(config: &Config, evidence: &mut Evidence) {
    for sync in config.syncs.values() {
        for (from, to) in &sync.user_map {
            evidence
                .mapped
                .push(((sync.source.instance.clone(), from.clone()), (sync.target.instance.clone(), to.clone())));
        }
    }
}

/// Finds what may hold any of the terms; `None` where there is nothing to look for.
fn prefilter(terms: &Terms) -> Option<Matcher> {
    let identifiers = terms
        .all
        .iter()
        .map(|t| Identifier { kind: t.kind, value: Personal::new(t.value.clone()), instance: None, confirmed: true })
        .collect();
    let key = "resolve".parse().ok()?;
    Matcher::new(&[Subject::new(Personal::new(key), String::new(), identifiers)]).ok()
}

/// Reads staging and folders.
pub(super) fn read(config: &Config, store: &Store, terms: &Terms, evidence: &mut Evidence) -> Vec<Asked> {
    let Some(matcher) = prefilter(terms) else { return Vec::new() };
    let mut out = Vec::new();
    for sync in config.syncs.keys() {
        out.extend(staging(config, store, sync, terms, &matcher, evidence));
    }
    for foreign in &config.foreign {
        let place = Place::new(Area::Foreign, foreign.name.clone()).to_string();
        out.push(folder(&foreign.path, place, terms, &matcher, evidence));
    }
    out
}

fn staging(
    config: &Config,
    store: &Store,
    sync: &SyncName,
    terms: &Terms,
    matcher: &Matcher,
    evidence: &mut Evidence,
) -> Option<Asked> {
    let home = config.home.as_ref()?;
    home.staging.join(sync.as_str()).exists().then_some(())?;
    let place = Place::new(Area::Staging, sync.as_str());
    let mut asked = Asked { place: place.to_string(), complete: true, notes: Vec::new() };
    // While a sync run writes here, half of a message could be seen: wait for it.
    let opened =
        Staging::open(&home.staging, sync, store).and_then(|s| s.lock(Duration::from_secs(60)).map(|lock| (s, lock)));
    let listed = opened.and_then(|(s, lock)| s.list().map(|messages| (s, lock, messages)));
    let (staging, _lock, messages) = match listed {
        Ok(all) => all,
        Err(e) => {
            (asked.complete, asked.notes) = (false, vec![e.to_string()]);
            return Some(asked);
        }
    };
    let mut unread = 0u64;
    for entry in messages {
        let Ok(bytes) = staging.read(entry.id) else {
            unread += 1;
            continue;
        };
        if !matcher.may_match(&bytes) {
            continue;
        }
        let Ok(message) = Message::parse(&bytes) else {
            unread += 1;
            continue;
        };
        let place = format!("{place}/{}", entry.state.as_str());
        let cloud = config.instance(&message.source.instance).is_some_and(|i| i.flavor == Flavor::Cloud);
        let time = |value: Option<&Value>| value.and_then(Value::as_str).and_then(crate::jira::parse_time);
        let exported = crate::jira::parse_time(&message.exported_at);
        let mut walk = |what: &str, value: &Value| {
            let own = time(value.get("updated").or_else(|| value.get("created"))).or(exported);
            let seen = Seen {
                place: place.clone(),
                record: format!("message of {}, {what}", message.issue.key),
                at: own.map(|t| t.to_utc()),
            };
            let at = At { instance: Some(&message.source.instance), seen, current: false, cloud };
            persons::walk(value, &at, terms, evidence);
        };
        message.fields.iter().for_each(|(name, value)| walk(name, value));
        message.comments.iter().for_each(|comment| walk("comment", comment));
        message.attachments.iter().for_each(|attachment| walk("attachment", &attachment.meta));
    }
    if unread > 0 {
        asked.complete = false;
        asked.notes.push(format!("{unread} staged messages could not be read"));
    }
    Some(asked)
}

fn folder(root: &Path, place: String, terms: &Terms, matcher: &Matcher, evidence: &mut Evidence) -> Asked {
    let mut asked = Asked { place: place.clone(), complete: true, notes: Vec::new() };
    if !root.exists() {
        asked.notes.push("the folder does not exist".into());
        return asked;
    }
    let (mut large, mut unread) = (0u64, 0u64);
    for entry in walk(root) {
        match entry.kind {
            EntryKind::File => {}
            EntryKind::Unreadable(_) => {
                unread += 1;
                continue;
            }
            _ => continue,
        }
        if std::fs::metadata(&entry.path).is_ok_and(|m| m.len() > LARGEST) {
            large += 1;
            continue;
        }
        let Ok(bytes) = std::fs::read(&entry.path) else {
            unread += 1;
            continue;
        };
        let updated = std::fs::metadata(&entry.path).and_then(|m| m.modified()).ok().map(Into::into);
        let gaps = extract::leaves(&entry.relative, &bytes, &extract::Limits::default(), &mut |leaf| {
            if !matcher.may_match(leaf.bytes) {
                return;
            }
            let seen = Seen { place: place.clone(), record: format!("file {}", leaf.path), at: updated };
            let at = At { instance: None, seen, current: false, cloud: false };
            content(leaf.bytes, &at, terms, evidence);
        });
        unread += u64::from(!gaps.is_empty());
    }
    for (n, what) in [(large, "files are larger than 32 MiB"), (unread, "files could not be read, or not in full")] {
        if n > 0 {
            asked.complete = false;
            asked.notes.push(format!("{n} {what}: a scan says more"));
        }
    }
    asked
}

fn content(bytes: &[u8], at: &At<'_>, terms: &Terms, evidence: &mut Evidence) {
    let Some((_, text)) = encoding::decode(bytes) else { return };
    if let Ok(value) = serde_json::from_str::<Value>(&text) {
        return persons::walk(&value, at, terms, evidence);
    }
    // JSON Lines, in whole or in part.
    let mut rest = String::new();
    for line in text.lines() {
        match serde_json::from_str::<Value>(line).ok().filter(|v| v.is_object() || v.is_array()) {
            Some(value) => persons::walk(&value, at, terms, evidence),
            None => {
                rest.push_str(line);
                rest.push('\n');
            }
        }
    }
    persons::words(&rest, at, terms, evidence);
}

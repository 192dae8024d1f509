//! Comments and attachments of an issue, into the target. They carry no mark that every server keeps, so after a doubtful
//! create they are recognised by author, text or name, size and hash.

use std::{collections::HashMap, sync::Arc};

use serde_json::{Map, Value};
use ulid::Ulid;

use super::{
    Room, body,
    content::{carries, id_of, identity},
    create::{certainly_not_done, since, timestamp},
    error::SyncError,
    gone,
    twoway::{self, Take},
};
use crate::{
    config::NameMode,
    jira::{Client, ErrorKind, Gone, Notify, Upload},
    keys::{Keys, Purpose},
    staging::{BlobId, Message, StagedAttachment},
    store::{Intent, Pair, PairKind},
    suppression::FileVerdict,
};

/// Attachments up to this many bytes are read for suppressed identifiers before they go out.
const CHECKED: u64 = 64 << 20;

/// Brings comments up to date, oldest first. Says whether anything was written.
pub(super) async fn comments(
    room: &Room<'_>,
    message: &Message,
    pair: &Pair,
    take: Option<Take>,
) -> Result<bool, SyncError> {
    if !carries(&room.sync.fields, "comment") {
        return Ok(false);
    }
    let known = known(room, message, PairKind::Comment)?;
    let mut changed = false;
    for comment in &message.comments {
        let id = id_of(comment);
        let Some(hash) = message.hashes.get(&format!("comment/{id}")).and_then(|h| hex::decode(h).ok()) else {
            continue;
        };
        let intents = open_intents(room, message, PairKind::Comment, &id)?;
        let mine = known.get(&id);
        if mine.is_some_and(|p| p.erased || p.hash == hash) && intents.is_empty() {
            continue;
        }
        if let Some(mine) = mine
            && !twoway::weigh_comment(room, message, comment, mine, (&hash, take)).await?
        {
            continue;
        }
        changed = true;
        // The original of what we copied is its author's, without a name in front.
        let original = mine.is_some_and(|p| p.target_first);
        let said = comment.get("body").unwrap_or(&Value::Null);
        let text = if original {
            room.body("comment", &gone::unattributed(said)).await?
        } else {
            room.body("comment", said).await?
        };
        let mut text = if text.is_null() { body::empty(room.target.flavor()) } else { text };
        if !original {
            let author = room.users.written("comment", comment.get("author").unwrap_or(&Value::Null)).await?;
            text = body::attributed(text, &author, room.target.flavor());
        }
        let part = Part { room, message, pair, kind: PairKind::Comment, id: &id, hash, first: original };
        comment_to_target(&part, mine, intents, text).await?;
        twoway::settle_comment(room, part.key(), &id).await?;
        room.count(|r| r.comments += 1);
    }
    Ok(changed)
}

/// One comment, attachment or the like on its way.
pub(super) struct Part<'a, 'r> {
    pub(super) room: &'a Room<'r>,
    pub(super) message: &'a Message,
    pub(super) pair: &'a Pair,
    pub(super) kind: PairKind,
    pub(super) id: &'a str,
    pub(super) hash: Vec<u8>,
    /// It is an edit of a thing that was in the target first.
    pub(super) first: bool,
}

impl Part<'_, '_> {
    pub(super) fn key(&self) -> &str {
        self.pair.target_key.as_deref().unwrap_or(&self.pair.target_id)
    }

    pub(super) fn intent(&self, fingerprint: Vec<u8>) -> Result<Intent, SyncError> {
        let intent = Intent {
            mark: Ulid::generate(),
            sync: self.room.sync.name.clone(),
            kind: self.kind,
            source_issue: self.message.issue.id.clone(),
            source_id: self.id.to_owned(),
            target_issue: Some(self.pair.target_id.clone()),
            fingerprint,
            started: timestamp(self.room),
        };
        super::blocking(|| self.room.deps.store.add_intent(&intent))?;
        Ok(intent)
    }

    pub(super) fn commit(&self, target_id: &str, hash: Vec<u8>, intent: Option<&Intent>) -> Result<(), SyncError> {
        let pair = Pair {
            kind: self.kind,
            source_id: self.id.to_owned(),
            target_id: target_id.to_owned(),
            hash,
            erased: false,
            created: timestamp(self.room),
            target_first: self.first,
            ..self.pair.clone()
        };
        Ok(self.room.deps.store.commit_pair(&pair, &[], intent.map(|i| i.mark))?)
    }
}

async fn comment_to_target(
    part: &Part<'_, '_>,
    mine: Option<&Pair>,
    intents: Vec<Intent>,
    text: Value,
) -> Result<(), SyncError> {
    let room = part.room;
    let mut target_id = mine.map(|p| p.target_id.clone());
    for intent in intents {
        match find_comment(part, &intent).await? {
            // Which version of the text it holds is not known: it is edited below.
            Some(found) => {
                part.commit(&found, Vec::new(), Some(&intent))?;
                target_id = Some(found);
            }
            None => room.deps.store.clear_intent(intent.mark)?,
        }
    }
    if let Some(id) = &target_id {
        match edit_comment(part, id, &text).await? {
            Edit::Done => return part.commit(id, part.hash.clone(), None),
            // Somebody deleted it in the target: not ours to bring back.
            Edit::Gone => {
                room.warn("a comment was deleted in the target; its later changes are left out");
                return part.commit(id, part.hash.clone(), None);
            }
            Edit::Impossible => {}
        }
    }
    let replaced = target_id;
    let mut doubt = None;
    for _ in 0..2 {
        let intent = part.intent(body::fingerprint(room.deps.store.keys(), &[&text]))?;
        // A server that cannot edit comments: the old one goes first; the intent says that a new one is due.
        if let Some(old) = &replaced
            && room.target.delete_comment(part.key(), old).await? == Gone::Deleted
        {
            room.warn("the target cannot edit comments; changed ones were deleted and written anew");
        }
        let done = match room.target.add_comment(part.key(), text.clone(), &[]).await {
            Ok(made) => Some(id_of(&made)),
            Err(e) if e.kind() == ErrorKind::Doubtful => {
                let found = find_comment(part, &intent).await?;
                doubt = Some(e);
                found
            }
            Err(e) => {
                if certainly_not_done(&e) && replaced.is_none() {
                    room.deps.store.clear_intent(intent.mark)?;
                }
                return Err(if e.kind() == ErrorKind::NotFound { SyncError::TargetGone } else { e.into() });
            }
        };
        match done {
            Some(id) => return part.commit(&id, part.hash.clone(), Some(&intent)),
            None => room.deps.store.clear_intent(intent.mark)?,
        }
    }
    Err(doubt.map_or(SyncError::Ambiguous("comment"), SyncError::Jira))
}

enum Edit {
    Done,
    Gone,
    Impossible,
}

async fn edit_comment(part: &Part<'_, '_>, id: &str, text: &Value) -> Result<Edit, SyncError> {
    let comment = Map::from_iter([("body".to_owned(), text.clone())]);
    match part.room.target.edit_comment_with(part.key(), id, comment, Notify::PreferNever).await {
        Ok(_) => Ok(Edit::Done),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(Edit::Gone),
        Err(e) if e.kind() == ErrorKind::NotSupported => Ok(Edit::Impossible),
        Err(e) => Err(e.into()),
    }
}

/// The comment that an intent made, if it did: ours, unpaired, not older, with the same text.
async fn find_comment(part: &Part<'_, '_>, intent: &Intent) -> Result<Option<String>, SyncError> {
    let room = part.room;
    let bot = room.bot().await?.map(str::to_owned);
    let mut found = Vec::new();
    for comment in room.target.comments(part.key()).await? {
        let id = id_of(&comment);
        let text = comment.get("body").unwrap_or(&Value::Null);
        if ours(&comment, bot.as_deref())
            && since(&comment, intent)
            && !room.is_paired(PairKind::Comment, &id)?
            && body::fingerprint(room.deps.store.keys(), &[text]) == intent.fingerprint
        {
            found.push(id);
        }
    }
    if found.len() > 1 {
        return Err(SyncError::Ambiguous("comment"));
    }
    Ok(found.pop())
}

pub(super) fn ours(item: &Value, bot: Option<&str>) -> bool {
    match (bot, identity(item.get("author"))) {
        (Some(bot), Some(author)) => bot == author,
        _ => true,
    }
}

/// Uploads attachments that the target lacks. Says whether anything was written.
pub(super) async fn attachments(
    room: &Room<'_>,
    message: &Message,
    pair: &Pair,
    reviewed: bool,
) -> Result<bool, SyncError> {
    if !carries(&room.sync.fields, "attachment") {
        return Ok(false);
    }
    let known = known(room, message, PairKind::Attachment)?;
    let mut changed = false;
    for attachment in &message.attachments {
        let id = id_of(&attachment.meta);
        if known.contains_key(&id) || !room.sync.attachments.carry(&attachment.meta) {
            continue;
        }
        let part = Part {
            room,
            message,
            pair,
            kind: PairKind::Attachment,
            id: &id,
            hash: attachment.hash.as_ref().and_then(|h| hex::decode(h).ok()).unwrap_or_default(),
            first: false,
        };
        changed |= attachment_to_target(&part, attachment, reviewed).await?;
    }
    Ok(changed)
}

async fn attachment_to_target(
    part: &Part<'_, '_>,
    attachment: &StagedAttachment,
    reviewed: bool,
) -> Result<bool, SyncError> {
    let room = part.room;
    let name = attachment.meta.get("filename").and_then(Value::as_str).unwrap_or("attachment");
    for intent in open_intents(room, part.message, PairKind::Attachment, part.id)? {
        if let Some(found) = find_attachment(part, &intent, name).await? {
            part.commit(&found, part.hash.clone(), Some(&intent))?;
            room.count(|r| r.attachments += 1);
            return Ok(true);
        }
        room.deps.store.clear_intent(intent.mark)?;
    }
    let Some(blob) = attachment.blob else {
        room.warn("an attachment has no bytes in the staging area; it was left out");
        return Ok(false);
    };
    let Some(len) = room.staging.blob_size(blob)? else {
        room.warn("an attachment was erased from the staging area; it was left out");
        return Ok(false);
    };
    if !passes(room, name, blob, len, reviewed)? {
        return Ok(false);
    }
    let staging = room.staging.clone();
    let upload = Upload::Reader { open: Arc::new(move || staging.open_blob(blob).map_err(std::io::Error::other)), len };
    let mut doubt = None;
    for _ in 0..2 {
        let intent = part.intent(part.hash.clone())?;
        let done = match room.target.upload(part.key(), name, upload.clone()).await {
            Ok(made) => Some(id_of(&made)),
            Err(e) if e.kind() == ErrorKind::Doubtful => {
                let found = find_attachment(part, &intent, name).await?;
                doubt = Some(e);
                found
            }
            Err(e) => {
                if certainly_not_done(&e) {
                    room.deps.store.clear_intent(intent.mark)?;
                }
                return Err(if e.kind() == ErrorKind::NotFound { SyncError::TargetGone } else { e.into() });
            }
        };
        match done {
            Some(id) => {
                part.commit(&id, part.hash.clone(), Some(&intent))?;
                room.count(|r| r.attachments += 1);
                return Ok(true);
            }
            None => room.deps.store.clear_intent(intent.mark)?,
        }
    }
    Err(doubt.map_or(SyncError::Ambiguous("attachment"), SyncError::Jira))
}

/// The attachment that an intent made, if it did: ours, unpaired, not older, same name and bytes.
async fn find_attachment(part: &Part<'_, '_>, intent: &Intent, name: &str) -> Result<Option<String>, SyncError> {
    let room = part.room;
    let bot = room.bot().await?.map(str::to_owned);
    let issue = room.target.issue(part.key(), &["attachment"], false, &[]).await?.ok_or(SyncError::TargetGone)?;
    let list = issue.field("attachment").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut found = Vec::new();
    for meta in list {
        let id = id_of(&meta);
        let named = meta.get("filename").and_then(Value::as_str) == Some(name);
        if named
            && ours(&meta, bot.as_deref())
            && since(&meta, intent)
            && !room.is_paired(PairKind::Attachment, &id)?
            && hash_of(room.target, room.deps.store.keys(), &meta).await? == intent.fingerprint
        {
            found.push(id);
        }
    }
    if found.len() > 1 {
        return Err(SyncError::Ambiguous("attachment"));
    }
    Ok(found.pop())
}

async fn hash_of(client: &Client, keys: &Keys, meta: &Value) -> Result<Vec<u8>, SyncError> {
    let key = keys.derive(Purpose::Lookup);
    let mut hasher = blake3::Hasher::new_keyed(key.dangerously_expose());
    let mut download = client.download(meta).await?;
    while let Some(chunk) = download.chunk().await? {
        hasher.update(&chunk);
    }
    Ok(hasher.finalize().as_bytes().to_vec())
}

/// Whether an attachment's bytes may go out.
fn passes(room: &Room<'_>, name: &str, blob: BlobId, len: u64, reviewed: bool) -> Result<bool, SyncError> {
    if room.guard.is_empty() {
        return Ok(true);
    }
    if len > CHECKED {
        room.warn("an attachment was too large to be read for erased persons; it was carried over unread");
        return Ok(true);
    }
    let bytes = room.staging.read_blob(blob)?;
    match super::blocking(|| room.guard.check_file(name, &bytes)) {
        FileVerdict::Clean => Ok(true),
        FileVerdict::Unread => {
            room.warn("an attachment is of a kind that cannot be read for erased persons; it was carried over unread");
            Ok(true)
        }
        FileVerdict::Name if reviewed => Ok(true),
        FileVerdict::Name if room.sync.names == NameMode::Park => Err(SyncError::Name),
        FileVerdict::Name | FileVerdict::Certain => {
            room.count(|r| r.cut += 1);
            room.warn("an attachment that holds an identifier of an erased person was left out");
            Ok(false)
        }
    }
}

pub(super) fn known(room: &Room<'_>, message: &Message, kind: PairKind) -> Result<HashMap<String, Pair>, SyncError> {
    let pairs = room.deps.store.pairs_of_issue(&room.sync.name, &message.issue.id)?;
    Ok(pairs.into_iter().filter(|p| p.kind == kind).map(|p| (p.source_id.clone(), p)).collect())
}

pub(super) fn open_intents(
    room: &Room<'_>,
    message: &Message,
    kind: PairKind,
    id: &str,
) -> Result<Vec<Intent>, SyncError> {
    let all = room.deps.store.intents(&room.sync.name, &message.issue.id)?;
    Ok(all.into_iter().filter(|i| i.kind == kind && i.source_id == id).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_ours_is_told_by_author() {
        assert!(ours(&json!({"author": {"name": "bot"}}), Some("bot")));
        assert!(!ours(&json!({"author": {"name": "ada"}}), Some("bot")));
        assert!(ours(&json!({}), Some("bot")), "a server that does not say is not held against us");
    }
}

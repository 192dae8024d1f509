//! Comments and attachments that went from the source: their copies go from the target.
//!
//! Never what others made: where the copy went and the original is the target's, the original stays and is carried over no more.

use chrono::DateTime;
use serde_json::Value;

use super::{Room, content::carries, error::SyncError};
use crate::{
    jira::{ErrorKind, Gone},
    staging::Message,
    store::{Pair, PairKind},
};

/// Deletes copies of what a message no longer says. Says whether anything was deleted.
pub(super) async fn parts(room: &Room<'_>, message: &Message, pair: &Pair) -> Result<bool, SyncError> {
    let store = room.deps.store;
    let all = store.pairs_of_issue(&room.sync.name, &message.issue.id)?;
    let mut changed = false;
    for part in &all {
        let (field, what) = match part.kind {
            PairKind::Comment => ("comment", "comment"),
            PairKind::Attachment => ("attachment", "attachment"),
            _ => continue,
        };
        let said = message.hashes.contains_key(&format!("{field}/{}", part.source_id));
        // What another one took the place of has gone with it.
        let replaced =
            all.iter().any(|o| o.kind == part.kind && o.target_id == part.target_id && o.source_id != part.source_id);
        if said
            || part.erased
            || part.unlinked
            || replaced
            || !carries(&room.sync.fields, field)
            || !before(part, message)
        {
            continue;
        }
        if part.target_first {
            room.warn(&format!(
                "the copy of a {what} was deleted in the source; the original stays and is carried over no more"
            ));
            store.mark_erased(&room.sync.name, part.kind, &part.source_id)?;
            continue;
        }
        if room.keeps_target(pair) {
            room.warn(&format!("a {what} went from the source; a hold keeps its copy"));
            continue;
        }
        let key = pair.target_key.as_deref().unwrap_or(&pair.target_id);
        let gone = match part.kind {
            PairKind::Comment => room.target.delete_comment(key, &part.target_id).await,
            _ => room.target.delete_attachment(&part.target_id).await,
        };
        match gone {
            Ok(Gone::Deleted) => {
                room.count(|r| r.deleted += 1);
                changed = true;
            }
            Ok(_) => {}
            Err(e) if matches!(e.kind(), ErrorKind::Forbidden | ErrorKind::NotSupported | ErrorKind::Rejected) => {
                room.warn(&format!("a {what} went from the source; the target does not let us delete its copy"));
                continue;
            }
            Err(e) => return Err(e.into()),
        }
        store.mark_erased(&room.sync.name, part.kind, &part.source_id)?;
    }
    Ok(changed)
}

/// Whether a pair was there when the message was read: what was made since says nothing by its absence.
fn before(part: &Pair, message: &Message) -> bool {
    let at = |text: &str| DateTime::parse_from_rfc3339(text).ok();
    matches!((at(&part.created), at(&message.exported_at)), (Some(made), Some(read)) if made < read)
}

/// The text of a copied comment without the name that stands in front of it.
pub(super) fn unattributed(body: &Value) -> Value {
    match body {
        Value::String(text) => match text.split_once("\n\n") {
            Some((head, rest)) if is_head(head.trim_end()) && !head.trim_end().contains('\n') => {
                Value::String(rest.to_owned())
            }
            _ => body.clone(),
        },
        Value::Object(_) => {
            let mut doc = body.clone();
            if let Some(Value::Array(content)) = doc.get_mut("content")
                && content.first().is_some_and(|first| {
                    let last = first.get("content").and_then(Value::as_array).and_then(|c| c.last());
                    first.get("type").and_then(Value::as_str) == Some("paragraph")
                        && last.and_then(|t| t.get("text")).and_then(Value::as_str).is_some_and(is_head)
                })
            {
                content.remove(0);
            }
            doc
        }
        _ => body.clone(),
    }
}

fn is_head(text: &str) -> bool {
    text.trim_end().ends_with(" wrote:")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_name_in_front_of_a_comment_is_taken_off() {
        assert_eq!(unattributed(&json!("[~ada] wrote:\n\nfine\n\nbye")), json!("fine\n\nbye"));
        assert_eq!(
            unattributed(&json!("Ada wrote:\r\n\r\nfine")),
            json!("Ada wrote:\r\n\r\nfine"),
            "no server sends it so"
        );
        for text in ["fine", "he wrote: no\n\nx", "first\nAda wrote:\n\nx", "Ada wrote:"] {
            assert_eq!(unattributed(&json!(text)), json!(text));
        }
        let paragraph = |text: &str| json!({"type": "paragraph", "content": [{"type": "text", "text": text}]});
        let doc = |content: Vec<Value>| json!({"type": "doc", "version": 1, "content": content});
        assert_eq!(unattributed(&doc(vec![paragraph("Ada wrote:"), paragraph("fine")])), doc(vec![paragraph("fine")]));
        assert_eq!(unattributed(&doc(vec![paragraph("fine")])), doc(vec![paragraph("fine")]));
    }
}

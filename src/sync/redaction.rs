//! What the executor of an erasure tells the engine, so that nothing from the source undoes it (law 5).

use serde_json::Value;

use super::content;
use crate::{
    model::SyncName,
    store::{Pair, PairKind, Store, StoreError},
};

/// A field of a target thing that was redacted.
#[derive(Debug, Clone, Copy)]
pub struct Redacted<'a> {
    /// Issue, comment or attachment.
    pub kind: PairKind,
    /// The target's id of it.
    pub target_id: &'a str,
    /// The field, or `body` of a comment.
    pub field: &'a str,
}

/// Remembers that a target field was redacted to `value`: unchanged source content is never written over it, and a real
/// change of the source passes suppression first. `syncs` are those whose target the redacted instance is. Says in how
/// many synchronizations the thing is paired.
///
/// # Errors
/// What the store says.
pub fn note_redaction(
    store: &Store,
    syncs: &[SyncName],
    redacted: Redacted<'_>,
    value: &Value,
) -> Result<usize, StoreError> {
    let canonical = content::canonical(redacted.field, value);
    let hash = content::hash(store.keys(), redacted.field, &canonical);
    let mut noted = 0;
    for pair in store.pairs_by_target(redacted.kind, redacted.target_id)? {
        if syncs.contains(&pair.sync)
            && store.mark_redacted(&pair.sync, pair.kind, &pair.source_id, redacted.field, &hash)?
        {
            noted += 1;
        }
    }
    Ok(noted)
}

/// Remembers that a target thing was erased on purpose: it is never made again. Says in how many synchronizations it was
/// paired.
///
/// # Errors
/// What the store says.
pub fn note_erasure(store: &Store, syncs: &[SyncName], kind: PairKind, target_id: &str) -> Result<usize, StoreError> {
    let mut noted = 0;
    for pair in store.pairs_by_target(kind, target_id)? {
        if syncs.contains(&pair.sync) && store.mark_erased(&pair.sync, kind, &pair.source_id)? {
            noted += 1;
        }
    }
    Ok(noted)
}

/// Remembers that an attachment took the place of another, on either side of a pair: in a target the pair goes on with the
/// new one (unless it is but a note: then the old one is noted as erased), in a source the new one counts as carried over.
/// `targets` and `sources` are the synchronizations whose target or source the instance is; `kept` says that it is the
/// attachment itself and no note.
///
/// # Errors
/// What the store says.
pub fn note_replacement(
    store: &Store,
    targets: &[SyncName],
    sources: &[SyncName],
    (old, new): (&str, &str),
    kept: bool,
) -> Result<(), StoreError> {
    if kept {
        for pair in store.pairs_by_target(PairKind::Attachment, old)? {
            if targets.contains(&pair.sync) {
                store.commit_pair(&Pair { target_id: new.to_owned(), ..pair }, &[], None)?;
            }
        }
    }
    for sync in sources {
        if let Some(pair) = store.pair(sync, PairKind::Attachment, old)? {
            let erased = pair.erased || !kept;
            store.commit_pair(&Pair { source_id: new.to_owned(), erased, ..pair }, &[], None)?;
        }
    }
    Ok(())
}

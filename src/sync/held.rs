//! What holds say to the sync: a restriction stops a record at both doors (GDPR Art. 18), no change goes out whose cuts would
//! erase what a hold keeps in the target, and no staged copy that a hold keeps is destroyed.

use serde_json::{Value, json};

use super::{Room, error::SyncError};
use crate::{
    config::Side,
    holds::{Spot, names_file, names_json},
    model::{Area, HoldType, Place, RecordRef, RecordType},
    staging::{Message, MessageId, Relations, StagedAttachment},
    store::PairKind,
    suppression::Guard,
};

/// An attachment of more bytes is not searched for a restricted person: then its message waits, as for one that cannot be
/// read back. One of a kind that cannot be read (an image) passes, as it passes suppression.
const LARGEST: u64 = 64 << 20;

/// The parts of a change in which a restricted person may be named.
pub(super) struct Parts<'a> {
    /// The source issue.
    pub(super) issue: &'a str,
    /// Its key.
    pub(super) key: &'a str,
    /// Its fields.
    pub(super) fields: Value,
    /// Its comments.
    pub(super) comments: &'a [Value],
    /// What hangs on it besides.
    pub(super) relations: &'a Relations,
    /// What is staged of its attachments, or their metadata alone.
    pub(super) attachments: Vec<(&'a Value, Option<&'a StagedAttachment>)>,
}

impl<'a> Parts<'a> {
    pub(super) fn of(message: &'a Message) -> Self {
        Self {
            issue: &message.issue.id,
            key: &message.issue.key,
            fields: json!(message.fields),
            comments: &message.comments,
            relations: &message.relations,
            attachments: message.attachments.iter().map(|a| (&a.meta, Some(a))).collect(),
        }
    }
}

impl Room<'_> {
    /// Whether a hold keeps a change where it is: a restriction, by where it comes from, where it would go, or whom it
    /// names; or either type, where suppression would cut the change and so erase what is held in the target.
    pub(super) fn is_held(&self, parts: &Parts<'_>) -> Result<bool, SyncError> {
        if self.holds.is_empty() {
            return Ok(false);
        }
        let pair = self.deps.store.pair(&self.sync.name, PairKind::Issue, parts.issue)?;
        let (source, target) = (&self.sync.source, &self.sync.target);
        let place = |area, side: &Side| Place::new(area, format!("{}/{}", side.instance, side.project));
        let record =
            |record_type, key: &str| RecordRef { record_type, id: None, key: Some(key.to_owned()), path: None };
        let there = pair.as_ref().and_then(|p| p.target_key.as_deref()).unwrap_or_default();
        // A project may be the source of one leg and the target of another: a hold may name it as either.
        let sides = [Area::Source, Area::Target];
        let staged = Place::new(Area::Staging, format!("{}/new", self.sync.name));
        let from = sides.map(|area| (place(area, source), record(RecordType::Issue, parts.key), source));
        let spot = (staged, record(RecordType::Message, parts.key), source);
        // Of an issue that the target has not yet, a hold on its place counts as well.
        let to = sides.map(|area| (place(area, target), record(RecordType::Issue, there), target));
        let names = |guard: &Guard| self.names(guard, parts);
        let keeps = |wanted, (place, record, side): &(Place, RecordRef, &Side)| {
            let spot = Spot { place, project: Some(&side.project), record, fields: &[], whole: true };
            self.holds.keeps(wanted, &side.instance, &spot, &names).is_some()
        };
        let restricted = |spot| keeps(Some(HoldType::Restriction), spot);
        Ok(from.iter().chain([&spot]).chain(&to).any(restricted)
            || pair.is_some() && to.iter().any(|spot| keeps(None, spot)) && self.names(self.guard, parts))
    }

    fn names(&self, guard: &Guard, parts: &Parts<'_>) -> bool {
        names_json(guard, &parts.fields)
            || parts.comments.iter().chain(parts.relations.values()).any(|c| names_json(guard, c))
            || parts
                .attachments
                .iter()
                .any(|(meta, staged)| names_json(guard, meta) || staged.is_some_and(|a| self.names_content(guard, a)))
    }

    fn names_content(&self, guard: &Guard, attachment: &StagedAttachment) -> bool {
        let Some(blob) = attachment.blob else { return false };
        let name = attachment.meta.get("filename").and_then(Value::as_str).unwrap_or_default();
        match self.staging.blob_size(blob) {
            Ok(Some(size)) if size > LARGEST => true,
            Ok(Some(_)) => self.staging.read_blob(blob).map_or(true, |bytes| names_file(guard, name, &bytes)),
            // Erased: nothing of it goes anywhere.
            Ok(None) => false,
            Err(_) => true,
        }
    }

    /// Whether a hold of either type keeps the target's issue as it is.
    pub(super) fn keeps_target(&self, pair: &crate::store::Pair) -> bool {
        let side = &self.sync.target;
        let record = RecordRef { record_type: RecordType::Issue, id: None, key: pair.target_key.clone(), path: None };
        !self.holds.is_empty()
            && [Area::Source, Area::Target].into_iter().any(|area| {
                let place = Place::new(area, format!("{}/{}", side.instance, side.project));
                let spot =
                    Spot { place: &place, project: Some(&side.project), record: &record, fields: &[], whole: true };
                // Whom it names is not read: a hold for a person keeps it.
                self.holds.keeps(None, &side.instance, &spot, &|_| true).is_some()
            })
    }

    /// Whether a hold of either type keeps a staged message: then neither its text nor its keys are destroyed.
    pub(super) fn keeps(&self, id: MessageId) -> Result<bool, SyncError> {
        if self.holds.is_empty() {
            return Ok(false);
        }
        let message = self.staging.message(id)?;
        let parts = Parts::of(&message);
        let record = RecordRef {
            record_type: RecordType::Message,
            id: Some(id.to_string()),
            key: Some(message.issue.key.clone()),
            path: None,
        };
        let source = &self.sync.source;
        let kept = ["new", "parked", "processed", "missing"].iter().any(|state| {
            let place = Place::new(Area::Staging, format!("{}/{state}", self.sync.name));
            let spot =
                Spot { place: &place, project: Some(&source.project), record: &record, fields: &[], whole: true };
            self.holds.keeps(None, &source.instance, &spot, &|guard| self.names(guard, &parts)).is_some()
        });
        Ok(kept)
    }
}

//! efface's own staging area: messages and attachments, sealed.
//!
//! Owns nothing but the way to `staging`, which writes anew under a new key and destroys the old one. Must not know a message's form.

use std::time::Duration;

use super::{Current, Doing, ExecError, Executor};
use crate::{
    erasure::plan::Step,
    model::RecordType,
    staging::{Staging, StagingError},
};

/// How long a step waits for a sync run that is at work in the same staging folder.
const PATIENCE: Duration = Duration::from_secs(60);

/// The staged copies of one synchronization.
pub(super) struct Staged {
    staging: Staging,
}

impl Staged {
    pub(super) const fn new(staging: Staging) -> Self {
        Self { staging }
    }
}

fn id(step: &Step) -> &str {
    step.record.id.as_deref().unwrap_or_default()
}

impl Executor for Staged {
    fn load<'a>(&'a self, step: &'a Step) -> Doing<'a, Option<Current>> {
        Box::pin(async move {
            let bytes = match step.record.record_type {
                RecordType::Attachment => self.staging.read_blob(id(step).parse()?),
                _ => self.staging.read(id(step).parse()?),
            };
            match bytes {
                Ok(bytes) => Ok(Some(Current::Bytes(bytes))),
                Err(StagingError::Unknown(_) | StagingError::Erased(_)) => Ok(None),
                Err(e) => Err(e.into()),
            }
        })
    }

    fn replace<'a>(
        &'a self,
        step: &'a Step,
        current: &'a Current,
        next: &'a Current,
        _begun: Option<&'a str>,
    ) -> Doing<'a, Option<String>> {
        Box::pin(async move {
            let (Current::Bytes(current), Current::Bytes(next)) = (current, next) else {
                return Err(ExecError::Changed);
            };
            let _lock = self.staging.lock(PATIENCE)?;
            // A sync that held the lock until now may have written the message.
            let now = match step.record.record_type {
                RecordType::Attachment => self.staging.read_blob(id(step).parse()?)?,
                _ => self.staging.read(id(step).parse()?)?,
            };
            if now != *current {
                return Err(ExecError::Changed);
            }
            match step.record.record_type {
                RecordType::Attachment => self.staging.rewrite_blob(id(step).parse()?, next)?,
                _ => self.staging.rewrite(id(step).parse()?, next)?,
            }
            Ok(None)
        })
    }

    fn delete<'a>(&'a self, step: &'a Step) -> Doing<'a, ()> {
        Box::pin(async move {
            let _lock = self.staging.lock(PATIENCE)?;
            match step.record.record_type {
                RecordType::Attachment => self.staging.erase_blob(id(step).parse()?)?,
                _ => self.staging.erase(id(step).parse()?)?,
            };
            Ok(())
        })
    }
}

//! How many requests run at once, and how many bytes of attachments are held at once, over all issues of one project.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::RemoteRecord;

/// Bytes of attachments that are held at the same time, unless a single one is larger.
const HELD: usize = 128 << 20;

/// What the memory is counted in, so that a large file's share fits a `u32`.
const UNIT: usize = 1 << 10;

/// A record on its way to the sink, with its share of the memory, which is given back once the sink has seen it.
pub(super) struct Message {
    pub(super) number: u64,
    pub(super) record: RemoteRecord,
    /// Whether the properties of this comment or worklog are to be asked for.
    pub(super) properties: bool,
    pub(super) _share: Option<OwnedSemaphorePermit>,
}

/// Shared by all tasks of one project.
#[derive(Clone)]
pub(super) struct Pool {
    requests: Arc<Semaphore>,
    memory: Arc<Semaphore>,
}

impl Pool {
    pub(super) fn new(requests: usize) -> Self {
        Self { requests: Arc::new(Semaphore::new(requests)), memory: Arc::new(Semaphore::new(HELD / UNIT)) }
    }

    /// Waits for this request's turn. (It is `None` for a closed semaphore only, and nobody closes it.)
    pub(super) async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.requests).acquire_owned().await.ok()
    }

    /// Waits until this many bytes may be held. To be asked before [`Pool::turn`]: who waits here must block nobody.
    pub(super) async fn share(&self, bytes: u64) -> Option<OwnedSemaphorePermit> {
        let units = usize::try_from(bytes).unwrap_or(usize::MAX).div_ceil(UNIT).clamp(1, HELD / UNIT);
        Arc::clone(&self.memory).acquire_many_owned(u32::try_from(units).unwrap_or(u32::MAX)).await.ok()
    }
}

//! What searches have found, kept until something changes: the pages of one search are asked for one after the other, and
//! Jira's index would not walk all issues for each of them either.
//!
//! Owns ids in order and nothing else. Must never outlive a change: it is bound to the world's revision, and whoever turns
//! a switch forgets it.

use std::{cell::RefCell, collections::VecDeque, sync::Arc};

/// How many searches are kept.
const KEPT: usize = 16;

/// Results of earlier searches.
#[derive(Debug, Default)]
pub(in crate::sandbox) struct Found(RefCell<Kept>);

#[derive(Debug, Default)]
struct Kept {
    revision: u64,
    results: VecDeque<(String, Arc<[u64]>)>,
}

impl Found {
    /// What the query found at this revision, if that is known.
    pub(super) fn get(&self, revision: u64, query: &str) -> Option<Arc<[u64]>> {
        let kept = self.0.borrow();
        let result = kept.results.iter().find(|(q, _)| q == query && kept.revision == revision);
        result.map(|(_, ids)| Arc::clone(ids))
    }

    /// Keeps what a query found.
    pub(super) fn put(&self, revision: u64, query: String, ids: &Arc<[u64]>) {
        let mut kept = self.0.borrow_mut();
        if kept.revision != revision {
            kept.results.clear();
            kept.revision = revision;
        }
        kept.results.truncate(KEPT - 1);
        kept.results.push_front((query, Arc::clone(ids)));
    }

    /// Forgets everything.
    pub(in crate::sandbox) fn forget(&self) {
        self.0.borrow_mut().results.clear();
    }
}

//! What may go wrong on the wire: latency, bursts of 429, 500s, cut connections. Counted down request by request.

use std::time::Duration;

/// What happens to a request before it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The connection ends without an answer; nothing was done.
    Cut,
    /// 429.
    TooMany,
    /// 500.
    Broken,
}

/// The faults still to come.
#[derive(Debug, Default)]
pub(super) struct Faults {
    pub(super) latency: Duration,
    pub(super) too_many: u64,
    pub(super) broken: u64,
    pub(super) cut: u64,
    pub(super) cut_after_commit: u64,
    /// Seconds in `Retry-After`.
    pub(super) retry_after: u64,
}

impl Faults {
    /// The fault of the next request.
    pub(super) const fn take(&mut self) -> Option<Fault> {
        if self.cut > 0 {
            self.cut -= 1;
            Some(Fault::Cut)
        } else if self.too_many > 0 {
            self.too_many -= 1;
            Some(Fault::TooMany)
        } else if self.broken > 0 {
            self.broken -= 1;
            Some(Fault::Broken)
        } else {
            None
        }
    }

    /// Whether the answer of a write that was just done gets lost.
    pub(super) const fn take_after_commit(&mut self) -> bool {
        let lost = self.cut_after_commit > 0;
        self.cut_after_commit -= lost as u64;
        lost
    }
}

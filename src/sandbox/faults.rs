//! What may go wrong on the wire: latency, bursts of 429, 500s, cut connections, slow and half-sent bodies, and the real
//! rate limits. Counted down request by request; limits run on the machine's own monotonic clock.

use std::{collections::HashMap, time::Duration};

use tokio::time::Instant;

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

/// What happens to the body of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyFault {
    /// It comes in pieces, with this pause before each.
    Slow(Duration),
    /// Half of it comes, then the connection ends.
    Half,
}

/// Why Cloud says 429 (its header `RateLimit-Reason`; Atlassian's page "Rate limiting").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RateLimitReason {
    /// Too many calls in a second.
    #[default]
    Burst,
    /// Too many writes to one issue.
    PerIssueOnWrite,
    /// The app's quota of the hour is used up.
    QuotaGlobal,
    /// This site's quota of the hour is used up.
    QuotaTenant,
}

impl RateLimitReason {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Burst => "jira-burst-based",
            Self::PerIssueOnWrite => "jira-per-issue-on-write",
            Self::QuotaGlobal => "jira-quota-global-based",
            Self::QuotaTenant => "jira-quota-tenant-based",
        }
    }
}

/// A limit that holds all the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateLimit {
    /// Cloud's: so many GETs and POSTs, and so many PUTs and DELETEs, a second; one issue takes so many writes in two
    /// seconds and in thirty.
    Cloud {
        /// GET and POST a second.
        reads: u32,
        /// PUT and DELETE a second.
        writes: u32,
        /// Writes to one issue in two seconds.
        issue_2s: u32,
        /// Writes to one issue in thirty seconds.
        issue_30s: u32,
    },
    /// Data Center's token bucket: it holds `limit`, and each `interval` puts `fill` in. Whole seconds count.
    TokenBucket {
        /// How many tokens the bucket holds.
        limit: u32,
        /// How many come in each interval.
        fill: u32,
        /// The interval.
        interval: Duration,
    },
}

impl RateLimit {
    /// The numbers that Atlassian names for Cloud.
    pub const CLOUD: Self = Self::Cloud { reads: 100, writes: 50, issue_2s: 20, issue_30s: 100 };
}

/// What the limiter says to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) limit: u32,
    pub(super) remaining: u32,
    pub(super) fill: u32,
    pub(super) interval: Duration,
    /// How long to wait; `None` where the request passes.
    pub(super) wait: Option<Duration>,
    pub(super) reason: RateLimitReason,
}

/// A limit and what it has counted.
#[derive(Debug)]
pub(super) struct Limiter {
    limit: RateLimit,
    tokens: f64,
    filled: Instant,
    windows: HashMap<String, Vec<Instant>>,
}

impl Limiter {
    pub(super) fn new(limit: RateLimit) -> Self {
        let tokens = match limit {
            RateLimit::TokenBucket { limit, .. } => f64::from(limit),
            RateLimit::Cloud { .. } => 0.0,
        };
        Self { limit, tokens, filled: Instant::now(), windows: HashMap::new() }
    }

    /// Counts a request; `issue` is the one that it writes to.
    pub(super) fn take(&mut self, write: bool, issue: Option<&str>) -> Verdict {
        match self.limit {
            RateLimit::TokenBucket { limit, fill, interval } => self.bucket(limit, fill, interval),
            RateLimit::Cloud { reads, writes, issue_2s, issue_30s } => {
                let second = Duration::from_secs(1);
                let most = if write { writes } else { reads };
                let (name, now) = (if write { "PUT" } else { "GET" }, Instant::now());
                let burst = self.window(name, most, second, now);
                let mut verdict = Verdict {
                    limit: most,
                    remaining: burst.1,
                    fill: most,
                    interval: second,
                    wait: burst.0,
                    reason: RateLimitReason::Burst,
                };
                for (n, (most, span)) in [(issue_2s, 2), (issue_30s, 30)].into_iter().enumerate() {
                    let Some(issue) = issue else { break };
                    let name = format!("{n} {issue}");
                    let (wait, left) = self.window(&name, most, Duration::from_secs(span), now);
                    if verdict.wait.is_none() && wait.is_some() {
                        verdict = Verdict {
                            limit: most,
                            remaining: left,
                            wait,
                            reason: RateLimitReason::PerIssueOnWrite,
                            ..verdict
                        };
                    }
                }
                verdict
            }
        }
    }

    fn bucket(&mut self, limit: u32, fill: u32, interval: Duration) -> Verdict {
        let now = Instant::now();
        while now - self.filled >= interval {
            self.filled += interval;
            self.tokens = (self.tokens + f64::from(fill)).min(f64::from(limit));
            if self.tokens >= f64::from(limit) {
                self.filled = now;
            }
        }
        let passes = self.tokens >= 1.0;
        if passes {
            self.tokens -= 1.0;
        }
        let wait = (!passes).then(|| (self.filled + interval) - now);
        // At most `limit`, which is a u32.
        let remaining = self.tokens as u32;
        Verdict { limit, remaining, fill, interval, wait, reason: RateLimitReason::Burst }
    }

    /// Counts in a sliding window: how long to wait (where it is full), and how many are left.
    fn window(&mut self, name: &str, most: u32, span: Duration, now: Instant) -> (Option<Duration>, u32) {
        let times = self.windows.entry(name.to_owned()).or_default();
        times.retain(|t| now - *t < span);
        let used = u32::try_from(times.len()).unwrap_or(u32::MAX);
        match times.first() {
            Some(first) if used >= most => (Some(span - (now - *first)), 0),
            _ => {
                times.push(now);
                (None, most.saturating_sub(used + 1))
            }
        }
    }
}

/// The faults still to come.
#[derive(Debug, Default)]
pub(super) struct Faults {
    pub(super) latency: Duration,
    pub(super) too_many: u64,
    pub(super) reason: RateLimitReason,
    pub(super) broken: u64,
    pub(super) cut: u64,
    pub(super) cut_after_commit: u64,
    pub(super) half_body: u64,
    pub(super) slow_body: (u64, Duration),
    /// Seconds in `Retry-After`.
    pub(super) retry_after: u64,
    /// Every so many reads one goes wrong (0: none).
    pub(super) every: u64,
    pub(super) limiter: Option<Limiter>,
    pub(super) reads: u64,
}

impl Faults {
    /// The fault of the next request; `read` where it changes nothing.
    pub(super) const fn take(&mut self, read: bool) -> Option<Fault> {
        if self.cut > 0 {
            self.cut -= 1;
            return Some(Fault::Cut);
        }
        if self.too_many > 0 {
            self.too_many -= 1;
            return Some(Fault::TooMany);
        }
        if self.broken > 0 {
            self.broken -= 1;
            return Some(Fault::Broken);
        }
        if self.every == 0 || !read {
            return None;
        }
        self.reads += 1;
        if !self.reads.is_multiple_of(self.every) {
            return None;
        }
        match (self.reads / self.every) % 4 {
            0 => Some(Fault::Cut),
            1 => Some(Fault::TooMany),
            2 => Some(Fault::Broken),
            _ => {
                self.half_body += 1;
                None
            }
        }
    }

    /// Whether the answer of a write that was just done gets lost.
    pub(super) const fn take_after_commit(&mut self) -> bool {
        let lost = self.cut_after_commit > 0;
        self.cut_after_commit -= lost as u64;
        lost
    }

    /// What happens to the next body.
    pub(super) const fn take_body(&mut self) -> Option<BodyFault> {
        if self.half_body > 0 {
            self.half_body -= 1;
            Some(BodyFault::Half)
        } else if self.slow_body.0 > 0 {
            self.slow_body.0 -= 1;
            Some(BodyFault::Slow(self.slow_body.1))
        } else {
            None
        }
    }
}

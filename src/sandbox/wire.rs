//! What goes wrong between the socket and the routes: cut connections, bodies in pieces, answers that say 429, and the
//! headers of the rate limits.
//!
//! Owns how a fault looks. When one is due, `faults` says.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{body::Body, http::Method};
use bytes::Bytes;
use chrono::SecondsFormat;

use super::{
    faults::{BodyFault, Verdict},
    http::{Failure, Reply},
    server::Shared,
};

/// One connection's knife: once set, nothing more is written to it.
#[derive(Debug, Clone, Default)]
pub(super) struct Knife(Arc<AtomicBool>);

impl Knife {
    pub(super) fn cut(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_cut(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

pub(super) const fn is_put(method: &Method) -> bool {
    matches!(*method, Method::PUT | Method::DELETE)
}

/// Whether a request changes nothing: a GET, or a POST that only asks.
pub(super) fn is_read(method: &Method, path: &str) -> bool {
    method == Method::GET
        || ["/search", "/search/jql", "/bulkfetch", "/approximate-count"].iter().any(|end| path.ends_with(end))
}

/// The issue that a write goes to.
pub(super) fn issue_of(path: &str, read: bool) -> Option<&str> {
    let rest = path.split_once("/issue/").filter(|_| !read)?.1;
    rest.split('/').next().filter(|key| !key.is_empty())
}

/// The headers of the flavour's rate limits, on every answer while a limit holds.
pub(super) fn limit_headers(shared: &Shared, reply: Reply, v: &Verdict) -> Reply {
    let world = shared.serving();
    let reply = reply
        .with_header("x-ratelimit-limit", v.limit.to_string())
        .with_header("x-ratelimit-remaining", v.remaining.to_string());
    // Whole seconds, rounded up: who waits as long as it says gets through.
    let wait = v.wait.map_or(0, |w| w.as_millis().div_ceil(1000));
    if !world.is_cloud() {
        return reply
            .with_header("x-ratelimit-interval-seconds", v.interval.as_secs().to_string())
            .with_header("x-ratelimit-fillrate", v.fill.to_string())
            .with_header("retry-after", wait.to_string());
    }
    if v.wait.is_none() {
        // Atlassian: near is where less than a fifth remains.
        return reply.with_header("x-ratelimit-nearlimit", (v.remaining * 5 < v.limit).to_string());
    }
    let reset = (world.clock)() + chrono::Duration::seconds(i64::try_from(wait).unwrap_or(i64::MAX));
    reply
        .with_header("retry-after", wait.to_string())
        .with_header("x-ratelimit-reset", reset.to_rfc3339_opts(SecondsFormat::Secs, true))
        .with_header("ratelimit-reason", v.reason.as_str())
}

/// Jira's 429, with the headers of the flavour.
pub(super) fn too_many(shared: &Shared) -> Reply {
    let (retry_after, reason) = {
        let faults = shared.faults();
        (faults.retry_after, faults.reason)
    };
    let world = shared.serving();
    let reply =
        Failure::new(429, "Rate limit exceeded.").into_reply().with_header("retry-after", retry_after.to_string());
    if world.is_cloud() {
        let reset = (world.clock)() + chrono::Duration::seconds(i64::try_from(retry_after).unwrap_or(i64::MAX));
        reply
            .with_header("x-ratelimit-limit", "100")
            .with_header("x-ratelimit-remaining", "0")
            .with_header("x-ratelimit-reset", reset.to_rfc3339_opts(SecondsFormat::Secs, true))
            .with_header("x-ratelimit-nearlimit", "true")
            .with_header("ratelimit-reason", reason.as_str())
    } else {
        reply
            .with_header("x-ratelimit-limit", "100")
            .with_header("x-ratelimit-remaining", "0")
            .with_header("x-ratelimit-interval-seconds", "1")
            .with_header("x-ratelimit-fillrate", "10")
    }
}

/// A body that comes in pieces, or not whole. Its length is promised all the same.
pub(super) fn faulty(bytes: Bytes, fault: BodyFault, knife: Knife) -> Body {
    const PIECES: usize = 8;
    let (pause, end) = match fault {
        BodyFault::Slow(pause) => (pause, bytes.len()),
        BodyFault::Half => (Duration::ZERO, bytes.len() / 2),
    };
    let size = bytes.len().div_ceil(PIECES).max(1);
    let stream = futures_util::stream::unfold(0, move |at| {
        let (bytes, knife) = (bytes.clone(), knife.clone());
        async move {
            if at >= end {
                if end < bytes.len() {
                    // What was written so far gets out first, then the connection ends.
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    knife.cut();
                    return Some((Err(io::Error::from(io::ErrorKind::ConnectionReset)), usize::MAX));
                }
                return None;
            }
            tokio::time::sleep(pause).await;
            let next = (at + size).min(end);
            Some((Ok(bytes.slice(at..next)), next))
        }
    });
    Body::from_stream(stream)
}

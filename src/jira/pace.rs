//! How fast to go: what the server says about its limits, and a pace that all calls of a client share.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use tokio::time::Instant;

const FIRST_INTERVAL: Duration = Duration::from_millis(20);
const LONGEST_INTERVAL: Duration = Duration::from_secs(2);
const NEAR_INTERVAL: Duration = Duration::from_millis(50);

/// The shared pace: no call before `not_before`, and one each `interval` while the server is short of breath.
#[derive(Debug)]
pub(super) struct Pace(Mutex<State>);

#[derive(Debug)]
struct State {
    not_before: Instant,
    interval: Duration,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self(Mutex::new(State { not_before: Instant::now(), interval: Duration::ZERO }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for this call's turn.
    pub(super) async fn wait(&self) {
        let at = {
            let mut state = self.state();
            let at = state.not_before.max(Instant::now());
            state.not_before = at + state.interval;
            at
        };
        if at > Instant::now() {
            tokio::time::sleep_until(at).await;
        }
    }

    /// The server said 429: nobody calls before `wait` is over, and slower from then on.
    pub(super) fn limited(&self, wait: Duration) {
        let mut state = self.state();
        state.not_before = state.not_before.max(Instant::now() + wait);
        state.interval = (state.interval * 2).clamp(FIRST_INTERVAL, LONGEST_INTERVAL);
    }

    /// An answer came: speed up again, or slow down where the server says that the limit is near.
    pub(super) fn answered(&self, headers: &HeaderMap) {
        let mut state = self.state();
        if near_limit(headers) {
            state.interval = state.interval.max(NEAR_INTERVAL);
        } else {
            state.interval = state.interval * 9 / 10;
            if state.interval < Duration::from_millis(1) {
                state.interval = Duration::ZERO;
            }
        }
    }

    #[cfg(test)]
    pub(super) fn interval(&self) -> Duration {
        self.state().interval
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// Cloud says it outright; Data Center's token bucket is empty when nothing remains.
fn near_limit(headers: &HeaderMap) -> bool {
    text(headers, "x-ratelimit-nearlimit").is_some_and(|v| v.eq_ignore_ascii_case("true"))
        || text(headers, "x-ratelimit-remaining") == Some("0")
}

/// How long the server wants us to wait: `Retry-After` (seconds or a date), else `X-RateLimit-Reset` (a date, epoch
/// seconds or seconds), else Data Center's `X-RateLimit-Interval-Seconds`. Dates are taken relative to the answer's own
/// `Date`, so that no clock of ours is read.
pub(super) fn wait_of(headers: &HeaderMap) -> Option<Duration> {
    let now = text(headers, DATE.as_str()).and_then(http_date);
    let until = |at: DateTime<Utc>| (at - now?).to_std().ok().or(Some(Duration::ZERO));
    if let Some(v) = text(headers, RETRY_AFTER.as_str()) {
        if let Ok(seconds) = v.parse::<u64>() {
            return Some(Duration::from_secs(seconds));
        }
        if let Some(wait) = http_date(v).and_then(until) {
            return Some(wait);
        }
    }
    if let Some(v) = text(headers, "x-ratelimit-reset") {
        let wait = match v.parse::<i64>() {
            Ok(n) if n > 1_000_000_000 => DateTime::from_timestamp(n, 0).and_then(until),
            Ok(n) => u64::try_from(n).ok().map(Duration::from_secs),
            Err(_) => iso_date(v).and_then(until),
        };
        if wait.is_some() {
            return wait;
        }
    }
    text(headers, "x-ratelimit-interval-seconds")?.parse().ok().map(Duration::from_secs)
}

fn http_date(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc2822(text).ok().map(|d| d.to_utc())
}

/// Cloud writes `2024-08-16T14:00Z`, without seconds.
fn iso_date(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M%#z"))
        .ok()
        .map(|d| d.to_utc())
        .or_else(|| {
            chrono::NaiveDateTime::parse_from_str(text.strip_suffix('Z')?, "%Y-%m-%dT%H:%M").ok().map(|d| d.and_utc())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(k, v)| (k.parse().unwrap(), v.parse().unwrap())).collect()
    }

    #[test]
    fn every_spelling_of_a_wait() {
        let s = |n| Some(Duration::from_secs(n));
        assert_eq!(wait_of(&headers(&[("retry-after", "7")])), s(7));
        let date = ("date", "Sun, 22 Nov 2026 09:00:00 GMT");
        assert_eq!(wait_of(&headers(&[date, ("retry-after", "Sun, 22 Nov 2026 09:00:05 GMT")])), s(5));
        assert_eq!(wait_of(&headers(&[date, ("retry-after", "Sun, 22 Nov 2026 08:00:05 GMT")])), s(0), "past");
        assert_eq!(wait_of(&headers(&[date, ("x-ratelimit-reset", "2026-11-22T09:01Z")])), s(60));
        assert_eq!(wait_of(&headers(&[date, ("x-ratelimit-reset", "2026-11-22T09:00:30.000Z")])), s(30));
        assert_eq!(wait_of(&headers(&[("x-ratelimit-reset", "12")])), s(12));
        assert_eq!(wait_of(&headers(&[("x-ratelimit-interval-seconds", "3")])), s(3));
        assert_eq!(wait_of(&headers(&[("x-ratelimit-reset", "2026-11-22T09:01Z")])), None, "no clock to compare with");
        assert_eq!(wait_of(&headers(&[])), None);
    }

    #[tokio::test]
    async fn slows_down_and_recovers() {
        let pace = Pace::new();
        let start = Instant::now();
        pace.wait().await;
        assert!(start.elapsed() < Duration::from_millis(50), "no limit, no wait");
        pace.limited(Duration::from_millis(100));
        pace.wait().await;
        pace.wait().await;
        assert!(start.elapsed() >= Duration::from_millis(120), "{:?}", start.elapsed());
        for _ in 0..100 {
            pace.answered(&HeaderMap::new());
        }
        assert_eq!(pace.interval(), Duration::ZERO);
        pace.answered(&headers(&[("x-ratelimit-nearlimit", "true")]));
        assert_eq!(pace.interval(), NEAR_INTERVAL);
    }
}

//! The audit trail: a hash chain of events, each holding a commitment to its detail.
//!
//! Owns the form of an event, the chaining and the verification. Events name no person: subjects appear by their keyed
//! pseudonym (law 6). An event's detail can be deleted at the end of its retention and the chain still verifies, because
//! the chain holds only the salted hash of the detail.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// One event of the chain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Position, from 1, without gaps.
    pub seq: u64,
    /// When (UTC, to the millisecond).
    pub at: String,
    /// Who acted.
    pub actor: String,
    /// What happened, such as `scan` or `case.approved`.
    pub kind: String,
    /// The case, where there is one.
    pub case: Option<String>,
    /// Hex SHA-256 of salt and detail.
    pub commitment: String,
    /// Hash of the event before, 64 zeros for the first.
    pub prev: String,
    /// Hex SHA-256 over all of the above as RFC 8785 JSON.
    pub hash: String,
    /// The salt of the commitment (hex); gone with the detail.
    pub salt: Option<String>,
    /// The detail; `None` once it was deleted.
    pub detail: Option<Value>,
}

/// The `prev` of the first event.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What is wrong with a chain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// An event is missing or out of order.
    #[error("event {0} is missing or out of order")]
    Sequence(u64),
    /// An event does not follow the one before.
    #[error("event {0} does not follow the event before it: something was removed, reordered or changed there")]
    Link(u64),
    /// An event was changed.
    #[error("event {0} was changed")]
    Hash(u64),
    /// An event's detail was changed.
    #[error("the detail of event {0} was changed")]
    Detail(u64),
    /// The chain does not contain the head that it should.
    #[error("the chain does not contain the expected head: events were cut off its end")]
    Head,
}

/// SHA-256 of a JSON value in RFC 8785 form, as hex.
#[must_use]
pub fn canonical_sha256(value: &Value) -> String {
    let bytes = serde_json_canonicalizer::to_vec(value).unwrap_or_else(|_| value.to_string().into_bytes());
    hex::encode(Sha256::digest(bytes))
}

fn commitment(salt: &str, detail: &Value) -> String {
    canonical_sha256(&serde_json::json!({ "salt": salt, "detail": detail }))
}

impl Event {
    /// The event that follows `prev`; `salt` is 16 random bytes.
    #[must_use]
    pub fn next(
        prev: Option<(u64, &str)>,
        at: DateTime<Utc>,
        actor: &str,
        kind: &str,
        case: Option<&str>,
        detail: Value,
        salt: [u8; 16],
    ) -> Self {
        let salt = hex::encode(salt);
        let mut event = Self {
            seq: prev.map_or(1, |(seq, _)| seq + 1),
            at: at.to_rfc3339_opts(SecondsFormat::Millis, true),
            actor: actor.to_owned(),
            kind: kind.to_owned(),
            case: case.map(str::to_owned),
            commitment: commitment(&salt, &detail),
            prev: prev.map_or(GENESIS, |(_, hash)| hash).to_owned(),
            hash: String::new(),
            salt: Some(salt),
            detail: Some(detail),
        };
        event.hash = event.computed_hash();
        event
    }

    fn computed_hash(&self) -> String {
        canonical_sha256(&serde_json::json!({
            "seq": self.seq, "at": self.at, "actor": self.actor, "kind": self.kind, "case": self.case,
            "commitment": self.commitment, "prev": self.prev,
        }))
    }
}

/// Checks a whole chain; `head`, where known (from a certificate), must be the hash of one of its events.
///
/// # Errors
/// The first event that is changed, missing or out of order.
pub fn verify(events: &[Event], head: Option<&str>) -> Result<(), ChainError> {
    let mut prev = GENESIS;
    for (i, event) in events.iter().enumerate() {
        if event.seq != i as u64 + 1 {
            return Err(ChainError::Sequence(i as u64 + 1));
        }
        if event.prev != prev {
            return Err(ChainError::Link(event.seq));
        }
        if event.hash != event.computed_hash() {
            return Err(ChainError::Hash(event.seq));
        }
        match (&event.salt, &event.detail) {
            (Some(salt), Some(detail)) if commitment(salt, detail) == event.commitment => {}
            (None, None) => {}
            _ => return Err(ChainError::Detail(event.seq)),
        }
        prev = &event.hash;
    }
    match head {
        Some(head) if !events.iter().any(|e| e.hash == head) => Err(ChainError::Head),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn chain() -> Vec<Event> {
        let mut events: Vec<Event> = Vec::new();
        for i in 0..5u8 {
            let prev = events.last().map(|e| (e.seq, e.hash.clone()));
            events.push(Event::next(
                prev.as_ref().map(|(s, h)| (*s, h.as_str())),
                DateTime::UNIX_EPOCH,
                "dpo",
                "scan",
                None,
                json!({ "n": i }),
                [i; 16],
            ));
        }
        events
    }

    #[test]
    fn any_change_removal_or_reordering_is_found() {
        let good = chain();
        let head = good[4].hash.clone();
        assert_eq!(verify(&good, Some(&head)), Ok(()));
        type Change = fn(&mut Vec<Event>);
        let changes: [(&str, Change); 8] = [
            ("actor", |e| e[2].actor = "x".into()),
            ("kind", |e| e[2].kind = "x".into()),
            ("time", |e| e[2].at = "x".into()),
            ("detail", |e| e[2].detail = Some(json!({ "n": 9 }))),
            ("detail alone removed", |e| e[2].detail = None),
            ("removed", |e| drop(e.remove(2))),
            ("swapped", |e| e.swap(1, 2)),
            ("cut off", |e| e.truncate(3)),
        ];
        for (what, change) in changes {
            let mut bad = good.clone();
            change(&mut bad);
            assert!(verify(&bad, Some(&head)).is_err(), "{what} not found");
        }
    }

    #[test]
    fn detail_may_go_at_the_end_of_its_retention() {
        let mut events = chain();
        events[1].detail = None;
        events[1].salt = None;
        assert_eq!(verify(&events, None), Ok(()));
    }
}

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

/// The events of an export: JSON Lines, each line byte for byte as efface writes it. An export that was changed, if only in
/// a name or a number's spelling, is none.
///
/// # Errors
/// The number, from 1, of the first line that is no event as efface writes it, and what is wrong with it.
pub fn parse_export(text: &str) -> Result<Vec<Event>, (usize, String)> {
    let mut events = Vec::new();
    for (i, line) in text.split_terminator('\n').enumerate() {
        let event: Event = serde_json::from_str(line).map_err(|e| (i + 1, e.to_string()))?;
        // A changed name of a field that is empty would pass as an event without that field.
        let again = serde_json::to_string(&event).map_err(|e| (i + 1, e.to_string()))?;
        if again != line {
            return Err((i + 1, "it is not written as efface writes it".to_owned()));
        }
        events.push(event);
    }
    if !text.is_empty() && !text.ends_with('\n') {
        return Err((events.len(), "the line does not end".to_owned()));
    }
    Ok(events)
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
    fn every_flipped_bit_of_an_export_is_found() {
        let mut events = chain();
        (events[1].salt, events[1].detail) = (None, None);
        events[2].detail = Some(json!({ "text": "ä\u{1}\"", "n": 1.5, "list": [null, true, {}] }));
        // Chained anew, since a detail was changed.
        for i in 2..events.len() {
            let prev = (events[i - 1].seq, events[i - 1].hash.clone());
            let (salt, detail) = ([i as u8; 16], events[i].detail.clone().unwrap_or_default());
            events[i] = Event::next(Some((prev.0, &prev.1)), DateTime::UNIX_EPOCH, "dpo", "scan", None, detail, salt);
        }
        let head = events[4].hash.clone();
        let mut bytes: Vec<u8> =
            events.iter().flat_map(|e| format!("{}\n", serde_json::to_string(e).unwrap()).into_bytes()).collect();
        let found = |bytes: &[u8]| {
            let Ok(text) = std::str::from_utf8(bytes) else { return true };
            parse_export(text).map_or(true, |events| verify(&events, Some(&head)).is_err())
        };
        assert!(!found(&bytes));
        for i in 0..bytes.len() {
            for bit in 0..8 {
                bytes[i] ^= 1 << bit;
                assert!(found(&bytes), "bit {bit} of byte {i} not noticed");
                bytes[i] ^= 1 << bit;
            }
        }
        assert!(found(&bytes[..bytes.len() - 1]), "a cut-off line end");
        assert_eq!(parse_export("").unwrap(), []);
    }

    #[test]
    fn detail_may_go_at_the_end_of_its_retention() {
        let mut events = chain();
        events[1].detail = None;
        events[1].salt = None;
        assert_eq!(verify(&events, None), Ok(()));
    }
}

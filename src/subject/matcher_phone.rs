//! Phone numbers: compared by their digits, whatever stands between.

use crate::{
    model::{IdentifierKind, Strength},
    norm,
};

/// A phone number that is looked for.
pub(super) struct Phone {
    pub(super) subject: usize,
    pub(super) identifier: usize,
    digits: String,
}

/// The fewest digits that make a number worth looking for.
const FEWEST: usize = 6;

/// The fewest digits of a national number that has nothing in front to tell it.
const LONG: usize = 8;

impl Phone {
    pub(super) fn new(subject: usize, identifier: usize, value: &str) -> Option<Self> {
        let digits = norm::key_form(IdentifierKind::Phone, value);
        (digits.len() >= FEWEST).then_some(Self { subject, identifier, digits })
    }

    /// How surely a number in a text, with `digits` and perhaps a plus, is this one: the same digits, or one is the national
    /// form of the other. Where countries have no zero in front of a national number, more is needed to tell it from any
    /// other, and still it may be another country's.
    fn is(&self, digits: &str, plus: bool) -> Option<Strength> {
        let international = digits.strip_prefix("00").unwrap_or(digits);
        if international == self.digits {
            return Some(Strength::Probable);
        }
        let national = |long: &str, short: &str| {
            short.strip_prefix('0').is_some_and(|s| {
                !s.starts_with('0') && s.len() >= FEWEST && long.ends_with(s) && long.len() - s.len() <= 3
            })
        };
        if (!plus && national(&self.digits, digits)) || national(international, &self.digits) {
            return Some(Strength::Probable);
        }
        // "(415) 555-0137", "8 495 123-45-67", "06 1 234 5678".
        let bare = |long: &str, short: &str| {
            let inner = ["8", "06"].iter().filter_map(|trunk| short.strip_prefix(trunk)).chain([short]);
            inner.into_iter().any(|s| {
                s.len() >= LONG && long.len() <= 15 && long.ends_with(s) && (1..=3).contains(&(long.len() - s.len()))
            })
        };
        let perhaps = (!plus && bare(&self.digits, digits)) || (plus && bare(international, &self.digits));
        perhaps.then_some(Strength::Possible)
    }
}

/// Calls `found` with the phone, how sure it is, and the byte range of every hit in `text` (a folded text).
pub(super) fn find(phones: &[Phone], text: &str, mut found: impl FnMut(&Phone, Strength, usize, usize)) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let starts = bytes[at].is_ascii_digit() || bytes[at] == b'+' || bytes[at] == b'(';
        let free = at == 0 || !bytes[at - 1].is_ascii_alphanumeric();
        if !starts || !free {
            at += 1;
            continue;
        }
        let mut end = at;
        let mut last_digit = at;
        while end < bytes.len()
            && (bytes[end].is_ascii_digit() || matches!(bytes[end], b' ' | b'(' | b')' | b'-' | b'.' | b'/' | b'+'))
        {
            if bytes[end].is_ascii_digit() {
                last_digit = end + 1;
            }
            end += 1;
        }
        let run = &text[at..last_digit];
        let free_after = bytes.get(last_digit).is_none_or(|b| !b.is_ascii_alphabetic());
        let plain = run.replace("(0)", "");
        let digits: String = plain.chars().filter(char::is_ascii_digit).collect();
        if free_after && (FEWEST..=20).contains(&digits.len()) {
            for phone in phones {
                if let Some(strength) = phone.is(&digits, run.starts_with('+')) {
                    found(phone, strength, at, last_digit);
                }
            }
        }
        at = end.max(at + 1);
    }
}

//! What a hit of the engine is worth: whether it stands where the needle may stand, and how sure it is.
//!
//! Pure: asks the text around a hit and nothing else. Must not know how hits are found.

use super::{
    matcher::{TextKind, TextMatch},
    matcher_bounds::{Around, Edge, joins_words},
    matcher_needles::{Form, Needle},
};
use crate::{
    model::{IdentifierKind, ReferenceKind, Strength},
    norm,
};

/// Whether a hit of the automaton at `at..end` of the bare text is one, and how sure.
pub(super) fn check(
    text: &str,
    bare: &norm::Normalized,
    at: usize,
    end: usize,
    needle: &Needle,
    owner: IdentifierKind,
    kind: TextKind,
) -> Option<TextMatch> {
    let end = match &needle.form {
        Form::EmailTag { domain } => end + tagged(&bare.text()[end..], domain)?,
        _ => end,
    };
    let span = bare.original(at, end);
    let (mut from, mut to) = (span.start, span.end);
    // A file's extension ends its name.
    let seen = if kind == TextKind::FileName { stem(text).filter(|s| to <= s.len()).unwrap_or(text) } else { text };
    let around = Around::new(seen, from, to);
    let mut strength = needle.cap;
    let mut reference = owner.reference_kind();
    let edge = match &needle.form {
        Form::Id => {
            let mention = around.mention();
            if let Some(lead) = mention {
                from -= lead;
                to += 1;
                strength = Strength::Certain;
                reference = ReferenceKind::Mention;
                Edge::Clean
            } else {
                if around.user_url() {
                    strength = Strength::Probable;
                }
                around.id(kind == TextKind::FileName && needle.cap > Strength::Possible)
            }
        }
        Form::Email | Form::EmailTag { .. } => around.email(),
        Form::Name => around.name(),
        Form::Joined { joiner, joints } => {
            if !joined(text, bare, at, joiner, joints, kind, &mut strength) {
                return None;
            }
            around.name()
        }
    };
    match edge {
        Edge::Clean => {}
        Edge::Soft => strength = Strength::Possible,
        Edge::Broken => return None,
    }
    let tag = matches!(needle.form, Form::EmailTag { .. });
    if !tag && !needle.spells(norm::fold(&text[span]).text()) {
        // The text has a diacritic that the identifier has not: perhaps the same person, perhaps not.
        strength = Strength::Possible;
    }
    Some(TextMatch { subject: 0, identifier: 0, from, to, strength, kind: reference })
}

/// A file name without its extension.
fn stem(name: &str) -> Option<&str> {
    let (stem, extension) = name.rsplit_once('.')?;
    let plain = (1..=5).contains(&extension.len()) && extension.bytes().all(|b| b.is_ascii_alphanumeric());
    (plain && !stem.is_empty()).then_some(stem)
}

/// The length of a plus tag, `@` and `domain` at the start of `rest`.
fn tagged(rest: &str, domain: &str) -> Option<usize> {
    let tag = rest.bytes().take(65).take_while(|b| b.is_ascii_alphanumeric() || b".-_+=".contains(b)).count();
    let after = rest.get(tag..)?.strip_prefix('@')?;
    after.starts_with(domain).then_some(tag + 1 + domain.len())
}

/// Whether words without a space between are the name, and how sure.
fn joined(
    text: &str,
    bare: &norm::Normalized,
    at: usize,
    joiner: &str,
    joints: &[usize],
    kind: TextKind,
    strength: &mut Strength,
) -> bool {
    if !joiner.is_empty() {
        if kind != TextKind::FileName || joiner == "+" {
            *strength = Strength::Possible;
        }
        return true;
    }
    for joint in joints {
        let joint = at + joint;
        let left = bare.text()[..joint].chars().next_back().map_or(0, char::len_utf8);
        let right = bare.text()[joint..].chars().next().map_or(0, char::len_utf8);
        let left = bare.original(joint - left, joint);
        let right = bare.original(joint, joint + right);
        let starts = text[right.clone()].chars().next();
        if left.end < right.start || starts.is_some_and(joins_words) {
            // A zero-width character stands for the space, or the script writes none.
        } else if starts.is_some_and(char::is_uppercase) && text[left].chars().any(char::is_lowercase) {
            *strength = Strength::Possible;
        } else {
            return false;
        }
    }
    true
}

/// Of hits of one subject that overlap, the surer and longer; all in order of position.
pub(super) fn longest(mut hits: Vec<TextMatch>) -> Vec<TextMatch> {
    if hits.len() < 2 {
        return hits;
    }
    hits.sort_by(|a, b| {
        let sure = |m: &TextMatch| m.strength > Strength::Possible;
        a.subject
            .cmp(&b.subject)
            .then(sure(b).cmp(&sure(a)))
            .then((b.to - b.from).cmp(&(a.to - a.from)))
            .then(b.strength.cmp(&a.strength))
            .then(a.identifier.cmp(&b.identifier))
            .then(a.from.cmp(&b.from))
    });
    let mut kept: std::collections::BTreeMap<(usize, usize), TextMatch> = std::collections::BTreeMap::new();
    for hit in hits {
        // Kept hits of a subject do not overlap, so only the neighbours can.
        let before = kept.range(..=(hit.subject, hit.from)).next_back();
        let after = kept.range((hit.subject, hit.from)..).next();
        let clear = before.is_none_or(|((s, _), m)| *s != hit.subject || m.to <= hit.from)
            && after.is_none_or(|((s, from), _)| *s != hit.subject || *from >= hit.to);
        if clear {
            kept.insert((hit.subject, hit.from), hit);
        }
    }
    let mut out: Vec<_> = kept.into_values().collect();
    out.sort_by_key(|m| (m.from, m.to, m.subject));
    out
}

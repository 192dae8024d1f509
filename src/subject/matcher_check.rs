//! What a hit of the engine is worth: whether it stands where the needle may stand, and how sure it is.
//!
//! Pure: asks the text around a hit and nothing else. Must not know how hits are found.

use super::{
    matcher::{TextKind, TextMatch},
    matcher_bounds::{Around, Edge, joins_words},
    matcher_name,
    matcher_needles::{Form, Needle},
};
use crate::{
    model::{IdentifierKind, ReferenceKind, Strength},
    norm,
};

/// What a hit of the engine at `at..end` of the bare text is, and how sure: nothing, one reference, or for a name the stretches
/// that may be it, of which [`longest`] chooses.
pub(super) fn check(
    text: &str,
    bare: &norm::Normalized,
    (at, end): (usize, usize),
    needle: &Needle,
    owner: IdentifierKind,
    kind: TextKind,
    mut found: impl FnMut(TextMatch),
) {
    let Form::Name { name, unit } = &needle.form else {
        if let Some(hit) = single(text, bare, (at, end), needle, owner, kind) {
            found(hit);
        }
        return;
    };
    let reference = owner.reference_kind();
    for hit in matcher_name::find(text, bare, (at, end), name, *unit, kind) {
        let strength = hit.strength.min(needle.cap);
        found(TextMatch { subject: 0, identifier: 0, from: hit.from, to: hit.to, strength, kind: reference });
    }
}

/// As [`check`], for whatever is no name.
fn single(
    text: &str,
    bare: &norm::Normalized,
    (at, end): (usize, usize),
    needle: &Needle,
    owner: IdentifierKind,
    kind: TextKind,
) -> Option<TextMatch> {
    let hit = |from, to, strength, kind| Some(TextMatch { subject: 0, identifier: 0, from, to, strength, kind });
    // A file's extension ends its name.
    let seen = |to: usize| {
        if kind == TextKind::FileName { stem(text).filter(|s| to <= s.len()).unwrap_or(text) } else { text }
    };
    let mut reference = owner.reference_kind();
    let (mut from, mut to, mut strength, edge) = match &needle.form {
        Form::Name { .. } => return None,
        Form::Email { domain, other } => {
            let (stop, sure) = if domain.is_empty() {
                (end, Strength::Probable)
            } else {
                let mut forms = std::iter::once(domain).chain(other);
                forms.find_map(|d| address(text, bare, end, d))?
            };
            let span = bare.original(at, stop);
            (span.start, span.end, sure, Around::new(seen(span.end), span.start, span.end).email())
        }
        Form::Dotless { local } => {
            let start = dotless(bare.text(), at, local)?;
            let span = bare.original(start, end);
            (span.start, span.end, Strength::Probable, Around::new(seen(span.end), span.start, span.end).email())
        }
        Form::Encoded { text: wanted } => {
            let span = bare.original(at, end);
            let stands =
                |c: Option<char>| c.is_none_or(|c| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '-' | '_')));
            let alone = stands(text[..span.start].chars().next_back()) && stands(text[span.end..].chars().next());
            if !alone || text[span.clone()] != **wanted {
                return None;
            }
            return hit(span.start, span.end, needle.cap, reference);
        }
        Form::Id | Form::Login | Form::Mailbox | Form::Short | Form::Joined { .. } => {
            let span = bare.original(at, end);
            (span.start, span.end, needle.cap, Edge::Clean)
        }
    };
    let around = Around::new(seen(to), from, to);
    let edge = match &needle.form {
        Form::Id => {
            if let Some(lead) = around.mention() {
                from -= lead;
                to += 1;
                strength = Strength::Certain;
                reference = ReferenceKind::Mention;
                Edge::Clean
            } else {
                let login = around.login();
                if login {
                    strength = Strength::Probable;
                }
                let edge = around.id(
                    kind == TextKind::FileName && needle.cap > Strength::Possible,
                    owner == IdentifierKind::AccountId,
                );
                if edge == Edge::Soft && around.file_title() { Edge::Clean } else { edge }
            }
        }
        Form::Login if !(around.login() || (owner == IdentifierKind::Email && around.announced())) => return None,
        // With another domain it is another mailbox.
        Form::Login | Form::Mailbox if around.at_sign() => return None,
        Form::Login | Form::Mailbox => around.id(kind == TextKind::FileName, false),
        Form::Short if !abbreviated(text, from, to) => return None,
        Form::Short => {
            // The dot belongs to it.
            to += 1;
            Around::new(text, from, to).name()
        }
        Form::Joined { joints } => {
            if !joined(text, bare, at, joints, &mut strength) {
                return None;
            }
            around.name()
        }
        _ => edge,
    };
    strength = match edge {
        Edge::Clean => strength,
        Edge::Soft => Strength::Possible,
        Edge::Broken => return None,
    };
    let own = bare.original(at, end);
    if !matches!(needle.form, Form::Dotless { .. })
        && !text[own.clone()].is_ascii()
        && !needle.spells(norm::fold(&text[own]).text())
    {
        // The text has a diacritic that the identifier has not: perhaps the same person, perhaps not.
        strength = Strength::Possible;
    }
    hit(from, to, strength, reference)
}

/// A file name without its extension.
pub(super) fn stem(name: &str) -> Option<&str> {
    let (stem, extension) = name.rsplit_once('.')?;
    let plain = (1..=5).contains(&extension.len()) && extension.bytes().all(|b| b.is_ascii_alphanumeric());
    (plain && !stem.is_empty()).then_some(stem)
}

/// Where the address ends of which the mailbox ends at `at`: a plus tag, `@` and `domain`, also broken over lines or with
/// the signs written out.
fn address(text: &str, bare: &norm::Normalized, at: usize, domain: &str) -> Option<(usize, Strength)> {
    let plain = bare.text();
    let mut pos = at;
    if plain[pos..].starts_with('+') {
        let tag = |b: &u8| b.is_ascii_alphanumeric() || b".-_+=".contains(b);
        pos += plain[pos..].bytes().take(65).take_while(tag).count();
    }
    let mut strength = Strength::Probable;
    pos = broken(text, bare, pos);
    if plain[pos..].starts_with('@') {
        pos += 1;
    } else {
        let spelled = ["(at)", "[at]", "{at}", "<at>", " at "];
        let (sign, len) = spelled.iter().find_map(|sign| {
            let rest = &plain[pos..];
            let trimmed = if sign.starts_with(' ') { rest } else { rest.trim_start_matches(' ') };
            trimmed.starts_with(sign).then(|| (*sign, rest.len() - trimmed.len() + sign.len()))
        })?;
        pos += len;
        if sign == " at " {
            strength = Strength::Possible;
        } else {
            pos += plain[pos..].len() - plain[pos..].trim_start_matches(' ').len();
        }
    }
    for c in domain.chars() {
        pos = broken(text, bare, pos);
        if plain[pos..].starts_with(c) {
            pos += c.len_utf8();
            continue;
        }
        let dots = ["(dot)", "[dot]", "{dot}", " dot ", " (dot) ", " [dot] "];
        let dot = dots.iter().find(|d| c == '.' && plain[pos..].starts_with(**d))?;
        pos += dot.len();
        if *dot == " dot " {
            strength = Strength::Possible;
        }
    }
    Some((pos, strength))
}

/// Over a line break, and the marks of a quoted mail, at `at`.
fn broken(text: &str, bare: &norm::Normalized, at: usize) -> usize {
    let plain = bare.text();
    let len = plain[at..].bytes().take(16).take_while(|b| matches!(b, b' ' | b'>')).count();
    if len == 0 || !plain[at..].starts_with(' ') {
        return at;
    }
    let gap = &text[bare.original(at, at + len)];
    if gap.matches('\n').count() == 1 { at + len } else { at }
}

/// Where the address begins of which `@` and the domain stand at `at`, if its mailbox is `local`, whatever its dots and
/// its tag.
fn dotless(plain: &str, at: usize, local: &str) -> Option<usize> {
    let inside = |c: &char| c.is_alphanumeric() || matches!(c, '.' | '+' | '-' | '_' | '=');
    let len: usize = plain[..at].chars().rev().take(130).take_while(inside).map(char::len_utf8).sum();
    let run = &plain[at - len..at];
    // Emphasis may stand before it.
    let trimmed = run.trim_start_matches(['_', '-', '+', '=', '.']);
    let mailbox = trimmed.split('+').next().unwrap_or_default();
    let mut wanted = local.chars();
    let same = mailbox.chars().filter(|c| *c != '.').all(|c| wanted.next() == Some(c)) && wanted.next().is_none();
    (same && !mailbox.is_empty()).then_some(at - trimmed.len())
}

/// Whether a given name and a letter at `from..to` are "Anna B.": in capitals, with one space between and a dot behind.
fn abbreviated(text: &str, from: usize, to: usize) -> bool {
    let hit = &text[from..to];
    let letter = hit.rsplit([' ', '_', '\u{a0}']).next().unwrap_or_default();
    letter.len() < hit.len()
        && letter.starts_with(char::is_uppercase)
        && hit.starts_with(char::is_uppercase)
        && text[to..].starts_with('.')
}

/// Whether words without a space between are the name, and how sure.
fn joined(text: &str, bare: &norm::Normalized, at: usize, joints: &[usize], strength: &mut Strength) -> bool {
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

/// A name with an address right behind it, `"Anna Berg" <anna.berg@other.example>`, is that mailbox's owner's: where it is none
/// of the subject's addresses, but named after the same name, the name is perhaps a namesake's. `known` says of which subjects
/// an address is known.
pub(super) fn weigh(text: &str, hits: &mut [TextMatch], known: impl Fn(usize) -> bool) {
    for i in 0..hits.len() {
        let hit = &hits[i];
        let name = matches!(hit.kind, ReferenceKind::FullName | ReferenceKind::Alias);
        if !name || hit.strength == Strength::Possible || !known(hit.subject) {
            continue;
        }
        let Some((from, to)) = owner_address(text, hit.to) else { continue };
        let own =
            |h: &TextMatch| h.subject == hit.subject && h.kind == ReferenceKind::Email && h.from < to && from < h.to;
        if named_after(&text[from..to], &text[hit.from..hit.to]) && !hits.iter().any(own) {
            hits[i].strength = Strength::Possible;
        }
    }
}

/// Whether the mailbox of an address is a person's of this name, as far as one can tell: a list's or a service's says nothing of who
/// is meant by the name in front.
fn named_after(address: &str, name: &str) -> bool {
    let mailbox = norm::bare(address.rsplit_once('@').map_or(address, |(local, _)| local)).into_text();
    let name = norm::bare(name);
    let words = || name.text().split(|c: char| !c.is_alphanumeric()).filter(|w| w.chars().count() > 2);
    // The mailbox of a name in other letters is romanised, in whatever way.
    words().any(|word| mailbox.contains(word)) || (mailbox.len() > 4 && words().all(|word| !word.is_ascii()))
}

/// The address in brackets right behind a name that ends at `at`.
fn owner_address(text: &str, at: usize) -> Option<(usize, usize)> {
    let rest = text[at..].trim_start_matches(['"', '\'', '\\', ' ', '\t']);
    let rest = ["&lt;", "<", "[", "("].iter().find_map(|open| rest.strip_prefix(open))?;
    let rest = rest.strip_prefix("mailto:").unwrap_or(rest);
    let from = text.len() - rest.len();
    let inside = |c: char| c.is_alphanumeric() || ".!#$%*+/=?^_{|}~@-".contains(c) || norm::is_ignorable(c);
    let address = rest.split(|c| !inside(c)).next()?;
    let (local, domain) = address.rsplit_once('@')?;
    (!local.is_empty() && domain.contains('.')).then_some((from, from + address.len()))
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

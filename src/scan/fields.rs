//! Fields that say what they hold, or that only together name a person: columns of a table, attributes and elements of
//! XML, first and last name beside each other.
//!
//! Finds such fields in a text and gives them in groups, with their places; asks the matcher about each. Must not walk JSON
//! (that is `json`), nor change a text.

use std::{borrow::Cow, ops::Range};

use super::json::hint;
use crate::{
    extract::views,
    model::{IdentifierKind, ReferenceKind, Strength},
    subject::{FieldHint, Matcher, Scope, TextKind},
};

/// Which part of a name a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    First,
    Middle,
    Last,
}

const FIRST: [&str; 9] =
    ["firstname", "fname", "givenname", "givennames", "forename", "vorname", "prenom", "prénom", "voornaam"];
const LAST: [&str; 9] =
    ["lastname", "lname", "familyname", "surname", "nachname", "zuname", "achternaam", "apellido", "apellidos"];
const MIDDLE: [&str; 5] = ["middlename", "middlenames", "nameprefix", "tussenvoegsel", "middle"];

/// The part of a name that a field of this name holds.
pub(super) fn role(name: &str) -> Option<Role> {
    if name.len() > 64 {
        return None;
    }
    let plain: String = name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    let is =
        |names: &[&str], short: &[&str]| names.iter().any(|n| plain.ends_with(n)) || short.contains(&plain.as_str());
    if is(&MIDDLE, &[]) {
        Some(Role::Middle)
    } else if is(&FIRST, &["first", "given"]) {
        Some(Role::First)
    } else if is(&LAST, &["last", "family", "nom", "sn"]) {
        Some(Role::Last)
    } else {
        None
    }
}

/// A field of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field<'a> {
    /// Its name; empty where nothing tells.
    pub(super) name: Cow<'a, str>,
    /// Where its value stands in the text.
    pub(super) span: Range<usize>,
}

/// What a group of fields says about somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Says {
    pub(super) subject: usize,
    pub(super) identifier: usize,
    pub(super) kind: ReferenceKind,
    pub(super) strength: Strength,
    /// The values that spell it, in order.
    pub(super) spans: Vec<Range<usize>>,
}

/// Who is named by these values, taken together as the parts of one name.
pub(super) fn name_of(
    matcher: &Matcher,
    scope: Scope<'_>,
    parts: &[&str],
) -> Vec<(usize, usize, ReferenceKind, Strength)> {
    let text = parts.iter().map(|p| p.trim()).filter(|p| !p.is_empty()).collect::<Vec<_>>().join(" ");
    if text.len() > 256 {
        return Vec::new();
    }
    let found = matcher.find_in(&text, scope, TextKind::Prose);
    let whole = |kind| matches!(kind, ReferenceKind::FullName | ReferenceKind::Alias);
    // A name among more words is somebody else's, or none.
    found
        .into_iter()
        .filter(|m| m.from == 0 && m.to == text.len() && whole(m.kind))
        .map(|m| (m.subject, m.identifier, m.kind, m.strength))
        .collect()
}

/// What the fields of one group say. `ids`: a field that holds a whole identifier by its name is `certain`.
pub(super) fn says(text: &str, group: &[Field<'_>], ids: bool, matcher: &Matcher, scope: Scope<'_>) -> Vec<Says> {
    let (Some(from), Some(to)) = (group.iter().map(|f| f.span.start).min(), group.iter().map(|f| f.span.end).max())
    else {
        return Vec::new();
    };
    if !matcher.may_match(&text.as_bytes()[from..to]) {
        return Vec::new();
    }
    let value = |field: &Field<'_>| -> String {
        let raw = &text[field.span.clone()];
        views::markup_stripped(raw).map_or_else(|| raw.to_owned(), |v| v.into_text())
    };
    let mut out: Vec<Says> = Vec::new();
    for field in group {
        let Some(hint) = hint(&field.name).filter(|_| ids && field.span.len() <= 256) else { continue };
        for m in matcher.exact(hint, value(field).trim(), scope) {
            let strength = match (m.confirmed, hint) {
                (false, _) => Strength::Possible,
                // A bare name may be a namesake's, also where it stands alone.
                (true, FieldHint::DisplayName) => Strength::Probable,
                (true, _) => Strength::Certain,
            };
            let spans = vec![field.span.clone()];
            out.push(Says { subject: m.subject, identifier: m.identifier, kind: m.kind, strength, spans });
        }
    }
    let of =
        |wanted: Role| group.iter().find(|f| role(&f.name) == Some(wanted) && !text[f.span.clone()].trim().is_empty());
    if let (Some(first), Some(last)) = (of(Role::First), of(Role::Last)) {
        let with = of(Role::Middle).map(|middle| vec![first, middle, last]);
        for fields in with.into_iter().chain([vec![first, last]]) {
            let values: Vec<String> = fields.iter().map(|f| value(f)).collect();
            let parts: Vec<&str> = values.iter().map(String::as_str).collect();
            for (subject, identifier, kind, strength) in name_of(matcher, scope, &parts) {
                let other = || group.iter().any(|f| is_of_another(f, &value(f), subject, matcher, scope));
                let strength = if other() { Strength::Possible } else { strength };
                out.push(Says { subject, identifier, kind, strength, spans: sorted(&fields) });
            }
        }
    } else if group.iter().all(|f| f.name.is_empty()) {
        for pair in group.windows(2) {
            let values = [value(&pair[0]), value(&pair[1])];
            for parts in [[&*values[0], &*values[1]], [&*values[1], &*values[0]]] {
                for (subject, identifier, kind, _) in name_of(matcher, scope, &parts) {
                    let spans = sorted(&[&pair[0], &pair[1]]);
                    // Some names are themselves in either order.
                    if out.iter().any(|s| s.subject == subject && s.spans == spans) {
                        continue;
                    }
                    out.push(Says { subject, identifier, kind, strength: Strength::Possible, spans });
                }
            }
        }
    }
    out
}

fn sorted(fields: &[&Field<'_>]) -> Vec<Range<usize>> {
    let mut spans: Vec<_> = fields.iter().map(|f| f.span.clone()).collect();
    spans.sort_by_key(|s| s.start);
    spans
}

/// Whether a field holds an id of a kind that is known of the subject, and another one: a namesake's.
fn is_of_another(field: &Field<'_>, value: &str, subject: usize, matcher: &Matcher, scope: Scope<'_>) -> bool {
    let kind = match hint(&field.name) {
        Some(FieldHint::AccountId) => IdentifierKind::AccountId,
        Some(FieldHint::UserKey) => IdentifierKind::UserKey,
        Some(FieldHint::Username) => IdentifierKind::Username,
        Some(FieldHint::Email) => IdentifierKind::Email,
        _ => return false,
    };
    let Some(hint) = hint(&field.name) else { return false };
    !value.trim().is_empty()
        && matcher.knows(subject, kind, scope)
        && !matcher.exact(hint, value.trim(), scope).iter().any(|m| m.subject == subject)
}

/// What separates the fields of a table.
const SEPARATORS: [u8; 4] = *b",;\t|";

/// Rows by which a table is known, and how long one may be (bytes) before it is none.
const SAMPLE: usize = 20;
const LONGEST_ROW: usize = 1 << 20;

/// Calls `each` for every row of a table with its fields; returns whether the text is one. `named`: the file's name says it.
pub(super) fn rows(text: &str, named: bool, mut each: impl FnMut(&[Field<'_>])) -> bool {
    let Some(separator) =
        SEPARATORS.into_iter().max_by_key(|s| table(text, *s, named)).filter(|s| table(text, *s, named) > 0)
    else {
        return false;
    };
    let mut at = 0;
    let mut names: Option<Vec<Cow<'_, str>>> = None;
    let mut first = true;
    while let Some((spans, end)) = row(text, at, separator) {
        at = end;
        if std::mem::take(&mut first) {
            let heads: Vec<&str> = spans.iter().map(|s| text[s.clone()].trim_matches(['\u{feff}', ' '])).collect();
            if heads.iter().any(|h| role(h).is_some() || hint(h).is_some()) {
                names = Some(heads.into_iter().map(Cow::Borrowed).collect());
                continue;
            }
        }
        let fields: Vec<Field<'_>> = spans
            .into_iter()
            .enumerate()
            .map(|(i, span)| Field { name: names.as_ref().and_then(|n| n.get(i)).cloned().unwrap_or_default(), span })
            .collect();
        each(&fields);
        // The parts of a name may stand beside each other under heads that say nothing.
        if names.is_some() && !names.iter().flatten().any(|n| role(n).is_some()) {
            each(&fields.iter().map(|f| Field { name: Cow::Borrowed(""), span: f.span.clone() }).collect::<Vec<_>>());
        }
    }
    true
}

/// How sure a text is a table with this separator: its columns; 0 where it is none.
fn table(text: &str, separator: u8, named: bool) -> usize {
    let mut at = 0;
    let mut widths = Vec::new();
    while widths.len() < SAMPLE
        && let Some((spans, end)) = row(text, at, separator)
    {
        at = end;
        if widths.is_empty() && spans.len() > 1 {
            let roles: Vec<_> = spans.iter().filter_map(|s| role(text[s.clone()].trim_matches('\u{feff}'))).collect();
            if roles.contains(&Role::First) && roles.contains(&Role::Last) {
                return 1000 + spans.len();
            }
        }
        if !(spans.len() == 1 && spans[0].is_empty()) {
            widths.push(spans.len());
        }
    }
    let Some(&width) = widths.first().filter(|w| **w > 1) else { return 0 };
    let same = widths.iter().filter(|w| **w == width).count();
    if same * 10 >= widths.len() * 9 && (named || widths.len() > 1) { width } else { 0 }
}

/// The fields of the row at `at`, quotation marks left out, and where the next one begins.
fn row(text: &str, at: usize, separator: u8) -> Option<(Vec<Range<usize>>, usize)> {
    let bytes = text.as_bytes();
    if at >= bytes.len() {
        return None;
    }
    let mut out = Vec::new();
    let mut from = at;
    loop {
        let quoted = bytes.get(from) == Some(&b'"');
        let mut end = from;
        let mut span = None;
        if quoted {
            let mut to = from + 1;
            let most = bytes.len().min(at + LONGEST_ROW);
            while let Some(i) = bytes.get(to..most).and_then(|rest| memchr::memchr(b'"', rest)) {
                to += i;
                if bytes.get(to + 1) == Some(&b'"') {
                    to += 2;
                    continue;
                }
                span = Some(from + 1..to);
                end = to + 1;
                break;
            }
        }
        let rest = &bytes[end..];
        let stop = memchr::memchr2(separator, b'\n', rest).map_or(bytes.len(), |i| end + i);
        let span = span.unwrap_or(from..stop);
        let line_end = bytes.get(stop) != Some(&separator);
        let to = if line_end && !quoted && text[span.clone()].ends_with('\r') { span.end - 1 } else { span.end };
        out.push(span.start..to.max(span.start));
        if line_end {
            return Some((out, stop + 1));
        }
        from = stop + 1;
    }
}

/// The longest tag that is looked into, in bytes.
const LONGEST_TAG: usize = 64 << 10;

/// Calls `each` for the attributes of every element of an XML or HTML text, and for elements beside each other that hold
/// nothing but text.
pub(super) fn elements(text: &str, mut each: impl FnMut(&[Field<'_>])) {
    let bytes = text.as_bytes();
    let mut beside: Vec<Field<'_>> = Vec::new();
    // Behind which place only white space may stand between elements of one group.
    let mut last = 0;
    let mut at = 0;
    while let Some(i) = memchr::memchr(b'<', &bytes[at..]) {
        at += i;
        let Some(tag) = tag(text, at) else {
            at += 1;
            continue;
        };
        if !tag.attributes.is_empty() {
            each(&tag.attributes);
        }
        let leaf = leaf(text, &tag);
        let gap = text[last.min(at)..at].trim().is_empty();
        if (!gap || leaf.is_none()) && !beside.is_empty() {
            each(&std::mem::take(&mut beside));
        }
        at = tag.end;
        if let Some((span, end)) = leaf {
            beside.push(Field { name: Cow::Borrowed(tag.name), span });
            at = end;
            last = end;
        } else {
            last = at;
        }
    }
    if !beside.is_empty() {
        each(&beside);
    }
}

struct Tag<'a> {
    name: &'a str,
    attributes: Vec<Field<'a>>,
    end: usize,
    empty: bool,
}

/// The start tag at `at`.
fn tag(text: &str, at: usize) -> Option<Tag<'_>> {
    let bytes = text.as_bytes();
    let name_end = name_end(bytes, at + 1);
    let name = &text[at + 1..name_end];
    if name.is_empty() {
        return None;
    }
    let mut tag = Tag { name: local(name), attributes: Vec::new(), end: name_end, empty: false };
    let most = bytes.len().min(at + LONGEST_TAG);
    while tag.end < most {
        match bytes[tag.end] {
            b'>' => {
                tag.end += 1;
                return Some(tag);
            }
            b'/' => {
                tag.empty = true;
                tag.end += 1;
            }
            b'<' => return None,
            b if b.is_ascii_whitespace() => tag.end += 1,
            _ => {
                let to = self::name_end(bytes, tag.end);
                let name = &text[tag.end..to];
                let quote = to + 1 + bytes.get(to + 1..)?.iter().take_while(|b| b.is_ascii_whitespace()).count();
                match (bytes.get(to), bytes.get(quote)) {
                    (Some(b'='), Some(mark @ (b'"' | b'\''))) if !name.is_empty() => {
                        let close = quote + 1 + memchr::memchr(*mark, bytes.get(quote + 1..most)?)?;
                        tag.attributes.push(Field { name: Cow::Borrowed(local(name)), span: quote + 1..close });
                        tag.end = close + 1;
                    }
                    // A character boundary, since nothing here stops inside one.
                    _ => tag.end = to.max(tag.end + text[tag.end..].chars().next().map_or(1, char::len_utf8)),
                }
            }
        }
    }
    None
}

fn name_end(bytes: &[u8], from: usize) -> usize {
    let len = bytes[from.min(bytes.len())..]
        .iter()
        .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b':'))
        .count();
    from + len
}

fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

/// Where the value of an element stands that holds nothing but text (or one CDATA section), and where it ends.
fn leaf(text: &str, tag: &Tag<'_>) -> Option<(Range<usize>, usize)> {
    if tag.empty {
        return None;
    }
    let bytes = text.as_bytes();
    let cdata = bytes[tag.end..].starts_with(b"<![CDATA[");
    let from = if cdata { tag.end + 9 } else { tag.end };
    let most = &bytes[from..bytes.len().min(from + LONGEST_TAG)];
    let to = from + if cdata { memchr::memmem::find(most, b"]]>")? } else { memchr::memchr(b'<', most)? };
    let close = if cdata { to + 3 } else { to };
    let rest = bytes[close..].strip_prefix(b"</")?;
    let end = memchr::memchr(b'>', &rest[..rest.len().min(256)])?;
    // A prefix of the name space may stand in front.
    rest[..end].trim_ascii_end().ends_with(tag.name.as_bytes()).then_some((from..to, close + 3 + end))
}

#[cfg(test)]
#[path = "fields_tests.rs"]
mod tests;

//! Findings that ask the same question: the same passage, the same address or name in the same kind of place, the same
//! namesake. A person answers once.
//!
//! Owns what a passage is and how groups are named: by keyed hashes, so that an id says nothing without the key. Decides
//! nothing. The texts that it is given go no further than into a hash and into what the caller masks.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    extract::{self, Format},
    keys::{Keys, Purpose},
    model::{Cut, Finding, Piece, Strength, Subject},
    norm,
};

/// Most words on either side of a hit that belong to its passage.
const AROUND: usize = 24;

/// Fewest words besides the hit by which a passage can be told from another: "call Zoë" is no passage.
const TELLING: usize = 4;

/// The largest file (bytes) in which passages are looked for.
pub const LARGEST: usize = 16 << 20;

/// Why findings belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GroupKind {
    /// The same words around the same hit.
    Passage,
    /// The same identifier in the same field of the same kind of record or file, as quoted mails have it.
    Quote,
    /// The same weak hit: whether this name is the person's at all.
    Namesake,
}

impl GroupKind {
    /// What it is called to the user.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passage => "same passage",
            Self::Quote => "same mention",
            Self::Namesake => "same namesake question",
        }
    }
}

/// A hit with the words around it.
#[derive(Clone, PartialEq, Eq)]
pub struct Passage {
    before: String,
    hit: String,
    after: String,
}

/// Shows no text.
impl std::fmt::Debug for Passage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Passage({})", self.before.len() + self.hit.len() + self.after.len())
    }
}

impl Passage {
    /// The passage around a cut in a record of Jira; `None` where it is no text, or too short to be told from another.
    #[must_use]
    pub fn in_json(record: &Value, cut: &Cut) -> Option<Self> {
        Self::of(cut, |pointer| record.pointer(pointer)?.as_str().map(str::to_owned))
    }

    /// The same in a file, a staged message or attachment; `name` tells the format where the bytes do not.
    #[must_use]
    pub fn in_file(name: &str, bytes: &[u8], cut: &Cut) -> Option<Self> {
        if bytes.len() > LARGEST {
            return None;
        }
        match extract::format(name, bytes) {
            Format::Json(_, text) => match serde_json::from_str::<Value>(&text) {
                Ok(value) => Self::in_json(&value, cut),
                Err(_) => None,
            },
            Format::JsonLines(_, text) => Self::of(cut, |pointer| {
                let (line, rest) = pointer.strip_prefix('/')?.split_once('/').unwrap_or((pointer, ""));
                let line = extract::lines(&text).nth(line.parse().ok()?)?.1;
                let value: Value = serde_json::from_str(line).ok()?;
                let rest = if rest.is_empty() { String::new() } else { format!("/{rest}") };
                value.pointer(&rest)?.as_str().map(str::to_owned)
            }),
            Format::Text(_, text) => Self::of(cut, |pointer| pointer.is_empty().then(|| text.to_string())),
            _ => None,
        }
    }

    fn of(cut: &Cut, text: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let Cut::Text { pieces } = cut else { return None };
        let (first, last) = (pieces.first()?, pieces.last()?);
        let (head, tail) = (text(&first.pointer)?, text(&last.pointer)?);
        let part = |p: &Piece| text(&p.pointer).and_then(|t| t.get(p.from..p.to).map(str::to_owned));
        let out = Self {
            before: sentence_before(head.get(..first.from)?).to_owned(),
            hit: pieces.iter().map(part).collect::<Option<String>>()?,
            after: sentence_after(tail.get(last.to..)?).to_owned(),
        };
        let telling = words(&out.before).len() + words(&out.after).len();
        (telling >= TELLING).then_some(out)
    }

    /// The passage as it stands, on one line: for who masks it.
    #[must_use]
    pub fn text(&self) -> String {
        let text = format!("{}{}{}", self.before, self.hit, self.after);
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// What is hashed: the words, however they are broken into lines, quoted or marked up.
    fn key(&self) -> String {
        [&self.before, &self.hit, &self.after].map(|part| words(part).join(" ")).join("\u{1f}")
    }
}

fn words(text: &str) -> Vec<String> {
    let plain = norm::bare(text).into_text();
    plain.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_owned).collect()
}

/// The ends of sentences in a text: behind a full stop, a question or an exclamation mark and before a blank, but not behind
/// what may be short for something ("Mr.", "A."); and blank lines.
fn ends(text: &str) -> Vec<usize> {
    let mut out = Vec::new();
    let (mut word, mut lines) = (0, 0);
    let mut chars = text.char_indices().peekable();
    while let Some((i, c)) = chars.next() {
        let next = chars.peek().map(|(_, c)| *c);
        match c {
            '.' | '!' | '?' if next.is_none_or(char::is_whitespace) && (c != '.' || word > 3) => {
                out.push(i + c.len_utf8());
            }
            '\n' => {
                lines += 1;
                if lines == 2 {
                    out.push(i + 1);
                }
            }
            _ => {}
        }
        word = if c.is_alphanumeric() { word + 1 } else { 0 };
        // Marks of quotation at the start of a line do not make it a line of its own.
        if !(c.is_whitespace() || c == '>') {
            lines = 0;
        }
    }
    out
}

fn sentence_before(text: &str) -> &str {
    let from = ends(text).into_iter().rev().find(|e| *e < text.len());
    let text = &text[from.unwrap_or_default()..];
    let mut starts: Vec<usize> = word_starts(text).collect();
    let keep = starts.len().saturating_sub(AROUND);
    let at = starts.drain(keep..).next().unwrap_or_default();
    if keep == 0 { text } else { &text[at..] }
}

fn sentence_after(text: &str) -> &str {
    let to = ends(text).into_iter().next().unwrap_or(text.len());
    let text = &text[..to];
    let cut = word_starts(text).nth(AROUND);
    &text[..cut.unwrap_or(text.len())]
}

fn word_starts(text: &str) -> impl Iterator<Item = usize> {
    let mut inside = false;
    text.char_indices().filter_map(move |(i, c)| {
        let starts = c.is_alphanumeric() && !inside;
        inside = c.is_alphanumeric();
        starts.then_some(i)
    })
}

/// The groups that a finding belongs to, from the narrowest to the widest.
#[must_use]
pub fn groups_of(
    keys: &Keys,
    subject: &Subject,
    finding: &Finding,
    passage: Option<&Passage>,
) -> Vec<(GroupKind, String)> {
    let r = &finding.reference;
    let identifier = subject.identifiers.get(r.identifier).map(|i| i.value.reveal().as_str()).unwrap_or_default();
    let id = |kind: GroupKind, parts: &[&str]| {
        let head = [subject.pseudonym.as_str(), kind.as_str(), r.kind.as_str()];
        let parts: Vec<&[u8]> = head.iter().chain(parts).map(|p| p.as_bytes()).collect();
        (kind, format!("g-{}", hex::encode(&keys.keyed_hash(Purpose::Finding, &parts)[..10])))
    };
    let mut out = Vec::new();
    if let Some(passage) = passage {
        out.push(id(GroupKind::Passage, &[&passage.key()]));
    }
    let path = r.record.path.as_deref().unwrap_or_default();
    let extension = path.rsplit('/').next().and_then(|name| name.rsplit_once('.')).map_or("", |(_, e)| e);
    let weak = if r.strength == Strength::Possible { "possible" } else { "" };
    let kind = r.record.record_type.as_str();
    out.push(id(GroupKind::Quote, &[identifier, kind, &r.field, &extension.to_lowercase(), weak]));
    if r.strength == Strength::Possible {
        out.push(id(GroupKind::Namesake, &[identifier]));
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn cut(pointer: &str, text: &str, hit: &str) -> Cut {
        let from = text.find(hit).unwrap();
        Cut::Text { pieces: vec![Piece { pointer: pointer.into(), from, to: from + hit.len() }] }
    }

    fn passage(text: &str, hit: &str) -> Option<Passage> {
        Passage::in_file("a.txt", text.as_bytes(), &cut("", text, hit))
    }

    #[test]
    fn a_copy_of_a_passage_is_the_same_however_it_is_broken_or_quoted() {
        let plain =
            "First this. On Monday A. Bergman asked Zoë Quandt about the new badge of Mr. Hill today. Then that!";
        let want = passage(plain, "Zoë Quandt").unwrap();
        assert_eq!(want.text(), "On Monday A. Bergman asked Zoë Quandt about the new badge of Mr. Hill today.");
        for copy in [
            "On Monday A. Bergman asked Zoë Quandt about the new badge of Mr. Hill today.",
            "> On Monday A. Bergman\n> asked Zoë Quandt about\n> the new badge of Mr. Hill today.\n\nother words follow",
            "Something else.\n\nOn   Monday, A. Bergman asked *Zoë Quandt* about the _new_ badge of Mr. Hill today. More.",
            "A heading without a stop\n\nOn Monday A. Bergman asked Zoë Quandt about the new badge of Mr. Hill today\n\nAnna",
            "> A heading\n>\n> On Monday A. Bergman asked Zoë Quandt about the new badge of Mr. Hill today.",
            "ON MONDAY A. BERGMAN asked Zoë Quandt about the new badge of MR. HILL today!",
        ] {
            assert_eq!(passage(copy, "Zoë Quandt").unwrap().key(), want.key(), "{copy}");
        }
        for other in [
            "On Monday A. Bergman asked Zoë Quandt about the old badge of Mr. Hill today.",
            "On Tuesday A. Bergman asked Zoë Quandt about the new badge of Mr. Hill today.",
            "Zoë Quandt: on Monday A. Bergman asked about the new badge of Mr. Hill today.",
        ] {
            assert_ne!(passage(other, "Zoë Quandt").unwrap().key(), want.key(), "{other}");
        }
        // Another spelling of the hit is another question.
        assert_ne!(passage(&plain.replace("Zoë Quandt", "Z. Quandt"), "Z. Quandt").unwrap().key(), want.key());
    }

    #[test]
    fn what_tells_nothing_is_no_passage() {
        assert!(passage("call Zoë now please", "Zoë").is_none());
        assert!(passage("please do call Zoë now", "Zoë").is_some());
        assert!(Passage::in_json(&json!({ "a": 1 }), &Cut::Node { pointer: "/a".into() }).is_none());
        assert!(Passage::in_file("a.zip", b"PK\x03\x04", &Cut::Whole).is_none());
        let wide = format!("{} Zoë {}", "word ".repeat(500), "more ".repeat(500));
        let got = passage(&wide, "Zoë").unwrap();
        assert_eq!((words(&got.before).len(), words(&got.after).len()), (AROUND, AROUND));
    }

    #[test]
    fn in_records_and_lines_of_json() {
        let text = "please ask Zoë about it today";
        let want = passage(text, "Zoë").unwrap();
        let value = json!({ "fields": { "description": text } });
        let c = cut("/fields/description", text, "Zoë");
        assert_eq!(Passage::in_json(&value, &c).unwrap(), want);
        assert_eq!(Passage::in_file("m.json", value.to_string().as_bytes(), &c).unwrap(), want);
        let lines = format!("{{\"n\":1}}\n{value}\n{{\"n\":2}}\n");
        let c = cut("/1/fields/description", text, "Zoë");
        assert_eq!(Passage::in_file("m.jsonl", lines.as_bytes(), &c).unwrap(), want);
        // Formatting may split the hit over several texts.
        let adf = json!({ "content": [{ "text": "please ask Z" }, { "text": "oë" }, { "text": " about it today" }] });
        let piece = |n: usize, from, to| Piece { pointer: format!("/content/{n}/text"), from, to };
        let split = Cut::Text { pieces: vec![piece(0, 11, 12), piece(1, 0, 3)] };
        let got = Passage::in_json(&adf, &split);
        assert!(got.is_none(), "only the texts that hold the hit are looked at");
        // A position that does not fit is no passage, and no panic.
        assert!(Passage::in_json(&value, &cut("/fields/none", text, "Zoë")).is_none());
        let beyond = Cut::Text { pieces: vec![Piece { pointer: "/fields/description".into(), from: 12, to: 9999 }] };
        assert!(Passage::in_json(&value, &beyond).is_none());
    }

    #[test]
    fn ids_say_nothing_and_belong_to_one_subject() {
        use crate::model::{
            Area, Decision, Identifier, IdentifierKind, Personal, Place, RecordRef, RecordTimes, Reference,
            ReferenceKind,
        };
        let dir = tempfile::tempdir().unwrap();
        let keys = Keys::create(dir.path()).unwrap();
        let subject = |pseudonym: &str| {
            let identifier = Identifier {
                kind: IdentifierKind::FullName,
                value: Personal::new("Zoë Quandt".into()),
                instance: None,
                confirmed: true,
            };
            Subject::new(Personal::new("r-1".parse().unwrap()), pseudonym.into(), vec![identifier])
        };
        let finding = |path: &str, strength| Finding {
            id: "f".into(),
            reference: Reference {
                subject: 0,
                identifier: 0,
                place: Place::new(Area::Foreign, "p"),
                instance: None,
                project: None,
                record: RecordRef::file(path),
                field: String::new(),
                locator: String::new(),
                kind: ReferenceKind::FullName,
                strength,
                cut: Cut::Whole,
                times: RecordTimes::default(),
                issue: None,
            },
            decision: Decision::Review,
            rule: "r".into(),
            reasons: vec![],
        };
        let p = passage("please ask Zoë about it today", "Zoë");
        let of = |s: &str, f: &Finding, p: Option<&Passage>| groups_of(&keys, &subject(s), f, p);
        let a = of("p-1", &finding("x/a.eml", Strength::Possible), p.as_ref());
        use GroupKind as K;
        assert_eq!(a.iter().map(|g| g.0).collect::<Vec<_>>(), [K::Passage, K::Quote, K::Namesake]);
        assert!(a.iter().all(|g| g.1.len() == 22 && g.1.starts_with("g-")));
        assert_eq!(of("p-1", &finding("y/b.EML", Strength::Possible), p.as_ref()), a, "another file of the same type");
        assert!(of("p-2", &finding("x/a.eml", Strength::Possible), p.as_ref()).iter().all(|g| !a.contains(g)));
        let other = of("p-1", &finding("x/a.csv", Strength::Possible), None);
        assert_eq!((other.len(), &other[1]), (2, &a[2]));
        assert_ne!(other[0], a[1]);
        assert_eq!(of("p-1", &finding("x/a.eml", Strength::Probable), None).len(), 1, "a sure hit is no namesake");
    }

    proptest::proptest! {
        #[test]
        fn a_passage_is_a_part_of_its_text(before in "([a-zé.!?> \n]|…){0,80}", after in "([a-zé.!?> \n]|…){0,80}") {
            let (from, to) = (sentence_before(&before), sentence_after(&after));
            proptest::prop_assert!(before.ends_with(from) && after.starts_with(to));
            proptest::prop_assert!(words(from).len() <= AROUND && words(to).len() <= AROUND);
            // What stands before the passage, in a sentence of its own, changes nothing.
            let text = format!("{before}Zoe{after}");
            let cut = cut_at(before.len());
            let moved = format!("Another sentence.\n\n{text}");
            let there = cut_at(before.len() + moved.len() - text.len());
            let key = |text: &str, cut: &Cut| Passage::in_file("a.txt", text.as_bytes(), cut).map(|p| p.key());
            proptest::prop_assert_eq!(key(&text, &cut), key(&moved, &there));
        }
    }

    fn cut_at(from: usize) -> Cut {
        Cut::Text { pieces: vec![Piece { pointer: String::new(), from, to: from + 3 }] }
    }
}

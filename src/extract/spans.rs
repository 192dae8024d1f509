//! JSON with positions: which bytes of a text each value, member name and piece of a string stand in.
//!
//! serde_json forgets positions, and of two members of one name it forgets the first. A byte-exact edit and the claim
//! that everything was read need both.

use std::ops::Range;

/// Why a text is not JSON that can be edited by position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SpanError {
    /// The text is no JSON at this byte.
    #[error("not JSON at byte {0}")]
    Syntax(usize),
    /// Nested too deep.
    #[error("nested more than {DEEPEST} levels deep")]
    TooDeep,
}

/// The deepest nesting that is read; serde_json itself stops at 128.
const DEEPEST: usize = 128;

/// What a value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A string, quotes included in its span.
    String,
    /// A number, `true`, `false` or `null`.
    Scalar,
    /// An array.
    Array(Vec<Node>),
    /// An object, every member in order, also those of one name.
    Object(Vec<Member>),
}

/// A value and its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The bytes of the value, without white space around it.
    pub span: Range<usize>,
    /// What it is.
    pub kind: Kind,
}

/// A member of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The bytes of the name's token, quotes included.
    pub name_span: Range<usize>,
    /// The name, escapes resolved.
    pub name: String,
    /// The value.
    pub value: Node,
}

/// Reads `text` as one JSON value.
///
/// # Errors
/// When it is none, or nests too deep.
pub fn parse(text: &str) -> Result<Node, SpanError> {
    let mut reader = Reader { bytes: text.as_bytes(), at: 0 };
    reader.space();
    let node = reader.value(0)?;
    reader.space();
    if reader.at == text.len() { Ok(node) } else { Err(SpanError::Syntax(reader.at)) }
}

/// Whether `text` is one JSON value, by the same judgement as [`parse`] and serde_json together, without a tree.
#[must_use]
pub fn is_json(text: &str) -> bool {
    let mut reader = Reader { bytes: text.as_bytes(), at: 0 };
    reader.space();
    let read = reader.skip(0).is_ok();
    reader.space();
    read && reader.at == text.len()
}

/// The items of `text`, if it [is JSON](is_json) and an array.
#[must_use]
pub fn array(text: &str) -> Option<Vec<Range<usize>>> {
    let mut reader = Reader { bytes: text.as_bytes(), at: 0 };
    reader.space();
    if reader.peek() != Some(b'[') {
        return None;
    }
    let items = reader.list(b']', |r| {
        let from = r.at;
        r.skip(1).map(|()| from..r.at)
    });
    reader.space();
    items.ok().filter(|_| reader.at == text.len())
}

/// The items of an array that comes a block at a time, by the judgement of [`array()`].
#[derive(Debug, Default)]
pub struct Items {
    state: Expects,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Expects {
    #[default]
    Array,
    /// The first item, or the end.
    First,
    Item,
    /// A comma, or the end.
    More,
    Nothing,
}

impl Items {
    /// The items that end in the next block, and how many of its bytes were read: the next block begins behind them. `last`:
    /// nothing comes behind this one. `None` where it is no array; an item that never ends is told only then. Whether what was
    /// read is UTF-8 is for the caller to judge.
    #[must_use]
    pub fn block(&mut self, bytes: &[u8], last: bool) -> Option<(Vec<Range<usize>>, usize)> {
        let mut reader = Reader { bytes, at: 0 };
        let mut items = Vec::new();
        loop {
            reader.space();
            let Some(next) = reader.peek() else { break };
            let (state, len) = match (self.state, next) {
                (Expects::Array, b'[') => (Expects::First, 1),
                (Expects::First | Expects::More, b']') => (Expects::Nothing, 1),
                (Expects::More, b',') => (Expects::Item, 1),
                (Expects::First | Expects::Item, _) => {
                    let from = reader.at;
                    // What ends with the block may go on in the next.
                    if reader.skip(1).is_err() || reader.at == bytes.len() {
                        return (!last).then_some((items, from));
                    }
                    items.push(from..reader.at);
                    (Expects::More, 0)
                }
                _ => return None,
            };
            self.state = state;
            reader.at += len;
        }
        (!last || self.state == Expects::Nothing).then_some((items, reader.at))
    }
}

/// What stands directly in an array or object of valid JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Children {
    /// The items.
    Items(Vec<Range<usize>>),
    /// Names, escapes resolved, and values of all members, also those of one name.
    Members(Vec<(String, Range<usize>)>),
    /// It is neither array nor object.
    None,
}

/// The children of the value that stands at `span` of `text`.
///
/// # Errors
/// When it is no JSON.
pub fn children(text: &str, span: Range<usize>) -> Result<Children, SpanError> {
    let mut reader = Reader { bytes: &text.as_bytes()[..span.end], at: span.start };
    let skipped = |r: &mut Reader<'_>| {
        let from = r.at;
        r.skip(0).map(|()| from..r.at)
    };
    match reader.peek() {
        Some(b'[') => reader.list(b']', skipped).map(Children::Items),
        Some(b'{') => {
            let member = |r: &mut Reader<'_>| Ok((r.name()?.1, skipped(r)?));
            reader.list(b'}', member).map(Children::Members)
        }
        _ => Ok(Children::None),
    }
}

impl Node {
    /// The nodes from this one down to the one at a JSON pointer (RFC 6901), the last being the one itself.
    #[must_use]
    pub fn path(&self, pointer: &str) -> Option<Vec<&Self>> {
        let mut path = vec![self];
        if pointer.is_empty() {
            return Some(path);
        }
        let mut node = self;
        for part in pointer.strip_prefix('/')?.split('/') {
            let part = part.replace("~1", "/").replace("~0", "~");
            node = match &node.kind {
                // Of two members of one name the last counts, as for every reader.
                Kind::Object(members) => &members.iter().rfind(|m| m.name == part)?.value,
                Kind::Array(items) => items.get(part.parse::<usize>().ok()?)?,
                Kind::String | Kind::Scalar => return None,
            };
            path.push(node);
        }
        Some(path)
    }

    /// The node at a JSON pointer.
    #[must_use]
    pub fn at(&self, pointer: &str) -> Option<&Self> {
        self.path(pointer)?.pop()
    }

    /// The member of an object that has this name; of several the last.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&Member> {
        match &self.kind {
            Kind::Object(members) => members.iter().rfind(|m| m.name == name),
            _ => None,
        }
    }
}

/// A string token's text, escapes resolved, and the byte of the token at which each byte of the text begins; one more
/// entry for its end. `None` if `token` is no string token.
#[must_use]
pub fn decode(token: &str) -> Option<(String, Vec<usize>)> {
    let inner = token.strip_prefix('"')?.strip_suffix('"')?;
    let bytes = token.as_bytes();
    let mut text = String::with_capacity(inner.len());
    let mut starts = Vec::with_capacity(inner.len() + 1);
    let mut at = 1;
    let end = token.len() - 1;
    while at < end {
        let (c, len) = if bytes[at] == b'\\' {
            match bytes.get(at + 1)? {
                b'u' => super::views::unicode_escape(bytes, at).unwrap_or_else(|| {
                    // Half a surrogate pair, or no escape at all.
                    let digits = bytes.get(at + 2..at + 6).is_some_and(|d| d.iter().all(u8::is_ascii_hexdigit));
                    ('\u{fffd}', if digits { 6 } else { 2 })
                }),
                b'n' => ('\n', 2),
                b'r' => ('\r', 2),
                b't' => ('\t', 2),
                b'b' => ('\u{8}', 2),
                b'f' => ('\u{c}', 2),
                _ => {
                    let c = token[at + 1..end].chars().next()?;
                    (c, 1 + c.len_utf8())
                }
            }
        } else {
            let c = token[at..].chars().next()?;
            (c, c.len_utf8())
        };
        text.push(c);
        starts.resize(text.len(), at);
        at += len;
    }
    starts.push(end);
    Some((text, starts))
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn expect(&mut self, byte: u8) -> Result<(), SpanError> {
        if self.peek() == Some(byte) {
            self.at += 1;
            Ok(())
        } else {
            Err(SpanError::Syntax(self.at))
        }
    }

    fn value(&mut self, depth: usize) -> Result<Node, SpanError> {
        if depth > DEEPEST {
            return Err(SpanError::TooDeep);
        }
        let from = self.at;
        let kind = match self.peek() {
            Some(b'"') => {
                self.string()?;
                Kind::String
            }
            Some(b'{') => Kind::Object(self.list(b'}', |r| r.member(depth))?),
            Some(b'[') => Kind::Array(self.list(b']', |r| r.value(depth + 1))?),
            _ => {
                self.scalar()?;
                Kind::Scalar
            }
        };
        Ok(Node { span: from..self.at, kind })
    }

    fn scalar(&mut self) -> Result<(), SpanError> {
        let from = self.at;
        while self.peek().is_some_and(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b)) {
            self.at += 1;
        }
        let scalar = &self.bytes[from..self.at];
        // Most numbers are short and whole; of all others serde_json is the judge.
        let digits = scalar.iter().all(u8::is_ascii_digit);
        let plain = digits && (1..19).contains(&scalar.len()) && (scalar[0] != b'0' || scalar.len() == 1);
        if plain
            || matches!(scalar, b"true" | b"false" | b"null")
            || serde_json::from_slice::<serde_json::Value>(scalar).is_ok()
        {
            Ok(())
        } else {
            Err(SpanError::Syntax(from))
        }
    }

    fn member(&mut self, depth: usize) -> Result<Member, SpanError> {
        let (name_span, name) = self.name()?;
        Ok(Member { name_span, name, value: self.value(depth + 1)? })
    }

    /// A member's name and the colon behind it.
    fn name(&mut self) -> Result<(Range<usize>, String), SpanError> {
        let span = self.string()?;
        let token = std::str::from_utf8(&self.bytes[span.clone()]).ok();
        let name = token.and_then(decode).ok_or(SpanError::Syntax(span.start))?.0;
        self.colon()?;
        Ok((span, name))
    }

    fn colon(&mut self) -> Result<(), SpanError> {
        self.space();
        self.expect(b':')?;
        self.space();
        Ok(())
    }

    /// Passes over a value, as strictly as serde_json.
    fn skip(&mut self, depth: usize) -> Result<(), SpanError> {
        match self.peek() {
            Some(b'"') => self.strict_string(),
            // serde_json reads 127 levels.
            Some(b'{' | b'[') if depth + 1 >= DEEPEST => Err(SpanError::TooDeep),
            Some(b'{') => self
                .list(b'}', |r| {
                    r.strict_string()?;
                    r.colon()?;
                    r.skip(depth + 1)
                })
                .map(drop),
            Some(b'[') => self.list(b']', |r| r.skip(depth + 1)).map(drop),
            _ => self.scalar(),
        }
    }

    /// As [`Reader::string`], but refuses what no JSON string may hold.
    fn strict_string(&mut self) -> Result<(), SpanError> {
        let from = self.at;
        let bytes = self.bytes;
        self.expect(b'"')?;
        loop {
            self.at += plain_length(&bytes[self.at..]);
            match bytes.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => match bytes.get(self.at + 1) {
                    Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
                    Some(b'u') => {
                        let digits = bytes.get(self.at + 2..self.at + 6).unwrap_or_default();
                        let surrogate = matches!(digits, [b'd' | b'D', b'8' | b'9' | b'a'..=b'f' | b'A'..=b'F', ..]);
                        if surrogate {
                            return self.judged(from);
                        }
                        if digits.len() < 4 || !digits.iter().all(u8::is_ascii_hexdigit) {
                            return Err(SpanError::Syntax(from));
                        }
                        self.at += 6;
                    }
                    _ => return Err(SpanError::Syntax(from)),
                },
                _ => return Err(SpanError::Syntax(from)),
            }
        }
    }

    /// The string that begins at `from`, of which serde_json is the judge.
    fn judged(&mut self, from: usize) -> Result<(), SpanError> {
        self.at = from;
        let span = self.string()?;
        let token = &self.bytes[span];
        if token.iter().any(|b| *b < 0x20) || serde_json::from_slice::<serde_json::Value>(token).is_err() {
            return Err(SpanError::Syntax(from));
        }
        Ok(())
    }

    fn list<T>(
        &mut self,
        close: u8,
        mut item: impl FnMut(&mut Self) -> Result<T, SpanError>,
    ) -> Result<Vec<T>, SpanError> {
        self.at += 1;
        let mut out = Vec::new();
        self.space();
        if self.peek() == Some(close) {
            self.at += 1;
            return Ok(out);
        }
        loop {
            self.space();
            out.push(item(self)?);
            self.space();
            if self.peek() == Some(close) {
                self.at += 1;
                return Ok(out);
            }
            self.expect(b',')?;
        }
    }

    fn string(&mut self) -> Result<Range<usize>, SpanError> {
        let from = self.at;
        self.expect(b'"')?;
        loop {
            let rest = &self.bytes[self.at..];
            let i = memchr::memchr2(b'"', b'\\', rest).ok_or(SpanError::Syntax(from))?;
            self.at += i + 1;
            if rest[i] == b'"' {
                return Ok(from..self.at);
            }
            // Whatever follows a backslash is ASCII in JSON.
            match self.peek() {
                Some(b) if b.is_ascii() => self.at += 1,
                _ => return Err(SpanError::Syntax(self.at)),
            }
        }
    }
}

/// How many bytes stand before the next quotation mark, backslash or control character.
fn plain_length(bytes: &[u8]) -> usize {
    let mut at = 0;
    #[cfg(target_arch = "x86_64")]
    if let Some(simd) = pulp::core_arch::x86::Sse2::try_new() {
        while let Some(sixteen) = bytes.get(at..).and_then(|b| b.first_chunk::<16>()) {
            let block = pulp::cast(*sixteen);
            let is = |b: u8| simd._mm_cmpeq_epi8(block, simd._mm_set1_epi8(b as i8));
            let controls = simd._mm_cmpeq_epi8(simd._mm_min_epu8(block, simd._mm_set1_epi8(0x1f)), block);
            let found = simd._mm_or_si128(controls, simd._mm_or_si128(is(b'"'), is(b'\\')));
            let found = simd._mm_movemask_epi8(found);
            if found != 0 {
                return at + found.trailing_zeros() as usize;
            }
            at += 16;
        }
    }
    at + plain_length_by_words(&bytes[at..])
}

/// The same eight at a time.
fn plain_length_by_words(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::MAX / 0xff;
    const HIGH: u64 = ONES << 7;
    let mut at = 0;
    while let Some(eight) = bytes.get(at..).and_then(|b| b.first_chunk()) {
        let word = u64::from_le_bytes(*eight);
        // The high bit of each byte that is less than `n`; behind the first such, others may have it too.
        let less = |word: u64, n: u64| word.wrapping_sub(ONES * n) & !word & HIGH;
        let is = |b: u8| less(word ^ (ONES * u64::from(b)), 1);
        let found = less(word, 0x20) | is(b'"') | is(b'\\');
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let rest = &bytes[at..];
    at + rest.iter().position(|b| *b < 0x20 || matches!(b, b'"' | b'\\')).unwrap_or(rest.len())
}

#[cfg(test)]
mod tests;

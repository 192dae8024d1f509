//! Large files of JSON, a block at a time: lines of it, and arrays by their items. Neither memory nor the processor's caches have
//! to hold more than a block.
//!
//! Owns where a block ends: where nothing that is read as one lies across. Gives what [`scan_bytes`](super::scan_bytes) gives of
//! the whole file, or nothing at all where the file is none such, which may show at its very end: then it has to be read whole.
//! Must not open files.

use std::io::{ErrorKind, Read};

use super::{Before, Scan, of_files};
use crate::{
    extract::{self, Inside, Limits, Records, Unread, encoding, layout, spans::Items},
    model::Reference,
    scan::context::Context,
    subject::{Look, Matcher},
};

/// A scan of a file that comes in blocks.
pub(in crate::scan) struct Blocks<'a> {
    name: &'a str,
    ctx: Context,
    matcher: &'a Matcher,
    /// `None` for lines.
    array: Option<Items>,
    before: Before,
    inside: Inside<'a>,
    out: Vec<Reference>,
    gaps: Vec<Unread>,
    /// What the files inside the text gave.
    inner: (Vec<Reference>, Vec<Unread>),
}

impl<'a> Blocks<'a> {
    /// `None` where a file that begins with the block `first` has to be read whole. `name` as for `scan_bytes`.
    pub(in crate::scan) fn new(
        name: &'a str,
        first: &[u8],
        ctx: &Context,
        matcher: &'a Matcher,
        limits: &'a Limits,
    ) -> Option<Self> {
        let text = characters(first)?;
        let records = extract::records(name, text)?;
        if layout::has_view(first) || extract::by_signature(first).is_some() {
            return None;
        }
        Some(Self {
            name,
            ctx: of_files(ctx),
            matcher,
            array: (records == Records::Array).then(Items::default),
            before: Before::default(),
            inside: Inside::new(limits),
            out: Vec::new(),
            gaps: Vec::new(),
            inner: (Vec::new(), Vec::new()),
        })
    }

    /// Searches the first block, which fills `buffer`, and then what `file` gives, a buffer at a time, which grows for large records
    /// up to `largest` bytes. `done` is given the bytes in order, once each. What was found and what could not be read; `None`
    /// where the file has to be read whole.
    pub(in crate::scan) fn read(
        mut self,
        mut file: impl Read,
        buffer: &mut Vec<u8>,
        largest: usize,
        done: &mut dyn FnMut(&[u8]),
    ) -> std::io::Result<Option<(Vec<Reference>, Vec<Unread>)>> {
        let (mut held, mut last) = (buffer.len(), false);
        loop {
            let Some(end) = self.block(&buffer[..held], last) else { return Ok(None) };
            done(&buffer[..end]);
            if last {
                return Ok(Some(self.finish()));
            }
            buffer.copy_within(end..held, 0);
            held -= end;
            if held > buffer.len() / 2 {
                if buffer.len() >= largest {
                    return Ok(None);
                }
                buffer.resize(buffer.len() * 2, 0);
            }
            while held < buffer.len() && !last {
                match file.read(&mut buffer[held..]) {
                    Ok(more) => {
                        held += more;
                        last = more == 0;
                    }
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
        }
    }

    /// Searches the next block: how many of its bytes are done, behind which the next block begins. `last`: nothing comes behind
    /// it. `None` where the file has to be read whole.
    fn block(&mut self, bytes: &[u8], last: bool) -> Option<usize> {
        let (items, end) = match &mut self.array {
            Some(array) => array.block(bytes, last)?,
            None => (Vec::new(), if last { bytes.len() } else { lines_end(bytes) }),
        };
        let bytes = &bytes[..end];
        let look = self.matcher.look(bytes);
        if !matches!(look, Look::No { hides: false, .. }) && encoding::hides_text(bytes) {
            return None;
        }
        // That there is nothing is often told together with its being text.
        let text = match look {
            Look::No { utf8: true, .. } => "",
            _ => simdutf8::basic::from_utf8(bytes).ok()?,
        };
        if let Look::May { clean } = look {
            let scan = Scan::new(&self.ctx, self.matcher, self.name, &mut self.out, &mut self.gaps);
            let mut scan = Scan { before: self.before, ..scan };
            match self.array {
                // Two readers of JSON that disagree: read whole, it is searched as text.
                Some(_) if !scan.items(text, &items, "", None, clean) => return None,
                Some(_) => {}
                None => scan.lines(text, clean),
            }
        }
        self.embedded(bytes);
        self.before.bytes += bytes.len();
        self.before.lines += memchr::memchr_iter(b'\n', bytes).count();
        self.before.items += items.len();
        Some(end)
    }

    fn embedded(&mut self, bytes: &[u8]) {
        let Self { ctx, matcher, inner: (out, gaps), .. } = self;
        let mut visit = |leaf: extract::Leaf<'_>| super::leaf(leaf, ctx, matcher, out, gaps);
        let unread = self.inside.block(self.name, self.before.bytes, bytes, &mut visit);
        self.inner.1.extend(unread);
    }

    fn finish(mut self) -> (Vec<Reference>, Vec<Unread>) {
        self.out.append(&mut self.inner.0);
        self.gaps.append(&mut self.inner.1);
        (self.out, self.gaps)
    }
}

/// A block's text, without the beginning of a character that goes on in the next; `None` if it is none.
fn characters(bytes: &[u8]) -> Option<&str> {
    let tail = bytes.iter().rev().take(3).take_while(|b| **b & 0xc0 == 0x80).count();
    let lead = bytes.len().checked_sub(tail + 1);
    let whole = match lead.map(|at| bytes[at]) {
        Some(0xc0..) => {
            simdutf8::basic::from_utf8(bytes).or_else(|_| simdutf8::basic::from_utf8(&bytes[..bytes.len() - tail - 1]))
        }
        _ => simdutf8::basic::from_utf8(bytes),
    };
    whole.ok()
}

/// Where the last record ends behind which another begins: no word, no run of base64, nothing that uuencode wrote goes on behind
/// `}`, a line's end and `{`. Zero where there is none.
fn lines_end(bytes: &[u8]) -> usize {
    memchr::memrchr_iter(b'\n', bytes)
        .find(|at| {
            let before = bytes[..*at].strip_suffix(b"\r").unwrap_or(&bytes[..*at]);
            before.ends_with(b"}") && bytes.get(at + 1) == Some(&b'{')
        })
        .map_or(0, |at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_ends_between_records_and_characters() {
        for (bytes, end) in [
            (&b"{}\n{}\n{"[..], 6),
            (b"{}\r\n{}\n", 4),
            (b"{}\n{}", 3),
            (b"{}\nab\n{}\n", 0),
            (b"{}\n [\n{", 0),
            (b"{", 0),
            (b"", 0),
        ] {
            assert_eq!(lines_end(bytes), end, "{bytes:?}");
        }
        let text = "aä€😀";
        for end in 0..=text.len() {
            let want = (0..=end).rev().find(|at| text.is_char_boundary(*at)).map(|at| &text[..at]);
            assert_eq!(characters(&text.as_bytes()[..end]), want);
        }
        assert_eq!(characters(b"\x80abc"), None);
        assert_eq!(characters(b"abc\x80"), None);
        assert_eq!(characters(b"\xff\x80a"), None);
    }
}

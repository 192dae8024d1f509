//! Readers of whole documents: PDF, mail, the XML parts of office documents, images' metadata. Other people's code, given files from
//! anywhere; so they run in a process of their own ([`super::isolated`]) wherever there is one.
//!
//! Owns the one form in which all of them answer. Must not search, nor open what they give.

use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
};

use super::{image, isolated, mail, office, pdf};

/// Stack of a reader, in bytes: what a deep document needs, not what a hostile one wants.
pub(super) const STACK: usize = 16 << 20;

/// A kind of document that has a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    Pdf,
    Mail,
    /// One XML part of an office document.
    Office,
    Image,
}

impl Reader {
    pub(super) const ALL: [Self; 4] = [Self::Pdf, Self::Mail, Self::Office, Self::Image];

    /// The reader of some bytes, by how they begin. Parts of office documents are known by where they stand.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        match bytes.first()? {
            b'%' if bytes.starts_with(b"%PDF") => Some(Self::Pdf),
            b if b.is_ascii_alphabetic() && mail::is_mail(bytes) => Some(Self::Mail),
            b'{' | b'[' | b'<' => None,
            _ => image::is_image(bytes).then_some(Self::Image),
        }
    }

    /// Whether what a reader sees of such a document is all in its parts; else its own text counts too.
    pub(super) const fn is_whole(self) -> bool {
        !matches!(self, Self::Mail)
    }
}

/// What a reader makes of a document, piece by piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// A text or a file: what it is called, and its bytes.
    Content(String, Vec<u8>),
    /// Something that it cannot read: what it is called (empty for the document itself), why, and whether only a part.
    Unread(String, String, bool),
}

/// Reads a document and gives its parts as they come; an error is the reason why nobody here can, or not to its end.
pub(super) fn read(reader: Reader, bytes: &[u8], give: &mut dyn FnMut(Part)) -> Result<(), String> {
    if let Some(done) = isolated::read(reader, bytes, give) {
        return done;
    }
    // No other process to be had: at least a stack that deep documents do not overflow.
    let mut parts = Vec::new();
    let read = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK);
        match thread.spawn_scoped(scope, || read_here(reader, bytes, &mut |part| parts.push(part))) {
            Ok(thread) => thread.join().unwrap_or_else(|_| Err("damaged document".into())),
            Err(_) => Err("no thread to read this document".into()),
        }
    });
    parts.into_iter().for_each(give);
    read
}

/// Reads a document in this very thread.
pub(super) fn read_here(reader: Reader, bytes: &[u8], give: &mut dyn FnMut(Part)) -> Result<(), String> {
    READING.set(true);
    // The readers have been fuzzed less than a file from anywhere deserves.
    let read = catch_unwind(AssertUnwindSafe(|| match reader {
        Reader::Pdf => pdf::read(bytes, give),
        Reader::Image => image::read(bytes, give),
        Reader::Mail if mail::hidden(bytes, give) => Ok(()),
        Reader::Mail => Err("a mail that could not be read: only its raw text was searched"),
        Reader::Office => match office::text(bytes) {
            Some(text) => {
                give(Part::Content(String::new(), text.into_bytes()));
                Ok(())
            }
            None => Err("damaged part of a document: only its raw text was searched"),
        },
    }));
    READING.set(false);
    read.unwrap_or(Err("damaged: its reader gave up, only its plain strings were searched")).map_err(str::to_owned)
}

thread_local! {
    static READING: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is in a reader whose panic is caught and becomes a gap in the coverage: nothing to report as a bug.
pub fn panic_is_expected() -> bool {
    READING.get()
}

#![no_main]
//! Readers of documents, one by one: a part of an office document, a mail, an mbox, a PDF, an image of each kind. Whatever
//! comes in, something bounded comes out, and it ends.
use efface::extract::{self, Limits};
use libfuzzer_sys::fuzz_target;

const BEGINNINGS: [&[u8]; 11] = [
    b"",
    b"From: a\nSubject: b\n",
    b"From a\nTo: a\nSubject: b\n",
    b"%PDF-1.7\n",
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff\xe1",
    b"GIF89a\x01\0\x01\0\0\0\0",
    b"RIFF\0\0\0\0WEBP",
    b"II*\0",
    b"MM\0*",
    b"\0\0\0\x18ftypavif",
];

fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else { return };
    let begin = BEGINNINGS[usize::from(*first) % BEGINNINGS.len()];
    let bytes = if begin.is_empty() { zipped(rest) } else { [begin, rest].concat() };
    let limits = Limits { member: 1 << 20, total: 4 << 20, free: 1 << 16, members: 50, ..Limits::default() };
    let mut total = 0;
    let unread = extract::leaves("a", &bytes, &limits, &mut |leaf| total += leaf.bytes.len());
    assert!(unread.iter().all(|u| !u.reason.is_empty()));
    assert!(total < 64 << 20, "{total} bytes out of {}", bytes.len());
});

/// An office document whose only part is stored as it is.
fn zipped(part: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut index = Vec::new();
    for (name, content) in [(&b"[Content_Types].xml"[..], &b"<a/>"[..]), (b"word/document.xml", part)] {
        let (len, at) = (content.len() as u32, out.len() as u32);
        let name_len = name.len() as u16;
        let common = [&20u16.to_le_bytes()[..], &[0; 8], &crc(content).to_le_bytes(), &len.to_le_bytes(), &len.to_le_bytes()].concat();
        out.extend([&b"PK\x03\x04"[..], &common, &name_len.to_le_bytes(), &[0; 2], name, content].concat());
        index.extend(
            [&b"PK\x01\x02\x14\0"[..], &common, &name_len.to_le_bytes(), &[0; 12], &at.to_le_bytes(), name].concat(),
        );
    }
    let (at, len) = (out.len() as u32, index.len() as u32);
    out.extend(index);
    out.extend([&b"PK\x05\x06\0\0\0\0\x02\0\x02\0"[..], &len.to_le_bytes(), &at.to_le_bytes(), &[0; 2]].concat());
    out
}

fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |sum, b| {
        (0..8).fold(sum ^ u32::from(*b), |s, _| if s & 1 == 1 { s >> 1 ^ 0xedb8_8320 } else { s >> 1 })
    })
}

use std::io::{Cursor, Write};

use super::*;

pub(crate) fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut w = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    w.write_all(bytes).unwrap();
    w.finish().unwrap()
}

pub(crate) fn zipped(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut w = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        w.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        w.write_all(bytes).unwrap();
    }
    w.finish().unwrap().into_inner()
}

pub(crate) fn all(path: &str, bytes: &[u8], limits: &Limits) -> (Vec<(String, Vec<u8>)>, Vec<Unread>) {
    let mut seen = Vec::new();
    let unread = leaves(path, bytes, limits, &mut |leaf| seen.push((leaf.path.to_owned(), leaf.bytes.to_vec())));
    (seen, unread)
}

#[test]
fn members_have_their_path() {
    let inner = zipped(&[("d/c.txt", b"deep")]);
    let outer = zipped(&[("a.txt", b"one"), ("b.zip", &inner), ("l.log.gz", &gz(b"line"))]);
    let (seen, unread) = all("x/o.zip", &outer, &Limits::default());
    let paths: Vec<_> = seen.iter().map(|(p, b)| (p.as_str(), b.as_slice())).collect();
    assert_eq!(
        paths,
        [("x/o.zip!a.txt", &b"one"[..]), ("x/o.zip!b.zip!d/c.txt", b"deep"), ("x/o.zip!l.log.gz!l.log", b"line"),]
    );
    assert_eq!(unread, []);
}

#[test]
fn limits_are_named_not_silent() {
    let mut nested = zipped(&[("x.txt", b"x")]);
    for _ in 0..8 {
        nested = zipped(&[("n.zip", &nested)]);
    }
    assert_eq!(all("n.zip", &nested, &Limits::default()).0.len(), 1, "nine deep");
    for _ in 0..30 {
        nested = zipped(&[("n.zip", &nested)]);
    }
    let (seen, unread) = all("n.zip", &nested, &Limits::default());
    assert!(seen.is_empty());
    assert!(unread[0].reason.contains("nested"), "{unread:?}");

    let bomb = gz(&vec![b'0'; 1 << 20]);
    let tight = Limits { free: 1000, ratio: 10, ..Limits::default() };
    let (seen, unread) = all("b.gz", &bomb, &tight);
    assert!(seen[0].1.len() < 20_000);
    assert!(unread[0].partly);

    let many = zipped(&[("a", b""), ("b", b""), ("c", b"")]);
    let (_, unread) = all("m.zip", &many, &Limits { members: 2, ..Limits::default() });
    assert_eq!(unread.len(), 1);
}

#[test]
fn damaged_archives_are_named() {
    let whole = gz(&(0..40_000u32).flat_map(u32::to_le_bytes).collect::<Vec<_>>());
    let (seen, unread) = all("x.gz", &whole[..whole.len() / 2], &Limits::default());
    assert!(!seen[0].1.is_empty());
    assert!(unread[0].reason.starts_with("damaged after"));
    let (seen, unread) = all("x.zip", b"PK\x03\x04 zoe.x@corp.example", &Limits::default());
    assert_eq!(seen.len(), 1);
    assert_eq!(unread.len(), 1);
}

/// A tar whose member is owned by `owner` and that holds a link to `link`.
pub(crate) fn tarred(members: &[(&str, &[u8])], owner: &str, link: &str) -> Vec<u8> {
    let mut w = tar::Builder::new(Vec::new());
    let header = |kind, size| {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(kind);
        header.set_size(size);
        header.set_mode(0o644);
        header.set_username(owner).unwrap();
        header.set_cksum();
        header
    };
    for (name, bytes) in members {
        w.append_data(&mut header(tar::EntryType::Regular, bytes.len() as u64), name, *bytes).unwrap();
    }
    w.append_link(&mut header(tar::EntryType::Symlink, 0), "link", link).unwrap();
    w.into_inner().unwrap()
}

#[test]
fn tar_members_owners_and_links() {
    let long = format!("{}/long.txt", "folder".repeat(40));
    let tar = tarred(&[("d/a.txt", b"one"), ("b.gz", &gz(b"two")), (&long, b"three")], "zquill", "to/somebody");
    let packed = gz(&tar);
    let (seen, unread) = all("x.tgz", &packed, &Limits::default());
    let of = |path: &str| seen.iter().find(|(p, _)| p == path).map(|(_, b)| b.as_slice());
    assert_eq!(of("x.tgz!x.tar!d/a.txt"), Some(&b"one"[..]));
    assert_eq!(of("x.tgz!x.tar!b.gz!b"), Some(&b"two"[..]));
    assert_eq!(of(&format!("x.tgz!x.tar!{long}")), Some(&b"three"[..]));
    assert_eq!(of("x.tgz!x.tar!link"), Some(&b""[..]));
    assert_eq!(of("x.tgz!x.tar!(owners, links)"), Some(&b"to/somebody\nzquill"[..]));
    assert_eq!(unread, []);

    let (seen, unread) = all("cut.tar", &tar[..tar.len() / 2], &Limits::default());
    assert!(seen.iter().any(|(p, _)| p == "cut.tar!d/a.txt"));
    assert_eq!(unread.len(), 1, "{unread:?}");
    let (_, unread) = all("x.tar", &tar, &Limits { members: 2, ..Limits::default() });
    assert!(unread[0].reason.contains("more than 2"), "{unread:?}");
    // A kind that few know has content all the same.
    let mut w = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(tar::EntryType::Continuous);
    header.set_size(4);
    w.append_data(&mut header, "c.txt", &b"four"[..]).unwrap();
    let (seen, _) = all("x.tar", &w.into_inner().unwrap(), &Limits::default());
    assert_eq!(seen[0], ("x.tar!c.txt".to_owned(), b"four".to_vec()));
    // An old header, from before ustar, is known by its checksum.
    let mut old = tar::Header::new_old();
    old.set_path("o.txt").unwrap();
    old.set_size(0);
    old.set_cksum();
    assert_eq!(by_signature(old.as_bytes()), Some(Format::Tar));
    old.as_mut_bytes()[0] ^= 1;
    assert_eq!(by_signature(old.as_bytes()), None);
}

#[test]
fn a_damaged_part_of_a_document_is_named() {
    let docx = zipped(&[("[Content_Types].xml", b"<a/>"), ("word/document.xml", b"<w:p>Zoe</w:p><broken")]);
    let (seen, unread) = all("a.docx", &docx, &Limits::default());
    assert!(seen.iter().any(|(_, bytes)| bytes.ends_with(b"<broken")), "its raw text is searched");
    assert_eq!((unread.len(), unread[0].path.as_str()), (1, "a.docx!word/document.xml"));
}

/// `two` compressed by bzip2, xz and zstd as their own programs write it, in two streams and with a frame to skip.
#[test]
fn streams_of_other_programs() {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let of = |text: &str| STANDARD.decode(text).unwrap();
    for (name, bytes) in [("x.bz2", of(BZIP2)), ("x.xz", of(XZ)), ("x.zst", of(ZSTD)), ("x.lz", of(LZIP))] {
        let twice = [bytes.clone(), bytes.clone()].concat();
        let (seen, unread) = all(name, &twice, &Limits::default());
        assert_eq!(seen, [(format!("{name}!x"), b"Zoe Quill\nZoe Quill\n".to_vec())], "{name}");
        assert_eq!(unread, []);
        let (_, unread) = all(name, &bytes[..bytes.len() - 9], &Limits::default());
        assert!(unread[0].reason.starts_with("damaged after"), "{name}: {unread:?}");
        let tight = Limits { member: 12, ..Limits::default() };
        let (seen, unread) = all(name, &twice, &tight);
        assert_eq!((seen[0].1.len(), unread[0].partly), (12, true), "{name}");
    }
    let skipped = [&of(ZSTD)[..], b"\x50\x2a\x4d\x18\x03\0\0\0abc", &of(ZSTD)[..]].concat();
    let (seen, unread) = all("x.zst", &skipped, &Limits::default());
    assert_eq!((seen[0].1.len(), unread.len()), (20, 0));
}

const BZIP2: &str = "QlpoOTFBWSZTWbb/3VgAAAHTgAAQQAAgEAIkggAgACIGmj1CDJiNaXDA8XckU4UJC2/91YA=";
const XZ: &str = "/Td6WFoAAATm1rRGAgAhARYAAAB0L+WjAQAJWm9lIFF1aWxsCgAAAPCn3SnYZOWwAAEiChUa4WcftvN9AQAAAAAEWVo=";
const ZSTD: &str = "KLUv/QRYUQAAWm9lIFF1aWxsChhC/tM=";

const LZMA: &str = "XQAAgAD//////////wAtG8iiAh2WU7j7ZW9b///9EkAA";
const LZIP: &str = "TFpJUAEQAC0byKICHZZTuPtlb1v///0SQABUVE5BCgAAAAAAAAAuAAAAAAAAAA==";
/// One member `n`, by each method.
const ZIPPED: [(&str, &str); 4] = [
    (
        "bzip2",
        "UEsDBC4AAAAMAABQYVxUVE5BNQAAAAoAAAABAAAAbkJaaDkxQVkmU1m2/91YAAAB04AAEEAAIBACJIIAIAAiBpo9QgyYjWlwwPF3JFOFCQtv/dWAUEsBAi4DLgAAAAwAAFBhXFRUTkE1AAAACgAAAAEAAAAAAAAAAAAAAIABAAAAAG5QSwUGAAAAAAEAAQAvAAAAVAAAAAAA",
    ),
    (
        "lzma",
        "UEsDBD8AAgAOAABQYVxUVE5BHQAAAAoAAAABAAAAbgkEBQBdAACAAAAtG8iiAh2WU7j7ZW9b///9EkAAUEsBAj8DPwACAA4AAFBhXFRUTkEdAAAACgAAAAEAAAAAAAAAAAAAAIABAAAAAG5QSwUGAAAAAAEAAQAvAAAAPAAAAAAA",
    ),
    (
        "zstd",
        "UEsDBD8AAABdAAAAAABUVE5BFwAAAAoAAAABAAAAbii1L/0EWFEAAFpvZSBRdWlsbAoYQv7TUEsBAj8APwAAAF0AAAAAAFRUTkEXAAAACgAAAAEAAAAAAAAAAAAAAAAAAAAAAG5QSwUGAAAAAAEAAQAvAAAANgAAAAAA",
    ),
    (
        "xz",
        "UEsDBD8AAABfAAAAAABUVE5BRAAAAAoAAAABAAAAbv03elhaAAAE5ta0RgIAIQEWAAAAdC/lowEACVpvZSBRdWlsbAoAAADwp90p2GTlsAABIgoVGuFnH7bzfQEAAAAABFlaUEsBAj8APwAAAF8AAAAAAFRUTkFEAAAACgAAAAEAAAAAAAAAAAAAAAAAAAAAAG5QSwUGAAAAAAEAAQAvAAAAYwAAAAAA",
    ),
];

#[test]
fn streams_without_a_signature() {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let lzma = STANDARD.decode(LZMA).unwrap();
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    zlib.write_all(b"Zoe Quill\n").unwrap();
    let zlib = zlib.finish().unwrap();
    for (name, bytes, member) in [("x.lzma", &lzma, "x.lzma!x"), ("x", &zlib, "x!content")] {
        let (seen, unread) = all(name, bytes, &Limits::default());
        assert_eq!(seen, [(member.to_owned(), b"Zoe Quill\n".to_vec())], "{name}");
        assert_eq!(unread, []);
    }
    let none = b"x\x9cis no stream";
    assert_eq!(all("x", none, &Limits::default()), (vec![("x".to_owned(), none.to_vec())], vec![]));
    // Torn ones are searched up to the tear.
    let long = STANDARD.decode(LONG).unwrap();
    let torn = &long[..long.len() - 70];
    let (seen, unread) = all("x", torn, &Limits::default());
    assert!(seen[0].1.starts_with(b"Zoe Quill") && seen[1].1 == torn, "{seen:?}");
    assert_eq!(unread.len(), 1);
}

/// Some hundred bytes of text. An xz file gives its content in pieces of 64 KiB, of which a torn one is lost.
const LONG: &str = "XQAAgAD//////////wAtG8iiAh2WU7j8/dNoKDmOUulC4C7FwXk/HFTLCGkXQftZ2WBCkEQIC6frAWc9uLlvWUYZwow7XrYie26JUkwEeXBKDxDMmeeJWCb7GyUBILNVRooPCdjtVigTrXpOrnMhWRvIo6+Pf1Bfqq/5JWo9R+1lmZ8MdeRolkgewMCBzfV/SljkYvyq1SAI4Mb/bzLvSmcsQMw7jpHSfiJ0CfSNH1dTZW5k0A0+FxH2XtrHhWK0WK/zcP59L/vq2Zep9blZX6mq//FQFZE=";

#[test]
fn zip_members_by_every_method() {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    for (method, zip) in ZIPPED {
        let zip = STANDARD.decode(zip).unwrap();
        let (seen, unread) = all("x.zip", &zip, &Limits::default());
        assert_eq!(seen, [("x.zip!n".to_owned(), b"Zoe Quill\n".to_vec())], "{method}: {unread:?}");
        assert_eq!(unread, []);
        // Without its index.
        let end = memchr::memmem::find(&zip, b"PK\x01\x02").unwrap();
        let (seen, unread) = all("x.zip", &zip[..end], &Limits::default());
        assert_eq!(seen[0], ("x.zip!n".to_owned(), b"Zoe Quill\n".to_vec()), "{method}");
        assert_eq!(unread.len(), 1);
    }
    // Shrunk, as forty years ago.
    let mut zip = STANDARD.decode(ZIPPED[0].1).unwrap();
    while let Some(at) = memchr::memmem::find(&zip, b"\x0c\0\0\0\x41\x0a") {
        zip[at] = 1;
    }
    for at in [8, memchr::memmem::find(&zip, b"PK\x01\x02").unwrap() + 10] {
        zip[at] = 1;
    }
    let (_, unread) = all("x.zip", &zip, &Limits::default());
    assert_eq!(unread[0].reason, "compressed in a way that is not read, or damaged");
}

#[test]
fn what_headers_say_beside_the_content() {
    let mut gzip =
        flate2::GzBuilder::new().filename("Zoe.txt").comment(&b"by Zo\xeb"[..]).write(Vec::new(), Default::default());
    gzip.write_all(b"one").unwrap();
    let packed = [gz(b"zero "), gzip.finish().unwrap(), vec![0; 512]].concat();
    let mut opaque = Vec::new();
    let unread = leaves("x.gz", &packed, &Limits::default(), &mut |leaf| {
        opaque.push((leaf.path.to_owned(), leaf.bytes.to_vec(), leaf.opaque));
    });
    let want = [
        ("x.gz!Zoe.txt", &b""[..], true),
        ("x.gz!(name, comment)", b"Zoe.txt\nby Zo\xeb", true),
        ("x.gz!x", b"zero one", false),
    ];
    assert_eq!(opaque, want.map(|(path, bytes, opaque)| (path.to_owned(), bytes.to_vec(), opaque)));
    assert_eq!(unread, []);
}

#[test]
fn archives_behind_other_bytes() {
    let zip = zipped(&[("n.txt", b"one")]);
    for front in [&b"#!/bin/sh\nexit 0\n"[..], b"MZ\0\0program", b"%PDF-1.4 and a zip"] {
        for behind in [&b""[..], b"a comment of the zip"] {
            let mut whole = [front, &zip].concat();
            let len = whole.len();
            whole[len - 2] = u8::try_from(behind.len()).unwrap();
            whole.extend(behind);
            let mut opaque = None;
            leaves("x", &whole, &Limits::default(), &mut |leaf| {
                opaque = opaque.or((leaf.path == "x!n.txt" && leaf.bytes == b"one").then_some(leaf.opaque));
            });
            assert_eq!(opaque, Some(true), "{:?}", String::from_utf8_lossy(front));
        }
    }
    let script = [b"#!/bin/sh\ntail -n +3 $0 | tar xz\n", &gz(&tarred(&[("a.txt", b"one")], "o", "l"))[..]].concat();
    let (seen, _) = all("x.sh", &script, &Limits::default());
    assert!(seen.iter().any(|(p, b)| p.ends_with("!a.txt") && b == b"one"), "{seen:?}");
}

#[test]
fn members_that_no_index_lists_any_more() {
    let old = zipped(&[("n.txt", b"old")]);
    let new = zipped(&[("n.txt", b"new")]);
    let end = memchr::memmem::find(&old, b"PK\x01\x02").unwrap();
    // Deleted from the index, not from the file, as some programs do.
    let mut whole = [&old[..end], &new].concat();
    let index = memchr::memmem::rfind(&whole, b"PK\x01\x02").unwrap();
    whole[index + 42] = u8::try_from(end).unwrap();
    let record = memchr::memmem::rfind(&whole, b"PK\x05\x06").unwrap();
    whole[record + 16..record + 18].copy_from_slice(&u16::try_from(index).unwrap().to_le_bytes());
    let (seen, unread) = all("x.zip", &whole, &Limits::default());
    for want in [&b"old"[..], b"new"] {
        assert!(seen.contains(&("x.zip!n.txt".to_owned(), want.to_vec())), "{seen:?}");
    }
    assert_eq!(unread, []);
}

#[test]
fn packages_of_ar() {
    let head = |name: &str, size: usize| format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{size:<10}`\n", 0, 0, 0, 100_644);
    let deb = [
        b"!<arch>\n",
        head("debian-binary", 4).as_bytes(),
        b"2.0\n",
        head("//", 20).as_bytes(),
        b"a-very-long-name.c/\n",
        head("/0", 3).as_bytes(),
        b"abc\n",
        head("#1/4", 7).as_bytes(),
        b"nameone\n",
        head("control.gz", gz(b"Maintainer: Zoe").len()).as_bytes(),
        &gz(b"Maintainer: Zoe"),
    ]
    .concat();
    let (seen, unread) = all("x.deb", &deb, &Limits::default());
    for (path, bytes) in [
        ("x.deb!a-very-long-name.c", &b"abc"[..]),
        ("x.deb!name", b"one"),
        ("x.deb!control.gz!control", b"Maintainer: Zoe"),
    ] {
        assert!(seen.contains(&(path.to_owned(), bytes.to_vec())), "{path}: {seen:?}");
    }
    assert_eq!(unread, []);
    assert_eq!(all("x.deb", &deb[..deb.len() - 5], &Limits::default()).1.len(), 2, "torn, and what is in it");
}

#[test]
fn what_is_left_out_is_said() {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let gif = STANDARD.encode([&b"GIF89a"[..], &[1; 30]].concat());
    let uu = "begin 644 n.txt\n#;VYE\n`\nend\n".to_owned();
    let named = |name: &str| {
        let w = flate2::GzBuilder::new().filename(name).write(Vec::new(), flate2::Compression::none());
        w.finish().unwrap()
    };
    let long = "n".repeat(60_000);
    let mut damaged = [&b"MZ\0\0program"[..], &zipped(&[("n.txt", b"one")])].concat();
    let index = memchr::memmem::find(&damaged, b"PK\x01\x02").unwrap();
    damaged[index..index + 4].fill(0);
    // Members whose length stands behind them, and none does: what looks for the next header looks no further than that.
    let local = b"PK\x03\x04\x14\0\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0n";
    for (name, bytes, want) in [
        ("a.txt", [&gif, " "].concat().repeat(1001).into_bytes(), "more than 1000 files inside a text"),
        ("b.txt", uu.repeat(1001).into_bytes(), "more than 1000 files inside a text"),
        ("a.gz", named(&long).repeat(20), "more names and comments than are kept"),
        ("a.exe", damaged.clone(), "damaged zip behind other bytes"),
        ("a.zip", local.repeat(20_001), "more than 20000 members"),
    ] {
        let (seen, unread) = all(name, &bytes, &Limits::default());
        assert!(unread.iter().any(|u| u.path == name && u.partly && u.reason.starts_with(want)), "{name}: {want}");
        if name == "a.exe" {
            assert!(seen.contains(&("a.exe!n.txt".to_owned(), b"one".to_vec())), "{seen:?}");
        }
    }
    // Up to the limit there is nothing to say.
    for (name, bytes) in [
        ("a.txt", uu.repeat(1000).into_bytes()),
        ("a.gz", named(&long).repeat(2)),
        ("a.zip", zipped(&[("n", &local.repeat(12_000))])),
        // A program that reads zips.
        ("a.exe", [&b"MZ\0\0\x3dPK\x05\x06"[..], &[0x90; 40]].concat()),
    ] {
        let (_, unread) = all(name, &bytes, &Limits::default());
        assert!(
            !unread.iter().any(|u| u.path == name && (u.reason.contains("more") || u.reason.contains("behind"))),
            "{name}: {unread:?}"
        );
    }
}

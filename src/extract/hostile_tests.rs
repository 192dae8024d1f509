//! Files made to harm whoever reads them, and names in other character sets: all of it ends soon, in bounded memory, and is
//! named or found.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{
    archive::tests::{all, gz, zipped},
    *,
};

/// A zip whose `count` members are one and the same stretch of packed bytes (D. Fifield, "A better zip bomb", 2019).
fn overlapping(count: u16, content: &[u8]) -> Vec<u8> {
    let whole = zipped(&[("0", content)]);
    let index = memchr::memmem::find(&whole, b"PK\x01\x02").unwrap();
    let end = memchr::memmem::find(&whole, b"PK\x05\x06").unwrap();
    let entry = &whole[index..end];
    let mut out = whole[..index].to_vec();
    for i in 0..count {
        // Of the same length, so that the name in front of the content is the only one that disagrees.
        let mut entry = entry.to_vec();
        let name = char::from_digit(u32::from(i % 36), 36).unwrap() as u8;
        entry[46] = name;
        out.extend(entry);
    }
    let len = u32::try_from(entry.len()).unwrap() * u32::from(count);
    out.extend([&b"PK\x05\x06\0\0\0\0"[..], &count.to_le_bytes(), &count.to_le_bytes(), &len.to_le_bytes()].concat());
    out.extend(u32::try_from(index).unwrap().to_le_bytes());
    out.extend([0, 0]);
    out
}

#[test]
fn overlapping_members_unpack_to_no_more_than_the_limit() {
    let bomb = overlapping(30, &vec![b'0'; 1 << 20]);
    let limits = Limits { total: 4 << 20, ..Limits::default() };
    let (seen, unread) = all("b.zip", &bomb, &limits);
    let bytes: usize = seen.iter().map(|(_, b)| b.len()).sum();
    assert!(bytes <= 5 << 20, "{bytes}");
    assert!(unread.iter().any(|u| u.reason.contains("limit") || u.reason.contains("damaged")), "{unread:?}");
}

#[test]
fn an_archive_that_holds_itself_ends() {
    // No quine, but as endless to a reader: each level holds the next, and more of them than are opened.
    let mut inner = b"zxan".to_vec();
    for _ in 0..50 {
        inner = gz(&inner);
    }
    let (seen, unread) = all("a.gz", &inner, &Limits::default());
    assert!(seen.is_empty());
    assert_eq!(unread.iter().map(|u| u.reason.as_str()).collect::<Vec<_>>(), ["archives nested more than 32 deep"]);
    let packed = zipped(&[("b", &[b'0'; 1 << 16])]);
    let wide = zipped(&[("a.zip", &packed)]);
    let many: Vec<_> = (0..200).map(|i| (format!("{i}.zip"), wide.clone())).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|(n, b)| (n.as_str(), b.as_slice())).collect();
    let limits = Limits { total: 1 << 20, ..Limits::default() };
    let (seen, unread) = all("many.zip", &zipped(&many), &limits);
    assert!(seen.iter().map(|(_, b)| b.len()).sum::<usize>() <= 1 << 20);
    assert!(unread.iter().any(|u| u.reason.contains("limit")), "{unread:?}");
}

#[test]
fn deep_nesting_is_read_or_named() {
    let xml = [b"<a>".repeat(200_000), b"zxan".to_vec(), b"</a>".repeat(200_000)].concat();
    assert!(office::text(&xml).unwrap().contains("zxan"));
    let json = [b"[".repeat(200_000), b"\"zxan\"".to_vec(), b"]".repeat(200_000)].concat();
    assert!(matches!(format("a.json", &json), Format::Text(..)), "searched as text");
    let mut mail = b"From: a\nSubject: b\n".to_vec();
    for i in 0..2000 {
        mail.extend(format!("Content-Type: multipart/mixed; boundary=b{i}\n\n--b{i}\n").bytes());
    }
    mail.extend(b"\nzxan\n");
    let (seen, _) = all("a.eml", &mail, &Limits::default());
    assert!(seen.iter().any(|(_, b)| b.ends_with(b"zxan\n")));
    let nested =
        ["MAIL: ", &"Content-Type: message/rfc822\n\n".repeat(200)].concat().replace("MAIL: ", "From: a\nSubject: b\n");
    let (_, unread) = all("a.eml", nested.as_bytes(), &Limits::default());
    assert!(unread.iter().any(|u| u.reason.contains("nested too deep")), "{unread:?}");
}

#[test]
fn names_of_members_in_other_character_sets_are_seen() {
    // Written by a DOS program: no flag for UTF-8, code page 850.
    let mut zip = zipped(&[("Zoe Xan.txt", b"x")]);
    while let Some(at) = memchr::memmem::find(&zip, b"Zoe") {
        zip[at + 2] = 0x89;
    }
    let (seen, _) = all("a.zip", &zip, &Limits::default());
    let names = seen.iter().find(|(p, _)| p.ends_with("(names, comments)")).map(|(_, b)| b.clone()).unwrap();
    assert!(charsets::readings(&names).iter().any(|r| r.text() == "Zoë Xan.txt\n"), "{names:x?}");
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_old();
    header.as_old_mut().name[..7].copy_from_slice(b"Zo\xeb.txt");
    header.set_size(0);
    header.set_cksum();
    tar.append(&header, &b""[..]).unwrap();
    let (seen, _) = all("a.tar", &tar.into_inner().unwrap(), &Limits::default());
    assert!(seen.iter().any(|(p, b)| p.ends_with("(owners, links)") && b.starts_with(b"Zo\xeb.txt")), "{seen:?}");
}

#[test]
fn files_in_base64_are_opened_like_attachments() {
    let zip = zipped(&[(
        "Zoe.txt",
        b"by zxan, packed so that nothing of it is plain: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    )]);
    let json = format!("{{\"file\": \"data:application/zip;base64,{}\"}}", STANDARD.encode(&zip));
    let (seen, unread) = all("a.json", json.as_bytes(), &Limits::default());
    let paths: Vec<&str> = seen.iter().map(|(p, _)| p.as_str()).collect();
    assert_eq!(paths, ["a.json", "a.json!base64 at 38!Zoe.txt"]);
    assert_eq!(unread, []);
    let deep = Limits { members: 0, ..Limits::default() };
    assert_eq!(all("a.json", json.as_bytes(), &deep).1.len(), 1, "beyond the limits it is named");
}

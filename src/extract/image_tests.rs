use std::io::Write;

use super::*;

/// What an image gives, as one text, without the name of each part.
fn seen(bytes: &[u8]) -> String {
    let mut out = String::new();
    read(bytes, &mut |part| match part {
        Part::Content(_, bytes) => out.push_str(&String::from_utf8_lossy(&bytes)),
        Part::Unread(_, why, _) => out.push_str(&format!("[{why}]\n")),
    })
    .unwrap();
    out
}

fn packed(text: &[u8]) -> Vec<u8> {
    let mut w = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    w.write_all(text).unwrap();
    w.finish().unwrap()
}

pub(crate) fn png(chunks: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    for (name, data) in chunks {
        out.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
        out.extend(*name);
        out.extend(data);
        out.extend([0; 4]);
    }
    out.extend(b"\0\0\0\0IEND\0\0\0\0");
    out
}

/// A packed text of a PNG.
pub(crate) fn ztxt(name: &str, text: &[u8]) -> Vec<u8> {
    [name.as_bytes(), b"\0\0", &packed(text)].concat()
}

/// EXIF with an artist, an author in UTF-16, and a comment in a sub-directory.
fn exif(big: bool) -> Vec<u8> {
    let short = |n: u16| if big { n.to_be_bytes() } else { n.to_le_bytes() };
    let long = |n: u32| if big { n.to_be_bytes() } else { n.to_le_bytes() };
    let author: Vec<u8> = "Zoë\0".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let comment: Vec<u8> = b"UNICODE\0".iter().copied().chain("a ‰".encode_utf16().flat_map(short)).collect();
    let mut out = if big { b"MM\0*".to_vec() } else { b"II*\0".to_vec() };
    out.extend(long(8));
    let entry = |tag: u16, kind: u16, count: usize, value: u32| {
        [&short(tag)[..], &short(kind), &long(u32::try_from(count).unwrap()), &long(value)].concat()
    };
    let data = 8 + 2 + 3 * 12 + 4;
    let (at_author, at_sub) = (data + 9, data + 9 + author.len());
    out.extend(short(3));
    out.extend(entry(0x013b, 2, 9, u32::try_from(data).unwrap()));
    out.extend(entry(0x9c9d, 1, author.len(), u32::try_from(at_author).unwrap()));
    out.extend(entry(0x8769, 4, 1, u32::try_from(at_sub).unwrap()));
    // The next directory is the first one again: a circle.
    out.extend(long(8));
    out.extend(b"Xander\xc3\xab\0");
    out.extend(&author);
    out.extend(short(1));
    out.extend(entry(0x9286, 7, comment.len(), u32::try_from(at_sub + 2 + 12 + 4).unwrap()));
    out.extend(long(0));
    out.extend(comment);
    out
}

fn segment(marker: u8, data: &[u8]) -> Vec<u8> {
    let len = u16::try_from(data.len() + 2).unwrap().to_be_bytes();
    [&[0xff, marker], &len[..], data].concat()
}

fn jpeg(segments: &[Vec<u8>]) -> Vec<u8> {
    [
        &b"\xff\xd8"[..],
        &segments.concat(),
        &segment(0xda, b"\0"),
        b"\x12\xff\0\x34",
        &segment(0xfe, b"behind"),
        b"\xff\xd9",
    ]
    .concat()
}

#[test]
fn png_chunks() {
    let profile =
        [b"\nexif\n      14\n".to_vec(), hex::encode([&b"Exif\0\0"[..], &exif(true)].concat()).into_bytes()].concat();
    let image = png(&[
        (b"tEXt", b"Author\0Zo\xeb plain".to_vec()),
        (b"zTXt", ztxt("Comment", b"packed Zoe")),
        (b"iTXt", [b"Title\0\x01\0de\0Titel\0".to_vec(), packed("Zoë packed".as_bytes())].concat()),
        (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0<x>xmp</x>".to_vec()),
        (b"eXIf", exif(false)),
        (b"zTXt", ztxt("Raw profile type exif", &profile)),
    ]);
    let text = seen(&image);
    for want in [
        "Zoë plain",
        "packed Zoe",
        "Titel",
        "Zoë packed",
        "<x>xmp</x>",
        "Xanderë",
        "a ‰",
        "[pixels of an image are not read]",
    ] {
        assert!(text.contains(want), "{want} is missing: {text}");
    }
    assert_eq!(text.matches("a ‰").count(), 2, "eXIf and the raw profile: {text}");
    assert!(!text.contains("damaged"), "{text}");
    assert!(seen(&image[..60]).contains("[damaged metadata of an image]"));
}

#[test]
fn jpeg_segments() {
    let iptc = [&b"\x1c\x02\x50\0\x03Zo\xeb"[..], b"\x1c\x02\x78\0\x05words"].concat();
    let len = u32::try_from(iptc.len()).unwrap().to_be_bytes();
    let resources = [&b"Photoshop 3.0\08BIM\x04\x04\0\0"[..], &len, &iptc].concat();
    let image = jpeg(&[
        segment(0xe1, &[&b"Exif\0\0"[..], &exif(true)].concat()),
        segment(0xe1, b"http://ns.adobe.com/xap/1.0/\0<x>xmp</x>"),
        segment(0xed, &resources),
        segment(0xfe, b"a comment"),
    ]);
    let text = seen(&image);
    for want in ["Xanderë", "Zoë", "a ‰", "<x>xmp</x>", "words", "a comment", "behind"] {
        assert!(text.contains(want), "{want} is missing: {text}");
    }
    assert!(!text.contains("damaged"), "{text}");
}

#[test]
fn other_images() {
    let gif = [
        &b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff"[..],
        b"\x21\xfe\x04by Z\x02oe\0",
        b"\x21\xff\x0bXMP DataXMP<x>xmp of gif</x>\x01\xff\xfe\0",
    ]
    .concat();
    let text = seen(&gif);
    assert!(text.contains("by Zoe") && text.contains("<x>xmp of gif</x>"), "{text}");
    let chunk = |name: &[u8; 4], data: &[u8]| {
        let len = u32::try_from(data.len()).unwrap().to_le_bytes();
        [&name[..], &len, data, &vec![0; data.len() & 1]].concat()
    };
    let webp =
        [&b"RIFF\0\0\0\0WEBP"[..], &chunk(b"VP8 ", b"pix"), &chunk(b"EXIF", &exif(false)), &chunk(b"XMP ", b"<x/>")]
            .concat();
    assert!(seen(&webp).contains("Xanderë") && seen(&webp).contains("<x/>"));
    assert!(seen(&exif(false)).contains("a ‰"), "TIFF is the same form");
    let heic = [&b"\0\0\0\x18ftypheic\0\0\0\0"[..], b"mdat....Exif\0\0", &exif(true)].concat();
    assert!(seen(&heic).contains("Xanderë"));
}

#[test]
fn broken_images_end() {
    let whole = [
        png(&[(b"zTXt", ztxt("Comment", b"packed")), (b"eXIf", exif(false))]),
        jpeg(&[segment(0xe1, &[&b"Exif\0\0"[..], &exif(true)].concat())]),
        exif(false),
    ];
    for image in whole {
        for at in 8..image.len() {
            let mut broken = image.clone();
            broken[at] = !broken[at];
            let _ = (read(&broken, &mut |_| {}), read(&image[..at], &mut |_| {}));
        }
    }
}

#[test]
fn entries_that_all_point_at_one_value_give_no_more_than_the_limit() {
    let entry =
        [&0x010e_u16.to_le_bytes()[..], &2_u16.to_le_bytes(), &(1_u32 << 19).to_le_bytes(), &8_u32.to_le_bytes()]
            .concat();
    let mut image = b"II*\0\x08\0\0\0".to_vec();
    image.extend(60_000_u16.to_le_bytes());
    image.extend(entry.repeat(60_000));
    let mut given = 0;
    let mut named = false;
    read(&image, &mut |part| match part {
        Part::Content(_, bytes) => given += bytes.len(),
        Part::Unread(_, why, _) => named |= why.contains("damaged"),
    })
    .unwrap();
    assert!(named && given <= 2 * ALL, "{given}");
}

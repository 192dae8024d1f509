//! Mail: what of a message its own text does not show as it stands. Headers in encoded words, bodies in another character
//! set, attachments.
//!
//! What the raw text shows (also as quoted-printable or base64 of UTF-8) is searched there, where it can be cut out to the
//! byte; it is not given again. Must not search.

use super::readers::Part;
use mail_parser::{Encoding, Message, MessageParser, MessagePart, MimeHeaders, PartType, parsers::MessageStream};

/// Headers by which a mail is told from another text (RFC 5322, section 3.6; RFC 2045).
const KNOWN: [&str; 13] = [
    "bcc",
    "cc",
    "content-type",
    "date",
    "delivered-to",
    "from",
    "message-id",
    "mime-version",
    "received",
    "reply-to",
    "return-path",
    "subject",
    "to",
];

/// Bytes of a header block that are looked at.
const HEAD: usize = 64 << 10;

/// Mails inside mails, as they stand.
const DEEPEST: usize = 50;

/// Base64 shorter than this is not looked for in raw text.
const SHORT: usize = 64;

/// Whether some text is a mail, or a folder of mails (mbox).
pub(super) fn is_mail(bytes: &[u8]) -> bool {
    if !bytes.first().is_some_and(u8::is_ascii_alphabetic) {
        return false;
    }
    let head = &bytes[..bytes.len().min(HEAD)];
    let mut known = 0;
    for (n, line) in head.split(|b| *b == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let folded = line.first().is_some_and(|b| matches!(b, b' ' | b'\t')) && n > 0;
        if folded || (n == 0 && line.starts_with(b"From ")) {
            continue;
        }
        let Some(colon) = line.iter().position(|b| *b == b':') else { break };
        let name = &line[..colon];
        if name.is_empty() || !name.iter().all(u8::is_ascii_graphic) {
            break;
        }
        known += usize::from(KNOWN.iter().any(|k| name.eq_ignore_ascii_case(k.as_bytes())));
    }
    known >= 2
}

/// Gives what is hidden in a mail, or in each mail of an mbox; `false` where it could not be read.
pub(super) fn hidden(bytes: &[u8], give: &mut dyn FnMut(Part)) -> bool {
    if !bytes.starts_with(b"From ") {
        return message(bytes, "", give);
    }
    let mut all = true;
    for (n, mail) in mail_parser::mailbox::mbox::MessageIterator::new(bytes).enumerate() {
        let Ok(mail) = mail else { return false };
        all &= message(&mail.unwrap_contents(), &format!("{}/", n + 1), give);
    }
    all
}

fn message(bytes: &[u8], at: &str, give: &mut dyn FnMut(Part)) -> bool {
    let Some(message) = MessageParser::default().parse(bytes) else { return false };
    parts(&message, std::str::from_utf8(bytes).is_ok(), at, 0, give);
    true
}

fn parts(message: &Message<'_>, utf8: bool, at: &str, depth: usize, give: &mut dyn FnMut(Part)) {
    let raw = message.raw_message.as_ref();
    let mut headers = String::new();
    for (n, part) in message.parts.iter().enumerate() {
        for header in &part.headers {
            let Some(value) = raw.get(header.offset_start as usize..header.offset_end as usize) else { continue };
            if memchr::memmem::find(value, b"=?").is_none() {
                continue;
            }
            match MessageStream::new(value).parse_unstructured().as_text() {
                Some(text) => {
                    headers.push_str(text);
                    headers.push('\n');
                }
                None => give(Part::Unread(
                    format!("{at}(headers)"),
                    "an encoded header that cannot be decoded".into(),
                    false,
                )),
            }
        }
        let name = format!("{at}{}", part.attachment_name().map_or_else(|| format!("part {n}"), str::to_owned));
        if part.is_content_type("application", "pkcs7-mime") || part.is_content_type("multipart", "encrypted") {
            give(Part::Unread(name, "encrypted".into(), false));
            continue;
        }
        if part.is_encoding_problem {
            give(Part::Unread(format!("{at}part {n}"), "damaged encoding".into(), false));
        }
        match &part.body {
            PartType::Text(text) | PartType::Html(text) => {
                // Calendars and cards fold their lines.
                if is_hidden(part, utf8) || super::layout::has_view(text.as_bytes()) {
                    give(Part::Content(name, text.as_bytes().to_vec()));
                } else if part.attachment_name().is_some() {
                    // The name may be in pieces in the header.
                    give(Part::Content(name, b"".to_vec()));
                }
                if text.contains("-----BEGIN PGP MESSAGE-----") {
                    give(Part::Unread(format!("{at}part {n}"), "encrypted".into(), false));
                }
            }
            PartType::Binary(content) | PartType::InlineBinary(content) => {
                give(Part::Content(name, content.to_vec()));
            }
            PartType::Message(inner) => {
                // Inside an encoding the inner mail's raw text is nowhere else.
                let encoded = part.encoding != Encoding::None;
                if encoded {
                    give(Part::Content(name.clone(), inner.raw_message.as_ref().to_vec()));
                } else if depth < DEEPEST {
                    parts(inner, utf8, &format!("{name}/"), depth + 1, give);
                } else {
                    give(Part::Unread(name, "mails nested too deep: only their raw text was searched".into(), true));
                }
            }
            PartType::Multipart(_) => {}
        }
    }
    if !headers.is_empty() {
        give(Part::Content(format!("{at}(headers)"), headers.into_bytes()));
    }
}

/// Whether the raw text does not show a part's text as the views of escapes and base64 read it.
fn is_hidden(part: &MessagePart<'_>, utf8: bool) -> bool {
    let charset = part.content_type().and_then(|c| c.attribute("charset")).unwrap_or("utf-8").to_ascii_lowercase();
    let plain = matches!(charset.as_str(), "utf-8" | "utf8" | "us-ascii" | "ascii");
    let length = part.offset_end.saturating_sub(part.offset_body) as usize;
    !plain || !utf8 || (part.encoding == Encoding::Base64 && length < SHORT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(mail: &str) -> Vec<(String, String)> {
        let mut out = Vec::new();
        assert!(is_mail(mail.as_bytes()));
        hidden(mail.as_bytes(), &mut |h| match h {
            Part::Content(name, bytes) => out.push((name, String::from_utf8_lossy(&bytes).into_owned())),
            Part::Unread(name, why, _) => out.push((name, format!("unread: {why}"))),
        });
        out
    }

    #[test]
    fn what_is_a_mail() {
        for (text, yes) in [
            ("From: a@x.example\nSubject: b\n\nc", true),
            ("From a@x.example Mon Nov 23 10:00:00 2026\nReceived: by x\n for y\nDate: z\n\nc", true),
            ("X-Mailer: q\r\nto: b\r\nsubject: c\r\n", true),
            ("Subject: b\n\nTo: the point", false),
            ("{\"From: a\": 1}", false),
            ("key: value\nother: value\n", false),
            ("From today on: nothing\nTo: x", false),
            ("", false),
        ] {
            assert_eq!(is_mail(text.as_bytes()), yes, "{text}");
        }
    }

    #[test]
    fn what_is_hidden_in_it() {
        let mail = "From: =?UTF-8?Q?Zo=C3=AB?= =?UTF-8?B?IFg=?=\r\n =?UTF-8?B?YW5kZXI=?= <z@corp.example>\r\nTo: plain\r\n\
            MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\
            Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
            Zo=EB Xan=\r\nder\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nseen in the raw text\r\n--b\r\n\
            Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\nenhhbg==\r\n--b\r\n\
            Content-Type: application/zip\r\nContent-Transfer-Encoding: base64\r\n\
            Content-Disposition: attachment; filename*0*=UTF-8''of%20Zo%C3%AB; filename*1=\"x.zip\"\r\n\r\nUEsFBg==\r\n--b\r\n\
            Content-Type: message/rfc822\r\n\r\nFrom: x\r\nSubject: =?ISO-8859-1?Q?Fwd:_Zo=EB?=\r\n\r\nbody\r\n--b\r\n\
            Content-Type: application/pkcs7-mime\r\n\r\nQUJD\r\n--b--\r\n";
        let found = all(mail);
        let of = |name: &str| found.iter().find(|(n, _)| n == name).map(|(_, text)| text.as_str());
        assert_eq!(of("part 1"), Some("Zoë Xander"), "{found:?}");
        assert_eq!(of("part 2"), None);
        assert_eq!(of("part 3"), Some("zxan"));
        assert_eq!(of("of Zoëx.zip"), Some("PK\u{5}\u{6}"));
        assert_eq!(of("part 5/(headers)"), Some("Fwd: Zoë\n"), "{found:?}");
        assert_eq!(of("part 6"), Some("unread: encrypted"));
        assert!(of("(headers)").is_some_and(|h| h.contains("Zoë Xander")), "{found:?}");
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let found = all("From: a\nSubject: b\n\n-----BEGIN PGP MESSAGE-----\nhQEMA\n-----END PGP MESSAGE-----\n");
        assert_eq!(found, [("part 0".to_owned(), "unread: encrypted".to_owned())]);
        let broken = "From: a\nSubject: b\nContent-Type: application/zip\nContent-Transfer-Encoding: base64\n\n\u{1}!\u{2}%%UEsF*\n";
        assert!(
            all(broken).contains(&("part 0".to_owned(), "unread: damaged encoding".to_owned())),
            "{:?}",
            all(broken)
        );
    }

    #[test]
    fn every_mail_of_a_folder() {
        let one =
            |n: u32| format!("From a Mon Nov 23 10:00:00 2026\nTo: {n}\nSubject: =?UTF-8?Q?Zo=C3=AB_{n}?=\n\nbody\n\n");
        let found = all(&[one(1), one(2)].concat());
        assert_eq!(
            found,
            [("1/(headers)".to_owned(), "Zoë 1\n".to_owned()), ("2/(headers)".to_owned(), "Zoë 2\n".to_owned())]
        );
    }
}

"""Mail, vCard and iCalendar with text where a person can stand."""

import base64
import binascii
import quopri
from email.header import Header
from urllib.parse import quote

from .office import packed

BASE = "Message-ID: <1@lager.example>\r\nDate: Mon, 02 Mar 2026 10:00:00 +0100\r\nMIME-Version: 1.0\r\n"


def _mail(head="", body="nothing here", frm="x@other.example", to="y@other.example", subject="notes", kind="text/plain; charset=utf-8"):
    return f"From: {frm}\r\nTo: {to}\r\nSubject: {subject}\r\n{BASE}{head}Content-Type: {kind}\r\n\r\n{body}\r\n".encode()


def _multi(*parts, kind="mixed"):
    inner = b"".join(b"--=_b1\r\n" + p + b"\r\n" for p in parts) + b"--=_b1--\r\n"
    return f"From: x@other.example\r\nTo: y@other.example\r\nSubject: notes\r\n{BASE}Content-Type: multipart/{kind}; boundary=\"=_b1\"\r\n\r\n".encode() + inner


def _part(kind, data, encoding="base64", head=""):
    body = base64.encodebytes(data).replace(b"\n", b"\r\n") if encoding == "base64" else data
    return f"Content-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n{head}\r\n".encode() + body


def _word(text, codec="utf-8", letter="Q"):
    raw = text.encode(codec, "replace")
    if letter == "B":
        return f"=?{codec}?B?{base64.b64encode(raw).decode()}?="
    return f"=?{codec}?Q?" + "".join(chr(b) if chr(b).isascii() and chr(b).isalnum() else "_" if b == 32 else f"={b:02X}" for b in raw) + "?="


def mails(value, fill):
    """With a name: form, extension, bytes."""
    sentence = f"{fill} {value} soon"
    half = len(value) // 2
    plain = _part("text/plain", b"see the attachment", "7bit")
    yield "mail.from-display-plain", "eml", _mail(frm=f'"{value}" <x@other.example>')
    yield "mail.from-display-q", "eml", _mail(frm=f"{_word(value)} <x@other.example>")
    yield "mail.from-display-b", "eml", _mail(frm=f"{_word(value, letter='B')} <x@other.example>")
    yield "mail.from-display-latin-1", "eml", _mail(frm=f"{_word(value, 'iso-8859-1')} <x@other.example>")
    yield "mail.to-two-words", "eml", _mail(to=f"{_word(value[:half])}\r\n {_word(value[half:])} <x@other.example>")
    yield "mail.cc", "eml", _mail(head=f"Cc: {_word(value)} <x@other.example>,\r\n z@other.example\r\n")
    yield "mail.subject-q", "eml", _mail(subject=_word(sentence))
    yield "mail.subject-b", "eml", _mail(subject=_word(sentence, letter="B"))
    yield "mail.subject-folded", "eml", _mail(subject=Header(f"{fill} and again {fill} and {value} soon", "utf-8", 40).encode(linesep="\r\n"))
    yield "mail.subject-raw-utf-8", "eml", _mail(subject=sentence)
    yield "mail.subject-folded-plain", "eml", _mail(subject=f"{fill}\r\n {value.replace(' ', chr(13) + chr(10) + ' ')}")
    yield "mail.custom-header", "eml", _mail(head=f"X-Customer: {_word(value)}\r\n")
    yield "mail.body-8bit", "eml", _mail(head="Content-Transfer-Encoding: 8bit\r\n", body=sentence)
    yield "mail.body-quoted-printable", "eml", _mail(head="Content-Transfer-Encoding: quoted-printable\r\n", body=quopri.encodestring(sentence.encode()).decode())
    yield "mail.body-base64", "eml", _mail(head="Content-Transfer-Encoding: base64\r\n", body=base64.encodebytes(sentence.encode()).decode())
    for codec in ["iso-8859-1", "windows-1252"]:
        yield f"mail.body-{codec}-quoted-printable", "eml", _mail(kind=f"text/plain; charset={codec}", head="Content-Transfer-Encoding: quoted-printable\r\n", body=quopri.encodestring(sentence.encode(codec, "replace")).decode())
        yield f"mail.body-{codec}-base64", "eml", _mail(kind=f"text/plain; charset={codec}", head="Content-Transfer-Encoding: base64\r\n", body=base64.encodebytes(sentence.encode(codec, "replace")).decode())
    yield "mail.body-utf-16-base64", "eml", _mail(kind="text/plain; charset=utf-16", head="Content-Transfer-Encoding: base64\r\n", body=base64.encodebytes(sentence.encode("utf-16")).decode())
    yield "mail.body-flowed", "eml", _mail(kind="text/plain; charset=utf-8; format=flowed", body=f"{fill} {value.replace(' ', ' ' + chr(13) + chr(10))} soon")
    yield "mail.html", "eml", _multi(plain, _part("text/html; charset=utf-8", f"<p>{fill} <b>{value[:half]}</b>{value[half:]}</p>".encode(), "8bit"), kind="alternative")
    yield "mail.html-base64", "eml", _multi(plain, _part("text/html; charset=utf-8", f"<p>{fill} <b>{value[:half]}</b>{value[half:]}</p>".encode()), kind="alternative")
    yield "mail.attachment-text", "eml", _multi(plain, _part('text/plain; name="n.txt"', sentence.encode(), head='Content-Disposition: attachment; filename="n.txt"\r\n'))
    yield "mail.attachment-zip", "eml", _multi(plain, _part('application/zip; name="n.zip"', packed({"n.txt": sentence}), head='Content-Disposition: attachment; filename="n.zip"\r\n'))
    yield "mail.attachment-name-q", "eml", _multi(plain, _part("text/plain", b"ok", head=f'Content-Disposition: attachment; filename="{_word(value + ".txt")}"\r\n'))
    yield "mail.attachment-name-rfc2231", "eml", _multi(plain, _part("text/plain", b"ok", head=f"Content-Disposition: attachment; filename*=UTF-8''{quote(value)}.txt\r\n"))
    yield "mail.attachment-name-rfc2231-parts", "eml", _multi(plain, _part("text/plain", b"ok", head=f"Content-Disposition: attachment; filename*0*=UTF-8''{quote(value[:half])};\r\n filename*1*={quote(value[half:])}.txt\r\n"))
    yield "mail.nested-message", "eml", _multi(plain, _part("message/rfc822", _mail(subject=_word(sentence)), "7bit"))
    yield "mail.nested-message-base64", "eml", _multi(plain, _part("message/rfc822", _mail(body=sentence)))
    yield "mail.preamble", "eml", _multi(plain).replace(b"\r\n\r\n--=_b1", f"\r\n\r\n{sentence}\r\n--=_b1".encode(), 1)
    yield "mail.mbox", "mbox", b"From x@other.example Mon Mar  2 10:00:00 2026\n" + _mail().replace(b"\r\n", b"\n") + b"\nFrom y@other.example Mon Mar  2 11:00:00 2026\n" + _mail(subject=_word(sentence, letter="B")).replace(b"\r\n", b"\n")
    yield "mail.uuencode", "eml", _mail(body=f"begin 644 n.txt\r\n{binascii.b2a_uu(sentence.encode()[:45]).decode().strip()}\r\n{binascii.b2a_uu(sentence.encode()[45:90]).decode().strip()}\r\n`\r\nend")
    yield "mail.subject-raw-latin-1", "eml", _mail(subject="@@").replace(b"@@", sentence.encode("latin-1", "replace"))
    yield "mail.body-latin-1-undeclared", "eml", _mail(kind="text/plain").replace(b"nothing here", sentence.encode("latin-1", "replace"))
    yield "mail.subject-word-in-quotes", "eml", _mail(frm=f'"{_word(value, letter="B")}" <x@other.example>')
    raw = sentence.encode()
    cut = len(raw) - 6
    yield "mail.subject-b-cut-in-letter", "eml", _mail(subject=f"=?utf-8?B?{base64.b64encode(raw[:cut - cut % 3 + 1]).decode()}?=\r\n =?utf-8?B?{base64.b64encode(raw[cut - cut % 3 + 1:]).decode()}?=")
    yield "mail.queue", "xml", f'<?xml version="1.0"?><mailQueue><item><subject>{_word(sentence)}</subject><to>y@other.example</to></item></mailQueue>'.encode()
    yield "mail.no-extension", "", _mail(subject=_word(sentence))


def addresses(p):
    """With an address: form, extension, bytes."""
    e = p.email
    local, domain = e.split("@")
    yield "mail.address-from", "eml", _mail(frm=e)
    yield "mail.address-to-angle", "eml", _mail(to=f"somebody <{e}>, z@other.example")
    yield "mail.address-reply-to", "eml", _mail(head=f"Reply-To: {e}\r\n")
    yield "mail.address-return-path", "eml", f"Return-Path: <{e}>\r\n".encode() + _mail()
    yield "mail.address-received", "eml", f"Received: from a.example by b.example for <{e}>; Mon, 2 Mar 2026 10:00:00 +0100\r\n".encode() + _mail()
    yield "mail.address-bounce", "eml", _mail(body=f"Final-Recipient: rfc822;{e}\r\nAction: failed")
    yield "mail.address-unsubscribe", "eml", _mail(head=f"List-Unsubscribe: <https://x.example/u?m={local}%40{domain}>\r\n")
    yield "mail.address-verp", "eml", _mail(head=f"X-Original-To: {e}\r\n")
    yield "mail.address-base64-body", "eml", _mail(head="Content-Transfer-Encoding: base64\r\n", body=base64.encodebytes(f"write to {e} please".encode()).decode())
    yield "mail.address-qp-soft-break", "eml", _mail(head="Content-Transfer-Encoding: quoted-printable\r\n", body=f"write to {e[:7]}=\r\n{e[7:]} please")


def _fold(line, width=30):
    parts = [line[i:i + width] for i in range(0, len(line), width)]
    return "\r\n ".join(parts)


def cards(value, p):
    """vCard and iCalendar: form, extension, bytes."""
    card = lambda inner, version="3.0": f"BEGIN:VCARD\r\nVERSION:{version}\r\n{inner}\r\nEND:VCARD\r\n".encode()
    event = lambda inner: f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1@lager.example\r\nDTSTART:20260302T100000Z\r\n{inner}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n".encode()
    yield "vcard.fn", "vcf", card(f"FN:{value}")
    yield "vcard.n", "vcf", card(f"N:{p.family};{p.given};;;")
    yield "vcard.n-middle", "vcf", card(f"N:{p.family};{p.given};;Dr.;\r\nORG:x")
    yield "vcard.folded", "vcf", card(_fold(f"NOTE:please ask for {value} and not for anybody else", 24))
    yield "vcard.quoted-printable", "vcf", card(f"FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:{quopri.encodestring(value.encode()).decode()}", "2.1")
    yield "vcard.n-more-given", "vcf", card(f"N:{p.family};{p.given};Kunigunde,Maria;;")
    yield "vcard.grouped-email", "vcf", card(f"FN:x\r\nitem1.EMAIL;TYPE=INTERNET:{p.email}")
    yield "vcard.jcard", "json", f'["vcard",[["version",{{}},"text","4.0"],["fn",{{}},"text","{value}"]]]'.encode()
    yield "vcard.email", "vcf", card(f"FN:x\r\nEMAIL;TYPE=work:{p.email}")
    yield "vcard.email-folded", "vcf", card(f"FN:x\r\nEMAIL;TYPE=work:{p.email[:5]}\r\n {p.email[5:]}")
    yield "ical.attendee-cn", "ics", event(f'ATTENDEE;CN="{value}";ROLE=REQ-PARTICIPANT:mailto:x@other.example')
    yield "ical.attendee-mailto", "ics", event(f"ATTENDEE;CN=x:mailto:{p.email}")
    yield "ical.organizer", "ics", event(f"ORGANIZER:MAILTO:{p.email.upper()}")
    yield "ical.folded", "ics", event(_fold(f"DESCRIPTION:meeting about the release with {value} in room 4", 36))
    yield "ical.escaped", "ics", event(f"SUMMARY:{p.family}\\, {p.given}\\; talk")
    yield "ical.newline", "ics", event(f"DESCRIPTION:with\\n{value}\\nin room 4")
    yield "ldif.cn", "ldif", f"dn: uid=1,ou=people,dc=lager\ncn: {value}\nobjectClass: person\n".encode()
    yield "ldif.base64", "ldif", f"dn: uid=1,ou=people,dc=lager\ncn:: {base64.b64encode(value.encode()).decode()}\nobjectClass: person\n".encode()
    yield "ical.in-mail", "eml", _mail(kind="text/calendar; charset=utf-8", body=f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nSUMMARY:{value[:5]}\r\n {value[5:]}\r\nEND:VEVENT\r\nEND:VCALENDAR")
    yield "manifest.folded", "mf", f"Manifest-Version: 1.0\r\nBuilt-By: {value[:5]}\r\n {value[5:]}\r\n".encode()
    yield "ldif.version-first", "ldif", f"version: 1\n\n# all\ndn: uid=1,ou=people,dc=lager\ncn: {value[:4]}\n {value[4:]}\n".encode()
    yield "ldif.folded", "ldif", f"dn: uid=1,ou=people,dc=lager\ndescription: talk to {value[:5]}\n {value[5:]} about it\n".encode()

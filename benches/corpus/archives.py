"""Archives, their members' names, owners and comments; nested; and what a scan can only name as unread."""

import base64
import binascii
import bz2
import gzip
import io
import lzma
import random
import shutil
import subprocess
import tarfile
import zipfile
import zlib

from .office import packed


def _tar(members, fmt=tarfile.PAX_FORMAT, owner="", link=None):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=fmt) as pack:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime, info.uname = len(data), 1_772_000_000, owner
            pack.addfile(info, io.BytesIO(data))
        if link:
            info = tarfile.TarInfo("link")
            info.type, info.linkname, info.mtime = tarfile.SYMTYPE, link, 1_772_000_000
            pack.addfile(info)
    return out.getvalue()


class _Pipe(io.RawIOBase):
    """Takes bytes and cannot go back, so that sizes stand behind the data."""

    def __init__(self):
        self.data = bytearray()

    def writable(self):
        return True

    def write(self, data):
        self.data += data
        return len(data)


def _streamed(text):
    out = _Pipe()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as pack:
        pack.writestr(zipfile.ZipInfo("n.txt", (2026, 3, 1, 10, 0, 0)), text, zipfile.ZIP_DEFLATED)
    return bytes(out.data)


def _renamed(data, before, after):
    """Another name of the same length, in the old character set."""
    return data.replace(before, after) if len(before) == len(after) else data


def _gzip(data, name=b"", comment=b""):
    raw = gzip.compress(data, mtime=0)
    flags = (8 if name else 0) | (16 if comment else 0)
    extra = (name + b"\0" if name else b"") + (comment + b"\0" if comment else b"")
    return raw[:3] + bytes([flags]) + raw[4:10] + extra + raw[10:]


def zstd(data):
    """By the system's program; `None` where there is none."""
    tool = shutil.which("zstd")
    return subprocess.run([tool, "-q", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout if tool else None


def _deep(data, levels):
    for n in range(levels):
        data = packed({f"{n}.zip" if n else "n.txt": data})
    return data


def _commented(front, members, comment):
    """A zip with a comment behind other bytes."""
    data = packed(members)
    return front + data[:-2] + len(comment).to_bytes(2, "little") + comment


def _without_index(data):
    return data[:data.index(b"PK\1\2")]


def _left_over(text):
    """A zip in which a member was written over: its first content stays, and no index lists it."""
    out = io.BytesIO(_without_index(packed({"n.txt": text})))
    out.seek(0, io.SEEK_END)
    with zipfile.ZipFile(out, "w") as pack:
        pack.writestr(zipfile.ZipInfo("n.txt", (2026, 3, 1, 10, 0, 0)), "gone")
    return out.getvalue()


def forms(value, fill):
    """Form, extension, bytes."""
    text = f"{fill} {value} soon\n".encode()
    name = value.replace(" ", "_") + ".txt"
    for method, label in [(zipfile.ZIP_STORED, "stored"), (zipfile.ZIP_DEFLATED, "deflated"), (zipfile.ZIP_BZIP2, "bzip2"), (zipfile.ZIP_LZMA, "lzma")]:
        yield f"zip.{label}", "zip", packed({"a/n.txt": text}, method)
    yield "zip.member-name", "zip", packed({"a/b.txt": b"ok", f"a/{name}": b"ok"})
    yield "zip.folder-name", "zip", packed({f"{value}/b.txt": b"ok"})
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as pack:
        pack.writestr(zipfile.ZipInfo("a.txt", (2026, 3, 1, 10, 0, 0)), "ok")
        pack.comment = text
    yield "zip.comment", "zip", out.getvalue()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as pack:
        info = zipfile.ZipInfo("a.txt", (2026, 3, 1, 10, 0, 0))
        info.comment = value.encode()
        pack.writestr(info, "ok")
    yield "zip.member-comment", "zip", out.getvalue()
    yield "zip.streamed", "zip", _streamed(text)
    yield "zip.name-cp437", "zip", _renamed(packed({"x" * len(name): b"ok"}), b"x" * len(name), name.encode("cp437", "replace"))
    yield "tar.pax-owner-name", "tar", _tar({"a.txt": b"ok"}, owner=value)
    yield "zip.behind-other-bytes", "bin", b"#!/bin/sh\nexit 0\n" + b"\0" * 64 + packed({"n.txt": text})
    yield "zip.wrong-extension", "dat", packed({"n.txt": text})
    yield "zip.jar", "jar", packed({"META-INF/MANIFEST.MF": f"Built-By: {value}\r\n".encode(), "a.class": b"\xca\xfe\xba\xbe"})
    yield "tar.plain", "tar", _tar({"a/n.txt": text})
    yield "tar.ustar", "tar", _tar({"a/n.txt": text}, tarfile.USTAR_FORMAT)
    yield "tar.gnu-long-name", "tar", _tar({"x" * 90 + "/" + "y" * 40 + "/" + name: b"ok"}, tarfile.GNU_FORMAT)
    yield "tar.member-name", "tar", _tar({name: b"ok"})
    yield "tar.link-target", "tar", _tar({"a.txt": b"ok"}, link=f"../{value}/x")
    yield "tar.gzip", "tar.gz", gzip.compress(_tar({"a/n.txt": text}), mtime=0)
    yield "tar.tgz", "tgz", gzip.compress(_tar({"a/n.txt": text}), mtime=0)
    yield "tar.bzip2", "tar.bz2", bz2.compress(_tar({"a/n.txt": text}))
    yield "tar.xz", "tar.xz", lzma.compress(_tar({"a/n.txt": text}))
    yield "gzip.text", "gz", gzip.compress(text, mtime=0)
    yield "gzip.members", "gz", gzip.compress(b"first\n", mtime=0) + gzip.compress(text, mtime=0)
    yield "gzip.name", "gz", _gzip(b"ok\n", name=value.encode("latin-1", "replace"))
    yield "gzip.comment", "gz", _gzip(b"ok\n", comment=value.encode("latin-1", "replace"))
    yield "gzip.json-lines", "jsonl.gz", gzip.compress(b'{"a": "' + text.strip() + b'"}\n', mtime=0)
    yield "gzip.log-rotated", "log.3.gz", gzip.compress(b"10:00 INFO " + text, mtime=0)
    yield "bzip2.text", "bz2", bz2.compress(text)
    yield "xz.text", "xz", lzma.compress(text)
    yield "lzma.alone", "lzma", lzma.compress(text, format=lzma.FORMAT_ALONE)
    packed_text = zstd(text)
    if packed_text:
        yield "zstd.text", "zst", packed_text
        yield "tar.zstd", "tar.zst", zstd(_tar({"a/n.txt": text}))
    yield "nested.zip-in-zip", "zip", packed({"inner.zip": packed({"n.txt": text})})
    yield "nested.gzip-in-zip", "zip", packed({"log.1.gz": gzip.compress(text, mtime=0)})
    yield "nested.zip-in-tar-gzip", "tar.gz", gzip.compress(_tar({"inner.zip": packed({"n.txt": text})}), mtime=0)
    yield "nested.docx-in-zip", "zip", packed({"notes.docx": packed({"word/document.xml": b"<w:document xmlns:w='x'><w:p><w:t>" + text + b"</w:t></w:p></w:document>"})})
    yield "nested.four-deep", "zip", packed({"a.zip": packed({"b.tar": _tar({"c.gz": gzip.compress(packed({"n.txt": text}), mtime=0)})})})
    yield "nested.utf-16-in-zip", "zip", packed({"n.txt": b"\xff\xfe" + text.decode().encode("utf-16-le")})
    yield "nested.mail-in-zip", "zip", packed({"m.eml": b"From: x@other.example\r\nSubject: =?utf-8?B?" + __import__("base64").b64encode(value.encode()) + b"?=\r\nMIME-Version: 1.0\r\n\r\nok\r\n"})
    yield "nested.ten-deep", "zip", _deep(text, 10)
    yield "zip.comment-behind-other-bytes", "exe", _commented(b"MZ\0\0" + b"\0" * 200, {"n.txt": text}, b"made by a packer")
    yield "zip.left-over-member", "zip", _left_over(text)
    yield "zip.torn-index", "zip", _without_index(packed({"n.txt": text}))
    yield "script.self-extracting", "sh", b"#!/bin/sh\ntail -n +4 \"$0\" | tar xz\nexit\n" + gzip.compress(_tar({"n.txt": text}), mtime=0)
    yield "zlib.git-object", "", zlib.compress(b"commit 99\0author " + value.encode() + b" <x@other.example> 1 +0100\n\nfix\n")
    data = gzip.compress(text, mtime=0)
    yield "ar.package", "deb", b"!<arch>\n" + f"{'control.gz':<16}{'0':<12}{'0':<6}{'0':<6}{'100644':<8}{len(data):<10}`\n".encode() + data
    yield "gzip.in-base64", "txt", base64.b64encode(gzip.compress(text, mtime=0)) + b"\n"
    yield "uuencode.plain", "txt", b"see\nbegin 644 n.txt\n" + b"".join(binascii.b2a_uu(text[i:i + 45]) for i in range(0, len(text), 45)) + b"`\nend\n"
    # Unknown formats still give their plain strings.
    yield "strings.binary", "bin", b"\x00\x01\x7fELF\x02\x00\x00" + bytes(range(128, 256)) + b"\0" + value.encode() + b"\0" + bytes(range(256))
    yield "strings.binary-utf-16", "bin", bytes(range(128, 255)) + b"\0\0" + value.encode("utf-16-le") + b"\0\0" + bytes(range(256))
    yield "strings.old-office", "doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 504 + value.encode("utf-16-le") + b"\0" * 512
    yield "strings.seven-zip-header", "7z", b"7z\xbc\xaf\x27\x1c\0\4" + b"\0" * 24 + b"\x11\x20\0" + value.encode("utf-16-le") + b"\0\0"
    yield "strings.sqlite", "db", b"SQLite format 3\0" + b"\x10\0\1\1\0\x40\x20\x20" + b"\0" * 76 + b"\0\x2dtable" + text + b"\0" * 64
    yield "strings.torn-gzip", "gz", gzip.compress(text + bytes(i * 7 % 251 for i in range(60000)), mtime=0)[:-40]
    yield "strings.torn-zip", "zip", packed({"n.txt": text}, zipfile.ZIP_STORED)[:-30]
    yield "strings.torn-pdf", "pdf", b"%PDF-1.4\n1 0 obj\n<< /Author (" + value.encode("latin-1", "replace") + b") >>\n"


def owners(p):
    """A tar knows its files' owners: form, extension, bytes."""
    yield "tar.owner", "tar", _tar({"a.txt": b"ok"}, owner=p.username)
    yield "tar.owner-gzip", "tar.gz", gzip.compress(_tar({"a.txt": b"ok"}, owner=p.username), mtime=0)


def gaps(value):
    """What cannot be read: form, extension, bytes. The coverage has to say so."""
    text = f"see {value}".encode()
    plain = packed({"n.txt": text}, zipfile.ZIP_STORED)
    # The flag of encryption, in the local and in the central header.
    at, central = plain.index(b"PK\3\4"), plain.index(b"PK\1\2")
    locked = bytearray(plain)
    locked[at + 6] |= 1
    locked[central + 8] |= 1
    locked[at + 35:at + 35 + len(text)] = bytes((b ^ 0x5A) for b in text)
    yield "gap.zip-encrypted", "zip", bytes(locked)
    yield "gap.seven-zip", "7z", b"7z\xbc\xaf\x27\x1c\0\4" + bytes((i * 73 + 41) % 256 for i in range(200))
    yield "gap.rar", "rar", b"Rar!\x1a\x07\x01\0" + bytes((i * 73 + 41) % 256 for i in range(200))
    yield "gap.old-word", "doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 1024
    yield "gap.pdf-encrypted", "pdf", (b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n<< /Type /Pages /Kids [] /Count 0 >>\nendobj\n"
                                       b"3 0 obj\n<< /Filter /Standard /V 2 /R 3 /Length 128 /P -4 /O <" + b"11" * 32 + b"> /U <" + b"22" * 32 + b"> >>\nendobj\n"
                                       b"trailer\n<< /Size 4 /Root 1 0 R /Encrypt 3 0 R /ID [<00><00>] >>\n%%EOF\n")
    noise = random.Random(5)
    yield "gap.gzip-torn", "gz", gzip.compress(noise.randbytes(5000), mtime=0)[:-900]
    yield "gap.pgp", "asc", b"-----BEGIN PGP MESSAGE-----\n\nhQEMA" + b"x8Jk3LmQ9zT" * 30 + b"\n=AbCd\n-----END PGP MESSAGE-----\n"
    yield "gap.jpeg-pixels", "jpg", __import__("corpus.images", fromlist=["jpeg"]).jpeg()
    deep = text
    for n in range(40):
        deep = packed({f"{n}.zip": deep}, zipfile.ZIP_STORED)
    yield "gap.zip-too-deep", "zip", deep
    bomb = packed({"zero": b"\0" * (40 << 20)})
    yield "gap.zip-bomb", "zip", packed({f"{n}.zip": bomb for n in range(64)})
    yield "gap.random", "bin", bytes((i * i * 31 + i * 7 + 99) % 256 for i in range(4000))

"""Pictures of one pixel with text where a person can stand."""

import base64
import struct
import zlib

# A baseline JPEG of one grey pixel, without its start marker.
JPEG = base64.b64decode(
    "/9sAQwABAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB/8AACwgAAQABAQERAP/EABQAAQAAAAAAAAAAAAAAAAAAAAn/xAAU"
    "EAEAAAAAAAAAAAAAAAAAAAAA/9oACAEBAAA/AFR//9k=")


def _segment(marker, data):
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(data) + 2) + data


def jpeg(*segments):
    return b"\xff\xd8" + b"".join(segments) + JPEG


def tiff(tags, order="<"):
    """A TIFF header with one directory of ASCII and byte tags: number → bytes."""
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    at = 8 + 2 + 12 * len(tags) + 4
    entries, data = b"", b""
    for number, (kind, value) in sorted(tags.items()):
        if len(value) <= 4:
            entries += struct.pack(order + "HHI", number, kind, len(value)) + value.ljust(4, b"\0")
        else:
            entries += struct.pack(order + "HHII", number, kind, len(value), at + len(data))
            data += value + b"\0" * (len(value) % 2)
    return head + struct.pack(order + "H", len(tags)) + entries + b"\0\0\0\0" + data


def xmp(value):
    from xml.sax.saxutils import escape
    return (f'<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
            f'<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:creator><rdf:Seq><rdf:li>{escape(value)}</rdf:li></rdf:Seq></dc:creator></rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>').encode()


def iptc(value):
    field = b"\x1c\x01\x5a\x00\x03\x1b%G" + b"\x1c\x02\x50" + struct.pack(">H", len(value.encode())) + value.encode()
    field += b"\0" * (len(field) % 2)
    return b"Photoshop 3.0\0" + b"8BIM\x04\x04\0\0" + struct.pack(">I", len(field)) + field


def _chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(*chunks):
    head = _chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunks) + _chunk(b"IDAT", zlib.compress(b"\0\x80")) + _chunk(b"IEND", b"")


def forms(value):
    """Form, extension, bytes."""
    utf8, wide = value.encode() + b"\0", value.encode("utf-16-le") + b"\0\0"
    artist = tiff({0x013B: (2, utf8)})
    yield "jpeg.exif-artist", "jpg", jpeg(_segment(0xE1, b"Exif\0\0" + artist))
    yield "jpeg.exif-big-endian", "jpg", jpeg(_segment(0xE1, b"Exif\0\0" + tiff({0x013B: (2, utf8)}, ">")))
    yield "jpeg.exif-windows-author", "jpg", jpeg(_segment(0xE1, b"Exif\0\0" + tiff({0x9C9D: (1, wide)})))
    yield "jpeg.exif-user-comment", "jpg", jpeg(_segment(0xE1, b"Exif\0\0" + tiff({0x9286: (7, b"UNICODE\0" + wide[:-2])})))
    yield "jpeg.xmp", "jpg", jpeg(_segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + xmp(value)))
    yield "jpeg.iptc-by-line", "jpg", jpeg(_segment(0xED, iptc(value)))
    yield "jpeg.comment", "jpg", jpeg(_segment(0xFE, utf8[:-1]))
    latin = value.encode("latin-1", "replace")
    yield "png.text", "png", png(_chunk(b"tEXt", b"Author\0" + latin))
    yield "png.text-compressed", "png", png(_chunk(b"zTXt", b"Author\0\0" + zlib.compress(latin)))
    yield "png.text-international", "png", png(_chunk(b"iTXt", b"Author\0\0\0en\0Author\0" + value.encode()))
    yield "png.text-international-compressed", "png", png(_chunk(b"iTXt", b"Author\0\1\0en\0Author\0" + zlib.compress(value.encode())))
    yield "png.exif", "png", png(_chunk(b"eXIf", artist))
    yield "png.xmp", "png", png(_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp(value)))
    yield "tiff.artist", "tif", artist
    yield "tiff.xmp", "tif", tiff({0x02BC: (1, xmp(value))})
    yield "gif.comment", "gif", b"GIF89a\x01\0\1\0\x80\0\0\0\0\0\xff\xff\xff!\xfe" + bytes([len(utf8) - 1]) + utf8 + b",\0\0\0\0\1\0\1\0\0\2\2D\1\0;"
    body = b"VP8X\x0a\0\0\0\4\0\0\0\0\0\0\0\0\0" + b"XMP " + struct.pack("<I", len(xmp(value))) + xmp(value) + b"\0" * (len(xmp(value)) % 2)
    yield "webp.xmp", "webp", b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body
    yield "svg.text", "svg", f'<svg xmlns="http://www.w3.org/2000/svg"><title>x</title><text>{value}</text></svg>'.encode()
    yield "svg.split", "svg", f'<svg xmlns="http://www.w3.org/2000/svg"><text>{value[:4]}<tspan dx="1">{value[4:]}</tspan></text></svg>'.encode()
    yield "mp3.id3", "mp3", b"ID3\3\0\0\0\0\0" + bytes([len(utf8) + 10]) + b"TPE1" + struct.pack(">I", len(utf8)) + b"\0\0" + b"\0" + utf8[:-1] + b"\xff\xfb\x90\0" * 8

"""A small writer of valid PDF files, with text where a person can stand. Standard library only."""

import base64
import zlib


class Pdf:
    """Numbered objects, then a cross-reference table."""

    def __init__(self):
        self.objects = []

    def add(self, body):
        """Adds an object (bytes) and gives its number; `None` keeps a number free."""
        self.objects.append(body)
        return len(self.objects)

    def stream(self, data, extra=b"", flate=True):
        if flate:
            data, extra = zlib.compress(data), extra + b" /Filter /FlateDecode"
        return self.add(b"<< /Length %d%s >>\nstream\n%s\nendstream" % (len(data), extra, data))

    def bytes(self, root, info=None):
        out, offsets = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"), []
        for n, body in enumerate(self.objects, 1):
            offsets.append(len(out))
            out += b"%d 0 obj\n%s\nendobj\n" % (n, body)
        start = len(out)
        out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(offsets) + 1)
        for at in offsets:
            out += b"%010d 00000 n \n" % at
        out += b"trailer\n<< /Size %d /Root %d 0 R%s >>\nstartxref\n%d\n%%%%EOF\n" % (
            len(offsets) + 1, root, b" /Info %d 0 R" % info if info else b"", start)
        return bytes(out)


def literal(text):
    """A text string: PDFDocEncoding where it is ASCII, UTF-16 otherwise."""
    if text.isascii():
        return b"(" + text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)").encode() + b")"
    return b"<" + (b"\xfe\xff" + text.encode("utf-16-be")).hex().encode() + b">"


def shown(text):
    """A string that a page shows in WinAnsi, octal where it is not ASCII."""
    out = b""
    for c in text:
        b = c.encode("cp1252", "replace")
        out += b"\\" + b if b in b"()\\" else b if b[0] < 127 else b"\\%03o" % b[0]
    return b"(" + out + b")"


FONT = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"


def document(content, flate=True, info=None, catalog=b"", page=b"", font=FONT, prepare=None):
    """A file of one page with this content stream; `prepare(pdf)` may add objects and give (catalog, page) entries."""
    pdf = Pdf()
    font = pdf.add(font) if isinstance(font, bytes) else font(pdf)
    stream = pdf.stream(content, flate=flate)
    if prepare:
        catalog, page = prepare(pdf)
    pages = len(pdf.objects) + 2
    one = pdf.add(b"<< /Type /Page /Parent %d 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 %d 0 R >> >> /Contents %d 0 R%s >>" % (pages, font, stream, page))
    pdf.add(b"<< /Type /Pages /Kids [%d 0 R] /Count 1 >>" % one)
    root = pdf.add(b"<< /Type /Catalog /Pages %d 0 R%s >>" % (pages, catalog))
    number = pdf.add(b"<< " + b" ".join(b"/%s %s" % (k.encode(), literal(v)) for k, v in info.items()) + b" >>") if info else None
    return pdf.bytes(root, number)


def _text(operators):
    return b"BT /F1 12 Tf 72 720 Td " + operators + b" ET"


def _unicode_font(text):
    """A font of glyph numbers with a ToUnicode map, as office programs write, and the text in it."""
    letters = sorted(set(text))
    glyph = {c: 3 + i for i, c in enumerate(letters)}

    def font(pdf):
        lines = "\n".join(f"<{glyph[c]:04x}> <{c.encode('utf-16-be').hex()}>" for c in letters)
        cmap = ("/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n/CMapName /X def\n/CMapType 2 def\n"
                f"1 begincodespacerange\n<0000> <ffff>\nendcodespacerange\n{len(letters)} beginbfchar\n{lines}\nendbfchar\nendcmap\n"
                "CMapName currentdict /CMap defineresource pop\nend\nend\n")
        unicode_map = pdf.stream(cmap.encode())
        inner = pdf.add(b"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /ABCDEF+Sample /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> /DW 500 >>")
        return pdf.add(b"<< /Type /Font /Subtype /Type0 /BaseFont /ABCDEF+Sample /Encoding /Identity-H /DescendantFonts [%d 0 R] /ToUnicode %d 0 R >>" % (inner, unicode_map))

    return font, b"<" + b"".join(b"%04x" % glyph[c] for c in text) + b"> Tj"


def packed_objects(value, fill):
    """A file as present writers make it: objects in a compressed stream, a compressed table of references."""
    bodies = [b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
              b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>", b"<< /Title (Notes) /Author " + literal(value) + b" /Subject " + literal(fill) + b" >>"]
    heads, at = [], 0
    for n, body in enumerate(bodies, 1):
        heads.append(b"%d %d" % (n, at))
        at += len(body) + 1
    first = b" ".join(heads) + b" "
    data = zlib.compress(first + b" ".join(bodies))
    out = bytearray(b"%PDF-1.5\n%\xe2\xe3\xcf\xd3\n")
    held = len(out)
    out += b"5 0 obj\n<< /Type /ObjStm /N 4 /First %d /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream\nendobj\n" % (len(first), len(data), data)
    start = len(out)
    row = lambda kind, a, b: bytes([kind]) + a.to_bytes(4, "big") + bytes([b])
    table = row(0, 0, 255) + b"".join(row(2, 5, i) for i in range(4)) + row(1, held, 0) + row(1, start, 0)
    table = zlib.compress(table)
    out += b"6 0 obj\n<< /Type /XRef /Size 7 /W [1 4 1] /Root 1 0 R /Info 4 0 R /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % (len(table), table, start)
    return bytes(out)


def revised(first):
    """An update behind the file that takes the author away; the old revision stays in the bytes."""
    number = int(first.rsplit(b"/Info ", 1)[1].split()[0])
    root = int(first.rsplit(b"/Root ", 1)[1].split()[0])
    before = int(first.rsplit(b"startxref\n", 1)[1].split()[0])
    at = len(first)
    body = b"%d 0 obj\n<< /Title (Notes) >>\nendobj\n" % number
    return first + body + b"xref\n%d 1\n%010d 00000 n \ntrailer\n<< /Size %d /Root %d 0 R /Info %d 0 R /Prev %d >>\nstartxref\n%d\n%%%%EOF\n" % (
        number, at, number + 1, root, number, before, at + len(body))


def forms(value, fill):
    """Every place of a PDF: form, bytes."""
    sentence = f"{fill} {value} soon"
    half = len(value) // 2
    a, b = shown(value[:half]), shown(value[half:])
    nothing = _text(shown(fill) + b" Tj")
    yield "pdf.text", document(_text(shown(sentence) + b" Tj"))
    yield "pdf.text-plain-stream", document(_text(shown(sentence) + b" Tj"), flate=False)
    yield "pdf.text-kerned", document(_text(b"[" + shown(fill + " ") + a + b" -20 " + b + b"] TJ"))
    yield "pdf.text-letter-by-letter", document(_text(b"[" + b" 12 ".join(shown(c) for c in sentence) + b"] TJ"))
    yield "pdf.text-hex", document(_text(b"<" + sentence.encode("cp1252", "replace").hex().encode() + b"> Tj"))
    yield "pdf.text-two-shows", document(_text(shown(fill + " ") + b" Tj " + a + b" Tj " + b + b" Tj"))
    if " " in value:
        given, family = value.split(" ", 1)
        yield "pdf.text-two-lines", document(_text(shown(fill + " " + given) + b" Tj 0 -14 Td " + shown(family + " soon") + b" Tj"))
        yield "pdf.text-gap-for-space", document(_text(b"[" + shown(given) + b" -300 " + shown(family) + b"] TJ"))
    font, operators = _unicode_font(sentence)
    yield "pdf.text-to-unicode", document(_text(operators), font=font)
    yield "pdf.info-author", document(nothing, info={"Title": "Notes", "Author": value})
    yield "pdf.info-keywords", document(nothing, info={"Title": "Notes", "Keywords": f"notes, {value}"})

    def metadata(pdf):
        xmp = f'<?xpacket begin="" id="x"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:creator><rdf:Seq><rdf:li>{value}</rdf:li></rdf:Seq></dc:creator></rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
        return b" /Metadata %d 0 R" % pdf.stream(xmp.encode(), b" /Type /Metadata /Subtype /XML", flate=False), b""

    def note(pdf):
        n = pdf.add(b"<< /Type /Annot /Subtype /Text /Rect [10 10 30 30] /Contents " + literal(sentence) + b" >>")
        return b"", b" /Annots [%d 0 R]" % n

    def note_author(pdf):
        n = pdf.add(b"<< /Type /Annot /Subtype /Text /Rect [10 10 30 30] /Contents (ok) /T " + literal(value) + b" >>")
        return b"", b" /Annots [%d 0 R]" % n

    def link(pdf):
        n = pdf.add(b"<< /Type /Annot /Subtype /Link /Rect [10 10 30 30] /A << /S /URI /URI " + literal("https://x.example/?q=" + value.replace(" ", "%20")) + b" >> >>")
        return b"", b" /Annots [%d 0 R]" % n

    def form(pdf):
        n = pdf.add(b"<< /Type /Annot /Subtype /Widget /FT /Tx /T (contact) /V " + literal(value) + b" /Rect [10 10 90 30] >>")
        return b" /AcroForm << /Fields [%d 0 R] >>" % n, b" /Annots [%d 0 R]" % n

    def outline(pdf):
        n = len(pdf.objects)
        pdf.add(b"<< /Title %s /Parent %d 0 R >>" % (literal(sentence), n + 2))
        return b" /Outlines %d 0 R" % pdf.add(b"<< /Type /Outlines /First %d 0 R /Last %d 0 R /Count 1 >>" % (n + 1, n + 1)), b""

    def attached(pdf):
        data = pdf.stream(sentence.encode(), b" /Type /EmbeddedFile")
        spec = pdf.add(b"<< /Type /Filespec /F (notes.txt) /EF << /F %d 0 R >> >>" % data)
        return b" /Names << /EmbeddedFiles << /Names [(notes.txt) %d 0 R] >> >>" % spec, b""

    def script(pdf):
        return b" /OpenAction << /S /JavaScript /JS %d 0 R >>" % pdf.stream(f"app.alert('{value}');".encode()), b""

    def form_data(pdf):
        return b" /AcroForm << /XFA %d 0 R >>" % pdf.stream(f"<data><contact>{value}</contact></data>".encode()), b""

    yield "pdf.script", document(nothing, prepare=script)
    yield "pdf.form-data", document(nothing, prepare=form_data)
    yield "pdf.actual-text", document(b"BT /F1 12 Tf 72 720 Td /Span << /ActualText " + literal(sentence) + b" >> BDC (xx) Tj EMC ET")
    yield "pdf.earlier-text", revised(document(_text(shown(sentence) + b" Tj"), info={"Title": "Notes", "Author": "x"}))
    yield "pdf.object-stream", packed_objects(value, fill)
    yield "pdf.earlier-revision", revised(document(nothing, info={"Title": "Notes", "Author": value}))
    chain = base64.a85encode(zlib.compress(_text(shown(sentence) + b" Tj"))) + b"~>"
    pdf = Pdf()
    pdf.add(b"<< /Length %d /Filter [/ASCII85Decode /FlateDecode] >>\nstream\n%s\nendstream" % (len(chain), chain))
    pdf.add(FONT)
    pdf.add(b"<< /Type /Page /Parent 4 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 2 0 R >> >> /Contents 1 0 R >>")
    pdf.add(b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>")
    yield "pdf.filter-chain", pdf.bytes(pdf.add(b"<< /Type /Catalog /Pages 4 0 R >>"))
    for name, prepare in [("xmp", metadata), ("note", note), ("note-author", note_author), ("link", link), ("form-field", form), ("outline", outline), ("attachment", attached)]:
        yield f"pdf.{name}", document(nothing, prepare=prepare)

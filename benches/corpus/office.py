"""Writers of Word, Excel, PowerPoint and OpenDocument files, with text where a person can stand, and of RTF."""

import io
import zipfile
from xml.sax.saxutils import escape, quoteattr

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
S = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
P = 'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
TYPES = HEAD + '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>'
RELS = HEAD + '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"/>'


def packed(members, method=zipfile.ZIP_DEFLATED):
    """A zip of name → text or bytes, without the clock."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as pack:
        for name, data in members.items():
            info = zipfile.ZipInfo(name, (2026, 3, 1, 10, 0, 0))
            info.compress_type = method
            pack.writestr(info, data)
    return out.getvalue()


def _halves(value):
    half = max(1, len(value) // 2)
    return escape(value[:half]), escape(value[half:])


def _docx(body, **parts):
    members = {"[Content_Types].xml": TYPES, "_rels/.rels": RELS,
               "word/document.xml": f"{HEAD}<w:document {W}><w:body>{body}</w:body></w:document>"}
    members.update({name.replace("__", "/"): text for name, text in parts.items()})
    return packed(members)


def _run(text, style=""):
    return f'<w:r>{style}<w:t xml:space="preserve">{text}</w:t></w:r>'


def docx(value, fill):
    """Form and bytes."""
    v, (a, b) = escape(value), _halves(value)
    para = f"<w:p>{_run(fill)}</w:p>"
    core = lambda inner: f'{HEAD}<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/">{inner}</cp:coreProperties>'
    yield "docx.text", _docx(f"<w:p>{_run(f'{fill} {v} soon')}</w:p>")
    yield "docx.runs", _docx(f"<w:p>{_run(fill + ' ' + a)}{_run(b, '<w:rPr><w:b/></w:rPr>')}{_run(' soon')}</w:p>")
    yield "docx.runs-proof", _docx(f'<w:p>{_run(fill + " ")}<w:proofErr w:type="spellStart"/>{_run(a)}<w:proofErr w:type="spellEnd"/><w:bookmarkStart w:id="1" w:name="x"/>{_run(b)}<w:bookmarkEnd w:id="1"/></w:p>')
    yield "docx.letters", _docx("<w:p>" + "".join(_run(escape(c)) for c in f"{fill} {value}") + "</w:p>")
    yield "docx.table", _docx(f"<w:tbl><w:tr><w:tc><w:p>{_run('who')}</w:p></w:tc><w:tc><w:p>{_run(v)}</w:p></w:tc></w:tr></w:tbl>")
    yield "docx.tracked-insertion", _docx(f'<w:p>{_run(fill + chr(32))}<w:ins w:id="1" w:author="x" w:date="2026-03-01T10:00:00Z">{_run(v)}</w:ins></w:p>')
    yield "docx.tracked-deletion", _docx(f'<w:p>{_run(fill + chr(32))}<w:del w:id="1" w:author="x"><w:r><w:delText xml:space="preserve">{a}</w:delText></w:r><w:r><w:delText>{b}</w:delText></w:r></w:del></w:p>')
    yield "docx.tracked-author", _docx(f'<w:p><w:ins w:id="1" w:author={quoteattr(value)} w:date="2026-03-01T10:00:00Z">{_run("ok")}</w:ins></w:p>')
    yield "docx.soft-hyphen", _docx(f"<w:p><w:r><w:t>{fill} {a}</w:t><w:softHyphen/><w:t>{b}</w:t></w:r></w:p>")
    yield "docx.no-break-space", _docx(f"<w:p>{_run(fill + ' ' + v.replace(' ', chr(160)))}</w:p>")
    yield "docx.field", _docx(f'<w:p><w:r><w:instrText xml:space="preserve"> HYPERLINK "https://x.example/?q={v}" </w:instrText></w:r>{_run("there")}</w:p>')
    yield "docx.alt-text", _docx(f'<w:p><w:r><w:drawing><wp:inline xmlns:wp="x"><wp:docPr id="1" name="Picture" descr={quoteattr(value)}/></wp:inline></w:drawing></w:r></w:p>')
    yield "docx.content-control", _docx(f'<w:sdt><w:sdtPr><w:alias w:val={quoteattr(value)}/></w:sdtPr><w:sdtContent>{para}</w:sdtContent></w:sdt>')
    yield "docx.text-box", _docx(f'<w:p><w:r><w:pict><v:textbox xmlns:v="urn:schemas-microsoft-com:vml"><w:txbxContent><w:p>{_run(a)}{_run(b)}</w:p></w:txbxContent></v:textbox></w:pict></w:r></w:p>')
    for part, tag in [("header1", "hdr"), ("footer1", "ftr"), ("footnotes", "footnotes"), ("endnotes", "endnotes")]:
        yield f"docx.{part}", _docx(para, **{f"word__{part}.xml": f"{HEAD}<w:{tag} {W}><w:p>{_run(a)}{_run(b)}</w:p></w:{tag}>"})
    yield "docx.comment", _docx(para, **{"word__comments.xml": f'{HEAD}<w:comments {W}><w:comment w:id="0" w:author="x"><w:p>{_run(fill + " " + a)}{_run(b)}</w:p></w:comment></w:comments>'})
    yield "docx.comment-author", _docx(para, **{"word__comments.xml": f'{HEAD}<w:comments {W}><w:comment w:id="0" w:author={quoteattr(value)}><w:p>{_run("ok")}</w:p></w:comment></w:comments>'})
    yield "docx.people", _docx(para, **{"word__people.xml": f'{HEAD}<w15:people xmlns:w15="http://schemas.microsoft.com/office/word/2012/wordml"><w15:person w15:author={quoteattr(value)}/></w15:people>'})
    yield "docx.creator", _docx(para, **{"docProps__core.xml": core(f"<dc:creator>{v}</dc:creator>")})
    yield "docx.last-modified-by", _docx(para, **{"docProps__core.xml": core(f"<cp:lastModifiedBy>{v}</cp:lastModifiedBy>")})
    yield "docx.manager", _docx(para, **{"docProps__app.xml": f'{HEAD}<Properties xmlns="x"><Manager>{v}</Manager></Properties>'})
    yield "docx.custom-property", _docx(para, **{"docProps__custom.xml": f'{HEAD}<Properties xmlns="x" xmlns:vt="y"><property name="Contact"><vt:lpwstr>{v}</vt:lpwstr></property></Properties>'})
    yield "docx.link-target", _docx(para, **{"word___rels__document.xml.rels": f'{HEAD}<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="hyperlink" Target={quoteattr("https://x.example/?q=" + value.replace(" ", "%20"))} TargetMode="External"/></Relationships>'})
    yield "docx.custom-xml", _docx(para, **{"customXml__item1.xml": f"<form><contact>{v}</contact></form>"})
    yield "docx.alternative-chunk", _docx(para, **{"word__afchunk.htm": f"<html><body><p>{a}<b>{b}</b></p></body></html>"})
    yield "docx.simple-field", _docx(f'<w:p><w:fldSimple w:instr="AUTHOR">{_run(v)}</w:fldSimple></w:p>')
    yield "docx.control-in-word", _docx(f"<w:p><w:sdt><w:sdtContent>{_run(a)}</w:sdtContent></w:sdt>{_run(b)}</w:p>")
    yield "docx.mailto", _docx(para, **{"word___rels__document.xml.rels": f'{HEAD}<Relationships><Relationship Id="r1" Target={quoteattr("https://x.example/" + value.replace(" ", "%20"))}/></Relationships>'})
    yield "docx.glossary", _docx(para, **{"word__glossary__document.xml": f"{HEAD}<w:document {W}><w:p>{_run(a)}{_run(b)}</w:p></w:document>"})
    yield "docx.variable", _docx(para, **{"word__settings.xml": f'{HEAD}<w:settings {W}><w:docVars><w:docVar w:name="u" w:val={quoteattr(value)}/></w:docVars></w:settings>'})
    yield "docx.embedded", _docx(para, **{"word__embeddings__sheet1.xlsx": next(xlsx(value, fill))[1]})


def _xlsx(**parts):
    members = {"[Content_Types].xml": TYPES, "_rels/.rels": RELS,
               "xl/workbook.xml": f'{HEAD}<workbook {S}><sheets><sheet name="One" sheetId="1" r:id="r1"/></sheets></workbook>',
               "xl/worksheets/sheet1.xml": f"{HEAD}<worksheet {S}><sheetData/></worksheet>"}
    members.update({name.replace("__", "/"): text for name, text in parts.items()})
    return packed(members)


def xlsx(value, fill):
    """Form and bytes."""
    v, (a, b) = escape(value), _halves(value)
    sheet = lambda inner: {"xl__worksheets__sheet1.xml": f"{HEAD}<worksheet {S}>{inner}</worksheet>"}
    yield "xlsx.shared-string", _xlsx(**{"xl__sharedStrings.xml": f"{HEAD}<sst {S}><si><t>no</t></si><si><t>{fill} {v}</t></si></sst>"})
    yield "xlsx.rich-string", _xlsx(**{"xl__sharedStrings.xml": f'{HEAD}<sst {S}><si><r><t xml:space="preserve">{fill} {a}</t></r><r><rPr><b/></rPr><t>{b}</t></r></si></sst>'})
    yield "xlsx.inline-string", _xlsx(**sheet(f'<sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>{v}</t></is></c></row></sheetData>'))
    yield "xlsx.formula-text", _xlsx(**sheet(f'<sheetData><row r="1"><c r="A1" t="str"><f>CONCATENATE("{v}","")</f><v>x</v></c></row></sheetData>'))
    yield "xlsx.header", _xlsx(**sheet(f"<sheetData/><headerFooter><oddHeader>&amp;L{v}</oddHeader></headerFooter>"))
    yield "xlsx.footer-codes", _xlsx(**sheet(f'<sheetData/><headerFooter><evenFooter>&amp;C&amp;"Arial,Bold"&amp;10{a}&amp;B{b}&amp;RPage &amp;P</evenFooter></headerFooter>'))
    yield "xlsx.phonetic", _xlsx(**{"xl__sharedStrings.xml": f'{HEAD}<sst {S}><si><r><t xml:space="preserve">{fill} {a}</t></r><rPh sb="0" eb="1"><t>x</t></rPh><r><t>{b}</t></r></si></sst>'})
    yield "xlsx.threaded-comment", _xlsx(**{"xl__threadedComments__threadedComment1.xml": f"{HEAD}<ThreadedComments><threadedComment ref=\"A1\" personId=\"1\"><text>ask {v} please</text></threadedComment></ThreadedComments>"})
    yield "xlsx.comment", _xlsx(**{"xl__comments1.xml": f'{HEAD}<comments {S}><authors><author>x</author></authors><commentList><comment ref="A1" authorId="0"><text><r><t>{a}</t></r><r><t>{b}</t></r></text></comment></commentList></comments>'})
    yield "xlsx.comment-author", _xlsx(**{"xl__comments1.xml": f"{HEAD}<comments {S}><authors><author>{v}</author></authors><commentList/></comments>"})
    yield "xlsx.threaded-person", _xlsx(**{"xl__persons__person.xml": f'{HEAD}<personList xmlns="x"><person displayName={quoteattr(value)} id="1"/></personList>'})
    yield "xlsx.sheet-name", _xlsx(**{"xl__workbook.xml": f'{HEAD}<workbook {S}><sheets><sheet name={quoteattr(value)} sheetId="1" r:id="r1"/></sheets></workbook>'})
    yield "xlsx.defined-name", _xlsx(**{"xl__workbook.xml": f'{HEAD}<workbook {S}><definedNames><definedName name="Owner">"{v}"</definedName></definedNames></workbook>'})
    yield "xlsx.data-validation", _xlsx(**sheet(f'<sheetData/><dataValidations><dataValidation type="list"><formula1>"{v},other"</formula1></dataValidation></dataValidations>'))
    yield "xlsx.pivot-cache", _xlsx(**{"xl__pivotCache__pivotCacheDefinition1.xml": f"{HEAD}<pivotCacheDefinition {S}><cacheFields><cacheField name=\"who\"><sharedItems><s v={quoteattr(value)}/></sharedItems></cacheField></cacheFields></pivotCacheDefinition>"})
    yield "xlsx.external-link", _xlsx(**{"xl__externalLinks___rels__externalLink1.xml.rels": f'{HEAD}<Relationships><Relationship Id="r1" Target={quoteattr("file:///C:/Users/" + value + "/book.xlsx")}/></Relationships>'})
    yield "xlsx.creator", _xlsx(**{"docProps__core.xml": f'{HEAD}<cp:coreProperties xmlns:cp="x" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:creator>{v}</dc:creator></cp:coreProperties>'})


def pptx(value, fill):
    """Form and bytes."""
    v, (a, b) = escape(value), _halves(value)
    slide = lambda inner: f"{HEAD}<p:sld {P}><p:cSld><p:spTree><p:sp><p:txBody>{inner}</p:txBody></p:sp></p:spTree></p:cSld></p:sld>"
    make = lambda **parts: packed({"[Content_Types].xml": TYPES, "_rels/.rels": RELS, "ppt/presentation.xml": f"{HEAD}<p:presentation {P}/>",
                                   "ppt/slides/slide1.xml": slide("<a:p/>"), **{n.replace("__", "/"): t for n, t in parts.items()}})
    yield "pptx.slide", make(**{"ppt__slides__slide1.xml": slide(f"<a:p><a:r><a:t>{fill} {v}</a:t></a:r></a:p>")})
    yield "pptx.slide-runs", make(**{"ppt__slides__slide1.xml": slide(f"<a:p><a:r><a:t>{a}</a:t></a:r><a:r><a:rPr b=\"1\"/><a:t>{b}</a:t></a:r></a:p>")})
    yield "pptx.notes", make(**{"ppt__notesSlides__notesSlide1.xml": slide(f"<a:p><a:r><a:t>{a}</a:t></a:r><a:r><a:t>{b}</a:t></a:r></a:p>").replace("p:sld", "p:notes")})
    yield "pptx.comment", make(**{"ppt__comments__comment1.xml": f'{HEAD}<p:cmLst {P}><p:cm authorId="0"><p:text>{fill} {v}</p:text></p:cm></p:cmLst>'})
    yield "pptx.comment-author", make(**{"ppt__commentAuthors.xml": f'{HEAD}<p:cmAuthorLst {P}><p:cmAuthor id="0" name={quoteattr(value)} initials="x"/></p:cmAuthorLst>'})
    yield "pptx.alt-text", make(**{"ppt__slides__slide1.xml": f'{HEAD}<p:sld {P}><p:cSld><p:spTree><p:pic><p:nvPicPr><p:cNvPr id="1" name="x" descr={quoteattr(value)}/></p:nvPicPr></p:pic></p:spTree></p:cSld></p:sld>'})


ODF = 'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:meta="urn:oasis:names:tc:opendocument:xmlns:meta:1.0"'


def odf(value, fill):
    """Form, extension and bytes."""
    v, (a, b) = escape(value), _halves(value)

    def make(kind, body, meta=""):
        mime = "application/vnd.oasis.opendocument." + {"odt": "text", "ods": "spreadsheet", "odp": "presentation"}[kind]
        members = {"mimetype": mime, "content.xml": f"{HEAD}<office:document-content {ODF}><office:body>{body}</office:body></office:document-content>",
                   "META-INF/manifest.xml": HEAD + "<manifest/>"}
        if meta:
            members["meta.xml"] = f"{HEAD}<office:document-meta {ODF}><office:meta>{meta}</office:meta></office:document-meta>"
        return packed(members)

    para = f"<office:text><text:p>{fill}</text:p></office:text>"
    yield "odt.text", "odt", make("odt", f"<office:text><text:p>{fill} {v} soon</text:p></office:text>")
    yield "odt.spans", "odt", make("odt", f'<office:text><text:p>{fill} <text:span text:style-name="T1">{a}</text:span>{b}</text:p></office:text>')
    yield "odt.spaces", "odt", make("odt", f'<office:text><text:p>{fill} {v.replace(" ", "<text:s/>")} soon</text:p></office:text>')
    yield "odt.line-break", "odt", make("odt", f'<office:text><text:p>{fill} {v.replace(" ", "<text:line-break/>")} soon</text:p></office:text>')
    yield "odt.annotation", "odt", make("odt", f"<office:text><text:p>{fill}<office:annotation><dc:creator>x</dc:creator><text:p>{v}</text:p></office:annotation></text:p></office:text>")
    yield "odt.annotation-author", "odt", make("odt", f"<office:text><text:p>{fill}<office:annotation><dc:creator>{v}</dc:creator><text:p>ok</text:p></office:annotation></text:p></office:text>")
    yield "odt.tracked-deletion", "odt", make("odt", f"<office:text><text:tracked-changes><text:changed-region><text:deletion><text:p>{v}</text:p></text:deletion></text:changed-region></text:tracked-changes></office:text>")
    yield "odt.creator", "odt", make("odt", para, f"<dc:creator>{v}</dc:creator>")
    yield "odt.initial-creator", "odt", make("odt", para, f"<meta:initial-creator>{v}</meta:initial-creator>")
    yield "odt.user-defined", "odt", make("odt", para, f'<meta:user-defined meta:name="Contact">{v}</meta:user-defined>')
    yield "ods.cell", "ods", make("ods", f"<office:spreadsheet><table:table><table:table-row><table:table-cell><text:p>{a}<text:span>{b}</text:span></text:p></table:table-cell></table:table-row></table:table></office:spreadsheet>")
    yield "ods.sheet-name", "ods", make("ods", f"<office:spreadsheet><table:table table:name={quoteattr(value)}/></office:spreadsheet>")
    yield "odf.flat", "fodt", f"{HEAD}<office:document {ODF}><office:body><office:text><text:p>{fill} {a}<text:span>{b}</text:span></text:p></office:text></office:body></office:document>".encode()


def rtf(value, fill):
    """Form and bytes."""
    code = lambda text: "".join(c if c.isascii() and c not in "\\{}" else f"\\u{ord(c) if ord(c) < 32768 else ord(c) - 65536}?" for c in text)
    hexed = lambda text: "".join(c if c.isascii() else f"\\'{c.encode('cp1252', 'replace')[0]:02x}" for c in text)
    half = len(value) // 2
    make = lambda body, info="": ("{\\rtf1\\ansi\\ansicpg1252\\deff0{\\fonttbl{\\f0 Arial;}}" + info + "\\f0\\fs24 " + body + "\\par}").encode("ascii")
    yield "rtf.unicode", make(f"{fill} {code(value)} soon")
    yield "rtf.hex", make(f"{fill} {hexed(value)} soon")
    yield "rtf.runs", make(f"{fill} {{\\b {code(value[:half])}}}{{\\i {code(value[half:])}}} soon")
    yield "rtf.control-between", make(f"{fill} {code(value[:half])}\\lang1031 {code(value[half:])} soon")
    yield "rtf.author", make(fill, "{\\info{\\author " + code(value) + "}}")
    yield "rtf.bookmark-in-word", make(f"{fill} {code(value[:half])}{{\\*\\bkmkstart a}}{code(value[half:])} soon")
    yield "rtf.footnote", make(f"{fill}{{\\footnote {hexed(value)}}}. next")
    yield "rtf.annotation", make(f"{fill} {{\\*\\atnauthor {code(value)}}}")
    yield "rtf.no-break-space", make(f"{fill} {code(value).replace(' ', chr(92) + '~')} soon")

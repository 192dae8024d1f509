"""How a spelling stands in a file: split by markup, escaped, encoded, nested. Gives whole files: form, extension, bytes."""

import base64
import gzip
import html
import json
import quopri
from urllib.parse import quote, quote_plus

from . import spell

FILL = "Please look at the build queue before noon"


def _u(text):
    """JSON escapes for every character beyond letters and digits."""
    return "".join(c if c.isascii() and (c.isalnum() or c in " .@-_") else "".join(f"\\u{x:04x}" for x in _utf16(c)) for c in text)


def _utf16(text):
    raw = text.encode("utf-16-be")
    return [int.from_bytes(raw[i:i + 2], "big") for i in range(0, len(raw), 2)]


def _every(text, one):
    return "".join(one(c) for c in text)


def _b64(text):
    return base64.b64encode(text.encode()).decode()


def _halves(text):
    """Two parts of a word of the text, the cut inside the last word."""
    at = text.rfind(" ") + 1
    at += max(2, (len(text) - at) // 2)
    return text[:at], text[at:]


def escaped(value):
    """The value under escapes: form, extension, content."""
    sentence = f"{FILL} with {value} about it."
    given, _, family = value.partition(" ")
    halves = _halves(value)
    doc = {"id": 7, "text": sentence}
    inner = json.dumps(doc)
    yield "escape.json.unicode", "json", '{"id": 7, "text": "%s with %s about it."}' % (FILL, _u(value))
    yield "escape.json.unicode-all", "json", '{"id": 7, "text": "%s"}' % _every(sentence, lambda c: "".join(f"\\u{x:04X}" for x in _utf16(c)))
    yield "escape.json.newline", "json", '{"id": 7, "text": "%s\\n%s\\n"}' % (FILL, json.dumps(value)[1:-1])
    yield "escape.json.in-json", "json", json.dumps({"payload": inner})
    yield "escape.json.in-json-twice", "json", json.dumps({"payload": json.dumps({"body": inner})})
    yield "escape.json.in-json-thrice", "json", json.dumps({"a": json.dumps({"payload": json.dumps({"body": inner})})})
    yield "escape.json.in-base64", "json", json.dumps({"payload": _b64(inner)})
    yield "escape.json.in-base64-in-json", "json", json.dumps({"payload": json.dumps({"data": _b64(inner)})})
    yield "escape.json.in-base64-in-base64", "json", json.dumps({"payload": _b64(_b64(inner))})
    yield "escape.json.in-html", "html", f"<html><body><div data-state='{html.escape(inner)}'>x</div></body></html>"
    yield "escape.json.in-script", "html", f"<html><script>window.state = {inner};</script></html>"
    yield "escape.json.in-xml", "xml", f"<?xml version='1.0'?><m><body>{html.escape(inner)}</body></m>"
    yield "escape.json.in-cdata", "xml", f"<?xml version='1.0'?><m><body><![CDATA[{inner}]]></body></m>"
    yield "escape.json.in-log", "log", f"2026-03-01 10:00:00,123 INFO [sync] sending {json.dumps(inner)} to target\n"
    yield "escape.json.in-csv", "csv", "id,payload\n1,\"%s\"\n" % inner.replace('"', '""')
    yield "escape.json.in-url", "txt", f"GET /x?state={quote(inner)} HTTP/1.1\n"
    yield "escape.json.key", "json", json.dumps({"owners": {value: {"level": 2}}})
    yield "escape.json.key-unicode", "json", '{"owners": {"%s": 1}}' % _u(value)
    yield "escape.json.array", "json", json.dumps(["first", value, "last"])
    yield "escape.json.duplicate-key", "json", '{"text": %s, "text": "nothing"}' % json.dumps(sentence)
    yield "escape.json.bom", "json", "\ufeff" + json.dumps(doc, ensure_ascii=False)
    yield "escape.json.trailing", "json", json.dumps(doc) + "\n" + json.dumps({"id": 8}) + "\ngarbage"
    yield "escape.json.comment", "json", "// settings\n{\n  /* c */ \"text\": " + json.dumps(sentence) + ",\n}\n"
    yield "escape.json.solidus", "json", '{"url": "https:\\/\\/x.example\\/%s\\/edit"}' % _u(value).replace(" ", "%20")
    yield "escape.xml.decimal", "xml", f"<?xml version='1.0'?><m><t>{FILL} {_every(value, lambda c: f'&#{ord(c)};')}</t></m>"
    yield "escape.xml.hex", "xml", f"<?xml version='1.0'?><m><t>{FILL} {_every(value, lambda c: f'&#x{ord(c):X};')}</t></m>"
    yield "escape.xml.some", "xml", "<?xml version='1.0'?><m><t>%s</t></m>" % _every(sentence, lambda c: c if c.isascii() else f"&#{ord(c)};")
    yield "escape.xml.attribute", "xml", f"<?xml version='1.0'?><m><t who={_xml_attribute(value)}/></m>"
    yield "escape.xml.attribute-entities", "xml", "<?xml version='1.0'?><m><t who=\"%s\"/></m>" % _every(value, lambda c: c if c.isascii() and c != "e" else f"&#{ord(c)};")
    yield "escape.xml.cdata-twice", "xml", f"<?xml version='1.0'?><m><t><![CDATA[{FILL} {_halves(value)[0]}]]><![CDATA[{_halves(value)[1]} soon]]></t></m>"
    yield "escape.xml.cdata", "xml", f"<?xml version='1.0'?><m><t><![CDATA[{sentence}]]></t></m>"
    yield "escape.xml.comment", "xml", f"<?xml version='1.0'?><m><!-- {sentence} --><t/></m>"
    yield "escape.xml.twice", "xml", f"<?xml version='1.0'?><m><t>{html.escape(_named(sentence))}</t></m>"
    yield "escape.html.named", "html", f"<html><body><p>{_named(sentence)}</p></body></html>"
    yield "escape.html.no-break", "html", f"<html><body><p>{FILL} {value.replace(' ', '&nbsp;')}</p></body></html>"
    yield "escape.html.attribute", "html", f'<html><body><img src="x.png" alt="{html.escape(value)}" title="y"></body></html>'
    yield "escape.html.href", "html", f'<html><body><a href="https://x.example/?q={quote(value)}">there</a></body></html>'
    yield "escape.url.percent", "txt", f"https://x.example/find?q={quote(value, safe='')}&page=2\n"
    yield "escape.url.plus", "txt", f"https://x.example/find?q={quote_plus(value)}&page=2\n"
    yield "escape.url.twice", "txt", f"https://x.example/find?next={quote(quote(value, safe=''), safe='')}&page=2\n"
    yield "escape.url.all", "txt", f"q={_every(value, lambda c: ''.join(f'%{b:02x}' for b in c.encode()))}\n"
    yield "escape.url.mailto-name", "txt", f"mailto:{quote(value)}%20%3Cx@other.example%3E?subject=hi\n"
    yield "escape.url.latin-1", "txt", f"q={quote(value.encode('latin-1', 'replace'))}&x=1\n"
    yield "escape.quoted-printable", "txt", quopri.encodestring(sentence.encode()).decode()
    yield "escape.quoted-printable.all", "txt", _every(sentence, lambda c: "".join(f"={b:02X}" for b in c.encode()))[:3000]
    yield "escape.base64.text", "txt", f"token {_b64(sentence)} end\n"
    yield "escape.base64.twice", "txt", f"token {_b64(_b64(sentence))} end\n"
    yield "escape.base64.url", "txt", f"state={base64.urlsafe_b64encode(('?>~' + sentence).encode()).decode().rstrip('=')}&x=1\n"
    yield "escape.base64.lines", "txt", f"data:\n{base64.encodebytes((sentence * 3).encode()).decode()}\n"
    yield "escape.base64.value", "json", json.dumps({"auth": _b64(value)})
    yield "escape.base64.basic-auth", "log", f"2026-03-01 10:00:00 DEBUG header Authorization: Basic {_b64(value + ':s3cret-word')}\n"
    yield "escape.base64.data-url", "html", f'<html><a href="data:text/plain;base64,{_b64(sentence)}">x</a></html>'
    yield "escape.base64.latin-1", "txt", f"token {base64.b64encode(sentence.encode('latin-1', 'replace')).decode()} end\n"
    yield "escape.base64.utf-16", "txt", f"token {base64.b64encode(sentence.encode('utf-16-le')).decode()} end\n"
    yield "escape.base64.gzip", "json", json.dumps({"blob": base64.b64encode(gzip.compress(sentence.encode(), mtime=0)).decode()})
    yield "escape.jwt", "txt", "Bearer %s.%s.c2lnbmF0dXJl\n" % tuple(
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in ({"alg": "HS256", "typ": "JWT"}, {"sub": value, "iat": 1}))
    yield "escape.hex", "txt", f"blob 0x{sentence.encode().hex()}\n"
    yield "escape.java.properties", "properties", f"# settings\nowner={_u(value)}\n"
    yield "escape.javascript", "js", f"var owner = '{_every(value, lambda c: c if c.isascii() else f'{chr(92)}x{ord(c):02x}')}';\n"
    yield "escape.javascript.code-point", "js", f"var owner = '{_every(value, lambda c: c if c.isascii() else f'{chr(92)}u{{{ord(c):x}}}')}';\n"
    yield "escape.c.bytes", "txt", "A  \"%s\"\n" % _every(value, lambda c: c if c.isascii() else "".join(f"\\x{b:02x}" for b in c.encode()))
    yield "escape.c.octal", "txt", "A  \"%s\"\n" % _every(value, lambda c: c if c.isascii() else "".join(f"\\{b:03o}" for b in c.encode()))
    yield "escape.url.script", "txt", "q=%s&x=1\n" % _every(value, lambda c: c if c.isascii() and c != " " else f"%u{ord(c):04X}" if ord(c) < 65536 else c)
    yield "escape.quoted-printable.latin-1", "txt", quopri.encodestring(sentence.encode("latin-1", "replace")).decode("latin-1")
    yield "escape.html.tags-in-json", "json", json.dumps({"body": f"<p>{FILL} <b>{given}</b> {family} soon</p>"}).replace("<", "\\u003c").replace(">", "\\u003e")
    yield "escape.html.tags-in-xml", "xml", "<?xml version='1.0'?><m><body>%s</body></m>" % html.escape(f'<p>{FILL} <span class="a b">{halves[0]}</span>{halves[1]} soon</p>')
    yield "escape.base64.utf-16-be", "txt", f"token {base64.b64encode(sentence.encode('utf-16-be')).decode()} end\n"
    yield "escape.hex.upper", "sql", f"INSERT INTO t VALUES (7, X'{sentence.encode().hex().upper()}');\n"
    yield "escape.sql", "sql", "INSERT INTO t VALUES (7, '%s', NULL);\n" % sentence.replace("'", "''")
    yield "escape.yaml", "yaml", f"owner: \"{_u(value)}\"\nlevel: 2\n"
    yield "escape.php.serialised", "txt", 'a:1:{s:4:"text";s:%d:"%s";}\n' % (len(value.encode()), value)
    yield "escape.latex", "tex", "\\author{%s}\n" % value


def _xml_attribute(value):
    from xml.sax.saxutils import quoteattr
    return quoteattr(value)


def _named(text):
    from html.entities import codepoint2name
    return _every(text, lambda c: f"&{codepoint2name[ord(c)]};" if ord(c) > 127 and ord(c) in codepoint2name else c)


def split(value, word=False):
    """The value with something between its parts: form, extension, content. `word`: it has no space to split at."""
    a, b = _halves(value)
    given, _, family = value.partition(" ")
    pairs = [(a, b, "in-word")] if word else [(a, b, "in-word"), (given, " " + family, "between")]
    for x, y, where in pairs:
        yield f"split.html.bold.{where}", "html", f"<html><body><p>{FILL} <b>{x}</b>{y} soon</p></body></html>"
        yield f"split.html.spans.{where}", "html", f'<html><body><p>{FILL} <span class="a">{x}</span><span style="b">{y}</span> soon</p></body></html>'
        yield f"split.html.comment.{where}", "html", f"<html><body><p>{FILL} {x}<!-- cut -->{y} soon</p></body></html>"
        yield f"split.html.wbr.{where}", "html", f"<html><body><p>{FILL} {x}<wbr>{y} soon</p></body></html>"
        yield f"split.html.shy.{where}", "html", f"<html><body><p>{FILL} {x}&shy;{y} soon</p></body></html>"
        yield f"split.html.zwsp.{where}", "html", f"<html><body><p>{FILL} {x}&#8203;{y} soon</p></body></html>"
        yield f"split.html.escaped.{where}", "json", json.dumps({"renderedBody": f"<p>{FILL} <b>{x}</b>{y} soon</p>"})
        yield f"split.xml.{where}", "xml", f"<?xml version='1.0'?><d>{FILL} <e>{x}</e>{y} soon</d>"
        yield f"split.soft-hyphen.{where}", "txt", f"{FILL} {x}\u00ad{y} soon\n"
        yield f"split.zero-width-space.{where}", "txt", f"{FILL} {x}\u200b{y} soon\n"
        yield f"split.zero-width-joiner.{where}", "txt", f"{FILL} {x}\u200d{y} soon\n"
        yield f"split.word-joiner.{where}", "txt", f"{FILL} {x}\u2060{y} soon\n"
        yield f"split.bom.{where}", "txt", f"{FILL} {x}\ufeff{y} soon\n"
        yield f"split.direction-mark.{where}", "txt", f"{FILL} {x}\u200e{y} soon\n"
        yield f"split.quoted-printable.{where}", "txt", f"{FILL}=20{x}=\r\n{y}=20soon=\r\n"
        yield f"split.wiki.bold.{where}", "txt", f"{FILL} {{*}}{x}{{*}}{y} soon\n"
        yield f"split.wiki.colour.{where}", "json", json.dumps({"description": f"{FILL} {{color:red}}{x}{{color}}{y} soon"})
        yield f"split.markdown.bold.{where}", "md", f"# Notes\n\n{FILL} **{x}**{y} soon\n"
        yield f"split.markdown.strike.{where}", "md", f"# Notes\n\n{FILL} ~~{x}~~{y} soon\n"
        yield f"split.adf.{where}", "json", json.dumps(adf([{"type": "text", "text": f"{FILL} {x}"}, {"type": "text", "text": y, "marks": [{"type": "strong"}]}]))
        yield f"split.adf.three.{where}", "json", json.dumps(adf([{"type": "text", "text": t, "marks": m} for t, m in (
            (f"{FILL} {x[:-1]}", []), (x[-1], [{"type": "em"}]), (y[0], [{"type": "strong"}]), (y[1:] + " soon", []))]))
        yield f"split.adf.in-json.{where}", "json", json.dumps({"value": json.dumps(adf([{"type": "text", "text": f"{FILL} {x}"}, {"type": "text", "text": y}]))})
        yield f"split.ansi-colour.json.{where}", "json", json.dumps({"line": f"10:00 {FILL} \x1b[1;32m{x}\x1b[0m{y} soon"})
        yield f"split.html.comment-json.{where}", "json", json.dumps({"renderedBody": f"<p>{FILL} {x}<!-- cut <b> here -->{y} soon</p>"})
        yield f"split.ansi-colour.{where}", "log", f"10:00 {FILL} \x1b[31m{x}\x1b[0m{y} soon\n"
    if word:
        return
    yield "split.line", "txt", f"{FILL} {given}\n{family} soon\n"
    yield "split.line-crlf", "txt", f"{FILL} {given}\r\n{family} soon\r\n"
    yield "split.line-indented", "txt", f"{FILL} {given}\n        {family} soon\n"
    yield "split.line-quoted", "txt", f"> {FILL} {given}\n> {family} soon\n"
    yield "split.line-comment", "java", f"/*\n * {FILL} {given}\n * {family} soon\n */\n"
    yield "split.line-comment-slashes", "rs", f"// {FILL} {given}\n// {family} soon\n"
    yield "split.line-comment-hash", "py", f"# {FILL} {given}\n# {family} soon\n"
    yield "split.line-json", "json", json.dumps({"text": f"{FILL} {given}\n{family} soon"})
    yield "split.line-json-crlf", "json", json.dumps({"text": f"{FILL} {given}\r\n{family} soon"})
    yield "split.line-html", "html", f"<html><body><p>{FILL} {given}\n    {family} soon</p></body></html>"
    yield "split.line-br", "html", f"<html><body><p>{FILL} {given}<br/>{family} soon</p></body></html>"
    yield "split.line-adf", "json", json.dumps(adf([{"type": "text", "text": f"{FILL} {given}"}, {"type": "hardBreak"}, {"type": "text", "text": family}]))
    yield "split.wiki.emphasis", "txt", f"{FILL} *{given}* _{family}_ soon\n"
    yield "split.wiki.break", "json", json.dumps({"description": f"{FILL} {given}\\\\{family} soon"})
    yield "split.markdown.link", "md", f"{FILL} [{given}](https://x.example/a) [{family}](https://x.example/b) soon\n"
    yield "split.markdown.break", "md", f"{FILL} {given}  \n{family} soon\n"
    # A table of given and family names: the reader sees a person, the text two words.
    yield "apart.csv.given-family", "csv", f"no,given,family\n1,{given},{family}\n"
    yield "apart.csv.family-given", "csv", f"no,family,given\n1,{family},{given}\n"
    yield "apart.json.members", "json", json.dumps({"no": 1, "firstName": given, "lastName": family})
    yield "apart.json.members-turned", "json", json.dumps({"no": 1, "lastName": family, "firstName": given})
    yield "apart.html.cells", "html", f"<html><table><tr><td>1</td><td>{given}</td><td>{family}</td></tr></table></html>"
    yield "apart.tsv", "tsv", f"no\tgiven\tfamily\n1\t{given}\t{family}\n"


def adf(nodes):
    """A document of one paragraph."""
    nodes = [{k: v for k, v in n.items() if v != []} for n in nodes]
    return {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": nodes}]}


def strength(form):
    """The least strength of a form here."""
    return spell.POSSIBLE if form.startswith(("apart.", "escape.hex", "escape.php")) else spell.PROBABLE


ENCODINGS = [
    # Form, codec, characters before; which persons (by kind) can be written in it.
    ("utf-8-bom", "utf-8-sig", "marked"), ("utf-16-le-bom", "utf-16-le", "marked"), ("utf-16-be-bom", "utf-16-be", "marked"),
    ("utf-16-le", "utf-16-le", "plain"), ("utf-16-be", "utf-16-be", "plain"), ("utf-32-le-bom", "utf-32-le", "marked"),
    ("latin-1", "latin-1", "umlaut"), ("windows-1252", "windows-1252", "umlaut"), ("iso-8859-15", "iso-8859-15", "umlaut"),
    ("windows-1250", "windows-1250", "polish"), ("iso-8859-2", "iso-8859-2", "polish"), ("windows-1251", "windows-1251", "cyrillic"),
    ("koi8-r", "koi8-r", "cyrillic"), ("iso-8859-5", "iso-8859-5", "cyrillic"), ("windows-1253", "windows-1253", "greek"),
    ("iso-8859-7", "iso-8859-7", "greek"), ("windows-1254", "windows-1254", "turkish"), ("macintosh", "mac-roman", "umlaut"),
    ("shift_jis", "shift_jis", "japanese"), ("euc-jp", "euc-jp", "japanese"),
    ("iso-2022-jp", "iso-2022-jp", "japanese"), ("gb18030", "gb18030", "chinese"), ("big5", "big5", "chinese-trad"), ("euc-kr", "euc-kr", "korean"),
    ("iso-8859-6", "iso-8859-6", "arabic"), ("windows-1256", "windows-1256", "arabic"), ("windows-1255", "windows-1255", "hebrew"),
    ("windows-874", "cp874", "thai"), 
]

TEXTS = {
    "chinese-trad": "今天早上伺服器又沒有回應，我們把發布延後到星期一，並且通知了客戶。",
    "cyrillic": "Сегодня утром сервер снова не отвечал, и мы перенесли выпуск на понедельник. Об этом написали клиенту.",
    "greek": "Σήμερα το πρωί ο διακομιστής δεν απαντούσε και αναβάλαμε την έκδοση για τη Δευτέρα.",
    "japanese": "今朝サーバーがまた応答しなかったので、リリースを月曜日に延期しました。顧客にも連絡しました。",
    "chinese": "今天早上服务器又没有响应，我们把发布推迟到星期一，并且通知了客户。",
    "korean": "오늘 아침 서버가 다시 응답하지 않아 출시를 월요일로 연기했습니다. 고객에게도 알렸습니다.",
    "arabic": "هذا الصباح لم يستجب الخادم مرة اخرى وتم تأجيل الاصدار الى يوم الاثنين.",
    "hebrew": "הבוקר השרת שוב לא הגיב ולכן דחינו את השחרור ליום שני.",
    "thai": "เช้านี้เซิร์ฟเวอร์ไม่ตอบสนองอีกครั้ง เราจึงเลื่อนการเปิดตัวไปวันจันทร์",
    "turkish": "Bu sabah sunucu yine yanıt vermedi, sürümü pazartesiye erteledik. Müşteriye de yazdık, özür diledik.",
    "polish": "Dziś rano serwer znów nie odpowiadał, więc przełożyliśmy wydanie na poniedziałek. Napisaliśmy też do klientów.",
    "umlaut": "Heute früh antwortete der Server wieder nicht, wir haben die Freigabe auf Montag verschoben und die Kunden höflich verständigt.",
}
BOMS = {"utf-16-le-bom": b"\xff\xfe", "utf-16-be-bom": b"\xfe\xff", "utf-32-le-bom": b"\xff\xfe\x00\x00"}


def encoded(name, codec, kind, value):
    """The value in a text of an encoding, with and without a declaration: form, extension, bytes."""
    text = TEXTS.get(kind, FILL + ".")
    bom = BOMS.get(name, b"")
    plain = f"{text}\n{value}\n{text}\n"
    # Without a mark or a declaration some of these cannot be told apart.
    yield f"encoding.{name}.text", "txt", bom + plain.encode(codec)
    if bom or codec == "utf-8-sig":
        yield f"encoding.{name}.json", "json", bom + json.dumps({"t": text, "who": value}, ensure_ascii=False).encode(codec)
        yield f"encoding.{name}.csv", "csv", bom + f"no;who\r\n1;{value}\r\n".encode(codec)
        return
    if name.startswith("utf-16"):
        return
    yield f"encoding.{name}.xml-declared", "xml", f'<?xml version="1.0" encoding="{name}"?>\n<m><t>{text}</t><w>{value}</w></m>\n'.encode(codec)
    yield f"encoding.{name}.html-declared", "html", f'<html><head><meta http-equiv="Content-Type" content="text/html; charset={name}"></head><body><p>{text}</p><p>{value}</p></body></html>'.encode(codec)
    yield f"encoding.{name}.html5-declared", "html", f'<!doctype html><html><head><meta charset="{name}"></head><body><p>{text}</p><p>{value}</p></body></html>'.encode(codec)

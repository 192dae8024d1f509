"""How a person is spelled, and what only looks like it. Pure: a person in, texts with a form and a strength out."""

import re
import unicodedata

CERTAIN, PROBABLE, POSSIBLE = "certain", "probable", "possible"

GERMAN = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"})
NORDIC = str.maketrans({"ø": "oe", "å": "aa", "æ": "ae", "Ø": "Oe", "Å": "Aa", "Æ": "Ae"})
DROPPED = str.maketrans({"ø": "o", "å": "a", "ł": "l", "Ø": "O", "Å": "A", "Ł": "L", "ı": "i", "İ": "I", "đ": "d", "Đ": "D"})
# BGN/PCGN, as passports and most tools write it.
CYRILLIC = dict(zip("абвгдежзийклмнопрстуфхцчшщъыьэюя", "a b v g d e zh z i y k l m n o p r s t u f kh ts ch sh shch _ y _ e yu ya".split()))
GREEK = dict(zip("αβγδεζηθικλμνξοπρστυφχψως", "a v g d e z i th i k l m n x o p r s t y f ch ps o s".split()))


def dropped(text):
    """Without diacritics."""
    text = unicodedata.normalize("NFD", text.translate(DROPPED))
    return unicodedata.normalize("NFC", "".join(c for c in text if not unicodedata.combining(c)))


def romanised(text, table):
    out = []
    for c in unicodedata.normalize("NFC", text):
        base = c.lower() if c.lower() in table else dropped(c).lower()
        roman = table.get(base, c).replace("_", "")
        out.append(roman.capitalize() if c.isupper() else roman)
    return "".join(out)


def wide(text):
    """Full-width letters, as East Asian input methods give."""
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else "\u3000" if c == " " else c for c in text)


def mathematical(text):
    """Bold mathematical letters, as people use them in display names."""
    def one(c):
        if "a" <= c <= "z":
            return chr(0x1D41A + ord(c) - ord("a"))
        return chr(0x1D400 + ord(c) - ord("A")) if "A" <= c <= "Z" else c
    return "".join(map(one, text))


def names(p):
    """Spellings of a full name: form, text, least strength."""
    given, family, whole = p.given, p.family, p.name
    yield "name.plain", whole, PROBABLE
    if p.kind in ("plain", "marked", "umlaut", "greek", "cyrillic", "nordic", "polish"):
        yield "name.case.upper", whole.upper(), PROBABLE
        yield "name.case.lower", whole.lower(), PROBABLE
        yield "name.case.swapped", whole.swapcase(), PROBABLE
        yield "name.order.comma", f"{family}, {given}", PROBABLE
        yield "name.order.comma-upper", f"{family.upper()}, {given}", PROBABLE
        yield "name.order.family-first", f"{family} {given}", PROBABLE
        yield "name.order.comma-tight", f"{family},{given}", PROBABLE
        yield "name.initial.given", f"{given[0]}. {family}", POSSIBLE
        yield "name.initial.given-tight", f"{given[0]}.{family}", POSSIBLE
        yield "name.initial.behind", f"{family}, {given[0]}.", POSSIBLE
    if p.kind == "plain":
        yield "name.space.two", f"{given}  {family}", PROBABLE
        yield "name.space.tab", f"{given}\t{family}", PROBABLE
        yield "name.space.no-break", f"{given}\u00a0{family}", PROBABLE
        yield "name.space.narrow", f"{given}\u202f{family}", PROBABLE
        yield "name.space.thin", f"{given}\u2009{family}", PROBABLE
        yield "name.unicode.full-width", wide(whole), PROBABLE
        yield "name.unicode.mathematical", mathematical(whole), PROBABLE
        yield "name.middle.added", f"{given} Kunigunde {family}", POSSIBLE
        yield "name.middle.initial", f"{given} K. {family}", POSSIBLE
        yield "name.initial.family", f"{given} {family[0]}.", POSSIBLE
        yield "name.initial.bare", f"{given[0]} {family}", POSSIBLE
        yield "name.joined.dot", f"{given.lower()}.{family.lower()}", POSSIBLE
        yield "name.joined.underscore", f"{given}_{family}", POSSIBLE
        yield "name.joined.hyphen", f"{given.lower()}-{family.lower()}", POSSIBLE
        yield "name.joined.camel", f"{given}{family}", POSSIBLE
        yield "name.around.possessive", f"{whole}'s", PROBABLE
        yield "name.around.possessive-curly", f"{whole}’s", PROBABLE
        yield "name.around.brackets", f"({whole})", PROBABLE
        yield "name.around.quotes", f"„{whole}“", PROBABLE
        yield "name.around.colon", f"{whole}: ok", PROBABLE
        yield "name.around.slash", f"x/{whole}/y", PROBABLE
        yield "name.around.at", f"@{whole}", PROBABLE
        yield "name.around.full-stop", f"by {whole}.", PROBABLE
        yield "name.around.emoji", f"🎉{whole}🎉", PROBABLE
        yield "name.around.dash", f"2026—{whole}—ok", PROBABLE
    if p.kind in ("marked", "umlaut", "nordic", "polish", "vietnamese"):
        yield "name.unicode.nfd", unicodedata.normalize("NFD", whole), PROBABLE
        yield "name.diacritics.dropped", dropped(whole), PROBABLE
        yield "name.diacritics.dropped-upper", dropped(whole).upper(), PROBABLE
        yield "name.diacritics.dropped-comma", dropped(f"{family}, {given} {p.middle}".strip()), PROBABLE
    if p.kind == "umlaut":
        yield "name.translit.german", whole.translate(GERMAN), PROBABLE
        yield "name.translit.german-comma", f"{family}, {given}".translate(GERMAN), PROBABLE
        yield "name.translit.german-upper", whole.translate(GERMAN).upper(), PROBABLE
    if p.kind == "nordic":
        yield "name.translit.nordic", whole.translate(NORDIC), PROBABLE
    if p.kind == "sharp-s":
        yield "name.fold.sharp-s-upper", whole.upper(), PROBABLE
        yield "name.fold.sharp-s-capital", whole.upper().replace("SS", "ẞ"), PROBABLE
        yield "name.fold.sharp-s-ss", whole.replace("ß", "ss"), PROBABLE
        yield "name.translit.german", whole.translate(GERMAN), PROBABLE
    if p.kind == "turkish":
        yield "name.fold.turkish-ascii", dropped(whole), PROBABLE
        yield "name.fold.turkish-upper", whole.replace("i", "İ").replace("ı", "I").upper(), PROBABLE
        yield "name.fold.turkish-lower", whole.replace("İ", "i").replace("I", "ı").lower(), PROBABLE
        yield "name.fold.turkish-ascii-upper", dropped(whole).upper(), PROBABLE
    if p.kind == "greek":
        yield "name.fold.greek-upper-bare", dropped(whole).upper(), PROBABLE
        yield "name.diacritics.dropped", dropped(whole), PROBABLE
        yield "name.romanised.greek", romanised(whole, GREEK), POSSIBLE
    if p.kind == "cyrillic":
        yield "name.romanised.cyrillic", romanised(whole, CYRILLIC), POSSIBLE
        yield "name.romanised.cyrillic-comma", romanised(f"{family}, {given}", CYRILLIC), POSSIBLE
    if p.kind == "particle":
        particle, _, rest = family.rpartition(" ")
        yield "name.particle.comma", f"{family}, {given}", PROBABLE
        yield "name.particle.behind", f"{rest}, {given} {particle}", PROBABLE
        yield "name.particle.upper", f"{given} {family.title()}", PROBABLE
        yield "name.particle.dropped", f"{given} {rest}", POSSIBLE
        yield "name.particle.initial", f"{given[0]}. {family}", POSSIBLE
    if p.kind == "apostrophe":
        yield "name.apostrophe.curly", whole.replace("'", "’"), PROBABLE
        yield "name.apostrophe.modifier", whole.replace("'", "ʼ"), PROBABLE
        yield "name.apostrophe.grave", whole.replace("'", "`"), PROBABLE
        yield "name.apostrophe.dropped", whole.replace("'", ""), POSSIBLE
        yield "name.apostrophe.comma", f"{family}, {given}", PROBABLE
        yield "name.apostrophe.upper", whole.upper(), PROBABLE
    if p.kind.startswith("barrelled"):
        yield "name.barrelled.space", whole.replace("-", " "), PROBABLE
        yield "name.barrelled.hyphen", whole.replace("-", "\u2010"), PROBABLE
        yield "name.barrelled.no-break-hyphen", whole.replace("-", "\u2011"), PROBABLE
        yield "name.barrelled.en-dash", whole.replace("-", "–"), PROBABLE
        yield "name.barrelled.comma", f"{family}, {given}", PROBABLE
        if p.kind == "barrelled":
            yield "name.barrelled.first-half", f"{given} {family.split('-')[0]}", POSSIBLE
            yield "name.barrelled.second-half", f"{given} {family.split('-')[1]}", POSSIBLE
    if p.kind == "middle":
        yield "name.middle.dropped", f"{given} {family}", POSSIBLE
        yield "name.middle.short", f"{given} {p.middle[0]}. {family}", POSSIBLE
        yield "name.middle.comma", f"{family}, {given} {p.middle}", PROBABLE
        yield "name.middle.initials", f"{given[0]}. {p.middle[0]}. {family}", POSSIBLE
    if p.kind in ("japanese", "chinese", "korean"):
        yield "name.cjk.joined", family + given, PROBABLE
        yield "name.cjk.ideographic-space", f"{family}\u3000{given}", PROBABLE
        yield "name.cjk.turned", f"{given} {family}", PROBABLE
    if p.kind == "japanese":
        yield "name.cjk.honorific", f"昨日{family}{given}さんが来た", PROBABLE
    if p.kind == "korean":
        yield "name.cjk.particle", f"{family}{given}이 왔다", PROBABLE
    if p.kind == "arabic":
        yield "name.arabic.tatweel", whole.replace("م", "مـ", 1), PROBABLE
        yield "name.arabic.marks", whole.replace("م", "م\u064f", 1), POSSIBLE
    if p.kind == "hebrew":
        yield "name.bidi.marks", f"\u202b{whole}\u202c", PROBABLE
    if p.kind == "thai":
        yield "name.thai.joined", f"คุณ{p.given} {p.family}มา", PROBABLE


def emails(p):
    """Spellings of an e-mail address."""
    local, domain = p.email.rsplit("@", 1)
    if p.kind == "idn":
        yield "email.idn", p.email, PROBABLE
        yield "email.idn-punycode", f"{local}@{domain.encode('idna').decode()}", PROBABLE
        return
    if p.kind == "gmail":
        yield "email.provider.dots-dropped", f"{local.replace('.', '')}@{domain}", PROBABLE
        yield "email.provider.dots-added", f"{local[0]}.{local[1:]}@{domain}", PROBABLE
        yield "email.provider.dots-and-tag", f"{local.replace('.', '')}+list@{domain}", PROBABLE
        yield "email.provider.other-domain", f"{local}@googlemail.com", PROBABLE
        return
    yield "email.plain", p.email, PROBABLE
    yield "email.case.upper", p.email.upper(), PROBABLE
    yield "email.case.title", p.email.title(), PROBABLE
    yield "email.tag.plus", f"{local}+jira@{domain}", PROBABLE
    yield "email.tag.plus-dotted", f"{local}+a.b-c_9@{domain}", PROBABLE
    yield "email.around.angle", f"<{p.email}>", PROBABLE
    yield "email.around.mailto", f"mailto:{p.email}?subject=hi", PROBABLE
    yield "email.around.full-stop", f"ask {p.email}.", PROBABLE
    yield "email.around.comma", f"{p.email},next@other.example", PROBABLE
    yield "email.around.semicolon", f"next@other.example;{p.email};", PROBABLE
    yield "email.around.quotes", f"'{p.email}'", PROBABLE
    yield "email.around.brackets", f"[{p.email}]({p.email})", PROBABLE
    yield "email.around.assignment", f"email={p.email}&x=1", PROBABLE
    yield "email.around.colon", f"to:{p.email}:587", PROBABLE
    yield "email.unicode.full-width-at", p.email.replace("@", "＠"), PROBABLE
    yield "email.url.percent", f"https://x.example/?m={local}%40{domain}", PROBABLE
    yield "email.url.path", f"https://x.example/u/{p.email}/edit", PROBABLE
    yield "email.url.user-info", f"imap://{local}%40{domain}:993/", PROBABLE
    yield "email.part.local", f"mailbox {local} is full", POSSIBLE
    yield "email.obfuscated.at", f"{local} (at) {domain}", POSSIBLE


def users(p):
    """Spellings of a user name, user key and account id."""
    u = p.username
    yield "user.plain", u, PROBABLE
    yield "user.case.upper", u.upper(), PROBABLE
    yield "user.case.lower", u.lower(), PROBABLE
    yield "user.mention.wiki", f"[~{u}]", CERTAIN
    yield "user.mention.at", f"@{u}", PROBABLE
    yield "user.path.home", f"/home/{u}/notes.txt", PROBABLE
    yield "user.path.windows", f"C:\\Users\\{u}\\Desktop", PROBABLE
    yield "user.path.tilde", f"~{u}/public", PROBABLE
    yield "user.path.domain", f"CORP\\{u}", PROBABLE
    yield "user.path.ssh", f"ssh {u}@build.lager.example", POSSIBLE
    yield "user.url.profile", f"https://j.example/secure/ViewProfile.jspa?name={u}", PROBABLE
    yield "user.url.query", f"/rest/api/2/user?username={u}&expand=groups", PROBABLE
    yield "user.url.people", f"https://j.example/people/{u}", PROBABLE
    yield "user.url.tilde", f"https://j.example/~{u}/", PROBABLE
    yield "user.ldap", f"uid={u},ou=people,dc=lager", PROBABLE
    yield "user.assignment", f"user={u};level=2", PROBABLE
    yield "user.jql", f'assignee = "{u}" ORDER BY key', PROBABLE
    yield "user.jql.function", f"assignee was in ({u}, other)", PROBABLE
    yield "user.quotes", f"'{u}'", PROBABLE
    yield "user.colon", f"{u}: done", PROBABLE
    yield "user.full-stop", f"it was {u}.", PROBABLE
    yield "user.possessive", f"{u}'s", PROBABLE
    yield "user.key.plain", p.key, PROBABLE
    yield "user.key.lower", p.key.lower(), PROBABLE
    yield "user.key.mention", f"[~{p.key}]", CERTAIN
    yield "account.plain", p.account, PROBABLE
    yield "account.mention.wiki", f"[~accountid:{p.account}]", CERTAIN
    yield "account.url.percent", f"https://x.example/jira/people/{p.account.replace(':', '%3A')}", PROBABLE
    yield "account.url.path", f"https://x.example/jira/people/{p.account}", PROBABLE
    yield "account.ari", f"ari:cloud:identity::user/{p.account}", PROBABLE
    yield "account.jql", f'assignee = "{p.account}"', PROBABLE
    yield "account.upper", p.account.upper(), PROBABLE


def phones(p):
    """Spellings of a phone number."""
    digits = re.sub(r"\D", "", p.phone)
    national = {"49": "0" + digits[2:], "39": digits[2:]}.get(digits[:2], digits[1:])
    yield "phone.plain", p.phone, PROBABLE
    yield "phone.compact", "+" + digits, PROBABLE
    yield "phone.double-zero", "00" + digits, PROBABLE
    yield "phone.hyphens", "+" + "-".join(re.findall("..?.?", digits)), PROBABLE
    yield "phone.dots", "+" + ".".join(re.findall("..?.?", digits)), PROBABLE
    yield "phone.uri", f"tel:+{digits}", PROBABLE
    yield "phone.national", f"({national[:3]}) {national[3:6]}-{national[6:]}" if digits[0] == "1" else national[:3] + "/" + national[3:], POSSIBLE
    yield "phone.no-break", "+" + "\u00a0".join(re.findall("..?.?", digits)), PROBABLE


def spellings(p):
    """Every spelling of a person: form, text, least strength."""
    yield from names(p)
    if p.kind not in ("dotted",):
        yield from emails(p)
    if p.kind in ("plain", "dotted"):
        yield from users(p)
    if p.phone:
        yield from phones(p)


def misses(p):
    """What only looks like the person, which may at most point: form, text."""
    given, family = p.given, p.family
    local, domain = p.email.rsplit("@", 1)
    u = p.username
    yield "miss.name.longer-family", f"{given} {family}man"
    yield "miss.name.longer-family-inflected", f"{given} {family}ova"
    yield "miss.name.longer-given", f"Jo{given.lower()} {family}"
    yield "miss.name.longer-both", f"Mc{given} {family}sen"
    yield "miss.name.other-given", f"Kunibert {family}"
    yield "miss.name.other-family", f"{given} Rabenstock"
    yield "miss.name.family-only", f"the {family} account"
    yield "miss.name.given-only", f"thanks {given}!"
    yield "miss.name.anagram", f"{given[1]}{given[0].lower()}{given[2:]} {family[:-2]}{family[-1]}{family[-2]}"
    yield "miss.name.one-letter", f"{given} {family[:-1]}{'x' if family[-1] != 'x' else 'z'}"
    yield "miss.name.word-between", f"{given} and {family}"
    yield "miss.name.full-stop-between", f"it was {given}. {family} is a town"
    yield "miss.name.line-items", f"call {given};\n\n* {family} town hall"
    yield "miss.name.list-across", f"Kunibert {family}, {given} Rabenstock"
    yield "miss.name.reversed", f"{given} {family}"[::-1]
    yield "miss.name.street", f"{given}-{family}-Allee 5"
    yield "miss.name.barrelled", f"{given} {family}-Rabenstock"
    yield "miss.name.namesake-email", f'"{given} {family}" <{bare_local(p)}@elsewhere.example>'
    yield "miss.user.longer-digit", f"{u}2"
    yield "miss.user.longer-letters", f"{u}xy"
    yield "miss.user.longer-before", f"a{u}"
    yield "miss.user.longer-hyphen", f"{u}-admin"
    yield "miss.user.longer-underscore", f"svc_{u}"
    yield "miss.user.host", f"https://{u}-shop.example/"
    yield "miss.user.package", f"com.{u}x.tools"
    yield "miss.user.class", f".{u}-box {{ color: red }}"
    yield "miss.user.mention-longer", f"[~{u}2]"
    yield "miss.user.shorter", u[:-1]
    yield "miss.user.other-mailbox", f"{u}@elsewhere.example"
    yield "miss.key.longer", f"{p.key}7"
    yield "miss.key.shorter", p.key[:-1]
    yield "miss.key.issue", p.key.replace("JIRAUSER", "JIRAUSER-")
    yield "miss.account.other-site", "557058" + p.account[6:]
    yield "miss.account.longer", f"{p.account}0"
    yield "miss.account.last-digit", p.account[:-1] + ("0" if p.account[-1] != "0" else "1")
    yield "miss.email.longer-mailbox", f"a{p.email}"
    yield "miss.email.longer-mailbox-dot", f"a.{p.email}"
    yield "miss.email.longer-mailbox-hyphen", f"team-{p.email}"
    yield "miss.email.longer-domain", f"{p.email}.org"
    yield "miss.email.longer-domain-word", f"{p.email}shop"
    yield "miss.email.longer-domain-hyphen", f"{p.email}-shop.org"
    yield "miss.email.other-domain", f"{local}@mail.{domain}"
    yield "miss.email.other-tld", f"{local}@{domain.rsplit('.', 1)[0]}.test"
    yield "miss.email.one-letter", f"{local}x@{domain}"
    yield "miss.email.domain-only", f"somebody@{domain}"


def phone_misses(p):
    """Numbers that only contain the number: form, text."""
    digits = re.sub(r"\D", "", p.phone)
    yield "miss.phone.longer", f"+{digits}77"
    yield "miss.phone.longer-before", f"order 88{digits}"
    yield "miss.phone.one-digit", f"+{digits[:-1]}{(int(digits[-1]) + 1) % 10}"
    yield "miss.phone.other-country", f"+99 {digits[2:]}"


def bare_local(p):
    """A mailbox of a namesake."""
    return f"{dropped(p.given).lower()}.{dropped(p.family).lower()}"

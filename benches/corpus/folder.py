"""Puts a folder together: files with planted references and near misses, and the labels beside it.

One person stands in one file at most once, so that file and person together say which label a finding belongs to. Only the
files below `positions/` hold a person several times, with a label a line or pointer.
"""

import os
import random
from dataclasses import asdict, dataclass
from pathlib import Path

from . import archives, carriers, escape, images, mail, office, pdf, spell, structured
from .people import people


# What can be told by a mark or by what nearly all texts are; any other guess may be asked to point at least.
CERTAIN_ENCODINGS = {"utf-8-bom", "utf-16-le-bom", "utf-16-be-bom", "utf-32-le-bom", "utf-16-le", "utf-16-be", "latin-1", "windows-1252", "iso-8859-15"}


@dataclass
class Label:
    """One planted thing. `strength` is the least for a reference, the most for a near miss; `gap` is to be named as unread."""

    id: str
    kind: str  # reference, miss, gap
    form: str
    person: str
    place: str
    strength: str
    locator: str = ""
    # The kind of record in a Jira.
    record: str = ""
    value: str = ""


class Folder:
    """Writes files and labels."""

    def __init__(self, root, seed, count, path):
        self.root, self.rng = Path(root), random.Random(f"{seed} folder")
        self.persons, self.extra = people(count, seed, path)
        self.everybody = self.persons + self.extra
        self.labels, self.at, self.files = [], 0, 0
        self.byte_count = 0

    def next_person(self, *kinds):
        """The persons in turn; of these kinds where some are asked for."""
        while True:
            p = self.persons[self.at % len(self.persons)]
            self.at += 1
            if not kinds or p.kind in kinds:
                return p

    def label(self, kind, form, person, place, strength, locator="", value=""):
        self.labels.append(Label(f"{kind[0]}{len(self.labels):05}", kind, form, person.id, place, strength, locator, "", value))

    def write(self, place, content):
        content = content.encode() if isinstance(content, str) else content
        path = self.root / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (1_772_000_000, 1_772_000_000))
        self.files += 1
        self.byte_count += len(content)

    def one(self, group, form, extension, content, person, strength, kind="reference", value=""):
        """A file of its own."""
        name = f"{group}/{form.split('.')[0] if kind != 'miss' else 'near'}/{len(self.labels):05}"
        place = f"{name}.{extension}" if extension else name
        self.write(place, content)
        self.label(kind, form, person, place, strength, value=value)

    def spelling(self):
        """Spellings and near misses as lines of plain files, each line another person."""
        pending = []
        for p in self.persons[:14] + self.extra:
            pending += [("reference", p, *s) for s in spell.spellings(p)]
        # Near misses of persons whose names have no particle or hyphen; every one of a form another person.
        for p in self.persons[14:22]:
            pending += [("miss", p, form, text, spell.POSSIBLE) for form, text in spell.misses(p)]
        for p in self.extra:
            if p.phone:
                pending += [("miss", p, form, text, spell.POSSIBLE) for form, text in spell.phone_misses(p)]
        self.rng.shuffle(pending)
        n = 0
        while pending:
            extension, write = carriers.CARRIERS[n % len(carriers.CARRIERS)]
            here, later, seen = [], [], set()
            for item in pending:
                (here if item[1].id not in seen and len(here) < 10 else later).append(item)
                seen.add(item[1].id)
            place = f"lines/{n:04}.{extension}"
            self.write(place, write(self.rng, [item[3] for item in here]))
            for kind, p, form, text, strength in here:
                self.label(kind, form, p, place, strength, value=text)
            pending, n = later, n + 1

    def latin(self):
        """A person in turn whose name has diacritics that Latin-1 can write."""
        while True:
            p = self.next_person("marked")
            if p.name.encode("latin-1", "ignore").decode("latin-1") == p.name:
                return p

    def escapes(self):
        """Escaped and split values: a name without diacritics, one with, an address, a user name."""
        for p in (self.next_person("plain"), self.latin(), self.latin()):
            for form, extension, content in [*escape.escaped(p.name), *escape.split(p.name)]:
                self.one("escapes", form, extension, content, p, escape.strength(form), value=p.name)
        for pick in ("email", "username"):
            for p in (self.next_person("plain"), self.next_person("plain")):
                value = getattr(p, pick)
                for form, extension, content in [*escape.escaped(value), *escape.split(value, word=True)]:
                    self.one("escapes", f"{form}.{pick}", extension, content, p, escape.strength(form), value=value)

    def encodings(self):
        by_kind = {}
        for p in self.extra:
            by_kind.setdefault(p.kind, []).append(p)
        for name, codec, kind in escape.ENCODINGS:
            pool = by_kind.get(kind, []) if kind not in ("plain", "marked") else [self.next_person(kind)]
            for p in pool[:2]:
                for form, extension, content in escape.encoded(name, codec, kind, p.name):
                    guess = form.endswith(".text") and name not in CERTAIN_ENCODINGS
                    self.one("encodings", form, extension, content, p, spell.POSSIBLE if guess else spell.PROBABLE, value=p.name)

    def formats(self):
        """One file a form, with a name; pictures, office and PDF with one that has diacritics in part."""
        fill = escape.FILL
        with_extension = lambda make, extension: lambda p: ((form, extension, content) for form, content in make(p.name, fill))
        makers = [
            ("pdf", with_extension(pdf.forms, "pdf")), ("office", with_extension(office.docx, "docx")),
            ("office", with_extension(office.xlsx, "xlsx")), ("office", with_extension(office.pptx, "pptx")),
            ("office", lambda p: office.odf(p.name, fill)), ("office", with_extension(office.rtf, "rtf")),
            ("images", lambda p: images.forms(p.name)), ("mail", lambda p: mail.mails(p.name, fill)),
            ("mail", mail.addresses), ("mail", lambda p: mail.cards(p.name, p)),
            ("archives", lambda p: archives.forms(p.name, fill)), ("archives", archives.owners),
        ]
        for group, make in makers:
            for p in (self.next_person("plain"), self.latin()):
                for form, extension, content in make(p):
                    self.one(group, form, extension, content, p, spell.PROBABLE, value=p.name)

    def structure(self):
        for make in (structured.json_places, structured.backup, structured.logs):
            for p in (self.next_person("plain"), self.next_person("marked")):
                for form, extension, content, strength in make(p):
                    self.one("structure", form, extension, content, p, strength)
        for p in (self.next_person("plain"), self.next_person("marked"), self.next_person("plain")):
            for form, extension, content in structured.json_misses(p):
                self.one("structure", form, extension, content, p, spell.POSSIBLE, kind="miss")

        for p in self.extra:
            if p.phone:
                number = int("".join(c for c in p.phone if c.isdigit()))
                self.one("structure", "json.phone-number", "json", f'{{"contact": {number}}}', p, spell.PROBABLE)

    def names(self):
        """Names of files and folders."""
        def put(form, make, strength=spell.PROBABLE, kind="reference", folder=False):
            for _ in range(2):
                p = self.next_person("plain", "marked")
                place = f"names/{len(self.labels):05}/{make(p)}"
                self.write(place, "nothing\n")
                # A folder's name is found once, at the folder.
                self.label(kind, form, p, "/".join(place.split("/")[:3]) if folder else place, strength, value=place)
        put("path.file.space", lambda p: f"{p.name}.txt")
        put("path.file.underscore", lambda p: f"{p.given}_{p.family}_cv.txt")
        put("path.file.hyphen", lambda p: f"{p.given}-{p.family}-notes.txt")
        put("path.file.hyphen-date", lambda p: f"2026-03-02-{p.given}-{p.family}-CV.pdf")
        put("path.file.dot", lambda p: f"{p.given.lower()}.{p.family.lower()}.txt")
        put("path.file.family-first", lambda p: f"{p.family}_{p.given}.txt")
        put("path.file.comma", lambda p: f"{p.family}, {p.given}.txt")
        put("path.file.camel", lambda p: f"{p.given}{p.family}.txt", spell.POSSIBLE)
        put("path.file.nfd", lambda p: __import__("unicodedata").normalize("NFD", f"{p.name}.txt"))
        put("path.file.percent", lambda p: f"{p.given}%20{p.family}.txt")
        put("path.file.plus", lambda p: f"{p.given}+{p.family}.txt", spell.POSSIBLE)
        put("path.file.upper", lambda p: f"{p.given}_{p.family}.TXT".upper())
        put("path.file.user", lambda p: f"{p.username}.txt")
        put("path.file.user-prefix", lambda p: f"{p.username}_2026-03-02.txt", spell.POSSIBLE)
        put("path.file.email", lambda p: f"{p.email}.txt")
        put("path.file.email-no-extension", lambda p: p.email)
        put("path.file.account", lambda p: f"{p.account}.json")
        put("path.file.account-underscore", lambda p: f"{p.account.replace(':', '_')}.json", spell.POSSIBLE)
        put("path.file.key", lambda p: f"{p.key}.json")
        put("path.folder.user", lambda p: f"{p.username}/a.txt", folder=True)
        put("path.folder.name", lambda p: f"{p.name}/a/b.txt", folder=True)
        put("path.folder.email", lambda p: f"{p.email}/a.txt", folder=True)
        put("miss.path.longer-user", lambda p: f"{p.username}2.txt", spell.POSSIBLE, "miss")
        put("miss.path.longer-name", lambda p: f"{p.given}_{p.family}man.txt", spell.POSSIBLE, "miss")
        put("miss.path.street", lambda p: f"{p.given}-{p.family}-Strasse.txt", spell.POSSIBLE, "miss")
        put("miss.path.double-family", lambda p: f"{p.given}-{p.family}-Rabenstock.txt", spell.POSSIBLE, "miss")
        put("miss.path.family", lambda p: f"{p.family}_report.txt", spell.POSSIBLE, "miss")
        put("miss.path.given-folder", lambda p: f"{p.given}/{p.family}.txt", spell.POSSIBLE, "miss")

    def positions(self):
        """The same person several times in one file, beside near misses: here the place inside counts."""
        for n, extension in enumerate(["txt", "log", "jsonl", "json", "csv", "jsonl", "txt", "json"]):
            p = self.next_person("plain")
            good = [(f"position.{f.split('.')[0]}", t, s) for f, t, s in list(spell.names(p)) + list(spell.emails(p)) + list(spell.users(p))
                    if s != spell.POSSIBLE and not set(t) & set("\n\t,;\"'")]
            bad = [(f, t) for f, t in spell.misses(p) if not set(t) & set("\n\t,;\"'") and not f.endswith(("namesake-email", "namesake-user"))]
            rows = [("reference", *g) for g in self.rng.sample(good, 12)] + [("miss", f, t, spell.POSSIBLE) for f, t in self.rng.sample(bad, 12)]
            self.rng.shuffle(rows)
            texts = [f"{carriers.filler(self.rng)} {t} {carriers.filler(self.rng)}" for _, _, t, _ in rows]
            place = f"positions/{n:02}.{extension}"
            dump = lambda t: __import__("json").dumps({"t": t}, ensure_ascii=bool(n % 2))
            body = {"json": "[" + ",\n".join(map(dump, texts)) + "]\n", "jsonl": "".join(dump(t) + "\n" for t in texts)}.get(extension, "".join(t + "\n" for t in texts))
            self.write(place, body)
            for i, (kind, form, text, strength) in enumerate(rows):
                locator = f"/{i}/t" if extension.startswith("json") else f"line {i + 1}"
                self.label(kind, form, p, place, strength, locator=locator, value=text)

    def gaps(self, root):
        """What cannot be read: a folder each, since the coverage speaks of folders."""
        here, self.root = self.root, Path(root)
        for form, extension, content in archives.gaps(self.persons[0].name):
            place = form.replace(".", "-")
            self.write(f"{place}/file.{extension}", content)
            self.label("gap", form, self.persons[0], place, "")
        self.root = here

    def background(self):
        """Files that name nobody."""
        for n in range(60):
            extension, write = carriers.CARRIERS[n % len(carriers.CARRIERS)]
            self.write(f"background/{n:03}.{extension}", write(self.rng, [carriers.filler(self.rng) for _ in range(20)]))


def make(root, seed=1, count=360, path=None):
    """Makes the folder `root`/foreign, the gaps in `root`/gaps, and gives the folder with its labels."""
    folder = Folder(Path(root) / "foreign", seed, count, path)
    folder.spelling()
    folder.escapes()
    folder.encodings()
    folder.formats()
    folder.structure()
    folder.names()
    folder.positions()
    folder.background()
    folder.gaps(Path(root) / "gaps")
    return folder


def as_json(folder):
    """Labels and persons, for a judge."""
    return {"persons": [{"id": p.id, "identifiers": list(p.identifiers())} for p in folder.everybody],
            "labels": [asdict(label) for label in folder.labels], "files": folder.files, "bytes": folder.byte_count}

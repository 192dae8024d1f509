#!/usr/bin/env python3
"""A corpus of plain staged JSON that looks like Jira issues, with a few planted references to one invented person.

The same options give the same bytes. Prints a JSON object: files, bytes, and the files with a planted reference.

    corpus.py small DIR --size 1000   # MB, as many messages of some 5 KB, a thousand a folder
    corpus.py lines DIR --size 1000 --files 20   # the same messages, one a line, in large files
    corpus.py array DIR --size 1000 --files 20   # the same messages as one JSON array a file
    corpus.py sealed DIR --size 20 --files 20   # databases of sealed rows, now and then one in clear
"""

import argparse
import json
import os
import random
import sqlite3

# Whom the figures look for. Invented, like everybody here.
SUBJECT = {"name": "Mirela Quandt", "email": "mirela.quandt@corp.example", "username": "mquandt"}

WORDS = """the user can see login page error after deploy please check server configuration update issue sync field value
status workflow order customer project release version board sprint comment attachment when running test case failed with
timeout while reading response from upstream service queue worker restart log shows nothing unusual before this happened
twice since monday we should move it to next iteration because another team depends on new interface für Änderung größe
naïve café Übersicht prüfen noch einmal Straße déjà bientôt señor""".split()
FIRST = "Anna Bo Carla Dmitri Emil Fatima Greta Hugo Inés Jürgen Katja Lars Mira Noor Otto Petra".split()
LAST = "Berg Larsen Núñez Orlov Jäger Holm Quast Quandtner Xu Alexandersen Østby Weiß Marel Kowalczyk".split()
TYPES = ["Bug", "Task", "Story", "Epic"]
STATES = ["To Do", "In Progress", "In Review", "Done"]


class Maker:
    """Makes messages from a seed."""

    def __init__(self, seed):
        self.r = random.Random(seed)
        # Sentences are drawn once and put together anew, or a gigabyte would take minutes.
        self.sentences = [self.sentence() for _ in range(20_000)]
        self.people = [self.person(f, l) for f in FIRST for l in LAST]

    def sentence(self):
        words = [self.r.choice(WORDS) for _ in range(self.r.randint(6, 18))]
        if self.r.random() < 0.08:
            words.append(f"https://jira.corp.example/browse/HQ-{self.r.randint(1, 9999)}?focusedId={self.r.randint(1, 99999)}&page=a%20b")
        if self.r.random() < 0.05:
            words.append(f"{self.r.choice(FIRST).lower()}.{self.r.choice(LAST).lower()}@corp.example")
        return " ".join(words).capitalize() + "."

    def person(self, first, last, name=None, email=None):
        name = name or (first[0] + last).lower()
        base = "https://jira.corp.example"
        return {
            "self": f"{base}/rest/api/2/user?username={name}",
            "name": name,
            "key": f"JIRAUSER{self.r.randint(10000, 99999)}",
            "emailAddress": email or f"{first}.{last}@corp.example".lower(),
            "avatarUrls": {"48x48": f"{base}/secure/useravatar?ownerId={name}&avatarId={self.r.randint(10000, 99999)}"},
            "displayName": f"{first} {last}",
            "active": True,
            "timeZone": "Europe/Berlin",
        }

    def text(self, sentences):
        return " ".join(self.r.choice(self.sentences) for _ in range(sentences))

    def wiki(self, paragraphs):
        out = []
        for _ in range(paragraphs):
            form = self.r.random()
            text = self.text(self.r.randint(2, 4))
            if form < 0.2:
                text = "* " + text.replace(". ", "\r\n* ")
            elif form < 0.3:
                text = f"{{code:java}}\r\nfor (int i = 0; i < {self.r.randint(1, 99)}; i++) {{ run(a[i] && b_c); }}\r\n{{code}}"
            elif form < 0.4:
                text += f" *important* see [the page|https://wiki.corp.example/x/{self.r.randint(1, 9999)}] and [~abe{self.r.randint(1, 99)}]"
            out.append(text)
        return "\r\n\r\n".join(out)

    def adf(self, paragraphs):
        content = []
        for _ in range(paragraphs):
            nodes = [{"type": "text", "text": self.text(2) + " "}]
            if self.r.random() < 0.4:
                nodes.append({"type": "text", "text": self.r.choice(WORDS), "marks": [{"type": "strong"}]})
                nodes.append({"type": "text", "text": " " + self.text(1)})
            content.append({"type": "paragraph", "content": nodes})
        return {"type": "doc", "version": 1, "content": content}

    def when(self):
        r = self.r.randint
        return f"2026-{r(1, 12):02}-{r(1, 28):02}T{r(0, 23):02}:{r(0, 59):02}:{r(0, 59):02}.000+0000"

    def message(self, number, planted):
        body = self.adf if number % 2 else self.wiki
        choice = self.r.choice
        base = f"https://jira.corp.example/rest/api/2/issue/{100000 + number}"
        comments = [
            {"self": f"{base}/comment/{number * 10 + i}", "id": str(number * 10 + i), "author": choice(self.people),
             "body": body(1), "created": self.when(), "updated": self.when()}
            for i in range(self.r.randint(0, 3))
        ]
        fields = {
            "summary": choice(self.sentences)[:120],
            "issuetype": {"id": "10001", "name": choice(TYPES), "subtask": False},
            "project": {"id": "10000", "key": "HQ", "name": "Headquarters"},
            "status": {"id": "3", "name": choice(STATES), "statusCategory": {"key": "indeterminate", "colorName": "blue-gray"}},
            "priority": {"id": "3", "name": "Medium"},
            "labels": ["shared", choice(WORDS)],
            "created": self.when(), "updated": self.when(),
            "reporter": choice(self.people), "assignee": choice(self.people),
            "customfield_10010": None, "customfield_10014": f"HQ-{self.r.randint(1, 999)}", "customfield_10020": 3.5,
            "description": body(self.r.randint(3, 7)),
            "comment": {"comments": comments, "maxResults": len(comments), "total": len(comments), "startAt": 0},
        }
        if planted == 0:
            fields["assignee"] = self.person(*SUBJECT["name"].split(), name=SUBJECT["username"], email=SUBJECT["email"])
        elif planted == 1:
            fields["summary"] = f"Please ask {SUBJECT['name'].upper()} about it"
        elif planted == 2:
            comments.append({"id": "9", "author": choice(self.people), "body": f"mail {SUBJECT['email'].title()} today"})
        issue = {"id": str(100000 + number), "self": base, "key": f"HQ-{number}", "fields": fields}
        message = {"schema": "staged/1", "sequence": 1 + number % 7, "exported_at": self.when(), "kind": "upsert", "issue": issue}
        # Some writers escape what is beyond ASCII, most do not.
        return json.dumps(message, ensure_ascii=number % 10 == 0, separators=(",", ":"))


def sealed(args):
    """Databases whose rows are noise but for their ids; every tenth of a file's way a message in clear, by the plan with the person."""
    maker = Maker(args.seed)
    size = int(args.size * 1e6) // args.files
    every = max(1, args.files * 10 // args.planted)
    number = planted = total = 0
    hit_files = set()
    for file in range(1, args.files + 1):
        path = os.path.join(args.folder, f"{file:02}.db")
        with sqlite3.connect(path) as db:
            db.execute("CREATE TABLE facts (id TEXT PRIMARY KEY, kind TEXT, body BLOB)")
            written = 0
            for tenth in range(1, 11):
                while written < size * tenth // 10:
                    body = maker.r.randbytes(maker.r.choice([200, 900, 3000, 9000]))
                    db.execute("INSERT INTO facts VALUES (?, 'sealed', ?)", [f"{maker.r.getrandbits(128):032x}", body])
                    written += len(body)
                number += 1
                plant = None
                if number % every == every // 2 and planted < args.planted:
                    plant, planted = planted % 3, planted + 1
                    hit_files.add(os.path.basename(path))
                db.execute("INSERT INTO facts VALUES (?, 'clear', ?)", [f"{number}", maker.message(number, plant)])
        db.close()
        total += os.path.getsize(path)
    print(json.dumps({"form": args.form, "files": args.files, "bytes": total, "messages": number, "planted": planted,
                      "hit_files": len(hit_files), "subject": SUBJECT}))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("form", choices=["small", "lines", "array", "sealed"])
    parser.add_argument("folder")
    parser.add_argument("--size", type=float, default=1000, help="MB (10^6 bytes) in all")
    parser.add_argument("--files", type=int, default=20, help="how many large files")
    parser.add_argument("--planted", type=int, default=30, help="how many messages name the person")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    maker = Maker(args.seed)
    size = int(args.size * 1e6)
    every = max(1, size // 5000 // args.planted)
    number = total = files = planted = 0
    hit_files = set()

    def message(path):
        nonlocal number, planted
        number += 1
        plant = None
        if number % every == every // 2 and planted < args.planted:
            plant, planted = planted % 3, planted + 1
            hit_files.add(os.path.relpath(path, args.folder))
        return maker.message(number, plant).encode()

    os.makedirs(args.folder, exist_ok=True)
    if args.form == "sealed":
        return sealed(args)
    if args.form == "small":
        while total < size:
            folder = os.path.join(args.folder, f"{files // 1000:04}")
            if files % 1000 == 0:
                os.makedirs(folder, exist_ok=True)
            path = os.path.join(folder, f"{number + 1:08}.json")
            content = message(path)
            with open(path, "wb") as out:
                out.write(content)
            total += len(content)
            files += 1
    else:
        opening, between, closing, name = (b"[", b",\n", b"]\n", "json") if args.form == "array" else (b"", b"\n", b"\n", "jsonl")
        for files in range(1, args.files + 1):
            path = os.path.join(args.folder, f"{files:02}.{name}")
            with open(path, "wb") as out:
                out.write(opening + message(path))
                while out.tell() < size // args.files:
                    out.write(between + message(path))
                out.write(closing)
                total += out.tell()
    print(json.dumps({"form": args.form, "files": files, "bytes": total, "messages": number, "planted": planted,
                      "hit_files": len(hit_files), "subject": SUBJECT}))


if __name__ == "__main__":
    main()

"""Feeds two Jira sandboxes, Data Center and Cloud, through their REST API with planted references and near misses.

Each planted thing has an issue and a person of its own, so that issue and person say which label a finding belongs to. What
stands outside issues (a project's lead, a component) has the place `elsewhere:INSTANCE`.
"""

import base64
import http.client
import json
import random
import subprocess
from dataclasses import asdict
from pathlib import Path
from urllib.parse import quote, urlsplit

from . import escape, mail, office, pdf, spell, structured
from .folder import Label
from .people import people
from .spell import CERTAIN, POSSIBLE, PROBABLE


class Refused(Exception):
    """The sandbox did not take a request."""


class Jira:
    """One sandbox: its process, a kept connection, and what both flavours write differently."""

    def __init__(self, binary, flavor, instance, project, seed):
        self.flavor, self.instance, self.project = flavor, instance, project
        self.cloud = flavor == "cloud"
        self.process = subprocess.Popen([binary, "sandbox", "--flavor", flavor, "--issues", "0", "--project", project, "--seed", str(seed)], stdout=subprocess.PIPE, text=True)
        self.ready = json.loads(self.process.stdout.readline())
        where = urlsplit(self.ready["url"])
        self.link = http.client.HTTPConnection(where.hostname, where.port, timeout=60)
        self.api = "/rest/api/3" if self.cloud else "/rest/api/2"
        self.auth = "Basic " + base64.b64encode(f"{self.ready['user']}:{self.ready['token']}".encode()).decode()

    def ask(self, method, path, body=None, headers=None, raw=None):
        data = raw if raw is not None else None if body is None else json.dumps(body).encode()
        head = {"Authorization": self.auth, "Accept": "application/json"} | ({"Content-Type": "application/json"} if body is not None else {}) | (headers or {})
        self.link.request(method, self.api + path, body=data, headers=head)
        answer = self.link.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise Refused(f"{method} {path}: {answer.status} {text[:300]!r}")
        return json.loads(text) if text.strip() else {}

    def rich(self, text):
        """A text as this flavour keeps it."""
        return structured.doc(structured.para(text)) if self.cloud else text

    def mention(self, who):
        return structured.doc(structured.para("see ", structured.mention(who["accountId"], "@x"))) if self.cloud else f"see [~{who['name']}] please"

    def user(self, name, email, display):
        return self.ask("POST", "/user", {"name": name, "emailAddress": email, "displayName": display, "products": []})

    def ref(self, who):
        """A user as a field takes one."""
        return {"accountId": who["accountId"]} if self.cloud else {"name": who["name"]}

    def issue(self, **fields):
        return self.ask("POST", "/issue", {"fields": {"project": {"key": self.project}, "issuetype": {"name": "Task"}, "summary": "The queue is stuck", **fields}})["key"]

    def edit(self, key, **fields):
        self.ask("PUT", f"/issue/{key}", {"fields": fields})

    def attach(self, key, name, content):
        boundary = "----corpus"
        escaped = name.replace('"', "%22")
        raw = (f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{escaped}"\r\nContent-Type: application/octet-stream\r\n\r\n').encode() + content + f"\r\n--{boundary}--\r\n".encode()
        return self.ask("POST", f"/issue/{key}/attachments", raw=raw, headers={"X-Atlassian-Token": "no-check", "Content-Type": f"multipart/form-data; boundary={boundary}"})[0]

    def stop(self):
        self.link.close()
        self.process.terminate()
        self.process.wait(20)


class Worlds:
    """Both sandboxes, and the configuration that names them."""

    def __init__(self, binary, work, seed, path):
        self.binary, self.work, self.seed = binary, Path(work), seed
        persons, extra = people(420, f"{seed} worlds", path)
        self.pool = iter(persons)
        self.labels, self.persons, self.refused = [], [], []

    def __enter__(self):
        self.jiras = [Jira(self.binary, "datacenter", "hq", "HQ", self.seed), Jira(self.binary, "cloud", "partner", "PART", self.seed)]
        blocks = []
        for jira in self.jiras:
            token = self.work / f"{jira.instance}.token"
            token.write_text(jira.ready["token"])
            token.chmod(0o600)
            auth = f'{{ user = "{jira.ready["user"]}", token_file = "{token}" }}' if jira.cloud else f'{{ token_file = "{token}" }}'
            blocks.append(f'[instance.{jira.instance}]\nurl = "{jira.ready["url"]}"\nflavor = "{jira.flavor}"\nauth = {auth}\ncontroller = "us"\n')
        self.config = self.work / "remote.toml"
        (self.work / "home").mkdir(exist_ok=True)
        self.config.write_text(f'[home]\npath = "{self.work}/home"\nstate = "{self.work}/state-remote"\n\n' + "\n".join(blocks) +
                               '\n[sync.one]\nsource = { instance = "hq", project = "HQ" }\ntarget = { instance = "partner", project = "PART" }\n')
        return self

    def __exit__(self, *_):
        for jira in self.jiras:
            jira.stop()

    def person(self, jira):
        """The next person, with an account there."""
        p = next(self.pool)
        who = jira.user(p.username.lower(), p.email, p.name)
        # What this flavour has no use for stays an identifier of the other instance.
        if jira.cloud:
            p.account = who["accountId"]
        else:
            p.username, p.key = who["name"], who["key"]
        p.instances = {"username": "hq", "user-key": "hq", "account-id": "partner"}
        self.persons.append(p)
        return p, who

    def put(self, jira, form, make, record, strength, kind="reference"):
        """Plants one thing: `make(person, account)` gives the issue's key, or None for what stands outside issues."""
        p, who = self.person(jira)
        try:
            key = make(p, who)
        except Refused as no:
            self.refused.append(f"{jira.flavor} {form}: {no}")
            return
        place = key or f"elsewhere:{jira.instance}"
        self.labels.append(Label(f"{kind[0]}{len(self.labels):05}", kind, f"{form}" if kind == "miss" else f"{jira.flavor}.{form}", p.id, place, strength, "", record, p.name))

    def feed(self):
        """Plants everything and gives the labels."""
        for jira in self.jiras:
            Feeder(self, jira).all()
        if self.refused:
            raise SystemExit("the sandbox refused what the corpus plants:\n" + "\n".join(self.refused))
        return {"persons": [{"id": p.id, "identifiers": list(p.identifiers())} for p in self.persons], "labels": [asdict(label) for label in self.labels],
                "files": 0, "bytes": 0}


class Feeder:
    """What is planted in one Jira."""

    def __init__(self, worlds, jira):
        self.w, self.j, self.rng = worlds, jira, random.Random(f"{worlds.seed} {jira.flavor}")

    def put(self, form, make, record="issue", strength=PROBABLE):
        self.w.put(self.j, form, make, record, strength)

    def near(self, form, make, record=""):
        self.w.put(self.j, form, make, record, POSSIBLE, kind="miss")

    def all(self):
        self.fields()
        self.comments()
        self.attachments()
        self.around()
        self.history()
        self.rich_text()
        self.elsewhere()
        self.misses()

    def fields(self):
        j, put = self.j, self.put
        for field in ["assignee", "reporter", "customfield_10002"]:
            put(f"field.{field}", lambda p, who, field=field: j.issue(**{field: j.ref(who)}), strength=CERTAIN)
        put("field.customfield_10003", lambda p, who: j.issue(customfield_10003=[j.ref(who)]), strength=CERTAIN)
        for field in ["description", "environment", "customfield_10006"]:
            put(f"field.{field}", lambda p, who, field=field: j.issue(**{field: j.rich(f"ask {p.name} about it")}))
            put(f"field.{field}.email", lambda p, who, field=field: j.issue(**{field: j.rich(f"ask {p.email} about it")}))
            put(f"field.{field}.mention", lambda p, who, field=field: j.issue(**{field: j.mention(who)}), strength=CERTAIN)
        put("field.summary", lambda p, who: j.issue(summary=f"{p.family}, {p.given} cannot log in"))
        put("field.summary.case", lambda p, who: j.issue(summary=f"{p.name.upper()} cannot log in"))
        put("field.customfield_10001", lambda p, who: j.issue(customfield_10001=p.name))
        put("field.customfield_10001.json", lambda p, who: j.issue(customfield_10001=json.dumps({"contact": json.dumps({"mail": p.email})})))
        put("field.customfield_10007", lambda p, who: j.issue(customfield_10007=f"https://crm.example/find?mail={quote(p.email, safe='')}"))
        put("field.customfield_10007.name", lambda p, who: j.issue(customfield_10007=f"https://crm.example/people/{quote(p.name)}"))
        put("field.customfield_10010", lambda p, who: j.issue(customfield_10010=[f"{p.given}_{p.family}"]))
        put("field.labels", lambda p, who: j.issue(labels=["shared", f"{p.given}-{p.family}"]))
        put("field.labels.email", lambda p, who: j.issue(labels=["shared", p.email]))
        put("field.labels.joined", lambda p, who: j.issue(labels=[f"{p.given}{p.family}"]), strength=POSSIBLE)
        put("field.description.base64", lambda p, who: j.issue(description=j.rich(f"token {base64.b64encode(f'for {p.name} only'.encode()).decode()} end")))
        put("field.description.url", lambda p, who: j.issue(description=j.rich(f"https://x.example/find?q={quote(p.name)}")))
        put("field.description.soft-hyphen", lambda p, who: j.issue(description=j.rich(f"ask {p.name[:-3]}\u00ad{p.name[-3:]}")))

    def comments(self):
        j, put = self.j, self.put

        def comment(key, body, **more):
            return j.ask("POST", f"/issue/{key}/comment", {"body": body, **more})

        def on_issue(make):
            def planted(p, who):
                key = j.issue()
                make(key, p, who)
                return key
            return planted

        def late(kind):
            def make(key, p, who):
                for n in range(60):
                    if kind == "comment":
                        comment(key, j.rich(f"comment {n}"))
                    else:
                        worklog(key, j.rich(f"work {n}"))
                (comment if kind == "comment" else worklog)(key, j.rich(f"ask {p.name}"))
            return make

        def worklog(key, text):
            return j.ask("POST", f"/issue/{key}/worklog", {"timeSpentSeconds": 60, "comment": text, "started": "2026-03-02T10:11:12.000+0000"})

        put("comment.body", on_issue(lambda key, p, who: comment(key, j.rich(f"thanks {p.name}"))), "comment")
        put("comment.email", on_issue(lambda key, p, who: comment(key, j.rich(f"mail {p.email.upper()} please"))), "comment")
        put("comment.mention", on_issue(lambda key, p, who: comment(key, j.mention(who))), "comment", CERTAIN)
        put("comment.restricted", on_issue(lambda key, p, who: comment(key, j.rich(f"thanks {p.name}"), visibility={"type": "role", "value": "Administrators"})), "comment")
        put("comment.beyond-the-first-page", on_issue(late("comment")), "comment")
        put("comment.property", on_issue(lambda key, p, who: j.ask("PUT", f"/comment/{comment(key, j.rich('x'))['id']}/properties/crm", {"owner": p.email})), "")
        put("worklog.comment", on_issue(lambda key, p, who: worklog(key, j.rich(f"call with {p.name}"))), "worklog")
        put("worklog.mention", on_issue(lambda key, p, who: worklog(key, j.mention(who))), "worklog", CERTAIN)
        put("worklog.beyond-the-first-page", on_issue(late("worklog")), "worklog")
        if j.cloud:
            put("worklog.property", on_issue(lambda key, p, who: j.ask("PUT", f"/issue/{key}/worklog/{worklog(key, j.rich('x'))['id']}/properties/crm", {"owner": p.email})), "")
        put("watcher", on_issue(lambda key, p, who: j.ask("POST", f"/issue/{key}/watchers", who["accountId"] if j.cloud else who["name"])), "watcher", CERTAIN)

    def attachments(self):
        j = self.j

        def put(form, name, content, strength=PROBABLE):
            def make(p, who):
                key = j.issue()
                j.attach(key, name(p), content(p))
                return key
            self.put(f"attachment.{form}", make, "attachment", strength)

        text = lambda p: f"ask {p.name} about it".encode()
        put("name", lambda p: f"{p.given}_{p.family}_cv.txt", lambda p: b"ok")
        put("name-space", lambda p: f"{p.name}.txt", lambda p: b"ok")
        put("name-percent", lambda p: f"{p.given}%20{p.family}.txt", lambda p: b"ok")
        put("name-email", lambda p: f"{p.email}.txt", lambda p: b"ok")
        put("text", lambda p: "n.txt", text)
        put("utf-16", lambda p: "n.txt", lambda p: b"\xff\xfe" + text(p).decode().encode("utf-16-le"))
        put("zip", lambda p: "n.zip", lambda p: office.packed({"inner.zip": office.packed({"n.txt": text(p)})}))
        put("docx", lambda p: "n.docx", lambda p: dict(office.docx(p.name, escape.FILL))["docx.comment"])
        put("pdf", lambda p: "n.pdf", lambda p: dict(pdf.forms(p.name, escape.FILL))["pdf.text-kerned"])
        put("mail", lambda p: "n.eml", lambda p: next(c for f, _, c in mail.mails(p.name, escape.FILL) if f == "mail.subject-b"))
        put("no-extension", lambda p: "notes", text)

    def around(self):
        j, put = self.j, self.put

        def prop(name, value):
            def make(p, who):
                key = j.issue()
                j.ask("PUT", f"/issue/{key}/properties/{quote(name(p), safe='')}", value(p, who))
                return key
            return make

        put("property.id", prop(lambda p: "crm.contact", lambda p, who: {"owner": who["accountId"] if j.cloud else who["key"], "tier": 2}), "property")
        put("property.account-member", prop(lambda p: "crm.contact", lambda p, who: {"accountId": who["accountId"]} if j.cloud else {"userKey": who["key"]}), "property", CERTAIN)
        put("property.email", prop(lambda p: "crm.contact", lambda p, who: {"mail": p.email}), "property")
        put("property.name-deep", prop(lambda p: "crm.contact", lambda p, who: {"a": [{"b": {"note": f"call {p.name}"}}]}), "property")
        put("property.member-name", prop(lambda p: "crm.contact", lambda p, who: {"votes": {p.email: 3}}), "property")
        put("property.json-in-text", prop(lambda p: "crm.contact", lambda p, who: {"state": json.dumps({"who": p.name})}), "property")
        put("property.key", prop(lambda p: f"contact-{p.given}.{p.family}", lambda p, who: {"tier": 2}), "property", POSSIBLE)
        put("property.key-email", prop(lambda p: f"mail:{p.email}", lambda p, who: {"tier": 2}), "property")

        def remote(form, change, strength=PROBABLE):
            def make(p, who):
                key = j.issue()
                link = {"globalId": "system=1&id=2", "relationship": "mentioned in", "application": {"type": "com.example", "name": "Wiki"},
                        "object": {"url": "https://wiki.example/x", "title": "Page", "summary": "A page", "icon": {"url16x16": "https://wiki.example/i.png", "title": "Page"}}}
                change(link, p)
                j.ask("POST", f"/issue/{key}/remotelink", link)
                return key
            put(f"remote-link.{form}", make, "remotelink", strength)

        remote("title", lambda link, p: link["object"].update(title=f"Notes of {p.name}"))
        remote("summary", lambda link, p: link["object"].update(summary=f"written by {p.email}"))
        remote("url", lambda link, p: link["object"].update(url=f"https://wiki.example/find?who={quote(p.name)}"))
        remote("icon-title", lambda link, p: link["object"]["icon"].update(title=p.name))
        remote("application-name", lambda link, p: link["application"].update(name=f"Notes of {p.name}"))
        remote("relationship", lambda link, p: link.update(relationship=f"owned by {p.name}"))
        remote("global-id", lambda link, p: link.update(globalId=f"mail={p.email}"))

    def history(self):
        j, put = self.j, self.put

        def once(before, after):
            def make(p, who):
                key = j.issue(**before(p, who))
                j.edit(key, **after)
                return key
            return make

        other = {"accountId": j.ready["account_id"]} if j.cloud else {"name": j.ready["user"]}
        put("history.summary", once(lambda p, who: {"summary": f"{p.name} cannot log in"}, {"summary": "x"}), "history")
        put("history.description", once(lambda p, who: {"description": j.rich(f"ask {p.email}")}, {"description": j.rich("x")}), "history")
        put("history.assignee", once(lambda p, who: {"assignee": j.ref(who)}, {"assignee": other}), "history", CERTAIN)
        put("history.labels", once(lambda p, who: {"labels": [f"{p.given}_{p.family}"]}, {"labels": ["x"]}), "history")
        put("history.user-field", once(lambda p, who: {"customfield_10002": j.ref(who)}, {"customfield_10002": other}), "history", CERTAIN)
        put("history.text-field", once(lambda p, who: {"customfield_10001": p.name}, {"customfield_10001": "x"}), "history")

        def deleted_file(p, who):
            key = j.issue()
            made = j.attach(key, f"{p.name}.txt", b"ok")
            j.ask("DELETE", f"/attachment/{made['id']}")
            return key
        put("history.attachment-name", deleted_file, "history")

    def rich_text(self):
        j, put = self.j, self.put
        if j.cloud:
            blocks = structured.adf_places(sample())
            for n, (form, _, strength) in enumerate(blocks):
                put(form, lambda p, who, n=n: j.issue(description=structured.doc(structured.para("see below"), list(structured.adf_places(p))[n][1])), strength=strength)
            return
        wiki = {
            "wiki.table": (lambda p: f"||who||what||\n|{p.name}|x|", PROBABLE),
            "wiki.panel-title": (lambda p: f"{{panel:title=Notes of {p.name}}}see{{panel}}", PROBABLE),
            "wiki.code": (lambda p: f"{{code:sh}}\nchown {p.username} /srv\n{{code}}", PROBABLE),
            "wiki.code-title": (lambda p: f"{{code:title={p.username}.sh|borderStyle=solid}}\nx\n{{code}}", PROBABLE),
            "wiki.noformat": (lambda p: f"{{noformat}}\nuser={p.username}\n{{noformat}}", PROBABLE),
            "wiki.quote": (lambda p: f"{{quote}}{p.name}: no{{quote}}", PROBABLE),
            "wiki.colour-in-word": (lambda p: f"ask {{color:#ff0000}}{p.name[:5]}{{color}}{p.name[5:]}", PROBABLE),
            "wiki.bold-in-word": (lambda p: f"ask {{*}}{p.name[:5]}{{*}}{p.name[5:]}", PROBABLE),
            "wiki.link-text": (lambda p: f"see [{p.name}|https://x.example/]", PROBABLE),
            "wiki.link-mailto": (lambda p: f"see [write|mailto:{p.email}]", PROBABLE),
            "wiki.link-profile": (lambda p: f"see [he|{j.ready['url']}/secure/ViewProfile.jspa?name={p.username}]", PROBABLE),
            "wiki.link-tip": (lambda p: f"see [there|https://x.example/|{p.name}]", PROBABLE),
            "wiki.image-alt": (lambda p: f"!x.png|alt={p.name}!", PROBABLE),
            "wiki.image-name": (lambda p: f"!{p.name}.png|thumbnail!", PROBABLE),
            "wiki.anchor": (lambda p: f"{{anchor:{p.username}}}", PROBABLE),
            "wiki.escaped": (lambda p: f"write to {p.email.replace('@', chr(92) + '@')}", PROBABLE),
            "wiki.line-break": (lambda p: f"ask {p.given}\\\\{p.family}", PROBABLE),
            "wiki.emphasis": (lambda p: f"ask *{p.given}* _{p.family}_", PROBABLE),
            "wiki.heading": (lambda p: f"h2. {p.name}", PROBABLE),
            "wiki.mention-by-key": (lambda p: f"see [~{p.key}]", CERTAIN),
            "wiki.mention-account": (lambda p: f"see [~accountid:{p.account}]", CERTAIN),
            "wiki.mention-in-table": (lambda p: f"|[~{p.username}]|x|", CERTAIN),
            "wiki.mention-in-bold": (lambda p: f"*[~{p.username}]*", CERTAIN),
        }
        for form, (text, strength) in wiki.items():
            put(form, lambda p, who, text=text: j.issue(description=text(p)), strength=strength)

    def elsewhere(self):
        """What a project keeps beside its issues."""
        j, put = self.j, self.put
        nothing = lambda *_: None

        def with_component(**fields):
            def make(p, who):
                j.ask("POST", "/component", {"project": j.project, "name": f"Part {self.rng.random()}"} | {k: v(p, who) for k, v in fields.items()})
            return make

        put("component.description", with_component(description=lambda p, who: f"ask {p.name}"), "")
        put("component.name", with_component(name=lambda p, who: f"Desk of {p.name}"), "")
        lead = (lambda p, who: who["accountId"]) if j.cloud else (lambda p, who: who["name"])
        put("component.lead", with_component(**{"leadAccountId" if j.cloud else "leadUserName": lead}), "", CERTAIN)
        version = lambda **fields: lambda p, who: nothing(j.ask("POST", "/version", {"project": j.project, "name": f"{self.rng.random()}"} | {k: v(p) for k, v in fields.items()}))
        put("version.name", version(name=lambda p: f"Release of {p.name}"), "")
        put("version.description", version(description=lambda p: f"ask {p.email}"), "")
        put("project.property", lambda p, who: nothing(j.ask("PUT", f"/project/{j.project}/properties/crm.{len(self.w.labels)}", {"owner": p.email})), "")
        role = j.ask("GET", f"/project/{j.project}/role")
        number = str(next(iter(role.values()))).rsplit("/", 1)[1]
        put("project.role-actor", lambda p, who: nothing(j.ask("POST", f"/project/{j.project}/role/{number}", {"user": [who["accountId"] if j.cloud else who["name"]]})), "", CERTAIN)
        put("project.lead", lambda p, who: nothing(j.ask("PUT", f"/project/{j.project}", {"leadAccountId" if j.cloud else "lead": lead(p, who)})), "", CERTAIN)
        put("project.description", lambda p, who: nothing(j.ask("PUT", f"/project/{j.project}", {"description": f"ask {p.name}"})), "")

    def misses(self):
        j, near = self.j, self.near
        other = lambda p: j.user(f"namesake{len(self.w.labels)}", f"namesake{len(self.w.labels)}@other.example", p.name)
        for field in ["assignee", "reporter", "customfield_10002"]:
            near(f"miss.{j.flavor}.namesake.{field}", lambda p, who, field=field: j.issue(**{field: j.ref(other(p))}))
        near(f"miss.{j.flavor}.namesake.mention", lambda p, who: j.issue(description=structured.doc(structured.para(structured.mention(other(p)["accountId"], f"@{p.name}"))) if j.cloud else f"[~{other(p)['name']}]"))

        def watcher(p, who):
            key, namesake = j.issue(), other(p)
            j.ask("POST", f"/issue/{key}/watchers", namesake["accountId"] if j.cloud else namesake["name"])
            return key
        near(f"miss.{j.flavor}.namesake.watcher", watcher)

        def history(p, who):
            key = j.issue(assignee=j.ref(other(p)))
            j.edit(key, assignee={"accountId": j.ready["account_id"]} if j.cloud else {"name": j.ready["user"]})
            return key
        near(f"miss.{j.flavor}.namesake.history", history)
        if j.cloud:
            for n, (form, _) in enumerate(structured.adf_misses(sample())):
                near(form.replace("miss.", f"miss.{j.flavor}."), lambda p, who, n=n: j.issue(description=list(structured.adf_misses(p))[n][1]))
        else:
            near("miss.datacenter.mention-longer", lambda p, who: j.issue(description=f"[~{p.username}2]"))
            near("miss.datacenter.longer-account", lambda p, who: j.issue(assignee=j.ref(j.user(f"{p.username}2", "q@other.example", "Q R"))))
        for form in [f for f, _ in spell.misses(sample()) if ".name." in f or ".email." in f]:
            def make(p, who, form=form):
                text = dict(spell.misses(p))[form]
                return j.issue(description=j.rich(text), summary=text.replace("\n", " ")[:200])
            near(form.replace("miss.", f"miss.{j.flavor}.text."), make)


def sample():
    """Somebody to count the forms with."""
    return people(1, "sample")[0][0]


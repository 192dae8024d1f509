"""JSON, XML and logs as Jira, sync tools and servers write them, with a person in the members that hold persons.

Each gives form, extension, content and strength (for a near miss the most that may be said).
"""

import base64
import json
from xml.sax.saxutils import escape, quoteattr

from .office import packed
from .spell import CERTAIN, POSSIBLE, PROBABLE


def issue(**fields):
    """A staged issue without any person."""
    return {"schema": "staged/1", "sequence": 3, "kind": "upsert", "issue": {"id": "100200", "key": "HQ-200", "fields": {
        "summary": "The queue is stuck", "project": {"id": "10000", "key": "HQ", "name": "Headquarters"}, "labels": ["shared"], **fields}}}


def doc(*blocks):
    return {"type": "doc", "version": 1, "content": list(blocks)}


def para(*nodes):
    return {"type": "paragraph", "content": [{"type": "text", "text": n} if isinstance(n, str) else n for n in nodes]}


def mention(account, text):
    return {"type": "mention", "attrs": {"id": account, "text": text, "accessLevel": ""}}


def dc_user(name, key, email, display):
    return {"self": "https://j.example/rest/api/2/user?key=1", "name": name, "key": key, "emailAddress": email, "displayName": display, "active": True, "timeZone": "Europe/Berlin"}


def cloud_user(account, display, email=None):
    out = {"self": "https://j.example/rest/api/3/user?accountId=1", "accountId": account, "displayName": display, "active": True, "accountType": "atlassian"}
    return out | ({"emailAddress": email} if email else {})


OTHER = dict(name="qrabenstock", key="JIRAUSER77777", email="q.rabenstock@other.example", account="712020:00000000-1111-4222-9333-444444444444")


def adf_places(p):
    """Every node and attribute of Atlassian Document Format that can hold a text: form, block, strength."""
    t = lambda text, *marks: {"type": "text", "text": text, **({"marks": list(marks)} if marks else {})}
    name, half = p.name, len(p.name) // 2
    url = lambda tail: f"https://j.example/{tail}"
    yield "adf.mention", para("ask ", mention(p.account, "@somebody"), " please"), CERTAIN
    yield "adf.mention-text-only", para("ask ", {"type": "mention", "attrs": {"id": "", "text": f"@{name}"}}), PROBABLE
    yield "adf.mention-other-id", para("ask ", mention(OTHER["account"], f"@{name}")), POSSIBLE
    yield "adf.heading", {"type": "heading", "attrs": {"level": 2}, "content": [t(name)]}, PROBABLE
    yield "adf.code-block", {"type": "codeBlock", "attrs": {"language": "sh"}, "content": [t(f"chown {p.username} /srv\n# {name}")]}, PROBABLE
    yield "adf.code-mark", para(t(p.username, {"type": "code"})), PROBABLE
    yield "adf.panel", {"type": "panel", "attrs": {"panelType": "info"}, "content": [para(name)]}, PROBABLE
    yield "adf.panel-icon", {"type": "panel", "attrs": {"panelType": "custom", "panelIconText": name}, "content": [para("see")]}, PROBABLE
    yield "adf.expand-title", {"type": "expand", "attrs": {"title": f"Notes of {name}"}, "content": [para("see")]}, PROBABLE
    yield "adf.quote", {"type": "blockquote", "content": [para(name)]}, PROBABLE
    yield "adf.list", {"type": "bulletList", "content": [{"type": "listItem", "content": [para(name)]}]}, PROBABLE
    yield "adf.task", {"type": "taskList", "attrs": {"localId": "1"}, "content": [{"type": "taskItem", "attrs": {"localId": "2", "state": "TODO"}, "content": [t(name)]}]}, PROBABLE
    yield "adf.decision", {"type": "decisionList", "attrs": {"localId": "1"}, "content": [{"type": "decisionItem", "attrs": {"localId": "2", "state": "DECIDED"}, "content": [t(name[:half]), t(name[half:], {"type": "em"})]}]}, PROBABLE
    yield "adf.table-cell", {"type": "table", "content": [{"type": "tableRow", "content": [{"type": "tableHeader", "content": [para("who")]}, {"type": "tableCell", "content": [para(name)]}]}]}, PROBABLE
    yield "adf.table-mention", {"type": "table", "content": [{"type": "tableRow", "content": [{"type": "tableCell", "content": [para(mention(p.account, "@x"))]}]}]}, CERTAIN
    yield "adf.status", para({"type": "status", "attrs": {"text": name, "color": "blue", "localId": "1"}}), PROBABLE
    yield "adf.emoji", para({"type": "emoji", "attrs": {"shortName": f":{p.username}:", "text": name}}), PROBABLE
    yield "adf.inline-card", para({"type": "inlineCard", "attrs": {"url": url(f"people/{p.account}")}}), PROBABLE
    yield "adf.inline-card-percent", para({"type": "inlineCard", "attrs": {"url": url(f"jira/people/{p.account.replace(':', '%3A')}")}}), PROBABLE
    yield "adf.inline-card-data", para({"type": "inlineCard", "attrs": {"data": {"@type": "Document", "name": name}}}), PROBABLE
    yield "adf.block-card", {"type": "blockCard", "attrs": {"url": url(f"issues/?jql=assignee%20%3D%20%22{p.username}%22")}}, PROBABLE
    yield "adf.link-href", para(t("there", {"type": "link", "attrs": {"href": f"mailto:{p.email}"}})), PROBABLE
    yield "adf.link-title", para(t("there", {"type": "link", "attrs": {"href": url("x"), "title": name}})), PROBABLE
    yield "adf.media-alt", {"type": "mediaSingle", "attrs": {"layout": "center"}, "content": [{"type": "media", "attrs": {"type": "file", "id": "1", "collection": "", "alt": f"{name}.png"}}]}, PROBABLE
    yield "adf.media-caption", {"type": "mediaSingle", "content": [{"type": "media", "attrs": {"type": "file", "id": "1", "collection": ""}}, {"type": "caption", "content": [t(name)]}]}, PROBABLE
    yield "adf.extension-parameters", {"type": "extension", "attrs": {"extensionType": "com.example", "extensionKey": "card", "text": "x", "parameters": {"macroParams": {"user": {"value": p.account}}}}}, PROBABLE
    yield "adf.extension-text", {"type": "extension", "attrs": {"extensionType": "com.example", "extensionKey": "card", "text": name}}, PROBABLE
    yield "adf.placeholder", para({"type": "placeholder", "attrs": {"text": f"ask {name}"}}), PROBABLE
    yield "adf.layout", {"type": "layoutSection", "content": [{"type": "layoutColumn", "attrs": {"width": 50}, "content": [para(name)]}, {"type": "layoutColumn", "attrs": {"width": 50}, "content": [para("x")]}]}, PROBABLE
    yield "adf.split-marks", para("see ", t(name[:2], {"type": "strong"}), t(name[2:half], {"type": "em"}), t(name[half:])), PROBABLE
    yield "adf.split-email", para("see ", t(p.email[:4], {"type": "strong"}), t(p.email[4:])), PROBABLE
    yield "adf.hard-break", para(p.given, {"type": "hardBreak"}, p.family), PROBABLE
    yield "adf.annotation-mark", para(t("x", {"type": "annotation", "attrs": {"id": p.username, "annotationType": "inlineComment"}})), POSSIBLE


def adf_misses(p):
    yield "miss.adf.paragraphs", doc(para(f"thanks {p.given}"), para(f"{p.family} town hall"))
    yield "miss.adf.cells", doc({"type": "table", "content": [{"type": "tableRow", "content": [{"type": "tableCell", "content": [para(f"with {p.given}")]}, {"type": "tableCell", "content": [para(f"{p.family} street")]}]}]})
    yield "miss.adf.across-mention", doc(para(f"{p.given} ", mention(OTHER["account"], "@x"), f" {p.family}"))
    yield "miss.adf.mention-longer-id", doc(para(mention(p.account + "0", "@x")))
    yield "miss.adf.mention-namesake", doc(para(mention(OTHER["account"], f"@{p.name}")))
    yield "miss.adf.split-longer", doc(para(p.name, {"type": "text", "text": "man", "marks": [{"type": "strong"}]}))
    yield "miss.adf.split-longer-user", doc(para(f"see {p.username}", {"type": "text", "text": "77", "marks": [{"type": "em"}]}))


def json_places(p):
    """Structured members: form, extension, content, strength."""
    dump = lambda value: json.dumps(value, ensure_ascii=False)
    one = lambda **fields: dump(issue(**fields))
    dc, cloud = dc_user(p.username, p.key, p.email, p.name), cloud_user(p.account, p.name)
    yield "json.user.datacenter", "json", one(assignee=dc), CERTAIN
    yield "json.user.cloud", "json", one(assignee=cloud), CERTAIN
    yield "json.user.key-only", "json", one(assignee=dc_user("", p.key, "", "Former user")), CERTAIN
    yield "json.user.name-only", "json", one(reporter={"name": p.username}), PROBABLE
    yield "json.user.email-only", "json", one(reporter={"emailAddress": p.email, "displayName": "x y", "active": True}), CERTAIN
    yield "json.user.display-only", "json", one(reporter={"displayName": p.name, "active": False}), PROBABLE
    yield "json.user.list", "json", one(customfield_10003=[dc_user(**{k: v for k, v in zip(("name", "key", "email"), (OTHER["name"], OTHER["key"], OTHER["email"]))}, display="Q R"), dc]), CERTAIN
    yield "json.account-id", "json", dump({"event": "assign", "accountId": p.account}), CERTAIN
    yield "json.account-id-list", "json", dump({"event": "assign", "accountIds": [OTHER["account"], p.account]}), CERTAIN
    yield "json.actor-account-id", "json", dump({"event": "assign", "actorAccountId": p.account}), CERTAIN
    yield "json.user-key", "json", dump({"event": "assign", "userKey": p.key}), CERTAIN
    yield "json.username", "json", dump({"event": "assign", "userName": p.username}), CERTAIN
    yield "json.snake-case", "json", dump({"event": "assign", "user_name": p.username}), CERTAIN
    yield "json.email", "json", dump({"event": "assign", "email": p.email}), CERTAIN
    yield "json.email-other-member", "json", dump({"event": "assign", "customerMail": p.email}), PROBABLE
    yield "json.author-string", "json", dump({"author": p.username, "body": "ok"}), CERTAIN
    yield "json.display-name", "json", dump({"displayName": p.name}), PROBABLE
    yield "json.key.account", "json", dump({"mapping": {p.account: "x"}}), PROBABLE
    yield "json.key.username", "json", dump({"mapping": {p.username: 1}}), PROBABLE
    yield "json.key.email", "json", dump({"votes": {p.email: True}}), PROBABLE
    yield "json.key.name", "json", dump({"hours": {p.name: 7.5}}), PROBABLE
    yield "json.key.in-json", "json", dump({"value": dump({"hours": {p.name: 7.5}})}), PROBABLE
    yield "json.label.name-joined", "json", one(labels=["shared", f"{p.given}_{p.family}"]), PROBABLE
    yield "json.label.user", "json", one(labels=["shared", p.username]), PROBABLE
    yield "json.label.fragment", "json", one(labels=["shared", f"owner-{p.username}"]), POSSIBLE
    yield "json.file-name", "json", one(attachment=[{"id": "1", "filename": f"{p.given}-{p.family}-cv.pdf", "size": 3}]), PROBABLE
    yield "json.file-name-percent", "json", one(attachment=[{"id": "1", "filename": f"{p.given}%20{p.family}.pdf", "size": 3}]), PROBABLE
    yield "json.option-value", "json", one(customfield_10008={"id": "1", "value": p.name}), PROBABLE
    yield "json.version-name", "json", one(fixVersions=[{"id": "1", "name": f"{p.name}'s release"}]), PROBABLE
    yield "json.component", "json", one(components=[{"id": "1", "name": "Portal", "description": f"ask {p.name}"}]), PROBABLE
    yield "json.sprint-string", "json", one(customfield_10020=[f"com.atlassian.greenhopper.service.sprint.Sprint@1f[id=3,name={p.name} sprint,goal=]"]), PROBABLE
    yield "json.avatar-url", "json", dump({"avatarUrls": {"48x48": f"https://j.example/secure/useravatar?ownerId={p.username}&avatarId=3"}}), PROBABLE
    yield "json.self-url", "json", dump({"self": f"https://j.example/rest/api/2/user?username={p.username}"}), PROBABLE
    yield "json.wiki-mention", "json", one(description=f"see [~{p.username}] about it"), CERTAIN
    yield "json.wiki-mention-account", "json", one(description=f"see [~accountid:{p.account}] about it"), CERTAIN
    yield "json.wiki-mailto", "json", one(description=f"see [mail|mailto:{p.email}] about it"), PROBABLE
    yield "json.comment", "json", one(comment={"comments": [{"id": "1", "author": dc_user(*[OTHER[k] for k in ("name", "key", "email")], "Q R"), "body": f"thanks {p.name}"}], "total": 1}), PROBABLE
    yield "json.comment-visibility", "json", one(comment={"comments": [{"id": "1", "body": "x", "visibility": {"type": "role", "value": p.name}}], "total": 1}), PROBABLE
    yield "json.history", "json", dump({**issue(), "changelog": {"histories": [{"id": "1", "items": [{"field": "assignee", "from": p.key, "fromString": p.name, "to": None, "toString": None}]}]}}), CERTAIN
    yield "json.history-text", "json", dump({**issue(), "changelog": {"histories": [{"id": "1", "items": [{"field": "description", "fromString": f"written by {p.name}", "toString": ""}]}]}}), PROBABLE
    yield "json.property", "json", dump({"properties": {"crm.contact": {"owner": p.account, "tier": 2}}}), PROBABLE
    yield "json.property-key", "json", dump({"properties": {f"crm.{p.username}": {"tier": 2}}}), POSSIBLE
    yield "json.base64-of-json", "json", dump({"blob": base64.b64encode(dump({"user": dc}).encode()).decode()}), PROBABLE
    yield "json.deep", "json", '{"a":[' * 60 + dump({"email": p.email}) + "]}" * 60, PROBABLE
    yield "json.very-deep", "json", '{"a":[' * 3000 + dump({"email": p.email}) + "]}" * 3000, PROBABLE
    yield "json.long-line", "json", dump({"pad": "x" * 200_000, "text": f"ask {p.name}", "more": "y" * 50_000}), PROBABLE
    yield "json.large-array", "json", dump([{"n": n, "t": f"row {n}"} for n in range(3000)] + [{"n": 3000, "t": f"ask {p.name}"}]), PROBABLE
    yield "json.in-json-list", "json", dump({"events": [dump({"user": {"accountId": p.account}}), dump({"user": None})]}), PROBABLE
    yield "json.user.nested-list", "json", dump([[[[dc]]]]), CERTAIN
    yield "json.from-to", "json", dump({"field": "assignee", "from": p.key, "fromString": p.name, "to": None, "toString": None}), CERTAIN
    yield "json.pretty", "json", json.dumps({"user": {"first": 1, "displayName": p.name}}, indent=4), PROBABLE
    yield "jsonl.user", "jsonl", "".join(dump({"n": n, "user": dc if n == 17 else None}) + "\n" for n in range(30)), CERTAIN
    yield "jsonl.broken-line", "jsonl", dump({"n": 1}) + "\n{\"n\": 2, \"text\": \"ask " + p.name + "\n" + dump({"n": 3}) + "\n", PROBABLE
    for form, block, strength in adf_places(p):
        yield form, "json", one(description=doc(para("see below"), block)), strength


def json_misses(p):
    """Near misses in structure: form, extension, content."""
    dump = lambda value: json.dumps(value, ensure_ascii=False)
    one = lambda **fields: dump(issue(**fields))
    other = OTHER
    yield "miss.json.namesake-datacenter", "json", one(assignee=dc_user(other["name"], other["key"], other["email"], p.name))
    yield "miss.json.namesake-cloud", "json", one(assignee=cloud_user(other["account"], p.name))
    yield "miss.json.namesake-email", "json", one(assignee={"emailAddress": other["email"], "displayName": p.name, "active": True})
    yield "miss.json.namesake-history", "json", dump({**issue(), "changelog": {"histories": [{"id": "1", "items": [{"field": "assignee", "from": other["key"], "fromString": p.name}]}]}})
    yield "miss.json.longer-name", "json", one(assignee=dc_user(p.username + "2", other["key"], other["email"], "Q R"))
    yield "miss.json.longer-key", "json", one(assignee=dc_user(other["name"], p.key + "1", other["email"], "Q R"))
    yield "miss.json.longer-account", "json", one(assignee=cloud_user(p.account + "0", "Q R"))
    yield "miss.json.longer-email", "json", one(assignee=dc_user(other["name"], other["key"], p.email + ".org", "Q R"))
    yield "miss.json.longer-display", "json", one(assignee=dc_user(other["name"], other["key"], other["email"], p.name + "man"))
    yield "miss.json.neighbours", "json", dump(["thanks " + p.given, p.family + " town hall"])
    yield "miss.json.across-members", "json", dump({"a": "with " + p.given, "b": p.family + " street"})
    yield "miss.json.project-key", "json", dump({"project": {"id": "1", "key": p.key + "X", "name": p.family}})
    yield "miss.json.base64-random", "json", dump({"blob": base64.b64encode(bytes((i * i * 7 + 13) % 256 for i in range(600))).decode()})
    yield "miss.json.base64-other", "json", dump({"blob": base64.b64encode(f"ask Kunibert {p.family} about it".encode()).decode()})
    yield "miss.json.base64-longer", "json", dump({"blob": base64.b64encode(f"ask {p.username}2 and {p.name}man".encode()).decode()})
    yield "miss.json.base64-by-chance", "json", dump({"blob": base64.b64encode(b"\x93\x11\xc7" * 30).decode() + "/" + p.username + "+" + base64.b64encode(b"\x17\xe1\xd7" * 30).decode()})
    yield "miss.json.hash", "json", dump({"sha": "9f" + "".join(f"{ord(c):02x}" for c in p.username[:3]) + "0" * 30})
    for form, body in adf_misses(p):
        yield form, "json", one(description=body)


def backup(p):
    """Jira's own XML backup, in a zip: form, extension, bytes, strength."""
    q = quoteattr
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<entity-engine-xml>\n'
    pack = lambda inner: packed({"activeobjects.xml": "<backup/>", "entities.xml": head + inner + "\n</entity-engine-xml>\n"})
    yield "backup.user", "zip", pack(f"    <User id=\"10100\" directoryId=\"1\" userName={q(p.username)} lowerUserName={q(p.username.lower())} active=\"1\" firstName={q(p.given)} lastName={q(p.family)} displayName={q(p.name)} emailAddress={q(p.email)}/>"), PROBABLE
    yield "backup.application-user", "zip", pack(f"    <ApplicationUser id=\"10100\" userKey={q(p.key)} lowerUserName=\"x\"/>"), PROBABLE
    yield "backup.issue-assignee", "zip", pack(f"    <Issue id=\"1\" key=\"HQ-1\" number=\"1\" project=\"1\" assignee={q(p.key)} summary=\"x\"/>"), PROBABLE
    yield "backup.issue-summary", "zip", pack(f"    <Issue id=\"1\" key=\"HQ-1\" number=\"1\" project=\"1\" summary={q('ask ' + p.name)}/>"), PROBABLE
    yield "backup.issue-description", "zip", pack(f"    <Issue id=\"1\" key=\"HQ-1\"><description><![CDATA[see [~{p.username}]\nplease]]></description></Issue>"), CERTAIN
    yield "backup.comment", "zip", pack(f"    <Action id=\"1\" issue=\"1\" author=\"JIRAUSER1\" type=\"comment\"><body><![CDATA[thanks {p.given}\n{p.family}]]></body></Action>"), PROBABLE
    yield "backup.comment-attribute", "zip", pack(f"    <Action id=\"1\" issue=\"1\" author=\"JIRAUSER1\" body={q(p.email)}/>"), PROBABLE
    yield "backup.change-item", "zip", pack(f"    <ChangeItem id=\"1\" group=\"1\" fieldtype=\"jira\" field=\"assignee\" oldvalue={q(p.key)} oldstring={q(p.name)}/>"), PROBABLE
    yield "backup.audit", "zip", pack(f"    <AuditLog id=\"1\" remoteAddress=\"10.0.0.1\" authorKey={q(p.key)} searchField={q('10.0.0.1 ' + p.username + ' created')}/>"), PROBABLE
    yield "backup.property", "zip", pack(f"    <OSPropertyString id=\"1\" value={q(json.dumps({'owner': p.email}))}/>"), PROBABLE
    yield "backup.plain-xml", "xml", (head + f"<Membership parentName=\"users\" childName={q(p.username)}/></entity-engine-xml>").encode(), PROBABLE


def logs(p):
    """What servers and queues write: form, extension, text, strength."""
    u, e = p.username, p.email
    yield "log.access", "log", f'10.0.0.7 611x4711x1 {u} [02/Mar/2026:10:11:12 +0100] "GET /rest/api/2/issue/HQ-1 HTTP/1.1" 200 5120 0.012 "-" "curl/8" "1abc"\n', PROBABLE
    yield "log.access-query", "log", f'10.0.0.7 611x4711x1 - [02/Mar/2026:10:11:12 +0100] "GET /rest/api/2/user?username={u}&expand=groups HTTP/1.1" 200 512\n', PROBABLE
    yield "log.access-email-query", "log", f'10.0.0.7 - - [02/Mar/2026:10:11:12 +0100] "GET /rest/api/2/user/search?query={e.replace("@", "%40")} HTTP/1.1" 200 512\n', PROBABLE
    yield "log.application", "log", f"2026-03-02 10:11:12,345+0100 http-nio-8080-exec-3 INFO {u} 611x4711x1 1f2g3h 10.0.0.7 /secure/Dashboard.jspa [c.a.j.web] loaded\n", PROBABLE
    yield "log.security", "log", f"2026-03-02 10:11:12,345 http-nio-8080-exec-3 anonymous 611x1 - 10.0.0.7 /login.jsp The user '{u}' has PASSED authentication.\n", PROBABLE
    yield "log.stack-trace", "log", f"java.lang.IllegalStateException: no such user: {u}\n\tat com.example.sync.Users.find(Users.java:42)\n", PROBABLE
    yield "log.mail-queue", "log", f"2026-03-02 10:11:12,345 Sending mailitem To='{e}' Subject='(HQ-1) x' From='jira@lager.example'\n", PROBABLE
    yield "log.postfix", "log", f"Mar  2 10:11:12 mx postfix/smtp[311]: 4F2A: to=<{e}>, relay=mx.other.example[10.1.1.1]:25, status=sent\n", PROBABLE
    yield "log.ldap", "log", f"2026-03-02 10:11:12 DEBUG bind uid={u},ou=people,dc=lager,dc=example ok\n", PROBABLE
    yield "log.sql", "log", f"2026-03-02 10:11:12 SELECT * FROM cwd_user WHERE lower_user_name = '{u.lower()}' AND directory_id = 1\n", PROBABLE
    yield "log.key-value", "log", f'level=info ts=2026-03-02T10:11:12Z user="{p.name}" msg="assigned"\n', PROBABLE
    yield "log.to-string", "log", f"10:11 ApplicationUser{{key='{p.key}', name='x', active=true}}\n", PROBABLE
    yield "log.tab-separated", "log", f"2026-03-02\t{e}\tHQ-1\tcreated\n", PROBABLE
    yield "log.json", "log", json.dumps({"ts": "2026-03-02T10:11:12Z", "mdc": {"user": u}, "message": "ok"}) + "\n", CERTAIN
    yield "log.ansi", "log", f"\x1b[32m10:11\x1b[0m user \x1b[1m{u}\x1b[0m logged in\n", PROBABLE
    yield "log.hidden-in-url", "log", f"10:11 redirect to https://idp.example/sso?RelayState=https%3A%2F%2Fj.example%2FViewProfile.jspa%3Fname%3D{u}\n", PROBABLE
    yield "csv.users", "csv", f"id;user;mail;created\r\n17;{u};{e};2026-03-02\r\n", PROBABLE
    yield "csv.quoted", "csv", f'id,who\n17,"{p.family}, {p.given}"\n', PROBABLE
    yield "csv.quoted-line-break", "csv", f'id,who\n17,"asked\n{p.given}\n{p.family}"\n', PROBABLE
    yield "markdown.table", "md", f"| who | what |\n| --- | --- |\n| {p.name} | x |\n", PROBABLE
    yield "markdown.link", "md", f"see [{p.given} {p.family}](https://x.example/a)\n", PROBABLE
    yield "markdown.code", "md", f"```sh\nchown {u}: /srv\n```\n", PROBABLE
    yield "xml.attribute", "xml", f"<?xml version='1.0'?><users><user name={quoteattr(u)}/></users>", PROBABLE
    yield "xml.element", "xml", f"<?xml version='1.0'?><users><user>{escape(p.name)}</user></users>", PROBABLE
    yield "xml.processing-instruction", "xml", f"<?xml version='1.0'?><?owner {escape(p.name)}?><x/>", PROBABLE
    yield "xml.doctype-entity", "xml", f"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY who \"{escape(p.name)}\">]><x>&who;</x>", PROBABLE
    yield "html.meta", "html", f'<html><head><meta name="author" content={quoteattr(p.name)}></head></html>', PROBABLE
    yield "html.title", "html", f"<html><head><title>{escape(p.name)}</title></head></html>", PROBABLE
    yield "html.script-string", "html", f"<html><script>var u = '{u}';</script></html>", PROBABLE
    yield "html.rendered-mention", "html", f'<p>see <a href="/secure/ViewProfile.jspa?name={u}" class="user-hover" rel="{u}">x</a></p>', PROBABLE
    yield "html.data-attribute", "html", f'<span class="mention" data-account-id="{p.account}" contenteditable="false">@x</span>', PROBABLE
    yield "html.data-json-attribute", "html", f'<div data-user="{{&quot;name&quot;:&quot;{u}&quot;}}">x</div>', PROBABLE
    yield "chat.mention", "txt", f"<@{u}> and <mailto:{e}|write>\n", PROBABLE
    yield "html.style-comment", "html", f"<html><style>/* by {p.name} */</style></html>", PROBABLE
    yield "git.log", "txt", f"commit 1f2e3d\nAuthor: {p.name} <x@other.example>\nDate: Mon Mar 2\n\n    fix\n", PROBABLE
    yield "ini.file", "ini", f"[owner]\nmail = {e}\n", PROBABLE
    yield "diff.file", "patch", f"--- a/x\n+++ b/x\n@@ -1 +1 @@\n-owner: {p.name}\n+owner: nobody\n", PROBABLE
    yield "shell.history", "txt", f"curl -u {u}:secret https://j.example/rest/api/2/myself\n", PROBABLE
    yield "url.file", "url", f"[InternetShortcut]\nURL=https://j.example/secure/ViewProfile.jspa?name={u}\n", PROBABLE

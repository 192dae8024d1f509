"""The tour through every route of the sandbox that can show or take a person, and the matrix of what it covers.

`persons-*.tsv` (drawn from Atlassian's documents) names each operation and JSON path where a person may stand. A row is
covered when the tour saw an answer with something at that path, or sent a request with that parameter or member which was
taken. What is not covered has to be named in `docs/CONFORMANCE.md`, with its reason; each row there has to be true.

Owns: the tour, the matrix. Used by `conformance.py`, which puts Prism behind every call made here.
"""
import base64, collections, http.client, json, re, urllib.parse

TSV = {"cloud": ("persons-cloud-v3.tsv", ""), "datacenter": ("persons-dc-10.3.tsv", "/rest")}


class Tour:
    def __init__(self, recorder, sandbox, flavour):
        self.recorder, self.sandbox, self.flavour = recorder, sandbox, flavour
        self.cloud = flavour == "cloud"
        self.api = "/rest/api/3" if self.cloud else "/rest/api/2"
        self.auth = "Basic " + base64.b64encode(f"{sandbox.user}:{sandbox.token}".encode()).decode()
        #: (METHOD, template) → [(query, request body, status, answer)]
        self.calls = collections.defaultdict(list)
        self.refused, self.lost = [], []

    def __call__(self, method, path, body=None, raw=None, headers=None, want=(200, 201, 202, 204), **query):
        pairs = [(k, v) for k, vs in query.items() for v in (vs if isinstance(vs, list) else [vs])]
        target = self.api + path + ("?" + urllib.parse.urlencode(pairs) if pairs else "")
        host = urllib.parse.urlsplit(self.recorder.url)
        connection = http.client.HTTPConnection(host.hostname, host.port, timeout=60)
        data = raw if raw is not None else (None if body is None else json.dumps(body).encode())
        sent = {"Authorization": self.auth, "Accept": "application/json", "User-Agent": "efface/tour"}
        if data is not None and raw is None:
            sent["Content-Type"] = "application/json"
        connection.request(method, f"/{self.flavour}/{self.sandbox.port}{target}", data, {**sent, **(headers or {})})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        value = json.loads(text) if text and "json" in (answer.getheader("Content-Type") or "") else None
        template, _ = self.recorder.templates[self.flavour].match(method, urllib.parse.unquote(self.api + path))
        if answer.status in want:
            self.calls[method, template].append((query, body, answer.status, value))
        else:
            self.refused.append(f"{method} {target} → {answer.status} {text[:200]!r}")
        return value

    def rich(self, text):
        if not self.cloud:
            return text
        return {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [{"type": "text", "text": text}]}]}

    def who(self, user):
        """A user as bodies name them."""
        return {"accountId": user["accountId"]} if self.cloud else {"name": user["name"]}

    def query(self, user):
        return {"accountId": user["accountId"]} if self.cloud else {"username": user["name"]}

    def text(self, user):
        return {"query" if self.cloud else "username": user["displayName"].split()[0]}

    def run(self):
        c, cloud, key = self, self.cloud, self.sandbox.project
        users = c("GET", "/users/search") if cloud else c("GET", "/user/search", username=".")
        active = [u for u in users if u["active"]]
        person = next(u for u in active if u.get("emailAddress") and "bot" not in u["emailAddress"])
        other = next(u for u in active if u != person and "bot" not in (u.get("emailAddress") or ""))
        me = c("GET", "/myself")
        who, q = c.who(person), c.query(person)
        reference = person["accountId"] if cloud else person["name"]

        # Users, every way to one.
        c("GET", "/user", **q)
        c("GET", "/user/search", **c.text(person))
        for path in ("/user/permission/search", "/user/viewissue/search"):
            c("GET", path, projectKey=key, **c.text(person), **({"permissions": "BROWSE_PROJECTS"} if "permission" in path else {}))
        c("GET", "/user/assignable/search", project=key, **c.text(person))
        if cloud:
            c("GET", "/user/search", **q)
            c("GET", "/user/assignable/search", project=key, **q)
            c("GET", "/user/assignable/multiProjectSearch", projectKeys=key, **q)
            c("GET", "/user/permission/search", projectKey=key, permissions="BROWSE_PROJECTS", **q)
            c("GET", "/user/viewissue/search", projectKey=key, **q)
        c("GET", "/user/assignable/multiProjectSearch", projectKeys=key, **c.text(person))
        first = person["displayName"].split()[0]
        c("GET", "/user/picker", query=first, showAvatar="true", **({"excludeAccountIds": other["accountId"]} if cloud else {}))
        c("GET", "/groupuserpicker", query=first, showAvatar="true")
        c("GET", "/groups/picker", query="jira", **({"accountId": person["accountId"]} if cloud else {"userName": person["name"]}))
        c("GET", "/group/member", groupname="jira-software-users", includeInactiveUsers="true")
        if cloud:
            c("GET", "/users")
            c("GET", "/user/bulk", accountId=[person["accountId"], other["accountId"]])
            c("GET", "/user/groups", **q)
        seen = c("PUT", "/user/properties/tour", {"of": person["displayName"]}, **q)
        c("GET", "/user/properties", **q)
        c("GET", "/user/properties/tour", **q)
        if not cloud:
            for verb in ("PUT", "GET", "DELETE"):
                c(verb, "/user/properties/byKey", {"n": 1} if verb == "PUT" else None, userKey=person["key"])
            c("PUT", "/user/properties/byKey", {"n": 1}, userKey=person["key"])
            c("GET", "/user/properties", userKey=person["key"])
        c("DELETE", "/user/properties/tour", **q)
        mail = {"emailAddress": "tess.tourist@corp.example", "displayName": "Tess Tourist"}
        new = c("POST", "/user", {**mail, "products": ["jira-software"]} if cloud else {**mail, "name": "ttourist", "password": "x"})
        if not cloud:
            c("PUT", "/user", {"displayName": "Tess T.", "emailAddress": "tess@corp.example"}, username="ttourist")
            c("PUT", "/myself", {"displayName": me["displayName"], "emailAddress": me["emailAddress"]})
            c("GET", "/user", username="ttourist")
        c("DELETE", "/user", **({"accountId": new["accountId"]} if cloud else {"username": "ttourist"}))

        # Project, components, versions, roles, audit.
        c("GET", "/project", expand="lead")
        c("GET", f"/project/{key}")
        c("PUT", f"/project/{key}", {"leadAccountId": person["accountId"]} if cloud else {"lead": person["name"]})
        if cloud:
            c("GET", "/project/search", expand="lead")
            c("GET", "/project/recent")
        c("PUT", f"/project/{key}/properties/tour", {"of": person["displayName"]})
        c("GET", f"/project/{key}/properties")
        c("GET", f"/project/{key}/properties/tour")
        c("DELETE", f"/project/{key}/properties/tour")
        lead = {"leadAccountId": person["accountId"]} if cloud else {"leadUserName": person["name"]}
        component = c("POST", "/component", {"name": "Tour", "project": key, "description": f"of {first}", **lead})["id"]
        c("GET", f"/component/{component}")
        c("GET", f"/component/{component}/relatedIssueCounts")
        c("PUT", f"/component/{component}", {"name": "Tour 2", **lead})
        c("GET", f"/project/{key}/components")
        pid = int(c("GET", f"/project/{key}")["id"])
        driver = {"driver": other["accountId"]} if cloud else {}
        version = c("POST", "/version", {"name": "T1", **({"projectId": pid} if cloud else {"project": key}), "releaseDate": "2026-12-01", **driver})["id"]
        c("PUT", f"/version/{version}", {"description": f"for {first}", **driver})
        c("GET", f"/version/{version}", **({"expand": "driver"} if cloud else {}))
        c("GET", f"/version/{version}/relatedIssueCounts")
        c("POST", f"/version/{version}/move", {"position": "First"})
        c("GET", f"/project/{key}/versions")
        if cloud:
            c("GET", f"/project/{key}/component")
        c("GET", f"/project/{key}/version")
        role = c("POST", "/role", {"name": "Tourists", "description": f"led by {first}"})["id"]
        c("POST", f"/role/{role}/actors", {"user": [reference]})
        c("POST", f"/role/{role}/actors", {"user": [other["accountId"] if cloud else other["name"]]})
        c("POST", f"/role/{role}/actors", {"group": ["jira-software-users"]})
        c("GET", "/role")
        c("GET", f"/role/{role}")
        c("POST", f"/role/{role}", {"name": "Tourists 2"})
        c("PUT", f"/role/{role}", {"name": "Tourists 3", "description": f"led by {first}"})
        c("GET", f"/role/{role}/actors")
        c("GET", f"/project/{key}/role")
        second = other["accountId"] if cloud else other["name"]
        c("POST", f"/project/{key}/role/{role}", {"user": [me["accountId"] if cloud else me["name"]]})
        c("GET", f"/project/{key}/role/{role}", **({"excludeInactiveUsers": "true"} if cloud else {}))
        c("PUT", f"/project/{key}/role/{role}", {"categorisedActors": {"atlassian-user-role-actor": [second, reference],
                                                                      "atlassian-group-role-actor": ["jira-administrators"]}})
        c("DELETE", f"/project/{key}/role/{role}", user=second)
        c("DELETE", f"/role/{role}/actors", user=reference)
        if cloud:
            c("GET", f"/project/{key}/roledetails")
            c("GET", "/auditing/record", limit=10)

        # Issues and what hangs on them.
        fields = {"project": {"key": key}, "issuetype": {"name": "Task"}, "summary": f"Tour of {first}", "reporter": who, "assignee": who,
                  "description": c.rich(f"said {first}")}
        history = {"type": "tour", "actor": {"id": reference, "displayName": person["displayName"], "type": "user", "avatarUrl": "http://a.example/a.png"},
                   "cause": {"id": "c", "displayName": person["displayName"], "type": "user", "avatarUrl": "http://a.example/a.png"},
                   "generator": {"id": "g", "displayName": person["displayName"], "type": "user", "avatarUrl": "http://a.example/a.png"}}
        issue = c("POST", "/issue", {"fields": fields})["key"]
        # Custom fields of every type that holds a person or text.
        names = {f["name"]: f["id"] for f in c("GET", "/field")}
        group = {"name": "jira-software-users"}
        wide = {"Customer contact": person["displayName"], "Approver": who, "Request participants": [who, c.who(other)],
                "Review group": group, "Informed groups": [group], "Notes from the customer": c.rich(f"{first} called"),
                "Customer page": f"https://x.example/{first}", "Region": {"value": "North"}, "Served regions": [{"value": "West"}],
                "Topics": [first], "Area": {"value": "North", "child": {"value": "Hills"}}, "Cost": 3.5, "Promised for": "2026-12-01",
                "First answer": "2026-12-01T09:00:00.000+0000"}
        c("PUT", f"/issue/{issue}", {"fields": {names[name]: value for name, value in wide.items()}})
        held = c("GET", f"/issue/{issue}")["fields"]
        self.lost = [name for name in wide if not held.get(names[name])]
        c("POST", "/issue/bulk", {"issueUpdates": [{"fields": fields}, {"fields": {**fields, "summary": "second"}}]})
        c("PUT", f"/issue/{issue}", {"fields": {"summary": f"Changed by {first}"}, "historyMetadata": history})
        c("PUT", f"/issue/{issue}", {"fields": {"summary": "quiet"}}, notifyUsers="false")
        c("PUT", f"/issue/{issue}/assignee", c.who(other))
        c("PUT", f"/issue/{issue}/assignee", who)
        c("POST", f"/issue/{issue}/transitions", {"transition": {"id": "21"}, "historyMetadata": history})
        comment = c("POST", f"/issue/{issue}/comment", {"body": c.rich(f"asked {first}")})["id"]
        c("GET", f"/issue/{issue}/comment/{comment}")
        c("PUT", f"/issue/{issue}/comment/{comment}", {"body": c.rich(f"asked {first} again")})
        c("GET", f"/issue/{issue}/comment")
        if cloud:
            c("PUT", f"/issue/{issue}/comment/{comment}", {"body": c.rich("quietly")}, notifyUsers="false")
        c("PUT", f"/comment/{comment}/properties/tour", {"of": first})
        c("GET", f"/comment/{comment}/properties/tour")
        c("GET", f"/comment/{comment}/properties")
        worklog = c("POST", f"/issue/{issue}/worklog", {"timeSpentSeconds": 3600, "comment": c.rich(f"with {first}")})["id"]
        c("GET", f"/issue/{issue}/worklog/{worklog}")
        c("PUT", f"/issue/{issue}/worklog/{worklog}", {"timeSpentSeconds": 7200, "comment": c.rich(f"with {first} too")})
        c("GET", f"/issue/{issue}/worklog")
        if cloud:
            quiet = c("POST", f"/issue/{issue}/worklog", {"timeSpentSeconds": 60}, notifyUsers="false")["id"]
            c("PUT", f"/issue/{issue}/worklog/{quiet}", {"timeSpentSeconds": 120}, notifyUsers="false")
        c("POST", "/worklog/list", {"ids": [int(worklog)]})
        c("GET", "/worklog/updated", since=0)
        mark = "----efface-tour"
        part = (f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{first}.txt"\r\nContent-Type: text/plain\r\n\r\n'
                f"called {first}\r\n--{mark}--\r\n").encode()
        made = c("POST", f"/issue/{issue}/attachments", raw=part,
                 headers={"Content-Type": f"multipart/form-data; boundary={mark}", "X-Atlassian-Token": "no-check"})
        c("GET", f"/attachment/{made[0]['id']}")
        person_text = person["accountId"] if cloud else person["name"]
        c("POST", f"/issue/{issue}/watchers", person_text)
        c("GET", f"/issue/{issue}/watchers")
        c("POST", f"/issue/{issue}/votes")
        c("GET", f"/issue/{issue}/votes")
        c("DELETE", f"/issue/{issue}/watchers", **q)
        c("POST", f"/issue/{issue}/notify", {"subject": "tour", "textBody": f"for {first}",
                                             "to": {"users": [who], "assignee": True, "reporter": True, "watchers": False, "voters": False}})
        second_issue = c("POST", "/issue", {"fields": {**fields, "summary": "linked"}})["key"]
        c("POST", "/issueLink", {"type": {"name": "Relates"}, "inwardIssue": {"key": issue}, "outwardIssue": {"key": second_issue},
                                 "comment": {"body": c.rich(f"linked for {first}")}})
        whole = c("GET", f"/issue/{issue}", expand="changelog,renderedFields,names,schema")
        c("GET", f"/issueLink/{whole['fields']['issuelinks'][0]['id']}")
        remote = c("POST", f"/issue/{issue}/remotelink", {"object": {"url": "http://x.example/1", "title": f"Page of {first}"}})
        c("GET", f"/issue/{issue}/remotelink/{remote['id']}")
        c("GET", f"/issue/{issue}/remotelink")
        c("PUT", f"/issue/{issue}/properties/tour", {"of": first})
        c("GET", f"/issue/{issue}/properties")
        c("GET", f"/issue/{issue}/editmeta")
        c("GET", "/issue/createmeta", projectKeys=key, expand="projects.issuetypes.fields")
        c("GET", "/issue/picker", query="tour")
        c("GET", "/field")
        if cloud:
            histories = c("GET", f"/issue/{issue}/changelog")["values"]
            c("POST", f"/issue/{issue}/changelog/list", {"changelogIds": [int(h["id"]) for h in histories]})
            c("POST", "/changelog/bulkfetch", {"issueIdsOrKeys": [issue]})
            c("POST", "/comment/list", {"ids": [int(comment)]})
            c("PUT", f"/issue/{issue}/worklog/{worklog}/properties/tour", {"of": first})
            c("GET", f"/issue/{issue}/worklog/{worklog}/properties")
            c("GET", "/user/search/query", query=f"is assignee of {key}")
            c("GET", "/user/search/query/key", query=f"is assignee of {key}")
            c("POST", "/search/jql", {"jql": f"key = {issue}", "fields": ["*all"], "expand": "changelog"})
            c("GET", "/search/jql", jql=f"key = {issue}", fields="*all")
            c("POST", "/issue/bulkfetch", {"issueIdsOrKeys": [issue], "fields": ["*all"], "expand": ["changelog"]})
        else:
            c("GET", "/search", jql=f"key = {issue}", expand="changelog")
            c("POST", "/search", {"jql": f"key = {issue}", "fields": ["*all"], "expand": ["changelog"]})
            c("PUT", f"/issue/{issue}/comment/{comment}/pin", True)
            c("GET", f"/issue/{issue}/pinned-comments")
        c("DELETE", f"/issue/{issue}/worklog/{worklog}", **({"notifyUsers": "false"} if cloud else {}))
        c("GET", "/worklog/deleted", since=0)
        c("DELETE", f"/issue/{issue}/comment/{comment}")
        c("DELETE", f"/component/{component}")
        c("POST", f"/version/{version}/removeAndSwap", {}) if not cloud else c("DELETE", f"/version/{version}")
        c("DELETE", f"/role/{role}")
        c("DELETE", f"/issue/{issue}")
        return self


def at(value, path):
    """Whether something stands at `.values[].author` of a JSON value; a list stands for each of its members."""
    if isinstance(value, list) and not path.startswith("[]"):
        return any(at(one, path) for one in value)
    if path in ("", "$"):
        return value not in (None, "")
    if path.startswith("[]"):
        members = value if isinstance(value, list) else list(value.values()) if isinstance(value, dict) else []
        return any(at(one, path[2:]) for one in members)
    name, rest = re.match(r"\.([^.\[]+)(.*)", path).groups()
    if not isinstance(value, dict):
        return False
    if name in ("{}", "*"):
        return any(at(one, rest) for one in value.values())
    return name in value and at(value[name], rest)


def rows(specs, flavour):
    name, prefix = TSV[flavour]
    for line in (specs / name).read_text().splitlines():
        method, path, direction, where, _ = line.split("\t")
        yield method, prefix + path, direction, where


def covered(tour, method, path, direction, where):
    calls = tour.calls.get((method, path), [])
    if direction == "param-path":
        return bool(calls)
    if direction == "param-query":
        return any(where in query for query, *_ in calls)
    if direction == "req":
        return any(at(body, where) for _, body, _, _ in calls if body is not None)
    return any(at(answer, where) for _, _, _, answer in calls if answer is not None)


def matrix(specs, tour, flavour):
    """(operation, direction, path) → covered; each only once."""
    return {(f"{m} {p}", d, w): covered(tour, m, p, d, w) for m, p, d, w in rows(specs, flavour)}


def glob(pattern, text):
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text) is not None


def named(document, flavour):
    """The rows of `docs/CONFORMANCE.md` for a flavour: (operation pattern, path pattern, reason)."""
    block = re.search(rf"<!-- not covered: {flavour} -->\n(.*?)<!-- end -->", document.read_text(), re.S)
    out = []
    for line in block.group(1).splitlines() if block else []:
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) == 3 and cells[0].startswith("`"):
            out += [(cells[0].strip("`"), place, cells[2]) for place in re.findall(r"`([^`]+)`", cells[1])]
    return out


def check(specs, tour, flavour, document, fail, say):
    """The docs' list is true: it names all that is not covered, and nothing that is."""
    table, list_ = matrix(specs, tour, flavour), named(document, flavour)
    operations = {o for o, _, _ in table}
    whole = {o for o in operations if any(ok for (p, _, _), ok in table.items() if p == o)}
    say(f"{flavour}: {sum(table.values())} of {len(table)} places of a person covered, in {len(whole)} of {len(operations)} operations")
    if tour.lost:
        fail(f"{flavour} tour: custom fields that did not keep what they were given: {tour.lost}")
    for refusal in tour.refused:
        fail(f"{flavour} tour: {refusal}")
    used = collections.Counter()
    missing = []
    for (operation, direction, where), ok in sorted(table.items()):
        matching = [row for row in list_ if glob(row[0], operation) and glob(row[1], f"{direction} {where}")]
        used.update(matching)
        if not ok and not matching:
            missing.append(f"{operation} {direction} {where}")
        if ok and matching:
            fail(f"{flavour}: docs/CONFORMANCE.md names `{matching[0][0]}` `{matching[0][1]}` as not covered, but {operation} {direction} {where} is")
    for line in missing:
        fail(f"{flavour}: not covered, and not named in docs/CONFORMANCE.md: {line}")
    for row in list_:
        if not used[row]:
            fail(f"{flavour}: docs/CONFORMANCE.md names `{row[0]}` `{row[1]}`, which no document has")

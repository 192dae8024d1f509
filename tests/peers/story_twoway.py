#!/usr/bin/env python3
"""Two-way between different stand-ins, each once as the source: the Python package `jira820` (Data Center, written by others)
and our own Cloud sandbox.

usage: story_twoway.py EFFACE JIRA820     (the two programs)

Everything is made and read back by raw HTTP, so that no mistake of efface's client can hide in the judgement. Prints PASS or
FAIL a check and, at the end, `N passed, N failed`.
"""
import base64, json, os, pathlib, shutil, socket, subprocess, sys, tempfile, time, urllib.parse, urllib.request

EFFACE, JIRA820 = sys.argv[1:3]
passed = failed = 0


def check(what, ok, detail=""):
    global passed, failed
    passed, failed = passed + bool(ok), failed + (not ok)
    print(("PASS " if ok else "FAIL ") + what + ("" if ok else f": {detail}"), flush=True)


class Jira:
    """A stand-in: where it is, and how it writes text."""

    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.base}/rest/api/{self.version}/{path}", data=data, method=method)
        login = base64.b64encode(f"{self.user}:{self.secret}".encode()).decode()
        request.add_header("Authorization", f"Basic {login}")
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def text(self, text):
        if self.version == 2:
            return text
        return {"type": "doc", "version": 1,
                "content": [{"type": "paragraph", "content": [{"type": "text", "text": text}]}]}

    @staticmethod
    def plain(body):
        if body is None or isinstance(body, str):
            return (body or "").strip()
        return "\n".join("".join(n.get("text", "") for n in p.get("content", [])) for p in body.get("content", []))

    def create(self, summary):
        return self.call("POST", "issue", {"fields": {
            "project": {"key": self.project}, "issuetype": {"name": "Task"}, "labels": ["both-ways"],
            "summary": summary, "description": self.text("as it began")}})["key"]

    def edit(self, key, fields):
        self.call("PUT", f"issue/{key}", {"fields": fields})

    def comment(self, key, text):
        self.call("POST", f"issue/{key}/comment", {"body": self.text(text)})

    def issues(self):
        """By summary: description, labels, and comments without the name in front."""
        jql = urllib.parse.quote(f"project = {self.project} AND labels = both-ways")
        road = "search" if self.version == 2 else "search/jql"
        found = self.call("GET", f"{road}?jql={jql}&maxResults=100&fields=summary")["issues"]
        out = {}
        for issue in found:
            fields = self.call("GET", f"issue/{issue['key']}")["fields"]
            texts = [self.plain(c["body"]) for c in self.call("GET", f"issue/{issue['key']}/comment")["comments"]]
            texts = sorted(t.split(" wrote:", 1)[-1].strip() for t in texts)
            assert fields["summary"] not in out, f"{fields['summary']} stands twice"
            out[fields["summary"]] = (issue["key"], self.plain(fields["description"]), sorted(fields["labels"]), texts)
        return out

    def said(self):
        return {summary: rest[1:] for summary, rest in self.issues().items()}


class Peer(Jira):
    flavor, version, user, secret = "datacenter", 2, "admin", "admin"

    def __init__(self, project):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        self.project, self.base = project, f"http://127.0.0.1:{port}"
        env = dict(os.environ, JIRA820_PORT=str(port), JIRA820_SEED="7", JIRA820_PROJECT_KEY=project)
        self.process = subprocess.Popen([JIRA820], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(200):
            try:
                self.call("GET", "serverInfo")
                return
            except OSError:
                time.sleep(0.1)
        raise SystemExit("jira820 did not start")


class Sandbox(Jira):
    flavor, version = "cloud", 3

    def __init__(self, project):
        self.process = subprocess.Popen([EFFACE, "sandbox", "--flavor", "cloud", "--issues", "0", "--project", project],
                                        stdout=subprocess.PIPE, text=True)
        said = json.loads(self.process.stdout.readline())
        self.project, self.base, self.user, self.secret = project, said["url"], said["user"], said["token"]


def story(source, target, name):
    work = pathlib.Path(tempfile.mkdtemp(prefix="efface-twoway-"))

    def efface(*args, want=0):
        run = subprocess.run([EFFACE, "--config", str(work / "efface.toml"), "--actor", "admin", *args],
                             capture_output=True, text=True, timeout=600)
        check(f"{name}: efface {' '.join(args[:2])} exits {want}", run.returncode == want,
              f"exit {run.returncode}\n{run.stdout[-1500:]}\n{run.stderr[-3000:]}")
        return run

    try:
        (work / "home").mkdir()
        text = '[home]\npath = "home"\n'
        for label, side in (("a", source), ("b", target)):
            (work / f"{label}.token").write_text(side.secret)
            text += (f'[instance.{label}]\nurl = "{side.base}"\nflavor = "{side.flavor}"\n'
                     f'auth = {{ user = "{side.user}", token_file = "{label}.token" }}\n')
        for label, side in (("a", source), ("b", target)):
            if side.flavor == "datacenter":
                text = text.replace(f'token_file = "{label}.token"', f'password_file = "{label}.token"')
        text += (f'[sync.both]\nsource = {{ instance = "a", project = "{source.project}", jql = "labels = both-ways" }}\n'
                 f'target = {{ instance = "b", project = "{target.project}", jql = "labels = both-ways" }}\n'
                 'direction = "two-way"\nfields = ["summary", "description", "labels", "comment"]\nusers = "text"\n')
        (work / "efface.toml").write_text(text)
        one, two = source.create("made in the source"), target.create("made in the target")
        source.comment(one, "said in the source")
        target.comment(two, "said in the target")
        efface("sync", "run")
        check(f"{name}: both have both", source.said() == target.said() and len(source.said()) == 2,
              f"{source.said()} / {target.said()}")
        efface("sync", "run")
        check(f"{name}: nothing is doubled", source.said() == target.said() and len(source.said()) == 2,
              f"{source.said()} / {target.said()}")
        # Each side changes what the other made.
        source.edit(source.issues()["made in the target"][0], {"description": source.text("changed in the source")})
        target.edit(target.issues()["made in the source"][0], {"summary": "made in the source, read in the target"})
        target.comment(target.issues()["made in the source, read in the target"][0], "and answered")
        time.sleep(1)
        efface("sync", "run", "--full")
        check(f"{name}: changes went both ways", source.said() == target.said(), f"{source.said()} / {target.said()}")
        check(f"{name}: as they were made",
              source.said().get("made in the source, read in the target", ("", "", []))[2]
              == ["and answered", "said in the source"]
              and target.said()["made in the target"][0] == "changed in the source", f"{source.said()}")
        before = (source.said(), target.said())
        report = json.loads(efface("sync", "run", "--full", "--format", "json").stdout)
        legs = [report["syncs"][leg] for leg in ("both", "both.back")]
        check(f"{name}: then it is quiet", all(leg["created"] == leg["updated"] == 0 for leg in legs), f"{legs}")
        check(f"{name}: and nothing changes", before == (source.said(), target.said()))
    finally:
        shutil.rmtree(work, ignore_errors=True)


for make, name in (((Peer, Sandbox), "jira820 to Cloud"), ((Sandbox, Peer), "Cloud to jira820"),
                   ((Peer, Peer), "jira820 to jira820")):
    sides = [make[0]("SRC"), make[1]("TGT")]
    try:
        story(*sides, name)
    finally:
        for side in sides:
            side.process.terminate()
            side.process.wait(10)
print(f"{passed} passed, {failed} failed")
sys.exit(1 if failed else 0)

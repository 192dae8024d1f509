#!/usr/bin/env python3
"""The whole story against two Data Center stand-ins that others wrote: the Python package `jira820`.

usage: story_jira820.py EFFACE JIRA820     (the two programs)

References are planted by raw HTTP and everything is read back by raw HTTP, so that no mistake of efface's client can
hide in the judgement. Prints PASS or FAIL a check and, at the end, `N passed, N failed`.
"""
import base64, json, os, pathlib, shutil, socket, subprocess, sys, tempfile, time, urllib.error, urllib.request

EFFACE, JIRA820 = sys.argv[1:3]
NAME, EMAIL, USER = "Zoe van der Quandt", "zoe.vanderquandt@corp.example", "zvanderquandt"
NEEDLES = [NAME.lower(), "quandt, zoe", EMAIL, USER]
passed = failed = 0


def check(what, ok, detail=""):
    global passed, failed
    passed, failed = passed + bool(ok), failed + (not ok)
    print(("PASS " if ok else "FAIL ") + what + ("" if ok else f": {detail}"), flush=True)


class Peer:
    def __init__(self, project, seed):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.project, self.base = project, f"http://127.0.0.1:{self.port}"
        env = dict(os.environ, JIRA820_PORT=str(self.port), JIRA820_SEED=str(seed), JIRA820_PROJECT_KEY=project)
        self.process = subprocess.Popen([JIRA820], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(200):
            try:
                self.get("/rest/api/2/serverInfo")
                return
            except OSError:
                time.sleep(0.1)
        raise SystemExit("jira820 did not start")

    def call(self, method, path, body=None, headers=None, raw=False):
        data = body if raw else (None if body is None else json.dumps(body).encode())
        request = urllib.request.Request(self.base + path, data=data, method=method)
        request.add_header("Authorization", "Basic " + base64.b64encode(b"admin:admin").decode())
        request.add_header("Content-Type", "application/json")
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read()

    def get(self, path):
        return self.call("GET", path)

    def post(self, path, body):
        return json.loads(self.call("POST", path, body))

    def attach(self, key, name, content):
        mark = "----efface-peer"
        body = (f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
                f"Content-Type: text/plain\r\n\r\n").encode() + content + f"\r\n--{mark}--\r\n".encode()
        headers = {"Content-Type": f"multipart/form-data; boundary={mark}", "X-Atlassian-Token": "no-check"}
        return json.loads(self.call("POST", f"/rest/api/2/issue/{key}/attachments", body, headers, raw=True))[0]

    def keys(self):
        found, at = [], 0
        while True:
            page = json.loads(self.get(f"/rest/api/2/search?jql=project%3D{self.project}&startAt={at}&maxResults=100"))
            found += [i["key"] for i in page["issues"]]
            at += len(page["issues"])
            if not page["issues"] or at >= page["total"]:
                return found

    def world(self):
        """Every byte that this server tells about every issue, by URL."""
        out = {}
        for key in self.keys():
            body = self.get(f"/rest/api/2/issue/{key}?expand=changelog")
            out[f"{key}"] = body
            for part in ("comment", "worklog", "remotelink"):
                out[f"{key}/{part}"] = self.get(f"/rest/api/2/issue/{key}/{part}")
            for a in json.loads(body)["fields"].get("attachment") or []:
                out[f"{key}/attachment/{a['id']}"] = self.get(f"/secure/attachment/{a['id']}/{a['filename']}")
        return out

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


def hits(data):
    text = data.decode("utf-8", "replace").lower()
    return [n for n in NEEDLES if n in text]


def efface(*args, want=None, actor="admin"):
    run = subprocess.run([EFFACE, "--config", str(work / "efface.toml"), "--actor", actor, *args],
                         capture_output=True, text=True, timeout=600)
    if want is not None:
        check(f"efface {' '.join(args[:2])} exits {want}", run.returncode == want,
              f"exit {run.returncode}\n{run.stdout[-1500:]}\n{run.stderr[-3000:]}")
    return run


work = pathlib.Path(tempfile.mkdtemp(prefix="efface-peers-"))
source, target = Peer("SRC", 11), Peer("TGT", 23)
try:
    # References by raw HTTP: people in fields, mentions, text in any case and order, a comment, an attachment.
    first = source.post("/rest/api/2/issue", {"fields": {
        "project": {"key": "SRC"}, "issuetype": {"name": "Task"}, "labels": ["efface-peer"],
        "summary": f"Badge of {NAME} is refused", "assignee": {"name": USER},
        "description": f"h2. Report\n\n[~{USER}] waits at the gate. Write to {EMAIL.upper()} or *Zoe* van der Quandt."}})["key"]
    second = source.post("/rest/api/2/issue", {"fields": {
        "project": {"key": "SRC"}, "issuetype": {"name": "Task"}, "labels": ["efface-peer"],
        "summary": "Rota", "description": "VAN DER QUANDT, ZOE early; Anna Bergman late; zvanderquandt2 is a machine."}})["key"]
    plain = source.post("/rest/api/2/issue", {"fields": {
        "project": {"key": "SRC"}, "issuetype": {"name": "Task"}, "labels": ["efface-peer"],
        "summary": "Nothing about anybody", "description": "The gate has new firmware."}})["key"]
    source.post(f"/rest/api/2/issue/{first}/comment", {"body": f"Asked [~{USER}] for the number."})
    source.post(f"/rest/api/2/issue/{first}/comment", {"body": "Unrelated remark."})
    source.attach(first, "log.txt", f"08:59 refused\n09:00 called {EMAIL}\n".encode())
    source.attach(plain, "other.txt", b"nothing in here\n")

    home = work / "home"
    (home / "data/other-tool/processed").mkdir(parents=True)
    (home / "log").mkdir()
    (home / "data/other-tool/processed/1.json").write_text(json.dumps({"reporter": {"displayName": NAME, "emailAddress": EMAIL}}))
    (home / "data/other-tool/keep.json").write_text(json.dumps({"text": "Anna Bergman", "n": 1}))
    kept = (home / "data/other-tool/keep.json").read_bytes()
    (work / "token").write_text("admin")
    instance = '[instance.{}]\nurl = "{}"\nflavor = "datacenter"\nauth = {{ user = "admin", password_file = "token" }}\ncontroller = "{}"\n'
    (work / "efface.toml").write_text(
        '[home]\npath = "home"\n[[foreign]]\nname = "other-tool"\npath = "data/other-tool"\n'
        + instance.format("a", source.base, "us") + instance.format("b", target.base, "processor")
        + '[sync.ab]\nsource = { instance = "a", project = "SRC", jql = "labels = efface-peer" }\n'
          'target = { instance = "b", project = "TGT" }\n')

    before_keys = set(target.keys())
    efface("sync", "run", want=0)
    copies = [k for k in target.keys() if k not in before_keys]
    check("three issues arrive in the target", len(copies) == 3, copies)
    world = target.world()
    text = b"".join(v for k, v in world.items() if k.split("/")[0] in copies)
    check("summary, description, comment and attachment arrive", all(n.encode() in text for n in
          (f"Badge of {NAME}", "waits at the gate", "for the number", "new firmware", "09:00 called")), hits(text))
    again = len(target.keys())
    efface("sync", "run", want=0)
    check("a second run makes nothing twice", len(target.keys()) == again)
    check("no attachment or comment twice", target.world() == world)

    # This server answers any user name with a user, whom its search does not know: such an answer proves nothing.
    who = efface("subject", "resolve", EMAIL, USER, "--format", "json", want=3)
    proposed = json.loads(who.stdout)["proposals"]
    check("resolve finds the address in texts", any(p["value"].lower() == EMAIL for p in proposed), who.stdout)
    check("resolve finds the name beside it", any(p["value"] == NAME for p in proposed), who.stdout)
    check("a made-up user is no evidence", "user by name" not in who.stdout, who.stdout)
    check("resolve says that look-ups prove nothing here", "look-ups by name prove nothing" in who.stderr, who.stderr)
    efface("subject", "add", "--id", "REQ-1", "--email", EMAIL, "--name", NAME,
           "--username", f"a={USER}", "--username", f"b={USER}", want=0)
    scan = efface("scan", "--subject", "REQ-1", "--format", "json")
    # jira820 has no watchers, votes, properties: that is unread, so it is 3 and not 1.
    check("scan exits 3: this server has no watchers, votes, properties", scan.returncode == 3, scan.stderr)
    report = json.loads(scan.stdout)
    unread = [c["place"] for c in report["coverage"] if c["status"] == "unexamined"]
    check("what the server lacks is unexamined, by name", any("watchers" in p for p in unread), report["coverage"])
    found = {(f["area"], f["record"]["type"], f["kind"]) for f in report["findings"]}
    for want in [("source", "issue", "mention"), ("source", "issue", "email"), ("source", "issue", "full-name"),
                 ("source", "issue", "username"), ("source", "comment", "mention"), ("source", "attachment", "email"),
                 ("target", "issue", "email"), ("target", "issue", "full-name"), ("target", "attachment", "email"),
                 ("staging", "message", "email"), ("foreign", "file", "email")]:
        check(f"scan finds {want}", want in found, sorted(found))
    check("no finding on the issue about nobody", not any(f["record"]["key"] == plain for f in report["findings"]))
    check("the scan report names nobody", not hits(scan.stdout.encode()), hits(scan.stdout.encode()))

    untouched = {side: {k: v for k, v in side.world().items() if not hits(v)} for side in (source, target)}
    case = efface("case", "open", "--subject", "REQ-1", "-q", want=0).stdout.strip()
    plan = efface("case", "plan", case)
    check("case plan exits 3: something could not be read", plan.returncode == 3, plan.stderr)
    check("the plan names nobody", not hits(plan.stdout.encode() + plan.stderr.encode()))
    efface("case", "execute", case, "--yes", want=4)
    efface("case", "approve", case, want=0, actor="dpo")

    # Somebody else edits one record between approval and execution: that step is refused, the record left alone.
    changed = f"{NAME} again, edited by a colleague"
    source.call("PUT", f"/rest/api/2/issue/{second}", {"fields": {"description": changed}})
    refused = efface("case", "execute", case, "--yes", want=4)
    check("the changed record is left alone", json.loads(source.get(f"/rest/api/2/issue/{second}"))["fields"]["description"] == changed)
    efface("case", "plan", case)
    efface("case", "approve", case, want=0, actor="dpo")
    done = efface("case", "execute", case, "--yes")
    check("case execute finishes", done.returncode in (0, 3) and " 0 failed, 0 refused" in done.stderr, done.stderr)
    verify = efface("case", "verify", case)
    check("verify finds nothing unexpected", verify.returncode in (0, 3) and "0 unexpected references" in verify.stderr,
          verify.stdout + verify.stderr)
    efface("case", "certificate", case, "-o", str(work / "certificate.json"), want=0)
    certificate = json.loads((work / "certificate.json").read_text())
    check("no residual between two stand-ins without history",
          not [s for s in certificate["stays"] if s["outcome"] == "residual"], certificate["stays"])
    efface("sync", "run", want=0)

    for name, side in (("source", source), ("target", target)):
        after = side.world()
        left = {k: hits(v) for k, v in after.items() if hits(v)}
        check(f"no answer of the {name} names the person", not left, left)
        same = [k for k, v in untouched[side].items() if k in after and after[k] != v]
        check(f"records of the {name} outside the plan are byte for byte the same", not same, same)
        check(f"no record of the {name} outside the plan is gone", not [k for k in untouched[side] if k not in after])
    left = {str(p): hits(p.read_bytes()) for p in work.rglob("*") if p.is_file() and hits(p.read_bytes())}
    left.update({str(p): hits(p.name.encode()) for p in work.rglob("*") if hits(p.name.encode())})
    check("no byte and no file name below the working directory names the person", not left, left)
    check("the foreign file about somebody else is untouched", (home / "data/other-tool/keep.json").read_bytes() == kept)
    scan = efface("scan", "--subject", "REQ-1", "--format", "json")
    check("a new scan finds nothing", json.loads(scan.stdout)["findings"] == [], scan.stdout[:3000])
    efface("case", "close", case, want=4)
    efface("case", "close", case, "--accept-gaps", "the stand-in has no watchers, votes, properties", want=0)
    efface("audit", "verify", want=0)
    keygen = subprocess.run(["ssh-keygen", "-Y", "verify", "-f", str(work / "certificate.json.allowed_signers"), "-I", "efface",
                             "-n", "certificate@efface", "-s", str(work / "certificate.json.sig")],
                            stdin=open(work / "certificate.json", "rb"), capture_output=True, text=True)
    check("ssh-keygen verifies the certificate", keygen.returncode == 0, keygen.stderr)

    target.stop()
    gone = efface("scan", "--email", EMAIL, "--area", "target", "--format", "json", want=3)
    check("an unreachable target is unexamined",
          any(c["status"] == "unexamined" and c["area"] == "target" for c in json.loads(gone.stdout)["coverage"]))
    bad = work / "bad.toml"
    bad.write_text('[policy]\nname = "x"\nversion = 1\n\n[[rule]]\nid = "a"\ndecision = "redakt"\nreason = "r"\nbasis = "b"\n'
                   'match = { aera = ["staging"], kind = ["e-mail"] }\n')
    wrong = efface("policy", "check", str(bad), want=2)
    said = wrong.stdout + wrong.stderr
    check("a policy with three mistakes gets three diagnostics with line and column",
          all(w in said for w in ("redakt", "aera", "e-mail")) and said.count(":7:") + said.count(":10:") >= 3, said)
finally:
    for peer in (source, target):
        if peer.process.poll() is None:
            peer.stop()
    if failed:
        print(f"the working directory is kept: {work}")
    else:
        shutil.rmtree(work)
print(f"{passed} passed, {failed} failed")
sys.exit(1 if failed else 0)

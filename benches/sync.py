#!/usr/bin/env python3
"""A one-way copy of a project, side by side: efface, a plain script with the Python package `jira`, and the floor.

usage: sync.py --binary target/release/efface [--issues 1000] [--latency 0 20 100] [--script-issues 200]

Both copy from one sandbox to another (Data Center, so that the script's API fits), on loopback, each answer delayed by the
latency. The floor is what no engine can do without: a search page for each hundred issues, the target's create of each issue,
a call for each comment, two for each attachment (its bytes, its upload) and one for each transition, times the latency, divided
by how many calls efface makes side by side. The script is sequential, so that it is measured with fewer issues and counted by
the issue. Needs `pip install jira`.
"""
import argparse, io, json, os, pathlib, shutil, subprocess, sys, tempfile, threading, time

CONCURRENT = 8
parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--binary", default="target/release/efface")
parser.add_argument("--issues", type=int, default=1000)
parser.add_argument("--script-issues", type=int, default=200)
parser.add_argument("--latency", type=int, nargs="*", default=[0, 20, 100])
options = parser.parse_args()


class Sandbox:
    def __init__(self, project, issues, latency):
        self.process = subprocess.Popen(
            [options.binary, "sandbox", "--flavor", "datacenter", "--issues", str(issues), "--latency", str(latency),
             "--project", project], stdout=subprocess.PIPE, text=True)
        self.__dict__.update(json.loads(self.process.stdout.readline()))

    def stop(self):
        self.process.terminate()
        self.process.wait(20)


def of_efface(source, target):
    """Seconds, the run's report, and the peak of memory in MiB."""
    work = pathlib.Path(tempfile.mkdtemp(prefix="efface-bench-"))
    try:
        (work / "home").mkdir()
        text = '[home]\npath = "home"\n'
        for name, side in (("a", source), ("b", target)):
            (work / f"{name}.token").write_text(side.token)
            text += f'[instance.{name}]\nurl = "{side.url}"\nflavor = "datacenter"\nauth = {{ token_file = "{name}.token" }}\n'
        text += ('[sync.s]\nsource = { instance = "a", project = "SRC" }\ntarget = { instance = "b", project = "DST" }\n'
                 'users = "text"\nfields = ["summary", "description", "priority", "labels", "status", "comment", "attachment"]\n')
        (work / "efface.toml").write_text(text)
        begin = time.monotonic()
        with open(work / "out", "w") as out:
            process = subprocess.Popen([options.binary, "--config", str(work / "efface.toml"), "--format", "json", "sync", "run"],
                                       stdout=out, stderr=subprocess.PIPE)
            complaint = process.stderr.read()
            _, status, usage = os.wait4(process.pid, 0)
        took = time.monotonic() - begin
        if status != 0:
            sys.exit(complaint.decode())
        report = json.loads((work / "out").read_text())["syncs"]["s"]
        return took, report, usage.ru_maxrss / 1024
    finally:
        shutil.rmtree(work, ignore_errors=True)


def of_script(source, target):
    """Seconds and requests."""
    from jira import JIRA
    requests = 0

    def count(*_args, **_kwargs):
        nonlocal requests
        requests += 1

    sides = []
    for side in (source, target):
        client = JIRA(side.url, token_auth=side.token, options={"rest_api_version": "2"}, get_server_info=False)
        client._session.hooks["response"].append(count)
        sides.append(client)
    here, there = sides
    begin = time.monotonic()
    for issue in here.search_issues("project = SRC ORDER BY key", maxResults=False):
        fields = issue.fields
        made = there.create_issue(project="DST", summary=fields.summary, description=fields.description,
                                  issuetype={"name": "Task" if fields.issuetype.subtask else fields.issuetype.name}, labels=fields.labels)
        for comment in here.comments(issue):
            there.add_comment(made, f"{comment.author.displayName} wrote:\n\n{comment.body}")
        for attachment in here.issue(issue.key, fields="attachment").fields.attachment:
            there.add_attachment(made, io.BytesIO(attachment.get() or b" "), attachment.filename)
        wanted = fields.status.name
        if made.fields.status.name != wanted:
            ways = [t for t in there.transitions(made) if t["to"]["name"] == wanted]
            if ways:
                there.transition_issue(made, ways[0]["id"])
    return time.monotonic() - begin, requests


print(f"| latency | issues | efface: issues/s | requests/issue | MiB | script: issues/s | requests/issue | efface ÷ script | efface ÷ floor |")
print("|---|---|---|---|---|---|---|---|---|")
for latency in options.latency:
    def pair(issues):
        return Sandbox("SRC", issues, latency), Sandbox("DST", 0, latency)

    source, target = pair(options.issues)
    try:
        took, report, memory = of_efface(source, target)
    finally:
        source.stop(), target.stop()
    copied = report["created"]
    unavoidable = copied / 100 + copied + report["comments"] + 2 * report["attachments"]
    floor = unavoidable * latency / 1000 / CONCURRENT
    source, target = pair(options.script_issues)
    try:
        script, requests = of_script(source, target)
    finally:
        source.stop(), target.stop()
    speed, other = copied / took, options.script_issues / script
    print(f"| {latency} ms | {copied} | {speed:.0f} | {report['requests'] / copied:.2f} | {memory:.0f} | {other:.1f} | "
          f"{requests / options.script_issues:.2f} | {speed / other:.1f} | {f'{took / floor:.2f}' if floor else '–'} |", flush=True)

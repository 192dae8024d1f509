"""A scan of one project over the network: requests, wall time, the floor, their ratio, peak memory.

The floor is what no client can do without: for each issue one call for fields, history and properties (no bulk call gives
properties whole), one for its remote links, one for watchers and one for voters where the body counts some, one for comments
or worklogs that the body cuts, one for each attachment (Cloud redirects: two), and on Data Center one for the properties of each comment, times the latency, divided by the requests
that efface makes at the same time. Linux only, no packages.
`benches/remote.py [--binary target/release/efface] [--latency 20] [--issues 1000,10000,100000]`
"""
import argparse
import base64
import json
import os
import re
import subprocess
import tempfile
import time
from urllib.request import Request, urlopen

CONCURRENCY = 16  # src/scan/collect.rs


def ask(ready, method, path, body=None):
    credentials = base64.b64encode(f"{ready['user']}:{ready['token']}".encode()).decode()
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Basic {credentials}", "Content-Type": "application/json"}
    with urlopen(Request(ready["url"] + path, data, headers, method=method)) as answer:
        return json.load(answer)


def issues(ready, cloud):
    """All issues with what says how many parts they have."""
    wanted = ["watches", "votes", "attachment", "comment", "worklog"]
    jql, start, token = f"project = {ready['project']} ORDER BY key", 0, None
    while True:
        body = {"jql": jql, "maxResults": 100 if cloud else 1000, "fields": wanted}
        if cloud:
            page = ask(ready, "POST", "/rest/api/3/search/jql", body | ({"nextPageToken": token} if token else {}))
            token = page.get("nextPageToken")
        else:
            page = ask(ready, "POST", "/rest/api/2/search", body | {"startAt": start})
            start += len(page["issues"])
        yield from page["issues"]
        if (cloud and page["isLast"]) or (not cloud and start >= page["total"]):
            return


def unavoidable(issue, cloud):
    fields = issue["fields"]
    cut = lambda name, items: fields[name]["total"] > len(fields[name][items])
    return (
        2 + (fields["watches"]["watchCount"] > 0) + (fields["votes"]["votes"] > 0)
        + cut("comment", "comments") + cut("worklog", "worklogs") + len(fields["attachment"]) * (2 if cloud else 1)
        + (0 if cloud else fields["comment"]["total"])
    )


def scan(binary, ready, flavor):
    with tempfile.TemporaryDirectory() as home:
        with open(f"{home}/efface.toml", "w") as file:
            file.write(
                f'[home]\npath = "home"\nstate = "state"\n[instance.x]\nurl = "{ready["url"]}"\nflavor = "{flavor}"\n'
                f'auth = {{ user = "{ready["user"]}", token_env = "TOKEN" }}\ncontroller = "us"\n'
                f'[sync.s]\nsource = {{ instance = "x", project = "{ready["project"]}" }}\n'
                'target = { instance = "x", project = "OTHER" }\n')
        os.makedirs(f"{home}/home")
        command = [binary, "--config", f"{home}/efface.toml", "-v", "--format", "json", "scan", "--name", "Nobody Nowhere",
                   "--place", f"source:x/{ready['project']}"]
        with open(f"{home}/log", "wb") as log, open(f"{home}/out", "wb") as out:
            started = time.monotonic()
            process = subprocess.Popen(command, env=os.environ | {"TOKEN": ready["token"]}, stdout=out, stderr=log)
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.monotonic() - started
        log = open(f"{home}/log").read()
        if os.waitstatus_to_exitcode(status) not in (0, 1):
            raise SystemExit(log)
        requests = max(int(n) for n in re.findall(r"requests=(\d+)", re.sub(r"\x1b\[[0-9;]*m", "", log)))
        return requests, seconds, usage.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", default="target/release/efface")
    parser.add_argument("--latency", type=int, default=20)
    parser.add_argument("--issues", default="1000,10000")
    options = parser.parse_args()
    print(f"latency {options.latency} ms, {CONCURRENCY} requests at once")
    print("| flavour | issues | requests | unavoidable | wall, s | floor, s | wall / floor | peak memory, MB |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for flavor in ("cloud", "datacenter"):
        for count in map(int, options.issues.split(",")):
            server = subprocess.Popen(
                [options.binary, "sandbox", "--flavor", flavor, "--issues", str(count), "--latency", str(options.latency)],
                stdout=subprocess.PIPE, text=True)
            try:
                ready = json.loads(server.stdout.readline())
                needed = sum(unavoidable(i, flavor == "cloud") for i in issues(ready, flavor == "cloud"))
                requests, seconds, memory = scan(options.binary, ready, flavor)
                floor = needed * options.latency / 1000 / CONCURRENCY
                print(f"| {flavor} | {count:,} | {requests:,} | {needed:,} | {seconds:.1f} | {floor:.1f} | {seconds / floor:.2f} "
                      f"| {memory:.0f} |", flush=True)
            finally:
                server.terminate()
                server.wait()


main()

"""What the sandbox costs: 50,000 issues, then each kind of request, in requests per second of the server's own CPU time.

Server CPU time is read from /proc, so that neither this client's speed nor a busy machine is what is measured.
Linux only, no packages. `benches/sandbox.py [--binary target/release/efface] [--issues 50000] [--requests 3000]`
"""
import argparse
import base64
import json
import os
import socket
import subprocess
import time
from urllib.parse import quote, urlsplit

TICK = os.sysconf("SC_CLK_TCK")


def cpu(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def memory(pid, name):
    for line in open(f"/proc/{pid}/status"):
        if line.startswith(name):
            return int(line.split()[1]) / 1024
    return 0.0


class Link:
    """One kept connection; HTTP/1.1 with Content-Length, which is all that the sandbox sends."""

    def __init__(self, ready):
        where = urlsplit(ready["url"])
        self.socket = socket.create_connection((where.hostname, where.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        credentials = base64.b64encode(f"{ready['user']}:{ready['token']}".encode()).decode()
        self.head = f"Host: {where.netloc}\r\nAuthorization: Basic {credentials}\r\n"
        self.buffer = b""

    def ask(self, method, path, body=None):
        payload = b"" if body is None else json.dumps(body).encode()
        kind = "" if body is None else f"Content-Type: application/json\r\nContent-Length: {len(payload)}\r\n"
        self.socket.sendall(f"{method} {path} HTTP/1.1\r\n{self.head}{kind}\r\n".encode() + payload)
        while b"\r\n\r\n" not in self.buffer:
            self.more()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        status = int(head.split(b" ", 2)[1])
        length = 0
        for line in head.split(b"\r\n")[1:]:
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        while len(self.buffer) < length:
            self.more()
        answer, self.buffer = self.buffer[:length], self.buffer[length:]
        return status, answer

    def more(self):
        part = self.socket.recv(1 << 20)
        if not part:
            raise SystemExit("the sandbox hung up")
        self.buffer += part


def kinds(flavor, project, count):
    """Name, and the nth request of each kind."""
    cloud = flavor == "cloud"
    api = "/rest/api/3" if cloud else "/rest/api/2"
    key = lambda n: f"{project}-{1 + n * 7919 % count}"
    text = (
        {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [{"type": "text", "text": "measured"}]}]}
        if cloud else "measured"
    )
    jql = f"project = {project} AND updated >= \"2020-01-01 00:00\" ORDER BY updated ASC, key ASC"
    search = (
        (lambda n: ("POST", f"{api}/search/jql", {"jql": jql, "maxResults": 50, "fields": ["summary", "updated"]}))
        if cloud else (lambda n: ("GET", f"{api}/search?maxResults=50&startAt={n * 50 % count}&fields=summary,updated&jql={quote(jql)}", None))
    )
    one = lambda n: f"key = {key(n)}"
    find = (
        (lambda n: ("POST", f"{api}/search/jql", {"jql": one(n), "fields": ["summary"]}))
        if cloud else (lambda n: ("GET", f"{api}/search?fields=summary&jql={quote(one(n))}", None))
    )
    return [
        ("server info", lambda n: ("GET", f"{api}/serverInfo", None)),
        ("read an issue", lambda n: ("GET", f"{api}/issue/{key(n)}", None)),
        ("read its comments", lambda n: ("GET", f"{api}/issue/{key(n)}/comment", None)),
        ("read its watchers", lambda n: ("GET", f"{api}/issue/{key(n)}/watchers", None)),
        ("history", lambda n: ("GET", f"{api}/issue/{key(n)}/changelog" if cloud else f"{api}/issue/{key(n)}?expand=changelog&fields=summary", None)),
        ("search one", find),
        ("search a page of all", search),
        ("edit a summary", lambda n: ("PUT", f"{api}/issue/{key(n)}", {"fields": {"summary": f"measured {n}"}})),
        ("add a comment", lambda n: ("POST", f"{api}/issue/{key(n)}/comment", {"body": text})),
        ("create an issue", lambda n: ("POST", f"{api}/issue", {"fields": {"project": {"key": project}, "issuetype": {"name": "Task"}, "summary": f"measured {n}"}})),
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", default="target/release/efface")
    parser.add_argument("--issues", type=int, default=50_000)
    parser.add_argument("--requests", type=int, default=3000)
    options = parser.parse_args()
    print("| flavour | what | requests/s of server CPU | slowest, ms |\n| --- | --- | --- | --- |")
    for flavor in ("cloud", "datacenter"):
        started = time.monotonic()
        server = subprocess.Popen(
            [options.binary, "sandbox", "--flavor", flavor, "--issues", str(options.issues)], stdout=subprocess.PIPE, text=True)
        try:
            ready = json.loads(server.stdout.readline())
            seconds = time.monotonic() - started
            print(f"| {flavor} | {options.issues} issues made: {seconds:.1f} s, {memory(server.pid, 'VmRSS:'):.0f} MB | | |")
            link = Link(ready)
            for name, request in kinds(flavor, ready["project"], options.issues):
                few = max(options.requests // 30, 10) if "page of all" in name else options.requests
                before, slowest, refused = cpu(server.pid), 0.0, 0
                for n in range(few):
                    sent = time.monotonic()
                    status, _ = link.ask(*request(n))
                    slowest = max(slowest, time.monotonic() - sent)
                    refused += status >= 300
                spent = cpu(server.pid) - before
                rate = f"{few / spent:,.0f}" if spent else "too fast to say"
                note = f" ({refused} of {few} refused)" if refused else ""
                print(f"| {flavor} | {name}{note} | {rate} | {slowest * 1000:.1f} |", flush=True)
            print(f"| {flavor} | afterwards: {memory(server.pid, 'VmRSS:'):.0f} MB, peak {memory(server.pid, 'VmHWM:'):.0f} MB | | |")
        finally:
            server.terminate()
            server.wait()


main()

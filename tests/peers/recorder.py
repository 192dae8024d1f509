"""A recording reverse proxy between a Jira client and a sandbox, with a judge behind it: Stoplight's Prism.

The client talks to `http://127.0.0.1:PORT/FLAVOUR/SANDBOX-PORT/…`; the recorder passes each request on to that sandbox and
gives the answer back untouched, but for the sandbox's own address, which becomes the recorder's (so that a client that
follows `self` links stays under the judge's eyes). Afterwards it plays the very same exchange through Prism's validating
proxy, whose upstream is the recorder again and answers with what the sandbox answered. So Prism sees every request and
every response, and can break neither.

Owns: the exchange, and what Prism says of it. Must not know which violations are allowed (that is `conformance.py`).
"""
import collections, http.client, http.server, json, pathlib, queue, re, socket, subprocess, threading, time, urllib.parse

http.client._MAXLINE = 1 << 20  # Prism puts all violations of an exchange into one header.
HOP = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "proxy-connection", "host", "content-length"}


#: Fields of an issue, which both documents leave free, by the documents' own names for what is in them.
FIELDS = {
    "cloud": {"UserDetails": "assignee reporter creator customfield_10002", "[UserDetails": "customfield_10003", "PageOfComments": "comment",
              "PageOfWorklogs": "worklog", "[Attachment": "attachment", "Watchers": "watches", "Votes": "votes",
              "[ProjectComponent": "components", "[Version": "versions fixVersions", "Priority": "priority", "StatusDetails": "status",
              "IssueTypeDetails": "issuetype", "ProjectDetails": "project", "Resolution": "resolution",
              "TimeTrackingDetails": "timetracking"},
    "datacenter": {"UserJsonBean": "assignee reporter creator customfield_10002", "[UserJsonBean": "customfield_10003",
                   "WorklogWithPaginationBean": "worklog", "[AttachmentJsonBean": "attachment", "[VersionBean": "versions fixVersions",
                   "PriorityJsonBean": "priority", "StatusJsonBean": "status", "IssueTypeJsonBean": "issuetype",
                   "ProjectJsonBean": "project", "ResolutionJsonBean": "resolution"},
}


def whatever_without_type(value):
    """`nullable` beside no type does not compile, and Prism skips what does not compile: it says nothing, so it goes."""
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else []:
        whatever_without_type(one)
    if isinstance(value, dict) and value.get("nullable") is True and "type" not in value:
        del value["nullable"]


def narrowed(spec, flavour, scratch):
    """The document with an issue's system fields held against its own schemas; gives the new file."""
    document = json.loads(pathlib.Path(spec).read_text())
    # `enum: [null]` would become `[null, null]`, which is no schema, and Prism skips what it cannot compile without a word.
    nothing = {"type": "string", "nullable": True, "enum": ["nothing"]}
    properties = {"summary": {"type": "string"}, "labels": {"type": "array", "items": {"type": "string"}}}
    for schema, fields in FIELDS[flavour].items():
        name = schema.lstrip("[")
        assert name in document["components"]["schemas"], name
        one = {"$ref": f"#/components/schemas/{name}"}
        one = {"type": "array", "items": one} if schema.startswith("[") else one
        properties |= {field: {"anyOf": [one, nothing]} for field in fields.split()}
    document["components"]["schemas"]["IssueBean"]["properties"]["fields"] = {"type": "object", "properties": properties,
                                                                              "additionalProperties": True}
    whatever_without_type(document)
    path = pathlib.Path(scratch) / f"{flavour}.json"
    path.write_text(json.dumps(document))
    return path


class Exchange:
    __slots__ = ("flavour", "method", "target", "headers", "body", "ours", "status", "answer_headers", "answer")

    def __init__(self, flavour, method, target, headers, body):
        self.flavour, self.method, self.target, self.headers, self.body = flavour, method, target, headers, body
        self.ours = any(k.lower() == "user-agent" and v.startswith("efface/") for k, v in headers)


class Templates:
    """A document's paths, to name an exchange by its template; literal segments win over parameters."""

    def __init__(self, spec):
        document = json.loads(pathlib.Path(spec).read_text())
        self.by_length = collections.defaultdict(list)
        for path, operations in document["paths"].items():
            self.by_length[path.count("/")].append((path, path.split("/"), {m.upper() for m in operations}))

    def match(self, method, path):
        parts = path.split("/")
        found = [(sum(t.startswith("{") for t in ts), p, method in ms) for p, ts, ms in self.by_length[len(parts) - 1]
                 if all(t.startswith("{") or t == s for t, s in zip(ts, parts))]
        found.sort(key=lambda f: (not f[2], f[0], f[1]))
        return (found[0][1], found[0][2]) if found else (None, False)


class Quiet(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request, address):
        pass  # A client that hangs up is part of the tests.


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    recorder = None

    def log_message(self, *_):
        pass

    def body(self):
        """The request's body; None where the client went away before its end."""
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            out = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                out += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return out
        length = int(self.headers.get("Content-Length") or 0)
        out = self.rfile.read(length)
        return out if len(out) == length else None

    def give(self, status, headers, body):
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in HOP:
                self.send_header(name, value)
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do(self):
        body = self.body()
        if body is None:
            # Half a request, made whole by a length of its own, would be one that nobody sent.
            self.close_connection = True
            return
        echo = self.headers.get("x-exchange")
        if echo is not None and self.server is self.recorder.echo:
            done = self.recorder.open[int(echo)]
            # Prism would follow a redirect, and parse an empty answer because Jira names its media type even there.
            left_out = {"location"} | (set() if done.answer or done.status == 204 else {"content-type"})
            return self.give(done.status, [h for h in done.answer_headers if h[0].lower() not in left_out], done.answer)
        _, flavour, port, rest = (self.path.split("/", 3) + [""])[:4]
        target = "/" + rest
        headers = [(k, v) for k, v in self.headers.items() if k.lower() not in HOP]
        exchange = Exchange(flavour, self.command, target, headers, body)
        upstream = http.client.HTTPConnection("127.0.0.1", int(port), timeout=120)
        try:
            upstream.putrequest(self.command, target, skip_accept_encoding=True)
            for name, value in headers:
                upstream.putheader(name, value)
            if body or self.command in ("POST", "PUT"):
                upstream.putheader("Content-Length", str(len(body)))
            upstream.endheaders(body)
            answer = upstream.getresponse()
            exchange.status, exchange.answer_headers, exchange.answer = answer.status, answer.getheaders(), answer.read()
        except (OSError, http.client.HTTPException):
            # The sandbox cut the line, or is gone: the client sees the same.
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        finally:
            upstream.close()
        self.recorder.put(exchange)
        real, ours = f"http://127.0.0.1:{port}", f"{self.recorder.url}/{flavour}/{port}"
        shown = [(k, v.replace(real, ours) if k.lower() == "location" else v) for k, v in exchange.answer_headers]
        content = exchange.answer
        if b"json" in (answer.getheader("Content-Type") or "").encode():
            content = content.replace(real.encode(), ours.encode())
        self.give(exchange.status, shown, content)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = do_OPTIONS = do


def place(violation):
    """Where and what, without ids and indices: `response.body.values.*.author required name`."""
    where = [re.sub(r"^\d+$", "*", str(part)) for part in violation["location"]]
    # What the document says of one field of an issue's edit it says of all.
    where = ["*" if where[0] == "request" and n and where[n - 1] == "fields" else part for n, part in enumerate(where)]
    text = re.sub(r"(?<=[\[.])\d+(?=[\].])", "*", violation["message"])
    # Keys that are data: custom fields, entity ids.
    text = re.sub(r"\b\d{4,}\b", "*", text)
    # Prism repeats the place in words before it says what is wrong.
    text = re.sub(r"^(Request|Response) (body|query|path|header)( parameter)?( property [^ ]+)? ", "", text)
    return ".".join(where), f"{violation.get('code', '?')}: {text}"


def parts_with_types(body):
    """A multipart body in which every part names its media type: Prism's reader falls over one that does not."""
    boundary = body.split(b"\r\n", 1)[0]
    pieces = body.split(boundary)
    for n, piece in enumerate(pieces):
        head, separator, content = piece.partition(b"\r\n\r\n")
        if separator and b"content-type:" not in head.lower():
            pieces[n] = head + b"\r\nContent-Type: application/octet-stream" + separator + content
    return boundary.join(pieces)


class Recorder:
    """Runs the proxy and one Prism a flavour; `specs` gives the documents by flavour."""

    def __init__(self, node, prism, specs, scratch, workers=3):
        self.specs, self.open, self.processes = specs, {}, []
        specs = {flavour: narrowed(spec, flavour, scratch) for flavour, spec in specs.items()}
        self.templates = {flavour: Templates(spec) for flavour, spec in specs.items()}
        #: (flavour, method, template, status) → exchanges seen; (flavour, line) → [count, example].
        self.seen, self.violations = collections.Counter(), {}
        self.unspoken = collections.Counter()
        self.queue, self.number, self.lock = queue.Queue(), 0, threading.Lock()
        handler = type("Bound", (Handler,), {"recorder": self})
        self.front, self.echo = Quiet(("127.0.0.1", 0), handler), Quiet(("127.0.0.1", 0), handler)
        for server in (self.front, self.echo):
            threading.Thread(target=server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.front.server_port}"
        self.prisms = {}
        for flavour, spec in specs.items():
            compiled = subprocess.run([node, pathlib.Path(__file__).with_name("compiles.mjs"), prism.parents[3], spec],
                                      capture_output=True, text=True)
            if compiled.returncode:
                raise SystemExit(f"Prism would skip schemas of {flavour}:\n{compiled.stdout}{compiled.stderr}")
            with socket.socket() as s:
                s.bind(("127.0.0.1", 0))
                port = s.getsockname()[1]
            log = open(pathlib.Path(scratch) / f"prism-{flavour}.log", "w")
            self.processes.append(subprocess.Popen(
                [node, prism, "proxy", "-h", "127.0.0.1", "-p", str(port), str(spec), f"http://127.0.0.1:{self.echo.server_port}"],
                stdout=log, stderr=subprocess.STDOUT))
            self.prisms[flavour] = port
        for flavour, port in self.prisms.items():
            for _ in range(600):
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    time.sleep(0.1)
            else:
                raise SystemExit(f"Prism for {flavour} did not start; see {scratch}")
        for _ in range(workers):
            threading.Thread(target=self.work, daemon=True).start()

    def put(self, exchange):
        with self.lock:
            self.number += 1
            self.open[self.number] = exchange
            self.queue.put(self.number)

    def work(self):
        while True:
            number = self.queue.get()
            try:
                self.judge(number, self.open[number])
            except Exception as e:  # noqa: BLE001 — a judge that fails must be seen, not end the thread.
                self.note(self.open[number], "-", "judge", f"failed: {type(e).__name__} {e}: {self.open[number].target} {len(self.open[number].answer)} bytes")
            finally:
                self.open.pop(number, None)
                self.queue.task_done()

    def judge(self, number, x):
        target = re.sub(r"^/rest/api/latest(?=/)", "/rest/api/3" if x.flavour == "cloud" else "/rest/api/2", x.target)
        path = urllib.parse.unquote(target.split("?")[0])
        if not path.startswith("/rest/"):
            with self.lock:
                self.unspoken[x.flavour, x.method, re.sub(r"/[0-9a-f]{2,}(?=/|$)", "/*", path.rsplit("/", 1)[0])] += 1
            return
        template, documented = self.templates[x.flavour].match(x.method, path)
        with self.lock:
            self.seen[x.flavour, x.method, template or path, x.status] += 1
        if not documented and not x.ours and x.status in (404, 405):
            return  # Both know nothing of it.
        if not documented:
            what = "method" if template else "path"
            return self.note(x, template or re.sub(r"[A-Z]+-\d+|\d{4,}", "*", path), what, "not in the document")
        # Prism takes no encoded slash and no doubled one; what it does take is the request itself.
        connection = http.client.HTTPConnection("127.0.0.1", self.prisms[x.flavour], timeout=120)
        connection.putrequest(x.method, target, skip_accept_encoding=True)
        for name, value in x.headers:
            connection.putheader(name, value)
        connection.putheader("x-exchange", str(number))
        content_type = next((v for k, v in x.headers if k.lower() == "content-type"), "")
        body = parts_with_types(x.body) if content_type.startswith("multipart/") else x.body
        if x.method in ("GET", "HEAD", "DELETE"):
            body = b""  # Prism announces such a body to its upstream and then sends none.
        if body or x.method in ("POST", "PUT"):
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        text = answer.read()
        found = json.loads(answer.getheader("sl-violations") or "[]")
        if answer.status != x.status:
            self.note(x, template, "judge", f"answered {answer.status} instead: {text[:300]!r}")
        connection.close()
        for violation in found:
            where, what = place(violation)
            # What other people's clients send is theirs, what they get is ours; and where the sandbox refuses what the
            # document forbids, both agree.
            if where.startswith("request") and (not x.ours or 400 <= x.status < 500):
                continue
            # One line for what is no matter of one operation: the security scheme, and faults that tests inject.
            if "Invalid security scheme" in what:
                self.note(x, "*", where, what)
                continue
            if x.status in (429, 500) and "returned status code" in what:
                self.note(x, "*", where, f"{x.status} is not defined")
                continue
            self.note(x, template, where, what)

    def note(self, x, template, where, what):
        line = f"{x.method} {template} {x.status}: {where} {what}" if where.startswith("response") else f"{x.method} {template}: {where} {what}"
        if template == "*":
            line = f"* *: {where} {what}"
        with self.lock:
            entry = self.violations.setdefault((x.flavour, line), [0, None])
            entry[0] += 1
            if entry[1] is None:
                entry[1] = f"{x.method} {x.target}\n> {x.body[:1500]!r}\n< {x.status} {x.answer[:3000]!r}"

    def drain(self):
        self.queue.join()

    def bites(self):
        """Whether the judge is awake: answers that are wrong must be objected to. Their objections are taken back."""
        wrong = [("GET", "/myself", {"displayName": 5}), ("GET", "/issue/A-1", {"id": 1}),
                 ("GET", "/issue/A-1", {"id": "1", "fields": {"assignee": {"displayName": 5}}})]
        awake = {}
        for flavour in self.specs:
            for n, (method, path, answer) in enumerate(wrong):
                x = Exchange(flavour, method, ("/rest/api/3" if flavour == "cloud" else "/rest/api/2") + path,
                             [("Authorization", "Basic eDp5"), ("Accept", "application/json")], b"")
                x.status, x.answer_headers, x.answer = 200, [("Content-Type", "application/json")], json.dumps(answer).encode()
                before = len(self.violations)
                self.put(x)
                self.drain()
                awake[flavour, n] = len(self.violations) > before
                self.violations.clear()
                self.seen.clear()
        return awake

    def stop(self):
        for server in (self.front, self.echo):
            server.shutdown()
        for process in self.processes:
            process.terminate()
            process.wait(20)

#!/usr/bin/env python3
"""Measures scan beside rg, and sync against the sandbox. Called by figures.sh; see --help."""

import argparse
import csv
import json
import os
import pathlib
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
SCANS = ["small", "lines", "array", "sealed"]

# No reader understands these: their plain strings are searched, and the coverage says partial.
NOT_READ = ["sealed"]
# How much of --size: in every character set, noise costs far more than rg, which knows one.
SHARE = {"sealed": 0.02}


def timed(command, out):
    """Runs a command with its output in a file: exit code, wall seconds, CPU seconds, peak memory in MB."""
    with open(out, "wb") as stdout:
        started = time.perf_counter()
        child = subprocess.Popen(command, stdout=stdout, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - started
    child.returncode = os.waitstatus_to_exitcode(status)
    return child.returncode, wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def median(rows, column):
    return statistics.median(row[column] for row in rows)


def spread(rows, column):
    values = [row[column] for row in rows]
    return f"{min(values):.2f}–{max(values):.2f}"


def corpus(args, form):
    """The corpus of a form, made once for its options and kept in --dir."""
    size = args.size * SHARE.get(form, 1)
    folder = pathlib.Path(args.dir) / f"{form}-{size:g}-{args.files}-{args.seed}"
    told = folder.parent / f"{folder.name}.told.json"
    if not told.exists():
        shutil.rmtree(folder, ignore_errors=True)
        command = [sys.executable, HERE / "corpus.py", form, folder, "--size", str(size), "--files",
                   str(args.files), "--seed", str(args.seed)]
        told.write_text(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    return folder, json.loads(told.read_text())


DROP_CACHES = "/proc/sys/vm/drop_caches"


def forget_cache():
    """Empties the page cache; false where that is not allowed."""
    try:
        os.sync()
        with open(DROP_CACHES, "w") as out:
            out.write("3\n")
        return True
    except OSError:
        return False


def invented(args, person, out):
    """A CSV of that many invented people, the one who is planted among them. Nobody else stands in the corpus."""
    r = random.Random(args.seed)
    part = ["ka", "lo", "mi", "ve", "zu", "ra", "ten", "bor", "sil", "dan", "fje", "wyn", "gor", "pav", "eth", "qui"]
    word = lambda n: "".join(r.choice(part) for _ in range(n)).capitalize()
    first = [word(2) for _ in range(600)]
    with open(out, "w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "email", "name"])
        rows.writerow(["s-0", person["email"], person["name"]])
        for n in range(1, args.subjects):
            given, family = r.choice(first), word(3)
            rows.writerow([f"s-{n}", f"{given}.{family}{n}@corp.example".lower(), f"{given} {family}"])
    return out


def several(args, form, work):
    """Many subjects beside one."""
    folder, told = corpus(args, form)
    person = told["subject"]
    config = configuration(work, form, folder)
    base = [args.efface, "--config", config, "--format", "json", "--no-progress", "scan", "--area", "foreign"]
    one = base + ["--email", person["email"], "--name", person["name"]]
    many = base + ["--subjects", invented(args, person, work / "people.csv")]
    rows = []
    for turn in range(args.rounds + 1):
        pair = {"one": timed(one, work / "one.json"), "many": timed(many, work / "many.json")}
        if turn:
            rows.append(pair)
    found = [{(f["record"]["path"], f["locator"], f["kind"]) for f in json.loads((work / name).read_text())["findings"]}
             for name in ["one.json", "many.json"]]
    if found[0] - found[1]:
        print(f"{form}: {len(found[0] - found[1])} FINDINGS OF ONE SUBJECT ARE MISSING AMONG MANY")
    ratios = [{"wall": p["many"][1] / p["one"][1], "cpu": p["many"][2] / p["one"][2]} for p in rows]
    many, one = [p["many"] for p in rows], [p["one"] for p in rows]
    print(f"| {form}: {told['bytes'] / 1e6:.0f} MB, {args.subjects} subjects | {median(many, 1):.2f} s | {median(one, 1):.2f} s | "
          f"**{median(ratios, 'wall'):.2f}** ({spread(ratios, 'wall')}) | {median(ratios, 'cpu'):.2f} "
          f"({spread(ratios, 'cpu')}) | {max(r[3] for r in many):.0f} MB | {max(r[3] for r in one):.0f} MB |", flush=True)


def configuration(work, form, folder):
    config = work / f"{form}.toml"
    config.write_text(
        f'[home]\npath = "{work}/home"\nstate = "{work}/state-{form}"\n\n[[foreign]]\nname = "bench"\npath = "{folder}"\n')
    (work / "home").mkdir(exist_ok=True)
    return config


def scan(args, form, work):
    folder, told = corpus(args, form)
    person = told["subject"]
    config = configuration(work, form, folder)
    found, listed = work / "efface.json", work / "rg.txt"
    ours = [args.efface, "--config", config, "--format", "json", "--no-progress", "scan", "--area", "foreign",
            "--email", person["email"], "--name", person["name"]]
    theirs = ["rg", "-F", "-i", "-a", "-e", person["email"], "-e", person["name"], folder]
    rows = []
    # The first round warms the page cache and is not counted.
    for turn in range(args.rounds + 1):
        pair = {}
        order = [("ours", ours, found), ("rg", theirs, listed)]
        for name, command, out in order if turn % 2 else reversed(order):
            if args.cold and not forget_cache():
                sys.exit(f"--cold: may not write {DROP_CACHES}")
            pair[name] = timed(command, out)
        if turn:
            rows.append(pair)
    report = json.loads(found.read_text())
    coverage = report["coverage"][0]
    hits = len({f["record"]["path"] for f in report["findings"]})
    got = (coverage["status"], coverage["records"], coverage["bytes"], hits)
    want = ("partial" if form in NOT_READ else "examined", told["files"], told["bytes"], told["hit_files"])
    if got != want:
        print(f"{form}: NOT WHAT WAS PLANTED: (status, files, bytes, files with hits) is {got}, should be {want}; "
              f"{coverage['reason']}")
    ratios = [{"wall": p["ours"][1] / p["rg"][1], "cpu": p["ours"][2] / p["rg"][2]} for p in rows]
    ours, theirs = [p["ours"] for p in rows], [p["rg"] for p in rows]
    cold = ", cold" if args.cold else ""
    print(f"| {form}{cold}: {told['bytes'] / 1e6:.0f} MB in {told['files']} files | {median(ours, 1):.2f} s | "
          f"{median(theirs, 1):.2f} s | **{median(ratios, 'wall'):.2f}** ({spread(ratios, 'wall')}) | "
          f"{median(ratios, 'cpu'):.2f} ({spread(ratios, 'cpu')}) | {max(r[3] for r in ours):.0f} MB | "
          f"{max(r[3] for r in theirs):.0f} MB |", flush=True)


class Sandbox:
    """A running `efface sandbox`."""

    def __init__(self, args, flavor, issues, latency, project, seed):
        command = [args.efface, "sandbox", "--listen", "127.0.0.1:0", "--flavor", flavor, "--issues", str(issues),
                   "--latency", str(latency), "--project", project, "--seed", str(seed)]
        self.child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.ready = json.loads(self.child.stdout.readline())

    def instance(self, name, work):
        token = work / f"{name}.token"
        token.write_text(self.ready["token"])
        token.chmod(0o600)
        return (f'[instance.{name}]\nurl = "{self.ready["url"]}"\nflavor = "{self.ready["flavor"]}"\n'
                f'auth = {{ user = "{self.ready["user"]}", token_file = "{token}" }}\ncontroller = "us"\n\n')

    def stop(self):
        self.child.terminate()
        self.child.wait()


def sync(args, latency, work):
    rows = []
    for turn in range(args.sync_rounds):
        place = pathlib.Path(tempfile.mkdtemp(dir=work))
        source = Sandbox(args, "datacenter", args.issues, latency, "SRC", 1)
        target = Sandbox(args, "cloud", 0, latency, "DST", 2)
        try:
            config = place / "efface.toml"
            (place / "home").mkdir()
            config.write_text(
                f'[home]\npath = "{place}/home"\nstate = "{place}/state"\n\n' + source.instance("a", place)
                + target.instance("b", place)
                + '[sync.a-b]\nsource = { instance = "a", project = "SRC" }\ntarget = { instance = "b", project = "DST" }\n'
                + 'fields = ["summary", "description", "priority", "labels", "status", "assignee", "reporter", '
                + '"comment", "attachment"]\nusers = "map"\n')
            command = [args.efface, "--config", config, "--format", "json", "--no-progress", "sync", "run"]
            row = {}
            for run in ["first", "again"]:
                code, wall, cpu, memory = timed(command, place / "run.json")
                report = json.loads((place / "run.json").read_text())["syncs"]["a-b"]
                row[run] = (wall, cpu, memory, report, code)
            rows.append(row)
        finally:
            source.stop()
            target.stop()
    for run in ["first", "again"]:
        took = [r[run] for r in rows]
        report = took[0][3]
        done = report["created"] if run == "first" else report["unchanged"] + report["updated"]
        name = f"{report['created']} issues, {report['comments']} comments, {report['attachments']} attachments" if (
            run == "first") else "again, nothing changed"
        wall = median(took, 0)
        print(f"| {latency} ms | {name} | {wall:.2f} s ({spread(took, 0)}) | "
              f"{args.issues / wall:.0f} | {report['requests']} | {report['requests'] / args.issues:.2f} | "
              f"{max(t[2] for t in took):.0f} MB |", flush=True)
        if run == "first" and (done != args.issues or took[0][4] != 0):
            print(f"NOT ALL CAME OVER: exit {took[0][4]}, {json.dumps(report)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--efface", default=str(HERE.parent / "target/release/efface"))
    parser.add_argument("--dir", default=os.path.join(tempfile.gettempdir(), "efface-figures"), help="keeps the corpora")
    parser.add_argument("--only", default="small,lines,array,sealed,sync")
    parser.add_argument("--size", type=float, default=1000, help="MB a corpus")
    parser.add_argument("--files", type=int, default=20, help="large files")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--issues", type=int, default=200)
    parser.add_argument("--subjects", type=int, default=0, help="also scan for so many people, beside one")
    parser.add_argument("--cold", action="store_true", help="empty the page cache before each scan (as root)")
    parser.add_argument("--latency", default="0,20", help="ms, comma-separated")
    parser.add_argument("--sync-rounds", type=int, default=3)
    args = parser.parse_args()
    only = args.only.split(",")
    pathlib.Path(args.dir).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=args.dir) as work:
        work = pathlib.Path(work)
        if any(form in only for form in SCANS):
            print("| scan | efface | rg | wall ÷ rg | CPU ÷ rg | peak efface | peak rg |\n|---|---|---|---|---|---|---|")
            for form in SCANS:
                if form in only:
                    scan(args, form, work)
            print()
            if args.subjects:
                print("| scan | many | one | wall, many ÷ one | CPU | peak many | peak one |\n|---|---|---|---|---|---|---|")
                for form in SCANS:
                    if form in only:
                        several(args, form, work)
                print()
        if "sync" in only:
            print("| latency | run | wall | issues/s | requests | requests/issue | peak |\n|---|---|---|---|---|---|---|")
            for latency in args.latency.split(","):
                sync(args, int(latency), work)


if __name__ == "__main__":
    main()

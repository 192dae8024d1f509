#!/usr/bin/env python3
"""Measures how much of a scan its repetition costs: the first scan of a case, then again with nothing and with 1 % changed.

Beside it runs a bare walk that asks for the state of every file and does nothing with it: find DIR -type f -size +1000G.
All in one run, so that the ratios hold on a busy machine. Needs a release build. The corpora are those of figures.py.

    benches/repeat.py --size 400 --only small,lines
"""

import argparse
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from figures import corpus, timed  # noqa: E402

SETTLED = 2.5  # seconds; younger files are read again, whatever is remembered


def one_percent_of_the_files(paths, turn):
    for path in random.Random(turn).sample(paths, max(1, len(paths) // 100)):
        with open(path, "ab") as file:
            file.write(b"\n")


def one_percent_of_the_lines(paths, _):
    for path in paths:
        with open(path, "rb+") as file:
            size = os.fstat(file.fileno()).st_size
            lines = file.read(size // 100)
            file.seek(size)
            file.write(lines[: lines.rfind(b"\n") + 1])


CHANGES = {
    "small": [("1 % of the files changed", one_percent_of_the_files)],
    "lines": [("one file of all changed", one_percent_of_the_files), ("each file grew by 1 %", one_percent_of_the_lines)],
    "array": [("one file of all changed", one_percent_of_the_files)],
}


class Bench:
    def __init__(self, args, form, work):
        self.args, self.form, self.work = args, form, work
        self.folder, told = corpus(args, form)
        self.person = told["subject"]
        self.paths = sorted(p for p in self.folder.rglob("*") if p.is_file())
        self.config = work / f"{form}.toml"
        self.config.write_text(
            f'[home]\npath = "{work}/home"\nstate = "{work}/state-{form}"\n\n'
            f'[[foreign]]\nname = "bench"\npath = "{self.folder}"\n')
        (work / "home").mkdir(exist_ok=True)
        self.run("subject", "add", "--id", "S", "--email", self.person["email"], "--name", self.person["name"])

    def run(self, *command):
        command = [self.args.efface, "--config", self.config, *command]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout

    def scan(self, *who):
        out = self.work / "out.json"
        command = [self.args.efface, "--config", self.config, "--format", "json", "--no-progress", "scan", "--area",
                   "foreign", *who]
        _, wall, _, peak = timed(command, out)
        return wall, peak, json.loads(out.read_text())

    def walk(self):
        return timed(["find", self.folder, "-type", "f", "-size", "+1000G"], self.work / "found")[1]

    def quick(self):
        return self.scan("--email", self.person["email"], "--name", self.person["name"])[2]

    def round(self, turn):
        """One round: rows of (what, wall, bare walk beside it, first scan, files taken from memory, peak)."""
        case = self.run("case", "open", "--subject", "S", "-q").strip()
        self.walk()
        walk, (first, peak, report) = self.walk(), self.scan("--case", case)
        yield "first scan", first, walk, first, 0, peak
        changes = [("nothing changed", None), *CHANGES[self.form]]
        for what, change in changes:
            if change:
                change(self.paths, turn)
                time.sleep(SETTLED)
            again = self.scan("--case", case)
            walk = self.walk()
            wall, peak, report = again
            taken = report["coverage"][0].get("earlier", {}).get("records", 0)
            yield what, wall, walk, first, taken, peak
            check = self.quick()
            same = [f["id"] for f in report["findings"]] == [f["id"] for f in check["findings"]]
            if not same and len(report["findings"]) != len(check["findings"]):
                print(f"{self.form}, {what}: NOT THE SAME as a scan that remembers nothing", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    here = pathlib.Path(__file__).resolve().parent
    parser.add_argument("--efface", default=str(here.parent / "target/release/efface"))
    parser.add_argument("--dir", default=os.path.join(tempfile.gettempdir(), "efface-repeat"), help="keeps the corpora")
    parser.add_argument("--only", default="small,lines,array")
    parser.add_argument("--size", type=float, default=400, help="MB a corpus")
    parser.add_argument("--files", type=int, default=20, help="large files")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    pathlib.Path(args.dir).mkdir(parents=True, exist_ok=True)
    print("| repeat | files | taken | wall | ÷ bare walk | ÷ first scan | peak |\n|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(dir=args.dir) as work:
        for form in args.only.split(","):
            bench = Bench(args, form, pathlib.Path(work))
            time.sleep(SETTLED)
            rows = {}
            for turn in range(args.rounds):
                for what, *row in bench.round(turn):
                    rows.setdefault(what, []).append(row)
            for what, got in rows.items():
                wall = statistics.median(r[0] for r in got)
                by_walk = statistics.median(r[0] / r[1] for r in got)
                by_first = statistics.median(r[0] / r[2] for r in got)
                print(f"| {form}: {what} | {len(bench.paths)} | {min(r[3] for r in got)} | {wall:.2f} s | {by_walk:.2f} | "
                      f"{by_first:.3f} | {max(r[4] for r in got):.0f} MB |", flush=True)


if __name__ == "__main__":
    main()

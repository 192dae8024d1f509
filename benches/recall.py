#!/usr/bin/env python3
"""Recall and precision of `efface scan` over the corpus of benches/corpus, by form and by strength.

Makes the corpus, feeds two sandbox Jiras, runs the real binary on both, and holds what it found against the labels.

    recall.py --binary target/release/efface               # the table on stdout
    recall.py --check benches/corpus/floor.json            # fails where a form is below its floor, or the floor sank
    recall.py --raise-floor benches/corpus/floor.json      # writes what was reached, never less than what stood there
    recall.py --write docs/RECALL.md                       # the table for the document
    recall.py --findings FILE                              # every miss and every false finding, with its reproduction

A reference counts as found where a finding names the same person in the same file (and line or pointer, where the label has
one), or the same person in the same issue; and as found well where its strength reaches what DESIGN.md asks for. A near miss
counts as false where a finding of its person in its place is surer than `possible`. Standard library only.
"""

import argparse
import csv
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from corpus import floor as floors, folder, report, world  # noqa: E402

RANK = {"possible": 1, "probable": 2, "certain": 3}


@dataclass
class Tally:
    """What came of one form."""

    planted: int = 0
    found: int = 0
    well: int = 0
    false: int = 0
    strength: str = ""
    missed: list = field(default_factory=list)


def scan(binary, config, subjects, *arguments):
    """The report of a scan, and its seconds."""
    started = time.perf_counter()
    done = subprocess.run([binary, "--config", config, "--format", "json", "--no-progress", "-q", "scan", "--subjects", subjects, "--reveal",
                           "--purpose", "benches/recall.py", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if done.returncode not in (0, 1, 3):
        raise SystemExit(f"the scan ended with {done.returncode}: {done.stderr.decode()[-2000:]}")
    return json.loads(done.stdout), time.perf_counter() - started


def write_subjects(path, persons):
    with open(path, "w", newline="", encoding="utf-8") as out:
        rows = csv.writer(out)
        rows.writerow(["id", "kind", "value", "instance"])
        for person in persons:
            for kind, value, instance in person["identifiers"]:
                rows.writerow([person["id"], kind, value, instance])


def who(report_json, persons):
    """Pseudonym → person; the report names the subjects in the order of the file."""
    return dict(zip(report_json["subjects"], (p["id"] for p in persons), strict=True))


def under(locator, label):
    """Whether a finding's locator is the label's or below it."""
    return not label or locator == label or locator.startswith(label + "/")


def judge(told, findings, place_of):
    """Holds findings against labels: tallies by form, and what was found where no label stands."""
    by_place = defaultdict(list)
    for finding in findings:
        by_place[place_of(finding), finding["person"]].append(finding)
    tallies, known = defaultdict(Tally), set()
    for label in told["labels"]:
        if label["kind"] == "gap":
            continue
        here = by_place.get((label["place"], label["person"]), [])
        known.add((label["place"], label["person"]))
        here = [f for f in here if under(f["locator"], label["locator"]) and label["record"] in ("", f["record"]["type"])]
        best = max((RANK[f["strength"]] for f in here), default=0)
        tally = tallies[label["form"]]
        tally.planted += 1
        tally.strength = label["strength"]
        if label["kind"] == "miss":
            tally.false += best > RANK["possible"]
            if best > RANK["possible"]:
                tally.missed.append((label, best))
            continue
        tally.found += best > 0
        tally.well += best >= RANK[label["strength"]]
        if best < RANK[label["strength"]]:
            tally.missed.append((label, best))
    strays = [f for place, found in by_place.items() if place not in known for f in found if f["strength"] != "possible"]
    return dict(tallies), strays


def files(args, work):
    """The folder: tallies, strays, notes for the document."""
    root = work / "files"
    made = folder.make(root, args.seed, args.persons, args.identities)
    told = folder.as_json(made)
    gaps = sorted(label["place"] for label in told["labels"] if label["kind"] == "gap")
    config = work / "files.toml"
    (work / "home").mkdir(exist_ok=True)
    foreign = "".join(f'\n[[foreign]]\nname = "{name}"\npath = "{root}/gaps/{name}"\n' for name in gaps)
    config.write_text(f'[home]\npath = "{work}/home"\nstate = "{work}/state-files"\n\n[[foreign]]\nname = "corpus"\npath = "{root}/foreign"\n{foreign}')
    subjects = work / "files.csv"
    write_subjects(subjects, told["persons"])
    found, seconds = scan(args.binary, config, subjects, "--area", "foreign")
    names = who(found, told["persons"])
    findings = [f | {"person": names[f["subject"]]} for f in found["findings"] if f["place"] == "foreign:corpus"]
    tallies, strays = judge(told, findings, lambda f: (f["record"]["path"] or "").split("!")[0])
    # For benches/peers.py, which holds other tools against the same labels.
    kept = told | {"seconds": seconds, "found": sorted({((f["record"]["path"] or "").split("!")[0], f["person"], f["strength"]) for f in findings})}
    (work / "labels.json").write_text(json.dumps(kept, ensure_ascii=False, indent=0))
    for row in found["coverage"]:
        name = row["place"].split(":", 1)[1]
        if name in gaps:
            tallies["gap." + name.removeprefix("gap-")] = Tally(1, *[int(row["status"] in ("partial", "unexamined"))] * 2, strength="named",
                                                              missed=[] if row["status"] in ("partial", "unexamined") else [({"place": name, "id": "", "value": ""}, 0)])
    return told, tallies, strays, seconds


def remote(args, work):
    """Both Jiras: tallies, strays."""
    with world.Worlds(args.binary, work, args.seed, args.identities) as worlds:
        told = worlds.feed()
        subjects = work / "remote.csv"
        write_subjects(subjects, told["persons"])
        found, seconds = scan(args.binary, worlds.config, subjects, "--area", "source,target")
        names = who(found, told["persons"])
        # The corpus makes the persons' accounts: each stands in its own profile and in the audit record of its making, without a label.
        accounts = lambda f: f["record"]["type"] == "user-profile" or (f["record"]["id"] or "").startswith("audit/")
        findings = [f | {"person": names[f["subject"]]} for f in found["findings"] if not accounts(f)]
        tallies, strays = judge(told, findings, lambda f: f["record"]["key"] or f"elsewhere:{f['instance']}")
        return told, tallies, strays, seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default="target/release/efface")
    parser.add_argument("--identities", default=report.default_identities(), help="the CSV file that presidio-evaluator ships")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--persons", type=int, default=360)
    parser.add_argument("--only", choices=["files", "remote"])
    parser.add_argument("--keep", type=Path, help="work here and leave it")
    parser.add_argument("--peers", type=Path, help="what other tools found (benches/peers.py), for the document")
    parser.add_argument("--check", type=Path)
    parser.add_argument("--raise-floor", type=Path)
    parser.add_argument("--write", type=Path)
    parser.add_argument("--findings", type=Path)
    args = parser.parse_args()
    args.binary = str(Path(args.binary).resolve())
    with tempfile.TemporaryDirectory() as temporary:
        work = args.keep.resolve() if args.keep else Path(temporary)
        work.mkdir(parents=True, exist_ok=True)
        parts = {}
        if args.only != "remote":
            parts["files"] = files(args, work)
        if args.only != "files":
            parts["remote"] = remote(args, work)
    print(report.table(parts))
    print(report.summary(parts), file=sys.stderr)
    if args.findings:
        args.findings.write_text(report.findings(parts))
    if args.raise_floor:
        floors.raise_to(args.raise_floor, parts)
    if args.write:
        args.write.write_text(report.document(args, parts))
    if args.check:
        wrong = floors.check(args.check, parts)
        print("\n".join(wrong) or "Every form is at its floor or above.", file=sys.stderr)
        sys.exit(1 if any(not line.startswith("note:") for line in wrong) else 0)


if __name__ == "__main__":
    main()

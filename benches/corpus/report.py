"""The tables of recall and precision, and the list of what was missed."""

from collections import defaultdict
from pathlib import Path


def default_identities():
    """The file of presidio-evaluator below target/, where tests/peers/recall.sh installs it."""
    found = sorted(Path("target").glob("*/lib/python*/site-packages/presidio_evaluator/data_generator/raw_data/FakeNameGenerator.com_3000.csv"))
    return str(found[0]) if found else None


def ratio(part, whole):
    return f"{part / whole:.3f}" if whole else "–"


def _is_miss(form):
    return form.startswith("miss.")


def table(parts):
    """Every form."""
    out = []
    for name, (_, tallies, strays, _) in parts.items():
        out += [f"### {name}", "", "| form | asked | planted | found | as sure as asked | recall | false above possible |", "| --- | --- | ---: | ---: | ---: | ---: | ---: |"]
        for form, t in sorted(tallies.items()):
            if _is_miss(form):
                out.append(f"| {form} | at most {t.strength} | {t.planted} | | | | {t.false} |")
            else:
                out.append(f"| {form} | {t.strength} | {t.planted} | {t.found} | {t.well} | {ratio(t.well, t.planted)} | |")
        out += [f"| (findings above possible where nothing was planted) | | | | | | {len(strays)} |", ""]
    return "\n".join(out)


def sums(parts):
    """By part and strength: planted, found, well, false."""
    out = {}
    for name, (_, tallies, strays, _) in parts.items():
        for strength in ("certain", "probable", "possible", "named"):
            mine = [t for form, t in tallies.items() if not _is_miss(form) and t.strength == strength]
            if mine:
                out[name, strength] = [sum(getattr(t, k) for t in mine) for k in ("planted", "found", "well")]
        misses = [t for form, t in tallies.items() if _is_miss(form)]
        out[name, "near misses"] = [sum(t.planted for t in misses), sum(t.false for t in misses), len(strays)]
    return out


def precision(parts, name):
    """Of the findings above possible in labelled places, the share that is a reference."""
    _, tallies, strays, _ = parts[name]
    true = sum(t.found for form, t in tallies.items() if not _is_miss(form) and t.strength in ("certain", "probable"))
    false = sum(t.false for t in tallies.values()) + len(strays)
    return true / (true + false) if true + false else 1.0


def summary(parts):
    """By strength."""
    out = ["| where | asked | planted | found | as sure as asked | recall | precision |", "| --- | --- | ---: | ---: | ---: | ---: | ---: |"]
    for (name, strength), row in sums(parts).items():
        if strength == "near misses":
            out.append(f"| {name} | near misses | {row[0]} | {row[1]} above possible, {row[2]} strays | | | {precision(parts, name):.4f} |")
        else:
            out.append(f"| {name} | {strength} | {row[0]} | {row[1]} | {row[2]} | {ratio(row[2], row[0])} | |")
    return "\n".join(out)


def findings(parts):
    """Every miss and every false finding."""
    out = []
    words = {0: "not found", 1: "possible", 2: "probable", 3: "certain"}
    for name, (_, tallies, strays, _) in parts.items():
        out.append(f"## {name}")
        for form, t in sorted(tallies.items(), key=lambda item: (_is_miss(item[0]), item[0])):
            if t.missed:
                asked = "at most possible" if _is_miss(form) else t.strength
                out.append(f"- **{form}** ({len(t.missed)} of {t.planted}; asked {asked})")
                for label, best in t.missed[:3]:
                    out.append(f"  - {words[best]}: `{label['place']}` {label.get('locator', '')} {label['value']!r}")
        groups = defaultdict(list)
        for f in strays:
            groups[f["kind"], f["strength"]].append(f)
        for (kind, strength), some in groups.items():
            out.append(f"- **stray** {kind} {strength}: {len(some)}")
            out += [f"  - {f['person']} in {f['record']} {f['field']} {f['locator']}" for f in some[:4]]
    return "\n".join(out) + "\n"


HEAD = """# Recall and precision

Made by `benches/recall.py` over the corpus of `benches/corpus` (seed {seed}): every reference is planted by construction and
labelled when it is planted, never from what a tool found. Persons are the generated identities of the package
`presidio-evaluator` (installed, not kept here) and some invented ones with what those lack. One run reads the folder for all
{persons} persons, another two sandbox Jiras (Data Center and Cloud) for theirs. `.ci/run` fails where a form falls below `benches/corpus/floor.json`.

*Found* is a finding of the person in the file (and line or pointer, or issue). *As sure as asked*: with the strength that DESIGN.md
asks for at least. A near miss is false where it is reported surer than `possible`. Precision is over all findings above `possible`.

"""


PEERS = """The same files and the same identifiers (`benches/peers.py`). `rg` is given every identifier as a fixed text, in any case, through gzip, bzip2, xz
and zstd; it searches no file names. Presidio's analyzer is given every identifier as a deny list, and each file as UTF-8 text; it opens no formats. Neither
grades what it finds, so that every hit in a near miss is false. Presidio with a language model answers another question (is this some person?); tried
with spaCy's small English model on 200 of the files, it found a tenth of what was planted, not least since it refuses addresses below `.example`.
"""


def document(args, parts):
    """docs/RECALL.md."""
    persons = sum(len(told["persons"]) for told, *_ in parts.values())
    out = [HEAD.format(seed=args.seed, persons=persons), "## By strength", "", summary(parts), ""]
    if args.peers and args.peers.exists():
        out += ["## Beside other tools", "", PEERS, args.peers.read_text().strip(), ""]
    missed = [(name, form, t) for name, (_, tallies, _, _) in parts.items() for form, t in sorted(tallies.items()) if t.well < t.planted and not _is_miss(form)]
    false = [(name, form, t) for name, (_, tallies, _, _) in parts.items() for form, t in sorted(tallies.items()) if t.false]
    out += ["## What is missed today", ""]
    out += [f"- {name}: `{form}`: {t.well} of {t.planted} as sure as asked ({t.strength}), {t.found} found" for name, form, t in missed] or ["Nothing that was planted."]
    out += ["", "## What is reported surer than it may be", ""]
    out += [f"- {name}: `{form}`: {t.false} of {t.planted}" for name, form, t in false] or ["No near miss."]
    out += ["", "## Every form", "", table(parts)]
    return "\n".join(out).rstrip() + "\n"

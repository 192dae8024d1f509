#!/usr/bin/env python3
"""What other tools find in the corpus with the same identifiers: `rg -z -F -i -a`, and the Microsoft Presidio analyzer.

    peers.py DIR [--presidio] [--sample N] [--write FILE]

DIR is what `benches/recall.py --keep DIR` left: the files, and labels.json. Both tools are given every identifier of every
person. rg opens what it knows to unpack and searches bytes; Presidio reads text, so each file is given to it as UTF-8, whatever
it is. Presidio runs as far as it works without a network: with one recognizer of its kind whose deny list is the identifiers,
and no language model (`--presidio`); where a spaCy model is installed (`--model NAME`), also as it comes, and then whatever
person, mailbox or phone it reports that holds the family name, the mailbox or the user name counts as found. (It refuses addresses
below `.example`, which is all that may stand here, so that column says little.) Neither has strengths, so that any hit at a reference counts as found and any hit at a near miss as false.
"""

import argparse
import json
import random
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

GROUPS = [("spellings in plain files", ("name.", "email.", "user.", "account.", "phone.", "position.")), ("escaped or split", ("escape.", "split.", "apart.")),
          ("other encodings", ("encoding.",)), ("structured and logs", None),
          ("documents, mail, images", ("pdf.", "docx.", "xlsx.", "pptx.", "odt.", "ods.", "odf.", "rtf.", "jpeg.", "png.", "tiff.", "gif.", "webp.", "svg.", "mp3.", "mail.", "vcard.", "ical.", "ldif.")),
          ("archives and unknown formats", ("zip.", "tar.", "gzip.", "bzip2.", "xz.", "lzma.", "zstd.", "nested.", "strings.", "backup.")), ("names of files and folders", ("path.",))]


def group_of(form):
    for name, starts in GROUPS:
        if starts and form.startswith(starts):
            return name
    return "structured and logs"


def index(persons):
    """Identifier in lower case → persons."""
    out = defaultdict(set)
    for person in persons:
        for _, value, _ in person["identifiers"]:
            out[value.casefold()].add(person["id"])
    return out


def ripgrep(root, persons, work):
    patterns = work / "identifiers.txt"
    by_value = index(persons)
    patterns.write_text("\n".join(sorted(v for p in persons for _, v, _ in p["identifiers"])) + "\n", encoding="utf-8")
    done = subprocess.run(["rg", "-z", "-F", "-i", "-a", "--no-ignore", "--hidden", "--json", "-f", patterns, "."], cwd=root, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    hits = set()
    for line in done.stdout.splitlines():
        event = json.loads(line)
        if event["type"] == "match" and "text" in event["data"]["path"]:
            for sub in event["data"]["submatches"]:
                for person in by_value.get(sub["match"].get("text", "").casefold(), ()):
                    hits.add((event["data"]["path"]["text"].removeprefix("./"), person))
    return hits


def presidio(root, persons, files, model):
    import tldextract
    # It would ask the network for a newer list of suffixes; the one in the package does.
    tldextract.extract = tldextract.TLDExtract(suffix_list_urls=())
    from presidio_analyzer import AnalyzerEngine, PatternRecognizer, RecognizerRegistry
    from presidio_analyzer.nlp_engine import NlpEngineProvider

    by_value = index(persons)
    if model:
        engine = NlpEngineProvider(nlp_configuration={"nlp_engine_name": "spacy", "models": [{"lang_code": "en", "model_name": model}]}).create_engine()
        analyzer = AnalyzerEngine(nlp_engine=engine)
        kinds = ["PERSON", "EMAIL_ADDRESS", "PHONE_NUMBER", "URL"]
        tails = defaultdict(set)
        for person in persons:
            for kind, value, _ in person["identifiers"]:
                word = value.split()[-1] if kind == "full-name" else value.split("@")[0] if kind == "email" else value if kind == "username" else None
                if word:
                    tails[word.casefold()].add(person["id"])
    else:
        registry = RecognizerRegistry(recognizers=[PatternRecognizer("SUBJECT", name="subject", deny_list=sorted(v for p in persons for _, v, _ in p["identifiers"]))])
        analyzer = AnalyzerEngine(registry=registry, nlp_engine=NoModel(), supported_languages=["en"])
        kinds = ["SUBJECT"]
    hits = set()
    for file in files:
        text = (root / file).read_bytes()[:300_000].decode("utf-8", "replace")
        for found in analyzer.analyze(text, "en", entities=kinds):
            value = text[found.start:found.end].casefold()
            if not model:
                hits.update((file, person) for person in by_value.get(value, ()))
                continue
            for word in value.replace("@", " ").replace("/", " ").split():
                hits.update((file, person) for person in tails.get(word.strip(".,;:()<>\"'"), ()))
    return hits


def NoModel():
    """Presidio wants a language model for every text, also where only patterns are looked for; this is an empty one."""
    from presidio_analyzer.nlp_engine import NlpArtifacts, NlpEngine
    import spacy

    class Empty(NlpEngine):
        def __init__(self):
            self.nlp = spacy.blank("en")

        def load(self):
            pass

        def is_loaded(self):
            return True

        def process_text(self, text, language):
            return NlpArtifacts(entities=[], tokens=self.nlp(""), tokens_indices=[], lemmas=[], nlp_engine=self, language=language)

        def process_batch(self, texts, language, **_):
            return ((t, self.process_text(t, language)) for t in texts)

        def is_stopword(self, word, language):
            return False

        def is_punct(self, word, language):
            return False

        def get_supported_entities(self):
            return []

        def get_supported_languages(self):
            return ["en"]

    return Empty()


def efface(told):
    """What recall.py left of our own findings: place and person of those above possible, and of all."""
    return {(f[0], f[1]) for f in told["found"]}, {(f[0], f[1]) for f in told["found"] if f[2] != "possible"}


def rows(told, tools, sample):
    """By group: recall of each tool; then near misses and precision."""
    labels = [label for label in told["labels"] if label["kind"] != "gap" and not label["locator"]]
    head = "| what | planted | " + " | ".join(name for name, *_ in tools) + " |"
    out = [head, "| --- | ---: |" + " ---: |" * len(tools)]
    recall = lambda mine, hits: f"{sum((m['place'], m['person']) in hits for m in mine) / len(mine):.3f}"
    sure = [label for label in labels if label["kind"] == "reference" and label["strength"] != "possible"]
    for group, _ in GROUPS:
        mine = [label for label in sure if group_of(label["form"]) == group]
        if mine:
            out.append(f"| {group} | {len(mine)} | " + " | ".join(recall(only(mine, part), hits) if only(mine, part) else "–" for _, hits, _, part in tools) + " |")
    out.append(f"| **all, certain and probable** | {len(sure)} | " + " | ".join(f"**{recall(only(sure, part), hits)}**" for _, hits, _, part in tools) + " |")
    near = [label for label in labels if label["kind"] == "miss"]
    out.append(f"| near misses reported | {len(near)} | " + " | ".join(str(sum((m["place"], m["person"]) in false for m in only(near, part))) for _, _, false, part in tools) + " |")
    precision = []
    for _, hits, false, part in tools:
        true = sum((m["place"], m["person"]) in hits for m in only(sure, part))
        wrong = sum((m["place"], m["person"]) in false for m in only(near, part))
        precision.append(f"{true / (true + wrong):.3f}" if true + wrong else "–")
    out.append("| precision | | " + " | ".join(precision) + " |")
    if sample:
        out.append(f"\nPresidio read a sample of {sample} files; its recall is over what is planted there.")
    return "\n".join(out) + "\n"


def only(labels, part):
    return [label for label in labels if part is None or label["place"] in part]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dir", type=Path)
    parser.add_argument("--presidio", action="store_true")
    parser.add_argument("--model", help="a spaCy model that is installed, for Presidio as it comes")
    parser.add_argument("--sample", type=int, default=0, help="only so many files for Presidio; 0 for all")
    parser.add_argument("--write", type=Path)
    args = parser.parse_args()
    told = json.loads((args.dir / "labels.json").read_text())
    root, persons = args.dir / "files" / "foreign", told["persons"]
    ours = efface(told)
    tools = [("efface", ours[0], ours[1], None)]

    def timed(name, make, part):
        started = time.perf_counter()
        hits = make()
        print(f"{name}: {time.perf_counter() - started:.1f} s", file=sys.stderr)
        tools.append((name, hits, hits, part))

    timed("rg -z -F -i -a", lambda: ripgrep(root, persons, args.dir), None)
    files = sorted({label["place"] for label in told["labels"] if label["kind"] != "gap" and (root / label["place"]).is_file()})
    if args.sample and args.sample < len(files):
        files = sorted(random.Random(1).sample(files, args.sample))
    part = set(files) if args.sample else None
    if args.presidio:
        timed("Presidio, deny list", lambda: presidio(root, persons, files, None), part)
    if args.model:
        timed("Presidio with a model", lambda: presidio(root, persons, files, args.model), part)
    table = rows(told, tools, len(files) if part else 0)
    print(table)
    if args.write:
        args.write.write_text(table)
    # The reason to exist: nobody else may find more of what counts.
    sure = [label for label in told["labels"] if label["kind"] == "reference" and label["strength"] != "possible" and not label["locator"]]
    mine = sum((m["place"], m["person"]) in ours[0] for m in sure)
    for name, hits, _, part in tools[1:]:
        theirs = sum((m["place"], m["person"]) in hits for m in only(sure, part))
        if part is None and theirs > mine:
            sys.exit(f"{name} finds more references than efface does: {theirs} to {mine}")


if __name__ == "__main__":
    main()

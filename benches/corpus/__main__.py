"""Makes the corpus: python3 -m corpus DIR [--seed N] [--persons N] [--identities FILE.csv]. Prints counts; labels.json beside it."""

import argparse
import json
from collections import Counter
from pathlib import Path

from . import folder

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("dir", type=Path)
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--persons", type=int, default=360)
parser.add_argument("--identities", help="the generated identities of presidio-evaluator; without it a few are invented")
args = parser.parse_args()
made = folder.make(args.dir, args.seed, args.persons, args.identities)
told = folder.as_json(made)
(args.dir / "labels.json").write_text(json.dumps(told, ensure_ascii=False, indent=0))
print(json.dumps({"files": told["files"], "bytes": told["bytes"], "labels": dict(Counter(label["kind"] for label in told["labels"]))}))

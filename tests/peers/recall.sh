#!/usr/bin/env bash
# Recall and precision over the corpus of benches/corpus, held against its floor, and what rg and Presidio find there. The persons are
# the generated identities that the package presidio-evaluator ships; only its data is read, so it is installed without what it needs
# to run. `recall.sh` checks. `recall.sh document` writes docs/RECALL.md, with Presidio over every file. Other arguments go to
# benches/recall.py, such as --raise-floor benches/corpus/floor.json or --findings FILE.
set -euo pipefail
cd "$(dirname "$0")/../.."
venv="${EFFACE_RECALL_VENV:-target/recall-venv}"
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
install() { "$venv/bin/pip" install --quiet --disable-pip-version-check "$@"; }
install --no-deps 'presidio-evaluator==0.3.2'
binary="${EFFACE_BINARY:-target/release/efface}"
[ -x "$binary" ] || cargo build --release --quiet
identities=$(echo "$venv"/lib/python*/site-packages/presidio_evaluator/data_generator/raw_data/FakeNameGenerator.com_3000.csv)
recall() { "$venv/bin/python" benches/recall.py --binary "$binary" --identities "$identities" "$@"; }
if [ $# -gt 0 ] && [ "$1" != document ]; then
  recall "$@"
  exit
fi
command -v rg >/dev/null || { apt-get update -qq && apt-get install -y -qq ripgrep; }
install 'presidio-analyzer==2.2.366'
kept=$(mktemp -d)
trap 'rm -rf "$kept"' EXIT
if [ $# -eq 0 ]; then
  recall --keep "$kept" --check benches/corpus/floor.json >"$kept/table.md" || { cat "$kept/table.md"; exit 1; }
  "$venv/bin/python" benches/peers.py "$kept" --presidio --sample 300
else
  # First what the others find, then the document with it; the corpus is the same.
  recall --only files --keep "$kept" >/dev/null
  "$venv/bin/python" benches/peers.py "$kept" --presidio --write "$kept/peers.md"
  recall --peers "$kept/peers.md" --write docs/RECALL.md >/dev/null
fi

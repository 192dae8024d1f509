#!/bin/sh
# The figures of docs/FIGURES.md: everything measured side by side in one run, so that ratios hold on a busy machine.
# Needs a release build (cargo build --release), python3 and rg. Not a test: nothing fails for being slow.
#
#   benches/figures.sh                     # all: 1 GB a corpus, five rounds
#   benches/figures.sh --size 100 --only small,lines,array
#   benches/figures.sh --only sync --issues 200
set -eu
here=$(dirname "$0")
exec python3 "$here/figures.py" "$@"

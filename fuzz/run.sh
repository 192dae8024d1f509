#!/usr/bin/env bash
# Runs every fuzz target for some seconds: fuzz/run.sh [SECONDS [TARGET...]]
# Stable Rust and a C++ compiler are enough; `cargo fuzz run TARGET` (nightly, with the address sanitizer) works as well.
# With EFFACE_FUZZ_LOG=FILE each run is noted there; fuzz/tally puts docs/fuzzing.tsv into docs/FUZZING.md.
# What is found is kept in fuzz/artifacts/; a case that shows a defect becomes a test in the module that had it.
set -euo pipefail
cd "$(dirname "$0")"
seconds=${1:-20}
shift || true
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(config policy markup adf message scan spans encoded leaves documents charsets fields matcher othersearch)
host=$(rustc -vV | sed -n 's/^host: //p')
coverage="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters"
coverage="$coverage -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing -Ccodegen-units=1"
# With --target the flags are not for build scripts.
RUSTFLAGS="$coverage" cargo build --quiet --target "$host" --bins
for target in "${targets[@]}"; do
  mkdir -p "corpus/$target" "artifacts/$target"
  log=$(mktemp)
  "target/$host/debug/$target" "corpus/$target" -dict=words.dict -max_len=4096 -timeout=20 -rss_limit_mb=2048 \
    -artifact_prefix="artifacts/$target/" -max_total_time="$seconds" >"$log" 2>&1 || { tail -n 40 "$log"; echo "fuzz $target: FAILED, the input is in fuzz/artifacts/$target"; exit 1; }
  # What was run, for fuzz/tally: when, what, runs, seconds, coverage.
  if [ -n "${EFFACE_FUZZ_LOG:-}" ]; then
    sed -nE "s/^Done ([0-9]+) runs in ([0-9]+) second.*/$(date -u +%Y-%m-%d)\t$target\t\1\t\2\t$(grep -Eo 'cov: [0-9]+' "$log" | tail -n 1 | cut -c6-)/p" "$log" >>"$EFFACE_FUZZ_LOG"
  fi
  echo "fuzz $target: $(grep -Eo 'Done [0-9]+ runs in [0-9]+' "$log") seconds, $(grep -Eo 'cov: [0-9]+' "$log" | tail -n 1)"
  rm -f "$log"
done
